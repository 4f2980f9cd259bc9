/*
 * runner: the daemon's side of jobd-runner: finds or starts it, keeps the connection, knows what
 * it runs.  See proto/io.jobd.Runner.varlink and DESIGN 4.6.
 */
#ifndef EXEC_RUNNER_H
#define EXEC_RUNNER_H

#include "daemon/wire/peer.h"
#include "proto/runner.h"

struct runner_config {
	const char	*socket;	/* of the runner */
	const char	*own_program;	/* started with the state directory when nobody answers; NULL: it has a unit of its own */
	const char	*state_directory; /* for own: DIR/runner */
	const char	*log_level;
};

struct runner_stats {
	bool	connected;
	pid_t	pid;
	int64_t	running;
};

struct runner *runner_new(const struct runner_config *config, struct loop *l);
/* Connect (starting our own if so configured), list what it has, watch exits; again whenever it is gone. As a child of parent. */
void runner_start(struct runner *r, struct task *parent);
void runner_free(struct runner *r);

/* Has it answered with all that it runs and holds (so that "not known" means something)? Woken through runner_wait(). */
bool runner_ready(const struct runner *r);
/* Wake t at every change of connection, and when... until unwait. */
struct runner_wait { struct runner_wait *next, *prev; struct task *task; };
void runner_wait(struct runner *r, struct runner_wait *w, struct task *t);
void runner_unwait(struct runner *r, struct runner_wait *w);

/* The instant since when this runner has lived without a break; what it does not know was never begun if claimed after. */
instant runner_since(const struct runner *r);

/* A connection for a call of one's own (logs, removal): NULL while there is none. */
struct peer *runner_peer(struct runner *r);
const char *runner_socket(const struct runner *r);

/* The daemon has committed the end of this attempt: the runner may forget its record. */
void runner_acknowledge(struct runner *r, int64_t job, int64_t run, int64_t attempt);

/* The output of jobs 'ids' may go. Best effort, repeated by the next prune. */
void runner_remove_output(struct runner *r, const int64_t *jobs, size_t n);

void runner_stats(const struct runner *r, struct runner_stats *out);

#endif
