/*
 * replay: decide again.  The real scheduler is led through a flight record on a virtual clock, over a store in memory:
 * it gets the jobs, the runs that went on, what it was told and when each run gave its slot back, as they are
 * recorded; which occurrence starts, waits or is skipped, and when, is its own to find, and is compared with the record.
 *
 * What is an input, then, and not decided again: how long runs took and how they ended, when an attempt is retried, the
 * store's answers, calls, and what a ping is for.  It begins behind the last thing that it cannot follow (REPLAY_FROM), and
 * says so.
 */
#ifndef SCHEDULER_REPLAY_H
#define SCHEDULER_REPLAY_H

#include <stdio.h>

#include "daemon/engine/flight.h"
#include "daemon/scheduler/zones.h"

/* A decision of the record and one of the replay are the same when they are no further apart, a blocked loop aside. */
#define REPLAY_TOLERANCE	(250 * USEC_MSEC)

struct replay_report {
	bool		 ran;		/* else there is why */
	char		 why[200];	/* why it begins where it does, or cannot begin */
	int64_t		 from, to;	/* monotonic, of the record */
	uint64_t	 jobs, inputs;
	uint64_t	 decisions;	/* of the record in that time */
	uint64_t	 same;
	usec_t		 latest;	/* the farthest that one of these was from the record, but for the next ones: */
	uint64_t	 held_up;	/* of these: later in the record, for no longer than the loop was held up then */
	usec_t		 held_up_most;
	bool		 differs;
	char		 difference[400];	/* the first one */
};

/* Nothing but memory is touched.  zones are for schedules, as they are on this host now. */
void replay(const struct flight_file *file, struct zones *zones, struct replay_report *out);

/* In words. */
void replay_print(const struct flight_file *file, const struct replay_report *r, FILE *out);

#endif
