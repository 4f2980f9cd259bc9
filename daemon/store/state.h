/*
 * state: the states of a run and the moves that are allowed, one row a state.  The store
 * refuses any other move, in SQL (WHERE state = ...) and here.
 */
#ifndef STORE_STATE_H
#define STORE_STATE_H

#include <stdbool.h>

#include "proto/types.h"

/* May a run go from one state to the other?  A new run may be born queued or running. */
bool run_state_allows(enum run_state from, enum run_state to);
bool run_state_born(enum run_state first);

/*
 * The state of a job (DESIGN 6): an active run wins over a pause, a pause over a due; when
 * nothing more comes by itself it is finished.
 */
enum job_state job_state_of(int64_t runs_queued, int64_t runs_running, bool paused, bool has_more);

/* The same when it is known whether the job has parents: what waits for them alone is blocked. */
enum job_state job_state_after(enum job_state state, int64_t parents, bool has_due);

#endif
