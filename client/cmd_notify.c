/*
 * jobctl notify: whom jobs can have told (add --notify), and what is on its way to them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/call.h"
#include "client/client.h"
#include "client/value.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "proto/suggest.h"
#include "proto/notice.h"
#include "proto/suggest.h"

static int notify_run(struct client *c);

static const struct option notify_options[] = {
	{ 'n', "lines", "N", OPTION_COUNT, 0, NULL, NULL, "log: the newest N (100)" },
	{ 'q', "quiet", NULL, OPTION_FLAG, 0, NULL, NULL, "test: print nothing" },
	{ 0 },
};

const struct command cmd_notify = {
	.name = "notify",
	.usage = "[list | log [TARGET] | test TARGET]",
	.summary = "Show whom jobs can have told, and what is on its way",
	.text = "With add --notify EVENTS:TARGET a job has somebody told of how it goes: of each\n"
	    "failure (fail), of the success that ends a row of them (recover), of down, up,\n"
	    "late, timed_out, lost, missed, skipped, or any of these. Targets are sections of\n"
	    "jobd's configuration: a command, a web address, or mail.\n"
	    "list: the targets, and how many notices wait or were given up. log: these\n"
	    "notices, and why they were not delivered. test: tell the target that this is a\n"
	    "test, now; exits with 1 when it cannot be told. log and test are for root, or\n"
	    "whose jobd it is.\n",
	.examples = "  jobctl notify\n"
	    "  jobctl notify test ops\n"
	    "  jobctl notify log ops\n"
	    "  jobctl add --every 1h -n sync --notify fail,recover:ops ./sync\n",
	.options = notify_options,
	.words_max = 2,
	.words_name = "TARGET",
	.run = notify_run,
};

/* ---- list ---- */

static const struct column target_columns[] = {
	{ "TARGET", COLUMN_FLEX }, { "KIND", 0 }, { "PENDING", COLUMN_RIGHT },
	{ "FAILED", COLUMN_RIGHT }, { "DELIVERED", COLUMN_OPTIONAL }, { "ERROR", COLUMN_OPTIONAL },
	{ 0 },
};

static void
target_row(struct table *t, const struct output *o, const struct cJSON *target)
{
	const char *kind = json_get_string(target, "kind");

	table_cell(t, xstrdup(json_get_string(target, "name")));
	table_cell(t, xstrdup(kind ? kind : "not configured"));
	table_cell(t, xasprintf("%lld", json_get_int(target, "pending", 0)));
	table_cell(t, xasprintf("%lld", json_get_int(target, "failed", 0)));
	table_cell(t, text_when(o, json_get_string(target, "deliveredAt")));
	table_cell(t, xstrdup(json_get_string(target, "error")));
}

static int
list(struct client *c)
{
	struct cJSON *reply = NULL;
	const struct cJSON *t;
	struct table table;
	int r = call_once(c, "io.jobd.Targets", c->args.parameters, &reply);

	if (r == 0 && !c->out.json) {
		if (!json_first(json_get(reply, "targets")))
			complain("note: jobd's configuration has no [target NAME]");
		table_init(&table, &c->out, target_columns);
		for (t = json_first(json_get(reply, "targets")); t; t = json_next(t))
			target_row(&table, &c->out, t);
		table_flush(&table);
		table_done(&table);
	}
	json_free(reply);
	return r;
}

/* ---- log ---- */

static const struct column delivery_columns[] = {
	{ "ID", COLUMN_RIGHT }, { "TARGET", 0 }, { "STATE", 0 }, { "ATTEMPTS", COLUMN_RIGHT },
	{ "NEXT", COLUMN_OPTIONAL }, { "NOTICE", COLUMN_FLEX }, { "ERROR", COLUMN_OPTIONAL }, { 0 },
};

static char *
notice_text(const struct cJSON *json)
{
	struct notice_info n = NOTICE_INFO_NONE;
	struct field_error error;
	char *words;

	if (fields_read_lax(json, notice_info_fields, &n, &error) != JOBD_OK || n.event < 0) {
		notice_info_done(&n);
		return xstrdup("something that this jobctl does not know");
	}
	words = notice_words(&n);
	notice_info_done(&n);
	return words;
}

static void
delivery_row(struct table *t, const struct output *o, const struct cJSON *d)
{
	table_cell(t, xasprintf("%lld", json_get_int(d, "id", 0)));
	table_cell(t, xstrdup(json_get_string(d, "target")));
	table_cell(t, xstrdup(json_get_string(d, "state")));
	table_cell(t, xasprintf("%lld", json_get_int(d, "attempts", 0)));
	table_cell(t, text_when(o, json_get_string(d, "nextAt")));
	table_cell(t, notice_text(json_get(d, "notice")));
	table_cell(t, xstrdup(json_get_string(d, "error")));
}

static int
show_log(struct client *c)
{
	struct cJSON *reply = NULL;
	struct table table;
	int r;

	if (args_flag(&c->args, "lines"))
		json_set_int(c->args.parameters, "limit", args_int(&c->args, "lines", 0));
	r = call_once(c, "io.jobd.Deliveries", c->args.parameters, &reply);
	if (r == 0 && !c->out.json) {
		table_init(&table, &c->out, delivery_columns);
		for (const struct cJSON *d = json_first(json_get(reply, "deliveries")); d;
		    d = json_next(d))
			delivery_row(&table, &c->out, d);
		table_flush(&table);
		table_done(&table);
		if (json_get(reply, "next"))
			complain("note: there are more");
	}
	json_free(reply);
	return r;
}

/* ---- test ---- */

static int
test(struct client *c)
{
	struct cJSON *reply = NULL;
	bool delivered;
	int r = call_once(c, "io.jobd.TestTarget", c->args.parameters, &reply);

	if (r == 0) {
		delivered = json_get_bool(reply, "delivered", 0);
		if (!delivered)
			complain("%s was not told: %s", c->args.words[1], value_text(reply, "error"));
		else if (!c->out.json && !args_flag(&c->args, "quiet"))
			printf("told %s\n", c->args.words[1]);
		r = delivered ? EXIT_OK : EXIT_FAILED;
	}
	json_free(reply);
	return r;
}

static int
notify_run(struct client *c)
{
	const char *action = c->args.n_words ? c->args.words[0] : "list";
	const char *target = c->args.n_words > 1 ? c->args.words[1] : NULL;
	static const char *const actions[] = { "list", "log", "test", NULL };
	const char *meant;

	if (target)
		json_set_string(c->args.parameters, "target", target);
	if (strcmp(action, "log") == 0)
		return show_log(c);
	if (args_flag(&c->args, "lines")) {
		complain("--lines is for notify log");
		return EXIT_USAGE;
	}
	if (strcmp(action, "list") == 0 && !target)
		return list(c);
	if (strcmp(action, "test") == 0 && target)
		return test(c);
	meant = suggest(action, actions);
	if (strcmp(action, "list") == 0)
		complain("notify list takes no TARGET");
	else if (strcmp(action, "test") == 0)
		complain("which target? Give its name: jobctl notify test TARGET");
	else if (meant)
		complain("notify %s: unknown; did you mean %s?", action, meant);
	else
		complain("notify %s: unknown; it is list, log or test", action);
	return EXIT_USAGE;
}
