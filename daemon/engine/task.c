/*
 * task: see task.h.  What happens to a task, in order: started (linked under its parent,
 * queued), stepped any number of times, returned, done when its last child is; then
 * its parent is woken and the frame released.  All of it in O(1) but cancelling,
 * which visits the subtree.
 */
#include "daemon/engine/task.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/engine/loop-internal.h"

static void
task_init(struct task *t, const struct task_kind *kind, struct loop *l, struct task *parent)
{
	*t = (struct task){
		.kind = kind,
		.loop = l,
		.parent = parent,
		.deadline = USEC_NEVER,
		.timer = { HEAP_NONE },
	};
	l->stats.tasks++;
	loop_queue_push(l, t);
}

void
task_start(struct task *t, const struct task_kind *kind, struct task *parent)
{
	MUST(!parent->done);
	task_init(t, kind, parent->loop, parent);
	/* The level holds for those who come later, too. */
	t->cancelled = parent->cancelled;
	t->older = parent->child;
	if (t->older != NULL)
		t->older->younger = t;
	parent->child = t;
}

void
task_start_root(struct task *t, const struct task_kind *kind, struct loop *l)
{
	MUST(l->root == NULL || l->root->done);
	MUST(kind->release == NULL);	/* the loop looks at it after its end */
	task_init(t, kind, l, NULL);
	l->root = t;
}

void
task_wake(struct task *t)
{
	if (t == NULL || t->queued || t->done)
		return;
	loop_queue_push(t->loop, t);
}

static void
task_disarm(struct task *t)
{
	if (heap_has(&t->timer))
		heap_remove(&t->loop->timers, &t->timer);
}

/* The function has returned and no child lives: tell the parent, give the frame back. */
static void
task_finish(struct task *t)
{
	struct task *parent = t->parent;

	MUST(t->child == NULL && !t->queued);
	task_disarm(t);
	t->done = true;
	t->loop->stats.tasks--;
	if (t->younger != NULL)
		t->younger->older = t->older;
	else if (parent != NULL)
		parent->child = t->older;
	if (t->older != NULL)
		t->older->younger = t->younger;
	task_wake(parent);
	if (t->kind->release != NULL)
		t->kind->release(t);
}

static void
task_return(struct task *t)
{
	struct task *child;

	t->returned = true;
	t->place = NULL;
	for (child = t->child; child != NULL; child = child->older)
		task_cancel(child);
	if (t->child == NULL && !t->queued)
		task_finish(t);
}

/* One step.  The caller has taken the task out of the queue. */
void
task_step(struct task *t)
{
	enum task_status status;

	if (t->returned) {
		/* Woken by its last child, or once too often. */
		if (t->child == NULL)
			task_finish(t);
		return;
	}
	status = t->kind->step(t);
	if (status == TASK_AGAIN) {
		if (!t->queued)
			loop_queue_push(t->loop, t);
	} else if (status == TASK_RETURNED) {
		task_return(t);
	}
}

enum task_status
task_suspend(struct task *t)
{
	struct loop *l = t->loop;

	if (t->cancelled && !t->shielded) {
		t->err = -ECANCELED;
		return TASK_AGAIN;
	}
	if (t->deadline != USEC_NEVER) {
		if (t->deadline <= l->now) {
			t->err = -ETIMEDOUT;
			return TASK_AGAIN;
		}
		if (!heap_has(&t->timer))
			heap_insert(&l->timers, &t->timer, loop_round_up(l, t->deadline));
	}
	if (t->since == 0)
		t->since = l->now;
	return TASK_WAIT;
}

void
task_resume_from(struct task *t)
{
	task_disarm(t);
	t->place = NULL;
	t->since = 0;
}

/* The task after t in the tree below root, parents first. */
static struct task *
tree_next(const struct task *root, struct task *t, unsigned *depth)
{
	if (t->child != NULL) {
		(*depth)++;
		return t->child;
	}
	while (t != root) {
		if (t->older != NULL)
			return t->older;
		t = t->parent;
		(*depth)--;
	}
	return NULL;
}

void
task_cancel(struct task *t)
{
	unsigned depth = 0;

	if (t->kind == NULL || t->done)
		return;
	for (struct task *w = t; w != NULL; w = tree_next(t, w, &depth)) {
		if (w->cancelled)
			continue;
		w->cancelled = true;
		if (!w->shielded || w->place == NULL)
			task_wake(w);
	}
}

const struct task *
task_next(const struct task *root, const struct task *t, unsigned *depth)
{
	/* The tree is not changed by looking at it. */
	return tree_next(root, (struct task *)(uintptr_t)t, depth);
}

static void
describe_wait(const struct task *t, char *out, size_t n)
{
	out[0] = '\0';
	if (t->returned) {
		snprintf(out, n, "the end of its children");
		return;
	}
	if (t->queued || t->line == 0) {
		snprintf(out, n, "its turn");
		return;
	}
	if (t->loop->running == t) {
		snprintf(out, n, "nothing: it runs");
		return;
	}
	if (t->kind->describe != NULL)
		t->kind->describe(t, out, n);
	if (out[0] == '\0' && t->place != NULL) {
		if (strcmp(t->place->condition, "false") == 0)
			snprintf(out, n, "the time");
		else
			snprintf(out, n, "%s", t->place->condition);
	}
}

static void
describe_place(const struct task *t, char *out, size_t n)
{
	const char *slash;

	if (t->place == NULL) {
		snprintf(out, n, "%s", t->returned ? "end" : t->line == 0 ? "start" : "running");
		return;
	}
	slash = strrchr(t->place->file, '/');
	snprintf(out, n, "%s:%d", slash == NULL ? t->place->file : slash + 1, t->place->line);
}

void
task_describe(const struct task *t, unsigned depth, struct task_info *out)
{
	const struct task *who;

	out->task = t;
	out->depth = depth;
	out->serves[0] = '\0';
	for (who = t; who != NULL && out->serves[0] == '\0'; who = who->parent) {
		if (who->kind->serves != NULL)
			who->kind->serves(who, out->serves, sizeof(out->serves));
	}
	describe_wait(t, out->waits_for, sizeof(out->waits_for));
	describe_place(t, out->place, sizeof(out->place));
}

void
task_dump(const struct task *root, int fd, unsigned max)
{
	unsigned depth = 0, n = 0;
	struct task_info info;
	char line[512];
	int length;

	for (const struct task *t = root; t != NULL && n < max; t = task_next(root, t, &depth), n++) {
		task_describe(t, depth, &info);
		length = snprintf(line, sizeof(line), "%*s%s %s waits for %s%s%s%s%s\n", (int)(2 * depth), "",
		    t->kind->name, info.place, info.waits_for, info.serves[0] != '\0' ? " serves=" : "",
		    info.serves, t->cancelled ? " (cancelled)" : "", t->shielded ? " (shielded)" : "");
		if (length > (int)sizeof(line) - 1)
			length = (int)sizeof(line) - 1;
		if (write(fd, line, (size_t)length) < 0)
			return;
	}
}
