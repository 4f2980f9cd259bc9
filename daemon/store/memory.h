/*
 * memory: a store that forgets, behind the same table of functions as SQLite (backend.h): for
 * simulation.  It refuses what SQLite refuses, with the same results, so that the scheduler
 * cannot tell which of them it stands on; but nothing is durable, and a commit costs nothing.
 * Pages of runs, ledgers and the like are not there (-ENOSYS): whoever wants to know
 * what happened is told of every op.
 *
 * It belongs to one thread: use it with STORE_INLINE.
 */
#ifndef STORE_MEMORY_H
#define STORE_MEMORY_H

#include "daemon/store/backend.h"

struct memory;

/* keep: the runs that have ended, for OP_GET; else they are forgotten. */
struct memory *memory_new(bool keep);

/* No store may be open on it.  NULL is fine. */
void memory_free(struct memory *m);

/* A queue as it is stored; copied. */
void memory_put_queue(struct memory *m, const struct queue_row *row);

/*
 * A job as a store has it, with an id that is not in there yet.  row is copied; spec outlives the
 * memory and is handed to whoever claims, as it is; runs is the number of the latest one.
 */
void memory_put_job(struct memory *m, const struct due_row *row, const struct job_spec *spec,
    int64_t runs);

/* A run of such a job that is queued or running; numbers of a job's runs ascend. */
void memory_put_run(struct memory *m, const struct active_row *row);

/* The due of a job that is there; none: it has no more. */
instant memory_due(const struct memory *m, int64_t job);

/* The kind of a job, or -1: it is not there. */
int memory_kind(const struct memory *m, int64_t job);

/* It has this due from now on; none: none. */
void memory_put_due(struct memory *m, int64_t job, instant due);

/* The number of its latest run; 0: it has had none, or is not there. */
int64_t memory_last_run(const struct memory *m, int64_t job);

/* Every op that succeeded is told, when it has been carried out. */
void memory_listen(struct memory *m, void (*told)(void *context, const struct store_op *op),
    void *context);

#endif
