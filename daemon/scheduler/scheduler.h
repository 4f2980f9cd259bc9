/*
 * scheduler: decides when, and looks after every run from claim to end.
 *
 * The store holds the jobs; memory holds the window: what is due within WINDOW_AHEAD, at most
 * WINDOW_JOBS_MAX.  What is in the window is a hint; the claim in the store is the truth
 * (-ESTALE: somebody changed the job meanwhile, drop it).  All functions are for the
 * loop's thread, and for after the commit of what they tell.
 */
#ifndef SCHEDULER_SCHEDULER_H
#define SCHEDULER_SCHEDULER_H

#include "daemon/exec/exec.h"
#include "daemon/scheduler/event.h"
#include "daemon/scheduler/keeper.h"
#include "daemon/scheduler/notifier.h"
#include "daemon/scheduler/zones.h"
#include "daemon/store/ops.h"

struct scheduler;

#define WINDOW_AHEAD	(10 * USEC_MINUTE)
#define WINDOW_JOBS_MAX	10000

struct scheduler_config {
	struct loop		*loop;
	struct store		*store;
	struct exec_world	*world;
	struct event_hub	*events;
	/* runs of a kind at a time: limits.commands, .checks, .timers */
	int64_t			 running_max[KIND_COUNT];
	int64_t			 window_jobs_max;		/* 0: WINDOW_JOBS_MAX */
	usec_t			 window_ahead;			/* 0: WINDOW_AHEAD */
	/* of queues that nobody has given any; 0: by default (line.h) */
	int64_t			 slots_default, slots_schedule, slots_named;
	int64_t			 catch_ups;	/* started in a second, at most; 0: a default */
	struct zones		*zones;
	const char		*boot;		/* the id of this boot of the host */
	/* what is kept of what has ended; copied; NULL: all of it */
	const struct keep_policy *keep;
	/* whom notices go to; borrowed; NULL: nobody */
	const struct notify_targets *targets;
	/* its clock only runs: nobody sets it, no host sleeps, no rules change */
	bool			 simulated;
	uint64_t		 seed;		/* of what is left to chance; 0: nobody knows */
};

struct scheduler *scheduler_new(const struct scheduler_config *config);
void scheduler_free(struct scheduler *s);

/*
 * Recover (runs of an earlier daemon are adopted, repeated or lost; queued ones loaded;
 * misfires), then schedule.
 */
void scheduler_start(struct scheduler *s, struct task *parent);

/* Recovery is done: what was running is known.  READY waits for it. */
bool scheduler_recovered(const struct scheduler *s);
/* Wake t when that changes. */
void scheduler_on_recovered(struct scheduler *s, struct task *t);

/* How many runs of each kind at a time: as configured. */
void scheduler_limits(const struct scheduler *s, int64_t ret_running_max[KIND_COUNT]);

/* Change them, and catch_ups, slots_* and keep, to what is in config; what runs goes on.  The rest of it is not looked at. */
void scheduler_set_limits(struct scheduler *s, const struct scheduler_config *config);

/* The slots of a queue that nobody has given any. */
int64_t scheduler_slots_named(const struct scheduler *s);

/* For op_add: what clock dues are counted by now. */
int64_t scheduler_epoch(const struct scheduler *s);

/* Told by the server, after the commit.  They also emit the events. */
void scheduler_job_added(struct scheduler *s, const struct due_row *row, const char *name,
    int job_state);
void scheduler_job_paused(struct scheduler *s, int64_t job, const char *name, int job_state);
/* released: it was in quarantine, by which what came meanwhile was skipped. */
void scheduler_job_resumed(struct scheduler *s, const struct due_row *row, const char *name,
    int job_state, bool released);
/*
 * What was due waits as a queued run now, which was made by the caller's claim; row has the due after it.
 * So it is found and ended like any other.
 */
void scheduler_due_queued(struct scheduler *s, struct op_claim *op, const struct due_row *row);
/* What runs goes on as it began, and so does what waits as a run. */
void scheduler_job_edited(struct scheduler *s, const struct op_edit *op);
/* By hand; row has the due after it. live: the job is not paused. */
void scheduler_job_skipped(struct scheduler *s, const struct op_skip *op, const struct due_row *row,
    bool live);
void scheduler_job_removed(struct scheduler *s, int64_t job, const char *name, int64_t runs);
void scheduler_run_queued(struct scheduler *s, const struct op_trigger *op);
/* Another attempt by hand: it is queued. */
void scheduler_run_retried(struct scheduler *s, const struct op_retry *op);
/* marks the live run, or tells of the waiting one's end */
void scheduler_run_canceled(struct scheduler *s, const struct op_cancel *op);

/*
 * A ping that a run was waiting for: it goes on.  row: the job's due is another by that; NULL: it is as it was.
 * What made a run of its own is told as any that was queued.
 */
void scheduler_pinged(struct scheduler *s, struct op_ping *op, const struct due_row *row);

/* A queue as it is stored now; is gone; is there because a job was added that names it. */
void scheduler_queue_set(struct scheduler *s, const struct queue_row *row);
void scheduler_queue_removed(struct scheduler *s, const char *name);
void scheduler_queue_named(struct scheduler *s, const char *name);

/* A queue as it is told; false: there is none.  All of them, by name: the caller's to free. */
bool scheduler_queue(const struct scheduler *s, const char *name, struct queue_info *out);

/* Another queue whose name was probably meant by this one's, or NULL. */
const char *scheduler_queue_meant(const struct scheduler *s, const char *name);

size_t scheduler_queues(const struct scheduler *s, struct queue_info **ret);

/*
 * Drained, it begins nothing more, of whatever job and for whatever cause; what runs goes on.  What comes due waits in
 * its line, as in a queue that is paused.  Heartbeats are heard as ever: nothing is begun for them.  It is not stored:
 * a daemon that starts is not drained.
 */
struct drain_info {
	instant	since;		/* none: it is not drained */
	int64_t	uid;		/* who has asked for it */
	int64_t	running;	/* runs that go on, but those of heartbeats */
	int64_t	waiting;	/* runs that are queued, and what is due and in line */
};

/* since: drained since then; none: it goes on.  Who is drained already stays it since then. */
void scheduler_drain(struct scheduler *s, instant since, int64_t uid);
void scheduler_drain_info(const struct scheduler *s, struct drain_info *out);

/* The store has noted output for the runner to remove: of a job that is gone, say. */
void scheduler_remove_output(struct scheduler *s);

/* What is kept, as configured; all zero: everything.  The scheduler's. */
const struct keep_policy *scheduler_keep_policy(const struct scheduler *s);
/* A round that is the caller's has ended. */
void scheduler_keep_round_ended(struct scheduler *s, const struct keep_round *r);
void scheduler_keep_stats(const struct scheduler *s, struct keeper_stats *out);

/* Who has notices delivered. */
struct notifier *scheduler_notifier(const struct scheduler *s);
/* What an op has meant to jobs that wait for others, told after the op itself.  Empties d. */
void scheduler_dependents(struct scheduler *s, struct dependents *d);

/*
 * The live run, with what is not stored yet (spawned, pid, first output); or NULL. Borrowed,
 * for this step only.
 */
const struct run_info *scheduler_run_live(const struct scheduler *s, int64_t job, int64_t run);

/* What a job waits for in memory, for `why`. */
enum waits_for {
	WAITS_NOT,	/* for its due, or it is not here */
	WAITS_SLOT,	/* in line for one of its queue, or kind */
	WAITS_MUTEX,	/* for the end of the run that holds it */
	WAITS_RUN,	/* for the end of its own run */
	WAITS_TURN,	/* it catches up: not before an instant */
	WAITS_STORE,	/* for the commit of what was decided */
};

#define VIEW_HOLDERS_MAX 4

struct view_run {
	int64_t	job, run;	/* run 0: it is being claimed */
};

struct scheduler_view {
	enum waits_for	waits;		/* of its occurrence that is due */
	instant		not_before;	/* WAITS_TURN */
	int64_t		running, running_max;	/* slots of its kind that are taken, and all */
	int64_t		in_line;	/* waiting for one in its line */
	int64_t		before;		/* of them before it */
	int64_t		need;		/* slots of its queue that it takes */
	/* its queue, and mutex; empty: none */
	char		queue[NAME_BYTES_MAX + 1], mutex[NAME_BYTES_MAX + 1];
	int64_t		queue_slots, queue_taken;
	struct view_run	holders[VIEW_HOLDERS_MAX];	/* of slots of its queue */
	size_t		holders_n;
	instant		queue_paused;	/* none: it is not */
	char		queue_paused_by[64];
	instant		drained;	/* none: it is not, or does not count for this kind */
	int64_t		drained_uid;
	usec_t		rate_wait;	/* > 0: by its rate the queue starts nothing for so long */
	struct view_run	mutex_holder;	/* job 0: nobody */
	int64_t		run;		/* its latest live run; 0: none */
	int64_t		retrying;	/* a run that waits for its next attempt, as far as known */
	bool		sweeping;	/* nothing is decided: clock or rules have changed */
	bool		store_bad;	/* what is decided cannot be written */
	bool		recovered;
};

/* Of the job's occurrence that is due; or, run != 0, of its queued run.  queue: the job's, or NULL. */
void scheduler_view(const struct scheduler *s, int64_t job, int kind, const char *queue, int64_t run,
    struct scheduler_view *out);

struct scheduler_stats {
	int64_t		window_jobs, running, queued, retrying;
	instant		window_until;
	uint64_t	started, succeeded, failed, skips;
};
void scheduler_stats(const struct scheduler *s, struct scheduler_stats *out);

#endif
