/*
 * follow: staying with runs until something has happened: Wait and Logs as streams, and
 * what ^C means meanwhile.
 */
#ifndef CLIENT_FOLLOW_H
#define CLIENT_FOLLOW_H

#include <stdbool.h>

#include "client/call.h"

/* As the shell calls the end by ^C. */
#define EXIT_INTERRUPTED 130

/*
 * Signals while a run of ours goes on are its command's.  But ^C and TERM mean more when they come
 * again: the second cancels the run, the third leaves at once.  Where no process is to take the
 * first, it cancels.
 */
struct interrupt {
	const struct client	*client;
	const char		*target;	/* what to cancel: a job's id or a run */
	int			 fd;		/* a signalfd */
	int			 count;		/* of ^C and TERM: 2 and more canceled it */
};

enum { INTERRUPT_FORWARDED = 1, INTERRUPT_CANCELED, INTERRUPT_LEFT };

/* From now on these signals come by the descriptor. */
void interrupt_init(struct interrupt *i, const struct client *client, const char *target);
void interrupt_done(struct interrupt *i);

/* What to wait for. */
struct wait {
	char		*const *jobs;		/* jobs or runs; or: */
	size_t		 n_jobs;
	const struct cJSON *which;		/* an object with jobs, label, state */
	const char	*until;			/* ended, started */
	bool			 any;			/* one of them is enough */
	long long	 timeout;		/* in microseconds; -1: none */
};

/*
 * Wait; *ret gets the reply (the caller's), with the runs, if any.  A restart of jobd is
 * waited out.  interrupt may be NULL.  0, or an exit code after having said what is wrong.
 */
int follow_wait(const struct client *client, const struct wait *wait, struct interrupt *interrupt,
    struct cJSON **ret);

/* What Logs is asked for. */
struct logs {
	bool		 attended;	/* run: it was to be told whole */
	struct cJSON		*parameters;	/* the caller's; changed when jobd comes back */
	bool			 timestamps;
	bool			 patient;	/* a restart of jobd is waited out */
	bool			 tell_none;	/* say so when there is no output */
};

/* Print the output, each stream to its own.  As follow_wait(). */
int follow_logs(const struct client *client, const struct logs *logs, struct interrupt *interrupt);

#endif
