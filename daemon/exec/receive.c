/*
 * receive: see receive.h.  What the program itself defines goes before what the C library has: so it is called by
 * libcurl, too.
 */
#include "daemon/exec/receive.h"

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>

static _Thread_local size_t allowed = SIZE_MAX;
static _Thread_local void (*on_received)(void *arg, int fd, size_t n);
static _Thread_local void *on_received_arg;

void
receive_allow(size_t bytes, void (*told)(void *arg, int fd, size_t n), void *arg)
{
	allowed = bytes;
	on_received = told;
	on_received_arg = arg;
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
	if (r > 0 && on_received != NULL)
		on_received(on_received_arg, fd, (size_t)r);
	cost = r < (ssize_t)RECEIVE_LEAST ? RECEIVE_LEAST : (size_t)r;
	allowed = cost < allowed ? allowed - cost : 0;
	return r;
}
