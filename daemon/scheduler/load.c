/*
 * load: see load.h.  The dues are read on beyond the horizon by the same query: the first row that
 * is too far tells when to look again, and none at all that there is nothing to wait for.
 */
#include "daemon/scheduler/load.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/scheduler/scheduler-internal.h"
#include "proto/mem.h"

#define EVERYTHING ((instant){ INT64_MAX })

struct window_load {
	struct task		 task;
	struct scheduler	*s;
	struct window_place	 from;
	unsigned		 shrinks;
	usec_t			 backoff;
	bool			 over;
	struct op_due		 op;
};

static void
window_load_submit(struct window_load *f)
{
	f->shrinks = f->s->window.shrinks;
	f->op.op = (struct store_op){ .kind = OP_DUE };
	f->op.n = 0;
	f->op.more = false;
	f->op.after_due = f->from.due;
	/* The cursor is the row before the first one wanted. */
	f->op.after_id = f->from.id - 1;
	f->op.until = EVERYTHING;
	store_submit(f->s->store, &f->op.op, &f->task);
}

/* Take a page over.  True: the load is over. */
static bool
window_load_page(struct window_load *f)
{
	struct window *w = &f->s->window;
	instant now = loop_wall(f->s->loop);

	if (w->shrinks != f->shrinks) {
		/* What was given up meanwhile may lie before this page. */
		window_load_fail(w);
		return true;
	}
	for (size_t i = 0; i < f->op.n; i++) {
		const struct due_row *row = &f->op.rows[i];

		f->from = (struct window_place){ row->due, row->id };
		if (window_get(w, row->id) != NULL)
			continue;
		if (row->due.usec > now.usec + w->ahead || window_count(w) >= w->max) {
			window_load_end(w, f->from);
			return true;
		}
		(void)window_put(w, row, now);
	}
	if (!f->op.more) {
		window_load_end(w, (struct window_place){ { USEC_NEVER }, INT64_MAX });
		return true;
	}
	f->from.id++;
	return false;
}

static enum task_status
window_load_step(struct task *t)
{
	struct window_load *f = container_of(t, struct window_load, task);

	TASK_BEGIN(t);

	while (!f->over) {
		window_load_submit(f);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.op.done);
		if (!scheduler_store_failed(f->s, &f->op.op, &f->backoff)) {
			f->over = window_load_page(f);
			op_due_done(&f->op);
			continue;
		}
		SLEEP_UNTIL(t, loop_now(t->loop) + f->backoff);
		if (t->err == -ECANCELED)
			break;
	}
	if (!f->over)
		window_load_fail(&f->s->window);
	scheduler_changed(f->s);

	TASK_END(t, 0);
}

static void
window_load_release(struct task *t)
{
	free(container_of(t, struct window_load, task));
}

static const struct task_kind window_load_kind = {
	.name = "load dues",
	.step = window_load_step,
	.release = window_load_release,
};

/* ---- a flow: what its line had no room for ---- */

struct flow_load {
	struct task		 task;
	struct scheduler	*s;
	struct stand		 stand;		/* keeps the flow */
	struct window_place	 from;
	usec_t			 backoff;
	struct op_due		 op;
};

static void
flow_load_submit(struct flow_load *f)
{
	const struct flow *flow = f->stand.flow;

	f->op.op = (struct store_op){ .kind = OP_DUE };
	f->op.n = 0;
	f->op.after_due = f->from.due;
	f->op.after_id = f->from.id - 1;
	f->op.until = loop_wall(f->s->loop);
	f->op.some = true;
	f->op.uid = flow->uid;
	f->op.queue = flow->line->name;
	f->op.kind = flow->line->kind;
	store_submit(f->s->store, &f->op.op, &f->task);
}

/*
 * They take the way of everything that is due, through the window, so that they are decided anew;
 * one that finds no room in its line even so is noted there again.
 */
static void
flow_load_page(struct flow_load *f)
{
	struct window_place next = { { USEC_NEVER }, INT64_MAX };
	size_t room = flow_room(&f->s->queue.lines, f->stand.flow);
	instant now = loop_wall(f->s->loop);

	if (f->op.more)
		next = (struct window_place){ f->op.last_due, f->op.last_id + 1 };
	for (size_t i = 0; i < f->op.n; i++) {
		const struct due_row *row = &f->op.rows[i];

		if (window_get(&f->s->window, row->id) == NULL && room-- == 0) {
			next = (struct window_place){ row->due, row->id };
			break;
		}
		flow_load_has(f->stand.flow, (struct window_place){ row->due, row->id });
		if (window_get(&f->s->window, row->id) == NULL)
			(void)window_put(&f->s->window, row, now);
	}
	flow_load_end(&f->s->queue.lines, f->stand.flow, next);
}

static enum task_status
flow_load_step(struct task *t)
{
	struct flow_load *f = container_of(t, struct flow_load, task);

	TASK_BEGIN(t);

	for (;;) {
		flow_load_submit(f);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.op.done);
		if (!scheduler_store_failed(f->s, &f->op.op, &f->backoff))
			break;
		SLEEP_UNTIL(t, loop_now(t->loop) + f->backoff);
		if (t->err == -ECANCELED)
			break;
	}
	if (f->op.op.result == 0)
		flow_load_page(f);
	else
		flow_load_end(&f->s->queue.lines, f->stand.flow, f->from);
	op_due_done(&f->op);
	stand_done(&f->s->queue.lines, &f->stand);
	f->s->flow_loads--;
	scheduler_changed(f->s);

	TASK_END(t, 0);
}

static void
flow_load_release(struct task *t)
{
	free(container_of(t, struct flow_load, task));
}

static const struct task_kind flow_load_kind = {
	.name = "load a queue",
	.step = flow_load_step,
	.release = flow_load_release,
};

static void
flow_load_start(struct scheduler *s, struct flow *flow)
{
	struct flow_load *f = xcalloc(1, sizeof(*f));

	f->s = s;
	f->stand = stand_copy(&(struct stand){ .flow = flow });
	flow_load_begin(flow, &f->from);
	s->flow_loads++;
	task_start(&f->task, &flow_load_kind, &s->task);
}

/* ---- queued runs ---- */

struct queue_load {
	struct task		 task;
	struct scheduler	*s;
	int64_t			 after;
	usec_t			 backoff;
	bool			 over;
	struct op_active	 op;
};

static void
queue_load_submit(struct queue_load *f)
{
	f->op.op = (struct store_op){ .kind = OP_ACTIVE };
	f->op.after = f->after;
	f->op.state = RUN_QUEUED;
	store_submit(f->s->store, &f->op.op, &f->task);
}

static bool
queue_load_page(struct queue_load *f)
{
	bool over = !f->op.more;

	for (size_t i = 0; i < f->op.n; i++) {
		const struct active_row *row = &f->op.rows[i];
		struct stand st = stand_open(&f->s->queue.lines, row->uid, row->kind, &row->terms,
		    row->manual);

		f->after = row->cursor;
		(void)queue_add(&f->s->queue, row->job, row->run, row->kind, row->manual, &st);
		lane_retrying_set(&f->s->queue, row->job, row->job_retrying);
		/* What is queued and has been tried was asked for again. */
		if (row->attempt > 0)
			queue_asked(&f->s->queue, row->job, row->run);
	}
	/* What has no room waits in the store until there is some. */
	over = over || f->s->queue.full;
	op_active_done(&f->op);
	return over;
}

static enum task_status
queue_load_step(struct task *t)
{
	struct queue_load *f = container_of(t, struct queue_load, task);

	TASK_BEGIN(t);

	while (!f->over) {
		queue_load_submit(f);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.op.done);
		if (!scheduler_store_failed(f->s, &f->op.op, &f->backoff)) {
			f->over = queue_load_page(f);
			continue;
		}
		SLEEP_UNTIL(t, loop_now(t->loop) + f->backoff);
		if (t->err == -ECANCELED)
			break;
	}
	f->s->queue.loading = false;
	if (!f->over)
		f->s->queue.more = true;
	scheduler_changed(f->s);

	TASK_END(t, 0);
}

static void
queue_load_release(struct task *t)
{
	free(container_of(t, struct queue_load, task));
}

static const struct task_kind queue_load_kind = {
	.name = "load queued runs",
	.step = queue_load_step,
	.release = queue_load_release,
};

/* ---- runs that wait for their next attempt ---- */

struct retrying_load {
	struct task		 task;
	struct scheduler	*s;
	instant			 from;		/* with after: where the next page begins */
	int64_t			 after;
	usec_t			 backoff;
	bool			 over;
	struct op_active	 op;
};

static void
retrying_load_submit(struct retrying_load *f)
{
	f->op.op = (struct store_op){ .kind = OP_ACTIVE };
	f->op.after = f->after;
	f->op.after_at = f->from;
	f->op.state = RUN_RETRYING;
	store_submit(f->s->store, &f->op.op, &f->task);
}

/* Take a page over.  True: the load is over. */
static bool
retrying_load_page(struct retrying_load *f)
{
	struct retrying *r = &f->s->retrying;
	instant now = loop_wall(f->s->loop);
	bool over = !f->op.more;

	for (size_t i = 0; i < f->op.n; i++) {
		const struct active_row *row = &f->op.rows[i];

		f->from = row->retry_at;
		f->after = row->cursor;
		if (row->retry_at.usec > now.usec + r->ahead || retrying_full(r)) {
			retrying_load_end(r, f->from);
			op_active_done(&f->op);
			return true;
		}
		if (queue_knows(&f->s->queue, row->job, row->run))
			continue;
		retrying_add(r, &(struct retry){ .job = row->job, .run = row->run, .kind = row->kind,
		    .by_hand = row->manual, .at = row->retry_at,
		    .stand = stand_open(&f->s->queue.lines, row->uid, row->kind, &row->terms,
		    row->manual) }, now);
	}
	op_active_done(&f->op);
	if (over)
		retrying_load_end(r, (instant){ USEC_NEVER });
	return over;
}

static enum task_status
retrying_load_step(struct task *t)
{
	struct retrying_load *f = container_of(t, struct retrying_load, task);

	TASK_BEGIN(t);

	while (!f->over) {
		retrying_load_submit(f);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.op.done);
		if (!scheduler_store_failed(f->s, &f->op.op, &f->backoff)) {
			f->over = retrying_load_page(f);
			continue;
		}
		SLEEP_UNTIL(t, loop_now(t->loop) + f->backoff);
		if (t->err == -ECANCELED)
			break;
	}
	if (!f->over)
		retrying_load_end(&f->s->retrying, f->from);
	scheduler_changed(f->s);

	TASK_END(t, 0);
}

static void
retrying_load_release(struct task *t)
{
	free(container_of(t, struct retrying_load, task));
}

static const struct task_kind retrying_load_kind = {
	.name = "load retries",
	.step = retrying_load_step,
	.release = retrying_load_release,
};

static bool
is_due(const struct scheduler *s, instant at)
{
	return instant_is_set(at) && at.usec <= loop_wall(s->loop).usec;
}

void
load_if_wanted(struct scheduler *s)
{

	if (is_due(s, window_load_at(&s->window))) {
		struct window_load *f = xcalloc(1, sizeof(*f));

		f->s = s;
		window_load_begin(&s->window, &f->from);
		task_start(&f->task, &window_load_kind, &s->task);
	}
	while (s->flow_loads < FLOW_LOADS_MAX) {
		struct flow *flow = lines_wanting(&s->queue.lines);

		if (flow == NULL)
			break;
		flow_load_start(s, flow);
	}
	if (queue_wants_load(&s->queue)) {
		struct queue_load *f = xcalloc(1, sizeof(*f));

		f->s = s;
		s->queue.more = s->queue.full = false;
		s->queue.loading = true;
		task_start(&f->task, &queue_load_kind, &s->task);
	}
	if (is_due(s, retrying_load_at(&s->retrying))) {
		struct retrying_load *f = xcalloc(1, sizeof(*f));

		f->s = s;
		f->from = retrying_load_begin(&s->retrying);
		task_start(&f->task, &retrying_load_kind, &s->task);
	}
}
