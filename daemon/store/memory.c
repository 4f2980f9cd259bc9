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
	free(j->row.schedule);
	free(j->name);
	free(j->key);
	free(j->spec_json);
	free(j);
}

void
memory_job_delete(struct memory *m, struct memory_job *j)
{
	size_t at = 0;

	MUST(j->queued + j->running == 0);
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
	j->state = job_state_of(j->queued, j->running, j->paused,
	    instant_is_set(j->row.due) || j->on_boot);
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
	} else {
		j->running += by;
		m->running += by;
	}
	MUST(j->queued >= 0 && j->running >= 0);
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
	r->prev = m->last;
	if (m->last == NULL)
		m->first = r;
	else
		m->last->next = r;
	m->last = r;
	count_run(m, j, (int)state, 1);
	return r;
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

/* A new run of an occurrence, and the next due. */
static int
claim_due(struct memory *m, struct memory_job *j, struct op_claim *o)
{
	struct memory_run *r;

	if (j->paused || !instant_is_set(o->due) || j->row.due.usec != o->due.usec)
		return -ESTALE;
	MUST(!instant_is_set(o->next_due) || o->next_due.usec > o->due.usec);
	r = memory_run_new(m, j, RUN_RUNNING, false, o->due);
	r->info.mark = o->mark;
	r->info.missed = o->missed;
	o->previous = r->info.previous = j->previous;
	o->run = r->info.run;
	o->born = true;
	o->run_due = o->due;
	j->row.due = o->next_due;
	j->previous = o->due;
	j->overlaps = 0;
	r->info.attempt = 1;
	r->info.noticed = o->noticed;
	r->info.started = o->started;
	return 0;
}

/* A run that is queued. */
static int
claim_queued(struct memory *m, struct memory_job *j, struct op_claim *o)
{
	struct memory_run *r = memory_run_find(j, o->run);

	if (r == NULL || r->info.state != RUN_QUEUED)
		return -ESTALE;
	MUST(run_state_allows(RUN_QUEUED, RUN_RUNNING));
	count_run(m, j, RUN_QUEUED, -1);
	count_run(m, j, RUN_RUNNING, 1);
	r->info.state = RUN_RUNNING;
	r->info.attempt++;
	r->info.noticed = o->noticed;
	r->info.started = o->started;
	o->manual = r->info.manual;
	o->run_due = r->info.due;
	return 0;
}

static int
memory_claim(void *db, struct store_op *op)
{
	struct op_claim *o = container_of(op, struct op_claim, op);
	struct memory *m = db;
	struct memory_job *j = memory_job(m, o->job);
	int r;

	if (j == NULL)
		return -ESTALE;
	r = o->run == 0 ? claim_due(m, j, o) : claim_queued(m, j, o);
	if (r < 0)
		return r;
	memory_job_settle(j, o->started);
	o->row = (struct job_row){
		.id = j->row.id,
		.uid = j->uid,
		.name = xstrdup(j->name),
		.kind = j->row.kind,
		.spec_json = xstrdup(j->spec_json),
		.every = j->row.every,
		.generation = j->generation,
		.spec = j->spec,
	};
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
run_write_end(struct run_info *to, const struct run_info *from)
{
	to->state = from->state;
	to->spawned = from->spawned;
	to->exited = from->exited;
	to->ended = from->ended;
	to->exit_code = from->exit_code;
	to->reason = text_or(from->reason, to->reason);
	to->canceled_by = text_or(from->canceled_by, to->canceled_by);
	if (to->attempt < from->attempt)
		to->attempt = from->attempt;
}

static int
memory_finish(void *db, struct store_op *op)
{
	struct op_finish *o = container_of(op, struct op_finish, op);
	const struct run_info *info = o->run;
	struct memory *m = db;
	struct memory_job *j = memory_job(m, info->job);
	struct memory_run *r = j != NULL ? memory_run_find(j, info->run) : NULL;

	MUST(run_state_final((enum run_state)info->state) && instant_is_set(info->ended));
	MUST(run_state_allows((enum run_state)o->from, (enum run_state)info->state));
	if (r == NULL || r->info.state != o->from)
		return -ESTALE;
	if (m->keep)
		run_write_end(&r->info, info);
	memory_run_end(m, j, r, o->from);
	memory_job_settle(j, info->ended);
	o->job_state = j->state;
	memory_tell(m, op);
	return 0;
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
	if (j == NULL || (j->paused && o->cause != SKIP_PAUSED && o->cause != SKIP_ASKED) ||
	    !instant_is_set(j->row.due) || j->row.due.usec != o->first.usec)
		return -ESTALE;
	j->row.due = o->next_due;
	j->skips += o->count;
	j->skipped = o->last;
	if (o->cause == SKIP_OVERLAP)
		j->overlaps += o->count;
	memory_job_settle(j, o->last);
	o->name = xstrdup(j->name);
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
	struct memory_job *j = memory_job(db, o->job);

	if (j == NULL || j->row.due.usec != o->from.usec)
		return -ESTALE;
	j->row.due = o->to;
	memory_job_settle(j, o->from);
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

static bool
due_wanted(const struct op_due *o, const struct memory_job *j)
{
	if (j->paused || !instant_is_set(j->row.due) || j->row.due.usec > o->until.usec)
		return false;
	return j->row.due.usec > o->after_due.usec ||
	    (j->row.due.usec == o->after_due.usec && j->row.id > o->after_id);
}

static struct due_row
row_copy(const struct memory_job *j)
{
	struct due_row row = j->row;

	row.schedule = xstrdup(row.schedule);
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
		o->rows[o->n] = row_copy(found[o->n]);
	free(found);
	return 0;
}

static int
memory_active(void *db, struct store_op *op)
{
	struct op_active *o = container_of(op, struct op_active, op);
	const struct memory *m = db;

	for (const struct memory_run *r = m->first; r != NULL; r = r->next) {
		const struct run_info *i = &r->info;
		const struct memory_job *j = memory_job(m, i->job);

		if (i->state != o->state || r->cursor <= o->after)
			continue;
		if (o->n == ACTIVE_PAGE) {
			o->more = true;
			break;
		}
		o->rows[o->n++] = (struct active_row){
			.cursor = r->cursor, .job = i->job, .run = i->run, .state = i->state,
			.kind = i->kind, .uid = j->uid, .attempt = i->attempt, .due = i->due,
			.noticed = i->noticed, .started = i->started, .mark = i->mark,
			.missed = i->missed, .previous = i->previous, .manual = i->manual,
			.cancel_asked = i->canceled_by != NULL,
			.canceled_by = xstrdup(i->canceled_by), .name = xstrdup(j->name),
			.spec_json = i->state == RUN_RUNNING ? xstrdup(j->spec_json) : NULL,
			.spec = j->spec,
		};
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
		*row = row_copy(j);
		row->misfire = 0;	/* as SQLite: nobody asks for it there */
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
		[OP_CANCEL] = memory_cancel,
		[OP_PAUSE] = memory_pause,
		[OP_REMOVE] = memory_remove,
		[OP_ADD] = memory_add,
		[OP_KEEP] = memory_keep_slice,
		[OP_DUE] = memory_due_page,
		[OP_ACTIVE] = memory_active,
		[OP_SCHEDULED] = memory_scheduled,
		[OP_GET] = memory_get,
		[OP_COUNTS] = memory_counts,
	},
};
