/*
 * scheduled: a scheduler and its store on the virtual clock, as often as a test has one begin: what is in the store
 * stays in between, on disk or in memory.
 */
#ifndef HARNESS_SCHEDULED_H
#define HARNESS_SCHEDULED_H

#include "daemon/engine/loop.h"
#include "daemon/scheduler/scheduler.h"
#include "daemon/store/memory.h"

struct scheduled {
	char			 directory[64];
	struct memory		*memory;	/* instead of the disk; or NULL */
	char			 boot[16];
	int			 boots;
	/* from a start to the stop */
	struct task		 root;
	bool			 stop;
	struct loop		*loop;
	struct store		*store;
	struct event_hub	*events;
	struct watcher		*watcher;
	struct zones		*zones;
	struct scheduler	*scheduler;
	struct exec_world	 world;
};

/* Of one start. */
struct scheduled_start {
	instant			 wall;		/* what the clock says; none: as a new loop has it */
	bool			 recorded;	/* its loop has a flight recorder */
	const struct backend	*backend;	/* of the store on disk; NULL: SQLite's */
	const struct executor *const *executors;
	struct watcher		*watcher;	/* from before the scheduler on; or NULL */
	struct scheduler_config	 config;	/* but for all that is ours */
};

/* Nothing is there yet; and when it is stopped, all is removed. */
void scheduled_init(struct scheduled *d, bool in_memory);
void scheduled_done(struct scheduled *d);

void scheduled_start(struct scheduled *d, struct scheduled_start start);
/* What the clock said at its end. */
instant scheduled_stop(struct scheduled *d);

void scheduled_run_for(struct scheduled *d, usec_t time);
/* One op: its result. */
int scheduled_do(struct scheduled *d, struct store_op *op, enum op_kind kind);

#endif
