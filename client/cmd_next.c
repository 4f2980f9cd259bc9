/*
 * jobctl next: when a job, or any schedule, is due, and what is to be said of it.
 */
#include <stdlib.h>
#include <string.h>

#include "client/call.h"
#include "client/client.h"
#include "client/occurrence.h"
#include "client/value.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"

static int next_run(struct client *c);

static const struct option next_options[] = {
	{ 'n', "count", "N", OPTION_COUNT, 0, "n", NULL, "so many (10)" },
	{ 0, "from", "TIME", OPTION_INSTANT, 0, "from", NULL, "after that time, instead of now" },
	{ 0, "cron", "EXPRESSION", OPTION_TEXT, 0, "cron", "Without a job", "of these times" },
	{ 0, "calendar", "EXPRESSION", OPTION_TEXT, 0, "calendar", NULL, "of these times" },
	{ 0, "every", "DURATION", OPTION_DURATION, 0, "everyUSec", NULL, "from now on" },
	{ 0, "tz", "ZONE", OPTION_ZONE, 0, "timeZone", NULL, "of the times, instead of the host's" },
	{ 0, "dst", "once|skip|both", OPTION_TEXT, 0, "dst", NULL,
	    "times that a time change leaves out or repeats" },
	{ 0, "until", "TIME", OPTION_INSTANT, 0, "until", NULL, "none after" },
	{ 0, "except", "CALENDAR", OPTION_TEXTS, 0, "except", NULL, "not then, may be repeated" },
	{ 0 },
};

const struct command cmd_next = {
	.name = "next",
	.usage = "[OPTIONS] [JOB]",
	.summary = "Show when a job, or a schedule, is due",
	.text = "Times are those of the schedule's own zone. Dates that a time change affects are\n"
	    "marked, and the next such notes are told.\n",
	.examples = "  jobctl next backup\n"
	    "  jobctl next --cron '30 2 * * *' --tz Europe/Berlin --from 2027-03-26 -n 5\n",
	.options = next_options,
	.words_field = "job",
	.words_name = "JOB",
	.words_max = 1,
	.one_job = true,
	.run = next_run,
};

/* A job has its schedule already. */
static int
next_check(const struct client *c)
{
	static const char *const others[] = { "cron", "calendar", "every", "dst", "until", "except" };
	int asked = args_flag(&c->args, "cron") + args_flag(&c->args, "calendar") +
	    args_flag(&c->args, "every");
	size_t i;

	if (asked > 1) {
		complain("give only one of --cron, --calendar and --every");
		return EXIT_USAGE;
	}
	if (c->args.n_words == 0 && asked == 0) {
		complain("of what? Give a JOB, or --cron, --calendar or --every");
		return EXIT_USAGE;
	}
	for (i = 0; c->args.n_words > 0 && i < sizeof(others) / sizeof(others[0]); i++)
		if (args_flag(&c->args, others[i])) {
			complain("--%s is for a schedule without a job", others[i]);
			return EXIT_USAGE;
		}
	return 0;
}

static int
next_run(struct client *c)
{
	struct cJSON *reply = NULL;
	struct strings notes;
	size_t i;
	int r = next_check(c);

	if (r)
		return r;
	if (c->args.n_words > 0) {
		json_set_string(c->args.parameters, "job", c->args.words[0]);
		json_remove(c->args.parameters, "timeZone");
	}
	r = call_once(c, "io.jobd.Next", c->args.parameters, &reply);
	if (r == 0 && !c->out.json) {
		value_strings(reply, "notes", &notes);
		if (json_count(json_get(reply, "occurrences")) > 0)
			occurrences_print(&c->out, json_get(reply, "occurrences"));
		else if (notes.n == 0)
			complain("it comes no more");
		output_flush();
		for (i = 0; i < notes.n; i++)
			complain("note: %s", notes.items[i]);
		strings_done(&notes);
	}
	json_free(reply);
	return r;
}
