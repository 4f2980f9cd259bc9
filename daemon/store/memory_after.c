/*
 * memory_after: jobs that wait for others, on the store in memory: as sqlite_after, but nothing is put
 * off: what an op means to others is done within it.  A simulation has no such jobs; this is there so
 * that the tests of the scheduler can be run on either store.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/must.h"
#include "daemon/store/memory-internal.h"
#include "proto/mem.h"

/* What is to be told to the children of a job. */
struct spread {
	struct spread	*next;
	int64_t		 parent;
	int		 outcome;
	instant		 at;
};

struct spreading {
	struct memory		*m;
	struct spread		*first, **end;
	struct dependents	*out;
};

static void
spread_put(struct spreading *w, int64_t parent, int outcome, instant at)
{
	struct spread *s = xcalloc(1, sizeof(*s));

	*s = (struct spread){ .parent = parent, .outcome = outcome, .at = at };
	*w->end = s;
	w->end = &s->next;
}

static bool
is_over(const struct memory *m, int64_t job)
{
	const struct memory_job *j = memory_job(m, job);

	return j == NULL || j->state == JOB_FINISHED;
}

static void
told_add(struct dependents *out, const struct memory_job *j, int was, bool due)
{
	struct dependent *d;

	out->items = xrealloc(out->items, (out->n + 1) * sizeof(*out->items));
	d = &out->items[out->n++];
	*d = (struct dependent){ .row = memory_due_row(j), .name = xstrdup(j->name), .was = was,
	    .job_state = j->state, .paused = j->paused };
	if (!due)
		d->row.due = (instant){ 0 };
}

static void
count_parents(struct memory_job *j)
{
	j->unmet = j->never = 0;
	for (size_t i = 0; i < j->parents_n; i++) {
		j->unmet += j->parents[i].state != DEPENDENCY_HOLDS;
		j->never += j->parents[i].state == DEPENDENCY_NEVER;
	}
}

/* If all parents have ended as asked, and it is not due for that yet, it is now. */
static bool
job_join(struct memory *m, struct memory_job *j, instant at)
{
	usec_t decided = j->previous.usec > j->skipped.usec ? j->previous.usec : j->skipped.usec;

	if (j->parents_n == 0 || j->unmet > 0 || instant_is_set(j->row.due))
		return false;
	j->row.due = instant_add(at, j->delay);
	if (j->row.due.usec <= decided)
		j->row.due.usec = decided + 1;
	for (size_t i = 0; i < j->parents_n; i++)
		j->parents[i].state = is_over(m, j->parents[i].job) ? DEPENDENCY_NEVER :
		    DEPENDENCY_WAITS;
	count_parents(j);
	return true;
}

static void
job_changed(struct spreading *w, struct memory_job *j, instant at)
{
	int was = j->state;
	bool due = job_join(w->m, j, at);

	memory_job_settle(j, at);
	if (j->children > 0 && (j->state == JOB_FINISHED) != (was == JOB_FINISHED))
		spread_put(w, j->row.id, -1, at);
	if (due || j->state != was)
		told_add(w->out, j, was, due);
}

static void
child_tell(struct spreading *w, const struct spread *s, struct memory_job *j,
    struct memory_parent *p)
{
	int was = p->state;

	if (s->outcome >= 0)
		p->outcome = s->outcome;
	if (after_holds((enum after)p->condition, s->outcome))
		p->state = DEPENDENCY_HOLDS;
	else if (p->state != DEPENDENCY_HOLDS)
		p->state = is_over(w->m, s->parent) ? DEPENDENCY_NEVER : DEPENDENCY_WAITS;
	if (p->state == was)
		return;
	count_parents(j);
	job_changed(w, j, s->at);
}

static void
spread_one(struct spreading *w, const struct spread *s)
{
	struct memory *m = w->m;

	for (size_t i = 0; i < m->n; i++) {
		struct memory_job *j = m->jobs[i];

		for (size_t k = 0; k < j->parents_n; k++) {
			if (j->parents[k].job == s->parent)
				child_tell(w, s, j, &j->parents[k]);
		}
	}
}

static void
spread_all(struct spreading *w)
{
	struct spread *s;

	while ((s = w->first) != NULL) {
		w->first = s->next;
		if (w->first == NULL)
			w->end = &w->first;
		spread_one(w, s);
		free(s);
	}
}

void
memory_dependents_tell(struct memory *m, int64_t job, int64_t children, bool changed, int outcome,
    instant at, struct dependents *out)
{
	struct spreading w = { .m = m, .out = out };

	if (children == 0 || (outcome < 0 && !changed))
		return;
	w.end = &w.first;
	spread_put(&w, job, outcome, at);
	spread_all(&w);
}

void
memory_dependents_due(struct memory *m, struct memory_job *j, instant at, struct dependents *out)
{
	if (job_join(m, j, at))
		told_add(out, j, j->state, true);
}

/* Everything was done when it came up. */
int
memory_spread(void *db, struct store_op *op)
{
	(void)db;
	(void)op;
	return 0;
}

/* ---- Add and Remove ---- */

/* How its latest run has ended, if it is known; -1. */
static int
parent_outcome(const struct memory_job *p)
{
	const struct memory_run *r = p->newest;

	return r != NULL && r->info.run == p->runs && run_state_final((enum run_state)r->info.state) ?
	    r->info.state : -1;
}

/* In the order of their ids, as SQLite has them. */
static void
parent_insert(struct memory_job *j, const struct memory_parent *d)
{
	size_t at = j->parents_n++;

	while (at > 0 && j->parents[at - 1].job > d->job) {
		j->parents[at] = j->parents[at - 1];
		at--;
	}
	j->parents[at] = *d;
}

static int
dependency_add(struct memory *m, struct memory_job *j, const char *text, int64_t before)
{
	struct memory_parent d = { .outcome = -1 };
	struct memory_job *p;
	struct after_job a;

	MUST(after_read(text, &a) == NULL);
	p = a.id != 0 ? memory_job(m, a.id) : memory_job_named(m, a.name);
	if (p == NULL || a.id > before)
		return -ENOENT;
	if (p->children >= DEPENDENTS_MAX)
		return -EMLINK;
	for (size_t i = 0; i < j->parents_n; i++) {
		if (j->parents[i].job == p->row.id)
			return -ENOTUNIQ;
	}
	d.job = p->row.id;
	d.condition = a.condition;
	d.name = xstrdup(p->name);
	p->children++;
	if (p->state == JOB_FINISHED) {
		d.outcome = parent_outcome(p);
		d.state = after_holds((enum after)d.condition, d.outcome) ? DEPENDENCY_HOLDS :
		    DEPENDENCY_NEVER;
	}
	parent_insert(j, &d);
	return 0;
}

static int
dependencies_add_job(struct spreading *w, struct op_add *o, size_t i, int64_t before)
{
	struct memory_job *j = memory_job(w->m, o->jobs[i].id);
	const struct strings *after = &o->jobs[i].spec->after;
	int r;

	for (size_t k = 0; k < after->n; k++) {
		o->failed_after = k;
		r = dependency_add(w->m, j, after->items[k], before);
		if (r < 0)
			return r;
	}
	count_parents(j);
	job_changed(w, j, o->now);
	o->jobs[i].job_state = j->state;
	return 0;
}

int
memory_dependencies_add(struct memory *m, struct op_add *o, int64_t before)
{
	struct spreading w = { .m = m, .out = &o->dependents };
	int r = 0;

	w.end = &w.first;
	for (size_t i = 0; r == 0 && i < o->n; i++) {
		if (o->jobs[i].spec->after.n == 0 || o->jobs[i].existed)
			continue;
		o->failed = i;
		r = dependencies_add_job(&w, o, i, before);
	}
	/* After a refusal all of the Add goes again. */
	spread_all(&w);
	return r;
}

/* Is the job among those that it waits for, or they for? */
static bool
waits_for(const struct memory *m, const struct memory_job *j, int64_t job)
{
	for (size_t i = 0; j != NULL && i < j->parents_n; i++) {
		if (j->parents[i].job == job || waits_for(m, memory_job(m, j->parents[i].job), job))
			return true;
	}
	return false;
}

int
memory_dependencies_replace(struct memory *m, struct memory_job *j, const struct strings *after,
    size_t *failed)
{
	struct memory_parent *old = j->parents;
	size_t old_n = j->parents_n;
	int r = 0;

	for (size_t i = 0; i < old_n; i++) {
		if (memory_job(m, old[i].job) != NULL)
			memory_job(m, old[i].job)->children--;
	}
	j->parents = xcalloc(after->n + 1, sizeof(*j->parents));
	j->parents_n = 0;
	for (size_t k = 0; r == 0 && k < after->n; k++) {
		*failed = k;
		r = dependency_add(m, j, after->items[k], INT64_MAX);
		if (r == -ENOENT)
			r = -ENXIO;
		if (r == 0 && waits_for(m, j, j->row.id))
			r = -ELOOP;
	}
	if (r == 0) {
		for (size_t i = 0; i < old_n; i++)
			free(old[i].name);
		free(old);
		count_parents(j);
		return 0;
	}
	memory_dependencies_delete(m, j);
	j->parents = old;
	j->parents_n = old_n;
	for (size_t i = 0; i < old_n; i++) {
		if (memory_job(m, old[i].job) != NULL)
			memory_job(m, old[i].job)->children++;
	}
	return r;
}

void
memory_dependencies_rename(struct memory *m, int64_t job, const char *name)
{
	for (size_t i = 0; i < m->n; i++) {
		for (size_t k = 0; k < m->jobs[i]->parents_n; k++) {
			struct memory_parent *p = &m->jobs[i]->parents[k];

			if (p->job != job)
				continue;
			free(p->name);
			p->name = xstrdup(name);
		}
	}
}

void
memory_dependencies_delete(struct memory *m, struct memory_job *j)
{
	for (size_t i = 0; i < j->parents_n; i++) {
		struct memory_job *p = memory_job(m, j->parents[i].job);

		if (p != NULL)
			p->children--;
		free(j->parents[i].name);
	}
	free(j->parents);
	j->parents = NULL;
	j->parents_n = 0;
}

int64_t
memory_dependents_waiting(const struct memory *m, int64_t job)
{
	int64_t n = 0;

	for (size_t i = 0; i < m->n; i++) {
		for (size_t k = 0; k < m->jobs[i]->parents_n; k++)
			n += m->jobs[i]->parents[k].job == job &&
			    m->jobs[i]->parents[k].state == DEPENDENCY_WAITS;
	}
	return n;
}

void
memory_dependencies_read(const struct memory *m, const struct memory_job *j, struct op_get *o)
{
	o->parents = xcalloc(j->parents_n + 1, sizeof(*o->parents));
	for (size_t i = 0; i < j->parents_n; i++) {
		const struct memory_parent *p = &j->parents[i];
		const struct memory_job *other = memory_job(m, p->job);

		o->parents[o->parents_n++] = (struct dependency_info){ .job = p->job,
		    .name = xstrdup(p->name), .condition = p->condition, .state = p->state,
		    .job_state = other != NULL ? other->state : -1, .outcome = p->outcome };
	}
}
