/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Batches: read, then written in one short transaction, so that nobody waits for the index while
 * the disk gives up the journal. */
#include "coredump/catch-up.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"

typedef struct Item {
	Crash crash;
	usec_t realtime; /* of the entry */
	IndexAdded added;
	bool told;
} Item;

struct CatchUp {
	CrashIndex *index;
	CrashJournal *journal;
	char *source;
	bool first_told;
	usec_t began_realtime; /* now at first, then when the source's first catch-up began */
	bool began_known;

	/* With the journals of many machines each has a cursor of its own; the last pass, "", is
	 * for what names no machine. */
	char (*machines)[33];
	size_t n_passes, pass; /* 0: not listed yet */

	bool positioned;
	char *cursor_name; /* in the index, of this pass */
	char *cursor;	   /* as the index had it when we last saw it */
	char *reached;	   /* how far this batch was read; NULL: nothing was */
	usec_t reached_usec;

	size_t n_items, bytes;
	bool index_failed;
	void (*hook)(CatchUpStep step, void *userdata);
	void *hook_userdata;
	Item items[CATCH_UP_BATCH];
};

int catch_up_new(CrashIndex *index, CrashJournal *journal, const char *source, bool first_told,
	CatchUp **ret)
{
	_cleanup_(catch_up_freep) CatchUp *catch_up = calloc(1, sizeof *catch_up);

	if (!catch_up)
		return -ENOMEM;
	catch_up->index = index;
	catch_up->journal = journal;
	catch_up->first_told = first_told;
	catch_up->began_realtime = now_usec(CLOCK_REALTIME);
	for (size_t i = 0; i < CATCH_UP_BATCH; i++)
		catch_up->items[i].crash = (Crash)CRASH_INIT;
	catch_up->source = strdup(source);
	if (!catch_up->source)
		return -ENOMEM;
	*ret = TAKE_PTR(catch_up);
	return 0;
}

static void empty_batch(CatchUp *catch_up)
{
	for (size_t i = 0; i < catch_up->n_items; i++)
		crash_done(&catch_up->items[i].crash);
	catch_up->n_items = catch_up->bytes = 0;
	free(catch_up->reached);
	catch_up->reached = NULL;
}

CatchUp *catch_up_free(CatchUp *catch_up)
{
	if (!catch_up)
		return NULL;
	empty_batch(catch_up);
	free(catch_up->machines);
	free(catch_up->cursor_name);
	free(catch_up->cursor);
	free(catch_up->source);
	free(catch_up);
	return NULL;
}

bool catch_up_index_failed(const CatchUp *catch_up)
{
	return catch_up->index_failed;
}

void catch_up_seek_again(CatchUp *catch_up)
{
	catch_up->positioned = false;
	catch_up->n_passes = catch_up->pass = 0;
}

void catch_up_set_hook(
	CatchUp *catch_up, void (*hook)(CatchUpStep step, void *userdata), void *userdata)
{
	catch_up->hook = hook;
	catch_up->hook_userdata = userdata;
}

static void passed(const CatchUp *catch_up, CatchUpStep step)
{
	if (catch_up->hook)
		catch_up->hook(step, catch_up->hook_userdata);
}

static int index_result(CatchUp *catch_up, int r)
{
	catch_up->index_failed = r < 0;
	return r;
}

/* ---- where to read on ------------------------------------------------------------------------ */

static int list_passes(CatchUp *catch_up)
{
	size_t n = 0;

	free(catch_up->machines);
	catch_up->machines = NULL;
	if (crash_journal_many(catch_up->journal)) {
		int r = crash_journal_machines(catch_up->journal, &catch_up->machines, &n);
		if (r < 0)
			return r;
	}
	catch_up->n_passes = n + 1;
	catch_up->pass = 0;
	return 0;
}

/* The machine of this pass: NULL: all; "": those without. */
static const char *pass_machine(const CatchUp *catch_up)
{
	if (catch_up->pass + 1 < catch_up->n_passes)
		return catch_up->machines[catch_up->pass];
	return catch_up->n_passes > 1 ? "" : NULL;
}

static int name_cursor(CatchUp *catch_up)
{
	const char *machine = pass_machine(catch_up);

	free(catch_up->cursor_name);
	if (asprintf(&catch_up->cursor_name, "%s%s%s", catch_up->source,
		    machine && machine[0] ? "/" : "", machine ? machine : "") >= 0)
		return 0;
	catch_up->cursor_name = NULL;
	return -ENOMEM;
}

/* What the index knows of the cursor. Never read: as far back as crashes are kept. */
static int load_cursor(CatchUp *catch_up, char **ret_cursor, usec_t *ret_realtime)
{
	usec_t now = now_usec(CLOCK_REALTIME);
	int r = index_get_cursor(catch_up->index, catch_up->cursor_name, ret_cursor, ret_realtime);

	if (r != -ENOENT)
		return index_result(catch_up, r);
	*ret_cursor = NULL;
	*ret_realtime = now > CATCH_UP_FIRST_AGE ? now - CATCH_UP_FIRST_AGE : 0;
	return 0;
}

static int position(CatchUp *catch_up)
{
	_cleanup_(freep) char *cursor = NULL;
	usec_t realtime;
	int r = 0;

	if (catch_up->n_passes == 0)
		r = list_passes(catch_up);
	if (r >= 0)
		r = name_cursor(catch_up);
	if (r >= 0)
		r = load_cursor(catch_up, &cursor, &realtime);
	if (r >= 0)
		r = crash_journal_only(catch_up->journal, pass_machine(catch_up));
	if (r >= 0)
		r = crash_journal_seek(catch_up->journal, cursor, realtime);
	if (r < 0)
		return r;
	free(catch_up->cursor);
	catch_up->cursor = TAKE_PTR(cursor);
	catch_up->positioned = true;
	passed(catch_up, CATCH_UP_POSITIONED);
	return 0;
}

/* ---- reading --------------------------------------------------------------------------------- */

static size_t crash_bytes(const Crash *crash)
{
	size_t bytes = crash->fields_bytes;

	for (size_t i = 0; i < crash_n_texts; i++) {
		const char *text = crash_text(crash, &crash_texts[i]);
		bytes += text ? strlen(text) : 0;
	}
	return bytes;
}

/* How far it was read: behind entries that were passed over too. Where the file in which the
 * reading stands has just turned out damaged and is gone, at least behind the last crash. */
static int mark_reached(CatchUp *catch_up)
{
	const Item *last = catch_up->n_items ? &catch_up->items[catch_up->n_items - 1] : NULL;
	int r = crash_journal_position(
		catch_up->journal, &catch_up->reached, &catch_up->reached_usec);

	if (r >= 0 || !last)
		return 0;
	catch_up->reached = strdup(last->crash.cursor);
	catch_up->reached_usec = last->realtime;
	return catch_up->reached ? 0 : -ENOMEM;
}

/* 1: the batch ended before the journal did; 0: at the end; -errno. */
static int read_batch(CatchUp *catch_up, usec_t end_monotonic)
{
	int r;

	do {
		Item *item = &catch_up->items[catch_up->n_items];
		r = crash_journal_next(catch_up->journal, &item->crash);
		if (r == -EAGAIN)
			continue;
		if (r <= 0)
			break;
		item->realtime = crash_journal_realtime(catch_up->journal);
		catch_up->n_items++;
		catch_up->bytes += crash_bytes(&item->crash);
	} while (catch_up->n_items < CATCH_UP_BATCH && catch_up->bytes < CATCH_UP_BATCH_BYTES &&
		 now_usec(CLOCK_MONOTONIC) < end_monotonic);
	if (r < 0 && r != -EAGAIN)
		return r;
	int p = mark_reached(catch_up);
	return p < 0 ? p : r != 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* When this source's first catch-up began: whoever comes first writes it down. */
static int know_beginning(CatchUp *catch_up)
{
	_cleanup_(freep) char *name = NULL, *nothing = NULL;
	usec_t realtime;
	int r;

	if (!catch_up->first_told || catch_up->began_known)
		return 0;
	if (asprintf(&name, "%s first", catch_up->source) < 0) {
		name = NULL;
		return -ENOMEM;
	}
	r = index_get_cursor(catch_up->index, name, &nothing, &realtime);
	if (r == -ENOENT)
		r = index_set_cursor(catch_up->index, name, NULL, catch_up->began_realtime);
	else if (r >= 0)
		catch_up->began_realtime = realtime;
	return r;
}

static int add_items(CatchUp *catch_up)
{
	int r;

	for (size_t i = 0; i < catch_up->n_items; i++) {
		Item *item = &catch_up->items[i];
		item->told = catch_up->first_told && item->realtime < catch_up->began_realtime;
		r = index_add(catch_up->index, &item->crash, item->told, &item->added);
		if (r < 0)
			return r;
		passed(catch_up, CATCH_UP_ROW_ADDED);
	}
	return 0;
}

/* Moves the cursor to where the batch ends, unless another catch-up has gone further meanwhile:
 * then this one follows it. */
static int move_cursor(CatchUp *catch_up, bool *ret_overtaken)
{
	_cleanup_(freep) char *now = NULL;
	usec_t realtime;
	int r = load_cursor(catch_up, &now, &realtime);

	if (r < 0)
		return r;
	bool moved = (now != NULL) != (catch_up->cursor != NULL) ||
		     (now && !streq(now, catch_up->cursor));
	*ret_overtaken = moved && realtime > catch_up->reached_usec;
	if (*ret_overtaken)
		return 0;
	return index_set_cursor(
		catch_up->index, catch_up->cursor_name, catch_up->reached, catch_up->reached_usec);
}

static int write_rows(CatchUp *catch_up, bool *ret_overtaken)
{
	int r = know_beginning(catch_up);

	*ret_overtaken = false;
	if (r >= 0)
		r = add_items(catch_up);
	if (r >= 0 && catch_up->reached)
		r = move_cursor(catch_up, ret_overtaken);
	passed(catch_up, CATCH_UP_CURSOR_SET);
	return r;
}

static int write_batch(CatchUp *catch_up)
{
	bool overtaken;
	int r;

	if (!catch_up->reached && (!catch_up->first_told || catch_up->began_known))
		return 0; /* nothing came */
	r = index_begin(catch_up->index);
	if (r < 0)
		return r;
	passed(catch_up, CATCH_UP_BEGUN);
	r = write_rows(catch_up, &overtaken);
	if (r < 0) {
		index_rollback(catch_up->index);
		return r;
	}
	r = index_commit(catch_up->index);
	if (r < 0)
		return r;
	passed(catch_up, CATCH_UP_COMMITTED);
	catch_up->began_known = true;
	if (overtaken)
		catch_up->positioned = false;
	else if (catch_up->reached) {
		free(catch_up->cursor);
		catch_up->cursor = TAKE_PTR(catch_up->reached);
	}
	return 0;
}

static void tell(CatchUp *catch_up, void (*added)(const CaughtCrash *caught, void *userdata),
	void *userdata, CatchUpCount *count)
{
	for (size_t i = 0; i < catch_up->n_items; i++) {
		const Item *item = &catch_up->items[i];
		CaughtCrash caught = {.crash = &item->crash,
			.entry_realtime = item->realtime,
			.added = item->added,
			.told = item->told};
		count->seen++;
		count->added += item->added == INDEX_NEW;
		count->unverified += item->crash.trust == CRASH_UNVERIFIED;
		if (added && (item->added == INDEX_NEW || item->added == INDEX_MERGED)) {
			added(&caught, userdata);
			passed(catch_up, CATCH_UP_ROW_TOLD);
		}
	}
}

/* ---- a step ---------------------------------------------------------------------------------- */

/* Reads and writes one batch of this pass. 1: the pass goes on; 0: it is at its end. */
static int run_batch(CatchUp *catch_up, usec_t end_monotonic)
{
	int r, more;

	if (!catch_up->positioned) {
		r = position(catch_up);
		if (r < 0)
			return r;
	}
	more = read_batch(catch_up, end_monotonic);
	if (more < 0)
		return more;
	passed(catch_up, CATCH_UP_READ);
	r = index_result(catch_up, write_batch(catch_up));
	if (r < 0)
		return r;
	return more || !catch_up->positioned;
}

int catch_up_step(CatchUp *catch_up, usec_t slice_usec,
	void (*added)(const CaughtCrash *caught, void *userdata), void *userdata,
	CatchUpCount *count)
{
	usec_t now = now_usec(CLOCK_MONOTONIC);
	int r;

	catch_up->index_failed = false;
	empty_batch(catch_up);
	r = run_batch(
		catch_up, slice_usec < USEC_INFINITY - now ? now + slice_usec : USEC_INFINITY);
	if (r < 0) {
		empty_batch(catch_up);
		catch_up_seek_again(catch_up);
		return r;
	}
	tell(catch_up, added, userdata, count);
	empty_batch(catch_up);
	if (r == 0 && catch_up->n_passes > 1) { /* the next machine's turn */
		catch_up->positioned = false;
		r = ++catch_up->pass < catch_up->n_passes;
		if (r == 0)
			catch_up->n_passes = 0; /* from the first one next time */
	}
	return r;
}
