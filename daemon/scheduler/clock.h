/*
 * clock: what the scheduler does when time itself changes.  The wall clock is set: dues that are
 * wall-clock times stay, dues of elapsed time move with it.  The host sleeps: nothing moves,
 * but nobody was there.  The rules of a zone change on disk: wall-clock dues are found anew.
 * What has to be written is swept in slices, while no due is decided; jobs that run go on.
 */
#ifndef SCHEDULER_CLOCK_H
#define SCHEDULER_CLOCK_H

struct scheduler;
struct task;

/*
 * The clock was set when wall clock and boot time have moved so much against each other; the host slept
 * when boot time and the monotonic clock have.
 */
#define CLOCK_STEP_MIN	USEC_SEC

/* What the clocks are now is how they were until now. */
void clock_begin(struct scheduler *s);

/* Submit s->life: our beginning, for the task t; our end, for the scheduler's own. */
void clock_tell_begin(struct scheduler *s, struct task *t);
void clock_end(struct scheduler *s);

/* The beginning is committed: take up what the store says of the clock. */
void clock_begun(struct scheduler *s);

/* Has any of it happened since the last look?  Then s->since is now, and a sweep may begin. */
void clock_look(struct scheduler *s);

#endif
