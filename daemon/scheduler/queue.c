/*
 * queue: see queue.h.  New runs of a job are added in ascending order, told or loaded, because
 * while some are left to the store (`more`) none is taken from a teller; but one that is tried
 * again has an old number, and so a lane is searched for it.
 */
#include "daemon/scheduler/queue.h"

#include <stdlib.h>

#include "daemon/base/must.h"
#include "proto/mem.h"

void
queue_done(struct queue *q)
{
	size_t position = 0;
	struct lane *lane;

	while ((lane = map_next(&q->lanes, &position)) != NULL) {
		MUST(lane->run == NULL);
		while (lane->first != NULL) {
			struct pending *p = lane->first;

			lane->first = p->lane_next;
			free(p);
		}
		free(lane);
	}
	map_done(&q->lanes);
	*q = (struct queue){ 0 };
}

void
line_push(struct queue *q, struct pending *p)
{
	struct line *line = &q->lines[p->kind];

	MUST(p->state != PENDING_READY && p->state != PENDING_HEAP);
	p->state = PENDING_READY;
	p->next = NULL;
	p->prev = line->last;
	if (line->last == NULL)
		line->first = p;
	else
		line->last->next = p;
	line->last = p;
	line->n++;
}

void
line_remove(struct queue *q, struct pending *p)
{
	struct line *line = &q->lines[p->kind];

	MUST(p->state == PENDING_READY);
	if (p->prev == NULL)
		line->first = p->next;
	else
		p->prev->next = p->next;
	if (p->next == NULL)
		line->last = p->prev;
	else
		p->next->prev = p->prev;
	p->next = p->prev = NULL;
	p->state = PENDING_TAKEN;
	line->n--;
}

struct lane *
lane_get(const struct queue *q, int64_t job)
{
	return map_get(&q->lanes, job);
}

static struct lane *
lane_obtain(struct queue *q, int64_t job)
{
	struct lane *lane = lane_get(q, job);

	if (lane == NULL) {
		lane = xcalloc(1, sizeof(*lane));
		lane->job = job;
		map_set(&q->lanes, job, lane);
	}
	return lane;
}

static void
lane_tidy(struct queue *q, struct lane *lane)
{
	if (lane->run != NULL || lane->first != NULL)
		return;
	map_remove(&q->lanes, lane->job);
	free(lane);
}

void
lane_run_set(struct queue *q, int64_t job, struct run_task *run)
{
	struct lane *lane = lane_obtain(q, job);

	MUST(lane->run == NULL);
	lane->run = run;
}

void
lane_run_clear(struct queue *q, int64_t job)
{
	struct lane *lane = lane_get(q, job);

	MUST(lane != NULL && lane->run != NULL);
	lane->run = NULL;
	queue_line_up(q, job);
	lane_tidy(q, lane);
}

void
queue_line_up(struct queue *q, int64_t job)
{
	struct lane *lane = lane_get(q, job);

	if (lane == NULL || lane->run != NULL || lane->first == NULL ||
	    lane->first->state == PENDING_READY)
		return;
	line_push(q, lane->first);
}

static struct pending *
lane_add(struct queue *q, int64_t job, int64_t run, int kind)
{
	struct lane *lane = lane_obtain(q, job);
	struct pending *p;

	p = xcalloc(1, sizeof(*p));
	p->node.place = HEAP_NONE;
	p->state = PENDING_PARKED;
	p->kind = (uint8_t)kind;
	p->job = job;
	p->run = run;
	if (lane->last == NULL)
		lane->first = p;
	else
		lane->last->lane_next = p;
	lane->last = p;
	if (lane->highest < run)
		lane->highest = run;
	q->n++;
	queue_line_up(q, job);
	return p;
}

/* One with a higher number than all before is not searched for. */
bool
queue_knows(const struct queue *q, int64_t job, int64_t run)
{
	const struct lane *lane = lane_get(q, job);

	return lane != NULL && run <= lane->highest && queue_find(q, job, run) != NULL;
}

bool
queue_add(struct queue *q, int64_t job, int64_t run, int kind)
{
	if (queue_knows(q, job, run))
		return true;
	if (q->n >= QUEUED_MAX) {
		q->more = true;
		return false;
	}
	(void)lane_add(q, job, run, kind);
	return true;
}

void
queue_add_retry(struct queue *q, int64_t job, int64_t run, int kind)
{
	MUST(q->n < QUEUED_MAX);
	if (!queue_knows(q, job, run))
		lane_add(q, job, run, kind)->retry = true;
}

static struct pending *
lane_retry(const struct queue *q, int64_t job)
{
	struct lane *lane = lane_get(q, job);
	struct pending *p = lane == NULL ? NULL : lane->first;

	while (p != NULL && !p->retry)
		p = p->lane_next;
	return p;
}

void
queue_hold(struct queue *q, int64_t job)
{
	struct pending *p;

	while ((p = lane_retry(q, job)) != NULL) {
		if (p->state == PENDING_READY)
			line_remove(q, p);
		queue_remove(q, p);
		queue_line_up(q, job);
	}
}

struct pending *
queue_find(const struct queue *q, int64_t job, int64_t run)
{
	struct lane *lane = lane_get(q, job);
	struct pending *p = lane == NULL ? NULL : lane->first;

	while (p != NULL && p->run != run)
		p = p->lane_next;
	return p;
}

void
queue_remove(struct queue *q, struct pending *p)
{
	struct lane *lane = lane_get(q, p->job);
	struct pending *before = NULL;

	MUST(lane != NULL && p->state != PENDING_READY);
	for (struct pending *w = lane->first; w != p; w = w->lane_next)
		before = w;
	if (before == NULL)
		lane->first = p->lane_next;
	else
		before->lane_next = p->lane_next;
	if (lane->last == p)
		lane->last = before;
	MUST(q->n > 0);
	q->n--;
	free(p);
	lane_tidy(q, lane);
}
