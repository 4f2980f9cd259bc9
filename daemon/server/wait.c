/*
 * wait: Wait.  It listens to the events first, then looks at the store, so that nothing can happen
 * in between; an event only says whom to look at again, and all are looked at again now and then,
 * so that a mistake elsewhere makes a wait late, never endless.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/server/pass.h"
#include "proto/json.h"
#include "proto/mem.h"

/* All that do not hold are looked at again after so long without any event. */
#define LOOK_AGAIN	(30 * USEC_SEC)

/* How things stand is told so often at most, and of so many runs. */
#define REPORT_PAUSE	USEC_SEC
#define REPORT_RUNS_MAX	10

enum until { UNTIL_ENDED, UNTIL_STARTED };
static const char *const until_names[] = { "ended", "started", NULL };

struct wait_in {
	struct selection which;
	int		until;
	int64_t		timeout;
	bool		any;
	bool		report;
};

static const struct field wait_fields[] = {
	SELECTION_ROWS(wait_in, which),
	{ "until", FIELD_ENUM, offsetof(struct wait_in, until), .names = until_names },
	{ "timeoutUSec", FIELD_INT, offsetof(struct wait_in, timeout),
	    .flags = FIELD_ABSENT_MINUS_ONE,
	  .max = DURATION_MAX },
	{ "any", FIELD_BOOL, offsetof(struct wait_in, any), .flags = 0 },
	{ "report", FIELD_BOOL, offsetof(struct wait_in, report), .flags = 0 },
	{ .type = FIELD_END },
};

/* One target, with what was seen of it last. */
struct waited {
	struct waited	*same_job;	/* the next with the same job */
	struct waited	*dirty_next;
	/* the run that counts, if it is one: named, or the latest of a repeating job */
	int64_t		 run;
	struct run_info	*last;		/* ours; NULL: it has none, or none that will be told */
	bool		 holds;
	bool		 dirty;		/* to be looked at (again) */
};

struct wait {
	struct call	 call;
	struct select	 select;
	struct watcher	 watcher;
	struct waited	*waited;	/* as many as select.found */
	struct map	 by_job;	/* -> struct waited */
	struct waited	*dirty;		/* to be looked at */
	size_t		 holding;
	struct targets	 look;		/* those looked at now; cursor is the index */
	struct pass	 pass;
	usec_t		 deadline;
	usec_t		 look_again;
	usec_t		 keepalive;
	usec_t		 report;	/* not before; never: it is not asked for */
	bool		 news;		/* to be reported */
};

static void
mark_dirty(struct wait *f, struct waited *x)
{
	if (x->dirty || x->holds)
		return;
	x->dirty = true;
	x->dirty_next = f->dirty;
	f->dirty = x;
}

static bool
wait_wants(struct watcher *w, const struct event_info *e)
{
	struct wait *f = w->context;

	for (struct waited *x = map_get(&f->by_job, e->job); x != NULL; x = x->same_job) {
		mark_dirty(f, x);
		task_wake(w->waiter);
	}
	/*
	 * Whom to look at is all we need to know: nothing is kept for us, so nothing can be lost.
	 */
	return false;
}

static void
wait_prepare(struct wait *f)
{
	const struct targets *found = &f->select.found;

	f->waited = xcalloc(found->n + 1, sizeof(*f->waited));
	for (size_t i = 0; i < found->n; i++) {
		struct waited *x = &f->waited[i];

		x->run = found->items[i].run;
		x->same_job = map_get(&f->by_job, found->items[i].job);
		mark_dirty(f, x);
		map_set(&f->by_job, found->items[i].job, x);
	}
}

/* Does what is known of a run satisfy the wait? */
static bool
run_satisfies(const struct run_info *r, int until)
{
	enum run_state state = (enum run_state)r->state;

	return run_state_final(state) || (until == UNTIL_STARTED && state != RUN_QUEUED);
}

/*
 * It says in words how it comes again; a single occurrence has nothing to say.  And one that waits for
 * others may come again whenever they do.
 */
static bool
job_repeats(const struct job_info *j)
{
	return j->schedule != NULL || j->parents > 0;
}

/* The same for a job: last is its latest run, or NULL. */
static bool
job_satisfies(const struct job_info *j, int until)
{
	bool over = j->state == JOB_FINISHED || j->state == JOB_QUARANTINED;

	if (until == UNTIL_STARTED || job_repeats(j))
		return over || (j->last != NULL && run_satisfies(j->last, until));
	return over;
}

static void
drop_run(struct waited *x)
{
	if (x->last != NULL)
		run_info_done(x->last);
	free(x->last);
	x->last = NULL;
}

/* Of one that does not hold, only reports tell: there may be many, and they may take long. */
static void
keep_run(struct wait *f, struct waited *x, struct run_info *r)
{
	const struct wait_in *in = f->call.in;

	drop_run(x);
	if (!x->holds && !in->report)
		return;
	x->last = xmalloc(sizeof(*x->last));
	*x->last = *r;
	*r = RUN_INFO_NONE;
}

static void
look_fill(struct pass *p, union pass_op *op, const struct target *target)
{
	struct wait *f = p->frame;
	struct waited *x = &f->waited[target->cursor];

	if (x->run != 0)
		op->runs = (struct op_runs){ .op.kind = OP_RUNS, .job = target->job, .run = x->run,
		    .limit = 1 };
	else
		op->get = (struct op_get){ .op.kind = OP_GET, .id = target->job };
}

static void
look_at_run(struct wait *f, struct waited *x, struct op_runs *op, int until)
{
	if (op->n > 0) {
		x->holds = run_satisfies(&op->runs[0], until);
		keep_run(f, x, &op->runs[0]);
	}
	op_runs_done(op);
}

static void
look_at_job(struct wait *f, struct waited *x, struct op_get *op, int until)
{
	struct job_info *j = &op->job;

	x->holds = job_satisfies(j, until);
	/* Of a job that repeats, the run that is the latest now counts, however many follow. */
	if (!x->holds && job_repeats(j) && j->last != NULL)
		x->run = j->runs;
	if (j->last != NULL)
		keep_run(f, x, j->last);
	op_get_done(op);
}

static void
look_took(struct pass *p, union pass_op *any, const struct target *target)
{
	struct wait *f = p->frame;
	const struct wait_in *in = f->call.in;
	struct waited *x = &f->waited[target->cursor];

	if (any->op.result == -ENOENT) {
		pass_refuse(p, JOBD_NOT_FOUND, f->select.selectors->items[target->selector]);
		return;
	}
	if (any->op.result < 0) {
		pass_refuse_store(p, any->op.result);
		return;
	}
	if (any->op.kind == OP_RUNS)
		look_at_run(f, x, &any->runs, in->until);
	else
		look_at_job(f, x, &any->get, in->until);
	f->holding += x->holds;
	f->news = true;
}

static const struct pass_kind look_pass = { .fill = look_fill, .took = look_took };

/* Look at those of whom something was heard, or at all. */
static void
look_start(struct wait *f, bool all)
{
	struct target target;
	struct waited *x;

	for (size_t i = 0; all && i < f->select.found.n; i++)
		mark_dirty(f, &f->waited[i]);
	f->look.n = 0;
	while ((x = f->dirty) != NULL) {
		f->dirty = x->dirty_next;
		/* From now on an event makes it dirty again. */
		x->dirty = false;
		if (x->holds)
			continue;
		target = f->select.found.items[x - f->waited];
		target.cursor = x - f->waited;
		targets_add(&f->look, target);
	}
	if (all)
		f->look_again = loop_now(f->call.task.loop) + LOOK_AGAIN;
	pass_start(&f->pass, &look_pass, &f->look, &f->call.task);
}

/* Runs of those that hold, or do not, at most so many. */
static struct cJSON *
runs_reply(const struct wait *f, bool holds, bool all, size_t max)
{
	struct cJSON *runs = json_array();
	size_t n = 0;

	for (size_t i = 0; i < f->select.found.n && n < max; i++) {
		struct waited *x = &f->waited[i];

		if (x->last == NULL || (!all && x->holds != holds))
			continue;
		json_push(runs, run_reply(server_of(&f->call), x->last));
		n++;
	}
	return runs;
}

static bool
wait_holds(const struct wait *f)
{
	const struct wait_in *in = f->call.in;

	return f->holding == f->select.found.n || (in->any && f->holding > 0);
}

static void
wait_answer(struct wait *f)
{
	const struct wait_in *in = f->call.in;
	struct cJSON *reply = json_object();

	json_set(reply, "runs", runs_reply(f, true, !in->any, SIZE_MAX));
	call_reply(&f->call, reply);
}

/* How things stand meanwhile. */
static void
wait_report(struct wait *f)
{
	struct cJSON *reply = json_object();

	json_set_int(reply, "waiting", (long long)(f->select.found.n - f->holding));
	json_set(reply, "runs", runs_reply(f, false, false, REPORT_RUNS_MAX));
	call_reply_more(&f->call, reply);
	f->news = false;
	f->report = loop_now(f->call.task.loop) + REPORT_PAUSE;
	f->keepalive = loop_now(f->call.task.loop) + KEEPALIVE_USEC;
}

static usec_t
sooner(usec_t a, usec_t b)
{
	return a < b ? a : b;
}

/* The times, once the waiting begins. */
static void
wait_begin(struct wait *f)
{
	const struct wait_in *in = f->call.in;
	usec_t now = loop_now(f->call.task.loop);

	f->deadline = in->timeout < 0 ? USEC_NEVER : now + in->timeout;
	f->keepalive = f->call.more ? now + KEEPALIVE_USEC : USEC_NEVER;
	f->look_again = now + LOOK_AGAIN;
	f->report = in->report && f->call.more ? now : USEC_NEVER;
	f->pass.call = &f->call;
	f->pass.frame = f;
}

/* Some time has come. */
static void
wait_tick(struct wait *f)
{
	usec_t now = loop_now(f->call.task.loop);

	if (f->news && f->report <= now && call_can_write(&f->call))
		wait_report(f);
	if (f->keepalive > now)
		return;
	if (call_can_write(&f->call))
		call_reply_more(&f->call, NULL);
	f->keepalive = now + KEEPALIVE_USEC;
}

/* When there is something to be done without any event. */
static usec_t
wait_next(const struct wait *f)
{
	usec_t next = sooner(f->deadline, sooner(f->keepalive, f->look_again));

	/* A caller who does not read is told when he does. */
	return f->news && call_can_write(&f->call) ? sooner(next, f->report) : next;
}

static enum task_status
wait_step(struct task *t)
{
	struct wait *f = container_of(t, struct wait, call.task);
	const struct wait_in *in = f->call.in;

	TASK_BEGIN(t);

	wait_begin(f);
	if (!select_start_of(&f->select, &f->call, &in->which, SELECT_RUNS))
		goto out;
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->select.task));
	if (!select_told(&f->select, &f->call))
		goto out;
	wait_prepare(f);
	f->watcher.wants = wait_wants;
	f->watcher.context = f;
	watcher_start(&f->watcher, server_of(&f->call)->events, t);
	for (;;) {
		look_start(f, f->look_again <= loop_now(t->loop));
		AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->pass.task));
		if (!pass_told(&f->pass, &f->call))
			goto out;
		if (wait_holds(f))
			break;
		wait_tick(f);
		AWAIT_UNTIL(t, wait_next(f), f->dirty != NULL);
		if (t->err == -ECANCELED)
			goto out;
		if (t->err != 0 && f->deadline <= loop_now(t->loop)) {
			call_fail(&f->call, JOBD_TIMED_OUT, NULL, NULL);
			goto out;
		}
		wait_tick(f);
	}
	wait_answer(f);
out:
	if (f->watcher.hub != NULL)
		watcher_stop(&f->watcher);
	TASK_END(t, 0);
}

static void
wait_release(struct task *t)
{
	struct wait *f = container_of(t, struct wait, call.task);

	for (size_t i = 0; f->waited != NULL && i < f->select.found.n; i++)
		drop_run(&f->waited[i]);
	free(f->waited);
	map_done(&f->by_job);
	targets_done(&f->look);
	pass_done(&f->pass);
	select_done(&f->select);
	call_release(t);
}

static_assert(offsetof(struct wait, call.task) == 0, "a call is found by its task");

static void
wait_describe(const struct task *t, char *out, size_t n)
{
	const struct wait *f = (const void *)t;

	if (f->waited != NULL)
		snprintf(out, n, "%zu of %zu to hold", f->select.found.n - f->holding,
		    f->select.found.n);
}

static const struct task_kind wait_kind = {
	.name = "Wait",
	.step = wait_step,
	.release = wait_release,
	.describe = wait_describe,
};

const struct method method_wait = {
	.name = "io.jobd.Wait",
	.in = wait_fields,
	.in_size = sizeof(struct wait_in),
	.flags = METHOD_MORE,
	.frame_size = sizeof(struct wait),
	.kind = &wait_kind,
};
