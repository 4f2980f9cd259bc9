/*
 * output: what a command writes to stdout and stderr, on its way from two pipes to the files
 * of outfile.h.  Here it is only read, in the loop; the thread of the disk makes lines of it
 * and writes them.  A run has one block under way and reads the next meanwhile; then its pipes
 * are left alone, so that a command which writes faster than the disk takes it is held up, and
 * only that one.  A disk that stands still holds up none for long: then what comes is dropped, and
 * the cut is visible.
 */
#ifndef RUNNER_OUTPUT_H
#define RUNNER_OUTPUT_H

#include "daemon/engine/stream.h"
#include "daemon/engine/task.h"
#include "daemon/runner/disk.h"
#include "daemon/runner/outfile.h"

/* Taken from one stream at a time: half of what one run may have in memory, with its block. */
#define OUTPUT_READ_MAX		((size_t)32 * 1024)
/* A disk that has not taken a block for so long stands still. */
#define OUTPUT_STALL_MAX	USEC_SEC
/* Blocks of all runs under way; beyond it, the pipes of those without one are left alone. */
#define OUTPUT_LENT_MAX		((int64_t)64 << 20)

struct attempt;

/* What is there only of a command that has written something. */
struct output_file {
	struct disk_op	 op;
	struct outblock	 block;
	struct outfile	 file;		/* the thread's while op is lent */
};

struct output {
	struct task	 task;
	struct attempt	*attempt;
	struct stream	 streams[OUTPUT_COUNT];
	bool		 ended[OUTPUT_COUNT];
	bool		 failed;	/* a file could not be written: said once */
	bool		 stop;		/* take what is there, wait for no more */
	bool		 pending;	/* a block is under way */
	bool		 stalled;	/* dropping, until it is back */
	int64_t		 max;		/* bytes to keep */
	int64_t		 kept;
	int64_t		 lost;		/* dropped since the last block */
	int64_t		 lent;		/* bytes of the block under way */
	uint64_t	 blocks;	/* written so far: who follows has news */
	usec_t		 stalls_at;	/* if nothing is taken by then */
	instant		 first;		/* the first byte came */
	usec_t		 last;		/* loop_now() of the last one, or of the start */
	struct output_file *file;
};

/* Take over the two reading ends, as a child of the attempt.  Done when all is written. */
void output_start(struct output *o, struct attempt *a, const int fds[OUTPUT_COUNT], int64_t max);

/*
 * Across an execution of the program, while the disk rests (disk_hold()): what it has, and on with that, as a child
 * of the attempt.  The descriptors are kept open by the caller.
 */
struct cJSON;
struct cJSON *output_save(const struct output *o);
void output_resume(struct output *o, struct attempt *a, const struct cJSON *saved);

/* There is room again, or the disk goes on: who had none looks again. */
struct runner;
void output_look_all(struct runner *r);

/* Who holds the other end now does not count. */
void output_stop(struct output *o);

#endif
