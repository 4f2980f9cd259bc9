/*
 * fields: each type of row, each error with its path, and the way there and back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/buf.h"
#include "proto/fields.h"
#include "proto/json.h"
#include "proto/when.h"

#define LENGTH(a)	(sizeof(a) / sizeof((a)[0]))

enum color { RED, GREEN, BLUE };

static const char *const color_names[] = { "red", "green", "blue", NULL };

struct leaf {
	char	*text;
	int64_t	 number;
};

struct tree {
	bool		 flag;
	bool		 always;
	int64_t		 number;
	int64_t		 limited;
	usec_t		 wait;
	int64_t		 code;
	char		*text;
	char		*shorty;
	int		 color;
	int		 shade;
	instant		 at;
	struct strings	 words;
	struct leaf	*leaf;
	struct structs	 leaves;
	struct cJSON	*any;
	int64_t		 told;
};

#define AT(T, n, member) .name = (n), .offset = offsetof(struct T, member)

static const struct field leaf_fields[] = {
	{ AT(leaf, "text", text), .type = FIELD_STRING, .flags = FIELD_REQUIRED },
	{ AT(leaf, "number", number), .type = FIELD_INT },
	{ .type = FIELD_END },
};

static const struct field tree_fields[] = {
	{ AT(tree, "flag", flag), .type = FIELD_BOOL },
	{ AT(tree, "always", always), .type = FIELD_BOOL, .flags = FIELD_ALWAYS },
	{ AT(tree, "number", number), .type = FIELD_INT },
	{ AT(tree, "limited", limited), .type = FIELD_INT, .min = -3, .max = 5 },
	{ AT(tree, "waitUSec", wait), .type = FIELD_INT, .min = 100 * USEC_MSEC, .max = USEC_HOUR },
	{ AT(tree, "code", code), .type = FIELD_INT, .flags = FIELD_ABSENT_MINUS_ONE },
	{ AT(tree, "text", text), .type = FIELD_STRING },
	{ AT(tree, "shorty", shorty), .type = FIELD_STRING, .max = 4 },
	{ AT(tree, "color", color), .type = FIELD_ENUM, .names = color_names },
	{ AT(tree, "shade", shade), .type = FIELD_ENUM, .flags = FIELD_ABSENT_MINUS_ONE,
	  .names = color_names },
	{ AT(tree, "at", at), .type = FIELD_INSTANT },
	{ AT(tree, "words", words), .type = FIELD_STRINGS, .max = 3 },
	{ AT(tree, "leaf", leaf), .type = FIELD_STRUCT, .sub = leaf_fields,
	    .size = sizeof(struct leaf) },
	{ AT(tree, "leaves", leaves), .type = FIELD_STRUCTS, .sub = leaf_fields,
	  .size = sizeof(struct leaf), .max = 3 },
	{ AT(tree, "any", any), .type = FIELD_JSON },
	{ AT(tree, "told", told), .type = FIELD_INT, .flags = FIELD_READ_ONLY },
	{ .type = FIELD_END },
};

static struct cJSON *
parse(const char *text)
{
	const char *why = "";
	struct cJSON *v = json_parse(text, strlen(text), &why);

	if (v == NULL)
		fail_msg("%s: %s", text, why);
	return v;
}

static void
zero_check(const struct tree *t)
{
	static const struct tree zero;

	assert_memory_equal(t, &zero, sizeof(zero));
}

/* Read text, and compare what is written from it. */
static void
there_and_back(const char *text, const char *expected)
{
	struct cJSON *v = parse(text), *w;
	struct field_error error;
	struct tree t = { 0 };
	char *back;

	if (fields_read(v, tree_fields, &t, &error) != JOBD_OK)
		fail_msg("%s: %s %s", text, error.path, error.reason);
	w = fields_write(tree_fields, &t);
	back = json_print(w);
	assert_string_equal(back, expected);
	free(back);
	json_free(w);
	json_free(v);
	fields_done(tree_fields, &t);
	fields_done(tree_fields, &t);
}

static void
every_type_goes_there_and_back(void **state)
{
	static const char all[] =
	    "{\"flag\":true,\"always\":true,\"number\":-7,\"limited\":5,\"waitUSec\":100000,"
	    "\"code\":0,"
	    "\"text\":\"x\",\"shorty\":\"abcd\",\"color\":\"blue\",\"shade\":\"red\","
	    "\"at\":\"2026-11-22T10:00:00.000000Z\",\"words\":[\"\",\"b\",\"c\"],"
	    "\"leaf\":{\"text\":\"l\",\"number\":1},\"leaves\":[{\"text\":\"\"},{\"text\":\"m\","
	    "\"number\":2}],"
	    "\"any\":{\"x\":[1,null]}}";

	(void)state;
	there_and_back(all, all);
	there_and_back("{}", "{\"always\":false}");
	there_and_back("{\"at\":\"2026-11-22T11:00+01:00\"}",
	    "{\"always\":false,\"at\":\"2026-11-22T10:00:00.000000Z\"}");
	there_and_back("{\"number\":9007199254740991}",
	    "{\"always\":false,\"number\":9007199254740991}");
	there_and_back("{\"number\":-9007199254740991}",
	    "{\"always\":false,\"number\":-9007199254740991}");
	there_and_back("{\"number\":1e3}", "{\"always\":false,\"number\":1000}");
	there_and_back("{\"limited\":-3}", "{\"always\":false,\"limited\":-3}");
}

static void
null_is_absent(void **state)
{
	(void)state;
	there_and_back("{\"flag\":null,\"number\":null,\"code\":null,\"text\":null,"
	    "\"color\":null,\"shade\":null,"
	    "\"at\":null,\"words\":null,\"leaf\":null,\"leaves\":null,\"any\":null}",
	    "{\"always\":false}");
}

static void
minus_one_is_absent_where_it_is_said(void **state)
{
	struct cJSON *v = parse("{}");
	struct tree t = { 0 };

	(void)state;
	assert_int_equal(fields_read(v, tree_fields, &t, NULL), JOBD_OK);
	assert_int_equal(t.code, -1);
	assert_int_equal(t.shade, -1);
	assert_int_equal(t.color, RED);
	json_free(v);
	fields_done(tree_fields, &t);
	zero_check(&t);
}

static void
each_error_names_its_place(void **state)
{
	static const struct {
		const char	*text;
		enum jobd_error	 why;
		const char	*path;
		const char	*reason;
	} rows[] = {
		{ "7", JOBD_INVALID_PARAMETER, "", "object" },
		{ "[]", JOBD_INVALID_PARAMETER, "", "object" },
		{ "{\"x\":1}", JOBD_INVALID_PARAMETER, "x", "not known" },
		{ "{\"Flag\":true}", JOBD_INVALID_PARAMETER, "Flag", "not known" },
		{ "{\"x\":null}", JOBD_INVALID_PARAMETER, "x", "not known" },
		{ "{\"told\":1}", JOBD_INVALID_PARAMETER, "told", "not known" },
		{ "{\"flag\":1}", JOBD_INVALID_PARAMETER, "flag", "true or false" },
		{ "{\"number\":\"1\"}", JOBD_INVALID_PARAMETER, "number", "number" },
		{ "{\"number\":1.5}", JOBD_INVALID_PARAMETER, "number", "whole" },
		{ "{\"number\":9007199254740992}", JOBD_INVALID_FIELD, "number", "2^53" },
		{ "{\"number\":9007199254740993}", JOBD_INVALID_FIELD, "number", "2^53" },
		{ "{\"number\":-9007199254740993}", JOBD_INVALID_FIELD, "number", "2^53" },
		{ "{\"number\":1e300}", JOBD_INVALID_FIELD, "number", "2^53" },
		{ "{\"limited\":6}", JOBD_INVALID_FIELD, "limited", "from -3 to 5" },
		{ "{\"limited\":-4}", JOBD_INVALID_FIELD, "limited", "from -3 to 5" },
		{ "{\"waitUSec\":0}", JOBD_INVALID_FIELD, "waitUSec", "from 100ms to 1h" },
		{ "{\"text\":[]}", JOBD_INVALID_PARAMETER, "text", "string" },
		{ "{\"shorty\":\"abcde\"}", JOBD_INVALID_FIELD, "shorty", "4 bytes" },
		{ "{\"color\":2}", JOBD_INVALID_PARAMETER, "color", "word" },
		{ "{\"color\":\"Red\"}", JOBD_INVALID_FIELD, "color", "red, green, blue" },
		{ "{\"at\":7}", JOBD_INVALID_PARAMETER, "at", "string" },
		{ "{\"at\":\"noon\"}", JOBD_INVALID_FIELD, "at", "instant" },
		{ "{\"at\":\"1970-01-01T00:00Z\"}", JOBD_INVALID_FIELD, "at", "1970" },
		{ "{\"words\":\"a\"}", JOBD_INVALID_PARAMETER, "words", "array" },
		{ "{\"words\":[\"a\",\"b\",7]}", JOBD_INVALID_PARAMETER, "words[2]", "string" },
		{ "{\"words\":[null]}", JOBD_INVALID_PARAMETER, "words[0]", "string" },
		{ "{\"words\":[\"\",\"\",\"\",\"\"]}", JOBD_INVALID_FIELD, "words", "3 elements" },
		{ "{\"leaf\":[]}", JOBD_INVALID_PARAMETER, "leaf", "object" },
		{ "{\"leaf\":{}}", JOBD_INVALID_PARAMETER, "leaf.text", "missing" },
		{ "{\"leaf\":{\"text\":null}}", JOBD_INVALID_PARAMETER, "leaf.text", "missing" },
		{ "{\"leaf\":{\"text\":\"\",\"x\":1}}", JOBD_INVALID_PARAMETER, "leaf.x",
		    "not known" },
		{ "{\"leaves\":{}}", JOBD_INVALID_PARAMETER, "leaves", "array" },
		{ "{\"leaves\":[{\"text\":\"a\"},7]}", JOBD_INVALID_PARAMETER, "leaves[1]",
		    "object" },
		{ "{\"leaves\":[{\"text\":\"a\"},{\"text\":\"b\"},{\"number\":1}]}",
		    JOBD_INVALID_PARAMETER,
		    "leaves[2].text", "missing" },
		{ "{\"leaves\":[{\"text\":\"a\"},{\"number\":\"x\"}]}", JOBD_INVALID_PARAMETER,
		    "leaves[1].number", "number" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct cJSON *v = parse(rows[i].text);
		struct field_error error;
		struct tree t = { 0 };

		assert_int_equal(fields_read(v, tree_fields, &t, &error), rows[i].why);
		assert_int_equal(error.why, rows[i].why);
		assert_string_equal(error.path, rows[i].path);
		if (strstr(error.reason, rows[i].reason) == NULL)
			fail_msg("%s: %s", rows[i].text, error.reason);
		zero_check(&t);
		assert_int_equal(fields_read(v, tree_fields, &t, NULL), rows[i].why);
		zero_check(&t);
		json_free(v);
	}
}

static void
a_long_name_is_cut_in_the_path(void **state)
{
	struct field_error error;
	struct tree t = { 0 };
	struct buf b = { 0 };
	struct cJSON *v;

	(void)state;
	buf_puts(&b, "{\"leaves\":[{\"");
	for (int i = 0; i < 1000; i++)
		buf_puts(&b, "x");
	buf_puts(&b, "\":1}]}");
	v = parse(buf_string(&b));
	assert_int_equal(fields_read(v, tree_fields, &t, &error), JOBD_INVALID_PARAMETER);
	assert_int_equal(strlen(error.path), sizeof(error.path) - 1);
	assert_memory_equal(error.path, "leaves[0].xxxx", 14);
	json_free(v);
	buf_done(&b);
}

static void
replies_are_read_laxly(void **state)
{
	struct cJSON *v = parse("{\"future\":{},\"color\":\"mauve\",\"limited\":99,\"told\":3,"
	    "\"shorty\":\"abcdefg\",\"words\":[\"1\",\"2\",\"3\",\"4\"],"
	    "\"at\":\"1970-01-01T00:00:00Z\","
	    "\"leaf\":{\"text\":\"\",\"new\":1}}");
	struct cJSON *bad = parse("{\"leaf\":{\"text\":7}}");
	struct field_error error;
	struct tree t = { 0 };

	(void)state;
	assert_int_equal(fields_read_lax(v, tree_fields, &t, &error), JOBD_OK);
	assert_int_equal(t.color, -1);
	assert_string_equal(field_enum_word(color_names, t.color), "unknown");
	assert_int_equal(t.limited, 99);
	assert_int_equal(t.told, 3);
	assert_int_equal(t.words.n, 4);
	assert_string_equal(t.shorty, "abcdefg");
	fields_done(tree_fields, &t);
	zero_check(&t);
	assert_int_equal(fields_read_lax(bad, tree_fields, &t, &error), JOBD_INVALID_PARAMETER);
	assert_string_equal(error.path, "leaf.text");
	zero_check(&t);
	json_free(v);
	json_free(bad);
}

static void
required_fields_are_written_when_zero(void **state)
{
	struct leaf l = { 0 };
	struct cJSON *v = fields_write(leaf_fields, &l);
	char *text = json_print(v);

	(void)state;
	assert_string_equal(text, "{\"text\":\"\"}");
	free(text);
	json_free(v);
}

static void
words_are_found(void **state)
{
	(void)state;
	assert_int_equal(field_enum_find(color_names, "green"), GREEN);
	assert_int_equal(field_enum_find(color_names, ""), -1);
	assert_int_equal(field_enum_find(color_names, "greenish"), -1);
	assert_string_equal(field_enum_word(color_names, BLUE), "blue");
	assert_string_equal(field_enum_word(color_names, 3), "unknown");
	assert_string_equal(field_enum_word(color_names, 300), "unknown");
}

static void
strings_grow_after_reading(void **state)
{
	struct cJSON *v = parse("{\"words\":[\"a\",\"b\",\"c\"]}");
	struct tree t = { 0 };

	(void)state;
	assert_int_equal(fields_read(v, tree_fields, &t, NULL), JOBD_OK);
	for (int i = 0; i < 100; i++)
		strings_add(&t.words, "more");
	assert_int_equal(t.words.n, 103);
	assert_string_equal(t.words.items[2], "c");
	assert_string_equal(t.words.items[102], "more");
	fields_done(tree_fields, &t);
	json_free(v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_goes_there_and_back),
		cmocka_unit_test(null_is_absent),
		cmocka_unit_test(minus_one_is_absent_where_it_is_said),
		cmocka_unit_test(each_error_names_its_place),
		cmocka_unit_test(a_long_name_is_cut_in_the_path),
		cmocka_unit_test(replies_are_read_laxly),
		cmocka_unit_test(required_fields_are_written_when_zero),
		cmocka_unit_test(words_are_found),
		cmocka_unit_test(strings_grow_after_reading),
	};

	return cmocka_run_group_tests_name("fields", tests, NULL, NULL);
}
