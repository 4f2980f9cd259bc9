/*
 * runner: see runner.h.
 *
 * Two connections: one for calls, pipelined, one for Watch, which has no end.  When either goes,
 * both are given up and what was known to run is not known any more; the next list says it anew. An
 * exit that was told stays told.
 *
 * A record is acknowledged in two cases only: its end was committed by us, or recovery is over and
 * nobody waits for it, so that somebody before us committed it.
 */
#include "daemon/exec/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/base/map.h"
#include "daemon/engine/child.h"
#include "daemon/engine/gate.h"
#include "daemon/engine/loop.h"
#include "proto/json.h"
#include "proto/mem.h"

/* Between attempts to connect, while somebody wants it. */
#define CONNECT_PAUSE_MIN	USEC_SEC
#define CONNECT_PAUSE_MAX	(5 * USEC_SEC)
/* Our own has to listen by then, and any to say what it has. */
#define BEGIN_MAX		(10 * USEC_SEC)
/* Of what our own says on its standard output: nothing. */
#define BEGIN_BYTES_MAX		4096

/*
 * Starts under way.  It answers one call after another: a thousand before it would hold up a cancel,
 * and the acknowledgements of what has ended meanwhile, which would then have to be written.
 */
#define STARTS_MAX		32

/* Of those that have died the latest are remembered, for doctor. */
#define DEATHS_KEPT		8

struct runner {
	struct task		 task;
	struct loop		*loop;
	struct runner_config	 config;
	struct peer		 calls, watch;
	struct peer_call	 describe_call, watch_call;
	struct map		 jobs;		/* job -> its first entry */
	struct runner_wait	*waits;
	struct gate		 starts;
	struct child		 own;		/* the one we have started, if any */
	struct stream		 begin;		/* its standard output: ends when it listens */
	int64_t			 wanted;	/* by so many executors */
	int64_t			 running;
	int64_t			 connections;	/* that became ready, so far */
	usec_t			 pause;
	uint64_t		 dials;		/* so far */
	uint64_t		 connection;	/* the present one's number; 0: none, or given up */
	struct runner_about	 about;		/* the last one, as it said */
	bool			 probe;		/* look once, whether wanted or not */
	bool			 described, complete, ready;
	bool			 refused;	/* it is of no use to us: trouble says why */
	bool			 recovered;
	bool			 failed;	/* the last attempt to connect */
	char			 trouble[192];
	struct runner_death	 deaths[DEATHS_KEPT];	/* the latest is at (deaths_n - 1) % DEATHS_KEPT */
	unsigned		 deaths_n;	/* so far */
	instant			 gone_since;	/* since of the one that is gone; none: it is there */
};

/* ---- what is known ---- */

static struct runner_run *
entry_find(const struct runner *r, const struct runner_attempt *a)
{
	struct runner_run *e = map_get(&r->jobs, a->job);

	while (e != NULL && (e->run != a->run || e->attempt != a->attempt))
		e = e->same_job;
	return e;
}

static struct runner_run *
entry_get(struct runner *r, const struct runner_attempt *a)
{
	struct runner_run *e = entry_find(r, a);

	if (e != NULL)
		return e;
	e = xcalloc(1, sizeof(*e));
	e->job = a->job;
	e->run = a->run;
	e->attempt = a->attempt;
	e->same_job = map_get(&r->jobs, e->job);
	map_set(&r->jobs, e->job, e);
	return e;
}

static void
entry_free(struct runner *r, struct runner_run *e)
{
	r->running -= e->running;
	fields_done(runner_running_fields, &e->last);
	if (e->progress != NULL)
		fields_done(runner_progress_fields, e->progress);
	if (e->exit != NULL)
		fields_done(runner_exit_fields, e->exit);
	free(e->progress);
	free(e->exit);
	free(e);
}

static void
entry_remove(struct runner *r, struct runner_run *e)
{
	struct runner_run *first = map_get(&r->jobs, e->job), **at = &first;

	while (*at != e)
		at = &(*at)->same_job;
	*at = e->same_job;
	if (first != NULL)
		map_set(&r->jobs, e->job, first);
	else
		map_remove(&r->jobs, e->job);
	entry_free(r, e);
}

/* Any entry that holds, or NULL: they change while one walks. */
static struct runner_run *
entry_any(struct runner *r, bool (*holds)(const struct runner_run *))
{
	struct runner_run *e;
	size_t position = 0;

	while ((e = map_next(&r->jobs, &position)) != NULL) {
		for (; e != NULL; e = e->same_job) {
			if (holds(e))
				return e;
		}
	}
	return NULL;
}

void
runner_tell(struct runner *r, const char *method, const struct cJSON *parameters)
{
	peer_tell(&r->calls, method, parameters);
}

void
runner_forget(struct runner *r, struct peer_call *c)
{
	peer_forget(&r->calls, c);
}

static void
tell_acknowledged(struct runner *r, const struct runner_run *e)
{
	const struct runner_attempt a = { e->job, e->run, e->attempt };
	struct cJSON *parameters = fields_write(runner_attempt_fields, &a);

	runner_tell(r, "io.jobd.Runner.Acknowledge", parameters);
	json_free(parameters);
}

/* Its end was committed before our time. */
static bool
is_stale(const struct runner_run *e)
{
	return e->ended && e->waiter == NULL && !e->taken;
}

void
runner_recovered(struct runner *r)
{
	struct runner_run *e;

	r->recovered = true;
	while ((e = entry_any(r, is_stale)) != NULL) {
		tell_acknowledged(r, e);
		entry_remove(r, e);
	}
}

void
runner_run_is_running(struct runner *r, struct runner_run *e, const struct cJSON *running)
{
	struct runner_running is = { 0 };
	struct field_error error;

	if (e->ended || fields_read_lax(running, runner_running_fields, &is, &error) != JOBD_OK)
		return;
	fields_done(runner_running_fields, &e->last);
	e->last = is;
	r->running += !e->running;
	e->running = true;
	task_wake(e->waiter);
}

void
runner_run_has_ended(struct runner *r, struct runner_run *e, const struct cJSON *exit)
{
	struct runner_exit is = { 0 };
	struct field_error error;

	if (e->ended || fields_read_lax(exit, runner_exit_fields, &is, &error) != JOBD_OK)
		return;
	e->exit = xmalloc(sizeof(*e->exit));
	*e->exit = is;
	e->ended = true;
	r->running -= e->running;
	e->running = false;
	task_wake(e->waiter);
	if (r->recovered && is_stale(e)) {
		tell_acknowledged(r, e);
		entry_remove(r, e);
	}
}

static struct runner_run *
entry_named(struct runner *r, const struct cJSON *object)
{
	const struct runner_attempt a = {
		json_get_int(object, "job", 0),
		json_get_int(object, "run", 0),
		json_get_int(object, "attempt", 0),
	};

	return entry_get(r, &a);
}

/* ---- interest ---- */

struct runner_run *
runner_open(struct runner *r, const struct runner_attempt *a, struct task *t)
{
	struct runner_run *e = entry_get(r, a);

	MUST(e->waiter == NULL);
	e->waiter = t;
	r->wanted++;
	task_wake(&r->task);
	return e;
}

void
runner_close(struct runner *r, struct runner_run *e, bool taken)
{
	MUST(e->waiter != NULL && r->wanted > 0);
	r->wanted--;
	e->waiter = NULL;
	e->taken = taken;
	if (!taken && !e->running && !e->ended)
		entry_remove(r, e);
}

void
runner_acknowledge(struct runner *r, int64_t job, int64_t run, int64_t attempt)
{
	const struct runner_attempt a = { job, run, attempt };
	struct runner_run *e = entry_find(r, &a);

	if (e == NULL)
		return;
	MUST(e->waiter == NULL);
	/* Without a connection: the next list tells of the record, nobody waits for it, it goes. */
	if (e->ended)
		tell_acknowledged(r, e);
	entry_remove(r, e);
}

void
runner_wait(struct runner *r, struct runner_wait *w, struct task *t)
{
	*w = (struct runner_wait){ .next = r->waits, .task = t };
	if (r->waits != NULL)
		r->waits->prev = w;
	r->waits = w;
}

void
runner_unwait(struct runner *r, struct runner_wait *w)
{
	if (w->task == NULL)
		return;
	if (w->next != NULL)
		w->next->prev = w->prev;
	if (w->prev != NULL)
		w->prev->next = w->next;
	else
		r->waits = w->next;
	*w = (struct runner_wait){ .task = NULL };
}

static void
wake_waits(struct runner *r)
{
	for (struct runner_wait *w = r->waits; w != NULL; w = w->next)
		task_wake(w->task);
}

/* ---- the connection ---- */

static void __attribute__((format(printf, 2, 3)))
set_trouble(struct runner *r, const char *format, ...)
{
	char text[sizeof(r->trouble)];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	/* The same trouble again is no news. */
	if (strcmp(text, r->trouble) != 0)
		log_warning("jobd-runner cannot be used, trying again while wanted why=\"%s\"",
		    text);
	memcpy(r->trouble, text, sizeof(text));
}

/* ---- deaths ---- */

static struct runner_death *
death_new(struct runner *r)
{
	struct runner_death *d = &r->deaths[r->deaths_n++ % DEATHS_KEPT];

	*d = (struct runner_death){ .at = loop_wall(r->loop) };
	return d;
}

static struct runner_death *
death_last(struct runner *r)
{
	return r->deaths_n > 0 ? &r->deaths[(r->deaths_n - 1) % DEATHS_KEPT] : NULL;
}

const struct runner_death *
runner_death_get(const struct runner *r, unsigned n)
{
	return n < r->deaths_n && n < DEATHS_KEPT ? &r->deaths[(r->deaths_n - 1 - n) % DEATHS_KEPT] : NULL;
}

/* It is gone, which is its death unless the same one comes back. */
static void
note_gone(struct runner *r)
{
	struct runner_death *d = death_new(r);

	d->pid = (pid_t)r->about.pid;
	d->running = r->running;
	r->gone_since = r->about.since;
	r->probe = true;	/* wanted or not: is it another one? */
	log_warning("jobd-runner is gone pid=%d running=%lld, connecting again when a command wants it",
	    (int)d->pid, (long long)d->running);
}

static void
note_back(struct runner *r)
{
	struct runner_death *d = death_last(r);

	if (!instant_is_set(r->gone_since))
		return;
	if (r->gone_since.usec == r->about.since.usec) {
		/* It renewed itself, or the connection broke. */
		r->deaths_n--;
		log_info("jobd-runner is back, the same one pid=%d running=%lld", (int)r->about.pid,
		    (long long)r->running);
	} else {
		d->back = loop_wall(r->loop);
		log_warning("jobd-runner is back, another one pid=%d, what the former one had is lost former=%d"
		    " had=%lld", (int)r->about.pid, (int)d->pid, (long long)d->running);
	}
	r->gone_since = (instant){ 0 };
}

void
runner_note_lost(struct runner *r)
{
	struct runner_death *d = death_last(r);

	/* It died together with the jobd before us, or while none was there. */
	if (d == NULL) {
		d = death_new(r);
		d->before = true;
	}
	d->lost++;
}

/* Everything there is to know is known. */
static void
look_whether_ready(struct runner *r)
{
	if (r->ready || !r->described || !r->complete || r->connection == 0)
		return;
	r->ready = true;
	r->connections++;
	r->trouble[0] = '\0';
	r->pause = CONNECT_PAUSE_MIN;
	log_debug("connected to jobd-runner pid=%d running=%lld", (int)r->about.pid,
	    (long long)r->running);
	note_back(r);
	task_wake(&r->task);
	wake_waits(r);
}

/* What it says of itself.  False: nothing that can be understood. */
static bool
take_about(struct runner *r, const struct cJSON *object)
{
	struct runner_about about = { 0 };
	struct field_error error;

	if (fields_read_lax(object, runner_about_fields, &about, &error) != JOBD_OK)
		return false;
	fields_done(runner_about_fields, &r->about);
	r->about = about;
	return true;
}

static void
on_describe(struct peer_call *c, const struct message_reply *reply)
{
	struct runner *r = container_of(c, struct runner, describe_call);

	if (r->connection == 0)
		return;
	if (reply->error != NULL || !take_about(r, reply->parameters)) {
		set_trouble(r, "it does not say who it is");
		r->refused = true;
	} else if (r->about.protocol < RUNNER_PROTOCOL_MIN) {
		set_trouble(r, "it is too old (protocol %lld, %d is the least): restart it",
		    (long long)r->about.protocol, RUNNER_PROTOCOL_MIN);
		r->refused = true;
	}
	r->described = !r->refused;
	look_whether_ready(r);
	task_wake(&r->task);
}

/* What a command that runs has told of itself. */
static void
take_progress(struct runner *r, const struct cJSON *o)
{
	struct runner_progress is = { .percent = -1 };
	struct runner_run *e;
	struct field_error error;

	if (fields_read_lax(o, runner_progress_fields, &is, &error) != JOBD_OK)
		return;
	e = entry_find(r, &(struct runner_attempt){ is.job, is.run, is.attempt });
	if (e == NULL || e->ended) {
		fields_done(runner_progress_fields, &is);
		return;
	}
	if (e->progress == NULL)
		e->progress = xcalloc(1, sizeof(*e->progress));
	fields_done(runner_progress_fields, e->progress);
	*e->progress = is;
	e->news = true;
	task_wake(e->waiter);
}

static void
on_watch(struct peer_call *c, const struct message_reply *reply)
{
	struct runner *r = container_of(c, struct runner, watch_call);
	const struct cJSON *running = json_get(reply->parameters, "running");
	const struct cJSON *exits = json_get(reply->parameters, "exits");
	const struct cJSON *progress = json_get(reply->parameters, "progress");
	const struct cJSON *about = json_get(reply->parameters, "about");

	/* What still comes in when it is given up says nothing of the next one, but for ends. */
	if (running != NULL && r->connection != 0) {
		for (const struct cJSON *o = json_first(running); o != NULL; o = json_next(o))
			runner_run_is_running(r, entry_named(r, o), o);
	}
	if (progress != NULL) {
		for (const struct cJSON *o = json_first(progress); o != NULL; o = json_next(o))
			take_progress(r, o);
	}
	if (exits != NULL) {
		for (const struct cJSON *o = json_first(exits); o != NULL; o = json_next(o))
			runner_run_has_ended(r, entry_named(r, o), o);
	}
	if (about != NULL && r->connection != 0)
		(void)take_about(r, about);
	if (json_get_bool(reply->parameters, "complete", 0) && r->connection != 0)
		r->complete = true;
	look_whether_ready(r);
}

/* 0 or -errno. */
static int
connect_both(struct runner *r)
{
	int e;

	e = peer_start(&r->calls, r->config.socket, &r->task);
	if (e < 0)
		return e;
	e = peer_start(&r->watch, r->config.socket, &r->task);
	if (e < 0) {
		task_cancel(&r->calls.task);
		return e;
	}
	r->described = r->complete = r->refused = false;
	r->connection = ++r->dials;
	r->describe_call = (struct peer_call){ .waiter = &r->task, .on_reply = on_describe };
	r->watch_call = (struct peer_call){ .waiter = &r->task, .on_reply = on_watch };
	peer_call(&r->calls, &r->describe_call, "io.jobd.Runner.Describe", NULL, false);
	peer_call(&r->watch, &r->watch_call, "io.jobd.Runner.Watch", NULL, true);
	return 0;
}

static bool
peers_gone(const struct runner *r)
{
	return !task_alive(&r->calls.task) && !task_alive(&r->watch.task);
}

static bool
connection_lost(const struct runner *r)
{
	return !r->calls.connected || !r->watch.connected || r->watch_call.done || r->refused;
}

static bool
not_known_any_more(const struct runner_run *e)
{
	return e->waiter == NULL && !e->taken;
}

/* What was known of what runs, it is not any more. */
static void
forget_running(struct runner *r)
{
	struct runner_run *e;
	size_t position = 0;

	while ((e = entry_any(r, not_known_any_more)) != NULL)
		entry_remove(r, e);
	while ((e = map_next(&r->jobs, &position)) != NULL) {
		for (; e != NULL; e = e->same_job)
			e->running = false;
	}
	r->running = 0;
}

static void
disconnect(struct runner *r)
{
	bool was_ready = r->ready;

	if (task_alive(&r->calls.task))
		task_cancel(&r->calls.task);
	if (task_alive(&r->watch.task))
		task_cancel(&r->watch.task);
	r->calls.connected = r->watch.connected = false;
	r->connection = 0;
	r->ready = false;
	/* We stop, and leave it where it is; or it has gone. */
	if (was_ready && !r->task.cancelled)
		note_gone(r);
	forget_running(r);
	wake_waits(r);
}

/* ---- a runner of our own ---- */

static int
open_log(const struct runner *r)
{
	char *path = xasprintf("%s/log", r->config.state_directory);
	int fd;

	(void)mkdir(r->config.state_directory, 0700);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	free(path);
	return fd;
}

/* Start it in a session of its own: what ends us does not end it.  0 or -errno. */
static int
own_start(struct runner *r)
{
	const char *arguments[] = {
		r->config.own_program, "--own", "--socket", r->config.socket, "--state-dir",
		r->config.state_directory, "--log-level",
		r->config.log_level != NULL ? r->config.log_level : "info", NULL,
	};
	char *argv[sizeof(arguments) / sizeof(arguments[0])];
	struct spawn s = { .path = r->config.own_program, .argv = argv, .envp = environ,
	    .directory = "/", .umask = 077, .new_session = true };
	const char *stage = "pipe";
	int p[2], e;

	if (pipe2(p, O_CLOEXEC) < 0) {
		e = -errno;
		set_trouble(r, "%s cannot be started (%s): %s", r->config.own_program, stage,
		    strerror(-e));
		return e;
	}
	memcpy(argv, arguments, sizeof(argv));
	s.stdio[0] = -1;
	s.stdio[1] = p[1];
	s.stdio[2] = open_log(r);
	e = child_spawn(&r->own, r->loop, &s, &r->task, &stage);
	close(p[1]);
	if (s.stdio[2] >= 0)
		close(s.stdio[2]);
	if (e < 0) {
		close(p[0]);
		set_trouble(r, "%s cannot be started (%s): %s", r->config.own_program, stage,
		    strerror(-e));
		return e;
	}
	(void)fcntl(p[0], F_SETFL, O_NONBLOCK);
	e = stream_start(&r->begin, r->loop, p[0], BEGIN_BYTES_MAX, &r->task);
	log_info("started jobd-runner pid=%d", (int)r->own.pid);
	return e;
}

/* It listens, or it has failed and connecting will tell. */
static bool
own_has_begun(const struct runner *r)
{
	return r->begin.eof || r->begin.error != 0 || r->own.exited;
}

static void
own_reap(struct runner *r)
{
	struct rusage usage;
	int status;

	if (r->own.pid > 0 && r->own.exited)
		(void)child_reap(&r->own, &status, &usage);
}

/* It outlives us: only stop looking. */
static void
own_leave(struct runner *r)
{
	own_reap(r);
	stream_stop(&r->begin);
	if (r->own.pid > 0) {
		watch_stop(&r->own.watch);
		close(r->own.pidfd);
		r->own.pid = 0;
	}
}

/* One that the jobd before us in this process has started is our child. */
static void
own_take_over(struct runner *r)
{
	siginfo_t info;
	int fd;

	if (r->config.own_pid <= 0 || waitid(P_PID, (id_t)r->config.own_pid, &info,
	    WEXITED | WNOHANG | WNOWAIT) < 0)
		return;
	fd = (int)syscall(SYS_pidfd_open, r->config.own_pid, 0);
	if (fd >= 0 &&
	    child_take_over(&r->own, r->loop, r->config.own_pid, fd, &r->task) < 0)
		close(fd);
}

/* ---- the task ---- */

static bool
has_work(const struct runner *r)
{
	return r->wanted > 0 || r->probe || (r->own.pid > 0 && r->own.exited);
}

static usec_t
next_pause(struct runner *r)
{
	usec_t now = r->pause;

	r->pause = r->pause * 2 > CONNECT_PAUSE_MAX ? CONNECT_PAUSE_MAX : r->pause * 2;
	return now;
}

/* Connect as it is.  False: nobody is there, and it may be for us to start one. */
static bool
try_connect(struct runner *r)
{
	int e = connect_both(r);

	r->failed = e < 0;
	if (e < 0 && r->wanted > 0 && (r->config.own_program == NULL || r->own.pid > 0))
		set_trouble(r, "%s: %s", r->config.socket, strerror(-e));
	return e == 0;
}

/* Nobody is there: start our own, if that is how it is. */
static bool
try_own(struct runner *r)
{
	return r->wanted > 0 && r->config.own_program != NULL && r->own.pid == 0 && peers_gone(r) &&
	    own_start(r) == 0;
}

static enum task_status
runner_step(struct task *t)
{
	struct runner *r = container_of(t, struct runner, task);

	TASK_BEGIN(t);

	for (;;) {
		AWAIT(t, has_work(r));
		own_reap(r);
		if (t->err != 0)
			break;
		if (r->wanted == 0 && !r->probe)
			continue;
		r->probe = false;
		if (!try_connect(r) && try_own(r)) {
			AWAIT_UNTIL(t, loop_now(t->loop) + BEGIN_MAX, own_has_begun(r));
			stream_stop(&r->begin);
			if (t->err == -ECANCELED)
				break;
			(void)try_connect(r);
			own_reap(r);
		}
		if (!r->failed) {
			AWAIT_UNTIL(t, loop_now(t->loop) + BEGIN_MAX,
			    r->ready || connection_lost(r));
			if (t->err == -ETIMEDOUT)
				set_trouble(r, "it does not answer");
			else if (!r->ready && !r->refused && t->err == 0)
				set_trouble(r, "it hung up before it had said what it has");
			r->failed = !r->ready;
			if (r->ready)
				AWAIT(t, connection_lost(r));
		}
		disconnect(r);
		AWAIT_SHIELDED(t, USEC_NEVER, peers_gone(r));
		if (t->cancelled)
			break;
		/* One of ours that has died need not be waited for. */
		if (r->failed && r->wanted > 0)
			AWAIT_UNTIL(t, loop_now(t->loop) + next_pause(r),
			    r->own.pid > 0 && r->own.exited);
		if (t->cancelled)
			break;
	}
	own_leave(r);
	TASK_END(t, 0);
}

static void
runner_describe(const struct task *t, char *out, size_t n)
{
	const struct runner *r = (const void *)t;

	if (r->ready)
		(void)snprintf(out, n, "jobd-runner (pid %d) to go", (int)r->about.pid);
	else if (r->wanted == 0)
		(void)snprintf(out, n, "a command");
	else
		(void)snprintf(out, n, "jobd-runner: %s",
		    r->trouble[0] != '\0' ? r->trouble : "connecting");
}

static const struct task_kind runner_kind = {
	.name = "runner",
	.step = runner_step,
	.describe = runner_describe,
};
_Static_assert(offsetof(struct runner, task) == 0, "a runner is found by its task");

struct runner *
runner_new(const struct runner_config *config, struct loop *l)
{
	struct runner *r = xcalloc(1, sizeof(*r));

	r->loop = l;
	r->config = *config;
	r->config.socket = xstrdup(config->socket);
	r->config.own_program = xstrdup(config->own_program);
	r->config.state_directory = xstrdup(config->state_directory);
	r->config.log_level = xstrdup(config->log_level);
	r->pause = CONNECT_PAUSE_MIN;
	r->own.pidfd = -1;
	gate_init(&r->starts, STARTS_MAX);
	return r;
}

void
runner_start(struct runner *r, struct task *parent)
{
	struct stat st;

	own_take_over(r);
	r->probe = stat(r->config.socket, &st) == 0;
	task_start(&r->task, &runner_kind, parent);
}

static bool
any(const struct runner_run *e)
{
	return e != NULL;
}

static void
free_text(const char *text)
{
	free((void *)(uintptr_t)text);
}

void
runner_free(struct runner *r)
{
	struct runner_run *e;

	if (r == NULL)
		return;
	MUST(!task_alive(&r->task) && r->waits == NULL);
	while ((e = entry_any(r, any)) != NULL)
		entry_remove(r, e);
	map_done(&r->jobs);
	fields_done(runner_about_fields, &r->about);
	free_text(r->config.socket);
	free_text(r->config.own_program);
	free_text(r->config.state_directory);
	free_text(r->config.log_level);
	free(r);
}

/* ---- looking ---- */

bool
runner_ready(const struct runner *r)
{
	return r->ready;
}

uint64_t
runner_connection(const struct runner *r)
{
	return r->connection;
}

instant
runner_since(const struct runner *r)
{
	return r->about.since;
}

int64_t
runner_protocol(const struct runner *r)
{
	return r->ready ? r->about.protocol : 0;
}

bool
runner_can_limit(const struct runner *r, const char *limit)
{
	for (size_t i = 0; i < r->about.limits.n; i++) {
		if (strcmp(r->about.limits.items[i], limit) == 0)
			return true;
	}
	return runner_protocol(r) < RUNNER_PROTOCOL_LIMITS;
}

bool
runner_may_be_root(const struct runner *r)
{
	return r->about.root || runner_protocol(r) < RUNNER_PROTOCOL_LIMITS;
}

const char *
runner_policy(const struct runner *r)
{
	return r->about.policy != NULL ? r->about.policy : "";
}

struct peer *
runner_peer(struct runner *r)
{
	return r->ready ? &r->calls : NULL;
}

struct gate *
runner_starts(struct runner *r)
{
	return &r->starts;
}

int64_t
runner_connections(const struct runner *r)
{
	return r->connections;
}

void
runner_look(struct runner *r)
{
	r->probe = true;
	task_wake(&r->task);
}

pid_t
runner_own_pid(const struct runner *r)
{
	return r->own.pid;
}

const char *
runner_socket(const struct runner *r)
{
	return r->config.socket;
}

const char *
runner_trouble(const struct runner *r)
{
	return r->trouble;
}

void
runner_stats(const struct runner *r, struct runner_stats *out)
{
	*out = (struct runner_stats){
		.connected = r->ready,
		.pid = r->ready ? (pid_t)r->about.pid : 0,
		.running = r->running,
		.wanted = r->wanted,
	};
}
