/*
 * reexec: Reexec: the runner and jobd execute their programs anew, in their processes: an upgrade
 * that no command notices.  The runner goes first, while we are there to see it come back; each
 * program is tried before, so that one that does not even start changes nothing.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/engine/child.h"
#include "daemon/exec/runner.h"
#include "daemon/server/method.h"
#include "proto/json.h"
#include "proto/mem.h"

/* By then a program has said its version, and the runner is back. */
#define TRIAL_MAX	(10 * USEC_SEC)
#define BACK_MAX	(20 * USEC_SEC)

struct reexec_in {
	bool	daemon, runner;		/* neither: both */
};

static const struct field reexec_fields[] = {
	{ "daemon", FIELD_BOOL, offsetof(struct reexec_in, daemon), .flags = 0 },
	{ "runner", FIELD_BOOL, offsetof(struct reexec_in, runner), .flags = 0 },
	{ .type = FIELD_END },
};

struct reexec {
	struct call		 call;
	struct child		 trial;
	struct peer_call	 ask;
	struct runner_wait	 waiting;
	int64_t			 executions;	/* of the runner's connection, before */
	int			 error;
	bool			 failed;	/* the caller was told */
};

static void __attribute__((format(printf, 2, 3)))
refuse(struct reexec *f, const char *format, ...)
{
	struct buf text = { 0 };
	va_list ap;

	va_start(ap, format);
	buf_vprintf(&text, format, ap);
	va_end(ap);
	f->failed = true;
	call_fail(&f->call, JOBD_CONFLICT, buf_string(&text), NULL);
	buf_done(&text);
}

/* ---- the runner ---- */

static void
ask_runner(struct reexec *f)
{
	struct runner *r = server_of(&f->call)->runner;

	if (runner_protocol(r) < RUNNER_PROTOCOL_REEXEC) {
		refuse(f, RUNNER_TOO_OLD " and cannot execute itself anew: restart it when nothing"
		    " runs");
		return;
	}
	f->executions = runner_connections(r);
	f->ask = (struct peer_call){ .waiter = &f->call.task };
	peer_call(runner_peer(r), &f->ask, "io.jobd.Runner.Reexec", NULL, false);
}

/* When it goes well there is no answer: the connection ends. */
static void
take_answer(struct reexec *f)
{
	const char *why = json_get_string(f->ask.reply.parameters, "reason");

	if (f->ask.result == 0)
		refuse(f, "jobd-runner goes on as before: %s",
		    why != NULL ? why : f->ask.reply.error);
	peer_call_done(&f->ask);
}

static bool
is_back(const struct reexec *f)
{
	const struct runner *r = server_of(&f->call)->runner;

	return runner_ready(r) && runner_connections(r) > f->executions;
}

/* ---- jobd ---- */

/* Does the program start at all, and take the configuration?  0 or -errno. */
static int
try_program(struct reexec *f)
{
	const struct server *s = server_of(&f->call);
	char *program = xstrdup(s->program), *config = xstrdup(s->config);
	char check[] = "--check-config", with[] = "--config";
	char *argv[] = { program, check, config != NULL ? with : NULL, config, NULL };
	const struct spawn spawn = { .path = program, .argv = argv, .envp = environ,
	    .directory = "/", .umask = 077, .stdio = { -1, -1, -1 } };
	const char *stage;
	int e = child_spawn(&f->trial, s->loop, &spawn, &f->call.task, &stage);

	free(program);
	free(config);
	return e;
}

static void
take_trial(struct reexec *f)
{
	const char *program = server_of(&f->call)->program;
	struct rusage usage;
	int status = 0;

	if (f->error == 0)
		f->error = child_reap(&f->trial, &status, &usage);
	if (f->error < 0)
		refuse(f, "jobd goes on as before: cannot execute %s: %s", program,
		    strerror(-f->error));
	else if (status != 0)
		refuse(f, "jobd goes on as before: %s does not start, or does not take the configuration: jobd"
		    " --check-config tells why", program);
}

/* ---- the call ---- */

static bool
wants(const struct reexec *f, bool runner)
{
	const struct reexec_in *in = f->call.in;

	return (runner ? in->runner : in->daemon) || in->runner == in->daemon;
}

static enum task_status
reexec_step(struct task *t)
{
	struct reexec *f = container_of(t, struct reexec, call.task);
	struct server *s = server_of(&f->call);

	TASK_BEGIN(t);

	/* One that is not there will be the new one when it is wanted. */
	if (wants(f, true) && s->runner != NULL && runner_ready(s->runner)) {
		runner_wait(s->runner, &f->waiting, t);
		ask_runner(f);
		if (f->failed)
			goto out;
		AWAIT(t, f->ask.done);
		if (t->err != 0)
			goto out;
		take_answer(f);
		if (f->failed)
			goto out;
		runner_look(s->runner);
		AWAIT_UNTIL(t, loop_now(t->loop) + BACK_MAX, is_back(f));
		if (t->err == -ETIMEDOUT)
			refuse(f, "jobd-runner was executed anew, but does not answer");
		if (t->err != 0)
			goto out;
	}
	if (wants(f, false) && s->reexec != NULL) {
		f->error = try_program(f);
		if (f->error == 0) {
			AWAIT_SHIELDED(t, loop_now(t->loop) + TRIAL_MAX, f->trial.exited);
			if (!f->trial.exited)
				(void)child_kill_group(&f->trial, SIGKILL);
			AWAIT_SHIELDED(t, USEC_NEVER, f->trial.exited);
		}
		take_trial(f);
		if (f->failed)
			goto out;
		s->reexec(s->context);
	}
	call_reply(&f->call, NULL);
out:
	if (s->runner != NULL)
		runner_unwait(s->runner, &f->waiting);
	TASK_END(t, 0);
}

static void
reexec_release(struct task *t)
{
	struct reexec *f = container_of(t, struct reexec, call.task);
	struct runner *r = server_of(&f->call)->runner;

	if (r != NULL && f->ask.lent)
		runner_forget(r, &f->ask);
	call_release(t);
}

static const struct task_kind reexec_kind = { .name = "Reexec", .step = reexec_step,
    .release = reexec_release };

const struct method method_reexec = {
	.name = "io.jobd.Reexec",
	.in = reexec_fields,
	.in_size = sizeof(struct reexec_in),
	.flags = METHOD_PRIVILEGED,
	.frame_size = sizeof(struct reexec),
	.kind = &reexec_kind,
};
