/*
 * selection: see selection.h.
 */
#include "client/selection.h"

#include <stdlib.h>
#include <string.h>

#include "client/value.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"

int
selection_take(struct client *c, struct cJSON *parameters)
{
	const struct args *a = &c->args;
	bool every = args_flag(a, "all");
	size_t i;

	if (every && a->n_words > 0) {
		complain("--all is every job: name none beside it");
		return EXIT_USAGE;
	}
	if (!every && a->n_words == 0 && !args_flag(a, "label") && !args_flag(a, "state")) {
		complain("%s which? Name jobs, say -l or --state, or --all for every job",
		    c->command->name);
		complain("usage: jobctl %s %s", c->command->name, c->command->usage);
		return EXIT_USAGE;
	}
	if (every)
		value_push_string(parameters, "jobs", "*");
	for (i = 0; i < a->n_words; i++)
		value_push_string(parameters, "jobs", a->words[i]);
	return 0;
}

bool
selection_next(struct cJSON *parameters, const struct cJSON *reply)
{
	long long next = json_get_int(reply, "next", 0);

	if (next == 0)
		return false;
	json_remove(parameters, "after");
	json_set_int(parameters, "after", next);
	return true;
}

/* A time of the clock alone means its latest, today or yesterday. */
static int
past_parse(const char *text, instant now, instant *ret)
{
	bool clock = strspn(text, "0123456789:") == strlen(text) && strcspn(text, ":") <= 2;
	char *day = xasprintf(clock ? "today %s" : "%s", text);
	int r = instant_parse_human(day, now, ret);

	free(day);
	if (r < 0 || !clock || ret->usec <= now.usec)
		return r;
	day = xasprintf("yesterday %s", text);
	r = instant_parse_human(day, now, ret);
	free(day);
	return r;
}

void
past_take(struct client *c, const char *name)
{
	const char *text = args_text(&c->args, name);
	char wire[WHEN_TEXT_MAX];
	instant at;

	if (!text || past_parse(text, instant_now(), &at) < 0)
		return;
	/* It was read as the next such time. */
	json_remove(c->args.parameters, name);
	json_set_string(c->args.parameters, name, instant_print(at, wire));
}

int
since_take(struct client *c)
{
	const char *text = args_text(&c->args, "since");
	instant now = instant_now(), at;
	char wire[WHEN_TEXT_MAX];
	usec_t ago;

	if (!text)
		return 0;
	if (duration_parse(text, &ago) == 0) {
		at = instant_add(now, -ago);
	} else if (past_parse(text, now, &at) < 0) {
		complain("--since: \"%s\" is neither a time, like 08:30 or 2030-01-31T18:30Z, nor a "
		    "duration, like 10m", text);
		return EXIT_USAGE;
	}
	json_set_string(c->args.parameters, "since", instant_print(at.usec > 0 ? at :
	    (instant){ 1 }, wire));
	return 0;
}
