/*
 * memory-internal: what memory.c, memory_job.c and memory_after.c share and nobody else may use.
 */
#ifndef STORE_MEMORY_INTERNAL_H
#define STORE_MEMORY_INTERNAL_H

#include "daemon/base/map.h"
#include "daemon/store/health.h"
#include "daemon/store/memory.h"
#include "daemon/store/notify.h"

/* Strings in info are its own, but name. */
struct memory_run {
	struct memory_run	*older;		/* of the same job, by number */
	struct memory_run	*next, *prev;	/* active ones, by cursor */
	int64_t			 cursor;
	int64_t			 retried;
	struct run_info		 info;		/* retry_at is negative while the job is held */
};

/* A job that a job waits for. */
struct memory_parent {
	int64_t	 job;
	int	 condition, state;
	int	 outcome;	/* -1: none is known */
	char	*name;
};

struct memory_job {
	struct due_row		 row;		/* all of it */
	int			 state;
	bool			 paused, quarantined, on_boot;
	instant			 created, finished, previous;
	instant			 skipped;	/* the last due of the latest skip */
	int64_t			 generation, runs, skips, overlaps, epoch, crashes;
	struct health		 health;
	int64_t			 depends_on;	/* 0: on none */
	usec_t			 took;		/* run_took_average() */
	int64_t			 queued, running, retrying;
	struct memory_parent	*parents;	/* parents_n */
	size_t			 parents_n;
	int64_t			 unmet, never, children;	/* as in SQLite's table of jobs */
	usec_t			 delay;
	int64_t			 keep_runs;	/* its own limits of retention, as the spec has them */
	usec_t			 keep_age;
	char			*name, *key, *spec_json;
	struct strings		 notify;
	struct trouble		 trouble;
	instant			 late;		/* the due of the latest that was told to be late while it waited */
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
	int64_t			  queued, running, retrying;
	struct queue_row	 *queues;	/* by name */
	size_t			  queues_n;
	struct notice_row	 *notices;	/* by id */
	size_t			  notices_n;
	int64_t			  last_notice;	/* ever given out */
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

/* It goes from one active state to another; counted. */
void memory_run_move(struct memory *m, struct memory_job *j, struct memory_run *r, enum run_state to);

/* One that has ended is active again: queued. */
void memory_run_again(struct memory *m, struct memory_job *j, struct memory_run *r);

/* What is known of an attempt that has ended is taken back. */
void memory_run_clear(struct memory_run *r);

static inline bool
memory_job_held(const struct memory_job *j)
{
	return j->paused || j->quarantined;
}

/* A run of it that waits for its next attempt, or 0. */
int64_t memory_retrying_run(const struct memory_job *j);

/* As long as the job is held its runs do not go on with the next attempt. */
void memory_hold_retries(struct memory_job *j);

/* What the scheduler is told of it; the caller frees the schedule. */
struct due_row memory_due_row(const struct memory_job *j);
/* The job of this name, or NULL.  Slow: for tests. */
struct memory_job *memory_job_named(const struct memory *m, const char *name);

/* ---- jobs that wait for others (memory_after.c); as sqlite.h has them ---- */

/* changed: the job has become finished, or is not any more. */
void memory_dependents_tell(struct memory *m, int64_t job, int64_t children, bool changed,
    int outcome, instant at, struct dependents *out);
void memory_dependents_due(struct memory *m, struct memory_job *j, instant at,
    struct dependents *out);
int memory_dependencies_add(struct memory *m, struct op_add *o, int64_t before);
/* As SQLite's dependencies_replace(), but a refused one has changed nothing. */
int memory_dependencies_replace(struct memory *m, struct memory_job *j, const struct strings *after,
    size_t *failed);
void memory_dependencies_rename(struct memory *m, int64_t job, const char *name);
void memory_dependencies_delete(struct memory *m, struct memory_job *j);
int64_t memory_dependents_waiting(const struct memory *m, int64_t job);
void memory_dependencies_read(const struct memory *m, const struct memory_job *j, struct op_get *o);
int memory_spread(void *db, struct store_op *op);

/* The claim of a due, or of a run that waits (memory.c). */
int memory_claim(void *db, struct store_op *op);

/* ---- the ops that people ask for (memory_job.c) ---- */
int memory_add(void *db, struct store_op *op);
int memory_trigger(void *db, struct store_op *op);
int memory_ping(void *db, struct store_op *op);
int memory_retry(void *db, struct store_op *op);
int memory_cancel(void *db, struct store_op *op);
int memory_pause(void *db, struct store_op *op);
int memory_remove(void *db, struct store_op *op);
int memory_edit(void *db, struct store_op *op);
int memory_get(void *db, struct store_op *op);

/* ---- queues (memory_queue.c) ---- */

/* A job names it: then it is there.  0, -EMLINK. */
int memory_queue_named(struct memory *m, const char *name, bool *ret_new);
/* As if it had not been named: its add is refused. */
void memory_queue_unnamed(struct memory *m, const char *name);
int memory_queue_set(void *db, struct store_op *op);
int memory_queue_remove(void *db, struct store_op *op);
int memory_queues(void *db, struct store_op *op);
/* ---- notices (memory_notice.c) ---- */
/* By retention: those older than so, of whose targets nobody is told any more. */
void memory_keep_notices(struct memory *m, struct op_keep *o);
int64_t memory_notify_run(struct memory *m, struct memory_job *j, const struct op_finish *o);
int64_t memory_notify_late(struct memory *m, const struct memory_job *j, const struct op_claim *claim);
int memory_late(void *db, struct store_op *op);
int64_t memory_notify_skip(struct memory *m, struct memory_job *j, const struct op_skip *skip);
int memory_notice_test(void *db, struct store_op *op);
int memory_notice_settle(void *db, struct store_op *op);
int memory_notices(void *db, struct store_op *op);
int memory_targets(void *db, struct store_op *op);
void memory_notices_free(struct memory *m);

/* ---- retention (memory_keep.c) ---- */
int memory_keep_slice(void *db, struct store_op *op);

#endif
