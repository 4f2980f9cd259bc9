/*
 * recovery: what an earlier daemon left running is taken up again, before anything new begins.
 */
#ifndef SCHEDULER_RECOVERY_H
#define SCHEDULER_RECOVERY_H

struct scheduler;

/* As a child of the scheduler; s->recovered is set at its end. */
void recovery_start(struct scheduler *s);

#endif
