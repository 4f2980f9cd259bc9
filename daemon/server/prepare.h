/*
 * prepare: a JobSpec that a call holds is checked and made ready for the store: for Add and Edit.
 */
#ifndef SERVER_PREPARE_H
#define SERVER_PREPARE_H

#include "daemon/server/method.h"

struct prepare {
	struct call		*call;
	instant			 now;
	struct cJSON		*warnings;	/* an array: borrowed, what is to be known is added */
	bool			 named;		/* warnings say which job they are of */
	bool			 over;		/* a schedule that comes no more will do: it is not new */
	struct field_error	 error;		/* out */
};

/*
 * JOBD_OK, and all that is in of job is set, with its first due; or why not, as call_fail() wants it
 * with error.path and error.reason.  place is where the spec stands.  The spec is borrowed, and gets the host's zone
 * where it needs one and has none.  The rest is the caller's to give back by prepare_done().
 */
enum jobd_error prepare_job(struct prepare *p, const char *place, struct job_spec *spec,
    struct job_new *job);

/* Add a line to the warnings, with the place if those are to say which job they are of. */
void __attribute__((format(printf, 3, 4))) prepare_warn(struct prepare *p, const char *place, const char *format, ...);

/* Of a spec that names a queue which is not there, and would be made. */
void prepare_warn_queue_to_come(struct prepare *p, const char *place, const struct job_spec *spec);

/* After the commit, of a spec that names a queue: one that was made has few slots, or too few for it. */
void prepare_warn_queue(struct prepare *p, const char *place, const struct job_spec *spec,
    bool new_queue);

void prepare_done(struct job_new *job);

#endif
