/*
 * http-hop: one request of a check and the answer to it, as libcurl is told and tells.
 *
 * Of an answer no more is kept than is to be looked at: the first part of its body, the headers if some are to
 * be matched, and how long the certificates hold.
 */
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/engine/loop.h"
#include "daemon/exec/http-internal.h"
#include "proto/mem.h"

/* ---- certificates ---- */

#define DAY_SECONDS 86400

/* Whole days that it still holds, below zero when it does not any more. */
static int64_t
days_left(const X509 *certificate)
{
	int days = 0, seconds = 0;

	if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) != 1)
		return DAYS_NONE;
	return seconds < 0 ? days - 1 : days;
}

/* The common name, or what else is there. */
static char *
subject_of(const X509 *certificate)
{
	char name[256] = "";
	X509_NAME *subject = X509_get_subject_name(certificate);

	if (X509_NAME_get_text_by_NID(subject, NID_commonName, name, sizeof(name)) < 0)
		(void)X509_NAME_oneline(subject, name, sizeof(name));
	for (char *p = name; *p != '\0'; p++) {
		if (*p < ' ' || *p > '~')
			*p = '?';
	}
	return xstrdup(name);
}

/* While the connection stands: the server's own certificate, and what it was verified by. */
static void
read_certificates(struct http_frame *f)
{
	const struct curl_tlssessioninfo *info = NULL;
	const STACK_OF(X509) *chain;
	const SSL *ssl;
	const X509 *own;

	(void)curl_easy_getinfo(f->transfer.easy, CURLINFO_TLS_SSL_PTR, &info);
	if (info == NULL || info->backend != CURLSSLBACKEND_OPENSSL || info->internals == NULL)
		return;
	ssl = info->internals;
	own = SSL_get0_peer_certificate(ssl);
	if (own != NULL)
		f->cert_days = days_left(own);
	chain = SSL_get0_verified_chain(ssl);
	/* One that is trusted by itself is all there is to its chain. */
	for (int n = chain != NULL ? sk_X509_num(chain) : 0, i = n > 1; i < n; i++) {
		const X509 *c = sk_X509_value(chain, i);
		int64_t days = days_left(c);

		if (f->chain_name != NULL && days >= f->chain_days)
			continue;
		f->chain_days = days;
		free(f->chain_name);
		f->chain_name = subject_of(c);
	}
}

/* ---- what comes in ---- */

/* What was agreed upon in the handshake: what is told of a failure depends on it. */
static void
on_handshake(const SSL *ssl, int where, int unused)
{
	struct http_frame *f = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	const unsigned char *protocol = NULL;
	unsigned n = 0;

	(void)unused;
	if ((where & SSL_CB_HANDSHAKE_DONE) == 0)
		return;
	SSL_get0_alpn_selected(ssl, &protocol, &n);
	f->transfer.http2 = n == 2 && memcmp(protocol, "h2", 2) == 0;
}

/* libcurl tells only after the handshake when the connection stood; here it is about to begin. */
static void
on_tls(struct transfer *x, SSL_CTX *context)
{
	struct http_frame *f = container_of(x, struct http_frame, transfer);

	f->tls_began = loop_clock(f->exec.task.loop) - f->hop_began;
	/* It is of this connection alone. */
	if (SSL_CTX_set_app_data(context, f) == 1)
		SSL_CTX_set_info_callback(context, on_handshake);
}

static void
stamp_first(struct http_frame *f)
{
	struct run_info *r = f->exec.run;
	struct loop *l = f->exec.task.loop;

	if (!instant_is_set(r->first_output))
		r->first_output = loop_wall(l);
	if (f->answer_began == 0)
		f->answer_began = loop_clock(l) - f->hop_began;
}

static int64_t
body_limit(const struct http_spec *s)
{
	return s->body_bytes_max > 0 ? s->body_bytes_max : HTTP_BODY_MAX_DEFAULT;
}

static void
set_too_long(struct http_frame *f, const char *what, int64_t limit)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB" };
	size_t unit = 0;

	while (limit % 1024 == 0 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		limit /= 1024;
		unit++;
	}
	(void)snprintf(f->too_long, sizeof(f->too_long), "%s longer than %lld %s", what,
	    (long long)limit, units[unit]);
}

void
http_too_long(struct http_frame *f)
{
	set_too_long(f, "the answer is", body_limit(f->exec.spec->http));
}

static size_t
on_body(char *bytes, size_t size, size_t n, void *frame)
{
	struct http_frame *f = frame;
	const struct http_spec *s = f->exec.spec->http;
	size_t max = assertions_want_body(s) ? ANSWER_BODY_MAX : ANSWER_EXCERPT_MAX;

	stamp_first(f);
	f->body_bytes += (int64_t)(size * n);
	if (f->body_bytes > body_limit(s)) {
		set_too_long(f, "the answer is", body_limit(s));
		return 0;
	}
	if (buf_len(&f->body) < max)
		buf_append(&f->body, bytes, size * n < max - buf_len(&f->body) ? size * n :
		    max - buf_len(&f->body));
	return size * n;
}

/* The first line of an answer, of which there may be several: 100 Continue, a proxy's. */
static void
begin_answer(struct http_frame *f)
{
	strings_done(&f->lines);
	if (f->url.secure)
		read_certificates(f);
}

static void
keep_header(struct http_frame *f, const char *bytes, size_t n)
{
	char *line;

	if (f->exec.spec->http->header_match.n == 0)
		return;
	while (n > 0 && (bytes[n - 1] == '\r' || bytes[n - 1] == '\n'))
		n--;
	line = xstrndup(bytes, n);
	if (n > 0)
		strings_add(&f->lines, line);
	free(line);
}

static size_t
on_header(char *bytes, size_t size, size_t n, void *frame)
{
	struct http_frame *f = frame;

	stamp_first(f);
	f->header_bytes += size * n;
	if (++f->header_lines > HEADER_LINES_READ_MAX) {
		(void)snprintf(f->too_long, sizeof(f->too_long), "the answer has more than %d lines of headers",
		    HEADER_LINES_READ_MAX);
		return 0;
	}
	if (f->header_bytes > HEADER_BYTES_READ_MAX) {
		set_too_long(f, "the answer's headers are", HEADER_BYTES_READ_MAX);
		return 0;
	}
	if (size * n > 5 && memcmp(bytes, "HTTP/", 5) == 0)
		begin_answer(f);
	else
		keep_header(f, bytes, size * n);
	return size * n;
}

/* ---- a hop's request ---- */

/* "+host:port:addr,addr": what libcurl is to take for the name; it expires. */
static char *
resolve_entry(const struct http_frame *f)
{
	char text[INET6_ADDRSTRLEN + 1], *entry, *longer;
	const struct url *to = http_connects_to(f);
	const struct sockaddr *a;
	const void *address;
	bool six;

	entry = xasprintf("+%s:%s:", to->host, to->port);
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
	if (http_connects_to(f)->numeric) {
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

/* They are for the first host alone. */
static void
set_credentials(const struct http_frame *f, CURL *e)
{
	const struct http_spec *s = f->exec.spec->http;
	struct curl_blob certificate = { .data = s->client_certificate, .flags = CURL_BLOB_NOCOPY };
	struct curl_blob key = { .data = s->client_key, .flags = CURL_BLOB_NOCOPY };

	if (f->away)
		return;
	if (s->basic_auth != NULL)
		curl_easy_setopt(e, CURLOPT_USERPWD, s->basic_auth);
	if (s->bearer_token != NULL) {
		curl_easy_setopt(e, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
		curl_easy_setopt(e, CURLOPT_XOAUTH2_BEARER, s->bearer_token);
	}
	if (s->client_certificate == NULL)
		return;
	if (key.data == NULL)
		key.data = s->client_certificate;
	certificate.len = strlen(certificate.data);
	key.len = strlen(key.data);
	curl_easy_setopt(e, CURLOPT_SSLCERT_BLOB, &certificate);
	curl_easy_setopt(e, CURLOPT_SSLKEY_BLOB, &key);
}

static bool
takes_body(const char *method)
{
	return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
	    strcmp(method, "PATCH") == 0;
}

const char *
http_method(const struct http_spec *s)
{
	if (s->method != NULL)
		return s->method;
	return s->body != NULL ? "POST" : "GET";
}

static void
set_request(struct http_frame *f, CURL *e)
{
	const struct http_spec *s = f->exec.spec->http;
	const char *method = f->as_get ? "GET" : http_method(s);
	const char *body = f->as_get ? NULL : s->body;

	if (strcmp(method, "HEAD") == 0) {
		curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
	} else {
		/* What it says it is longer than is too long before it has come; and so is what is no number. */
		curl_easy_setopt(e, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)body_limit(s));
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
	set_credentials(f, e);
}

/* How to reach the other side, and whom to trust. */
static void
set_connection(struct http_frame *f, CURL *e)
{
	static const long families[] = { CURL_IPRESOLVE_WHATEVER, CURL_IPRESOLVE_V4,
	    CURL_IPRESOLVE_V6 };
	static const long versions[] = { CURL_HTTP_VERSION_2TLS, CURL_HTTP_VERSION_1_1,
	    CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE };
	const struct http_spec *s = f->exec.spec->http;

	curl_easy_setopt(e, CURLOPT_IPRESOLVE, families[s->ip_version]);
	/* Over TLS HTTP/2 is offered, and what the server takes is looked at afterwards. */
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION,
	    s->http_version == HTTP_V2 && f->url.secure ? CURL_HTTP_VERSION_2TLS :
	    versions[s->http_version]);
	if (f->proxy.text != NULL) {
		curl_easy_setopt(e, CURLOPT_PROXY, f->proxy.text);
		curl_easy_setopt(e, CURLOPT_NOPROXY, "");
		curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
		if (f->proxy.user != NULL)
			curl_easy_setopt(e, CURLOPT_PROXYUSERNAME, f->proxy.user);
		if (f->proxy.password != NULL)
			curl_easy_setopt(e, CURLOPT_PROXYPASSWORD, f->proxy.password);
	}
	if (s->ca_certificates != NULL)
		transfer_trust(&f->transfer, f->exec.world->http, s->ca_certificates);
	if (s->insecure) {
		curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

bool
http_send(struct http_frame *f)
{
	struct exec_world *w = f->exec.world;
	CURL *e = transfer_easy(w->http);
	usec_t now = loop_clock(w->loop), left = f->deadline > now ? f->deadline - now : 0;

	f->hop_began = now;
	f->tls_began = f->answer_began = 0;
	f->transfer.easy = e;
	if (e == NULL)
		return false;
	set_addresses(f, e);
	curl_easy_setopt(e, CURLOPT_URL, f->url.text);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, f);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, f);
	f->transfer.on_tls = on_tls;
	set_connection(f, e);
	f->transfer.http2 = f->exec.spec->http->http_version == HTTP_V2 && !f->url.secure;
	if (f->connect_deadline < now + left)
		left = f->connect_deadline > now ? f->connect_deadline - now : 1;
	/* The deadline is ours; libcurl must know it to give each address its share. */
	if (left < INT32_MAX * USEC_MSEC - USEC_SEC)
		curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
		    (long)((left + (f->connect_deadline < f->deadline ? USEC_MSEC - 1 : USEC_SEC)) /
		    USEC_MSEC));
	else
		curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)INT32_MAX);
	set_request(f, e);
	/* Beside the body there are headers, and what carries both: chunks, frames, TLS. */
	f->transfer.received_max = 2 * (uint64_t)body_limit(f->exec.spec->http) + RECEIVED_BESIDE;
	transfer_start(&f->transfer, w->http, &f->exec.task);
	return true;
}

void
http_hop_end(struct http_frame *f)
{
	dns_lookup_stop(&f->lookup);
	transfer_stop(&f->transfer, f->exec.world->http);
	curl_slist_free_all(f->headers);
	curl_slist_free_all(f->resolve);
	f->headers = f->resolve = NULL;
	strings_done(&f->lines);
	buf_done(&f->body);
	free(f->chain_name);
	f->chain_name = NULL;
	f->body_bytes = 0;
	f->header_bytes = f->header_lines = 0;
	f->too_long[0] = '\0';
	f->cert_days = f->chain_days = DAYS_NONE;
}

