/*
 * What watch.h and signals.h promise, on real descriptors and the real clock.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/engine/loop.h"
#include "daemon/engine/signals.h"
#include "daemon/engine/watch.h"

/* So long nothing may take; a test that waits this long has failed. */
#define PATIENCE (20 * USEC_SEC)

/* A task that waits for one condition at a time, and counts its looks. */
struct world {
	struct task	 task;
	struct loop	*l;
	struct watch	 w;
	struct signals	 signals;
	int		 fds[2];	/* fds[0] is watched */
	bool		(*holds)(const struct world *f);
	unsigned	 looks;
	unsigned	 calls;		/* of the hook */
};

static bool
world_looks(struct world *f)
{
	f->looks++;
	return f->holds(f);
}

static enum task_status
world_step(struct task *t)
{
	struct world *f = container_of(t, struct world, task);

	TASK_BEGIN(t);

	AWAIT_UNTIL(t, loop_now(t->loop) + PATIENCE, world_looks(f));
	TASK_END(t, t->err);
}

static const struct task_kind world_kind = { .name = "test", .step = world_step };

static void
wait_for(struct world *f, bool (*holds)(const struct world *f))
{
	f->holds = holds;
	f->looks = 0;
	task_start_root(&f->task, &world_kind, f->l);
	assert_int_equal(loop_run(f->l), 0);
	assert_int_equal(f->task.result, 0);
}

static void
world_start(struct world *f, int type)
{
	memset(f, 0, sizeof(*f));
	f->l = loop_new(LOOP_REAL);
	assert_non_null(f->l);
	if (type == 0)
		assert_int_equal(pipe2(f->fds, O_NONBLOCK), 0);
	else
		assert_int_equal(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, f->fds), 0);
}

static void
world_stop(struct world *f)
{
	watch_stop(&f->w);
	watch_stop(&f->w);
	assert_int_equal(f->l->watches, 0);
	for (int i = 0; i < 2; i++) {
		if (f->fds[i] >= 0)
			close(f->fds[i]);
	}
	loop_free(f->l);
}

static void
peer_close(struct world *f)
{
	close(f->fds[1]);
	f->fds[1] = -1;
}

static bool
is_readable(const struct world *f)
{
	return f->w.readable;
}

static bool
is_writable(const struct world *f)
{
	return f->w.writable;
}

static bool
is_closed(const struct world *f)
{
	return f->w.closed;
}

static void
readable_stays_until_cleared_and_comes_again(void **state)
{
	struct world f;
	char byte;

	(void)state;
	world_start(&f, SOCK_STREAM);
	assert_int_equal(watch_start(&f.w, f.l, f.fds[0], WATCH_READ, &f.task), 0);
	assert_false(f.w.readable);
	assert_true(f.w.writable);
	assert_int_equal(f.l->watches, 1);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(write(f.fds[1], "x", 1), 1);
		wait_for(&f, is_readable);
		assert_true(f.w.readable);

		/* A short read: cleared without another one. */
		assert_int_equal(read(f.fds[0], &byte, 1), 1);
		f.w.readable = false;
	}
	assert_false(f.w.closed);
	world_stop(&f);
}

static void
what_was_ready_before_the_beginning_is_told(void **state)
{
	struct world f;

	(void)state;
	world_start(&f, SOCK_STREAM);
	assert_int_equal(write(f.fds[1], "x", 1), 1);
	assert_int_equal(watch_start(&f.w, f.l, f.fds[0], WATCH_READ, &f.task), 0);
	wait_for(&f, is_readable);
	world_stop(&f);
}

static void
closing_is_told_without_reading(void **state)
{
	struct world f;

	(void)state;
	world_start(&f, SOCK_STREAM);
	assert_int_equal(write(f.fds[1], "x", 1), 1);
	assert_int_equal(watch_start(&f.w, f.l, f.fds[0], WATCH_CLOSED, &f.task), 0);
	peer_close(&f);
	wait_for(&f, is_closed);
	world_stop(&f);
}

static void
reset_is_told_as_readable(void **state)
{
	struct world f;
	char byte;

	(void)state;
	world_start(&f, SOCK_STREAM);
	assert_int_equal(watch_start(&f.w, f.l, f.fds[0], WATCH_READ | WATCH_CLOSED, &f.task), 0);

	/* It goes without having read what we wrote. */
	assert_int_equal(write(f.fds[0], "x", 1), 1);
	peer_close(&f);
	wait_for(&f, is_readable);

	assert_int_equal(read(f.fds[0], &byte, 1), -1);
	assert_int_equal(errno, ECONNRESET);
	world_stop(&f);
}

static void
writable_comes_when_there_is_room(void **state)
{
	static char bytes[4096];
	struct world f;

	(void)state;
	world_start(&f, 0);
	int in = f.fds[0];
	f.fds[0] = f.fds[1];
	f.fds[1] = in;
	assert_int_equal(watch_start(&f.w, f.l, f.fds[0], WATCH_WRITE, &f.task), 0);
	while (write(f.fds[0], bytes, sizeof(bytes)) > 0)
		continue;
	assert_int_equal(errno, EAGAIN);
	f.w.writable = false;
	assert_true(read(in, bytes, sizeof(bytes)) > 0);
	wait_for(&f, is_writable);
	world_stop(&f);
}

/* Called for a byte, for watch_again(), and for a byte that it sends itself; wakes at the last. */
static bool
count_call(struct watch *w)
{
	struct world *f = container_of(w, struct world, w);

	f->calls++;
	if (f->calls == 2)
		assert_int_equal(write(f->fds[1], "x", 1), 1);
	return f->calls == 3;
}

static bool
was_called(const struct world *f)
{
	return f->calls > 0;
}

static void
hook_decides_whether_the_waiter_wakes(void **state)
{
	struct world f;

	(void)state;
	world_start(&f, SOCK_DGRAM);
	assert_int_equal(watch_start(&f.w, f.l, f.fds[0], WATCH_READ, &f.task), 0);
	f.w.ready = count_call;
	assert_int_equal(write(f.fds[1], "x", 1), 1);
	watch_again(&f.w);

	/* Once at the beginning, once when the hook said so. */
	wait_for(&f, was_called);
	assert_int_equal(f.calls, 3);
	assert_int_equal(f.looks, 2);
	world_stop(&f);
}

static void
what_is_watched_can_be_changed(void **state)
{
	struct world f;

	(void)state;
	world_start(&f, SOCK_STREAM);
	assert_int_equal(watch_start(&f.w, f.l, f.fds[0], WATCH_CLOSED, &f.task), 0);
	assert_int_equal(write(f.fds[1], "x", 1), 1);
	assert_int_equal(watch_set(&f.w, WATCH_READ | WATCH_WRITE), 0);
	f.w.writable = false;
	assert_int_equal(watch_set(&f.w, WATCH_READ | WATCH_WRITE), 0);
	wait_for(&f, is_readable);
	assert_true(f.w.writable);
	assert_int_equal(f.l->watches, 1);
	world_stop(&f);
}

static bool
has_term(const struct world *f)
{
	return (f->signals.pending >> SIGTERM & 1) != 0;
}

static bool
has_usr1(const struct world *f)
{
	return (f->signals.pending >> SIGUSR1 & 1) != 0;
}

static void
signals_are_flags(void **state)
{
	static const int list[] = { SIGTERM, SIGUSR1 };
	struct world f;

	(void)state;
	world_start(&f, 0);
	assert_int_equal(signals_start(&f.signals, f.l, list, 2, &f.task), 0);
	for (unsigned i = 1; i <= 2; i++) {
		kill(getpid(), SIGTERM);
		wait_for(&f, has_term);
		assert_int_equal(f.signals.count[SIGTERM], i);
		assert_false(has_usr1(&f));
		f.signals.pending = 0;
	}
	kill(getpid(), SIGUSR1);
	wait_for(&f, has_usr1);
	assert_false(has_term(&f));
	signals_stop(&f.signals);
	signals_stop(&f.signals);
	world_stop(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readable_stays_until_cleared_and_comes_again),
		cmocka_unit_test(what_was_ready_before_the_beginning_is_told),
		cmocka_unit_test(closing_is_told_without_reading),
		cmocka_unit_test(reset_is_told_as_readable),
		cmocka_unit_test(writable_comes_when_there_is_room),
		cmocka_unit_test(hook_decides_whether_the_waiter_wakes),
		cmocka_unit_test(what_is_watched_can_be_changed),
		cmocka_unit_test(signals_are_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
