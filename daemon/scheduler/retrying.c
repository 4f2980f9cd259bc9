/*
 * retrying: see retrying.h.  It is searched by walking: there are few, and only what people do
 * makes it necessary.
 */
#include "daemon/scheduler/retrying.h"

#include <stdlib.h>

#include "daemon/base/must.h"
#include "proto/mem.h"

#define NOWHERE ((instant){ USEC_NEVER })

static struct retry *
retry_at(const struct retrying *r, uint32_t i)
{
	return container_of(r->heap.entries[i].node, struct retry, node);
}

static instant
sooner(instant a, instant b)
{
	return a.usec < b.usec ? a : b;
}

void
retrying_init(struct retrying *r, usec_t ahead, struct lines *lines)
{
	*r = (struct retrying){ .lines = lines, .ahead = ahead, .noted = NOWHERE };
}

static void
retry_free(struct retrying *r, struct retry *x)
{
	stand_done(r->lines, &x->stand);
	free(x);
}

void
retrying_done(struct retrying *r)
{
	for (uint32_t i = 0; i < r->heap.n; i++)
		retry_free(r, retry_at(r, i));
	heap_done(&r->heap);
}

void
retrying_note(struct retrying *r, instant at)
{
	if (r->loading)
		r->noted = sooner(r->noted, at);
	else
		r->beyond = sooner(r->beyond, at);
}

static int
later_first(const void *a, const void *b)
{
	const struct retry *x = *(struct retry *const *)a, *y = *(struct retry *const *)b;

	return x->at.usec < y->at.usec ? 1 : x->at.usec > y->at.usec ? -1 : 0;
}

/* Give up the latest quarter: it stays with the store. */
static void
retrying_shrink(struct retrying *r)
{
	struct retry *all[RETRYING_MAX];
	uint32_t n = r->heap.n;

	MUST(n == RETRYING_MAX);
	for (uint32_t i = 0; i < n; i++)
		all[i] = retry_at(r, i);
	qsort(all, n, sizeof(struct retry *), later_first);
	for (uint32_t i = 0; i < n / 4; i++) {
		retrying_note(r, all[i]->at);
		heap_remove(&r->heap, &all[i]->node);
		retry_free(r, all[i]);
	}
}

static struct retry *
retrying_find(const struct retrying *r, int64_t job, int64_t run)
{
	for (uint32_t i = 0; i < r->heap.n; i++) {
		struct retry *x = retry_at(r, i);

		if (x->job == job && (x->run == run || run == 0))
			return x;
	}
	return NULL;
}

void
retrying_remove(struct retrying *r, int64_t job, int64_t run)
{
	struct retry *x;

	while ((x = retrying_find(r, job, run)) != NULL) {
		heap_remove(&r->heap, &x->node);
		retry_free(r, x);
	}
}

void
retrying_edited(struct retrying *r, int64_t job, int64_t uid, const struct queue_terms *terms)
{
	for (uint32_t i = 0; i < r->heap.n; i++) {
		struct retry *x = retry_at(r, i);

		if (x->job != job)
			continue;
		stand_done(r->lines, &x->stand);
		x->stand = stand_open(r->lines, uid, x->kind, terms, x->by_hand);
	}
}

void
retrying_add(struct retrying *r, const struct retry *run, instant now)
{
	struct stand unwanted = run->stand;
	instant at = run->at;
	struct retry *x;

	retrying_remove(r, run->job, run->run);
	if (at.usec > now.usec + r->ahead || (!r->loading && at.usec >= r->beyond.usec)) {
		retrying_note(r, at);
		stand_done(r->lines, &unwanted);
		return;
	}
	if (retrying_full(r))
		retrying_shrink(r);
	x = xmalloc(sizeof(*x));
	*x = *run;
	x->node.place = HEAP_NONE;
	heap_insert(&r->heap, &x->node, at.usec);
}

struct retry *
retrying_take(struct retrying *r, instant now)
{
	const struct heap_entry *first = heap_first(&r->heap);
	struct retry *x;

	if (first == NULL || first->key > now.usec)
		return NULL;
	x = container_of(first->node, struct retry, node);
	heap_remove(&r->heap, &x->node);
	return x;
}

void
retrying_put_back(struct retrying *r, struct retry *x, instant when)
{
	heap_insert(&r->heap, &x->node, when.usec);
}

instant
retrying_next(const struct retrying *r)
{
	const struct heap_entry *first = heap_first(&r->heap);

	return (instant){ first == NULL ? 0 : first->key };
}

instant
retrying_load_at(const struct retrying *r)
{
	if (r->loading || r->beyond.usec == USEC_NEVER || r->heap.n > RETRYING_MAX / 2)
		return (instant){ 0 };
	/* As for the window: not a query a row. */
	if (r->beyond.usec <= r->ahead / 2)
		return (instant){ 1 };
	return instant_add(r->beyond, -r->ahead / 2);
}

instant
retrying_load_begin(struct retrying *r)
{
	MUST(!r->loading);
	r->loading = true;
	r->noted = NOWHERE;
	return r->beyond;
}

void
retrying_load_end(struct retrying *r, instant first)
{
	MUST(r->loading);
	r->loading = false;
	r->beyond = sooner(first, r->noted);
}
