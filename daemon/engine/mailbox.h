/*
 * mailbox: letters from another thread to this loop: a list under a mutex and an eventfd.
 * Letters put while the loop has not looked cost one wake-up together.
 */
#ifndef ENGINE_MAILBOX_H
#define ENGINE_MAILBOX_H

#include <pthread.h>

#include "daemon/engine/watch.h"

struct letter {
	struct letter *next;
};

struct mailbox {
	pthread_mutex_t	 lock;
	struct letter	*first, *last;
	struct watch	 watch;
	struct loop	*loop;
	void		(*deliver)(struct mailbox *m, struct letter *l);
};

/* deliver is called on the loop's thread, oldest first, as part of polling.  0 or -errno. */
int mailbox_start(struct mailbox *m, struct loop *l,
    void (*deliver)(struct mailbox *, struct letter *));

/* From any thread: a chain of letters, oldest first, NULL-ended. */
void mailbox_put(struct mailbox *m, struct letter *first);

/*
 * Nobody may put any more (its threads have been joined); what is in it is delivered first.
 * Twice is fine.
 */
void mailbox_stop(struct mailbox *m);

#endif
