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
#include "daemon/scheduler/enqueue.h"
#include "daemon/scheduler/load.h"
#include "daemon/scheduler/recorder.h"
#include "daemon/scheduler/recovery.h"
#include "daemon/scheduler/run.h"
#include "daemon/scheduler/scheduler-internal.h"
#include "proto/mem.h"
#include "proto/suggest.h"

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
	recorder_told(s, TOLD_STORE_FAILED, 0, 0, op->result);
	if (!s->store_bad)
		log_error("the store cannot carry out what is decided: %s; trying again",
		    strerror(-op->result));
	s->store_bad = true;
	*backoff = *backoff == 0 ? BACKOFF_MIN : *backoff * 2;
	if (*backoff > BACKOFF_MAX)
		*backoff = BACKOFF_MAX;
	return true;
}

/* Out of its line, and not to start: whoever waits for its mutex may have it. */
static void
line_leave(struct scheduler *s, struct pending *p)
{
	struct lines *l = &s->queue.lines;

	line_remove(l, p);
	p->state = PENDING_PARKED;	/* no task has it */
	p->came = 0;
	if (p->stand.mutex != NULL)
		mutex_look(l, p->stand.mutex);
}

void
scheduler_forget(struct scheduler *s, int64_t job)
{
	struct pending *p = window_get(&s->window, job);

	if (p == NULL)
		return;
	if (p->state == PENDING_READY || p->state == PENDING_BLOCKED)
		line_leave(s, p);
	window_drop(&s->window, p);
}

void
scheduler_due_set(struct scheduler *s, const struct due_row *row)
{
	scheduler_forget(s, row->id);
	if (instant_is_set(row->due))
		(void)window_put(&s->window, row, loop_wall(s->loop));
}

void
scheduler_unpark(struct scheduler *s, int64_t job)
{
	struct pending *p = window_get(&s->window, job);

	if (p != NULL && p->state == PENDING_PARKED)
		window_back(&s->window, p, p->due, loop_wall(s->loop));
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
	const struct seat *seat = lane != NULL ? lane->seats : NULL;
	bool told = p->overlaps >= OVERLAPS_TOLD;

	d->active = seat != NULL ? seat->run : p->retrying;
	p->overlaps += d->count < OVERLAPS_TOLD ? (int)d->count : OVERLAPS_TOLD;
	if (p->overlaps >= OVERLAPS_TOLD && !told)
		log_warning("a job is blocked by its own run: skipped %d times in a row"
		    " job=%lld run=%lld", p->overlaps, (long long)p->job, (long long)d->active);
}

void
scheduler_overlap(struct scheduler *s, struct pending *p, const struct ledger_decision *d)
{
	struct ledger_decision skip = *d;

	overlap_count(s, p, &skip);
	ledger_skip_start(s, p, &skip);
}

/*
 * Queued runs are being loaded, and there may be one of this job, which goes before it: only in the store
 * their order is known.  But one that is promised would not be queued, and wait for a run that is not.
 */
static bool
queued_unseen(const struct scheduler *s, const struct pending *p)
{
	return (s->queue.more || s->queue.loading) && p->misfire != MISFIRE_ALL;
}

/* May no other run of it begin now, as its overlap says? */
static bool
occurrence_waits(const struct scheduler *s, const struct pending *p)
{
	const struct lane *lane = lane_get(&s->queue, p->job);
	bool queues = schedule_repeats(&p->schedule) &&
	    (p->stand.overlap == OVERLAP_QUEUE || p->stand.overlap == OVERLAP_REPLACE);

	/* One that waits for its next attempt is active as well. */
	if (p->retrying != 0 && (p->stand.overlap != OVERLAP_PARALLEL ||
	    (lane != NULL ? lane->live : 0) + 1 >= p->stand.limit))
		return true;
	if (queues && queued_unseen(s, p))
		return true;
	if (lane == NULL)
		return false;
	if (!queues)
		return !lane_has_room(lane, &p->stand);
	/* One that waits goes first; what was asked for by hand has a place of its own. */
	for (const struct pending *w = lane->first; w != NULL; w = w->lane_next) {
		if (!w->by_hand)
			return true;
	}
	return lane->live > 0 || lane->more;
}

/*
 * A misfire is spread over time, but what comes once and stands in a queue: its slots are enough, and
 * very likely it waited there before, too.
 */
static bool
is_spread(const struct pending *p)
{
	return p->stand.flow->line->name == NULL || schedule_repeats(&p->schedule);
}

/* It is to be run, and there is no slot: in line, or left to the store. */
static void
occurrence_waits_in_line(struct scheduler *s, struct pending *p)
{
	struct pending *instead;

	if (flow_admits(&s->queue.lines, p, &instead)) {
		line_push(&s->queue.lines, p);
		p = instead;
		if (p != NULL)
			line_leave(s, p);
	}
	if (p == NULL)
		return;
	p->state = PENDING_PARKED;	/* no task has it */
	window_drop(&s->window, p);
}

/*
 * Carry out what the ledger says of a taken occurrence; slot: a slot of its kind is free.  Returns
 * about how many occurrences were looked at for it.
 */
static int64_t
occurrence_decide(struct scheduler *s, struct pending *p, instant now, bool slot)
{
	struct ledger_decision d = ledger_decide(p, now, s->since, occurrence_waits(s, p));
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
	case LEDGER_QUEUE:
		enqueue_start(s, p, &d);
		late_waits(s->late);
		break;
	case LEDGER_PARK:
		p->state = PENDING_PARKED;
		late_waits(s->late);
		break;
	case LEDGER_RUN:
		p->overlaps = 0;
		if (d.misfire && is_spread(p) && catch_up_later(s, p, now)) {
			late_waits(s->late);
			break;
		}
		if (slot)
			run_start_due(s, p, &d);
		else
			occurrence_waits_in_line(s, p);
		break;
	}
	return work;
}

void
scheduler_job_retries(struct scheduler *s, int64_t job, int64_t run)
{
	struct pending *p = window_get(&s->window, job);

	if (p != NULL)
		p->retrying = run;
	lane_retrying_set(&s->queue, job, run != 0);
}

/* Retries that were due while nobody was there are spread like catch-ups. */
static bool
retry_later(struct scheduler *s, struct retry *x, instant now)
{
	instant at;

	if (x->spread || x->at.usec > ledger_missed_until(MISFIRE_DEFAULT, s->since).usec)
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
		queue_add_retry(&s->queue, x->job, x->run, x->kind, x->by_hand, &x->stand);
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

/* Start one that is the first of its line.  Returns how much it was, as occurrence_decide(). */
static int64_t
line_start(struct scheduler *s, struct pending *p, instant now)
{
	struct lines *l = &s->queue.lines;
	struct stand st = stand_copy(&p->stand);	/* p may be gone afterwards */
	int64_t work = 1;

	line_remove(l, p);
	if (p->run == 0) {
		work = occurrence_decide(s, p, now, true);
	} else if (lane_has_room(lane_get(&s->queue, p->job), &st)) {
		run_start_queued(s, p);
	} else {
		p->state = PENDING_PARKED;	/* the end of a run lines it up again */
		p->came = 0;
	}
	/* It may not have begun after all: others wait for the same. */
	if (st.mutex != NULL)
		mutex_look(l, st.mutex);
	stand_done(l, &st);
	return work;
}

/* Nobody of its line may start now, whoever it is. */
static bool
line_is_shut(const struct scheduler *s, const struct line *line)
{
	return instant_is_set(line->paused) || (instant_is_set(s->drained) && line->kind != KIND_HEARTBEAT);
}

/* The first of a line that may start, or NULL. */
static struct pending *
gate_look(struct scheduler *s, struct line *line)
{
	struct lines *l = &s->queue.lines;
	struct pending *p;
	usec_t not_before;

	if (line_is_shut(s, line))
		return NULL;
	while ((p = line_first(line)) != NULL && p->stand.mutex != NULL && p->stand.mutex->held > 0) {
		line_block(l, p);
		late_waits(s->late);
	}
	if (p == NULL || (line != &l->pinged && s->running[p->kind] >= s->running_max[p->kind]) ||
	    line->taken > line_slots(l, line) - line_need(l, &p->stand))
		return NULL;
	not_before = line_not_before(line);
	if (not_before > loop_now(s->loop)) {
		if (s->gates_at > not_before)
			s->gates_at = not_before;
		return NULL;
	}
	return p;
}

/* Let in as many as there are slots, of each line one in turn.  True: there is more. */
static bool
open_gates(struct scheduler *s, instant now)
{
	struct lines *l = &s->queue.lines;
	size_t shut = 0;
	int64_t n = 0;

	s->gates_at = USEC_NEVER;
	while (s->sweep == NULL && shut < l->ring_n) {
		struct line *line = lines_turn(l);
		struct pending *p = gate_look(s, line);

		if (p == NULL) {
			/* One that is empty now, all being blocked, has left the ring. */
			shut += line->n > 0;
			continue;
		}
		if (s->deciding >= DECIDING_MAX)
			return false;
		/* Not by the clock, which may be a virtual one. */
		if (n >= TAKE_BATCH)
			return true;
		n += line_start(s, p, now);
		shut = 0;
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
	more |= open_gates(s, now);
	if (s->queue.lines.ring_n > 0)
		late_waits(s->late);
	return more;
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
	if (s->sweep == NULL && s->gates_at != USEC_NEVER) {
		usec_t gate = s->gates_at - loop_clock(s->loop);

		any = true;
		if (gate < wait)
			wait = gate;
	}
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
	if (!t->cancelled && !s->simulated) {
		keeper_start(s->keeper, t);
		notifier_start(s->notifier, t);
		late_start(s->late, t);
	}
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

static usec_t
catch_up_distance(int64_t catch_ups)
{
	return USEC_SEC / (catch_ups > 0 ? catch_ups : CATCH_UPS);
}

struct scheduler *
scheduler_new(const struct scheduler_config *config)
{
	struct scheduler *s = xcalloc(1, sizeof(*s));
	size_t max = config->window_jobs_max > 0 ? (size_t)config->window_jobs_max :
	    WINDOW_JOBS_MAX;

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
	s->notifier = notifier_new(s, config->targets);
	s->late = late_new(s);
	s->catch_up_distance = catch_up_distance(config->catch_ups);
	s->gates_at = USEC_NEVER;
	/* The window is loaded again when it is half empty, whatever stands in line. */
	queue_init(&s->queue, &(struct lines_config){ .held_max = max / 4,
	    .slots_standard = config->slots_default, .slots_schedule = config->slots_schedule,
	    .slots_named = config->slots_named });
	window_init(&s->window, max, config->window_ahead > 0 ? config->window_ahead : WINDOW_AHEAD,
	    s->zones, &s->queue.lines);
	retrying_init(&s->retrying, s->window.ahead, &s->queue.lines);
	recorder_begin(s, config);
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
	recorder_end(s);
	while ((p = map_next(&s->window.map, &position)) != NULL)
		MUST(p->state != PENDING_TAKEN);
	keeper_free(s->keeper);
	notifier_free(s->notifier);
	late_free(s->late);
	retrying_done(&s->retrying);
	window_done(&s->window);
	queue_done(&s->queue);
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
scheduler_set_limits(struct scheduler *s, const struct scheduler_config *config)
{
	memcpy(s->running_max, config->running_max, sizeof(s->running_max));
	s->catch_up_distance = catch_up_distance(config->catch_ups);
	lines_set_slots(&s->queue.lines, config->slots_default, config->slots_schedule, config->slots_named);
	recorder_limits(s, config);
	if (config->keep != NULL)
		keeper_set_policy(s->keeper, config->keep);
	scheduler_changed(s);	/* there may be room */
}

int64_t
scheduler_slots_named(const struct scheduler *s)
{
	return s->queue.lines.slots_named;
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
	late_wanted(s->late);
	recorder_told(s, TOLD_ADDED, row->id, job_state, row->due.usec);
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
	recorder_told(s, TOLD_PAUSED, job, 0, 0);
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
	late_waits(s->late);
	recorder_told(s, TOLD_RESUMED, row->id, released, row->due.usec);
	job_goes_on(s, row, released);
}

/* What waits follows the new terms; what goes on keeps its seat, but its retries follow them as well. */
static void
job_terms_edited(struct scheduler *s, const struct due_row *row)
{
	const struct lane *lane = lane_get(&s->queue, row->id);

	for (struct seat *seat = lane != NULL ? lane->seats : NULL; seat != NULL; seat = seat->lane_next)
		run_edited(run_of_seat(seat));
	queue_edited(&s->queue, row->id, row->uid, &row->terms);
	retrying_edited(&s->retrying, row->id, row->uid, &row->terms);
}

void
scheduler_job_edited(struct scheduler *s, const struct op_edit *op)
{
	struct pending *p = window_get(&s->window, op->job);

	recorder_told(s, TOLD_EDITED, op->job, 0, op->row.due.usec);
	late_wanted(s->late);
	late_waits(s->late);
	job_terms_edited(s, &op->row);
	if (op->held) {
		scheduler_job_paused(s, op->job, op->name, op->job_state);
		return;
	}
	if (p != NULL && (p->state == PENDING_READY || p->state == PENDING_BLOCKED))
		line_leave(s, p);
	window_edited(&s->window, &op->row, loop_wall(s->loop));
	/* As by hand: what came while it was paused is skipped for that.  But it may have been let go before. */
	if (op->let_go) {
		recorder_told(s, TOLD_RESUMED, op->job, false, op->row.due.usec);
		job_goes_on(s, &op->row, false);
	}
	recorder_terms(s, op->job, op->row.kind, op->row.uid, &op->row.terms);
	scheduler_changed(s);
	job_tell(s, EVENT_JOB_CHANGED, op->job, op->name, op->job_state);
}

void
scheduler_job_skipped(struct scheduler *s, const struct op_skip *op, const struct due_row *row,
    bool live)
{
	ledger_skip_tell(s, op, row->kind);
	recorder_told(s, TOLD_SKIPPED, row->id, op->count, row->due.usec);
	if (live)
		scheduler_due_set(s, row);
	else
		scheduler_forget(s, row->id);
	scheduler_changed(s);
}

void
scheduler_due_queued(struct scheduler *s, struct op_claim *op, const struct due_row *row)
{
	struct stand st = stand_open(&s->queue.lines, row->uid, row->kind, &row->terms, false);

	recorder_told(s, TOLD_DUE_QUEUED, op->job, op->run, row->due.usec);
	recorder_terms(s, op->job, row->kind, row->uid, &row->terms);
	scheduler_due_set(s, row);
	scheduler_queued(s, &(struct queued_new){ .job = op->job, .run = op->run,
	    .name = op->row.name, .kind = op->row.kind }, &st);
	scheduler_dependents(s, &op->dependents);
}

void
scheduler_job_removed(struct scheduler *s, int64_t job, const char *name, int64_t runs)
{
	(void)runs;
	recorder_told(s, TOLD_REMOVED, job, 0, 0);
	scheduler_forget(s, job);
	job_tell(s, EVENT_JOB_REMOVED, job, name, -1);
}

void
scheduler_run_retried(struct scheduler *s, const struct op_retry *op)
{
	struct stand st = stand_open(&s->queue.lines, op->row.uid, op->kind, &op->row.terms,
	    op->manual);
	struct pending *p;

	recorder_terms(s, op->job, op->kind, op->row.uid, &op->row.terms);
	recorder_told(s, TOLD_RETRIED, op->job, op->run, 0);
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
	scheduler_queued(s, &(struct queued_new){ .job = op->job, .run = op->run,
	    .name = op->name, .kind = op->kind, .by_hand = op->manual }, &st);
	queue_asked(&s->queue, op->job, op->run);
}

void
scheduler_queued(struct scheduler *s, const struct queued_new *run, struct stand *st)
{
	const struct pending *p = window_get(&s->window, run->job);
	struct lane *lane = lane_get(&s->queue, run->job);
	struct event_info e = EVENT_INFO_NONE;

	e.at = loop_wall(s->loop);
	e.type = EVENT_RUN_QUEUED;
	e.job = run->job;
	e.run = run->run;
	e.name = (char *)(uintptr_t)run->name;
	e.kind = run->kind;
	e.state = RUN_QUEUED;
	e.job_state = lane != NULL && lane->live > 0 ? JOB_RUNNING : JOB_QUEUED;
	event_emit(s->events, &e);
	s->queued++;
	/* Behind those that are not loaded yet, it must not come first. */
	if (!s->recovered || s->queue.more || s->queue.loading) {
		s->queue.more = true;
		stand_done(&s->queue.lines, st);
	} else {
		(void)queue_add(&s->queue, run->job, run->run, run->kind, run->by_hand, st);
		if (p != NULL && p->retrying != 0)
			lane_retrying_set(&s->queue, run->job, true);
	}
	scheduler_changed(s);
}

void
scheduler_run_queued(struct scheduler *s, const struct op_trigger *op)
{
	struct stand st = stand_open(&s->queue.lines, op->owner, op->kind, &op->terms, true);

	recorder_terms(s, op->job, op->kind, op->owner, &op->terms);
	recorder_told(s, TOLD_TRIGGERED, op->job, op->run, op->due.usec);
	scheduler_queued(s, &(struct queued_new){ .job = op->job, .run = op->run,
	    .name = op->name, .kind = op->kind, .by_hand = true }, &st);
}

void
scheduler_queued_over(struct scheduler *s, const struct queued_end *run)
{
	struct pending *p = queue_find(&s->queue, run->job, run->run);
	struct event_info e = EVENT_INFO_NONE;

	if (run->was == RUN_RETRYING) {
		s->waiting--;
		retrying_remove(&s->retrying, run->job, run->run);
		scheduler_job_retries(s, run->job, run->retrying);
	} else {
		s->queued--;
	}
	if (p != NULL) {
		if (p->state == PENDING_READY || p->state == PENDING_BLOCKED)
			line_leave(s, p);
		queue_remove(&s->queue, p);
		queue_line_up(&s->queue, run->job);
	}
	scheduler_unpark(s, run->job);
	e.at = loop_wall(s->loop);
	e.type = EVENT_RUN_ENDED;
	e.job = run->job;
	e.run = run->run;
	e.name = (char *)(uintptr_t)run->name;
	e.kind = run->kind;
	e.state = RUN_CANCELED;
	e.job_state = run->job_state;
	event_emit(s->events, &e);
	scheduler_changed(s);
}

void
scheduler_run_canceled(struct scheduler *s, const struct op_cancel *op)
{
	const struct lane *lane = lane_get(&s->queue, op->job);
	struct seat *seat;

	recorder_told(s, TOLD_CANCELED, op->job, op->run, op->was);
	if (op->was != RUN_RUNNING) {
		scheduler_queued_over(s, &(struct queued_end){ .job = op->job, .run = op->run,
		    .was = op->was, .retrying = op->retrying,
		    .name = op->name, .kind = op->kind, .job_state = op->job_state });
		return;
	}
	seat = lane_seat(lane, op->run);
	/* Its claim may be committed and not have been told here yet. */
	if (seat == NULL)
		seat = lane_seat(lane, 0);
	if (seat != NULL)
		(void)run_cancel(run_of_seat(seat), op->run, op->by);
}

void
scheduler_pinged(struct scheduler *s, struct op_ping *op, const struct due_row *row)
{
	const struct lane *lane = lane_get(&s->queue, op->job);
	struct seat *seat = lane_seat(lane, op->run);

	if (row != NULL) {
		recorder_told(s, TOLD_PINGED, op->job, 0, row->due.usec);
		scheduler_due_set(s, row);
		scheduler_changed(s);
	}
	scheduler_dependents(s, &op->claim.dependents);
	/* Its claim may be committed and not have been told here yet; one that waits finds it at its own. */
	if (seat == NULL && !queue_knows(&s->queue, op->job, op->run))
		seat = lane_seat(lane, 0);
	if (seat != NULL)
		run_pinged(run_of_seat(seat), op->run, &op->ping);
}

void
scheduler_queue_set(struct scheduler *s, const struct queue_row *row)
{
	recorder_line(s, row, true);
	lines_set(&s->queue.lines, row);
	scheduler_changed(s);
}

void
scheduler_queue_removed(struct scheduler *s, const char *name)
{
	recorder_told(s, TOLD_QUEUE_REMOVED, 0, 0, 0);
	lines_remove(&s->queue.lines, name);
}

void
scheduler_queue_named(struct scheduler *s, const char *name)
{
	(void)lines_get(&s->queue.lines, name);
}

void
scheduler_drain(struct scheduler *s, instant since, int64_t uid)
{
	if (instant_is_set(since) == instant_is_set(s->drained))
		return;
	s->drained = since;
	s->drained_uid = uid;
	recorder_told(s, TOLD_DRAINED, 0, instant_is_set(since), 0);
	if (instant_is_set(since))
		log_info("drained: nothing is begun any more uid=%lld", (long long)uid);
	else
		log_info("not drained any more uid=%lld", (long long)uid);
	scheduler_changed(s);
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

struct notifier *
scheduler_notifier(const struct scheduler *s)
{
	return s->notifier;
}

void
scheduler_keep_round_ended(struct scheduler *s, const struct keep_round *r)
{
	keeper_round_ended(s->keeper, r);
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
	struct seat *seat = lane_seat(lane_get(&s->queue, job), run);

	return seat != NULL && run != 0 ? run_info_of(run_of_seat(seat)) : NULL;
}

/* Is anything left to the store that belongs to the line? */
static bool
line_has_more(const struct scheduler *s, const struct line *line)
{
	size_t position = 0;
	const struct flow *f;

	while ((f = map_next(&line->flows, &position)) != NULL) {
		if (f->more || f->runs_more)
			return true;
	}
	return s->queue.more || s->queue.full || s->queue.loading;
}

static void
queue_tell(const struct scheduler *s, const struct line *line, struct queue_info *out)
{
	*out = (struct queue_info){
		.name = xstrdup(line->name), .slots = line_slots(&s->queue.lines, line),
		.by_default = line->slots_set == 0, .taken = line->taken,
		.running = line->running, .waiting = (int64_t)(line->n + line->blocked),
		.more = line_has_more(s, line), .paused = line->paused,
		.paused_by = xstrdup(line->paused_by), .rate = line->rate,
		.rate_usec = line->rate_usec,
	};
}

bool
scheduler_queue(const struct scheduler *s, const char *name, struct queue_info *out)
{
	const struct line *line = lines_find(&s->queue.lines, name);

	if (line != NULL)
		queue_tell(s, line, out);
	return line != NULL;
}

/* Enough for whoever has named them. */
#define QUEUES_LOOKED_AT 256

const char *
scheduler_queue_meant(const struct scheduler *s, const char *name)
{
	const char *names[QUEUES_LOOKED_AT + 1];
	size_t n = 0;

	for (const struct line *l = s->queue.lines.all; l != NULL && n < QUEUES_LOOKED_AT; l = l->all_next)
		if (l->name != NULL && !l->removed && strcmp(l->name, name) != 0)
			names[n++] = l->name;
	names[n] = NULL;
	return suggest(name, names);
}

static int
queue_compare(const void *a, const void *b)
{
	return strcmp(((const struct queue_info *)a)->name, ((const struct queue_info *)b)->name);
}

size_t
scheduler_queues(const struct scheduler *s, struct queue_info **ret)
{
	size_t n = 0, size = 0;

	for (const struct line *line = s->queue.lines.all; line != NULL; line = line->all_next)
		size += !line->removed;
	*ret = xcalloc(size + 1, sizeof(**ret));
	for (const struct line *line = s->queue.lines.all; line != NULL; line = line->all_next) {
		if (!line->removed)
			queue_tell(s, line, &(*ret)[n++]);
	}
	qsort(*ret, n, sizeof(**ret), queue_compare);
	return n;
}

/* What is due and stands in line is about to be a run; of a long backlog, as much as is here. */
static int64_t
queued_all(const struct scheduler *s)
{
	return s->queued + (int64_t)s->queue.lines.held;
}

void
scheduler_drain_info(const struct scheduler *s, struct drain_info *out)
{
	*out = (struct drain_info){ .since = s->drained, .uid = s->drained_uid, .waiting = queued_all(s) };
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		if (kind != KIND_HEARTBEAT)
			out->running += s->running[kind];
	}
}

static enum waits_for
waits_for(const struct pending *p, instant now)
{
	switch ((enum pending_state)p->state) {
	case PENDING_HEAP:
		return p->not_before.usec > now.usec ? WAITS_TURN : WAITS_NOT;
	case PENDING_READY:
		return WAITS_SLOT;
	case PENDING_BLOCKED:
		return WAITS_MUTEX;
	case PENDING_PARKED:
		return WAITS_RUN;
	case PENDING_TAKEN:
		return WAITS_STORE;
	}
	MUST(false);
	return WAITS_NOT;
}

/* Who has the slots of a line; the names of a few. */
static void
view_holders(const struct line *line, struct scheduler_view *out)
{
	for (const struct seat *seat = line->seats; seat != NULL; seat = seat->next) {
		if (out->holders_n == VIEW_HOLDERS_MAX)
			break;
		out->holders[out->holders_n++] = (struct view_run){ seat->job, seat->run };
	}
}

static void
view_line(const struct scheduler *s, const struct line *line, struct scheduler_view *out)
{
	(void)snprintf(out->queue, sizeof(out->queue), "%s", line->name != NULL ? line->name : "");
	out->queue_slots = line_slots(&s->queue.lines, line);
	out->queue_taken = line->taken;
	out->queue_paused = line->paused;
	(void)snprintf(out->queue_paused_by, sizeof(out->queue_paused_by), "%s",
	    line->paused_by != NULL ? line->paused_by : "somebody");
	out->in_line = out->before = (int64_t)line->n;
	out->rate_wait = line_not_before(line) - loop_now(s->loop);
	view_holders(line, out);
}

/* Where it stands, and what keeps it there. */
static void
view_stand(const struct scheduler *s, const struct stand *st, struct scheduler_view *out)
{
	view_line(s, st->flow->line, out);
	out->need = line_need(&s->queue.lines, st);
	if (st->mutex == NULL)
		return;
	(void)snprintf(out->mutex, sizeof(out->mutex), "%s", st->mutex->name);
	if (st->mutex->holder != NULL)
		out->mutex_holder = (struct view_run){ st->mutex->holder->job,
		    st->mutex->holder->run };
}

void
scheduler_view(const struct scheduler *s, int64_t job, int kind, const char *queue, int64_t run,
    struct scheduler_view *out)
{
	const struct lane *lane = lane_get(&s->queue, job);
	const struct seat *seat = lane != NULL ? lane->seats : NULL;
	const struct pending *p = run == 0 ? window_get(&s->window, job) :
	    queue_find(&s->queue, job, run);
	const struct line *line = queue != NULL ? lines_find(&s->queue.lines, queue) : NULL;

	*out = (struct scheduler_view){
		.running = s->running[kind], .running_max = s->running_max[kind],
		.in_line = (int64_t)s->queue.lines.kinds[kind].n,
		.run = seat != NULL ? seat->run : 0,
		.sweeping = s->sweep != NULL, .store_bad = s->store_bad, .recovered = s->recovered,
	};
	if (kind != KIND_HEARTBEAT) {
		out->drained = s->drained;
		out->drained_uid = s->drained_uid;
	}
	if (p != NULL) {
		view_stand(s, &p->stand, out);
		out->waits = waits_for(p, loop_wall(s->loop));
		out->not_before = p->not_before;
		out->retrying = p->retrying;
		if (p->state == PENDING_READY)
			out->before = line_before(p);
	} else if (line != NULL) {
		/* It is left to the store, or not due: as it would be. */
		view_line(s, line, out);
	}
}

void
scheduler_stats(const struct scheduler *s, struct scheduler_stats *out)
{
	*out = s->stats;
	out->window_jobs = (int64_t)window_count(&s->window);
	out->queued = queued_all(s);
	out->retrying = s->waiting;
	for (int kind = 0; kind < KIND_COUNT; kind++)
		out->running += s->running[kind];
	/* Everything up to then is in memory; with nothing beyond, as far as we look ahead. */
	out->window_until = s->window.beyond.due;
	if (out->window_until.usec == USEC_NEVER)
		out->window_until = instant_add(loop_wall(s->loop), WINDOW_AHEAD);
}
