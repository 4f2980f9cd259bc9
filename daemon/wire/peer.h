/*
 * peer: the client side of Varlink, on the loop: calls go out at once, one after another
 * (pipelined), and are answered in their order.  Who cannot take more of a stream pauses
 * the peer's stream (stream_pause()) and wakes the peer's task after stream_resume().
 */
#ifndef WIRE_PEER_H
#define WIRE_PEER_H

#include <sys/types.h>

#include "daemon/engine/stream.h"
#include "daemon/engine/task.h"
#include "proto/message.h"

struct peer_call {
	struct peer_call	*next;
	struct task		*waiter;	/* woken at each reply and when done */
	/* Called for each reply when set (streams); the reply is the peer's and gone afterwards. */
	void			(*on_reply)(struct peer_call *c, const struct message_reply *r);
	/* the last one, when on_reply is NULL; free with peer_call_done */
	struct message_reply	 reply;
	/* 0: answered (reply.error may be set); -ECONNRESET: the peer went */
	int			 result;
	/* in the peer's hands: the frame must stay, or peer_forget() */
	bool			 lent;
	bool			 done;
	/* the peer's own: takes the replies of a call that was forgotten */
	bool			 orphan;
};

/* The task's frame belongs to its owner. */
struct peer {
	struct task		 task;
	struct stream		 stream;
	struct peer_call	*first, *last;	/* not yet answered */
	struct message_reply	*now;		/* while on_reply runs */
	size_t			 scanned;	/* of the message at the front of stream.in */
	long			 length;
	bool			 told;		/* something is to be flushed */
	bool			 connected;	/* false again once the other side is gone */
};

/*
 * Connect (a Unix socket does so at once): 0 and the task runs as a child of parent until the peer
 * is gone; or -errno.
 */
int peer_start(struct peer *p, const char *path, struct task *parent);

/*
 * Send a call.  parameters stay the caller's.  more: replies come to on_reply until one without
 * continues.  If the peer is gone, done is set at once.
 */
void peer_call(struct peer *p, struct peer_call *c, const char *method,
    const struct cJSON *parameters, bool more);

/*
 * A call without an answer (oneway).  Those of one tick go out together; whether they arrive
 * nobody learns.
 */
void peer_tell(struct peer *p, const char *method, const struct cJSON *parameters);

/* Nobody waits for it any more: its replies are dropped. */
void peer_forget(struct peer *p, struct peer_call *c);

/* From inside on_reply: its parameters, which are the caller's from then on. */
struct cJSON *peer_take_parameters(struct peer *p);

void peer_call_done(struct peer_call *c);

#endif
