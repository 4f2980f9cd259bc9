/*
 * idle: the end of a command that writes nothing: a task beside the attempt, for those that have
 * such a limit.
 */
#ifndef RUNNER_IDLE_H
#define RUNNER_IDLE_H

#include "daemon/engine/task.h"

struct attempt;

/* The attempt's, if it has such a limit. */
struct idle {
	struct task	 task;
	usec_t		 limit;
	bool		 over;		/* it was silent for so long: the attempt is to be ended */
};

/* As a child of the attempt, which is cancelled with it. */
void idle_start(struct attempt *a, usec_t limit);

/* Why it is ended, in words, allocated. */
char *idle_reason(const struct attempt *a);

#endif
