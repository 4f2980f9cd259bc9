/*
 * libuv: bare libuv in the engine's workloads, a handle a task.  Its unit is the millisecond and
 * its clock that of the loop's pass, so it may wake early.  A yield is an idle handle's turn.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <uv.h>

#include "tests/bench/peers/measure.h"

/* A slow start of many tasks makes them early, unless the clock is read so often. */
#define TICK 1024

struct task {
	uv_timer_t	timer;
	int64_t		due, arg;
};

/* One program, one loop, as one writes it by hand. */
static struct measure m;
static uv_loop_t *uv;
static long live;

static struct task *
task_new(void)
{
	struct task *t = malloc(sizeof(*t));

	if (t == NULL || uv_timer_init(uv, &t->timer) != 0)
		abort();
	t->arg = 0;
	live++;
	return t;
}

static void
task_free(uv_handle_t *handle)
{
	free(handle);
	live--;
}

static void
task_sleep(struct task *t, int64_t msec, uv_timer_cb step)
{
	t->due = now_nsec() + msec * NSEC_MSEC;
	uv_timer_start(&t->timer, step, (uint64_t)msec, 0);
}

/* ---- w1, w2 ---- */

static void
sleeper_step(uv_timer_t *timer)
{
	late_add(&m, ((struct task *)timer)->due);
	uv_close((uv_handle_t *)timer, task_free);
}

static void
sleep_once(struct measure *b)
{
	bool three = b->workload[1] == '1';
	int64_t spawned;

	b->n = three ? 3 : measure_arg(b, "n", 10000);
	late_begin(b);
	b->before = snapshot();
	for (long i = 0; i < b->n; i++) {
		if (i % TICK == 0)
			uv_update_time(uv);
		task_sleep(task_new(), three ? (i + 1) * 1000 : measure_random(b, 1000, 5001),
		    sleeper_step);
	}
	spawned = now_nsec();
	uv_run(uv, UV_RUN_DEFAULT);
	b->after = snapshot();
	measure_sleepers(b, spawned, live);
}

/* ---- w3 ---- */

static void
yielder_step(uv_idle_t *idle)
{
	intptr_t left = (intptr_t)idle->data;

	if (left == 0)
		uv_idle_stop(idle);
	else
		idle->data = (void *)(left - 1);
}

static void
yield_only(struct measure *b)
{
	long yields = measure_arg(b, "yields", 2500000);
	uv_idle_t *idle;

	b->n = measure_arg(b, "tasks", 2);
	idle = calloc((size_t)b->n, sizeof(*idle));
	b->before = snapshot();
	for (long i = 0; idle != NULL && i < b->n; i++) {
		uv_idle_init(uv, &idle[i]);
		idle[i].data = (void *)(intptr_t)yields;
		uv_idle_start(&idle[i], yielder_step);
	}
	uv_run(uv, UV_RUN_DEFAULT);
	b->after = snapshot();
	measure_ops(b, (double)b->n * (double)yields);
}

/* ---- w4 ---- */

static int64_t end;
static long fires;

static void
churn_step(uv_timer_t *timer)
{
	struct task *t = (struct task *)timer;

	late_add(&m, t->due);
	fires++;
	if (now_nsec() >= end)
		uv_stop(uv);
	task_sleep(t, measure_random(&m, 10, 1001), churn_step);
}

static void
sleep_again(struct measure *b)
{
	b->n = measure_arg(b, "n", 100000);
	late_begin(b);
	b->before = snapshot();
	end = b->before.nsec + measure_arg(b, "secs", 10) * (int64_t)NSEC_SEC;
	for (long i = 0; i < b->n; i++) {
		if (i % TICK == 0)
			uv_update_time(uv);
		task_sleep(task_new(), measure_random(b, 10, 1001), churn_step);
	}
	uv_run(uv, UV_RUN_DEFAULT);
	b->after = snapshot();
	measure_fires(b, fires);
}

/* ---- w5 ---- */

static void
nothing_step(uv_timer_t *timer)
{
	(void)timer;
}

static void
probe_step(uv_timer_t *timer)
{
	struct task *t = (struct task *)timer;

	if (t->arg++ == 0) {
		m.before = snapshot();
		task_sleep(t, measure_arg(&m, "secs", 10) * 1000, probe_step);
	} else {
		m.after = snapshot();
		uv_stop(uv);
	}
}

static void
sleep_long(struct measure *b)
{
	b->n = measure_arg(b, "n", 100000);
	for (long i = 0; i < b->n; i++)
		task_sleep(task_new(), 3600000 + measure_random(b, 0, 1000), nothing_step);
	task_sleep(task_new(), measure_arg(b, "settle", 1) * 1000, probe_step);
	uv_run(uv, UV_RUN_DEFAULT);
}

/* ---- w6 ---- */

struct player {
	uv_pipe_t	pipe;
	long		left;			/* a server's: -1 */
	char		message[2 * MESSAGE];	/* a full buffer would be read twice */
};

static long clients;

static void
player_buffer(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	struct player *p = (struct player *)handle;

	(void)size;
	*buf = uv_buf_init(p->message, sizeof(p->message));
}

static void
player_send(struct player *p)
{
	uv_buf_t buf = uv_buf_init(p->message, MESSAGE);

	if (uv_try_write((uv_stream_t *)&p->pipe, &buf, 1) != MESSAGE)
		abort();
}

static void
player_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct player *p = (struct player *)stream;

	(void)buf;
	if (n == 0)
		return;
	if (n != MESSAGE)
		abort();
	if (p->left > 0 && --p->left == 0) {
		if (--clients == 0)
			uv_stop(uv);
		return;
	}
	player_send(p);
}

static void
player_start(struct player *p, int fd, long left)
{
	p->left = left;
	if (uv_pipe_init(uv, &p->pipe, 0) != 0 || uv_pipe_open(&p->pipe, fd) != 0)
		abort();
	uv_read_start((uv_stream_t *)&p->pipe, player_buffer, player_read);
}

static void
there_and_back(struct measure *b)
{
	long rounds = measure_arg(b, "rounds", 1000);
	struct player *players;
	int pair[2];

	b->n = clients = measure_arg(b, "pairs", 1000);
	players = calloc((size_t)b->n * 2, sizeof(*players));
	for (long i = 0; players != NULL && i < b->n; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0)
			abort();
		player_start(&players[2 * i], pair[0], rounds);
		player_start(&players[2 * i + 1], pair[1], -1);
	}
	b->before = snapshot();
	for (long i = 0; players != NULL && i < b->n; i++)
		player_send(&players[2 * i]);
	uv_run(uv, UV_RUN_DEFAULT);
	b->after = snapshot();
	measure_ops(b, (double)b->n * (double)rounds);
}

/* ---- w7: a cancel is uv_close(), the cleanup its callback ---- */

static long cleaned;

static void
victim_clean(uv_handle_t *handle)
{
	cleaned++;
	task_free(handle);
}

static double
cancel_all(struct measure *b, struct task **tasks)
{
	int64_t start = now_nsec();

	for (long i = 0; i < b->n; i++)
		uv_close((uv_handle_t *)tasks[i], victim_clean);
	while (live > 0)
		uv_run(uv, UV_RUN_NOWAIT);
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
			tasks[k] = task_new();
			task_sleep(tasks[k], 3600000 + measure_random(b, 0, 1000), nothing_step);
		}
		uv_run(uv, UV_RUN_NOWAIT);
		nsec = cancel_all(b, tasks);
		sum += nsec;
		best = i == 0 || nsec < best ? nsec : best;
		if (i == 0)
			rss_first = proc_status("VmRSS");
	}
	b->after = snapshot();
	free(tasks);
	measure_cycles(b, sum, best, cycles, cleaned, rss_first, live + (uv_loop_close(uv) != 0));
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
	measure_init(&m, "libuv", argc, argv);
	uv = uv_default_loop();
	return measure_run(&m, workloads);
}
