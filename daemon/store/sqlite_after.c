/*
 * sqlite_after: jobs that wait for others.  What a job's end, or its having nothing more to come, means to
 * those that wait for it is written down in the same transaction, as a row of the table spread,
 * and a bounded number of them is looked at in it, too; the rest is done by OP_SPREAD, slice by
 * slice.  So nothing is lost by a kill in between, however many wait; and what is told to one
 * job is told in the order in which it happened, as the rows of spread are done in theirs.
 *
 * A child that changes so that others are concerned gets a row of its own: a chain of ten thousand is walked
 * level by level, without recursion.
 */
#include <stdlib.h>

#include "daemon/base/must.h"
#include "daemon/store/sqlite.h"
#include "daemon/store/state.h"
#include "proto/mem.h"

/* Children looked at within the op that concerns them, and in one slice afterwards. */
#define SPREAD_INLINE	32
#define SPREAD_SLICE	256

/* A row of spread. */
struct spread {
	int64_t	id, parent;
	int	outcome;	/* enum run_state; -1: only whether it is finished is to be told */
	instant	at;
	int64_t	child;		/* the last that was told */
	int64_t	until;		/* later ones were added after it, and do not wait for it */
	bool	over;		/* the parent has nothing more to come */
};

/* A parent's row in dependency, as a child's. */
struct child {
	int64_t	id;
	int	condition, state, outcome;
	bool	damaged;	/* the row cannot be: it is passed over */
};

/* ---- what is told ---- */

/* The job has changed for its parents' sake; takes over what j owns of the due row. */
static void
told_add(struct dependents *out, struct job_now *j, bool due)
{
	struct dependent *d;

	out->items = xrealloc(out->items, (out->n + 1) * sizeof(*out->items));
	d = &out->items[out->n++];
	*d = (struct dependent){
		.row = job_due_row(j), .name = j->name, .was = j->was_state, .job_state = j->state,
		.paused = job_held(j),
	};
	if (!due)
		d->row.due = (instant){ 0 };
	j->name = NULL;
}

/* ---- the table spread ---- */

static int
spread_put(struct sqlite *db, int64_t parent, int outcome, instant at)
{
	sqlite3_stmt *st = sql(db, ST_SPREAD_PUT,
	    "INSERT INTO spread (parent, outcome, at, child, until)"
	    " VALUES (?1, ?2, ?3, 0, (SELECT coalesce(max(id), 0) FROM job))");

	bind_int(st, 1, parent);
	if (outcome < 0)
		(void)sqlite3_bind_null(st, 2);
	else
		bind_int(st, 2, outcome);
	bind_int(st, 3, at.usec);
	return sql_run(db, st);
}

/* Has the job nothing more to come, or is it gone?  1, 0, -errno. */
static int
job_is_over(struct sqlite *db, int64_t job)
{
	sqlite3_stmt *st = sql(db, ST_JOB_STATE, "SELECT state FROM job WHERE id = ?1");
	bool over = true;
	int r;

	bind_int(st, 1, job);
	r = sql_step(db, st);
	if (r == 1) {
		over = col_int(st, 0) == JOB_FINISHED;
		(void)sqlite3_reset(st);	/* read by its id */
	}
	return r < 0 ? r : over;
}

/* What is to be told next.  1; 0: nothing; -errno. */
static int
spread_first(struct sqlite *db, struct spread *s)
{
	sqlite3_stmt *st = sql(db, ST_SPREAD_FIRST,
	    "SELECT id, parent, coalesce(outcome, -1), at, child, until FROM spread"
	    " ORDER BY id LIMIT 1");
	int r;

	r = sql_step(db, st);
	if (r != 1)
		return r;
	*s = (struct spread){
		.id = col_int(st, 0),
		.parent = col_int(st, 1),
		.outcome = (int)col_int(st, 2),
		.at = { col_int(st, 3) },
		.child = col_int(st, 4),
		.until = col_int(st, 5),
	};
	(void)sqlite3_reset(st);	/* one is asked for */
	/* A row that cannot be must not keep the others from being told, nor the parent from ending. */
	if (s->outcome < -1 || s->outcome >= RUN_STATE_COUNT) {
		(void)sql_damaged(db, "spread", s->id);
		s->outcome = -1;
	}
	r = job_is_over(db, s->parent);
	s->over = r == 1;
	return r < 0 ? r : 1;
}

/* It is told to all, or up to s->child. */
static int
spread_save(struct sqlite *db, const struct spread *s, bool done)
{
	sqlite3_stmt *st = done ? sql(db, ST_SPREAD_DROP, "DELETE FROM spread WHERE id = ?1") :
	    sql(db, ST_SPREAD_ON, "UPDATE spread SET child = ?2 WHERE id = ?1");

	bind_int(st, 1, s->id);
	if (!done)
		bind_int(st, 2, s->child);
	return sql_run(db, st);
}

/* ---- when the parents let a job go on ---- */

int
job_last_decided(struct sqlite *db, const struct job_now *j, usec_t *ret)
{
	sqlite3_stmt *st;
	int r;

	*ret = j->previous.usec;
	if (j->skips == 0)
		return 0;
	st = sql(db, ST_LAST_SKIP,
	    "SELECT last FROM skip WHERE job = ?1 ORDER BY first DESC LIMIT 1");
	bind_int(st, 1, j->id);
	r = sql_step(db, st);
	if (r != 1)
		return r;
	if (col_int(st, 0) > *ret)
		*ret = col_int(st, 0);
	(void)sqlite3_reset(st);	/* one is asked for */
	return 0;
}

/* What the parents have done is used up: they are to end anew, those that can. */
static int
parents_use(struct sqlite *db, struct job_now *j)
{
	sqlite3_stmt *st = sql(db, ST_DEPENDENCIES_USE,
	    "UPDATE dependency SET state = CASE WHEN EXISTS (SELECT 1 FROM job WHERE"
	    " id = dependency.parent AND state <> ?2) THEN ?3 ELSE ?4 END WHERE child = ?1");
	int r;

	bind_int(st, 1, j->id);
	bind_int(st, 2, JOB_FINISHED);
	bind_int(st, 3, DEPENDENCY_WAITS);
	bind_int(st, 4, DEPENDENCY_NEVER);
	r = sql_run(db, st);
	if (r < 0)
		return r;
	st = sql(db, ST_DEPENDENCIES_NEVER,
	    "SELECT count(*) FROM dependency WHERE child = ?1 AND state = ?2");
	bind_int(st, 1, j->id);
	bind_int(st, 2, DEPENDENCY_NEVER);
	r = sql_step(db, st);
	if (r != 1)
		return r;
	j->unmet = j->parents;
	j->never = col_int(st, 0);
	(void)sqlite3_reset(st);	/* one row is all there is */
	return 0;
}

/* If all parents have ended as asked, and it is not due for that yet, it is now.  1, 0, -errno. */
static int
job_join(struct sqlite *db, struct job_now *j, instant at)
{
	usec_t decided;
	int r;

	if (j->parents == 0 || j->unmet > 0 || instant_is_set(j->due))
		return 0;
	r = job_last_decided(db, j, &decided);
	if (r < 0)
		return r;
	j->due = instant_add(at, j->delay);
	if (j->due.usec <= decided)
		j->due.usec = decided + 1;
	r = parents_use(db, j);
	return r < 0 ? r : 1;
}

/* Write a job back that its parents have changed, and see to those that wait for it in turn. */
static int
job_changed(struct sqlite *db, struct job_now *j, instant at, struct dependents *out)
{
	int r, due = job_join(db, j, at);

	if (due < 0)
		return due;
	job_settle(j, at);
	r = job_save(db, j, true);
	if (r == 0 && j->children > 0 &&
	    (j->state == JOB_FINISHED) != (j->was_state == JOB_FINISHED))
		r = spread_put(db, j->id, -1, at);
	if (r == 0 && (due == 1 || j->state != j->was_state))
		told_add(out, j, due == 1);
	return r;
}

/* A parent is something else to the job by now.  False: the counts in its row cannot be. */
static bool
count_state(struct job_now *j, int was, int state)
{
	j->unmet += (state != DEPENDENCY_HOLDS) - (was != DEPENDENCY_HOLDS);
	j->never += (state == DEPENDENCY_NEVER) - (was == DEPENDENCY_NEVER);
	return j->never >= 0 && j->never <= j->unmet && j->unmet <= j->parents;
}

/* ---- telling the children ---- */

static int
dependency_set(struct sqlite *db, const struct spread *s, int64_t child, int state)
{
	sqlite3_stmt *st = sql(db, ST_DEPENDENCY_SET,
	    "UPDATE dependency SET state = ?3, outcome = coalesce(?4, outcome)"
	    " WHERE child = ?1 AND parent = ?2");

	bind_int(st, 1, child);
	bind_int(st, 2, s->parent);
	bind_int(st, 3, state);
	if (s->outcome < 0)
		(void)sqlite3_bind_null(st, 4);
	else
		bind_int(st, 4, s->outcome);
	return sql_run(db, st);
}

/* What it is to the child from now on.  What has been satisfied stays so until it is used up. */
static int
state_now(const struct spread *s, const struct child *c)
{
	if (c->state == DEPENDENCY_HOLDS || after_holds((enum after)c->condition, s->outcome))
		return DEPENDENCY_HOLDS;
	return s->over ? DEPENDENCY_NEVER : DEPENDENCY_WAITS;
}

static int
child_tell(struct sqlite *db, const struct spread *s, const struct child *c, struct dependents *out)
{
	int state, r = 0;
	struct job_now j;

	if (c->damaged)
		return 0;
	state = state_now(s, c);
	if (state != c->state || (s->outcome >= 0 && s->outcome != c->outcome))
		r = dependency_set(db, s, c->id, state);
	if (r < 0 || state == c->state)
		return r;
	r = job_load(db, c->id, WANT_NAME | WANT_DUE_ROW, &j);
	if (r == -ENOENT || (r == 0 && !count_state(&j, c->state, state))) {
		(void)sql_damaged(db, "dependency of job", c->id);
		r = 0;
	} else if (r == 0) {
		r = job_changed(db, &j, s->at, out);
	}
	job_now_done(&j);
	return r;
}

/* The next children of the parent, at most max.  How many, or -errno. */
static int
children_page(struct sqlite *db, const struct spread *s, struct child *page, int max)
{
	sqlite3_stmt *st = sql(db, ST_CHILDREN,
	    "SELECT child, condition, state, coalesce(outcome, -1) FROM dependency"
	    " WHERE parent = ?1 AND child > ?2 AND child <= ?3 ORDER BY child LIMIT ?4");
	int r, n = 0;

	bind_int(st, 1, s->parent);
	bind_int(st, 2, s->child);
	bind_int(st, 3, s->until);
	bind_int(st, 4, max);
	while ((r = sql_step(db, st)) == 1) {
		struct child *c = &page[n++];

		c->id = col_int(st, 0);
		c->outcome = (int)col_int(st, 3);
		c->damaged = !col_enum(st, 1, AFTER_COUNT, &c->condition) ||
		    !col_enum(st, 2, DEPENDENCY_COUNT, &c->state);
		if (c->damaged)
			(void)sql_damaged(db, "dependency of job", c->id);
	}
	return r < 0 ? r : n;
}

/* Tell at most budget children.  How many were told, or -errno. */
static int
spread_one(struct sqlite *db, struct spread *s, int budget, struct dependents *out)
{
	struct child page[SPREAD_SLICE];
	int r = 0, n;

	n = children_page(db, s, page, budget);
	if (n < 0)
		return n;
	for (int i = 0; r == 0 && i < n; i++)
		r = child_tell(db, s, &page[i], out);
	if (n > 0)
		s->child = page[n - 1].id;
	if (r == 0)
		r = spread_save(db, s, n < budget);
	return r < 0 ? r : n;
}

/* As far as the budget goes, in children; each row of spread counts as one, too. */
static int
spread_some(struct sqlite *db, int budget, struct dependents *out)
{
	struct spread s;
	int r;

	if (db->told_max > 0 && db->told_max < budget)
		budget = db->told_max;
	while ((r = spread_first(db, &s)) == 1 && budget > 0) {
		r = spread_one(db, &s, budget, out);
		if (r < 0)
			return r;
		budget -= r + 1;
	}
	out->more = r == 1;
	return r < 0 ? r : 0;
}

int
dependents_tell(struct sqlite *db, const struct job_now *j, int outcome, instant at,
    struct dependents *out)
{
	int r;

	if (j->children == 0 ||
	    (outcome < 0 && (j->state == JOB_FINISHED) == (j->was_state == JOB_FINISHED)))
		return 0;
	r = spread_put(db, j->id, outcome, at);
	return r < 0 ? r : spread_some(db, SPREAD_INLINE, out);
}

int
sqlite_spread(void *arg, struct store_op *op)
{
	struct op_spread *o = container_of(op, struct op_spread, op);

	return spread_some(arg, SPREAD_SLICE, &o->dependents);
}

int
dependents_due(struct sqlite *db, struct job_now *j, instant at, struct dependents *out)
{
	struct job_now copy;
	int r = job_join(db, j, at);

	if (r <= 0)
		return r;
	r = job_load(db, j->id, WANT_NAME | WANT_DUE_ROW, &copy);
	if (r == 0) {
		copy.due = j->due;
		told_add(out, &copy, true);
	}
	job_now_done(&copy);
	return r;
}

/* ---- Add ---- */

struct parent {
	int64_t	 id;
	int	 state;
	int64_t	 runs, children;
	char	*name;
};

/*
 * The job that a text names.  One with an id that this Add has given out can only be guessed: it is
 * none.  0, -ENOENT, -EIO.
 */
static int
parent_load(struct sqlite *db, const struct after_job *a, int64_t before, struct parent *p)
{
	sqlite3_stmt *st = sql(db, ST_PARENT,
	    "SELECT id, state, runs, children, name FROM job WHERE id = coalesce(?1,"
	    " (SELECT id FROM job WHERE name = ?2))");
	int r;

	bind_some(st, 1, a->id);
	bind_text(st, 2, a->id != 0 ? NULL : a->name);
	r = a->id > before ? 0 : sql_step(db, st);
	if (r != 1)
		return r < 0 ? r : -ENOENT;
	p->id = col_int(st, 0);
	p->runs = col_int(st, 2);
	p->children = col_int(st, 3);
	p->name = col_text(st, 4);
	r = col_enum(st, 1, JOB_STATE_COUNT, &p->state) ? 0 : sql_damaged(db, "job", p->id);
	(void)sqlite3_reset(st);	/* one is asked for */
	return r;
}

/* How its latest run has ended; -1: none has. */
static int
parent_outcome(struct sqlite *db, const struct parent *p, int *ret)
{
	sqlite3_stmt *st = sql(db, ST_PARENT_OUTCOME,
	    "SELECT state FROM run WHERE job = ?1 AND run = ?2");
	int r;

	*ret = -1;
	bind_int(st, 1, p->id);
	bind_int(st, 2, p->runs);
	r = sql_step(db, st);
	if (r != 1)
		return r;
	if (!col_enum(st, 0, RUN_STATE_COUNT, ret))
		r = sql_damaged(db, "run of job", p->id);
	else if (!run_state_final((enum run_state)*ret))
		*ret = -1;
	(void)sqlite3_reset(st);	/* the number is unique */
	return r < 0 ? r : 0;
}

/* 0; -ENOTUNIQ: it waits for this one already. */
static int
dependency_put(struct sqlite *db, int64_t child, const struct parent *p, int condition, int state,
    int outcome)
{
	sqlite3_stmt *st = sql(db, ST_DEPENDENCY_PUT,
	    "INSERT INTO dependency (child, parent, condition, state, outcome, name)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
	int r;

	bind_int(st, 1, child);
	bind_int(st, 2, p->id);
	bind_int(st, 3, condition);
	bind_int(st, 4, state);
	if (outcome < 0)
		(void)sqlite3_bind_null(st, 5);
	else
		bind_int(st, 5, outcome);
	bind_text(st, 6, p->name);
	r = sql_run(db, st);
	if (r < 0)
		return r == -EEXIST ? -ENOTUNIQ : r;
	st = sql(db, ST_CHILD_MORE, "UPDATE job SET children = children + 1 WHERE id = ?1");
	bind_int(st, 1, p->id);
	return sql_run(db, st);
}

/* One that is finished counts by its latest run, another by its next end. */
static int
dependency_add(struct sqlite *db, struct job_now *j, const char *text, int64_t before)
{
	struct parent p = { .id = 0 };
	struct after_job a;
	int r, outcome = -1, state = DEPENDENCY_WAITS;

	MUST(after_read(text, &a) == NULL);
	r = parent_load(db, &a, before, &p);
	if (r == 0 && p.children >= DEPENDENTS_MAX)
		r = -EMLINK;
	if (r == 0 && p.state == JOB_FINISHED) {
		r = parent_outcome(db, &p, &outcome);
		state = after_holds((enum after)a.condition, outcome) ? DEPENDENCY_HOLDS :
		    DEPENDENCY_NEVER;
	}
	if (r == 0)
		r = dependency_put(db, j->id, &p, a.condition, state, outcome);
	if (r == 0)
		MUST(count_state(j, DEPENDENCY_WAITS, state));	/* it was just inserted */
	free(p.name);
	return r;
}

static int
dependencies_add_job(struct sqlite *db, struct op_add *o, size_t i, int64_t before)
{
	const struct job_spec *spec = o->jobs[i].spec;
	struct job_now j;
	int r;

	r = job_load(db, o->jobs[i].id, WANT_NAME | WANT_DUE_ROW, &j);
	for (size_t k = 0; r == 0 && k < spec->after.n; k++) {
		o->failed_after = k;
		r = dependency_add(db, &j, spec->after.items[k], before);
	}
	if (r == 0)
		r = job_changed(db, &j, o->now, &o->dependents);
	o->jobs[i].job_state = j.state;
	job_now_done(&j);
	return r;
}

int
dependencies_add(struct sqlite *db, struct op_add *o, int64_t before)
{
	bool any = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < o->n; i++) {
		if (o->jobs[i].spec->after.n == 0 || o->jobs[i].existed)
			continue;
		any = true;
		o->failed = i;
		r = dependencies_add_job(db, o, i, before);
	}
	/* They may be parents of others in the same Add. */
	return r == 0 && any ? spread_some(db, SPREAD_INLINE, &o->dependents) : r;
}

/* ---- Edit ---- */

/* Is the job among those that it waits for, or they for?  1, 0, -errno.  There are no other circles. */
static int
waits_for_itself(struct sqlite *db, int64_t job)
{
	sqlite3_stmt *st = sql(db, ST_CIRCLE,
	    "WITH RECURSIVE up(id) AS (SELECT parent FROM dependency WHERE child = ?1"
	    " UNION SELECT d.parent FROM up JOIN dependency d ON d.child = up.id)"
	    " SELECT 1 FROM up WHERE id = ?1 LIMIT 1");
	int r;

	bind_int(st, 1, job);
	r = sql_step(db, st);
	if (r == 1)
		(void)sqlite3_reset(st);	/* one is asked for */
	return r;
}

int
dependencies_replace(struct sqlite *db, struct job_now *j, const struct strings *after,
    size_t *failed)
{
	int r = dependencies_delete(db, j->id);

	j->parents = j->unmet = (int64_t)after->n;
	j->never = 0;
	for (size_t k = 0; r == 0 && k < after->n; k++) {
		*failed = k;
		r = dependency_add(db, j, after->items[k], INT64_MAX);
		/* No job is missing but this one. */
		if (r == -ENOENT)
			r = -ENXIO;
		if (r == 0)
			r = waits_for_itself(db, j->id);
		if (r == 1)
			r = -ELOOP;
	}
	return r;
}

int
dependencies_rename(struct sqlite *db, int64_t job, const char *name)
{
	sqlite3_stmt *st = sql(db, ST_DEPENDENCIES_RENAME,
	    "UPDATE dependency SET name = ?2 WHERE parent = ?1");

	bind_int(st, 1, job);
	bind_text(st, 2, name);
	return sql_run(db, st);
}

/* ---- Remove ---- */

int
dependencies_delete(struct sqlite *db, int64_t job)
{
	sqlite3_stmt *st = sql(db, ST_CHILD_LESS,
	    "UPDATE job SET children = children - 1 WHERE id IN (SELECT parent FROM dependency"
	    " WHERE child = ?1)");
	int r;

	bind_int(st, 1, job);
	r = sql_run(db, st);
	if (r < 0)
		return r;
	/* Those of its children stay: they tell of whom they waited for. */
	st = sql(db, ST_DEPENDENCIES_DELETE, "DELETE FROM dependency WHERE child = ?1");
	bind_int(st, 1, job);
	return sql_run(db, st);
}

int
dependents_waiting(struct sqlite *db, const struct job_now *j, int64_t *ret)
{
	sqlite3_stmt *st;
	int r;

	*ret = 0;
	if (j->children == 0)
		return 0;
	st = sql(db, ST_WAITED,
	    "SELECT count(*) FROM dependency WHERE parent = ?1 AND state = ?2");
	bind_int(st, 1, j->id);
	bind_int(st, 2, DEPENDENCY_WAITS);
	r = sql_step(db, st);
	if (r != 1)
		return r;
	*ret = col_int(st, 0);
	(void)sqlite3_reset(st);	/* one row is all there is */
	return 0;
}

/* ---- what is told ---- */

/* The other job's state; -1: it is gone. */
static int
other_state(sqlite3_stmt *st, int at)
{
	return sqlite3_column_type(st, at) == SQLITE_NULL ? -1 : (int)col_int(st, at);
}

/* A page of a job's dependencies, told as those of the other side: at most max. */
static int
infos_read(struct sqlite *db, sqlite3_stmt *st, int64_t job, size_t max,
    struct dependency_info **ret, size_t *n)
{
	struct dependency_info *infos = xcalloc(max, sizeof(*infos));
	int r;

	*ret = infos;
	*n = 0;
	bind_int(st, 1, job);
	bind_int(st, 2, (int64_t)max);
	while ((r = sql_step(db, st)) == 1) {
		struct dependency_info *d = &infos[*n];

		*d = (struct dependency_info){ .job = col_int(st, 0), .name = col_text(st, 1),
		    .job_state = other_state(st, 4), .outcome = (int)col_int(st, 5) };
		++*n;
		if (col_enum(st, 2, AFTER_COUNT, &d->condition) &&
		    col_enum(st, 3, DEPENDENCY_COUNT, &d->state) &&
		    d->job_state < JOB_STATE_COUNT && d->outcome < RUN_STATE_COUNT)
			continue;
		(void)sqlite3_reset(st);	/* it is of no use */
		return sql_damaged(db, "dependency of job", job);
	}
	return r;
}

#define INFO_OF(other, name) \
	"SELECT d." other ", " name ", d.condition, d.state, j.state, coalesce(d.outcome, -1)" \
	" FROM dependency d LEFT JOIN job j ON j.id = d." other

static int
parents_read(struct sqlite *db, int64_t job, struct dependency_info **ret, size_t *n)
{
	return infos_read(db, sql(db, ST_PARENTS_TOLD, INFO_OF("parent", "d.name")
	    " WHERE d.child = ?1 ORDER BY d.parent LIMIT ?2"), job, PARENTS_MAX, ret, n);
}

int
dependencies_words(struct sqlite *db, struct job_info *job)
{
	struct dependency_info *infos;
	size_t n;
	int r;

	if (job->parents == 0 || (job->state != JOB_BLOCKED && job->state != JOB_FINISHED))
		return 0;
	r = parents_read(db, job->id, &infos, &n);
	if (r == 0)
		job->waits_for = dependency_words(infos, n, job->state);
	for (size_t i = 0; i < n; i++)
		dependency_info_done(&infos[i]);
	free(infos);
	return r;
}

int
dependencies_read(struct sqlite *db, struct op_get *o)
{
	int r = 0;

	if (o->job.parents > 0)
		r = parents_read(db, o->job.id, &o->parents, &o->parents_n);
	if (r == 0 && o->job.dependents > 0)
		r = infos_read(db, sql(db, ST_CHILDREN_TOLD, INFO_OF("child", "j.name")
		    " WHERE d.parent = ?1 ORDER BY d.child LIMIT ?2"), o->job.id, CHILDREN_TOLD,
		    &o->children, &o->children_n);
	return r;
}
