/*
 * cancel: see cancel.h.  First the active runs of the jobs are looked up, a page of each at a
 * time, then each is ended: durably, then in the scheduler.  A run that begins in
 * between is not among them; who wants none to begin pauses the job first.
 */
#include "daemon/server/cancel.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/server/look.h"
#include "proto/json.h"
#include "proto/mem.h"

bool
refusal_passed(struct pass *p, int result, const struct target *target, bool *passed_over)
{
	char text[RUN_TEXT_MAX];

	if (result >= 0)
		return true;
	if (result == -ENOENT)
		return false;
	if (result == -EACCES && target->pattern)
		*passed_over = true;
	else if (result == -EACCES)
		pass_refuse(p, JOBD_PERMISSION_DENIED, NULL);
	else if (result == -EALREADY && target->run != 0) {
		char *why = xasprintf("run %s is over", run_text(target->job, target->run, text));

		pass_refuse(p, JOBD_CONFLICT, why);
		free(why);
	} else
		pass_refuse_store(p, result);
	return false;
}

bool
runs_allowed(struct pass *p, const struct op_runs *op, const struct target *target, bool *passed_over)
{
	int result = op->op.result;

	if (result >= 0 && !call_owns(p->call, op->uid))
		result = -EACCES;
	return refusal_passed(p, result, target, passed_over);
}

/* ---- which runs are active ---- */

static void
find_fill(struct pass *p, union pass_op *op, const struct target *target)
{
	(void)p;
	op->runs = (struct op_runs){
		.op.kind = OP_RUNS,
		.job = target->job,
		.states = RUN_ACTIVE_STATES,
		.before = target->cursor,
		.limit = PASS_SLICE,
	};
}

static void
find_took(struct pass *p, union pass_op *any, const struct target *target)
{
	struct cancel *c = p->frame;
	struct op_runs *op = &any->runs;
	struct target next = *target;

	/* Refused whether it has an active run or not: what may be done does not hang on the moment. */
	if (!runs_allowed(p, op, target, &c->passed_over)) {
		op_runs_done(op);
		return;
	}
	for (size_t i = 0; i < op->n; i++) {
		/* The selector named the job: that the run has ended meanwhile is no conflict. */
		targets_add(op->runs[i].state == RUN_RUNNING ? &c->running : &c->runs,
		    (struct target){ .job = target->job, .run = op->runs[i].run, .cursor = -1,
		    .selector = target->selector, .pattern = target->pattern });
	}
	if (c->due_too && op->n == 0 && target->cursor == 0 && instant_is_set(op->due) &&
	    op->due.usec <= loop_wall(p->task.loop).usec && !op->paused)
		targets_add(&c->waiting, *target);
	next.cursor = op->next;
	if (op->next != 0)
		targets_add(&c->more, next);
	op_runs_done(op);
}

static const struct pass_kind find_pass = { .fill = find_fill, .took = find_took };

/* ---- ending them ---- */

static void
end_fill(struct pass *p, union pass_op *op, const struct target *target)
{
	struct cancel *c = p->frame;

	op->cancel = (struct op_cancel){
		.op.kind = OP_CANCEL,
		.job = target->job,
		.run = target->run,
		.now = loop_wall(p->task.loop),
		.uid = call_reach(p->call),
		.by = c->by,
	};
}

static void
end_took(struct pass *p, union pass_op *any, const struct target *target)
{
	struct cancel *c = p->frame;
	struct op_cancel *op = &any->cancel;
	char text[RUN_TEXT_MAX];

	if (op->op.result == -EALREADY && target->cursor == -1)
		return;
	if (!refusal_passed(p, op->op.result, target, &c->passed_over))
		return;
	scheduler_run_canceled(server_of(p->call)->scheduler, op);
	scheduler_dependents(server_of(p->call)->scheduler, &op->dependents);
	json_push(c->texts, json_string(run_text(op->job, op->run, text)));
	op_cancel_done(op);
}

static const struct pass_kind end_pass = { .fill = end_fill, .took = end_took, .changes = true };

/* What more was found becomes what is to be looked up. */
static void
next_pages(struct cancel *c)
{
	targets_done(&c->runs);
	targets_done(&c->running);
	targets_done(&c->jobs);
	c->jobs = c->more;
	c->more = (struct targets){ .n = 0 };
}

static enum task_status
cancel_step(struct task *t)
{
	struct cancel *c = container_of(t, struct cancel, task);

	TASK_BEGIN(t);

	look_start(&c->pass, &look_at_runs, c->targets, t);
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&c->pass.task));
	while (c->pass.why == JOBD_OK && !t->cancelled) {
		pass_start(&c->pass, &find_pass, &c->jobs, t);
		AWAIT_SHIELDED(t, USEC_NEVER, task_done(&c->pass.task));
		if (c->pass.why != JOBD_OK)
			break;
		if (c->waiting.n > 0) {
			queue_due_start(&c->queue_due, c->call, &c->waiting, &c->runs, t);
			AWAIT_SHIELDED(t, USEC_NEVER, task_done(&c->queue_due.task));
			targets_done(&c->waiting);
			if (c->queue_due.result < 0) {
				pass_refuse_store(&c->pass, c->queue_due.result);
				break;
			}
		}
		/* Those that run make room when they end: nothing that is canceled may begin in it. */
		pass_start(&c->pass, &end_pass, &c->runs, t);
		AWAIT_SHIELDED(t, USEC_NEVER, task_done(&c->pass.task));
		if (c->pass.why != JOBD_OK)
			break;
		pass_start(&c->pass, &end_pass, &c->running, t);
		AWAIT_SHIELDED(t, USEC_NEVER, task_done(&c->pass.task));
		next_pages(c);
		if (c->jobs.n == 0)
			break;
	}
	if (json_count(c->texts) == 0 && c->passed_over && !c->part)
		pass_refuse(&c->pass, JOBD_PERMISSION_DENIED, NULL);
	TASK_END(t, 0);
}

static const struct task_kind cancel_kind = {
	.name = "cancel",
	.step = cancel_step,
};

void
cancel_start(struct cancel *c, struct call *call, const struct targets *targets, const char *reason)
{
	cancel_done(c);
	*c = (struct cancel){ .call = call, .targets = targets, .pass.call = call,
	    .pass.frame = c };
	c->by = reason != NULL ? xasprintf("uid %u: %s", (unsigned)call->uid, reason) :
	    xasprintf("uid %u", (unsigned)call->uid);
	c->texts = json_array();
	for (size_t i = 0; i < targets->n; i++)
		targets_add(targets->items[i].run != 0 ? &c->runs : &c->jobs, targets->items[i]);
	task_start(&c->task, &cancel_kind, &call->task);
}

bool
cancel_told(struct cancel *c, struct call *call)
{
	return pass_told(&c->pass, call);
}

void
cancel_done(struct cancel *c)
{
	free(c->by);
	c->by = NULL;
	pass_done(&c->pass);
	targets_done(&c->jobs);
	targets_done(&c->more);
	targets_done(&c->runs);
	targets_done(&c->running);
	targets_done(&c->waiting);
	queue_due_done(&c->queue_due);
	json_free(c->texts);
	c->texts = NULL;
}
