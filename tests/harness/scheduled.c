/*
 * scheduled: see scheduled.h.
 */
#include "tests/harness/scheduled.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/engine/flight.h"

static enum task_status
root_step(struct task *t)
{
	struct scheduled *d = container_of(t, struct scheduled, root);

	TASK_BEGIN(t);

	AWAIT(t, d->stop);

	TASK_END(t, 0);
}

static const struct task_kind root_kind = { .name = "root", .step = root_step };

void
scheduled_init(struct scheduled *d, bool in_memory)
{
	*d = (struct scheduled){ .directory = "/tmp/jobd-unit.XXXXXX" };
	assert_non_null(mkdtemp(d->directory));
	if (in_memory)
		d->memory = memory_new(true);
}

void
scheduled_done(struct scheduled *d)
{
	DIR *directory = opendir(d->directory);
	struct dirent *e;

	while ((e = readdir(directory)) != NULL)
		(void)unlinkat(dirfd(directory), e->d_name, 0);
	closedir(directory);
	assert_int_equal(rmdir(d->directory), 0);
	memory_free(d->memory);
}

static void
store_start(struct scheduled *d, const struct backend *backend)
{
	struct store_config config = { .mode = STORE_INLINE };
	char error[STORE_ERROR_MAX];

	if (d->memory != NULL) {
		config.backend = &backend_memory;
		config.memory = d->memory;
	} else {
		config.backend = backend != NULL ? backend : &backend_sqlite;
		config.directory = d->directory;
	}
	d->store = store_open(&config, d->loop, error);
	assert_non_null(d->store);
}

void
scheduled_start(struct scheduled *d, struct scheduled_start start)
{
	struct scheduler_config *config = &start.config;

	d->loop = config->loop = loop_new(LOOP_VIRTUAL);
	if (start.recorded)
		assert_non_null(flight_start(d->loop));
	if (instant_is_set(start.wall))
		loop_set_wall(d->loop, start.wall);
	store_start(d, start.backend);
	d->world = (struct exec_world){ .loop = d->loop, .executors = start.executors };
	d->events = event_hub_new();
	d->zones = zones_new(NULL);
	/* A loop's virtual boot time begins anew, as if the host did. */
	(void)snprintf(d->boot, sizeof(d->boot), "%d", ++d->boots);
	config->store = d->store;
	config->world = &d->world;
	config->events = d->events;
	config->zones = d->zones;
	config->boot = d->boot;
	d->scheduler = scheduler_new(config);
	d->stop = false;
	task_start_root(&d->root, &root_kind, d->loop);
	store_start_task(d->store, &d->root);
	d->watcher = start.watcher;
	if (d->watcher != NULL)
		watcher_start(d->watcher, d->events, NULL);
	scheduler_start(d->scheduler, &d->root);
}

instant
scheduled_stop(struct scheduled *d)
{
	instant wall;

	d->stop = true;
	task_wake(&d->root);
	assert_int_equal(loop_run(d->loop), 0);
	wall = loop_wall(d->loop);
	if (d->watcher != NULL)
		watcher_stop(d->watcher);
	scheduler_free(d->scheduler);
	event_hub_free(d->events);
	zones_free(d->zones);
	store_close(d->store);
	loop_free(d->loop);
	return wall;
}

void
scheduled_run_for(struct scheduled *d, usec_t time)
{
	assert_int_equal(loop_run_until(d->loop, loop_now(d->loop) + time), 0);
}

int
scheduled_do(struct scheduled *d, struct store_op *op, enum op_kind kind)
{
	op->kind = kind;
	store_submit(d->store, op, NULL);
	while (!op->done)
		scheduled_run_for(d, 0);
	return op->result;
}
