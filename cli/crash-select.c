/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what people type to a query of the index. */
#include "cli/crash-select.h"

#include "cli/crash-view.h"
#include "common/clock.h"
#include "common/i18n.h"
#include "common/json.h"
#include "common/text.h"
#include "common/timestamp.h"
#include <stdio.h>

#define SEVERAL_SHOWN 8

static bool names_user(const CrashSelection *selection)
{
	for (size_t i = 0; i < selection->matches.n; i++)
		if (streq(selection->matches.rows[i].field, "uid"))
			return true;
	return false;
}

static int parse_time(const char *option, const char *text, usec_t *ret)
{
	if (parse_timestamp(text, now_usec(CLOCK_REALTIME), ret) == 0)
		return EXIT_DONE;
	return cli_fail(EXIT_USAGE,
		_("--%s '%s': expected a time like today, yesterday, -1h or \"2026-11-24 10:00\"."),
		option, text);
}

static int parse_times(const CliOptions *options, CrashQuery *query)
{
	int r = EXIT_DONE;

	if (options->since)
		r = parse_time("since", options->since, &query->since_realtime);
	if (r == EXIT_DONE && options->until)
		r = parse_time("until", options->until, &query->until_realtime);
	if (r == EXIT_DONE && query->since_realtime && query->until_realtime &&
		query->since_realtime > query->until_realtime)
		return cli_fail(EXIT_USAGE, _("--since '%s' is later than --until '%s'."),
			options->since, options->until);
	return r;
}

int crash_selection_parse(
	const Cli *cli, const CrashSource *source, int argc, const char **argv, CrashSelection *ret)
{
	const CliOptions *options = &cli->options;
	int r;

	*ret = (CrashSelection){.directory = getcwd(NULL, 0)};
	for (int i = 0; i < argc; i++) {
		r = crash_matches_add(&ret->matches, argv[i], ret->directory);
		if (r == -EINVAL)
			return cli_fail(EXIT_USAGE,
				_("'%s': expected a PID, a program's name or path, or FIELD=VALUE."),
				argv[i]);
		if (r < 0)
			return cli_fail(
				EXIT_USAGE, _("Cannot match '%s': %s."), argv[i], strerror(-r));
	}
	ret->only_own = !source->elsewhere && geteuid() != 0 && !options->all && !names_user(ret);
	if (ret->only_own) {
		(void)snprintf(ret->uid, sizeof ret->uid, "%u", geteuid());
		r = crash_matches_add_field(&ret->matches, "uid", ret->uid, false);
		if (r < 0)
			return cli_fail(EXIT_USAGE, _("Too many matches."));
	}
	ret->query.matches = ret->matches.rows;
	ret->query.n_matches = ret->matches.n;
	ret->query.limit = options->one ? 1 : (unsigned)cli->max_rows;
	ret->query.newest_first = options->reverse;
	return parse_times(options, &ret->query);
}

void crash_selection_done(CrashSelection *selection)
{
	crash_matches_done(&selection->matches);
	free(selection->directory);
	selection->directory = NULL;
}

/* ---- one crash ------------------------------------------------------------------------------- */

typedef struct Several {
	StrBuf lines;
	size_t n;
} Several;

static void several_done(Several *several)
{
	strbuf_done(&several->lines);
}

static int add_several(const CrashRow *row, void *userdata)
{
	Several *several = userdata;
	char when[64], id[CRASH_ID_DIGITS + 1], program[32];

	if (several->n++ >= SEVERAL_SHOWN)
		return 0;
	_cleanup_(freep) char *name = escaped_terminal(crash_program(&row->crash, program));
	strbuf_addf(&several->lines, "  %s  %s  %d  %s\n", crash_short_id(&row->crash, id),
		format_timestamp(row->crash.when_realtime, TIMESTAMP_SECONDS, when), row->crash.pid,
		name ? name : "?");
	return 0;
}

static int fail_several(const char *selector, const Several *several)
{
	(void)cli_fail(EXIT_FAILED, _("'%s' may be one of %zu crashes; name one by its id:"),
		selector, several->n);
	(void)fputs(strbuf_text(&several->lines), stderr);
	if (several->n > SEVERAL_SHOWN)
		(void)fprintf(stderr, _("  and %zu more: vigil crash list %s\n"),
			several->n - SEVERAL_SHOWN, selector);
	return EXIT_FAILED;
}

static int take_hash(const CrashRow *row, void *userdata)
{
	memcpy(userdata, row->crash.hash, CRASH_HASH_SIZE);
	return 1;
}

/* The newest that matches FIELD=VALUE. 1, 0, -errno. */
static int find_match(const CrashSource *source, const char *argument, CrashRow *ret)
{
	_cleanup_(crash_matches_done) CrashMatches matches = {};
	char hash[CRASH_HASH_SIZE] = "";
	int r;

	r = crash_matches_add(&matches, argument, NULL);
	if (r >= 0) {
		const CrashQuery query = {.matches = matches.rows,
			.n_matches = matches.n,
			.newest_first = true,
			.limit = 1};
		r = index_query(source->index, &query, take_hash, hash);
	}
	return r < 0 || !hash[0] ? MIN_OF(r, 0) : index_get(source->index, hash, ret);
}

int crash_select_one(const Cli *cli, const CrashSource *source, const char *selector, CrashRow *ret)
{
	_cleanup_(several_done) Several several = {};
	int r;

	(void)cli;
	r = strchr(selector, '=') && selector[0] != '/'
		    ? find_match(source, selector, ret)
		    : index_find(source->index, selector, ret, add_several, &several);
	if (r == 1)
		return EXIT_DONE;
	if (r == 2)
		return fail_several(selector, &several);
	if (r == -EINVAL)
		return cli_fail(EXIT_USAGE, _("'%s': no such field is indexed."), selector);
	if (r < 0)
		return cli_fail(EXIT_FAILED, _("Cannot look for '%s' in the index: %s."), selector,
			strerror(-r));
	if (streq(selector, "latest"))
		return cli_fail(EXIT_FAILED, _("No crash is known."));
	return cli_fail(
		EXIT_FAILED, _("No crash matches '%s'; 'vigil crash list' shows all."), selector);
}

bool crash_is_signature(const char *text)
{
	return strlen(text) == CRASH_SIGNATURE_SIZE - 1 &&
	       strspn(text, "0123456789abcdef") == CRASH_SIGNATURE_SIZE - 1;
}

int crash_change_each(Cli *cli, int argc, const char **argv, json_t *root, const char *key,
	int (*one)(Cli *cli, const CrashSource *source, const char *selector, json_t *ids))
{
	_cleanup_(json_decrefp) json_t *document = root, *ids = json_array();
	CrashSource source;
	int r, shown;

	(void)json_object_set(document, key, ids);
	r = crash_source_open(cli, CRASH_SOURCE_WRITE, &source);
	if (r != EXIT_DONE)
		return r;
	for (int i = 0; i < argc && r == EXIT_DONE; i++)
		r = one(cli, &source, argv[i], ids);
	crash_source_done(&source);
	shown = cli->options.json ? cli_print_json(cli, json_incref(document)) : cli_show(cli);
	return r == EXIT_DONE ? shown : r;
}
