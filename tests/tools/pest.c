/*
 * pest [--seed N] [--seconds N] SOCKET: a bad neighbour of a Varlink service: half messages, long ones, deep ones, bytes
 * that are none, floods of calls whose replies nobody reads, streams nobody reads, connections that come and
 * go. It never waits for anything. Prints how many connections it had.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define HELD_MAX	64
#define LONG_BYTES	((size_t)3 << 20)
#define FLOOD_CALLS	2000
#define DEPTH		100000

static const char *socket_path;
static uint64_t state = 1;
static char big[LONG_BYTES];

/* splitmix64 */
static unsigned
below(unsigned n)
{
	uint64_t z = (state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (unsigned)((z ^ (z >> 31)) % n);
}

static int
dial(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", socket_path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* What the kernel takes at once, and no more. */
static void
push(int fd, const char *bytes, size_t n)
{
	ssize_t k = 1;

	while (n > 0 && k > 0) {
		k = send(fd, bytes, n, MSG_NOSIGNAL);
		if (k > 0) {
			bytes += k;
			n -= (size_t)k;
		}
	}
}

static void
push_text(int fd, const char *text)
{
	push(fd, text, strlen(text) + 1);
}

static void
half_message(int fd)
{
	static const char text[] = "{\"method\":\"org.varlink.service.GetInfo\",\"parameters\":{}}";

	push(fd, text, 1 + below(sizeof(text) - 2));
}

static void
long_message(int fd)
{
	memset(big, 'x', sizeof(big));
	push(fd, big, sizeof(big));
}

static void
deep_message(int fd)
{
	memset(big, '[', DEPTH);
	push(fd, "{\"method\":", 10);
	push(fd, big, DEPTH);
	push(fd, "", 1);
}

static void
no_message(int fd)
{
	for (size_t i = 0; i < 4096; i++)
		big[i] = (char)below(256);
	push(fd, big, 4096);
}

static void
only_ends(int fd)
{
	memset(big, 0, 65536);
	push(fd, big, 65536);
}

/* Nobody reads what comes back. */
static void
flood(int fd)
{
	static const char *const calls[] = {
		"{\"method\":\"org.varlink.service.GetInfo\"}",
		"{\"method\":\"io.jobd.List\"}",
		"{\"method\":\"io.jobd.Stats\"}",
		"{\"method\":\"io.jobd.Runner.Describe\"}",
		"{\"method\":\"io.jobd.NoSuchThing\"}",
		"{\"method\":\"io.jobd.List\",\"parameters\":{\"limit\":\"many\"}}",
	};

	for (int i = 0; i < FLOOD_CALLS; i++)
		push_text(fd, calls[below(sizeof(calls) / sizeof(calls[0]))]);
}

static void
unread_stream(int fd)
{
	push_text(fd, "{\"method\":\"io.jobd.Watch\",\"more\":true}");
	push_text(fd, "{\"method\":\"io.jobd.Runner.Watch\",\"more\":true}");
}

static void
nothing(int fd)
{
	(void)fd;
}

int
main(int argc, char **argv)
{
	static void (*const tricks[])(int fd) = {
		half_message, long_message, deep_message, no_message, only_ends, flood, unread_stream, nothing,
	};
	int held[HELD_MAX], seconds = 2, slot;
	struct timespec now;
	long long n = 0;
	time_t end;

	for (; argc > 2 && argv[1][0] == '-'; argv += 2, argc -= 2) {
		if (strcmp(argv[1], "--seed") == 0)
			state = strtoull(argv[2], NULL, 10);
		else if (strcmp(argv[1], "--seconds") == 0)
			seconds = atoi(argv[2]);
		else
			return 2;
	}
	if (argc != 2)
		return 2;
	socket_path = argv[1];
	for (int i = 0; i < HELD_MAX; i++)
		held[i] = -1;
	clock_gettime(CLOCK_MONOTONIC, &now);
	end = now.tv_sec + seconds;
	while (now.tv_sec <= end) {
		slot = (int)below(HELD_MAX);
		if (held[slot] >= 0)
			close(held[slot]);
		held[slot] = dial();
		if (held[slot] >= 0) {
			tricks[below(sizeof(tricks) / sizeof(tricks[0]))](held[slot]);
			n++;
		}
		nanosleep(&(const struct timespec){ .tv_nsec = 1000000 }, NULL);
		clock_gettime(CLOCK_MONOTONIC, &now);
	}
	printf("pest connections=%lld\n", n);
	return n == 0;
}
