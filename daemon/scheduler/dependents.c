/*
 * dependents: jobs that wait for others, once the store has let them go on or holds them.  An op tells of
 * those that it changed itself; what it left is done here, slice by slice, by a task that begins
 * with every daemon, as the one before may have been killed in the midst of it.
 */
#include <errno.h>
#include <stdlib.h>

#include "daemon/scheduler/recorder.h"
#include "daemon/scheduler/scheduler-internal.h"
#include "proto/mem.h"

struct spread {
	struct task		 task;
	struct scheduler	*s;
	usec_t			 backoff;
	bool			 over;
	struct op_spread	 op;
};

/* One is due by now, or blocked, or finished for its parents' sake. */
static void
dependent_tell(struct scheduler *s, const struct dependent *d)
{
	struct event_info e = EVENT_INFO_NONE;

	if (d->was != d->job_state) {
		e.at = loop_wall(s->loop);
		e.type = EVENT_JOB_CHANGED;
		e.job = d->row.id;
		e.name = d->name;	/* the hub copies */
		e.job_state = d->job_state;
		event_emit(s->events, &e);
	}
	if (!instant_is_set(d->row.due) || d->paused)
		return;
	recorder_told(s, TOLD_DEPENDENT, d->row.id, 0, d->row.due.usec);
	(void)window_put(&s->window, &d->row, loop_wall(s->loop));
	scheduler_changed(s);
}

static void
spread_submit(struct spread *f)
{
	f->op = (struct op_spread){ .op.kind = OP_SPREAD };
	store_submit(f->s->store, &f->op.op, &f->task);
}

static void
spread_took(struct spread *f)
{
	f->over = !f->op.dependents.more;
	for (size_t i = 0; i < f->op.dependents.n; i++)
		dependent_tell(f->s, &f->op.dependents.items[i]);
	op_spread_done(&f->op);
}

static enum task_status
spread_step(struct task *t)
{
	struct spread *f = container_of(t, struct spread, task);

	TASK_BEGIN(t);

	while (!f->over && !t->cancelled) {
		spread_submit(f);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.op.done);
		if (!scheduler_store_failed(f->s, &f->op.op, &f->backoff)) {
			spread_took(f);
			continue;
		}
		SLEEP_UNTIL(t, loop_now(t->loop) + f->backoff);
		if (t->err == -ECANCELED)
			break;
	}
	f->s->spreading = false;

	TASK_END(t, 0);
}

static void
spread_release(struct task *t)
{
	free(container_of(t, struct spread, task));
}

static const struct task_kind spread_kind = {
	.name = "tell dependents",
	.step = spread_step,
	.release = spread_release,
};

void
dependents_start(struct scheduler *s)
{
	struct spread *f;

	/* When we stop, the next daemon goes on. */
	if (s->spreading || s->task.cancelled)
		return;
	f = xcalloc(1, sizeof(*f));
	f->s = s;
	s->spreading = true;
	task_start(&f->task, &spread_kind, &s->task);
}

void
scheduler_dependents(struct scheduler *s, struct dependents *d)
{
	bool more = d->more;

	for (size_t i = 0; i < d->n; i++)
		dependent_tell(s, &d->items[i]);
	dependents_done(d);
	if (more)
		dependents_start(s);
}
