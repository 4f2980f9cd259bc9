/*
 * exec_command: commands from the daemon's side, with a real jobd-runner beside it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/engine/gate.h"
#include "daemon/engine/loop.h"
#include "daemon/exec/executors.h"
#include "daemon/exec/runner.h"
#include "proto/mem.h"
#include "tests/harness/records.h"

/* No test waits so long unless something is wrong. */
#define GUARD	(60 * USEC_SEC)
/* How often a test looks for what no event tells of. */
#define LOOK	(2 * USEC_MSEC)

#define ONES_MAX 64

/* One run, as the scheduler would have it. */
struct one {
	struct exec	*exec;
	struct job_spec	 spec;
	struct command_spec command;
	struct run_info	 run;
};

/* A daemon without the rest: a loop, a runner, some runs. */
struct world {
	struct task	 root;
	struct task	 hook;
	struct loop	*l;
	struct runner	*runner;
	struct exec_world exec;
	struct one	*ones;
	size_t		 n;
	usec_t		 until;
	bool		 adopt;
	/* Looked at again and again; true: it needs no more looking. */
	bool		(*look)(struct world *w);
	bool		 stop;		/* let go of everything */
	pid_t		 pid;		/* of the runner */
	usec_t		 since;		/* left by a test's look */
};

static char directory[64];

static const char *
path_in(const char *file)
{
	static char path[4][256];
	static unsigned next;
	char *p = path[next++ % 4];

	(void)snprintf(p, sizeof(path[0]), "%s/%s", directory, file);
	return p;
}

static char *
program(void)
{
	const char *folder = getenv("JOBD_BIN");
	char path[4096], *slash;
	ssize_t n;

	if (folder != NULL) {
		assert_non_null(realpath(folder, path));
		return xasprintf("%s/jobd-runner", path);
	}
	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	assert_true(n > 0);
	path[n] = '\0';
	/* build/release/tests/unit/exec_command */
	for (int i = 0; i < 3; i++) {
		slash = strrchr(path, '/');
		assert_non_null(slash);
		*slash = '\0';
	}
	return xasprintf("%s/jobd-runner", path);
}

/* ---- the tasks ---- */

static bool
all_done(const struct world *w)
{
	for (size_t i = 0; i < w->n; i++) {
		if (task_alive(&w->ones[i].exec->task))
			return false;
	}
	return true;
}

static enum task_status
hook_step(struct task *t)
{
	struct world *w = container_of(t, struct world, hook);

	TASK_BEGIN(t);
	while (w->look != NULL && !w->look(w)) {
		SLEEP_UNTIL(t, loop_now(t->loop) + LOOK);
		if (t->err == -ECANCELED)
			break;
	}
	TASK_END(t, 0);
}

static const struct task_kind hook_kind = { .name = "hook", .step = hook_step };

static enum task_status
root_step(struct task *t)
{
	struct world *w = container_of(t, struct world, root);
	struct runner_stats stats;

	TASK_BEGIN(t);
	w->until = loop_now(t->loop) + GUARD;
	runner_start(w->runner, t);
	for (size_t i = 0; i < w->n; i++)
		task_start(&w->ones[i].exec->task, executor_command.kind, t);
	task_start(&w->hook, &hook_kind, t);
	AWAIT_UNTIL(t, w->until, w->stop || (all_done(w) && task_done(&w->hook)));
	assert_int_equal(t->err, 0);
	runner_stats(w->runner, &stats);
	w->pid = stats.pid;
	TASK_END(t, 0);
}

static const struct task_kind root_kind = { .name = "root", .step = root_step };

/* ---- a run ---- */

static void
one_init(struct one *o, int64_t number, const char *const *argv)
{
	*o = (struct one){ .run = RUN_INFO_NONE };
	o->run.job = 1;
	o->run.run = number;
	o->run.attempt = 1;
	o->run.kind = KIND_COMMAND;
	o->run.state = RUN_RUNNING;
	o->run.due = o->run.started = (instant){ 1700000000000000 };
	o->spec.command = &o->command;
	for (size_t i = 0; argv[i] != NULL; i++)
		strings_add(&o->command.argv, argv[i]);
}

/* A line for the shell; in the test's directory. */
static void
one_shell(struct one *o, int64_t number, const char *text)
{
	const char *argv[] = { "/bin/sh", "-c", text, NULL };

	one_init(o, number, argv);
	o->command.directory = xstrdup(directory);
}

static void
one_done(struct one *o)
{
	strings_done(&o->command.argv);
	strings_done(&o->command.environment);
	free(o->command.directory);
	run_info_done(&o->run);
}

/* Run all to their end, or until w->stop; the ones say how it went. */
static void
world_run(struct world *w, struct one *ones, size_t n)
{
	char *own = program();
	const struct runner_config config = {
		.socket = path_in("runner/socket"),
		.own_program = own,
		.state_directory = path_in("runner"),
		.log_level = "warning",
	};

	w->l = loop_new(LOOP_REAL);
	assert_non_null(w->l);
	w->runner = runner_new(&config, w->l);
	w->exec = (struct exec_world){ .loop = w->l, .runner = w->runner };
	w->ones = ones;
	w->n = n;
	for (size_t i = 0; i < n; i++) {
		ones[i].exec = xcalloc(1, executor_command.frame_size);
		ones[i].exec->world = &w->exec;
		ones[i].exec->spec = &ones[i].spec;
		ones[i].exec->run = &ones[i].run;
		ones[i].exec->uid = geteuid();
		ones[i].exec->adopt = w->adopt;
		ones[i].run.state = RUN_RUNNING;
	}
	task_start_root(&w->root, &root_kind, w->l);
	assert_int_equal(loop_run(w->l), 0);
	for (size_t i = 0; i < n; i++)
		free(ones[i].exec);
	runner_free(w->runner);
	loop_free(w->l);
	free(own);
}

/* The runner is told to stop, ends in order, and left no complaint of a sanitizer. */
static void
world_end(const struct world *w)
{
	int status;

	assert_true(w->pid > 0);
	assert_int_equal(kill(w->pid, SIGTERM), 0);
	assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* One shell line to its end. */
static void
run_shell(struct one *o, const char *text)
{
	struct world w = { .n = 0 };

	one_shell(o, 1, text);
	world_run(&w, o, 1);
	world_end(&w);
}

/* ---- what is left ---- */

static size_t
lines_of(const char *file)
{
	FILE *f = fopen(path_in(file), "r");
	size_t n = 0;
	int c;

	if (f == NULL)
		return 0;
	while ((c = fgetc(f)) != EOF)
		n += c == '\n';
	(void)fclose(f);
	return n;
}

static bool
file_has(const char *file, const char *line)
{
	FILE *f = fopen(path_in(file), "r");
	char text[4096];
	bool found = false;

	assert_non_null(f);
	while (fgets(text, sizeof(text), f) != NULL) {
		text[strcspn(text, "\n")] = '\0';
		found |= strcmp(text, line) == 0;
	}
	(void)fclose(f);
	return found;
}

/* Every process whose pid is in the file `pids` has gone. */
static void
assert_all_gone(size_t n)
{
	FILE *f = fopen(path_in("pids"), "r");
	size_t seen = 0;
	int pid;

	assert_non_null(f);
	while (fscanf(f, "%d", &pid) == 1) {
		assert_int_equal(kill(pid, 0), -1);
		assert_int_equal(errno, ESRCH);
		seen++;
	}
	(void)fclose(f);
	assert_int_equal(seen, n);
}

static size_t
records(void)
{
	return records_in(path_in("runner/exits"));
}

/* They are written a moment after they were told, and forgotten a moment after the acknowledgement. */
static void
await_records(size_t n)
{
	while (records() != n)
		(void)usleep(1000);
}

/* ---- how it ends ---- */

static void
success_is_told(void **state)
{
	struct one o;

	(void)state;
	run_shell(&o, "echo said >out");

	assert_int_equal(o.run.state, RUN_SUCCEEDED);
	assert_int_equal(o.run.exit_code, 0);
	assert_null(o.run.reason);
	assert_true(o.run.pid > 0);
	assert_true(instant_is_set(o.run.spawned));
	assert_true(o.run.exited.usec >= o.run.spawned.usec);
	assert_true(o.run.memory_peak > 0);
	assert_int_equal(lines_of("out"), 1);
	one_done(&o);
}

static void
exit_code_is_told(void **state)
{
	struct one o;

	(void)state;
	run_shell(&o, "exit 3");

	assert_int_equal(o.run.state, RUN_FAILED);
	assert_int_equal(o.run.exit_code, 3);
	assert_string_equal(o.run.reason, "exit code 3");
	one_done(&o);
}

static void
signal_is_told(void **state)
{
	struct one o;

	(void)state;
	run_shell(&o, "kill -SEGV $$");

	assert_int_equal(o.run.state, RUN_FAILED);
	assert_int_equal(o.run.exit_code, -1);
	assert_int_equal(o.run.signal, SIGSEGV);
	assert_string_equal(o.run.reason, "killed by signal 11 (SEGV)");
	one_done(&o);
}

static void
what_cannot_be_started_says_why(void **state)
{
	const char *const missing[] = { "no-such-program", NULL };
	const char *const denied[] = { "./plain", NULL };
	const char *const fine[] = { "true", NULL };
	struct world w = { .n = 0 };
	struct one o[3];
	int fd;

	(void)state;
	fd = open(path_in("plain"), O_WRONLY | O_CREAT, 0644);
	assert_true(fd >= 0);
	close(fd);
	one_init(&o[0], 1, missing);
	strings_add(&o[0].command.environment, "PATH=/usr/bin:/bin");
	one_init(&o[1], 2, denied);
	o[1].command.directory = xstrdup(directory);
	one_init(&o[2], 3, fine);
	o[2].command.directory = xstrdup("/no/such/directory");
	world_run(&w, o, 3);
	world_end(&w);

	assert_int_equal(o[0].run.exit_code, 127);
	assert_string_equal(
	    o[0].run.reason, "no program `no-such-program` in PATH (/usr/bin:/bin)");
	assert_int_equal(o[1].run.exit_code, 126);
	assert_string_equal(o[1].run.reason, "`./plain`: permission denied");
	assert_int_equal(o[2].run.exit_code, 125);
	assert_string_equal(o[2].run.reason,
	    "cannot change to directory /no/such/directory: no such file or directory");
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(o[i].run.state, RUN_FAILED);
		one_done(&o[i]);
	}
}

static void
environment_is_explicit(void **state)
{
	struct world w = { .n = 0 };
	struct one o;

	(void)state;
	assert_int_equal(setenv("OF_THE_DAEMON", "secret", 1), 0);
	one_shell(
	    &o, 7, "env >env; umask >>env; readlink /proc/$$/fd/0 >>env; ls /proc/$$/fd >fds");
	strings_add(&o.command.environment, "LANG=C");
	strings_add(&o.command.environment, "OWN=a b");
	strings_add(&o.command.environment, "JOBD_RUN=99.99");
	world_run(&w, &o, 1);
	world_end(&w);

	assert_int_equal(o.run.state, RUN_SUCCEEDED);
	assert_true(file_has("env", "JOBD_JOB=1"));
	assert_true(file_has("env", "JOBD_RUN=1.7"));
	assert_true(file_has("env", "JOBD_ATTEMPT=1"));
	assert_true(file_has("env", "JOBD_DUE=2023-11-14T22:13:20.000000Z"));
	assert_true(file_has("env", "JOBD_QUEUE=default"));
	assert_true(
	    file_has("env", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
	assert_true(file_has("env", "LANG=C"));
	assert_true(file_has("env", "OWN=a b"));
	assert_true(file_has("env", "0022"));
	assert_true(file_has("env", "/dev/null"));
	assert_false(file_has("env", "OF_THE_DAEMON=secret"));
	/* 0, 1, 2 and what the shell itself has open: nothing of the runner's. */
	assert_true(lines_of("fds") <= 4);
	one_done(&o);
}

/* ---- limits, cancelling, leftovers ---- */

static void
limit_ends_the_whole_tree(void **state)
{
	struct world w = { .n = 0 };
	struct one o;

	(void)state;
	one_shell(&o, 1, "trap '' TERM; echo $$ >>pids; sleep 1000 & echo $! >>pids;"
	    " setsid sleep 1000 & echo $! >>pids; wait; wait; wait");
	o.spec.timeout = 300 * USEC_MSEC;
	o.spec.grace = 100 * USEC_MSEC;
	world_run(&w, &o, 1);

	assert_int_equal(o.run.state, RUN_TIMED_OUT);
	assert_string_equal(o.run.reason, "its limit of 300ms passed, and it had to be killed");
	assert_int_equal(o.run.signal, SIGKILL);
	assert_all_gone(3);
	world_end(&w);
	one_done(&o);
}

static bool
cancel_when_begun(struct world *w)
{
	if (lines_of("pids") < 2)
		return false;
	w->ones[0].exec->cancel = true;
	task_wake(&w->ones[0].exec->task);
	return true;
}

static void
cancel_ends_what_has_left_the_session(void **state)
{
	struct world w = { .look = cancel_when_begun };
	struct one o;

	(void)state;
	one_shell(&o, 1, "setsid sh -c 'echo $$ >>pids; exec sleep 1000' & echo $$ >>pids; wait");
	world_run(&w, &o, 1);

	assert_int_equal(o.run.state, RUN_CANCELED);
	assert_int_equal(o.run.signal, SIGTERM);
	assert_all_gone(2);
	world_end(&w);
	one_done(&o);
}

static void
daemonized_leftovers_are_ended(void **state)
{
	struct one o;
	struct world w = { .n = 0 };

	(void)state;
	one_shell(&o, 1, "(setsid sh -c 'echo $$ >>pids; exec sleep 1000' >/dev/null 2>&1 &);"
	    " while ! test -s pids; do :; done");
	world_run(&w, &o, 1);

	assert_int_equal(o.run.state, RUN_SUCCEEDED);
	assert_all_gone(1);
	world_end(&w);
	one_done(&o);
}

static void
a_grandchild_with_the_pipe_does_not_hold_the_run(void **state)
{
	struct one o;
	struct world w = { .n = 0 };

	(void)state;
	one_shell(&o, 1, "sleep 1000 & echo $! >>pids; exit 5");
	world_run(&w, &o, 1);

	assert_int_equal(o.run.state, RUN_FAILED);
	assert_int_equal(o.run.exit_code, 5);
	assert_all_gone(1);
	world_end(&w);
	one_done(&o);
}

static void
what_a_grandchild_still_writes_is_kept(void **state)
{
	struct one o;

	(void)state;
	/* It writes after the main process has gone, and soon. */
	run_shell(&o, "(sleep 0.1; echo late) & exit 0");

	assert_int_equal(o.run.state, RUN_SUCCEEDED);
	assert_int_equal(o.run.output_bytes, 5);
	one_done(&o);
}

static void
many_at_once_all_end(void **state)
{
	struct world w = { .n = 0 };
	struct one o[ONES_MAX];
	char text[64];

	(void)state;
	for (int i = 0; i < ONES_MAX; i++) {
		(void)snprintf(text, sizeof(text), "echo %d; exit %d", i, i);
		one_shell(&o[i], i + 1, text);
	}
	world_run(&w, o, ONES_MAX);
	world_end(&w);

	for (int i = 0; i < ONES_MAX; i++) {
		assert_int_equal(o[i].run.exit_code, i);
		assert_int_equal(o[i].run.output_bytes, i < 10 ? 2 : 3);
		one_done(&o[i]);
	}
}

/* Every other one is canceled while all are in line; then the line moves. */
static bool
cancel_in_line(struct world *w)
{
	struct gate *line = runner_starts(w->runner);
	size_t canceled = 0;

	if (line->slots > 0)
		gate_set(line, 0);
	if (!w->ones[0].exec->cancel && line->waiting < (int64_t)w->n)
		return false;
	for (size_t i = 0; i < w->n; i += 2) {
		w->ones[i].exec->cancel = true;
		task_wake(&w->ones[i].exec->task);
		canceled += task_done(&w->ones[i].exec->task);
	}
	if (canceled < w->n / 2)
		return false;
	gate_set(line, 1);
	return true;
}

static void
those_that_wait_for_their_start_can_be_canceled(void **state)
{
	struct world w = { .look = cancel_in_line };
	struct one o[6];

	(void)state;
	for (int i = 0; i < 6; i++)
		one_shell(&o[i], i + 1, "echo x >>pids");
	world_run(&w, o, 6);
	world_end(&w);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(o[i].run.state, i % 2 == 0 ? RUN_CANCELED : RUN_SUCCEEDED);
		assert_true(i % 2 == 0 || o[i].run.pid > 0);
		one_done(&o[i]);
	}
	assert_int_equal(lines_of("pids"), 3);
}

static const struct job_spec *shelf;
static int times_away;

static void
put_away(struct exec *e, bool away)
{
	MUST(away == (e->spec != NULL));
	if (away)
		shelf = e->spec;
	e->spec = away ? NULL : shelf;
	times_away += away;
}

static bool
give_shelf(struct world *w)
{
	w->ones[0].exec->put_spec_away = put_away;
	return true;
}

static void
a_long_command_does_without_its_spec_until_it_ends(void **state)
{
	struct world w = { .look = give_shelf };
	struct one o;

	(void)state;
	one_shell(&o, 1, "sleep 1000");
	o.spec.timeout = 500 * USEC_MSEC;
	world_run(&w, &o, 1);
	world_end(&w);
	assert_int_equal(times_away, 1);
	assert_string_equal(o.run.reason, "its limit of 500ms passed");
	one_done(&o);
}

/* ---- daemons come and go ---- */

/* A command that says that it runs and then waits for a word in a pipe. */
static const char waits[] = "echo $$ >>pids; read word <fifo; exit 7";

static void
make_fifo(void)
{
	assert_int_equal(mkfifo(path_in("fifo"), 0600), 0);
}

/* Not before somebody reads. */
static void
say_word(void)
{
	int fd = open(path_in("fifo"), O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "go\n", 3), 3);
	close(fd);
}

static bool
stop_when_running(struct world *w)
{
	if (lines_of("pids") == 0 || w->ones[0].run.pid == 0)
		return false;
	w->stop = true;
	task_wake(&w->root);
	return true;
}

static bool
say_when_known(struct world *w)
{
	if (w->ones[0].run.pid == 0)
		return false;
	say_word();
	return true;
}

/* The first daemon: it starts the command and goes. */
static void
first_daemon(struct world *w, struct one *o)
{
	*w = (struct world){ .look = stop_when_running };
	make_fifo();
	one_shell(o, 1, waits);
	world_run(w, o, 1);
	assert_int_equal(o->run.state, RUN_RUNNING);
}

static void
a_run_outlives_the_daemon(void **state)
{
	struct world first, second = { .adopt = true, .look = say_when_known };
	struct one o;

	(void)state;
	first_daemon(&first, &o);
	o.run.pid = 0;
	world_run(&second, &o, 1);

	assert_int_equal(o.run.state, RUN_FAILED);
	assert_int_equal(o.run.exit_code, 7);
	assert_int_equal(lines_of("pids"), 1);
	assert_int_equal(second.pid, first.pid);
	world_end(&second);
	one_done(&o);
}

static void
an_end_that_nobody_saw_is_told(void **state)
{
	struct world first, second = { .adopt = true };
	struct one o;

	(void)state;
	first_daemon(&first, &o);
	say_word();
	while (records() == 0)
		(void)usleep(1000);
	world_run(&second, &o, 1);

	assert_int_equal(o.run.exit_code, 7);
	assert_int_equal(lines_of("pids"), 1);
	/* Not committed, so not forgotten. */
	assert_int_equal(records(), 1);
	world_end(&second);
	one_done(&o);
}

static void
what_was_never_sent_is_begun(void **state)
{
	struct world w = { .adopt = true };
	struct one o;

	(void)state;
	one_shell(&o, 1, "echo x >>pids");
	world_run(&w, &o, 1);
	world_end(&w);

	assert_int_equal(o.run.state, RUN_SUCCEEDED);
	assert_int_equal(lines_of("pids"), 1);
	one_done(&o);
}

static void
a_runner_that_ended_in_order_left_nothing_unknown(void **state)
{
	struct world first = { .n = 0 }, second = { .adopt = true };
	struct one o[2];

	(void)state;
	one_shell(&o[0], 1, "exit 0");
	world_run(&first, &o[0], 1);
	world_end(&first);
	one_shell(&o[1], 2, "echo x >>pids");
	world_run(&second, &o[1], 1);
	world_end(&second);

	assert_int_equal(o[1].run.state, RUN_SUCCEEDED);
	assert_int_equal(lines_of("pids"), 1);
	one_done(&o[0]);
	one_done(&o[1]);
}

/* Has the first process of the file pids ended, reaped or not? */
static void
assert_first_ended(void)
{
	FILE *f = fopen(path_in("pids"), "r");
	struct pollfd p = { .events = POLLIN };
	int pid = 0;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &pid), 1);
	(void)fclose(f);
	p.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (p.fd < 0)
		return;
	assert_int_equal(poll(&p, 1, 0), 1);
	close(p.fd);
}

static bool
kill_runner_when_running(struct world *w)
{
	struct runner_stats stats;

	if (lines_of("pids") == 0 || w->ones[0].run.pid == 0)
		return false;
	runner_stats(w->runner, &stats);
	return kill(stats.pid, SIGKILL) == 0;
}

static void
a_runner_that_was_killed_loses_its_runs(void **state)
{
	struct world w = { .look = kill_runner_when_running };
	struct one o;

	(void)state;
	make_fifo();
	one_shell(&o, 1, waits);
	world_run(&w, &o, 1);

	assert_int_equal(o.run.state, RUN_LOST);
	assert_non_null(o.run.reason);
	/* The next one has ended what it left; who reaps that is init's business. */
	assert_first_ended();
	world_end(&w);
	one_done(&o);
}

static bool
recover_and_wait(struct world *w)
{
	if (!runner_ready(w->runner))
		return false;
	runner_recovered(w->runner);
	return records() == 0;
}

static void
a_record_that_was_committed_before_goes(void **state)
{
	struct world first = { .n = 0 }, second = { .look = recover_and_wait };
	struct one o;

	(void)state;
	one_shell(&o, 1, "exit 0");
	world_run(&first, &o, 1);
	await_records(1);
	/* The next daemon has no run of that name: the first one committed its end, and died. */
	world_run(&second, NULL, 0);

	await_records(0);
	world_end(&second);
	one_done(&o);
}

static bool
acknowledge_and_wait(struct world *w)
{
	if (!all_done(w))
		return false;
	runner_acknowledge(w->runner, 1, 1, 1);
	return records() == 0;
}

static void
own_runner_ends_when_nothing_is_left(void **state)
{
	struct world w = { .look = acknowledge_and_wait };
	struct one o;
	int status;

	(void)state;
	one_shell(&o, 1, "exit 0");
	world_run(&w, &o, 1);

	assert_int_equal(waitpid(w.pid, &status, 0), w.pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(access(path_in("runner/socket"), F_OK), -1);
	one_done(&o);
}

/* ---- the tests ---- */

static int
set_up(void **state)
{
	(void)state;
	(void)snprintf(directory, sizeof(directory), "/tmp/exec_command.XXXXXX");
	return mkdtemp(directory) == NULL ? -1 : 0;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st, (void)flag, (void)f;
	return remove(path);
}

static int
tear_down(void **state)
{
	(void)state;
	return nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(success_is_told),
		TEST(exit_code_is_told),
		TEST(signal_is_told),
		TEST(what_cannot_be_started_says_why),
		TEST(environment_is_explicit),
		TEST(limit_ends_the_whole_tree),
		TEST(cancel_ends_what_has_left_the_session),
		TEST(daemonized_leftovers_are_ended),
		TEST(a_grandchild_with_the_pipe_does_not_hold_the_run),
		TEST(what_a_grandchild_still_writes_is_kept),
		TEST(many_at_once_all_end),
		TEST(those_that_wait_for_their_start_can_be_canceled),
		TEST(a_long_command_does_without_its_spec_until_it_ends),
		TEST(a_run_outlives_the_daemon),
		TEST(an_end_that_nobody_saw_is_told),
		TEST(what_was_never_sent_is_begun),
		TEST(a_runner_that_ended_in_order_left_nothing_unknown),
		TEST(a_runner_that_was_killed_loses_its_runs),
		TEST(a_record_that_was_committed_before_goes),
		TEST(own_runner_ends_when_nothing_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
