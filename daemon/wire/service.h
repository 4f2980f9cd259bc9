/*
 * service: Varlink calls as tasks.  A table of methods, one row each; a call's frame is a
 * child of its connection, which reads nothing more until the call is over (UAPI.20:
 * replies in the order of calls).  org.varlink.service is served here for every table.
 * It knows no job: jobd and jobd-runner both stand on it.
 */
#ifndef WIRE_SERVICE_H
#define WIRE_SERVICE_H

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/engine/stream.h"
#include "daemon/engine/task.h"
#include "proto/error.h"
#include "proto/fields.h"
#include "proto/message.h"

struct service;
struct conn;

/* ---- limits with a name; the service's own may be lower ---- */
#define CONNECTIONS_MAX		1024	/* in all */
#define CONNECTIONS_UID_MAX	512	/* of one uid that is not root */
/* Unsent bytes that a connection may have before its calls wait. */
#define CONN_OUT_MAX		((size_t)256 << 10)
/*
 * Unsent bytes of all connections, and of those of one uid that is not root, so that one cannot
 * take it all: beyond them a bulky reply becomes LimitReached, and a stream waits.
 */
#define UNSENT_MAX		((size_t)64 << 20)
#define UNSENT_UID_MAX		((size_t)32 << 20)
#define CONN_HALF_MESSAGE_USEC	(30 * USEC_SEC)	/* a message that has begun must be whole by then */
/* A peer that takes nothing of a reply for so long is closed. */
#define CONN_UNREAD_USEC	(60 * USEC_SEC)

enum method_flags {
	METHOD_MORE = 1,		/* streams when asked to with more */
	METHOD_MORE_ONLY = 2,		/* ExpectedMore without it */
	METHOD_PRIVILEGED = 4,		/* root and the service's own user only */
	METHOD_LAST = 8,		/* allowed while shutting down */
	METHOD_BULKY = 16,		/* changes nothing, and the reply may be long */
};

/* One row a method. */
struct method {
	const char		*name;		/* in full: "io.jobd.Add" */
	const struct field	*in;		/* table of its parameters, or NULL for none */
	size_t			 in_size;	/* sizeof the struct it fills */
	unsigned		 flags;
	/* sizeof the frame; its first member is struct call */
	size_t			 frame_size;
	const struct task_kind	*kind;		/* release must be call_release or end with it */
};

/* The head of every call's frame: the rest of the frame is zero at the start. */
struct call {
	struct task		 task;
	struct conn		*conn;		/* our parent; outlives us */
	struct service		*service;
	const struct method	*method;
	/* the parameters, read and checked by the table; ours */
	void			*in;
	uid_t			 uid;		/* of the peer */
	pid_t			 pid;
	bool			 more, oneway;
	bool			 answered;	/* the last reply has been given */
};

/* Give the call's frame back. */
void call_release(struct task *t);

/*
 * Give the (last) reply, or one that continues.  parameters are taken over, NULL is {}.
 * Nothing is sent to a oneway caller.  Exactly one last reply or failure must be given
 * before the task returns; a task that returns without is answered for with ShuttingDown when
 * cancelled.
 */
void call_reply(struct call *c, struct cJSON *parameters);
void call_reply_more(struct call *c, struct cJSON *parameters);
void call_fail(struct call *c, enum jobd_error e, const char *a, const char *b);

/*
 * For streams: may more be written now, or is the peer behind? The call is woken when it changes.
 */
bool call_can_write(const struct call *c);

/* What the service was given at its start, for its methods. */
void *call_context(const struct call *c);

struct service_config {
	const struct method	*methods;	/* ended by a row without a name */
	const char		*interface;	/* "io.jobd" */
	const char		*description;	/* the interface file's text */
	const char		*vendor, *product, *version, *url;
	void			*context;
	/* May this peer connect at all?  NULL: everybody who can. */
	bool			(*admit)(void *context, uid_t uid);
	/* Pass over parameters that are not known: for a service of our own programs alone. */
	bool			lax;
	int64_t			 connections_max, connections_uid_max; /* 0: the limits above */
};

struct service_stats {
	int64_t		connections;
	uint64_t	accepted, refused, calls, errors, streams, trims;
};

/* The config is copied, what it points to is borrowed. */
struct service *service_new(const struct service_config *config);
void service_free(struct service *s);

/*
 * Accept on a listening socket (listen.h), as a child of parent; may be called for several. The fd
 * is taken over.
 */
void service_listen(struct service *s, int fd, struct task *parent);

/* Serve one connected socket, as accept does: for tests and the simulation. */
void service_connect(struct service *s, int fd, struct task *parent);

/* Change the limits; those who are inside stay.  0: the limits above. */
void service_set_limits(struct service *s, int64_t connections_max, int64_t connections_uid_max);

/* From now on new calls are answered ShuttingDown. */
void service_shut_down(struct service *s);

void service_stats(const struct service *s, struct service_stats *out);

#endif
