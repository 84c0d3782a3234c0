/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holders that are out of the ordinary; each prints "ready …" and waits for stdin to end.
 *   inotify-odd leaderless           two instances; the first thread has ended
 *   inotify-odd passed UID           one instance, also held by a process of UID, through
 * SCM_RIGHTS inotify-odd fanotify MARKS       a fanotify group with MARKS marks, in directories
 * below TMPDIR inotify-odd charged REAL EFF N   prints how many of N instances that user may have
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void wait_for_end(void)
{
	while (getchar() != EOF)
		;
}

static void ready(int number)
{
	printf("ready %d\n", number);
	(void)fflush(stdout);
}

static void *outlive(void *leader)
{
	if (pthread_join(*(pthread_t *)leader, NULL) != 0)
		_exit(1);
	ready(2);
	wait_for_end();
	_exit(0);
}

static int leaderless(void)
{
	static pthread_t leader;
	pthread_t thread;

	leader = pthread_self();
	if (inotify_init1(IN_CLOEXEC) < 0 || inotify_init1(IN_CLOEXEC) < 0 ||
		pthread_create(&thread, NULL, outlive, &leader) != 0)
		return 1;
	pthread_exit(NULL);
}

static void receive(int socket, uid_t uid, int inherited)
{
	char data, control[CMSG_SPACE(sizeof(int))];
	struct iovec part = {&data, 1};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof control};

	(void)close(inherited);
	if (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
		_exit(1);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_DUMPABLE, 1);
	if (recvmsg(socket, &message, 0) != 1 || !CMSG_FIRSTHDR(&message))
		_exit(1);
	(void)!write(socket, "k", 1);
	for (;;)
		(void)pause();
}

static int passed(uid_t uid)
{
	int ends[2], fd = inotify_init1(IN_CLOEXEC);
	char data = 'x', control[CMSG_SPACE(sizeof(int))] = {};
	struct iovec part = {&data, 1};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof control};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	if (fd < 0 || inotify_add_watch(fd, "/", IN_CREATE) < 0 ||
		socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) < 0)
		return 1;
	pid_t child = fork();
	if (child == 0)
		receive(ends[1], uid, fd);
	*header = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(header), &fd, sizeof fd);
	if (child < 0 || sendmsg(ends[0], &message, 0) != 1 || read(ends[0], &data, 1) != 1)
		return 1;
	ready(child);
	wait_for_end();
	return kill(child, SIGKILL) < 0;
}

static int fanotify(int marks)
{
	int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC, 0), got = 0;
	const char *tmp = getenv("TMPDIR");
	char path[512];

	if (fd < 0) {
		printf("refused %s\n", strerror(errno));
		return 1;
	}
	for (int i = 0; i < marks; i++) {
		(void)snprintf(path, sizeof path, "%s/mark%d", tmp ? tmp : "/tmp", i);
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			break;
		got += fanotify_mark(fd, FAN_MARK_ADD, FAN_CLOSE_WRITE, AT_FDCWD, path) == 0;
	}
	ready(got);
	wait_for_end();
	return 0;
}

static int charged(uid_t real, uid_t effective, int wanted)
{
	int got = 0;

	if (setresuid(real, effective, effective) < 0) {
		printf("refused %s\n", strerror(errno));
		return 1;
	}
	while (got < wanted && inotify_init1(IN_CLOEXEC) >= 0)
		got++;
	ready(got);
	wait_for_end();
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "leaderless") == 0)
		return leaderless();
	if (argc == 3 && strcmp(argv[1], "passed") == 0)
		return passed((uid_t)atoi(argv[2]));
	if (argc == 3 && strcmp(argv[1], "fanotify") == 0)
		return fanotify(atoi(argv[2]));
	if (argc == 5 && strcmp(argv[1], "charged") == 0)
		return charged((uid_t)atoi(argv[2]), (uid_t)atoi(argv[3]), atoi(argv[4]));
	return 2;
}
