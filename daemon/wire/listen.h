/*
 * listen: the socket to listen on: from the service manager (sd_listen_fds(3), by the name
 * "varlink" or alone), or made here: a stale one is replaced, a live one never.
 */
#ifndef WIRE_LISTEN_H
#define WIRE_LISTEN_H

#include <stdbool.h>
#include <sys/types.h>

#define LISTEN_ERROR_MAX 256

/*
 * Bind and listen; its folder is made (0755) in /run and $XDG_RUNTIME_DIR, and must be there
 * elsewhere. mode as chmod; gid -1: unchanged. A
 * descriptor, or -EADDRINUSE when somebody answers there, or -errno; in words in error.
 */
int listen_unix(const char *path, mode_t mode, gid_t gid, char error[LISTEN_ERROR_MAX]);

/* The socket that the service manager passed, or -ENOENT when it passed none. */
int listen_activated(void);

/*
 * Remove the socket file at the end, unless another process listens there by now. fd is the
 * listening socket while it is open (its name is compared), else -1.
 */
void listen_unlink(const char *path, int fd);

#endif
