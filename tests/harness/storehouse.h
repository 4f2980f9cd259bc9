/*
 * storehouse: a store in a directory of its own, and ops as plain calls: they are submitted
 * together and the loop runs until all are done.
 */
#ifndef HARNESS_STOREHOUSE_H
#define HARNESS_STOREHOUSE_H

#include "daemon/engine/loop.h"
#include "daemon/store/ops.h"

struct storehouse {
	char		 directory[64];
	struct loop	*l;
	struct store	*store;		/* NULL: closed */
	enum store_mode	 mode;
	const char	*vfs;
	char		 error[STORE_ERROR_MAX];	/* of the last open */
};

/* A new directory and loop; the store is open. */
void storehouse_init(struct storehouse *h, enum store_mode mode);
/* All closed and removed. */
void storehouse_done(struct storehouse *h);

/* Open it (again).  0, or -errno with the words in error. */
int storehouse_open(struct storehouse *h);
void storehouse_close(struct storehouse *h);

/* Submit n ops at once and wait for all. */
void storehouse_run(struct storehouse *h, struct store_op **ops, size_t n);
/* One op: its result. */
int storehouse_do(struct storehouse *h, struct store_op *op, enum op_kind kind);

/* Path of a file in it; one at a time. */
const char *storehouse_path(const struct storehouse *h, const char *file);

/*
 * Run SQL on the closed database; the first column of the first row, or 0.  Aborts when it
 * fails.
 */
long long storehouse_sql(const struct storehouse *h, const char *text);
/* The plan of a statement (EXPLAIN QUERY PLAN ...) on the closed database uses an index. */
void storehouse_plan(const struct storehouse *h, const char *text, const char *index);
/* Is it intact (PRAGMA integrity_check), and do its numbers agree with its rows? */
void storehouse_check(const struct storehouse *h);

/* Add a plain timer job; its id. */
int64_t storehouse_add(struct storehouse *h, const char *name, int64_t due, usec_t every);

#endif
