/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DrKonqi's wire format, both ways. What comes in is bounded before it is parsed, and every value
 * goes through crash_take_field(), which bounds it once more. */
#include "coredump/wire.h"

#include "common/clock.h"
#include "common/text.h"
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#define KEY_PICKUP "_DRKONQI_PICKUP"
#define KEY_CURSOR "_DRKONQI_SD_CURSOR"

/* ---- reading ------------------------------------------------------------------------------- */

static int grow(WireReader *reader, size_t wanted)
{
	size_t allocated = MAX_OF(reader->allocated, (size_t)2 * WIRE_DATAGRAM_MAX);

	if (wanted <= reader->allocated)
		return 0;
	while (allocated < wanted)
		allocated *= 2;
	char *data = realloc(reader->data, allocated);
	if (!data)
		return -ENOMEM;
	reader->data = data;
	reader->allocated = allocated;
	return 0;
}

int wire_reader_take(WireReader *reader, const void *datagram, size_t length)
{
	int r;

	if (length == 0)
		return 0;
	if (length > WIRE_MESSAGE_MAX - reader->length)
		return -EMSGSIZE;
	r = grow(reader, reader->length + length);
	if (r < 0)
		return r;
	memcpy(reader->data + reader->length, datagram, length);
	reader->length += length;
	return 0;
}

static bool means_yes(const char *text)
{
	return text[0] && !streq(text, "0") && strcasecmp(text, "false") != 0;
}

static int take_object(json_t *object, Crash *crash, bool *ret_pickup)
{
	const char *key;
	json_t *value;
	int r;

	json_object_foreach (object, key, value) {
		if (!json_is_string(value)) /* fields of the journal are text */
			continue;
		if (streq(key, KEY_PICKUP)) {
			*ret_pickup = means_yes(json_string_value(value));
			continue;
		}
		r = crash_take_field(crash, key, strlen(key), json_string_value(value),
			json_string_length(value));
		if (r < 0)
			return r;
	}
	return 0;
}

int wire_reader_finish(WireReader *reader, Crash *ret, bool *ret_pickup)
{
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;
	_cleanup_(json_decrefp) json_t *object = NULL;
	bool pickup = false;
	int r;

	if (reader->length == 0)
		return -ENODATA;
	object = json_loadb(reader->data, reader->length, JSON_ALLOW_NUL, NULL);
	if (!json_is_object(object))
		return -EBADMSG;
	r = take_object(object, &crash, &pickup);
	if (r >= 0)
		r = crash_identify(&crash, 0);
	if (r < 0)
		return r;
	*ret = crash;
	crash = (Crash)CRASH_INIT;
	*ret_pickup = pickup;
	return 0;
}

void wire_reader_done(WireReader *reader)
{
	free(reader->data);
	*reader = (WireReader){};
}

/* ---- sending ------------------------------------------------------------------------------- */

static void add_number(json_t *object, const char *key, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
	json_add_string(object, key, text);
}

static void add_id(json_t *object, const char *key, const char *id)
{
	json_add_string(object, key, id[0] ? id : NULL);
}

static void add_numbers(json_t *object, const Crash *crash)
{
	add_number(object, "COREDUMP_PID", (uint64_t)crash->pid);
	add_number(object, "COREDUMP_TIMESTAMP", crash->when_realtime);
	if (crash->uid != CRASH_UID_UNKNOWN)
		add_number(object, "COREDUMP_UID", crash->uid);
	if (crash->gid != (gid_t)-1)
		add_number(object, "COREDUMP_GID", crash->gid);
	if (crash->signal)
		add_number(object, "COREDUMP_SIGNAL", (uint64_t)crash->signal);
	if (crash->dumpable >= 0)
		add_number(object, "COREDUMP_DUMPABLE", (uint64_t)crash->dumpable);
	if (crash->truncated)
		json_add_string(object, "COREDUMP_TRUNCATED", "1");
}

/* One byte of foreign text can become six of JSON. What is left after these are gone fits even so:
 * (CRASH_FIELDS_MAX + eleven texts of 4 KiB) * 6. */
static void make_fit(json_t *object)
{
	static const char *const bulky[] = {"COREDUMP_PROC_CGROUP", "COREDUMP_CONTAINER_CMDLINE",
		"COREDUMP_PACKAGE_JSON", "MESSAGE", "COREDUMP_CMDLINE"};

	for (size_t i = 0; i < ELEMENTSOF(bulky); i++) {
		if (json_dumpb(object, NULL, 0, JSON_COMPACT) <= WIRE_MESSAGE_MAX)
			return;
		(void)json_object_del(object, bulky[i]);
	}
}

json_t *wire_object(const Crash *crash, bool pickup)
{
	json_t *object = crash->fields ? json_copy(crash->fields) : json_object();

	if (!object)
		return NULL;
	json_add_string(object, "MESSAGE_ID",
		crash->kind == CRASH_TRACEBACK ? CRASH_MESSAGE_ID_TRACEBACK
					       : CRASH_MESSAGE_ID_COREDUMP);
	add_id(object, "_MACHINE_ID", crash->machine_id);
	add_id(object, "_BOOT_ID", crash->boot_id);
	add_numbers(object, crash);
	for (size_t i = 0; i < crash_n_texts; i++)
		json_add_string(object, crash_texts[i].field, crash_text(crash, &crash_texts[i]));
	json_add_string(object, KEY_CURSOR, crash->cursor);
	if (pickup)
		json_add_string(object, KEY_PICKUP, "TRUE");
	make_fit(object);
	return object;
}

/* Until there is room for one more datagram. 0, -ETIME, -errno. */
static int wait_for_room(int fd, usec_t deadline_monotonic)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLOUT};
	usec_t now = now_usec(CLOCK_MONOTONIC);

	if (now >= deadline_monotonic)
		return -ETIME;
	usec_t left = deadline_monotonic - now;
	const struct timespec span = {.tv_sec = (time_t)(left / USEC_PER_SEC),
		.tv_nsec = (long)(left % USEC_PER_SEC) * 1000};
	int n = ppoll(&pollfd, 1, &span, NULL);
	if (n < 0 && errno != EINTR)
		return -errno;
	return n == 0 ? -ETIME : 0;
}

static int send_datagram(int fd, const char *data, size_t length, usec_t deadline_monotonic)
{
	int r;

	for (;;) {
		ssize_t n = send(fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n >= 0) /* SOCK_SEQPACKET: all or nothing */
			return 0;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -errno;
		r = wait_for_room(fd, deadline_monotonic);
		if (r < 0)
			return r;
	}
}

int wire_send(int fd, const json_t *object, usec_t deadline_monotonic)
{
	_cleanup_(freep) char *text = json_dumps(object, JSON_COMPACT);
	size_t length = text ? strlen(text) : 0;
	int r;

	if (!text)
		return -ENOMEM;
	if (length > WIRE_MESSAGE_MAX)
		return -EMSGSIZE;
	for (size_t at = 0, n; at < length; at += n) {
		n = MIN_OF(length - at, (size_t)WIRE_DATAGRAM_MAX);
		r = send_datagram(fd, text + at, n, deadline_monotonic);
		if (r < 0)
			return r;
	}
	return 0;
}

static char *runtime_path(const char *run, uid_t uid, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%u/%s", run, uid, name) < 0 ? NULL : path;
}

char *wire_vigil_path(const char *run, uid_t uid)
{
	return runtime_path(run, uid, WIRE_VIGIL_SOCKET);
}

char *wire_drkonqi_path(const char *run, uid_t uid)
{
	return runtime_path(run, uid, WIRE_DRKONQI_SOCKET);
}
