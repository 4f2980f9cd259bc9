/*
 * child: see child.h.
 *
 * The child shares our memory until it executes and we stand still meanwhile (CLONE_VM |
 * CLONE_VFORK): nothing is copied, whatever our size, and what went wrong comes back
 * through a struct.  That memory is ours, so between clone and exec the child does
 * nothing but system calls, made directly: the C library's wrappers keep state of our
 * threads (setresuid() would change their user, sigaction() is watched by the
 * sanitizers).  All signals are blocked around it; none may run a handler of ours in
 * the child.  Its stack is an array in the frame of the caller, who waits.
 */
#include "daemon/engine/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/fault.h"
#include "daemon/engine/loop-internal.h"

/* The child calls three functions deep and has no arrays. */
#define STACK_SIZE	(16 * 1024)

/* What the kernel's signal calls take, whatever the C library's sigset_t is. */
#define KERNEL_SIGNALS	64

/* User and group numbers of 32 bits, where there are older calls with 16. */
#ifdef SYS_setresuid32
#define SYS_SETRESUID	SYS_setresuid32
#define SYS_SETRESGID	SYS_setresgid32
#define SYS_SETGROUPS	SYS_setgroups32
#else
#define SYS_SETRESUID	SYS_setresuid
#define SYS_SETRESGID	SYS_setresgid
#define SYS_SETGROUPS	SYS_setgroups
#endif

/* The child's functions run on a stack that the sanitizers do not know and never return. */
#define IN_CHILD \
	__attribute__((no_sanitize("address"), no_sanitize("thread"), no_sanitize("undefined")))

/* The kernel's struct sigaction, as zeroes: the default. */
struct kernel_sigaction {
	unsigned long	words[4];
};

struct birth {
	const struct spawn	*s;
	const char		*stage;		/* what is being done */
	int			 error;		/* errno of it, or 0 */
	uint64_t		 mask;		/* ours, before */
	bool			 move;		/* it is to enter the cgroup by itself */
};

/* The signals that are ignored stay so across an exec: all become default. */
static IN_CHILD void
reset_signals(void)
{
	struct kernel_sigaction standard;

	for (unsigned i = 0; i < sizeof(standard.words) / sizeof(standard.words[0]); i++)
		((volatile unsigned long *)standard.words)[i] = 0;
	for (int i = 1; i <= KERNEL_SIGNALS; i++) {
		if (i != SIGKILL && i != SIGSTOP)
			(void)syscall(SYS_rt_sigaction, i, &standard, NULL, KERNEL_SIGNALS / 8);
	}
}

static IN_CHILD int
become_user(struct birth *b)
{
	const struct spawn *s = b->s;

	b->stage = "setgroups";
	if (syscall(SYS_SETGROUPS, s->groups_n, s->groups) < 0)
		return -1;
	b->stage = "setgid";
	if (syscall(SYS_SETRESGID, s->gid, s->gid, s->gid) < 0)
		return -1;
	b->stage = "setuid";
	return (int)syscall(SYS_SETRESUID, s->uid, s->uid, s->uid);
}

/* from becomes 0, 1, 2 and what is after them, in any order and with repetitions; all else is closed. */
static IN_CHILD int
arrange_stdio(struct birth *b)
{
	long from[3 + SPAWN_MORE_MAX];
	const int n = 3 + (int)b->s->more_n;

	b->stage = "stdio";
	for (int i = 0; i < n; i++) {
		from[i] = i < 3 ? b->s->stdio[i] : b->s->more[i - 3];
		/* Not below n, or taking one place would overwrite what another needs. */
		if (from[i] < 0) {
			from[i] = syscall(SYS_openat, AT_FDCWD, "/dev/null", i == 0 ? O_RDONLY : O_WRONLY, 0);
			if (from[i] < 0)
				return -1;
		}
		if (from[i] < n)
			from[i] = syscall(SYS_fcntl, from[i], F_DUPFD, n);
		if (from[i] < 0)
			return -1;
	}
	for (int i = 0; i < n; i++) {
		/* dup3() without flags clears close-on-exec. */
		if (syscall(SYS_dup3, from[i], i, 0) < 0)
			return -1;
	}
	b->stage = "close_range";
	return (int)syscall(SYS_close_range, n, ~0U, 0);
}

/* "0" in a file: who writes it, or none. */
static IN_CHILD int
write_zero(long folder, const char *path)
{
	long fd = syscall(SYS_openat, folder, path, O_WRONLY, 0);
	long n;

	if (fd < 0)
		return -1;
	n = syscall(SYS_write, fd, "0", 1);
	(void)syscall(SYS_close, fd);
	return n == 1 ? 0 : -1;
}

/* What needs our rights, before the user is changed. */
static IN_CHILD int
set_limits(struct birth *b)
{
	const struct spawn *s = b->s;

	b->stage = "cgroup";
	if (b->move && write_zero(s->cgroup_fd, "cgroup.procs") < 0)
		return -1;
	b->stage = "nice";
	/* The system call tells 20 - nice, and wants nice. */
	if (s->nice != 0 && syscall(SYS_setpriority, PRIO_PROCESS, 0,
	    20 - syscall(SYS_getpriority, PRIO_PROCESS, 0) + s->nice) < 0)
		return -1;
	b->stage = "rlimit";
	if (s->files != NULL && syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, s->files, NULL) < 0)
		return -1;
	/* Refused, it is only better off than it should be. */
	if (s->plain_oom)
		(void)write_zero(AT_FDCWD, "/proc/self/oom_score_adj");
	return 0;
}

/* All but the exec.  The user is changed first: the directory is entered with its rights. */
static IN_CHILD int
prepare(struct birth *b)
{
	const struct spawn *s = b->s;
	uint64_t none = 0;

	b->stage = "setsid";
	reset_signals();
	if (s->new_session ? syscall(SYS_setsid) < 0 : syscall(SYS_setpgid, 0, 0) < 0)
		return -1;
	(void)syscall(SYS_umask, s->umask);
	if (set_limits(b) < 0)
		return -1;
	if (arrange_stdio(b) < 0)
		return -1;
	if (s->change_user && become_user(b) < 0)
		return -1;
	b->stage = "chdir";
	if (s->directory != NULL && syscall(SYS_chdir, s->directory) < 0)
		return -1;
	b->stage = "sigmask";
	return (int)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, KERNEL_SIGNALS / 8);
}

static IN_CHILD int
child_main(void *arg)
{
	struct birth *b = arg;

	if (prepare(b) == 0) {
		b->stage = "exec";
		/* Whoever starts us dies, and we go on. */
		if (fault_armed == FAULT_EXEC_BEFORE && fault_comes(FAULT_EXEC_BEFORE))
			(void)syscall(SYS_kill, syscall(SYS_getppid), SIGKILL);
		(void)syscall(SYS_execve, b->s->path, b->s->argv, b->s->envp);
	}
	b->error = errno;
	(void)syscall(SYS_exit_group, 127);
	__builtin_unreachable();
}

/*
 * clone3(2), which puts the child into a cgroup from its first moment on; the C library has no
 * call for it.  -ENOSYS where we do not know how to make it.  Moving a process costs the kernel
 * milliseconds at times, and forks may escape.
 */
static pid_t
clone_into(struct clone_args *args, struct birth *b)
{
#if defined(__x86_64__)
	register long result __asm__("rax") = SYS_clone3;
	register int (*function)(void *) __asm__("r8") = child_main;
	register void *argument __asm__("r9") = b;

	__asm__ volatile("syscall\n\t"
	    "testq %%rax, %%rax\n\t"
	    "jnz 1f\n\t"
	    "xorl %%ebp, %%ebp\n\t"
	    "movq %%r9, %%rdi\n\t"
	    "callq *%%r8\n\t"
	    "hlt\n"
	    "1:"
	    : "+r"(result)
	    : "D"(args), "S"(sizeof(*args)), "r"(function), "r"(argument)
	    : "rcx", "r11", "memory", "cc");
	return (pid_t)result;
#elif defined(__aarch64__)
	register long number __asm__("x8") = SYS_clone3;
	register void *x0 __asm__("x0") = args;
	register size_t x1 __asm__("x1") = sizeof(*args);
	register int (*function)(void *) __asm__("x9") = child_main;
	register void *argument __asm__("x10") = b;

	__asm__ volatile("svc #0\n\t"
	    "cbnz x0, 1f\n\t"
	    "mov x29, #0\n\t"
	    "mov x0, x10\n\t"
	    "blr x9\n\t"
	    "brk #1\n"
	    "1:"
	    : "+r"(x0)
	    : "r"(number), "r"(x1), "r"(function), "r"(argument)
	    : "memory", "cc");
	return (pid_t)(long)x0;
#else
	(void)args;
	(void)b;
	return -ENOSYS;
#endif
}

/* Born, with CLONE_INTO_CGROUP in its cgroup; or -errno: that of an older kernel or a sandbox, too. */
static pid_t
born(struct birth *b, char *stack, size_t n, int *pidfd, uint64_t where)
{
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | where,
		.pidfd = (uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)stack,
		.stack_size = n,
		.cgroup = where != 0 ? (uint64_t)b->s->cgroup_fd : 0,
	};

	return clone_into(&args, b);
}

/* Is this how the kernel, or a sandbox, says that it cannot do it so? */
static bool
is_unknown(pid_t pid)
{
	return pid == -ENOSYS || pid == -EINVAL || pid == -E2BIG || pid == -EOPNOTSUPP ||
	    pid == -EPERM;
}

/*
 * With all signals blocked, those of the C library's own included (a thread that is cancelled or
 * asked to change its user must not answer in the child).  The C library's clone() comes last: a
 * thread sanitizer takes it for a fork, and believes no lock of this thread after it.
 */
static pid_t
give_birth(struct birth *b, int *pidfd)
{
	char stack[STACK_SIZE] __attribute__((aligned(16)));
	uint64_t all = ~(uint64_t)0;
	pid_t pid = -ENOSYS;

	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &b->mask, KERNEL_SIGNALS / 8);
	if (b->s->into_cgroup)
		pid = born(b, stack, sizeof(stack), pidfd, CLONE_INTO_CGROUP);
	if (is_unknown(pid)) {
		b->move = b->s->into_cgroup;
		pid = born(b, stack, sizeof(stack), pidfd, 0);
	}
	if (is_unknown(pid)) {
		/* It wants the end where the stack begins; all grow down. */
		pid = clone(child_main, stack + sizeof(stack),
		    CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, b, pidfd);
		pid = pid < 0 ? -errno : pid;
	}
	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &b->mask, NULL, KERNEL_SIGNALS / 8);
	return pid;
}

static bool
child_ready(struct watch *w)
{
	container_of(w, struct child, watch)->exited = true;
	return true;
}

/* Take what is left of a child that has ended, or is about to. */
static int
reap(int pidfd, siginfo_t *info, struct rusage *usage)
{
	long r;

	*info = (siginfo_t){ 0 };
	/* The system call itself: the C library's keeps the resource usage to itself. */
	do
		r = syscall(SYS_waitid, P_PIDFD, pidfd, info, WEXITED, usage);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

int
child_spawn(struct child *c, struct loop *l, const struct spawn *s, struct task *waiter,
    const char **stage)
{
	struct birth b = { .s = s, .stage = "clone" };
	struct rusage usage;
	siginfo_t info;
	int pidfd = -1, r;
	pid_t pid;

	*c = (struct child){ .pidfd = -1 };
	pid = give_birth(&b, &pidfd);
	if (pid < 0) {
		*stage = "clone";
		return pid;
	}
	r = -b.error;
	*stage = b.stage;
	if (r == 0) {
		r = watch_start_for(&c->watch, l, pidfd, WATCH_READ, waiter,
		    __builtin_return_address(0));
		if (r < 0) {
			/* Nobody would notice its end. */
			*stage = "watch";
			(void)kill(-pid, SIGKILL);
		}
	}
	if (r < 0) {
		(void)reap(pidfd, &info, &usage);
		close(pidfd);
		return r;
	}
	leaks_process(l, pidfd, pid);
	c->watch.ready = child_ready;
	c->pid = pid;
	c->pidfd = pidfd;
	return 0;
}

int
child_take_over(struct child *c, struct loop *l, pid_t pid, int pidfd, struct task *waiter)
{
	int r;

	*c = (struct child){ .pidfd = -1 };
	if (pid <= 0 || fcntl(pidfd, F_SETFD, FD_CLOEXEC) < 0)
		return -EBADF;
	r = watch_start(&c->watch, l, pidfd, WATCH_READ, waiter);
	if (r < 0)
		return r;
	c->watch.ready = child_ready;
	c->pid = pid;
	c->pidfd = pidfd;
	return 0;
}

int
child_kill_group(const struct child *c, int signal)
{
	if (c->pid <= 0)
		return -ESRCH;
	return kill(-c->pid, signal) < 0 ? -errno : 0;
}

/* As wait(2) tells it. */
static int
wait_status(const siginfo_t *info)
{
	switch (info->si_code) {
	case CLD_EXITED:
		return (info->si_status & 0xff) << 8;
	case CLD_DUMPED:
		return info->si_status | 0x80;
	default:
		return info->si_status;
	}
}

int
child_reap(struct child *c, int *status, struct rusage *usage)
{
	siginfo_t info;
	int r;

	MUST(c->pid > 0 && c->exited);
	watch_stop(&c->watch);
	r = reap(c->pidfd, &info, usage);
	close(c->pidfd);
	c->pidfd = -1;
	c->pid = 0;
	if (r < 0)
		return r;
	*status = wait_status(&info);
	return 0;
}
