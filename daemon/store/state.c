/*
 * state: see state.h.  The table is the one place that says how a run may go on; the
 * SQL of the backends repeats only the state it starts from.
 */
#include "daemon/store/state.h"

#include <errno.h>

#include "daemon/base/must.h"
#include "daemon/store/ops.h"

struct run_state_row {
	bool		born;		/* a new run may be in it */
	unsigned	next;		/* bits of the states it may go to */
};

#define TO(state) (1u << RUN_##state)

static const struct run_state_row run_states[] = {
	[RUN_QUEUED] = { true, TO(RUNNING) | TO(CANCELED) },
	[RUN_RUNNING] = { true, TO(RETRYING) | TO(SUCCEEDED) | TO(FAILED) | TO(TIMED_OUT) |
	    TO(CANCELED) | TO(LOST) },
	[RUN_RETRYING] = { false, TO(QUEUED) | TO(RUNNING) | TO(CANCELED) },
	[RUN_SUCCEEDED] = { false, 0 },
	/* By hand alone: a person asks for another attempt, and the one before is kept as such. */
	[RUN_FAILED] = { false, TO(QUEUED) },
	[RUN_TIMED_OUT] = { false, TO(QUEUED) },
	[RUN_CANCELED] = { false, TO(QUEUED) },
	[RUN_LOST] = { false, TO(QUEUED) },
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
job_state_of(const struct job_facts *f)
{
	if (f->running > 0)
		return JOB_RUNNING;
	if (f->queued > 0)
		return JOB_QUEUED;
	if (f->retrying > 0)
		return JOB_RETRYING;
	if (f->quarantined)
		return JOB_QUARANTINED;
	if (!f->has_more)
		return JOB_FINISHED;
	if (f->paused)
		return JOB_PAUSED;
	return f->waits ? JOB_BLOCKED : JOB_SCHEDULED;
}

usec_t
run_took_average(usec_t average, const struct run_info *run)
{
	instant begin = instant_is_set(run->spawned) ? run->spawned : run->started;
	instant end = instant_is_set(run->exited) ? run->exited : run->ended;

	/* The clock may have been set meanwhile. */
	if (run->state != RUN_SUCCEEDED || !instant_is_set(begin) || end.usec <= begin.usec)
		return average;
	return average == 0 ? end.usec - begin.usec : (3 * average + (end.usec - begin.usec)) / 4;
}

int
edit_due(const struct op_edit *o, instant was, usec_t decided, instant *ret)
{
	bool near = o->due.usec == was.usec && o->due.usec < o->now.usec + EDIT_NEAR;

	*ret = o->due;
	if (!instant_is_set(o->due) || (!near && o->due.usec > decided))
		return 0;
	/* Of one that comes once any instant will do. */
	if (job_spec_repeats(o->spec))
		return -EAGAIN;
	if (ret->usec <= decided)
		ret->usec = decided + 1;
	return 0;
}
