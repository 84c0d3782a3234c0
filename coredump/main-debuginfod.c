/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil-debuginfod: the only program of Vigil that asks debuginfod servers. It is started only
 * where somebody wants that, is told build ids and never sees a core, and puts what it gets into
 * the cache that all clients of debuginfod share.
 *   --wants=FD          the list of them (debug-want.h)
 *   --cache=FOLDER      libdebuginfod's
 *   --max-bytes=N --max-seconds=N      for all of them together
 *   --server-seconds=N  without a byte, and a server has failed
 *   --urls=FOLDER       *.urls, where $DEBUGINFOD_URLS is not set (/etc/debuginfod)
 * On stderr: events, one JSON object a line, and errors. Exit status: 0 done, whatever was had; 1
 * failed; 2 bad usage; 3 no server is configured. SIGINT and SIGTERM end it, and nothing half-done
 * stays. */
#include "common/clock.h"
#include "common/io.h"
#include "common/log.h"
#include "common/text.h"
#include "coredump/debuginfod/confine.h"
#include "coredump/debuginfod/fetch.h"
#include <fcntl.h>
#include <getopt.h>
#include <string.h>

#define WANTS_BYTES	((size_t)256 * 1024)
#define MISS_SECONDS	600 /* of debuginfod-client-config(7) */
#define SERVER_SECONDS	20
#define MAX_SECONDS_MAX 86400
#define MAX_BYTES_MAX	((uint64_t)1 << 50)
#define DEFAULT_URLS	"/etc/debuginfod"

typedef struct Options {
	int wants_fd;
	const char *cache, *urls;
	uint64_t max_bytes, max_seconds, server_seconds;
} Options;

static volatile sig_atomic_t ended;

static void on_end(int number)
{
	ended = number;
}

static void tell(const DebugEvent *event)
{
	char line[DEBUG_EVENT_BYTES + 2];

	(void)debug_event_to_line(event, line);
	size_t n = strlen(line);
	line[n++] = '\n';
	(void)write_all(STDERR_FILENO, line, n);
}

static int read_wants(int fd, DebugWant **ret, size_t *ret_n)
{
	_cleanup_(freep) char *text = NULL;
	ssize_t n;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	n = read_fd_max(fd, WANTS_BYTES, &text);
	if (n < 0)
		return (int)n;
	_cleanup_(json_decrefp) json_t *root = json_loadb(text, (size_t)n, 0, NULL);
	return debug_wants_from_json(root, ret, ret_n);
}

/* An empty variable means none, as for every other client. */
static int read_servers(const char *folder, Servers *ret)
{
	const char *urls = getenv(DEBUGINFOD_URLS_ENV_VAR);

	if (urls)
		return servers_parse(urls, ret);
	_cleanup_(closep) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? 0 : servers_read_folder(fd, ret);
}

static usec_t miss_life(int cache_fd)
{
	uint64_t seconds;

	return (read_u64_at(cache_fd, "cache_miss_s", &seconds) == 0
			       ? MIN_OF(seconds, (uint64_t)MAX_SECONDS_MAX * 365)
			       : MISS_SECONDS) *
	       USEC_PER_SEC;
}

static int fetch_all(const Options *options, const DebugWant *wants, size_t n, Servers *servers)
{
	_cleanup_(closep) int cache_fd = -EBADF;
	int r;

	r = confine(options->cache, options->max_bytes, &cache_fd);
	if (r < 0)
		return log_error_errno(
			r, "The cache of debuginfod '%s' cannot be used: %m", options->cache);
	servers_load(servers, cache_fd);
	Fetcher fetcher = {
		.budget = {.max_bytes = options->max_bytes,
			.deadline_monotonic =
				now_usec(CLOCK_MONOTONIC) + options->max_seconds * USEC_PER_SEC,
			.server_usec = options->server_seconds * USEC_PER_SEC},
		.servers = servers,
		.cache_fd = cache_fd,
		.miss_usec = miss_life(cache_fd),
		.end = &ended,
		.tell = tell,
	};
	r = fetcher_open(&fetcher);
	for (size_t i = 0; i < n && r >= 0; i++)
		(void)fetcher_get(&fetcher, i, &wants[i]);
	fetcher_done(&fetcher);
	if (r < 0)
		return log_error_errno(r, "debuginfod cannot be asked: %m");
	r = servers_save(servers, cache_fd);
	if (r < 0)
		(void)log_warning_errno(r, "What was learned of the servers is lost: %m");
	return 0;
}

static int run(const Options *options)
{
	_cleanup_(freep) DebugWant *wants = NULL;
	_cleanup_(servers_donep) Servers servers = {};
	size_t n = 0;
	int r;

	r = read_wants(options->wants_fd, &wants, &n);
	if (r < 0)
		return log_error_errno(r, "The list of build ids cannot be read: %m");
	r = read_servers(options->urls, &servers);
	if (r < 0)
		return log_error_errno(r, "The list of servers cannot be read: %m");
	if (servers.n == 0)
		return DEBUG_NO_SERVERS;
	return fetch_all(options, wants, n, &servers);
}

static int parse_options(int argc, char **argv, Options *options)
{
	enum { WANTS = 256, CACHE, URLS, BYTES, SECONDS, SERVER };
	static const struct option names[] = {{"wants", required_argument, NULL, WANTS},
		{"cache", required_argument, NULL, CACHE}, {"urls", required_argument, NULL, URLS},
		{"max-bytes", required_argument, NULL, BYTES},
		{"max-seconds", required_argument, NULL, SECONDS},
		{"server-seconds", required_argument, NULL, SERVER}, {}};
	uint64_t fd;
	int r = 0, c;

	while (r >= 0 && (c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (c == WANTS) {
			r = parse_u64(optarg, INT32_MAX, &fd);
			options->wants_fd = r < 0 ? -EBADF : (int)fd;
		} else if (c == CACHE)
			options->cache = optarg;
		else if (c == URLS)
			options->urls = optarg;
		else if (c == BYTES)
			r = parse_u64(optarg, MAX_BYTES_MAX, &options->max_bytes);
		else if (c == SECONDS)
			r = parse_u64(optarg, MAX_SECONDS_MAX, &options->max_seconds);
		else if (c == SERVER)
			r = parse_u64(optarg, MAX_SECONDS_MAX, &options->server_seconds);
		else
			r = -EINVAL;
	}
	return r < 0 || optind != argc || options->wants_fd < 0 || !options->cache ? -EINVAL : 0;
}

int main(int argc, char **argv)
{
	Options options = {.wants_fd = -EBADF,
		.urls = DEFAULT_URLS,
		.max_bytes = MAX_BYTES_MAX,
		.max_seconds = MAX_SECONDS_MAX,
		.server_seconds = SERVER_SECONDS};
	const struct sigaction ending = {.sa_handler = on_end}, ignored = {.sa_handler = SIG_IGN};
	int r;

	log_setup("vigil-debuginfod", LOG_NOTICE);
	if (parse_options(argc, argv, &options) < 0) {
		log_error(
			"usage: vigil-debuginfod --wants=FD --cache=FOLDER [--max-bytes=N] "
			"[--max-seconds=N] [--server-seconds=N] [--urls=FOLDER]; vigil starts it.");
		return 2;
	}
	(void)sigaction(SIGINT, &ending, NULL);
	(void)sigaction(SIGTERM, &ending, NULL);
	(void)sigaction(SIGXFSZ, &ignored, NULL); /* a write then fails instead */
	(void)sigaction(SIGPIPE, &ignored, NULL);
	r = run(&options);
	return r < 0 ? EXIT_FAILURE : r;
}
