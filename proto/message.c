/*
 * message: see message.h.  Envelopes are written as text around the printed
 * parameters, so that a reply costs no tree of its own and no copy.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "proto/json.h"
#include "proto/mem.h"
#include "proto/message.h"

/* Take the flag.  0, or -EPROTO when it is no boolean: null is none (UAPI.20). */
static int
flag_read(const cJSON *member, bool *flag)
{
	if (!cJSON_IsBool(member))
		return -EPROTO;
	*flag = cJSON_IsTrue(member);
	return 0;
}

/* One member of a call.  NULL, or what is wrong with it. */
static const char *
call_member(struct message_call *c, const cJSON *member)
{
	static const char flag_why[] = "a flag of the call is not true or false";
	const char *name = member->string;

	if (strcmp(name, "method") == 0) {
		if (!cJSON_IsString(member))
			return "method is not a string";
		c->method = xstrdup(member->valuestring);
	} else if (strcmp(name, "parameters") == 0) {
		if (!cJSON_IsObject(member) && !cJSON_IsNull(member))
			return "parameters is not an object";
	} else if (strcmp(name, "more") == 0) {
		return flag_read(member, &c->more) < 0 ? flag_why : NULL;
	} else if (strcmp(name, "oneway") == 0) {
		return flag_read(member, &c->oneway) < 0 ? flag_why : NULL;
	} else if (strcmp(name, "upgrade") == 0) {
		return flag_read(member, &c->upgrade) < 0 ? flag_why : NULL;
	} else if (strchr(name, '.') == NULL) {
		/* With a dot it is an extension of somebody's, to be passed over. */
		return "unknown member in the call";
	}
	return NULL;
}

/* Out of the message, for the caller to own; {} when there are none. */
static cJSON *
parameters_take(cJSON *message)
{
	cJSON *p = cJSON_GetObjectItemCaseSensitive(message, "parameters");

	if (!cJSON_IsObject(p))
		return json_object();
	return cJSON_DetachItemViaPointer(message, p);
}

int
message_call_parse(const char *text, size_t length, struct message_call *ret, const char **why)
{
	struct message_call c = { 0 };
	cJSON *message = json_parse(text, length, why);
	const cJSON *member;

	if (message == NULL)
		return -EPROTO;
	*why = NULL;
	if (!cJSON_IsObject(message))
		*why = "the call is not an object";
	for (member = message->child; member != NULL && *why == NULL; member = member->next)
		*why = call_member(&c, member);
	if (*why == NULL && (c.method == NULL || c.method[0] == '\0'))
		*why = "the call names no method";
	if (*why == NULL && c.more + c.oneway + c.upgrade > 1)
		*why = "more, oneway and upgrade exclude one another";
	if (*why == NULL) {
		c.parameters = parameters_take(message);
		*ret = c;
	} else {
		message_call_done(&c);
	}
	cJSON_Delete(message);
	return *why == NULL ? 0 : -EPROTO;
}

void
message_call_done(struct message_call *c)
{
	free(c->method);
	cJSON_Delete(c->parameters);
	*c = (struct message_call){ 0 };
}

/* One member of a reply.  NULL, or what is wrong with it; unknown ones are passed over. */
static const char *
reply_member(struct message_reply *r, const cJSON *member)
{
	const char *name = member->string;

	if (strcmp(name, "parameters") == 0) {
		if (!cJSON_IsObject(member) && !cJSON_IsNull(member))
			return "parameters is not an object";
	} else if (strcmp(name, "error") == 0) {
		if (!cJSON_IsString(member) && !cJSON_IsNull(member))
			return "error is not a string";
		r->error = xstrdup(member->valuestring);
	} else if (strcmp(name, "continues") == 0) {
		if (flag_read(member, &r->continues) < 0)
			return "continues is not true or false";
	}
	return NULL;
}

int
message_reply_parse(const char *text, size_t length, struct message_reply *ret, const char **why)
{
	struct message_reply r = { 0 };
	cJSON *message = json_parse(text, length, why);
	const cJSON *member;

	if (message == NULL)
		return -EPROTO;
	*why = NULL;
	if (!cJSON_IsObject(message))
		*why = "the reply is not an object";
	for (member = message->child; member != NULL && *why == NULL; member = member->next)
		*why = reply_member(&r, member);
	if (*why == NULL) {
		r.parameters = parameters_take(message);
		*ret = r;
	} else {
		message_reply_done(&r);
	}
	cJSON_Delete(message);
	return *why == NULL ? 0 : -EPROTO;
}

void
message_reply_done(struct message_reply *r)
{
	free(r->error);
	cJSON_Delete(r->parameters);
	*r = (struct message_reply){ 0 };
}

/* "parameters":{...}; always there, since some clients miss it otherwise. */
static void
parameters_write(struct buf *out, const cJSON *parameters)
{
	buf_puts(out, "\"parameters\":");
	if (parameters != NULL)
		json_print_to(out, parameters);
	else
		buf_puts(out, "{}");
}

/* The end of the message: brace and NUL. */
static void
message_end(struct buf *out)
{
	buf_append(out, "}", 2);
}

void
message_call_write(struct buf *out, const char *method, const struct cJSON *parameters, bool more,
    bool oneway)
{
	buf_puts(out, "{\"method\":");
	json_print_string(out, method);
	buf_puts(out, ",");
	parameters_write(out, parameters);
	if (more)
		buf_puts(out, ",\"more\":true");
	if (oneway)
		buf_puts(out, ",\"oneway\":true");
	message_end(out);
}

void
message_reply_write(struct buf *out, const struct cJSON *parameters, bool continues)
{
	buf_puts(out, "{");
	parameters_write(out, parameters);
	if (continues)
		buf_puts(out, ",\"continues\":true");
	message_end(out);
}

void
message_error_write(struct buf *out, enum jobd_error e, const char *a, const char *b)
{
	const struct error_row *row = error_row(e);
	const char *names[] = { row->parameter, row->parameter2 };
	const char *values[] = { a, b };
	const char *between = "";

	buf_puts(out, "{\"error\":");
	json_print_string(out, row->wire);
	buf_puts(out, ",\"parameters\":{");
	for (int i = 0; i < 2; i++) {
		if (names[i] == NULL || (i == 1 && values[i] == NULL && row->optional))
			continue;
		buf_puts(out, between);
		json_print_string(out, names[i]);
		buf_puts(out, ":");
		/* The interface says that they are there. */
		json_print_string(out, values[i] != NULL ? values[i] : "");
		between = ",";
	}
	buf_puts(out, "}");
	message_end(out);
}
