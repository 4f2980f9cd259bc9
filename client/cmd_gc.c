/*
 * jobctl gc: retention, now.
 */
#include <stdio.h>
#include <stdlib.h>

#include "client/call.h"
#include "client/client.h"
#include "client/output.h"
#include "proto/json.h"

static int gc_run(struct client *c);

static const struct option gc_options[] = {
	{ .name = "dry-run", .field = "dryRun", .help = "say what would go, give nothing up" },
	{ 0 },
};

const struct command cmd_gc = {
	.name = "gc",
	.usage = "[--dry-run]",
	.summary = "Give up now what retention does not keep",
	.text = "Finished jobs, old runs and old output: what [retention] of jobd's configuration\n"
	    "and each job's --keep say. jobd does it by itself, now and then; this does it at\n"
	    "once and tells what went. For root, or whose jobd it is.\n",
	.examples = "  jobctl gc --dry-run\n  jobctl gc --json | jq .outputBytes\n",
	.options = gc_options,
	.run = gc_run,
};

static const char *
plural(long long n)
{
	return n == 1 ? "" : "s";
}

static void
tell(const struct cJSON *reply, bool dry)
{
	long long jobs = json_get_int(reply, "jobs", 0), runs = json_get_int(reply, "runs", 0);
	long long outputs = json_get_int(reply, "outputs", 0);
	char *bytes = text_bytes(json_get_int(reply, "outputBytes", 0));
	long long rest = json_get_int(reply, "skips", 0) + json_get_int(reply, "spans", 0) +
	    json_get_int(reply, "notices", 0);

	if (jobs + runs + outputs + rest == 0)
		puts(dry ? "Nothing would go." : "Nothing went: all is within its limits.");
	else
		printf("%s %lld job%s, %lld run%s and the output of %lld more: %s of output.\n",
		    dry ? "Would give up" : "Gave up", jobs, plural(jobs), runs, plural(runs), outputs,
		    bytes);
	free(bytes);
}

static int
gc_run(struct client *c)
{
	struct cJSON *reply = NULL;
	int r = call_once(c, "io.jobd.Gc", c->args.parameters, &reply);

	if (r == 0 && !c->out.json)
		tell(reply, args_flag(&c->args, "dry-run"));
	json_free(reply);
	return r;
}
