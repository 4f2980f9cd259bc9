/*
 * run: Runs, Cancel and Trigger.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/server/cancel.h"
#include "daemon/server/look.h"
#include "proto/json.h"
#include "proto/mem.h"

/* ---- Runs ---- */

#define PAGE_DEFAULT 100

struct runs_in {
	char		*job;
	struct strings	 state;
	char		*before;
	int64_t		 limit;
};

static const struct field runs_fields[] = {
	{ "job", FIELD_STRING, offsetof(struct runs_in, job), .max = NAME_BYTES_MAX },
	{ "state", FIELD_STRINGS, offsetof(struct runs_in, state), .max = RUN_STATE_COUNT },
	{ "before", FIELD_STRING, offsetof(struct runs_in, before), .max = 32 },
	{ "limit", FIELD_INT, offsetof(struct runs_in, limit), .max = PAGE_MAX },
	{ .type = FIELD_END },
};

struct runs {
	struct call	 call;
	struct gate_pass pass;
	struct select	 select;
	struct strings	 selector;	/* borrows the parameter */
	struct op_runs	 op;
	struct cJSON	*runs;
	size_t		 limit;
	size_t		 n;
	size_t		 i;
};

/* The parameters; false when the caller was told what is wrong with them. */
static bool
runs_fill(struct runs *f)
{
	const struct runs_in *in = f->call.in;

	f->op.limit = f->limit = in->limit > 0 ? (size_t)in->limit : PAGE_DEFAULT;
	if (in->before != NULL) {
		f->op.before = id_parse(in->before);
		if (f->op.before == 0) {
			call_fail(&f->call, JOBD_INVALID_FIELD, "before",
			    "is not a cursor that next gave");
			return false;
		}
	}
	return states_read(&f->call, &in->state, run_state_names, &f->op.states);
}

static void
runs_answer(struct runs *f)
{
	struct cJSON *reply = json_object();
	char next[32];

	json_set(reply, "runs", f->runs);
	f->runs = NULL;
	if (f->op.next != 0) {
		snprintf(next, sizeof(next), "%" PRId64, f->op.next);
		json_set_string(reply, "next", next);
	}
	call_reply(&f->call, reply);
}

static enum task_status
runs_step(struct task *t)
{
	struct runs *f = container_of(t, struct runs, call.task);
	struct server *s = server_of(&f->call);
	struct runs_in *in = f->call.in;

	TASK_BEGIN(t);

	if (!runs_fill(f))
		goto out;
	if (in->job != NULL) {
		f->selector = (struct strings){ &in->job, 1 };
		select_start(&f->select, &f->call, &f->selector, SELECT_RUNS);
		AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->select.task));
		if (!select_told(&f->select, &f->call))
			goto out;
		if (f->select.found.n != 1) {
			call_fail(&f->call, JOBD_INVALID_FIELD, "job", "must name one job");
			goto out;
		}
		f->op.job = f->select.found.items[0].job;
		f->op.run = f->select.found.items[0].run;
	}
	gate_enter(&s->pages, &f->pass, t);
	AWAIT(t, f->pass.granted);
	if (t->err != 0)
		goto out;
	f->runs = json_array();
	do {
		f->op.op = (struct store_op){ .kind = OP_RUNS };
		f->op.limit = f->limit - f->n;
		store_submit(s->store, &f->op.op, t);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.op.done);
		if (f->op.op.result == -ENOENT) {
			call_fail(&f->call, JOBD_NOT_FOUND, in->job, NULL);
			goto out;
		}
		if (f->op.op.result < 0) {
			call_fail_store(&f->call, f->op.op.result);
			goto out;
		}
		for (f->i = 0; f->i < f->op.n; f->i++) {
			json_push(f->runs, run_reply(s, &f->op.runs[f->i]));
			if (f->i % REPLY_SLICE == REPLY_SLICE - 1)
				TASK_YIELD(t);
		}
		f->n += f->op.n;
		f->op.before = f->op.next;
		op_runs_done(&f->op);
	} while (f->op.before != 0 && f->n < f->limit && !t->cancelled);
	f->op.next = f->op.before;
	runs_answer(f);
out:;
	TASK_END(t, 0);
}

static void
runs_release(struct task *t)
{
	struct runs *f = container_of(t, struct runs, call.task);

	gate_leave(&f->pass);
	select_done(&f->select);
	json_free(f->runs);
	call_release(t);
}

static const struct task_kind runs_kind = { .name = "Runs", .step = runs_step,
    .release = runs_release };

const struct method method_runs = {
	.name = "io.jobd.Runs",
	.in = runs_fields,
	.in_size = sizeof(struct runs_in),
	.flags = METHOD_BULKY,
	.frame_size = sizeof(struct runs),
	.kind = &runs_kind,
};

/* ---- Cancel ---- */

struct cancel_in {
	struct selection which;
	char		*reason;
};

static const struct field cancel_fields[] = {
	SELECTION_ROWS(cancel_in, which),
	SELECTION_PAGE_ROW(cancel_in, which),
	{ "reason", FIELD_STRING, offsetof(struct cancel_in, reason),
	    .max = DESCRIPTION_BYTES_MAX },
	{ .type = FIELD_END },
};

struct cancel_call {
	struct call	 call;
	struct select	 select;
	struct cancel	 cancel;
};

static enum task_status
cancel_step(struct task *t)
{
	struct cancel_call *f = container_of(t, struct cancel_call, call.task);
	const struct cancel_in *in = f->call.in;
	struct cJSON *reply;

	TASK_BEGIN(t);

	if (!select_start_of(&f->select, &f->call, &in->which, SELECT_RUNS | SELECT_PAGED))
		goto out;
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->select.task));
	if (!select_told(&f->select, &f->call))
		goto out;
	cancel_start(&f->cancel, &f->call, &f->select.found, in->reason);
	f->cancel.due_too = true;
	f->cancel.part = !select_is_whole(&f->select);
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->cancel.task));
	if (!cancel_told(&f->cancel, &f->call))
		goto out;
	reply = json_object();
	json_set(reply, "runs", f->cancel.texts);
	select_set_next(&f->select, reply);
	f->cancel.texts = NULL;
	call_reply(&f->call, reply);
out:;
	TASK_END(t, 0);
}

static void
cancel_release(struct task *t)
{
	struct cancel_call *f = container_of(t, struct cancel_call, call.task);

	select_done(&f->select);
	cancel_done(&f->cancel);
	call_release(t);
}

static const struct task_kind cancel_kind = {
	.name = "Cancel", .step = cancel_step, .release = cancel_release,
};

const struct method method_cancel = {
	.name = "io.jobd.Cancel",
	.in = cancel_fields,
	.in_size = sizeof(struct cancel_in),
	.frame_size = sizeof(struct cancel_call),
	.kind = &cancel_kind,
};

/* ---- Trigger ---- */

struct trigger_in {
	struct selection which;
};

static const struct field trigger_fields[] = {
	SELECTION_ROWS(trigger_in, which),
	SELECTION_PAGE_ROW(trigger_in, which),
	{ .type = FIELD_END },
};

struct trigger {
	struct call	 call;
	struct select	 select;
	struct pass	 pass;
	struct cJSON	*runs;
	bool		 passed_over;	/* a job of somebody else's */
};

static void
trigger_fill(struct pass *p, union pass_op *op, const struct target *target)
{
	op->trigger = (struct op_trigger){
		.op.kind = OP_TRIGGER,
		.job = target->job,
		.now = loop_wall(p->task.loop),
		.uid = call_reach(p->call),
	};
}

static void
trigger_took(struct pass *p, union pass_op *any, const struct target *target)
{
	struct op_trigger *op = &any->trigger;
	struct trigger *f = p->frame;
	char text[RUN_TEXT_MAX];

	if (!refusal_passed(p, op->op.result, target, &f->passed_over))
		return;
	scheduler_run_queued(server_of(p->call)->scheduler, op);
	scheduler_dependents(server_of(p->call)->scheduler, &op->dependents);
	json_push(f->runs, json_string(run_text(op->job, op->run, text)));
	op_trigger_done(op);
}

static const struct pass_kind trigger_pass = { .fill = trigger_fill, .took = trigger_took, .changes = true };

static enum task_status
trigger_step(struct task *t)
{
	struct trigger *f = container_of(t, struct trigger, call.task);
	const struct trigger_in *in = f->call.in;
	struct cJSON *reply;

	TASK_BEGIN(t);

	f->runs = json_array();
	f->pass.call = &f->call;
	f->pass.frame = f;
	if (!select_start_of(&f->select, &f->call, &in->which, SELECT_PAGED))
		goto out;
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->select.task));
	if (!select_told(&f->select, &f->call))
		goto out;
	look_start(&f->pass, &look_at_owners, &f->select.found, t);
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->pass.task));
	if (!pass_told(&f->pass, &f->call))
		goto out;
	pass_start(&f->pass, &trigger_pass, &f->select.found, t);
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->pass.task));
	if (json_count(f->runs) == 0 && f->passed_over && select_is_whole(&f->select))
		pass_refuse(&f->pass, JOBD_PERMISSION_DENIED, NULL);
	if (!pass_told(&f->pass, &f->call))
		goto out;
	reply = json_object();
	json_set(reply, "runs", f->runs);
	select_set_next(&f->select, reply);
	f->runs = NULL;
	call_reply(&f->call, reply);
out:;
	TASK_END(t, 0);
}

static void
trigger_release(struct task *t)
{
	struct trigger *f = container_of(t, struct trigger, call.task);

	select_done(&f->select);
	pass_done(&f->pass);
	json_free(f->runs);
	call_release(t);
}

static const struct task_kind trigger_kind = {
	.name = "Trigger", .step = trigger_step, .release = trigger_release,
};

const struct method method_trigger = {
	.name = "io.jobd.Trigger",
	.in = trigger_fields,
	.in_size = sizeof(struct trigger_in),
	.frame_size = sizeof(struct trigger),
	.kind = &trigger_kind,
};
