/*
 * sqlite_job: what is written about jobs: add, pause, remove.  A job is read, changed in
 * memory and written back by its id: cheaper than one clever statement, and the rules
 * stand in C.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/must.h"
#include "daemon/store/backend.h"
#include "daemon/store/sqlite.h"
#include "daemon/store/state.h"
#include "proto/mem.h"

/* Runs or skips of a removed job deleted in one op or one slice. */
#define TRASH_SLICE 500

/* The bits of job.paused. */
#define HELD_PAUSED		1
#define HELD_QUARANTINED	2

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
	j->paused = (col_int(st, 3) & HELD_PAUSED) != 0;
	j->quarantined = (col_int(st, 3) & HELD_QUARANTINED) != 0;
	j->retrying = j->was_retrying = col_int(st, 19);
	j->crashes = col_int(st, 20);
	j->on_boot = col_int(st, 14) != 0;
	j->previous = (instant){ col_int(st, 15) };
	j->overlaps = col_int(st, 18);
	j->took = col_int(st, 22);
	j->was_runs = j->runs;
	j->output = j->was_output = col_int(st, 23);
	j->parents = col_int(st, 24);
	j->unmet = col_int(st, 25);
	j->never = col_int(st, 26);
	j->children = col_int(st, 27);
	j->delay = col_int(st, 28);
	if (!col_enum(st, 1, KIND_COUNT, &j->kind) ||
	    !col_enum(st, 2, JOB_STATE_COUNT, &j->state) ||
	    j->queued < 0 || j->running < 0 || j->retrying < 0 || j->every < 0 ||
	    j->runs < j->queued + j->running + j->retrying)
		return sql_damaged(db, "job", j->id);
	j->was_state = j->state;
	if (want & WANT_NAME)
		j->name = col_text(st, 12);
	if (want & WANT_SPEC)
		j->spec_json = col_text(st, 13);
	if ((want & WANT_DUE_ROW) && !col_enum(st, 16, MISFIRE_COUNT, &j->misfire))
		return sql_damaged(db, "job", j->id);
	if (want & WANT_DUE_ROW) {
		j->schedule = col_text(st, 17);
		j->retrying_run = col_int(st, 21);
	}
	if ((want & (WANT_DUE_ROW | WANT_TERMS)) && !terms_read(st, 29, &j->terms))
		return sql_damaged(db, "job", j->id);
	return 0;
}

int
job_load(struct sqlite *db, int64_t id, unsigned want, struct job_now *j)
{
	sqlite3_stmt *st = sql(db, ST_JOB_LOAD,
	    "SELECT uid, kind, state, paused, due, every_usec, generation, runs, skips, queued,"
	    " running, finished_at, name, spec, on_boot, previous, misfire, schedule, overlaps,"
	    " retrying, crashes, " JOB_RETRYING_RUN ", took, output, parents, unmet, never,"
	    " children, delay, " TERMS_COLUMNS " FROM job WHERE id = ?1");
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
	bool due = instant_is_set(j->due);
	const struct job_facts facts = {
		.queued = j->queued, .running = j->running, .retrying = j->retrying,
		.paused = j->paused, .quarantined = j->quarantined,
		.has_more = due || j->on_boot || (j->parents > 0 && j->never == 0),
		.waits = j->parents > 0 && !due,
	};

	MUST(j->queued >= 0 && j->running >= 0 && j->retrying >= 0);
	j->state = job_state_of(&facts);
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
		    " finished_at = ?6, retrying = ?7, crashes = ?8, took = ?9, output = ?10,"
		    " due = ?11, paused = ?12, skips = ?13, generation = ?14, previous = ?15,"
		    " overlaps = ?16, unmet = ?17, never = ?18 WHERE id = ?1");
	else
		st = sql(db, ST_JOB_SAVE,
		    "UPDATE job SET state = ?2, runs = ?3, queued = ?4, running = ?5,"
		    " finished_at = ?6, retrying = ?7, crashes = ?8, took = ?9, output = ?10"
		    " WHERE id = ?1");
	bind_int(st, 1, j->id);
	bind_int(st, 2, j->state);
	bind_int(st, 3, j->runs);
	bind_int(st, 4, j->queued);
	bind_int(st, 5, j->running);
	bind_some(st, 6, j->finished.usec);
	bind_int(st, 7, j->retrying);
	bind_int(st, 8, j->crashes);
	bind_some(st, 9, j->took);
	bind_int(st, 10, j->output);
	if (due_too) {
		bind_some(st, 11, j->due.usec);
		bind_int(st, 12, (j->paused ? HELD_PAUSED : 0) |
		    (j->quarantined ? HELD_QUARANTINED : 0));
		bind_int(st, 13, j->skips);
		bind_int(st, 14, j->generation);
		bind_some(st, 15, j->previous.usec);
		bind_int(st, 16, j->overlaps);
		bind_int(st, 17, j->unmet);
		bind_int(st, 18, j->never);
	}
	return sql_run(db, st);
}

int
job_save_counted(struct sqlite *db, const struct job_now *j, bool due_too,
    const struct told *told)
{
	int r = job_save(db, j, due_too);

	if (r == 0 && told != NULL)
		r = dependents_tell(db, j, told->outcome, told->at, told->out);
	if (r < 0)
		return r;
	counts_runs_add(&db->counts, j->queued - j->was_queued, j->running - j->was_running,
	    j->retrying - j->was_retrying);
	counts_rows_add(&db->counts, j->runs - j->was_runs);
	counts_output_add(&db->counts, j->output - j->was_output);
	return counts_save_sometimes(db);
}

struct due_row
job_due_row(struct job_now *j)
{
	struct due_row row = {
		.due = j->due, .id = j->id, .every = j->every, .misfire = j->misfire, .kind = j->kind,
		.schedule = j->schedule, .retrying = j->retrying_run, .uid = j->uid,
		.terms = j->terms,
	};

	j->schedule = NULL;
	j->terms = (struct queue_terms){ 0 };
	return row;
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
job_insert(struct sqlite *db, const struct op_add *op, struct job_new *job, int64_t id,
    int64_t depends_on)
{
	const struct job_spec *spec = job->spec;
	sqlite3_stmt *st = sql(db, ST_JOB_INSERT,
	    "INSERT INTO job (id, uid, kind, state, paused, due, every_usec, overlap, misfire,"
	    " generation, created, runs, skips, queued, running, finished_at, name, key, labels,"
	    " description, summary, spec, schedule, on_boot, epoch, keep_runs, keep_usec,"
	    " keep_output, parents, unmet, delay, queue, priority, slots, mutex, overlap_limit,"
	    " depends_on, source)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 1, ?10, 0, 0, 0, 0, ?11, ?12, ?13, ?14,"
	    " ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?24, ?25, ?26, ?27, ?28, ?29, ?30,"
	    " ?31, ?32)");
	struct queue_terms terms = terms_of(spec);
	int64_t parents = (int64_t)spec->after.n;
	bool due = instant_is_set(job->due);
	const struct job_facts facts = {
		.paused = spec->paused, .has_more = due || spec->on_boot || parents > 0,
		.waits = parents > 0 && !due,
	};
	int state = job_state_of(&facts);
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
	bind_some(st, 21, spec->keep_runs);
	bind_some(st, 22, spec->keep);
	bind_some(st, 23, spec->keep_output);
	bind_int(st, 24, parents);
	bind_int(st, 25, parents > 0 ? spec->in : 0);
	job->job_state = state;
	bind_text(st, 26, terms.queue);
	bind_some(st, 27, terms.priority);
	bind_some(st, 28, terms.slots);
	bind_text(st, 29, terms.mutex);
	bind_some(st, 30, terms.overlap_limit);
	bind_some(st, 31, depends_on);
	bind_text(st, 32, spec->source);
	r = sql_run(db, st);
	free(labels);
	return r;
}

/* All of an add but what is kept in memory, which nobody would undo; so many were new. */
static int
adds_write(struct sqlite *db, struct op_add *o, int64_t *ret_added)
{
	int64_t before = db->counts.last_id, last = before, added = 0;
	int64_t owned = counts_owned(&db->counts, o->uid), depends_on;
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
		r = health_parent_find(db, job->spec, &depends_on);
		if (r == 0 && job->spec->queue != NULL)
			r = queue_named(db, job->spec->queue, &job->new_queue);
		if (r == 0)
			r = job_insert(db, o, job, last + 1, depends_on);
		if (r < 0)
			return r;
		job->id = ++last;
		added++;
		r = notify_put(db, job->id, job->spec, false);
		if (r < 0)
			return r;
	}
	*ret_added = added;
	/* Now those that they name are all there. */
	return added == 0 ? 0 : dependencies_add(db, o, before);
}

static int
adds_count(struct sqlite *db, int64_t uid, int64_t added)
{
	if (added == 0)
		return 0;
	db->counts.last_id += added;
	counts_owner_add(&db->counts, uid, added);
	return counts_save_sometimes(db);
}

int
sqlite_add(void *arg, struct store_op *op)
{
	struct op_add *o = container_of(op, struct op_add, op);
	int64_t added;
	int r = adds_write(arg, o, &added);

	if (r == 0 && o->dry)
		r = -ECANCELED;
	return r < 0 ? r : adds_count(arg, o->uid, added);
}

int
sqlite_apply(void *arg, struct store_op *op)
{
	struct op_apply *o = container_of(op, struct op_apply, op);
	int64_t added;
	int r = adds_write(arg, o->add, &added);

	for (size_t i = 0; r == 0 && i < o->n; i++) {
		o->failed = i;
		r = sqlite_edit(arg, &o->edits[i]->op);
		o->of_edit = r < 0;
	}
	if (r == 0 && o->dry)
		r = -ECANCELED;
	return r < 0 ? r : adds_count(arg, o->add->uid, added);
}

/* ---- pause ---- */

/* Paused or let go: the job, its retrying runs, and the record of it. */
static int
job_hold(struct sqlite *db, const struct op_pause *o, struct job_now *j)
{
	int r = 0;

	if (j->paused != o->paused)
		r = span_hold(db, o->job, SPAN_PAUSED, o->paused, o->now, o->by);
	if (r == 0 && o->released)
		r = span_hold(db, o->job, SPAN_QUARANTINED, false, o->now, 0);
	j->paused = o->paused;
	if (o->released) {
		j->quarantined = false;
		j->crashes = 0;
	}
	j->generation++;
	if (r == 0 && j->retrying > 0)
		r = retries_hold(db, o->job, job_held(j));
	job_settle(j, o->now);
	return r < 0 ? r : job_save(db, j, true);
}

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
	o->released = !o->paused && j.quarantined;
	o->changed = o->released ||
	    (j.paused != o->paused && !(o->paused && j.state == JOB_FINISHED));
	if (o->changed)
		r = job_hold(db, o, &j);
	if (r < 0)
		goto out;
	o->row = job_due_row(&j);
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

/* Delete a slice of a job's runs and skips, added to what was freed.  1: there may be more; 0; -errno. */
static int
leavings_delete(struct sqlite *db, int64_t job, struct freed *freed)
{
	int r;

	r = run_by_job(db, ST_JOB_RUNS_DELETE,
	    "DELETE FROM run WHERE id IN (SELECT id FROM run WHERE job = ?1 LIMIT ?2)", job);
	if (r == 0)
		freed->rows += sqlite3_changes(db->db);
	if (r < 0 || sqlite3_changes(db->db) >= TRASH_SLICE)
		return r < 0 ? r : 1;
	r = run_by_job(db, ST_JOB_SKIPS_DELETE, "DELETE FROM skip WHERE job = ?1 AND first IN"
	    " (SELECT first FROM skip WHERE job = ?1 LIMIT ?2)", job);
	if (r < 0 || sqlite3_changes(db->db) >= TRASH_SLICE)
		return r < 0 ? r : 1;
	r = run_by_job(db, ST_ATTEMPTS_DELETE, "DELETE FROM attempt WHERE job = ?1 AND"
	    " (run, attempt) IN (SELECT run, attempt FROM attempt WHERE job = ?1 LIMIT ?2)", job);
	if (r < 0 || sqlite3_changes(db->db) >= TRASH_SLICE)
		return r < 0 ? r : 1;
	return 0;
}

int
output_trash_put(struct sqlite *db, int64_t job, int64_t run)
{
	sqlite3_stmt *st = sql(db, ST_OUTPUT_TRASH_PUT,
	    "INSERT OR IGNORE INTO output_trash VALUES (?1, ?2)");

	bind_int(st, 1, job);
	bind_int(st, 2, run);
	return sql_run(db, st);
}

/* All of the job's output is to go: of its runs nothing need be said any more. */
static int
output_trash_job(struct sqlite *db, int64_t job)
{
	sqlite3_stmt *st = sql(db, ST_OUTPUT_TRASH_JOB, "DELETE FROM output_trash WHERE job = ?1");
	int r;

	bind_int(st, 1, job);
	r = sql_run(db, st);
	return r < 0 ? r : output_trash_put(db, job, 0);
}

int
job_delete(struct sqlite *db, const struct job_now *j, struct freed *freed)
{
	sqlite3_stmt *st;
	int r;

	MUST(j->queued + j->running + j->retrying == 0);
	r = dependencies_delete(db, j->id);
	if (r == 0)
		r = notify_delete(db, j->id);
	if (r < 0)
		return r;
	st = sql(db, ST_JOB_DELETE, "DELETE FROM job WHERE id = ?1");
	bind_int(st, 1, j->id);
	r = sql_run(db, st);
	if (r == 0) {
		st = sql(db, ST_SPANS_DELETE, "DELETE FROM span WHERE job = ?1");
		bind_int(st, 1, j->id);
		r = sql_run(db, st);
	}
	if (r == 0 && j->kind == KIND_COMMAND && j->runs > 0)
		r = output_trash_job(db, j->id);
	if (r == 0)
		r = leavings_delete(db, j->id, freed);
	freed->output += j->output;
	if (r <= 0)
		return r;
	/* What is left goes slice by slice, when there is time. */
	st = sql(db, ST_TRASH_PUT, "INSERT INTO trash VALUES (?1)");
	bind_int(st, 1, j->id);
	db->trash = true;
	return sql_run(db, st);
}

int
sqlite_remove(void *arg, struct store_op *op)
{
	struct op_remove *o = container_of(op, struct op_remove, op);
	struct sqlite *db = arg;
	struct freed freed = { 0 };
	struct job_now j;
	int r;

	r = job_load(db, o->job, WANT_NAME, &j);
	if (r == 0)
		r = job_allows(&j, o->uid);
	if (r == 0 && j.queued + j.running + j.retrying > 0)
		r = -EBUSY;
	if (r == 0)
		r = dependents_waiting(db, &j, &o->waited);
	if (r == 0)
		r = job_delete(db, &j, &freed);
	if (r == 0) {
		/* To those that wait for it, what is gone is as what is finished. */
		j.state = JOB_FINISHED;
		r = dependents_tell(db, &j, -1, o->now, &o->dependents);
	}
	if (r == 0) {
		counts_free(&db->counts, &freed);
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
	struct freed freed = { 0 };
	sqlite3_stmt *st;
	int64_t job = 0;
	int r;

	r = trash_first(db, &job);
	if (r <= 0)
		return r;
	r = backend_sqlite.begin(db);
	if (r < 0)
		return r;
	r = leavings_delete(db, job, &freed);
	if (r == 0) {
		st = sql(db, ST_TRASH_DROP, "DELETE FROM trash WHERE job = ?1");
		bind_int(st, 1, job);
		r = sql_run(db, st);
	}
	if (r >= 0) {
		counts_free(&db->counts, &freed);
		r = counts_save(db);
	}
	if (r < 0) {
		backend_sqlite.rollback(db);
		return r;
	}
	r = backend_sqlite.commit(db);
	return r < 0 ? r : 1;
}
