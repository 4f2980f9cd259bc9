/*
 * edit: one job's change, from what is asked to what the store is asked, and to the answer: for Edit and Apply.
 */
#ifndef SERVER_EDIT_H
#define SERVER_EDIT_H

#include "daemon/server/prepare.h"

/* It is tried again so often when others change the job meanwhile, or its due comes just now. */
#define EDIT_TRIES_MAX 5

/* What is asked. */
struct editing_in {
	char		*job;
	struct job_spec	*spec;
	int64_t		 generation;	/* that it must have; 0: any */
};

/* job, spec and generation: of a struct editing_in. */
extern const struct field editing_fields[];

struct editing {
	struct call		*call;
	const struct editing_in	*in;
	char			 place[40];	/* where its spec stands: "spec", "edits[3].spec" */
	bool			 placed;	/* that is told in warnings and conflicts, too */
	struct cJSON		*warnings;	/* an array: borrowed, what is to be known is added */
	struct op_get		 get;
	struct op_edit		 op;		/* of what was taken; it is for the caller to submit */
	bool			 changed;	/* it is another one: op is needed */
	/* own */
	struct job_spec		 was;		/* of the job that was read */
	bool			 was_read;
	struct prepare		 prepare;
	struct job_new		 job;
	instant			 now;		/* when it was read */
	int			 nears;		/* so often its due came just now */
};

/* Read the job: ask f->get, anew each time it is tried. */
void editing_ask(struct editing *f);

/* Once that is done: what it comes to, in op and changed.  False when the caller was told why not. */
bool editing_take(struct editing *f);

/* The store has refused op: is it to be tried again?  *near: in a moment, by loop_now() + EDIT_NEAR. */
bool editing_again(struct editing *f, int result, bool *near);

/* It is not: tell the caller. */
void editing_refused(struct editing *f, int result);

/* Committed: the scheduler learns of it. */
void editing_told(struct editing *f);

/* What has become of it, into the reply; done: it was committed. */
void editing_reply(const struct editing *f, struct cJSON *reply, bool done);

void editing_done(struct editing *f);

#endif
