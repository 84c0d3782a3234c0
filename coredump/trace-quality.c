/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rating of a trace: each frame's points, those nearer to the crash weighing more. */
#include "coredump/trace-quality.h"

#include "common/i18n.h"
#include "coredump/frame-list.h"
#include "coredump/trace-lacking.h"

#define COUNTED_FRAMES 16   /* those farther out say who called whom, not what broke */
#define WEIGHT	       1000 /* of the first; of the n-th its n-th part */

/* Of 100. A name out of .dynsym may be that of the function in front: what is not exported has
 * none. */
#define POINTS_LINE	100
#define POINTS_NAME	60
#define POINTS_EXPORTED 40

/* Ratings begin here, in percent. */
static const unsigned thresholds[RATING_MAX] = {
	[RATING_USELESS] = 0,
	[RATING_MAY_HELP] = 40,
	[RATING_PROBABLY_USEFUL] = 70,
	[RATING_USEFUL] = 90,
};

/* Nobody needs the lines of the C library. */
static unsigned points(const Trace *trace, const TraceFrame *frame, const FrameKey *key)
{
	if (!key->named)
		return 0;
	if ((frame->file && frame->line) || key->class == FRAME_LIBRARY)
		return POINTS_LINE;
	return frame->module >= 0 && trace->modules[frame->module].symbols == SYMBOLS_EXPORTED
		       ? POINTS_EXPORTED
		       : POINTS_NAME;
}

static TraceRating rate(unsigned percent)
{
	TraceRating rating = RATING_USELESS;

	while (rating + 1 < RATING_MAX && percent >= thresholds[rating + 1])
		rating++;
	return rating;
}

static void count(const TraceFrame *frame, const FrameKey *key, TraceQuality *quality)
{
	quality->n_frames++;
	quality->n_named += key->named;
	quality->n_lines += key->named && frame->file && frame->line;
}

void trace_quality(const Trace *trace, TraceQuality *ret)
{
	_cleanup_(frame_list_donep) FrameList list = {};
	unsigned sum = 0, weights = 0, first_points = 0, n = 0;

	*ret = (TraceQuality){};
	if (frame_list_from_trace(trace, &list) < 0)
		return;
	const TraceThread *thread = trace_crashed(trace);
	for (size_t i = frame_list_first(&list); i < list.n; i++) {
		const FrameKey *key = &list.keys[i];
		if (trace_frame_is_nowhere(thread, i) || key->signal ||
			(key->class == FRAME_START && ret->n_frames > 0))
			continue;
		count(&thread->frames[i], key, ret);
		if (n >= COUNTED_FRAMES)
			continue;
		unsigned value = points(trace, &thread->frames[i], key), weight = WEIGHT / ++n;
		first_points = n == 1 ? value : first_points;
		sum += value * weight;
		weights += weight;
	}
	/* Where unwinding broke off, the next one is missing. */
	if (!thread->complete && n < COUNTED_FRAMES)
		weights += WEIGHT / (n + 1);
	ret->rating = rate(weights ? sum / weights : 0);
	if (first_points == 0)
		ret->rating = MIN_OF(ret->rating, RATING_MAY_HELP);
	for (size_t i = 0; i < trace->n_modules; i++)
		ret->n_lacking += trace_module_lacks(trace, &list, i);
}

const char *trace_rating_to_string(TraceRating rating)
{
	static const char *const words[RATING_MAX] = {
		[RATING_USELESS] = "useless",
		[RATING_MAY_HELP] = "may-help",
		[RATING_PROBABLY_USEFUL] = "probably-useful",
		[RATING_USEFUL] = "useful",
	};

	return (unsigned)rating < RATING_MAX ? words[rating] : NULL;
}

const char *trace_rating_words(TraceRating rating)
{
	static const char *const words[RATING_MAX] = {
		[RATING_USELESS] = N_("useless"),
		[RATING_MAY_HELP] = N_("may help"),
		[RATING_PROBABLY_USEFUL] = N_("probably useful"),
		[RATING_USEFUL] = N_("useful"),
	};

	return (unsigned)rating < RATING_MAX ? words[rating] : NULL;
}
