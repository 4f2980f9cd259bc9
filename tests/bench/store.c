/*
 * store: what durable state costs, beside the same row written by bare SQLite (WAL,
 * synchronous=FULL, one row a transaction) in turns, for the disk drifts within minutes.
 *
 *	store [dir=/tmp] [n=2000] [rounds=5]
 *
 * Prints one JSON object a line: rows per second of each round's best kinds, at the end the
 * medians and their ratios.  add1: one client, one durable add at a time; add32: 32 of
 * them; array: adds of 1000 jobs; life: claim and finish of due jobs, 32 at a time.
 */
#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/engine/loop.h"
#include "daemon/store/ops.h"
#include "proto/mem.h"

#define SPEC "{\"name\":\"x\",\"command\":{\"argv\":[\"/usr/bin/true\",\"--some\",\"argument\"]," \
	"\"environment\":[\"LANG=C.UTF-8\"]},\"timeoutUSec\":60000000,\"labels\":[\"env=bench\"]}"
#define CLIENTS_MAX 32
#define ROUNDS_MAX 50

enum kind { BARE, ADD1, ADD32, ARRAY, LIFE, KIND_N };

static const char *const kind_words[] = { "bare", "add1", "add32", "array", "life" };

struct client {
	struct task		 task;
	struct bench		*bench;
	struct job_spec		 spec;
	struct timer_spec	 timer;
	struct job_new		*jobs;
	struct op_add		 add;
	struct op_claim		 claim;
	struct op_finish	 finish;
	struct run_info		 info;
};

struct bench {
	struct task	 task;
	const char	*directory;
	int64_t		 n;
	struct loop	*l;
	struct store	*store;
	enum kind	 kind;
	int64_t		 left;			/* ops to begin in this round */
	int64_t		 next_job;		/* to be claimed */
	size_t		 clients_n;
	struct client	 clients[CLIENTS_MAX];
	double		 rates[KIND_N][ROUNDS_MAX];
};

static double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
must_sql(sqlite3 *db, const char *text)
{
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK) {
		fprintf(stderr, "%s: %s\n", text, sqlite3_errmsg(db));
		exit(1);
	}
}

/* The same row, as somebody would write it who wants nothing but that. */
static void
bare(struct bench *b)
{
	static sqlite3 *db;
	sqlite3_stmt *st;

	if (db == NULL) {
		char *path = xasprintf("%s/bare.db", b->directory);

		MUST(sqlite3_open(path, &db) == SQLITE_OK);
		free(path);
		must_sql(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		    "CREATE TABLE IF NOT EXISTS job (id INTEGER PRIMARY KEY, uid INTEGER, kind"
		    " INTEGER,"
		    " state INTEGER, due INTEGER, created INTEGER, summary TEXT, spec TEXT)");
	}
	MUST(sqlite3_prepare_v2(db, "INSERT INTO job (uid, kind, state, due, created, summary,"
	    " spec)"
	    " VALUES (1000, 2, 0, ?1, 1, 'true', ?2)", -1, &st, NULL) == SQLITE_OK);
	for (int64_t i = 0; i < b->n; i++) {
		sqlite3_bind_int64(st, 1, 1000000 + i);
		sqlite3_bind_text(st, 2, SPEC, -1, SQLITE_STATIC);
		MUST(sqlite3_step(st) == SQLITE_DONE);
		sqlite3_reset(st);
	}
	sqlite3_finalize(st);
}

static enum task_status
adder_step(struct task *t)
{
	struct client *f = container_of(t, struct client, task);
	struct bench *b = f->bench;

	TASK_BEGIN(t);

	while (b->left > 0) {
		b->left -= (int64_t)f->add.n;
		f->add.op.kind = OP_ADD;
		store_submit(b->store, &f->add.op, t);
		AWAIT_SHIELDED(t, USEC_NEVER, f->add.op.done);
		MUST(f->add.op.result == 0);
	}
	TASK_END(t, 0);
}

static enum task_status
runner_step(struct task *t)
{
	struct client *f = container_of(t, struct client, task);
	struct bench *b = f->bench;

	TASK_BEGIN(t);

	while (b->left > 0) {
		b->left--;
		f->claim = (struct op_claim){ .op.kind = OP_CLAIM, .job = b->next_job++,
		    .due = { 1000000 },
			.noticed = { 1 }, .started = { 2 }, .node = 1 };
		store_submit(b->store, &f->claim.op, t);
		AWAIT_SHIELDED(t, USEC_NEVER, f->claim.op.done);
		MUST(f->claim.op.result == 0);
		f->info = (struct run_info){ .job = f->claim.job, .run = f->claim.run,
		    .state = RUN_SUCCEEDED,
			.attempt = 1, .ended = { 3000000 }, .exited = { 2 }, .spawned = { 2 },
			    .pid = 77 };
		op_claim_done(&f->claim);
		f->finish = (struct op_finish){ .op.kind = OP_FINISH, .run = &f->info,
		    .from = RUN_RUNNING };
		store_submit(b->store, &f->finish.op, t);
		AWAIT_SHIELDED(t, USEC_NEVER, f->finish.op.done);
		MUST(f->finish.op.result == 0);
	}
	TASK_END(t, 0);
}

static const struct task_kind adder_kind = { .name = "adder", .step = adder_step };
static const struct task_kind runner_kind = { .name = "runner", .step = runner_step };

static bool
clients_done(struct bench *b)
{
	for (size_t i = 0; i < b->clients_n; i++) {
		if (!task_done(&b->clients[i].task))
			return false;
	}
	return true;
}

static enum task_status
bench_step(struct task *t)
{
	struct bench *b = container_of(t, struct bench, task);

	TASK_BEGIN(t);

	for (size_t i = 0; i < b->clients_n; i++)
		task_start(&b->clients[i].task, b->kind == LIFE ? &runner_kind : &adder_kind, t);
	AWAIT(t, clients_done(b));
	TASK_END(t, 0);
}

static const struct task_kind bench_kind = { .name = "bench", .step = bench_step };

static void
client_init(struct client *f, struct bench *b, size_t jobs_n)
{
	f->bench = b;
	f->timer.duration = USEC_SEC;
	f->spec = (struct job_spec){ .timer = &f->timer };
	free(f->jobs);
	f->jobs = xcalloc(jobs_n, sizeof(*f->jobs));
	for (size_t i = 0; i < jobs_n; i++)
		f->jobs[i] = (struct job_new){ .spec = &f->spec, .spec_json = SPEC,
		    .summary = "true", .due = { 1000000 } };
	f->add = (struct op_add){ .jobs = f->jobs, .n = jobs_n, .uid = 1000, .now = { 1 } };
}

static double
measure(struct bench *b, enum kind kind)
{
	int64_t n = kind == ARRAY ? b->n * 20 : kind == ADD32 || kind == LIFE ? b->n * 4 : b->n;
	double began;

	b->kind = kind;
	b->left = n;
	b->clients_n = kind == ADD1 || kind == ARRAY ? 1 : CLIENTS_MAX;
	for (size_t i = 0; i < b->clients_n; i++)
		client_init(&b->clients[i], b, kind == ARRAY ? ADD_JOBS_MAX : 1);
	began = seconds();
	if (kind == BARE) {
		bare(b);
	} else {
		task_start_root(&b->task, &bench_kind, b->l);
		MUST(loop_run(b->l) == 0);
	}
	return (double)n / (seconds() - began);
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *values, int n)
{
	qsort(values, (size_t)n, sizeof(*values), by_value);
	return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

int
main(int argc, char **argv)
{
	static struct bench b = { .n = 2000, .next_job = 1 };
	const char *parent = "/tmp";
	char error[STORE_ERROR_MAX];
	struct store_config config = { 0 };
	struct store_stats stats;
	int rounds = 5;

	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "dir=", 4) == 0)
			parent = argv[i] + 4;
		else if (strncmp(argv[i], "n=", 2) == 0)
			b.n = atoll(argv[i] + 2);
		else if (strncmp(argv[i], "rounds=", 7) == 0)
			rounds = atoi(argv[i] + 7);
		else
			return 2;
	}
	if (b.n < 1 || rounds < 1 || rounds > ROUNDS_MAX)
		return 2;
	b.directory = xasprintf("%s/jobd-bench-XXXXXX", parent);
	MUST(mkdtemp((char *)(uintptr_t)b.directory) != NULL);
	b.l = loop_new(LOOP_REAL);
	config.directory = b.directory;
	b.store = store_open(&config, b.l, error);
	if (b.store == NULL) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	for (int r = -1; r < rounds; r++) {	/* the first warms up */
		for (enum kind k = 0; k < KIND_N; k++) {
			double rate = measure(&b, k);

			if (r < 0)
				continue;
			b.rates[k][r] = rate;
			printf("{\"round\":%d,\"kind\":\"%s\",\"per_second\":%.0f}\n", r,
			    kind_words[k], rate);
		}
	}
	store_stats(b.store, &stats);
	printf("{\"median\":{");
	for (enum kind k = 0; k < KIND_N; k++)
		printf("%s\"%s\":%.0f", k == 0 ? "" : ",", kind_words[k], median(b.rates[k],
		    rounds));
	printf("},\"add1_to_bare\":%.2f,\"add32_to_bare\":%.2f",
	    median(b.rates[ADD1], rounds) / median(b.rates[BARE], rounds),
	    median(b.rates[ADD32], rounds) / median(b.rates[BARE], rounds));
	printf(",\"commits\":%" PRIu64 ",\"commit_p50_usec\":%" PRIu64
	    ",\"commit_p99_usec\":%" PRIu64 ",\"commit_max_usec\":%" PRIu64 "}\n",
	    stats.commits, histogram_share(&stats.commit, 0.5),
	    histogram_share(&stats.commit, 0.99), stats.commit.max);
	store_close(b.store);
	loop_free(b.l);
	return 0;
}
