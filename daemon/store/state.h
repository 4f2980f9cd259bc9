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

/* What the state of a job follows from. */
struct job_facts {
	int64_t	queued, running, retrying;	/* its active runs */
	bool	paused, quarantined;
	bool	has_more;			/* something will come by itself */
	bool	waits;				/* and that is for its parents to say */
};

/*
 * The state of a job (DESIGN 6): an active run wins over what holds the job back, quarantine over
 * a pause, a pause over a due or parents; when nothing more comes by itself it is finished, but in
 * quarantine somebody has to look at it.
 */
enum job_state job_state_of(const struct job_facts *f);

/*
 * How long a run of a job takes that succeeds: the average so far (0: none is known) with one more run,
 * which counts a quarter, so that the average follows a job that changes.  Other ends say nothing.
 */
usec_t run_took_average(usec_t average, const struct run_info *run);

struct op_edit;

/*
 * What an edit makes of the due of a job whose schedule is another one: was is its due so far, decided its latest
 * instant that has a disposition, by then also what was due and is skipped.  -EAGAIN: see struct op_edit.
 */
int edit_due(const struct op_edit *o, instant was, usec_t decided, instant *ret);

#endif
