/*
 * tree: see tree.h.
 *
 * Pids are safe here: every process in the two maps is an unreaped child of ours, so its
 * number cannot belong to another.
 */
#include "daemon/runner/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/runner/runner.h"
#include "proto/mem.h"

/*
 * While a process executes a program it shows neither environment nor command line for a moment,
 * which is long where others have the processor.  The two cannot be looked at together, so one that
 * shows a command line alone has no environment only if it does so again and again.
 */
#define LOOKS_MAX		5000
#define BARE_MAX		10

/* Of an environment no more is looked at. */
#define PROC_BYTES_MAX	((size_t)256 * 1024)

struct orphan {
	pid_t			 pid;
	const struct attempt	*owner;		/* NULL: nobody's */
	int			 looks;		/* at its environment, in vain so far */
	int			 bare;		/* of them, those that saw a command line alone */
	bool			 unsure;	/* whose it is cannot be told yet */
	bool			 termed;	/* was asked to end; once is enough */
};

/* ---- whose is it ---- */

/* The value of NAME= in an environment block, or 0. */
static int64_t
environ_number(const char *block, size_t n, const char *name)
{
	size_t length = strlen(name);

	for (const char *p = block, *end = block + n; p < end;
	    p += strnlen(p, (size_t)(end - p)) + 1) {
		if ((size_t)(end - p) > length && strncmp(p, name, length) == 0)
			return strtoll(p + length, NULL, 10);
	}
	return 0;
}

/* "12.3": the run after the dot. */
static int64_t
environ_run(const char *block, size_t n)
{
	static const char name[] = "JOBD_RUN=";
	const char *dot;

	for (const char *p = block, *end = block + n; p < end;
	    p += strnlen(p, (size_t)(end - p)) + 1) {
		if (strncmp(p, name, sizeof(name) - 1) != 0)
			continue;
		dot = strchr(p, '.');
		return dot != NULL ? strtoll(dot + 1, NULL, 10) : 0;
	}
	return 0;
}

char *
tree_read_proc(pid_t pid, const char *name, size_t *n)
{
	char path[40], *block = xmalloc(PROC_BYTES_MAX + 1);
	ssize_t r;
	int fd;

	*n = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && *n < PROC_BYTES_MAX &&
	    (r = read(fd, block + *n, PROC_BYTES_MAX - *n)) > 0)
		*n += (size_t)r;
	if (fd >= 0)
		close(fd);
	block[*n] = '\0';
	return block;
}

static bool
shows_nothing(pid_t pid)
{
	size_t n;

	free(tree_read_proc(pid, "cmdline", &n));
	return n == 0;
}

/* By its environment; o->unsure when there is none to be seen now. */
static const struct attempt *
owner_by_environ(const struct tree *w, struct orphan *o)
{
	const struct attempt *a = NULL;
	size_t n;
	char *block = tree_read_proc(o->pid, "environ", &n);

	o->unsure = n == 0 && ++o->looks < LOOKS_MAX &&
	    (shows_nothing(o->pid) || ++o->bare < BARE_MAX);
	if (n > 0)
		a = runner_find(w->runner, environ_number(block, n, "JOBD_JOB="),
		    environ_run(block, n), environ_number(block, n, "JOBD_ATTEMPT="));
	free(block);
	return a;
}

static void
find_owner(const struct tree *w, struct orphan *o)
{
	const struct attempt *a = map_get(&w->mains, getpgid(o->pid));

	o->unsure = false;
	if (a == NULL)
		a = map_get(&w->mains, getsid(o->pid));
	if (a == NULL)
		a = owner_by_environ(w, o);
	o->owner = a != NULL && a->sequence == 0 ? a : NULL;
}

/* ---- looking ---- */

static void
see_child(struct tree *w, pid_t pid)
{
	struct orphan *o;

	if (map_get(&w->mains, pid) != NULL)
		return;
	o = map_get(&w->orphans, pid);
	if (o == NULL) {
		o = xcalloc(1, sizeof(*o));
		o->pid = pid;
		o->unsure = true;
		map_set(&w->orphans, pid, o);
	}
	if (o->unsure)
		find_owner(w, o);
}

/* Go through the kernel's list of our children: "12 13 14 ". */
static void
look(struct tree *w)
{
	char bytes[4096];
	off_t offset = 0;
	pid_t pid = 0;
	ssize_t n;

	while ((n = pread(w->children_fd, bytes, sizeof(bytes), offset)) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (bytes[i] >= '0' && bytes[i] <= '9') {
				pid = pid * 10 + (bytes[i] - '0');
				continue;
			}
			if (pid > 0)
				see_child(w, pid);
			pid = 0;
		}
		offset += n;
	}
	if (pid > 0)
		see_child(w, pid);
}

/* Without the list: does a child of ours live in its group?  The zombie leading it is no matter. */
static bool
group_lives(const struct attempt *a)
{
	siginfo_t info = { 0 };

	return waitid(P_PGID, (id_t)a->child.pid, &info, WSTOPPED | WNOHANG | WNOWAIT) == 0;
}

int64_t
tree_count(struct tree *w, const struct attempt *a)
{
	struct orphan *o;
	size_t position = 0;
	int64_t n = 0;

	if (w->children_fd < 0)
		return group_lives(a);
	look(w);
	while ((o = map_next(&w->orphans, &position)) != NULL)
		n += o->owner == a;
	return n;
}

bool
tree_is_sure(const struct tree *w)
{
	struct orphan *o;
	size_t position = 0;

	while ((o = map_next(&w->orphans, &position)) != NULL) {
		if (o->unsure)
			return false;
	}
	return true;
}

/* With the group that it leads, if it does. */
static void
orphan_signal(struct orphan *o, int signal)
{
	pid_t to = getpgid(o->pid) == o->pid ? -o->pid : o->pid;

	if (signal == SIGTERM && o->termed)
		return;
	(void)kill(to, signal);
	if (signal != SIGTERM)
		return;
	o->termed = true;
	(void)kill(to, SIGCONT);
}

void
tree_signal(struct tree *w, struct attempt *a, int signal)
{
	struct orphan *o;
	size_t position = 0;

	if (signal != SIGTERM || !a->termed)
		(void)child_kill_group(&a->child, signal);
	if (signal == SIGTERM && !a->termed) {
		a->termed = true;
		(void)child_kill_group(&a->child, SIGCONT);
	}
	while ((o = map_next(&w->orphans, &position)) != NULL) {
		if (o->owner == a && getpgid(o->pid) != a->child.pid)
			orphan_signal(o, signal);
	}
}

/* ---- reaping ---- */

/* Gone, whether it was ours to know or not. */
static void
orphan_gone(struct tree *w, pid_t pid)
{
	struct orphan *o = map_remove(&w->orphans, pid);
	struct attempt *owner;

	if (o == NULL)
		return;
	if (o->owner != NULL) {
		owner = runner_find(w->runner, o->owner->exit.job, o->owner->exit.run,
		    o->owner->exit.attempt);
		if (owner != NULL)
			task_wake(&owner->task);
	}
	free(o);
}

/* Reap those we know one by one: a main process that is still a zombie hides them from P_ALL. */
static void
reap_known(struct tree *w)
{
	siginfo_t info;
	struct orphan *o;
	size_t position = 0, n = 0;
	pid_t *gone;

	if (w->orphans.n == 0)
		return;
	gone = xmalloc(w->orphans.n * sizeof(*gone));
	while ((o = map_next(&w->orphans, &position)) != NULL) {
		info.si_pid = 0;
		if (waitid(P_PID, (id_t)o->pid, &info, WEXITED | WNOHANG) < 0 ||
		    info.si_pid == o->pid)
			gone[n++] = o->pid;
	}
	while (n > 0)
		orphan_gone(w, gone[--n]);
	free(gone);
}

/* The others, until a main process is met: its end is its attempt's to take. */
static void
reap_unknown(struct tree *w)
{
	siginfo_t info;

	for (;;) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
			return;
		if (map_get(&w->mains, info.si_pid) != NULL)
			return;
		(void)waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG);
		orphan_gone(w, info.si_pid);
	}
}

/* Without the kernel's list nobody is known by number: let each attempt look at its group. */
static void
wake_mains(struct tree *w)
{
	struct attempt *a;
	size_t position = 0;

	while ((a = map_next(&w->mains, &position)) != NULL)
		task_wake(&a->task);
}

static enum task_status
reaper_step(struct task *t)
{
	struct tree *w = container_of(t, struct tree, reaper);

	TASK_BEGIN(t);

	for (;;) {
		AWAIT(t, w->signals.pending != 0);
		/* Shielded: attempts that are being ended still need us; the root ends us last. */
		if (t->err != 0 && w->runner->running == 0)
			break;
		if (t->err != 0)
			AWAIT_SHIELDED(t, USEC_NEVER,
			    w->signals.pending != 0 || w->runner->running == 0);
		w->signals.pending = 0;
		reap_known(w);
		reap_unknown(w);
		if (w->children_fd < 0)
			wake_mains(w);
	}
	signals_stop(&w->signals);
	TASK_END(t, 0);
}

static void
reaper_describe(const struct task *t, char *out, size_t n)
{
	(void)t;
	(void)snprintf(out, n, "orphans to reap");
}

static const struct task_kind reaper_kind = {
	.name = "reaper",
	.step = reaper_step,
	.describe = reaper_describe,
};

int
tree_start(struct tree *w, struct runner *r, struct task *parent)
{
	static const int list[] = { SIGCHLD };
	int n;

	w->runner = r;
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return -errno;
	/* Of this thread: it starts them all, and the kernel gives it the orphans, as the first. */
	w->children_fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
	n = signals_start(&w->signals, parent->loop, list, 1, &w->reaper);
	if (n < 0)
		return n;
	task_start(&w->reaper, &reaper_kind, parent);
	return 0;
}

void
tree_done(struct tree *w)
{
	struct orphan *o;
	size_t position = 0;

	while ((o = map_next(&w->orphans, &position)) != NULL)
		free(o);
	map_done(&w->orphans);
	map_done(&w->mains);
	if (w->children_fd >= 0)
		close(w->children_fd);
}

void
tree_add_main(struct tree *w, struct attempt *a)
{
	map_set(&w->mains, a->child.pid, a);
}

void
tree_remove_main(struct tree *w, struct attempt *a)
{
	struct orphan *o;
	size_t position = 0;

	map_remove(&w->mains, a->child.pid);
	/* What could not be ended, and what will be freed. */
	while ((o = map_next(&w->orphans, &position)) != NULL) {
		if (o->owner == a)
			o->owner = NULL;
	}
	/* A zombie that this one hid may be waiting. */
	w->signals.pending |= (uint64_t)1 << SIGCHLD;
	task_wake(&w->reaper);
}
