/*
 * engine SECONDS SECONDS SECONDS: the same three waits as three tasks of the engine: the kernel is asked to wake it
 * three times.
 */
#include <stdlib.h>

#include "daemon/engine/loop.h"

struct nap {
	struct task	task;
	usec_t		duration;
};

struct root {
	struct task	task;
	struct nap	naps[3];
};

static enum task_status
nap_step(struct task *t)
{
	struct nap *f = container_of(t, struct nap, task);

	TASK_BEGIN(t);
	SLEEP_UNTIL(t, loop_now(t->loop) + f->duration);
	TASK_END(t, 0);
}

static const struct task_kind nap_kind = { .name = "nap", .step = nap_step };

/* Start all three, wait for all three. */
static enum task_status
root_step(struct task *t)
{
	struct root *f = container_of(t, struct root, task);

	TASK_BEGIN(t);
	for (int i = 0; i < 3; i++) {
		task_start(&f->naps[i].task, &nap_kind, t);
	}
	AWAIT(t, task_done(&f->naps[0].task) && task_done(&f->naps[1].task) && task_done(&f->naps[2].task));
	TASK_END(t, 0);
}

static const struct task_kind root_kind = { .name = "root", .step = root_step };

int
main(int argc, char **argv)
{
	struct loop *l = loop_new(LOOP_REAL);
	struct root root = { 0 };

	if (l == NULL || argc != 4)
		return 1;
	for (int i = 0; i < 3; i++)
		root.naps[i].duration = (usec_t)(atof(argv[i + 1]) * USEC_SEC);
	task_start_root(&root.task, &root_kind, l);
	loop_run(l);
	loop_free(l);
	return 0;
}
