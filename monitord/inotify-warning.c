/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The warning in words. Names come from processes: they are escaped, whatever they hold. */
#include "monitord/inotify-warning.h"

#include "common/i18n.h"
#include "common/text.h"

static double share(uint64_t used, uint64_t max)
{
	return max ? 100.0 * (double)used / (double)max : 0;
}

const char *inotify_warning_summary(const InotifyWarning *warning)
{
	bool watches = warning->resource == INOTIFY_WATCHES;

	if (warning->refused)
		return watches ? _("Programs can no longer watch files")
			       : _("Programs can no longer start watching files");
	if (warning->level == LEVEL_URGENT)
		return watches ? _("Almost no inotify watches left")
			       : _("Almost no inotify instances left");
	return watches ? _("inotify watches are running out")
		       : _("inotify instances are running out");
}

static void add_name(StrBuf *out, const char *name, bool markup)
{
	if (markup)
		escape_markup(out, name);
	else
		escape_terminal(out, name, strlen(name));
}

static void add_holders(const InotifyWarning *warning, bool markup, StrBuf *out)
{
	for (int i = 0; i < warning->n_holders; i++) {
		const PressureHolder *holder = &warning->holders[i];

		strbuf_add(out, i == 0 ? "\n" : ", ");
		if (markup && i == 0)
			strbuf_add(out, "<b>");
		add_name(out, holder->name, markup);
		if (markup && i == 0)
			strbuf_add(out, "</b>");
		if (holder->share >= 0)
			strbuf_addf(out, _(" %llu (%.0f %%)"), (unsigned long long)holder->count,
				holder->share);
		else
			strbuf_addf(out, " %llu", (unsigned long long)holder->count);
	}
	if (warning->n_holders)
		strbuf_add(out, "\n");
}

static void add_advice(const InotifyWarning *warning, bool markup, StrBuf *out)
{
	const PressureHolder *first = warning->n_holders ? &warning->holders[0] : NULL;

	if (!first)
		return;
	switch (warning->verdict) {
	case PRESSURE_LEAK:
		add_name(out, first->name, markup);
		strbuf_add(
			out, _(" keeps taking more, which looks like a leak: restart it first.\n"));
		break;
	case PRESSURE_COPIES:
		strbuf_addf(out, _("There are %u copies of "), first->processes);
		add_name(out, first->name, markup);
		strbuf_add(out, _(": end those that are left over first.\n"));
		break;
	case PRESSURE_HABIT:
		add_name(out, first->name, markup);
		strbuf_add(
			out, _(" takes an instance for every watch, which its makers can mend.\n"));
		break;
	case PRESSURE_NEED:
		break;
	}
}

void inotify_warning_body(const InotifyWarning *warning, bool markup, StrBuf *out)
{
	bool watches = warning->resource == INOTIFY_WATCHES;
	char span[32];

	if (warning->max)
		strbuf_addf(out,
			watches ? _("%s%llu of %llu watches are in use (%.0f %%).")
				: _("%s%llu of %llu instances are in use (%.0f %%)."),
			warning->incomplete ? _("At least ") : "",
			(unsigned long long)warning->used, (unsigned long long)warning->max,
			share(warning->used, warning->max));
	if (warning->full_in_usec < USEC_PER_MINUTE && warning->full_in_usec > 0 &&
		!warning->refused)
		strbuf_add(out, _(" At this rate they are used up within a minute."));
	else if (warning->full_in_usec != USEC_INFINITY && warning->full_in_usec > 0 &&
		 !warning->refused)
		strbuf_addf(out, _(" At this rate they are used up in about %s."),
			format_span(warning->full_in_usec, span));
	add_holders(warning, markup, out);
	add_advice(warning, markup, out);
	strbuf_add(out,
		warning->refused
			? _("Editors, file managers and sync tools miss changes; some say \"no space left on device\" or \"too many open files\".")
			: _("When none are left, editors, file managers and sync tools stop noticing changed files."));
	if (warning->trouble) {
		strbuf_add(out, _("\nThe limit could not be raised: "));
		add_name(out, warning->trouble, markup);
	}
}

void inotify_override_body(const BootSetting *setting, bool markup, StrBuf *out)
{
	_cleanup_(strbuf_done) StrBuf path = {}, value = {};

	add_name(&path, setting->path, markup);
	add_name(&value, setting->value, markup);
	strbuf_addf(out,
		_("At the next boot %s line %u sets it to %s: change it there, it has the last word."),
		strbuf_text(&path), setting->line, strbuf_text(&value));
}
