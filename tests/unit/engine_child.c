/*
 * What child.h promises, with real processes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/engine/child.h"
#include "daemon/engine/loop.h"

#define PATIENCE (20 * USEC_SEC)

struct world {
	struct task	 task;
	struct loop	*l;
	struct child	 c;
	struct spawn	 s;
	char		*argv[8];
	int		 out[2];	/* its stdout, when a test wants it */
	int		 status;
	struct rusage	 usage;
	char		 text[4096];
};

static enum task_status
world_step(struct task *t)
{
	struct world *f = container_of(t, struct world, task);

	TASK_BEGIN(t);

	AWAIT_UNTIL(t, loop_now(t->loop) + PATIENCE, f->c.exited);
	TASK_END(t, t->err);
}

static const struct task_kind world_kind = { .name = "test", .step = world_step };

static char environment_path[] = "PATH=/usr/bin:/bin", environment_greeting[] = "GREETING=hello";
static char *const environment[] = { environment_path, environment_greeting, NULL };

/* The child is a shell that runs text. */
static void
world_start(struct world *f, char *text)
{
	static char shell[] = "sh", option[] = "-c";

	memset(f, 0, sizeof(*f));
	f->l = loop_new(LOOP_REAL);
	assert_non_null(f->l);
	f->argv[0] = shell;
	f->argv[1] = option;
	f->argv[2] = text;
	f->s = (struct spawn){
		.path = "/bin/sh", .argv = f->argv, .envp = environment, .stdio = { -1, -1, -1 }, .umask = 022,
	};
	assert_int_equal(pipe2(f->out, O_CLOEXEC), 0);
}

static void
child_start(struct world *f)
{
	const char *stage = NULL;

	assert_int_equal(child_spawn(&f->c, f->l, &f->s, &f->task, &stage), 0);
	assert_true(f->c.pid > 0);
}

static void
child_wait(struct world *f)
{
	task_start_root(&f->task, &world_kind, f->l);
	assert_int_equal(loop_run(f->l), 0);
	assert_int_equal(f->task.result, 0);
	assert_int_equal(child_reap(&f->c, &f->status, &f->usage), 0);
	assert_int_equal(f->c.pid, 0);
	assert_int_equal(f->l->watches, 0);
}

/* Run it with stdout on a pipe, and what it wrote in f->text; small things only. */
static void
child_read(struct world *f)
{
	size_t n = 0;
	ssize_t r;

	f->s.stdio[1] = f->out[1];
	child_start(f);
	close(f->out[1]);
	f->out[1] = -1;
	while ((r = read(f->out[0], f->text + n, sizeof(f->text) - 1 - n)) > 0)
		n += (size_t)r;
	f->text[n] = '\0';
	child_wait(f);
}

static void
world_stop(struct world *f)
{
	for (int i = 0; i < 2; i++) {
		if (f->out[i] >= 0)
			close(f->out[i]);
	}
	loop_free(f->l);
}

static int
descriptors_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static void
exit_code_is_told(void **state)
{
	char text[] = "exit 7";
	struct world f;

	(void)state;
	world_start(&f, text);
	child_start(&f);
	child_wait(&f);
	assert_true(WIFEXITED(f.status));
	assert_int_equal(WEXITSTATUS(f.status), 7);
	assert_true(f.usage.ru_maxrss > 0);
	world_stop(&f);
}

static void
signal_that_ended_it_is_told(void **state)
{
	char text[] = "kill -TERM $$";
	struct world f;

	(void)state;
	world_start(&f, text);
	child_start(&f);
	child_wait(&f);
	assert_true(WIFSIGNALED(f.status));
	assert_int_equal(WTERMSIG(f.status), SIGTERM);
	world_stop(&f);
}

static void
resource_usage_is_the_childs(void **state)
{
	char text[] = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done";
	struct world f;

	(void)state;
	world_start(&f, text);
	child_start(&f);
	child_wait(&f);
	assert_int_equal(f.status, 0);
	assert_true(f.usage.ru_utime.tv_sec > 0 ||
	    f.usage.ru_utime.tv_usec + f.usage.ru_stime.tv_usec > 0);
	world_stop(&f);
}

static void
it_gets_arguments_and_environment_alone(void **state)
{
	static char zero[] = "zero", one[] = "a b", two[] = "";
	char text[] = "echo \"$0|$1|$2|$#|$GREETING|$HOME\"";
	struct world f;

	(void)state;
	world_start(&f, text);
	f.argv[3] = zero;
	f.argv[4] = one;
	f.argv[5] = two;
	child_read(&f);
	assert_string_equal(f.text, "zero|a b||2|hello|\n");
	world_stop(&f);
}

static void
it_inherits_no_descriptor(void **state)
{
	char text[] = "for d in /proc/self/fd/*; do echo ${d##*/}; done; "
	    "readlink /proc/self/fd/0 /proc/self/fd/2";
	struct world f;
	int leak;

	(void)state;
	world_start(&f, text);
	leak = open("/dev/null", O_RDONLY);	/* not close-on-exec */
	assert_true(fcntl(leak, F_DUPFD, 100) >= 0);
	child_read(&f);
	close(leak);
	close(100);
	/* 3 is the shell's own look at the folder, in some shells. */
	if (strstr(f.text, "\n3\n") != NULL)
		assert_string_equal(f.text, "0\n1\n2\n3\n/dev/null\n/dev/null\n");
	else
		assert_string_equal(f.text, "0\n1\n2\n/dev/null\n/dev/null\n");
	world_stop(&f);
}

static void
signals_are_as_new(void **state)
{
	char text[] = "while read -r a b; do case $a in Sig[BIC]*) echo $a $b;; esac; done "
	    "</proc/self/status";
	sigset_t set, before;
	struct world f;

	(void)state;
	sigfillset(&set);
	pthread_sigmask(SIG_BLOCK, &set, &before);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGRTMIN + 3, SIG_IGN);
	world_start(&f, text);
	child_read(&f);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGRTMIN + 3, SIG_DFL);
	pthread_sigmask(SIG_SETMASK, &before, &set);

	/* The shell may catch SIGCHLD for itself. */
	assert_non_null(strstr(f.text, "SigBlk: 0000000000000000\n"));
	assert_non_null(strstr(f.text, "SigIgn: 0000000000000000\n"));
	assert_true(sigismember(&set, SIGTERM) && sigismember(&set, SIGUSR1));
	world_stop(&f);
}

static void
handlers_of_ours_do_not_run_in_it(void **state)
{
	char text[] = "exit 0";
	struct world f;

	(void)state;
	/* A pending signal that is blocked here must not come to the child either. */
	sigset_t set, before;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, &before);
	raise(SIGUSR2);
	world_start(&f, text);
	child_start(&f);
	child_wait(&f);
	assert_int_equal(f.status, 0);
	(void)signal(SIGUSR2, SIG_IGN);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)signal(SIGUSR2, SIG_DFL);
	world_stop(&f);
}

/* They are what is asked for, in whichever order they are open here. */
static void
stdio_may_overlap(void **state)
{
	char text[] = "read -r line; echo \"out $line\"; echo err >&2";
	int saved[3], in[2], err[2];
	const char *stage;
	struct world f;
	char bytes[64];
	ssize_t n;
	int r;

	(void)state;
	world_start(&f, text);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	assert_int_equal(write(in[1], "in\n", 3), 3);
	for (int i = 0; i < 3; i++)
		saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
	/* stdin lies at 1, stdout at 2, stderr at 0. */
	dup3(in[0], 1, O_CLOEXEC);
	dup2(f.out[1], 2);
	dup2(err[1], 0);
	f.s.stdio[0] = 1;
	f.s.stdio[1] = 2;
	f.s.stdio[2] = 0;
	r = child_spawn(&f.c, f.l, &f.s, &f.task, &stage);
	for (int i = 0; i < 3; i++) {
		dup2(saved[i], i);
		close(saved[i]);
	}
	assert_int_equal(r, 0);
	child_wait(&f);

	n = read(f.out[0], bytes, sizeof(bytes));
	assert_int_equal(n, 7);
	assert_memory_equal(bytes, "out in\n", 7);
	n = read(err[0], bytes, sizeof(bytes));
	assert_int_equal(n, 4);
	assert_memory_equal(bytes, "err\n", 4);
	for (int i = 0; i < 2; i++) {
		close(in[i]);
		close(err[i]);
	}
	world_stop(&f);
}

static void
one_descriptor_may_be_two(void **state)
{
	char text[] = "echo a; echo b >&2";
	struct world f;

	(void)state;
	world_start(&f, text);
	f.s.stdio[2] = f.out[1];
	child_read(&f);
	assert_string_equal(f.text, "a\nb\n");
	world_stop(&f);
}

static void
directory_and_umask_are_set(void **state)
{
	char text[] = "pwd; umask";
	struct world f;

	(void)state;
	world_start(&f, text);
	f.s.directory = "/dev";
	f.s.umask = 0137;
	child_read(&f);
	assert_string_equal(f.text, "/dev\n0137\n");
	assert_int_equal(umask(022), 022);
	world_stop(&f);
}

static void
niceness_and_descriptors_are_set(void **state)
{
	const struct rlimit files = { 77, 99 };
	char text[] = "nice; ulimit -Sn; ulimit -Hn", wanted[64];
	struct world f;

	(void)state;
	world_start(&f, text);
	f.s.nice = 5;
	f.s.files = &files;
	child_read(&f);
	(void)snprintf(wanted, sizeof(wanted), "%d\n77\n99\n",
	    getpriority(PRIO_PROCESS, 0) + 5);
	assert_string_equal(f.text, wanted);
	world_stop(&f);
}

/* ---- cgroups ---- */

/* Where cgroup v2 is mounted with a root that we may write to; false: nowhere. */
static bool
cgroup_mount(char path[256])
{
	FILE *f = fopen("/proc/mounts", "re");
	char line[1024], type[64];
	bool found = false;

	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL)
		found = sscanf(line, "%*s %255s %63s", path, type) == 2 &&
		    strcmp(type, "cgroup2") == 0 && access(path, W_OK) == 0;
	if (f != NULL)
		(void)fclose(f);
	return found;
}

/* What /proc/self/cgroup of a child says that is started into a group of its own; empty: it failed. */
static void
start_in_group(const char *group, char told[4096])
{
	char text[] = "cat /proc/self/cgroup";
	struct world f;

	world_start(&f, text);
	f.s.cgroup_fd = open(group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(f.s.cgroup_fd >= 0);
	f.s.into_cgroup = true;
	child_read(&f);
	close(f.s.cgroup_fd);
	memcpy(told, f.text, sizeof(f.text));
	world_stop(&f);
}

/* As a kernel before 5.3 has it. */
static void
refuse_clone3(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(77);
}

/* In a process of its own: a filter is for life. */
static void
it_is_born_into_its_cgroup_with_and_without_clone3(void **state)
{
	char mount[256], group[320], told[4096], wanted[64];
	int status;
	pid_t pid;

	(void)state;
	if (!cgroup_mount(mount)) {
		print_message("SKIP: no cgroup v2 that may be written to\n");
		skip();
	}
	(void)snprintf(wanted, sizeof(wanted), "jobd-test-%d", (int)getpid());
	(void)snprintf(group, sizeof(group), "%s/%s", mount, wanted);
	if (mkdir(group, 0755) < 0) {
		print_message("SKIP: no group can be made in %s\n", mount);
		skip();
	}
	start_in_group(group, told);
	pid = fork();
	if (pid == 0) {
		refuse_clone3();
		start_in_group(group, told);
		_exit(strstr(told, wanted) != NULL ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(rmdir(group), 0);
	assert_non_null(strstr(told, wanted));
	assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77));
}

static void
it_leads_a_group_or_a_session(void **state)
{
	char text[] = "read -r a b c d e f g </proc/self/stat; echo $a $e $f";
	int pid, group, session;
	struct world f;

	(void)state;
	for (int i = 0; i < 2; i++) {
		world_start(&f, text);
		f.s.new_session = i == 1;
		child_read(&f);
		assert_int_equal(sscanf(f.text, "%d %d %d", &pid, &group, &session), 3);
		assert_int_equal(group, pid);
		if (i == 1)
			assert_int_equal(session, pid);
		else
			assert_int_equal(session, getsid(0));
		world_stop(&f);
	}
}

static void
failures_name_their_stage(void **state)
{
	static const struct {
		const char	*path;
		const char	*directory;
		int		 error;
		const char	*stage;
	} cases[] = {
		{ "/nonexistent/program", NULL, -ENOENT, "exec" },
		{ "/dev/null", NULL, -EACCES, "exec" },
		{ "/bin/sh", "/nonexistent", -ENOENT, "chdir" },
		{ "/bin/sh", "/bin/sh", -ENOTDIR, "chdir" },
	};
	char text[] = "exit 0";
	int before = descriptors_open();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *stage = NULL;
		struct world f;

		world_start(&f, text);
		f.s.path = cases[i].path;
		f.s.directory = cases[i].directory;
		assert_int_equal(child_spawn(&f.c, f.l, &f.s, &f.task, &stage), cases[i].error);
		assert_string_equal(stage, cases[i].stage);
		assert_int_equal(f.c.pid, 0);
		assert_int_equal(child_kill_group(&f.c, SIGTERM), -ESRCH);
		/* It is no zombie. */
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
		assert_int_equal(errno, ECHILD);
		world_stop(&f);
	}
	assert_int_equal(descriptors_open(), before);
}

static void
bad_stdio_is_an_error(void **state)
{
	const char *stage = NULL;
	char text[] = "exit 0";
	struct world f;

	(void)state;
	world_start(&f, text);
	f.s.stdio[1] = 1000;
	assert_int_equal(child_spawn(&f.c, f.l, &f.s, &f.task, &stage), -EBADF);
	assert_string_equal(stage, "stdio");
	world_stop(&f);
}

static void
user_is_changed(void **state)
{
	static const gid_t groups[] = { 65534, 4242 };
	char text[] = "while read -r a b; do case $a in Uid:|Gid:|Groups:) echo $a $b;; esac; done "
	    "</proc/self/status";
	const char *stage = NULL;
	struct world f;
	int r;

	(void)state;
	world_start(&f, text);
	f.s.change_user = true;
	f.s.uid = 4321;
	f.s.gid = 4322;
	f.s.groups = groups;
	f.s.groups_n = 2;
	if (geteuid() == 0) {
		child_read(&f);
		assert_string_equal(f.text, "Uid: 4321 4321 4321 4321\nGid: 4322 4322 4322 4322\n"
		    "Groups: 4242 65534\n");
		/* Only the child's. */
		assert_int_equal(geteuid(), 0);
	} else {
		r = child_spawn(&f.c, f.l, &f.s, &f.task, &stage);
		assert_int_equal(r, -EPERM);
		assert_string_equal(stage, "setgroups");
	}
	world_stop(&f);
}

static void
killing_reaches_the_group(void **state)
{
	char text[] = "sleep 1000 & echo started; wait";
	struct world f;
	char bytes[16];

	(void)state;
	world_start(&f, text);
	f.s.stdio[1] = f.out[1];
	child_start(&f);
	close(f.out[1]);
	f.out[1] = -1;
	assert_int_equal(read(f.out[0], bytes, sizeof(bytes)), 8);
	assert_int_equal(child_kill_group(&f.c, SIGTERM), 0);
	child_wait(&f);
	assert_int_equal(WTERMSIG(f.status), SIGTERM);
	/* The grandchild had the pipe, too: the end comes when it has gone. */
	assert_int_equal(read(f.out[0], bytes, sizeof(bytes)), 0);
	assert_int_equal(child_kill_group(&f.c, SIGTERM), -ESRCH);
	world_stop(&f);
}

static void *
allocate(void *arg)
{
	while (!__atomic_load_n((int *)arg, __ATOMIC_RELAXED))
		free(malloc(1000));
	return NULL;
}

static void
hundreds_leave_nothing_behind_beside_a_busy_thread(void **state)
{
	char text[] = "exit 3";
	pthread_t thread;
	struct world f;
	int before, stop = 0;

	(void)state;
	world_start(&f, text);
	before = descriptors_open();
	assert_int_equal(pthread_create(&thread, NULL, allocate, &stop), 0);
	for (int i = 0; i < 300; i++) {
		child_start(&f);
		child_wait(&f);
		assert_int_equal(WEXITSTATUS(f.status), 3);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_int_equal(descriptors_open(), before);
	world_stop(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exit_code_is_told),
		cmocka_unit_test(signal_that_ended_it_is_told),
		cmocka_unit_test(resource_usage_is_the_childs),
		cmocka_unit_test(it_gets_arguments_and_environment_alone),
		cmocka_unit_test(it_inherits_no_descriptor),
		cmocka_unit_test(signals_are_as_new),
		cmocka_unit_test(handlers_of_ours_do_not_run_in_it),
		cmocka_unit_test(stdio_may_overlap),
		cmocka_unit_test(one_descriptor_may_be_two),
		cmocka_unit_test(directory_and_umask_are_set),
		cmocka_unit_test(niceness_and_descriptors_are_set),
		cmocka_unit_test(it_is_born_into_its_cgroup_with_and_without_clone3),
		cmocka_unit_test(it_leads_a_group_or_a_session),
		cmocka_unit_test(failures_name_their_stage),
		cmocka_unit_test(bad_stdio_is_an_error),
		cmocka_unit_test(user_is_changed),
		cmocka_unit_test(killing_reaches_the_group),
		cmocka_unit_test(hundreds_leave_nothing_behind_beside_a_busy_thread),
	};

	umask(022);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
