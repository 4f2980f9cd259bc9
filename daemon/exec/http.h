/*
 * http: what checks share: libcurl's multi handle on the loop, names resolved by evdns.
 */
#ifndef EXEC_HTTP_H
#define EXEC_HTTP_H

struct http_engine;
struct loop;

/* Costs nothing before the first check: libcurl is initialised then. */
struct http_engine *http_engine_new(struct loop *l);

/* No check may be alive. NULL is fine. */
void http_engine_free(struct http_engine *h);

#endif
