/*
 * http: a check: one request, redirects followed hop by hop, a verdict in words.
 *
 * Names are resolved by the engine's dns and handed to libcurl (CURLOPT_RESOLVE), for every hop, so
 * that it never starts a thread of its own.  Where the time went is told by phase, summed over
 * the hops.
 *
 * What is told never holds credentials: they are cut out of the URL, as is its query.
 */
#include <errno.h>
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
#include "daemon/exec/url.h"
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
	struct url		 url;		/* of this hop */
	struct phases		 sum;
	usec_t			 deadline, began, hop_began;
	usec_t			 tls_began;	/* after the hop's start; 0: not yet */
	int64_t			 body_bytes;
	size_t			 header_bytes;
	int			 hops;
	bool			 as_get;	/* a redirect turned the request into a GET */
	bool			 away;		/* a redirect led to another scheme, host or port */
	const char		*too_long;	/* what is: in words */
};

/* ---- the outcome ---- */

static void
set_outcome(struct http_frame *f, enum run_state state, enum verdict verdict, char *reason)
{
	struct run_info *r = f->exec.run;

	r->state = (int)state;
	r->verdict = (int)verdict;
	free(r->reason);
	r->reason = reason;
}

static void
fail(struct http_frame *f, const char *why)
{
	set_outcome(f, RUN_FAILED, VERDICT_DOWN, xasprintf("%s: %s", f->url.told, why));
}

/* The request could not even be made: that tells nothing about the other side. */
static void
fail_here(struct http_frame *f, const char *why)
{
	set_outcome(f, RUN_FAILED, VERDICT_INCONCLUSIVE, xasprintf("%s: %s", f->url.told, why));
}

static void
judge_failure(struct http_frame *f)
{
	bool ours;
	char *why;

	if (f->too_long != NULL) {
		fail(f, f->too_long);
		return;
	}
	why = transfer_reason(&f->transfer, &ours);
	if (ours)
		fail_here(f, why);
	else
		fail(f, why);
	free(why);
}

/* The last hop's answer is there, or what kept it from coming: the outcome. */
static void
judge(struct http_frame *f, long status)
{
	const struct http_spec *s = f->exec.spec->http;
	const char *expect = s->expect != NULL ? s->expect : "200-299";

	if (f->transfer.result != CURLE_OK)
		judge_failure(f);
	else if (!status_set_has(expect, (int)status))
		set_outcome(f, RUN_FAILED, VERDICT_DOWN,
		    xasprintf("%s: status %ld, expected %s", f->url.told, status, expect));
	else
		set_outcome(f, RUN_SUCCEEDED, VERDICT_UP, NULL);
}

/* ---- where the time goes ---- */

enum stage { STAGE_CONNECT, STAGE_TLS, STAGE_SEND, STAGE_WAIT, STAGE_RECEIVE, STAGE_COUNT };

/* libcurl's times, from its start to each stage's end.  Returns the stage not yet at its end. */
static enum stage
stage_ends(const struct http_frame *f, curl_off_t ends[STAGE_RECEIVE])
{
	static const CURLINFO infos[STAGE_RECEIVE] = {
		CURLINFO_CONNECT_TIME_T, CURLINFO_APPCONNECT_TIME_T,
		CURLINFO_PRETRANSFER_TIME_T, CURLINFO_STARTTRANSFER_TIME_T,
	};

	for (int i = 0; i < STAGE_RECEIVE; i++) {
		ends[i] = 0;
		if (i == STAGE_TLS && !f->url.secure)
			ends[i] = ends[STAGE_CONNECT];
		else if (i == STAGE_CONNECT && f->url.secure)
			ends[i] = f->tls_began;
		else
			curl_easy_getinfo(f->transfer.easy, infos[i], &ends[i]);
		if (ends[i] == 0)
			return (enum stage)i;
	}
	return STAGE_RECEIVE;
}

/* Add this hop's times to the phases; the stage it stands in lasts until now. */
static void
add_phases(struct http_frame *f)
{
	usec_t *sums[STAGE_COUNT] = {
		&f->sum.connect, &f->sum.tls, &f->sum.send, &f->sum.wait, &f->sum.receive,
	};
	curl_off_t ends[STAGE_RECEIVE], at = 0, now = 0;
	enum stage stage = stage_ends(f, ends);

	if (f->transfer.done)
		curl_easy_getinfo(f->transfer.easy, CURLINFO_TOTAL_TIME_T, &now);
	if (now == 0)
		now = loop_clock(f->exec.task.loop) - f->hop_began;
	curl_easy_getinfo(f->transfer.easy, CURLINFO_NAMELOOKUP_TIME_T, &at);
	for (int i = 0; i < (int)stage; i++) {
		if (ends[i] > at) {
			*sums[i] += ends[i] - at;
			at = ends[i];
		}
	}
	if (now > at)
		*sums[stage] += now - at;
}

/* Where it stood when it had to stop. */
static const char *
stopped_where(const struct http_frame *f)
{
	curl_off_t ends[STAGE_RECEIVE];

	if (f->transfer.easy == NULL)
		return "while its name was looked up";
	switch (stage_ends(f, ends)) {
	case STAGE_CONNECT:
		return "while connecting";
	case STAGE_TLS:
		return "in the TLS handshake";
	case STAGE_SEND:
	case STAGE_WAIT:
		return "while waiting for the answer";
	case STAGE_RECEIVE:
	case STAGE_COUNT:
		break;
	}
	return "while receiving";
}

/* It ended before there was an answer: cancelled by a person, or out of time. */
static void
give_up(struct http_frame *f)
{
	char limit[WHEN_TEXT_MAX];

	if (f->exec.cancel) {
		set_outcome(f, RUN_CANCELED, VERDICT_NONE, NULL);
		return;
	}
	duration_print(f->deadline - f->began, limit);
	set_outcome(f, RUN_TIMED_OUT, VERDICT_DOWN,
	    xasprintf("%s: no answer within %s, stopped %s", f->url.told, limit, stopped_where(f)));
}

/* libcurl tells only after the handshake when the connection stood; here it is about to begin. */
static CURLcode
on_tls(CURL *e, void *ssl, void *frame)
{
	struct http_frame *f = frame;

	(void)e;
	(void)ssl;
	f->tls_began = loop_clock(f->exec.task.loop) - f->hop_began;
	return CURLE_OK;
}

/* ---- what comes in: counted, not kept ---- */

static void
stamp_first(struct http_frame *f)
{
	struct run_info *r = f->exec.run;

	if (!instant_is_set(r->first_output))
		r->first_output = loop_wall(f->exec.task.loop);
}

static size_t
on_body(char *bytes, size_t size, size_t n, void *frame)
{
	struct http_frame *f = frame;

	(void)bytes;
	stamp_first(f);
	f->body_bytes += (int64_t)(size * n);
	if (f->body_bytes <= BODY_READ_MAX)
		return size * n;
	f->too_long = "the answer is longer than 16 MiB";
	return 0;
}

static size_t
on_header(char *bytes, size_t size, size_t n, void *frame)
{
	struct http_frame *f = frame;

	(void)bytes;
	stamp_first(f);
	f->header_bytes += size * n;
	if (f->header_bytes <= HEADER_BYTES_READ_MAX)
		return size * n;
	f->too_long = "the answer's headers are longer than 256 KiB";
	return 0;
}

/* ---- a hop's request ---- */

/* "+host:port:addr,addr": what libcurl is to take for the name; it expires. */
static char *
resolve_entry(const struct http_frame *f)
{
	char text[INET6_ADDRSTRLEN + 1], *entry, *longer;
	const struct sockaddr *a;
	const void *address;
	bool six;

	entry = xasprintf("+%s:%s:", f->url.host, f->url.port);
	for (unsigned i = 0; i < f->lookup.n; i++) {
		a = (const struct sockaddr *)&f->lookup.addresses[i];
		six = a->sa_family == AF_INET6;
		if (six)
			address = &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;
		else
			address = &((const struct sockaddr_in *)(const void *)a)->sin_addr;
		if (inet_ntop(a->sa_family, address, text, sizeof(text)) == NULL)
			continue;
		longer = xasprintf("%s%s%s%s%s", entry, i > 0 ? "," : "", six ? "[" : "", text,
		    six ? "]" : "");
		free(entry);
		entry = longer;
	}
	return entry;
}

static void
set_addresses(struct http_frame *f, CURL *e)
{
	char *entry;

	/* A number is its own address, and a key of CURLOPT_RESOLVE cannot hold an IPv6 one. */
	if (f->url.numeric) {
		curl_easy_setopt(e, CURLOPT_RESOLVER_START_FUNCTION, NULL);
		return;
	}
	entry = resolve_entry(f);
	f->resolve = curl_slist_append(NULL, entry);
	free(entry);
	curl_easy_setopt(e, CURLOPT_RESOLVE, f->resolve);
}

static bool
is_header(const char *header, const char *name)
{
	size_t n = strlen(name);

	return strncasecmp(header, name, n) == 0 && (header[n] == ':' || name[n - 1] == '-');
}

/* What was meant for the first host alone stays with it, and what told of a body goes with it. */
static bool
header_wanted(const struct http_frame *f, const char *header)
{
	if (f->away && (is_header(header, "Authorization") || is_header(header, "Cookie") ||
	    is_header(header, "Host")))
		return false;
	return !(f->as_get && is_header(header, "Content-"));
}

static void
set_headers(struct http_frame *f, CURL *e)
{
	const struct strings *h = &f->exec.spec->http->headers;
	bool expects = false;

	for (size_t i = 0; i < h->n; i++) {
		if (!header_wanted(f, h->items[i]))
			continue;
		expects |= is_header(h->items[i], "Expect");
		f->headers = curl_slist_append(f->headers, h->items[i]);
	}
	/* libcurl would wait a second for a leave to send that many servers never give. */
	if (f->exec.spec->http->body != NULL && !expects)
		f->headers = curl_slist_append(f->headers, "Expect:");
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, f->headers);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "jobd/" JOBD_VERSION);
}

static bool
takes_body(const char *method)
{
	return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
	    strcmp(method, "PATCH") == 0;
}

/* The first request's. */
static const char *
method_asked(const struct http_spec *s)
{
	if (s->method != NULL)
		return s->method;
	return s->body != NULL ? "POST" : "GET";
}

static void
set_request(struct http_frame *f, CURL *e)
{
	const struct http_spec *s = f->exec.spec->http;
	const char *method = f->as_get ? "GET" : method_asked(s);
	const char *body = f->as_get ? NULL : s->body;

	if (strcmp(method, "HEAD") == 0) {
		curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
	} else {
		if (body != NULL || takes_body(method)) {
			curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE,
			    body != NULL ? (long)strlen(body) : 0L);
			curl_easy_setopt(e, CURLOPT_POSTFIELDS, body != NULL ? body : "");
		}
		curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, method);
	}
	if (f->url.user != NULL)
		curl_easy_setopt(e, CURLOPT_USERNAME, f->url.user);
	if (f->url.password != NULL)
		curl_easy_setopt(e, CURLOPT_PASSWORD, f->url.password);
	set_headers(f, e);
}

/* Set up and send this hop's request.  False when libcurl refuses. */
static bool
send_hop(struct http_frame *f)
{
	struct exec_world *w = f->exec.world;
	CURL *e = transfer_easy(w->http);
	usec_t now = loop_clock(w->loop), left = f->deadline > now ? f->deadline - now : 0;

	f->hop_began = now;
	f->tls_began = 0;
	f->transfer.easy = e;
	if (e == NULL)
		return false;
	set_addresses(f, e);
	curl_easy_setopt(e, CURLOPT_URL, f->url.text);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, f);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, f);
	if (f->url.secure) {
		curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, on_tls);
		curl_easy_setopt(e, CURLOPT_SSL_CTX_DATA, f);
	}
	/* The deadline is ours; libcurl must know it to give each address its share. */
	if (left < INT32_MAX * USEC_MSEC - USEC_SEC)
		curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
		    (long)((left + USEC_SEC) / USEC_MSEC));
	else
		curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)INT32_MAX);
	if (f->exec.spec->http->insecure) {
		curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	set_request(f, e);
	return transfer_start(&f->transfer, w->http, &f->exec.task) == 0;
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

/* ---- redirects ---- */

/* RFC 9110, 15.4: 303 makes it a GET, and so do 301 and 302 of a POST, by custom. */
static void
redirect_method(struct http_frame *f, long status)
{
	const char *method = method_asked(f->exec.spec->http);

	if (strcmp(method, "HEAD") == 0)
		return;
	if (status == 303 || (status < 303 && strcmp(method, "POST") == 0))
		f->as_get = true;
}

/* Go on to where the answer leads.  False when that cannot be: judged. */
static bool
redirect(struct http_frame *f, const char *where)
{
	struct url to = { 0 };
	const char *why = url_parse(&to, where);

	if (why != NULL) {
		set_outcome(f, RUN_FAILED, VERDICT_DOWN, xasprintf("%s: it redirects to %s%s%s",
		    f->url.told, to.told != NULL ? to.told : "",
		    to.told != NULL ? ", which is " : "what is ", why));
		url_done(&to);
		return false;
	}
	if (strcmp(to.origin, f->url.origin) != 0) {
		f->away = true;
	} else if (to.user == NULL && to.password == NULL) {
		to.user = f->url.user;
		to.password = f->url.password;
		f->url.user = f->url.password = NULL;
	}
	url_done(&f->url);
	f->url = to;
	if (++f->hops <= REDIRECTS_MAX)
		return true;
	set_outcome(f, RUN_FAILED, VERDICT_DOWN,
	    xasprintf("%s: more than %d redirects, this being the last", f->url.told,
	    REDIRECTS_MAX));
	return false;
}

static bool
is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Was the hop's answer a redirect that leads on?  Else the check is over, and judged. */
static bool
leads_on(struct http_frame *f)
{
	const struct http_spec *s = f->exec.spec->http;
	char *next = NULL;
	long status = 0;

	add_phases(f);
	curl_easy_getinfo(f->transfer.easy, CURLINFO_RESPONSE_CODE, &status);
	f->exec.run->http_status = status;
	if (f->transfer.result == CURLE_OK && !s->no_redirect && is_redirect(status))
		curl_easy_getinfo(f->transfer.easy, CURLINFO_REDIRECT_URL, &next);
	if (next == NULL) {
		judge(f, status);
		return false;
	}
	redirect_method(f, status);
	return redirect(f, next);
}

/* ---- the check ---- */

static void
begin(struct http_frame *f)
{
	usec_t limit = f->exec.spec->timeout;
	struct run_info *r = f->exec.run;
	struct loop *l = f->exec.task.loop;
	const char *why;

	f->began = loop_clock(l);
	f->deadline = f->began + (limit > 0 ? limit : HTTP_TIMEOUT_DEFAULT);
	r->spawned = loop_wall(l);
	f->sum.queue = instant_since(r->spawned, r->due);
	if (f->sum.queue < 0)
		f->sum.queue = 0;
	why = url_parse(&f->url, f->exec.spec->http->url);
	if (why != NULL)
		set_outcome(f, RUN_FAILED, VERDICT_INCONCLUSIVE, xasprintf("the URL is %s", why));
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
	url_done(&f->url);
}

static void
start_lookup(struct http_frame *f)
{
	f->hop_began = loop_clock(f->exec.task.loop);
	f->lookup = (struct dns_lookup){ .done = f->url.numeric };
	if (f->url.numeric)
		return;
	dns_lookup_start(&f->lookup, f->exec.world->dns, f->url.host, AF_UNSPEC, &f->exec.task);
}

/* The lookup is over, or has to be.  False when the check ends with it: judged. */
static bool
looked_up(struct http_frame *f, bool in_time)
{
	f->sum.dns += loop_clock(f->exec.task.loop) - f->hop_began;
	if (!in_time || f->exec.cancel)
		give_up(f);
	else if (f->lookup.error != 0)
		fail(f, dns_error(f->lookup.error));
	else if (f->lookup.n == 0 && !f->url.numeric)
		fail(f, "the name has no address");
	else if (!send_hop(f))
		fail_here(f, "libcurl refuses the request");
	else
		return true;
	return false;
}

/* Look the name up, send, wait; once more for each redirect. */
static enum task_status
http_step(struct task *t)
{
	struct http_frame *f = container_of(t, struct http_frame, exec.task);

	TASK_BEGIN(t);
	begin(f);
	while (f->exec.run->state == RUN_RUNNING) {
		start_lookup(f);
		AWAIT_UNTIL(t, f->deadline, f->lookup.done || f->exec.cancel);
		if (t->err == -ECANCELED || !looked_up(f, t->err == 0))
			break;
		AWAIT_UNTIL(t, f->deadline, f->transfer.done || f->exec.cancel);
		if (t->err == -ECANCELED)
			break;
		if (!f->transfer.done) {
			add_phases(f);
			give_up(f);
			break;
		}
		if (!leads_on(f))
			break;
		end_hop(f);
	}
	/* Cancelled by the daemon's stop: still running, and the next daemon repeats the check. */
	finish(f);
	TASK_END(t, 0);
}

static void
http_describe(const struct task *t, char *out, size_t n)
{
	const struct http_frame *f = container_of(t, struct http_frame, exec.task);

	if (f->transfer.easy != NULL)
		snprintf(out, n, "the answer of %s", f->url.told);
	else if (f->url.host != NULL)
		snprintf(out, n, "the address of %s", f->url.host);
}

static const struct task_kind http_kind = {
	.name = "http check",
	.step = http_step,
	.describe = http_describe,
};

const struct executor executor_http = {
	.frame_size = sizeof(struct http_frame),
	.kind = &http_kind,
};
