/*
 * task: see task.h.  What happens to a task, in order: started (linked under its parent,
 * queued), stepped any number of times, returned, done when its last child is; then
 * its parent is woken and the frame released.  All of it in O(1) but cancelling,
 * which visits each task below once in its life, and timers.  Nothing here recurses:
 * a tree may be as deep as memory allows.
 */
#include "daemon/engine/task.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/engine/leaks.h"
#include "daemon/engine/loop-internal.h"

/* A line of the dump is cut at this length, and indented no further than for this depth. */
#define DUMP_LINE_MAX	512
#define DUMP_DEPTH_MAX	32

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
	MUST(task_alive(parent));
	task_init(t, kind, parent->loop, parent);
	/* The level holds for those who come later, too. */
	t->cancelled = parent->cancelled || parent->returned;
	t->cancel_epoch = t->loop->epoch;
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
	if (t == NULL || t->queued || t->done || t->kind == NULL)
		return;
	loop_queue_push(t->loop, t);
}

/* The task after t and all below it, in the tree below root. */
static const struct task *
tree_skip(const struct task *root, const struct task *t, unsigned *depth)
{
	while (t != root) {
		if (t->older != NULL)
			return t->older;
		t = t->parent;
		(*depth)--;
	}
	return NULL;
}

/* Those who are looking at the tasks, and would look at this one next. */
static void
walks_pass_over(struct loop *l, const struct task *t)
{
	for (struct task_walk *w = l->walks; w != NULL; w = w->next) {
		if (w->at == t)
			w->at = tree_skip(w->root, t, &w->depth);
		if (w->root == t)
			w->at = w->root = NULL;
	}
}

/* The function has returned and no child lives: tell the parent, give the frame back. */
static void
task_finish(struct task *t)
{
	const struct task_kind *kind = t->kind;
	struct task *parent = t->parent;
	struct loop *l = t->loop;

	MUST(t->child == NULL && !t->queued && !heap_has(&t->timer));
	if (ENGINE_SEES && __builtin_expect(l->walks != NULL, 0))
		walks_pass_over(l, t);
	t->done = true;
	t->since = 0;
	l->stats.tasks--;
	if (t->younger != NULL)
		t->younger->older = t->older;
	else if (parent != NULL)
		parent->child = t->older;
	if (t->older != NULL)
		t->older->younger = t->younger;
	task_wake(parent);
	if (ENGINE_SEES && __builtin_expect(l->suspect == t, 0))
		watchdog_suspect(l);
	l->ended_kind = kind;
	l->running = NULL;
	if (kind->release != NULL)
		kind->release(t);
	if (ENGINE_SEES && l->owners > 0)
		leaks_owner_gone(l, t, kind);
}

static void
task_return(struct task *t)
{
	t->returned = true;
	for (struct task *child = t->child; child != NULL; child = child->older)
		task_cancel(child);
	if (t->child != NULL)
		t->since = t->loop->now;
	else if (!t->queued)
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
		/* It may have woken itself. */
		if (!t->queued)
			loop_queue_push(t->loop, t);
	} else if (status == TASK_RETURNED) {
		task_return(t);
	}
}

/* Must the task stop waiting, though its condition does not hold?  0, or the reason. */
static inline int
wait_over(const struct task *t)
{
	if (t->cancelled && !t->shielded)
		return -ECANCELED;
	return t->deadline <= t->loop->now ? -ETIMEDOUT : 0;
}

bool
task_wait_begin(struct task *t, const struct task_place *place, usec_t deadline, bool shielded)
{
	struct loop *l = t->loop;

	MUST(t == l->running);
	t->deadline = deadline;
	t->shielded = shielded;
	t->err = wait_over(t);
	if (t->err != 0) {
		t->deadline = USEC_NEVER;
		t->shielded = false;
		return false;
	}
	t->place = place;
	t->since = l->now;
	if (deadline != USEC_NEVER)
		heap_insert(&l->timers, &t->timer, loop_round_up(l, deadline));
	return true;
}

void
task_wait_end(struct task *t)
{
	if (heap_has(&t->timer))
		heap_remove(&t->loop->timers, &t->timer);
	t->deadline = USEC_NEVER;
	t->shielded = false;
	t->place = NULL;
	t->since = 0;
}

bool
task_wait_again(struct task *t)
{
	t->err = wait_over(t);
	if (t->err == 0)
		return true;
	task_wait_end(t);
	return false;
}

const struct task *
task_next(const struct task *root, const struct task *t, unsigned *depth)
{
	if (t->child == NULL)
		return tree_skip(root, t, depth);
	(*depth)++;
	return t->child;
}

/*
 * Whoever is cancelled has only cancelled tasks below it, so such a subtree is left out:
 * when a deep tree unwinds, each level's return costs nothing again.
 */
void
task_cancel(struct task *t)
{
	const struct task *next;
	unsigned depth = 0;

	if (t == NULL || !task_alive(t))
		return;
	for (struct task *w = t; w != NULL; w = (struct task *)(uintptr_t)next) {
		if (w->cancelled) {
			next = tree_skip(t, w, &depth);
			continue;
		}
		w->cancelled = true;
		w->cancel_epoch = w->loop->epoch;
		if (!w->shielded && !w->returned)
			task_wake(w);
		next = task_next(t, w, &depth);
	}
}

void
task_walk_begin(struct task_walk *w, struct loop *l, const struct task *root)
{
	*w = (struct task_walk){ .next = l->walks, .loop = l, .root = root, .at = root };
	l->walks = w;
}

const struct task *
task_walk_next(struct task_walk *w, unsigned *depth)
{
	const struct task *t = w->at;

	*depth = w->depth;
	if (t != NULL)
		w->at = task_next(w->root, t, &w->depth);
	return t;
}

void
task_walk_end(struct task_walk *w)
{
	if (w->loop == NULL)
		return;
	for (struct task_walk **at = &w->loop->walks; *at != NULL; at = &(*at)->next) {
		if (*at == w) {
			*at = w->next;
			break;
		}
	}
	w->loop = NULL;
}

static void
describe_wait(const struct task *t, char *out, size_t n)
{
	out[0] = '\0';
	if (t->loop->running == t)
		snprintf(out, n, "nothing: it runs");
	else if (t->returned)
		snprintf(out, n, "the end of its children");
	else if (t->queued)
		snprintf(out, n, "its turn");
	else if (t->kind->describe != NULL)
		t->kind->describe(t, out, n);
	if (out[0] == '\0' && t->place != NULL)
		snprintf(out, n, "%s", t->place->condition != NULL ? t->place->condition : "its time");
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
task_serves(const struct task *t, char *out, size_t n)
{
	out[0] = '\0';
	for (const struct task *who = t; who != NULL && out[0] == '\0'; who = who->parent) {
		if (who->kind->serves != NULL)
			who->kind->serves(who, out, n);
	}
}

void
task_describe(const struct task *t, unsigned depth, struct task_info *out)
{
	out->task = t;
	out->depth = depth;
	task_serves(t, out->serves, sizeof(out->serves));
	describe_wait(t, out->waits_for, sizeof(out->waits_for));
	describe_place(t, out->place, sizeof(out->place));
}

void
task_dump(const struct task *root, int fd, unsigned max)
{
	unsigned depth = 0, n = 0;
	struct task_info info;
	char line[DUMP_LINE_MAX];

	for (const struct task *t = root; t != NULL; t = task_next(root, t, &depth), n++) {
		int length, indent = (int)(2 * (depth < DUMP_DEPTH_MAX ? depth : DUMP_DEPTH_MAX));

		if (n == max) {
			if (write(fd, "...\n", 4) < 0)
				return;
			break;
		}
		task_describe(t, depth, &info);
		length = snprintf(line, sizeof(line), "%*s%s %s waits for %s%s%s%s%s\n", indent, "", t->kind->name,
		    info.place, info.waits_for, info.serves[0] != '\0' ? ", serves " : "", info.serves,
		    t->cancelled ? " (cancelled)" : "", t->shielded ? " (shielded)" : "");
		if (length >= (int)sizeof(line)) {
			length = (int)sizeof(line) - 1;
			line[length - 1] = '\n';
		}
		if (write(fd, line, (size_t)length) < 0)
			return;
	}
}
