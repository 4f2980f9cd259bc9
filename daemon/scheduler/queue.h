/*
 * queue: which job has runs, and queued ones.  A lane for each job that has any: its runs that go
 * on (one, or as many as its overlap lets go on at a time), and its queued runs in the
 * order of their numbers, of which the first stands in line (line.h) when it may begin.
 *
 * At most QUEUED_MAX queued runs are in memory, LANE_QUEUED_MAX of a job and FLOW_QUEUED_MAX of a
 * user in a line; `more` says that the store has others to be loaded.
 */
#ifndef SCHEDULER_QUEUE_H
#define SCHEDULER_QUEUE_H

#include "daemon/scheduler/line.h"
#include "daemon/scheduler/window.h"

#define QUEUED_MAX	10000
#define FLOW_QUEUED_MAX	1000
#define LANE_QUEUED_MAX	64

struct lane {
	int64_t		 job;
	struct seat	*seats;		/* the runs that go on, the latest first */
	int64_t		 live;		/* so many */
	bool		 retrying;	/* another one waits for its next attempt */
	/* waiting runs; only the first may be in line, or when it is held back the first retry */
	struct pending	*first, *last;
	size_t		 n;
	bool		 more;		/* the store has others of this job */
};

struct queue {
	struct lines	 lines;
	struct map	 lanes;		/* by job */
	size_t		 n;		/* queued runs in memory */
	/* there may be queued runs that are not here and have room: load */
	bool		 more;
	bool		 full;		/* QUEUED_MAX: more, when there is room */
	bool		 loading;
};

void queue_init(struct queue *q, const struct lines_config *config);
void queue_done(struct queue *q);

struct lane *lane_get(const struct queue *q, int64_t job);		/* or NULL */

/* May another run of it begin, beside those that go on? */
bool lane_has_room(const struct lane *lane, const struct stand *st);

/* A run of the job goes on from now on; it does not any more: its next queued run gets in line. */
void lane_seat_add(struct queue *q, struct seat *seat);
void lane_seat_remove(struct queue *q, struct seat *seat);

/* Its run of this number that goes on (0: one whose claim is not answered), or NULL. */
struct seat *lane_seat(const struct lane *lane, int64_t run);

/*
 * A queued run, told or loaded; one that is here already is passed over.  The stand is taken over in
 * any case.  False: there is no room, it is left to the store.
 */
bool queue_add(struct queue *q, int64_t job, int64_t run, int kind, bool by_hand, struct stand *st);

/* A run whose next attempt is due.  Only while there is room: queue_has_room().  As queue_add(). */
void queue_add_retry(struct queue *q, int64_t job, int64_t run, int kind, bool by_hand,
    struct stand *st);

struct pending *queue_find(const struct queue *q, int64_t job, int64_t run);	/* or NULL */

/* Is the run in its lane? */
static inline bool
queue_knows(const struct queue *q, int64_t job, int64_t run)
{
	return queue_find(q, job, run) != NULL;
}

/*
 * Some run of the job waits for its next attempt, or none does any more: its queued runs of the
 * schedule are held back meanwhile.  After queue_add(), which does not know.
 */
void lane_retrying_set(struct queue *q, int64_t job, bool retrying);

/*
 * The job is of other terms: its queued runs stand where those say, as if they came now.  Those that stand so
 * already keep their place.
 */
void queue_edited(struct queue *q, int64_t job, int64_t uid, const struct queue_terms *terms);

/* It was asked for by hand that this queued run be tried again: other retries do not hold it back. */
void queue_asked(struct queue *q, int64_t job, int64_t run);

/* A pause holds it back: those of the job that only wait for their next attempt are forgotten. */
void queue_hold(struct queue *q, int64_t job);

/* A queued run that is in no line starts or is canceled: forget it. */
void queue_remove(struct queue *q, struct pending *p);

/* Put the job's first queued run in line if it may. */
void queue_line_up(struct queue *q, int64_t job);

/* Is there room enough to ask the store for more? */
static inline bool
queue_wants_load(const struct queue *q)
{
	return !q->loading && (q->more || (q->full && q->n <= QUEUED_MAX / 4));
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
