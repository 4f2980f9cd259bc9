/*
 * epoll: what this machine allows.  The engine's workloads by hand: a task is a 64-byte struct with
 * a step function and a number for its place, timers are a binary heap with keys inside and one
 * edge-triggered timerfd, ready tasks a FIFO; nothing is sampled, checked or described.
 * slack=USEC rounds armed times up to a grid.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "tests/bench/peers/measure.h"

#define NO_PLACE	UINT32_MAX
#define SLAB		1024
#define EVENTS		1024

/* The descriptors are looked at once in so many steps. */
#define STEPS_MAX	256

struct task {
	void		(*step)(struct task *t);
	struct task	*next;		/* in the ready queue, or free */
	struct task	*older, *younger; /* in w7's scope */
	int64_t		 due, arg;
	uint32_t	 place;		/* in the heap */
	uint16_t	 state, cancelled;
	int		 fd;
};

struct entry {
	int64_t		 due;
	struct task	*task;
};

/* One program, one loop, as one writes it by hand. */
static struct measure m;
static struct entry *heap;
static uint32_t heap_n, heap_size;
static struct task *free_tasks, *ready, **ready_end = &ready;
static long live;
static int epoll_fd, timer_fd;
static int64_t armed, slack;
static bool stop, watching;
static void (*on_io)(struct task *t);

/* ---- heap ---- */

static inline void
put(uint32_t place, struct entry e)
{
	heap[place] = e;
	e.task->place = place;
}

static void
sift_up(uint32_t place, struct entry e)
{
	while (place > 0 && heap[(place - 1) / 2].due > e.due) {
		put(place, heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	put(place, e);
}

static void
sift_down(uint32_t place, struct entry e)
{
	for (uint32_t child = 2 * place + 1; child < heap_n; child = 2 * place + 1) {
		if (child + 1 < heap_n && heap[child + 1].due < heap[child].due)
			child++;
		if (heap[child].due >= e.due)
			break;
		put(place, heap[child]);
		place = child;
	}
	put(place, e);
}

static void
timer_add(struct task *t, int64_t due)
{
	if (heap_n == heap_size) {
		heap_size = heap_size == 0 ? SLAB : 2 * heap_size;
		heap = realloc(heap, heap_size * sizeof(*heap));
		if (heap == NULL)
			abort();
	}
	t->due = due;
	if (slack > 1)
		due = (due + slack - 1) / slack * slack;
	sift_up(heap_n++, (struct entry){ due, t });
}

static void
timer_remove(struct task *t)
{
	struct entry last = heap[--heap_n];
	uint32_t place = t->place;

	t->place = NO_PLACE;
	if (place == heap_n)
		return;
	if (place > 0 && last.due < heap[(place - 1) / 2].due)
		sift_up(place, last);
	else
		sift_down(place, last);
}

/* ---- tasks and loop ---- */

static void
slab_new(void)
{
	struct task *slab = malloc(SLAB * sizeof(*slab));

	if (slab == NULL)
		abort();
	for (unsigned i = 0; i < SLAB; i++) {
		slab[i].next = free_tasks;
		free_tasks = &slab[i];
	}
}

static void
make_ready(struct task *t)
{
	t->next = NULL;
	*ready_end = t;
	ready_end = &t->next;
}

static struct task *
task_new(void (*step)(struct task *t), int64_t arg)
{
	struct task *t;

	if (free_tasks == NULL)
		slab_new();
	t = free_tasks;
	free_tasks = t->next;
	*t = (struct task){ .step = step, .arg = arg, .place = NO_PLACE };
	live++;
	return t;
}

static void
task_free(struct task *t)
{
	t->next = free_tasks;
	free_tasks = t;
	live--;
}

static void
run_some(void)
{
	for (int n = 0; ready != NULL && n < STEPS_MAX; n++) {
		struct task *t = ready;

		ready = t->next;
		if (ready == NULL)
			ready_end = &ready;
		t->step(t);
	}
}

static void
poll_descriptors(void)
{
	struct epoll_event events[EVENTS];
	int n;

	if (ready == NULL && heap_n > 0 && heap[0].due != armed) {
		armed = heap[0].due;
		timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &(struct itimerspec){
		    .it_value = { armed / NSEC_SEC, armed % NSEC_SEC } }, NULL);
	}
	n = epoll_wait(epoll_fd, events, EVENTS, ready == NULL ? -1 : 0);
	for (int i = 0; i < n; i++) {
		/* The timer is edge-triggered: it need not be read. */
		if (events[i].data.ptr == NULL)
			armed = 0;
		else
			on_io(events[i].data.ptr);
	}
}

static void
loop(void)
{
	int64_t now;

	for (stop = false; !stop;) {
		run_some();
		if (stop || (ready == NULL && heap_n == 0 && !watching))
			break;
		poll_descriptors();
		now = heap_n > 0 ? now_nsec() : 0;
		while (heap_n > 0 && heap[0].due <= now) {
			struct task *t = heap[0].task;

			timer_remove(t);
			make_ready(t);
		}
	}
}

/* ---- w1, w2 ---- */

static void
sleeper_step(struct task *t)
{
	if (t->state++ == 0) {
		timer_add(t, now_nsec() + t->arg);
	} else {
		late_add(&m, t->due);
		task_free(t);
	}
}

static void
sleep_once(struct measure *b)
{
	bool three = b->workload[1] == '1';
	int64_t spawned;

	b->n = three ? 3 : measure_arg(b, "n", 10000);
	late_begin(b);
	b->before = snapshot();
	for (long i = 0; i < b->n; i++)
		make_ready(task_new(sleeper_step, three ? (i + 1) * (int64_t)NSEC_SEC :
		    measure_random(b, NSEC_SEC, 5 * (int64_t)NSEC_SEC)));
	spawned = now_nsec();
	loop();
	b->after = snapshot();
	measure_sleepers(b, spawned, live);
}

/* ---- w3 ---- */

static void
yielder_step(struct task *t)
{
	if (t->arg-- > 0)
		make_ready(t);
	else
		task_free(t);
}

static void
yield_only(struct measure *b)
{
	long yields = measure_arg(b, "yields", 2500000);

	b->n = measure_arg(b, "tasks", 2);
	b->before = snapshot();
	for (long i = 0; i < b->n; i++)
		make_ready(task_new(yielder_step, yields));
	loop();
	b->after = snapshot();
	measure_ops(b, (double)b->n * (double)yields);
}

/* ---- w4 ---- */

static int64_t end;
static long fires;

static void
churn_step(struct task *t)
{
	int64_t now = now_nsec();

	if (t->state++ > 0) {
		late_add(&m, t->due);
		fires++;
		t->state = 1;
	}
	stop = now >= end;
	timer_add(t, now + measure_random(&m, 10 * NSEC_MSEC, NSEC_SEC));
}

static void
sleep_again(struct measure *b)
{
	b->n = measure_arg(b, "n", 100000);
	late_begin(b);
	b->before = snapshot();
	end = b->before.nsec + measure_arg(b, "secs", 10) * (int64_t)NSEC_SEC;
	for (long i = 0; i < b->n; i++)
		make_ready(task_new(churn_step, 0));
	loop();
	b->after = snapshot();
	measure_fires(b, fires);
}

/* ---- w5 ---- */

static void
hour_step(struct task *t)
{
	timer_add(t, now_nsec() + NSEC_HOUR + measure_random(&m, 0, NSEC_SEC));
}

static void
probe_step(struct task *t)
{
	switch (t->state++) {
	case 0:
		timer_add(t, now_nsec() + measure_arg(&m, "settle", 1) * (int64_t)NSEC_SEC);
		break;
	case 1:
		m.before = snapshot();
		timer_add(t, now_nsec() + measure_arg(&m, "secs", 10) * (int64_t)NSEC_SEC);
		break;
	default:
		m.after = snapshot();
		stop = true;
		break;
	}
}

static void
sleep_long(struct measure *b)
{
	b->n = measure_arg(b, "n", 100000);
	for (long i = 0; i < b->n; i++)
		make_ready(task_new(hour_step, 0));
	make_ready(task_new(probe_step, 0));
	loop();
}

/* ---- w6: arg is what a client still waits for; a server's is -1 ---- */

static long clients;

static void
player_io(struct task *t)
{
	char message[MESSAGE];

	if (read(t->fd, message, MESSAGE) != MESSAGE)
		abort();
	if (t->arg > 0 && --t->arg == 0) {
		stop = --clients == 0;
		return;
	}
	if (write(t->fd, message, MESSAGE) != MESSAGE)
		abort();
}

static struct task *
player_new(int fd, int64_t arg)
{
	struct task *t = task_new(NULL, arg);
	struct epoll_event e = { .events = EPOLLIN | EPOLLET, .data.ptr = t };

	t->fd = fd;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e) != 0)
		abort();
	return t;
}

static void
there_and_back(struct measure *b)
{
	static const char message[MESSAGE];
	long rounds = measure_arg(b, "rounds", 1000);
	int *fds, pair[2];

	b->n = clients = measure_arg(b, "pairs", 1000);
	fds = calloc((size_t)b->n, sizeof(*fds));
	on_io = player_io;
	watching = true;
	for (long i = 0; fds != NULL && i < b->n; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0)
			abort();
		fds[i] = player_new(pair[0], rounds)->fd;
		player_new(pair[1], -1);
	}
	b->before = snapshot();
	for (long i = 0; fds != NULL && i < b->n; i++) {
		if (write(fds[i], message, MESSAGE) != MESSAGE)
			abort();
	}
	loop();
	b->after = snapshot();
	free(fds);
	measure_ops(b, (double)b->n * (double)rounds);
}

/* ---- w7 ---- */

static struct task scope = { .older = &scope, .younger = &scope };
static long cleaned, in_scope;

static void
victim_step(struct task *t)
{
	if (t->state++ == 0) {
		timer_add(t, now_nsec() + NSEC_HOUR + t->arg);
		return;
	}
	if (!t->cancelled)
		abort();
	cleaned++;
	t->older->younger = t->younger;
	t->younger->older = t->older;
	task_free(t);
	stop = --in_scope == 0;
}

static void
stopper_step(struct task *t)
{
	task_free(t);
	stop = true;
}

static void
scope_fill(struct measure *b)
{
	for (long i = 0; i < b->n; i++) {
		struct task *t = task_new(victim_step, measure_random(b, 0, NSEC_SEC));

		t->older = scope.older;
		t->younger = &scope;
		scope.older->younger = t;
		scope.older = t;
		in_scope++;
		make_ready(t);
	}
	/* It runs when all of them are asleep. */
	make_ready(task_new(stopper_step, 0));
	loop();
}

static double
scope_cancel(struct measure *b)
{
	int64_t start = now_nsec();

	for (struct task *t = scope.younger; t != &scope; t = t->younger) {
		t->cancelled = true;
		timer_remove(t);
		make_ready(t);
	}
	loop();
	return (double)(now_nsec() - start) / (double)b->n;
}

static void
cancel_scope(struct measure *b)
{
	long cycles = measure_arg(b, "cycles", 5), rss_first = 0;
	double sum = 0, best = 0, nsec;

	b->n = measure_arg(b, "n", 100000);
	b->before = snapshot();
	for (long i = 0; i < cycles; i++) {
		scope_fill(b);
		nsec = scope_cancel(b);
		sum += nsec;
		best = i == 0 || nsec < best ? nsec : best;
		if (i == 0)
			rss_first = proc_status("VmRSS");
	}
	b->after = snapshot();
	measure_cycles(b, sum, best, cycles, cleaned, rss_first, live + (long)heap_n + in_scope);
}

/* ---- */

static const struct workload workloads[] = {
	{ "w1", sleep_once },
	{ "w2", sleep_once },
	{ "w3", yield_only },
	{ "w4", sleep_again },
	{ "w5", sleep_long },
	{ "w6", there_and_back },
	{ "w7", cancel_scope },
	{ NULL, NULL },
};

int
main(int argc, char **argv)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };

	measure_init(&m, "epoll", argc, argv);
	slack = measure_arg(&m, "slack", 0) * 1000;
	epoll_fd = epoll_create1(0);
	timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	if (epoll_fd < 0 || timer_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &e) != 0) {
		perror("epoll");
		return 1;
	}
	return measure_run(&m, workloads);
}
