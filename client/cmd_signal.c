/*
 * jobctl signal: a signal to running commands, whose run goes on.
 */
#include <stdio.h>

#include "client/call.h"
#include "client/client.h"
#include "client/selection.h"
#include "client/value.h"
#include "proto/json.h"

static int signal_run(struct client *c);

static const struct option signal_options[] = {
	SELECTION_OPTIONS,
	{ 'q', "quiet", NULL, OPTION_FLAG, 0, NULL, NULL, "print nothing" },
	{ 0 },
};

const struct command cmd_signal = {
	.name = "signal",
	.usage = "[OPTIONS] [JOB|RUN...] SIGNAL",
	.summary = "Send a signal to running commands",
	.text = "It goes to the main process and its group. SIGNAL is a name, with or without\n"
	    "SIG, or a number. To end a run with all that it has started there is cancel.\n",
	.examples = "  jobctl signal nginx HUP\n  jobctl signal 12.3 SIGUSR1\n"
	    "  jobctl signal -l team=dba USR1\n",
	.options = signal_options,
	.run = signal_run,
	.words_field = "jobs",
	.words_name = "JOB or RUN, and SIGNAL",
	.words_min = 1,
	.words_max = WORDS_ANY,
};

static int
signal_run(struct client *c)
{
	struct cJSON *reply = NULL;
	struct strings runs;
	size_t i;
	int r;

	/* The last word says which; those before it choose. */
	json_set_string(c->args.parameters, "signal", c->args.words[--c->args.n_words]);
	r = selection_take(c, c->args.parameters);
	if (r != 0)
		return r;
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
