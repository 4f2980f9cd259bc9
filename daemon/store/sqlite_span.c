/*
 * sqlite_span: what explains an occurrence afterwards: the life of the daemon, steps of the clock,
 * pauses; and the ledger of a job, its runs and skips side by side.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/must.h"
#include "daemon/store/sqlite.h"
#include "proto/mem.h"

/* Dues shifted in one op. */
#define SHIFT_SLICE 500

/* ---- spans ---- */

static int
span_put(struct sqlite *db, int64_t job, const struct span *s)
{
	sqlite3_stmt *st = sql(db, ST_SPAN_PUT,
	    "INSERT INTO span (job, kind, first, last, uid, step) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");

	bind_int(st, 1, job);
	bind_int(st, 2, s->kind);
	bind_int(st, 3, s->first.usec);
	bind_some(st, 4, s->last.usec);
	bind_int(st, 5, s->uid);
	bind_some(st, 6, s->step);
	return sql_run(db, st);
}

int
span_hold(struct sqlite *db, int64_t job, enum span_kind kind, bool begins, instant at, int64_t uid)
{
	struct span s = { .kind = (int)kind, .first = at, .uid = uid };
	sqlite3_stmt *st;

	if (begins)
		return span_put(db, job, &s);
	st = sql(db, ST_SPAN_END,
	    "UPDATE span SET last = ?3 WHERE job = ?1 AND kind = ?2 AND last IS NULL");
	bind_int(st, 1, job);
	bind_int(st, 2, (int64_t)kind);
	bind_int(st, 3, at.usec);
	return sql_run(db, st);
}

int
sqlite_span(void *arg, struct store_op *op)
{
	struct op_span *o = container_of(op, struct op_span, op);

	MUST(o->span.kind != SPAN_PAUSED && o->span.kind != SPAN_QUARANTINED);
	return span_put(arg, 0, &o->span);
}

/* job is 0 or one; its spans and all jobs' come from two walks of the index, of a page each. */
int
sqlite_spans(void *arg, struct store_op *op)
{
	struct op_spans *o = container_of(op, struct op_spans, op);
	struct sqlite *db = arg;
	sqlite3_stmt *st = sql(db, ST_SPANS,
	    "SELECT kind, first, last, uid, step, id FROM span WHERE job IN (0, ?1) AND first <= ?3"
	    " AND coalesce(last, ?3) >= ?2 ORDER BY first DESC LIMIT ?4");
	int r;

	bind_int(st, 1, o->job);
	bind_int(st, 2, o->from.usec);
	bind_int(st, 3, o->to.usec);
	bind_int(st, 4, SPANS_MAX + 1);
	while ((r = sql_step(db, st)) == 1) {
		struct span *s = &o->rows[o->n];

		if (o->n == SPANS_MAX) {
			o->more = true;
			(void)sqlite3_reset(st);	/* seen enough */
			return 0;
		}
		*s = (struct span){
			.first = { col_int(st, 1) },
			.last = { col_int(st, 2) },
			.uid = col_int(st, 3),
			.step = col_int(st, 4),
			.id = col_int(st, 5),
		};
		if (!col_enum(st, 0, SPAN_COUNT, &s->kind)) {
			(void)sqlite3_reset(st);	/* it is of no use */
			return sql_damaged(db, "span of job", o->job);
		}
		o->n++;
	}
	return r;
}

/* ---- the clock ---- */

struct clock {
	char	*boot;
	usec_t	 offset;
	int64_t	 epoch;
	int64_t	 shifted;	/* the last job of a shift under way */
	usec_t	 step;		/* of it; 0: there is none */
	instant	 stopped;
};

static int
clock_load(struct sqlite *db, struct clock *c)
{
	sqlite3_stmt *st = sql(db, ST_CLOCK,
	    "SELECT boot, offset, shifted, step, stopped, epoch FROM clock");
	int r = sql_step(db, st);

	if (r != 1)
		return r < 0 ? r : sql_damaged(db, "clock", 0);
	*c = (struct clock){
		.boot = col_text(st, 0),
		.offset = col_int(st, 1),
		.shifted = col_int(st, 2),
		.step = col_int(st, 3),
		.stopped = { col_int(st, 4) },
		.epoch = col_int(st, 5),
	};
	(void)sqlite3_reset(st);	/* there is one */
	return 0;
}

static int
clock_save(struct sqlite *db, const struct clock *c)
{
	sqlite3_stmt *st = sql(db, ST_CLOCK_PUT,
	    "UPDATE clock SET boot = ?1, offset = ?2, shifted = ?3, step = ?4, stopped = ?5,"
	    " epoch = ?6");

	bind_text(st, 1, c->boot);
	bind_int(st, 2, c->offset);
	bind_int(st, 3, c->shifted);
	bind_int(st, 4, c->step);
	bind_some(st, 5, c->stopped.usec);
	bind_int(st, 6, c->epoch);
	return sql_run(db, st);
}

/* ---- the daemon's life ---- */

/* Between the last one's end, or what it last wrote, and now. */
static int
life_gap(struct sqlite *db, const struct op_life *o, const struct clock *c)
{
	struct span s = { .kind = SPAN_DOWN, .first = c->stopped, .last = o->now };

	if (!instant_is_set(s.first))
		s.first = db->last_trace;
	/* The first daemon of a database has nobody before it. */
	if (c->boot == NULL || !instant_is_set(s.first) || s.first.usec >= s.last.usec)
		return 0;
	return span_put(db, 0, &s);
}

/* The host has started anew: what is to run once a boot is due. */
static int
life_booted(struct sqlite *db, struct op_life *o)
{
	sqlite3_stmt *st = sql(db, ST_BOOTED,
	    "UPDATE job SET due = ?1 WHERE on_boot = 1 AND due IS NULL");
	int r;

	bind_int(st, 1, o->now.usec);
	r = sql_run(db, st);
	if (r == 0)
		o->booted = sqlite3_changes(db->db);
	return r;
}

int
sqlite_life(void *arg, struct store_op *op)
{
	struct op_life *o = container_of(op, struct op_life, op);
	struct sqlite *db = arg;
	struct clock c = { 0 };
	bool known;
	int r;

	r = clock_load(db, &c);
	if (r < 0)
		return r;
	if (o->end) {
		c.stopped = o->now;
		r = clock_save(db, &c);
		goto out;
	}
	r = life_gap(db, o, &c);
	known = c.boot != NULL && strcmp(c.boot, o->boot) == 0;
	if (r == 0 && c.boot != NULL && !known)
		r = life_booted(db, o);
	/*
	 * After a boot there is nothing to shift by, since only the wall clock knows what elapsed in
	 * between; but a shift that was cut short is to be finished, or some dues would be
	 * ahead of the others for ever.
	 */
	if (!known) {
		free(c.boot);
		c.boot = xstrdup(o->boot);
		c.offset = o->offset - c.step;
	}
	c.stopped = (instant){ 0 };
	o->step = c.step;
	o->known = c.offset + c.step;
	o->epoch = c.epoch + (c.step != 0);
	if (r == 0)
		r = clock_save(db, &c);
out:
	free(c.boot);
	return r;
}

/* ---- a shift ---- */

/* The last job of the slice after a job; 0: there is none. */
static int
shift_last(struct sqlite *db, int64_t after, int64_t *last)
{
	sqlite3_stmt *st = sql(db, ST_SHIFT_LAST,
	    "SELECT max(id) FROM (SELECT id FROM job WHERE id > ?1 ORDER BY id LIMIT ?2)");
	int r;

	bind_int(st, 1, after);
	bind_int(st, 2, SHIFT_SLICE);
	r = sql_step(db, st);
	if (r != 1)
		return r < 0 ? r : -EIO;
	*last = col_int(st, 0);
	(void)sqlite3_reset(st);	/* one row is all there is */
	return 0;
}

int
sqlite_shift(void *arg, struct store_op *op)
{
	struct op_shift *o = container_of(op, struct op_shift, op);
	struct sqlite *db = arg;
	struct clock c = { 0 };
	sqlite3_stmt *st;
	int64_t last = 0;
	int r;

	r = clock_load(db, &c);
	if (r == 0)
		r = shift_last(db, c.shifted, &last);
	if (r < 0)
		goto out;
	c.step = o->step;
	if (last != 0) {
		st = sql(db, ST_SHIFT,
		    "UPDATE job SET due = max(due + ?3, 1), epoch = ?4 WHERE id > ?1 AND id <= ?2"
		    " AND every_usec > 0 AND due IS NOT NULL AND epoch < ?4");
		bind_int(st, 1, c.shifted);
		bind_int(st, 2, last);
		bind_int(st, 3, o->step);
		bind_int(st, 4, o->epoch);
		r = sql_run(db, st);
		c.shifted = last;
		o->more = true;
	} else {
		/* All are in line with the clock as it was when the shift began. */
		c.offset += c.step;
		c.step = c.shifted = 0;
		c.epoch = o->epoch;
	}
	if (r == 0)
		r = clock_save(db, &c);
out:
	free(c.boot);
	return r;
}

/* ---- other rules ---- */

int
sqlite_redue(void *arg, struct store_op *op)
{
	struct op_redue *o = container_of(op, struct op_redue, op);
	struct sqlite *db = arg;
	struct job_now j;
	int r;

	r = job_load(db, o->job, 0, &j);
	if (r == -ENOENT || (r == 0 && j.due.usec != o->from.usec))
		r = -ESTALE;
	if (r == 0) {
		j.due = o->to;
		job_settle(&j, o->from);
		r = job_save(db, &j, true);
	}
	if (r == 0)
		r = dependents_tell(db, &j, -1, o->from, &o->dependents);
	job_now_done(&j);
	return r;
}

int
sqlite_scheduled(void *arg, struct store_op *op)
{
	struct op_scheduled *o = container_of(op, struct op_scheduled, op);
	struct sqlite *db = arg;
	sqlite3_stmt *st = sql(db, ST_SCHEDULED,
	    "SELECT id, due, every_usec, kind, schedule, max(coalesce(previous, 0), coalesce((SELECT"
	    " last FROM skip WHERE job = job.id ORDER BY first DESC LIMIT 1), 0))"
	    " FROM job WHERE id > ?1 ORDER BY id LIMIT ?2");
	size_t seen = 0;
	int r;

	bind_int(st, 1, o->after);
	bind_int(st, 2, SCAN_ROWS_MAX);
	while ((r = sql_step(db, st)) == 1) {
		struct due_row *row = &o->rows[o->n];

		seen++;
		o->next = col_int(st, 0);
		if (sqlite3_column_type(st, 1) == SQLITE_NULL ||
		    sqlite3_column_type(st, 4) == SQLITE_NULL)
			continue;
		*row = (struct due_row){ .id = o->next, .due = { col_int(st, 1) },
		    .every = col_int(st, 2), .kind = (int)col_int(st, 3), .schedule = col_text(st, 4),
		    .decided = { col_int(st, 5) } };
		if (++o->n == DUE_PAGE) {
			(void)sqlite3_reset(st);	/* seen enough */
			o->more = true;
			return 0;
		}
	}
	o->more = seen == SCAN_ROWS_MAX;
	return r;
}

/* ---- the ledger of a job ---- */

/* Its runs, those by hand, and its skips. */
#define LISTS 3

struct rows {
	struct ledger_row	*items;
	size_t			 n;
};

static size_t
ledger_limit(const struct op_ledger *o)
{
	return o->limit > 0 && o->limit < LEDGER_PAGE ? o->limit : LEDGER_PAGE;
}

/* One row more than is told shows whether there are more. */
static void
ledger_bind(sqlite3_stmt *st, const struct op_ledger *o)
{
	bind_int(st, 1, o->job);
	bind_int(st, 2, o->from.usec);
	bind_int(st, 3, o->to.usec);
	bind_int(st, 4, (int64_t)ledger_limit(o) + 1);
}

#define RUNS_OF	"SELECT due, run, mark FROM run WHERE job = ?1 AND due >= ?2 AND due <= ?3" \
	" AND manual = "
#define SKIPS_OF "SELECT first, last, count, cause, run FROM skip WHERE job = ?1 AND last >= ?2" \
	" AND first <= ?3"

/* Runs of the schedule, or by hand, appended in the order of their dues. */
static int
ledger_runs(struct sqlite *db, const struct op_ledger *o, bool by_hand, struct rows *to)
{
	sqlite3_stmt *st;
	int r;

	if (by_hand)
		st = sql(db, ST_LEDGER_BY_HAND, RUNS_OF "1 ORDER BY due LIMIT ?4");
	else if (o->backward)
		st = sql(db, ST_LEDGER_RUNS_BACK, RUNS_OF "0 ORDER BY due DESC LIMIT ?4");
	else
		st = sql(db, ST_LEDGER_RUNS, RUNS_OF "0 ORDER BY due LIMIT ?4");
	ledger_bind(st, o);
	while ((r = sql_step(db, st)) == 1) {
		instant due = { col_int(st, 0) };

		to->items[to->n++] = (struct ledger_row){ .first = due, .last = due, .count = 1,
		    .cause = -1, .run = col_int(st, 1), .mark = (int)col_int(st, 2) };
	}
	return r;
}

/*
 * Forward it begins at the last skip that began before the range, so that no page walks all before
 * it.
 */
static int
ledger_skips(struct sqlite *db, const struct op_ledger *o, struct rows *to)
{
	sqlite3_stmt *st;
	int r;

	if (o->backward)
		st = sql(db, ST_LEDGER_SKIPS_BACK, SKIPS_OF " ORDER BY first DESC LIMIT ?4");
	else
		st = sql(db, ST_LEDGER_SKIPS, SKIPS_OF " AND first >= coalesce((SELECT max(first)"
		    " FROM skip WHERE job = ?1 AND first <= ?2), ?2) ORDER BY first LIMIT ?4");
	ledger_bind(st, o);
	while ((r = sql_step(db, st)) == 1) {
		struct ledger_row *row = &to->items[to->n++];

		*row = (struct ledger_row){ .first = { col_int(st, 0) }, .last = { col_int(st, 1) },
		    .count = col_int(st, 2), .run = col_int(st, 4) };
		if (!col_enum(st, 3, SKIP_COUNT, &row->cause)) {
			(void)sqlite3_reset(st);	/* it is of no use */
			return sql_damaged(db, "skip of job", o->job);
		}
	}
	return r;
}

/* Lists in order become one: of equal beginnings the earlier list's comes first. */
static void
ledger_merge(struct op_ledger *o, struct rows lists[LISTS])
{
	size_t at[LISTS] = { 0 };

	while (o->n < ledger_limit(o)) {
		const struct ledger_row *first = NULL;
		int from = 0;

		for (int i = 0; i < LISTS; i++) {
			const struct ledger_row *row = &lists[i].items[at[i]];

			if (at[i] == lists[i].n || (first != NULL && (o->backward ?
			    row->first.usec <= first->first.usec :
			    row->first.usec >= first->first.usec)))
				continue;
			first = row;
			from = i;
		}
		if (first == NULL)
			return;
		o->rows[o->n++] = *first;
		at[from]++;
	}
	for (int i = 0; i < LISTS; i++)
		o->more |= at[i] < lists[i].n;
}

int
sqlite_ledger(void *arg, struct store_op *op)
{
	struct op_ledger *o = container_of(op, struct op_ledger, op);
	struct rows lists[LISTS] = { { NULL, 0 } };
	struct sqlite *db = arg;
	int r;

	MUST(!o->by_hand || !o->backward);
	for (int i = 0; i < LISTS; i++)
		lists[i].items = xcalloc(ledger_limit(o) + 1, sizeof(*lists[i].items));
	r = ledger_runs(db, o, false, &lists[0]);
	if (r == 0 && o->by_hand)
		r = ledger_runs(db, o, true, &lists[1]);
	if (r == 0)
		r = ledger_skips(db, o, &lists[2]);
	if (r == 0) {
		o->rows = xcalloc(ledger_limit(o), sizeof(*o->rows));
		ledger_merge(o, lists);
	}
	for (int i = 0; i < LISTS; i++)
		free(lists[i].items);
	return r;
}
