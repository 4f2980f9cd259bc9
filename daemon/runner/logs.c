/*
 * logs: see logs.h.  No op reads more than a slice, so a great file and a slow reader cost
 * the others nothing.
 */
#include "daemon/runner/logs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "daemon/engine/loop.h"
#include "proto/json.h"

#define SILENCE_MAX	(30 * USEC_SEC)
#define TAIL_MAX	((int64_t)1 << 40)
#define ID_MAX		((int64_t)1 << 53)
#define OFFSET_MAX	((int64_t)1 << 52)

const struct field logs_fields[] = {
	{ .name = "job", .type = FIELD_INT, .offset = offsetof(struct logs_in, job),
	  .flags = FIELD_REQUIRED, .min = 1, .max = ID_MAX },
	{ .name = "run", .type = FIELD_INT, .offset = offsetof(struct logs_in, run),
	  .flags = FIELD_REQUIRED, .min = 1, .max = ID_MAX },
	{ .name = "attempt", .type = FIELD_INT, .offset = offsetof(struct logs_in, attempt),
	  .max = ID_MAX },
	{ .name = "follow", .type = FIELD_BOOL, .offset = offsetof(struct logs_in, follow) },
	{ .name = "tail", .type = FIELD_INT, .offset = offsetof(struct logs_in, tail),
	  .flags = FIELD_ABSENT_MINUS_ONE, .max = TAIL_MAX },
	{ .name = "stream", .type = FIELD_ENUM, .offset = offsetof(struct logs_in, stream),
	  .flags = FIELD_ABSENT_MINUS_ONE, .names = output_stream_names },
	{ .name = "since", .type = FIELD_INSTANT, .offset = offsetof(struct logs_in, since) },
	{ .name = "offset", .type = FIELD_INT, .offset = offsetof(struct logs_in, offset),
	  .max = OFFSET_MAX },
	{ .type = FIELD_END },
};

/* ---- on the thread ---- */

static void
work_back(struct disk_op *op)
{
	outread_back(&container_of(op, struct logs_call, op)->read);
}

static void
work_slice(struct disk_op *op)
{
	outread_slice(&container_of(op, struct logs_call, op)->read);
}

/* ---- the call ---- */

/* The attempt, as long as it runs. */
static const struct attempt *
running(const struct logs_call *f)
{
	const struct runner_attempt *of = &f->listener.of;
	const struct attempt *a =
	    runner_find(call_context(&f->call), of->job, of->run, of->attempt);

	return a != NULL && a->sequence == 0 ? a : NULL;
}

static bool
has_news(const struct logs_call *f)
{
	const struct attempt *a = running(f);

	return a == NULL || a->output.blocks != f->seen;
}

static void
ask(struct logs_call *f, void (*work)(struct disk_op *))
{
	struct runner *r = call_context(&f->call);
	const struct attempt *a = running(f);

	/* Asked before reading: what it wrote before its end is in the file then. */
	f->over = a == NULL;
	f->seen = a != NULL ? a->output.blocks : 0;
	disk_submit(&r->disk, DISK_OUTPUT, &f->op, work, &f->call.task);
}

static struct cJSON *
chunks_reply(struct logs_call *f)
{
	struct cJSON *reply = json_object();

	if (f->read.chunks != NULL) {
		json_set(reply, "chunks", f->read.chunks);
		/* By these who loses us can go on: we may be executed anew. */
		json_set_int(reply, "attempt", f->read.of.attempt);
		json_set_int(reply, "offset", f->read.position);
	}
	f->read.chunks = NULL;
	return reply;
}

static void
begin(struct logs_call *f)
{
	const struct logs_in *in = f->call.in;
	struct runner *r = call_context(&f->call);
	const struct attempt *latest = runner_find_latest(r, in->job, in->run);
	int64_t attempt = in->attempt > 0 ? in->attempt : latest != NULL ? latest->exit.attempt : 0;

	f->listener.of = (struct runner_attempt){ in->job, in->run, attempt };
	f->read = (struct outread){
		.folder = r->output_fd,
		.of = f->listener.of,
		.tail = in->tail,
		.stream = in->stream,
		.fd = -1,
		.start = in->offset,
		.more_back = in->tail >= 0 && in->offset == 0,
	};
	if (instant_is_set(in->since))
		instant_print(in->since, f->read.since);
	runner_listen(r, &f->listener, &f->call.task);
}

static enum task_status
logs_step(struct task *t)
{
	struct logs_call *f = container_of(t, struct logs_call, call.task);
	const struct logs_in *in = f->call.in;

	TASK_BEGIN(t);

	begin(f);
	while (f->read.more_back && !t->cancelled) {
		ask(f, work_back);
		AWAIT_SHIELDED(t, USEC_NEVER, !f->op.lent);
	}
	while (!t->cancelled) {
		ask(f, work_slice);
		AWAIT_SHIELDED(t, USEC_NEVER, !f->op.lent);
		if (f->read.chunks != NULL) {
			if (!f->call.more)
				break;
			call_reply_more(&f->call, chunks_reply(f));
			AWAIT(t, call_can_write(&f->call));
			if (t->err != 0)
				goto out;
		}
		if (f->read.moved)
			continue;
		if (f->over || !in->follow || !f->call.more)
			break;
		AWAIT_UNTIL(t, loop_now(t->loop) + SILENCE_MAX, has_news(f));
		if (t->err == -ETIMEDOUT)
			call_reply_more(&f->call, NULL);
	}
	if (!t->cancelled)
		call_reply(&f->call, chunks_reply(f));
out:
	runner_unlisten(call_context(&f->call), &f->listener);
	outread_done(&f->read);
	TASK_END(t, 0);
}

static void
logs_describe(const struct task *t, char *out, size_t n)
{
	const struct logs_call *f = (const void *)t;

	(void)snprintf(out, n, "output of %" PRId64 ".%" PRId64, f->listener.of.job,
	    f->listener.of.run);
}

const struct task_kind logs_kind = {
	.name = "Logs", .step = logs_step, .release = call_release, .describe = logs_describe,
};
