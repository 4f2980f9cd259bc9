/*
 * lag: see lag.h.  A ring in the loop: a note costs nothing worth counting, and there is none while
 * all is well.
 */
#include "daemon/engine/lag.h"

#include "daemon/engine/loop.h"

void
lag_note(struct loop *l, usec_t from, usec_t to, enum lag_cause cause)
{
	struct lag *last = &l->lags[(l->lags_n - 1) % LAGS_KEPT];

	if (to - from < l->lag_min)
		return;
	if (l->lags_n == 0 || from > last->to) {
		last = &l->lags[l->lags_n++ % LAGS_KEPT];
		*last = (struct lag){ from, to, cause };
		return;
	}
	if (from < last->from)
		last->from = from;
	if (to > last->to)
		last->to = to;
	if (last->cause == LAG_LATE)
		last->cause = cause;
}

usec_t
lag_since(const struct loop *l, usec_t since, enum lag_cause *cause)
{
	usec_t sum = 0, most = 0;

	*cause = LAG_LATE;
	for (unsigned i = 0; i < LAGS_KEPT && i < l->lags_n; i++) {
		const struct lag *g = &l->lags[i];
		usec_t took = g->to - (g->from > since ? g->from : since);

		if (took <= 0)
			continue;
		sum += took;
		if (took > most) {
			most = took;
			*cause = g->cause;
		}
	}
	return sum;
}

const char *
lag_words(enum lag_cause cause)
{
	switch (cause) {
	case LAG_BLOCKED:
		return "was busy with one thing";
	case LAG_STARVED:
		return "had no processor";
	case LAG_STOPPED:
		return "was stopped";
	case LAG_LATE:
		break;
	}
	return "was late";
}
