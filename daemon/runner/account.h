/*
 * account: users from passwd and group, remembered for a minute: commands are started
 * hundreds of times a second, and a lookup may ask a network.  It blocks then; the
 * runner's lookups are few and of few users.
 */
#ifndef RUNNER_ACCOUNT_H
#define RUNNER_ACCOUNT_H

#include <stdbool.h>
#include <sys/types.h>

#include "proto/when.h"

struct account {
	struct account	*next;
	uid_t		 uid;
	gid_t		 gid;
	char		*name, *home, *shell;
	gid_t		*groups;
	size_t		 groups_n;
	usec_t		 read;		/* monotonic */
};

struct accounts {
	struct account	*first;
	size_t		 n;
};

/* By name when there is one, else by uid; NULL: there is no such user. Good until the next call. */
const struct account *account_find(struct accounts *a, const char *name, uid_t uid, usec_t now);
void accounts_done(struct accounts *a);

#endif
