/*
 * watch: readiness of a descriptor, as flags that a task waits for.  Edge-triggered:
 * a flag is set when the kernel says so and stays until its user clears it, after
 * an EAGAIN or a short read.
 */
#ifndef ENGINE_WATCH_H
#define ENGINE_WATCH_H

#include <stdbool.h>

struct event;
struct loop;
struct task;

enum watch_what {
	WATCH_READ = 1,		/* readable, or at its end */
	WATCH_WRITE = 2,
	WATCH_CLOSED = 4,	/* the peer has gone; needs no reading (EPOLLRDHUP) */
};

struct watch {
	struct event	*event;
	struct task	*waiter;	/* woken at each change; may be changed, may be NULL */
	int		 fd;
	bool		 readable, writable, closed;
};

/* Begin; the flags start as false but writable, which starts as true: try first.  0 or -errno. */
int watch_start(struct watch *w, struct loop *l, int fd, unsigned what, struct task *waiter);

/* Change what is watched.  0 or -errno. */
int watch_set(struct watch *w, unsigned what);

/* End, before the descriptor is closed (a closed one may live on in a child).  May be called twice. */
void watch_stop(struct watch *w);

#endif
