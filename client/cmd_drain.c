/*
 * jobctl drain: all of jobd begins nothing more, until what runs has ended: before a reboot, or other work on the host.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/call.h"
#include "client/client.h"
#include "client/follow.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"

static int drain_run(struct client *c);

static const struct option drain_options[] = {
	{ .name = "off", .field = "off", .help = "go on: what has waited begins" },
	{ .name = "timeout", .argument = "DURATION", .kind = OPTION_DURATION, .field = "timeoutUSec",
	    .help = "wait no longer, and end with code 7" },
	{ .name = "no-wait", .help = "do not wait until nothing runs" },
	{ 'q', "quiet", NULL, OPTION_FLAG, 0, NULL, NULL, "print nothing" },
	{ 0 },
};

const struct command cmd_drain = {
	.name = "drain",
	.usage = "[--timeout DURATION | --no-wait | --off]",
	.summary = "Let jobd begin nothing more, and wait until nothing runs",
	.text = "As before a reboot: no job begins, by its schedule or by hand, and no retry;\n"
	    "what runs goes on. What comes due waits, as in a paused queue (jobctl queue),\n"
	    "and nothing is lost. Pings are taken as ever, and heartbeats are not waited\n"
	    "for. It lasts until drain --off or the next start of jobd, not its reexec, also\n"
	    "when ^C or --timeout ends the waiting. For root, and whoever runs jobd.\n",
	.examples = "  jobctl drain --timeout 30m && systemctl reboot\n"
	    "  jobctl drain --no-wait\n"
	    "  jobctl drain --off\n",
	.options = drain_options,
	.run = drain_run,
};

/* "2 runs go on, 5 wait" */
static char *
counts_text(const struct cJSON *reply)
{
	long long running = json_get_int(reply, "running", 0), waiting = json_get_int(reply, "waiting", 0);

	if (running == 0)
		return xasprintf("nothing runs, %lld wait%s", waiting, waiting == 1 ? "s" : "");
	return xasprintf("%lld run%s on, %lld wait%s", running, running == 1 ? " goes" : "s go", waiting,
	    waiting == 1 ? "s" : "");
}

static bool
runs(const struct cJSON *reply)
{
	return json_get_int(reply, "running", 0) > 0;
}

/* ---- waiting ---- */

struct waiting {
	const struct client	*client;
	usec_t			 begin;
	struct cJSON		*reply;		/* the latest */
};

/* How things stand, on the terminal: of type void *, for call.on_tick. */
static void
waiting_tick(void *data)
{
	const struct waiting *w = data;
	char *counts, *took, *line;

	if (w->client->out.json || !status_possible())
		return;
	counts = counts_text(w->reply);
	took = text_duration((monotonic_now() - w->begin) / USEC_SEC * USEC_SEC);
	line = xasprintf("draining for %s: %s", took, counts);
	status_line(line);
	free(counts);
	free(took);
	free(line);
}

static int
waiting_left(void *data, int signal)
{
	(void)data;
	(void)signal;
	status_line(NULL);
	complain("not waiting any more; jobd stays drained until jobctl drain --off, or its next start");
	return EXIT_INTERRUPTED;
}

/* Replies up to the last one. */
static int
waiting_replies(struct call *c, struct waiting *w)
{
	int r;

	do {
		r = call_next(c);
		if (r)
			break;
		json_free(w->reply);
		w->reply = c->reply.parameters;
		c->reply.parameters = NULL;
		waiting_tick(w);
	} while (c->reply.continues);
	return r;
}

/* The parameters; the time that has passed since it began counts. */
static struct cJSON *
waiting_parameters(usec_t deadline)
{
	struct cJSON *parameters = json_object();
	usec_t left = deadline - monotonic_now();

	json_set_bool(parameters, "wait", true);
	if (deadline != 0)
		json_set_int(parameters, "timeoutUSec", left > 0 ? left : 0);
	return parameters;
}

/* Until nothing runs.  A jobd that has come back is drained again: somebody waits for it. */
static int
waiting_for(struct call *c, struct waiting *w)
{
	int r = 0;

	while (r == 0) {
		struct cJSON *parameters = waiting_parameters(c->deadline);

		r = call_send(c, "io.jobd.Drain", parameters, true);
		json_free(parameters);
		if (r == 0)
			r = waiting_replies(c, w);
		if (!c->lost)
			break;
		r = call_again(c);
	}
	return r;
}

/* *reply is replaced by the last one. */
static int
wait_until_idle(const struct client *client, usec_t deadline, struct cJSON **reply)
{
	struct waiting w = { .client = client, .begin = monotonic_now(), .reply = *reply };
	struct interrupt interrupt;
	struct call c;
	int r;

	interrupt_init(&interrupt, client, NULL);
	r = call_open(&c, client);
	c.patient = true;
	c.deadline = deadline;
	c.on_tick = waiting_tick;
	c.on_tick_data = &w;
	c.signal_fd = interrupt.fd;
	c.on_signal = waiting_left;
	if (r == 0)
		r = waiting_for(&c, &w);
	if (status_possible())
		status_line(NULL);
	if (c.error == JOBD_TIMED_OUT) {
		char *counts = counts_text(w.reply);

		complain("%s; jobd stays drained: jobctl list --state running tells what runs", counts);
		free(counts);
	}
	call_close(&c);
	interrupt_done(&interrupt);
	*reply = w.reply;
	return r;
}

/* ---- the verb ---- */

static void
tell(const struct client *c, const struct cJSON *reply)
{
	const char *done = args_flag(&c->args, "off") ? "jobd goes on" : runs(reply) ? "draining" : "drained";
	char *counts = counts_text(reply);

	if (c->out.json)
		output_json(reply);
	else if (!args_flag(&c->args, "quiet"))
		printf("%s: %s\n", done, counts);
	free(counts);
}

static int
drain_run(struct client *c)
{
	bool off = args_flag(&c->args, "off"), no_wait = args_flag(&c->args, "no-wait");
	long long timeout = json_get_int(c->args.parameters, "timeoutUSec", -1);
	usec_t now = monotonic_now();
	struct client silent = *c;
	struct cJSON *reply = NULL;
	int r;

	if (off + no_wait + (timeout >= 0) > 1) {
		complain("--off, --no-wait and --timeout do not go together");
		return EXIT_USAGE;
	}
	/* First it is drained for certain, whatever becomes of the waiting. */
	json_remove(c->args.parameters, "timeoutUSec");
	silent.out.json = false;	/* only the last answer is told */
	r = call_once(&silent, "io.jobd.Drain", c->args.parameters, &reply);
	if (r == 0 && runs(reply) && !off && !no_wait)
		r = wait_until_idle(c, timeout < 0 ? 0 : timeout < INT64_MAX / 2 - now ? now + timeout :
		    INT64_MAX / 2, &reply);
	if (r == 0)
		tell(c, reply);
	json_free(reply);
	return r;
}
