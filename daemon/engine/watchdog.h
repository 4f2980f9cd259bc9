/*
 * watchdog: catches the loop while something blocks it.
 *
 * A timer of the loop's own thread sends a signal when the loop has not come round for longer than
 * the limit; its handler notes the stack and the task into a ring of fixed size.  How long it took
 * in the end is added by the loop when it goes on.  An idle loop has no timer armed, and a busy one
 * pays some 20 signals a second, no call a step.
 *
 * What looks like it is told apart: a process that was stopped (SIGSTOP and SIGCONT), and one that
 * waited for a processor (the kernel's run delay).  Clocks that are set and a host that sleeps do
 * not count, since the monotonic clock is asked.  A step that goes on for too long after a stop is
 * caught all the same, and counted from the moment when the process went on.
 */
#ifndef ENGINE_WATCHDOG_H
#define ENGINE_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/when.h"

struct loop;
struct task;

/* Longer than this the loop should never be away, unless loop_set_block_limit() says otherwise. */
#define BLOCK_LIMIT		(50 * USEC_MSEC)

#define BLOCKS_MAX		256	/* that are kept */
#define BLOCK_STACK_MAX		24	/* return addresses */

enum block_cause {
	BLOCK_STEP,	/* a step, or a callback */
	BLOCK_STARVED,	/* other processes had the processor */
	BLOCK_STOPPED,	/* the whole process was stopped, and continued */
};

struct block {
	instant			 at;		/* it began */
	usec_t			 took;
	usec_t			 ran;		/* of it on a processor, about */
	usec_t			 delayed;	/* of it ready to run, but without a processor, about */
	enum block_cause	 cause;
	bool			 halted;	/* it is a step, but for a part of it the process was stopped */
	const char		*task;		/* its kind's name; NULL: what the loop does itself */
	unsigned		 line;		/* where its step began, in its source */
	char			 serves[40];	/* "12.3", or empty */
	unsigned		 depth;
	void			*stack[BLOCK_STACK_MAX]; /* the innermost first */
};

/*
 * Both are the loop's: begin to watch it, on the thread that runs it; and end.  A kernel without such
 * timers leaves it unwatched.
 */
void watchdog_start(struct loop *l);
void watchdog_stop(struct loop *l);

/* How long a step may take; 0: nothing is caught.  At any time. */
void loop_set_block_limit(struct loop *l, usec_t limit);

/* How often the loop was blocked so far, by cause; the ring may have forgotten the older. */
uint64_t watchdog_count(const struct loop *l, enum block_cause cause);

/*
 * How long the loop's thread was ready to run, but without a processor, so far and in all; 0 when the
 * kernel does not tell.  A read of a file in /proc.
 */
usec_t watchdog_starved(const struct loop *l);

/* The same as it was a millisecond ago or later: for the beginning of what is short and many. */
usec_t watchdog_starved_lately(const struct loop *l);

/* The n-th of the ring, 0 the latest; false: there are no more. */
bool watchdog_block(const struct loop *l, unsigned n, struct block *out);

#endif
