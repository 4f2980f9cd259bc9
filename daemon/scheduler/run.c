/*
 * run: see run.h.  If the claim does not commit, nothing starts; if the finish does not
 * commit, the result waits here and is offered again, and the runner keeps its record
 * until it is told that the commit was.  When the daemon stops, the executor lets go,
 * the run stays `running` in the store, and the next daemon adopts it.
 *
 * The executor's frame is in the tail of ours, so that it cannot outlive us.
 */
#include "daemon/scheduler/run.h"

#include <errno.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/fault.h"
#include "daemon/base/log.h"
#include "daemon/exec/runner.h"
#include "daemon/scheduler/retry.h"
#include "daemon/scheduler/scheduler-internal.h"
#include "proto/json.h"
#include "proto/mem.h"

/* There is one node so far; claims carry it so that there can be more (DESIGN 4.11). */
#define THIS_NODE 1

struct run_task {
	struct task		 task;
	struct scheduler	*s;
	struct seat		 seat;
	struct pending		*pending;	/* an occurrence: until the claim is answered */
	struct ledger_decision	 decision;	/* of that occurrence */
	struct run_info		 info;
	struct job_spec		 spec;		/* as read; or the store has it: */
	const struct job_spec	*known;
	int64_t			 uid;
	usec_t			 backoff;
	int64_t			 retried;	/* retries used up, with the present attempt */
	instant			 noticed;
	int64_t			 missed;	/* skipped as missed before it */
	bool			 retry;		/* it waited for its next attempt */
	bool			 adopt;
	bool			 deciding;	/* counted in the scheduler's */
	bool			 claimed;
	bool			 cancel;
	bool			 executing;
	union {					/* one after another */
		struct store_op	 head;
		struct op_skip	 skip;
		struct op_claim	 claim;
		struct op_finish finish;
	} op;
	alignas(max_align_t) char executor[];	/* struct exec and what follows it */
};

static struct exec *
run_exec(struct run_task *f)
{
	return (struct exec *)(void *)f->executor;
}

static void
run_tell(struct run_task *f, enum event_type type, int job_state)
{
	struct event_info e = EVENT_INFO_NONE;

	e.at = loop_wall(f->s->loop);
	e.type = (int)type;
	e.job = f->info.job;
	e.run = f->info.run;
	e.name = f->info.name;
	e.kind = f->info.kind;
	e.state = f->info.state;
	e.job_state = job_state;
	e.exit_code = f->info.exit_code;
	e.reason = f->info.reason;
	e.retry_at = f->info.retry_at;
	if (type == EVENT_RUN_PROGRESS) {
		e.progress = f->info.progress;
		e.progress_text = f->info.progress_text;
	}
	event_emit(f->s->events, &e);
}

/* It is decided, in one way or another. */
static void
run_decided(struct run_task *f)
{
	MUST(f->deciding);
	f->deciding = false;
	f->s->deciding--;
	scheduler_changed(f->s);
}

/* ---- what goes before the claim: occurrences that have piled up before this one ---- */

static void
run_submit_skip(struct run_task *f)
{
	ledger_skip_fill(&f->op.skip, f->pending->job, &f->decision);
	store_submit(f->s->store, &f->op.head, &f->task);
}

/* 0: go on; else the run is off. */
static int
run_skipped(struct run_task *f)
{
	int r = f->op.head.result;

	if (r == 0) {
		ledger_skip_tell(f->s, &f->op.skip, f->info.kind);
		f->missed = f->decision.count;
		/* What is to be claimed now, whatever becomes of the claim. */
		f->pending->due = f->decision.due;
	}
	free(f->op.skip.name);
	f->op.skip.name = NULL;
	return r;
}

/* ---- the claim ---- */

static void
run_submit_claim(struct run_task *f)
{
	instant now = loop_wall(f->s->loop);

	f->op.claim = (struct op_claim){
		.op.kind = OP_CLAIM, .job = f->info.job, .run = f->info.run,
		.due = f->decision.due, .next_due = f->decision.next,
		.mark = f->decision.mark, .missed = f->missed,
		.noticed = f->noticed, .started = now, .node = THIS_NODE,
	};
	store_submit(f->s->store, &f->op.head, &f->task);
}

/* Read the job as it was added.  What this version cannot read fails the run, with words. */
static void
run_read_spec(struct run_task *f, const char *spec_json, const struct job_spec *known)
{
	struct field_error error = { 0 };
	struct cJSON *object;
	const char *why = NULL;

	f->known = known;
	if (known != NULL)
		return;
	object = json_parse(spec_json, strlen(spec_json), &why);
	if (object == NULL) {
		f->info.state = RUN_FAILED;
		f->info.reason = xasprintf("the stored job cannot be read: %s", why);
		return;
	}
	if (job_spec_read(object, &f->spec, &error) != JOBD_OK) {
		f->info.state = RUN_FAILED;
		f->info.reason = xasprintf("the stored job cannot be read: %s: %s", error.path,
		    error.reason);
	}
	json_free(object);
}

/* The claim is committed: the run exists. */
static void
run_claimed(struct run_task *f)
{
	struct op_claim *c = &f->op.claim;

	if (f->info.run != 0)
		scheduler_job_retries(f->s, f->info.job, c->retrying);
	if (f->info.run != 0 && c->was == RUN_RETRYING)
		f->s->waiting--;
	else if (f->info.run != 0)
		f->s->queued--;
	f->info.run = f->seat.run = c->run;
	f->info.attempt = c->attempt;
	f->retried = c->retried;
	f->info.manual = c->manual;
	f->info.due = c->run_due;
	f->info.mark = c->mark;
	f->info.missed = c->missed;
	f->info.previous = c->previous;
	f->info.noticed = c->noticed;
	f->info.started = c->started;
	f->info.state = RUN_RUNNING;
	f->info.expected = c->row.took;
	f->info.name = c->row.name;
	c->row.name = NULL;
	f->uid = c->row.uid;
	f->claimed = true;
	f->s->stats.started++;
	run_tell(f, EVENT_RUN_STARTED, JOB_RUNNING);
	run_read_spec(f, c->row.spec_json, c->row.spec);
}

/* The claim has been answered, or we stop: the occurrence goes back to the window. */
static void
run_claim_over(struct run_task *f)
{
	struct window *w = &f->s->window;
	instant now = loop_wall(f->s->loop);
	int r = f->op.head.result;

	if (r == 0)
		run_claimed(f);
	if (f->pending != NULL && r == 0)
		window_back(w, f->pending, f->decision.next, now);
	else if (f->pending != NULL && r == -ESTALE)
		window_refused(w, f->pending, now);
	else if (f->pending != NULL)
		window_back(w, f->pending, f->pending->due, now);
	f->pending = NULL;
	/* Its time has not come, or its job is paused: what the store has is looked up again. */
	if (f->retry && r == -ESTALE)
		retrying_note(&f->s->retrying, now);
	scheduler_dependents(f->s, &f->op.claim.dependents);
	run_decided(f);
}

/* ---- the executor ---- */

static void
run_progress(struct exec *e)
{
	run_tell(container_of((char *)e, struct run_task, executor), EVENT_RUN_PROGRESS,
	    JOB_RUNNING);
}

static void
run_execute(struct run_task *f)
{
	const struct executor *executor = executor_find(f->s->world,
	    (enum job_kind)f->info.kind);
	struct exec *e = run_exec(f);

	e->world = f->s->world;
	e->spec = f->known != NULL ? f->known : &f->spec;
	e->run = &f->info;
	e->uid = f->uid;
	e->adopt = f->adopt;
	e->cancel = f->cancel;
	e->progress = run_progress;
	f->executing = true;
	task_start(&e->task, executor->kind, &f->task);
}

/* Canceled after the claim and before anything was begun: there is nothing to end. */
static bool
run_canceled_early(struct run_task *f)
{
	if (!f->cancel || f->adopt)
		return false;
	f->info.state = RUN_CANCELED;
	f->info.reason = xstrdup("canceled before it was begun");
	return true;
}

/* ---- the end ---- */

/* What follows when it has not succeeded; whoever was told to end gets no other attempt. */
static void
run_decide_again(struct run_task *f)
{
	const struct job_spec *spec = f->known != NULL ? f->known : &f->spec;
	struct op_finish *o = &f->op.finish;
	usec_t delay = 0;

	if (f->cancel)
		return;
	o->again = (int)retry_again(spec, &f->info, f->retried);
	if (o->again == AGAIN_RETRY)
		delay = retry_delay(spec, f->retried + 1, &f->s->rand);
	if (o->again != AGAIN_NO)
		o->again_at = instant_add(f->info.ended, delay);
}

static void
run_submit_finish(struct run_task *f)
{
	if (!instant_is_set(f->info.ended))
		f->info.ended = loop_wall(f->s->loop);
	f->op.finish = (struct op_finish){ .op.kind = OP_FINISH, .run = &f->info,
	    .from = RUN_RUNNING };
	run_decide_again(f);
	store_submit(f->s->store, &f->op.head, &f->task);
}

static void
run_count(struct scheduler_stats *stats, int state)
{
	if (state == RUN_SUCCEEDED)
		stats->succeeded++;
	else if (state != RUN_CANCELED)
		stats->failed++;
}

/* The attempt was not the last. */
static void
run_waits(struct run_task *f)
{
	const struct op_finish *o = &f->op.finish;
	struct scheduler *s = f->s;

	f->info.state = RUN_RETRYING;
	f->info.retry_at = o->held ? (instant){ 0 } : o->again_at;
	s->waiting++;
	if (!o->held)
		retrying_add(&s->retrying, &(struct retry){ .job = f->info.job,
		    .run = f->info.run, .kind = f->info.kind, .by_hand = f->info.manual,
		    .at = o->again_at, .stand = stand_copy(&f->seat.stand) }, loop_wall(s->loop));
	run_tell(f, EVENT_RUN_RETRYING, o->job_state);
}

static void
run_ended(struct run_task *f)
{
	const struct op_finish *o = &f->op.finish;
	struct scheduler *s = f->s;

	run_count(&s->stats, f->info.state);
	keeper_run_ended(s->keeper, f->info.output_bytes);
	run_tell(f, EVENT_RUN_ENDED, o->job_state);
	if (o->quarantined)
		scheduler_job_quarantined(s, f->info.job, f->info.name, o->job_state);
	scheduler_dependents(s, &f->op.finish.dependents);
	if (o->notices > 0)
		notifier_look(s->notifier);
}

/* The end is committed: now it may be told, and the runner may forget. */
static void
run_finished(struct run_task *f)
{
	struct scheduler *s = f->s;

	if (f->op.head.result == 0)
		scheduler_job_retries(s, f->info.job, f->op.finish.retrying);
	if (f->op.head.result == 0 && f->op.finish.state == RUN_RETRYING) {
		run_waits(f);
	} else if (f->op.head.result == 0) {
		run_ended(f);
	} else {
		log_warning("the run is not running in the store, ignoring its end job=%lld run=%lld",
		    (long long)f->info.job, (long long)f->info.run);
	}
	if (f->info.kind == KIND_COMMAND && s->world->runner != NULL) {
		fault_point(FAULT_ACK_BEFORE_SEND);
		runner_acknowledge(s->world->runner, f->info.job, f->info.run, f->info.attempt);
		fault_point(FAULT_ACK_AFTER_SEND);
	}
}

/* Give the slot back, and let those of the job that wait go on. */
static void
run_leave(struct run_task *f)
{
	struct scheduler *s = f->s;

	if (f->deciding)
		run_claim_over(f);
	lane_seat_remove(&s->queue, &f->seat);
	seat_leave(&s->queue.lines, &f->seat);
	stand_done(&s->queue.lines, &f->seat.stand);
	MUST(s->running[f->info.kind] > 0);
	s->running[f->info.kind]--;
	scheduler_unpark(s, f->info.job);
	scheduler_changed(s);
}

static enum task_status
run_step(struct task *t)
{
	struct run_task *f = container_of(t, struct run_task, task);

	TASK_BEGIN(t);

	while (f->pending != NULL && f->decision.count > 0) {
		run_submit_skip(f);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.head.done);
		if (!scheduler_store_failed(f->s, &f->op.head, &f->backoff)) {
			if (run_skipped(f) != 0)
				goto out;
			break;
		}
		SLEEP_UNTIL(t, loop_now(t->loop) + f->backoff);
		if (t->err == -ECANCELED)
			goto out;
	}
	while (!f->claimed) {
		run_submit_claim(f);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.head.done);
		if (!scheduler_store_failed(f->s, &f->op.head, &f->backoff)) {
			run_claim_over(f);
			op_claim_done(&f->op.claim);
			if (!f->claimed)
				goto out;
			break;
		}
		SLEEP_UNTIL(t, loop_now(t->loop) + f->backoff);
		if (t->err == -ECANCELED)
			goto out;
	}
	if (!run_state_final((enum run_state)f->info.state) && !run_canceled_early(f)) {
		run_execute(f);
		AWAIT(t, task_done(&run_exec(f)->task));
		if (t->err == -ECANCELED)
			AWAIT_SHIELDED(t, USEC_NEVER, task_done(&run_exec(f)->task));
		f->executing = false;
		if (!run_state_final((enum run_state)f->info.state))
			goto out;
	}
	for (;;) {
		run_submit_finish(f);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.head.done);
		if (!scheduler_store_failed(f->s, &f->op.head, &f->backoff)) {
			run_finished(f);
			break;
		}
		/*
		 * The result waits as long as it takes; when we stop, the next daemon finds it
		 * out again.
		 */
		SLEEP_UNTIL(t, loop_now(t->loop) + f->backoff);
		if (t->err == -ECANCELED)
			goto out;
	}
out:
	run_leave(f);

	TASK_END(t, 0);
}

static void
run_serves(const struct task *t, char *out, size_t n)
{
	const struct run_task *f = container_of(t, const struct run_task, task);

	if (f->info.run != 0)
		(void)snprintf(out, n, "%lld.%lld", (long long)f->info.job, (long long)f->info.run);
	else
		(void)snprintf(out, n, "%lld", (long long)f->info.job);
}

static void
run_describe(const struct task *t, char *out, size_t n)
{
	const struct run_task *f = container_of(t, const struct run_task, task);
	const char *words = "";

	if (f->executing)
		words = "its executor";
	else if (f->op.head.kind == OP_SKIP)
		words = "the commit of a skip";
	else if (f->op.head.kind == OP_CLAIM)
		words = "the commit of its claim";
	else if (f->op.head.kind == OP_FINISH)
		words = "the commit of its end";
	(void)snprintf(out, n, "%s%s", words,
	    words[0] != '\0' && f->op.head.done && !f->executing ? ", to be asked again" : "");
}

static void
run_release(struct task *t)
{
	struct run_task *f = container_of(t, struct run_task, task);

	MUST(!f->op.head.lent);
	if (f->known == NULL)
		job_spec_done(&f->spec);
	run_info_done(&f->info);
	free(f);
}

static const struct task_kind run_kind = {
	.name = "run",
	.step = run_step,
	.release = run_release,
	.describe = run_describe,
	.serves = run_serves,
};

/* The stand is the run's from now on. */
static struct run_task *
run_new(struct scheduler *s, int64_t job, int64_t run, int kind, struct stand st)
{
	const struct executor *executor = executor_find(s->world, (enum job_kind)kind);
	struct run_task *f = xcalloc(1, sizeof(*f) + executor->frame_size);

	f->s = s;
	f->info = RUN_INFO_NONE;
	f->info.job = job;
	f->info.run = run;
	f->info.kind = kind;
	f->noticed = loop_wall(s->loop);
	s->running[kind]++;
	f->seat = (struct seat){ .stand = st, .job = job, .run = run };
	seat_take(&s->queue.lines, &f->seat, loop_now(s->loop));
	lane_seat_add(&s->queue, &f->seat);
	return f;
}

void
run_start_due(struct scheduler *s, struct pending *p, const struct ledger_decision *d)
{
	struct run_task *f = run_new(s, p->job, 0, p->kind, stand_copy(&p->stand));

	MUST(p->state == PENDING_TAKEN && d->what == LEDGER_RUN);
	f->pending = p;
	f->decision = *d;
	/* It may have waited for its slot; and one that came due meanwhile was noticed then. */
	f->noticed = p->noticed.usec >= d->due.usec ? p->noticed : schedule_begin(&p->schedule, d->due);
	if (f->noticed.usec > loop_wall(s->loop).usec)
		f->noticed = loop_wall(s->loop);
	f->deciding = true;
	s->deciding++;
	task_start(&f->task, &run_kind, &s->task);
}

void
run_start_queued(struct scheduler *s, struct pending *p)
{
	struct run_task *f = run_new(s, p->job, p->run, p->kind, stand_copy(&p->stand));

	f->retry = p->retry;
	queue_remove(&s->queue, p);
	f->deciding = true;
	s->deciding++;
	task_start(&f->task, &run_kind, &s->task);
}

void
run_adopt(struct scheduler *s, struct active_row *row)
{
	struct run_task *f = run_new(s, row->job, row->run, row->kind,
	    stand_open(&s->queue.lines, row->uid, row->kind, &row->terms, row->manual));

	f->adopt = f->claimed = true;
	f->uid = row->uid;
	f->cancel = row->cancel_asked;
	f->info.state = RUN_RUNNING;
	f->info.attempt = row->attempt;
	f->retried = row->retried;
	f->info.manual = row->manual;
	f->info.due = row->due;
	f->info.mark = row->mark;
	f->info.missed = row->missed;
	f->info.previous = row->previous;
	f->info.expected = row->took;
	f->info.noticed = row->noticed;
	f->info.started = row->started;
	f->info.name = row->name;
	f->info.canceled_by = row->canceled_by;
	row->name = row->canceled_by = NULL;
	run_read_spec(f, row->spec_json, row->spec);
	task_start(&f->task, &run_kind, &s->task);
}

struct run_task *
run_of_seat(struct seat *seat)
{
	return container_of(seat, struct run_task, seat);
}

bool
run_cancel(struct run_task *f, int64_t run, const char *by)
{
	/*
	 * The claim of an occurrence may be committed and not have been told here yet: it is
	 * this one.
	 */
	if (f->info.run != run && f->info.run != 0)
		return false;
	f->cancel = true;
	/* Who asked first is told, as the store has it. */
	if (f->info.canceled_by == NULL)
		f->info.canceled_by = xstrdup(by);
	if (f->executing) {
		run_exec(f)->cancel = true;
		task_wake(&run_exec(f)->task);
	}
	return true;
}

const struct run_info *
run_info_of(const struct run_task *f)
{
	return f->claimed ? &f->info : NULL;
}
