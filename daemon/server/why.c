/*
 * why: Why: what did or did not happen, and for what causes.  The words are the scheduler's
 * (explain.h); here is gathered what they are made of.
 */
#include <errno.h>
#include <stdlib.h>

#include "daemon/scheduler/explain.h"
#include "daemon/server/planned.h"
#include "daemon/server/select.h"
#include "proto/json.h"

/* Spans are walked from now back to the oldest instant in question: at most so many pages. */
#define SPAN_PAGES_MAX 200

struct why_in {
	char	*job;
	instant	 at;
};

static const struct field why_fields[] = {
	{ "job", FIELD_STRING, offsetof(struct why_in, job), .flags = FIELD_REQUIRED,
	    .max = NAME_BYTES_MAX },
	{ "at", FIELD_INSTANT, offsetof(struct why_in, at), .flags = 0 },
	{ .type = FIELD_END },
};

struct why {
	struct call	 call;
	struct select	 select;
	struct strings	 selector;	/* borrows the parameter */
	struct target	 target;
	struct op_get	 get;
	bool		 got;
	struct planned		 planned;
	struct run_info	 queued;	/* run 0: none */
	struct run_info	 runs[EXPLAIN_RUNS + 1];
	size_t		 i;
	union {			/* one after another */
		struct op_runs	 runs;
		struct op_ledger ledger;
		struct op_spans	 spans;
	} op;
	struct explain	 explain;
};

/* The job as it was added; false when the caller was told that it cannot be read. */
static bool
why_read(struct why *f)
{
	if (planned_open(&f->planned, server_of(&f->call), &f->get.job))
		return true;
	call_fail(&f->call, JOBD_CONFLICT, "the stored job cannot be read", NULL);
	return false;
}

/* The queued run that the question is about; 0: it is about an occurrence. */
static int64_t
run_asked(const struct why *f)
{
	instant due = f->get.job.due;

	if (f->explain.question != EXPLAIN_NOW)
		return f->target.run;
	if (instant_is_set(due) && due.usec <= f->explain.now.usec)
		return 0;
	return f->queued.run;
}

/* What is asked, and what is known at once. */
static void
why_begin(struct why *f)
{
	const struct why_in *in = f->call.in;
	struct explain *e = &f->explain;
	struct server *s = server_of(&f->call);

	e->now = loop_wall(s->loop);
	e->job = &f->get.job;
	e->queued = f->queued.run != 0 ? &f->queued : NULL;
	e->spec = &f->planned.spec;
	e->schedule = &f->planned.schedule;
	e->mine = call_owns(&f->call, f->get.job.uid);
	e->runs = f->runs;
	e->at = in->at;
	if (f->target.run != 0)
		e->question = EXPLAIN_RUN;
	else if (instant_is_set(in->at))
		e->question = EXPLAIN_INSTANT;
	scheduler_view(s->scheduler, e->job->id, e->job->kind, e->job->queue, run_asked(f), &e->view);
	if (f->get.job.last != NULL)
		run_add_live(s, f->get.job.last);
}

/* Those that are queued, the newest first: of so many the first in line is told. */
static void
queued_submit(struct why *f)
{
	f->op.runs = (struct op_runs){ .op.kind = OP_RUNS, .job = f->target.job,
	    .states = 1u << RUN_QUEUED, .limit = PAGE_MAX };
	store_submit(server_of(&f->call)->store, &f->op.runs.op, &f->call.task);
}

static void
queued_took(struct why *f)
{
	struct op_runs *op = &f->op.runs;

	if (op->op.result == 0 && op->n > 0) {
		f->queued = op->runs[op->n - 1];
		op->runs[op->n - 1] = (struct run_info){ .run = 0 };
	}
	if (op->op.result == 0)
		op_runs_done(op);
}

static void
runs_submit(struct why *f, int64_t run)
{
	f->op.runs = (struct op_runs){ .op.kind = OP_RUNS, .job = f->target.job, .run = run,
	    .limit = 1 };
	store_submit(server_of(&f->call)->store, &f->op.runs.op, &f->call.task);
}

/* Take over one run, if it is there. */
static void
runs_took(struct why *f)
{
	struct op_runs *op = &f->op.runs;

	if (op->op.result == 0 && op->n > 0) {
		run_add_live(server_of(&f->call), &op->runs[0]);
		f->runs[f->explain.runs_n++] = op->runs[0];
		op->runs[0] = (struct run_info){ .run = 0 };
	}
	if (op->op.result == 0)
		op_runs_done(op);
}

static void
ledger_submit(struct why *f, bool backward)
{
	struct explain *e = &f->explain;
	instant until = explain_until(e);

	f->op.ledger = (struct op_ledger){ .op.kind = OP_LEDGER, .job = f->target.job,
	    .backward = backward, .limit = EXPLAIN_ROWS };
	if (backward)
		f->op.ledger.to = until;
	else
		f->op.ledger.from = instant_add(until, 1);
	if (!backward)
		f->op.ledger.to = (instant){ INT64_MAX };
	store_submit(server_of(&f->call)->store, &f->op.ledger.op, &f->call.task);
}

static void
ledger_took(struct why *f)
{
	const struct op_ledger *op = &f->op.ledger;
	struct explain *e = &f->explain;

	for (size_t i = 0; i < op->n; i++) {
		if (op->backward)
			e->before[e->before_n++] = op->rows[i];
		else if (e->after.count == 0 && op->rows[i].first.usec >= op->from.usec)
			e->after = op->rows[i];
	}
	op_ledger_done(&f->op.ledger);
}

/* A skip may have been made up for by hand, with its due. */
static void
made_up_submit(struct why *f)
{
	instant due = f->explain.exact.o.due;

	f->op.ledger = (struct op_ledger){ .op.kind = OP_LEDGER, .job = f->target.job,
	    .by_hand = true, .from = due, .to = due };
	store_submit(server_of(&f->call)->store, &f->op.ledger.op, &f->call.task);
}

static void
made_up_took(struct why *f)
{
	for (size_t i = 0; i < f->op.ledger.n; i++) {
		if (f->op.ledger.rows[i].cause < 0)
			explain_made_up(&f->explain, f->op.ledger.rows[i].run);
	}
	op_ledger_done(&f->op.ledger);
}

/* From now back: a page ends with its oldest. */
static void
spans_submit(struct why *f)
{
	const struct op_spans *before = &f->op.spans;
	instant to = f->explain.spans_to;

	if (f->i > 0)
		to = instant_add(before->rows[before->n - 1].first, -1);
	f->op.spans = (struct op_spans){ .op.kind = OP_SPANS, .job = f->target.job,
	    .from = f->explain.spans_from, .to = to };
	store_submit(server_of(&f->call)->store, &f->op.spans.op, &f->call.task);
}

static bool
spans_took(struct why *f)
{
	for (size_t i = 0; i < f->op.spans.n; i++)
		explain_span(&f->explain, &f->op.spans.rows[i]);
	return f->op.spans.more && ++f->i < SPAN_PAGES_MAX;
}

static void
set_due(struct cJSON *reply, const char *name, const struct subject *s)
{
	char text[WHEN_TEXT_MAX];

	if (s->kind != SUBJECT_NONE)
		json_set_string(reply, name, instant_print(s->o.due, text));
}

static void
why_answer(struct why *f)
{
	struct cJSON *reply = json_object(), *causes = json_array();
	struct explain *e = &f->explain;

	explain(e);
	json_set_int(reply, "job", f->target.job);
	json_set_string(reply, "summary", e->summary);
	for (size_t i = 0; i < e->causes.n; i++)
		json_push(causes, fields_write(cause_info_fields, e->causes.items[i]));
	json_set(reply, "causes", causes);
	if (e->question != EXPLAIN_NOW) {
		set_due(reply, "due", &e->exact);
		set_due(reply, "dueBefore", &e->earlier);
		set_due(reply, "dueAfter", &e->later);
	}
	call_reply(&f->call, reply);
}

/* The job or run that is asked about; false when the caller was told that there is not one. */
static bool
why_selected(struct why *f)
{
	if (!select_told(&f->select, &f->call))
		return false;
	if (f->select.found.n != 1) {
		call_fail(&f->call, JOBD_INVALID_FIELD, "job", "must name one job or run");
		return false;
	}
	f->target = f->select.found.items[0];
	return true;
}

/* What the store has said; false when the caller was told that it could not. */
static bool
why_answered(struct why *f, const struct store_op *op)
{
	const struct why_in *in = f->call.in;

	if (op->result == -ENOENT)
		call_fail(&f->call, JOBD_NOT_FOUND, in->job, NULL);
	else if (op->result < 0)
		call_fail_store(&f->call, op->result);
	return op->result == 0;
}

static enum task_status
why_step(struct task *t)
{
	struct why *f = container_of(t, struct why, call.task);
	struct why_in *in = f->call.in;

	TASK_BEGIN(t);

	f->selector = (struct strings){ &in->job, 1 };
	select_start(&f->select, &f->call, &f->selector, SELECT_RUNS);
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->select.task));
	if (!why_selected(f))
		goto out;
	f->get = (struct op_get){ .op.kind = OP_GET, .id = f->target.job };
	store_submit(server_of(&f->call)->store, &f->get.op, t);
	AWAIT_SHIELDED(t, USEC_NEVER, f->get.op.done);
	f->got = why_answered(f, &f->get.op);
	if (!f->got || !why_read(f))
		goto out;
	if (f->get.job.state == JOB_QUEUED) {
		queued_submit(f);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.runs.op.done);
		queued_took(f);
	}
	why_begin(f);
	if (f->target.run != 0) {
		runs_submit(f, f->target.run);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.runs.op.done);
		if (!why_answered(f, &f->op.runs.op))
			goto out;
		runs_took(f);
		f->explain.at = f->runs[0].due;
	}
	for (f->i = 0; f->i < 2; f->i++) {
		ledger_submit(f, f->i == 0);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.ledger.op.done);
		if (!why_answered(f, &f->op.ledger.op))
			goto out;
		ledger_took(f);
	}
	explain_pick(&f->explain);
	if (f->explain.exact.kind == SUBJECT_SKIPPED) {
		made_up_submit(f);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.ledger.op.done);
		if (!why_answered(f, &f->op.ledger.op))
			goto out;
		made_up_took(f);
	}
	for (f->i = 0; f->i < f->explain.wanted_n; f->i++) {
		runs_submit(f, f->explain.wanted[f->i]);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.runs.op.done);
		runs_took(f);
	}
	f->i = 0;
	do {
		spans_submit(f);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.spans.op.done);
		if (!why_answered(f, &f->op.spans.op))
			goto out;
	} while (spans_took(f) && !t->cancelled);
	why_answer(f);
out:;
	TASK_END(t, 0);
}

static void
why_release(struct task *t)
{
	struct why *f = container_of(t, struct why, call.task);

	for (size_t i = 0; i < f->explain.runs_n; i++)
		run_info_done(&f->runs[i]);
	if (f->queued.run != 0)
		run_info_done(&f->queued);
	explain_done(&f->explain);
	planned_done(&f->planned);
	if (f->got)
		op_get_done(&f->get);
	select_done(&f->select);
	call_release(t);
}

static const struct task_kind why_kind = { .name = "Why", .step = why_step,
    .release = why_release };

const struct method method_why = {
	.name = "io.jobd.Why",
	.in = why_fields,
	.in_size = sizeof(struct why_in),
	.frame_size = sizeof(struct why),
	.kind = &why_kind,
};
