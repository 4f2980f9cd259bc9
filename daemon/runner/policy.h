/*
 * policy: what any jobd may ask of this runner: runner.conf, which the administrator writes and
 * jobd can neither read into nor change.  A broken jobd can do no more than this allows.
 */
#ifndef RUNNER_POLICY_H
#define RUNNER_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/base/config.h"

struct account;
struct runner_start;

struct policy {
	char	*file;			/* that was read, or would have been */
	char	*allow_users, *deny_users, *allow_groups; /* words */
	char	*allow_root;		/* yes, no or auto */
	int64_t	 commands;		/* at a time */
	int64_t	 output_bytes_max;	/* of a run */
	int64_t	 memory_bytes_max;	/* of a run; 0: no ceiling */
	int64_t	 environment_bytes_max;
	bool	 ignore_limits;		/* start without those that cannot be kept */
};

/*
 * Read the file; NULL: /etc/jobd/runner.conf for root, the user's own else, which may be missing. 0,
 * or -errno with file, line and key of each mistake in mistakes; p is as it was then.
 */
int policy_read(struct policy *p, const char *file, struct strings *mistakes);
void policy_done(struct policy *p);

/* Every setting with its default, as the file. */
void policy_print(void);

/* May commands of a runner that serves this uid run as root? */
bool policy_allows_root(const struct policy *p, uid_t for_uid);

/*
 * May this be run as that user?  u is NULL for a uid without an account.  NULL: yes; else why not, in
 * words that name file and key; the caller frees.
 */
char *policy_refuses(const struct policy *p, uid_t for_uid, uid_t uid, const struct account *u,
    const struct runner_start *s);

#endif
