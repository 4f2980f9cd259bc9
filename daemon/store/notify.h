/*
 * notify: what an end means to those who are to be told: pure, and the same for every backend.
 */
#ifndef STORE_NOTIFY_H
#define STORE_NOTIFY_H

#include "daemon/store/ops.h"
#include "proto/notice.h"

/* The row of failures that a job is in; all zero: it is in none. */
struct trouble {
	int64_t	first_run;
	instant	since;
	int64_t	failures;
	unsigned told;		/* events of it, as bits */
};

/*
 * A run has ended for good, its verdict and health are decided: the events, as bits, and what there is
 * to tell.  An end that says nothing of the job (canceled; a check that was inconclusive) is none, and
 * changes nothing.  What a check with a --fail-after has against it is told once its health is down.
 * Strings in *n are borrowed from o.
 */
unsigned notify_run_events(struct trouble *t, const struct op_finish *o, int kind,
    struct notice_info *n);

/*
 * What a claim means: that a heartbeat has not come by its due; or that a run begins too long after it.  None for most
 * jobs, at no cost.  spec: the job's, as JSON, or NULL and known: as it is.  A heartbeat that is known to be down
 * (health) is not late every time as well.
 */
bool notify_may_be_late(const struct op_claim *claim, int kind, const char *spec, const struct job_spec *known);
struct late_job {
	int			 kind, health;
	const char		*spec;
	const struct job_spec	*known;
};
unsigned notify_late_events(const struct op_claim *claim, const struct late_job *j, struct notice_info *n);

/* How long after its due an occurrence of the job is late; 0: nothing of it is. */
usec_t notify_late_after(const char *spec, const struct job_spec *known);

/* Was it told already that this due is late?  told: the latest one of which it was; the clock may have been set back. */
bool notify_late_told(instant due, instant told, instant now);

/*
 * An occurrence waits, and has not begun: is it to be told that it is late?  If it will be, *next becomes that instant
 * unless it is sooner.
 */
bool notify_late_waits(const struct op_late *o, instant due, usec_t after, instant *next);
void notify_late_fill(const struct op_late *o, int64_t job, int kind, int64_t run, instant due, struct notice_info *n);

/* The same of occurrences that made no run: only what nobody has asked for is told. */
unsigned notify_skip_events(const struct op_skip *skip, int kind, struct notice_info *n);

/* A skip's notice waits since then. */
instant notify_skip_since(const struct op_skip *skip);

/* Whom a job's rules want to be told of these events, each once, and of which.  How many. */
struct notify_wanted {
	char	name[TARGET_NAME_MAX + 1];
	int	event;		/* enum notice_event */
};
size_t notify_targets(const struct strings *rules, unsigned events,
    struct notify_wanted out[NOTIFY_MAX]);

/* As JSON, with this event; the caller frees. */
char *notice_print(struct notice_info *n, int event);

#endif
