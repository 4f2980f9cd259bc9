/*
 * client: see client.h.
 */
#include "tests/harness/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/engine/loop.h"
#include "proto/mem.h"

struct client
client_open(struct server *s, struct task *parent)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair),
	    0);
	service_connect(s->service, pair[1], parent);
	return (struct client){ .loop = s->loop, .fd = pair[0] };
}

void
client_close(struct client *c)
{
	message_reply_done(&c->reply);
	buf_done(&c->in);
	close(c->fd);
	for (int i = 0; i < 10; i++)
		assert_int_equal(loop_run_until(c->loop, loop_now(c->loop) + 1), 0);
}

void
client_send(struct client *c, const char *text)
{
	size_t n = strlen(text) + 1;
	ssize_t r;

	while (n > 0) {
		r = send(c->fd, text, n, MSG_NOSIGNAL);
		if (r < 0 && errno == EAGAIN) {
			assert_int_equal(loop_run_until(c->loop, loop_now(c->loop) + 1), 0);
			continue;
		}
		assert_true(r > 0);
		text += r;
		n -= (size_t)r;
	}
}

bool
client_look(struct client *c)
{
	const char *why;
	long length;
	ssize_t r;

	for (int i = 0; i < 200; i++) {
		length = frame_length(&c->in, &c->scanned, (size_t)64 << 20);
		if (length >= 0) {
			message_reply_done(&c->reply);
			assert_int_equal(message_reply_parse(buf_bytes(&c->in), (size_t)length,
			    &c->reply, &why), 0);
			buf_consume(&c->in, (size_t)length + 1);
			c->scanned = 0;
			return true;
		}
		assert_int_equal(loop_run_until(c->loop, loop_now(c->loop) + 1), 0);
		r = read(c->fd, buf_reserve(&c->in, 65536), 65536);
		if (r > 0)
			buf_added(&c->in, (size_t)r);
	}
	return false;
}

void
client_next(struct client *c)
{
	assert_true(client_look(c));
}

void
client_begin(struct client *c, const char *method, const char *parameters)
{
	char *text = xasprintf("{\"method\":\"io.jobd.%s\",\"parameters\":%s}", method, parameters);

	client_send(c, text);
	free(text);
}

struct cJSON *
client_call(struct client *c, const char *method, const char *parameters)
{
	client_begin(c, method, parameters);
	client_next(c);
	return c->reply.parameters;
}
