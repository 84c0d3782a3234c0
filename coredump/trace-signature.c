/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signatures out of traces. */
#include "coredump/trace-signature.h"

#include "coredump/frame-list.h"

int trace_signature(const Trace *trace, const Crash *crash, char ret[static CRASH_SIGNATURE_SIZE])
{
	_cleanup_(frame_list_donep) FrameList list = {};
	int r;

	r = frame_list_from_trace(trace, &list);
	if (r < 0)
		return r;
	frame_list_reduce(&list);
	frame_list_signature(&list, crash, ret);
	return 0;
}

char *trace_signature_title(const Trace *trace)
{
	_cleanup_(frame_list_donep) FrameList list = {};
	int r;

	r = frame_list_from_trace(trace, &list);
	frame_list_reduce(&list);
	return r == -ENOMEM ? NULL : frame_list_title(&list);
}
