/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Timestamps in the forms that journalctl and coredumpctl take. The parser walks the text once: an
 * optional weekday, a date, a time, an optional zone; whatever is left over makes it invalid. */
#include "common/timestamp.h"

#include "common/i18n.h"
#include "common/text.h"
#include <errno.h>
#include <stdio.h>
#include <time.h>

#define TEXT_MAX 128

static const char *const weekdays[][2] = {{"sun", "sunday"}, {"mon", "monday"}, {"tue", "tuesday"},
	{"wed", "wednesday"}, {"thu", "thursday"}, {"fri", "friday"}, {"sat", "saturday"}};

typedef struct Moment {
	struct tm tm;
	int weekday; /* that was named; -1: none */
	usec_t usec; /* within the second */
	bool zoned;  /* offset_seconds counts, not the local zone */
	long offset_seconds;
} Moment;

static const char *skip_space(const char *s)
{
	return s + strspn(s, " \t");
}

/* Exactly 1 to max digits. NULL: none there, or more. */
static const char *take_digits(const char *s, size_t max, int *ret)
{
	size_t n = strspn(s, "0123456789");

	if (n == 0 || n > max)
		return NULL;
	*ret = 0;
	for (size_t i = 0; i < n; i++)
		*ret = *ret * 10 + (s[i] - '0');
	return s + n;
}

/* ".25" behind whole seconds; what is finer than a microsecond is dropped. */
static const char *take_fraction(const char *s, usec_t *ret)
{
	usec_t unit = USEC_PER_SEC;

	*ret = 0;
	if (*s != '.')
		return s;
	if (strspn(s + 1, "0123456789") == 0)
		return NULL;
	for (s++; *s >= '0' && *s <= '9'; s++) {
		unit /= 10;
		*ret += (usec_t)(*s - '0') * unit;
	}
	return s;
}

static const char *take_weekday(const char *s, Moment *moment)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

	moment->weekday = -1;
	for (int day = 0; day < 7 && n > 0; day++)
		for (int form = 0; form < 2; form++)
			if (strlen(weekdays[day][form]) == n &&
				strncasecmp(weekdays[day][form], s, n) == 0)
				moment->weekday = day;
	return moment->weekday >= 0 ? skip_space(s + n) : s;
}

/* "2026-11-24" or "26-11-24". NULL: no date there. */
static const char *take_date(const char *s, struct tm *tm)
{
	int year, month, day;
	const char *p = take_digits(s, 4, &year);

	if (!p || *p != '-' || !(p = take_digits(p + 1, 2, &month)) || *p != '-' ||
		!(p = take_digits(p + 1, 2, &day)))
		return NULL;
	if (year < 100)
		year += year < 69 ? 2000 : 1900;
	tm->tm_year = year - 1900;
	tm->tm_mon = month - 1;
	tm->tm_mday = day;
	return p;
}

/* "10:00", "10:00:30", "10:00:30.5". NULL: no time there. */
static const char *take_time(const char *s, Moment *moment)
{
	const char *p = take_digits(s, 2, &moment->tm.tm_hour);

	if (!p || *p != ':' || !(p = take_digits(p + 1, 2, &moment->tm.tm_min)))
		return NULL;
	if (*p != ':')
		return p;
	p = take_digits(p + 1, 2, &moment->tm.tm_sec);
	return p ? take_fraction(p, &moment->usec) : NULL;
}

static bool in_range(const struct tm *tm)
{
	return tm->tm_hour <= 23 && tm->tm_min <= 59 && tm->tm_sec <= 60;
}

/* "UTC", "Z", "+01", "+0100", "+01:00". */
static const char *take_zone(const char *s, Moment *moment)
{
	int hours, minutes = 0;

	s = skip_space(s);
	if (*s == 'Z' || startswith(s, "UTC")) {
		moment->zoned = true;
		return s + (*s == 'Z' ? 1 : 3);
	}
	if (*s != '+' && *s != '-')
		return s;
	const char *p = take_digits(s + 1, 4, &hours);
	if (!p)
		return s;
	if (p - s > 3) {
		minutes = hours % 100;
		hours /= 100;
	} else if (*p == ':' && !(p = take_digits(p + 1, 2, &minutes))) {
		return s;
	}
	if (hours > 14 || minutes > 59)
		return s;
	moment->zoned = true;
	moment->offset_seconds = (*s == '-' ? -1 : 1) * (hours * 3600L + minutes * 60L);
	return p;
}

/* mktime(3) and timegm(3) normalise the 31st of February; here it is none. */
static int to_realtime(const Moment *moment, usec_t *ret)
{
	struct tm tm = moment->tm;

	tm.tm_isdst = -1;
	time_t t = moment->zoned ? timegm(&tm) : mktime(&tm);
	if (tm.tm_mday != moment->tm.tm_mday || tm.tm_mon != moment->tm.tm_mon ||
		(moment->weekday >= 0 && tm.tm_wday != moment->weekday))
		return -EINVAL;
	if (moment->zoned)
		t -= moment->offset_seconds;
	if (t < 0)
		return -EINVAL;
	*ret = (usec_t)t * USEC_PER_SEC + moment->usec;
	return 0;
}

static int parse_calendar(const char *s, usec_t now, usec_t *ret)
{
	time_t seconds = (time_t)(now / USEC_PER_SEC);
	Moment moment = {};

	if (!localtime_r(&seconds, &moment.tm))
		return -EINVAL;
	moment.tm.tm_hour = moment.tm.tm_min = moment.tm.tm_sec = 0;
	s = take_weekday(s, &moment);
	const char *behind = take_date(s, &moment.tm);
	bool dated = behind;
	if (dated)
		s = *behind == 'T' && take_time(behind + 1, &moment) ? behind + 1
								     : skip_space(behind);
	else if (moment.weekday >= 0)
		return -EINVAL;
	behind = take_time(s, &moment);
	if (!behind && !dated)
		return -EINVAL;
	s = skip_space(take_zone(behind ? behind : s, &moment));
	if (*s || !in_range(&moment.tm))
		return -EINVAL;
	return to_realtime(&moment, ret);
}

static int parse_epoch(const char *s, usec_t *ret)
{
	uint64_t seconds;
	usec_t usec;

	if (parse_u64_prefix(s, &s, &seconds) < 0 || seconds > INT64_MAX / USEC_PER_SEC)
		return -EINVAL;
	s = take_fraction(s, &usec);
	if (!s || *s)
		return -EINVAL;
	*ret = seconds * USEC_PER_SEC + usec;
	return 0;
}

static int shifted(const char *span_text, bool back, usec_t now, usec_t *ret)
{
	usec_t span;

	if (parse_span(span_text, &span) < 0 || (back && span > now) ||
		(!back && span > USEC_INFINITY / 2 - now))
		return -EINVAL;
	*ret = back ? now - span : now + span;
	return 0;
}

/* "2h ago", "1d left". 1: it was such a form. */
static int parse_spoken(const char *s, usec_t now, usec_t *ret)
{
	const char *end = endswith(s, " ago");
	bool back = end;
	char span[TEXT_MAX];

	if (!end)
		end = endswith(s, " left");
	if (!end)
		return 0;
	(void)snprintf(span, sizeof span, "%.*s", (int)(end - s), s);
	return shifted(span, back, now, ret) < 0 ? -EINVAL : 1;
}

static int parse_day(int days, usec_t now, usec_t *ret)
{
	time_t seconds = (time_t)(now / USEC_PER_SEC);
	struct tm tm;

	if (!localtime_r(&seconds, &tm))
		return -EINVAL;
	tm.tm_mday += days;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_isdst = -1;
	time_t t = mktime(&tm);
	if (t < 0)
		return -EINVAL;
	*ret = (usec_t)t * USEC_PER_SEC;
	return 0;
}

int parse_timestamp(const char *text, usec_t now_realtime, usec_t *ret_realtime)
{
	char trimmed[TEXT_MAX];
	int r;

	text = skip_space(text);
	size_t n = strlen(text);
	if (n == 0 || n >= sizeof trimmed)
		return -EINVAL;
	memcpy(trimmed, text, n + 1);
	while (n > 0 && strchr(" \t", trimmed[n - 1]))
		trimmed[--n] = '\0';

	if (streq(trimmed, "now")) {
		*ret_realtime = now_realtime;
		return 0;
	}
	if (streq(trimmed, "today") || streq(trimmed, "yesterday") || streq(trimmed, "tomorrow"))
		return parse_day(trimmed[0] == 'y'   ? -1
				 : trimmed[2] == 'm' ? 1
						     : 0,
			now_realtime, ret_realtime);
	if (trimmed[0] == '@')
		return parse_epoch(trimmed + 1, ret_realtime);
	if (trimmed[0] == '-' || trimmed[0] == '+')
		return shifted(trimmed + 1, trimmed[0] == '-', now_realtime, ret_realtime);
	r = parse_spoken(trimmed, now_realtime, ret_realtime);
	return r != 0 ? MIN_OF(r, 0) : parse_calendar(trimmed, now_realtime, ret_realtime);
}

static char *put_digits(char *p, int value, int digits)
{
	for (int i = digits - 1; i >= 0; i--, value /= 10)
		p[i] = (char)('0' + value % 10);
	return p + digits;
}

/* "2026-11-24 10:00[:30]", by hand: strftime(3) is what a list of thousands spends its time on. */
static void put_time(const struct tm *tm, bool seconds, char buf[static 64])
{
	char *p = put_digits(buf, tm->tm_year + 1900, 4);

	*p = '-';
	p = put_digits(p + 1, tm->tm_mon + 1, 2);
	*p = '-';
	p = put_digits(p + 1, tm->tm_mday, 2);
	*p = ' ';
	p = put_digits(p + 1, tm->tm_hour, 2);
	*p = ':';
	p = put_digits(p + 1, tm->tm_min, 2);
	if (seconds) {
		*p = ':';
		p = put_digits(p + 1, tm->tm_sec, 2);
	}
	*p = '\0';
}

const char *format_timestamp(usec_t realtime, TimestampForm form, char buf[static 64])
{
	time_t seconds = (time_t)(realtime / USEC_PER_SEC);
	struct tm tm;

	if (realtime == 0 || !localtime_r(&seconds, &tm) || tm.tm_year > 9999 - 1900)
		(void)snprintf(buf, 64, "-");
	else if (form != TIMESTAMP_FULL)
		put_time(&tm, form == TIMESTAMP_SECONDS, buf);
	else if (strftime(buf, 64, "%a %Y-%m-%d %H:%M:%S %Z", &tm) == 0)
		(void)snprintf(buf, 64, "-");
	return buf;
}

const char *format_relative(usec_t realtime, usec_t now_realtime, char buf[static 64])
{
	bool past = realtime <= now_realtime;
	char span[32];

	usec_t distance = past ? now_realtime - realtime : realtime - now_realtime;
	if (distance < USEC_PER_SEC)
		(void)snprintf(buf, 64, "%s", _("now"));
	else
		(void)snprintf(
			buf, 64, past ? _("%s ago") : _("in %s"), format_span(distance, span));
	return buf;
}
