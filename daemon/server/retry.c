/*
 * retry: Retry: another attempt by hand, of runs that are named, of the latest runs of jobs, or of all
 * that have failed since an instant.  What has failed is read in pages, and each page is retried
 * before the next is read; what fails again meanwhile ended after the call began, and is not read.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "daemon/server/cancel.h"
#include "daemon/server/look.h"
#include "daemon/store/state.h"
#include "proto/json.h"
#include "proto/mem.h"

struct retry_in {
	struct selection which;
	bool		failed;
	instant		since;
};

static const struct field retry_fields[] = {
	SELECTION_ROWS(retry_in, which),
	{ "failed", FIELD_BOOL, offsetof(struct retry_in, failed), .flags = 0 },
	{ "since", FIELD_INSTANT, offsetof(struct retry_in, since), .flags = 0 },
	{ .type = FIELD_END },
};

struct retry_call {
	struct call	 call;
	struct select	 select;
	struct pass	 pass;
	struct targets	 page;		/* failed runs that are to be retried now */
	struct op_failed op;
	size_t		 i;		/* of select.found, of which the failed are read */
	struct cJSON	*runs;
	bool		 left;		/* there are more than one call may touch */
	bool		 passed_over;	/* a job of somebody else's */
};

/* Else it is for the failed runs of all. */
static bool
is_selected(const struct retry_in *in)
{
	return !selection_is_empty(&in->which);
}

/* False when the caller was told what is wrong. */
static bool
retry_check(struct retry_call *f)
{
	const struct retry_in *in = f->call.in;
	const char *field = NULL, *why = NULL;

	if (!is_selected(in) && !in->failed) {
		field = "jobs";
		why = "name jobs or runs, or say failed and since";
	} else if (!is_selected(in) && !instant_is_set(in->since)) {
		field = "since";
		why = "without jobs it must say since when";
	} else if (instant_is_set(in->since) && !in->failed) {
		field = "since";
		why = "it is for failed";
	}
	if (field == NULL)
		return true;
	call_fail(&f->call, JOBD_INVALID_FIELD, field, why);
	return false;
}

/* ---- one by one ---- */

static void
retry_fill(struct pass *p, union pass_op *op, const struct target *target)
{
	op->retry = (struct op_retry){
		.op.kind = OP_RETRY,
		.job = target->job,
		.run = target->run,
		.now = loop_wall(p->task.loop),
		.uid = call_reach(p->call),
	};
}

/* Why it cannot be tried again (was: the state of the run; -1: there is none); only who names a run or job is told. */
static void
refuse_state(struct pass *p, const struct target *target, int64_t run, int was)
{
	char text[RUN_TEXT_MAX], *why;

	if (target->pattern || target->cursor < 0)
		return;
	if (was < 0)
		why = xasprintf("job %" PRId64 " has not run yet", target->job);
	else if (was == RUN_SUCCEEDED)
		why = xasprintf("run %s has succeeded: trigger runs its job again",
		    run_text(target->job, run, text));
	else
		why = xasprintf("run %s is %s already", run_text(target->job, run, text), run_state_names[was]);
	pass_refuse(p, JOBD_CONFLICT, why);
	free(why);
}

static void
look_took(struct pass *p, union pass_op *op, const struct target *target)
{
	const struct run_info *run = op->runs.op.result >= 0 && op->runs.n > 0 ? &op->runs.runs[0] : NULL;

	if (look_allows(p, op, target)) {
		if (run == NULL)
			refuse_state(p, target, 0, -1);
		else if (!run_state_allows((enum run_state)run->state, RUN_QUEUED))
			refuse_state(p, target, run->run, run->state);
	}
	op_runs_done(&op->runs);
}

static const struct pass_kind look_pass = { .fill = look_last_fill, .took = look_took };

static void
retry_took(struct pass *p, union pass_op *any, const struct target *target)
{
	struct retry_call *f = p->frame;
	struct op_retry *op = &any->retry;
	char text[RUN_TEXT_MAX];

	if (op->op.result == -EALREADY) {
		refuse_state(p, target, op->run, op->was);
		return;
	}
	if (!refusal_passed(p, op->op.result, target, &f->passed_over))
		return;
	scheduler_run_retried(server_of(p->call)->scheduler, op);
	scheduler_dependents(server_of(p->call)->scheduler, &op->dependents);
	json_push(f->runs, json_string(run_text(op->job, op->run, text)));
	op_retry_done(op);
}

static const struct pass_kind retry_pass = { .fill = retry_fill, .took = retry_took, .changes = true };

/* ---- what has failed ---- */

static void
failed_begin(struct retry_call *f)
{
	const struct retry_in *in = f->call.in;

	f->op = (struct op_failed){ .since = in->since, .until = loop_wall(f->call.task.loop),
	    .uid = !is_selected(in) ? call_reach(&f->call) : -1,
	    .job = !is_selected(in) ? 0 : f->select.found.items[f->i].job };
	if (!instant_is_set(f->op.since))
		f->op.since = (instant){ 1 };
}

static void
failed_submit(struct retry_call *f)
{
	f->op.op = (struct store_op){ .kind = OP_FAILED };
	store_submit(server_of(&f->call)->store, &f->op.op, &f->call.task);
}

/* The page as targets, as many as one call may touch.  False: no further page. */
static bool
failed_took(struct retry_call *f)
{
	size_t done = json_count(f->runs);

	f->page.n = 0;
	for (size_t i = 0; i < f->op.n && !f->left; i++) {
		f->left = done + f->page.n >= SELECT_MAX;
		/* The cursor says that nobody has named it. */
		if (!f->left)
			targets_add(&f->page, (struct target){ .job = f->op.rows[i].job,
			    .run = f->op.rows[i].run, .cursor = -1 });
	}
	f->op.since = f->op.next;
	f->op.after = f->op.next_after;
	return f->op.more && !f->left;
}

static void
retry_answer(struct retry_call *f)
{
	struct cJSON *reply;

	if (json_count(f->runs) == 0 && f->passed_over)
		pass_refuse(&f->pass, JOBD_PERMISSION_DENIED, NULL);
	if (!pass_told(&f->pass, &f->call))
		return;
	reply = json_object();
	json_set(reply, "runs", f->runs);
	if (f->left)
		json_set_bool(reply, "left", true);
	f->runs = NULL;
	call_reply(&f->call, reply);
}

static enum task_status
retry_step(struct task *t)
{
	struct retry_call *f = container_of(t, struct retry_call, call.task);
	const struct retry_in *in = f->call.in;

	TASK_BEGIN(t);

	if (!retry_check(f))
		goto out;
	f->runs = json_array();
	f->pass.call = &f->call;
	f->pass.frame = f;
	if (is_selected(in)) {
		if (!select_start_of(&f->select, &f->call, &in->which, in->failed ? 0 : SELECT_RUNS))
			goto out;
		AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->select.task));
		if (!select_told(&f->select, &f->call))
			goto out;
	}
	look_start(&f->pass, in->failed ? &look_at_owners : &look_pass, &f->select.found, t);
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->pass.task));
	if (!pass_told(&f->pass, &f->call))
		goto out;
	if (!in->failed) {
		pass_start(&f->pass, &retry_pass, &f->select.found, t);
		AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->pass.task));
	}
	for (; in->failed && f->i < (!is_selected(in) ? 1 : f->select.found.n); f->i++) {
		failed_begin(f);
		do {
			failed_submit(f);
			AWAIT_SHIELDED(t, USEC_NEVER, f->op.op.done);
			if (f->op.op.result < 0) {
				call_fail_store(&f->call, f->op.op.result);
				goto out;
			}
			f->op.more = failed_took(f);
			pass_start(&f->pass, &retry_pass, &f->page, t);
			AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->pass.task));
			if (t->cancelled || f->pass.why != JOBD_OK)
				break;
		} while (f->op.more);
		if (t->cancelled || f->pass.why != JOBD_OK || f->left)
			break;
	}
	retry_answer(f);
out:;
	TASK_END(t, 0);
}

static void
retry_release(struct task *t)
{
	struct retry_call *f = container_of(t, struct retry_call, call.task);

	select_done(&f->select);
	pass_done(&f->pass);
	targets_done(&f->page);
	json_free(f->runs);
	call_release(t);
}

static const struct task_kind retry_kind = {
	.name = "Retry", .step = retry_step, .release = retry_release,
};

const struct method method_retry = {
	.name = "io.jobd.Retry",
	.in = retry_fields,
	.in_size = sizeof(struct retry_in),
	.frame_size = sizeof(struct retry_call),
	.kind = &retry_kind,
};
