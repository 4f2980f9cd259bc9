/*
 * storehouse: see storehouse.h.
 */
#include "tests/harness/storehouse.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The root task: asks for all, waits for all. */
struct asker {
	struct task		  task;
	struct store		 *store;
	enum store_mode		  mode;
	struct store_op		**ops;
	size_t			  n;
	size_t			  next;		/* the first that may not be done */
};

static bool
all_done(struct asker *a)
{
	while (a->next < a->n && a->ops[a->next]->done)
		a->next++;
	return a->next == a->n;
}

static enum task_status
asker_step(struct task *t)
{
	struct asker *a = container_of(t, struct asker, task);

	TASK_BEGIN(t);

	if (a->mode == STORE_INLINE)
		store_start_task(a->store, t);
	for (size_t i = 0; i < a->n; i++)
		store_submit(a->store, a->ops[i], t);
	AWAIT_SHIELDED(t, USEC_NEVER, all_done(a));
	TASK_END(t, 0);
}

static const struct task_kind asker_kind = {
	.name = "asker",
	.step = asker_step,
};

void
storehouse_run(struct storehouse *h, struct store_op **ops, size_t n)
{
	struct asker a = { .store = h->store, .mode = h->mode, .ops = ops, .n = n };

	task_start_root(&a.task, &asker_kind, h->l);
	MUST(loop_run(h->l) == 0);
	h->l->root = NULL;	/* it lives on our stack */
}

int
storehouse_do(struct storehouse *h, struct store_op *op, enum op_kind kind)
{
	op->kind = kind;
	storehouse_run(h, &op, 1);
	return op->result;
}

int
storehouse_open(struct storehouse *h)
{
	const struct store_config config = { .directory = h->directory, .mode = h->mode,
	    .vfs = h->vfs };

	h->store = store_open(&config, h->l, h->error);
	return h->store == NULL ? -errno : 0;
}

void
storehouse_close(struct storehouse *h)
{
	store_close(h->store);
	h->store = NULL;
}

void
storehouse_init(struct storehouse *h, enum store_mode mode)
{
	const char *tmp = getenv("TMPDIR");

	memset(h, 0, sizeof(*h));
	h->mode = mode;
	snprintf(h->directory, sizeof(h->directory), "%.40s/jobd-store-XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	MUST(mkdtemp(h->directory) != NULL);
	h->l = loop_new(mode == STORE_INLINE ? LOOP_VIRTUAL : LOOP_REAL);
	MUST(h->l != NULL);
	MUST(storehouse_open(h) == 0);
}

const char *
storehouse_path(const struct storehouse *h, const char *file)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", h->directory, file);
	return path;
}

void
storehouse_done(struct storehouse *h)
{
	static const char *const files[] = { "jobd.db", "jobd.db-wal", "jobd.db-shm",
	    "jobd.db-journal", "jobd.lock" };

	storehouse_close(h);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlink(storehouse_path(h, files[i]));
	MUST(rmdir(h->directory) == 0);
	loop_free(h->l);
}

long long
storehouse_sql(const struct storehouse *h, const char *text)
{
	sqlite3_stmt *st;
	long long value = 0;
	sqlite3 *db;
	int rc;

	MUST(sqlite3_open(storehouse_path(h, "jobd.db"), &db) == SQLITE_OK);
	/* it is for tests */
	MUST(sqlite3_exec(db, "PRAGMA synchronous = OFF", NULL, NULL, NULL) == SQLITE_OK);
	do {
		rc = sqlite3_prepare_v2(db, text, -1, &st, &text);
		if (rc == SQLITE_OK && st != NULL)
			rc = sqlite3_step(st);
		if (rc == SQLITE_ROW)
			value = sqlite3_column_int64(st, 0);
		if (rc != SQLITE_OK && rc != SQLITE_ROW && rc != SQLITE_DONE)
			fprintf(stderr, "%s: %s\n", text, sqlite3_errmsg(db));
		MUST(rc == SQLITE_OK || rc == SQLITE_ROW || rc == SQLITE_DONE);
		sqlite3_finalize(st);
	} while (*text != '\0');
	sqlite3_close(db);
	return value;
}

void
storehouse_plan(const struct storehouse *h, const char *text, const char *index)
{
	char wanted[96];
	sqlite3_stmt *st;
	bool used = false, sorted = false;
	sqlite3 *db;

	(void)snprintf(wanted, sizeof(wanted), "INDEX %s ", index);
	MUST(sqlite3_open(storehouse_path(h, "jobd.db"), &db) == SQLITE_OK);
	MUST(sqlite3_prepare_v2(db, text, -1, &st, NULL) == SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		const char *line = (const char *)sqlite3_column_text(st, 3);

		used |= strstr(line, wanted) != NULL;
		sorted |= strstr(line, "TEMP B-TREE") != NULL;
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
	if (!used || sorted) {
		fprintf(stderr, "not by %s: %s\n", index, text);
		abort();
	}
}

/* Each gives the number of rows that contradict the others. */
static const char *const checks[] = {
	"SELECT count(*) FROM job WHERE queued <> (SELECT count(*) FROM run WHERE job = job.id AND"
	    " state = 0)",
	"SELECT count(*) FROM job WHERE running <> (SELECT count(*) FROM run WHERE job = job.id AND"
	    " state = 1)",
	"SELECT count(*) FROM job WHERE retrying <> (SELECT count(*) FROM run WHERE job = job.id AND"
	    " state = 2)",
	"SELECT count(*) FROM run WHERE (state = 2) <> (retry_at IS NOT NULL)",
	"SELECT count(*) FROM run JOIN job ON job.id = job WHERE run.state = 2 AND"
	    " (retry_at < 0) <> (paused <> 0)",
	"SELECT count(*) FROM attempt a WHERE NOT EXISTS (SELECT 1 FROM run r WHERE r.job = a.job"
	    " AND r.run = a.run AND r.attempt >= a.attempt) AND job NOT IN (SELECT job FROM trash)",
	"SELECT count(*) FROM job WHERE runs <> (SELECT coalesce(max(run), 0) FROM run WHERE job ="
	    " job.id)",
	/* Of what retention has given up nothing is left but the counts, and up to when it was due. */
	"SELECT count(*) FROM job WHERE runs <> (SELECT count(*) FROM run WHERE job = job.id)"
	    " AND pruned IS NULL",
	"SELECT count(*) FROM job WHERE runs < (SELECT count(*) FROM run WHERE job = job.id)",
	"SELECT count(*) FROM job WHERE skips <> (SELECT coalesce(sum(count), 0) FROM skip WHERE"
	    " job = job.id) AND pruned IS NULL",
	"SELECT count(*) FROM job WHERE output <> (SELECT coalesce(sum(output_bytes), 0) FROM run"
	    " WHERE job = job.id AND output_gone IS NULL)",
	"SELECT count(*) FROM counted WHERE output <> (SELECT coalesce(sum(output), 0) FROM job)",
	"SELECT count(*) FROM counted WHERE runs <> (SELECT count(*) FROM run WHERE id <= counted.run)",
	"SELECT count(*) FROM job WHERE state <> CASE WHEN running > 0 THEN 3 WHEN queued > 0 THEN"
	    " 2 WHEN retrying > 0 THEN 4 WHEN paused & 2 THEN 6"
	    " WHEN due IS NULL AND on_boot = 0 AND (parents = 0 OR never > 0) THEN 7 WHEN paused THEN 5"
	    " WHEN due IS NULL AND parents > 0 THEN 1 ELSE 0 END",
	"SELECT count(*) FROM job WHERE (state = 7) <> (finished_at IS NOT NULL)",
	"SELECT count(*) FROM run WHERE job NOT IN (SELECT id FROM job) AND job NOT IN (SELECT job"
	    " FROM trash)",
	"SELECT count(*) FROM run WHERE (state > 2) <> (ended IS NOT NULL)",
	"SELECT count(*) FROM owner WHERE jobs <> (SELECT count(*) FROM job WHERE uid = owner.uid"
	" AND id <= (SELECT job FROM counted))",
	/* jobs that wait for others: the counts in their rows, and in their parents' */
	"SELECT count(*) FROM job WHERE parents <> (SELECT count(*) FROM dependency WHERE child = id)",
	"SELECT count(*) FROM job WHERE unmet <> (SELECT count(*) FROM dependency WHERE child = id"
	" AND state <> 1)",
	"SELECT count(*) FROM job WHERE never <> (SELECT count(*) FROM dependency WHERE child = id"
	" AND state = 2)",
	"SELECT count(*) FROM job WHERE children <> (SELECT count(*) FROM dependency WHERE parent = id)",
	"SELECT count(*) FROM dependency WHERE child NOT IN (SELECT id FROM job)",
};

void
storehouse_check(const struct storehouse *h)
{
	MUST(storehouse_sql(h, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check"
	    " <> 'ok'") == 0);
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (storehouse_sql(h, checks[i]) != 0) {
			fprintf(stderr, "contradicted: %s\n", checks[i]);
			abort();
		}
	}
}

int64_t
storehouse_add(struct storehouse *h, const char *name, int64_t due, usec_t every)
{
	char text[NAME_BYTES_MAX + 1];
	struct timer_spec timer = { .duration = USEC_SEC };
	struct job_spec spec = { .name = NULL, .every = every, .timer = &timer };
	struct job_new job = { .spec = &spec, .spec_json = "{\"timer\":{\"durationUSec\":1000000}}",
		.summary = "1s", .due = { due } };
	struct op_add add = { .jobs = &job, .n = 1, .uid = 1000, .now = { 1 } };

	if (name != NULL) {
		snprintf(text, sizeof(text), "%s", name);
		spec.name = text;
	}
	MUST(storehouse_do(h, &add.op, OP_ADD) == 0);
	return job.id;
}
