/*
 * What leaks.h promises: what should be gone and is not is found, and named; what will go is left alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/engine/child.h"
#include "daemon/engine/finding.h"
#include "daemon/engine/leaks.h"
#include "daemon/engine/loop-internal.h"
#include "daemon/engine/loop.h"
#include "daemon/engine/symbol.h"
#include "daemon/engine/watch.h"

#define SWEEP	USEC_SEC

/* Long enough for whatever is to be found. */
#define WHILE	(2 * LEAK_EPOCHS * SWEEP)

struct world {
	struct task	 root, scope, stuck;
	void		(*begin)(struct world *w);
	void		(*end)(struct world *w);	/* clears up what was left on purpose */
	bool		 let_go;
	usec_t		 limit;			/* of the stuck one's wait */
	unsigned	 left;
	struct watch	 watch;
	struct child	 child;
	int		 fd;
	struct loop	*l;
};

static enum task_status
stuck_step(struct task *t)
{
	struct world *w = container_of(t, struct world, stuck);

	TASK_BEGIN(t);
	AWAIT_SHIELDED(t, w->limit, w->let_go);
	TASK_END(t, 0);
}

static void
stuck_serves(const struct task *t, char *out, size_t n)
{
	(void)t;
	snprintf(out, n, "12.3");
}

static const struct task_kind stuck_kind = { .name = "stuck", .step = stuck_step, .serves = stuck_serves };

static enum task_status
scope_step(struct task *t)
{
	TASK_BEGIN(t);
	AWAIT(t, false);
	TASK_END(t, 0);
}

static const struct task_kind scope_kind = { .name = "scope", .step = scope_step };

/* Begins something, lets time pass in small steps, clears up. */
static enum task_status
root_step(struct task *t)
{
	struct world *w = container_of(t, struct world, root);

	TASK_BEGIN(t);
	w->begin(w);
	for (w->left = (unsigned)(WHILE / (SWEEP / 10)); w->left > 0; w->left--)
		SLEEP_UNTIL(t, loop_now(t->loop) + SWEEP / 10);
	w->let_go = true;
	task_wake(&w->stuck);
	if (w->end != NULL)
		w->end(w);
	TASK_END(t, 0);
}

static const struct task_kind root_kind = { .name = "root", .step = root_step };

/* Run it; the loop is the caller's to free. */
static struct loop *
world_run(struct world *w, void (*begin)(struct world *), void (*end)(struct world *))
{
	w->l = loop_new(LOOP_VIRTUAL);
	assert_non_null(w->l);
	leaks_set_sweep(w->l, SWEEP);
	w->begin = begin;
	w->end = end;
	task_start_root(&w->root, &root_kind, w->l);
	assert_int_equal(loop_run(w->l), 0);
	return w->l;
}

/* There is one finding, and it is this. */
static const struct finding *
only(const struct loop *l, enum finding_what what, const char *task)
{
	const struct finding *f = finding_get(l, 0);

	assert_non_null(f);
	assert_null(finding_get(l, 1));
	assert_string_equal(finding_name(f->what), finding_name(what));
	assert_string_equal(f->task, task);
	return f;
}

/* ---- scopes ---- */

static void
cancel_scope(struct world *w)
{
	task_start(&w->scope, &scope_kind, &w->root);
	task_start(&w->stuck, &stuck_kind, &w->scope);
	task_cancel(&w->scope);
}

static void
a_cancelled_scope_that_does_not_drain_is_told_once(void **state)
{
	struct world w = { .limit = USEC_NEVER };
	struct loop *l = world_run(&w, cancel_scope, NULL);
	const struct finding *f = only(l, FINDING_NOT_DRAINED, "stuck");

	(void)state;
	assert_string_equal(f->serves, "12.3");
	assert_non_null(strstr(f->text, "cancelled with scope"));
	assert_non_null(strstr(f->text, "w->let_go"));
	assert_non_null(strstr(f->text, "engine_leaks.c:"));
	assert_non_null(strstr(f->text, "made by scope"));
	loop_free(l);
}

static void
one_that_has_a_deadline_of_its_own_is_given_its_time(void **state)
{
	struct world w = { .limit = 2 * WHILE };
	struct loop *l = world_run(&w, cancel_scope, NULL);

	(void)state;
	assert_null(finding_get(l, 0));
	loop_free(l);
}

static void
start_scope(struct world *w)
{
	task_start(&w->scope, &scope_kind, &w->root);
	task_start(&w->stuck, &stuck_kind, &w->scope);
}

static void
who_was_not_cancelled_may_wait_for_ever(void **state)
{
	struct world w = { .limit = USEC_NEVER };
	struct loop *l = world_run(&w, start_scope, NULL);

	(void)state;
	assert_null(finding_get(l, 0));
	loop_free(l);
}

/* What no user of the engine can do: its timer is lost. */
static enum task_status
forgetful_step(struct task *t)
{
	struct world *w = container_of(t, struct world, root);

	TASK_BEGIN(t);
	w->limit = loop_now(t->loop) + USEC_SEC;
	start_scope(w);
	TASK_YIELD(t);
	heap_remove(&t->loop->timers, &w->stuck.timer);
	for (w->left = 100; w->left > 0; w->left--)
		SLEEP_UNTIL(t, loop_now(t->loop) + SWEEP / 10);
	w->let_go = true;
	task_wake(&w->stuck);
	TASK_END(t, 0);
}

static const struct task_kind forgetful_kind = { .name = "forgetful", .step = forgetful_step };

static void
a_task_older_than_its_deadline_is_told(void **state)
{
	struct world w = { .limit = 0 };
	const struct finding *f;

	(void)state;
	w.l = loop_new(LOOP_VIRTUAL);
	leaks_set_sweep(w.l, SWEEP);
	task_start_root(&w.root, &forgetful_kind, w.l);
	assert_int_equal(loop_run(w.l), 0);
	f = only(w.l, FINDING_OVERDUE, "stuck");
	assert_non_null(strstr(f->text, "deadline passed"));
	assert_non_null(strstr(f->text, "made by scope"));
	loop_free(w.l);
}

/* It sleeps, and what it has started waits as long. */
static enum task_status
stopped_step(struct task *t)
{
	struct world *w = container_of(t, struct world, root);

	TASK_BEGIN(t);
	w->limit = loop_now(t->loop) + USEC_SEC;
	start_scope(w);
	SLEEP_UNTIL(t, w->limit);
	TASK_END(t, 0);
}

static const struct task_kind stopped_kind = { .name = "stopped", .step = stopped_step };

/* As after SIGCONT: time has gone by at once, and what was due meanwhile is. */
static void
what_was_due_while_we_were_stopped_is_not_overdue(void **state)
{
	struct world w = { .limit = 0 };
	usec_t half;

	(void)state;
	w.l = loop_new(LOOP_VIRTUAL);
	leaks_set_sweep(w.l, SWEEP);
	task_start_root(&w.root, &stopped_kind, w.l);
	half = loop_now(w.l) + USEC_SEC / 2;
	while (loop_run_some(w.l, half, 100) == 0)
		;
	loop_jump(w.l, loop_now(w.l) + 20 * USEC_SEC);
	assert_int_equal(loop_run(w.l), 0);
	assert_null(finding_get(w.l, 0));
	loop_free(w.l);
}

/* ---- descriptors, processes, what is lent ---- */

/* Begins to watch, and ends without ending that. */
static enum task_status
leaky_step(struct task *t)
{
	struct world *w = container_of(t, struct world, stuck);

	TASK_BEGIN(t);
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	MUST(watch_start(&w->watch, t->loop, w->fd, WATCH_READ, t) == 0);
	TASK_END(t, 0);
}

static const struct task_kind leaky_kind = { .name = "leaky", .step = leaky_step };

static void
start_leaky(struct world *w)
{
	task_start(&w->stuck, &leaky_kind, &w->root);
}

static void
unwatch(struct world *w)
{
	watch_stop(&w->watch);
	close(w->fd);
}

static void
a_descriptor_whose_owner_has_ended_is_told_with_who_made_it(void **state)
{
	struct world w = { .limit = 0 };
	struct loop *l = world_run(&w, start_leaky, unwatch);
	const struct finding *f = only(l, FINDING_DESCRIPTOR, "leaky");
	char wanted[40], name[SYMBOL_TEXT_MAX];
	struct symbols symbols;

	(void)state;
	snprintf(wanted, sizeof(wanted), "descriptor %d is", w.fd);
	assert_non_null(strstr(f->text, wanted));
	assert_non_null(strstr(f->text, "made by leaky"));
	symbols_open(&symbols);
	symbols_name(&symbols, f->where, false, NULL, name);
	symbols_close(&symbols);
	assert_memory_equal(name, "leaky_step+", 11);
	loop_free(l);
}

/* As leaky, but the parent ends what the child had begun, a little later. */
static enum task_status
careful_step(struct task *t)
{
	struct world *w = container_of(t, struct world, root);

	TASK_BEGIN(t);
	start_leaky(w);
	SLEEP_UNTIL(t, loop_now(t->loop) + SWEEP);
	unwatch(w);
	for (w->left = 100; w->left > 0; w->left--)
		SLEEP_UNTIL(t, loop_now(t->loop) + SWEEP / 10);
	TASK_END(t, 0);
}

static const struct task_kind careful_kind = { .name = "careful", .step = careful_step };

static void
what_the_parent_ends_in_time_is_no_leak(void **state)
{
	struct world w = { .limit = 0 };

	(void)state;
	w.l = loop_new(LOOP_VIRTUAL);
	leaks_set_sweep(w.l, SWEEP);
	task_start_root(&w.root, &careful_kind, w.l);
	assert_int_equal(loop_run(w.l), 0);
	assert_null(finding_get(w.l, 0));
	assert_int_equal(leaks_watched(w.l), 0);
	loop_free(w.l);
}

static enum task_status
spawner_step(struct task *t)
{
	static char sh[] = "sh", option[] = "-c", text[] = "exec cat";
	static char *const argv[] = { sh, option, text, NULL }, *const envp[] = { NULL };
	struct world *w = container_of(t, struct world, stuck);
	struct spawn s = { .path = "/bin/sh", .argv = argv, .envp = envp, .stdio = { w->fd, -1, -1 }, .umask = 022 };
	const char *stage = NULL;

	TASK_BEGIN(t);
	MUST(child_spawn(&w->child, t->loop, &s, t, &stage) == 0);
	TASK_END(t, 0);
}

static const struct task_kind spawner_kind = { .name = "spawner", .step = spawner_step };

static void
start_spawner(struct world *w)
{
	task_start(&w->stuck, &spawner_kind, &w->root);
}

/* As the kernel would tell it. */
static void
end_child(struct world *w)
{
	struct rusage usage;
	siginfo_t info;
	int status;

	assert_int_equal(kill(w->child.pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)w->child.pid, &info, WEXITED | WNOWAIT), 0);
	w->child.exited = true;
	assert_int_equal(child_reap(&w->child, &status, &usage), 0);
}

static void
a_process_whose_owner_has_ended_is_told(void **state)
{
	struct world w = { .limit = 0 };
	struct loop *l;
	char wanted[40];
	int p[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	w.fd = p[0];
	w.begin = start_spawner;
	w.l = l = loop_new(LOOP_VIRTUAL);
	leaks_set_sweep(l, SWEEP);
	task_start_root(&w.root, &root_kind, l);
	assert_int_equal(loop_run(l), 0);
	pid = w.child.pid;
	snprintf(wanted, sizeof(wanted), "process %d is", (int)pid);
	assert_non_null(strstr(only(l, FINDING_PROCESS, "spawner")->text, wanted));
	end_child(&w);
	loop_free(l);
	close(p[0]);
	close(p[1]);
}

static enum task_status
lender_step(struct task *t)
{
	TASK_BEGIN(t);
	leaks_lend(t->loop, t, (const void *)lender_step);
	leaks_lend(t->loop, t, NULL);
	leaks_back(t->loop, t);
	TASK_END(t, 0);
}

static const struct task_kind lender_kind = { .name = "lender", .step = lender_step };

static void
start_lender(struct world *w)
{
	task_start(&w->stuck, &lender_kind, &w->root);
}

static void
who_ends_while_he_has_lent_something_is_told(void **state)
{
	struct world w = { .limit = 0 };
	struct loop *l = world_run(&w, start_lender, NULL);

	(void)state;
	assert_non_null(strstr(only(l, FINDING_LENT, "lender")->text, "1 of its operations was"));
	assert_true(only(l, FINDING_LENT, "lender")->where == (const void *)lender_step);
	loop_free(l);
}

/* ---- the end ---- */

/* What a process says that frees a loop with a descriptor still watched, and how it ends. */
static int
end_with_a_leak(bool strict, char *text, size_t n)
{
	int p[2], status;
	size_t used = 0;
	ssize_t r;
	pid_t pid;

	assert_int_equal(pipe(p), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct world w = { .limit = 0 };

		dup2(p[1], STDERR_FILENO);
		(void)signal(SIGABRT, SIG_DFL);
		if (strict)
			setenv("JOBD_STRICT", "1", 1);
		else
			unsetenv("JOBD_STRICT");
		loop_free(world_run(&w, start_leaky, NULL));
		_exit(0);
	}
	close(p[1]);
	while (used < n - 1 && (r = read(p[0], text + used, n - 1 - used)) > 0)
		used += (size_t)r;
	text[used] = '\0';
	close(p[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
what_is_left_at_the_end_aborts_a_test_build_with_the_tree(void **state)
{
	char text[4096];
	int status = end_with_a_leak(true, text, sizeof(text));

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_non_null(strstr(text, "left at the end: descriptor"));
	assert_non_null(strstr(text, "made by leaky"));
	assert_non_null(strstr(text, "root"));
}

static void
what_is_left_at_the_end_is_told_to_others(void **state)
{
	char text[4096];
	int status = end_with_a_leak(false, text, sizeof(text));

	(void)state;
	assert_int_equal(status, 0);
	assert_non_null(strstr(text, "left at the end: descriptor"));
}

/* ---- a look that lasts ---- */

struct member {
	struct task	task;
	bool		go;
};

static enum task_status
member_step(struct task *t)
{
	struct member *f = container_of(t, struct member, task);

	TASK_BEGIN(t);
	AWAIT(t, f->go);
	TASK_END(t, 0);
}

static const struct task_kind member_kind = { .name = "member", .step = member_step };

#define MEMBERS 100

struct crowd {
	struct task		 root;
	struct member		 members[MEMBERS];
	struct task_walk	 walk;
	unsigned		 seen, i, dead;
	bool			 met_dead;
};

/* After each look some more end: just looked at, next, and far away. */
static enum task_status
crowd_step(struct task *t)
{
	struct crowd *f = container_of(t, struct crowd, root);
	const struct task *at;
	unsigned depth;

	TASK_BEGIN(t);
	for (unsigned i = 0; i < MEMBERS; i++)
		task_start(&f->members[i].task, &member_kind, t);
	task_walk_begin(&f->walk, t->loop, t);
	for (f->i = 0; (at = task_walk_next(&f->walk, &depth)) != NULL; f->i++) {
		f->seen++;
		f->met_dead |= at->done;
		for (unsigned k = 0; k < 3; k++) {
			struct member *m = &f->members[(f->i * 37 + k * 11) % MEMBERS];

			f->dead += !m->go;
			m->go = true;
			task_wake(&m->task);
		}
		TASK_YIELD(t);
	}
	task_walk_end(&f->walk);
	for (unsigned i = 0; i < MEMBERS; i++) {
		f->members[i].go = true;
		task_wake(&f->members[i].task);
	}
	AWAIT(t, t->child == NULL);
	TASK_END(t, 0);
}

static const struct task_kind crowd_kind = { .name = "crowd", .step = crowd_step };

static void
a_walk_passes_over_those_who_end_meanwhile(void **state)
{
	static struct crowd f;
	struct loop *l = loop_new(LOOP_VIRTUAL);

	(void)state;
	task_start_root(&f.root, &crowd_kind, l);
	assert_int_equal(loop_run(l), 0);
	assert_false(f.met_dead);
	assert_true(f.seen > 10);
	assert_true(f.seen < MEMBERS);
	assert_true(f.dead > 30);
	assert_null(l->walks);
	loop_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cancelled_scope_that_does_not_drain_is_told_once),
		cmocka_unit_test(one_that_has_a_deadline_of_its_own_is_given_its_time),
		cmocka_unit_test(who_was_not_cancelled_may_wait_for_ever),
		cmocka_unit_test(a_task_older_than_its_deadline_is_told),
		cmocka_unit_test(what_was_due_while_we_were_stopped_is_not_overdue),
		cmocka_unit_test(a_descriptor_whose_owner_has_ended_is_told_with_who_made_it),
		cmocka_unit_test(what_the_parent_ends_in_time_is_no_leak),
		cmocka_unit_test(a_process_whose_owner_has_ended_is_told),
		cmocka_unit_test(who_ends_while_he_has_lent_something_is_told),
		cmocka_unit_test(what_is_left_at_the_end_aborts_a_test_build_with_the_tree),
		cmocka_unit_test(what_is_left_at_the_end_is_told_to_others),
		cmocka_unit_test(a_walk_passes_over_those_who_end_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
