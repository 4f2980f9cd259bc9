/*
 * The scheduler's parts that need neither store nor clock: schedule, the ledger's decisions,
 * window, queue, events.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/rand.h"
#include "daemon/scheduler/event.h"
#include "daemon/scheduler/recent.h"
#include "daemon/scheduler/ledger.h"
#include "daemon/scheduler/schedule.h"
#include "daemon/scheduler/window.h"
#include "proto/mem.h"

#define AT(seconds)	((instant){ 1000 * USEC_HOUR + (seconds) * USEC_SEC })

/* What has come by an instant of a schedule of elapsed time. */
static struct schedule_past
past_of(instant due, usec_t every, instant until)
{
	struct schedule s = { .every = every };
	struct occurrence first = { due, MARK_NONE, -1 };

	return schedule_past(&s, &first, until);
}

static enum misfire
misfire_of(int misfire, int kind, usec_t every)
{
	struct schedule s = { .every = every };

	return schedule_misfire(&s, misfire, kind, AT(0));
}

/* ---- schedule ---- */

static void
single_occurrence_has_no_next(void **state)
{
	struct schedule_past p = past_of(AT(5), 0, AT(9));

	(void)state;
	assert_int_equal(p.count, 1);
	assert_int_equal(p.last.usec, AT(5).usec);
	assert_false(instant_is_set(p.next));
}

static void
a_due_to_come_is_not_past(void **state)
{
	struct schedule_past p = past_of(AT(5), USEC_SEC, instant_add(AT(5), -1));

	(void)state;
	assert_int_equal(p.count, 0);
	assert_int_equal(p.next.usec, AT(5).usec);
}

static void
next_due_is_the_first_after_now_on_the_grid(void **state)
{
	struct rand r;

	(void)state;
	rand_seed(&r, 7);
	for (int i = 0; i < 20000; i++) {
		usec_t every = EVERY_MIN + (usec_t)rand_below(&r, (uint64_t)USEC_DAY);
		usec_t late = (usec_t)rand_below(&r, (uint64_t)(30 * USEC_DAY));
		struct schedule_past p = past_of(AT(0), every, instant_add(AT(0), late));

		assert_true(p.last.usec <= AT(0).usec + late && p.next.usec > AT(0).usec + late);
		assert_int_equal(p.next.usec - p.last.usec, every);
		assert_int_equal(AT(0).usec + (p.count - 1) * every, p.last.usec);
	}
}

static void
misfire_default_follows_distance_and_kind(void **state)
{
	(void)state;
	assert_int_equal(misfire_of(MISFIRE_DEFAULT, KIND_COMMAND, 0), MISFIRE_ONCE);
	assert_int_equal(misfire_of(MISFIRE_DEFAULT, KIND_HTTP, 0), MISFIRE_ONCE);
	assert_int_equal(misfire_of(MISFIRE_DEFAULT, KIND_COMMAND, USEC_HOUR), MISFIRE_ONCE);
	assert_int_equal(misfire_of(MISFIRE_DEFAULT, KIND_COMMAND, USEC_HOUR - 1),
	    MISFIRE_SKIP);
	assert_int_equal(misfire_of(MISFIRE_DEFAULT, KIND_HTTP, USEC_DAY), MISFIRE_SKIP);
	assert_int_equal(misfire_of(MISFIRE_ONCE, KIND_HTTP, USEC_MINUTE), MISFIRE_ONCE);
	assert_int_equal(misfire_of(MISFIRE_SKIP, KIND_COMMAND, 0), MISFIRE_SKIP);
}

/* ---- ledger ---- */

static struct pending
pending_at(instant due, usec_t every, int kind)
{
	return (struct pending){ .due = due, .schedule.every = every, .kind = (uint8_t)kind, .job = 1 };
}

static void
what_is_due_runs_and_the_next_due_follows(void **state)
{
	struct pending p = pending_at(AT(10), USEC_MINUTE, KIND_COMMAND);
	struct ledger_decision d = ledger_decide(&p, AT(10), AT(0), false);

	(void)state;
	assert_int_equal(d.what, LEDGER_RUN);
	assert_int_equal(d.count, 0);
	assert_int_equal(d.due.usec, AT(10).usec);
	assert_int_equal(d.next.usec, AT(70).usec);
}

static void
occurrences_that_piled_up_run_once_and_the_rest_is_missed(void **state)
{
	struct pending p = pending_at(AT(10), USEC_SEC, KIND_COMMAND);
	struct ledger_decision d = ledger_decide(&p, AT(20), AT(0), false);

	(void)state;
	assert_int_equal(d.what, LEDGER_RUN);
	assert_int_equal(d.count, 10);
	assert_int_equal(d.first.usec, AT(10).usec);
	assert_int_equal(d.last.usec, AT(19).usec);
	assert_int_equal(d.due.usec, AT(20).usec);
	assert_int_equal(d.next.usec, AT(21).usec);
	assert_int_equal(d.cause, SKIP_MISSED);
}

static void
repeated_occurrence_is_skipped_while_the_job_runs(void **state)
{
	struct pending p = pending_at(AT(10), USEC_SEC, KIND_COMMAND);
	struct ledger_decision d = ledger_decide(&p, AT(12), AT(0), true);

	(void)state;
	assert_int_equal(d.what, LEDGER_SKIP);
	assert_int_equal(d.cause, SKIP_OVERLAP);
	assert_int_equal(d.count, 3);
	assert_int_equal(d.next.usec, AT(13).usec);
}

static void
single_occurrence_waits_while_the_job_runs(void **state)
{
	struct pending p = pending_at(AT(10), 0, KIND_COMMAND);

	(void)state;
	assert_int_equal(ledger_decide(&p, AT(12), AT(0), true).what, LEDGER_PARK);
}

static void
misfires_follow_the_policy(void **state)
{
	struct pending p = pending_at(AT(10), USEC_MINUTE, KIND_COMMAND);
	struct ledger_decision d = ledger_decide(&p, AT(100), AT(100), false);

	(void)state;
	assert_int_equal(d.what, LEDGER_SKIP);
	assert_int_equal(d.cause, SKIP_MISSED);
	assert_int_equal(d.count, 2);
	assert_int_equal(d.next.usec, AT(130).usec);

	p.misfire = MISFIRE_ONCE;
	d = ledger_decide(&p, AT(100), AT(100), false);
	assert_int_equal(d.what, LEDGER_RUN);
	assert_int_equal(d.count, 1);
	assert_int_equal(d.due.usec, AT(70).usec);
}

static void
a_skipped_single_misfire_has_no_next(void **state)
{
	struct pending p = pending_at(AT(10), 0, KIND_COMMAND);
	struct ledger_decision d;

	(void)state;
	p.misfire = MISFIRE_SKIP;
	d = ledger_decide(&p, AT(100), AT(100), false);

	assert_int_equal(d.what, LEDGER_SKIP);
	assert_int_equal(d.count, 1);
	assert_false(instant_is_set(d.next));
}

static void
lateness_of_our_own_is_no_misfire(void **state)
{
	struct pending p = pending_at(AT(10), USEC_MINUTE, KIND_HTTP);

	(void)state;
	/* It was there when the due came, or within the tolerance. */
	assert_int_equal(ledger_decide(&p, AT(100), AT(5), false).what, LEDGER_RUN);
	assert_int_equal(ledger_decide(&p, AT(100), instant_add(AT(10), MISFIRE_TOLERANCE),
	    false).what, LEDGER_RUN);
	p.on_time = true;
	assert_int_equal(ledger_decide(&p, AT(100), AT(99), false).what, LEDGER_RUN);
}

static void
what_fell_into_a_pause_is_skipped_as_paused(void **state)
{
	struct pending p = pending_at(AT(10), USEC_SEC, KIND_COMMAND);
	struct ledger_decision d;

	(void)state;
	p.resumed = AT(15);
	d = ledger_decide(&p, AT(17), AT(0), false);

	assert_int_equal(d.what, LEDGER_SKIP);
	assert_int_equal(d.cause, SKIP_PAUSED);
	assert_int_equal(d.count, 6);
	assert_int_equal(d.next.usec, AT(16).usec);
}

static void
single_occurrence_runs_after_a_pause(void **state)
{
	struct pending p = pending_at(AT(10), 0, KIND_COMMAND);

	(void)state;
	p.resumed = AT(15);
	p.misfire = MISFIRE_SKIP;
	assert_int_equal(ledger_decide(&p, AT(17), AT(16), false).what, LEDGER_RUN);
}

static void
nothing_runs_before_its_due_when_the_clock_is_set_back(void **state)
{
	struct pending p = pending_at(AT(10), USEC_SEC, KIND_COMMAND);

	(void)state;
	assert_int_equal(ledger_decide(&p, AT(9), AT(0), false).what, LEDGER_LATER);
}

/* ---- window ---- */

static struct due_row
row_at(int64_t id, instant due)
{
	return (struct due_row){ .id = id, .due = due };
}

/* Where the jobs of a window stand. */
static struct lines lines;

static void
window_over(struct window *w)
{
	window_done(w);
	lines_done(&lines);
}

/* A window that has loaded all there is: nothing. */
static void
window_loaded(struct window *w, size_t max)
{
	struct window_place from;

	lines_init(&lines, &(struct lines_config){ .held_max = 100 });
	window_init(w, max, 600 * USEC_SEC, NULL, &lines);
	window_load_begin(w, &from);
	window_load_end(w, (struct window_place){ { USEC_NEVER }, INT64_MAX });
}

static void
entries_come_out_in_the_order_of_their_dues(void **state)
{
	struct pending *p;
	struct window w;

	(void)state;
	window_loaded(&w, 100);
	for (int i = 0; i < 50; i++) {
		struct due_row row = row_at(i + 1, AT((i * 37) % 50));

		assert_non_null(window_put(&w, &row, AT(0)));
	}
	for (int i = 0; i < 50; i++) {
		assert_null(window_take(&w, instant_add(AT(i), -1)));
		p = window_take(&w, AT(i));
		assert_int_equal(p->due.usec, AT(i).usec);
		window_back(&w, p, (instant){ 0 }, AT(i));
	}
	assert_int_equal(window_count(&w), 0);
	window_over(&w);
}

static void
what_is_far_is_left_to_the_store_and_tells_when_to_look(void **state)
{
	struct due_row row = row_at(1, AT(1000));
	struct window w;

	(void)state;
	window_loaded(&w, 100);
	assert_false(instant_is_set(window_load_at(&w)));

	assert_null(window_put(&w, &row, AT(0)));

	assert_int_equal(window_load_at(&w).usec, AT(700).usec);
	/* And nothing after it is taken from a teller, even if near: it would be out of order. */
	row = row_at(2, AT(1001));
	assert_null(window_put(&w, &row, AT(900)));
	row = row_at(3, AT(999));
	assert_non_null(window_put(&w, &row, AT(900)));
	window_over(&w);
}

static void
full_window_gives_up_the_latest_and_takes_none_after_them(void **state)
{
	struct window w;

	(void)state;
	window_loaded(&w, 100);
	for (int i = 1; i <= 1000; i++) {
		struct due_row row = row_at(i, AT(i / 10));

		(void)window_put(&w, &row, AT(0));
	}
	assert_true(window_count(&w) <= 100);
	assert_true(window_count(&w) > 50);
	/* All before beyond are here. */
	for (int i = 1; i < w.beyond.id; i++)
		assert_non_null(window_get(&w, i));
	assert_null(window_get(&w, w.beyond.id));
	window_over(&w);
}

static void
a_load_takes_what_is_told_meanwhile_as_newer(void **state)
{
	struct window_place from;
	struct due_row row = row_at(1, AT(30));
	struct pending *p;
	struct window w;

	(void)state;
	lines_init(&lines, &(struct lines_config){ .held_max = 100 });
	window_init(&w, 100, 600 * USEC_SEC, NULL, &lines);
	window_load_begin(&w, &from);
	assert_int_equal(from.due.usec, 0);
	assert_non_null(window_put(&w, &row, AT(0)));
	row = row_at(2, AT(5000));
	assert_null(window_put(&w, &row, AT(0)));
	window_load_end(&w, (struct window_place){ AT(9000), 7 });

	/* The row that was told and is far is the first that is not here. */
	assert_int_equal(w.beyond.id, 2);
	p = window_get(&w, 1);
	assert_int_equal(p->due.usec, AT(30).usec);
	window_over(&w);
}

static void
taken_entry_that_is_paused_does_not_come_back(void **state)
{
	struct due_row row = row_at(1, AT(1));
	struct pending *p;
	struct window w;

	(void)state;
	window_loaded(&w, 100);
	(void)window_put(&w, &row, AT(0));
	p = window_take(&w, AT(1));

	window_drop(&w, p);
	assert_non_null(window_get(&w, 1));
	window_back(&w, p, AT(2), AT(1));

	assert_null(window_get(&w, 1));
	window_over(&w);
}

static void
refused_entry_takes_the_due_that_was_told(void **state)
{
	struct due_row row = row_at(1, AT(1));
	struct pending *p;
	struct window w;

	(void)state;
	window_loaded(&w, 100);
	(void)window_put(&w, &row, AT(0));
	p = window_take(&w, AT(1));
	row.due = AT(5);
	(void)window_put(&w, &row, AT(1));
	window_refused(&w, p, AT(1));

	assert_int_equal(window_get(&w, 1)->due.usec, AT(5).usec);
	window_over(&w);
}

/* Its parents let it go on again, and that was heard before the claim of what was due was answered. */
static void
a_later_due_that_was_told_outlasts_the_claim(void **state)
{
	struct due_row row = row_at(1, AT(1));
	struct pending *p;
	struct window w;

	(void)state;
	window_loaded(&w, 100);
	(void)window_put(&w, &row, AT(0));
	p = window_take(&w, AT(1));
	row.due = AT(2);
	(void)window_put(&w, &row, AT(1));
	window_back(&w, p, (instant){ 0 }, AT(1));

	assert_non_null(window_get(&w, 1));
	assert_int_equal(window_get(&w, 1)->due.usec, AT(2).usec);
	window_over(&w);
}

static void
refused_entry_is_looked_up_again(void **state)
{
	struct due_row row = row_at(1, AT(1));
	struct pending *p;
	struct window w;

	(void)state;
	window_loaded(&w, 100);
	(void)window_put(&w, &row, AT(0));
	p = window_take(&w, AT(1));
	window_refused(&w, p, AT(1));

	assert_null(window_get(&w, 1));
	assert_true(window_load_at(&w).usec <= AT(1).usec && instant_is_set(window_load_at(&w)));
	window_over(&w);
}

/* ---- events ---- */

static bool
wants_even(struct watcher *w, const struct event_info *e)
{
	(void)w;
	return e->job % 2 == 0;
}

static void
emit_n(struct event_hub *h, int n)
{
	static char name[] = "name";

	for (int i = 1; i <= n; i++) {
		struct event_info e = EVENT_INFO_NONE;

		e.job = i;
		e.name = name;
		event_emit(h, &e);
	}
}

static void
watcher_gets_what_it_wants_in_order(void **state)
{
	struct event_hub *h = event_hub_new();
	struct watcher w = { .wants = wants_even };
	struct event_info e;

	(void)state;
	watcher_start(&w, h, NULL);
	emit_n(h, 10);
	for (int i = 2; i <= 10; i += 2) {
		assert_true(watcher_take(&w, &e));
		assert_int_equal(e.job, i);
		assert_int_equal(e.sequence, i);
		assert_string_equal(e.name, "name");
		event_info_done(&e);
	}
	assert_false(watcher_take(&w, &e));
	watcher_stop(&w);
	assert_int_equal(event_watchers(h), 0);
	event_hub_free(h);
}

static void
slow_watcher_is_told_how_many_it_lost(void **state)
{
	struct event_hub *h = event_hub_new();
	struct watcher w = { 0 }, other = { 0 };
	struct event_info e;

	(void)state;
	watcher_start(&w, h, NULL);
	watcher_start(&other, h, NULL);
	emit_n(h, WATCHER_EVENTS_MAX + 5);
	for (int i = 1; i <= WATCHER_EVENTS_MAX; i++) {
		assert_true(watcher_take(&w, &e));
		assert_int_equal(e.sequence, i);
		event_info_done(&e);
	}
	assert_true(watcher_take(&w, &e));
	assert_int_equal(e.type, EVENT_LOST);
	assert_int_equal(e.lost, 5);
	emit_n(h, 1);
	assert_true(watcher_take(&w, &e));
	assert_int_equal(e.sequence, WATCHER_EVENTS_MAX + 6);
	event_info_done(&e);
	/* One that goes with a full ring leaks nothing. */
	watcher_stop(&w);
	watcher_stop(&other);
	watcher_stop(&other);
	event_hub_free(h);
}

/* ---- the latest events ---- */

static void
recent_emit(struct recent *r, int from, int to)
{
	static char name[] = "a name", reason[] = "because";

	for (int i = from; i <= to; i++) {
		struct event_info e = EVENT_INFO_NONE;

		e.sequence = i;
		e.at = AT(i);
		e.type = EVENT_RUN_ENDED;
		e.job = i;
		e.run = 2;
		e.kind = KIND_HTTP;
		e.exit_code = 3;
		/* Records of every length, so that each place of one lies across the ring's end some time. */
		e.name = i % 3 ? name + i % 5 : NULL;
		e.reason = i % 2 ? reason : NULL;
		recent_add(r, &e);
	}
}

static void
recent_keeps_the_latest_and_counts_what_has_gone(void **state)
{
	enum { N = 1000 };
	struct recent *r = recent_new(4096, AT(0));
	struct recent_place place = { 0 };
	struct event_info e;
	int64_t gone, n = 0;

	(void)state;
	assert_false(recent_next(r, &place, &e, &gone));
	assert_true(recent_since(r).usec == AT(0).usec);
	recent_emit(r, 1, N);
	assert_true(recent_gone(r) > 0);
	assert_true(recent_since(r).usec == AT(recent_gone(r)).usec);
	while (recent_next(r, &place, &e, &gone)) {
		int i = (int)recent_gone(r) + (int)++n;

		assert_int_equal(gone, n == 1 ? recent_gone(r) : 0);
		assert_int_equal(e.sequence, i);
		assert_true(e.at.usec == AT(i).usec);
		assert_int_equal(e.type, EVENT_RUN_ENDED);
		assert_int_equal(e.kind, KIND_HTTP);
		assert_int_equal(e.state, -1);
		assert_int_equal(e.exit_code, 3);
		if (i % 3)
			assert_string_equal(e.name, &"a name"[i % 5]);
		else
			assert_null(e.name);
		if (i % 2)
			assert_string_equal(e.reason, "because");
		else
			assert_null(e.reason);
		event_info_done(&e);
	}
	assert_int_equal(recent_gone(r) + n, N);
	assert_true(n > 4096 / 100);
	recent_free(r);
}

/* The numbers of those that are there, which follow one another: the first; how many. */
static int64_t
recent_first(const struct recent *r, struct recent_place place, int64_t *ret_n)
{
	struct event_info e;
	int64_t gone, first = 0;

	for (*ret_n = 0; recent_next(r, &place, &e, &gone); (*ret_n)++) {
		first = *ret_n == 0 ? e.sequence : first;
		assert_int_equal(e.sequence, first + *ret_n);
		event_info_done(&e);
	}
	return first;
}

static void
recent_keeps_what_fits_when_it_is_resized(void **state)
{
	struct recent *r = recent_new(4096, AT(0));
	int64_t n, more;

	(void)state;
	recent_emit(r, 1, 200);
	assert_int_equal(recent_first(r, recent_place_first(r), &n) + n - 1, 200);
	recent_resize(r, 8192);
	assert_int_equal(recent_first(r, recent_place_first(r), &more), 201 - n);
	recent_emit(r, 201, 300);
	assert_int_equal(recent_first(r, recent_place_first(r), &more) + more - 1, 300);
	assert_true(more > n);
	recent_resize(r, 1000);
	assert_int_equal(recent_first(r, recent_place_first(r), &more) + more - 1, 300);
	assert_in_range(more, 5, n / 2);
	recent_resize(r, 0);
	recent_emit(r, 301, 310);
	assert_int_equal(recent_first(r, recent_place_first(r), &more), 0);
	recent_resize(r, 4096);
	recent_emit(r, 311, 311);
	assert_int_equal(recent_first(r, recent_place_first(r), &more), 311);
	assert_int_equal(recent_gone(r), 310);
	recent_free(r);
}

static void
recent_reader_that_is_overtaken_is_told(void **state)
{
	struct recent *r = recent_new(4096, AT(0));
	struct recent_place place;
	struct event_info e;
	int64_t gone, before;

	(void)state;
	recent_emit(r, 1, 200);
	place = recent_place_first(r);
	before = recent_gone(r);
	assert_true(recent_next(r, &place, &e, &gone));
	assert_int_equal(gone, 0);
	event_info_done(&e);
	recent_emit(r, 201, 400);
	assert_true(recent_next(r, &place, &e, &gone));
	assert_int_equal(gone, recent_gone(r) - before - 1);
	assert_int_equal(e.sequence, recent_gone(r) + 1);
	event_info_done(&e);
	recent_free(r);
}

static void
recent_takes_no_more_than_it_may(void **state)
{
	struct recent *none = recent_new(0, AT(0)), *small = recent_new(100, AT(0));
	struct recent_place place = { 0 };
	struct event_info e = EVENT_INFO_NONE, got;
	char reason[200];
	int64_t gone;

	(void)state;
	memset(reason, 'x', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	recent_emit(none, 1, 2);
	assert_int_equal(recent_gone(none), 2);
	assert_false(recent_next(none, &place, &got, &gone));
	recent_emit(small, 1, 1);
	e.at = AT(2);
	e.reason = reason;
	recent_add(small, &e);
	assert_int_equal(recent_gone(small), 2);
	assert_true(recent_since(small).usec == AT(2).usec);
	recent_emit(small, 3, 3);
	place = (struct recent_place){ 0 };
	assert_true(recent_next(small, &place, &got, &gone));
	assert_int_equal(gone, 2);
	assert_int_equal(got.job, 3);
	event_info_done(&got);
	recent_free(none);
	recent_free(small);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(single_occurrence_has_no_next),
		cmocka_unit_test(a_due_to_come_is_not_past),
		cmocka_unit_test(next_due_is_the_first_after_now_on_the_grid),
		cmocka_unit_test(misfire_default_follows_distance_and_kind),
		cmocka_unit_test(what_is_due_runs_and_the_next_due_follows),
		cmocka_unit_test(occurrences_that_piled_up_run_once_and_the_rest_is_missed),
		cmocka_unit_test(repeated_occurrence_is_skipped_while_the_job_runs),
		cmocka_unit_test(single_occurrence_waits_while_the_job_runs),
		cmocka_unit_test(misfires_follow_the_policy),
		cmocka_unit_test(a_skipped_single_misfire_has_no_next),
		cmocka_unit_test(lateness_of_our_own_is_no_misfire),
		cmocka_unit_test(what_fell_into_a_pause_is_skipped_as_paused),
		cmocka_unit_test(single_occurrence_runs_after_a_pause),
		cmocka_unit_test(nothing_runs_before_its_due_when_the_clock_is_set_back),
		cmocka_unit_test(entries_come_out_in_the_order_of_their_dues),
		cmocka_unit_test(what_is_far_is_left_to_the_store_and_tells_when_to_look),
		cmocka_unit_test(full_window_gives_up_the_latest_and_takes_none_after_them),
		cmocka_unit_test(a_load_takes_what_is_told_meanwhile_as_newer),
		cmocka_unit_test(taken_entry_that_is_paused_does_not_come_back),
		cmocka_unit_test(refused_entry_takes_the_due_that_was_told),
		cmocka_unit_test(a_later_due_that_was_told_outlasts_the_claim),
		cmocka_unit_test(refused_entry_is_looked_up_again),
		cmocka_unit_test(watcher_gets_what_it_wants_in_order),
		cmocka_unit_test(slow_watcher_is_told_how_many_it_lost),
		cmocka_unit_test(recent_keeps_the_latest_and_counts_what_has_gone),
		cmocka_unit_test(recent_keeps_what_fits_when_it_is_resized),
		cmocka_unit_test(recent_reader_that_is_overtaken_is_told),
		cmocka_unit_test(recent_takes_no_more_than_it_may),
	};

	return cmocka_run_group_tests_name("scheduler_parts", tests, NULL, NULL);
}
