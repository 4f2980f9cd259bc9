/*
 * select: see select.h.  One page of a selector after another, so that a pattern over millions of
 * jobs delays nobody; what is found is a list of ids, and each may be gone when it is used.
 */
#include "daemon/server/select.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json.h"
#include "proto/mem.h"

/* Selectors that are asked about at the same time. */
#define SELECT_SLICE 32

void
targets_add(struct targets *ts, struct target t)
{
	if (ts->n == ts->size) {
		ts->size = ts->size == 0 ? 8 : 2 * ts->size;
		ts->items = xrealloc(ts->items, ts->size * sizeof(*ts->items));
	}
	ts->items[ts->n++] = t;
}

void
targets_done(struct targets *ts)
{
	free(ts->items);
	*ts = (struct targets){ .n = 0 };
}

static void
refuse(struct select *s, enum jobd_error why, const char *a, const char *b)
{
	s->why = why;
	s->a = a;
	s->b = b;
}

/* A selector has found nothing: say also what else was wanted of it. */
static void
refuse_none(struct select *s, const char *selector)
{
	bool labels = s->labels != NULL && s->labels->n > 0;

	if (s->states == 0 && !labels) {
		refuse(s, JOBD_NOT_FOUND, selector, NULL);
		return;
	}
	snprintf(s->none, sizeof(s->none), "%.128s%s%s%s",
	    strcmp(selector, "*") == 0 ? "a job" : selector, labels ? " with such a label" : "",
	    labels && s->states != 0 ? " and" : "", s->states != 0 ? " in such a state" : "");
	refuse(s, JOBD_NOT_FOUND, s->none, NULL);
}

/* Take over a page. */
static void
take(struct select *s, const struct op_resolve *op)
{
	if (op->run != 0 && !(s->flags & SELECT_RUNS)) {
		snprintf(s->place, sizeof(s->place), "jobs[%zu]", s->i);
		refuse(s, JOBD_INVALID_FIELD, s->place, "names a run; a job is wanted");
		return;
	}
	for (size_t i = 0; i < op->n; i++) {
		if (op->run == 0 && map_get(&s->seen, op->ids[i]) != NULL)
			continue;
		if (op->run == 0)
			map_set(&s->seen, op->ids[i], s);
		targets_add(&s->found, (struct target){ .job = op->ids[i], .run = op->run,
		    .selector = s->i, .pattern = op->pattern });
	}
	/* A job named twice is found all the same. */
	s->hit |= op->n > 0;
	if ((s->flags & SELECT_PAGED) && s->selectors->n == 1 && op->more &&
	    s->found.n > SELECT_MAX - PAGE_MAX)
		s->next = op->next_after;
	else if (s->found.n > SELECT_MAX)
		refuse(s, JOBD_LIMIT_REACHED, "jobs selected by one call", NULL);
}

/* What the answer to a page means.  True: there is another page. */
static bool
look(struct select *s, struct op_resolve *op)
{
	const char *selector = s->selectors->items[s->i];
	bool more = false;

	if (op->op.result == -ENOENT) {
		refuse(s, JOBD_NOT_FOUND, selector, NULL);
	} else if (op->op.result == -EIDRM) {
		refuse(s, JOBD_NOT_FOUND, selector, strchr(selector, '.') != NULL ?
		    "retention has given it up" : JOB_ONCE_THERE);
	} else if (op->op.result < 0) {
		s->result = op->op.result;
		refuse(s, JOBD_STORE_UNAVAILABLE, NULL, NULL);
	} else {
		take(s, op);
		more = op->more && s->why == JOBD_OK && s->next == 0;
		if (!more && s->why == JOBD_OK && !s->hit && s->after == 0 &&
		    !(s->flags & SELECT_MAY_BE_EMPTY))
			refuse_none(s, selector);
		op->after = op->next_after;
		op_resolve_done(op);
	}
	return more;
}

static void
ask(struct select *s, struct op_resolve *op)
{
	op->op = (struct store_op){ .kind = OP_RESOLVE };
	store_submit(s->server->store, &op->op, &s->task);
}

/* The first pages of some selectors together: they share a way to the store and back. */
static void
slice_begin(struct select *s)
{
	s->at = 0;
	s->n = s->selectors->n - s->i;
	if (s->n > SELECT_SLICE)
		s->n = SELECT_SLICE;
	for (size_t k = 0; k < s->n; k++) {
		s->ops[k] = (struct op_resolve){ .selector = s->selectors->items[s->i + k],
		    .labels = s->labels, .states = s->states, .after = s->after,
		    .now = loop_wall(s->task.loop) };
		ask(s, &s->ops[k]);
	}
}

static bool
slice_is_done(const struct select *s)
{
	for (size_t k = s->n; k > s->at; k--) {
		if (!s->ops[k - 1].op.done)
			return false;
	}
	return true;
}

/* What comes after a refusal is not looked at. */
static void
slice_drop(struct select *s)
{
	for (; s->at < s->n; s->at++)
		op_resolve_done(&s->ops[s->at]);
}

static enum task_status
select_step(struct task *t)
{
	struct select *s = container_of(t, struct select, task);

	TASK_BEGIN(t);

	s->ops = xmalloc(SELECT_SLICE * sizeof(*s->ops));
	s->i = 0;
	while (s->i < s->selectors->n && s->why == JOBD_OK && !t->cancelled) {
		slice_begin(s);
		AWAIT_SHIELDED(t, USEC_NEVER, slice_is_done(s));
		while (s->at < s->n && s->why == JOBD_OK && !t->cancelled) {
			s->hit = false;
			while (look(s, &s->ops[s->at]) && !t->cancelled) {
				ask(s, &s->ops[s->at]);
				AWAIT_SHIELDED(t, USEC_NEVER, s->ops[s->at].op.done);
			}
			s->at++;
			s->i++;
		}
		slice_drop(s);
	}
	free(s->ops);
	s->ops = NULL;
	TASK_END(t, 0);
}

static const struct task_kind select_kind = {
	.name = "select",
	.step = select_step,
};

void
select_start(struct select *s, struct call *c, const struct strings *selectors, unsigned flags)
{
	s->server = server_of(c);
	s->selectors = selectors;
	s->flags = flags;
	task_start(&s->task, &select_kind, &c->task);
}

bool
select_start_of(struct select *s, struct call *c, const struct selection *in, unsigned flags)
{
	static char every[] = "*", *items[] = { every };
	static const struct strings all = { items, 1 };

	if (!states_read(c, &in->states, job_state_names, &s->states))
		return false;
	if (selection_is_empty(in)) {
		call_fail(c, JOBD_INVALID_FIELD, "jobs",
		    "must name jobs, unless label or state says which; * is every job");
		return false;
	}
	s->labels = &in->labels;
	if ((flags & SELECT_PAGED) && in->jobs.n <= 1)
		s->after = in->after;
	select_start(s, c, in->jobs.n > 0 ? &in->jobs : &all, flags);
	return true;
}

void
select_set_next(const struct select *s, struct cJSON *reply)
{
	if (s->next != 0)
		json_set_int(reply, "next", s->next);
}

bool
select_told(struct select *s, struct call *c)
{
	if (s->why == JOBD_OK)
		return true;
	if (s->why == JOBD_STORE_UNAVAILABLE)
		call_fail_store(c, s->result);
	else
		call_fail(c, s->why, s->a, s->b);
	return false;
}

void
select_done(struct select *s)
{
	targets_done(&s->found);
	map_done(&s->seen);
}
