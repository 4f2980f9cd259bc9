/*
 * pattern-say: a pattern in words, for people.  They are made of the set that the expression was
 * read into and not of its text, so that they say what will be done and not what was meant: a
 * minute of star/7 is "the minutes 0, 7, 14 ... and 56", since the hour is no multiple of 7.
 * What has no short form is listed, value by value.  Two patterns that are not the same set
 * have not the same words.
 */
#ifndef SCHEDULER_PATTERN_SAY_H
#define SCHEDULER_PATTERN_SAY_H

#include "daemon/scheduler/pattern.h"

/* "at 02:30, on Monday to Friday", "every 5 minutes".  The caller frees. */
char *pattern_say(const struct pattern *p);

/* Its days alone: "on the 24th of December", "every day".  The caller frees. */
char *pattern_say_days(const struct pattern *p);

#endif
