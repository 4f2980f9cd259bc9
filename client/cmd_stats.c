/*
 * jobctl stats: the numbers of the daemon, in groups, with their units.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/call.h"
#include "client/client.h"
#include "client/history.h"
#include "client/spec.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"

static int stats_run(struct client *c);

static const struct option stats_options[] = {
	{ .name = "prometheus", .kind = OPTION_FLAG,
	    .help = "as metrics in Prometheus' text format" },
	{ 0 },
};

const struct command cmd_stats = {
	.name = "stats",
	.usage = "[OPTIONS] [JOB]",
	.summary = "Show the numbers of the daemon, or of a job",
	.text = "Of a job: how its latest runs went, and how long they took; of a check also how\n"
	    "long its phases did. HALF of them, and 90 and 99 of 100, took no longer.\n\n"
	    "Of the daemon: lag is how late the loop wakes up, ready wait how long a task\n"
	    "that could go on waits for its turn, step how long one holds the loop, commit\n"
	    "how long the disk takes. p50 and p99: half of them, and 99 of 100, took no\n"
	    "longer.\n",
	.examples = "  jobctl stats\n  jobctl stats site\n  jobctl stats --json | jq .lag.p99USec\n"
	    "  jobctl stats --prometheus >/var/lib/prometheus/node-exporter/jobd.prom\n",
	.options = stats_options,
	.words_field = "job",
	.words_name = "JOB",
	.words_max = 1,
	.one_job = true,
	.run = stats_run,
};

enum stat { STAT_TEXT, STAT_COUNT, STAT_BYTES, STAT_DURATION, STAT_INSTANT, STAT_YES,
    STAT_HISTOGRAM };

/*
 * A number: its field, its label, how it is shown; and its metric, if it is one, in words.  A metric whose
 * name ends in _total is a counter, a histogram is a summary, the others are gauges.  A row without
 * a field is a heading.
 */
static const struct stat_row {
	const char	*field;
	const char	*label;
	enum stat	 how;
	const char	*metric;	/* without its jobd_ */
	const char	*help;
} rows[] = {
	{ NULL, "process", 0, NULL, NULL },
	{ "version", "version", STAT_TEXT, "info", "The version of jobd, as a label; always 1." },
	{ "pid", "pid", STAT_COUNT, NULL, NULL },
	{ "startedAt", "started", STAT_INSTANT, "start_time_seconds",
	    "When jobd was started, in seconds since 1970." },
	{ "uptimeUSec", "up", STAT_DURATION, "uptime_seconds", "How long jobd has been running." },
	{ "threads", "threads", STAT_COUNT, "threads", "Threads of the process." },
	{ "residentBytes", "resident", STAT_BYTES, "resident_memory_bytes", "Memory of the process." },
	{ "cpuUSec", "CPU time", STAT_DURATION, "cpu_seconds_total",
	    "Processor time that the process has used." },
	{ NULL, "engine", 0, NULL, NULL },
	{ "tasks", "tasks", STAT_COUNT, "tasks", "Live tasks of the engine." },
	{ "timers", "timers", STAT_COUNT, "timers", "Tasks that wait with a deadline." },
	{ "timersFired", "fired", STAT_COUNT, "timers_fired_total", "Deadlines that have come." },
	{ "descriptors", "descriptors", STAT_COUNT, "watched_descriptors", "Descriptors that are watched." },
	{ "ticks", "ticks", STAT_COUNT, "loop_ticks_total", "Rounds of the event loop." },
	{ "steps", "steps", STAT_COUNT, "loop_steps_total", "Steps of tasks." },
	{ "lag", "lag", STAT_HISTOGRAM, "loop_lag_seconds", "How late deadlines were noticed." },
	{ "readyWait", "ready wait", STAT_HISTOGRAM, "task_ready_wait_seconds",
	    "How long tasks that could go on waited for their turn; sampled." },
	{ "step", "step", STAT_HISTOGRAM, "task_step_seconds", "How long a step held the loop; sampled." },
	{ "blocked", "blocked", STAT_COUNT, "loop_blocked_total",
	    "Steps that held the loop longer than engine.block_limit; jobctl doctor has them." },
	{ "starved", "starved", STAT_COUNT, "loop_starved_total",
	    "The same because the host gave the process no processor." },
	{ "stopped", "stopped", STAT_COUNT, "process_stopped_total",
	    "The same because the process was stopped and continued." },
	{ NULL, "store", 0, NULL, NULL },
	{ "commits", "commits", STAT_COUNT, "store_commits_total", "Transactions committed." },
	{ "commitsFailed", "failed", STAT_COUNT, "store_commits_failed_total", "Transactions that failed." },
	{ "ops", "ops", STAT_COUNT, "store_operations_total", "Operations done by the store." },
	{ "opsWaiting", "ops waiting", STAT_COUNT, "store_operations_waiting", "Operations asked and not done." },
	{ "commit", "commit", STAT_HISTOGRAM, "store_commit_seconds",
	    "How long a transaction took, from its beginning to the disk." },
	{ "storeError", "error", STAT_TEXT, NULL, NULL },
	{ "databaseBytes", "database", STAT_BYTES, "database_bytes", "The database's file." },
	{ "databaseFreeBytes", "of it free", STAT_BYTES, "database_free_bytes",
	    "Of it: pages that hold nothing and are used again." },
	{ "logBytes", "its log", STAT_BYTES, "database_log_bytes", "The database's write-ahead log." },
	{ "runsStored", "runs kept", STAT_COUNT, "runs_stored", "Runs in the database." },
	{ "outputBytes", "output kept", STAT_BYTES, "output_bytes", "Output of commands that is kept." },
	{ NULL, "retention", 0, NULL, NULL },
	{ "retentionAt", "last round", STAT_INSTANT, "retention_time_seconds",
	    "When retention went round last, in seconds since 1970; 0: not yet." },
	{ "jobsGivenUp", "jobs gone", STAT_COUNT, "retention_jobs_total", "Jobs that retention gave up." },
	{ "runsGivenUp", "runs gone", STAT_COUNT, "retention_runs_total", "Runs that retention gave up." },
	{ "outputBytesGivenUp", "output gone", STAT_BYTES, "retention_output_bytes_total",
	    "Output that retention gave up." },
	{ NULL, "runs", 0, NULL, NULL },
	{ "windowJobs", "window", STAT_COUNT, "window_jobs", "Jobs due soon, held in memory." },
	{ "windowUntil", "window until", STAT_INSTANT, NULL, NULL },
	{ "running", "running", STAT_COUNT, "runs_running", "Runs that are running." },
	{ "queued", "queued", STAT_COUNT, "runs_queued", "Runs that wait for a slot or a mutex." },
	{ "retrying", "retrying", STAT_COUNT, "runs_retrying", "Runs that wait for their next attempt." },
	{ "drainedSince", "drained since", STAT_INSTANT, "drained_time_seconds",
	    "Since when jobd is drained, in seconds since 1970; 0: it is not." },
	{ "runsStarted", "started", STAT_COUNT, "runs_started_total", "Runs started." },
	{ "runsSucceeded", "succeeded", STAT_COUNT, "runs_succeeded_total", "Runs that succeeded." },
	{ "runsFailed", "failed", STAT_COUNT, "runs_failed_total", "Runs that ended otherwise." },
	{ "skips", "skips", STAT_COUNT, "occurrences_skipped_total", "Occurrences that made no run." },
	{ NULL, "server", 0, NULL, NULL },
	{ "connections", "connections", STAT_COUNT, "connections", "Clients connected." },
	{ "calls", "calls", STAT_COUNT, "calls_total", "Calls of clients." },
	{ "watchers", "watchers", STAT_COUNT, "watchers", "Clients that watch events." },
	{ NULL, "runner", 0, NULL, NULL },
	{ "runnerConnected", "connected", STAT_YES, "runner_connected",
	    "1 when jobd-runner is connected. One that jobd starts itself comes with the first command." },
	{ "runnerPid", "pid", STAT_COUNT, NULL, NULL },
	{ "runnerWanted", "wanted by", STAT_COUNT, "runner_wanted", "Commands that need jobd-runner now." },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

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

static void
stats_print(const struct output *o, const struct cJSON *stats)
{
	const char *group = "";

	for (size_t i = 0; i < ROWS; i++) {
		if (rows[i].field) {
			row_print(o, stats, group, &rows[i]);
			continue;
		}
		group = rows[i].label;
		if (o->terminal)
			printf("%s%s%s%s\n", i ? "\n" : "", color_bold(o), group, color_off(o));
	}
}

/* ---- Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats/ ---- */

static double
seconds(long long usec)
{
	return (double)usec / USEC_SEC;
}

static void
summary_print(const char *metric, const struct cJSON *h)
{
	printf("jobd_%s{quantile=\"0.5\"} %.9g\n", metric, seconds(json_get_int(h, "p50USec", 0)));
	printf("jobd_%s{quantile=\"0.99\"} %.9g\n", metric, seconds(json_get_int(h, "p99USec", 0)));
	printf("jobd_%s{quantile=\"1\"} %.9g\n", metric, seconds(json_get_int(h, "maxUSec", 0)));
	printf("jobd_%s_sum %.9g\n", metric, seconds(json_get_int(h, "sumUSec", 0)));
	printf("jobd_%s_count %lld\n", metric, json_get_int(h, "count", 0));
}

/* A label's value: " and \\ and the end of a line are escaped. */
static void
label_print(const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", stdout);
		else if (*text == '"' || *text == '\\')
			printf("\\%c", *text);
		else
			putchar(*text);
	}
}

static void
value_print(const struct cJSON *stats, const struct stat_row *row)
{
	const char *text = json_get_string(stats, row->field);
	long long n = json_get_int(stats, row->field, 0);
	instant at = { 0 };

	switch (row->how) {
	case STAT_TEXT:
		printf("jobd_%s{%s=\"", row->metric, row->field);
		label_print(text ? text : "");
		puts("\"} 1");
		return;
	case STAT_COUNT:
	case STAT_BYTES:
		printf("jobd_%s %lld\n", row->metric, n);
		return;
	case STAT_DURATION:
		printf("jobd_%s %.15g\n", row->metric, seconds(n));
		return;
	case STAT_INSTANT:
		/* 0 for what has not been yet: a series that is not there alarms nobody. */
		if (text)
			(void)instant_parse(text, &at);
		printf("jobd_%s %.15g\n", row->metric, seconds(at.usec));
		return;
	case STAT_YES:
		printf("jobd_%s %d\n", row->metric, json_get_bool(stats, row->field, 0) != 0);
		return;
	case STAT_HISTOGRAM:
		summary_print(row->metric, json_get(stats, row->field));
	}
}

static const char *
metric_type(const struct stat_row *row)
{
	size_t n = strlen(row->metric), suffix = strlen("_total");

	if (row->how == STAT_HISTOGRAM)
		return "summary";
	return n > suffix && strcmp(row->metric + n - suffix, "_total") == 0 ? "counter" : "gauge";
}

static void
metrics_print(const struct cJSON *stats)
{
	for (size_t i = 0; i < ROWS; i++) {
		/* An older daemon does not have them all. */
		if (!rows[i].metric || (rows[i].how != STAT_INSTANT && !json_get(stats, rows[i].field)))
			continue;
		printf("# HELP jobd_%s %s\n", rows[i].metric, rows[i].help);
		printf("# TYPE jobd_%s %s\n", rows[i].metric, metric_type(&rows[i]));
		value_print(stats, &rows[i]);
	}
	printf("# HELP jobd_store_failing 1 while the database cannot be written.\n"
	    "# TYPE jobd_store_failing gauge\njobd_store_failing %d\n", json_get(stats, "storeError") != NULL);
}

static int
stats_run(struct client *c)
{
	struct cJSON *stats = NULL;
	int r;

	if (args_flag(&c->args, "prometheus") && c->out.json) {
		complain("--prometheus and --json are two formats: choose one");
		return EXIT_USAGE;
	}
	if (c->args.n_words > 0) {
		if (!args_flag(&c->args, "prometheus"))
			return history_of(c, c->args.words[0], 0);
		complain("--prometheus is of the daemon, not of a job");
		return EXIT_USAGE;
	}
	r = call_once(c, "io.jobd.Stats", c->args.parameters, &stats);
	if (r == 0 && args_flag(&c->args, "prometheus"))
		metrics_print(stats);
	else if (r == 0 && !c->out.json)
		stats_print(&c->out, stats);
	json_free(stats);
	return r;
}
