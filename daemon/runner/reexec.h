/*
 * reexec: the runner executes itself in place, with its children kept: that is how it is upgraded
 * while commands run.  The process stays, and so its children, its place in the service manager and
 * its lock; what the program knows goes along in a file in memory, a JSON object a line:
 *
 *	{"form":1,...}		what there is one of
 *	{"attempt":{...},...}	a command that runs
 *	{"unsaved":{...}}	a record that is not on disk
 *	{"process":N,...}	one that a command has left behind
 *
 * Fields that a program does not know it passes over; a form that it does not know it refuses, and
 * is asked for that before (--can-resume), so that the old program can go on instead.
 * Connections are dropped: jobd comes again.  The disk's thread is brought to rest before, with all
 * that it has been given done; it ends in the execution, and the program that follows has its own.  What
 * waits for it then goes along: output that was read, and records that are not written.
 */
#ifndef RUNNER_REEXEC_H
#define RUNNER_REEXEC_H

#include "daemon/runner/runner.h"

#define RESUME_FORM	1
/* Names the descriptor of the file in memory. */
#define RESUME_VARIABLE	"JOBD_RUNNER_RESUME"

/* What goes along beside what the runner holds. */
struct resume {
	int	 socket;	/* listening */
	bool	 activated;	/* it is the service manager's */
	int	 lock_fd;
	instant	 since;
	struct rlimit files;	/* as the first program was given it */
	struct buf lines;	/* the others, to be taken by resume_attempts() */
};

/*
 * Was this program executed by its predecessor?  1, and out is filled; 0: no; or -errno: it was, and
 * what it was given cannot be understood.
 */
int resume_read(struct resume *out);

/* Go on with every command: in a step of the root task, its parent. */
void resume_attempts(struct runner *r, struct resume *in);

/*
 * Execute program with all that r holds; it does not return, or with -errno, and then nothing has
 * changed.  The disk rests; no task but the caller's may be in the middle of a step.
 */
int reexec_now(struct runner *r, const char *program, char *const *argv, int socket,
    bool activated);

/* Could it be done now?  Not while an attempt is between its last step and its record. */
bool reexec_may_begin(const struct runner *r);

#endif
