/*
 * message: the Varlink envelope (UAPI.20): a call, and a reply.
 */
#ifndef PROTO_MESSAGE_H
#define PROTO_MESSAGE_H

#include <stdbool.h>

#include "proto/buf.h"
#include "proto/error.h"

struct cJSON;

struct message_call {
	char		*method;	/* "io.jobd.Add" */
	struct cJSON	*parameters;	/* an object; {} when absent or null */
	bool		 more;
	bool		 oneway;
	bool		 upgrade;
};

/*
 * Parse a call.  0 or -EPROTO: the connection must be closed (bad JSON, not an object,
 * no method, flag that is not a boolean or two of them, an unknown member without
 * a dot in its name).  *why says it in words (a constant).
 */
int message_call_parse(const char *text, size_t length, struct message_call *ret, const char **why);
void message_call_done(struct message_call *c);

struct message_reply {
	struct cJSON	*parameters;	/* an object; {} when absent */
	char		*error;		/* full wire name, or NULL */
	bool		 continues;
};

int message_reply_parse(const char *text, size_t length, struct message_reply *ret,
    const char **why);
void message_reply_done(struct message_reply *r);

/* Append a whole message with its NUL to out.  parameters may be NULL and stay the caller's. */
void message_call_write(struct buf *out, const char *method, const struct cJSON *parameters,
    bool more, bool oneway);
void message_reply_write(struct buf *out, const struct cJSON *parameters, bool continues);

/* Append an error reply; a and b are the values of its parameters (error_row()), or NULL. */
void message_error_write(struct buf *out, enum jobd_error e, const char *a, const char *b);

#endif
