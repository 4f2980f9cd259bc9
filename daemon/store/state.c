/*
 * state: see state.h.  The table is the one place that says how a run may go on; the
 * SQL of the backends repeats only the state it starts from.
 */
#include "daemon/store/state.h"

#include "daemon/base/must.h"

struct run_state_row {
	bool		born;		/* a new run may be in it */
	unsigned	next;		/* bits of the states it may go to */
};

#define TO(state) (1u << RUN_##state)

static const struct run_state_row run_states[] = {
	[RUN_QUEUED] = { true, TO(RUNNING) | TO(CANCELED) },
	[RUN_RUNNING] = { true, TO(RETRYING) | TO(SUCCEEDED) | TO(FAILED) | TO(TIMED_OUT) |
	    TO(CANCELED) | TO(LOST) },
	[RUN_RETRYING] = { false, TO(RUNNING) | TO(CANCELED) },
	[RUN_SUCCEEDED] = { false, 0 },
	[RUN_FAILED] = { false, 0 },
	[RUN_TIMED_OUT] = { false, 0 },
	[RUN_CANCELED] = { false, 0 },
	[RUN_LOST] = { false, 0 },
};

_Static_assert(sizeof(run_states) / sizeof(run_states[0]) == RUN_STATE_COUNT,
    "a row for every state");

bool
run_state_allows(enum run_state from, enum run_state to)
{
	MUST(from < RUN_STATE_COUNT && to < RUN_STATE_COUNT);
	return (run_states[from].next & 1u << to) != 0;
}

bool
run_state_born(enum run_state first)
{
	MUST(first < RUN_STATE_COUNT);
	return run_states[first].born;
}

enum job_state
job_state_of(int64_t runs_queued, int64_t runs_running, bool paused, bool has_more)
{
	if (runs_running > 0)
		return JOB_RUNNING;
	if (runs_queued > 0)
		return JOB_QUEUED;
	if (!has_more)
		return JOB_FINISHED;
	return paused ? JOB_PAUSED : JOB_SCHEDULED;
}

enum job_state
job_state_after(enum job_state state, int64_t parents, bool has_due)
{
	return state == JOB_SCHEDULED && parents > 0 && !has_due ? JOB_BLOCKED : state;
}
