/*
 * What dns.h promises, against a nameserver of our own: a watch in the same loop, on a
 * port of the loopback.
 */
#include <arpa/inet.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/engine/dns.h"
#include "daemon/engine/loop.h"
#include "daemon/engine/watch.h"
#include "proto/mem.h"

#define PATIENCE	(30 * USEC_SEC)
#define MANY		200

#define TYPE_A		1
#define TYPE_AAAA	28

struct server {
	struct watch	 watch;
	struct world	*world;
	unsigned	 questions;
	unsigned char	 last;		/* of each IPv4 address that it answers */
	bool		 from_elsewhere;	/* answer from another port */
	int		 port;
};

/* A task that waits for one lookup, or all of many. */
struct world {
	struct task		 task;
	struct loop		*l;
	struct dns		*d;
	struct server		 server, second;
	struct dns_lookup	 q;
	struct dns_lookup	*many;
	char			 folder[32];
	char			*hosts, *resolv;
	bool			 wants_question;	/* wait for one, not for an answer */
	char			 text[1024];
};

/* ---- the nameserver ---- */

/* The question's name with dots, in small letters; the length of the question in the packet. */
static size_t
question_parse(const unsigned char *packet, char name[256])
{
	size_t i = 12, n = 0;

	while (packet[i] != 0) {
		for (unsigned j = 1; j <= packet[i]; j++)
			name[n++] = (char)(packet[i + j] | 0x20);
		name[n++] = '.';
		i += packet[i] + 1U;
	}
	name[n > 0 ? n - 1 : 0] = '\0';
	return i + 5 - 12;
}

static size_t
record_append(unsigned char *packet, size_t n, unsigned type, const void *bytes, size_t size)
{
	/* The name is the question's, then type, class, time to live, length. */
	const unsigned char head[] = {
		0xc0, 12, 0, (unsigned char)type, 0, 1, 0, 0, 0, 60, 0, (unsigned char)size,
	};

	memcpy(packet + n, head, sizeof(head));
	memcpy(packet + n + sizeof(head), bytes, size);
	packet[7]++;
	return n + sizeof(head) + size;
}

/* Make the answer in place; 0: there is none. */
static size_t
answer_make(const struct server *s, unsigned char *packet)
{
	unsigned char v4[4] = { 192, 0, 2, s->last }, v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
	char name[256];
	size_t n = 12 + question_parse(packet, name);
	unsigned type = packet[n - 3];

	packet[2] = 0x81;	/* an answer, recursion wanted */
	packet[3] = 0x80;	/* and to be had */
	memset(packet + 6, 0, 6);
	if (strcmp(name, "silent.test") == 0 || (strcmp(name, "half.test") == 0 && type == TYPE_AAAA))
		return 0;
	if (strcmp(name, "refused.test") == 0)
		packet[3] |= 5;
	else if (strcmp(name, "failed.test") == 0)
		packet[3] |= 2;
	else if (strcmp(name, "long.test") == 0) {
		packet[2] |= 0x02;
	} else if (strcmp(name, "both.test") == 0 || strcmp(name, "short.lan.test") == 0 ||
	    strcmp(name, "half.test") == 0) {
		if (type == TYPE_AAAA)
			return record_append(packet, n, TYPE_AAAA, v6, sizeof(v6));
		n = record_append(packet, n, TYPE_A, v4, sizeof(v4));
		v4[3]++;
		n = record_append(packet, n, TYPE_A, v4, sizeof(v4));
	} else if (strcmp(name, "four.test.wild.test") == 0 && type == TYPE_AAAA) {
		n = record_append(packet, n, TYPE_AAAA, v6, sizeof(v6));
	} else if (strcmp(name, "four.test") == 0 && type == TYPE_A) {
		n = record_append(packet, n, TYPE_A, v4, sizeof(v4));
	} else if (strcmp(name, "four.test") != 0 && strcmp(name, "empty.test") != 0) {
		packet[3] |= 3;		/* no such name */
	}
	return n;
}

static void
answer_send(const struct server *s, const unsigned char *packet, size_t n, const struct sockaddr_in *to)
{
	int fd = s->from_elsewhere ? socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) : s->watch.fd;

	assert_int_equal(sendto(fd, packet, n, 0, (const struct sockaddr *)to, sizeof(*to)), n);
	if (s->from_elsewhere)
		close(fd);
}

static bool
server_ready(struct watch *w)
{
	struct server *s = container_of(w, struct server, watch);
	unsigned char packet[2048];
	struct sockaddr_in from;
	socklen_t length = sizeof(from);
	size_t n;

	while (recvfrom(w->fd, packet, 512, 0, (struct sockaddr *)&from, &length) > 0) {
		s->questions++;
		n = answer_make(s, packet);
		if (n > 0)
			answer_send(s, packet, n, &from);
	}
	w->readable = false;
	return true;
}

static void
server_start_at(struct world *f, struct server *s, unsigned char last, int port)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t length = sizeof(here);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	here.sin_port = htons((uint16_t)port);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&here, sizeof(here)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&here, &length), 0);
	s->port = ntohs(here.sin_port);
	s->last = last;
	s->world = f;
	assert_int_equal(watch_start(&s->watch, f->l, fd, WATCH_READ, &f->task), 0);
	s->watch.ready = server_ready;
}

/* On a port of the kernel's choice. */
static void
server_start(struct world *f, struct server *s, unsigned char last)
{
	server_start_at(f, s, last, 0);
}

static void
server_stop(struct server *s)
{
	if (s->watch.event == NULL)
		return;
	watch_stop(&s->watch);
	close(s->watch.fd);
}

/* ---- the world ---- */

static void
file_write(const char *path, const char *text)
{
	char *other = xasprintf("%s.new", path);
	FILE *file = fopen(other, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(rename(other, path), 0);
	free(other);
}

static void
resolv_write(struct world *f, const struct server *s, const char *more)
{
	char *text = xasprintf("nameserver 127.0.0.1:%d\nsearch %s\n", s->port, more);

	file_write(f->resolv, text);
	free(text);
}

static void
world_start(struct world *f, enum loop_clock clock)
{
	memset(f, 0, sizeof(*f));
	f->l = loop_new(clock);
	assert_non_null(f->l);
	snprintf(f->folder, sizeof(f->folder), "/tmp/jobd-dns-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	f->hosts = xasprintf("%s/hosts", f->folder);
	f->resolv = xasprintf("%s/resolv.conf", f->folder);
	server_start(f, &f->server, 10);
	resolv_write(f, &f->server, "invalid");
	f->d = dns_new(f->l, f->hosts, f->resolv);
}

static void
world_stop(struct world *f)
{
	dns_lookup_stop(&f->q);
	dns_lookup_stop(&f->q);
	dns_free(f->d);
	server_stop(&f->server);
	server_stop(&f->second);
	assert_int_equal(f->l->watches, 0);
	assert_int_equal(f->l->held, 0);
	(void)remove(f->hosts);
	(void)remove(f->resolv);
	assert_int_equal(rmdir(f->folder), 0);
	free(f->hosts);
	free(f->resolv);
	loop_free(f->l);
}

static bool
world_holds(const struct world *f)
{
	if (f->wants_question)
		return f->server.questions > 0;
	for (int i = 0; f->many != NULL && i < MANY; i++) {
		if (!f->many[i].done)
			return false;
	}
	return f->q.done;
}

static enum task_status
world_step(struct task *t)
{
	struct world *f = container_of(t, struct world, task);

	TASK_BEGIN(t);

	AWAIT_UNTIL(t, loop_now(t->loop) + PATIENCE, world_holds(f));
	TASK_END(t, t->err);
}

static const struct task_kind world_kind = { .name = "test", .step = world_step };

static void
wait_for(struct world *f)
{
	task_start_root(&f->task, &world_kind, f->l);
	assert_int_equal(loop_run(f->l), 0);
	assert_int_equal(f->task.result, 0);
}

/* Look up and wait; the addresses with blanks between, or the error. */
static const char *
look_up(struct world *f, const char *name, int family)
{
	char address[INET6_ADDRSTRLEN];
	size_t n = 0;

	dns_lookup_start(&f->q, f->d, name, family, &f->task);
	if (!f->q.done)
		wait_for(f);
	if (f->q.error != 0) {
		assert_int_equal(f->q.n, 0);
		return dns_error(f->q.error);
	}
	for (unsigned i = 0; i < f->q.n; i++) {
		const struct sockaddr_storage *ss = &f->q.addresses[i];
		const void *bytes = &((const struct sockaddr_in6 *)ss)->sin6_addr;

		if (ss->ss_family == AF_INET)
			bytes = &((const struct sockaddr_in *)ss)->sin_addr;
		assert_non_null(inet_ntop(ss->ss_family, bytes, address, sizeof(address)));
		n += (size_t)snprintf(f->text + n, sizeof(f->text) - n, "%s%s", i > 0 ? " " : "", address);
	}
	return f->text;
}

/* ---- what needs no server ---- */

static void
numbers_are_answered_at_once(void **state)
{
	struct world f;

	(void)state;
	world_start(&f, LOOP_REAL);
	assert_string_equal(look_up(&f, "192.0.2.7", AF_UNSPEC), "192.0.2.7");
	assert_string_equal(look_up(&f, "2001:db8::7", AF_UNSPEC), "2001:db8::7");
	assert_string_equal(look_up(&f, "fe80::7%lo", AF_INET6), "fe80::7");
	assert_true(((struct sockaddr_in6 *)&f.q.addresses[0])->sin6_scope_id > 0);
	assert_string_equal(look_up(&f, "192.0.2.7", AF_INET6), "the address is of another family");
	assert_string_equal(look_up(&f, "", AF_UNSPEC), "the name does not exist");
	assert_int_equal(f.l->stats.ticks, 0);
	world_stop(&f);
}

static void
hosts_file_comes_first_with_all_addresses(void **state)
{
	struct world f;

	(void)state;
	world_start(&f, LOOP_REAL);
	file_write(f.hosts, "# comment\n127.0.0.1 here\n2001:db8::5 both.test box\n"
	    "192.0.2.51\tBox box2 # box3\n192.0.2.52 box\n192.0.2.51 box\nnonsense box\n192.0.2.53\n");
	assert_string_equal(look_up(&f, "box", AF_UNSPEC), "192.0.2.51 192.0.2.52 2001:db8::5");
	assert_string_equal(look_up(&f, "BOX", AF_INET), "192.0.2.51 192.0.2.52");
	assert_string_equal(look_up(&f, "box", AF_INET6), "2001:db8::5");
	assert_string_equal(look_up(&f, "box2.", AF_UNSPEC), "192.0.2.51");
	assert_string_equal(look_up(&f, "both.test", AF_UNSPEC), "2001:db8::5");
	assert_int_equal(f.server.questions, 0);
	assert_string_equal(look_up(&f, "box3", AF_UNSPEC), "the name does not exist");
	/* A family that the file does not have is asked for. */
	assert_string_equal(look_up(&f, "both.test", AF_INET), "192.0.2.10 192.0.2.11");
	world_stop(&f);
}

static void
localhost_needs_neither_file_nor_server(void **state)
{
	struct world f;

	(void)state;
	world_start(&f, LOOP_REAL);
	(void)remove(f.resolv);
	assert_string_equal(look_up(&f, "localhost", AF_UNSPEC), "127.0.0.1 ::1");
	assert_string_equal(look_up(&f, "app.LocalHost.", AF_INET), "127.0.0.1");
	file_write(f.hosts, "127.0.0.2 localhost\n192.0.2.1 notlocalhost\n");
	assert_string_equal(look_up(&f, "localhost", AF_UNSPEC), "127.0.0.2");
	assert_string_equal(look_up(&f, "localhost", AF_INET6), "::1");
	assert_string_equal(look_up(&f, "notlocalhost", AF_UNSPEC), "192.0.2.1");
	world_stop(&f);
}

/* ---- what a server says ---- */

static void
server_answers_both_families(void **state)
{
	struct world f;

	(void)state;
	world_start(&f, LOOP_REAL);
	assert_string_equal(look_up(&f, "both.test", AF_UNSPEC), "192.0.2.10 192.0.2.11 2001:db8::1");
	assert_string_equal(look_up(&f, "both.test", AF_INET6), "2001:db8::1");
	assert_string_equal(look_up(&f, "Both.Test.", AF_INET), "192.0.2.10 192.0.2.11");
	assert_string_equal(look_up(&f, "four.test", AF_UNSPEC), "192.0.2.10");
	assert_int_equal(f.server.questions, 6);
	world_stop(&f);
}

static void
failures_are_told_apart(void **state)
{
	static char long_label[80];
	struct world f;

	(void)state;
	world_start(&f, LOOP_REAL);
	assert_string_equal(look_up(&f, "none.test.", AF_UNSPEC), "the name does not exist");
	assert_string_equal(look_up(&f, "empty.test.", AF_UNSPEC), "the name has no address");
	assert_string_equal(look_up(&f, "four.test.", AF_INET6), "the name has no address");
	assert_string_equal(look_up(&f, "long.test", AF_UNSPEC),
	    "the nameserver's answer was too long and came truncated");
	assert_string_equal(look_up(&f, "refused.test", AF_UNSPEC), "the nameservers refuse to answer");
	assert_string_equal(look_up(&f, "failed.test", AF_UNSPEC),
	    "no nameserver gave an answer, or none but SERVFAIL");
	memset(long_label, 'x', sizeof(long_label) - 1);
	(void)look_up(&f, long_label, AF_UNSPEC);
	assert_int_not_equal(f.q.error, 0);
	world_stop(&f);
}

static void
silence_ends_as_no_answer(void **state)
{
	struct world f;

	(void)state;
	world_start(&f, LOOP_REAL);
	resolv_write(&f, &f.server, "invalid\noptions timeout:0.1 attempts:1");
	assert_string_equal(look_up(&f, "silent.test.", AF_UNSPEC),
	    "no nameserver gave an answer, or none but SERVFAIL");
	assert_int_equal(dns_answered(f.d), 0);
	/* One that does not exist, and says so, is an answer. */
	(void)look_up(&f, "nobody.test.", AF_UNSPEC);
	assert_true(dns_answered(f.d) > 0);
	world_stop(&f);
}

static void
answer_from_another_port_is_none(void **state)
{
	struct world f;

	(void)state;
	world_start(&f, LOOP_REAL);
	resolv_write(&f, &f.server, "invalid\noptions timeout:0.1 attempts:1");
	f.server.from_elsewhere = true;
	assert_string_equal(look_up(&f, "four.test.", AF_INET),
	    "no nameserver gave an answer, or none but SERVFAIL");
	assert_int_equal(dns_answered(f.d), 0);
	f.server.from_elsewhere = false;
	assert_string_equal(look_up(&f, "four.test.", AF_INET), "192.0.2.10");
	world_stop(&f);
}

/* One of two does not answer; then neither, and then the other. */
static void
nameserver_that_comes_back_is_asked(void **state)
{
	char *text;
	struct world f;
	int port;

	(void)state;
	world_start(&f, LOOP_REAL);
	server_start(&f, &f.second, 77);
	text = xasprintf("nameserver 127.0.0.1:%d\nnameserver 127.0.0.1:%d\noptions timeout:0.1 attempts:3\n",
	    f.server.port, f.second.port);
	file_write(f.resolv, text);
	free(text);
	port = f.server.port;
	server_stop(&f.server);
	memset(&f.server, 0, sizeof(f.server));
	assert_string_equal(look_up(&f, "four.test.", AF_INET), "192.0.2.77");
	server_stop(&f.second);
	memset(&f.second, 0, sizeof(f.second));
	assert_string_equal(look_up(&f, "four.test.", AF_INET),
	    "no nameserver gave an answer, or none but SERVFAIL");
	server_start_at(&f, &f.server, 10, port);
	assert_string_equal(look_up(&f, "four.test.", AF_INET), "192.0.2.10");
	world_stop(&f);
}

static void
one_family_does_not_wait_long_for_the_other(void **state)
{
	struct world f;

	(void)state;
	world_start(&f, LOOP_REAL);
	/* The server's silence alone would take longer than PATIENCE. */
	resolv_write(&f, &f.server, "invalid\noptions timeout:100");
	assert_string_equal(look_up(&f, "half.test.", AF_UNSPEC), "192.0.2.10 192.0.2.11");
	world_stop(&f);
}

static void
search_list_is_used(void **state)
{
	struct world f;

	(void)state;
	world_start(&f, LOOP_REAL);
	resolv_write(&f, &f.server, "other.test lan.test");
	assert_string_equal(look_up(&f, "short", AF_INET), "192.0.2.10 192.0.2.11");
	assert_string_equal(look_up(&f, "short.", AF_INET), "the name does not exist");
	world_stop(&f);
}

static void
search_does_not_mix_families_of_two_names(void **state)
{
	struct world f;

	(void)state;
	world_start(&f, LOOP_REAL);
	resolv_write(&f, &f.server, "wild.test lan.test");
	assert_string_equal(look_up(&f, "four.test", AF_UNSPEC), "192.0.2.10");
	assert_string_equal(look_up(&f, "four.test.wild", AF_UNSPEC), "the name does not exist");
	resolv_write(&f, &f.server, "test");
	assert_string_equal(look_up(&f, "four.test.wild", AF_UNSPEC), "2001:db8::1");
	world_stop(&f);
}

/* ---- changes, endings, numbers ---- */

static void
changes_of_files_are_noticed(void **state)
{
	struct world f;

	(void)state;
	world_start(&f, LOOP_REAL);
	assert_string_equal(look_up(&f, "four.test", AF_INET), "192.0.2.10");
	server_start(&f, &f.second, 77);
	resolv_write(&f, &f.second, "invalid");
	assert_string_equal(look_up(&f, "four.test", AF_INET), "192.0.2.77");
	file_write(f.hosts, "192.0.2.99 four.test\n");
	assert_string_equal(look_up(&f, "four.test", AF_INET), "192.0.2.99");
	(void)remove(f.hosts);
	assert_string_equal(look_up(&f, "four.test", AF_INET), "192.0.2.77");
	world_stop(&f);
}

static void
lookup_under_way_outlives_a_change(void **state)
{
	static struct dns_lookup many[MANY];
	struct world f;

	(void)state;
	world_start(&f, LOOP_REAL);
	for (int i = 0; i < MANY; i++)
		dns_lookup_start(&many[i], f.d, "four.test", AF_INET, &f.task);
	f.many = many;
	server_start(&f, &f.second, 77);
	resolv_write(&f, &f.second, "invalid");
	assert_string_equal(look_up(&f, "four.test", AF_INET), "192.0.2.77");

	/* Those were asked of the first server, and answered by it. */
	assert_int_equal(f.server.questions, MANY);
	assert_int_equal(f.second.questions, 1);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(many[i].n, 1);
	f.many = NULL;
	world_stop(&f);
}

static void
lookup_can_be_given_up(void **state)
{
	struct world f;

	(void)state;
	world_start(&f, LOOP_REAL);
	for (int i = 0; i < 3; i++) {
		dns_lookup_start(&f.q, f.d, "silent.test.", AF_UNSPEC, &f.task);
		assert_false(f.q.done);
		f.server.questions = 0;
		f.wants_question = true;
		wait_for(&f);
		f.wants_question = false;
		dns_lookup_stop(&f.q);
		assert_int_equal(f.l->held, 0);
		assert_string_equal(look_up(&f, "four.test.", AF_INET), "192.0.2.10");
	}
	/* And at once, before it was sent. */
	dns_lookup_start(&f.q, f.d, "silent.test.", AF_UNSPEC, &f.task);
	dns_lookup_stop(&f.q);
	world_stop(&f);
}

static void
dns_can_be_freed_under_way(void **state)
{
	static struct dns_lookup many[MANY];
	struct world f;

	(void)state;
	world_start(&f, LOOP_REAL);
	dns_lookup_start(&f.q, f.d, "silent.test.", AF_UNSPEC, &f.task);
	f.wants_question = true;
	wait_for(&f);
	/* Most of these were not even asked. */
	for (int i = 0; i < MANY; i++)
		dns_lookup_start(&many[i], f.d, "silent.test.", AF_UNSPEC, &f.task);
	dns_free(f.d);
	f.d = NULL;
	assert_false(f.q.done || many[0].done || many[MANY - 1].done);
	world_stop(&f);
}

static void
many_at_once_all_end(void **state)
{
	static struct dns_lookup many[MANY];
	struct world f;

	(void)state;
	world_start(&f, LOOP_REAL);
	for (int i = 0; i < MANY; i++)
		dns_lookup_start(&many[i], f.d, i % 2 == 0 ? "both.test" : "none.test.", AF_UNSPEC, &f.task);
	f.many = many;
	dns_lookup_start(&f.q, f.d, "four.test", AF_INET, &f.task);
	wait_for(&f);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(many[i].n, i % 2 == 0 ? 3 : 0);
	f.many = NULL;
	world_stop(&f);
}

static void
names_that_nobody_answers_for_hold_up_no_others(void **state)
{
	static struct dns_lookup many[MANY];
	struct world f;

	(void)state;
	world_start(&f, LOOP_REAL);
	/* Their end would be later than PATIENCE. */
	resolv_write(&f, &f.server, "invalid\noptions timeout:100");
	for (int i = 0; i < MANY; i++)
		dns_lookup_start(&many[i], f.d, "silent.test.", AF_UNSPEC, &f.task);
	assert_string_equal(look_up(&f, "four.test.", AF_INET), "192.0.2.10");
	for (int i = 0; i < MANY; i++)
		dns_lookup_stop(&many[i]);
	world_stop(&f);
}

static void
virtual_clock_is_held(void **state)
{
	struct world f;
	usec_t before;

	(void)state;
	world_start(&f, LOOP_VIRTUAL);
	before = loop_now(f.l);
	assert_string_equal(look_up(&f, "four.test", AF_UNSPEC), "192.0.2.10");
	assert_int_equal(loop_now(f.l), before);
	world_stop(&f);
}

struct timers {
	int	n;
	long	soonest;	/* seconds from now */
};

static int
timer_look(const struct event_base *base, const struct event *e, void *arg)
{
	struct timers *t = arg;
	struct timeval when, now;

	(void)base;
	if (event_pending(e, EV_TIMEOUT, &when)) {
		gettimeofday(&now, NULL);
		t->n++;
		if (t->n == 1 || when.tv_sec - now.tv_sec < t->soonest)
			t->soonest = when.tv_sec - now.tv_sec;
	}
	return 0;
}

static void
idle_leaves_one_timer_for_letting_go(void **state)
{
	struct timers timers = { 0 };
	struct world f;

	(void)state;
	world_start(&f, LOOP_REAL);
	assert_string_equal(look_up(&f, "both.test", AF_UNSPEC), "192.0.2.10 192.0.2.11 2001:db8::1");
	event_base_foreach_event(f.l->base, timer_look, &timers);
	assert_int_equal(timers.n, 1);
	assert_in_range(timers.soonest, 50, 61);
	world_stop(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_answered_at_once),
		cmocka_unit_test(hosts_file_comes_first_with_all_addresses),
		cmocka_unit_test(localhost_needs_neither_file_nor_server),
		cmocka_unit_test(server_answers_both_families),
		cmocka_unit_test(failures_are_told_apart),
		cmocka_unit_test(silence_ends_as_no_answer),
		cmocka_unit_test(answer_from_another_port_is_none),
		cmocka_unit_test(nameserver_that_comes_back_is_asked),
		cmocka_unit_test(one_family_does_not_wait_long_for_the_other),
		cmocka_unit_test(search_list_is_used),
		cmocka_unit_test(search_does_not_mix_families_of_two_names),
		cmocka_unit_test(changes_of_files_are_noticed),
		cmocka_unit_test(lookup_under_way_outlives_a_change),
		cmocka_unit_test(lookup_can_be_given_up),
		cmocka_unit_test(dns_can_be_freed_under_way),
		cmocka_unit_test(many_at_once_all_end),
		cmocka_unit_test(names_that_nobody_answers_for_hold_up_no_others),
		cmocka_unit_test(virtual_clock_is_held),
		cmocka_unit_test(idle_leaves_one_timer_for_letting_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
