/*
 * retryon: after which ends a run is tried again: a set of codes, ranges and words like
 * 1-5,75,timed_out,signal.  Pure; what a job asks for is checked when it is added.
 */
#ifndef PROTO_RETRYON_H
#define PROTO_RETRYON_H

#include "proto/types.h"

/* NULL when it is a good set for a job of this kind; else why not, into why. */
#define RETRY_ON_WHY_MAX 160
const char *retry_on_check(const char *set, enum job_kind kind, char why[RETRY_ON_WHY_MAX]);

/*
 * Does it hold how the attempt ended (failed, timed_out or lost)?  Without a set (NULL): every
 * failure, but not lost ones, and not a program that is not there (exit codes 126 and 127): it will
 * not be there a second later.  A run that a person ended, and one that succeeded, is in no set.
 */
bool retry_on_has(const char *set, const struct run_info *run);

#endif
