/*
 * beats: the heartbeats of the simulation.  Nothing of them is begun outside the daemon: what happens are pings, and
 * their absence.  So each ping that was acknowledged must be in the run that was named, and say how that ends, whatever
 * dies; no run may fail for a ping that has come, or before its grace is over; and the health is what
 * the ends, in the order of their commits, make of it.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/mem.h"
#include "tests/sim/sim.h"

/* A run that nobody pings for is over so long after the last moment of its grace. */
#define LATE_TOLERANCE	USEC_MINUTE

/* The clock is set back by no more. */
#define SET_BACK_MAX	USEC_HOUR

void
beats_pinged(struct sim *s, const struct op_ping *op)
{
	struct sim_ping *p;

	if (s->pings_n == s->pings_size) {
		s->pings_size = s->pings_size == 0 ? 256 : s->pings_size * 2;
		s->pings = xrealloc(s->pings, s->pings_size * sizeof(*s->pings));
	}
	p = &s->pings[s->pings_n++];
	*p = (struct sim_ping){ .job = op->job, .run = op->run, .what = op->ping.what, .at = op->ping.at };
	/* What a run was told of its end is not taken back: another ping is for another run. */
	for (size_t i = 0; i + 1 < s->pings_n; i++)
		SIM_CHECK(s, s->pings[i].job != p->job || s->pings[i].run != p->run ||
		    s->pings[i].what == PING_START || s->pings[i].again,
		    "%lld.%lld was pinged once more after its end", (long long)p->job, (long long)p->run);
}

void
beats_asked_again(struct sim *s, int64_t job, int64_t run)
{
	for (size_t i = 0; i < s->pings_n; i++)
		s->pings[i].again |= s->pings[i].job == job && s->pings[i].run == run;
}

void
beats_ended(struct sim_job *j, const struct op_finish *o)
{
	bool well = o->state == RUN_SUCCEEDED;

	if (j->kind != KIND_HEARTBEAT || o->state == RUN_CANCELED)
		return;
	j->passed = well ? j->passed + 1 : 0;
	j->failed = well ? 0 : j->failed + 1;
	if (well && (j->health != VERDICT_DOWN || j->passed >= j->ok_after))
		j->health = VERDICT_UP;
	if (!well && j->failed >= j->fail_after)
		j->health = VERDICT_DOWN;
}

/* One ping against the run that its answer named. */
static void
audit_ping(struct sim *s, const struct sim_ping *p, const struct run_info *r, bool at_rest)
{
	bool well = p->what == PING_OK;
	int wanted = well ? RUN_SUCCEEDED : RUN_FAILED;
	long long job = p->job, run = p->run;

	if (p->again)
		return;		/* it is another attempt's turn */
	SIM_CHECK(s, r->ping != NULL, "%lld.%lld has lost its ping", job, run);
	if (p->what == PING_START) {
		SIM_CHECK(s, r->ping->what == PING_START || instant_is_set(r->ping->began),
		    "%lld.%lld has lost that it began", job, run);
		return;
	}
	SIM_CHECK(s, r->ping->what == p->what && r->ping->at.usec == p->at.usec,
	    "%lld.%lld was pinged %s, and has %s", job, run, ping_what_names[p->what],
	    ping_what_names[r->ping->what]);
	SIM_CHECK(s, r->state == wanted || r->state == RUN_CANCELED ||
	    (!at_rest && !run_state_final((enum run_state)r->state)),
	    "%lld.%lld was pinged %s, and is %s", job, run, ping_what_names[p->what],
	    run_state_names[r->state]);
}

/* When nobody has pinged it must be over then at the latest: a daemon that takes it up gives it the grace anew. */
static instant
last_moment(const struct sim *s, const struct sim_job *j, const struct run_info *r)
{
	const struct loop *l = s->life->loop;
	instant last = r->due, life = instant_add(loop_wall(l), -loop_now(l));

	if (r->started.usec > last.usec)
		last = r->started;
	if (life.usec > last.usec)
		last = life;
	if (r->ping != NULL && r->ping->at.usec > last.usec)
		last = r->ping->at;
	return instant_add(last, j->grace > j->timeout ? j->grace : j->timeout);
}

/*
 * The time that is left does not go on while the host sleeps, nor is it another when the clock is set: after that it
 * cannot be told by the clock when it ends, only that it does.
 */
static bool
is_disturbed(const struct sim *s, const struct sim_job *j)
{
	usec_t last = s->stepped > s->slept ? s->stepped : s->slept;

	return sim_now(s) - last <= (j->grace > j->timeout ? j->grace : j->timeout) + SET_BACK_MAX + LATE_TOLERANCE;
}

static void
audit_end(struct sim *s, const struct sim_job *j, const struct run_info *r)
{
	bool told = r->ping != NULL && r->ping->what != PING_START;
	long long job = r->job, run = r->run;

	if (r->state == RUN_CANCELED)
		return;
	SIM_CHECK(s, r->state != RUN_LOST, "%lld.%lld is lost, and nothing ran", job, run);
	SIM_CHECK(s, instant_is_set(r->ended), "%lld.%lld has no end", job, run);
	SIM_CHECK(s, (r->state == RUN_SUCCEEDED) == (told && r->ping->what == PING_OK),
	    "%lld.%lld is %s, and nobody pinged so", job, run, run_state_names[r->state]);
	SIM_CHECK(s, r->verdict == (r->state == RUN_SUCCEEDED ? VERDICT_UP : VERDICT_DOWN),
	    "%lld.%lld is %s, and its verdict %s", job, run, run_state_names[r->state],
	    verdict_names[r->verdict]);
	SIM_CHECK(s, r->state != RUN_TIMED_OUT || (j->timeout > 0 && !told && r->ping != NULL),
	    "%lld.%lld has timed out, and was given no time", job, run);
	if (!told && r->state == RUN_FAILED && s->steps_n == 0)
		SIM_CHECK(s, r->exited.usec >= instant_add(r->due, j->grace).usec,
		    "%lld.%lld failed within its grace", job, run);
}

void
beats_audit_run(struct sim *s, const struct sim_job *j, const struct run_info *r, bool at_rest)
{
	instant now = loop_wall(s->life->loop);

	SIM_CHECK(s, r->state != RUN_RETRYING, "%lld.%lld is retrying", (long long)r->job, (long long)r->run);
	for (size_t i = 0; i < s->pings_n; i++) {
		if (s->pings[i].job == r->job && s->pings[i].run == r->run)
			audit_ping(s, &s->pings[i], r, at_rest);
	}
	if (run_state_final((enum run_state)r->state))
		audit_end(s, j, r);
	else if (at_rest && r->state == RUN_RUNNING && !is_disturbed(s, j))
		SIM_CHECK(s, last_moment(s, j, r).usec > now.usec - LATE_TOLERANCE,
		    "%lld.%lld waits for a ping since %lld s", (long long)r->job, (long long)r->run,
		    (long long)(instant_since(now, r->due) / USEC_SEC));
}

void
beats_audit_job(struct sim *s, const struct sim_job *j, const struct job_info *job)
{
	if (j->kind != KIND_HEARTBEAT)
		return;
	SIM_CHECK(s, job->checks_failed == j->failed && job->checks_passed == j->passed &&
	    job->health == j->health, "heartbeat %lld is %s after %lld failed and %lld passed, not %s after %lld and"
	    " %lld", (long long)j->id, verdict_names[job->health], (long long)job->checks_failed,
	    (long long)job->checks_passed, verdict_names[j->health], (long long)j->failed,
	    (long long)j->passed);
}
