/*
 * remark: occurrences in words, for people: what a time change does to them, and local times.
 */
#ifndef SCHEDULER_REMARK_H
#define SCHEDULER_REMARK_H

#include "daemon/scheduler/schedule.h"

/* RFC 3339 in a zone, seconds or microseconds as needed: 2027-03-28T03:00:00+02:00.  NULL: UTC.  Returns out. */
const char *local_print(const struct zone *z, instant i, char out[WHEN_TEXT_MAX]);

/* What is to be said of an occurrence, or NULL.  The caller frees. */
char *remark_occurrence(const struct schedule *s, const struct occurrence *o);

/*
 * The next time changes, from an instant on and within REMARK_AHEAD, that affect a schedule: a text each, at
 * most n of them.  None for elapsed time, rhythms, and zones without changes.
 */
#define REMARK_AHEAD (400 * USEC_DAY)
void remark_changes(const struct schedule *s, instant from, size_t n, struct strings *out);

/*
 * The same for a rhythm, where occurrences do not come, or come twice.  None for elapsed time and for
 * what names times of day.
 */
void remark_rhythm_changes(const struct schedule *s, instant from, size_t n, struct strings *out);

#endif
