/*
 * tree: the processes that commands leave behind.  We are a subreaper (prctl(2)), so whatever
 * loses its parent becomes our child: listing our children shows whether anything is left, even
 * what has left its group and session.  Whose it is, its group, its session or its
 * environment (JOBD_JOB, JOBD_RUN, JOBD_ATTEMPT) says; what is below a process that lives is
 * found by its ancestors, see sweep.h, when a tree is to be ended.
 *
 * A process that clears its environment, makes a session of its own and loses its parent before
 * anybody looked is nobody's: only a cgroup would hold that one.
 */
#ifndef RUNNER_TREE_H
#define RUNNER_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/base/map.h"
#include "daemon/engine/signals.h"
#include "daemon/engine/task.h"
#include "daemon/runner/sweep.h"

struct attempt;
struct runner;

struct tree {
	struct task	 reaper;
	struct signals	 signals;	/* SIGCHLD */
	struct runner	*runner;
	struct map	 mains;		/* pid -> attempt, from spawn to reap */
	struct map	 orphans;	/* pid -> struct orphan: members that we did not start */
	struct sweep	 sweep;
	uint64_t	 looked;	/* in this tick of the loop our children were listed */
	pid_t		 helper;	/* a child that is no command's, or 0 */
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

/* A child that is no command's: its end is another's to take.  0: none. */
void tree_set_helper(struct tree *w, pid_t pid);

void tree_add_main(struct tree *w, struct attempt *a);
void tree_remove_main(struct tree *w, struct attempt *a);

/*
 * How many processes are left of an attempt whose main process has ended: looked up anew.  Those
 * below them are not counted, but while there are any there is one of these.
 */
int64_t tree_count(struct tree *w, const struct attempt *a);

/* The same with those below that the last look of the sweep has found. */
int64_t tree_size(struct tree *w, const struct attempt *a);

/*
 * Did the last count see of each leftover whose it is?  One that is just executing a program shows
 * nothing for a moment; counting often enough settles it.
 */
bool tree_is_sure(const struct tree *w);

/*
 * Signal all of it that was seen: its group, and what has left that.  CONT follows a TERM, and
 * nobody is told TERM or STOP twice.  How many were told.
 */
size_t tree_signal(struct tree *w, struct attempt *a, int signal);

/* What is left of it is nobody's from now on: it goes on, and we only reap it. */
void tree_let_go(struct tree *w, const struct attempt *a);

/* ---- across an execution ---- */

/* What is known of one process that a command has left, or of a stray: another at each call. */
struct cJSON;
struct cJSON *tree_save(const struct tree *w, size_t *position);
/* After tree_start(), and after its attempt. */
void tree_take(struct tree *w, const struct cJSON *saved);

/* ---- for the sweep ---- */

/* Whose a child of ours is that is no main process; NULL: nobody's. */
struct attempt *tree_see_child(struct tree *w, pid_t pid);
/* Whose a process was that was seen before; NULL: nobody's. */
struct attempt *tree_owner_of_stray(struct tree *w, const struct process *p);
/* A process of an attempt that is no child of ours, found by this look. */
void tree_see_stray(struct tree *w, const struct process *p, struct attempt *owner, uint64_t look);
/* Forget those that this look has not found. */
void tree_drop_strays(struct tree *w, uint64_t look);
/* Let each attempt look again at what it waits for. */
void tree_wake_all(struct tree *w);

#endif
