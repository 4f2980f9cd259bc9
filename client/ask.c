/*
 * ask: see ask.h.
 */
#include <stdlib.h>
#include <string.h>

#include "client/ask.h"
#include "proto/json.h"

int
ask(const struct client *client, const char *method, const struct cJSON *parameters,
    struct answer *a)
{
	struct call c;
	int r = call_open(&c, client);

	*a = (struct answer){ 0 };
	c.quiet = true;
	if (r == 0)
		r = call_send(&c, method, parameters, false);
	if (r == 0)
		r = call_next(&c);
	a->error = r ? c.error : JOBD_OK;
	a->parameters = c.reply.parameters;
	c.reply.parameters = NULL;
	call_close(&c);
	return r;
}

void
answer_done(struct answer *a)
{
	json_free(a->parameters);
	a->parameters = NULL;
}

struct cJSON *
json_copy(const struct cJSON *value)
{
	char *text = json_print(value);
	const char *why;
	struct cJSON *copy = json_parse(text, strlen(text), &why);

	free(text);
	return copy;
}
