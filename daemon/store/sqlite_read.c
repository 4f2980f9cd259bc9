/*
 * sqlite_read: pages.  Every read looks at a bounded number of rows and says where to go on, so
 * that none delays a claim; filters that no index serves are applied here, row by row.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/must.h"
#include "daemon/store/sqlite.h"
#include "proto/json.h"
#include "proto/mem.h"

/* ---- due and active: for the scheduler ---- */

#define DUE_COLUMNS "due, id, every_usec, misfire, kind, schedule, uid, " TERMS_COLUMNS ", " \
	JOB_RETRYING_RUN

/* Is it one of those that are wanted? */
static bool
due_wanted(const struct op_due *o, sqlite3_stmt *st)
{
	struct queue_terms terms = { .queue = (char *)(uintptr_t)sqlite3_column_text(st, 7) };
	const char *queue = terms_queue(&terms, (int)col_int(st, 4));

	if (!o->some)
		return true;
	if (col_int(st, 6) != o->uid)
		return false;
	if (o->queue == NULL || queue == NULL)
		return o->queue == queue && col_int(st, 4) == o->kind;
	return strcmp(o->queue, queue) == 0;
}

static int
due_rows(struct sqlite *db, sqlite3_stmt *st, struct op_due *o, size_t *seen)
{
	int r;

	while ((r = sql_step(db, st)) == 1) {
		struct due_row *row;

		if (o->n == DUE_PAGE) {
			o->more = true;
			(void)sqlite3_reset(st);	/* seen enough */
			return 0;
		}
		if (o->some && ++*seen > SCAN_ROWS_MAX) {
			o->more = true;
			(void)sqlite3_reset(st);	/* seen enough */
			return 0;
		}
		o->last_due = (instant){ col_int(st, 0) };
		o->last_id = col_int(st, 1);
		if (!due_wanted(o, st))
			continue;
		row = &o->rows[o->n];
		*row = (struct due_row){
			.due = { col_int(st, 0) },
			.id = col_int(st, 1),
			.every = col_int(st, 2),
			.schedule = col_text(st, 5),
			.uid = col_int(st, 6),
			.retrying = col_int(st, 13),
		};
		if (!col_enum(st, 3, MISFIRE_COUNT, &row->misfire) ||
		    !col_enum(st, 4, KIND_COUNT, &row->kind) || !terms_read(st, 7, &row->terms)) {
			/* It must not keep the others from running. */
			(void)sql_damaged(db, "job", row->id);
			free(row->schedule);
			continue;
		}
		o->n++;
	}
	return r;
}

int
sqlite_due(void *arg, struct store_op *op)
{
	struct op_due *o = container_of(op, struct op_due, op);
	struct sqlite *db = arg;
	int64_t limit = o->some ? SCAN_ROWS_MAX + 1 : DUE_PAGE + 1;
	sqlite3_stmt *st;
	size_t seen = 0;
	int r = 0;

	/*
	 * Two ranges of the index: (due, id) > (x, y) as one would be walked from x again for
	 * each page.
	 */
	if (o->after_due.usec <= o->until.usec) {
		st = sql(db, ST_DUE_SAME,
		    "SELECT " DUE_COLUMNS " FROM job"
		    " WHERE due = ?1 AND id > ?2 AND due IS NOT NULL AND paused = 0"
		    " ORDER BY id LIMIT ?3");
		bind_int(st, 1, o->after_due.usec);
		bind_int(st, 2, o->after_id);
		bind_int(st, 3, limit);
		r = due_rows(db, st, o, &seen);
	}
	if (r < 0 || o->more)
		return r;
	st = sql(db, ST_DUE_LATER,
	    "SELECT " DUE_COLUMNS " FROM job"
	    " WHERE due > ?1 AND due <= ?2 AND due IS NOT NULL AND paused = 0"
	    " ORDER BY due, id LIMIT ?3");
	bind_int(st, 1, o->after_due.usec);
	bind_int(st, 2, o->until.usec);
	bind_int(st, 3, limit);
	return due_rows(db, st, o, &seen);
}

static bool
active_read(sqlite3_stmt *st, struct active_row *row)
{
	*row = (struct active_row){
		.cursor = col_int(st, 0),
		.job = col_int(st, 1),
		.run = col_int(st, 2),
		.uid = col_int(st, 5),
		.attempt = col_int(st, 6),
		.due = { col_int(st, 7) },
		.noticed = { col_int(st, 8) },
		.started = { col_int(st, 9) },
		.manual = col_int(st, 10) != 0,
	};
	if (!col_enum(st, 3, RUN_STATE_COUNT, &row->state) ||
	    !col_enum(st, 4, KIND_COUNT, &row->kind) || !terms_read(st, 20, &row->terms))
		return false;
	row->canceled_by = col_text(st, 11);
	row->cancel_asked = row->canceled_by != NULL;
	row->name = col_text(st, 12);
	row->spec_json = col_text(st, 13);
	row->mark = (int)col_int(st, 14);
	row->missed = col_int(st, 15);
	row->previous = (instant){ col_int(st, 16) };
	row->retry_at = (instant){ col_int(st, 17) };
	row->retried = col_int(st, 18);
	row->took = col_int(st, 19);
	row->job_retrying = col_int(st, 26) != 0;
	return ping_read((const char *)sqlite3_column_text(st, 27), &row->ping) == 0;
}

static int
active_rows(struct sqlite *db, sqlite3_stmt *st, struct op_active *o)
{
	int r;

	while ((r = sql_step(db, st)) == 1) {
		if (o->n == ACTIVE_PAGE) {
			o->more = true;
			(void)sqlite3_reset(st);	/* seen enough */
			return 0;
		}
		if (active_read(st, &o->rows[o->n]))
			o->n++;
		else
			(void)sql_damaged(db, "run", col_int(st, 0));
	}
	return r;
}

/* CROSS JOIN: in this order. */
#define ACTIVE_SELECT \
	"SELECT r.id, r.job, r.run, r.state, j.kind, j.uid, r.attempt, r.due, r.noticed," \
	" r.started, r.manual, r.canceled_by, j.name, CASE WHEN r.state = 1 THEN j.spec END," \
	" r.mark, r.missed, r.previous, r.retry_at, r.retried, j.took, " TERMS_COLUMNS_OF("j") "," \
	" j.retrying > 0, r.ping" \
	" FROM run r CROSS JOIN job j ON j.id = r.job WHERE "

/* By the time of their next attempt; two ranges of the index, as for dues. */
static int
active_retrying(struct sqlite *db, struct op_active *o)
{
	sqlite3_stmt *st;
	int r;

	st = sql(db, ST_RETRYING_SAME, ACTIVE_SELECT
	    "r.state = 2 AND r.retry_at = ?1 AND r.id > ?2 ORDER BY r.id LIMIT ?3");
	bind_int(st, 1, o->after_at.usec);
	bind_int(st, 2, o->after);
	bind_int(st, 3, ACTIVE_PAGE + 1);
	r = active_rows(db, st, o);
	if (r < 0 || o->more)
		return r;
	/* Those of paused jobs are below. */
	st = sql(db, ST_RETRYING_LATER, ACTIVE_SELECT
	    "r.state = 2 AND r.retry_at > ?1 ORDER BY r.retry_at, r.id LIMIT ?2");
	bind_int(st, 1, o->after_at.usec < 0 ? 0 : o->after_at.usec);
	bind_int(st, 2, ACTIVE_PAGE + 1);
	return active_rows(db, st, o);
}

int
sqlite_active(void *arg, struct store_op *op)
{
	struct op_active *o = container_of(op, struct op_active, op);
	struct sqlite *db = arg;
	sqlite3_stmt *st;

	if (o->state == RUN_RETRYING)
		return active_retrying(db, o);
	st = sql(db, ST_ACTIVE, ACTIVE_SELECT
	    "r.state = ?1 AND r.state <= 2 AND r.id > ?2 ORDER BY r.id LIMIT ?3");
	bind_int(st, 1, o->state);
	bind_int(st, 2, o->after);
	bind_int(st, 3, ACTIVE_PAGE + 1);
	return active_rows(db, st, o);
}

/* ---- resolve ---- */

/* 1 and the id; 0; -errno. */
static int
job_find(struct sqlite *db, int64_t id, const char *name, int64_t *ret)
{
	sqlite3_stmt *st;
	int r;

	if (name != NULL) {
		st = sql(db, ST_JOB_BY_NAME, "SELECT id FROM job WHERE name = ?1");
		bind_text(st, 1, name);
	} else {
		st = sql(db, ST_JOB_BY_ID, "SELECT id FROM job WHERE id = ?1");
		bind_int(st, 1, id);
	}
	r = sql_step(db, st);
	if (r == 1) {
		*ret = col_int(st, 0);
		(void)sqlite3_reset(st);	/* both are unique */
	}
	return r;
}

/* Digits only, and no more than fit: how many, or 0. */
static size_t
read_digits(const char *text, int64_t *ret)
{
	size_t n = strspn(text, "0123456789");

	if (n == 0 || n > 18)
		return 0;
	*ret = strtoll(text, NULL, 10);
	return n;
}

/* "12" or "12.3". */
static bool
selector_is_id(const char *selector, int64_t *id, int64_t *run)
{
	size_t n = read_digits(selector, id);

	*run = 0;
	if (n == 0 || selector[n] == '\0')
		return n > 0;
	if (selector[n] != '.')
		return false;
	selector += n + 1;
	n = read_digits(selector, run);
	/* Runs are numbered from 1: 12.0 is none, and not the job. */
	return n > 0 && selector[n] == '\0' && *run > 0;
}

static bool
is_glob(const char *text)
{
	return strpbrk(text, "*?[") != NULL;
}

static int
labels_read(const char *text, struct strings *labels)
{
	return text == NULL ? 0 : text_read(text, labels_fields, labels);
}

/* Due and not taken up yet: it waits for its turn, whatever the row says. */
static int
state_told(int state, bool paused, instant due, instant now)
{
	if (state == JOB_SCHEDULED && !paused && instant_is_set(due) && instant_is_set(now) &&
	    due.usec < now.usec)
		return JOB_QUEUED;
	return state;
}

/* Are all the wanted labels among those there? */
static bool
labels_match(const struct strings *there, const struct strings *wanted)
{
	for (size_t i = 0; wanted != NULL && i < wanted->n; i++) {
		size_t k = 0;

		while (k < there->n && strcmp(there->items[k], wanted->items[i]) != 0)
			k++;
		if (k == there->n)
			return false;
	}
	return true;
}

/* Has the job of a row (id, name, labels, state, paused, due) what is wanted?  1, 0, -errno. */
static int
resolve_fits(struct sqlite *db, const struct op_resolve *o, sqlite3_stmt *st)
{
	instant due = { col_int(st, 5) };
	struct strings labels = { 0 };
	int r = 1;

	if (o->states != 0 && (o->states & 1u << state_told((int)(col_int(st, 3) & 31),
	    col_int(st, 4) != 0, due, o->now)) == 0)
		return 0;
	if (o->labels == NULL || o->labels->n == 0)
		return 1;
	if (labels_read((const char *)sqlite3_column_text(st, 2), &labels) < 0)
		return sql_damaged(db, "job", col_int(st, 0));
	r = labels_match(&labels, o->labels);
	strings_done(&labels);
	return r;
}

/* One by its id. */
static int
resolve_one(struct sqlite *db, struct op_resolve *o, int64_t id)
{
	sqlite3_stmt *st;
	int r = 1;

	if (o->states != 0 || (o->labels != NULL && o->labels->n > 0)) {
		st = sql(db, ST_FITS,
		    "SELECT id, name, labels, state, paused, due FROM job WHERE id = ?1");
		bind_int(st, 1, id);
		r = sql_step(db, st);
		if (r == 1) {
			r = resolve_fits(db, o, st);
			(void)sqlite3_reset(st);	/* read by its id */
		}
	}
	if (r < 0)
		return r;
	o->ids = xmalloc(sizeof(*o->ids));
	o->ids[0] = id;
	o->n = (size_t)r;
	o->next_after = id;
	return 0;
}

#define ID_TEXT_MAX 24

/* What a pattern is held against: one without a name goes by its id, so that * means all. */
static const char *
goes_by(const char *name, int64_t id, char text[ID_TEXT_MAX])
{
	(void)snprintf(text, ID_TEXT_MAX, "%" PRId64, id);
	return name != NULL ? name : text;
}

static int
resolve_glob(struct sqlite *db, struct op_resolve *o)
{
	sqlite3_stmt *st = sql(db, ST_IDS, "SELECT id, name, labels, state, paused, due FROM job"
	    " WHERE id > ?1 ORDER BY id LIMIT ?2");
	size_t seen = 0;
	int r, fits;

	o->ids = xcalloc(PAGE_MAX, sizeof(*o->ids));
	bind_int(st, 1, o->after);
	bind_int(st, 2, SCAN_ROWS_MAX);
	while ((r = sql_step(db, st)) == 1) {
		const char *name = (const char *)sqlite3_column_text(st, 1);
		char text[ID_TEXT_MAX];

		seen++;
		o->next_after = col_int(st, 0);
		fits = sqlite3_strglob(o->selector, goes_by(name, o->next_after, text)) == 0 ?
		    resolve_fits(db, o, st) : 0;
		if (fits == 1)
			o->ids[o->n++] = o->next_after;
		if (fits < 0) {
			(void)sqlite3_reset(st);	/* it is of no use */
			return fits;
		}
		if (o->n == PAGE_MAX) {
			(void)sqlite3_reset(st);	/* the page is full */
			o->more = true;
			return 0;
		}
	}
	o->more = seen == SCAN_ROWS_MAX;
	return r;
}

/* 1: the job has such a run; 0; -errno. */
static int
run_exists(struct sqlite *db, int64_t job, int64_t run)
{
	sqlite3_stmt *st = sql(db, ST_RUN_STATE, RUN_NOW_TEXT);
	int r;

	bind_int(st, 1, job);
	bind_int(st, 2, run);
	r = sql_step(db, st);
	if (r == 1)
		(void)sqlite3_reset(st);	/* the number is unique */
	return r;
}

static int job_get(struct sqlite *db, int64_t id, struct job_info *job, struct cJSON **spec);

/* An id or a run that is not there: was it?  -EIDRM or -ENOENT, or -EIO. */
static int
once_there(struct sqlite *db, int64_t id, int64_t run)
{
	struct job_info job = { 0 };
	int r;

	if (run == 0)
		return id > 0 && id <= db->counts.last_id ? -EIDRM : -ENOENT;
	r = job_get(db, id, &job, NULL);
	if (r == 0)
		r = run <= job.runs ? -EIDRM : -ENOENT;
	job_info_done(&job);
	return r;
}

int
sqlite_resolve(void *arg, struct store_op *op)
{
	struct op_resolve *o = container_of(op, struct op_resolve, op);
	struct sqlite *db = arg;
	int64_t id = 0;
	int r;

	if (selector_is_id(o->selector, &id, &o->run)) {
		r = job_find(db, id, NULL, &id);
		if (r == 0 && o->run == 0)
			return once_there(db, id, 0);
		if (r == 1 && o->run != 0) {
			r = run_exists(db, id, o->run);
			if (r == 0)
				return once_there(db, id, o->run);
		}
	} else if (is_glob(o->selector)) {
		o->pattern = true;
		return resolve_glob(db, o);
	} else {
		r = job_find(db, 0, o->selector, &id);
	}
	if (r != 1)
		return r < 0 ? r : -ENOENT;
	return resolve_one(db, o, id);
}

/* ---- rows as they are told ---- */

#define RUN_COLUMNS \
	"r.id, r.job, r.run, r.state, r.attempt, r.manual, r.due, r.noticed, r.started," \
	" r.spawned, r.first_output, r.exited, r.ended, r.exit_code, r.signal, r.oom, r.pid," \
	" r.http_status, r.verdict, r.reason, r.canceled_by, r.cpu, r.memory_peak," \
	" r.output_bytes, r.phases, r.mark, r.missed, r.previous, r.retry_at, r.answer," \
	" r.output_gone, r.ended_by, r.leftovers, r.mutex, r.ping"

/* The first column after them. */
#define RUN_COLUMNS_N 35

static int
phases_read(const char *text, struct phases **ret)
{
	if (text == NULL)
		return 0;
	*ret = xcalloc(1, sizeof(**ret));
	return text_read(text, phases_fields, *ret);
}

static int
answer_read(const char *text, struct run_info *run)
{
	return text == NULL ? 0 : text_read(text, run_answer_fields, run);
}

int
ping_read(const char *text, struct ping **ret)
{
	if (text == NULL)
		return 0;
	*ret = xcalloc(1, sizeof(**ret));
	return text_read(text, ping_fields, *ret);
}

/* name and kind are the job's: the caller's to set. */
static int
run_read(struct sqlite *db, sqlite3_stmt *st, struct run_info *run)
{
	*run = (struct run_info){
		.job = col_int(st, 1),
		.run = col_int(st, 2),
		.attempt = col_int(st, 4),
		.manual = col_int(st, 5) != 0,
		.due = { col_int(st, 6) },
		.noticed = { col_int(st, 7) },
		.started = { col_int(st, 8) },
		.spawned = { col_int(st, 9) },
		.first_output = { col_int(st, 10) },
		.exited = { col_int(st, 11) },
		.ended = { col_int(st, 12) },
		.exit_code = sqlite3_column_type(st, 13) == SQLITE_NULL ? -1 : col_int(st, 13),
		.progress = -1,
		.signal = col_int(st, 14),
		.oom = col_int(st, 15) != 0,
		.pid = col_int(st, 16),
		.http_status = col_int(st, 17),
		.cpu = col_int(st, 21),
		.memory_peak = col_int(st, 22),
		.output_bytes = col_int(st, 23),
		.missed = col_int(st, 26),
		.previous = { col_int(st, 27) },
		/* of a held one it is not known */
		.retry_at = { col_int(st, 28) > 0 ? col_int(st, 28) : 0 },
		.output_removed = { col_int(st, 30) },
		.leftovers = col_int(st, 32),
		.mutex_waited = col_int(st, 33) != 0,
	};
	run->ended_by = col_text(st, 31);
	run->reason = col_text(st, 19);
	run->canceled_by = col_text(st, 20);
	if (!col_enum(st, 3, RUN_STATE_COUNT, &run->state) ||
	    !col_enum(st, 18, VERDICT_COUNT, &run->verdict) ||
	    !col_enum(st, 25, MARK_COUNT, &run->mark) ||
	    phases_read((const char *)sqlite3_column_text(st, 24), &run->phases) < 0 ||
	    answer_read((const char *)sqlite3_column_text(st, 29), run) < 0 ||
	    ping_read((const char *)sqlite3_column_text(st, 34), &run->ping) < 0) {
		run_info_done(run);
		return sql_damaged(db, "run", col_int(st, 0));
	}
	return 0;
}

#define JOB_COLUMNS \
	"id, name, description, labels, kind, state, uid, generation, created, due, every_usec," \
	" runs, skips, summary, paused, schedule, overlaps, crashes, output, pruned, parents," \
	" children, queue, priority, mutex, health, health_since, failed, passed," \
	" (SELECT p.id FROM job p WHERE p.id = job.depends_on), source, rescheduled"
#define JOB_COLUMN_SPEC 32

/* In words, of the columns every_usec and schedule. */
static int
schedule_words(usec_t every, const char *text, char **ret)
{
	struct job_spec spec = { 0 };

	*ret = NULL;
	if (text != NULL && text_read(text, schedule_fields, &spec) < 0)
		return -EIO;
	spec.every = every;
	*ret = job_spec_schedule_words(&spec);
	fields_done(schedule_fields, &spec);
	return 0;
}

static int
job_read(struct sqlite *db, sqlite3_stmt *st, struct job_info *job)
{
	*job = (struct job_info){
		.id = col_int(st, 0),
		.uid = col_int(st, 6),
		.generation = col_int(st, 7),
		.created = { col_int(st, 8) },
		.due = { col_int(st, 9) },
		.every = col_int(st, 10),
		.runs = col_int(st, 11),
		.skips = col_int(st, 12),
		.paused = col_int(st, 14) != 0,
		.overlaps = col_int(st, 16),
		.crashes = col_int(st, 17),
		.output_bytes = col_int(st, 18),
		.pruned = { col_int(st, 19) },
		.parents = col_int(st, 20),
		.dependents = col_int(st, 21),
		.priority = col_int(st, 23),
		.health_since = { col_int(st, 26) },
		.checks_failed = col_int(st, 27),
		.checks_passed = col_int(st, 28),
		.depends_on = col_int(st, 29),
		.rescheduled = { col_int(st, 31) },
	};
	struct queue_terms terms = { .queue = (char *)(uintptr_t)sqlite3_column_text(st, 22) };

	job->name = col_text(st, 1);
	job->description = col_text(st, 2);
	job->summary = col_text(st, 13);
	job->source = col_text(st, 30);
	job->queue = xstrdup(terms_queue(&terms, (int)col_int(st, 4)));
	job->mutex = col_text(st, 24);
	if (!col_enum(st, 4, KIND_COUNT, &job->kind) ||
	    !col_enum(st, 5, JOB_STATE_COUNT, &job->state) ||
	    !col_enum(st, 25, VERDICT_COUNT, &job->health) ||
	    labels_read((const char *)sqlite3_column_text(st, 3), &job->labels) < 0 ||
	    schedule_words(job->every, (const char *)sqlite3_column_text(st, 15),
	    &job->schedule) < 0) {
		int64_t id = job->id;

		job_info_done(job);
		return sql_damaged(db, "job", id);
	}
	return 0;
}

/* Behind so many that are queued the latest that has begun is not looked for. */
#define LAST_LOOK_MAX 1000

static int
run_latest(sqlite3_stmt *st, struct sqlite *db, const struct job_info *job, int64_t *run)
{
	int r;

	bind_int(st, 1, job->id);
	bind_int(st, 2, job->runs - LAST_LOOK_MAX);
	r = sql_step(db, st);
	if (r == 1) {
		*run = col_int(st, 0);
		(void)sqlite3_reset(st);	/* there is but one */
	}
	return r;
}

/*
 * The number of the run that tells how the job goes: queued ones, of an overlap queue or asked for by
 * hand, say nothing yet.  begun: and one that was canceled before it began has no output.
 */
static int
run_last(struct sqlite *db, const struct job_info *job, bool begun, int64_t *run)
{
	int r = 0;

	*run = job->runs;
	if (job->state == JOB_RUNNING)
		r = run_latest(sql(db, ST_RUN_ACTIVE, "SELECT run FROM run WHERE job = ?1 AND run > ?2"
		    " AND state = 1 ORDER BY run DESC LIMIT 1"), db, job, run);
	if (r == 0 && begun)
		r = run_latest(sql(db, ST_RUN_BEGUN, "SELECT run FROM run WHERE job = ?1 AND run > ?2"
		    " AND attempt > 0 ORDER BY run DESC LIMIT 1"), db, job, run);
	/* One that is queued again by hand has begun before. */
	else if (r == 0)
		r = run_latest(sql(db, ST_RUN_TOLD, "SELECT run FROM run WHERE job = ?1 AND run > ?2"
		    " AND (state <> 0 OR attempt > 0) ORDER BY run DESC LIMIT 1"), db, job, run);
	return r < 0 ? r : 0;
}

/* For whom it waits, and its latest run, if it has any. */
static int
job_read_rest(struct sqlite *db, struct job_info *job)
{
	sqlite3_stmt *st;
	int64_t run;
	int r;

	r = dependencies_words(db, job);
	if (r < 0 || job->runs == 0)
		return r;
	r = run_last(db, job, false, &run);
	if (r < 0)
		return r;
	st = sql(db, ST_RUN_ONE,
	    "SELECT " RUN_COLUMNS " FROM run r WHERE r.job = ?1 AND r.run = ?2");
	bind_int(st, 1, job->id);
	bind_int(st, 2, run);
	r = sql_step(db, st);
	if (r != 1)
		return r;
	job->last = xcalloc(1, sizeof(*job->last));
	r = run_read(db, st, job->last);
	if (r == 0) {
		job->last->name = xstrdup(job->name);
		job->last->kind = job->kind;
	}
	(void)sqlite3_reset(st);	/* the number is unique */
	return r;
}

/* ---- runs ---- */

/* Runs of one job, newest first, from before on; name and kind are its. */
static int
runs_of_job(struct sqlite *db, const struct job_info *job, struct op_runs *o)
{
	sqlite3_stmt *st = sql(db, ST_RUNS_JOB,
	    "SELECT " RUN_COLUMNS " FROM run r WHERE r.job = ?1 AND r.run < ?2"
	    " ORDER BY r.run DESC LIMIT ?3");
	size_t seen = 0;
	int r = 0;

	bind_int(st, 1, job->id);
	bind_int(st, 2, o->before == 0 ? INT64_MAX : o->before);
	bind_int(st, 3, SCAN_ROWS_MAX);
	while (o->n < o->limit && (r = sql_step(db, st)) == 1) {
		seen++;
		o->next = col_int(st, 2);
		if (o->states != 0 && (o->states & 1u << (col_int(st, 3) & 31)) == 0)
			continue;
		r = run_read(db, st, &o->runs[o->n]);
		if (r < 0)
			break;
		o->runs[o->n].name = xstrdup(job->name);
		o->runs[o->n++].kind = job->kind;
	}
	if (o->n < o->limit && seen < SCAN_ROWS_MAX)
		o->next = 0;
	(void)sqlite3_reset(st);	/* it may be in the middle */
	return r < 0 ? r : 0;
}

static int
runs_of_all(struct sqlite *db, struct op_runs *o)
{
	/* What a removed job has left is not told; it counts as looked at. */
	sqlite3_stmt *st = sql(db, ST_RUNS_ALL,
	    "SELECT " RUN_COLUMNS ", j.name, j.kind FROM run r LEFT JOIN job j ON j.id = r.job"
	    " WHERE r.id < ?1 ORDER BY r.id DESC LIMIT ?2");
	size_t seen = 0;
	int r = 0;

	bind_int(st, 1, o->before == 0 ? INT64_MAX : o->before);
	bind_int(st, 2, SCAN_ROWS_MAX);
	while (o->n < o->limit && (r = sql_step(db, st)) == 1) {
		struct run_info *run = &o->runs[o->n];

		seen++;
		o->next = col_int(st, 0);
		if (sqlite3_column_type(st, RUN_COLUMNS_N + 1) == SQLITE_NULL)
			continue;
		if (o->states != 0 && (o->states & 1u << (col_int(st, 3) & 31)) == 0)
			continue;
		r = run_read(db, st, run);
		if (r < 0)
			break;
		run->name = col_text(st, RUN_COLUMNS_N);
		o->n++;
		if (!col_enum(st, RUN_COLUMNS_N + 1, KIND_COUNT, &run->kind)) {
			r = sql_damaged(db, "job", run->job);
			break;
		}
	}
	if (o->n < o->limit && seen < SCAN_ROWS_MAX)
		o->next = 0;
	(void)sqlite3_reset(st);	/* it may be in the middle */
	return r < 0 ? r : 0;
}

/* A job without its spec; 0, -ENOENT, -EIO. */
static int
job_get(struct sqlite *db, int64_t id, struct job_info *job, struct cJSON **spec)
{
	sqlite3_stmt *st = sql(db, ST_JOB_GET,
	    "SELECT " JOB_COLUMNS ", spec FROM job WHERE id = ?1");
	const char *why, *text;
	int r;

	bind_int(st, 1, id);
	r = sql_step(db, st);
	if (r != 1)
		return r < 0 ? r : -ENOENT;
	r = job_read(db, st, job);
	if (r == 0 && spec != NULL) {
		text = (const char *)sqlite3_column_text(st, JOB_COLUMN_SPEC);
		*spec = text == NULL ? NULL : json_parse(text, strlen(text), &why);
		if (*spec == NULL)
			r = sql_damaged(db, "job", id);
	}
	(void)sqlite3_reset(st);	/* read by its id */
	return r;
}

static size_t
page_size(size_t limit)
{
	return limit == 0 || limit > PAGE_MAX ? PAGE_MAX : limit;
}

int
sqlite_runs(void *arg, struct store_op *op)
{
	struct op_runs *o = container_of(op, struct op_runs, op);
	struct job_info job = { 0 };
	struct sqlite *db = arg;
	int r;

	o->limit = page_size(o->limit);
	if (o->job == 0) {
		o->runs = xcalloc(o->limit, sizeof(*o->runs));
		return runs_of_all(db, o);
	}
	r = job_get(db, o->job, &job, NULL);
	if (r < 0)
		goto out;
	o->uid = job.uid;
	o->due = job.due;
	o->paused = job.paused;
	if (o->begun && o->run == 0) {
		r = run_last(db, &job, true, &o->before);
		o->before++;
		o->limit = 1;
		o->states = 0;
		if (r < 0)
			goto out;
	}
	if (o->run != 0) {
		/* A page of one. */
		o->limit = 1;
		o->before = o->run + 1;
		o->states = 0;
	}
	o->runs = xcalloc(o->limit, sizeof(*o->runs));
	r = runs_of_job(db, &job, o);
	if (r == 0 && o->run != 0) {
		o->next = 0;
		if (o->n == 0 || o->runs[0].run != o->run)
			r = -ENOENT;
		else
			r = attempts_read(db, &o->runs[0]);
	}
out:
	job_info_done(&job);
	return r;
}

/* ---- get and list ---- */

int
sqlite_get(void *arg, struct store_op *op)
{
	struct op_get *o = container_of(op, struct op_get, op);
	struct sqlite *db = arg;
	struct op_runs page = { .limit = o->runs_max < PAGE_MAX ? o->runs_max : PAGE_MAX };
	int64_t id = o->id;
	int r;

	if (id == 0) {
		r = job_find(db, 0, o->name, &id);
		if (r != 1)
			return r < 0 ? r : -ENOENT;
	}
	r = job_get(db, id, &o->job, &o->job.spec);
	if (r == -ENOENT && o->once)
		return once_there(db, id, 0);
	if (r == 0)
		r = job_read_rest(db, &o->job);
	if (r == 0)
		o->job.state = state_told(o->job.state, o->job.paused, o->job.due, o->now);
	if (r == 0 && o->dependencies)
		r = dependencies_read(db, o);
	if (r < 0 || page.limit == 0)
		return r;
	page.runs = xcalloc(page.limit, sizeof(*page.runs));
	r = runs_of_job(db, &o->job, &page);
	o->runs = page.runs;
	o->runs_n = page.n;
	return r;
}

/* The filters that need no allocation. */
static bool
row_matches(const struct op_list *o, sqlite3_stmt *st)
{
	const char *name = (const char *)sqlite3_column_text(st, 1);
	instant due = { col_int(st, 9) };
	int state = state_told((int)(col_int(st, 5) & 31), col_int(st, 14) != 0, due, o->now);
	struct queue_terms terms = { .queue = (char *)(uintptr_t)sqlite3_column_text(st, 22) };
	const char *queue = terms_queue(&terms, (int)col_int(st, 4));
	char text[ID_TEXT_MAX];

	if (o->name != NULL && is_glob(o->name) &&
	    sqlite3_strglob(o->name, goes_by(name, col_int(st, 0), text)) != 0)
		return false;
	if (o->states != 0 && (o->states & 1u << state) == 0)
		return false;
	if (o->queue != NULL && (queue == NULL || strcmp(o->queue, queue) != 0))
		return false;
	return (o->kind < 0 || col_int(st, 4) == o->kind) &&
	    (o->uid < 0 || col_int(st, 6) == o->uid);
}

/* 1: the row is taken; 0: it does not match; -errno. */
static int
list_row(struct sqlite *db, sqlite3_stmt *st, struct op_list *o)
{
	struct job_info *job = &o->jobs[o->n];
	int r;

	if (!row_matches(o, st))
		return 0;
	r = job_read(db, st, job);
	if (r < 0)
		return r;
	if (!labels_match(&job->labels, o->labels)) {
		job_info_done(job);
		return 0;
	}
	job->state = state_told(job->state, col_int(st, 14) != 0, job->due, o->now);
	o->n++;
	r = job_read_rest(db, job);
	return r < 0 ? r : 1;
}

int
sqlite_list(void *arg, struct store_op *op)
{
	struct op_list *o = container_of(op, struct op_list, op);
	bool by_name = o->name != NULL && !is_glob(o->name);
	int64_t id = by_name ? job_id_read(o->name) : 0;
	struct sqlite *db = arg;
	sqlite3_stmt *st;
	size_t seen = 0;
	int r = 0;

	o->limit = page_size(o->limit);
	o->jobs = xcalloc(o->limit, sizeof(*o->jobs));
	if (id != 0)
		st = sql(db, ST_LIST_ID,
		    "SELECT " JOB_COLUMNS " FROM job WHERE id > ?1 AND id = ?3 LIMIT ?2");
	else if (by_name)
		st = sql(db, ST_LIST_NAME,
		    "SELECT " JOB_COLUMNS " FROM job WHERE id > ?1 AND name = ?3 LIMIT ?2");
	else
		st = sql(db, ST_LIST,
		    "SELECT " JOB_COLUMNS " FROM job WHERE id > ?1 ORDER BY id LIMIT ?2");
	bind_int(st, 1, o->after);
	bind_int(st, 2, SCAN_ROWS_MAX);
	if (id != 0)
		bind_int(st, 3, id);
	else if (by_name)
		bind_text(st, 3, o->name);
	while (o->n < o->limit && (r = sql_step(db, st)) == 1) {
		seen++;
		o->next = col_int(st, 0);
		r = list_row(db, st, o);
		if (r < 0)
			break;
	}
	if (by_name || (o->n < o->limit && seen < SCAN_ROWS_MAX))
		o->next = 0;
	(void)sqlite3_reset(st);	/* it may be in the middle */
	return r < 0 ? r : 0;
}
