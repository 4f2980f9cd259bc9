/*
 * planned: a job that was read from the store, as it was added, with its schedule made of it.
 */
#ifndef SERVER_PLANNED_H
#define SERVER_PLANNED_H

#include "daemon/scheduler/schedule.h"
#include "daemon/server/method.h"

struct planned {
	struct job_spec	spec;
	struct schedule	schedule;
};

/* Of a job that was read with its spec.  False: it cannot be read any more (its zone is gone). */
bool planned_open(struct planned *p, const struct server *s, const struct job_info *job);

/*
 * Its row, as the scheduler is told of it, with that due (none: it has no more).  schedule in it is
 * the caller's to free.
 */
struct due_row planned_row(const struct planned *p, const struct job_info *job, instant due);

/* Empty afterwards; twice is fine, and so is one that could not be opened. */
void planned_done(struct planned *p);

#endif
