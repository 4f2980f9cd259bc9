/*
 * wallclock: the condition "the wall clock was set", by hand, by a time service, or because
 * the host has slept.  A timerfd that never expires reports it (TFD_TIMER_CANCEL_ON_SET)
 * and costs no wake-up otherwise.
 */
#ifndef ENGINE_WALLCLOCK_H
#define ENGINE_WALLCLOCK_H

#include "daemon/engine/watch.h"

struct wallclock {
	struct watch	watch;
	int		fd;		/* -1: not started, or the kernel cannot tell */
};

/* waiter is woken when the clock was set. 0 or -errno. */
int wallclock_start(struct wallclock *w, struct loop *l, struct task *waiter);

/* Has it been set since the last call? */
bool wallclock_was_set(struct wallclock *w);

/* For a virtual loop: its clock was set, or its host slept.  NULL is fine. */
void wallclock_tell(struct wallclock *w);

/* Twice is fine. */
void wallclock_stop(struct wallclock *w);

#endif
