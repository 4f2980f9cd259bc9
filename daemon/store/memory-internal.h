/*
 * memory-internal: what memory.c and memory_job.c share and nobody else may use.
 */
#ifndef STORE_MEMORY_INTERNAL_H
#define STORE_MEMORY_INTERNAL_H

#include "daemon/base/map.h"
#include "daemon/store/memory.h"

/* Strings in info are its own, but name. */
struct memory_run {
	struct memory_run	*older;		/* of the same job, by number */
	struct memory_run	*next, *prev;	/* active ones, by cursor */
	int64_t			 cursor;
	struct run_info		 info;
};

struct memory_job {
	struct due_row		 row;		/* due, id, every, misfire, kind, schedule */
	int64_t			 uid;
	int			 state;
	bool			 paused, on_boot;
	instant			 created, finished, previous;
	instant			 skipped;	/* the last due of the latest skip */
	int64_t			 generation, runs, skips, overlaps, epoch;
	int64_t			 queued, running;
	int64_t			 keep_runs;	/* its own limits of retention, as the spec has them */
	usec_t			 keep_age;
	char			*name, *key, *spec_json;
	const struct job_spec	*spec;		/* or NULL: then there is spec_json */
	struct memory_run	*newest;	/* active, and ended ones that are kept */
};

struct memory {
	bool			  keep;
	struct map		  by_id;
	struct memory_job	**jobs;		/* in the order of their ids */
	size_t			  n, size;
	int64_t			  last_id;	/* ever given out */
	struct memory_run	 *first, *last;	/* active ones */
	struct memory_run	 *spare;	/* linked by older */
	int64_t			  last_cursor;
	int64_t			  queued, running;
	/* the clock, as SQLite's table of it */
	char			 *boot;
	usec_t			  offset;
	int64_t			  epoch;
	int64_t			  shifted;
	usec_t			  step;
	void			 (*told)(void *context, const struct store_op *op);
	void			 *context;
};

static inline struct memory_job *
memory_job(const struct memory *m, int64_t id)
{
	return map_get(&m->by_id, id);
}

static inline void
memory_tell(const struct memory *m, const struct store_op *op)
{
	if (m->told != NULL)
		m->told(m->context, op);
}

/* An empty job with this id. */
struct memory_job *memory_job_new(struct memory *m, int64_t id);
void memory_job_delete(struct memory *m, struct memory_job *j);

/* The state that follows from the rest; `when` it finished, if it does now. */
void memory_job_settle(struct memory_job *j, instant when);

/* A new active run of the job, its newest; counted. */
struct memory_run *memory_run_new(struct memory *m, struct memory_job *j, enum run_state state,
    bool manual, instant due);
struct memory_run *memory_run_find(const struct memory_job *j, int64_t run);

/* It is not active any more: forget it, or keep it.  How it ended is written before. */
void memory_run_end(struct memory *m, struct memory_job *j, struct memory_run *r, int from);

/* ---- the ops that people ask for (memory_job.c) ---- */
int memory_add(void *db, struct store_op *op);
int memory_trigger(void *db, struct store_op *op);
int memory_cancel(void *db, struct store_op *op);
int memory_pause(void *db, struct store_op *op);
int memory_remove(void *db, struct store_op *op);
int memory_get(void *db, struct store_op *op);

/* ---- retention (memory_keep.c) ---- */
int memory_keep_slice(void *db, struct store_op *op);

#endif
