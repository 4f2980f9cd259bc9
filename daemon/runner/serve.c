/*
 * serve: the methods of io.jobd.Runner.  One row each; Logs is in logs.c, Remove in remove.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/engine/loop.h"
#include "daemon/runner/logs.h"
#include "daemon/runner/runner.h"
#include "daemon/wire/service.h"
#include "proto/io.jobd.Runner.varlink.h"
#include "proto/json.h"

/* In one reply of Watch. */
#define EXITS_PAGE	100
#define RUNNING_PAGE	1000

/* ---- what an attempt is on the wire ---- */

static struct cJSON *
running_object(const struct attempt *a)
{
	struct runner_running e = {
		.job = a->exit.job,
		.run = a->exit.run,
		.attempt = a->exit.attempt,
		.pid = a->exit.pid,
		.spawned = a->exit.spawned,
		.first_output = a->output.first,
		.canceled = a->cancel,
	};

	return fields_write(runner_running_fields, &e);
}

static struct cJSON *
attempt_reply(const struct attempt *a)
{
	struct cJSON *reply = json_object();

	if (a->sequence == 0)
		json_set(reply, "running", running_object(a));
	else
		json_set(reply, "exit", fields_write(runner_exit_fields, &a->exit));
	return reply;
}

/* ---- the short ones ---- */

static enum task_status
describe_step(struct task *t)
{
	struct call *c = container_of(t, struct call, task);
	struct runner *r = call_context(c);
	char since[WHEN_TEXT_MAX];
	struct cJSON *reply;

	TASK_BEGIN(t);

	reply = json_object();
	json_set_int(reply, "protocol", RUNNER_PROTOCOL);
	json_set_string(reply, "version", JOBD_VERSION);
	json_set_int(reply, "pid", getpid());
	json_set_string(reply, "since", instant_print(r->since, since));
	json_set_int(reply, "running", r->running);
	call_reply(c, reply);
	TASK_END(t, 0);
}

static const struct task_kind describe_kind = {
	.name = "Describe", .step = describe_step, .release = call_release,
};

static enum task_status
start_step(struct task *t)
{
	struct call *c = container_of(t, struct call, task);
	struct runner *r = call_context(c);
	const struct runner_start *in = c->in;
	struct attempt *a;

	TASK_BEGIN(t);

	a = runner_find(r, in->job, in->run, in->attempt);
	if (a != NULL)
		call_reply(c, attempt_reply(a));
	else if (r->stopping)
		call_fail(c, JOBD_SHUTTING_DOWN, NULL, NULL);
	else if (r->running >= RUNNING_MAX)
		call_fail(c, JOBD_LIMIT_REACHED, "commands running at once", NULL);
	else
		call_reply(c, attempt_reply(attempt_start(r, in)));
	TASK_END(t, 0);
}

static const struct task_kind start_kind = {
	.name = "Start", .step = start_step, .release = call_release,
};

/* The attempt that a call names; NULL: the call has failed. */
static struct attempt *
named(struct call *c)
{
	const struct runner_attempt *in = c->in;
	struct runner *r = call_context(c);
	struct attempt *a = runner_find(r, in->job, in->run, in->attempt);
	char what[72];

	if (a != NULL)
		return a;
	(void)snprintf(what, sizeof(what), "%" PRId64 ".%" PRId64 " attempt %" PRId64, in->job,
	    in->run, in->attempt);
	call_fail(c, JOBD_NOT_FOUND, what, NULL);
	return NULL;
}

static enum task_status
cancel_step(struct task *t)
{
	struct call *c = container_of(t, struct call, task);
	struct attempt *a;

	TASK_BEGIN(t);

	a = named(c);
	/* One that has ended has ended: its record is under way. */
	if (a != NULL && a->sequence == 0)
		attempt_cancel(a);
	if (a != NULL)
		call_reply(c, NULL);
	TASK_END(t, 0);
}

static const struct task_kind cancel_kind = {
	.name = "Cancel", .step = cancel_step, .release = call_release,
};

static enum task_status
acknowledge_step(struct task *t)
{
	struct call *c = container_of(t, struct call, task);
	struct attempt *a;

	TASK_BEGIN(t);

	a = named(c);
	if (a != NULL && a->sequence == 0) {
		call_fail(c, JOBD_CONFLICT, "it runs", NULL);
	} else if (a != NULL) {
		runner_forget(a->runner, a);
		call_reply(c, NULL);
	}
	TASK_END(t, 0);
}

static const struct task_kind acknowledge_kind = {
	.name = "Acknowledge", .step = acknowledge_step, .release = call_release,
};

/* ---- Watch ---- */

struct watch_call {
	struct call	 call;
	struct listener	 listener;
	uint64_t	 told;		/* sequence of the last end that was told */
	uint64_t	 progress_told;
	uint64_t	 complete_at;	/* what had ended when the list began */
	bool		 complete;
};

/* All that runs, as one instant sees it. */
static void
tell_running(struct watch_call *f, struct runner *r)
{
	struct cJSON *reply = NULL, *list = NULL;
	struct attempt *a = NULL;
	size_t position = 0;
	int n = 0;

	while ((a = runner_next(r, a, &position)) != NULL) {
		if (a->sequence != 0)
			continue;
		if (reply == NULL) {
			reply = json_object();
			list = json_array();
			json_set(reply, "running", list);
		}
		json_push(list, running_object(a));
		if (++n % RUNNING_PAGE == 0) {
			call_reply_more(&f->call, reply);
			reply = NULL;
		}
	}
	if (reply != NULL)
		call_reply_more(&f->call, reply);
}

/* The ends since the last one that was told: a page of them. */
static void
tell_exits(struct watch_call *f, struct runner *r)
{
	struct cJSON *reply = json_object(), *list = json_array();
	struct attempt *a = r->newest;

	json_set(reply, "exits", list);
	while (a != NULL && a->older != NULL && a->older->sequence > f->told)
		a = a->older;
	for (int n = 0; a != NULL && a->sequence > f->told && n < EXITS_PAGE; n++, a = a->newer) {
		json_push(list, fields_write(runner_exit_fields, &a->exit));
		f->told = a->sequence;
	}
	/* What was acknowledged meanwhile needs no telling. */
	if (a == NULL)
		f->told = r->sequence;
	if (json_count(list) > 0)
		call_reply_more(&f->call, reply);
	else
		json_free(reply);
}

/* The latest progress of each that has reported some since. */
static void
tell_progress(struct watch_call *f, const struct runner *r)
{
	struct cJSON *reply = json_object(), *list = json_array();

	json_set(reply, "progress", list);
	for (const struct progress *p = r->progresses; p != NULL; p = p->next) {
		if (p->sequence > f->progress_told)
			json_push(list, fields_write(runner_progress_fields, &p->latest));
	}
	f->progress_told = r->progress_sequence;
	if (json_count(list) > 0)
		call_reply_more(&f->call, reply);
	else
		json_free(reply);
}

static void
tell_complete(struct watch_call *f)
{
	struct cJSON *reply = json_object();

	f->complete = true;
	json_set_bool(reply, "complete", 1);
	call_reply_more(&f->call, reply);
}

static enum task_status
watch_step(struct task *t)
{
	struct watch_call *f = container_of(t, struct watch_call, call.task);
	struct runner *r = call_context(&f->call);

	TASK_BEGIN(t);

	runner_listen(r, &f->listener, t);
	r->listening++;
	task_wake(&r->task);
	records_look(&r->records);
	tell_running(f, r);
	f->complete_at = r->sequence;
	for (;;) {
		if (!f->complete && f->told >= f->complete_at)
			tell_complete(f);
		AWAIT(t, (r->sequence > f->told || r->progress_sequence > f->progress_told) &&
		    call_can_write(&f->call));
		if (t->err != 0)
			break;
		if (r->progress_sequence > f->progress_told)
			tell_progress(f, r);
		if (r->sequence > f->told)
			tell_exits(f, r);
	}
	runner_unlisten(r, &f->listener);
	r->listening--;
	task_wake(&r->task);
	records_look(&r->records);
	TASK_END(t, 0);
}

static void
watch_describe(const struct task *t, char *out, size_t n)
{
	(void)t;
	(void)snprintf(out, n, "a command to end");
}

static const struct task_kind watch_kind = {
	.name = "Watch", .step = watch_step, .release = call_release, .describe = watch_describe,
};

/* ---- the table ---- */

static const struct method methods[] = {
	{ .name = "io.jobd.Runner.Describe", .kind = &describe_kind,
	  .frame_size = sizeof(struct call), .flags = METHOD_LAST },
	{ .name = "io.jobd.Runner.Start", .kind = &start_kind, .frame_size = sizeof(struct call),
	  .in = runner_start_fields, .in_size = sizeof(struct runner_start), .flags = METHOD_LAST },
	{ .name = "io.jobd.Runner.Cancel", .kind = &cancel_kind, .frame_size = sizeof(struct call),
	  .in = runner_attempt_fields, .in_size = sizeof(struct runner_attempt),
	  .flags = METHOD_LAST },
	{ .name = "io.jobd.Runner.Watch", .kind = &watch_kind,
	  .frame_size = sizeof(struct watch_call), .flags = METHOD_MORE | METHOD_MORE_ONLY },
	{ .name = "io.jobd.Runner.Acknowledge", .kind = &acknowledge_kind,
	  .frame_size = sizeof(struct call), .in = runner_attempt_fields,
	  .in_size = sizeof(struct runner_attempt), .flags = METHOD_LAST },
	{ .name = "io.jobd.Runner.Logs", .kind = &logs_kind, .in = logs_fields,
	  .in_size = sizeof(struct logs_in), .frame_size = sizeof(struct logs_call),
	  .flags = METHOD_MORE | METHOD_LAST },
	{ .name = "io.jobd.Runner.Remove", .kind = &remove_kind, .in = remove_fields,
	  .in_size = sizeof(struct remove_in), .frame_size = sizeof(struct remove_call),
	  .flags = METHOD_LAST },
	{ .name = "io.jobd.Runner.RemoveRuns", .kind = &remove_runs_kind, .in = remove_runs_fields,
	  .in_size = sizeof(struct remove_in), .frame_size = sizeof(struct remove_call),
	  .flags = METHOD_LAST },
	{ .name = NULL },
};

/* Whom we serve, and root. */
static bool
admit(void *context, uid_t uid)
{
	const struct runner *r = context;

	return uid == 0 || uid == r->for_uid;
}

struct service *
serve_new(struct runner *r)
{
	const struct service_config config = {
		.methods = methods,
		.interface = "io.jobd.Runner",
		.description = varlink_text,
		.vendor = "jobd",
		.product = "jobd-runner",
		.version = JOBD_VERSION,
		.url = "io.jobd",
		.context = r,
		.admit = admit,
	};

	return service_new(&config);
}
