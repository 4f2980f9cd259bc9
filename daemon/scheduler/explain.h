/*
 * explain: why something did or did not happen, in words.  Pure: what is known is gathered by the
 * caller, in two rounds: after the first explain_pick() tells which occurrences the question is
 * about, so that the caller can look up their runs and what lasted meanwhile; then explain().
 *
 * What only the owner may know (the pid, how it ended) is left out for others.
 */
#ifndef SCHEDULER_EXPLAIN_H
#define SCHEDULER_EXPLAIN_H

#include "daemon/scheduler/schedule.h"
#include "daemon/scheduler/scheduler.h"
#include "proto/answers.h"

/* Ledger rows looked at, spans kept, runs looked up. */
#define EXPLAIN_ROWS	32
#define EXPLAIN_SPANS	16
#define EXPLAIN_RUNS	8

enum subject_kind {
	SUBJECT_NONE,
	SUBJECT_RAN,
	SUBJECT_SKIPPED,
	SUBJECT_WAITS,		/* it has come and is not decided */
	SUBJECT_FUTURE,
};

/* One occurrence that is to be explained. */
struct subject {
	enum subject_kind	 kind;
	struct occurrence	 o;
	struct ledger_row	 row;	/* SUBJECT_RAN, SUBJECT_SKIPPED */
};

enum question {
	EXPLAIN_NOW,		/* the job's state */
	EXPLAIN_INSTANT,	/* what was, or will be, at `at` */
	EXPLAIN_RUN,		/* one run: runs[0] */
};

struct explain {
	/* the first round: all borrowed */
	enum question		 question;
	instant			 at;		/* a whole second means all of it */
	instant			 now;
	const struct job_info	*job;
	const struct run_info	*queued;	/* its first queued run, when the job is queued; or NULL */
	const struct job_spec	*spec;
	const struct schedule	*schedule;
	struct scheduler_view	 view;
	bool			 mine;		/* the caller is the owner, or root */
	struct ledger_row	 before[EXPLAIN_ROWS];	/* that begin up to explain_until(),
	    latest first */
	size_t			 before_n;
	struct ledger_row	 after;		/* the first after that; count 0: none */
	/* picked: the occurrence at the instant; or the one before it, and the one after */
	struct subject		 exact, earlier, later;
	int64_t			 made_up;	/* the run by hand of exact's due, or 0 */
	/* the second round */
	int64_t			 wanted[EXPLAIN_RUNS];	/* runs to be looked up */
	size_t			 wanted_n;
	instant			 spans_from, spans_to;	/* what lasted in this range is of use */
	struct run_info		*runs;
	size_t			 runs_n;
	struct span		 spans[EXPLAIN_SPANS];
	size_t			 spans_n;
	bool			 quiet;		/* explain's own: no link is added */
	struct cause_info	 unsaid;
	/* out: of struct cause_info */
	struct structs		 causes;
	char			*summary;
};

/* Ledger rows that begin up to here are before; EXPLAIN_RUN needs those of the run's due. */
instant explain_until(const struct explain *e);

/* Fill what is picked, wanted, spans_from and spans_to. */
void explain_pick(struct explain *e);

/* A run by hand has the due of the exact one. */
void explain_made_up(struct explain *e, int64_t run);

/* Is a span of use?  Then it is kept while there is room. */
void explain_span(struct explain *e, const struct span *s);

/* Fill causes and summary. */
void explain(struct explain *e);

/* Free what is out. */
void explain_done(struct explain *e);

#endif
