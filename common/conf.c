/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration files into structs, by tables. inih reads the syntax; it is fed line by line so
 * that every complaint can name its line. */
#include "common/conf.h"

#include "common/cleanup.h"
#include "common/io.h"
#include "common/text.h"
#include <fcntl.h>
#include <ini.h>
#include <sys/stat.h>

typedef struct Reader {
	const char *path;
	FILE *file;
	unsigned line;
	const ConfRow *rows;
	size_t n_rows;
	void *target;
	ConfReport report;
	void *userdata;
} Reader;

static int parse_span_value(const char *value, void *target, const void *data)
{
	(void)data;
	return parse_span(value, target);
}

static int parse_number_value(const char *value, void *target, const void *data)
{
	const ConfRange *range = data;
	uint64_t number;
	int r;

	r = parse_u64(value, range ? range->max : UINT64_MAX, &number);
	if (r < 0)
		return r;
	if (range && number < range->min)
		return -ERANGE;
	*(uint64_t *)target = number;
	return 0;
}

static int parse_boolean_value(const char *value, void *target, const void *data)
{
	(void)data;
	return parse_boolean(value, target);
}

static int parse_string_value(const char *value, void *target, const void *data)
{
	char *copy = strdup(value);

	(void)data;
	if (!copy)
		return -ENOMEM;
	free(*(char **)target);
	*(char **)target = copy;
	return 0;
}

static char **free_strings(char **strings)
{
	for (char **s = strings; s && *s; s++)
		free(*s);
	free(strings);
	return NULL;
}

static int parse_strings_value(const char *value, void *target, const void *data)
{
	char **strings = calloc(strlen(value) / 2 + 2, sizeof *strings);
	size_t n = 0;

	(void)data;
	if (!strings)
		return -ENOMEM;
	for (const char *p = value + strspn(value, " \t"); *p; p += strspn(p, " \t")) {
		size_t length = strcspn(p, " \t");
		strings[n] = strndup(p, length);
		if (!strings[n++]) {
			free_strings(strings);
			return -ENOMEM;
		}
		p += length;
	}
	free_strings(*(char ***)target);
	*(char ***)target = strings;
	return 0;
}

static int parse_choice_value(const char *value, void *target, const void *data)
{
	const char *const *choices = data;

	for (int i = 0; choices[i]; i++)
		if (streq(choices[i], value)) {
			*(int *)target = i;
			return 0;
		}
	return -EINVAL;
}

const ConfType conf_span = {parse_span_value, "a span of time like 10min"};
const ConfType conf_number = {parse_number_value, "a number in its range"};
const ConfType conf_boolean = {parse_boolean_value, "yes or no"};
const ConfType conf_string = {parse_string_value, "text"};
const ConfType conf_strings = {parse_strings_value, "words with spaces between"};
const ConfType conf_choice = {parse_choice_value, "one of the listed words"};

static void complain(Reader *reader, const char *format, ...) PRINTF_FORMAT(2, 3);
static void complain(Reader *reader, const char *format, ...)
{
	char message[512];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(message, sizeof message, format, ap);
	va_end(ap);
	if (reader->report)
		reader->report(reader->path, reader->line, message, reader->userdata);
}

static void complain_of_value(Reader *reader, const ConfRow *row, const char *value)
{
	const ConfRange *range = row->data;

	if (row->type == &conf_number && range)
		complain(reader,
			"%s=%s: expected a number from %llu to %llu; the default %s stays.",
			row->key, value, (unsigned long long)range->min,
			(unsigned long long)range->max, row->shown);
	else
		complain(reader, "%s=%s: expected %s; the default %s stays.", row->key, value,
			row->type->hint, row->shown);
}

static int take_pair(void *userdata, const char *section, const char *key, const char *value)
{
	Reader *reader = userdata;

	for (size_t i = 0; i < reader->n_rows; i++) {
		const ConfRow *row = &reader->rows[i];
		if (!streq(row->section, section) || !streq(row->key, key))
			continue;
		if (row->type->parse(value, (char *)reader->target + row->offset, row->data) < 0)
			complain_of_value(reader, row, value);
		return 1;
	}
	complain(reader, "[%s] %s: no such setting; ignored.", section, key);
	return 1;
}

/* As fgets(3), for inih; but a line longer than any setting is skipped whole, so that its tail is
 * not taken for a line of its own, and a NUL, which would hide what follows it, becomes a '?'. */
static char *next_line(char *line, int size, void *stream)
{
	Reader *reader = stream;
	bool too_long = false;
	int n = 0, c;

	while ((c = fgetc(reader->file)) != EOF && c != '\n') {
		too_long = too_long || n + 1 == size;
		if (!too_long)
			line[n++] = c ? (char)c : '?';
	}
	if (c == EOF && n == 0 && !too_long)
		return NULL;
	reader->line++;
	if (too_long)
		complain(reader, "the line is too long; ignored.");
	line[too_long ? 0 : n] = '\0';
	return line;
}

int conf_read_file(const char *path, const ConfRow *rows, size_t n_rows, void *target,
	ConfReport report, void *userdata)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	Reader reader = {.path = path,
		.rows = rows,
		.n_rows = n_rows,
		.target = target,
		.report = report,
		.userdata = userdata};
	struct stat st;
	int r;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -EINVAL;
	reader.file = fdopen(fd, "re");
	if (!reader.file)
		return -errno;
	TAKE_FD(fd);
	r = ini_parse_stream(next_line, &reader, take_pair, &reader);
	(void)fclose(reader.file);
	if (r > 0) {
		reader.line = (unsigned)r;
		complain(&reader, "neither a [Section] nor Key=Value; ignored.");
	}
	return 1;
}

typedef struct DropInFile {
	char *name;
	size_t directory;
} DropInFile;

static int by_name(const void *a, const void *b)
{
	return strcmp(((const DropInFile *)a)->name, ((const DropInFile *)b)->name);
}

/* Names of dir/vigil.conf.d; a name known from an earlier directory now comes from this one. */
static int list_dropins(const char *dir, size_t at, DropInFile **files, size_t *n)
{
	_cleanup_(freep) char *path = NULL;

	if (asprintf(&path, "%s/vigil.conf.d", dir) < 0)
		return -ENOMEM;
	_cleanup_(closedirp) DIR *handle = opendir(path);
	if (!handle)
		return 0;
	for (const struct dirent *entry; (entry = readdir(handle));) {
		size_t i = 0;
		if (entry->d_name[0] == '.' || !endswith(entry->d_name, ".conf"))
			continue;
		while (i < *n && !streq((*files)[i].name, entry->d_name))
			i++;
		if (i < *n) {
			(*files)[i].directory = at;
			continue;
		}
		DropInFile *grown = reallocarray(*files, *n + 1, sizeof *grown);
		if (!grown)
			return -ENOMEM;
		*files = grown;
		grown[*n] = (DropInFile){strdup(entry->d_name), at};
		if (!grown[(*n)++].name)
			return -ENOMEM;
	}
	return 0;
}

static void read_one(const char *path, const ConfRow *rows, size_t n_rows, void *target,
	ConfReport report, void *userdata)
{
	char message[128];
	int r = conf_read_file(path, rows, n_rows, target, report, userdata);

	if (r < 0 && report) {
		(void)snprintf(message, sizeof message, "cannot be read: %s.", strerror(-r));
		report(path, 0, message, userdata);
	}
}

int conf_read_all(const char *const *dirs, const ConfRow *rows, size_t n_rows, void *target,
	ConfReport report, void *userdata)
{
	DropInFile *files = NULL;
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; dirs[i] && r >= 0; i++) {
		_cleanup_(freep) char *path = NULL;
		if (asprintf(&path, "%s/vigil.conf", dirs[i]) < 0) {
			path = NULL;
			r = -ENOMEM;
			break;
		}
		read_one(path, rows, n_rows, target, report, userdata);
		r = list_dropins(dirs[i], i, &files, &n);
	}
	if (n)
		qsort(files, n, sizeof *files, by_name);
	for (size_t i = 0; i < n; i++) {
		_cleanup_(freep) char *path = NULL;
		if (r >= 0 && asprintf(&path, "%s/vigil.conf.d/%s", dirs[files[i].directory],
				      files[i].name) >= 0)
			read_one(path, rows, n_rows, target, report, userdata);
		free(files[i].name);
	}
	free(files);
	return r;
}

void conf_done(const ConfRow *rows, size_t n_rows, void *target)
{
	for (size_t i = 0; i < n_rows; i++) {
		void *at = (char *)target + rows[i].offset;
		if (rows[i].type == &conf_string) {
			free(*(char **)at);
			*(char **)at = NULL;
		} else if (rows[i].type == &conf_strings) {
			*(char ***)at = free_strings(*(char ***)at);
		}
	}
}
