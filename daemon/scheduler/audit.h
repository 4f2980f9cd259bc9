/*
 * audit: proves that every occurrence of a job has exactly one disposition.  The schedule is
 * walked again, beside the job's ledger, in small steps; the job's present due is the first that
 * is not decided.  Pure: the caller reads the pages of the ledger and hears of what is found.
 *
 * Wall-clock times are found anew by the present rules of their zone.  Elapsed time has a grid
 * that is contiguous from one disposition to the next; its only breaks are the steps by which the
 * clock was set, as the spans have them (steps under CLOCK_STEP_MIN are made up for together, in
 * one that is recorded).
 *
 * What retention has given up is not gone through: the job's `pruned` says up to which due.  When the
 * clock was set after that, what is left of elapsed time is in pieces between which some are gone;
 * within each piece it is proved.
 */
#ifndef SCHEDULER_AUDIT_H
#define SCHEDULER_AUDIT_H

#include "daemon/scheduler/schedule.h"
#include "daemon/store/ops.h"
#include "proto/answers.h"

/* Dispositions in a row, without a break. */
struct audit_chain {
	instant	begin, expect;	/* the first due; the one after the last */
	bool	linked;
};

#define AUDIT_CHAINS_MAX 4096

struct audit {
	/* the caller's, before audit_begin() */
	const struct job_info	*job;
	const struct job_spec	*spec;
	const struct schedule	*schedule;
	/* looked at, ends included; none: all; from is moved past what is pruned */
	instant			 from, to;
	instant			 now;
	const usec_t		*steps;		/* of the clock, since the job was added */
	size_t			 steps_n;
	bool			 in_pieces;	/* a step came at or after what is pruned */
	void			(*found)(void *context, const struct gap_info *gap);
	void			*context;
	/* out */
	int64_t			 occurrences, runs, skips;
	/* audit's own */
	instant			 until;		/* the first that is not looked at */
	instant			 seen, end;	/* the last row's first; the latest last of all */
	const struct ledger_row	*rows;		/* the page, the caller's */
	size_t			 rows_n, i;
	bool			 last_page;
	struct occurrence	 o;		/* the next that is expected; no due: none */
	int64_t			 counted;	/* occurrences found in the present row */
	bool			 doubled;	/* the present row begins in one before it */
	struct gap_info		 gap;		/* being put together; count 0: none */
	struct audit_chain	*chains;
	size_t			 chains_n, step;	/* steps that were used */
	const struct audit_chain *linked;	/* the last one; NULL: none yet */
};

enum audit_next {
	AUDIT_MORE,	/* call audit_step() again */
	AUDIT_PAGE,	/* audit_page() with the next page, from audit_place() on */
	AUDIT_OVER,
};

void audit_begin(struct audit *a);

/* The page stays the caller's, until the next is wanted or it is over. */
instant audit_place(const struct audit *a);
void audit_page(struct audit *a, const struct ledger_row *rows, size_t n, bool last);

enum audit_next audit_step(struct audit *a);

/* Free what is audit's own; it may begin anew. */
void audit_done(struct audit *a);

#endif
