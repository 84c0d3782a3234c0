/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil.conf: whatever stands in it, values stay within their range, and what is wrong is told with
 * its line. */
#include "tests/fuzz/fuzz.h"

#include "common/conf.h"
#include <sys/mman.h>

FUZZ_PARTS("[S]\n", "[S]", "Span=", "Number=", "Boolean=", "Choice=", "Text=", "Words=", "10min",
	"5", "99", "101", "-1", "yes", "off", "one", "two", "\n", "\n", "\n ", " ", ";", "#", "=",
	":", "\"", "[", "]", "\\", "\xef\xbb\xbf", "Nothing=1\n", "a b c");

typedef struct Target {
	usec_t span;
	uint64_t number;
	bool boolean;
	int choice;
	char *text, **words;
} Target;

static const ConfRange range = {1, 100};
static const char *const choices[] = {"one", "two", NULL};

#define ROW(key, type, member, data)                                                               \
	{                                                                                          \
		"S", key, &(type), offsetof(Target, member), data, "", ""                          \
	}
static const ConfRow rows[] = {
	ROW("Span", conf_span, span, NULL),
	ROW("Number", conf_number, number, &range),
	ROW("Boolean", conf_boolean, boolean, NULL),
	ROW("Choice", conf_choice, choice, choices),
	ROW("Text", conf_string, text, NULL),
	ROW("Words", conf_strings, words, NULL),
};

static void on_complaint(const char *file, unsigned line, const char *message, void *userdata)
{
	const unsigned *lines = userdata;

	(void)file;
	fuzz_check(line >= 1 && line <= *lines && *message, "a complaint names its line");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -EBADF;
	Target target = {.number = 50};
	unsigned lines = 1;
	char path[64];

	if (size < 2)
		return 0;
	if (fd < 0)
		fd = memfd_create("conf", MFD_CLOEXEC);
	fuzz_check(fd >= 0 && ftruncate(fd, 0) == 0, "a file");
	fuzz_check(pwrite(fd, data + 2, size - 2, 0) == (ssize_t)size - 2, "writing");
	for (size_t i = 2; i < size; i++)
		lines += data[i] == '\n';
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	fuzz_check(conf_read_file(path, rows, ELEMENTSOF(rows), &target, on_complaint, &lines) == 1,
		"an answer");
	fuzz_check(target.number >= 1 && target.number <= 100, "a number in its range");
	fuzz_check(target.choice == 0 || target.choice == 1, "a choice that there is");
	for (char **word = target.words; word && *word; word++)
		fuzz_check(**word && !strchr(*word, ' '), "a word");
	conf_done(rows, ELEMENTSOF(rows), &target);
	return 0;
}

FUZZ_MAIN
