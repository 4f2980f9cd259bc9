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

/* Empty afterwards; twice is fine, and so is one that could not be opened. */
void planned_done(struct planned *p);

#endif
