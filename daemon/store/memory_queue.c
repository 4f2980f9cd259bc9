/*
 * memory_queue: the queues of the store in memory.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/must.h"
#include "daemon/store/memory-internal.h"
#include "proto/mem.h"

static bool
built_in(const char *name)
{
	return strcmp(name, QUEUE_DEFAULT) == 0 || strcmp(name, QUEUE_SCHEDULE) == 0;
}

/* Its place in the order of names, and whether it is there. */
static bool
queue_find(const struct memory *m, const char *name, size_t *at)
{
	*at = 0;
	while (*at < m->queues_n && strcmp(m->queues[*at].name, name) < 0)
		++*at;
	return *at < m->queues_n && strcmp(m->queues[*at].name, name) == 0;
}

static struct queue_row *
queue_insert(struct memory *m, size_t at, const char *name)
{
	m->queues = xrealloc(m->queues, (m->queues_n + 1) * sizeof(*m->queues));
	memmove(&m->queues[at + 1], &m->queues[at], (m->queues_n - at) * sizeof(*m->queues));
	m->queues_n++;
	m->queues[at] = (struct queue_row){ .name = xstrdup(name) };
	return &m->queues[at];
}

static struct queue_row
row_copy(const struct queue_row *from)
{
	struct queue_row to = *from;

	to.name = xstrdup(from->name);
	to.paused_by = xstrdup(from->paused_by);
	return to;
}

int
memory_queue_named(struct memory *m, const char *name, bool *ret_new)
{
	size_t at;

	*ret_new = false;
	if (built_in(name) || queue_find(m, name, &at))
		return 0;
	if (m->queues_n >= QUEUES_MAX)
		return -EUSERS;
	*ret_new = true;
	(void)queue_insert(m, at, name);
	return 0;
}

static void
queue_delete(struct memory *m, size_t at)
{
	queue_row_done(&m->queues[at]);
	m->queues_n--;
	memmove(&m->queues[at], &m->queues[at + 1], (m->queues_n - at) * sizeof(*m->queues));
}

void
memory_queue_unnamed(struct memory *m, const char *name)
{
	size_t at;

	if (queue_find(m, name, &at))
		queue_delete(m, at);
}

void
memory_put_queue(struct memory *m, const struct queue_row *row)
{
	struct queue_row *to;
	size_t at;

	if (queue_find(m, row->name, &at))
		to = &m->queues[at];
	else
		to = queue_insert(m, at, row->name);
	queue_row_done(to);
	*to = row_copy(row);
}

int
memory_queue_set(void *db, struct store_op *op)
{
	struct op_queue_set *o = container_of(op, struct op_queue_set, op);
	struct memory *m = db;
	size_t at;
	bool there = queue_find(m, o->name, &at);

	if (o->create && (there || built_in(o->name)))
		return -EEXIST;
	if (!o->create && !there && !built_in(o->name))
		return -ENOENT;
	if (o->create && m->queues_n >= QUEUES_MAX)
		return -EUSERS;
	if (!there)
		(void)queue_insert(m, at, o->name);
	queue_row_change(&m->queues[at], o);
	o->row = row_copy(&m->queues[at]);
	return 0;
}

int
memory_queue_remove(void *db, struct store_op *op)
{
	struct op_queue_remove *o = container_of(op, struct op_queue_remove, op);
	struct memory *m = db;
	size_t at;

	if (built_in(o->name))
		return -EBUSY;
	if (!queue_find(m, o->name, &at))
		return -ENOENT;
	for (size_t i = 0; i < m->n; i++) {
		const char *queue = m->jobs[i]->row.terms.queue;

		if (queue != NULL && strcmp(queue, o->name) == 0)
			return -EBUSY;
	}
	queue_delete(m, at);
	return 0;
}

int
memory_queues(void *db, struct store_op *op)
{
	struct op_queues *o = container_of(op, struct op_queues, op);
	const struct memory *m = db;

	o->rows = xcalloc(m->queues_n + 1, sizeof(*o->rows));
	for (; o->n < m->queues_n; o->n++)
		o->rows[o->n] = row_copy(&m->queues[o->n]);
	return 0;
}
