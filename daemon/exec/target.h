/*
 * target: whom notices go to, as configured, and what is done to tell it: a command or a request like
 * those of jobs, so that the same executors carry it out.
 */
#ifndef EXEC_TARGET_H
#define EXEC_TARGET_H

#include "proto/notice.h"

#define TARGET_SECRET_MAX	4096
/* Of a message: further notices that are folded into one are told as far as there is room. */
#define MESSAGE_OTHERS_MAX	50

struct notify_target {
	char		*name;
	char		*where;		/* the first of its lines: file:line */
	/* one of these */
	char		*command;	/* for /bin/sh -c */
	char		*url;
	char		*mail;		/* an address */
	struct strings	 headers;	/* of a webhook: "Name: value" */
	char		*secret_file;	/* of a webhook: signs what is sent */
	char		*ca_file;	/* of a webhook: trusted instead of the system's */
	char		*user;		/* of a command */
	usec_t		 timeout;	/* of an attempt */
	usec_t		 deadline;	/* a notice that is older is given up */
	usec_t		 fold;		/* FOLD_BURST messages in it at most; 0: no limit */
	/* what was found when the configuration was read */
	char		*secret;	/* what is in the file, without the line's end */
	char		*ca;
	int64_t		 uid;		/* whose command it is */
	bool		 stays;		/* of one that was replaced: by the same */
};

struct notify_targets {
	struct notify_target	*items;		/* by name */
	size_t		 n;
	const char	*sendmail;	/* the program, borrowed */
};

/* The one of this name, or NULL. */
const struct notify_target *notify_target_find(const struct notify_targets *all, const char *name);
/* There is none of this name: in words, with the one that was probably meant. */
void notify_target_unknown(const struct notify_targets *all, const char *name, char *why, size_t max);
enum target_kind notify_target_kind(const struct notify_target *t);
void notify_target_done(struct notify_target *t);
void notify_targets_done(struct notify_targets *all);

/* A word in braces of a header that no message has: its words are with the caller to free; NULL: all are good. */
char *notify_target_mistake(const struct notify_target *t);

/* What is told at once: a notice, and those that are folded into it. */
struct notify_message {
	int64_t			  id;		/* of the first one */
	const char		 *notice;	/* its JSON */
	const char *const	 *others;	/* theirs */
	size_t			  others_n;
	int64_t			  folded;	/* with those that are told only by their number */
};

/*
 * What is to be run: a job_spec, for job_spec_done().  sendmail: the program.  A message that has become too long for
 * an executor goes without the others.
 */
void notify_target_spec(const struct notify_target *t, const char *sendmail, const struct notify_message *m,
    struct job_spec *out);

#endif
