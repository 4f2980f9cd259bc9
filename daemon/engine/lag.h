/*
 * lag: when the loop was late, and why.  The latest times are kept, so that who measures something
 * outside can tell whether it was the loop's own fault.  They come from the watchdog, which sees a
 * step that blocks, and from timers that fire late, which show what it cannot see: that an idle
 * process was stopped, or got no processor.
 */
#ifndef ENGINE_LAG_H
#define ENGINE_LAG_H

#include "proto/when.h"

struct loop;

/* Less than this is not noted, see loop->lag_min. */
#define LAG_MIN		(50 * USEC_MSEC)

#define LAGS_KEPT	16

enum lag_cause {
	LAG_LATE,		/* not known */
	LAG_BLOCKED,		/* a step took long */
	LAG_STARVED,		/* other processes had the processor */
	LAG_STOPPED,		/* the whole process was stopped, and continued */
};

struct lag {
	usec_t		from, to;	/* of loop_clock() */
	enum lag_cause	cause;
};

/* The engine's: it was away.  What overlaps the latest one is the same. */
void lag_note(struct loop *l, usec_t from, usec_t to, enum lag_cause cause);

/* How long it was away since then (of loop_clock()), in all, and the cause of most of it. */
usec_t lag_since(const struct loop *l, usec_t since, enum lag_cause *cause);

/* In words, to follow "it": "had no processor". */
const char *lag_words(enum lag_cause cause);

#endif
