/*
 * http: a check: one request, redirects followed hop by hop, a verdict in words.
 *
 * Names are resolved by the engine's dns and handed to libcurl (CURLOPT_RESOLVE), for every hop, so
 * that it never starts a thread of its own.  Where the time went is told by phase, summed over the hops.
 */
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <arpa/inet.h>

#include "daemon/engine/dns.h"
#include "daemon/engine/loop.h"
#include "daemon/exec/curl.h"
#include "daemon/exec/exec.h"
#include "daemon/exec/executors.h"
#include "proto/mem.h"

/* ---- limits with a name ---- */
#define REDIRECTS_MAX		10
#define BODY_READ_MAX		((int64_t)16 << 20)	/* a longer answer fails the check */
#define HEADER_BYTES_READ_MAX	((size_t)256 * 1024)

struct http_frame {
	struct exec		 exec;
	struct dns_lookup	 lookup;
	struct transfer		 transfer;
	struct curl_slist	*headers, *resolve;
	char			*url;		/* of this hop */
	char			*host;
	char			*port;
	char			 error[CURL_ERROR_SIZE];
	struct phases		 sum;
	usec_t			 deadline, began, hop_began;
	int64_t			 body_bytes;
	size_t			 header_bytes;
	int			 hops;
	bool			 as_get;	/* a 303 turned the request into a GET */
	bool			 too_long;
};

static void
set_reason(struct run_info *r, enum run_state state, char *reason)
{
	r->state = (int)state;
	free(r->reason);
	r->reason = reason;
}

/* Split the hop's URL into host and port.  False when it has none. */
static bool
split_url(struct http_frame *f)
{
	CURLU *u = curl_url();
	char *host = NULL, *port = NULL, *scheme = NULL;
	bool ok;

	ok = u != NULL && curl_url_set(u, CURLUPART_URL, f->url, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	    (strcasecmp(scheme, "http") == 0 || strcasecmp(scheme, "https") == 0) &&
	    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK;
	free(f->host);
	free(f->port);
	f->host = ok ? xstrdup(host) : NULL;
	f->port = ok ? xstrdup(port) : NULL;
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
	return ok;
}

/* "+host:port:addr,addr": what libcurl is to take for the name; it expires. */
static char *
resolve_entry(const struct http_frame *f)
{
	char text[INET6_ADDRSTRLEN + 1], *entry, *longer;
	const struct sockaddr *a;
	const void *address;

	entry = xasprintf("+%s:%s:", f->host, f->port);
	for (unsigned i = 0; i < f->lookup.n; i++) {
		a = (const struct sockaddr *)&f->lookup.addresses[i];
		if (a->sa_family == AF_INET6)
			address = &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;
		else
			address = &((const struct sockaddr_in *)(const void *)a)->sin_addr;
		if (inet_ntop(a->sa_family, address, text, sizeof(text)) == NULL)
			continue;
		longer = xasprintf("%s%s%s%s%s", entry, i > 0 ? "," : "", a->sa_family == AF_INET6 ? "[" : "", text,
		    a->sa_family == AF_INET6 ? "]" : "");
		free(entry);
		entry = longer;
	}
	return entry;
}

/* The name to look up: an IPv6 address loses its brackets. */
static char *
lookup_name(const struct http_frame *f)
{
	size_t n = strlen(f->host);

	if (f->host[0] == '[' && n > 2)
		return xstrndup(f->host + 1, n - 2);
	return xstrdup(f->host);
}

static void
stamp_first(struct http_frame *f)
{
	struct run_info *r = f->exec.run;

	if (!instant_is_set(r->first_output))
		r->first_output = loop_wall(f->exec.task.loop);
}

/* The body is counted, not kept. */
static size_t
on_body(char *bytes, size_t size, size_t n, void *frame)
{
	struct http_frame *f = frame;

	(void)bytes;
	stamp_first(f);
	f->body_bytes += (int64_t)(size * n);
	if (f->body_bytes > BODY_READ_MAX) {
		f->too_long = true;
		return 0;
	}
	return size * n;
}

static size_t
on_header(char *bytes, size_t size, size_t n, void *frame)
{
	struct http_frame *f = frame;

	(void)bytes;
	stamp_first(f);
	f->header_bytes += size * n;
	if (f->header_bytes > HEADER_BYTES_READ_MAX) {
		f->too_long = true;
		return 0;
	}
	return size * n;
}

static void
set_request(struct http_frame *f, CURL *e)
{
	const struct http_spec *s = f->exec.spec->http;
	const char *method = s->method == NULL || f->as_get ? "GET" : s->method;

	if (strcmp(method, "HEAD") == 0)
		curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
	else if (s->body != NULL && !f->as_get) {
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)strlen(s->body));
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, s->body);
	}
	if (strcmp(method, "HEAD") != 0)
		curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, method);
	for (size_t i = 0; i < s->headers.n; i++) {
		/* What was meant for the first host alone stays with it. */
		if (f->hops > 0 && (strncasecmp(s->headers.items[i], "Authorization:", 14) == 0 ||
		    strncasecmp(s->headers.items[i], "Cookie:", 7) == 0 ||
		    strncasecmp(s->headers.items[i], "Host:", 5) == 0))
			continue;
		f->headers = curl_slist_append(f->headers, s->headers.items[i]);
	}
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, f->headers);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "jobd/" JOBD_VERSION);
}

/* Set up and send this hop's request.  False when libcurl refuses. */
static bool
send_hop(struct http_frame *f)
{
	struct exec_world *w = f->exec.world;
	CURL *e = transfer_easy(w->http);
	char *entry;

	f->transfer.easy = e;
	if (e == NULL)
		return false;
	entry = resolve_entry(f);
	f->resolve = curl_slist_append(NULL, entry);
	free(entry);
	curl_easy_setopt(e, CURLOPT_RESOLVE, f->resolve);
	curl_easy_setopt(e, CURLOPT_URL, f->url);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, f->error);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, f);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, f);
	/* Ours is the deadline; libcurl's own would only add a timer. */
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(DURATION_MAX / USEC_MSEC / 1000));
	if (f->exec.spec->http->insecure) {
		curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	set_request(f, e);
	return transfer_start(&f->transfer, w->http, &f->exec.task) == 0;
}

/* Add this hop's times to the phases.  libcurl's are counted from the hop's start, each to its end. */
static void
add_phases(struct http_frame *f)
{
	CURL *e = f->transfer.easy;
	curl_off_t connect = 0, tls = 0, pre = 0, start = 0, total = 0, dns = 0;

	curl_easy_getinfo(e, CURLINFO_NAMELOOKUP_TIME_T, &dns);
	curl_easy_getinfo(e, CURLINFO_CONNECT_TIME_T, &connect);
	curl_easy_getinfo(e, CURLINFO_APPCONNECT_TIME_T, &tls);
	curl_easy_getinfo(e, CURLINFO_PRETRANSFER_TIME_T, &pre);
	curl_easy_getinfo(e, CURLINFO_STARTTRANSFER_TIME_T, &start);
	curl_easy_getinfo(e, CURLINFO_TOTAL_TIME_T, &total);
	if (connect > dns)
		f->sum.connect += connect - dns;
	if (tls > connect)
		f->sum.tls += tls - connect;
	if (pre > (tls > connect ? tls : connect))
		f->sum.send += pre - (tls > connect ? tls : connect);
	if (start > pre)
		f->sum.wait += start - pre;
	if (start > 0 && total > start)
		f->sum.receive += total - start;
}

/* Where it stood when it had to stop. */
static const char *
phase_now(struct http_frame *f)
{
	curl_off_t connect = 0, tls = 0, start = 0;

	if (f->transfer.easy == NULL)
		return "while its name was looked up";
	curl_easy_getinfo(f->transfer.easy, CURLINFO_CONNECT_TIME_T, &connect);
	curl_easy_getinfo(f->transfer.easy, CURLINFO_APPCONNECT_TIME_T, &tls);
	curl_easy_getinfo(f->transfer.easy, CURLINFO_STARTTRANSFER_TIME_T, &start);
	if (connect == 0)
		return "while connecting";
	if (strncasecmp(f->url, "https", 5) == 0 && tls == 0)
		return "in the TLS handshake";
	if (start == 0)
		return "while waiting for the answer";
	return "while receiving";
}

static void
end_hop(struct http_frame *f)
{
	dns_lookup_stop(&f->lookup);
	transfer_stop(&f->transfer, f->exec.world->http);
	curl_slist_free_all(f->headers);
	curl_slist_free_all(f->resolve);
	f->headers = f->resolve = NULL;
}

/* The answer is a redirect that is to be followed: prepare the next hop. */
static bool
redirect(struct http_frame *f, long status)
{
	char *next = NULL;

	if (f->exec.spec->http->no_redirect || status < 300 || status > 399)
		return false;
	curl_easy_getinfo(f->transfer.easy, CURLINFO_REDIRECT_URL, &next);
	if (next == NULL)
		return false;
	next = xstrdup(next);
	free(f->url);
	f->url = next;
	/* RFC 9110, 15.4: 303 makes it a GET, and so do 301 and 302 of a POST, by custom. */
	if (status == 303 || (status < 303 && f->exec.spec->http->method != NULL &&
	    strcmp(f->exec.spec->http->method, "POST") == 0))
		f->as_get = true;
	return true;
}

/* Why there is no answer, in words: libcurl's say little when it could not connect. */
static const char *
failure(struct http_frame *f)
{
	long number = 0;

	if (f->transfer.result == CURLE_COULDNT_CONNECT)
		curl_easy_getinfo(f->transfer.easy, CURLINFO_OS_ERRNO, &number);
	if (number > 0)
		return strerror((int)number);
	return f->error[0] != '\0' ? f->error : curl_easy_strerror(f->transfer.result);
}

/* The last hop's answer is there, or what kept it from coming: the outcome. */
static void
judge(struct http_frame *f, long status)
{
	struct run_info *r = f->exec.run;
	const struct http_spec *s = f->exec.spec->http;
	const char *expect = s->expect != NULL ? s->expect : "200-299";

	r->http_status = status;
	r->verdict = VERDICT_DOWN;
	if (f->too_long)
		set_reason(r, RUN_FAILED, xasprintf("%s: the answer is longer than is read of one", f->url));
	else if (f->transfer.result != CURLE_OK)
		set_reason(r, RUN_FAILED, xasprintf("%s: %s", f->url, failure(f)));
	else if (!status_set_has(expect, (int)status))
		set_reason(r, RUN_FAILED, xasprintf("%s: status %ld, expected %s", f->url, status, expect));
	else {
		r->verdict = VERDICT_UP;
		set_reason(r, RUN_SUCCEEDED, NULL);
	}
}

/* It ended before there was an answer: cancelled by a person, or out of time. */
static void
give_up(struct http_frame *f)
{
	struct run_info *r = f->exec.run;
	char limit[WHEN_TEXT_MAX];

	if (f->exec.cancel) {
		set_reason(r, RUN_CANCELED, NULL);
		return;
	}
	duration_print(f->deadline - f->began, limit);
	r->verdict = VERDICT_DOWN;
	set_reason(r, RUN_TIMED_OUT, xasprintf("%s: no answer within %s, stopped %s", f->url, limit, phase_now(f)));
}

static void
begin(struct http_frame *f)
{
	usec_t limit = f->exec.spec->timeout;
	struct loop *l = f->exec.task.loop;

	f->began = loop_clock(l);
	f->deadline = f->began + (limit > 0 ? limit : HTTP_TIMEOUT_DEFAULT);
	f->exec.run->spawned = loop_wall(l);
	f->sum.queue = instant_since(f->exec.run->spawned, f->exec.run->due);
	if (f->sum.queue < 0)
		f->sum.queue = 0;
	f->url = xstrdup(f->exec.spec->http->url);
}

static void
finish(struct http_frame *f)
{
	struct run_info *r = f->exec.run;
	struct loop *l = f->exec.task.loop;

	if (r->state != RUN_RUNNING) {
		r->exited = loop_wall(l);
		f->sum.total = loop_clock(l) - f->began;
		if (r->phases == NULL)
			r->phases = xcalloc(1, sizeof(*r->phases));
		*r->phases = f->sum;
	}
	end_hop(f);
	free(f->url);
	free(f->host);
	free(f->port);
	f->url = f->host = f->port = NULL;
}

static void
start_lookup(struct http_frame *f)
{
	char *name = lookup_name(f);

	f->hop_began = loop_clock(f->exec.task.loop);
	dns_lookup_start(&f->lookup, f->exec.world->dns, name, AF_UNSPEC, &f->exec.task);
	free(name);
}

/* Was the hop's answer a redirect that leads on?  Else the check is over, and judged. */
static bool
leads_on(struct http_frame *f)
{
	long status = 0;

	add_phases(f);
	curl_easy_getinfo(f->transfer.easy, CURLINFO_RESPONSE_CODE, &status);
	if (f->transfer.result != CURLE_OK || !redirect(f, status)) {
		judge(f, status);
		return false;
	}
	if (++f->hops > REDIRECTS_MAX) {
		f->exec.run->http_status = status;
		f->exec.run->verdict = VERDICT_DOWN;
		set_reason(f->exec.run, RUN_FAILED, xasprintf("%s: more than %d redirects", f->url, REDIRECTS_MAX));
		return false;
	}
	return true;
}

static void
fail(struct http_frame *f, const char *why)
{
	f->exec.run->verdict = VERDICT_DOWN;
	set_reason(f->exec.run, RUN_FAILED, xasprintf("%s: %s", f->url, why));
}

/* Look the name up, send, wait; once more for each redirect. */
static enum task_status
http_step(struct task *t)
{
	struct http_frame *f = container_of(t, struct http_frame, exec.task);

	TASK_BEGIN(t);
	begin(f);
	for (;;) {
		if (!split_url(f)) {
			fail(f, "not an http or https URL with a host");
			break;
		}
		start_lookup(f);
		AWAIT_UNTIL(t, f->deadline, f->lookup.done || f->exec.cancel);
		if (t->err == -ECANCELED)
			break;
		if (t->err != 0 || f->exec.cancel) {
			give_up(f);
			break;
		}
		f->sum.dns += loop_clock(t->loop) - f->hop_began;
		if (f->lookup.error != 0 || f->lookup.n == 0) {
			fail(f, f->lookup.error != 0 ? dns_error(f->lookup.error) : "the name has no address");
			break;
		}
		if (!send_hop(f)) {
			fail(f, "libcurl refuses the request");
			break;
		}
		AWAIT_UNTIL(t, f->deadline, f->transfer.done || f->exec.cancel);
		if (t->err == -ECANCELED)
			break;
		if (t->err != 0 || !f->transfer.done) {
			add_phases(f);
			give_up(f);
			break;
		}
		if (!leads_on(f))
			break;
		end_hop(f);
	}
	/* Cancelled by the daemon's stop: the state is still running, the next daemon repeats the check. */
	finish(f);
	TASK_END(t, 0);
}

static void
http_describe(const struct task *t, char *out, size_t n)
{
	const struct http_frame *f = container_of(t, struct http_frame, exec.task);

	if (f->transfer.easy != NULL)
		snprintf(out, n, "the answer of %s", f->url);
	else if (f->host != NULL)
		snprintf(out, n, "the address of %s", f->host);
}

static const struct task_kind http_kind = { .name = "http check", .step = http_step, .describe = http_describe };

const struct executor executor_http = { .frame_size = sizeof(struct http_frame), .kind = &http_kind };
