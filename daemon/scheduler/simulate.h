/*
 * simulate: what would happen.  The same scheduler, on a virtual clock, a store in memory and
 * executors that only wait: nothing is started, nothing is written, and the same input gives
 * the same answer to the last bit.  It runs as a task, in slices, so that the loop goes on.
 */
#ifndef SCHEDULER_SIMULATE_H
#define SCHEDULER_SIMULATE_H

#include "daemon/scheduler/schedule.h"
#include "daemon/scheduler/scheduler.h"

/* Jobs in one simulation: what is due at one instant is taken up in one step (TAKE_BATCH). */
#define SIMULATE_JOBS_MAX	1000

/* Runs that are listed; all are counted. */
#define SIMULATE_RUNS_MAX	1000

/* Columns of the timelines. */
#define SIMULATE_COLUMNS_MAX	1000

/* Runs, skips and ends of runs; a simulation that makes more stops there, and says so. */
#define SIMULATE_DECISIONS_MAX	10000000

/* From the beginning to the end. */
#define SIMULATE_SPAN_MAX	(3660 * USEC_DAY)

/* The characters of a timeline, each stronger than those before it. */
#define TIMELINE_NOTHING	'.'
#define TIMELINE_RUN		'#'	/* a run goes on */
#define TIMELINE_WAIT		'~'	/* an occurrence waits: for a slot, or for its job's run */
#define TIMELINE_SKIP		'x'	/* an occurrence is skipped */

/* One job. */
struct simulated {
	/* in: set by the caller, who keeps it until the end; ids are unique and ascend */
	int64_t			 id;
	int64_t			 uid;
	const struct job_spec	*spec;
	usec_t			 lasts;		/* how long a run takes */
	int64_t			 runs;		/* the number of its latest run */
	struct active_row	 active;	/* goes on at the beginning; run 0: none */
	bool			 shown;		/* its runs are listed */
	/* in: by the functions below */
	struct schedule		 schedule;
	instant			 due;		/* the first; none: nothing is due */
	/* out */
	int64_t			 began, timed_out;
	int64_t			 canceled;	/* for a new run of the job */
	int64_t			 skips[SKIP_COUNT];
	/* occurrences that came while the job's run went on: skipped, or they waited for it */
	int64_t			 overlaps;
	int64_t			 marks[MARK_COUNT]; /* of what was run */
	usec_t			 waited, longest;
	instant			 waiting;	/* the due of one that still waits at the end */
	char			*timeline;	/* as many characters as columns */
	/* own: the runs that go on, how many are queued, and the latest run that ended */
	struct simulated_live	*lives;
	size_t			 lives_n;
	int64_t			 queued;
	instant			 last_started, last_ended;
};

struct simulated_live {
	int64_t	run;
	size_t	place;		/* in the list of runs; not listed: SIZE_MAX */
	instant	started;
};

struct simulated_run {
	size_t	 job;			/* index */
	int64_t	 run;
	instant	 due, started, ended;	/* ended none: it goes on at the end */
	int	 state;
	int	 mark;
	usec_t	 wait;
};

struct simulate_config {
	instant			 from, to;	/* what is due at `to` is not in it any more */
	struct zones		*zones;
	int64_t			 running_max[KIND_COUNT];
	/* as they are now, borrowed until it is over; and the slots of others */
	const struct queue_info	*queues;
	size_t			 queues_n;
	int64_t			 slots_named;
	size_t			 runs_max;	/* listed, at most SIMULATE_RUNS_MAX */
	size_t			 columns;	/* of timelines; 0: none */
	int64_t			 decisions_max;	/* 0: SIMULATE_DECISIONS_MAX */
};

struct simulate_peak {
	int64_t	runs;
	instant	at;			/* for the first time */
};

struct world;

/* In the frame of its parent; zero before. */
struct simulate {
	struct task		 task;
	struct simulate_config	 config;
	struct simulated	*jobs;
	size_t			 n;
	/* out */
	int			 result;	/* 0, or -errno: it could not begin */
	struct simulate_peak	 peaks[KIND_COUNT];
	int64_t			 began, skipped, overlaps, waiting;
	usec_t			 waited, longest;	/* all waits together; the longest of them */
	struct simulated_run	*runs;		/* in the order of their starts */
	size_t			 runs_n;
	bool			 truncated;	/* more ran than are listed */
	bool			 stopped;	/* at decisions_max */
	instant			 until;		/* how far it came */
	/* own */
	struct world		*world;
	int64_t			 decisions;
	int64_t			 running[KIND_COUNT];
};

/* Open the schedule of a job's spec, as schedule_open(). */
enum jobd_error simulated_open(struct simulated *j, struct zones *zones, struct field_error *error);

/* Its first due, as if it were added at `from`; or as one that is stored, with its present due. */
void simulated_added(struct simulated *j, instant from);
void simulated_stored(struct simulated *j, instant due, instant from);

/* What it holds; the timeline, too. */
void simulated_done(struct simulated *j);

/* config is copied, jobs are borrowed until it is done. */
void simulate_start(struct simulate *s, const struct simulate_config *config,
    struct simulated *jobs, size_t n, struct task *parent);
void simulate_done(struct simulate *s);

#endif
