/*
 * sqlite_backup: a copy of the database while it is in use.  SQLite copies page by page, and what our own
 * connection writes meanwhile goes into the pages that are copied already, too: so it never begins anew,
 * and no write waits for more than a slice.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/store/sqlite.h"
#include "daemon/store/store-internal.h"
#include "proto/mem.h"

/* A slice ends after so long, looked at after so many pages. */
#define SLICE_USEC	2000
#define SLICE_PAGES	32

struct backup {
	char		*path;
	sqlite3		*to;		/* NULL: all is copied */
	sqlite3_backup	*copy;
	int		 fd;		/* to read it; -1: not yet */
};

static char *
path_of(const char *directory)
{
	return xasprintf("%s/jobd.backup", directory);
}

void
backup_remove(const char *directory)
{
	char *path = path_of(directory);

	(void)unlink(path);	/* most often there is none */
	free(path);
}

/* No more is copied.  0, or what SQLite says. */
static int
copy_end(struct backup *b)
{
	int rc = b->copy != NULL ? sqlite3_backup_finish(b->copy) : SQLITE_OK;

	b->copy = NULL;
	/* So that it is one file, wherever it is looked at; if not, it is as good. */
	if (rc == SQLITE_OK && b->to != NULL)
		(void)sqlite3_exec(b->to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
	if (b->to != NULL)
		(void)sqlite3_close(b->to);
	b->to = NULL;
	return rc;
}

void
backup_end(struct sqlite *db)
{
	struct backup *b = db->backup;

	if (b == NULL)
		return;
	(void)copy_end(b);
	if (b->fd >= 0)
		close(b->fd);
	(void)unlink(b->path);
	free(b->path);
	free(b);
	db->backup = NULL;
}

static int
backup_begin(struct sqlite *db)
{
	const char *own = sqlite3_db_filename(db->db, "main");
	char *directory = xstrndup(own, (size_t)(strrchr(own, '/') - own));
	struct backup *b;
	int fd, rc;

	if (db->backup != NULL) {
		free(directory);
		return -EALREADY;
	}
	b = db->backup = xcalloc(1, sizeof(*b));
	b->path = path_of(directory);
	b->fd = -1;
	free(directory);
	fd = open(b->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	rc = fd < 0 ? SQLITE_CANTOPEN : sqlite3_open_v2(b->path, &b->to,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	if (fd >= 0)
		close(fd);
	/* It is of no use before it is whole: nothing of it need survive a crash. */
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(b->to, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
		    " PRAGMA locking_mode = EXCLUSIVE", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		b->copy = sqlite3_backup_init(b->to, "main", db->db, "main");
	if (b->copy != NULL)
		return 0;
	rc = rc != SQLITE_OK ? rc : sqlite3_errcode(b->to);
	backup_end(db);
	return sql_failed(db, rc);
}

static int
backup_copy(struct sqlite *db, struct op_backup *o)
{
	struct backup *b = db->backup;
	usec_t until = clock_usec() + SLICE_USEC;
	int rc;

	if (b->copy == NULL)
		return 0;
	do
		rc = sqlite3_backup_step(b->copy, SLICE_PAGES);
	while (rc == SQLITE_OK && clock_usec() < until);
	o->pages = sqlite3_backup_pagecount(b->copy);
	o->left = sqlite3_backup_remaining(b->copy);
	if (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
		return 0;
	if (rc == SQLITE_DONE) {
		o->left = 0;
		rc = copy_end(b);
	}
	return rc == SQLITE_OK ? 0 : sql_failed(db, rc);
}

static int
backup_part(struct sqlite *db, struct op_backup *o)
{
	struct backup *b = db->backup;
	ssize_t n;

	if (b->copy != NULL)
		return -EINVAL;
	if (b->fd < 0)
		b->fd = open(b->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	o->bytes = xmalloc(BACKUP_PART);
	n = b->fd < 0 ? -1 : pread(b->fd, o->bytes, BACKUP_PART, (off_t)o->offset);
	if (n < 0)
		return -errno;
	o->n = (size_t)n;
	return 0;
}

int
sqlite_backup(void *arg, struct store_op *op)
{
	struct op_backup *o = container_of(op, struct op_backup, op);
	struct sqlite *db = arg;

	if (o->stage == BACKUP_BEGIN)
		return backup_begin(db);
	if (db->backup == NULL)
		return -EINVAL;
	if (o->stage == BACKUP_COPY)
		return backup_copy(db, o);
	if (o->stage == BACKUP_READ)
		return backup_part(db, o);
	backup_end(db);
	return 0;
}
