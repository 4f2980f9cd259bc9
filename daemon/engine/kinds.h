/*
 * kinds: who uses the loop: for each kind of task how often it is stepped, for how long, and how long
 * it waits from ready to resumed.  By sampling, since reading the clock costs more than most steps: a random
 * step is timed now and then, and stands for as many as it was unlikely to be chosen.
 *
 * Every half minute the loop's time is looked over: a kind that has used most of it, and one whose
 * tasks wake themselves again and again without getting on, are noted (finding.h).
 */
#ifndef ENGINE_KINDS_H
#define ENGINE_KINDS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/when.h"

struct loop;
struct task_kind;

/* Kinds that are told apart; there are fewer, and what is beyond them counts as one. */
#define KINDS_MAX	128

/* Waits are counted below 1, 2, 4 ... usec. */
#define KIND_WAITS	24

struct kind_stats {
	const struct task_kind	*kind;		/* NULL: others */
	double			 steps;		/* about; since the start */
	double			 nsec;		/* that they took, about */
	double			 self_woken;	/* of the steps: waited, but had woken themselves */
	uint64_t		 sampled;	/* steps that were timed */
	uint64_t		 step_max;	/* nsec, of these */
	uint64_t		 waits;		/* from ready to resumed, that were timed */
	uint64_t		 wait_sum, wait_max; /* usec */
	uint32_t		 wait_counts[KIND_WAITS];
	/* the same of the present half minute, and of the whole one before it */
	double			 steps_in[2], nsec_in[2], self_in[2];
};

/* Of the last half to whole minute, as parts of 1. */
struct kind_share {
	double	loop;		/* of the time that went by */
	double	self_woken;	/* of its steps */
	double	per_second;	/* steps */
};

/* The n-th kind, in no order; NULL: there are no more. */
const struct kind_stats *kinds_get(const struct loop *l, unsigned n);

void kinds_share(const struct loop *l, const struct kind_stats *k, struct kind_share *out);

/* Usec that all but a hundredth of its waits did not exceed (by a factor of two). */
uint64_t kind_wait_p99(const struct kind_stats *k);

/* For tests: what half a minute is. */
void kinds_set_span(struct loop *l, usec_t span);

#endif
