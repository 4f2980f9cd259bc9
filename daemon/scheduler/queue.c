/*
 * queue: see queue.h.  Told or loaded, a queued run may be one that is here already, or come after a
 * later one that had room: so each finds its place by its number.
 */
#include "daemon/scheduler/queue.h"

#include <stdlib.h>

#include "daemon/base/must.h"
#include "proto/mem.h"

void
queue_init(struct queue *q, const struct lines_config *config)
{
	*q = (struct queue){ .n = 0 };
	lines_init(&q->lines, config);
}

/* It stands there no more. */
static void
queued_leave(struct queue *q, struct pending *p)
{
	struct flow *f = p->stand.flow;

	MUST(f->runs > 0);
	f->runs--;
	/* There is room again for what was left to the store. */
	if (f->runs_more && f->runs <= FLOW_QUEUED_MAX / 4) {
		f->runs_more = false;
		q->more = true;
	}
	stand_done(&q->lines, &p->stand);
}

/* Its memory, and its place among what is held. */
static void
queued_free(struct queue *q, struct pending *p)
{
	MUST(q->n > 0);
	q->n--;
	queued_leave(q, p);
	free(p);
}

void
queue_done(struct queue *q)
{
	size_t position = 0;
	struct lane *lane;

	while ((lane = map_next(&q->lanes, &position)) != NULL) {
		MUST(lane->live == 0);
		while (lane->first != NULL) {
			struct pending *p = lane->first;

			lane->first = p->lane_next;
			if (p->state == PENDING_READY || p->state == PENDING_BLOCKED)
				line_remove(&q->lines, p);
			queued_free(q, p);
		}
		free(lane);
	}
	map_done(&q->lanes);
	lines_done(&q->lines);
	*q = (struct queue){ .n = 0 };
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
	if (lane->more && lane->n <= LANE_QUEUED_MAX / 4) {
		lane->more = false;
		q->more = true;
	}
	if (lane->live > 0 || lane->first != NULL)
		return;
	map_remove(&q->lanes, lane->job);
	free(lane);
}

bool
lane_has_room(const struct lane *lane, const struct stand *st)
{
	if (lane == NULL || lane->live == 0)
		return true;
	return st->overlap == OVERLAP_PARALLEL && lane->live < st->limit;
}

void
lane_seat_add(struct queue *q, struct seat *seat)
{
	struct lane *lane = lane_obtain(q, seat->job);

	seat->lane_next = lane->seats;
	lane->seats = seat;
	lane->live++;
}

void
lane_seat_remove(struct queue *q, struct seat *seat)
{
	struct lane *lane = lane_get(q, seat->job);
	struct seat **link;

	MUST(lane != NULL && lane->live > 0);
	for (link = &lane->seats; *link != seat; link = &(*link)->lane_next)
		continue;
	*link = seat->lane_next;
	lane->live--;
	queue_line_up(q, seat->job);
	lane_tidy(q, lane);
}

struct seat *
lane_seat(const struct lane *lane, int64_t run)
{
	struct seat *seat = lane != NULL ? lane->seats : NULL;

	while (seat != NULL && seat->run != run)
		seat = seat->lane_next;
	return seat;
}

/*
 * A run of the schedule does not begin before an earlier one has had its last attempt: that is what
 * its overlap asks for, unless it lets several go on.
 */
static bool
lane_is_held(const struct lane *lane)
{
	const struct pending *p = lane->first;

	return lane->retrying && !p->retry && !p->by_hand && !p->asked && p->stand.overlap != OVERLAP_PARALLEL;
}

/* The job's first queued run whose next attempt is due. */
static struct pending *
lane_retry(const struct lane *lane)
{
	struct pending *p = lane == NULL ? NULL : lane->first;

	while (p != NULL && !p->retry)
		p = p->lane_next;
	return p;
}

/* One that is held back is not in the way of what it waits for, though its number may be the lower one. */
static struct pending *
lane_next(const struct lane *lane)
{
	return lane->first != NULL && lane_is_held(lane) ? lane_retry(lane) : lane->first;
}

void
queue_line_up(struct queue *q, int64_t job)
{
	struct lane *lane = lane_get(q, job);
	struct pending *next = lane == NULL ? NULL : lane_next(lane);

	if (next != NULL && next->state == PENDING_PARKED && lane_has_room(lane, &next->stand))
		line_push(&q->lines, next);
}

/* Out of the line, to wait until it is lined up again. */
static void
lane_park(struct queue *q, struct pending *p)
{
	if (p->state != PENDING_READY && p->state != PENDING_BLOCKED)
		return;
	line_remove(&q->lines, p);
	p->state = PENDING_PARKED;
	p->came = 0;
	if (p->stand.mutex != NULL)
		mutex_look(&q->lines, p->stand.mutex);
}

void
lane_retrying_set(struct queue *q, int64_t job, bool retrying)
{
	struct lane *lane = lane_get(q, job);

	if (lane == NULL)
		return;
	lane->retrying = retrying;
	if (lane->first != NULL && lane_is_held(lane))
		lane_park(q, lane->first);
	queue_line_up(q, job);
}

/* Is there room for one more of this job, in this flow? */
static bool
queue_room(struct queue *q, struct lane *lane, struct flow *f)
{
	/* Where others were left to the store it is not to overtake them. */
	if (q->full || q->n >= QUEUED_MAX)
		q->full = true;
	else if (f->runs_more || f->runs >= FLOW_QUEUED_MAX)
		f->runs_more = true;
	else if (lane != NULL && (lane->more || lane->n >= LANE_QUEUED_MAX))
		lane->more = true;
	else
		return true;
	return false;
}

/* In the order of their numbers: one that is in line and comes later leaves it. */
static void
lane_insert(struct queue *q, struct lane *lane, struct pending *before, struct pending *p)
{
	struct pending *next = before == NULL ? lane->first : before->lane_next;

	p->lane_next = next;
	if (before != NULL)
		before->lane_next = p;
	else
		lane->first = p;
	if (next == NULL)
		lane->last = p;
	lane->n++;
	if (before == NULL && next != NULL)
		lane_park(q, next);
}

static struct pending *
queued_new(struct queue *q, int64_t job, int64_t run, int kind, bool by_hand, struct stand *st)
{
	struct pending *p = xcalloc(1, sizeof(*p));

	p->node.place = HEAP_NONE;
	p->state = PENDING_PARKED;
	p->kind = (uint8_t)kind;
	p->by_hand = by_hand;
	p->job = job;
	p->run = run;
	p->stand = *st;
	st->flow->runs++;
	q->n++;
	return p;
}

/* Where it belongs in its lane: after *before.  False: it is there already. */
static bool
lane_place(const struct lane *lane, int64_t run, struct pending **before)
{
	struct pending *next = lane != NULL ? lane->first : NULL;

	*before = NULL;
	if (lane != NULL && lane->last != NULL && lane->last->run < run) {
		*before = lane->last;
		return true;
	}
	for (; next != NULL && next->run <= run; next = next->lane_next) {
		if (next->run == run)
			return false;
		*before = next;
	}
	return true;
}

void
queue_add_retry(struct queue *q, int64_t job, int64_t run, int kind, bool by_hand,
    struct stand *st)
{
	struct pending *before, *p;

	if (!lane_place(lane_get(q, job), run, &before)) {
		stand_done(&q->lines, st);
		return;
	}
	p = queued_new(q, job, run, kind, by_hand, st);
	p->retry = true;
	lane_insert(q, lane_obtain(q, job), before, p);
	queue_line_up(q, job);
}

void
queue_hold(struct queue *q, int64_t job)
{
	struct pending *p;

	while ((p = lane_retry(lane_get(q, job))) != NULL) {
		lane_park(q, p);
		queue_remove(q, p);
		queue_line_up(q, job);
	}
}

bool
queue_add(struct queue *q, int64_t job, int64_t run, int kind, bool by_hand, struct stand *st)
{
	struct lane *lane = lane_get(q, job);
	struct pending *before;

	if (!lane_place(lane, run, &before)) {
		stand_done(&q->lines, st);
		return true;
	}
	if (kind == KIND_HEARTBEAT)
		stand_pinged(&q->lines, st);
	if (!queue_room(q, lane, st->flow)) {
		stand_done(&q->lines, st);
		return false;
	}
	lane_insert(q, lane_obtain(q, job), before, queued_new(q, job, run, kind, by_hand, st));
	queue_line_up(q, job);
	return true;
}

void
queue_edited(struct queue *q, int64_t job, int64_t uid, const struct queue_terms *terms)
{
	struct lane *lane = lane_get(q, job);

	if (lane == NULL)
		return;
	for (struct pending *p = lane->first; p != NULL; p = p->lane_next) {
		struct stand st = stand_open(&q->lines, uid, p->kind, terms, p->by_hand);

		if (p->kind == KIND_HEARTBEAT)
			stand_pinged(&q->lines, &st);
		if (stand_same(&st, &p->stand)) {
			stand_done(&q->lines, &st);
			continue;
		}
		lane_park(q, p);
		queued_leave(q, p);
		/* As many as there were: there is room. */
		p->stand = st;
		st.flow->runs++;
	}
	/* Whether it is held back, and who may go on beside others, is another thing now. */
	lane_retrying_set(q, job, lane->retrying);
}

void
queue_asked(struct queue *q, int64_t job, int64_t run)
{
	struct pending *p = queue_find(q, job, run);

	if (p == NULL)
		return;
	p->asked = true;
	queue_line_up(q, job);
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

	MUST(lane != NULL && p->state != PENDING_READY && p->state != PENDING_BLOCKED);
	for (struct pending *w = lane->first; w != p; w = w->lane_next)
		before = w;
	if (before == NULL)
		lane->first = p->lane_next;
	else
		before->lane_next = p->lane_next;
	if (lane->last == p)
		lane->last = before;
	lane->n--;
	queued_free(q, p);
	lane_tidy(q, lane);
}
