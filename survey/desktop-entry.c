/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Desktop entries, read as foreign text: what cannot be understood is left out. */
#include "survey/desktop-entry.h"

#include "common/cleanup.h"
#include "common/io.h"
#include "common/text.h"
#include <ctype.h>
#include <fcntl.h>
#include <sys/stat.h>

#define ENTRY_BYTES_MAX (256 * 1024) /* the longest in Debian, with 100 languages, have 60 KiB */
#define ENTRY_VALUE_MAX 1024
#define ENTRY_ID_MAX	200
#define ENTRY_DIRS_MAX	64

/* ---- where ----------------------------------------------------------------------------------- */

typedef struct DirList {
	char **dirs;
	size_t n;
	bool failed;
} DirList;

static void add_dir(DirList *list, const char *base, size_t length, const char *below)
{
	char *path;

	if (length == 0 || base[0] != '/' || list->n == ENTRY_DIRS_MAX || list->failed)
		return; /* relative ones are to be ignored, says the specification */
	if (asprintf(&path, "%.*s/%s", (int)length, base, below) < 0) {
		list->failed = true;
		return;
	}
	list->dirs[list->n++] = path;
}

char **desktop_entry_dirs_free(char **dirs)
{
	for (char **dir = dirs; dir && *dir; dir++)
		free(*dir);
	free(dirs);
	return NULL;
}

char **desktop_entry_dirs(void)
{
	static const char *const exports[] = {"/var/lib/flatpak/exports/share/applications",
		"/var/lib/snapd/desktop/applications"};
	const char *home = getenv("HOME"), *data_home = getenv("XDG_DATA_HOME"),
		   *data_dirs = getenv("XDG_DATA_DIRS");
	DirList list = {.dirs = calloc(ENTRY_DIRS_MAX + 1, sizeof *list.dirs)};

	if (!list.dirs)
		return NULL;
	if (data_home && data_home[0] == '/')
		add_dir(&list, data_home, strlen(data_home), "applications");
	else if (home)
		add_dir(&list, home, strlen(home), ".local/share/applications");
	if (home)
		add_dir(&list, home, strlen(home),
			".local/share/flatpak/exports/share/applications");
	if (!data_dirs || !*data_dirs)
		data_dirs = "/usr/local/share:/usr/share";
	while (*data_dirs) {
		size_t length = strcspn(data_dirs, ":");
		add_dir(&list, data_dirs, length, "applications");
		data_dirs += length + (data_dirs[length] == ':');
	}
	for (size_t i = 0; i < ELEMENTSOF(exports); i++)
		add_dir(&list, "/", 1, exports[i] + 1);
	return list.failed ? desktop_entry_dirs_free(list.dirs) : list.dirs;
}

/* ---- what ------------------------------------------------------------------------------------ */

/* A locale taken apart: lang_COUNTRY.ENCODING@MODIFIER; the encoding does not matter. */
typedef struct Language {
	const char *lang, *country, *modifier; /* into the text given; lengths below, 0: none */
	size_t n_lang, n_country, n_modifier;
} Language;

static Language take_apart(const char *locale)
{
	Language language = {};

	if (!locale || streq(locale, "C") || startswith(locale, "C.") || streq(locale, "POSIX"))
		return language;
	language.lang = locale;
	language.n_lang = strcspn(locale, "_.@");
	const char *p = locale + language.n_lang;
	if (*p == '_') {
		language.country = p + 1;
		language.n_country = strcspn(p + 1, ".@");
		p = language.country + language.n_country;
	}
	p += strcspn(p, "@");
	if (*p == '@') {
		language.modifier = p + 1;
		language.n_modifier = strlen(p + 1);
	}
	return language;
}

static bool same(const char *a, size_t n_a, const char *b, size_t n_b)
{
	return n_a == n_b && (n_a == 0 || memcmp(a, b, n_a) == 0);
}

/* How well a key's [tag] fits: 4 lang_COUNTRY@MODIFIER … 1 lang, 0 no fit. */
static int fit_of(const char *tag, size_t length, const Language *wanted)
{
	_cleanup_(freep) char *copy = strndup(tag, length);
	if (!copy)
		return 0;
	Language has = take_apart(copy);

	if (wanted->n_lang == 0 || !same(has.lang, has.n_lang, wanted->lang, wanted->n_lang))
		return 0;
	if (has.n_country && !same(has.country, has.n_country, wanted->country, wanted->n_country))
		return 0;
	if (has.n_modifier &&
		!same(has.modifier, has.n_modifier, wanted->modifier, wanted->n_modifier))
		return 0;
	return 1 + (has.n_country ? 2 : 0) + (has.n_modifier ? 1 : 0);
}

/* A value with its escapes undone (\s \n \t \r \\); longer ones are cut. Caller frees. */
static char *unescaped(const char *value, size_t length)
{
	static const char from[] = "sntr\\", to[] = " \n\t\r\\";
	_cleanup_(strbuf_done) StrBuf out = {};

	for (size_t i = 0; i < length && out.length < ENTRY_VALUE_MAX; i++) {
		const char *known = value[i] == '\\' && i + 1 < length && value[i + 1]
					    ? strchr(from, value[i + 1])
					    : NULL;
		strbuf_add_char(&out, known ? to[known - from] : value[i]);
		i += known != NULL;
	}
	return strbuf_take(&out);
}

/* One word of an Exec= line, quotes undone. Gives it (caller frees) and moves *p behind it; NULL at
 * the end. */
static char *exec_word(const char **p)
{
	_cleanup_(strbuf_done) StrBuf word = {};
	bool quoted = false;
	const char *s = *p + strspn(*p, " \t");

	if (!*s)
		return NULL;
	for (; *s && (quoted || (*s != ' ' && *s != '\t')); s++) {
		if (*s == '"') {
			quoted = !quoted;
			continue;
		}
		if (*s == '\\' && quoted && s[1])
			s++;
		strbuf_add_char(&word, *s);
	}
	*p = s;
	return strbuf_take(&word);
}

/* "env -u X LANG=C /usr/bin/foo %U" → "/usr/bin/foo"; flatpak run --command=foo … → "foo". */
static char *program_of(const char *exec)
{
	bool env = false, flatpak = false;

	for (const char *p = exec;;) {
		_cleanup_(freep) char *word = exec_word(&p);
		if (!word)
			return NULL;
		const char *slash = strrchr(word, '/'), *name = slash ? slash + 1 : word;
		const char *command = startswith(word, "--command=");
		if (flatpak && command)
			return strdup(command);
		if (flatpak && (word[0] == '-' || streq(word, "run")))
			continue;
		if (env && streq(word, "-u")) {
			free(exec_word(&p)); /* the variable's name */
			continue;
		}
		if (env && (word[0] == '-' || strchr(word, '=')))
			continue;
		env = !env && streq(name, "env");
		flatpak = !flatpak && streq(name, "flatpak");
		if (!env && !flatpak)
			return *name ? TAKE_PTR(word) : NULL;
	}
}

typedef struct Parse {
	DesktopEntry entry;
	Language language;
	int name_fit; /* of the name kept; -1: none yet */
	bool failed;
} Parse;

static bool in_list(const char *list, size_t length, const char *item)
{
	size_t n = strlen(item);

	for (const char *p = list, *end = list + length; p < end; p++) {
		const char *stop = memchr(p, ';', (size_t)(end - p));
		if (!stop)
			stop = end;
		if ((size_t)(stop - p) == n && memcmp(p, item, n) == 0)
			return true;
		p = stop;
	}
	return false;
}

static void keep(Parse *parse, char **target, char *value)
{
	parse->failed = parse->failed || !value;
	free(*target);
	*target = value;
}

static void take_name(Parse *parse, const char *tag, size_t n_tag, const char *value, size_t length)
{
	int fit = n_tag ? fit_of(tag, n_tag, &parse->language) : 0;

	if ((n_tag && fit == 0) || fit <= parse->name_fit || length == 0)
		return;
	keep(parse, &parse->entry.name, unescaped(value, length));
	parse->name_fit = fit;
}

static void take_pair(
	Parse *parse, const char *key, size_t n_key, const char *value, size_t n_value)
{
	const char *bracket = memchr(key, '[', n_key);
	size_t base = bracket ? (size_t)(bracket - key) : n_key;

	if (same(key, base, "Name", 4)) {
		size_t n_tag = bracket ? n_key - base - 1 : 0;
		if (!bracket || (n_tag > 1 && bracket[n_tag] == ']'))
			take_name(parse, bracket ? bracket + 1 : key, n_tag ? n_tag - 1 : 0, value,
				n_value);
		return;
	}
	if (bracket || n_value == 0)
		return;
	if (same(key, n_key, "Icon", 4))
		keep(parse, &parse->entry.icon, unescaped(value, n_value));
	else if (same(key, n_key, "TryExec", 7))
		keep(parse, &parse->entry.try_program, unescaped(value, n_value));
	else if (same(key, n_key, "Exec", 4)) {
		_cleanup_(freep) char *exec = unescaped(value, n_value);
		free(parse->entry.program);
		parse->entry.program = exec ? program_of(exec) : NULL;
		parse->failed = parse->failed || !exec;
	} else if (same(key, n_key, "Categories", 10))
		parse->entry.terminal = in_list(value, n_value, "TerminalEmulator");
	else if (same(key, n_key, "Hidden", 6))
		parse->entry.hidden = same(value, n_value, "true", 4);
}

static void take_line(Parse *parse, const char *line, size_t length)
{
	const char *equals = memchr(line, '=', length);

	if (line[0] == '#' || !equals)
		return;
	size_t n_key = (size_t)(equals - line);
	while (n_key && isblank((unsigned char)line[n_key - 1]))
		n_key--;
	const char *value = equals + 1, *end = line + length;
	while (value < end && isblank((unsigned char)*value))
		value++;
	while (end > value && isspace((unsigned char)end[-1]))
		end--;
	take_pair(parse, line, n_key, value, (size_t)(end - value));
}

int desktop_entry_parse(const char *text, const char *locale, DesktopEntry *ret)
{
	static const char header[] = "[Desktop Entry]";
	Parse parse = {.language = take_apart(locale), .name_fit = -1};
	bool inside = false;

	for (const char *line = text; *line;) {
		size_t length = strcspn(line, "\n");
		if (line[0] == '[') {
			if (inside)
				break; /* actions and the rest follow: no business of ours */
			inside = startswith(line, header) != NULL;
		} else if (inside && length)
			take_line(&parse, line, length);
		line += length + (line[length] == '\n');
	}
	if (parse.failed || !parse.entry.name) {
		desktop_entry_done(&parse.entry);
		return parse.failed ? -ENOMEM : -EINVAL;
	}
	*ret = parse.entry;
	return 0;
}

void desktop_entry_done(DesktopEntry *entry)
{
	free(entry->id);
	free(entry->name);
	free(entry->icon);
	free(entry->program);
	free(entry->try_program);
	*entry = (DesktopEntry){};
}

/* ---- finding --------------------------------------------------------------------------------- */

/* Flatpak's and snap's exports are symlinks, so they are followed; what they end at must be a
 * regular file, and opening never waits for a FIFO's writer. */
static int read_entry(const char *dir, const char *name, char **ret)
{
	_cleanup_(freep) char *path = NULL;
	struct stat st;

	if (asprintf(&path, "%s/%s.desktop", dir, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	ssize_t n = read_fd_max(fd, ENTRY_BYTES_MAX, ret);
	return n < 0 ? (int)n : 0;
}

static bool is_id(const char *id)
{
	size_t n = strlen(id);

	return n > 0 && n <= ENTRY_ID_MAX && id[0] != '.' && !strchr(id, '/');
}

int desktop_entry_find(
	const char *const *dirs, const char *id, const char *locale, DesktopEntry *ret)
{
	_cleanup_(freep) char *text = NULL;
	char nested[ENTRY_ID_MAX + 1];
	int r;

	if (!is_id(id))
		return -EINVAL;
	(void)snprintf(nested, sizeof nested, "%s", id);
	char *dash = strchr(nested, '-');
	if (dash)
		*dash = '/';
	for (; *dirs && !text; dirs++) {
		r = read_entry(*dirs, id, &text);
		if (r < 0 && dash)
			(void)read_entry(*dirs, nested, &text);
	}
	if (!text)
		return -ENOENT;

	r = desktop_entry_parse(text, locale, ret);
	if (r < 0)
		return r;
	ret->id = strdup(id);
	if (ret->id && !ret->hidden)
		return 0;
	r = ret->id ? -ENOENT : -ENOMEM;
	desktop_entry_done(ret);
	return r;
}

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static bool in_search_path(const char *program, const char *search_path)
{
	if (strchr(program, '/'))
		return is_program(program);
	for (const char *p = search_path; *p;) {
		char path[4096];
		size_t length = strcspn(p, ":");
		int n = snprintf(path, sizeof path, "%.*s/%s", (int)length, p, program);
		if (length && n > 0 && (size_t)n < sizeof path && is_program(path))
			return true;
		p += length + (p[length] == ':');
	}
	return false;
}

bool desktop_entry_can_run(const DesktopEntry *entry, const char *search_path)
{
	if (entry->try_program && !in_search_path(entry->try_program, search_path))
		return false;
	return entry->program && in_search_path(entry->program, search_path);
}
