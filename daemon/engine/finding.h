/*
 * finding: what the engine has found to be wrong with those who use it: a kind of task that starves
 * the others, a scope that does not drain, a descriptor that nobody owns.  The latest are kept in a
 * ring of fixed size and told to the log, once each.  A blocked loop is found by watchdog.h.
 */
#ifndef ENGINE_FINDING_H
#define ENGINE_FINDING_H

#include <stdbool.h>

#include "proto/when.h"

struct loop;

/* One row each: the name that programs see. */
#define FINDINGS(X) \
	X(GREEDY, "greedy") \
	X(SELF_WAKING, "self_waking") \
	X(NOT_DRAINED, "not_drained") \
	X(OVERDUE, "overdue") \
	X(DESCRIPTOR, "descriptor") \
	X(PROCESS, "process") \
	X(LENT, "lent") \
	X(STRAY, "stray")

enum finding_what {
#define X(id, name) FINDING_##id,
	FINDINGS(X)
#undef X
	FINDING_COUNT
};

#define FINDINGS_KEPT	64
#define FINDING_TEXT_MAX 640

struct finding {
	enum finding_what	 what;
	instant			 at;
	const char		*task;		/* a kind's name, or NULL */
	char			 serves[40];	/* or empty */
	char			 text[FINDING_TEXT_MAX]; /* a sentence without its full stop */
	const void		*where;		/* who made it: a return address; or NULL */
};

const char *finding_name(enum finding_what what);

/*
 * Note it and tell the log.  serves may be NULL.  again: tell no more of this kind of task while an
 * equal one is not older; 0: it is told once anyway.
 */
void finding_add(struct loop *l, enum finding_what what, const char *task, const char *serves,
    const void *where, usec_t again, const char *text);

/* The n-th, 0 the latest; NULL: there are no more. */
const struct finding *finding_get(const struct loop *l, unsigned n);

#endif
