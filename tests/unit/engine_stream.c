/*
 * What stream.h promises, on real descriptors and the real clock.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/engine/loop.h"
#include "daemon/engine/stream.h"
#include "proto/mem.h"

#define PATIENCE	(20 * USEC_SEC)
#define BIG		((size_t)3 << 20)
#define SMALL		((size_t)4096)

/* A task that waits for one condition at a time. */
struct world {
	struct task	 task;
	struct loop	*l;
	struct stream	 s;
	struct stream	 other;		/* a second one, when a test wants it */
	int		 peer;
	bool		(*holds)(struct world *f);
	unsigned	 looks;
	size_t		 bytes;		/* read by the condition */
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
wait_for(struct world *f, bool (*holds)(struct world *f))
{
	f->holds = holds;
	f->looks = 0;
	task_start_root(&f->task, &world_kind, f->l);
	assert_int_equal(loop_run(f->l), 0);
	assert_int_equal(f->task.result, 0);
}

static void
world_start(struct world *f, size_t in_max)
{
	int fds[2];

	memset(f, 0, sizeof(*f));
	f->l = loop_new(LOOP_REAL);
	assert_non_null(f->l);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(stream_start(&f->s, f->l, fds[0], in_max, &f->task), 0);
	f->peer = fds[1];
}

static void
world_stop(struct world *f)
{
	stream_stop(&f->s);
	stream_stop(&f->s);
	stream_stop(&f->other);
	assert_int_equal(f->l->watches, 0);
	if (f->peer >= 0)
		close(f->peer);
	loop_free(f->l);
}

static void
peer_close(struct world *f)
{
	close(f->peer);
	f->peer = -1;
}

static bool
has_input(struct world *f)
{
	return buf_len(&f->s.in) > 0;
}

static bool
has_end(struct world *f)
{
	return f->s.eof;
}

static bool
is_closed(struct world *f)
{
	return f->s.closed;
}

static bool
has_error(struct world *f)
{
	return f->s.error != 0;
}

static void
bytes_come_and_go(void **state)
{
	struct world f;
	char answer[8];

	(void)state;
	world_start(&f, 1024);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(write(f.peer, "hello", 5), 5);
		wait_for(&f, has_input);
		assert_int_equal(buf_len(&f.s.in), 5);
		assert_memory_equal(buf_bytes(&f.s.in), "hello", 5);
		buf_consume(&f.s.in, 5);
		stream_read_on(&f.s);

		/* Written at once: no look at the descriptors is needed. */
		buf_puts(&f.s.out, "hi");
		stream_flush(&f.s);
		assert_true(stream_flushed(&f.s));
		assert_int_equal(read(f.peer, answer, sizeof(answer)), 2);
	}
	assert_false(f.s.eof || f.s.closed);
	world_stop(&f);
}

static void
end_behind_the_last_bytes_is_seen(void **state)
{
	struct world f;

	(void)state;
	world_start(&f, 1024);
	assert_int_equal(write(f.peer, "bye", 3), 3);
	peer_close(&f);
	wait_for(&f, has_end);
	assert_int_equal(buf_len(&f.s.in), 3);
	assert_true(f.s.closed);
	assert_int_equal(f.s.error, 0);
	world_stop(&f);
}

static void
end_of_a_pipe_is_seen(void **state)
{
	struct world f;
	int fds[2];

	(void)state;
	world_start(&f, 1024);
	stream_stop(&f.s);
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	assert_int_equal(stream_start(&f.s, f.l, fds[0], 1024, &f.task), 0);
	assert_int_equal(write(fds[1], "bye", 3), 3);
	wait_for(&f, has_input);
	assert_int_equal(write(fds[1], "bye", 3), 3);
	close(fds[1]);
	wait_for(&f, has_end);
	assert_int_equal(buf_len(&f.s.in), 6);
	world_stop(&f);
}

/* Consume some as the task would, and count. */
static bool
all_consumed(struct world *f)
{
	size_t n = buf_len(&f->s.in);

	assert_true(n <= f->s.in_max);
	f->bytes += n;
	buf_consume(&f->s.in, n);
	stream_read_on(&f->s);
	return f->s.eof && buf_len(&f->s.in) == 0;
}

static void *
send_big(void *arg)
{
	struct world *f = arg;
	char *bytes = xcalloc(1, BIG);
	size_t n = 0;
	ssize_t r;

	while (n < BIG) {
		r = send(f->peer, bytes + n, BIG - n, MSG_NOSIGNAL);
		if (r < 0)
			break;
		n += (size_t)r;
	}
	free(bytes);
	shutdown(f->peer, SHUT_WR);
	return NULL;
}

/* The peer is a thread that may block. */
static void
peer_thread(struct world *f, pthread_t *thread, void *(*what)(void *))
{
	assert_int_equal(fcntl(f->peer, F_SETFL, 0), 0);
	assert_int_equal(pthread_create(thread, NULL, what, f), 0);
}

static void
limit_of_input_is_kept(void **state)
{
	pthread_t thread;
	struct world f;

	(void)state;
	world_start(&f, SMALL);
	peer_thread(&f, &thread, send_big);
	wait_for(&f, all_consumed);
	pthread_join(thread, NULL);
	assert_int_equal(f.bytes, BIG);
	world_stop(&f);
}

static void
big_reader_gives_others_their_turn(void **state)
{
	pthread_t thread;
	struct world f;

	(void)state;
	world_start(&f, BIG * 2);
	peer_thread(&f, &thread, send_big);
	wait_for(&f, has_end);
	pthread_join(thread, NULL);

	/* No look read more than 64 KiB. */
	assert_int_equal(buf_len(&f.s.in), BIG);
	assert_true(f.l->stats.polls >= BIG / 65536);
	world_stop(&f);
}

static void *
receive_big(void *arg)
{
	struct world *f = arg;
	static char bytes[65536];
	ssize_t r;

	while (f->bytes < BIG && (r = read(f->peer, bytes, sizeof(bytes))) > 0)
		f->bytes += (size_t)r;
	return NULL;
}

static bool
is_flushed(struct world *f)
{
	return stream_flushed(&f->s);
}

static void
big_output_goes_as_the_peer_takes_it(void **state)
{
	pthread_t thread;
	struct world f;

	(void)state;
	world_start(&f, SMALL);
	memset(buf_reserve(&f.s.out, BIG), 'x', BIG);
	buf_added(&f.s.out, BIG);
	stream_flush(&f.s);
	assert_false(stream_flushed(&f.s));
	assert_int_equal(f.s.watch.what, WATCH_READ | WATCH_WRITE | WATCH_CLOSED);
	peer_thread(&f, &thread, receive_big);
	wait_for(&f, is_flushed);
	pthread_join(thread, NULL);
	assert_int_equal(f.bytes, BIG);

	/* A peer that reads wakes us no more. */
	assert_int_equal(f.s.watch.what, WATCH_READ | WATCH_CLOSED);
	world_stop(&f);
}

static void
output_goes_through_a_pipe(void **state)
{
	struct world f;
	int fds[2];
	pthread_t thread;

	(void)state;
	world_start(&f, SMALL);
	stream_stop(&f.s);
	close(f.peer);
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	f.peer = fds[0];
	assert_int_equal(stream_start(&f.s, f.l, fds[1], SMALL, &f.task), 0);
	memset(buf_reserve(&f.s.out, BIG), 'x', BIG);
	buf_added(&f.s.out, BIG);
	stream_flush(&f.s);
	peer_thread(&f, &thread, receive_big);
	wait_for(&f, is_flushed);
	assert_int_equal(f.s.error, 0);
	pthread_join(thread, NULL);
	assert_int_equal(f.bytes, BIG);
	world_stop(&f);
}

static void
pause_hides_data_but_not_closing(void **state)
{
	struct world f;

	(void)state;
	world_start(&f, 1024);
	stream_pause(&f.s);
	assert_int_equal(write(f.peer, "one", 3), 3);
	assert_int_equal(write(f.peer, "two", 3), 3);
	peer_close(&f);
	wait_for(&f, is_closed);
	assert_int_equal(buf_len(&f.s.in), 0);
	assert_false(f.s.eof);

	/* What came before the end is still to be had. */
	stream_resume(&f.s);
	wait_for(&f, has_end);
	assert_int_equal(buf_len(&f.s.in), 6);
	assert_memory_equal(buf_bytes(&f.s.in), "onetwo", 6);
	world_stop(&f);
}

static bool
other_has_input(struct world *f)
{
	return buf_len(&f->other.in) > 0;
}

static void
data_does_not_wake_a_paused_streams_task(void **state)
{
	struct world f;
	int fds[2];

	(void)state;
	world_start(&f, 1024);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(stream_start(&f.other, f.l, fds[0], 16, &f.task), 0);
	stream_pause(&f.s);
	assert_int_equal(write(f.peer, "one", 3), 3);
	assert_int_equal(write(fds[1], "x", 1), 1);
	wait_for(&f, other_has_input);

	/* One look at the beginning, one for the other's byte. */
	assert_int_equal(f.looks, 2);
	assert_int_equal(buf_len(&f.s.in), 0);
	stream_resume(&f.s);
	assert_int_equal(buf_len(&f.s.in), 3);
	close(fds[1]);
	world_stop(&f);
}

static void
reset_is_noticed_while_paused(void **state)
{
	struct world f;

	(void)state;
	world_start(&f, 1024);
	buf_puts(&f.s.out, "never read");
	stream_flush(&f.s);
	stream_pause(&f.s);
	peer_close(&f);
	wait_for(&f, is_closed);
	assert_int_equal(f.s.error, 0);
	stream_resume(&f.s);
	assert_int_equal(f.s.error, -ECONNRESET);
	world_stop(&f);
}

static void
closing_is_noticed_at_the_limit_of_input(void **state)
{
	struct world f;

	(void)state;
	world_start(&f, 4);
	assert_int_equal(write(f.peer, "123456", 6), 6);
	wait_for(&f, has_input);
	assert_int_equal(buf_len(&f.s.in), 4);
	peer_close(&f);
	wait_for(&f, is_closed);
	assert_false(f.s.eof);
	buf_consume(&f.s.in, 4);
	stream_read_on(&f.s);
	assert_memory_equal(buf_bytes(&f.s.in), "56", 2);
	wait_for(&f, has_end);
	world_stop(&f);
}

static void
writing_to_nobody_is_an_error_and_no_signal(void **state)
{
	struct world f;

	(void)state;
	(void)signal(SIGPIPE, SIG_DFL);
	world_start(&f, 1024);
	peer_close(&f);
	buf_puts(&f.s.out, "hello?");
	stream_flush(&f.s);
	assert_int_equal(f.s.error, -EPIPE);
	assert_true(stream_flushed(&f.s));
	assert_true(f.s.closed);
	wait_for(&f, has_error);
	world_stop(&f);
}

static void
descriptor_that_cannot_be_watched_is_closed(void **state)
{
	char name[] = "/tmp/jobd-stream-XXXXXX";
	struct world f;
	struct stream s;
	int fd;

	(void)state;
	world_start(&f, 1024);
	fd = mkstemp(name);
	assert_true(fd >= 0);
	unlink(name);
	assert_int_equal(stream_start(&s, f.l, fd, 10, NULL), -EPERM);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	stream_stop(&s);
	assert_int_equal(f.l->watches, 1);
	world_stop(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_and_go),
		cmocka_unit_test(end_behind_the_last_bytes_is_seen),
		cmocka_unit_test(end_of_a_pipe_is_seen),
		cmocka_unit_test(limit_of_input_is_kept),
		cmocka_unit_test(big_reader_gives_others_their_turn),
		cmocka_unit_test(big_output_goes_as_the_peer_takes_it),
		cmocka_unit_test(output_goes_through_a_pipe),
		cmocka_unit_test(pause_hides_data_but_not_closing),
		cmocka_unit_test(data_does_not_wake_a_paused_streams_task),
		cmocka_unit_test(reset_is_noticed_while_paused),
		cmocka_unit_test(closing_is_noticed_at_the_limit_of_input),
		cmocka_unit_test(writing_to_nobody_is_an_error_and_no_signal),
		cmocka_unit_test(descriptor_that_cannot_be_watched_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
