/*
 * queue_due: what is due and stands in line for a slot has no run yet, so there is nothing that could be
 * ended.  This makes queued runs of it, as a task: for Cancel.
 */
#ifndef SERVER_QUEUE_DUE_H
#define SERVER_QUEUE_DUE_H

#include "daemon/server/method.h"
#include "daemon/server/planned.h"
#include "daemon/server/select.h"

/* In the frame of a call; zero before. */
struct queue_due {
	struct task		 task;
	struct call		*call;
	const struct targets	*jobs;		/* borrowed; the caller may change them */
	struct targets		*runs;		/* borrowed: what was made is added */
	size_t			 i;
	int			 tries;
	struct op_get		 get;
	struct planned		 planned;
	struct op_skip		 skip;
	struct op_claim		 claim;
	int			 result;	/* out: 0, or -errno of the store */
};

void queue_due_start(struct queue_due *f, struct call *call, const struct targets *jobs,
    struct targets *runs, struct task *parent);

void queue_due_done(struct queue_due *f);

#endif
