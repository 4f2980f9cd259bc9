/*
 * simulate: see simulate.h.  The simulated world is a loop of its own with a store, a scheduler and
 * nothing else; a task of the real loop runs it, a slice at a time.  What happens is told by
 * the store: its claims, ends and skips are the ledger, in the order in which they were decided.
 *
 * Two things are unlike the daemon, neither of them in what is decided: the window holds all
 * jobs at once, so none is read twice, and nobody sets the clock, so nobody looks at it.
 */
#include "daemon/scheduler/simulate.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/scheduler/scheduler-internal.h"
#include "daemon/store/memory.h"
#include "proto/json.h"
#include "proto/mem.h"

/* The loop goes on after so long; and after so much, for a loop whose clock stands still. */
#define SLICE_TIME	(2 * USEC_MSEC)
#define SLICE_STRIDES	4096

/* Steps between two looks at the clock, at most: a scheduler with much in line has long ones. */
#define STRIDE		8

static_assert(SIMULATE_JOBS_MAX <= TAKE_BATCH, "what is due at once is taken in its order");

struct world {
	struct task		 root;
	struct simulate		*simulate;
	struct loop		*loop;
	struct memory		*memory;
	struct store		*store;
	struct event_hub	*events;
	struct exec_world	 exec;
	struct scheduler	*scheduler;
	struct map		 by_id;		/* -> struct simulated */
	usec_t			 end;		/* by the loop's clock */
	bool			 stop;
};

/* ---- jobs ---- */

enum jobd_error
simulated_open(struct simulated *j, struct zones *zones, struct field_error *error)
{
	return schedule_open(j->spec, zones, j->id, &j->schedule, error);
}

void
simulated_added(struct simulated *j, instant from)
{
	j->due = (instant){ 0 };
	(void)schedule_first(&j->schedule, j->spec, from, &j->due);
}

void
simulated_stored(struct simulated *j, instant due, instant from)
{
	usec_t every = j->schedule.every, before;
	struct occurrence o;

	j->due = (instant){ 0 };
	if (schedule_zone(&j->schedule) != NULL) {
		if (schedule_next(&j->schedule, instant_add(from, -1), &o))
			j->due = o.due;
	} else if (every > 0 && instant_is_set(due)) {
		/* On its grid, the first that is not before. */
		if (from.usec < j->spec->from.usec)
			from = j->spec->from;
		before = instant_since(due, from) % every;
		j->due = instant_add(from, before < 0 ? before + every : before);
		if (instant_is_set(j->spec->until) && j->due.usec > j->spec->until.usec)
			j->due = (instant){ 0 };
	} else if (due.usec >= from.usec) {
		j->due = due;
	}
}

void
simulated_done(struct simulated *j)
{
	schedule_done(&j->schedule);
	free(j->timeline);
	j->timeline = NULL;
	free(j->lives);
	j->lives = NULL;
}

static struct simulated *
job_of(const struct world *w, int64_t id)
{
	return map_get(&w->by_id, id);
}

/* ---- timelines ---- */

static size_t
column_of(const struct simulate_config *c, instant i)
{
	usec_t since = instant_since(i, c->from), span = instant_since(c->to, c->from);

	static_assert(SIMULATE_SPAN_MAX < INT64_MAX / SIMULATE_COLUMNS_MAX, "the product fits");
	if (since < 0)
		return 0;
	if (since >= span)
		return c->columns - 1;
	return (size_t)(since * (usec_t)c->columns / span);
}

/* From one instant up to another, which is not in it unless it is the same. */
static void
timeline_mark(const struct simulate_config *c, struct simulated *j, instant from, instant to,
    char mark)
{
	static const char strengths[] = { TIMELINE_NOTHING, TIMELINE_RUN, TIMELINE_WAIT,
	    TIMELINE_SKIP };
	const char *strength = memchr(strengths, mark, sizeof(strengths));
	size_t last;

	if (j->timeline == NULL)
		return;
	last = column_of(c, to.usec > from.usec ? instant_add(to, -1) : to);
	for (size_t i = column_of(c, from); i <= last; i++) {
		if (strength > (const char *)memchr(strengths, j->timeline[i], sizeof(strengths)))
			j->timeline[i] = mark;
	}
}

/* ---- what is told ---- */

static void
run_begins(struct simulate *s, struct simulated *j, const struct simulated_run *r)
{
	int kind = (int)job_spec_kind(j->spec);
	struct simulate_peak *peak = &s->peaks[kind];
	struct simulated_live *live;

	j->lives = xrealloc(j->lives, (j->lives_n + 1) * sizeof(*j->lives));
	live = &j->lives[j->lives_n++];
	*live = (struct simulated_live){ r->run, SIZE_MAX, r->started };
	if (++s->running[kind] > peak->runs)
		*peak = (struct simulate_peak){ s->running[kind], r->started };
	if (!j->shown)
		return;
	if (s->runs_n == s->config.runs_max) {
		s->truncated = true;
		return;
	}
	live->place = s->runs_n;
	s->runs[s->runs_n++] = *r;
}

static void
waited(struct simulate *s, struct simulated *j, instant since, instant until)
{
	usec_t wait = instant_since(until, since);

	if (wait <= 0)
		return;
	j->waited += wait;
	s->waited += wait;
	if (wait > j->longest)
		j->longest = wait;
	if (wait > s->longest)
		s->longest = wait;
	timeline_mark(&s->config, j, since, until, TIMELINE_WAIT);
}

static void
overlapped(struct simulate *s, struct simulated *j, int64_t n)
{
	j->overlaps += n;
	s->overlaps += n;
}

static void
told_claim(struct simulate *s, struct simulated *j, const struct op_claim *o)
{
	instant begin;
	struct simulated_run r = {
		.job = (size_t)(j - s->jobs), .run = o->run, .due = o->run_due,
		.started = o->started, .state = RUN_RUNNING, .mark = o->mark,
	};

	if (o->full)
		return;
	/* It waits for its job's run; what it may have taken the place of does not any more. */
	if (o->queue) {
		j->queued += 1 - (o->replaced != 0);
		j->canceled += o->replaced != 0;
		return;
	}
	j->queued -= !o->born;
	begin = schedule_begin(&j->schedule, o->run_due);
	/* What was queued by hand begins when its turn comes; it was not due. */
	if (!o->manual) {
		if (o->started.usec > begin.usec)
			r.wait = instant_since(o->started, begin);
		waited(s, j, begin, o->started);
		overlapped(s, j, begin.usec < j->last_ended.usec && begin.usec >= j->last_started.usec);
	}
	j->marks[o->mark]++;
	j->began++;
	s->began++;
	run_begins(s, j, &r);
}

/* The run with this place among those that go on has ended, or is left. */
static void
run_ends(struct simulate *s, struct simulated *j, size_t at, instant when, int state)
{
	struct simulated_live live = j->lives[at];

	timeline_mark(&s->config, j, live.started, when, TIMELINE_RUN);
	if (live.place != SIZE_MAX) {
		s->runs[live.place].ended = state == RUN_RUNNING ? (instant){ 0 } : when;
		s->runs[live.place].state = state;
	}
	j->lives[at] = j->lives[--j->lives_n];
	j->last_started = live.started;
	j->last_ended = when;
}

static void
told_finish(struct simulate *s, struct simulated *j, const struct run_info *run)
{
	int kind = run->kind;
	size_t at = 0;

	while (at < j->lives_n && j->lives[at].run != run->run)
		at++;
	MUST(at < j->lives_n && s->running[kind] > 0);
	s->running[kind]--;
	j->timed_out += run->state == RUN_TIMED_OUT;
	j->canceled += run->state == RUN_CANCELED;
	run_ends(s, j, at, run->ended, run->state);
}

static void
told_skip(struct simulate *s, struct simulated *j, const struct op_skip *o)
{
	j->skips[o->cause] += o->count;
	s->skipped += o->count;
	if (o->cause == SKIP_OVERLAP)
		overlapped(s, j, o->count);
	/* Of more than one the schedule knows where they are; few columns have room for that. */
	timeline_mark(&s->config, j, o->first, instant_add(o->last, o->count > 1), TIMELINE_SKIP);
}

static void
told(void *context, const struct store_op *op)
{
	struct world *w = context;
	struct simulate *s = w->simulate;

	if (op->kind == OP_CLAIM) {
		const struct op_claim *o = container_of(op, const struct op_claim, op);

		told_claim(s, job_of(w, o->job), o);
	} else if (op->kind == OP_FINISH) {
		const struct op_finish *o = container_of(op, const struct op_finish, op);

		told_finish(s, job_of(w, o->run->job), o->run);
	} else if (op->kind == OP_SKIP) {
		const struct op_skip *o = container_of(op, const struct op_skip, op);

		told_skip(s, job_of(w, o->job), o);
	}
	s->decisions++;
}

/* ---- an executor that only waits ---- */

struct waiting {
	struct exec	exec;
	usec_t		ends;
	bool		too_long;	/* it will be ended by its limit */
};

static void
waiting_begin(struct waiting *f)
{
	const struct world *w = container_of(f->exec.world, const struct world, exec);
	const struct job_spec *spec = f->exec.spec;
	usec_t lasts = job_of(w, f->exec.run->job)->lasts, limit = spec->timeout, past;

	if (limit == 0 && spec->http != NULL)
		limit = HTTP_TIMEOUT_DEFAULT;
	f->too_long = limit > 0 && lasts > limit;
	if (f->too_long)
		lasts = limit;
	past = instant_since(loop_wall(w->loop), f->exec.run->started);
	f->ends = loop_now(w->loop) + (lasts > past ? lasts - past : 0);
}

static enum task_status
waiting_step(struct task *t)
{
	struct waiting *f = container_of(t, struct waiting, exec.task);

	TASK_BEGIN(t);

	waiting_begin(f);
	AWAIT_UNTIL(t, f->ends, f->exec.cancel);
	if (t->err == -ECANCELED)
		f->exec.run->state = RUN_RUNNING;
	else if (t->err == 0)
		f->exec.run->state = RUN_CANCELED;
	else
		f->exec.run->state = f->too_long ? RUN_TIMED_OUT : RUN_SUCCEEDED;

	TASK_END(t, 0);
}

static const struct task_kind waiting_kind = { .name = "simulated run", .step = waiting_step };
static const struct executor waiting = { .frame_size = sizeof(struct waiting),
    .kind = &waiting_kind };
static const struct executor *const executors[] = { &waiting, &waiting, &waiting, &waiting };
static_assert(sizeof(executors) / sizeof(executors[0]) == KIND_COUNT, "a row a kind");

/* ---- the world ---- */

static enum task_status
root_step(struct task *t)
{
	struct world *w = container_of(t, struct world, root);

	TASK_BEGIN(t);

	AWAIT(t, w->stop);

	TASK_END(t, 0);
}

static const struct task_kind root_kind = { .name = "simulated jobd", .step = root_step };

/* A job with what goes on at the beginning. */
static void
world_put(struct world *w, struct simulated *j)
{
	struct due_row row = { .due = j->due, .id = j->id, .every = j->spec->every,
	    .misfire = j->spec->misfire, .kind = job_spec_kind(j->spec), .uid = j->uid,
	    .terms = terms_of(j->spec) };
	const struct simulate_config *c = &w->simulate->config;
	struct simulated_run r = { .job = (size_t)(j - w->simulate->jobs), .run = j->active.run,
	    .due = j->active.due, .started = j->active.started, .state = RUN_RUNNING,
	    .mark = j->active.mark };
	struct cJSON *fields;

	if (job_spec_has_schedule(j->spec)) {
		fields = fields_write(schedule_fields, j->spec);
		row.schedule = json_print(fields);
		json_free(fields);
	}
	memory_put_job(w->memory, &row, j->spec, j->runs);
	map_set(&w->by_id, j->id, j);
	free(row.schedule);
	if (c->columns > 0) {
		j->timeline = xmalloc(c->columns + 1);
		memset(j->timeline, TIMELINE_NOTHING, c->columns);
		j->timeline[c->columns] = '\0';
	}
	if (j->active.run == 0)
		return;
	j->active.job = j->id;
	j->active.state = RUN_RUNNING;
	memory_put_run(w->memory, &j->active);
	run_begins(w->simulate, j, &r);
}

static void
world_put_queue(struct world *w, const struct queue_info *q)
{
	memory_put_queue(w->memory, &(struct queue_row){ .name = q->name, .slots = q->slots,
	    .paused = q->paused, .paused_by = q->paused_by, .rate = q->rate,
	    .rate_usec = q->rate_usec });
}

static void
world_free(struct world *w)
{
	scheduler_free(w->scheduler);
	event_hub_free(w->events);
	store_close(w->store);
	memory_free(w->memory);
	loop_free(w->loop);
	map_done(&w->by_id);
	free(w);
}

static void
world_start(struct world *w)
{
	const struct simulate_config *c = &w->simulate->config;

	w->events = event_hub_new();
	w->exec = (struct exec_world){ .loop = w->loop, .executors = executors };
	w->scheduler = scheduler_new(&(struct scheduler_config){
		.loop = w->loop, .store = w->store, .world = &w->exec, .events = w->events,
		.running_max = { c->running_max[0], c->running_max[1], c->running_max[2],
		    c->running_max[3] },
		.window_ahead = instant_since(c->to, c->from), .slots_named = c->slots_named,
		.zones = c->zones, .boot = "simulated", .simulated = true,
	});
	w->end = loop_now(w->loop) + instant_since(c->to, c->from) - 1;
	task_start_root(&w->root, &root_kind, w->loop);
	store_start_task(w->store, &w->root);
	scheduler_start(w->scheduler, &w->root);
	/* Somebody has been there all the time: what is due at the beginning is no misfire. */
	w->scheduler->since = (instant){ 1 };
}

/* 0, or -errno: no descriptors are left. */
static int
world_open(struct simulate *s)
{
	struct world *w = xcalloc(1, sizeof(*w));
	char error[STORE_ERROR_MAX];
	int r;

	static_assert(KIND_COUNT == 4, "world_start() copies that many");
	w->simulate = s;
	w->memory = memory_new(false);
	w->loop = loop_new(LOOP_VIRTUAL);
	if (w->loop != NULL)
		w->store = store_open(&(struct store_config){ .backend = &backend_memory,
		    .memory = w->memory, .mode = STORE_INLINE }, w->loop, error);
	if (w->store == NULL) {
		r = -errno;
		world_free(w);
		return r;
	}
	loop_set_wall(w->loop, s->config.from);
	for (size_t i = 0; i < s->config.queues_n; i++)
		world_put_queue(w, &s->config.queues[i]);
	for (size_t i = 0; i < s->n; i++)
		world_put(w, &s->jobs[i]);
	memory_listen(w->memory, told, w);
	world_start(w);
	s->world = w;
	return 0;
}

/* What is not over at the end. */
static void
world_look(struct simulate *s)
{
	struct world *w = s->world;

	s->until = instant_add(loop_wall(w->loop), 1);
	if (s->until.usec > s->config.to.usec || !s->stopped)
		s->until = s->config.to;
	for (size_t i = 0; i < s->n; i++) {
		struct simulated *j = &s->jobs[i];
		instant due = memory_due(w->memory, j->id), begin;

		while (j->lives_n > 0)
			run_ends(s, j, 0, s->until, RUN_RUNNING);
		s->waiting += j->queued;
		if (!instant_is_set(due))
			continue;
		begin = schedule_begin(&j->schedule, due);
		if (begin.usec >= s->until.usec)
			continue;
		j->waiting = due;
		s->waiting++;
		waited(s, j, begin, s->until);
	}
}

static void
world_close(struct simulate *s)
{
	bool muted = log_mute(true);
	struct world *w = s->world;

	memory_listen(w->memory, NULL, NULL);
	w->stop = true;
	task_wake(&w->root);
	/* Runs let go at once. */
	MUST(loop_run_until(w->loop, loop_now(w->loop)) == 0 && w->root.done);
	world_free(w);
	s->world = NULL;
	log_mute(muted);
}

/* ---- the task ---- */

/* A slice.  True: it is over. */
static bool
simulate_slice(struct simulate *s)
{
	const struct loop *l = s->task.loop;
	usec_t end = loop_clock(l) + SLICE_TIME;
	bool muted = log_mute(true);
	int r = 0;

	for (int n = 0; n < SLICE_STRIDES && r == 0; n++) {
		r = loop_run_some(s->world->loop, s->world->end, STRIDE);
		s->stopped = r == 0 && s->decisions >= s->config.decisions_max;
		if (s->stopped || loop_clock(l) >= end)
			break;
	}
	log_mute(muted);
	MUST(r >= 0);
	return r > 0 || s->stopped;
}

static enum task_status
simulate_step(struct task *t)
{
	struct simulate *s = container_of(t, struct simulate, task);

	TASK_BEGIN(t);

	s->result = world_open(s);
	if (s->result < 0)
		goto out;
	while (!simulate_slice(s)) {
		TASK_YIELD(t);
		if (task_cancelled(t))
			break;
	}
	world_look(s);
	world_close(s);
out:
	TASK_END(t, s->result);
}

static void
simulate_describe(const struct task *t, char *out, size_t n)
{
	const struct simulate *s = container_of(t, const struct simulate, task);
	char text[WHEN_TEXT_MAX];

	if (s->world != NULL)
		(void)snprintf(out, n, "its turn, at %s",
		    instant_print(loop_wall(s->world->loop), text));
}

static const struct task_kind simulate_kind = {
	.name = "simulation",
	.step = simulate_step,
	.describe = simulate_describe,
};

void
simulate_start(struct simulate *s, const struct simulate_config *config, struct simulated *jobs,
    size_t n, struct task *parent)
{
	MUST(n <= SIMULATE_JOBS_MAX && config->runs_max <= SIMULATE_RUNS_MAX);
	MUST(config->columns <= SIMULATE_COLUMNS_MAX);
	MUST(config->from.usec < config->to.usec);
	MUST(instant_since(config->to, config->from) <= SIMULATE_SPAN_MAX);
	s->config = *config;
	if (s->config.decisions_max == 0)
		s->config.decisions_max = SIMULATE_DECISIONS_MAX;
	s->jobs = jobs;
	s->n = n;
	s->runs = xcalloc(config->runs_max + 1, sizeof(*s->runs));
	task_start(&s->task, &simulate_kind, parent);
}

void
simulate_done(struct simulate *s)
{
	free(s->runs);
	s->runs = NULL;
}
