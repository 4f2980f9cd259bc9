/*
 * retrying: the runs that wait for their next attempt, as far as it comes soon.  They are rows of
 * the store with an instant; here are those of the near future, at most RETRYING_MAX, in a heap,
 * and one value that says how far memory reaches.  A structure without a task or a clock, like the window:
 * what is here is a hint (a claim may be refused), but none before `beyond` may be missing.
 */
#ifndef SCHEDULER_RETRYING_H
#define SCHEDULER_RETRYING_H

#include <stdbool.h>

#include "daemon/base/heap.h"
#include "daemon/scheduler/line.h"
#include "proto/when.h"

#define RETRYING_MAX 1000

/* A run that waits. */
struct retry {
	struct heap_node node;		/* by when it is to be taken up */
	int64_t		 job, run;
	int		 kind;
	bool		 by_hand;
	struct stand	 stand;		/* where it will wait for its slot */
	instant		 at;		/* retry_at */
	bool		 spread;	/* it was due while nobody was there, and has its place now */
};

struct retrying {
	struct lines	*lines;
	struct heap	heap;
	usec_t		ahead;
	instant		beyond;		/* the first that may not be here; USEC_NEVER: all are */
	instant		noted;		/* while loading: the first that was told and not kept */
	bool		loading;
};

/* At first nothing is known: beyond is the beginning of time. */
void retrying_init(struct retrying *r, usec_t ahead, struct lines *lines);
void retrying_done(struct retrying *r);

/* Told after a commit, or loaded; what was known of the run before is forgotten.  The stand is taken over. */
void retrying_add(struct retrying *r, const struct retry *run, instant now);

/* There may be some from this instant on that are not here. */
void retrying_note(struct retrying *r, instant at);

/* Forget a run, or with run 0 all of a job. */
void retrying_remove(struct retrying *r, int64_t job, int64_t run);

/* The job is of other terms: its runs will wait where those say. */
void retrying_edited(struct retrying *r, int64_t job, int64_t uid, const struct queue_terms *terms);

/* The first whose time has come, or NULL; the caller frees it and its stand, or puts it back. */
struct retry *retrying_take(struct retrying *r, instant now);
void retrying_put_back(struct retrying *r, struct retry *x, instant when);

/* When the first is to be taken up; none: there is none. */
instant retrying_next(const struct retrying *r);

/* When should more be loaded?  none: never; may be past. */
instant retrying_load_at(const struct retrying *r);

/* Around a load: it begins with from, and ends at first, the first row not taken over. */
instant retrying_load_begin(struct retrying *r);
void retrying_load_end(struct retrying *r, instant first);

static inline bool
retrying_full(const struct retrying *r)
{
	return r->heap.n >= RETRYING_MAX;
}

#endif
