/*
 * migrate: see migrate.h.  A step that was ever released is never changed: a new one follows.
 * What the tables mean is told here, beside them.
 */
#include "daemon/store/migrate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/store/sqlite.h"

/*
 * Step 1.  Instants are microseconds since 1970, states and kinds the numbers of proto/types.h,
 * which never change.  Absent is NULL.  Indexes are partial wherever most rows have no
 * part in them: a plain add touches two pages, the job's and its due's.
 */
static const char step_1[] =
/* finished_at is set while state is finished, queued and running count the job's active runs. */
"CREATE TABLE job ("
" id INTEGER PRIMARY KEY, uid INTEGER NOT NULL, kind INTEGER NOT NULL, state INTEGER NOT NULL,"
" paused INTEGER NOT NULL, due INTEGER, every_usec INTEGER NOT NULL, overlap INTEGER NOT NULL,"
" misfire INTEGER NOT NULL, generation INTEGER NOT NULL, created INTEGER NOT NULL,"
" runs INTEGER NOT NULL, skips INTEGER NOT NULL, queued INTEGER NOT NULL, running INTEGER NOT NULL,"
" finished_at INTEGER, name TEXT, key TEXT, labels TEXT, description TEXT, summary TEXT,"
" spec TEXT NOT NULL);"
"CREATE UNIQUE INDEX job_name ON job(name) WHERE name IS NOT NULL;"
"CREATE UNIQUE INDEX job_key ON job(uid, key) WHERE key IS NOT NULL;"
"CREATE INDEX job_due ON job(due) WHERE due IS NOT NULL AND paused = 0;"
"CREATE INDEX job_finished ON job(finished_at) WHERE finished_at IS NOT NULL;"
/* One row an execution; run is its number within the job.  An occurrence has at most one. */
"CREATE TABLE run ("
" id INTEGER PRIMARY KEY, job INTEGER NOT NULL, run INTEGER NOT NULL, state INTEGER NOT NULL,"
" attempt INTEGER NOT NULL, manual INTEGER NOT NULL, due INTEGER NOT NULL, noticed INTEGER,"
" started INTEGER, node INTEGER, lease INTEGER, spawned INTEGER, first_output INTEGER,"
" exited INTEGER, ended INTEGER, exit_code INTEGER, signal INTEGER, oom INTEGER, pid INTEGER,"
" http_status INTEGER, verdict INTEGER, reason TEXT, canceled_by TEXT, cpu INTEGER,"
" memory_peak INTEGER, output_bytes INTEGER, phases TEXT);"
"CREATE UNIQUE INDEX run_number ON run(job, run);"
"CREATE UNIQUE INDEX run_occurrence ON run(job, due) WHERE manual = 0;"
"CREATE INDEX run_active ON run(state) WHERE state <= 2;"
/* Occurrences that made no run: count of them, from first to last. */
"CREATE TABLE skip ("
" job INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, count INTEGER NOT NULL,"
" cause INTEGER NOT NULL, PRIMARY KEY (job, first)) WITHOUT ROWID;"
/* Removed jobs whose runs and skips are still to be deleted, in slices. */
"CREATE TABLE trash (job INTEGER PRIMARY KEY);"
/* Jobs per owner, among those with an id up to the one in counted. */
"CREATE TABLE owner (uid INTEGER PRIMARY KEY, jobs INTEGER NOT NULL);"
"CREATE TABLE counted (one INTEGER PRIMARY KEY CHECK (one = 1), job INTEGER NOT NULL);"
"INSERT INTO counted VALUES (1, 0);";

/*
 * Step 2: schedules beside every, and what explains an occurrence afterwards.  schedule is JSON of
 * schedule_fields, NULL for most jobs.
 */
static const char step_2[] =
/* previous: the due of the latest occurrence that was run. */
"ALTER TABLE job ADD COLUMN schedule TEXT;"
"ALTER TABLE job ADD COLUMN on_boot INTEGER NOT NULL DEFAULT 0;"
"ALTER TABLE job ADD COLUMN previous INTEGER;"
/* Occurrences skipped in a row because the run before was still active. */
"ALTER TABLE job ADD COLUMN overlaps INTEGER NOT NULL DEFAULT 0;"
/* How many shifts of the clock are in its due, or were over when it was added. */
"ALTER TABLE job ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;"
"CREATE INDEX job_on_boot ON job(id) WHERE on_boot = 1;"
"ALTER TABLE run ADD COLUMN mark INTEGER;"
"ALTER TABLE run ADD COLUMN missed INTEGER;"
"ALTER TABLE run ADD COLUMN previous INTEGER;"
"CREATE INDEX run_by_hand ON run(job, due) WHERE manual = 1;"
"ALTER TABLE skip ADD COLUMN run INTEGER;"
/*
 * What lasted for a while and explains what was or was not run in it: one job's (pauses), or,
 * with job 0, all jobs' (the daemon down, the clock set).  last is NULL while it lasts.
 */
"CREATE TABLE span (id INTEGER PRIMARY KEY, job INTEGER NOT NULL, kind INTEGER NOT NULL,"
" first INTEGER NOT NULL, last INTEGER, uid INTEGER, step INTEGER);"
"CREATE INDEX span_job ON span(job, first);"
/*
 * The clocks as the dues of elapsed time were last brought in line with them: the boot, wall clock
 * minus boot time, the number of shifts so far, and how far one by step has come.  stopped: the end
 * of the last daemon in order.
 */
"CREATE TABLE clock (one INTEGER PRIMARY KEY CHECK (one = 1), boot TEXT, offset INTEGER NOT NULL,"
" epoch INTEGER NOT NULL, shifted INTEGER NOT NULL, step INTEGER NOT NULL, stopped INTEGER);"
"INSERT INTO clock VALUES (1, NULL, 0, 0, 0, 0, NULL);";

/*
 * Step 3: what runs can be trusted with.
 *
 * job.paused holds bits from here on: 1 a person's pause, 2 quarantine; so that the index of dues
 * has neither.
 */
static const char step_3[] =
/* Its runs that wait for their next attempt, and the attempts lost in a row. */
"ALTER TABLE job ADD COLUMN retrying INTEGER NOT NULL DEFAULT 0;"
"ALTER TABLE job ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0;"
/*
 * retry_at: while state is retrying, the next attempt begins not before; negative while the job is
 * paused, so that no page of due ones has it.  retried: retries used up since it was asked for.
 */
"ALTER TABLE run ADD COLUMN retry_at INTEGER;"
"ALTER TABLE run ADD COLUMN retried INTEGER NOT NULL DEFAULT 0;"
"CREATE INDEX run_retry ON run(retry_at) WHERE state = 2;"
"CREATE INDEX run_retry_job ON run(job) WHERE state = 2;"
/* What Retry finds by when it failed. */
"CREATE INDEX run_failed ON run(ended) WHERE state IN (4, 5, 7);"
/* Attempts that were followed by another: the first try of most runs is the only one, in run. */
"CREATE TABLE attempt ("
" job INTEGER NOT NULL, run INTEGER NOT NULL, attempt INTEGER NOT NULL, state INTEGER NOT NULL,"
" started INTEGER, spawned INTEGER, first_output INTEGER, exited INTEGER, ended INTEGER,"
" exit_code INTEGER, signal INTEGER, oom INTEGER, pid INTEGER, http_status INTEGER,"
" verdict INTEGER, reason TEXT, canceled_by TEXT, cpu INTEGER, memory_peak INTEGER,"
" output_bytes INTEGER, PRIMARY KEY (job, run, attempt)) WITHOUT ROWID;"
/* How long a run that succeeds takes: a moving average, the latest counting most. */
"ALTER TABLE job ADD COLUMN took INTEGER;"
/* Of a check: JSON of run_answer_fields; NULL for most. */
"ALTER TABLE run ADD COLUMN answer TEXT;"
/*
 * Retention: the job's own limits (NULL: as configured, -1: none), bytes of output that its runs
 * hold, and up to which due its records may be gone.
 */
"ALTER TABLE job ADD COLUMN keep_runs INTEGER;"
"ALTER TABLE job ADD COLUMN keep_usec INTEGER;"
"ALTER TABLE job ADD COLUMN keep_output INTEGER;"
"ALTER TABLE job ADD COLUMN output INTEGER NOT NULL DEFAULT 0;"
"ALTER TABLE job ADD COLUMN pruned INTEGER;"
/* When its output was given up before it. */
"ALTER TABLE run ADD COLUMN output_gone INTEGER;"
/* What is kept longer than other runs: failed, timed out, lost. */
"CREATE INDEX run_failed_of ON run(job, run) WHERE state IN (4, 5, 7);"
/* Output that the runner may still hold and nobody will read: of a run, or (run 0) of a job. */
"CREATE TABLE output_trash (job INTEGER NOT NULL, run INTEGER NOT NULL, PRIMARY KEY (job, run))"
" WITHOUT ROWID;"
/* runs: rows of table run with an id up to the one in run; output: of all of them, bytes. */
"ALTER TABLE counted ADD COLUMN run INTEGER NOT NULL DEFAULT 0;"
"ALTER TABLE counted ADD COLUMN runs INTEGER NOT NULL DEFAULT 0;"
"ALTER TABLE counted ADD COLUMN output INTEGER NOT NULL DEFAULT 0;"
"UPDATE job SET output = coalesce((SELECT sum(output_bytes) FROM run WHERE job = job.id), 0)"
" WHERE id IN (SELECT job FROM run WHERE output_bytes > 0);"
"UPDATE counted SET runs = (SELECT count(*) FROM run),"
" run = (SELECT coalesce(max(id), 0) FROM run), output = (SELECT coalesce(sum(output), 0) FROM job);"
/*
 * Jobs that wait for others.  Of a job: how many parents it has, how many of them have not ended as
 * asked (unmet), and how many of these have nothing more to come (never); how many wait for it; and
 * how long after its parents it is due.  Most jobs have none of it, and are told so by their own row.
 */
"ALTER TABLE job ADD COLUMN parents INTEGER NOT NULL DEFAULT 0;"
"ALTER TABLE job ADD COLUMN unmet INTEGER NOT NULL DEFAULT 0;"
"ALTER TABLE job ADD COLUMN never INTEGER NOT NULL DEFAULT 0;"
"ALTER TABLE job ADD COLUMN children INTEGER NOT NULL DEFAULT 0;"
"ALTER TABLE job ADD COLUMN delay INTEGER NOT NULL DEFAULT 0;"
/* name: the parent's, which may be gone by now; outcome: of its last end that came after the add. */
"CREATE TABLE dependency (child INTEGER NOT NULL, parent INTEGER NOT NULL,"
" condition INTEGER NOT NULL, state INTEGER NOT NULL, outcome INTEGER, name TEXT,"
" PRIMARY KEY (child, parent)) WITHOUT ROWID;"
"CREATE INDEX dependency_parent ON dependency(parent, child);"
/*
 * What is still to be told to the children of a job, in this order: how a run of it ended, or only
 * that it has become finished, or is not any more.  child: the last one that was told; until: the
 * last that there was then, as one that is added later starts from how its parent stands.
 */
"CREATE TABLE spread (id INTEGER PRIMARY KEY, parent INTEGER NOT NULL, outcome INTEGER,"
" at INTEGER NOT NULL, child INTEGER NOT NULL, until INTEGER NOT NULL);"
/* What it took to end a run. */
"ALTER TABLE run ADD COLUMN ended_by TEXT;"
"ALTER TABLE run ADD COLUMN leftovers INTEGER;"
/*
 * queue is NULL for a command in the queue default, and for a check or a timer in none.  What was
 * there before goes where it would go now.
 */
"ALTER TABLE job ADD COLUMN queue TEXT;"
"ALTER TABLE job ADD COLUMN priority INTEGER;"
"ALTER TABLE job ADD COLUMN slots INTEGER;"
"ALTER TABLE job ADD COLUMN mutex TEXT;"
"ALTER TABLE job ADD COLUMN overlap_limit INTEGER;"
"UPDATE job SET queue = 'schedule' WHERE kind = 0 AND (every_usec > 0 OR on_boot = 1 OR"
" json_extract(schedule, '$.cron') IS NOT NULL OR json_extract(schedule, '$.calendar') IS NOT NULL);"
/* Which jobs name a queue; most name none, and an add of those does not touch it. */
"CREATE INDEX job_queue ON job(queue) WHERE queue IS NOT NULL AND queue <> 'schedule';"
/* What people have set; NULL is as configured, or none. */
"CREATE TABLE queue (name TEXT PRIMARY KEY, slots INTEGER, paused INTEGER, paused_by TEXT,"
" rate INTEGER, rate_usec INTEGER) WITHOUT ROWID;";

/*
 * Step 4: the health of checks, see health.h: health is an enum verdict, failed and passed the checks
 * that count, in a row.  depends_on: the job that it depends on.  Other jobs have none of it.
 */
static const char step_4[] =
"ALTER TABLE job ADD COLUMN health INTEGER;"
"ALTER TABLE job ADD COLUMN health_since INTEGER;"
"ALTER TABLE job ADD COLUMN failed INTEGER;"
"ALTER TABLE job ADD COLUMN passed INTEGER;"
"ALTER TABLE job ADD COLUMN depends_on INTEGER;";

/*
 * Step 5.  The same indexes: a condition with a list has SQLite build a table of it twice for each
 * write of a row, which was a sixth of what the end of a run cost.
 */
static const char step_5[] =
"DROP INDEX run_failed;"
"DROP INDEX run_failed_of;"
"CREATE INDEX run_failed ON run(ended) WHERE state = 4 OR state = 5 OR state = 7;"
"CREATE INDEX run_failed_of ON run(job, run) WHERE state = 4 OR state = 5 OR state = 7;";

/*
 * Step 6: who is told.  notify: of a job with rules (a line each), and the row of failures that it is
 * in.  notice: what is to be told; due is NULL once it was given up.  Their ids are never used
 * twice: the runner knows attempts by them.
 */
static const char step_6[] =
"CREATE TABLE notify (job INTEGER PRIMARY KEY, rules TEXT NOT NULL, first_run INTEGER,"
" since INTEGER, failures INTEGER NOT NULL DEFAULT 0, told INTEGER NOT NULL DEFAULT 0);"
"CREATE TABLE notice (id INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL,"
" notice TEXT NOT NULL, at INTEGER NOT NULL, due INTEGER, attempts INTEGER NOT NULL DEFAULT 0,"
" tried INTEGER, error TEXT, folded INTEGER NOT NULL DEFAULT 0);"
"CREATE INDEX notice_pending ON notice(target) WHERE due IS NOT NULL;"
"CREATE INDEX notice_failed ON notice(target) WHERE due IS NULL;";

/*
 * Step 7: jobs that are edited.  source: the files it is from; rescheduled: since when its schedule holds,
 * NULL: since it was added.
 */
static const char step_7[] =
"ALTER TABLE job ADD COLUMN source TEXT;"
"ALTER TABLE job ADD COLUMN rescheduled INTEGER;";

/* Step 8: mutex is 1 of a run that has waited for its mutex; NULL: it has not, or that was not noted. */
static const char step_8[] =
"ALTER TABLE run ADD COLUMN mutex INTEGER;";

/* Step 9: ping: of a run of a heartbeat, what has come for it, as JSON of ping_fields. */
static const char step_9[] =
"ALTER TABLE run ADD COLUMN ping TEXT;";

/*
 * Step 10: being late while it waits.  late_after: of a job that wants that told, how long after its due; late: the due
 * of the latest occurrence of which it was told so.
 */
static const char step_10[] =
"ALTER TABLE notify ADD COLUMN late_after INTEGER;"
"ALTER TABLE notify ADD COLUMN late INTEGER;"
"UPDATE notify SET late_after ="
" (SELECT json_extract(spec, '$.lateAfterUSec') FROM job WHERE id = notify.job);"
"CREATE INDEX notify_late ON notify(job) WHERE late_after IS NOT NULL;";

const char *const migrate_steps[] = { step_1, step_2, step_3, step_4, step_5, step_6,
	step_7, step_8, step_9, step_10 };
const size_t migrate_steps_n = sizeof(migrate_steps) / sizeof(migrate_steps[0]);

static int
read_number(sqlite3 *db, const char *text, int64_t *ret)
{
	sqlite3_stmt *st;
	int rc;

	rc = sqlite3_prepare_v2(db, text, -1, &st, NULL);
	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* Why it cannot be read, and what to do about it. */
static int
cannot_read(sqlite3 *db, int rc, char error[STORE_ERROR_MAX])
{
	const char *path = sqlite3_db_filename(db, "main");

	switch (rc & 0xff) {
	case SQLITE_NOTADB:
		snprintf(error, STORE_ERROR_MAX,
		    "%s is not a database: move it away, or restore a backup", path);
		return -EMEDIUMTYPE;
	case SQLITE_CORRUPT:
		snprintf(error, STORE_ERROR_MAX, "%s is damaged (%s): " DAMAGED_ADVICE, path,
		    sqlite3_errmsg(db));
		return -EIO;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		snprintf(error, STORE_ERROR_MAX, "%s is locked by another program: end it", path);
		return -EBUSY;
	default:
		snprintf(error, STORE_ERROR_MAX, "cannot read %s: %s", path, sqlite3_errmsg(db));
		return -EIO;
	}
}

int
migrate_check(sqlite3 *db, size_t steps_n, size_t *form, char error[STORE_ERROR_MAX])
{
	int64_t application = 0, version = 0, tables = 0;
	const char *path = sqlite3_db_filename(db, "main");
	int rc;

	rc = read_number(db, "PRAGMA application_id", &application);
	if (rc == SQLITE_OK)
		rc = read_number(db, "PRAGMA user_version", &version);
	if (rc == SQLITE_OK)
		rc = read_number(db, "SELECT count(*) FROM sqlite_schema", &tables);
	if (rc != SQLITE_OK)
		return cannot_read(db, rc, error);
	if (application == 0 && version == 0 && tables == 0) {
		*form = 0;
		return 0;
	}
	if (application != SQLITE_APPLICATION_ID) {
		snprintf(error, STORE_ERROR_MAX, "%s is the database of another program: "
		    "move it away, or give another state directory", path);
		return -EMEDIUMTYPE;
	}
	if (version > (int64_t)steps_n) {
		snprintf(error, STORE_ERROR_MAX, "%s was written by a newer jobd (form %lld, this "
		    "one knows %zu): install that version or a later one", path,
		    (long long)version, steps_n);
		return -EPROTONOSUPPORT;
	}
	if (version < 1) {
		snprintf(error, STORE_ERROR_MAX, "%s is damaged (form %lld): " DAMAGED_ADVICE,
		    path, (long long)version);
		return -EIO;
	}
	*form = (size_t)version;
	return 0;
}

static int
run_step(sqlite3 *db, const char *step, size_t form)
{
	char pragmas[96];
	int rc;

	snprintf(pragmas, sizeof(pragmas),
	    "PRAGMA application_id = %d; PRAGMA user_version = %zu; COMMIT", SQLITE_APPLICATION_ID,
	    form);
	rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, step, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, pragmas, NULL, NULL, NULL);
	return rc;
}

int
migrate(sqlite3 *db, const char *const *steps, size_t steps_n, size_t form,
    char error[STORE_ERROR_MAX])
{
	int rc;

	for (; form < steps_n; form++) {
		rc = run_step(db, steps[form], form + 1);
		if (rc == SQLITE_OK)
			continue;
		snprintf(error, STORE_ERROR_MAX, "cannot bring %s to form %zu: %s",
		    sqlite3_db_filename(db, "main"),
		    form + 1, sqlite3_errmsg(db));
		if (!sqlite3_get_autocommit(db))
			/* the first error is told */
			(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
		return (rc & 0xff) == SQLITE_FULL ? -ENOSPC : -EIO;
	}
	return 0;
}
