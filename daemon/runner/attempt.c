/*
 * attempt: one command, from its start to its record.  Whatever happens, no process of it is
 * left behind, and there is exactly one record.
 *
 * The main process is reaped last: its zombie keeps pid and group number ours, so that
 * no signal can reach a stranger.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/fault.h"
#include "daemon/base/log.h"
#include "daemon/engine/loop.h"
#include "daemon/runner/extras.h"
#include "daemon/runner/launch.h"
#include "daemon/runner/runner.h"
#include "proto/mem.h"
#include "proto/types.h"

#define COMMAND_UMASK	022
#define PATH_DEFAULT	LAUNCH_PATH

/* ---- what to start ---- */

/* As strerror(), for the middle of a sentence. */
static const char *
words(int r, char out[96])
{
	(void)snprintf(out, 96, "%s", strerror(-r));
	if (out[0] >= 'A' && out[0] <= 'Z' && out[1] >= 'a')
		out[0] += 'a' - 'A';
	return out;
}

static int __attribute__((format(printf, 3, 4)))
refuse(struct attempt *a, int code, const char *format, ...)
{
	struct buf reason = { 0 };
	va_list ap;

	va_start(ap, format);
	buf_vprintf(&reason, format, ap);
	va_end(ap);
	free(a->exit.reason);
	a->exit.reason = buf_steal(&reason);
	return code;
}

/* The value of a variable, or NULL. */
static const char *
environment_get(const struct strings *environment, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < environment->n; i++) {
		if (strncmp(environment->items[i], name, n) == 0 && environment->items[i][n] == '=')
			return environment->items[i] + n + 1;
	}
	return NULL;
}

/* May this user run that file?  0, -ENOENT for no such file, -EACCES. exec(2) has the last word. */
static int
may_run(const char *path, const struct spawn *s)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == EACCES ? -EACCES : -ENOENT;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	if (!s->change_user)
		return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 ? 0 : -EACCES;
	if (s->uid == st.st_uid)
		return st.st_mode & S_IXUSR ? 0 : -EACCES;
	for (size_t i = 0; i < s->groups_n; i++) {
		if (s->groups[i] == st.st_gid)
			return st.st_mode & S_IXGRP ? 0 : -EACCES;
	}
	return st.st_mode & S_IXOTH ? 0 : -EACCES;
}

/* The program's path, allocated; or NULL, and a->exit.reason and *code say why. */
static char *
find_program(struct attempt *a, const char *name, const char *path, const struct spawn *s,
    int *code)
{
	bool denied = false;
	char *file;
	size_t n;
	int r;

	if (strchr(name, '/') != NULL)
		return xstrdup(name);
	for (const char *p = path; *p != '\0'; p += n + (p[n] == ':')) {
		n = strcspn(p, ":");
		/* An empty or relative folder would make the command depend on where it runs. */
		if (n == 0 || *p != '/')
			continue;
		file = xasprintf("%.*s/%s", (int)n, p, name);
		r = may_run(file, s);
		if (r == 0)
			return file;
		denied |= r == -EACCES;
		free(file);
	}
	if (denied)
		*code = refuse(a, CODE_NOT_RUNNABLE, "`%s`: permission denied", name);
	else
		*code = refuse(a, CODE_NOT_FOUND, "no program `%s` in PATH (%s)", name, path);
	return NULL;
}

/* Whom to run as.  0, or the code of the refusal. */
static int
choose_user(struct attempt *a, const struct runner_start *s, const struct account **account,
    struct spawn *spawn)
{
	struct runner *r = a->runner;
	const struct account *u;
	char *reason;
	int code;

	u = account_find(&r->accounts, s->user, (uid_t)s->uid, loop_now(r->loop));
	*account = u;
	if (u == NULL && s->user != NULL)
		return refuse(a, CODE_NOT_STARTED, "there is no user `%s`", s->user);
	if (u == NULL && (uid_t)s->uid != r->uid)
		return refuse(a, CODE_NOT_STARTED, "there is no user with uid %" PRId64, s->uid);
	reason = policy_refuses(&r->policy, r->for_uid, u != NULL ? u->uid : r->uid, u, s);
	if (reason != NULL) {
		code = refuse(a, CODE_NOT_RUNNABLE, "%s", reason);
		free(reason);
		return code;
	}
	if (u == NULL || u->uid == r->uid)
		return 0;
	if (r->uid != 0)
		return refuse(a, CODE_NOT_RUNNABLE,
		    "not allowed: this jobd-runner may only run commands as uid %u, not as uid %u",
		    (unsigned)r->uid, (unsigned)u->uid);
	spawn->change_user = true;
	spawn->uid = u->uid;
	spawn->gid = u->gid;
	spawn->groups = u->groups;
	spawn->groups_n = u->groups_n;
	return 0;
}

/* What the account says, unless the job says otherwise; and what else a file may change. */
static void
complete_environment(const struct runner_start *in, const struct account *u, struct strings *out)
{
	const struct strings *given = &in->environment;
	const char *const names[] = { "HOME", "USER", "LOGNAME", "SHELL" };
	const char *values[] = { "/", NULL, NULL, "/bin/sh" };
	char *text;

	if (u != NULL) {
		values[0] = u->home;
		values[1] = values[2] = u->name;
		values[3] = u->shell;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (values[i] == NULL || environment_get(given, names[i]) != NULL)
			continue;
		text = xasprintf("%s=%s", names[i], values[i]);
		strings_add(out, text);
		free(text);
	}
	for (size_t i = 0; i < in->environment_defaults.n; i++)
		strings_add(out, in->environment_defaults.items[i]);
}

/* Both lists as exec(2) wants one.  The strings stay theirs. */
static char **
join(const struct strings *x, const struct strings *y)
{
	char **list = xcalloc(x->n + y->n + 1, sizeof(*list));

	if (x->n > 0)
		memcpy(list, x->items, x->n * sizeof(*list));
	if (y->n > 0)
		memcpy(list + x->n, y->items, y->n * sizeof(*list));
	return list;
}

/* ---- starting ---- */

/* Why the process could not be made, in words; and the code. */
static int
refuse_spawn(struct attempt *a, const struct spawn *s, const char *stage, int r)
{
	char text[96];
	int code;

	if (strcmp(stage, "chdir") == 0)
		return refuse(a, CODE_NOT_STARTED, "cannot change to directory %s: %s",
		    s->directory, words(r, text));
	if (strcmp(stage, "exec") != 0)
		return refuse(a, CODE_NOT_STARTED, "cannot start a process (%s): %s", stage,
		    words(r, text));
	free(a->exit.reason);
	a->exit.reason = launch_reason(s->directory, s->path, -r, &code);
	return code;
}

/* Two pipes: our ends do not block, the command's do.  0 or -errno. */
static int
make_pipes(int ours[OUTPUT_COUNT], int theirs[OUTPUT_COUNT])
{
	int p[2], r;

	for (int i = 0; i < OUTPUT_COUNT; i++) {
		if (pipe2(p, O_CLOEXEC) < 0) {
			r = -errno;
			if (i > 0) {
				close(ours[0]);
				close(theirs[0]);
			}
			return r;
		}
		(void)fcntl(p[0], F_SETFL, O_NONBLOCK);
		ours[i] = p[0];
		theirs[i] = p[1];
	}
	return 0;
}

/* Make the process, its output going to our ends.  0, or a code. */
static int
spawn(struct attempt *a, struct spawn *s, bool any_directory, int ours[OUTPUT_COUNT])
{
	const char *stage = "pipe";
	int theirs[OUTPUT_COUNT], r;
	char text[96];

	r = make_pipes(ours, theirs);
	if (r < 0)
		return refuse(a, CODE_NOT_STARTED, "cannot make a pipe: %s", words(r, text));
	s->stdio[1] = theirs[OUTPUT_STDOUT];
	s->stdio[2] = theirs[OUTPUT_STDERR];
	/* Before: when the call is back, a short command may be over. */
	a->exit.spawned = loop_wall(a->runner->loop);
	fault_point(FAULT_SPAWN_BEFORE);
	r = child_spawn(&a->child, a->runner->loop, s, &a->task, &stage);
	if (r < 0 && any_directory && strcmp(stage, "chdir") == 0) {
		/* Nobody asked for the home: without it, the root will do. */
		s->directory = "/";
		r = child_spawn(&a->child, a->runner->loop, s, &a->task, &stage);
	}
	close(theirs[0]);
	close(theirs[1]);
	fault_point(FAULT_SPAWN_AFTER);
	if (r == 0)
		return 0;
	a->exit.spawned = (instant){ 0 };
	close(ours[0]);
	close(ours[1]);
	return refuse_spawn(a, s, stage, r);
}

/* By this a later runner finds what we leave if we are killed. */
static void
name_runner(const struct runner *r, struct strings *out)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%s=%s", LEFTOVER_VARIABLE, r->name);
	strings_add(out, text);
}

/* A limit of the policy, and the job's within it. */
static int64_t
at_most(int64_t asked, int64_t ceiling)
{
	return ceiling > 0 && (asked == 0 || asked > ceiling) ? ceiling : asked;
}

/* Can its limits be kept?  0, or the code of the refusal. */
static int
check_limits(struct attempt *a, struct runner_start *s)
{
	int64_t *const limits[] = {
		[CGROUP_MEMORY] = &s->memory_bytes_max, [CGROUP_CPU] = &s->cpu_percent,
		[CGROUP_TASKS] = &s->tasks_max,
	};
	const struct runner *r = a->runner;
	bool ours = s->memory_bytes_max != at_most(s->memory_bytes_max, r->policy.memory_bytes_max);

	s->memory_bytes_max = at_most(s->memory_bytes_max, r->policy.memory_bytes_max);
	for (int i = 0; i < CGROUP_LIMIT_COUNT; i++) {
		if (*limits[i] == 0 || cgroups_can(r->cgroups, (enum cgroup_limit)i))
			continue;
		*limits[i] = 0;
		if (r->policy.ignore_limits)
			continue;
		return refuse(a, CODE_NOT_STARTED, "its %s limit cannot be kept: %s%s%s%s",
		    cgroup_limit_names[i], r->cgroups == NULL ? "jobd-runner has no cgroup of its"
		    " own: " : "the kernel gives jobd-runner no controller for it",
		    r->cgroups == NULL ? r->no_cgroups : "",
		    ours && i == CGROUP_MEMORY ? "; the limit is that of " : "",
		    ours && i == CGROUP_MEMORY ? r->policy.file : "");
	}
	return 0;
}

/* Its cgroup, if runs have any.  0, or a code. */
static int
make_group(struct attempt *a, const struct runner_start *in, struct spawn *s)
{
	const char *what;
	char text[96];

	if (a->runner->cgroups == NULL)
		return 0;
	cgroups_tidy(a->runner);
	s->cgroup_fd = cgroup_make(a->runner->cgroups, a, in, &what);
	if (s->cgroup_fd < 0)
		return refuse(a, CODE_NOT_STARTED, "its cgroup cannot be made (%s): %s", what,
		    words(s->cgroup_fd, text));
	s->into_cgroup = a->grouped = true;
	return 0;
}

/* The process is in its group, or there is none. */
static void
leave_group(struct attempt *a, const struct spawn *s, int code)
{
	if (!a->grouped)
		return;
	close(s->cgroup_fd);
	if (code == 0)
		return;
	cgroup_remove(a->runner->cgroups, a);
	a->grouped = false;
}

/* Not to be had without the right to, whoever asks. */
static int
check_nice(struct attempt *a, const struct runner_start *in, const struct spawn *s)
{
	if (in->nice < 0 && s->change_user && s->uid != 0)
		return refuse(a, CODE_NOT_RUNNABLE,
		    "not allowed: only root's commands may have a niceness below 0");
	return 0;
}

/* What is executed: the program, or ourselves for a launch.  As find_program(). */
static char *
program_of(struct attempt *a, const struct runner_start *in, const struct spawn *s, int *code)
{
	const char *path = environment_get(&in->environment, "PATH");

	if (launch_is_needed(in))
		return xstrdup("/proc/self/exe");
	return find_program(a, in->argv.items[0], path != NULL ? path : PATH_DEFAULT, s, code);
}

static char **
arguments(const struct runner_start *in, const struct spawn *s, size_t strong,
    struct strings *texts)
{
	const struct strings none = { 0 };

	if (!launch_is_needed(in))
		return join(&in->argv, &none);
	/* Its status is the last of the descriptors. */
	return launch_argv(in, strong, 2 + (int)s->more_n, texts);
}

/* 0, or a code and a->exit.reason.  *progress_fd: ours, or -1. */
static int
prepare_and_spawn(struct attempt *a, struct runner_start *in, int ours[OUTPUT_COUNT],
    int *progress_fd)
{
	struct spawn s = { .umask = COMMAND_UMASK, .new_session = true, .nice = (int)in->nice,
	    .files = &a->runner->files, .plain_oom = a->runner->plain_oom,
	    .stdio = { -1, -1, -1 } };
	const struct account *account = NULL;
	struct strings more = { 0 }, texts = { 0 };
	const char *what;
	char *program, **argv, **envp;
	char text[96];
	size_t strong;
	struct extras x;
	int code;

	if (in->argv.n == 0 || in->argv.items[0][0] == '\0')
		return refuse(a, CODE_NOT_FOUND, "no program is named");
	code = choose_user(a, in, &account, &s);
	if (code == 0)
		code = check_nice(a, in, &s);
	if (code == 0)
		code = check_limits(a, in);
	if (code != 0)
		return code;
	program = program_of(a, in, &s, &code);
	if (program == NULL)
		return code;
	code = extras_open(&x, in, &s, &what);
	if (code < 0) {
		free(program);
		return refuse(a, CODE_NOT_STARTED, "cannot make %s: %s", what, words(code, text));
	}
	name_runner(a->runner, &more);
	if (in->progress)
		strings_add(&more, PROGRESS_VARIABLE "=3");
	strong = in->environment.n + more.n;
	complete_environment(in, account, &more);
	argv = arguments(in, &s, strong, &texts);
	envp = join(&in->environment, &more);
	s.path = program;
	s.argv = argv;
	s.envp = envp;
	s.directory = in->directory;
	if (s.directory == NULL)
		s.directory = account != NULL ? account->home : "/";
	code = make_group(a, in, &s);
	if (code == 0)
		code = spawn(a, &s, in->directory == NULL, ours);
	leave_group(a, &s, code);
	extras_close(&x, code == 0);
	a->status_fd = x.status[0];
	*progress_fd = x.progress[0];
	free(argv);
	free(envp);
	free(program);
	strings_done(&more);
	strings_done(&texts);
	return code;
}

/* ---- the life of one ---- */

/* Of all its processes, those included that nobody has waited for. */
static void
take_usage(struct attempt *a)
{
	struct cgroup_usage usage;

	cgroup_usage(a->runner->cgroups, a, &usage);
	if (usage.cpu > 0)
		a->exit.cpu = usage.cpu;
	if (usage.memory_peak > 0)
		a->exit.memory_peak = usage.memory_peak;
	a->exit.oom = usage.oom;
	cgroup_remove(a->runner->cgroups, a);
}

/* How the main process ended; it is reaped here, and its pid is free. */
static void
take_status(struct attempt *a)
{
	struct rusage usage = { 0 };
	int status = 0, r;

	tree_remove_main(&a->runner->tree, a);
	r = child_reap(&a->child, &status, &usage);
	if (r < 0)
		log_error("a command's status is lost job=%" PRId64 " run=%" PRId64 " error=%s",
		    a->exit.job, a->exit.run, strerror(-r));
	else if (WIFSIGNALED(status))
		a->exit.signal = WTERMSIG(status);
	else
		a->exit.code = WEXITSTATUS(status);
	a->exit.cpu = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * USEC_SEC +
	    usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
	a->exit.memory_peak = (int64_t)usage.ru_maxrss * 1024;
	if (a->grouped)
		take_usage(a);
}

/* Was it begun at all?  A launch says so if not. */
static void
take_launch(struct attempt *a)
{
	char *why;

	if (a->status_fd < 0)
		return;
	why = extras_status(a->status_fd);
	a->status_fd = -1;
	if (why == NULL)
		return;
	a->exit.not_started = true;
	a->exit.spawned = (instant){ 0 };
	free(a->exit.reason);
	a->exit.reason = why;
}

static void
ended_by(struct attempt *a, const char *signal)
{
	free(a->exit.ended_by);
	a->exit.ended_by = xstrdup(signal);
}

/* Why it is being ended: its limit, a cancel, or because we are. */
static void
set_cause(struct attempt *a)
{
	if (a->idle != NULL && a->idle->over) {
		a->exit.timed_out = true;
		free(a->exit.reason);
		a->exit.reason = idle_reason(a);
	} else if (a->cancel)
		a->exit.canceled = true;
	else if (a->task.err == -ETIMEDOUT)
		a->exit.timed_out = true;
	else
		(void)refuse(a, 0, "jobd-runner was stopped");
	a->ending = true;
}

static usec_t
min_usec(usec_t x, usec_t y)
{
	return x < y ? x : y;
}

/* Its main process, or anything of it; the end of the main one is noted as it is seen. */
static bool
is_left(struct attempt *a)
{
	if (!a->child.exited)
		return true;
	if (!instant_is_set(a->exit.exited))
		a->exit.exited = loop_wall(a->task.loop);
	return tree_count(&a->runner->tree, a) > 0 ||
	    (a->grouped && cgroup_holds(a->runner->cgroups, a));
}

/* Hear of it when the last process has left its group. */
static void
watch_group(struct attempt *a)
{
	int fd;

	if (!a->grouped || a->group_events.event != NULL)
		return;
	fd = cgroup_events(a->runner->cgroups, a);
	if (fd >= 0 && watch_start(&a->group_events, a->task.loop, fd, WATCH_READ, &a->task) < 0)
		close(fd);	/* then SIGCHLD tells, of all that are our children */
}

static void
unwatch_group(struct attempt *a)
{
	int fd = a->group_events.fd;

	if (a->group_events.event == NULL)
		return;
	watch_stop(&a->group_events);
	close(fd);
}

/* Is there something left, and have we not yet tried enough? */
static bool
insist(struct attempt *a)
{
	if (!is_left(a))
		return false;
	if (a->kills < KILL_ROUNDS_MAX)
		return true;
	log_warning("processes of a run cannot be killed, leaving them job=%" PRId64 " run=%" PRId64,
	    a->exit.job, a->exit.run);
	return false;
}

/* Is its time to end by itself over? */
static bool
grace_is_over(const struct attempt *a)
{
	return a->kills > 0 || loop_now(a->task.loop) >= a->grace_end;
}

/* All that is known is stopped: is it long enough that nothing new was found? */
static bool
all_stopped(struct attempt *a)
{
	return tree_signal(&a->runner->tree, a, SIGSTOP) == 0 || ++a->stops >= STOP_ROUNDS_MAX;
}

/* Tell the tree what its time has come for.  Until when to wait then. */
static usec_t
tell_tree(struct attempt *a)
{
	usec_t pause = KILL_AGAIN_MIN << (a->kills < 10 ? a->kills : 10);

	if (!grace_is_over(a)) {
		ended_by(a, "TERM");
		(void)tree_signal(&a->runner->tree, a, SIGTERM);
		return a->grace_end;
	}
	ended_by(a, "KILL");
	if (a->grouped)
		cgroup_kill(a->runner->cgroups, a);
	(void)tree_signal(&a->runner->tree, a, SIGKILL);
	a->kills++;
	return loop_now(a->task.loop) + (pause < KILL_AGAIN ? pause : KILL_AGAIN);
}

/* May what the main process has left behind go on for now? */
static bool
may_stay(struct attempt *a)
{
	return a->leftovers == LEFTOVERS_WAIT && !a->ending && is_left(a);
}

/* Is what the main process has left behind on its own? */
static bool
lets_go(const struct attempt *a)
{
	return a->leftovers == LEFTOVERS_DETACH && !a->ending;
}

/* What was left behind when the main process had ended. */
static void
count_leftovers(struct attempt *a)
{
	int64_t n = a->child.exited ? tree_size(&a->runner->tree, a) : 0;

	if (n > a->exit.leftovers)
		a->exit.leftovers = n;
}

static enum task_status
attempt_step(struct task *t)
{
	struct attempt *a = container_of(t, struct attempt, task);
	struct tree *w = &a->runner->tree;

	TASK_BEGIN(t);

	/* One that was being ended when this program was executed is so still. */
	AWAIT_UNTIL(t, a->deadline, a->child.exited || a->cancel || a->ending);
	if (a->ending) {
		;
	} else if (!a->child.exited) {
		set_cause(a);
		a->grace_end = loop_now(t->loop) + a->grace;
	} else {
		if (!instant_is_set(a->exit.exited))
			a->exit.exited = loop_wall(t->loop);
		fault_point(FAULT_EXIT_SEEN);
		/* Who holds the pipe may still be writing what belongs to the run; not for long. */
		AWAIT_UNTIL(t, loop_now(t->loop) + DRAIN_MAX,
		    task_done(&a->output.task) || a->cancel);
		while (a->leftovers == LEFTOVERS_WAIT && !tree_is_sure(w) && !t->cancelled) {
			AWAIT_UNTIL(t, loop_now(t->loop) + LOOK_AGAIN, a->cancel);
			(void)tree_count(w, a);
		}
		AWAIT_UNTIL(t, a->deadline, !may_stay(a) || a->cancel);
		if (may_stay(a))
			set_cause(a);
		a->grace_end = loop_now(t->loop) +
		    (a->ending ? a->grace : min_usec(a->grace, LEFTOVER_GRACE_MAX));
	}

	/* Ask, then insist until nothing is left: of it, or of what it has left behind. */
	while (!lets_go(a)) {
		(void)is_left(a);
		while (a->child.exited && !tree_is_sure(w)) {
			AWAIT_SHIELDED(t, loop_now(t->loop) + LOOK_AGAIN, false);
			(void)is_left(a);
		}
		if (!insist(a))
			break;
		watch_group(a);
		a->stops = 0;
		do {
			sweep_ask(&w->sweep, a);
			AWAIT_SHIELDED(t, USEC_NEVER, sweep_answered(&w->sweep, a));
			count_leftovers(a);
		} while (grace_is_over(a) && !all_stopped(a));
		AWAIT_SHIELDED(t, tell_tree(a), !is_left(a));
	}
	/* With wait the run lasts until the last of them has ended. */
	if (a->leftovers == LEFTOVERS_WAIT)
		a->exit.exited = loop_wall(t->loop);
	if (a->exit.leftovers > 0 || a->ending)
		AWAIT_SHIELDED(t, loop_now(t->loop) + DRAIN_MAX, task_done(&a->output.task));
	output_stop(&a->output);
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&a->output.task));
	unwatch_group(a);
	take_status(a);
	take_launch(a);
	a->exit.first_output = a->output.first;
	a->exit.output_bytes = a->output.kept;
	TASK_END(t, 0);
}

/* The task is over, children and all: now it is a record. */
static void
attempt_release(struct task *t)
{
	struct attempt *a = container_of(t, struct attempt, task);

	a->runner->running--;
	free(a->idle);
	a->idle = NULL;
	runner_ended(a->runner, a);
}

static void
attempt_describe(const struct task *t, char *out, size_t n)
{
	const struct attempt *a = (const void *)t;

	if (!a->child.exited)
		(void)snprintf(out, n, "process %d to end", (int)a->child.pid);
	else if (a->exit.leftovers > 0)
		(void)snprintf(out, n, "what process %d left behind to end", (int)a->child.pid);
	else
		(void)snprintf(out, n, "the last output of process %d", (int)a->child.pid);
}

static void
attempt_serves(const struct task *t, char *out, size_t n)
{
	const struct attempt *a = (const void *)t;

	(void)snprintf(out, n, "%" PRId64 ".%" PRId64, a->exit.job, a->exit.run);
}

static const struct task_kind attempt_kind = {
	.name = "attempt",
	.step = attempt_step,
	.release = attempt_release,
	.describe = attempt_describe,
	.serves = attempt_serves,
};
_Static_assert(offsetof(struct attempt, task) == 0, "an attempt is found by its task");

struct attempt *
attempt_start(struct runner *r, struct runner_start *s)
{
	struct attempt *a = xcalloc(1, sizeof(*a));
	int ours[OUTPUT_COUNT], progress_fd = -1, code;

	a->runner = r;
	a->exit.job = s->job;
	a->exit.run = s->run;
	a->exit.attempt = s->attempt;
	a->exit.code = -1;
	a->deadline = s->timeout > 0 ? loop_now(r->loop) + s->timeout : USEC_NEVER;
	a->leftovers = s->leftovers;
	a->status_fd = -1;
	a->grace = s->grace > 0 ? s->grace : GRACE_DEFAULT;
	runner_add(r, a);
	code = prepare_and_spawn(a, s, ours, &progress_fd);
	if (code != 0) {
		a->exit.not_started = true;
		a->exit.code = code;
		a->exit.exited = loop_wall(r->loop);
		runner_ended(r, a);
		return a;
	}
	a->exit.pid = a->child.pid;
	attempt_go_on(a);
	output_start(&a->output, a, ours, at_most(s->output_bytes_max > 0 ? s->output_bytes_max :
	    OUTPUT_BYTES_MAX_DEFAULT, r->policy.output_bytes_max));
	idle_start(a, s->idle_timeout);
	if (progress_fd >= 0)
		progress_start(a, progress_fd);
	return a;
}

void
attempt_go_on(struct attempt *a)
{
	struct runner *r = a->runner;

	tree_add_main(&r->tree, a);
	r->running++;
	task_start(&a->task, &attempt_kind, &r->task);
}

void
attempt_cancel(struct attempt *a)
{
	a->cancel = true;
	task_wake(&a->task);
}
