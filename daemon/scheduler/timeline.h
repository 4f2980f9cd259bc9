/*
 * timeline: a flight record (engine/flight.h) for people: what came, what was decided, in the order of time.
 */
#ifndef SCHEDULER_TIMELINE_H
#define SCHEDULER_TIMELINE_H

#include <stdio.h>

#include "daemon/engine/flight.h"

/* What the file is, in a few lines. */
void timeline_head(const struct flight_file *file, FILE *out);

/* All records, a line each: instants are of UTC. */
void timeline_print(const struct flight_file *file, FILE *out);

/* The wall clock at a monotonic time of the record. */
int64_t timeline_wall(const struct flight_file *file, int64_t at);

#endif
