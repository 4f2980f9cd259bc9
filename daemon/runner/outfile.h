/*
 * outfile: the files of one attempt's output, in the CRI log format:
 *
 *	2026-11-22T10:00:00.000000Z stdout F a whole line
 *	2026-11-22T10:00:00.000000Z stderr P a part: of a very long line, or the end without newline
 *	2026-11-22T10:00:00.000000Z cut F 4194304
 *
 * So the bytes of each stream can be had back exactly.  Of what is more than the limit, head and
 * tail are kept: the first half of the limit goes into JOB/RUN.ATTEMPT.log, what comes after it
 * into parts, JOB/RUN.ATTEMPT.log.1 to .8, of which the oldest goes whole as a new one
 * begins.  A position counts the bytes of output from its beginning, kept or not.  A "cut" line
 * says at which position what follows it stands: each part begins with one, and one stands where
 * the disk did not take what was there.  Who reads knows by his own position what is missing.
 *
 * All here is for the thread of the disk.
 */
#ifndef RUNNER_OUTFILE_H
#define RUNNER_OUTFILE_H

#include <sys/types.h>

#include "proto/buf.h"
#include "proto/runner.h"

/* A longer line is cut into parts. */
#define OUTPUT_LINE_MAX		((size_t)16 * 1024)
/* What stands before the text: time, stream, F or P, and the newline after it. */
#define OUTPUT_TIME_LENGTH	27
#define OUTPUT_OVERHEAD		(OUTPUT_TIME_LENGTH + 1 + 6 + 1 + 1 + 1 + 1)
/*
 * Short lines cost more on disk than in bytes: a file is at most so many times its share, or so
 * great: who makes many small ones has much to do.
 */
#define OUTPUT_FILE_FACTOR	8
#define OUTPUT_FILE_LEAST	((int64_t)256 * 1024)
/* The tail is kept in so many parts. */
#define OUTPUT_PARTS		8

/* Where an attempt's output is, below DIR/output; part 0 is the head. */
#define OUTPUT_PATH_MAX 88
void outfile_path(char path[OUTPUT_PATH_MAX], const struct runner_attempt *of, int part);

struct outfile {
	int			 folder;	/* DIR/output */
	struct runner_attempt	 of;
	int64_t			 head_max;	/* bytes */
	int64_t			 tail_max, part_max;
	size_t			 line_max;
	int			 fd;		/* of the file that is written, or -1 */
	int64_t			 size;		/* of that file */
	int64_t			 sequence;	/* of that file: 0 the head, then counting */
	int64_t			 in_file[1 + OUTPUT_PARTS];	/* bytes, by part */
	int64_t			 position;	/* of all that has come */
	int64_t			 kept;
	int			 error;		/* -errno of the last block, or 0 */
	bool			 gap;		/* something is missing before the next line */
	struct buf		 rest[OUTPUT_COUNT];	/* no whole line yet */
	struct buf		 block;		/* to be written */
	int64_t			 block_bytes;	/* of output in it */
};

/* What has come since the last one.  The buffers are emptied. */
struct outblock {
	instant		 at;
	int64_t		 lost;			/* bytes before it that were not taken */
	struct buf	 in[OUTPUT_COUNT];
	bool		 over[OUTPUT_COUNT];	/* nothing more will come */
};

/* max: bytes to keep. */
void outfile_init(struct outfile *f, int folder, const struct runner_attempt *of, int64_t max);

/* Take a block, write what is to be kept of it.  The result is f->error: what failed is gone. */
void outfile_take(struct outfile *f, struct outblock *b);

/*
 * Across an execution of the program, with no block under way: what it has, and on with that.  The
 * file is opened again by its name.
 */
struct cJSON;
struct cJSON *outfile_save(const struct outfile *f);
void outfile_resume(struct outfile *f, const struct cJSON *saved);

/* Close, free. */
void outfile_done(struct outfile *f);

#endif
