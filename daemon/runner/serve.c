/*
 * serve: the methods of io.jobd.Runner.  One row each; Logs is in logs.c, Remove in remove.c.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/fault.h"
#include "daemon/base/log.h"
#include "daemon/engine/loop.h"
#include "daemon/runner/logs.h"
#include "daemon/runner/reexec.h"
#include "daemon/runner/runner.h"
#include "daemon/wire/service.h"
#include "proto/io.jobd.Runner.varlink.h"
#include "proto/json.h"
#include "proto/mem.h"

/* In one reply of Watch. */
#define EXITS_PAGE	100
#define RUNNING_PAGE	1000

/* The program that is to follow us says by then whether it can. */
#define HELPER_MAX	(10 * USEC_SEC)

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

/* Who we are, and what may be asked for. */
static struct cJSON *
about_object(const struct runner *r)
{
	char version[] = JOBD_VERSION;
	struct runner_about about = {
		.protocol = RUNNER_PROTOCOL,
		.version = version,
		.pid = getpid(),
		.since = r->since,
		.running = r->running,
		.root = r->uid == 0 && policy_allows_root(&r->policy, r->for_uid),
		.policy = r->policy.file,
	};
	struct cJSON *object;

	for (int i = 0; i < CGROUP_LIMIT_COUNT; i++) {
		if (r->policy.ignore_limits || cgroups_can(r->cgroups, (enum cgroup_limit)i))
			strings_add(&about.limits, cgroup_limit_names[i]);
	}
	object = fields_write(runner_about_fields, &about);
	strings_done(&about.limits);
	return object;
}

static enum task_status
describe_step(struct task *t)
{
	struct call *c = container_of(t, struct call, task);

	TASK_BEGIN(t);

	call_reply(c, about_object(call_context(c)));
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
	struct runner_start *in = c->in;
	struct attempt *a;

	TASK_BEGIN(t);

	fault_point(FAULT_START_RECEIVED);
	a = runner_find(r, in->job, in->run, in->attempt);
	if (a != NULL)
		call_reply(c, attempt_reply(a));
	else if (r->stopping)
		call_fail(c, JOBD_SHUTTING_DOWN, NULL, NULL);
	else if (!mem_reserve(MEMORY_RESERVE))
		call_fail(c, JOBD_LIMIT_REACHED, "memory", NULL);
	else if (r->running >= r->policy.commands)
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

	fault_point(FAULT_CANCEL_RECEIVED);
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
signal_step(struct task *t)
{
	struct call *c = container_of(t, struct call, task);
	const struct runner_signal *in = c->in;
	struct attempt *a;
	int e;

	TASK_BEGIN(t);

	a = named(c);
	if (a == NULL)
		goto out;
	e = a->sequence != 0 || a->child.exited ? -ESRCH :
	    child_kill_group(&a->child, (int)in->signal);
	if (e == -EPERM)
		call_fail(c, JOBD_PERMISSION_DENIED, NULL, NULL);
	else if (e < 0)
		call_fail(c, JOBD_CONFLICT, "it has ended", NULL);
	else
		call_reply(c, NULL);
out:;
	TASK_END(t, 0);
}

static const struct task_kind signal_kind = {
	.name = "Signal", .step = signal_step, .release = call_release,
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
		fault_point(FAULT_ACK_RECEIVED);
		runner_forget(a->runner, a);
		fault_point(FAULT_ACK_DONE);
		call_reply(c, NULL);
	}
	TASK_END(t, 0);
}

static const struct task_kind acknowledge_kind = {
	.name = "Acknowledge", .step = acknowledge_step, .release = call_release,
};

/* ---- Reexec ---- */

struct reexec_call {
	struct call	 call;
	struct child	 helper;
	int		 error;
};

/* Ask the program that is to follow us whether it can. */
static int
ask_program(struct reexec_call *f, const struct runner *r)
{
	char form[16], option[] = "--can-resume", *argv[4], *program = xstrdup(r->program);
	struct spawn s = { .path = r->program, .argv = argv, .envp = environ, .directory = "/",
	    .umask = 077, .stdio = { -1, -1, -1 } };
	const char *stage;
	int e;

	(void)snprintf(form, sizeof(form), "%d", RESUME_FORM);
	argv[0] = program;
	argv[1] = option;
	argv[2] = form;
	argv[3] = NULL;
	e = child_spawn(&f->helper, r->loop, &s, &f->call.task, &stage);
	free(program);
	return e;
}

/* 0: it can; or -errno. */
static int
take_answer(struct reexec_call *f)
{
	struct rusage usage;
	int status, e = child_reap(&f->helper, &status, &usage);

	return e < 0 ? e : status == 0 ? 0 : -EPROTONOSUPPORT;
}

static void
reexec_refused(struct reexec_call *f, const struct runner *r)
{
	char *why;

	if (f->error == -EPROTONOSUPPORT)
		why = xasprintf("%s cannot take over what this jobd-runner (%s) holds", r->program,
		    JOBD_VERSION);
	else if (f->error == -EBUSY)
		why = xstrdup("the disk of the state directory does not answer");
	else if (f->error == -ESHUTDOWN)
		why = xstrdup("jobd-runner is being stopped");
	else
		why = xasprintf("cannot execute %s: %s", r->program, strerror(-f->error));
	log_error("going on as before: %s", why);
	call_fail(&f->call, JOBD_CONFLICT, why, NULL);
	free(why);
}

static enum task_status
reexec_step(struct task *t)
{
	struct reexec_call *f = container_of(t, struct reexec_call, call.task);
	struct runner *r = call_context(&f->call);

	TASK_BEGIN(t);

	if (r->reexec != NULL || r->stopping || r->tree.helper != 0) {
		call_fail(&f->call, JOBD_CONFLICT, "it is about to already", NULL);
		goto out;
	}
	f->error = ask_program(f, r);
	if (f->error == 0) {
		tree_set_helper(&r->tree, f->helper.pid);
		AWAIT_SHIELDED(t, loop_now(t->loop) + HELPER_MAX, f->helper.exited);
		if (!f->helper.exited)
			(void)child_kill_group(&f->helper, SIGKILL);
		AWAIT_SHIELDED(t, USEC_NEVER, f->helper.exited);
		f->error = take_answer(f);
		tree_set_helper(&r->tree, 0);
	}
	if (f->error == 0) {
		/* When that goes well nobody comes back here: the connection's end says so. */
		r->reexec = t;
		r->reexec_error = 0;
		task_wake(&r->task);
		AWAIT_SHIELDED(t, USEC_NEVER, r->reexec != t);
		f->error = r->reexec_error;
	}
	reexec_refused(f, r);
out:;
	TASK_END(t, 0);
}

static const struct task_kind reexec_kind = {
	.name = "Reexec", .step = reexec_step, .release = call_release,
};

/* ---- Watch ---- */

struct watch_call {
	struct call	 call;
	struct listener	 listener;
	uint64_t	 told;		/* sequence of the last end that was told */
	uint64_t	 progress_told;
	uint64_t	 complete_at;	/* what had ended when the list began */
	bool		 complete;
	unsigned	 policies;	/* that were read when we last told */
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
		fault_point(FAULT_EXIT_BEFORE_TELL);
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

/* What Describe would say now. */
static void
tell_about(struct watch_call *f, struct runner *r)
{
	struct cJSON *reply = json_object();

	f->policies = r->policies;
	json_set(reply, "about", about_object(r));
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
	f->policies = r->policies;
	for (;;) {
		if (!f->complete && f->told >= f->complete_at)
			tell_complete(f);
		AWAIT(t, (r->sequence > f->told || r->policies != f->policies ||
		    r->progress_sequence > f->progress_told) && call_can_write(&f->call));
		if (t->err != 0)
			break;
		if (r->policies != f->policies)
			tell_about(f, r);
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
	{ .name = "io.jobd.Runner.Signal", .kind = &signal_kind, .frame_size = sizeof(struct call),
	  .in = runner_signal_fields, .in_size = sizeof(struct runner_signal),
	  .flags = METHOD_LAST },
	{ .name = "io.jobd.Runner.Reexec", .kind = &reexec_kind,
	  .frame_size = sizeof(struct reexec_call) },
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
		.lax = true,
	};

	return service_new(&config);
}
