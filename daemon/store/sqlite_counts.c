/*
 * sqlite_counts: numbers that are asked for often and must not be scanned for: active runs,
 * jobs of an owner, the next id, rows of runs.  An add would touch another page if it kept them on
 * disk; so the disk has the owners' counts as of some job (and that of the runs as of some run),
 * and what is younger is counted at open: a thousand rows at most, and those of the last batch.
 * Bytes of output are not counted by rows: a commit that changes them has them.
 */
#include <stdlib.h>

#include "daemon/base/must.h"
#include "daemon/store/sqlite.h"
#include "proto/mem.h"

/* The counts on disk are at most so many ids behind. */
#define COUNTS_BEHIND_MAX 1000

static struct owner *
owner_get(struct counts *c, int64_t uid)
{
	struct owner *o = map_get(&c->owners, uid + 1);

	if (o == NULL) {
		o = xcalloc(1, sizeof(*o));
		o->uid = uid;
		map_set(&c->owners, uid + 1, o);
	}
	return o;
}

static void
owners_done(struct counts *c)
{
	size_t at = 0;
	void *o;

	while ((o = map_next(&c->owners, &at)) != NULL)
		free(o);
	map_done(&c->owners);
	c->owners = (struct map){ 0 };
}

void
counts_done(struct counts *c)
{
	owners_done(c);
	*c = (struct counts){ 0 };
}

int64_t
counts_owned(const struct counts *c, int64_t uid)
{
	const struct owner *o = map_get(&c->owners, uid + 1);

	return o == NULL ? 0 : o->jobs;
}

void
counts_owner_add(struct counts *c, int64_t uid, int64_t jobs)
{
	struct owner *o = owner_get(c, uid);

	o->jobs += jobs;
	o->changed = true;
	c->changed = true;
}

void
counts_runs_add(struct counts *c, int64_t queued, int64_t running, int64_t retrying)
{
	c->queued += queued;
	c->running += running;
	c->retrying += retrying;
	c->changed = true;
}

void
counts_rows_add(struct counts *c, int64_t rows)
{
	if (rows == 0)
		return;
	c->runs += rows;
	c->runs_behind += rows;
	c->changed = true;
}

void
counts_output_add(struct counts *c, int64_t bytes)
{
	if (bytes == 0)
		return;
	c->output += bytes;
	c->output_changed = c->changed = true;
}

void
counts_free(struct counts *c, const struct freed *freed)
{
	c->runs -= freed->rows;
	c->changed = true;
	counts_output_add(c, -freed->output);
}

/* Rows of (uid, number), added to what is there. */
static int
load_owners(struct sqlite *db, sqlite3_stmt *st, bool changed)
{
	int r;

	while ((r = sql_step(db, st)) == 1) {
		struct owner *o = owner_get(&db->counts, col_int(st, 0));

		o->jobs += col_int(st, 1);
		o->changed |= changed;
	}
	return r;
}

static int
load_one(struct sqlite *db, sqlite3_stmt *st, int64_t *ret)
{
	int r = sql_step(db, st);

	if (r == 1) {
		*ret = col_int(st, 0);
		(void)sqlite3_reset(st);	/* one row is all there is */
		return 0;
	}
	return r;
}

static int
load_active(struct sqlite *db, int state, int64_t *ret)
{
	sqlite3_stmt *st = sql(db, ST_ACTIVE_COUNT,
	    "SELECT count(*) FROM run WHERE state = ?1 AND state <= 2");

	bind_int(st, 1, state);
	return load_one(db, st, ret);
}

/* What is in the table, and the runs made since it was written. */
static int
load_counted(struct sqlite *db)
{
	sqlite3_stmt *st = sql(db, ST_COUNTED, "SELECT job, run, runs, output FROM counted");
	struct counts *c = &db->counts;
	int64_t run;
	int r;

	r = sql_step(db, st);
	if (r != 1)
		return r < 0 ? r : sql_damaged(db, "counted", 1);
	c->counted = col_int(st, 0);
	run = col_int(st, 1);
	c->runs = col_int(st, 2);
	c->output = col_int(st, 3);
	(void)sqlite3_reset(st);	/* one row is all there is */
	st = sql(db, ST_RUNS_YOUNGER, "SELECT count(*) FROM run WHERE id > ?1");
	bind_int(st, 1, run);
	r = load_one(db, st, &c->runs_behind);
	c->runs += c->runs_behind;
	return r;
}

int
counts_load(struct sqlite *db)
{
	struct counts *c = &db->counts;
	sqlite3_stmt *st;
	int r;

	counts_done(c);
	r = load_counted(db);
	if (r == 0)
		r = load_one(db, sql(db, ST_LAST_ID, "SELECT coalesce(max(id), 0) FROM job"),
		    &c->last_id);
	if (c->last_id < c->counted)
		c->last_id = c->counted;
	if (r == 0)
		r = load_owners(db, sql(db, ST_OWNERS, "SELECT uid, jobs FROM owner"), false);
	if (r == 0) {
		st = sql(db, ST_OWNERS_TAIL,
		    "SELECT uid, count(*) FROM job WHERE id > ?1 GROUP BY uid");
		bind_int(st, 1, c->counted);
		r = load_owners(db, st, true);
	}
	if (r == 0)
		r = load_active(db, RUN_QUEUED, &c->queued);
	if (r == 0)
		r = load_active(db, RUN_RUNNING, &c->running);
	if (r == 0)
		r = load_active(db, RUN_RETRYING, &c->retrying);
	c->known = r == 0;
	return r;
}

static int
save(struct sqlite *db)
{
	struct counts *c = &db->counts;
	const struct owner *o;
	sqlite3_stmt *st;
	size_t at = 0;
	int r;

	/* When this does not come to be, the flags below are wrong: they are read anew. */
	c->changed = true;
	while ((o = map_next(&c->owners, &at)) != NULL) {
		if (!o->changed)
			continue;
		st = sql(db, ST_OWNER_PUT,
		    "INSERT INTO owner VALUES (?1, ?2) ON CONFLICT DO UPDATE"
		    " SET jobs = ?2");
		bind_int(st, 1, o->uid);
		bind_int(st, 2, o->jobs);
		r = sql_run(db, st);
		if (r < 0)
			return r;
	}
	st = sql(db, ST_COUNTED_PUT, "UPDATE counted SET job = ?1, runs = ?2, output = ?3,"
	    " run = (SELECT coalesce(max(id), 0) FROM run)");
	bind_int(st, 1, c->last_id);
	bind_int(st, 2, c->runs);
	bind_int(st, 3, c->output);
	r = sql_run(db, st);
	if (r < 0)
		return r;
	c->counted = c->last_id;
	c->runs_behind = 0;
	c->output_changed = false;
	at = 0;
	while ((o = map_next(&c->owners, &at)) != NULL)
		owner_get(c, o->uid)->changed = false;
	return 0;
}

int
counts_save(struct sqlite *db)
{
	int r = save(db);

	/* Whoever changed them is undone, they are not: the commit fails. */
	if (r < 0)
		db->counts.known = false;
	return r;
}

int
counts_save_sometimes(struct sqlite *db)
{
	const struct counts *c = &db->counts;

	return c->last_id - c->counted < COUNTS_BEHIND_MAX && c->runs_behind < COUNTS_BEHIND_MAX ?
	    0 : counts_save(db);
}

int
counts_output_save(struct sqlite *db)
{
	struct counts *c = &db->counts;
	sqlite3_stmt *st;
	int r;

	if (!c->output_changed)
		return 0;
	st = sql(db, ST_OUTPUT_PUT, "UPDATE counted SET output = ?1");
	bind_int(st, 1, c->output);
	r = sql_run(db, st);
	if (r == 0)
		c->output_changed = false;
	return r;
}

int
sqlite_counts(void *arg, struct store_op *op)
{
	struct op_counts *o = container_of(op, struct op_counts, op);
	struct sqlite *db = arg;
	int r;

	if (!db->counts.known) {
		r = counts_load(db);
		if (r < 0)
			return r;
	}
	o->queued = db->counts.queued;
	o->running = db->counts.running;
	o->retrying = db->counts.retrying;
	return 0;
}
