/*
 * loop-internal: what the files of the engine share and nobody else may use.
 */
#ifndef ENGINE_LOOP_INTERNAL_H
#define ENGINE_LOOP_INTERNAL_H

#include "daemon/engine/loop.h"

/* Measure how long t, just put into the queue, stays there. */
void loop_sample(struct loop *l, struct task *t);

/*
 * Called first by whatever libevent calls: the loop may have slept for long, and what
 * follows may ask for loop_now().
 */
void loop_woken(struct loop *l);

/*
 * The engine watches itself: watchdog.c, kinds.c, leaks.c.  A bench leaves it out (-DENGINE_BLIND) to tell
 * what it costs.
 */
#ifdef ENGINE_BLIND
#define ENGINE_SEES 0
#else
#define ENGINE_SEES 1
#endif

/* ---- watchdog.c ---- */

void watchdog_new(struct loop *l);
void watchdog_free(struct loop *l);

/* The loop has woken, and its timer has lapsed. */
void watchdog_arm(struct loop *l);

/* The loop is about to sleep until first, at the latest, and its timer is armed. */
void watchdog_rest(struct loop *l, usec_t first);

/* The suspect's frame is about to go: whom it serves is noted while it is there. */
void watchdog_suspect(struct loop *l);

/* The block that was caught is over. */
void watchdog_over(struct loop *l);

/* The log is told how many blocks it has not been told of, once their minute is over. */
void watchdog_lines(struct loop *l);

/* For tests: what a minute of the log is. */
void watchdog_set_lines(struct loop *l, usec_t time);

/* What the loop does each round: comparisons, unless something has happened. */

static inline void
watch_round(struct loop *l)
{
	if (ENGINE_SEES && __builtin_expect(!l->watched, 0))
		watchdog_arm(l);
}

static inline void
watch_round_over(struct loop *l)
{
	if (ENGINE_SEES && __builtin_expect(l->caught, 0))
		watchdog_over(l);
}

/* ---- kinds.c, finding.c ---- */

void kinds_new(struct loop *l);
void kinds_free(struct loop *l);

/* A step that was timed, and stands for so many. */
void kinds_step(struct loop *l, const struct task_kind *kind, uint64_t nsec, bool self_woken, unsigned weight);

/* A wait from ready to resumed that was timed. */
void kinds_wait(struct loop *l, const struct task_kind *kind, uint64_t usec);

void findings_free(struct loop *l);

/* ---- leaks.c ---- */

void leaks_new(struct loop *l);
void leaks_free(struct loop *l);

/* A table by descriptors that has no place for fd, anew with one; what is new in it is zero.  size: how many it has. */
void *fd_table_grow(void *table, unsigned *size, size_t each, int fd);

/* One slice of the sweep, or its beginning. */
void leaks_slice(struct loop *l);

/*
 * A descriptor is watched for owner (or NULL), by somebody at an address of the program; it is a process;
 * it is watched no more.
 */
void leaks_watch(struct loop *l, int fd, struct task *owner, const void *where);
void leaks_process(struct loop *l, int fd, int pid);
void leaks_unwatch(struct loop *l, int fd);

/* A task that owns something has ended, and its frame may be gone: only its address is looked at. */
void leaks_owner_gone(struct loop *l, const struct task *t, const struct task_kind *kind);

/* ---- strays.c ---- */

/* Some more of it; true at its end, or when none are looked for. */
bool strays_slice(struct loop *l);

/* The loop is about to end: those that are left are told.  How many there are. */
unsigned strays_at_end(struct loop *l);
void strays_free(struct loop *l);

static inline void
sweep_round(struct loop *l)
{
	if (ENGINE_SEES && __builtin_expect(l->now >= l->sweep_next, 0))
		leaks_slice(l);
}

/* Whose step it is, also when its frame has gone meanwhile; NULL: nobody's. */
static inline const struct task_kind *
loop_running_kind(const struct loop *l)
{
	return l->running != NULL ? l->running->kind : l->ended_kind;
}

/* Put a task at the end of the ready queue; it is not in it. */
static inline void
loop_queue_push(struct loop *l, struct task *t)
{
	t->queued = true;
	t->queue_next = NULL;
	*l->queue_end = t;
	l->queue_end = &t->queue_next;
	if (__builtin_expect(l->sample, 0))
		loop_sample(l, t);
}

/* Take the first out of the ready queue, or NULL. */
static inline struct task *
loop_queue_pop(struct loop *l)
{
	struct task *t = l->queue_head;

	if (t == NULL)
		return NULL;
	l->queue_head = t->queue_next;
	if (l->queue_head == NULL)
		l->queue_end = &l->queue_head;
	t->queued = false;
	return t;
}

/* The armed time of a deadline: on the slack's grid, never before it. */
static inline usec_t
loop_round_up(const struct loop *l, usec_t deadline)
{
	if (l->slack <= 1 || deadline > USEC_NEVER - l->slack)
		return deadline;
	return (deadline + l->slack - 1) / l->slack * l->slack;
}

static inline uint32_t
add_most(uint32_t to, uint64_t n)
{
	return n > UINT32_MAX - to ? UINT32_MAX : to + (uint32_t)n;
}

/* About so many of its steps took about so long. */
static inline void
task_used(struct task *t, unsigned steps, uint64_t usec)
{
	t->steps = add_most(t->steps, steps);
	t->used = add_most(t->used, usec);
}

/* One step of a task that has been taken out of the queue. */
void task_step(struct task *t);

#endif
