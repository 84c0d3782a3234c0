/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logging to stderr, one line a message, in the form that whoever reads stderr understands.
 * Never a syslog or journal connection: the journal reads stderr of units by itself. */
#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *log_program = "vigil";
static int log_max_level = LOG_INFO;
static bool log_to_journal;

static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	if (!stream || sscanf(stream, "%llu:%llu", &device, &inode) != 2)
		return false;
	return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_setup(const char *program, int max_level)
{
	log_program = program;
	log_max_level = max_level;
	log_to_journal = stderr_is_journal();
}

void log_set_max_level(int level)
{
	log_max_level = level;
}

int log_get_max_level(void)
{
	return log_max_level;
}

/* Those of one byte, and U+0080..U+009F, which terminals take for escape sequences as well. */
static void replace_controls(char *line)
{
	for (unsigned char *p = (unsigned char *)line; *p; p++) {
		bool wide = p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0;
		if (wide)
			*p++ = '?';
		if (wide || *p < ' ' || *p == 0x7f)
			*p = '?';
	}
}

int log_full(int level, int error, const char *format, ...)
{
	int code = error < 0 ? -error : error;
	char line[4096], prefix[64];
	va_list ap;

	if (level > log_max_level)
		return -code;

	int saved = errno;
	errno = code;
	va_start(ap, format);
	(void)vsnprintf(line, sizeof line, format, ap);
	va_end(ap);
	replace_controls(line);

	if (log_to_journal)
		(void)snprintf(prefix, sizeof prefix, "<%d>", level);
	else
		(void)snprintf(prefix, sizeof prefix, "%s: ", log_program);
	(void)fprintf(stderr, "%s%s\n", prefix, line);
	errno = saved;
	return -code;
}
