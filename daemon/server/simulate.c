/*
 * simulate: Simulate.  The stored jobs are read as they are now, page by page, with their latest
 * runs; what is asked for in addition is judged as by Add; then a simulated scheduler has them.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/scheduler/simulate.h"
#include "daemon/server/pass.h"
#include "proto/json.h"
#include "proto/mem.h"

/* Latest runs that are looked at for how long a job's runs take. */
#define PAST_MAX	20

/* A run takes so long when nothing is known. */
#define LASTS_DEFAULT	USEC_SEC

#define LIMIT_DEFAULT	100
#define SLOTS_MAX	1000000

/* What is not stored has ids from here on: of two that are due at once it comes second. */
#define ID_NEW		((int64_t)1 << 48)

struct simulate_in {
	instant		from, to;
	struct structs	jobs;
	struct strings	only;
	int64_t		slots[KIND_COUNT];
	usec_t		lasts;
	int64_t		limit, columns;
};

#define IN(n, member) .name = (n), .offset = offsetof(struct simulate_in, member)
#define SLOTS(n, kind) { IN(n, slots[kind]), .type = FIELD_INT, .min = 1, .max = SLOTS_MAX, \
    .flags = FIELD_ABSENT_MINUS_ONE }

static const struct field simulate_fields[] = {
	{ IN("from", from), .type = FIELD_INSTANT },
	{ IN("to", to), .type = FIELD_INSTANT, .flags = FIELD_REQUIRED },
	{ IN("jobs", jobs), .type = FIELD_STRUCTS, .max = SIMULATE_JOBS_MAX, .sub = job_spec_fields,
	  .size = sizeof(struct job_spec) },
	{ IN("only", only), .type = FIELD_STRINGS, .max = SIMULATE_JOBS_MAX },
	SLOTS("commands", KIND_COMMAND),
	SLOTS("checks", KIND_HTTP),
	SLOTS("timers", KIND_TIMER),
	{ IN("durationUSec", lasts), .type = FIELD_INT, .flags = FIELD_ABSENT_MINUS_ONE,
	  .max = DURATION_MAX },
	{ IN("limit", limit), .type = FIELD_INT, .flags = FIELD_ABSENT_MINUS_ONE,
	  .max = SIMULATE_RUNS_MAX },
	{ IN("columns", columns), .type = FIELD_INT, .max = SIMULATE_COLUMNS_MAX },
	{ .type = FIELD_END },
};

static_assert(KIND_COUNT == 4, "a row a kind, but heartbeats, which take no time");

enum lasts_from { LASTS_FROM_PAST, LASTS_FROM_TIMER, LASTS_FROM_ASKED, LASTS_FROM_DEFAULT };
static const char *const lasts_names[] = { "past", "timer", "asked", "default" };

/* A job that is to be simulated: becomes a struct simulated when all are known. */
struct plan {
	int64_t			 id;		/* 0: not stored */
	int64_t			 uid;		/* of a stored one; else the caller */
	const struct job_spec	*spec;
	struct job_spec		*own;		/* the same, when it was read from the store */
	instant			 due;		/* of a stored one */
	int64_t			 runs;
	struct active_row	 active;
	bool			 paused, shown, chosen;
	usec_t			 past[PAST_MAX];
	size_t			 past_n;
};

struct simulate_call {
	struct call		 call;
	int			 slot;		/* of the server's simulations, + 1 */
	instant			 from;
	bool			 now;		/* from the present on */
	struct strings		 only;		/* those of in that are stored; borrows them */
	struct select		 select;
	struct pass		 pass;
	struct targets		 named, wanted;	/* cursor: of named, the plan's index */
	struct map		 seen;		/* ids that are wanted, or taken by name */
	struct op_due		 due;
	bool			 beyond;	/* the store has more */
	bool			 dependents;	/* jobs that wait for others are left out */
	struct plan		*plans;
	size_t			 n, i;
	struct simulated	*jobs;
	struct simulate		 simulate;
	struct cJSON		*jobs_reply, *runs_reply, *notes;
	size_t			*told;		/* place of a job among those told */
	struct queue_info	*queues;	/* as they were at the beginning */
	size_t			 queues_n;
	int64_t			 total;		/* jobs told, or of which something comes */
};

static const struct simulate_in *
in_of(const struct simulate_call *f)
{
	return f->call.in;
}

/* ---- may it begin? ---- */

static bool
slot_take(struct simulate_call *f)
{
	int64_t *slots = server_of(&f->call)->simulations, me = (int64_t)f->call.uid + 1;
	int free_one = -1;

	for (int i = 0; i < SIMULATIONS_MAX; i++) {
		if (slots[i] == me) {
			call_fail(&f->call, JOBD_LIMIT_REACHED,
			    "simulations of one user at a time", NULL);
			return false;
		}
		if (slots[i] == 0)
			free_one = i;
	}
	if (free_one < 0) {
		call_fail(&f->call, JOBD_LIMIT_REACHED, "simulations at a time", NULL);
		return false;
	}
	slots[free_one] = me;
	f->slot = free_one + 1;
	return true;
}

static bool
range_check(struct simulate_call *f)
{
	const struct simulate_in *in = in_of(f);

	f->now = !instant_is_set(in->from);
	f->from = f->now ? loop_wall(f->call.task.loop) : in->from;
	if (in->to.usec <= f->from.usec) {
		call_fail(&f->call, JOBD_INVALID_FIELD, "to", f->now ? "must be after now" :
		    "must be after from");
		return false;
	}
	if (instant_since(in->to, f->from) > SIMULATE_SPAN_MAX) {
		call_fail(&f->call, JOBD_INVALID_FIELD, "to",
		    "must be at most 3660 days after from");
		return false;
	}
	return true;
}

/* ---- the jobs that are asked for ---- */

/* Another of jobs before it is called so. */
static bool
name_taken(const struct simulate_in *in, size_t i)
{
	const struct job_spec *spec = in->jobs.items[i], *other;

	for (size_t k = 0; spec->name != NULL && k < i; k++) {
		other = in->jobs.items[k];
		if (other->name != NULL && strcmp(other->name, spec->name) == 0)
			return true;
	}
	return false;
}

/* One of jobs: judged as by Add, but that it may never be due.  False: the caller is told. */
static bool
plan_asked(struct simulate_call *f, size_t i)
{
	const struct job_spec *spec = in_of(f)->jobs.items[i];
	struct plan *p = &f->plans[f->n];
	struct field_error error = { 0 };
	struct schedule schedule;
	char place[32], path[sizeof(error.path)];

	(void)snprintf(place, sizeof(place), "jobs[%zu]", i);
	if (job_spec_check(spec, place, &error) != JOBD_OK) {
		call_fail(&f->call, error.why, error.path, error.reason);
		return false;
	}
	if (schedule_open(spec, server_of(&f->call)->zones, 0, &schedule, &error) != JOBD_OK) {
		(void)snprintf(path, sizeof(path), "%.24s.%.80s", place, error.path);
		call_fail(&f->call, JOBD_INVALID_FIELD, path, error.reason);
		return false;
	}
	schedule_done(&schedule);
	if (name_taken(in_of(f), i)) {
		call_fail(&f->call, JOBD_NAME_TAKEN, spec->name, NULL);
		return false;
	}
	*p = (struct plan){ .spec = spec, .shown = true, .paused = spec->paused };
	if (spec->name != NULL)
		targets_add(&f->named, (struct target){ .cursor = (int64_t)f->n });
	f->n++;
	return true;
}

/* ---- the jobs that are stored ---- */

/* How long its latest runs took. */
static void
plan_take_past(struct plan *p, const struct op_get *op)
{
	p->runs = op->job.runs;
	for (size_t i = 0; i < op->runs_n && p->past_n < PAST_MAX; i++) {
		const struct run_info *r = &op->runs[i];
		bool ended = r->state == RUN_SUCCEEDED || r->state == RUN_FAILED ||
		    r->state == RUN_TIMED_OUT;
		instant end = instant_is_set(r->exited) ? r->exited : r->ended;

		if (ended && instant_is_set(r->started) && end.usec >= r->started.usec)
			p->past[p->past_n++] = instant_since(end, r->started);
		if (r->state == RUN_RUNNING)
			p->active = (struct active_row){ .run = r->run, .attempt = r->attempt,
			    .due = r->due, .noticed = r->noticed, .started = r->started,
			    .mark = r->mark, .missed = r->missed, .previous = r->previous,
			    .manual = r->manual };
	}
}

static void
named_fill(struct pass *p, union pass_op *op, const struct target *target)
{
	const struct simulate_call *f = p->frame;

	op->get = (struct op_get){ .op.kind = OP_GET, .runs_max = PAST_MAX,
	    .name = f->plans[target->cursor].spec->name };
}

/* It takes the place of the one that is stored: its id, its past. */
static void
named_took(struct pass *p, union pass_op *op, const struct target *target)
{
	struct simulate_call *f = p->frame;
	struct plan *plan = &f->plans[target->cursor];

	if (op->op.result < 0 && op->op.result != -ENOENT)
		pass_refuse_store(p, op->op.result);
	if (op->op.result < 0)
		return;
	plan->id = op->get.job.id;
	map_set(&f->seen, plan->id, f);
	plan_take_past(plan, &op->get);
	f->dependents |= op->get.job.dependents > 0;
	op_get_done(&op->get);
}

static void
want(struct simulate_call *f, int64_t id, bool shown)
{
	if (map_get(&f->seen, id) != NULL)
		return;
	map_set(&f->seen, id, f);
	targets_add(&f->wanted, (struct target){ .job = id, .pattern = shown });
}

/* Room for another. */
static bool
has_room(const struct simulate_call *f)
{
	return f->n + f->wanted.n < SIMULATE_JOBS_MAX;
}

/* What is in jobs is told of anyway: the rest of only is to be found in the store. */
static void
only_fill(struct simulate_call *f)
{
	const struct strings *only = &in_of(f)->only;

	f->only.items = xcalloc(only->n + 1, sizeof(char *));
	for (size_t i = 0; i < only->n; i++) {
		size_t k = 0;

		while (k < f->named.n && strcmp(only->items[i],
		    f->plans[f->named.items[k].cursor].spec->name) != 0)
			k++;
		if (k == f->named.n)
			f->only.items[f->only.n++] = only->items[i];
	}
}

/* Those that are to be told of come first.  False: they are too many. */
static bool
want_selected(struct simulate_call *f)
{
	const struct targets *found = &f->select.found;

	for (size_t i = 0; i < found->n; i++) {
		if (!has_room(f)) {
			call_fail(&f->call, JOBD_LIMIT_REACHED, "jobs in one simulation", NULL);
			return false;
		}
		want(f, found->items[i].job, true);
	}
	return true;
}

static void
due_submit(struct simulate_call *f)
{
	f->due.op = (struct store_op){ .kind = OP_DUE };
	/* Of a time that is past, what is due later may have been due then. */
	f->due.until = in_of(f)->from.usec < loop_wall(f->call.task.loop).usec && !f->now ?
	    (instant){ INT64_MAX } : instant_add(in_of(f)->to, -1);
	store_submit(server_of(&f->call)->store, &f->due.op, &f->call.task);
}

/* A page of dues.  True: there is another, and room for it. */
static bool
due_page(struct simulate_call *f)
{
	struct op_due *op = &f->due;
	bool more = op->more;

	for (size_t i = 0; i < op->n; i++) {
		op->after_due = op->rows[i].due;
		op->after_id = op->rows[i].id;
		if (!has_room(f) && map_get(&f->seen, op->after_id) == NULL) {
			f->beyond = true;
			more = false;
			break;
		}
		want(f, op->after_id, in_of(f)->only.n == 0);
	}
	op_due_done(op);
	return more;
}

static void
stored_fill(struct pass *p, union pass_op *op, const struct target *target)
{
	(void)p;
	op->get = (struct op_get){ .op.kind = OP_GET, .id = target->job, .runs_max = PAST_MAX };
}

static void
note(struct simulate_call *f, const char *text)
{
	json_push(f->notes, json_string(text));
}

static void
stored_took(struct pass *p, union pass_op *op, const struct target *target)
{
	struct simulate_call *f = p->frame;
	struct plan *plan = &f->plans[f->n];
	struct field_error error;

	if (op->op.result < 0 && op->op.result != -ENOENT)
		pass_refuse_store(p, op->op.result);
	/* It may have gone meanwhile. */
	if (op->op.result < 0)
		return;
	*plan = (struct plan){ .id = op->get.job.id, .uid = op->get.job.uid, .due = op->get.job.due,
	    .paused = op->get.job.paused, .shown = target->pattern,
	    .chosen = in_of(f)->only.n > 0 };
	plan->own = xcalloc(1, sizeof(*plan->own));
	plan->spec = plan->own;
	plan_take_past(plan, &op->get);
	f->dependents |= op->get.job.dependents > 0;
	if (op->get.job.spec == NULL ||
	    fields_read_lax(op->get.job.spec, job_spec_fields, plan->own, &error) != JOBD_OK) {
		free(plan->own);
		note(f, "a stored job cannot be read by this version: it is left out");
	} else {
		f->n++;
	}
	op_get_done(&op->get);
}

static const struct pass_kind named_pass = { .fill = named_fill, .took = named_took };
static const struct pass_kind stored_pass = { .fill = stored_fill, .took = stored_took };

/* ---- from plans to what is simulated ---- */

static int
usec_compare(const void *a, const void *b)
{
	const usec_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int
plan_compare(const void *a, const void *b)
{
	const struct plan *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static enum lasts_from
plan_lasts(const struct simulate_call *f, struct plan *p, usec_t *ret)
{
	if (p->spec->timer != NULL) {
		*ret = p->spec->timer->duration;
		return LASTS_FROM_TIMER;
	}
	/* It pings in time, and takes none. */
	if (p->spec->heartbeat) {
		*ret = 0;
		return LASTS_FROM_DEFAULT;
	}
	if (p->past_n > 0) {
		qsort(p->past, p->past_n, sizeof(p->past[0]), usec_compare);
		*ret = p->past[(p->past_n - 1) / 2];
		return LASTS_FROM_PAST;
	}
	*ret = in_of(f)->lasts >= 0 ? in_of(f)->lasts : LASTS_DEFAULT;
	return in_of(f)->lasts >= 0 ? LASTS_FROM_ASKED : LASTS_FROM_DEFAULT;
}

/* In the order of ids, those that are not stored behind them, as they were asked for. */
static void
plans_sort(struct simulate_call *f)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->plans[i].own == NULL)
			f->plans[i].uid = (int64_t)f->call.uid;
		if (f->plans[i].id == 0)
			f->plans[i].id = ID_NEW + (int64_t)i;
	}
	qsort(f->plans, f->n, sizeof(f->plans[0]), plan_compare);
	f->jobs = xcalloc(f->n + 1, sizeof(*f->jobs));
	f->told = xcalloc(f->n + 1, sizeof(*f->told));
}

static void
note_paused(struct simulate_call *f, const struct plan *p)
{
	char id[32], *text;

	if (!p->shown)
		return;
	(void)snprintf(id, sizeof(id), "job %" PRId64, p->id);
	text = xasprintf("%s is paused: nothing of it is run",
	    p->spec->name != NULL ? p->spec->name : id);
	note(f, text);
	free(text);
}

static void
plan_open(struct simulate_call *f, size_t i)
{
	struct plan *p = &f->plans[i];
	struct simulated *j = &f->jobs[i];
	struct field_error error;
	char *text;

	*j = (struct simulated){ .id = p->id, .uid = p->uid, .spec = p->spec, .shown = p->shown };
	(void)plan_lasts(f, p, &j->lasts);
	/* What number a run of another time has nobody knows. */
	if (f->now) {
		j->active = p->active;
		j->runs = p->runs;
	}
	if (simulated_open(j, server_of(&f->call)->zones, &error) != JOBD_OK) {
		text = xasprintf("job %" PRId64 " is never due: %s: %s", p->id, error.path,
		    error.reason);
		note(f, text);
		free(text);
	} else if (p->paused) {
		note_paused(f, p);
	} else if (p->spec->after.n > 0 && !(f->now && instant_is_set(p->due))) {
		f->dependents = true;
	} else if (p->own == NULL) {
		simulated_added(j, f->from);
	} else if (f->now) {
		j->due = p->due;
	} else {
		simulated_stored(j, p->due, f->from);
	}
	/* Its due was before, and it comes no more: nobody has asked for it. */
	if (p->own != NULL && !p->chosen && !instant_is_set(j->due) && j->active.run == 0)
		j->shown = false;
	f->total += j->shown || instant_is_set(j->due) || j->active.run != 0;
}

static void
begin(struct simulate_call *f)
{
	const struct simulate_in *in = in_of(f);
	struct scheduler *s = server_of(&f->call)->scheduler;
	struct simulate_config config = {
		.from = f->from, .to = in->to, .zones = server_of(&f->call)->zones,
		.runs_max = in->limit < 0 ? LIMIT_DEFAULT : (size_t)in->limit,
		.columns = (size_t)in->columns,
	};

	f->queues_n = scheduler_queues(s, &f->queues);
	config.queues = f->queues;
	config.queues_n = f->queues_n;
	config.slots_named = scheduler_slots_named(s);
	scheduler_limits(s, config.running_max);
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		if (in->slots[kind] > 0)
			config.running_max[kind] = in->slots[kind];
	}
	simulate_start(&f->simulate, &config, f->jobs, f->n, &f->call.task);
}

/* ---- the answer ---- */

static void
set_some(struct cJSON *object, const char *name, int64_t value)
{
	if (value != 0)
		json_set_int(object, name, value);
}

static void
set_instant(struct cJSON *object, const char *name, instant i)
{
	char text[WHEN_TEXT_MAX];

	if (instant_is_set(i))
		json_set_string(object, name, instant_print(i, text));
}

static struct cJSON *
skips_reply(const struct simulated *j)
{
	struct cJSON *skips = json_array(), *skip;

	for (int cause = 0; cause < SKIP_COUNT; cause++) {
		if (j->skips[cause] == 0)
			continue;
		skip = json_object();
		json_set_string(skip, "cause", skip_cause_names[cause]);
		json_set_int(skip, "count", j->skips[cause]);
		json_push(skips, skip);
	}
	return skips;
}

static void
tell_job(struct simulate_call *f, size_t i)
{
	const struct simulated *j = &f->jobs[i];
	struct cJSON *o;
	enum lasts_from from;
	char *words;
	usec_t lasts;

	if (!j->shown)
		return;
	o = json_object();
	words = job_spec_schedule_words(j->spec);
	from = plan_lasts(f, &f->plans[i], &lasts);
	f->told[i] = json_count(f->jobs_reply);
	if (j->id < ID_NEW)
		json_set_int(o, "job", j->id);
	json_set_string(o, "name", j->spec->name);
	json_set_string(o, "kind", job_kind_names[job_spec_kind(j->spec)]);
	json_set_string(o, "schedule", words);
	json_set_int(o, "durationUSec", lasts);
	json_set_string(o, "durationFrom", lasts_names[from]);
	set_some(o, "pastRuns", from == LASTS_FROM_PAST ? (int64_t)f->plans[i].past_n : 0);
	json_set_int(o, "runs", j->began);
	set_some(o, "timedOut", j->timed_out);
	set_some(o, "canceled", j->canceled);
	json_set(o, "skips", skips_reply(j));
	json_set_int(o, "overlaps", j->overlaps);
	json_set_int(o, "waitUSec", j->waited);
	json_set_int(o, "longestWaitUSec", j->longest);
	set_instant(o, "waitingSince", j->waiting);
	set_some(o, "dstGap", j->marks[MARK_DST_GAP]);
	set_some(o, "dstFold", j->marks[MARK_DST_FOLD]);
	json_set_string(o, "timeline", j->timeline);
	json_push(f->jobs_reply, o);
	free(words);
}

static void
tell_run(struct simulate_call *f, size_t i)
{
	const struct simulated_run *r = &f->simulate.runs[i];
	struct cJSON *o = json_object();

	json_set_int(o, "at", (long long)f->told[r->job]);
	json_set_int(o, "run", r->run);
	json_set_string(o, "name", f->jobs[r->job].spec->name);
	set_instant(o, "due", r->due);
	set_instant(o, "startedAt", r->started);
	set_instant(o, "endedAt", r->ended);
	json_set_string(o, "state", run_state_names[r->state]);
	json_set_int(o, "waitUSec", r->wait);
	if (r->mark != MARK_NONE)
		json_set_string(o, "mark", due_mark_names[r->mark]);
	json_push(f->runs_reply, o);
}

static struct cJSON *
peaks_reply(const struct simulate *s)
{
	struct cJSON *peaks = json_array(), *o;

	for (int kind = 0; kind < KIND_COUNT; kind++) {
		o = json_object();
		json_set_string(o, "kind", job_kind_names[kind]);
		json_set_int(o, "runs", s->peaks[kind].runs);
		set_instant(o, "at", s->peaks[kind].at);
		json_push(peaks, o);
	}
	return peaks;
}

static void
answer(struct simulate_call *f)
{
	const struct simulate *s = &f->simulate;
	struct cJSON *o = json_object();
	struct drain_info drain;

	scheduler_drain_info(server_of(&f->call)->scheduler, &drain);
	if (instant_is_set(drain.since))
		note(f, "jobd is drained: this is as if it went on");

	if (f->beyond)
		note(f, "the store has more jobs than a simulation takes: the 1000 that are due"
		    " first are in it");
	if (f->dependents)
		note(f, "what jobs would do that wait for others (after) is not in it");
	if (s->stopped)
		note(f, "it stopped after ten million decisions");
	set_instant(o, "from", f->from);
	set_instant(o, "to", s->until);
	json_set(o, "jobs", f->jobs_reply);
	json_set(o, "runs", f->runs_reply);
	f->jobs_reply = f->runs_reply = NULL;
	json_set_bool(o, "truncated", s->truncated);
	json_set(o, "peaks", peaks_reply(s));
	json_set_int(o, "jobsTotal", f->total);
	json_set_int(o, "runsTotal", s->began);
	json_set_int(o, "skips", s->skipped);
	json_set_int(o, "overlaps", s->overlaps);
	json_set_int(o, "waiting", s->waiting);
	json_set_int(o, "waitUSec", s->waited);
	json_set_int(o, "longestWaitUSec", s->longest);
	if (json_first(f->notes) != NULL) {
		json_set(o, "notes", f->notes);
		f->notes = NULL;
	}
	call_reply(&f->call, o);
}

/* ---- the call ---- */

static void
prepare(struct simulate_call *f)
{
	f->plans = xcalloc(SIMULATE_JOBS_MAX, sizeof(*f->plans));
	f->jobs_reply = json_array();
	f->runs_reply = json_array();
	f->notes = json_array();
	f->pass.call = &f->call;
	f->pass.frame = f;
}

static enum task_status
simulate_call_step(struct task *t)
{
	struct simulate_call *f = container_of(t, struct simulate_call, call.task);

	TASK_BEGIN(t);

	if (!range_check(f) || !slot_take(f))
		goto out;
	prepare(f);
	for (f->i = 0; f->i < in_of(f)->jobs.n; f->i++) {
		if (!plan_asked(f, f->i))
			goto out;
		if (f->i % REPLY_SLICE == REPLY_SLICE - 1)
			TASK_YIELD(t);
	}
	pass_start(&f->pass, &named_pass, &f->named, t);
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->pass.task));
	if (!pass_told(&f->pass, &f->call))
		goto out;
	only_fill(f);
	select_start(&f->select, &f->call, &f->only, 0);
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->select.task));
	if (!select_told(&f->select, &f->call) || !want_selected(f))
		goto out;
	do {
		due_submit(f);
		AWAIT_SHIELDED(t, USEC_NEVER, f->due.op.done);
		if (f->due.op.result < 0) {
			call_fail_store(&f->call, f->due.op.result);
			goto out;
		}
	} while (due_page(f) && !t->cancelled);
	pass_start(&f->pass, &stored_pass, &f->wanted, t);
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->pass.task));
	if (!pass_told(&f->pass, &f->call) || t->cancelled)
		goto out;
	plans_sort(f);
	for (f->i = 0; f->i < f->n; f->i++) {
		plan_open(f, f->i);
		if (f->i % REPLY_SLICE == REPLY_SLICE - 1)
			TASK_YIELD(t);
	}
	begin(f);
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->simulate.task));
	if (f->simulate.result < 0) {
		call_fail(&f->call, JOBD_LIMIT_REACHED, "open files of the daemon", NULL);
		goto out;
	}
	for (f->i = 0; f->i < f->n && !t->cancelled; f->i++) {
		tell_job(f, f->i);
		if (f->i % REPLY_SLICE == REPLY_SLICE - 1)
			TASK_YIELD(t);
	}
	for (f->i = 0; f->i < f->simulate.runs_n && !t->cancelled; f->i++) {
		tell_run(f, f->i);
		if (f->i % REPLY_SLICE == REPLY_SLICE - 1)
			TASK_YIELD(t);
	}
	answer(f);
out:
	TASK_END(t, 0);
}

static void
plans_free(struct simulate_call *f)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->jobs != NULL)
			simulated_done(&f->jobs[i]);
		if (f->plans[i].own == NULL)
			continue;
		job_spec_done(f->plans[i].own);
		free(f->plans[i].own);
	}
	free(f->plans);
	free(f->jobs);
	free(f->told);
	for (size_t i = 0; i < f->queues_n; i++)
		queue_info_done(&f->queues[i]);
	free(f->queues);
}

static void
simulate_call_release(struct task *t)
{
	struct simulate_call *f = container_of(t, struct simulate_call, call.task);

	if (f->slot > 0)
		server_of(&f->call)->simulations[f->slot - 1] = 0;
	plans_free(f);
	simulate_done(&f->simulate);
	free(f->only.items);
	targets_done(&f->named);
	targets_done(&f->wanted);
	map_done(&f->seen);
	pass_done(&f->pass);
	select_done(&f->select);
	json_free(f->jobs_reply);
	json_free(f->runs_reply);
	json_free(f->notes);
	call_release(t);
}

static_assert(offsetof(struct simulate_call, call.task) == 0, "a call is found by its task");

static const struct task_kind simulate_call_kind = { .name = "Simulate",
    .step = simulate_call_step, .release = simulate_call_release };

const struct method method_simulate = {
	.name = "io.jobd.Simulate",
	.in = simulate_fields,
	.in_size = sizeof(struct simulate_in),
	.frame_size = sizeof(struct simulate_call),
	.kind = &simulate_call_kind,
};
