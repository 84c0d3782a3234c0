/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Crashes in words. */
#include "monitord/crash-notice.h"

#include "common/i18n.h"
#include "common/text.h"
#include <time.h>

#define DAY_USEC (24 * 60 * USEC_PER_MINUTE)

/* ---- names ----------------------------------------------------------------------------------- */

static void add_text(StrBuf *out, const char *text, bool markup)
{
	char cut[CRASH_NAME_MAX + 1];
	size_t length = strlen(text), n = MIN_OF(length, (size_t)CRASH_NAME_MAX);

	/* not in the middle of a character */
	while (n < length && n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	memcpy(cut, text, n);
	cut[n] = '\0';
	if (markup)
		escape_markup(out, cut);
	else
		escape_terminal(out, cut, n);
	if (n < length)
		strbuf_add(out, "…");
}

/* Of a path the end tells more. */
static void add_path(StrBuf *out, const char *path, bool markup)
{
	size_t length = strlen(path);

	if (length > CRASH_NAME_MAX) {
		path += length - CRASH_NAME_MAX;
		while (((unsigned char)*path & 0xc0) == 0x80)
			path++;
		strbuf_add(out, "…");
	}
	add_text(out, path, markup);
}

/* Name in "%s", however often and wherever a translation has it. */
static void add_sentence(StrBuf *out, const char *format, const char *name, bool markup)
{
	_cleanup_(strbuf_done) StrBuf safe = {};

	add_text(&safe, name, markup);
	strbuf_addf(out, format, strbuf_text(&safe));
}

const char *crash_notice_when(usec_t realtime, usec_t now_realtime, char buf[static 64])
{
	time_t then = (time_t)(realtime / USEC_PER_SEC),
	       now = (time_t)(now_realtime / USEC_PER_SEC);
	struct tm at = {}, today = {};

	(void)localtime_r(&then, &at);
	(void)localtime_r(&now, &today);
	bool same_day = at.tm_yday == today.tm_yday && at.tm_year == today.tm_year;
	bool near = realtime <= now_realtime && now_realtime - realtime < 6 * DAY_USEC;
	if (!strftime(buf, 64, same_day ? "%H:%M" : near ? "%A %H:%M" : "%Y-%m-%d", &at))
		buf[0] = '\0';
	return buf;
}

/* ---- one crash ------------------------------------------------------------------------------- */

static void add_program(StrBuf *out, const CrashApp *app)
{
	if (app->part)
		add_sentence(out, _("A part of %s"), app->name, false);
	else
		add_text(out, app->name, false);
}

void crash_notice_summary(const CrashNotice *notice, StrBuf *out)
{
	add_program(out, notice->app);
	strbuf_add(out, " ");
	if (notice->loop)
		strbuf_add(out, _("keeps crashing"));
	else if (notice->hung)
		strbuf_add(out, _("did not respond and was closed"));
	else
		strbuf_add(out, _(notice->words));
}

static void add_counts(const CrashNotice *notice, StrBuf *out)
{
	char span[32];

	if (notice->loop) {
		strbuf_addf(out, _("%llu times within %s. The last time it %s.\n"),
			(unsigned long long)notice->loop_count,
			format_span(MAX_OF(notice->loop_usec, USEC_PER_SEC), span),
			notice->hung ? _("did not respond and was closed") : _(notice->words));
	} else if (notice->count > 1) {
		strbuf_addf(out, _("This has happened %llu times.\n"),
			(unsigned long long)notice->count);
	}
}

static const char *signal_name(int signal, char buf[static 16])
{
	const char *name = sigabbrev_np(signal);

	if (name)
		(void)snprintf(buf, 16, "SIG%s", name);
	else
		(void)snprintf(buf, 16, "SIG%d", signal);
	return buf;
}

/* The line for who wants to know exactly: "/usr/bin/foo, foo.service, SIGSEGV". */
static void add_facts(const CrashNotice *notice, bool markup, StrBuf *out)
{
	const char *unit = notice->app->service ? notice->app->unit : NULL;
	char name[16];

	if (notice->exe)
		add_path(out, notice->exe, markup);
	if (unit) {
		strbuf_add(out, notice->exe ? ", " : "");
		add_text(out, unit, markup);
	}
	if (notice->signal > 0)
		strbuf_addf(out, "%s%s", notice->exe || unit ? ", " : "",
			signal_name(notice->signal, name));
}

/* "It happened in nsFoo::bar of libxul.so." */
static void add_place(const CrashNotice *notice, bool markup, StrBuf *out)
{
	_cleanup_(strbuf_done) StrBuf function = {}, module = {};

	if (!notice->function)
		return;
	add_text(&function, notice->function, markup);
	if (!notice->module) {
		strbuf_addf(out, _("It happened in %s.\n"), strbuf_text(&function));
		return;
	}
	add_text(&module, notice->module, markup);
	/* TRANSLATORS: a function and the program or library that it is of */
	strbuf_addf(
		out, _("It happened in %s of %s.\n"), strbuf_text(&function), strbuf_text(&module));
}

void crash_notice_body(const CrashNotice *notice, bool markup, usec_t now_realtime, StrBuf *out)
{
	char when[64];

	add_counts(notice, out);
	if (notice->when_realtime)
		strbuf_addf(out, _("This was at %s.\n"),
			crash_notice_when(notice->when_realtime, now_realtime, when));
	if (notice->app->inside)
		add_sentence(out, _("It ran in %s.\n"), notice->app->inside, markup);
	add_place(notice, markup, out);
	if (notice->truncated)
		strbuf_add(out, _("Its core dump is incomplete, so a report will tell little.\n"));
	add_facts(notice, markup, out);
}

size_t crash_notice_actions(const CrashNotice *notice, const CrashButtons *buttons,
	NotificationAction ret[static NOTIFICATION_ACTIONS_MAX])
{
	bool report = buttons->reporter && !notice->hung;
	size_t n = 0;

	ret[n++] = (NotificationAction){"default", _("Details")}; /* a click on the text itself */
	ret[n++] = (NotificationAction){"details", _("Details")};
	/* In a loop it comes back by itself, or a restart is the last thing to want. */
	if (buttons->restart && !notice->app->part && !notice->loop)
		ret[n++] = (NotificationAction){"restart", _("Restart")};
	if (report)
		ret[n++] = (NotificationAction){"report", _("Report…")};
	if (buttons->developer && notice->signal > 0)
		ret[n++] = (NotificationAction){"debug", _("Debug")};
	/* /usr/bin/python3 is not the program that the person wants to hear no more of. */
	ret[n++] = (NotificationAction){"ignore",
		notice->app->interpreted ? _("Ignore this crash") : _("Ignore this program")};
	return n;
}

/* ---- several --------------------------------------------------------------------------------- */

void crash_digest_summary(const CrashDigest *digest, usec_t now_realtime, StrBuf *out)
{
	char when[64];

	strbuf_addf(out,
		P_("%llu program crashed since %s", "%llu programs crashed since %s",
			digest->programs),
		(unsigned long long)digest->programs,
		crash_notice_when(digest->since_realtime, now_realtime, when));
}

void crash_digest_body(const CrashDigest *digest, bool markup, StrBuf *out)
{
	for (size_t i = 0; i < digest->n_rows; i++) {
		strbuf_add(out, i ? ", " : "");
		add_text(out, digest->rows[i].name, markup);
		if (digest->rows[i].count > 1)
			strbuf_addf(
				out, _(" (%llu times)"), (unsigned long long)digest->rows[i].count);
	}
	if (digest->programs > digest->n_rows)
		strbuf_addf(out, _(" and %llu more"),
			(unsigned long long)(digest->programs - digest->n_rows));
}

void crash_flood_summary(const CrashFlood *flood, bool over, StrBuf *out)
{
	char span[32];

	if (over)
		strbuf_addf(out, _("%llu crashes within %s were only counted"),
			(unsigned long long)flood->crashes,
			format_span(MAX_OF(flood->span_usec, USEC_PER_SEC), span));
	else
		strbuf_add(out, _("Programs crash one after another"));
}

void crash_flood_body(
	const CrashFlood *flood, bool over, const CrashDigest *digest, bool markup, StrBuf *out)
{
	const char *slash = strrchr(flood->top, '/');

	if (!over)
		strbuf_add(out, _("Until this is over, Vigil only counts the crashes.\n"));
	if (over && flood->top_crashes) {
		add_text(out, slash && slash[1] ? slash + 1 : flood->top, markup);
		strbuf_addf(
			out, _(" crashed %llu times.\n"), (unsigned long long)flood->top_crashes);
	}
	if (digest && digest->n_rows) {
		strbuf_add(out, _("Not told of before: "));
		crash_digest_body(digest, markup, out);
	}
}
