/*
 * enqueue: see enqueue.h.  The queued run, the next due, and with replace the end of what it takes the
 * place of are one transaction; so a crash at any moment leaves either the occurrence or its run, and
 * a run that is to make room is found marked by the next daemon.
 *
 * Only the store knows for certain how many wait: when they are as many as may, it says so, and
 * the occurrence is skipped.
 */
#include "daemon/scheduler/enqueue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/scheduler/recorder.h"
#include "daemon/scheduler/run.h"
#include "daemon/scheduler/scheduler-internal.h"
#include "proto/mem.h"

struct enqueue {
	struct task		 task;
	struct scheduler	*s;
	struct pending		*pending;
	struct ledger_decision	 decision;
	struct op_claim		 op;
	usec_t			 backoff;
};

static void
enqueue_submit(struct enqueue *f)
{
	const struct ledger_decision *d = &f->decision;
	const struct stand *st = &f->pending->stand;
	bool replace = st->overlap == OVERLAP_REPLACE;

	f->op = (struct op_claim){
		.op.kind = OP_CLAIM, .job = f->pending->job, .due = d->due, .next_due = d->next,
		.mark = d->mark, .noticed = f->pending->noticed, .started = loop_wall(f->s->loop),
		.queue = true, .queue_max = replace ? 0 : st->limit, .replace = replace,
	};
	recorder_claim(f->s, &f->op, f->pending->kind);
	store_submit(f->s->store, &f->op.op, &f->task);
}

/* The active runs make room: what waited is over, what goes on is told to end. */
static void
enqueue_replace(struct enqueue *f)
{
	struct scheduler *s = f->s;
	struct lane *lane = lane_get(&s->queue, f->op.job);
	char by[96];

	(void)snprintf(by, sizeof(by), REPLACED_BY, f->op.job, f->op.run);
	for (struct seat *seat = lane != NULL ? lane->seats : NULL; seat != NULL;
	    seat = seat->lane_next)
		(void)run_cancel(run_of_seat(seat), seat->run, by);
	if (f->op.replaced != 0)
		scheduler_queued_over(s, &(struct queued_end){ .job = f->op.job,
		    .run = f->op.replaced, .was = f->op.replaced_was, .retrying = f->op.retrying,
		    .name = f->op.row.name, .kind = f->op.row.kind, .job_state = f->op.job_state });
}

/* Committed: the run exists, and waits. */
static void
enqueue_tell(struct enqueue *f)
{
	const struct op_claim *op = &f->op;
	struct stand st = stand_copy(&f->pending->stand);

	if (op->replace)
		enqueue_replace(f);
	/* Edited meanwhile, it may be of other terms than we have: it is loaded with those of the store. */
	if (f->pending->edited)
		f->s->queue.more = true;
	scheduler_queued(f->s, &(struct queued_new){ .job = op->job, .run = op->run,
	    .name = op->row.name, .kind = op->row.kind }, &st);
}

/* The store has answered: back to the window, or out of it. */
static void
enqueue_over(struct enqueue *f)
{
	struct scheduler *s = f->s;
	struct pending *p = f->pending;
	instant now = loop_wall(s->loop);

	recorder_claimed(s, &f->op, p->kind);
	if (f->op.op.result == 0 && f->op.full) {
		scheduler_overlap(s, p, &(struct ledger_decision){ .what = LEDGER_SKIP,
		    .first = p->due, .last = p->due, .count = 1, .cause = SKIP_OVERLAP,
		    .next = f->decision.next });
	} else if (f->op.op.result == 0) {
		p->overlaps = 0;
		enqueue_tell(f);
		window_back(&s->window, p, f->decision.next, now);
		scheduler_dependents(s, &f->op.dependents);
	} else if (f->op.op.result == -ESTALE) {
		window_refused(&s->window, p, now);
	} else {
		/* We stop; the next daemon decides it. */
		window_back(&s->window, p, p->due, now);
	}
	op_claim_done(&f->op);
	s->deciding--;
	scheduler_changed(s);
}

static enum task_status
enqueue_step(struct task *t)
{
	struct enqueue *f = container_of(t, struct enqueue, task);

	TASK_BEGIN(t);

	for (;;) {
		enqueue_submit(f);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.op.done);
		if (!scheduler_store_failed(f->s, &f->op.op, &f->backoff))
			break;
		SLEEP_UNTIL(t, loop_now(t->loop) + f->backoff);
		if (t->err == -ECANCELED)
			break;
	}
	enqueue_over(f);

	TASK_END(t, f->op.op.result);
}

static void
enqueue_serves(const struct task *t, char *out, size_t n)
{
	const struct enqueue *f = container_of(t, const struct enqueue, task);

	(void)snprintf(out, n, "%lld", (long long)f->op.job);
}

static void
enqueue_release(struct task *t)
{
	free(container_of(t, struct enqueue, task));
}

static const struct task_kind enqueue_kind = {
	.name = "enqueue",
	.step = enqueue_step,
	.release = enqueue_release,
	.serves = enqueue_serves,
};

void
enqueue_start(struct scheduler *s, struct pending *p, const struct ledger_decision *d)
{
	struct enqueue *f = xcalloc(1, sizeof(*f));

	MUST(p->state == PENDING_TAKEN && d->what == LEDGER_QUEUE && d->due.usec == p->due.usec);
	f->s = s;
	f->pending = p;
	f->decision = *d;
	s->deciding++;
	task_start(&f->task, &enqueue_kind, &s->task);
}
