/*
 * sqlite_queue: queues as they are stored.  A row says what somebody has set; a queue that is only
 * named by jobs has one that says nothing, so that it is listed.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/must.h"
#include "daemon/store/sqlite.h"
#include "proto/mem.h"

bool
terms_read(sqlite3_stmt *st, int at, struct queue_terms *ret)
{
	int overlap;

	if (!col_enum(st, at + 4, OVERLAP_COUNT, &overlap))
		return false;
	*ret = (struct queue_terms){
		.queue = col_text(st, at),
		.priority = col_int(st, at + 1),
		.slots = col_int(st, at + 2),
		.mutex = col_text(st, at + 3),
		.overlap = overlap,
		.overlap_limit = col_int(st, at + 5),
	};
	return true;
}

static bool
built_in(const char *name)
{
	return strcmp(name, QUEUE_DEFAULT) == 0 || strcmp(name, QUEUE_SCHEDULE) == 0;
}

static void
queue_read(sqlite3_stmt *st, struct queue_row *row)
{
	*row = (struct queue_row){
		.name = col_text(st, 0),
		.slots = col_int(st, 1),
		.paused = { col_int(st, 2) },
		.paused_by = col_text(st, 3),
		.rate = col_int(st, 4),
		.rate_usec = col_int(st, 5),
	};
}

/* 1 and the row; 0: there is none; -errno. */
static int
queue_load(struct sqlite *db, const char *name, struct queue_row *row)
{
	sqlite3_stmt *st = sql(db, ST_QUEUE_LOAD,
	    "SELECT name, slots, paused, paused_by, rate, rate_usec FROM queue WHERE name = ?1");
	int r;

	bind_text(st, 1, name);
	r = sql_step(db, st);
	if (r == 1) {
		queue_read(st, row);
		(void)sqlite3_reset(st);	/* names are unique */
	}
	return r;
}

static int
queue_save(struct sqlite *db, const struct queue_row *row)
{
	sqlite3_stmt *st = sql(db, ST_QUEUE_PUT,
	    "INSERT OR REPLACE INTO queue (name, slots, paused, paused_by, rate, rate_usec)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)");

	bind_text(st, 1, row->name);
	bind_some(st, 2, row->slots);
	bind_some(st, 3, row->paused.usec);
	bind_text(st, 4, row->paused_by);
	bind_some(st, 5, row->rate);
	bind_some(st, 6, row->rate_usec);
	return sql_run(db, st);
}

/* Is there room for another?  0, -EUSERS, -errno. */
static int
queue_room(struct sqlite *db)
{
	sqlite3_stmt *st = sql(db, ST_QUEUE_COUNT, "SELECT count(*) FROM queue");
	int r = sql_step(db, st);

	if (r != 1)
		return r < 0 ? r : -EIO;
	r = col_int(st, 0) < QUEUES_MAX ? 0 : -EUSERS;
	(void)sqlite3_reset(st);	/* one row */
	return r;
}

int
queue_named(struct sqlite *db, const char *name, bool *ret_new)
{
	struct queue_row row = { 0 };
	int r;

	*ret_new = false;
	if (built_in(name))
		return 0;
	r = queue_load(db, name, &row);
	queue_row_done(&row);
	if (r != 0)
		return r < 0 ? r : 0;
	r = queue_room(db);
	if (r < 0)
		return r;
	*ret_new = true;
	return queue_save(db, &(struct queue_row){ .name = (char *)(uintptr_t)name });
}

int
sqlite_queue_set(void *arg, struct store_op *op)
{
	struct op_queue_set *o = container_of(op, struct op_queue_set, op);
	struct sqlite *db = arg;
	struct queue_row row = { 0 };
	int r;

	r = queue_load(db, o->name, &row);
	if (r < 0)
		return r;
	if (r == 1 || built_in(o->name))
		r = o->create ? -EEXIST : 0;
	else
		r = o->create ? queue_room(db) : -ENOENT;
	if (r < 0) {
		queue_row_done(&row);
		return r;
	}
	queue_row_change(&row, o);
	r = queue_save(db, &row);
	if (r == 0)
		o->row = row;
	else
		queue_row_done(&row);
	return r;
}

/* 1: a job names it; 0; -errno. */
static int
queue_in_use(struct sqlite *db, const char *name)
{
	sqlite3_stmt *st = sql(db, ST_QUEUE_USED,
	    "SELECT 1 FROM job WHERE queue = ?1 AND queue IS NOT NULL AND queue <> 'schedule'"
	    " LIMIT 1");
	int r;

	bind_text(st, 1, name);
	r = sql_step(db, st);
	if (r == 1)
		(void)sqlite3_reset(st);	/* one is enough */
	return r;
}

int
sqlite_queue_remove(void *arg, struct store_op *op)
{
	struct op_queue_remove *o = container_of(op, struct op_queue_remove, op);
	struct sqlite *db = arg;
	struct queue_row row = { 0 };
	sqlite3_stmt *st;
	int r;

	r = built_in(o->name) ? -EBUSY : queue_load(db, o->name, &row);
	queue_row_done(&row);
	if (r == 0)
		return -ENOENT;
	if (r == 1)
		r = queue_in_use(db, o->name);
	if (r != 0)
		return r < 0 ? r : -EBUSY;
	st = sql(db, ST_QUEUE_DELETE, "DELETE FROM queue WHERE name = ?1");
	bind_text(st, 1, o->name);
	return sql_run(db, st);
}

int
sqlite_queues(void *arg, struct store_op *op)
{
	struct op_queues *o = container_of(op, struct op_queues, op);
	struct sqlite *db = arg;
	sqlite3_stmt *st = sql(db, ST_QUEUES,
	    "SELECT name, slots, paused, paused_by, rate, rate_usec FROM queue ORDER BY name");
	int r;

	o->rows = xcalloc(QUEUES_ROWS_MAX, sizeof(*o->rows));
	while ((r = sql_step(db, st)) == 1) {
		MUST(o->n < QUEUES_ROWS_MAX);
		queue_read(st, &o->rows[o->n++]);
	}
	return r;
}
