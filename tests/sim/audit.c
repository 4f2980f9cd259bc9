/*
 * audit: the store against the model and the world.  For each job the ledger must add up: from its
 * first due to its next one every occurrence has made a run or is counted as skipped, and no
 * more; every run that is told as ended did end so; everything begun has its row.
 */
#include <errno.h>
#include <stdlib.h>

#include "daemon/scheduler/clock.h"
#include "tests/sim/sim.h"

/* At rest a due may be past by this much: it waits in line for a slot. */
#define REST_TOLERANCE	USEC_MINUTE

static int
instant_compare(const void *a, const void *b)
{
	const instant *x = a, *y = b;

	return x->usec < y->usec ? -1 : x->usec > y->usec;
}

/*
 * Those begun are numbered, and no more than the retries allow, with those asked for by hand: a lost
 * one uses none up, but is followed by another only where that was wanted.
 */
static void
audit_attempts(struct sim_audit *a, const struct run_info *r)
{
	struct sim *s = a->sim;
	const struct sim_job *j = sim_job_find(s, r->job);
	int64_t known = 0, lost = 0;

	for (size_t i = 0; i < s->processes_n; i++) {
		struct sim_process *p = &s->processes[i];

		if (p->job != r->job || p->run != r->run)
			continue;
		SIM_CHECK(s, p->attempt <= r->attempt, "%lld.%lld: attempt %lld is not known",
		    (long long)p->job, (long long)p->run, (long long)p->attempt);
		p->seen = true;
		known++;
		lost += p->lost;
	}
	/* What was never begun was lost between its claim and its start. */
	lost += r->attempt - known;
	if (j == NULL || r->state == RUN_CANCELED)
		return;
	SIM_CHECK(s, r->attempt - lost <= (j->retries + 1) * (j->hand + 1),
	    "%lld.%lld: %lld attempts, %lld lost, with %lld retries", (long long)r->job,
	    (long long)r->run, (long long)r->attempt, (long long)lost, (long long)j->retries);
	if (j->on_crash != ON_CRASH_RERUN)
		SIM_CHECK(s, lost <= (j->retries_lost ? j->retries + 1 : 1) * (j->hand + 1) +
		    (r->state == RUN_RUNNING), "%lld.%lld: %lld attempts lost", (long long)r->job,
		    (long long)r->run, (long long)lost);
}

/*
 * A run of the job is to be tried again, and not yet: its instant stays what it is, also when the clock is
 * set back; while the job is paused, or in quarantine, it has none.
 */
static bool
retries_later(const struct sim_audit *a)
{
	const struct job_info *job = &a->op.job;
	instant now = loop_wall(a->sim->life->loop);

	for (size_t i = 0; i < a->op.runs_n; i++) {
		const struct run_info *r = &a->op.runs[i];

		if (r->state == RUN_RETRYING && (instant_is_set(r->retry_at) ?
		    r->retry_at.usec > now.usec - REST_TOLERANCE :
		    job->paused || job->crashes >= CRASHES_MAX))
			return true;
	}
	return false;
}

/* Queued runs wait for that, unless the first of them was asked for by hand; or they may go on beside it. */
static bool
queued_behind_retry(const struct sim_audit *a, const struct sim_job *j)
{
	const struct run_info *first = NULL;

	for (size_t i = 0; i < a->op.runs_n; i++) {
		if (a->op.runs[i].state == RUN_QUEUED)
			first = &a->op.runs[i];		/* the earliest comes last */
	}
	return first != NULL && !first->manual && first->attempt == 0 &&
	    j->terms.overlap != OVERLAP_PARALLEL && retries_later(a);
}

/* And so does an occurrence that comes once, or was promised in catching up: the others are skipped. */
static bool
due_behind_retry(const struct sim_audit *a, struct sim_job *j)
{
	return (j->misfire == MISFIRE_ALL || !schedule_repeats(sim_schedule(a->sim, j))) &&
	    retries_later(a);
}

/* One run against what was begun. */
static void
audit_run(struct sim_audit *a, const struct sim_job *j, const struct run_info *r)
{
	struct sim *s = a->sim;
	struct sim_process *p = sim_process_find(s, r->job, r->run, r->attempt);
	bool waits = r->state == RUN_QUEUED || r->state == RUN_RETRYING;
	long long job = r->job, run = r->run;

	if (r->kind == KIND_HEARTBEAT) {
		beats_audit_run(s, j, r, a->at_rest);
		return;
	}
	audit_attempts(a, r);
	late_run(s, j, r, &a->wanted);
	if (r->state == RUN_LOST)
		SIM_CHECK(s, (p == NULL || p->lost) && r->kind == KIND_COMMAND,
		    "%lld.%lld lost, but it was begun", job, run);
	else if (r->state == RUN_CANCELED)
		/* Before its next attempt, it has the end of the one before. */
		SIM_CHECK(s, p == NULL || p->canceled || p->lost ||
		    (p->ended && p->outcome != RUN_SUCCEEDED),
		    "%lld.%lld canceled, but it went on", job, run);
	else if (run_state_final((enum run_state)r->state))
		SIM_CHECK(s, p != NULL && p->ended && !p->canceled && !p->lost &&
		    p->outcome == r->state,
		    "%lld.%lld ended as %s, but that is not so", job, run,
		    run_state_names[r->state]);
	else
		SIM_CHECK(s, !waits || p == NULL || p->ended, "%lld.%lld begun while queued",
		    job, run);
	if (run_state_final((enum run_state)r->state))
		SIM_CHECK(s, instant_is_set(r->ended), "%lld.%lld has no end", job, run);
	if (a->at_rest && r->state == RUN_RUNNING)
		SIM_CHECK(s, p != NULL && !p->ended, "%lld.%lld is over, but still running", job,
		    run);
	if (a->at_rest && r->state == RUN_QUEUED && !queued_behind_retry(a, j))
		/* Its jitter may have held it back long after its due. */
		SIM_CHECK(s, (instant_is_set(r->noticed) ? r->noticed : r->due).usec >
		    loop_wall(s->life->loop).usec - REST_TOLERANCE, "%lld.%lld is still queued", job, run);
	/* Of a paused job it has no time. */
	if (a->at_rest && r->state == RUN_RETRYING && instant_is_set(r->retry_at))
		SIM_CHECK(s, r->retry_at.usec > loop_wall(s->life->loop).usec - REST_TOLERANCE,
		    "%lld.%lld is still retrying", job, run);
}

/*
 * Dues of elapsed time move with the clock when it is set.  Is this one so many occurrences after
 * the first, with some of the steps since the add in it?  occurrences < 0: any number.
 * Steps below CLOCK_STEP_MIN are made up for together with the next, also for jobs that were
 * added in between: a due may be so far off.
 */
static bool
due_fits(const struct sim *s, const struct sim_job *j, instant due, int64_t occurrences)
{
	usec_t since = instant_since(due, j->first), off;

	if (j->every == 0)
		return since == 0;
	for (size_t i = j->steps;; i++) {
		off = occurrences >= 0 ? since - occurrences * j->every :
		    (since + CLOCK_STEP_MIN) % j->every - CLOCK_STEP_MIN;
		if (off > -CLOCK_STEP_MIN && off < CLOCK_STEP_MIN)
			return true;
		if (i == s->steps_n)
			return false;
		since -= s->steps[i];
	}
}

/* Every occurrence has exactly one disposition. */
static void
audit_runs(struct sim_audit *a, struct sim_job *j)
{
	struct sim *s = a->sim;
	const struct job_info *job = &a->op.job;
	instant *dues = calloc(a->op.runs_n + 1, sizeof(*dues));
	int64_t n = 0;

	for (size_t i = 0; i < a->op.runs_n; i++) {
		const struct run_info *r = &a->op.runs[i];

		/* What is gone is old: the latest is there, and active ones are. */
		SIM_CHECK(s, i == 0 ? r->run == job->runs : r->run < a->op.runs[i - 1].run,
		    "runs of %lld are not numbered in their order", (long long)j->id);
		SIM_CHECK(s, r->run == job->runs - (int64_t)i || instant_is_set(job->pruned),
		    "runs of %lld are not numbered one by one", (long long)j->id);
		audit_run(a, j, r);
		if (r->manual)
			continue;
		/* The dues of a heartbeat count from ping to ping. */
		SIM_CHECK(s, j->on_boot || j->parents_n > 0 || j->kind == KIND_HEARTBEAT ||
		    schedule_zone(sim_schedule(s, j)) != NULL ||
		    due_fits(s, j, r->due, -1),
		    "%lld.%lld is due when the job never was", (long long)j->id, (long long)r->run);
		dues[n++] = r->due;
	}
	qsort(dues, (size_t)n, sizeof(*dues), instant_compare);
	for (int64_t i = 1; i < n; i++)
		SIM_CHECK(s, dues[i].usec != dues[i - 1].usec, "two runs of %lld for one due",
		    (long long)j->id);
	free(dues);
	SIM_CHECK(s, a->op.runs_n > 0 || job->runs == 0, "the latest run of %lld is gone",
	    (long long)j->id);
	if ((size_t)job->runs != a->op.runs_n) {
		/* More than a page, or some are gone: the oldest are taken for known. */
		for (size_t i = 0; i < s->processes_n; i++) {
			struct sim_process *p = &s->processes[i];

			p->seen = p->seen || (p->job == j->id &&
			    p->run <= job->runs - (int64_t)a->op.runs_n);
		}
		return;
	}
	s->runs += (uint64_t)job->runs;
	if (j->on_boot)
		SIM_CHECK(s, n + job->skips + instant_is_set(job->due) <= s->boots - j->boots,
		    "job %lld is due more often than the host was started", (long long)j->id);
	else if (j->parents_n == 0 && j->kind != KIND_HEARTBEAT &&
	    schedule_zone(sim_schedule(s, j)) == NULL)
		/* counted, whatever of it is kept */
		SIM_CHECK(s, j->every > 0 ? due_fits(s, j, job->due, n + job->skips) :
		    n + job->skips == (instant_is_set(job->due) ? 0 : 1),
		    "job %lld: %lld runs and %lld skips do not lead from its first due to the present"
		    " one", (long long)j->id, (long long)n, (long long)job->skips);
}

/* Silent heartbeats have all the places, each for as long as its grace is. */
static bool
behind_heartbeats(const struct sim_audit *a, const struct sim_job *j)
{
	struct scheduler_view view;

	if (j->kind != KIND_HEARTBEAT)
		return false;
	scheduler_view(a->sim->life->scheduler, j->id, j->kind, NULL, 0, &view);
	return view.running == view.running_max;
}

static void
audit_job(struct sim_audit *a, struct sim_job *j)
{
	struct sim *s = a->sim;
	instant now = loop_wall(s->life->loop);

	if (a->op.op.result == -ENOENT) {
		SIM_CHECK(s, j->id == 0 || j->removed || j->doubtful || sim_may_expire(s, j),
		    "job %lld was acknowledged, and is gone",
		    (long long)j->id);
		j->removed = true;
		j->doubtful = false;
		return;
	}
	SIM_CHECK(s, a->op.op.result == 0, "audit: %d", a->op.op.result);
	SIM_CHECK(s, j->id != 0 || j->doubtful, "%s exists, but its add was refused", j->name);
	SIM_CHECK(s, !j->removed, "job %lld was removed, and is there", (long long)j->id);
	if (j->doubtful)
		j->unsure = true;
	j->id = a->op.job.id;
	j->doubtful = false;
	j->pruned = instant_is_set(a->op.job.pruned);
	audit_runs(a, j);
	after_check(s, j, &a->op, a->at_rest);
	beats_audit_job(s, j, &a->op.job);
	if (a->at_rest)
		late_job(s, j, &a->op.job, &a->wanted);
	j->latest = a->op.job.runs;
	sim_note(s, "audit %lld runs=%lld skips=%lld due=%lld state=%d", (long long)j->id,
	    (long long)a->op.job.runs,
	    (long long)a->op.job.skips, (long long)a->op.job.due.usec, a->op.job.state);
	if (a->op.job.state == JOB_QUARANTINED)
		SIM_CHECK(s, j->on_crash == ON_CRASH_RERUN && a->op.job.crashes >= CRASHES_MAX,
		    "job %lld is quarantined after %lld crashes", (long long)j->id,
		    (long long)a->op.job.crashes);
	if (a->at_rest && !j->paused && !j->unsure && !a->op.job.paused &&
	    instant_is_set(a->op.job.due) && !due_behind_retry(a, j) && !behind_heartbeats(a, j))
		SIM_CHECK(s, schedule_begin(sim_schedule(s, j), a->op.job.due).usec > now.usec -
		    REST_TOLERANCE,
		    "job %lld is due since %lld s and nobody cares",
		    (long long)j->id, (long long)(instant_since(now, a->op.job.due) / USEC_SEC));
}

/* ---- the schedule regenerated, and the ledger beside it ---- */

static void
ledger_ask(struct sim_audit *a, const struct sim_job *j, instant from)
{
	a->ledger = (struct op_ledger){ .op.kind = OP_LEDGER, .job = j->id, .from = from,
	    .to = { INT64_MAX } };
	store_submit(a->sim->life->store, &a->ledger.op, &a->task);
}

/* Wall-clock times alone can be told from their first one on, whatever was done to the clock. */
static bool
ledger_begin(struct sim_audit *a, struct sim_job *j)
{
	const struct schedule *schedule;

	if (j->id == 0 || j->removed || j->doubtful)
		return false;
	schedule = sim_schedule(a->sim, j);
	if (schedule_zone(schedule) == NULL)
		return false;
	a->more = true;
	a->pruned = a->op.job.pruned;
	if (a->pruned.usec < j->first.usec)
		a->next = schedule_at(schedule, j->first);
	else
		a->more = schedule_next(schedule, a->pruned, &a->next);
	ledger_ask(a, j, instant_add(a->pruned, 1));
	return true;
}

/* One more occurrence of a row: is it the next one of the schedule, and decided for a good reason? */
static void
ledger_take(struct sim_audit *a, struct sim_job *j, const struct ledger_row *row, bool first,
    bool last)
{
	long long id = j->id, due = row->first.usec;
	struct sim *s = a->sim;
	bool own = row->cause == SKIP_EXCLUDED || row->cause == SKIP_NONEXISTENT ||
	    row->cause == SKIP_REPEATED;

	SIM_CHECK(s, a->more, "job %lld has a row at %lld, and its schedule is over", id, due);
	SIM_CHECK(s, !first || a->next.due.usec == row->first.usec,
	    "job %lld has a row at %lld, and its next occurrence is at %lld", id, due,
	    (long long)a->next.due.usec);
	SIM_CHECK(s, !last || a->next.due.usec == row->last.usec,
	    "job %lld has a range from %lld to %lld of %lld, and the last of these is at %lld", id,
	    due, (long long)row->last.usec, (long long)row->count, (long long)a->next.due.usec);
	SIM_CHECK(s, own || a->next.cause >= 0 ? row->cause == a->next.cause : true,
	    "job %lld at %lld: cause %d, and by its schedule %d", id,
	    (long long)a->next.due.usec, row->cause, a->next.cause);
	if (row->cause < 0)
		SIM_CHECK(s, row->mark == a->next.mark, "job %lld at %lld: mark %d, not %d", id, due,
		    row->mark, a->next.mark);
	a->more = schedule_next(sim_schedule(s, j), a->next.due, &a->next);
}

/* A page.  True: ask for another. */
static bool
ledger_page(struct sim_audit *a, struct sim_job *j)
{
	instant last = { 0 };
	bool more = a->ledger.more;

	SIM_CHECK(a->sim, a->ledger.op.result == 0, "ledger: %d", a->ledger.op.result);
	for (size_t i = 0; i < a->ledger.n; i++) {
		const struct ledger_row *row = &a->ledger.rows[i];

		if (row->first.usec <= a->pruned.usec) {
			/* Only its end is known to be whole. */
			while (a->more && a->next.due.usec <= row->last.usec)
				ledger_take(a, j, row, false, a->next.due.usec == row->last.usec);
		} else {
			for (int64_t k = 0; k < row->count; k++)
				ledger_take(a, j, row, k == 0, k == row->count - 1);
		}
		last = row->last;
	}
	op_ledger_done(&a->ledger);
	if (more)
		ledger_ask(a, j, instant_add(last, 1));
	return more;
}

static void
now_ask(struct sim_audit *a, const struct sim_job *j)
{
	a->now = (struct op_get){ .op.kind = OP_GET, .id = j->id };
	store_submit(a->sim->life->store, &a->now.op, &a->task);
}

/*
 * What has no row yet begins with the job's due.  False: something was decided meanwhile, look
 * again.
 */
static bool
ledger_end(struct sim_audit *a, const struct sim_job *j)
{
	instant due = a->now.job.due;

	if (a->now.op.result == -ENOENT)
		return true;
	SIM_CHECK(a->sim, a->now.op.result == 0, "get: %d", a->now.op.result);
	op_get_done(&a->now);
	if (due.usec != a->due.usec) {
		a->due = due;
		return false;
	}
	SIM_CHECK(a->sim, due.usec == (a->more ? a->next.due.usec : 0),
	    "job %lld is due at %lld, and the first occurrence without a row is at %lld",
	    (long long)j->id, (long long)due.usec, (long long)(a->more ? a->next.due.usec : 0));
	return true;
}

/* The row may be gone with its job, or by retention when it has ended. */
static bool
row_may_be_gone(const struct sim *s, const struct sim_process *p)
{
	for (size_t i = 0; i < s->jobs_n; i++) {
		if (s->jobs[i].id == p->job)
			return s->jobs[i].removed || (s->jobs[i].pruned && p->ended);
	}
	return true;
}

/* Nothing is begun without a durable claim. */
static void
audit_processes(struct sim *s, size_t n)
{
	for (size_t i = 0; i < s->processes_n; i++) {
		struct sim_process *p = &s->processes[i];

		SIM_CHECK(s, i >= n || p->seen || row_may_be_gone(s, p),
		    "%lld.%lld was begun, and the store does not know it",
		    (long long)p->job, (long long)p->run);
		p->seen = false;
	}
}

/* True: there are more. */
static bool
notices_page(struct sim_audit *a)
{
	int64_t before;
	bool more = a->notices.more;

	SIM_CHECK(a->sim, a->notices.op.result == 0, "notices: %d", a->notices.op.result);
	late_page(a->sim, &a->notices, &a->told);
	before = a->notices.n > 0 ? a->notices.rows[a->notices.n - 1].id : 0;
	op_notices_done(&a->notices);
	a->notices = (struct op_notices){ .op.kind = OP_NOTICES, .before = before };
	return more;
}

static enum task_status
audit_step(struct task *t)
{
	struct sim_audit *a = container_of(t, struct sim_audit, task);

	TASK_BEGIN(t);

	for (a->i = 0; a->i < a->sim->jobs_n; a->i++) {
		if (!a->sim->jobs[a->i].asked)
			continue;
		a->op = (struct op_get){
			.op.kind = OP_GET, .name = a->sim->jobs[a->i].name, .runs_max = PAGE_MAX,
			.dependencies = true,
		};
		store_submit(a->sim->life->store, &a->op.op, t);
		AWAIT_SHIELDED(t, USEC_NEVER, a->op.op.done);
		audit_job(a, &a->sim->jobs[a->i]);
		a->due = a->op.job.due;
		while (a->op.op.result == 0 && ledger_begin(a, &a->sim->jobs[a->i])) {
			do {
				AWAIT_SHIELDED(t, USEC_NEVER, a->ledger.op.done);
			} while (ledger_page(a, &a->sim->jobs[a->i]));
			now_ask(a, &a->sim->jobs[a->i]);
			AWAIT_SHIELDED(t, USEC_NEVER, a->now.op.done);
			if (ledger_end(a, &a->sim->jobs[a->i]))
				break;
		}
		op_get_done(&a->op);
	}
	audit_processes(a->sim, a->processes);
	a->notices = (struct op_notices){ .op.kind = OP_NOTICES };
	do {
		store_submit(a->sim->life->store, &a->notices.op, t);
		AWAIT_SHIELDED(t, USEC_NEVER, a->notices.op.done);
	} while (notices_page(a));
	late_check(a->sim, &a->wanted, &a->told);
	late_done(&a->wanted);
	late_done(&a->told);
	a->sim->audits++;

	TASK_END(t, 0);
}

static const struct task_kind audit_kind = { .name = "audit", .step = audit_step };

void
audit_start(struct sim_audit *a, struct sim *s, bool at_rest)
{
	a->sim = s;
	a->at_rest = at_rest;
	a->processes = s->processes_n;
	task_start(&a->task, &audit_kind, &s->life->root);
}
