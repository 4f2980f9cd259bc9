/*
 * calendar: reads systemd's calendar events, systemd.time(7), into a pattern.
 *
 *	[WEEKDAYS] [YEAR-MONTH-DAY | MONTH-DAY] [HOUR:MINUTE[:SECOND]] [ZONE]
 *	minutely hourly daily weekly monthly quarterly semiannually yearly annually [ZONE]
 *
 * A day has to match both the weekdays and the date.  Without a date it is any day, without a
 * time midnight, without seconds second 0.  Weekdays are names, short or long, in lists and
 * ranges: Mon,Wed..Fri.  Another component is *, alone, or a list of
 *
 *	a		one value
 *	a..b		a range
 *	a/n		a, a + n, ... to the component's largest value
 *	a..b/n		the same, to b at most
 *
 * A ~ before the days instead of a - counts them from the month's end: *-02~03 is the third last
 * of February, *-05~07/1 the last seven days of May.  Years of two digits are 1970 to 2069.
 * Seconds may have decimals, before and after the /, rounded to the microsecond; a range of
 * them has whole steps unless it says otherwise.
 *
 * As strict as systemd, and stricter only in these: an expression that never comes (30th of
 * February) is refused; @EPOCH is, being one instant (use --at); and an end beyond the largest
 * value is, even where the step does not meet it (6..14/6 as a month).  Blanks at either end do
 * no harm.
 */
#ifndef SCHEDULER_CALENDAR_H
#define SCHEDULER_CALENDAR_H

#include "daemon/scheduler/pattern.h"

/* Room for the name of a zone, with its NUL; the longest of tzdata's have 32 bytes. */
#define CALENDAR_ZONE_SIZE 64

/*
 * 0, and *ret is the caller's (pattern_free()), zone the name that was given, as it stands
 * (letters, digits and _ + - / only; any spelling of utc becomes "UTC"), or "" without one: whether
 * there is such a zone is for the caller to find out.  Or -EINVAL: *ret and zone are untouched and
 * the error says where and why.
 */
int calendar_parse(const char *text, struct pattern **ret, char zone[CALENDAR_ZONE_SIZE],
    struct pattern_error *error);

#endif
