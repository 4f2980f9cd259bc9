/*
 * queue_due: see queue_due.h.  A job at a time: it is read, what has piled up before its latest occurrence is
 * skipped, as it would have been in the line, and the latest is claimed as a run that waits.  The
 * scheduler may be about to claim the same: then one of the two is refused, and the job is read again.
 */
#include "daemon/server/queue_due.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/scheduler/scheduler.h"

#define TRIES_MAX 5

/* Occurrences that one skip may take: more are left to the next. */
#define PILED_MAX 100000

/* What is to be skipped and claimed of the job that was read.  False: it has nothing that waits. */
static bool
queue_due_fill(struct queue_due *f)
{
	const struct job_info *job = &f->get.job;
	instant now = loop_wall(f->task.loop);
	struct occurrence o, next;
	bool more = false;

	if (!instant_is_set(job->due) || job->due.usec > now.usec || job->paused ||
	    !planned_open(&f->planned, server_of(f->call), job))
		return false;
	f->skip = (struct op_skip){ .op.kind = OP_SKIP, .job = job->id, .first = job->due,
	    .cause = SKIP_ASKED };
	o = (struct occurrence){ .due = job->due };
	if (schedule_repeats(&f->planned.schedule))
		more = schedule_next(&f->planned.schedule, o.due, &next);
	while (more && next.due.usec <= now.usec && f->skip.count < PILED_MAX) {
		f->skip.last = o.due;
		f->skip.count++;
		o = next;
		more = schedule_next(&f->planned.schedule, o.due, &next);
	}
	f->skip.next_due = o.due;
	f->claim = (struct op_claim){ .op.kind = OP_CLAIM, .job = job->id, .due = o.due,
	    .next_due = more ? next.due : (instant){ 0 }, .noticed = now, .started = now,
	    .queue = true };
	return true;
}

/* It is a run now. */
static void
queue_due_tell(struct queue_due *f, const struct target *target)
{
	struct due_row row = planned_row(&f->planned, &f->get.job, f->claim.next_due);

	scheduler_due_queued(server_of(f->call)->scheduler, &f->claim, &row);
	targets_add(f->runs, (struct target){ .job = target->job, .run = f->claim.run,
	    .cursor = -1, .selector = target->selector, .pattern = target->pattern });
	free(row.schedule);
}

static void
queue_due_skipped(struct queue_due *f)
{
	struct due_row row = planned_row(&f->planned, &f->get.job, f->skip.next_due);

	scheduler_job_skipped(server_of(f->call)->scheduler, &f->skip, &row, true);
	scheduler_dependents(server_of(f->call)->scheduler, &f->skip.dependents);
	free(row.schedule);
}

static void
queue_due_forget(struct queue_due *f)
{
	planned_done(&f->planned);
	op_get_done(&f->get);
	op_skip_done(&f->skip);
	op_claim_done(&f->claim);
}

static enum task_status
queue_due_step(struct task *t)
{
	struct queue_due *f = container_of(t, struct queue_due, task);
	struct store *store = server_of(f->call)->store;

	TASK_BEGIN(t);

	for (f->i = 0; f->i < f->jobs->n && f->result == 0 && !t->cancelled; f->i++) {
		f->tries = 0;
		do {
			queue_due_forget(f);
			f->get = (struct op_get){ .op.kind = OP_GET, .id = f->jobs->items[f->i].job };
			store_submit(store, &f->get.op, t);
			AWAIT_SHIELDED(t, USEC_NEVER, f->get.op.done);
			f->result = f->get.op.result == -ENOENT ? 0 : f->get.op.result;
			if (f->get.op.result < 0 || !queue_due_fill(f))
				break;
			if (f->skip.count > 0) {
				store_submit(store, &f->skip.op, t);
				AWAIT_SHIELDED(t, USEC_NEVER, f->skip.op.done);
				f->result = f->skip.op.result;
				if (f->result == 0)
					queue_due_skipped(f);
			}
			if (f->result == 0) {
				store_submit(store, &f->claim.op, t);
				AWAIT_SHIELDED(t, USEC_NEVER, f->claim.op.done);
				f->result = f->claim.op.result;
				if (f->result == 0)
					queue_due_tell(f, &f->jobs->items[f->i]);
			}
		} while (f->result == -ESTALE && ++f->tries < TRIES_MAX);
		/* Others were always faster: it runs, or has been skipped. */
		if (f->result == -ESTALE)
			f->result = 0;
	}
	queue_due_forget(f);
	TASK_END(t, 0);
}

static void
queue_due_describe(const struct task *t, char *out, size_t n)
{
	(void)t;
	(void)snprintf(out, n, "the store");
}

static const struct task_kind queue_due_kind = {
	.name = "queue due",
	.step = queue_due_step,
	.describe = queue_due_describe,
};

void
queue_due_start(struct queue_due *f, struct call *call, const struct targets *jobs,
    struct targets *runs, struct task *parent)
{
	*f = (struct queue_due){ .call = call, .jobs = jobs, .runs = runs };
	task_start(&f->task, &queue_due_kind, parent);
}

void
queue_due_done(struct queue_due *f)
{
	queue_due_forget(f);
}
