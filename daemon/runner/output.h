/*
 * output: what a command writes to stdout and stderr, by lines, with time and stream, into
 * a file in the CRI log format:
 *
 *	2026-11-22T10:00:00.000000Z stdout F a whole line
 *	2026-11-22T10:00:00.000000Z stderr P a part: of a very long line, or the end without newline
 *
 * So the bytes of each stream can be had back exactly.  Kept up to a limit; what is beyond
 * is read and dropped, so the command is never held up, and a last line says how much.
 */
#ifndef RUNNER_OUTPUT_H
#define RUNNER_OUTPUT_H

#include "daemon/engine/stream.h"
#include "daemon/engine/task.h"
#include "proto/runner.h"

/* A longer line is cut into parts. */
#define OUTPUT_LINE_MAX		((size_t)16 * 1024)
/* Taken from one stream at a time. */
#define OUTPUT_READ_MAX		((size_t)64 * 1024)
/* What stands before the text: time, stream, F or P, and the newline after it. */
#define OUTPUT_OVERHEAD		(27 + 1 + 6 + 1 + 1 + 1 + 1)
/* Short lines cost more on disk than in bytes: the file is at most so many times the limit. */
#define OUTPUT_FILE_FACTOR	8

struct attempt;

struct output {
	struct task	 task;
	struct attempt	*attempt;
	struct stream	 streams[OUTPUT_COUNT];
	size_t		 looked[OUTPUT_COUNT];	/* bytes at the front that are no whole line yet */
	bool		 ended[OUTPUT_COUNT];
	int64_t		 dropped[OUTPUT_COUNT];
	bool		 cut;		/* the limit was met: nothing more is kept */
	bool		 failed;	/* the file could not be written: said once */
	bool		 stop;		/* take what is there, wait for no more */
	int		 file;		/* -1: not yet wanted */
	int64_t		 max;		/* bytes to keep */
	int64_t		 kept;
	int64_t		 size;		/* of the file */
	instant		 first;		/* the first byte came */
	struct buf	 block;		/* lines to be written at the end of this step */
};

/* Where an attempt's output is, below DIR/output. */
#define OUTPUT_PATH_MAX 80
void output_path(char path[OUTPUT_PATH_MAX], int64_t job, int64_t run, int64_t attempt);

/* Take over the two reading ends, as a child of the attempt.  Done at the end of both. */
void output_start(struct output *o, struct attempt *a, const int fds[OUTPUT_COUNT], int64_t max);

/*
 * Across an execution of the program: what it has, and on with that, as a child of the attempt.
 * Outside its steps all lines are in the file.
 */
struct cJSON;
struct cJSON *output_save(const struct output *o);
void output_resume(struct output *o, struct attempt *a, const struct cJSON *saved);

/* Who holds the other end now does not count. */
void output_stop(struct output *o);

#endif
