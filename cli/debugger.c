/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command lines of gdb and lldb, and of gdb in a flatpak's sandbox. */
#include "cli/debugger.h"

#include "common/strbuf.h"
#include "common/text.h"
#include <ctype.h>
#include <string.h>

#define ARGUMENTS_MAX 64

typedef struct Argv {
	char *words[ARGUMENTS_MAX + 1];
	size_t n;
	bool failed;
} Argv;

static void add(Argv *argv, const char *word)
{
	char *copy = argv->n < ARGUMENTS_MAX ? strdup(word) : NULL;

	if (copy)
		argv->words[argv->n++] = copy;
	else
		argv->failed = true;
}

__attribute__((format(printf, 2, 3))) static void addf(Argv *argv, const char *format, ...)
{
	_cleanup_(freep) char *word = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&word, format, ap) < 0)
		word = NULL;
	va_end(ap);
	if (word)
		add(argv, word);
	else
		argv->failed = true;
}

DebuggerKind debugger_kind(const char *name)
{
	const char *slash = strrchr(name, '/');

	return strstr(slash ? slash + 1 : name, "lldb") ? DEBUGGER_LLDB : DEBUGGER_GDB;
}

bool debugger_takes_path(const char *path)
{
	if (path[0] != '/')
		return false;
	for (const char *p = path; *p; p++)
		if (iscntrl((unsigned char)*p) || strchr("\"'`\\", *p))
			return false;
	return true;
}

static void add_own(Argv *argv, const DebuggerPlan *plan)
{
	for (const char *const *word = plan->debugger + 1; *word; word++)
		add(argv, *word);
}

/* -nx: no init file of the system, of the person or of the folder. Auto-loading is off, and should
 * one of the person's own arguments put it on, no place is safe. */
static void add_gdb(Argv *argv, const DebuggerPlan *plan)
{
	add(argv, "-nx");
	add(argv, "-iex");
	add(argv, "set auto-load no");
	add(argv, "-iex");
	add(argv, "set auto-load safe-path /nonexistent");
	add(argv, "-iex");
	addf(argv, "set debuginfod enabled %s", plan->debuginfod ? "on" : "off");
	if (plan->sysroot) {
		add(argv, "-iex");
		addf(argv, "set sysroot %s", plan->sysroot);
	}
	add_own(argv, plan);
	add(argv, "-core");
	add(argv, plan->core);
	if (plan->exe)
		add(argv, plan->exe);
}

static void add_lldb(Argv *argv, const DebuggerPlan *plan)
{
	add(argv, "--no-lldbinit");
	add(argv, "--one-line-before-file");
	add(argv, "settings set target.load-script-from-symbol-file false");
	if (plan->sysroot) {
		add(argv, "--one-line-before-file");
		addf(argv, "platform select --sysroot \"%s\" remote-linux", plan->sysroot);
	}
	add_own(argv, plan);
	add(argv, "--core");
	add(argv, plan->core);
	if (plan->exe)
		add(argv, plan->exe);
}

/* The sandbox sees the core's folder and, if nothing is to be fetched, no network. */
static void add_flatpak(Argv *argv, const DebuggerPlan *plan)
{
	add(argv, "flatpak");
	add(argv, "run");
	addf(argv, "--command=%s", plan->debugger[0]);
	add(argv, "--devel");
	addf(argv, "--filesystem=%s:ro", plan->flatpak_folder);
	if (!plan->debuginfod)
		add(argv, "--unshare=network");
	add(argv, plan->flatpak);
}

char **debugger_argv(const DebuggerPlan *plan)
{
	Argv argv = {};
	char **words = NULL;

	if (plan->flatpak)
		add_flatpak(&argv, plan);
	else
		add(&argv, plan->debugger[0]);
	if (debugger_kind(plan->debugger[0]) == DEBUGGER_LLDB)
		add_lldb(&argv, plan);
	else
		add_gdb(&argv, plan);
	if (!argv.failed)
		words = words_copy((const char *const *)argv.words);
	for (size_t i = 0; i < argv.n; i++)
		free(argv.words[i]);
	return words;
}

/* ---- for a shell ----------------------------------------------------------------------------- */

static bool is_plain(const char *word)
{
	for (const char *p = word; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("%+,-./:=@_", *p))
			return false;
	return *word != '\0';
}

char *words_for_shell(const char *const *words)
{
	_cleanup_(strbuf_done) StrBuf line = {};

	for (; *words; words++) {
		if (line.length)
			strbuf_add_char(&line, ' ');
		if (is_plain(*words)) {
			strbuf_add(&line, *words);
			continue;
		}
		strbuf_add_char(&line, '\'');
		for (const char *p = *words; *p; p++)
			if (*p == '\'')
				strbuf_add(&line, "'\\''");
			else
				strbuf_add_char(&line, *p);
		strbuf_add_char(&line, '\'');
	}
	return strbuf_take(&line);
}
