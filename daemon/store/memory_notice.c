/*
 * memory_notice: the notices of the store in memory.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/must.h"
#include "daemon/store/memory-internal.h"
#include "proto/mem.h"

static void
row_done(struct notice_row *row)
{
	free(row->target);
	free(row->notice);
	free(row->error);
}

void
memory_notices_free(struct memory *m)
{
	for (size_t i = 0; i < m->notices_n; i++)
		row_done(&m->notices[i]);
	free(m->notices);
}

static int64_t
notice_insert(struct memory *m, const char *target, char *text, instant at, instant now)
{
	m->notices = xrealloc(m->notices, (m->notices_n + 1) * sizeof(*m->notices));
	m->notices[m->notices_n++] = (struct notice_row){ .id = ++m->last_notice,
	    .target = xstrdup(target), .notice = text, .at = at, .due = now };
	return m->last_notice;
}

/* Beyond the limit only its number is told, with the latest. */
static void
notice_put(struct memory *m, const char *target, char *text, instant at, instant now)
{
	struct notice_row *latest = NULL;
	size_t pending = 0;

	for (size_t i = 0; i < m->notices_n; i++) {
		if (strcmp(m->notices[i].target, target) != 0 || !instant_is_set(m->notices[i].due))
			continue;
		latest = &m->notices[i];
		pending++;
	}
	if (pending < NOTICES_MAX) {
		(void)notice_insert(m, target, text, at, now);
		return;
	}
	latest->folded++;
	free(text);
}

static int64_t
notices_put(struct memory *m, const struct memory_job *j, unsigned events, struct notice_info *n,
    instant now)
{
	struct notify_wanted targets[NOTIFY_MAX];
	size_t count = events == 0 ? 0 : notify_targets(&j->notify, events, targets);

	n->name = j->name;
	for (size_t i = 0; i < count; i++)
		notice_put(m, targets[i].name, notice_print(n, targets[i].event), n->at, now);
	return (int64_t)count;
}

int64_t
memory_notify_run(struct memory *m, struct memory_job *j, const struct op_finish *o)
{
	struct notice_info n;
	unsigned events;

	if (j->notify.n == 0)
		return 0;
	events = notify_run_events(&j->trouble, o, j->row.kind, &n);
	return notices_put(m, j, events, &n, n.at);
}

int64_t
memory_notify_late(struct memory *m, const struct memory_job *j, const struct op_claim *claim)
{
	const struct late_job late = { .kind = j->row.kind, .health = j->health.verdict, .spec = j->spec_json,
	    .known = j->spec };
	struct notice_info n;
	unsigned events = notify_late_events(claim, &late, &n);

	if (j->row.kind != KIND_HEARTBEAT && notify_late_told(claim->run_due, j->late, claim->started))
		return 0;

	return notices_put(m, j, events, &n, n.at);
}

/* As SQLite's late_move(). */
static void
late_move(struct memory_job *j, const struct op_skip *skip)
{
	if (skip->cause == SKIP_MISSED && instant_is_set(skip->next_due) && skip->next_due.usec <= skip->now.usec &&
	    j->late.usec >= skip->first.usec && j->late.usec <= skip->last.usec)
		j->late = skip->next_due;
}

/* One that waits. */
static void
late_look(struct memory *m, struct op_late *o, struct memory_job *j, int64_t run, instant due)
{
	usec_t after = notify_late_after(j->spec_json, j->spec);
	struct notice_info n;

	if (notify_late_told(due, j->late, o->now) || !notify_late_waits(o, due, after, &o->next))
		return;
	if (o->op.kind == OP_LATE) {
		o->found = true;
		return;
	}
	notify_late_fill(o, j->row.id, j->row.kind, run, due, &n);
	o->notices += notices_put(m, j, 1u << NOTICE_LATE, &n, n.at);
	j->late = due;
}

static const struct memory_run *
queued_after(const struct memory_job *j, int64_t run)
{
	const struct memory_run *found = NULL;

	for (const struct memory_run *r = j->newest; r != NULL; r = r->older) {
		if (r->info.run > run && r->info.state == RUN_QUEUED && !r->info.manual && r->info.attempt == 0)
			found = r;
	}
	return found;
}

int
memory_late(void *db, struct store_op *op)
{
	struct op_late *o = container_of(op, struct op_late, op);
	struct memory *m = db;

	for (size_t i = 0; i < m->n; i++) {
		struct memory_job *j = m->jobs[i];
		const struct memory_run *r = NULL;

		if (j->notify.n == 0 || notify_late_after(j->spec_json, j->spec) == 0)
			continue;
		o->jobs++;
		while ((r = queued_after(j, r != NULL ? r->info.run : 0)) != NULL)
			late_look(m, o, j, r->info.run, r->info.due);
		if (!memory_job_held(j) && instant_is_set(j->row.due) && j->row.due.usec <= o->now.usec)
			late_look(m, o, j, 0, j->row.due);
	}
	o->after = 0;
	return 0;
}

int64_t
memory_notify_skip(struct memory *m, struct memory_job *j, const struct op_skip *skip)
{
	struct notice_info n;

	late_move(j, skip);

	return notices_put(m, j, notify_skip_events(skip, j->row.kind, &n), &n, notify_skip_since(skip));
}

int
memory_notice_test(void *db, struct store_op *op)
{
	struct op_notice_test *o = container_of(op, struct op_notice_test, op);
	struct notice_info n = NOTICE_INFO_NONE;

	n.at = o->now;
	o->id = notice_insert(db, o->target, notice_print(&n, NOTICE_TEST), o->now, o->now);
	return 0;
}

static void
notice_remove(struct memory *m, size_t at)
{
	row_done(&m->notices[at]);
	m->notices_n--;
	memmove(&m->notices[at], &m->notices[at + 1], (m->notices_n - at) * sizeof(*m->notices));
}

static void
failed_limit(struct memory *m)
{
	size_t failed = 0;

	for (size_t i = m->notices_n; i-- > 0;) {
		if (!instant_is_set(m->notices[i].due) && ++failed > NOTICES_FAILED_MAX)
			notice_remove(m, i);
	}
}

void
memory_keep_notices(struct memory *m, struct op_keep *o)
{
	const usec_t age = o->policy->age, oldest = o->now.usec - age;

	for (size_t i = m->notices_n; age > 0 && i-- > 0;) {
		if (m->notices[i].at.usec >= oldest || m->notices[i].due.usec >= oldest)
			continue;
		o->tally.notices++;
		if (!o->dry)
			notice_remove(m, i);
	}
}

int
memory_notice_settle(void *db, struct store_op *op)
{
	struct op_notice_settle *o = container_of(op, struct op_notice_settle, op);
	struct memory *m = db;

	for (size_t i = 0; i < o->n; i++) {
		size_t at = 0;

		while (at < m->notices_n && m->notices[at].id != o->ids[i])
			at++;
		if (at == m->notices_n)
			continue;
		if (o->delivered) {
			notice_remove(m, at);
			continue;
		}
		m->notices[at].attempts += !o->untried;
		if (!o->untried)
			m->notices[at].tried = o->now;
		free(m->notices[at].error);
		m->notices[at].error = xstrdup(o->error);
		m->notices[at].due = m->notices[at].at.usec >= o->oldest ? o->next : (instant){ 0 };
	}
	if (!o->delivered)
		failed_limit(m);
	return 0;
}

static struct notice_row
row_copy(const struct notice_row *from)
{
	struct notice_row to = *from;

	to.target = xstrdup(from->target);
	to.notice = xstrdup(from->notice);
	to.error = xstrdup(from->error);
	return to;
}

static int
id_compare(const void *a, const void *b)
{
	const struct notice_row *x = *(struct notice_row *const *)a;
	const struct notice_row *y = *(struct notice_row *const *)b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* Those that are wanted, in their order: how many. */
static size_t
wanted(const struct memory *m, const struct op_notices *o, struct notice_row **found)
{
	bool due = instant_is_set(o->until);
	size_t n = 0;

	for (size_t i = m->notices_n; i-- > 0;) {
		struct notice_row *row = &m->notices[i];

		if (o->target != NULL && strcmp(row->target, o->target) != 0)
			continue;
		if (due ? instant_is_set(row->due) && (o->id == 0 || row->id == o->id) :
		    o->before == 0 || row->id < o->before)
			found[n++] = row;
	}
	if (due)
		qsort(found, n, sizeof(struct notice_row *), id_compare);
	return n;
}

int
memory_notices(void *db, struct store_op *op)
{
	struct op_notices *o = container_of(op, struct op_notices, op);
	size_t limit = o->limit > 0 && o->limit < NOTICES_PAGE ? o->limit : NOTICES_PAGE;
	const struct memory *m = db;
	struct notice_row **found = xmalloc((m->notices_n + 1) * sizeof(struct notice_row *));
	size_t n = wanted(m, o, found);

	MUST(!instant_is_set(o->until) || o->target != NULL);
	for (size_t i = 0; i < n && !o->more; i++) {
		if (i == 0 && o->id == 0 && instant_is_set(o->until) &&
		    found[i]->due.usec > o->until.usec) {
			o->next = found[i]->due;
			break;
		}
		o->more = o->n == limit;
		if (!o->more)
			o->rows[o->n++] = row_copy(found[i]);
	}
	free(found);
	return 0;
}

static int
name_compare(const void *a, const void *b)
{
	return strcmp(((const struct target_count *)a)->name, ((const struct target_count *)b)->name);
}

int
memory_targets(void *db, struct store_op *op)
{
	struct op_targets *o = container_of(op, struct op_targets, op);
	const struct memory *m = db;

	for (size_t i = 0; i < m->notices_n; i++) {
		const struct notice_row *row = &m->notices[i];
		size_t at = 0;

		while (at < o->n && strcmp(o->rows[at].name, row->target) != 0)
			at++;
		if (at == o->n) {
			o->rows = xrealloc(o->rows, (o->n + 1) * sizeof(*o->rows));
			o->rows[o->n++] = (struct target_count){ .name = xstrdup(row->target) };
		}
		o->rows[at].pending += instant_is_set(row->due);
		o->rows[at].failed += !instant_is_set(row->due);
	}
	if (o->n > 0)
		qsort(o->rows, o->n, sizeof(*o->rows), name_compare);
	return 0;
}
