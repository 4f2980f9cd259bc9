/*
 * notifier: see notifier.h.
 */
#include "daemon/scheduler/notifier.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/fault.h"
#include "daemon/base/log.h"
#include "daemon/exec/runner.h"
#include "daemon/scheduler/scheduler-internal.h"
#include "proto/json.h"
#include "proto/mem.h"

struct courier {
	struct task			 task;
	struct notifier			*n;
	struct courier			*next;		/* in the notifier's list */
	const struct notify_target	*target;
	char				*name;		/* the target's, also for the store */
	struct courier			*before;	/* who had the same target when it was another, until it is done */
	struct courier			*after;		/* who waits for that */
	instant				 began;		/* with the target as it is configured */
	bool				 look;		/* there may be something new */
	int64_t				 test;		/* to be delivered next, by somebody's wish; or 0 */
	bool				 hurry;		/* a test came through: nothing waits any longer */
	usec_t				 backoff;	/* of a store that fails */
	/* the fold: monotonic, its beginning; messages in it */
	usec_t				 fold;
	int				 messages;
	/* what is under way */
	struct op_notices		 page;
	struct op_notice_settle		 settle;
	int64_t				 ids[NOTICES_PAGE];
	size_t				 taken;		/* rows of the page that are told, or given up, at once */
	char				*too_old;	/* why they are given up */
	struct job_spec			 spec;
	struct run_info			 run;
	struct exec			*exec;		/* NULL: none */
	/* what has been */
	instant				 delivered, tried;
	char				*error;
};

struct notifier {
	struct scheduler		*s;
	const struct notify_targets	*targets;
	struct courier			*couriers;	/* one a target */
	struct courier			*leaving;	/* of targets that were others, or are gone */
	struct task			*parent;	/* NULL: they are not started yet */
	struct past			*past;		/* what the leaving know */
	struct notifier_wait		*waits;
};

/* Targets as they were once. */
struct past {
	struct past		*next;
	struct notify_targets	 targets;
};

/* ---- what is told next ---- */

static void
courier_ask(struct courier *c)
{
	c->look = false;
	c->page.op = (struct store_op){ .kind = OP_NOTICES };
	c->page.target = c->name;
	c->page.until = c->hurry ? (instant){ INT64_MAX } : loop_wall(c->task.loop);
	c->page.id = c->test;
	c->test = 0;
	c->hurry = false;
	store_submit(c->n->s->store, &c->page.op, &c->task);
}

/* Nothing is due: until when may it sleep?  Clocks are set, so not for too long. */
static usec_t
courier_next(const struct courier *c)
{
	usec_t wait;

	if (!instant_is_set(c->page.next))
		return USEC_NEVER;
	wait = c->page.next.usec - loop_wall(c->task.loop).usec;
	return loop_now(c->task.loop) + (wait < 0 ? 0 : wait > WAIT_MAX ? WAIT_MAX : wait);
}

/* Has the fold had its messages?  A new one begins with the first after the end of the last. */
static bool
courier_has_to_wait(struct courier *c)
{
	usec_t now = loop_now(c->task.loop);

	if (c->target->fold == 0 || c->page.id != 0)
		return false;
	if (c->messages == 0 || now >= c->fold + c->target->fold) {
		c->fold = now;
		c->messages = 0;
	}
	return c->messages >= FOLD_BURST;
}

/* A test stands for itself, and is not tried again. */
static bool
is_test(const struct notice_row *row)
{
	const char *why, *event;
	struct cJSON *json = json_parse(row->notice, strlen(row->notice), &why);
	bool test;

	event = json_get_string(json, "event");
	test = event != NULL && strcmp(event, notice_event_names[NOTICE_TEST]) == 0;
	json_free(json);
	return test;
}

/*
 * How many of the page, from its first on, nobody had cared for within the deadline when we began: their target was
 * not configured, or jobd did not live.  Such news is none any more.  What has waited for us is another matter.
 */
static size_t
courier_too_old(const struct courier *c)
{
	usec_t oldest = c->began.usec - c->target->deadline;
	size_t n = 0;

	while (n < c->page.n && c->page.rows[n].due.usec < oldest && c->page.rows[n].at.usec < oldest)
		n++;
	return n;
}

static void
courier_give_up(struct courier *c)
{
	struct op_notice_settle *o = &c->settle;
	char text[WHEN_TEXT_MAX];

	for (size_t i = 0; i < c->taken; i++)
		c->ids[i] = c->page.rows[i].id;
	free(c->too_old);
	c->too_old = xasprintf("too old: it has waited for longer than the deadline of %s",
	    duration_print(c->target->deadline, text));
	*o = (struct op_notice_settle){ .op.kind = OP_NOTICE_SETTLE, .ids = c->ids, .n = c->taken,
	    .now = loop_wall(c->task.loop), .untried = true, .error = c->too_old };
	store_submit(c->n->s->store, &o->op, &c->task);
}

/* How many of the page go at once. */
static size_t
courier_fold(const struct courier *c)
{
	size_t n = 1;
	/* The last message of the fold, or more than it could have: then all of them. */
	bool fold = c->target->fold > 0 && (c->page.more || c->page.n > FOLD_BURST ||
	    (c->page.n > 1 && c->messages > 0 && c->messages + (int)c->page.n > FOLD_BURST));

	if (!fold || is_test(&c->page.rows[0]))
		return 1;
	while (n < c->page.n && !is_test(&c->page.rows[n]))
		n++;
	return n;
}

static void
courier_take(struct courier *c)
{
	const char *others[NOTICES_PAGE];
	struct notify_message m = { .id = c->page.rows[0].id, .notice = c->page.rows[0].notice,
	    .others = others };

	c->taken = courier_fold(c);
	for (size_t i = 0; i < c->taken; i++) {
		c->ids[i] = c->page.rows[i].id;
		m.folded += c->page.rows[i].folded + (i > 0);
		if (i > 0)
			others[m.others_n++] = c->page.rows[i].notice;
	}
	notify_target_spec(c->target, c->n->targets->sendmail, &m, &c->spec);
}

/* ---- the attempt ---- */

/*
 * It is a run of a job that is none, and its number is the first notice's.  A daemon that takes it up
 * after another one's death asks for the same attempt, and a runner that has it says so.
 */
static void
courier_execute(struct courier *c)
{
	struct scheduler *s = c->n->s;
	enum job_kind kind = job_spec_kind(&c->spec);
	const struct executor *executor = executor_find(s->world, kind);
	instant now = loop_wall(c->task.loop);

	fault_point(FAULT_NOTICE_BEFORE_DELIVERY);
	c->run = RUN_INFO_NONE;
	c->run.job = NOTICE_JOB;
	c->run.run = c->ids[0];
	c->run.attempt = c->page.rows[0].attempts + 1;
	c->run.kind = (int)kind;
	c->run.state = RUN_RUNNING;
	c->run.due = c->run.noticed = c->run.started = now;
	c->messages++;
	c->exec = xcalloc(1, executor->frame_size);
	c->exec->world = s->world;
	c->exec->spec = &c->spec;
	c->exec->run = &c->run;
	c->exec->uid = c->target->uid;
	task_start(&c->exec->task, executor->kind, &c->task);
}

static usec_t
delay_after(int64_t attempts)
{
	usec_t delay = NOTICE_BACKOFF_MIN;

	for (int64_t i = 1; i < attempts && delay < NOTICE_BACKOFF_MAX; i++)
		delay *= 2;
	return delay < NOTICE_BACKOFF_MAX ? delay : NOTICE_BACKOFF_MAX;
}

/* When to try again, and what will be too old by then. */
static void
courier_again(const struct courier *c, struct op_notice_settle *o)
{
	const struct notice_row *first = &c->page.rows[0];

	if (is_test(first))
		return;
	o->next = instant_add(o->now, delay_after(first->attempts + 1));
	o->oldest = o->next.usec - c->target->deadline;
}

/* Is it given up, or at least the first of what was told? */
static bool
courier_gives_up(const struct courier *c)
{
	return !instant_is_set(c->settle.next) || c->page.rows[0].at.usec < c->settle.oldest;
}

static void
courier_settle(struct courier *c)
{
	struct op_notice_settle *o = &c->settle;

	fault_point(FAULT_NOTICE_AFTER_DELIVERY);
	*o = (struct op_notice_settle){
		.op.kind = OP_NOTICE_SETTLE, .ids = c->ids, .n = c->taken,
		.now = loop_wall(c->task.loop), .delivered = c->run.state == RUN_SUCCEEDED,
		.error = c->run.reason, .output = c->run.output_bytes > 0,
	};
	if (!o->delivered)
		courier_again(c, o);
	store_submit(c->n->s->store, &o->op, &c->task);
}

/* ---- the outcome ---- */

static void
tell_waits(struct courier *c)
{
	for (struct notifier_wait *w = c->n->waits; w != NULL; w = w->next) {
		for (size_t i = 0; i < c->taken; i++) {
			if (w->done || w->id != c->ids[i])
				continue;
			w->done = true;
			w->delivered = c->settle.delivered;
			w->error = xstrdup(c->settle.delivered ? NULL : c->run.reason);
			task_wake(w->task);
		}
	}
}

/* It is committed. */
static void
courier_settled(struct courier *c)
{
	const struct op_notice_settle *o = &c->settle;
	struct scheduler *s = c->n->s;

	if (o->delivered) {
		c->delivered = o->now;
		c->hurry = c->page.id != 0;
	} else {
		c->tried = o->now;
		free(c->error);
		c->error = xstrdup(c->run.reason);
		log_warning("a notice was not delivered%s target=%s notice=%lld attempt=%lld",
		    courier_gives_up(c) ? ", giving it up" : ", trying again", c->target->name,
		    (long long)c->ids[0], (long long)c->run.attempt);
	}
	if (c->run.kind == KIND_COMMAND && s->world->runner != NULL)
		runner_acknowledge(s->world->runner, c->run.job, c->run.run, c->run.attempt);
	if (o->output)
		keeper_remove_output(s->keeper);
	tell_waits(c);
}

static void
courier_put_down(struct courier *c)
{
	op_notices_done(&c->page);
	job_spec_done(&c->spec);
	run_info_done(&c->run);
	free(c->exec);
	c->exec = NULL;
}

/* Who waits for it goes on; or, when it was dismissed before it began, waits for whom it has waited for. */
static void
courier_pass_on(struct courier *c)
{
	if (c->before != NULL)
		c->before->after = c->after;
	if (c->after != NULL)
		c->after->before = c->before;
	if (c->after != NULL && c->before == NULL)
		task_wake(&c->after->task);
	c->before = c->after = NULL;
}

/* ---- the task ---- */

static enum task_status
courier_step(struct task *t)
{
	struct courier *c = container_of(t, struct courier, task);
	struct scheduler *s = c->n->s;

	TASK_BEGIN(t);

	/* What that one has under way comes first, or it would be told twice. */
	AWAIT(t, c->before == NULL);
	c->began = loop_wall(t->loop);
	while (!t->cancelled) {
		courier_ask(c);
		AWAIT_SHIELDED(t, USEC_NEVER, c->page.op.done);
		if (scheduler_store_failed(s, &c->page.op, &c->backoff)) {
			SLEEP_UNTIL(t, loop_now(t->loop) + c->backoff);
			continue;
		}
		if (c->page.n == 0) {
			AWAIT_UNTIL(t, courier_next(c), c->look);
			continue;
		}
		c->taken = courier_too_old(c);
		if (c->taken > 0) {
			courier_give_up(c);
			AWAIT_SHIELDED(t, USEC_NEVER, c->settle.op.done);
			if (scheduler_store_failed(s, &c->settle.op, &c->backoff))
				SLEEP_UNTIL(t, loop_now(t->loop) + c->backoff);
			else
				log_warning("notices are too old to be told, giving them up target=%s notices=%zu"
				    " first=%lld", c->target->name, c->taken, (long long)c->ids[0]);
			op_notices_done(&c->page);
			continue;
		}
		if (courier_has_to_wait(c)) {
			op_notices_done(&c->page);
			AWAIT_UNTIL(t, c->fold + c->target->fold, c->test != 0);
			continue;
		}
		if (t->cancelled)
			break;
		courier_take(c);
		courier_execute(c);
		AWAIT(t, task_done(&c->exec->task));
		if (t->err == -ECANCELED)
			AWAIT_SHIELDED(t, USEC_NEVER, task_done(&c->exec->task));
		/* It let go, because we stop: the next daemon delivers it. */
		if (!run_state_final((enum run_state)c->run.state))
			break;
		for (;;) {
			courier_settle(c);
			AWAIT_SHIELDED(t, USEC_NEVER, c->settle.op.done);
			if (!scheduler_store_failed(s, &c->settle.op, &c->backoff)) {
				courier_settled(c);
				break;
			}
			SLEEP_UNTIL(t, loop_now(t->loop) + c->backoff);
			if (t->err == -ECANCELED)
				break;
		}
		courier_put_down(c);
	}
	courier_put_down(c);
	courier_pass_on(c);

	TASK_END(t, 0);
}

static void
courier_describe(const struct task *t, char *out, size_t n)
{
	const struct courier *c = container_of(t, const struct courier, task);
	const char *words = "something to tell";

	if (c->before != NULL)
		words = "the delivery before it changed";
	else if (c->exec != NULL)
		words = "a delivery";
	else if (c->page.op.lent)
		words = "the store";
	else if (instant_is_set(c->page.next))
		words = "the next attempt";
	(void)snprintf(out, n, "%s, target %s", words, c->target->name);
}

static const struct task_kind courier_kind = {
	.name = "courier",
	.step = courier_step,
	.describe = courier_describe,
};

/* ---- all of them ---- */

static struct courier *
courier_find(struct courier *list, const char *name)
{
	while (list != NULL && strcmp(list->name, name) != 0)
		list = list->next;
	return list;
}

/* The latest that has not left yet. */
static struct courier *
leaving_find(const struct notifier *n, const char *name)
{
	struct courier *c = n->leaving;

	while (c != NULL && (!task_alive(&c->task) || strcmp(c->name, name) != 0))
		c = c->next;
	return c;
}

static void
courier_add(struct notifier *n, const struct notify_target *target)
{
	struct courier *c = xcalloc(1, sizeof(*c));

	c->n = n;
	c->target = target;
	c->name = xstrdup(target->name);
	c->next = n->couriers;
	n->couriers = c;
	c->before = leaving_find(n, c->name);
	if (c->before != NULL)
		c->before->after = c;
	if (n->parent != NULL)
		task_start(&c->task, &courier_kind, n->parent);
}

static void
couriers_free(struct courier *c)
{
	struct courier *next;

	for (; c != NULL; c = next) {
		MUST(!task_alive(&c->task));
		next = c->next;
		free(c->error);
		free(c->too_old);
		free(c->name);
		free(c);
	}
}

static void
past_free(struct notifier *n)
{
	struct past *p;

	while ((p = n->past) != NULL) {
		n->past = p->next;
		notify_targets_done(&p->targets);
		free(p);
	}
}

/* Those that have left, once all have. */
static void
leaving_sweep(struct notifier *n)
{
	for (const struct courier *c = n->leaving; c != NULL; c = c->next)
		if (task_alive(&c->task))
			return;
	couriers_free(n->leaving);
	n->leaving = NULL;
	past_free(n);
}

struct notifier *
notifier_new(struct scheduler *s, const struct notify_targets *targets)
{
	struct notifier *n = xcalloc(1, sizeof(*n));

	n->s = s;
	n->targets = targets;
	for (size_t i = 0; targets != NULL && i < targets->n; i++)
		courier_add(n, &targets->items[i]);
	return n;
}

void
notifier_free(struct notifier *n)
{
	if (n == NULL)
		return;
	couriers_free(n->couriers);
	couriers_free(n->leaving);
	past_free(n);
	free(n);
}

void
notifier_start(struct notifier *n, struct task *parent)
{
	n->parent = parent;
	for (struct courier *c = n->couriers; c != NULL; c = c->next)
		task_start(&c->task, &courier_kind, parent);
}

/* It lets go of what it has under way, as at the end of jobd; the next for this target takes that up. */
static void
courier_dismiss(struct notifier *n, struct courier *c)
{
	c->next = n->leaving;
	n->leaving = c;
	if (task_alive(&c->task))
		task_cancel(&c->task);
}

void
notifier_retarget(struct notifier *n, struct notify_targets *old)
{
	struct past *p = xcalloc(1, sizeof(*p));
	struct courier *all = n->couriers, *next;

	p->targets = *old;
	p->next = n->past;
	n->past = p;
	n->couriers = NULL;
	for (struct courier *c = all; c != NULL; c = next) {
		const struct notify_target *now = notify_target_find(n->targets, c->name);

		next = c->next;
		if (now == NULL || !c->target->stays) {
			courier_dismiss(n, c);
			continue;
		}
		c->target = now;
		c->next = n->couriers;
		n->couriers = c;
	}
	for (size_t i = 0; i < n->targets->n; i++)
		if (courier_find(n->couriers, n->targets->items[i].name) == NULL)
			courier_add(n, &n->targets->items[i]);
	leaving_sweep(n);
}

void
notifier_look(struct notifier *n)
{
	for (struct courier *c = n->couriers; c != NULL; c = c->next) {
		c->look = true;
		if (task_alive(&c->task))
			task_wake(&c->task);
	}
}

void
notifier_wait(struct notifier *n, struct notifier_wait *w)
{
	struct courier *c = courier_find(n->couriers, w->target);

	w->next = n->waits;
	n->waits = w;
	if (c != NULL)
		c->test = w->id;
	notifier_look(n);
}

void
notifier_unwait(struct notifier *n, struct notifier_wait *w)
{
	struct notifier_wait **at = &n->waits;

	while (*at != NULL && *at != w)
		at = &(*at)->next;
	if (*at == w)
		*at = w->next;
}

void
notifier_target(const struct notifier *n, const char *name, struct target_info *out)
{
	const struct courier *c = courier_find(n->couriers, name);

	if (c == NULL)
		return;
	out->kind = (int)notify_target_kind(c->target);
	out->delivered = c->delivered;
	out->tried = c->tried;
	free(out->error);
	out->error = xstrdup(c->error);
}
