/*
 * top: where things stand on screens of all sizes, which rows are seen and in which order, plots, and what
 * is made of the numbers of jobd.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/top.h"
#include "proto/json.h"
#include "proto/mem.h"

static struct cJSON *
json(const char *text)
{
	const char *why;
	struct cJSON *value = json_parse(text, strlen(text), &why);

	assert_non_null(value);
	return value;
}

/* ---- the screen ---- */

static void
every_size_has_room_for_all(void **state)
{
	(void)state;
	for (int lines = 1; lines < 120; lines++) {
		for (int columns = 1; columns < 400; columns++) {
			struct top_layout l = top_layout(lines, columns);

			assert_true(l.too_small == (lines < TOP_LINES_MIN || columns < TOP_COLUMNS_MIN));
			if (l.too_small)
				continue;
			assert_true(l.title < l.plots && l.plot_height >= 1);
			assert_int_equal(l.plots + TOP_PLOTS * l.plot_height, l.runs);
			assert_true(l.runs < l.store && l.store < l.queues && l.queues < l.views);
			assert_true(l.views < l.header && l.header < l.rows && l.n_rows >= 1);
			assert_int_equal(l.rows + l.n_rows, l.message);
			assert_int_equal(l.message + 1, l.help);
			assert_int_equal(l.help, lines - 1);
			assert_true(l.plot_width >= 1 && l.plot_width <= SERIES_MAX);
			assert_true(l.plot_column + l.plot_width < columns);
		}
	}
	assert_true(top_layout(24, 80).n_rows >= 12);
}

static void
the_selected_row_is_seen(void **state)
{
	(void)state;
	for (int n = 0; n < 30; n++) {
		for (int rows = 1; rows < 12; rows++) {
			for (int selected = 0; selected < (n > 0 ? n : 1); selected++) {
				for (int was = -3; was < 40; was++) {
					int first = top_scroll(was, selected, n, rows);

					assert_true(first >= 0);
					assert_true(selected >= first && selected < first + rows);
					/* No empty lines while there are rows above. */
					assert_true(first == 0 || first + rows <= n);
				}
			}
		}
	}
	assert_int_equal(top_scroll(3, 5, 20, 10), 3);
}

/* ---- the rows ---- */

static void
chosen(enum top_view_id view, const char *text, const char *filter, int sort, bool reverse, const char *expected)
{
	struct cJSON *array = json(text);
	struct buf keys = { 0 };
	size_t n;
	const struct top_choice choice = { view, filter, &top_views[view].sorts[sort], reverse };
	const struct cJSON **items = top_choose(&choice, array, &n);

	for (size_t i = 0; i < n; i++) {
		char *key = top_key(view, items[i]);

		buf_printf(&keys, "%s ", key);
		free(key);
	}
	assert_string_equal(buf_string(&keys), expected);
	buf_done(&keys);
	free(items);
	json_free(array);
}

#define JOBS \
	"[{\"id\":9,\"name\":\"b\",\"state\":\"running\",\"lastRun\":{\"startedAt\":\"2026-01-02T00:00:00Z\"}}," \
	"{\"id\":10,\"state\":\"finished\",\"nextDue\":\"2026-01-03T00:00:00Z\"}," \
	"{\"id\":11,\"name\":\"a\",\"state\":\"queued\",\"nextDue\":\"2026-01-02T00:00:00Z\"," \
	"\"lastRun\":{\"startedAt\":\"2026-01-04T00:00:00Z\"}}]"

static void
rows_are_sorted_and_what_is_absent_comes_last(void **state)
{
	(void)state;
	chosen(TOP_JOBS, JOBS, "", 0, false, "9 10 11 ");
	chosen(TOP_JOBS, JOBS, "", 0, true, "11 10 9 ");
	chosen(TOP_JOBS, JOBS, "", 1, false, "11 9 10 ");
	chosen(TOP_JOBS, JOBS, "", 1, true, "9 11 10 ");
	chosen(TOP_JOBS, JOBS, "", 2, false, "10 11 9 ");
	chosen(TOP_JOBS, JOBS, "", 3, false, "11 10 9 ");
	chosen(TOP_JOBS, JOBS, "", 4, false, "11 9 10 ");
	chosen(TOP_RUNS, "[{\"job\":3,\"run\":2},{\"job\":1,\"run\":7}]", "", 0, false, "3.2 1.7 ");
	chosen(TOP_RUNS, "[{\"job\":3,\"run\":2},{\"job\":1,\"run\":7}]", "", 0, true, "1.7 3.2 ");
	chosen(TOP_QUEUES, "[{\"name\":\"x\",\"waiting\":1},{\"name\":\"y\",\"waiting\":4}]", "", 1, false, "y x ");
	chosen(TOP_JOBS, "[]", "", 0, false, "");
}

static void
rows_are_filtered_by_text_or_pattern(void **state)
{
	(void)state;
	chosen(TOP_JOBS, JOBS, "b", 0, false, "9 ");
	chosen(TOP_JOBS, JOBS, "1", 0, false, "10 11 ");
	chosen(TOP_JOBS, JOBS, "1*", 0, false, "10 11 ");
	chosen(TOP_JOBS, JOBS, "?", 0, false, "9 11 ");
	chosen(TOP_JOBS, JOBS, "zz", 0, false, "");
}

static void
every_view_has_its_sorts(void **state)
{
	(void)state;
	for (int v = 0; v < TOP_VIEWS; v++)
		for (int i = 0; i < TOP_SORTS; i++)
			assert_non_null(top_views[v].sorts[i].word);
}

/* ---- plots ---- */

static char *
plot(const struct series *s, int width, int height, int line)
{
	struct buf out = { 0 };

	series_plot(s, &(struct series_size){ width, height, true }, line, &out);
	return buf_steal(&out);
}

static void
plot_is(const struct series *s, int width, int height, int line, const char *expected)
{
	char *text = plot(s, width, height, line);

	assert_string_equal(text, expected);
	free(text);
}

static void
plot_has_what_is_known_on_its_right(void **state)
{
	struct series s = { 0 };

	(void)state;
	plot_is(&s, 4, 1, 0, "    ");
	for (int i = 0; i < 75; i++)
		series_add(&s, 0);
	plot_is(&s, 4, 1, 0, "   .");
	series_add(&s, 8);
	plot_is(&s, 4, 1, 0, "  .#");
	assert_true(series_last(&s) == 8);
	assert_true(series_max(&s, 4) == 8);
	/* Two lines: the lower is full where the upper begins. */
	plot_is(&s, 4, 2, 0, "  .#");
	plot_is(&s, 4, 2, 1, "   #");
}

static void
plot_peak_moves_and_does_not_change(void **state)
{
	struct series s = { 0 };

	(void)state;
	series_add(&s, 10);
	for (int i = 1; i < 2 * SERIES_MAX; i++) {
		char *text = plot(&s, 100, 1, 0);
		const char *peak = strchr(text, '#');

		/* Three seconds a column; it goes when it is over the edge. */
		if (i <= SERIES_MAX - 3)
			assert_int_equal(99 - (peak - text), (i - 1) / 3);
		free(text);
		series_add(&s, 1);
	}
	assert_true(series_max(&s, 100) == 1);
}

/* ---- the numbers ---- */

static void
numbers_are_by_the_second_and_begin_anew_with_another_jobd(void **state)
{
	struct top_numbers n = { 0 };
	struct cJSON *stats;

	(void)state;
	stats = json("{\"pid\":7,\"runsSucceeded\":10,\"runsFailed\":1,\"commits\":5,\"cpuUSec\":0,"
	    "\"residentBytes\":1048576,\"lag\":{\"count\":10,\"sumUSec\":100}}");
	top_count(&n, stats, 1000 * USEC_SEC);
	json_free(stats);
	assert_false(n.anew);
	assert_int_equal(n.plots[TOP_RATE].n, 0);
	stats = json("{\"pid\":7,\"runsSucceeded\":13,\"runsFailed\":2,\"commits\":9,\"cpuUSec\":20000,"
	    "\"residentBytes\":2097152,\"lag\":{\"count\":20,\"sumUSec\":600}}");
	top_count(&n, stats, 1002 * USEC_SEC);
	json_free(stats);
	assert_true(series_last(&n.plots[TOP_RATE]) == 2);
	assert_true(series_last(&n.plots[TOP_LAG]) == 50);
	assert_true(series_max(&n.plots[TOP_MEMORY], 10) == 2097152);
	assert_true(n.commits_rate == 2);
	assert_true(n.cpu_share == 0.01);
	stats = json("{\"pid\":8,\"runsSucceeded\":1,\"commits\":1,\"lag\":{\"count\":1,\"sumUSec\":9}}");
	top_count(&n, stats, 1003 * USEC_SEC);
	assert_true(n.anew);
	assert_int_equal(n.plots[TOP_RATE].n, 1);
	top_count(&n, stats, 1004 * USEC_SEC);
	json_free(stats);
	assert_false(n.anew);
	assert_true(series_last(&n.plots[TOP_RATE]) == 0);
}

static void
line_is(char *text, const char *expected)
{
	assert_string_equal(text, expected);
	free(text);
}

static void
lines_say_what_stands(void **state)
{
	struct top_numbers n = { 0 };
	struct cJSON *queues = json("{\"queues\":[{\"name\":\"default\",\"slots\":4,\"taken\":4,\"waiting\":7},"
	    "{\"name\":\"mail\",\"slots\":1,\"taken\":0,\"waiting\":0,\"pausedSince\":\"x\"}]}");
	struct cJSON *bad = json("{\"storeError\":\"disk full\"}");

	(void)state;
	line_is(top_queues_line(queues), "queues  default 4/4 +7, mail 0/1 paused");
	line_is(top_store_line(&n, bad), "store   CANNOT BE WRITTEN: disk full");
	series_add(&n.plots[TOP_RATE], 2.5);
	line_is(top_plot_label(&n, TOP_RATE), "runs/s       2.5");
	line_is(top_plot_most(&n, TOP_RATE, 10), "max 2.5");
	json_free(queues);
	json_free(bad);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size_has_room_for_all),
		cmocka_unit_test(the_selected_row_is_seen),
		cmocka_unit_test(rows_are_sorted_and_what_is_absent_comes_last),
		cmocka_unit_test(rows_are_filtered_by_text_or_pattern),
		cmocka_unit_test(every_view_has_its_sorts),
		cmocka_unit_test(plot_has_what_is_known_on_its_right),
		cmocka_unit_test(plot_peak_moves_and_does_not_change),
		cmocka_unit_test(numbers_are_by_the_second_and_begin_anew_with_another_jobd),
		cmocka_unit_test(lines_say_what_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
