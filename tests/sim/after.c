/*
 * after: a model of jobs that wait for others, fed by what is committed, in its order: whatever dies
 * afterwards, that is so.  A job may be claimed only when all its parents have ended as asked since it
 * became due the last time, and just once for that; audit.c looks at the sums, so that nobody
 * is forgotten.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

static struct sim_job *
job_by_id(struct sim *s, int64_t id)
{
	for (size_t i = 0; i < s->jobs_n; i++) {
		if (s->jobs[i].stored == id)
			return &s->jobs[i];
	}
	return NULL;
}

static bool
all_hold(const struct sim_job *j)
{
	for (size_t i = 0; i < j->parents_n; i++) {
		if (!j->parents[i].holds)
			return false;
	}
	return j->parents_n > 0;
}

/* If it is not due yet and may go on, it is due; and what its parents did is used up. */
static void
join(struct sim_job *j)
{
	if (j->joined || !all_hold(j))
		return;
	j->joined = true;
	j->joins++;
	for (size_t i = 0; i < j->parents_n; i++)
		j->parents[i].holds = false;
}

static bool
asked_for(int condition, int outcome)
{
	if (condition == AFTER_ANY)
		return true;
	if (condition == AFTER_OK)
		return outcome == RUN_SUCCEEDED;
	return outcome != RUN_SUCCEEDED && outcome != RUN_CANCELED;
}

/*
 * An end that came while the one before still counted, and was not told to all at once: the store may
 * have told it after the child's next turn, and then it counts for the one after that.
 */
static bool
join_late(struct sim_job *j)
{
	for (size_t i = 0; i < j->parents_n; i++) {
		if (!j->parents[i].holds && j->parents[i].late == 0)
			return false;
	}
	for (size_t i = 0; i < j->parents_n; i++) {
		j->parents[i].late -= !j->parents[i].holds;
		j->parents[i].holds = false;
	}
	j->joined = true;
	j->joins++;
	return true;
}

static void
ended(struct sim *s, int64_t job, int64_t run, int outcome, bool more)
{
	struct sim_job *parent = job_by_id(s, job);

	/* Its latest run is the one with the highest number, whenever it ended. */
	if (parent != NULL && run >= parent->last_run) {
		parent->last_run = run;
		parent->last_outcome = outcome;
	}
	for (size_t i = 0; i < s->jobs_n; i++) {
		struct sim_job *j = &s->jobs[i];

		for (size_t k = 0; k < j->parents_n; k++) {
			if (j->parents[k].id != job || !asked_for(j->parents[k].condition, outcome))
				continue;
			j->parents[k].late += more && j->parents[k].holds;
			j->parents[k].holds = true;
		}
		join(j);
	}
	s->telling |= more;
}

/* Its occurrence was claimed, or skipped. */
static void
taken(struct sim *s, int64_t job, const char *how)
{
	struct sim_job *j = job_by_id(s, job);

	if (j == NULL || j->parents_n == 0)
		return;
	SIM_CHECK(s, j->joined || join_late(j), "job %lld is %s, but its parents have not let it go on",
	    (long long)job, how);
	j->joined = false;
	join(j);
}

static void
claimed(struct sim *s, int64_t job, int64_t run)
{
	struct sim_job *j = job_by_id(s, job);

	if (j != NULL)
		j->claimed[j->claims_n++ % SIM_CLAIMS_MAX] = run;
}

bool
after_claimed(struct sim *s, int64_t job, int64_t run)
{
	const struct sim_job *j = job_by_id(s, job);

	for (size_t i = 0; j != NULL && i < SIM_CLAIMS_MAX; i++) {
		if (j->claimed[i] == run)
			return true;
	}
	return false;
}

bool
after_asked(struct sim *s, int64_t job, int64_t run)
{
	const struct sim_job *j = job_by_id(s, job);

	for (size_t i = 0; j != NULL && i < SIM_CLAIMS_MAX; i++) {
		if (j->again[i] == run)
			return true;
	}
	return false;
}

/*
 * What counts at first the store says: which of its parents are finished only it knows.  That those
 * that count have really ended so is checked.
 */
static void
added(struct sim *s, void *db, const struct job_new *new)
{
	struct op_get get = { .op.kind = OP_GET, .id = new->id, .dependencies = true };
	struct sim_job *j = NULL;

	for (size_t i = 0; i < s->jobs_n; i++) {
		if (strcmp(s->jobs[i].name, new->spec->name) == 0)
			j = &s->jobs[i];
	}
	SIM_CHECK(s, j != NULL && backend_sqlite.apply[OP_GET](db, &get.op) == 0,
	    "what was added is not there");
	j->stored = new->id;
	j->last_outcome = -1;
	j->parents_n = get.parents_n;
	j->joined = get.parents_n > 0 && instant_is_set(get.job.due);
	j->joins = j->joined;
	for (size_t i = 0; i < get.parents_n; i++) {
		const struct dependency_info *d = &get.parents[i];
		const struct sim_job *p = job_by_id(s, d->job);
		bool holds = d->state == DEPENDENCY_HOLDS;

		SIM_CHECK(s, p != NULL && (!(holds || j->joined) ||
		    asked_for(d->condition, p->last_outcome)),
		    "job %lld waits for %lld no longer, which has not ended so",
		    (long long)new->id, (long long)d->job);
		j->parents[i] = (struct sim_parent){ .id = d->job, .condition = d->condition,
		    .holds = holds };
		sim_note(s, "after %lld: %lld condition %d holds %d", (long long)new->id,
		    (long long)d->job, d->condition, holds);
	}
	op_get_done(&get);
}

/* All is told: what has come late has come, or counted with the one before. */
static void
told(void *db, struct sim_job *j)
{
	struct op_get get = { .op.kind = OP_GET, .id = j->stored, .dependencies = true };

	if (backend_sqlite.apply[OP_GET](db, &get.op) != 0)
		return;			/* it is gone */
	if (!j->joined && instant_is_set(get.job.due))
		(void)join_late(j);	/* if it may not be due, its sum is wrong */
	for (size_t i = 0; i < j->parents_n && i < get.parents_n; i++) {
		j->parents[i].holds |= j->parents[i].late > 0 &&
		    get.parents[i].state == DEPENDENCY_HOLDS;
		j->parents[i].late = 0;
	}
	op_get_done(&get);
}

void
after_told(struct sim *s, void *db)
{
	for (size_t i = 0; i < s->jobs_n && !s->telling; i++) {
		bool late = false;

		for (size_t k = 0; k < s->jobs[i].parents_n; k++)
			late |= s->jobs[i].parents[k].late > 0;
		if (late)
			told(db, &s->jobs[i]);
	}
}

void
after_added(struct sim *s, void *db, const struct store_op *op)
{
	if (op->kind == OP_ADD)
		added(s, db, container_of(op, const struct op_add, op)->jobs);
}

void
after_committed(struct sim *s, const struct store_op *op)
{
	const struct op_claim *claim;
	const struct op_finish *finish;
	const struct op_cancel *cancel;
	const struct op_retry *retry;
	struct sim_job *j;

	switch (op->kind) {
	case OP_CLAIM:
		claim = container_of(op, const struct op_claim, op);
		if (claim->born)
			taken(s, claim->job, "run");
		if (claim->replaced != 0)
			ended(s, claim->job, claim->replaced, RUN_CANCELED,
			    claim->dependents.more);
		claimed(s, claim->job, claim->run);
		break;
	case OP_SKIP:
		taken(s, container_of(op, const struct op_skip, op)->job, "skipped");
		break;
	case OP_FINISH:
		finish = container_of(op, const struct op_finish, op);
		if (finish->ping != NULL)
			break;		/* nothing is written: it is to end by that */
		/* One that is tried again has not ended yet. */
		if (finish->state != RUN_RETRYING)
			ended(s, finish->run->job, finish->run->run, finish->state,
			    finish->dependents.more);
		j = job_by_id(s, finish->run->job);
		if (j != NULL)
			beats_ended(j, finish);
		break;
	case OP_CANCEL:
		cancel = container_of(op, const struct op_cancel, op);
		if (cancel->was == RUN_QUEUED || cancel->was == RUN_RETRYING)
			ended(s, cancel->job, cancel->run, RUN_CANCELED,
			    cancel->dependents.more);
		break;
	case OP_RETRY:
		retry = container_of(op, const struct op_retry, op);
		j = job_by_id(s, retry->job);
		if (j != NULL)
			j->again[j->again_n++ % SIM_CLAIMS_MAX] = retry->run;
		beats_asked_again(s, retry->job, retry->run);
		break;
	case OP_SPREAD:
		s->telling = container_of(op, const struct op_spread, op)->dependents.more;
		break;
	default:
		break;
	}
}

void
after_check(struct sim *s, const struct sim_job *j, const struct op_get *get, bool at_rest)
{
	int64_t runs = 0, sum;

	if (j->parents_n == 0)
		return;
	for (size_t i = 0; i < get->runs_n; i++)
		runs += !get->runs[i].manual;
	sum = runs + get->job.skips + instant_is_set(get->job.due);
	/* What was cut into slices may not be told to all yet. */
	SIM_CHECK(s, (size_t)get->job.runs != get->runs_n || sum == j->joins ||
	    (!at_rest && sum < j->joins),
	    "job %lld was let go on %lld times, and has %lld runs and %lld skips",
	    (long long)j->id, (long long)j->joins, (long long)runs, (long long)get->job.skips);
	SIM_CHECK(s, get->parents_n == j->parents_n, "job %lld has other parents",
	    (long long)j->id);
	for (size_t i = 0; at_rest && i < get->parents_n; i++) {
		const struct dependency_info *d = &get->parents[i];
		bool over = d->job_state < 0 || d->job_state == JOB_FINISHED;

		SIM_CHECK(s, (d->state == DEPENDENCY_HOLDS) == j->parents[i].holds,
		    "job %lld: that %lld has ended so is %d, and not so in the model",
		    (long long)j->id, (long long)d->job, d->state);
		SIM_CHECK(s, d->state == DEPENDENCY_HOLDS || (d->state == DEPENDENCY_NEVER) == over,
		    "job %lld: %lld has state %d and is to it %d", (long long)j->id,
		    (long long)d->job, d->job_state, d->state);
	}
}
