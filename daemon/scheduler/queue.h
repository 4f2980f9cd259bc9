/*
 * queue: who waits for a slot, and which job has a run.  Two structures: a line for each
 * kind (what is due, first come first served), and a lane for each job that has a run or
 * queued runs: one run of a job at a time, its queued runs in the order of their numbers.
 *
 * At most QUEUED_MAX queued runs are in memory; `more` says that the store has others.
 */
#ifndef SCHEDULER_QUEUE_H
#define SCHEDULER_QUEUE_H

#include "daemon/scheduler/window.h"

#define QUEUED_MAX 1000

struct run_task;

struct lane {
	int64_t		 job;
	struct run_task	*run;		/* the live one, or NULL */
	/* waiting runs, as they came; only the first may be in line, while there is no live one */
	struct pending	*first, *last;
	int64_t		 highest;	/* number of a run that has been here */
};

struct line {
	struct pending	*first, *last;
	size_t		 n;
};

struct queue {
	struct map	lanes;		/* by job */
	struct line	lines[KIND_COUNT];
	size_t		n;		/* queued runs in memory */
	/* there may be queued runs that are not here: load when there is room */
	bool		more;
	bool		loading;
};

void queue_done(struct queue *q);

/* In line, at the end; out of it. */
void line_push(struct queue *q, struct pending *p);
void line_remove(struct queue *q, struct pending *p);

struct lane *lane_get(const struct queue *q, int64_t job);		/* or NULL */

/* The job has a live run from now on; it has none now. */
void lane_run_set(struct queue *q, int64_t job, struct run_task *run);
/* It has none any more: its next queued run gets in line. */
void lane_run_clear(struct queue *q, int64_t job);

/*
 * A queued run, told or loaded; one that is here already is passed over.  False: there is no room
 * (and more is set).
 */
bool queue_add(struct queue *q, int64_t job, int64_t run, int kind);

/*
 * A run whose next attempt is due.  Only while there is room: queue_has_room().
 */
void queue_add_retry(struct queue *q, int64_t job, int64_t run, int kind);

/* Is the run in its lane? */
bool queue_knows(const struct queue *q, int64_t job, int64_t run);

/* A pause holds it back: those of the job that only wait for their next attempt are forgotten. */
void queue_hold(struct queue *q, int64_t job);

/* A queued run that is in no line starts or is canceled: forget it. */
void queue_remove(struct queue *q, struct pending *p);
struct pending *queue_find(const struct queue *q, int64_t job, int64_t run);	/* or NULL */

/* Put the job's first queued run in line if it may. */
void queue_line_up(struct queue *q, int64_t job);

/* Is there room enough to ask the store for more? */
static inline bool
queue_wants_load(const struct queue *q)
{
	return q->more && !q->loading && q->n <= QUEUED_MAX / 4;
}

/*
 * Room for runs whose next attempt is due: as much as leaves the other half to those that the store
 * has queued, so that neither keeps the others waiting.
 */
static inline bool
queue_has_room(const struct queue *q)
{
	return q->n < QUEUED_MAX / 2;
}

#endif
