/*
 * window: see window.h.  One value says how far memory reaches: `beyond`, the first row
 * that is not here.  While a load is under way its answer may be older than what
 * is told meanwhile; so for that time everything told within `ahead` is kept, and a
 * row of the load never replaces an entry.
 *
 * A full window gives up its latest quarter at a time, and `beyond` moves back to the first
 * one given up: adding a million jobs costs a sort now and then and no memory.
 */
#include "daemon/scheduler/window.h"

#include <stdlib.h>

#include "daemon/base/log.h"
#include "daemon/base/must.h"
#include "daemon/scheduler/recorder.h"
#include "proto/mem.h"

#define NOWHERE ((struct window_place){ { USEC_NEVER }, INT64_MAX })

static bool
place_before(struct window_place a, struct window_place b)
{
	return a.due.usec != b.due.usec ? a.due.usec < b.due.usec : a.id < b.id;
}

static struct window_place
place_first(struct window_place a, struct window_place b)
{
	return place_before(a, b) ? a : b;
}

void
window_init(struct window *w, size_t max, usec_t ahead, struct zones *zones, struct lines *lines)
{
	MUST(max >= 4);
	*w = (struct window){ .max = max, .ahead = ahead, .noted = NOWHERE, .zones = zones,
	    .lines = lines };
}

void
window_done(struct window *w)
{
	size_t position = 0;
	struct pending *p;

	while ((p = map_next(&w->map, &position)) != NULL) {
		if (p->state == PENDING_READY || p->state == PENDING_BLOCKED)
			line_remove(w->lines, p);
		schedule_done(&p->schedule);
		stand_done(w->lines, &p->stand);
		free(p);
	}
	map_done(&w->map);
	heap_done(&w->heap);
}

struct pending *
window_get(const struct window *w, int64_t job)
{
	return map_get(&w->map, job);
}

static void
pending_free(struct window *w, struct pending *p)
{
	MUST(!heap_has(&p->node));
	map_remove(&w->map, p->job);
	schedule_done(&p->schedule);
	stand_done(w->lines, &p->stand);
	free(p);
}

/* It waits for its due, or for when it may catch up. */
static void
pending_wait(struct window *w, struct pending *p)
{
	instant at = schedule_begin(&p->schedule, p->due);

	p->state = PENDING_HEAP;
	heap_insert(&w->heap, &p->node, at.usec > p->not_before.usec ? at.usec : p->not_before.usec);
}

/* From this place on something may be in the store that is not here. */
static void
window_note(struct window *w, struct window_place place)
{
	if (w->loading)
		w->noted = place_first(w->noted, place);
	else
		w->beyond = place_first(w->beyond, place);
}

/* Does a due belong into memory?  If not, it is noted. */
static bool
window_wants(struct window *w, struct window_place place, instant now)
{
	if (place.due.usec <= now.usec + w->ahead && (w->loading || place_before(place, w->beyond)))
		return true;
	window_note(w, place);
	return false;
}

static int
pending_compare(const void *a, const void *b)
{
	const struct pending *x = *(struct pending *const *)a, *y = *(struct pending *const *)b;

	if (x->due.usec != y->due.usec)
		return x->due.usec < y->due.usec ? -1 : 1;
	return x->job < y->job ? -1 : x->job > y->job;
}

/* Give up the latest of those that wait, a quarter of all, but one at least. */
static void
window_shrink(struct window *w)
{
	size_t n = w->heap.n, keep;
	struct pending **all;

	if (n == 0)
		return;
	keep = n > w->max / 4 ? n - w->max / 4 : 0;
	if (keep == n)
		keep = n - 1;
	all = xmalloc(n * sizeof(*all));
	for (size_t i = 0; i < n; i++)
		all[i] = container_of(w->heap.entries[i].node, struct pending, node);
	qsort(all, n, sizeof(struct pending *), pending_compare);
	w->beyond = place_first(w->beyond, (struct window_place){ all[keep]->due, all[keep]->job });
	for (size_t i = keep; i < n; i++) {
		heap_remove(&w->heap, &all[i]->node);
		pending_free(w, all[i]);
	}
	free(all);
	w->shrinks++;
}

struct pending *
window_put(struct window *w, const struct due_row *row, instant now)
{
	struct pending *p = window_get(w, row->id);

	MUST(instant_is_set(row->due));
	if (p != NULL && p->state == PENDING_TAKEN) {
		p->gone = false;
		p->told = true;
		p->told_due = row->due;
		return p;
	}
	/* A load was quicker than the teller, and it is due already. */
	if (p != NULL && p->state != PENDING_HEAP)
		return p;
	if (p != NULL)
		heap_remove(&w->heap, &p->node);
	if (!window_wants(w, (struct window_place){ row->due, row->id }, now)) {
		if (p != NULL)
			pending_free(w, p);
		return NULL;
	}
	if (p == NULL) {
		p = xcalloc(1, sizeof(*p));
		p->node.place = HEAP_NONE;
		p->job = row->id;
		p->retrying = row->retrying;
		p->stand = stand_open(w->lines, row->uid, row->kind, &row->terms, false);
		map_set(&w->map, p->job, p);
	}
	schedule_done(&p->schedule);
	if (schedule_read(row->schedule, row->every, w->zones, row->id, &p->schedule) < 0) {
		log_error("a job's schedule cannot be read, its dues wait for a restart job=%lld",
		    (long long)row->id);
		pending_free(w, p);
		return NULL;
	}
	if (w->recorded != NULL)
		p->recorded = recorder_job(w->recorded, row);
	p->kind = (uint8_t)row->kind;
	p->misfire = (uint8_t)row->misfire;
	if (p->due.usec != row->due.usec)
		p->noticed = (instant){ 0 };
	p->due = row->due;
	pending_wait(w, p);
	if (window_count(w) > w->max)
		window_shrink(w);
	return window_get(w, row->id);
}

void
window_edited(struct window *w, const struct due_row *row, instant now)
{
	struct pending *p = window_get(w, row->id), was = { .job = 0 };

	if (p != NULL && p->state == PENDING_TAKEN) {
		p->edited = true;
		p->told = instant_is_set(row->due);
		p->told_due = row->due;
		return;
	}
	if (p != NULL) {
		was = *p;
		window_drop(w, p);
	}
	p = instant_is_set(row->due) ? window_put(w, row, now) : NULL;
	if (p == NULL || was.job == 0 || p->due.usec != was.due.usec)
		return;
	/* What became of this occurrence so far is not another for that. */
	p->on_time = was.on_time;
	p->noticed = was.noticed;
	p->overlaps = was.overlaps;
	p->resumed = was.resumed;
	p->released = was.released;
}

struct pending *
window_take(struct window *w, instant now)
{
	const struct heap_entry *first = heap_first(&w->heap);
	struct pending *p;

	if (first == NULL || first->key > now.usec)
		return NULL;
	p = container_of(first->node, struct pending, node);
	heap_remove(&w->heap, &p->node);
	p->state = PENDING_TAKEN;
	if (w->recorded != NULL)
		p->recorded = flight_renew(w->recorded, FLIGHT_JOBS, p->recorded);
	return p;
}

instant
window_next(const struct window *w)
{
	const struct heap_entry *first = heap_first(&w->heap);

	return (instant){ first == NULL ? 0 : first->key };
}

void
window_back(struct window *w, struct pending *p, instant due, instant now)
{
	MUST(p->state != PENDING_HEAP && p->run == 0);
	/* Its parents have let it go on again, and that was told before the answer to us. */
	if (!instant_is_set(due) && p->told && p->told_due.usec > p->due.usec)
		due = p->told_due;
	if (p->edited && instant_is_set(due))
		window_note(w, (struct window_place){ due, p->job });
	if (p->gone || p->edited || !instant_is_set(due) ||
	    !window_wants(w, (struct window_place){ due, p->job }, now)) {
		pending_free(w, p);
		return;
	}
	/* The next occurrence is judged by itself; a pause is over when its range is decided. */
	if (due.usec != p->due.usec) {
		p->on_time = false;
		p->noticed = p->not_before = (instant){ 0 };
	}
	if (due.usec > p->resumed.usec) {
		p->resumed = (instant){ 0 };
		p->released = false;
	}
	p->told = false;
	p->came = 0;
	p->due = due;
	pending_wait(w, p);
}

void
window_defer(struct window *w, struct pending *p, instant not_before, instant now)
{
	p->not_before = not_before;
	window_back(w, p, p->due, now);
}

void
window_forget(struct window *w)
{
	while (w->heap.n > 0) {
		struct pending *p = container_of(w->heap.entries[w->heap.n - 1].node, struct pending,
		    node);

		heap_remove(&w->heap, &p->node);
		pending_free(w, p);
	}
	w->shrinks++;
	w->beyond = (struct window_place){ { 0 }, 0 };
}

void
window_refused(struct window *w, struct pending *p, instant now)
{
	MUST(p->state == PENDING_TAKEN);
	/* Whatever made it out of date has told us, or should have: look again, dues only grow. */
	if (!p->gone && !p->told)
		window_note(w, (struct window_place){ p->due, p->job });
	window_back(w, p, p->told ? p->told_due : (instant){ 0 }, now);
}

void
window_drop(struct window *w, struct pending *p)
{
	if (p->state == PENDING_TAKEN) {
		p->gone = true;
		p->told = false;
		return;
	}
	if (p->state == PENDING_HEAP)
		heap_remove(&w->heap, &p->node);
	pending_free(w, p);
}

instant
window_load_at(const struct window *w)
{
	if (w->loading || w->beyond.due.usec == USEC_NEVER || window_count(w) > w->max / 2)
		return (instant){ 0 };
	/*
	 * Half of what lies ahead is left then; loading at each row's entry would be a query a
	 * row.
	 */
	if (w->beyond.due.usec <= w->ahead / 2)
		return (instant){ 1 };
	return instant_add(w->beyond.due, -w->ahead / 2);
}

void
window_load_begin(struct window *w, struct window_place *ret_from)
{
	MUST(!w->loading);
	w->loading = true;
	w->noted = NOWHERE;
	*ret_from = w->beyond;
}

void
window_load_end(struct window *w, struct window_place first)
{
	MUST(w->loading);
	w->loading = false;
	w->beyond = place_first(first, w->noted);
}

void
window_load_fail(struct window *w)
{
	MUST(w->loading);
	w->loading = false;
	w->beyond = place_first(w->beyond, w->noted);
}
