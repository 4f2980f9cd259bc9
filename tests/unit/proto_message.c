/*
 * message: envelopes, and the table of errors they carry.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/json.h"
#include "proto/message.h"

#define LENGTH(a)	(sizeof(a) / sizeof((a)[0]))

static void
calls_are_read(void **state)
{
	static const struct {
		const char	*text;
		const char	*parameters;
		int		 flags;		/* 1 more, 2 oneway, 4 upgrade */
	} rows[] = {
		{ "{\"method\":\"io.jobd.Get\"}", "{}", 0 },
		{ "{\"method\":\"io.jobd.Get\",\"parameters\":null}", "{}", 0 },
		{ "{\"method\":\"io.jobd.Get\",\"parameters\":{}}", "{}", 0 },
		{ "{\"parameters\":{\"job\":\"7\"},\"method\":\"io.jobd.Get\"}", "{\"job\":\"7\"}",
		    0 },
		{ "{\"method\":\"io.jobd.Get\",\"more\":true}", "{}", 1 },
		{ "{\"method\":\"io.jobd.Get\",\"oneway\":true,\"more\":false}", "{}", 2 },
		{ "{\"method\":\"io.jobd.Get\",\"upgrade\":true,\"more\":false}", "{}", 4 },
		{ "{\"method\":\"io.jobd.Get\",\"com.example.trace\":[1]}", "{}", 0 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct message_call c;
		const char *why = NULL;
		char *text;

		assert_int_equal(message_call_parse(rows[i].text, strlen(rows[i].text), &c, &why),
		    0);
		assert_string_equal(c.method, "io.jobd.Get");
		text = json_print(c.parameters);
		assert_string_equal(text, rows[i].parameters);
		assert_int_equal(c.more + 2 * c.oneway + 4 * c.upgrade, rows[i].flags);
		free(text);
		message_call_done(&c);
		message_call_done(&c);
	}
}

static void
bad_calls_are_refused_with_a_reason(void **state)
{
	static const char *const rows[][2] = {
		{ "", "early" }, { "{", "name" }, { "[]", "not an object" },
		{ "7", "not an object" },
		{ "{}", "no method" }, { "{\"method\":\"\"}", "no method" },
		{ "{\"method\":7}", "method" },
		{ "{\"method\":null}", "method" },
		{ "{\"method\":\"a.B\",\"more\":null}", "flag" },
		{ "{\"method\":\"a.b\",\"method\":\"a.c\"}", "twice" },
		{ "{\"method\":\"a.b\",\"parameters\":[]}", "parameters" },
		{ "{\"method\":\"a.b\",\"parameters\":\"\"}", "parameters" },
		{ "{\"method\":\"a.b\",\"more\":1}", "flag" },
		{ "{\"method\":\"a.b\",\"oneway\":\"true\"}", "flag" },
		{ "{\"method\":\"a.b\",\"upgrade\":{}}", "flag" },
		{ "{\"method\":\"a.b\",\"more\":true,\"oneway\":true}", "exclude" },
		{ "{\"method\":\"a.b\",\"more\":true,\"upgrade\":true}", "exclude" },
		{ "{\"method\":\"a.b\",\"Method\":\"x\"}", "unknown" },
		{ "{\"method\":\"a.b\",\"\":1}", "unknown" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct message_call c;
		const char *why = NULL;

		if (message_call_parse(rows[i][0], strlen(rows[i][0]), &c, &why) != -EPROTO)
			fail_msg("accepted: %s", rows[i][0]);
		assert_non_null(why);
		if (strstr(why, rows[i][1]) == NULL)
			fail_msg("%s: %s", rows[i][0], why);
	}
}

static void
a_written_call_is_read_again(void **state)
{
	struct buf b = { 0 };
	struct cJSON *p = json_object();
	struct message_call c;
	const char *why;

	(void)state;
	json_set_int(p, "limit", 7);
	message_call_write(&b, "io.jobd.List", p, true, false);
	message_call_write(&b, "io.jobd.Stats", NULL, false, true);
	json_free(p);

	assert_string_equal(buf_bytes(&b),
	    "{\"method\":\"io.jobd.List\",\"parameters\":{\"limit\":7},\"more\":true}");
	assert_int_equal(message_call_parse(buf_bytes(&b), strlen(buf_bytes(&b)), &c, &why), 0);
	assert_true(c.more && !c.oneway && !c.upgrade);
	message_call_done(&c);
	buf_consume(&b, strlen(buf_bytes(&b)) + 1);
	assert_string_equal(buf_bytes(&b),
	    "{\"method\":\"io.jobd.Stats\",\"parameters\":{},\"oneway\":true}");
	assert_int_equal(buf_len(&b), strlen(buf_bytes(&b)) + 1);
	buf_done(&b);
}

static void
a_written_reply_is_read_again(void **state)
{
	struct buf b = { 0 };
	struct cJSON *p = json_object();
	struct message_reply r;
	const char *why;

	(void)state;
	json_set_int(p, "count", 7);
	message_reply_write(&b, p, true);
	json_free(p);
	assert_string_equal(buf_bytes(&b), "{\"parameters\":{\"count\":7},\"continues\":true}");
	assert_int_equal(message_reply_parse(buf_bytes(&b), buf_len(&b) - 1, &r, &why), 0);
	assert_true(r.continues);
	assert_null(r.error);
	assert_true(json_get_int(r.parameters, "count", 0) == 7);
	message_reply_done(&r);

	buf_reset(&b);
	message_reply_write(&b, NULL, false);
	assert_string_equal(buf_bytes(&b), "{\"parameters\":{}}");
	assert_int_equal(message_reply_parse(buf_bytes(&b), buf_len(&b) - 1, &r, &why), 0);
	assert_false(r.continues);
	assert_non_null(r.parameters);
	message_reply_done(&r);
	buf_done(&b);
}

static void
replies_of_others_are_read(void **state)
{
	static const char good[] = "{\"continues\":false,\"error\":null,\"future\":1}";
	static const char *const bad[] = {
		"[]", "{\"parameters\":7}", "{\"error\":7}", "{\"continues\":1}",
		"{\"error\":\"a.B\"} x",
		"{\"error\":\"a.B\",\"parameters\":[]}",
	};
	struct message_reply r;
	const char *why;

	(void)state;
	assert_int_equal(message_reply_parse(good, strlen(good), &r, &why), 0);
	assert_null(r.error);
	assert_int_equal(json_count(r.parameters), 0);
	message_reply_done(&r);
	for (size_t i = 0; i < LENGTH(bad); i++) {
		why = NULL;
		assert_int_equal(message_reply_parse(bad[i], strlen(bad[i]), &r, &why), -EPROTO);
		assert_non_null(why);
	}
}

static void
every_error_is_written_with_its_parameters(void **state)
{
	(void)state;
	for (int e = JOBD_OK + 1; e < JOBD_ERROR_COUNT; e++) {
		const struct error_row *row = error_row(e);
		struct message_reply r;
		struct buf b = { 0 };
		const char *why;

		message_error_write(&b, e, "one \"1\"", "two");
		assert_int_equal(message_reply_parse(buf_bytes(&b), buf_len(&b) - 1, &r, &why), 0);
		assert_int_equal(error_find(r.error), e);
		assert_int_equal(json_count(r.parameters),
		    (row->parameter != NULL) + (row->parameter2 != NULL));
		if (row->parameter != NULL)
			assert_string_equal(json_get_string(r.parameters, row->parameter),
			    "one \"1\"");
		if (row->parameter2 != NULL)
			assert_string_equal(json_get_string(r.parameters, row->parameter2), "two");
		message_reply_done(&r);

		buf_reset(&b);
		message_error_write(&b, e, NULL, NULL);
		assert_int_equal(message_reply_parse(buf_bytes(&b), buf_len(&b) - 1, &r, &why), 0);
		message_reply_done(&r);
		buf_done(&b);
	}
}

static void
every_error_has_a_text_and_an_exit_code(void **state)
{
	(void)state;
	for (int e = JOBD_OK + 1; e < JOBD_ERROR_COUNT; e++) {
		assert_true(strlen(error_row(e)->text) > 0);
		assert_true(error_row(e)->exit_code != EXIT_OK);
		for (int other = JOBD_OK + 1; other < e; other++)
			assert_string_not_equal(error_row(e)->wire, error_row(other)->wire);
	}
	assert_int_equal(error_row(JOBD_NOT_FOUND)->exit_code, EXIT_NOT_FOUND);
	assert_int_equal(error_row(JOBD_TIMED_OUT)->exit_code, EXIT_WAIT_TIMED_OUT);
	assert_int_equal(error_find("com.example.Strange"), JOBD_ERROR_COUNT);
	assert_int_equal(error_find(""), JOBD_ERROR_COUNT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_are_read),
		cmocka_unit_test(bad_calls_are_refused_with_a_reason),
		cmocka_unit_test(a_written_call_is_read_again),
		cmocka_unit_test(a_written_reply_is_read_again),
		cmocka_unit_test(replies_of_others_are_read),
		cmocka_unit_test(every_error_is_written_with_its_parameters),
		cmocka_unit_test(every_error_has_a_text_and_an_exit_code),
	};

	return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
