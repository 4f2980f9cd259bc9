/*
 * jobctl trigger, retry, cancel, pause, resume and rm: one call with a selector each.  They are
 * alike but for a word, so they share what runs.
 */
#include <stdio.h>
#include <string.h>

#include "client/call.h"
#include "client/selection.h"
#include "client/value.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/when.h"

static int trigger_run(struct client *c);
static int retry_run(struct client *c);
static int cancel_run(struct client *c);
static int pause_run(struct client *c);
static int resume_run(struct client *c);
static int rm_run(struct client *c);

static const struct option trigger_options[] = {
	SELECTION_OPTIONS,
	{ 'q', "quiet", NULL, OPTION_FLAG, 0, NULL, NULL, "print only the runs" },
	{ 0 },
};

static const struct option retry_options[] = {
	SELECTION_OPTIONS,
	{ .name = "failed", .field = "failed",
	    .help = "all runs that failed, not only the latest of each job" },
	{ .name = "since", .argument = "TIME|DURATION", .kind = OPTION_TEXT,
	    .help = "of these: that failed since then, or so long ago" },
	{ 'q', "quiet", NULL, OPTION_FLAG, 0, NULL, NULL, "print only the runs" },
	{ 0 },
};

static const struct option quiet_options[] = {
	SELECTION_OPTIONS,
	{ 'q', "quiet", NULL, OPTION_FLAG, 0, NULL, NULL, "print nothing" },
	{ 0 },
};

static const struct option cancel_options[] = {
	SELECTION_OPTIONS,
	{ .name = "reason", .argument = "TEXT", .kind = OPTION_TEXT, .field = "reason",
	    .help = "for the record" },
	{ 'q', "quiet", NULL, OPTION_FLAG, 0, NULL, NULL, "print only the runs" },
	{ 0 },
};

static const struct option rm_options[] = {
	SELECTION_OPTIONS,
	{ .name = "cancel", .field = "cancel", .help = "end what is running first" },
	{ 'q', "quiet", NULL, OPTION_FLAG, 0, NULL, NULL, "print nothing" },
	{ 0 },
};

const struct command cmd_trigger = {
	.name = "trigger",
	.usage = "[OPTIONS] [JOB...]",
	.summary = "Run jobs now, whatever their schedule says",
	.examples = "  jobctl trigger backup\n  jobctl trigger -q backup | xargs jobctl wait\n",
	.options = trigger_options,
	.run = trigger_run,
	SELECTION_WORDS,
};

const struct command cmd_retry = {
	.name = "retry",
	.usage = "[OPTIONS] [JOB|RUN...]",
	.summary = "Try runs that failed again",
	.text =
	    "Of a job its latest run. The run keeps its number and gets another attempt,\n"
	    "with all its retries; jobctl show RUN lists the attempts. A run that waits for\n"
	    "its next attempt waits no longer, and a job in quarantine leaves it. With\n"
	    "--failed: every run that failed, timed out or was lost, of these jobs or, with\n"
	    "--since, of all.\n",
	.examples = "  jobctl retry backup\n  jobctl retry 12.3\n  jobctl retry --failed --since 2h\n",
	.options = retry_options,
	.run = retry_run,
	SELECTION_WORDS,
};

const struct command cmd_cancel = {
	.name = "cancel",
	.alias = "kill",
	.usage = "[OPTIONS] [JOB|RUN...]",
	.summary = "End active runs: TERM, and after a grace KILL",
	.text = "It answers when that is under way; jobctl wait waits for the end. What is due\n"
	    "and waits for its turn never begins; a job that repeats goes on with its next\n"
	    "time.\n",
	.examples = "  jobctl cancel 12.3\n  jobctl cancel --reason 'host goes down' 'batch-*'\n"
	    "  jobctl cancel -l team=dba --state running\n",
	.options = cancel_options,
	.run = cancel_run,
	SELECTION_WORDS,
};

const struct command cmd_pause = {
	.name = "pause",
	.usage = "[OPTIONS] [JOB...]",
	.summary = "Start no new runs of jobs until resume",
	.text = "Runs that are active go on, but get no further attempt until then.\n",
	.examples = "  jobctl pause backup\n  jobctl pause 'db-*'\n  jobctl pause --all\n",
	.options = quiet_options,
	.run = pause_run,
	SELECTION_WORDS,
};

const struct command cmd_resume = {
	.name = "resume",
	.usage = "[OPTIONS] [JOB...]",
	.summary = "Go on with jobs that are paused or in quarantine",
	.examples = "  jobctl resume backup\n  jobctl resume --state paused\n",
	.options = quiet_options,
	.run = resume_run,
	SELECTION_WORDS,
};

const struct command cmd_rm = {
	.name = "rm",
	.alias = "remove",
	.usage = "[OPTIONS] [JOB...]",
	.summary = "Remove jobs with their runs and output",
	.text = "A job that is running is refused without --cancel. Jobs that wait for one that\n"
	    "is removed stay, but can only be triggered.\n",
	.examples = "  jobctl rm 12 13\n  jobctl rm --cancel 'tmp-*'\n  jobctl rm --state finished\n",
	.on_conflict = "rm --cancel ends it first",
	.options = rm_options,
	.run = rm_run,
	SELECTION_WORDS,
};

/* What all replies said: runs, which are printed as they come, or how many jobs. */
struct told {
	long long	count;		/* -1: runs are told instead */
	size_t		runs;
	long long	waited;		/* jobs, for what is removed */
	bool		left;		/* there is more than one call may touch */
};

static void
tell_reply(const struct client *c, const char *done, const struct cJSON *reply, struct told *sum)
{
	bool quiet = args_flag(&c->args, "quiet");
	struct strings runs;
	size_t i;

	value_strings(reply, "runs", &runs);
	for (i = 0; i < runs.n; i++)
		printf("%s%s%s\n", quiet ? "" : done, quiet ? "" : " ", runs.items[i]);
	sum->runs += runs.n;
	if (json_get(reply, "count"))
		sum->count = (sum->count < 0 ? 0 : sum->count) + json_get_int(reply, "count", 0);
	sum->waited += json_get_int(reply, "dependents", 0);
	sum->left |= json_get_bool(reply, "left", 0);
	strings_done(&runs);
}

static void
tell(const struct client *c, const char *done, const struct told *sum)
{
	if (sum->count == 0)
		complain("nothing to do: nothing was %s by this", done);
	else if (sum->count > 0 && !args_flag(&c->args, "quiet"))
		printf("%s %lld job%s\n", done, sum->count, sum->count == 1 ? "" : "s");
	if (sum->waited > 0 && !args_flag(&c->args, "quiet"))
		complain("note: %lld job%s waited for what is removed, and can only be triggered now",
		    sum->waited, sum->waited == 1 ? "" : "s");
	if (sum->count < 0 && sum->runs == 0)
		complain(c->command == &cmd_retry ? "nothing has failed" : "nothing was active");
	if (sum->left)
		complain("there are more: retry again");
}

/* Page by page, when more is chosen than a call may touch. */
static int
call_all(struct client *c, const char *method, const char *done)
{
	struct cJSON *parameters = c->args.parameters, *reply;
	struct told sum = { .count = -1 };
	bool more = true;
	int r = 0;

	while (more) {
		reply = NULL;
		r = call_once(c, method, parameters, &reply);
		if (r == 0 && !c->out.json)
			tell_reply(c, done, reply, &sum);
		more = r == 0 && selection_next(parameters, reply);
		json_free(reply);
	}
	/* Of pages that went before a refusal, too. */
	if (!c->out.json && (r == 0 || sum.count > 0))
		tell(c, done, &sum);
	return r;
}

static int
selector_call(struct client *c, const char *method, const char *done)
{
	int r = selection_take(c, c->args.parameters);

	return r == 0 ? call_all(c, method, done) : r;
}

static int
trigger_run(struct client *c)
{
	return selector_call(c, "io.jobd.Trigger", "queued");
}

static int
retry_run(struct client *c)
{
	const struct args *a = &c->args;
	bool every = args_flag(a, "failed") && args_flag(a, "since");
	int r = since_take(c);

	if (r)
		return r;
	/* What has failed since then, of all: there is no need to say so twice. */
	if (a->n_words == 0 && every && !args_flag(a, "label") && !args_flag(a, "state") &&
	    !args_flag(a, "all"))
		return call_all(c, "io.jobd.Retry", "queued");
	return selector_call(c, "io.jobd.Retry", "queued");
}

static int
cancel_run(struct client *c)
{
	return selector_call(c, "io.jobd.Cancel", "canceling");
}

static int
pause_run(struct client *c)
{
	return selector_call(c, "io.jobd.Pause", "paused");
}

static int
resume_run(struct client *c)
{
	return selector_call(c, "io.jobd.Resume", "resumed");
}

static int
rm_run(struct client *c)
{
	return selector_call(c, "io.jobd.Remove", "removed");
}
