/*
 * jobctl signal: a signal to running commands, whose run goes on.
 */
#include <stdio.h>

#include "client/call.h"
#include "client/client.h"
#include "client/value.h"
#include "proto/json.h"

static int signal_run(struct client *c);

static const struct option signal_options[] = {
	{ 'q', "quiet", NULL, OPTION_FLAG, 0, NULL, NULL, "print nothing" },
	{ 0 },
};

const struct command cmd_signal = {
	.name = "signal",
	.usage = "[OPTIONS] JOB|RUN... SIGNAL",
	.summary = "Send a signal to running commands",
	.text = "It goes to the main process and its group. SIGNAL is a name, with or without\n"
	    "SIG, or a number. To end a run with all that it has started there is cancel.\n",
	.examples = "  jobctl signal nginx HUP\n  jobctl signal 12.3 SIGUSR1\n",
	.options = signal_options,
	.run = signal_run,
	.words_field = "jobs",
	.words_name = "JOB or RUN, and SIGNAL",
	.words_min = 2,
	.words_max = WORDS_ANY,
};

static int
signal_run(struct client *c)
{
	struct cJSON *reply = NULL;
	size_t last = c->args.n_words - 1, i;
	struct strings runs;
	int r;

	for (i = 0; i < last; i++)
		value_push_string(c->args.parameters, "jobs", c->args.words[i]);
	json_set_string(c->args.parameters, "signal", c->args.words[last]);
	r = call_once(c, "io.jobd.Signal", c->args.parameters, &reply);
	if (r == 0 && !c->out.json && !args_flag(&c->args, "quiet")) {
		value_strings(reply, "runs", &runs);
		for (i = 0; i < runs.n; i++)
			printf("signaled %s\n", runs.items[i]);
		if (runs.n == 0)
			complain("nothing runs");
		strings_done(&runs);
	}
	json_free(reply);
	return r;
}
