/*
 * cancel: ends the active runs of targets, as a task: for Cancel, and for Remove with cancel.  For the
 * former also what is due and waits in line: it gets a run, so that there is one to tell of.
 */
#ifndef SERVER_CANCEL_H
#define SERVER_CANCEL_H

#include "daemon/server/pass.h"
#include "daemon/server/queue_due.h"

#define RUN_ACTIVE_STATES (1u << RUN_QUEUED | 1u << RUN_RUNNING | 1u << RUN_RETRYING)

/* In the frame of a call; zero before. */
struct cancel {
	struct task		 task;
	struct call		*call;
	const struct targets	*targets;	/* borrowed */
	char			*by;		/* "uid 1000: reason" */
	struct pass		 pass;
	struct targets		 jobs;		/* whose active runs are to be found yet */
	struct targets		 more;		/* with a further page of active runs */
	struct targets		 runs;		/* to be ended now, those that wait before the others */
	struct targets		 running;
	bool			 due_too;	/* what is due and has no run yet is canceled, too */
	struct targets		 waiting;	/* such jobs */
	struct queue_due	 queue_due;
	struct cJSON		*texts;		/* out: the runs that were active, "12.3" */
	bool			 passed_over;	/* somebody else's, by a pattern */
	bool			 part;		/* the targets are a page: others may be the caller's */
};

void cancel_start(struct cancel *c, struct call *call, const struct targets *targets,
    const char *reason);

/* True when all went well; else the caller is told. */
bool cancel_told(struct cancel *c, struct call *call);

void cancel_done(struct cancel *c);

/*
 * Did an op on a target succeed? If not: a job that went meanwhile, and a stranger's that only
 * a pattern named, are passed over; everything else is refused in the pass.
 */
bool refusal_passed(struct pass *p, int result, const struct target *target, bool *passed_over);

/* The same of an op that reads its runs, for whoever asks: is the job the caller's? */
bool runs_allowed(struct pass *p, const struct op_runs *op, const struct target *target, bool *passed_over);

#endif
