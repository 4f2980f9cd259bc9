/*
 * http: what checks share: libcurl's multi handle on the loop, no thread.
 */
#ifndef EXEC_HTTP_H
#define EXEC_HTTP_H

struct http_engine;
struct loop;
struct task;

/* Costs nothing before the first check: libcurl is initialised then. */
struct http_engine *http_engine_new(struct loop *l);

/*
 * Trust the certificates in this file instead of the system's bundle; before the first check.
 * The text stays the caller's.
 */
void http_engine_trust(struct http_engine *h, const char *bundle);

/* Start the task that keeps libcurl's time, as a child of parent; idle it waits for nothing. */
void http_engine_start(struct http_engine *h, struct task *parent);

/* No check may be alive, and the task must be done. NULL is fine. */
void http_engine_free(struct http_engine *h);

#endif
