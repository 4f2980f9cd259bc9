/*
 * jobctl logs: the output of a run, as it was written.
 */
#include <string.h>

#include "client/client.h"
#include "client/follow.h"
#include "client/selection.h"
#include "proto/error.h"
#include "proto/json.h"

static int logs_run(struct client *c);

static const struct option logs_options[] = {
	{ 'f', "follow", NULL, OPTION_FLAG, 0, "follow", NULL, "go on until the run has ended" },
	{ 'n', "tail", "N", OPTION_INT, 0, "tail", NULL, "only the last N lines" },
	{ .name = "since", .argument = "TIME", .kind = OPTION_TEXT,
	    .help = "only what was written since then: 08:30, or 10m ago" },
	{ .name = "attempt", .argument = "N", .kind = OPTION_COUNT, .field = "attempt",
	    .help = "of this attempt instead of the latest" },
	{ .name = "stdout", .help = "only what it wrote to stdout" },
	{ .name = "stderr", .help = "only what it wrote to stderr" },
	{ 't', "timestamps", NULL, OPTION_FLAG, 0, NULL, NULL, "each line with its time" },
	{ 0 },
};

const struct command cmd_logs = {
	.name = "logs",
	.usage = "[OPTIONS] JOB|RUN",
	.summary = "Show the output of a run, or of a job's latest run",
	.text = "What the command wrote to stdout goes to stdout, and stderr to stderr, byte for\n"
	    "byte: on a terminal, too, so do not look at the output of a command that you do\n"
	    "not trust without a pager that shows control characters, like less. Where output\n"
	    "is missing, beyond the job's --output-max, a line on stderr says how much.\n",
	.examples = "  jobctl logs -f backup\n  jobctl logs --stderr --tail 20 12.3\n",
	.options = logs_options,
	.words_field = "run",
	.words_name = "JOB or RUN",
	.words_min = 1,
	.words_max = 1,
	.run = logs_run,
};

static int
logs_run(struct client *c)
{
	struct logs logs = { .parameters = c->args.parameters, .tell_none = true };
	bool only_out = args_flag(&c->args, "stdout"), only_err = args_flag(&c->args, "stderr");

	json_set_string(c->args.parameters, "run", c->args.words[0]);
	if (only_out != only_err)	/* both is the same as none */
		json_set_string(c->args.parameters, "stream", only_out ? "stdout" : "stderr");
	if (since_take(c))
		return EXIT_USAGE;
	logs.timestamps = args_flag(&c->args, "timestamps");
	logs.patient = args_flag(&c->args, "follow");
	return follow_logs(c, &logs, NULL);
}
