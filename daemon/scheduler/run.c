/*
 * run: see run.h.  If the claim does not commit, nothing starts; if the finish does not
 * commit, the result waits here and is offered again, and the runner keeps its record
 * until it is told that the commit was.  When the daemon stops, the executor lets go,
 * the run stays `running` in the store, and the next daemon adopts it.
 *
 * The executor's frame is in the tail of ours, so that it cannot outlive us; before and after it
 * runs, the ops that go to the store are there.
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
#include "daemon/scheduler/recorder.h"
#include "daemon/scheduler/retry.h"
#include "daemon/scheduler/scheduler-internal.h"
#include "proto/json.h"
#include "proto/mem.h"

/* There is one node so far; claims carry it so that there can be more (DESIGN 4.11). */
#define THIS_NODE 1

/* What is known before the claim is answered. */
struct run_claiming {
	union {					/* one after another */
		struct op_skip	 skip;
		struct op_claim	 claim;
	};
	struct pending		*pending;	/* an occurrence: until the claim is answered */
	struct ledger_decision	 decision;	/* of that occurrence */
	instant			 noticed;
	int64_t			 missed;	/* skipped as missed before it */
	bool			 mutex_waited;	/* as in struct pending */
};

struct run_task {
	struct task		 task;
	struct scheduler	*s;
	struct seat		 seat;
	struct run_info		 info;
	const struct job_spec	*spec;		/* NULL: it is not needed now */
	char			*spec_text;	/* what it is read from, and ours; NULL: the store has it */
	int64_t			 uid;
	usec_t			 backoff;
	int64_t			 retried;	/* retries used up, with the present attempt */
	bool			 retry;		/* it waited for its next attempt */
	bool			 adopt;
	bool			 deciding;	/* counted in the scheduler's */
	bool			 claimed;
	bool			 cancel;
	bool			 edited;	/* the seat may be of other terms than the job */
	bool			 executing;
	bool			 unpinged;	/* as in struct op_finish */
	int64_t			 pinged;	/* run that info.ping was told for, which may be another until the claim */
	/*
	 * One after another, in the same place, as there may be many of us: the claim; while
	 * executing, the executor's frame, which may be longer; the finish.
	 */
	union {
		alignas(max_align_t) struct store_op op; /* what the others begin with */
		struct run_claiming claiming;
		struct op_finish finish;
	};
};
_Static_assert(offsetof(struct run_claiming, skip.op) == 0 &&
    offsetof(struct run_claiming, claim.op) == 0 && offsetof(struct op_finish, op) == 0,
    "each stage begins with its op");

static struct exec *
run_exec(struct run_task *f)
{
	return (struct exec *)(void *)((char *)f + offsetof(struct run_task, op));
}

static struct run_task *
run_of_exec(struct exec *e)
{
	return (struct run_task *)(void *)((char *)e - offsetof(struct run_task, op));
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
	if (type == EVENT_RUN_ENDED && f->finish.check != NULL) {
		e.verdict = f->info.verdict;
		e.health = f->finish.health;
		if (e.health != f->finish.health_was)
			e.health_was = f->finish.health_was;
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
	struct run_claiming *c = &f->claiming;

	ledger_skip_fill(&c->skip, c->pending->job, &c->decision);
	c->skip.now = loop_wall(f->s->loop);
	recorder_skip(f->s, &c->skip);
	store_submit(f->s->store, &f->op, &f->task);
}

/* 0: go on; else the run is off. */
static int
run_skipped(struct run_task *f)
{
	struct run_claiming *c = &f->claiming;
	int r = f->op.result;

	recorder_skipped(f->s, &c->skip);
	if (r == 0) {
		ledger_skip_tell(f->s, &c->skip, f->info.kind);
		c->missed = c->decision.count;
		/* What is to be claimed now, whatever becomes of the claim. */
		c->pending->due = c->decision.due;
	}
	free(c->skip.name);
	c->skip.name = NULL;
	return r;
}

/* ---- the claim ---- */

static void
run_submit_claim(struct run_task *f)
{
	struct run_claiming *c = &f->claiming;
	instant now = loop_wall(f->s->loop);

	c->claim = (struct op_claim){
		.op.kind = OP_CLAIM, .job = f->info.job, .run = f->info.run,
		.due = c->decision.due, .next_due = c->decision.next,
		.mark = c->decision.mark, .missed = c->missed,
		.noticed = c->noticed, .started = now, .node = THIS_NODE,
		.mutex = c->mutex_waited,
	};
	recorder_claim(f->s, &c->claim, f->info.kind);
	store_submit(f->s->store, &f->op, &f->task);
}

/* What this version cannot read fails the run, with words; one that has ended has ended. */
static void
run_unreadable(struct run_task *f, const char *where, const char *why)
{
	if (run_state_final((enum run_state)f->info.state))
		return;
	f->info.state = RUN_FAILED;
	f->info.reason = xasprintf("the stored job cannot be read: %s%s%s", where,
	    where[0] != '\0' ? ": " : "", why);
}

/* Read the job as it was added. */
static void
run_need_spec(struct run_task *f)
{
	struct field_error error = { 0 };
	struct job_spec *spec;
	struct cJSON *object;
	const char *why = NULL;

	if (f->spec != NULL)
		return;
	f->spec = spec = xcalloc(1, sizeof(*spec));
	object = json_parse(f->spec_text, strlen(f->spec_text), &why);
	if (object == NULL) {
		run_unreadable(f, "", why);
		return;
	}
	if (job_spec_read(object, spec, &error) != JOBD_OK)
		run_unreadable(f, error.path, error.reason);
	json_free(object);
}

static void
run_drop_spec(struct run_task *f)
{
	struct job_spec *ours = (void *)(uintptr_t)f->spec;

	if (f->spec_text == NULL || ours == NULL)
		return;
	job_spec_done(ours);
	free(ours);
	f->spec = NULL;
}

/* The text is taken over.  It is read as late as can be: thousands may be claimed before they begin. */
static void
run_take_spec(struct run_task *f, char **text, const struct job_spec *known)
{
	f->spec = known;
	if (known != NULL)
		return;
	f->spec_text = *text;
	*text = NULL;
}

/* The claim is committed: the run exists. */
static void
run_claimed(struct run_task *f)
{
	struct op_claim *c = &f->claiming.claim;

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
	f->info.mutex_waited = c->mutex;
	f->info.previous = c->previous;
	f->info.noticed = c->noticed;
	f->info.started = c->started;
	f->info.state = RUN_RUNNING;
	f->info.expected = c->row.took;
	f->info.name = c->row.name;
	c->row.name = NULL;
	if (f->info.ping != NULL && f->pinged != f->info.run) {
		ping_free(f->info.ping);
		f->info.ping = NULL;
	}
	/* One that came after it was told before it. */
	if (f->info.ping == NULL) {
		f->info.ping = c->ping;
		c->ping = NULL;
	}
	f->uid = c->row.uid;
	f->claimed = true;
	f->s->stats.started++;
	run_tell(f, EVENT_RUN_STARTED, JOB_RUNNING);
	run_take_spec(f, &c->row.spec_json, c->row.spec);
}

/* The claim has been answered, or we stop: the occurrence goes back to the window. */
static void
run_claim_over(struct run_task *f)
{
	struct run_claiming *c = &f->claiming;
	struct window *w = &f->s->window;
	instant now = loop_wall(f->s->loop);
	bool asked = f->op.kind == OP_CLAIM;	/* else a skip has its place still */
	int r = f->op.result;

	if (asked)
		recorder_claimed(f->s, &c->claim, f->info.kind);
	if (asked && r == 0)
		run_claimed(f);
	if (c->pending != NULL && asked && r == 0)
		window_back(w, c->pending, c->decision.next, now);
	else if (c->pending != NULL && r == -ESTALE)
		window_refused(w, c->pending, now);
	else if (c->pending != NULL)
		window_back(w, c->pending, c->pending->due, now);
	c->pending = NULL;
	/* Its time has not come, or its job is paused: what the store has is looked up again. */
	if (f->retry && r == -ESTALE)
		retrying_note(&f->s->retrying, now);
	if (asked)
		scheduler_dependents(f->s, &c->claim.dependents);
	if (asked && r == 0 && c->claim.notices > 0)
		notifier_look(f->s->notifier);
	run_decided(f);
}

/* ---- the executor ---- */

static void
run_progress(struct exec *e)
{
	run_tell(run_of_exec(e), EVENT_RUN_PROGRESS, JOB_RUNNING);
}

static void
run_put_spec_away(struct exec *e, bool away)
{
	struct run_task *f = run_of_exec(e);

	if (away)
		run_drop_spec(f);
	else
		run_need_spec(f);
	e->spec = f->spec;
}

static const struct executor *
run_executor(const struct run_task *f)
{
	return executor_find(f->s->world, (enum job_kind)f->info.kind);
}

static void
run_execute(struct run_task *f)
{
	const struct executor *executor = run_executor(f);
	struct exec *e = run_exec(f);

	memset(e, 0, executor->frame_size);
	e->world = f->s->world;
	e->spec = f->spec;
	e->run = &f->info;
	e->uid = f->uid;
	e->adopt = f->adopt;
	e->cancel = f->cancel;
	e->progress = run_progress;
	e->put_spec_away = run_put_spec_away;
	f->executing = true;
	task_start(&e->task, executor->kind, &f->task);
}

/* Its frame is done with: there is no op in that place. */
static void
run_executed(struct run_task *f)
{
	const struct run_info *run = &f->info;

	recorder_exit(f->s, run);
	f->unpinged = run->kind == KIND_HEARTBEAT && (run->state == RUN_FAILED || run->state == RUN_TIMED_OUT) &&
	    (run->ping == NULL || run->ping->what == PING_START);
	f->executing = false;
	f->op = (struct store_op){ .kind = OP_COUNT };
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
	struct op_finish *o = &f->finish;
	usec_t delay = 0;

	run_need_spec(f);
	o->check = job_spec_has_health(f->spec) ? f->spec : NULL;
	if (f->cancel)
		return;
	o->again = (int)retry_again(f->spec, &f->info, f->retried);
	o->first = o->again == AGAIN_RETRY && f->spec->retries == 0;
	if (o->again == AGAIN_RETRY)
		delay = retry_delay(f->spec, f->retried + 1, &f->s->rand);
	if (o->again != AGAIN_NO)
		o->again_at = instant_add(f->info.ended, delay);
}

static void
run_submit_finish(struct run_task *f)
{
	if (!instant_is_set(f->info.ended))
		f->info.ended = loop_wall(f->s->loop);
	f->finish = (struct op_finish){ .op.kind = OP_FINISH, .run = &f->info,
	    .from = RUN_RUNNING, .unpinged = f->unpinged };
	run_decide_again(f);
	store_submit(f->s->store, &f->op, &f->task);
}

static void
run_count(struct scheduler_stats *stats, const struct run_info *run)
{
	if (run->state == RUN_SUCCEEDED)
		stats->succeeded++;
	else if (run->state != RUN_CANCELED && verdict_counts((enum verdict)run->verdict))
		stats->failed++;
}

/* The attempt was not the last. */
static void
run_waits(struct run_task *f)
{
	const struct op_finish *o = &f->finish;
	struct scheduler *s = f->s;

	f->info.state = RUN_RETRYING;
	f->info.retry_at = o->held ? (instant){ 0 } : o->again_at;
	s->waiting++;
	/* Where it will wait is what the job says now, not where it was: the store knows. */
	if (!o->held && f->edited)
		retrying_note(&s->retrying, o->again_at);
	else if (!o->held)
		retrying_add(&s->retrying, &(struct retry){ .job = f->info.job,
		    .run = f->info.run, .kind = f->info.kind, .by_hand = f->info.manual,
		    .at = o->again_at, .stand = stand_copy(&f->seat.stand) }, loop_wall(s->loop));
	run_tell(f, EVENT_RUN_RETRYING, o->job_state);
}

/* For whoever looks for the job in the journal; what went well is in the ledger. */
static void
run_log_failure(const struct run_info *run)
{
	if (run->state != RUN_FAILED && run->state != RUN_TIMED_OUT && run->state != RUN_LOST)
		return;
	log_info("a run did not succeed job=%lld run=%lld attempt=%lld name=%s state=%s reason=\"%s\"",
	    (long long)run->job, (long long)run->run, (long long)run->attempt,
	    run->name != NULL ? run->name : "", run_state_names[run->state],
	    run->reason != NULL ? run->reason : "");
}

static void
run_ended(struct run_task *f)
{
	const struct op_finish *o = &f->finish;
	struct scheduler *s = f->s;

	run_count(&s->stats, &f->info);
	run_log_failure(&f->info);
	keeper_run_ended(s->keeper, f->info.output_bytes);
	run_tell(f, EVENT_RUN_ENDED, o->job_state);
	/* That a new check is up is no news. */
	if (o->health != o->health_was && (o->health != VERDICT_UP || o->health_was != VERDICT_NONE))
		log_info("health changed job=%lld name=%s health=%s was=%s run=%lld", (long long)f->info.job,
		    f->info.name != NULL ? f->info.name : "", verdict_names[o->health],
		    verdict_names[o->health_was], (long long)f->info.run);
	if (o->quarantined)
		scheduler_job_quarantined(s, f->info.job, f->info.name, o->job_state);
	scheduler_dependents(s, &f->finish.dependents);
	if (o->notices > 0)
		notifier_look(s->notifier);
}

/* The store knows the check that this one depends on. */
static void
run_judged(struct run_task *f)
{
	struct op_finish *o = &f->finish;

	f->info.verdict = o->verdict;
	if (o->reason == NULL)
		return;
	free(f->info.reason);
	f->info.reason = o->reason;
	o->reason = NULL;
}

/*
 * A ping was acknowledged while its executor's time ran out, and had not been told here: it counts.  Then
 * the run is to end once more.
 */
static bool
run_pinged_at_last(struct run_task *f)
{
	if (f->op.result != 0 || f->finish.ping == NULL)
		return false;
	ping_free(f->info.ping);
	f->info.ping = f->finish.ping;
	f->finish.ping = NULL;
	f->unpinged = false;
	heartbeat_end(&f->info);
	return true;
}

/* The end is committed: now it may be told, and the runner may forget. */
static void
run_finished(struct run_task *f)
{
	struct scheduler *s = f->s;

	if (f->op.result == 0)
		run_judged(f);
	if (f->op.result == 0)
		scheduler_job_retries(s, f->info.job, f->finish.retrying);
	if (f->op.result == 0 && f->finish.state == RUN_RETRYING) {
		run_waits(f);
	} else if (f->op.result == 0) {
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
	if (f->claimed)
		recorder_left(s, &f->info);
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

	while (f->claiming.pending != NULL && f->claiming.decision.count > 0) {
		run_submit_skip(f);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.done);
		if (!scheduler_store_failed(f->s, &f->op, &f->backoff)) {
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
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.done);
		if (!scheduler_store_failed(f->s, &f->op, &f->backoff)) {
			run_claim_over(f);
			op_claim_done(&f->claiming.claim);
			if (!f->claimed)
				goto out;
			break;
		}
		SLEEP_UNTIL(t, loop_now(t->loop) + f->backoff);
		if (t->err == -ECANCELED)
			goto out;
	}
	if (!run_executor(f)->rests)
		run_need_spec(f);
	if (!run_state_final((enum run_state)f->info.state) && !run_canceled_early(f)) {
		run_execute(f);
		AWAIT(t, task_done(&run_exec(f)->task));
		if (t->err == -ECANCELED)
			AWAIT_SHIELDED(t, USEC_NEVER, task_done(&run_exec(f)->task));
		run_executed(f);
		if (!run_state_final((enum run_state)f->info.state))
			goto out;
	}
	for (;;) {
		run_submit_finish(f);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.done);
		if (!scheduler_store_failed(f->s, &f->op, &f->backoff)) {
			if (run_pinged_at_last(f))
				continue;
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
	else if (f->op.kind == OP_SKIP)
		words = "the commit of a skip";
	else if (f->op.kind == OP_CLAIM)
		words = "the commit of its claim";
	else if (f->op.kind == OP_FINISH)
		words = "the commit of its end";
	(void)snprintf(out, n, "%s%s", words,
	    words[0] != '\0' && f->op.done && !f->executing ? ", to be asked again" : "");
}

static void
run_release(struct task *t)
{
	struct run_task *f = container_of(t, struct run_task, task);

	MUST(!f->op.lent);
	run_drop_spec(f);
	free(f->spec_text);
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
	const size_t longest = offsetof(struct run_task, op) + executor->frame_size;
	struct run_task *f = xcalloc(1, longest > sizeof(*f) ? longest : sizeof(*f));

	f->s = s;
	f->info = RUN_INFO_NONE;
	f->info.job = job;
	f->info.run = run;
	f->info.kind = kind;
	f->claiming.noticed = loop_wall(s->loop);
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
	struct run_claiming *c = &f->claiming;

	MUST(p->state == PENDING_TAKEN && d->what == LEDGER_RUN);
	c->pending = p;
	c->mutex_waited = p->mutex_waited;
	p->mutex_waited = false;
	c->decision = *d;
	/* It may have waited for its slot; and one that came due meanwhile was noticed then. */
	c->noticed = p->noticed.usec >= d->due.usec ? p->noticed : schedule_begin(&p->schedule, d->due);
	if (c->noticed.usec > loop_wall(s->loop).usec)
		c->noticed = loop_wall(s->loop);
	f->deciding = true;
	s->deciding++;
	task_start(&f->task, &run_kind, &s->task);
}

void
run_start_queued(struct scheduler *s, struct pending *p)
{
	struct run_task *f = run_new(s, p->job, p->run, p->kind, stand_copy(&p->stand));

	f->retry = p->retry;
	f->claiming.mutex_waited = p->mutex_waited;
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
	f->info.ping = row->ping;
	row->ping = NULL;
	row->name = row->canceled_by = NULL;
	recorder_terms(s, row->job, row->kind, row->uid, &row->terms);
	recorder_adopted(s, &f->info);
	run_take_spec(f, &row->spec_json, row->spec);
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

void
run_edited(struct run_task *f)
{
	f->edited = true;
}

void
run_pinged(struct run_task *f, int64_t run, const struct ping *ping)
{
	if (f->info.run != run && f->info.run != 0)
		return;
	/* While ours has no number, it is known to be the greatest. */
	if (f->info.run == 0 && f->info.ping != NULL && f->pinged > run)
		return;
	f->pinged = run;
	ping_free(f->info.ping);
	f->info.ping = ping_copy(ping);
	if (f->executing)
		task_wake(&run_exec(f)->task);
}

const struct run_info *
run_info_of(const struct run_task *f)
{
	return f->claimed ? &f->info : NULL;
}
