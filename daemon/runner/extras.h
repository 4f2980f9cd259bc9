/*
 * extras: descriptors that only some commands have: a standard input of their own, a pipe for
 * progress, and one by which a launch (launch.h) says why it failed.
 */
#ifndef RUNNER_EXTRAS_H
#define RUNNER_EXTRAS_H

#include "daemon/engine/child.h"
#include "proto/buf.h"
#include "proto/runner.h"

struct extras {
	int	 stdin_fd;	/* the command's */
	int	 progress[2];	/* ours, the command's */
	int	 status[2];	/* ours, the command's */
};

/*
 * Make those that are asked for, and put the command's ends into s.  0, or -errno of what failed,
 * named in *what; all is closed then.
 */
int extras_open(struct extras *x, const struct runner_start *in, struct spawn *s,
    const char **what);

/* Close the command's ends, and ours too when it was not started. */
void extras_close(struct extras *x, bool started);

/* What a launch has said, from our end, which is closed.  NULL: it went well. */
char *extras_status(int fd);

#endif
