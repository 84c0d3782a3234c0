/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A trace as a value: emptied, and asked for what everyone asks for. */
#include "coredump/trace.h"

#include <string.h>

static void frame_done(TraceFrame *frame)
{
	free(frame->symbol);
	free(frame->function);
	free(frame->file);
}

static void thread_done(TraceThread *thread)
{
	for (size_t i = 0; i < thread->n_frames; i++)
		frame_done(&thread->frames[i]);
	free(thread->frames);
	free(thread->name);
	free(thread->error);
}

static void module_done(TraceModule *module)
{
	free(module->path);
	free(module->debug_file);
	free(module->package);
	free(module->version);
}

void trace_done(Trace *trace)
{
	for (size_t i = 0; i < trace->n_threads; i++)
		thread_done(&trace->threads[i]);
	for (size_t i = 0; i < trace->n_modules; i++)
		module_done(&trace->modules[i]);
	free(trace->threads);
	free(trace->modules);
	free(trace->partial);
	*trace = (Trace){};
}

const TraceThread *trace_crashed(const Trace *trace)
{
	for (size_t i = 0; i < trace->n_threads; i++)
		if (trace->threads[i].crashed)
			return &trace->threads[i];
	return NULL;
}

const char *trace_module_name(const Trace *trace, int module)
{
	const char *path = module < 0 || (size_t)module >= trace->n_modules
				   ? NULL
				   : trace->modules[module].path;
	const char *slash = path ? strrchr(path, '/') : NULL;

	if (slash && slash[1])
		return slash + 1;
	return path && *path ? path : "?";
}
