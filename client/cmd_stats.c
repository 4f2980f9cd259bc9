/*
 * jobctl stats: the numbers of the daemon, in groups, with their units.
 */
#include <stdio.h>
#include <stdlib.h>

#include "client/call.h"
#include "client/client.h"
#include "client/spec.h"
#include "proto/json.h"
#include "proto/mem.h"

static int stats_run(struct client *c);

const struct command cmd_stats = {
	.name = "stats",
	.usage = "",
	.summary = "Show the numbers of the daemon",
	.text = "Lag is how late the loop wakes up, ready wait how long a task that could go on\n"
	    "waits for its turn, step how long one holds the loop, commit how long the disk\n"
	    "takes. p50 and p99: half of them, and 99 of 100, took no longer.\n",
	.examples = "  jobctl stats\n  jobctl stats --json | jq .lag.p99USec\n",
	.run = stats_run,
};

enum stat { STAT_TEXT, STAT_COUNT, STAT_BYTES, STAT_DURATION, STAT_INSTANT, STAT_YES,
    STAT_HISTOGRAM };

/* A number: its field, its label, how it is shown.  A row without a field is a heading. */
static const struct stat_row {
	const char	*field;
	const char	*label;
	enum stat	 how;
} rows[] = {
	{ NULL, "process", 0 },
	{ "version", "version", STAT_TEXT }, { "pid", "pid", STAT_COUNT },
	{ "startedAt", "started", STAT_INSTANT },
	{ "uptimeUSec", "up", STAT_DURATION }, { "threads", "threads", STAT_COUNT },
	{ "residentBytes", "resident", STAT_BYTES }, { "cpuUSec", "CPU time", STAT_DURATION },
	{ NULL, "engine", 0 },
	{ "tasks", "tasks", STAT_COUNT }, { "timers", "timers", STAT_COUNT },
	{ "ticks", "ticks", STAT_COUNT },
	{ "steps", "steps", STAT_COUNT }, { "lag", "lag", STAT_HISTOGRAM },
	{ "readyWait", "ready wait", STAT_HISTOGRAM }, { "step", "step", STAT_HISTOGRAM },
	{ NULL, "store", 0 },
	{ "commits", "commits", STAT_COUNT }, { "ops", "ops", STAT_COUNT },
	{ "opsWaiting", "ops waiting", STAT_COUNT },
	{ "commit", "commit", STAT_HISTOGRAM }, { "storeError", "error", STAT_TEXT },
	{ "databaseBytes", "database", STAT_BYTES }, { "databaseFreeBytes", "of it free", STAT_BYTES },
	{ "logBytes", "its log", STAT_BYTES }, { "runsStored", "runs kept", STAT_COUNT },
	{ "outputBytes", "output kept", STAT_BYTES },
	{ NULL, "retention", 0 },
	{ "retentionAt", "last round", STAT_INSTANT }, { "jobsGivenUp", "jobs gone", STAT_COUNT },
	{ "runsGivenUp", "runs gone", STAT_COUNT },
	{ "outputBytesGivenUp", "output gone", STAT_BYTES },
	{ NULL, "runs", 0 },
	{ "windowJobs", "window", STAT_COUNT }, { "windowUntil", "window until", STAT_INSTANT },
	{ "running", "running", STAT_COUNT }, { "queued", "queued", STAT_COUNT },
	{ "retrying", "retrying", STAT_COUNT },
	{ "runsStarted", "started", STAT_COUNT }, { "runsSucceeded", "succeeded", STAT_COUNT },
	{ "runsFailed", "failed", STAT_COUNT }, { "skips", "skips", STAT_COUNT },
	{ NULL, "server", 0 },
	{ "connections", "connections", STAT_COUNT }, { "calls", "calls", STAT_COUNT },
	{ "watchers", "watchers", STAT_COUNT },
	{ NULL, "runner", 0 },
	{ "runnerConnected", "connected", STAT_YES }, { "runnerPid", "pid", STAT_COUNT },
};

static char *
histogram_text(const struct cJSON *h)
{
	char *p50 = text_duration(json_get_int(h, "p50USec", 0)),
	    *p99 = text_duration(json_get_int(h, "p99USec", 0));
	char *most = text_duration(json_get_int(h, "maxUSec", 0)), *text;

	text = xasprintf("p50 %-8s p99 %-8s max %-8s of %lld", p50, p99, most,
	    json_get_int(h, "count", 0));
	free(p50);
	free(p99);
	free(most);
	return text;
}

static char *
stat_text(const struct output *o, const struct cJSON *stats, const struct stat_row *row)
{
	const char *text = json_get_string(stats, row->field);
	long long n = json_get_int(stats, row->field, 0);

	switch (row->how) {
	case STAT_TEXT:
		return xstrdup(text ? text : "");
	case STAT_COUNT:
		return xasprintf("%lld", n);
	case STAT_BYTES:
		return text_bytes(n);
	case STAT_DURATION:
		return text_duration(n);
	case STAT_INSTANT:
		return text_instant(o, text);
	case STAT_YES:
		return xstrdup(json_get_bool(stats, row->field, 0) ? "yes" : "no");
	case STAT_HISTOGRAM:
		return histogram_text(json_get(stats, row->field));
	}
	return xstrdup("");
}

/* For people the group stands above its numbers, for programs in front of each. */
static void
row_print(const struct output *o, const struct cJSON *stats, const char *group,
    const struct stat_row *row)
{
	char *label;

	if (!json_get(stats, row->field))
		return;
	label = o->terminal ? xstrdup(row->label) : xasprintf("%s\t%s", group, row->label);
	line_print(o, label, stat_text(o, stats, row));
	free(label);
}

static int
stats_run(struct client *c)
{
	struct cJSON *stats = NULL;
	const char *group = "";
	size_t i;
	int r = call_once(c, "io.jobd.Stats", c->args.parameters, &stats);

	for (i = 0; r == 0 && !c->out.json && i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].field) {
			row_print(&c->out, stats, group, &rows[i]);
			continue;
		}
		group = rows[i].label;
		if (c->out.terminal)
			printf("%s%s%s%s\n", i ? "\n" : "", color_bold(&c->out), group,
			    color_off(&c->out));
	}
	json_free(stats);
	return r;
}
