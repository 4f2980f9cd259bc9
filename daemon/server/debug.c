/*
 * debug: Block holds the loop up on purpose, Hog takes most of it, Leak leaves behind what should be gone, Slow makes commits
 * take long, Fail is a bug: for our tests of what finds them.  They are served only where $JOBD_STRICT is set, as our
 * tests do, to who might stop jobd anyway, and stand in no interface file.
 */
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon/engine/child.h"
#include "daemon/engine/kinds.h"
#include "daemon/engine/leaks.h"
#include "daemon/engine/watch.h"
#include "daemon/server/method.h"
#include "proto/mem.h"

#define BLOCK_MAX (10 * USEC_SEC)

struct block_in {
	int64_t	usec;
};

static const struct field block_fields[] = {
	{ "usec", FIELD_INT, offsetof(struct block_in, usec), .max = BLOCK_MAX },
	{ .type = FIELD_END },
};

static usec_t
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (usec_t)ts.tv_sec * USEC_SEC + ts.tv_nsec / 1000;
}

/* Compute. */
static void __attribute__((noinline))
debug_spin(usec_t d)
{
	usec_t until = now() + d;

	while (now() < until)
		;
}

/* As a call would that waits for a disk or a name: in the kernel. */
static void __attribute__((noinline))
debug_block(usec_t d)
{
	usec_t until = now() + d, left;

	while ((left = until - now()) > 0)
		(void)poll(NULL, 0, (int)(left / USEC_MSEC) + 1);
}

static enum task_status
block_step(struct task *t)
{
	struct call *c = container_of(t, struct call, task);
	const struct block_in *in = c->in;

	TASK_BEGIN(t);
	debug_block(in->usec);
	call_reply(c, NULL);
	TASK_END(t, 0);
}

static const struct task_kind block_kind = { .name = "Block", .step = block_step, .release = call_release };

const struct method method_debug_block = {
	.name = "io.jobd.debug.Block",
	.in = block_fields,
	.in_size = sizeof(struct block_in),
	.flags = METHOD_PRIVILEGED,
	.frame_size = sizeof(struct call),
	.kind = &block_kind,
};

/* ---- Hog: a task that uses most of the loop; or one that wakes itself without getting on ---- */

/* What half a minute is from then on, so that no test waits for one; a step of a hog; and how long there is one. */
#define HOG_SPAN	(200 * USEC_MSEC)
#define HOG_STEP	(5 * USEC_MSEC)
#define HOG_TIME	(5 * HOG_SPAN)

struct hog_in {
	bool	self_waking;
};

static const struct field hog_fields[] = {
	{ "selfWaking", FIELD_BOOL, offsetof(struct hog_in, self_waking), .flags = 0 },
	{ .type = FIELD_END },
};

struct hog {
	struct task	task;
	usec_t		until;
};

static enum task_status
greedy_step(struct task *t)
{
	struct hog *f = container_of(t, struct hog, task);

	TASK_BEGIN(t);
	while (loop_now(t->loop) < f->until && !task_cancelled(t)) {
		debug_spin(HOG_STEP);
		TASK_YIELD(t);
	}
	TASK_END(t, 0);
}

static enum task_status
circling_step(struct task *t)
{
	struct hog *f = container_of(t, struct hog, task);

	TASK_BEGIN(t);
	AWAIT(t, (task_wake(t), loop_now(t->loop) >= f->until));
	TASK_END(t, 0);
}

static void
hog_release(struct task *t)
{
	free(container_of(t, struct hog, task));
}

static const struct task_kind greedy_kind = { .name = "greedy hog", .step = greedy_step, .release = hog_release };
static const struct task_kind circling_kind = { .name = "circling hog", .step = circling_step, .release = hog_release };

static enum task_status
hog_step(struct task *t)
{
	struct call *c = container_of(t, struct call, task);
	const struct hog_in *in = c->in;
	struct hog *hog;

	TASK_BEGIN(t);
	hog = xcalloc(1, sizeof(*hog));
	hog->until = loop_now(t->loop) + HOG_TIME;
	kinds_set_span(t->loop, HOG_SPAN);
	task_start(&hog->task, in->self_waking ? &circling_kind : &greedy_kind, t->loop->root);
	call_reply(c, NULL);
	TASK_END(t, 0);
}

static const struct task_kind hog_kind = { .name = "Hog", .step = hog_step, .release = call_release };

const struct method method_debug_hog = {
	.name = "io.jobd.debug.Hog",
	.in = hog_fields,
	.in_size = sizeof(struct hog_in),
	.flags = METHOD_PRIVILEGED,
	.frame_size = sizeof(struct call),
	.kind = &hog_kind,
};

/* ---- Slow: each commit takes so much longer from now on ---- */

static enum task_status
slow_step(struct task *t)
{
	struct call *c = container_of(t, struct call, task);
	const struct block_in *in = c->in;

	TASK_BEGIN(t);
	store_set_delay(server_of(c)->store, in->usec);
	call_reply(c, NULL);
	TASK_END(t, 0);
}

static const struct task_kind slow_kind = { .name = "Slow", .step = slow_step, .release = call_release };

const struct method method_debug_slow = {
	.name = "io.jobd.debug.Slow",
	.in = block_fields,
	.in_size = sizeof(struct block_in),
	.flags = METHOD_PRIVILEGED,
	.frame_size = sizeof(struct call),
	.kind = &slow_kind,
};

/* ---- Fail: what must be true is not ---- */

static enum task_status
fail_step(struct task *t)
{
	TASK_BEGIN(t);
	MUST(t->loop == NULL);
	TASK_END(t, 0);
}

static const struct task_kind fail_kind = { .name = "Fail", .step = fail_step, .release = call_release };

const struct method method_debug_fail = {
	.name = "io.jobd.debug.Fail",
	.flags = METHOD_PRIVILEGED,
	.frame_size = sizeof(struct call),
	.kind = &fail_kind,
};

/* ---- Leak: a scope that is cancelled and does not end; a descriptor and a process whose owner has ended; a stray ---- */

/* Looked for so often from then on, so that no test waits for half a minute. */
#define LEAK_SWEEP (100 * USEC_MSEC)

struct leaky {
	struct task	task, stuck;
	struct watch	watch;
	struct child	child;
};

static enum task_status
stuck_step(struct task *t)
{
	TASK_BEGIN(t);
	AWAIT_SHIELDED(t, USEC_NEVER, false);
	TASK_END(t, 0);
}

static const struct task_kind stuck_kind = { .name = "stuck", .step = stuck_step };

static enum task_status
scope_step(struct task *t)
{
	struct leaky *f = container_of(t, struct leaky, task);

	TASK_BEGIN(t);
	task_start(&f->stuck, &stuck_kind, t);
	TASK_END(t, 0);
}

static const struct task_kind scope_kind = { .name = "leaky scope", .step = scope_step };

static enum task_status
owner_step(struct task *t)
{
	static char cat[] = "cat";
	static char *const argv[] = { cat, NULL }, *const envp[] = { NULL };
	struct leaky *f = container_of(t, struct leaky, task);
	struct spawn s = { .path = "/bin/cat", .argv = argv, .envp = envp, .stdio = { -1, -1, -1 }, .umask = 022 };
	const char *stage = NULL;
	int fd, ends[2];

	TASK_BEGIN(t);
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	MUST(fd >= 0 && watch_start(&f->watch, t->loop, fd, WATCH_READ, t) == 0);
	/* It ends with what it reads from: us, by the other end, of which nobody knows. */
	MUST(pipe2(ends, O_CLOEXEC) == 0);
	s.stdio[0] = ends[0];
	MUST(child_spawn(&f->child, t->loop, &s, t, &stage) == 0);
	(void)close(ends[0]);
	TASK_END(t, 0);
}

static const struct task_kind owner_kind = { .name = "leaky owner", .step = owner_step };

static enum task_status
leak_step(struct task *t)
{
	struct call *c = container_of(t, struct call, task);
	struct leaky *scope, *owner;

	TASK_BEGIN(t);
	scope = xcalloc(1, sizeof(*scope));
	owner = xcalloc(1, sizeof(*owner));
	leaks_set_sweep(t->loop, LEAK_SWEEP);
	/* Nobody frees them: that is the point. */
	task_start(&scope->task, &scope_kind, t->loop->root);
	task_start(&owner->task, &owner_kind, t->loop->root);
	call_reply(c, NULL);
	TASK_END(t, 0);
}

static const struct task_kind leak_kind = { .name = "Leak", .step = leak_step, .release = call_release };

const struct method method_debug_leak = {
	.name = "io.jobd.debug.Leak",
	.flags = METHOD_PRIVILEGED,
	.frame_size = sizeof(struct call),
	.kind = &leak_kind,
};
