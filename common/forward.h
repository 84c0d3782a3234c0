/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The types that nearly every header needs, and nothing else. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A point in time or a span in microseconds; which clock, the name says (…_realtime, …_monotonic).
 */
typedef uint64_t usec_t;
#define USEC_PER_SEC	((usec_t)1000000)
#define USEC_PER_MSEC	((usec_t)1000)
#define USEC_PER_MINUTE (60 * USEC_PER_SEC)
#define USEC_INFINITY	((usec_t)UINT64_MAX)

#define ELEMENTSOF(a)		  (sizeof(a) / sizeof((a)[0]))
#define MIN_OF(a, b)		  ((a) < (b) ? (a) : (b))
#define MAX_OF(a, b)		  ((a) > (b) ? (a) : (b))
#define PRINTF_FORMAT(fmt, first) __attribute__((format(printf, fmt, first)))
