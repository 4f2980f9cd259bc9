/*
 * replayed: what a scheduler has decided in a test, decided again from its flight record: a check on the recorder, the
 * replay and the scheduler at once.
 */
#ifndef HARNESS_REPLAYED_H
#define HARNESS_REPLAYED_H

#include "daemon/scheduler/replay.h"

/* The loop is recorded (flight_start()): read back what it has, and decide again. */
void replayed(struct loop *l, struct zones *zones, struct replay_report *out);

/* The same, and fail unless all is the same, or nothing could be decided again. */
void replayed_is_the_same(struct loop *l, struct zones *zones);

#endif
