/*
 * beat: which occurrence of a heartbeat a ping is for, by the job as it was read: a pure function.  The store refuses
 * when the job has gone on meanwhile; then it is to be read, and decided, again.
 */
#ifndef SCHEDULER_BEAT_H
#define SCHEDULER_BEAT_H

#include "daemon/scheduler/schedule.h"
#include "daemon/store/ops.h"

/*
 * Fills take, move and the claim of an op that has its ping, at now.  s: the job's schedule; NULL: it cannot be read any
 * more, and the ping is beside it.
 */
void beat_decide(struct op_ping *o, const struct job_info *job, const struct schedule *s, instant now);

#endif
