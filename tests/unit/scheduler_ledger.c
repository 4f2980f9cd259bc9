/*
 * What the ledger decides of occurrences on the wall clock; and that whatever happens each gets
 * exactly one disposition.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/rand.h"
#include "daemon/scheduler/ledger.h"
#include "tests/harness/patterns.h"

#define SEED 20260902

static struct zones *zones;

static int
group_setup(void **state)
{
	(void)state;
	zones = zones_new(NULL);
	return 0;
}

static int
group_teardown(void **state)
{
	(void)state;
	zones_free(zones);
	return 0;
}

static char *
text_of(const char *text)
{
	return (char *)(uintptr_t)text;
}

static instant
at(const char *text)
{
	instant i = { 0 };

	if (instant_parse(text, &i) != 0)
		fail_msg("%s is no instant", text);
	return i;
}

/* What is pending of a job, from its first due on. */
struct want {
	const char	*cron, *zone, *except;
	usec_t		 every, jitter;
	int		 misfire;
	int64_t		 limit;
	usec_t		 window;
	int		 dst, kind;
	const char	*due;
};

static struct pending
pending_open(const struct want *w)
{
	char *items[] = { text_of(w->except) };
	struct job_spec spec = { .cron = text_of(w->cron), .every = w->every, .jitter = w->jitter,
		.time_zone = text_of(w->zone != NULL ? w->zone : "UTC"), .dst = w->dst,
		.except = { items, w->except != NULL }, .misfire_limit = w->limit,
		.misfire_window = w->window };
	struct pending p = { .misfire = (uint8_t)w->misfire, .kind = (uint8_t)w->kind, .job = 1 };
	struct field_error error;

	if (schedule_open(&spec, zones, 5, &p.schedule, &error) != JOBD_OK)
		fail_msg("%s: %s", error.path, error.reason);
	if (w->due != NULL)
		p.due = at(w->due);
	return p;
}

/* "run D" or "skip CAUSE COUNT D..D", "later", "park"; with what is skipped before a run. */
static const char *
words(const struct ledger_decision *d, char out[200])
{
	char a[WHEN_TEXT_MAX], b[WHEN_TEXT_MAX], c[WHEN_TEXT_MAX];
	int n = 0;

	switch (d->what) {
	case LEDGER_LATER:
		return "later";
	case LEDGER_PARK:
		return "park";
	case LEDGER_RUN:
	case LEDGER_QUEUE:
	case LEDGER_SKIP:
		break;
	}
	out[0] = '\0';
	if (d->count > 0)
		n = snprintf(out, 200, "skip %s %lld %.16s %.16s%s", skip_cause_names[d->cause],
		    (long long)d->count, instant_print(d->first, a), instant_print(d->last, b),
		    d->what == LEDGER_RUN ? " " : "");
	if (d->what == LEDGER_QUEUE)
		(void)snprintf(out + n, 200 - (size_t)n, "queue %.16s", instant_print(d->due, c));
	if (d->what == LEDGER_RUN)
		(void)snprintf(out + n, 200 - (size_t)n, "run %.16s%s%s", instant_print(d->due, c),
		    d->misfire ? " late" : "", d->mark == MARK_DST_GAP ? " gap" :
		    d->mark == MARK_DST_FOLD ? " fold" : "");
	return out;
}

/* What is said when it is decided again and again, the job idle, until nothing is due. */
struct expected {
	struct want	 want;
	const char	*now, *since;
	const char	*said[8];
};

static const struct expected table[] = {
	/* Down from the 1st to the 4th: the latest is run, the others are missed. */
	{ { .cron = "0 3 * * *", .due = "2027-01-01T03:00Z" }, "2027-01-04T12:00Z", "2027-01-04T12:00Z",
	  { "skip missed 3 2027-01-01T03:00 2027-01-03T03:00 run 2027-01-04T03:00 late", "later" } },
	{ { .cron = "0 3 * * *", .due = "2027-01-01T03:00Z", .misfire = MISFIRE_SKIP },
	  "2027-01-04T12:00Z", "2027-01-04T12:00Z",
	  { "skip missed 4 2027-01-01T03:00 2027-01-04T03:00", "later" } },
	{ { .cron = "0 3 * * *", .due = "2027-01-01T03:00Z", .misfire = MISFIRE_ALL },
	  "2027-01-03T12:00Z", "2027-01-03T12:00Z",
	  { "run 2027-01-01T03:00 late", "run 2027-01-02T03:00 late", "run 2027-01-03T03:00 late",
	    "later" } },
	{ { .cron = "0 3 * * *", .due = "2027-01-01T03:00Z", .misfire = MISFIRE_ALL, .limit = 2 },
	  "2027-01-04T12:00Z", "2027-01-04T12:00Z",
	  { "skip missed 2 2027-01-01T03:00 2027-01-02T03:00", "run 2027-01-03T03:00 late",
	    "run 2027-01-04T03:00 late", "later" } },
	/* Below an hour nothing is made up for; a check's neither. */
	{ { .cron = "*/10 * * * *", .due = "2027-01-01T03:00Z" }, "2027-01-01T03:25Z",
	  "2027-01-01T03:25Z", { "skip missed 3 2027-01-01T03:00 2027-01-01T03:20", "later" } },
	{ { .cron = "0 3 * * *", .due = "2027-01-01T03:00Z", .kind = KIND_HTTP },
	  "2027-01-01T12:00Z", "2027-01-01T12:00Z",
	  { "skip missed 1 2027-01-01T03:00 2027-01-01T03:00", "later" } },
	/* What came when we were there already, or within the tolerance, is no misfire. */
	{ { .cron = "* * * * *", .due = "2027-01-01T03:00Z" }, "2027-01-01T03:05:03Z",
	  "2027-01-01T03:05:02Z",
	  { "skip missed 5 2027-01-01T03:00 2027-01-01T03:04", "run 2027-01-01T03:05", "later" } },
	{ { .cron = "* * * * *", .due = "2027-01-01T03:00Z" }, "2027-01-01T03:07:00Z",
	  "2027-01-01T03:05:30Z", { "skip missed 6 2027-01-01T03:00 2027-01-01T03:05",
	    "skip missed 1 2027-01-01T03:06 2027-01-01T03:06 run 2027-01-01T03:07", "later" } },
	/* What is older than the window is skipped, whatever the policy. */
	{ { .cron = "0 3 * * *", .due = "2027-01-01T03:00Z", .window = 12 * USEC_HOUR },
	  "2027-01-04T12:00Z", "2027-01-04T12:00Z",
	  { "skip missed 3 2027-01-01T03:00 2027-01-03T03:00 run 2027-01-04T03:00 late", "later" } },
	{ { .cron = "0 3 * * *", .due = "2027-01-01T03:00Z", .window = 8 * USEC_HOUR },
	  "2027-01-04T12:00Z", "2027-01-04T12:00Z",
	  { "skip missed 4 2027-01-01T03:00 2027-01-04T03:00", "later" } },
	{ { .cron = "0 3 * * *", .due = "2027-01-01T03:00Z", .misfire = MISFIRE_ALL,
	    .window = 40 * USEC_HOUR }, "2027-01-04T12:00Z", "2027-01-04T12:00Z",
	  { "skip missed 2 2027-01-01T03:00 2027-01-02T03:00", "run 2027-01-03T03:00 late",
	    "run 2027-01-04T03:00 late", "later" } },
	/* Once is once, also with days in between that are left out (the 3rd is a Sunday). */
	{ { .cron = "0 3 * * *", .due = "2027-01-01T03:00Z", .except = "Sun" }, "2027-01-05T12:00Z",
	  "2027-01-05T12:00Z", { "skip missed 2 2027-01-01T03:00 2027-01-02T03:00",
	    "skip excluded 1 2027-01-03T03:00 2027-01-03T03:00",
	    "skip missed 1 2027-01-04T03:00 2027-01-04T03:00 run 2027-01-05T03:00 late", "later" } },
	{ { .cron = "0 3 * * *", .due = "2027-01-01T03:00Z", .except = "Sun" }, "2027-01-03T12:00Z",
	  "2027-01-03T12:00Z",
	  { "skip missed 1 2027-01-01T03:00 2027-01-01T03:00 run 2027-01-02T03:00 late",
	    "skip excluded 1 2027-01-03T03:00 2027-01-03T03:00", "later" } },
	{ { .cron = "0 3 * * *", .due = "2027-01-01T03:00Z", .except = "Sun",
	    .misfire = MISFIRE_ALL, .limit = 2 }, "2027-01-05T12:00Z", "2027-01-05T12:00Z",
	  { "skip missed 2 2027-01-01T03:00 2027-01-02T03:00",
	    "skip excluded 1 2027-01-03T03:00 2027-01-03T03:00", "run 2027-01-04T03:00 late",
	    "run 2027-01-05T03:00 late", "later" } },
	/* We were there, but all slots were taken: the latest, and none else. */
	{ { .cron = "0 3 * * *", .due = "2027-01-01T03:00Z", .except = "Sun" }, "2027-01-05T12:00Z",
	  "2026-12-01T00:00Z", { "skip missed 2 2027-01-01T03:00 2027-01-02T03:00",
	    "skip excluded 1 2027-01-03T03:00 2027-01-03T03:00",
	    "skip missed 1 2027-01-04T03:00 2027-01-04T03:00 run 2027-01-05T03:00", "later" } },
	/* Time changes. */
	{ { .cron = "30 2 * * *", .zone = "Europe/Berlin", .due = "2027-03-28T01:00Z" },
	  "2027-03-28T01:00Z", "2027-03-01T00:00Z", { "run 2027-03-28T01:00 gap", "later" } },
	{ { .cron = "30 2 * * *", .zone = "Europe/Berlin", .due = "2027-03-28T01:00Z",
	    .dst = DST_SKIP }, "2027-03-28T01:00Z", "2027-03-01T00:00Z",
	  { "skip nonexistent 1 2027-03-28T01:00 2027-03-28T01:00", "later" } },
	{ { .cron = "30 2 * * *", .zone = "Europe/Berlin", .due = "2027-10-31T00:30Z" },
	  "2027-10-31T03:00Z", "2027-03-01T00:00Z", { "run 2027-10-31T00:30 fold",
	    "skip repeated 1 2027-10-31T01:30 2027-10-31T01:30", "later" } },
	{ { .cron = "30 2 * * *", .zone = "Europe/Berlin", .due = "2027-10-31T00:30Z",
	    .dst = DST_BOTH }, "2027-10-31T01:30Z", "2027-03-01T00:00Z",
	  { "skip missed 1 2027-10-31T00:30 2027-10-31T00:30 run 2027-10-31T01:30 fold", "later" } },
	/* What is excluded is so also when it was missed. */
	{ { .cron = "0 3 * * *", .due = "2027-01-03T03:00Z", .except = "Sun" }, "2027-01-03T12:00Z",
	  "2027-01-03T12:00Z", { "skip excluded 1 2027-01-03T03:00 2027-01-03T03:00", "later" } },
};

static void
decisions_are_as_the_table_says(void **state)
{
	char out[200];

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct pending p = pending_open(&table[i].want);

		for (size_t k = 0; k < 8 && table[i].said[k] != NULL; k++) {
			struct ledger_decision d = ledger_decide(&p, at(table[i].now),
			    at(table[i].since), false);

			if (strcmp(words(&d, out), table[i].said[k]) != 0)
				fail_msg("%zu.%zu: %s, not %s", i, k, words(&d, out),
				    table[i].said[k]);
			p.due = d.next;
		}
		schedule_done(&p.schedule);
	}
}

static void
while_the_job_runs_it_is_skipped_but_what_was_promised_waits(void **state)
{
	struct want want = { .cron = "0 3 * * *", .due = "2027-01-01T03:00Z" };
	struct pending p = pending_open(&want);
	instant now = at("2027-01-02T12:00Z");
	struct ledger_decision d = ledger_decide(&p, now, at("2026-12-01T00:00Z"), true);

	(void)state;
	assert_int_equal(d.what, LEDGER_SKIP);
	assert_int_equal(d.cause, SKIP_OVERLAP);
	assert_int_equal(d.count, 2);
	/* Missed, once: it is not worth waiting for. */
	d = ledger_decide(&p, now, now, true);
	assert_int_equal(d.what, LEDGER_SKIP);
	assert_int_equal(d.cause, SKIP_OVERLAP);
	/* All: each has its turn. */
	p.misfire = MISFIRE_ALL;
	assert_int_equal(ledger_decide(&p, now, now, true).what, LEDGER_PARK);
	d = ledger_decide(&p, now, at("2026-12-01T00:00Z"), true);
	assert_int_equal(d.cause, SKIP_OVERLAP);
	schedule_done(&p.schedule);
}

static void
jitter_that_is_still_to_come_is_no_misfire(void **state)
{
	struct want want = { .cron = "*/30 * * * *", .jitter = 20 * USEC_MINUTE };
	instant due = at("2027-01-01T03:00Z"), begin, since;
	struct pending p = pending_open(&want);
	struct ledger_decision d;

	(void)state;
	/* One that begins some minutes late; jobd starts in between. */
	do {
		p.due = due;
		begin = schedule_begin(&p.schedule, due);
		due.usec += 30 * USEC_MINUTE;
	} while (instant_since(begin, p.due) < 5 * USEC_MINUTE);
	since = instant_add(p.due, USEC_MINUTE);
	assert_int_equal(ledger_decide(&p, since, since, false).what, LEDGER_LATER);
	d = ledger_decide(&p, begin, since, false);
	assert_int_equal(d.what, LEDGER_RUN);
	assert_false(d.misfire);
	/* When it starts after that, it is one. */
	d = ledger_decide(&p, instant_add(begin, USEC_MINUTE), instant_add(begin, USEC_MINUTE), false);
	assert_int_equal(d.what, LEDGER_SKIP);
	schedule_done(&p.schedule);
}

/* Decide until nothing is due.  Returns the runs; what is skipped as missed is counted. */
static int64_t
decide_all(struct pending *p, instant now, instant since, int64_t *missed, instant *last)
{
	int64_t runs = 0;

	for (int i = 0;; i++) {
		struct ledger_decision d = ledger_decide(p, now, since, false);

		assert_true(i < 5000);
		if (d.what == LEDGER_LATER)
			return runs;
		*missed += d.cause == SKIP_MISSED ? d.count : 0;
		if (d.what == LEDGER_RUN) {
			runs++;
			*last = d.due;
		}
		p->due = d.next;
	}
}

static void
more_than_one_look_takes_in_are_one_misfire(void **state)
{
	struct want want = { .cron = "* * * * *", .misfire = MISFIRE_ONCE,
		.due = "2027-01-01T00:00Z" };
	struct pending p = pending_open(&want);
	instant now = at("2027-01-08T00:00:30Z"), last;
	int64_t missed = 0;

	(void)state;
	assert_int_equal(decide_all(&p, now, now, &missed, &last), 1);
	assert_int_equal(last.usec, at("2027-01-08T00:00Z").usec);
	assert_int_equal(missed, 7 * 1440);
	/* The same when we were there. */
	p.due = at("2027-01-01T00:00Z");
	missed = 0;
	assert_int_equal(decide_all(&p, now, at("2026-01-01T00:00Z"), &missed, &last), 1);
	assert_int_equal(missed, 7 * 1440);
	schedule_done(&p.schedule);
}

static void
all_means_the_latest_of_however_many(void **state)
{
	static const int64_t limits[] = { 0, 1, 7, 999, MISFIRE_LIMIT_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct want want = { .cron = "* * * * *", .misfire = MISFIRE_ALL,
			.limit = limits[i], .due = "2027-01-01T00:00Z" };
		int64_t runs = limits[i] == 0 ? MISFIRE_LIMIT_DEFAULT : limits[i], missed = 0;
		instant now = at("2027-01-03T12:00:30Z"), last;
		struct pending p = pending_open(&want);

		assert_int_equal(decide_all(&p, now, now, &missed, &last), runs);
		assert_int_equal(missed, 3601 - runs);
		assert_int_equal(last.usec, at("2027-01-03T12:00Z").usec);
		schedule_done(&p.schedule);
	}
}

/* However shortly before the start it was due: it is one of the latest, and waits for its turn. */
static void
all_loses_none_of_those_just_missed(void **state)
{
	struct want want = { .cron = "*/2 * * * * *", .misfire = MISFIRE_ALL, .limit = 4,
		.due = "2027-01-01T00:00:28Z" };
	struct pending p = pending_open(&want);
	instant now = at("2027-01-01T00:00:41Z"), last;
	int64_t missed = 0;

	(void)state;
	for (p.due = at("2027-01-01T00:00:34Z"); p.due.usec < now.usec; p.due.usec += 2 * USEC_SEC)
		assert_int_equal(ledger_decide(&p, now, now, true).what, LEDGER_PARK);
	p.due = at("2027-01-01T00:00:28Z");
	assert_int_equal(decide_all(&p, now, now, &missed, &last), 4);
	assert_int_equal(missed, 3);
	assert_int_equal(last.usec, at("2027-01-01T00:00:40Z").usec);
	/* What is due as jobd starts was not missed. */
	p.due = now;
	assert_false(ledger_is_misfire(&p, now));
	schedule_done(&p.schedule);
}

/* Catching up takes its time; what comes meanwhile takes nobody's place. */
static void
what_was_promised_is_kept_while_more_comes(void **state)
{
	struct want want = { .cron = "* * * * *", .misfire = MISFIRE_ALL, .limit = 5,
		.due = "2027-01-01T00:00Z" };
	instant since = at("2027-01-01T01:00:30Z"), now = since;
	struct pending p = pending_open(&want);
	int64_t late = 0;

	(void)state;
	for (int i = 0; i < 12; i++) {
		struct ledger_decision d = ledger_decide(&p, now, since, false);

		late += d.what == LEDGER_RUN && d.misfire;
		p.due = d.next;
		now = instant_add(now, 3 * USEC_MINUTE);
	}
	assert_int_equal(late, 5);
	schedule_done(&p.schedule);
}

/* ---- whatever happens ---- */

/* The schedule walked beside the decisions. */
struct model {
	struct pending		 p;
	struct occurrence	 next;		/* the first without a disposition */
	bool			 more;
	int64_t			 decided;
};

/* The next occurrence of the schedule has got this disposition. */
static void
dispose(struct model *m, instant now, int cause)
{
	assert_true(m->more);
	assert_true(schedule_begin(&m->p.schedule, m->next.due).usec <= now.usec);
	/* What the schedule leaves out is told for that; nothing else for such a cause. */
	if (m->next.cause >= 0 || cause == SKIP_EXCLUDED || cause == SKIP_NONEXISTENT ||
	    cause == SKIP_REPEATED)
		assert_int_equal(cause, m->next.cause);
	m->more = schedule_next(&m->p.schedule, m->next.due, &m->next);
	m->decided++;
}

static void
follow(struct model *m, const struct ledger_decision *d, instant now)
{
	if (d->count > 0) {
		assert_int_equal(d->first.usec, m->next.due.usec);
		for (int64_t i = 0; i < d->count; i++) {
			if (i == d->count - 1)
				assert_int_equal(d->last.usec, m->next.due.usec);
			dispose(m, now, d->cause);
		}
	}
	if (d->what == LEDGER_RUN) {
		assert_int_equal(d->due.usec, m->next.due.usec);
		assert_int_equal(d->mark, m->next.mark);
		dispose(m, now, -1);
	}
	assert_int_equal(d->next.usec, m->more ? m->next.due.usec : 0);
}

static void
want_draw(struct rand *r, struct want *w)
{
	static const char *const crons[] = { "* * * * *", "*/5 * * * *", "0 * * * *", "30 2 * * *",
		"0,15,30,45 1-3 * * *", "0 0 * * *", "*/10 * * * * *", "0 3 1 * *" };
	static const char *const places[] = { "UTC", "Europe/Berlin", "Asia/Beirut",
		"Australia/Lord_Howe", "America/Santiago" };
	static const char *const excepts[] = { NULL, NULL, "Sun", "*-*-* 02:30", "*:0/2" };

	*w = (struct want){ .zone = places[rand_below(r, 5)], .except = excepts[rand_below(r, 5)],
		.misfire = (int)rand_below(r, MISFIRE_COUNT), .dst = (int)rand_below(r, DST_COUNT),
		.kind = (int)rand_below(r, KIND_COUNT) };
	if (rand_below(r, 4) == 0)
		w->every = USEC_SEC + (usec_t)rand_below(r, (uint64_t)(2 * USEC_HOUR));
	else
		w->cron = crons[rand_below(r, 8)];
	if (rand_below(r, 3) == 0)
		w->jitter = (usec_t)rand_below(r, (uint64_t)(3 * USEC_HOUR));
	if (rand_below(r, 2) == 0)
		w->limit = rand_between(r, 1, 20);
	if (rand_below(r, 3) == 0)
		w->window = (usec_t)rand_below(r, (uint64_t)(2 * USEC_DAY)) + 1;
}

static void
every_occurrence_has_exactly_one_disposition(void **state)
{
	int rounds = patterns_long() ? 20000 : 1500;
	int64_t decided = 0;
	struct rand r;

	(void)state;
	rand_seed(&r, SEED);
	for (int round = 0; round < rounds; round++) {
		instant now = { (at("2026-10-20T00:00Z").usec / USEC_SEC +
		    rand_between(&r, 0, 200 * 86400)) * USEC_SEC }, since = now;
		struct model m = { .more = true };
		struct want want;

		want_draw(&r, &want);
		m.p = pending_open(&want);
		if (want.every > 0)
			m.next = schedule_at(&m.p.schedule, now);
		else
			m.more = schedule_next(&m.p.schedule, now, &m.next);
		for (int i = 0; i < 60 && m.more; i++) {
			struct ledger_decision d;

			m.p.due = m.next.due;
			switch (rand_below(&r, 8)) {
			case 0:		/* down for a while */
				now = since = instant_add(now, (usec_t)rand_below(&r,
				    (uint64_t)(3 * USEC_DAY)));
				break;
			case 1:		/* the clock is set back */
				now = since = instant_add(now, -(usec_t)rand_below(&r,
				    (uint64_t)(2 * USEC_HOUR)));
				break;
			case 2:
				m.p.resumed = instant_add(now, -(usec_t)rand_below(&r, 5000000));
				break;
			default:
				now = instant_add(now, (usec_t)rand_below(&r,
				    (uint64_t)(2 * USEC_HOUR)));
				break;
			}
			d = ledger_decide(&m.p, now, since, rand_below(&r, 3) == 0);
			if (d.what != LEDGER_LATER && d.what != LEDGER_PARK)
				follow(&m, &d, now);
			if (rand_below(&r, 2) == 0)
				m.p.resumed = (instant){ 0 };
		}
		decided += m.decided;
		schedule_done(&m.p.schedule);
	}
	assert_true(decided > rounds * 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decisions_are_as_the_table_says),
		cmocka_unit_test(while_the_job_runs_it_is_skipped_but_what_was_promised_waits),
		cmocka_unit_test(jitter_that_is_still_to_come_is_no_misfire),
		cmocka_unit_test(more_than_one_look_takes_in_are_one_misfire),
		cmocka_unit_test(all_means_the_latest_of_however_many),
		cmocka_unit_test(all_loses_none_of_those_just_missed),
		cmocka_unit_test(what_was_promised_is_kept_while_more_comes),
		cmocka_unit_test(every_occurrence_has_exactly_one_disposition),
	};

	return cmocka_run_group_tests_name("scheduler_ledger", tests, group_setup, group_teardown);
}
