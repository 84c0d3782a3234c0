/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON out of foreign text: whatever the bytes are, what comes out is valid. */
#include "common/json.h"

#include "common/strbuf.h"
#include <string.h>

/* Copies text, each byte that jansson refuses (it demands UTF-8) replaced by U+FFFD. */
static json_t *repaired(const char *data, size_t length)
{
	_cleanup_(strbuf_done) StrBuf out = {};

	for (size_t i = 0; i < length;) {
		size_t n = 0;
		for (size_t take = 1; take <= 4 && i + take <= length && !n; take++) {
			json_t *probe = json_stringn(data + i, take);
			if (probe)
				n = take;
			json_decref(probe);
		}
		if (n)
			strbuf_add_n(&out, data + i, n);
		else
			strbuf_add(&out, "\xef\xbf\xbd");
		i += n ? n : 1;
	}
	return json_stringn(strbuf_text(&out), out.length);
}

json_t *json_text(const char *data, size_t length)
{
	json_t *plain = json_stringn(data, length);
	return plain ? plain : repaired(data, length);
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
