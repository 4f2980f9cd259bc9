/*
 * stream: see stream.h.  All happens when the kernel says so, before the waiter is woken: it
 * finds bytes, not readiness.  One read of at most 64 KiB a look, so that a peer that
 * sends without end cannot keep the loop to itself.
 *
 * Reading and closing are watched from beginning to end; writing only while out waits for the peer,
 * because a peer that reads what we wrote would wake us each time.  A paused stream
 * lets data lie: the kernel tells of it without the waiter being woken, and its buffer bounds
 * how often.
 */
#include "daemon/engine/stream.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/engine/loop.h"

/* One read, at most. */
#define READ_MAX	((size_t)64 * 1024)

#define WATCH_ALWAYS	(WATCH_READ | WATCH_CLOSED)

static bool
stream_may_read(const struct stream *s)
{
	return !s->paused && !s->eof && s->error == 0 && buf_len(&s->in) < s->in_max;
}

static ssize_t
read_some(struct stream *s, char *to, size_t n)
{
	ssize_t r;

	do {
		r = s->no_socket ? read(s->watch.fd, to, n) : recv(s->watch.fd, to, n, 0);
		if (r < 0 && errno == ENOTSOCK && !s->no_socket) {
			s->no_socket = true;
			errno = EINTR;
		}
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

/* As read_some(); a peer that has gone is an error, not a signal. */
static ssize_t
write_some(struct stream *s)
{
	const char *from = buf_bytes(&s->out);
	size_t n = buf_len(&s->out);
	ssize_t r;

	do {
		r = s->no_socket ? write(s->watch.fd, from, n) : send(s->watch.fd, from, n, MSG_NOSIGNAL);
		if (r < 0 && errno == ENOTSOCK && !s->no_socket) {
			s->no_socket = true;
			errno = EINTR;
		}
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

static void
stream_fail(struct stream *s, int error)
{
	s->error = error;
	s->closed = true;
}

/* One read.  True when there is news: bytes, the end, an error. */
static bool
stream_read(struct stream *s)
{
	/* Not into the buf itself: it would keep 64 KiB for each peer that once said a word. */
	char bytes[READ_MAX];
	size_t room = s->in_max - buf_len(&s->in);
	ssize_t n;

	if (room > READ_MAX)
		room = READ_MAX;
	n = read_some(s, bytes, room);
	if (n == -EAGAIN) {
		s->watch.readable = false;
		return false;
	}
	if (n < 0) {
		stream_fail(s, (int)n);
		return true;
	}
	if (n == 0) {
		s->eof = s->closed = true;
		s->watch.readable = false;
		return true;
	}
	buf_append(&s->in, bytes, (size_t)n);
	/* A short read was all, unless the end is behind it: see watch.h.  Pipes do not tell of that. */
	if ((size_t)n < room && !s->closed && !s->no_socket)
		s->watch.readable = false;
	else if (stream_may_read(s))
		watch_again(&s->watch);
	return true;
}

/* Nothing may be read now, but the kernel told something: was it the peer's end? */
static bool
stream_look(struct stream *s)
{
	struct pollfd p = { .fd = s->watch.fd, .events = POLLRDHUP };

	if (s->closed)
		return false;
	if (poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR | POLLRDHUP)) != 0)
		s->closed = true;
	return s->closed;
}

/* One write.  True when there is news: out is written, or never will be. */
static bool
stream_write(struct stream *s)
{
	ssize_t n;
	int r;

	n = write_some(s);
	if (n < 0 && n != -EAGAIN) {
		stream_fail(s, (int)n);
		return true;
	}
	if (n > 0)
		buf_consume(&s->out, (size_t)n);
	s->watch.writable = buf_len(&s->out) == 0;
	r = watch_set(&s->watch, s->watch.writable ? WATCH_ALWAYS : WATCH_ALWAYS | WATCH_WRITE);
	if (r < 0) {
		stream_fail(s, r);
		return true;
	}
	return n > 0;
}

static bool
stream_ready(struct watch *w)
{
	struct stream *s = container_of(w, struct stream, watch);
	bool news = false;

	if (w->closed && !s->closed)
		s->closed = news = true;
	if (w->readable && stream_may_read(s))
		news |= stream_read(s);
	else if (w->readable)
		news |= stream_look(s);
	if (w->writable && !stream_flushed(s))
		news |= stream_write(s);
	return news;
}

int
stream_start(struct stream *s, struct loop *l, int fd, size_t in_max, struct task *waiter)
{
	int r;

	*s = (struct stream){ .loop = l, .in_max = in_max };
	r = watch_start_for(&s->watch, l, fd, WATCH_ALWAYS, waiter, __builtin_return_address(0));
	if (r < 0) {
		close(fd);
		return r;
	}
	s->watch.ready = stream_ready;
	return 0;
}

void
stream_read_on(struct stream *s)
{
	if (s->watch.event != NULL && s->watch.readable && stream_may_read(s) && stream_read(s))
		task_wake(s->watch.waiter);
}

void
stream_pause(struct stream *s)
{
	s->paused = true;
}

void
stream_resume(struct stream *s)
{
	s->paused = false;
	stream_read_on(s);
}

void
stream_flush(struct stream *s)
{
	if (s->watch.event == NULL || !s->watch.writable || stream_flushed(s))
		return;
	if (stream_write(s) && s->error != 0)
		task_wake(s->watch.waiter);
}

void
stream_stop(struct stream *s)
{
	int fd = s->watch.fd;

	if (s->watch.event != NULL) {
		watch_stop(&s->watch);
		close(fd);
	}
	buf_done(&s->in);
	buf_done(&s->out);
}
