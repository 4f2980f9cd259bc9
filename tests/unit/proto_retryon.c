/*
 * Sets of ends after which a run is tried again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "proto/json.h"
#include "proto/retryon.h"

static bool
has(const char *set, struct run_info run)
{
	return retry_on_has(set, &run);
}

/* Ends of a command that had begun, but for the last. */
static const struct run_info code_1 = { .state = RUN_FAILED, .exit_code = 1, .spawned = { 1 } };
static const struct run_info code_75 = { .state = RUN_FAILED, .exit_code = 75, .spawned = { 1 } };
static const struct run_info code_127 = { .state = RUN_FAILED, .exit_code = 127, .spawned = { 1 } };
static const struct run_info killed = { .state = RUN_FAILED, .exit_code = -1, .signal = 9,
    .oom = true, .spawned = { 1 } };
static const struct run_info timed_out = { .state = RUN_TIMED_OUT, .exit_code = -1,
    .spawned = { 1 } };
static const struct run_info lost = { .state = RUN_LOST, .exit_code = -1, .spawned = { 1 } };
static const struct run_info not_found = { .state = RUN_FAILED, .exit_code = 127 };
static const struct run_info no_runner = { .state = RUN_FAILED, .exit_code = -1 };

static void
without_a_set_every_failure_is_in_it_that_may_be_another_next_time(void **state)
{
	(void)state;
	assert_true(has(NULL, code_1) && has(NULL, killed) && has(NULL, timed_out));
	assert_true(has(NULL, no_runner));
	assert_false(has(NULL, code_127) || has(NULL, not_found) || has(NULL, lost));
}

static void
codes_and_ranges_are_of_exit_codes(void **state)
{
	(void)state;
	assert_true(has("1-5,75", code_1) && has("1-5,75", code_75) && has("75", code_75));
	assert_false(has("2-74,76-255", code_1) || has("2-74,76-255", code_75));
	assert_false(has("1-255", killed) || has("1-255", timed_out) || has("1-255", lost));
	assert_true(has("127", not_found));
}

static void
words_say_what_they_mean(void **state)
{
	(void)state;
	assert_true(has("signal", killed) && has("oom", killed) && has("timed_out", timed_out));
	assert_true(has("lost", lost) && has("not_started", not_found));
	assert_true(has("not_started", no_runner));
	assert_false(has("signal,oom,timed_out,lost,not_started", code_1));
	assert_true(has("any", code_1) && has("any", lost) && has("any", code_127));
}

static void
what_succeeded_or_was_canceled_is_in_no_set(void **state)
{
	const struct run_info good = { .state = RUN_SUCCEEDED, .spawned = { 1 } };
	const struct run_info canceled = { .state = RUN_CANCELED, .exit_code = 1, .signal = 15 };

	(void)state;
	assert_false(has("any", good) || has(NULL, good));
	assert_false(has("any,1,signal", canceled) || has(NULL, canceled));
}

static void
checks_have_statuses(void **state)
{
	const struct run_info busy = { .kind = KIND_HTTP, .state = RUN_FAILED, .http_status = 503 };
	const struct run_info refused = { .kind = KIND_HTTP, .state = RUN_FAILED };

	(void)state;
	assert_true(has("500-599", busy) && has("connect", refused) && has("any", refused));
	assert_false(has("500-502", busy) || has("connect", busy) || has("500-599", refused));
}

static void
bad_sets_are_refused_with_words(void **state)
{
	static const struct { const char *set; enum job_kind kind; const char *why; } rows[] = {
		{ "", KIND_COMMAND, "\"\" is none of" },
		{ "1,,2", KIND_COMMAND, "\"\" is none of" },
		{ "1,", KIND_COMMAND, "\"\" is none of" },
		{ "0", KIND_COMMAND, "exit codes of failures go from 1 to 255" },
		{ "1-256", KIND_COMMAND, "exit codes of failures go from 1 to 255" },
		{ "5-1", KIND_COMMAND, "\"5-1\" is none of" },
		{ "1000", KIND_COMMAND, "\"1000\" is none of" },
		{ "-1", KIND_COMMAND, "\"-1\" is none of" },
		{ "1 ", KIND_COMMAND, "\"1 \" is none of" },
		{ "crash", KIND_COMMAND, "not_started" },
		{ "connect", KIND_COMMAND, "\"connect\" is none of" },
		{ "75", KIND_HTTP, "statuses go from 100 to 599" },
		{ "signal", KIND_HTTP, "connect" },
		{ "1", KIND_TIMER, "any, timed_out" },
	};
	char why[RETRY_ON_WHY_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_non_null(retry_on_check(rows[i].set, rows[i].kind, why));
		if (strstr(why, rows[i].why) == NULL)
			fail_msg("%s: %s", rows[i].set, why);
	}
	assert_null(retry_on_check("1-5,75,timed_out,signal,lost,not_started,any,oom",
	    KIND_COMMAND, why));
	assert_null(retry_on_check("429,500-599,connect,timed_out", KIND_HTTP, why));
	assert_null(retry_on_check("timed_out", KIND_TIMER, why));
}

static void
refused(const char *text, const char *field)
{
	struct field_error error = { 0 };
	struct job_spec spec = { 0 };
	const char *why;
	struct cJSON *object = json_parse(text, strlen(text), &why);

	assert_non_null(object);
	if (job_spec_read(object, &spec, &error) == JOBD_OK)
		fail_msg("%s is taken", text);
	assert_string_equal(error.path, field);
	json_free(object);
}

static void
jobs_that_make_no_sense_are_refused(void **state)
{
	(void)state;
#define COMMAND "\"command\":{\"argv\":[\"true\"]}"
	refused("{" COMMAND ",\"retries\":1001}", "retries");
	refused("{" COMMAND ",\"retries\":-1}", "retries");
	refused("{" COMMAND ",\"retryOn\":\"1\"}", "retryOn");
	refused("{" COMMAND ",\"retries\":1,\"retryOn\":\"x\"}", "retryOn");
	refused("{" COMMAND ",\"backoff\":\"fixed\"}", "backoff");
	refused("{" COMMAND ",\"retries\":1,\"backoff\":\"linear\"}", "backoff");
	refused("{" COMMAND ",\"retries\":1,\"backoffUSec\":2000000,\"backoffMaxUSec\":1000000}",
	    "backoff");
	refused("{" COMMAND ",\"retries\":1,\"backoff\":\"fixed\",\"backoffMaxUSec\":9000000}",
	    "backoff");
	refused("{" COMMAND ",\"onCrash\":\"panic\"}", "onCrash");
	refused("{\"timer\":{\"durationUSec\":1},\"onCrash\":\"rerun\"}", "onCrash");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_set_every_failure_is_in_it_that_may_be_another_next_time),
		cmocka_unit_test(codes_and_ranges_are_of_exit_codes),
		cmocka_unit_test(words_say_what_they_mean),
		cmocka_unit_test(what_succeeded_or_was_canceled_is_in_no_set),
		cmocka_unit_test(checks_have_statuses),
		cmocka_unit_test(bad_sets_are_refused_with_words),
		cmocka_unit_test(jobs_that_make_no_sense_are_refused),
	};

	return cmocka_run_group_tests_name("proto_retryon", tests, NULL, NULL);
}
