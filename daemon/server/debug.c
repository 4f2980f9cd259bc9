/*
 * debug: Block: holds the loop up on purpose, for our tests of what finds it.  It is served only where $JOBD_STRICT
 * is set, as our tests do, and stands in no interface file.
 */
#include <poll.h>
#include <stddef.h>
#include <time.h>

#include "daemon/server/method.h"

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
