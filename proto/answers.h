/*
 * answers: what Why, Audit and Next answer with: causes, gaps and phrases, as structs and their field
 * tables.  Texts of causes and gaps name instants as the rest of the API does, RFC 3339 in UTC, so that a client can
 * show them in its own zone; and users as "uid 1000".
 */
#ifndef PROTO_ANSWERS_H
#define PROTO_ANSWERS_H

#include "proto/types.h"

/* ---- Why ---- */
enum cause {
	CAUSE_DUE,		/* an occurrence: its due */
	CAUSE_TIME_CHANGE,	/* what a time change does to it */
	CAUSE_JITTER,		/* begun later on purpose */
	CAUSE_DOWN,		/* no daemon lived */
	CAUSE_ASLEEP,		/* the host slept */
	CAUSE_CLOCK_SET,
	CAUSE_PAUSED,
	CAUSE_QUARANTINED,	/* it was lost too often, and somebody has to look */
	CAUSE_LATE,		/* nobody looked, for no cause that is known */
	CAUSE_SLOT,		/* waiting for a slot of its kind */
	CAUSE_OWN_RUN,		/* waiting for the end of the job's own run */
	CAUSE_CATCH_UP,		/* waiting for its turn among those that catch up */
	CAUSE_STARTED,		/* claimed: from then on the run exists */
	CAUSE_SPAWNED,		/* its process exists, or its request went out */
	CAUSE_RUNNING,
	CAUSE_ENDED,		/* how it ended */
	CAUSE_ATTEMPT,		/* how an attempt ended that another followed */
	CAUSE_RETRY,		/* waiting for the next attempt */
	CAUSE_OVERLAP,		/* skipped: the run before it was active */
	CAUSE_MISSED,		/* skipped: nobody was there; or others before it were */
	CAUSE_MISFIRE,		/* the policy that made it a skip */
	CAUSE_EXCLUDED,		/* skipped: by except */
	CAUSE_ASKED,		/* skipped: by Skip */
	CAUSE_MANUAL,		/* run by hand */
	CAUSE_WAITING,		/* for its due, or to be decided */
	CAUSE_STORE,		/* what is decided cannot be written */
	CAUSE_FINISHED,		/* nothing more comes */
	CAUSE_ADDED,		/* the job was not there before */
	CAUSE_NO_OCCURRENCE,	/* the schedule has none at that instant */
	CAUSE_PRUNED,		/* the records of that instant are gone by retention */
	CAUSE_PREVIOUS,		/* the occurrence before it */
	CAUSE_NEXT,		/* the occurrence after it */
	CAUSE_HEALTH,		/* what the verdicts of a check make of it */
	CAUSE_DRAINED,		/* the whole daemon begins nothing */
	CAUSE_COUNT
};

extern const char *const cause_names[];

struct cause_info {
	instant	 at, until;	/* since when, or when; until when, if it lasted */
	int	 cause;		/* enum cause */
	char	*text;
	char	*run;		/* "12.3": the run it is about */
};

extern const struct field cause_info_fields[];

/* ---- Audit ---- */
enum gap_kind {
	GAP_MISSING,		/* occurrences without a disposition: lost */
	GAP_DOUBLE,		/* an occurrence with two */
	GAP_UNEXPLAINED,	/* a disposition of no occurrence */
	GAP_COUNT_WRONG,	/* a range of skips counts others than are in it */
	GAP_KIND_COUNT
};

extern const char *const gap_kind_names[];

struct gap_info {
	int64_t	 job;
	char	*name;		/* the job's, if any */
	int	 what;		/* enum gap_kind */
	instant	 first, last;
	int64_t	 count;		/* occurrences */
	char	*text;		/* what it means */
};

extern const struct field gap_info_fields[];

/* ---- Next: a schedule in words ---- */
enum phrase {
	PHRASE_WHEN,
	PHRASE_TIME_CHANGES,	/* the rule for them */
	PHRASE_TIME_CHANGE,	/* one that is to come, and what will be done at it */
	PHRASE_EXCEPT,
	PHRASE_FROM,
	PHRASE_UNTIL,
	PHRASE_JITTER,
	PHRASE_MISFIRE,
	PHRASE_COUNT
};

extern const char *const phrase_names[];

struct phrase_info {
	int	 what;		/* enum phrase */
	char	*text;
};

extern const struct field phrase_info_fields[];

#endif
