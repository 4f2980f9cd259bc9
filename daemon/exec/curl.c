/*
 * curl: see curl.h.  libcurl tells which sockets to watch and when to call it at the
 * latest; it is never called from inside its own callbacks.  After every action the finished
 * transfers are collected.
 *
 * Its sockets are in an epoll of their own, which the loop watches as one descriptor: libcurl
 * changes its mind about each socket three times a check, and this makes each one system call; and
 * there is nothing of ours that must live as long as a socket.  What epoll tells may be out of
 * date after the first action: to libcurl that is a needless call, nothing worse.
 */
#include "daemon/exec/curl.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/base/map.h"
#include "daemon/engine/loop.h"
#include "daemon/engine/strays.h"
#include "daemon/engine/watch.h"
#include "daemon/exec/receive.h"
#include "daemon/exec/trust.h"
#include "proto/mem.h"

/* Responses are small or refused; 1,000 checks at a time should not cost 16 KiB each. */
#define RECEIVE_BUFFER 4096L
#define SEND_BUFFER 16384L

/* Sockets served in one turn: each may cost a millisecond of TLS, and others wait for theirs. */
#define READY_MAX 16

/* And once so much time has gone the rest of them have another: who sends in small pieces costs some of it. */
#define READY_TIME (2 * USEC_MSEC)

/*
 * Seconds that libcurl remembers an address we gave it.  Every request brings its own, which
 * replaces what was there; so this bounds how many are kept, and how late libcurl may connect
 * once more, as it does when a server refuses a request over HTTP/2.
 */
#define ADDRESS_KEPT 30L

/* Seconds after which the bundle of certificates is read again: 20 ms of CPU. */
#define TRUST_KEPT 3600L

struct http_engine {
	struct task	 task;		/* keeps libcurl's time */
	struct loop	*loop;
	CURLM		*multi;		/* NULL before the first check */
	struct watch	 watch;		/* on the epoll of its sockets */
	struct map	 owners;	/* descriptor -> the transfer whose socket it is */
	struct epoll_event ready[READY_MAX];	/* what it told last */
	int		 ready_n, ready_i;	/* those from i on are not served yet */
	const char	*bundle;	/* the caller's; NULL: the system's */
	struct trust	*trust;		/* what jobs bring along instead; NULL before the first check */
	unsigned	 transfers;	/* under way */
	struct transfer	*first, *last;	/* to be begun, in their order */
	bool		 idle;		/* the last of them has just ended: wait for nothing */
	usec_t		 at;		/* call it then; USEC_NEVER: no need */
	usec_t		 seen;		/* the `at` that the task waits for */
};

/* libcurl must not be told when a transfer is over by our judgement: it would give up all the others, too. */
static void
end(struct transfer *x, CURLcode result)
{
	x->result = result;
	x->done = true;
	task_wake(x->waiter);
}

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
		if (!x->done)
			end(x, m->data.result);
	}
}

/* So much has come for whoever has this socket; more than an answer can be is none. */
static void
count_received(void *engine, int fd, size_t n)
{
	const struct http_engine *h = engine;
	struct transfer *x = map_get(&h->owners, fd);

	if (x == NULL || x->done)
		return;
	x->received += n;
	if (x->received_max == 0 || x->received <= x->received_max)
		return;
	x->flooded = true;
	end(x, CURLE_ABORTED_BY_CALLBACK);
}

static void
act(struct http_engine *h, curl_socket_t fd, int what)
{
	int running;
	CURLMcode r;

	receive_allow(RECEIVE_MAX, count_received, h);
	r = curl_multi_socket_action(h->multi, fd, what, &running);
	receive_allow_all();
	if (r != CURLM_OK)
		log_error("libcurl refuses an action error=%s", curl_multi_strerror(r));
}

static bool
sockets_ready(struct watch *w)
{
	struct http_engine *h = container_of(w, struct http_engine, watch);
	usec_t until = loop_clock(h->loop) + READY_TIME;
	const struct epoll_event *e;

	w->readable = false;
	/* What is left goes first: epoll would tell of the others before it. */
	if (h->ready_i >= h->ready_n) {
		h->ready_n = epoll_wait(w->fd, h->ready, READY_MAX, 0);
		h->ready_i = 0;
	}
	while (h->ready_i < h->ready_n) {
		e = &h->ready[h->ready_i++];
		/* An error is found by reading or writing, whichever is awaited. */
		act(h, e->data.fd, (e->events & ~(unsigned)EPOLLOUT ? CURL_CSELECT_IN : 0) |
		    (e->events & ~(unsigned)EPOLLIN ? CURL_CSELECT_OUT : 0));
		if (h->ready_i < h->ready_n && loop_clock(h->loop) > until)
			break;
	}
	collect(h);
	return false;
}

/* The kernel refuses to watch: this transfer is over. */
static void
fail_watch(CURL *easy, int error)
{
	struct transfer *x = NULL;

	log_warning("a check cannot watch its socket error=%s, ending it", strerror(error));
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &x);
	if (x == NULL || x->done)
		return;
	x->local_error = error;
	end(x, CURLE_ABORTED_BY_CALLBACK);
}

static void
forget_socket(struct http_engine *h, struct transfer *x)
{
	if (map_get(&h->owners, x->fd) == x)
		(void)map_remove(&h->owners, x->fd);
	x->fd = 0;
}

static void
remember_socket(struct http_engine *h, CURL *easy, int fd)
{
	struct transfer *x = NULL;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &x);
	if (x == NULL || fd <= 0)
		return;
	/* Of two addresses that are tried at a time the one that answers is told last. */
	forget_socket(h, x);
	x->fd = fd;
	map_set(&h->owners, fd, x);
}

/* libcurl: watch this socket so, or no more.  `known` is not NULL once it is watched. */
static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *engine, void *known)
{
	struct http_engine *h = engine;
	struct epoll_event event = { .data.fd = fd };
	struct transfer *x;

	if (what == CURL_POLL_REMOVE) {
		/* Closing is not enough: a copy in a child would keep it here. */
		(void)epoll_ctl(h->watch.fd, EPOLL_CTL_DEL, fd, NULL);
		strays_release(h->loop, fd);
		x = map_remove(&h->owners, fd);
		if (x != NULL)
			x->fd = 0;
		return 0;
	}
	strays_hold(h->loop, fd);
	remember_socket(h, easy, fd);
	event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) |
	    (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
	if (epoll_ctl(h->watch.fd, known != NULL ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) == 0)
		curl_multi_assign(h->multi, fd, h);
	else
		fail_watch(easy, errno);
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

static void
unlink_waiting(struct http_engine *h, struct transfer *x)
{
	if (x->prev != NULL)
		x->prev->next = x->next;
	else
		h->first = x->next;
	if (x->next != NULL)
		x->next->prev = x->prev;
	else
		h->last = x->prev;
	x->next = x->prev = NULL;
	x->waits = false;
}

/*
 * One at a time: libcurl does the first part of each, to the TLS handshake if it can, in the next action, of all
 * in one; and a hundred that come due at once would hold up the loop for a second.
 */
static void
begin_next(struct http_engine *h)
{
	struct transfer *x = h->first;

	if (x == NULL)
		return;
	unlink_waiting(h, x);
	if (curl_multi_add_handle(h->multi, x->easy) != CURLM_OK) {
		end(x, CURLE_FAILED_INIT);
		return;
	}
	x->added = true;
	h->transfers++;
	task_wake(x->waiter);
}

/* Call libcurl when it asked to be called. */
static enum task_status
http_engine_step(struct task *t)
{
	struct http_engine *h = container_of(t, struct http_engine, task);

	TASK_BEGIN(t);
	for (;;) {
		h->seen = h->at;
		h->idle = false;
		AWAIT_UNTIL(t, h->first != NULL ? 0 : h->seen, h->at < h->seen || h->idle ||
		    h->first != NULL);
		if (t->err == -ECANCELED)
			break;
		begin_next(h);
		if (h->at > loop_clock(t->loop))
			continue;
		h->at = USEC_NEVER;
		act(h, CURL_SOCKET_TIMEOUT, 0);
		collect(h);
		/* It may want to be called again at once, and again: the others have their turn. */
		TASK_YIELD(t);
	}
	TASK_END(t, 0);
}

static void
http_engine_describe(const struct task *t, char *out, size_t n)
{
	const struct http_engine *h = container_of(t, struct http_engine, task);

	(void)snprintf(out, n, "%s", h->at == USEC_NEVER ? "a check" : "libcurl's time");
}

static const struct task_kind http_engine_kind = { .name = "http", .step = http_engine_step,
    .describe = http_engine_describe };

struct http_engine *
http_engine_new(struct loop *l)
{
	struct http_engine *h = xcalloc(1, sizeof(*h));

	h->loop = l;
	h->at = h->seen = USEC_NEVER;
	return h;
}

void
http_engine_trust(struct http_engine *h, const char *bundle)
{
	MUST(h->multi == NULL);
	h->bundle = bundle;
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
		trust_free(h->trust);
		curl_multi_cleanup(h->multi);
		curl_global_cleanup();
		watch_stop(&h->watch);
		close(h->watch.fd);
	}
	map_done(&h->owners);
	free(h);
}

/* The epoll that its sockets will be in, watched by level: a turn may leave some.  0 or -errno. */
static int
watch_sockets(struct http_engine *h)
{
	int fd = epoll_create1(EPOLL_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = watch_start(&h->watch, h->loop, fd, WATCH_READ | WATCH_LEVEL, NULL);
	if (r < 0) {
		close(fd);
		return r;
	}
	h->watch.ready = sockets_ready;
	return 0;
}

static bool
engine_open(struct http_engine *h)
{
	if (h->multi != NULL)
		return true;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return false;
	h->multi = curl_multi_init();
	if (h->multi == NULL || watch_sockets(h) < 0) {
		curl_multi_cleanup(h->multi);
		h->multi = NULL;
		curl_global_cleanup();
		return false;
	}
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	h->trust = trust_new();
	/* A check makes its own connection: what is kept is only a cost. */
	curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, 1L);
	strays_accept(h->loop);
	return true;
}

/* The names of a check are looked up by the engine's dns; libcurl would start a thread for it. */
static int
refuse_resolver(void *state, void *reserved, void *unused)
{
	(void)state;
	(void)reserved;
	(void)unused;
	return 1;
}

/* libcurl's own would not close it on exec, and would not tell why there is none. */
static curl_socket_t
open_socket(void *transfer, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct transfer *x = transfer;
	int fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);

	(void)purpose;
	if (fd < 0) {
		x->local_error = errno;
		return CURL_SOCKET_BAD;
	}
	return fd;
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
	curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, SEND_BUFFER);
	curl_easy_setopt(e, CURLOPT_DNS_CACHE_TIMEOUT, ADDRESS_KEPT);
	curl_easy_setopt(e, CURLOPT_RESOLVER_START_FUNCTION, refuse_resolver);
	/* The daemon's environment is nobody's business. */
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	/* With a CA path Debian's libcurl loads the whole store for every check: 20 ms of CPU. */
	curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(e, CURLOPT_CA_CACHE_TIMEOUT, TRUST_KEPT);
	if (h->bundle != NULL)
		curl_easy_setopt(e, CURLOPT_CAINFO, h->bundle);
	return e;
}

/* libcurl, before the handshake: it has made the context for this connection alone. */
static CURLcode
on_context(CURL *e, void *context, void *transfer)
{
	struct transfer *x = transfer;

	(void)e;
	if (x->store != NULL)
		SSL_CTX_set1_cert_store(context, x->store);
	if (x->on_tls != NULL)
		x->on_tls(x, context);
	return CURLE_OK;
}

void
transfer_trust(struct transfer *x, struct http_engine *h, const char *pem)
{
	struct curl_blob ca = { .data = (char *)(uintptr_t)pem, .len = strlen(pem), .flags = CURL_BLOB_NOCOPY };

	x->store = trust_store(h->trust, pem);
	/* libcurl says in words why they cannot be read. */
	if (x->store == NULL) {
		curl_easy_setopt(x->easy, CURLOPT_CAINFO_BLOB, &ca);
		return;
	}
	/* It is to read nothing itself, nor to keep that in the place of the system's, which it has read for all. */
	curl_easy_setopt(x->easy, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(x->easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
}

void
transfer_start(struct transfer *x, struct http_engine *h, struct task *waiter)
{
	x->waiter = waiter;
	x->done = false;
	curl_easy_setopt(x->easy, CURLOPT_PRIVATE, x);
	curl_easy_setopt(x->easy, CURLOPT_ERRORBUFFER, x->error);
	curl_easy_setopt(x->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(x->easy, CURLOPT_OPENSOCKETDATA, x);
	curl_easy_setopt(x->easy, CURLOPT_SSL_CTX_FUNCTION, on_context);
	curl_easy_setopt(x->easy, CURLOPT_SSL_CTX_DATA, x);
	x->waits = true;
	x->prev = h->last;
	x->next = NULL;
	if (h->last != NULL)
		h->last->next = x;
	else
		h->first = x;
	h->last = x;
	task_wake(&h->task);
}

void
transfer_stop(struct transfer *x, struct http_engine *h)
{
	if (x->waits)
		unlink_waiting(h, x);
	if (x->added) {
		curl_multi_remove_handle(h->multi, x->easy);
		MUST(h->transfers > 0);
		/* What libcurl once asked for must not wake a loop that has nothing to do. */
		if (--h->transfers == 0) {
			h->at = USEC_NEVER;
			h->idle = h->seen != USEC_NEVER;
			if (h->idle)
				task_wake(&h->task);
		}
	}
	if (x->easy != NULL)
		curl_easy_cleanup(x->easy);
	X509_STORE_free(x->store);
	forget_socket(h, x);
	*x = (struct transfer){ 0 };
}

/* ---- failures in words ---- */

/* libcurl's own words are for programmers; these are for whoever reads the list of jobs. */
static const struct {
	CURLcode	 code;
	const char	*words;
} plain_words[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, "the host's name cannot be used" },
	{ CURLE_GOT_NOTHING, "the server closed the connection without an answer" },
	{ CURLE_PARTIAL_FILE, "the connection was closed before the end of the answer" },
	{ CURLE_UNSUPPORTED_PROTOCOL, "the answer is not HTTP" },
	{ CURLE_WEIRD_SERVER_REPLY, "the answer makes no sense as HTTP" },
	{ CURLE_OUT_OF_MEMORY, "the answer's headers are too long" },
};

static char *
clean(char *text)
{
	size_t n = strlen(text);

	for (char *p = text; *p != '\0'; p++) {
		if (*p < ' ' || *p > '~')
			*p = '?';
	}
	while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '.'))
		text[--n] = '\0';
	return text;
}

/* "Connection refused" in the midst of a sentence. */
static char *
errno_words(int error)
{
	char *words = xstrdup(strerror(error));

	words[0] = (char)tolower((unsigned char)words[0]);
	return words;
}

static bool
fault_is_ours(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS ||
	    error == ENOSPC;
}

/* "OpenSSL/3.0: error:0A00010B:SSL routines::wrong version number": its end. */
static const char *
openssl_words(const char *text)
{
	const char *p = strstr(text, "error:");

	for (int i = 0; i < 4 && p != NULL; i++) {
		p = strchr(p, ':');
		p = p != NULL ? p + 1 : NULL;
	}
	return p != NULL ? p : text;
}

static char *
tls_reason(const struct transfer *x)
{
	static const char problem[] = "SSL certificate problem: ";

	if (x->result == CURLE_PEER_FAILED_VERIFICATION) {
		if (strncmp(x->error, problem, strlen(problem)) == 0)
			return xasprintf("its certificate is not accepted: %s",
			    x->error + strlen(problem));
		if (strstr(x->error, "does not match") != NULL ||
		    strstr(x->error, "subject name") != NULL)
			return xstrdup("its certificate is for another name");
		return xasprintf("its certificate is not accepted: %s", x->error);
	}
	if (strstr(x->error, "SSL_ERROR_SYSCALL") != NULL ||
	    strstr(x->error, "reset by peer") != NULL || strstr(x->error, "unexpected eof") != NULL)
		return xstrdup("the server closed the connection in the TLS handshake");
	return xasprintf("the TLS handshake failed: %s",
	    x->error[0] != '\0' ? openssl_words(x->error) : curl_easy_strerror(x->result));
}

/* What the server says of us in a TLS alert; with TLS 1.3 that comes only after the handshake. */
static const struct {
	const char	*alert, *words;
} alerts[] = {
	{ "alert certificate required", "the server wants a client certificate" },
	{ "alert unknown ca", "the server does not accept the client certificate" },
	{ "alert bad certificate", "the server does not accept the client certificate" },
	{ "alert certificate unknown", "the server does not accept the client certificate" },
	{ "alert certificate expired", "the server does not accept the client certificate: it has expired" },
	{ "alert certificate revoked", "the server does not accept the client certificate: it is revoked" },
	{ "alert access denied", "the server does not accept the client certificate" },
};

static const char *
alert_words(const struct transfer *x)
{
	for (size_t i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++) {
		if (strstr(x->error, alerts[i].alert) != NULL)
			return alerts[i].words;
	}
	return NULL;
}

bool
transfer_alerted(const struct transfer *x)
{
	return strstr(x->error, " alert ") != NULL;
}

/* What went wrong in TLS after the handshake: "OpenSSL SSL_read: OpenSSL/3.0: error:...::words, errno 0". */
static char *
broken_tls(const struct transfer *x)
{
	const char *words = openssl_words(x->error);

	if (strstr(words, "unexpected eof") != NULL)
		return xstrdup("the connection was closed before the end of the answer");
	return xasprintf("the TLS connection is broken: %.*s", (int)strcspn(words, ","), words);
}

/* Where libcurl and its HTTP/2 have words of their own, by a part of these; or the code, when there are none. */
static const struct {
	CURLcode	 code;		/* CURLE_OK: any */
	const char	*part, *words;
} http2_words[] = {
	{ CURLE_OK, "Too many CONTINUATION", "the answer's headers do not end" },
	{ CURLE_OK, "user callback function failed", "the answer's headers are too long" },
	{ CURLE_OK, "Flooding was detected", "the server floods the HTTP/2 connection with what is no answer" },
	{ CURLE_OK, "tried 5 times", "the server refused the request over HTTP/2, and each time it was tried again" },
	/* To try again it needs the address that it has forgotten meanwhile. */
	{ CURLE_COULDNT_RESOLVE_HOST, "", "the server refused the request over HTTP/2" },
	{ CURLE_HTTP2, "", "the server ended the HTTP/2 connection without an answer" },
	/* When the server has closed it libcurl says so: it was libcurl itself that would not go on. */
	{ CURLE_GOT_NOTHING, "", "the answer makes no sense as HTTP/2" },
	{ CURLE_SEND_ERROR, "", "the server takes no more over HTTP/2, and gave no answer" },
};

/* "HTTP/2 stream 1 was not closed cleanly: INTERNAL_ERROR (err 2)": whoever found the error. */
static char *
http2_stream_reason(const struct transfer *x)
{
	static const char middle[] = "was not closed cleanly: ";
	const char *code = strstr(x->error, middle);

	if (code == NULL)
		return NULL;
	code += strlen(middle);
	return xasprintf("the answer was broken off by an error of HTTP/2: %.*s", (int)strcspn(code, " "), code);
}

/* NULL: it is none of HTTP/2. */
static char *
http2_reason(const struct transfer *x)
{
	char *text = http2_stream_reason(x);

	if (text != NULL || !x->http2)
		return text;
	for (size_t i = 0; i < sizeof(http2_words) / sizeof(http2_words[0]); i++) {
		if ((http2_words[i].code == CURLE_OK || http2_words[i].code == x->result) &&
		    strstr(x->error, http2_words[i].part) != NULL)
			return xstrdup(http2_words[i].words);
	}
	return strstr(x->error, "nghttp2_") != NULL ? xstrdup("the answer makes no sense as HTTP/2") : NULL;
}

static char *
plain_reason(const struct transfer *x)
{
	for (size_t i = 0; i < sizeof(plain_words) / sizeof(plain_words[0]); i++) {
		if (plain_words[i].code == x->result)
			return xstrdup(plain_words[i].words);
	}
	return xstrdup(x->error[0] != '\0' ? x->error : curl_easy_strerror(x->result));
}

char *
transfer_reason(const struct transfer *x, bool *ours)
{
	long error = 0;
	char *text;

	curl_easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &error);
	/* A family that this host does not have: another address may have been tried as well. */
	if (x->result == CURLE_ABORTED_BY_CALLBACK || (error == 0 && x->local_error != 0))
		error = x->local_error;
	*ours = fault_is_ours((int)error);
	if (x->flooded)
		return xasprintf("the server has sent more than %llu MiB, and that is no answer yet",
		    (unsigned long long)(x->received_max >> 20));
	if (alert_words(x) != NULL)
		text = xstrdup(alert_words(x));
	else if (x->result == CURLE_PEER_FAILED_VERIFICATION || x->result == CURLE_SSL_CONNECT_ERROR)
		text = tls_reason(x);
	else if ((x->result == CURLE_RECV_ERROR || x->result == CURLE_SEND_ERROR) &&
	    (error == ECONNRESET || error == EPIPE || strstr(x->error, "reset by peer") != NULL))
		text = xstrdup("connection reset by the server");
	else if ((x->result == CURLE_RECV_ERROR || x->result == CURLE_SEND_ERROR) &&
	    strstr(x->error, "SSL routines") != NULL)
		text = broken_tls(x);
	else if ((text = http2_reason(x)) != NULL)
		return clean(text);
	else if ((x->result == CURLE_COULDNT_CONNECT || x->result == CURLE_ABORTED_BY_CALLBACK) &&
	    error != 0)
		text = errno_words((int)error);
	else
		text = plain_reason(x);
	return clean(text);
}
