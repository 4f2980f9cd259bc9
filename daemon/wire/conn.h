/*
 * conn: one connection of a service, as a task.  Shared by service.c and conn.c alone.
 */
#ifndef WIRE_CONN_H
#define WIRE_CONN_H

#include <sys/socket.h>

#include "daemon/base/map.h"
#include "daemon/wire/service.h"

/* Whoever is connected with one uid. */
struct user {
	int64_t	 connections;
	size_t	 unsent;	/* bytes of replies */
};

struct service {
	struct service_config	config;
	struct service_stats	stats;
	struct map		uids;		/* uid + 1 -> struct user */
	size_t			unsent;		/* bytes of replies, of all connections */
	int64_t			crowd;		/* most connections since memory was given back */
	bool			crowded;	/* and they have not all gone */
	bool			shut_down;
};

struct conn {
	struct task	 task;
	struct service	*service;
	struct user	*user;		/* the service's, outlives us */
	struct stream	 stream;
	struct call	*call;		/* the one under way, or NULL */
	uid_t		 uid;
	pid_t		 pid;
	size_t		 scanned;	/* of the message at the front */
	long		 length;	/* of it, or as frame_length() says */
	uint64_t	 written;	/* bytes that were ever put into stream.out */
	size_t		 unsent;	/* of them, as counted in the service */
	uint64_t	 sent_seen;	/* of them, sent when we last looked */
	usec_t		 unread_until;	/* USEC_NEVER while nothing is unsent */
	int		 gone_seen;	/* conn_gone() when we last looked */
	bool		 calling;	/* a call was under way when we last looked */
	/* a stream has written: send it after its step, all at once */
	bool		 flush_wanted;
	bool		 drop;		/* the peer broke the protocol: close */
};

/* Serve a connected socket, which is taken over, as a child of parent.  0 or -errno. */
int conn_start(struct service *s, int fd, const struct ucred *peer, struct task *parent);

/* service.c: the user, who has a connection at least. */
struct user *service_user(const struct service *s, uid_t uid);

/* service.c: count what is unsent, after it has changed. */
void conn_count_unsent(struct conn *c);

/* service.c: the connection is over. */
void service_leave(struct service *s, uid_t uid);

/*
 * service.c: look at the message at the front and begin (or answer) the call; sets c->drop when it
 * is none.
 */
void service_call(struct conn *c, const char *text, size_t length);

#endif
