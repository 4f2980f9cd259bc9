/*
 * jobctl add and jobctl run: a job from the command line.  add is one round trip and no
 * look-ups, so that a loop in a script adds about as fast as it could run /bin/true.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/call.h"
#include "client/client.h"
#include "client/follow.h"
#include "client/inherit.h"
#include "client/outcome.h"
#include "client/spec.h"
#include "client/value.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"

static int add_run(struct client *c);
static int run_run(struct client *c);

const struct command cmd_add = {
	.name = "add",
	.usage = "[OPTIONS] [--] COMMAND [ARG...]",
	.summary = "Add a job",
	.text = "The command is taken as it is, without a shell; --sh TEXT takes one. Options end\n"
	    "at the first word of the command. It starts in the present directory, unless -C\n"
	    "says otherwise, with a fixed environment: nothing of yours but what -e,\n"
	    "--env-here and --env-file set.\n\n"
	    INHERIT_LEFT_OUT,
	.examples = "  jobctl add --cron '0 3 * * *' -n backup --timeout 30m rsync -a /srv /backup\n"
	    "  jobctl add --calendar 'Mon..Fri 18:30' --tz Europe/Berlin -n report ./report\n"
	    "  jobctl add --every 30s -n site --http https://example.org/health\n"
	    "  jobctl add --after backup --after index:any -n verify ./verify\n",
	.options = spec_options,
	.verb = VERB_ADD,
	.options_first = true,
	.words_field = "command.argv",
	.words_name = "COMMAND",
	.words_max = WORDS_ANY,
	.run = add_run,
};

const struct command cmd_run = {
	.name = "run",
	.usage = "[OPTIONS] [--] COMMAND [ARG...]",
	.summary = "Run a command now, with its output here",
	.text =
	    "Adds a job that is due at once, prints its output as it comes, and exits with\n"
	    "its code: the command's own, 128+N when signal N ended it, 124 when it timed\n"
	    "out, 125 when it could not be started. Signals are passed on to it: ^C is for\n"
	    "the command, a second one cancels the run and waits for its end, a third one\n"
	    "leaves at once. It goes on when the terminal is closed or jobd is restarted, and\n"
	    "does not wait for who reads its output: of what is read later than it is written\n"
	    "no more is kept than --output-max, and where some is missing stderr says so.\n"
	    "It starts in the present directory and reads nothing unless --stdin says so. It\n"
	    "has a fixed environment: nothing of yours but what -e, --env-here and\n"
	    "--env-file set.\n",
	.examples =
	    "  jobctl run make -j4\n  jobctl run --timeout 10m --sh 'du -s /home/* | sort -n'\n",
	.options = spec_options,
	.verb = VERB_RUN,
	.options_first = true,
	.words_field = "command.argv",
	.words_name = "COMMAND",
	.words_max = WORDS_ANY,
	.run = run_run,
};

/* The parameters of Add: {"jobs":[spec]}.  The spec is given over. */
static struct cJSON *
add_parameters(struct client *c)
{
	struct cJSON *parameters = json_object(), *jobs = json_array();

	json_push(jobs, c->args.parameters);
	c->args.parameters = NULL;
	json_set(parameters, "jobs", jobs);
	return parameters;
}

/* What the next time changes will do to it. */
static void
warn(const struct cJSON *reply)
{
	struct strings warnings;
	size_t i;

	value_strings(reply, "warnings", &warnings);
	for (i = 0; i < warnings.n; i++)
		complain("note: %s", warnings.items[i]);
	strings_done(&warnings);
}

/* Would jobd take it?  When there is none, that has to be found out another time. */
static int
dry_check(const struct client *c, struct cJSON *parameters)
{
	struct client quiet = *c;
	struct cJSON *reply = NULL, *existing;
	struct buf said = { 0 };
	int r;

	quiet.out.json = false;		/* what would be sent is what is printed */
	json_set_bool(parameters, "dryRun", 1);
	complain_into(&said);
	r = call_once(&quiet, "io.jobd.Add", parameters, &reply);
	complain_into(NULL);
	json_remove(parameters, "dryRun");
	if (r == EXIT_UNREACHABLE) {
		complain("note: jobd is not running, and has not checked this");
		r = 0;
	} else {
		complain_lines(&said);
	}
	warn(reply);
	existing = r == 0 ? json_first(json_get(reply, "existing")) : NULL;
	if (existing) {
		char *id = json_print(existing);

		complain("note: job %s has this key already: nothing would be added", id);
		free(id);
	}
	json_free(reply);
	buf_done(&said);
	return r;
}

/* --dry-run: what Add would be told, if jobd would take it. */
static int
dry_run(const struct client *c, struct cJSON *parameters)
{
	int r = dry_check(c, parameters);

	if (r)
		return r;
	if (c->out.json) {
		output_json(parameters);
		return 0;
	}
	puts("would add a job:");
	spec_print(&c->out, json_first(json_get(parameters, "jobs")), false);
	return 0;
}

/* Add; *id is 0 after a dry run, *existed when its key was there and nothing was added. */
static int
add(struct client *c, long long *id, bool *existed)
{
	struct cJSON *parameters, *reply = NULL, *first;
	int r = spec_complete(c);

	*id = 0;
	*existed = false;
	if (r)
		return r;
	parameters = add_parameters(c);
	if (args_flag(&c->args, "dry-run")) {
		r = dry_run(c, parameters);
	} else {
		r = call_once(c, "io.jobd.Add", parameters, &reply);
		warn(reply);
		first = r ? NULL : json_first(json_get(reply, "ids"));
		*existed = r == 0 && json_count(json_get(reply, "existing")) > 0;
		if (first) {
			char *printed = json_print(first);

			*id = atoll(printed);
			free(printed);
		} else if (r == 0) {
			complain("jobd answered without an id");
			r = EXIT_FAILED;
		}
	}
	json_free(reply);
	json_free(parameters);
	return r;
}

static void
existing_told(long long id)
{
	complain("job %lld has this key already: nothing was added", id);
}

/* Wait for the end; the exit code is the run's. */
static int
wait_end(struct client *c, char *job, struct interrupt *interrupt)
{
	struct wait wait = { .jobs = &job, .n_jobs = 1, .until = "ended", .timeout = -1 };
	struct cJSON *reply = NULL;
	const struct cJSON *run;
	int r = follow_wait(c, &wait, interrupt, &reply);

	run = json_first(json_get(reply, "runs"));
	if (r == 0 && run) {
		r = outcome_code(run);
		outcome_complain(run, true);
	} else if (r == 0) {
		/* What it waited for has ended otherwise. */
		complain("job %s was not run, and will not be by itself; jobctl why %s tells more",
		    job, job);
		r = EXIT_FAILED;
	}
	json_free(reply);
	return r;
}

static int
add_run(struct client *c)
{
	const char *name = args_text(&c->args, "name");
	char *job;
	long long id;
	bool existed;
	int r = add(c, &id, &existed);

	if (r || id == 0)
		return r;
	if (existed && !args_flag(&c->args, "quiet"))
		existing_told(id);
	if (!c->out.json && args_flag(&c->args, "quiet"))
		printf("%lld\n", id);
	else if (!c->out.json && !existed)
		printf("added job %lld%s%s%s\n", id, name ? " (" : "", name ? name : "",
		    name ? ")" : "");
	output_flush();
	if (!args_flag(&c->args, "wait"))
		return EXIT_OK;
	job = xasprintf("%lld", id);
	r = wait_end(c, job, NULL);
	free(job);
	return r;
}

/* The output of the run that has begun, while it comes. */
static int
stream(struct client *c, const struct cJSON *run, struct interrupt *interrupt)
{
	struct logs logs = { .patient = true, .attended = true };
	struct cJSON *parameters = json_object();
	char *label = run_label(run);
	int r;

	json_set_string(parameters, "run", label);
	json_set_bool(parameters, "follow", 1);
	/* It may have failed and begun again before this. */
	json_set_bool(parameters, "whole", 1);
	logs.parameters = parameters;
	r = follow_logs(c, &logs, interrupt);
	json_free(parameters);
	free(label);
	return r;
}

static bool
has_output(const struct cJSON *run)
{
	const char *kind = json_get_string(run, "kind");

	return kind && strcmp(kind, "command") == 0;
}

static int
run_run(struct client *c)
{
	struct wait wait = { .n_jobs = 1, .until = "started", .timeout = -1 };
	struct interrupt interrupt;
	struct cJSON *reply = NULL;
	const struct cJSON *run;
	long long id;
	bool existed;
	char *job;
	int r = add(c, &id, &existed), ended;

	if (r || id == 0)
		return r;
	if (existed)
		existing_told(id);
	job = xasprintf("%lld", id);
	interrupt_init(&interrupt, c, job);
	wait.jobs = &job;
	r = follow_wait(c, &wait, &interrupt, &reply);
	run = json_first(json_get(reply, "runs"));
	if (r == 0 && run && has_output(run))
		r = stream(c, run, &interrupt);
	/* Without its output the run still has an end, which is what the caller asked for. */
	if (r != EXIT_UNREACHABLE && interrupt.count < INTERRUPT_LEFT) {
		ended = wait_end(c, job, &interrupt);
		r = interrupt.count >= INTERRUPT_CANCELED && ended != EXIT_OK ? EXIT_INTERRUPTED :
		    ended;
	}
	interrupt_done(&interrupt);
	json_free(reply);
	free(job);
	return r;
}
