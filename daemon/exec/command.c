/*
 * command: has a command run by jobd-runner, and waits for its end.
 *
 * A command is started exactly once: the runner remembers what it was asked for, so Start may be
 * repeated to the same runner.  Another one (the first has died) does not know, and
 * may not be asked: what the dead one had, or may have had, is lost.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/fault.h"
#include "daemon/engine/gate.h"
#include "daemon/engine/loop.h"
#include "daemon/exec/executors.h"
#include "daemon/exec/runner.h"
#include "proto/json.h"
#include "proto/mem.h"

/* A runner that has not been there all that time fails the run, with the reason. */
#define RUNNER_WAIT_MAX		(30 * USEC_SEC)
/* It has as many commands as it may have, or is about to stop: ask again. */
#define START_AGAIN		USEC_SEC

/* One that runs longer is likely to run for long. */
#define SHORT_COMMAND		(100 * USEC_MSEC)

#define COMMAND_PATH	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define COMMAND_LANG	"C.UTF-8"

struct command {
	struct exec		 exec;
	struct runner_wait	 wait;
	struct runner_run	*known;		/* the runner's */
	struct gate_pass	 turn;		/* to send Start */
	struct peer_call	 start;
	instant			 sent_to;	/* since of whom Start was sent to; 0: nobody */
	uint64_t		 sent_by;	/* the connection */
	bool			 cancel_sent;
	bool			 told_before;	/* to end, by an earlier daemon */
	bool			 again;		/* Start was refused for now */
	bool			 rests;		/* our spec is put away */
	usec_t			 timeout;	/* that Start was sent with; 0: none, or by an earlier daemon */
};

/* ---- what is asked for ---- */

static bool
has_variable(const struct strings *environment, const char *name, size_t n)
{
	for (size_t i = 0; i < environment->n; i++) {
		if (strncmp(environment->items[i], name, n) == 0 && environment->items[i][n] == '=')
			return true;
	}
	return false;
}

static void
add_variable(struct strings *out, const char *name, const char *value)
{
	char *text = xasprintf("%s=%s", name, value);

	strings_add(out, text);
	free(text);
}

/*
 * What every command has; the job's own comes over it, but not over who it is.  What a file of
 * variables may change goes into defaults, which may be the same list.
 */
static void
make_environment(const struct exec *e, struct strings *out, struct strings *defaults)
{
	const struct run_info *run = e->run;
	const struct strings *own = &e->spec->command->environment;
	const char *queue = job_spec_queue(e->spec);
	char text[64], due[WHEN_TEXT_MAX];
	size_t ours;

	(void)snprintf(text, sizeof(text), "%" PRId64, run->job);
	add_variable(out, "JOBD_JOB", text);
	(void)snprintf(text, sizeof(text), "%" PRId64 ".%" PRId64, run->job, run->run);
	add_variable(out, "JOBD_RUN", text);
	(void)snprintf(text, sizeof(text), "%" PRId64, run->attempt);
	add_variable(out, "JOBD_ATTEMPT", text);
	add_variable(out, "JOBD_DUE", instant_print(run->due, due));
	(void)snprintf(text, sizeof(text), "%" PRId64, run->missed);
	add_variable(out, "JOBD_MISSED", text);
	if (instant_is_set(run->previous))
		add_variable(out, "JOBD_PREVIOUS_DUE", instant_print(run->previous, due));
	if (run->manual && strcmp(queue, QUEUE_SCHEDULE) == 0)
		queue = QUEUE_DEFAULT;
	add_variable(out, "JOBD_QUEUE", queue);
	ours = out->n;
	for (size_t i = 0; i < own->n; i++) {
		const struct strings first = { out->items, ours };

		/* The runner finds what a command leaves behind by these. */
		if (!has_variable(&first, own->items[i], strcspn(own->items[i], "=")))
			strings_add(out, own->items[i]);
	}
	if (!has_variable(own, "PATH", 4))
		add_variable(defaults, "PATH", COMMAND_PATH);
	if (e->spec->time_zone != NULL && !has_variable(own, "TZ", 2))
		add_variable(defaults, "TZ", e->spec->time_zone);
	if (!has_variable(own, "LANG", 4))
		add_variable(defaults, "LANG", COMMAND_LANG);
}

static struct cJSON *
start_parameters(const struct exec *e)
{
	const struct command_spec *c = e->spec->command;
	struct runner_start s = {
		.job = e->run->job,
		.run = e->run->run,
		.attempt = e->run->attempt,
		.argv = c->argv,
		.directory = c->directory,
		.uid = e->uid,
		.user = c->user,
		.timeout = e->spec->timeout,
		.grace = e->spec->grace,
		.output_bytes_max = c->output_bytes_max,
		.leftovers = c->leftovers,
		.nice = c->nice,
		.memory_bytes_max = c->memory_bytes_max,
		.cpu_percent = c->cpu_percent,
		.tasks_max = c->tasks_max,
		.idle_timeout = c->idle_timeout,
		.environment_files = c->environment_files,
		.stdin_file = c->stdin_file,
		.stdin_text = c->stdin_text,
		.stdin_base64 = c->stdin_base64,
		.progress = c->progress,
	};
	struct cJSON *parameters;

	make_environment(e, &s.environment,
	    c->environment_files.n > 0 ? &s.environment_defaults : &s.environment);
	parameters = fields_write(runner_start_fields, &s);
	strings_done(&s.environment);
	strings_done(&s.environment_defaults);
	return parameters;
}

static void
send_start(struct command *f)
{
	struct runner *r = f->exec.world->runner;
	struct cJSON *parameters = start_parameters(&f->exec);

	fault_point(FAULT_START_BEFORE_SEND);
	f->sent_to = runner_since(r);
	f->sent_by = runner_connection(r);
	f->again = false;
	f->timeout = f->exec.spec->timeout;
	f->start = (struct peer_call){ .waiter = &f->exec.task };
	peer_call(runner_peer(r), &f->start, "io.jobd.Runner.Start", parameters, false);
	fault_point(FAULT_START_AFTER_SEND);
	json_free(parameters);
}

static void
send_cancel(struct command *f)
{
	const struct run_info *run = f->exec.run;
	const struct runner_attempt a = { run->job, run->run, run->attempt };
	struct cJSON *parameters = fields_write(runner_attempt_fields, &a);

	f->cancel_sent = true;
	runner_tell(f->exec.world->runner, "io.jobd.Runner.Cancel", parameters);
	json_free(parameters);
}

/* What a cancel has set going, for those who ask; of one that an earlier daemon has begun it is not known. */
static void
note_cancel(struct command *f)
{
	struct run_info *run = f->exec.run;
	usec_t grace;

	if (f->told_before || instant_is_set(run->term_at) || f->exec.spec == NULL)
		return;
	grace = f->exec.spec->grace > 0 ? f->exec.spec->grace : GRACE_DEFAULT;
	run->term_at = loop_wall(f->exec.task.loop);
	run->kill_at = instant_add(run->term_at, grace);
}

/* ---- how it went ---- */

static void conclude(struct command *f, enum run_state state, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Is the runner too old for what the job wants?  Passed over, it would be another job. */
static bool
is_too_old(struct command *f)
{
	const struct command_spec *c = f->exec.spec->command;
	int64_t protocol = runner_protocol(f->exec.world->runner);
	const char *wants = NULL;

	if (protocol < RUNNER_PROTOCOL_LIMITS && (c->memory_bytes_max > 0 || c->cpu_percent > 0 ||
	    c->tasks_max > 0 || c->nice != 0))
		wants = "limits";
	if (protocol < RUNNER_PROTOCOL_LEFTOVERS && c->leftovers != LEFTOVERS_KILL)
		wants = "leftovers";
	if (protocol < RUNNER_PROTOCOL_INPUT) {
		if (c->stdin_file != NULL || c->stdin_text != NULL || c->stdin_base64 != NULL)
			wants = "a standard input";
		if (c->environment_files.n > 0)
			wants = "files of variables";
		if (c->idle_timeout > 0)
			wants = "idle limits";
		if (c->progress)
			wants = "progress";
	}
	if (wants != NULL)
		conclude(f, RUN_FAILED, RUNNER_TOO_OLD " and does not know %s: " RUNNER_RENEW,
		    wants);
	return wants != NULL;
}

static void
conclude(struct command *f, enum run_state state, const char *format, ...)
{
	struct run_info *run = f->exec.run;
	struct buf text = { 0 };
	va_list ap;

	va_start(ap, format);
	buf_vprintf(&text, format, ap);
	va_end(ap);
	run->state = state;
	free(run->reason);
	run->reason = buf_steal(&text);
	if (!instant_is_set(run->exited))
		run->exited = loop_wall(f->exec.task.loop);
}

/* " of 512M", or "" when the limit was not the job's. */
#define MEMORY_TEXT_MAX 32
static const char *
memory_print(int64_t bytes, char text[MEMORY_TEXT_MAX])
{
	static const char units[] = "KMGT";
	size_t unit = 0;

	text[0] = '\0';
	if (bytes <= 0)
		return text;
	bytes /= 1024;
	for (; bytes % 1024 == 0 && unit < sizeof(units) - 2; unit++)
		bytes /= 1024;
	(void)snprintf(text, MEMORY_TEXT_MAX, " of %" PRId64 "%c", bytes, units[unit]);
	return text;
}

/* In words and as a state: the first thing that applies. */
static void
judge(struct command *f, const struct runner_exit *e)
{
	const char *insisted = e->ended_by != NULL && strcmp(e->ended_by, "KILL") == 0 ?
	    ", and it had to be killed" : "";
	char limit[WHEN_TEXT_MAX], memory[MEMORY_TEXT_MAX];
	const char *name;

	if (e->not_started)
		conclude(f, RUN_FAILED, "%s",
		    e->reason != NULL ? e->reason : "it could not be started");
	else if (e->timed_out && e->reason != NULL)
		conclude(f, RUN_TIMED_OUT, "%s%s", e->reason, insisted);
	else if (e->timed_out)
		conclude(f, RUN_TIMED_OUT, "its limit of %s passed%s",
		    duration_print(f->exec.spec->timeout, limit), insisted);
	else if (e->canceled)
		conclude(f, RUN_CANCELED, "canceled%s", insisted);
	else if (e->reason != NULL)
		conclude(f, RUN_FAILED, "%s", e->reason);
	else if (e->oom && e->signal == SIGKILL)
		conclude(f, RUN_FAILED, "killed: it needed more memory than its limit%s",
		    memory_print(f->exec.spec->command->memory_bytes_max, memory));
	else if (e->signal != 0) {
		name = sigabbrev_np((int)e->signal);
		conclude(f, RUN_FAILED, "killed by signal %d (%s)", (int)e->signal,
		    name != NULL ? name : "unknown");
	} else if (e->code != 0)
		conclude(f, RUN_FAILED, "exit code %d", (int)e->code);
	else
		f->exec.run->state = RUN_SUCCEEDED;
}

static void
take_exit(struct command *f)
{
	const struct runner_exit *e = f->known->exit;
	struct run_info *run = f->exec.run;

	fault_point(FAULT_EXIT_TOLD);
	run->spawned = e->spawned;
	run->first_output = e->first_output;
	run->exited = e->exited;
	run->exit_code = e->code;
	run->signal = e->signal;
	run->oom = e->oom;
	run->pid = e->pid;
	run->cpu = e->cpu;
	run->memory_peak = e->memory_peak;
	run->output_bytes = e->output_bytes;
	free(run->ended_by);
	run->ended_by = xstrdup(e->ended_by);
	run->leftovers = e->leftovers;
	judge(f, e);
}

/* It runs: the live run shows it. */
static void
take_running(struct command *f)
{
	struct run_info *run = f->exec.run;

	run->spawned = f->known->last.spawned;
	run->pid = f->known->last.pid;
	if (instant_is_set(f->known->last.first_output))
		run->first_output = f->known->last.first_output;
}

/* The command has told how far it is. */
static void
take_progress(struct command *f)
{
	struct run_info *run = f->exec.run;

	f->known->news = false;
	run->progress = f->known->progress->percent;
	free(run->progress_text);
	run->progress_text = xstrdup(f->known->progress->text);
	if (f->exec.progress != NULL)
		f->exec.progress(&f->exec);
}

/* What was asked for is not needed while it is in line, and until it has ended. */
static void
rest(struct command *f, bool rests)
{
	if (rests == f->rests)
		return;
	f->rests = rests;
	if (f->exec.put_spec_away != NULL)
		f->exec.put_spec_away(&f->exec, rests);
}

/* May the runner that is there be asked to start it? */
static bool
never_begun(const struct command *f)
{
	instant since = runner_since(f->exec.world->runner);
	instant started = f->exec.run->started;

	if (instant_is_set(f->sent_to))
		return f->sent_to.usec == since.usec;
	/*
	 * An earlier daemon may have sent it: to the runner before this one, if that lived then.  If it
	 * was claimed later than now, the clock has been set back, and does not tell.
	 */
	return !f->exec.adopt || (started.usec >= since.usec &&
	    started.usec <= loop_wall(f->exec.task.loop).usec);
}

/* The answer to Start: it runs, has ended, or cannot. */
static void
take_answer(struct command *f)
{
	struct runner *r = f->exec.world->runner;
	const struct message_reply *reply = &f->start.reply;
	const struct cJSON *running, *exit;
	enum jobd_error why;

	fault_point(FAULT_START_ANSWERED);
	if (reply->error == NULL) {
		running = json_get(reply->parameters, "running");
		exit = json_get(reply->parameters, "exit");
		/* Its runner may have gone since: whoever comes next will say what it has. */
		if (running != NULL && f->sent_by != runner_connection(r))
			return;
		if (running != NULL)
			runner_run_is_running(r, f->known, running);
		else if (exit != NULL)
			runner_run_has_ended(r, f->known, exit);
		if (!f->known->running && !f->known->ended)
			conclude(f, RUN_FAILED, "jobd-runner did not say what became of it");
		return;
	}
	why = error_find(reply->error);
	if (why == JOBD_LIMIT_REACHED || why == JOBD_SHUTTING_DOWN) {
		/* It has not begun: nothing was sent, as it were. */
		f->sent_to = (instant){ 0 };
		f->again = true;
		return;
	}
	conclude(f, RUN_FAILED, "jobd-runner refused it: %s",
	    why != JOBD_ERROR_COUNT ? error_row(why)->text : reply->error);
}

/* ---- the task ---- */

static bool
is_over(const struct command *f)
{
	return f->exec.run->state != RUN_RUNNING;
}

/* Nothing has been begun, by us or by those before us. */
static bool
is_fresh(const struct command *f)
{
	return !f->exec.adopt && !instant_is_set(f->sent_to);
}

/* While it was in line something has happened that has to be looked at first. */
static bool
is_off(const struct command *f)
{
	return !runner_ready(f->exec.world->runner) || f->known->ended ||
	    (f->exec.cancel && is_fresh(f));
}

static void
begin(struct command *f)
{
	const struct run_info *run = f->exec.run;
	const struct runner_attempt a = { run->job, run->run, run->attempt };
	struct runner *r = f->exec.world->runner;

	f->exec.run->state = RUN_RUNNING;
	f->rests = f->exec.spec == NULL;
	f->told_before = f->exec.adopt && f->exec.cancel;
	runner_wait(r, &f->wait, &f->exec.task);
	f->known = runner_open(r, &a, &f->exec.task);
}

static void
end(struct command *f)
{
	struct runner *r = f->exec.world->runner;

	gate_leave(&f->turn);
	runner_forget(r, &f->start);
	peer_call_done(&f->start);
	runner_unwait(r, &f->wait);
	runner_close(r, f->known, is_over(f));
}

static enum task_status
command_step(struct task *t)
{
	struct command *f = container_of(t, struct command, exec.task);
	struct runner *r = f->exec.world->runner;

	TASK_BEGIN(t);

	begin(f);
	while (!is_over(f)) {
		/* Who may have begun it has to be asked, however long that takes. */
		AWAIT_UNTIL(t, is_fresh(f) ? loop_now(t->loop) + RUNNER_WAIT_MAX : USEC_NEVER,
		    runner_ready(r) || f->known->ended || (f->exec.cancel && is_fresh(f)));
		if (t->err == -ECANCELED)
			goto out;
		if (t->err == -ETIMEDOUT) {
			conclude(f, RUN_FAILED, "jobd-runner cannot be reached: %s",
			    runner_trouble(r));
			break;
		}
		if (f->exec.cancel && is_fresh(f)) {
			conclude(f, RUN_CANCELED, "canceled before it was begun");
			break;
		}
		if (!f->known->ended && !f->known->running) {
			if (!never_begun(f)) {
				runner_note_lost(r);
				conclude(f, RUN_LOST,
				    "the jobd-runner that had it is gone"
				    " (it was killed, or the host went down)");
				break;
			}
			gate_enter(runner_starts(r), &f->turn, t);
			AWAIT(t, f->turn.granted || is_off(f));
			if (t->err != 0)
				goto out;
			if (is_off(f)) {
				gate_leave(&f->turn);
				continue;
			}
			rest(f, false);
			if (is_over(f) || is_too_old(f))
				break;
			send_start(f);
			AWAIT(t, f->start.done || f->known->ended);
			if (t->err != 0)
				goto out;
			gate_leave(&f->turn);
			if (f->start.done && f->start.result == 0)
				take_answer(f);
			/* What was said is taken: a command may run for long, and there may be many. */
			peer_call_done(&f->start);
			if (f->again) {
				AWAIT_UNTIL(t, loop_now(t->loop) + START_AGAIN,
				    f->exec.cancel && is_fresh(f));
				if (t->err == -ECANCELED)
					goto out;
				continue;
			}
		}
		if (f->known->running)
			take_running(f);
		f->cancel_sent = false;
		while (!is_over(f) && !f->known->ended && runner_ready(r)) {
			if (f->exec.cancel && !f->cancel_sent) {
				send_cancel(f);
				rest(f, false);		/* its grace is in the spec */
				note_cancel(f);
			}
			AWAIT_UNTIL(t, f->rests ? USEC_NEVER : loop_now(t->loop) + SHORT_COMMAND,
			    f->known->ended || !runner_ready(r) || f->known->news ||
			    (f->exec.cancel && !f->cancel_sent));
			if (t->err == -ECANCELED)
				goto out;
			if (t->err == -ETIMEDOUT)
				rest(f, true);
			if (f->known->news)
				take_progress(f);
		}
		rest(f, false);
		if (!is_over(f) && f->known->ended)
			take_exit(f);
	}
out:
	end(f);
	TASK_END(t, 0);
}

/* How long it is until then. */
static const char *
left_print(const struct command *f, instant then, char out[WHEN_TEXT_MAX])
{
	usec_t left = instant_since(then, loop_wall(f->exec.task.loop));

	return duration_print_about(left > 0 ? left : 0, out);
}

/* The deadlines are the runner's, so no task here has one. */
static void
describe_process(const struct command *f, char *out, size_t n)
{
	const struct run_info *run = f->exec.run;
	char left[WHEN_TEXT_MAX];

	if (instant_is_set(run->kill_at))
		(void)snprintf(out, n, "process %" PRId64 " to end: TERM was sent, KILL comes in %s",
		    f->known->last.pid, left_print(f, run->kill_at, left));
	else if (f->timeout > 0 && instant_is_set(run->spawned))
		(void)snprintf(out, n, "process %" PRId64 " to end: jobd-runner ends it in %s, by its timeout",
		    f->known->last.pid, left_print(f, instant_add(run->spawned, f->timeout), left));
	else
		(void)snprintf(out, n, "process %" PRId64 " to end", f->known->last.pid);
}

static void
command_describe(const struct task *t, char *out, size_t n)
{
	const struct command *f = container_of((const char *)t, const struct command, exec.task);

	if (f->known == NULL || !f->known->running)
		(void)snprintf(out, n, "jobd-runner");
	else
		describe_process(f, out, n);
}

static const struct task_kind command_kind = {
	.name = "command",
	.step = command_step,
	.describe = command_describe,
};

const struct executor executor_command = {
	.frame_size = sizeof(struct command),
	.rests = true,
	.kind = &command_kind,
};
