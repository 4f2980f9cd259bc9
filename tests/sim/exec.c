/*
 * exec: the executor that the simulation has instead of the real ones.  What it begins goes on
 * when the daemon dies, as under the runner; what it is asked to do is checked on the spot.
 */
#include <errno.h>
#include <stdlib.h>

#include "daemon/exec/executors.h"
#include "proto/mem.h"
#include "tests/sim/sim.h"

/* A command that has begun has had its start accepted; the store must say so, too: see audit.c. */
#define SHORT_MAX	(20 * USEC_SEC)
#define LONG_MAX	(15 * USEC_MINUTE)
#define LOOK		USEC_MINUTE
#define QUIET_MAX	(2 * USEC_SEC)

struct sim_exec {
	struct exec	exec;
	size_t		process;	/* index: the array moves */
};

static struct sim *
sim_of(const struct sim_exec *f)
{
	return container_of(f->exec.world, struct sim, world);
}

static struct sim_process *
process_of(const struct sim_exec *f)
{
	return &sim_of(f)->processes[f->process];
}

struct sim_process *
sim_process_find(struct sim *s, int64_t job, int64_t run, int64_t attempt)
{
	for (size_t i = s->processes_n; i-- > 0;) {
		if (s->processes[i].job == job && s->processes[i].run == run &&
		    s->processes[i].attempt == attempt)
			return &s->processes[i];
	}
	return NULL;
}

/* Draw how it will go. */
static size_t
process_new(struct sim *s, const struct run_info *run)
{
	static const int outcomes[] = { RUN_SUCCEEDED, RUN_SUCCEEDED, RUN_SUCCEEDED, RUN_FAILED,
	    RUN_TIMED_OUT };
	struct sim_process *p;
	usec_t lasts;

	if (s->processes_n == s->processes_size) {
		s->processes_size = s->processes_size == 0 ? 256 : s->processes_size * 2;
		s->processes = xrealloc(s->processes, s->processes_size * sizeof(*s->processes));
	}
	p = &s->processes[s->processes_n];
	lasts = sim_chance(s, 20) ? 0 : sim_between(s, 0, sim_chance(s, 10) ? LONG_MAX : SHORT_MAX);
	*p = (struct sim_process){
		.job = run->job, .run = run->run, .attempt = run->attempt, .kind = run->kind,
		.ends = sim_chance(s, 3) ? USEC_NEVER : sim_now(s) + lasts,
		.ignores = sim_chance(s, 70) ? 0 : sim_between(s, 0, SHORT_MAX),
		.outcome = outcomes[rand_below(&s->rand, sizeof(outcomes) / sizeof(outcomes[0]))],
	};
	if (s->quiet && p->ends > sim_now(s) + QUIET_MAX)
		p->ends = sim_now(s) + QUIET_MAX;
	/* What has piled up is tried one after another: with retries that would take its time. */
	if (s->quiet)
		p->outcome = RUN_SUCCEEDED;
	return s->processes_n++;
}

struct sim_job *
sim_job_find(struct sim *s, int64_t job)
{
	for (size_t i = 0; i < s->jobs_n; i++) {
		if (s->jobs[i].id == job)
			return &s->jobs[i];
	}
	return NULL;
}

static const struct schedule *
sim_schedule_of(struct sim *s, int64_t job)
{
	static const struct schedule none;
	struct sim_job *j = sim_job_find(s, job);

	return j != NULL ? sim_schedule(s, j) : &none;
}

void
sim_runner_dies(struct sim *s)
{
	s->crashed++;
	for (size_t i = 0; i < s->processes_n; i++) {
		struct sim_process *p = &s->processes[i];

		if (p->kind != KIND_COMMAND || p->ended)
			continue;
		p->ended = p->lost = true;
		p->ends = sim_now(s);
		sim_note(s, "%lld.%lld attempt %lld is lost", (long long)p->job,
		    (long long)p->run, (long long)p->attempt);
	}
}

/* What must hold of an attempt and those before it. */
static void
check_attempt(struct sim *s, const struct job_spec *spec, const struct run_info *run)
{
	long long job = run->job, number = run->run;

	s->retried += run->attempt > 1;
	for (size_t i = 0; i < s->processes_n; i++) {
		const struct sim_process *p = &s->processes[i];

		if (p->job != run->job || p->run != run->run)
			continue;
		SIM_CHECK(s, p->attempt < run->attempt, "%lld.%lld: attempt %lld after %lld", job,
		    number, (long long)run->attempt, (long long)p->attempt);
		SIM_CHECK(s, p->ended && (p->lost || p->canceled || p->outcome != RUN_SUCCEEDED),
		    "%lld.%lld tried again, though it went on or had succeeded", job, number);
	}
	for (size_t i = 0; i < s->retries_n; i++) {
		const struct sim_retry *x = &s->retries[i];

		if (x->job != run->job)
			continue;
		/* The claim is told before it begins: so there is none of its own. */
		SIM_CHECK(s, x->run != run->run, "%lld.%lld begun while told to be retrying", job,
		    number);
		/* By hand anything may be begun, and what was is tried again. */
		SIM_CHECK(s, run->manual || run->attempt > 1 || after_asked(s, job, number) ||
		    spec->overlap == OVERLAP_PARALLEL,
		    "%lld.%lld begun while %lld.%lld is retrying", job, number, job,
		    (long long)x->run);
	}
}

/* So many runs of a job may go on at a time. */
static int64_t
most_of(const struct job_spec *spec)
{
	return spec->overlap == OVERLAP_PARALLEL ? job_spec_overlap_limit(spec) : 1;
}

/*
 * One that waited for its job's run has come due before: it may begin in a pause, and when the clock has
 * been set back.
 */
static bool
may_have_waited(const struct job_spec *spec)
{
	return spec->overlap == OVERLAP_QUEUE || spec->overlap == OVERLAP_REPLACE;
}

/* What must hold whenever something is begun. */
static void
check_start(struct sim *s, const struct exec *e)
{
	static const int64_t max[KIND_COUNT] = {
		[KIND_COMMAND] = SIM_COMMANDS, [KIND_HTTP] = SIM_CHECKS, [KIND_TIMER] = SIM_TIMERS,
	};
	const struct run_info *run = e->run;
	long long job = run->job, number = run->run;
	int64_t beside = 0;

	/* It may die in a commit right after that of the claim. */
	SIM_CHECK(s, after_claimed(s, job, number), "%lld.%lld begun without a durable claim", job,
	    number);
	check_attempt(s, e->spec, run);
	SIM_CHECK(s, s->life->live[run->kind] <= max[run->kind],
	    "%lld.%lld: more than %lld at a time", job, number,
	    (long long)max[run->kind]);
	SIM_CHECK(s, run->state == RUN_RUNNING && instant_is_set(run->started),
	    "%lld.%lld begun without a claim", job,
	    number);
	/* The clock may have been set back between two attempts. */
	if (!run->manual && run->attempt == 1 && !may_have_waited(e->spec) &&
	    s->stepped < sim_now(s) - USEC_MINUTE)
		SIM_CHECK(s, run->started.usec >= schedule_begin(sim_schedule_of(s, run->job),
		    run->due).usec, "%lld.%lld begun before its due", job, number);
	for (size_t i = 0; i < s->processes_n; i++) {
		const struct sim_process *p = &s->processes[i];

		beside += p->job == run->job && !p->ended && p->run != run->run;
	}
	SIM_CHECK(s, beside < most_of(e->spec), "%lld.%lld begun while %lld of the job go on", job,
	    number, (long long)beside);
	for (size_t i = 0; i < s->jobs_n; i++) {
		const struct sim_job *j = &s->jobs[i];

		/* By hand anything may be begun: a run, or another attempt. */
		if (j->id == run->job && j->paused && !j->unsure && !j->doubtful && !run->manual &&
		    (run->attempt == 1 || j->hand == 0) && !may_have_waited(e->spec))
			SIM_CHECK(s, sim_now(s) <= j->paused_at, "%lld.%lld begun while paused",
			    job, number);
	}
}

/* Begin, or find what was begun.  False: it is lost. */
static bool
sim_exec_begin(struct sim_exec *f)
{
	struct sim *s = sim_of(f);
	struct run_info *run = f->exec.run;
	struct sim_process *p;

	s->life->live[run->kind]++;
	p = f->exec.adopt ? sim_process_find(s, run->job, run->run, run->attempt) : NULL;
	if (p == NULL && f->exec.adopt && run->kind == KIND_COMMAND) {
		/* The daemon died between the claim and the start. */
		run->state = RUN_LOST;
		run->reason = xstrdup("nobody knows it");
		return false;
	}
	if (!f->exec.adopt)
		check_start(s, &f->exec);
	f->process = p != NULL ? (size_t)(p - s->processes) : process_new(s, run);
	if (p == NULL)
		queues_check_begin(s, &f->exec, process_of(f));
	sim_note(s, "%s %lld.%lld attempt %lld", p != NULL ? "adopt" : "begin",
	    (long long)run->job, (long long)run->run, (long long)run->attempt);
	if (!instant_is_set(run->spawned))
		run->spawned = loop_wall(s->life->loop);
	return true;
}

/* When it ends, or is looked at again: the end may be another by then, or the host asleep. */
static usec_t
sim_exec_deadline(const struct sim_exec *f)
{
	const struct sim_process *p = process_of(f);
	usec_t look = loop_now(sim_of(f)->life->loop) + LOOK;

	return p->ends == USEC_NEVER || p->ends - sim_of(f)->before > look ? look :
	    p->ends - sim_of(f)->before;
}

static void
sim_exec_cancel(struct sim_exec *f)
{
	struct sim_process *p = process_of(f);
	usec_t last = sim_now(sim_of(f)) + p->ignores;

	p->canceled = true;
	if (last < p->ends)
		p->ends = last;
}

static void
sim_exec_over(struct sim_exec *f)
{
	struct sim_process *p = process_of(f);
	struct run_info *run = f->exec.run;

	p->ended = true;
	run->state = p->lost ? RUN_LOST : p->canceled ? RUN_CANCELED : p->outcome;
	run->exited = loop_wall(sim_of(f)->life->loop);
	if (run->state == RUN_SUCCEEDED)
		run->exit_code = 0;
	else
		run->reason = xstrdup("as the seed says");
}

static enum task_status
sim_exec_step(struct task *t)
{
	struct sim_exec *f = container_of(t, struct sim_exec, exec.task);

	TASK_BEGIN(t);

	if (!sim_exec_begin(f))
		goto out;
	for (;;) {
		AWAIT_UNTIL(t, sim_exec_deadline(f), f->exec.cancel && !process_of(f)->canceled);
		if (t->err == -ECANCELED) {
			f->exec.run->state = RUN_RUNNING;
			goto out;
		}
		if (t->err == -ETIMEDOUT && sim_now(sim_of(f)) >= process_of(f)->ends)
			break;
		if (t->err == 0)
			sim_exec_cancel(f);
	}
	sim_exec_over(f);
out:
	sim_of(f)->life->live[f->exec.run->kind]--;

	TASK_END(t, 0);
}

static const struct task_kind sim_exec_kind = { .name = "sim exec", .step = sim_exec_step };

static const struct executor sim_executor = { .frame_size = sizeof(struct sim_exec),
    .kind = &sim_exec_kind };

const struct executor *const sim_executors[KIND_COUNT] = { &sim_executor, &sim_executor,
    &sim_executor, &executor_heartbeat };
