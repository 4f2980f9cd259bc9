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

#include "daemon/scheduler/recorder.h"
#include "daemon/scheduler/scheduler-internal.h"
#include "proto/mem.h"

instant
ledger_missed_until(int misfire, instant since)
{
	return instant_add(since, misfire == MISFIRE_ALL ? -1 : -MISFIRE_TOLERANCE - 1);
}

bool
ledger_is_misfire(const struct pending *p, instant since)
{
	return !p->on_time &&
	    schedule_begin(&p->schedule, p->due).usec <=
	    ledger_missed_until(p->misfire, since).usec;
}

static struct ledger_decision
skip_range(const struct pending *p, const struct schedule_past *past, int cause)
{
	return (struct ledger_decision){
		.what = LEDGER_SKIP, .first = p->due, .last = past->last, .count = past->count,
		.cause = cause, .next = past->next,
	};
}

/* The last of the piled up; those before it were missed. */
static struct ledger_decision
run_latest(const struct pending *p, const struct schedule_past *past)
{
	return (struct ledger_decision){
		.what = LEDGER_RUN, .first = p->due, .last = past->before, .count = past->count - 1,
		.cause = SKIP_MISSED, .due = past->last, .mark = past->mark, .next = past->next,
	};
}

/*
 * How many that are to be run have come after a range: it ends where one of another kind comes,
 * or with as many as one look takes in.  No more are counted than a look takes in, either.
 */
static int64_t
come_after(const struct pending *p, const struct schedule_past *past, instant until)
{
	bool more = past->more;
	struct occurrence o;
	int64_t n = 0;

	if (more)
		o = schedule_at(&p->schedule, past->next);
	for (int i = 0; more && i < SCHEDULE_LOOK_MAX; i++) {
		if (schedule_begin(&p->schedule, o.due).usec > until.usec)
			break;
		n += o.cause < 0;
		more = schedule_next(&p->schedule, o.due, &o);
	}
	return n;
}

/* The latest of what has piled up is run; what is before it, in this range or a later one, was missed. */
static struct ledger_decision
run_last(const struct pending *p, const struct schedule_past *past, instant now)
{
	if (come_after(p, past, now) > 0)
		return skip_range(p, past, SKIP_MISSED);
	return run_latest(p, past);
}

/* Every misfire is run, one at a time, but no more than the latest `limit`. */
static struct ledger_decision
run_each(const struct pending *p, const struct occurrence *first, struct schedule_past missed,
    instant until)
{
	int64_t over = missed.count + come_after(p, &missed, until) -
	    schedule_misfire_limit(&p->schedule);
	struct occurrence o = *first;

	if (over >= missed.count)
		return skip_range(p, &missed, SKIP_MISSED);
	missed.mark = first->mark;
	missed.last = first->due;
	missed.count = over > 0 ? over : 1;
	for (int64_t i = 1; i < missed.count; i++) {
		(void)schedule_next(&p->schedule, o.due, &o);	/* they were counted */
		missed.last = o.due;
	}
	missed.next = schedule_next(&p->schedule, missed.last, &o) ? o.due : (instant){ 0 };
	return over > 0 ? skip_range(p, &missed, SKIP_MISSED) : run_latest(p, &missed);
}

/*
 * Occurrences that nobody was there for, from p's on.  Those that came since then are none, and
 * are judged by themselves; but once means the latest of all.
 */
static struct ledger_decision
decide_misfire(const struct pending *p, const struct occurrence *first,
    const struct schedule_past *past, instant now, instant since)
{
	enum misfire policy = schedule_misfire(&p->schedule, p->misfire, p->kind, p->due);
	usec_t window = schedule_misfire_window(&p->schedule);
	instant until = ledger_missed_until(p->misfire, since);
	struct schedule_past missed = schedule_past(&p->schedule, first, until), old = missed;

	if (policy == MISFIRE_SKIP)
		return skip_range(p, &missed, SKIP_MISSED);
	if (window == USEC_NEVER)
		old.count = 0;
	else if (now.usec - window < until.usec)
		old = schedule_past(&p->schedule, first, instant_add(now, -window));
	if (old.count > 0 && (policy == MISFIRE_ALL || old.count == past->count))
		return skip_range(p, &old, SKIP_MISSED);
	return policy == MISFIRE_ALL ? run_each(p, first, missed, until) : run_last(p, past, now);
}

/*
 * The job has a run, and d is to be run: of a repeated occurrence its overlap decides, unless it was
 * promised; others wait.
 */
static struct ledger_decision
decide_active(const struct pending *p, const struct schedule_past *past,
    const struct ledger_decision *d, bool promised)
{
	struct ledger_decision queue = *d;

	if (!schedule_repeats(&p->schedule) || promised)
		return (struct ledger_decision){ .what = LEDGER_PARK };
	if (p->stand.overlap != OVERLAP_QUEUE && p->stand.overlap != OVERLAP_REPLACE)
		return skip_range(p, past, SKIP_OVERLAP);
	/* What was missed before it goes first, by itself: then this one is looked at again. */
	queue.what = d->count > 0 ? LEDGER_SKIP : LEDGER_QUEUE;
	if (d->count > 0)
		queue.next = d->due;
	return queue;
}

struct ledger_decision
ledger_decide(const struct pending *p, instant now, instant since, bool active)
{
	struct occurrence first = schedule_at(&p->schedule, p->due);
	struct schedule_past past = schedule_past(&p->schedule, &first, now), paused;
	bool misfire = p->resumed.usec < p->due.usec && ledger_is_misfire(p, since);
	struct ledger_decision d;

	if (past.count == 0)
		return (struct ledger_decision){ .what = LEDGER_LATER };
	if (first.cause >= 0)
		return skip_range(p, &past, first.cause);
	if (schedule_repeats(&p->schedule) && p->resumed.usec >= p->due.usec) {
		paused = schedule_past(&p->schedule, &first,
		    p->resumed.usec < now.usec ? p->resumed : now);
		if (paused.count > 0)
			return skip_range(p, &paused,
			    p->released ? SKIP_QUARANTINED : SKIP_PAUSED);
	}
	if (misfire)
		d = decide_misfire(p, &first, &past, now, since);
	else
		d = active ? run_latest(p, &past) : run_last(p, &past, now);
	if (d.what == LEDGER_RUN && active)
		return decide_active(p, &past, &d, misfire && p->misfire == MISFIRE_ALL);
	d.misfire = misfire;
	return d;
}

void
ledger_skip_fill(struct op_skip *op, int64_t job, const struct ledger_decision *d)
{
	*op = (struct op_skip){
		.op.kind = OP_SKIP, .job = job,
		.first = d->first, .last = d->last, .count = d->count,
		.cause = d->cause, .run = d->cause == SKIP_OVERLAP ? d->active : 0,
		.next_due = d->what == LEDGER_RUN ? d->due : d->next,
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
	if (op->notices > 0)
		notifier_look(s->notifier);
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
	f->op.now = loop_wall(f->s->loop);
	recorder_skip(f->s, &f->op);
	store_submit(f->s->store, &f->op.op, &f->task);
}

/* The store has answered: back to the window, or out of it. */
static void
skip_over(struct skip *f)
{
	struct scheduler *s = f->s;
	instant now = loop_wall(s->loop);

	recorder_skipped(s, &f->op);
	if (f->op.op.result == 0) {
		ledger_skip_tell(s, &f->op, f->pending->kind);
		window_back(&s->window, f->pending, f->decision.next, now);
		scheduler_dependents(s, &f->op.dependents);
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

	op_skip_done(&f->op);
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
