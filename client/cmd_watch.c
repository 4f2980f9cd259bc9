/*
 * jobctl watch: events as they happen, a line each; jobctl events: those that have, as far as jobd
 * remembers them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "client/call.h"
#include "client/client.h"
#include "client/outcome.h"
#include "client/selection.h"
#include "client/value.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"

static int events_show(struct client *c);
static int events_run(struct client *c);

const struct command cmd_watch = {
	.name = "watch",
	.usage = "[JOB...]",
	.summary = "Show events as they happen",
	.text =
	    "Of all jobs when none is named. With --json each reply is a line: an empty one\n"
	    "at once, when watching has begun, and in every 30 seconds of silence. When jobd\n"
	    "is restarted it goes on; what happened meanwhile is not shown.\n",
	.examples = "  jobctl watch 'db-*'\n  jobctl watch --json | jq .event.type\n",
	.words_field = "jobs",
	.words_name = "JOB",
	.words_max = WORDS_ANY,
	.run = events_show,
};

static const struct option events_options[] = {
	{ .name = "since", .argument = "TIME", .kind = OPTION_TEXT,
	    .help = "only what happened since then: 08:30, or 10m ago" },
	{ 'f', "follow", NULL, OPTION_FLAG, 0, NULL, NULL, "then go on with what happens" },
	{ 0 },
};

const struct command cmd_events = {
	.name = "events",
	.usage = "[OPTIONS] [JOB...]",
	.summary = "Show the recent events",
	.text =
	    "Of all jobs when none is named. jobd has the latest in memory, about three\n"
	    "thousand (limits.events_bytes), none from before it was started, and none of\n"
	    "progress; when older ones were asked for, it says since when it has them all\n"
	    "(with --json the first line: keptSince, and how many are gone).\n"
	    "What became of a job before: jobctl runs, and jobctl why.\n",
	.examples = "  jobctl events --since 10m\n  jobctl events --since 08:30 -f 'db-*'\n",
	.options = events_options,
	.words_field = "jobs",
	.words_name = "JOB",
	.words_max = WORDS_ANY,
	.paged = true,
	.run = events_run,
};

/* What the event is about: a run or a job. */
static char *
subject(const struct cJSON *event)
{
	long long job = json_get_int(event, "job", 0), run = json_get_int(event, "run", 0);

	if (run > 0)
		return xasprintf("%lld.%lld", job, run);
	return job > 0 ? xasprintf("%lld", job) : xstrdup("");
}

/* How an attempt ended, and when the next comes. */
static char *
retrying(const struct output *o, const char *state, long long code, const char *again)
{
	char *when = text_when(o, again), *text;

	text = code > 0 ? xasprintf("%s exit %lld, next %s", state, code, when) :
	    xasprintf("%s, next %s", state, when);
	free(when);
	return text;
}

/* How the run or job stands now. */
static char *
standing(const struct output *o, const struct cJSON *event)
{
	const char *again = json_get_string(event, "retryAt");
	const char *run = json_get_string(event, "runState");
	const char *job = json_get_string(event, "jobState");
	long long code = json_get_int(event, "exitCode", -1);
	long long lost = json_get_int(event, "lost", 0);

	if (lost > 0)
		return xasprintf("%lld events missed so far", lost);
	if (run && again)
		return retrying(o, run, code, again);
	if (run && code > 0)
		return xasprintf("%s exit %lld", run, code);
	if (run && json_get(event, "healthWas"))
		return xasprintf("%s, now %s", run, value_text(event, "health"));
	return xstrdup(run ? run : job ? job : "");
}

static void
event_print(const struct output *o, const struct cJSON *event)
{
	const char *color = color_of(o, value_text(event, "runState"));
	char *at = text_instant(o, json_get_string(event, "at")), *about = subject(event);
	char *stands = standing(o, event), *name = text_escape(value_text(event, "name"));
	char *why = text_escape(value_text(event, "reason"));
	char *type = text_escape(value_text(event, "type"));

	if (o->terminal)
		printf("%s  %-12s  %6s  %s%s%s%s%s%s%s\n", at, type, about, name, *name ? "  " : "",
		    color, stands, *color ? color_off(o) : "", *why ? ": " : "", why);
	else
		printf("%s\t%s\t%s\t%s\t%s\t%s\n", at, type, about, name, stands, why);
	output_flush();
	free(at);
	free(about);
	free(stands);
	free(name);
	free(why);
	free(type);
}

/* It remembers less than was asked for. */
static void
older_told(const struct client *c, const struct cJSON *reply)
{
	const char *kept = json_get_string(reply, "keptSince");
	const char *asked = json_get_string(c->args.parameters, "since");
	long long gone = json_get_int(reply, "gone", 0);
	instant from, since;
	char *at;

	if (!kept || instant_parse(kept, &from) < 0)
		return;
	if (asked && instant_parse(asked, &since) == 0 && since.usec > from.usec)
		return;
	at = text_instant(&c->out, kept);
	if (gone > 0)
		complain("note: the events up to %s are gone: jobd keeps the latest only, and has "
		    "dropped %lld", at, gone);
	else if (args_flag(&c->args, "since"))
		complain("note: jobd began at %s, and knows no events of before", at);
	free(at);
}

/* When jobd comes back it goes on behind this one. */
static void
events_again(struct cJSON *parameters, const struct cJSON *event)
{
	char wire[WHEN_TEXT_MAX];
	instant at;

	if (!json_get(parameters, "since") && !json_get(parameters, "recent"))
		return;
	if (instant_parse(value_text(event, "at"), &at) < 0)
		return;
	json_remove(parameters, "since");
	json_set_string(parameters, "since", instant_print(instant_add(at, 1), wire));
}

/* Replies up to the last one. */
static int
watch_replies(struct call *call, bool *told)
{
	const struct client *c = call->client;
	int r;

	while ((r = call_next(call)) == 0) {
		const struct cJSON *event = json_get(call->reply.parameters, "event");

		if (!*told && json_get(call->reply.parameters, "keptSince")) {
			older_told(c, call->reply.parameters);
			*told = true;
		}
		if (c->out.json)
			output_json(call->reply.parameters);
		else if (event)
			event_print(&c->out, event);
		if (event)
			events_again(c->args.parameters, event);
		if (!call->reply.continues)
			break;
	}
	return r;
}

static int
events_show(struct client *c)
{
	struct call call;
	bool told = false;
	size_t i;
	int r;

	for (i = 0; i < c->args.n_words; i++)
		value_push_string(c->args.parameters, "jobs", c->args.words[i]);
	r = call_open(&call, c);
	call.patient = true;
	while (r == 0) {
		r = call_send(&call, "io.jobd.Watch", c->args.parameters, true);
		if (r == 0)
			r = watch_replies(&call, &told);
		if (!call.lost)
			break;
		r = call_again(&call);
	}
	call_close(&call);
	return r;
}

static int
events_run(struct client *c)
{
	char wire[WHEN_TEXT_MAX];

	if (since_take(c))
		return EXIT_USAGE;
	if (!args_flag(&c->args, "follow"))
		json_set_bool(c->args.parameters, "recent", true);
	else if (!args_flag(&c->args, "since"))
		json_set_string(c->args.parameters, "since", instant_print((instant){ 1 }, wire));
	return events_show(c);
}
