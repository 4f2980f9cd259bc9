/*
 * stream: a non-blocking descriptor <-> bytes, as conditions.  Reading goes on by itself
 * until the limit; writing is tried at once, the rest goes when the peer takes it.
 */
#ifndef ENGINE_STREAM_H
#define ENGINE_STREAM_H

#include <stdbool.h>

#include "daemon/engine/watch.h"
#include "proto/buf.h"

struct stream {
	struct watch	 watch;
	struct loop	*loop;
	struct buf	 in, out;
	size_t		 in_max;	/* no more is read while in holds this much */
	int		 error;		/* -errno of a failed read or write, or 0 */
	bool		 eof;		/* the peer writes no more, and all was read */
	bool		 paused;	/* reading is held off, but closing is noticed (see closed) */
	bool		 closed;	/* the peer has gone, or writes no more; bytes may be left to read */
	bool		 no_socket;	/* a pipe or terminal: read(2), write(2) */
};

/*
 * Take over a non-blocking descriptor: the stream closes it.  waiter is woken when bytes came,
 * out was written, the end or an error was seen.  in never holds more than in_max.  0 or -errno
 * (the descriptor is closed then, too).
 */
int stream_start(struct stream *s, struct loop *l, int fd, size_t in_max, struct task *waiter);

/* Bytes were consumed from in: read on if reading had stopped at the limit. */
void stream_read_on(struct stream *s);

/* Hold reading off: only the peer's going wakes the waiter, data does not.  And go on. */
void stream_pause(struct stream *s);
void stream_resume(struct stream *s);

/* Write what out holds, as far as the peer takes it now; the rest by itself later. */
void stream_flush(struct stream *s);

/* Everything written (or never will be)? */
static inline bool
stream_flushed(const struct stream *s)
{
	return buf_len(&s->out) == 0 || s->error != 0;
}

/* Close and free; twice is fine. */
void stream_stop(struct stream *s);

#endif
