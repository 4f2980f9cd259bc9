/*
 * child: a process and its pidfd, as conditions.  clone(2) with CLONE_VFORK and CLONE_PIDFD: the
 * cost does not follow our size, and the number cannot be reused before we reap.
 *
 * We stand still until the child has executed.  So a directory or program on a file system
 * that hangs holds us up, and so could the user that the child becomes, by stopping it
 * in those microseconds.  Needs Linux 5.9 (close_range).
 */
#ifndef ENGINE_CHILD_H
#define ENGINE_CHILD_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "daemon/engine/watch.h"

#define SPAWN_MORE_MAX 2

/* What to start.  All is borrowed until child_spawn() returns. */
struct spawn {
	const char		*path;		/* absolute: no PATH search here */
	char *const		*argv;
	char *const		*envp;
	const char		*directory;	/* or NULL */
	int			 stdio[3];	/* become 0, 1, 2; -1: /dev/null */
	int			 more[SPAWN_MORE_MAX]; /* become 3, 4: the first more_n */
	size_t			 more_n;
	bool			 change_user;	/* set uid, gid and groups below (needs root) */
	uid_t			 uid;
	gid_t			 gid;
	const gid_t		*groups;
	size_t			 groups_n;
	int			 umask;
	bool			 new_session;	/* setsid(2); else a process group of its own */
	int			 nice;		/* added to ours */
	const struct rlimit	*files;		/* of its descriptors; NULL: as ours */
	bool			 plain_oom;	/* its oom_score_adj is 0, whatever ours is */
	bool			 into_cgroup;	/* is born in this one: */
	int			 cgroup_fd;	/* its directory (cgroup v2) */
};

struct child {
	struct watch	 watch;
	pid_t		 pid;		/* 0: none */
	int		 pidfd;
	bool		 exited;	/* it has ended; not yet reaped, so pid and group are still its own */
};

/*
 * Start it (a cgroup: with clone3(2), or, where that is not to be had, by moving it before it
 * executes): default signals, empty mask, no inherited descriptors but stdio and more (close_range),
 * its own group.  waiter is woken at its end.  0, or -errno of what failed, named in *stage
 * ("chdir", "exec", ...; a constant).
 */
int child_spawn(struct child *c, struct loop *l, const struct spawn *s, struct task *waiter,
    const char **stage);

/*
 * Take over a child that the program before this one in our process has started, by its pidfd, which
 * is ours then (and close-on-exec).  0 or -errno.
 */
int child_take_over(struct child *c, struct loop *l, pid_t pid, int pidfd, struct task *waiter);

/* Signal its process group (pgid is pid) as long as it is not reaped.  0 or -errno. */
int child_kill_group(const struct child *c, int signal);

/* After exited: take the status (as waitpid) and resource usage; the pid is free afterwards. */
int child_reap(struct child *c, int *status, struct rusage *usage);

#endif
