/*
 * dns: names to addresses by evdns, as a condition; never a thread, never a blocked loop.
 * Changes of the hosts file and resolv.conf are noticed at the next lookup.
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

struct dns_lookup {
	struct dns		*dns;
	struct task		*waiter;
	void			*request;		/* evdns's, while it is under way */
	bool			 done;
	int			 error;			/* 0, or an EAI_ code; see dns_error() */
	unsigned		 n;
	struct sockaddr_storage	 addresses[DNS_ADDRESSES_MAX];	/* port 0, in the order to try */
};

/* hosts and resolv_conf: paths, NULL for /etc/hosts and /etc/resolv.conf.  Lazy: costs nothing before the first lookup. */
struct dns *dns_new(struct loop *l, const char *hosts, const char *resolv_conf);
void dns_free(struct dns *d);

/* family: AF_UNSPEC, AF_INET or AF_INET6.  t is woken when d->done.  Numeric names are done at once. */
void dns_lookup_start(struct dns_lookup *q, struct dns *d, const char *name, int family, struct task *t);

/* Forget it, done or not. */
void dns_lookup_stop(struct dns_lookup *q);

/* In words. */
const char *dns_error(int error);

#endif
