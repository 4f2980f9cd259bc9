/*
 * sqlite_job: what is written about jobs: add, pause, remove, prune.  A job is read, changed in
 * memory and written back by its id: cheaper than one clever statement, and the rules
 * stand in C.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/must.h"
#include "daemon/store/sqlite.h"
#include "daemon/store/state.h"
#include "proto/mem.h"

/* Runs or skips of a removed job deleted in one op or one slice. */
#define TRASH_SLICE 500

static int
job_read(struct sqlite *db, sqlite3_stmt *st, unsigned want, struct job_now *j)
{
	j->uid = col_int(st, 0);
	j->due = (instant){ col_int(st, 4) };
	j->every = col_int(st, 5);
	j->generation = col_int(st, 6);
	j->runs = col_int(st, 7);
	j->skips = col_int(st, 8);
	j->queued = j->was_queued = col_int(st, 9);
	j->running = j->was_running = col_int(st, 10);
	j->finished = (instant){ col_int(st, 11) };
	j->paused = col_int(st, 3) != 0;
	j->on_boot = col_int(st, 14) != 0;
	j->previous = (instant){ col_int(st, 15) };
	j->overlaps = col_int(st, 18);
	if (!col_enum(st, 1, KIND_COUNT, &j->kind) ||
	    !col_enum(st, 2, JOB_STATE_COUNT, &j->state) ||
	    j->queued < 0 || j->running < 0 || j->runs < j->queued + j->running || j->every < 0)
		return sql_damaged(db, "job", j->id);
	if (want & WANT_NAME)
		j->name = col_text(st, 12);
	if (want & WANT_SPEC)
		j->spec_json = col_text(st, 13);
	if ((want & WANT_DUE_ROW) && !col_enum(st, 16, MISFIRE_COUNT, &j->misfire))
		return sql_damaged(db, "job", j->id);
	if (want & WANT_DUE_ROW)
		j->schedule = col_text(st, 17);
	if ((want & (WANT_DUE_ROW | WANT_TERMS)) && !terms_read(st, 19, &j->terms))
		return sql_damaged(db, "job", j->id);
	return 0;
}

int
job_load(struct sqlite *db, int64_t id, unsigned want, struct job_now *j)
{
	sqlite3_stmt *st = sql(db, ST_JOB_LOAD,
	    "SELECT uid, kind, state, paused, due, every_usec, generation, runs, skips, queued,"
	    " running, finished_at, name, spec, on_boot, previous, misfire, schedule, overlaps, "
	    TERMS_COLUMNS " FROM job WHERE id = ?1");
	int r;

	*j = (struct job_now){ .id = id };
	bind_int(st, 1, id);
	r = sql_step(db, st);
	if (r != 1)
		return r < 0 ? r : -ENOENT;
	r = job_read(db, st, want, j);
	(void)sqlite3_reset(st);	/* read by its id: there is no second row */
	return r;
}

void
job_now_done(struct job_now *j)
{
	free(j->name);
	free(j->spec_json);
	free(j->schedule);
	terms_done(&j->terms);
	j->name = j->spec_json = j->schedule = NULL;
}

void
job_settle(struct job_now *j, instant when)
{
	MUST(j->queued >= 0 && j->running >= 0);
	j->state = job_state_of(j->queued, j->running, j->paused,
	    instant_is_set(j->due) || j->on_boot);
	if (j->state != JOB_FINISHED)
		j->finished = (instant){ 0 };
	else if (!instant_is_set(j->finished))
		j->finished = when;
}

int
job_save(struct sqlite *db, const struct job_now *j, bool due_too)
{
	sqlite3_stmt *st;

	/* Without due and paused in the SET the index of dues is not touched. */
	if (due_too)
		st = sql(db, ST_JOB_SAVE_DUE,
		    "UPDATE job SET state = ?2, runs = ?3, queued = ?4, running = ?5,"
		    " finished_at = ?6, due = ?7, paused = ?8, skips = ?9, generation = ?10,"
		    " previous = ?11, overlaps = ?12 WHERE id = ?1");
	else
		st = sql(db, ST_JOB_SAVE,
		    "UPDATE job SET state = ?2, runs = ?3, queued = ?4, running = ?5,"
		    " finished_at = ?6 WHERE id = ?1");
	bind_int(st, 1, j->id);
	bind_int(st, 2, j->state);
	bind_int(st, 3, j->runs);
	bind_int(st, 4, j->queued);
	bind_int(st, 5, j->running);
	bind_some(st, 6, j->finished.usec);
	if (due_too) {
		bind_some(st, 7, j->due.usec);
		bind_int(st, 8, j->paused);
		bind_int(st, 9, j->skips);
		bind_int(st, 10, j->generation);
		bind_some(st, 11, j->previous.usec);
		bind_int(st, 12, j->overlaps);
	}
	return sql_run(db, st);
}

/* ---- add ---- */

/* 1: there is one, and *id is its; 0; -errno. */
static int
job_by_key(struct sqlite *db, int64_t uid, const char *key, int64_t *id)
{
	sqlite3_stmt *st = sql(db, ST_JOB_BY_KEY, "SELECT id FROM job WHERE uid = ?1 AND key = ?2");
	int r;

	bind_int(st, 1, uid);
	bind_text(st, 2, key);
	r = sql_step(db, st);
	if (r == 1) {
		*id = col_int(st, 0);
		(void)sqlite3_reset(st);	/* keys are unique */
	}
	return r;
}

static int
job_insert(struct sqlite *db, const struct op_add *op, const struct job_new *job, int64_t id)
{
	const struct job_spec *spec = job->spec;
	sqlite3_stmt *st = sql(db, ST_JOB_INSERT,
	    "INSERT INTO job (id, uid, kind, state, paused, due, every_usec, overlap, misfire,"
	    " generation, created, runs, skips, queued, running, finished_at, name, key, labels,"
	    " description, summary, spec, schedule, on_boot, epoch, queue, priority, slots, mutex,"
	    " overlap_limit) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 1, ?10, 0, 0, 0, 0, ?11, ?12,"
	    " ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)");
	struct queue_terms terms = terms_of(spec);
	int state = job_state_of(0, 0, spec->paused, instant_is_set(job->due) || spec->on_boot);
	char *labels = spec->labels.n == 0 ? NULL : text_write(labels_fields, &spec->labels);
	int r;

	bind_int(st, 1, id);
	bind_int(st, 2, op->uid);
	bind_int(st, 3, job_spec_kind(spec));
	bind_int(st, 4, state);
	bind_int(st, 5, spec->paused);
	bind_some(st, 6, job->due.usec);
	bind_int(st, 7, spec->every);
	bind_int(st, 8, spec->overlap);
	bind_int(st, 9, spec->misfire);
	bind_int(st, 10, op->now.usec);
	bind_some(st, 11, state == JOB_FINISHED ? op->now.usec : 0);
	bind_text(st, 12, spec->name);
	bind_text(st, 13, spec->key);
	bind_text(st, 14, labels);
	bind_text(st, 15, spec->description);
	bind_text(st, 16, job->summary);
	bind_text(st, 17, job->spec_json);
	bind_text(st, 18, job->schedule);
	bind_int(st, 19, spec->on_boot);
	bind_int(st, 20, op->epoch);
	bind_text(st, 21, terms.queue);
	bind_some(st, 22, terms.priority);
	bind_some(st, 23, terms.slots);
	bind_text(st, 24, terms.mutex);
	bind_some(st, 25, terms.overlap_limit);
	r = sql_run(db, st);
	free(labels);
	return r;
}

int
sqlite_add(void *arg, struct store_op *op)
{
	struct op_add *o = container_of(op, struct op_add, op);
	struct sqlite *db = arg;
	int64_t last = db->counts.last_id, added = 0, owned = counts_owned(&db->counts, o->uid);
	int r;

	MUST(o->uid >= 0);
	for (size_t i = 0; i < o->n; i++) {
		struct job_new *job = &o->jobs[i];

		o->failed = i;
		r = job->spec->key == NULL ? 0 : job_by_key(db, o->uid, job->spec->key, &job->id);
		if (r < 0)
			return r;
		job->existed = r == 1;
		if (job->existed)
			continue;
		if (o->jobs_max_uid > 0 && owned + added >= o->jobs_max_uid)
			return -EDQUOT;
		r = 0;
		if (job->spec->queue != NULL)
			r = queue_named(db, job->spec->queue, &job->new_queue);
		if (r == 0)
			r = job_insert(db, o, job, last + 1);
		if (r < 0)
			return r;
		job->id = ++last;
		added++;
	}
	if (added == 0)
		return 0;
	db->counts.last_id = last;
	counts_owner_add(&db->counts, o->uid, added);
	return counts_save_sometimes(db);
}

/* ---- pause ---- */

int
sqlite_pause(void *arg, struct store_op *op)
{
	struct op_pause *o = container_of(op, struct op_pause, op);
	struct sqlite *db = arg;
	struct job_now j;
	int r;

	r = job_load(db, o->job, WANT_NAME | WANT_DUE_ROW, &j);
	if (r == 0)
		r = job_allows(&j, o->uid);
	if (r < 0)
		goto out;
	/* Of what is finished there is nothing to hold back. */
	o->changed = j.paused != o->paused && !(o->paused && j.state == JOB_FINISHED);
	if (o->changed) {
		j.paused = o->paused;
		j.generation++;
		job_settle(&j, o->now);
		r = job_save(db, &j, true);
	}
	if (r == 0 && o->changed)
		r = span_pause(db, o);
	if (r < 0)
		goto out;
	o->row = (struct due_row){
		.due = j.due, .id = j.id, .every = j.every, .misfire = j.misfire, .kind = j.kind,
		.schedule = j.schedule, .uid = j.uid, .terms = j.terms,
	};
	j.schedule = NULL;
	j.terms = (struct queue_terms){ 0 };
	o->job_state = j.state;
	o->name = j.name;
	j.name = NULL;
out:
	job_now_done(&j);
	return r;
}

/* ---- remove ---- */

static int
run_by_job(struct sqlite *db, enum statement id, const char *text, int64_t job)
{
	sqlite3_stmt *st = sql(db, id, text);

	bind_int(st, 1, job);
	bind_int(st, 2, TRASH_SLICE);
	return sql_run(db, st);
}

/* Delete a slice of a job's runs and skips.  1: there may be more; 0; -errno. */
static int
leavings_delete(struct sqlite *db, int64_t job)
{
	int r;

	r = run_by_job(db, ST_JOB_RUNS_DELETE,
	    "DELETE FROM run WHERE id IN (SELECT id FROM run WHERE job = ?1 LIMIT ?2)", job);
	if (r < 0 || sqlite3_changes(db->db) >= TRASH_SLICE)
		return r < 0 ? r : 1;
	r = run_by_job(db, ST_JOB_SKIPS_DELETE, "DELETE FROM skip WHERE job = ?1 AND first IN"
	    " (SELECT first FROM skip WHERE job = ?1 LIMIT ?2)", job);
	if (r < 0 || sqlite3_changes(db->db) >= TRASH_SLICE)
		return r < 0 ? r : 1;
	return 0;
}

/* The counts are to be changed and saved by the caller. */
static int
job_delete(struct sqlite *db, int64_t id)
{
	sqlite3_stmt *st;
	int r;

	st = sql(db, ST_JOB_DELETE, "DELETE FROM job WHERE id = ?1");
	bind_int(st, 1, id);
	r = sql_run(db, st);
	if (r == 0) {
		st = sql(db, ST_SPANS_DELETE, "DELETE FROM span WHERE job = ?1");
		bind_int(st, 1, id);
		r = sql_run(db, st);
	}
	if (r == 0)
		r = leavings_delete(db, id);
	if (r <= 0)
		return r;
	/* What is left goes slice by slice, when there is time. */
	st = sql(db, ST_TRASH_PUT, "INSERT INTO trash VALUES (?1)");
	bind_int(st, 1, id);
	db->trash = true;
	return sql_run(db, st);
}

int
sqlite_remove(void *arg, struct store_op *op)
{
	struct op_remove *o = container_of(op, struct op_remove, op);
	struct sqlite *db = arg;
	struct job_now j;
	int r;

	r = job_load(db, o->job, WANT_NAME, &j);
	if (r == 0)
		r = job_allows(&j, o->uid);
	if (r == 0 && j.queued + j.running > 0)
		r = -EBUSY;
	if (r == 0)
		r = job_delete(db, o->job);
	if (r == 0) {
		counts_owner_add(&db->counts, j.uid, -1);
		r = counts_save(db);
	}
	if (r == 0) {
		o->runs = j.runs;
		o->name = j.name;
		j.name = NULL;
	}
	job_now_done(&j);
	return r;
}

/* Jobs that finished before, oldest first; one more than limit, to know of it. */
static int
prune_find(struct sqlite *db, struct op_prune *o, int64_t *uids)
{
	sqlite3_stmt *st = sql(db, ST_FINISHED,
	    "SELECT id, uid FROM job WHERE finished_at IS NOT NULL AND finished_at < ?1"
	    " ORDER BY finished_at LIMIT ?2");
	int r;

	bind_int(st, 1, o->finished_before.usec);
	bind_int(st, 2, (int64_t)o->limit + 1);
	while ((r = sql_step(db, st)) == 1) {
		if (o->n == o->limit) {
			o->more = true;
			(void)sqlite3_reset(st);	/* seen enough */
			return 0;
		}
		uids[o->n] = col_int(st, 1);
		o->jobs[o->n++] = col_int(st, 0);
	}
	return r;
}

int
sqlite_prune(void *arg, struct store_op *op)
{
	struct op_prune *o = container_of(op, struct op_prune, op);
	struct sqlite *db = arg;
	int64_t *uids;
	int r;

	MUST(o->limit > 0 && o->limit <= SCAN_ROWS_MAX);
	uids = xcalloc(o->limit, sizeof(*uids));
	o->jobs = xcalloc(o->limit, sizeof(*o->jobs));
	r = prune_find(db, o, uids);
	for (size_t i = 0; r == 0 && i < o->n; i++)
		r = job_delete(db, o->jobs[i]);
	for (size_t i = 0; r == 0 && i < o->n; i++)
		counts_owner_add(&db->counts, uids[i], -1);
	if (r == 0 && o->n > 0)
		r = counts_save(db);
	free(uids);
	return r;
}

/* ---- what removed jobs have left ---- */

static int
trash_first(struct sqlite *db, int64_t *job)
{
	sqlite3_stmt *st = sql(db, ST_TRASH_FIRST, "SELECT job FROM trash LIMIT 1");
	int r = sql_step(db, st);

	if (r == 1) {
		*job = col_int(st, 0);
		(void)sqlite3_reset(st);	/* one is asked for */
	}
	return r;
}

int
trash_slice(struct sqlite *db)
{
	sqlite3_stmt *st;
	int64_t job = 0;
	int r;

	r = trash_first(db, &job);
	if (r <= 0)
		return r;
	r = sql_run(db, sql(db, ST_BEGIN, "BEGIN IMMEDIATE"));
	if (r == 0)
		r = leavings_delete(db, job);
	if (r == 0) {
		st = sql(db, ST_TRASH_DROP, "DELETE FROM trash WHERE job = ?1");
		bind_int(st, 1, job);
		r = sql_run(db, st);
	}
	if (r >= 0)
		r = sql_run(db, sql(db, ST_COMMIT, "COMMIT"));
	/* When this fails, too, nothing is written either. */
	if (r < 0 && !sqlite3_get_autocommit(db->db))
		(void)sql_run(db, sql(db, ST_ROLLBACK, "ROLLBACK"));
	return r < 0 ? r : 1;
}
