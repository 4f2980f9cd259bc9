/*
 * keep: what retention costs, on a store of many runs: how long its slices take, and how long adds and
 * claims wait beside it; each is asked one after another, without the keeper, with it, and beside a
 * round that does not rest (gc).
 *
 *	keep [dir=/tmp] [runs=1000000] [gone=100000]
 *
 * Prints one JSON object a line.  "with" ends when the round does.
 */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/histogram.h"
#include "daemon/engine/loop.h"
#include "daemon/scheduler/keeper.h"
#include "proto/mem.h"

#define JOBS		1000
#define ALONE_USEC	(5 * USEC_SEC)

/* One client: an add, then the claim of it, again and again. */
struct client {
	struct task		 task;
	struct job_spec		 spec;
	struct timer_spec	 timer;
	struct job_new		 job;
	struct op_add		 add;
	struct op_claim		 claim;
	struct op_finish	 finish;
	struct run_info		 info;
	usec_t			 asked;
};

struct bench {
	struct task		 task;
	struct store		*store;
	struct loop		*loop;
	struct keep_policy	 policy;
	struct keep_round	 round;
	struct client		 client;
	struct histogram	 adds, claims;
	usec_t			 began;
	bool			 over;
	int64_t			 gone;		/* of each job, in all */
	int			 phase;
};

static struct bench *
bench_of(struct client *c)
{
	return container_of(c, struct bench, client);
}

static void
must_sql(sqlite3 *db, const char *text)
{
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK) {
		fprintf(stderr, "%s: %s\n", text, sqlite3_errmsg(db));
		exit(1);
	}
}

/* Runs of JOBS jobs in turns, as they would have come; much faster than by claims. */
static void
fill(const char *directory, int64_t runs)
{
	char *path = xasprintf("%s/jobd.db", directory), *text;
	sqlite3 *db;

	if (sqlite3_open(path, &db) != SQLITE_OK)
		exit(1);
	must_sql(db, "PRAGMA synchronous = OFF");
	text = xasprintf("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE"
	    " i + 1 < %d) INSERT INTO job (id, uid, kind, state, paused, due, every_usec, overlap,"
	    " misfire, generation, created, runs, skips, queued, running, name, spec, output)"
	    " SELECT i + 1, 1000, 0, 0, 0, 4000000000000000, 1000000, 0, 0, 1, 1, %lld, 0, 0, 0,"
	    " 'job-' || i, '{\"command\":{\"argv\":[\"/usr/bin/true\"]}}', %lld FROM n", JOBS,
	    (long long)(runs / JOBS), (long long)(runs / JOBS) * 1000);
	must_sql(db, text);
	free(text);
	text = xasprintf("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE"
	    " i + 1 < %lld) INSERT INTO run (job, run, state, attempt, manual, due, noticed,"
	    " started, node, spawned, first_output, exited, ended, exit_code, pid, cpu, memory_peak,"
	    " output_bytes) SELECT i %% %d + 1, i / %d + 1, CASE WHEN i %% 100 = 99 THEN 4 ELSE 3"
	    " END, 1, 0, 1000000 + i, 1000000 + i, 1000000 + i, 1, 1000000 + i, 1000000 + i,"
	    " 1000000 + i, 1000000 + i, 0, 4711, 1000, 1000000, 1000 FROM n", (long long)runs, JOBS,
	    JOBS);
	must_sql(db, text);
	free(text);
	must_sql(db, "UPDATE counted SET job = (SELECT max(id) FROM job), run = (SELECT max(id) FROM"
	    " run), runs = (SELECT count(*) FROM run), output = (SELECT sum(output) FROM job);"
	    "INSERT INTO owner VALUES (1000, (SELECT count(*) FROM job))");
	sqlite3_close(db);
	free(path);
}

static enum task_status
client_step(struct task *t)
{
	struct client *c = container_of(t, struct client, task);
	struct bench *b = bench_of(c);

	TASK_BEGIN(t);

	c->timer.duration = USEC_SEC;
	c->spec.timer = &c->timer;
	c->job = (struct job_new){ .spec = &c->spec, .summary = "1s", .due = { 1 },
	    .spec_json = "{\"timer\":{\"durationUSec\":1000000}}" };
	while (!b->over) {
		c->add = (struct op_add){ .op.kind = OP_ADD, .jobs = &c->job, .n = 1, .uid = 1,
		    .now = { 1 } };
		c->asked = loop_clock(b->loop);
		store_submit(b->store, &c->add.op, t);
		AWAIT_SHIELDED(t, USEC_NEVER, c->add.op.done);
		histogram_add(&b->adds, (uint64_t)(loop_clock(b->loop) - c->asked));
		c->claim = (struct op_claim){ .op.kind = OP_CLAIM, .job = c->job.id, .due = { 1 },
		    .noticed = { 1 }, .started = { 1 }, .node = 1 };
		c->asked = loop_clock(b->loop);
		store_submit(b->store, &c->claim.op, t);
		AWAIT_SHIELDED(t, USEC_NEVER, c->claim.op.done);
		histogram_add(&b->claims, (uint64_t)(loop_clock(b->loop) - c->asked));
		MUST(c->add.op.result == 0 && c->claim.op.result == 0);
		op_claim_done(&c->claim);
		c->info = (struct run_info){ .job = c->job.id, .run = 1, .state = RUN_SUCCEEDED,
		    .attempt = 1, .exit_code = -1, .ended = loop_wall(b->loop) };
		c->finish = (struct op_finish){ .op.kind = OP_FINISH, .run = &c->info,
		    .from = RUN_RUNNING };
		store_submit(b->store, &c->finish.op, t);
		AWAIT_SHIELDED(t, USEC_NEVER, c->finish.op.done);
	}
	TASK_END(t, 0);
}

static const struct task_kind client_kind = { .name = "client", .step = client_step };

static double
share(const struct histogram *h, double of)
{
	return (double)histogram_share(h, of) / 1000;
}

static void
print(struct bench *b, const char *what)
{
	double took = (double)(loop_clock(b->loop) - b->began) / 1e6;

	printf("{\"keep\":\"%s\",\"seconds\":%.2f,\"runs_gone\":%" PRId64 ",\"gone_per_second\":%.0f,"
	    "\"slices\":%" PRIu64 ",\"slice_p50_ms\":%.2f,\"slice_p99_ms\":%.2f,\"slice_max_ms\":%.2f,"
	    "\"adds\":%" PRIu64 ",\"add_p50_ms\":%.2f,\"add_p99_ms\":%.2f,\"add_max_ms\":%.2f,"
	    "\"claim_p50_ms\":%.2f,\"claim_p99_ms\":%.2f,\"claim_max_ms\":%.2f}\n", what, took,
	    b->round.tally.runs, (double)b->round.tally.runs / took, b->round.slices.count,
	    share(&b->round.slices, 0.5), share(&b->round.slices, 0.99),
	    (double)b->round.slices.max / 1000, b->adds.count, share(&b->adds, 0.5),
	    share(&b->adds, 0.99), (double)b->adds.max / 1000, share(&b->claims, 0.5),
	    share(&b->claims, 0.99), (double)b->claims.max / 1000);
	fflush(stdout);
}

static void
begin(struct bench *b, bool client, bool keeper, bool gentle)
{
	b->adds = b->claims = (struct histogram){ .count = 0 };
	b->began = loop_clock(b->loop);
	b->over = false;
	b->client = (struct client){ .asked = 0 };
	b->round = (struct keep_round){ .store = b->store, .policy = b->policy, .gentle = gentle };
	if (client)
		task_start(&b->client.task, &client_kind, &b->task);
	if (keeper)
		keep_round_start(&b->round, &b->task);
}

static enum task_status
bench_step(struct task *t)
{
	static const char *const words[] = { "without", "with", "gc", "gc alone" };
	static const int shares[] = { 0, 1, 1, 2 };
	struct bench *b = container_of(t, struct bench, task);

	TASK_BEGIN(t);

	for (b->phase = 0; b->phase < 4; b->phase++) {
		b->policy.runs -= b->gone * shares[b->phase] / 4;
		begin(b, b->phase < 3, b->phase > 0, b->phase == 1);
		if (b->phase > 0)
			AWAIT(t, task_done(&b->round.task));
		else
			SLEEP_UNTIL(t, loop_now(t->loop) + ALONE_USEC);
		print(b, words[b->phase]);
		b->over = true;
		if (b->phase < 3)
			AWAIT(t, task_done(&b->client.task));
	}
	TASK_END(t, 0);
}

static const struct task_kind bench_kind = { .name = "bench", .step = bench_step };

static void
remove_all(const char *directory)
{
	static const char *const files[] = { "jobd.db", "jobd.db-wal", "jobd.lock" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *path = xasprintf("%s/%s", directory, files[i]);

		unlink(path);
		free(path);
	}
	rmdir(directory);
}

int
main(int argc, char *argv[])
{
	int64_t runs = argc > 2 ? atoll(argv[2]) : 1000000, gone = argc > 3 ? atoll(argv[3]) : 100000;
	char *directory = xasprintf("%s/jobd-keep-XXXXXX", argc > 1 ? argv[1] : "/tmp");
	struct store_config config = { .mode = STORE_THREAD };
	char error[STORE_ERROR_MAX];
	static struct bench b;

	if (mkdtemp(directory) == NULL)
		return 1;
	config.directory = directory;
	b.loop = loop_new(LOOP_REAL);
	/* To make the tables. */
	store_close(store_open(&config, b.loop, error));
	fill(directory, runs);
	b.store = store_open(&config, b.loop, error);
	if (b.store == NULL) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	/* In four shares, of which the last phase has two: what goes of each job. */
	b.policy.runs = runs / JOBS;
	b.gone = gone / JOBS;
	task_start_root(&b.task, &bench_kind, b.loop);
	(void)loop_run(b.loop);
	store_close(b.store);
	loop_free(b.loop);
	remove_all(directory);
	free(directory);
	return 0;
}
