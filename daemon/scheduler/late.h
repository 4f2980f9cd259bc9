/*
 * late: tells of occurrences that wait long past their due, while they wait: the store knows of which jobs that is
 * wanted, and what was told.  It is asked when something has begun to wait, and then for the instant at which the first
 * one will have waited too long; while nothing waits, and when no job wants it told, never.
 */
#ifndef SCHEDULER_LATE_H
#define SCHEDULER_LATE_H

#include "daemon/engine/task.h"

struct late;
struct scheduler;

struct late *late_new(struct scheduler *s);
void late_free(struct late *l);

/* From then on, as a child of that task. */
void late_start(struct late *l, struct task *parent);

/* An occurrence is due, and does not begin. */
void late_waits(struct late *l);

/* There may be jobs that want it told, and were not there before. */
void late_wanted(struct late *l);

#endif
