/*
 * alive: whether anybody stands behind a socket that does not answer.  jobd answers some calls late (a simulation, an
 * audit), but its loop answers a small one at once; a daemon that was stopped or hangs takes connections and never says
 * a word.
 */
#ifndef CLIENT_ALIVE_H
#define CLIENT_ALIVE_H

#include <stdbool.h>
#include <sys/types.h>

#include "proto/when.h"

/* How long to wait for a sign of life: $JOBD_PATIENCE, or 5 s. */
usec_t patience(void);

/*
 * Connect.  That, and sending over it, fails with EAGAIN instead of taking longer than the limit.  0 or -errno; *fd is to be
 * closed then, too, unless it is -1.
 */
int socket_dial(const char *path, usec_t limit, int *fd);

/* Ask a small thing over a connection of its own.  Was there an answer within the limit? */
bool alive(const char *path, usec_t limit);

/*
 * Who listens at the other end of a connection: its process, when it is a jobd that can be looked at, else 0 (the
 * socket may be the service manager's); and whether that process is stopped, by a signal or a debugger.
 */
pid_t peer_process(int fd, bool *stopped);

/* Is it? */
bool process_stopped(pid_t pid);

#endif
