/*
 * runner: the daemon's side of jobd-runner: finds or starts it, keeps the connection, knows what
 * it runs.  See proto/io.jobd.Runner.varlink and DESIGN 4.6.
 */
#ifndef EXEC_RUNNER_H
#define EXEC_RUNNER_H

#include <sys/types.h>

#include "daemon/wire/peer.h"
#include "proto/runner.h"

struct runner_config {
	const char	*socket;	/* of the runner */
	const char	*own_program;	/* started when nobody answers; NULL: it has its own unit */
	const char	*state_directory; /* for own: the runner's, DIR/runner */
	const char	*log_level;
	pid_t		 own_pid;	/* started by the jobd before us in our process, or 0 */
};

struct runner_stats {
	bool	connected;
	pid_t	pid;
	int64_t	running;
	int64_t	wanted;		/* by so many commands, connected or not */
};

/* A runner that was gone, and did not come back: another one did, or none. */
struct runner_death {
	instant	at;		/* or when that became known */
	bool	before;		/* that no jobd was there to see it */
	instant	back;		/* another one was there; none: not yet */
	pid_t	pid;
	int64_t	running;	/* commands that it had then, as far as known */
	int64_t	lost;		/* attempts that turned out to be lost by it */
};

struct runner *runner_new(const struct runner_config *config, struct loop *l);
/*
 * As a child of parent: connect if somebody listens already; else when the first command wants
 * it, starting our own if so configured; list what it has, watch exits; again whenever it is
 * gone and wanted.  Idle, it wakes nobody, connected or not.
 */
void runner_start(struct runner *r, struct task *parent);

/*
 * Recovery is over: each run that the store calls running has its executor.  So a record that
 * nobody waits for is one whose end was committed by an earlier daemon that died before it said
 * so: it is acknowledged, now and later.  Until this is called, no such record is touched.
 */
void runner_recovered(struct runner *r);

/* No task of it may be alive. NULL is fine. */
void runner_free(struct runner *r);

/*
 * Has it answered with all that it runs and holds, so that "not known" means something?  Told
 * of through runner_wait().
 */
bool runner_ready(const struct runner *r);
/* Wake t at every change of connection, and when... until unwait. */
struct runner_wait { struct runner_wait *next, *prev; struct task *task; };
void runner_wait(struct runner *r, struct runner_wait *w, struct task *t);
void runner_unwait(struct runner *r, struct runner_wait *w);

/*
 * Since when this runner has lived without a break: what it does not know was never begun, if
 * claimed after that.
 */
instant runner_since(const struct runner *r);

/* Told in words where it is too old for something, and what to do about it. */
#define RUNNER_TOO_OLD	"jobd-runner is older than jobd"
#define RUNNER_RENEW	"restart it when nothing runs, or let jobctl daemon reexec renew it"

/* What the runner that is there speaks, see RUNNER_PROTOCOL; 0: there is none. */
int64_t runner_protocol(const struct runner *r);

/*
 * What it has said of itself.  can_limit: "memory", "cpu" or "tasks" can be kept; true while nothing
 * is known.
 */
bool runner_can_limit(const struct runner *r, const char *limit);
bool runner_may_be_root(const struct runner *r);
/* Its policy's file, "" when it has not told. */
const char *runner_policy(const struct runner *r);

/*
 * The connection, for a short call of one's own: NULL while there is none.  Calls are answered one
 * after another and commands are started through it: what may take long (following Logs) needs a
 * connection of its own, to runner_socket().
 */
struct peer *runner_peer(struct runner *r);
/* To be entered for a Start: so that what else it is asked has not to wait for many of them. */
struct gate *runner_starts(struct runner *r);
/*
 * Which connection it is, counted from 1; 0: none.  What was asked through one is answered by the
 * runner of that time: another number means that it has to be found out anew.
 */
uint64_t runner_connection(const struct runner *r);
const char *runner_socket(const struct runner *r);

/* How often there was one, so far. */
int64_t runner_connections(const struct runner *r);
/* Connect now, whether it is wanted or not. */
void runner_look(struct runner *r);
/* The one that we have started and that is our child, or 0. */
pid_t runner_own_pid(const struct runner *r);

/* The daemon has committed the end of this attempt: the runner may forget its record. */
void runner_acknowledge(struct runner *r, int64_t job, int64_t run, int64_t attempt);

void runner_stats(const struct runner *r, struct runner_stats *out);

/* The n-th of those of the latest deaths that are remembered, from 0, the latest first; NULL: no more. */
const struct runner_death *runner_death_get(const struct runner *r, unsigned n);

/* ---- for the executor of commands ---- */

/* What is known of one attempt; the runner's. */
struct runner_run {
	struct runner_run	*same_job;
	int64_t			 job, run, attempt;
	struct task		*waiter;	/* its executor; NULL: it is over, or nobody's */
	bool			 taken;		/* the executor has its end, not yet committed */
	bool			 running;	/* this runner has it */
	bool			 ended;		/* exit is there */
	bool			 news;		/* progress has come that the executor has not taken */
	struct runner_running	 last;
	/* Most of the time there is neither: NULL. */
	struct runner_progress	*progress;
	struct runner_exit	*exit;
};

/*
 * Take an interest in an attempt: t is woken when something about it becomes known.  While
 * anyone has one, the runner is looked for.
 */
struct runner_run *runner_open(struct runner *r, const struct runner_attempt *a, struct task *t);

/* No interest any more; taken: its end will be committed, and acknowledged then. */
void runner_close(struct runner *r, struct runner_run *e, bool taken);

/* Start's or Watch's word on it. */
void runner_run_is_running(struct runner *r, struct runner_run *e, const struct cJSON *running);
void runner_run_has_ended(struct runner *r, struct runner_run *e, const struct cJSON *exit);

/* An attempt is lost: the runner that had it is gone. */
void runner_note_lost(struct runner *r);

/* Why there is no connection, in words; "" when nothing is known. */
const char *runner_trouble(const struct runner *r);

/* Give up a call that was made through runner_peer(), whatever has become of the connection. */
void runner_forget(struct runner *r, struct peer_call *c);

/* A call whose answer is of no interest. */
void runner_tell(struct runner *r, const char *method, const struct cJSON *parameters);

#endif
