/*
 * tree: the processes that commands leave behind.  We are a subreaper (prctl(2)), so whatever
 * loses its parent becomes our child: listing our children shows every leftover, even one
 * that has left its group and session.  Whose it is, its group, its session or its
 * environment (JOBD_JOB, JOBD_RUN, JOBD_ATTEMPT) says.
 *
 * A process that clears its environment and makes a session of its own is nobody's: only a
 * cgroup would hold that one.
 */
#ifndef RUNNER_TREE_H
#define RUNNER_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/base/map.h"
#include "daemon/engine/signals.h"
#include "daemon/engine/task.h"

struct attempt;
struct runner;

struct tree {
	struct task	 reaper;
	struct signals	 signals;	/* SIGCHLD */
	struct runner	*runner;
	struct map	 mains;		/* pid -> attempt, from spawn to reap */
	struct map	 orphans;	/* pid -> struct orphan: children that we did not start */
	int		 children_fd;	/* the kernel's list of our children; -1: it has none */
};

/*
 * A file of /proc/PID, allocated, with a NUL behind it; *n is 0 when there is nothing to see.  No
 * more than a part of a very long one.
 */
char *tree_read_proc(pid_t pid, const char *name, size_t *n);

/* Become a subreaper and reap, as a child of parent.  0 or -errno. */
int tree_start(struct tree *w, struct runner *r, struct task *parent);
void tree_done(struct tree *w);

void tree_add_main(struct tree *w, struct attempt *a);
void tree_remove_main(struct tree *w, struct attempt *a);

/* How many processes are left of an attempt whose main process has ended: looked up anew. */
int64_t tree_count(struct tree *w, const struct attempt *a);

/*
 * Did the last count see of each leftover whose it is?  One that is just executing a program shows
 * nothing for a moment; counting often enough settles it.
 */
bool tree_is_sure(const struct tree *w);

/*
 * Signal all of it that tree_count() has seen: its group, and what has left that.  CONT follows a
 * TERM, and nobody is told TERM twice.
 */
void tree_signal(struct tree *w, struct attempt *a, int signal);

#endif
