/*
 * JOB[:ok|fail|any]: how it is read, which ends satisfy it, what a spec may say of it, and the words that
 * tell people for whom a job waits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/types.h"

static void
reads(const char *text, int64_t id, const char *name, int condition)
{
	struct after_job a;

	assert_null(after_read(text, &a));
	assert_int_equal(a.id, id);
	assert_string_equal(a.name, name);
	assert_int_equal(a.condition, condition);
}

static void
a_job_is_an_id_or_a_name_and_a_condition_if_its_last_part_is_one(void **state)
{
	(void)state;
	reads("12", 12, "12", AFTER_OK);
	reads("12:any", 12, "12", AFTER_ANY);
	reads("nightly", 0, "nightly", AFTER_OK);
	reads("nightly:fail", 0, "nightly", AFTER_FAIL);
	reads("a:b", 0, "a:b", AFTER_OK);
	reads("a:ok:ok", 0, "a:ok", AFTER_OK);
	reads("a:failed", 0, "a:failed", AFTER_OK);
	reads("99999999999999999999", INT64_MAX, "99999999999999999999", AFTER_OK);
}

static void
what_can_be_no_job_is_refused(void **state)
{
	static const char *const bad[] = { "", ":ok", "a b", "12.3", "n*", "0", "a/b:ok" };
	char longer[NAME_BYTES_MAX + 2];
	struct after_job a;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_non_null(after_read(bad[i], &a));
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_non_null(after_read(longer, &a));
	longer[NAME_BYTES_MAX] = '\0';
	assert_null(after_read(longer, &a));
}

static void
canceled_is_neither_good_nor_a_failure(void **state)
{
	static const char holds[AFTER_COUNT][RUN_STATE_COUNT + 1] = {
		/* queued running retrying succeeded failed timed_out canceled lost */
		[AFTER_OK] = "00010000", [AFTER_FAIL] = "00001101", [AFTER_ANY] = "00011111",
	};

	(void)state;
	for (int c = 0; c < AFTER_COUNT; c++) {
		assert_false(after_holds((enum after)c, -1));
		for (int s = 0; s < RUN_STATE_COUNT; s++)
			assert_int_equal(after_holds((enum after)c, s), holds[c][s] == '1');
	}
}

static void
its_parents_are_all_that_says_when(void **state)
{
	char *items[] = { (char *)(uintptr_t)"a", (char *)(uintptr_t)"b:any", (char *)(uintptr_t)"a:fail" };
	struct timer_spec timer = { .duration = 1 };
	struct job_spec s = { .timer = &timer, .after = { items, 2 }, .in = USEC_SEC };
	struct field_error error;

	(void)state;
	assert_int_equal(job_spec_check(&s, "", &error), JOBD_OK);
	s.after.n = 3;
	assert_int_equal(job_spec_check(&s, "jobs[1]", &error), JOBD_INVALID_FIELD);
	assert_string_equal(error.path, "jobs[1].after[2]");
	assert_string_equal(error.reason, "names a a second time");
	s.after.n = 1;
	s.in = 0;
	s.every = USEC_SEC;
	assert_int_equal(job_spec_check(&s, "", &error), JOBD_INVALID_FIELD);
	assert_string_equal(error.path, "after");
	s.every = 0;
	s.at = (instant){ 5 };
	assert_int_equal(job_spec_check(&s, "", &error), JOBD_INVALID_FIELD);
	s.at = (instant){ 0 };
	s.on_boot = true;
	assert_int_equal(job_spec_check(&s, "", &error), JOBD_INVALID_FIELD);
	s.on_boot = false;
	s.cron = (char *)(uintptr_t)"@daily";
	assert_int_equal(job_spec_check(&s, "", &error), JOBD_INVALID_FIELD);
}

static void
says(const struct dependency_info *d, size_t n, int job_state, const char *words)
{
	char *text = dependency_words(d, n, job_state);

	if (words == NULL)
		assert_null(text);
	else
		assert_string_equal(text, words);
	free(text);
}

static void
words_tell_for_whom_a_job_waits(void **state)
{
	struct dependency_info d[5];

	(void)state;
	for (int i = 0; i < 5; i++)
		d[i] = (struct dependency_info){ .job = 12 + i, .condition = i % AFTER_COUNT,
		    .outcome = -1 };
	d[0].name = (char *)(uintptr_t)"nightly";
	says(d, 1, JOB_BLOCKED, "waits for 12 (nightly) to succeed");
	says(d, 2, JOB_BLOCKED, "waits for 12 (nightly) to succeed, and for 13 to fail");
	says(d, 3, JOB_BLOCKED, "waits for 12 (nightly) to succeed, for 13 to fail, and for 14 to end");
	says(d, 5, JOB_BLOCKED, "waits for 12 (nightly) to succeed, for 13 to fail, and for 3 more");
	d[1].state = d[3].state = DEPENDENCY_HOLDS;
	says(d, 4, JOB_BLOCKED, "waits for 12 (nightly) to succeed, and for 14 to end");
	says(d, 4, JOB_RUNNING, NULL);
}

static void
words_tell_which_parent_holds_a_job_for_good(void **state)
{
	struct dependency_info d[2] = {
		{ .job = 12, .state = DEPENDENCY_NEVER, .outcome = RUN_SUCCEEDED, .job_state = JOB_FINISHED },
		{ .job = 13, .state = DEPENDENCY_NEVER, .outcome = RUN_TIMED_OUT, .job_state = JOB_FINISHED },
	};

	(void)state;
	/* It has run, and that is all. */
	says(d, 1, JOB_FINISHED, NULL);
	says(d, 2, JOB_FINISHED, "13 timed out; retry it, and this job waits for it again");
	d[1].condition = AFTER_FAIL;
	d[1].outcome = RUN_SUCCEEDED;
	says(d, 2, JOB_FINISHED, "13 succeeded; trigger it, and this job waits for it again");
	d[1].outcome = -1;
	says(d, 2, JOB_FINISHED,
	    "13 was not run, and will not be by itself; trigger it, and this job waits for it again");
	d[1].job_state = -1;
	says(d, 2, JOB_FINISHED, "13 was removed: this job can only be triggered");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_is_an_id_or_a_name_and_a_condition_if_its_last_part_is_one),
		cmocka_unit_test(what_can_be_no_job_is_refused),
		cmocka_unit_test(canceled_is_neither_good_nor_a_failure),
		cmocka_unit_test(its_parents_are_all_that_says_when),
		cmocka_unit_test(words_tell_for_whom_a_job_waits),
		cmocka_unit_test(words_tell_which_parent_holds_a_job_for_good),
	};

	return cmocka_run_group_tests_name("proto_after", tests, NULL, NULL);
}
