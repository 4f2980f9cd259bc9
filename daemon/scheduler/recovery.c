/*
 * recovery: see recovery.h.  Runs that are `running` in the store get their task again, whatever
 * the gates say: they exist already.  Their executors find out what became of them: a
 * command's asks the runner, a timer goes on with what is left, a check is repeated.
 * Recovery is over when all are known, not when they have ended.
 */
#include "daemon/scheduler/recovery.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/base/fault.h"
#include "daemon/base/log.h"
#include "daemon/scheduler/clock.h"
#include "daemon/scheduler/recorder.h"
#include "daemon/scheduler/run.h"
#include "daemon/scheduler/scheduler-internal.h"
#include "proto/mem.h"

struct recovery {
	struct task		 task;
	struct scheduler	*s;
	int64_t			 after;
	int64_t			 adopted;
	usec_t			 backoff;
	bool			 over;
	struct op_counts	 counts;
	struct op_queues	 queues;
	struct op_active	 op;
};

static void
recovery_submit(struct recovery *f)
{
	f->op.op = (struct store_op){ .kind = OP_ACTIVE };
	f->op.after = f->after;
	f->op.state = RUN_RUNNING;
	store_submit(f->s->store, &f->op.op, &f->task);
}

static bool
recovery_page(struct recovery *f)
{
	bool over = !f->op.more;

	for (size_t i = 0; i < f->op.n; i++) {
		f->after = f->op.rows[i].cursor;
		run_adopt(f->s, &f->op.rows[i]);
		fault_point(FAULT_RECOVER_ADOPT);
		f->adopted++;
	}
	op_active_done(&f->op);
	return over;
}

/* Of before we know nothing: a queue with a rate waits for a whole distance from now on. */
static void
recovery_queues(struct recovery *f)
{
	struct lines *l = &f->s->queue.lines;

	for (size_t i = 0; i < f->queues.n; i++) {
		struct line *line;

		lines_set(l, &f->queues.rows[i]);
		recorder_line(f->s, &f->queues.rows[i], false);
		line = lines_get(l, f->queues.rows[i].name);
		line->started = true;
		line->last_start = loop_now(f->s->loop);
	}
	op_queues_done(&f->queues);
}

static void
recovery_over(struct recovery *f)
{
	struct scheduler *s = f->s;

	s->queued = f->counts.queued;
	s->waiting = f->counts.retrying;
	s->queue.more = f->counts.queued > 0;
	s->recovered = true;
	recorder_told(s, TOLD_RECOVERED, 0, 0, f->adopted);
	fault_point(FAULT_RECOVER_DONE);
	if (f->adopted > 0 || s->queued > 0 || s->waiting > 0)
		log_info("recovered running=%lld queued=%lld retrying=%lld",
		    (long long)f->adopted, (long long)s->queued, (long long)s->waiting);
	task_wake(s->on_recovered);
}

static enum task_status
recovery_step(struct task *t)
{
	struct recovery *f = container_of(t, struct recovery, task);

	TASK_BEGIN(t);

	for (;;) {
		clock_tell_begin(f->s, t);
		AWAIT_SHIELDED(t, USEC_NEVER, f->s->life.op.done);
		if (!scheduler_store_failed(f->s, &f->s->life.op, &f->backoff))
			break;
		SLEEP_UNTIL(t, loop_now(t->loop) + f->backoff);
		if (t->err == -ECANCELED)
			goto out;
	}
	for (;;) {
		f->queues = (struct op_queues){ .op.kind = OP_QUEUES };
		store_submit(f->s->store, &f->queues.op, &f->task);
		AWAIT_SHIELDED(t, USEC_NEVER, f->queues.op.done);
		if (!scheduler_store_failed(f->s, &f->queues.op, &f->backoff))
			break;
		SLEEP_UNTIL(t, loop_now(t->loop) + f->backoff);
		if (t->err == -ECANCELED)
			goto out;
	}
	recovery_queues(f);
	while (!f->over) {
		recovery_submit(f);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.op.done);
		if (!scheduler_store_failed(f->s, &f->op.op, &f->backoff)) {
			f->over = recovery_page(f);
			continue;
		}
		SLEEP_UNTIL(t, loop_now(t->loop) + f->backoff);
		if (t->err == -ECANCELED)
			goto out;
	}
	for (;;) {
		f->counts = (struct op_counts){ .op.kind = OP_COUNTS };
		store_submit(f->s->store, &f->counts.op, &f->task);
		AWAIT_SHIELDED(t, USEC_NEVER, f->counts.op.done);
		if (!scheduler_store_failed(f->s, &f->counts.op, &f->backoff))
			break;
		SLEEP_UNTIL(t, loop_now(t->loop) + f->backoff);
		if (t->err == -ECANCELED)
			goto out;
	}
	clock_begun(f->s);
	recovery_over(f);
	dependents_start(f->s);
out:
	scheduler_changed(f->s);

	TASK_END(t, 0);
}

static void
recovery_release(struct task *t)
{
	free(container_of(t, struct recovery, task));
}

static const struct task_kind recovery_kind = {
	.name = "recovery",
	.step = recovery_step,
	.release = recovery_release,
};

void
recovery_start(struct scheduler *s)
{
	struct recovery *f = xcalloc(1, sizeof(*f));

	f->s = s;
	task_start(&f->task, &recovery_kind, &s->task);
}
