/*
 * jobctl tasks: the live tasks of the engine as a tree.
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
	{ .name = "limit", .argument = "N", .kind = OPTION_INT, .field = "limit",
	    .help = "at most so many (1000)" },
	{ 0 },
};

const struct command cmd_tasks = {
	.name = "tasks",
	.usage = "[OPTIONS]",
	.summary = "Show what each task of the engine waits for",
	.text =
	    "PLACE is the line of the source where it waits; SINCE how long it has waited,\n"
	    "LEFT the time until its deadline, SERVES the job or run that it works for.\n",
	.examples = "  jobctl tasks\n  jobctl tasks --json --limit 100000 | jq .total\n",
	.options = tasks_options,
	.run = tasks_run,
};

static const struct column columns[] = {
	{ "TASK", COLUMN_FLEX }, { "WAITS FOR", COLUMN_FLEX }, { "SINCE", COLUMN_RIGHT },
	{ "LEFT", COLUMN_RIGHT },
	{ "SERVES", 0 }, { "FLAGS", 0 }, { "PLACE", COLUMN_FLEX }, { 0 },
};

#define DEPTH_SHOWN 32

/* A duration that may be absent, which is not the same as none. */
static char *
duration_cell(const struct cJSON *task, const char *name)
{
	return json_get(task, name) ? text_duration(json_get_int(task, name, 0)) : NULL;
}

static void
row(struct table *t, const struct cJSON *task)
{
	long long depth = json_get_int(task, "depth", 0);
	const char *name = json_get_string(task, "name");
	bool canceled = json_get_bool(task, "canceled", 0);
	bool shielded = json_get_bool(task, "shielded", 0);

	if (depth < 0 || depth > DEPTH_SHOWN)
		depth = DEPTH_SHOWN;
	table_cell(t, xasprintf("%*s%s", (int)depth * 2, "", name ? name : "?"));
	table_cell(t, xstrdup(json_get_string(task, "waitsFor")));
	table_cell(t, duration_cell(task, "waitingUSec"));
	table_cell(t, duration_cell(task, "deadlineUSec"));
	table_cell(t, xstrdup(json_get_string(task, "serves")));
	table_cell(t, xasprintf("%s%s%s", canceled ? "canceled" : "",
	    canceled && shielded ? "," : "", shielded ? "shielded" : ""));
	table_cell(t, xstrdup(json_get_string(task, "place")));
}

static int
tasks_run(struct client *c)
{
	struct cJSON *reply = NULL;
	const struct cJSON *tasks, *task;
	struct table t;
	int r = call_once(c, "io.jobd.Tasks", c->args.parameters, &reply);

	tasks = json_get(reply, "tasks");
	if (r == 0 && !c->out.json) {
		table_init(&t, &c->out, columns);
		for (task = json_first(tasks); task; task = json_next(task))
			row(&t, task);
		table_flush(&t);
		table_done(&t);
		if (json_get_int(reply, "total", 0) > (long long)json_count(tasks))
			complain("%zu of %lld tasks shown; --limit N shows more", json_count(tasks),
			    json_get_int(reply, "total", 0));
	}
	json_free(reply);
	return r;
}
