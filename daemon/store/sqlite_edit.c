/*
 * sqlite_edit: a job's spec is replaced, in one transaction with what that makes of its due, its parents and
 * its pause.  Its row stays, and so do its runs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/must.h"
#include "daemon/store/sqlite.h"
#include "daemon/store/state.h"

/* Would the check depend on itself?  1, 0, -errno. */
static int
depends_on_itself(struct sqlite *db, int64_t job, int64_t on)
{
	sqlite3_stmt *st = sql(db, ST_CHECK_CIRCLE,
	    "WITH RECURSIVE up(id) AS (SELECT ?2 UNION SELECT j.depends_on FROM up JOIN job j"
	    " ON j.id = up.id WHERE j.depends_on IS NOT NULL) SELECT 1 FROM up WHERE id = ?1 LIMIT 1");
	int r;

	if (on == 0)
		return 0;
	bind_int(st, 1, job);
	bind_int(st, 2, on);
	r = sql_step(db, st);
	if (r == 1)
		(void)sqlite3_reset(st);	/* one is asked for */
	return r;
}

/* What only an add writes otherwise. */
static int
spec_save(struct sqlite *db, const struct op_edit *o, const struct job_now *j, int64_t depends_on)
{
	const struct job_spec *spec = o->spec;
	sqlite3_stmt *st = sql(db, ST_JOB_EDIT,
	    "UPDATE job SET name = ?2, labels = ?3, description = ?4, summary = ?5, spec = ?6,"
	    " schedule = ?7, every_usec = ?8, misfire = ?9, overlap = ?10, on_boot = ?11,"
	    " keep_runs = ?12, keep_usec = ?13, keep_output = ?14, queue = ?15, priority = ?16,"
	    " slots = ?17, mutex = ?18, overlap_limit = ?19, depends_on = CASE WHEN ?26 THEN ?20 ELSE depends_on END,"
	    " source = ?21, parents = ?22, delay = ?23, epoch = coalesce(?24, epoch),"
	    " rescheduled = coalesce(?25, rescheduled) WHERE id = ?1");
	char *labels = spec->labels.n == 0 ? NULL : text_write(labels_fields, &spec->labels);
	struct queue_terms terms = terms_of(spec);
	int r;

	bind_int(st, 1, o->job);
	bind_text(st, 2, spec->name);
	bind_text(st, 3, labels);
	bind_text(st, 4, spec->description);
	bind_text(st, 5, o->summary);
	bind_text(st, 6, o->spec_json);
	bind_text(st, 7, o->schedule);
	bind_int(st, 8, spec->every);
	bind_int(st, 9, spec->misfire);
	bind_int(st, 10, spec->overlap);
	bind_int(st, 11, spec->on_boot);
	bind_some(st, 12, spec->keep_runs);
	bind_some(st, 13, spec->keep);
	bind_some(st, 14, spec->keep_output);
	bind_text(st, 15, terms.queue);
	bind_some(st, 16, terms.priority);
	bind_some(st, 17, terms.slots);
	bind_text(st, 18, terms.mutex);
	bind_some(st, 19, terms.overlap_limit);
	bind_some(st, 20, depends_on);
	bind_text(st, 21, spec->source);
	bind_int(st, 22, j->parents);
	bind_int(st, 23, j->delay);
	if (o->rescheduled)
		bind_int(st, 24, o->epoch);
	else
		(void)sqlite3_bind_null(st, 24);
	bind_some(st, 25, !o->rescheduled ? 0 : instant_is_set(o->since) ? o->since.usec : o->now.usec);
	bind_int(st, 26, o->depends);
	r = sql_run(db, st);
	free(labels);
	return r;
}

/* By its old schedule it was due, and nothing has come of it. */
static int
due_skip(struct sqlite *db, const struct op_edit *o, struct job_now *j)
{
	const struct op_skip skip = { .job = o->job, .first = j->due, .last = j->due, .count = 1,
	    .cause = SKIP_ASKED };
	int r;

	if (!instant_is_set(j->due) || j->due.usec > o->now.usec)
		return 0;
	r = skip_write(db, &skip, j->every);
	j->skips++;
	return r;
}

/* The next due by the new schedule, after all that is decided. */
static int
due_set(struct sqlite *db, const struct op_edit *o, struct job_now *j)
{
	usec_t decided;
	int r = instant_is_set(o->counted) && o->counted.usec != j->due.usec ? -ESTALE : 0;

	if (r == 0)
		r = due_skip(db, o, j);
	if (r == 0)
		r = job_last_decided(db, j, &decided);
	if (r < 0)
		return r == -EEXIST ? sql_damaged(db, "job", o->job) : r;
	return edit_due(o, j->due, decided, &j->due);
}

static int
hold_set(struct sqlite *db, struct op_edit *o, struct job_now *j)
{
	int r;

	if (o->hold < 0 || j->paused == (o->hold == 1))
		return 0;
	j->paused = o->hold == 1;
	o->let_go = !j->paused;
	r = span_hold(db, o->job, SPAN_PAUSED, j->paused, o->now, o->by);
	if (r == 0 && j->retrying > 0)
		r = retries_hold(db, o->job, job_held(j));
	return r;
}

static int
edit(struct sqlite *db, struct op_edit *o, struct job_now *j)
{
	const struct job_spec *spec = o->spec;
	bool renamed = (j->name == NULL) != (spec->name == NULL) ||
	    (spec->name != NULL && strcmp(j->name, spec->name) != 0);
	int64_t depends_on = 0;
	int r = 0;

	MUST(j->kind == (int)job_spec_kind(spec));
	if (o->depends)
		r = health_parent_find(db, spec, &depends_on);
	if (r == 0)
		r = depends_on_itself(db, o->job, depends_on);
	if (r == 1)
		r = -EISNAM;
	if (r == 0 && o->rescheduled)
		r = due_set(db, o, j);
	if (o->parents)
		j->parents = (int64_t)spec->after.n;
	j->delay = spec->after.n > 0 ? spec->in : 0;
	j->on_boot = spec->on_boot;
	if (r == 0)
		r = spec_save(db, o, j, depends_on);
	if (r == 0 && spec->queue != NULL)
		r = queue_named(db, spec->queue, &o->new_queue);
	if (r == 0 && o->parents)
		r = dependencies_replace(db, j, &spec->after, &o->failed_after);
	if (r == 0 && renamed)
		r = dependencies_rename(db, o->job, spec->name);
	if (r == 0)
		r = spec->notify.n > 0 ? notify_put(db, o->job, spec, o->rescheduled) :
		    notify_delete(db, o->job);
	return r < 0 ? r : hold_set(db, o, j);
}

int
sqlite_edit(void *arg, struct store_op *op)
{
	struct op_edit *o = container_of(op, struct op_edit, op);
	struct sqlite *db = arg;
	struct job_now j;
	int r;

	r = job_load(db, o->job, WANT_NAME, &j);
	if (r == 0)
		r = job_allows(&j, o->uid);
	o->now_generation = j.generation;
	if (r == 0 && o->generation != 0 && o->generation != j.generation)
		r = -ESTALE;
	if (r == 0)
		r = edit(db, o, &j);
	if (r == 0)
		r = dependents_due(db, &j, o->now, &o->dependents);
	if (r == 0) {
		o->now_generation = ++j.generation;
		job_settle(&j, o->now);
		r = job_save_counted(db, &j, true, &(struct told){ -1, o->now, &o->dependents });
	}
	job_now_done(&j);
	if (r == 0)
		r = job_load(db, o->job, WANT_NAME | WANT_DUE_ROW, &j);
	if (r < 0)
		return r;
	o->row = job_due_row(&j);
	o->job_state = j.state;
	o->held = job_held(&j);
	o->name = j.name;
	j.name = NULL;
	job_now_done(&j);
	return 0;
}
