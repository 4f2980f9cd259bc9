/*
 * health: what the verdicts of a check make of its job: pure functions, so that every store decides
 * alike.  Only verdicts up, degraded and down count; what is inconclusive or unreachable changes no
 * count, so that a row of failures goes on behind it.
 */
#ifndef STORE_HEALTH_H
#define STORE_HEALTH_H

#include "daemon/store/ops.h"

/* Of one job; all of it is stored. */
struct health {
	int	 verdict;		/* none: nothing has counted yet */
	instant	 since;
	int64_t	 failed, passed;	/* checks that count, in a row; one of both is 0 */
};

/* The job that a check depends on, as it stands. */
struct health_parent {
	int64_t		 job;		/* 0: there is none (any more), or none that is checked */
	const char	*name;		/* or NULL */
	struct health	 health;
	bool		 retrying;	/* its last try has failed */
};

/* Nothing of it is to be expected: it is down itself, or what it depends on is. */
bool health_is_down(int verdict);

/*
 * Before it is decided what becomes of an attempt: fills o->verdict, and the reason if the parent is to
 * blame.  True: another attempt would tell nothing new.  o->check is there.
 */
bool health_judge(struct op_finish *o, const struct health *h, const struct health_parent *parent);

/* The run has ended with o->verdict: count it, and fill the rest of o. */
void health_count(struct op_finish *o, struct health *h, const struct health_parent *parent);

#endif
