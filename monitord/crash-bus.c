/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.vigil.Crash1: unpack, ask the index, reply. */
#include "monitord/crash-bus.h"

#include "common/cleanup.h"
#include "common/json.h"
#include "common/log.h"
#include "common/text.h"
#include "coredump/crash-match.h"

#define LIST_DEFAULT 1000 /* crashes in one answer, unless "limit" says otherwise */
#define LIST_MAX     20000
#define LIST_BYTES                                                                                 \
	((size_t)8 * 1024 * 1024) /* of one answer: a command line alone may be 64 KiB             \
				   */

#define ERROR_UNKNOWN	  "org.vigil.Crash1.Error.NoSuchCrash"
#define ERROR_AMBIGUOUS	  "org.vigil.Crash1.Error.Ambiguous"
#define ERROR_PINNED	  "org.vigil.Crash1.Error.Pinned"
#define ERROR_NO_REPORTER "org.vigil.Crash1.Error.NoReporter"

static int reply_json(sd_bus_message *call, const json_t *root)
{
	_cleanup_(freep) char *text = json_dumps(root, JSON_COMPACT);

	return text ? sd_bus_reply_method_return(call, "s", text) : -ENOMEM;
}

/* ---- List ------------------------------------------------------------------------------------ */

typedef struct ListOptions {
	CrashQuery query;
	CrashMatches matches;
} ListOptions;

static void list_options_done(ListOptions *options)
{
	crash_matches_done(&options->matches);
}

static int read_matches(sd_bus_message *call, ListOptions *options)
{
	const char *text;
	int r;

	r = sd_bus_message_enter_container(call, 'v', "as");
	if (r >= 0)
		r = sd_bus_message_enter_container(call, 'a', "s");
	while (r >= 0 && (r = sd_bus_message_read(call, "s", &text)) > 0)
		r = crash_matches_add(&options->matches, text, NULL);
	if (r >= 0)
		r = sd_bus_message_exit_container(call);
	return r < 0 ? r : sd_bus_message_exit_container(call);
}

static int read_option(sd_bus_message *call, const char *key, ListOptions *options)
{
	int newest_first = 0;
	int r = -EINVAL;

	if (streq(key, "since"))
		r = sd_bus_message_read(call, "v", "t", &options->query.since_realtime);
	else if (streq(key, "until"))
		r = sd_bus_message_read(call, "v", "t", &options->query.until_realtime);
	else if (streq(key, "limit"))
		r = sd_bus_message_read(call, "v", "u", &options->query.limit);
	else if (streq(key, "match"))
		r = read_matches(call, options);
	else if (streq(key, "newestFirst")) {
		r = sd_bus_message_read(call, "v", "b", &newest_first);
		options->query.newest_first = newest_first;
	}
	return r;
}

static int read_options(sd_bus_message *call, ListOptions *options)
{
	const char *key;
	int r;

	r = sd_bus_message_enter_container(call, 'a', "{sv}");
	while (r >= 0 && (r = sd_bus_message_enter_container(call, 'e', "sv")) > 0) {
		r = sd_bus_message_read(call, "s", &key);
		if (r >= 0)
			r = read_option(call, key, options);
		if (r >= 0)
			r = sd_bus_message_exit_container(call);
	}
	options->query.matches = options->matches.rows;
	options->query.n_matches = options->matches.n;
	if (options->query.limit == 0)
		options->query.limit = LIST_DEFAULT;
	options->query.limit = MIN_OF(options->query.limit, (unsigned)LIST_MAX);
	return r;
}

typedef struct ListAnswer {
	StrBuf text; /* of the crashes, with commas between: as text they take the least memory */
	bool cut;
} ListAnswer;

static int list_row(const CrashRow *row, void *userdata)
{
	ListAnswer *answer = userdata;
	_cleanup_(json_decrefp) json_t *root = index_row_to_json(row, false);
	_cleanup_(freep) char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;

	if (!text)
		return -ENOMEM;
	answer->cut = answer->text.length > 0 && answer->text.length + strlen(text) > LIST_BYTES;
	if (answer->cut)
		return 1;
	strbuf_addf(&answer->text, "%s%s", answer->text.length ? "," : "", text);
	return answer->text.failed ? -ENOMEM : 0;
}

static int reply_list(sd_bus_message *call, const ListAnswer *answer)
{
	_cleanup_(strbuf_done) StrBuf text = {};

	strbuf_addf(&text, "{\"version\":1,\"complete\":%s,\"crashes\":[%s]}",
		answer->cut ? "false" : "true", strbuf_text(&answer->text));
	return text.failed ? -ENOMEM : sd_bus_reply_method_return(call, "s", strbuf_text(&text));
}

static int method_list(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	Coredump *coredump = userdata;
	_cleanup_(list_options_done) ListOptions options = {};
	ListAnswer answer = {};
	int r;

	r = read_options(call, &options);
	if (r >= 0)
		r = index_query(coredump->store.index, &options.query, list_row, &answer);
	if (r >= 0)
		r = reply_list(call, &answer);
	strbuf_done(&answer.text);
	if (r == -EINVAL || r == -ENXIO || r == -E2BIG)
		return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS,
			"Known are since and until (t), limit (u), newestFirst (b) and match (as of FIELD=VALUE, a path, a PID or a name).");
	return r;
}

/* ---- one crash ------------------------------------------------------------------------------- */

static int name_hit(const CrashRow *row, void *userdata)
{
	StrBuf *ids = userdata;

	strbuf_addf(ids, "%s%.*s", ids->length ? ", " : "", CRASH_ID_DIGITS, row->crash.hash);
	return ids->length > 200; /* enough are named */
}

/* The crash that the call's argument means. 1: row is to be emptied; else error is set. */
static int find(sd_bus_message *call, Coredump *coredump, CrashRow *row, sd_bus_error *error)
{
	_cleanup_(strbuf_done) StrBuf ids = {};
	_cleanup_(freep) char *shown = NULL;
	const char *selector;
	int r;

	r = sd_bus_message_read(call, "s", &selector);
	if (r < 0)
		return r;
	shown = escaped_terminal(selector);
	r = index_find(coredump->store.index, selector, row, name_hit, &ids);
	if (r == 0)
		return sd_bus_error_setf(
			error, ERROR_UNKNOWN, "No crash is called '%s'.", shown ? shown : "?");
	if (r == 2)
		return sd_bus_error_setf(error, ERROR_AMBIGUOUS, "'%s' means several crashes: %s.",
			shown ? shown : "?", strbuf_text(&ids));
	return r;
}

static int method_get(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	_cleanup_(json_decrefp) json_t *root = NULL;
	CrashRow row;
	int r;

	r = find(call, userdata, &row, error);
	if (r < 0)
		return r;
	root = index_row_to_json(&row, true);
	index_row_done(&row);
	json_add_u64(root, "version", 1);
	return reply_json(call, root);
}

static int method_report(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	CrashRow row;
	int r;

	r = find(call, userdata, &row, error);
	if (r < 0)
		return r;
	r = coredump_report(userdata, row.crash.hash);
	index_row_done(&row);
	if (r == -ENOENT)
		return sd_bus_error_set(error, ERROR_NO_REPORTER,
			"There is no reporter for this crash; CrashReporter= of vigil.conf names one.");
	return r < 0 ? r : sd_bus_reply_method_return(call, NULL);
}

static int method_forget(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	Coredump *coredump = userdata;
	CrashRow row;
	int r;

	r = find(call, coredump, &row, error);
	if (r < 0)
		return r;
	if (row.pinned) { /* the copy of its core would stay, and no list would name it */
		index_row_done(&row);
		return sd_bus_error_set(
			error, ERROR_PINNED, "The crash is pinned: vigil crash unpin first.");
	}
	r = index_forget(coredump->store.index, row.crash.hash);
	if (r >= 0)
		crash_board_close_crash(coredump->board, row.crash.hash);
	index_row_done(&row);
	if (r < 0)
		coredump_index_failed(coredump, r);
	return r < 0 ? r : sd_bus_reply_method_return(call, NULL);
}

/* clang-format off */
const sd_bus_vtable crash_bus_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD_WITH_ARGS("List", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("s", json), method_list, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Get", SD_BUS_ARGS("s", id), SD_BUS_RESULT("s", json), method_get, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Report", SD_BUS_ARGS("s", id), SD_BUS_NO_RESULT, method_report, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Forget", SD_BUS_ARGS("s", id), SD_BUS_NO_RESULT, method_forget, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_SIGNAL_WITH_ARGS("Arrived", SD_BUS_ARGS("s", id, "s", exe, "i", signal), 0),
	SD_BUS_SIGNAL_WITH_ARGS("Analyzed", SD_BUS_ARGS("s", id), 0),
	SD_BUS_VTABLE_END,
};
/* clang-format on */
