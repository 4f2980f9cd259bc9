/*
 * backend: what a database must be able to do, as a table of functions.  All are called
 * from one thread at a time.  SQLite is the embedded default; PostgreSQL is to be the
 * second, so nothing here speaks of files.
 */
#ifndef STORE_BACKEND_H
#define STORE_BACKEND_H

#include "daemon/store/ops.h"

struct backend {
	const char	*name;
	/* Open and migrate: 0, or -errno with words in error. */
	int		(*open)(const struct store_config *config, void **ret,
	    char error[STORE_ERROR_MAX]);
	void		(*close)(void *db);
	int		(*begin)(void *db);
	/* on failure the transaction is rolled back already */
	int		(*commit)(void *db);
	void		(*rollback)(void *db);
	int		(*mark)(void *db);		/* savepoint before an op; */
	int		(*keep)(void *db);		/* ...its end, */
	/* ...or as if it had not been; -errno: the transaction is lost */
	int		(*undo)(void *db);
	/*
	 * Housekeeping that may be put off (checkpoints), outside a transaction, a bounded slice.
	 * busy: ops wait, so only what cannot be put off any longer.  true: there is more, call
	 * again.
	 */
	bool		(*idle)(void *db, bool busy);
	const char	*(*error)(void *db);		/* of the last failure, in words */
	/* Cheap: it is asked again and again.  NULL: nothing is known. */
	void		(*sizes)(void *db, struct store_sizes *out);
	/* One a kind of op; NULL: it is refused with -ENOSYS. */
	int		(*apply[OP_COUNT])(void *db, struct store_op *op);
};

extern const struct backend backend_sqlite;
/* Nothing durable: for simulation; see memory.h. */
extern const struct backend backend_memory;

#endif
