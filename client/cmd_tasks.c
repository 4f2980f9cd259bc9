/*
 * jobctl tasks: the live tasks of the engine, as a tree.
 */
#include <stdlib.h>
#include <string.h>

#include "client/call.h"
#include "client/client.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"

static int tasks_run(struct client *c);

static const struct option tasks_options[] = {
	{ .name = "kind", .argument = "K", .kind = OPTION_TEXT, .field = "kind",
	    .help = "only those whose TASK is K" },
	{ .name = "longest", .kind = OPTION_FLAG, .field = "longest",
	    .help = "those that have waited longest, first" },
	{ .name = "count", .kind = OPTION_FLAG, .field = "count",
	    .help = "how many there are of each kind, instead of them" },
	{ .name = "tree", .kind = OPTION_FLAG,
	    .help = "indented under their parents, when piped, too" },
	{ .name = "limit", .argument = "N", .kind = OPTION_COUNT, .field = "limit",
	    .help = "at most so many (1000; 20 with --longest)" },
	{ 0 },
};

const struct command cmd_tasks = {
	.name = "tasks",
	.usage = "[OPTIONS] [JOB|RUN]",
	.summary = "Show what each task of the engine waits for",
	.text =
	    "PLACE is the line of the source where it waits; SINCE how long it has waited,\n"
	    "LEFT the time until its own deadline, SERVES the job or run that it works for,\n"
	    "STEPS and USED about how often it went on and how long it held the loop. With a\n"
	    "JOB or RUN only what serves it is shown.\n",
	.examples = "  jobctl tasks\n  jobctl tasks backup\n  jobctl tasks --longest --limit 5\n"
	    "  jobctl tasks --count\n  jobctl tasks --json --limit 5000 | jq .total\n",
	.options = tasks_options,
	.words_name = "JOB or RUN",
	.words_max = 1,
	.paged = true,
	.one_job = true,
	.run = tasks_run,
};

static const struct column columns[] = {
	{ "TASK", COLUMN_FLEX }, { "WAITS FOR", COLUMN_FLEX }, { "SINCE", COLUMN_RIGHT },
	{ "LEFT", COLUMN_RIGHT },
	{ "SERVES", 0 }, { "FLAGS", 0 }, { "STEPS", COLUMN_RIGHT | COLUMN_OPTIONAL },
	{ "USED", COLUMN_RIGHT | COLUMN_OPTIONAL }, { "PLACE", COLUMN_FLEX }, { 0 },
};

static const struct column count_columns[] = {
	{ "TASK", COLUMN_FLEX }, { "COUNT", COLUMN_RIGHT }, { "LONGEST", COLUMN_RIGHT }, { 0 },
};

#define DEPTH_SHOWN 32

/* A duration that may be absent, which is not the same as none. */
static char *
duration_cell(const struct cJSON *task, const char *name)
{
	return json_get(task, name) ? text_duration(json_get_int(task, name, 0)) : NULL;
}

static char *
count_cell(const struct cJSON *task, const char *name)
{
	return json_get(task, name) ? xasprintf("%lld", json_get_int(task, name, 0)) : NULL;
}

static char *
waits_cell(const struct cJSON *task)
{
	const char *what = json_get_string(task, "waitsFor");
	const char *watches = json_get_string(task, "watches");

	return watches ? xasprintf("%s (%s)", what ? what : "", watches) : xstrdup(what);
}

static void
row(struct table *t, const struct cJSON *task, bool tree)
{
	long long depth = tree ? json_get_int(task, "depth", 0) : 0;
	const char *name = json_get_string(task, "name");
	bool canceled = json_get_bool(task, "canceled", 0);
	bool shielded = json_get_bool(task, "shielded", 0);

	if (depth < 0 || depth > DEPTH_SHOWN)
		depth = DEPTH_SHOWN;
	table_cell(t, xasprintf("%*s%s", (int)depth * 2, "", name ? name : "?"));
	table_cell(t, waits_cell(task));
	table_cell(t, duration_cell(task, "waitingUSec"));
	table_cell(t, duration_cell(task, "deadlineUSec"));
	table_cell(t, xstrdup(json_get_string(task, "serves")));
	table_cell(t, xasprintf("%s%s%s", canceled ? "canceled" : "",
	    canceled && shielded ? "," : "", shielded ? "shielded" : ""));
	table_cell(t, count_cell(task, "steps"));
	table_cell(t, duration_cell(task, "usedUSec"));
	table_cell(t, xstrdup(json_get_string(task, "place")));
}

static void
counts_print(const struct output *o, const struct cJSON *counts)
{
	const struct cJSON *each;
	struct table t;

	table_init(&t, o, count_columns);
	for (each = json_first(counts); each; each = json_next(each)) {
		table_cell(&t, xstrdup(json_get_string(each, "name")));
		table_cell(&t, count_cell(each, "count"));
		table_cell(&t, duration_cell(each, "longestUSec"));
	}
	table_flush(&t);
	table_done(&t);
}

static void
tasks_print(const struct client *c, const struct cJSON *reply)
{
	const struct cJSON *tasks = json_get(reply, "tasks"), *task;
	bool chosen = args_flag(&c->args, "longest") || args_flag(&c->args, "kind");
	struct table t;

	table_init(&t, &c->out, columns);
	for (task = json_first(tasks); task; task = json_next(task))
		row(&t, task, !chosen || args_flag(&c->args, "tree"));
	table_flush(&t);
	table_done(&t);
	if (!chosen && c->args.n_words == 0 &&
	    json_get_int(reply, "total", 0) > (long long)json_count(tasks))
		complain("%zu of %lld tasks shown; --limit N shows more", json_count(tasks),
		    json_get_int(reply, "total", 0));
}

/* Tasks know jobs by their numbers: find that of a name.  0, or an exit code. */
static int
serves_set(struct client *c)
{
	const char *word = c->args.words[0];
	struct cJSON *parameters, *reply = NULL;
	bool json = c->out.json;
	char *id;
	int r;

	if (word[strspn(word, "0123456789.")] == '\0') {
		json_set_string(c->args.parameters, "serves", word);
		return 0;
	}
	parameters = json_object();
	json_set_string(parameters, "job", word);
	json_set_int(parameters, "runs", 1);
	c->out.json = false;
	r = call_once(c, "io.jobd.Get", parameters, &reply);
	c->out.json = json;
	id = xasprintf("%lld", json_get_int(json_get(reply, "job"), "id", 0));
	if (r == 0)
		json_set_string(c->args.parameters, "serves", id);
	free(id);
	json_free(parameters);
	json_free(reply);
	return r;
}

static int
tasks_run(struct client *c)
{
	struct cJSON *reply = NULL;
	int r = c->args.n_words > 0 ? serves_set(c) : 0;

	if (r == 0)
		r = call_once(c, "io.jobd.Tasks", c->args.parameters, &reply);
	if (r == 0 && !c->out.json) {
		if (args_flag(&c->args, "count"))
			counts_print(&c->out, json_get(reply, "counts"));
		else
			tasks_print(c, reply);
		if (c->args.n_words > 0 && json_count(json_get(reply, "tasks")) == 0 && !args_flag(&c->args, "count"))
			complain("no task serves %s now; jobctl why %s tells what it waits for", c->args.words[0], c->args.words[0]);
	}
	json_free(reply);
	return r;
}
