/* SPDX-License-Identifier: GPL-2.0-or-later */
/* KCrash metadata, read by a parser of its own: inih takes " ;" for a comment, ':' for '=' and cuts
 * lines at 200 bytes, all of which occur in what KCrash writes (paths, exception messages).
 * KConfig, for which the file is meant, knows only '#', '[' and '=' (KConfigIniBackend). */
#include "coredump/kcrash.h"

#include "common/cleanup.h"
#include "common/io.h"
#include "common/text.h"
#include "coredump/drkonqi.h"
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>

#define METADATA_DIR "kcrash-metadata"
#define HUNG_DIR     "application-not-responding" /* in drkonqi/ */
#define KEY_MAX	     128

/* ---- the text ------------------------------------------------------------------------------ */

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* One escape of KConfig's at s (behind the backslash); how many bytes it took, 0: none that it
 * knows, so the backslash stands for itself: KCrash escapes newlines and nothing else, not even
 * backslashes. */
static size_t take_escape(const char *s, size_t length, char *ret)
{
	static const char names[] = "nrts\\", meant[] = "\n\r\t \\";
	const char *at = length > 0 && s[0] ? strchr(names, s[0]) : NULL;

	if (at) {
		*ret = meant[at - names];
		return 1;
	}
	if (length < 3 || s[0] != 'x')
		return 0;
	int high = hex_digit(s[1]), low = hex_digit(s[2]);
	if (high < 0 || low < 0 || high + low == 0)
		return 0;
	*ret = (char)(high * 16 + low);
	return 3;
}

static json_t *unescaped(const char *value, size_t length)
{
	_cleanup_(strbuf_done) StrBuf text = {};

	for (size_t i = 0, n; i < length; i++) {
		char c = value[i];
		if (c == '\\' && (n = take_escape(value + i + 1, length - i - 1, &c)) > 0)
			i += n;
		strbuf_add_char(&text, c);
	}
	return text.failed ? NULL : json_text(strbuf_text(&text), text.length);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void trim(const char **text, size_t *length)
{
	while (*length > 0 && is_blank((*text)[0])) {
		(*text)++;
		(*length)--;
	}
	while (*length > 0 && is_blank((*text)[*length - 1]))
		(*length)--;
}

/* Keys become names of options and of JSON: what KCrash writes, and nothing else. */
static bool is_key(const char *key, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.",
			    key[i]))
			return false;
	return length > 0 && length < KEY_MAX;
}

/* "key=value" into group; what is no such line, or one too many, is passed over. */
static int take_pair(json_t *group, const char *line, size_t length)
{
	const char *equals = memchr(line, '=', length);
	char name[KEY_MAX];

	if (!equals)
		return 0;
	const char *key = line, *value = equals + 1;
	size_t key_length = (size_t)(equals - line), value_length = length - key_length - 1;
	trim(&key, &key_length);
	trim(&value, &value_length);
	if (!is_key(key, key_length))
		return 0;
	memcpy(name, key, key_length);
	name[key_length] = '\0';
	if (json_object_size(group) >= KCRASH_KEYS_MAX && !json_object_get(group, name))
		return 0;
	return json_object_set_new(group, name, unescaped(value, value_length)) < 0 ? -ENOMEM : 0;
}

typedef struct Parser {
	json_t *root;
	json_t *group; /* borrowed from root; NULL: none that is known */
	bool seen;     /* a known group, or an end */
	bool foreign;  /* something that is none of this */
} Parser;

static void take_group(Parser *parser, const char *name, size_t length)
{
	static const char *const known[] = {"KCrash", "KCrashTags", "KCrashExtra", "KCrashGPU"};

	parser->group = NULL;
	for (size_t i = 0; i < ELEMENTSOF(known); i++)
		if (strlen(known[i]) == length && memcmp(known[i], name, length) == 0)
			parser->group = json_object_get(parser->root, known[i]);
	if (length == strlen("KCrashComplete") && memcmp(name, "KCrashComplete", length) == 0)
		(void)json_object_set_new(parser->root, "complete", json_true());
	parser->seen = parser->seen || parser->group;
}

static int take_line(Parser *parser, const char *line, size_t length)
{
	trim(&line, &length);
	if (length == 0 || line[0] == '#')
		return 0;
	if (memchr(line, '\0', length)) { /* what a disk gives for blocks never written */
		parser->foreign = true;
		return 0;
	}
	if (line[0] == '[') {
		const char *end = memchr(line, ']', length);
		take_group(parser, line + 1, end ? (size_t)(end - line) - 1 : 0);
		return 0;
	}
	if (parser->group)
		return take_pair(parser->group, line, length);
	parser->foreign = true;
	return 0;
}

static json_t *empty_metadata(void)
{
	json_t *root = json_pack("{s{}s{}s{}s{}sb}", "KCrash", "KCrashTags", "KCrashExtra",
		"KCrashGPU", "complete", 0);

	if (!root)
		errno = ENOMEM;
	return root;
}

json_t *kcrash_parse(const char *text, size_t length)
{
	_cleanup_(json_decrefp) json_t *root = empty_metadata();
	Parser parser = {.root = root};

	if (!root)
		return NULL;
	for (size_t at = 0, n; at < length; at += n + 1) {
		const char *end = memchr(text + at, '\n', length - at);
		n = end ? (size_t)(end - text) - at : length - at;
		if (take_line(&parser, text + at, n) < 0) {
			errno = ENOMEM;
			return NULL;
		}
	}
	/* An empty file is one whose writer died at once; anything else without a group is none. */
	if (!parser.seen && parser.foreign) {
		errno = EINVAL;
		return NULL;
	}
	return TAKE_PTR(root);
}

/* ---- the file ------------------------------------------------------------------------------ */

static int open_directory(int cache_fd, const char *name)
{
	int fd = openat(cache_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* The executable's name without what /proc adds to a deleted one's. "" where it is unknown. */
static void executable_name(const Crash *crash, char ret[static NAME_MAX + 1])
{
	const char *slash = crash->exe ? strrchr(crash->exe, '/') : NULL;
	const char *name = slash ? slash + 1 : "";
	const char *deleted = endswith(name, " (deleted)");
	size_t length = deleted ? (size_t)(deleted - name) : strlen(name);

	(void)snprintf(ret, NAME_MAX + 1, "%.*s", (int)MIN_OF(length, (size_t)NAME_MAX), name);
}

static ssize_t read_metadata(int dir_fd, const char *name, uid_t owner, char **ret)
{
	_cleanup_(closep) int fd = open_regular_at(dir_fd, name);
	_cleanup_(freep) char *text = NULL;
	struct stat st;

	if (fd < 0)
		return fd == -ENXIO ? -EINVAL : fd; /* a socket cannot even be opened */
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_uid != owner)
		return -EPERM;
	ssize_t length = read_fd_max(fd, KCRASH_MAX_BYTES + 1, &text);
	if (length < 0 || !text)
		return length;
	if (length > (ssize_t)KCRASH_MAX_BYTES)
		return -EFBIG;
	*ret = TAKE_PTR(text);
	return length;
}

static bool is_of_other_program(const json_t *kcrash, const Crash *crash)
{
	const char *exe =
		json_string_value(json_object_get(json_object_get(kcrash, "KCrash"), "exe"));
	const char *rest = exe && crash->exe ? startswith(crash->exe, exe) : NULL;

	return exe && crash->exe && !(rest && (streq(rest, "") || streq(rest, " (deleted)")));
}

static void complete(json_t *kcrash, const Crash *crash)
{
	json_t *group = json_object_get(kcrash, "KCrash");
	char number[16];

	if (json_is_true(json_object_get(kcrash, "complete")))
		return;
	if (crash->signal && !json_object_get(group, "signal")) {
		(void)snprintf(number, sizeof number, "%d", crash->signal);
		json_add_string(group, "signal", number);
	}
	if (crash->pid && !json_object_get(group, "pid")) {
		(void)snprintf(number, sizeof number, "%d", crash->pid);
		json_add_string(group, "pid", number);
	}
	/* Not known; better not to restart it twice. */
	if (!json_object_get(group, "restarted"))
		json_add_string(group, "restarted", "true");
}

/* 1 taken, 0 not there or of another, -errno. by_pid: the older layout, where the name tells least.
 */
static int try_name(int dir_fd, const char *name, Crash *crash, bool by_pid)
{
	uid_t owner = crash->uid == CRASH_UID_UNKNOWN ? geteuid() : crash->uid;
	_cleanup_(freep) char *text = NULL;

	ssize_t length = read_metadata(dir_fd, name, owner, &text);
	if (length < 0 || !text)
		return length == -ENOENT || length == -ENAMETOOLONG ? 0 : (int)length;
	_cleanup_(json_decrefp) json_t *kcrash = kcrash_parse(text, (size_t)length);
	if (!kcrash)
		return -errno;
	if (by_pid && is_of_other_program(kcrash, crash))
		return 0;
	complete(kcrash, crash);
	json_decref(crash->kcrash);
	crash->kcrash = TAKE_PTR(kcrash);
	return 1;
}

static int find_at_drkonqi(int cache_fd, Crash *crash)
{
	uid_t owner = crash->uid == CRASH_UID_UNKNOWN ? geteuid() : crash->uid;
	json_t *kcrash = NULL;
	int r;

	r = drkonqi_read(cache_fd, crash, owner, &kcrash);
	if (r <= 0)
		return r;
	complete(kcrash, crash);
	json_decref(crash->kcrash);
	crash->kcrash = kcrash;
	return 1;
}

/* Its own file, by either name. */
static int find_file(int cache_fd, Crash *crash, char **ret_name)
{
	char exe[NAME_MAX + 1], names[2][NAME_MAX + 64] = {};
	int r = 0;

	_cleanup_(closep) int dir_fd = open_directory(cache_fd, METADATA_DIR);
	if (dir_fd < 0)
		return dir_fd == -ENOENT ? 0 : dir_fd;
	if (crash->pid <= 0)
		return 0;
	executable_name(crash, exe);
	if (exe[0] && crash->boot_id[0])
		(void)snprintf(
			names[0], sizeof names[0], "%s.%s.%d.ini", exe, crash->boot_id, crash->pid);
	(void)snprintf(names[1], sizeof names[1], "%d.ini", crash->pid);
	for (size_t i = 0; i < ELEMENTSOF(names) && r == 0; i++) {
		if (!names[i][0])
			continue;
		r = try_name(dir_fd, names[i], crash, i == 1);
		if (r > 0 && asprintf(ret_name, "%s/%s", METADATA_DIR, names[i]) < 0)
			return -ENOMEM;
	}
	return r;
}

int kcrash_find(int cache_fd, Crash *crash, char **ret_name)
{
	int r;

	*ret_name = NULL;
	r = find_file(cache_fd, crash, ret_name);
	return r == 0 ? find_at_drkonqi(cache_fd, crash) : r;
}

int kcrash_remove(int cache_fd, const char *name)
{
	const char *file = name ? startswith(name, METADATA_DIR "/") : NULL;

	if (!name)
		return 0;
	if (!file || !file[0] || strchr(file, '/'))
		return -EINVAL;
	_cleanup_(closep) int dir_fd = open_directory(cache_fd, METADATA_DIR);
	if (dir_fd < 0)
		return dir_fd;
	return unlinkat(dir_fd, file, 0) < 0 ? -errno : 0;
}

/* Whether dir_fd/name is a regular file of this user; its time, if so. */
static bool is_own_file(int dir_fd, const char *name, uid_t owner, usec_t *ret_changed)
{
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
		st.st_uid != owner)
		return false;
	*ret_changed = (usec_t)st.st_mtim.tv_sec * USEC_PER_SEC + (usec_t)st.st_mtim.tv_nsec / 1000;
	return true;
}

/* Takes the fd. */
static DIR *open_list(int fd)
{
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		(void)safe_close(fd);
	return dir;
}

static int sweep_directory(int cache_fd, const char *name, usec_t now_realtime)
{
	int fd = open_directory(cache_fd, name), removed = 0;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	_cleanup_(closedirp) DIR *dir = open_list(fd);
	if (!dir)
		return -errno;
	for (unsigned seen = 0; seen < KCRASH_SWEEP_MAX; seen++) {
		usec_t changed;
		const struct dirent *entry = readdir(dir);
		if (!entry)
			break;
		if (endswith(entry->d_name, ".ini") &&
			is_own_file(dirfd(dir), entry->d_name, geteuid(), &changed) &&
			changed + KCRASH_KEEP_USEC < now_realtime &&
			unlinkat(dirfd(dir), entry->d_name, 0) == 0)
			removed++;
	}
	return removed;
}

int kcrash_sweep(int cache_fd, usec_t now_realtime)
{
	int metadata = sweep_directory(cache_fd, METADATA_DIR, now_realtime);
	int written = sweep_directory(cache_fd, "vigil/drkonqi", now_realtime);

	return metadata < 0 ? metadata : written < 0 ? written : metadata + written;
}

/* ---- programs that did not respond ----------------------------------------------------------- */

/* Cuts the part behind the last dot off name. NULL: there is no dot. */
static const char *cut_last_part(char *name)
{
	char *dot = strrchr(name, '.');

	if (!dot)
		return NULL;
	*dot = '\0';
	return dot + 1;
}

static bool is_near(uint64_t stamp, usec_t when)
{
	/* µs since 1970 have had 16 digits since 2001, ms have 13 until 2286. */
	usec_t at = stamp < 100000000000000 ? stamp * 1000 : stamp;

	return (at > when ? at - when : when - at) <= KCRASH_HUNG_USEC;
}

/* exe: the executable's name. Changes name. */
static bool is_of_crash(char *name, const Crash *crash, const char *exe)
{
	uint64_t stamp, pid;

	const char *kind = cut_last_part(name), *time = cut_last_part(name);
	const char *process = cut_last_part(name), *boot = cut_last_part(name);
	if (!boot || !streq(kind, "json") || !streq(boot, crash->boot_id) ||
		parse_u64(process, INT32_MAX, &pid) < 0 || pid != (uint64_t)crash->pid ||
		parse_u64(time, INT64_MAX / 1000, &stamp) < 0)
		return false;
	size_t base = strcspn(exe, ".");
	bool named = streq(name, exe) || (strlen(name) == base && memcmp(name, exe, base) == 0);
	return named && is_near(stamp, crash->when_realtime);
}

int kcrash_was_hung(int cache_fd, const Crash *crash)
{
	uid_t owner = crash->uid == CRASH_UID_UNKNOWN ? geteuid() : crash->uid;
	char exe[NAME_MAX + 1], name[NAME_MAX + 1];
	usec_t changed;

	executable_name(crash, exe);
	if (crash->signal != SIGABRT || !exe[0] || !crash->boot_id[0])
		return 0;
	_cleanup_(closep) int parent = open_directory(cache_fd, "drkonqi");
	int fd = parent < 0 ? parent : open_directory(parent, HUNG_DIR);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	_cleanup_(closedirp) DIR *dir = open_list(fd);
	if (!dir)
		return -errno;
	for (unsigned seen = 0; seen < KCRASH_HUNG_FILES; seen++) {
		const struct dirent *entry = readdir(dir);
		if (!entry)
			break;
		(void)snprintf(name, sizeof name, "%s", entry->d_name);
		if (is_of_crash(name, crash, exe) &&
			is_own_file(dirfd(dir), entry->d_name, owner, &changed))
			return 1;
	}
	return 0;
}
