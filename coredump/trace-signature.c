/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signatures out of traces. */
#include "coredump/trace-signature.h"

#include "coredump/frame-list.h"

/* Of the crashed thread, reduced. -ENODATA: it has none. */
static int frames_of(const Trace *trace, FrameList *list)
{
	const TraceThread *thread = trace_crashed(trace);
	int r;

	if (!thread || thread->n_frames == 0)
		return -ENODATA;
	for (size_t i = 0; i < thread->n_frames; i++) {
		const TraceFrame *frame = &thread->frames[i];
		bool known = frame->module >= 0;
		r = frame_list_add(list,
			&(FrameFacts){
				.function = frame->function ? frame->function : frame->symbol,
				.module = known ? trace_module_name(trace, frame->module) : NULL,
				.build_id = known ? trace->modules[frame->module].build_id : NULL,
				.offset = frame->offset,
				.signal = frame->signal,
			});
		if (r < 0)
			return r;
	}
	list->sent = trace->has_code && trace->code <= 0;
	list->left_at = thread->n_left ? thread->left_at : 0;
	frame_list_reduce(list);
	return 0;
}

int trace_signature(const Trace *trace, const Crash *crash, char ret[static CRASH_SIGNATURE_SIZE])
{
	_cleanup_(frame_list_donep) FrameList list = {};
	int r;

	r = frames_of(trace, &list);
	if (r < 0)
		return r;
	frame_list_signature(&list, crash, ret);
	return 0;
}

char *trace_signature_title(const Trace *trace)
{
	_cleanup_(frame_list_donep) FrameList list = {};
	int r;

	r = frames_of(trace, &list);
	return r == -ENOMEM ? NULL : frame_list_title(&list);
}
