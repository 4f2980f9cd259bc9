/*
 * jobctl daemon and reload: what is done to jobd itself.
 */
#include <stdio.h>
#include <string.h>

#include "client/call.h"
#include "client/client.h"
#include "proto/error.h"
#include "proto/json.h"

static int daemon_run(struct client *c), reload_run(struct client *c);

static const struct option daemon_options[] = {
	{ .name = "daemon", .field = "daemon", .help = "jobd alone" },
	{ .name = "runner", .field = "runner", .help = "jobd-runner alone" },
	{ 'q', "quiet", NULL, OPTION_FLAG, 0, NULL, NULL, "print nothing" },
	{ 0 },
};

const struct command cmd_daemon = {
	.name = "daemon",
	.usage = "[OPTIONS] reexec",
	.summary = "Execute jobd and jobd-runner anew, as after an upgrade",
	.text = "Commands go on and notice nothing, clients that wait or follow come back by\n"
	    "themselves. A program that does not start is noticed before, and all goes on as\n"
	    "it was. For root, and whoever runs jobd.\n",
	.examples = "  jobctl daemon reexec\n  jobctl daemon reexec --runner\n",
	.options = daemon_options,
	.run = daemon_run,
	.words_name = "reexec",
	.words_min = 1,
	.words_max = 1,
};

/* Say who answers now: the old one does not any more. */
static int
tell_version(struct client *c)
{
	struct cJSON *nothing = json_object();
	struct call call;
	int r = call_open(&call, c);

	call.patient = true;
	while (r == 0) {
		r = call_send(&call, "io.jobd.Stats", nothing, false);
		if (r == 0)
			r = call_next(&call);
		if (!call.lost)
			break;
		r = call_again(&call);
	}
	if (r == 0)
		printf("jobd %s runs, pid %lld\n",
		    json_get_string(call.reply.parameters, "version"),
		    json_get_int(call.reply.parameters, "pid", 0));
	call_close(&call);
	json_free(nothing);
	return r;
}

static int
daemon_run(struct client *c)
{
	struct cJSON *reply = NULL;
	int r;

	if (strcmp(c->args.words[0], "reexec") != 0) {
		complain("daemon %s: there is no such thing; did you mean daemon reexec?",
		    c->args.words[0]);
		return EXIT_USAGE;
	}
	r = call_once(c, "io.jobd.Reexec", c->args.parameters, &reply);
	json_free(reply);
	if (r == 0 && !c->out.json && !args_flag(&c->args, "quiet"))
		r = tell_version(c);
	return r;
}

static const struct option reload_options[] = {
	{ 'q', "quiet", NULL, OPTION_FLAG, 0, NULL, NULL, "print nothing" },
	{ 0 },
};

const struct command cmd_reload = {
	.name = "reload",
	.usage = "[OPTIONS]",
	.summary = "Have jobd read its configuration again",
	.text = "Limits, retention and targets are changed at once, and nothing is stopped; what\n"
	    "else was changed is told, with what makes it count. A configuration with a\n"
	    "mistake changes nothing. For root, and whoever runs jobd.\n",
	.examples = "  jobctl reload\n  jobctl reload && jobctl daemon reexec --daemon\n",
	.options = reload_options,
	.run = reload_run,
};

static void
names_print(const char *what, const struct cJSON *names)
{
	const struct cJSON *name;

	for (name = json_first(names); name; name = json_next(name))
		printf("%s  %s\n", what, json_text(name));
}

static int
reload_run(struct client *c)
{
	struct cJSON *reply = NULL;
	int r = call_once(c, "io.jobd.Reload", c->args.parameters, &reply);

	if (r == 0 && !c->out.json && !args_flag(&c->args, "quiet")) {
		const struct cJSON *applied = json_get(reply, "applied"), *reexec = json_get(reply, "reexec");
		const struct cJSON *restart = json_get(reply, "restart");

		names_print("changed", applied);
		names_print("waits for jobctl daemon reexec", reexec);
		names_print("waits for a restart of jobd", restart);
		if (json_count(applied) + json_count(reexec) + json_count(restart) == 0)
			puts("Nothing has changed.");
	}
	json_free(reply);
	return r;
}
