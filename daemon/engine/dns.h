/*
 * dns: names to addresses by evdns, as a condition; never a thread, never a blocked loop.
 * The hosts file comes first, then "localhost" (RFC 6761), then the nameservers of
 * resolv.conf with its search list.  Changes of both are noticed at the next lookup.
 *
 * evdns lives from the first lookup until a minute after the last one: it remembers
 * meanwhile which servers do not answer, and its timers never wake an idle loop later.
 * It asks by UDP alone: an answer that does not fit is an error (DNS_TRUNCATED).
 *
 * Of many lookups at once some wait until others are answered, or have waited for a tenth of a second.
 */
#ifndef ENGINE_DNS_H
#define ENGINE_DNS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "proto/when.h"

struct loop;
struct task;
struct dns;

#define DNS_ADDRESSES_MAX 16

/* Bytes of the longest name that a server can be asked for; a dot at its end is not counted. */
#define DNS_NAME_MAX 253

/* Beside the EAI_ codes, which have none for these. */
#define DNS_TRUNCATED (-1000)
#define DNS_REFUSED (-1001)

struct dns_lookup {
	struct dns		*dns;
	struct task		*waiter;
	void			*request;		/* ours, while it is under way */
	bool			 done;
	int			 error;			/* 0, or an EAI_ code; see dns_error() */
	unsigned		 n;
	struct sockaddr_storage	 addresses[DNS_ADDRESSES_MAX];	/* port 0, IPv4 first */
};

/*
 * hosts and resolv_conf: paths, NULL for /etc/hosts and /etc/resolv.conf.  Costs nothing before the
 * first lookup.
 */
struct dns *dns_new(struct loop *l, const char *hosts, const char *resolv_conf);

/* Not from a callback of the loop.  Lookups under way are forgotten.  NULL is fine. */
void dns_free(struct dns *d);

/*
 * family: AF_UNSPEC, AF_INET or AF_INET6.  t is woken when q->done; numeric addresses and names in
 * the hosts file are done at once.  A virtual clock is held while it is under way.  No
 * deadline but the servers' (about 15 s): AWAIT_UNTIL and dns_lookup_stop().
 */
void dns_lookup_start(struct dns_lookup *q, struct dns *d, const char *name, int family,
    struct task *t);

/* Forget it, done or not.  Twice is fine. */
void dns_lookup_stop(struct dns_lookup *q);

/*
 * When a nameserver said last that a name has addresses, or does not exist (of loop_clock()); 0: never.
 * Whether it is the name or the servers that a failed lookup tells of.
 */
usec_t dns_answered(const struct dns *d);

/* In words. */
const char *dns_error(int error);

#endif
