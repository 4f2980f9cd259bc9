/*
 * leaks: what should be gone and is not.
 *
 * Every few seconds, when the loop is awake anyway, a few tasks a tick are looked at: one that was cancelled
 * and does not end, though no deadline of its own is to come; one that still waits though its deadline has
 * passed.  And every descriptor and process that is watched, and every operation lent to the store, is known
 * with the task that it is watched for and with who made it: those whose owner has ended are found, too.
 * Those that are open and not watched at all are strays.h's.
 * A timer is part of its task and cannot outlive it.  What is found becomes a finding (finding.h).
 */
#ifndef ENGINE_LEAKS_H
#define ENGINE_LEAKS_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/when.h"

struct loop;
struct task;

/* How often all are looked at. */
#define SWEEP_EVERY	(10 * USEC_SEC)

/* So many sweeps a cancelled task, or what a gone owner has left, may last: 20 to 30 s. */
#define LEAK_EPOCHS	3

/* How much later than its deadline a wait may end. */
#define OVERDUE_MAX	USEC_SEC

/*
 * Something of the task is in another thread's hands, given away by who stands at an address of the program; and has
 * come back.  t may be NULL.
 */
void leaks_lend(struct loop *l, const struct task *t, const void *where);
void leaks_back(struct loop *l, const struct task *t);

/* Look at all now, in slices: call it once a tick until it returns true.  For whoever has asked. */
bool leaks_look(struct loop *l, bool *begun);

/* What the task has watched, "fd 17, pid 3121"; empty: nothing. */
void leaks_owned(const struct loop *l, const struct task *t, char *out, size_t n);

/* Has it something in another thread's hands? */
bool leaks_lent(const struct loop *l, const struct task *t);

/* Descriptors that are watched, the loop's own not counted. */
unsigned leaks_watched(const struct loop *l);

/* Is this one? */
bool leaks_is_watched(const struct loop *l, int fd);

/* For tests: sweep so often, on a virtual clock, too. */
void leaks_set_sweep(struct loop *l, usec_t every);

/*
 * The loop is about to end: is anything left?  It is told; with $JOBD_STRICT, as in our tests, the
 * process aborts.
 */
void leaks_at_end(struct loop *l);

#endif
