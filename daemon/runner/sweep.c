/*
 * sweep: see sweep.h.
 */
#include "daemon/runner/sweep.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/engine/loop.h"
#include "daemon/runner/runner.h"
#include "proto/mem.h"

/* Processes looked at before others may go on: some 10 to 25 us each. */
#define SLICE		32
/* Of one machine; more are not looked at. */
#define SEEN_MAX	((size_t)1 << 20)
/* Up a family tree; a stale number could make a ring of it. */
#define ANCESTORS_MAX	4096

/* A process, and whose it is, once that is looked up. */
struct sighting {
	struct process	 is;
	struct attempt	*owner;
	bool		 settled;
};

bool
process_read(pid_t pid, struct process *out)
{
	char path[40], text[1024], *after;
	ssize_t n;
	int fd, parent;
	unsigned long long born;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	/* The name stands in parentheses, and may hold some. */
	after = strrchr(text, ')');
	if (after == NULL || sscanf(after + 1,
	    " %c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
	    &out->state, &parent, &born) != 3)
		return false;
	out->pid = pid;
	out->parent = parent;
	out->born = born;
	return true;
}

/* ---- looking ---- */

static void
look_at(struct sweep *s, pid_t pid)
{
	struct process p;

	if (s->seen_n == SEEN_MAX || !process_read(pid, &p))
		return;
	if (s->seen_n == s->seen_max) {
		s->seen_max = s->seen_max > 0 ? s->seen_max * 2 : 256;
		s->seen = xrealloc(s->seen, s->seen_max * sizeof(*s->seen));
	}
	s->seen[s->seen_n++] = (struct sighting){ .is = p };
}

/* A slice of /proc.  False: that was all. */
static bool
look_on(struct sweep *s)
{
	struct dirent *entry;
	pid_t pid;

	if (s->proc == NULL)
		s->proc = opendir("/proc");
	for (int n = 0; s->proc != NULL && n < SLICE;) {
		entry = readdir(s->proc);
		if (entry == NULL) {
			closedir(s->proc);
			s->proc = NULL;
			return false;
		}
		pid = (pid_t)strtol(entry->d_name, NULL, 10);
		if (pid <= 0)
			continue;
		look_at(s, pid);
		n++;
	}
	return s->proc != NULL;
}

/* ---- whose is it ---- */

/* What its number alone says: a main process, a child of ours, or one seen before. */
static bool
is_known(struct sweep *s, struct sighting *p)
{
	struct tree *w = s->tree;

	p->owner = map_get(&w->mains, p->is.pid);
	if (p->owner != NULL)
		return true;
	if (p->is.parent == getpid()) {
		p->owner = p->is.pid != w->helper ? tree_see_child(w, p->is.pid) : NULL;
		return true;
	}
	p->owner = tree_owner_of_stray(w, &p->is);
	return p->owner != NULL;
}

/* Find the next ancestor of whom it is known; what lies between is of the same run. */
static void
settle(struct sweep *s, struct sighting *first)
{
	struct sighting *p = first, *parent;
	struct attempt *owner;
	int n = 0;

	while (!p->settled && !is_known(s, p)) {
		parent = map_get(&s->by_pid, p->is.parent);
		/* A child is no older than its parent, or the number has gone to another. */
		if (parent == NULL || parent->is.born > p->is.born || ++n > ANCESTORS_MAX)
			break;
		p = parent;
	}
	owner = p->owner;
	p->settled = true;
	for (p = first; n-- > 0 && p != NULL && !p->settled;
	    p = map_get(&s->by_pid, p->is.parent)) {
		p->owner = owner;
		p->settled = true;
	}
}

static void
tell_tree(struct sweep *s)
{
	struct sighting *p;

	for (size_t i = 0; i < s->seen_n; i++)
		map_set(&s->by_pid, s->seen[i].is.pid, &s->seen[i]);
	for (size_t i = 0; i < s->seen_n; i++) {
		p = &s->seen[i];
		settle(s, p);
		if (p->owner != NULL && p->is.state != 'Z' && p->is.parent != getpid())
			tree_see_stray(s->tree, &p->is, p->owner, s->begun);
	}
	tree_drop_strays(s->tree, s->begun);
	map_done(&s->by_pid);
	s->by_pid = (struct map){ .slots = NULL };
	free(s->seen);
	s->seen = NULL;
	s->seen_n = s->seen_max = 0;
}

/* ---- the task ---- */

static enum task_status
sweep_step(struct task *t)
{
	struct sweep *s = container_of(t, struct sweep, task);

	TASK_BEGIN(t);

	for (;;) {
		AWAIT(t, s->asked > s->done);
		/* Shielded: attempts that are being ended still need us. */
		if (t->err != 0 && s->tree->runner->running == 0)
			break;
		if (t->err != 0)
			AWAIT_SHIELDED(t, USEC_NEVER,
			    s->asked > s->done || s->tree->runner->running == 0);
		if (s->asked == s->done)
			break;
		s->begun = s->asked;
		while (look_on(s))
			TASK_YIELD(t);
		tell_tree(s);
		s->done = s->begun;
		tree_wake_all(s->tree);
	}
	TASK_END(t, 0);
}

static void
sweep_describe(const struct task *t, char *out, size_t n)
{
	(void)t;
	(void)snprintf(out, n, "a command to be ended");
}

static const struct task_kind sweep_kind = {
	.name = "sweep",
	.step = sweep_step,
	.describe = sweep_describe,
};

void
sweep_start(struct sweep *s, struct tree *w, struct task *parent)
{
	s->tree = w;
	task_start(&s->task, &sweep_kind, parent);
}

void
sweep_end(struct sweep *s)
{
	if (s->proc != NULL)
		closedir(s->proc);
	s->proc = NULL;
	map_done(&s->by_pid);
	free(s->seen);
	s->seen = NULL;
}

void
sweep_ask(struct sweep *s, struct attempt *a)
{
	/* One that has begun may have passed what we look for. */
	if (s->asked == s->begun)
		s->asked++;
	a->look = s->asked;
	task_wake(&s->task);
}

bool
sweep_answered(const struct sweep *s, const struct attempt *a)
{
	return s->done >= a->look;
}
