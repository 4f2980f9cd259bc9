/*
 * call: one blocking Varlink call over the socket of jobd, with one reply or many.
 */
#ifndef CLIENT_CALL_H
#define CLIENT_CALL_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/buf.h"
#include "proto/error.h"
#include "proto/message.h"
#include "proto/when.h"

struct cJSON;
struct client;

struct call {
	const struct client	*client;
	int			 fd;
	int			 signal_fd;	/* watched while waiting, or -1; the caller's */
	/* 0: go on waiting; else call_next() returns it */
	int (*on_signal)(void *data, int signal);
	void			*on_signal_data;
	void (*on_tick)(void *data);		/* called about once a second while waiting */
	void			*on_tick_data;
	bool			 quiet;		/* errors of the daemon are not told */
	bool			 patient;	/* a lost connection is no error yet */
	bool			 lost;		/* it was lost, or jobd is about to stop */
	int			 tries;		/* of call_again() since the last reply */
	usec_t			 deadline;	/* of CLOCK_MONOTONIC; 0: none */
	usec_t			 heard;		/* when there was a sign of life last */
	int			 silences;	/* how often it was waited for in vain since */
	int			 delays;	/* how often jobd was there, and had not answered this */
	bool			 stream;	/* replies may be long in coming */
	struct buf		 in;
	size_t			 scanned;
	struct message_reply	 reply;		/* the latest */
	enum jobd_error		 error;		/* why the latest reply was none */
};

/*
 * Connect.  0, or an exit code after having said what is wrong and what to do about it.
 * call_close() is allowed, and needed, in any case.
 */
int call_open(struct call *c, const struct client *client);

/* Send a call; parameters stay the caller's.  As call_open(). */
int call_send(struct call *c, const char *method, const struct cJSON *parameters, bool more);

/*
 * Wait for the next reply and put it into reply.  A jobd that gives no sign of life (alive.h) is not waited for, nor one
 * that does without end not answer what is no stream.  0, or an exit code after
 * having said what is wrong, with the daemon's error in error; a patient call that is
 * lost says nothing.
 */
int call_next(struct call *c);

/*
 * After a patient call was lost: connect again, for a minute or until the deadline, as jobd
 * may be restarting, which no run notices.  Then everything has to be sent again.  0, or an
 * exit code after having said what is wrong.
 */
int call_again(struct call *c);

void call_close(struct call *c);

/* What deadlines are measured by. */
usec_t monotonic_now(void);

/*
 * Connect, call, take the only reply.  *ret is the caller's; with --json it has been
 * printed already.
 */
int call_once(const struct client *client, const char *method, const struct cJSON *parameters,
    struct cJSON **ret);

/* The path of the socket, found as DESIGN 5 says; allocated. */
char *socket_find(const struct client *client);

#endif
