/*
 * Plans of apply, against a jobd that is made of answers: what jobctl says when jobd refuses what it had taken before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/ask.h"
#include "client/plan.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"

/* ---- jobd: it has the job old, number 5; and what Apply is answered when it is meant ---- */

static struct {
	enum jobd_error	 error;
	const char	*parameters;
	int		 code;		/* of a call that is not answered at all */
	int		 applied, dry, removed;
	bool		 alone;		/* nothing new is expected, only a change */
	long long	 compared;	/* the generation that Edit was asked for */
} jobd;

static struct cJSON *
parsed(const char *text)
{
	const char *why;
	struct cJSON *value = json_parse(text, strlen(text), &why);

	assert_non_null(value);
	return value;
}

struct cJSON *
json_copy(const struct cJSON *value)
{
	char *text = json_print(value);
	struct cJSON *copy = parsed(text);

	free(text);
	return copy;
}

void
answer_done(struct answer *a)
{
	json_free(a->parameters);
	a->parameters = NULL;
}

int
ask_job(const struct client *client, const char *name, struct cJSON **ret)
{
	(void)client;
	*ret = strcmp(name, "old") != 0 && strcmp(name, "gone") != 0 ? NULL :
	    parsed("{\"id\":5,\"generation\":3,\"spec\":{\"name\":\"old\",\"source\":\"here\",\"timer\":{\"durationUSec\":1}}}");
	return 0;
}

int
ask(const struct client *client, const char *method, const struct cJSON *parameters, struct answer *a)
{
	(void)client;
	*a = (struct answer){ 0 };
	if (strcmp(method, "io.jobd.Edit") == 0) {
		jobd.compared = json_get_int(parameters, "generation", 0);
		a->parameters = parsed("{\"job\":5,\"changed\":true,\"rescheduled\":false,\"generation\":3,"
		    "\"spec\":{\"name\":\"old\",\"timer\":{\"durationUSec\":2}}}");
		return 0;
	}
	if (strcmp(method, "io.jobd.List") == 0) {
		a->parameters = parsed("{\"jobs\":[{\"id\":6,\"name\":\"gone\",\"source\":\"here\"}]}");
		return 0;
	}
	if (strcmp(method, "io.jobd.Remove") == 0) {
		jobd.removed++;
		a->parameters = parsed("{\"count\":1}");
		return 0;
	}
	assert_string_equal(method, "io.jobd.Apply");
	assert_int_equal(json_count(json_get(parameters, "jobs")), !jobd.alone);
	assert_int_equal(json_count(json_get(parameters, "edits")), 1);
	if (json_get_bool(parameters, "dryRun", 0)) {
		jobd.dry++;
		a->parameters = parsed("{\"ids\":[],\"edited\":[{\"generation\":3}]}");
		return 0;
	}
	jobd.applied++;
	assert_int_equal(json_get_int(json_at(json_get(parameters, "edits"), 0), "generation", 0), 3);
	a->error = jobd.error;
	if (jobd.parameters)
		a->parameters = parsed(jobd.parameters);
	return jobd.error != JOBD_OK ? (int)error_row(jobd.error)->exit_code : jobd.code;
}

/* ---- what is said ---- */

static const char text[] = "[Job]\nName=new\n[Timer]\nDuration=1s\n[Job]\nName=old\n[Timer]\nDuration=2us\n";

/* Apply it, and prune.  What was said is in said. */
static int
apply(struct buf *said, bool *done)
{
	struct client c = { .out.json = true };
	struct plan p = { .c = &c, .source = "here", .prune = true };
	struct jobfiles files = { 0 };
	char *copy = xstrdup(text);
	int r;

	complain_into(said);
	assert_int_equal(jobfiles_read_text("two.job", NULL, copy, &files), 0);
	assert_int_equal(plan_make(&p, &files), 0);
	r = plan_apply(&p);
	complain_into(NULL);
	*done = p.done;
	plan_done(&p);
	jobfiles_done(&files);
	free(copy);
	return r;
}

static void
check(int code, const char *wanted)
{
	struct buf said = { 0 };
	bool done;

	assert_int_equal(apply(&said, &done), code);
	assert_string_equal(buf_string(&said), wanted);
	assert_int_equal(done, code == 0);
	assert_int_equal(jobd.dry, 1);
	assert_int_equal(jobd.applied, 1);
	/* What was not done takes nothing away either. */
	assert_int_equal(jobd.removed, code == 0);
	buf_done(&said);
	memset(&jobd, 0, sizeof(jobd));
}

static void
what_is_refused_in_the_end_is_told_with_its_place_and_nothing_is_removed(void **state)
{
	(void)state;
	jobd.error = JOBD_CONFLICT;
	jobd.parameters = "{\"reason\":\"job 5 was changed meanwhile: its generation is 4, not 3\"}";
	check(EXIT_CONFLICT, "two.job:5: old: that is not possible as things are: job 5 was changed meanwhile: its generation is 4,"
	    " not 3\nnothing was changed\n");
	jobd.error = JOBD_NAME_TAKEN;
	jobd.parameters = "{\"name\":\"new\"}";
	check(EXIT_CONFLICT, "two.job:1: new: another job has this name: new\nnothing was changed\n");
	jobd.error = JOBD_INVALID_FIELD;
	jobd.parameters = "{\"field\":\"edits[0].spec.timer.durationUSec\",\"reason\":\"no\"}";
	check(EXIT_USAGE, "two.job:8: Duration: no\nnothing was changed\n");
	jobd.error = JOBD_STORE_UNAVAILABLE;
	jobd.parameters = "{\"reason\":\"the disk is full\"}";
	check(EXIT_FAILED, "the state cannot be read or written; nothing was changed: the disk is full\n");
}

static void
what_is_not_answered_may_have_been_done(void **state)
{
	(void)state;
	jobd.code = EXIT_UNREACHABLE;
	check(EXIT_UNREACHABLE, "all of it was done, or nothing: apply it again, and what is done is left alone\n");
}

static void
what_is_done_is_done_and_then_what_is_gone_is_removed(void **state)
{
	(void)state;
	jobd.parameters = "{\"ids\":[9],\"edited\":[{\"job\":5,\"changed\":true,\"generation\":4}],"
	    "\"warnings\":[\"jobs[0]: a\",\"edits[0].spec: b\",\"c\"]}";
	check(0, "note: new: a\nnote: old: b\nnote: c\n");
}

static void
a_change_is_of_the_generation_that_was_read(void **state)
{
	struct client c = { .out.json = true };
	struct plan p = { .c = &c };
	struct jobfiles files = { 0 };
	struct buf said = { 0 };
	char change[] = "duration=2us", *changes[] = { change };
	struct cJSON *job;

	(void)state;
	assert_int_equal(ask_job(&c, "old", &job), 0);
	complain_into(&said);
	assert_int_equal(jobfile_change(json_get(job, "spec"), "old", changes, 1, &files), 0);
	assert_int_equal(plan_change(&p, job, files.items[0]), 0);
	assert_int_equal(jobd.compared, 3);
	jobd.alone = true;
	jobd.error = JOBD_CONFLICT;
	jobd.parameters = "{\"reason\":\"job 5 was changed meanwhile: its generation is 4, not 3\"}";
	assert_int_equal(plan_apply(&p), EXIT_CONFLICT);
	complain_into(NULL);
	assert_string_equal(buf_string(&said), "old: that is not possible as things are: job 5 was changed meanwhile:"
	    " its generation is 4, not 3\nnothing was changed\n");
	plan_done(&p);
	jobfiles_done(&files);
	json_free(job);
	buf_done(&said);
	memset(&jobd, 0, sizeof(jobd));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_refused_in_the_end_is_told_with_its_place_and_nothing_is_removed),
		cmocka_unit_test(what_is_not_answered_may_have_been_done),
		cmocka_unit_test(what_is_done_is_done_and_then_what_is_gone_is_removed),
		cmocka_unit_test(a_change_is_of_the_generation_that_was_read),
	};

	return cmocka_run_group_tests_name("client_plan", tests, NULL, NULL);
}
