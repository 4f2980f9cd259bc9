/*
 * enqueue: an occurrence that comes due while its job has a run waits for it as a queued run, or takes
 * its place: overlap queue and replace.
 */
#ifndef SCHEDULER_ENQUEUE_H
#define SCHEDULER_ENQUEUE_H

#include "daemon/scheduler/ledger.h"

struct scheduler;

/* p is taken, and goes back to the window with the next due.  d says LEDGER_QUEUE. */
void enqueue_start(struct scheduler *s, struct pending *p, const struct ledger_decision *d);

#endif
