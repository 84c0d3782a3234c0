/* SPDX-License-Identifier: GPL-2.0-or-later */
/* common/json: valid JSON out of any bytes. */
#include "common/json.h"

#include "tests/unit/test.h"

#define BAD "\xef\xbf\xbd"

static void bytes_that_are_no_text_are_replaced(void **state)
{
	static const struct {
		const char *text;
		const char *expected;
	} rows[] = {
		{"", ""},
		{"plain", "plain"},
		{"äöü 日本 😀", "äöü 日本 😀"},
		{"\xff", BAD},
		{"a\xff\xfe"
		 "b",
			"a" BAD BAD "b"},
		{"cut \xe2\x82", "cut " BAD BAD},
		{"\xc0\xaf", BAD BAD},		       /* overlong */
		{"\xed\xa0\x80", BAD BAD BAD},	       /* a surrogate */
		{"\xf4\x90\x80\x80", BAD BAD BAD BAD}, /* beyond Unicode */
		/* noncharacters: JSON would have them, sd-bus refuses the message that holds one */
		{"a\xef\xbf\xbe", "a" BAD},
		{"\xef\xbf\xbf-", BAD "-"},
		{"\xef\xb7\x90\xef\xb7\xaf", BAD BAD},
		{"\xf4\x8f\xbf\xbf", BAD},
		{"\xef\xb7\xb0\xef\xbf\xbd", "\xef\xb7\xb0" BAD},
		{"ok\xff"
		 "ä",
			"ok" BAD "ä"},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(json_decrefp) json_t *json =
			json_text(rows[i].text, strlen(rows[i].text));
		assert_non_null(json);
		assert_string_equal(json_string_value(json), rows[i].expected);
		_cleanup_(freep) char *text = json_dumps(json, JSON_ENCODE_ANY);
		_cleanup_(json_decrefp) json_t *again = json_loads(text, JSON_DECODE_ANY, NULL);
		assert_true(json_equal(json, again));
	}
	_cleanup_(json_decrefp) json_t *nul = json_text("a\0b", 3);
	assert_int_equal(json_string_length(nul), 3);
}

static void setters_take_what_comes(void **state)
{
	_cleanup_(json_decrefp) json_t *object = json_object();

	(void)state;
	json_add_string(object, "left out", NULL);
	json_add_string(object, "bad", "\xff");
	json_add_string(object, "bad", "twice: the last one stays");
	json_add_u64(object, "most", UINT64_MAX);
	json_add_bool(object, "yes", true);
	assert_int_equal(json_object_size(object), 3);
	assert_int_equal(json_integer_value(json_object_get(object, "most")), INT64_MAX);
	assert_true(json_is_true(json_object_get(object, "yes")));
	assert_string_equal(
		json_string_value(json_object_get(object, "bad")), "twice: the last one stays");
	json_add_string(NULL, "x", "no object, no harm");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_that_are_no_text_are_replaced),
		cmocka_unit_test(setters_take_what_comes),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
