/*
 * replay: see replay.h.  A loop of its own on a virtual clock, as in simulate.c; here the executors end when the record
 * says so, and the scheduler is told from outside between two slices of time.
 */
#include "daemon/scheduler/replay.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/scheduler/recorder.h"
#include "daemon/scheduler/replay-internal.h"
#include "daemon/scheduler/scheduler-internal.h"
#include "daemon/scheduler/timeline.h"
#include "daemon/store/memory.h"

struct stage {
	struct task		 root;
	bool			 stop;
	struct replay_script	*script;
	struct loop		*loop;
	struct memory		*memory;
	struct store		*store;
	struct event_hub	*events;
	struct exec_world	 exec;
	struct scheduler	*scheduler;
	struct map		 players;	/* by job: the first of its runs */
	usec_t			 ahead;		/* the loop's clock less the record's */
	struct decisions	 decisions;
	uint64_t		 inputs;
	char			 wrong[200];	/* an input that did not fit; empty: none */
	int64_t			 wrong_at;
};

/* ---- an executor that ends when it is told to ---- */

struct player {
	struct exec	 exec;
	struct player	*next;
	int		 state;		/* how it ends */
	bool		 over;
};

static struct stage *
stage_of(const struct player *f)
{
	return container_of(f->exec.world, struct stage, exec);
}

static void
player_enter(struct player *f)
{
	struct map *players = &stage_of(f)->players;

	f->next = map_get(players, f->exec.run->job);
	map_set(players, f->exec.run->job, f);
}

static void
player_leave(struct player *f)
{
	struct map *players = &stage_of(f)->players;
	struct player *first = map_get(players, f->exec.run->job), **at = &first;

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	if (first != NULL)
		map_set(players, f->exec.run->job, first);
	else
		(void)map_remove(players, f->exec.run->job);
}

static enum task_status
player_step(struct task *t)
{
	struct player *f = container_of(t, struct player, exec.task);

	TASK_BEGIN(t);

	player_enter(f);
	AWAIT(t, f->over);
	player_leave(f);
	f->exec.run->state = f->over ? f->state : RUN_RUNNING;

	TASK_END(t, 0);
}

static const struct task_kind player_kind = { .name = "replayed run", .step = player_step };
static const struct executor player = { .frame_size = sizeof(struct player), .kind = &player_kind };
static const struct executor *const executors[] = { &player, &player, &player, &player };
static_assert(sizeof(executors) / sizeof(executors[0]) == KIND_COUNT, "a row a kind");

/* ---- what the scheduler decides here ---- */

static void
told(void *context, const struct store_op *op)
{
	struct stage *g = context;
	struct decision d = { .at = loop_now(g->loop) - g->ahead };

	if (op->kind == OP_CLAIM) {
		const struct op_claim *o = container_of(op, const struct op_claim, op);

		d.what = o->queue ? DECIDED_WAIT : o->born ? DECIDED_START : DECIDED_GO_ON;
		d.job = o->job;
		d.key = d.what == DECIDED_GO_ON ? o->run : o->due.usec;
		decisions_add(&g->decisions, d);
	} else if (op->kind == OP_SKIP) {
		const struct op_skip *o = container_of(op, const struct op_skip, op);

		d.what = DECIDED_SKIP;
		d.job = o->job;
		d.key = o->first.usec;
		decisions_add(&g->decisions, d);
	}
}

/* ---- the beginning ---- */

static void
stage_put_jobs(struct stage *g)
{
	size_t position = 0;
	struct replay_job *j;

	while ((j = map_next(&g->script->jobs, &position)) != NULL) {
		if (j->later)
			continue;
		memory_put_job(g->memory, &j->row, &j->spec, j->runs);
		j->stored = true;
	}
	for (size_t i = 0; i < g->script->runs_n; i++) {
		const struct replay_run *r = &g->script->runs[i];
		struct active_row row = { .job = r->job, .run = r->run, .state = r->waits ? RUN_QUEUED : RUN_RUNNING,
		    .manual = r->by_hand, .due = { r->due }, .attempt = 1, .started = loop_wall(g->loop),
		    .noticed = loop_wall(g->loop) };

		j = map_get(&g->script->jobs, r->job);
		if (j == NULL || !j->stored)
			continue;
		row.kind = j->row.kind;
		memory_put_run(g->memory, &row);
	}
}

static bool
line_read(const struct flight_cell *c, struct queue_row *row, char name[NAME_BYTES_MAX + 1])
{
	if (c->what != FLIGHT_LINE || c->cells < 1 + RECORD_LINE_ROWS ||
	    !flight_text(c, RECORD_LINE_ROWS, 0, name, NAME_BYTES_MAX + 1) || name[0] == '\0')
		return false;
	*row = (struct queue_row){ .name = name, .slots = c->a, .paused = { c->b }, .rate = c[1].more[0],
	    .rate_usec = c[1].more[1] };
	return true;
}

/* Where in the ring of jobs the first queue stands that is set behind the beginning. */
static uint64_t
lines_set_from(const struct replay_script *s)
{
	const struct flight_cell *c;
	uint64_t at = s->begin;

	while ((c = script_decision(s, &at)) != NULL) {
		if (c->what == FLIGHT_TOLD && c->n == TOLD_QUEUE_SET)
			return (uint64_t)c[1].more[0];
	}
	return UINT64_MAX;
}

/* The next queue at or after a place of the ring of jobs; false: there is no more. */
static bool
line_next(const struct replay_script *s, uint64_t *place, struct queue_row *row, char name[NAME_BYTES_MAX + 1])
{
	const uint64_t lost = s->file->header.rings[FLIGHT_JOBS].lost;
	uint64_t at = *place > lost ? *place - lost : 0;
	const struct flight_cell *c;

	while ((c = flight_record(s->file, FLIGHT_JOBS, &at)) != NULL) {
		if (!line_read(c, row, name))
			continue;
		*place = at - c->cells + lost;
		return true;
	}
	return false;
}

/* Is the queue set at or after a place of the ring of jobs?  Then what it is at the end says nothing. */
static bool
line_is_set_later(const struct replay_script *s, uint64_t place, const char *queue)
{
	char name[NAME_BYTES_MAX + 1];
	struct queue_row row;

	for (; place != UINT64_MAX && line_next(s, &place, &row, name); place++) {
		if (strcmp(name, queue) == 0)
			return true;
	}
	return false;
}

/*
 * Queues as they were last set before the beginning; those that nobody has set in the record, as they are at its
 * end; others as if nobody had ever set them.
 */
static void
stage_put_queues(struct stage *g)
{
	const struct replay_script *s = g->script;
	const uint64_t later = lines_set_from(s);
	char name[NAME_BYTES_MAX + 1];
	const struct flight_cell *c;
	struct queue_row row;
	uint64_t place = 0;

	for (uint64_t at = 0; at < s->file->present_n; at++) {
		c = &s->file->present[at];
		if (c->cells > 0 && c->cells <= s->file->present_n - at && line_read(c, &row, name) &&
		    !line_is_set_later(s, later, name))
			memory_put_queue(g->memory, &row);
	}
	for (; line_next(s, &place, &row, name) && place < later; place++)
		memory_put_queue(g->memory, &row);
}

static bool
is_drained(const struct flight_cell *c)
{
	return c->what == FLIGHT_TOLD && c->n == TOLD_DRAINED;
}

/* Is nothing to begin at the beginning?  The first change after it says so, or how it is at the end. */
static bool
begins_drained(const struct replay_script *s)
{
	const struct flight_cell *c;
	uint64_t at = s->begin;

	while ((c = script_decision(s, &at)) != NULL) {
		if (is_drained(c))
			return c->b == 0;
	}
	for (at = 0; at < s->file->present_n; at++) {
		c = &s->file->present[at];
		if (is_drained(c))
			return c->b != 0;
	}
	return false;
}

static enum task_status
root_step(struct task *t)
{
	struct stage *g = container_of(t, struct stage, root);

	TASK_BEGIN(t);

	AWAIT(t, g->stop);

	TASK_END(t, 0);
}

static const struct task_kind root_kind = { .name = "replayed jobd", .step = root_step };

static void
stage_start(struct stage *g, struct zones *zones)
{
	const struct flight_limits *limits = &g->script->file->header.limits;
	struct scheduler_config config = {
		.loop = g->loop, .store = g->store, .world = &g->exec,
		.window_jobs_max = limits->window_jobs_max, .slots_default = limits->slots_default,
		.slots_schedule = limits->slots_schedule, .slots_named = limits->slots_named,
		.catch_ups = limits->catch_ups, .zones = zones, .boot = "replayed", .simulated = true,
	};

	for (int kind = 0; kind < KIND_COUNT; kind++)
		config.running_max[kind] = limits->running_max[kind];
	g->events = config.events = event_hub_new();
	g->exec = (struct exec_world){ .loop = g->loop, .executors = executors };
	g->scheduler = scheduler_new(&config);
	task_start_root(&g->root, &root_kind, g->loop);
	store_start_task(g->store, &g->root);
	scheduler_start(g->scheduler, &g->root);
	if (begins_drained(g->script))
		scheduler_drain(g->scheduler, loop_wall(g->loop), 0);
	/* Somebody was there since then. */
	g->scheduler->since = (instant){ limits->since > 0 ? limits->since : 1 };
}

static int
stage_open(struct stage *g, struct replay_script *s, struct zones *zones)
{
	char error[STORE_ERROR_MAX];

	*g = (struct stage){ .script = s, .memory = memory_new(false), .loop = loop_new(LOOP_VIRTUAL) };
	if (g->loop != NULL)
		g->store = store_open(&(struct store_config){ .backend = &backend_memory, .memory = g->memory,
		    .mode = STORE_INLINE }, g->loop, error);
	if (g->store == NULL)
		return -errno;
	g->ahead = loop_now(g->loop) - s->from;
	loop_set_wall(g->loop, (instant){ timeline_wall(s->file, s->from) });
	stage_put_queues(g);
	stage_put_jobs(g);
	memory_listen(g->memory, told, g);
	stage_start(g, zones);
	return 0;
}

/* A record has not so many decisions: what makes more goes round in circles. */
#define DECISIONS_MAX	(4 * FLIGHT_CELLS)

static void
stage_run(struct stage *g, usec_t until)
{
	int r = 0;

	while (r == 0 && g->decisions.n < DECISIONS_MAX)
		r = loop_run_some(g->loop, until, 256);
	MUST(r >= 0);
	if (r == 0 && g->wrong[0] == '\0') {
		g->wrong_at = loop_now(g->loop) - g->ahead;
		(void)snprintf(g->wrong, sizeof(g->wrong), "there is no end to what is decided in the replay");
	}
}

/* Until nobody is ready. */
static void
stage_settle(struct stage *g)
{
	stage_run(g, loop_now(g->loop));
}

/*
 * Time goes on to a moment of the record.  The loop looks at its clock once a tick, and is late when it is busy: of a
 * due and an input that come closely together the record knows which was noticed first.  So the last part is a jump.
 */
static void
stage_go_on(struct stage *g, int64_t at)
{
	usec_t until = at + g->ahead;

	if (until - REPLAY_TOLERANCE > loop_now(g->loop))
		stage_run(g, until - REPLAY_TOLERANCE);
	if (until > loop_now(g->loop))
		loop_jump(g->loop, until);
}

/*
 * What happens in one tick is seen together: the scheduler does not look while an input goes its way through tasks and
 * store, which takes some ticks here.  A sweep of dues, which it waits for, has the same effect.
 */
static void
stage_settle_input(struct stage *g)
{
	struct scheduler *s = g->scheduler;

	MUST(s->sweep == NULL);
	s->sweep = &g->root;
	stage_settle(g);
	s->sweep = NULL;
	scheduler_changed(s);
}

static void
stage_close(struct stage *g)
{
	if (g->scheduler != NULL) {
		memory_listen(g->memory, NULL, NULL);
		g->stop = true;
		task_wake(&g->root);
		MUST(loop_run_until(g->loop, loop_now(g->loop)) == 0 && g->root.done);
	}
	scheduler_free(g->scheduler);
	if (g->events != NULL)
		event_hub_free(g->events);
	store_close(g->store);
	memory_free(g->memory);
	loop_free(g->loop);
	map_done(&g->players);
	free(g->decisions.items);
}

/* ---- what comes from outside ---- */

static void
wrong(struct stage *g, const struct flight_cell *c, const char *what)
{
	if (g->wrong[0] != '\0')
		return;
	g->wrong_at = c->at;
	(void)snprintf(g->wrong, sizeof(g->wrong), "%" PRId64 ".%" PRId64 " %s", c->a, c->b, what);
}

/* Ask the store, at once; the caller looks at the result and empties the op. */
static int
stage_ask(struct stage *g, struct store_op *op, enum op_kind kind)
{
	op->kind = kind;
	store_submit(g->store, op, NULL);
	while (!op->done)
		stage_settle_input(g);
	return op->result;
}

static struct player *
player_find(struct stage *g, int64_t job, int64_t run)
{
	struct player *f = map_get(&g->players, job);

	while (f != NULL && f->exec.run->run != run)
		f = f->next;
	return f;
}

/* So that the real decision about another attempt comes out as it is recorded: that needs what jobs say of retries. */
static void
retries_as_recorded(struct stage *g, struct job_spec *spec, const struct flight_cell *left, int state)
{
	usec_t delay = left[1].more[0] - loop_wall(g->loop).usec;

	spec->retries = 0;
	spec->on_crash = ON_CRASH_ADOPT;
	if (left->n != RUN_RETRYING)
		return;
	spec->retries = RETRIES_MAX;
	spec->backoff = BACKOFF_FIXED;
	spec->backoff_first = delay > 0 ? delay : 1;
	if (state == RUN_LOST)
		spec->on_crash = delay > 0 ? ON_CRASH_FAIL : ON_CRASH_RERUN;
}

/* How the attempt ended that is at this place; the record of its executor's end comes before it. */
static int
state_before(const struct replay_script *s, const struct flight_cell *left)
{
	const struct flight_cell *c;
	int state = RUN_FAILED;
	uint64_t at = s->begin;

	while ((c = script_decision(s, &at)) != NULL && c != left) {
		if (c->what == FLIGHT_EXIT && c->a == left->a && c->b == left->b)
			state = c->n;
	}
	return state;
}

static void
input_left(struct stage *g, const struct flight_cell *c)
{
	struct player *f = player_find(g, c->a, c->b);
	struct replay_job *j = map_get(&g->script->jobs, c->a);

	if (f == NULL || j == NULL) {
		wrong(g, c, "ends, and has not begun in the replay");
		return;
	}
	f->state = c->n == RUN_RETRYING ? state_before(g->script, c) : c->n;
	f->over = true;
	retries_as_recorded(g, &j->spec, c, f->state);
	task_wake(&f->exec.task);
}

static struct due_row
row_with(const struct replay_job *j, int64_t due)
{
	struct due_row row = j->row;

	row.due.usec = due;
	return row;
}

static void
input_added(struct stage *g, struct replay_job *j, const struct flight_cell *c)
{
	struct due_row row = row_with(j, c[1].more[0]);

	if (!j->stored)
		memory_put_job(g->memory, &row, &j->spec, j->runs);
	j->stored = true;
	scheduler_job_added(g->scheduler, &row, NULL, c->b == JOB_PAUSED ? JOB_PAUSED : JOB_SCHEDULED);
}

static void
input_pause(struct stage *g, struct replay_job *j, const struct flight_cell *c, bool paused)
{
	struct op_pause op = { .job = c->a, .paused = paused, .uid = -1, .now = loop_wall(g->loop) };
	struct due_row row = row_with(j, c[1].more[0]);

	if (stage_ask(g, &op.op, OP_PAUSE) == 0) {
		if (paused) {
			scheduler_job_paused(g->scheduler, c->a, NULL, op.job_state);
		} else {
			memory_put_due(g->memory, c->a, row.due);
			row.retrying = op.row.retrying;
			scheduler_job_resumed(g->scheduler, &row, NULL, op.job_state, c->b != 0);
		}
		op_pause_done(&op);
	}
}

static void
input_removed(struct stage *g, struct replay_job *j, const struct flight_cell *c)
{
	struct op_remove op = { .job = c->a, .uid = -1, .now = loop_wall(g->loop) };

	if (stage_ask(g, &op.op, OP_REMOVE) == 0) {
		scheduler_job_removed(g->scheduler, c->a, NULL, op.runs);
		op_remove_done(&op);
		j->stored = false;
	}
}

static void
input_canceled(struct stage *g, const struct flight_cell *c)
{
	struct op_cancel op = { .job = c->a, .run = c->b, .uid = -1, .now = loop_wall(g->loop), .by = "the record" };

	/* One that goes on ends when the record says so. */
	if (c[1].more[0] == RUN_RUNNING)
		return;
	if (stage_ask(g, &op.op, OP_CANCEL) < 0) {
		wrong(g, c, "is canceled, and does not wait in the replay");
		return;
	}
	scheduler_run_canceled(g->scheduler, &op);
	op_cancel_done(&op);
}

/* A run that waits: it is in the store, and the scheduler hears of it. */
static void
input_waiting(struct stage *g, struct replay_job *j, const struct flight_cell *c)
{
	bool by_hand = c->n == TOLD_TRIGGERED;
	struct active_row row = { .job = c->a, .run = c->b, .state = RUN_QUEUED, .kind = j->row.kind, .manual = by_hand,
	    .due = { by_hand && c[1].more[0] == 0 ? loop_wall(g->loop).usec : c[1].more[0] },
	    .noticed = loop_wall(g->loop) };
	struct stand st;

	if (memory_last_run(g->memory, c->a) >= c->b) {
		wrong(g, c, "is new, and its number is taken in the replay");
		return;
	}
	memory_put_run(g->memory, &row);
	st = stand_open(&g->scheduler->queue.lines, j->row.uid, j->row.kind, &j->row.terms, by_hand);
	if (!by_hand) {
		struct due_row next = row_with(j, c[1].more[0]);

		memory_put_due(g->memory, c->a, next.due);
		scheduler_due_set(g->scheduler, &next);
	}
	scheduler_queued(g->scheduler, &(struct queued_new){ .job = c->a, .run = c->b, .kind = j->row.kind,
	    .by_hand = by_hand }, &st);
}

/* It has another due from now on. */
static void
input_due(struct stage *g, struct replay_job *j, const struct flight_cell *c, bool forget)
{
	struct due_row row = row_with(j, c[1].more[0]);

	memory_put_due(g->memory, c->a, row.due);
	if (forget)
		scheduler_forget(g->scheduler, c->a);
	if (instant_is_set(row.due))
		(void)window_put(&g->scheduler->window, &row, loop_wall(g->loop));
	scheduler_changed(g->scheduler);
}

/* What it is stands beside the jobs. */
static void
input_queue(struct stage *g, const struct flight_cell *c)
{
	uint64_t place = (uint64_t)c[1].more[0];
	char name[NAME_BYTES_MAX + 1];
	struct queue_row row;

	if (line_next(g->script, &place, &row, name) && place == (uint64_t)c[1].more[0])
		scheduler_queue_set(g->scheduler, &row);
	else
		wrong(g, c, "is a queue that is set, and what it is is overwritten");
}

static void
input_told(struct stage *g, const struct flight_cell *c)
{
	struct replay_job *j = map_get(&g->script->jobs, c->a);

	if (c->n == TOLD_QUEUE_SET) {
		input_queue(g, c);
		return;
	}
	if (is_drained(c)) {
		scheduler_drain(g->scheduler, c->b != 0 ? loop_wall(g->loop) : (instant){ 0 }, 0);
		return;
	}
	/* Nothing is ever decided about it. */
	if (j == NULL || (!j->stored && c->n != TOLD_ADDED))
		return;
	switch ((enum flight_told)c->n) {
	case TOLD_ADDED:
		input_added(g, j, c);
		break;
	case TOLD_PAUSED:
		input_pause(g, j, c, true);
		break;
	case TOLD_RESUMED:
		input_pause(g, j, c, false);
		break;
	case TOLD_REMOVED:
		input_removed(g, j, c);
		break;
	case TOLD_CANCELED:
		input_canceled(g, c);
		break;
	case TOLD_TRIGGERED:
	case TOLD_DUE_QUEUED:
		input_waiting(g, j, c);
		break;
	case TOLD_SKIPPED:
	case TOLD_PINGED:
		input_due(g, j, c, true);
		break;
	case TOLD_DEPENDENT:
		input_due(g, j, c, false);
		break;
	case TOLD_RETRIED:
	case TOLD_QUEUE_SET:
	case TOLD_QUEUE_REMOVED:
	case TOLD_RECOVERED:
	case TOLD_SWEPT:
	case TOLD_STORE_FAILED:
	case TOLD_EDITED:
	case TOLD_LIMITS:
	case TOLD_DRAINED:
	case TOLD_COUNT:
		break;
	}
}

/* When a decision was made: an occurrence is never decided before its due, though the tick began before it. */
static int64_t
moment_of(const struct stage *g, const struct flight_cell *c)
{
	usec_t wall = g->ahead - loop_now(g->loop) + loop_wall(g->loop).usec;
	int64_t due = c->what == FLIGHT_QUEUE || c->what == FLIGHT_SKIP || (c->what == FLIGHT_CLAIM && c->b == 0) ?
	    c[1].more[0] - wall : 0;

	return due > c->at && due < c->at + REPLAY_TOLERANCE ? due : c->at;
}

static bool
is_input(const struct flight_cell *c)
{
	return c->what == FLIGHT_LEFT || c->what == FLIGHT_TOLD;
}

static void
stage_input(struct stage *g, const struct flight_cell *c)
{
	bool input = is_input(c);

	stage_go_on(g, moment_of(g, c));
	if (c->what == FLIGHT_LEFT)
		input_left(g, c);
	else if (c->what == FLIGHT_TOLD)
		input_told(g, c);
	g->inputs += input;
	if (input)
		stage_settle_input(g);
}

static const struct flight_cell *
next_of_interest(const struct stage *g, uint64_t *at)
{
	const struct flight_cell *c;

	do
		c = script_decision(g->script, at);
	while (c != NULL && c->what != FLIGHT_LEFT && c->what != FLIGHT_TOLD && c->what != FLIGHT_CLAIM &&
	    c->what != FLIGHT_QUEUE && c->what != FLIGHT_SKIP);
	return c;
}

/* What has started before the beginning counts for the rates of queues. */
static void
stage_rates(struct stage *g)
{
	const struct replay_script *s = g->script;
	const struct flight_cell *c;
	struct replay_job *j;
	uint64_t at = 0;

	while (at < s->begin && (c = script_decision(s, &at)) != NULL && at <= s->begin) {
		const char *queue;
		struct line *line;

		j = c->what == FLIGHT_CLAIM ? map_get(&s->jobs, c->a) : NULL;
		queue = j != NULL ? terms_queue(&j->row.terms, j->row.kind) : NULL;
		line = queue != NULL ? lines_find(&g->scheduler->queue.lines, queue) : NULL;
		if (line == NULL)
			continue;
		line->started = true;
		line->last_start = c->at + g->ahead;
	}
}

/* All of it, each at its time. */
static void
stage_play(struct stage *g)
{
	uint64_t at = g->script->begin;
	const struct flight_cell *c = next_of_interest(g, &at), *next;

	stage_settle_input(g);
	stage_rates(g);
	stage_settle(g);
	for (; c != NULL && g->wrong[0] == '\0'; c = next) {
		stage_input(g, c);
		next = next_of_interest(g, &at);
		if (next == NULL || next->at != c->at || is_input(next) > is_input(c))
			stage_settle(g);
	}
	if (g->wrong[0] == '\0') {
		stage_go_on(g, g->script->file->header.now);
		stage_settle(g);
	}
}

/* ---- comparing ---- */

static int
decision_compare_what(const struct decision *x, const struct decision *y)
{
	if (x->job != y->job)
		return x->job < y->job ? -1 : 1;
	if (x->what != y->what)
		return x->what < y->what ? -1 : 1;
	return x->key < y->key ? -1 : x->key > y->key;
}

static int
decision_compare(const void *a, const void *b)
{
	const struct decision *x = a, *y = b;
	int order = decision_compare_what(x, y);

	return order != 0 ? order : x->at < y->at ? -1 : x->at > y->at;
}

static void
decisions_sort(struct decisions *d)
{
	if (d->n > 0)
		qsort(d->items, d->n, sizeof(*d->items), decision_compare);
}

static const char *
decision_text(const struct decision *d, char out[160])
{
	static const char *const words[] = {
		[DECIDED_START] = "starts", [DECIDED_WAIT] = "is to wait", [DECIDED_SKIP] = "is skipped",
	};
	char due[WHEN_TEXT_MAX];

	if (d->what == DECIDED_GO_ON)
		(void)snprintf(out, 160, "run %" PRId64 ".%" PRId64 ", which waited, starts", d->job, d->key);
	else
		(void)snprintf(out, 160, "the occurrence of job %" PRId64 " due %s %s", d->job,
		    instant_print((instant){ d->key }, due), words[d->what]);
	return out;
}

struct comparison {
	struct replay_report		*r;
	const struct flight_file	*file;
	int64_t				 first;		/* moment that differs */
};

/* The earliest counts. */
static void
differ(struct comparison *c, int64_t at, const struct decision *d, const char *how)
{
	char text[160];

	c->r->differs = true;
	if (at >= c->first)
		return;
	c->first = at;
	(void)snprintf(c->r->difference, sizeof(c->r->difference), "%s %s", decision_text(d, text), how);
}

/* One that stands on one side only.  What is at the very end may be the next thing to happen on the other side. */
static void
compare_single(struct comparison *c, const struct decision *d, const char *how)
{
	if (!d->before && d->at < c->r->to - REPLAY_TOLERANCE)
		differ(c, d->at, d, how);
}

/* How long the loop was held up between two moments, as its watchdog has noted it: from then on, for so long. */
static usec_t
away_between(const struct flight_file *file, int64_t from, int64_t to)
{
	const struct flight_cell *c;
	usec_t away = 0;
	uint64_t at = 0;

	while ((c = flight_record(file, FLIGHT_INPUTS, &at)) != NULL) {
		int64_t begin = c->at > from ? c->at : from, end = c->at + c->a < to ? c->at + c->a : to;

		if (c->what == FLIGHT_BLOCKED && end > begin)
			away += end - begin;
	}
	return away;
}

/* The same decision on both sides: a of the record. */
static void
compare_pair(struct comparison *c, const struct decision *a, const struct decision *b)
{
	struct replay_report *r = c->r;
	usec_t apart = a->at - b->at, away;
	char how[120];

	/* What was under way is taken up again at once. */
	if (a->before)
		return;
	r->decisions++;
	if (apart <= REPLAY_TOLERANCE && apart >= -REPLAY_TOLERANCE) {
		r->same++;
		apart = apart < 0 ? -apart : apart;
		r->latest = apart > r->latest ? apart : r->latest;
		return;
	}
	away = away_between(c->file, b->at, a->at);
	if (apart > 0 && apart - away <= REPLAY_TOLERANCE) {
		r->same++;
		r->held_up++;
		r->held_up_most = apart > r->held_up_most ? apart : r->held_up_most;
		return;
	}
	(void)snprintf(how, sizeof(how), "%.3f s %s in the record than in the replay",
	    (double)(apart < 0 ? -apart : apart) / USEC_SEC, apart > 0 ? "later" : "earlier");
	differ(c, apart > 0 ? b->at : a->at, a, how);
}

/* Both are sorted.  From the end: a run may begin again and again, and the first times may lie before the beginning. */
static void
compare(struct comparison *c, const struct decisions *a, const struct decisions *b)
{
	size_t i = a->n, k = b->n;

	while (i > 0 || k > 0) {
		int order = i == 0 ? -1 : k == 0 ? 1 : decision_compare_what(&a->items[i - 1], &b->items[k - 1]);

		if (order > 0) {
			i--;
			c->r->decisions += !a->items[i].before;
			compare_single(c, &a->items[i], "in the record, and not in the replay");
		} else if (order < 0) {
			k--;
			compare_single(c, &b->items[k], "in the replay, and not in the record");
		} else {
			i--;
			k--;
			compare_pair(c, &a->items[i], &b->items[k]);
		}
	}
}

static void
report(struct replay_report *r, struct stage *g)
{
	struct comparison c = { .r = r, .file = g->script->file, .first = INT64_MAX };

	r->jobs = g->script->jobs.n;
	r->inputs = g->inputs;
	r->to = g->wrong[0] != '\0' ? g->wrong_at : g->script->file->header.now;
	decisions_sort(&g->script->decisions);
	decisions_sort(&g->decisions);
	compare(&c, &g->script->decisions, &g->decisions);
	if (g->wrong[0] != '\0' && !r->differs) {
		r->differs = true;
		(void)snprintf(r->difference, sizeof(r->difference), "%s", g->wrong);
		c.first = g->wrong_at;
	}
	if (r->differs)
		r->to = c.first;
}

void
replay(const struct flight_file *file, struct zones *zones, struct replay_report *out)
{
	bool muted = log_mute(true);
	struct replay_script script;
	struct stage stage;
	int e;

	*out = (struct replay_report){ .ran = false };
	if (script_read(&script, file, out->why)) {
		out->from = script.from;
		e = stage_open(&stage, &script, zones);
		if (e == 0) {
			stage_play(&stage);
			report(out, &stage);
			out->ran = true;
		} else {
			(void)snprintf(out->why, sizeof(out->why), "%s", strerror(-e));
		}
		stage_close(&stage);
	}
	script_done(&script);
	(void)log_mute(muted);
}

void
replay_print(const struct flight_file *file, const struct replay_report *r, FILE *out)
{
	char text[WHEN_TEXT_MAX];

	if (!r->ran) {
		fprintf(out, "Not decided again: %s.\n", r->why);
		return;
	}
	fprintf(out, "Decided again from %s (%s), with %" PRIu64 " jobs and %" PRIu64 " inputs.\n",
	    instant_print((instant){ timeline_wall(file, r->from) }, text), r->why, r->jobs, r->inputs);
	if (r->held_up > 0)
		fprintf(out, "%" PRIu64 " %s later in the record, by up to %.3f s, as the loop was held up then: its lines"
		    " marked loop say by whom.\n", r->held_up, r->held_up == 1 ? "was" : "were",
		    (double)r->held_up_most / USEC_SEC);
	if (!r->differs) {
		fprintf(out, "All %" PRIu64 " decisions are the same; the farthest is %.3f ms from the record.\n", r->same,
		    (double)r->latest / USEC_MSEC);
		return;
	}
	fprintf(out, "%" PRIu64 " of %" PRIu64 " decisions are the same. They differ first at %s:\n  %s.\n", r->same,
	    r->decisions, instant_print((instant){ timeline_wall(file, r->to) }, text), r->difference);
}
