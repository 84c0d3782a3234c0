/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coredump/package-manager.h"

#include "common/cleanup.h"
#include "common/text.h"
#include "common/words.h"
#include <ctype.h>
#include <errno.h>
#include <string.h>

#define PATH_BYTES_MAX 1024
#define NAME_BYTES_MAX 256
#define NOBODYS	       "/proc/version" /* a file of the kernel: no package has it */
#define NOT_OWNED      " is not owned by any package"

void package_owners_free(PackageOwner *owners, size_t n)
{
	for (size_t i = 0; owners && i < n; i++) {
		free(owners[i].package);
		free(owners[i].version);
	}
	free(owners);
}

bool package_path_is_fit(const char *path)
{
	size_t n = strnlen(path, PATH_BYTES_MAX);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)path[i] < ' ' || path[i] == 0x7f)
			return false;
	return path[0] == '/' && n < PATH_BYTES_MAX;
}

/* Names and versions of all three are made of these; nothing else is shown or asked for. */
static bool is_word(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("+-.:~^_@", text[i]))
			return false;
	return length > 0 && length < NAME_BYTES_MAX && text[0] != '-';
}

static int set(char **target, const char *text, size_t length)
{
	if (*target || !is_word(text, length))
		return 0;
	*target = strndup(text, length);
	return *target ? 0 : -ENOMEM;
}

/* A list of arguments that grows; room for all is made at once. */
typedef struct List {
	char **words;
	size_t n;
	bool failed;
} List;

static List list_of(const char *const *first, size_t more)
{
	size_t n = words_count(first);
	List list = {.words = calloc(n + more + 1, sizeof *list.words)};

	list.failed = !list.words;
	for (size_t i = 0; i < n && !list.failed; i++)
		list.failed = !(list.words[list.n++] = strdup(first[i]));
	return list;
}

static void list_add(List *list, char *word)
{
	list->failed = list->failed || !word;
	if (list->failed)
		free(word);
	else
		list->words[list->n++] = word;
}

static char **list_words(List *list)
{
	return list->failed ? words_free(list->words) : list->words;
}

/* Calls take for each line, without its newline; ends at the first that fails. */
static int each_line(const char *text, int (*take)(const char *, size_t, void *), void *userdata)
{
	int r = 0;

	while (*text && r >= 0) {
		size_t n = strcspn(text, "\n");
		r = take(text, n, userdata);
		text += n + (text[n] == '\n');
	}
	return r < 0 ? r : 0;
}

typedef struct Answer {
	const char *const *paths;
	size_t n, at;
	PackageOwner *owners;
} Answer;

/* ---- dpkg ------------------------------------------------------------------------------------ */

static bool is_merged(const char *path)
{
	static const char *const folders[] = {
		"/bin/", "/sbin/", "/lib/", "/lib32/", "/lib64/", "/libx32/"};

	for (size_t i = 0; i < ELEMENTSOF(folders); i++)
		if (startswith(path, folders[i]))
			return true;
	return false;
}

/* The path's other name on a system with a merged /usr, in buf; NULL: it has none. */
static const char *other_name(const char *path, char buf[static PATH_BYTES_MAX + 8])
{
	const char *below = startswith(path, "/usr");

	if (below && is_merged(below))
		return below;
	if (!is_merged(path))
		return NULL;
	(void)snprintf(buf, PATH_BYTES_MAX + 8, "/usr%s", path);
	return buf;
}

static char *escape_pattern(const char *path)
{
	StrBuf text = {};

	for (; *path; path++) {
		if (strchr("*?[]\\", *path))
			strbuf_add_char(&text, '\\');
		strbuf_add_char(&text, *path);
	}
	return strbuf_take(&text);
}

char **dpkg_owner_arguments(const char *const *paths, size_t n)
{
	static const char *const first[] = {"dpkg-query", "--search", "--", NULL};
	List list = list_of(first, 2 * n);
	char buf[PATH_BYTES_MAX + 8];

	for (size_t i = 0; i < n; i++) {
		const char *other = other_name(paths[i], buf);
		list_add(&list, escape_pattern(paths[i]));
		if (other)
			list_add(&list, escape_pattern(other));
	}
	return list_words(&list);
}

/* "libc6:amd64: /lib/x86_64-linux-gnu/libc.so.6"; "a, b: /shared". "diversion by dash from: /x" is
 * no package's name. */
static int take_dpkg_owner(const char *line, size_t length, void *userdata)
{
	const Answer *answer = userdata;
	const char *colon = memmem(line, length, ": /", 3);
	char buf[PATH_BYTES_MAX + 8];
	int r = 0;

	if (!colon)
		return 0;
	const char *path = colon + 2;
	size_t path_length = length - (size_t)(path - line);
	size_t name = strcspn(line, ", ");
	if (line + name > colon)
		name = (size_t)(colon - line);
	else if (line[name] != ',')
		return 0;
	for (size_t i = 0; i < answer->n && r >= 0; i++) {
		const char *asked[] = {answer->paths[i], other_name(answer->paths[i], buf)};
		for (size_t k = 0; k < ELEMENTSOF(asked); k++)
			if (asked[k] && strlen(asked[k]) == path_length &&
				memcmp(asked[k], path, path_length) == 0)
				r = set(&answer->owners[i].package, line, name);
	}
	return r;
}

int dpkg_take_owners(const char *text, const char *const *paths, size_t n, PackageOwner *owners)
{
	Answer answer = {.paths = paths, .n = n, .owners = owners};

	return each_line(text, take_dpkg_owner, &answer);
}

char **dpkg_version_arguments(const PackageOwner *owners, size_t n)
{
	static const char *const first[] = {"dpkg-query", "--show",
		"--showformat=${binary:Package}\\t${Version}\\n", "--", NULL};
	List list = list_of(first, n);

	for (size_t i = 0; i < n; i++) {
		bool again = false;
		for (size_t k = 0; k < i && owners[i].package && !again; k++)
			again = owners[k].package && streq(owners[k].package, owners[i].package);
		if (owners[i].package && !again)
			list_add(&list, strdup(owners[i].package));
	}
	return list_words(&list);
}

static int take_dpkg_version(const char *line, size_t length, void *userdata)
{
	const Answer *answer = userdata;
	const char *tab = memchr(line, '\t', length);
	int r = 0;

	for (size_t i = 0; tab && i < answer->n && r >= 0; i++) {
		PackageOwner *owner = &answer->owners[i];
		size_t name = (size_t)(tab - line);
		if (owner->package && strlen(owner->package) == name &&
			memcmp(owner->package, line, name) == 0)
			r = set(&owner->version, tab + 1, length - name - 1);
	}
	return r;
}

int dpkg_take_versions(const char *text, PackageOwner *owners, size_t n)
{
	Answer answer = {.n = n, .owners = owners};

	return each_line(text, take_dpkg_version, &answer);
}

void package_owners_plain(PackageOwner *owners, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (owners[i].package)
			owners[i].package[strcspn(owners[i].package, ":")] = '\0';
}

/* ---- rpm ------------------------------------------------------------------------------------- */

char **rpm_arguments(const char *const *paths, size_t n)
{
	static const char *const first[] = {
		"rpm", "--query", "--queryformat", "%{NAME}\\t%{EVR}\\n", "--file", "--", NULL};
	List list = list_of(first, 2 * n);

	for (size_t i = 0; i < n; i++) {
		list_add(&list, strdup(paths[i]));
		list_add(&list, strdup(NOBODYS));
	}
	return list_words(&list);
}

static int take_rpm(const char *line, size_t length, void *userdata)
{
	static const char end[] = "file " NOBODYS NOT_OWNED;
	Answer *answer = userdata;
	const char *tab = memchr(line, '\t', length);
	int r;

	if (length == sizeof end - 1 && memcmp(line, end, length) == 0) {
		answer->at++;
		return 0;
	}
	if (answer->at >= answer->n)
		return -EBADMSG;
	PackageOwner *owner = &answer->owners[answer->at];
	if (!tab || owner->package) /* nobody's; or a second owner */
		return 0;
	r = set(&owner->package, line, (size_t)(tab - line));
	return r < 0 ? r : set(&owner->version, tab + 1, length - (size_t)(tab + 1 - line));
}

int rpm_take(const char *text, const char *const *paths, size_t n, PackageOwner *owners)
{
	Answer answer = {.paths = paths, .n = n, .owners = owners};
	int r;

	r = each_line(text, take_rpm, &answer);
	return r < 0 ? r : answer.at == n ? 0 : -EBADMSG;
}

/* ---- pacman ---------------------------------------------------------------------------------- */

char **pacman_arguments(const char *const *paths, size_t n)
{
	static const char *const first[] = {
		"pacman", "--query", "--owns", "--color=never", "--", NULL};
	List list = list_of(first, n);

	for (size_t i = 0; i < n; i++)
		list_add(&list, strdup(paths[i]));
	return list_words(&list);
}

/* "/usr/bin/bash is owned by bash 5.2.026-2" */
static int take_pacman(const char *line, size_t length, void *userdata)
{
	static const char owned[] = " is owned by ";
	const Answer *answer = userdata;
	int r = 0;

	for (size_t i = 0; i < answer->n && r >= 0; i++) {
		size_t path = strlen(answer->paths[i]), before = path + sizeof owned - 1;
		if (length <= before || memcmp(line, answer->paths[i], path) != 0 ||
			memcmp(line + path, owned, sizeof owned - 1) != 0)
			continue;
		const char *name = line + before, *end = line + length;
		const char *space = memchr(name, ' ', (size_t)(end - name));
		if (!space || answer->owners[i].package)
			continue;
		r = set(&answer->owners[i].package, name, (size_t)(space - name));
		if (r >= 0)
			r = set(&answer->owners[i].version, space + 1, (size_t)(end - space - 1));
	}
	return r;
}

int pacman_take(const char *text, const char *const *paths, size_t n, PackageOwner *owners)
{
	Answer answer = {.paths = paths, .n = n, .owners = owners};

	return each_line(text, take_pacman, &answer);
}
