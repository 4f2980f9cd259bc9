/*
 * receive: see receive.h.  What the program itself defines goes before what the C library has: so it is called by
 * libcurl, too.
 */
#include "daemon/exec/receive.h"

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>

static _Thread_local size_t allowed = SIZE_MAX;

void
receive_allow(size_t bytes)
{
	allowed = bytes;
}

void
receive_allow_all(void)
{
	allowed = SIZE_MAX;
}

ssize_t
recv(int fd, void *bytes, size_t n, int flags)
{
	size_t cost;
	ssize_t r;

	if (allowed == 0) {
		errno = EAGAIN;
		return -1;
	}
	r = recvfrom(fd, bytes, n, flags, NULL, NULL);
	if (allowed == SIZE_MAX)
		return r;
	cost = r < (ssize_t)RECEIVE_LEAST ? RECEIVE_LEAST : (size_t)r;
	allowed = cost < allowed ? allowed - cost : 0;
	return r;
}
