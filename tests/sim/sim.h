/*
 * sim: one simulated host: real scheduler and store on a virtual clock, the world around them
 * drawn from a seed.  What survives the daemon's death is in struct sim; what does not is in
 * struct life.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "daemon/base/rand.h"
#include "daemon/engine/loop.h"
#include "daemon/scheduler/schedule.h"
#include "daemon/scheduler/scheduler.h"
#include "daemon/store/backend.h"

#define SIM_JOBS_MAX	40
#define SIM_LAST_EVENTS	50
#define SIM_STEPS_MAX	200

/* Slots: few, so that they are full now and then. */
#define SIM_COMMANDS	3
#define SIM_CHECKS	2
#define SIM_TIMERS	4
#define SIM_HEARTBEATS	3

/* A job that another one waits for, as the model has it (after.c). */
struct sim_parent {
	int64_t		id;
	int		condition;	/* enum after */
	bool		holds;		/* it has ended so since the child became due */
	int64_t		late;		/* so often again, and the child may not have been told yet */
};

#define SIM_PARENTS_MAX	3

/* Ops of one transaction. */
#define SIM_BATCH_MAX	512

/* The same of queues: default, schedule, and two that jobs name; at most SIM_SLOTS_MAX are ever set. */
#define SIM_QUEUES	4
#define SIM_DEFAULT	2
#define SIM_SCHEDULE	2
#define SIM_NAMED	1
#define SIM_SLOTS_MAX	4

struct sim_queue {
	const char	*name;
	int64_t		slots;		/* as told */
	int64_t		was;		/* before the last change */
	int64_t		set;		/* what slots 0 means */
	usec_t		changed;	/* true time of it */
	bool		paused;
	bool		unsure;		/* a change was under way when the daemon died */
};

/* Runs of a job that may be claimed and not begun yet. */
#define SIM_CLAIMS_MAX 32

/* A job as the clients were told of it. */
struct sim_job {
	int64_t		id;		/* 0: never acknowledged */
	char		name[24];
	int		kind, misfire;
	struct queue_terms terms;
	usec_t		every;
	instant		first;		/* its first due; none: on boot */
	char		*spec_json;	/* as it was added */
	char		*text;		/* its schedule as the store keeps it; NULL: nothing but every */
	struct schedule	schedule;	/* the same, read for the model */
	bool		read;
	bool		on_boot;
	int64_t		boots;		/* of the host, before it was added */
	size_t		steps;		/* of the clock, before it was added */
	bool		asked;		/* an add is or was under way: it may exist */
	bool		paused;
	usec_t		paused_at;	/* true time of the acknowledgement */
	bool		removed;
	bool		pruned;		/* retention has given up runs of it */
	/* a change was under way when the daemon died: ask the store */
	bool		doubtful;
	bool		unsure;		/* ...and it may be paused or not */
	/* what follows a failure; and how often a client has asked for another attempt */
	int64_t		retries, hand;
	int		on_crash;
	bool		retries_lost;	/* a lost attempt uses up a retry */
	/* what is committed, whether or not anybody was told */
	int64_t		stored;		/* its id; 0: it is not */
	struct sim_parent parents[SIM_PARENTS_MAX];
	size_t		parents_n;
	bool		joined;		/* they let it go on, and that is not taken yet */
	int64_t		joins;		/* how often */
	int		last_outcome;	/* of its run last_run */
	int64_t		last_run;
	int64_t		claimed[SIM_CLAIMS_MAX];	/* the runs that were claimed last */
	size_t		claims_n;
	int64_t		again[SIM_CLAIMS_MAX];	/* those that somebody asked to be tried again, the last */
	size_t		again_n;
	bool		marked;		/* while parents are drawn */
	usec_t		late_after;	/* 0: nobody is told */
	/* of a heartbeat: what it says; its latest run, as an audit has seen it; and what is committed of its ends */
	usec_t		grace, timeout;
	int64_t		fail_after, ok_after, latest;
	int64_t		failed, passed;
	int		health;
	bool		waits;		/* a run of it was told to have begun, and not to have ended */
};

/* What was really begun, outside the daemon: a command, or what stands for a check or a timer. */
struct sim_process {
	int64_t		job, run, attempt;
	int		kind;
	usec_t		ends;		/* true time; USEC_NEVER: not by itself */
	usec_t		ignores;	/* how long it ignores being asked to end */
	int		outcome;	/* enum run_state, if it ends by itself */
	bool		canceled;
	bool		ended;
	bool		lost;		/* the runner that had it has died, and it with it */
	bool		seen;		/* by the present audit: the store knows its run */
	const char	*queue;		/* or NULL */
	int64_t		slots;		/* that it asks for there */
	char		mutex;		/* the first character of its name, or 0 */
};

/* A ping that was acknowledged. */
struct sim_ping {
	int64_t	job, run;
	int	what;
	instant	at;
	bool	again;		/* its run was asked to be tried again: that has forgotten it */
};

/* A run that was told to be retrying, until it is told to be anything else. */
struct sim_retry {
	int64_t	job, run;
	instant	at;
};

#define SIM_RETRIES_MAX 256

struct sim_life;

struct sim {
	uint64_t		 seed;
	struct rand		 rand;
	char			 directory[64];
	struct exec_world	 world;		/* executors find us by it */
	struct sim_life		*life;
	usec_t			 before;	/* true time when this life began */
	instant			 wall;		/* at the end of the last life */
	struct zones		*zones;		/* of the model */
	const char		*place;		/* the zone whose clocks are about to be set */
	int64_t			 boots;		/* of the host, so far */
	char			 boot[32];	/* the id of the present one */
	usec_t			 booted;	/* true time of it */
	struct sim_job		 jobs[SIM_JOBS_MAX];
	size_t			 jobs_n;
	struct sim_queue	 queues[SIM_QUEUES];
	struct sim_process	*processes;
	size_t			 processes_n, processes_size;
	struct sim_ping		*pings;
	size_t			 pings_n, pings_size;
	struct sim_retry	 retries[SIM_RETRIES_MAX];	/* of this life */
	size_t			 retries_n;
	uint64_t		 retried, crashed;	/* attempts after the first; runners that died */
	usec_t			 stepped;	/* true time of the last step of the wall clock */
	usec_t			 slept;		/* and of the host's last sleep */
	usec_t			 steps[SIM_STEPS_MAX]; /* all of them */
	size_t			 steps_n;
	struct keep_policy	 keep;		/* so little that much goes; or nothing does */
	bool			 slow;		/* a world of years: steps of days, jobs of hours and more */
	bool			 quiet;		/* no more trouble: all must come to rest */
	/* the disk */
	int64_t			 die_in;	/* commits until death; 0: none */
	bool			 die_after;	/* that commit is still written */
	int64_t			 fail;		/* commits that fail from now on */
	const struct store_op	*batch[SIM_BATCH_MAX];	/* applied in this transaction */
	size_t			 batch_n;
	bool			 telling;	/* ends are still to be told to jobs that wait for them */
	/* what is looked at afterwards */
	uint64_t		 trace;		/* a hash of all that happened */
	uint64_t		 step, lives, runs, audits, given_up;
	char			 last[SIM_LAST_EVENTS][120];
	uint64_t		 last_n;
};

/* From start to stop or death of one daemon. */
struct sim_life {
	struct task		 root;
	struct sim		*sim;
	struct loop		*loop;
	struct store		*store;
	struct scheduler	*scheduler;
	struct event_hub	*events;
	struct zones		*zones;
	struct watcher		 watcher;
	struct task		 watching;
	int64_t			 sequence;	/* of the last event seen */
	int64_t			 live[KIND_COUNT]; /* executors at work */
	bool			 stop, dead;
	usec_t			 drained;	/* true time since when; 0: it is not */
};

/* Something is wrong: say what, with all that helps, and end with 1. */
void sim_fail(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3),
    noreturn));
#define SIM_CHECK(s, cond, ...) \
	do { \
		if (!(cond)) \
			sim_fail(s, __VA_ARGS__); \
	} while (0)

/* Part of the trace, and of what is printed on failure. */
void sim_note(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Time that no administrator can set. */
usec_t sim_now(const struct sim *s);
bool sim_chance(struct sim *s, unsigned percent);
usec_t sim_between(struct sim *s, usec_t from, usec_t to);

/* May retention have removed the job by itself? */
bool sim_may_expire(struct sim *s, struct sim_job *j);

/* The model's own reading of a job's schedule. */
const struct schedule *sim_schedule(struct sim *s, struct sim_job *j);

/* life.c */
void life_start(struct sim *s);
void life_end(struct sim *s);			/* what it was told: stopped, or dead */
void life_run(struct sim *s, usec_t until);	/* by the loop's clock; back early if it is over */

/* exec.c */
extern const struct executor *const sim_executors[KIND_COUNT];
struct sim_process *sim_process_find(struct sim *s, int64_t job, int64_t run, int64_t attempt);
struct sim_job *sim_job_find(struct sim *s, int64_t job);		/* or NULL */

/* All commands that run are lost. */
void sim_runner_dies(struct sim *s);

/* queues.c */
void queues_begin(struct sim *s);
void queue_told(struct sim *s, struct sim_queue *q, int64_t slots, bool paused);
/* A process is begun: may it?  And what it takes is written into it. */
void queues_check_begin(struct sim *s, const struct exec *e, struct sim_process *p);
/* What was told of queues has survived. */
void queues_audit(struct sim *s);

/* beats.c: a ping that was acknowledged; another attempt that is committed, an end that is; a run and its job, as read */
void beats_pinged(struct sim *s, const struct op_ping *op);
void beats_asked_again(struct sim *s, int64_t job, int64_t run);
void beats_ended(struct sim_job *j, const struct op_finish *o);
void beats_audit_run(struct sim *s, const struct sim_job *j, const struct run_info *r, bool at_rest);
void beats_audit_job(struct sim *s, const struct sim_job *j, const struct job_info *job);

/* late.c: dues, of which it must be told, or was, that they are late; what wants it of a run, and of what waits */
struct late_due;
struct late_dues {
	struct late_due	*items;
	size_t		 n;
};
void late_run(struct sim *s, const struct sim_job *j, const struct run_info *r, struct late_dues *wanted);
void late_job(struct sim *s, const struct sim_job *j, const struct job_info *job, struct late_dues *wanted);
void late_page(struct sim *s, const struct op_notices *page, struct late_dues *told);
void late_check(struct sim *s, const struct late_dues *wanted, const struct late_dues *told);
void late_done(struct late_dues *d);

/* client.c: no queue is paused any more, and all have many slots */
void client_open_queues(struct sim *s);

/* client.c: one action of a client, drawn from the seed */
void client_act(struct sim *s);

/* after.c: an op that is committed by now; and a job that was read against the model */
void after_committed(struct sim *s, const struct store_op *op);
void after_added(struct sim *s, void *db, const struct store_op *op);
void after_told(struct sim *s, void *db);	/* when all ops of a transaction have been looked at */
bool after_claimed(struct sim *s, int64_t job, int64_t run);
bool after_asked(struct sim *s, int64_t job, int64_t run);
void after_check(struct sim *s, const struct sim_job *j, const struct op_get *get, bool at_rest);

/* audit.c: a task that compares the store with what was told and what happened; over when done. */
struct sim_audit {
	struct task		 task;
	struct sim		*sim;
	bool			 at_rest;	/* nothing may be left to do */
	size_t			 i;
	size_t			 processes;	/* begun before it */
	struct op_get		 op;
	/* the job's schedule, regenerated beside its ledger */
	struct occurrence	 next;		/* the first that the ledger has not had yet */
	bool			 more;
	instant			 due;		/* the job's, before its ledger was read */
	instant			 pruned;	/* and up to which there may be no rows */
	struct op_ledger	 ledger;
	struct op_get		 now;		/* the job, after it */
	struct op_notices	 notices;
	struct late_dues	 wanted, told;
};
void audit_start(struct sim_audit *a, struct sim *s, bool at_rest);

#endif
