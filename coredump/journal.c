/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening journals and standing in them. sd-journal(3) is forgiving to a fault: it opens what it
 * can and keeps quiet about the rest, so each promise of journal.h is checked here. */
#include "coredump/journal-internals.h"

#include "common/io.h"
#include "common/log.h"
#include "common/text.h"
#include "coredump/trust-core.h"
#include <ctype.h>
#include <glob.h>
#include <sys/inotify.h>

/* A lost cursor is looked for by time; the entries before it may carry a later time where the clock
 * was set back, and reading an entry twice costs nothing but time. */
#define SEEK_MARGIN_USEC (60 * USEC_PER_MINUTE)
/* Entries that tell nothing, passed over in one call. */
#define PASS_OVER_MAX 256
#define MACHINES_MAX  65536

static int open_files(const char *const *patterns, sd_journal **ret)
{
	glob_t found = {};
	int r = 0;

	for (size_t i = 0; patterns[i] && r == 0; i++)
		r = glob(patterns[i], GLOB_NOCHECK | (i > 0 ? GLOB_APPEND : 0), NULL, &found);
	if (r != 0)
		r = r == GLOB_NOSPACE ? -ENOMEM : -EACCES;
	else
		r = found.gl_pathc == 0
			    ? -ENOENT
			    : sd_journal_open_files(ret, (const char **)found.gl_pathv, 0);
	globfree(&found);
	return r;
}

static int open_place(const JournalPlace *place, CrashJournal *journal)
{
	const char *root = place->root ? place->root : "";
	int r;

	journal->many = place->files || place->directory || place->root;
	if (place->files)
		return open_files(place->files, &journal->journal);
	if (place->directory) {
		journal->folders[0] = strdup(place->directory);
		return journal->folders[0]
			       ? sd_journal_open_directory(&journal->journal, place->directory, 0)
			       : -ENOMEM;
	}
	if (crash_journal_storage(root) == JOURNAL_NONE)
		return -ENOENT;
	r = journal_folders(root, journal->folders);
	if (r < 0)
		return r;
	/* As coredumpctl: the journals of this machine alone, but all that are in another's root.
	 */
	return place->root ? sd_journal_open_directory(&journal->journal, root, SD_JOURNAL_OS_ROOT)
			   : sd_journal_open(&journal->journal, SD_JOURNAL_LOCAL_ONLY);
}

static int start_following(CrashJournal *journal)
{
	int r;

	journal->follow = true;
	r = sd_journal_get_fd(journal->journal);
	if (r < 0)
		return r == -EMFILE && journal_check_descriptors() < 0 ? -ENFILE : r;
	return journal_check_watches(journal);
}

/* Whoever polls asks again and again: this is cheaper than opening all files to hear the same. */
static int probe_instance(void)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd < 0)
		return errno == EMFILE && journal_check_descriptors() < 0 ? -ENFILE : -errno;
	(void)safe_close(fd);
	return 0;
}

int crash_journal_open(const JournalPlace *place, bool follow, CrashJournal **ret)
{
	_cleanup_(crash_journal_closep) CrashJournal *journal = calloc(1, sizeof *journal);
	int r;

	if (!journal)
		return -ENOMEM;
	if (follow) {
		r = probe_instance();
		if (r < 0)
			return r;
	}
	r = open_place(place, journal);
	if (r < 0)
		return r == -EMFILE ? -ENFILE : r;
	if (place->cores || !journal->many) {
		journal->cores = strdup(place->cores ? place->cores : TRUST_CORES);
		if (!journal->cores)
			return -ENOMEM;
	}
	r = journal_check_descriptors();
	if (r >= 0 && follow)
		r = start_following(journal);
	if (r >= 0)
		r = crash_journal_only(journal, NULL);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(journal);
	return 0;
}

CrashJournal *crash_journal_close(CrashJournal *journal)
{
	if (!journal)
		return NULL;
	if (journal->journal)
		sd_journal_close(journal->journal);
	for (size_t i = 0; i < ELEMENTSOF(journal->folders); i++)
		free(journal->folders[i]);
	free(journal->cores);
	free(journal);
	return NULL;
}

bool crash_journal_many(const CrashJournal *journal)
{
	return journal->many;
}

bool journal_is_machine(const char *value, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!isxdigit((unsigned char)value[i]))
			return false;
	return length == 32;
}

static int compare_machines(const void *a, const void *b)
{
	return memcmp(a, b, 33);
}

int crash_journal_machines(CrashJournal *journal, char (**ret)[33], size_t *ret_count)
{
	_cleanup_(freep) char(*machines)[33] = NULL;
	size_t n = 0, allocated = 0, length, prefix = strlen("_MACHINE_ID=");
	const void *data;
	int r = sd_journal_query_unique(journal->journal, "_MACHINE_ID");

	if (r < 0)
		return r;
	while (n < MACHINES_MAX &&
		(r = sd_journal_enumerate_available_unique(journal->journal, &data, &length)) > 0) {
		if (length < prefix ||
			!journal_is_machine((const char *)data + prefix, length - prefix))
			continue;
		if (n == allocated) {
			allocated = allocated ? 2 * allocated : 16;
			void *larger = reallocarray(machines, allocated, sizeof *machines);
			if (!larger)
				return -ENOMEM;
			machines = larger;
		}
		memcpy(machines[n], (const char *)data + prefix, 32);
		machines[n++][32] = '\0';
	}
	if (r < 0)
		return r;
	if (n > 0)
		qsort(machines, n, sizeof *machines, compare_machines);
	*ret = TAKE_PTR(machines);
	*ret_count = n;
	return 0;
}

int crash_journal_only(CrashJournal *journal, const char *machine)
{
	static const char *const ids[] = {
		"MESSAGE_ID=" CRASH_MESSAGE_ID_COREDUMP, "MESSAGE_ID=" CRASH_MESSAGE_ID_TRACEBACK};
	char match[64];
	int r = 0;

	journal->standing = false;
	journal->rest = machine && !machine[0];
	sd_journal_flush_matches(journal->journal);
	for (size_t i = 0; i < ELEMENTSOF(ids) && r >= 0; i++)
		r = sd_journal_add_match(journal->journal, ids[i], 0);
	if (r >= 0 && machine && machine[0]) {
		(void)snprintf(match, sizeof match, "_MACHINE_ID=%.32s", machine);
		r = sd_journal_add_match(journal->journal, match, 0);
	}
	return r < 0 ? r : 0;
}

int crash_journal_only_unit(CrashJournal *journal, const char *unit)
{
	_cleanup_(freep) char *match = NULL;
	int r;

	journal->standing = false;
	if (asprintf(&match, "_SYSTEMD_UNIT=%s", unit) < 0)
		return -ENOMEM;
	r = sd_journal_add_match(journal->journal, match, 0);
	return r < 0 ? r : 0;
}

static int seek_cursor(CrashJournal *journal, const char *cursor)
{
	int r = sd_journal_seek_cursor(journal->journal, cursor);

	if (r >= 0)
		r = sd_journal_next(journal->journal);
	if (r > 0)
		r = sd_journal_test_cursor(journal->journal, cursor);
	return r > 0 ? 1 : 0;
}

int crash_journal_seek(CrashJournal *journal, const char *cursor, usec_t realtime)
{
	int r;

	journal->standing = false;
	/* Whatever is wrong with the cursor, or with the file that it is in: by time, then. */
	if (cursor && seek_cursor(journal, cursor) > 0)
		return 1;
	if (cursor)
		log_debug("The journal no longer has the entry read last; looking by time.");
	if (realtime > SEEK_MARGIN_USEC)
		r = sd_journal_seek_realtime_usec(journal->journal, realtime - SEEK_MARGIN_USEC);
	else
		r = sd_journal_seek_head(journal->journal);
	return r < 0 ? r : 0;
}

/* In the pass for entries without a machine id: whether this one is to be passed over. */
static bool is_of_a_machine(sd_journal *journal)
{
	size_t length, prefix = strlen("_MACHINE_ID=");
	const void *data;

	return sd_journal_get_data(journal, "_MACHINE_ID", &data, &length) >= 0 &&
	       length >= prefix && journal_is_machine((const char *)data + prefix, length - prefix);
}

int crash_journal_next(CrashJournal *journal, Crash *ret)
{
	for (unsigned i = 0; i < PASS_OVER_MAX; i++) {
		int r = sd_journal_next(journal->journal);
		if (r == -EBADMSG)
			continue;
		if (r <= 0)
			return r;
		journal->standing = true;
		r = sd_journal_get_realtime_usec(journal->journal, &journal->realtime);
		if (r >= 0 && journal->rest && is_of_a_machine(journal->journal))
			continue;
		if (r >= 0)
			r = journal_read_entry(journal, ret);
		if (r >= 0)
			return 1;
		crash_done(ret);
		if (r != -EBADMSG)
			return r;
		log_debug("A journal entry about a crash tells neither process nor time.");
	}
	return -EAGAIN;
}

int crash_journal_position(CrashJournal *journal, char **ret_cursor, usec_t *ret_realtime)
{
	int r;

	if (!journal->standing)
		return -ENOENT;
	r = sd_journal_get_cursor(journal->journal, ret_cursor);
	if (r < 0)
		return r;
	*ret_realtime = journal->realtime;
	return 0;
}

usec_t crash_journal_realtime(const CrashJournal *journal)
{
	return journal->standing ? journal->realtime : 0;
}

int crash_journal_get(CrashJournal *journal, const char *cursor, Crash *ret)
{
	int r;

	journal->standing = false;
	if (seek_cursor(journal, cursor) <= 0)
		return -ENOENT;
	r = journal_read_entry(journal, ret);
	if (r < 0)
		crash_done(ret);
	return r;
}

int crash_journal_write_core(CrashJournal *journal, const char *cursor, int fd)
{
	size_t length, prefix = strlen("COREDUMP=");
	const void *data;
	int r;

	journal->standing = false;
	if (seek_cursor(journal, cursor) <= 0)
		return -ENOENT;
	(void)sd_journal_set_data_threshold(journal->journal, 0);
	r = sd_journal_get_data(journal->journal, "COREDUMP", &data, &length);
	if (r < 0)
		return r;
	return length < prefix ? -EBADMSG
			       : write_all(fd, (const char *)data + prefix, length - prefix);
}
