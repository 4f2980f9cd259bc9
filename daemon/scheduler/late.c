/*
 * late: see late.h.
 */
#include "daemon/scheduler/late.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/scheduler/scheduler-internal.h"
#include "proto/mem.h"

/* Between two looks, while things begin to wait all the time. */
#define LOOK_PAUSE	USEC_SEC

struct late {
	struct task		 task;
	struct scheduler	*s;
	bool			 wanted;	/* by any job, as far as known */
	bool			 waits;		/* something does that the last look may not have seen */
	int64_t			 from;		/* the slice that is looked at begins behind this job */
	usec_t			 backoff;
	struct op_late		 op;
};

static void
late_submit(struct late *l, enum op_kind kind)
{
	l->op.op = (struct store_op){ .kind = kind };
	l->op.after = l->from;
	l->op.now = loop_wall(l->s->loop);
	l->op.since = l->s->since;
	store_submit(l->s->store, &l->op.op, &l->task);
}

/* The slice is done with. */
static void
late_took(struct late *l)
{
	if (l->op.notices > 0)
		notifier_look(l->s->notifier);
	l->from = l->op.after;
	l->wanted = l->from != 0 || l->op.jobs > 0;
}

/* When one of those that wait will have waited too long. */
static usec_t
late_deadline(const struct late *l)
{
	const struct loop *loop = l->s->loop;
	usec_t wait;

	if (!instant_is_set(l->op.next))
		return USEC_NEVER;
	wait = instant_since(l->op.next, loop_wall(loop));
	return loop_clock(loop) + (wait > WAIT_MAX ? WAIT_MAX : wait > 0 ? wait : 0);
}

static enum task_status
late_step(struct task *t)
{
	struct late *l = container_of(t, struct late, task);

	TASK_BEGIN(t);

	while (!t->cancelled) {
		l->waits = false;
		l->op = (struct op_late){ .after = 0 };
		l->from = 0;
		do {
			late_submit(l, l->op.found ? OP_LATE_TELL : OP_LATE);
			AWAIT_SHIELDED(t, USEC_NEVER, l->op.op.done);
			if (scheduler_store_failed(l->s, &l->op.op, &l->backoff)) {
				l->op.found = false;
				SLEEP_UNTIL(t, loop_now(t->loop) + l->backoff);
			} else if (!l->op.found) {
				late_took(l);
			}
		} while (!t->cancelled && (l->op.op.result != 0 || l->op.found || l->from != 0));
		if (l->wanted && !t->cancelled)
			SLEEP_UNTIL(t, loop_now(t->loop) + LOOK_PAUSE);
		if (!t->cancelled)
			AWAIT_UNTIL(t, late_deadline(l), l->wanted && l->waits);
	}

	TASK_END(t, 0);
}

static void
late_describe(const struct task *t, char *out, size_t n)
{
	const struct late *l = container_of(t, const struct late, task);

	(void)snprintf(out, n, "%s", !l->wanted ? "a job that wants to be told of lateness" :
	    instant_is_set(l->op.next) ? "one that waits to be late" : "something to wait past its due");
}

static const struct task_kind late_kind = {
	.name = "late",
	.step = late_step,
	.describe = late_describe,
};

struct late *
late_new(struct scheduler *s)
{
	struct late *l = xcalloc(1, sizeof(*l));

	l->s = s;
	return l;
}

void
late_free(struct late *l)
{
	free(l);
}

void
late_start(struct late *l, struct task *parent)
{
	l->wanted = true;
	task_start(&l->task, &late_kind, parent);
}

void
late_waits(struct late *l)
{
	if (!l->wanted || l->waits || !task_alive(&l->task))
		return;
	l->waits = true;
	task_wake(&l->task);
}

void
late_wanted(struct late *l)
{
	l->wanted = true;
}
