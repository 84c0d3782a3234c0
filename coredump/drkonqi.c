/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DrKonqi's two contracts. What KCrash wrote is foreign: names of options are matched, values
 * bounded, and nothing of it becomes a path but the executable's name. */
#include "coredump/drkonqi.h"

#include "common/cleanup.h"
#include "common/io.h"
#include "common/text.h"
#include "common/words.h"
#include "coredump/kcrash.h"
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

/* MAX_ARG_STRLEN is 128 KiB (execve(2)); an exception's message may be longer. */
#define ARGUMENT_MAX ((size_t)16 * 1024)
/* Of a file of DrKonqi's, which holds the whole journal entry. */
#define READ_MAX (4 * 1024 * 1024)

static const char *kcrash_text(const Crash *crash, const char *key)
{
	return json_string_value(json_object_get(json_object_get(crash->kcrash, "KCrash"), key));
}

bool drkonqi_takes(const ReporterSetup *setup, const Crash *crash)
{
	const char *exe = kcrash_text(crash, "exe");
	const char *rest = exe && crash->exe ? startswith(crash->exe, exe) : NULL;

	if (!setup->drkonqi || setup->kde_debug || !crash->exe ||
		json_object_size(json_object_get(crash->kcrash, "KCrash")) == 0)
		return false;
	if ((exe && endswith(exe, "/drkonqi")) || endswith(crash->exe, "/drkonqi"))
		return false;
	/* Without the core it has nothing to show. */
	if (!crash->core_file ||
		faccessat(AT_FDCWD, crash->core_file, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	/* 5.27's launcher stops at metadata of another executable and at metadata without a pid. */
	if (setup->drkonqi_major == 5)
		return kcrash_text(crash, "pid") &&
		       (!exe || (rest && (streq(rest, "") || streq(rest, " (deleted)"))));
	return true;
}

/* ---- arguments ------------------------------------------------------------------------------ */

/* Options of Qt's own that load code, open ports or change what is run, and those that only print:
 * QGuiApplication and QCommandLineParser take them before DrKonqi sees anything. */
static bool is_unwanted(const char *key)
{
	static const char *const keys[] = {"platformpluginpath", "plugin", "qmljsdebugger",
		"stylesheet", "style", "session", "qwindowgeometry", "qwindowicon", "help",
		"help-all", "version", "v", "h", "author", "license", "desktopfile", "exe"};

	for (size_t i = 0; i < ELEMENTSOF(keys); i++)
		if (streq(key, keys[i]))
			return true;
	return key[0] == '-' || strchr(key, '.');
}

/* How much of text to take: whole code points. */
static int bounded_length(const char *text)
{
	size_t n = strnlen(text, ARGUMENT_MAX + 1);

	if (n <= ARGUMENT_MAX)
		return (int)n;
	for (n = ARGUMENT_MAX; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80;)
		n--;
	return (int)n;
}

/* Up to two words; -1: no memory. */
static int add_option(char **at, const char *key, const char *value)
{
	bool alone = streq(value, "true") || streq(value, "false");
	bool dashed = value[0] == '-';
	int length = bounded_length(value);

	if (asprintf(at, dashed ? "--%s=%.*s" : "--%s", key, length, value) < 0) {
		*at = NULL;
		return -1;
	}
	if (alone || dashed)
		return 1;
	at[1] = strndup(value, (size_t)length);
	return at[1] ? 2 : -1;
}

char **drkonqi_arguments(const char *path, const json_t *kcrash)
{
	json_t *group = json_object_get(kcrash, "KCrash"), *value;
	char **words = calloc(2 * json_object_size(group) + 2, sizeof *words);
	const char *key;
	size_t n = 1;

	if (!words || !(words[0] = strdup(path)))
		return words_free(words);
	json_object_foreach (group, key, value) {
		int r = json_is_string(value) && !is_unwanted(key)
				? add_option(words + n, key, json_string_value(value))
				: 0;
		if (r < 0)
			return words_free(words);
		n += (size_t)r;
	}
	return words;
}

/* ---- files ----------------------------------------------------------------------------------- */

static json_t *journal_fields(const ReporterSetup *setup, const Crash *crash)
{
	json_t *fields = reporter_journal_fields(crash);

	if (fields && setup->picked_up)
		json_add_string(fields, "_DRKONQI_PICKUP", "TRUE");
	return fields;
}

static json_t *group_copy(const Crash *crash, const char *name)
{
	json_t *group = json_object_get(crash->kcrash, name);

	return json_is_object(group) ? json_incref(group) : json_object();
}

char *drkonqi_json(const ReporterSetup *setup, const Crash *crash)
{
	_cleanup_(json_decrefp) json_t *root = json_pack("{si so so so so sb so s{sb}}", "version",
		2, "kcrash", group_copy(crash, "KCrash"), "kcrash-tags",
		group_copy(crash, "KCrashTags"), "kcrash-extra-data",
		group_copy(crash, "KCrashExtra"), "kcrash-gpu", group_copy(crash, "KCrashGPU"),
		"kcrash-complete", json_is_true(json_object_get(crash->kcrash, "complete")),
		"journal", journal_fields(setup, crash), "drkonqi", "PickedUp", 1);

	/* Handled: DrKonqi's own launcher, where it runs as well, lets go of a crash so marked. */
	return root ? json_dumps(root, JSON_INDENT(4)) : NULL;
}

static char named_escape(char c)
{
	static const char names[] = "abfnrtv\"\\", meant[] = "\a\b\f\n\r\t\v\"\\";
	const char *at = c ? strchr(meant, c) : NULL;

	return at ? names[at - meant] : '\0';
}

/* As QSettings writes a value (qsettings.cpp, iniEscapedString): quoted where it has separators or
 * spaces at an end, bytes outside ASCII as \xNN, and a hex digit behind such a one as well. */
static void add_escaped(StrBuf *out, const char *text)
{
	size_t length = strlen(text);
	bool quoted = strpbrk(text, ";,=") || text[0] == ' ' || (length && text[length - 1] == ' ');
	bool after_hex = false;

	if (quoted)
		strbuf_add_char(out, '"');
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		char name = named_escape(text[i]);
		bool hex = !name && (c < 0x20 || c >= 0x7f ||
					    (after_hex && strchr("0123456789abcdefABCDEF", c)));
		if (name)
			strbuf_addf(out, "\\%c", name);
		else if (hex)
			strbuf_addf(out, "\\x%x", c);
		else
			strbuf_add_char(out, text[i]);
		after_hex = hex;
	}
	if (quoted)
		strbuf_add_char(out, '"');
}

static bool is_plain(const char *text)
{
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p >= 0x80)
			return false;
	return text[0] != '@';
}

/* Whoever sent a crash over the socket named its fields as well. */
static bool is_ini_key(const char *key)
{
	return key[0] && key[strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789_-.")] == '\0';
}

/* bytes: as QSettings writes a QByteArray, which DrKonqi's journal fields are. Text outside ASCII
 * is written so as well: QVariant makes UTF-8 of it. */
static void add_ini_group(StrBuf *out, const char *name, json_t *group, bool bytes)
{
	_cleanup_(strbuf_done) StrBuf wrapped = {};
	const char *key;
	json_t *value;

	if (json_object_size(group) == 0)
		return;
	strbuf_addf(out, "%s[%s]\n", out->length ? "\n" : "", name);
	json_object_foreach (group, key, value) {
		const char *text = json_string_value(value);
		if (!is_ini_key(key))
			continue;
		strbuf_reset(&wrapped);
		if (text && (bytes || !is_plain(text))) {
			strbuf_addf(&wrapped, "@ByteArray(%s)", text);
			text = strbuf_text(&wrapped);
		}
		strbuf_addf(out, "%s=", key);
		add_escaped(out, text ? text : "");
		strbuf_add_char(out, '\n');
	}
	out->failed = out->failed || wrapped.failed;
}

char *drkonqi_ini(const ReporterSetup *setup, const Crash *crash)
{
	static const char *const names[] = {"KCrash", "KCrashTags", "KCrashExtra", "KCrashGPU"};
	_cleanup_(json_decrefp) json_t *journal = journal_fields(setup, crash);
	_cleanup_(strbuf_done) StrBuf out = {};

	for (size_t i = 0; i < ELEMENTSOF(names); i++)
		add_ini_group(&out, names[i], json_object_get(crash->kcrash, names[i]), false);
	add_ini_group(&out, "Journal", journal, true);
	return journal ? strbuf_take(&out) : NULL;
}

/* {EXE}.{BOOTID}.{PID}.{TIMESTAMP}.ini, JSON though it is. 0, -EINVAL, -ENAMETOOLONG. */
static int file_name(const Crash *crash, char ret[static NAME_MAX + 1])
{
	const char *slash = crash->exe ? strrchr(crash->exe, '/') : NULL;

	if (!slash || !slash[1])
		return -EINVAL;
	int n = snprintf(ret, NAME_MAX + 1, "%s.%s.%d.%llu.ini", slash + 1, crash->boot_id,
		crash->pid, (unsigned long long)crash->when_realtime);
	return n > NAME_MAX ? -ENAMETOOLONG : 0;
}

/* Never through a symlink. */
static int open_below(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* The same, made with mode 0700 if it is not there. */
static int open_made(int parent, const char *name)
{
	if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	return open_below(parent, name);
}

int drkonqi_write(const ReporterSetup *setup, const Crash *crash, char **ret_path)
{
	bool ini = setup->drkonqi_major == 5;
	const char *outer = ini ? "vigil" : "drkonqi", *inner = ini ? "drkonqi" : "crashes";
	_cleanup_(freep) char *text = ini ? drkonqi_ini(setup, crash) : drkonqi_json(setup, crash);
	char name[NAME_MAX + 1];
	int r;

	if (!text)
		return -ENOMEM;
	r = file_name(crash, name);
	if (r < 0)
		return r;
	_cleanup_(closep) int outer_fd = open_made(setup->cache_fd, outer);
	_cleanup_(closep) int inner_fd = outer_fd < 0 ? outer_fd : open_made(outer_fd, inner);
	if (inner_fd < 0)
		return inner_fd;
	r = write_file_atomic(inner_fd, name, 0600, text, strlen(text));
	if (r < 0)
		return r;
	return asprintf(ret_path, "%s/%s/%s/%s", setup->cache_path, outer, inner, name) < 0
		       ? -ENOMEM
		       : 0;
}

/* ---- what its launcher left ------------------------------------------------------------------ */

static json_t *load_own(int dir_fd, const char *name, uid_t owner)
{
	_cleanup_(closep) int fd = open_regular_at(dir_fd, name);
	_cleanup_(freep) char *text = NULL;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != owner || st.st_size > READ_MAX)
		return NULL;
	ssize_t length = read_fd_max(fd, READ_MAX, &text);
	return length > 0 && text ? json_loadb(text, (size_t)length, JSON_ALLOW_NUL, NULL) : NULL;
}

/* Texts, and true and false as texts, of a group; what else there is, is left out. */
static json_t *plain_group(const json_t *group)
{
	json_t *plain = json_object(), *value;
	const char *key;

	json_object_foreach ((json_t *)group, key, value) {
		if (json_object_size(plain) >= KCRASH_KEYS_MAX || !is_ini_key(key))
			continue;
		if (json_is_boolean(value))
			json_add_string(plain, key, json_is_true(value) ? "true" : "false");
		else
			json_add_string(plain, key, json_string_value(value));
	}
	return plain;
}

int drkonqi_read(int cache_fd, const Crash *crash, uid_t owner, json_t **ret)
{
	static const char *const names[][2] = {{"kcrash", "KCrash"}, {"kcrash-tags", "KCrashTags"},
		{"kcrash-extra-data", "KCrashExtra"}, {"kcrash-gpu", "KCrashGPU"}};
	char name[NAME_MAX + 1];

	if (!crash->boot_id[0] || file_name(crash, name) < 0)
		return 0;
	_cleanup_(closep) int outer = open_below(cache_fd, "drkonqi");
	_cleanup_(closep) int inner = outer < 0 ? outer : open_below(outer, "crashes");
	if (inner < 0)
		return inner == -ENOENT ? 0 : inner;
	_cleanup_(json_decrefp) json_t *file = load_own(inner, name, owner);
	if (json_object_size(json_object_get(file, "kcrash")) == 0)
		return 0;
	json_t *kcrash = json_object();
	for (size_t i = 0; i < ELEMENTSOF(names); i++)
		(void)json_object_set_new(
			kcrash, names[i][1], plain_group(json_object_get(file, names[i][0])));
	json_add_bool(kcrash, "complete", json_is_true(json_object_get(file, "kcrash-complete")));
	*ret = kcrash;
	return kcrash ? 1 : -ENOMEM;
}
