/*
 * loop: see loop.h.  A tick is: read the clock, queue the tasks whose time has come, run a
 * batch of ready tasks, look at the descriptors when that is due; and sleep when there
 * was nothing to do.  The batch's size follows the time that batches take, so that
 * neither cheap steps pay for clock reads nor dear ones hold up the timers.
 */
#include "daemon/engine/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon/engine/loop-internal.h"
#include "proto/mem.h"

/* A batch should take about this long, in usec; and its bounds in steps. */
#define BATCH_TIME	100
#define BATCH_MIN	1
#define BATCH_MAX	1024

/* Which step of a batch is timed turns through this many places. */
#define SAMPLE_TURN	16

/* How much of the tree is printed when the program is wrong. */
#define DUMP_TASKS_MAX	1000

/* The loop whose tree is printed when a MUST fails; the hook has no argument. */
static struct loop *dumped;

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

static int
loop_open(struct loop *l)
{
	l->base = event_base_new();
	if (l->base == NULL)
		return -ENOMEM;
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
	l->batch = BATCH_MIN * 16;
	l->now = l->is_virtual ? USEC_SEC : loop_clock(l);
	/* A virtual world begins on 2026-01-01T00:00:00Z. */
	l->wall_offset = (usec_t)1767225600 * USEC_SEC - l->now;
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
	if (l->timer_event != NULL)
		event_free(l->timer_event);
	if (l->timer_fd >= 0)
		close(l->timer_fd);
	if (l->base != NULL)
		event_base_free(l->base);
	heap_done(&l->timers);
	if (dumped == l)
		dumped = NULL;
	free(l);
}

/* Queue every task whose time has come. */
static void
fire_timers(struct loop *l)
{
	const struct heap_entry *first;

	while ((first = heap_first(&l->timers)) != NULL && first->key <= l->now) {
		struct task *t = container_of(first->node, struct task, timer);

		histogram_add(&l->stats.lag, (uint64_t)(l->now - first->key));
		l->stats.timers_fired++;
		heap_remove(&l->timers, &t->timer);
		task_wake(t);
	}
}

/* The step, timed: one in a batch is enough to see who is slow. */
static void
step_sampled(struct loop *l, struct task *t)
{
	int64_t before;

	if (l->is_virtual) {
		task_step(t);
		return;
	}
	before = clock_nsec(CLOCK_MONOTONIC);
	task_step(t);
	histogram_add(&l->stats.step, (uint64_t)(clock_nsec(CLOCK_MONOTONIC) - before));
}

/* Run what is ready, at most a batch.  Returns the number of steps. */
static unsigned
run_batch(struct loop *l)
{
	unsigned n = 0, sample = (unsigned)(l->stats.ticks % SAMPLE_TURN);
	struct task *t;

	l->probe_tick = l->stats.ticks;
	while ((t = l->queue_head) != NULL && n < l->batch) {
		l->queue_head = t->queue_next;
		if (l->queue_head == NULL)
			l->queue_tail = NULL;
		t->queued = false;
		if (t == l->probe) {
			l->probe = NULL;
			histogram_add(&l->stats.ready_wait, (uint64_t)(loop_clock(l) - l->probe_since));
		}
		l->running = t;
		if (n == sample)
			step_sampled(l, t);
		else
			task_step(t);
		n++;
	}
	l->running = NULL;
	l->stats.steps += n;
	return n;
}

/* Let the batch's size follow the time that it took. */
static void
adapt_batch(struct loop *l, unsigned steps, usec_t took)
{
	if (took > 2 * BATCH_TIME && l->batch > BATCH_MIN)
		l->batch /= 2;
	else if (steps == l->batch && took < BATCH_TIME / 2 && l->batch < BATCH_MAX)
		l->batch *= 2;
}

static void
poll_descriptors(struct loop *l, bool wait)
{
	l->stats.polls++;
	if (wait)
		l->stats.waits++;
	event_base_loop(l->base, EVLOOP_ONCE | (wait ? 0 : EVLOOP_NONBLOCK));
}

/* Sleep until a descriptor is ready or the first timer is due. */
static void
wait_real(struct loop *l)
{
	const struct heap_entry *first = heap_first(&l->timers);
	struct itimerspec when = { .it_value = { 0, 0 } };

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

/* Nobody is ready: let time jump, but not past what happens outside it. */
static int
wait_virtual(struct loop *l, usec_t until)
{
	const struct heap_entry *first;

	if (l->watches > 0 || l->held > 0)
		poll_descriptors(l, l->held > 0);
	if (l->queue_head != NULL || l->held > 0)
		return 0;
	first = heap_first(&l->timers);
	if (first == NULL && until == USEC_NEVER) {
		task_dump(l->root, STDERR_FILENO, DUMP_TASKS_MAX);
		return -EDEADLK;
	}
	l->now = first != NULL && first->key < until ? first->key : until;
	return 0;
}

static int
tick(struct loop *l, usec_t until)
{
	unsigned steps;
	usec_t before;

	l->stats.ticks++;
	l->now = loop_clock(l);
	before = l->now;
	fire_timers(l);
	steps = run_batch(l);
	if (l->queue_head == NULL) {
		if (l->root->done)
			return 0;
		if (l->is_virtual)
			return wait_virtual(l, until);
		wait_real(l);
		l->polled = loop_clock(l);
		return 0;
	}
	l->now = loop_clock(l);
	adapt_batch(l, steps, l->now - before);
	if (l->now - l->polled >= POLL_INTERVAL || l->is_virtual) {
		if (!l->is_virtual || l->watches > 0)
			poll_descriptors(l, false);
		l->polled = l->now;
	}
	return 0;
}

static void
dump_tree(void)
{
	if (dumped != NULL && dumped->root != NULL && !dumped->root->done)
		task_dump(dumped->root, STDERR_FILENO, DUMP_TASKS_MAX);
}

int
loop_run_until(struct loop *l, usec_t until)
{
	int r = 0;

	MUST(l->root != NULL);
	dumped = l;
	must_set_hook(dump_tree);
	while (r == 0 && !l->root->done && (until == USEC_NEVER || l->now < until || l->queue_head != NULL))
		r = tick(l, until);
	return r;
}

int
loop_run(struct loop *l)
{
	return loop_run_until(l, USEC_NEVER);
}
