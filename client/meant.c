/*
 * meant: see meant.h.  It is asked for when something is wrong already: quietly, and not for long.
 */
#include "client/meant.h"

#include <string.h>

#include "client/call.h"
#include "client/client.h"
#include "client/value.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "proto/suggest.h"

#define NAMES_MAX	1000
#define WAIT		(200 * USEC_MSEC)

/* What jobd answers in time, for the caller to free; or NULL. */
static struct cJSON *
ask_quietly(const struct client *client, const char *method, const struct cJSON *parameters)
{
	struct buf said = { 0 }, *before = complain_into(&said);
	struct cJSON *reply = NULL;
	struct call c;

	if (call_open(&c, client) == 0) {
		c.quiet = true;
		c.deadline = monotonic_now() + WAIT;
		if (call_send(&c, method, parameters, false) == 0 && call_next(&c) == 0) {
			reply = c.reply.parameters;
			c.reply.parameters = NULL;
		}
	}
	call_close(&c);
	complain_into(before);
	buf_done(&said);
	return reply;
}

static char *
nearest(const struct cJSON *list, const char *name)
{
	const char *candidates[NAMES_MAX + 1], *found;
	const struct cJSON *one;
	size_t n = 0;

	for (one = json_first(list); one && n < NAMES_MAX; one = json_next(one))
		if (json_get_string(one, "name"))
			candidates[n++] = json_get_string(one, "name");
	candidates[n] = NULL;
	found = suggest(name, candidates);
	return found ? xstrdup(found) : NULL;
}

/* Of the jobs that a pattern selects, as many as a page has. */
static char *
meant_of(const struct client *client, const char *method, const char *list, const char *pattern, const char *name)
{
	struct cJSON *parameters = json_object(), *reply;
	char *found;

	if (pattern) {
		json_set_string(parameters, "name", pattern);
		json_set_int(parameters, "limit", NAMES_MAX);
	}
	reply = ask_quietly(client, method, parameters);
	found = nearest(json_get(reply, list), name);
	json_free(reply);
	json_free(parameters);
	return found;
}

char *
meant_name(const struct client *client, const char *name)
{
	const char begin[] = { name[0], '*', '\0' };
	char *found;

	if (client->command->noun)
		return meant_of(client, "io.jobd.Queues", "queues", NULL, name);
	/* There may be many jobs, and the first letter is seldom the wrong one. */
	found = meant_of(client, "io.jobd.List", "jobs", begin, name);
	return found ? found : meant_of(client, "io.jobd.List", "jobs", "*", name);
}
