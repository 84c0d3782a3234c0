/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One journal entry into a Crash. libsystemd decompresses a field whole, whatever the threshold, as
 * soon as an enumeration comes by it; so an entry that may hold its core is asked field by field.
 */
#include "coredump/journal-internals.h"

#include "common/text.h"
#include "coredump/trust-core.h"
#include "coredump/trust.h"

#define THRESHOLD_SMALL ((size_t)4096)
#define THRESHOLD_LARGE (CRASH_MESSAGE_MAX + 256)
#define NAME_MAX_BYTES	((size_t)128)
/* journald takes no more than 1024 fields an entry; whoever makes files by hand might. */
#define ENTRY_FIELDS_MAX 4096

/* A field that journald itself adds. It adds one of each, so several mean that the entry did not
 * come through journald, or not whole: then none is believed. */
typedef struct Trusted {
	const char *name;
	char value[256];
	unsigned count;
	bool odd;
} Trusted;

static void trusted_take(
	Trusted *trusted, const char *name, size_t name_length, const char *value, size_t length)
{
	if (strlen(trusted->name) != name_length || memcmp(trusted->name, name, name_length) != 0)
		return;
	trusted->count++;
	/* A NUL would end the comparison before the end of the name. */
	trusted->odd = trusted->odd || trusted->count > 1 || length >= sizeof trusted->value ||
		       memchr(value, '\0', length);
	if (trusted->odd)
		return;
	memcpy(trusted->value, value, length);
	trusted->value[length] = '\0';
}

/* What journald says of who logged the entry. */
typedef struct Origin {
	bool nameless; /* it ended before journald could look at it */
	uid_t uid;     /* CRASH_UID_UNKNOWN */
} Origin;

static CrashTrust decide(const Trusted *unit, const Trusted *uid, Origin *ret)
{
	TrustedFields fields = {
		.systemd_unit = unit->count == 1 ? unit->value : NULL,
		.uid = uid->count == 1 ? uid->value : NULL,
	};
	uint64_t number;

	*ret = (Origin){.uid = CRASH_UID_UNKNOWN};
	if (unit->odd || uid->odd)
		return CRASH_UNVERIFIED;
	ret->nameless = unit->count == 0;
	if (fields.uid && parse_u64(fields.uid, CRASH_UID_UNKNOWN - 1, &number) == 0)
		ret->uid = (uid_t)number;
	return crash_trust(&fields);
}

/* Loads a field that the small threshold has cut, and takes it. The first of that name is given;
 * that is also the one that counts. */
static int take_long(sd_journal *journal, Crash *crash, const char *name, size_t name_length)
{
	char field[NAME_MAX_BYTES];
	const void *data;
	size_t length;
	int r;

	memcpy(field, name, name_length);
	field[name_length] = '\0';
	(void)sd_journal_set_data_threshold(journal, THRESHOLD_LARGE);
	r = sd_journal_get_data(journal, field, &data, &length);
	r = r < 0 ? 0 : crash_take_data(crash, data, length); /* unreadable is missing */
	(void)sd_journal_set_data_threshold(journal, THRESHOLD_SMALL);
	return r;
}

static int take(sd_journal *journal, Crash *crash, const char *data, size_t length, Trusted *unit,
	Trusted *uid)
{
	const char *equals = memchr(data, '=', MIN_OF(length, NAME_MAX_BYTES));

	if (!equals)
		return 0;
	size_t name_length = (size_t)(equals - data);
	const char *value = equals + 1;
	size_t value_length = length - name_length - 1;
	trusted_take(unit, data, name_length, value, value_length);
	trusted_take(uid, data, name_length, value, value_length);
	if (length >= THRESHOLD_SMALL && crash_wants_field(data, name_length))
		return take_long(journal, crash, data, name_length);
	return crash_take_field(crash, data, name_length, value, value_length);
}

static int enumerate(sd_journal *journal, Crash *crash, Origin *origin)
{
	Trusted unit = {.name = "_SYSTEMD_UNIT"}, uid = {.name = "_UID"};
	const void *data;
	size_t length;
	int r;

	(void)sd_journal_set_data_threshold(journal, THRESHOLD_SMALL);
	sd_journal_restart_data(journal);
	for (unsigned i = 0; i < ENTRY_FIELDS_MAX; i++) {
		r = sd_journal_enumerate_available_data(journal, &data, &length);
		/* A damaged field ends it; what came before may be enough. */
		if (r == 0 || r == -EBADMSG)
			break;
		if (r > 0)
			r = take(journal, crash, data, length, &unit, &uid);
		if (r < 0)
			return r;
	}
	crash->trust = decide(&unit, &uid, origin);
	return 0;
}

/* Beside crash_texts, for entries that are not enumerated. */
static const char *const asked[] = {
	"MESSAGE_ID",
	"_BOOT_ID",
	"_MACHINE_ID",
	"_HOSTNAME",
	"_PID",
	"_UID",
	"_GID",
	"_COMM",
	"_EXE",
	"_SYSTEMD_UNIT",
	"COREDUMP_PID",
	"COREDUMP_UID",
	"COREDUMP_GID",
	"COREDUMP_SIGNAL",
	"COREDUMP_SIGNAL_NAME",
	"COREDUMP_TIMESTAMP",
	"COREDUMP_DUMPABLE",
	"COREDUMP_TRUNCATED",
	"COREDUMP_OWNER_UID",
	"COREDUMP_TID",
	"COREDUMP_CODE",
	"COREDUMP_SESSION",
	"COREDUMP_PROC_STATUS",
	"COREDUMP_PROC_LIMITS",
};

static int ask_one(
	sd_journal *journal, Crash *crash, const char *field, Trusted *unit, Trusted *uid)
{
	const void *data;
	size_t length;
	int r;

	r = sd_journal_get_data(journal, field, &data, &length);
	if (r < 0) /* missing, damaged, or too large to be had: the same */
		return 0;
	return take(journal, crash, data, length, unit, uid);
}

static int ask_all(sd_journal *journal, Crash *crash, Origin *origin)
{
	Trusted unit = {.name = "_SYSTEMD_UNIT"}, uid = {.name = "_UID"};
	int r = 0;

	(void)sd_journal_set_data_threshold(journal, THRESHOLD_SMALL);
	for (size_t i = 0; i < ELEMENTSOF(asked) && r >= 0; i++)
		r = ask_one(journal, crash, asked[i], &unit, &uid);
	for (size_t i = 0; i < crash_n_texts && r >= 0; i++)
		r = ask_one(journal, crash, crash_texts[i].field, &unit, &uid);
	crash->trust = decide(&unit, &uid, origin);
	return r;
}

static bool has_field(sd_journal *journal, const char *field)
{
	const void *data;
	size_t length;

	return sd_journal_get_data(journal, field, &data, &length) >= 0;
}

/* Whether any entry of these journals has its core in it. */
static bool knows_cores(CrashJournal *journal)
{
	const char *name;

	if (journal->core_seen)
		return true;
	sd_journal_restart_fields(journal->journal);
	while (!journal->core_seen && sd_journal_enumerate_fields(journal->journal, &name) > 0)
		journal->core_seen = streq(name, "COREDUMP");
	return journal->core_seen;
}

/* systemd-coredump stores a core in a file and names that, or in the entry, or not at all. With a
 * name, or without a field COREDUMP in all the journals, there is none in the entry. Otherwise only
 * loading it would tell: the few entries without a core that stand beside those with one pass for
 * the latter until somebody wants theirs. */
static int take_all(CrashJournal *journal, Crash *crash, Origin *origin)
{
	bool ask = !has_field(journal->journal, "COREDUMP_FILENAME") && knows_cores(journal);
	int r;

	if (!ask) {
		r = enumerate(journal->journal, crash, origin);
		if (r != -ENOMEM)
			return r;
		/* Anybody can log a field of hundreds of MB beside these. */
		crash_done(crash);
	}
	r = ask_all(journal->journal, crash, origin);
	if (r >= 0 && ask && crash->kind == CRASH_COREDUMP)
		r = crash_take_field(crash, "COREDUMP", strlen("COREDUMP"), "", 0);
	return r;
}

/* The entry itself knows its boot, whatever became of the field. */
static void take_boot(sd_journal *journal, Crash *crash)
{
	uint64_t monotonic;
	sd_id128_t boot;

	if (!crash->boot_id[0] && sd_journal_get_monotonic_usec(journal, &monotonic, &boot) >= 0)
		(void)sd_id128_to_string(boot, crash->boot_id);
}

static bool is_proven(const CrashJournal *journal, const Crash *crash, const Origin *origin)
{
	return crash->trust == CRASH_UNVERIFIED && crash->kind == CRASH_COREDUMP &&
	       origin->nameless && journal->cores &&
	       crash_proven_by_core(journal->cores, crash, origin->uid);
}

int journal_read_entry(CrashJournal *journal, Crash *ret)
{
	Origin origin = {.uid = CRASH_UID_UNKNOWN};
	usec_t realtime;
	int r;

	crash_done(ret);
	r = sd_journal_get_realtime_usec(journal->journal, &realtime);
	if (r >= 0)
		r = take_all(journal, ret, &origin);
	if (r < 0)
		return r;
	take_boot(journal->journal, ret);
	free(ret->cursor); /* of a field that calls itself a cursor */
	ret->cursor = NULL;
	r = sd_journal_get_cursor(journal->journal, &ret->cursor);
	if (r < 0)
		return r;
	r = crash_identify(ret, realtime);
	if (r < 0)
		return r;
	if (is_proven(journal, ret, &origin))
		ret->trust = CRASH_GENUINE;
	/* Its time is part of what it is identified by. */
	crash_bound_time(ret, realtime);
	return crash_identify(ret, realtime);
}
