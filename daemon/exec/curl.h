/*
 * curl: libcurl's multi interface on our loop: its sockets as watches, its one timer as
 * a task's deadline.  A transfer's end wakes the task that waits for it.
 */
#ifndef EXEC_CURL_H
#define EXEC_CURL_H

#include <curl/curl.h>
#include <openssl/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/exec/http.h"

struct task;

/* One request under way: a member of its task's frame. */
struct transfer {
	CURL		*easy;
	struct task	*waiter;
	/* A TLS handshake begins, with a context of its own; may be NULL. */
	void		(*on_tls)(struct transfer *x, SSL_CTX *context);
	X509_STORE	*store;		/* whom to trust; NULL: whom libcurl does */
	CURLcode	 result;	/* once done */
	int		 local_error;	/* errno: a socket could not be had, or watched */
	bool		 done;
	uint64_t	 received, received_max;	/* bytes, in all; set before the start, 0: no limit */
	int		 fd;		/* its socket, 0: none yet */
	bool		 flooded;	/* more than that has come */
	bool		 http2;		/* that is spoken; known once the handshake is over */
	bool		 added;
	bool		 waits;		/* to be begun, in the engine's list: */
	struct transfer	*next, *prev;
	char		 error[CURL_ERROR_SIZE];	/* what libcurl says of it */
};

/* A fresh easy handle with what all checks share; NULL when libcurl refuses. */
CURL *transfer_easy(struct http_engine *h);

/* Trust these certificates in PEM instead of the system's; before its start.  The caller keeps them until its stop. */
void transfer_trust(struct transfer *x, struct http_engine *h, const char *pem);

/*
 * Why it failed, in words, for free(); only once it is done and before its stop.  Nothing in it
 * but printable ASCII.  *ours tells whether the fault lies with this host: too many open
 * files, no memory.
 */
char *transfer_reason(const struct transfer *x, bool *ours);

/* Did the server say in a TLS alert why? Then it has answered, in its way. */
bool transfer_alerted(const struct transfer *x);

/* Begin, when those before it have: then it does not wait any more.  x->easy is set up; it stays the caller's. */
void transfer_start(struct transfer *x, struct http_engine *h, struct task *waiter);

/* End it, done or not, and free the handle.  Twice is fine. */
void transfer_stop(struct transfer *x, struct http_engine *h);

#endif
