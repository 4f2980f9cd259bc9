/*
 * scheduler-internal: the scheduler itself, for the files of this floor and nobody else.
 */
#ifndef SCHEDULER_INTERNAL_H
#define SCHEDULER_INTERNAL_H

#include "daemon/base/rand.h"
#include "daemon/engine/loop.h"
#include "daemon/engine/wallclock.h"
#include "daemon/scheduler/late.h"
#include "daemon/scheduler/ledger.h"
#include "daemon/scheduler/notifier.h"
#include "daemon/scheduler/queue.h"
#include "daemon/scheduler/retrying.h"
#include "daemon/scheduler/scheduler.h"
#include "daemon/scheduler/window.h"

/* Decisions (claims, skips) that the store has not answered yet, at most. */
#define DECIDING_MAX	2048

/*
 * Due occurrences taken up in one step; all jobs of one Add fit, so that they start in their
 * order.
 */
#define TAKE_BATCH	1024

/* Flows that are loaded from the store at a time. */
#define FLOW_LOADS_MAX	4

/* A look at what is due takes no longer, so that the loop goes on meanwhile. */
#define LOOK_TIME	(2 * USEC_MSEC)

/* Catch-ups started in a second, by default. */
#define CATCH_UPS	20

/* Skipped so often in a row for overlap, a job is told to be blocked. */
#define OVERLAPS_TOLD	3

/* No wait for a due is longer: clocks are set. */
#define WAIT_MAX	(60 * USEC_SEC)

/* How often the files of the zones in use are looked at. */
#define ZONES_LOOK	(60 * USEC_SEC)


/* After a failure of the store: wait from..to, doubled each time. */
#define BACKOFF_MIN	(100 * USEC_MSEC)
#define BACKOFF_MAX	(5 * USEC_SEC)

struct scheduler {
	struct task		 task;
	struct loop		*loop;
	struct store		*store;
	struct exec_world	*world;
	struct event_hub	*events;
	int64_t			 running_max[KIND_COUNT];
	int64_t			 running[KIND_COUNT];	/* slots taken */
	struct window		 window;
	struct queue		 queue;
	struct retrying		 retrying;
	struct rand		 rand;		/* for backoff */
	int64_t			 deciding;
	int64_t			 flow_loads;	/* under way */
	int64_t			 queued;	/* in the store, as far as told */
	int64_t			 waiting;	/* the same, for their next attempt */
	usec_t			 gates_at;	/* a line may start its first then, by its rate; or USEC_NEVER */
	/* we look after dues since then, without a break or a jump of the clock */
	instant			 since;
	/* as of the last look: wall clock - boot time, boot time - monotonic clock */
	usec_t			 wall_offset, sleep_offset;
	int64_t			 epoch;		/* shifts of dues by the clock, with the one under way */
	struct task		*sweep;		/* brings dues in line, and none is decided; or NULL */
	usec_t			 zones_looked;	/* when, monotonic */
	struct wallclock	 wallclock;
	struct zones		*zones;
	const char		*boot;		/* the id of this boot */
	usec_t			 catch_up_distance;
	instant			 catch_up_at;	/* the next one not before */
	struct keeper		*keeper;
	struct notifier		*notifier;
	struct late		*late;
	instant			 drained;	/* nothing begins since then; or none */
	int64_t			 drained_uid;
	bool			 changed;	/* something to look at */
	bool			 recovered;
	bool			 simulated;	/* no clock to be looked at */
	bool			 spreading;	/* a task goes on with what ends mean to others */
	bool			 store_bad;	/* the last op failed: told once */
	struct task		*on_recovered;
	struct op_life		 life;		/* our beginning, and our end */
	struct scheduler_stats	 stats;		/* only the counters */
};

/* Something was changed that the scheduler's task should look at. */
void scheduler_changed(struct scheduler *s);

/*
 * Has the store failed to carry out an op (as opposed to: refused it)? Then *backoff is how
 * long to wait.
 */
bool scheduler_store_failed(struct scheduler *s, const struct store_op *op, usec_t *backoff);

/* Go on with what ends mean to jobs that wait, if there is any of it left in the store. */
void dependents_start(struct scheduler *s);
/* Something of the job is over: an occurrence that waits for that is looked at again. */
void scheduler_unpark(struct scheduler *s, int64_t job);

/* The job's runs have outlasted its next occurrence: it is skipped. */
void scheduler_overlap(struct scheduler *s, struct pending *p, const struct ledger_decision *d);

/* A run is queued in the store: told, and in line when its turn comes.  The stand is taken over. */
struct queued_new {
	int64_t		 job, run;
	const char	*name;
	int		 kind;
	bool		 by_hand;
};
void scheduler_queued(struct scheduler *s, const struct queued_new *run, struct stand *st);

/* One that was queued, or waited for its next attempt, is canceled in the store. */
struct queued_end {
	int64_t		 job, run;
	int		 was;		/* its state */
	int64_t		 retrying;	/* the job's, after it: as in struct due_row */
	const char	*name;
	int		 kind;
	int		 job_state;
};
void scheduler_queued_over(struct scheduler *s, const struct queued_end *run);

/* A job's occurrence is nobody's any more: out of the line, the park, the window. */
void scheduler_forget(struct scheduler *s, int64_t job);

/* The job is due then, and no more as it was; none: it is not due.  The caller says that something has changed. */
void scheduler_due_set(struct scheduler *s, const struct due_row *row);

/* The job is in quarantine from now on. */
void scheduler_job_quarantined(struct scheduler *s, int64_t job, const char *name, int job_state);

/* This run of the job waits for its next attempt, as the store has it; 0: none does. */
void scheduler_job_retries(struct scheduler *s, int64_t job, int64_t run);

#endif
