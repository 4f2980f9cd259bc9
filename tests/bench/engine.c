/*
 * engine: what the task engine costs, on its public interface alone, in the workloads of
 * peers/measure.h.  slack=USEC rounds armed times up to a grid.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/engine/flight.h"
#include "daemon/engine/loop.h"
#include "daemon/engine/task.h"
#include "daemon/engine/watch.h"
#include "proto/mem.h"
#include "tests/bench/peers/measure.h"

/* Frames are of one size in a workload, and cut from blocks of so many: malloc is not what is measured. */
#define BLOCK 1024

/* A free frame, and what stands before a block's. */
struct frame {
	struct frame	*next;
};

struct bench {
	struct measure	 m;
	struct loop	*loop;
	struct frame	*frames;	/* free ones */
	struct frame	*blocks;
	long		 fires;		/* of w4, so far */
};

/* ---- the parent of all, who waits for its children; they find the bench through it ---- */

struct crew {
	struct task	 task;
	struct bench	*bench;
};

static void
block_new(struct bench *b, size_t size)
{
	struct frame *block = xmalloc(sizeof(*block) + BLOCK * size), *frame;

	block->next = b->blocks;
	b->blocks = block;
	for (size_t i = BLOCK; i-- > 0;) {
		frame = (struct frame *)(void *)((char *)(block + 1) + i * size);
		frame->next = b->frames;
		b->frames = frame;
	}
}

static void *
frame_new(struct bench *b, size_t size)
{
	struct frame *frame;

	if (b->frames == NULL)
		block_new(b, size);
	frame = b->frames;
	b->frames = frame->next;
	return frame;
}

static void
blocks_free(struct bench *b)
{
	struct frame *next;

	for (struct frame *block = b->blocks; block != NULL; block = next) {
		next = block->next;
		free(block);
	}
}

/* The task is the first member of every frame here. */
static void
frame_free(struct bench *b, struct task *t)
{
	struct frame *frame = (struct frame *)(void *)t;

	frame->next = b->frames;
	b->frames = frame;
}

static enum task_status
join_step(struct task *t)
{
	TASK_BEGIN(t);

	AWAIT(t, t->child == NULL);
	TASK_END(t, 0);
}

static const struct task_kind join_kind = { .name = "join", .step = join_step };

static struct bench *
bench_of(const struct task *t)
{
	return container_of(t->parent, struct crew, task)->bench;
}

static void
release_frame(struct task *t)
{
	frame_free(bench_of(t), t);
}

/* ---- w1, w2: sleep once ---- */

struct sleeper {
	struct task	task;
	usec_t		due;		/* first how long, then until when */
};

static enum task_status
sleeper_step(struct task *t)
{
	struct sleeper *f = container_of(t, struct sleeper, task);

	TASK_BEGIN(t);

	f->due += loop_clock(t->loop);
	SLEEP_UNTIL(t, f->due);
	late_add(&bench_of(t)->m, f->due * 1000);
	TASK_END(t, 0);
}

static void
sleep_once(struct measure *m)
{
	static const struct task_kind kind = { .name = "sleeper", .step = sleeper_step, .release = release_frame };
	struct bench *b = container_of(m, struct bench, m);
	bool three = strcmp(m->workload, "w1") == 0;
	struct crew root = { .bench = b };
	int64_t spawned;

	m->n = three ? 3 : measure_arg(m, "n", 10000);
	late_begin(m);
	m->before = snapshot();
	task_start_root(&root.task, &join_kind, b->loop);
	for (long i = 0; i < m->n; i++) {
		struct sleeper *f = frame_new(b, sizeof(*f));

		f->due = three ? (i + 1) * USEC_SEC : measure_random(m, USEC_SEC, 5 * USEC_SEC);
		task_start(&f->task, &kind, &root.task);
	}
	spawned = now_nsec();
	loop_run(b->loop);
	m->after = snapshot();
	measure_sleepers(m, spawned, (long)b->loop->stats.tasks);
}

/* ---- w3: only yield ---- */

struct yielder {
	struct task	task;
	long		left;
};

static enum task_status
yielder_step(struct task *t)
{
	struct yielder *f = container_of(t, struct yielder, task);

	TASK_BEGIN(t);

	while (f->left-- > 0)
		TASK_YIELD(t);
	TASK_END(t, 0);
}

static void
yield_only(struct measure *m)
{
	static const struct task_kind kind = { .name = "yielder", .step = yielder_step, .release = release_frame };
	struct bench *b = container_of(m, struct bench, m);
	long yields = measure_arg(m, "yields", 2500000);
	struct crew root = { .bench = b };
	double ops;

	m->n = measure_arg(m, "tasks", 2);
	ops = (double)m->n * (double)yields;
	m->before = snapshot();
	task_start_root(&root.task, &join_kind, b->loop);
	for (long i = 0; i < m->n; i++) {
		struct yielder *f = frame_new(b, sizeof(*f));

		f->left = yields;
		task_start(&f->task, &kind, &root.task);
	}
	loop_run(b->loop);
	m->after = snapshot();
	measure_ops(m, ops);
}

/* ---- w4: sleep again and again ---- */

struct churn {
	struct task	task;
	usec_t		due;
};

static enum task_status
churn_step(struct task *t)
{
	struct churn *f = container_of(t, struct churn, task);

	TASK_BEGIN(t);

	for (;;) {
		f->due = loop_clock(t->loop) + measure_random(&bench_of(t)->m, 10 * USEC_MSEC, USEC_SEC);
		SLEEP_UNTIL(t, f->due);
		if (t->err == -ECANCELED)
			break;
		late_add(&bench_of(t)->m, f->due * 1000);
		bench_of(t)->fires++;
	}
	TASK_END(t, 0);
}

struct churners {
	struct crew	crew;
	usec_t		end;
	long		fires;
};

/* Snapshots are taken at the end, before the tasks unwind. */
static enum task_status
churners_step(struct task *t)
{
	struct churners *f = container_of(t, struct churners, crew.task);
	struct bench *b = f->crew.bench;

	TASK_BEGIN(t);

	SLEEP_UNTIL(t, f->end);
	b->m.after = snapshot();
	f->fires = b->fires;
	TASK_END(t, 0);
}

static void
sleep_again(struct measure *m)
{
	static const struct task_kind kind = { .name = "churn", .step = churn_step, .release = release_frame };
	static const struct task_kind root_kind = { .name = "churners", .step = churners_step };
	struct bench *b = container_of(m, struct bench, m);
	struct churners root = { .crew.bench = b };

	m->n = measure_arg(m, "n", 100000);
	late_begin(m);
	m->before = snapshot();
	root.end = m->before.nsec / 1000 + measure_arg(m, "secs", 10) * USEC_SEC;
	task_start_root(&root.crew.task, &root_kind, b->loop);
	for (long i = 0; i < m->n; i++) {
		struct churn *f = frame_new(b, sizeof(*f));

		task_start(&f->task, &kind, &root.crew.task);
	}
	loop_run(b->loop);
	measure_fires(m, root.fires);
}

/* ---- w5: sleep for long ---- */

static enum task_status
hour_step(struct task *t)
{
	TASK_BEGIN(t);

	SLEEP_UNTIL(t, loop_clock(t->loop) + USEC_HOUR + measure_random(&bench_of(t)->m, 0, USEC_SEC));
	TASK_END(t, 0);
}

static enum task_status
hours_step(struct task *t)
{
	struct crew *f = container_of(t, struct crew, task);

	TASK_BEGIN(t);

	SLEEP_UNTIL(t, loop_clock(t->loop) + measure_arg(&f->bench->m, "settle", 1) * USEC_SEC);
	f->bench->m.before = snapshot();
	SLEEP_UNTIL(t, loop_clock(t->loop) + measure_arg(&f->bench->m, "secs", 10) * USEC_SEC);
	f->bench->m.after = snapshot();
	TASK_END(t, 0);
}

static void
sleep_long(struct measure *m)
{
	static const struct task_kind kind = { .name = "hour", .step = hour_step, .release = release_frame };
	static const struct task_kind root_kind = { .name = "hours", .step = hours_step };
	struct bench *b = container_of(m, struct bench, m);
	struct crew root = { .bench = b };

	m->n = measure_arg(m, "n", 100000);
	task_start_root(&root.task, &root_kind, b->loop);
	for (long i = 0; i < m->n; i++) {
		struct task *t = frame_new(b, sizeof(*t));

		task_start(t, &kind, &root.task);
	}
	loop_run(b->loop);
}

/* ---- w6: bytes there and back ---- */

struct player {
	struct task	task;
	struct watch	watch;
	int		fd;
	long		left;		/* messages still to be answered; the server: -1, no end */
	char		message[MESSAGE];
};

/* A message here is always whole: one write, one read. */
static void
player_read(struct player *f)
{
	MUST(read(f->fd, f->message, MESSAGE) == MESSAGE);
	/* One is under way at a time: the rest would be EAGAIN. */
	f->watch.readable = false;
}

static enum task_status
client_step(struct task *t)
{
	struct player *f = container_of(t, struct player, task);

	TASK_BEGIN(t);

	while (f->left-- > 0) {
		MUST(write(f->fd, f->message, MESSAGE) == MESSAGE);
		AWAIT(t, f->watch.readable);
		player_read(f);
	}
	TASK_END(t, 0);
}

static enum task_status
server_step(struct task *t)
{
	struct player *f = container_of(t, struct player, task);

	TASK_BEGIN(t);

	for (;;) {
		AWAIT(t, f->watch.readable);
		if (t->err != 0)
			break;
		player_read(f);
		MUST(write(f->fd, f->message, MESSAGE) == MESSAGE);
	}
	TASK_END(t, 0);
}

struct players {
	struct task	 task;		/* the servers' parent: its end cancels them */
	struct task	 clients;
};

static enum task_status
players_step(struct task *t)
{
	struct players *f = container_of(t, struct players, task);

	TASK_BEGIN(t);

	AWAIT(t, task_done(&f->clients));
	TASK_END(t, 0);
}

static void
player_start(struct player *f, int fd, const struct task_kind *kind, struct task *parent)
{
	f->fd = fd;
	task_start(&f->task, kind, parent);
	MUST(watch_start(&f->watch, parent->loop, fd, WATCH_READ, &f->task) == 0);
}

static void
there_and_back(struct measure *m)
{
	static const struct task_kind root_kind = { .name = "players", .step = players_step };
	static const struct task_kind client_kind = { .name = "client", .step = client_step };
	static const struct task_kind server_kind = { .name = "server", .step = server_step };
	struct bench *b = container_of(m, struct bench, m);
	long rounds = measure_arg(m, "rounds", 1000);
	struct players root = { .clients.result = 0 };
	struct player *players;
	double ops;

	m->n = measure_arg(m, "pairs", 1000);
	ops = (double)m->n * (double)rounds;
	players = xcalloc((size_t)m->n * 2, sizeof(*players));
	task_start_root(&root.task, &root_kind, b->loop);
	task_start(&root.clients, &join_kind, &root.task);
	for (long i = 0; i < m->n; i++) {
		int fds[2];

		MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
		players[2 * i].left = rounds;
		player_start(&players[2 * i], fds[0], &client_kind, &root.clients);
		player_start(&players[2 * i + 1], fds[1], &server_kind, &root.task);
	}
	m->before = snapshot();
	loop_run(b->loop);
	m->after = snapshot();
	for (long i = 0; i < 2 * m->n; i++) {
		watch_stop(&players[i].watch);
		close(players[i].fd);
	}
	free(players);
	measure_ops(m, ops);
}

/* ---- w7: cancel a scope ---- */

struct scope;

struct victim {
	struct task	 task;
	struct scope	*scope;
};

struct scope {
	struct task	 task;		/* root: one cycle after the other */
	struct task	 inner;		/* parent of the victims */
	struct bench	*bench;
	long		 cycle, cycles, cleaned;
	int64_t		 start;
	double		 best, sum;
	long		 rss_first;
};

static enum task_status
victim_step(struct task *t)
{
	struct victim *f = container_of(t, struct victim, task);

	TASK_BEGIN(t);

	SLEEP_UNTIL(t, loop_clock(t->loop) + USEC_HOUR + measure_random(&f->scope->bench->m, 0, USEC_SEC));
	MUST(t->err == -ECANCELED);
	f->scope->cleaned++;
	TASK_END(t, 0);
}

static void
victim_release(struct task *t)
{
	frame_free(container_of(t, struct victim, task)->scope->bench, t);
}

static enum task_status
inner_step(struct task *t)
{
	static const struct task_kind kind = { .name = "victim", .step = victim_step, .release = victim_release };
	struct scope *f = container_of(t, struct scope, inner);

	TASK_BEGIN(t);

	for (long i = 0; i < f->bench->m.n; i++) {
		struct victim *v = frame_new(f->bench, sizeof(*v));

		v->scope = f;
		task_start(&v->task, &kind, t);
	}
	AWAIT(t, false);
	TASK_END(t, 0);
}

static void
scope_joined(struct scope *f)
{
	double nsec = (double)(now_nsec() - f->start) / (double)f->bench->m.n;

	f->sum += nsec;
	f->best = f->cycle == 0 || nsec < f->best ? nsec : f->best;
	if (f->cycle == 0)
		f->rss_first = proc_status("VmRSS");
}

static enum task_status
scope_step(struct task *t)
{
	static const struct task_kind inner_kind = { .name = "inner", .step = inner_step };
	struct scope *f = container_of(t, struct scope, task);

	TASK_BEGIN(t);

	for (f->cycle = 0; f->cycle < f->cycles; f->cycle++) {
		task_start(&f->inner, &inner_kind, t);
		/* The first turn starts them, the second lets all of them fall asleep. */
		TASK_YIELD(t);
		TASK_YIELD(t);
		MUST(t->loop->timers.n == (uint32_t)f->bench->m.n);
		f->start = now_nsec();
		task_cancel(&f->inner);
		AWAIT(t, task_done(&f->inner));
		scope_joined(f);
	}
	TASK_END(t, 0);
}

static void
cancel_scope(struct measure *m)
{
	static const struct task_kind kind = { .name = "scope", .step = scope_step };
	struct bench *b = container_of(m, struct bench, m);
	struct scope f = { .bench = b, .cycles = measure_arg(m, "cycles", 5) };

	m->n = measure_arg(m, "n", 100000);
	m->before = snapshot();
	task_start_root(&f.task, &kind, b->loop);
	loop_run(b->loop);
	m->after = snapshot();
	measure_cycles(m, f.sum, f.best, f.cycles, f.cleaned, f.rss_first,
	    (long)(b->loop->stats.tasks + b->loop->timers.n));
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
	struct bench b = { .fires = 0 };
	int r;

	measure_init(&b.m, "jobd", argc, argv);
	b.loop = loop_new(LOOP_REAL);
#ifndef ENGINE_BLIND
	/* As jobd does: recording is a part of what is measured. */
	if (b.loop != NULL && flight_start(b.loop) == NULL)
		perror("flight_start");
#endif
	if (b.loop == NULL) {
		perror("loop_new");
		return 1;
	}
	loop_set_slack(b.loop, measure_arg(&b.m, "slack", 0));
	r = measure_run(&b.m, workloads);
	loop_free(b.loop);
	blocks_free(&b);
	return r;
}
