/* SPDX-License-Identifier: GPL-2.0-or-later */
/* trace-signature EXE <TRACE: the signature of a crash of EXE with that trace (JSON, as of
 * vigil-unwind), and its title. */
#include "coredump/trace-signature.h"
#include "common/log.h"
#include "common/text.h"

int main(int argc, char **argv)
{
	_cleanup_(json_decrefp) json_t *root = json_loadf(stdin, 0, NULL);
	_cleanup_(trace_donep) Trace trace = {};
	char signature[CRASH_SIGNATURE_SIZE];
	int r;

	log_setup("trace-signature", LOG_INFO);
	if (argc != 2)
		return 2;
	r = trace_from_json(root, &trace);
	const Crash crash = {.exe = argv[1], .signal = trace.signal};
	if (r >= 0)
		r = trace_signature(&trace, &crash, signature);
	if (r < 0)
		return log_error_errno(r, "trace-signature failed: %m") < 0;
	_cleanup_(freep) char *title = trace_signature_title(&trace);
	return printf("%s %s\n", signature, title ? title : "") < 0;
}
