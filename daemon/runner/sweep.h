/*
 * sweep: a look at every process of the machine, to find those of our commands that are not our
 * children (yet): what a command has started below a process that lives.  We are the
 * subreaper of all of them, so whose a process is, its ancestors say, whatever it has done to its
 * session, its group and its environment.
 *
 * It takes /proc in slices, so that thousands of processes hold up no command, and one look serves
 * all attempts that wait for one.
 */
#ifndef RUNNER_SWEEP_H
#define RUNNER_SWEEP_H

#include <dirent.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/base/map.h"
#include "daemon/engine/task.h"

struct attempt;
struct tree;
struct sighting;

struct sweep {
	struct task	 task;
	struct tree	*tree;
	DIR		*proc;		/* being read */
	struct sighting	*seen;
	size_t		 seen_n, seen_max;
	struct map	 by_pid;	/* of seen */
	uint64_t	 asked, begun, done; /* looks */
};

/* As a child of parent. */
void sweep_start(struct sweep *s, struct tree *w, struct task *parent);
void sweep_end(struct sweep *s);

/* Look for what belongs to an attempt; it is woken when that is done. */
void sweep_ask(struct sweep *s, struct attempt *a);
bool sweep_answered(const struct sweep *s, const struct attempt *a);

/* What /proc/PID/stat says of a process. */
struct process {
	pid_t	 pid, parent;
	char	 state;
	uint64_t born;		/* in ticks since boot: with the pid it names a process */
};

/* False: there is none. */
bool process_read(pid_t pid, struct process *out);

#endif
