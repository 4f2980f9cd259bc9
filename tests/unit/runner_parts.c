/*
 * runner_parts: the small parts of the runner: the thread of the disk, files of variables,
 * lines of progress, reasons; and output while the disk stands still.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/engine/loop.h"
#include "daemon/runner/envfile.h"
#include "daemon/runner/outread.h"
#include "daemon/runner/runner.h"
#include "proto/json.h"
#include "proto/mem.h"

/* ---- the thread of the disk ---- */

#define OPS 1000

struct world {
	struct runner		 runner;	/* its task is the root */
	struct disk_op		 ops[OPS];
	struct attempt		*attempt;	/* of a command that is a pipe */
	int			 pipe[OUTPUT_COUNT];
	pthread_mutex_t		 hold;		/* while it is held the disk stands still */
	struct disk_op		 stuck;
	int			 order[OPS];	/* in which they were done */
	size_t			 n;
	size_t			 left;		/* tests have a use for it */
	void			(*act)(struct world *w);
	bool			(*over)(struct world *w);
};

static struct world *the_world;

static void
note(struct disk_op *op)
{
	the_world->order[the_world->n++] = (int)(op - the_world->ops);
}

static void
wait_for_hold(struct disk_op *op)
{
	struct world *w = container_of(op, struct world, stuck);

	pthread_mutex_lock(&w->hold);
	pthread_mutex_unlock(&w->hold);
}

static enum task_status
root_step(struct task *t)
{
	struct world *w = container_of(t, struct world, runner.task);

	TASK_BEGIN(t);
	w->act(w);
	AWAIT(t, w->over(w));
	TASK_END(t, 0);
}

static const struct task_kind root_kind = { .name = "test", .step = root_step };

static void
run_world(struct world *w)
{
	the_world = w;
	w->runner.loop = loop_new(LOOP_REAL);
	assert_non_null(w->runner.loop);
	assert_int_equal(disk_start(&w->runner.disk, w->runner.loop), 0);
	task_start_root(&w->runner.task, &root_kind, w->runner.loop);
	assert_int_equal(loop_run(w->runner.loop), 0);
	disk_stop(&w->runner.disk);
	loop_free(w->runner.loop);
}

static void
submit_all(struct world *w)
{
	/* While the first one is being done, all others are there: then class decides. */
	pthread_mutex_lock(&w->hold);
	disk_submit(&w->runner.disk, DISK_OUTPUT, &w->stuck, wait_for_hold, &w->runner.task);
	for (int i = 0; i < OPS; i++)
		disk_submit(&w->runner.disk, i % 2 == 0 ? DISK_OUTPUT : DISK_RECORD, &w->ops[i],
		    note, &w->runner.task);
	pthread_mutex_unlock(&w->hold);
}

static bool
all_done(struct world *w)
{
	for (int i = 0; i < OPS; i++)
		if (w->ops[i].lent)
			return false;
	return !w->stuck.lent;
}

/* One op is being done, another comes when the thread is to rest. */
static void
hold_with_one_under_way(struct world *w)
{
	pthread_mutex_lock(&w->hold);
	disk_submit(&w->runner.disk, DISK_OUTPUT, &w->stuck, wait_for_hold, &w->runner.task);
	disk_hold(&w->runner.disk, &w->runner.task);
	disk_submit(&w->runner.disk, DISK_RECORD, &w->ops[0], note, &w->runner.task);
	assert_false(disk_rests(&w->runner.disk));
	pthread_mutex_unlock(&w->hold);
}

static bool
rested_and_went_on(struct world *w)
{
	if (disk_rests(&w->runner.disk)) {
		assert_false(w->stuck.lent);
		assert_true(w->ops[0].lent);
		assert_int_equal(w->n, 0);
		disk_go_on(&w->runner.disk);
		w->left = 1;
	}
	return w->left == 1 && !w->ops[0].lent;
}

static void
held_the_disk_ends_what_it_has_and_begins_nothing(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	(void)state;
	pthread_mutex_init(&w->hold, NULL);
	w->act = hold_with_one_under_way;
	w->over = rested_and_went_on;
	run_world(w);
	assert_int_equal(w->n, 1);
	pthread_mutex_destroy(&w->hold);
	free(w);
}

static void
records_go_before_output_and_each_in_its_order(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	int last[2] = { -1, -1 };
	size_t first_output = OPS;

	(void)state;
	pthread_mutex_init(&w->hold, NULL);
	w->act = submit_all;
	w->over = all_done;
	run_world(w);
	assert_int_equal(w->n, OPS);
	for (size_t i = 0; i < OPS; i++) {
		assert_true(w->order[i] > last[w->order[i] % 2]);
		last[w->order[i] % 2] = w->order[i];
		if (w->order[i] % 2 == 0 && first_output == OPS)
			first_output = i;
	}
	/* The thread may have been at the first of them before the last was asked. */
	assert_true(first_output >= OPS / 2 - 1);
	pthread_mutex_destroy(&w->hold);
	free(w);
}

/* ---- output while the disk stands still ---- */

static char directory[64];

static enum task_status
attempt_stand_in_step(struct task *t)
{
	struct attempt *a = container_of(t, struct attempt, task);

	TASK_BEGIN(t);
	AWAIT(t, task_done(&a->output.task));
	TASK_END(t, 0);
}

static const struct task_kind attempt_stand_in = { .name = "attempt", .step = attempt_stand_in_step };

static void
write_pipe(struct world *w, const char *text, size_t n)
{
	assert_int_equal(write(w->pipe[OUTPUT_STDOUT], text, n), n);
}

/* The command is this process, and the disk is held. */
static void
begin_stalled(struct world *w)
{
	int ours[OUTPUT_COUNT], p[2];

	w->runner.output_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(w->runner.output_fd >= 0);
	w->attempt = xcalloc(1, sizeof(*w->attempt));
	w->attempt->runner = &w->runner;
	w->attempt->exit.job = w->attempt->exit.run = w->attempt->exit.attempt = 1;
	for (int i = 0; i < OUTPUT_COUNT; i++) {
		assert_int_equal(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
		ours[i] = p[0];
		w->pipe[i] = p[1];
	}
	pthread_mutex_lock(&w->hold);
	disk_submit(&w->runner.disk, DISK_OUTPUT, &w->stuck, wait_for_hold, &w->runner.task);
	task_start(&w->attempt->task, &attempt_stand_in, &w->runner.task);
	output_start(&w->attempt->output, w->attempt, ours, 1 << 20);
	write_pipe(w, "first\n", 6);
}

/* Far more than the budget of one run is taken and dropped, then the disk goes on. */
static bool
is_held_up_for_a_moment_only(struct world *w)
{
	static char bytes[4096];
	ssize_t n;

	memset(bytes, 'x', sizeof(bytes));
	while (w->left > 0 && (n = write(w->pipe[OUTPUT_STDOUT], bytes, sizeof(bytes))) > 0)
		w->left -= (size_t)n < w->left ? (size_t)n : w->left;
	if (w->left > 0)
		return false;
	if (w->pipe[OUTPUT_STDERR] >= 0) {
		pthread_mutex_unlock(&w->hold);
		close(w->pipe[OUTPUT_STDERR]);
		close(w->pipe[OUTPUT_STDOUT]);
		w->pipe[OUTPUT_STDERR] = -1;
	}
	return task_done(&w->attempt->output.task) && !w->stuck.lent;
}

/* Looks again and again; on the loop, which so must not stand still. */
static enum task_status
looker_step(struct task *t)
{
	struct world *w = the_world;

	TASK_BEGIN(t);
	while (!is_held_up_for_a_moment_only(w)) {
		SLEEP_UNTIL(t, loop_now(t->loop) + USEC_MSEC);
		if (t->err == -ECANCELED)
			break;
	}
	task_wake(&w->runner.task);
	TASK_END(t, 0);
}

static const struct task_kind looker_kind = { .name = "looker", .step = looker_step };
static struct task looker;

static void
begin_stalled_and_look(struct world *w)
{
	begin_stalled(w);
	task_start(&looker, &looker_kind, &w->runner.task);
}

static bool
looked(struct world *w)
{
	return w->left == 0 && task_done(&looker);
}

static void
a_stalled_disk_costs_output_not_the_command(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct outread r = { .of = { 1, 1, 1 }, .tail = -1, .stream = -1, .fd = -1 };
	const struct cJSON *c;
	int64_t omitted = 0;
	char folder[80];

	(void)state;
	(void)snprintf(directory, sizeof(directory), "/tmp/runner_parts.XXXXXX");
	assert_non_null(mkdtemp(directory));
	pthread_mutex_init(&w->hold, NULL);
	w->left = 4 << 20;
	w->act = begin_stalled_and_look;
	w->over = looked;
	run_world(w);

	assert_true(w->attempt->output.kept >= 6);
	r.folder = w->runner.output_fd;
	do {
		outread_slice(&r);
		for (c = json_first(r.chunks); c != NULL; c = json_next(c))
			omitted += json_get_int(c, "omittedBytes", 0);
		json_free(r.chunks);
		r.chunks = NULL;
	} while (r.moved);
	assert_int_equal(omitted + w->attempt->output.kept, 6 + (4 << 20));
	assert_true(omitted > 3 << 20);
	outread_done(&r);
	close(w->runner.output_fd);
	free(w->attempt);
	pthread_mutex_destroy(&w->hold);
	free(w);
	(void)snprintf(folder, sizeof(folder), "rm -rf %s", directory);
	assert_int_equal(system(folder), 0);
}

/* ---- files of variables ---- */

static void
parsed(const char *text, const char *wanted)
{
	struct strings e = { 0 };
	struct buf all = { 0 };
	char *why;

	strings_add(&e, "STRONG=as it was");
	strings_add(&e, "WEAK=as it was");
	why = envfile_parse("f", text, &e, 1);
	assert_null(why);
	for (size_t i = 0; i < e.n; i++)
		buf_printf(&all, "%s\n", e.items[i]);
	assert_string_equal(buf_string(&all), wanted);
	buf_done(&all);
	strings_done(&e);
}

static void
refused(const char *text, const char *wanted)
{
	struct strings e = { 0 };
	char *why = envfile_parse("f", text, &e, 0);

	assert_non_null(why);
	assert_non_null(strstr(why, wanted));
	free(why);
	strings_done(&e);
}

static void
variables_are_read_as_systemd_has_them(void **state)
{
	(void)state;
	parsed("", "STRONG=as it was\nWEAK=as it was\n");
	parsed("STRONG=x\nWEAK=y\n", "STRONG=as it was\nWEAK=y\n");
	parsed("# A=1\n; A=2\n\n  \nA=3", "STRONG=as it was\nWEAK=as it was\nA=3\n");
	parsed("A=a b  \nB=\nexport C=c\r\n", "STRONG=as it was\nWEAK=as it was\nA=a b\nB=\nC=c\n");
	parsed("A='a \\ $b'\nB=\"q\\\"\\$ \\n\"\n",
	    "STRONG=as it was\nWEAK=as it was\nA=a \\ $b\nB=q\"$ \\n\n");
	parsed("A=one\\\ntwo\nA=later\n", "STRONG=as it was\nWEAK=as it was\nA=later\n");
	parsed("A=\"two\nlines \" \n", "STRONG=as it was\nWEAK=as it was\nA=two\nlines \n");
	parsed("A=it's#no comment\n", "STRONG=as it was\nWEAK=as it was\nA=it's#no comment\n");
	refused("A=1\nno variable\n", "f:2: must be NAME=value");
	refused("1A=1\n", "f:1: must be NAME=value");
	refused("A = 1\n", "f:1: must be NAME=value");
	refused("\nA='open\n", "f:2: a quote is not closed");
}

/* ---- progress ---- */

static void
says(const char *line, int64_t wanted, const char *wanted_text)
{
	int64_t percent = -1;
	char *text = NULL;

	if (wanted < 0) {
		assert_false(progress_parse(line, strlen(line), &percent, &text));
		return;
	}
	assert_true(progress_parse(line, strlen(line), &percent, &text));
	assert_int_equal(percent, wanted);
	if (wanted_text == NULL)
		assert_null(text);
	else
		assert_string_equal(text, wanted_text);
	free(text);
}

static void
progress_is_a_number_and_perhaps_a_text(void **state)
{
	char line[1000] = "7 ";

	(void)state;
	says("42% copying files", 42, "copying files");
	says("42 copying files", 42, "copying files");
	says("  100%", 100, NULL);
	says("0", 0, NULL);
	says("99.9% almost \r", 99, "almost");
	says("101%", -1, NULL);
	says("99999999999999999999", -1, NULL);
	says("42copying", -1, NULL);
	says("half", -1, NULL);
	says("", -1, NULL);
	says("-1", -1, NULL);
	says("5 \xff", 5, NULL);
	/* A long text is cut, but no character of it. */
	for (int i = 0; i < 300; i++)
		strcat(line, "\xc3\xa4");
	{
		int64_t percent;
		char *text;

		assert_true(progress_parse(line, strlen(line), &percent, &text));
		assert_int_equal(strlen(text), PROGRESS_TEXT_MAX);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(held_the_disk_ends_what_it_has_and_begins_nothing),
		cmocka_unit_test(records_go_before_output_and_each_in_its_order),
		cmocka_unit_test(a_stalled_disk_costs_output_not_the_command),
		cmocka_unit_test(variables_are_read_as_systemd_has_them),
		cmocka_unit_test(progress_is_a_number_and_perhaps_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
