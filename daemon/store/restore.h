/*
 * restore: a backup takes the place of the database, while no jobd runs.
 */
#ifndef STORE_RESTORE_H
#define STORE_RESTORE_H

#include "daemon/store/store.h"

/*
 * Check the file (whose it is, its form, whether it is whole), keep the present database as
 * jobd.db.before-restore, and put a copy of the file in its place.  0, or -errno with what is wrong and
 * what to do in error: held by a jobd (its pid is told), another program's, a newer jobd's, damaged, no
 * rights.  Then nothing was changed.
 */
int store_restore(const char *directory, const char *file, char error[STORE_ERROR_MAX]);

#endif
