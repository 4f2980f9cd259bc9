/*
 * add: jobs that a call adds, from their specs to the answer: for Add and Apply.
 */
#ifndef SERVER_ADD_H
#define SERVER_ADD_H

#include "daemon/server/method.h"

struct adding {
	struct call		*call;
	const struct structs	*jobs;		/* the specs: borrowed */
	bool			 placed;	/* all that is told says of which job it is, as a field if it can */
	struct op_add		 op;		/* of what was prepared; it is for the caller to submit */
	struct cJSON		*ids, *warnings;
	struct cJSON		*existing;	/* of the ids, what was there before; or NULL */
};

/* dry: nothing is to be kept. */
void adding_start(struct adding *f, struct call *call, const struct structs *jobs, bool placed, bool dry);

/* Check one and make it ready for the store.  False when the caller was told why not. */
bool adding_prepare(struct adding *f, size_t i);

/* All are prepared: do they go together?  False when the caller was told why not. */
bool adding_whole(struct adding *f);

/* The store has refused them: tell the caller. */
void adding_refused(struct adding *f, int result);

/*
 * Committed: the scheduler learns of one; after all of them, of those that this lets go on.  Or dry, and it would be
 * committed if it were meant: only what is to be known of one is noted.
 */
void adding_tell(struct adding *f, size_t i);
void adding_told(struct adding *f);

/* ids, existing and warnings, into the reply. */
void adding_reply(struct adding *f, struct cJSON *reply);

void adding_done(struct adding *f);

#endif
