/*
 * logs: output read back: from the file, line by line, in bounded slices; following is being
 * woken when the attempt writes.
 */
#ifndef RUNNER_LOGS_H
#define RUNNER_LOGS_H

#include <dirent.h>

#include "daemon/runner/runner.h"
#include "daemon/wire/service.h"

struct logs_in {
	int64_t	 job, run, attempt;
	bool	 follow;
	int64_t	 tail;		/* -1: all */
	int	 stream;	/* -1: both */
	int64_t	 offset;	/* 0; or as a reply said, of the same attempt: go on there */
};

struct logs_call {
	struct call		 call;
	struct listener		 listener;	/* and the attempt that is read */
	int			 file;		/* -1: there is none yet */
	off_t			 offset;	/* at the beginning of a line */
	int64_t			 lines;		/* seen by the search for the tail */
	bool			 over;		/* it had ended before the file was read */
	bool			 moved;		/* the last slice had lines, wanted or not */
	struct cJSON		*chunks;	/* of the last slice; NULL: none wanted */
};

extern const struct field logs_fields[];
extern const struct task_kind logs_kind;

struct remove_in {
	struct cJSON	*jobs;
};

struct remove_runs_in {
	int64_t		 job;
	struct cJSON	*runs;
};

struct remove_call {
	struct call	 call;
	size_t		 next;		/* of the jobs */
	const struct cJSON *runs;	/* only these; NULL: all */
	DIR		*folder;	/* of the present one */
	int64_t		 job;
	bool		 good;		/* what was given is a list of ids */
};

extern const struct field remove_fields[];
extern const struct task_kind remove_kind;
extern const struct field remove_runs_fields[];
extern const struct task_kind remove_runs_kind;

#endif
