/*
 * json: the door.  What is refused, with its reason; what is accepted; and that what is
 * printed is always good and the same.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/buf.h"
#include "proto/json.h"

#define LENGTH(a)	(sizeof(a) / sizeof((a)[0]))

static void
good_texts_are_read_and_printed(void **state)
{
	static const char *const rows[][2] = {
		{ "{}", "{}" },
		{ " [ ] \r\n\t", "[]" },
		{ "null", "null" },
		{ "[true,false,null]", "[true,false,null]" },
		{ "{\"a\":{\"a\":1},\"b\":{\"a\":2}}", "{\"a\":{\"a\":1},\"b\":{\"a\":2}}" },
		{ "{\"\":0,\"A\":1,\"a\":2}", "{\"\":0,\"A\":1,\"a\":2}" },
		{ "[0,-0,-1,10,1e2,1E+2,1e-2,1.50,-0.5]", "[0,0,-1,10,100,100,0.01,1.5,-0.5]" },
		{ "[9007199254740991,-9007199254740991]", "[9007199254740991,-9007199254740991]" },
		{ "[1795341600000000]", "[1795341600000000]" },
		{ "[0.1,3.141592653589793,1e300]", "[0.1,3.141592653589793,1e+300]" },
		{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\u0008\\u000c\\n\\r\\t\"" },
		{ "\"\\u00e9\\u20AC\\ud83d\\ude00\"", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f\"",
		    "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f\"" },
		{ "\"\\ud7ff\\ue000\xef\xbf\xbf\xf4\x8f\xbf\xbf\"",
		    "\"\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf4\x8f\xbf\xbf\"" },
		{ "{\"\\u0061b\":1,\"\\u0061\":2}", "{\"ab\":1,\"a\":2}" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		const char *why = "untouched";
		struct cJSON *v = json_parse(rows[i][0], strlen(rows[i][0]), &why);
		char *text;

		if (v == NULL)
			fail_msg("refused: %s: %s", rows[i][0], why);
		assert_string_equal(why, "untouched");
		text = json_print(v);
		assert_string_equal(text, rows[i][1]);
		free(text);
		json_free(v);
	}
}

static void
refuse_check(const char *text, size_t length, const char *part)
{
	const char *why = NULL;
	/* A copy of exactly that length lets the sanitizer see a read beyond it. */
	char *copy = memcpy(malloc(length + 1), text, length);
	char *exact = realloc(copy, length > 0 ? length : 1);
	struct cJSON *v = json_parse(exact, length, &why);

	if (v != NULL)
		fail_msg("accepted: %s", text);
	assert_non_null(why);
	if (strstr(why, part) == NULL)
		fail_msg("%s: %s", text, why);
	free(exact);
}

static void
bad_texts_are_refused_with_a_reason(void **state)
{
	static const char *const rows[][2] = {
		{ "", "early" }, { "  ", "early" }, { "{", "name" }, { "[", "early" },
		{ "[1", "end" },
		{ "[1,", "early" }, { "[1,]", "missing" }, { "[,1]", "missing" },
		{ "[1 2]", "end" },
		{ "{\"a\"}", "colon" }, { "{\"a\":}", "missing" }, { "{\"a\":1", "end" },
		{ "{\"a\":1,}", "name" }, { "{a:1}", "name" }, { "{1:1}", "name" },
		{ "{'a':1}", "name" },
		{ "{\"a\" 1}", "colon" }, { "]", "missing" }, { "{}{}", "follows" },
		{ "1 2", "follows" },
		{ "{} x", "follows" }, { "nul", "word" }, { "nulll", "follows" },
		{ "True", "missing" },
		{ "truE", "word" }, { "NaN", "missing" }, { "Infinity", "missing" },
		{ "-Infinity", "number" },
		{ "+1", "missing" }, { "01", "follows" }, { "-01", "follows" }, { "-", "number" },
		{ ".5", "missing" }, { "1.", "number" }, { "1.e5", "number" }, { "1e", "number" },
		{ "1e+", "number" }, { "0x10", "follows" }, { "1e308", "too long" },
		{ "1e400", "too long" },
		{ "1e99999999999", "too long" }, { "100e306", "too long" },
		{ "1111111111222222222233333333334444444444555555555566666666667", "too long" },
		{ "\"", "within a string" }, { "\"a", "within a string" }, { "\"\\", "escape" },
		{ "\"\\\"", "within a string" }, { "\"\\x\"", "escape" }, { "\"\\u12\"", "escape" },
		{ "\"\\u12g4\"", "escape" }, { "\"\\u", "escape" }, { "\"\\u0000\"", "u0000" },
		{ "{\"\\u0000\":1}", "u0000" }, { "\"\n\"", "control" }, { "\"\t\"", "control" },
		{ "\"\x1f\"", "control" }, { "\"\\ud800\"", "surrogate" },
		{ "\"\\udc00\"", "surrogate" },
		{ "\"\\ud800\\ud800\"", "surrogate" }, { "\"\\ud800x\"", "surrogate" },
		{ "\"\\ud800\\n\"", "surrogate" }, { "\"\\udbff\\ue000\"", "surrogate" },
		{ "\"\\ud800\\u00", "surrogate" },
		{ "\"\x80\"", "UTF-8" }, { "\"\xc0\x80\"", "UTF-8" }, { "\"\xc1\xbf\"", "UTF-8" },
		{ "\"\xc3\"", "UTF-8" }, { "\"\xe0\x9f\xbf\"", "UTF-8" },
		{ "\"\xed\xa0\x80\"", "UTF-8" },
		{ "\"\xe2\x82\"", "UTF-8" }, { "\"\xf0\x8f\xbf\xbf\"", "UTF-8" },
		{ "\"\xf4\x90\x80\x80\"", "UTF-8" }, { "\"\xf5\x80\x80\x80\"", "UTF-8" },
		{ "\"\xff\"", "UTF-8" }, { "\"\xe2\x82", "UTF-8" }, { "{\"\xff\":1}", "UTF-8" },
		{ "\xef\xbb\xbf{}", "missing" }, { "/**/{}", "missing" },
		{ "{\"a\":1,\"a\":2}", "twice" }, { "{\"a\":1,\"\\u0061\":2}", "twice" },
		{ "{\"\":1,\"\":1}", "twice" }, { "[{\"x\":{\"b\":1,\"c\":2,\"b\":3}}]", "twice" },
		{ "{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}", "twice" },
		{ "{\"\\u00e9\":1,\"\xc3\xa9\":2}", "twice" },
		{ "{\"\\u20ac\":1,\"\xe2\x82\xac\":2}", "twice" },
		{ "{\"a\\n\":1,\"a\\u000a\":2}", "twice" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++)
		refuse_check(rows[i][0], strlen(rows[i][0]), rows[i][1]);
	refuse_check("{}\0", 3, "follows");
	refuse_check("\"a\0b\"", 5, "control");
	refuse_check("\0", 1, "missing");
}

/* Every beginning of a good text is bad, and none is read beyond. */
static void
every_cut_text_is_refused(void **state)
{
	static const char text[] = "{\"m\":\"\\ud83d\\ude00\xf0\x9f\x98\x80\",\"p\":[true,null,"
	    "{\"\\u00e9\":-1.5e-3}]}";

	(void)state;
	for (size_t n = 0; n < sizeof(text) - 1; n++)
		refuse_check(text, n, "");
}

static void
depth_is_limited(void **state)
{
	struct buf b = { 0 };
	const char *why = NULL;
	struct cJSON *v;

	(void)state;
	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		buf_puts(&b, "[");
	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		buf_puts(&b, "]");
	v = json_parse(buf_bytes(&b), buf_len(&b), &why);
	assert_non_null(v);
	json_free(v);

	buf_reset(&b);
	for (int i = 0; i < 500000; i++)
		buf_puts(&b, i % 2 == 0 ? "[" : "{\"a\":");
	refuse_check(buf_string(&b), buf_len(&b), "deep");
	buf_reset(&b);
	for (int i = 0; i <= JSON_DEPTH_MAX; i++)
		buf_puts(&b, "[");
	refuse_check(buf_string(&b), buf_len(&b), "deep");
	buf_done(&b);
}

static void
members_are_limited_and_unique_in_big_objects(void **state)
{
	const char *why = NULL;

	(void)state;
	for (int n = 1; n <= JSON_MEMBERS_MAX; n = n * 3 + 1) {
		for (int twice = -1; twice < n; twice += n / 7 + 1) {
			struct buf b = { 0 };
			struct cJSON *v;

			for (int i = 0; i < n; i++)
				buf_printf(&b, "%s\"k%d\":%d", i == 0 ? "{" : ",", i, i);
			if (twice >= 0)
				buf_printf(&b, ",\"k%d\":0", twice);
			buf_puts(&b, "}");
			v = json_parse(buf_bytes(&b), buf_len(&b), &why);
			assert_int_equal(v == NULL, twice >= 0);
			json_free(v);
			buf_done(&b);
		}
	}
	struct buf b = { 0 };

	for (int i = 0; i <= JSON_MEMBERS_MAX; i++)
		buf_printf(&b, "%s\"k%d\":%d", i == 0 ? "{" : ",", i, i);
	buf_puts(&b, "}");
	refuse_check(buf_string(&b), buf_len(&b), "too many");
	buf_done(&b);
}

static void
values_are_limited(void **state)
{
	struct buf b = { 0 };
	const char *why = NULL;
	struct cJSON *v;

	(void)state;
	buf_puts(&b, "[0");
	for (size_t i = 2; i < JSON_VALUES_MAX; i++)
		buf_puts(&b, ",0");
	buf_puts(&b, "]");
	v = json_parse(buf_bytes(&b), buf_len(&b), &why);
	assert_non_null(v);
	json_free(v);
	buf_bytes(&b)[buf_len(&b) - 1] = ',';
	buf_puts(&b, "0]");
	refuse_check(buf_string(&b), buf_len(&b), "too many values");
	buf_done(&b);
}

static void
utf8_is_judged_for_every_code_point(void **state)
{
	(void)state;
	for (unsigned u = 1; u < 0x110000; u++) {
		char s[4];
		size_t n = 0;

		if (u < 0x80) {
			s[n++] = (char)u;
		} else if (u < 0x800) {
			s[n++] = (char)(0xc0 | u >> 6);
			s[n++] = (char)(0x80 | (u & 0x3f));
		} else if (u < 0x10000) {
			s[n++] = (char)(0xe0 | u >> 12);
			s[n++] = (char)(0x80 | (u >> 6 & 0x3f));
			s[n++] = (char)(0x80 | (u & 0x3f));
		} else {
			s[n++] = (char)(0xf0 | u >> 18);
			s[n++] = (char)(0x80 | (u >> 12 & 0x3f));
			s[n++] = (char)(0x80 | (u >> 6 & 0x3f));
			s[n++] = (char)(0x80 | (u & 0x3f));
		}
		assert_int_equal(utf8_valid(s, n), u < 0xd800 || u > 0xdfff);
		assert_false(n > 1 && utf8_valid(s, n - 1));
	}
	assert_false(utf8_valid("a\0b", 3));
	assert_true(utf8_valid("", 0));
}

static void
printed_strings_are_always_valid(void **state)
{
	static const char *const rows[][2] = {
		{ "", "\"\"" },
		{ "a\x01\x1f\"\\", "\"a\\u0001\\u001f\\\"\\\\\"" },
		{ "a\xff""b", "\"a\xef\xbf\xbd""b\"" },
		{ "\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xc3\xa9\xc3", "\"\xc3\xa9\xef\xbf\xbd\"" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct buf b = { 0 };

		json_print_string(&b, rows[i][0]);
		assert_string_equal(buf_string(&b), rows[i][1]);
		buf_done(&b);
	}
}

static void
values_are_built_and_asked_for(void **state)
{
	struct cJSON *o = json_object(), *a = json_array();
	char *text;

	(void)state;
	json_set_string(o, "s", "x");
	json_set_string(o, "none", NULL);
	json_set_int(o, "i", 1795341600123456LL);
	json_set_int(o, "max", INT64_MAX);
	json_set_int(o, "min", INT64_MIN);
	json_set_bool(o, "b", 1);
	json_set_double(o, "d", 2.5);
	json_push(a, json_int(7));
	json_push(a, json_string("y"));
	json_set(o, "a", a);
	text = json_print(o);
	assert_string_equal(text, "{\"s\":\"x\",\"i\":1795341600123456,\"max\":9223372036854775807,"
	    "\"min\":-9223372036854775808,\"b\":true,\"d\":2.5,\"a\":[7,\"y\"]}");
	free(text);

	assert_string_equal(json_get_string(o, "s"), "x");
	assert_null(json_get_string(o, "S"));
	assert_null(json_get_string(o, "i"));
	assert_true(json_get_int(o, "i", 0) == 1795341600123456LL);
	assert_true(json_get_int(o, "max", 0) == INT64_MAX);
	assert_true(json_get_int(o, "d", -5) == -5);
	assert_true(json_get_int(o, "s", -5) == -5);
	assert_int_equal(json_get_bool(o, "b", 0), 1);
	assert_int_equal(json_get_bool(o, "x", 1), 1);
	assert_int_equal(json_count(json_get(o, "a")), 2);
	assert_ptr_equal(json_at(a, 1), json_next(json_first(a)));
	assert_null(json_at(a, 2));
	assert_null(json_next(json_at(a, 1)));
	assert_null(json_first(NULL));
	json_free(o);
	json_free(NULL);
}

/* RFC 4648's own examples, and every length both ways. */
static void
base64_is_written_and_read(void **state)
{
	static const char *const rows[][2] = {
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" }, { "\xff\xfe\xfb", "//77" },
	};
	static const char *const bad[] = {
		"Z", "Zg", "Zg=", "Zg==Zg==", "Z===", "====", "Zh==", "Zm9=", "Zm 9", "Zm9v\n",
		"Zm9-",
		"=Zm9", "Zg=a",
	};
	char *text;
	void *bytes;
	size_t n;

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		text = base64_encode(rows[i][0], strlen(rows[i][0]));
		assert_string_equal(text, rows[i][1]);
		assert_int_equal(base64_decode(text, &bytes, &n), 0);
		assert_int_equal(n, strlen(rows[i][0]));
		assert_memory_equal(bytes, rows[i][0], n);
		free(text);
		free(bytes);
	}
	for (size_t i = 0; i < LENGTH(bad); i++)
		assert_int_equal(base64_decode(bad[i], &bytes, &n), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_texts_are_read_and_printed),
		cmocka_unit_test(bad_texts_are_refused_with_a_reason),
		cmocka_unit_test(every_cut_text_is_refused),
		cmocka_unit_test(depth_is_limited),
		cmocka_unit_test(members_are_limited_and_unique_in_big_objects),
		cmocka_unit_test(values_are_limited),
		cmocka_unit_test(utf8_is_judged_for_every_code_point),
		cmocka_unit_test(printed_strings_are_always_valid),
		cmocka_unit_test(values_are_built_and_asked_for),
		cmocka_unit_test(base64_is_written_and_read),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
