/*
 * Schedules in words: a table of expressions and what is said of them; and that what is said is the
 * whole of it: the same words are of the same set.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/scheduler/calendar.h"
#include "daemon/scheduler/cron.h"
#include "daemon/scheduler/describe.h"
#include "daemon/scheduler/pattern-say.h"
#include "proto/buf.h"
#include "proto/mem.h"
#include "tests/harness/patterns.h"

#define LENGTH(a)	(sizeof(a) / sizeof((a)[0]))

/* ---- patterns ---- */

static struct pattern *
read_cron(const char *text)
{
	struct pattern *p = NULL;
	struct pattern_error error;

	if (cron_parse(text, &p, &error) != 0)
		fail_msg("%s: at %zu: %s", text, error.at, error.text);
	return p;
}

static struct pattern *
read_calendar(const char *text)
{
	char zone[CALENDAR_ZONE_SIZE];
	struct pattern *p = NULL;
	struct pattern_error error;

	if (calendar_parse(text, &p, zone, &error) != 0)
		fail_msg("%s: at %zu: %s", text, error.at, error.text);
	return p;
}

struct said {
	const char	*text, *words;
};

static const struct said crons[] = {
	{ "30 2 * * MON-FRI", "at 02:30, on Monday to Friday" },
	{ "30 2 * * *", "at 02:30, every day" },
	{ "0 2,14 * * *", "at 02:00 and 14:00, every day" },
	{ "0 6,9,18 * * *", "at 06:00, 09:00 and 18:00, every day" },
	/* Rhythms, and what only looks like one. */
	{ "* * * * *", "every minute" },
	{ "*/5 * * * *", "every 5 minutes" },
	{ "0-59/15 * * * *", "every 15 minutes" },
	{ "3-58/5 * * * *", "every 5 minutes from 00:03 to 23:58, every day" },
	{ "*/7 * * * *", "at the minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour, every day" },
	{ "0 * * * *", "every hour" },
	{ "17 * * * *", "at minute 17 of every hour" },
	{ "0 */2 * * *", "every 2 hours from 00:00 to 22:00, every day" },
	{ "17 */8 * * *", "at 00:17, 08:17 and 16:17, every day" },
	{ "0 */5 * * *", "every 5 hours from 00:00 to 20:00, every day" },
	{ "0,30 9-17 * * 1-5", "every 30 minutes from 09:00 to 17:30, on Monday to Friday" },
	{ "*/5 9-17 * * 1-5", "every 5 minutes from 09:00 to 17:55, on Monday to Friday" },
	{ "10-20 9 * * *", "every minute from 09:10 to 09:20, every day" },
	{ "0,15,20 9-17 * * *", "at the minutes 0, 15 and 20 of the hours 9 to 17, every day" },
	{ "* 9,12 * * *", "every minute of the hours 9 and 12, every day" },
	{ "5,7-9,40,41,50-55,58 3 * * *", "at the minutes 5, 7 to 9, 40, 41, 50 to 55 and 58 of the hour 3, "
	    "every day" },
	{ "0 22-2 * * *", "at 00:00, 01:00, 02:00, 22:00 and 23:00, every day" },
	{ "*/10 22-2 * * *", "at the minutes 0, 10, 20, 30, 40 and 50 of the hours 0 to 2, 22 and 23, every "
	    "day" },
	/* Seconds. */
	{ "* * * * * *", "every second" },
	{ "*/15 * * * * *", "every 15 seconds" },
	{ "*/7 0 * * * *", "at the seconds 0, 7, 14, 21, 28, 35, 42, 49 and 56 of minute 0 of every hour, every "
	    "day" },
	{ "5,10 * * * * *", "at the seconds 5 and 10 of every minute" },
	{ "30 0 0 * * *", "at 00:00:30, every day" },
	{ "30 * * * * *", "every minute from 00:00:30 to 23:59:30, every day" },
	{ "30 17 * * * *", "every hour from 00:17:30 to 23:17:30, every day" },
	{ "0,30 15 2 * * *", "at 02:15:00 and 02:15:30, every day" },
	{ "* 15 2 * * *", "every second of the minute 02:15, every day" },
	{ "* 15-20 2 * * *", "every second of the minutes 02:15 to 02:20, every day" },
	{ "30 */7 * * * *", "at second 30 of the minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour, "
	    "every day" },
	/* Days of the month. */
	{ "0 0 1 * *", "at 00:00, on the 1st of the month" },
	{ "0 0 1,2,15,22,23,31 * *", "at 00:00, on the 1st, 2nd, 15th, 22nd, 23rd and 31st of the month" },
	{ "0 0 1-7 * *", "at 00:00, on the 1st to 7th of the month" },
	{ "0 0 */10 * *", "at 00:00, on the 1st, 11th, 21st and 31st of the month" },
	{ "0 0 L * *", "at 00:00, on the last day of the month" },
	{ "0 0 L-2 * *", "at 00:00, on the 3rd last day of the month" },
	{ "0 0 L,L-1 2 *", "at 00:00, on the last and 2nd last days of February" },
	{ "0 0 15W * *", "at 00:00, on the day from Monday to Friday nearest to the 15th of the month within the "
	    "same month" },
	{ "0 0 LW * *", "at 00:00, on the day from Monday to Friday nearest to the last day of the month within "
	    "the same month" },
	{ "0 0 1,L,15W * *", "at 00:00, on the 1st of the month, on the last day of the month and on the day "
	    "from Monday to Friday nearest to the 15th of the month within the same month" },
	{ "0 0 1-31 * *", "at 00:00, every day" },
	/* Days of the week. */
	{ "0 0 * * 0", "at 00:00, on Sunday" },
	{ "0 0 * * 7,6", "at 00:00, on Saturday and Sunday" },
	{ "0 0 * * FRI-MON", "at 00:00, on Monday and Friday to Sunday" },
	{ "0 0 * * 5L", "at 00:00, on the last Friday of the month" },
	{ "0 0 * * FRI#2", "at 00:00, on the 2nd Friday of the month" },
	{ "0 0 * * MON#4,MON#5,MONL", "at 00:00, on the 4th, 5th and last Monday of the month" },
	{ "0 0 * * MON#1,MON#3,MONL,2", "at 00:00, on Tuesday and on the 1st, 3rd and last Monday of the month" },
	/* Both: either of them; and where one begins with a star, both. */
	{ "0 0 13 * FRI", "at 00:00, on the 13th of the month, and also on Friday" },
	{ "0 0 13 3 FRI", "at 00:00, on the 13th of March, and also on Friday in March" },
	{ "0 0 1-31 * FRI", "at 00:00, every day" },
	{ "0 0 13 * 0-6", "at 00:00, every day" },
	{ "0 0 */2 * FRI#2,SAT", "at 00:00, on the 1st, 3rd, 5th, 7th, 9th, 11th, 13th, 15th, 17th, 19th, 21st, "
	    "23rd, 25th, 27th, 29th and 31st of the month, if it falls on Saturday or on the 2nd Friday of the "
	    "month" },
	{ "0 0 *,5 * 1", "at 00:00, on Monday" },
	/* Months. */
	{ "0 0 * 1 *", "at 00:00, every day of January" },
	{ "*/5 * * NOV-FEB *", "every 5 minutes, every day of January, February, November and December" },
	{ "0 0 1 1,4,7,10 *", "at 00:00, on the 1st of January, April, July and October" },
	{ "0 0 * 3-5 MON", "at 00:00, on Monday in March to May" },
	/* Words. */
	{ "@yearly", "at 00:00, on the 1st of January" },
	{ "@monthly", "at 00:00, on the 1st of the month" },
	{ "@weekly", "at 00:00, on Sunday" },
	{ "@daily", "at 00:00, every day" },
	{ "@hourly", "every hour" },
};

static const struct said calendars[] = {
	{ "minutely", "every minute" },
	{ "hourly", "every hour" },
	{ "daily", "at 00:00, every day" },
	{ "weekly", "at 00:00, on Monday" },
	{ "quarterly", "at 00:00, on the 1st of January, April, July and October" },
	{ "Mon..Fri 18:30", "at 18:30, on Monday to Friday" },
	{ "Fri *-*-13", "at 00:00, on the 13th of the month, if it falls on Friday" },
	{ "Sat,Sun *-03-01..07 12:00", "at 12:00, on the 1st to 7th of March, if it falls on Saturday or Sunday" },
	{ "*-*~01", "at 00:00, on the last day of the month" },
	{ "*-02~03", "at 00:00, on the 3rd last day of February" },
	{ "*-05~07/1", "at 00:00, on the last to 7th last days of May" },
	{ "*-*-* 00/2:00", "every 2 hours from 00:00 to 22:00, every day" },
	{ "2027-03-05 10:00", "at 10:00, on the 5th of March, in 2027" },
	{ "2027..2029-*-* 10:00", "at 10:00, every day, in 2027 to 2029" },
	{ "2020/4-02-29", "at 00:00, on the 29th of February, every 4 years from 2020 to 2196" },
	{ "2027-*-* *:*", "every minute, in 2027" },
	{ "*-*-* 02:30:01.5", "at 02:30:01.5, every day" },
	{ "*-*-* *:*:0/0.5", "every 0.5 seconds" },
	{ "*-*-* 02:30:0/0.25", "every 0.25 seconds of the minute 02:30, every day" },
	{ "*-*-* *:*:3,0.5/1", "at the seconds 3 and 0.5 to 59.5 in steps of 1 of every minute" },
};

static void
must_say(const struct said *s, struct pattern *p)
{
	char *words = pattern_say(p);

	if (strcmp(words, s->words) != 0)
		fail_msg("%s: \"%s\", and not \"%s\"", s->text, words, s->words);
	free(words);
	pattern_free(p);
}

static void
expressions_are_said_as_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(crons); i++)
		must_say(&crons[i], read_cron(crons[i].text));
	for (size_t i = 0; i < LENGTH(calendars); i++)
		must_say(&calendars[i], read_calendar(calendars[i].text));
}

static void
days_are_said_alone(void **state)
{
	static const struct said days[] = {
		{ "*-12-24", "on the 24th of December" }, { "daily", "every day" }, { "Mon 12:00", "on Monday" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(days); i++) {
		struct pattern *p = read_calendar(days[i].text);
		char *words = pattern_say_days(p);

		assert_string_equal(words, days[i].words);
		free(words);
		pattern_free(p);
	}
}

/* ---- the same words are of the same set ---- */

#define FIELD_CHOICES 14

static const char *const cron_choices[][FIELD_CHOICES] = {
	{ "", "0 ", "* ", "*/15 ", "30 ", "5,10 ", "*/7 ", "0,30 ", "0-29 " },
	{ "0 ", "* ", "*/5 ", "3-58/5 ", "*/7 ", "0,30 ", "1-59 ", "10-20 ", "17 ", "5,10,20 ", "0-2 ", "0,15 " },
	{ "* ", "2 ", "9-17 ", "*/2 ", "22-2 ", "9,12,15 ", "0/5 ", "1-23 ", "9-16 ", "0,12 " },
	{ "* ", "? ", "1 ", "1,15 ", "L ", "L-2 ", "15W ", "LW ", "*/2 ", "1-31 ", "1-30 ", "1,L,15W ", "L,LW ", "1W " },
	{ "* ", "1 ", "1,4,7,10 ", "NOV-FEB ", "*/2 ", "1-11 " },
	{ "*", "?", "1-5", "SAT-SUN", "5L", "5#2", "FRI#2,FRIL,MON", "0-6", "*/2", "0,3", "5,FRI#2", "SATL,SUNL" },
};

static const char *const calendar_choices[][FIELD_CHOICES] = {
	{ "", "Mon ", "Mon..Fri ", "Sat,Sun ", "Tue..Sun " },
	{ "*-*-* ", "2027-*-* ", "2024/4-02-29 ", "2024,2028-02-29 ", "*-*~01 ", "*-*~01..03 ", "*-02~03 ",
	  "2027..2029-*-* ", "*-*-01..07 ", "*-01-* ", "*-*-31 ", "*-*-1..30 ", "2027/2-*-* ", "2027/2-01-01 " },
	{ "02:30", "00/2:00", "*:*:0/15", "*:*:0/0.5", "02:30:01.5", "*:0/5", "*:*:0.5/1", "9..17:0/5", "*:*:1.5",
	  "*:*:0..59.5/0.5", "*:*:0.5,1.5", "02:30:0/0.5", "*:*:0..59/0.5", "9..17:30" },
};

struct sample {
	char		*words;
	struct expression text;
	struct pattern	*pattern;
};

static int
sample_compare(const void *a, const void *b)
{
	return strcmp(((const struct sample *)a)->words, ((const struct sample *)b)->words);
}

/* From each of many times, over some forty years, the next is the same; and so are those after it. */
static void
must_be_one_set(const struct sample *a, const struct sample *b)
{
	int64_t wall = 1704067200;	/* 2024-01-01 */
	int64_t step = (int64_t)37 * 86400 + 5 * 3600 + 7 * 60 + 11;

	for (int i = 0; i < 400; i++, wall += step) {
		struct civil c = civil_of_wall(wall), d = c;

		for (int k = 0; k < 3; k++) {
			bool more = pattern_next(a->pattern, &c, &c);

			if (more != pattern_next(b->pattern, &d, &d) ||
			    (more && civil_to_usec(&c) != civil_to_usec(&d)))
				fail_msg("\"%s\" and \"%s\" are both \"%s\"", a->text.s, b->text.s,
				    a->words);
		}
	}
}

static void
samples_must_differ(struct sample *samples, size_t n)
{
	qsort(samples, n, sizeof(*samples), sample_compare);
	for (size_t i = 0; i + 1 < n; i++)
		if (strcmp(samples[i].words, samples[i + 1].words) == 0 &&
		    strcmp(samples[i].text.s, samples[i + 1].text.s) != 0)
			must_be_one_set(&samples[i], &samples[i + 1]);
	for (size_t i = 0; i < n; i++) {
		free(samples[i].words);
		pattern_free(samples[i].pattern);
	}
}

#define FIELDS_MAX 6

struct dialect {
	const char	*const (*choices)[FIELD_CHOICES];
	size_t		 fields;
	bool		 cron;
};

static const struct dialect dialects[] = {
	{ cron_choices, LENGTH(cron_choices), true }, { calendar_choices, LENGTH(calendar_choices), false },
};

static size_t
choices_count(const struct dialect *d, size_t field)
{
	size_t n = 0;

	while (n < FIELD_CHOICES && d->choices[field][n] != NULL)
		n++;
	return n;
}

/* Some never come: then there is nothing to be said. */
static bool
sample_make(struct sample *s, bool cron)
{
	char zone[CALENDAR_ZONE_SIZE];
	struct pattern_error error;

	if ((cron ? cron_parse(s->text.s, &s->pattern, &error) :
	    calendar_parse(s->text.s, &s->pattern, zone, &error)) != 0)
		return false;
	s->words = pattern_say(s->pattern);
	return true;
}

/* One expression, and all that differ from it in one field.  How many there are. */
static size_t
family_make(struct rand *r, const struct dialect *d, struct sample *samples)
{
	size_t chosen[FIELDS_MAX], n = 0;

	for (size_t f = 0; f < d->fields; f++)
		chosen[f] = rand_below(r, choices_count(d, f));
	for (size_t f = 0; f < d->fields; f++)
		for (size_t i = 0; i < choices_count(d, f); i++) {
			samples[n].text.n = 0;
			for (size_t k = 0; k < d->fields; k++)
				expression_add(&samples[n].text, "%s", d->choices[k][k == f ? i : chosen[k]]);
			n += sample_make(&samples[n], d->cron);
		}
	return n;
}

static void
the_same_words_are_of_the_same_set(void **state)
{
	int families = patterns_long() ? 5000 : 200;
	struct sample *samples = xcalloc((size_t)FIELDS_MAX * FIELD_CHOICES, sizeof(*samples));
	size_t n, all = 0;
	struct rand r;

	(void)state;
	rand_seed(&r, 20280229);
	for (int i = 0; i < families; i++) {
		n = family_make(&r, &dialects[i % 2], samples);
		samples_must_differ(samples, n);
		all += n;
	}
	assert_true(all > 20u * (size_t)families);
	free(samples);
}

/* ---- schedules ---- */

static char *
text_of(const char *text)
{
	return (char *)(uintptr_t)text;	/* the spec only looks at it */
}

static instant
at(const char *text)
{
	instant i = { 0 };

	if (instant_parse(text, &i) != 0)
		fail_msg("%s is no instant", text);
	return i;
}

/* All that is said of it from an instant on, a line each; a job's or nobody's. */
static char *
said_of(const struct job_spec *spec, bool job, const char *from)
{
	struct zones *zones = zones_new(NULL);
	struct phrases phrases = { .n = 0 };
	struct field_error error = { 0 };
	struct described d = { .spec = spec, .job = job, .from = at(from) };
	struct schedule s;
	struct buf out = { 0 };

	if (schedule_open(spec, zones, 7, &s, &error) != JOBD_OK)
		fail_msg("%s: %s", error.path, error.reason);
	d.schedule = &s;
	describe(&d, &phrases);
	for (size_t i = 0; i < phrases.n; i++)
		buf_printf(&out, "%s: %s\n", phrase_names[phrases.items[i].what], phrases.items[i].text);
	phrases_done(&phrases);
	schedule_done(&s);
	zones_free(zones);
	return buf_steal(&out);
}

static void
must_be_said(const struct job_spec *spec, bool job, const char *words)
{
	char *got = said_of(spec, job, "2027-01-01T00:00Z");

	assert_string_equal(got, words);
	free(got);
}

static void
time_changes_are_told_with_what_is_done_at_them(void **state)
{
	struct job_spec spec = { .cron = text_of("30 2 * * *"), .time_zone = text_of("Europe/Berlin") };

	(void)state;
	must_be_said(&spec, false, "when: at 02:30, every day, in Europe/Berlin\n"
	    "time_changes: it names times of day: one that is left out is due at the first instant after the gap, "
	    "one that is shown twice is due the first time only\n"
	    "time_change: 02:30 does not exist on 2027-03-28, the clock is set forward: due at 03:00\n"
	    "time_change: 02:30 comes twice on 2027-10-31, the clock is set back: due the first time\n");
	spec.dst = DST_SKIP;
	must_be_said(&spec, false, "when: at 02:30, every day, in Europe/Berlin\n"
	    "time_changes: it names times of day: one that is left out is skipped, one that is shown twice is due "
	    "the first time only\n"
	    "time_change: 02:30 does not exist on 2027-03-28, the clock is set forward: skipped\n"
	    "time_change: 02:30 comes twice on 2027-10-31, the clock is set back: due the first time\n");
	spec.dst = DST_BOTH;
	spec.until = at("2027-06-01T00:00Z");
	must_be_said(&spec, false, "when: at 02:30, every day, in Europe/Berlin\n"
	    "time_changes: it names times of day: one that is left out is due at the first instant after the gap, "
	    "one that is shown twice is due both times\n"
	    "time_change: 02:30 does not exist on 2027-03-28, the clock is set forward: due at 03:00\n"
	    "until: nothing is due after 2027-06-01T02:00:00+02:00\n");
}

static void
a_schedule_that_no_time_change_meets_is_said_to_be_so(void **state)
{
	struct job_spec spec = { .cron = text_of("30 2 * * MON-FRI"), .time_zone = text_of("Europe/Berlin") };

	(void)state;
	must_be_said(&spec, false, "when: at 02:30, on Monday to Friday, in Europe/Berlin\n"
	    "time_changes: it names times of day: one that is left out is due at the first instant after the gap, "
	    "one that is shown twice is due the first time only\n"
	    "time_change: none within 400 days affects it\n");
	spec.time_zone = text_of("Asia/Tokyo");
	must_be_said(&spec, false, "when: at 02:30, on Monday to Friday, in Asia/Tokyo\n"
	    "time_changes: no time change is to come in Asia/Tokyo\n");
}

static void
a_rhythm_loses_and_repeats_what_the_clock_does(void **state)
{
	char *except[] = { text_of("*-10-31") };
	struct job_spec spec = { .cron = text_of("*/30 * * * *"), .time_zone = text_of("Europe/Berlin") };

	(void)state;
	must_be_said(&spec, false, "when: every 30 minutes, in Europe/Berlin\n"
	    "time_changes: it is a rhythm and goes by what the clock shows: what is left out does not come, what is "
	    "shown twice comes twice\n"
	    "time_change: on 2027-03-28 the clock is set forward from 02:00 to 03:00: what would be between them does "
	    "not come\n"
	    "time_change: on 2027-10-31 the clock is set back from 03:00 to 02:00: what is between them comes twice\n");
	spec.except = (struct strings){ .items = except, .n = 1 };
	must_be_said(&spec, false, "when: every 30 minutes, in Europe/Berlin\n"
	    "time_changes: it is a rhythm and goes by what the clock shows: what is left out does not come, what is "
	    "shown twice comes twice\n"
	    "time_change: on 2027-03-28 the clock is set forward from 02:00 to 03:00: what would be between them does "
	    "not come\n"
	    "except: on the 31st of October\n");
	/* Nothing of it is where its bounds are not. */
	spec.from = at("2027-04-01T00:00Z");
	spec.until = at("2028-03-01T00:00Z");
	must_be_said(&spec, false, "when: every 30 minutes, in Europe/Berlin\n"
	    "time_changes: it is a rhythm and goes by what the clock shows: what is left out does not come, what is "
	    "shown twice comes twice\n"
	    "time_change: none within 400 days affects it\n"
	    "except: on the 31st of October\n"
	    "from: nothing is due before 2027-04-01T02:00:00+02:00\n"
	    "until: nothing is due after 2028-03-01T01:00:00+01:00\n");
}

static void
a_job_is_told_with_its_bounds_and_what_is_missed(void **state)
{
	char *except[] = { text_of("*-12-24..26"), text_of("Mon 12:00 Asia/Tokyo") };
	struct job_spec spec = { .calendar = text_of("12:00"), .time_zone = text_of("UTC"),
	    .from = at("2027-02-01T00:00Z"), .jitter = 90 * USEC_SEC,
	    .except = { .items = except, .n = 2 }, .misfire = MISFIRE_ALL, .misfire_limit = 5,
	    .misfire_window = 2 * USEC_DAY + USEC_HOUR + USEC_MINUTE };

	(void)state;
	must_be_said(&spec, true, "when: at 12:00, every day, in UTC\n"
	    "time_changes: no time change is to come in UTC\n"
	    "except: on the 24th to 26th of December\n"
	    "except: at 12:00, on Monday, in Asia/Tokyo\n"
	    "from: nothing is due before 2027-02-01T00:00:00+00:00\n"
	    "jitter: each begins up to 1m30s after its due, always the same for one job and due\n"
	    "misfire: what is missed while jobd is down, the host sleeps or the clock jumps: each of the latest 5 is "
	    "run, one after another, and those before them are skipped; what was due more than 2d1h1m before is "
	    "skipped\n");
}

/* The default goes by the time between two, wherever between them one asks. */
static void
the_default_for_what_is_missed_is_told(void **state)
{
	struct job_spec spec = { .cron = text_of("30 0 * * *"), .time_zone = text_of("UTC") };
	char *words = said_of(&spec, true, "2027-01-01T00:29Z");

	(void)state;
	assert_non_null(strstr(words, "the latest is run, and those before it are skipped (the default)\n"));
	free(words);
	spec.cron = text_of("*/5 * * * *");
	words = said_of(&spec, true, "2027-01-01T00:29Z");
	assert_non_null(strstr(words, "jumps: it is skipped (the default)\n"));
	free(words);
}

static void
elapsed_time_and_what_comes_once_are_told(void **state)
{
	struct job_spec every = { .every = 26 * USEC_HOUR + USEC_MINUTE, .in = USEC_MINUTE };
	struct job_spec asked = { .every = EVERY_MIN };
	struct job_spec heartbeat = { .every = USEC_HOUR, .heartbeat = true };
	struct job_spec once = { .at = at("2027-05-01T10:00Z") }, boot = { .on_boot = true };

	(void)state;
	must_be_said(&asked, false, "when: every 100ms of elapsed time, from now on\n"
	    "time_changes: elapsed time is counted: time changes do not matter\n");
	every.misfire = MISFIRE_ONCE;
	must_be_said(&every, true, "when: every 1d2h1m of elapsed time, counted from the due before, at first 1m after "
	    "it was added\n"
	    "time_changes: elapsed time is counted: time changes do not matter\n"
	    "misfire: what is missed while jobd is down, the host sleeps or the clock jumps: the latest is run, and "
	    "those before it are skipped\n");
	must_be_said(&heartbeat, true, "when: a ping is expected every 1h of elapsed time, counted from one ping to "
	    "the next\n"
	    "time_changes: elapsed time is counted: time changes do not matter\n");
	must_be_said(&once, true, "when: once, at 2027-05-01T10:00:00Z\n"
	    "misfire: what is missed while jobd is down, the host sleeps or the clock jumps: it is run afterwards (the "
	    "default)\n");
	must_be_said(&boot, true, "when: once after each boot of the host\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expressions_are_said_as_the_table_says),
		cmocka_unit_test(days_are_said_alone),
		cmocka_unit_test(the_same_words_are_of_the_same_set),
		cmocka_unit_test(time_changes_are_told_with_what_is_done_at_them),
		cmocka_unit_test(a_schedule_that_no_time_change_meets_is_said_to_be_so),
		cmocka_unit_test(a_rhythm_loses_and_repeats_what_the_clock_does),
		cmocka_unit_test(a_job_is_told_with_its_bounds_and_what_is_missed),
		cmocka_unit_test(the_default_for_what_is_missed_is_told),
		cmocka_unit_test(elapsed_time_and_what_comes_once_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
