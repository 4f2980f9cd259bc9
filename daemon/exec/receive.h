/*
 * receive: how much libcurl may receive at a time.
 *
 * Over HTTP/2 libcurl reads on for as long as what comes is for nobody: pings, settings, frames that it does not
 * know.  A server that sends these without end would keep it, and with it the loop, for ever; and no option of
 * libcurl's bounds that.  So its recv() is ours: when the allowance is used up there is nothing more to read.  The
 * kernel says that there is, and libcurl is called again when others have had their turn.
 */
#ifndef EXEC_RECEIVE_H
#define EXEC_RECEIVE_H

#include <stddef.h>

/* Bytes in one call of libcurl's: what a body of some size or two handshakes take. */
#define RECEIVE_MAX	((size_t)64 * 1024)

/*
 * A call counts for so many at least: what comes in small pieces, each with a call or two, costs more than its bytes.
 */
#define RECEIVE_LEAST	((size_t)256)

/* Of this thread from now on; what is received is told, unless told is NULL. */
void receive_allow(size_t bytes, void (*told)(void *arg, int fd, size_t n), void *arg);

/* As others know it. */
void receive_allow_all(void);

#endif
