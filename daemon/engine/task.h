/*
 * task: a cooperative function that can pause (DESIGN 4.2, docs/engine.md).
 *
 * A task's variables live in its frame: a struct that has the task as a member.  The step
 * function gets the task, finds its frame with container_of(), and is written from top
 * to bottom; where it must wait it says for what, as a condition in plain C.  Whoever
 * changes something that a condition looks at calls task_wake().  Locals do not live
 * across a wait.
 *
 * A frame is a nursery: a child's frame lives inside its parent's, or is released by
 * its kind; a task whose function has returned is done only when all its children
 * are, and returning cancels them.  There are no detached tasks.
 *
 * Cancelling is a level: once cancelled, every AWAIT that would have to wait ends with
 * t->err == -ECANCELED; a condition that holds already wins.  AWAIT_SHIELDED does not
 * see it: for cleanup, and for frames lent to another thread.  A task that is
 * cancelled before it began still begins, and learns of it at its first wait.
 *
 * Everything here belongs to the loop's thread.
 */
#ifndef ENGINE_TASK_H
#define ENGINE_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/heap.h"
#include "daemon/base/must.h"
#include "proto/when.h"

struct loop;
struct task;

/* Absolute times of loop_now(); USEC_NEVER for no deadline. */

enum task_status {
	TASK_WAIT,	/* it waits: only AWAIT returns this */
	TASK_AGAIN,	/* it yielded: only TASK_YIELD returns this */
	TASK_RETURNED,	/* the function is at its end: only TASK_END returns this */
};

/* One static description per kind of task. */
struct task_kind {
	const char	*name;			/* a word or two, for the dump */
	enum task_status (*step)(struct task *t);
	/* Free the frame, once done; NULL when the parent owns it. */
	void		(*release)(struct task *t);
	/* In words what the task waits for; NULL, or an empty text: the condition as written. */
	void		(*describe)(const struct task *t, char *out, size_t n);
	/* Whom it serves, "12.3"; NULL: what its parent serves. */
	void		(*serves)(const struct task *t, char *out, size_t n);
};

/* One static description per place where a task waits. */
struct task_place {
	const char	*file;
	int		 line;
	const char	*condition;		/* as written */
};

struct task {
	const struct task_kind	*kind;
	struct loop		*loop;
	struct task		*parent;	/* NULL only for a root */
	struct task		*child;		/* the youngest living child */
	struct task		*older, *younger; /* siblings */
	struct task		*queue_next;	/* in the ready queue; only valid while queued */
	const struct task_place	*place;		/* of the present wait */
	usec_t			 deadline;	/* of the present wait; USEC_NEVER: none */
	usec_t			 since;		/* the present wait began; 0: it does not wait */
	struct heap_node	 timer;		/* in the loop's heap while a deadline is armed */
	int			 err;		/* how the last wait ended: 0, -ETIMEDOUT, -ECANCELED */
	int			 result;	/* valid once done */
	uint16_t		 line;		/* where to go on; 0: not begun */
	bool			 queued : 1, cancelled : 1, shielded : 1, returned : 1, done : 1;
	bool			 told : 1;	/* that it does not end, or is overdue */
	uint8_t			 cancel_epoch;	/* of the loop, when it was cancelled */
	uint32_t		 steps, used;	/* and usec on the loop; about, as both are sampled */
};

/* The whole of what a waiting task costs, beside its frame, is this and a heap entry. */
_Static_assert(sizeof(struct task) + sizeof(struct heap_entry) <= 120, "a task has become fat");

/*
 * Start a task as a child of parent; the other members of its frame are the caller's to set before.
 * It is queued, not run.  The memory may be fresh or hold a task that is done.  The child of
 * a task that is cancelled or has returned is cancelled from the start.
 */
void task_start(struct task *t, const struct task_kind *kind, struct task *parent);

/* Start the one task that has no parent, on a loop. */
void task_start_root(struct task *t, const struct task_kind *kind, struct loop *l);

/*
 * Let the task look at its condition again.  Too often is free; too seldom is a bug.
 * NULL, a task that is done and a frame of zeroes that was never started are fine.
 */
void task_wake(struct task *t);

/* Cancel the task and all below it.  Each unwinds itself; nothing is freed here.  Fine where task_wake() is. */
void task_cancel(struct task *t);

static inline bool
task_done(const struct task *t)
{
	return t->done;
}

/* Started and not done. */
static inline bool
task_alive(const struct task *t)
{
	return t->kind != NULL && !t->done;
}

/* Has it been cancelled?  For those who never wait: a loop that only yields must ask. */
static inline bool
task_cancelled(const struct task *t)
{
	return t->cancelled;
}

/*
 * Used by the macros below.  A wait begins, goes on after a wake-up, ends because the
 * condition holds.  The first two return false when the task must not wait (any more):
 * err says why.
 */
bool task_wait_begin(struct task *t, const struct task_place *place, usec_t deadline, bool shielded);
bool task_wait_again(struct task *t);
void task_wait_end(struct task *t);

/* ---- writing a step function ---- */

#define TASK_BEGIN(t) \
	switch ((t)->line) { \
	default: \
		must_fail("the task resumes where it never waited (AWAIT in a nested switch?)", \
		    __FILE__, (t)->line, __func__); \
	case 0:

/* Ends the step function; label `out:` may stand before it.  No body local may be used in result. */
#define TASK_END(t, value) \
	} \
	(t)->result = (value); \
	return TASK_RETURNED

/* when_ is evaluated once, and only if cond_ does not hold; cond_ at every wake-up.  text_ is cond_ as written. */
#define TASK_WAIT_(t, when_, shield_, cond_, text_) \
	do { \
		static const struct task_place place_ = { __FILE__, __LINE__, text_ }; \
		(t)->err = 0; \
		if (cond_) \
			break; \
		(t)->line = __LINE__; \
		if (!task_wait_begin(t, &place_, when_, shield_)) \
			break; \
		return TASK_WAIT; \
	case __LINE__: \
		if (cond_) \
			task_wait_end(t); \
		else if (task_wait_again(t)) \
			return TASK_WAIT; \
	} while (0)

/* Wait until cond holds (err 0) or the task is cancelled (-ECANCELED). */
#define AWAIT(t, cond)			TASK_WAIT_(t, USEC_NEVER, false, cond, #cond)

/* The same, but not beyond the absolute time when (-ETIMEDOUT). */
#define AWAIT_UNTIL(t, when, cond)	TASK_WAIT_(t, when, false, cond, #cond)

/* Wait until cond holds or the time comes, whether cancelled or not. */
#define AWAIT_SHIELDED(t, when, cond)	TASK_WAIT_(t, when, true, cond, #cond)

/* Only wait for a time to come: err is -ETIMEDOUT when it did, -ECANCELED when not. */
#define SLEEP_UNTIL(t, when)		TASK_WAIT_(t, when, false, false, NULL)

/*
 * Let the others run, and go on after them.  It is not a wait: it ends even when the
 * task is cancelled, and err stays as it was.  A time that has come already does not
 * let the others run; only this does.
 */
#define TASK_YIELD(t) \
	do { \
		(t)->line = __LINE__; \
		return TASK_AGAIN; \
	case __LINE__:; \
	} while (0)

/* ---- looking ---- */

/*
 * A look at all tasks that may last longer than a tick: whoever ends meanwhile is passed over, whoever
 * begins may be missed.  A task that it gave is valid in that tick only.
 */
struct task_walk {
	struct task_walk	*next;		/* of the loop's */
	struct loop		*loop;
	const struct task	*root, *at;	/* at: the next one; NULL: the end */
	unsigned		 depth;		/* of that one */
};

void task_walk_begin(struct task_walk *w, struct loop *l, const struct task *root);

/* The next one and its depth below root, parents first, or NULL at the end. */
const struct task *task_walk_next(struct task_walk *w, unsigned *depth);

/* Twice is fine, and for zeroes. */
void task_walk_end(struct task_walk *w);

/* One live task as `tasks` shows it. */
struct task_info {
	const struct task	*task;
	unsigned		 depth;
	char			 serves[40];
	char			 waits_for[160];
	char			 place[80];
};

/*
 * The task after t in the tree below root, parents first, or NULL: start with root itself.
 * For one tick only: the tree may have changed after it.
 */
const struct task *task_next(const struct task *root, const struct task *t, unsigned *depth);

/* Describe one for people. */
void task_describe(const struct task *t, unsigned depth, struct task_info *out);

/* Whom it serves, "12.3", or empty. */
void task_serves(const struct task *t, char *out, size_t n);

/* Print the tree to a descriptor, without allocating: at most max tasks. */
void task_dump(const struct task *root, int fd, unsigned max);

#endif
