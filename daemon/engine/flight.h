/*
 * flight: the flight recorder: what came to the loop in the last minutes, and what was decided about it, kept in rings
 * of fixed size, so that afterwards one can see what happened and why (docs/engine.md).
 *
 * A record is a cell of 32 bytes, or a few: numbers only, and the words of a schedule, a queue or a mutex.  What a
 * command is, its environment, its output and the bodies of calls are never in it.  Noting one is a few stores into
 * memory that is there: no allocation, no system call, no lock; it belongs to the loop's thread.
 *
 * The rings are written to a file when the process aborts (a failed MUST, or SIGABRT from a service manager that has
 * lost patience), from the signal's handler; and when somebody asks.
 */
#ifndef ENGINE_FLIGHT_H
#define ENGINE_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/engine/loop.h"

/*
 * Cells of a ring, a power of two: 1 MiB each.  They are apart so that a storm of inputs does not drive out the
 * decisions, nor a mass of new jobs either of them.  Pages that were never needed take no memory.
 */
#define FLIGHT_CELLS	32768

enum flight_ring_id {
	FLIGHT_INPUTS,		/* of the loop: timers, readiness, answers of the store, calls */
	FLIGHT_DECISIONS,	/* of the scheduler, with what it was told */
	FLIGHT_JOBS,		/* what a decision about a job stands on */
	FLIGHT_RINGS
};

/* The file is of this form; another one is another number. */
#define FLIGHT_MAGIC	"JOBDFLT\n"
#define FLIGHT_VERSION	1
#define FLIGHT_ORDER	UINT32_C(0x01020304)

/* In the file, too: append only.  What the members of a cell mean, after their names. */
enum flight_what {
	FLIGHT_NOTHING,
	FLIGHT_MORE,		/* the record before it goes on */
	/* inputs */
	FLIGHT_TIMER,		/* kind: whose; n: so many of it at once; a: the (armed) time of the first, monotonic */
	FLIGHT_READY,		/* kind: of who waits; a: descriptor; b: enum watch_what */
	FLIGHT_ANSWER,		/* of the store; kind: of who asked; n: enum op_kind; a: the result */
	FLIGHT_CALL,		/* kind: the method; a: uid */
	FLIGHT_BLOCKED,		/* kind: who; n: enum block_cause; a: usec */
	/* decisions; n mostly the kind of job, a: job, b: run */
	FLIGHT_BEGIN,		/* a: the wall clock */
	FLIGHT_CLOCK,		/* a: wall clock less monotonic, from now on; b: until now */
	FLIGHT_CLAIM,		/* to be started; run 0: its occurrence; more: due, next due, skipped before it */
	FLIGHT_CLAIMED,		/* kind: how the store answered, an errno; more: due */
	FLIGHT_QUEUE,		/* its occurrence is to wait for the job's run; more: due, next due */
	FLIGHT_SKIP,		/* n: cause; b: how many; more: first, last, next due */
	FLIGHT_SKIPPED,		/* kind: how the store answered; more: first */
	FLIGHT_EXIT,		/* the executor has ended; n: state; kind: exit code */
	FLIGHT_LEFT,		/* the run has given its slot back; n: state; kind: enum job_kind; more: next attempt, began */
	FLIGHT_ADOPTED,		/* it went on when the daemon began; more: began */
	FLIGHT_TOLD,		/* n: enum flight_told; more: when it is due; of a queue: the place of its record */
	/* jobs; more: the numbers, then text (flight.c) */
	FLIGHT_JOB,		/* n: kind; a: job; b: due */
	FLIGHT_LINE,		/* a queue; a: slots (0: by default); b: paused since; more: rate, its usec; its name */
	/* after the rings, as it is when they are written */
	FLIGHT_NOW_JOB,		/* n: state in the window; a: job; b: due */
	FLIGHT_NOW_RUN,		/* a run that goes on; n: kind; a: job, b: run */
				/* and FLIGHT_TOLD of TOLD_DRAINED, when it is drained */
	FLIGHT_WHAT_COUNT
};

/* What the scheduler is told by others. */
enum flight_told {
	TOLD_ADDED, TOLD_PAUSED, TOLD_RESUMED, TOLD_REMOVED, TOLD_TRIGGERED, TOLD_CANCELED, TOLD_RETRIED,
	TOLD_SKIPPED, TOLD_DUE_QUEUED, TOLD_QUEUE_SET, TOLD_QUEUE_REMOVED, TOLD_DEPENDENT, TOLD_RECOVERED,
	TOLD_SWEPT, TOLD_STORE_FAILED, TOLD_EDITED, TOLD_LIMITS, TOLD_PINGED,
	TOLD_DRAINED,		/* b: 1, or 0 from when it goes on */
	TOLD_COUNT
};

struct flight_cell {
	uint8_t		 what;		/* enum flight_what */
	uint8_t		 cells;		/* that the record has, with this one; at most FLIGHT_RECORD_MAX */
	uint16_t	 n;
	uint32_t	 kind;		/* of task: flight_kind(); or something else */
	union {
		struct {
			int64_t	 at;	/* monotonic, usec, as of the loop's tick */
			int64_t	 a, b;
		};
		int64_t		 more[3];	/* of FLIGHT_MORE */
		char		 text[24];	/* or text, with its NUL if there is room */
	};
};
_Static_assert(sizeof(struct flight_cell) == 32, "two in a line of the processor's cache");

/* Text that is longer is cut; then the record is of no use to a replay, and says so (FLIGHT_CUT). */
#define FLIGHT_RECORD_MAX	64
#define FLIGHT_CUT		UINT32_C(1)

struct flight_ring {
	uint64_t		 head;		/* cells so far; the next is at head % FLIGHT_CELLS */
	struct flight_cell	*cells;
};

/* Room for so many sorts of runs. */
#define FLIGHT_KINDS 8

/* What is known from the beginning, or since the limits were set last (TOLD_LIMITS), for whoever decides anew. */
struct flight_limits {
	int64_t	running_max[FLIGHT_KINDS];
	int64_t	slots_default, slots_schedule, slots_named;
	int64_t	window_jobs_max, catch_ups;
	int64_t	since;		/* the wall clock: somebody looks after dues since then */
};

struct flight_header {
	char			 magic[8];
	uint32_t		 version, order;
	uint32_t		 header_bytes, cell_bytes;
	char			 program[32];	/* the version of jobd */
	char			 reason[200];
	int64_t			 wall, now;	/* both clocks, when it was written */
	int64_t			 pid;
	struct flight_limits	 limits;
	struct {
		uint64_t	 lost;		/* cells that were overwritten */
		uint64_t	 cells;		/* that follow, the oldest first */
	}			 rings[FLIGHT_RINGS];
	uint64_t		 kinds;		/* names that follow them; then cells to the end of the file */
};

struct flight_name {
	uint32_t	id;
	char		name[28];
};

/*
 * Tells, cell by cell, what the scheduler has at present; from the signal's handler: it may only read.  False: no more
 * is taken, as a list that is broken may have no end; it is to stop then.
 */
struct flight_out;
typedef void (*flight_present)(void *context, struct flight_out *out);
bool flight_tell(struct flight_out *out, const struct flight_cell *cell);

/* Cells that it may tell: 16 MiB, what some hundred thousand jobs have. */
#define FLIGHT_PRESENT_MAX	((size_t)16 * FLIGHT_CELLS)

struct flight {
	struct loop		*loop;
	struct flight_ring	 rings[FLIGHT_RINGS];
	struct flight_limits	 limits;
	flight_present		 present;
	void			*context;
};

/*
 * Begin to record what comes to a loop.  The memory is there from now on; NULL, with errno, when it cannot be.
 * One in a process is written when it aborts: the first.
 */
struct flight *flight_start(struct loop *l);

/* Before the loop is freed; the loop records no more.  NULL is fine. */
void flight_free(struct loop *l);

/*
 * From now on SIGABRT writes it to DIRECTORY/flight.abort, after moving an older one to flight.abort.old.  When that
 * takes longer than this, SIGALRM ends the process.
 */
#define FLIGHT_ABORT_SECONDS	10
#define FLIGHT_ABORT_NAME	"flight.abort"
void flight_on_abort(struct loop *l, const char *directory, const char *program);

/* Write it to a descriptor at once.  Allocates nothing.  0 or -errno. */
int flight_write(const struct flight *f, int fd, const char *program, const char *reason);

/* The same for who must not block the loop for long: a copy, to be written in parts, and freed.  *ret_size bytes. */
void *flight_copy(const struct flight *f, const char *program, const char *reason, size_t *ret_size);

/* ---- noting ---- */

/* A kind of task, as a number: low bits of its address, which stand for its name in the file. */
static inline uint32_t
flight_kind(const struct task_kind *kind)
{
	return (uint32_t)(uintptr_t)kind;
}

static inline struct flight_cell *
flight_next(struct flight_ring *r)
{
	return &r->cells[r->head++ % FLIGHT_CELLS];
}

/* One cell.  Nothing on a loop that is not recorded. */
static inline void
flight_note(struct loop *l, enum flight_ring_id ring, enum flight_what what, uint32_t n, uint32_t kind, int64_t a,
    int64_t b)
{
	struct flight *f = l->flight;

	if (f == NULL)
		return;
	*flight_next(&f->rings[ring]) = (struct flight_cell){ .what = (uint8_t)what, .cells = 1, .n = (uint16_t)n,
	    .kind = kind, .at = l->now, .a = a, .b = b };
}

/* Two cells. */
static inline void
flight_note_more(struct loop *l, enum flight_ring_id ring, const struct flight_cell *head, int64_t x, int64_t y,
    int64_t z)
{
	struct flight *f = l->flight;
	struct flight_cell *c;

	if (f == NULL)
		return;
	c = flight_next(&f->rings[ring]);
	*c = *head;
	c->cells = 2;
	c->at = l->now;
	*flight_next(&f->rings[ring]) = (struct flight_cell){ .what = FLIGHT_MORE, .more = { x, y, z } };
}

/*
 * A record with n rows of three numbers and the texts after them, each with its NUL (NULL: an empty one).  The head
 * is at the returned place; UINT64_MAX: it is not recorded.
 */
uint64_t flight_note_texts(struct loop *l, enum flight_ring_id ring, const struct flight_cell *head,
    const int64_t (*numbers)[3], unsigned n, const char *const *texts, unsigned texts_n);

/* A record is about to be overwritten: put it at the end once more.  Its place from now on, as above. */
uint64_t flight_renew(struct loop *l, enum flight_ring_id ring, uint64_t place);

/* ---- reading a file ---- */

struct flight_file {
	struct flight_header		 header;
	const struct flight_cell	*cells[FLIGHT_RINGS];	/* as many as the header says */
	const struct flight_name	*names;
	const struct flight_cell	*present;
	uint64_t			 present_n;
	void				*data;
};

#define FLIGHT_ERROR_MAX 256

/* Read it all, and check its form.  0; -errno with words. */
int flight_read(struct flight_file *file, const char *path, char error[FLIGHT_ERROR_MAX]);
void flight_file_done(struct flight_file *file);

/* The name of a kind of task, or "?". */
const char *flight_kind_name(const struct flight_file *file, uint32_t kind);

/* The next record at or after *at, which goes on behind it; or NULL.  It is whole. */
const struct flight_cell *flight_record(const struct flight_file *file, enum flight_ring_id ring, uint64_t *at);

/* The text number i of a record whose rows of numbers end after `rows`; out of `size` bytes.  False: there is none. */
bool flight_text(const struct flight_cell *record, unsigned rows, unsigned i, char *out, size_t size);

#endif
