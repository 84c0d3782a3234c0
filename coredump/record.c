/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fields in, one struct out. What is taken is bounded here, whichever source it came from. */
#include "coredump/record.h"

#include "common/i18n.h"
#include "common/text.h"
#include <ctype.h>
#include <glib.h>
#include <signal.h>

#define AT(member) offsetof(Crash, member)

/* clang-format off */
const CrashText crash_texts[] = {
	{"COREDUMP_COMM",              "comm",             AT(comm),              4096},
	{"COREDUMP_EXE",               "exe",              AT(exe),               4096},
	{"COREDUMP_CMDLINE",           "cmdline",          AT(cmdline),           CRASH_TEXT_MAX},
	{"COREDUMP_UNIT",              "unit",             AT(unit),              4096},
	{"COREDUMP_USER_UNIT",         "userUnit",         AT(user_unit),         4096},
	{"COREDUMP_SLICE",             "slice",            AT(slice),             4096},
	{"COREDUMP_CGROUP",            "cgroup",           AT(cgroup),            4096},
	{"COREDUMP_HOSTNAME",          "hostname",         AT(hostname),          256},
	{"COREDUMP_FILENAME",          "coreFile",         AT(core_file),         4096},
	{"MESSAGE",                    "message",          AT(message),           CRASH_MESSAGE_MAX},
	{"COREDUMP_PACKAGE_JSON",      "package",          AT(package),           CRASH_TEXT_MAX},
	{"COREDUMP_CWD",               "cwd",              AT(cwd),               4096},
	{"COREDUMP_ROOT",              "root",             AT(root),              4096},
	{"COREDUMP_CONTAINER_CMDLINE", "containerCmdline", AT(container_cmdline), CRASH_TEXT_MAX},
	{"COREDUMP_THREAD_NAME",       "threadName",       AT(thread_name),       4096},
	{"COREDUMP_RLIMIT",            "rlimit",           AT(rlimit),            64},
	{"COREDUMP_PROC_CGROUP",       "procCgroup",       AT(proc_cgroup),       CRASH_TEXT_MAX},
};

/* Never loaded, never kept. The environment holds secrets (17 of 18 dumps in one survey); the rest
 * is bulk that the core itself has. */
static const char *const unwanted[] = {
	"COREDUMP", "COREDUMP_ENVIRON", "COREDUMP_PROC_MAPS", "COREDUMP_PROC_MOUNTINFO",
	"COREDUMP_OPEN_FDS",
};
/* clang-format on */
const size_t crash_n_texts = ELEMENTSOF(crash_texts);

static char **text_at(Crash *crash, const CrashText *text)
{
	return (char **)((char *)crash + text->offset);
}

const char *crash_text(const Crash *crash, const CrashText *text)
{
	return *(char *const *)((const char *)crash + text->offset);
}

static bool is_name(const char *name, size_t length, const char *known)
{
	return strlen(known) == length && memcmp(name, known, length) == 0;
}

static const CrashText *find_field(const char *name, size_t length)
{
	for (size_t i = 0; i < crash_n_texts; i++)
		if (is_name(name, length, crash_texts[i].field))
			return &crash_texts[i];
	return NULL;
}

const CrashText *crash_text_find(const char *name)
{
	for (size_t i = 0; i < crash_n_texts; i++)
		if (streq(name, crash_texts[i].field) || streq(name, crash_texts[i].key))
			return &crash_texts[i];
	return NULL;
}

bool crash_wants_field(const char *name, size_t name_length)
{
	for (size_t i = 0; i < ELEMENTSOF(unwanted); i++)
		if (is_name(name, name_length, unwanted[i]))
			return false;
	return true;
}

/* A field of text: ends at the first NUL, or at max. */
static int take_text(char **at, const char *value, size_t length, size_t max)
{
	if (*at) /* the first of repeated ones counts */
		return 0;
	*at = strndup(value, MIN_OF(length, max));
	return *at ? 1 : -ENOMEM;
}

static bool take_number(const char *value, size_t length, uint64_t max, uint64_t *ret)
{
	char text[24];

	if (length == 0 || length >= sizeof text)
		return false;
	memcpy(text, value, length);
	text[length] = '\0';
	return parse_u64(text, max, ret) == 0;
}

/* 32 hex digits, in either case and with or without dashes (sd-id128(3)). */
static void take_id(char at[static 33], const char *value, size_t length)
{
	char digits[33];
	size_t n = 0;

	for (size_t i = 0; i < length; i++) {
		if (value[i] == '-')
			continue;
		if (!isxdigit((unsigned char)value[i]) || n == 32)
			return;
		digits[n++] = (char)tolower((unsigned char)value[i]);
	}
	digits[n] = '\0';
	if (n == 32 && !at[0])
		memcpy(at, digits, sizeof digits);
}

typedef enum SpecialField {
	SPECIAL_PID,
	SPECIAL_UID,
	SPECIAL_GID,
	SPECIAL_SIGNAL,
	SPECIAL_WHEN,
	SPECIAL_DUMPABLE,
	SPECIAL_TRUNCATED,
	SPECIAL_CURSOR,
	SPECIAL_BOOT,
	SPECIAL_MACHINE,
	SPECIAL_MESSAGE_ID,
} SpecialField;

/* clang-format off */
static const struct { const char *field; SpecialField special; } specials[] = {
	{"COREDUMP_PID",       SPECIAL_PID},
	{"COREDUMP_UID",       SPECIAL_UID},
	{"COREDUMP_GID",       SPECIAL_GID},
	{"COREDUMP_SIGNAL",    SPECIAL_SIGNAL},
	{"COREDUMP_TIMESTAMP", SPECIAL_WHEN},
	{"COREDUMP_DUMPABLE",  SPECIAL_DUMPABLE},
	{"COREDUMP_TRUNCATED", SPECIAL_TRUNCATED},
	{"__CURSOR",           SPECIAL_CURSOR},
	{"_DRKONQI_SD_CURSOR", SPECIAL_CURSOR},
	{"_BOOT_ID",           SPECIAL_BOOT},
	{"_MACHINE_ID",        SPECIAL_MACHINE},
	{"MESSAGE_ID",         SPECIAL_MESSAGE_ID},
};
/* clang-format on */

static int take_special(Crash *crash, SpecialField special, const char *value, size_t length)
{
	uint64_t number = 0;
	bool is_number = take_number(value, length, INT64_MAX, &number);

	switch (special) {
	case SPECIAL_PID:
		if (is_number && number <= INT32_MAX && crash->pid == 0)
			crash->pid = (pid_t)number;
		break;
	case SPECIAL_UID:
		if (is_number && number < CRASH_UID_UNKNOWN && crash->uid == CRASH_UID_UNKNOWN)
			crash->uid = (uid_t)number;
		break;
	case SPECIAL_GID:
		if (is_number && number < (gid_t)-1 && crash->gid == (gid_t)-1)
			crash->gid = (gid_t)number;
		break;
	case SPECIAL_SIGNAL:
		if (is_number && number < 256 && crash->signal == 0)
			crash->signal = (int)number;
		break;
	case SPECIAL_WHEN:
		if (is_number && crash->when_realtime == 0)
			crash->when_realtime = number;
		break;
	case SPECIAL_DUMPABLE:
		if (is_number && number <= 2 && crash->dumpable < 0)
			crash->dumpable = (int)number;
		break;
	case SPECIAL_TRUNCATED:
		crash->truncated = crash->truncated || (length == 1 && value[0] == '1');
		break;
	case SPECIAL_CURSOR:
		return take_text(&crash->cursor, value, length, 1024);
	case SPECIAL_BOOT:
		take_id(crash->boot_id, value, length);
		break;
	case SPECIAL_MACHINE:
		take_id(crash->machine_id, value, length);
		break;
	case SPECIAL_MESSAGE_ID:
		if (is_name(value, length, CRASH_MESSAGE_ID_TRACEBACK))
			crash->kind = CRASH_TRACEBACK;
		break;
	}
	return 1;
}

/* Binary numbers, which text would not survive; core-auxv.h reads them. */
static json_t *hex_text(const char *data, size_t length)
{
	char digits[2 * 4096 + 1];

	length = MIN_OF(length, sizeof digits / 2);
	for (size_t i = 0; i < length; i++)
		(void)snprintf(digits + 2 * i, 3, "%02x", (unsigned char)data[i]);
	return json_stringn(digits, 2 * length);
}

/* What no row of a table knows is kept as it is, within bounds. */
static int keep_field(
	Crash *crash, const char *name, size_t name_length, const char *value, size_t length)
{
	char key[128];

	if (name_length == 0 || name_length >= sizeof key ||
		crash->fields_bytes + name_length + length > CRASH_FIELDS_MAX)
		return 0;
	memcpy(key, name, name_length);
	key[name_length] = '\0';
	json_t *text = is_name(name, name_length, "COREDUMP_PROC_AUXV") ? hex_text(value, length)
									: json_text(value, length);
	if (!crash->fields)
		crash->fields = json_object();
	if (!text || !crash->fields || strlen(key) != name_length ||
		json_object_size(crash->fields) >= CRASH_N_FIELDS_MAX ||
		json_object_get(crash->fields, key) ||
		json_object_set_new(crash->fields, key, json_incref(text)) < 0) {
		json_decref(text);
		return crash->fields && text ? 0 : -ENOMEM;
	}
	json_decref(text);
	crash->fields_bytes += name_length + length;
	return 1;
}

int crash_take_field(
	Crash *crash, const char *name, size_t name_length, const char *value, size_t length)
{
	const CrashText *text;

	if (is_name(name, name_length, "COREDUMP"))
		crash->core_in_journal = true;
	if (!crash_wants_field(name, name_length))
		return 0;
	text = find_field(name, name_length);
	if (text)
		return take_text(text_at(crash, text), value, length, text->max);
	for (size_t i = 0; i < ELEMENTSOF(specials); i++)
		if (is_name(name, name_length, specials[i].field))
			return take_special(crash, specials[i].special, value, length);
	return keep_field(crash, name, name_length, value, length);
}

int crash_take_data(Crash *crash, const char *data, size_t length)
{
	const char *equals = memchr(data, '=', MIN_OF(length, (size_t)128));

	if (!equals)
		return 0;
	return crash_take_field(crash, data, (size_t)(equals - data), equals + 1,
		length - (size_t)(equals + 1 - data));
}

static uint64_t kept_number(const Crash *crash, const char *name, uint64_t max)
{
	const char *text = json_string_value(json_object_get(crash->fields, name));
	uint64_t number;

	return text && parse_u64(text, max, &number) == 0 ? number : UINT64_MAX;
}

/* What another field tells in the place of this one, within this one's bound. */
static void take_kept(Crash *crash, const char *field, const char *value)
{
	const CrashText *text = crash_text_find(field);

	if (value)
		(void)take_text(text_at(crash, text), value, strlen(value), text->max);
}

/* A traceback is logged by the program itself or for it, so the entry's own process stands in for
 * what it does not tell. */
static void fill_traceback(Crash *crash, usec_t entry_realtime)
{
	uint64_t pid = kept_number(crash, "_PID", INT32_MAX);
	uint64_t uid = kept_number(crash, "_UID", UINT32_MAX - 1);
	const char *exe = json_string_value(json_object_get(crash->fields, "_EXE"));

	if (crash->pid == 0 && pid != UINT64_MAX)
		crash->pid = (pid_t)pid;
	if (crash->uid == CRASH_UID_UNKNOWN && uid != UINT64_MAX)
		crash->uid = (uid_t)uid;
	if (exe && !endswith(exe, "/systemd-coredump"))
		take_kept(crash, "COREDUMP_EXE", exe);
	if (crash->when_realtime == 0)
		crash->when_realtime = entry_realtime;
}

static void compute_hash(Crash *crash)
{
	char identity[160];

	(void)snprintf(identity, sizeof identity, "vigil-crash-1\n%s\n%s\n%d\n%llu\n",
		crash->machine_id, crash->boot_id, crash->pid,
		(unsigned long long)crash->when_realtime);
	g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, identity, -1);
	(void)snprintf(crash->hash, sizeof crash->hash, "%.40s", digest);
}

void crash_bound_time(Crash *crash, usec_t told_realtime)
{
	if (crash->trust == CRASH_UNVERIFIED)
		crash->when_realtime = MIN_OF(crash->when_realtime, told_realtime);
}

int crash_identify(Crash *crash, usec_t entry_realtime)
{
	if (crash->kind == CRASH_TRACEBACK)
		fill_traceback(crash, entry_realtime);
	if (crash->when_realtime == 0)
		crash->when_realtime = entry_realtime;
	take_kept(crash, "COREDUMP_HOSTNAME",
		json_string_value(json_object_get(crash->fields, "_HOSTNAME")));
	if (crash->pid == 0 || crash->when_realtime == 0)
		return -EBADMSG;
	compute_hash(crash);
	return 0;
}

void crash_done(Crash *crash)
{
	for (size_t i = 0; i < crash_n_texts; i++)
		free(*text_at(crash, &crash_texts[i]));
	free(crash->cursor);
	json_decref(crash->fields);
	json_decref(crash->kcrash);
	*crash = (Crash)CRASH_INIT;
}

const char *crash_program(const Crash *crash, char buf[static 32])
{
	const char *slash = crash->exe ? strrchr(crash->exe, '/') : NULL;

	if (slash && slash[1])
		return slash + 1;
	if (crash->exe && crash->exe[0] && !slash)
		return crash->exe;
	if (crash->comm && crash->comm[0])
		return crash->comm;
	(void)snprintf(buf, 32, "pid %d", crash->pid);
	return buf;
}

const char *crash_short_id(const Crash *crash, char buf[static CRASH_ID_DIGITS + 1])
{
	(void)snprintf(buf, CRASH_ID_DIGITS + 1, "%.*s", CRASH_ID_DIGITS, crash->hash);
	return buf;
}

const char *crash_signal_name(int signal, char buf[static 16])
{
	const char *name = signal > 0 ? sigabbrev_np(signal) : "";

	if (signal <= 0)
		return "";
	if (name)
		(void)snprintf(buf, 16, "SIG%s", name);
	else
		(void)snprintf(buf, 16, "SIG%d", signal);
	return buf;
}

const char *crash_signal_words(int signal)
{
	switch (signal) {
	case 0:
		return N_("ended with an error it did not handle");
	case SIGSEGV:
		return N_("was closed after an invalid memory access");
	case SIGBUS:
		return N_("was closed after an access to memory that is not there");
	case SIGABRT:
		return N_("stopped itself after an internal error");
	case SIGFPE:
		return N_("was closed after an impossible calculation");
	case SIGILL:
		return N_("was closed after an instruction that this processor does not know");
	case SIGTRAP:
		return N_("stopped itself at a failed check");
	case SIGSYS:
		return N_("was closed after a system call that it is not allowed to make");
	case SIGQUIT:
		return N_("was told to quit and leave a core dump");
	case SIGXCPU:
		return N_("was closed because it used up its processor time");
	case SIGXFSZ:
		return N_("was closed because a file it wrote grew too large");
	default:
		return N_("was closed unexpectedly");
	}
}

static void add_id(json_t *root, const char *key, const char *id)
{
	json_add_string(root, key, id[0] ? id : NULL);
}

json_t *crash_to_json(const Crash *crash, bool full)
{
	json_t *root = json_object();
	char id[CRASH_ID_DIGITS + 1], name[16], program[32];

	json_add_string(root, "id", crash_short_id(crash, id));
	json_add_string(root, "hash", crash->hash);
	json_add_string(root, "kind", crash->kind == CRASH_TRACEBACK ? "traceback" : "coredump");
	json_add_u64(root, "time", crash->when_realtime);
	json_add_u64(root, "pid", (uint64_t)crash->pid);
	if (crash->uid != CRASH_UID_UNKNOWN)
		json_add_u64(root, "uid", crash->uid);
	if (crash->gid != (gid_t)-1)
		json_add_u64(root, "gid", crash->gid);
	if (crash->signal) {
		json_add_u64(root, "signal", (uint64_t)crash->signal);
		json_add_string(root, "signalName", crash_signal_name(crash->signal, name));
	}
	json_add_string(root, "program", crash_program(crash, program));
	add_id(root, "machine", crash->machine_id);
	add_id(root, "boot", crash->boot_id);
	json_add_bool(root, "verified", crash->trust == CRASH_GENUINE);
	json_add_bool(root, "truncated", crash->truncated);
	json_add_bool(root, "coreInJournal", crash->core_in_journal);
	json_add_bool(root, "notResponding", crash->not_responding);
	if (crash->dumpable >= 0)
		json_add_u64(root, "dumpable", (uint64_t)crash->dumpable);
	json_add_string(root, "cursor", crash->cursor);
	for (size_t i = 0; i < crash_n_texts; i++)
		if (full || (crash_texts[i].offset != AT(message) &&
				    crash_texts[i].offset != AT(proc_cgroup)))
			json_add_string(
				root, crash_texts[i].key, crash_text(crash, &crash_texts[i]));
	if (full && crash->kcrash)
		(void)json_object_set(root, "kcrash", crash->kcrash);
	if (full && crash->fields)
		(void)json_object_set(root, "fields", crash->fields);
	return root;
}
