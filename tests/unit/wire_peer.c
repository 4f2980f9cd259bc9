/*
 * wire_peer: the client's side against a service, over a socket that was listened on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/engine/loop.h"
#include "daemon/wire/listen.h"
#include "daemon/wire/peer.h"
#include "daemon/wire/service.h"
#include "proto/json.h"
#include "proto/mem.h"

/* ---- a service: Count streams the numbers up to n; Never does not answer ---- */

struct count_in {
	int64_t	n;
};

static const struct field count_fields[] = {
	{ "n", FIELD_INT, offsetof(struct count_in, n), .flags = FIELD_REQUIRED },
	{ .type = FIELD_END },
};

struct count {
	struct call	call;
	int64_t		i;
};

static struct cJSON *
number(int64_t i)
{
	struct cJSON *reply = json_object();

	json_set_int(reply, "i", i);
	return reply;
}

static enum task_status
count_step(struct task *t)
{
	struct count *f = container_of(t, struct count, call.task);
	const struct count_in *in = f->call.in;

	TASK_BEGIN(t);
	for (f->i = 1; f->i < in->n && f->call.more; f->i++) {
		AWAIT(t, call_can_write(&f->call));
		if (t->err != 0)
			goto out;
		call_reply_more(&f->call, number(f->i));
	}
	call_reply(&f->call, number(in->n));
out:;
	TASK_END(t, 0);
}

static enum task_status
never_step(struct task *t)
{
	TASK_BEGIN(t);
	AWAIT(t, false);
	TASK_END(t, 0);
}

static const struct task_kind count_kind = { .name = "count", .step = count_step,
    .release = call_release };
static const struct task_kind never_kind = { .name = "never", .step = never_step,
    .release = call_release };

static const struct method methods[] = {
	{ "org.example.Count", count_fields, sizeof(struct count_in), METHOD_MORE,
	    sizeof(struct count), &count_kind },
	{ "org.example.Never", NULL, 0, 0, sizeof(struct count), &never_kind },
	{ .name = NULL },
};

struct world {
	char		 directory[64];
	char		 path[96];
	struct loop	*loop;
	struct task	 root;
	struct service	*service;
	struct peer	 peer;
	int		 listening;
};

static enum task_status
root_step(struct task *t)
{
	TASK_BEGIN(t);
	AWAIT(t, false);
	TASK_END(t, 0);
}

static const struct task_kind root_kind = { .name = "root", .step = root_step };

static void
settle(struct world *w)
{
	for (int i = 0; i < 50; i++)
		assert_int_equal(loop_run_until(w->loop, loop_now(w->loop) + 1), 0);
}

static void
world_open(struct world *w)
{
	struct service_config config = {
		.methods = methods, .interface = "org.example", .description = "", .vendor = "",
		    .product = "",
		.version = "", .url = "",
	};
	char error[LISTEN_ERROR_MAX];

	*w = (struct world){ .directory = "/tmp/jobd-test-XXXXXX" };
	assert_non_null(mkdtemp(w->directory));
	snprintf(w->path, sizeof(w->path), "%s/socket", w->directory);
	w->loop = loop_new(LOOP_VIRTUAL);
	task_start_root(&w->root, &root_kind, w->loop);
	w->service = service_new(&config);
	w->listening = listen_unix(w->path, 0600, (gid_t)-1, error);
	if (w->listening < 0)
		fail_msg("%s", error);
	service_listen(w->service, w->listening, &w->root);
}

static void
world_close(struct world *w)
{
	char *command = xasprintf("rm -rf '%s'", w->directory);

	task_cancel(&w->root);
	assert_int_equal(loop_run(w->loop), 0);
	service_free(w->service);
	loop_free(w->loop);
	assert_int_equal(system(command), 0);
	free(command);
}

struct counting {
	struct peer_call	 call;
	struct peer		*peer;
	int64_t			 replies, last;
	int64_t			 pause_every;
};

static void
counted(struct peer_call *c, const struct message_reply *r)
{
	struct counting *x = container_of(c, struct counting, call);

	x->last = json_get_int(r->parameters, "i", 0);
	x->replies++;
	if (x->pause_every > 0 && x->replies % x->pause_every == 0)
		stream_pause(&x->peer->stream);
}

static void
calls_are_answered_in_their_order(void **state)
{
	struct world w;
	struct counting stream = { .call.on_reply = counted };
	struct peer_call single = { .done = false }, bad = { .done = false };
	struct cJSON *parameters = json_object();

	(void)state;
	world_open(&w);
	assert_int_equal(peer_start(&w.peer, w.path, &w.root), 0);
	json_set_int(parameters, "n", 1000);
	peer_call(&w.peer, &stream.call, "org.example.Count", parameters, true);
	peer_call(&w.peer, &single, "org.example.Count", parameters, false);
	peer_call(&w.peer, &bad, "org.example.Nothing", NULL, false);
	settle(&w);
	assert_int_equal(stream.replies, 1000);
	assert_true(stream.call.done && single.done && bad.done);
	assert_int_equal(json_get_int(single.reply.parameters, "i", 0), 1000);
	assert_string_equal(bad.reply.error, "org.varlink.service.MethodNotFound");
	peer_call_done(&single);
	peer_call_done(&bad);
	json_free(parameters);
	world_close(&w);
}

static void
forgotten_call_does_not_confuse_the_next(void **state)
{
	struct world w;
	struct counting stream = { .call.on_reply = counted };
	struct peer_call single = { .done = false };
	struct cJSON *parameters = json_object();

	(void)state;
	world_open(&w);
	assert_int_equal(peer_start(&w.peer, w.path, &w.root), 0);
	json_set_int(parameters, "n", 10);
	peer_call(&w.peer, &stream.call, "org.example.Count", parameters, true);
	peer_call(&w.peer, &single, "org.example.Count", parameters, false);
	peer_forget(&w.peer, &stream.call);
	settle(&w);
	assert_int_equal(stream.replies, 0);
	assert_false(stream.call.done);
	assert_true(single.done);
	assert_int_equal(json_get_int(single.reply.parameters, "i", 0), 10);
	peer_call_done(&single);
	json_free(parameters);
	world_close(&w);
}

static void
paused_peer_hands_out_nothing_until_it_goes_on(void **state)
{
	struct world w;
	struct counting stream = { .call.on_reply = counted, .peer = &w.peer, .pause_every = 10 };
	struct cJSON *parameters = json_object();

	(void)state;
	world_open(&w);
	assert_int_equal(peer_start(&w.peer, w.path, &w.root), 0);
	json_set_int(parameters, "n", 100000);
	peer_call(&w.peer, &stream.call, "org.example.Count", parameters, true);
	settle(&w);
	assert_int_equal(stream.replies, 10);
	stream.pause_every = 0;
	stream_resume(&w.peer.stream);
	task_wake(&w.peer.task);
	for (int i = 0; i < 1000 && !stream.call.done; i++)
		settle(&w);
	assert_int_equal(stream.replies, 100000);
	assert_int_equal(stream.last, 100000);
	json_free(parameters);
	world_close(&w);
}

static void
calls_end_when_the_other_side_goes(void **state)
{
	struct world w;
	struct peer_call never = { .done = false }, late = { .done = false };

	(void)state;
	world_open(&w);
	assert_int_equal(peer_start(&w.peer, w.path, &w.root), 0);
	peer_call(&w.peer, &never, "org.example.Never", NULL, false);
	settle(&w);
	assert_false(never.done);
	shutdown(w.peer.stream.watch.fd, SHUT_RDWR);
	settle(&w);
	assert_true(never.done);
	assert_int_equal(never.result, -ECONNRESET);
	assert_false(w.peer.connected);
	peer_call(&w.peer, &late, "org.example.Never", NULL, false);
	assert_true(late.done);
	assert_int_equal(late.result, -ECONNRESET);
	world_close(&w);
}

static void
live_socket_is_left_alone_and_a_stale_one_is_replaced(void **state)
{
	struct world w;
	struct peer none;
	struct stat st;
	char error[LISTEN_ERROR_MAX] = "", other[96];
	int fd;

	(void)state;
	world_open(&w);
	assert_int_equal(stat(w.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(listen_unix(w.path, 0600, (gid_t)-1, error), -EADDRINUSE);
	assert_non_null(strstr(error, w.path));

	snprintf(other, sizeof(other), "%s/other", w.directory);
	fd = listen_unix(other, 0660, (gid_t)-1, error);
	assert_true(fd >= 0);
	close(fd);
	/* It is there, and nobody listens. */
	assert_int_equal(stat(other, &st), 0);
	assert_int_equal(peer_start(&none, other, &w.root), -ECONNREFUSED);
	fd = listen_unix(other, 0660, (gid_t)-1, error);
	assert_true(fd >= 0);
	assert_int_equal(stat(other, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	listen_unlink(other, fd);
	assert_int_equal(stat(other, &st), -1);
	close(fd);

	/* A folder is made among the runtime directories, and nowhere else. */
	snprintf(other, sizeof(other), "%s/new/other", w.directory);
	unsetenv("XDG_RUNTIME_DIR");
	assert_int_equal(listen_unix(other, 0600, (gid_t)-1, error), -ENOENT);
	assert_non_null(strstr(error, "/new: No such file or directory"));
	setenv("XDG_RUNTIME_DIR", w.directory, 1);
	fd = listen_unix(other, 0600, (gid_t)-1, error);
	assert_true(fd >= 0);
	close(fd);
	unsetenv("XDG_RUNTIME_DIR");
	snprintf(other, sizeof(other), "%s/other", w.directory);

	/* What is no socket is nobody's to remove. */
	fd = open(other, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(listen_unix(other, 0660, (gid_t)-1, error), -EEXIST);
	assert_int_equal(stat(other, &st), 0);
	world_close(&w);
}

static void
no_descriptors_to_spare_only_delays(void **state)
{
	struct world w;
	struct rlimit limit, none;
	struct peer peers[3];
	struct service_stats stats;
	int lowest;

	(void)state;
	world_open(&w);
	for (int i = 0; i < 3; i++)
		assert_int_equal(peer_start(&peers[i], w.path, &w.root), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	lowest = dup(0);
	close(lowest);
	none = (struct rlimit){ (rlim_t)lowest, limit.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	settle(&w);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	service_stats(w.service, &stats);
	assert_int_equal(stats.accepted, 0);
	assert_int_equal(loop_run_until(w.loop, loop_now(w.loop) + 2 * USEC_SEC), 0);
	settle(&w);
	service_stats(w.service, &stats);
	assert_int_equal(stats.connections, 3);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_are_answered_in_their_order),
		cmocka_unit_test(forgotten_call_does_not_confuse_the_next),
		cmocka_unit_test(paused_peer_hands_out_nothing_until_it_goes_on),
		cmocka_unit_test(calls_end_when_the_other_side_goes),
		cmocka_unit_test(no_descriptors_to_spare_only_delays),
		cmocka_unit_test(live_socket_is_left_alone_and_a_stale_one_is_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
