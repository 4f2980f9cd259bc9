/*
 * canary: see canary.h.
 */
#include "daemon/exec/canary.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/must.h"
#include "daemon/engine/loop.h"
#include "daemon/engine/task.h"
#include "daemon/engine/watch.h"
#include "proto/mem.h"

struct canary {
	struct task		 task;
	struct loop		*loop;
	char			*text;
	struct sockaddr_storage	 address;
	struct canary_wait	*waits;
	struct watch		 watch;
	int			 fd;		/* -1: none */
	int			 error;		/* of the connection; EINPROGRESS: under way */
};

static bool
port_read(const char *text, in_port_t *ret)
{
	char *end;
	long port = strtol(text, &end, 10);

	*ret = htons((uint16_t)port);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && port > 0 && port < 65536;
}

bool
canary_address(const char *text, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *four = (struct sockaddr_in *)ret;
	const char *colon = strrchr(text, ':');
	char host[64];
	size_t n = colon != NULL ? (size_t)(colon - text) : 0;

	memset(ret, 0, sizeof(*ret));
	if (n == 0 || n >= sizeof(host))
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	if (host[0] != '[') {
		ret->ss_family = AF_INET;
		return inet_pton(AF_INET, host, &four->sin_addr) == 1 && port_read(colon + 1, &four->sin_port);
	}
	if (host[n - 1] != ']')
		return false;
	host[n - 1] = '\0';
	ret->ss_family = AF_INET6;
	return inet_pton(AF_INET6, host + 1, &six->sin6_addr) == 1 && port_read(colon + 1, &six->sin6_port);
}

/* ---- a connection ---- */

static void
probe_close(struct canary *c)
{
	if (c->fd < 0)
		return;
	watch_stop(&c->watch);
	(void)close(c->fd);	/* nothing was sent */
	c->fd = -1;
}

static void
probe_begin(struct canary *c)
{
	socklen_t size = c->address.ss_family == AF_INET ? sizeof(struct sockaddr_in) :
	    sizeof(struct sockaddr_in6);

	c->error = 0;
	c->fd = socket(c->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0) {
		c->error = errno;
		return;
	}
	if (connect(c->fd, (const struct sockaddr *)&c->address, size) < 0)
		c->error = errno;
	/* It starts as writable, before the kernel has said so. */
	if (watch_start(&c->watch, c->loop, c->fd, WATCH_READ | WATCH_WRITE, &c->task) < 0) {
		(void)close(c->fd);	/* as if there were none */
		c->fd = -1;
		c->error = EMFILE;
		return;
	}
	c->watch.writable = false;
}

static bool
probe_over(struct canary *c)
{
	socklen_t size = sizeof(c->error);

	if (c->error != EINPROGRESS)
		return true;
	if (!c->watch.writable && !c->watch.readable)
		return false;
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &c->error, &size) < 0)
		c->error = errno;
	return true;
}

/* Whoever refuses is there. */
static void
probe_tell(struct canary *c)
{
	bool failed = c->error != 0 && c->error != ECONNREFUSED && c->error != ECONNRESET;

	while (c->waits != NULL) {
		struct canary_wait *w = c->waits;

		c->waits = w->next;
		w->next = NULL;
		w->done = true;
		w->failed = failed;
		task_wake(w->waiter);
	}
}

static enum task_status
canary_step(struct task *t)
{
	struct canary *c = container_of(t, struct canary, task);

	TASK_BEGIN(t);
	for (;;) {
		AWAIT(t, c->waits != NULL);
		if (t->err != 0)
			break;
		probe_begin(c);
		AWAIT_UNTIL(t, loop_now(t->loop) + CANARY_LIMIT, probe_over(c));
		probe_close(c);
		if (t->err == -ECANCELED)
			break;
		probe_tell(c);
	}
	TASK_END(t, 0);
}

static void
canary_describe(const struct task *t, char *out, size_t n)
{
	const struct canary *c = container_of(t, const struct canary, task);

	snprintf(out, n, c->fd >= 0 ? "a connection to %s" : "a check that gets no answer", c->text);
}

static const struct task_kind canary_kind = { .name = "canary", .step = canary_step,
    .describe = canary_describe };

/* ---- from beginning to end ---- */

struct canary *
canary_new(struct loop *l, const char *text)
{
	struct canary *c = xcalloc(1, sizeof(*c));

	MUST(canary_address(text, &c->address));
	c->loop = l;
	c->text = xstrdup(text);
	c->fd = -1;
	return c;
}

void
canary_start(struct canary *c, struct task *parent)
{
	task_start(&c->task, &canary_kind, parent);
}

void
canary_free(struct canary *c)
{
	if (c == NULL)
		return;
	MUST(c->waits == NULL && c->fd < 0);
	free(c->text);
	free(c);
}

const char *
canary_name(const struct canary *c)
{
	return c->text;
}

void
canary_ask(struct canary *c, struct canary_wait *w, struct task *waiter)
{
	*w = (struct canary_wait){ .next = c->waits, .waiter = waiter };
	c->waits = w;
	task_wake(&c->task);
}

void
canary_leave(struct canary *c, struct canary_wait *w)
{
	struct canary_wait **link = &c->waits;

	while (*link != NULL && *link != w)
		link = &(*link)->next;
	if (*link != NULL)
		*link = w->next;
}
