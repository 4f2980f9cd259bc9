/*
 * loop: see loop.h.  A tick is: queue the tasks whose time has come, run ready tasks for
 * BATCH_TIME, look at the descriptors, or sleep on them when there is nothing to do;
 * read the clock.  Everything between is bounded, so that no task can starve another
 * but by a long step.
 */
#include "daemon/engine/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon/engine/flight.h"
#include "daemon/engine/leaks.h"
#include "daemon/engine/loop-internal.h"
#include "daemon/engine/wallclock.h"
#include "daemon/engine/watchdog.h"
#include "proto/mem.h"

/* Ready tasks run for about this long, in usec, before timers and descriptors are looked at. */
#define BATCH_TIME	100

/* At most so many steps between two looks at the clock; and in a tick of the virtual clock. */
#define STRIDE_MAX	64
#define BATCH_VIRTUAL	256

/* At most so many timers are fired at once, to bound a tick when many have the same time. */
#define FIRE_MAX	256

/* Of strides one in so many has one of its steps timed; of those that are as long as can be one in so many. */
#define SAMPLE_TURN	4
#define SAMPLE_TURN_MAX	8

/* Ticks in turn: whose wait is measured in them. */
enum { WAIT_OF_LAST, WAIT_OF_POLL, WAIT_OF_BATCH, WAIT_LATER };

/* Mixes the number of a tick, so that which step is timed follows no pattern. */
#define SAMPLE_MIX	UINT64_C(0x9e3779b97f4a7c15)

/* How much of the tree is printed when the program is wrong. */
#define DUMP_TASKS_MAX	1000

/*
 * The loop whose tree is printed when a MUST fails; the hook has no argument.  Each thread's
 * own: another one's tree may change while it is printed.
 */
static __thread struct loop *dumped;

static int64_t
clock_nsec(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

usec_t
loop_clock(const struct loop *l)
{
	return l->is_virtual ? l->now : clock_nsec(CLOCK_MONOTONIC) / 1000;
}

instant
loop_wall(const struct loop *l)
{
	if (l->is_virtual)
		return (instant){ l->now + l->wall_offset };
	return (instant){ clock_nsec(CLOCK_REALTIME) / 1000 };
}

void
loop_set_wall(struct loop *l, instant i)
{
	MUST(l->is_virtual);
	l->wall_offset = i.usec - l->now;
	wallclock_tell(l->wallclock);
}

usec_t
loop_boot(const struct loop *l)
{
	return l->is_virtual ? l->now + l->slept : clock_nsec(CLOCK_BOOTTIME) / 1000;
}

void
loop_suspend(struct loop *l, usec_t d)
{
	MUST(l->is_virtual && d >= 0);
	l->slept += d;
	l->wall_offset += d;
	wallclock_tell(l->wallclock);
}

void
loop_jump(struct loop *l, usec_t now)
{
	MUST(l->is_virtual && now >= l->now);
	l->now = now;
}

void
loop_set_slack(struct loop *l, usec_t slack)
{
	l->slack = slack;
}

void
loop_hold(struct loop *l)
{
	l->held++;
}

void
loop_unhold(struct loop *l)
{
	MUST(l->held > 0);
	l->held--;
}

/* The timerfd has expired; that the loop is awake is all that is needed. */
static void
timer_ready(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	((struct loop *)arg)->armed = 0;
}

/* epoll or nothing, whatever the environment says; no locks, since one thread uses it. */
static struct event_base *
base_new(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config == NULL)
		return NULL;
	if (event_config_require_features(config, EV_FEATURE_ET | EV_FEATURE_EARLY_CLOSE) == 0 &&
	    event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV | EVENT_BASE_FLAG_NOLOCK) == 0)
		base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

/* What it takes to read the clock, in nsec: a step that is timed seems to take that. */
static int64_t
clock_cost(void)
{
	int64_t least = INT64_MAX, took;

	for (int i = 0; i < 16; i++) {
		took = -clock_nsec(CLOCK_MONOTONIC);
		took += clock_nsec(CLOCK_MONOTONIC);
		least = took < least ? took : least;
	}
	return least;
}

static int
loop_open(struct loop *l)
{
	l->base = base_new();
	if (l->base == NULL)
		return -ENOMEM;
	/* A virtual clock needs none: it jumps. */
	if (l->is_virtual)
		return 0;
	l->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (l->timer_fd < 0)
		return -errno;
	/* Edge-triggered and never read: setting it anew clears it. */
	l->timer_event = event_new(l->base, l->timer_fd, EV_READ | EV_PERSIST | EV_ET, timer_ready, l);
	if (l->timer_event == NULL || event_add(l->timer_event, NULL) != 0)
		return -ENOMEM;
	return 0;
}

struct loop *
loop_new(enum loop_clock clock)
{
	struct loop *l = xcalloc(1, sizeof(*l));
	int r;

	l->is_virtual = clock == LOOP_VIRTUAL;
	l->timer_fd = -1;
	l->lag_min = LAG_MIN;
	l->clock_cost = l->is_virtual ? 0 : clock_cost();
	l->queue_end = &l->queue_head;
	l->now = l->is_virtual ? USEC_SEC : loop_clock(l);
	/* It has slept for long, as far as the watchdog is concerned. */
	l->last_wait = USEC_NEVER;
	/* A virtual world begins on 2026-01-01T00:00:00Z. */
	l->wall_offset = (usec_t)1767225600 * USEC_SEC - l->now;
	watchdog_new(l);
	kinds_new(l);
	leaks_new(l);
	r = loop_open(l);
	if (r < 0) {
		loop_free(l);
		errno = -r;
		return NULL;
	}
	return l;
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	MUST(l->root == NULL || l->stats.tasks == 0);
	if (l->leaks != NULL)
		leaks_at_end(l);
	if (l->timer_event != NULL)
		event_free(l->timer_event);
	if (l->timer_fd >= 0)
		close(l->timer_fd);
	if (l->base != NULL)
		event_base_free(l->base);
	heap_done(&l->timers);
	watchdog_free(l);
	kinds_free(l);
	leaks_free(l);
	strays_free(l);
	findings_free(l);
	flight_free(l);
	if (dumped == l)
		dumped = NULL;
	free(l);
}

void
loop_woken(struct loop *l)
{
	if (!l->polling)
		return;
	l->now = loop_clock(l);
	l->polling = false;
	watch_round(l);
}

void
loop_sample(struct loop *l, struct task *t)
{
	l->sample = false;
	l->probe = t;
	l->probe_since = loop_clock(l);
}

/* Those of a kind that fire together are one record. */
static void
timer_note(struct loop *l, const struct task *t, usec_t when)
{
	struct flight_ring *r = &l->flight->rings[FLIGHT_INPUTS];
	struct flight_cell *last = &r->cells[(r->head - 1) % FLIGHT_CELLS];

	if (last->what == FLIGHT_TIMER && last->at == l->now && last->kind == flight_kind(t->kind) && last->n < UINT16_MAX)
		last->n++;
	else
		flight_note(l, FLIGHT_INPUTS, FLIGHT_TIMER, 1, flight_kind(t->kind), when, 0);
}

/* Queue the tasks whose time has come. */
static void
fire_timers(struct loop *l)
{
	const struct heap_entry *first;

	for (unsigned n = 0; n < FIRE_MAX; n++) {
		struct task *t;

		first = heap_first(&l->timers);
		if (first == NULL || first->key > l->now)
			break;
		t = container_of(first->node, struct task, timer);
		histogram_add(&l->stats.lag, (uint64_t)(l->now - first->key));
		if (__builtin_expect(l->now - first->key >= l->lag_min, 0))
			lag_note(l, first->key, l->now, LAG_LATE);
		l->stats.timers_fired++;
		if (ENGINE_SEES && l->flight != NULL)
			timer_note(l, t, first->key);
		heap_remove(&l->timers, &t->timer);
		task_wake(t);
	}
}

/* The step, timed: it stands for so many.  Not inline: it is seldom. */
static void __attribute__((noinline))
step_sampled(struct loop *l, struct task *t, unsigned weight)
{
	const struct task_kind *kind = t->kind;
	int64_t took;

	if (l->is_virtual) {
		task_step(t);
		return;
	}
	took = -clock_nsec(CLOCK_MONOTONIC);
	task_step(t);
	took += clock_nsec(CLOCK_MONOTONIC);
	took = took > l->clock_cost ? took - l->clock_cost : 0;
	histogram_add(&l->stats.step, (uint64_t)took);
	if (!ENGINE_SEES)
		return;
	/* It waits, and yet it is ready: by its own doing, as nobody else was there. */
	kinds_step(l, kind, (uint64_t)took, l->running == t && t->queued && t->place != NULL, weight);
	if (l->running == t)
		task_used(t, weight, (uint64_t)took * weight / 1000);
}

/* The probe is resumed: so long has it waited. */
static void __attribute__((noinline))
probe_over(struct loop *l, const struct task *t)
{
	uint64_t waited = (uint64_t)(loop_clock(l) - l->probe_since);

	l->probe = NULL;
	histogram_add(&l->stats.ready_wait, waited);
	if (ENGINE_SEES)
		kinds_wait(l, t->kind, waited);
}

/*
 * Of a stride of so many steps: which is timed; UINT_MAX: none.  Any of them is as likely as any other, and what is not
 * likely weighs as much more, so that sums come out right whatever follows upon what.
 */
static inline unsigned
step_to_time(const struct loop *l, unsigned n, unsigned stride, unsigned turn)
{
	unsigned chance = (unsigned)((l->stats.ticks * STRIDE_MAX + n) * SAMPLE_MIX >> 40);

	return chance % turn == 0 ? chance / turn % stride : UINT_MAX;
}

/* Run at most `stride` ready tasks, after n in this batch.  Returns how many there were. */
static unsigned
run_some(struct loop *l, unsigned n, unsigned stride)
{
	unsigned turn = stride < STRIDE_MAX ? SAMPLE_TURN : SAMPLE_TURN_MAX;
	unsigned sample = step_to_time(l, n, stride, turn);
	struct task *t;
	unsigned i;

	for (i = 0; i < stride && (t = loop_queue_pop(l)) != NULL; i++) {
		if (__builtin_expect(t == l->probe, 0))
			probe_over(l, t);
		l->running = t;
		if (__builtin_expect(i == sample, 0))
			step_sampled(l, t, stride * turn);
		else
			task_step(t);
	}
	l->running = NULL;
	l->ended_kind = NULL;
	return i;
}

/*
 * Whose wait in the queue is measured, by turns without a pattern: the first whom the clock or a descriptor wakes, the last in
 * the queue, the first whom a step wakes or that yields, and the same a little later.
 */
static void
wait_to_time(struct loop *l, unsigned when)
{
	if (l->probe != NULL || (l->stats.ticks * SAMPLE_MIX >> 62) != when)
		return;
	l->sample = when != WAIT_OF_LAST;
	if (l->sample || l->queue_head == NULL)
		return;
	l->probe = container_of(l->queue_end, struct task, queue_next);
	l->probe_since = l->now;
}

/*
 * Run what is ready for about BATCH_TIME.  The clock is read after 1 step, 2 more, 4 more,
 * so that a dear step is noticed at once, and cheap ones hardly pay for it.
 */
static void
run_batch(struct loop *l, unsigned steps_max)
{
	unsigned n = 0, stride = 1;
	usec_t end = l->now + BATCH_TIME;

	if (ENGINE_SEES) {
		wait_to_time(l, WAIT_OF_LAST);
		wait_to_time(l, WAIT_OF_BATCH);
	}

	while (l->queue_head != NULL) {
		if (stride > steps_max - n)
			stride = steps_max - n;
		n += run_some(l, n, stride);
		if (n == steps_max)
			break;
		if (!l->is_virtual && l->queue_head != NULL && loop_clock(l) >= end)
			break;
		if (stride < STRIDE_MAX)
			stride *= 2;
		if (ENGINE_SEES && stride == 2)
			wait_to_time(l, WAIT_LATER);
	}
	l->stats.steps += n;
	watch_round_over(l);
}

static void
poll_descriptors(struct loop *l, bool wait)
{
	usec_t before = l->now;

	l->stats.polls++;
	if (wait)
		l->stats.waits++;
	wait_to_time(l, WAIT_OF_POLL);
	l->polling = true;
	MUST(event_base_loop(l->base, EVLOOP_ONCE |
	    (wait ? EVLOOP_NO_EXIT_ON_EMPTY : EVLOOP_NONBLOCK)) >= 0);
	watch_round_over(l);
	l->now = loop_clock(l);
	l->polling = false;
	if (wait)
		l->last_wait = l->now - before;
}

/* Sleep until a descriptor is ready or the first timer is due. */
static void
wait_real(struct loop *l)
{
	const struct heap_entry *first = heap_first(&l->timers);
	struct itimerspec when = { .it_value = { 0, 0 } };

	if (ENGINE_SEES && l->watched && l->watchdog != NULL)
		watchdog_rest(l, first != NULL ? first->key : USEC_NEVER);
	if (first != NULL && first->key != l->armed) {
		when.it_value.tv_sec = first->key / USEC_SEC;
		when.it_value.tv_nsec = first->key % USEC_SEC * 1000;
		MUST(timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) == 0);
		l->armed = first->key;
	} else if (first == NULL && l->armed != 0) {
		/* Nobody waits for it any more: it must not wake an idle loop. */
		MUST(timerfd_settime(l->timer_fd, 0, &when, NULL) == 0);
		l->armed = 0;
	}
	poll_descriptors(l, true);
}

/*
 * Nobody is ready: let time jump to the next deadline, but not past `until`, nor while
 * something happens outside it.  1 when `until` was reached.
 */
static int
wait_virtual(struct loop *l, usec_t until)
{
	const struct heap_entry *first;

	if (l->watches > 0 || l->held > 0)
		poll_descriptors(l, l->held > 0);
	if (l->queue_head != NULL || l->held > 0)
		return 0;
	first = heap_first(&l->timers);
	if (first != NULL && first->key <= until) {
		l->now = first->key > l->now ? first->key : l->now;
		return 0;
	}
	if (until != USEC_NEVER) {
		l->now = until > l->now ? until : l->now;
		return 1;
	}
	task_dump(l->root, STDERR_FILENO, DUMP_TASKS_MAX);
	return -EDEADLK;
}

/* 0 to go on, 1 at the end, or -errno. */
static int
tick(struct loop *l, usec_t until, unsigned steps_max)
{
	const struct heap_entry *first;

	l->stats.ticks++;
	watch_round(l);
	/* Before the sweep: after a stop (SIGSTOP, a suspended host) what is due is not overdue. */
	fire_timers(l);
	sweep_round(l);
	run_batch(l, steps_max);
	if (l->root->done)
		return 1;
	first = heap_first(&l->timers);
	if (l->queue_head == NULL && (first == NULL || first->key > l->now)) {
		if (l->is_virtual)
			return wait_virtual(l, until);
		wait_real(l);
	} else if (!l->is_virtual || l->watches > 0) {
		poll_descriptors(l, false);
	}
	return 0;
}

static void
dump_tree(void)
{
	if (dumped != NULL && dumped->root != NULL && !dumped->root->done)
		task_dump(dumped->root, STDERR_FILENO, DUMP_TASKS_MAX);
}

/* 0 when there is more to do, 1 at the end, or -errno. */
static int
run(struct loop *l, usec_t until, uint64_t ticks_max, unsigned steps_max)
{
	struct loop *outer = dumped;
	int r = 0;

	MUST(l->root != NULL);
	MUST(l->running == NULL && !l->polling);	/* not from a step of its own, nor a callback */
	dumped = l;
	must_set_hook(dump_tree);
	l->now = loop_clock(l);
	if (ENGINE_SEES && !l->is_virtual)
		watchdog_start(l);
	for (uint64_t n = 0; r == 0 && !l->root->done && n < ticks_max; n++)
		r = tick(l, until, steps_max);
	if (!l->is_virtual)
		watchdog_stop(l);
	/* Inside a step of another loop: from here on it is again that one's. */
	if (outer != NULL && outer->running != NULL)
		dumped = outer;
	return r == 0 && l->root->done ? 1 : r;
}

int
loop_run_until(struct loop *l, usec_t until)
{
	int r;

	MUST(l->is_virtual);
	r = run(l, until, UINT64_MAX, BATCH_VIRTUAL);
	return r < 0 ? r : 0;
}

int
loop_run_some(struct loop *l, usec_t until, unsigned steps_max)
{
	MUST(l->is_virtual && steps_max > 0);
	return run(l, until, 1, steps_max);
}

int
loop_run(struct loop *l)
{
	int r = run(l, USEC_NEVER, UINT64_MAX, l->is_virtual ? BATCH_VIRTUAL : UINT_MAX);

	return r < 0 ? r : 0;
}
