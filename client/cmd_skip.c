/*
 * jobctl skip and backfill: occurrences that are not to come, and that should have.
 */
#include <stdio.h>
#include <stdlib.h>

#include "client/call.h"
#include "client/client.h"
#include "client/occurrence.h"
#include "client/selection.h"
#include "client/value.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"

static int skip_run(struct client *c);
static int backfill_run(struct client *c);

static const struct option skip_options[] = {
	SELECTION_OPTIONS,
	{ 'n', "count", "N", OPTION_COUNT, 0, "count", NULL, "so many of each job (1)" },
	{ 'q', "quiet", NULL, OPTION_FLAG, 0, NULL, NULL, "print nothing" },
	{ 0 },
};

const struct command cmd_skip = {
	.name = "skip",
	.usage = "[OPTIONS] [JOB...]",
	.summary = "Leave out the next occurrences of jobs",
	.text = "They are written down as skipped by hand; the job goes on after them.\n",
	.examples = "  jobctl skip backup\n  jobctl skip -n 3 report\n",
	.options = skip_options,
	SELECTION_WORDS,
	.run = skip_run,
};

static const struct option backfill_options[] = {
	{ 0, "from", "TIME", OPTION_INSTANT, 0, "from", NULL, "what was due from then on" },
	{ 0, "to", "TIME", OPTION_INSTANT, 0, "to", NULL, "up to then (now)" },
	{ 0, "max", "N", OPTION_COUNT, 0, "max", NULL, "only the latest so many (100)" },
	{ 0, "tz", "ZONE", OPTION_ZONE, 0, NULL, NULL, "of the times, instead of this host's" },
	{ 0, "dry-run", NULL, OPTION_FLAG, 0, "dryRun", NULL, "say what would run, run nothing" },
	{ 'q', "quiet", NULL, OPTION_FLAG, 0, NULL, NULL, "print the runs only" },
	{ 0 },
};

const struct command cmd_backfill = {
	.name = "backfill",
	.usage = "--from TIME [OPTIONS] JOB",
	.summary = "Run what a schedule had in the past and was not run",
	.text = "One run for each, one after another, with JOBD_DUE telling which; what was run\n"
	    "already, by the schedule or by an earlier backfill, is not run again.\n",
	.examples = "  jobctl backfill backup --from 2026-11-20 --dry-run\n"
	    "  jobctl backfill backup --from 2026-11-20 --to 2026-11-25 --max 3\n",
	.options = backfill_options,
	.words_field = "job",
	.words_name = "JOB",
	.words_min = 1,
	.words_max = 1,
	.one_job = true,
	.run = backfill_run,
};

static void
skipped_print(const struct client *c, const struct cJSON *reply)
{
	struct strings skipped;
	size_t i;

	value_strings(reply, "skipped", &skipped);
	for (i = 0; i < skipped.n; i++) {
		char *text = text_instant(&c->out, skipped.items[i]);

		printf("skipped %s\n", text);
		free(text);
	}
	strings_done(&skipped);
}

static int
skip_run(struct client *c)
{
	struct cJSON *parameters = c->args.parameters, *reply;
	int r = selection_take(c, parameters);
	bool more = r == 0;

	while (more) {
		reply = NULL;
		r = call_once(c, "io.jobd.Skip", parameters, &reply);
		if (r == 0 && !c->out.json && !args_flag(&c->args, "quiet"))
			skipped_print(c, reply);
		more = r == 0 && selection_next(parameters, reply);
		json_free(reply);
	}
	return r;
}

static int
backfill_run(struct client *c)
{
	struct cJSON *reply = NULL, *parameters = c->args.parameters;
	char now[WHEN_TEXT_MAX];
	struct strings runs;
	size_t i;
	int r;

	if (!args_flag(&c->args, "from")) {
		complain("since when? Give --from TIME");
		return EXIT_USAGE;
	}
	json_set_string(parameters, "job", c->args.words[0]);
	past_take(c, "from");
	past_take(c, "to");
	if (!args_flag(&c->args, "to"))
		json_set_string(parameters, "to", instant_print(instant_now(), now));
	r = call_once(c, "io.jobd.Backfill", parameters, &reply);
	value_strings(reply, "runs", &runs);
	for (i = 0; r == 0 && !c->out.json && i < runs.n; i++)
		printf("%s%s\n", args_flag(&c->args, "quiet") ? "" : "queued ", runs.items[i]);
	if (r == 0 && !c->out.json && json_count(json_get(reply, "occurrences")) == 0)
		complain("there is nothing to make up for");
	else if (r == 0 && !c->out.json && args_flag(&c->args, "dry-run"))
		occurrences_print(&c->out, json_get(reply, "occurrences"));
	strings_done(&runs);
	json_free(reply);
	return r;
}
