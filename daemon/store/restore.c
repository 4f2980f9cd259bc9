/*
 * restore: see restore.h.  The copy is made and checked beside the database, and takes its place by one
 * rename, so that whatever happens there is one or the other.
 *
 * Root may do it for the user whose state it is.  That user may have put links where we write, so nothing is done
 * there with root's rights: they are given up before the directory is touched.
 */
#include "daemon/store/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "daemon/store/migrate.h"
#include "daemon/store/sqlite.h"
#include "daemon/store/store-internal.h"
#include "proto/mem.h"

struct restore {
	char	*database, *log, *copy, *before, *before_log;
	bool	kept;		/* something was there */
};

static int
fail(char error[STORE_ERROR_MAX], const char *path, const char *why, int r)
{
	snprintf(error, STORE_ERROR_MAX, "%s: %s", path, why);
	return r;
}

/* ---- whose it is ---- */

/* Whose the directory is; as long as it is not there, the one that it would be made in. */
static void
owner_find(const char *directory, uid_t *uid, gid_t *gid)
{
	char *path = xstrdup(directory), *slash;
	struct stat st;
	int r;

	while ((r = stat(path, &st)) < 0 && (slash = strrchr(path, '/')) != NULL && slash != path)
		*slash = '\0';
	*uid = r == 0 ? st.st_uid : 0;
	*gid = r == 0 ? st.st_gid : 0;
	/* A link that a user has made leads where that user wants. */
	if (r == 0 && *uid == 0 && lstat(path, &st) == 0) {
		*uid = st.st_uid;
		*gid = st.st_gid;
	}
	free(path);
}

/* For good: the saved ids, too. */
static int
become(uid_t uid, gid_t gid)
{
	const struct passwd *user = getpwuid(uid);

	if (user != NULL)
		gid = user->pw_gid;
	return setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0 ? -errno : 0;
}

/* What is in the log is part of the database. */
static bool
has_log(const char *file)
{
	char *log = xasprintf("%s-wal", file);
	struct stat st;
	bool there = stat(log, &st) == 0 && st.st_size > 0;

	free(log);
	return there;
}

int
store_restore_begin(const char *directory, const char *file, int *ret_fd, char error[STORE_ERROR_MAX])
{
	bool log = has_log(file);
	int fd, why, r;
	uid_t uid;
	gid_t gid;

	*ret_fd = -1;
	owner_find(directory, &uid, &gid);
	if (geteuid() != 0 || uid == 0)
		return 0;
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
	why = errno;
	r = become(uid, gid);
	if (r < 0)
		(void)fail(error, directory, "root's rights cannot be given up for its owner's", 0);
	else if (access(file, R_OK) == 0)
		log = false;	/* as that user, then */
	else if (fd < 0)
		r = fail(error, file, why == ELOOP ? "it is a link: name the file itself" : strerror(why), -why);
	else if (log)
		r = fail(error, file, "it has a log beside it (-wal), which the owner of the state directory may"
		    " not read: restore a file of jobctl backup", -EACCES);
	else
		*ret_fd = fd;
	if (*ret_fd < 0 && fd >= 0)
		close(fd);
	return r;
}

/* ---- the copy ---- */

/* A copy of the file, with what its log holds. */
static int
copy_by_name(const struct restore *r, const char *file, sqlite3 **to, char error[STORE_ERROR_MAX])
{
	sqlite3_backup *b = NULL;
	sqlite3 *from = NULL;
	int rc;

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

/* Of the form of a database: its beginning, and where its application's number is in that, big-endian. */
#define HEADER_BYTES	100
#define HEADER_MAGIC	"SQLite format 3"
#define HEADER_APPLICATION 68

/* Only jobd's own goes to the owner of the directory: it might be a link to something else of root's. */
static bool
is_ours(int from)
{
	unsigned char h[HEADER_BYTES], *at = h + HEADER_APPLICATION;
	struct stat st;

	return fstat(from, &st) == 0 && S_ISREG(st.st_mode) && pread(from, h, sizeof(h), 0) == (ssize_t)sizeof(h) &&
	    memcmp(h, HEADER_MAGIC, sizeof(HEADER_MAGIC)) == 0 &&
	    ((uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]) == SQLITE_APPLICATION_ID;
}

static int
bytes_copy(int from, int to)
{
	char part[65536];
	ssize_t n, done;

	while ((n = read(from, part, sizeof(part))) > 0) {
		for (ssize_t at = 0; at < n; at += done) {
			done = write(to, part + at, (size_t)(n - at));
			if (done < 0)
				return -errno;
		}
	}
	return n < 0 ? -errno : 0;
}

/* From a file that we may read, but not open again. */
static int
copy_by_bytes(const struct restore *r, const char *file, int from, int fd, sqlite3 **to, char error[STORE_ERROR_MAX])
{
	int e;

	if (!is_ours(from))
		return fail(error, file, "it is no database of jobd", -EINVAL);
	e = bytes_copy(from, fd);
	if (e < 0)
		return fail(error, r->copy, strerror(-e), e);
	if (sqlite3_open_v2(r->copy, to, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
		return fail(error, r->copy, sqlite3_errmsg(*to), -EIO);
	return 0;
}

/* Source: see store_restore(). */
static int
copy_make(const struct restore *r, const char *file, int source, sqlite3 **to, char error[STORE_ERROR_MAX])
{
	int fd, e;

	*to = NULL;
	(void)unlink(r->copy);	/* of one that was cut short */
	fd = open(r->copy, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail(error, r->copy, strerror(errno), -errno);
	e = source < 0 ? copy_by_name(r, file, to, error) : copy_by_bytes(r, file, source, fd, to, error);
	close(fd);
	return e;
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
take_place(struct restore *r, const char *directory, char error[STORE_ERROR_MAX])
{
	int e = file_sync(r->copy);

	if (e < 0)
		return fail(error, r->copy, strerror(-e), e);
	log_empty(r);
	(void)unlink(r->before);
	(void)unlink(r->before_log);
	r->kept = access(r->database, F_OK) == 0;
	if (r->kept && link(r->database, r->before) < 0)
		return fail(error, r->before, strerror(errno), -errno);
	if (rename(r->log, r->before_log) < 0 && errno != ENOENT)
		return fail(error, r->log, strerror(errno), -errno);
	if (rename(r->copy, r->database) < 0)
		return fail(error, r->database, strerror(errno), -errno);
	return file_sync(directory);
}

int
store_restore(const char *directory, const char *file, int fd, char error[STORE_ERROR_MAX])
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
		e = copy_make(&r, file, fd, &db, error);
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
	return e == 0 && r.kept ? 1 : e;
}

/* ---- only looking ---- */

int
store_check(const char *directory, size_t *form, char error[STORE_ERROR_MAX])
{
	char *file = xasprintf("%s/jobd.db", directory);
	bool whole = false;
	sqlite3 *db = NULL;
	uid_t uid;
	gid_t gid;
	int r = 0;

	owner_find(directory, &uid, &gid);
	if (geteuid() == 0 && uid != 0)
		r = become(uid, gid);
	if (r < 0)
		(void)fail(error, directory, "root's rights cannot be given up for its owner's", 0);
	else if (access(file, R_OK) < 0)
		r = fail(error, file, strerror(errno), -errno);
	else if (sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
		r = fail(error, file, sqlite3_errmsg(db), -EIO);
	if (r == 0)
		r = migrate_check(db, migrate_steps_n, form, error);
	if (r == 0 && *form > 0) {
		(void)sqlite3_exec(db, "PRAGMA quick_check(1)", first_is_ok, &whole, NULL);
		if (!whole)
			r = fail(error, file, "it is damaged: restore a backup, or move it away (with its -wal file) to begin"
			    " anew", -EIO);
	}
	(void)sqlite3_close(db);
	free(file);
	return r;
}
