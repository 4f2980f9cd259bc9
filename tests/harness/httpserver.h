/*
 * httpserver: a web server that says exactly what a test tells it to, however wrong, as a
 * process of its own.  It tells what it was asked.
 */
#ifndef HARNESS_HTTPSERVER_H
#define HARNESS_HTTPSERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* After the answer's text. */
enum http_after {
	HTTP_CLOSE,
	HTTP_RESET,		/* with a reset, not an orderly end */
	HTTP_HOLD,		/* say no more, but keep the connection */
	HTTP_ENDLESS,		/* repeat what follows "{again}" until the other has gone */
	HTTP_GARBAGE,		/* over TLS: what is none, then the end */
	HTTP_DRIP,		/* (instead) a byte every tenth of a second */
};

/* What is answered to requests for a path; "{port}" in the answer becomes the server's own. */
struct http_route {
	const char	*path;		/* NULL ends the table; "*": whatever was asked */
	const char	*answer;
	enum http_after	 after;
};

struct httpserver {
	pid_t	pid;		/* and its group */
	int	port;
	int	fd;		/* readable when there is a request to be told */
	char	request[65536];
};

/*
 * Listen on a numeric address, on a port that the kernel chooses, and answer by the table
 * (borrowed).  False when the host does not have the address (no IPv6).
 */
bool httpserver_start(struct httpserver *s, const char *address, const struct http_route *routes);

/* Paths of PEM files. */
struct http_tls {
	const char	*certificate, *key;
	const char	*clients;	/* who must show a certificate of these; NULL: nobody need */
	bool		 http2;		/* it is all that is spoken (ALPN) */
};

/* The same over TLS. */
bool httpserver_start_tls(struct httpserver *s, const char *address, const struct http_route *routes,
    const struct http_tls *tls);

/* One connection, over TLS after its handshake; and what may be done with it.  All of it may block. */
struct http_conn;
ssize_t http_conn_receive(const struct http_conn *c, void *bytes, size_t n);
bool http_conn_send(const struct http_conn *c, const void *bytes, size_t n);
/* Until the other end has gone. */
void http_conn_hold(const struct http_conn *c);

/* A server that does with each connection what the test says, in a process of its own; it tells no requests. */
bool httpserver_start_own(struct httpserver *s, const char *address, void (*serve_one)(const struct http_conn *c),
    const struct http_tls *tls);

/* The next request that came, whole, or NULL; until the next call. */
const char *httpserver_request(struct httpserver *s);

/* Twice is fine. */
void httpserver_stop(struct httpserver *s);

/* Where the openssl program is, NULL when it is not installed. */
const char *openssl_program(void);

/*
 * Write a key and a certificate for a host's name that signs itself: NAME.key and NAME.pem in the
 * directory.  True when it was made.
 */
bool openssl_certificate(const char *directory, const char *name, const char *host, bool expired);

/* The same, signed by the key of another certificate in the directory. */
bool openssl_signed(const char *directory, const char *name, const char *host, const char *authority);

/* A TLS server on 127.0.0.1 that answers 200 with a page; it tells no requests. */
void openssl_server(struct httpserver *s, const char *directory, const char *name);

#endif
