/*
 * varlink: a call to a Varlink service, for the tests' own programs: as small as can be, and nothing of jobd's
 * own code, so that both do not err alike.
 */
#ifndef TOOLS_VARLINK_H
#define TOOLS_VARLINK_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

/* A connection; fd is -1 when there is none. */
struct varlink {
	int	 fd;
	char	*in;		/* what was read and not taken */
	size_t	 n, room;
	bool	 continues;	/* more replies to the present call */
};

/* Connect.  False: nobody is there. */
bool varlink_open(struct varlink *v, const char *path);
void varlink_close(struct varlink *v);

/* Send a call; parameters are taken over.  False: the connection is lost. */
bool varlink_send(struct varlink *v, const char *method, cJSON *parameters, bool more);

/* The next reply, whole ("parameters", perhaps "error"), the caller's; NULL: the connection is lost. */
cJSON *varlink_next(struct varlink *v);

/* Both.  *error is its name, or NULL; the parameters are the caller's.  NULL: the connection is lost. */
cJSON *varlink_call(struct varlink *v, const char *method, cJSON *parameters, char error[64]);

/* Members of an object, or the value that stands for none. */
const char *member_text(const cJSON *object, const char *name);		/* "" */
long long member_number(const cJSON *object, const char *name);		/* 0 */

#endif
