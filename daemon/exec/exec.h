/*
 * exec: how one kind of job is carried out.  An executor is handed a run and reports an
 * outcome; it knows neither why nor when.  One file and one row a kind.
 */
#ifndef EXEC_EXEC_H
#define EXEC_EXEC_H

#include "daemon/engine/task.h"
#include "proto/types.h"

struct canary;
struct dns;
struct http_engine;
struct runner;
struct executor;

/* What executors stand on; the daemon's, outlives every run. */
struct exec_world {
	struct loop		*loop;
	struct runner		*runner;	/* runner.h */
	struct dns		*dns;
	struct http_engine	*http;		/* http.h */
	struct canary		*canary;	/* canary.h; NULL: none is configured */
	/* A row a kind, of a world that is only simulated; NULL: the real ones. */
	const struct executor *const *executors;
};

/*
 * The head of every executor's frame; the rest is zero at the start.  Set by the run's task before start.
 *
 * The executor returns with run->state final and the outcome's fields filled (exited, reason,
 * exit_code, ...): succeeded, failed, timed_out, canceled or lost; a run that cannot even start is failed, with
 * the reason in words.  It stamps run->spawned, first_output and exited.
 *
 * Two ways to end early: `cancel` (a person asked: end the thing, then return canceled), and the task's
 * own cancelling (the daemon stops: let go, return with state RUN_RUNNING; the run is
 * taken up again by the next daemon, with adopt set).
 */
struct exec {
	struct task		 task;
	struct exec_world	*world;
	const struct job_spec	*spec;		/* the run's, outlives us; of one that rests: or NULL */
	struct run_info		*run;		/* the run's: in: job, run, attempt, due, started; out: the outcome */
	int64_t			 uid;		/* of the owner */
	bool			 adopt;		/* it was begun by an earlier daemon */
	bool			 cancel;	/* set and woken by the run's task */
	/* Called when run->progress is news; may be NULL. */
	void			(*progress)(struct exec *e);
	/* Of one that rests: have the spec, or do without; it may fail the run.  May be NULL. */
	void			(*put_spec_away)(struct exec *e, bool away);
};

struct executor {
	size_t			 frame_size;	/* its first member is struct exec */
	/* It begins without the spec, and puts it away: there may be many that wait for long. */
	bool			 rests;
	const struct task_kind	*kind;		/* release is NULL: the frame is part of the run's */
};

/* A heartbeat's run ends as the ping says that is in it: its state, its times, and of a failure the reason. */
void heartbeat_end(struct run_info *run);

/* The executor of a kind. */
const struct executor *executor_find(const struct exec_world *world, enum job_kind kind);

#endif
