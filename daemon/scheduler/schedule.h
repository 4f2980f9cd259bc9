/*
 * schedule: which instants a job is due at; pure functions of their arguments.  A schedule is one
 * instant; or elapsed time (every); or wall-clock times (cron, calendar) in a zone, with the
 * rule for time changes of DESIGN 9.
 *
 * Every occurrence has one disposition.  Some have theirs by the schedule itself: excluded, or
 * left out or repeated by a time change; they are occurrences all the same, with a cause.
 */
#ifndef SCHEDULER_SCHEDULE_H
#define SCHEDULER_SCHEDULE_H

#include "daemon/scheduler/pattern.h"
#include "daemon/scheduler/zones.h"
#include "proto/types.h"

struct schedule_rule;

struct schedule {
	usec_t			 every;		/* elapsed time between occurrences; 0: not so */
	struct schedule_rule	*rule;		/* NULL: nothing but every, or a single occurrence */
};

struct occurrence {
	instant	due;
	int	mark;		/* enum due_mark */
	int	cause;		/* enum skip_cause; -1: it is to be run */
};

/*
 * Make a schedule of a spec that job_spec_check() has passed.  id seeds the jitter.  JOBD_OK; or
 * JOBD_INVALID_FIELD, with the name of the field, the place and what would be right in error.
 */
enum jobd_error schedule_open(const struct job_spec *spec, struct zones *zones, int64_t id,
    struct schedule *out, struct field_error *error);

/* The same from what the store keeps: text is of schedule_fields, or NULL. 0 or -EINVAL. */
int schedule_read(const char *text, usec_t every, struct zones *zones, int64_t id,
    struct schedule *out);

void schedule_done(struct schedule *s);

/* Does it come again? */
bool schedule_repeats(const struct schedule *s);

/*
 * The first occurrence strictly after an instant; for elapsed time, after the occurrence `after`.
 * False: there is none.
 */
bool schedule_next(const struct schedule *s, instant after, struct occurrence *ret);

/*
 * The first due of a job that is added now, whose schedule this is; it may be none (onBoot).  False: it
 * comes no more.
 */
bool schedule_first(const struct schedule *s, const struct job_spec *spec, instant now, instant *ret);

/* The last occurrence in a range, ends included; for elapsed time, counted from `from`, which is one. */
bool schedule_before(const struct schedule *s, instant from, instant until, struct occurrence *ret);

/* Which of the job's exceptions leaves out an instant; -1: none does. */
int schedule_exception(const struct schedule *s, instant due);

/* What a due that is known to be an occurrence is. */
struct occurrence schedule_at(const struct schedule *s, instant due);

/* When an occurrence is to begin: its due, and its jitter after it, the same at each call. */
instant schedule_begin(const struct schedule *s, instant due);

/* The zone of a wall-clock schedule; NULL: it has none. */
const struct zone *schedule_zone(const struct schedule *s);

/* The times of a wall-clock schedule; NULL: it has none. */
const struct pattern *schedule_pattern(const struct schedule *s);

/* What is left out: the whole days on which the pattern has midnight; or its very times. */
struct exception {
	struct pattern		*pattern;
	const struct zone	*zone;
	bool			 whole_day;
};

/* One of the job's exceptions, counted from 0; NULL: it has no more. */
const struct exception *schedule_exception_at(const struct schedule *s, size_t i);

/* Is an instant within the schedule's from and until? */
bool schedule_bounds(const struct schedule *s, instant i);

/* Does it name times of day, so that a time change matters to it (pattern_fixed())? */
bool schedule_fixed(const struct schedule *s);

/* Its rule for time changes, enum dst. */
int schedule_dst(const struct schedule *s);

/* The first of its wall times, in seconds, that the change at `end` leaves out.  False: none. */
bool schedule_first_in_gap(const struct schedule *s, instant end, int64_t *ret);

/* At most so many occurrences are looked at in one step. */
#define SCHEDULE_LOOK_MAX 1000

/* Like occurrences in a row, from a due on, that begin up to an instant. */
struct schedule_past {
	int64_t	 count;		/* 0: the due is still to come */
	instant	 last;		/* the latest of them; valid if count > 0 */
	instant	 before;	/* the one before the latest; valid if count > 1 */
	int	 mark;		/* of the latest */
	instant	 next;		/* the first after them; none: there is no more */
	bool	 more;		/* next has come as well: it is of another kind, or too many have */
};

/* first.due is the beginning; all that have its cause. */
struct schedule_past schedule_past(const struct schedule *s, const struct occurrence *first,
    instant until);

/*
 * What becomes of occurrences that nobody was there to run: MISFIRE_ONCE, MISFIRE_SKIP or MISFIRE_ALL.
 * The default is once for single occurrences (somebody asked for this very one)
 * and for periods of MISFIRE_ONCE_MIN and more, but skip below that and for checks that repeat.
 */
#define MISFIRE_ONCE_MIN	USEC_HOUR
enum misfire schedule_misfire(const struct schedule *s, int misfire, int kind, instant due);

/* misfireLimit and misfireWindowUSec, or their defaults: MISFIRE_LIMIT_DEFAULT, USEC_NEVER. */
int64_t schedule_misfire_limit(const struct schedule *s);
usec_t schedule_misfire_window(const struct schedule *s);

#endif
