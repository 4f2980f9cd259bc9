/*
 * beat: see beat.h.
 *
 * Elapsed time counts from one ping to the next, so any ping is for the next due.  Wall-clock times stay
 * where they are: what succeeds before its time is for the next one, unless the one before has failed:
 * then it makes up for that one; and what fails does so beside the schedule, which is expected all the same.
 */
#include "daemon/scheduler/beat.h"

/* Did the latest occurrence fail, with nothing that has made up for it? */
static bool
last_failed(const struct job_info *job)
{
	return job->last != NULL && (job->last->state == RUN_FAILED ||
	    job->last->state == RUN_TIMED_OUT || job->last->state == RUN_LOST);
}

/* Is it for the next due, by elapsed time?  That one counts from the ping before. */
static bool
takes_elapsed(const struct job_info *job, const struct schedule *s, instant now)
{
	return job->due.usec - s->every < now.usec;
}

static bool
takes_wall(const struct op_ping *o, const struct job_info *job, const struct schedule *s, instant now)
{
	struct occurrence next;

	if (schedule_at(s, job->due).cause >= 0)
		return false;
	if (job->due.usec <= now.usec)
		return true;
	return o->ping.what != PING_FAIL && !last_failed(job) && schedule_next(s, now, &next) &&
	    next.due.usec == job->due.usec;
}

void
beat_decide(struct op_ping *o, const struct job_info *job, const struct schedule *s, instant now)
{
	struct occurrence next;
	bool elapsed, more;

	o->claim.noticed = o->claim.started = now;
	if (!instant_is_set(job->due) || job->paused || job->state == JOB_QUARANTINED || s == NULL)
		return;
	elapsed = schedule_zone(s) == NULL;
	more = schedule_next(s, elapsed ? now : job->due, &next);
	/* The clock was set: the due is to come all the same. */
	if (more && next.due.usec <= job->due.usec)
		more = schedule_next(s, job->due, &next);
	o->claim.due = job->due;
	o->claim.mark = schedule_at(s, job->due).mark;
	o->claim.next_due = more ? next.due : (instant){ 0 };
	o->take = elapsed ? takes_elapsed(job, s, now) : takes_wall(o, job, s, now);
	o->move = elapsed && o->take && o->ping.what != PING_START;
}
