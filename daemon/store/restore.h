/*
 * restore: a backup takes the place of the database, while no jobd runs.
 */
#ifndef STORE_RESTORE_H
#define STORE_RESTORE_H

#include "daemon/store/store.h"

/*
 * To be called first.  Root, when the state directory is another user's, becomes that user here, for good: what that
 * user has put there, like links, leads to nothing that they could not do themselves.  *ret_fd is the file then, when
 * only root may read it; else -1.  The caller closes it.  0, or -errno with what is wrong in error.
 */
int store_restore_begin(const char *directory, const char *file, int *ret_fd, char error[STORE_ERROR_MAX]);

/*
 * Check the file (whose it is, its form, whether it is whole), keep the present database as
 * jobd.db.before-restore, and put a copy of the file in its place.  1: that was kept; 0: there was
 * none; or -errno with what is wrong and
 * what to do in error: held by a jobd (its pid is told), another program's, a newer jobd's, damaged, no
 * rights.  Then nothing was changed.  fd: from store_restore_begin(); -1: it is opened by its name.
 */
int store_restore(const char *directory, const char *file, int fd, char error[STORE_ERROR_MAX]);

/*
 * Is the database in the directory whole, and of a form that we know?  Nothing is changed.  Root becomes
 * the owner of the directory, for good.  0 with its form; or -errno with what is wrong and what to do in error, -EBUSY when a jobd
 * has it.
 */
int store_check(const char *directory, size_t *form, char error[STORE_ERROR_MAX]);

#endif
