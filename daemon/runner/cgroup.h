/*
 * cgroup: a control group for each run, below ours, where that is delegated to us: it holds all of
 * a run's processes whatever they do, keeps its limits, and ends it at one stroke.
 *
 *	OURS/runner			we ourselves
 *	OURS/run-JOB.RUN.ATTEMPT	a run
 *
 * A group is used only when it was given to us: writable, empty but for us, and, under systemd,
 * marked as delegated.  Everything else (a login's scope, a container's root) holds processes
 * that we did not start, and is left alone: runs are then ended by their family tree, see sweep.h.
 */
#ifndef RUNNER_CGROUP_H
#define RUNNER_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/when.h"

struct attempt;
struct cgroups;
struct runner;
struct runner_start;

/* What a controller is needed for. */
enum cgroup_limit { CGROUP_MEMORY, CGROUP_CPU, CGROUP_TASKS, CGROUP_LIMIT_COUNT };
/* As Describe tells them: memory, cpu, tasks. */
extern const char *const cgroup_limit_names[];

/*
 * delegated: whoever started us says so, as a user's manager gives groups away without a mark.
 * NULL: there is none for us; why then says so, in words, for as long as the program runs.
 */
struct cgroups *cgroups_new(bool delegated, const char **why);
/* Our own process stays where it is. */
void cgroups_free(struct cgroups *g);

/* Can this limit be kept?  g may be NULL. */
bool cgroups_can(const struct cgroups *g, enum cgroup_limit limit);

/* End all processes in groups of runs; how many groups hold some yet.  For those of an earlier life. */
size_t cgroups_end_all(struct cgroups *g);

/* ---- of one run ---- */

/*
 * Make the group of an attempt and set its limits.  A descriptor of it for child_spawn(), the
 * caller's to close; or -errno, and what names the file that refused.
 */
int cgroup_make(struct cgroups *g, const struct attempt *a, const struct runner_start *s,
    const char **what);
/* Has it a process? */
bool cgroup_holds(const struct cgroups *g, const struct attempt *a);
/* Kill all that is in it, and what is born meanwhile. */
void cgroup_kill(const struct cgroups *g, const struct attempt *a);
/* A descriptor of the file that tells by POLLPRI when it becomes empty, or -errno. */
int cgroup_events(const struct cgroups *g, const struct attempt *a);

struct cgroup_usage {
	usec_t	cpu;		/* of all its processes; 0: not known */
	int64_t	memory_peak;	/* 0: not known */
	bool	oom;		/* a process of it was killed for want of memory */
};
void cgroup_usage(const struct cgroups *g, const struct attempt *a, struct cgroup_usage *out);

/* Remove it, now or when the last process that was let go has left it. */
void cgroup_remove(struct cgroups *g, const struct attempt *a);
/* Try again with those that could not be removed, not more often than every second. */
void cgroups_tidy(struct runner *r);

/* Of the run's group that a process is in: false when in none. */
bool cgroup_of(const struct cgroups *g, int pid, int64_t *job, int64_t *run, int64_t *attempt);

#endif
