/*
 * ledger: see ledger.h.  The skip of a range and the due after it are one transaction in the store,
 * as a claim and its next due are: so at any instant the job's due is the first
 * occurrence without a disposition, and after a crash nothing is decided twice or left out.
 */
#include "daemon/scheduler/ledger.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/scheduler/scheduler-internal.h"
#include "proto/mem.h"

bool
ledger_is_misfire(const struct pending *p, instant since)
{
	return !p->on_time && p->due.usec < since.usec - MISFIRE_TOLERANCE;
}

static struct ledger_decision
skip_range(const struct pending *p, struct schedule_past past, int cause)
{
	return (struct ledger_decision){
		.what = LEDGER_SKIP, .first = p->due, .last = past.last, .count = past.count,
		.cause = cause, .next = past.next,
	};
}

struct ledger_decision
ledger_decide(const struct pending *p, instant now, instant since, bool active)
{
	struct schedule_past past = schedule_past(p->due, p->every, now);

	if (past.count == 0)
		return (struct ledger_decision){ .what = LEDGER_LATER };
	if (p->every > 0 && p->resumed.usec >= p->due.usec) {
		instant until = p->resumed.usec < now.usec ? p->resumed : now;

		return skip_range(p, schedule_past(p->due, p->every, until), SKIP_PAUSED);
	}
	if (p->resumed.usec < p->due.usec && ledger_is_misfire(p, since) &&
	    schedule_misfire(p->misfire, p->kind, p->every) == MISFIRE_SKIP)
		return skip_range(p, past, SKIP_MISSED);
	if (active && p->every > 0)
		return skip_range(p, past, SKIP_OVERLAP);
	if (active)
		return (struct ledger_decision){ .what = LEDGER_PARK };
	return (struct ledger_decision){
		.what = LEDGER_RUN, .first = p->due, .last = instant_add(past.last, -p->every),
		.count = past.count - 1, .cause = SKIP_MISSED, .due = past.last, .next = past.next,
	};
}

void
ledger_skip_fill(struct op_skip *op, int64_t job, const struct ledger_decision *d)
{
	*op = (struct op_skip){
		.op.kind = OP_SKIP, .job = job,
		.first = d->first, .last = d->last, .count = d->count,
		.cause = d->cause, .next_due = d->what == LEDGER_RUN ? d->due : d->next,
	};
}

void
ledger_skip_tell(struct scheduler *s, const struct op_skip *op, int kind)
{
	struct event_info e = EVENT_INFO_NONE;
	char reason[80];

	s->stats.skips += (uint64_t)op->count;
	if (op->count == 1)
		(void)snprintf(reason, sizeof(reason), "%s", skip_cause_names[op->cause]);
	else
		(void)snprintf(reason, sizeof(reason), "%s: %lld occurrences",
		    skip_cause_names[op->cause], (long long)op->count);
	e.at = loop_wall(s->loop);
	e.type = EVENT_JOB_SKIPPED;
	e.job = op->job;
	e.name = op->name;
	e.kind = kind;
	e.reason = reason;
	event_emit(s->events, &e);
}

/* One skip being written. */
struct skip {
	struct task		 task;
	struct scheduler	*s;
	struct pending		*pending;
	struct ledger_decision	 decision;
	struct op_skip		 op;
	usec_t			 backoff;
};

static void
skip_submit(struct skip *f)
{
	ledger_skip_fill(&f->op, f->pending->job, &f->decision);
	store_submit(f->s->store, &f->op.op, &f->task);
}

/* The store has answered: back to the window, or out of it. */
static void
skip_over(struct skip *f)
{
	struct scheduler *s = f->s;
	instant now = loop_wall(s->loop);

	if (f->op.op.result == 0) {
		ledger_skip_tell(s, &f->op, f->pending->kind);
		window_back(&s->window, f->pending, f->decision.next, now);
	} else if (f->op.op.result == -ESTALE) {
		window_refused(&s->window, f->pending, now);
	} else {
		/* We stop; the next daemon decides it. */
		window_back(&s->window, f->pending, f->pending->due, now);
	}
	s->deciding--;
	scheduler_changed(s);
}

static enum task_status
skip_step(struct task *t)
{
	struct skip *f = container_of(t, struct skip, task);

	TASK_BEGIN(t);

	for (;;) {
		skip_submit(f);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.op.done);
		if (!scheduler_store_failed(f->s, &f->op.op, &f->backoff))
			break;
		SLEEP_UNTIL(t, loop_now(t->loop) + f->backoff);
		if (t->err == -ECANCELED)
			break;
	}
	skip_over(f);

	TASK_END(t, f->op.op.result);
}

static void
skip_serves(const struct task *t, char *out, size_t n)
{
	const struct skip *f = container_of(t, const struct skip, task);

	(void)snprintf(out, n, "%lld", (long long)f->pending->job);
}

static void
skip_release(struct task *t)
{
	struct skip *f = container_of(t, struct skip, task);

	free(f->op.name);
	free(f);
}

/* The pending may be gone at the end: serves is asked of living tasks that wait only. */
static const struct task_kind skip_kind = {
	.name = "skip",
	.step = skip_step,
	.release = skip_release,
	.serves = skip_serves,
};

void
ledger_skip_start(struct scheduler *s, struct pending *p, const struct ledger_decision *d)
{
	struct skip *f = xcalloc(1, sizeof(*f));

	MUST(p->state == PENDING_TAKEN && d->what == LEDGER_SKIP);
	f->s = s;
	f->pending = p;
	f->decision = *d;
	s->deciding++;
	task_start(&f->task, &skip_kind, &s->task);
}
