/*
 * notice: who is told of what.  A job's notify has rules, EVENTS:TARGET; a notice is what one target
 * is told of one event: it is written with what it tells of, and kept until it is delivered.
 */
#ifndef PROTO_NOTICE_H
#define PROTO_NOTICE_H

#include "proto/types.h"

#define NOTIFY_MAX		16	/* rules of a job */
#define RULE_BYTES_MAX		256
#define TARGET_NAME_MAX		32	/* bytes */
#define TARGETS_MAX		64

/* What may be told.  The numbers are stored, and never change. */
enum notice_event {
	NOTICE_FAIL,		/* a run has ended without success, its attempts used up */
	NOTICE_RECOVER,		/* the first that succeeds after that */
	NOTICE_DOWN,		/* a check: the first that is down */
	NOTICE_UP,		/* the first that is up after that */
	NOTICE_MISSED,		/* occurrences came while nobody was there */
	NOTICE_SKIPPED,		/* occurrences came while a run of the job was active */
	NOTICE_LOST,
	NOTICE_TIMED_OUT,
	NOTICE_TEST,		/* somebody has asked whether the target can be told */
	/* a heartbeat has not come by its due, its grace is not over; or a run has not begun late_after its due */
	NOTICE_LATE,
	NOTICE_EVENT_COUNT
};

extern const char *const notice_event_names[];
extern const char *const notice_state_names[];
extern const char *const target_kind_names[];

/* Every event that a job can ask for. */
#define NOTICE_ANY (((1u << NOTICE_EVENT_COUNT) - 1) & ~(1u << NOTICE_TEST))

/* One EVENTS:TARGET. */
struct notify_rule {
	unsigned	events;		/* bits 1 << enum notice_event */
	char		target[TARGET_NAME_MAX + 1];
};

#define RULE_WHY_MAX 192

/* False, with the reason, when it is none; why may be NULL. */
bool notify_rule_read(const char *text, struct notify_rule *out, char why[RULE_WHY_MAX]);

/* Is it a good name for a target?  NULL, or the reason why not. */
const char *target_name_check(const char *name);

/* The most telling of these events, or -1: a target is told once of an end, whatever it has asked for. */
int notice_event_of(unsigned events);

/* ---- what a target is told (type Notice) ---- */
struct notice_info {
	int	 event;
	instant	 at;		/* when that was */
	int64_t	 job;		/* 0: of no job */
	char	*name;
	int64_t	 run;		/* 0: of no run */
	int	 kind;		/* enum job_kind; -1 absent */
	int	 state;		/* of the run; -1 absent */
	instant	 due;		/* of the run; of the first occurrence that was skipped */
	instant	 last;		/* lastDue: of the last one, when they are several */
	int64_t	 attempt;
	int64_t	 exit_code;	/* -1 absent */
	int64_t	 signal;
	int64_t	 http_status;
	int	 verdict;
	char	*reason;
	int64_t	 count;		/* occurrences that were skipped */
	/* of a failure and of what resolves it: the row of failures that it stands in */
	int64_t	 failures;	/* so many runs in a row */
	int64_t	 first_run;	/* firstRun: that failed */
	instant	 since;		/* its end */
	usec_t	 lasted;	/* lastedUSec: from there to here; of a run that is late: from its due */
};

#define NOTICE_INFO_NONE ((struct notice_info){ .kind = -1, .state = -1, .exit_code = -1 })

extern const struct field notice_info_fields[];
void notice_info_done(struct notice_info *n);

/* "nightly (12.3) failed: exit code 1", in one line; the caller frees. */
char *notice_words(const struct notice_info *n);

/* ---- a notice on its way (type Delivery) ---- */
enum notice_state { NOTICE_PENDING, NOTICE_GIVEN_UP, NOTICE_STATE_COUNT };

struct delivery_info {
	int64_t			 id;
	char			*target;
	int			 state;		/* enum notice_state */
	int64_t			 attempts;	/* that have failed */
	instant			 next;		/* nextAt: the next one not before */
	instant			 tried;		/* triedAt: the last one's end */
	char			*error;		/* how it ended */
	int64_t			 folded;	/* that came after it and are told only by their number */
	struct notice_info	*notice;
};

extern const struct field delivery_info_fields[];

/* ---- a target as it is told (type Target) ---- */
enum target_kind { TARGET_COMMAND, TARGET_WEBHOOK, TARGET_MAIL, TARGET_KIND_COUNT };

struct target_info {
	char	*name;
	int	 kind;		/* enum target_kind; -1: it is not configured any more */
	int64_t	 pending, failed;
	instant	 delivered;	/* deliveredAt: the last time, since jobd began */
	instant	 tried;		/* triedAt: the last failure since then */
	char	*error;
};

extern const struct field target_info_fields[];
void target_info_done(struct target_info *t);

#endif
