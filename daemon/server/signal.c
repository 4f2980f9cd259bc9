/*
 * signal: Signal: a signal to the main process of running commands, and to its group.  Nothing of
 * it is kept: it goes to the runner, and when that has said yes the caller is answered.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/exec/runner.h"
#include "daemon/server/cancel.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "proto/suggest.h"

#define SIGNAL_BYTES_MAX 32

struct signal_in {
	struct selection which;
	char		*signal;
};

static const struct field signal_fields[] = {
	SELECTION_ROWS(signal_in, which),
	{ "signal", FIELD_STRING, offsetof(struct signal_in, signal), .flags = FIELD_REQUIRED,
	    .max = SIGNAL_BYTES_MAX },
	{ .type = FIELD_END },
};

struct signal_call {
	struct call		 call;
	struct select		 select;
	struct pass		 pass;
	struct runner_signal	*to;		/* the attempts that run */
	size_t			 to_n, i;
	int			 signal;
	bool			 passed_over;	/* somebody else's, by a pattern */
	struct peer_call	 tell;
	struct cJSON		*texts;
};

/* As sigabbrev_np() has it, in capitals or not. */
static const char *
without_sig(const char *text)
{
	return strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
}

/* TERM, SIGTERM, sigterm, 15; 0: none of these. */
static int
signal_parse(const char *text)
{
	const char *name = without_sig(text), *known;
	char *end;
	long n;

	if (isdigit((unsigned char)text[0])) {
		n = strtol(text, &end, 10);
		return *end == '\0' && n >= 1 && n <= RUNNER_SIGNAL_MAX ? (int)n : 0;
	}
	for (int i = 1; i <= RUNNER_SIGNAL_MAX; i++) {
		known = sigabbrev_np(i);
		if (known != NULL && strcasecmp(known, name) == 0)
			return i;
	}
	return 0;
}

static void
refuse_signal(struct call *c, const char *word)
{
	const char *names[RUNNER_SIGNAL_MAX + 1], *meant = NULL;
	char upper[SIGNAL_BYTES_MAX + 1], *why;
	size_t n = 0;

	for (int i = 1; i <= RUNNER_SIGNAL_MAX; i++)
		if (sigabbrev_np(i) != NULL)
			names[n++] = sigabbrev_np(i);
	names[n] = NULL;
	(void)snprintf(upper, sizeof(upper), "%s", without_sig(word));
	for (char *p = upper; *p != '\0'; p++)
		*p = (char)toupper((unsigned char)*p);
	if (upper[0] != '\0' && !isdigit((unsigned char)upper[0]))
		meant = suggest(upper, names);
	if (meant != NULL)
		why = xasprintf("\"%s\" is no signal; did you mean %s?", word, meant);
	else
		why = xasprintf("\"%s\" is no signal: a name, like HUP or SIGUSR1, or a number from 1 to %d", word,
		    RUNNER_SIGNAL_MAX);
	call_fail(c, JOBD_INVALID_FIELD, "signal", why);
	free(why);
}

/* ---- which attempts run ---- */

static void
find_fill(struct pass *p, union pass_op *op, const struct target *target)
{
	(void)p;
	op->runs = (struct op_runs){
		.op.kind = OP_RUNS,
		.job = target->job,
		.run = target->run,
		.states = target->run == 0 ? 1u << RUN_RUNNING : 0,
		.limit = PASS_SLICE,
	};
}

/* One that was named must be a command that runs; among those of a job that is passed over. */
static void
take_run(struct signal_call *f, const struct run_info *run, const struct target *target)
{
	char text[RUN_TEXT_MAX];
	const char *but = NULL;
	char *why;

	if (run->kind != KIND_COMMAND)
		but = "is no command: there is no process to signal";
	else if (run_state_final((enum run_state)run->state))
		but = "is over";
	else if (run->state != RUN_RUNNING)
		but = "has not begun";
	if (but == NULL) {
		f->to = xrealloc(f->to, (f->to_n + 1) * sizeof(*f->to));
		f->to[f->to_n++] = (struct runner_signal){ run->job, run->run, run->attempt,
		    f->signal };
	} else if (!target->pattern) {
		why = xasprintf("run %s %s", run_text(run->job, run->run, text), but);
		pass_refuse(&f->pass, JOBD_CONFLICT, why);
		free(why);
	}
}

static void
find_took(struct pass *p, union pass_op *any, const struct target *target)
{
	struct signal_call *f = p->frame;
	struct op_runs *op = &any->runs;
	char why[64];

	if (runs_allowed(p, op, target, &f->passed_over)) {
		for (size_t i = 0; i < op->n; i++)
			take_run(f, &op->runs[i], target);
		if (op->n == 0 && !target->pattern) {
			(void)snprintf(why, sizeof(why), "job %" PRId64 " does not run",
			    target->job);
			pass_refuse(p, JOBD_CONFLICT, why);
		}
	}
	op_runs_done(op);
}

static const struct pass_kind find_pass = { .fill = find_fill, .took = find_took };

/* ---- telling the runner ---- */

static void
send(struct signal_call *f)
{
	struct runner *r = server_of(&f->call)->runner;
	struct cJSON *parameters = fields_write(runner_signal_fields, &f->to[f->i]);

	f->tell = (struct peer_call){ .waiter = &f->call.task };
	peer_call(runner_peer(r), &f->tell, "io.jobd.Runner.Signal", parameters, false);
	json_free(parameters);
}

/* May it be asked?  Else the caller is told. */
static bool
can_send(struct signal_call *f)
{
	struct runner *r = server_of(&f->call)->runner;

	if (r == NULL || runner_peer(r) == NULL)
		pass_refuse(&f->pass, JOBD_CONFLICT, "jobd-runner cannot be reached");
	else if (runner_protocol(r) < RUNNER_PROTOCOL_SIGNAL)
		pass_refuse(&f->pass, JOBD_CONFLICT, RUNNER_TOO_OLD " and cannot send signals: " RUNNER_RENEW);
	return f->pass.why == JOBD_OK;
}

static void
take_answer(struct signal_call *f)
{
	const struct runner_signal *s = &f->to[f->i];
	const char *error = f->tell.reply.error, *but = "its process has ended";
	char text[RUN_TEXT_MAX], *why;

	(void)run_text(s->job, s->run, text);
	if (f->tell.result < 0) {
		pass_refuse(&f->pass, JOBD_CONFLICT, "jobd-runner went away");
	} else if (error != NULL) {
		if (error_find(error) == JOBD_PERMISSION_DENIED)
			but = "jobd-runner may not signal its process";
		else if (error_find(error) == JOBD_NOT_FOUND)
			but = "it has no process yet";
		why = xasprintf("run %s: %s", text, but);
		pass_refuse(&f->pass, JOBD_CONFLICT, why);
		free(why);
	} else {
		json_push(f->texts, json_string(text));
	}
	peer_call_done(&f->tell);
}

static void
signal_answer(struct signal_call *f)
{
	struct cJSON *reply;

	if (f->to_n == 0 && f->passed_over)
		pass_refuse(&f->pass, JOBD_PERMISSION_DENIED, NULL);
	if (!pass_told(&f->pass, &f->call))
		return;
	reply = json_object();
	json_set(reply, "runs", f->texts);
	f->texts = NULL;
	call_reply(&f->call, reply);
}

static enum task_status
signal_step(struct task *t)
{
	struct signal_call *f = container_of(t, struct signal_call, call.task);
	const struct signal_in *in = f->call.in;

	TASK_BEGIN(t);

	f->signal = signal_parse(in->signal);
	if (f->signal == 0) {
		refuse_signal(&f->call, in->signal);
		goto out;
	}
	f->pass.call = &f->call;
	f->pass.frame = f;
	f->texts = json_array();
	if (!select_start_of(&f->select, &f->call, &in->which, SELECT_RUNS))
		goto out;
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->select.task));
	if (!select_told(&f->select, &f->call))
		goto out;
	pass_start(&f->pass, &find_pass, &f->select.found, t);
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->pass.task));
	for (f->i = 0; f->i < f->to_n && f->pass.why == JOBD_OK && can_send(f); f->i++) {
		send(f);
		AWAIT(t, f->tell.done);
		if (t->err != 0)
			goto out;
		take_answer(f);
	}
	signal_answer(f);
out:;
	TASK_END(t, 0);
}

static void
signal_release(struct task *t)
{
	struct signal_call *f = container_of(t, struct signal_call, call.task);
	struct runner *r = server_of(&f->call)->runner;

	if (r != NULL && f->tell.lent)
		runner_forget(r, &f->tell);
	select_done(&f->select);
	pass_done(&f->pass);
	free(f->to);
	json_free(f->texts);
	call_release(t);
}

static const struct task_kind signal_kind = { .name = "Signal", .step = signal_step,
    .release = signal_release };

const struct method method_signal = {
	.name = "io.jobd.Signal",
	.in = signal_fields,
	.in_size = sizeof(struct signal_in),
	.frame_size = sizeof(struct signal_call),
	.kind = &signal_kind,
};
