/*
 * cron expressions: tables, errors, a walk through time minute by minute, and croniter beside
 * us.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/scheduler/cron.h"
#include "tests/harness/patterns.h"

#define SECOND_USEC	INT64_C(1000000)
#define SEED		20260311

static struct pattern *
must_parse(const char *text)
{
	struct pattern *p = NULL;
	struct pattern_error error;

	if (cron_parse(text, &p, &error) != 0)
		fail_msg("%s: at %zu: %s", text, error.at, error.text);
	return p;
}

/* ---- tables ---- */

struct expected {
	const char	*text, *after;
	const char	*next[4];
};

/* 2024-01-01 is a Monday, 2024 a leap year. */
static const struct expected table[] = {
	{ "*/5 * * * *", "2024-01-01 00:00", { "2024-01-01 00:05", "2024-01-01 00:10" } },
	{ "* * * * *", "2023-12-31 23:59:30", { "2024-01-01 00:00", "2024-01-01 00:01" } },
	{ "59 23 31 12 *", "2024-01-01", { "2024-12-31 23:59", "2025-12-31 23:59" } },
	{ "0 3 * * MON-FRI", "2024-01-04", { "2024-01-04 03:00", "2024-01-05 03:00",
	    "2024-01-08 03:00" } },
	{ "0 3 * * mon,Wed,FRI", "2024-01-01 03:00", { "2024-01-03 03:00", "2024-01-05 03:00",
	    "2024-01-08 03:00" } },
	{ "10/20 1 * * *", "2024-01-01", { "2024-01-01 01:10", "2024-01-01 01:30",
	    "2024-01-01 01:50", "2024-01-02 01:10" } },
	{ "5-20/7 1 * * *", "2024-01-01", { "2024-01-01 01:05", "2024-01-01 01:12",
	    "2024-01-01 01:19", "2024-01-02 01:05" } },
	{ "\t 0  0\t1 JAN,jul * ", "2024-01-01", { "2024-07-01", "2025-01-01" } },
	/* Seconds come first. */
	{ "30 0 0 * * *", "2024-01-01 00:00:30", { "2024-01-02 00:00:30" } },
	{ "*/20 59 23 31 12 *", "2024-01-01", { "2024-12-31 23:59", "2024-12-31 23:59:20",
	    "2024-12-31 23:59:40", "2025-12-31 23:59" } },
	{ "* * * * * *", "2024-02-29 23:59:59", { "2024-03-01", "2024-03-01 00:00:01" } },
	/* A microsecond makes a difference. */
	{ "0 0 * * *", "2023-12-31 23:59:59.999999", { "2024-01-01" } },
	{ "0 0 * * *", "2024-01-01 00:00:00.000001", { "2024-01-02" } },
	/* Both days restricted: either; one of them with a star: both. */
	{ "0 0 13 * FRI", "2024-09-01", { "2024-09-06", "2024-09-13", "2024-09-20",
	    "2024-09-27" } },
	{ "0 0 10 * FRI", "2024-09-01", { "2024-09-06", "2024-09-10", "2024-09-13" } },
	{ "0 0 */2 * FRI", "2024-09-01", { "2024-09-13", "2024-09-27", "2024-10-11" } },
	{ "0 0 13 * */5", "2024-01-01", { "2024-09-13", "2024-10-13", "2024-12-13" } },
	{ "0 0 ? * 1", "2024-01-01", { "2024-01-08" } },
	{ "0 0 5 * ?", "2024-01-01", { "2024-01-05", "2024-02-05" } },
	{ "0 0 *,5 * 1", "2024-01-01", { "2024-01-08", "2024-01-15" } },
	{ "0 0 1-31 * 1", "2024-01-01", { "2024-01-02", "2024-01-03" } },
	/* Sunday is 0 and 7. */
	{ "0 0 * * 0", "2024-01-01", { "2024-01-07" } },
	{ "0 0 * * 7", "2024-01-01", { "2024-01-07" } },
	{ "0 0 * * 5-7", "2024-01-01", { "2024-01-05", "2024-01-06", "2024-01-07",
	    "2024-01-12" } },
	{ "0 0 * * SAT-SUN", "2024-01-01", { "2024-01-06", "2024-01-07", "2024-01-13" } },
	{ "0 0 * * FRI-MON", "2024-01-01", { "2024-01-05", "2024-01-06", "2024-01-07",
	    "2024-01-08" } },
	{ "0 0 * * 7-2", "2024-01-01", { "2024-01-02", "2024-01-07", "2024-01-08" } },
	{ "0 0 * * 1/2", "2024-01-01", { "2024-01-03", "2024-01-05", "2024-01-08" } },
	/* Round the turn. */
	{ "0 22-2 * * *", "2024-01-01 01:30", { "2024-01-01 02:00", "2024-01-01 22:00",
	    "2024-01-01 23:00", "2024-01-02 00:00" } },
	{ "0 23-4/2 * * *", "2024-01-01 23:00", { "2024-01-02 01:00", "2024-01-02 03:00",
	    "2024-01-02 23:00" } },
	{ "0 0 1 NOV-FEB *", "2024-01-02", { "2024-02-01", "2024-11-01", "2024-12-01",
	    "2025-01-01" } },
	/* The last day, and days before it. */
	{ "0 0 L * *", "2024-01-01", { "2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30" } },
	{ "0 0 L-3 * *", "2023-02-01", { "2023-02-25", "2023-03-28", "2023-04-27" } },
	{ "0 0 L-30 * *", "2024-01-02", { "2024-03-01", "2024-05-01", "2024-07-01" } },
	{ "0 0 1,L,L-1 * *", "2024-02-02", { "2024-02-28", "2024-02-29", "2024-03-01" } },
	/* Working days: 2024-06-01 is a Saturday, 2024-06-30 a Sunday. */
	{ "0 0 1W * *", "2024-05-31", { "2024-06-03", "2024-07-01", "2024-08-01" } },
	{ "0 0 15w * *", "2024-06-01", { "2024-06-14", "2024-07-15", "2024-08-15",
	    "2024-09-16" } },
	{ "0 0 30W * *", "2024-06-01", { "2024-06-28", "2024-07-30" } },
	{ "0 0 31W * *", "2024-06-01", { "2024-07-31", "2024-08-30", "2024-10-31" } },
	{ "0 0 LW * *", "2024-06-01", { "2024-06-28", "2024-07-31", "2024-08-30" } },
	{ "0 0 29W 2 *", "2023-01-01", { "2024-02-29", "2028-02-29", "2032-02-27" } },
	/* Weekdays within the month. */
	{ "0 0 * * 5L", "2024-01-01", { "2024-01-26", "2024-02-23", "2024-03-29" } },
	{ "0 0 * * fril", "2024-01-01", { "2024-01-26", "2024-02-23" } },
	{ "0 0 * * 7L", "2024-01-01", { "2024-01-28", "2024-02-25", "2024-03-31" } },
	{ "0 0 * * L", "2024-01-01", { "2024-01-06", "2024-01-13" } },
	{ "0 0 * * 5#2", "2024-01-01", { "2024-01-12", "2024-02-09" } },
	{ "0 0 * * MON#1,1#3", "2024-01-01", { "2024-01-15", "2024-02-05", "2024-02-19" } },
	{ "0 0 * * THU#5", "2024-01-01", { "2024-02-29", "2024-05-30", "2024-08-29" } },
	{ "0 0 29 2 *", "2096-03-01", { "2104-02-29", "2108-02-29" } },
	{ "0 0 1 * 1#2", "2024-01-01", { "2024-01-08", "2024-02-01", "2024-02-12" } },
	/* The words. */
	{ "@yearly", "2024-01-01", { "2025-01-01" } },
	{ "@annually", "2024-01-01", { "2025-01-01" } },
	{ "@monthly", "2024-01-01", { "2024-02-01" } },
	{ "@weekly", "2024-01-01", { "2024-01-07" } },
	{ " @Daily ", "2024-01-01", { "2024-01-02" } },
	{ "@midnight", "2024-01-01", { "2024-01-02" } },
	{ "@hourly", "2024-01-01", { "2024-01-01 01:00" } },
	/* The first and the last there are. */
	{ "0 0 1 1 *", "0001-05-05 03:04:05", { "1970-01-01", "1971-01-01" } },
};

static void
expressions_come_when_the_table_says(void **state)
{
	char got[CIVIL_TEXT_MAX], want[CIVIL_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct pattern *p = must_parse(table[i].text);
		struct civil c = civil_read(table[i].after), e;

		for (size_t j = 0; j < 4 && table[i].next[j] != NULL; j++) {
			e = civil_read(table[i].next[j]);
			assert_true(pattern_next(p, &c, &c));
			if (civil_to_usec(&c) != civil_to_usec(&e))
				fail_msg("%s: %s, not %s", table[i].text, civil_text(&c, got),
				    civil_text(&e, want));
			assert_true(pattern_matches(p, &c));
		}
		pattern_free(p);
	}
}

static void
there_is_none_after_the_last_year(void **state)
{
	struct pattern *p = must_parse("59 23 31 12 *");
	struct civil c = civil_read("2199-12-31 23:58:59"), before;

	(void)state;
	assert_true(pattern_next(p, &c, &c));
	assert_int_equal(c.year, PATTERN_YEAR_MAX);
	before = c;
	assert_false(pattern_next(p, &c, &c));
	assert_memory_equal(&before, &c, sizeof(c));
	c = civil_read("5000-01-01");
	assert_false(pattern_next(p, &c, &c));
	c = civil_read("2200-12-31 23:59");
	assert_false(pattern_matches(p, &c));
	c = civil_read("1969-12-31 23:59");
	assert_false(pattern_matches(p, &c));
	pattern_free(p);
	pattern_free(NULL);
}

static void
fixed_are_those_that_name_minute_and_hour(void **state)
{
	static const struct {
		const char	*text;
		bool		 fixed;
	} rules[] = {
		{ "30 2 * * *", true }, { "0 2,14 * * *", true }, { "0,30 2 * * *", true },
		{ "0 0-23/2 * * *", true }, { "5/20 3 * * *", true }, { "*/10 30 2 * * *", true },
		{ "0 2 */2 * *", true }, { "@daily", true }, { "@weekly", true },
		{ "* 2 * * *", false }, { "30 * * * *", false }, { "*/15 2 * * *", false },
		{ "30 */2 * * *", false }, { "30 0/2 * * *", false }, { "00/15 2 * * *", false },
		{ "*,5 2 * * *", false }, { "@hourly", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct pattern *p = must_parse(rules[i].text);

		if (pattern_fixed(p) != rules[i].fixed)
			fail_msg("%s", rules[i].text);
		pattern_free(p);
	}
}

/* ---- errors ---- */

#define MONTHS "1 to 12, or Jan, Feb, Mar, Apr, May, Jun, Jul, Aug, Sep, Oct, Nov, Dec"
#define WEEKDAYS "0 to 7, or Sun, Mon, Tue, Wed, Thu, Fri, Sat"
#define DAYS "1 to 31, L, L-n, nW or LW"
#define FIELDS "5 (minute hour day month weekday), or 6 with seconds first"
#define NEVER "it never comes: "

static const struct {
	const char	*text;
	size_t		 at;
	const char	*error;
} errors[] = {
	{ "", 0, "0 fields: " FIELDS },
	{ "   ", 3, "0 fields: " FIELDS },
	{ "5", 1, "1 field: " FIELDS },
	{ "0 0 * *", 7, "4 fields: " FIELDS },
	{ "0 0 0 1 1 * 2024", 12, "more than 6 fields: minute hour day month weekday, with seconds "
	    "before them or not; a year goes with --calendar" },
	{ "60 * * * *", 0, "minute 60: 0 to 59" },
	{ "60 * * * * *", 0, "second 60: 0 to 59" },
	{ "0 24 * * *", 2, "hour 24: 0 to 23" },
	{ "0 22-24 * * *", 2, "hour 22-24: 0 to 23" },
	{ "0 99999999999999999999 * * *", 2, "hour 99999999999999999999: 0 to 23" },
	{ "0 0 0 * *", 4, "day 0: " DAYS },
	{ "0 0 32 * *", 4, "day 32: " DAYS },
	{ "0 0 1 13 *", 6, "month 13: " MONTHS },
	{ "0 0 1 0 *", 6, "month 0: " MONTHS },
	{ "0 0 1 January *", 6, "month \"January\": " MONTHS },
	{ "0 0 * * 8", 8, "weekday 8: " WEEKDAYS },
	{ "0 0 * * Mo", 8, "weekday \"Mo\": " WEEKDAYS },
	{ "0 0 * * Monday", 8, "weekday \"Monday\": " WEEKDAYS },
	{ "0 0 * * MON,Die", 12, "weekday \"Die\": " WEEKDAYS },
	{ "0 0 * MON *", 6, "month \"MON\": " MONTHS },
	{ "JAN 0 * * *", 0, "minute \"JAN\": 0 to 59" },
	{ "a b c d e", 0, "minute \"a\": 0 to 59" },
	{ "-1 * * * *", 0, "minute -1: 0 to 59" },
	{ "1- * * * *", 0, "minute 1-: 0 to 59" },
	{ "1-2-3 * * * *", 0, "minute 1-2-3: 0 to 59" },
	{ "1.5 * * * *", 0, "minute \"1.5\": 0 to 59" },
	{ "5;6 * * * *", 0, "minute \"5;6\": 0 to 59" },
	{ "50-10 * * * *", 0, "minute 50-10: the range ends before it begins" },
	{ "50-10 * * * * *", 0, "second 50-10: the range ends before it begins" },
	{ "0 0 25-5 * *", 4, "day 25-5: the range ends before it begins" },
	{ ",5 * * * *", 0, "minute \"\": a comma goes between two values" },
	{ "5, * * * *", 2, "minute \"\": a comma goes between two values" },
	{ "5,,6 * * * *", 2, "minute \"\": a comma goes between two values" },
	{ "*/0 * * * *", 0, "minute */0: a step of 1 to 60" },
	{ "*/90 * * * *", 0, "minute */90: a step of 1 to 60" },
	{ "0 */25 * * *", 2, "hour */25: a step of 1 to 24" },
	{ "*/ * * * *", 0, "minute */: a number after the /" },
	{ "*/x * * * *", 0, "minute \"*/x\": a number after the /" },
	{ "5/ * * * *", 0, "minute 5/: a number after the /" },
	{ "*/5/5 * * * *", 0, "minute */5/5: only /n goes after the *" },
	{ "*5 * * * *", 0, "minute *5: only /n goes after the *" },
	{ "** * * * *", 0, "minute **: only /n goes after the *" },
	{ "5/5/5 * * * *", 0, "minute 5/5/5: 0 to 59" },
	{ "? * * * *", 0, "minute \"?\": ? is for the day and the weekday" },
	{ "0 0 ?,5 * *", 4, "day \"?,5\": ? stands alone" },
	{ "0 0 ?/2 * *", 4, "day \"?/2\": ? stands alone" },
	{ "L * * * *", 0, "minute \"L\": 0 to 59" },
	{ "0 0 Lx * *", 4, "day \"Lx\": L, L-n or LW" },
	{ "0 0 L- * *", 4, "day \"L-\": L, L-n or LW" },
	{ "0 0 L-31 * *", 4, "day \"L-31\": L-0 to L-30, and nothing after it" },
	{ "0 0 L-3W * *", 4, "day \"L-3W\": L-0 to L-30, and nothing after it" },
	{ "0 0 5L * *", 4, "day \"5L\": " DAYS },
	{ "0 0 0W * *", 4, "day \"0W\": " DAYS },
	{ "0 0 1-5W * *", 4, "day \"1-5W\": " DAYS },
	{ "0 0 W * *", 4, "day \"W\": " DAYS },
	{ "0 0 * * 5#0", 8, "weekday 5#0: 1 to 5 after the #" },
	{ "0 0 * * 5#6", 8, "weekday 5#6: 1 to 5 after the #" },
	{ "0 0 * * 5#", 8, "weekday 5#: 1 to 5 after the #" },
	{ "0 0 * * 5#1-2", 8, "weekday 5#1-2: 1 to 5 after the #" },
	{ "0 0 * * #2", 8, "weekday #2: " WEEKDAYS },
	{ "0 0 * * 5LL", 8, "weekday \"5LL\": nothing goes after the L" },
	{ "0 0 * * LW", 8, "weekday \"LW\": " WEEKDAYS },
	{ "0 0 * * 7/2", 8, "weekday 7/2: Sunday is 0 before a /" },
	{ "0 0 * * 5W", 8, "weekday \"5W\": " WEEKDAYS },
	{ "@reboot", 0, "@reboot: use --on-boot" },
	{ "  @every 5m", 2, "@every: use --every" },
	{ "@dayly", 0, "\"@dayly\": @yearly, @annually, @monthly, @weekly, @daily, @midnight or "
	    "@hourly" },
	{ "@", 0, "\"@\": @yearly, @annually, @monthly, @weekly, @daily, @midnight or @hourly" },
	{ "@daily  5", 8, "nothing goes after @daily" },
	{ "CRON_TZ=Europe/Berlin 0 3 * * *", 0, "the zone goes with --tz" },
	{ " TZ=UTC 0 3 * * *", 1, "the zone goes with --tz" },
	{ "\xc3\xa4\"\n * * * *", 0, "minute \"????\": 0 to 59" },
	{ "0 0 0123456789012345678901234567890123456789 * *", 4,
	    "day 0123456789012345678901234567...: " DAYS },
	{ "0 0 30 2 *", 0, NEVER "February has no 30th" },
	{ "0 0 31 4,6,NOV *", 0, NEVER "none of its months has a 31st" },
	{ "0 0 31 9 ?", 0, NEVER "September has no 31st" },
	{ "0 0 L-30 2,4 *", 0, NEVER "its months are shorter than its days ask" },
	{ "0 0 31W 2 *", 0, NEVER "its months are shorter than its days ask" },
	{ "0 0 */28 3 2#3", 0, NEVER "its days never fall on its weekdays" },
};

static void
errors_say_where_and_what_would_be_right(void **state)
{
	struct pattern *const none = (struct pattern *)(uintptr_t)1;

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct pattern *p = none;
		struct pattern_error e;

		if (cron_parse(errors[i].text, &p, &e) != -EINVAL)
			fail_msg("%s: accepted", errors[i].text);
		if (e.at != errors[i].at || strcmp(e.text, errors[i].error) != 0)
			fail_msg("%s: at %zu: %s", errors[i].text, e.at, e.text);
		assert_ptr_equal(p, none);
	}
}

static void
text_beyond_the_limit_is_refused(void **state)
{
	char text[PATTERN_TEXT_MAX + 2];
	struct pattern_error e;
	struct pattern *p;

	(void)state;
	memset(text, ' ', sizeof(text));
	memcpy(text, "* * * * *", 9);
	text[PATTERN_TEXT_MAX] = '\0';
	pattern_free(must_parse(text));
	text[PATTERN_TEXT_MAX] = ' ';
	text[PATTERN_TEXT_MAX + 1] = '\0';
	assert_int_equal(cron_parse(text, &p, &e), -EINVAL);
	assert_int_equal(e.at, PATTERN_TEXT_MAX);
	assert_string_equal(e.text, "it is longer than 1024 bytes");
}

/* ---- random expressions ---- */

/* What croniter understands as we do, or all there is. */
enum dialect { OURS, CRONITER };

/* A list of up to three values, ranges and steps. */
static void
list_add(struct rand *r, struct expression *e, int min, int max)
{
	for (int n = rand_between(r, 1, 3); n > 0; n--) {
		int a = rand_between(r, min, max), b = rand_between(r, a, max);
		int step = rand_between(r, 1, 7);

		switch (rand_below(r, 6)) {
		case 0:
			expression_add(e, "%d-%d", a, b);
			break;
		case 1:
			expression_add(e, "%d-%d/%d", a, b, step);
			break;
		case 2:
			expression_add(e, "%d/%d", a, step);
			break;
		default:
			expression_add(e, "%d", a);
			break;
		}
		expression_add(e, n > 1 ? "," : "");
	}
}

static void
field_add(struct rand *r, struct expression *e, int min, int max)
{
	switch (rand_below(r, 4)) {
	case 0:
		expression_add(e, "*");
		break;
	case 1:
		expression_add(e, "*/%d", rand_between(r, 1, max < 12 ? max : max / 2));
		break;
	default:
		list_add(r, e, min, max);
		break;
	}
}

static void
day_add(struct rand *r, struct expression *e, enum dialect dialect)
{
	switch (rand_below(r, dialect == OURS ? 10 : 6)) {
	case 0:
		expression_add(e, "L");
		break;
	case 1:
		expression_add(e, "*");
		break;
	case 6:
		expression_add(e, "L-%d", rand_between(r, 0, 30));
		break;
	case 7:
		expression_add(e, "LW,%dW", rand_between(r, 1, 31));
		break;
	case 8:
		expression_add(e, "%dW", rand_between(r, 1, 31));
		break;
	case 9:
		expression_add(e, "?");
		break;
	default:
		field_add(r, e, 1, 31);
		break;
	}
}

static void
weekday_add(struct rand *r, struct expression *e, enum dialect dialect)
{
	static const char *const names[] = { "Sun", "mon", "TUE", "Wed", "Thu", "Fri", "Sat" };
	int a = rand_between(r, 0, 6), b = rand_between(r, 0, 6);

	switch (rand_below(r, dialect == OURS ? 10 : 8)) {
	case 0:
		expression_add(e, "*");
		break;
	case 1:
		expression_add(e, "%d#%d", a, rand_between(r, 1, 5));
		break;
	case 2:
		/* croniter writes it the other way round. */
		expression_add(e, dialect == OURS ? "%dL" : "L%d", a);
		break;
	case 3:
		expression_add(e, "%s-%s", names[a < b ? a : b], names[a < b ? b : a]);
		break;
	case 4:
		expression_add(e, "*/%d", rand_between(r, 1, 6));
		break;
	case 5:
		expression_add(e, "%d-7", a);
		break;
	case 8:
		expression_add(e, "%s-%s", names[a], names[b]);
		break;
	case 9:
		expression_add(e, "%d,%sL,%d#%d", a, names[b], b, rand_between(r, 1, 5));
		break;
	default:
		expression_add(e, "%s,%d", names[a], b);
		break;
	}
}

/* Five fields; croniter's order if there are seconds. */
static void
fields_make(struct rand *r, struct expression *e, enum dialect dialect)
{
	e->n = 0;
	field_add(r, e, 0, 59);
	expression_add(e, " ");
	field_add(r, e, 0, 23);
	expression_add(e, " ");
	day_add(r, e, dialect);
	expression_add(e, " ");
	if (rand_below(r, 2) == 0)
		expression_add(e, "*");
	else
		field_add(r, e, 1, 12);
	expression_add(e, " ");
	weekday_add(r, e, dialect);
}

/* Parse one that may never come; NULL then, and any other error is a failure. */
static struct pattern *
parse_or_never(const char *text)
{
	struct pattern *p = NULL;
	struct pattern_error e;

	if (cron_parse(text, &p, &e) != 0 && strncmp(e.text, NEVER, strlen(NEVER)) != 0)
		fail_msg("%s: at %zu: %s", text, e.at, e.text);
	return p;
}

#define WALKS 60

static void
search_finds_what_matches_minute_by_minute_through_five_years(void **state)
{
	struct walk w = { .from = civil_read("2023-01-01"), .steps = (INT64_C(5) * 365 + 2) * 1440,
	    .step_usec = 60 * SECOND_USEC };
	struct expression e;
	struct pattern *p;
	struct rand r;

	(void)state;
	rand_seed(&r, SEED);
	for (int i = 0; i < (patterns_long() ? 500 : WALKS); i++) {
		fields_make(&r, &e, OURS);
		p = parse_or_never(e.s);
		if (p != NULL)
			patterns_walk(p, &w, e.s);
		pattern_free(p);
	}
}

static void
search_finds_what_matches_for_hundreds_of_expressions(void **state)
{
	struct walk w = { .steps = 75 * 1440, .step_usec = 60 * SECOND_USEC };
	struct expression e;
	struct pattern *p;
	struct rand r;

	(void)state;
	rand_seed(&r, SEED + 1);
	for (int i = 0; i < (patterns_long() ? 10000 : 300); i++) {
		w.from = civil_of_wall((int64_t)rand_below(&r, 7000000000u) / 60 * 60);
		fields_make(&r, &e, OURS);
		p = parse_or_never(e.s);
		if (p != NULL)
			patterns_walk(p, &w, e.s);
		pattern_free(p);
	}
}

static void
search_finds_what_matches_second_by_second(void **state)
{
	struct walk w = { .steps = 100000, .step_usec = SECOND_USEC };
	struct expression e, fields;
	struct pattern *p;
	struct rand r;

	(void)state;
	rand_seed(&r, SEED + 2);
	for (int i = 0; i < (patterns_long() ? 2000 : 40); i++) {
		w.from = civil_of_wall((int64_t)rand_below(&r, 7000000000u));
		e.n = 0;
		field_add(&r, &e, 0, 59);
		fields_make(&r, &fields, OURS);
		expression_add(&e, " %s", fields.s);
		p = parse_or_never(e.s);
		if (p != NULL)
			patterns_walk(p, &w, e.s);
		pattern_free(p);
	}
}

static void
next_is_greater_monotone_and_matches(void **state)
{
	struct expression e;
	struct pattern *p;
	struct civil from;
	struct rand r;

	(void)state;
	rand_seed(&r, SEED + 3);
	for (int i = 0; i < (patterns_long() ? 100000 : 3000); i++) {
		from = civil_of_usec((int64_t)rand_below(&r, 7300000000000000u) - 100000000000000);
		fields_make(&r, &e, OURS);
		p = parse_or_never(e.s);
		if (p != NULL)
			patterns_chain(p, &from, 50, e.s);
		pattern_free(p);
	}
}

/* ---- croniter ---- */

#define PYTHON "/usr/bin/python3"
#define BATCH_NEXT 5

/* Reads "EPOCH EXPRESSION" lines; writes the next times in a line, or "never", or "bad". */
static const char script[] =
    "import sys\n"
    "from croniter import croniter, CroniterBadDateError\n"
    "for line in sys.stdin:\n"
    "    after, text = line.rstrip(\"\\n\").split(\" \", 1)\n"
    "    try:\n"
    "        it = croniter(text, float(after), max_years_between_matches=240)\n"
    "        print(*[\"%d\" % it.get_next() for _ in range(5)])\n"
    "    except CroniterBadDateError:\n"
    "        print(\"never\")\n"
    "    except Exception as e:\n"
    "        print(\"bad\", repr(e))\n";

/*
 * Where croniter has another rule, after its reading of the fields:
 *  - a day field with a step after its * counts as restricted there, as one without a * that
 *    names all values counts as unrestricted; ours follows Vixie and looks at the * alone;
 *  - 5#2 and 5L leave out days that the day of the month has chosen, too, although the two fields
 *    are alternatives there as well: croniter hands them to both halves of its search;
 *  - a/n in weekdays runs to 7 there, which is Sunday again; ours runs to 6.
 * We make the first two only where the other day field is *, and no such steps in weekdays.
 */
static bool
is_comparable(const char *fields)
{
	char day[128], weekday[128];
	bool star;

	if (sscanf(fields, "%*s %*s %127s %*s %127s", day, weekday) != 2)
		return false;
	star = day[0] == '*' || weekday[0] == '*' || strpbrk(weekday, "#L") != NULL;
	if (strcmp(day, "*") == 0 || strcmp(weekday, "*") == 0)
		return true;
	return !star && strstr(day, "1-31") == NULL && strcmp(weekday, "Sun-Sat") != 0 &&
	    strcmp(weekday, "0-7") != 0 && strcmp(weekday, "1-7") != 0 &&
	    strstr(day, "/1") == NULL;
}

struct question {
	struct expression	 ours, theirs;
	int64_t			 after;
};

static void
question_make(struct rand *r, struct question *q)
{
	struct expression second;
	char *last;

	do {
		fields_make(r, &q->theirs, CRONITER);
	} while (!is_comparable(q->theirs.s));
	q->after = (int64_t)rand_below(r, 4000000000u);
	q->ours.n = second.n = 0;
	/* With seconds croniter forgets that 7 is Sunday, and never comes on it. */
	if (rand_below(r, 4) == 0 && strstr(strrchr(q->theirs.s, ' '), "-7") == NULL) {
		field_add(r, &second, 0, 59);
		expression_add(&q->ours, "%s ", second.s);
	}
	expression_add(&q->ours, "%s", q->theirs.s);
	last = strrchr(q->ours.s, ' ');
	if (last[1] == 'L') {
		last[1] = last[2];
		last[2] = 'L';
	}
	if (second.n > 0)
		expression_add(&q->theirs, " %s", second.s);
}

static void
answer_check(const struct question *q, char *line)
{
	struct pattern *p = parse_or_never(q->ours.s);
	struct civil c = civil_of_wall(q->after);
	char *save = NULL, *word = strtok_r(line, " \n", &save), text[CIVIL_TEXT_MAX];

	assert_non_null(word);
	if (strcmp(word, "bad") == 0)
		fail_msg("croniter cannot read %s: %s", q->theirs.s, save);
	if (strcmp(word, "never") == 0) {
		if (p != NULL && pattern_next(p, &c, &c))
			fail_msg("%s: croniter has none", q->ours.s);
		pattern_free(p);
		return;
	}
	if (p == NULL)
		fail_msg("%s: croniter has %s", q->ours.s, word);
	for (; word != NULL; word = strtok_r(NULL, " \n", &save)) {
		assert_true(pattern_next(p, &c, &c));
		if (civil_to_wall(&c) != atoll(word))
			fail_msg("%s after %lld: %s, croniter has %s", q->ours.s,
			    (long long)q->after, civil_text(&c, text), word);
	}
	pattern_free(p);
}

static void
croniter_agrees(void **state)
{
	const char *dir = getenv("JOBD_TEST_DIR");
	size_t n = patterns_long() ? 5000 : 300, i = 0;
	struct question *questions = calloc(n, sizeof(*questions));
	char file[256], command[2048], line[512];
	struct rand r;
	FILE *f;

	(void)state;
	assert_non_null(questions);
	rand_seed(&r, SEED + 4);
	(void)snprintf(file, sizeof(file), "%s/croniter-%d", dir != NULL ? dir : "/tmp",
	    (int)getpid());
	f = fopen(file, "we");
	assert_non_null(f);
	for (i = 0; i < n; i++) {
		question_make(&r, &questions[i]);
		fprintf(f, "%lld %s\n", (long long)questions[i].after, questions[i].theirs.s);
	}
	assert_int_equal(fclose(f), 0);
	(void)snprintf(command, sizeof(command), "TZ=UTC " PYTHON " -c '%s' <%s", script, file);
	f = popen(command, "re");
	assert_non_null(f);
	for (i = 0; i < n && fgets(line, sizeof(line), f) != NULL; i++)
		answer_check(&questions[i], line);
	assert_int_equal(pclose(f), 0);
	assert_int_equal(i, n);
	(void)unlink(file);
	free(questions);
}

static void
croniter_agrees_if_it_is_there(void **state)
{
	patterns_need("python3-croniter", PYTHON " -c 'import croniter' 2>/dev/null");
	croniter_agrees(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expressions_come_when_the_table_says),
		cmocka_unit_test(there_is_none_after_the_last_year),
		cmocka_unit_test(fixed_are_those_that_name_minute_and_hour),
		cmocka_unit_test(errors_say_where_and_what_would_be_right),
		cmocka_unit_test(text_beyond_the_limit_is_refused),
		cmocka_unit_test(search_finds_what_matches_minute_by_minute_through_five_years),
		cmocka_unit_test(search_finds_what_matches_for_hundreds_of_expressions),
		cmocka_unit_test(search_finds_what_matches_second_by_second),
		cmocka_unit_test(next_is_greater_monotone_and_matches),
		cmocka_unit_test(croniter_agrees_if_it_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
