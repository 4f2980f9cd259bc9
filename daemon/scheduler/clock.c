/*
 * clock: see clock.h.  A sweep is one task: it writes down what happened (for `why`), shifts the dues
 * of elapsed time slice by slice, finds wall-clock dues anew when rules have changed, and
 * has the window looked up again.  The store keeps how far a shift has come, so that one
 * that was cut short goes on at the next start and none is done twice.
 */
#include "daemon/scheduler/clock.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/base/log.h"
#include "daemon/scheduler/recorder.h"
#include "daemon/scheduler/scheduler-internal.h"
#include "proto/mem.h"

struct sweep {
	struct task		 task;
	struct scheduler	*s;
	struct span		 spans[2];	/* what happened */
	int			 spans_n, told;
	usec_t			 step;		/* dues of elapsed time move by it; 0: they do not */
	bool			 rules;		/* wall-clock dues are to be found anew */
	usec_t			 backoff;
	size_t			 i;
	int64_t			 after;
	bool			 more;
	union {				/* one after another */
		struct store_op	 head;
		struct op_span	 span;
		struct op_shift	 shift;
		struct op_redue	 redue;
	} op;
	struct op_scheduled	 page;
};

static usec_t
wall_offset(const struct scheduler *s)
{
	return loop_wall(s->loop).usec - loop_boot(s->loop);
}

static usec_t
sleep_offset(const struct scheduler *s)
{
	return loop_boot(s->loop) - loop_clock(s->loop);
}

static bool
is_step(usec_t step)
{
	return step >= CLOCK_STEP_MIN || step <= -CLOCK_STEP_MIN;
}

/* ---- the sweep ---- */

static void
sweep_submit_span(struct sweep *f)
{
	f->op.span = (struct op_span){ .op.kind = OP_SPAN, .span = f->spans[f->told] };
	store_submit(f->s->store, &f->op.head, &f->task);
}

static void
sweep_submit_shift(struct sweep *f)
{
	f->op.shift = (struct op_shift){ .op.kind = OP_SHIFT, .step = f->step,
	    .epoch = f->s->epoch };
	store_submit(f->s->store, &f->op.head, &f->task);
}

static void
sweep_submit_page(struct sweep *f)
{
	f->page.op = (struct store_op){ .kind = OP_SCHEDULED };
	f->page.after = f->after;
	store_submit(f->s->store, &f->page.op, &f->task);
}

/*
 * The job's due by the present rules: after what is decided, which may be ahead of us (skipped by
 * hand, or the clock was set back).  What has come already stays as it is.
 */
static instant
due_anew(const struct scheduler *s, const struct due_row *row)
{
	instant now = loop_wall(s->loop), after = now.usec > row->decided.usec ? now : row->decided;
	struct schedule schedule;
	struct occurrence next;
	instant due = row->due;

	if (row->due.usec <= now.usec ||
	    schedule_read(row->schedule, row->every, s->zones, row->id, &schedule) < 0)
		return due;
	if (schedule_zone(&schedule) != NULL)
		due = schedule_next(&schedule, after, &next) ? next.due : (instant){ 0 };
	schedule_done(&schedule);
	return due;
}

/* Submit the next change of the page, from f->i on.  False: there is none. */
static bool
sweep_submit_redue(struct sweep *f)
{
	for (; f->i < f->page.n; f->i++) {
		const struct due_row *row = &f->page.rows[f->i];
		instant due = due_anew(f->s, row);

		if (due.usec == row->due.usec)
			continue;
		f->op.redue = (struct op_redue){ .op.kind = OP_REDUE, .job = row->id,
		    .from = row->due, .to = due };
		store_submit(f->s->store, &f->op.head, &f->task);
		return true;
	}
	return false;
}

/*
 * What stands in line or is parked was here when it became due, and is not to be taken for a misfire:
 * it stays, and its due moves as in the store.  But when it is to come again, or by rules
 * that it does not know, it is looked up like the rest.
 */
static void
sweep_align(const struct sweep *f, struct pending *p, instant now)
{
	if (p->state != PENDING_READY && p->state != PENDING_BLOCKED && p->state != PENDING_PARKED)
		return;
	/* Its place in catching up was one of the time before; it gets another if it needs one. */
	if (f->step != 0)
		p->not_before = (instant){ 0 };
	if (p->schedule.every > 0 && f->step != 0) {
		p->due = instant_add(p->due, f->step);
		if (p->due.usec < 1)
			p->due.usec = 1;
	}
	if (f->rules || p->due.usec > now.usec)
		scheduler_forget(f->s, p->job);
}

static void
sweep_align_all(const struct sweep *f)
{
	struct window *w = &f->s->window;
	size_t n = 0, position = 0, size = window_count(w);
	struct pending **all = xmalloc((size + 1) * sizeof(struct pending *)), *p;
	instant now = loop_wall(f->s->loop);

	/* The map must not change under the walk. */
	while ((p = map_next(&w->map, &position)) != NULL)
		all[n++] = p;
	for (size_t i = 0; i < n; i++)
		sweep_align(f, all[i], now);
	free(all);
}

static void
sweep_over(struct sweep *f)
{
	struct scheduler *s = f->s;

	op_scheduled_done(&f->page);
	s->sweep = NULL;
	recorder_told(s, TOLD_SWEPT, 0, 0, 0);
	sweep_align_all(f);
	window_forget(&s->window);
	lines_forget(&s->queue.lines);
	scheduler_changed(s);
}

/* The store has answered op: false: it is to be asked again, after f->backoff. */
static bool
sweep_took(struct sweep *f, const struct store_op *op)
{
	return !scheduler_store_failed(f->s, op, &f->backoff);
}

static enum task_status
sweep_step(struct task *t)
{
	struct sweep *f = container_of(t, struct sweep, task);

	TASK_BEGIN(t);

	/* What is being decided was so by the clock and the rules as they were: it is written first. */
	AWAIT(t, f->s->deciding == 0);
	if (t->err == -ECANCELED)
		goto out;
	while (f->told < f->spans_n) {
		sweep_submit_span(f);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.head.done);
		f->told += sweep_took(f, &f->op.head);
		SLEEP_UNTIL(t, loop_now(t->loop) + f->backoff);
		if (t->err == -ECANCELED)
			goto out;
	}
	for (f->more = f->step != 0; f->more;) {
		sweep_submit_shift(f);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.head.done);
		if (sweep_took(f, &f->op.head))
			f->more = f->op.shift.more;
		SLEEP_UNTIL(t, loop_now(t->loop) + f->backoff);
		if (t->err == -ECANCELED)
			goto out;
	}
	for (f->more = f->rules; f->more;) {
		sweep_submit_page(f);
		AWAIT_SHIELDED(t, USEC_NEVER, f->page.op.done);
		if (sweep_took(f, &f->page.op)) {
			f->i = 0;
			while (sweep_submit_redue(f)) {
				AWAIT_SHIELDED(t, USEC_NEVER, f->op.head.done);
				f->i += sweep_took(f, &f->op.head);
				scheduler_dependents(f->s, &f->op.redue.dependents);
				SLEEP_UNTIL(t, loop_now(t->loop) + f->backoff);
				if (t->err == -ECANCELED)
					goto out;
			}
			f->more = f->page.more;
			f->after = f->page.next;
			op_scheduled_done(&f->page);
		}
		SLEEP_UNTIL(t, loop_now(t->loop) + f->backoff);
		if (t->err == -ECANCELED)
			goto out;
	}
out:
	sweep_over(f);
	TASK_END(t, 0);
}

static void
sweep_release(struct task *t)
{
	free(container_of(t, struct sweep, task));
}

static const struct task_kind sweep_kind = {
	.name = "sweep of dues",
	.step = sweep_step,
	.release = sweep_release,
};

/* The sweep that is to be begun: what happened is added by the caller. */
static struct sweep *
sweep_new(struct scheduler *s)
{
	struct sweep *f = xcalloc(1, sizeof(*f));

	MUST(s->sweep == NULL);
	f->s = s;
	s->sweep = &f->task;
	return f;
}

static void
sweep_add(struct sweep *f, struct span span)
{
	f->spans[f->spans_n++] = span;
}

/* ---- looking ---- */

void
clock_begin(struct scheduler *s)
{
	s->since = loop_wall(s->loop);
	s->wall_offset = wall_offset(s);
	s->sleep_offset = sleep_offset(s);
	s->zones_looked = loop_clock(s->loop);
	recorder_clock(s, s->wall_offset + s->sleep_offset, 0);
}

static void
life_submit(struct scheduler *s, bool end, struct task *t)
{
	s->life = (struct op_life){ .op.kind = OP_LIFE, .end = end, .now = loop_wall(s->loop),
	    .boot = s->boot, .offset = wall_offset(s) };
	store_submit(s->store, &s->life.op, t);
}

void
clock_tell_begin(struct scheduler *s, struct task *t)
{
	life_submit(s, false, t);
}

void
clock_end(struct scheduler *s)
{
	life_submit(s, true, &s->task);
}

void
clock_begun(struct scheduler *s)
{
	struct sweep *f;

	if (s->life.booted > 0)
		log_info("the host was started anew, its jobs are due jobs=%lld",
		    (long long)s->life.booted);
	/* A clock that was set while nobody was there is seen at the next look. */
	s->wall_offset = s->life.known;
	s->epoch = s->life.epoch;
	if (s->life.step == 0)
		return;
	f = sweep_new(s);
	f->step = s->life.step;
	task_start(&f->task, &sweep_kind, &s->task);
}

/* Have the zones' files changed?  They are looked at now and then. */
static bool
rules_changed(struct scheduler *s)
{
	usec_t now = loop_clock(s->loop);

	if (now - s->zones_looked < ZONES_LOOK)
		return false;
	s->zones_looked = now;
	if (!zones_refresh(s->zones))
		return false;
	log_info("the rules of time zones have changed, finding dues anew");
	return true;
}

int64_t
scheduler_epoch(const struct scheduler *s)
{
	/* What is added now goes by the clock as it is, seen or not. */
	return s->epoch + is_step(wall_offset(s) - s->wall_offset);
}

void
clock_look(struct scheduler *s)
{
	usec_t step = wall_offset(s) - s->wall_offset, slept = sleep_offset(s) - s->sleep_offset;
	instant now = loop_wall(s->loop);
	struct sweep *f;
	usec_t before;
	bool rules;

	(void)wallclock_was_set(&s->wallclock);
	/* What happens during a sweep is seen after it.  It waits for what is being decided. */
	if (s->sweep != NULL) {
		if (s->deciding == 0)
			task_wake(s->sweep);
		return;
	}
	rules = rules_changed(s);
	if (!is_step(step) && !is_step(slept) && !rules)
		return;
	before = s->wall_offset + s->sleep_offset;
	f = sweep_new(s);
	f->rules = rules;
	if (is_step(slept)) {
		s->since = now;
		s->sleep_offset += slept;
		log_info("the host has slept usec=%lld", (long long)slept);
		sweep_add(f, (struct span){ .kind = SPAN_ASLEEP,
		    .first = instant_add(now, -slept), .last = now });
	}
	if (is_step(step)) {
		s->since = now;
		s->wall_offset += step;
		s->epoch++;
		/* Its instants are of another time now. */
		s->catch_up_at = (instant){ 0 };
		/*
		 * Set back by whole hours, a job that is due each hour would come to a due that it has
		 * had: a microsecond later it is another one.
		 */
		f->step = step < 0 ? step + 1 : step;
		log_info("the clock was set step_usec=%lld", (long long)step);
		sweep_add(f, (struct span){ .kind = SPAN_CLOCK, .first = now, .last = now,
		    .step = step });
	}
	recorder_clock(s, loop_wall(s->loop).usec - loop_clock(s->loop), before);
	task_start(&f->task, &sweep_kind, &s->task);
}
