/*
 * sqlite: the embedded backend: one connection, used by one thread at a time.
 *
 * Durable means: write-ahead log, synchronous=FULL, so a commit returns when it would
 * survive a power cut.  Checkpoints, which move the log into the database, are never
 * part of a commit: they are done when the store is idle, or when the log has grown so
 * much that it may not grow further.  The page cache is bounded, so memory does not
 * follow what is stored.
 *
 * The file is ours alone (locking_mode=EXCLUSIVE): a commit then takes no file locks and the
 * log's index is plain memory, which makes a single durable add a tenth cheaper.  The
 * price is that others can read the file only while jobd is not running.
 */
#include "daemon/store/sqlite.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/base/must.h"
#include "daemon/store/backend.h"
#include "daemon/store/migrate.h"
#include "proto/json.h"
#include "proto/mem.h"

/* The log is checkpointed from this many pages (4 KiB) on when idle; from the other in any case. */
#define WAL_PAGES_IDLE	1000
#define WAL_PAGES_MAX	16000

/* A checkpoint that could not do it all is tried again when the log has grown by this. */
#define WAL_PAGES_RETRY	1000

/* Free pages are counted once in so many looks. */
#define FREE_ASKED_EVERY 64

/* Another program that reads the file when we start may hold it for a moment. */
#define BUSY_MSEC	1000

static const char pragmas[] =
	"PRAGMA journal_mode = WAL;"
	"PRAGMA synchronous = FULL;"
	"PRAGMA wal_autocheckpoint = 0;"
	"PRAGMA journal_size_limit = 67108864;"
	"PRAGMA cache_size = -4096;"
	"PRAGMA temp_store = MEMORY;"
	"PRAGMA trusted_schema = OFF;"
	"PRAGMA cell_size_check = ON;";

int
sql_failed(struct sqlite *db, int rc)
{
	int error = sqlite3_system_errno(db->db);

	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		must_fail("no memory: jobd ends", __FILE__, __LINE__, __func__);
	case SQLITE_FULL:
		snprintf(db->words, sizeof(db->words), "no space left on the device");
		return -ENOSPC;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		snprintf(db->words, sizeof(db->words), "%s (%d): %s", sqlite3_errstr(rc), rc,
		    error != 0 ? strerror(error) : "no more is known");
		return error == ENOSPC || error == EDQUOT ? -ENOSPC : -EIO;
	case SQLITE_INTERRUPT:
		return -EINTR;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		snprintf(db->words, sizeof(db->words), "%s (%d): " DAMAGED_ADVICE,
		    sqlite3_errmsg(db->db), rc);
		return -EIO;
	default:
		snprintf(db->words, sizeof(db->words), "%s (%d)", sqlite3_errmsg(db->db), rc);
		return -EIO;
	}
}

int
sql_damaged(struct sqlite *db, const char *what, int64_t id)
{
	snprintf(db->words, sizeof(db->words), "damaged row: %s %" PRId64, what, id);
	log_error("store: damaged row, refusing to use it %s=%" PRId64, what, id);
	return -EIO;
}

sqlite3_stmt *
sql(struct sqlite *db, enum statement id, const char *text)
{
	sqlite3_stmt **st = &db->statements[id];
	int rc;

	if (*st != NULL)
		return *st;
	rc = sqlite3_prepare_v3(db->db, text, -1, SQLITE_PREPARE_PERSISTENT, st, NULL);
	if (rc == SQLITE_OK)
		return *st;
	(void)sql_failed(db, rc);
	return NULL;
}

int
sql_step(struct sqlite *db, sqlite3_stmt *st)
{
	int rc;

	if (st == NULL)
		return -EIO;
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		return 1;
	if (rc != SQLITE_DONE) {
		bool unique = rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY;

		rc = unique ? -EEXIST : sql_failed(db, rc);
		(void)sqlite3_reset(st);	/* tells the same again */
		return rc;
	}
	(void)sqlite3_reset(st);
	return 0;
}

int
sql_run(struct sqlite *db, sqlite3_stmt *st)
{
	int r = sql_step(db, st);

	MUST(r != 1);
	return r;
}

void
bind_text(sqlite3_stmt *st, int at, const char *text)
{
	/* NULL binds NULL; allocates nothing */
	(void)sqlite3_bind_text(st, at, text, -1, SQLITE_STATIC);
}

void
bind_int(sqlite3_stmt *st, int at, int64_t value)
{
	(void)sqlite3_bind_int64(st, at, value);
}

void
bind_some(sqlite3_stmt *st, int at, int64_t value)
{
	if (value == 0)
		(void)sqlite3_bind_null(st, at);
	else
		bind_int(st, at, value);
}

char *
col_text(sqlite3_stmt *st, int at)
{
	return xstrdup((const char *)sqlite3_column_text(st, at));
}

bool
col_enum(sqlite3_stmt *st, int at, int count, int *ret)
{
	int64_t value = sqlite3_column_int64(st, at);

	if (value < 0 || value >= count)
		return false;
	*ret = (int)value;
	return true;
}

const struct field labels_fields[] = {
	{ .name = "labels", .type = FIELD_STRINGS },
	{ .type = FIELD_END },
};

char *
text_write(const struct field *table, const void *in)
{
	struct cJSON *object = fields_write(table, in);
	char *text = json_print(object);

	json_free(object);
	return text;
}

int
text_read(const char *text, const struct field *table, void *out)
{
	struct field_error error;
	struct cJSON *object;
	const char *why;
	int r;

	object = json_parse(text, strlen(text), &why);
	if (object == NULL)
		return -EIO;
	r = fields_read_lax(object, table, out, &error) == JOBD_OK ? 0 : -EIO;
	json_free(object);
	return r;
}

/* ---- open and close ---- */

static int
wal_grew(void *arg, sqlite3 *handle, const char *name, int pages)
{
	(void)handle;
	(void)name;
	((struct sqlite *)arg)->wal_pages = pages;
	return SQLITE_OK;
}

/*
 * The specs in it may hold secrets: readable by its owner alone, also when the directory is
 * open.
 */
static int
make_private(const char *path, char error[STORE_ERROR_MAX])
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);

	if (fd < 0) {
		int r = -errno;

		snprintf(error, STORE_ERROR_MAX, "cannot open %s: %s", path, strerror(-r));
		return r;
	}
	close(fd);
	return 0;
}

static int
configure(struct sqlite *db, char error[STORE_ERROR_MAX])
{
	int rc = sqlite3_exec(db->db, pragmas, NULL, NULL, NULL);

	if (rc != SQLITE_OK) {
		int r = sql_failed(db, rc);

		snprintf(error, STORE_ERROR_MAX, "cannot use %s: %s",
		    sqlite3_db_filename(db->db, "main"), db->words);
		return r;
	}
	/* Instead of SQLite's own, which checkpoints within the commit. */
	(void)sqlite3_wal_hook(db->db, wal_grew, db);
	db->wal_next = WAL_PAGES_IDLE;
	/* Whether there is any is found out at the first idle moment. */
	db->trash = true;
	return 0;
}

static void
sqlite_close(void *arg)
{
	struct sqlite *db = arg;

	for (int i = 0; i < ST_COUNT; i++)
		(void)sqlite3_finalize(db->statements[i]);
	backup_end(db);
	counts_done(&db->counts);
	/* A last checkpoint; when it fails, the log stays and is read at the next open. */
	MUST(sqlite3_close(db->db) != SQLITE_BUSY);
	free(db);
}

/* When the database or its log was last written; none: there is no such file. */
static instant
last_trace(const char *path)
{
	char *log = xasprintf("%s-wal", path);
	const char *files[] = { path, log };
	instant last = { 0 };
	struct stat st;

	for (size_t i = 0; i < 2; i++) {
		usec_t at;

		if (stat(files[i], &st) < 0)
			continue;
		at = (usec_t)st.st_mtim.tv_sec * USEC_SEC + st.st_mtim.tv_nsec / 1000;
		if (at > last.usec)
			last.usec = at;
	}
	free(log);
	return last;
}

static int
sqlite_open(const struct store_config *config, void **ret, char error[STORE_ERROR_MAX])
{
	struct sqlite *db = xcalloc(1, sizeof(*db));
	char *path = xasprintf("%s/jobd.db", config->directory);
	size_t form;
	int r, rc;

	/*
	 * Savepoints are small: never a temporary file for them.  Refused when SQLite is in use
	 * already.
	 */
	(void)sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, -1);
	db->last_trace = last_trace(path);
	db->told_max = config->told_max;
	r = make_private(path, error);
	if (r < 0)
		goto out;
	backup_remove(config->directory);
	rc = sqlite3_open_v2(path, &db->db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, config->vfs);
	if (rc != SQLITE_OK) {
		r = -EIO;
		snprintf(error, STORE_ERROR_MAX, "cannot open %s: %s", path, sqlite3_errstr(rc));
		goto out;
	}
	(void)sqlite3_busy_timeout(db->db, BUSY_MSEC);
	/* Before the file is first read, so that there is never a shared index.  It cannot fail. */
	(void)sqlite3_exec(db->db, "PRAGMA locking_mode = EXCLUSIVE", NULL, NULL, NULL);
	r = migrate_check(db->db, migrate_steps_n, &form, error);
	if (r == 0)
		r = configure(db, error);
	if (r == 0)
		r = migrate(db->db, migrate_steps, migrate_steps_n, form, error);
	if (r == 0) {
		r = counts_load(db);
		if (r < 0)
			snprintf(error, STORE_ERROR_MAX, "cannot read %s: %s", path, db->words);
	}
out:
	free(path);
	if (r < 0)
		sqlite_close(db);
	else
		*ret = db;
	return r;
}

/* ---- transactions ---- */

static void
sqlite_rollback(void *arg)
{
	struct sqlite *db = arg;

	if (db->counts.changed)
		db->counts.known = false;
	/* What was found to be without output may have it again. */
	db->output_from = 0;
	db->counts.changed = false;
	/* Some errors have done it already.  One that fails here leaves nothing written either. */
	if (!sqlite3_get_autocommit(db->db))
		(void)sql_run(db, sql(db, ST_ROLLBACK, "ROLLBACK"));
}

static int
sqlite_begin(void *arg)
{
	struct sqlite *db = arg;
	int r;

	r = sql_run(db, sql(db, ST_BEGIN, "BEGIN IMMEDIATE"));
	if (r < 0 || db->counts.known)
		return r;
	r = counts_load(db);
	if (r < 0)
		sqlite_rollback(db);
	return r;
}

static int
sqlite_commit(void *arg)
{
	struct sqlite *db = arg;
	int r;

	/*
	 * An error in some op may have ended the transaction behind our back: then nothing is in
	 * the database.  Or the counts could not be written, and are those of what was undone.
	 */
	if (sqlite3_get_autocommit(db->db) || !db->counts.known) {
		sqlite_rollback(db);
		return -EIO;
	}
	r = counts_output_save(db);
	if (r == 0)
		r = sql_run(db, sql(db, ST_COMMIT, "COMMIT"));
	if (r < 0) {
		sqlite_rollback(db);
		return r;
	}
	db->counts.changed = false;
	return 0;
}

static int
sqlite_mark(void *arg)
{
	struct sqlite *db = arg;

	return sql_run(db, sql(db, ST_MARK, "SAVEPOINT op"));
}

static int
sqlite_keep(void *arg)
{
	struct sqlite *db = arg;

	return sql_run(db, sql(db, ST_KEEP, "RELEASE op"));
}

static int
sqlite_undo(void *arg)
{
	struct sqlite *db = arg;
	int r;

	if (sqlite3_get_autocommit(db->db))
		return -EIO;
	r = sql_run(db, sql(db, ST_UNDO, "ROLLBACK TO op"));
	return r < 0 ? r : sqlite_keep(db);
}

static bool
checkpoint(struct sqlite *db)
{
	int pages = 0, done = 0, rc;

	rc = sqlite3_wal_checkpoint_v2(db->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &done);
	if (rc == SQLITE_OK && pages == done) {
		/* All is in the database: the next commit begins the log anew. */
		db->wal_pages = 0;
		db->wal_next = WAL_PAGES_IDLE;
		return false;
	}
	if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY)
		log_warning("store: checkpoint failed, trying again later reason=\"%s\"",
		    sqlite3_errmsg(db->db));
	db->wal_next = db->wal_pages + WAL_PAGES_RETRY;
	return false;
}

static bool
sqlite_idle(void *arg, bool busy)
{
	struct sqlite *db = arg;
	int r;

	if (db->wal_pages >= db->wal_next && (!busy || db->wal_pages >= WAL_PAGES_MAX))
		return checkpoint(db);
	if (busy || !db->trash)
		return false;
	r = trash_slice(db);
	db->trash = r != 0;
	/* Failed: at the next start, or when more is thrown away. */
	if (r < 0)
		db->trash = false;
	return r > 0;
}

static const char *
sqlite_error(void *arg)
{
	return ((struct sqlite *)arg)->words;
}

static int64_t
file_size(const char *path)
{
	struct stat st;

	return path != NULL && stat(path, &st) == 0 ? st.st_size : 0;
}

/* Pages that hold nothing.  Not read each time: it is a transaction of its own. */
static int64_t
free_bytes(struct sqlite *db)
{
	sqlite3_stmt *st;

	if (db->sizes_asked++ % FREE_ASKED_EVERY != 0)
		return db->free_bytes;
	st = sql(db, ST_FREE, "SELECT freelist_count * page_size FROM pragma_freelist_count(),"
	    " pragma_page_size()");
	if (sql_step(db, st) == 1) {
		db->free_bytes = col_int(st, 0);
		(void)sqlite3_reset(st);	/* one row is all there is */
	}
	return db->free_bytes;
}

static void
sqlite_sizes(void *arg, struct store_sizes *out)
{
	struct sqlite *db = arg;
	const char *path = sqlite3_db_filename(db->db, "main");

	*out = (struct store_sizes){
		.database = file_size(path),
		.log = file_size(sqlite3_filename_wal(path)),
		.free = free_bytes(db),
		.runs = db->counts.runs,
		.output = db->counts.output,
	};
}

const struct backend backend_sqlite = {
	.name = "sqlite",
	.open = sqlite_open,
	.close = sqlite_close,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.mark = sqlite_mark,
	.keep = sqlite_keep,
	.undo = sqlite_undo,
	.idle = sqlite_idle,
	.error = sqlite_error,
	.sizes = sqlite_sizes,
	.apply = {
		[OP_CLAIM] = sqlite_claim,
		[OP_FINISH] = sqlite_finish,
		[OP_SKIP] = sqlite_skip,
		[OP_TRIGGER] = sqlite_trigger,
		[OP_PING] = sqlite_ping,
		[OP_RETRY] = sqlite_retry,
		[OP_CANCEL] = sqlite_cancel,
		[OP_PAUSE] = sqlite_pause,
		[OP_REMOVE] = sqlite_remove,
		[OP_EDIT] = sqlite_edit,
		[OP_ADD] = sqlite_add,
		[OP_APPLY] = sqlite_apply,
		[OP_KEEP] = sqlite_keep_slice,
		[OP_OUTPUT_TRASH] = sqlite_output_trash,
		[OP_OUTPUT_REMOVED] = sqlite_output_removed,
		[OP_SPREAD] = sqlite_spread,
		[OP_LATE] = sqlite_late,
		[OP_LATE_TELL] = sqlite_late,
		[OP_DUE] = sqlite_due,
		[OP_ACTIVE] = sqlite_active,
		[OP_RESOLVE] = sqlite_resolve,
		[OP_GET] = sqlite_get,
		[OP_LIST] = sqlite_list,
		[OP_RUNS] = sqlite_runs,
		[OP_COUNTS] = sqlite_counts,
		[OP_LIFE] = sqlite_life,
		[OP_SHIFT] = sqlite_shift,
		[OP_REDUE] = sqlite_redue,
		[OP_SPAN] = sqlite_span,
		[OP_SCHEDULED] = sqlite_scheduled,
		[OP_LEDGER] = sqlite_ledger,
		[OP_SPANS] = sqlite_spans,
		[OP_FAILED] = sqlite_failed,
		[OP_QUEUE_SET] = sqlite_queue_set,
		[OP_QUEUE_REMOVE] = sqlite_queue_remove,
		[OP_QUEUES] = sqlite_queues,
		[OP_NOTICE_TEST] = sqlite_notice_test,
		[OP_NOTICE_SETTLE] = sqlite_notice_settle,
		[OP_NOTICES] = sqlite_notices,
		[OP_TARGETS] = sqlite_targets,
		[OP_BACKUP] = sqlite_backup,
	},
};
