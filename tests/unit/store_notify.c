/*
 * What an end means to those who are to be told: the row of failures, a check that is down and up, what counts
 * neither way; and whom rules mean.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/store/health.h"
#include "daemon/store/notify.h"
#include "proto/json.h"

#define BIT(event) (1u << (event))

static struct trouble trouble;
static struct http_spec check;
static const struct job_spec checked = { .http = &check };
static struct health health;
static int64_t number;

static unsigned
ends(int state, int kind, int verdict, struct notice_info *n)
{
	struct run_info run = RUN_INFO_NONE;
	struct health_parent parent = { 0 };
	struct op_finish o = { .run = &run, .verdict = verdict,
	    .check = kind == KIND_HTTP ? &checked : NULL };

	run.job = 1;
	run.run = ++number;
	run.state = state;
	run.verdict = verdict;
	run.ended = (instant){ number * USEC_MINUTE };
	if (o.check != NULL)
		health_count(&o, &health, &parent);
	return notify_run_events(&trouble, &o, kind, n);
}

static int
fresh(void **state)
{
	(void)state;
	trouble = (struct trouble){ 0 };
	check = (struct http_spec){ .fail_after = 1, .ok_after = 1 };
	health = (struct health){ 0 };
	number = 0;
	return 0;
}

static void
a_success_is_told_only_after_a_failure(void **state)
{
	struct notice_info n;

	(void)state;
	assert_int_equal(ends(RUN_SUCCEEDED, KIND_COMMAND, 0, &n), 0);
	assert_int_equal(ends(RUN_FAILED, KIND_COMMAND, 0, &n), BIT(NOTICE_FAIL));
	assert_int_equal(n.failures, 1);
	assert_int_equal(ends(RUN_TIMED_OUT, KIND_COMMAND, 0, &n), BIT(NOTICE_FAIL) | BIT(NOTICE_TIMED_OUT));
	assert_int_equal(ends(RUN_LOST, KIND_COMMAND, 0, &n), BIT(NOTICE_FAIL) | BIT(NOTICE_LOST));
	assert_int_equal(n.failures, 3);
	assert_int_equal(ends(RUN_SUCCEEDED, KIND_COMMAND, 0, &n), BIT(NOTICE_RECOVER));
	assert_int_equal(n.failures, 3);
	assert_int_equal(n.first_run, 2);
	assert_int_equal(n.lasted, 3 * USEC_MINUTE);
	assert_int_equal(ends(RUN_SUCCEEDED, KIND_COMMAND, 0, &n), 0);
}

static void
a_check_is_down_once_and_up_once(void **state)
{
	struct notice_info n;

	(void)state;
	assert_int_equal(ends(RUN_FAILED, KIND_HTTP, VERDICT_DEGRADED, &n), BIT(NOTICE_FAIL));
	assert_int_equal(ends(RUN_FAILED, KIND_HTTP, VERDICT_DOWN, &n), BIT(NOTICE_FAIL) | BIT(NOTICE_DOWN));
	assert_int_equal(ends(RUN_FAILED, KIND_HTTP, VERDICT_DOWN, &n), BIT(NOTICE_FAIL));
	assert_int_equal(ends(RUN_SUCCEEDED, KIND_HTTP, VERDICT_UP, &n), BIT(NOTICE_RECOVER) | BIT(NOTICE_UP));
	assert_int_equal(ends(RUN_SUCCEEDED, KIND_HTTP, VERDICT_UP, &n), 0);
}

static void
an_answer_that_is_late_is_up_and_no_recovery(void **state)
{
	struct notice_info n;

	(void)state;
	assert_int_equal(ends(RUN_FAILED, KIND_HTTP, VERDICT_DOWN, &n), BIT(NOTICE_FAIL) | BIT(NOTICE_DOWN));
	assert_int_equal(ends(RUN_FAILED, KIND_HTTP, VERDICT_DEGRADED, &n), BIT(NOTICE_FAIL) | BIT(NOTICE_UP));
	assert_int_equal(ends(RUN_FAILED, KIND_HTTP, VERDICT_DEGRADED, &n), BIT(NOTICE_FAIL));
	assert_int_equal(ends(RUN_SUCCEEDED, KIND_HTTP, VERDICT_UP, &n), BIT(NOTICE_RECOVER));
	assert_int_equal(n.first_run, 1);
}

static void
a_check_that_flaps_less_than_it_may_is_not_told(void **state)
{
	struct notice_info n;

	(void)state;
	check.fail_after = 3;
	check.ok_after = 2;
	assert_int_equal(ends(RUN_SUCCEEDED, KIND_HTTP, VERDICT_UP, &n), 0);
	assert_int_equal(ends(RUN_FAILED, KIND_HTTP, VERDICT_DOWN, &n), 0);
	assert_int_equal(ends(RUN_TIMED_OUT, KIND_HTTP, VERDICT_DOWN, &n), 0);
	assert_int_equal(ends(RUN_SUCCEEDED, KIND_HTTP, VERDICT_UP, &n), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(ends(RUN_FAILED, KIND_HTTP, VERDICT_DOWN, &n), 0);
	assert_int_equal(ends(RUN_TIMED_OUT, KIND_HTTP, VERDICT_DOWN, &n),
	    BIT(NOTICE_FAIL) | BIT(NOTICE_TIMED_OUT) | BIT(NOTICE_DOWN));
	assert_int_equal(n.failures, 3);
	assert_int_equal(n.first_run, 5);
	assert_int_equal(ends(RUN_SUCCEEDED, KIND_HTTP, VERDICT_UP, &n), 0);
	assert_int_equal(ends(RUN_FAILED, KIND_HTTP, VERDICT_DOWN, &n), BIT(NOTICE_FAIL));
	assert_int_equal(ends(RUN_SUCCEEDED, KIND_HTTP, VERDICT_UP, &n), 0);
	assert_int_equal(ends(RUN_SUCCEEDED, KIND_HTTP, VERDICT_UP, &n), BIT(NOTICE_RECOVER) | BIT(NOTICE_UP));
	assert_int_equal(n.failures, 4);
	assert_int_equal(n.first_run, 5);
}

static void
what_says_nothing_counts_neither_way(void **state)
{
	struct notice_info n;

	(void)state;
	assert_int_equal(ends(RUN_CANCELED, KIND_COMMAND, 0, &n), 0);
	assert_int_equal(ends(RUN_FAILED, KIND_HTTP, VERDICT_INCONCLUSIVE, &n), 0);
	assert_int_equal(ends(RUN_FAILED, KIND_HTTP, VERDICT_UNREACHABLE, &n), 0);
	assert_int_equal(trouble.failures, 0);
	assert_int_equal(ends(RUN_FAILED, KIND_HTTP, VERDICT_DOWN, &n), BIT(NOTICE_FAIL) | BIT(NOTICE_DOWN));
	assert_int_equal(ends(RUN_FAILED, KIND_HTTP, VERDICT_INCONCLUSIVE, &n), 0);
	assert_int_equal(trouble.failures, 1);
}

static void
only_what_nobody_has_asked_for_is_told_of_skips(void **state)
{
	struct op_skip skip = { .job = 1, .first = { 10 }, .last = { 30 }, .count = 3, .run = 7 };
	struct notice_info n;

	(void)state;
	for (int cause = 0; cause < SKIP_COUNT; cause++) {
		skip.cause = cause;
		assert_int_equal(notify_skip_events(&skip, KIND_TIMER, &n), cause == SKIP_MISSED ?
		    BIT(NOTICE_MISSED) : cause == SKIP_OVERLAP ? BIT(NOTICE_SKIPPED) : 0);
	}
	assert_int_equal(n.count, 3);
	assert_int_equal(n.last.usec, 30);
}

static void
each_target_is_told_once(void **state)
{
	static const char *const texts[] = { "fail:a", "recover:b", "timed_out:a", "lost,missed:c", "any:d" };
	struct notify_wanted out[NOTIFY_MAX];
	struct strings rules = { .n = 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		strings_add(&rules, texts[i]);
	assert_int_equal(notify_targets(&rules, BIT(NOTICE_FAIL) | BIT(NOTICE_TIMED_OUT), out), 2);
	assert_string_equal(out[0].name, "a");
	assert_int_equal(out[0].event, NOTICE_TIMED_OUT);
	assert_string_equal(out[1].name, "d");
	assert_int_equal(notify_targets(&rules, 0, out), 0);
	strings_done(&rules);
}

static void
a_long_reason_is_cut_between_characters(void **state)
{
	struct notice_info n = NOTICE_INFO_NONE;
	char reason[3001], *text;
	struct cJSON *json;
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(reason) - 1; i += 3)
		memcpy(reason + i, "\xe2\x82\xac", 3);
	reason[sizeof(reason) - 1] = '\0';
	n.reason = reason;
	text = notice_print(&n, NOTICE_FAIL);
	json = json_parse(text, strlen(text), &why);
	assert_non_null(json);
	assert_int_equal(strlen(json_get_string(json, "reason")), 999);
	assert_ptr_equal(n.reason, reason);
	json_free(json);
	free(text);
}

#define FRESH(name) cmocka_unit_test_setup(name, fresh)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(a_success_is_told_only_after_a_failure),
		FRESH(a_check_is_down_once_and_up_once),
		FRESH(an_answer_that_is_late_is_up_and_no_recovery),
		FRESH(a_check_that_flaps_less_than_it_may_is_not_told),
		FRESH(what_says_nothing_counts_neither_way),
		FRESH(only_what_nobody_has_asked_for_is_told_of_skips),
		FRESH(each_target_is_told_once),
		FRESH(a_long_reason_is_cut_between_characters),
	};

	return cmocka_run_group_tests_name("store_notify", tests, NULL, NULL);
}
