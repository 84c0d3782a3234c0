/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What to install so that a trace gets names and lines. */
#include "coredump/trace-quality.h"

#include "common/i18n.h"
#include "common/text.h"
#include "common/words.h"
#include "coredump/trace-lacking.h"

#define LOOKED_AT 32   /* frames from the crash on: what calls them from afar needs no lines */
#define NOWHERE	  4096 /* bytes from 0 that nothing is ever mapped at (vm.mmap_min_addr) */

bool trace_frame_is_nowhere(const TraceThread *thread, size_t i)
{
	return i == 0 && thread->frames[0].module < 0 && thread->frames[0].pc < NOWHERE;
}

bool trace_module_lacks(const Trace *trace, const FrameList *list, size_t i)
{
	const TraceThread *thread = trace_crashed(trace);
	size_t first = frame_list_first(list);

	if (trace->modules[i].state == MODULE_MEMORY || trace->modules[i].symbols == SYMBOLS_DEBUG)
		return false;
	for (size_t j = first; j < list->n && j < first + LOOKED_AT; j++) {
		const TraceFrame *frame = &thread->frames[j];
		if (frame->module == (int)i && !(frame->file && frame->line) &&
			!list->keys[j].signal && list->keys[j].class != FRAME_LIBRARY &&
			list->keys[j].class != FRAME_START)
			return true;
	}
	return false;
}

/* ---- the distribution ------------------------------------------------------------------------ */

typedef struct Family {
	const char *id;	     /* as in ID= or ID_LIKE= of os-release(5) */
	const char *command; /* in front of the packages; NULL: none has debugging information */
	const char *suffix;  /* of each package's name */
	const char *note;
} Family;

/* clang-format off */
static const Family families[] = {
	{"ubuntu", "sudo apt install", "-dbgsym", N_("it takes ubuntu-dbgsym-keyring and the archive of debugging symbols (ddebs)")},
	{"debian", "sudo apt install", "-dbgsym", N_("it takes the archive of debugging symbols (debian-debug) in the sources of apt")},
	{"fedora", "sudo dnf debuginfo-install", "", NULL},
	{"rhel", "sudo dnf debuginfo-install", "", NULL},
	{"suse", "sudo zypper --plus-content debug install", "-debuginfo", NULL},
	{"opensuse", "sudo zypper --plus-content debug install", "-debuginfo", NULL},
	{"sles", "sudo zypper --plus-content debug install", "-debuginfo", NULL},
};
/* clang-format on */

/* Whether one of the words of KEY=… in an os-release(5) is id. */
static bool says(const char *os_release, const char *key, const char *id)
{
	size_t n = strlen(id);

	for (const char *line = os_release; line && *line;) {
		size_t length = strcspn(line, "\n");
		const char *value = startswith(line, key), *end = line + length;
		line += length + (line[length] == '\n');
		for (const char *p = value; p && p < end;) {
			p += strspn(p, "\"' ");
			size_t word = strcspn(p, "\"' \n");
			if (word == n && strncmp(p, id, n) == 0)
				return true;
			p += word + (word == 0);
		}
	}
	return false;
}

static const Family *find_family(const char *os_release)
{
	for (size_t i = 0; i < ELEMENTSOF(families); i++)
		if (says(os_release, "ID=", families[i].id))
			return &families[i];
	for (size_t i = 0; i < ELEMENTSOF(families); i++)
		if (says(os_release, "ID_LIKE=", families[i].id))
			return &families[i];
	return NULL;
}

/* ---- packages -------------------------------------------------------------------------------- */

/* The length of a name that dpkg or rpm would take, without dpkg's architecture; 0: it is none. */
static size_t package_length(const char *package)
{
	const char *colon = package ? strchr(package, ':') : NULL;
	size_t n = colon ? (size_t)(colon - package) : package ? strlen(package) : 0;
	static const char accept[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-._";

	if (n == 0 || n > 200 || package[0] == '-' || package[0] == '.' ||
		strspn(package, accept) != n)
		return 0;
	return n;
}

static int append(char ***words, const char *word, size_t length)
{
	char **more;
	size_t n = 0;

	for (char **p = *words; p && *p; p++, n++)
		if (strlen(*p) == length && strncmp(*p, word, length) == 0)
			return 0;
	more = realloc(*words, (n + 2) * sizeof *more);
	if (!more)
		return -ENOMEM;
	*words = more;
	more[n] = strndup(word, length);
	more[n + 1] = NULL;
	return more[n] ? 0 : -ENOMEM;
}

/* Debian's C library has it in a package that is older than the custom. */
static void add_package(StrBuf *out, const Family *family, const char *package)
{
	bool apt = streq(family->suffix, "-dbgsym");

	strbuf_addf(
		out, " %s%s", package, apt && streq(package, "libc6") ? "-dbg" : family->suffix);
}

static int set_command(const Family *family, char **packages, TraceAdvice *ret)
{
	_cleanup_(strbuf_done) StrBuf command = {};

	if (!family || !packages)
		return 0;
	strbuf_add(&command, family->command);
	for (char **p = packages; *p; p++)
		add_package(&command, family, *p);
	ret->command = strbuf_take(&command);
	ret->note = family->note;
	return ret->command ? 0 : -ENOMEM;
}

/* What is not the file that crashed any more cannot get its symbols from today's packages. */
static int add_module(const Trace *trace, size_t i, char ***packages, TraceAdvice *ret)
{
	const TraceModule *module = &trace->modules[i];
	const char *name = trace_module_name(trace, (int)i);
	size_t length = package_length(module->package);
	bool there = module->state != MODULE_REPLACED && module->state != MODULE_DELETED;
	int r;

	ret->debuginfod |= module->build_id[0] != '\0';
	r = append(&ret->modules, name, strlen(name));
	if (r >= 0 && length > 0 && there)
		r = append(packages, module->package, length);
	if (r >= 0 && !module->package)
		r = append(&ret->unowned, name, strlen(name));
	return r;
}

int trace_advice(const Trace *trace, const char *os_release, TraceAdvice *ret)
{
	_cleanup_(trace_advice_donep) TraceAdvice advice = {};
	_cleanup_(words_freep) char **packages = NULL;
	_cleanup_(frame_list_donep) FrameList list = {};
	int r;

	*ret = (TraceAdvice){};
	r = frame_list_from_trace(trace, &list);
	if (r < 0)
		return r == -ENODATA ? 0 : r;
	for (size_t i = 0; i < trace->n_modules && r >= 0; i++)
		if (trace_module_lacks(trace, &list, i))
			r = add_module(trace, i, &packages, &advice);
	if (r >= 0)
		r = set_command(find_family(os_release), packages, &advice);
	if (r < 0)
		return r;
	*ret = advice;
	advice = (TraceAdvice){};
	return 0;
}

void trace_advice_done(TraceAdvice *advice)
{
	free(advice->command);
	words_free(advice->modules);
	words_free(advice->unowned);
	*advice = (TraceAdvice){};
}
