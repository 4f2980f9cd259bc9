/*
 * ledger: every occurrence has exactly one disposition.  What is to be done with one that
 * is due is decided here, by a pure function; the skips are written here, by a task each.
 */
#ifndef SCHEDULER_LEDGER_H
#define SCHEDULER_LEDGER_H

#include "daemon/scheduler/schedule.h"
#include "daemon/scheduler/window.h"

struct scheduler;

/*
 * A due that was past by more than this when jobd started (or when the clock was set forward)
 * is a misfire.  One that was past by less begins like any other, however jobs take misfires; but
 * where each misfire is run, any due that was past is one, so that the latest is not lost to the rest.
 */
#define MISFIRE_TOLERANCE (5 * USEC_SEC)

enum ledger_what {
	LEDGER_LATER,		/* it is not due (the clock was set back) */
	LEDGER_RUN,		/* run `due`; those before it, count of them, are skipped first */
	LEDGER_SKIP,		/* skip all of the range */
	LEDGER_QUEUE,		/* `due` waits for the job's run, or takes its place, as a queued run */
	LEDGER_PARK,		/* wait for the end of the job's run */
};

struct ledger_decision {
	enum ledger_what what;
	instant		 first, last;	/* the range to be skipped; count 0: nothing */
	int64_t		 count;
	int		 cause;		/* enum skip_cause */
	instant		 due;		/* LEDGER_RUN: the occurrence */
	int		 mark;		/* of it, enum due_mark */
	bool		 misfire;	/* it catches up */
	int64_t		 active;	/* SKIP_OVERLAP: the run that is; the caller's to set */
	instant		 next;		/* the due after all of this; none: no more */
};

/*
 * now: the present instant; since: when this daemon began to look after dues; active: the
 * job has as many runs as may go on at a time (overlap queue and replace: or any that waits).
 *
 * What the schedule itself leaves out is skipped for its cause.  Of repeated occurrences that
 * have piled up, because all slots were taken or the daemon was late, the last one is run and
 * those before it are skipped as missed.  Misfires are skipped altogether if the job's policy says
 * so, or are run one after another if it says all: the latest misfireLimit of them.  What comes
 * while the job is active is skipped, or becomes a queued run, as its overlap says.  What fell into
 * a pause is skipped as paused.  A single occurrence is never skipped for overlap or pause: it
 * waits.
 */
struct ledger_decision ledger_decide(const struct pending *p, instant now, instant since,
    bool active);

/* What was to begin up to then, nobody was there for: by the tolerance; misfire is enum misfire. */
instant ledger_missed_until(int misfire, instant since);

/* Was it due before anybody looked? */
bool ledger_is_misfire(const struct pending *p, instant since);

/* Write a skip; p is taken, and goes back to the window with the next due. */
void ledger_skip_start(struct scheduler *s, struct pending *p, const struct ledger_decision *d);

/* Fill the op of a decision's range; and tell of it after the commit. */
void ledger_skip_fill(struct op_skip *op, int64_t job, const struct ledger_decision *d);
void ledger_skip_tell(struct scheduler *s, const struct op_skip *op, int kind);

#endif
