/*
 * pass: see pass.h.  When the caller hangs up, the slice under way is finished and no other
 * begun.
 */
#include "daemon/server/pass.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/mem.h"

static bool
slice_is_done(const struct pass *p)
{
	/* They are answered in order, mostly together: look at the last one first. */
	for (size_t i = p->n; i > 0; i--) {
		if (!p->ops[i - 1].op.done)
			return false;
	}
	return true;
}

static void
slice_begin(struct pass *p)
{
	p->n = p->targets->n - p->at;
	if (p->n > PASS_SLICE)
		p->n = PASS_SLICE;
	for (size_t i = 0; i < p->n; i++) {
		p->ops[i] = (union pass_op){ .op = { .kind = 0 } };
		p->kind->fill(p, &p->ops[i], &p->targets->items[p->at + i]);
		store_submit(server_of(p->call)->store, &p->ops[i].op, &p->task);
	}
}

static void
slice_end(struct pass *p)
{
	for (size_t i = 0; i < p->n; i++) {
		p->changed += p->kind->changes && p->ops[i].op.result >= 0;
		p->kind->took(p, &p->ops[i], &p->targets->items[p->at + i]);
	}
	p->at += p->n;
}

static enum task_status
pass_step(struct task *t)
{
	struct pass *p = container_of(t, struct pass, task);

	TASK_BEGIN(t);

	p->ops = xmalloc(PASS_SLICE * sizeof(*p->ops));
	while (p->at < p->targets->n && p->why == JOBD_OK && !t->cancelled) {
		slice_begin(p);
		AWAIT_SHIELDED(t, USEC_NEVER, slice_is_done(p));
		slice_end(p);
	}
	free(p->ops);
	p->ops = NULL;
	TASK_END(t, 0);
}

static const struct task_kind pass_kind = {
	.name = "pass",
	.step = pass_step,
};

void
pass_start(struct pass *p, const struct pass_kind *kind, const struct targets *targets,
    struct task *parent)
{
	MUST(p->why == JOBD_OK);
	p->kind = kind;
	p->targets = targets;
	p->at = 0;
	task_start(&p->task, &pass_kind, parent);
}

void
pass_refuse(struct pass *p, enum jobd_error why, const char *a)
{
	if (p->why != JOBD_OK)
		return;
	p->why = why;
	p->a = xstrdup(a);
}

void
pass_refuse_store(struct pass *p, int result)
{
	pass_refuse(p, JOBD_STORE_UNAVAILABLE, NULL);
	p->result = result;
}

/* Something came between the look and the change, or the store gave out: no half is left unsaid. */
static void
tell_half(const struct pass *p, struct call *c)
{
	const char *what = p->why == JOBD_STORE_UNAVAILABLE ? strerror(-p->result) :
	    p->a != NULL ? p->a : error_row(p->why)->text;
	char *why = xasprintf("%s; before that %zu other%s done", what, p->changed, p->changed == 1 ? " was" : "s were");

	call_fail(c, JOBD_CONFLICT, why, NULL);
	free(why);
}

bool
pass_told(struct pass *p, struct call *c)
{
	if (p->why == JOBD_OK)
		return true;
	if (p->changed > 0)
		tell_half(p, c);
	else if (p->why == JOBD_STORE_UNAVAILABLE)
		call_fail_store(c, p->result);
	else
		call_fail(c, p->why, p->a, NULL);
	return false;
}

void
pass_done(struct pass *p)
{
	free(p->a);
	p->a = NULL;
}
