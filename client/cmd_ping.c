/*
 * jobctl ping: a heartbeat's work tells of itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/call.h"
#include "client/client.h"
#include "proto/error.h"
#include "proto/json.h"

static int ping_run(struct client *c);

static const struct option ping_options[] = {
	{ 0, "fail", NULL, OPTION_FLAG, 0, NULL, NULL, "it has failed" },
	{ 0, "start", NULL, OPTION_FLAG, 0, NULL, NULL, "it begins: how long it takes is kept" },
	{ 0, "reason", "TEXT", OPTION_TEXT, 0, "reason", NULL, "kept with the run, told with a failure" },
	{ 'q', "quiet", NULL, OPTION_FLAG, 0, NULL, NULL, "print nothing" },
	{ 0 },
};

const struct command cmd_ping = {
	.name = "ping",
	.usage = "[--fail|--start] [--reason TEXT] JOB",
	.summary = "Tell that what a heartbeat is for is done, or failed",
	.text = "JOB was added with --heartbeat. When this has ended the ping is on disk. While\n"
	    "jobd is down nobody can be told: the exit code is 5 then, and to be tried again.\n",
	.examples = "  ./backup && jobctl ping nightly\n"
	    "  jobctl ping nightly --start\n"
	    "  ./backup || jobctl ping nightly --fail --reason \"code $?\"\n"
	    "  jobctl --host user@box ping nightly\n",
	.options = ping_options,
	.words_field = "job",
	.words_name = "JOB",
	.words_min = 1,
	.words_max = 1,
	.run = ping_run,
};

static void
answer_print(const struct client *c, const struct cJSON *reply)
{
	const char *is = json_get_string(reply, "is"), *next = json_get_string(reply, "nextDue");
	const char *run = json_get_string(reply, "run");
	bool extra = is && strcmp(is, "extra") == 0;
	char *at = next ? text_instant(&c->out, next) : NULL;

	printf("%s%s%s%s\n", run ? run : "", extra ? ", beside the schedule" : "",
	    at ? "; the next is expected by " : "", at ? at : "");
	free(at);
}

static int
ping_run(struct client *c)
{
	bool fail = args_flag(&c->args, "fail"), start = args_flag(&c->args, "start");
	struct cJSON *reply = NULL;
	int r;

	if (fail && start) {
		complain("give --fail or --start, not both");
		return EXIT_USAGE;
	}
	json_set_string(c->args.parameters, "job", c->args.words[0]);
	if (fail || start)
		json_set_string(c->args.parameters, "what", fail ? "fail" : "start");
	r = call_once(c, "io.jobd.Ping", c->args.parameters, &reply);
	if (r == 0 && !c->out.json && !args_flag(&c->args, "quiet"))
		answer_print(c, reply);
	json_free(reply);
	return r;
}
