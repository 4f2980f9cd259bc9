/*
 * engine: what the task engine costs, on its public interface alone.  One workload a run:
 *
 *	engine WORKLOAD [key=value ...]
 *
 *	w1			three waits of 1, 2 and 3 s
 *	w2  n=10000		n tasks sleep 1 to 5 s; n=0 tells the bare size
 *	w3  tasks=2 yields=2500000	tasks that only yield
 *	w4  n=100000 secs=10	n tasks sleep 10 ms to 1 s again and again
 *	w5  n=100000 settle=1 secs=10	n tasks sleep an hour: what does waiting cost?
 *	w6  pairs=1000 rounds=1000	64 bytes there and back over socket pairs
 *	w7  n=100000 cycles=5	cancel n sleeping tasks of one scope, with cleanup, and join
 *
 * slack=USEC rounds armed times up to a grid.  Prints one JSON object on one line.  Lateness
 * is the time a task reads after waking minus the time it wanted, in microseconds.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "daemon/engine/loop.h"
#include "daemon/engine/task.h"
#include "daemon/engine/watch.h"
#include "proto/mem.h"

/* ---- measuring ---- */

/* Lateness is counted by the microsecond up to 0.1 s, then by the millisecond up to 200 s. */
#define LATE_USEC	100000
#define LATE_MSEC	200000

struct lateness {
	uint32_t	by_usec[LATE_USEC], by_msec[LATE_MSEC];
	uint64_t	n, early;
	int64_t		max, early_max;		/* nsec */
};

struct snapshot {
	int64_t	nsec;
	double	user, sys;
	long	nvcsw, nivcsw;
};

struct bench {
	struct loop	*loop;
	const char	*workload;
	int		 argc;
	char		**argv;
	uint64_t	 random;
	struct lateness	*late;
	struct snapshot	 before, after;
	char		 extra[512];	/* fields of this workload */
	long		 n;
};

static int64_t
now_nsec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static struct snapshot
snapshot(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (struct snapshot){
		.nsec = now_nsec(),
		.user = (double)r.ru_utime.tv_sec + (double)r.ru_utime.tv_usec / 1e6,
		.sys = (double)r.ru_stime.tv_sec + (double)r.ru_stime.tv_usec / 1e6,
		.nvcsw = r.ru_nvcsw,
		.nivcsw = r.ru_nivcsw,
	};
}

/* A number of /proc/self/status, or -1. */
static long
proc_status(const char *key)
{
	FILE *file = fopen("/proc/self/status", "r");
	size_t n = strlen(key);
	char line[256];
	long value = -1;

	if (file == NULL)
		return -1;
	while (value < 0 && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, key, n) == 0 && line[n] == ':')
			value = atol(line + n + 1);
	}
	fclose(file);
	return value;
}

/* Uniform in [low, high) microseconds. */
static usec_t
random_usec(struct bench *b, usec_t low, usec_t high)
{
	b->random ^= b->random << 13;
	b->random ^= b->random >> 7;
	b->random ^= b->random << 17;
	return low + (usec_t)(b->random % (uint64_t)(high - low));
}

static void
late_add(struct bench *b, usec_t due)
{
	struct lateness *l = b->late;
	int64_t nsec = now_nsec() - due * 1000;
	uint64_t usec;

	l->n++;
	if (nsec < 0) {
		l->early++;
		l->early_max = -nsec > l->early_max ? -nsec : l->early_max;
		nsec = 0;
	}
	l->max = nsec > l->max ? nsec : l->max;
	usec = (uint64_t)nsec / 1000;
	if (usec < LATE_USEC)
		l->by_usec[usec]++;
	else
		l->by_msec[usec / 1000 < LATE_MSEC ? usec / 1000 : LATE_MSEC - 1]++;
}

static double
late_share(const struct lateness *l, double share)
{
	uint64_t want = (uint64_t)(share * (double)l->n), seen = 0;

	for (unsigned i = 0; i < LATE_USEC; i++) {
		seen += l->by_usec[i];
		if (seen > want)
			return i;
	}
	for (unsigned i = 0; i < LATE_MSEC; i++) {
		seen += l->by_msec[i];
		if (seen > want)
			return i * 1000.0;
	}
	return (double)l->max / 1000;
}

static long
arg(const struct bench *b, const char *key, long otherwise)
{
	size_t n = strlen(key);

	for (int i = 2; i < b->argc; i++) {
		if (strncmp(b->argv[i], key, n) == 0 && b->argv[i][n] == '=')
			return atol(b->argv[i] + n + 1);
	}
	return otherwise;
}

static double
wall_nsec(const struct bench *b)
{
	return (double)(b->after.nsec - b->before.nsec);
}

static void
print_result(const struct bench *b)
{
	const struct lateness *l = b->late;

	printf("{\"peer\":\"jobd\",\"w\":\"%s\",\"n\":%ld,\"wall\":%.6f,\"user\":%.6f,\"sys\":%.6f,"
	    "\"nvcsw\":%ld,\"nivcsw\":%ld,\"threads\":%ld,\"hwm_kb\":%ld,\"rss_kb\":%ld",
	    b->workload, b->n, wall_nsec(b) / 1e9, b->after.user - b->before.user, b->after.sys - b->before.sys,
	    b->after.nvcsw - b->before.nvcsw, b->after.nivcsw - b->before.nivcsw,
	    proc_status("Threads"), proc_status("VmHWM"), proc_status("VmRSS"));
	if (l != NULL && l->n > 0)
		printf(",\"p50\":%.0f,\"p99\":%.0f,\"p999\":%.0f,\"max\":%.0f,\"early\":%" PRIu64
		    ",\"early_max\":%.1f,\"woke\":%" PRIu64, late_share(l, 0.5), late_share(l, 0.99),
		    late_share(l, 0.999), (double)l->max / 1e3, l->early, (double)l->early_max / 1e3, l->n);
	printf("%s}\n", b->extra);
}

/* ---- the parent of all, who waits for its children; they find the bench through it ---- */

struct crew {
	struct task	 task;
	struct bench	*bench;
};

static void
release_frame(struct task *t)
{
	/* The task is the first member of every frame here. */
	free(t);
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
	late_add(bench_of(t), f->due);
	TASK_END(t, 0);
}

static void
sleep_once(struct bench *b)
{
	static const struct task_kind kind = { .name = "sleeper", .step = sleeper_step, .release = release_frame };
	bool three = strcmp(b->workload, "w1") == 0;
	struct crew root = { .bench = b };
	double spawned;

	b->n = three ? 3 : arg(b, "n", 10000);
	b->late = xcalloc(1, sizeof(*b->late));
	memset(b->late, 0, sizeof(*b->late));	/* resident from now on, in w2's bare size, too */
	b->before = snapshot();
	task_start_root(&root.task, &join_kind, b->loop);
	for (long i = 0; i < b->n; i++) {
		struct sleeper *f = xmalloc(sizeof(*f));

		f->due = three ? (i + 1) * USEC_SEC : random_usec(b, USEC_SEC, 5 * USEC_SEC);
		task_start(&f->task, &kind, &root.task);
	}
	spawned = (double)(now_nsec() - b->before.nsec) / 1e9;
	loop_run(b->loop);
	b->after = snapshot();
	snprintf(b->extra, sizeof(b->extra), ",\"spawn_s\":%.6f,\"left\":%" PRIu64, spawned, b->loop->stats.tasks);
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
yield_only(struct bench *b)
{
	static const struct task_kind kind = { .name = "yielder", .step = yielder_step, .release = release_frame };
	long yields = arg(b, "yields", 2500000);
	struct crew root = { .bench = b };
	double ops;

	b->n = arg(b, "tasks", 2);
	ops = (double)b->n * (double)yields;
	b->before = snapshot();
	task_start_root(&root.task, &join_kind, b->loop);
	for (long i = 0; i < b->n; i++) {
		struct yielder *f = xmalloc(sizeof(*f));

		f->left = yields;
		task_start(&f->task, &kind, &root.task);
	}
	loop_run(b->loop);
	b->after = snapshot();
	snprintf(b->extra, sizeof(b->extra), ",\"ops\":%.0f,\"ns_op\":%.3f", ops, wall_nsec(b) / ops);
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
		f->due = loop_clock(t->loop) + random_usec(bench_of(t), 10 * USEC_MSEC, USEC_SEC);
		SLEEP_UNTIL(t, f->due);
		if (t->err == -ECANCELED)
			break;
		late_add(bench_of(t), f->due);
	}
	TASK_END(t, 0);
}

struct churners {
	struct crew	crew;
	usec_t		end;
};

/* Snapshots are taken at the end, before the tasks unwind. */
static enum task_status
churners_step(struct task *t)
{
	struct churners *f = container_of(t, struct churners, crew.task);
	struct bench *b = f->crew.bench;

	TASK_BEGIN(t);

	SLEEP_UNTIL(t, f->end);
	b->after = snapshot();
	b->n = (long)b->late->n;
	TASK_END(t, 0);
}

static void
sleep_again(struct bench *b)
{
	static const struct task_kind kind = { .name = "churn", .step = churn_step, .release = release_frame };
	static const struct task_kind root_kind = { .name = "churners", .step = churners_step };
	long n = arg(b, "n", 100000);
	struct churners root = { .crew.bench = b };

	b->late = xcalloc(1, sizeof(*b->late));
	b->before = snapshot();
	root.end = b->before.nsec / 1000 + arg(b, "secs", 10) * USEC_SEC;
	task_start_root(&root.crew.task, &root_kind, b->loop);
	for (long i = 0; i < n; i++) {
		struct churn *f = xmalloc(sizeof(*f));

		task_start(&f->task, &kind, &root.crew.task);
	}
	loop_run(b->loop);
	snprintf(b->extra, sizeof(b->extra), ",\"ops\":%ld", b->n);
	b->n = n;
}

/* ---- w5: sleep for long ---- */

static enum task_status
hour_step(struct task *t)
{
	TASK_BEGIN(t);

	SLEEP_UNTIL(t, loop_clock(t->loop) + USEC_HOUR + random_usec(bench_of(t), 0, USEC_SEC));
	TASK_END(t, 0);
}

static enum task_status
hours_step(struct task *t)
{
	struct crew *f = container_of(t, struct crew, task);

	TASK_BEGIN(t);

	SLEEP_UNTIL(t, loop_clock(t->loop) + arg(f->bench, "settle", 1) * USEC_SEC);
	f->bench->before = snapshot();
	SLEEP_UNTIL(t, loop_clock(t->loop) + arg(f->bench, "secs", 10) * USEC_SEC);
	f->bench->after = snapshot();
	TASK_END(t, 0);
}

static void
sleep_long(struct bench *b)
{
	static const struct task_kind kind = { .name = "hour", .step = hour_step, .release = release_frame };
	static const struct task_kind root_kind = { .name = "hours", .step = hours_step };
	struct crew root = { .bench = b };

	b->n = arg(b, "n", 100000);
	task_start_root(&root.task, &root_kind, b->loop);
	for (long i = 0; i < b->n; i++) {
		struct task *t = xmalloc(sizeof(*t));

		task_start(t, &kind, &root.task);
	}
	loop_run(b->loop);
}

/* ---- w6: bytes there and back ---- */

#define MESSAGE 64

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
there_and_back(struct bench *b)
{
	static const struct task_kind root_kind = { .name = "players", .step = players_step };
	static const struct task_kind client_kind = { .name = "client", .step = client_step };
	static const struct task_kind server_kind = { .name = "server", .step = server_step };
	long rounds = arg(b, "rounds", 1000);
	struct players root = { .clients.result = 0 };
	struct player *players;
	double ops;

	b->n = arg(b, "pairs", 1000);
	ops = (double)b->n * (double)rounds;
	players = xcalloc((size_t)b->n * 2, sizeof(*players));
	task_start_root(&root.task, &root_kind, b->loop);
	task_start(&root.clients, &join_kind, &root.task);
	for (long i = 0; i < b->n; i++) {
		int fds[2];

		MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
		players[2 * i].left = rounds;
		player_start(&players[2 * i], fds[0], &client_kind, &root.clients);
		player_start(&players[2 * i + 1], fds[1], &server_kind, &root.task);
	}
	b->before = snapshot();
	loop_run(b->loop);
	b->after = snapshot();
	for (long i = 0; i < 2 * b->n; i++) {
		watch_stop(&players[i].watch);
		close(players[i].fd);
	}
	free(players);
	snprintf(b->extra, sizeof(b->extra), ",\"ops\":%.0f,\"ns_op\":%.1f", ops, wall_nsec(b) / ops);
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

	SLEEP_UNTIL(t, loop_clock(t->loop) + USEC_HOUR + random_usec(f->scope->bench, 0, USEC_SEC));
	MUST(t->err == -ECANCELED);
	f->scope->cleaned++;
	TASK_END(t, 0);
}

static enum task_status
inner_step(struct task *t)
{
	static const struct task_kind kind = { .name = "victim", .step = victim_step, .release = release_frame };
	struct scope *f = container_of(t, struct scope, inner);

	TASK_BEGIN(t);

	for (long i = 0; i < f->bench->n; i++) {
		struct victim *v = xmalloc(sizeof(*v));

		v->scope = f;
		task_start(&v->task, &kind, t);
	}
	AWAIT(t, false);
	TASK_END(t, 0);
}

static void
scope_joined(struct scope *f)
{
	double nsec = (double)(now_nsec() - f->start) / (double)f->bench->n;

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
		MUST(t->loop->timers.n == (uint32_t)f->bench->n);
		f->start = now_nsec();
		task_cancel(&f->inner);
		AWAIT(t, task_done(&f->inner));
		scope_joined(f);
	}
	TASK_END(t, 0);
}

static void
cancel_scope(struct bench *b)
{
	static const struct task_kind kind = { .name = "scope", .step = scope_step };
	struct scope f = { .bench = b, .cycles = arg(b, "cycles", 5) };
	uint64_t left;

	b->n = arg(b, "n", 100000);
	b->before = snapshot();
	task_start_root(&f.task, &kind, b->loop);
	loop_run(b->loop);
	b->after = snapshot();
	left = b->loop->stats.tasks + b->loop->timers.n;
	snprintf(b->extra, sizeof(b->extra), ",\"ns_op\":%.1f,\"best_ns\":%.1f,\"cleaned\":%ld,\"want\":%ld,"
	    "\"live\":%" PRIu64 ",\"rss_first_kb\":%ld,\"leak\":%" PRIu64, f.sum / (double)f.cycles, f.best,
	    f.cleaned, b->n * f.cycles, b->loop->stats.tasks, f.rss_first, left);
}

/* ---- */

static const struct workload {
	const char	*name;
	void		(*run)(struct bench *b);
} workloads[] = {
	{ "w1", sleep_once },
	{ "w2", sleep_once },
	{ "w3", yield_only },
	{ "w4", sleep_again },
	{ "w5", sleep_long },
	{ "w6", there_and_back },
	{ "w7", cancel_scope },
};

int
main(int argc, char **argv)
{
	struct bench b = { .argc = argc, .argv = argv, .random = 0x9E3779B97F4A7C15u };
	const struct workload *w = NULL;

	for (unsigned i = 0; argc > 1 && i < sizeof(workloads) / sizeof(workloads[0]); i++) {
		if (strcmp(argv[1], workloads[i].name) == 0)
			w = &workloads[i];
	}
	if (w == NULL) {
		fprintf(stderr, "usage: engine w1|w2|w3|w4|w5|w6|w7 [slack=USEC] [KEY=VALUE...]\n");
		return 2;
	}
	b.workload = w->name;
	b.loop = loop_new(LOOP_REAL);
	if (b.loop == NULL) {
		perror("loop_new");
		return 1;
	}
	loop_set_slack(b.loop, arg(&b, "slack", 0));
	w->run(&b);
	print_result(&b);
	loop_free(b.loop);
	free(b.late);
	return 0;
}
