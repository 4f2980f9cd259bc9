/*
 * exec_gone: a runner that goes at the worst moment.  It is played by a task on the same loop, so that what
 * it says and when it hangs up have one order every time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/engine/loop.h"
#include "daemon/exec/executors.h"
#include "daemon/exec/runner.h"
#include "proto/mem.h"

/* No test waits so long unless something is wrong. */
#define GUARD	(20 * USEC_SEC)
#define LOOK	USEC_MSEC

#define DESCRIBED "{\"parameters\":{\"protocol\":%d,\"version\":\"0\",\"pid\":1,\"since\":\"%s\",\"running\":0}}"
#define COMPLETE "{\"parameters\":{\"complete\":true},\"continues\":true}"
#define STARTED "{\"parameters\":{\"running\":{\"job\":1,\"run\":1,\"attempt\":1,\"pid\":4711," \
	"\"spawnedAt\":\"2030-01-01T00:00:00Z\"}}}"

/* The runner that is played: it takes what comes on its two connections. */
struct played {
	struct task	 task;
	int		 door;
	int		 calls, watch;		/* connections; -1: not yet */
	int		 life;
	int		 starts;
	void		(*on_start)(struct played *p);
	bool		 mute;			/* hangs up instead of saying who it is */
};

struct world {
	struct task	 root;
	struct played	 played;
	struct runner	*runner;
	struct exec_world exec;
	struct exec	*e;
	struct job_spec	 spec;
	struct command_spec command;
	struct run_info	 run;
	char		 trouble[192];
	int		 looks;
	bool		 adopt;
};

static char folder[64];

static void
say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text) + 1, MSG_NOSIGNAL), strlen(text) + 1);
}

static void
hang_up(int *fd)
{
	close(*fd);
	*fd = -1;
}

/* One message that has come, or none. */
static void
answer(struct played *p, int fd)
{
	char text[65536], reply[512];
	ssize_t n = fd < 0 ? -1 : recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	if (n <= 0)
		return;
	text[n] = '\0';
	if (p->mute) {
		hang_up(&p->calls);
		hang_up(&p->watch);
	} else if (strstr(text, "Describe") != NULL) {
		/* Each life begins later: who was begun by one before is lost. */
		(void)snprintf(reply, sizeof(reply), DESCRIBED, RUNNER_PROTOCOL,
		    p->life == 1 ? "2029-01-01T00:00:00Z" : "2031-01-01T00:00:00Z");
		say(fd, reply);
	} else if (strstr(text, "Watch") != NULL) {
		say(fd, COMPLETE);
	} else if (strstr(text, "Start") != NULL) {
		p->starts++;
		p->on_start(p);
	}
}

static enum task_status
played_step(struct task *t)
{
	struct played *p = container_of(t, struct played, task);
	int *fd;

	TASK_BEGIN(t);

	for (;;) {
		SLEEP_UNTIL(t, loop_now(t->loop) + LOOK);
		if (t->err == -ECANCELED)
			break;
		/* The first connection is for calls. */
		fd = p->calls < 0 ? &p->calls : &p->watch;
		if (*fd < 0)
			*fd = accept4(p->door, NULL, NULL, SOCK_CLOEXEC);
		if (fd == &p->calls && *fd >= 0)
			p->life++;
		answer(p, p->calls);
		answer(p, p->watch);
	}
	TASK_END(t, 0);
}

static const struct task_kind played_kind = { .name = "played", .step = played_step };

/* Somebody who waits for the runner could be told why. */
static bool
has_trouble(struct world *w)
{
	(void)snprintf(w->trouble, sizeof(w->trouble), "%s", runner_trouble(w->runner));
	return w->trouble[0] != '\0';
}

static enum task_status
root_step(struct task *t)
{
	struct world *w = container_of(t, struct world, root);

	TASK_BEGIN(t);

	task_start(&w->played.task, &played_kind, t);
	runner_start(w->runner, t);
	task_start(&w->e->task, executor_command.kind, t);
	AWAIT_UNTIL(t, loop_now(t->loop) + GUARD, !task_alive(&w->e->task) || w->played.mute);
	t->result = t->err;
	for (w->looks = 0; w->played.mute && !has_trouble(w) && w->looks < GUARD / LOOK; w->looks++)
		SLEEP_UNTIL(t, loop_now(t->loop) + LOOK);
	TASK_END(t, t->result);
}

static const struct task_kind root_kind = { .name = "root", .step = root_step };

static int
open_door(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

/* A run to its end, by a runner that does this when it is asked to start it; NULL: that hangs up before. */
static void
world_run(struct world *w, void (*on_start)(struct played *p))
{
	char path[96];
	struct loop *l = loop_new(LOOP_REAL);
	bool adopt = w->adopt;

	(void)snprintf(path, sizeof(path), "%s/socket", folder);
	*w = (struct world){ .run = RUN_INFO_NONE, .played = { .calls = -1, .watch = -1 } };
	w->played.on_start = on_start;
	w->played.mute = on_start == NULL;
	w->played.door = open_door(path);
	w->runner = runner_new(&(struct runner_config){ .socket = path }, l);
	w->exec = (struct exec_world){ .loop = l, .runner = w->runner };
	w->run.job = w->run.run = w->run.attempt = 1;
	w->run.state = RUN_RUNNING;
	w->run.started = (instant){ 1900000000000000 };		/* in the first life */
	w->spec.command = &w->command;
	strings_add(&w->command.argv, "true");
	w->e = xcalloc(1, executor_command.frame_size);
	w->e->world = &w->exec;
	w->e->spec = &w->spec;
	w->e->run = &w->run;
	w->e->adopt = adopt;
	task_start_root(&w->root, &root_kind, l);
	assert_int_equal(loop_run(l), 0);
	assert_int_equal(w->root.result, 0);
	hang_up(&w->played.door);
	hang_up(&w->played.calls);
	hang_up(&w->played.watch);
	(void)unlink(path);
	runner_free(w->runner);
	loop_free(l);
	free(w->e);
	strings_done(&w->command.argv);
}

/* The end of the one connection is seen first, then the answer that had come through the other. */
static void
answer_and_go(struct played *p)
{
	hang_up(&p->watch);
	say(p->calls, STARTED);
	hang_up(&p->calls);
}

static void
a_runner_that_answers_and_dies_at_once_loses_the_run(void **state)
{
	struct world w = { .adopt = false };

	(void)state;
	world_run(&w, answer_and_go);

	assert_int_equal(w.run.state, RUN_LOST);
	assert_int_equal(w.played.starts, 1);
	run_info_done(&w.run);
}

static void
a_runner_that_hangs_up_is_a_trouble_with_words(void **state)
{
	struct world w = { .adopt = false };

	(void)state;
	world_run(&w, NULL);

	assert_string_equal(w.trouble, "it hung up before it had said what it has");
	run_info_done(&w.run);
}

/*
 * The host went down and came back with its clock behind: what an earlier daemon has claimed is
 * younger than the runner by the clock, and may have been begun all the same.
 */
static void
what_was_claimed_in_the_future_may_have_been_begun(void **state)
{
	struct world w = { .adopt = true };

	(void)state;
	world_run(&w, answer_and_go);

	assert_int_equal(w.run.state, RUN_LOST);
	assert_int_equal(w.played.starts, 0);
	run_info_done(&w.run);
}

static int
set_up(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/jobd-exec.XXXXXX");
	return mkdtemp(folder) != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_runner_that_answers_and_dies_at_once_loses_the_run),
		cmocka_unit_test(a_runner_that_hangs_up_is_a_trouble_with_words),
		cmocka_unit_test(what_was_claimed_in_the_future_may_have_been_begun),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
