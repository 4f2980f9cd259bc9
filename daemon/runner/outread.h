/*
 * outread: output read back: line by line, in bounded slices, over cuts, while it is written or
 * later.  See outfile.h for the files.  All here is for the thread of the disk.
 */
#ifndef RUNNER_OUTREAD_H
#define RUNNER_OUTREAD_H

#include "daemon/runner/outfile.h"

struct cJSON;

struct outread {
	/* Set before the first call. */
	int			 folder;	/* DIR/output */
	struct runner_attempt	 of;		/* attempt 0: the latest that has left a file */
	int64_t			 tail;		/* -1: all */
	int			 stream;	/* -1: both */
	char			 since[WHEN_TEXT_MAX]; /* as instant_print(), or "" */
	int64_t			 start;		/* the position before which nothing is wanted, or 0 */
	/* What was found. */
	struct cJSON		*chunks;	/* of the last slice, to be taken; NULL: none wanted */
	bool			 moved;		/* the last slice had lines, wanted or not */
	bool			 more_back;	/* outread_back() has not done yet */
	/* Where it stands. */
	int			 fd;		/* of the present file, or -1; begin with -1 */
	int64_t			 at;		/* the position at which that begins; -1: before the head */
	off_t			 offset;	/* at the beginning of a line */
	int64_t			 position;	/* of that in all output */
	int64_t			 lines;		/* seen by the search for the tail */
	bool			 found;		/* the tail begins at offset: its position is counted */
	off_t			 counted;	/* so far */
};

/* One slice backwards, to where the tail begins: again while more_back. */
void outread_back(struct outread *r);

/* One slice forward: the wanted lines become chunks. */
void outread_slice(struct outread *r);

void outread_done(struct outread *r);

#endif
