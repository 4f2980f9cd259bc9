/*
 * What flight.h promises: the latest is kept, in the order in which it came; a file has what was noted; one that is
 * damaged is refused; whoever aborts leaves one behind.
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/base/must.h"
#include "daemon/engine/flight.h"
#include "daemon/engine/watch.h"
#include "proto/mem.h"

struct fixture {
	struct loop		*l;
	char			 folder[64];
	char			*path;
	struct flight_file	 file;
};

static int
open_fixture(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	strcpy(f->folder, "/tmp/jobd-flight.XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	f->path = xasprintf("%s/record", f->folder);
	f->l = loop_new(LOOP_REAL);
	assert_non_null(f->l);
	assert_non_null(flight_start(f->l));
	*state = f;
	return 0;
}

static int
close_fixture(void **state)
{
	static const char *const names[] = { "record", FLIGHT_ABORT_NAME, FLIGHT_ABORT_NAME ".old" };
	struct fixture *f = *state;

	flight_file_done(&f->file);
	loop_free(f->l);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = xasprintf("%s/%s", f->folder, names[i]);

		(void)unlink(path);
		free(path);
	}
	assert_int_equal(rmdir(f->folder), 0);
	free(f->path);
	free(f);
	return 0;
}

static void
write_file(struct fixture *f)
{
	int fd = open(f->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(flight_write(f->l->flight, fd, "1.2.3", "a test"), 0);
	close(fd);
}

static void
read_file(struct fixture *f, const char *path)
{
	char error[FLIGHT_ERROR_MAX] = "";

	flight_file_done(&f->file);
	if (flight_read(&f->file, path, error) < 0)
		fail_msg("%s", error);
}

static void
note(struct fixture *f, int64_t a)
{
	flight_note(f->l, FLIGHT_DECISIONS, FLIGHT_EXIT, 7, 8, a, 2);
}

static void
what_was_noted_is_in_the_file(void **state)
{
	struct fixture *f = *state;
	const struct flight_cell *c;
	uint64_t at = 0;

	note(f, 41);
	flight_note_more(f->l, FLIGHT_DECISIONS, &(struct flight_cell){ .what = FLIGHT_SKIP, .a = 42 }, 1, 2, 3);
	write_file(f);
	read_file(f, f->path);

	assert_string_equal(f->file.header.program, "1.2.3");
	assert_string_equal(f->file.header.reason, "a test");
	c = flight_record(&f->file, FLIGHT_DECISIONS, &at);
	assert_int_equal(c->what, FLIGHT_BEGIN);
	c = flight_record(&f->file, FLIGHT_DECISIONS, &at);
	assert_int_equal(c->what, FLIGHT_EXIT);
	assert_int_equal(c->a, 41);
	assert_int_equal(c->n, 7);
	c = flight_record(&f->file, FLIGHT_DECISIONS, &at);
	assert_int_equal(c->what, FLIGHT_SKIP);
	assert_int_equal(c[1].more[2], 3);
	assert_null(flight_record(&f->file, FLIGHT_DECISIONS, &at));
}

static void
the_latest_are_kept_and_the_lost_are_counted(void **state)
{
	struct fixture *f = *state;
	const struct flight_cell *c;
	uint64_t at = 0, n = 0;

	for (int64_t i = 1; i <= 2 * FLIGHT_CELLS + 5; i++)
		note(f, i);
	write_file(f);
	read_file(f, f->path);

	assert_int_equal(f->file.header.rings[FLIGHT_DECISIONS].cells, FLIGHT_CELLS);
	assert_int_equal(f->file.header.rings[FLIGHT_DECISIONS].lost, FLIGHT_CELLS + 6);
	while ((c = flight_record(&f->file, FLIGHT_DECISIONS, &at)) != NULL)
		assert_int_equal(c->a, FLIGHT_CELLS + 6 + (int64_t)n++);
	assert_int_equal(n, FLIGHT_CELLS);
}

static void
a_record_whose_beginning_was_overwritten_is_passed_over(void **state)
{
	struct fixture *f = *state;
	const struct flight_cell *c;
	uint64_t at = 0;

	flight_note_more(f->l, FLIGHT_JOBS, &(struct flight_cell){ .what = FLIGHT_LINE, .a = 1 }, 1, 2, 3);
	for (int i = 0; i < FLIGHT_CELLS - 1; i++)
		flight_note(f->l, FLIGHT_JOBS, FLIGHT_LINE, 0, 0, 99, 0);
	write_file(f);
	read_file(f, f->path);

	assert_int_equal(f->file.cells[FLIGHT_JOBS][0].what, FLIGHT_MORE);
	c = flight_record(&f->file, FLIGHT_JOBS, &at);
	assert_int_equal(c->a, 99);
	assert_int_equal(at, 2);
}

static void
texts_come_back_as_they_were(void **state)
{
	static const char *const texts[] = { "{\"cron\":\"*/5 * * * *\",\"zone\":\"Europe/Berlin\"}", NULL, "exactly twenty-three by", "" };
	const int64_t numbers[2][3] = { { 1, 2, 3 }, { 4, 5, 6 } };
	struct fixture *f = *state;
	const struct flight_cell *c;
	char text[64], small[8];
	uint64_t at = 0;

	(void)flight_note_texts(f->l, FLIGHT_JOBS, &(struct flight_cell){ .what = FLIGHT_JOB, .a = 12 }, numbers, 2, texts, 4);
	write_file(f);
	read_file(f, f->path);

	c = flight_record(&f->file, FLIGHT_JOBS, &at);
	assert_int_equal(c->a, 12);
	assert_int_equal(c[2].more[1], 5);
	assert_true(flight_text(c, 2, 0, text, sizeof(text)));
	assert_string_equal(text, texts[0]);
	assert_true(flight_text(c, 2, 1, text, sizeof(text)));
	assert_string_equal(text, "");
	assert_true(flight_text(c, 2, 2, text, sizeof(text)));
	assert_string_equal(text, texts[2]);
	assert_true(flight_text(c, 2, 3, text, sizeof(text)));
	assert_string_equal(text, "");
	assert_false(flight_text(c, 2, 0, small, sizeof(small)));
}

static void
a_text_without_an_end_is_cut_and_says_so(void **state)
{
	struct fixture *f = *state;
	char *text = xmalloc(10001);
	const char *const texts[] = { text };
	const struct flight_cell *c;
	uint64_t at = 0;

	memset(text, 'x', 10000);
	text[10000] = '\0';
	(void)flight_note_texts(f->l, FLIGHT_JOBS, &(struct flight_cell){ .what = FLIGHT_JOB }, NULL, 0, texts, 1);
	write_file(f);
	read_file(f, f->path);
	free(text);

	c = flight_record(&f->file, FLIGHT_JOBS, &at);
	assert_int_equal(c->cells, FLIGHT_RECORD_MAX);
	assert_true(c->kind & FLIGHT_CUT);
}

static void
what_is_about_to_be_overwritten_is_put_at_the_end_again(void **state)
{
	static const char *const texts[] = { "its schedule, which is longer than a cell" };
	struct fixture *f = *state;
	uint64_t place, again, at = 0;
	const struct flight_cell *c, *last = NULL;
	char text[64];

	place = flight_note_texts(f->l, FLIGHT_JOBS, &(struct flight_cell){ .what = FLIGHT_JOB, .a = 12 }, NULL, 0, texts, 1);
	assert_int_equal(flight_renew(f->l, FLIGHT_JOBS, place), place);
	for (int i = 0; i < FLIGHT_CELLS * 3 / 4; i++)
		flight_note(f->l, FLIGHT_JOBS, FLIGHT_LINE, 0, 0, 99, 0);
	again = flight_renew(f->l, FLIGHT_JOBS, place);
	assert_true(again > place);
	for (int i = 0; i < FLIGHT_CELLS / 2; i++)
		flight_note(f->l, FLIGHT_JOBS, FLIGHT_LINE, 0, 0, 99, 0);
	write_file(f);
	read_file(f, f->path);

	while ((c = flight_record(&f->file, FLIGHT_JOBS, &at)) != NULL)
		last = c->what == FLIGHT_JOB ? c : last;
	assert_non_null(last);
	assert_true(flight_text(last, 0, 0, text, sizeof(text)));
	assert_string_equal(text, texts[0]);
}

/* ---- what the loop notes ---- */

struct sleeper {
	struct task	task;
	usec_t		until;
	struct watch	watch;
	int		fds[2];
};

static enum task_status
sleeper_step(struct task *t)
{
	struct sleeper *s = container_of(t, struct sleeper, task);

	TASK_BEGIN(t);
	SLEEP_UNTIL(t, loop_now(t->loop) + 1000);
	assert_int_equal(pipe2(s->fds, O_NONBLOCK | O_CLOEXEC), 0);
	assert_int_equal(watch_start(&s->watch, t->loop, s->fds[0], WATCH_READ, t), 0);
	assert_int_equal(write(s->fds[1], "x", 1), 1);
	AWAIT(t, s->watch.readable);
	watch_stop(&s->watch);
	close(s->fds[0]);
	close(s->fds[1]);
	TASK_END(t, 0);
}

static const struct task_kind sleeper_kind = { .name = "a sleeper", .step = sleeper_step };

static void
timers_and_readiness_are_inputs(void **state)
{
	struct fixture *f = *state;
	struct sleeper s = { .until = 0 };
	const struct flight_cell *c;
	uint64_t at = 0;

	task_start_root(&s.task, &sleeper_kind, f->l);
	assert_int_equal(loop_run(f->l), 0);
	write_file(f);
	read_file(f, f->path);

	c = flight_record(&f->file, FLIGHT_INPUTS, &at);
	assert_int_equal(c->what, FLIGHT_TIMER);
	assert_int_equal(c->n, 1);
	assert_string_equal(flight_kind_name(&f->file, c->kind), "a sleeper");
	assert_true(c->at >= c->a);
	c = flight_record(&f->file, FLIGHT_INPUTS, &at);
	assert_int_equal(c->what, FLIGHT_READY);
	assert_int_equal(c->a, s.fds[0]);
	assert_int_equal(c->b, WATCH_READ);
	assert_string_equal(flight_kind_name(&f->file, c->kind), "a sleeper");
}

/* ---- files that are none ---- */

static void
refuse(struct fixture *f, const char *words)
{
	char error[FLIGHT_ERROR_MAX] = "";

	assert_true(flight_read(&f->file, f->path, error) < 0);
	if (strstr(error, words) == NULL)
		fail_msg("'%s' does not say '%s'", error, words);
}

static void
patch(struct fixture *f, size_t at, const void *data, size_t n)
{
	int fd = open(f->path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, n, (off_t)at), n);
	close(fd);
}

static void
what_is_no_record_is_refused_with_the_reason(void **state)
{
	struct fixture *f = *state;
	const uint32_t other = 77, order = 0x04030201;
	const uint64_t many = UINT64_MAX / 8;

	refuse(f, "No such file");
	write_file(f);
	patch(f, 0, "JOBDXXX\n", 8);
	refuse(f, "no flight record");
	write_file(f);
	patch(f, offsetof(struct flight_header, version), &other, sizeof(other));
	refuse(f, "another version");
	write_file(f);
	patch(f, offsetof(struct flight_header, order), &order, sizeof(order));
	refuse(f, "another order of bytes");
	write_file(f);
	patch(f, offsetof(struct flight_header, rings) + sizeof(many), &many, sizeof(many));
	refuse(f, "damaged");
	write_file(f);
	assert_int_equal(truncate(f->path, sizeof(struct flight_header) + 1), 0);
	refuse(f, "damaged");
	assert_int_equal(truncate(f->path, 0), 0);
	refuse(f, "no flight record");
}

/* Whatever stands in the cells, reading them ends and stays inside. */
static void
garbage_in_cells_is_passed_over(void **state)
{
	struct fixture *f = *state;
	uint64_t n = 0, at = 0;
	unsigned seed = 1;
	char text[32];
	const struct flight_cell *c;

	for (int i = 0; i < 1000; i++)
		note(f, i);
	write_file(f);
	for (size_t i = 0; i < 1000 * sizeof(struct flight_cell); i++) {
		char byte = (char)(rand_r(&seed) >> 8);

		patch(f, sizeof(struct flight_header) + i, &byte, 1);
	}
	read_file(f, f->path);

	while ((c = flight_record(&f->file, FLIGHT_DECISIONS, &at)) != NULL) {
		(void)flight_text(c, 1, 0, text, sizeof(text));
		n++;
	}
	assert_true(n <= 1001);
}

/* ---- who aborts ---- */

static pid_t
child_begin(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = open("/dev/null", O_WRONLY);

		(void)dup2(fd, STDERR_FILENO);
		(void)signal(SIGABRT, SIG_DFL);
	}
	return pid;
}

static void
child_aborts(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static const struct flight_cell *
last_decision(struct fixture *f)
{
	const struct flight_cell *c, *last = NULL;
	uint64_t at = 0;

	while ((c = flight_record(&f->file, FLIGHT_DECISIONS, &at)) != NULL)
		last = c;
	return last;
}

static void
a_failed_must_leaves_a_record_with_the_reason(void **state)
{
	struct fixture *f = *state;
	char *path = xasprintf("%s/" FLIGHT_ABORT_NAME, f->folder);
	pid_t pid = child_begin();
	struct stat st;

	if (pid == 0) {
		flight_on_abort(f->l, f->folder, "1.2.3");
		note(f, 4711);
		must_fail("the moon is round", "sky.c", 12, "look");
	}
	child_aborts(pid);
	read_file(f, path);

	assert_non_null(strstr(f->file.header.reason, "MUST failed: the moon is round, sky.c:12"));
	assert_int_equal(f->file.header.pid, pid);
	assert_int_equal(last_decision(f)->a, 4711);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	free(path);
}

static void
a_signal_leaves_one_and_the_one_before_is_kept(void **state)
{
	struct fixture *f = *state;
	char *path = xasprintf("%s/" FLIGHT_ABORT_NAME, f->folder), *old = xasprintf("%s.old", path);

	for (int i = 0; i < 3; i++) {
		pid_t pid = child_begin();

		if (pid == 0) {
			flight_on_abort(f->l, f->folder, "1.2.3");
			note(f, i);
			(void)kill(getpid(), SIGABRT);
			_exit(0);
		}
		child_aborts(pid);
	}

	read_file(f, path);
	assert_string_equal(f->file.header.reason, "SIGABRT");
	assert_int_equal(last_decision(f)->a, 2);
	read_file(f, old);
	assert_int_equal(last_decision(f)->a, 1);
	free(old);
	free(path);
}

/* What is told last is read from what may be broken. */
static void
tell_and_fall(void *context, struct flight_out *out)
{
	(void)context;
	(void)flight_tell(out, &(struct flight_cell){ .what = FLIGHT_NOW_JOB, .cells = 1 });
	(void)signal(SIGSEGV, SIG_DFL);
	(void)raise(SIGSEGV);
}

static void
a_record_is_good_also_when_what_there_is_cannot_be_read(void **state)
{
	struct fixture *f = *state;
	char *new = xasprintf("%s/" FLIGHT_ABORT_NAME ".new", f->folder);
	char *path = xasprintf("%s/" FLIGHT_ABORT_NAME, f->folder);
	pid_t pid = child_begin();
	int status;

	if (pid == 0) {
		flight_on_abort(f->l, f->folder, "1.2.3");
		f->l->flight->present = tell_and_fall;
		note(f, 5);
		abort();
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* The next one puts it in its place. */
	flight_on_abort(f->l, f->folder, "1.2.3");
	(void)signal(SIGABRT, SIG_DFL);
	assert_int_equal(access(new, F_OK), -1);
	read_file(f, path);
	assert_int_equal(last_decision(f)->a, 5);
	free(new);
	free(path);
}

/* As of a list that has become a circle. */
static void
tell_without_end(void *context, struct flight_out *out)
{
	(void)context;
	while (flight_tell(out, &(struct flight_cell){ .what = FLIGHT_NOW_JOB, .cells = 1, .a = 7 }))
		;
}

static void
what_there_is_may_have_no_end(void **state)
{
	struct fixture *f = *state;
	char *path = xasprintf("%s/" FLIGHT_ABORT_NAME, f->folder);
	pid_t pid = child_begin();
	size_t size;

	if (pid == 0) {
		flight_on_abort(f->l, f->folder, "1.2.3");
		f->l->flight->present = tell_without_end;
		note(f, 6);
		abort();
	}
	child_aborts(pid);
	read_file(f, path);
	assert_int_equal(last_decision(f)->a, 6);
	assert_int_equal(f->file.present_n, FLIGHT_PRESENT_MAX);
	assert_int_equal(f->file.present[FLIGHT_PRESENT_MAX - 1].a, 7);
	/* Nor does the copy for who asks. */
	f->l->flight->present = tell_without_end;
	free(flight_copy(f->l->flight, "1.2.3", "a test", &size));
	f->l->flight->present = NULL;
	assert_true(size < FLIGHT_PRESENT_MAX * sizeof(struct flight_cell));
	free(path);
}

/* Says how long it may take, and is out of time. */
static void
tell_too_slowly(void *context, struct flight_out *out)
{
	(void)context;
	if (alarm(0) != FLIGHT_ABORT_SECONDS)
		_exit(1);
	(void)flight_tell(out, &(struct flight_cell){ .what = FLIGHT_NOW_JOB, .cells = 1 });
	(void)raise(SIGALRM);
	_exit(2);
}

static void
what_takes_too_long_is_ended_by_an_alarm(void **state)
{
	struct fixture *f = *state;
	char *new = xasprintf("%s/" FLIGHT_ABORT_NAME ".new", f->folder);
	pid_t pid = child_begin();
	sigset_t all;
	int status;

	if (pid == 0) {
		(void)signal(SIGALRM, SIG_IGN);
		(void)sigfillset(&all);
		(void)sigdelset(&all, SIGABRT);
		(void)sigprocmask(SIG_BLOCK, &all, NULL);
		flight_on_abort(f->l, f->folder, "1.2.3");
		f->l->flight->present = tell_too_slowly;
		abort();
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGALRM);
	assert_int_equal(unlink(new), 0);
	free(new);
}

static void
nothing_is_noted_where_nothing_is_recorded(void **state)
{
	struct loop *l = loop_new(LOOP_VIRTUAL);

	(void)state;
	flight_note(l, FLIGHT_INPUTS, FLIGHT_TIMER, 1, 0, 0, 0);
	assert_int_equal(flight_note_texts(l, FLIGHT_JOBS, &(struct flight_cell){ .what = FLIGHT_JOB }, NULL, 0, NULL, 0),
	    UINT64_MAX);
	loop_free(l);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_noted_is_in_the_file),
		TEST(the_latest_are_kept_and_the_lost_are_counted),
		TEST(a_record_whose_beginning_was_overwritten_is_passed_over),
		TEST(texts_come_back_as_they_were),
		TEST(a_text_without_an_end_is_cut_and_says_so),
		TEST(what_is_about_to_be_overwritten_is_put_at_the_end_again),
		TEST(timers_and_readiness_are_inputs),
		TEST(what_is_no_record_is_refused_with_the_reason),
		TEST(garbage_in_cells_is_passed_over),
		TEST(a_failed_must_leaves_a_record_with_the_reason),
		TEST(a_signal_leaves_one_and_the_one_before_is_kept),
		TEST(a_record_is_good_also_when_what_there_is_cannot_be_read),
		TEST(what_there_is_may_have_no_end),
		TEST(what_takes_too_long_is_ended_by_an_alarm),
		cmocka_unit_test(nothing_is_noted_where_nothing_is_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
