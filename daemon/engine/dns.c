/*
 * dns: see dns.h.  Each family is one request of evdns, so that the reason of a failure is
 * known; its getaddrinfo() tells only that there was one.
 *
 * A name with a dot is asked for as it is first, and with the search list only when neither
 * family knows it.  evdns alone would search for each family: a host that has only an
 * IPv4 address would get the IPv6 address of some other in the search list.
 *
 * evdns calls back exactly once for each request, cancelled or not, from the loop's next
 * look.  So a query outlives the lookup that asked for it, and is freed when all
 * its calls have come.  When the files change, evdns is made anew; the old one stays
 * until its last query has ended.
 */
#include "daemon/engine/dns.h"

#include <arpa/inet.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/base/log.h"
#include "daemon/engine/loop.h"
#include "proto/mem.h"

/* The longest name that a server can be asked for. */
#define NAME_MAX_BYTES	253

/* One family has answered: so long it waits for the other, which broken servers never give. */
#define SKEW		2

/* Seconds without a lookup after which evdns is let go. */
#define IDLE		60

/* By which a change of a file is seen. */
struct identity {
	bool		 exists;
	dev_t		 dev;
	ino_t		 ino;
	off_t		 size;
	struct timespec	 mtime;
};

/* A name in the hosts file, with one of its addresses. */
struct host {
	char			*name;
	size_t			 order;		/* its place in the file */
	struct sockaddr_storage	 address;
};

/* One evdns, with the servers of one state of resolv.conf. */
struct resolver {
	struct evdns_base	*evdns;
	unsigned		 queries;	/* under way */
};

struct dns {
	struct loop		*loop;
	char			*hosts_path;
	char			*resolv_path;
	struct identity		 hosts_identity;
	struct identity		 resolv_identity;
	struct host		*hosts;		/* by name, then by order */
	size_t			 hosts_n;
	struct resolver		*resolver;	/* NULL: none now */
	struct event		*idle;
	struct query		*queries;	/* all, of old resolvers too */
	usec_t			 answered;	/* see dns_answered() */
};

/* One family of a query. */
struct part {
	struct query		*query;
	struct evdns_request	*request;	/* NULL: none, or its call has come */
	int			 error;
	int			 n;
	struct sockaddr_storage	 addresses[DNS_ADDRESSES_MAX];
};

struct query {
	struct query		*next, *prev;
	struct dns		*dns;
	struct resolver		*resolver;
	struct dns_lookup	*lookup;	/* NULL: forgotten */
	struct event		*skew;
	char			*name;
	int			 family;
	bool			 may_search;	/* later, when the name as it is does not exist */
	unsigned		 pending;	/* calls that will come */
	struct part		 parts[2];	/* IPv4, IPv6 */
};

/* ---- addresses ---- */

static struct sockaddr_storage
address_from(int family, const void *bytes)
{
	struct sockaddr_storage ss = { .ss_family = (sa_family_t)family };

	if (family == AF_INET)
		memcpy(&((struct sockaddr_in *)&ss)->sin_addr, bytes, 4);
	else
		memcpy(&((struct sockaddr_in6 *)&ss)->sin6_addr, bytes, 16);
	return ss;
}

/* "192.0.2.1", "2001:db8::1", "fe80::1%eth0". */
static bool
address_parse(const char *text, struct sockaddr_storage *ret)
{
	const char *percent = strchr(text, '%');
	unsigned char bytes[16];
	char plain[INET6_ADDRSTRLEN];
	size_t n = percent == NULL ? strlen(text) : (size_t)(percent - text);
	unsigned scope;

	if (n >= sizeof(plain))
		return false;
	memcpy(plain, text, n);
	plain[n] = '\0';
	if (percent == NULL && inet_pton(AF_INET, plain, bytes) == 1) {
		*ret = address_from(AF_INET, bytes);
		return true;
	}
	if (inet_pton(AF_INET6, plain, bytes) != 1)
		return false;
	scope = percent == NULL ? 0 : if_nametoindex(percent + 1);
	if (percent != NULL && scope == 0)
		return false;
	*ret = address_from(AF_INET6, bytes);
	((struct sockaddr_in6 *)ret)->sin6_scope_id = scope;
	return true;
}

/* Add one to the answer unless it is there already, or is of another family than asked for. */
static void
answer_add(struct dns_lookup *q, const struct sockaddr_storage *address, int family)
{
	if (family != AF_UNSPEC && address->ss_family != family)
		return;
	for (unsigned i = 0; i < q->n; i++) {
		if (memcmp(&q->addresses[i], address, sizeof(*address)) == 0)
			return;
	}
	if (q->n < DNS_ADDRESSES_MAX)
		q->addresses[q->n++] = *address;
}

/* ---- the hosts file ---- */

static int
host_compare(const void *a, const void *b)
{
	const struct host *x = a, *y = b;
	int r = strcasecmp(x->name, y->name);

	return r != 0 ? r : x->order < y->order ? -1 : x->order > y->order;
}

static void
hosts_clear(struct dns *d)
{
	for (size_t i = 0; i < d->hosts_n; i++)
		free(d->hosts[i].name);
	free(d->hosts);
	d->hosts = NULL;
	d->hosts_n = 0;
}

static void
hosts_line(struct dns *d, char *line)
{
	static const char blanks[] = " \t\r\n";
	struct sockaddr_storage address;
	char *rest, *word;

	line[strcspn(line, "#")] = '\0';
	word = strtok_r(line, blanks, &rest);
	if (word == NULL || !address_parse(word, &address))
		return;
	while ((word = strtok_r(NULL, blanks, &rest)) != NULL) {
		/* Doubled whenever the number is a power of two. */
		if ((d->hosts_n & (d->hosts_n - 1)) == 0)
			d->hosts = xrealloc(d->hosts, (d->hosts_n * 2 + 1) * sizeof(*d->hosts));
		d->hosts[d->hosts_n] = (struct host){ xstrdup(word), d->hosts_n, address };
		d->hosts_n++;
	}
}

/* A file that cannot be read is as good as empty. */
static void
hosts_load(struct dns *d)
{
	FILE *file = fopen(d->hosts_path, "re");
	char *line = NULL;
	size_t size = 0;

	hosts_clear(d);
	if (file == NULL)
		return;
	while (getline(&line, &size, file) >= 0)
		hosts_line(d, line);
	free(line);
	(void)fclose(file);
	if (d->hosts_n > 0)
		qsort(d->hosts, d->hosts_n, sizeof(*d->hosts), host_compare);
}

/* The first entry whose name is not before name. */
static size_t
hosts_find(const struct dns *d, const char *name)
{
	size_t low = 0, high = d->hosts_n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcasecmp(d->hosts[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
hosts_answer(struct dns_lookup *q, const char *name, int family)
{
	static const int families[] = { AF_INET, AF_INET6 };
	const struct dns *d = q->dns;
	size_t first = hosts_find(d, name);

	for (size_t f = 0; f < 2; f++) {
		if (family != AF_UNSPEC && family != families[f])
			continue;
		for (size_t i = first; i < d->hosts_n && strcasecmp(d->hosts[i].name, name) == 0; i++)
			answer_add(q, &d->hosts[i].address, families[f]);
	}
}

/* No server is asked for "localhost" and what ends in it (RFC 6761, 6.3). */
static void
localhost_answer(struct dns_lookup *q, const char *name, int family)
{
	static const char word[] = "localhost";
	size_t n = strlen(name), length = strlen(word);
	struct sockaddr_storage v4, v6;
	struct in_addr loopback = { htonl(INADDR_LOOPBACK) };

	if (n < length || strcasecmp(name + n - length, word) != 0)
		return;
	if (n > length && name[n - length - 1] != '.')
		return;
	v4 = address_from(AF_INET, &loopback);
	v6 = address_from(AF_INET6, &in6addr_loopback);
	answer_add(q, &v4, family);
	answer_add(q, &v6, family);
}

/* ---- evdns, and when it is made and let go ---- */

static struct identity
identity_of(const char *path)
{
	struct identity id = { .exists = false };
	struct stat st;

	if (stat(path, &st) == 0) {
		id.exists = true;
		id.dev = st.st_dev;
		id.ino = st.st_ino;
		id.size = st.st_size;
		id.mtime = st.st_mtim;
	}
	return id;
}

static bool
identity_same(const struct identity *a, const struct identity *b)
{
	return a->exists == b->exists && a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	    a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec;
}

static void
resolver_free(struct resolver *r)
{
	/* Only evdns's own probes can be under way; they are dropped without a call. */
	MUST(r->queries == 0);
	evdns_base_free(r->evdns, 0);
	free(r);
}

/* New lookups do not use it any more. */
static void
resolver_drop(struct dns *d)
{
	struct resolver *r = d->resolver;

	d->resolver = NULL;
	if (r != NULL && r->queries == 0)
		resolver_free(r);
}

static void
idle_event(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	resolver_drop(arg);
}

/* Notice what has changed since the last lookup. */
static void
files_check(struct dns *d)
{
	struct identity hosts = identity_of(d->hosts_path), resolv = identity_of(d->resolv_path);

	if (!identity_same(&hosts, &d->hosts_identity)) {
		d->hosts_identity = hosts;
		hosts_load(d);
	}
	if (!identity_same(&resolv, &d->resolv_identity)) {
		d->resolv_identity = resolv;
		resolver_drop(d);
	}
}

/* What evdns tells would go to stderr as it is; it has one place for the whole process. */
static void
evdns_told(int is_warning, const char *text)
{
	if (is_warning)
		log_debug("dns: %s", text);
}

static struct resolver *
resolver_get(struct dns *d)
{
	struct evdns_base *evdns;

	if (d->resolver != NULL)
		return d->resolver;
	evdns_set_log_fn(evdns_told);
	evdns = evdns_base_new(d->loop->base, 0);
	if (evdns == NULL)
		return NULL;
	/* Without the file, or a server in it, evdns asks 127.0.0.1, as the C library does. */
	(void)evdns_base_resolv_conf_parse(evdns,
	    DNS_OPTION_SEARCH | DNS_OPTION_NAMESERVERS | DNS_OPTION_MISC, d->resolv_path);
	d->resolver = xcalloc(1, sizeof(*d->resolver));
	d->resolver->evdns = evdns;
	return d->resolver;
}

struct dns *
dns_new(struct loop *l, const char *hosts, const char *resolv_conf)
{
	struct dns *d = xcalloc(1, sizeof(*d));

	d->loop = l;
	d->hosts_path = xstrdup(hosts == NULL ? "/etc/hosts" : hosts);
	d->resolv_path = xstrdup(resolv_conf == NULL ? "/etc/resolv.conf" : resolv_conf);
	d->idle = evtimer_new(l->base, idle_event, d);
	MUST(d->idle != NULL);
	return d;
}

/* ---- a query ---- */

static void
query_free(struct query *q)
{
	static const struct timeval idle = { IDLE, 0 };
	struct dns *d = q->dns;

	MUST(q->pending == 0 && q->lookup == NULL);
	if (q->next != NULL)
		q->next->prev = q->prev;
	if (q->prev != NULL)
		q->prev->next = q->next;
	else
		d->queries = q->next;
	q->resolver->queries--;
	if (q->resolver != d->resolver) {
		if (q->resolver->queries == 0)
			resolver_free(q->resolver);
	} else if (q->resolver->queries == 0) {
		(void)evtimer_add(d->idle, &idle);
	}
	event_free(q->skew);
	free(q->name);
	free(q);
}

/* The better to know: what may pass, before what will not. */
static int
error_rank(int error)
{
	static const int ranked[] = { 0, EAI_NODATA, EAI_NONAME, EAI_FAIL, EAI_AGAIN, DNS_TRUNCATED };

	for (size_t i = 0; i < sizeof(ranked) / sizeof(ranked[0]); i++) {
		if (ranked[i] == error)
			return (int)i;
	}
	MUST(!"an error of error_from()");
	return 0;
}

/* Detach the lookup from the query and cancel what is still under way. */
static void
query_leave(struct query *q)
{
	q->lookup->request = NULL;
	q->lookup = NULL;
	loop_unhold(q->dns->loop);
	(void)evtimer_del(q->skew);
	for (size_t i = 0; i < 2; i++) {
		if (q->parts[i].request != NULL)
			evdns_cancel_request(q->resolver->evdns, q->parts[i].request);
	}
}

static void
query_answer(struct query *q)
{
	struct dns_lookup *lookup = q->lookup;
	int error = 0;

	for (size_t i = 0; i < 2; i++) {
		for (int j = 0; j < q->parts[i].n; j++)
			answer_add(lookup, &q->parts[i].addresses[j], AF_UNSPEC);
		if (error_rank(q->parts[i].error) > error_rank(error))
			error = q->parts[i].error;
	}
	lookup->error = lookup->n > 0 ? 0 : error;
	lookup->done = true;
	query_leave(q);
	task_wake(lookup->waiter);
}

static void
skew_event(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	query_answer(arg);
}

static int
error_from(int result)
{
	switch (result) {
	case DNS_ERR_NONE:
		return 0;
	case DNS_ERR_NODATA:
		return EAI_NODATA;
	case DNS_ERR_NOTEXIST:
		return EAI_NONAME;
	case DNS_ERR_TRUNCATED:
		return DNS_TRUNCATED;
	case DNS_ERR_TIMEOUT:
	case DNS_ERR_SERVERFAILED:
	case DNS_ERR_REFUSED:
		return EAI_AGAIN;
	default:
		return EAI_FAIL;
	}
}

static void part_event(int result, char type, int count, int ttl, void *addresses, void *arg);

/* One request for each family wanted. */
static void
query_ask(struct query *q, int flags)
{
	struct evdns_base *evdns = q->resolver->evdns;

	for (size_t i = 0; i < 2; i++) {
		struct part *p = &q->parts[i];

		if (q->family == (i == 0 ? AF_INET6 : AF_INET))
			continue;
		if (i == 0)
			p->request = evdns_base_resolve_ipv4(evdns, q->name, flags, part_event, p);
		else
			p->request = evdns_base_resolve_ipv6(evdns, q->name, flags, part_event, p);
		if (p->request != NULL)
			q->pending++;
		else
			p->error = EAI_FAIL;	/* no name that could be asked for */
	}
}

/* Nobody knows the name as it is: there is neither an address nor a trouble. */
static bool
query_unknown(const struct query *q)
{
	for (size_t i = 0; i < 2; i++) {
		if (q->parts[i].n > 0 || error_rank(q->parts[i].error) > error_rank(EAI_NONAME))
			return false;
	}
	return true;
}

/* Nothing is under way any more: ask once more, or answer and be gone. */
static void
query_end(struct query *q)
{
	if (q->lookup != NULL && q->may_search && query_unknown(q)) {
		q->may_search = false;
		query_ask(q, 0);
	}
	if (q->pending > 0)
		return;
	if (q->lookup != NULL)
		query_answer(q);
	query_free(q);
}

/* evdns's call: once for each request. */
static void
part_event(int result, char type, int count, int ttl, void *addresses, void *arg)
{
	static const struct timeval skew = { SKEW, 0 };
	struct part *p = arg;
	struct query *q = p->query;
	int family = p == &q->parts[0] ? AF_INET : AF_INET6;
	size_t size = family == AF_INET ? 4 : 16;

	(void)type;
	(void)ttl;
	MUST(q->pending > 0);
	q->pending--;
	p->request = NULL;
	p->error = error_from(result);
	if (result == DNS_ERR_NONE || result == DNS_ERR_NODATA || result == DNS_ERR_NOTEXIST)
		q->dns->answered = loop_clock(q->dns->loop);
	if (result == DNS_ERR_NONE) {
		for (int i = 0; i < count && i < DNS_ADDRESSES_MAX; i++)
			p->addresses[p->n++] = address_from(family, (char *)addresses + size * (size_t)i);
	}
	if (q->pending == 0)
		query_end(q);
	else if (q->lookup != NULL && p->n > 0)
		(void)evtimer_add(q->skew, &skew);
}

/* absolute: never search. */
static void
query_start(struct dns_lookup *lookup, struct resolver *r, const char *name, int family,
    bool absolute)
{
	struct query *q = xcalloc(1, sizeof(*q));
	struct dns *d = lookup->dns;

	q->dns = d;
	q->resolver = r;
	q->lookup = lookup;
	q->name = xstrdup(name);
	q->family = family;
	q->may_search = !absolute && strchr(name, '.') != NULL;
	q->parts[0].query = q->parts[1].query = q;
	q->skew = evtimer_new(d->loop->base, skew_event, q);
	MUST(q->skew != NULL);
	q->next = d->queries;
	if (q->next != NULL)
		q->next->prev = q;
	d->queries = q;
	r->queries++;
	(void)evtimer_del(d->idle);
	lookup->request = q;
	loop_hold(d->loop);

	query_ask(q, absolute || q->may_search ? DNS_QUERY_NO_SEARCH : 0);
	if (q->pending == 0)
		query_end(q);
}

/* ---- lookups ---- */

static void
lookup_end(struct dns_lookup *q, int error)
{
	q->error = error;
	q->done = true;
	task_wake(q->waiter);
}

/* What needs no server.  True when the lookup is done. */
static bool
lookup_at_once(struct dns_lookup *q, const char *name, int family)
{
	struct sockaddr_storage address;
	size_t n = strlen(name);

	if (address_parse(name, &address)) {
		answer_add(q, &address, family);
		lookup_end(q, q->n > 0 ? 0 : EAI_ADDRFAMILY);
		return true;
	}
	if (n == 0 || n > NAME_MAX_BYTES) {
		lookup_end(q, EAI_NONAME);
		return true;
	}
	hosts_answer(q, name, family);
	if (q->n == 0)
		localhost_answer(q, name, family);
	if (q->n > 0)
		lookup_end(q, 0);
	return q->done;
}

void
dns_lookup_start(struct dns_lookup *q, struct dns *d, const char *name, int family, struct task *t)
{
	size_t n = strlen(name);
	bool absolute = n > 1 && name[n - 1] == '.';
	char *plain = xstrndup(name, absolute ? n - 1 : n);
	struct resolver *r;

	*q = (struct dns_lookup){ .dns = d, .waiter = t };
	files_check(d);
	if (!lookup_at_once(q, plain, family)) {
		r = resolver_get(d);
		if (r == NULL)
			lookup_end(q, EAI_MEMORY);
		else
			query_start(q, r, plain, family, absolute);
	}
	free(plain);
}

void
dns_lookup_stop(struct dns_lookup *q)
{
	if (q->request != NULL)
		query_leave(q->request);
	q->waiter = NULL;
}

void
dns_free(struct dns *d)
{
	if (d == NULL)
		return;
	for (struct query *q = d->queries; q != NULL; q = q->next) {
		if (q->lookup != NULL)
			query_leave(q);
	}
	/* All are cancelled: what is left are calls that evdns has put off until now. */
	while (d->queries != NULL)
		(void)event_base_loop(d->loop->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	resolver_drop(d);
	event_free(d->idle);
	hosts_clear(d);
	free(d->hosts_path);
	free(d->resolv_path);
	free(d);
}

usec_t
dns_answered(const struct dns *d)
{
	return d->answered;
}

const char *
dns_error(int error)
{
	switch (error) {
	case 0:
		return "the name was found";
	case EAI_NONAME:
		return "the name does not exist";
	case EAI_NODATA:
		return "the name has no address";
	case EAI_ADDRFAMILY:
		return "the address is of another family";
	case EAI_AGAIN:
		return "no nameserver gave an answer";
	case EAI_FAIL:
		return "the nameserver refused, or its answer makes no sense";
	case DNS_TRUNCATED:
		return "the nameserver's answer was too long and came truncated";
	default:
		return gai_strerror(error);
	}
}
