/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil crash report: a crash as text that can be pasted into a bug tracker. Nothing is sent. */
#include "cli/crash-report.h"
#include "cli/crash-select.h"
#include "cli/crash-view.h"
#include "cli/os-release.h"

#include "common/i18n.h"
#include "common/io.h"
#include "common/json.h"
#include "common/text.h"
#include <fcntl.h>
#include <pwd.h>
#include <sys/utsname.h>

/* PRETTY_NAME of os-release(5), its quotes taken off. Caller frees; NULL: not told. */
static char *system_name(int root_fd)
{
	_cleanup_(freep) char *text = os_release_read(root_fd);

	for (char *rest = text, *line; rest && (line = strsep(&rest, "\n"));) {
		const char *value = startswith(line, "PRETTY_NAME=");
		if (!value)
			continue;
		value += strspn(value, "\"'");
		return strndup(value, strcspn(value, "\"'"));
	}
	return NULL;
}

static int show(Cli *cli, const CrashSource *source, const CrashRow *row)
{
	_cleanup_(freep) char *os = system_name(source->root_fd);
	_cleanup_(strbuf_done) StrBuf text = {};
	const struct passwd *user =
		row->crash.uid == CRASH_UID_UNKNOWN ? NULL : getpwuid(row->crash.uid);
	struct utsname kernel;
	const CrashReportContext context = {
		/* another machine's crash has nothing to do with this system */
		.os = source->elsewhere && source->root_fd < 0 ? NULL : os,
		.kernel = !source->elsewhere && uname(&kernel) == 0 ? kernel.release : NULL,
		.home = user ? user->pw_dir : NULL,
		.user = user ? user->pw_name : NULL,
		.repeats = crash_repeats(source, row),
	};

	crash_report_markdown(row, &context, &text);
	if (text.failed)
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	if (!cli->options.json) {
		strbuf_add(&cli->out, strbuf_text(&text));
		return cli_show(cli);
	}
	char id[CRASH_ID_DIGITS + 1];
	json_t *root = json_object();
	json_add_u64(root, "version", 1);
	json_add_string(root, "id", crash_short_id(&row->crash, id));
	json_add_string(root, "markdown", strbuf_text(&text));
	return cli_print_json(cli, root);
}

int cmd_crash_report(Cli *cli, int argc, const char **argv)
{
	CrashSource source;
	CrashRow row;
	int r;

	r = crash_source_open(cli, CRASH_SOURCE_READ, &source);
	if (r != EXIT_DONE)
		return r;
	r = crash_select_one(cli, &source, argc ? argv[0] : "latest", &row);
	if (r == EXIT_DONE) {
		r = show(cli, &source, &row);
		index_row_done(&row);
	}
	crash_source_done(&source);
	return r;
}
