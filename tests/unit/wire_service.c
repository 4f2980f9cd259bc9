/*
 * wire_service: a service through real sockets, with the bytes that clients and other people send.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/engine/loop.h"
#include "daemon/wire/service.h"
#include "proto/json.h"
#include "proto/mem.h"

/* ---- a service of four methods ---- */

struct text_in {
	char	*text;
	int64_t	 n;
};

static const struct field text_fields[] = {
	{ "text", FIELD_STRING, offsetof(struct text_in, text), .flags = FIELD_REQUIRED },
	{ "n", FIELD_INT, offsetof(struct text_in, n), .min = 0, .max = 1000000 },
	{ .type = FIELD_END },
};

struct echo {
	struct call	 call;
	int64_t		 i;
};

struct counts {
	unsigned	 echoes, begun, cancelled;
};

static enum task_status
echo_step(struct task *t)
{
	struct echo *f = container_of(t, struct echo, call.task);
	struct text_in *in = f->call.in;
	struct counts *n = call_context(&f->call);
	struct cJSON *reply;

	TASK_BEGIN(t);
	n->echoes++;
	reply = json_object();
	json_set_string(reply, "text", in->text);
	call_reply(&f->call, reply);
	TASK_END(t, 0);
}

/* n replies with text, as fast as the peer reads; then the last. */
static enum task_status
stream_step(struct task *t)
{
	struct echo *f = container_of(t, struct echo, call.task);
	struct text_in *in = f->call.in;
	struct counts *n = call_context(&f->call);
	struct cJSON *reply;

	TASK_BEGIN(t);
	n->begun++;
	for (f->i = 0; f->call.more && f->i < in->n; f->i++) {
		AWAIT(t, call_can_write(&f->call));
		if (t->err != 0) {
			n->cancelled++;
			goto out;
		}
		reply = json_object();
		json_set_string(reply, "text", in->text);
		call_reply_more(&f->call, reply);
	}
	call_reply(&f->call, NULL);
out:;
	TASK_END(t, 0);
}

static enum task_status
forever_step(struct task *t)
{
	struct echo *f = container_of(t, struct echo, call.task);
	struct counts *n = call_context(&f->call);

	TASK_BEGIN(t);
	n->begun++;
	AWAIT(t, false);
	n->cancelled++;
	TASK_END(t, 0);
}

/* A reply of a megabyte. */
static enum task_status
bulky_step(struct task *t)
{
	struct echo *f = container_of(t, struct echo, call.task);
	char *text = xcalloc(1, 1 << 20);
	struct cJSON *reply = json_object();

	TASK_BEGIN(t);
	memset(text, 'x', (1 << 20) - 1);
	json_set_string(reply, "text", text);
	free(text);
	call_reply(&f->call, reply);
	TASK_END(t, 0);
}

static const struct task_kind bulky_kind = { .name = "bulky", .step = bulky_step,
    .release = call_release };
static const struct task_kind echo_kind = { .name = "echo", .step = echo_step,
    .release = call_release };
static const struct task_kind stream_kind = { .name = "stream", .step = stream_step,
    .release = call_release };
static const struct task_kind forever_kind = { .name = "forever", .step = forever_step,
    .release = call_release };

static const struct method methods[] = {
	{ "org.example.Echo", text_fields, sizeof(struct text_in), 0, sizeof(struct echo),
	    &echo_kind },
	{ "org.example.Stream", text_fields, sizeof(struct text_in), METHOD_MORE,
	    sizeof(struct echo), &stream_kind },
	{ "org.example.Monitor", text_fields, sizeof(struct text_in), METHOD_MORE_ONLY,
	    sizeof(struct echo), &stream_kind },
	{ "org.example.Bulky", NULL, 0, METHOD_BULKY, sizeof(struct echo), &bulky_kind },
	{ "org.example.Forever", NULL, 0, METHOD_LAST, sizeof(struct echo), &forever_kind },
	{ .name = NULL },
};

/* ---- a world: a virtual clock, the service, and peers at the other ends of socket pairs ---- */

struct world {
	struct loop	*loop;
	struct task	 root;
	struct service	*service;
	struct counts	 counts;
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
world_open(struct world *w, int64_t connections_uid_max)
{
	struct service_config config = {
		.methods = methods, .interface = "org.example",
		    .description = "interface org.example\n",
		.vendor = "v", .product = "p", .version = "1", .url = "u", .context = &w->counts,
		.connections_max = connections_uid_max,
	};

	*w = (struct world){ .loop = loop_new(LOOP_VIRTUAL) };
	assert_non_null(w->loop);
	w->service = service_new(&config);
	task_start_root(&w->root, &root_kind, w->loop);
}

/* Let happen what can happen now, without time passing (but a microsecond). */
static void
settle(struct world *w)
{
	for (int i = 0; i < 20; i++)
		assert_int_equal(loop_run_until(w->loop, loop_now(w->loop) + 1), 0);
}

static void
pass(struct world *w, usec_t d)
{
	usec_t until = loop_now(w->loop) + d;

	settle(w);
	while (loop_now(w->loop) < until)
		assert_int_equal(loop_run_until(w->loop, until), 0);
	settle(w);
}

static void
world_close(struct world *w)
{
	task_cancel(&w->root);
	assert_int_equal(loop_run(w->loop), 0);
	service_free(w->service);
	loop_free(w->loop);
}

static int
peer_open(struct world *w)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair),
	    0);
	service_connect(w->service, pair[1], &w->root);
	return pair[0];
}

/* A text as a message: with its NUL. */
static void
say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text) + 1, MSG_NOSIGNAL), strlen(text) + 1);
}

/* What has come, its NULs as newlines; "" nothing; "gone" when closed.  For short answers. */
static const char *
hear(int fd)
{
	static char bytes[65536];
	ssize_t n = read(fd, bytes, sizeof(bytes) - 1);

	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return "gone";
	if (n < 0)
		return "";
	for (ssize_t i = 0; i < n; i++) {
		if (bytes[i] == '\0')
			bytes[i] = '\n';
	}
	bytes[n] = '\0';
	return bytes;
}

static const char *
ask(struct world *w, const char *text)
{
	int fd = peer_open(w);
	const char *answer;

	say(fd, text);
	settle(w);
	answer = hear(fd);
	close(fd);
	settle(w);
	return answer;
}

/* ---- what good clients send ---- */

static void
call_is_answered_whatever_the_form(void **state)
{
	static const char answer[] = "{\"parameters\":{\"text\":\"x\"}}\n";
	struct world w;

	(void)state;
	world_open(&w, 0);
	assert_string_equal(ask(&w,
	    "{\"method\":\"org.example.Echo\",\"parameters\":{\"text\":\"x\"}}"), answer);
	assert_string_equal(ask(&w,
	    " {\n\"more\": false, \"parameters\": {\"text\": \"x\", \"n\": null},"
	    "\"method\": \"org.example.Echo\" }\n"), answer);
	assert_string_equal(ask(&w,
	    "{\"method\":\"org.example.Echo\",\"parameters\":{\"text\":\"x\"},\"more\":true,"
	    "\"org.vendor\":{\"a\":[1]}}"), answer);
	world_close(&w);
}

static void
bytes_may_come_one_by_one(void **state)
{
	static const char text[] =
	    "{\"method\":\"org.example.Echo\",\"parameters\":{\"text\":\"abc\"}}";
	struct world w;
	int fd;

	(void)state;
	world_open(&w, 0);
	fd = peer_open(&w);
	for (size_t i = 0; i < sizeof(text); i++) {
		assert_string_equal(hear(fd), "");
		assert_int_equal(write(fd, text + i, 1), 1);
		settle(&w);
	}
	assert_string_equal(hear(fd), "{\"parameters\":{\"text\":\"abc\"}}\n");
	close(fd);
	world_close(&w);
}

static void
replies_come_in_the_order_of_pipelined_calls(void **state)
{
	struct world w;
	char text[128];
	const char *answer;
	int fd;

	(void)state;
	world_open(&w, 0);
	fd = peer_open(&w);
	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text),
		    "{\"method\":\"org.example.Echo\",\"parameters\":{\"text\":\"%d\"}}", i);
		say(fd, text);
	}
	settle(&w);
	answer = hear(fd);
	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "{\"parameters\":{\"text\":\"%d\"}}\n", i);
		assert_memory_equal(answer, text, strlen(text));
		answer += strlen(text);
	}
	assert_string_equal(answer, "");
	close(fd);
	world_close(&w);
}

static void
oneway_is_carried_out_and_never_answered(void **state)
{
	struct world w;
	int fd;

	(void)state;
	world_open(&w, 0);
	fd = peer_open(&w);
	say(fd,
	    "{\"method\":\"org.example.Echo\",\"parameters\":{\"text\":\"x\"},\"oneway\":true}");
	say(fd, "{\"method\":\"org.example.Nothing\",\"oneway\":true}");
	say(fd, "{\"method\":\"org.example.Echo\",\"oneway\":true}");
	say(fd,
	    "{\"method\":\"org.example.Monitor\",\"parameters\":{\"text\":\"x\"},\"oneway\":true}");
	say(fd, "{\"method\":\"org.varlink.service.GetInfo\",\"oneway\":true}");
	say(fd, "{\"method\":\"org.example.Echo\",\"parameters\":{\"text\":\"y\"}}");
	/* Those who say it and go are heard, too. */
	shutdown(fd, SHUT_WR);
	settle(&w);
	assert_string_equal(hear(fd), "{\"parameters\":{\"text\":\"y\"}}\n");
	assert_string_equal(hear(fd), "gone");
	assert_int_equal(w.counts.echoes, 2);
	close(fd);
	world_close(&w);
}

static void
service_describes_itself(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, 0);
	assert_string_equal(ask(&w,
	    "{\"method\":\"org.varlink.service.GetInfo\",\"parameters\":null}"),
	    "{\"parameters\":{\"vendor\":\"v\",\"product\":\"p\",\"version\":\"1\",\"url\":\"u\","
	    "\"interfaces\":[\"org.example\",\"org.varlink.service\"]}}\n");
	assert_string_equal(ask(&w, "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
	    "\"parameters\":{\"interface\":\"org.example\"}}"),
	    "{\"parameters\":{\"description\":\"interface org.example\\n\"}}\n");
	assert_non_null(strstr(ask(&w,
	    "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
	    "\"parameters\":{\"interface\":\"org.varlink.service\"}}"),
	        "interface org.varlink.service\\n"));
	assert_string_equal(ask(&w, "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
	    "\"parameters\":{\"interface\":\"no.such\"}}"),
	    "{\"error\":\"org.varlink.service.InterfaceNotFound\",\"parameters\":{"
	    "\"interface\":\"no.such\"}}\n");
	assert_string_equal(ask(&w, "{\"method\":\"org.varlink.service.GetInterfaceDescription\"}"),
	    "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{"
	    "\"parameter\":\"interface\"}}\n");
	assert_string_equal(ask(&w,
	    "{\"method\":\"org.varlink.service.GetInfo\",\"parameters\":{\"x\":1}}"),
	    "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{"
	    "\"parameter\":\"x\"}}\n");
	world_close(&w);
}

/* ---- typed errors ---- */

static void
bad_parameters_are_named(void **state)
{
	static const struct { const char *call, *answer; } cases[] = {
		{ "{\"method\":\"org.example.Nothing\"}",
		    "{\"error\":\"org.varlink.service.MethodNotFound\",\"parameters\":{"
		    "\"method\":\"org.example.Nothing\"}}\n" },
		{ "{\"method\":\"nothing\"}",
		    "{\"error\":\"org.varlink.service.MethodNotFound\",\"parameters\":{"
		    "\"method\":\"nothing\"}}\n" },
		{ "{\"method\":\"org.example.Echo\"}",
		    "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{"
		    "\"parameter\":\"text\"}}\n" },
		{ "{\"method\":\"org.example.Echo\",\"parameters\":{\"text\":3}}",
		    "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{"
		    "\"parameter\":\"text\"}}\n" },
		{ "{\"method\":\"org.example.Echo\",\"parameters\":{\"text\":\"x\",\"other\":3}}",
		    "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{"
		    "\"parameter\":\"other\"}}\n" },
		{ "{\"method\":\"org.example.Echo\",\"parameters\":{\"text\":\"x\",\"n\":-1}}",
		    "{\"error\":\"io.jobd.InvalidField\",\"parameters\":{\"field\":\"n\","
		    "\"reason\":\"must be from 0 to 1000000\"}}\n" },
		{ "{\"method\":\"org.example.Monitor\",\"parameters\":{\"text\":\"x\"}}",
		    "{\"error\":\"org.varlink.service.ExpectedMore\",\"parameters\":{}}\n" },
	};
	struct world w;

	(void)state;
	world_open(&w, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(ask(&w, cases[i].call), cases[i].answer);
	world_close(&w);
}

/* ---- what is no call at all ---- */

static void
what_is_no_call_closes_the_connection(void **state)
{
	static const char *const cases[] = {
		"", "{", "}", "[]", "null", "1", "\"x\"", "not json", "{}", "{\"method\":3}",
		    "{\"method\":\"\"}",
		"{\"method\":\"org.example.Echo\",\"parameters\":[]}",
		"{\"method\":\"org.example.Echo\",\"parameters\":\"x\"}",
		"{\"method\":\"org.example.Echo\",\"more\":1}",
		"{\"method\":\"org.example.Echo\",\"parameters\":{\"text\":\"x\"},\"more\":null}",
		"{\"method\":\"org.example.Echo\",\"parameters\":{\"text\":\"x\"},\"oneway\":null}",
		"{\"method\":\"org.example.Echo\",\"parameters\":{\"text\":\"x\"},\"upgrade\":\"\"}",
		"{\"method\":\"org.example.Echo\",\"more\":true,\"oneway\":true}",
		"{\"method\":\"org.example.Echo\",\"upgrade\":true}",
		"{\"method\":\"org.example.Echo\",\"unknown\":1}",
		"{\"method\":\"org.example.Echo\",\"method\":\"org.example.Echo\"}",
		"{\"method\":\"org.example.Echo\",\"parameters\":{\"text\":\"\xff\xfe\"}}",
		"{\"method\":\"org.example.Echo\",\"parameters\":{\"text\":\"\\u0000\"}}",
		"{\"method\":\"org.example.Echo\",\"parameters\":{\"text\":\"x\",\"text\":\"y\"}}",
		"{\"method\":\"org.example.Echo\"} trailing",
	};
	struct world w;

	(void)state;
	world_open(&w, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (strcmp(ask(&w, cases[i]), "gone") != 0)
			fail_msg("still there after: %s", cases[i]);
	}
	assert_int_equal(w.counts.echoes, 0);
	/* And the others are served as before. */
	assert_string_equal(ask(&w,
	    "{\"method\":\"org.example.Echo\",\"parameters\":{\"text\":\"x\"}}"),
	    "{\"parameters\":{\"text\":\"x\"}}\n");
	world_close(&w);
}

/* Send all of it, letting the service read; false when it closes meanwhile. */
static bool
pour(struct world *w, int fd, const char *bytes, size_t n)
{
	ssize_t r;

	while (n > 0) {
		r = send(fd, bytes, n, MSG_NOSIGNAL);
		if (r < 0 && errno != EAGAIN)
			return false;
		if (r > 0) {
			bytes += r;
			n -= (size_t)r;
		}
		settle(w);
	}
	return true;
}

static void
message_that_is_too_long_or_too_deep_closes_the_connection(void **state)
{
	size_t n = (size_t)3 << 20;
	char *long_one = xmalloc(n), deep[400] =
	    "{\"method\":\"org.example.Echo\",\"parameters\":{\"text\":";
	struct world w;
	int fd;

	(void)state;
	world_open(&w, 0);
	memset(long_one, ' ', n);
	fd = peer_open(&w);
	assert_false(pour(&w, fd, long_one, n));
	close(fd);
	settle(&w);

	for (int i = 0; i < 100; i++)
		strcat(deep, "[");
	for (int i = 0; i < 100; i++)
		strcat(deep, "]");
	strcat(deep, "}}");
	assert_string_equal(ask(&w, deep), "gone");
	free(long_one);
	world_close(&w);
}

static void
longest_message_is_still_taken(void **state)
{
	static const char head[] =
	    "{\"method\":\"org.example.Echo\",\"parameters\":{\"text\":\"x\"}}";
	size_t n = ((size_t)1 << 20) + 1;
	char *text = xmalloc(n);
	struct world w;
	int fd;

	(void)state;
	world_open(&w, 0);
	fd = peer_open(&w);
	memset(text, ' ', n);
	memcpy(text, head, strlen(head));
	text[n - 1] = '\0';
	assert_true(pour(&w, fd, text, n));
	settle(&w);
	assert_string_equal(hear(fd), "{\"parameters\":{\"text\":\"x\"}}\n");
	close(fd);
	free(text);
	world_close(&w);
}

/* ---- those who are slow, silent or rude ---- */

static void
half_a_message_is_waited_for_so_long_and_no_longer(void **state)
{
	struct world w;
	struct service_stats stats;
	int half, idle;

	(void)state;
	world_open(&w, 0);
	half = peer_open(&w);
	idle = peer_open(&w);
	assert_int_equal(write(half, "{\"meth", 6), 6);
	pass(&w, CONN_HALF_MESSAGE_USEC / 2);
	assert_string_equal(hear(half), "");
	/* More of it is no new beginning. */
	assert_int_equal(write(half, "od", 2), 2);
	pass(&w, CONN_HALF_MESSAGE_USEC / 2 + USEC_SEC);
	assert_string_equal(hear(half), "gone");
	/* Between messages silence is fine. */
	pass(&w, 100 * USEC_HOUR);
	say(idle, "{\"method\":\"org.example.Echo\",\"parameters\":{\"text\":\"x\"}}");
	settle(&w);
	assert_string_equal(hear(idle), "{\"parameters\":{\"text\":\"x\"}}\n");
	service_stats(w.service, &stats);
	assert_int_equal(stats.connections, 1);
	close(half);
	close(idle);
	world_close(&w);
}

static void
hangup_cancels_the_call(void **state)
{
	struct world w;
	struct service_stats stats;
	int fd;

	(void)state;
	world_open(&w, 0);
	fd = peer_open(&w);
	say(fd, "{\"method\":\"org.example.Forever\"}");
	settle(&w);
	assert_int_equal(w.counts.begun, 1);
	assert_int_equal(w.counts.cancelled, 0);
	close(fd);
	settle(&w);
	assert_int_equal(w.counts.cancelled, 1);
	service_stats(w.service, &stats);
	assert_int_equal(stats.connections, 0);
	world_close(&w);
}

static void
stream_waits_for_its_reader_and_ends_with_it(void **state)
{
	char text[1200], call[1300];
	struct world w;
	int quick, slow;
	size_t got = 0;
	ssize_t n;
	char bytes[65536];
	struct mallinfo2 before, after;

	(void)state;
	world_open(&w, 0);
	quick = peer_open(&w);
	slow = peer_open(&w);
	memset(text, 'x', 1000);
	text[1000] = '\0';
	snprintf(call, sizeof(call),
	    "{\"method\":\"org.example.Stream\",\"parameters\":{\"text\":\"%s\",\"n\":100000},"
	    "\"more\":true}", text);
	before = mallinfo2();
	say(slow, call);
	settle(&w);
	after = mallinfo2();
	/* 100 MB are wanted; what is held is bounded. */
	assert_true(after.uordblks < before.uordblks + 4 * CONN_OUT_MAX);
	/* Another's calls go on meanwhile. */
	assert_string_equal(ask(&w,
	    "{\"method\":\"org.example.Echo\",\"parameters\":{\"text\":\"x\"}}"),
	    "{\"parameters\":{\"text\":\"x\"}}\n");

	say(quick, call);
	for (int i = 0; i < 10000 && got < 10000000; i++) {
		settle(&w);
		while ((n = read(quick, bytes, sizeof(bytes))) > 0)
			got += (size_t)n;
	}
	assert_true(got >= 10000000);
	/* Who reads now and then may stay. */
	pass(&w, CONN_UNREAD_USEC - USEC_SEC);
	assert_true(read(slow, bytes, sizeof(bytes)) > 0);
	while (read(slow, bytes, sizeof(bytes)) > 0)
		;
	pass(&w, CONN_UNREAD_USEC - USEC_SEC);
	assert_int_equal(w.counts.cancelled, 1);	/* quick has not read again */
	pass(&w, 2 * USEC_SEC);
	assert_int_equal(w.counts.cancelled, 2);
	while ((n = read(slow, bytes, sizeof(bytes))) > 0)
		;
	assert_int_equal(n, 0);
	close(quick);
	close(slow);
	world_close(&w);
}

static void
who_reads_no_replies_is_closed_and_holds_up_nobody(void **state)
{
	static const char call[] =
	    "{\"method\":\"org.example.Echo\",\"parameters\":{\"text\":"
	    "\"0123456789012345678901234567890123456789\"}}";
	struct world w;
	struct service_stats stats;
	ssize_t n = 0;
	size_t sent = 0;
	int fd;

	(void)state;
	world_open(&w, 0);
	fd = peer_open(&w);
	for (int i = 0; i < 100000 && n >= 0; i++) {
		n = send(fd, call, sizeof(call), MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN) {
			settle(&w);
			n = send(fd, call, sizeof(call), MSG_NOSIGNAL);
		}
		sent += n > 0 ? (size_t)n : 0;
	}
	/*
	 * It is read as long as replies find room, then no more: nobody holds more than the limits.
	 */
	assert_true(n < 0 && errno == EAGAIN);
	assert_true(sent < 16u << 20);
	assert_string_equal(ask(&w,
	    "{\"method\":\"org.example.Echo\",\"parameters\":{\"text\":\"x\"}}"),
	    "{\"parameters\":{\"text\":\"x\"}}\n");
	pass(&w, CONN_UNREAD_USEC + USEC_SEC);
	service_stats(w.service, &stats);
	assert_int_equal(stats.connections, 0);
	close(fd);
	world_close(&w);
}

static void
thousand_idle_connections_are_small(void **state)
{
	static const char echo[] =
	    "{\"method\":\"org.example.Echo\",\"parameters\":{\"text\":\"x\"}}";
	struct rlimit files = { 4096, 4096 };
	struct world w;
	struct service_stats stats;
	struct mallinfo2 before, after;
	int *fds = xcalloc(1000, sizeof(*fds));

	(void)state;
	(void)setrlimit(RLIMIT_NOFILE, &files);
	world_open(&w, 0);
	before = mallinfo2();
	for (int i = 0; i < 1000; i++) {
		fds[i] = peer_open(&w);
		say(fds[i], echo);
		if (i % 100 == 99)
			settle(&w);
	}
	after = mallinfo2();
	service_stats(w.service, &stats);
	assert_int_equal(stats.connections, 1000);
	assert_int_equal(w.counts.echoes, 1000);
#ifndef JOBD_SANITIZED
	assert_true(after.uordblks - before.uordblks < 1000 * 1500);
#else
	(void)before;
	(void)after;
#endif
	for (int i = 0; i < 1000; i++) {
		assert_string_equal(hear(fds[i]), "{\"parameters\":{\"text\":\"x\"}}\n");
		close(fds[i]);
	}
	free(fds);
	settle(&w);
	service_stats(w.service, &stats);
	assert_int_equal(stats.connections, 0);
	world_close(&w);
}

static void
connections_beyond_the_limit_are_told_so_and_closed(void **state)
{
	struct world w;
	struct service_stats stats;
	int fds[4];

	(void)state;
	world_open(&w, 3);
	for (int i = 0; i < 4; i++)
		fds[i] = peer_open(&w);
	settle(&w);
	/* Also who has asked already, as clients do without waiting. */
	assert_true(send(fds[3], "{", 1, MSG_NOSIGNAL) < 0);
	assert_string_equal(hear(fds[3]),
	    "{\"error\":\"io.jobd.LimitReached\",\"parameters\":{\"limit\":\"connections\"}}\n");
	assert_string_equal(hear(fds[3]), "gone");
	assert_string_equal(hear(fds[2]), "");
	service_stats(w.service, &stats);
	assert_int_equal(stats.connections, 3);
	assert_int_equal(stats.refused, 1);
	/* Room again when one goes. */
	close(fds[0]);
	settle(&w);
	assert_string_equal(ask(&w,
	    "{\"method\":\"org.example.Echo\",\"parameters\":{\"text\":\"x\"}}"),
	    "{\"parameters\":{\"text\":\"x\"}}\n");
	for (int i = 1; i < 4; i++)
		close(fds[i]);
	world_close(&w);
}

static void
unsent_replies_of_all_are_bounded_and_their_memory_goes_back(void **state)
{
	struct world w;
	struct service_stats stats;
	struct mallinfo2 before, after;
	int fds[200], refused = 0;

	(void)state;
	world_open(&w, 0);
	before = mallinfo2();
	for (int i = 0; i < 200; i++) {
		fds[i] = peer_open(&w);
		say(fds[i], "{\"method\":\"org.example.Bulky\"}");
		settle(&w);
	}
	after = mallinfo2();
	/* The largest of them come from mmap(2). */
	assert_true(after.uordblks + after.hblkhd <
	    before.uordblks + before.hblkhd + 3 * UNSENT_MAX);
	/* Who is not bulky is served. */
	assert_string_equal(ask(&w,
	    "{\"method\":\"org.example.Echo\",\"parameters\":{\"text\":\"x\"}}"),
	    "{\"parameters\":{\"text\":\"x\"}}\n");
	for (int i = 0; i < 200; i++) {
		refused += strcmp(hear(fds[i]), "{\"error\":\"io.jobd.LimitReached\","
		    "\"parameters\":{\"limit\":\"unsent replies\"}}\n") == 0;
		close(fds[i]);
	}
	assert_in_range(refused, 100, 170);
	settle(&w);
	service_stats(w.service, &stats);
	assert_int_equal(stats.connections, 0);
	/* A few times, not once a connection. */
	assert_in_range(stats.trims, 1, 5);
	assert_true(strlen(ask(&w, "{\"method\":\"org.example.Bulky\"}")) > 1000);
	world_close(&w);
}

static void
shutting_down_is_told(void **state)
{
	struct world w;
	int fd;

	(void)state;
	world_open(&w, 0);
	fd = peer_open(&w);
	say(fd, "{\"method\":\"org.example.Forever\"}");
	settle(&w);
	service_shut_down(w.service);
	assert_string_equal(ask(&w,
	    "{\"method\":\"org.example.Echo\",\"parameters\":{\"text\":\"x\"}}"),
	    "{\"error\":\"io.jobd.ShuttingDown\",\"parameters\":{}}\n");
	world_close(&w);
	assert_string_equal(hear(fd), "{\"error\":\"io.jobd.ShuttingDown\",\"parameters\":{}}\n");
	assert_string_equal(hear(fd), "gone");
	close(fd);
}

/* Any bytes at all: the service is there afterwards and holds nothing. */
static void
random_bytes_do_no_harm(void **state)
{
	static const char *const words[] = { "{", "}", "\"method\"", ":", "\"org.example.Echo\"",
	    ",", "\"parameters\"",
	    "{\"text\":\"x\"}", "\"more\"", "true", "\"oneway\"", "\0", "\xff", "[", "]", "1e999",
	        "null", "\\u0000", " " };
	struct world w;
	struct service_stats stats;
	char text[64];
	int fd;

	(void)state;
	world_open(&w, 0);
	srandom(4711);
	for (int i = 0; i < 300; i++) {
		fd = peer_open(&w);
		for (int j = 0; j < 40; j++) {
			const char *word =
			    words[random() % (long)(sizeof(words) / sizeof(words[0]))];

			snprintf(text, sizeof(text), "%s", word);
			(void)!send(fd, text, word[0] == '\0' ? 1 : strlen(text), MSG_NOSIGNAL);
		}
		settle(&w);
		close(fd);
		settle(&w);
	}
	service_stats(w.service, &stats);
	assert_int_equal(stats.connections, 0);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(call_is_answered_whatever_the_form),
		cmocka_unit_test(bytes_may_come_one_by_one),
		cmocka_unit_test(replies_come_in_the_order_of_pipelined_calls),
		cmocka_unit_test(oneway_is_carried_out_and_never_answered),
		cmocka_unit_test(service_describes_itself),
		cmocka_unit_test(bad_parameters_are_named),
		cmocka_unit_test(what_is_no_call_closes_the_connection),
		cmocka_unit_test(message_that_is_too_long_or_too_deep_closes_the_connection),
		cmocka_unit_test(longest_message_is_still_taken),
		cmocka_unit_test(half_a_message_is_waited_for_so_long_and_no_longer),
		cmocka_unit_test(hangup_cancels_the_call),
		cmocka_unit_test(stream_waits_for_its_reader_and_ends_with_it),
		cmocka_unit_test(who_reads_no_replies_is_closed_and_holds_up_nobody),
		cmocka_unit_test(thousand_idle_connections_are_small),
		cmocka_unit_test(connections_beyond_the_limit_are_told_so_and_closed),
		cmocka_unit_test(unsent_replies_of_all_are_bounded_and_their_memory_goes_back),
		cmocka_unit_test(shutting_down_is_told),
		cmocka_unit_test(random_bytes_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
