/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From root to a user's socket. The receiver believes a crash because its peer is root
 * (SO_PEERCRED, taken from the effective uid at connect(2)), so becoming that user altogether is no
 * choice: the user could then forge the same. What root must not do is reach, on the user's behalf,
 * anything that the user could not reach alone. Hence:
 *
 *  - Every look at the user's directory, and connect(2) itself, is made with the *filesystem* uid
 *    of that user (setfsuid(2)): the kernel checks each step as if it were theirs, CAP_DAC_* are
 *    out of force meanwhile, and the effective uid stays 0. CAP_SETUID is the one capability that
 *    is needed. (The group stays root's; as each component must be that user's own, it opens
 *    nothing.)
 *  - /run/user belongs to root; the component UID is a number. Beneath it each component is opened
 *    by itself: no symlink is followed, no other mount entered, and each must be that user's, so
 * the socket is one in the user's own runtime directory. (openat2(2) would say it in one call, but
 *    RestrictSUIDSGID= of the unit turns it off.)
 *  - What is found is held by an O_PATH fd, must be a socket owned by that user (so no other
 *    service's, whatever was linked or moved there), and is connected to through /proc/self/fd/N:
 *    what was looked at is what is connected to.
 *  - Nothing is read from the socket, no fd is sent, and the sending waits with a deadline.
 *
 * What the user gains by putting a listener of their own there: the fields of a crash of their own,
 * which their journal gives them anyway; never another uid's, because the directory is chosen by
 * COREDUMP_UID of a genuine entry and a receiver refuses foreign uids. */
#include "coredump/deliver.h"

#include "common/clock.h"
#include "common/text.h"
#include "coredump/wire.h"
#include <fcntl.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

bool deliver_drkonqi_serves_itself(int root_fd)
{
	static const char *const folders[] = {"etc/systemd/system", "run/systemd/system",
		"usr/local/lib/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"};
	char path[160];

	for (size_t i = 0; i < ELEMENTSOF(folders); i++) {
		(void)snprintf(path, sizeof path,
			"%s/systemd-coredump@.service.wants/drkonqi-coredump-processor@.service",
			folders[i]);
		if (faccessat(root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return true;
	}
	return false;
}

/* setfsuid(2) tells no error: ask again whether it took. */
static int take_fsuid(uid_t uid)
{
	(void)setfsuid(uid);
	return (uid_t)setfsuid((uid_t)-1) == uid ? 0 : -EPERM;
}

typedef struct Inode {
	int fd; /* O_PATH */
	struct statx stat;
} Inode;

static void inode_done(Inode *inode)
{
	inode->fd = safe_close(inode->fd);
}

/* Whether two are on the same mount; kernels before 5.8 tell only the filesystem. */
static bool same_mount(const struct statx *a, const struct statx *b)
{
	bool told = a->stx_mask & b->stx_mask & STATX_MNT_ID;

	return a->stx_dev_major == b->stx_dev_major && a->stx_dev_minor == b->stx_dev_minor &&
	       (!told || a->stx_mnt_id == b->stx_mnt_id);
}

/* One component. above: what it stands in, and must be on the same mount with; NULL: any mount.
 * What is asked for the kernel knows by itself: no filesystem of the user's is waited for. */
static int inode_open(
	int dir_fd, const char *name, int flags, uid_t uid, const Inode *above, Inode *ret)
{
	_cleanup_(inode_done)
		Inode inode = {.fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC | flags)};

	if (inode.fd < 0 || statx(inode.fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
				    STATX_TYPE | STATX_UID | STATX_MNT_ID, &inode.stat) < 0)
		return -errno;
	if (S_ISLNK(inode.stat.stx_mode))
		return -ELOOP;
	if (inode.stat.stx_uid != uid)
		return -EPERM;
	if (above && !same_mount(&inode.stat, &above->stat))
		return -EXDEV;
	*ret = inode;
	inode.fd = -EBADF;
	return 0;
}

static int open_runtime_dir(const char *run, uid_t uid, Inode *ret)
{
	char name[16];

	(void)snprintf(name, sizeof name, "%u", uid);
	_cleanup_(closep) int run_fd = open(run, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return run_fd < 0 ? -errno : inode_open(run_fd, name, O_DIRECTORY, uid, NULL, ret);
}

/* The socket's inode, held. name: at most one folder and the socket. */
static int open_socket(const Inode *runtime, uid_t uid, const char *name, Inode *ret)
{
	_cleanup_(inode_done) Inode folder = {.fd = -EBADF}, found = {.fd = -EBADF};
	const char *slash = strchr(name, '/');
	const Inode *above = runtime;
	char first[32];
	int r;

	if (slash) {
		(void)snprintf(first, sizeof first, "%.*s", (int)(slash - name), name);
		r = inode_open(runtime->fd, first, O_DIRECTORY, uid, runtime, &folder);
		if (r < 0)
			return r;
		above = &folder;
	}
	r = inode_open(above->fd, slash ? slash + 1 : name, 0, uid, above, &found);
	if (r < 0)
		return r;
	if (!S_ISSOCK(found.stat.stx_mode))
		return -EPERM;
	*ret = found;
	found.fd = -EBADF;
	return 0;
}

static int connect_to(int inode_fd, usec_t deadline_monotonic)
{
	_cleanup_(closep) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	usec_t now = now_usec(CLOCK_MONOTONIC);

	if (fd < 0)
		return -errno;
	if (now >= deadline_monotonic)
		return -ETIME;
	/* A full backlog cannot be polled for; connect(2) waits as long as SO_SNDTIMEO says. */
	usec_t left = deadline_monotonic - now;
	const struct timeval span = {.tv_sec = (time_t)(left / USEC_PER_SEC),
		.tv_usec = MAX_OF((suseconds_t)(left % USEC_PER_SEC), (suseconds_t)1)};
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &span, sizeof span) < 0)
		return -errno;
	(void)snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", inode_fd);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		return errno == EAGAIN || errno == EINTR ? -ETIME : -errno;
	return TAKE_FD(fd);
}

/* With the user's filesystem uid in force. */
static int connect_as_user(const char *run, uid_t uid, const char *name, usec_t deadline_monotonic)
{
	_cleanup_(inode_done) Inode runtime = {.fd = -EBADF}, target = {.fd = -EBADF};
	int r;

	r = open_runtime_dir(run, uid, &runtime);
	if (r >= 0)
		r = open_socket(&runtime, uid, name, &target);
	return r < 0 ? r : connect_to(target.fd, deadline_monotonic);
}

static int connect_socket(const char *run, uid_t uid, const char *name, usec_t deadline_monotonic)
{
	uid_t own = geteuid();
	int r, fd = -EBADF;

	r = take_fsuid(uid);
	if (r >= 0)
		fd = connect_as_user(run, uid, name, deadline_monotonic);
	if (take_fsuid(own) < 0) { /* cannot happen: one's own euid is always allowed */
		(void)safe_close(fd);
		return -EPERM;
	}
	/* Changing an id sets this to fs.suid_dumpable; root's messenger leaves no core. */
	(void)prctl(PR_SET_DUMPABLE, 0);
	return r < 0 ? r : fd;
}

static bool means_absent(int error)
{
	return error == -ENOENT || error == -ENOTDIR || error == -ECONNREFUSED;
}

int deliver_crash(
	const DeliverRoots *roots, const Crash *crash, bool with_drkonqi, usec_t deadline_monotonic)
{
	DeliverTo to = DELIVER_VIGIL;
	int r;

	if (crash->uid == CRASH_UID_UNKNOWN)
		return DELIVER_NOBODY;
	_cleanup_(closep) int fd =
		connect_socket(roots->run, crash->uid, WIRE_VIGIL_SOCKET, deadline_monotonic);
	if (means_absent(fd) && with_drkonqi) {
		to = DELIVER_DRKONQI;
		fd = connect_socket(
			roots->run, crash->uid, WIRE_DRKONQI_SOCKET, deadline_monotonic);
	}
	if (fd < 0)
		return means_absent(fd) ? DELIVER_NOBODY : fd;
	_cleanup_(json_decrefp) json_t *object = wire_object(crash, false);
	if (!object)
		return -ENOMEM;
	r = wire_send(fd, object, deadline_monotonic);
	return r < 0 ? r : (int)to;
}
