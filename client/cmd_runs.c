/*
 * jobctl runs: what has run, newest first.
 */
#include <stdlib.h>
#include <string.h>

#include "client/call.h"
#include "client/client.h"
#include "client/outcome.h"
#include "client/progress.h"
#include "client/runs.h"
#include "proto/json.h"
#include "proto/mem.h"

static int runs_run(struct client *c);

static const struct option runs_options[] = {
	{ .name = "state", .argument = "STATE", .kind = OPTION_TEXTS, .field = "state",
	    .help = "only these, may be repeated: running, failed,\n"
	    "                           timed_out, ..." },
	{ .name = "limit", .argument = "N", .kind = OPTION_COUNT, .help = "at most so many (20)" },
	{ 0 },
};

const struct command cmd_runs = {
	.name = "runs",
	.alias = "history",
	.usage = "[OPTIONS] [JOB]",
	.summary = "List runs, newest first",
	.examples = "  jobctl runs backup\n  jobctl runs --state failed --limit 100\n",
	.options = runs_options,
	.words_field = "job",
	.words_name = "JOB",
	.words_max = 1,
	.paged = true,
	.run = runs_run,
};

const struct column runs_columns[] = {
	{ "RUN", COLUMN_RIGHT }, { "NAME", COLUMN_FLEX }, { "STATE", COLUMN_STATE },
	{ "RESULT", COLUMN_FLEX },
	{ "DUE", COLUMN_OPTIONAL }, { "STARTED", 0 }, { "TOOK", COLUMN_RIGHT },
	{ "REASON", COLUMN_FLEX }, { 0 },
};

#define LIMIT_DEFAULT	20
#define PAGE		1000

/* That it is to end, and when it is made to. */
static char *
canceling_text(const struct output *o, const struct cJSON *run)
{
	const char *kill = json_get_string(run, "killAt");
	char *when = kill ? text_when(o, kill) : NULL;
	char *text = xasprintf("canceling%s%s", when ? ", KILL " : "", when ? when : "");

	free(when);
	return text;
}

/* How it ended, and after how many attempts when one was not enough; or when the next comes. */
static char *
result_text(const struct output *o, const struct cJSON *run)
{
	const char *again = json_get_string(run, "retryAt");
	long long attempt = json_get_int(run, "attempt", 0);
	char *words = run_final(run) ? outcome_text(run) : again ? text_relative(o, again) : NULL;
	char *text;

	if (run_canceling(run))
		return canceling_text(o, run);
	if (!words && o->terminal)
		return progress_text(o, run);
	if (!words || (attempt < 2 && !again))
		return words;
	text = again ? xasprintf("attempt %lld %s", attempt + 1, words) :
	    xasprintf("%s (attempt %lld)", words, attempt);
	free(words);
	return text;
}

void
runs_row(struct table *t, const struct cJSON *run)
{
	const struct output *o = t->output;

	table_cell(t, run_label(run));
	table_cell(t, xstrdup(json_get_string(run, "name")));
	table_cell(t, xstrdup(json_get_string(run, "state")));
	table_cell(t, result_text(o, run));
	table_cell(t, text_when(o, json_get_string(run, "due")));
	table_cell(t, text_when(o, json_get_string(run, "startedAt")));
	table_cell(t, run_took(o, run));
	table_cell(t, xstrdup(json_get_string(run, "reason")));
}

void
runs_rows(struct table *t, const struct cJSON *runs)
{
	const struct cJSON *run;

	for (run = json_first(runs); run; run = json_next(run))
		runs_row(t, run);
	table_flush(t);
}

void
runs_print(const struct output *o, const struct cJSON *runs)
{
	struct table t;

	table_init(&t, o, runs_columns);
	runs_rows(&t, runs);
	table_done(&t);
}

static int
runs_run(struct client *c)
{
	long long left = args_int(&c->args, "limit", LIMIT_DEFAULT);
	char *filter = json_print(c->args.parameters), *before = NULL;
	struct table t;
	int r;

	table_init(&t, &c->out, runs_columns);
	do {
		const char *why;
		struct cJSON *reply = NULL, *parameters = json_parse(filter, strlen(filter), &why);

		json_set_string(parameters, "job", c->args.n_words ? c->args.words[0] : NULL);
		json_set_string(parameters, "before", before);
		json_set_int(parameters, "limit", left < PAGE ? left : PAGE);
		r = call_once(c, "io.jobd.Runs", parameters, &reply);
		if (r == 0 && !c->out.json)
			runs_rows(&t, json_get(reply, "runs"));
		left -= (long long)json_count(json_get(reply, "runs"));
		free(before);
		before = xstrdup(json_get_string(reply, "next"));
		json_free(reply);
		json_free(parameters);
	} while (r == 0 && before && left > 0);
	free(before);
	free(filter);
	table_done(&t);
	return r;
}
