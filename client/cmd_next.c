/*
 * jobctl next and explain: when a job, or any schedule, is due, and what is to be said of it; the
 * same in words.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/call.h"
#include "client/client.h"
#include "client/occurrence.h"
#include "client/outcome.h"
#include "client/spec.h"
#include "client/value.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"

static int next_run(struct client *c);
static int explain_run(struct client *c);

#define EXPLAIN_COUNT 3

/* Of which schedule. */
#define SCHEDULE_OPTIONS \
	{ 0, "from", "TIME", OPTION_INSTANT, 0, "from", NULL, "after that time, instead of now" }, \
	{ 0, "cron", "EXPRESSION", OPTION_TEXT, 0, "cron", "Without a job", "of these times" }, \
	{ 0, "calendar", "EXPRESSION", OPTION_TEXT, 0, "calendar", NULL, "of these times" }, \
	{ 0, "every", "DURATION", OPTION_DURATION, 0, "everyUSec", NULL, "from now on" }, \
	{ 0, "tz", "ZONE", OPTION_ZONE, 0, "timeZone", NULL, "of the times, instead of the host's" }, \
	{ 0, "dst", "once|skip|both", OPTION_TEXT, 0, "dst", NULL, \
	    "times that a time change leaves out or repeats" }, \
	{ 0, "until", "TIME", OPTION_INSTANT, 0, "until", NULL, "none after" }, \
	{ 0, "except", "CALENDAR", OPTION_TEXTS, 0, "except", NULL, "not then, may be repeated" }

static const struct option next_options[] = {
	{ 'n', "count", "N", OPTION_COUNT, 0, "n", NULL, "so many (10)" },
	SCHEDULE_OPTIONS,
	{ 0 },
};

static const struct option explain_options[] = {
	{ 'n', "count", "N", OPTION_COUNT, 0, "n", NULL, "so many of the next times (3)" },
	SCHEDULE_OPTIONS,
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

const struct command cmd_explain = {
	.name = "explain",
	.usage = "[OPTIONS] [JOB]",
	.summary = "Tell in words when a job, or a schedule, is due",
	.text = "What the expression means, what time changes do to it and on which dates, what\n"
	    "bounds it, and of a job what becomes of what is missed. Then the next times.\n",
	.examples = "  jobctl explain backup\n"
	    "  jobctl explain --cron '30 2 * * MON-FRI' --tz Europe/Berlin\n",
	.options = explain_options,
	.words_field = "job",
	.words_name = "JOB",
	.words_max = 1,
	.one_job = true,
	.run = explain_run,
};

/* A job has its schedule already. */
static int
next_check(const struct client *c)
{
	static const char *const others[] = { "cron", "calendar", "every", "tz", "dst", "until", "except" };
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

/* Ask, and leave the occurrences and the notes to be told.  An exit code. */
static int
next_ask(struct client *c, struct cJSON **reply)
{
	int r = next_check(c);

	if (r)
		return r;
	if (c->args.n_words > 0) {
		json_set_string(c->args.parameters, "job", c->args.words[0]);
		json_remove(c->args.parameters, "timeZone");
	}
	return call_once(c, "io.jobd.Next", c->args.parameters, reply);
}

static void
next_print(const struct output *o, const struct cJSON *reply)
{
	const struct cJSON *occurrences = json_get(reply, "occurrences");
	struct strings notes;
	size_t i;

	value_strings(reply, "notes", &notes);
	if (json_count(occurrences) > 0)
		occurrences_print(o, occurrences);
	else if (notes.n == 0)
		complain("it comes no more");
	output_flush();
	for (i = 0; i < notes.n; i++)
		complain("note: %s", notes.items[i]);
	strings_done(&notes);
}

static int
next_run(struct client *c)
{
	struct cJSON *reply = NULL;
	int r = next_ask(c, &reply);

	if (r == 0 && !c->out.json)
		next_print(&c->out, reply);
	json_free(reply);
	return r;
}

static int
explain_run(struct client *c)
{
	const struct cJSON *phrase;
	struct cJSON *reply = NULL;
	char *label;
	int r;

	json_set_bool(c->args.parameters, "explain", true);
	if (!args_flag(&c->args, "count"))
		json_set_int(c->args.parameters, "n", EXPLAIN_COUNT);
	r = next_ask(c, &reply);
	if (r == 0 && !c->out.json) {
		for (phrase = json_first(json_get(reply, "words")); phrase; phrase = json_next(phrase)) {
			label = word_print(value_text(phrase, "what"));
			line_print(&c->out, label, xstrdup(value_text(phrase, "text")));
			free(label);
		}
		if (json_count(json_get(reply, "occurrences")) > 0)
			puts("");
		next_print(&c->out, reply);
	}
	json_free(reply);
	return r;
}
