/*
 * keeper: retention at work.  A round gives up, slice by slice, what is beyond the limits (store/ops.h:
 * OP_KEEP); the first one comes after recovery, so that a changed configuration applies to what is
 * stored, and the next ones when an hour has gone or much has ended since, while something happens
 * anyway: an idle daemon is not woken for it.
 */
#ifndef SCHEDULER_KEEPER_H
#define SCHEDULER_KEEPER_H

#include "daemon/engine/task.h"
#include "daemon/store/ops.h"

struct scheduler;

/* ---- one round, as a task of whoever wants it ---- */

struct keep_round {
	struct task		 task;
	/* the caller's: zero but for these */
	struct store		*store;
	struct keep_policy	 policy;
	bool			 dry;		/* only find out what would go */
	bool			 gentle;	/* rest between slices */
	/* jobs that went with a slice (op->gone), after its commit; or NULL */
	void			(*gone)(void *context, const struct op_keep *op);
	void			*context;
	/* out */
	struct keep_tally	 tally;
	bool			 whole;		/* it came to its end */
	bool			 output;	/* there is some for the runner to remove */
	int			 result;	/* 0, or of the store: it was broken off */
	struct histogram	 slices;	/* usec, from asked to answered */
	/* its own */
	struct op_keep		 op;
	usec_t			 asked;
};

void keep_round_start(struct keep_round *r, struct task *parent);

/* ---- the keeper ---- */

struct keeper_stats {
	instant			 last;		/* the end of the last round, also by gc; none: there was none */
	struct keep_tally	 total;		/* since the daemon began */
	bool			 busy;		/* a round goes on, or is about to */
};

struct keeper;

/* policy NULL: rounds never come; output of removed jobs is removed all the same. */
struct keeper *keeper_new(struct scheduler *s, const struct keep_policy *policy);
void keeper_free(struct keeper *k);

/* After recovery, as a child of parent. */
void keeper_start(struct keeper *k, struct task *parent);

/* Something happens: is it time for a round? */
void keeper_look(struct keeper *k);

/* A run has ended, with so much output. */
void keeper_run_ended(struct keeper *k, int64_t output_bytes);

/* The store has output for the runner to remove (OP_OUTPUT_TRASH): do it now. */
void keeper_remove_output(struct keeper *k);

/* A round of whoever's has ended: what went counts, and where it came to its end it was the last one. */
void keeper_round_ended(struct keeper *k, const struct keep_round *r);

const struct keep_policy *keeper_policy(const struct keeper *k);

/* Another one from now on; a round comes at once, one that is under way ends as it began. */
void keeper_set_policy(struct keeper *k, const struct keep_policy *policy);
void keeper_stats(const struct keeper *k, struct keeper_stats *out);

#endif
