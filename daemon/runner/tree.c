/*
 * tree: see tree.h.
 *
 * Pids are safe here: a main process or an orphan is an unreaped child of ours, so its number cannot
 * belong to another; a stray's number is used only through a descriptor of the process, after
 * a look at when that was born.
 */
#include "daemon/runner/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/engine/loop.h"
#include "daemon/runner/runner.h"
#include "proto/json.h"
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
	struct attempt		*owner;		/* NULL: nobody's */
	uint64_t		 born;		/* of a stray: in ticks since boot */
	uint64_t		 look;		/* that has found the stray */
	bool			 stray;		/* no child of ours: its parent lives */
	int			 looks;		/* at its environment, in vain so far */
	int			 bare;		/* of them, those that saw a command line alone */
	bool			 unsure;	/* whose it is cannot be told yet */
	bool			 termed;	/* was asked to end; once is enough */
	bool			 stopped;
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
static struct attempt *
owner_by_environ(const struct tree *w, struct orphan *o)
{
	struct attempt *a = NULL;
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
	int64_t job, run, attempt;
	struct attempt *a;

	/* Its cgroup cannot be left. */
	if (w->runner->cgroups != NULL &&
	    cgroup_of(w->runner->cgroups, o->pid, &job, &run, &attempt)) {
		a = runner_find(w->runner, job, run, attempt);
		o->owner = a != NULL && a->sequence == 0 ? a : NULL;
		o->unsure = false;
		return;
	}
	a = map_get(&w->mains, getpgid(o->pid));

	o->unsure = false;
	if (a == NULL)
		a = map_get(&w->mains, getsid(o->pid));
	if (a == NULL)
		a = owner_by_environ(w, o);
	o->owner = a != NULL && a->sequence == 0 ? a : NULL;
}

/* ---- looking ---- */

static struct orphan *
orphan_new(struct tree *w, pid_t pid)
{
	struct orphan *o = xcalloc(1, sizeof(*o));

	o->pid = pid;
	map_set(&w->orphans, pid, o);
	return o;
}

/* It may have ended before we knew it, and its signal be spent. */
static void
reap_soon(struct tree *w)
{
	w->signals.pending |= (uint64_t)1 << SIGCHLD;
	task_wake(&w->reaper);
}

/* A stray that has become our child is still whose it was, if it is the same process. */
static void
adopt_stray(struct tree *w, struct orphan *o)
{
	struct process p;

	if (!process_read(o->pid, &p) || p.born != o->born)
		*o = (struct orphan){ .pid = o->pid, .unsure = true };
	o->stray = false;
	reap_soon(w);
}

struct attempt *
tree_see_child(struct tree *w, pid_t pid)
{
	struct orphan *o = map_get(&w->orphans, pid);

	if (o == NULL) {
		o = orphan_new(w, pid);
		o->unsure = true;
		reap_soon(w);
	} else if (o->stray) {
		adopt_stray(w, o);
	}
	if (o->unsure)
		find_owner(w, o);
	return o->owner;
}

static void
see_child(struct tree *w, pid_t pid)
{
	if (map_get(&w->mains, pid) == NULL && pid != w->helper)
		(void)tree_see_child(w, pid);
}

/*
 * Go through the kernel's list of our children: "12 13 14 ".  Once a tick: what has ended in this one
 * ended before it began, and a thousand commands that end together need one list.
 */
static void
look(struct tree *w)
{
	uint64_t now = w->runner->loop->stats.ticks;
	char bytes[4096];
	off_t offset = 0;
	pid_t pid = 0;
	ssize_t n;

	if (w->looked == now)
		return;
	w->looked = now;
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

static int64_t
count(const struct tree *w, const struct attempt *a, bool strays)
{
	struct orphan *o;
	size_t position = 0;
	int64_t n = 0;

	while ((o = map_next(&w->orphans, &position)) != NULL)
		n += o->owner == a && (strays || !o->stray);
	return n;
}

int64_t
tree_count(struct tree *w, const struct attempt *a)
{
	if (w->children_fd < 0 && count(w, a, false) == 0)
		return group_lives(a);
	if (w->children_fd >= 0)
		look(w);
	return count(w, a, false);
}

int64_t
tree_size(struct tree *w, const struct attempt *a)
{
	int64_t children = tree_count(w, a), all = count(w, a, true);

	return all > children ? all : children;
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

void
tree_let_go(struct tree *w, const struct attempt *a)
{
	struct orphan *o;
	size_t position = 0;

	while ((o = map_next(&w->orphans, &position)) != NULL) {
		if (o->owner == a)
			o->owner = NULL;
	}
}

/* ---- what the sweep has seen ---- */

struct attempt *
tree_owner_of_stray(struct tree *w, const struct process *p)
{
	const struct orphan *o = map_get(&w->orphans, p->pid);

	return o != NULL && o->stray && o->born == p->born ? o->owner : NULL;
}

void
tree_see_stray(struct tree *w, const struct process *p, struct attempt *owner, uint64_t number)
{
	struct orphan *o = map_get(&w->orphans, p->pid);

	if (o == NULL)
		o = orphan_new(w, p->pid);
	else if (!o->stray)
		return;
	if (o->born != p->born)
		*o = (struct orphan){ .pid = p->pid };
	o->stray = true;
	o->born = p->born;
	o->owner = owner;
	o->look = number;
}

void
tree_drop_strays(struct tree *w, uint64_t number)
{
	struct orphan *o;
	size_t position = 0, n = 0;
	pid_t *gone;

	if (w->orphans.n == 0)
		return;
	gone = xmalloc(w->orphans.n * sizeof(*gone));
	while ((o = map_next(&w->orphans, &position)) != NULL) {
		if (o->stray && o->look != number)
			gone[n++] = o->pid;
	}
	while (n > 0)
		free(map_remove(&w->orphans, gone[--n]));
	free(gone);
}

void
tree_wake_all(struct tree *w)
{
	struct attempt *a;
	size_t position = 0;

	while ((a = map_next(&w->mains, &position)) != NULL)
		task_wake(&a->task);
}

/* ---- telling ---- */

/* By a descriptor, so that a number that is used again meets nobody. */
static void
stray_signal(const struct orphan *o, int signal)
{
	int fd = (int)syscall(SYS_pidfd_open, o->pid, 0);
	struct process p;

	if (fd < 0)
		return;
	if (process_read(o->pid, &p) && p.born == o->born) {
		(void)syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0);
		if (signal == SIGTERM)
			(void)syscall(SYS_pidfd_send_signal, fd, SIGCONT, NULL, 0);
	}
	close(fd);
}

/* A child of ours, with the group that it leads, if it does. */
static void
child_signal(const struct orphan *o, int signal)
{
	pid_t to = getpgid(o->pid) == o->pid ? -o->pid : o->pid;

	(void)kill(to, signal);
	if (signal == SIGTERM)
		(void)kill(to, SIGCONT);
}

/* Has it been told already?  Now it has. */
static bool
was_told(bool *termed, bool *stopped, int signal)
{
	bool *told = signal == SIGTERM ? termed : signal == SIGSTOP ? stopped : NULL;
	bool was = told != NULL && *told;

	if (told != NULL)
		*told = true;
	return was;
}

size_t
tree_signal(struct tree *w, struct attempt *a, int signal)
{
	struct orphan *o;
	size_t position = 0, n = 0;

	if (!was_told(&a->termed, &a->stopped, signal)) {
		n++;
		(void)child_kill_group(&a->child, signal);
		if (signal == SIGTERM)
			(void)child_kill_group(&a->child, SIGCONT);
	}
	while ((o = map_next(&w->orphans, &position)) != NULL) {
		/* The main process's group has it already. */
		if (o->owner != a || was_told(&o->termed, &o->stopped, signal) ||
		    getpgid(o->pid) == a->child.pid)
			continue;
		n++;
		if (o->stray)
			stray_signal(o, signal);
		else
			child_signal(o, signal);
	}
	return n;
}

/* ---- reaping ---- */

/* Gone, whether it was ours to know or not. */
static void
orphan_gone(struct tree *w, pid_t pid)
{
	struct orphan *o = map_remove(&w->orphans, pid);

	if (o != NULL && o->owner != NULL)
		task_wake(&o->owner->task);
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
		if (o->stray)
			continue;
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
		if (map_get(&w->mains, info.si_pid) != NULL || info.si_pid == w->helper)
			return;
		(void)waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG);
		orphan_gone(w, info.si_pid);
	}
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
		/* Without the kernel's list nobody is known by number: each looks at its group. */
		if (w->children_fd < 0)
			tree_wake_all(w);
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
	sweep_start(&w->sweep, w, parent);
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
	sweep_end(&w->sweep);
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
	map_remove(&w->mains, a->child.pid);
	/* What could not be ended, and what will be freed. */
	tree_let_go(w, a);
	/* A zombie that this one hid may be waiting. */
	reap_soon(w);
}

void
tree_set_helper(struct tree *w, pid_t pid)
{
	w->helper = pid;
	/* A zombie that the last one hid may be waiting. */
	reap_soon(w);
}

struct cJSON *
tree_save(const struct tree *w, size_t *position)
{
	const struct orphan *o = map_next(&w->orphans, position);
	struct cJSON *saved;

	if (o == NULL)
		return NULL;
	saved = json_object();
	json_set_int(saved, "process", o->pid);
	json_set_int(saved, "born", (long long)o->born);
	json_set_bool(saved, "stray", o->stray);
	json_set_bool(saved, "unsure", o->unsure);
	json_set_bool(saved, "termed", o->termed);
	json_set_bool(saved, "stopped", o->stopped);
	if (o->owner != NULL) {
		json_set_int(saved, "job", o->owner->exit.job);
		json_set_int(saved, "run", o->owner->exit.run);
		json_set_int(saved, "number", o->owner->exit.attempt);
	}
	return saved;
}

void
tree_take(struct tree *w, const struct cJSON *saved)
{
	pid_t pid = (pid_t)json_get_int(saved, "process", 0);
	struct attempt *owner = runner_find(w->runner, json_get_int(saved, "job", 0),
	    json_get_int(saved, "run", 0), json_get_int(saved, "number", 0));
	struct orphan *o;

	if (pid <= 0 || map_get(&w->orphans, pid) != NULL)
		return;
	o = orphan_new(w, pid);
	o->born = (uint64_t)json_get_int(saved, "born", 0);
	o->stray = json_get_bool(saved, "stray", 0);
	o->unsure = json_get_bool(saved, "unsure", 0);
	o->termed = json_get_bool(saved, "termed", 0);
	o->stopped = json_get_bool(saved, "stopped", 0);
	o->owner = owner != NULL && owner->sequence == 0 ? owner : NULL;
	reap_soon(w);
}
