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
	WATCH_LEVEL = 8,	/* tell again as long as it is so: for libraries that do not drain */
};

struct watch {
	struct event	*event;
	struct event	*again;		/* for watch_again(), made when first wanted */
	struct loop	*loop;
	struct task	*waiter;	/* woken at each change; may be changed, may be NULL */
	/*
	 * For modules of the engine: called when flags were set, before the waiter is woken; false
	 * leaves it asleep.  NULL: none.  It may stop the watch, and then returns false.
	 */
	bool		(*ready)(struct watch *w);
	int		 fd;
	unsigned	 what;
	bool		 readable, writable, closed;
};

/*
 * Begin; the flags start as false but writable, which starts as true: try first.  ready starts as
 * NULL.  0 or -errno.
 *
 * An error of the descriptor is told as readable and writable, whichever is watched; CLOSED alone
 * would miss it.  A short read may clear readable only when CLOSED is watched too and not set
 * (the end may come with the last bytes, and the kernel tells once), or when no end can come.
 */
int watch_start(struct watch *w, struct loop *l, int fd, unsigned what, struct task *waiter);

/* The same on behalf of who stands at an address of the program, for modules of the engine. */
int watch_start_for(struct watch *w, struct loop *l, int fd, unsigned what, struct task *waiter,
    const void *where);

/* Change what is watched; what is ready then is told anew.  0 or -errno. */
int watch_set(struct watch *w, unsigned what);

/* Call ready and the waiter once more in the loop's next look, with nothing new from the kernel. */
void watch_again(struct watch *w);

/* End, before the descriptor is closed (a closed one may live on in a child).  Twice is fine. */
void watch_stop(struct watch *w);

#endif
