/*
 * httpserver: see httpserver.h.  A process for the listener and one for each connection, so
 * that each is written from top to bottom and may block.  They die with the test.
 */
#include "tests/harness/httpserver.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/must.h"
#include "proto/mem.h"

/* As much of a request is read. */
#define REQUEST_MAX 65536

/* ---- one connection ---- */

struct http_conn {
	int	 fd;
	SSL	*ssl;		/* NULL: it is not over TLS */
};

ssize_t
http_conn_receive(const struct http_conn *c, void *bytes, size_t n)
{
	return c->ssl != NULL ? SSL_read(c->ssl, bytes, (int)n) : recv(c->fd, bytes, n, 0);
}

bool
http_conn_send(const struct http_conn *c, const void *data, size_t n)
{
	const char *bytes = data;
	ssize_t k;

	while (n > 0) {
		k = c->ssl != NULL ? SSL_write(c->ssl, bytes, (int)n) :
		    send(c->fd, bytes, n, MSG_NOSIGNAL);
		if (k <= 0)
			return false;
		bytes += k;
		n -= (size_t)k;
	}
	return true;
}

/* A request with its body, if its length is told. */
static size_t
receive_request(const struct http_conn *c, char *request)
{
	size_t n = 0, wanted = 0;
	const char *end, *length;
	ssize_t k;

	while (n < REQUEST_MAX - 1 && (wanted == 0 || n < wanted)) {
		k = http_conn_receive(c, request + n, REQUEST_MAX - 1 - n);
		if (k <= 0)
			break;
		n += (size_t)k;
		request[n] = '\0';
		/* What is not even a word's beginning (TLS) will not end as a request does. */
		if (request[0] < 'A')
			break;
		end = strstr(request, "\r\n\r\n");
		if (end == NULL || wanted > 0)
			continue;
		length = strcasestr(request, "\r\nContent-Length:");
		wanted = (size_t)(end - request) + 4;
		if (length != NULL && length < end)
			wanted += (size_t)atol(length + 17);
	}
	request[n] = '\0';
	return n;
}

static const struct http_route *
find_route(const struct http_route *routes, const char *request)
{
	const char *path = strchr(request, ' ');
	size_t n;

	path = path != NULL ? path + 1 : "";
	n = strcspn(path, " ?\r\n");
	for (; routes->path != NULL; routes++) {
		if (strcmp(routes->path, "*") == 0 ||
		    (strlen(routes->path) == n && strncmp(routes->path, path, n) == 0))
			return routes;
	}
	return NULL;
}

/* The answer with "{port}" filled in. */
static char *
fill_in(const char *answer, int port)
{
	char *text = xstrdup(answer), *at, *longer;

	while ((at = strstr(text, "{port}")) != NULL) {
		longer = xasprintf("%.*s%d%s", (int)(at - text), text, port, at + 6);
		free(text);
		text = longer;
	}
	return text;
}

static void
send_slowly(const struct http_conn *c, const char *text)
{
	const struct timespec pause = { 0, 100000000 };

	for (; *text != '\0' && http_conn_send(c, text, 1); text++)
		(void)nanosleep(&pause, NULL);
}

/* Until the other end has gone. */
void
http_conn_hold(const struct http_conn *c)
{
	char waste[4096];

	while (http_conn_receive(c, waste, sizeof(waste)) > 0)
		continue;
}

/* What a server of ours is. */
struct served {
	const struct http_route	*routes;	/* or a function of the test's own */
	void			(*serve)(const struct http_conn *c);
	SSL_CTX			*tls;		/* NULL: it is to speak without */
	int			 port;
	int			 tell;
};

static void
answer(const struct http_conn *c, const struct served *s)
{
	static char request[REQUEST_MAX];
	const struct linger at_once = { 1, 0 };
	size_t n = receive_request(c, request);
	const struct http_route *r = find_route(s->routes, request);
	char *text, *again;

	if (n > 0)
		(void)send(s->tell, request, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (r == NULL)
		return;
	text = fill_in(r->answer, s->port);
	again = strstr(text, "{again}");
	if (again != NULL) {
		*again = '\0';
		again += strlen("{again}");
	}
	if (r->after == HTTP_DRIP)
		send_slowly(c, text);
	else if (!http_conn_send(c, text, strlen(text)))
		return;
	while (r->after == HTTP_ENDLESS && http_conn_send(c, again, strlen(again)))
		continue;
	if (r->after == HTTP_HOLD)
		http_conn_hold(c);
	if (r->after == HTTP_GARBAGE)
		(void)send(c->fd, "this is no TLS record", 21, MSG_NOSIGNAL);
	if (r->after == HTTP_RESET)
		(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	free(text);
}

/* The whole of it, and over TLS its orderly end, unless it is not to be one. */
static void
serve(int fd, const struct served *s)
{
	struct http_conn c = { fd, s->tls != NULL ? SSL_new(s->tls) : NULL };

	if (c.ssl == NULL || (SSL_set_fd(c.ssl, fd) == 1 && SSL_accept(c.ssl) == 1)) {
		if (s->serve == NULL) {
			answer(&c, s);
			return;
		}
		s->serve(&c);
	}
	/* Closed with something unread it would be a reset, and take the last words with it. */
	c.ssl = NULL;
	(void)shutdown(fd, SHUT_WR);
	http_conn_hold(&c);
}

/* ---- the server ---- */

/* HTTP/2 and nothing else. */
static int
choose_http2(SSL *ssl, const unsigned char **out, unsigned char *n, const unsigned char *in, unsigned in_n, void *arg)
{
	static const unsigned char h2[] = { 2, 'h', '2' };

	(void)ssl;
	(void)arg;
	return SSL_select_next_proto((unsigned char **)(uintptr_t)out, n, h2, sizeof(h2), in, in_n) ==
	    OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static SSL_CTX *
tls_open(const struct http_tls *tls)
{
	SSL_CTX *c;

	if (tls == NULL)
		return NULL;
	c = SSL_CTX_new(TLS_server_method());
	MUST(c != NULL && SSL_CTX_use_certificate_chain_file(c, tls->certificate) == 1 &&
	    SSL_CTX_use_PrivateKey_file(c, tls->key, SSL_FILETYPE_PEM) == 1);
	if (tls->http2)
		SSL_CTX_set_alpn_select_cb(c, choose_http2, NULL);
	if (tls->clients == NULL)
		return c;
	MUST(SSL_CTX_load_verify_locations(c, tls->clients, NULL) == 1);
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return c;
}

static void
die_with_parent(pid_t parent)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
}

static void
accept_all(int listener, const struct served *s)
{
	pid_t self = getpid(), pid;
	int fd;

	(void)signal(SIGCHLD, SIG_IGN);
	for (;;) {
		fd = accept(listener, NULL, NULL);
		if (fd < 0)
			continue;
		pid = fork();
		if (pid == 0) {
			die_with_parent(self);
			(void)close(listener);
			serve(fd, s);
			(void)close(fd);
			_exit(0);
		}
		(void)close(fd);
	}
}

/* A listener on a port of the kernel's choice; -1 when there is no such address here. */
static int
listener_open(const char *address, int *port)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr *a = (struct sockaddr *)&four;
	socklen_t n = sizeof(four);
	int fd;

	if (inet_pton(AF_INET6, address, &six.sin6_addr) == 1) {
		a = (struct sockaddr *)&six;
		n = sizeof(six);
	} else {
		MUST(inet_pton(AF_INET, address, &four.sin_addr) == 1);
	}
	fd = socket(a->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, a, n) != 0) {
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	MUST(listen(fd, 1024) == 0 && getsockname(fd, a, &n) == 0);
	*port = ntohs(a->sa_family == AF_INET6 ? six.sin6_port : four.sin_port);
	return fd;
}

static bool
start(struct httpserver *s, const char *address, struct served served, const struct http_tls *tls)
{
	pid_t parent = getpid();
	int listener = listener_open(address, &s->port), pair[2];

	s->pid = 0;
	s->fd = -1;
	if (listener < 0)
		return false;
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	s->pid = fork();
	MUST(s->pid >= 0);
	if (s->pid == 0) {
		(void)setpgid(0, 0);
		die_with_parent(parent);
		(void)close(pair[0]);
		served.tls = tls_open(tls);
		served.port = s->port;
		served.tell = pair[1];
		accept_all(listener, &served);
	}
	(void)setpgid(s->pid, s->pid);
	(void)close(listener);
	(void)close(pair[1]);
	s->fd = pair[0];
	return true;
}

bool
httpserver_start(struct httpserver *s, const char *address, const struct http_route *routes)
{
	return httpserver_start_tls(s, address, routes, NULL);
}

bool
httpserver_start_tls(struct httpserver *s, const char *address, const struct http_route *routes,
    const struct http_tls *tls)
{
	return start(s, address, (struct served){ .routes = routes }, tls);
}

bool
httpserver_start_own(struct httpserver *s, const char *address, void (*serve_one)(const struct http_conn *c),
    const struct http_tls *tls)
{
	return start(s, address, (struct served){ .serve = serve_one }, tls);
}

const char *
httpserver_request(struct httpserver *s)
{
	ssize_t n = recv(s->fd, s->request, sizeof(s->request) - 1, MSG_DONTWAIT);

	if (n <= 0)
		return NULL;
	s->request[n] = '\0';
	return s->request;
}

void
httpserver_stop(struct httpserver *s)
{
	if (s->pid > 0) {
		(void)kill(-s->pid, SIGKILL);
		(void)waitpid(s->pid, NULL, 0);
	}
	if (s->fd >= 0)
		(void)close(s->fd);
	s->pid = 0;
	s->fd = -1;
}

/* ---- TLS, by the openssl program ---- */

const char *
openssl_program(void)
{
	static const char *const paths[] = {
		"/usr/bin/openssl", "/bin/openssl", "/usr/local/bin/openssl",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (access(paths[i], X_OK) == 0)
			return paths[i];
	}
	return NULL;
}

bool
openssl_certificate(const char *directory, const char *name, const char *host, bool expired)
{
	char *again = xasprintf(" && %s x509 -in %s/%s.pem -days -1 -signkey %s/%s.key"
	    " -out %s/%s.old && mv %s/%s.old %s/%s.pem", openssl_program(), directory, name,
	    directory, name, directory, name, directory, name, directory, name);
	char *line = xasprintf("{ %s req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
	    " -days 1 -subj /CN=%s -addext subjectAltName=DNS:%s -keyout %s/%s.key -out %s/%s.pem%s"
	    "; } >/dev/null 2>&1", openssl_program(), host, host, directory, name, directory, name,
	    expired ? again : "");
	int r = system(line);

	free(again);
	free(line);
	return r == 0;
}

bool
openssl_signed(const char *directory, const char *name, const char *host, const char *authority)
{
	char *line = xasprintf("cd %s && { %s req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
	    " -subj /CN=%s -addext subjectAltName=DNS:%s -keyout %s.key -out %s.csr &&"
	    " %s x509 -req -in %s.csr -CA %s.pem -CAkey %s.key -CAcreateserial -days 1"
	    " -copy_extensions copy -out %s.pem; } >/dev/null 2>&1", directory, openssl_program(), host, host,
	    name, name, openssl_program(), name, authority, authority, name);
	int r = system(line);

	free(line);
	return r == 0;
}

void
openssl_server(struct httpserver *s, const char *directory, const char *name)
{
	char *key = xasprintf("%s/%s.key", directory, name);
	char *pem = xasprintf("%s/%s.pem", directory, name);
	char line[256];
	pid_t parent = getpid();
	int out[2];
	FILE *said;

	MUST(pipe2(out, O_CLOEXEC) == 0);
	s->fd = dup(out[0]);
	s->port = 0;
	s->pid = fork();
	MUST(s->pid >= 0);
	if (s->pid == 0) {
		(void)setpgid(0, 0);
		die_with_parent(parent);
		(void)dup2(out[1], STDOUT_FILENO);
		/* It complains of every client that does not trust it. */
		(void)dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
		execl(openssl_program(), "openssl", "s_server", "-www", "-accept", "127.0.0.1:0",
		    "-key", key, "-cert", pem, (char *)NULL);
		_exit(127);
	}
	(void)setpgid(s->pid, s->pid);
	(void)close(out[1]);
	said = fdopen(out[0], "r");
	while (s->port == 0 && fgets(line, sizeof(line), said) != NULL)
		(void)sscanf(line, "ACCEPT %*[0-9.]:%d", &s->port);
	MUST(s->port != 0);
	(void)fclose(said);
	free(key);
	free(pem);
}
