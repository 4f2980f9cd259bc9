/*
 * window: the near future, held in memory: every occurrence in the store that is due
 * before `beyond`, the first one that is known not to be here.  A structure without a
 * task or a clock; the scheduler loads it (load.h) and takes from it.
 *
 * What is here is a hint, the store is the truth: an entry may be out of date (its
 * claim is then refused), but none that is due before `beyond` may be missing.
 */
#ifndef SCHEDULER_WINDOW_H
#define SCHEDULER_WINDOW_H

#include "daemon/base/heap.h"
#include "daemon/base/map.h"
#include "daemon/scheduler/line.h"
#include "daemon/scheduler/schedule.h"
#include "daemon/store/ops.h"

enum pending_state {
	PENDING_HEAP,		/* waits for its due */
	PENDING_READY,		/* due: in line for a slot (line.h) */
	PENDING_BLOCKED,	/* due: waits for its mutex (line.h) */
	PENDING_PARKED,		/* due: waits for the end of its job's run */
	PENDING_TAKEN,		/* a task asks the store to decide it */
};

/*
 * An occurrence that is to be decided; or a queued run that is to be started (run != 0; it
 * lives in queue.h).
 */
struct pending {
	struct heap_node	 node;		/* PENDING_HEAP, PENDING_READY */
	uint8_t			 state;		/* enum pending_state */
	uint8_t			 kind;		/* enum job_kind */
	uint8_t			 misfire;	/* enum misfire */
	/* it was here when it became due: whatever happens later, no misfire */
	bool			 on_time : 1;
	/* while taken: removed or paused; do not put it back */
	bool			 gone : 1;
	/* it has waited for its mutex, since it came due */
	bool			 mutex_waited : 1;
	/* while taken: told anew, told_due is what counts if the store refuses */
	bool			 told : 1;
	/* while taken: its job is another by now; what comes after it is for the store to say */
	bool			 edited : 1;
	bool			 by_hand : 1;	/* run != 0: somebody asked for it */
	bool			 asked : 1;	/* a queued run: another attempt by hand, whatever its job does */
	int64_t			 job;
	int64_t			 run;
	instant			 due;
	struct schedule		 schedule;
	/* when it was first seen to be due; none: not yet */
	instant			 noticed;
	/* one that catches up, spread: not before; none: at its due */
	instant			 not_before;
	/* skipped in a row because the run before was still active */
	int			 overlaps;
	/* a run of the job that waits for its next attempt: it is active, wherever it is; 0: none */
	int64_t			 retrying;
	/* what was due up to then was missed because the job was paused, or quarantined */
	instant			 resumed;
	bool			 released : 1;	/* ...quarantined */
	/* run != 0: it waited for its next attempt, which a pause holds back */
	bool			 retry : 1;
	instant			 told_due;
	uint64_t		 recorded;	/* where the flight recorder has it (recorder.h) */
	struct stand		 stand;
	/* who came first has the least; 0: it is in no line yet */
	int64_t			 came;
	struct pending		*next, *prev;	/* PENDING_BLOCKED */
	struct pending		*lane_next;	/* run != 0: the job's next queued run */
};

struct window {
	struct heap		 heap;
	struct map		 map;		/* by job */
	size_t			 max;
	usec_t			 ahead;
	/* the first that is not here; due USEC_NEVER: all are */
	struct window_place	 beyond;
	/* while loading: the first that was told and not kept */
	struct window_place	 noted;
	bool			 loading;
	unsigned		 shrinks;	/* counts losses, for a load under way */
	struct zones		*zones;		/* where schedules find theirs */
	struct lines		*lines;		/* and where jobs stand */
	struct loop		*recorded;	/* whose flight recorder is told of jobs; NULL: none */
};

/* At first nothing is known: beyond is the beginning of time. */
void window_init(struct window *w, size_t max, usec_t ahead, struct zones *zones,
    struct lines *lines);
void window_done(struct window *w);

/* The entry of a job, or NULL. */
struct pending *window_get(const struct window *w, int64_t job);

/*
 * A job's due, as told after a commit or read by a load.  Kept if it belongs here, else
 * noted as beyond.  An entry that is taken is told; one that waits for its due moves; one in
 * line or parked stays (drop it before if its due has changed).  The entry when it is here now; NULL
 * also when its schedule cannot be read any more (its zone is gone from tzdata): that is logged.
 */
struct pending *window_put(struct window *w, const struct due_row *row, instant now);

/*
 * The same of a job that was edited: no entry of it is as it was.  One that is taken goes when it is
 * decided, and its job is looked up again.
 */
void window_edited(struct window *w, const struct due_row *row, instant now);

/* The first entry whose due has come, taken out of the heap as PENDING_TAKEN; or NULL. */
struct pending *window_take(struct window *w, instant now);

/* When the first entry that waits is to begin; none: none waits. */
instant window_next(const struct window *w);

/*
 * A taken, ready or parked entry waits for its (or another) due again; dropped when that is
 * none, or left to the store.
 */
void window_back(struct window *w, struct pending *p, instant due, instant now);

/* The same, for the same due, but not before an instant. */
void window_defer(struct window *w, struct pending *p, instant not_before, instant now);

/* Everything is to be looked up again: all that waits for its due is forgotten. */
void window_forget(struct window *w);

/*
 * The store refused a taken entry: what was told meanwhile counts, or it goes and is looked up
 * again.
 */
void window_refused(struct window *w, struct pending *p, instant now);

/*
 * Forget an entry in any state but taken; a taken one is marked gone. It is in no line any
 * more.
 */
void window_drop(struct window *w, struct pending *p);

static inline size_t
window_count(const struct window *w)
{
	return w->map.n;
}

/* When should more be loaded?  none: never; may be past. */
instant window_load_at(const struct window *w);

/*
 * Around a load: from is where to read from. end: first is the first row not taken over (due
 * USEC_NEVER: none).
 */
void window_load_begin(struct window *w, struct window_place *ret_from);
void window_load_end(struct window *w, struct window_place first);
void window_load_fail(struct window *w);

#endif
