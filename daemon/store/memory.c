/*
 * memory: see memory.h.  Every op looks first whether the world is still as the asker believes and
 * refuses before it changes anything, so there is nothing to undo; and as no commit fails, there
 * is nothing to roll back.
 *
 * Claims and ends are what a simulation makes by the million: a run that is forgotten leaves its
 * memory to the next.  The pages of dues are sorted anew each time: they are asked for
 * when a window is filled, which with room enough is once.
 */
#include "daemon/store/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/must.h"
#include "daemon/store/memory-internal.h"
#include "daemon/store/state.h"
#include "proto/mem.h"

/* Dues shifted in one op, as SQLite does. */
#define SHIFT_SLICE 500

/* ---- jobs ---- */

struct memory_job *
memory_job_new(struct memory *m, int64_t id)
{
	struct memory_job *j = xcalloc(1, sizeof(*j));
	size_t at = m->n;

	MUST(id > 0 && memory_job(m, id) == NULL);
	if (m->n == m->size) {
		m->size = m->size == 0 ? 64 : 2 * m->size;
		m->jobs = xrealloc(m->jobs, m->size * sizeof(struct memory_job *));
	}
	while (at > 0 && m->jobs[at - 1]->row.id > id)
		at--;
	memmove(&m->jobs[at + 1], &m->jobs[at], (m->n - at) * sizeof(struct memory_job *));
	m->jobs[at] = j;
	m->n++;
	map_set(&m->by_id, id, j);
	j->row.id = id;
	j->generation = 1;
	if (m->last_id < id)
		m->last_id = id;
	return j;
}

static void
run_free(struct memory_run *r)
{
	run_info_done(&r->info);
	free(r);
}

static void
job_free(struct memory_job *j)
{
	while (j->newest != NULL) {
		struct memory_run *r = j->newest;

		j->newest = r->older;
		run_free(r);
	}
	for (size_t i = 0; i < j->parents_n; i++)
		free(j->parents[i].name);
	free(j->parents);
	free(j->row.schedule);
	terms_done(&j->row.terms);
	free(j->name);
	free(j->key);
	free(j->spec_json);
	strings_done(&j->notify);
	free(j);
}

void
memory_job_delete(struct memory *m, struct memory_job *j)
{
	size_t at = 0;

	MUST(j->queued + j->running + j->retrying == 0);
	memory_dependencies_delete(m, j);
	while (m->jobs[at] != j)
		at++;
	m->n--;
	memmove(&m->jobs[at], &m->jobs[at + 1], (m->n - at) * sizeof(struct memory_job *));
	(void)map_remove(&m->by_id, j->row.id);
	job_free(j);
}

void
memory_job_settle(struct memory_job *j, instant when)
{
	bool due = instant_is_set(j->row.due);
	const struct job_facts facts = {
		.queued = j->queued, .running = j->running, .retrying = j->retrying,
		.paused = j->paused, .quarantined = j->quarantined,
		.has_more = due || j->on_boot || (j->parents_n > 0 && j->never == 0),
		.waits = j->parents_n > 0 && !due,
	};

	j->state = job_state_of(&facts);
	if (j->state != JOB_FINISHED)
		j->finished = (instant){ 0 };
	else if (!instant_is_set(j->finished))
		j->finished = when;
}

/* ---- runs ---- */

static void
count_run(struct memory *m, struct memory_job *j, int state, int by)
{
	if (state == RUN_QUEUED) {
		j->queued += by;
		m->queued += by;
	} else if (state == RUN_RETRYING) {
		j->retrying += by;
		m->retrying += by;
	} else {
		j->running += by;
		m->running += by;
	}
	MUST(j->queued >= 0 && j->running >= 0 && j->retrying >= 0);
}

/* In its place among the active ones, by cursor: at the end, mostly. */
static void
active_link(struct memory *m, struct memory_run *r)
{
	r->prev = m->last;
	while (r->prev != NULL && r->prev->cursor > r->cursor)
		r->prev = r->prev->prev;
	r->next = r->prev == NULL ? m->first : r->prev->next;
	if (r->prev == NULL)
		m->first = r;
	else
		r->prev->next = r;
	if (r->next == NULL)
		m->last = r;
	else
		r->next->prev = r;
}

struct memory_run *
memory_run_new(struct memory *m, struct memory_job *j, enum run_state state, bool manual,
    instant due)
{
	struct memory_run *r = m->spare;

	MUST(run_state_born(state));
	if (r != NULL)
		m->spare = r->older;
	else
		r = xmalloc(sizeof(*r));
	*r = (struct memory_run){ .older = j->newest, .cursor = ++m->last_cursor,
	    .info = RUN_INFO_NONE };
	r->info.job = j->row.id;
	r->info.run = ++j->runs;
	r->info.kind = j->row.kind;
	r->info.state = (int)state;
	r->info.manual = manual;
	r->info.due = due;
	j->newest = r;
	active_link(m, r);
	count_run(m, j, (int)state, 1);
	return r;
}

void
memory_run_move(struct memory *m, struct memory_job *j, struct memory_run *r, enum run_state to)
{
	MUST(run_state_allows((enum run_state)r->info.state, to));
	count_run(m, j, r->info.state, -1);
	count_run(m, j, (int)to, 1);
	r->info.state = (int)to;
}

void
memory_run_clear(struct memory_run *r)
{
	struct run_info *i = &r->info;

	free(i->reason);
	free(i->canceled_by);
	i->reason = i->canceled_by = NULL;
	i->spawned = i->exited = i->ended = (instant){ 0 };
	i->exit_code = -1;
	i->verdict = VERDICT_NONE;
}

void
memory_run_again(struct memory *m, struct memory_job *j, struct memory_run *r)
{
	MUST(run_state_allows((enum run_state)r->info.state, RUN_QUEUED));
	active_link(m, r);
	count_run(m, j, RUN_QUEUED, 1);
	r->info.state = RUN_QUEUED;
}

void
memory_hold_retries(struct memory_job *j)
{
	for (struct memory_run *r = j->newest; j->retrying > 0 && r != NULL; r = r->older) {
		int64_t at = r->info.retry_at.usec;

		if (r->info.state == RUN_RETRYING && (at > 0) == memory_job_held(j))
			r->info.retry_at.usec = -at;
	}
}

int64_t
memory_retrying_run(const struct memory_job *j)
{
	const struct memory_run *r = j->retrying > 0 ? j->newest : NULL;

	while (r != NULL && r->info.state != RUN_RETRYING)
		r = r->older;
	return r != NULL ? r->info.run : 0;
}

struct memory_run *
memory_run_find(const struct memory_job *j, int64_t run)
{
	struct memory_run *r = j->newest;

	while (r != NULL && r->info.run > run)
		r = r->older;
	return r != NULL && r->info.run == run ? r : NULL;
}

void
memory_run_end(struct memory *m, struct memory_job *j, struct memory_run *r, int from)
{
	struct memory_run **link = &j->newest;

	count_run(m, j, from, -1);
	if (r->prev == NULL)
		m->first = r->next;
	else
		r->prev->next = r->next;
	if (r->next == NULL)
		m->last = r->prev;
	else
		r->next->prev = r->prev;
	if (m->keep)
		return;
	while (*link != r)
		link = &(*link)->older;
	*link = r->older;
	run_info_done(&r->info);
	r->older = m->spare;
	m->spare = r;
}

/* ---- claim, finish, skip ---- */

/* A new run takes the place of what is active, but of what was asked for by hand and waits. */
static void
claim_replaces(struct memory *m, struct memory_job *j, struct op_claim *o)
{
	char *by = xasprintf(REPLACED_BY, j->row.id, j->runs + 1);
	struct memory_run *waits = NULL;

	for (struct memory_run *r = j->newest; r != NULL; r = r->older) {
		if ((r->info.state == RUN_QUEUED || r->info.state == RUN_RETRYING) && !r->info.manual)
			waits = r;
		else if (r->info.state == RUN_RUNNING && r->info.canceled_by == NULL)
			r->info.canceled_by = xstrdup(by);
	}
	if (waits != NULL) {
		o->replaced = waits->info.run;
		o->replaced_was = waits->info.state;
		MUST(run_state_allows((enum run_state)o->replaced_was, RUN_CANCELED));
		waits->info.state = RUN_CANCELED;
		waits->info.ended = o->noticed;
		waits->info.retry_at = (instant){ 0 };
		free(waits->info.canceled_by);
		waits->info.canceled_by = by;
		memory_run_end(m, j, waits, o->replaced_was);
		return;
	}
	free(by);
}

/* A new run of an occurrence, and the next due. */
static int
claim_due(struct memory *m, struct memory_job *j, struct op_claim *o)
{
	struct memory_run *r;

	if (memory_job_held(j) || !instant_is_set(o->due) || j->row.due.usec != o->due.usec)
		return -ESTALE;
	MUST(!instant_is_set(o->next_due) || o->next_due.usec > o->due.usec);
	o->full = o->queue && o->queue_max > 0 && j->queued >= o->queue_max;
	if (o->full)
		return 0;
	if (o->replace)
		claim_replaces(m, j, o);
	r = memory_run_new(m, j, o->queue ? RUN_QUEUED : RUN_RUNNING, false, o->due);
	r->info.mark = o->mark;
	r->info.missed = o->missed;
	r->info.mutex_waited = o->mutex;
	o->previous = r->info.previous = j->previous;
	o->run = r->info.run;
	o->born = true;
	o->run_due = o->due;
	j->row.due = o->next_due;
	j->previous = o->due;
	j->overlaps = 0;
	memory_dependents_due(m, j, o->started, &o->dependents);
	o->retrying = memory_retrying_run(j);
	o->attempt = 1;
	r->info.noticed = o->noticed;
	if (o->queue)
		return 0;
	r->info.attempt = 1;
	r->info.started = o->started;
	return 0;
}

/* A run that is queued, or waits for its next attempt. */
static int
claim_waiting(struct memory *m, struct memory_job *j, struct op_claim *o)
{
	struct memory_run *r = memory_run_find(j, o->run);

	if (r == NULL || (r->info.state != RUN_QUEUED && r->info.state != RUN_RETRYING))
		return -ESTALE;
	if (r->info.state == RUN_RETRYING &&
	    (memory_job_held(j) || r->info.retry_at.usec > o->started.usec))
		return -ESTALE;
	o->was = r->info.state;
	memory_run_move(m, j, r, RUN_RUNNING);
	memory_run_clear(r);
	r->info.retry_at = (instant){ 0 };
	r->info.attempt++;
	/* An occurrence that waited was noticed when it came due. */
	if (instant_is_set(r->info.noticed))
		o->noticed = r->info.noticed;
	r->info.noticed = o->noticed;
	r->info.started = o->started;
	r->info.mutex_waited |= o->mutex;
	o->attempt = r->info.attempt;
	o->retried = r->retried;
	o->retrying = memory_retrying_run(j);
	o->manual = r->info.manual;
	o->run_due = r->info.due;
	o->mark = r->info.mark;
	o->missed = r->info.missed;
	o->previous = r->info.previous;
	o->ping = ping_copy(r->info.ping);
	return 0;
}

int
memory_claim(void *db, struct store_op *op)
{
	struct op_claim *o = container_of(op, struct op_claim, op);
	struct memory *m = db;
	struct memory_job *j = memory_job(m, o->job);
	int r;

	if (j == NULL)
		return -ESTALE;
	r = o->run == 0 ? claim_due(m, j, o) : claim_waiting(m, j, o);
	if (r < 0)
		return r;
	memory_job_settle(j, o->started);
	o->job_state = j->state;
	/* What it replaces has ended by that. */
	if (o->replaced != 0)
		memory_dependents_tell(m, j->row.id, j->children, false, RUN_CANCELED, o->started,
		    &o->dependents);
	o->row = (struct job_row){
		.id = j->row.id,
		.uid = j->row.uid,
		.name = xstrdup(j->name),
		.kind = j->row.kind,
		.spec_json = xstrdup(j->spec_json),
		.every = j->row.every,
		.generation = j->generation,
		.took = j->took,
		.spec = j->spec,
	};
	if (notify_may_be_late(o, j->row.kind, j->spec_json, j->spec))
		o->notices = memory_notify_late(m, j, o);
	memory_tell(m, op);
	return 0;
}

static char *
text_or(const char *text, char *otherwise)
{
	if (text == NULL)
		return otherwise;
	free(otherwise);
	return xstrdup(text);
}

/* What is known of its end, over what the claim knew. */
static void
run_write_end(struct run_info *to, const struct op_finish *o, const struct run_info *from)
{
	to->spawned = from->spawned;
	to->exited = from->exited;
	to->ended = from->ended;
	to->exit_code = from->exit_code;
	to->verdict = o->verdict;
	to->reason = text_or(o->reason != NULL ? o->reason : from->reason, to->reason);
	to->canceled_by = text_or(from->canceled_by, to->canceled_by);
	if (to->attempt < from->attempt)
		to->attempt = from->attempt;
}

/* What becomes of the run, and of the job's record of crashes: as SQLite does. */
static void
finish_decide(struct op_finish *o, const struct memory_run *r, struct memory_job *j, bool settled)
{
	if (o->run->state == RUN_LOST)
		j->crashes++;
	else if (o->run->state != RUN_CANCELED && !j->quarantined)
		j->crashes = 0;	/* in quarantine, until it is let go: they are why it is there */
	o->state = o->run->state;
	if (o->again == AGAIN_NO || r->info.canceled_by != NULL || settled)
		return;
	if (o->again == AGAIN_RERUN && j->crashes >= CRASHES_MAX) {
		o->quarantined = !j->quarantined;
		j->quarantined = true;
		memory_hold_retries(j);
		return;
	}
	o->state = RUN_RETRYING;
	o->held = memory_job_held(j);
}

/* finish_decide(), and of a check its health. */
static void
finish_judge(const struct memory *m, struct op_finish *o, const struct memory_run *r, struct memory_job *j)
{
	const struct memory_job *on = j->depends_on != 0 ? memory_job(m, j->depends_on) : NULL;
	struct health_parent parent = { 0 };

	if (on != NULL && !memory_job_held(on) && on->state != JOB_FINISHED)
		parent = (struct health_parent){ .job = on->row.id, .name = on->name,
		    .health = on->health, .retrying = on->retrying > 0 };
	o->verdict = o->run->verdict;
	finish_decide(o, r, j, o->check != NULL && health_judge(o, &j->health, &parent));
	if (o->check != NULL && o->state != RUN_RETRYING)
		health_count(o, &j->health, &parent);
}

static int
memory_finish(void *db, struct store_op *op)
{
	struct op_finish *o = container_of(op, struct op_finish, op);
	const struct run_info *info = o->run;
	struct memory *m = db;
	struct memory_job *j = memory_job(m, info->job);
	struct memory_run *r = j != NULL ? memory_run_find(j, info->run) : NULL;
	int was;

	MUST(run_state_final((enum run_state)info->state) && instant_is_set(info->ended));
	MUST(o->again == AGAIN_NO || (instant_is_set(o->again_at) && info->state != RUN_CANCELED));
	if (r == NULL || r->info.state != o->from)
		return -ESTALE;
	if (o->unpinged && r->info.ping != NULL && r->info.ping->what != PING_START) {
		o->ping = ping_copy(r->info.ping);
		return 0;
	}
	finish_judge(m, o, r, j);
	MUST(run_state_allows((enum run_state)o->from, (enum run_state)o->state));
	if (m->keep || o->state == RUN_RETRYING)
		run_write_end(&r->info, o, info);
	if (o->state == RUN_RETRYING) {
		memory_run_move(m, j, r, RUN_RETRYING);
		r->info.ended = (instant){ 0 };
		r->info.retry_at.usec = o->held ? -o->again_at.usec : o->again_at.usec;
		r->retried += o->again == AGAIN_RETRY;
	} else {
		r->info.state = o->state;
		j->took = run_took_average(j->took, info);
		memory_run_end(m, j, r, o->from);
	}
	was = j->state;
	memory_job_settle(j, info->ended);
	if (o->state != RUN_RETRYING)
		memory_dependents_tell(m, j->row.id, j->children,
		    (was == JOB_FINISHED) != (j->state == JOB_FINISHED), o->state, info->ended,
		    &o->dependents);
	o->job_state = j->state;
	o->retrying = memory_retrying_run(j);
	if (o->state != RUN_RETRYING)
		o->notices = memory_notify_run(m, j, o);
	memory_tell(m, op);
	return 0;
}

/* Its state is another; and when it is finished by now, or not any more, others are concerned. */
static void
settle_and_tell(struct memory *m, struct memory_job *j, instant at, struct dependents *out)
{
	int was = j->state;

	memory_job_settle(j, at);
	memory_dependents_tell(m, j->row.id, j->children,
	    (was == JOB_FINISHED) != (j->state == JOB_FINISHED), -1, at, out);
}

static int
memory_skip(void *db, struct store_op *op)
{
	struct op_skip *o = container_of(op, struct op_skip, op);
	struct memory *m = db;
	struct memory_job *j = memory_job(m, o->job);

	MUST(o->count > 0 && o->first.usec <= o->last.usec && o->cause >= 0 &&
	    o->cause < SKIP_COUNT);
	MUST(!instant_is_set(o->next_due) || o->next_due.usec > o->last.usec);
	if (j == NULL || (memory_job_held(j) && o->cause != SKIP_PAUSED &&
	    o->cause != SKIP_QUARANTINED && o->cause != SKIP_ASKED) ||
	    !instant_is_set(j->row.due) || j->row.due.usec != o->first.usec)
		return -ESTALE;
	j->row.due = o->next_due;
	j->skips += o->count;
	j->skipped = o->last;
	if (o->cause == SKIP_OVERLAP)
		j->overlaps += o->count;
	memory_dependents_due(m, j, o->last, &o->dependents);
	settle_and_tell(m, j, o->last, &o->dependents);
	o->name = xstrdup(j->name);
	o->notices = memory_notify_skip(m, j, o);
	memory_tell(m, op);
	return 0;
}

/* ---- the clock ---- */

/* The host has started anew: what is to run once a boot is due. */
static int64_t
life_booted(struct memory *m, instant now)
{
	int64_t n = 0;

	for (size_t i = 0; i < m->n; i++) {
		struct memory_job *j = m->jobs[i];

		if (!j->on_boot || instant_is_set(j->row.due))
			continue;
		j->row.due = now;
		n++;
	}
	return n;
}

static int
memory_life(void *db, struct store_op *op)
{
	struct op_life *o = container_of(op, struct op_life, op);
	struct memory *m = db;
	bool known = m->boot != NULL && strcmp(m->boot, o->boot) == 0;

	if (o->end)
		return 0;
	if (m->boot != NULL && !known)
		o->booted = life_booted(m, o->now);
	if (!known) {
		free(m->boot);
		m->boot = xstrdup(o->boot);
		m->offset = o->offset - m->step;
	}
	o->step = m->step;
	o->known = m->offset + m->step;
	o->epoch = m->epoch + (m->step != 0);
	return 0;
}

static void
job_shift(struct memory_job *j, const struct op_shift *o)
{
	if (j->row.every == 0 || !instant_is_set(j->row.due) || j->epoch >= o->epoch)
		return;
	j->row.due.usec += o->step;
	if (j->row.due.usec < 1)
		j->row.due.usec = 1;
	j->epoch = o->epoch;
}

static int
memory_shift(void *db, struct store_op *op)
{
	struct op_shift *o = container_of(op, struct op_shift, op);
	struct memory *m = db;
	size_t at = 0, n;

	while (at < m->n && m->jobs[at]->row.id <= m->shifted)
		at++;
	m->step = o->step;
	for (n = 0; n < SHIFT_SLICE && at < m->n; n++, at++) {
		job_shift(m->jobs[at], o);
		m->shifted = m->jobs[at]->row.id;
	}
	o->more = n > 0;
	if (n > 0)
		return 0;
	m->offset += m->step;
	m->step = m->shifted = 0;
	m->epoch = o->epoch;
	return 0;
}

static int
memory_redue(void *db, struct store_op *op)
{
	struct op_redue *o = container_of(op, struct op_redue, op);
	struct memory *m = db;
	struct memory_job *j = memory_job(m, o->job);

	if (j == NULL || j->row.due.usec != o->from.usec)
		return -ESTALE;
	j->row.due = o->to;
	settle_and_tell(m, j, o->from, &o->dependents);
	return 0;
}

/* Spans explain what was; nobody asks this store for that. */
static int
memory_span(void *db, struct store_op *op)
{
	(void)db;
	(void)op;
	return 0;
}

/* ---- reads ---- */

static int
job_compare(const void *a, const void *b)
{
	const struct memory_job *x = *(struct memory_job *const *)a;
	const struct memory_job *y = *(struct memory_job *const *)b;

	if (x->row.due.usec != y->row.due.usec)
		return x->row.due.usec < y->row.due.usec ? -1 : 1;
	return x->row.id < y->row.id ? -1 : x->row.id > y->row.id;
}

/* Is it of the queue and the user that are asked for? */
static bool
due_of(const struct op_due *o, const struct due_row *row)
{
	const char *queue = terms_queue(&row->terms, row->kind);

	if (row->uid != o->uid)
		return false;
	if (o->queue == NULL || queue == NULL)
		return o->queue == queue && row->kind == o->kind;
	return strcmp(o->queue, queue) == 0;
}

static bool
due_wanted(const struct op_due *o, const struct memory_job *j)
{
	if (memory_job_held(j) || !instant_is_set(j->row.due) || j->row.due.usec > o->until.usec)
		return false;
	if (o->some && !due_of(o, &j->row))
		return false;
	return j->row.due.usec > o->after_due.usec ||
	    (j->row.due.usec == o->after_due.usec && j->row.id > o->after_id);
}

struct due_row
memory_due_row(const struct memory_job *j)
{
	struct due_row row = j->row;

	row.schedule = xstrdup(row.schedule);
	row.retrying = memory_retrying_run(j);
	row.terms = terms_copy(&row.terms);
	return row;
}

static int
memory_due_page(void *db, struct store_op *op)
{
	struct op_due *o = container_of(op, struct op_due, op);
	const struct memory *m = db;
	struct memory_job **found = xmalloc((m->n + 1) * sizeof(struct memory_job *));
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++) {
		if (due_wanted(o, m->jobs[i]))
			found[n++] = m->jobs[i];
	}
	qsort(found, n, sizeof(struct memory_job *), job_compare);
	o->more = n > DUE_PAGE;
	for (; o->n < n && o->n < DUE_PAGE; o->n++)
		o->rows[o->n] = memory_due_row(found[o->n]);
	if (o->n > 0) {
		o->last_due = o->rows[o->n - 1].due;
		o->last_id = o->rows[o->n - 1].id;
	}
	free(found);
	return 0;
}

static struct active_row
active_row(const struct memory *m, const struct memory_run *r)
{
	const struct run_info *i = &r->info;
	const struct memory_job *j = memory_job(m, i->job);

	return (struct active_row){
		.cursor = r->cursor, .job = i->job, .run = i->run, .state = i->state,
		.kind = i->kind, .uid = j->row.uid, .attempt = i->attempt, .due = i->due,
		.noticed = i->noticed, .started = i->started, .mark = i->mark,
		.missed = i->missed, .previous = i->previous, .manual = i->manual,
		.took = j->took, .retry_at = i->retry_at, .retried = r->retried,
		.cancel_asked = i->canceled_by != NULL,
		.canceled_by = xstrdup(i->canceled_by), .name = xstrdup(j->name),
		.spec_json = i->state == RUN_RUNNING ? xstrdup(j->spec_json) : NULL,
		.spec = j->spec, .terms = terms_copy(&j->row.terms),
		.job_retrying = j->retrying > 0, .ping = ping_copy(i->ping),
	};
}

/* Does it come before the other in the order (retry_at, cursor)? */
static bool
retry_before(instant at, int64_t cursor, instant other_at, int64_t other)
{
	return at.usec != other_at.usec ? at.usec < other_at.usec : cursor < other;
}

/* By the time of their next attempt: each the first of those after the one before. */
static int
active_retrying(const struct memory *m, struct op_active *o)
{
	instant after_at = o->after_at.usec < 0 ? (instant){ 0 } : o->after_at;
	int64_t after = o->after;

	for (;;) {
		const struct memory_run *first = NULL;

		for (const struct memory_run *r = m->first; r != NULL; r = r->next) {
			if (r->info.state == RUN_RETRYING && r->info.retry_at.usec > 0 &&
			    retry_before(after_at, after, r->info.retry_at, r->cursor) &&
			    (first == NULL || retry_before(r->info.retry_at, r->cursor,
			    first->info.retry_at, first->cursor)))
				first = r;
		}
		o->more = first != NULL && o->n == ACTIVE_PAGE;
		if (first == NULL || o->more)
			return 0;
		o->rows[o->n++] = active_row(m, first);
		after_at = first->info.retry_at;
		after = first->cursor;
	}
}

static int
memory_active(void *db, struct store_op *op)
{
	struct op_active *o = container_of(op, struct op_active, op);
	const struct memory *m = db;

	if (o->state == RUN_RETRYING)
		return active_retrying(m, o);
	for (const struct memory_run *r = m->first; r != NULL; r = r->next) {
		if (r->info.state != o->state || r->cursor <= o->after)
			continue;
		if (o->n == ACTIVE_PAGE) {
			o->more = true;
			break;
		}
		o->rows[o->n++] = active_row(m, r);
	}
	return 0;
}

static int
memory_scheduled(void *db, struct store_op *op)
{
	struct op_scheduled *o = container_of(op, struct op_scheduled, op);
	const struct memory *m = db;
	struct due_row *row;
	size_t seen = 0;

	for (size_t i = 0; i < m->n && seen < SCAN_ROWS_MAX && o->n < DUE_PAGE; i++) {
		const struct memory_job *j = m->jobs[i];

		if (j->row.id <= o->after)
			continue;
		seen++;
		o->next = j->row.id;
		if (!instant_is_set(j->row.due) || j->row.schedule == NULL)
			continue;
		row = &o->rows[o->n++];
		*row = memory_due_row(j);
		/* as SQLite: nobody asks for them there */
		row->misfire = 0;
		row->retrying = 0;
		row->decided = j->previous.usec > j->skipped.usec ? j->previous : j->skipped;
	}
	o->more = o->n == DUE_PAGE || seen == SCAN_ROWS_MAX;
	return 0;
}

static int
memory_counts(void *db, struct store_op *op)
{
	struct op_counts *o = container_of(op, struct op_counts, op);
	const struct memory *m = db;

	o->queued = m->queued;
	o->running = m->running;
	o->retrying = m->retrying;
	return 0;
}

/* ---- the whole ---- */

struct memory *
memory_new(bool keep)
{
	struct memory *m = xcalloc(1, sizeof(*m));

	m->keep = keep;
	return m;
}

void
memory_free(struct memory *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->n; i++)
		job_free(m->jobs[i]);
	while (m->spare != NULL) {
		struct memory_run *r = m->spare;

		m->spare = r->older;
		free(r);
	}
	for (size_t i = 0; i < m->queues_n; i++)
		queue_row_done(&m->queues[i]);
	free(m->queues);
	memory_notices_free(m);
	free(m->jobs);
	map_done(&m->by_id);
	free(m->boot);
	free(m);
}

void
memory_put_job(struct memory *m, const struct due_row *row, const struct job_spec *spec,
    int64_t runs)
{
	struct memory_job *j = memory_job_new(m, row->id);

	j->row = *row;
	j->row.schedule = xstrdup(row->schedule);
	j->row.terms = terms_copy(&row->terms);
	j->on_boot = spec->on_boot;
	j->spec = spec;
	j->runs = runs;
	memory_job_settle(j, row->due);
}

void
memory_put_run(struct memory *m, const struct active_row *row)
{
	struct memory_job *j = memory_job(m, row->job);
	struct memory_run *r;

	MUST(j != NULL && (j->newest == NULL || j->newest->info.run < row->run));
	r = memory_run_new(m, j, (enum run_state)row->state, row->manual, row->due);
	r->info.run = row->run;
	r->info.attempt = row->attempt;
	r->info.noticed = row->noticed;
	r->info.started = row->started;
	r->info.mark = row->mark;
	r->info.missed = row->missed;
	r->info.previous = row->previous;
	if (--j->runs < row->run)
		j->runs = row->run;
	memory_job_settle(j, row->due);
}

instant
memory_due(const struct memory *m, int64_t job)
{
	const struct memory_job *j = memory_job(m, job);

	return j != NULL ? j->row.due : (instant){ 0 };
}

void
memory_put_due(struct memory *m, int64_t job, instant due)
{
	struct memory_job *j = memory_job(m, job);

	if (j == NULL)
		return;
	j->row.due = due;
	memory_job_settle(j, due);
}

int64_t
memory_last_run(const struct memory *m, int64_t job)
{
	const struct memory_job *j = memory_job(m, job);

	return j != NULL ? j->runs : 0;
}

void
memory_listen(struct memory *m, void (*told)(void *context, const struct store_op *op),
    void *context)
{
	m->told = told;
	m->context = context;
}

static int
memory_open(const struct store_config *config, void **ret, char error[STORE_ERROR_MAX])
{
	(void)error;
	MUST(config->memory != NULL && config->mode == STORE_INLINE);
	*ret = config->memory;
	return 0;
}

/* What is in it goes with its owner. */
static void
memory_close(void *db)
{
	(void)db;
}

static int
memory_nothing(void *db)
{
	(void)db;
	return 0;
}

/* Only what was refused is rolled back, and that has changed nothing. */
static void
memory_rollback(void *db)
{
	(void)db;
}

static bool
memory_idle(void *db, bool busy)
{
	(void)db;
	(void)busy;
	return false;
}

static const char *
memory_error(void *db)
{
	(void)db;
	return "";
}

const struct backend backend_memory = {
	.name = "memory",
	.open = memory_open,
	.close = memory_close,
	.begin = memory_nothing,
	.commit = memory_nothing,
	.rollback = memory_rollback,
	.mark = memory_nothing,
	.keep = memory_nothing,
	.undo = memory_nothing,
	.idle = memory_idle,
	.error = memory_error,
	.apply = {
		[OP_CLAIM] = memory_claim,
		[OP_FINISH] = memory_finish,
		[OP_SKIP] = memory_skip,
		[OP_LIFE] = memory_life,
		[OP_SHIFT] = memory_shift,
		[OP_REDUE] = memory_redue,
		[OP_SPAN] = memory_span,
		[OP_TRIGGER] = memory_trigger,
		[OP_PING] = memory_ping,
		[OP_RETRY] = memory_retry,
		[OP_CANCEL] = memory_cancel,
		[OP_PAUSE] = memory_pause,
		[OP_QUEUE_SET] = memory_queue_set,
		[OP_QUEUE_REMOVE] = memory_queue_remove,
		[OP_REMOVE] = memory_remove,
		[OP_EDIT] = memory_edit,
		[OP_ADD] = memory_add,
		[OP_SPREAD] = memory_spread,
		[OP_LATE] = memory_late,
		[OP_LATE_TELL] = memory_late,
		[OP_KEEP] = memory_keep_slice,
		[OP_DUE] = memory_due_page,
		[OP_ACTIVE] = memory_active,
		[OP_SCHEDULED] = memory_scheduled,
		[OP_GET] = memory_get,
		[OP_COUNTS] = memory_counts,
		[OP_QUEUES] = memory_queues,
		[OP_NOTICE_TEST] = memory_notice_test,
		[OP_NOTICE_SETTLE] = memory_notice_settle,
		[OP_NOTICES] = memory_notices,
		[OP_TARGETS] = memory_targets,
	},
};
