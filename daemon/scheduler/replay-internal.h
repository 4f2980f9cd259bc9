/*
 * replay-internal: what replay.c and replay-read.c share and nobody else may use.
 */
#ifndef SCHEDULER_REPLAY_INTERNAL_H
#define SCHEDULER_REPLAY_INTERNAL_H

#include "daemon/base/map.h"
#include "daemon/scheduler/replay.h"
#include "daemon/store/ops.h"

enum decided {
	DECIDED_START,		/* an occurrence starts: key is its due */
	DECIDED_GO_ON,		/* a run that waited starts: key is its number */
	DECIDED_WAIT,		/* an occurrence becomes a run that waits: due */
	DECIDED_SKIP,		/* occurrences are skipped: the first due */
};

struct decision {
	int	what;
	int64_t	job, key;
	int64_t	at;		/* monotonic, of the record */
	bool	before;		/* the beginning: the answer to it may come behind, and what follows from that */
};

struct decisions {
	struct decision	*items;
	size_t		 n, size;
};
void decisions_add(struct decisions *d, struct decision decision);

/* A run that goes on, or waits, at the beginning. */
struct replay_run {
	int64_t	job, run;
	bool	waits, by_hand;
	int64_t	due;
	uint64_t since;		/* where it was claimed, or began to wait: their order; 0: before all of the record */
};

struct replay_job {
	struct due_row	 row;		/* its own; due: at the beginning, none: it is not due by itself */
	struct job_spec	 spec;		/* one that does nothing, of its kind and with its schedule */
	int64_t		 runs;		/* the number of the latest run at the beginning */
	bool		 later;		/* it is added meanwhile */
	bool		 stored;	/* it is in the store */
};

/* What the file says, from the place on where it can be followed. */
struct replay_script {
	const struct flight_file *file;
	uint64_t		 begin;		/* in the ring of decisions */
	int64_t			 from;		/* the time of what stands before it */
	bool			 any;		/* something comes behind it */
	struct map		 jobs;		/* -> struct replay_job */
	struct replay_run	*runs;		/* as they came; of one job by number */
	size_t			 runs_n;
	struct decisions	 decisions;
};

/* False: it cannot be followed at all, with why. */
bool script_read(struct replay_script *s, const struct flight_file *file, char why[200]);
void script_done(struct replay_script *s);

/* The next one from there on that is not left out, as flight_record(). */
const struct flight_cell *script_decision(const struct replay_script *s, uint64_t *at);

#endif
