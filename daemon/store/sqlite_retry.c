/*
 * sqlite_retry: attempts that were followed by another, and runs that get one by hand.  The row of
 * a run says what is known of its present or last attempt; when another follows, that is copied
 * into a row of its own, in the transaction that decides it.  So most runs, which have one
 * attempt, cost no second row.
 */
#include <stdlib.h>

#include "daemon/base/must.h"
#include "daemon/store/sqlite.h"
#include "daemon/store/state.h"
#include "proto/mem.h"

int
attempt_keep(struct sqlite *db, const struct run_now *run, int state, instant ended)
{
	/*
	 * One that failed is kept already when its run is canceled before the next, and then tried
	 * again by hand.
	 */
	sqlite3_stmt *st = sql(db, ST_ATTEMPT_KEEP,
	    "INSERT OR IGNORE INTO attempt SELECT job, run, attempt, ?2, started, spawned,"
	    " first_output, exited, coalesce(?3, ended), exit_code, signal, oom, pid, http_status,"
	    " verdict, reason, canceled_by, cpu, memory_peak, nullif(coalesce(output_bytes, 0) -"
	    " (SELECT coalesce(sum(output_bytes), 0) FROM attempt a WHERE a.job = run.job"
	    " AND a.run = run.run), 0) FROM run WHERE id = ?1 AND attempt > 0");

	bind_int(st, 1, run->id);
	bind_int(st, 2, state);
	bind_some(st, 3, ended.usec);
	return sql_run(db, st);
}

int
attempts_delete(struct sqlite *db, int64_t job, int64_t run)
{
	sqlite3_stmt *st = sql(db, ST_ATTEMPTS_OF_DELETE,
	    "DELETE FROM attempt WHERE job = ?1 AND run = ?2");

	bind_int(st, 1, job);
	bind_int(st, 2, run);
	return sql_run(db, st);
}

int
retrying_run(struct sqlite *db, const struct job_now *j, int64_t *ret)
{
	sqlite3_stmt *st;
	int r;

	*ret = 0;
	if (j->retrying == 0)
		return 0;
	st = sql(db, ST_RETRYING_RUN, "SELECT run FROM run WHERE job = ?1 AND state = 2 LIMIT 1");
	bind_int(st, 1, j->id);
	r = sql_step(db, st);
	if (r != 1)
		return r < 0 ? r : sql_damaged(db, "job", j->id);
	*ret = col_int(st, 0);
	(void)sqlite3_reset(st);	/* one is asked for */
	return 0;
}

int
retries_hold(struct sqlite *db, int64_t job, bool hold)
{
	sqlite3_stmt *st = sql(db, ST_RETRY_HOLD,
	    "UPDATE run SET retry_at = CASE WHEN ?2 THEN -abs(retry_at) ELSE abs(retry_at) END"
	    " WHERE job = ?1 AND state = 2");

	bind_int(st, 1, job);
	bind_int(st, 2, hold);
	return sql_run(db, st);
}

static int
attempt_read(struct sqlite *db, sqlite3_stmt *st, struct attempt_info *a)
{
	*a = (struct attempt_info){
		.attempt = col_int(st, 0),
		.started = { col_int(st, 2) },
		.spawned = { col_int(st, 3) },
		.first_output = { col_int(st, 4) },
		.exited = { col_int(st, 5) },
		.ended = { col_int(st, 6) },
		.exit_code = sqlite3_column_type(st, 7) == SQLITE_NULL ? -1 : col_int(st, 7),
		.signal = col_int(st, 8),
		.oom = col_int(st, 9) != 0,
		.pid = col_int(st, 10),
		.http_status = col_int(st, 11),
		.reason = col_text(st, 13),
		.canceled_by = col_text(st, 14),
		.cpu = col_int(st, 15),
		.memory_peak = col_int(st, 16),
		.output_bytes = col_int(st, 17),
	};
	return col_enum(st, 1, RUN_STATE_COUNT, &a->state) &&
	    col_enum(st, 12, VERDICT_COUNT, &a->verdict) ? 0 : sql_damaged(db, "attempt", a->attempt);
}

/* The oldest comes first; they are read from the latest on. */
static void
attempts_turn(struct structs *s)
{
	for (size_t i = 0; i < s->n / 2; i++) {
		void *other = s->items[i];

		s->items[i] = s->items[s->n - 1 - i];
		s->items[s->n - 1 - i] = other;
	}
}

int
attempts_read(struct sqlite *db, struct run_info *run)
{
	sqlite3_stmt *st = sql(db, ST_ATTEMPTS,
	    "SELECT attempt, state, started, spawned, first_output, exited, ended, exit_code,"
	    " signal, oom, pid, http_status, verdict, reason, canceled_by, cpu, memory_peak,"
	    " output_bytes FROM attempt WHERE job = ?1 AND run = ?2"
	    " ORDER BY attempt DESC LIMIT ?3");
	struct attempt_info *a;
	int r;

	bind_int(st, 1, run->job);
	bind_int(st, 2, run->run);
	bind_int(st, 3, PAGE_MAX);
	while ((r = sql_step(db, st)) == 1) {
		if (run->attempts.items == NULL)
			run->attempts.items = xcalloc(PAGE_MAX, sizeof(*run->attempts.items));
		a = xmalloc(sizeof(*a));
		run->attempts.items[run->attempts.n++] = a;
		r = attempt_read(db, st, a);
		if (r < 0)
			break;
	}
	(void)sqlite3_reset(st);	/* it may be in the middle */
	attempts_turn(&run->attempts);
	return r;
}

/* ---- by hand ---- */

/* Queued again, as if it had never begun, but for its attempts. */
static int
run_again(struct sqlite *db, const struct run_now *run)
{
	sqlite3_stmt *st;
	int r = 0;

	MUST(run_state_allows((enum run_state)run->state, RUN_QUEUED));
	if (run->state != RUN_RETRYING)
		r = attempt_keep(db, run, run->state, (instant){ 0 });
	if (r < 0)
		return r;
	st = sql(db, ST_RUN_AGAIN, "UPDATE run SET state = ?2, retry_at = NULL, retried = 0, ping = NULL, "
	    RUN_NO_FACTS " WHERE id = ?1 AND state = ?3");
	bind_int(st, 1, run->id);
	bind_int(st, 2, RUN_QUEUED);
	bind_int(st, 3, run->state);
	return changed_one(db, st);
}

/* The run, and whether it may be tried again. */
static int
retry_find(struct sqlite *db, struct op_retry *o, const struct job_now *j, struct run_now *run)
{
	int r;

	if (o->run == 0)
		o->run = j->runs;
	if (o->run == 0)
		return -EALREADY;
	r = run_load(db, o->job, o->run, run);
	if (r < 0)
		return r;
	o->was = run->state;
	return run_state_allows((enum run_state)run->state, RUN_QUEUED) ? 0 : -EALREADY;
}

/* It has crashed too often, but somebody has looked at it. */
static int
job_release(struct sqlite *db, struct op_retry *o, struct job_now *j)
{
	o->released = true;
	j->quarantined = false;
	j->crashes = 0;
	j->generation++;
	if (j->retrying > 0 && !j->paused && retries_hold(db, o->job, false) < 0)
		return -EIO;
	return span_hold(db, o->job, SPAN_QUARANTINED, false, o->now, 0);
}

int
sqlite_retry(void *arg, struct store_op *op)
{
	struct op_retry *o = container_of(op, struct op_retry, op);
	struct sqlite *db = arg;
	struct run_now run;
	struct job_now j;
	int r;

	r = job_load(db, o->job, WANT_NAME | WANT_DUE_ROW, &j);
	if (r == 0)
		r = job_allows(&j, o->uid);
	if (r == 0)
		r = retry_find(db, o, &j, &run);
	if (r == 0 && j.quarantined)
		r = job_release(db, o, &j);
	if (r == 0)
		r = run_again(db, &run);
	if (r < 0)
		goto out;
	if (run.state == RUN_RETRYING)
		j.retrying--;
	j.queued++;
	job_settle(&j, o->now);
	r = retrying_run(db, &j, &j.retrying_run);
	/* What was finished is not any more: those that wait for it wait again. */
	if (r == 0)
		r = job_save_counted(db, &j, o->released,
		    &(struct told){ -1, o->now, &o->dependents });
	if (r < 0)
		goto out;
	o->manual = run.manual;
	o->kind = j.kind;
	o->job_state = j.state;
	o->paused = j.paused;
	o->row = job_due_row(&j);
	o->name = j.name;
	j.name = NULL;
out:
	job_now_done(&j);
	return r;
}

/* ---- which have failed ---- */

static int
failed_rows(struct sqlite *db, sqlite3_stmt *st, struct op_failed *o)
{
	size_t seen = 0;
	int r;

	while ((r = sql_step(db, st)) == 1) {
		if (o->n == FAILED_PAGE || seen == SCAN_ROWS_MAX) {
			o->more = true;
			(void)sqlite3_reset(st);	/* seen enough */
			return 0;
		}
		seen++;
		o->next = (instant){ col_int(st, 1) };
		o->next_after = col_int(st, 0);
		/* What a removed job has left is nobody's. */
		if (sqlite3_column_type(st, 4) == SQLITE_NULL ||
		    (o->job != 0 && col_int(st, 2) != o->job) ||
		    (o->uid >= 0 && col_int(st, 4) != o->uid))
			continue;
		o->rows[o->n].job = col_int(st, 2);
		o->rows[o->n++].run = col_int(st, 3);
	}
	return r;
}

/* The WHERE is that of the index. */
#define FAILED_SELECT \
	"SELECT r.id, r.ended, r.job, r.run, j.uid FROM run r LEFT JOIN job j ON j.id = r.job" \
	" WHERE (r.state = 4 OR r.state = 5 OR r.state = 7) AND "

int
sqlite_failed(void *arg, struct store_op *op)
{
	struct op_failed *o = container_of(op, struct op_failed, op);
	struct sqlite *db = arg;
	sqlite3_stmt *st;
	int r;

	o->next = o->since;
	o->next_after = o->after;
	st = sql(db, ST_FAILED_SAME, FAILED_SELECT
	    "r.ended = ?1 AND r.id > ?2 AND r.ended <= ?3 ORDER BY r.id LIMIT ?4");
	bind_int(st, 1, o->since.usec);
	bind_int(st, 2, o->after);
	bind_int(st, 3, o->until.usec);
	bind_int(st, 4, SCAN_ROWS_MAX + 1);
	r = failed_rows(db, st, o);
	if (r < 0 || o->more)
		return r;
	st = sql(db, ST_FAILED_LATER, FAILED_SELECT
	    "r.ended > ?1 AND r.ended <= ?2 ORDER BY r.ended, r.id LIMIT ?3");
	bind_int(st, 1, o->since.usec);
	bind_int(st, 2, o->until.usec);
	bind_int(st, 3, SCAN_ROWS_MAX + 1);
	return failed_rows(db, st, o);
}
