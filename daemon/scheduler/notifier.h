/*
 * notifier: has notices delivered.  The store has them from the moment on of what they tell of; here is
 * a courier for each target, who takes what is due, has it carried out like a run, and gives the
 * outcome to the store: so what was under way when jobd died is delivered again, and a target
 * is told at least once.  No run waits for any of it, and no target for another.  It is told in order:
 * while the oldest notice waits for its next attempt, those after it do.
 *
 * Bursts are folded: in the time that a target's fold says, the first few messages go as they come;
 * then one waits until it is over, and takes along all that has come.
 */
#ifndef SCHEDULER_NOTIFIER_H
#define SCHEDULER_NOTIFIER_H

#include "daemon/engine/task.h"
#include "daemon/exec/target.h"

/* Messages in a target's fold, at most; and so many notices at once become one. */
#define FOLD_BURST	5

/* Between attempts: from..to, doubled each time. */
#define NOTICE_BACKOFF_MIN	(5 * USEC_SEC)
#define NOTICE_BACKOFF_MAX	(10 * USEC_MINUTE)

struct scheduler;
struct notifier;

/* targets are borrowed; NULL: there are none. */
struct notifier *notifier_new(struct scheduler *s, const struct notify_targets *targets);
void notifier_free(struct notifier *n);

/*
 * The targets are others now: those that were borrowed have changed in place, and old is what they were, with stays set for
 * those that are the same as before.  It is taken over.  What is under way for another is let go, and taken up again.
 */
void notifier_retarget(struct notifier *n, struct notify_targets *old);

/* After recovery, as children of parent. */
void notifier_start(struct notifier *n, struct task *parent);

/* The store has new notices. */
void notifier_look(struct notifier *n);

/* What has become of a notice, for who waits for it. */
struct notifier_wait {
	struct notifier_wait	*next;
	struct task		*task;		/* is woken */
	const char		*target;	/* borrowed */
	int64_t			 id;		/* a test: it waits for no other notice */
	bool			 done, delivered;
	char			*error;		/* the waiter's to free */
};
void notifier_wait(struct notifier *n, struct notifier_wait *w);
void notifier_unwait(struct notifier *n, struct notifier_wait *w);

/* What a target's courier knows: but for the counts, which the store has.  Strings are copies. */
void notifier_target(const struct notifier *n, const char *name, struct target_info *out);

#endif
