/*
 * EVENTS:TARGET: how it is read, which event is told, and the words for people.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/json.h"
#include "proto/notice.h"

static void
reads(const char *text, unsigned events, const char *target)
{
	struct notify_rule rule;

	assert_true(notify_rule_read(text, &rule, NULL));
	assert_int_equal(rule.events, events);
	assert_string_equal(rule.target, target);
}

static void
a_rule_is_events_and_a_target(void **state)
{
	(void)state;
	reads("fail:ops", 1u << NOTICE_FAIL, "ops");
	reads("fail,recover:o.p_s-1", 1u << NOTICE_FAIL | 1u << NOTICE_RECOVER, "o.p_s-1");
	reads("timed_out,timed_out:x", 1u << NOTICE_TIMED_OUT, "x");
	reads("any:x", NOTICE_ANY, "x");
}

static void
what_can_be_no_rule_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "fail", ":ops", "fail:", ",:ops", "fail,:ops", "fail ,recover:ops", "FAIL:ops", "test:ops",
		"fail:a b", "fail:a/b", "fail:ops:ops", "fail:abcdefghijklmnopqrstuvwxyz1234567",
	};
	struct notify_rule rule;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (notify_rule_read(bad[i], &rule, NULL))
			fail_msg("taken: %s", bad[i]);
	}
}

static void
an_event_that_is_not_there_is_told_with_what_was_meant(void **state)
{
	struct notify_rule rule;
	char why[RULE_WHY_MAX];

	(void)state;
	assert_false(notify_rule_read("recover,feil:ops", &rule, why));
	assert_string_equal(why, "there is no event feil; did you mean fail?");
	assert_false(notify_rule_read("timeout:ops", &rule, why));
	assert_string_equal(why, "there is no event timeout; did you mean timed_out?");
	assert_false(notify_rule_read("everything:ops", &rule, why));
	assert_non_null(strstr(why, "the events are fail, recover"));
}

static void
a_target_is_told_by_the_word_that_says_most(void **state)
{
	(void)state;
	assert_int_equal(notice_event_of(0), -1);
	assert_int_equal(notice_event_of(1u << NOTICE_FAIL | 1u << NOTICE_LOST), NOTICE_LOST);
	assert_int_equal(notice_event_of(1u << NOTICE_FAIL | 1u << NOTICE_DOWN), NOTICE_DOWN);
	assert_int_equal(notice_event_of(1u << NOTICE_RECOVER | 1u << NOTICE_UP), NOTICE_UP);
	for (int i = 0; i < NOTICE_EVENT_COUNT; i++)
		assert_int_equal(notice_event_of(1u << i), i);
}

static void
says(const struct notice_info *n, const char *words)
{
	char *text = notice_words(n);

	assert_string_equal(text, words);
	free(text);
}

static void
it_is_told_in_words(void **state)
{
	struct notice_info n = NOTICE_INFO_NONE;

	(void)state;
	n.job = 12;
	n.run = 3;
	n.failures = n.first_run = 1;
	n.event = NOTICE_FAIL;
	n.reason = (char *)(uintptr_t)"exit code 1";
	says(&n, "job 12.3 failed: exit code 1");
	n.name = (char *)(uintptr_t)"nightly";
	n.failures = 2;
	says(&n, "nightly (12.3) failed: exit code 1 (2 in a row, since run 12.1)");
	n.reason = NULL;
	n.event = NOTICE_RECOVER;
	n.lasted = 90 * USEC_SEC;
	says(&n, "nightly (12.3) succeeds again after 2 that failed, since run 12.1, for 1m30s");
	n.event = NOTICE_MISSED;
	n.run = 0;
	n.count = 5;
	says(&n, "nightly (12) 5 occurrences were missed: jobd or the host was down");
	n.event = NOTICE_LATE;
	n.run = 4;
	n.failures = 0;
	n.lasted = 0;
	says(&n, "nightly (12.4) is late: no ping has come by its due");
	n.lasted = 7 * USEC_MINUTE;
	says(&n, "nightly (12.4) is late: it began 7m after its due");
	n.state = RUN_QUEUED;
	says(&n, "nightly (12.4) is late: it has waited for 7m since its due, and has not begun");
	n.state = -1;
}

static enum jobd_error
add_with(const char *kind, const char *rule)
{
	struct cJSON *spec = json_object(), *what = json_object(), *notify = json_array();
	struct field_error error = { 0 };
	struct job_spec read = { 0 };
	enum jobd_error e;

	if (strcmp(kind, "heartbeat") == 0)
		json_set_int(spec, "everyUSec", USEC_HOUR);
	else if (strcmp(kind, "http") == 0)
		json_set_string(what, "url", "http://x/");
	else
		json_set_int(what, "durationUSec", 1);
	if (strcmp(kind, "heartbeat") == 0) {
		json_set_bool(spec, "heartbeat", true);
		json_free(what);
	} else {
		json_set(spec, kind, what);
	}
	json_push(notify, json_string("fail:good"));
	json_push(notify, json_string(rule));
	json_set(spec, "notify", notify);
	e = job_spec_read(spec, &read, &error);
	if (e == JOBD_OK)
		job_spec_done(&read);
	else
		assert_string_equal(error.path, "notify[1]");
	json_free(spec);
	return e;
}

static void
a_job_names_the_rule_at_fault(void **state)
{
	(void)state;
	assert_int_equal(add_with("timer", "any:x"), JOBD_OK);
	assert_int_equal(add_with("timer", "fale:x"), JOBD_INVALID_FIELD);
	assert_int_equal(add_with("timer", "down,up:x"), JOBD_INVALID_FIELD);
	assert_int_equal(add_with("http", "down,up:x"), JOBD_OK);
	assert_int_equal(add_with("timer", "late:x"), JOBD_INVALID_FIELD);
	assert_int_equal(add_with("heartbeat", "late:x"), JOBD_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_is_events_and_a_target),
		cmocka_unit_test(what_can_be_no_rule_is_refused),
		cmocka_unit_test(an_event_that_is_not_there_is_told_with_what_was_meant),
		cmocka_unit_test(a_target_is_told_by_the_word_that_says_most),
		cmocka_unit_test(it_is_told_in_words),
		cmocka_unit_test(a_job_names_the_rule_at_fault),
	};

	return cmocka_run_group_tests_name("proto_notice", tests, NULL, NULL);
}
