/*
 * migrate: bring a SQLite database to the form this version knows, in numbered steps, each a
 * transaction of its own.  The number is in the file (user_version); a greater one
 * than ours is refused, for nothing must be written by who does not understand it.
 */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include <sqlite3.h>
#include <stddef.h>

#include "daemon/store/store.h"

/* steps[n - 1] brings a database from form n - 1 to n; 0 is the empty file. */
extern const char *const migrate_steps[];
extern const size_t migrate_steps_n;

/*
 * Whose file it is, and is it whole enough to be read?  *form is its number.  0, or -errno with
 * words in error: another program's, a newer jobd's, damaged.  Nothing is written.
 */
int migrate_check(sqlite3 *db, size_t steps_n, size_t *form, char error[STORE_ERROR_MAX]);

/*
 * Run the steps from form on.  0, or -errno with words: the steps before the one that failed
 * stay.
 */
int migrate(sqlite3 *db, const char *const *steps, size_t steps_n, size_t form,
    char error[STORE_ERROR_MAX]);

#endif
