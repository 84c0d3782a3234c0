/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coredump/debuginfod/confine.h"

#include "common/io.h"
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define STATE_BYTES ((uint64_t)8 * 1024 * 1024) /* servers.h's file, always */

static int open_cache(const char *path, int *ret_fd)
{
	int r = make_directories(path);

	if (r < 0)
		return r;
	*ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret_fd < 0 ? -errno : 0;
}

/* nobody(5) owns nothing of worth, and whoever else runs as it could at most put files here that
 * the unwinder reads in its sandbox, as it reads those of a server. */
static int become_nobody(int cache_fd)
{
	const struct passwd *nobody = getpwnam("nobody");
	struct stat st;

	if (!nobody || nobody->pw_uid == 0)
		return -ENOENT;
	if (fstat(cache_fd, &st) < 0)
		return -errno;
	if (st.st_uid != 0 && st.st_uid != nobody->pw_uid)
		return -EPERM;
	if (fchown(cache_fd, nobody->pw_uid, nobody->pw_gid) < 0 || setgroups(0, NULL) < 0 ||
		setresgid(nobody->pw_gid, nobody->pw_gid, nobody->pw_gid) < 0 ||
		setresuid(nobody->pw_uid, nobody->pw_uid, nobody->pw_uid) < 0)
		return -errno;
	return setuid(0) == 0 ? -EPERM : 0;
}

static int limit(__rlimit_resource_t what, uint64_t max)
{
	struct rlimit old;

	if (getrlimit(what, &old) < 0)
		return -errno;
	rlim_t wanted = MIN_OF((rlim_t)max, old.rlim_max);
	return setrlimit(what, &(struct rlimit){wanted, wanted}) < 0 ? -errno : 0;
}

int confine(const char *cache, uint64_t file_bytes, int *ret_cache_fd)
{
	_cleanup_(closep) int fd = -EBADF;
	int r;

	r = open_cache(cache, &fd);
	if (r >= 0 && geteuid() == 0)
		r = become_nobody(fd);
	if (r < 0)
		return r;
	if (fchdir(fd) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	(void)umask(077);
	r = limit(RLIMIT_CORE, 0);
	if (r >= 0)
		r = limit(RLIMIT_FSIZE, MAX_OF(file_bytes, STATE_BYTES));
	if (r < 0)
		return r;
	*ret_cache_fd = TAKE_FD(fd);
	return 0;
}
