/*
 * What watchdog.h promises: who blocks the loop is caught while he does it, and what only looks
 * like it is not mistaken for it.
 */
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/engine/loop-internal.h"
#include "daemon/engine/loop.h"
#include "daemon/engine/symbol.h"
#include "daemon/engine/watch.h"
#include "daemon/engine/watchdog.h"

/* Far below what blocks here, far above what else a step does. */
#define LIMIT	(20 * USEC_MSEC)
#define LONG	(5 * LIMIT)

/* What the wall clock and the time since boot show more than the kernel's. */
static time_t clock_set_by, slept_for;

#ifndef __SANITIZE_THREAD__
/* All of this program asks us.  The thread sanitizer has one of its own, in which it lets signals in. */
int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int r = (int)syscall(SYS_clock_gettime, id, ts);

	if (r == 0 && id == CLOCK_REALTIME)
		ts->tv_sec += clock_set_by;
	if (r == 0 && id == CLOCK_BOOTTIME)
		ts->tv_sec += slept_for;
	return r;
}
#endif

static usec_t
clock_usec(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (usec_t)ts.tv_sec * USEC_SEC + ts.tv_nsec / 1000;
}

/* Compute for so long, by a clock. */
static void __attribute__((noinline))
spin(clockid_t id, usec_t d)
{
	usec_t end = clock_usec(id) + d;

	while (clock_usec(id) < end)
		;
}

/* Wait in the kernel, whatever signals come. */
static void __attribute__((noinline))
wait_in_kernel(usec_t d)
{
	usec_t end = clock_usec(CLOCK_MONOTONIC) + d, left;

	while ((left = end - clock_usec(CLOCK_MONOTONIC)) > 0)
		(void)poll(NULL, 0, (int)(left / USEC_MSEC) + 1);
}

/* ---- a task whose only step does something ---- */

struct blocker {
	struct task	 task;
	void		(*what)(struct blocker *f);
	struct watch	 watch;
	unsigned	 left;		/* steps */
	bool		 came;
};

static enum task_status
blocker_step(struct task *t)
{
	struct blocker *f = container_of(t, struct blocker, task);

	TASK_BEGIN(t);

	/* Not in the first round: its beginning has the loop's own start in it. */
	TASK_YIELD(t);
	for (; f->left > 0; f->left--) {
		f->what(f);
		TASK_YIELD(t);
	}
	TASK_END(t, 0);
}

static void
blocker_serves(const struct task *t, char *out, size_t n)
{
	(void)t;
	snprintf(out, n, "12.3");
}

static const struct task_kind blocker_kind = {
	.name = "blocker", .step = blocker_step, .serves = blocker_serves,
};

static struct loop *
blocked(struct blocker *f, void (*what)(struct blocker *f))
{
	struct loop *l = loop_new(LOOP_REAL);

	assert_non_null(l);
	loop_set_block_limit(l, LIMIT);
	f->what = what;
	if (f->left == 0)
		f->left = 1;
	task_start_root(&f->task, &blocker_kind, l);
	assert_int_equal(loop_run(l), 0);
	return l;
}

/* Is a function, by its name, on the stack? */
static bool
on_stack(const struct block *b, const char *name)
{
	char text[SYMBOL_TEXT_MAX];
	struct symbols s;
	bool found = false;

	symbols_open(&s);
	for (unsigned i = 0; i < b->depth; i++) {
		symbols_name(&s, b->stack[i], i == 0, NULL, text);
		found |= strncmp(text, name, strlen(name)) == 0 && text[strlen(name)] == '+';
	}
	symbols_close(&s);
	return found;
}

/* ---- caught ---- */

static void
compute(struct blocker *f)
{
	spin(CLOCK_THREAD_CPUTIME_ID, LONG);
	f->came = true;		/* no tail call: it is to be on the stack */
}

static void
a_step_that_computes_is_caught_with_its_name_and_stack(void **state)
{
	struct blocker f = { .left = 1 };
	struct loop *l = blocked(&f, compute);
	struct block b;

	(void)state;
#ifdef __SANITIZE_THREAD__
	loop_free(l);
	print_message("SKIP: the thread sanitizer holds signals back while a step computes\n");
	skip();
#endif
	assert_int_equal(watchdog_count(l, BLOCK_STEP), 1);
	assert_true(watchdog_block(l, 0, &b));
	assert_int_equal(b.cause, BLOCK_STEP);
	assert_string_equal(b.task, "blocker");
	assert_string_equal(b.serves, "12.3");
	assert_true(b.took >= LONG);
	assert_true(b.ran > 0);
	assert_true(on_stack(&b, "spin"));
	assert_true(on_stack(&b, "compute"));
	assert_true(on_stack(&b, "blocker_step"));
	assert_false(watchdog_block(l, 1, &b));
	loop_free(l);
}

static void
wait_long(struct blocker *f)
{
	(void)f;
	wait_in_kernel(LONG);
}

static void
a_step_that_waits_in_the_kernel_is_caught(void **state)
{
	struct blocker f = { .left = 1 };
	struct loop *l = blocked(&f, wait_long);
	struct block b;

	(void)state;
	assert_true(watchdog_block(l, 0, &b));
	assert_int_equal(b.cause, BLOCK_STEP);
	assert_true(b.took >= LONG);
	assert_true(b.ran < b.took);
	assert_true(on_stack(&b, "wait_in_kernel"));
	loop_free(l);
}

/* The task is over in that very step, and its frame gone. */
struct mayfly {
	struct task task;
};

static enum task_status
mayfly_step(struct task *t)
{
	TASK_BEGIN(t);
	spin(CLOCK_THREAD_CPUTIME_ID, LONG);
	TASK_END(t, 0);
}

static void
mayfly_release(struct task *t)
{
	memset(t, 0xff, sizeof(*t));
	free(container_of(t, struct mayfly, task));
}

static const struct task_kind mayfly_kind = {
	.name = "mayfly", .step = mayfly_step, .release = mayfly_release,
};

static void
start_mayfly(struct blocker *f)
{
	struct mayfly *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	task_start(&m->task, &mayfly_kind, &f->task);
}

static void
a_task_that_ends_in_the_step_that_blocks_is_named(void **state)
{
	struct blocker f = { .left = 1 };
	struct loop *l = blocked(&f, start_mayfly);
	struct block b;

	(void)state;
	assert_true(watchdog_block(l, 0, &b));
	assert_string_equal(b.task, "mayfly");
	assert_string_equal(b.serves, "12.3");	/* what its parent serves */
	loop_free(l);
}

static bool
slow_ready(struct watch *w)
{
	struct blocker *f = container_of(w, struct blocker, watch);

	wait_in_kernel(LONG);
	f->came = true;
	return true;
}

static enum task_status
listener_step(struct task *t)
{
	struct blocker *f = container_of(t, struct blocker, task);

	TASK_BEGIN(t);
	AWAIT(t, f->came);
	TASK_END(t, 0);
}

static const struct task_kind listener_kind = { .name = "listener", .step = listener_step };

static void
a_callback_that_blocks_is_caught(void **state)
{
	struct loop *l = loop_new(LOOP_REAL);
	struct blocker f = { .came = false };
	int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	struct block b;

	(void)state;
	loop_set_block_limit(l, LIMIT);
	task_start_root(&f.task, &listener_kind, l);
	assert_int_equal(watch_start(&f.watch, l, fd, WATCH_READ, &f.task), 0);
	f.watch.ready = slow_ready;
	assert_int_equal(loop_run(l), 0);
	watch_stop(&f.watch);
	close(fd);

	assert_true(watchdog_block(l, 0, &b));
	assert_int_equal(b.cause, BLOCK_STEP);
	assert_null(b.task);
	assert_true(on_stack(&b, "slow_ready"));
	loop_free(l);
}

static void
block_shortly(struct blocker *f)
{
	(void)f;
	spin(CLOCK_MONOTONIC, 2 * USEC_MSEC);
}

static void
the_latest_256_are_kept(void **state)
{
	struct blocker f = { .left = BLOCKS_MAX + 10, .what = block_shortly };
	struct loop *l = loop_new(LOOP_REAL);
	struct block newer, older;
	unsigned n = 1;

	(void)state;
	loop_set_block_limit(l, USEC_MSEC);
	task_start_root(&f.task, &blocker_kind, l);
	assert_int_equal(loop_run(l), 0);

	assert_true(watchdog_count(l, BLOCK_STEP) + watchdog_count(l, BLOCK_STARVED) > BLOCKS_MAX);
	assert_true(watchdog_block(l, 0, &newer));
	for (; watchdog_block(l, n, &older); n++) {
		assert_true(older.at.usec <= newer.at.usec);
		newer = older;
	}
	assert_int_equal(n, BLOCKS_MAX);
	loop_free(l);
}

static void
wait_shortly(struct blocker *f)
{
	(void)f;
	wait_in_kernel(LIMIT);
}

/*
 * The log of a process of its own with so many long steps, after which the minute of the log is over, or is not.  How many
 * blocks they were: two steps that come in one round are one.
 */
static unsigned
log_of_many(unsigned steps, usec_t minute, char *text, size_t size)
{
	unsigned blocks = 0;
	size_t used = 0;
	int p[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(p), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct blocker f = { .left = steps, .what = wait_shortly };
		struct loop *l = loop_new(LOOP_REAL);

		dup2(p[1], STDERR_FILENO);
		loop_set_block_limit(l, LIMIT / 5);
		task_start_root(&f.task, &blocker_kind, l);
		loop_run(l);
		watchdog_set_lines(l, minute);
		watchdog_lines(l);
		watchdog_lines(l);
		fprintf(stderr, "in all %u\n", (unsigned)(watchdog_count(l, BLOCK_STEP) + watchdog_count(l, BLOCK_STARVED)));
		_exit(0);
	}
	close(p[1]);
	while (used < size - 1 && (n = read(p[0], text + used, size - 1 - used)) > 0)
		used += (size_t)n;
	text[used] = '\0';
	close(p[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_non_null(strstr(text, "in all "));
	assert_int_equal(sscanf(strstr(text, "in all "), "in all %u", &blocks), 1);
	return blocks;
}

static unsigned
lines_with(const char *text, const char *words)
{
	unsigned n = 0;

	for (; (text = strstr(text, words)) != NULL; text += strlen(words))
		n++;
	return n;
}

/* On a busy machine some are caught between two steps. */
static unsigned
blocks_told(const char *text)
{
	return lines_with(text, " ms in blocker (12.3)") + lines_with(text, " ms in a callback\n");
}

static void
the_log_gets_a_line_each_up_to_ten_a_minute_and_then_the_number_of_the_others(void **state)
{
	char text[16384], wanted[80];
	unsigned blocks;

	(void)state;
	blocks = log_of_many(4, 60 * USEC_SEC, text, sizeof(text));
	assert_in_range(blocks, 1, 4);
	assert_int_equal(blocks_told(text), blocks);
	blocks = log_of_many(30, 60 * USEC_SEC, text, sizeof(text));
	assert_true(blocks > 10);
	assert_int_equal(blocks_told(text), 10);
	assert_int_equal(lines_with(text, "times more"), 0);
	blocks = log_of_many(30, 0, text, sizeof(text));
	assert_int_equal(blocks_told(text), 10);
	snprintf(wanted, sizeof(wanted), "loop blocked %u times more; jobctl doctor --limit 256 lists them\n", blocks - 10);
	assert_int_equal(lines_with(text, wanted), 1);
}

/* ---- not caught ---- */

/* With the thread sanitizer they only seem to be set. */
static void
set_the_clock(struct blocker *f)
{
	clock_set_by = f->left % 2 == 0 ? 3600 : -7200;
	slept_for += 600;
}

static void
clocks_that_are_set_and_a_host_that_sleeps_are_no_block(void **state)
{
	struct blocker f = { .left = 10 };
	struct loop *l = blocked(&f, set_the_clock);
	struct block b;

	(void)state;
	assert_false(watchdog_block(l, 0, &b));
	loop_free(l);
	clock_set_by = slept_for = 0;
}

static void
set_the_clock_and_wait(struct blocker *f)
{
	set_the_clock(f);
	wait_in_kernel(LONG);
}

static void
what_blocks_while_the_clock_is_set_has_its_true_length(void **state)
{
	struct blocker f = { .left = 1 };
	struct loop *l = blocked(&f, set_the_clock_and_wait);
	struct block b;

	(void)state;
	assert_true(watchdog_block(l, 0, &b));
	assert_int_equal(b.cause, BLOCK_STEP);
	assert_true(b.took >= LONG);
	assert_true(b.took < 600 * USEC_SEC);
	loop_free(l);
	clock_set_by = slept_for = 0;
}

static void
compute_little(struct blocker *f)
{
	(void)f;
	spin(CLOCK_THREAD_CPUTIME_ID, LIMIT / 10);
}

static void
many_short_steps_are_no_block(void **state)
{
	struct blocker f = { .left = 100 };
	struct loop *l = blocked(&f, compute_little);

	(void)state;
	assert_int_equal(watchdog_count(l, BLOCK_STEP), 0);
	loop_free(l);
}

static void
with_no_limit_nothing_is_caught(void **state)
{
	struct blocker f = { .left = 1, .what = compute };
	struct loop *l = loop_new(LOOP_REAL);
	struct block b;

	(void)state;
	loop_set_block_limit(l, 0);
	task_start_root(&f.task, &blocker_kind, l);
	assert_int_equal(loop_run(l), 0);
	assert_false(watchdog_block(l, 0, &b));
	loop_free(l);
}

/* What a loop in a process of its own has caught, by cause. */
struct counts {
	uint64_t	n[BLOCK_STOPPED + 1];
	uint64_t	halted;		/* of the latest */
};

static void
stop_self(struct blocker *f)
{
	(void)f;
	raise(SIGSTOP);
}

/* Somewhere in it the parent stops us, idle as we are. */
static enum task_status
idler_step(struct task *t)
{
	TASK_BEGIN(t);
	TASK_YIELD(t);
	SLEEP_UNTIL(t, loop_now(t->loop) + 3 * LONG);
	TASK_END(t, 0);
}

static const struct task_kind idler_kind = { .name = "idler", .step = idler_step };

/* Run it in a child that tells its counts by a pipe. */
static pid_t
child_loop(void (*what)(struct blocker *), unsigned steps, int *ret)
{
	struct counts counts;
	int p[2];
	pid_t pid;

	assert_int_equal(pipe(p), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct blocker f = { .left = steps, .what = what };
		struct loop *l = loop_new(LOOP_REAL);
		struct block b;

		loop_set_block_limit(l, LIMIT);
		task_start_root(&f.task, what != NULL ? &blocker_kind : &idler_kind, l);
		loop_run(l);
		for (int i = 0; i <= BLOCK_STOPPED; i++)
			counts.n[i] = watchdog_count(l, (enum block_cause)i);
		counts.halted = watchdog_block(l, 0, &b) && b.halted;
		_exit(write(p[1], &counts, sizeof(counts)) != sizeof(counts));
	}
	close(p[1]);
	*ret = p[0];
	return pid;
}

static struct counts
child_counts(pid_t pid, int fd)
{
	struct counts counts = { .halted = 0 };
	int status;

	assert_int_equal(read(fd, &counts, sizeof(counts)), sizeof(counts));
	close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return counts;
}

/* In a child that stops itself in a step: what it has counted in the end. */
static struct counts
counts_of_stopped(void (*what)(struct blocker *))
{
	int fd, status;
	pid_t pid = child_loop(what, 1, &fd);

	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	wait_in_kernel(LONG);
	assert_int_equal(kill(pid, SIGCONT), 0);
	return child_counts(pid, fd);
}

static void
a_process_stopped_in_a_step_is_told_as_that(void **state)
{
	struct counts counts = counts_of_stopped(stop_self);

	(void)state;
	assert_int_equal(counts.n[BLOCK_STOPPED], 1);
	assert_int_equal(counts.n[BLOCK_STEP], 0);
}

static void
stop_and_wait(struct blocker *f)
{
	(void)f;
	raise(SIGSTOP);
	wait_in_kernel(LONG);
}

static void
wait_and_stop(struct blocker *f)
{
	(void)f;
	wait_in_kernel(LONG);
	raise(SIGSTOP);
}

static void
a_step_that_blocks_after_a_stop_or_before_it_is_no_stop(void **state)
{
	struct counts counts = counts_of_stopped(stop_and_wait);

	(void)state;
	assert_int_equal(counts.n[BLOCK_STEP], 1);
	assert_int_equal(counts.n[BLOCK_STOPPED], 0);
	assert_int_equal(counts.halted, 1);
	counts = counts_of_stopped(wait_and_stop);
	assert_int_equal(counts.n[BLOCK_STEP], 1);
	assert_int_equal(counts.n[BLOCK_STOPPED], 0);
	assert_int_equal(counts.halted, 1);
}

static void
an_idle_process_that_is_stopped_was_not_blocked(void **state)
{
	struct counts counts;
	int fd, status;
	pid_t pid = child_loop(NULL, 0, &fd);

	(void)state;
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	wait_in_kernel(4 * LONG);
	assert_int_equal(kill(pid, SIGCONT), 0);
	counts = child_counts(pid, fd);
	assert_int_equal(counts.n[BLOCK_STEP], 0);
}

/* Less than the limit, but with hardly a share of the processor. */
static void
compute_starved(struct blocker *f)
{
	(void)f;
	(void)setpriority(PRIO_PROCESS, 0, 19);
	spin(CLOCK_THREAD_CPUTIME_ID, LIMIT / 2);
}

static void
a_process_without_a_processor_is_told_as_that(void **state)
{
	struct counts counts;
	cpu_set_t before, one;
	pid_t pid, hog;
	int fd;

	(void)state;
	if (access("/proc/self/schedstat", R_OK) != 0) {
		print_message("SKIP: the kernel does not tell the run delay\n");
		skip();
	}
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	CPU_ZERO(&one);
	for (int i = 0; CPU_COUNT(&one) == 0; i++) {
		if (CPU_ISSET(i, &before))
			CPU_SET(i, &one);
	}
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	hog = fork();
	assert_true(hog >= 0);
	if (hog == 0) {
		alarm(60);	/* whatever becomes of us */
		for (;;)
			;
	}
	pid = child_loop(compute_starved, 1, &fd);
	counts = child_counts(pid, fd);
	assert_int_equal(kill(hog, SIGKILL), 0);
	assert_int_equal(waitpid(hog, NULL, 0), hog);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
	assert_true(counts.n[BLOCK_STARVED] >= 1);
	assert_int_equal(counts.n[BLOCK_STEP], 0);
}

/* ---- what it costs ---- */

struct naps {
	struct task	task;
	unsigned	left;
	usec_t		each;
	uint64_t	waits;
};

static enum task_status
naps_step(struct task *t)
{
	struct naps *f = container_of(t, struct naps, task);

	TASK_BEGIN(t);
	f->waits = t->loop->stats.waits;
	for (; f->left > 0; f->left--)
		SLEEP_UNTIL(t, loop_now(t->loop) + f->each);
	f->waits = t->loop->stats.waits - f->waits;
	TASK_END(t, 0);
}

static const struct task_kind naps_kind = { .name = "naps", .step = naps_step };

/* Voluntary switches of this thread. */
static long
switches(void)
{
	struct rusage usage;

	assert_int_equal(getrusage(RUSAGE_THREAD, &usage), 0);
	return usage.ru_nvcsw;
}

static void
a_loop_that_sleeps_long_is_not_woken(void **state)
{
	struct naps f = { .left = 3, .each = 5 * LIMIT };
	struct loop *l = loop_new(LOOP_REAL);
	long before;

	(void)state;
	loop_set_block_limit(l, LIMIT);
	task_start_root(&f.task, &naps_kind, l);
	before = switches();
	assert_int_equal(loop_run(l), 0);
	assert_int_equal(f.waits, 3);
	assert_true(switches() - before <= 3);
	loop_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_step_that_computes_is_caught_with_its_name_and_stack),
		cmocka_unit_test(a_step_that_waits_in_the_kernel_is_caught),
		cmocka_unit_test(a_task_that_ends_in_the_step_that_blocks_is_named),
		cmocka_unit_test(a_callback_that_blocks_is_caught),
		cmocka_unit_test(the_latest_256_are_kept),
		cmocka_unit_test(the_log_gets_a_line_each_up_to_ten_a_minute_and_then_the_number_of_the_others),
		cmocka_unit_test(clocks_that_are_set_and_a_host_that_sleeps_are_no_block),
		cmocka_unit_test(what_blocks_while_the_clock_is_set_has_its_true_length),
		cmocka_unit_test(many_short_steps_are_no_block),
		cmocka_unit_test(with_no_limit_nothing_is_caught),
		cmocka_unit_test(a_process_stopped_in_a_step_is_told_as_that),
		cmocka_unit_test(a_step_that_blocks_after_a_stop_or_before_it_is_no_stop),
		cmocka_unit_test(an_idle_process_that_is_stopped_was_not_blocked),
		cmocka_unit_test(a_process_without_a_processor_is_told_as_that),
		cmocka_unit_test(a_loop_that_sleeps_long_is_not_woken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
