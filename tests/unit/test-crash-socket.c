/* SPDX-License-Identifier: GPL-2.0-or-later */
/* monitord/crash-socket: real sockets, real peers of real uids. Where this is not root, the peers
 * of other uids are left out and said so. */
#include "monitord/crash-socket.h"

#include "common/clock.h"
#include "common/log.h"
#include "coredump/deliver.h"
#include "coredump/wire.h"
#include "tests/unit/test.h"
#include <grp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define OWN   12345u
#define OTHER 54321u

static sd_event *event;
static CrashSocket *server;
static char path[100];
static uid_t own;
static unsigned n_arrived, n_genuine;
static bool last_pickup;
static char last_comm[32];

static void arrived(Crash *crash, bool pickup, void *userdata)
{
	assert_ptr_equal(userdata, &n_arrived);
	n_arrived++;
	n_genuine += crash->trust == CRASH_GENUINE;
	last_pickup = pickup;
	(void)snprintf(last_comm, sizeof last_comm, "%s", crash->comm ? crash->comm : "");
}

static int setup(void **state)
{
	bool bound = false;

	if (fixture_setup(state) < 0 || sd_event_new(&event) < 0)
		return -1;
	/* As root another uid's daemon is played, so that root and own uid differ. */
	own = geteuid() == 0 ? OWN : geteuid();
	n_arrived = n_genuine = 0;
	(void)snprintf(path, sizeof path, "%s/run/vigil/coredump", fixture_path);
	int fd = crash_socket_listen(path, &bound);
	if (fd < 0 || !bound)
		return -1;
	return crash_socket_new(event, fd, own, arrived, &n_arrived, &server);
}

static int teardown(void **state)
{
	server = crash_socket_free(server);
	event = sd_event_unref(event);
	return fixture_teardown(state);
}

/* What these tests are about comes within a second. */
static void run_until(bool (*done)(void))
{
	usec_t end = now_usec(CLOCK_MONOTONIC) + 20 * USEC_PER_SEC;

	while (!done()) {
		assert_true(now_usec(CLOCK_MONOTONIC) < end);
		assert_true(sd_event_run(event, USEC_PER_SEC / 50) >= 0);
	}
}

static void turn(unsigned n)
{
	while (n-- > 0)
		assert_true(sd_event_run(event, 0) >= 0);
}

static CrashSocketCount count(void)
{
	CrashSocketCount result;

	crash_socket_count(server, &result);
	return result;
}

static bool one_arrived(void)
{
	return n_arrived > 0;
}
static bool one_refused(void)
{
	return count().refused > 0;
}

static int client(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		return -1;
	return fd;
}

static const char *object_of(uid_t uid)
{
	static char text[512];

	(void)snprintf(text, sizeof text,
		"{\"COREDUMP_PID\":\"7\",\"COREDUMP_TIMESTAMP\":\"1700000000000000\",\"COREDUMP_UID\":"
		"\"%u\",\"COREDUMP_COMM\":\"it\",\"_DRKONQI_PICKUP\":\"TRUE\"}",
		uid);
	return text;
}

static void send_text(int fd, const char *text, size_t step)
{
	for (size_t at = 0, length = strlen(text), n; at < length; at += n) {
		n = MIN_OF(step, length - at);
		assert_int_equal(send(fd, text + at, n, MSG_NOSIGNAL), n);
	}
}

/* Sends from a process of that uid; the directory and socket are opened for it first, so that the
 * check of credentials is what refuses it, not the file's mode. */
static void send_as(uid_t uid, const char *text)
{
	char directory[128];

	assert_int_equal(chmod(path, 0666), 0);
	(void)snprintf(directory, sizeof directory, "%s/run/vigil", fixture_path);
	assert_int_equal(chmod(directory, 0755), 0);
	directory[strlen(directory) - 6] = '\0';
	assert_int_equal(chmod(directory, 0755), 0);
	assert_int_equal(chmod(fixture_path, 0755), 0);
	pid_t pid = fork();
	if (pid == 0) {
		int fd = -1;
		if (setgroups(0, NULL) == 0 && setresgid(uid, uid, uid) == 0 &&
			setresuid(uid, uid, uid) == 0)
			fd = client();
		/* Refused as early as here is fine, but it must have connected. */
		if (fd >= 0)
			(void)send(fd, text, strlen(text), MSG_NOSIGNAL);
		_exit(fd < 0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void what_root_sends_is_genuine(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	int fd = client();
	assert_true(fd >= 0);
	send_text(fd, object_of(own), 3);
	turn(20);
	assert_int_equal(n_arrived, 0); /* not before its end */
	(void)close(fd);
	run_until(one_arrived);
	assert_int_equal(n_genuine, 1);
	assert_true(last_pickup);
	assert_string_equal(last_comm, "it");
}

static void what_the_user_sends_is_unverified(void **state)
{
	(void)state;
	if (geteuid() == 0) {
		send_as(OWN, object_of(OWN));
	} else {
		int fd = client();
		send_text(fd, object_of(own), 8192);
		(void)close(fd);
	}
	run_until(one_arrived);
	assert_int_equal(n_genuine, 0);
	assert_int_equal(count().unverified, 1);
}

static void another_uid_is_refused(void **state)
{
	(void)state;
	if (geteuid() != 0) /* nobody else can be had */
		skip();
	send_as(OTHER, object_of(OWN));
	run_until(one_refused);
	send_as(65534, object_of(65534));
	run_until(one_refused);
	turn(50);
	assert_int_equal(n_arrived, 0);
	assert_int_equal(count().refused, 2);
}

static void a_crash_of_another_uid_is_refused(void **state)
{
	int fd = client();

	(void)state;
	send_text(fd, object_of(own + 1), 8192);
	(void)close(fd);
	run_until(one_refused);
	fd = client();
	send_text(
		fd, "{\"COREDUMP_PID\":\"7\",\"COREDUMP_TIMESTAMP\":\"1\"}", 8192); /* of nobody */
	(void)close(fd);
	turn(50);
	assert_int_equal(n_arrived, 0);
	assert_int_equal(count().refused, 2);
}

static void too_large_is_refused(void **state)
{
	static char datagram[WIRE_DATAGRAM_MAX + 1];
	int fd = client();

	(void)state;
	memset(datagram, ' ', sizeof datagram);
	assert_int_equal(send(fd, datagram, sizeof datagram, MSG_NOSIGNAL), sizeof datagram);
	run_until(one_refused);
	assert_int_equal(send(fd, datagram, 1, MSG_NOSIGNAL), -1);
	(void)close(fd);

	fd = client();
	size_t sent = 0;
	for (;;) { /* endless */
		ssize_t n = send(fd, datagram, WIRE_DATAGRAM_MAX, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN)
			break;
		sent += n > 0 ? (size_t)n : 0;
		assert_true(sent < 4 * WIRE_MESSAGE_MAX);
		turn(1);
	}
	assert_int_equal(count().refused, 2);
	(void)close(fd);
}

static void malformed_is_refused(void **state)
{
	static const char *const texts[] = {"{", "\xff\xfe", "[1]", "{\"COREDUMP_PID\":\"x\"}"};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
		int fd = client();
		send_text(fd, texts[i], 8192);
		(void)close(fd);
		turn(20);
	}
	assert_int_equal(count().refused, ELEMENTSOF(texts));
	assert_int_equal(n_arrived, 0);
}

static void a_look_whether_anybody_listens_is_no_refusal(void **state)
{
	(void)state;
	(void)close(client());
	turn(20);
	assert_int_equal(count().refused, 0);
}

/* Never closed, or a byte at a time for ever: dropped at the deadline, which counts from accept. */
static void the_slow_are_dropped_at_the_deadline(void **state)
{
	usec_t start = now_usec(CLOCK_MONOTONIC);

	(void)state;
	crash_socket_set_deadline(server, 300 * USEC_PER_MSEC);
	int silent = client(), trickling = client();
	while (count().refused < 2) {
		(void)send(trickling, " ", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		assert_true(sd_event_run(event, 10 * USEC_PER_MSEC) >= 0);
		assert_true(now_usec(CLOCK_MONOTONIC) - start < 10 * USEC_PER_SEC);
	}
	assert_true(now_usec(CLOCK_MONOTONIC) - start >= 300 * USEC_PER_MSEC);
	assert_int_equal(send(silent, " ", 1, MSG_NOSIGNAL), -1);
	(void)close(silent);
	(void)close(trickling);
}

/* More than are served at once wait in the backlog; nothing is lost and nothing spins. */
static void more_than_are_served_at_once_wait(void **state)
{
	int fds[40];

	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < ELEMENTSOF(fds); i++)
		assert_true((fds[i] = client()) >= 0);
	turn(50);
	assert_int_equal(sd_event_run(event, 0), 0); /* full, and idle */
	for (size_t i = 0; i < ELEMENTSOF(fds); i++) {
		send_text(fds[i], object_of(own), 8192);
		(void)close(fds[i]);
	}
	usec_t end = now_usec(CLOCK_MONOTONIC) + 20 * USEC_PER_SEC;
	while (n_arrived < ELEMENTSOF(fds) && now_usec(CLOCK_MONOTONIC) < end)
		assert_true(sd_event_run(event, USEC_PER_SEC / 10) >= 0);
	assert_int_equal(n_arrived, ELEMENTSOF(fds));
}

/* However many the user's own processes hold, root's connection is served. */
static void the_user_cannot_crowd_out_root(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(path, 0666), 0);
	int ready[2], hold[2];
	char byte;
	send_as(OWN, ""); /* opens the directories */
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		(void)close(hold[1]);
		if (setresgid(OWN, OWN, OWN) < 0 || setresuid(OWN, OWN, OWN) < 0)
			_exit(1);
		for (int i = 0; i < 30; i++)
			if (client() < 0)
				_exit(1);
		_exit(write(ready[1], "r", 1) != 1 || read(hold[0], &byte, 1) != 0);
	}
	(void)close(ready[1]);
	(void)close(hold[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	turn(100);
	assert_true(count().refused >= 30 - CRASH_SOCKET_OWN_MAX);
	int fd = client();
	send_text(fd, object_of(own), 8192);
	(void)close(fd);
	run_until(one_arrived);
	assert_int_equal(n_genuine, 1);
	(void)close(hold[1]);
	(void)close(ready[0]);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void the_listening_socket_is_private_and_single(void **state)
{
	struct stat st;
	bool bound;

	(void)state;
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(crash_socket_listen(path, &bound), -EADDRINUSE);
	server = crash_socket_free(server); /* as after a kill: the file stays */
	int fd = crash_socket_listen(path, &bound);
	assert_true(fd >= 0 && bound);
	(void)close(fd);
	assert_int_equal(unlink(path), 0);
	fixture_file("run/vigil/coredump", "mine");
	assert_int_equal(crash_socket_listen(path, &bound), -EEXIST);
	char longer[256];
	memset(longer, 'x', sizeof longer - 1);
	memcpy(longer, "/tmp/", 5);
	longer[255] = '\0';
	assert_int_equal(crash_socket_listen(longer, &bound), -ENAMETOOLONG);
}

static void a_passed_socket_is_taken(void **state)
{
	char pid[16];
	bool bound = true;
	int status;

	(void)state;
	pid_t child = fork();
	if (child == 0) { /* fd 3 is the one that a socket unit passes */
		struct sockaddr_un address = {.sun_family = AF_UNIX};
		(void)snprintf(
			address.sun_path, sizeof address.sun_path, "%s/passed", fixture_path);
		int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
		if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
			listen(fd, 5) < 0 || dup2(fd, 3) != 3)
			_exit(10);
		(void)snprintf(pid, sizeof pid, "%d", getpid());
		(void)setenv("LISTEN_PID", pid, 1);
		(void)setenv("LISTEN_FDS", "1", 1);
		int got = crash_socket_listen(address.sun_path, &bound);
		_exit(got == 3 && !bound && (fcntl(3, F_GETFD) & FD_CLOEXEC) ? 0 : 11);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* Both ends together: root's delivery reaches the socket in that user's folder, and is believed. */
static void what_the_processor_delivers_is_genuine(void **state)
{
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;
	char folder[100], run[100];
	bool bound = false;
	int status;

	(void)state;
	if (geteuid() != 0)
		skip();
	(void)snprintf(run, sizeof run, "%s/user", fixture_path);
	(void)snprintf(folder, sizeof folder, "%.60s/%u", run, OWN);
	(void)snprintf(path, sizeof path, "%.80s/vigil/coredump", folder);
	int fd = crash_socket_listen(path, &bound);
	assert_true(fd >= 0 && bound);
	server = crash_socket_free(server);
	assert_int_equal(crash_socket_new(event, fd, own, arrived, &n_arrived, &server), 0);
	assert_int_equal(chown(path, OWN, OWN), 0);
	*strrchr(path, '/') = '\0';
	assert_int_equal(chown(path, OWN, OWN), 0);
	assert_int_equal(chown(folder, OWN, OWN), 0);
	assert_int_equal(chmod(run, 0755), 0);
	assert_int_equal(chmod(fixture_path, 0755), 0);

	crash.uid = OWN;
	crash.pid = 7;
	crash.when_realtime = 1700000000000000;
	crash.comm = strdup("it");
	assert_int_equal(crash_identify(&crash, 0), 0);
	pid_t pid = fork();
	if (pid == 0) {
		const DeliverRoots roots = {.run = run, .root_fd = -EBADF};
		usec_t deadline = now_usec(CLOCK_MONOTONIC) + 10 * USEC_PER_SEC;
		_exit(deliver_crash(&roots, &crash, false, deadline) == DELIVER_VIGIL ? 0 : 1);
	}
	run_until(one_arrived);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(n_genuine, 1);
	assert_false(last_pickup);
	assert_string_equal(last_comm, "it");
}

static void peers_are_judged(void **state)
{
	(void)state;
	assert_int_equal(crash_socket_judge_peer(0, 1000), 1);
	assert_int_equal(crash_socket_judge_peer(1000, 1000), 0);
	assert_int_equal(crash_socket_judge_peer(1001, 1000), -EPERM);
	assert_int_equal(crash_socket_judge_peer((uid_t)-1, 1000), -EPERM);
	assert_int_equal(crash_socket_judge_peer(65534, 1000), -EPERM);
	assert_int_equal(crash_socket_judge_peer(1000, 0), -EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_root_sends_is_genuine, setup, teardown),
		cmocka_unit_test_setup_teardown(what_the_user_sends_is_unverified, setup, teardown),
		cmocka_unit_test_setup_teardown(another_uid_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_crash_of_another_uid_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(too_large_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(malformed_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_look_whether_anybody_listens_is_no_refusal, setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_slow_are_dropped_at_the_deadline, setup, teardown),
		cmocka_unit_test_setup_teardown(more_than_are_served_at_once_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(the_user_cannot_crowd_out_root, setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_listening_socket_is_private_and_single, setup, teardown),
		cmocka_unit_test_setup_teardown(a_passed_socket_is_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_the_processor_delivers_is_genuine, setup, teardown),
		cmocka_unit_test(peers_are_judged),
	};

	log_setup("test-crash-socket", LOG_ERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
