/*
 * checks: a world in which checks run, each as the scheduler would have it: a loop, names by a hosts file and a
 * resolv.conf of its own, and a server that says what the test wants.  It fails the test it is used in.
 */
#ifndef HARNESS_CHECKS_H
#define HARNESS_CHECKS_H

#include "daemon/engine/dns.h"
#include "daemon/engine/loop.h"
#include "daemon/engine/watch.h"
#include "daemon/exec/canary.h"
#include "daemon/exec/exec.h"
#include "tests/harness/httpserver.h"

/* No test waits so long unless something is wrong. */
#define GUARD	(60 * USEC_SEC)

/* One check. */
struct one {
	struct exec	*exec;
	struct job_spec	 spec;
	struct http_spec http;
	struct run_info	 run;
};

struct world {
	struct task	 root;
	struct loop	*l;
	struct exec_world exec;
	struct httpserver server;
	struct httpserver other;
	struct watch	 watch;		/* on what the server tells */
	struct one	*ones;
	size_t		 n;
	usec_t		 until;
	bool		 cancel_asked;	/* cancel the check when the server has its request */
	bool		 stop_asked;	/* the same, but the daemon's stop */
	int		 threads_max;
	struct task	 blocker;	/* blocks the loop for so long */
	usec_t		 block;		/* 0: there is none */
	struct one	 one;
	char		 text[1024];
};

/* Of the whole group of tests. */
extern char directory[64];
int directory_make(void **state);
int directory_remove(void **state);

/* A file of it; until the next call but one. */
const char *path_in(const char *file);
/* At once, or as it stands there. */
void file_write(const char *path, const char *text);
void file_write_in_place(const char *path, const char *text);
/* Its text, allocated. */
char *file_read(const char *path);

int threads_now(void);

/* KiB that this process has held at most since peak_reset(), which tells what it holds now. */
long peak_now(void);
long peak_reset(void);

/* Routes: of its server; NULL: it has none yet.  No nameserver answers. */
void world_start(struct world *w, const struct http_route *routes);
void world_stop(struct world *w);

/* url: taken over. */
void one_init(struct one *o, char *url);
void one_done(struct one *o);

/* The URL of a path of the server under a name of this host. */
char *url_at(const struct httpserver *s, const char *host, const char *path);

/* Run all to their ends. */
void run_all(struct world *w, struct one *ones, size_t n);

/* A check of a URL (taken over), or of a path of the server, prepared. */
struct one *prepare_url(struct world *w, char *url);
struct one *prepare(struct world *w, const char *path);
/* Run the prepared check: its reason, with the server's port as PORT, or "up". */
const char *outcome(struct world *w);
/* Both. */
const char *check(struct world *w, const char *path);
const char *check_url(struct world *w, char *url);

/* Read the next request that the server tells; does it hold this? */
void next_request(struct world *w);
bool request_has(struct world *w, const char *text);

/* There is no openssl program: it says so, and the test is to be skipped. */
bool needs_openssl(void);

/* A server over TLS, by server.pem and server.key, that asks for a certificate of these clients, or of nobody. */
void tls_server(struct httpserver *s, const struct http_route *routes, const char *clients);
/* One that does with each connection what the test says; over TLS it takes HTTP/2 and nothing else. */
void http2_server(struct httpserver *s, void (*serve)(const struct http_conn *c), bool over_tls);

#endif
