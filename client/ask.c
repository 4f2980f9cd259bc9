/*
 * ask: see ask.h.
 */
#include <stdlib.h>
#include <string.h>

#include "client/ask.h"
#include "client/meant.h"
#include "proto/error.h"
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

int
ask_job(const struct client *client, const char *name, struct cJSON **ret)
{
	struct cJSON *parameters = json_object();
	struct answer a;
	int r;

	*ret = NULL;
	json_set_string(parameters, "job", name);
	json_set_int(parameters, "runs", 0);
	json_set_bool(parameters, "secrets", 1);
	r = ask(client, "io.jobd.Get", parameters, &a);
	if (r == 0)
		*ret = json_copy(json_get(a.parameters, "job"));
	else if (a.error == JOBD_NOT_FOUND)
		r = 0;
	else if (a.error != JOBD_OK)
		complain("%s: %s", name, error_row(a.error)->text);
	answer_done(&a);
	json_free(parameters);
	return r;
}

int
ask_job_known(const struct client *client, const char *name, struct cJSON **ret)
{
	int r = ask_job(client, name, ret);
	char *meant;

	if (r || *ret)
		return r;
	meant = name[strspn(name, "0123456789")] ? meant_name(client, name) : NULL;
	complain("there is no job %s%s%s%s", name, meant ? "; did you mean " : "", meant ? meant : "", meant ? "?" : "");
	free(meant);
	return EXIT_NOT_FOUND;
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
