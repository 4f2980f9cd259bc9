/*
 * slow-server: a web server for the demo, the tests and the benches: GET /N answers 200 after N seconds (0.25
 * too), /status/CODE answers with that status at once, /redirect/PATH redirects; anything else answers at once.
 * One thread, epoll(7), any number of connections; each connection is closed after its answer unless
 * the client asks to keep it (HTTP/1.1).  Prints its port on stdout and ends when stdin is closed.
 *
 *	slow-server [PORT]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNS_MAX 16384

struct conn {
	int	fd;
	double	due;		/* 0: still reading */
	size_t	n;
	char	in[4096];
	struct conn *next;	/* waiting for their time */
};

static struct conn *conns[CONNS_MAX];
static struct conn *waiting;
static int poller;

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
drop(struct conn *c)
{
	conns[c->fd] = NULL;
	close(c->fd);
	free(c);
}

/* Answer what was asked, then read on or close. */
static void
answer(struct conn *c)
{
	char out[1024], path[256] = "/";
	int status = 200, keep = strstr(c->in, "HTTP/1.1") != NULL && strcasestr(c->in, "connection: close") == NULL, n;
	const char *extra = "";
	char location[300];

	sscanf(c->in, "%*15s %255s", path);
	if (strncmp(path, "/status/", 8) == 0)
		status = atoi(path + 8);
	if (strncmp(path, "/redirect", 9) == 0) {
		status = 302;
		snprintf(location, sizeof(location), "Location: %s\r\n", path[9] == '/' ? path + 9 : "/");
		extra = location;
	}
	n = snprintf(out, sizeof(out), "HTTP/1.1 %d x\r\n%sContent-Length: 3\r\nContent-Type: text/plain\r\n%s\r\nok\n",
	    status, extra, keep ? "" : "Connection: close\r\n");
	if (write(c->fd, out, (size_t)n) != n || !keep) {
		drop(c);
		return;
	}
	c->n = 0;
	c->due = 0;
}

static void
receive(struct conn *c)
{
	ssize_t n = read(c->fd, c->in + c->n, sizeof(c->in) - 1 - c->n);
	double delay;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		/* Gone; one that waits for its time is dropped then. */
		if (c->due == 0)
			drop(c);
		else
			epoll_ctl(poller, EPOLL_CTL_DEL, c->fd, NULL);
		return;
	}
	c->n += (size_t)n;
	c->in[c->n] = '\0';
	if (c->due != 0 || strstr(c->in, "\r\n\r\n") == NULL)
		return;
	delay = 0;
	sscanf(c->in, "%*15s /%lf", &delay);
	if (delay <= 0) {
		answer(c);
		return;
	}
	c->due = now() + delay;
	c->next = waiting;
	waiting = c;
}

static void
welcome(int listener)
{
	int fd, one = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

		if (fd >= CONNS_MAX) {
			close(fd);
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		conns[fd] = calloc(1, sizeof(struct conn));
		conns[fd]->fd = fd;
		epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e);
	}
}

/* Answer those whose time has come; returns how long to wait for the next, in ms. */
static int
answer_due(void)
{
	struct conn **p = &waiting, *c;
	double at = now(), left, nearest = -1;

	while ((c = *p) != NULL) {
		left = c->due - at;
		if (left <= 0) {
			*p = c->next;
			answer(c);
			continue;
		}
		if (nearest < 0 || left < nearest)
			nearest = left;
		p = &c->next;
	}
	return nearest < 0 ? -1 : (int)(nearest * 1e3) + 1;
}

static int
open_listener(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	socklen_t n = sizeof(a);
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&a, n) != 0 || listen(fd, 4096) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) != 0) {
		perror("slow-server");
		exit(1);
	}
	printf("%d\n", ntohs(a.sin_port));
	fflush(stdout);
	return fd;
}

int
main(int argc, char **argv)
{
	struct epoll_event events[256], e = { .events = EPOLLIN };
	struct rlimit files = { CONNS_MAX, CONNS_MAX };
	int listener, n;

	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_NOFILE, &files);
	listener = open_listener(argc > 1 ? atoi(argv[1]) : 0);
	poller = epoll_create1(EPOLL_CLOEXEC);
	e.data.fd = listener;
	epoll_ctl(poller, EPOLL_CTL_ADD, listener, &e);
	e.data.fd = STDIN_FILENO;
	/* A file cannot be polled: then only a signal ends us. */
	epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &e);
	for (;;) {
		n = epoll_wait(poller, events, 256, answer_due());
		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == listener)
				welcome(listener);
			else if (events[i].data.fd == STDIN_FILENO)
				return 0;
			else if (conns[events[i].data.fd] != NULL)
				receive(conns[events[i].data.fd]);
		}
	}
}
