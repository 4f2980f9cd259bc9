/*
 * follow: staying with runs until something has happened: Wait and Logs as streams, and
 * what ^C means meanwhile.
 */
#ifndef CLIENT_FOLLOW_H
#define CLIENT_FOLLOW_H

#include <stdbool.h>

#include "client/call.h"

/* ^C and TERM while a run of ours goes on: the first cancels it, the second leaves at once. */
struct interrupt {
	const struct client	*client;
	const char		*target;	/* what to cancel: a job's id or a run */
	int			 fd;		/* a signalfd */
	int			 count;
};

/* From now on these signals come by the descriptor. */
void interrupt_init(struct interrupt *i, const struct client *client, const char *target);
void interrupt_done(struct interrupt *i);

/*
 * Wait with these parameters; *ret gets the runs (an array, the caller's) if any were
 * told.  interrupt may be NULL.  0, or an exit code after having said what is wrong.
 */
int follow_wait(const struct client *client, const struct cJSON *parameters, struct interrupt *interrupt,
    struct cJSON **ret);

/* Print the output that Logs tells with these parameters, each stream to its own. */
int follow_logs(const struct client *client, const struct cJSON *parameters, bool timestamps,
    struct interrupt *interrupt);

#endif
