/*
 * jobctl list: the jobs, page after page, so that neither end holds all of them.
 */
#include <stdlib.h>
#include <string.h>

#include "client/call.h"
#include "client/client.h"
#include "client/health.h"
#include "client/progress.h"
#include "proto/json.h"
#include "proto/mem.h"

static int list_run(struct client *c);

static const struct option list_options[] = {
	{ .name = "state", .argument = "STATE", .kind = OPTION_TEXTS, .field = "state",
	    .help = "only these, may be repeated: scheduled, queued,\n"
	    "                           running, blocked, paused, finished, ..." },
	{ .name = "kind", .argument = "KIND", .kind = OPTION_TEXT, .field = "kind",
	    .help = "only command, http or timer" },
	{ 'l', "label", "K=V", OPTION_TEXTS, 0, "label", NULL,
	    "only with this label, may be repeated" },
	{ .name = "queue", .argument = "QUEUE", .kind = OPTION_TEXT, .field = "queue",
	    .help = "only jobs in this queue" },
	{ .name = "mine", .field = "mine", .help = "only jobs that you added" },
	{ .name = "limit", .argument = "N", .kind = OPTION_INT,
	    .help = "at most so many; all when absent" },
	{ 0 },
};

const struct command cmd_list = {
	.name = "list",
	.alias = "ls",
	.usage = "[OPTIONS] [PATTERN]",
	.summary = "List jobs in the order of their ids",
	.text = "PATTERN is a glob pattern for their names.\n",
	.examples = "  jobctl list --state running\n  jobctl list -l team=dba 'db-*'\n",
	.options = list_options,
	.words_field = "name",
	.words_name = "PATTERN",
	.words_max = 1,
	.run = list_run,
};

static const struct column columns[] = {
	{ "ID", COLUMN_RIGHT }, { "NAME", COLUMN_FLEX }, { "KIND", COLUMN_OPTIONAL },
	{ "STATE", COLUMN_STATE },
	{ "NEXT", 0 }, { "LAST", 0 }, { "RESULT", COLUMN_FLEX },
	{ "SCHEDULE", COLUMN_FLEX | COLUMN_OPTIONAL }, { "WHAT", COLUMN_FLEX }, { 0 },
};

#define PAGE 1000

static void
row(struct table *t, const struct output *o, const struct cJSON *job)
{
	const struct cJSON *last = json_get(job, "lastRun");
	const char *ended = json_get_string(last, "endedAt");
	char *far = o->terminal ? progress_text(o, last) : NULL;
	bool schedule = json_get(job, "schedule") != NULL;

	table_cell(t, xasprintf("%lld", json_get_int(job, "id", 0)));
	table_cell(t, xstrdup(json_get_string(job, "name")));
	table_cell(t, xstrdup(json_get_string(job, "kind")));
	table_cell(t, xstrdup(json_get_string(job, "state")));
	table_cell(t, text_when(o, json_get_string(job, "nextDue")));
	table_cell(t, text_when(o, ended ? ended : json_get_string(last, "startedAt")));
	/* The column that may be left out of a terminal tells it, too. */
	table_cell(t, far ? far : o->terminal && !last && json_get(job, "waitsFor") ?
	    xstrdup(json_get_string(job, "waitsFor")) : health_result(job));
	table_cell(t, xstrdup(json_get_string(job, schedule ? "schedule" : "waitsFor")));
	table_cell(t, xstrdup(json_get_string(job, "summary")));
}

struct paging {
	long long	left;	/* of --limit */
	long long	next;	/* where the next page begins, or 0 */
};

/* One page. */
static int
page(struct client *c, const struct cJSON *parameters, struct table *t, struct paging *paging)
{
	struct cJSON *reply = NULL;
	const struct cJSON *jobs, *job;
	int r = call_once(c, "io.jobd.List", parameters, &reply);

	if (r)
		return r;
	jobs = json_get(reply, "jobs");
	for (job = json_first(jobs); !c->out.json && job; job = json_next(job))
		row(t, &c->out, job);
	if (!c->out.json)
		table_flush(t);
	paging->left -= (long long)json_count(jobs);
	paging->next = json_get_int(reply, "next", 0);
	json_free(reply);
	return 0;
}

static int
list_run(struct client *c)
{
	struct paging paging = { .left = args_int(&c->args, "limit", INT64_MAX) };
	char *filter = json_print(c->args.parameters);
	struct table t;
	int r;

	table_init(&t, &c->out, columns);
	do {
		const char *why;
		struct cJSON *parameters = json_parse(filter, strlen(filter), &why);

		json_set_string(parameters, "name", c->args.n_words ? c->args.words[0] : NULL);
		if (paging.next)
			json_set_int(parameters, "after", paging.next);
		json_set_int(parameters, "limit", paging.left < PAGE ? paging.left : PAGE);
		r = page(c, parameters, &t, &paging);
		json_free(parameters);
	} while (r == 0 && paging.next && paging.left > 0);
	table_done(&t);
	free(filter);
	return r;
}
