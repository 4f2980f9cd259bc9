/*
 * memory_keep: retention on the store in memory, by the rules of sqlite_keep.c.  There are no output,
 * no rows of skips and no spans to give up; a job and its runs are a slice, and for all runs
 * together each run is one.
 */
#include <errno.h>
#include <stdlib.h>

#include "daemon/base/must.h"
#include "daemon/store/memory-internal.h"
#include "proto/mem.h"

static int64_t
limit_of(int64_t own, int64_t configured)
{
	return own == 0 ? configured : own < 0 ? 0 : own;
}

static bool
older(const struct op_keep *o, instant at, usec_t age)
{
	return age > 0 && at.usec < o->now.usec - age;
}

static bool
is_failure(const struct memory_run *r)
{
	return r->info.state == RUN_FAILED || r->info.state == RUN_TIMED_OUT ||
	    r->info.state == RUN_LOST;
}

static bool
is_final(const struct memory_run *r)
{
	return run_state_final((enum run_state)r->info.state);
}

/* The job goes: nothing has happened for as long as it is to be kept. */
static bool
job_expired(const struct op_keep *o, const struct memory_job *j)
{
	bool failed = j->newest != NULL && is_failure(j->newest);

	return j->state == JOB_FINISHED && j->queued + j->running == 0 && older(o, j->finished,
	    limit_of(j->keep_age, failed ? o->policy->failed_jobs : o->policy->finished_jobs));
}

static void
job_expire(struct memory *m, struct op_keep *o, struct memory_job *j)
{
	o->tally.jobs++;
	o->gone[o->n++] = (struct kept_not){ .job = j->row.id, .runs = j->runs,
	    .name = xstrdup(j->name) };
	if (!o->dry)
		memory_job_delete(m, j);
}

/* A failed run is spared while fewer than so many came after it. */
static bool
is_spared(const struct op_keep *o, const struct memory_job *j, const struct memory_run *run)
{
	int64_t failed = 0;

	if (!is_failure(run) || o->policy->failed == 0)
		return false;
	for (const struct memory_run *r = j->newest; r != run; r = r->older)
		failed += is_failure(r);
	return failed < o->policy->failed;
}

static bool
run_expired(const struct op_keep *o, const struct memory_job *j, const struct memory_run *r)
{
	int64_t runs = limit_of(j->keep_runs, o->policy->runs);
	instant over = instant_is_set(r->info.ended) ? r->info.ended : r->info.started;

	if (r == j->newest || !is_final(r))
		return false;
	if (older(o, over, limit_of(j->keep_age, o->policy->age)))
		return true;
	return runs > 0 && r->info.run <= j->runs - runs && !is_spared(o, j, r);
}

static void
run_delete(struct op_keep *o, struct memory_run **at)
{
	struct memory_run *r = *at;

	o->tally.runs++;
	o->place.assumed_runs += o->dry;
	if (o->dry)
		return;
	*at = r->older;
	run_info_done(&r->info);
	free(r);
}

/* Which of them go is found before any does: a failed one is spared by those after it. */
static void
job_runs(struct op_keep *o, struct memory_job *j)
{
	struct memory_run **at = &j->newest;

	while (*at != NULL) {
		struct memory_run *r = *at;

		if (run_expired(o, j, r))
			run_delete(o, at);
		if (*at == r)
			at = &r->older;
	}
}

static void
keep_jobs(struct memory *m, struct op_keep *o)
{
	size_t i = 0;

	while (i < m->n && o->n < KEEP_JOBS_MAX) {
		struct memory_job *j = m->jobs[i];

		if (j->row.id <= o->place.job) {
			i++;
			continue;
		}
		o->place.job = j->row.id;
		if (job_expired(o, j))
			job_expire(m, o, j);
		else
			job_runs(o, j);
	}
	if (o->n < KEEP_JOBS_MAX)
		o->place.phase = KEEP_NOTICES;
}

/* The oldest run of all that may go and comes after a place; NULL: there is none. */
static struct memory_run **
oldest_after(const struct memory *m, const struct op_keep *o, int64_t cursor, int64_t *rows)
{
	struct memory_run **found = NULL;

	*rows = 0;
	for (size_t i = 0; i < m->n; i++) {
		struct memory_job *j = m->jobs[i];

		for (struct memory_run **at = &j->newest; *at != NULL; at = &(*at)->older) {
			++*rows;
			if (*at == j->newest || !is_final(*at) || (*at)->cursor <= cursor)
				continue;
			if (o->dry && (job_expired(o, j) || run_expired(o, j, *at)))
				continue;	/* assumed to be gone */
			if (found == NULL || (*at)->cursor < (*found)->cursor)
				found = at;
		}
	}
	return found;
}

static void
keep_runs(const struct memory *m, struct op_keep *o)
{
	int64_t max = o->policy->runs_total, rows;
	struct memory_run **at;

	for (;;) {
		at = oldest_after(m, o, o->place.id, &rows);
		if (max == 0 || at == NULL || rows - o->place.assumed_runs <= max)
			break;
		o->place.id = (*at)->cursor;
		run_delete(o, at);
	}
	o->place.phase = KEEP_OVER;
}

int
memory_keep_slice(void *db, struct store_op *op)
{
	struct op_keep *o = container_of(op, struct op_keep, op);
	struct memory *m = db;

	/* What has ended is not there. */
	if (!m->keep)
		return -ENOSYS;
	if (o->place.phase == KEEP_JOBS)
		keep_jobs(m, o);
	else if (o->place.phase == KEEP_RUNS)
		keep_runs(m, o);
	if (o->place.phase == KEEP_NOTICES) {
		memory_keep_notices(m, o);
		o->place.phase = KEEP_RUNS;
	}
	return 0;
}
