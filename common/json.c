/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON out of foreign text: whatever the bytes are, what comes out is valid. */
#include "common/json.h"

#include "common/strbuf.h"
#include "common/text.h"
#include <string.h>

/* JSON may hold noncharacters, but what it is made for goes over D-Bus, too.
 * The length of the good code point at data; 0: none stands there. *ret_bytes: how many to pass. */
static size_t good_bytes(const char *data, size_t length, size_t *ret_bytes)
{
	uint32_t c;
	size_t n = decode_utf8((const unsigned char *)data, length, &c);

	*ret_bytes = MAX_OF(n, (size_t)1);
	return n && !is_noncharacter(c) ? n : 0;
}

static bool is_good(const char *data, size_t length)
{
	for (size_t i = 0, n; i < length; i += n)
		if (!good_bytes(data + i, length - i, &n))
			return false;
	return true;
}

/* Copies text, each byte or code point that will not do replaced by U+FFFD. */
static json_t *repaired(const char *data, size_t length)
{
	_cleanup_(strbuf_done) StrBuf out = {};

	for (size_t i = 0, n; i < length; i += n) {
		size_t good = good_bytes(data + i, length - i, &n);
		if (good)
			strbuf_add_n(&out, data + i, good);
		else
			strbuf_add(&out, "\xef\xbf\xbd");
	}
	return out.failed ? NULL : json_stringn(strbuf_text(&out), out.length);
}

json_t *json_text(const char *data, size_t length)
{
	return is_good(data, length) ? json_stringn(data, length) : repaired(data, length);
}

void json_add_string(json_t *object, const char *key, const char *value)
{
	if (value)
		(void)json_object_set_new(object, key, json_text(value, strlen(value)));
}

void json_add_u64(json_t *object, const char *key, uint64_t value)
{
	(void)json_object_set_new(
		object, key, json_integer((json_int_t)MIN_OF(value, (uint64_t)INT64_MAX)));
}

void json_add_bool(json_t *object, const char *key, bool value)
{
	(void)json_object_set_new(object, key, json_boolean(value));
}
