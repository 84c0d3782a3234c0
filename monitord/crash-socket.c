/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Accepts, reads, judges. A connection lives until its end of stream, its deadline, or the first
 * thing that is wrong with it. */
#include "monitord/crash-socket.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/io.h"
#include "common/log.h"
#include "common/text.h"
#include "coredump/wire.h"
#include <fcntl.h>
#include <libgen.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#define DATAGRAMS_A_TURN  32 /* then the others of the loop have theirs */
#define ACCEPTS_A_TURN	  8
#define ACCEPT_PAUSE_USEC USEC_PER_SEC /* when no fd is left: the backlog stays readable */

typedef struct Connection {
	CrashSocket *socket; /* NULL: this place is free */
	int fd;
	uid_t peer;
	pid_t peer_pid;
	sd_event_source *io, *deadline;
	WireReader reader;
} Connection;

struct CrashSocket {
	sd_event *event;
	sd_event_source *listening, *again; /* again: switches listening on after a pause */
	int fd;
	uid_t own_uid;
	usec_t deadline_usec;
	void (*arrived)(Crash *crash, bool pickup, void *userdata);
	void *userdata;
	Connection connections[CRASH_SOCKET_CONNECTIONS_MAX];
	unsigned n_connections, n_own;
	CrashSocketCount count;
	usec_t told_monotonic;
	uint64_t untold;
};

int crash_socket_judge_peer(uid_t peer, uid_t own_uid)
{
	return peer == 0 ? 1 : peer == own_uid ? 0 : -EPERM;
}

/* ---- refusals -------------------------------------------------------------------------------- */

static void refuse(CrashSocket *socket, uid_t peer, pid_t pid, const char *why)
{
	usec_t now = now_usec(CLOCK_MONOTONIC);

	socket->count.refused++;
	if (socket->told_monotonic && now - socket->told_monotonic < CRASH_SOCKET_TELL_USEC) {
		socket->untold++;
		return;
	}
	log_warning("Crash socket: refused what uid %u (pid %d) sent: %s (and %llu more before)",
		peer, pid, why, (unsigned long long)socket->untold);
	socket->told_monotonic = now;
	socket->untold = 0;
}

/* ---- connections ----------------------------------------------------------------------------- */

static void connection_close(Connection *connection)
{
	CrashSocket *socket = connection->socket;

	if (!socket)
		return;
	(void)sd_event_source_disable_unref(connection->io);
	(void)sd_event_source_disable_unref(connection->deadline);
	(void)safe_close(connection->fd);
	wire_reader_done(&connection->reader);
	socket->n_connections--;
	if (connection->peer != 0)
		socket->n_own--;
	*connection = (Connection){.fd = -EBADF};
	(void)sd_event_source_set_enabled(socket->listening, SD_EVENT_ON);
}

static void connection_refuse(Connection *connection, const char *why)
{
	refuse(connection->socket, connection->peer, connection->peer_pid, why);
	connection_close(connection);
}

static void connection_finish(Connection *connection)
{
	CrashSocket *socket = connection->socket;
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;
	bool pickup;
	int r;

	r = wire_reader_finish(&connection->reader, &crash, &pickup);
	if (r == -ENODATA) { /* somebody looked whether anybody listens */
		connection_close(connection);
		return;
	}
	if (r < 0) {
		connection_refuse(connection, r == -EBADMSG ? "it is no crash" : "memory is short");
		return;
	}
	if (crash.uid != socket->own_uid) {
		connection_refuse(connection, "it is not a crash of this user");
		return;
	}
	bool genuine = crash_socket_judge_peer(connection->peer, socket->own_uid) > 0;
	crash.trust = genuine ? CRASH_GENUINE : CRASH_UNVERIFIED;
	crash_bound_time(&crash, now_usec(CLOCK_REALTIME));
	(void)crash_identify(&crash, 0); /* it has a time still */
	*(genuine ? &socket->count.genuine : &socket->count.unverified) += 1;
	connection_close(connection);
	socket->arrived(&crash, pickup, socket->userdata);
}

/* One datagram. 1: go on; 0: nothing there now, or the connection is gone. */
static int connection_read(Connection *connection)
{
	char datagram[WIRE_DATAGRAM_MAX];
	struct iovec iov = {.iov_base = datagram, .iov_len = sizeof datagram};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1}; /* no control: no fds come in */
	ssize_t n = recvmsg(connection->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		connection_refuse(connection, strerror(errno));
	else if (n == 0)
		connection_finish(connection);
	else if (message.msg_flags & MSG_TRUNC)
		connection_refuse(connection, "a datagram is larger than 8192 bytes");
	else if (wire_reader_take(&connection->reader, datagram, (size_t)n) < 0)
		connection_refuse(connection, "it is larger than 1 MiB");
	else
		return 1;
	return 0;
}

static int on_data(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	Connection *connection = userdata;

	(void)source;
	(void)fd;
	(void)revents;
	for (int i = 0; i < DATAGRAMS_A_TURN; i++)
		if (connection_read(connection) == 0)
			break;
	return 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	connection_refuse(userdata, "it took too long");
	return 0;
}

/* ---- listening ------------------------------------------------------------------------------- */

static Connection *free_place(CrashSocket *socket)
{
	for (size_t i = 0; i < CRASH_SOCKET_CONNECTIONS_MAX; i++)
		if (!socket->connections[i].socket)
			return &socket->connections[i];
	return NULL;
}

static int connection_open(
	CrashSocket *socket, Connection *connection, int fd, const struct ucred *peer)
{
	int r;

	*connection =
		(Connection){.socket = socket, .fd = fd, .peer = peer->uid, .peer_pid = peer->pid};
	socket->n_connections++;
	if (peer->uid != 0)
		socket->n_own++;
	r = sd_event_add_io(socket->event, &connection->io, fd, EPOLLIN, on_data, connection);
	if (r >= 0)
		r = sd_event_add_time_relative(socket->event, &connection->deadline,
			CLOCK_MONOTONIC, socket->deadline_usec, USEC_PER_SEC / 10, on_deadline,
			connection);
	if (r < 0)
		connection_close(connection);
	return r;
}

/* fd is taken over. */
static void admit(CrashSocket *socket, int fd)
{
	struct ucred peer;
	socklen_t length = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0) {
		refuse(socket, (uid_t)-1, 0, strerror(errno));
	} else if (crash_socket_judge_peer(peer.uid, socket->own_uid) < 0) {
		refuse(socket, peer.uid, peer.pid, "only root and this user may send");
	} else if (peer.uid != 0 && socket->n_own >= CRASH_SOCKET_OWN_MAX) {
		refuse(socket, peer.uid, peer.pid, "too many connections at once");
	} else {
		Connection *place = free_place(socket);
		int r = place ? connection_open(socket, place, fd, &peer) : -EBUSY;
		if (r >= 0 || place)
			return; /* a failed one was closed with its place */
	}
	(void)safe_close(fd);
}

static int on_again(sd_event_source *source, uint64_t usec, void *userdata)
{
	CrashSocket *socket = userdata;

	(void)source;
	(void)usec;
	return sd_event_source_set_enabled(socket->listening, SD_EVENT_ON);
}

static int pause_listening(CrashSocket *socket, int error)
{
	refuse(socket, (uid_t)-1, 0, strerror(error));
	(void)sd_event_source_set_enabled(socket->listening, SD_EVENT_OFF);
	(void)sd_event_source_set_time_relative(socket->again, ACCEPT_PAUSE_USEC);
	return sd_event_source_set_enabled(socket->again, SD_EVENT_ONESHOT);
}

static int on_connection(
	sd_event_source *source, int listening_fd, uint32_t revents, void *userdata)
{
	CrashSocket *socket = userdata;

	(void)revents;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		/* The rest waits in the backlog until a place is free. */
		if (socket->n_connections >= CRASH_SOCKET_CONNECTIONS_MAX)
			return sd_event_source_set_enabled(source, SD_EVENT_OFF);
		int fd = accept4(listening_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED))
			return 0;
		if (fd < 0)
			return pause_listening(socket, errno);
		admit(socket, fd);
	}
	return 0;
}

int crash_socket_new(sd_event *event, int fd, uid_t own_uid,
	void (*arrived)(Crash *crash, bool pickup, void *userdata), void *userdata,
	CrashSocket **ret)
{
	CrashSocket *socket = calloc(1, sizeof *socket);
	int r;

	if (!socket) {
		(void)safe_close(fd);
		return -ENOMEM;
	}
	socket->event = sd_event_ref(event);
	socket->fd = fd;
	socket->own_uid = own_uid;
	socket->deadline_usec = CRASH_SOCKET_DEADLINE_USEC;
	socket->arrived = arrived;
	socket->userdata = userdata;
	int flags = fcntl(fd, F_GETFL);
	r = flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
	if (r >= 0)
		r = sd_event_add_io(event, &socket->listening, fd, EPOLLIN, on_connection, socket);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &socket->again, CLOCK_MONOTONIC, 0,
			USEC_PER_SEC / 10, on_again, socket);
	if (r >= 0)
		r = sd_event_source_set_enabled(socket->again, SD_EVENT_OFF);
	if (r < 0) {
		crash_socket_free(socket);
		return r;
	}
	*ret = socket;
	return 0;
}

CrashSocket *crash_socket_free(CrashSocket *socket)
{
	if (!socket)
		return NULL;
	for (size_t i = 0; i < CRASH_SOCKET_CONNECTIONS_MAX; i++)
		connection_close(&socket->connections[i]);
	(void)sd_event_source_disable_unref(socket->listening);
	(void)sd_event_source_disable_unref(socket->again);
	(void)safe_close(socket->fd);
	(void)sd_event_unref(socket->event);
	free(socket);
	return NULL;
}

void crash_socket_set_deadline(CrashSocket *socket, usec_t deadline_usec)
{
	socket->deadline_usec = deadline_usec;
}

void crash_socket_count(const CrashSocket *socket, CrashSocketCount *ret)
{
	*ret = socket->count;
}

/* ---- getting the listening socket ------------------------------------------------------------ */

static int passed_fd(const char *path)
{
	int n = sd_listen_fds(0);

	for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + n; fd++)
		if (sd_is_socket_unix(fd, SOCK_SEQPACKET, 1, path, 0) > 0)
			return fd;
	return -ENOENT;
}

/* A socket file that nobody listens behind is left over from a daemon that was killed. */
static int remove_stale(const struct sockaddr_un *address)
{
	_cleanup_(closep) int fd =
		socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	if (connect(fd, (const struct sockaddr *)address, sizeof *address) >= 0 ||
		errno != ECONNREFUSED)
		return -EADDRINUSE;
	return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

static int bind_fd(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_(freep) char *copy = strdup(path);
	int r;

	if (!copy)
		return -ENOMEM;
	if (strlen(path) >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	(void)strcpy(address.sun_path, path);
	r = make_directories(dirname(copy));
	if (r >= 0)
		r = remove_stale(&address);
	if (r < 0)
		return r;
	_cleanup_(closep) int fd =
		socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* The mode of the socket before bind(2) becomes the file's: it is never wider than this. */
	if (fd < 0 || fchmod(fd, 0600) < 0 ||
		bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
		listen(fd, CRASH_SOCKET_BACKLOG) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int crash_socket_listen(const char *path, bool *ret_bound)
{
	int fd = passed_fd(path);

	if (fd >= 0) {
		*ret_bound = false;
		return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : fd;
	}
	fd = bind_fd(path);
	if (fd >= 0)
		*ret_bound = true;
	return fd;
}
