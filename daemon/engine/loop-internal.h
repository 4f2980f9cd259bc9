/*
 * loop-internal: what the files of the engine share and nobody else may use.
 */
#ifndef ENGINE_LOOP_INTERNAL_H
#define ENGINE_LOOP_INTERNAL_H

#include "daemon/engine/loop.h"

/* Put a task at the end of the ready queue; it is not in it. */
static inline void
loop_queue_push(struct loop *l, struct task *t)
{
	t->queued = true;
	t->queue_next = NULL;
	if (l->queue_tail == NULL)
		l->queue_head = t;
	else
		l->queue_tail->queue_next = t;
	l->queue_tail = t;
	if (__builtin_expect(l->probe == NULL, 0) && l->stats.ticks != l->probe_tick) {
		l->probe = t;
		l->probe_since = l->now;
	}
}

/* The armed time of a deadline: on the slack's grid, never before it. */
static inline usec_t
loop_round_up(const struct loop *l, usec_t deadline)
{
	return l->slack <= 1 ? deadline : (deadline + l->slack - 1) / l->slack * l->slack;
}

/* One step of a task that has been taken out of the queue. */
void task_step(struct task *t);

#endif
