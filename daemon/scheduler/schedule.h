/*
 * schedule: which instants a job is due at; pure functions of their arguments.  Today a
 * schedule is one instant, or one and a distance (every); calendars stand beside it later.
 */
#ifndef SCHEDULER_SCHEDULE_H
#define SCHEDULER_SCHEDULE_H

#include "proto/types.h"

/* The occurrences from a due up to an instant, inclusive. */
struct schedule_past {
	int64_t	 count;		/* 0: the due is still to come */
	instant	 last;		/* the latest of them; valid if count > 0 */
	instant	 next;		/* the first after them; none: there is no more */
};

/* every is 0 for a single occurrence. */
struct schedule_past schedule_past(instant due, usec_t every, instant until);

/*
 * What becomes of occurrences that nobody was there to run: MISFIRE_ONCE or MISFIRE_SKIP.
 * The default is once for single occurrences (somebody asked for this very one)
 * and for distances of MISFIRE_ONCE_MIN and more, but skip below that and for checks that repeat.
 */
#define MISFIRE_ONCE_MIN	USEC_HOUR
enum misfire schedule_misfire(int misfire, int kind, usec_t every);

#endif
