/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Landlock (landlock(7)): of the whole file hierarchy the named files can be read, nothing else; no
 * TCP, no abstract socket, no signal to anybody outside. The numbers of newer ABIs stand here, so
 * that what is built against old headers uses what a new kernel has. */
#include "coredump/unwind/sandbox-locks.h"

#include <fcntl.h>
#include <sys/syscall.h>

#ifndef SYS_landlock_create_ruleset /* the same numbers on every machine */
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule	    445
#define SYS_landlock_restrict_self  446
#endif

#define CREATE_RULESET_VERSION	  1U
#define RULE_PATH_BENEATH	  1
#define ACCESS_FS_READ_FILE	  ((uint64_t)1 << 2)
#define ACCESS_NET_BIND_CONNECT	  ((uint64_t)3)
#define SCOPE_SOCKETS_AND_SIGNALS ((uint64_t)3)

struct ruleset { /* struct landlock_ruleset_attr; a kernel takes zeros behind what it knows */
	uint64_t fs, net, scoped;
};

struct path_beneath { /* struct landlock_path_beneath_attr */
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

/* Every right that the ABI knows is taken away. Bits by ABI: 1: 13 of them, 2: REFER, 3: TRUNCATE,
 * 5: IOCTL_DEV; network since 4, scopes since 6. */
static struct ruleset rights_of(int abi)
{
	unsigned bits = abi >= 5 ? 16 : abi >= 3 ? 15 : abi == 2 ? 14 : 13;

	return (struct ruleset){
		.fs = ((uint64_t)1 << bits) - 1,
		.net = abi >= 4 ? ACCESS_NET_BIND_CONNECT : 0,
		.scoped = abi >= 6 ? SCOPE_SOCKETS_AND_SIGNALS : 0,
	};
}

static int allow_file(int rules, const char *path)
{
	_cleanup_(closep) int fd = open(path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return 0; /* gone meanwhile: one file less */
	struct path_beneath rule = {.allowed = ACCESS_FS_READ_FILE, .parent_fd = fd};
	if (syscall(SYS_landlock_add_rule, rules, RULE_PATH_BENEATH, &rule, 0) < 0)
		return -errno;
	return 0;
}

int sandbox_lock_files(const char *const *files, size_t n_files)
{
	_cleanup_(closep) int rules = -EBADF;
	int r;

	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
	if (abi < 1) /* ENOSYS: built without; EOPNOTSUPP: off by the command line */
		return 0;
	struct ruleset rights = rights_of((int)abi);
	rules = (int)syscall(SYS_landlock_create_ruleset, &rights, sizeof rights, 0);
	if (rules < 0)
		return -errno;
	for (size_t i = 0; i < n_files; i++) {
		r = allow_file(rules, files[i]);
		if (r < 0)
			return r;
	}
	if (syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		return -errno;
	return (int)abi;
}
