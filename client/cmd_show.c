/*
 * jobctl show: everything about one job, or one run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/attempts.h"
#include "client/call.h"
#include "client/client.h"
#include "client/outcome.h"
#include "client/runs.h"
#include "client/spec.h"
#include "client/value.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"

static int show_run(struct client *c);

static const struct option show_options[] = {
	{ .name = "runs", .argument = "N", .kind = OPTION_INT, .field = "runs",
	    .help = "show the latest N runs (10)" },
	{ .name = "secrets", .field = "secrets",
	    .help = "with the values of its environment and its input" },
	{ 0 },
};

const struct command cmd_show = {
	.name = "show",
	.usage = "[OPTIONS] JOB|RUN",
	.summary = "Show everything about a job or a run",
	.text = "What the job was added with is told to its owner and to root only.\n",
	.examples = "  jobctl show backup\n  jobctl show 12.3\n",
	.options = show_options,
	.words_field = "job",
	.words_name = "JOB or RUN",
	.words_min = 1,
	.words_max = 1,
	.one_job = true,
	.run = show_run,
};

/* A field of the reply that is shown as a line, and how. */
struct line {
	const char *field, *label;
	enum { LINE_TEXT, LINE_WORD, LINE_COUNT, LINE_INSTANT, LINE_DURATION, LINE_BYTES,
	    LINE_YES } how;
};

static const struct line job_lines[] = {
	{ "state", "state", LINE_WORD }, { "waitsFor", "why", LINE_TEXT },
	{ "description", "description", LINE_TEXT },
	{ "kind", "kind", LINE_WORD },
	{ "nextDue", "next due", LINE_INSTANT }, { "createdAt", "added", LINE_INSTANT },
	{ "generation", "generation", LINE_COUNT }, { "runs", "runs", LINE_COUNT },
	{ "skips", "skips", LINE_COUNT }, { "crashes", "lost in a row", LINE_COUNT },
	{ "health", "health", LINE_WORD }, { "healthSince", "health since", LINE_INSTANT },
	{ "checksFailed", "checks failed", LINE_COUNT }, { "checksPassed", "checks passed", LINE_COUNT },
	{ "dependents", "dependents", LINE_COUNT },
	{ "rescheduledAt", "rescheduled", LINE_INSTANT }, { "source", "from files", LINE_TEXT },
	{ "queue", "queue", LINE_TEXT }, { "priority", "priority", LINE_COUNT },
	{ "mutex", "mutex", LINE_TEXT },
	{ 0 },
};

static const struct line run_lines[] = {
	{ "state", "state", LINE_WORD }, { "verdict", "verdict", LINE_WORD },
	{ "reason", "reason", LINE_TEXT },
	{ "canceledBy", "canceled by", LINE_TEXT }, { "termSentAt", "TERM sent", LINE_INSTANT },
	{ "killAt", "KILL comes", LINE_INSTANT }, { "exitCode", "exit code", LINE_COUNT },
	{ "signal", "signal", LINE_COUNT }, { "oom", "out of memory", LINE_YES },
	{ "endedBy", "ended by", LINE_TEXT }, { "leftovers", "left behind", LINE_COUNT },
	{ "httpStatus", "HTTP status", LINE_COUNT }, { "attempt", "attempt", LINE_COUNT },
	{ "retryAt", "next attempt", LINE_INSTANT },
	{ "manual", "by hand", LINE_YES }, { "pid", "pid", LINE_COUNT },
	{ "due", "due", LINE_INSTANT },
	{ "noticedAt", "noticed", LINE_INSTANT }, { "startedAt", "started", LINE_INSTANT },
	{ "spawnedAt", "spawned", LINE_INSTANT }, { "firstOutputAt", "first output", LINE_INSTANT },
	{ "exitedAt", "exited", LINE_INSTANT }, { "endedAt", "ended", LINE_INSTANT },
	{ "cpuUSec", "CPU time", LINE_DURATION }, { "memoryPeakBytes", "memory peak", LINE_BYTES },
	{ "outputBytes", "output", LINE_BYTES }, { 0 },
};

static const struct line phase_lines[] = {
	{ "queueUSec", "  queue", LINE_DURATION }, { "dnsUSec", "  name", LINE_DURATION },
	{ "connectUSec", "  connect", LINE_DURATION }, { "tlsUSec", "  TLS", LINE_DURATION },
	{ "sendUSec", "  send", LINE_DURATION }, { "waitUSec", "  wait", LINE_DURATION },
	{ "receiveUSec", "  receive", LINE_DURATION }, { "totalUSec", "  total", LINE_DURATION },
	{ 0 },
};

static const struct line ping_lines[] = {
	{ "what", "  it said", LINE_WORD }, { "at", "  at", LINE_INSTANT },
	{ "startedAt", "  begun", LINE_INSTANT }, { "by", "  by", LINE_TEXT },
	{ "reason", "  reason", LINE_TEXT }, { 0 },
};

/* For people an instant is also told as a distance from now. */
static char *
instant_both(const struct output *o, const char *wire)
{
	char *whole = text_instant(o, wire), *relative, *both;

	if (!o->terminal || !*whole)
		return whole;
	relative = text_relative(o, wire);
	both = xasprintf("%s (%s)", whole, relative);
	free(whole);
	free(relative);
	return both;
}

static char *
line_text(const struct output *o, const struct cJSON *object, const struct line *line)
{
	const char *text = json_get_string(object, line->field);
	long long n = json_get_int(object, line->field, 0);

	switch (line->how) {
	case LINE_TEXT:
		return xstrdup(text);
	case LINE_WORD:
		return text && strcmp(text, "none") != 0 ? word_print(text) : NULL;
	case LINE_COUNT:
		return xasprintf("%lld", n);
	case LINE_INSTANT:
		return instant_both(o, text);
	case LINE_DURATION:
		return text_duration(n);
	case LINE_BYTES:
		return text_bytes(n);
	case LINE_YES:
		return json_get_bool(object, line->field, 0) ? xstrdup("yes") : NULL;
	}
	return NULL;
}

static void
lines_print(const struct output *o, const struct cJSON *object, const struct line *lines)
{
	for (; lines->field; lines++) {
		char *text = json_get(object, lines->field) ? line_text(o, object, lines) : NULL;

		if (text)
			line_print(o, lines->label, text);
	}
}

/* The uid; a name is only told when it is ours, as looking others up may ask the network. */
static char *
owner_text(const struct cJSON *job)
{
	long long uid = json_get_int(job, "uid", -1);
	const char *user = getenv("USER");

	if (uid < 0)
		return xstrdup("");
	if (uid == (long long)geteuid() && user && *user)
		return xasprintf("uid %lld (%s)", uid, user);
	return xasprintf("uid %lld%s", uid, uid == 0 ? " (root)" : "");
}

static void
job_print(const struct output *o, const struct cJSON *job)
{
	const struct cJSON *spec = json_get(job, "spec");
	char *label = job_label(job);
	struct strings labels;
	size_t i;

	if (o->terminal)
		printf("%sjob %s%s\n", color_bold(o), label, color_off(o));
	else
		line_print(o, "job", xstrdup(label));
	free(label);
	lines_print(o, job, job_lines);
	line_print(o, "owner", owner_text(job));
	if (spec) {
		if (o->terminal)
			puts("\nadded with");
		spec_print(o, spec, true);
		return;
	}
	/* A stranger's job: what may be known of it all the same. */
	line_print(o, "what", xstrdup(value_text(job, "summary")));
	line_print(o, "schedule", xstrdup(value_text(job, "schedule")));
	value_strings(job, "labels", &labels);
	for (i = 0; i < labels.n; i++)
		line_print(o, "label", xstrdup(labels.items[i]));
	strings_done(&labels);
}

/* The jobs that it waits for, or that wait for it. */
static void
dependencies_print(const struct output *o, const char *title, const struct cJSON *infos)
{
	static const struct column columns[] = {
		{ "ID", COLUMN_RIGHT }, { "NAME", COLUMN_FLEX }, { "JOB", COLUMN_STATE },
		{ "CONDITION", 0 }, { "HOLDS", 0 }, { "PARENT ENDED", COLUMN_STATE }, { 0 },
	};
	const struct cJSON *d;
	struct table t;

	if (json_count(infos) == 0)
		return;
	table_init(&t, o, columns);
	for (d = json_first(infos); d; d = json_next(d)) {
		const char *job = json_get_string(d, "jobState"), *state = value_text(d, "state");

		table_cell(&t, xasprintf("%lld", json_get_int(d, "job", 0)));
		table_cell(&t, xstrdup(json_get_string(d, "name")));
		table_cell(&t, xstrdup(job ? job : "removed"));
		table_cell(&t, xstrdup(json_get_string(d, "condition")));
		table_cell(&t, xstrdup(strcmp(state, "holds") == 0 ? "yes" :
		    strcmp(state, "waits") == 0 ? "not yet" : "no more"));
		table_cell(&t, word_print(value_text(d, "lastOutcome")));
	}
	if (o->terminal)
		printf("\n%s\n", title);
	else
		puts("");
	table_flush(&t);
	table_done(&t);
}

static int
show_job(struct client *c)
{
	struct cJSON *reply = NULL;
	const struct cJSON *runs;
	int r;

	json_set_string(c->args.parameters, "job", c->args.words[0]);
	r = call_once(c, "io.jobd.Get", c->args.parameters, &reply);
	if (r == 0 && !c->out.json) {
		job_print(&c->out, json_get(reply, "job"));
		dependencies_print(&c->out, "waits for", json_get(reply, "parents"));
		dependencies_print(&c->out, "they wait for it", json_get(reply, "children"));
		runs = json_get(reply, "runs");
		if (json_count(runs) > 0) {
			puts(c->out.terminal ? "\nlatest runs" : "");
			runs_print(&c->out, runs);
		}
	}
	json_free(reply);
	return r;
}

static void
run_print(const struct output *o, const struct cJSON *run)
{
	const struct cJSON *phases = json_get(run, "phases");
	char *label = run_label(run), *job = job_label(run);

	if (o->terminal)
		printf("%srun %s%s\n", color_bold(o), label, color_off(o));
	else
		line_print(o, "run", xstrdup(label));
	line_print(o, "job", job);
	lines_print(o, run, run_lines);
	line_print(o, "took", run_took(o, run));
	if (phases && o->terminal)
		puts("  of that");
	if (phases)
		lines_print(o, phases, phase_lines);
	if (json_get(run, "ping") && o->terminal)
		puts("  ping");
	if (json_get(run, "ping"))
		lines_print(o, json_get(run, "ping"), ping_lines);
	texts_print(o, "redirect", run, "redirects");
	if (json_get_string(run, "body"))
		line_print(o, "answer", xstrdup(json_get_string(run, "body")));
	free(label);
}

static int
show_one_run(struct client *c, const char *word)
{
	struct cJSON *reply;
	const struct cJSON *run;
	int r = attempts_get(c, word, &reply, &run);

	if (r == 0 && c->out.json) {
		output_json(run);
	} else if (r == 0) {
		run_print(&c->out, run);
		attempts_print(&c->out, run);
	}
	json_free(reply);
	return r;
}

static int
show_run(struct client *c)
{
	const char *word = c->args.words[0];

	return attempts_is_run(word) ? show_one_run(c, word) : show_job(c);
}
