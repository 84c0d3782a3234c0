/* SPDX-License-Identifier: GPL-2.0-or-later */
/* User namespaces: who pays for a process that runs in another one. The kernel charges the creator
 * of an instance in its own namespace and the owner of each namespace on the way up
 * (kernel/ucount.c, inc_ucount); the viewer's accounts see the owner of the last namespace below
 * the viewer's. */
#include "common/cleanup.h"
#include "common/text.h"
#include "survey/internals.h"
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>

#define NAMESPACES_REMEMBERED                                                                      \
	256 /* far more than a machine has containers of one user; later ones are asked anew */
#define NAMESPACE_DEPTH_MAX 32 /* the kernel's own nesting limit (create_user_ns) */

typedef struct KnownNamespace {
	uint64_t inode;
	NamespaceRelation relation;
	uid_t owner;
} KnownNamespace;

struct NamespaceCache {
	pthread_mutex_t lock;
	const SurveyKernel *kernel;
	uint64_t own;
	KnownNamespace known[NAMESPACES_REMEMBERED];
	size_t n;
};

NamespaceCache *namespace_cache_new(const SurveyKernel *kernel, uint64_t own)
{
	NamespaceCache *cache = calloc(1, sizeof *cache);

	if (cache) {
		cache->kernel = kernel;
		cache->own = own;
		(void)pthread_mutex_init(&cache->lock, NULL);
	}
	return cache;
}

NamespaceCache *namespace_cache_free(NamespaceCache *cache)
{
	if (cache) {
		(void)pthread_mutex_destroy(&cache->lock);
		free(cache);
	}
	return NULL;
}

uint64_t namespace_parse_link(const char *link)
{
	const char *digits = startswith(link, "user:[");
	uint64_t inode;

	if (!digits || parse_u64_prefix(digits, &digits, &inode) < 0 || !streq(digits, "]"))
		return 0;
	return inode;
}

uint64_t namespace_read_link(int dir_fd, const char *path)
{
	char link[64];
	ssize_t n = readlinkat(dir_fd, path, link, sizeof link - 1);

	if (n <= 0)
		return 0;
	link[n] = '\0';
	return namespace_parse_link(link);
}

static bool find(NamespaceCache *cache, uint64_t inode, KnownNamespace *ret)
{
	bool found = false;

	(void)pthread_mutex_lock(&cache->lock);
	for (size_t i = 0; i < cache->n && !found; i++)
		if (cache->known[i].inode == inode) {
			*ret = cache->known[i];
			found = true;
		}
	(void)pthread_mutex_unlock(&cache->lock);
	return found;
}

static void remember(NamespaceCache *cache, const KnownNamespace *found)
{
	(void)pthread_mutex_lock(&cache->lock);
	if (cache->n < NAMESPACES_REMEMBERED)
		cache->known[cache->n++] = *found;
	(void)pthread_mutex_unlock(&cache->lock);
}

/* Walks from the namespace behind ns_fd up to the viewer's. */
static void relate(const NamespaceCache *cache, int ns_fd, KnownNamespace *found)
{
	uint64_t parent = 0;
	uid_t owner = (uid_t)-1;
	int r;

	found->relation = NAMESPACE_OUTSIDE;
	if (!cache->kernel->namespace_owner)
		return;
	r = cache->kernel->namespace_owner(
		ns_fd, cache->own, NAMESPACE_DEPTH_MAX, &owner, &parent, cache->kernel->userdata);
	if (r == 0 && parent == cache->own) {
		found->relation = NAMESPACE_BELOW;
		found->owner = owner;
	}
}

NamespaceRelation namespace_of_process(
	NamespaceCache *cache, int process_dir, uint64_t *ret_inode, uid_t *ret_owner)
{
	KnownNamespace found = {.inode = namespace_read_link(process_dir, "ns/user")};

	*ret_inode = 0;
	if (found.inode == 0 || cache->own == 0 || found.inode == cache->own) {
		*ret_inode = found.inode;
		return NAMESPACE_SAME;
	}
	if (!find(cache, found.inode, &found)) {
		_cleanup_(closep) int ns_fd =
			openat(process_dir, "ns/user", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (ns_fd < 0)
			return NAMESPACE_SAME;
		relate(cache, ns_fd, &found);
		remember(cache, &found);
	}
	*ret_inode = found.inode;
	*ret_owner = found.owner;
	return found.relation;
}
