/*
 * recorder: what the scheduler notes in the flight recorder (engine/flight.h): its decisions, the answers to them,
 * what it is told, and of each job in memory what its decisions stand on.  Never what a job does.
 */
#ifndef SCHEDULER_RECORDER_H
#define SCHEDULER_RECORDER_H

#include "daemon/engine/flight.h"
#include "daemon/scheduler/scheduler.h"

/* The rows of numbers of a record of FLIGHT_JOB; then the texts schedule, queue, mutex. */
enum { RECORD_JOB_ROWS = 3 };
/* [0] every, misfire, uid; [1] priority, slots, overlap; [2] limit of overlap, run that is retrying, whether it has a schedule */

/* The rows of FLIGHT_LINE; then its name. */
enum { RECORD_LINE_ROWS = 1 };
/* [0] rate, its usec, 0 */

/* What is known from the beginning; and whom the recorder asks for what there is at its end. */
void recorder_begin(struct scheduler *s, const struct scheduler_config *config);
void recorder_end(struct scheduler *s);

/* Other limits from now on.  Nothing when they are the same. */
void recorder_limits(struct scheduler *s, const struct scheduler_config *config);

/* A job as it comes into memory: the place of its record. */
uint64_t recorder_job(struct loop *l, const struct due_row *row);

/* One that is not there, and has a run. */
void recorder_terms(struct scheduler *s, int64_t job, int kind, int64_t uid, const struct queue_terms *terms);

/* A queue as it is stored; told: that it was set. */
void recorder_line(struct scheduler *s, const struct queue_row *row, bool told);

/* The clocks are this far apart from now on, wall - monotonic; before: until now, 0 at the beginning. */
void recorder_clock(struct scheduler *s, usec_t now, usec_t before);

void recorder_claim(struct scheduler *s, const struct op_claim *op, int kind);
void recorder_claimed(struct scheduler *s, const struct op_claim *op, int kind);
void recorder_skip(struct scheduler *s, const struct op_skip *op);
void recorder_skipped(struct scheduler *s, const struct op_skip *op);
void recorder_adopted(struct scheduler *s, const struct run_info *run);
void recorder_exit(struct scheduler *s, const struct run_info *run);
void recorder_left(struct scheduler *s, const struct run_info *run);
void recorder_told(struct scheduler *s, enum flight_told what, int64_t job, int64_t run, int64_t due);

#endif
