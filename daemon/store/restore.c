/*
 * restore: see restore.h.  The copy is made and checked beside the database, and takes its place by one
 * rename, so that whatever happens there is one or the other.
 */
#include "daemon/store/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "daemon/store/migrate.h"
#include "daemon/store/store-internal.h"
#include "proto/mem.h"

struct restore {
	char	*database, *log, *copy, *before, *before_log;
};

static int
fail(char error[STORE_ERROR_MAX], const char *path, const char *why, int r)
{
	snprintf(error, STORE_ERROR_MAX, "%s: %s", path, why);
	return r;
}

/* A copy of the file, with what its log holds. */
static int
copy_make(const struct restore *r, const char *file, sqlite3 **to, char error[STORE_ERROR_MAX])
{
	int fd = open(r->copy, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600), rc;
	sqlite3_backup *b = NULL;
	sqlite3 *from = NULL;

	*to = NULL;
	if (fd < 0)
		return fail(error, r->copy, strerror(errno), -errno);
	close(fd);
	if (access(file, R_OK) < 0)
		return fail(error, file, strerror(errno), -errno);
	rc = sqlite3_open_v2(file, &from, SQLITE_OPEN_READONLY, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_open_v2(r->copy, to, SQLITE_OPEN_READWRITE, NULL);
	if (rc == SQLITE_OK)
		b = sqlite3_backup_init(*to, "main", from, "main");
	if (b != NULL) {
		(void)sqlite3_backup_step(b, -1);	/* its end tells the same */
		rc = sqlite3_backup_finish(b);
	}
	if (b == NULL || rc != SQLITE_OK)
		(void)fail(error, file, *to != NULL ? sqlite3_errmsg(*to) : sqlite3_errstr(rc), 0);
	(void)sqlite3_close(from);
	return b != NULL && rc == SQLITE_OK ? 0 : -EIO;
}

static int
first_is_ok(void *ok, int n, char **values, char **names)
{
	(void)names;
	*(bool *)ok = n > 0 && values[0] != NULL && strcmp(values[0], "ok") == 0;
	return 0;
}

/* Is it jobd's, of a form that is known, and whole? */
static int
copy_check(const char *file, sqlite3 *db, char error[STORE_ERROR_MAX])
{
	bool whole = false;
	size_t form = 0;
	int r = migrate_check(db, migrate_steps_n, &form, error);

	if (r < 0)
		return r;
	if (form == 0)
		return fail(error, file, "it is empty", -EINVAL);
	(void)sqlite3_exec(db, "PRAGMA quick_check(1)", first_is_ok, &whole, NULL);
	if (!whole)
		return fail(error, file, "it is damaged: take another backup", -EIO);
	/* One file; and on disk before it is anything. */
	if (sqlite3_exec(db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL) != SQLITE_OK)
		return fail(error, file, sqlite3_errmsg(db), -EIO);
	return 0;
}

static int
file_sync(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 || fsync(fd) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return r;
}

/* What is in the present one's log goes into it, if it can still be read; so the log is not missed. */
static void
log_empty(const struct restore *r)
{
	sqlite3 *db = NULL;

	if (access(r->log, F_OK) == 0 && sqlite3_open_v2(r->database, &db, SQLITE_OPEN_READWRITE, NULL) ==
	    SQLITE_OK)
		(void)sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
	(void)sqlite3_close(db);
}

static int
take_place(const struct restore *r, const char *directory, char error[STORE_ERROR_MAX])
{
	struct stat st;
	int e;

	/* Root may do it for the user whose state it is. */
	if (stat(directory, &st) == 0 && st.st_uid != geteuid() && chown(r->copy, st.st_uid, st.st_gid) < 0)
		return fail(error, r->copy, strerror(errno), -errno);
	e = file_sync(r->copy);
	if (e < 0)
		return fail(error, r->copy, strerror(-e), e);
	log_empty(r);
	(void)unlink(r->before);
	(void)unlink(r->before_log);
	if (access(r->database, F_OK) == 0 && link(r->database, r->before) < 0)
		return fail(error, r->before, strerror(errno), -errno);
	if (rename(r->log, r->before_log) < 0 && errno != ENOENT)
		return fail(error, r->log, strerror(errno), -errno);
	if (rename(r->copy, r->database) < 0)
		return fail(error, r->database, strerror(errno), -errno);
	return file_sync(directory);
}

int
store_restore(const char *directory, const char *file, char error[STORE_ERROR_MAX])
{
	struct restore r = {
		.database = xasprintf("%s/jobd.db", directory),
		.log = xasprintf("%s/jobd.db-wal", directory),
		.copy = xasprintf("%s/jobd.db.restore", directory),
		.before = xasprintf("%s/jobd.db.before-restore", directory),
		.before_log = xasprintf("%s/jobd.db.before-restore-wal", directory),
	};
	sqlite3 *db = NULL;
	int lock = directory_lock(directory, error), e = lock < 0 ? lock : 0;

	if (e == 0)
		e = copy_make(&r, file, &db, error);
	if (e == 0)
		e = copy_check(file, db, error);
	(void)sqlite3_close(db);
	if (e == 0)
		e = take_place(&r, directory, error);
	if (e < 0 && lock >= 0)
		(void)unlink(r.copy);
	if (lock >= 0)
		close(lock);
	free(r.database);
	free(r.log);
	free(r.copy);
	free(r.before);
	free(r.before_log);
	return e;
}
