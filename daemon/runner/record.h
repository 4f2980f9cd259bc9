/*
 * record: exit records, kept on disk until they are acknowledged: which of them, when, and what
 * becomes of them.  The journal (journal.h) says how.
 *
 * An exit is told to jobd at once and written when it has not been acknowledged a moment later, or
 * at once when no jobd is there; in batches, by the thread of the disk.  Telling first loses
 * nothing: jobd shows an exit only once its own database has it, durably, and until then it is
 * as if nobody had been told.  If the machine, or this process, goes down before the record is
 * written, a jobd that was told may still have it; without the telling nobody would.  And what
 * jobd has acknowledged in time costs no write.
 */
#ifndef RUNNER_RECORD_H
#define RUNNER_RECORD_H

#include <stdbool.h>
#include <sys/queue.h>

#include "daemon/engine/task.h"
#include "daemon/runner/disk.h"
#include "daemon/runner/journal.h"
#include "proto/runner.h"

/* As long as jobd may take for an acknowledgement without costing a write. */
#define RECORD_PATIENCE		(20 * USEC_MSEC)
/* A batch that could not be written. */
#define RECORD_AGAIN		(5 * USEC_SEC)
/* Records in one batch. */
#define RECORD_BATCH_MAX	256
/* Acknowledgements that are worth a batch of their own. */
#define RECORD_FORGET_LATER	USEC_SEC

struct attempt;
struct runner;

/* In each attempt. */
struct record {
	TAILQ_ENTRY(attempt)	 waiting;	/* among those to be written */
	struct journal_place	 place;
	usec_t			 since;		/* loop_now() of its end */
	int			 slot;		/* 1 + its place in the batch under way; 0: in none */
	bool			 unsaved;	/* it is not on disk */
	bool			 old_file;	/* its file of an older format is there */
};

/* What is to be done about one record, by the thread. */
struct record_item {
	struct attempt		*attempt;	/* NULL: it is not wanted any more */
	char			*text;		/* to be written; NULL: it is acknowledged */
	struct journal_place	 place;
	bool			 old_file;	/* remove it */
	struct runner_attempt	 of;
};

struct records {
	struct task		 task;
	struct runner		*runner;
	int			 folder;	/* DIR/exits */
	struct journal		 journal;	/* the thread's while op is lent */
	struct disk_op		 op;
	struct record_item	*items;		/* of the batch under way */
	size_t			 items_n;
	int			 result;	/* 0 or -errno */
	struct record_item	*forget;	/* acknowledged since the last batch */
	size_t			 forget_n, forget_room;
	TAILQ_HEAD(record_list, attempt)	 waiting;
	int64_t			 unsaved;
	bool			 failed;	/* the last batch */
};

/* Read all that an earlier runner has left.  0 or -errno. */
int records_open(struct records *s, struct runner *r);

/* As a child of parent; cancelled, it ends when nothing runs and all is written or cannot be. */
void records_start(struct records *s, struct task *parent);

/* An attempt has ended: keep its record.  It is acknowledged: forget it. */
void record_keep(struct records *s, struct attempt *a);
void record_forget(struct records *s, struct attempt *a);

/* jobd came or went. */
void records_look(struct records *s);

void records_close(struct records *s);

#endif
