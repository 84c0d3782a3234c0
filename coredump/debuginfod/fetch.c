/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libdebuginfod asks all servers at once and gives one error for all of them; it is given one at a
 * time here, so that whose fault it was is known. Its own retries and timeouts are off. */
#include "coredump/debuginfod/fetch.h"

#include "common/clock.h"
#include "common/io.h"
#include "common/text.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define TELL_USEC   (250 * USEC_PER_MSEC) /* between two words on progress */
#define VERBOSE_MAX ((size_t)16 * 1024)

/* Why the request has to stop; DEBUG_GOT: it goes on. */
static DebugWhy judge(const Fetcher *fetcher, usec_t now)
{
	uint64_t left = fetcher->budget.max_bytes - fetcher->spent_bytes;

	if (*fetcher->end)
		return DEBUG_INTERRUPTED;
	if (now >= fetcher->budget.deadline_monotonic)
		return DEBUG_NO_TIME;
	if (fetcher->bytes > left || fetcher->total > left)
		return DEBUG_TOO_LARGE;
	if (now - fetcher->moved_monotonic > fetcher->budget.server_usec)
		return DEBUG_NO_ANSWER;
	return DEBUG_GOT;
}

static void tell_progress(Fetcher *fetcher, usec_t now)
{
	DebugEvent event = {.kind = DEBUG_EVENT_PROGRESS,
		.index = fetcher->index,
		.bytes = fetcher->bytes,
		.total = fetcher->total};

	if (now - fetcher->told_monotonic < TELL_USEC)
		return;
	fetcher->told_monotonic = now;
	memcpy(event.server, fetcher->server->label, sizeof event.server);
	fetcher->tell(&event);
}

/* a of b bytes once a server sends (only then there is a URL); before that a counts the calls, of
 * which there are two a second at least. 1 stops the request. */
static int on_progress(debuginfod_client *client, long a, long b)
{
	Fetcher *fetcher = debuginfod_get_user_data(client);
	usec_t now = now_usec(CLOCK_MONOTONIC);

	if (debuginfod_get_url(client)) {
		if (a > 0 && (uint64_t)a != fetcher->bytes) {
			fetcher->bytes = (uint64_t)a;
			fetcher->moved_monotonic = now;
		}
		fetcher->total = b > 0 ? (uint64_t)b : 0;
	}
	fetcher->stopped = judge(fetcher, now);
	if (fetcher->stopped == DEBUG_GOT)
		tell_progress(fetcher, now);
	return fetcher->stopped != DEBUG_GOT;
}

int fetcher_open(Fetcher *fetcher)
{
	fetcher->verbose_fd = memfd_create("debuginfod", MFD_CLOEXEC);
	if (fetcher->verbose_fd < 0)
		return -errno;
	/* The names of debuginfod-client-config(7); a user's own progress would go to our stderr.
	 */
	if (setenv(DEBUGINFOD_CACHE_PATH_ENV_VAR, ".", 1) < 0 ||
		setenv(DEBUGINFOD_RETRY_LIMIT_ENV_VAR, "0", 1) < 0 ||
		setenv(DEBUGINFOD_TIMEOUT_ENV_VAR, "0", 1) < 0 ||
		unsetenv(DEBUGINFOD_PROGRESS_ENV_VAR) < 0 ||
		unsetenv(DEBUGINFOD_VERBOSE_ENV_VAR) < 0 ||
		unsetenv(DEBUGINFOD_MAXTIME_ENV_VAR) < 0)
		return -errno;
	fetcher->client = debuginfod_begin();
	if (!fetcher->client)
		return -ENOMEM;
	debuginfod_set_user_data(fetcher->client, fetcher);
	debuginfod_set_progressfn(fetcher->client, on_progress);
	debuginfod_set_verbose_fd(fetcher->client, fetcher->verbose_fd);
	return 0;
}

void fetcher_done(Fetcher *fetcher)
{
	debuginfod_end(fetcher->client);
	fetcher->client = NULL;
	fetcher->verbose_fd = safe_close(fetcher->verbose_fd);
}

/* The empty file by which libdebuginfod remembers that there is none. */
static void forget_miss(const Fetcher *fetcher, const DebugWant *want)
{
	char name[TRACE_BUILD_ID_SIZE + 16];
	struct stat st;

	(void)snprintf(
		name, sizeof name, "%s/%s", want->build_id, debug_what_to_string(want->what));
	if (fstatat(fetcher->cache_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISREG(st.st_mode) && st.st_size == 0) {
		(void)unlinkat(fetcher->cache_fd, name, 0);
		(void)unlinkat(fetcher->cache_fd, want->build_id, AT_REMOVEDIR);
	}
}

/* Whether the server itself said that it has none, with a status of 4xx. Whatever libcurl's error
 * is, libdebuginfod makes ENOENT of most; only its words tell (CURLE_HTTP_RETURNED_ERROR: "The
 * requested URL returned error: 404"). Of a file: URL there are none, and nobody who failed. */
static bool said_no(const Fetcher *fetcher)
{
	static const char words[] = "returned error: ";
	_cleanup_(freep) char *text = NULL;

	if (startswith(fetcher->server->url, "file:"))
		return true;
	if (lseek(fetcher->verbose_fd, 0, SEEK_SET) < 0 ||
		read_fd_max(fetcher->verbose_fd, VERBOSE_MAX, &text) < 0)
		return false;
	const char *at = strstr(text, words);
	long status = at ? strtol(at + strlen(words), NULL, 10) : 0;
	return status >= 400 && status < 500 && status != 408 && status != 429;
}

static DebugWhy why_of(const Fetcher *fetcher, int error)
{
	if (fetcher->stopped != DEBUG_GOT)
		return fetcher->stopped;
	switch (-error) {
	case ENOENT:
		return said_no(fetcher) ? DEBUG_NOT_FOUND : DEBUG_NO_ANSWER;
	case EFBIG:
		return DEBUG_TOO_LARGE;
	case EIO:
	case ENOSPC:
	case EDQUOT:
	case EACCES:
	case EROFS:
	case EMFILE:
	case ENOMEM:
		return DEBUG_NO_ROOM;
	default:
		return DEBUG_NO_ANSWER;
	}
}

static DebugWhy ask(Fetcher *fetcher, const DebugWant *want)
{
	const unsigned char *id = (const unsigned char *)want->build_id;
	char left[32];
	struct stat st;

	fetcher->bytes = fetcher->total = 0;
	fetcher->moved_monotonic = now_usec(CLOCK_MONOTONIC);
	fetcher->stopped = DEBUG_GOT;
	(void)snprintf(left, sizeof left, "%llu",
		(unsigned long long)(fetcher->budget.max_bytes - fetcher->spent_bytes));
	if (ftruncate(fetcher->verbose_fd, 0) < 0 || lseek(fetcher->verbose_fd, 0, SEEK_SET) < 0 ||
		setenv(DEBUGINFOD_URLS_ENV_VAR, fetcher->server->url, 1) < 0 ||
		setenv(DEBUGINFOD_MAXSIZE_ENV_VAR, left, 1) < 0)
		return DEBUG_NO_ROOM;
	forget_miss(fetcher, want);
	_cleanup_(closep) int fd =
		want->what == DEBUG_INFO ? debuginfod_find_debuginfo(fetcher->client, id, 0, NULL)
					 : debuginfod_find_executable(fetcher->client, id, 0, NULL);
	/* A quick one is there before anybody was told of it; one of the cache had no URL. */
	if (fd >= 0 && debuginfod_get_url(fetcher->client) && fstat(fd, &st) == 0)
		fetcher->bytes = (uint64_t)st.st_size;
	fetcher->spent_bytes +=
		MIN_OF(fetcher->bytes, fetcher->budget.max_bytes - fetcher->spent_bytes);
	DebugWhy why = fd >= 0 ? DEBUG_GOT : why_of(fetcher, fd);
	if (why != DEBUG_GOT && why != DEBUG_NOT_FOUND)
		forget_miss(fetcher, want);
	return why;
}

/* It did not answer, now or lately. */
static void tell_failed(const Fetcher *fetcher, const Server *server, usec_t now)
{
	DebugEvent event = {.kind = DEBUG_EVENT_SERVER,
		.index = fetcher->index,
		.why = DEBUG_NO_ANSWER,
		.seconds = server->left_out_until > now
				   ? (server->left_out_until - now) / USEC_PER_SEC
				   : 0};

	memcpy(event.server, server->label, sizeof event.server);
	fetcher->tell(&event);
}

/* Keeps the account of a server that was asked. */
static void learn(Fetcher *fetcher, size_t i, const DebugWant *want, DebugWhy why)
{
	usec_t now = now_usec(CLOCK_REALTIME);
	Server *server = &fetcher->servers->servers[i];

	if (why == DEBUG_GOT || why == DEBUG_NOT_FOUND)
		server_answered(fetcher->servers, i);
	if (why == DEBUG_NOT_FOUND)
		server_add_miss(fetcher->servers, i, want, now);
	if (why != DEBUG_NO_ANSWER)
		return;
	(void)server_failed(fetcher->servers, i, now);
	tell_failed(fetcher, server, now);
	(void)servers_save(fetcher->servers, fetcher->cache_fd);
}

/* What one server says of it, asked or remembered. */
static DebugWhy try_server(Fetcher *fetcher, size_t i, const DebugWant *want)
{
	const Server *server = &fetcher->servers->servers[i];
	usec_t now = now_usec(CLOCK_REALTIME);

	if (server_knows_miss(server, want, now, fetcher->miss_usec))
		return DEBUG_NOT_FOUND;
	if (server_is_left_out(server, now)) {
		tell_failed(fetcher, server, now);
		return DEBUG_NO_ANSWER;
	}
	fetcher->server = server;
	DebugWhy why = ask(fetcher, want);
	learn(fetcher, i, want, why);
	return why;
}

DebugWhy fetcher_get(Fetcher *fetcher, size_t index, const DebugWant *want)
{
	DebugWhy why = DEBUG_NOT_FOUND;
	uint64_t before = fetcher->spent_bytes;
	usec_t now = now_usec(CLOCK_MONOTONIC);

	fetcher->index = index;
	fetcher->bytes = fetcher->total = 0;
	fetcher->moved_monotonic = now;
	DebugWhy first = judge(fetcher, now);
	if (first == DEBUG_GOT && fetcher->spent_bytes == fetcher->budget.max_bytes)
		first = DEBUG_TOO_LARGE;
	for (size_t i = 0; i < fetcher->servers->n && first == DEBUG_GOT; i++) {
		DebugWhy said = try_server(fetcher, i, want);
		if (said == DEBUG_NOT_FOUND || said == DEBUG_NO_ANSWER)
			why = MAX_OF(why, said);
		else
			first = why = said;
		if (said == DEBUG_GOT)
			break;
	}
	if (first != DEBUG_GOT)
		why = first;
	if (why == DEBUG_NO_ANSWER) /* not all have said so; gdb and others may ask them again */
		forget_miss(fetcher, want);
	fetcher->tell(&(DebugEvent){.kind = DEBUG_EVENT_END,
		.index = index,
		.why = why,
		.bytes = fetcher->spent_bytes - before});
	return why;
}
