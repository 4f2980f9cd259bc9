/*
 * jobctl queue: the queues, and what can be done with one: an action, and its name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/call.h"
#include "client/client.h"
#include "client/queues.h"
#include "client/value.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "proto/suggest.h"

static int queue_run(struct client *c);

static const struct option queue_options[] = {
	{ 0, "slots", "N", OPTION_INT, 0, "slots", NULL, "so many runs at a time; 0: as configured" },
	{ 0, "rate", "N/DURATION", OPTION_TEXT, 0, "rate", NULL,
	    "at most N starts in so long: 10/1m; 0 is no limit" },
	{ 'q', "quiet", NULL, OPTION_FLAG, 0, NULL, NULL, "print nothing" },
	{ 0 },
};

const struct command cmd_queue = {
	.name = "queue",
	.noun = "queue",
	.usage = "[list | add|set|pause|resume|drain|rm NAME] [OPTIONS]",
	.summary = "Show queues, and change them",
	.text = "A job waits in its queue (add --queue) until enough slots of it are free.\n"
	    "Commands without one are in default, or in schedule when they repeat; checks\n"
	    "and timers are in none. The highest priority goes first, then who came first.\n"
	    "pause: nothing further starts, what runs goes on. drain: pause, and wait until\n"
	    "nothing runs. --rate N/D keeps two starts D/N apart. Root and the daemon's user\n"
	    "may change queues.\n",
	.examples = "  jobctl queue\n"
	    "  jobctl queue add heavy --slots 2\n"
	    "  jobctl queue set mail --rate 10/1m\n"
	    "  jobctl queue drain heavy && jobctl queue resume heavy\n",
	.options = queue_options,
	.words_max = 2,
	.words_name = "NAME",
	.run = queue_run,
};

/* How often drain looks whether the runs have ended. */
#define DRAIN_LOOK_NSEC	(200 * 1000 * 1000)

const struct column queues_columns[] = {
	{ "QUEUE", COLUMN_FLEX }, { "SLOTS", COLUMN_RIGHT }, { "TAKEN", COLUMN_RIGHT },
	{ "RUNNING", COLUMN_RIGHT }, { "WAITING", COLUMN_RIGHT }, { "RATE", COLUMN_OPTIONAL },
	{ "PAUSED", COLUMN_OPTIONAL }, { 0 },
};

static char *
rate_text(const struct cJSON *queue)
{
	long long rate = json_get_int(queue, "rate", 0);
	char *text, *whole;

	if (rate == 0)
		return NULL;
	text = text_duration(json_get_int(queue, "rateUSec", 0));
	whole = xasprintf("%lld/%s", rate, text);
	free(text);
	return whole;
}

static char *
paused_text(const struct output *o, const struct cJSON *queue)
{
	const char *since = json_get_string(queue, "pausedSince");
	char *when, *whole;

	if (!since)
		return NULL;
	when = text_when(o, since);
	whole = xasprintf("%s by %s", when, value_text(queue, "pausedBy"));
	free(when);
	return whole;
}

void
queues_row(struct table *t, const struct cJSON *queue)
{
	table_cell(t, xstrdup(json_get_string(queue, "name")));
	table_cell(t, xasprintf("%lld", json_get_int(queue, "slots", 0)));
	table_cell(t, xasprintf("%lld", json_get_int(queue, "taken", 0)));
	table_cell(t, xasprintf("%lld", json_get_int(queue, "running", 0)));
	table_cell(t, xasprintf("%lld%s", json_get_int(queue, "waiting", 0),
	    json_get_bool(queue, "moreWaiting", 0) ? "+" : ""));
	table_cell(t, rate_text(queue));
	table_cell(t, paused_text(t->output, queue));
}

static int
list(struct client *c)
{
	struct cJSON *reply = NULL;
	struct table t;
	int r = call_once(c, "io.jobd.Queues", c->args.parameters, &reply);

	if (r == 0 && !c->out.json) {
		table_init(&t, &c->out, queues_columns);
		for (const struct cJSON *q = json_first(json_get(reply, "queues")); q; q = json_next(q))
			queues_row(&t, q);
		table_flush(&t);
		table_done(&t);
	}
	json_free(reply);
	return r;
}

/* --rate N/DURATION, or 0, as two fields. */
static int
rate_complete(struct client *c)
{
	const char *text = args_text(&c->args, "rate"), *slash;
	usec_t duration = 0;
	char *end;
	long n;

	if (!text)
		return 0;
	n = strtol(text, &end, 10);
	slash = *end == '/' ? end + 1 : NULL;
	if (end == text || n < 0 || (n == 0 && *end) || (n > 0 && (!slash ||
	    duration_parse(slash, &duration) < 0 || duration == 0))) {
		complain("--rate: \"%s\" is not N/DURATION, like 10/1m, and not 0", text);
		return EXIT_USAGE;
	}
	json_remove(c->args.parameters, "rate");
	json_set_int(c->args.parameters, "rate", n);
	json_set_int(c->args.parameters, "rateUSec", duration);
	return 0;
}

/* SetQueue with what the options say; the queue as it is then is for the caller to free. */
static int
set(struct client *c, struct cJSON **ret)
{
	int r = rate_complete(c);

	if (r)
		return r;
	return call_once(c, "io.jobd.SetQueue", c->args.parameters, ret);
}

static void
tell(const struct client *c, const char *done, const struct cJSON *reply)
{
	const struct cJSON *queue = json_get(reply, "queue");
	long long slots = json_get_int(queue, "slots", 0);

	if (!c->out.json && !args_flag(&c->args, "quiet"))
		printf("%s queue %s: %lld slot%s, %lld running, %lld waiting\n", done,
		    value_text(queue, "name"), slots, slots == 1 ? "" : "s",
		    json_get_int(queue, "running", 0), json_get_int(queue, "waiting", 0));
}

static int
set_and_tell(struct client *c, const char *done)
{
	struct cJSON *reply = NULL;
	int r = set(c, &reply);

	if (r == 0)
		tell(c, done, reply);
	json_free(reply);
	return r;
}

static int
add(struct client *c)
{
	json_set_bool(c->args.parameters, "create", true);
	return set_and_tell(c, "added");
}

static int
change(struct client *c)
{
	if (!args_flag(&c->args, "slots") && !args_flag(&c->args, "rate")) {
		complain("set what? Give --slots or --rate");
		return EXIT_USAGE;
	}
	return set_and_tell(c, "changed");
}

static int
pause_queue(struct client *c)
{
	json_set_string(c->args.parameters, "state", "paused");
	return set_and_tell(c, "paused");
}

static int
resume_queue(struct client *c)
{
	json_set_string(c->args.parameters, "state", "open");
	return set_and_tell(c, "resumed");
}

/* Pause, then look until nothing runs. */
static int
drain(struct client *c)
{
	const struct timespec look = { .tv_nsec = DRAIN_LOOK_NSEC };
	bool json = c->out.json;
	struct cJSON *reply;
	int r;

	json_set_string(c->args.parameters, "state", "paused");
	for (;;) {
		reply = NULL;
		c->out.json = false;	/* only the last look is told */
		r = set(c, &reply);
		c->out.json = json;
		if (r || json_get_int(json_get(reply, "queue"), "running", 0) == 0)
			break;
		json_free(reply);
		(void)nanosleep(&look, NULL);
	}
	if (r == 0 && json)
		output_json(reply);
	else if (r == 0)
		tell(c, "drained", reply);
	json_free(reply);
	return r;
}

static int
rm(struct client *c)
{
	struct cJSON *reply = NULL;
	int r = call_once(c, "io.jobd.RemoveQueue", c->args.parameters, &reply);

	if (r == 0 && !c->out.json && !args_flag(&c->args, "quiet"))
		printf("removed queue %s\n", c->args.words[1]);
	json_free(reply);
	return r;
}

static const struct action {
	const char	*name;
	bool		 options;	/* takes --slots and --rate */
	int (*run)(struct client *c);
} actions[] = {
	{ "list", false, list }, { "add", true, add }, { "set", true, change },
	{ "pause", false, pause_queue }, { "resume", false, resume_queue }, { "drain", false, drain },
	{ "rm", false, rm },
};

#define ACTIONS (sizeof(actions) / sizeof(actions[0]))

static const struct action *
action_find(const char *name)
{
	const char *names[ACTIONS + 1] = { NULL };
	const char *meant;

	for (size_t i = 0; i < ACTIONS; i++) {
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
		names[i] = actions[i].name;
	}
	meant = suggest(name, names);
	if (meant)
		complain("queue %s: unknown; did you mean %s?", name, meant);
	else
		complain("queue %s: unknown; it is list, add, set, pause, resume, drain or rm", name);
	return NULL;
}

static int
queue_run(struct client *c)
{
	const struct action *action = action_find(c->args.n_words ? c->args.words[0] : "list");

	if (!action)
		return EXIT_USAGE;
	if ((action->run == list) != (c->args.n_words < 2)) {
		complain(action->run == list ? "queue list takes no NAME" :
		    "which queue? Give its NAME: jobctl queue %s NAME", action->name);
		return EXIT_USAGE;
	}
	if (!action->options && (args_flag(&c->args, "slots") || args_flag(&c->args, "rate"))) {
		complain("--slots and --rate are for queue add and set");
		return EXIT_USAGE;
	}
	if (c->args.n_words > 1)
		json_set_string(c->args.parameters, "queue", c->args.words[1]);
	return action->run(c);
}
