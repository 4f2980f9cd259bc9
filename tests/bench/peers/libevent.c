/*
 * libevent: bare libevent in the engine's workloads: a struct event a task, its callback the step,
 * and the precise clock (the coarse one wakes up to 4 ms early).  A yield is event_active(), which
 * is drained before timers and descriptors are looked at again: fast, and unfair.
 */
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/peers/measure.h"

struct task {
	struct event	event;
	int64_t		due, arg;
	int		fd;
};

/* One program, one base, as one writes it by hand. */
static struct measure m;
static struct event_base *base;
static long live;

static struct task *
task_new(event_callback_fn step, int64_t arg)
{
	struct task *t = malloc(sizeof(*t));

	if (t == NULL || evtimer_assign(&t->event, base, step, t) != 0)
		abort();
	t->arg = arg;
	live++;
	return t;
}

static void
task_free(struct task *t)
{
	free(t);
	live--;
}

/* To whole microseconds, libevent's unit. */
static void
task_sleep(struct task *t, int64_t nsec)
{
	struct timeval tv = { nsec / NSEC_SEC, nsec % NSEC_SEC / 1000 };

	t->due = now_nsec() + nsec / 1000 * 1000;
	evtimer_add(&t->event, &tv);
}

/* ---- w1, w2 ---- */

static void
sleeper_step(evutil_socket_t fd, short what, void *arg)
{
	struct task *t = arg;

	(void)fd;
	(void)what;
	late_add(&m, t->due);
	task_free(t);
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
		task_sleep(task_new(sleeper_step, 0), three ? (i + 1) * (int64_t)NSEC_SEC :
		    measure_random(b, NSEC_SEC, 5 * (int64_t)NSEC_SEC));
	spawned = now_nsec();
	event_base_dispatch(base);
	b->after = snapshot();
	measure_sleepers(b, spawned, live);
}

/* ---- w3 ---- */

static void
yielder_step(evutil_socket_t fd, short what, void *arg)
{
	struct task *t = arg;

	(void)fd;
	(void)what;
	if (t->arg-- > 0)
		event_active(&t->event, EV_TIMEOUT, 0);
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
		event_active(&task_new(yielder_step, yields)->event, EV_TIMEOUT, 0);
	event_base_dispatch(base);
	b->after = snapshot();
	measure_ops(b, (double)b->n * (double)yields);
}

/* ---- w4 ---- */

static int64_t end;
static long fires;

static void
churn_step(evutil_socket_t fd, short what, void *arg)
{
	struct task *t = arg;

	(void)fd;
	(void)what;
	late_add(&m, t->due);
	fires++;
	if (now_nsec() >= end)
		event_base_loopbreak(base);
	task_sleep(t, measure_random(&m, 10 * NSEC_MSEC, NSEC_SEC));
}

static void
sleep_again(struct measure *b)
{
	b->n = measure_arg(b, "n", 100000);
	late_begin(b);
	b->before = snapshot();
	end = b->before.nsec + measure_arg(b, "secs", 10) * (int64_t)NSEC_SEC;
	for (long i = 0; i < b->n; i++)
		task_sleep(task_new(churn_step, 0), measure_random(b, 10 * NSEC_MSEC, NSEC_SEC));
	event_base_dispatch(base);
	b->after = snapshot();
	measure_fires(b, fires);
}

/* ---- w5 ---- */

static void
nothing_step(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

/* arg: 0 while it settles, then 1. */
static void
probe_step(evutil_socket_t fd, short what, void *arg)
{
	struct task *t = arg;

	(void)fd;
	(void)what;
	if (t->arg++ == 0) {
		m.before = snapshot();
		task_sleep(t, measure_arg(&m, "secs", 10) * (int64_t)NSEC_SEC);
	} else {
		m.after = snapshot();
		event_base_loopbreak(base);
	}
}

static void
sleep_long(struct measure *b)
{
	b->n = measure_arg(b, "n", 100000);
	for (long i = 0; i < b->n; i++)
		task_sleep(task_new(nothing_step, 0), NSEC_HOUR + measure_random(b, 0, NSEC_SEC));
	task_sleep(task_new(probe_step, 0), measure_arg(b, "settle", 1) * (int64_t)NSEC_SEC);
	event_base_dispatch(base);
}

/* ---- w6: arg is what a client still waits for; a server's is -1 ---- */

static long clients;

static void
player_io(evutil_socket_t fd, short what, void *arg)
{
	struct task *t = arg;
	char message[MESSAGE];

	(void)what;
	if (read(fd, message, MESSAGE) != MESSAGE)
		abort();
	if (t->arg > 0 && --t->arg == 0) {
		if (--clients == 0)
			event_base_loopbreak(base);
		return;
	}
	if (write(fd, message, MESSAGE) != MESSAGE)
		abort();
}

static void
player_new(int fd, int64_t arg)
{
	struct task *t = task_new(player_io, arg);

	if (event_assign(&t->event, base, fd, EV_READ | EV_PERSIST, player_io, t) != 0 ||
	    event_add(&t->event, NULL) != 0)
		abort();
}

static void
there_and_back(struct measure *b)
{
	static const char message[MESSAGE];
	long rounds = measure_arg(b, "rounds", 1000);
	int *fds, pair[2];

	b->n = clients = measure_arg(b, "pairs", 1000);
	fds = calloc((size_t)b->n, sizeof(*fds));
	for (long i = 0; fds != NULL && i < b->n; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0)
			abort();
		fds[i] = pair[0];
		player_new(pair[0], rounds);
		player_new(pair[1], -1);
	}
	b->before = snapshot();
	for (long i = 0; fds != NULL && i < b->n; i++) {
		if (write(fds[i], message, MESSAGE) != MESSAGE)
			abort();
	}
	event_base_dispatch(base);
	b->after = snapshot();
	free(fds);
	measure_ops(b, (double)b->n * (double)rounds);
}

/* ---- w7: a cancel is event_del(), and the cleanup runs from the loop ---- */

static long cleaned;

static void
victim_step(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	cleaned++;
	task_free(arg);
}

static double
cancel_all(struct measure *b, struct task **tasks)
{
	int64_t start = now_nsec();

	for (long i = 0; i < b->n; i++) {
		event_del(&tasks[i]->event);
		event_active(&tasks[i]->event, EV_TIMEOUT, 0);
	}
	while (live > 0)
		event_base_loop(base, EVLOOP_ONCE);
	return (double)(now_nsec() - start) / (double)b->n;
}

static void
cancel_scope(struct measure *b)
{
	long cycles = measure_arg(b, "cycles", 5), rss_first = 0;
	double sum = 0, best = 0, nsec;
	struct task **tasks;

	b->n = measure_arg(b, "n", 100000);
	tasks = calloc((size_t)b->n, sizeof(struct task *));
	b->before = snapshot();
	for (long i = 0; tasks != NULL && i < cycles; i++) {
		for (long k = 0; k < b->n; k++) {
			tasks[k] = task_new(victim_step, 0);
			task_sleep(tasks[k], NSEC_HOUR + measure_random(b, 0, NSEC_SEC));
		}
		event_base_loop(base, EVLOOP_NONBLOCK);
		nsec = cancel_all(b, tasks);
		sum += nsec;
		best = i == 0 || nsec < best ? nsec : best;
		if (i == 0)
			rss_first = proc_status("VmRSS");
	}
	b->after = snapshot();
	free(tasks);
	live += event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED | EVENT_BASE_COUNT_ACTIVE);
	measure_cycles(b, sum, best, cycles, cleaned, rss_first, live);
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
	struct event_config *config = event_config_new();

	measure_init(&m, "libevent", argc, argv);
	if (config == NULL || event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER) != 0)
		return 1;
	base = event_base_new_with_config(config);
	if (base == NULL)
		return 1;
	event_config_free(config);
	return measure_run(&m, workloads);
}
