/*
 * ping: Ping: a heartbeat's work tells of itself.  Which occurrence it is for beat_decide() says, by the job as it is
 * read, and the store refuses when the job has gone on meanwhile: then it is read again.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/scheduler/beat.h"
#include "daemon/scheduler/scheduler.h"
#include "daemon/server/planned.h"
#include "daemon/server/select.h"
#include "proto/json.h"

#define TRIES_MAX 5
#define RECOVERY_LOOK (10 * USEC_MSEC)

struct ping_in {
	char	*job;
	int	 what;
	char	*reason;
};

static const struct field ping_in_fields[] = {
	{ "job", FIELD_STRING, offsetof(struct ping_in, job), .flags = FIELD_REQUIRED,
	    .max = NAME_BYTES_MAX },
	{ "what", FIELD_ENUM, offsetof(struct ping_in, what), .names = ping_what_names },
	{ "reason", FIELD_STRING, offsetof(struct ping_in, reason), .max = DESCRIPTION_BYTES_MAX },
	{ .type = FIELD_END },
};

struct ping_call {
	struct call	 call;
	struct select	 select;
	struct strings	 selector;	/* borrows the parameter */
	struct op_get	 get;
	struct planned	 planned;
	struct op_ping	 op;
	char		 by[32];
	int		 tries;
};

/* Of the job that was read: what the ping is for, and the due after it. */
static void
ping_fill(struct ping_call *f)
{
	const struct ping_in *in = f->call.in;
	const struct job_info *job = &f->get.job;
	instant now = loop_wall(f->call.task.loop);
	bool read = planned_open(&f->planned, server_of(&f->call), job);

	f->op = (struct op_ping){ .op.kind = OP_PING, .job = job->id, .uid = call_reach(&f->call),
	    .ping = { .what = in->what, .at = now, .by = f->by, .reason = in->reason } };
	beat_decide(&f->op, job, read ? &f->planned.schedule : NULL, now);
}

static void
ping_tell(struct ping_call *f)
{
	struct scheduler *s = server_of(&f->call)->scheduler;
	struct op_ping *op = &f->op;
	struct due_row row;

	if (op->made) {
		scheduler_run_queued(s, &op->trigger);
		scheduler_dependents(s, &op->trigger.dependents);
		return;
	}
	row = planned_row(&f->planned, &f->get.job, op->claim.next_due);
	if (op->taken)
		scheduler_due_queued(s, &op->claim, &row);
	else
		scheduler_pinged(s, op, op->moved ? &row : NULL);
	free(row.schedule);
}

static void
ping_answer(struct ping_call *f)
{
	const struct op_ping *op = &f->op;
	char text[RUN_TEXT_MAX], at[WHEN_TEXT_MAX];
	instant due = op->taken || op->moved ? op->claim.next_due : f->get.job.due;
	struct cJSON *reply = json_object();

	json_set_string(reply, "run", run_text(op->job, op->run, text));
	json_set_string(reply, "is", op->taken ? "early" : op->made ? "extra" : "awaited");
	if (instant_is_set(due))
		json_set_string(reply, "nextDue", instant_print(due, at));
	call_reply(&f->call, reply);
}

static void
ping_refused(struct ping_call *f)
{
	const struct ping_in *in = f->call.in;
	int r = f->op.op.result;

	if (r == -ENOENT)
		call_fail(&f->call, JOBD_NOT_FOUND, in->job, NULL);
	else if (r == -EACCES)
		call_fail(&f->call, JOBD_PERMISSION_DENIED, NULL, NULL);
	else if (r == -EPROTOTYPE)
		call_fail(&f->call, JOBD_INVALID_FIELD, "job",
		    "is no heartbeat: only what was added with heartbeat is pinged");
	else if (r == -ESTALE)
		call_fail(&f->call, JOBD_CONFLICT, "the job changes all the time: ping again", NULL);
	else
		call_fail_store(&f->call, r);
}

static void
ping_forget(struct ping_call *f)
{
	planned_done(&f->planned);
	op_get_done(&f->get);
	op_ping_done(&f->op);
}

static enum task_status
ping_step(struct task *t)
{
	struct ping_call *f = container_of(t, struct ping_call, call.task);
	struct server *s = server_of(&f->call);
	struct ping_in *in = f->call.in;

	TASK_BEGIN(t);

	/* A run that waits must be ours before it is told. */
	while (!scheduler_recovered(s->scheduler)) {
		SLEEP_UNTIL(t, loop_now(t->loop) + RECOVERY_LOOK);
		if (t->err == -ECANCELED)
			goto out;
	}
	(void)snprintf(f->by, sizeof(f->by), "uid %" PRId64, (int64_t)f->call.uid);
	f->selector = (struct strings){ &in->job, 1 };
	select_start(&f->select, &f->call, &f->selector, 0);
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->select.task));
	if (!select_told(&f->select, &f->call))
		goto out;
	if (f->select.found.n != 1) {
		call_fail(&f->call, JOBD_INVALID_FIELD, "job", "must name one job");
		goto out;
	}
	do {
		ping_forget(f);
		f->get = (struct op_get){ .op.kind = OP_GET, .id = f->select.found.items[0].job };
		store_submit(s->store, &f->get.op, t);
		AWAIT_SHIELDED(t, USEC_NEVER, f->get.op.done);
		f->op.op.result = f->get.op.result;
		if (f->get.op.result < 0)
			break;
		ping_fill(f);
		store_submit(s->store, &f->op.op, t);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.op.done);
	} while (f->op.op.result == -ESTALE && ++f->tries < TRIES_MAX);
	if (f->op.op.result < 0) {
		ping_refused(f);
		goto out;
	}
	ping_tell(f);
	ping_answer(f);
out:;
	TASK_END(t, 0);
}

static void
ping_release(struct task *t)
{
	struct ping_call *f = container_of(t, struct ping_call, call.task);

	select_done(&f->select);
	ping_forget(f);
	call_release(t);
}

static const struct task_kind ping_kind = { .name = "Ping", .step = ping_step,
    .release = ping_release };

const struct method method_ping = {
	.name = "io.jobd.Ping",
	.in = ping_in_fields,
	.in_size = sizeof(struct ping_in),
	.frame_size = sizeof(struct ping_call),
	.kind = &ping_kind,
};
