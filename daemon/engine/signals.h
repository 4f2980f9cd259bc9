/*
 * signals: termination and the like, as flags that a task waits for (signalfd(2)).
 */
#ifndef ENGINE_SIGNALS_H
#define ENGINE_SIGNALS_H

#include <signal.h>
#include <stdint.h>

#include "daemon/engine/watch.h"

struct signals {
	struct watch	watch;
	sigset_t	set;
	uint64_t	pending;	/* bit n: signal n has come; the user clears it */
	unsigned	count[65];
};

/* Block the signals for the process (before any thread starts) and watch them.  0 or -errno. */
int signals_start(struct signals *s, struct loop *l, const int *list, int n, struct task *waiter);
void signals_stop(struct signals *s);

#endif
