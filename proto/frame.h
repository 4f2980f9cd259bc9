/*
 * frame: messages out of a byte stream.  A Varlink message is one JSON object
 * ended by a NUL byte (UAPI.20, "Varlink IPC").  Bytes arrive in any split; the
 * limit holds for a message that has not ended yet, too.
 */
#ifndef PROTO_FRAME_H
#define PROTO_FRAME_H

#include "proto/buf.h"

/* The longest message that is accepted, its NUL not counted. */
#define MESSAGE_BYTES_MAX ((size_t)1 << 20)

/*
 * Look for a whole message at the front of b, from *scanned on, so that no byte is
 * looked at twice; *scanned starts at 0 and is kept by the caller.  Returns the
 * length without the NUL when there is one (it stays in b: use it, then
 * buf_consume() length + 1 and set *scanned to 0), -EAGAIN when more bytes are
 * needed, -EMSGSIZE when it is, or has become, longer than max.
 */
long frame_length(const struct buf *b, size_t *scanned, size_t max);

#endif
