/*
 * nameserver: answers as the first part of the name asked for says, however wrong: ok.test is there, nx.test is not,
 * silent.test gets no answer; the table has them all.  What is there is at 127.0.0.1.  Prints its port on stdout and
 * ends when stdin is closed.
 *
 *	nameserver [PORT]
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TYPE_A		1
#define TYPE_CNAME	5
#define TYPE_AAAA	28

/* In the fourth byte of a packet. */
enum rcode { NONE, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED };

#define PACKET_MAX	4096
#define LATER_MAX	64

/* A question that becomes its answer. */
struct packet {
	unsigned char		 bytes[PACKET_MAX];
	size_t			 n;
	unsigned		 type;		/* that is asked for */
	struct sockaddr_in	 from;
	long long		 due;		/* in ms; 0: at once */
};

static int ours;

static long long
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* ---- what an answer is made of ---- */

static void
append(struct packet *p, const void *bytes, size_t n)
{
	memcpy(p->bytes + p->n, bytes, n);
	p->n += n;
}

/* A record of the name that was asked for; length: what is told of its data. */
static void
record_of(struct packet *p, unsigned type, unsigned ttl, unsigned length, const void *data, size_t n)
{
	const unsigned char head[] = {
		0xc0, 12, 0, (unsigned char)type, 0, 1, 0, 0, 0, (unsigned char)ttl,
		(unsigned char)(length >> 8), (unsigned char)length,
	};

	append(p, head, sizeof(head));
	append(p, data, n);
	if (++p->bytes[7] == 0)
		p->bytes[6]++;
}

static void
record(struct packet *p, unsigned type, unsigned ttl, const void *data, size_t n)
{
	record_of(p, type, ttl, (unsigned)n, data, n);
}

static void
address(struct packet *p)
{
	if (p->type == TYPE_A)
		record(p, TYPE_A, 60, "\x7f\0\0\1", 4);
}

/* ---- the answers ---- */

static void
well(struct packet *p)
{
	address(p);
}

static void
slow(struct packet *p)
{
	address(p);
	p->due = now_ms() + 301;	/* not less than 300: now has no fractions */
}

/* After the asker has given up. */
static void
late(struct packet *p)
{
	address(p);
	p->due = now_ms() + 1500;
}

static void
silent(struct packet *p)
{
	p->n = 0;
}

static void
servfail(struct packet *p)
{
	p->bytes[3] |= SERVFAIL;
}

static void
nx(struct packet *p)
{
	p->bytes[3] |= NXDOMAIN;
}

static void
refused(struct packet *p)
{
	p->bytes[3] |= REFUSED;
}

static void
notimp(struct packet *p)
{
	p->bytes[3] |= NOTIMP;
}

static void
formerr(struct packet *p)
{
	p->bytes[3] |= FORMERR;
}

static void
truncated(struct packet *p)
{
	address(p);
	p->bytes[2] |= 0x02;
}

static void
wrong_id(struct packet *p)
{
	address(p);
	p->bytes[0] ^= 0xff;
}

/* A letter of the name in the question is another. */
static void
wrong_question(struct packet *p)
{
	address(p);
	p->bytes[13] = 'x';
}

static void
wrong_port(struct packet *p)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	address(p);
	sendto(fd, p->bytes, p->n, 0, (struct sockaddr *)&p->from, sizeof(p->from));
	close(fd);
	p->n = 0;
}

static void
cut(struct packet *p)
{
	address(p);
	p->n = 5;
}

static void
empty(struct packet *p)
{
	(void)sendto(ours, "", 0, 0, (struct sockaddr *)&p->from, sizeof(p->from));
	p->n = 0;
}

static void
garbage(struct packet *p)
{
	memset(p->bytes + 4, 0xff, 500);
	p->n = 504;
}

/* The name of the record points to itself. */
static void
pointer_loop(struct packet *p)
{
	size_t at = p->n;

	address(p);
	p->bytes[at] = (unsigned char)(0xc0 | at >> 8);
	p->bytes[at + 1] = (unsigned char)at;
}

/* It is an alias of itself. */
static void
alias_loop(struct packet *p)
{
	record(p, TYPE_CNAME, 60, "\xc0\x0c", 2);
}

static void
alias(struct packet *p)
{
	record(p, TYPE_CNAME, 60, "\3www\xc0\x0c", 6);
	address(p);
}

/* It says that there are 65535. */
static void
count(struct packet *p)
{
	address(p);
	p->bytes[6] = p->bytes[7] = 0xff;
}

static void
many(struct packet *p)
{
	for (int i = 0; i < 200; i++)
		address(p);
}

static void
beyond(struct packet *p)
{
	record_of(p, TYPE_A, 60, 0xffff, "\x7f\0\0\1", 4);
}

static void
odd(struct packet *p)
{
	record(p, p->type, 60, "\x7f\0\0", 3);
}

static void
ttl_zero(struct packet *p)
{
	if (p->type == TYPE_A)
		record(p, TYPE_A, 0, "\x7f\0\0\1", 4);
}

static void
six(struct packet *p)
{
	if (p->type == TYPE_AAAA)
		record(p, TYPE_AAAA, 60, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
}

/* The question comes back as it was. */
static void
echo(struct packet *p)
{
	p->bytes[2] = 0x01;
	p->bytes[3] = 0;
}

static const struct {
	const char	*name;
	void		(*make)(struct packet *p);
} answers[] = {
	{ "ok", well }, { "slow", slow }, { "late", late }, { "silent", silent }, { "servfail", servfail },
	{ "nx", nx }, { "refused", refused }, { "notimp", notimp }, { "formerr", formerr }, { "tc", truncated },
	{ "id", wrong_id }, { "question", wrong_question }, { "port", wrong_port }, { "cut", cut },
	{ "empty", empty }, { "garbage", garbage }, { "pointer", pointer_loop }, { "alias-loop", alias_loop },
	{ "alias", alias }, { "count", count }, { "many", many }, { "beyond", beyond }, { "odd", odd },
	{ "ttl0", ttl_zero }, { "six", six }, { "echo", echo },
};

/* ---- the server ---- */

static struct packet later[LATER_MAX];

/* False: it is no question that we could answer. */
static bool
question_read(struct packet *p)
{
	size_t i = 12;

	while (i < p->n && p->bytes[i] != 0)
		i += p->bytes[i] + 1U;
	if (p->n < 17 || i + 5 > p->n || p->bytes[12] == 0)
		return false;
	p->n = i + 5;
	p->type = p->bytes[i + 2];
	return true;
}

static void
answer(struct packet *p)
{
	const char *name = (const char *)p->bytes + 13;
	size_t n = p->bytes[12];

	p->bytes[2] = 0x81;	/* an answer, recursion wanted */
	p->bytes[3] = 0x80;	/* and to be had */
	memset(p->bytes + 6, 0, 6);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		if (strlen(answers[i].name) == n && strncasecmp(answers[i].name, name, n) == 0) {
			answers[i].make(p);
			return;
		}
	}
	nx(p);
}

static void
send_now(const struct packet *p)
{
	if (p->n > 0)
		(void)sendto(ours, p->bytes, p->n, 0, (const struct sockaddr *)&p->from, sizeof(p->from));
}

static void
receive(void)
{
	struct packet p = { .n = 0 };
	socklen_t length = sizeof(p.from);
	ssize_t n = recvfrom(ours, p.bytes, 512, 0, (struct sockaddr *)&p.from, &length);

	p.n = n > 0 ? (size_t)n : 0;
	if (!question_read(&p))
		return;
	answer(&p);
	if (p.due == 0) {
		send_now(&p);
		return;
	}
	for (size_t i = 0; i < LATER_MAX; i++) {
		if (later[i].due == 0) {
			later[i] = p;
			return;
		}
	}
}

/* Send what is due; how long to wait for the next, in ms, or -1. */
static int
send_due(void)
{
	long long now = now_ms(), next = -1;

	for (size_t i = 0; i < LATER_MAX; i++) {
		if (later[i].due == 0)
			continue;
		if (later[i].due <= now) {
			send_now(&later[i]);
			later[i].due = 0;
		} else if (next < 0 || later[i].due - now < next) {
			next = later[i].due - now;
		}
	}
	return (int)next;
}

int
main(int argc, char **argv)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct pollfd fds[] = { { .events = POLLIN }, { .fd = STDIN_FILENO, .events = POLLIN } };
	socklen_t length = sizeof(here);

	here.sin_port = htons((unsigned short)(argc > 1 ? atoi(argv[1]) : 0));
	ours = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (ours < 0 || bind(ours, (struct sockaddr *)&here, sizeof(here)) != 0 ||
	    getsockname(ours, (struct sockaddr *)&here, &length) != 0) {
		perror("nameserver");
		return 1;
	}
	printf("%d\n", ntohs(here.sin_port));
	fflush(stdout);
	fds[0].fd = ours;
	while (poll(fds, 2, send_due()) >= 0 && fds[1].revents == 0) {
		if (fds[0].revents != 0)
			receive();
	}
	return 0;
}
