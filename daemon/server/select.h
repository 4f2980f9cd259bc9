/*
 * select: selectors (ids, names, glob patterns, runs; of those the ones with labels and in states) to
 * jobs and runs, as a task.
 */
#ifndef SERVER_SELECT_H
#define SERVER_SELECT_H

#include "daemon/base/map.h"
#include "daemon/server/method.h"

/* Jobs that one call may touch, and selectors that it may name them by. */
#define SELECT_MAX	10000
#define SELECTORS_MAX	4096

struct target {
	int64_t	job;
	int64_t	run;		/* 0: the job */
	int64_t	cursor;		/* pass's own */
	size_t	selector;	/* which of the selectors named it */
	bool	pattern;	/* by a glob pattern */
};

struct targets {
	struct target	*items;
	size_t		 n;
	size_t		 size;
};

void targets_add(struct targets *ts, struct target t);
void targets_done(struct targets *ts);

enum select_flags {
	SELECT_RUNS = 1,	/* runs may be named, too */
	SELECT_MAY_BE_EMPTY = 2, /* a pattern may match nothing */
	/* one pattern may match more than SELECT_MAX: then next says where to go on */
	SELECT_PAGED = 4,
};

/* What a method takes to select jobs: a member of its parameters, read by SELECTION_ROWS(). */
struct selection {
	struct strings	jobs, labels, states;
	int64_t		after;		/* of methods that take their jobs in pages */
};

#define SELECTION_ROWS(T, member) \
	{ .name = "jobs", .type = FIELD_STRINGS, .offset = offsetof(struct T, member.jobs), \
	  .max = SELECTORS_MAX }, \
	{ .name = "label", .type = FIELD_STRINGS, .offset = offsetof(struct T, member.labels), \
	  .max = LABELS_MAX }, \
	{ .name = "state", .type = FIELD_STRINGS, .offset = offsetof(struct T, member.states), \
	  .max = JOB_STATE_COUNT }

#define SELECTION_PAGE_ROW(T, member) \
	{ .name = "after", .type = FIELD_INT, .offset = offsetof(struct T, member.after), \
	  .max = INT64_MAX }

/* In the frame of a call; zero before. */
struct select {
	struct task		 task;
	struct server		*server;
	const struct strings	*selectors;	/* borrowed */
	const struct strings	*labels;	/* borrowed; NULL: any */
	unsigned		 states;	/* bits; 0: any */
	unsigned		 flags;
	/* in the order of the selectors, each job and run once */
	struct targets		 found;
	/* JOBD_OK, or what to tell; a and b as call_fail() has them */
	enum jobd_error		 why;
	const char		*a, *b;
	int64_t			 after, next;	/* SELECT_PAGED; next 0: that was all */
	int			 result;	/* of the store, for JOBD_STORE_UNAVAILABLE */
	size_t			 i;		/* the selector that is looked at */
	bool			 hit;		/* it has found something */
	/* those asked about at the same time, from i - at on; allocated while it works */
	struct op_resolve	*ops;
	size_t			 at, n;
	struct map		 seen;		/* jobs */
	char			 place[32];
	char			 none[200];
};

void select_start(struct select *s, struct call *c, const struct strings *selectors,
    unsigned flags);

/*
 * The same for a selection, which must not be empty: jobs alone, or with a restriction, or a
 * restriction alone, of all jobs.  False when the caller was told what is wrong with it.
 */
bool select_start_of(struct select *s, struct call *c, const struct selection *in, unsigned flags);

/* Does it say nothing at all of which jobs? */
static inline bool
selection_is_empty(const struct selection *in)
{
	return in->jobs.n == 0 && in->labels.n == 0 && in->states.n == 0;
}

/* Are these all that were selected, and not one page of several? */
static inline bool
select_is_whole(const struct select *s)
{
	return s->after == 0 && s->next == 0;
}

/* Tell in the reply that there are more. */
void select_set_next(const struct select *s, struct cJSON *reply);

/* True when all were found; else the caller is told. */
bool select_told(struct select *s, struct call *c);

void select_done(struct select *s);

#endif
