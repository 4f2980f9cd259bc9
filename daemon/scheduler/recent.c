/*
 * recent: see recent.h.  Positions only grow; a byte lies at its position modulo the size.  A record may
 * go on at the ring's beginning, so it is copied in and out.  Numbers are narrowed to what they can be:
 * most events take less than a hundred bytes, where the struct and its texts take three hundred.
 */
#include "daemon/scheduler/recent.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/must.h"
#include "proto/mem.h"

/* How a record begins; the texts follow. */
struct head {
	int64_t		sequence, at, retry_at, job, run;
	int32_t		exit_code;
	/* Bytes with the NUL; 0: there is no such text. */
	uint32_t	name, reason;
	int8_t		type, kind, state, job_state;
};

struct recent {
	size_t		 size;
	uint64_t	 first, end;	/* positions */
	int64_t		 gone, n;	/* records */
	instant		 since;
	char		*bytes;
};

struct recent *
recent_new(size_t bytes, instant now)
{
	struct recent *r = xcalloc(1, sizeof(*r));

	r->size = bytes;
	r->since = now;
	r->bytes = xmalloc(bytes > 0 ? bytes : 1);
	return r;
}

void
recent_free(struct recent *r)
{
	if (r == NULL)
		return;
	free(r->bytes);
	free(r);
}

static void
bytes_put(struct recent *r, const void *from, size_t n)
{
	size_t at, whole;

	if (n == 0)
		return;
	at = (size_t)(r->end % r->size);
	whole = n < r->size - at ? n : r->size - at;
	memcpy(r->bytes + at, from, whole);
	memcpy(r->bytes, (const char *)from + whole, n - whole);
	r->end += n;
}

static void
bytes_get(const struct recent *r, uint64_t position, void *to, size_t n)
{
	size_t at = (size_t)(position % r->size), whole = n < r->size - at ? n : r->size - at;

	MUST(position >= r->first && position + n <= r->end);
	memcpy(to, r->bytes + at, whole);
	memcpy((char *)to + whole, r->bytes, n - whole);
}

static size_t
length(const struct head *h)
{
	return sizeof(*h) + h->name + h->reason;
}

static void
oldest_drop(struct recent *r)
{
	struct head h;

	bytes_get(r, r->first, &h, sizeof(h));
	r->first += length(&h);
	r->since = (instant){ h.at };
	r->gone++;
	r->n--;
}

static uint32_t
text_length(const char *text)
{
	return text != NULL ? (uint32_t)strlen(text) + 1 : 0;
}

void
recent_resize(struct recent *r, size_t bytes)
{
	size_t n;
	char *kept;

	if (bytes == r->size)
		return;
	while (r->n > 0 && r->end - r->first > bytes)
		oldest_drop(r);
	n = (size_t)(r->end - r->first);
	kept = xmalloc(n > 0 ? n : 1);
	if (n > 0)
		bytes_get(r, r->first, kept, n);
	r->bytes = xrealloc(r->bytes, bytes > 0 ? bytes : 1);
	r->size = bytes;
	/* Positions stay as they are: whoever reads goes on. */
	r->end = r->first;
	bytes_put(r, kept, n);
	free(kept);
}

void
recent_add(struct recent *r, const struct event_info *e)
{
	struct head h = {
		.sequence = e->sequence, .at = e->at.usec, .retry_at = e->retry_at.usec, .job = e->job,
		.run = e->run, .exit_code = (int32_t)e->exit_code, .name = text_length(e->name),
		.reason = text_length(e->reason), .type = (int8_t)e->type, .kind = (int8_t)e->kind,
		.state = (int8_t)e->state, .job_state = (int8_t)e->job_state,
	};

	while (r->n > 0 && r->size - (r->end - r->first) < length(&h))
		oldest_drop(r);
	if (length(&h) > r->size) {
		r->since = e->at;
		r->gone++;
		return;
	}
	bytes_put(r, &h, sizeof(h));
	bytes_put(r, e->name, h.name);
	bytes_put(r, e->reason, h.reason);
	r->n++;
}

int64_t
recent_gone(const struct recent *r)
{
	return r != NULL ? r->gone : 0;
}

instant
recent_since(const struct recent *r)
{
	return r != NULL ? r->since : (instant){ 0 };
}

struct recent_place
recent_place_first(const struct recent *r)
{
	struct recent_place place = { 0 };

	if (r != NULL)
		place = (struct recent_place){ .index = r->gone, .position = r->first };
	return place;
}

static char *
text_get(const struct recent *r, uint64_t position, uint32_t n)
{
	char *text = NULL;

	if (n > 0) {
		text = xmalloc(n);
		bytes_get(r, position, text, n);
	}
	return text;
}

bool
recent_next(const struct recent *r, struct recent_place *place, struct event_info *ret, int64_t *ret_gone)
{
	struct head h;

	*ret_gone = 0;
	if (r == NULL)
		return false;
	*ret_gone = place->index < r->gone ? r->gone - place->index : 0;
	if (*ret_gone > 0) {
		place->index = r->gone;
		place->position = r->first;
	}
	if (place->index >= r->gone + r->n)
		return false;
	bytes_get(r, place->position, &h, sizeof(h));
	*ret = EVENT_INFO_NONE;
	ret->sequence = h.sequence;
	ret->at.usec = h.at;
	ret->retry_at.usec = h.retry_at;
	ret->job = h.job;
	ret->run = h.run;
	ret->exit_code = h.exit_code;
	ret->type = h.type;
	ret->kind = h.kind;
	ret->state = h.state;
	ret->job_state = h.job_state;
	ret->name = text_get(r, place->position + sizeof(h), h.name);
	ret->reason = text_get(r, place->position + sizeof(h) + h.name, h.reason);
	place->position += length(&h);
	place->index++;
	return true;
}
