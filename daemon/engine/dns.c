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

/* One family has answered: so long it waits for the other, which broken servers never give. */
#define SKEW		2

/*
 * So many queries are asked at a time: the answers to more would not fit into a socket's buffer, and resolvers have
 * limits of their own.  One that has no answer after so long does not count any more: else names that nobody answers
 * for would hold up all others.
 */
#define YOUNG_MAX	64
#define YOUNG_USEC	(100 * USEC_MSEC)

/* Requests of evdns that wait for an answer; its numbers for them have 16 bits. */
#define INFLIGHT_MAX	"16384"

/* Those of resolv.conf that are used. */
#define NAMESERVERS_MAX	8
#define DNS_PORT	53

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
	struct query		*first, *last;	/* of them, those to be asked yet */
	unsigned		 young;		/* asked not long ago */
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
	struct query		*later;		/* is asked after it */
	struct dns		*dns;
	struct resolver		*resolver;
	struct dns_lookup	*lookup;	/* NULL: forgotten */
	struct event		*timer;		/* until it is not young any more; or of SKEW */
	char			*name;
	int			 family;
	int			 flags;		/* of evdns */
	bool			 young;
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

/* Sockets of the loop for datagrams that are not connected: few, and none of ours. */
struct unconnected {
	int	fds[32];
	size_t	n;
};

static int
socket_note(const struct event_base *base, const struct event *e, void *arg)
{
	struct unconnected *u = arg;
	int fd = event_get_fd(e), type = 0;
	socklen_t length = sizeof(type);
	struct sockaddr_storage peer;

	(void)base;
	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0 || type != SOCK_DGRAM)
		return 0;
	length = sizeof(peer);
	if (getpeername(fd, (struct sockaddr *)&peer, &length) < 0 && u->n < sizeof(u->fds) / sizeof(u->fds[0]))
		u->fds[u->n++] = fd;
	return 0;
}

static bool
socket_known(const struct unconnected *u, int fd)
{
	for (size_t i = 0; i < u->n; i++) {
		if (u->fds[i] == fd)
			return true;
	}
	return false;
}

static bool
address_is_loopback(const struct sockaddr_storage *address)
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;

	if (address->ss_family == AF_INET)
		return ntohl(four->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

/*
 * evdns takes an answer from any port of a nameserver's address: so everybody on this host could answer for a resolver
 * on the loopback.  To a socket that is connected the kernel gives only what comes from there.  Others are left as
 * they are: what comes from another host may say that it is from any port; and a connected socket does not get over a
 * change of this host's own address.
 */
static void
loopback_add(struct dns *d, struct evdns_base *evdns, const struct sockaddr *to, unsigned length)
{
	struct unconnected before = { .n = 0 }, after = { .n = 0 };

	(void)event_base_foreach_event(d->loop->base, socket_note, &before);
	(void)evdns_base_nameserver_sockaddr_add(evdns, to, length, 0);
	(void)event_base_foreach_event(d->loop->base, socket_note, &after);
	for (size_t i = 0; i < after.n; i++) {
		/* Should it fail, evdns says with each packet where to. */
		if (!socket_known(&before, after.fds[i]))
			(void)connect(after.fds[i], to, (socklen_t)length);
	}
}

static void
nameserver_add(struct dns *d, struct evdns_base *evdns, const char *text)
{
	struct sockaddr_storage address = { 0 };
	const struct sockaddr *to = (struct sockaddr *)&address;
	int length = sizeof(address);

	if (!address_parse(text, &address) &&
	    evutil_parse_sockaddr_port(text, (struct sockaddr *)&address, &length) < 0)
		return;
	length = address.ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	/* IPv4 and IPv6 have it at the same place. */
	if (((struct sockaddr_in *)&address)->sin_port == 0)
		((struct sockaddr_in *)&address)->sin_port = htons(DNS_PORT);
	if (address_is_loopback(&address))
		loopback_add(d, evdns, to, (unsigned)length);
	else
		(void)evdns_base_nameserver_sockaddr_add(evdns, to, (unsigned)length, 0);
}

static void
nameservers_load(struct dns *d, struct evdns_base *evdns)
{
	static const char blanks[] = " \t\r\n";
	FILE *file = fopen(d->resolv_path, "re");
	char *line = NULL, *rest, *word;
	size_t size = 0;

	while (file != NULL && getline(&line, &size, file) >= 0) {
		word = strtok_r(line, blanks, &rest);
		if (word == NULL || strcmp(word, "nameserver") != 0)
			continue;
		word = strtok_r(NULL, blanks, &rest);
		if (word != NULL && evdns_base_count_nameservers(evdns) < NAMESERVERS_MAX)
			nameserver_add(d, evdns, word);
	}
	free(line);
	if (file != NULL)
		(void)fclose(file);
	/* As the C library does. */
	if (evdns_base_count_nameservers(evdns) == 0)
		nameserver_add(d, evdns, "127.0.0.1");
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
	(void)evdns_base_resolv_conf_parse(evdns, DNS_OPTION_SEARCH | DNS_OPTION_MISC, d->resolv_path);
	(void)evdns_base_set_option(evdns, "max-inflight:", INFLIGHT_MAX);
	nameservers_load(d, evdns);
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

/* It makes room for another. */
static void
query_age(struct query *q)
{
	if (!q->young)
		return;
	q->young = false;
	q->dns->young--;
	(void)evtimer_del(q->timer);
}

static void
query_free(struct query *q)
{
	static const struct timeval idle = { IDLE, 0 };
	struct dns *d = q->dns;

	MUST(q->pending == 0 && q->lookup == NULL);
	query_age(q);
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
	event_free(q->timer);
	free(q->name);
	free(q);
}

/* The better to know: what may pass, before what will not. */
static int
error_rank(int error)
{
	static const int ranked[] = { 0, EAI_NODATA, EAI_NONAME, EAI_FAIL, DNS_REFUSED, EAI_AGAIN, DNS_TRUNCATED };

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
	if (!q->young)
		(void)evtimer_del(q->timer);
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
	case DNS_ERR_REFUSED:
		return DNS_REFUSED;
	case DNS_ERR_TIMEOUT:	/* SERVFAIL, too: evdns takes it for none */
	case DNS_ERR_SERVERFAILED:
		return EAI_AGAIN;
	default:
		return EAI_FAIL;
	}
}

static void part_event(int result, char type, int count, int ttl, void *addresses, void *arg);

/* One request for each family wanted. */
static void
query_ask(struct query *q)
{
	struct evdns_base *evdns = q->resolver->evdns;

	for (size_t i = 0; i < 2; i++) {
		struct part *p = &q->parts[i];

		if (q->family == (i == 0 ? AF_INET6 : AF_INET))
			continue;
		if (i == 0)
			p->request = evdns_base_resolve_ipv4(evdns, q->name, q->flags, part_event, p);
		else
			p->request = evdns_base_resolve_ipv6(evdns, q->name, q->flags, part_event, p);
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
		q->flags = 0;
		query_ask(q);
	}
	if (q->pending > 0)
		return;
	if (q->lookup != NULL)
		query_answer(q);
	query_free(q);
}

/* Ask those that wait, as many as may be. */
static void
queries_pump(struct dns *d)
{
	static const struct timeval young = { 0, YOUNG_USEC };
	struct query *q;

	while (d->young < YOUNG_MAX && (q = d->first) != NULL) {
		d->first = q->later;
		if (q->lookup == NULL) {
			query_free(q);
			continue;
		}
		q->young = true;
		d->young++;
		(void)evtimer_add(q->timer, &young);
		query_ask(q);
		if (q->pending == 0)
			query_end(q);
	}
}

static void
timer_event(evutil_socket_t fd, short what, void *arg)
{
	struct query *q = arg;

	(void)fd;
	(void)what;
	if (!q->young) {
		query_answer(q);
		return;
	}
	query_age(q);
	queries_pump(q->dns);
}

/* evdns's call: once for each request. */
static void
part_event(int result, char type, int count, int ttl, void *addresses, void *arg)
{
	static const struct timeval skew = { SKEW, 0 };
	struct part *p = arg;
	struct query *q = p->query;
	struct dns *d = q->dns;
	int family = p == &q->parts[0] ? AF_INET : AF_INET6;
	size_t size = family == AF_INET ? 4 : 16;

	(void)type;
	(void)ttl;
	MUST(q->pending > 0);
	q->pending--;
	p->request = NULL;
	p->error = error_from(result);
	if (result == DNS_ERR_NONE || result == DNS_ERR_NODATA || result == DNS_ERR_NOTEXIST ||
	    result == DNS_ERR_TRUNCATED)
		d->answered = loop_clock(d->loop);
	if (result == DNS_ERR_NONE) {
		for (int i = 0; i < count && i < DNS_ADDRESSES_MAX; i++)
			p->addresses[p->n++] = address_from(family, (char *)addresses + size * (size_t)i);
	}
	if (q->pending == 0) {
		query_end(q);
	} else if (q->lookup != NULL && p->n > 0) {
		query_age(q);
		(void)evtimer_add(q->timer, &skew);
	}
	queries_pump(d);
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
	q->flags = absolute || q->may_search ? DNS_QUERY_NO_SEARCH : 0;
	q->parts[0].query = q->parts[1].query = q;
	q->timer = evtimer_new(d->loop->base, timer_event, q);
	MUST(q->timer != NULL);
	q->next = d->queries;
	if (q->next != NULL)
		q->next->prev = q;
	d->queries = q;
	r->queries++;
	(void)evtimer_del(d->idle);
	lookup->request = q;
	loop_hold(d->loop);

	if (d->first != NULL)
		d->last->later = q;
	else
		d->first = q;
	d->last = q;
	queries_pump(d);
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
	if (n == 0 || n > DNS_NAME_MAX) {
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
	struct query *q;

	if (d == NULL)
		return;
	for (q = d->queries; q != NULL; q = q->next) {
		if (q->lookup != NULL)
			query_leave(q);
	}
	while ((q = d->first) != NULL) {
		d->first = q->later;
		query_free(q);
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
		return "no nameserver gave an answer, or none but SERVFAIL";
	case DNS_REFUSED:
		return "the nameservers refuse to answer";
	case EAI_FAIL:
		return "the nameserver's answer makes no sense";
	case DNS_TRUNCATED:
		return "the nameserver's answer was too long and came truncated";
	default:
		return gai_strerror(error);
	}
}
