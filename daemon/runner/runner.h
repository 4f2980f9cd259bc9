/*
 * runner: what the files of jobd-runner share: the attempts it has, by job, running and
 * ended, and what they stand on.
 */
#ifndef RUNNER_RUNNER_H
#define RUNNER_RUNNER_H

#include "daemon/base/map.h"
#include "daemon/engine/child.h"
#include "daemon/engine/signals.h"
#include "daemon/engine/task.h"
#include "daemon/runner/account.h"
#include "daemon/runner/cgroup.h"
#include "daemon/runner/disk.h"
#include "daemon/runner/idle.h"
#include "daemon/runner/output.h"
#include "daemon/runner/policy.h"
#include "daemon/runner/progress.h"
#include "daemon/runner/record.h"
#include "daemon/runner/tree.h"
#include "proto/runner.h"

/* ---- limits with a name ---- */
/* Commands at once. */
#define RUNNING_MAX		4096
/* Kept for those that run; address space alone until it is used. */
#define MEMORY_RESERVE		((size_t)16 << 20)
/* For output after the main process has gone. */
#define DRAIN_MAX		USEC_SEC
/* Between TERM and KILL for what it has left behind. */
#define LEFTOVER_GRACE_MAX	(5 * USEC_SEC)
/* What a KILL has not ended gets another, first soon, then so often; then it is beyond signals. */
#define KILL_AGAIN_MIN		(10 * USEC_MSEC)
#define KILL_AGAIN		USEC_SEC
#define KILL_ROUNDS_MAX		15
/* Before a KILL all is stopped, so that nothing is born meanwhile: so many looks for more. */
#define STOP_ROUNDS_MAX		8
/* At a leftover that does not show whose it is. */
#define LOOK_AGAIN		USEC_MSEC
/* --own: with nothing to do and nobody there. */
#define OWN_IDLE_MAX		(5 * USEC_SEC)

/*
 * One attempt.  While the command lives its task is alive; then exit is the record,
 * until it is acknowledged.
 */
struct attempt {
	struct task		 task;
	struct runner		*runner;
	struct attempt		*same_job;	/* the next one of its job */
	struct attempt		*older, *newer;	/* among the ended, by sequence */
	uint64_t		 sequence;	/* of its end; 0: it runs */
	struct child		 child;
	struct output		 output;
	usec_t			 deadline;	/* of its timeout; monotonic, USEC_NEVER: none */
	usec_t			 grace;
	usec_t			 grace_end;	/* then KILL; monotonic */
	struct idle		*idle;		/* or NULL */
	struct progress		*progress;	/* the same, while its descriptor is open */
	int			 status_fd;	/* of a launch: why it failed; -1: none */
	uint64_t		 look;		/* of the sweep: it waits for this one */
	int			 leftovers;	/* enum leftovers */
	int			 kills;		/* rounds of KILL given */
	int			 stops;		/* of looks before them */
	bool			 cancel;	/* asked for */
	bool			 ending;	/* by us: its limit, a cancel, or our own end */
	bool			 termed, stopped; /* its group was told TERM, STOP */
	bool			 grouped;	/* it has a cgroup of its own */
	struct watch		 group_events;	/* of that: it has become empty, or not */
	struct record		 record;
	struct runner_exit	 exit;		/* names it from the beginning */
};

/* A stream of a connection that waits for news; a member of its frame. */
struct listener {
	struct listener		*next;
	struct task		*task;
	struct runner_attempt	 of;		/* of this attempt's output; all zero: of ends */
};

/* What gives the name of its runner to each command. */
#define LEFTOVER_VARIABLE	"JOBD_RUNNER"

/* Ending what an earlier life has left. */
struct leftover {
	struct task		 task;
	struct runner		*runner;
	int64_t			 n;
	usec_t			 until;
	int			 kills;
};

struct runner {
	struct task		 task;		/* the root */
	struct loop		*loop;
	struct service		*service;
	int			 state_fd;	/* DIR */
	int			 output_fd;	/* DIR/output */
	int			 exits_fd;	/* DIR/exits */
	int			 lock_fd;
	bool			 own;
	bool			 stopping;
	uid_t			 uid;		/* we ourselves */
	uid_t			 for_uid;	/* whom we serve */
	instant			 since;
	char			 name[17];	/* of the state directory; see leftover.c */
	bool			 unclean;	/* an earlier life did not end in order */
	struct leftover		 leftover;
	int64_t			 running;
	uint64_t		 sequence;	/* of the last end */
	struct map		 jobs;		/* job -> its first attempt */
	struct attempt		*oldest, *newest; /* the ended ones */
	struct listener		*listeners;
	int64_t			 listening;	/* connections in Watch */
	struct disk		 disk;
	struct records		 records;
	int64_t			 output_lent;	/* bytes of output under way to the disk */
	struct progress		*progresses;	/* of those that report it */
	uint64_t		 progress_sequence; /* of the last news */
	struct accounts		 accounts;
	struct policy		 policy;
	char			*policy_file;	/* as asked for; NULL: the default one */
	unsigned		 hangups;	/* that were answered by reading it again */
	unsigned		 policies;	/* read so far */
	const char		*program;	/* to be executed in our place */
	struct task		*reexec;	/* asks for that; NULL: nobody */
	int			 reexec_error;	/* why it was not done */
	struct cgroups		*cgroups;	/* NULL: we have none, and why: */
	const char		*no_cgroups;
	struct rlimit		 files;		/* descriptors of commands: as we were given them */
	bool			 plain_oom;	/* commands are no harder to kill than others */
	struct tree		 tree;
	struct signals		 signals;
};

/* ---- runner.c: what we have ---- */

struct attempt *runner_find(const struct runner *r, int64_t job, int64_t run, int64_t attempt);
/* The latest attempt of a run that we know of, or NULL. */
struct attempt *runner_find_latest(const struct runner *r, int64_t job, int64_t run);
/* All of them, one after another. */
struct attempt *runner_next(const struct runner *r, struct attempt *a, size_t *position);
void runner_add(struct runner *r, struct attempt *a);
/* Its exit is whole: keep it, tell it. */
void runner_ended(struct runner *r, struct attempt *a);
/* The same for one that an earlier runner has kept. */
void runner_loaded(struct runner *r, struct attempt *a);
/* Forget an ended one, on disk too. */
void runner_forget(struct runner *r, struct attempt *a);
void runner_listen(struct runner *r, struct listener *l, struct task *t);
void runner_unlisten(struct runner *r, struct listener *l);
/* Wake who waits for this attempt's output; NULL: for ends. */
void runner_tell(struct runner *r, const struct attempt *of);
void runner_done(struct runner *r);

/* ---- attempt.c ---- */

/* Start a command; what the policy limits is changed in s.  The attempt is in the runner's hands afterwards, running or ended. */
struct attempt *attempt_start(struct runner *r, struct runner_start *s);
/* Start the task of one that runs already: its child is there. */
void attempt_go_on(struct attempt *a);
/* End it; its record will say canceled. */
void attempt_cancel(struct attempt *a);

/* ---- life.c ---- */

/* Set r->since, unless a life begins only now.  is_new: the state directory.  0 or -errno. */
int life_begin(struct runner *r, bool is_new);
/* We end in order. */
void life_end(const struct runner *r);

/* ---- leftover.c ---- */

/* Read r->name, or make it.  0 or -errno. */
int leftover_name(struct runner *r);
/* End what an earlier life has left, as a child of parent: r->leftover.task. */
void leftover_start(struct runner *r, struct task *parent);

/* ---- serve.c ---- */

struct service *serve_new(struct runner *r);

#endif
