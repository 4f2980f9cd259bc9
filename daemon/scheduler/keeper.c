/*
 * keeper: see keeper.h.  What the store has given up for good is told to the runner afterwards, until
 * it says that it has removed it: the list of that is the store's, so a runner that is not there, or
 * the death of either, loses nothing.  The runner is asked on a connection of its own, since many
 * files take their time and commands must not wait for it.
 */
#include "daemon/scheduler/keeper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/exec/runner.h"
#include "daemon/scheduler/scheduler-internal.h"
#include "proto/json.h"
#include "proto/mem.h"

/* Between rounds while little happens; and at least, however much does. */
#define ROUND_EVERY	USEC_HOUR
#define ROUND_PAUSE	USEC_MINUTE

/* Much has ended: so many runs, or this part of the output that may be kept. */
#define SOON_RUNS	5000
#define SOON_OUTPUT	16

/* After a slice it rests so many times as long as the slice took, and at least so long. */
#define REST_FACTOR	4
#define REST_MIN	USEC_MSEC

/* The runner may have to be started first. */
#define RUNNER_WAIT	(10 * USEC_SEC)

struct keeper {
	struct task		 task;
	struct scheduler	*s;
	struct keep_policy	 policy;
	bool			 on;		/* there is a policy */
	bool			 due;		/* a round */
	bool			 trash;		/* output, for the runner to remove */
	usec_t			 began;		/* the present round */
	usec_t			 next, soon;	/* monotonic: the next one then, or not before */
	int64_t			 runs, output;	/* ended since the last round began */
	struct keeper_stats	 stats;
	struct keep_round	 round;
	struct removal {
		struct task		 task;
		struct keeper		*k;
		struct op_output_trash	 page;
		struct op_output_removed done;
		struct runner_run	*interest;
		struct runner_wait	 waiting;
		struct peer		 peer;
		struct peer_call	 call;
		bool			 failed;
	}			 removal;
};

/* ---- one round ---- */

static void
round_submit(struct keep_round *r)
{
	r->op.op = (struct store_op){ .kind = OP_KEEP };
	r->op.policy = &r->policy;
	r->op.dry = r->dry;
	r->op.now = loop_wall(r->task.loop);
	r->asked = loop_clock(r->task.loop);
	store_submit(r->store, &r->op.op, &r->task);
}

/* False: it is over, or broken off. */
static bool
round_took(struct keep_round *r)
{
	const struct keep_tally *t = &r->op.tally;

	histogram_add(&r->slices, (uint64_t)(loop_clock(r->task.loop) - r->asked));
	r->result = r->op.op.result;
	if (r->result < 0)
		return false;
	r->tally.jobs += t->jobs;
	r->tally.runs += t->runs;
	r->tally.skips += t->skips;
	r->tally.spans += t->spans;
	r->tally.notices += t->notices;
	r->tally.outputs += t->outputs;
	r->tally.output_bytes += t->output_bytes;
	r->output |= r->op.output;
	if (r->gone != NULL && !r->dry)
		r->gone(r->context, &r->op);
	r->op.from = r->op.place;
	op_keep_done(&r->op);
	r->whole = r->op.from.phase == KEEP_OVER;
	return !r->whole;
}

/* A busy store answers late: then the rest is longer. */
static usec_t
round_rest(const struct keep_round *r)
{
	usec_t took = loop_clock(r->task.loop) - r->asked;

	return took * REST_FACTOR > REST_MIN ? took * REST_FACTOR : REST_MIN;
}

static enum task_status
round_step(struct task *t)
{
	struct keep_round *r = container_of(t, struct keep_round, task);

	TASK_BEGIN(t);

	while (!t->cancelled) {
		round_submit(r);
		AWAIT_SHIELDED(t, USEC_NEVER, r->op.op.done);
		if (!round_took(r))
			break;
		if (r->gentle)
			SLEEP_UNTIL(t, loop_now(t->loop) + round_rest(r));
		else
			TASK_YIELD(t);
	}
	TASK_END(t, 0);
}

static void
round_describe(const struct task *t, char *out, size_t n)
{
	const struct keep_round *r = container_of(t, const struct keep_round, task);

	(void)snprintf(out, n, "%s", r->op.op.lent ? "a slice of retention" : "the next slice");
}

static const struct task_kind round_kind = {
	.name = "retention",
	.step = round_step,
	.describe = round_describe,
};

void
keep_round_start(struct keep_round *r, struct task *parent)
{
	task_start(&r->task, &round_kind, parent);
}

/* ---- output, by the runner ---- */

static void
on_removed(struct peer_call *c, const struct message_reply *reply)
{
	struct removal *f = container_of(c, struct removal, call);

	if (reply->error != NULL)
		log_debug("jobd-runner does not remove output, trying again later error=%s",
		    reply->error);
	f->failed = reply->error != NULL;
}

/* Whole jobs, as many as come in a row; or runs of one job.  How many rows that is. */
static size_t
removal_ask(struct removal *f, const struct output_of *rows, size_t n)
{
	struct cJSON *parameters = json_object(), *list = json_array();
	bool whole = rows[0].run == 0;
	size_t i;

	for (i = 0; i < n && (whole ? rows[i].run == 0 :
	    rows[i].run != 0 && rows[i].job == rows[0].job); i++)
		json_push(list, json_int(whole ? rows[i].job : rows[i].run));
	if (!whole)
		json_set_int(parameters, "job", rows[0].job);
	json_set(parameters, whole ? "jobs" : "runs", list);
	f->call = (struct peer_call){ .waiter = &f->task, .on_reply = on_removed };
	peer_call(&f->peer, &f->call,
	    whole ? "io.jobd.Runner.Remove" : "io.jobd.Runner.RemoveRuns", parameters, false);
	json_free(parameters);
	return i;
}

static void
removal_submit_page(struct removal *f)
{
	f->page.op = (struct store_op){ .kind = OP_OUTPUT_TRASH };
	store_submit(f->k->s->store, &f->page.op, &f->task);
}

static void
removal_submit_done(struct removal *f)
{
	f->done.op = (struct store_op){ .kind = OP_OUTPUT_REMOVED };
	f->done.rows = f->page.rows;
	store_submit(f->k->s->store, &f->done.op, &f->task);
}

/* As long as this lasts, the runner is looked for, and started if it is ours. */
static void
removal_want(struct removal *f, struct runner *r)
{
	const struct runner_attempt nobodys = { .job = 0, .run = (int64_t)(intptr_t)f,
	    .attempt = 0 };

	f->interest = runner_open(r, &nobodys, &f->task);
	runner_wait(r, &f->waiting, &f->task);
}

static void
removal_let_go(struct removal *f, struct runner *r)
{
	if (f->interest == NULL)
		return;
	runner_unwait(r, &f->waiting);
	runner_close(r, f->interest, false);
	f->interest = NULL;
}

static enum task_status
removal_step(struct task *t)
{
	struct removal *f = container_of(t, struct removal, task);
	struct runner *runner = f->k->s->world->runner;

	TASK_BEGIN(t);

	for (;;) {
		removal_submit_page(f);
		AWAIT_SHIELDED(t, USEC_NEVER, f->page.op.done);
		if (f->page.op.result < 0 || f->page.n == 0 || t->cancelled)
			break;
		/* Without a runner nobody holds any. */
		if (runner != NULL && f->interest == NULL) {
			removal_want(f, runner);
			AWAIT_UNTIL(t, loop_now(t->loop) + RUNNER_WAIT, runner_ready(runner));
			if (t->err != 0 || peer_start(&f->peer, runner_socket(runner), t) < 0)
				break;
		}
		f->done.n = runner != NULL ? 0 : f->page.n;
		while (f->done.n < f->page.n && !f->failed) {
			f->done.n += removal_ask(f, &f->page.rows[f->done.n],
			    f->page.n - f->done.n);
			AWAIT(t, f->call.done);
			f->failed |= t->err != 0 || f->call.result < 0;
			if (!f->call.done)
				peer_forget(&f->peer, &f->call);
		}
		if (f->failed)
			break;
		removal_submit_done(f);
		AWAIT_SHIELDED(t, USEC_NEVER, f->done.op.done);
		if (f->done.op.result < 0)
			break;
	}
	removal_let_go(f, runner);
	TASK_END(t, 0);
}

static void
removal_describe(const struct task *t, char *out, size_t n)
{
	const struct removal *f = container_of(t, const struct removal, task);

	(void)snprintf(out, n, "%s", f->page.op.lent || f->done.op.lent ? "the store" :
	    f->call.lent ? "jobd-runner to remove output" : "jobd-runner");
}

static const struct task_kind removal_kind = {
	.name = "removal of output",
	.step = removal_step,
	.describe = removal_describe,
};

/* ---- the keeper ---- */

static void
keeper_gone(void *context, const struct op_keep *op)
{
	struct keeper *k = context;

	for (size_t i = 0; i < op->n; i++)
		scheduler_job_removed(k->s, op->gone[i].job, op->gone[i].name, op->gone[i].runs);
}

static void
keeper_begin(struct keeper *k)
{
	k->due = false;
	k->runs = k->output = 0;
	k->began = loop_clock(k->s->loop);
	k->round = (struct keep_round){ .store = k->s->store, .policy = k->policy, .gentle = true,
	    .gone = keeper_gone, .context = k };
	keep_round_start(&k->round, &k->task);
}

void
keeper_round_ended(struct keeper *k, const struct keep_round *r)
{
	const struct keep_tally *t = &r->tally;
	struct keep_tally *sum = &k->stats.total;

	if (r->dry)
		return;
	if (r->whole)
		k->stats.last = loop_wall(k->s->loop);
	if (r->output)
		keeper_remove_output(k);
	sum->jobs += t->jobs;
	sum->runs += t->runs;
	sum->skips += t->skips;
	sum->spans += t->spans;
	sum->notices += t->notices;
	sum->outputs += t->outputs;
	sum->output_bytes += t->output_bytes;
	if (t->jobs + t->runs + t->outputs > 0)
		log_info("retention gave up jobs=%lld runs=%lld outputs=%lld output_bytes=%lld",
		    (long long)t->jobs, (long long)t->runs, (long long)t->outputs,
		    (long long)t->output_bytes);
}

static void
keeper_over(struct keeper *k)
{
	usec_t now = loop_clock(k->s->loop), pause = 2 * (now - k->began);

	k->next = now + ROUND_EVERY;
	k->soon = now + (pause > ROUND_PAUSE ? pause : ROUND_PAUSE);
	keeper_round_ended(k, &k->round);
}

static enum task_status
keeper_step(struct task *t)
{
	struct keeper *k = container_of(t, struct keeper, task);

	TASK_BEGIN(t);

	for (;;) {
		AWAIT(t, k->due || k->trash);
		if (t->err != 0)
			break;
		if (k->due) {
			keeper_begin(k);
			AWAIT(t, task_done(&k->round.task));
			if (t->err != 0)
				break;
			keeper_over(k);
		}
		if (k->trash) {
			k->trash = false;
			k->removal = (struct removal){ .k = k };
			task_start(&k->removal.task, &removal_kind, t);
			AWAIT(t, task_done(&k->removal.task));
			/* Cancelled, it is still alive: no other may be started in its frame. */
			if (t->err != 0)
				break;
		}
	}
	TASK_END(t, 0);
}

static void
keeper_describe(const struct task *t, char *out, size_t n)
{
	const struct keeper *k = container_of(t, const struct keeper, task);

	(void)snprintf(out, n, "%s", task_alive(&k->round.task) ? "its round" :
	    task_alive(&k->removal.task) ? "output to be removed" : "something to happen");
}

static const struct task_kind keeper_kind = {
	.name = "keeper",
	.step = keeper_step,
	.describe = keeper_describe,
};

struct keeper *
keeper_new(struct scheduler *s, const struct keep_policy *policy)
{
	struct keeper *k = xcalloc(1, sizeof(*k));

	k->s = s;
	k->on = policy != NULL;
	if (k->on)
		k->policy = *policy;
	return k;
}

void
keeper_free(struct keeper *k)
{
	if (k == NULL)
		return;
	MUST(!task_alive(&k->task));
	free(k);
}

void
keeper_start(struct keeper *k, struct task *parent)
{
	k->due = k->on;
	k->trash = true;	/* what an earlier daemon has left */
	task_start(&k->task, &keeper_kind, parent);
}

void
keeper_look(struct keeper *k)
{
	usec_t now = loop_clock(k->s->loop);
	bool much = k->runs >= SOON_RUNS || (k->policy.output_total > 0 &&
	    k->output >= k->policy.output_total / SOON_OUTPUT);

	if (!k->on || k->due || !task_alive(&k->task) || task_alive(&k->round.task))
		return;
	if (now < k->next && (!much || now < k->soon))
		return;
	k->due = true;
	task_wake(&k->task);
}

void
keeper_run_ended(struct keeper *k, int64_t output_bytes)
{
	k->runs++;
	k->output += output_bytes;
}

void
keeper_remove_output(struct keeper *k)
{
	k->trash = true;
	task_wake(&k->task);
}

const struct keep_policy *
keeper_policy(const struct keeper *k)
{
	return &k->policy;
}

void
keeper_set_policy(struct keeper *k, const struct keep_policy *policy)
{
	if (k->on && memcmp(&k->policy, policy, sizeof(*policy)) == 0)
		return;
	k->policy = *policy;
	k->on = k->due = true;
	if (task_alive(&k->task))
		task_wake(&k->task);
}

void
keeper_stats(const struct keeper *k, struct keeper_stats *out)
{
	*out = k->stats;
	out->busy = k->due || task_alive(&k->round.task);
}
