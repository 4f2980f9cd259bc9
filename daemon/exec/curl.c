/*
 * curl: see curl.h.  libcurl tells which sockets to watch and when to call it at the
 * latest; it is never called from inside its own callbacks.  It does not drain sockets, so they
 * are watched by level.  After every action the finished transfers are collected.
 */
#include "daemon/exec/curl.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/base/log.h"
#include "daemon/engine/loop.h"
#include "daemon/engine/watch.h"
#include "proto/mem.h"

/* Responses are small or refused; 1,000 checks at a time should not cost 16 KiB each. */
#define RECEIVE_BUFFER 4096L

struct http_engine {
	struct task	 task;		/* keeps libcurl's time */
	struct loop	*loop;
	CURLM		*multi;		/* NULL before the first check */
	usec_t		 at;		/* call it then; USEC_NEVER: no need */
	usec_t		 seen;		/* the `at` that the task waits for */
};

/* One socket of libcurl's. */
struct socket_watch {
	struct watch		 watch;
	struct http_engine	*engine;
};

/* Wake those whose transfers are over. */
static void
collect(struct http_engine *h)
{
	CURLMsg *m;
	struct transfer *x;
	int left;

	while ((m = curl_multi_info_read(h->multi, &left)) != NULL) {
		if (m->msg != CURLMSG_DONE)
			continue;
		x = NULL;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &x);
		MUST(x != NULL);
		x->result = m->data.result;
		x->done = true;
		task_wake(x->waiter);
	}
}

static void
act(struct http_engine *h, curl_socket_t fd, int what)
{
	int running;
	CURLMcode r = curl_multi_socket_action(h->multi, fd, what, &running);

	if (r != CURLM_OK)
		log_error("libcurl refuses an action error=%s", curl_multi_strerror(r));
	collect(h);
}

static bool
socket_ready(struct watch *w)
{
	struct socket_watch *s = container_of(w, struct socket_watch, watch);
	int what = (w->readable ? CURL_CSELECT_IN : 0) | (w->writable ? CURL_CSELECT_OUT : 0);
	struct http_engine *h = s->engine;

	w->readable = w->writable = w->closed = false;
	/* libcurl may end the watch in here: w is not touched any more. */
	act(h, w->fd, what);
	return false;
}

static unsigned
watch_flags(int what)
{
	return WATCH_LEVEL | (what & CURL_POLL_IN ? WATCH_READ : 0u) | (what & CURL_POLL_OUT ? WATCH_WRITE : 0u);
}

/* libcurl: watch this socket so, or no more. */
static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *engine, void *watch)
{
	struct http_engine *h = engine;
	struct socket_watch *s = watch;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s != NULL) {
			watch_stop(&s->watch);
			curl_multi_assign(h->multi, fd, NULL);
			free(s);
		}
		return 0;
	}
	if (s != NULL)
		return watch_set(&s->watch, watch_flags(what)) < 0 ? -1 : 0;
	s = xcalloc(1, sizeof(*s));
	s->engine = h;
	if (watch_start(&s->watch, h->loop, fd, watch_flags(what), NULL) < 0) {
		free(s);
		return -1;
	}
	s->watch.writable = false;
	s->watch.ready = socket_ready;
	curl_multi_assign(h->multi, fd, s);
	return 0;
}

/* libcurl: call me in so many milliseconds at the latest; -1: no need. */
static int
on_timer(CURLM *multi, long ms, void *engine)
{
	struct http_engine *h = engine;

	(void)multi;
	h->at = ms < 0 ? USEC_NEVER : loop_clock(h->loop) + ms * USEC_MSEC;
	/* A later time may wait until the task's present one: no need to wake it for that. */
	if (h->at < h->seen)
		task_wake(&h->task);
	return 0;
}

/* Call libcurl when it asked to be called. */
static enum task_status
http_engine_step(struct task *t)
{
	struct http_engine *h = container_of(t, struct http_engine, task);

	TASK_BEGIN(t);
	for (;;) {
		h->seen = h->at;
		AWAIT_UNTIL(t, h->seen, h->at < h->seen);
		if (t->err == -ECANCELED)
			break;
		if (h->at > loop_clock(t->loop))
			continue;
		h->at = USEC_NEVER;
		act(h, CURL_SOCKET_TIMEOUT, 0);
	}
	TASK_END(t, 0);
}

static const struct task_kind http_engine_kind = { .name = "http", .step = http_engine_step };

struct http_engine *
http_engine_new(struct loop *l)
{
	struct http_engine *h = xcalloc(1, sizeof(*h));

	h->loop = l;
	h->at = h->seen = USEC_NEVER;
	return h;
}

void
http_engine_start(struct http_engine *h, struct task *parent)
{
	task_start(&h->task, &http_engine_kind, parent);
}

void
http_engine_free(struct http_engine *h)
{
	if (h == NULL)
		return;
	MUST(!task_alive(&h->task));
	if (h->multi != NULL) {
		curl_multi_cleanup(h->multi);
		curl_global_cleanup();
	}
	free(h);
}

static bool
engine_open(struct http_engine *h)
{
	if (h->multi != NULL)
		return true;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return false;
	h->multi = curl_multi_init();
	if (h->multi == NULL)
		return false;
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	/* A check makes its own connection: what is kept is only a cost. */
	curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, 1L);
	return true;
}

CURL *
transfer_easy(struct http_engine *h)
{
	CURL *e;

	if (!engine_open(h))
		return NULL;
	e = curl_easy_init();
	if (e == NULL)
		return NULL;
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(e, CURLOPT_BUFFERSIZE, RECEIVE_BUFFER);
	/* The daemon's environment is nobody's business. */
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	/* With a CA path Debian's libcurl loads the whole store anew for every check: 20 ms of CPU. */
	curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	return e;
}

int
transfer_start(struct transfer *x, struct http_engine *h, struct task *waiter)
{
	CURLMcode r;

	x->waiter = waiter;
	x->done = false;
	curl_easy_setopt(x->easy, CURLOPT_PRIVATE, x);
	r = curl_multi_add_handle(h->multi, x->easy);
	if (r != CURLM_OK)
		return -(int)r;
	x->added = true;
	return 0;
}

void
transfer_stop(struct transfer *x, struct http_engine *h)
{
	if (x->added)
		curl_multi_remove_handle(h->multi, x->easy);
	if (x->easy != NULL)
		curl_easy_cleanup(x->easy);
	*x = (struct transfer){ 0 };
}
