/*
 * leftover: what a runner that did not end in order has left running.
 *
 * A runner that is killed takes nobody with it: its commands go on, unheard, and one that is run
 * again would run beside itself.  So the next runner of the state directory, before it listens,
 * ends whatever has its name in the environment: each command is given JOBD_RUNNER, the name
 * that DIR/name keeps, which no other directory has.  A process that clears its
 * environment is not found: only a cgroup would hold that one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/base/rand.h"
#include "daemon/engine/loop.h"
#include "daemon/runner/runner.h"
#include "proto/mem.h"

/* Between two looks at what was told to end. */
#define LEFTOVER_LOOK	(20 * USEC_MSEC)

int
leftover_name(struct runner *r)
{
	struct rand random;
	ssize_t n;
	int fd;

	fd = openat(r->state_fd, "name", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	n = read(fd, r->name, sizeof(r->name) - 1);
	if (n != (ssize_t)sizeof(r->name) - 1) {
		rand_seed_random(&random);
		(void)snprintf(r->name, sizeof(r->name), "%016" PRIx64, rand_next(&random));
		/* When it is not kept, the next runner finds nothing, and says nothing wrong. */
		(void)!pwrite(fd, r->name, sizeof(r->name) - 1, 0);
	}
	close(fd);
	return 0;
}

/* Does the process have our name in its environment? */
static bool
is_ours(const struct runner *r, pid_t pid)
{
	char wanted[64];
	size_t n;
	char *block = tree_read_proc(pid, "environ", &n);
	bool found = false;

	(void)snprintf(wanted, sizeof(wanted), "%s=%s", LEFTOVER_VARIABLE, r->name);
	for (const char *p = block; !found && p < block + n; p += strlen(p) + 1)
		found = strcmp(p, wanted) == 0;
	free(block);
	return found;
}

/* Signal one, if it is ours: by a descriptor, so that a number used again meets nobody. */
static bool
tell_one(const struct runner *r, pid_t pid, int signal)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	bool ours = fd >= 0 && is_ours(r, pid);

	if (ours && signal != 0)
		(void)syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0);
	if (ours && signal == SIGTERM)
		(void)syscall(SYS_pidfd_send_signal, fd, SIGCONT, NULL, 0);
	if (fd >= 0)
		close(fd);
	return ours;
}

/* Signal all that are ours (0: only look); how many there are. */
static int64_t
tell_all(const struct runner *r, int signal)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int64_t n = 0;

	if (proc == NULL)
		return 0;
	while ((entry = readdir(proc)) != NULL) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		/* Who started us from inside one of our commands has its name, too. */
		if (pid > 0 && pid != getpid() && pid != getppid())
			n += tell_one(r, pid, signal);
	}
	closedir(proc);
	return n;
}

static enum task_status
leftover_step(struct task *t)
{
	struct leftover *f = container_of(t, struct leftover, task);

	TASK_BEGIN(t);

	/* What has a cgroup is ended by that, and at once: nobody is there to take its output. */
	f->n = (int64_t)cgroups_end_all(f->runner->cgroups) + tell_all(f->runner, SIGTERM);
	if (f->n == 0)
		goto out;
	log_warning("an earlier jobd-runner has left commands running, ending them processes=%"
	    PRId64, f->n);
	f->until = loop_now(t->loop) + LEFTOVER_GRACE_MAX;
	while (loop_now(t->loop) < f->until && tell_all(f->runner, 0) > 0 && !t->cancelled)
		SLEEP_UNTIL(t, loop_now(t->loop) + LEFTOVER_LOOK);
	for (f->kills = 0; f->kills < KILL_ROUNDS_MAX && tell_all(f->runner, SIGKILL) > 0 &&
	    !t->cancelled; f->kills++)
		SLEEP_UNTIL(t, loop_now(t->loop) + LEFTOVER_LOOK);
	f->n = (int64_t)cgroups_end_all(f->runner->cgroups) + tell_all(f->runner, 0);
	if (f->n > 0)
		log_error("what an earlier jobd-runner has left does not end processes=%" PRId64,
		    f->n);
out:;
	TASK_END(t, 0);
}

static void
leftover_describe(const struct task *t, char *out, size_t n)
{
	const struct leftover *f = container_of(t, const struct leftover, task);

	(void)snprintf(out, n, "%" PRId64 " processes of an earlier life to end", f->n);
}

static const struct task_kind leftover_kind = {
	.name = "leftovers",
	.step = leftover_step,
	.describe = leftover_describe,
};

void
leftover_start(struct runner *r, struct task *parent)
{
	r->leftover.runner = r;
	task_start(&r->leftover.task, &leftover_kind, parent);
}
