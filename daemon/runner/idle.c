/*
 * idle: see idle.h.
 */
#include "daemon/runner/idle.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/engine/loop.h"
#include "daemon/runner/runner.h"
#include "proto/mem.h"

static usec_t
due(const struct attempt *a)
{
	return a->output.last < USEC_NEVER - a->idle->limit ? a->output.last + a->idle->limit :
	    USEC_NEVER;
}

static enum task_status
idle_step(struct task *t)
{
	struct idle *i = container_of(t, struct idle, task);
	struct attempt *a = container_of(t->parent, struct attempt, task);

	TASK_BEGIN(t);

	/* Output puts it off without waking us: we look again when it would have been due. */
	while (t->err != -ECANCELED && due(a) > loop_now(t->loop))
		SLEEP_UNTIL(t, due(a));
	if (t->err != -ECANCELED && !a->child.exited) {
		i->over = true;
		attempt_cancel(a);
	}
	TASK_END(t, 0);
}

static void
idle_describe(const struct task *t, char *out, size_t n)
{
	(void)t;
	(void)snprintf(out, n, "output to stop for too long");
}

static const struct task_kind idle_kind = {
	.name = "idle",
	.step = idle_step,
	.describe = idle_describe,
};

void
idle_start(struct attempt *a, usec_t limit)
{
	if (limit <= 0)
		return;
	a->idle = xcalloc(1, sizeof(*a->idle));
	a->idle->limit = limit;
	task_start(&a->idle->task, &idle_kind, &a->task);
}

char *
idle_reason(const struct attempt *a)
{
	char text[WHEN_TEXT_MAX];

	return xasprintf("it wrote nothing for %s", duration_print(a->idle->limit, text));
}
