/*
 * conn: one task per connection, one call at a time (UAPI.20: replies in the order of
 * calls, no further call while replies continue).
 *
 * What a peer can make us hold is bounded: one message coming in, CONN_OUT_MAX and one
 * reply going out.  What it can make us wait is bounded, too: a message that has begun
 * must end, a reply must be taken.  A peer that is silent between messages may stay as
 * long as it likes; it costs this struct, a descriptor and nothing else.
 *
 * Reading goes on while a call is under way, up to the limit of the stream: so the usual call
 * costs one read and one write, and the peer's hang-up is seen, which cancels the
 * call.  Replies to calls that came together are sent together.
 */
#include "daemon/wire/conn.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/base/fault.h"
#include "daemon/engine/loop.h"
#include "proto/frame.h"
#include "proto/mem.h"

/* Replies of pipelined calls are held back for one another up to this many bytes. */
#define TOGETHER_BYTES	((size_t)16 << 10)

static enum task_status conn_step(struct task *t);
static void conn_release(struct task *t);
static void conn_describe(const struct task *t, char *out, size_t n);

static const struct task_kind conn_kind = {
	.name = "connection",
	.step = conn_step,
	.release = conn_release,
	.describe = conn_describe,
};

static_assert(offsetof(struct conn, task) == 0, "a connection is found by its task");

int
conn_start(struct service *s, int fd, const struct ucred *peer, struct task *parent)
{
	struct conn *c = xcalloc(1, sizeof(*c));
	int r;

	c->service = s;
	c->user = service_user(s, peer->uid);
	c->uid = peer->uid;
	c->pid = peer->pid;
	c->length = -EAGAIN;
	c->unread_until = USEC_NEVER;
	r = stream_start(&c->stream, parent->loop, fd, MESSAGE_BYTES_MAX + 1, &c->task);
	if (r < 0) {
		free(c);
		return r;
	}
	task_start(&c->task, &conn_kind, parent);
	return 0;
}

static void
conn_release(struct task *t)
{
	struct conn *c = container_of(t, struct conn, task);

	MUST(c->call == NULL && c->unsent == 0);
	service_leave(c->service, c->uid);
	free(c);
}

static void
conn_describe(const struct task *t, char *out, size_t n)
{
	const struct conn *c = (const void *)t;

	if (c->call != NULL)
		snprintf(out, n, "the end of %s for uid %u", c->call->method->name,
		    (unsigned)c->uid);
	else if (buf_len(&c->stream.out) > 0)
		snprintf(out, n, "uid %u pid %d to read its reply", (unsigned)c->uid, (int)c->pid);
	else
		snprintf(out, n, "a call from uid %u pid %d", (unsigned)c->uid, (int)c->pid);
}

/* Is a message, or something that can never be one, at the front? */
static bool
conn_has_message(struct conn *c)
{
	c->length = frame_length(&c->stream.in, &c->scanned, MESSAGE_BYTES_MAX);
	return c->length != -EAGAIN;
}

/* Nothing more will come in. */
static bool
conn_ended(const struct conn *c)
{
	return c->stream.eof || c->stream.error != 0;
}

/* How far the peer is gone: 0, 1 it hung up (perhaps only half), 2 it cannot even be written to. */
static int
conn_gone(const struct conn *c)
{
	if (c->stream.error != 0)
		return 2;
	return c->stream.eof || c->stream.closed;
}

static uint64_t
conn_sent(const struct conn *c)
{
	return c->written - buf_len(&c->stream.out);
}

/* May the next call begin?  Then what is unsent may wait for the next reply. */
static bool
conn_may_go_on(struct conn *c)
{
	if (c->call != NULL)
		return false;
	if (stream_flushed(&c->stream))
		return true;
	return buf_len(&c->stream.out) < TOGETHER_BYTES && conn_has_message(c);
}

/* Something has happened that conn_tend() should look at. */
static bool
conn_has_news(const struct conn *c)
{
	return c->flush_wanted || c->calling != (c->call != NULL) ||
	    conn_gone(c) != c->gone_seen || conn_sent(c) != c->sent_seen;
}

/*
 * Send what is to be sent; tell the call of what it waits for; set the time by which the peer must
 * read.
 */
static void
conn_tend(struct conn *c)
{
	uint64_t sent;

	c->calling = c->call != NULL;
	c->flush_wanted = false;
	if (!conn_may_go_on(c))
		stream_flush(&c->stream);
	conn_count_unsent(c);
	sent = conn_sent(c);
	if (sent != c->sent_seen)
		fault_point(FAULT_REPLY_AFTER_WRITE);
	if (stream_flushed(&c->stream))
		c->unread_until = USEC_NEVER;
	else if (sent != c->sent_seen || c->unread_until == USEC_NEVER)
		c->unread_until = loop_now(c->task.loop) + CONN_UNREAD_USEC;
	c->gone_seen = conn_gone(c);
	if (c->call != NULL) {
		if (c->gone_seen != 0)
			task_cancel(&c->call->task);
		else if (sent != c->sent_seen)
			task_wake(&c->call->task);
	}
	c->sent_seen = sent;
}

/* Take the message at the front. */
static void
conn_take(struct conn *c)
{
	service_call(c, buf_bytes(&c->stream.in), (size_t)c->length);
	buf_consume(&c->stream.in, (size_t)c->length + 1);
	c->scanned = 0;
	c->length = -EAGAIN;
	stream_read_on(&c->stream);
}

/* A connection that waits for its peer's next idea holds no buffers. */
static void
conn_rest(struct conn *c)
{
	if (buf_len(&c->stream.in) == 0)
		buf_done(&c->stream.in);
	if (buf_len(&c->stream.out) == 0)
		buf_done(&c->stream.out);
}

static enum task_status
conn_step(struct task *t)
{
	struct conn *c = container_of(t, struct conn, task);

	TASK_BEGIN(t);

	for (;;) {
		conn_rest(c);
		AWAIT(t, buf_len(&c->stream.in) > 0 || conn_ended(c));
		if (t->err != 0)
			goto out;
		AWAIT_UNTIL(t, loop_now(t->loop) + CONN_HALF_MESSAGE_USEC,
		    conn_has_message(c) || conn_ended(c));
		if (t->err != 0 || c->length < 0 || c->stream.error != 0)
			goto out;
		conn_take(c);
		if (c->drop)
			goto out;
		/* Replies that wait here go along with this one if it is quick, else now. */
		if (c->call != NULL && buf_len(&c->stream.out) > 0)
			TASK_YIELD(t);
		for (;;) {
			conn_tend(c);
			if (conn_may_go_on(c))
				break;
			AWAIT_UNTIL(t, c->unread_until, conn_has_news(c));
			if (t->err != 0)
				goto out;
		}
	}
out:
	if (c->call != NULL)
		task_cancel(&c->call->task);
	AWAIT_SHIELDED(t, USEC_NEVER, c->call == NULL);
	/*
	 * What the kernel takes now may still reach the peer: the last replies at the end of the
	 * daemon.
	 */
	stream_flush(&c->stream);
	stream_stop(&c->stream);
	conn_count_unsent(c);
	TASK_END(t, 0);
}
