/*
 * sqlite_keep: retention, a slice at a time.  A round walks over what can be given up: each job that
 * has runs or skips, by its own limits or those configured; finished jobs; what explains skips; notices; and
 * then, oldest first, the output and the runs of all jobs together while there is too much.  A
 * slice reads a bounded number of rows, deletes fewer, and says where the next one goes on; nothing
 * in between is remembered but by the asker, so a round may be given up at any time.
 *
 * Numbers of a job's runs ascend with time, so the walk over them ends at the first that is kept for
 * its own sake; those before it that were spared (the latest failed ones) are few.  What was
 * deleted lies, by its dues, at or before the job's `pruned`: after that the ledger is whole.
 *
 * A dry round goes the same way and deletes nothing; what it would have freed it assumes.  (Output
 * that a job's own limit takes and the limit on all would take, too, it counts twice.)
 */
#include <stdlib.h>

#include "daemon/base/must.h"
#include "daemon/store/sqlite.h"
#include "proto/mem.h"

/* Rows looked at, and changed, in one slice: some milliseconds. */
#define SEEN_MAX	1000
#define CHANGED_MAX	200

/* A deleted row costs as much as so many that are only looked at. */
_Static_assert(CHANGED_MAX < SEEN_MAX && SEEN_MAX <= SCAN_ROWS_MAX, "a slice is bounded");

enum stage { STAGE_JOB, STAGE_OUTPUT, STAGE_RUNS, STAGE_SKIPS };

struct slice {
	struct sqlite	*db;
	struct op_keep	*o;
	size_t		 seen, changed;
	int64_t		 output_from;	/* 0, or the store's from now on */
	/* deleted, and counted when all has succeeded: */
	struct freed	 freed;
	int64_t		 owners[KEEP_JOBS_MAX];	/* of the jobs in o->gone */
};

/* A job as its retention sees it. */
struct keep_job {
	struct job_now	 now;
	int64_t		 runs_max;	/* by number; 0: no limit */
	usec_t		 age, finished_age;
	int64_t		 output_max;
	int64_t		 failed_from;	/* failed runs from this number on are spared */
	instant		 pruned;
	bool		 changed;	/* its output or pruned */
};

/* A row of a page: read before any is changed. */
struct keep_run {
	int64_t	id, job, run, output;
	int	state;
	instant	due, over;
	bool	gone;		/* its output */
	bool	wrote;		/* there may be a file of it */
	bool	manual;
};

static bool
spent(const struct slice *s)
{
	return s->seen >= SEEN_MAX || s->changed >= CHANGED_MAX;
}

static bool
older(const struct slice *s, instant at, usec_t age)
{
	return age > 0 && at.usec < s->o->now.usec - age;
}

/* Of three: the job's own limit (-1: none), or the configured one. */
static int64_t
limit_of(int64_t own, int64_t configured)
{
	return own == 0 ? configured : own < 0 ? 0 : own;
}

/* ---- one job ---- */

/* The state of its latest run; -1: it has none. */
static int
job_last_state(struct slice *s, const struct job_now *j, int *ret)
{
	sqlite3_stmt *st = sql(s->db, ST_KEEP_LAST, "SELECT state FROM run WHERE job = ?1"
	    " AND run = ?2");
	int r;

	*ret = -1;
	bind_int(st, 1, j->id);
	bind_int(st, 2, j->runs);
	r = sql_step(s->db, st);
	if (r == 1) {
		*ret = (int)col_int(st, 0);
		(void)sqlite3_reset(st);	/* the number is unique */
		return 0;
	}
	return r;
}

static bool
is_failure(int state)
{
	return state == RUN_FAILED || state == RUN_TIMED_OUT || state == RUN_LOST;
}

/* 0, -ENOENT, -errno. */
static int
keep_job_load(struct slice *s, int64_t id, struct keep_job *k)
{
	const struct keep_policy *p = s->o->policy;
	sqlite3_stmt *st;
	int64_t own;
	int r, last;

	*k = (struct keep_job){ .failed_from = INT64_MAX };
	r = job_load(s->db, id, WANT_NAME, &k->now);
	if (r < 0)
		return r;
	st = sql(s->db, ST_KEEP_JOB,
	    "SELECT keep_runs, keep_usec, keep_output, pruned FROM job WHERE id = ?1");
	bind_int(st, 1, id);
	r = sql_step(s->db, st);
	if (r != 1)
		return r < 0 ? r : -ENOENT;
	k->runs_max = limit_of(col_int(st, 0), p->runs);
	own = col_int(st, 1);
	k->age = limit_of(own, p->age);
	k->output_max = limit_of(col_int(st, 2), p->output_per_job);
	k->pruned = (instant){ col_int(st, 3) };
	(void)sqlite3_reset(st);	/* read by its id */
	if (k->now.state != JOB_FINISHED)
		return 0;
	r = job_last_state(s, &k->now, &last);
	k->finished_age = limit_of(own, is_failure(last) ? p->failed_jobs : p->finished_jobs);
	return r;
}

/* The job goes, with all it has.  1; 0: it stays; -errno. */
static int
job_expire(struct slice *s, struct keep_job *k)
{
	struct op_keep *o = s->o;
	struct job_now *j = &k->now;

	if (j->state != JOB_FINISHED || j->queued + j->running > 0 ||
	    !older(s, j->finished, k->finished_age))
		return 0;
	if (!o->dry) {
		int r = job_delete(s->db, j, &s->freed);

		if (r < 0)
			return r;
		s->owners[o->n] = j->uid;
		o->output |= j->kind == KIND_COMMAND && j->runs > 0;
	}
	o->gone[o->n++] = (struct kept_not){ .job = j->id, .runs = j->runs, .name = j->name };
	j->name = NULL;
	o->tally.jobs++;
	o->tally.output_bytes += j->output;
	o->place.assumed_bytes += o->dry ? j->output : 0;
	/* It has a row or two of other tables, and perhaps hundreds of runs. */
	s->changed += 4 + (j->runs < CHANGED_MAX ? (size_t)j->runs : CHANGED_MAX);
	return 1;
}

/* What the walk may have changed of the job. */
static int
keep_job_save(struct slice *s, const struct keep_job *k)
{
	sqlite3_stmt *st;

	if (!k->changed || s->o->dry)
		return 0;
	st = sql(s->db, ST_KEEP_JOB_SAVE, "UPDATE job SET output = ?2, pruned = ?3 WHERE id = ?1");
	bind_int(st, 1, k->now.id);
	bind_int(st, 2, k->now.output);
	bind_some(st, 3, k->pruned.usec);
	s->freed.output += k->now.was_output - k->now.output;
	return sql_run(s->db, st);
}

static int
run_page_read(struct slice *s, sqlite3_stmt *st, struct keep_run *rows, size_t *n)
{
	int r;

	*n = 0;
	while ((r = sql_step(s->db, st)) == 1) {
		struct keep_run *row = &rows[(*n)++];

		*row = (struct keep_run){ .id = col_int(st, 0), .job = col_int(st, 1),
		    .run = col_int(st, 2), .output = col_int(st, 6),
		    .due = { col_int(st, 4) }, .over = { col_int(st, 5) },
		    .gone = col_int(st, 7) != 0 };
		if (!col_enum(st, 3, RUN_STATE_COUNT, &row->state)) {
			(void)sqlite3_reset(st);	/* it is of no use */
			return sql_damaged(s->db, "run", row->id);
		}
		row->wrote = !row->gone && (row->output > 0 || row->state == RUN_LOST ||
		    col_int(st, 8) != 0);
		row->manual = col_int(st, 9) != 0;
		if (row->gone)
			row->output = 0;
	}
	s->seen += *n;
	return r;
}

#define KEEP_COLUMNS "id, job, run, state, due, coalesce(ended, started, due)," \
	" coalesce(output_bytes, 0), coalesce(output_gone, 0)," \
	" first_output IS NOT NULL OR attempt > 1, manual"

/* The next runs of a job but for its latest one, in their order. */
static int
job_page(struct slice *s, const struct keep_job *k, struct keep_run *rows, size_t *n)
{
	sqlite3_stmt *st = sql(s->db, ST_KEEP_RUNS, "SELECT " KEEP_COLUMNS " FROM run"
	    " WHERE job = ?1 AND run > ?2 AND run < ?3 ORDER BY run LIMIT ?4");

	bind_int(st, 1, k->now.id);
	bind_int(st, 2, s->o->place.run);
	bind_int(st, 3, k->now.runs);
	bind_int(st, 4, CHANGED_MAX);
	return run_page_read(s, st, rows, n);
}

/* From which number on failed runs are spared: the latest so many of them. */
static int
failed_from_load(struct slice *s, struct keep_job *k)
{
	sqlite3_stmt *st;
	int r;

	if (s->o->policy->failed == 0 || k->runs_max == 0)
		return 0;
	st = sql(s->db, ST_KEEP_FAILED, "SELECT run FROM run WHERE job = ?1"
	    " AND (state = 4 OR state = 5 OR state = 7) ORDER BY run DESC LIMIT 1 OFFSET ?2");
	bind_int(st, 1, k->now.id);
	bind_int(st, 2, s->o->policy->failed - 1);
	r = sql_step(s->db, st);
	if (r == 1)
		k->failed_from = col_int(st, 0);
	else if (r == 0)
		k->failed_from = 0;
	if (r == 1)
		(void)sqlite3_reset(st);	/* one is asked for */
	return r < 0 ? r : 0;
}

/* The row goes; its output is for the runner to remove. */
static int
run_delete(struct slice *s, const struct keep_run *row, bool command)
{
	struct op_keep *o = s->o;
	sqlite3_stmt *st;
	int r;

	o->tally.runs++;
	o->tally.output_bytes += row->output;
	o->place.assumed_runs += o->dry;
	o->place.assumed_bytes += o->dry ? row->output : 0;
	s->changed++;
	if (o->dry)
		return 0;
	st = sql(s->db, ST_KEEP_RUN_DELETE, "DELETE FROM run WHERE id = ?1");
	bind_int(st, 1, row->id);
	r = sql_run(s->db, st);
	if (r < 0)
		return r;
	s->freed.rows++;
	r = attempts_delete(s->db, row->job, row->run);
	if (r < 0)
		return r;
	if (!row->wrote || !command)
		return 0;
	o->output = true;
	return output_trash_put(s->db, row->job, row->run);
}

/* It stays, its output goes. */
static int
output_give_up(struct slice *s, const struct keep_run *row)
{
	struct op_keep *o = s->o;
	sqlite3_stmt *st;
	int r;

	o->tally.outputs++;
	o->tally.output_bytes += row->output;
	o->place.assumed_bytes += o->dry ? row->output : 0;
	s->changed++;
	if (o->dry)
		return 0;
	st = sql(s->db, ST_KEEP_OUTPUT_GONE, "UPDATE run SET output_gone = ?2 WHERE id = ?1");
	bind_int(st, 1, row->id);
	bind_int(st, 2, o->now.usec);
	r = sql_run(s->db, st);
	o->output = true;
	return r < 0 ? r : output_trash_put(s->db, row->job, row->run);
}

/*
 * Up to which due the ledger says nothing once the run is gone.  One by hand may have any due: what is
 * not decided yet is not touched by it.
 */
static instant
pruned_by(const struct keep_job *k, const struct keep_run *row)
{
	if (row->manual && instant_is_set(k->now.due) && row->due.usec >= k->now.due.usec)
		return instant_add(k->now.due, -1);
	return row->due;
}

/* Output of the oldest runs, while the job has too much.  1: the stage is over; 0: go on; -errno. */
static int
job_output(struct slice *s, struct keep_job *k, struct keep_run *rows)
{
	struct keep_place *place = &s->o->place;
	size_t n = 0;
	int r;

	if (k->output_max == 0 || k->now.output - place->assumed_job <= k->output_max)
		return 1;
	r = job_page(s, k, rows, &n);
	for (size_t i = 0; r == 0 && i < n && !spent(s) &&
	    k->now.output - place->assumed_job > k->output_max; i++) {
		place->run = rows[i].run;
		if (rows[i].state < RUN_SUCCEEDED || rows[i].output == 0)
			continue;
		r = output_give_up(s, &rows[i]);
		if (s->o->dry) {
			place->assumed_job += rows[i].output;
			place->assumed_run = rows[i].run;
		} else {
			k->now.output -= rows[i].output;
		}
		k->changed = true;
	}
	return r < 0 ? r : n == 0;
}

/* May the run go by the job's limits?  *spared: only since it failed it may not. */
static bool
run_expired(const struct slice *s, const struct keep_job *k, const struct keep_run *row,
    bool *spared)
{
	bool many = k->runs_max > 0 && row->run <= k->now.runs - k->runs_max;

	*spared = false;
	if (older(s, row->over, k->age))
		return true;
	*spared = many && is_failure(row->state) && row->run >= k->failed_from;
	return many && !*spared;
}

/* 1: the stage is over; 0: go on; -errno. */
static int
job_runs(struct slice *s, struct keep_job *k, struct keep_run *rows)
{
	struct keep_place *place = &s->o->place;
	bool spared, over;
	size_t n = 0;
	int r;

	r = job_page(s, k, rows, &n);
	over = n == 0;
	if (r == 0 && n > 0)
		r = failed_from_load(s, k);
	for (size_t i = 0; r == 0 && i < n && !spent(s) && !over; i++) {
		struct keep_run *row = &rows[i];
		bool active = row->state < RUN_SUCCEEDED;

		if (row->run <= place->assumed_run)
			row->output = 0;

		if (!active && !run_expired(s, k, row, &spared) && !spared) {
			over = true;
			break;
		}
		place->run = row->run;
		if (pruned_by(k, row).usec > place->due.usec)
			place->due = pruned_by(k, row);
		if (active || spared)
			continue;
		r = run_delete(s, row, k->now.kind == KIND_COMMAND);
		k->now.output -= s->o->dry ? 0 : row->output;
		if (place->due.usec > k->pruned.usec)
			k->pruned = place->due;
		k->changed = true;
	}
	return r < 0 ? r : over;
}

/* A range of skips that is old, or lies where the runs around it are gone. */
static int
job_skips_page(struct slice *s, const struct keep_job *k, instant *firsts, int64_t *counts,
    instant *until, size_t *n)
{
	sqlite3_stmt *st = sql(s->db, ST_KEEP_SKIPS,
	    "SELECT first, last, count FROM skip WHERE job = ?1 AND first < (SELECT max(first)"
	    " FROM skip WHERE job = ?1) AND first > ?2 ORDER BY first LIMIT ?3");
	int r;

	bind_int(st, 1, k->now.id);
	bind_int(st, 2, s->o->dry ? s->o->place.id : INT64_MIN);
	bind_int(st, 3, CHANGED_MAX);
	*n = 0;
	while ((r = sql_step(s->db, st)) == 1) {
		instant last = { col_int(st, 1) };

		s->seen++;
		if (last.usec > k->pruned.usec && !older(s, last, k->age)) {
			(void)sqlite3_reset(st);	/* later ones are younger */
			return 0;
		}
		firsts[*n] = (instant){ col_int(st, 0) };
		counts[*n] = col_int(st, 2);
		until[(*n)++] = last;
	}
	return r;
}

/* 1: the stage is over; 0: go on; -errno. */
static int
job_skips(struct slice *s, struct keep_job *k)
{
	instant firsts[CHANGED_MAX], lasts[CHANGED_MAX];
	int64_t counts[CHANGED_MAX];
	sqlite3_stmt *st;
	size_t n = 0;
	int r;

	r = job_skips_page(s, k, firsts, counts, lasts, &n);
	for (size_t i = 0; r == 0 && i < n && !spent(s); i++) {
		s->o->tally.skips += counts[i];
		s->o->place.id = firsts[i].usec;
		s->changed++;
		if (lasts[i].usec > k->pruned.usec) {
			k->pruned = lasts[i];
			k->changed = true;
		}
		if (s->o->dry)
			continue;
		st = sql(s->db, ST_KEEP_SKIP_DELETE, "DELETE FROM skip WHERE job = ?1 AND first = ?2");
		bind_int(st, 1, k->now.id);
		bind_int(st, 2, firsts[i].usec);
		r = sql_run(s->db, st);
	}
	return r < 0 ? r : n == 0;
}

/* The stages of a job whose turn it is.  1: it is done; 0: the slice is spent; -errno. */
static int
job_visit(struct slice *s, struct keep_job *k)
{
	struct keep_place *place = &s->o->place;
	struct keep_run *rows;
	int r;

	if (place->stage == STAGE_JOB) {
		r = job_expire(s, k);
		if (r != 0)
			return r;
		place->stage = STAGE_OUTPUT;
	}
	rows = xmalloc(CHANGED_MAX * sizeof(*rows));
	r = 0;
	while (r >= 0 && place->stage <= STAGE_SKIPS && !spent(s)) {
		if (place->stage == STAGE_OUTPUT)
			r = job_output(s, k, rows);
		else if (place->stage == STAGE_RUNS)
			r = job_runs(s, k, rows);
		else
			r = job_skips(s, k);
		if (r == 1) {
			place->stage++;
			place->run = place->id = 0;
		}
	}
	free(rows);
	if (r >= 0)
		r = keep_job_save(s, k);
	return r < 0 ? r : place->stage > STAGE_SKIPS;
}

/* ---- which jobs ---- */

static int
next_in(struct slice *s, sqlite3_stmt *st, int64_t after, int64_t *ret)
{
	int r;

	bind_int(st, 1, after);
	r = sql_step(s->db, st);
	if (r != 1)
		return r;
	if (*ret == 0 || col_int(st, 0) < *ret)
		*ret = col_int(st, 0);
	(void)sqlite3_reset(st);	/* one is asked for */
	s->seen++;
	return 0;
}

/* The next job that has runs or skips: a step in an index each, whatever lies between. */
static int
next_job(struct slice *s, int64_t after, int64_t *ret)
{
	int r;

	*ret = 0;
	r = next_in(s, sql(s->db, ST_KEEP_NEXT_RUN,
	    "SELECT job FROM run WHERE job > ?1 ORDER BY job LIMIT 1"), after, ret);
	if (r == 0)
		r = next_in(s, sql(s->db, ST_KEEP_NEXT_SKIP,
		    "SELECT job FROM skip WHERE job > ?1 ORDER BY job LIMIT 1"), after, ret);
	return r;
}

static int
visit(struct slice *s, int64_t id)
{
	struct keep_job k;
	int r;

	s->seen++;
	r = keep_job_load(s, id, &k);
	if (r == 0)
		r = job_visit(s, &k);
	else if (r == -ENOENT)
		r = 1;	/* removed, and what it has left goes by itself */
	job_now_done(&k.now);
	return r;
}

static void
place_next(struct keep_place *place, int phase)
{
	*place = (struct keep_place){ .phase = phase, .assumed_runs = place->assumed_runs,
	    .assumed_bytes = place->assumed_bytes };
}

static int
phase_jobs(struct slice *s)
{
	struct keep_place *place = &s->o->place;
	int64_t id;
	int r = 0;

	while (r >= 0 && place->phase == KEEP_JOBS && !spent(s) && s->o->n < KEEP_JOBS_MAX) {
		r = place->stage == STAGE_JOB ? next_job(s, place->job, &id) : 0;
		if (r == 0 && place->stage == STAGE_JOB && id == 0) {
			place_next(place, KEEP_FINISHED);
			break;
		}
		if (r == 0 && place->stage == STAGE_JOB)
			place->job = id;
		if (r == 0)
			r = visit(s, place->job);
		if (r == 1) {
			id = place->job;
			place_next(place, KEEP_JOBS);
			place->job = id;
		}
	}
	return r < 0 ? r : 0;
}

/* ---- finished jobs without runs and skips ---- */

static int
finished_page(struct slice *s, int64_t ids[KEEP_JOBS_MAX], instant ats[KEEP_JOBS_MAX], size_t *n)
{
	sqlite3_stmt *st = sql(s->db, ST_KEEP_FINISHED,
	    "SELECT id, finished_at FROM job WHERE finished_at IS NOT NULL AND"
	    " (finished_at, id) > (?1, ?2) ORDER BY finished_at, id LIMIT ?3");
	int r;

	bind_int(st, 1, s->o->place.at.usec);
	bind_int(st, 2, s->o->place.id);
	bind_int(st, 3, KEEP_JOBS_MAX);
	*n = 0;
	while ((r = sql_step(s->db, st)) == 1) {
		ids[*n] = col_int(st, 0);
		ats[(*n)++] = (instant){ col_int(st, 1) };
	}
	return r;
}

static int
phase_finished(struct slice *s)
{
	struct keep_place *place = &s->o->place;
	instant ats[KEEP_JOBS_MAX];
	int64_t ids[KEEP_JOBS_MAX];
	struct keep_job k;
	size_t n = 0;
	int r;

	r = finished_page(s, ids, ats, &n);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		s->seen++;
		r = keep_job_load(s, ids[i], &k);
		/* Those with runs or skips were looked at before. */
		if (r == 0 && k.now.runs == 0 && k.now.skips == 0)
			r = job_expire(s, &k);
		job_now_done(&k.now);
		place->id = ids[i];
		place->at = ats[i];
	}
	if (r >= 0 && n < KEEP_JOBS_MAX)
		place_next(place, KEEP_SPANS);
	return r < 0 ? r : 0;
}

/* ---- spans ---- */

/* How the clock was set is needed for good: an audit goes through elapsed time by it. */
static int
phase_spans(struct slice *s)
{
	struct keep_place *place = &s->o->place;
	int64_t ids[CHANGED_MAX];
	size_t n = 0, seen = 0;
	sqlite3_stmt *st;
	int r;

	st = sql(s->db, ST_KEEP_SPANS,
	    "SELECT id, kind, last FROM span WHERE id > ?1 ORDER BY id LIMIT ?2");
	bind_int(st, 1, place->id);
	bind_int(st, 2, CHANGED_MAX);
	while ((r = sql_step(s->db, st)) == 1) {
		instant last = { col_int(st, 2) };

		seen++;
		place->id = col_int(st, 0);
		if (col_int(st, 1) != SPAN_CLOCK && instant_is_set(last) &&
		    older(s, last, s->o->policy->spans))
			ids[n++] = place->id;
	}
	s->seen += seen;
	for (size_t i = 0; r == 0 && i < n; i++) {
		s->o->tally.spans++;
		s->changed++;
		if (s->o->dry)
			continue;
		st = sql(s->db, ST_KEEP_SPAN_DELETE, "DELETE FROM span WHERE id = ?1");
		bind_int(st, 1, ids[i]);
		r = sql_run(s->db, st);
	}
	if (r == 0 && seen < CHANGED_MAX)
		place_next(place, KEEP_NOTICES);
	return r;
}

/* ---- notices ---- */

/* Those that were given up, and those that nobody tries to deliver: their target is not configured any more. */
static int
phase_notices(struct slice *s)
{
	struct keep_place *place = &s->o->place;
	int64_t ids[CHANGED_MAX];
	size_t n = 0, seen = 0;
	sqlite3_stmt *st;
	int r;

	st = sql(s->db, ST_KEEP_NOTICES, "SELECT id, max(at, coalesce(due, at)) FROM notice WHERE id > ?1"
	    " ORDER BY id LIMIT ?2");
	bind_int(st, 1, place->id);
	bind_int(st, 2, CHANGED_MAX);
	while ((r = sql_step(s->db, st)) == 1) {
		seen++;
		place->id = col_int(st, 0);
		if (older(s, (instant){ col_int(st, 1) }, s->o->policy->age))
			ids[n++] = place->id;
	}
	s->seen += seen;
	for (size_t i = 0; r == 0 && i < n; i++) {
		s->o->tally.notices++;
		s->changed++;
		if (!s->o->dry)
			r = notice_delete(s->db, ids[i]);
	}
	if (r == 0 && seen < CHANGED_MAX)
		place_next(place, KEEP_OUTPUT);
	return r;
}

/* ---- all jobs together ---- */

/* The next runs of all jobs, oldest first. */
static int
all_page(struct slice *s, struct keep_run *rows, size_t *n)
{
	sqlite3_stmt *st = sql(s->db, ST_KEEP_ALL, "SELECT " KEEP_COLUMNS " FROM run"
	    " WHERE id > ?1 ORDER BY id LIMIT ?2");

	bind_int(st, 1, s->o->place.id);
	bind_int(st, 2, CHANGED_MAX);
	return run_page_read(s, st, rows, n);
}

/* Has a dry round assumed that the run is gone, by its job's limits? */
static bool
assumed_gone(struct slice *s, struct keep_job *k, const struct keep_run *row)
{
	bool spared;

	if (!s->o->dry || failed_from_load(s, k) < 0)
		return false;
	return older(s, k->now.finished, k->finished_age) ||
	    (row->run != k->now.runs && run_expired(s, k, row, &spared));
}

/* A run of some job loses its output, or goes.  1: done; 0: it was spared; -errno. */
static int
run_of_all(struct slice *s, const struct keep_run *row, bool whole)
{
	struct keep_job k;
	int r;

	if (row->state < RUN_SUCCEEDED || (!whole && row->output == 0))
		return 0;
	r = keep_job_load(s, row->job, &k);
	if (r < 0 || (whole && row->run == k.now.runs) || assumed_gone(s, &k, row)) {
		job_now_done(&k.now);
		return r == -ENOENT ? 0 : r;
	}
	r = whole ? run_delete(s, row, k.now.kind == KIND_COMMAND) : output_give_up(s, row);
	k.now.output -= s->o->dry ? 0 : row->output;
	if (whole && pruned_by(&k, row).usec > k.pruned.usec)
		k.pruned = pruned_by(&k, row);
	k.changed = true;
	if (r == 0)
		r = keep_job_save(s, &k);
	job_now_done(&k.now);
	return r < 0 ? r : 1;
}

/* Is there still too much of all? */
static bool
too_much(const struct slice *s, bool whole)
{
	const struct keep_policy *p = s->o->policy;
	const struct keep_place *place = &s->o->place;
	const struct counts *c = &s->db->counts;

	if (whole)
		return p->runs_total > 0 &&
		    c->runs - s->freed.rows - place->assumed_runs > p->runs_total;
	return p->output_total > 0 &&
	    c->output - s->freed.output - place->assumed_bytes > p->output_total;
}

static int
phase_all(struct slice *s, bool whole)
{
	struct keep_place *place = &s->o->place;
	struct keep_run *rows = xmalloc(CHANGED_MAX * sizeof(*rows));
	size_t n = 1;
	int r = 0;

	if (!whole && place->id < s->db->output_from - 1)
		place->id = s->db->output_from - 1;
	while (r >= 0 && n > 0 && !spent(s) && too_much(s, whole)) {
		r = all_page(s, rows, &n);
		for (size_t i = 0; r >= 0 && i < n && !spent(s) && too_much(s, whole); i++) {
			r = run_of_all(s, &rows[i], whole);
			place->id = rows[i].id;
			if (r >= 0 && !whole && !s->o->dry)
				s->output_from = rows[i].id + 1;
		}
	}
	free(rows);
	if (r < 0)
		return r;
	if (n == 0 || !too_much(s, whole))
		place_next(place, whole ? KEEP_OVER : KEEP_RUNS);
	return 0;
}

/* ---- the ops ---- */

static int
slice_count(struct slice *s)
{
	struct counts *c = &s->db->counts;

	if (s->output_from > 0)
		s->db->output_from = s->output_from;
	if (s->o->dry || s->changed == 0)
		return 0;
	counts_free(c, &s->freed);
	for (size_t i = 0; i < s->o->n; i++)
		counts_owner_add(c, s->owners[i], -1);
	return counts_save(s->db);
}

int
sqlite_keep_slice(void *arg, struct store_op *op)
{
	struct op_keep *o = container_of(op, struct op_keep, op);
	struct slice s = { .db = arg, .o = o };
	int r = 0;

	switch ((enum keep_phase)o->place.phase) {
	case KEEP_JOBS:
		r = phase_jobs(&s);
		break;
	case KEEP_FINISHED:
		r = phase_finished(&s);
		break;
	case KEEP_SPANS:
		r = phase_spans(&s);
		break;
	case KEEP_NOTICES:
		r = phase_notices(&s);
		break;
	case KEEP_OUTPUT:
		r = phase_all(&s, false);
		break;
	case KEEP_RUNS:
		r = phase_all(&s, true);
		break;
	case KEEP_OVER:
		break;
	}
	return r == 0 ? slice_count(&s) : r;
}

int
sqlite_output_trash(void *arg, struct store_op *op)
{
	struct op_output_trash *o = container_of(op, struct op_output_trash, op);
	struct sqlite *db = arg;
	sqlite3_stmt *st = sql(db, ST_OUTPUT_TRASH, "SELECT job, run FROM output_trash LIMIT ?1");
	int r;

	bind_int(st, 1, OUTPUT_TRASH_PAGE);
	while ((r = sql_step(db, st)) == 1)
		o->rows[o->n++] = (struct output_of){ col_int(st, 0), col_int(st, 1) };
	return r;
}

int
sqlite_output_removed(void *arg, struct store_op *op)
{
	struct op_output_removed *o = container_of(op, struct op_output_removed, op);
	struct sqlite *db = arg;
	sqlite3_stmt *st;
	int r = 0;

	MUST(o->n <= OUTPUT_TRASH_PAGE);
	for (size_t i = 0; r == 0 && i < o->n; i++) {
		st = sql(db, ST_OUTPUT_TRASH_DELETE,
		    "DELETE FROM output_trash WHERE job = ?1 AND run = ?2");
		bind_int(st, 1, o->rows[i].job);
		bind_int(st, 2, o->rows[i].run);
		r = sql_run(db, st);
	}
	return r;
}
