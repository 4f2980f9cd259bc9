/*
 * sqlite_late: occurrences that wait long past their due, told of while they do.  Which was told of last is kept beside
 * the rules of its job, by its due: dues come in their order, so it is known of each whether it was told.
 */
#include <errno.h>
#include <stdlib.h>

#include "daemon/base/must.h"
#include "daemon/store/notify.h"
#include "daemon/store/sqlite.h"
#include "proto/mem.h"

/* Of one op: jobs of which something is due. */
#define LATE_JOBS_MAX	100

struct late {
	int64_t	job;
	usec_t	after;
	instant	told, was;	/* now, and in the store */
};

/* The next jobs of which something is due.  How many; -errno. */
static int
late_page(struct sqlite *db, struct op_late *o, struct late jobs[LATE_JOBS_MAX])
{
	sqlite3_stmt *st = sql(db, ST_LATE, "SELECT n.job, n.late_after, n.late, j.due, j.queued"
	    " FROM notify n INDEXED BY notify_late JOIN job j ON j.id = n.job"
	    " WHERE n.late_after IS NOT NULL AND n.job > ?1 ORDER BY n.job LIMIT ?2");
	int64_t seen = 0, last = 0;
	int n = 0, r;

	bind_int(st, 1, o->after);
	bind_int(st, 2, SCAN_ROWS_MAX);
	while ((r = sql_step(db, st)) == 1 && n < LATE_JOBS_MAX) {
		instant due = { col_int(st, 3) };

		last = col_int(st, 0);
		seen++;
		if (col_int(st, 4) == 0 && (!instant_is_set(due) || due.usec > o->now.usec))
			continue;
		jobs[n] = (struct late){ .job = last, .after = col_int(st, 1), .told = { col_int(st, 2) } };
		jobs[n].was = jobs[n].told;
		n++;
	}
	if (r == 1)
		(void)sqlite3_reset(st);	/* a slice is full */
	o->jobs += seen;
	o->after = r == 1 || seen == SCAN_ROWS_MAX ? last : 0;
	return r < 0 ? r : n;
}

/* One that waits. */
static int
late_look(struct sqlite *db, struct op_late *o, struct late *l, const struct job_now *j, int64_t run, instant due)
{
	struct notice_info n;
	int64_t notices = 0;
	int r;

	if (notify_late_told(due, l->told, o->now) || !notify_late_waits(o, due, l->after, &o->next))
		return 0;
	if (o->op.kind == OP_LATE) {
		o->found = true;
		return 0;
	}
	notify_late_fill(o, j->id, j->kind, run, due, &n);
	r = notify_waiting(db, j->id, &n, &notices);
	o->notices += notices;
	l->told = due;
	return r;
}

/* Its queued runs of the schedule, in their order. */
static int
late_queued(struct sqlite *db, struct op_late *o, struct late *l, const struct job_now *j)
{
	struct queued {
		int64_t	run;
		instant	due;
	} *runs;
	sqlite3_stmt *st;
	int64_t n = 0;
	int r;

	if (j->queued == 0)
		return 0;
	runs = xcalloc((size_t)j->queued, sizeof(*runs));
	st = sql(db, ST_LATE_QUEUED, "SELECT run, due FROM (SELECT run, due, state, manual, attempt FROM run"
	    " INDEXED BY run_number WHERE job = ?1 AND state <= 2 ORDER BY run DESC LIMIT ?2)"
	    " WHERE state = 0 AND manual = 0 AND attempt = 0 ORDER BY run");
	bind_int(st, 1, j->id);
	bind_int(st, 2, j->queued + j->running + j->retrying);
	while ((r = sql_step(db, st)) == 1) {
		if (n == j->queued) {
			(void)sqlite3_reset(st);
			r = sql_damaged(db, "job", j->id);
			break;
		}
		runs[n++] = (struct queued){ col_int(st, 0), { col_int(st, 1) } };
	}
	for (int64_t i = 0; r == 0 && i < n; i++)
		r = late_look(db, o, l, j, runs[i].run, runs[i].due);
	free(runs);
	return r;
}

static int
late_save(struct sqlite *db, const struct late *l)
{
	sqlite3_stmt *st;

	if (l->told.usec == l->was.usec)
		return 0;
	st = sql(db, ST_LATE_SET, "UPDATE notify SET late = ?2 WHERE job = ?1");
	bind_int(st, 1, l->job);
	bind_int(st, 2, l->told.usec);
	return changed_one(db, st);
}

static int
late_job(struct sqlite *db, struct op_late *o, struct late *l)
{
	struct job_now j;
	int r = job_load(db, l->job, 0, &j);

	if (r == -ENOENT)
		return sql_damaged(db, "notify", l->job);
	if (r < 0)
		return r;
	r = late_queued(db, o, l, &j);
	if (r == 0 && !job_held(&j) && instant_is_set(j.due) && j.due.usec <= o->now.usec)
		r = late_look(db, o, l, &j, 0, j.due);
	job_now_done(&j);
	return r == 0 ? late_save(db, l) : r;
}

int
sqlite_late(void *arg, struct store_op *op)
{
	struct op_late *o = container_of(op, struct op_late, op);
	struct late jobs[LATE_JOBS_MAX];
	struct sqlite *db = arg;
	int n = late_page(db, o, jobs), r = 0;

	for (int i = 0; r == 0 && i < n; i++)
		r = late_job(db, o, &jobs[i]);
	return n < 0 ? n : r;
}
