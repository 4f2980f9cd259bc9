/*
 * output: the output of one run, from jobd-runner to the caller, as a task: over a connection
 * of its own, read no faster than the caller reads.
 */
#ifndef SERVER_OUTPUT_H
#define SERVER_OUTPUT_H

#include "daemon/server/method.h"

/* In the frame of a call; zero before. */
struct output {
	struct task		 task;
	struct call		*call;
	int64_t			 job, run;
	int64_t			 attempt;	/* 0: the latest */
	instant			 since;		/* or not set */
	bool			 follow;
	int64_t			 tail;		/* -1: all */
	int			 stream;	/* enum output_stream, -1: both */
	/* the caller's: when silence has lasted long enough */
	usec_t			*keepalive;
	struct runner_run	*interest;
	struct runner_wait	 waiting;
	struct peer		 peer;
	struct peer_call	 ask;
	int64_t			 offset;	/* where to go on, as the runner said */
	int			 losses;	/* of the runner, in a row */
	bool			 told;		/* some chunks */
	struct cJSON		*chunks;	/* gathered for a caller without more */
	size_t			 bytes;
	enum jobd_error		 why;		/* JOBD_OK, or what to tell */
	char			*reason;
	bool			 missing;	/* the runner has none of it */
};

/* Where a caller was before: run, attempt and offset as a cursor has them.  False: it is none. */
#define OUTPUT_CURSOR_MAX 72
bool output_cursor_read(struct output *o, const char *text);

void output_start(struct output *o);

/* Has it stopped for a caller who can take more by now?  Then output_go_on(). */
bool output_may_go_on(const struct output *o);
void output_go_on(struct output *o);

void output_done(struct output *o);

#endif
