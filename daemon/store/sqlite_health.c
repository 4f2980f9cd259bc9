/*
 * sqlite_health: the health of a check in its job's row.  Other jobs never pay for it.
 */
#include "daemon/store/health.h"
#include "daemon/store/sqlite.h"

/* The columns from at on. */
static int
health_read(struct sqlite *db, sqlite3_stmt *st, int at, int64_t job, struct health *h)
{
	h->since = (instant){ col_int(st, at + 1) };
	h->failed = col_int(st, at + 2);
	h->passed = col_int(st, at + 3);
	return col_enum(st, at, VERDICT_COUNT, &h->verdict) ? 0 : sql_damaged(db, "job", job);
}

int
health_load(struct sqlite *db, int64_t job, struct health *h, struct health_parent *parent)
{
	sqlite3_stmt *st = sql(db, ST_HEALTH,
	    "SELECT j.health, j.health_since, j.failed, j.passed, p.id, p.name, p.retrying,"
	    " p.health, p.health_since, p.failed, p.passed"
	    " FROM job j LEFT JOIN job p ON p.id = j.depends_on AND p.paused = 0 AND p.state <> ?2"
	    " WHERE j.id = ?1");
	int r;

	bind_int(st, 1, job);
	bind_int(st, 2, JOB_FINISHED);
	r = sql_step(db, st);
	if (r != 1)
		return r < 0 ? r : -ENOENT;
	r = health_read(db, st, 0, job, h);
	if (r == 0 && col_int(st, 4) != 0) {
		parent->job = col_int(st, 4);
		parent->name = col_text(st, 5);
		parent->retrying = col_int(st, 6) > 0;
		r = health_read(db, st, 7, parent->job, &parent->health);
	}
	(void)sqlite3_reset(st);	/* ids are unique */
	return r;
}

int
health_save(struct sqlite *db, int64_t job, const struct health *h)
{
	sqlite3_stmt *st = sql(db, ST_HEALTH_SAVE,
	    "UPDATE job SET health = ?2, health_since = ?3, failed = ?4, passed = ?5 WHERE id = ?1");

	bind_int(st, 1, job);
	bind_some(st, 2, h->verdict);
	bind_some(st, 3, h->since.usec);
	bind_some(st, 4, h->failed);
	bind_some(st, 5, h->passed);
	return sql_run(db, st);
}

int
health_parent_find(struct sqlite *db, const struct job_spec *spec, int64_t *ret)
{
	sqlite3_stmt *st;
	int64_t id;
	int r;

	*ret = 0;
	if (spec->http == NULL || spec->http->depends_on == NULL)
		return 0;
	id = job_id_read(spec->http->depends_on);
	if (id != 0) {
		st = sql(db, ST_CHECK_BY_ID, "SELECT id, kind FROM job WHERE id = ?1");
		bind_int(st, 1, id);
	} else {
		st = sql(db, ST_CHECK_BY_NAME, "SELECT id, kind FROM job WHERE name = ?1");
		bind_text(st, 1, spec->http->depends_on);
	}
	r = sql_step(db, st);
	if (r != 1)
		return r < 0 ? r : -ECHILD;
	*ret = col_int(st, 0);
	r = col_int(st, 1) == KIND_HTTP ? 0 : -EPROTOTYPE;
	(void)sqlite3_reset(st);	/* ids and names are unique */
	return r;
}
