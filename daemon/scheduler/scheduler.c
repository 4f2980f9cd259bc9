/*
 * scheduler: see scheduler.h.  One task that looks, and a child task for everything that takes
 * time: a run, a skip being written, a load.  It is woken when something has changed or
 * a due has come, takes what is due in bounded batches, and asks nobody twice: a job
 * that waits for a slot stands in line until a run ends, one that waits for its own
 * run is parked until that ends.
 *
 * With nothing due anywhere there is no timer at all.
 */
#include "daemon/scheduler/scheduler.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/scheduler/clock.h"
#include "daemon/scheduler/load.h"
#include "daemon/scheduler/recovery.h"
#include "daemon/scheduler/run.h"
#include "daemon/scheduler/scheduler-internal.h"
#include "proto/mem.h"

void
scheduler_changed(struct scheduler *s)
{
	s->changed = true;
	task_wake(&s->task);
}

bool
scheduler_store_failed(struct scheduler *s, const struct store_op *op, usec_t *backoff)
{
	MUST(op->done);
	if (op->result == 0 || op->result == -ESTALE) {
		if (s->store_bad)
			log_info("the store works again");
		s->store_bad = false;
		*backoff = 0;
		return false;
	}
	if (!s->store_bad)
		log_error("the store cannot carry out what is decided: %s; trying again",
		    strerror(-op->result));
	s->store_bad = true;
	*backoff = *backoff == 0 ? BACKOFF_MIN : *backoff * 2;
	if (*backoff > BACKOFF_MAX)
		*backoff = BACKOFF_MAX;
	return true;
}

void
scheduler_forget(struct scheduler *s, int64_t job)
{
	struct pending *p = window_get(&s->window, job);

	if (p == NULL)
		return;
	if (p->state == PENDING_READY) {
		line_remove(&s->queue, p);
		p->state = PENDING_PARKED;	/* no task has it */
	}
	window_drop(&s->window, p);
}

/* ---- taking what is due ---- */

/* One occurrence that was walked over in counting what has piled up, in starts of a run. */
#define WALK_COST 4

static int
due_compare(const void *a, const void *b)
{
	const struct pending *x = *(struct pending *const *)a, *y = *(struct pending *const *)b;

	if (x->due.usec != y->due.usec)
		return x->due.usec < y->due.usec ? -1 : 1;
	return x->job < y->job ? -1 : x->job > y->job;
}

/* Each that catches up has a place of its own in time, so that a long absence ends in no stampede. */
static instant
catch_up_place(struct scheduler *s, instant now)
{
	instant at = s->catch_up_at;

	if (at.usec < now.usec)
		at = now;
	s->catch_up_at = instant_add(at, s->catch_up_distance);
	return at;
}

static bool
catch_up_later(struct scheduler *s, struct pending *p, instant now)
{
	instant at;

	if (instant_is_set(p->not_before))
		return false;
	at = catch_up_place(s, now);
	if (at.usec == now.usec)
		return false;
	window_defer(&s->window, p, at, now);
	return true;
}

/* The job's run has outlasted its next occurrence: at the third time somebody should know. */
static void
overlap_count(struct scheduler *s, struct pending *p, struct ledger_decision *d)
{
	const struct lane *lane = lane_get(&s->queue, p->job);
	const struct run_info *run = lane != NULL && lane->run != NULL ?
	    run_info_of(lane->run) : NULL;
	bool told = p->overlaps >= OVERLAPS_TOLD;

	d->active = run != NULL ? run->run : p->retrying;
	p->overlaps += d->count < OVERLAPS_TOLD ? (int)d->count : OVERLAPS_TOLD;
	if (p->overlaps >= OVERLAPS_TOLD && !told)
		log_warning("a job is blocked by its own run: skipped %d times in a row"
		    " job=%lld run=%lld", p->overlaps, (long long)p->job, (long long)d->active);
}

/*
 * Carry out what the ledger says of a taken occurrence; slot: a slot of its kind is free.  Returns
 * about how many occurrences were looked at for it.
 */
static int64_t
occurrence_decide(struct scheduler *s, struct pending *p, instant now, bool slot)
{
	struct lane *lane = lane_get(&s->queue, p->job);
	bool active = (lane != NULL && lane->run != NULL) || p->retrying != 0;
	struct ledger_decision d = ledger_decide(p, now, s->since, active);
	/* Elapsed time is divided, not walked. */
	int64_t work = p->schedule.rule != NULL ? 1 + WALK_COST * d.count : 1;

	if (d.what != LEDGER_LATER && !instant_is_set(p->noticed))
		p->noticed = now;
	p->on_time = p->on_time || (d.what != LEDGER_LATER && !ledger_is_misfire(p, s->since));
	switch (d.what) {
	case LEDGER_LATER:
		window_back(&s->window, p, p->due, now);
		break;
	case LEDGER_SKIP:
		if (d.cause == SKIP_OVERLAP)
			overlap_count(s, p, &d);
		ledger_skip_start(s, p, &d);
		break;
	case LEDGER_PARK:
		p->state = PENDING_PARKED;
		break;
	case LEDGER_RUN:
		p->overlaps = 0;
		if (d.misfire && catch_up_later(s, p, now))
			break;
		if (slot)
			run_start_due(s, p, &d);
		else
			line_push(&s->queue, p);
		break;
	}
	return work;
}

void
scheduler_unpark(struct scheduler *s, int64_t job)
{
	struct pending *p = window_get(&s->window, job);

	if (p != NULL && p->state == PENDING_PARKED)
		window_back(&s->window, p, p->due, loop_wall(s->loop));
}

void
scheduler_job_retries(struct scheduler *s, int64_t job, int64_t run)
{
	struct pending *p = window_get(&s->window, job);

	if (p != NULL)
		p->retrying = run;
}

/* Retries that were due while nobody was there are spread like catch-ups. */
static bool
retry_later(struct scheduler *s, struct retry *x, instant now)
{
	instant at;

	if (x->spread || x->at.usec > ledger_missed_until(s->since).usec)
		return false;
	x->spread = true;
	at = catch_up_place(s, now);
	if (at.usec == now.usec)
		return false;
	retrying_put_back(&s->retrying, x, at);
	return true;
}

/* Runs whose next attempt is due, into their lanes.  True: there is more. */
static bool
take_retries(struct scheduler *s, instant now)
{
	struct retry *x;

	for (size_t n = 0; n < TAKE_BATCH && queue_has_room(&s->queue); n++) {
		x = retrying_take(&s->retrying, now);
		if (x == NULL)
			return false;
		if (retry_later(s, x, now))
			continue;
		queue_add_retry(&s->queue, x->job, x->run, x->kind);
		free(x);
	}
	return queue_has_room(&s->queue);
}

/* What has become due, in the order of dues: into the lines.  True: there is more. */
static bool
take_due(struct scheduler *s, instant now)
{
	static_assert(TAKE_BATCH <= DECIDING_MAX, "a batch must fit");
	usec_t end = loop_clock(s->loop) + LOOK_TIME;
	struct pending **batch;
	size_t n = 0, i;

	if (s->sweep != NULL || s->window.heap.n == 0 || window_next(&s->window).usec > now.usec)
		return false;
	if (s->deciding > DECIDING_MAX - TAKE_BATCH)
		return false;
	batch = xmalloc(TAKE_BATCH * sizeof(struct pending *));
	while (n < TAKE_BATCH && (batch[n] = window_take(&s->window, now)) != NULL)
		n++;
	qsort(batch, n, sizeof(struct pending *), due_compare);
	/* What has piled up may be long to count: the rest is taken up again after the others. */
	for (i = 0; i < n && (i == 0 || loop_clock(s->loop) < end); i++)
		(void)occurrence_decide(s, batch[i], now, false);
	for (size_t k = i; k < n; k++)
		window_back(&s->window, batch[k], batch[k]->due, now);
	free(batch);
	return i < n || n == TAKE_BATCH;
}

/* Start the first in line of a kind.  Returns how much it was, as occurrence_decide(). */
static int64_t
line_start(struct scheduler *s, struct pending *p, instant now)
{
	struct lane *lane;

	line_remove(&s->queue, p);
	if (p->run == 0)
		return occurrence_decide(s, p, now, true);
	lane = lane_get(&s->queue, p->job);
	if (lane->run != NULL)
		p->state = PENDING_PARKED;	/* the end of that run lines it up again */
	else
		run_start_queued(s, p);
	return 1;
}

/* Let in as many as there are slots.  True: there is more. */
static bool
open_gates(struct scheduler *s, instant now)
{
	int64_t n = 0;

	for (int kind = 0; kind < KIND_COUNT && s->sweep == NULL; kind++) {
		struct line *line = &s->queue.lines[kind];

		while (line->first != NULL && s->running[kind] < s->running_max[kind]) {
			if (s->deciding >= DECIDING_MAX)
				return false;
			/* Not by the clock, which may be a virtual one. */
			if (n >= TAKE_BATCH)
				return true;
			n += line_start(s, line->first, now);
		}
	}
	return false;
}

/* One bounded look at everything.  True: look again soon. */
static bool
scheduler_look(struct scheduler *s)
{
	instant now;
	bool more;

	s->changed = false;
	if (!s->simulated)
		clock_look(s);
	now = loop_wall(s->loop);
	if (s->sweep == NULL)
		load_if_wanted(s);
	keeper_look(s->keeper);
	more = take_due(s, now);
	more |= take_retries(s, now);
	return open_gates(s, now) || more;
}

/* The shorter of a wait and the one for an instant, if that is set. */
static usec_t
wait_for(instant at, usec_t now, usec_t wait)
{
	return instant_is_set(at) && at.usec - now < wait ? at.usec - now : wait;
}

/*
 * Until when may the scheduler sleep? Dues are instants, the wait is monotonic: WAIT_MAX bounds
 * the error.
 */
static usec_t
scheduler_deadline(const struct scheduler *s)
{
	instant load = window_load_at(&s->window), due = window_next(&s->window);
	instant retry = queue_has_room(&s->queue) ? retrying_next(&s->retrying) : (instant){ 0 };
	instant more = retrying_load_at(&s->retrying);
	usec_t wait = WAIT_MAX, now = loop_wall(s->loop).usec;
	bool any = instant_is_set(load) || s->window.beyond.due.usec != USEC_NEVER ||
	    s->window.loading || instant_is_set(retrying_next(&s->retrying)) ||
	    s->retrying.beyond.usec != USEC_NEVER;

	/* An answer of the store wakes us first, or the end of the sweep. */
	if (s->sweep != NULL || s->deciding > DECIDING_MAX - TAKE_BATCH)
		load = due = (instant){ 0 };
	any |= instant_is_set(due);
	wait = wait_for(due, now, wait_for(load, now, wait));
	wait = wait_for(retry, now, s->sweep != NULL ? wait : wait_for(more, now, wait));
	if (!any)
		return USEC_NEVER;
	return loop_clock(s->loop) + (wait > 0 ? wait : 0);
}

static enum task_status
scheduler_step(struct task *t)
{
	struct scheduler *s = container_of(t, struct scheduler, task);

	TASK_BEGIN(t);

	recovery_start(s);
	AWAIT(t, s->recovered);
	if (!t->cancelled && !s->simulated)
		keeper_start(s->keeper, t);
	while (!t->cancelled) {
		if (scheduler_look(s)) {
			TASK_YIELD(t);
			continue;
		}
		AWAIT_UNTIL(t, scheduler_deadline(s), s->changed || s->wallclock.watch.readable);
	}
	/* The runs let go and write down what is over; they need us until then. */
	AWAIT_SHIELDED(t, USEC_NEVER, t->child == NULL);
	if (s->recovered) {
		clock_end(s);
		AWAIT_SHIELDED(t, USEC_NEVER, s->life.op.done);
	}
	wallclock_stop(&s->wallclock);

	TASK_END(t, 0);
}

static void
scheduler_describe(const struct task *t, char *out, size_t n)
{
	const struct scheduler *s = container_of(t, const struct scheduler, task);
	const char *words = "something to be added";

	if (t->cancelled)
		words = "its runs to end";
	else if (!s->recovered)
		words = "recovery";
	else if (instant_is_set(window_next(&s->window)))
		words = "the next due";
	else if (s->window.beyond.due.usec != USEC_NEVER)
		words = "the time to load more";
	(void)snprintf(out, n, "%s", words);
}

static const struct task_kind scheduler_kind = {
	.name = "scheduler",
	.step = scheduler_step,
	.describe = scheduler_describe,
};

struct scheduler *
scheduler_new(const struct scheduler_config *config)
{
	struct scheduler *s = xcalloc(1, sizeof(*s));
	int64_t max = config->window_jobs_max;

	s->loop = config->loop;
	s->store = config->store;
	s->world = config->world;
	s->events = config->events;
	memcpy(s->running_max, config->running_max, sizeof(s->running_max));
	s->wallclock.fd = -1;
	s->zones = config->zones;
	s->boot = config->boot;
	s->simulated = config->simulated;
	s->keeper = keeper_new(s, config->keep);
	s->catch_up_distance = USEC_SEC / (config->catch_ups > 0 ? config->catch_ups : CATCH_UPS);
	window_init(&s->window, max > 0 ? (size_t)max : WINDOW_JOBS_MAX,
	    config->window_ahead > 0 ? config->window_ahead : WINDOW_AHEAD, s->zones);
	retrying_init(&s->retrying, s->window.ahead);
	if (config->seed != 0 || config->simulated)
		rand_seed(&s->rand, config->seed);
	else
		rand_seed_random(&s->rand);
	return s;
}

void
scheduler_free(struct scheduler *s)
{
	size_t position = 0;
	struct pending *p;

	if (s == NULL)
		return;
	MUST(!task_alive(&s->task));
	while ((p = map_next(&s->window.map, &position)) != NULL)
		MUST(p->state != PENDING_TAKEN);
	keeper_free(s->keeper);
	queue_done(&s->queue);
	retrying_done(&s->retrying);
	window_done(&s->window);
	free(s);
}

void
scheduler_start(struct scheduler *s, struct task *parent)
{
	int r;

	clock_begin(s);
	task_start(&s->task, &scheduler_kind, parent);
	r = wallclock_start(&s->wallclock, s->loop, &s->task);
	if (r < 0)
		log_warning("the clock cannot be watched: %s; looking every %d s instead",
		    strerror(-r), (int)(WAIT_MAX / USEC_SEC));
}

bool
scheduler_recovered(const struct scheduler *s)
{
	return s->recovered;
}

void
scheduler_limits(const struct scheduler *s, int64_t ret_running_max[KIND_COUNT])
{
	memcpy(ret_running_max, s->running_max, sizeof(s->running_max));
}

void
scheduler_on_recovered(struct scheduler *s, struct task *t)
{
	s->on_recovered = t;
}

/* ---- told by the server ---- */

static void
job_tell(struct scheduler *s, enum event_type type, int64_t job, const char *name, int job_state)
{
	struct event_info e = EVENT_INFO_NONE;

	e.at = loop_wall(s->loop);
	e.type = (int)type;
	e.job = job;
	e.name = (char *)(uintptr_t)name;	/* borrowed; the hub copies */
	e.job_state = job_state;
	event_emit(s->events, &e);
}

void
scheduler_job_added(struct scheduler *s, const struct due_row *row, const char *name, int job_state)
{
	job_tell(s, EVENT_JOB_ADDED, row->id, name, job_state);
	/* If a load has found it before us, what is here is newer. */
	if (job_state == JOB_PAUSED || !instant_is_set(row->due) || window_get(&s->window, row->id) != NULL)
		return;
	if (window_put(&s->window, row, loop_wall(s->loop)) != NULL ||
	    instant_is_set(window_load_at(&s->window)))
		scheduler_changed(s);
}

void
scheduler_job_paused(struct scheduler *s, int64_t job, const char *name, int job_state)
{
	scheduler_forget(s, job);
	retrying_remove(&s->retrying, job, 0);
	queue_hold(&s->queue, job);
	job_tell(s, EVENT_JOB_CHANGED, job, name, job_state);
}

void
scheduler_job_quarantined(struct scheduler *s, int64_t job, const char *name, int job_state)
{
	log_warning("a job is quarantined: lost %d times in a row job=%lld", CRASHES_MAX,
	    (long long)job);
	scheduler_job_paused(s, job, name, job_state);
}

/* The occurrence of a job that was held back goes on; and so do its retries, wherever they are. */
static void
job_goes_on(struct scheduler *s, const struct due_row *row, bool released)
{
	instant now = loop_wall(s->loop);
	struct pending *p;

	scheduler_forget(s, row->id);
	if (row->retrying != 0)
		retrying_note(&s->retrying, (instant){ 1 });
	scheduler_changed(s);
	if (!instant_is_set(row->due))
		return;
	p = window_put(&s->window, row, now);
	if (p == NULL)
		return;
	p->resumed = now;
	p->released = released;
}

void
scheduler_job_resumed(struct scheduler *s, const struct due_row *row, const char *name,
    int job_state, bool released)
{
	job_tell(s, EVENT_JOB_CHANGED, row->id, name, job_state);
	job_goes_on(s, row, released);
}

void
scheduler_job_skipped(struct scheduler *s, const struct op_skip *op, const struct due_row *row,
    bool live)
{
	ledger_skip_tell(s, op, row->kind);
	scheduler_forget(s, row->id);
	if (live && instant_is_set(row->due))
		(void)window_put(&s->window, row, loop_wall(s->loop));
	scheduler_changed(s);
}

void
scheduler_job_removed(struct scheduler *s, int64_t job, const char *name, int64_t runs)
{
	(void)runs;
	scheduler_forget(s, job);
	job_tell(s, EVENT_JOB_REMOVED, job, name, -1);
}

void
scheduler_run_retried(struct scheduler *s, const struct op_retry *op)
{
	struct pending *p;

	if (op->released && !op->paused)
		job_goes_on(s, &op->row, true);
	if (op->released)
		job_tell(s, EVENT_JOB_CHANGED, op->job, op->name, op->job_state);
	/* It does not wait for its time any more; if it is in its lane for that, it stays there. */
	if (op->was == RUN_RETRYING) {
		s->waiting--;
		retrying_remove(&s->retrying, op->job, op->run);
		scheduler_job_retries(s, op->job, op->row.retrying);
		scheduler_unpark(s, op->job);
		p = queue_find(&s->queue, op->job, op->run);
		if (p != NULL)
			p->retry = false;
	}
	scheduler_run_queued(s, op->job, op->run, op->kind, op->name);
}

void
scheduler_run_queued(struct scheduler *s, int64_t job, int64_t run, int kind, const char *name)
{
	struct lane *lane = lane_get(&s->queue, job);
	struct event_info e = EVENT_INFO_NONE;

	e.at = loop_wall(s->loop);
	e.type = EVENT_RUN_QUEUED;
	e.job = job;
	e.run = run;
	e.name = (char *)(uintptr_t)name;
	e.kind = kind;
	e.state = RUN_QUEUED;
	e.job_state = lane != NULL && lane->run != NULL ? JOB_RUNNING : JOB_QUEUED;
	event_emit(s->events, &e);
	s->queued++;
	/* Behind those that are left to the store, or not loaded yet, it must not come first. */
	if (!s->recovered || s->queue.more || s->queue.loading)
		s->queue.more = true;
	else
		(void)queue_add(&s->queue, job, run, kind);
	scheduler_changed(s);
}

/* A queued or retrying run is canceled in the store: nothing will come of it. */
static void
waiting_canceled(struct scheduler *s, const struct op_cancel *op)
{
	struct pending *p = queue_find(&s->queue, op->job, op->run);
	struct event_info e = EVENT_INFO_NONE;

	if (op->was == RUN_RETRYING) {
		s->waiting--;
		retrying_remove(&s->retrying, op->job, op->run);
		scheduler_job_retries(s, op->job, op->retrying);
		scheduler_unpark(s, op->job);
	} else {
		s->queued--;
	}
	if (p != NULL) {
		if (p->state == PENDING_READY)
			line_remove(&s->queue, p);
		queue_remove(&s->queue, p);
		queue_line_up(&s->queue, op->job);
	}
	e.at = loop_wall(s->loop);
	e.type = EVENT_RUN_ENDED;
	e.job = op->job;
	e.run = op->run;
	e.name = op->name;
	e.kind = op->kind;
	e.state = RUN_CANCELED;
	e.job_state = op->job_state;
	event_emit(s->events, &e);
	scheduler_changed(s);
}

void
scheduler_run_canceled(struct scheduler *s, const struct op_cancel *op)
{
	struct lane *lane;

	if (op->was != RUN_RUNNING) {
		waiting_canceled(s, op);
		return;
	}
	lane = lane_get(&s->queue, op->job);
	if (lane != NULL && lane->run != NULL)
		(void)run_cancel(lane->run, op->run, op->by);
}

/* ---- retention ---- */

void
scheduler_remove_output(struct scheduler *s)
{
	keeper_remove_output(s->keeper);
}

const struct keep_policy *
scheduler_keep_policy(const struct scheduler *s)
{
	return keeper_policy(s->keeper);
}

void
scheduler_keep_stats(const struct scheduler *s, struct keeper_stats *out)
{
	keeper_stats(s->keeper, out);
}

/* ---- looking ---- */

const struct run_info *
scheduler_run_live(const struct scheduler *s, int64_t job, int64_t run)
{
	const struct lane *lane = lane_get(&s->queue, job);
	const struct run_info *info;

	if (lane == NULL || lane->run == NULL)
		return NULL;
	info = run_info_of(lane->run);
	return info != NULL && info->run == run ? info : NULL;
}

static enum waits_for
waits_for(const struct pending *p, instant now)
{
	switch ((enum pending_state)p->state) {
	case PENDING_HEAP:
		return p->not_before.usec > now.usec ? WAITS_TURN : WAITS_NOT;
	case PENDING_READY:
		return WAITS_SLOT;
	case PENDING_PARKED:
		return WAITS_RUN;
	case PENDING_TAKEN:
		return WAITS_STORE;
	}
	MUST(false);
	return WAITS_NOT;
}

void
scheduler_view(const struct scheduler *s, int64_t job, int kind, struct scheduler_view *out)
{
	const struct pending *p = window_get(&s->window, job);
	const struct lane *lane = lane_get(&s->queue, job);
	const struct run_info *run = lane != NULL && lane->run != NULL ?
	    run_info_of(lane->run) : NULL;

	*out = (struct scheduler_view){
		.running = s->running[kind], .running_max = s->running_max[kind],
		.in_line = (int64_t)s->queue.lines[kind].n, .run = run != NULL ? run->run : 0,
		.sweeping = s->sweep != NULL, .store_bad = s->store_bad, .recovered = s->recovered,
	};
	if (p == NULL)
		return;
	out->waits = waits_for(p, loop_wall(s->loop));
	out->not_before = p->not_before;
	out->retrying = p->retrying;
}

void
scheduler_stats(const struct scheduler *s, struct scheduler_stats *out)
{
	*out = s->stats;
	out->window_jobs = (int64_t)window_count(&s->window);
	out->queued = s->queued;
	out->retrying = s->waiting;
	for (int kind = 0; kind < KIND_COUNT; kind++)
		out->running += s->running[kind];
	/* Everything up to then is in memory; with nothing beyond, as far as we look ahead. */
	out->window_until = s->window.beyond.due;
	if (out->window_until.usec == USEC_NEVER)
		out->window_until = instant_add(loop_wall(s->loop), WINDOW_AHEAD);
}
