/*
 * store: durable state, on a thread of its own.
 *
 * A task fills an op, submits it, and waits, shielded, for op.done: the op is lent to the
 * store until then and lives in the task's frame.  The thread takes every write asked so far as one
 * transaction, each under a savepoint, so that the price of a commit is shared and a
 * refused op undoes only itself; after the commit all are delivered to the loop
 * together, in the order asked.  A failed commit fails every op of the batch with the
 * same error, and nothing of it is in the database.  (When the disk fails on until the
 * process ends, the next one may find the batch there after all, whole: as after a
 * power failure in the middle of a commit.)  Reads are bounded pages; they are
 * answered between batches, and writes go first.
 *
 * Durable before visible: op.done with result 0 means committed (SQLite: WAL,
 * synchronous=FULL).
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/histogram.h"
#include "daemon/engine/mailbox.h"
#include "proto/when.h"

struct loop;
struct task;
struct store;
struct backend;
struct memory;

/* Ops waiting at most; beyond it optional ones (adds, lists) are refused with -EBUSY. */
#define STORE_OPS_MAX	16384

enum store_mode {
	STORE_THREAD,	/* a thread of its own */
	STORE_INLINE,	/* the same batches, run by a task on the loop: for simulation */
};

/* The head of every op (ops.h).  kind is set before submitting, the rest by the store. */
struct store_op {
	struct letter	 letter;
	unsigned	 kind;		/* enum op_kind */
	struct task	*waiter;
	int		 result;	/* 0, or -errno; valid once done */
	bool		 lent;		/* submitted, not yet done */
	bool		 done;
};

struct store_config {
	/* state directory, made (0700) if missing; NULL: the backend needs none */
	const char		*directory;
	const struct backend	*backend;	/* NULL: SQLite, in directory/jobd.db */
	enum store_mode		 mode;
	struct memory		*memory;	/* of backend_memory: what is in it; outlives the store */
	/* a lock of the directory that was kept (store_keep_lock()), to be taken over; 0: none */
	int			 lock_fd;
	/* SQLite: name of a registered VFS, for tests; or NULL */
	const char		*vfs;
	/* SQLite: children told of an end in one op, at most, for tests; 0: as it sees fit */
	int			 told_max;
};

#define STORE_ERROR_MAX 512

/*
 * Lock the directory, open, migrate.  NULL, with what is wrong and what to do in error:
 * held by another jobd (its pid is told), from a newer version, damaged, no rights.
 */
struct store *store_open(const struct store_config *config, struct loop *l,
    char error[STORE_ERROR_MAX]);

/* STORE_INLINE only: start the task that runs the batches, as a child of parent. */
void store_start_task(struct store *s, struct task *parent);

/*
 * Hand an op over; t (may be NULL) is woken when it is done, from the loop, never from inside
 * this call.
 */
void store_submit(struct store *s, struct store_op *op, struct task *t);

/*
 * A descriptor that keeps the directory locked beyond store_close(), for the program that follows
 * us; the caller's.  Or -errno.
 */
int store_keep_lock(const struct store *s);

/* Nothing may be lent any more... it is drained first; then closed and unlocked.  NULL is fine. */
void store_close(struct store *s);

/* What is stored; as of the last moment when the store had nothing to do, or a little before. */
struct store_sizes {
	int64_t	database, log;	/* files, bytes */
	int64_t	free;		/* of database: pages that nothing is in, for what comes */
	int64_t	runs;
	int64_t	output;		/* bytes that runs hold at the runner */
};

/* A commit that took longer than this is kept, the latest so many. */
#define STORE_SLOW_USEC	(250 * USEC_MSEC)
#define STORE_SLOW_KEPT	8

struct store_slow {
	instant		 at;		/* it was over */
	usec_t		 took;		/* 0: none */
	uint64_t	 ops;
};

struct store_stats {
	uint64_t		 commits, ops, failures;
	int64_t			 waiting;
	struct store_slow	 slow[STORE_SLOW_KEPT];	/* in no order */
	uint64_t		 slow_n;		/* so far */
	struct histogram	 commit;	/* usec of a batch: begin to committed */
	struct store_sizes	 sizes;
	/* of the last failed commit; empty since a later one succeeded */
	char			 error[128];
};

/* For tests: from now on each commit takes so much longer, as on a disk that is slow. */
void store_set_delay(struct store *s, usec_t delay);

/* A snapshot. */
void store_stats(struct store *s, struct store_stats *out);

#endif
