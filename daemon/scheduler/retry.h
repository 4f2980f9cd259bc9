/*
 * retry: what follows when an attempt has not succeeded, and after how long.  Pure.
 */
#ifndef SCHEDULER_RETRY_H
#define SCHEDULER_RETRY_H

#include "daemon/base/rand.h"
#include "daemon/store/ops.h"

/*
 * Is there to be another attempt, after this one has ended as run says?  retried: the retries it
 * has used up so far.  Not of one that succeeded, or that a person ended.
 */
enum again retry_again(const struct job_spec *spec, const struct run_info *run, int64_t retried);

/*
 * How long the n-th retry (from 1) waits.  Fixed: always the same.  Exponential, with full jitter:
 * any part of first * 2^(n-1), or of the longest delay, so that those who failed together do not
 * come back together.
 */
usec_t retry_delay(const struct job_spec *spec, int64_t n, struct rand *random);

#endif
