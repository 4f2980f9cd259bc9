/*
 * loop: runs tasks, one thread, on libevent.
 *
 * libevent is asked only to wait for descriptors; timers and the ready queue are the
 * loop's own: a heap of absolute deadlines behind one timerfd, and a FIFO.  A tick fires
 * timers, runs ready tasks for about a tenth of a millisecond, then looks at the
 * descriptors, so that a task that only yields starves neither.  An idle loop sleeps
 * in the kernel and wakes for nothing of its own.
 */
#ifndef ENGINE_LOOP_H
#define ENGINE_LOOP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/histogram.h"
#include "daemon/engine/lag.h"
#include "daemon/engine/task.h"

struct event_base;
struct event;
struct wallclock;
struct watchdog;
struct kinds;
struct findings;
struct leaks;
struct strays;
struct task_walk;
struct flight;

/* What the loop tells of itself; all counters since its start. */
struct loop_stats {
	uint64_t		 ticks, steps, polls, timers_fired, waits;
	uint64_t		 tasks;		/* alive now */
	struct histogram	 lag;		/* usec a timer fired after its (armed) time */
	struct histogram	 ready_wait;	/* usec from ready to resumed, sampled */
	struct histogram	 step;		/* nsec of a step, sampled */
};

struct loop {
	struct task		*queue_head, **queue_end;
	bool			 sample;	/* measure how long the next task to be queued waits */
	bool			 polling;	/* libevent has the thread, and now may be old */
	bool			 is_virtual;
	usec_t			 now;		/* read once a tick; monotonic */
	struct heap		 timers;
	usec_t			 slack;		/* armed times are rounded up to multiples; 0 or 1: exact */
	usec_t			 armed;		/* what the timerfd is set to; 0: nothing */
	usec_t			 wall_offset;	/* virtual clock: wall - now */
	usec_t			 slept;		/* virtual clock: boot time - now */
	struct wallclock	*wallclock;	/* virtual clock: who is told when it is set */
	struct task		*root;
	struct task		*running;	/* while its frame is there; NULL between steps */
	const struct task_kind	*ended_kind;	/* of one that has just ended: its frame is gone */
	int64_t			 clock_cost;	/* nsec of a clock read: not a step's that is timed */
	struct task		*probe;		/* sampled for ready_wait */
	usec_t			 probe_since;
	int			 watches;	/* descriptors watched */
	int			 held;		/* virtual clock: things under way outside it */
	struct event_base	*base;
	struct event		*timer_event;
	int			 timer_fd;
	/* watchdog.h: NULL on a virtual clock; set armed there when nothing is to be armed */
	struct watchdog		*watchdog;
	volatile sig_atomic_t	 watched;	/* its timer is armed, or there is none */
	volatile sig_atomic_t	 caught;	/* it has caught the loop while it was blocked */
	struct task		*suspect;	/* whom it caught, while he lives */
	usec_t			 last_wait;	/* how long the loop slept the last time */
	struct kinds		*kinds;		/* kinds.h */
	struct findings		*findings;	/* finding.h; NULL: there is none yet */
	struct leaks		*leaks;		/* leaks.h */
	struct strays		*strays;	/* strays.h; NULL: nobody has spoken of them yet */
	unsigned		 owners;	/* tasks that it knows to own something */
	usec_t			 sweep_next;	/* when it goes on, and while it is under way 0 */
	uint8_t			 epoch;		/* of its time; wraps */
	struct flight		*flight;	/* flight.h; NULL: nothing is recorded */
	struct task_walk	*walks;		/* of those who are looking at the tasks */
	usec_t			 lag_min;	/* lag.h: LAG_MIN, until somebody changes it */
	struct lag		 lags[LAGS_KEPT];
	unsigned		 lags_n;		/* so far */
	struct loop_stats	 stats;
};

enum loop_clock { LOOP_REAL, LOOP_VIRTUAL };

/*
 * A new loop; NULL with errno set when the kernel refuses.  A virtual clock starts at
 * monotonic 1 s and stands still while anything is ready; when nothing is, it jumps
 * to the next deadline.
 */
struct loop *loop_new(enum loop_clock clock);

/* No task may be alive. NULL is fine. */
void loop_free(struct loop *l);

/*
 * Run until the root task is done.  0; with a virtual clock -EDEADLK when nobody is ready, no deadline
 * is set and nothing is held: the tree has been printed to stderr.
 */
int loop_run(struct loop *l);

/*
 * Virtual clock only: run until the clock stands at `until`, all that is due then has
 * run and nobody is ready, or until the root is done; for those who look in between.
 */
int loop_run_until(struct loop *l, usec_t until);

/*
 * The same, but no more than so many steps: 1 when it is over, 0 when it is to be called again. It
 * may be called from a step of another loop's task: so a world on a virtual clock is run in slices
 * inside a real one.  With the same numbers the same happens, however long the slices take.
 */
int loop_run_some(struct loop *l, usec_t until, unsigned steps_max);

/* Monotonic, as of the start of the present tick (a tenth of a millisecond, or one long step): what AWAIT_UNTIL goes by. */
static inline usec_t
loop_now(const struct loop *l)
{
	return l->now;
}

/* The clock read now: for stamps that must be exact. */
usec_t loop_clock(const struct loop *l);

/* The wall clock, read now (virtual: it runs with the virtual clock). */
instant loop_wall(const struct loop *l);

/* The time since the host's boot, read now, with the time that it slept (CLOCK_BOOTTIME). */
usec_t loop_boot(const struct loop *l);

/* Virtual clock: set the wall clock, as an administrator or a time change would. */
void loop_set_wall(struct loop *l, instant i);

/* Virtual clock: it shows this from now on, at once, as after a long step: what was due meanwhile is late. */
void loop_jump(struct loop *l, usec_t now);

/* Virtual clock: the host sleeps; wall clock and boot time go on, the monotonic clock does not. */
void loop_suspend(struct loop *l, usec_t d);

/* Round times armed from now on up to a grid (0: exact); due times stay what they are, and nothing is early. */
void loop_set_slack(struct loop *l, usec_t slack);

/* Something outside the virtual clock (a thread, a process) will wake a task: do not jump meanwhile. */
void loop_hold(struct loop *l);
void loop_unhold(struct loop *l);

#endif
