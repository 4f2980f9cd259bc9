/*
 * logs: output read back, and removed: the calls.  The disk's thread does what touches files
 * (outread.h); following is being woken when the attempt has written.
 */
#ifndef RUNNER_LOGS_H
#define RUNNER_LOGS_H

#include <dirent.h>

#include "daemon/runner/outread.h"
#include "daemon/runner/runner.h"
#include "daemon/wire/service.h"

struct logs_in {
	int64_t	 job, run, attempt;
	bool	 follow;
	int64_t	 tail;		/* -1: all */
	int	 stream;	/* -1: both */
	instant	 since;
	int64_t	 offset;	/* 0; or as a reply said, of the same attempt: go on there */
};

struct logs_call {
	struct call		 call;
	struct listener		 listener;	/* and the attempt that is read */
	struct disk_op		 op;
	struct outread		 read;		/* the thread's while op is lent */
	uint64_t		 seen;		/* blocks that were written when it was read last */
	bool			 over;		/* it had ended before that */
};

extern const struct field logs_fields[];
extern const struct task_kind logs_kind;

/* Remove: whole jobs, or runs of one. */
struct remove_in {
	struct cJSON	*jobs;
	int64_t		 job;
	struct cJSON	*runs;
};

struct remove_call {
	struct call	 call;
	struct disk_op	 op;
	int		 output_fd;	/* DIR/output */
	int64_t		*ids;		/* jobs, or runs of .job */
	size_t		 n, next;
	int64_t		 job;		/* the present one */
	bool		 whole;		/* all of it */
	DIR		*folder;	/* of the present one */
};

extern const struct field remove_fields[];
extern const struct task_kind remove_kind;
extern const struct field remove_runs_fields[];
extern const struct task_kind remove_runs_kind;

#endif
