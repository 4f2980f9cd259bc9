/*
 * kinds: see kinds.h.
 */
#include "daemon/engine/kinds.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/engine/finding.h"
#include "daemon/engine/loop-internal.h"
#include "proto/mem.h"

/* The table of indexes has room for twice the kinds: a search ends soon. */
#define SLOTS		(2 * KINDS_MAX)

/* Half of what "the last minute" is. */
#define SPAN		(30 * USEC_SEC)

/* Whoever uses more of the loop than this keeps the others waiting. */
#define SHARE_MAX	0.5

/* Whose steps are mostly of this kind, and so many, goes round in circles. */
#define SELF_WOKEN_MAX	0.5
#define SELF_WOKEN_RATE	1000.0

/* What is found again is told again after this. */
#define TELL_AGAIN	(10 * 60 * USEC_SEC)

struct kinds {
	unsigned		n;
	usec_t			span;		/* SPAN, or what a test wants */
	usec_t			since;		/* the present span began */
	usec_t			before;		/* how long the one before it was */
	uint8_t			slots[SLOTS];	/* index + 1 into stats; 0: free */
	struct kind_stats	stats[KINDS_MAX];
};

void
kinds_new(struct loop *l)
{
	l->kinds = xcalloc(1, sizeof(*l->kinds));
	l->kinds->span = SPAN;
	l->kinds->since = l->now;
}

void
kinds_free(struct loop *l)
{
	free(l->kinds);
	l->kinds = NULL;
}

void
kinds_set_span(struct loop *l, usec_t span)
{
	l->kinds->span = span;
	l->kinds->since = l->now;
}

/* Its row; the last row is for those that have no room. */
static struct kind_stats *
row(struct kinds *k, const struct task_kind *kind)
{
	unsigned slot = (unsigned)(((uintptr_t)kind >> 4) * 2654435761u >> 8) % SLOTS;

	for (; k->slots[slot] != 0; slot = (slot + 1) % SLOTS) {
		if (k->stats[k->slots[slot] - 1].kind == kind)
			return &k->stats[k->slots[slot] - 1];
	}
	if (k->n == KINDS_MAX - 1)
		return &k->stats[KINDS_MAX - 1];
	k->stats[k->n].kind = kind;
	k->slots[slot] = (uint8_t)++k->n;
	return &k->stats[k->n - 1];
}

void
kinds_share(const struct loop *l, const struct kind_stats *s, struct kind_share *out)
{
	const struct kinds *k = l->kinds;
	double usec = (double)(l->now - k->since + k->before);
	double steps = s->steps_in[0] + s->steps_in[1];

	if (usec < 1)
		usec = 1;
	*out = (struct kind_share){
		.loop = (s->nsec_in[0] + s->nsec_in[1]) / 1000 / usec,
		.self_woken = steps > 0 ? (s->self_in[0] + s->self_in[1]) / steps : 0,
		.per_second = steps / usec * USEC_SEC,
	};
	if (out->loop > 1)
		out->loop = 1;
}

/* What it does to the others, with a sentence; FINDING_COUNT: there is nothing to say of it. */
static enum finding_what
kind_judge(const struct loop *l, const struct kind_stats *k, char *out, size_t n)
{
	const char *name = k->kind != NULL ? k->kind->name : "others";
	struct kind_share share;

	kinds_share(l, k, &share);
	if (share.self_woken > SELF_WOKEN_MAX && share.per_second > SELF_WOKEN_RATE) {
		(void)snprintf(out, n, "%s wakes itself without getting on: %.0f times a second, %.0f %% of the"
		    " loop's time", name, share.self_woken * share.per_second, 100 * share.loop);
		return FINDING_SELF_WAKING;
	}
	if (share.loop > SHARE_MAX) {
		(void)snprintf(out, n, "%s has used %.0f %% of the loop's time in the last minute: %.0f steps a"
		    " second of %.3f ms", name, 100 * share.loop, share.per_second,
		    share.per_second > 0 ? share.loop / share.per_second * 1000 : 0);
		return FINDING_GREEDY;
	}
	return FINDING_COUNT;
}

/* A span is over: look it over, and begin the next.  What is older than two spans is forgotten. */
static void
span_turn(struct loop *l, usec_t now)
{
	struct kinds *k = l->kinds;
	usec_t took = now - k->since;
	char text[FINDING_TEXT_MAX];
	enum finding_what what;

	for (unsigned i = 0; i < KINDS_MAX; i++) {
		struct kind_stats *s = &k->stats[i];

		if (s->sampled == 0)
			continue;
		/* After a long sleep it says little, and after a short look nothing. */
		what = took < 2 * k->span && k->before != 0 ? kind_judge(l, s, text, sizeof(text)) : FINDING_COUNT;
		if (what != FINDING_COUNT)
			finding_add(l, what, s->kind != NULL ? s->kind->name : NULL, NULL, NULL, TELL_AGAIN, text);
		s->nsec_in[1] = s->nsec_in[0];
		s->steps_in[1] = s->steps_in[0];
		s->self_in[1] = s->self_in[0];
		s->nsec_in[0] = s->steps_in[0] = s->self_in[0] = 0;
	}
	k->before = took;
	k->since = now;
}

void
kinds_step(struct loop *l, const struct task_kind *kind, uint64_t nsec, bool self_woken, unsigned weight)
{
	struct kinds *k = l->kinds;
	struct kind_stats *s = row(k, kind);

	s->sampled++;
	s->steps += weight;
	s->nsec += weight * (double)nsec;
	s->steps_in[0] += weight;
	s->nsec_in[0] += weight * (double)nsec;
	if (self_woken) {
		s->self_woken += weight;
		s->self_in[0] += weight;
	}
	if (nsec > s->step_max)
		s->step_max = nsec;
	if (l->now - k->since >= k->span)
		span_turn(l, l->now);
}

void
kinds_wait(struct loop *l, const struct task_kind *kind, uint64_t usec)
{
	struct kind_stats *s = row(l->kinds, kind);
	unsigned bucket = usec == 0 ? 0 : 64 - (unsigned)__builtin_clzll(usec);

	s->waits++;
	s->wait_sum += usec;
	if (usec > s->wait_max)
		s->wait_max = usec;
	s->wait_counts[bucket < KIND_WAITS ? bucket : KIND_WAITS - 1]++;
}

/* ---- looking ---- */

const struct kind_stats *
kinds_get(const struct loop *l, unsigned n)
{
	const struct kinds *k = l->kinds;

	if (k == NULL || n > k->n)
		return NULL;
	if (n < k->n)
		return &k->stats[n];
	return k->stats[KINDS_MAX - 1].sampled > 0 ? &k->stats[KINDS_MAX - 1] : NULL;
}

uint64_t
kind_wait_p99(const struct kind_stats *k)
{
	uint64_t seen = 0, wanted = k->waits - k->waits / 100;

	for (unsigned i = 0; i < KIND_WAITS; i++) {
		seen += k->wait_counts[i];
		if (seen >= wanted)
			return ((uint64_t)1 << i) < k->wait_max ? (uint64_t)1 << i : k->wait_max;
	}
	return k->wait_max;
}
