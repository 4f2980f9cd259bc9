/*
 * peer: see peer.h.  A call is in the list from being sent until its last reply; when its
 * owner loses interest, a stand-in takes its place, since the reply will come all the
 * same and must not be taken for the next one's.
 */
#include "daemon/wire/peer.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/engine/loop.h"
#include "proto/frame.h"
#include "proto/json.h"
#include "proto/mem.h"

static int
connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, r;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

/* The first call is over: out of the list, and its owner is told. */
static void
finish_first(struct peer *p, int result)
{
	struct peer_call *c = p->first;

	p->first = c->next;
	if (p->first == NULL)
		p->last = NULL;
	c->next = NULL;
	c->lent = false;
	c->result = result;
	c->done = true;
	if (c->orphan) {
		peer_call_done(c);
		free(c);
		return;
	}
	task_wake(c->waiter);
}

/* One reply, for the first call.  False: nobody has asked for it. */
static bool
take_reply(struct peer *p, struct message_reply *r)
{
	struct peer_call *c = p->first;
	bool last = !r->continues;

	if (c == NULL)
		return false;
	if (c->on_reply != NULL) {
		p->now = r;
		c->on_reply(c, r);
		p->now = NULL;
		message_reply_done(r);
	} else {
		message_reply_done(&c->reply);
		c->reply = *r;
	}
	/* It may have been forgotten from inside. */
	c = p->first;
	if (last)
		finish_first(p, 0);
	else
		task_wake(c->waiter);
	return true;
}

/* Take the message at the front.  False: the other side does not speak Varlink. */
static bool
take_message(struct peer *p)
{
	struct message_reply r;
	const char *why = "it is too long";
	bool good;

	if (p->length < 0 || message_reply_parse(buf_bytes(&p->stream.in), (size_t)p->length, &r,
	    &why) < 0) {
		log_warning("a peer's reply cannot be read, closing the connection why=\"%s\"",
		    why);
		return false;
	}
	buf_consume(&p->stream.in, (size_t)p->length + 1);
	p->scanned = 0;
	p->length = -EAGAIN;
	good = take_reply(p, &r);
	if (!good) {
		log_warning("a peer has answered a call that was not made, closing the connection");
		message_reply_done(&r);
	}
	stream_read_on(&p->stream);
	return good;
}

static bool
has_message(struct peer *p)
{
	if (p->stream.paused)
		return false;
	p->length = frame_length(&p->stream.in, &p->scanned, MESSAGE_BYTES_MAX);
	return p->length != -EAGAIN;
}

/* The other side has gone, and what it left is read or is not wanted. */
static bool
is_over(const struct peer *p)
{
	return p->stream.error != 0 || (p->stream.eof && !p->stream.paused);
}

static enum task_status
peer_step(struct task *t)
{
	struct peer *p = container_of(t, struct peer, task);

	TASK_BEGIN(t);

	for (;;) {
		if (buf_len(&p->stream.in) == 0)
			buf_done(&p->stream.in);
		if (p->told) {
			p->told = false;
			stream_flush(&p->stream);
		}
		AWAIT(t, has_message(p) || is_over(p) || p->told);
		if (t->err == 0 && p->length == -EAGAIN && !is_over(p))
			continue;
		if (t->err != 0 || p->length == -EAGAIN || !take_message(p))
			break;
	}
	p->connected = false;
	stream_stop(&p->stream);
	while (p->first != NULL)
		finish_first(p, -ECONNRESET);
	TASK_END(t, 0);
}

static_assert(offsetof(struct peer, task) == 0, "it is found by its task");

static void
peer_describe(const struct task *t, char *out, size_t n)
{
	const struct peer *p = (const void *)t;

	snprintf(out, n, "%s", p->stream.paused ? "its user to go on" :
	    p->first != NULL ? "a reply" : "a call, or the other side to go");
}

static const struct task_kind peer_kind = {
	.name = "peer",
	.step = peer_step,
	.describe = peer_describe,
};

int
peer_start(struct peer *p, const char *path, struct task *parent)
{
	int fd, r;

	*p = (struct peer){ .length = -EAGAIN };
	fd = connect_to(path);
	if (fd < 0)
		return fd;
	r = stream_start(&p->stream, parent->loop, fd, MESSAGE_BYTES_MAX + 1, &p->task);
	if (r < 0)
		return r;
	p->connected = true;
	task_start(&p->task, &peer_kind, parent);
	return 0;
}

void
peer_call(struct peer *p, struct peer_call *c, const char *method, const struct cJSON *parameters,
    bool more)
{
	MUST(!c->lent);
	c->done = false;
	c->next = NULL;
	if (!p->connected || p->stream.error != 0) {
		c->result = -ECONNRESET;
		c->done = true;
		return;
	}
	c->lent = true;
	if (p->last == NULL)
		p->first = c;
	else
		p->last->next = c;
	p->last = c;
	message_call_write(&p->stream.out, method, parameters, more, false);
	stream_flush(&p->stream);
}

void
peer_tell(struct peer *p, const char *method, const struct cJSON *parameters)
{
	if (!p->connected || p->stream.error != 0)
		return;
	message_call_write(&p->stream.out, method, parameters, false, true);
	p->told = true;
	task_wake(&p->task);
}

void
peer_forget(struct peer *p, struct peer_call *c)
{
	struct peer_call **at = &p->first, *stand_in;

	if (!c->lent)
		return;
	while (*at != c)
		at = &(*at)->next;
	stand_in = xcalloc(1, sizeof(*stand_in));
	stand_in->next = c->next;
	stand_in->lent = true;
	stand_in->orphan = true;
	*at = stand_in;
	if (p->last == c)
		p->last = stand_in;
	c->lent = false;
	c->next = NULL;
}

struct cJSON *
peer_take_parameters(struct peer *p)
{
	struct cJSON *parameters = p->now->parameters;

	p->now->parameters = NULL;
	return parameters;
}

void
peer_call_done(struct peer_call *c)
{
	message_reply_done(&c->reply);
}
