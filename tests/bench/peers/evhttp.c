/*
 * evhttp: checks by a bare program on libevent's own client and, for https, OpenSSL (load.h): what libcurl's
 * generality costs.
 */
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/peers/load.h"
#include "tests/bench/peers/measure.h"

/* Seconds. */
#define PATIENCE	30

static struct load load;
static struct event_base *base;
static SSL_CTX *trust;		/* NULL: not https */
static const char *host;
static char path[1024];
static int port;

struct check {
	struct evhttp_connection *connection;
	int64_t			 since;
};

static void begin(struct check *c);

/* Its connection can be freed only when evhttp has returned from its own callback. */
static void
on_over(evutil_socket_t fd, short what, void *arg)
{
	struct check *c = arg;

	(void)fd;
	(void)what;
	evhttp_connection_free(c->connection);
	if (load_next(&load))
		begin(c);
}

static void
on_answer(struct evhttp_request *r, void *arg)
{
	struct check *c = arg;

	load_ended(&load, c->since, r != NULL && evhttp_request_get_response_code(r) == 200);
	event_base_once(base, -1, EV_TIMEOUT, on_over, c, NULL);
}

static struct bufferevent *
encrypted(void)
{
	SSL *s = SSL_new(trust);
	struct bufferevent *b;

	/* A name, or an address, of which there is no SNI. */
	if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(s), host) != 1) {
		SSL_set_tlsext_host_name(s, host);
		SSL_set1_host(s, host);
	}
	b = bufferevent_openssl_socket_new(base, -1, s, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_openssl_set_allow_dirty_shutdown(b, 1);
	return b;
}

static void
begin(struct check *c)
{
	struct evhttp_request *r = evhttp_request_new(on_answer, c);

	c->since = now_nsec();
	c->connection = evhttp_connection_base_bufferevent_new(base, NULL, trust != NULL ? encrypted() : NULL, host,
	    (unsigned short)port);
	evhttp_connection_set_timeout(c->connection, PATIENCE);
	evhttp_add_header(evhttp_request_get_output_headers(r), "Host", host);
	evhttp_add_header(evhttp_request_get_output_headers(r), "Connection", "close");
	evhttp_make_request(c->connection, r, EVHTTP_REQ_GET, path);
}

static bool
trust_begin(void)
{
	const char *ca = load_option(&load, "ca");

	trust = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_verify(trust, SSL_VERIFY_PEER, NULL);
	return (ca != NULL ? SSL_CTX_load_verify_locations(trust, ca, NULL) :
	    SSL_CTX_set_default_verify_paths(trust)) == 1;
}

int
main(int argc, char **argv)
{
	struct evhttp_uri *uri;
	struct check *checks;
	bool secure;

	load_begin(&load, argc, argv);
	uri = evhttp_uri_parse(load.url);
	if (uri == NULL || evhttp_uri_get_host(uri) == NULL) {
		fprintf(stderr, "evhttp: %s: not a URL\n", load.url);
		return 2;
	}
	host = evhttp_uri_get_host(uri);
	secure = strcmp(evhttp_uri_get_scheme(uri), "https") == 0;
	port = evhttp_uri_get_port(uri) > 0 ? evhttp_uri_get_port(uri) : secure ? 443 : 80;
	(void)snprintf(path, sizeof(path), "%s", evhttp_uri_get_path(uri)[0] != '\0' ? evhttp_uri_get_path(uri) : "/");
	base = event_base_new();
	checks = calloc((size_t)load.width, sizeof(*checks));
	if (base == NULL || checks == NULL || (secure && !trust_begin())) {
		fprintf(stderr, "evhttp: it cannot begin\n");
		return 1;
	}
	for (long i = 0; i < load.width && load_next(&load); i++)
		begin(&checks[i]);
	event_base_dispatch(base);
	return load_report(&load, "evhttp");
}
