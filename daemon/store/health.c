/*
 * health: see health.h.
 */
#include "daemon/store/health.h"

#include <stdlib.h>

#include "proto/mem.h"

bool
health_is_down(int verdict)
{
	return verdict == VERDICT_DOWN || verdict == VERDICT_UNREACHABLE;
}

/* Why the parent is to blame, or NULL: it is not.  It may have noticed and not be sure yet. */
static const char *
parent_blamed(const struct health_parent *p)
{
	if (p->job == 0)
		return NULL;
	if (p->health.verdict == VERDICT_DOWN)
		return "is down";
	if (p->health.verdict == VERDICT_UNREACHABLE)
		return "is unreachable itself";
	return p->health.failed > 0 || p->retrying ? "has failed its last check" : NULL;
}

bool
health_judge(struct op_finish *o, const struct health *h, const struct health_parent *parent)
{
	const char *reason = o->run->reason, *blamed = parent_blamed(parent);

	free(o->reason);
	o->reason = NULL;
	o->verdict = o->run->verdict;
	if (o->verdict == VERDICT_DOWN && blamed != NULL) {
		o->verdict = VERDICT_UNREACHABLE;
		o->reason = xasprintf("%s%sthe check that it depends on, %lld%s%s%s, %s",
		    reason != NULL ? reason : "", reason != NULL ? "; " : "",
		    (long long)parent->job, parent->name != NULL ? " (" : "",
		    parent->name != NULL ? parent->name : "", parent->name != NULL ? ")" : "", blamed);
		return true;
	}
	/* The first one is made sure of, the later ones are told as they are. */
	return o->first && (h->failed > 0 || health_is_down(h->verdict) ||
	    (o->verdict == VERDICT_DEGRADED && h->verdict == VERDICT_DEGRADED));
}

/* What the verdict makes of the health; the counts are up to date. */
static int
health_next(const struct op_finish *o, const struct health *h, const struct health_parent *parent)
{
	switch ((enum verdict)o->verdict) {
	case VERDICT_UP:
	case VERDICT_DEGRADED:
		return !health_is_down(h->verdict) || h->passed >= job_spec_ok_after(o->check) ?
		    o->verdict : h->verdict;
	case VERDICT_DOWN:
		return h->failed >= job_spec_fail_after(o->check) ? VERDICT_DOWN : h->verdict;
	case VERDICT_UNREACHABLE:
		/* As long as the parent is not sure we are not, either. */
		return health_is_down(parent->health.verdict) ? VERDICT_UNREACHABLE : h->verdict;
	case VERDICT_NONE:
	case VERDICT_INCONCLUSIVE:
	case VERDICT_COUNT:
		break;
	}
	return h->verdict;
}

void
health_count(struct op_finish *o, struct health *h, const struct health_parent *parent)
{
	o->health_was = h->verdict;
	if (o->verdict == VERDICT_DOWN) {
		h->failed++;
		h->passed = 0;
	} else if (o->verdict == VERDICT_UP || o->verdict == VERDICT_DEGRADED) {
		h->passed++;
		h->failed = 0;
	}
	h->verdict = health_next(o, h, parent);
	if (h->verdict != o->health_was)
		h->since = o->run->ended;
	o->health = h->verdict;
}
