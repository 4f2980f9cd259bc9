/*
 * drain: Drain.  The scheduler is shut or opened at once; who waits looks again whenever something is told of a run,
 * and now and then, so that what no event tells of makes the answer late, never endless.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "daemon/server/method.h"
#include "proto/json.h"

/* Looked at so often without any event, and told so often at most. */
#define LOOK_AGAIN	USEC_SEC

struct drain_in {
	bool	off, wait;
	int64_t	timeout;	/* -1: none */
};

static const struct field drain_fields[] = {
	{ "off", FIELD_BOOL, offsetof(struct drain_in, off), .flags = 0 },
	{ "wait", FIELD_BOOL, offsetof(struct drain_in, wait), .flags = 0 },
	{ "timeoutUSec", FIELD_INT, offsetof(struct drain_in, timeout), .flags = FIELD_ABSENT_MINUS_ONE,
	    .max = DURATION_MAX },
	{ .type = FIELD_END },
};

struct drain {
	struct call		 call;
	struct watcher		 watcher;
	struct drain_info	 now, told;
	usec_t			 deadline;
	usec_t			 report;	/* not before */
	usec_t			 keepalive;
	bool			 heard;		/* of something */
};

void
drain_tell(struct cJSON *to, const struct drain_info *drain)
{
	char text[WHEN_TEXT_MAX];

	if (!instant_is_set(drain->since))
		return;
	json_set_string(to, "drainedSince", instant_print(drain->since, text));
	(void)snprintf(text, sizeof(text), "uid %" PRId64, drain->uid);
	json_set_string(to, "drainedBy", text);
}

static struct cJSON *
reply_of(const struct drain_info *drain)
{
	struct cJSON *reply = json_object();

	drain_tell(reply, drain);
	json_set_int(reply, "running", drain->running);
	json_set_int(reply, "waiting", drain->waiting);
	return reply;
}

static bool
drain_wants(struct watcher *w, const struct event_info *e)
{
	struct drain *f = w->context;

	(void)e;
	f->heard = true;
	task_wake(w->waiter);
	/* Nothing is kept for us: how things stand is all we need to know. */
	return false;
}

/* What goes together.  False: the caller was told. */
static bool
drain_checked(struct drain *f)
{
	const struct drain_in *in = f->call.in;

	if (in->off && in->wait)
		call_fail(&f->call, JOBD_INVALID_FIELD, "wait", "there is nothing to wait for with off");
	else if (in->timeout >= 0 && !in->wait)
		call_fail(&f->call, JOBD_INVALID_FIELD, "timeoutUSec", "it goes with wait");
	else
		return true;
	return false;
}

static void
drain_set(struct drain *f)
{
	const struct drain_in *in = f->call.in;

	scheduler_drain(server_of(&f->call)->scheduler, in->off ? (instant){ 0 } : loop_wall(f->call.task.loop),
	    f->call.uid);
}

static void
drain_begin(struct drain *f)
{
	const struct drain_in *in = f->call.in;
	usec_t now = loop_now(f->call.task.loop);

	f->deadline = in->timeout < 0 ? USEC_NEVER : now + in->timeout;
	f->keepalive = now + KEEPALIVE_USEC;
	f->report = now;
	f->told.running = -1;
	f->watcher.wants = drain_wants;
	f->watcher.context = f;
	watcher_start(&f->watcher, server_of(&f->call)->events, &f->call.task);
}

/* Is there nothing to wait for any more? */
static bool
drain_look(struct drain *f)
{
	f->heard = false;
	scheduler_drain_info(server_of(&f->call)->scheduler, &f->now);
	return f->now.running == 0 || !instant_is_set(f->now.since);
}

/* How things stand, to who wants to hear it. */
static void
drain_report(struct drain *f)
{
	usec_t now = loop_now(f->call.task.loop);
	bool news = f->now.running != f->told.running || f->now.waiting != f->told.waiting;

	if (!f->call.more || !call_can_write(&f->call) || (f->keepalive > now && (!news || f->report > now)))
		return;
	call_reply_more(&f->call, reply_of(&f->now));
	f->told = f->now;
	f->report = now + LOOK_AGAIN;
	f->keepalive = now + KEEPALIVE_USEC;
}

static usec_t
drain_next(const struct drain *f)
{
	usec_t next = loop_now(f->call.task.loop) + LOOK_AGAIN;

	return next < f->deadline ? next : f->deadline;
}

static void
drain_answer(struct drain *f)
{
	const struct drain_in *in = f->call.in;

	if (in->wait && !instant_is_set(f->now.since))
		call_fail(&f->call, JOBD_CONFLICT, "it was let go on meanwhile, and is not drained any more", NULL);
	else
		call_reply(&f->call, reply_of(&f->now));
}

static enum task_status
drain_step(struct task *t)
{
	struct drain *f = container_of(t, struct drain, call.task);
	const struct drain_in *in = f->call.in;

	TASK_BEGIN(t);

	if (!drain_checked(f))
		goto out;
	drain_set(f);
	if (in->wait)
		drain_begin(f);
	while (!drain_look(f) && in->wait) {
		drain_report(f);
		AWAIT_UNTIL(t, drain_next(f), f->heard);
		if (t->err == -ECANCELED)
			goto out;
		if (t->err != 0 && f->deadline <= loop_now(t->loop) && !drain_look(f)) {
			call_fail(&f->call, JOBD_TIMED_OUT, NULL, NULL);
			goto out;
		}
	}
	drain_answer(f);
out:
	if (f->watcher.hub != NULL)
		watcher_stop(&f->watcher);
	TASK_END(t, 0);
}

static_assert(offsetof(struct drain, call.task) == 0, "a call is found by its task");

static void
drain_describe(const struct task *t, char *out, size_t n)
{
	const struct drain *f = (const void *)t;

	(void)snprintf(out, n, "%" PRId64 " runs to end", f->now.running);
}

static const struct task_kind drain_kind = {
	.name = "Drain",
	.step = drain_step,
	.release = call_release,
	.describe = drain_describe,
};

const struct method method_drain = {
	.name = "io.jobd.Drain",
	.in = drain_fields,
	.in_size = sizeof(struct drain_in),
	.flags = METHOD_MORE | METHOD_PRIVILEGED,
	.frame_size = sizeof(struct drain),
	.kind = &drain_kind,
};
