/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signatures out of systemd's stack traces ("#0  0x00007f… function (module + 0xoffset)") and
 * Python-like tracebacks. */
#include "coredump/signature.h"

#include "common/text.h"
#include <ctype.h>
#include <glib.h>

#define FRAME_MAX 160 /* bytes of one normalised frame */
#define SCAN_MAX  64  /* frames looked at: noise on top is left out */

/* How a program ends itself, not why. */
static const char *const noise[] = {"raise", "gsignal", "abort", "__pthread_kill_implementation",
	"__pthread_kill_internal", "pthread_kill", "__GI_raise", "__GI_abort",
	"__GI___pthread_kill", "__assert_fail", "__assert_fail_base", "__assert_perror_fail",
	"__libc_message", "__fortify_fail", "__stack_chk_fail", "__chk_fail", "malloc_printerr",
	"g_assertion_message", "g_assertion_message_expr", "g_logv", "g_log", "qt_message_fatal",
	"QMessageLogger::fatal", "_ZNK14QMessageLogger5fatalEPKcz", "__cxa_throw",
	"_ZSt9terminatev", "_ZN10__cxxabiv111__terminateEPFvvE", "__cxa_rethrow", "__restore_rt",
	"kill", "__interceptor_abort", "rust_panic", "core::panicking::panic",
	"__GI___assert_fail"};

static bool is_noise(const char *function)
{
	for (size_t i = 0; i < ELEMENTSOF(noise); i++)
		if (streq(function, noise[i]))
			return true;
	return false;
}

/* Clones and versions of one function are one: foo.constprop.0, foo.cold, foo@@V_1. */
static void normalise(char *function)
{
	static const char *const suffixes[] = {
		".constprop", ".isra", ".part", ".cold", ".lto_priv", "@@", "@"};

	for (size_t i = 0; i < ELEMENTSOF(suffixes); i++) {
		char *at = strstr(function, suffixes[i]);
		if (at && at != function)
			*at = '\0';
	}
}

/* One line of a trace into "function", or "module+0xoffset" where the symbol is "n/a". False: no
 * frame. */
static bool parse_frame(const char *line, size_t length, char ret[static FRAME_MAX])
{
	char text[512], function[256], module[128];
	unsigned long long offset = 0;

	if (length >= sizeof text)
		length = sizeof text - 1;
	memcpy(text, line, length);
	text[length] = '\0';
	const char *p = text + strspn(text, " \t");
	if (*p++ != '#' || !isdigit((unsigned char)*p))
		return false;
	p += strspn(p, "0123456789");
	p += strspn(p, " ");
	if (p[0] != '0' || p[1] != 'x')
		return false;
	p += 2;
	p += strspn(p, "0123456789abcdefABCDEF");
	p += strspn(p, " ");
	/* The function's name may hold spaces and brackets (C++): the module is the last "(". */
	const char *open = strrchr(p, '(');
	if (!open || open == p)
		return false;
	size_t n = MIN_OF((size_t)(open - p), sizeof function - 1);
	memcpy(function, p, n);
	function[n] = '\0';
	for (; n > 0 && function[n - 1] == ' '; n--)
		function[n - 1] = '\0';
	if (!streq(function, "n/a") && function[0]) {
		normalise(function);
		(void)snprintf(ret, FRAME_MAX, "%.*s", FRAME_MAX - 1, function);
		return true;
	}
	if (sscanf(open + 1, "%127s + 0x%llx", module, &offset) < 1)
		return false;
	(void)snprintf(ret, FRAME_MAX, "%s+0x%llx", module, offset);
	return true;
}

/* The top frames of the first thread told, which is the one that crashed. */
static size_t top_frames(const char *message, char frames[static CRASH_SIGNATURE_FRAMES][FRAME_MAX])
{
	size_t n = 0, scanned = 0;
	bool started = false;

	for (const char *line = message; line && *line && n < CRASH_SIGNATURE_FRAMES;) {
		size_t length = strcspn(line, "\n");
		char frame[FRAME_MAX];
		if (parse_frame(line, length, frame)) {
			started = true;
			if (++scanned > SCAN_MAX)
				break;
			if (n > 0 || !is_noise(frame))
				memcpy(frames[n++], frame, FRAME_MAX);
		} else if (started) {
			break; /* the next thread's head */
		}
		line += length + (line[length] == '\n');
	}
	return n;
}

/* "ValueError: invalid literal" → "ValueError"; the innermost file and function above it. */
static size_t traceback_frames(
	const char *message, char frames[static CRASH_SIGNATURE_FRAMES][FRAME_MAX])
{
	char where[FRAME_MAX] = "";
	size_t n = 0;

	for (const char *line = message; line && *line;) {
		size_t length = strcspn(line, "\n");
		const char *file = length > 8 && startswith(line, "  File ") ? line + 7 : NULL;
		if (file) /* "FILE", line N, in NAME: the line moves between versions */
			(void)snprintf(where, sizeof where, "%.*s", (int)(length - 7), file);
		else if (isupper((unsigned char)line[0]) && memchr(line, ':', length) && where[0])
			(void)snprintf(frames[0], FRAME_MAX, "%.*s",
				(int)MIN_OF(strcspn(line, ":"), (size_t)FRAME_MAX - 1), line),
				n = 1;
		line += length + (line[length] == '\n');
	}
	char *number = strstr(where, ", line ");
	const char *rest = number ? strchr(number + 7, ',') : NULL;
	if (rest)
		memmove(number, rest, strlen(rest) + 1);
	if (n == 1 && where[0])
		memcpy(frames[n++], where, FRAME_MAX);
	return n;
}

static size_t frames_of(const Crash *crash, char frames[static CRASH_SIGNATURE_FRAMES][FRAME_MAX])
{
	if (!crash->message)
		return 0;
	return crash->kind == CRASH_TRACEBACK ? traceback_frames(crash->message, frames)
					      : top_frames(crash->message, frames);
}

void crash_signature(const Crash *crash, char ret[static CRASH_SIGNATURE_SIZE])
{
	char frames[CRASH_SIGNATURE_FRAMES][FRAME_MAX] = {};
	size_t n = frames_of(crash, frames);
	_cleanup_(strbuf_done) StrBuf text = {};
	const char *program = crash->exe ? crash->exe : crash->comm ? crash->comm : "";

	strbuf_addf(&text, "vigil-signature-1\n%s\n%d\n%d\n", program, (int)crash->kind,
		crash->not_responding ? -1 : crash->signal);
	for (size_t i = 0; i < n; i++)
		strbuf_addf(&text, "%s\n", frames[i]);
	g_autofree char *digest = g_compute_checksum_for_data(
		G_CHECKSUM_SHA256, (const guchar *)strbuf_text(&text), text.length);
	(void)snprintf(ret, CRASH_SIGNATURE_SIZE, "%.16s", digest);
}

char *crash_signature_title(const Crash *crash)
{
	char frames[CRASH_SIGNATURE_FRAMES][FRAME_MAX] = {};
	size_t n = frames_of(crash, frames);
	_cleanup_(strbuf_done) StrBuf text = {};

	for (size_t i = 0; i < n && i < 3; i++)
		strbuf_addf(&text, "%s%s", i ? " < " : "", frames[i]);
	return strbuf_take(&text);
}
