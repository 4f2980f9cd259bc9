/*
 * jobctl wait: until runs have ended; the exit code says how.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "client/follow.h"
#include "client/outcome.h"
#include "client/selection.h"
#include "client/value.h"
#include "proto/error.h"
#include "proto/json.h"

static int wait_run(struct client *c);

static const struct option wait_options[] = {
	SELECTION_OPTIONS,
	{ .name = "timeout", .argument = "DURATION", .kind = OPTION_DURATION,
	    .field = "timeoutUSec",
	    .help = "give up after so long, with code 7" },
	{ .name = "until", .argument = "ended|started", .kind = OPTION_TEXT, .field = "until",
	    .help = "what to wait for (ended)" },
	{ .name = "any", .help = "until one of them has, and print which" },
	{ 0 },
};

const struct command cmd_wait = {
	.name = "wait",
	.usage = "[OPTIONS] [JOB|RUN...]",
	.summary = "Wait until runs have ended",
	.text =
	    "Of a job it is the latest run, and what the job still has due once. With one\n"
	    "JOB or RUN the exit code is that of the run: the command's own, 128+N when\n"
	    "signal N ended it, 124 when it timed out. With several it is 0 when all\n"
	    "succeeded, else 1. With --any it is that of the first that ends, whose run is\n"
	    "printed. Waiting for the start succeeds when a run has begun. On a terminal a\n"
	    "line tells how things stand.\n",
	.examples =
	    "  jobctl wait 12.3\n  jobctl wait --timeout 1h backup index && echo both fine\n"
	    "  first=$(jobctl wait --any 12 13 14)\n",
	.options = wait_options,
	.words_field = "jobs",
	.words_name = "JOB or RUN",
	.words_max = WORDS_ANY,
	.run = wait_run,
};

/* One code for all; each failure is told. */
static int
judge(const struct cJSON *runs)
{
	const struct cJSON *run;
	bool alone = json_count(runs) == 1;
	int worst = EXIT_OK;

	for (run = json_first(runs); run; run = json_next(run)) {
		int code = outcome_code(run);

		outcome_complain(run, alone);
		if (code != EXIT_OK)
			worst = alone ? code : EXIT_FAILED;
	}
	return worst;
}

/* Of those that any is content with, the first to have ended, or to have begun; NULL: none has run. */
static const struct cJSON *
first_of(const struct cJSON *runs, const char *field)
{
	const struct cJSON *run, *first = NULL;

	/* Instants are written so that they are in order as texts, too. */
	for (run = json_first(runs); run; run = json_next(run)) {
		if (!first || strcmp(value_text(run, field), value_text(first, field)) < 0)
			first = run;
	}
	return first;
}

/* Which it was is printed; its code is ours. */
static int
first_told(const struct client *c, const struct cJSON *runs, bool ended)
{
	const struct cJSON *run = first_of(runs, ended ? "endedAt" : "startedAt");
	char *label;

	if (!run)
		return EXIT_OK;
	if (!c->out.json) {
		label = run_label(run);
		puts(label);
		free(label);
		output_flush();
	}
	if (!ended)
		return EXIT_OK;
	outcome_complain(run, true);
	return outcome_code(run);
}

static int
wait_run(struct client *c)
{
	const char *until = args_text(&c->args, "until");
	struct cJSON *which = c->args.parameters;
	struct wait wait = {
		.which = which,
		.until = until ? until : "ended",
		.any = args_flag(&c->args, "any"),
		.timeout = json_get_int(c->args.parameters, "timeoutUSec", -1),
	};
	const struct cJSON *runs;
	struct cJSON *reply = NULL;
	int r = selection_take(c, which);

	if (r)
		return r;
	r = follow_wait(c, &wait, NULL, &reply);

	runs = json_get(reply, "runs");
	if (r == 0 && wait.any)
		r = first_told(c, runs, strcmp(wait.until, "ended") == 0);
	else if (r == 0 && strcmp(wait.until, "ended") == 0)
		r = judge(runs);
	if (r == 0 && c->args.n_words == 1 && json_count(runs) == 0) {
		complain("%s was not run, and will not be by itself", c->args.words[0]);
		r = EXIT_FAILED;
	}
	json_free(reply);
	return r;
}
