/*
 * client: one that is connected to a server of the same process, whose loop has a virtual clock: it
 * runs while a reply is awaited, and next to no time passes.
 */
#ifndef HARNESS_CLIENT_H
#define HARNESS_CLIENT_H

#include "daemon/server/server.h"
#include "proto/frame.h"

struct client {
	struct loop		*loop;
	int			 fd;
	struct buf		 in;
	size_t			 scanned;
	struct message_reply	 reply;		/* the latest */
};

/* Its connection is a child of parent. */
struct client client_open(struct server *s, struct task *parent);
void client_close(struct client *c);

/* A message as it is. */
void client_send(struct client *c, const char *text);

/* A call of io.jobd, whose reply is not awaited. */
void client_begin(struct client *c, const char *method, const char *parameters);

/* Is there a reply, without time passing?  It is at c->reply then. */
bool client_look(struct client *c);

/* There must be one. */
void client_next(struct client *c);

/* One call, one reply; its parameters, until the next. */
struct cJSON *client_call(struct client *c, const char *method, const char *parameters);

#endif
