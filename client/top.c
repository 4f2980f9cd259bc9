/*
 * top: see top.h.
 */
#include "client/top.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "client/jobs.h"
#include "client/outcome.h"
#include "client/queues.h"
#include "client/runs.h"
#include "client/value.h"
#include "proto/json.h"
#include "proto/mem.h"

/* ---- the screen ---- */

/* Beside a plot. */
#define LABEL_WIDTH	18
#define MOST_WIDTH	14

/* On a screen so high plots have so many lines. */
#define LINES_TALL	36
#define PLOT_TALL	3

struct top_layout
top_layout(int lines, int columns)
{
	struct top_layout l = { .lines = lines, .columns = columns, .title = 0, .plots = 1 };

	l.too_small = lines < TOP_LINES_MIN || columns < TOP_COLUMNS_MIN;
	l.plot_height = lines >= LINES_TALL ? PLOT_TALL : 1;
	l.plot_column = LABEL_WIDTH;
	l.plot_width = columns - LABEL_WIDTH - MOST_WIDTH;
	if (l.plot_width > SERIES_MAX)
		l.plot_width = SERIES_MAX;
	l.runs = l.plots + TOP_PLOTS * l.plot_height;
	l.store = l.runs + 1;
	l.queues = l.store + 1;
	l.views = l.queues + 1;
	l.header = l.views + 1;
	l.rows = l.header + 1;
	l.help = lines - 1;
	l.message = lines - 2;
	l.n_rows = l.message - l.rows;
	return l;
}

int
top_scroll(int first, int selected, int n, int n_rows)
{
	if (selected >= n)
		selected = n - 1;
	if (selected < 0)
		selected = 0;
	if (first > n - n_rows)
		first = n - n_rows;
	if (first < 0)
		first = 0;
	if (selected < first)
		first = selected;
	if (selected >= first + n_rows)
		first = selected - n_rows + 1;
	return first < 0 ? 0 : first;
}

/* ---- the views ---- */

static const struct column checks_columns[] = {
	{ "ID", COLUMN_RIGHT }, { "NAME", COLUMN_FLEX }, { "STATE", COLUMN_STATE },
	{ "VERDICT", COLUMN_STATE }, { "RESULT", COLUMN_FLEX }, { "LAST", 0 }, { "TOOK", COLUMN_RIGHT },
	{ "NEXT", 0 }, { "WHAT", COLUMN_FLEX }, { 0 },
};

static void
checks_row(struct table *t, const struct cJSON *job)
{
	const struct output *o = t->output;
	const struct cJSON *last = json_get(job, "lastRun");
	const char *ended = json_get_string(last, "endedAt");
	const char *verdict = json_get_string(last, "verdict");

	table_cell(t, top_key(TOP_CHECKS, job));
	table_cell(t, xstrdup(json_get_string(job, "name")));
	table_cell(t, xstrdup(json_get_string(job, "state")));
	table_cell(t, verdict && strcmp(verdict, "none") != 0 ? xstrdup(verdict) : NULL);
	table_cell(t, outcome_text(last));
	table_cell(t, text_when(o, ended ? ended : json_get_string(last, "startedAt")));
	table_cell(t, last ? run_took(o, last) : NULL);
	table_cell(t, text_when(o, json_get_string(job, "nextDue")));
	table_cell(t, xstrdup(json_get_string(job, "summary")));
}

const struct top_view top_views[] = {
	[TOP_JOBS] = { "jobs", "io.jobd.List", "jobs", jobs_columns, jobs_row, {
		{ "id", NULL, "id", true, false }, { "name", NULL, "name", false, false },
		{ "state", NULL, "state", false, false }, { "next", NULL, "nextDue", false, false },
		{ "last", "lastRun", "startedAt", false, true } } },
	[TOP_RUNS] = { "runs", "io.jobd.Runs", "runs", runs_columns, runs_row, {
		{ "newest", NULL, NULL, false, false }, { "name", NULL, "name", false, false },
		{ "state", NULL, "state", false, false }, { "due", NULL, "due", false, false },
		{ "progress", NULL, "progressPercent", true, true } } },
	[TOP_CHECKS] = { "checks", "io.jobd.List", "jobs", checks_columns, checks_row, {
		{ "id", NULL, "id", true, false }, { "name", NULL, "name", false, false },
		{ "verdict", "lastRun", "verdict", false, false }, { "next", NULL, "nextDue", false, false },
		{ "last", "lastRun", "startedAt", false, true } } },
	[TOP_QUEUES] = { "queues", "io.jobd.Queues", "queues", queues_columns, queues_row, {
		{ "name", NULL, "name", false, false }, { "waiting", NULL, "waiting", true, true },
		{ "running", NULL, "running", true, true }, { "taken", NULL, "taken", true, true },
		{ "slots", NULL, "slots", true, true } } },
};

char *
top_key(enum top_view_id view, const struct cJSON *item)
{
	switch (view) {
	case TOP_JOBS:
	case TOP_CHECKS:
		return xasprintf("%lld", json_get_int(item, "id", 0));
	case TOP_RUNS:
		return run_label(item);
	case TOP_QUEUES:
	case TOP_VIEWS:
		break;
	}
	return xstrdup(value_text(item, "name"));
}

/* Has its name, or what it is called, this text in it?  A pattern has to match. */
static bool
matches(enum top_view_id view, const struct cJSON *item, const char *filter)
{
	const char *name = value_text(item, "name");
	char *key;
	bool is;

	if (!*filter)
		return true;
	key = top_key(view, item);
	if (strpbrk(filter, "*?["))
		is = fnmatch(filter, name, 0) == 0 || fnmatch(filter, key, 0) == 0;
	else
		is = strstr(name, filter) != NULL || strstr(key, filter) != NULL;
	free(key);
	return is;
}

struct item {
	const struct cJSON	*item;
	const struct top_choice	*choice;
	size_t			 place;
};

/* What is absent comes last, whichever way it goes. */
static int
item_compare(const void *x, const void *y)
{
	const struct item *a = x, *b = y;
	const struct top_sort *sort = a->choice->sort;
	const struct cJSON *of_a = sort->parent ? json_get(a->item, sort->parent) : a->item;
	const struct cJSON *of_b = sort->parent ? json_get(b->item, sort->parent) : b->item;
	const struct cJSON *in_a = sort->field ? json_get(of_a, sort->field) : NULL;
	const struct cJSON *in_b = sort->field ? json_get(of_b, sort->field) : NULL;
	int order = 0;

	if (!in_a != !in_b)
		return in_a ? -1 : 1;
	if (in_a && sort->number) {
		long long n = json_get_int(of_a, sort->field, 0), m = json_get_int(of_b, sort->field, 0);

		order = (n > m) - (n < m);
	} else if (in_a) {
		order = strcmp(json_text(in_a), json_text(in_b));
	}
	if (order == 0)
		order = (a->place > b->place) - (a->place < b->place);
	else if (sort->down)
		order = -order;
	return a->choice->reverse ? -order : order;
}

const struct cJSON **
top_choose(const struct top_choice *choice, const struct cJSON *array, size_t *ret_n)
{
	size_t n = 0, all = json_count(array);
	struct item *items = xcalloc(all + 1, sizeof(*items));
	const struct cJSON **chosen = xcalloc(all + 1, sizeof(*chosen));

	for (const struct cJSON *i = json_first(array); i; i = json_next(i)) {
		if (!matches(choice->view, i, choice->filter))
			continue;
		items[n] = (struct item){ i, choice, n };
		n++;
	}
	qsort(items, n, sizeof(*items), item_compare);
	for (size_t i = 0; i < n; i++)
		chosen[i] = items[i].item;
	free(items);
	*ret_n = n;
	return chosen;
}

/* ---- the numbers ---- */

/* So much a second since the reply before. */
static double
rate(long long before, long long now, usec_t passed)
{
	return passed > 0 && now > before ? (double)(now - before) * USEC_SEC / (double)passed : 0;
}

void
top_count(struct top_numbers *n, const struct cJSON *stats, usec_t at)
{
	const struct cJSON *lag = json_get(stats, "lag");
	long long pid = json_get_int(stats, "pid", 0), sum = json_get_int(lag, "sumUSec", 0);
	long long count = json_get_int(lag, "count", 0), cpu = json_get_int(stats, "cpuUSec", 0);
	long long runs = json_get_int(stats, "runsSucceeded", 0) + json_get_int(stats, "runsFailed", 0);
	long long commits = json_get_int(stats, "commits", 0);
	usec_t passed = at - n->at;

	n->anew = n->pid != 0 && n->pid != pid;
	if (n->pid == pid) {
		series_add(&n->plots[TOP_LAG], count > n->lag_count && sum > n->lag_sum ?
		    (double)(sum - n->lag_sum) / (double)(count - n->lag_count) : 0);
		series_add(&n->plots[TOP_RATE], rate(n->runs, runs, passed));
		n->commits_rate = rate(n->commits, commits, passed);
		n->cpu_share = rate(n->cpu, cpu, passed) / USEC_SEC;
	} else {
		n->commits_rate = n->cpu_share = 0;
	}
	series_add(&n->plots[TOP_MEMORY], (double)json_get_int(stats, "residentBytes", 0));
	n->pid = pid;
	n->at = at;
	n->lag_sum = sum;
	n->lag_count = count;
	n->runs = runs;
	n->commits = commits;
	n->cpu = cpu;
}

char *
top_title(const struct top_numbers *n, const struct cJSON *stats)
{
	char *up = text_duration(json_get_int(stats, "uptimeUSec", 0) / USEC_SEC * USEC_SEC);
	char *text = xasprintf("jobd %s, pid %lld, up %s, CPU %.1f%%, %lld tasks, %lld clients",
	    value_text(stats, "version"), json_get_int(stats, "pid", 0), up, n->cpu_share * 100,
	    json_get_int(stats, "tasks", 0), json_get_int(stats, "connections", 0));

	free(up);
	return text;
}

static char *
plot_value(int plot, double value)
{
	if (plot == TOP_LAG)
		return text_duration((usec_t)value);
	if (plot == TOP_MEMORY)
		return text_bytes((long long)value);
	return xasprintf(value < 10 ? "%.1f" : "%.0f", value);
}

char *
top_plot_label(const struct top_numbers *n, int plot)
{
	static const char *const names[] = {
		[TOP_LAG] = "lag", [TOP_RATE] = "runs/s", [TOP_MEMORY] = "memory",
	};
	char *value = plot_value(plot, series_last(&n->plots[plot]));
	char *text = xasprintf("%-7s%9s", names[plot], value);

	free(value);
	return text;
}

char *
top_plot_most(const struct top_numbers *n, int plot, int width)
{
	char *value = plot_value(plot, series_max(&n->plots[plot], width));
	char *text = xasprintf("max %s", value);

	free(value);
	return text;
}

char *
top_runs_line(const struct cJSON *stats)
{
	return xasprintf("runs    %lld running, %lld queued, %lld retrying; %lld succeeded, %lld failed, "
	    "%lld skips", json_get_int(stats, "running", 0), json_get_int(stats, "queued", 0),
	    json_get_int(stats, "retrying", 0), json_get_int(stats, "runsSucceeded", 0),
	    json_get_int(stats, "runsFailed", 0), json_get_int(stats, "skips", 0));
}

char *
top_store_line(const struct top_numbers *n, const struct cJSON *stats)
{
	const char *error = json_get_string(stats, "storeError");
	char *p99, *size, *text;

	if (error)
		return xasprintf("store   CANNOT BE WRITTEN: %s", error);
	p99 = text_duration(json_get_int(json_get(stats, "commit"), "p99USec", 0));
	size = text_bytes(json_get_int(stats, "databaseBytes", 0) + json_get_int(stats, "logBytes", 0));
	text = xasprintf("store   %.1f commits/s, p99 %s, %lld waiting, %s, %lld runs kept", n->commits_rate,
	    p99, json_get_int(stats, "opsWaiting", 0), size, json_get_int(stats, "runsStored", 0));
	free(p99);
	free(size);
	return text;
}

char *
top_queues_line(const struct cJSON *queues)
{
	struct buf line = { 0 };

	buf_puts(&line, "queues ");
	for (const struct cJSON *q = json_first(json_get(queues, "queues")); q; q = json_next(q)) {
		long long waiting = json_get_int(q, "waiting", 0);

		buf_printf(&line, " %s %lld/%lld", value_text(q, "name"), json_get_int(q, "taken", 0),
		    json_get_int(q, "slots", 0));
		if (waiting > 0)
			buf_printf(&line, " +%lld", waiting);
		buf_printf(&line, "%s%s", json_get(q, "pausedSince") ? " paused" : "",
		    json_next(q) ? "," : "");
	}
	return buf_steal(&line);
}
