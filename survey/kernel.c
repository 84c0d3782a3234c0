/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The questions that only the running kernel answers: kcmp(2) and ioctl_ns(2). */
#include "common/cleanup.h"
#include "survey/survey.h"
#include <linux/kcmp.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static int real_compare_files(pid_t a, int fd_a, pid_t b, int fd_b, void *userdata)
{
	(void)userdata;
	long r = syscall(SYS_kcmp, a, b, KCMP_FILE, (unsigned long)fd_a, (unsigned long)fd_b);
	return r < 0 ? -errno : (int)r;
}

static int real_namespace_owner(int ns_fd, uint64_t top, unsigned depth, uid_t *ret_owner,
	uint64_t *ret_parent, void *userdata)
{
	_cleanup_(closep) int owned = -EBADF;
	int at = ns_fd;

	(void)userdata;
	for (; depth > 0; depth--) {
		_cleanup_(closep) int parent = ioctl(at, NS_GET_PARENT);
		struct stat st;

		if (parent < 0) {
			*ret_parent =
				0; /* EPERM: beyond what the viewer may see, so top is not above */
			return errno == EPERM ? 0 : -errno;
		}
		if (fstat(parent, &st) < 0)
			return -errno;
		if (st.st_ino == top) {
			if (ioctl(at, NS_GET_OWNER_UID, ret_owner) < 0)
				return -errno;
			*ret_parent = top;
			return 0;
		}
		(void)safe_close(owned);
		at = owned = TAKE_FD(parent);
	}
	return -ELOOP;
}

const SurveyKernel survey_real_kernel = {
	.compare_files = real_compare_files,
	.namespace_owner = real_namespace_owner,
};
