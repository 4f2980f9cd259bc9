/*
 * What strays.h promises: a descriptor that is open and nobody's is found, and told with its kind and since when; what is
 * somebody's is left alone.
 */
#include <event2/event.h>
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
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/engine/finding.h"
#include "daemon/engine/leaks.h"
#include "daemon/engine/loop.h"
#include "daemon/engine/strays.h"
#include "daemon/engine/watch.h"

#define SWEEP	USEC_SEC

/* Between two looks of a test something may happen; this is far more looks than are needed to find it. */
#define LOOK	(SWEEP / 10)
#define LOOKS	(20 * LEAK_EPOCHS)

struct world {
	struct task	 root;
	void		(*begin)(struct world *w);
	void		(*meanwhile)(struct world *w);	/* after each look; or NULL */
	unsigned	 i;
	int		 fd, other;
	const char	*directory;
	struct watch	 watch;
	struct event	*event;
	struct loop	*l;
};

static enum task_status
root_step(struct task *t)
{
	struct world *w = container_of(t, struct world, root);

	TASK_BEGIN(t);
	strays_start(t->loop, w->directory);
	w->begin(w);
	for (w->i = 0; w->i < LOOKS; w->i++) {
		SLEEP_UNTIL(t, loop_now(t->loop) + LOOK);
		if (w->meanwhile != NULL)
			w->meanwhile(w);
	}
	TASK_END(t, 0);
}

static const struct task_kind root_kind = { .name = "root", .step = root_step };

/* The loop is the caller's to free. */
static struct loop *
world_run(struct world *w, void (*begin)(struct world *), void (*meanwhile)(struct world *))
{
	struct loop *l = w->l = loop_new(LOOP_VIRTUAL);

	assert_non_null(l);
	leaks_set_sweep(l, SWEEP);
	w->begin = begin;
	w->meanwhile = meanwhile;
	w->fd = -1;
	task_start_root(&w->root, &root_kind, l);
	assert_int_equal(loop_run(l), 0);
	return l;
}

/* There is one finding, and it says this. */
static void
only(const struct loop *l, const char *wanted)
{
	const struct finding *f = finding_get(l, 0);

	assert_non_null(f);
	assert_null(finding_get(l, 1));
	assert_string_equal(finding_name(f->what), "stray");
	assert_non_null(strstr(f->text, wanted));
}

static void
none(const struct loop *l)
{
	assert_null(finding_get(l, 0));
}

/* ---- found ---- */

static void
open_eventfd(struct world *w)
{
	w->fd = eventfd(0, EFD_CLOEXEC);
	assert_true(w->fd >= 0);
}

static void
what_nobody_owns_is_told_once_with_its_kind_and_since_when(void **state)
{
	struct world w = { .directory = NULL };
	struct loop *l = world_run(&w, open_eventfd, NULL);
	char wanted[80];

	(void)state;
	snprintf(wanted, sizeof(wanted), "descriptor %d (eventfd) belongs to nobody", w.fd);
	only(l, wanted);
	/* A virtual world begins with the year; the first sweep came a second after that. */
	only(l, "seen first at 2026-01-01T00:00:01.000000Z");
	close(w.fd);
	loop_free(l);
}

static void
open_socket(struct world *w)
{
	w->fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (w->fd < 0)
		w->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(w->fd >= 0);
}

static void
a_socket_is_told_by_its_family(void **state)
{
	struct world w = { .directory = NULL };
	struct loop *l = world_run(&w, open_socket, NULL);

	(void)state;
	only(l, "(TCP socket)");
	close(w.fd);
	loop_free(l);
}

static void
open_file(struct world *w)
{
	w->fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(w->fd >= 0);
}

static void
the_name_of_a_file_is_not_told(void **state)
{
	struct world w = { .directory = NULL };
	struct loop *l = world_run(&w, open_file, NULL);

	(void)state;
	only(l, "(file)");
	assert_null(strstr(finding_get(l, 0)->text, "null"));
	close(w.fd);
	loop_free(l);
}

#define MANY 30

static void
open_many(struct world *w)
{
	open_eventfd(w);
	for (unsigned i = 1; i < MANY; i++)
		assert_true(fcntl(w->fd, F_DUPFD_CLOEXEC, 100) >= 0);
}

static void
of_many_some_are_told_and_the_others_counted(void **state)
{
	struct world w = { .directory = NULL };
	struct loop *l = world_run(&w, open_many, NULL);
	const struct finding *f = finding_get(l, 0);
	unsigned n = 0;

	(void)state;
	assert_non_null(f);
	while (finding_get(l, n) != NULL)
		n++;
	assert_int_equal(n, 9);
	assert_non_null(strstr(f->text, "22 other descriptors"));
	close(w.fd);
	for (int fd = 100; fd < 100 + MANY - 1; fd++)
		close(fd);
	loop_free(l);
}

/* ---- not found ---- */

static void
nothing(struct world *w)
{
	(void)w;
}

static void
what_was_there_at_the_start_is_somebodys(void **state)
{
	struct world w = { .directory = NULL };
	int fd = eventfd(0, EFD_CLOEXEC);
	struct loop *l = world_run(&w, nothing, NULL);

	(void)state;
	none(l);
	close(fd);
	loop_free(l);
}

static void
reopen(struct world *w)
{
	close(w->fd);
	open_file(w);
	close(w->fd);
	open_socket(w);
}

static void
what_is_closed_in_time_is_no_stray(void **state)
{
	struct world w = { .directory = NULL };
	struct loop *l = world_run(&w, open_socket, reopen);

	(void)state;
	none(l);
	close(w.fd);
	loop_free(l);
}

static void
watch_eventfd(struct world *w)
{
	open_eventfd(w);
	assert_int_equal(watch_start(&w->watch, w->l, w->fd, WATCH_READ, &w->root), 0);
}

static void
watch_end(struct world *w)
{
	if (w->i + 1 < LOOKS)
		return;
	watch_stop(&w->watch);
	close(w->fd);
}

static void
what_is_watched_is_not_looked_at(void **state)
{
	struct world w = { .directory = NULL };
	struct loop *l = world_run(&w, watch_eventfd, watch_end);

	(void)state;
	none(l);
	loop_free(l);
}

static void
hold_eventfd(struct world *w)
{
	open_eventfd(w);
	strays_hold(w->l, w->fd);
}

static void
what_is_held_is_somebodys(void **state)
{
	struct world w = { .directory = NULL };
	struct loop *l = world_run(&w, hold_eventfd, NULL);

	(void)state;
	none(l);
	close(w.fd);
	loop_free(l);
}

static void
hold_none(struct world *w)
{
	strays_hold(w->l, -1);
	strays_release(w->l, -1);
}

/* As fcntl(2) gives it when there are no more descriptors. */
static void
one_that_could_not_be_had_is_not_held(void **state)
{
	struct world w = { .directory = NULL };
	struct loop *l = world_run(&w, hold_none, NULL);

	(void)state;
	none(l);
	loop_free(l);
}

static void
release_at_once(struct world *w)
{
	hold_eventfd(w);
	strays_release(w->l, w->fd);
}

static void
what_was_held_and_is_still_open_is_told(void **state)
{
	struct world w = { .directory = NULL };
	struct loop *l = world_run(&w, release_at_once, NULL);

	(void)state;
	only(l, "(eventfd)");
	close(w.fd);
	loop_free(l);
}

static void
open_and_accept(struct world *w)
{
	open_eventfd(w);
	strays_accept(w->l);
}

static void
what_a_library_has_opened_is_accepted(void **state)
{
	struct world w = { .directory = NULL };
	struct loop *l = world_run(&w, open_and_accept, NULL);

	(void)state;
	none(l);
	close(w.fd);
	loop_free(l);
}

static void
event_come(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static void
event_begin(struct world *w)
{
	open_eventfd(w);
	w->event = event_new(w->l->base, w->fd, EV_READ | EV_PERSIST, event_come, NULL);
	assert_int_equal(event_add(w->event, NULL), 0);
}

static void
event_end(struct world *w)
{
	if (w->i + 1 < LOOKS)
		return;
	event_free(w->event);
	close(w->fd);
}

static void
what_libevent_watches_for_itself_is_somebodys(void **state)
{
	struct world w = { .directory = NULL };
	struct loop *l = world_run(&w, event_begin, event_end);

	(void)state;
	none(l);
	loop_free(l);
}

static void
open_below(struct world *w)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/file", w->directory);
	w->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(w->fd >= 0);
	(void)unlink(path);
}

/* Also when it is named by a link, and when the file has been removed. */
static void
what_lies_below_the_directory_is_the_other_threads(void **state)
{
	char directory[] = "/tmp/jobd-strays-XXXXXX", name[300];
	struct world w = { .directory = name };
	struct loop *l;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(name, sizeof(name), "%s/link", directory);
	assert_int_equal(symlink(".", name), 0);
	l = world_run(&w, open_below, NULL);
	none(l);
	close(w.fd);
	(void)unlink(name);
	(void)rmdir(directory);
	loop_free(l);
}

/* ---- the end ---- */

/* How a process ends that frees its loop while one is open. */
static int
end_with_one(bool strict)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct world w = { .directory = NULL };

		(void)close(STDERR_FILENO);	/* what it says is not to be seen */
		(void)signal(SIGABRT, SIG_DFL);
		if (strict)
			setenv("JOBD_STRICT", "1", 1);
		else
			unsetenv("JOBD_STRICT");
		loop_free(world_run(&w, open_eventfd, NULL));
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
what_is_left_at_the_end_aborts_a_test_build(void **state)
{
	int status = end_with_one(true);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_int_equal(end_with_one(false), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_nobody_owns_is_told_once_with_its_kind_and_since_when),
		cmocka_unit_test(a_socket_is_told_by_its_family),
		cmocka_unit_test(the_name_of_a_file_is_not_told),
		cmocka_unit_test(of_many_some_are_told_and_the_others_counted),
		cmocka_unit_test(what_was_there_at_the_start_is_somebodys),
		cmocka_unit_test(what_is_closed_in_time_is_no_stray),
		cmocka_unit_test(what_is_watched_is_not_looked_at),
		cmocka_unit_test(what_is_held_is_somebodys),
		cmocka_unit_test(one_that_could_not_be_had_is_not_held),
		cmocka_unit_test(what_was_held_and_is_still_open_is_told),
		cmocka_unit_test(what_a_library_has_opened_is_accepted),
		cmocka_unit_test(what_libevent_watches_for_itself_is_somebodys),
		cmocka_unit_test(what_lies_below_the_directory_is_the_other_threads),
		cmocka_unit_test(what_is_left_at_the_end_aborts_a_test_build),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
