/*
 * http-internal: what a check's files share: the frame of one check.
 */
#ifndef EXEC_HTTP_INTERNAL_H
#define EXEC_HTTP_INTERNAL_H

#include "daemon/engine/dns.h"
#include "daemon/exec/assertions.h"
#include "daemon/exec/canary.h"
#include "daemon/exec/curl.h"
#include "daemon/exec/exec.h"
#include "daemon/exec/url.h"
#include "proto/buf.h"

/* ---- limits with a name ---- */
#define HEADER_BYTES_READ_MAX	((size_t)256 * 1024)
/*
 * libcurl keeps each, some hundred bytes; and a folded one it copies as a whole for each further line of it, which
 * is a third of a second of the loop's for 256 KiB of "\r\n x".
 */
#define HEADER_LINES_READ_MAX	1000
#define RECEIVED_BESIDE		((uint64_t)1024 * 1024)

struct http_frame {
	struct exec		 exec;
	struct dns_lookup	 lookup;
	struct transfer		 transfer;
	struct curl_slist	*headers, *resolve;
	struct url		 url;		/* of this hop */
	struct url		 proxy;		/* asked instead of the host; text NULL: none */
	struct phases		 sum;
	usec_t			 deadline, began, hop_began;
	usec_t			 connect_deadline;	/* of this hop; never: it has none of its own */
	usec_t			 tls_began;	/* after the hop's start; 0: not yet */
	usec_t			 answer_began;	/* the same */
	int			 hops;
	bool			 as_get;	/* a redirect turned the request into a GET */
	bool			 away;		/* a redirect led to another scheme, host or port */
	/* the answer of this hop */
	int64_t			 body_bytes;
	size_t			 header_bytes, header_lines;
	struct buf		 body;		/* its first part */
	struct strings		 lines;		/* its headers, when some are to be matched */
	int64_t			 cert_days, chain_days;
	char			*chain_name;
	char			 too_long[64];	/* what is: in words */
	usec_t			 starved;	/* watchdog_starved_lately() at the beginning */
	bool			 unanswered;	/* it was judged without an answer of the other side */
	bool			 only_late;	/* without our own lag it would have been in time */
	bool			 doubted;	/* the canary is asked */
	struct canary_wait	 canary;
};

/* Whose name is to be looked up for this hop: the proxy's, or the host's. */
static inline const struct url *
http_connects_to(const struct http_frame *f)
{
	return f->proxy.text != NULL ? &f->proxy : &f->url;
}

/* The first request's. */
const char *http_method(const struct http_spec *s);

/* Set up and send this hop's request.  False when libcurl refuses. */
bool http_send(struct http_frame *f);

/* The answer says that it is longer than it may be. */
void http_too_long(struct http_frame *f);

/* The answer of a hop is forgotten, its handles are freed; twice is fine. */
void http_hop_end(struct http_frame *f);

/* ---- was it us? (http-doubt.c) ---- */

/* It is judged because no nameserver answers for its name, or not so that we could take the answer. */
void http_doubt_resolver(struct http_frame *f);
void http_doubt_truncated(struct http_frame *f);

/* It is judged as degraded: would it be up, had the loop not been away? */
bool http_only_late(const struct http_frame *f, const struct answer *given);

/* It is judged, and the time it took ends now. */
void http_doubt_loop(struct http_frame *f);

/* Is the canary asked?  Then await it, and tell; stopped: the daemon stops. */
bool http_doubts_network(struct http_frame *f);
void http_doubt_network(struct http_frame *f, bool stopped);

#endif
