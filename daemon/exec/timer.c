/*
 * timer: waits, then succeeds.  The end is counted from the claim, so that a daemon that takes the
 * run up again waits only for what is left.
 */
#include <errno.h>
#include <stdio.h>

#include "daemon/engine/loop.h"
#include "daemon/exec/executors.h"
#include "proto/mem.h"

struct timer {
	struct exec	exec;
	usec_t		end;		/* monotonic */
	bool		too_long;	/* the job's limit comes first */
};

/* When it ends, and how. */
static void
timer_begin(struct timer *f)
{
	const struct exec *e = &f->exec;
	struct loop *l = e->task.loop;
	usec_t length = e->spec->timer->duration, past;
	instant now = loop_wall(l);

	f->too_long = e->spec->timeout > 0 && e->spec->timeout < length;
	if (f->too_long)
		length = e->spec->timeout;
	/* Of a wall clock that was set back, nothing is past. */
	past = instant_is_set(e->run->started) ? instant_since(now, e->run->started) : 0;
	if (past < 0)
		past = 0;
	/* The time counts from the claim: what the run tells adds up. */
	if (!instant_is_set(e->run->spawned))
		e->run->spawned = instant_add(now, -past);
	/* The clock read now, as now was: by the tick's it would end early. */
	f->end = loop_clock(l) + (length > past ? length - past : 0);
}

static void
timer_over(struct timer *f)
{
	struct run_info *run = f->exec.run;
	char limit[WHEN_TEXT_MAX];

	run->exited = loop_wall(f->exec.task.loop);
	if (f->exec.cancel) {
		run->state = RUN_CANCELED;
		run->reason = xstrdup("canceled");
	} else if (f->too_long) {
		run->state = RUN_TIMED_OUT;
		run->reason = xasprintf("its limit of %s passed",
		    duration_print(f->exec.spec->timeout, limit));
	} else {
		run->state = RUN_SUCCEEDED;
	}
}

static enum task_status
timer_step(struct task *t)
{
	struct timer *f = container_of(t, struct timer, exec.task);

	TASK_BEGIN(t);

	timer_begin(f);
	AWAIT_UNTIL(t, f->end, f->exec.cancel);
	if (t->err == -ECANCELED)
		f->exec.run->state = RUN_RUNNING;
	else
		timer_over(f);
	TASK_END(t, 0);
}

static void
timer_describe(const struct task *t, char *out, size_t n)
{
	(void)t;
	(void)snprintf(out, n, "the time to pass");
}

static const struct task_kind timer_kind = {
	.name = "timer",
	.step = timer_step,
	.describe = timer_describe,
};

const struct executor executor_timer = {
	.frame_size = sizeof(struct timer),
	.kind = &timer_kind,
};
