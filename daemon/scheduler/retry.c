/*
 * retry: see retry.h.
 */
#include "daemon/scheduler/retry.h"

#include "daemon/base/must.h"
#include "proto/retryon.h"

/* Does how it ended call for another attempt, if there are retries left? */
static bool
calls_for_retry(const struct job_spec *spec, const struct run_info *run)
{
	/* What is a failure like others needs no word of its own. */
	if (run->state == RUN_LOST && spec->on_crash == ON_CRASH_FAIL && spec->retry_on == NULL)
		return true;
	return retry_on_has(spec->retry_on, run);
}

/* The quick retries of a check are over before its next occurrence, as far as can be told. */
static bool
quick_retry_fits(const struct job_spec *spec, const struct run_info *run)
{
	usec_t took = instant_since(run->ended, run->spawned);

	return spec->every == 0 || !instant_is_set(run->spawned) ||
	    instant_since(run->ended, run->due) + QUICK_RETRY_DELAY + took < spec->every ||
	    took < spec->every / 8;
}

enum again
retry_again(const struct job_spec *spec, const struct run_info *run, int64_t retried)
{
	if (run->state == RUN_LOST && spec->on_crash == ON_CRASH_RERUN)
		return AGAIN_RERUN;
	/* What comes again finds out the next time, when it could not be found out now. */
	if (!verdict_counts((enum verdict)run->verdict) && job_spec_repeats(spec))
		return AGAIN_NO;
	if (job_spec_quick_retries(spec) > 0)
		return retried < job_spec_quick_retries(spec) && calls_for_retry(spec, run) &&
		    quick_retry_fits(spec, run) ? AGAIN_RETRY : AGAIN_NO;
	return retried < spec->retries && calls_for_retry(spec, run) ? AGAIN_RETRY : AGAIN_NO;
}

usec_t
retry_delay(const struct job_spec *spec, int64_t n, struct rand *random)
{
	usec_t delay = spec->backoff_first > 0 ? spec->backoff_first : BACKOFF_FIRST_DEFAULT;
	usec_t most = spec->backoff_most > 0 ? spec->backoff_most : BACKOFF_MOST_DEFAULT;

	MUST(n > 0);
	/* Quick ones, and over before the next occurrence. */
	if (job_spec_quick_retries(spec) > 0)
		return spec->every > 0 && spec->every < 8 * QUICK_RETRY_DELAY ? spec->every / 8 :
		    QUICK_RETRY_DELAY;
	if (spec->backoff == BACKOFF_FIXED)
		return delay;
	if (most < delay)
		most = delay;
	for (; n > 1 && delay < most; n--)
		delay = delay > most / 2 ? most : 2 * delay;
	return (usec_t)rand_below(random, (uint64_t)delay + 1);
}
