/*
 * method: what the methods share.  Each method's row stands in its own file; server.c lists them.
 */
#ifndef SERVER_METHOD_H
#define SERVER_METHOD_H

#include "daemon/engine/loop.h"
#include "daemon/server/server.h"

/* An empty reply comes in so much silence: clients give up after 45 s. */
#define KEEPALIVE_USEC	(30 * USEC_SEC)

/* A task that builds a long reply lets the others run after so many parts. */
#define REPLY_SLICE	64

/* A page ends early when it has grown so big. */
#define PAGE_BYTES_MAX	((size_t)1 << 20)

extern const struct method method_add, method_get, method_list, method_history;
extern const struct method method_runs, method_cancel, method_trigger, method_retry;
extern const struct method method_ping;
extern const struct method method_remove, method_pause, method_resume;
extern const struct method method_wait, method_watch, method_logs;
extern const struct method method_stats, method_tasks, method_doctor;
extern const struct method method_debug_block, method_debug_hog, method_debug_leak, method_debug_slow;
extern const struct method method_debug_fail;
extern const struct method method_simulate, method_signal, method_reexec, method_reload;
extern const struct method method_next, method_skip, method_backfill;
extern const struct method method_why, method_audit;
extern const struct method method_gc, method_edit, method_apply, method_backup;
extern const struct method method_targets, method_deliveries, method_test_target;
extern const struct method method_drain;
extern const struct method method_queues, method_set_queue, method_remove_queue;

static inline struct server *
server_of(const struct call *c)
{
	return call_context(c);
}

/* May it touch everybody's jobs?  Root, and in a user's own daemon that user. */
bool call_privileged(const struct call *c);

/* May it see and touch what belongs to owner? */
bool call_owns(const struct call *c, int64_t owner);

/* For ops: whose jobs may be touched; -1: all. */
int64_t call_reach(const struct call *c);

/* Tell since when jobd is drained, and by whom; nothing when it is not. */
void drain_tell(struct cJSON *to, const struct drain_info *drain);

/* The store could not: -EIO and the like.  What the op itself refuses, the methods tell. */
void call_fail_store(struct call *c, int result);

/* Why an id that was a job's is not any more. */
#define JOB_ONCE_THERE "it was removed, or retention has given it up"

/* Add to a run what is known of it beyond its row, while it lives. */
void run_add_live(const struct server *s, struct run_info *r);

/* A run with what only the scheduler knows as yet; r stays the caller's. */
struct cJSON *run_reply(const struct server *s, struct run_info *r);

/* A job as this caller may see it. */
struct cJSON *job_reply(const struct call *c, struct job_info *j);

/* "12.3" */
#define RUN_TEXT_MAX 48
const char *run_text(int64_t job, int64_t run, char out[RUN_TEXT_MAX]);

/* An id as text, or 0 when it is none. */
int64_t id_parse(const char *text);

/* Bits 1 << value for words; false with why told to the caller of a word that is unknown. */
bool states_read(struct call *c, const struct strings *words, const char *const *names,
    unsigned *ret);

#endif
