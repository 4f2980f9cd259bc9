/*
 * frame: see frame.h.  The NUL is searched in new bytes only: a peer that sends one
 * byte at a time costs us one look at each, not a square.
 */
#include <errno.h>
#include <string.h>

#include "proto/frame.h"

long
frame_length(const struct buf *b, size_t *scanned, size_t max)
{
	size_t length = buf_len(b), look = length;
	const char *bytes, *end;

	/* The NUL may stand at max at the latest; there is no reason to look beyond. */
	if (look > max)
		look = max + 1;
	if (*scanned < look) {
		bytes = buf_bytes(b);
		end = memchr(bytes + *scanned, '\0', look - *scanned);
		if (end != NULL)
			return end - bytes;
		*scanned = look;
	}
	return length > max ? -EMSGSIZE : -EAGAIN;
}
