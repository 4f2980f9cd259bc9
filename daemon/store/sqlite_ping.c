/*
 * sqlite_ping: a heartbeat's ping.  It is written to a run in the transaction that makes the run, so that what
 * was acknowledged has one, whatever becomes of the daemon then.
 */
#include <stdlib.h>

#include "daemon/base/must.h"
#include "daemon/store/sqlite.h"

/*
 * The oldest run of the job that still waits for one, or has only begun: 1, 0 or -errno.  The active ones are
 * looked for from the newest backwards, and no further than to the last of them; what other jobs have does not matter.
 */
static int
waiting_run(struct sqlite *db, int64_t job, int64_t active, int64_t *ret, struct ping **ping)
{
	sqlite3_stmt *st;
	int r;

	if (active == 0)
		return 0;
	st = sql(db, ST_PING_RUN, "SELECT run, ping FROM (SELECT run, ping FROM run INDEXED BY run_number"
	    " WHERE job = ?1 AND state <= 2 ORDER BY run DESC LIMIT ?2)"
	    " WHERE ping IS NULL OR ping ->> 'what' = 'start' ORDER BY run LIMIT 1");
	bind_int(st, 1, job);
	bind_int(st, 2, active);
	r = sql_step(db, st);
	if (r != 1)
		return r;
	*ret = col_int(st, 0);
	r = ping_read((const char *)sqlite3_column_text(st, 1), ping);
	(void)sqlite3_reset(st);	/* one is asked for */
	return r < 0 ? sql_damaged(db, "job", job) : 1;
}

static int
ping_put(struct sqlite *db, struct op_ping *o, const struct ping *earlier)
{
	sqlite3_stmt *st;
	char *text;
	int r;

	if (earlier != NULL && o->ping.what != PING_START)
		o->ping.began = earlier->at;
	text = text_write(ping_fields, &o->ping);
	st = sql(db, ST_PING_PUT, "UPDATE run SET ping = ?3 WHERE job = ?1 AND run = ?2");
	bind_int(st, 1, o->job);
	bind_int(st, 2, o->run);
	bind_text(st, 3, text);
	r = changed_one(db, st);
	free(text);
	return r;
}

/* A run is made for it: of the due, or beside the schedule. */
static int
ping_run(struct sqlite *db, struct op_ping *o)
{
	int r;

	if (o->take) {
		o->claim.job = o->job;
		o->claim.queue = true;
		r = sqlite_claim(db, &o->claim.op);
		o->run = o->claim.run;
		o->taken = r == 0;
		return r;
	}
	o->trigger.job = o->job;
	o->trigger.uid = o->uid;
	o->trigger.now = o->ping.at;
	r = sqlite_trigger(db, &o->trigger.op);
	o->run = o->trigger.run;
	o->made = r == 0;
	return r;
}

/* The next one is expected from this one on. */
static int
ping_move(struct sqlite *db, struct op_ping *o, struct job_now *j)
{
	int r;

	if (!o->move || job_held(j) || !instant_is_set(j->due) || j->due.usec != o->claim.due.usec)
		return 0;
	j->due = o->claim.next_due;
	job_settle(j, o->ping.at);
	o->moved = true;
	r = job_save(db, j, true);
	return r < 0 ? r : dependents_tell(db, j, -1, o->ping.at, &o->claim.dependents);
}

int
sqlite_ping(void *arg, struct store_op *op)
{
	struct op_ping *o = container_of(op, struct op_ping, op);
	struct ping *earlier = NULL;
	struct sqlite *db = arg;
	struct job_now j;
	int r;

	r = job_load(db, o->job, 0, &j);
	if (r < 0)
		return r;
	r = job_allows(&j, o->uid);
	if (r == 0 && j.kind != KIND_HEARTBEAT)
		r = -EPROTOTYPE;
	if (r == 0)
		r = waiting_run(db, o->job, j.queued + j.running + j.retrying, &o->run, &earlier);
	if (r == 1)
		r = ping_move(db, o, &j);
	else if (r == 0)
		r = ping_run(db, o);
	job_now_done(&j);
	if (r == 0)
		r = ping_put(db, o, earlier);
	ping_free(earlier);
	return r;
}

int
ping_load(struct sqlite *db, int64_t id, struct ping **ret)
{
	sqlite3_stmt *st = sql(db, ST_PING, "SELECT ping FROM run WHERE id = ?1");
	int r;

	bind_int(st, 1, id);
	r = sql_step(db, st);
	if (r != 1)
		return r;
	r = ping_read((const char *)sqlite3_column_text(st, 0), ret);
	(void)sqlite3_reset(st);	/* the id is unique */
	return r < 0 ? sql_damaged(db, "run", id) : 0;
}
