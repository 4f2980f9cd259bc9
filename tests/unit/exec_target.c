/*
 * What is made of a notice for each kind of target.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/exec/target.h"
#include "proto/json.h"
#include "proto/mem.h"

#define TEST_NOTICE "{\"event\":\"test\",\"at\":\"2026-01-01T00:00:00.000000Z\"}"
#define FAIL_NOTICE "{\"event\":\"fail\",\"at\":\"2026-01-01T00:00:00.000000Z\",\"job\":12,\"run\":3," \
	"\"name\":\"n\",\"kind\":\"command\",\"state\":\"failed\",\"reason\":\"l1\\nl2\",\"failures\":1,\"firstRun\":3}"

static char *
text(const char *s)
{
	return (char *)(uintptr_t)s;
}

static bool
has(const struct strings *s, const char *item)
{
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->items[i], item) == 0)
			return true;
	}
	return false;
}

static void
a_webhook_is_signed_over_what_is_sent(void **state)
{
	const struct notify_target t = { .name = text("x"), .url = text("http://x/"), .secret = text("key"),
	    .timeout = USEC_SEC };
	const struct notify_message m = { .id = 7, .notice = TEST_NOTICE };
	struct job_spec spec;

	(void)state;
	notify_target_spec(&t, "", &m, &spec);
	assert_string_equal(spec.http->body, "{\"event\":\"test\",\"at\":\"2026-01-01T00:00:00.000000Z\","
	    "\"target\":\"x\",\"delivery\":7,\"summary\":\"a test: this target can be told\"}");
	/* As computed by another program. */
	assert_true(has(&spec.http->headers, "X-Jobd-Signature: sha256="
	    "764062cb547d7c859130970f2cba95fd67e962bb0f6672a28b4d52277caf1d96"));
	assert_true(has(&spec.http->headers, "X-Jobd-Delivery: 7"));
	assert_int_equal(spec.timeout, USEC_SEC);
	assert_int_equal(job_spec_check(&spec, "", NULL), JOBD_OK);
	job_spec_done(&spec);
}

static void
headers_have_words_of_the_message_in_them(void **state)
{
	static const char *const lines[] = { "Title: {name} {event}{nothing}!", "A: {b {run}", "B: {reason}" };
	struct notify_target t = { .name = text("x"), .url = text("http://x/") };
	const struct notify_message m = { .id = 7, .notice = FAIL_NOTICE };
	struct job_spec spec;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		strings_add(&t.headers, lines[i]);
	notify_target_spec(&t, "", &m, &spec);
	assert_true(has(&spec.http->headers, "Title: n fail!"));
	assert_true(has(&spec.http->headers, "A: {b 3"));
	/* No line of its own can be made of what a job says. */
	assert_true(has(&spec.http->headers, "B: l1l2"));
	assert_int_equal(job_spec_check(&spec, "", NULL), JOBD_OK);
	job_spec_done(&spec);
	strings_done(&t.headers);
}

static void
a_command_gets_it_on_its_input_and_as_variables(void **state)
{
	const struct notify_target t = { .name = text("x"), .command = text("cat") };
	const struct notify_message m = { .id = 7, .notice = FAIL_NOTICE };
	const struct strings *e;
	struct job_spec spec;
	struct cJSON *json;
	const char *why;

	(void)state;
	notify_target_spec(&t, "", &m, &spec);
	e = &spec.command->environment;
	assert_true(has(e, "JOBD_EVENT=fail"));
	assert_true(has(e, "JOBD_EVENT_JOB=12"));
	assert_true(has(e, "JOBD_EVENT_RUN=3"));
	assert_true(has(e, "JOBD_EVENT_NAME=n"));
	assert_true(has(e, "JOBD_EVENT_REASON=l1\nl2"));
	assert_true(has(e, "JOBD_EVENT_TARGET=x"));
	json = json_parse(spec.command->stdin_text, strlen(spec.command->stdin_text), &why);
	assert_string_equal(json_get_string(json, "reason"), "l1\nl2");
	assert_int_equal(json_get_int(json, "delivery", 0), 7);
	json_free(json);
	assert_int_equal(job_spec_check(&spec, "", NULL), JOBD_OK);
	job_spec_done(&spec);
}

static void
a_mail_has_one_line_as_its_subject(void **state)
{
	const struct notify_target t = { .name = text("x"), .mail = text("a@b") };
	const char *const others[] = { FAIL_NOTICE };
	const struct notify_message m = { .id = 7, .notice = FAIL_NOTICE, .others = others, .others_n = 1,
	    .folded = 1 };
	struct job_spec spec;

	(void)state;
	notify_target_spec(&t, "/x/sendmail", &m, &spec);
	assert_string_equal(spec.command->argv.items[0], "/x/sendmail");
	assert_string_equal(spec.command->argv.items[spec.command->argv.n - 1], "a@b");
	assert_non_null(strstr(spec.command->stdin_text,
	    "\nSubject: [jobd] n (12.3) failed: l1 (and 1 more)\n"));
	assert_non_null(strstr(spec.command->stdin_text, "\nAnd:\n2026-01-01T00:00:00"));
	job_spec_done(&spec);
}

/* However long they are: a job_spec has limits. */
static void
folded_notices_are_told_as_far_as_there_is_room(void **state)
{
	const struct notify_target kinds[] = {
		{ .name = text("x"), .command = text("cat") }, { .name = text("x"), .url = text("http://x/") },
		{ .name = text("x"), .mail = text("a@b") },
	};
	char *reason = xcalloc(1, 6001), *notice;
	const char *others[100];
	struct notify_message m = { .id = 7, .others = others, .others_n = 99, .folded = 500 };
	struct job_spec spec;

	(void)state;
	memset(reason, 'x', 6000);
	notice = xasprintf("{\"event\":\"fail\",\"at\":\"2026-01-01T00:00:00.000000Z\",\"job\":1,\"reason\":\"%s\"}",
	    reason);
	m.notice = notice;
	for (size_t i = 0; i < 99; i++)
		others[i] = notice;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const char *body;

		notify_target_spec(&kinds[i], "/bin/true", &m, &spec);
		body = spec.http != NULL ? spec.http->body : spec.command->stdin_text;
		assert_true(strlen(body) < STDIN_BYTES_MAX && strlen(body) < BODY_BYTES_MAX);
		assert_non_null(strstr(body, "50"));
		assert_int_equal(job_spec_check(&spec, "", NULL), JOBD_OK);
		job_spec_done(&spec);
	}
	free(notice);
	free(reason);
}

static void
a_word_that_no_message_has_is_a_mistake(void **state)
{
	struct notify_target t = { .name = text("x"), .url = text("http://a/") };
	char *why;

	(void)state;
	strings_add(&t.headers, "A: {\"json\": 1} {firstRun} {delivery} {");
	assert_null(notify_target_mistake(&t));
	strings_add(&t.headers, "B: {nmae}");
	why = notify_target_mistake(&t);
	assert_string_equal(why, "header: a message has no {nmae}; did you mean {name}?");
	free(why);
	strings_done(&t.headers);
}

static void
a_target_that_is_not_there_is_told_with_what_was_meant(void **state)
{
	struct notify_target items[] = { { .name = text("ops") }, { .name = text("pager") } };
	const struct notify_targets all = { .items = items, .n = 2 };
	char why[200];

	(void)state;
	notify_target_unknown(&all, "pagre", why, sizeof(why));
	assert_string_equal(why, "there is no target pagre in jobd's configuration; did you mean pager?");
	notify_target_unknown(NULL, "x", why, sizeof(why));
	assert_string_equal(why, "there is no target x in jobd's configuration: it needs a section [target x]");
}

static void
a_notice_that_cannot_be_read_is_told_all_the_same(void **state)
{
	const struct notify_target t = { .name = text("x"), .command = text("cat") };
	const struct notify_message m = { .id = 7, .notice = "{\"event\":\"of a later version\"}" };
	struct job_spec spec;

	(void)state;
	notify_target_spec(&t, "", &m, &spec);
	assert_non_null(strstr(spec.command->stdin_text, "of a later version"));
	job_spec_done(&spec);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_webhook_is_signed_over_what_is_sent),
		cmocka_unit_test(headers_have_words_of_the_message_in_them),
		cmocka_unit_test(a_command_gets_it_on_its_input_and_as_variables),
		cmocka_unit_test(a_mail_has_one_line_as_its_subject),
		cmocka_unit_test(folded_notices_are_told_as_far_as_there_is_room),
		cmocka_unit_test(a_word_that_no_message_has_is_a_mistake),
		cmocka_unit_test(a_target_that_is_not_there_is_told_with_what_was_meant),
		cmocka_unit_test(a_notice_that_cannot_be_read_is_told_all_the_same),
	};

	return cmocka_run_group_tests_name("exec_target", tests, NULL, NULL);
}
