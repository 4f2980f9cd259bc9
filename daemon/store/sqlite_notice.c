/*
 * sqlite_notice: notices are written in the transaction of what they tell of, and go when they are
 * delivered; those given up stay for a while, to be seen.  A job without rules costs a look into
 * a table that has not got it.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/must.h"
#include "daemon/store/health.h"
#include "daemon/store/notify.h"
#include "daemon/store/sqlite.h"
#include "proto/buf.h"
#include "proto/mem.h"

/* ---- the rules of a job ---- */

int
notify_put(struct sqlite *db, int64_t job, const struct job_spec *spec, bool anew)
{
	const struct strings *rules = &spec->notify;
	struct buf text = { .size = 0 };
	sqlite3_stmt *st;
	int r;

	if (rules->n == 0)
		return 0;
	for (size_t i = 0; i < rules->n; i++)
		buf_printf(&text, "%s%s", i > 0 ? "\n" : "", rules->items[i]);
	/* Of an edited job the failures so far stay. */
	st = sql(db, ST_NOTIFY_PUT, "INSERT INTO notify (job, rules, late_after) VALUES (?1, ?2, ?3)"
	    " ON CONFLICT (job) DO UPDATE SET rules = ?2, late_after = ?3,"
	    " late = CASE WHEN ?4 THEN NULL ELSE late END");
	bind_int(st, 1, job);
	bind_text(st, 2, buf_string(&text));
	bind_some(st, 3, spec->late_after);
	bind_int(st, 4, anew);
	r = sql_run(db, st);
	buf_done(&text);
	return r;
}

int
notify_delete(struct sqlite *db, int64_t job)
{
	sqlite3_stmt *st = sql(db, ST_NOTIFY_DELETE, "DELETE FROM notify WHERE job = ?1");

	bind_int(st, 1, job);
	return sql_run(db, st);
}

static void
rules_read(char *text, struct strings *ret)
{
	for (char *line = strtok_r(text, "\n", &text); line != NULL; line = strtok_r(NULL, "\n", &text))
		strings_add(ret, line);
}

/* 1: the job has rules; 0: it has none; -errno. */
static int
notify_load(struct sqlite *db, int64_t job, struct strings *rules, struct trouble *t, char **name)
{
	sqlite3_stmt *st = sql(db, ST_NOTIFY, "SELECT rules, first_run, since, failures, told,"
	    " (SELECT name FROM job WHERE id = ?1) FROM notify WHERE job = ?1");
	char *text;
	int r;

	bind_int(st, 1, job);
	r = sql_step(db, st);
	if (r != 1)
		return r;
	text = col_text(st, 0);
	*t = (struct trouble){ .first_run = col_int(st, 1), .since = { col_int(st, 2) },
	    .failures = col_int(st, 3), .told = (unsigned)col_int(st, 4) };
	*name = col_text(st, 5);
	(void)sqlite3_reset(st);	/* one a job */
	if (text != NULL)
		rules_read(text, rules);
	free(text);
	return 1;
}

static int
trouble_save(struct sqlite *db, int64_t job, const struct trouble *t)
{
	sqlite3_stmt *st = sql(db, ST_NOTIFY_SET, "UPDATE notify SET first_run = ?2, since = ?3,"
	    " failures = ?4, told = ?5 WHERE job = ?1");

	bind_int(st, 1, job);
	bind_some(st, 2, t->first_run);
	bind_some(st, 3, t->since.usec);
	bind_int(st, 4, t->failures);
	bind_int(st, 5, t->told);
	return changed_one(db, st);
}

/* ---- writing notices ---- */

/* How many are pending of a target; -errno. */
static int64_t
pending(struct sqlite *db, const char *target)
{
	sqlite3_stmt *st = sql(db, ST_NOTICE_COUNT,
	    "SELECT count(*) FROM notice WHERE target = ?1 AND due IS NOT NULL");
	int64_t n;
	int r;

	bind_text(st, 1, target);
	r = sql_step(db, st);
	if (r != 1)
		return r < 0 ? r : -EIO;
	n = col_int(st, 0);
	(void)sqlite3_reset(st);	/* one row */
	return n;
}

/* There are too many: only its number is told, with the latest of them. */
static int
notice_fold(struct sqlite *db, const char *target)
{
	sqlite3_stmt *st = sql(db, ST_NOTICE_FOLD, "UPDATE notice SET folded = folded + 1 WHERE id ="
	    " (SELECT max(id) FROM notice WHERE target = ?1 AND due IS NOT NULL)");

	bind_text(st, 1, target);
	return changed_one(db, st);
}

static int
notice_insert(struct sqlite *db, const char *target, const char *text, instant at, instant now)
{
	sqlite3_stmt *st = sql(db, ST_NOTICE_PUT,
	    "INSERT INTO notice (target, notice, at, due) VALUES (?1, ?2, ?3, ?4)");

	bind_text(st, 1, target);
	bind_text(st, 2, text);
	bind_int(st, 3, at.usec);
	bind_int(st, 4, now.usec);
	return sql_run(db, st);
}

static int
notice_put(struct sqlite *db, const char *target, const char *text, instant at, instant now)
{
	int64_t n = pending(db, target);

	if (n < 0)
		return (int)n;
	return n < NOTICES_MAX ? notice_insert(db, target, text, at, now) : notice_fold(db, target);
}

/* They wait from now on, whenever it was what they tell of. */
static int
notices_put(struct sqlite *db, const struct strings *rules, unsigned events, struct notice_info *n,
    instant now, int64_t *ret)
{
	struct notify_wanted targets[NOTIFY_MAX];
	size_t count = events == 0 ? 0 : notify_targets(rules, events, targets);
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		char *text = notice_print(n, targets[i].event);

		r = notice_put(db, targets[i].name, text, n->at, now);
		free(text);
	}
	*ret = (int64_t)count;
	return r;
}

int
notify_run(struct sqlite *db, const struct job_now *j, struct op_finish *o)
{
	struct strings rules = { .n = 0 };
	struct trouble t, was;
	struct notice_info n;
	char *name = NULL;
	unsigned events;
	int r = notify_load(db, j->id, &rules, &t, &name);

	if (r != 1)
		return r;
	was = t;
	events = notify_run_events(&t, o, j->kind, &n);
	n.name = name;
	r = notices_put(db, &rules, events, &n, n.at, &o->notices);
	if (r == 0 && t.failures != was.failures)
		r = trouble_save(db, j->id, &t);
	strings_done(&rules);
	free(name);
	return r;
}

/* What is no trouble: whoever asked to be told of these events of the job is. */
static int
notify_events(struct sqlite *db, int64_t job, unsigned events, struct notice_info *n, instant now, int64_t *ret)
{
	struct strings rules = { .n = 0 };
	struct trouble t;
	char *name = NULL;
	int r = events == 0 ? 0 : notify_load(db, job, &rules, &t, &name);

	if (r != 1)
		return r;
	n->name = name;
	r = notices_put(db, &rules, events, n, now, ret);
	strings_done(&rules);
	free(name);
	return r;
}

int
notify_waiting(struct sqlite *db, int64_t job, struct notice_info *n, int64_t *ret)
{
	return notify_events(db, job, 1u << NOTICE_LATE, n, n->at, ret);
}

/* Was it told while it waited?  1, 0 or -errno. */
static int
late_was_told(struct sqlite *db, const struct op_claim *claim)
{
	sqlite3_stmt *st = sql(db, ST_LATE_TOLD, "SELECT late FROM notify WHERE job = ?1");
	int r;

	bind_int(st, 1, claim->job);
	r = sql_step(db, st);
	if (r != 1)
		return r;
	r = notify_late_told(claim->run_due, (instant){ col_int(st, 0) }, claim->started);
	(void)sqlite3_reset(st);	/* one a job */
	return r;
}

/* What was told of is skipped, and the one that follows is run instead of it at once: it is the same lateness. */
static int
late_move(struct sqlite *db, const struct op_skip *skip)
{
	sqlite3_stmt *st;

	if (skip->cause != SKIP_MISSED || !instant_is_set(skip->next_due) || skip->next_due.usec > skip->now.usec)
		return 0;
	st = sql(db, ST_LATE_MOVE, "UPDATE notify SET late = ?4 WHERE job = ?1 AND late BETWEEN ?2 AND ?3");
	bind_int(st, 1, skip->job);
	bind_int(st, 2, skip->first.usec);
	bind_int(st, 3, skip->last.usec);
	bind_int(st, 4, skip->next_due.usec);
	return sql_run(db, st);
}

int
notify_late(struct sqlite *db, const struct job_now *j, struct op_claim *claim)
{
	struct late_job late = { .kind = j->kind, .spec = j->spec_json };
	struct health_parent parent = { 0 };
	struct health h = { 0 };
	struct notice_info n;
	unsigned events;
	int r = j->kind == KIND_HEARTBEAT ? health_load(db, j->id, &h, &parent) : 0;

	free((char *)(uintptr_t)parent.name);
	if (r < 0)
		return r;
	late.health = h.verdict;
	events = notify_late_events(claim, &late, &n);
	r = events != 0 && j->kind != KIND_HEARTBEAT ? late_was_told(db, claim) : 0;
	if (r != 0)
		return r < 0 ? r : 0;
	return notify_events(db, j->id, events, &n, n.at, &claim->notices);
}

int
notify_skip(struct sqlite *db, const struct job_now *j, const struct op_skip *skip, int64_t *ret)
{
	struct notice_info n;
	unsigned events = notify_skip_events(skip, j->kind, &n);
	int r = late_move(db, skip);

	return r < 0 ? r : notify_events(db, j->id, events, &n, notify_skip_since(skip), ret);
}

/* ---- the ops ---- */

int
sqlite_notice_test(void *arg, struct store_op *op)
{
	struct op_notice_test *o = container_of(op, struct op_notice_test, op);
	struct notice_info n = NOTICE_INFO_NONE;
	struct sqlite *db = arg;
	char *text;
	int r;

	n.at = o->now;
	text = notice_print(&n, NOTICE_TEST);
	r = notice_insert(db, o->target, text, o->now, o->now);
	free(text);
	if (r == 0)
		o->id = sqlite3_last_insert_rowid(db->db);
	return r;
}

/* What was given up first makes room. */
static int
failed_limit(struct sqlite *db)
{
	sqlite3_stmt *st = sql(db, ST_NOTICE_OLD, "DELETE FROM notice WHERE id IN (SELECT id FROM notice"
	    " WHERE due IS NULL ORDER BY id DESC LIMIT -1 OFFSET ?1)");

	bind_int(st, 1, NOTICES_FAILED_MAX);
	return sql_run(db, st);
}

int
notice_delete(struct sqlite *db, int64_t id)
{
	sqlite3_stmt *st = sql(db, ST_NOTICE_DELETE, "DELETE FROM notice WHERE id = ?1");

	bind_int(st, 1, id);
	return sql_run(db, st);
}

static int
settle_one(struct sqlite *db, const struct op_notice_settle *o, int64_t id)
{
	sqlite3_stmt *st;

	if (o->delivered)
		return notice_delete(db, id);
	st = sql(db, ST_NOTICE_AGAIN, "UPDATE notice SET attempts = attempts + ?6,"
	    " tried = CASE WHEN ?6 THEN ?2 ELSE tried END, error = ?3, due = CASE WHEN at >= ?5 THEN ?4 END WHERE id = ?1");
	bind_int(st, 1, id);
	bind_int(st, 2, o->now.usec);
	bind_text(st, 3, o->error);
	bind_some(st, 4, o->next.usec);
	bind_int(st, 5, o->oldest);
	bind_int(st, 6, !o->untried);
	return sql_run(db, st);
}

int
sqlite_notice_settle(void *arg, struct store_op *op)
{
	struct op_notice_settle *o = container_of(op, struct op_notice_settle, op);
	struct sqlite *db = arg;
	int r = 0;

	for (size_t i = 0; r == 0 && i < o->n; i++)
		r = settle_one(db, o, o->ids[i]);
	if (r == 0 && !o->delivered)
		r = failed_limit(db);
	if (r == 0 && o->output && o->n > 0)
		r = output_trash_put(db, NOTICE_JOB, o->ids[0]);
	return r;
}

#define NOTICE_COLUMNS "id, target, notice, at, due, attempts, tried, error, folded"

static void
notice_read(sqlite3_stmt *st, struct notice_row *row)
{
	*row = (struct notice_row){
		.id = col_int(st, 0),
		.target = col_text(st, 1),
		.notice = col_text(st, 2),
		.at = { col_int(st, 3) },
		.due = { col_int(st, 4) },
		.attempts = col_int(st, 5),
		.tried = { col_int(st, 6) },
		.error = col_text(st, 7),
		.folded = col_int(st, 8),
	};
}

int
sqlite_notices(void *arg, struct store_op *op)
{
	struct op_notices *o = container_of(op, struct op_notices, op);
	size_t limit = o->limit > 0 && o->limit < NOTICES_PAGE ? o->limit : NOTICES_PAGE;
	bool due = instant_is_set(o->until);
	struct sqlite *db = arg;
	sqlite3_stmt *st;
	int r;

	MUST(!due || o->target != NULL);
	if (due) {
		st = sql(db, ST_NOTICES_DUE, "SELECT " NOTICE_COLUMNS " FROM notice"
		    " WHERE target = ?1 AND due IS NOT NULL AND id >= ?2 ORDER BY id");
		bind_int(st, 2, o->id);
	} else {
		st = sql(db, ST_NOTICES, "SELECT " NOTICE_COLUMNS " FROM notice WHERE id < ?2"
		    " AND (?1 IS NULL OR target = ?1) ORDER BY id DESC");
		bind_int(st, 2, o->before > 0 ? o->before : INT64_MAX);
	}
	bind_text(st, 1, o->target);
	while ((r = sql_step(db, st)) == 1) {
		if (due && o->id != 0 && (o->n > 0 || col_int(st, 0) != o->id))
			break;
		if (due && o->id == 0 && o->n == 0 && col_int(st, 4) > o->until.usec)
			o->next.usec = col_int(st, 4);
		else if (o->n == limit)
			o->more = true;
		else
			notice_read(st, &o->rows[o->n++]);
		if (instant_is_set(o->next) || o->more)
			break;
	}
	(void)sqlite3_reset(st);	/* enough was read */
	return r < 0 ? r : 0;
}

int
sqlite_targets(void *arg, struct store_op *op)
{
	struct op_targets *o = container_of(op, struct op_targets, op);
	struct sqlite *db = arg;
	sqlite3_stmt *st = sql(db, ST_TARGETS,
	    "SELECT target, sum(due IS NOT NULL), sum(due IS NULL) FROM notice GROUP BY target");
	int r;

	while ((r = sql_step(db, st)) == 1) {
		o->rows = xrealloc(o->rows, (o->n + 1) * sizeof(*o->rows));
		o->rows[o->n++] = (struct target_count){ .name = col_text(st, 0),
		    .pending = col_int(st, 1), .failed = col_int(st, 2) };
	}
	return r;
}
