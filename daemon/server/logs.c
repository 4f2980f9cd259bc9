/*
 * logs: Logs: what a run has written, and with follow what it writes until it is over, and then the
 * run itself, final: who follows needs no other call to know how it ended.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/server/output.h"
#include "daemon/server/select.h"
#include "proto/json.h"

/* Without any event the run is looked at again after so long. */
#define LOOK_AGAIN	(5 * USEC_SEC)

/* A process that is being started has no event of its own; it takes a millisecond or two. */
#define LOOK_FOR_START	(5 * USEC_MSEC)

struct logs_in {
	char	*run;
	bool	 follow;
	int64_t	 tail;
	int	 stream;
	int64_t	 attempt;	/* 0: from the latest on */
	bool	 whole;		/* from the first on */
	instant	 since;
	char	*after;
};

static const struct field logs_fields[] = {
	{ "run", FIELD_STRING, offsetof(struct logs_in, run), .flags = FIELD_REQUIRED,
	    .max = NAME_BYTES_MAX },
	{ "follow", FIELD_BOOL, offsetof(struct logs_in, follow), .flags = 0 },
	{ "tail", FIELD_INT, offsetof(struct logs_in, tail), .flags = FIELD_ABSENT_MINUS_ONE,
	    .max = INT32_MAX },
	{ "stream", FIELD_ENUM, offsetof(struct logs_in, stream), .flags = FIELD_ABSENT_MINUS_ONE,
	  .names = output_stream_names },
	{ "whole", FIELD_BOOL, offsetof(struct logs_in, whole), .flags = 0 },
	{ "attempt", FIELD_INT, offsetof(struct logs_in, attempt), .max = INT32_MAX },
	{ "since", FIELD_INSTANT, offsetof(struct logs_in, since), .flags = 0 },
	{ "after", FIELD_STRING, offsetof(struct logs_in, after), .max = OUTPUT_CURSOR_MAX },
	{ .type = FIELD_END },
};

struct logs {
	struct call	 call;
	struct select	 select;
	struct strings	 selector;	/* borrows the parameter */
	struct watcher	 watcher;
	bool		 news;		/* of the job, since we looked */
	struct op_runs	 op;
	struct run_info	 run;
	bool		 has_run;
	int64_t		 streamed;	/* the attempt whose output was told last; 0: none */
	struct output	 output;
	usec_t		 keepalive;
};

static bool
logs_wants(struct watcher *w, const struct event_info *e)
{
	struct logs *f = w->context;

	/* That there is news is all we need: nothing is kept for us. */
	if (e->job == f->op.job && !f->news) {
		f->news = true;
		task_wake(w->waiter);
	}
	return false;
}

/* The selector must have found one job or run.  False when the caller was told. */
static bool
logs_begin(struct logs *f)
{
	const struct logs_in *in = f->call.in;

	if (!select_told(&f->select, &f->call))
		return false;
	if (f->select.found.n != 1) {
		call_fail(&f->call, JOBD_INVALID_FIELD, "run", "must name one run, or one job");
		return false;
	}
	f->op.job = f->select.found.items[0].job;
	f->op.run = f->select.found.items[0].run;
	if (in->after != NULL && !output_cursor_read(&f->output, in->after)) {
		call_fail(&f->call, JOBD_INVALID_FIELD, "after", "is no cursor of a reply");
		return false;
	}
	if (in->after != NULL && in->attempt > 0 && in->attempt != f->output.attempt) {
		call_fail(&f->call, JOBD_INVALID_FIELD, "after", "is of another attempt");
		return false;
	}
	/* A job may have another run by now. */
	if (in->after != NULL)
		f->op.run = f->output.run;
	f->op.limit = 1;
	f->op.begun = true;
	f->watcher.wants = logs_wants;
	f->watcher.context = f;
	watcher_start(&f->watcher, server_of(&f->call)->events, &f->call.task);
	return true;
}

/* Take what the store says.  False when the caller was told what is wrong. */
static bool
logs_looked(struct logs *f)
{
	struct op_runs *op = &f->op;

	if (op->op.result == -ENOENT) {
		call_fail(&f->call, JOBD_NOT_FOUND, ((struct logs_in *)f->call.in)->run, NULL);
		return false;
	}
	if (op->op.result < 0) {
		call_fail_store(&f->call, op->op.result);
		return false;
	}
	if (op->n > 0) {
		run_info_done(&f->run);
		f->run = op->runs[0];
		op->runs[0] = RUN_INFO_NONE;
		f->has_run = true;
		op->run = f->run.run;	/* from now on it is this one */
	}
	op_runs_done(op);
	if (!call_owns(&f->call, op->uid)) {
		call_fail(&f->call, JOBD_PERMISSION_DENIED, NULL, NULL);
		return false;
	}
	return true;
}

static bool
is_final(const struct logs *f)
{
	return f->has_run && run_state_final((enum run_state)f->run.state);
}

static bool
has_begun(const struct logs *f)
{
	const struct run_info *live = scheduler_run_live(server_of(&f->call)->scheduler, f->run.job,
	    f->run.run);

	/* A run that is queued again by hand has the output of its attempt before. */
	if (f->run.state == RUN_QUEUED)
		return f->run.attempt > 0 && !((struct logs_in *)f->call.in)->follow;
	return instant_is_set(f->run.spawned) || (live != NULL && instant_is_set(live->spawned));
}

/* Has all been told that was asked for: one attempt, or with follow one after another? */
static bool
is_told(const struct logs *f)
{
	const struct logs_in *in = f->call.in;

	return in->attempt > 0 ? f->streamed > 0 : f->streamed >= f->run.attempt;
}

/* The attempt whose output comes next. */
static int64_t
attempt_next(const struct logs *f)
{
	const struct logs_in *in = f->call.in;

	return f->streamed > 0 ? f->streamed + 1 : in->attempt > 0 ? in->attempt :
	    in->whole ? 1 : f->run.attempt;
}

/* Is there output to be had now, from the runner? */
static bool
logs_can_stream(const struct logs *f)
{
	const struct logs_in *in = f->call.in;

	if (!f->has_run || f->run.kind != KIND_COMMAND || is_told(f))
		return false;
	if (instant_is_set(f->run.output_removed) || in->attempt > f->run.attempt)
		return false;
	/* One that is over. */
	if (attempt_next(f) < f->run.attempt)
		return true;
	/* What is lost may have written before; of the others the end says how much. */
	if (is_final(f) || f->run.state == RUN_RETRYING)
		return f->run.output_bytes > 0 || f->run.state == RUN_LOST;
	return has_begun(f) || !in->follow;
}

/* Who follows a run hears one attempt after another; one who comes again goes on where he was. */
static void
output_next(struct logs *f)
{
	const struct output was = f->output;
	bool resumed = was.told && f->streamed == 0;

	f->output = (struct output){ .chunks = was.chunks, .bytes = was.bytes };
	f->output.attempt = resumed ? was.attempt : attempt_next(f);
	f->output.told = resumed;
	f->output.offset = resumed ? was.offset : 0;
}

/* False when the caller was told: there is no runner. */
static bool
logs_stream(struct logs *f)
{
	const struct logs_in *in = f->call.in;

	if (server_of(&f->call)->runner == NULL) {
		call_fail(&f->call, JOBD_RUNNER_UNAVAILABLE, "there is none", NULL);
		return false;
	}
	output_next(f);
	f->output.call = &f->call;
	f->output.job = f->run.job;
	f->output.run = f->run.run;
	f->output.follow = in->follow && !is_final(f);
	f->output.since = in->since;
	f->output.tail = in->tail;
	f->output.stream = in->stream;
	f->output.keepalive = &f->keepalive;
	f->streamed = f->output.attempt;
	output_start(&f->output);
	return true;
}

/* False when the caller was told what is wrong. */
static bool
logs_streamed(struct logs *f)
{
	if (f->output.why == JOBD_OK && f->output.missing && is_final(f))
		call_fail(&f->call, JOBD_NOT_FOUND, ((struct logs_in *)f->call.in)->run, NULL);
	else if (f->output.why != JOBD_OK)
		call_fail(&f->call, f->output.why, f->output.reason, NULL);
	else
		return true;
	return false;
}

static usec_t
logs_next_look(const struct logs *f)
{
	usec_t now = loop_now(f->call.task.loop), when = now + LOOK_AGAIN;

	if (f->has_run && f->run.kind == KIND_COMMAND && f->run.state == RUN_RUNNING &&
	    !is_told(f) && ((struct logs_in *)f->call.in)->attempt <= f->run.attempt)
		when = now + LOOK_FOR_START;
	return when < f->keepalive ? when : f->keepalive;
}

static void
logs_keep_alive(struct logs *f)
{
	usec_t now = loop_now(f->call.task.loop);

	if (f->keepalive > now)
		return;
	if (call_can_write(&f->call))
		call_reply_more(&f->call, NULL);
	f->keepalive = now + KEEPALIVE_USEC;
}

static void
logs_answer(struct logs *f)
{
	struct cJSON *reply = json_object();

	if (f->output.chunks != NULL)
		json_set(reply, "chunks", f->output.chunks);
	f->output.chunks = NULL;
	if (f->has_run)
		json_set(reply, "run", run_reply(server_of(&f->call), &f->run));
	call_reply(&f->call, reply);
}

static enum task_status
logs_step(struct task *t)
{
	struct logs *f = container_of(t, struct logs, call.task);
	struct logs_in *in = f->call.in;

	TASK_BEGIN(t);

	f->keepalive = f->call.more ? loop_now(t->loop) + KEEPALIVE_USEC : USEC_NEVER;
	f->selector = (struct strings){ &in->run, 1 };
	select_start(&f->select, &f->call, &f->selector, SELECT_RUNS);
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->select.task));
	if (!logs_begin(f))
		goto out;
	for (;;) {
		f->news = false;
		f->op.op = (struct store_op){ .kind = OP_RUNS };
		store_submit(server_of(&f->call)->store, &f->op.op, t);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.op.done);
		if (!logs_looked(f))
			goto out;
		if (logs_can_stream(f)) {
			if (!logs_stream(f))
				goto out;
			while (!task_done(&f->output.task)) {
				AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->output.task) ||
				    output_may_go_on(&f->output));
				output_go_on(&f->output);
			}
			if (t->cancelled || !logs_streamed(f))
				goto out;
			/* It has ended, or so: look again. */
			if (!is_told(f) || (in->follow && in->attempt == 0 && !is_final(f)))
				continue;
		}
		if (!in->follow || is_final(f) || (in->attempt > 0 && is_told(f)))
			break;
		AWAIT_UNTIL(t, logs_next_look(f), f->news);
		if (t->err == -ECANCELED)
			goto out;
		logs_keep_alive(f);
	}
	logs_answer(f);
out:
	if (f->watcher.hub != NULL)
		watcher_stop(&f->watcher);
	TASK_END(t, 0);
}

static void
logs_release(struct task *t)
{
	struct logs *f = container_of(t, struct logs, call.task);

	select_done(&f->select);
	output_done(&f->output);
	run_info_done(&f->run);
	call_release(t);
}

static_assert(offsetof(struct logs, call.task) == 0, "a call is found by its task");

static void
logs_describe(const struct task *t, char *out, size_t n)
{
	const struct logs *f = (const void *)t;

	if (task_alive(&f->output.task))
		snprintf(out, n, "the end of the output");
	else if (f->has_run)
		snprintf(out, n, "the end of the run");
	else if (f->watcher.hub != NULL)
		snprintf(out, n, "a first run");
}

static void
logs_serves(const struct task *t, char *out, size_t n)
{
	const struct logs *f = (const void *)t;
	char text[RUN_TEXT_MAX];

	if (f->has_run)
		snprintf(out, n, "%s", run_text(f->run.job, f->run.run, text));
}

static const struct task_kind logs_kind = {
	.name = "Logs",
	.step = logs_step,
	.release = logs_release,
	.describe = logs_describe,
	.serves = logs_serves,
};

const struct method method_logs = {
	.name = "io.jobd.Logs",
	.in = logs_fields,
	.in_size = sizeof(struct logs_in),
	.flags = METHOD_MORE,
	.frame_size = sizeof(struct logs),
	.kind = &logs_kind,
};
