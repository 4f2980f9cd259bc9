/*
 * queues: Queues, SetQueue and RemoveQueue.  The store has what people have set; who stands in a
 * queue and runs only the scheduler knows.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/server/method.h"
#include "proto/json.h"
#include "proto/mem.h"

/* A rate is of at most so long. */
#define RATE_USEC_MAX	(366 * USEC_DAY)
#define RATE_MAX	1000000

/* ---- Queues ---- */

static enum task_status
queues_step(struct task *t)
{
	struct call *c = container_of(t, struct call, task);
	struct cJSON *reply = json_object(), *queues = json_array();
	struct queue_info *all;
	size_t n;

	TASK_BEGIN(t);

	n = scheduler_queues(server_of(c)->scheduler, &all);
	for (size_t i = 0; i < n; i++) {
		json_push(queues, fields_write(queue_info_fields, &all[i]));
		queue_info_done(&all[i]);
	}
	free(all);
	json_set(reply, "queues", queues);
	call_reply(c, reply);

	TASK_END(t, 0);
}

static const struct field no_fields[] = { { .type = FIELD_END } };
static const struct task_kind queues_kind = { .name = "Queues", .step = queues_step,
    .release = call_release };

const struct method method_queues = {
	.name = "io.jobd.Queues",
	.in = no_fields,
	.frame_size = sizeof(struct call),
	.kind = &queues_kind,
};

/* ---- SetQueue ---- */

/* By their numbers as op_queue_set has paused. */
static const char *const queue_state_names[] = { "open", "paused", NULL };

struct set_queue_in {
	char	*queue;
	bool	 create;
	int64_t	 slots, rate, rate_usec;	/* -1: absent */
	int	 state;				/* of queue_state_names; or -1 */
};

struct set_queue {
	struct call		 call;
	struct op_queue_set	 op;
	char			 by[32];
};

/* What cannot be is told by its field.  False: the caller was told. */
static bool
set_checked(struct call *c, const struct set_queue_in *in)
{
	const char *why = job_name_check(in->queue);

	if (why != NULL)
		call_fail(c, JOBD_INVALID_FIELD, "queue", why);
	else if ((in->rate > 0) != (in->rate_usec > 0))
		call_fail(c, JOBD_INVALID_FIELD, in->rate > 0 ? "rateUSec" : "rate",
		    "rate and rateUSec go together: so many starts in so long");
	else if (!call_privileged(c))
		call_fail(c, JOBD_PERMISSION_DENIED, NULL, NULL);
	else
		return true;
	return false;
}

static void
set_fill(struct set_queue *f)
{
	const struct set_queue_in *in = f->call.in;

	(void)snprintf(f->by, sizeof(f->by), "uid %u", (unsigned)f->call.uid);
	f->op = (struct op_queue_set){
		.op.kind = OP_QUEUE_SET, .name = in->queue, .create = in->create,
		.slots = in->slots, .rate = in->rate, .rate_usec = in->rate_usec,
		.paused = in->state, .by = f->by, .now = loop_wall(f->call.task.loop),
	};
}

static void
set_answer(struct set_queue *f)
{
	struct scheduler *s = server_of(&f->call)->scheduler;
	struct cJSON *reply = json_object();
	struct queue_info info = { .name = NULL };

	scheduler_queue_set(s, &f->op.row);
	if (scheduler_queue(s, f->op.row.name, &info))
		json_set(reply, "queue", fields_write(queue_info_fields, &info));
	queue_info_done(&info);
	op_queue_set_done(&f->op);
	call_reply(&f->call, reply);
}

static enum task_status
set_queue_step(struct task *t)
{
	struct set_queue *f = container_of(t, struct set_queue, call.task);

	TASK_BEGIN(t);

	if (!set_checked(&f->call, f->call.in))
		goto out;
	set_fill(f);
	store_submit(server_of(&f->call)->store, &f->op.op, t);
	AWAIT_SHIELDED(t, USEC_NEVER, f->op.op.done);
	if (f->op.op.result == 0)
		set_answer(f);
	else if (f->op.op.result == -ENOENT)
		call_fail(&f->call, JOBD_NOT_FOUND, f->op.name, NULL);
	else if (f->op.op.result == -EEXIST)
		call_fail(&f->call, JOBD_NAME_TAKEN, f->op.name, NULL);
	else if (f->op.op.result == -EUSERS)
		call_fail(&f->call, JOBD_LIMIT_REACHED, "queues", NULL);
	else
		call_fail_store(&f->call, f->op.op.result);
out:;
	TASK_END(t, 0);
}

static const struct field set_queue_fields[] = {
	{ "queue", FIELD_STRING, offsetof(struct set_queue_in, queue), .flags = FIELD_REQUIRED,
	    .max = NAME_BYTES_MAX },
	{ "create", FIELD_BOOL, offsetof(struct set_queue_in, create), .flags = 0 },
	{ "slots", FIELD_INT, offsetof(struct set_queue_in, slots),
	    .flags = FIELD_ABSENT_MINUS_ONE, .max = QUEUE_SLOTS_MAX },
	{ "rate", FIELD_INT, offsetof(struct set_queue_in, rate),
	    .flags = FIELD_ABSENT_MINUS_ONE, .max = RATE_MAX },
	{ "rateUSec", FIELD_INT, offsetof(struct set_queue_in, rate_usec),
	    .flags = FIELD_ABSENT_MINUS_ONE, .max = RATE_USEC_MAX },
	{ "state", FIELD_ENUM, offsetof(struct set_queue_in, state),
	    .flags = FIELD_ABSENT_MINUS_ONE, .names = queue_state_names },
	{ .type = FIELD_END },
};

static const struct task_kind set_queue_kind = { .name = "SetQueue", .step = set_queue_step,
    .release = call_release };

const struct method method_set_queue = {
	.name = "io.jobd.SetQueue",
	.in = set_queue_fields,
	.in_size = sizeof(struct set_queue_in),
	.frame_size = sizeof(struct set_queue),
	.kind = &set_queue_kind,
};

/* ---- RemoveQueue ---- */

struct remove_queue_in {
	char	*queue;
};

struct remove_queue {
	struct call		 call;
	struct op_queue_remove	 op;
};

static void
remove_refused(struct remove_queue *f)
{
	char *reason;

	if (f->op.op.result == -ENOENT) {
		call_fail(&f->call, JOBD_NOT_FOUND, f->op.name, NULL);
	} else if (f->op.op.result == -EBUSY) {
		bool always = strcmp(f->op.name, QUEUE_DEFAULT) == 0 ||
		    strcmp(f->op.name, QUEUE_SCHEDULE) == 0;

		reason = xasprintf("queue %s%s", f->op.name,
		    always ? " is always there" : ": jobs name it");
		call_fail(&f->call, JOBD_CONFLICT, reason, NULL);
		free(reason);
	} else {
		call_fail_store(&f->call, f->op.op.result);
	}
}

static enum task_status
remove_queue_step(struct task *t)
{
	struct remove_queue *f = container_of(t, struct remove_queue, call.task);

	TASK_BEGIN(t);

	if (!call_privileged(&f->call)) {
		call_fail(&f->call, JOBD_PERMISSION_DENIED, NULL, NULL);
		goto out;
	}
	f->op = (struct op_queue_remove){ .op.kind = OP_QUEUE_REMOVE,
	    .name = ((struct remove_queue_in *)f->call.in)->queue };
	store_submit(server_of(&f->call)->store, &f->op.op, t);
	AWAIT_SHIELDED(t, USEC_NEVER, f->op.op.done);
	if (f->op.op.result < 0) {
		remove_refused(f);
		goto out;
	}
	scheduler_queue_removed(server_of(&f->call)->scheduler, f->op.name);
	call_reply(&f->call, json_object());
out:;
	TASK_END(t, 0);
}

static const struct field remove_queue_fields[] = {
	{ "queue", FIELD_STRING, offsetof(struct remove_queue_in, queue), .flags = FIELD_REQUIRED,
	    .max = NAME_BYTES_MAX },
	{ .type = FIELD_END },
};

static const struct task_kind remove_queue_kind = { .name = "RemoveQueue",
    .step = remove_queue_step, .release = call_release };

const struct method method_remove_queue = {
	.name = "io.jobd.RemoveQueue",
	.in = remove_queue_fields,
	.in_size = sizeof(struct remove_queue_in),
	.frame_size = sizeof(struct remove_queue),
	.kind = &remove_queue_kind,
};
