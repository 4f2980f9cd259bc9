/*
 * sqlite: what the files of the SQLite backend share and nobody else may include.
 */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include <errno.h>
#include <sqlite3.h>

#include "daemon/base/map.h"
#include "daemon/store/ops.h"

/* "jobd" in the file's header: whose database it is. */
#define SQLITE_APPLICATION_ID 0x6a6f6264

/* Prepared once, kept; the text stands where it is used. */
enum statement {
	ST_BEGIN, ST_COMMIT, ST_ROLLBACK, ST_MARK, ST_KEEP, ST_UNDO,
	ST_JOB_EDIT, ST_CIRCLE, ST_CHECK_CIRCLE, ST_DEPENDENCIES_RENAME,
	ST_JOB_LOAD, ST_JOB_SAVE, ST_JOB_SAVE_DUE, ST_JOB_INSERT, ST_JOB_BY_KEY, ST_JOB_DELETE,
	ST_JOB_RUNS_DELETE, ST_JOB_SKIPS_DELETE, ST_TRASH_PUT, ST_TRASH_FIRST, ST_TRASH_DROP,
	ST_RUN_INSERT, ST_RUN_STATE, ST_RUN_START, ST_RUN_FINISH, ST_RUN_CANCEL, ST_RUN_MARK,
	ST_PING_RUN, ST_PING_PUT, ST_PING,
	ST_SKIP_LAST, ST_RUN_SINCE, ST_SKIP_JOIN, ST_SKIP_INSERT,
	ST_DUE_SAME, ST_DUE_LATER, ST_ACTIVE, ST_JOB_BY_ID, ST_JOB_BY_NAME, ST_IDS,
	ST_LIST, ST_LIST_NAME, ST_LIST_ID, ST_RUN_ACTIVE, ST_RUN_BEGUN, ST_RUN_TOLD, ST_RUNS_ALL, ST_RUNS_JOB, ST_RUN_ONE, ST_JOB_GET,
	ST_LAST_ID, ST_ACTIVE_COUNT, ST_OWNERS, ST_OWNERS_TAIL, ST_OWNER_PUT, ST_COUNTED,
	ST_COUNTED_PUT,
	ST_SPAN_PUT, ST_SPAN_END, ST_SPANS, ST_SPANS_DELETE, ST_CLOCK, ST_CLOCK_PUT, ST_STOPPED, ST_BOOTED, ST_SHIFT_LAST,
	ST_SHIFT, ST_SCHEDULED, ST_LEDGER_RUNS, ST_LEDGER_BY_HAND, ST_LEDGER_SKIPS,
	ST_LEDGER_RUNS_BACK, ST_LEDGER_SKIPS_BACK,
	ST_RETRYING_SAME, ST_RETRYING_LATER, ST_ATTEMPT_KEEP, ST_ATTEMPTS, ST_ATTEMPTS_DELETE, ST_ATTEMPTS_OF_DELETE,
	ST_RUN_AGAIN, ST_RETRY_HOLD, ST_RETRYING_RUN, ST_FAILED_SAME, ST_FAILED_LATER,
	ST_OUTPUT_PUT, ST_LAST_RUN, ST_RUNS_YOUNGER, ST_KEEP_NEXT_RUN, ST_KEEP_NEXT_SKIP,
	ST_KEEP_JOB, ST_KEEP_LAST, ST_KEEP_FAILED, ST_KEEP_RUNS, ST_KEEP_RUN_DELETE,
	ST_KEEP_OUTPUT, ST_KEEP_OUTPUT_GONE, ST_KEEP_JOB_SAVE, ST_KEEP_SKIPS, ST_KEEP_SKIP_DELETE,
	ST_KEEP_FINISHED, ST_KEEP_SPANS, ST_KEEP_SPAN_DELETE, ST_KEEP_NOTICES, ST_KEEP_ALL, ST_OUTPUT_TRASH_PUT,
	ST_OUTPUT_TRASH, ST_OUTPUT_TRASH_DELETE, ST_OUTPUT_TRASH_JOB, ST_FREE, ST_FITS,
	ST_PARENT, ST_PARENT_OUTCOME, ST_DEPENDENCY_PUT, ST_CHILD_MORE, ST_CHILDREN, ST_DEPENDENCY_SET,
	ST_DEPENDENCIES_USE, ST_DEPENDENCIES_NEVER, ST_CHILD_LESS, ST_DEPENDENCIES_DELETE, ST_WAITED,
	ST_LAST_SKIP, ST_SPREAD_PUT, ST_SPREAD_FIRST, ST_SPREAD_ON, ST_SPREAD_DROP, ST_JOB_STATE,
	ST_PARENTS_TOLD, ST_CHILDREN_TOLD,
	ST_QUEUE_LOAD, ST_QUEUE_PUT, ST_QUEUE_COUNT, ST_QUEUE_USED, ST_QUEUE_DELETE, ST_QUEUES,
	ST_RUNS_WAITING, ST_RUNS_MARK, ST_RUN_RECALL,
	ST_HEALTH, ST_HEALTH_SAVE, ST_CHECK_BY_ID, ST_CHECK_BY_NAME,
	ST_NOTIFY, ST_NOTIFY_PUT, ST_NOTIFY_SET, ST_NOTIFY_DELETE, ST_NOTICE_PUT, ST_NOTICE_COUNT,
	ST_NOTICE_FOLD, ST_NOTICE_DELETE, ST_NOTICE_AGAIN, ST_NOTICE_OLD, ST_NOTICES_DUE, ST_NOTICES,
	ST_TARGETS,
	ST_LATE, ST_LATE_QUEUED, ST_LATE_SET, ST_LATE_TOLD, ST_LATE_MOVE,
	ST_COUNT
};

/* How many jobs an owner has. */
struct owner {
	int64_t	uid, jobs;
	bool	changed;	/* since it was last written */
};

/*
 * Counted, not scanned.  In memory they are always right; on disk the owners' are as of the job
 * `counted`, so that an add need not write them; younger jobs are counted at open.
 * Changed last in an op, so that a refused op has changed none.
 */
struct counts {
	bool		known;		/* false: read them anew */
	bool		changed;	/* since the transaction began */
	int64_t		last_id;	/* the highest id ever given out: none is used twice */
	int64_t		counted;
	int64_t		queued, running, retrying;
	int64_t		runs;		/* rows; on disk as of a run, as the owners' of a job */
	int64_t		runs_behind;	/* made since they were last written */
	int64_t		output;		/* bytes that all runs hold */
	bool		output_changed;	/* since it was last written: by the commit at the latest */
	struct map	owners;		/* uid + 1 -> struct owner */
};

struct sqlite {
	sqlite3		*db;
	sqlite3_stmt	*statements[ST_COUNT];
	struct counts	 counts;
	int		 wal_pages;	/* in the log now */
	int		 wal_next;	/* checkpoint when it has grown to this */
	bool		 trash;		/* there may be runs of removed jobs to delete */
	unsigned	 sizes_asked;
	int64_t		 free_bytes;	/* as last counted */
	int64_t		 output_from;	/* run rows before it hold no output */
	int		 told_max;	/* 0, or children told in one op: for tests */
	instant		 last_trace;	/* of the daemon before us: its last write */
	char		 words[256];	/* of the last failure */
	struct backup	*backup;	/* that is under way, or NULL */
};

/* ---- a backup (sqlite_backup.c) ---- */
/* End what is under way, if anything; remove what one that was cut short has left. */
void backup_end(struct sqlite *db);
void backup_remove(const char *directory);

/* ---- statements (sqlite.c) ---- */

/*
 * The statement, ready to bind; NULL when the database does not let us (words are set, it means
 * -EIO).
 */
sqlite3_stmt *sql(struct sqlite *db, enum statement id, const char *text);

/* 1: a row; 0: the end; -errno.  After anything but a row it is reset. */
int sql_step(struct sqlite *db, sqlite3_stmt *st);

/* For statements that give no rows: 0, -EEXIST for a value that must be unique, -errno. */
int sql_run(struct sqlite *db, sqlite3_stmt *st);

/* What to do about a file whose pages make no sense, for the end of a sentence about it. */
#define DAMAGED_ADVICE "restore a backup, or move it away (with its -wal file) to begin anew"

/* Keep the words of a failure; its -errno. */
int sql_failed(struct sqlite *db, int rc);

/* A row that cannot be: log it, -EIO. */
int sql_damaged(struct sqlite *db, const char *what, int64_t id);

/* NULL is NULL; borrowed until reset */
void bind_text(sqlite3_stmt *st, int at, const char *text);
void bind_int(sqlite3_stmt *st, int at, int64_t value);
void bind_some(sqlite3_stmt *st, int at, int64_t value);	/* 0 is NULL */

static inline int64_t
col_int(sqlite3_stmt *st, int at)
{
	return sqlite3_column_int64(st, at);
}

/* A copy, or NULL. */
char *col_text(sqlite3_stmt *st, int at);

/* A value of an enum with count values; false: it is none. */
bool col_enum(sqlite3_stmt *st, int at, int count, int *ret);

/*
 * A struct kept in one column, as JSON by its fields; 0, or -EIO when it is not readable any
 * more.
 */
char *text_write(const struct field *table, const void *in);
int text_read(const char *text, const struct field *table, void *out);

/* The column labels: of a struct strings. */
extern const struct field labels_fields[];

/* ---- a job as the writes see it (sqlite_job.c) ---- */
struct job_now {
	int64_t	 id, uid;
	int	 kind, state;
	bool	 paused, quarantined, on_boot;
	instant	 due, finished, previous;
	int64_t	 every, generation, runs, skips, overlaps, crashes;
	usec_t	 took;			/* run_took_average(); 0: not known */
	int64_t	 parents, unmet, never, children;	/* see migrate.c */
	usec_t	 delay;
	int64_t	 queued, running, retrying;	/* its active runs */
	int64_t	 output;		/* bytes that its runs hold */
	/* as loaded */
	int	 was_state;
	int64_t	 was_queued, was_running, was_retrying, was_runs, was_output;
	char	*name, *spec_json;	/* as wanted */
	char	*schedule;
	struct queue_terms terms;	/* WANT_DUE_ROW or WANT_TERMS */
	int	 misfire;
	int64_t	 retrying_run;		/* with WANT_DUE_ROW: as in struct due_row */
};

enum { WANT_NAME = 1, WANT_SPEC = 2, WANT_DUE_ROW = 4, WANT_TERMS = 8 };

/* 0, -ENOENT, -EIO.  Then job_now_done(). */
int job_load(struct sqlite *db, int64_t id, unsigned want, struct job_now *j);
void job_now_done(struct job_now *j);

/* The state that follows from the rest; `when` it finished, if it does now. */
void job_settle(struct job_now *j, instant when);

/* Write what an op may change; due_too: also due, paused, skips, generation, previous, overlaps, unmet, never. */
int job_save(struct sqlite *db, const struct job_now *j, bool due_too);

/* Does anything keep it from running by itself? */
static inline bool
job_held(const struct job_now *j)
{
	return j->paused || j->quarantined;
}

/* The count of its active runs in a state. */
static inline int64_t *
job_active(struct job_now *j, int state)
{
	return state == RUN_QUEUED ? &j->queued : state == RUN_RETRYING ? &j->retrying :
	    &j->running;
}

/* What a run of the job that waits for its next attempt is, in a list of columns of job. */
#define JOB_RETRYING_RUN \
	"CASE WHEN retrying > 0 THEN (SELECT r.run FROM run r WHERE r.job = job.id" \
	" AND r.state = 2 LIMIT 1) END"

/* May this uid (-1: root) change it? */
static inline int
job_allows(const struct job_now *j, int64_t uid)
{
	return uid == -1 || uid == j->uid ? 0 : -EACCES;
}

/* What the jobs are to hear that wait for this one. */
struct told {
	int			 outcome;	/* enum run_state; -1: no end */
	instant			 at;
	struct dependents	*out;
};

/* Write the job back, tell those that wait for it (NULL: nothing new), then count: the last thing an op does. */
int job_save_counted(struct sqlite *db, const struct job_now *j, bool due_too,
    const struct told *told);

/* What the scheduler is told of it after an op; the schedule is handed over. */
struct due_row job_due_row(struct job_now *j);

/* ---- a run as the writes see it (sqlite_run.c) ---- */
struct run_now {
	int64_t	id;		/* of the row */
	int64_t	job, run, attempt, retried;
	int	state;
	bool	manual, cancel_asked;
	instant	due, retry_at, previous, noticed;
	int	mark;
	int64_t	missed;
};

/* What a row of run says of an attempt that has ended, taken back; but its output, which adds up. */
#define RUN_NO_FACTS \
	"spawned = NULL, first_output = NULL, exited = NULL, ended = NULL, exit_code = NULL," \
	" signal = NULL, oom = NULL, pid = NULL, http_status = NULL, verdict = NULL," \
	" reason = NULL, canceled_by = NULL, cpu = NULL, memory_peak = NULL," \
	" phases = NULL, answer = NULL, ended_by = NULL, leftovers = NULL"

#define RUN_NOW_TEXT \
	"SELECT id, state, manual, due, attempt, retried, canceled_by IS NOT NULL, retry_at, mark," \
	" missed, previous, noticed" \
	" FROM run WHERE job = ?1 AND run = ?2"

/* 0, -ENOENT, -EIO. */
int run_load(struct sqlite *db, int64_t job, int64_t run, struct run_now *ret);

/* The row was in the state we read a moment ago, in the same transaction. */
int changed_one(struct sqlite *db, sqlite3_stmt *st);

/* ---- pings (sqlite_ping.c) ---- */

/* As the run's row has it; NULL: none.  0, -EINVAL. */
int ping_read(const char *text, struct ping **ret);

/* Of a run, by the id of its row: 0, -errno. */
int ping_load(struct sqlite *db, int64_t id, struct ping **ret);

/* ---- attempts (sqlite_retry.c) ---- */

/* What the row of the run says of its present attempt is kept as one that ended so, if it began. */
int attempt_keep(struct sqlite *db, const struct run_now *run, int state, instant ended);

/* A run's row goes, and they with it. */
int attempts_delete(struct sqlite *db, int64_t job, int64_t run);

/* The attempts of a run that are kept as such, the oldest first. */
int attempts_read(struct sqlite *db, struct run_info *run);

/* A run of the job that waits for its next attempt, by what is written so far; 0: none. */
int retrying_run(struct sqlite *db, const struct job_now *j, int64_t *ret);

/* A job's retrying runs are held back, or let go on. */
int retries_hold(struct sqlite *db, int64_t job, bool hold);

/* ---- jobs that wait for others (sqlite_after.c) ---- */

/*
 * Tell those that wait for a job, after it was saved: a run of it has ended so (outcome >= 0), or it has
 * become finished, or is not any more (that is seen by was_state).
 */
int dependents_tell(struct sqlite *db, const struct job_now *j, int outcome, instant at,
    struct dependents *out);

/*
 * The job's due was taken: if its parents have let it go on meanwhile, it has another.  Before the job is
 * saved, and before its state is settled.
 */
int dependents_due(struct sqlite *db, struct job_now *j, instant at, struct dependents *out);

/* The jobs of an Add that were inserted wait for others; before: the last id before it. */
int dependencies_add(struct sqlite *db, struct op_add *o, int64_t before);

/*
 * The job waits for these from now on, as if it were added: what it waited for is forgotten.  0;
 * as an add, but -ENXIO: no such parent; -ELOOP: it would wait for itself.
 */
int dependencies_replace(struct sqlite *db, struct job_now *j, const struct strings *after,
    size_t *failed);
/* It has another name: what waits for it calls it so. */
int dependencies_rename(struct sqlite *db, int64_t job, const char *name);
/* The latest instant of the job that has a disposition: a due comes after it. */
int job_last_decided(struct sqlite *db, const struct job_now *j, usec_t *ret);

/* A job is about to be deleted: it waits no longer. */
int dependencies_delete(struct sqlite *db, int64_t job);

/* Jobs that wait for it, and have not got what they wait for. */
int dependents_waiting(struct sqlite *db, const struct job_now *j, int64_t *ret);

/* What is told of a job's parents, and of those that wait for it. */
int dependencies_words(struct sqlite *db, struct job_info *job);
int dependencies_read(struct sqlite *db, struct op_get *o);

/* ---- queues (sqlite_queue.c) ---- */

/* As columns of a job, one after another. */
#define TERMS_COLUMNS "queue, priority, slots, mutex, overlap, overlap_limit"
#define TERMS_COLUMNS_OF(j) \
	j ".queue, " j ".priority, " j ".slots, " j ".mutex, " j ".overlap, " j ".overlap_limit"

/* False: they make no sense, and nothing is read. */
bool terms_read(sqlite3_stmt *st, int at, struct queue_terms *ret);

/* A job names it: then it is there.  0, -EMLINK, -errno. */
int queue_named(struct sqlite *db, const char *name, bool *ret_new);

/* ---- health (sqlite_health.c) ---- */

/* A job's; and of the one that it depends on, whose name the caller frees. */
struct health;
struct health_parent;
int health_load(struct sqlite *db, int64_t job, struct health *h, struct health_parent *parent);
int health_save(struct sqlite *db, int64_t job, const struct health *h);

/* The job that dependsOn names; 0: it names none.  0, -ECHILD, -EPROTOTYPE, -errno. */
int health_parent_find(struct sqlite *db, const struct job_spec *spec, int64_t *ret);

/* ---- notices (sqlite_notice.c) ---- */

/* A job with rules is added, or edited: then anew means that its dues are others; it is deleted. */
int notify_put(struct sqlite *db, int64_t job, const struct job_spec *spec, bool anew);
int notify_delete(struct sqlite *db, int64_t job);

/*
 * A run has ended for good, its verdict judged, or a claim may be late, or occurrences were skipped: o->notices,
 * claim->notices, *ret targets are to be told.
 */
int notify_run(struct sqlite *db, const struct job_now *j, struct op_finish *o);
int notify_late(struct sqlite *db, const struct job_now *j, struct op_claim *claim);
int notify_skip(struct sqlite *db, const struct job_now *j, const struct op_skip *skip, int64_t *ret);
struct notice_info;
int notify_waiting(struct sqlite *db, int64_t job, struct notice_info *n, int64_t *ret);	/* late (sqlite_late.c) */

int notice_delete(struct sqlite *db, int64_t id);

/* ---- spans (sqlite_span.c) ---- */

/* A row of skip, or the last one made longer: every is the job's. */
int skip_write(struct sqlite *db, const struct op_skip *o, usec_t every);

/* A job's pause or quarantine begins, or ends. */
int span_hold(struct sqlite *db, int64_t job, enum span_kind kind, bool begins, instant at,
    int64_t uid);

/* ---- counts (sqlite_counts.c) ---- */
int counts_load(struct sqlite *db);
void counts_done(struct counts *c);
int64_t counts_owned(const struct counts *c, int64_t uid);
void counts_owner_add(struct counts *c, int64_t uid, int64_t jobs);
void counts_runs_add(struct counts *c, int64_t queued, int64_t running, int64_t retrying);
void counts_rows_add(struct counts *c, int64_t rows);	/* of runs that were made */
void counts_output_add(struct counts *c, int64_t bytes);
/* What an op has deleted; it counts when all has succeeded, and then counts_save() is due. */
struct freed {
	int64_t	rows, output;	/* rows of runs; bytes */
};
void counts_free(struct counts *c, const struct freed *freed);
int counts_output_save(struct sqlite *db);	/* before a commit */
/* always before a job is gone: its id lives on in `counted` */
int counts_save(struct sqlite *db);
int counts_save_sometimes(struct sqlite *db);	/* after an add */

/*
 * Delete a job that has no active run, with what it has (the rest of much goes slice by slice): its
 * output is for the runner to remove.  To count it, also for its owner, is the caller's.
 */
struct job_now;
int job_delete(struct sqlite *db, const struct job_now *j, struct freed *freed);

/* Output that the runner is to remove; run 0: all of the job. */
int output_trash_put(struct sqlite *db, int64_t job, int64_t run);

/* Delete a slice of what removed jobs have left.  1: there is more; 0; -errno. */
int trash_slice(struct sqlite *db);

/* ---- the ops ---- */
int sqlite_add(void *db, struct store_op *op);
int sqlite_edit(void *db, struct store_op *op);
int sqlite_apply(void *db, struct store_op *op);
int sqlite_pause(void *db, struct store_op *op);
int sqlite_remove(void *db, struct store_op *op);
int sqlite_keep_slice(void *db, struct store_op *op);
int sqlite_output_trash(void *db, struct store_op *op);
int sqlite_output_removed(void *db, struct store_op *op);
int sqlite_spread(void *db, struct store_op *op);
int sqlite_late(void *db, struct store_op *op);
int sqlite_claim(void *db, struct store_op *op);
int sqlite_finish(void *db, struct store_op *op);
int sqlite_skip(void *db, struct store_op *op);
int sqlite_trigger(void *db, struct store_op *op);
int sqlite_ping(void *db, struct store_op *op);
int sqlite_retry(void *db, struct store_op *op);
int sqlite_cancel(void *db, struct store_op *op);
int sqlite_due(void *db, struct store_op *op);
int sqlite_active(void *db, struct store_op *op);
int sqlite_resolve(void *db, struct store_op *op);
int sqlite_get(void *db, struct store_op *op);
int sqlite_list(void *db, struct store_op *op);
int sqlite_runs(void *db, struct store_op *op);
int sqlite_counts(void *db, struct store_op *op);
int sqlite_life(void *db, struct store_op *op);
int sqlite_shift(void *db, struct store_op *op);
int sqlite_redue(void *db, struct store_op *op);
int sqlite_span(void *db, struct store_op *op);
int sqlite_scheduled(void *db, struct store_op *op);
int sqlite_ledger(void *db, struct store_op *op);
int sqlite_spans(void *db, struct store_op *op);
int sqlite_failed(void *db, struct store_op *op);
int sqlite_queue_set(void *db, struct store_op *op);
int sqlite_queue_remove(void *db, struct store_op *op);
int sqlite_queues(void *db, struct store_op *op);
int sqlite_notice_test(void *db, struct store_op *op);
int sqlite_notice_settle(void *db, struct store_op *op);
int sqlite_notices(void *db, struct store_op *op);
int sqlite_targets(void *db, struct store_op *op);
int sqlite_backup(void *db, struct store_op *op);

#endif
