/*
 * ask: a call whose refusal is for the caller to put into words.
 */
#ifndef CLIENT_ASK_H
#define CLIENT_ASK_H

#include "client/call.h"
#include "client/client.h"

struct answer {
	struct cJSON	*parameters;	/* of the reply, also of an error's; or NULL */
	enum jobd_error	 error;
};

/*
 * Connect, call, take the only reply; nothing is printed.  0; or an exit code, with a's error JOBD_OK
 * when that was told already (jobd cannot be reached).  Then answer_done().
 */
int ask(const struct client *client, const char *method, const struct cJSON *parameters,
    struct answer *a);
void answer_done(struct answer *a);

/*
 * The job of a name or id as jobd has it, with its spec and secrets: the caller's.  0 (and none in *ret: there is
 * none), or an exit code after having said what is wrong.
 */
int ask_job(const struct client *client, const char *name, struct cJSON **ret);

/* The same, and it must be there: else EXIT_NOT_FOUND, after having said so. */
int ask_job_known(const struct client *client, const char *name, struct cJSON **ret);

/* A JSON value of one's own. */
struct cJSON *json_copy(const struct cJSON *value);

#endif
