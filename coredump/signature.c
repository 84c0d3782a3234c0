/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signatures out of systemd's stack traces ("#0  0x00007f… function (module + 0xoffset)") and
 * Python-like tracebacks. */
#include "coredump/signature.h"

#include "common/text.h"
#include "coredump/frame-list.h"
#include <ctype.h>

#define TRACE_LINE_MAX 512 /* bytes looked at */

/* A text that stands in another one, cut to the buffer. */
static void copy(char *ret, size_t size, const char *text, size_t length)
{
	length = MIN_OF(length, size - 1);
	memcpy(ret, text, length);
	ret[length] = '\0';
}

/* Behind the address of a frame's line; NULL: it is none. */
static const char *skip_address(const char *line)
{
	const char *p = line + strspn(line, " \t");

	if (*p++ != '#' || !isdigit((unsigned char)*p))
		return NULL;
	p += strspn(p, "0123456789");
	p += strspn(p, " ");
	p = startswith(p, "0x");
	if (!p)
		return NULL;
	p += strspn(p, "0123456789abcdefABCDEF");
	return p + strspn(p, " ");
}

/* Adds the frame that a line of a trace tells. 1; 0: it tells none; -ENOMEM. */
static int add_frame(FrameList *list, const char *line, size_t length)
{
	char text[TRACE_LINE_MAX], function[TRACE_LINE_MAX], module[128] = "";
	unsigned long long offset = 0;

	copy(text, sizeof text, line, length);
	const char *p = skip_address(text);
	/* The function's name may hold spaces and brackets (C++): the module is the last "(". */
	const char *open = p ? strrchr(p, '(') : NULL;
	if (!open || open == p)
		return 0;
	copy(function, sizeof function, p, (size_t)(open - p));
	for (size_t n = strlen(function); n > 0 && function[n - 1] == ' '; n--)
		function[n - 1] = '\0';
	(void)sscanf(open + 1, "%127s + 0x%llx", module, &offset);
	const char *slash = strrchr(module, '/');
	bool named = !streq(function, "n/a"), placed = !streq(module, "n/a");
	if (!named && !module[0])
		return 0;
	int r = frame_list_add(list, &(FrameFacts){
					     .function = named ? function : NULL,
					     .module = !placed ? NULL
						       : slash ? slash + 1
							       : module,
					     .offset = offset,
				     });
	return r < 0 ? r : 1;
}

/* The frames of the first thread told, which is the one that crashed. Without memory: fewer. */
static void trace_frames(const char *message, FrameList *list)
{
	for (const char *line = message; line && *line;) {
		size_t length = strcspn(line, "\n");
		int r = add_frame(list, line, length);
		if (r < 0 || (r == 0 && list->n > 0))
			break; /* the next thread's head */
		line += length + (line[length] == '\n');
	}
	frame_list_reduce(list);
}

/* "ValueError: invalid literal" → "ValueError"; the innermost file and function above it. */
static void traceback_frames(const char *message, FrameList *list)
{
	char where[TRACE_LINE_MAX] = "", type[FRAME_NAME_SIZE] = "";

	for (const char *line = message; line && *line;) {
		size_t length = strcspn(line, "\n");
		const char *file = length > 8 && startswith(line, "  File ") ? line + 7 : NULL;
		if (file) /* "FILE", line N, in NAME: the line moves between versions */
			copy(where, sizeof where, file, length - 7);
		else if (isupper((unsigned char)line[0]) && memchr(line, ':', length) && where[0])
			copy(type, sizeof type, line, strcspn(line, ":"));
		line += length + (line[length] == '\n');
	}
	char *number = strstr(where, ", line ");
	const char *rest = number ? strchr(number + 7, ',') : NULL;
	if (rest)
		memmove(number, rest, strlen(rest) + 1);
	if (type[0] && frame_list_add_text(list, type) >= 0 && where[0])
		(void)frame_list_add_text(list, where);
}

static void frames_of(const Crash *crash, FrameList *list)
{
	if (crash->kind == CRASH_TRACEBACK)
		traceback_frames(crash->message, list);
	else
		trace_frames(crash->message, list);
}

void crash_signature(const Crash *crash, char ret[static CRASH_SIGNATURE_SIZE])
{
	_cleanup_(frame_list_donep) FrameList list = {};

	frames_of(crash, &list);
	frame_list_signature(&list, crash, ret);
}

char *crash_signature_title(const Crash *crash)
{
	_cleanup_(frame_list_donep) FrameList list = {};

	frames_of(crash, &list);
	return frame_list_title(&list);
}
