/*
 * cron: reads a crontab's times into a pattern.
 *
 *	[SECOND] MINUTE HOUR DAY-OF-MONTH MONTH WEEKDAY
 *
 * Five fields, or six with the seconds FIRST, separated by blanks; second 0 without them.  A
 * field is a list, with commas, of
 *
 *	*  a  a-b	every value, one, a range; and with a step: * with /n after it, a-b/n,
 *			a/n (from a to the field's largest value)
 *	JAN MON		names, three letters, of months and weekdays, case does not matter
 *	?		the same as * in the two day fields, alone
 *	L  L-n		day of month: the last day, n days before the last
 *	nW  LW		day of month: the Monday-to-Friday nearest to day n, or to the last day,
 *			in the same month; nW does not match in a month without a day n
 *	5L  FRIL	weekday: the last Friday of the month
 *	5#2  FRI#2	weekday: the second Friday of the month
 *	L		weekday: Saturday, the last of the week
 *
 * Weekdays are cron's, 0 to 7, where 0 and 7 are Sunday (not Quartz's 1 to 7); a/n runs to 6.
 * A step is at most the number of values of its field, so that a step of 90 minutes is an error
 * and not once an hour.
 *
 * A range may wrap round in the fields where people mean it: hours (22-2), months (NOV-FEB) and
 * weekdays (FRI-MON); a step counts on through the turn (22-4/2 is 22, 0, 2, 4).  In the others
 * it is refused: the end of a month moves, and 50-10 in minutes is more often a slip.
 *
 * The two day fields: one that begins with * or is ? is not restricted (so a * with a step is
 * not, as Vixie had it).  When both are restricted a day has to match EITHER; else BOTH, where
 * an unrestricted one may still leave days out by its step.
 *
 * Words instead of fields: @yearly @annually @monthly @weekly @daily @midnight @hourly.  @reboot
 * and @every are refused with the option to use, and so is a zone (CRON_TZ=, TZ=).
 */
#ifndef SCHEDULER_CRON_H
#define SCHEDULER_CRON_H

#include "daemon/scheduler/pattern.h"

/*
 * 0, and *ret is the caller's (pattern_free()); or -EINVAL, *ret is untouched and the error
 * says where and why.  One that never comes (30th of February) is an error, too.
 */
int cron_parse(const char *text, struct pattern **ret, struct pattern_error *error);

#endif
