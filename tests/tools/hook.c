/*
 * hook: a web server that takes webhooks, one after another: each request goes to FILE.N, N from 1, as it came;
 * it is answered with the status that stands in FILE.status, 200 when there is none.  Prints its port on
 * stdout and ends when stdin is closed.
 *
 *	hook FILE
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX (256 * 1024)

/* Read a request with its body; the number of bytes. */
static size_t
request_read(int fd, char *out)
{
	size_t n = 0, want = REQUEST_MAX;
	const char *head, *length;
	ssize_t r;

	while (n < want && (r = read(fd, out + n, want - n)) > 0) {
		n += (size_t)r;
		out[n] = '\0';
		head = strstr(out, "\r\n\r\n");
		if (head == NULL || want < REQUEST_MAX)
			continue;
		length = strcasestr(out, "\ncontent-length:");
		want = (size_t)(head + 4 - out) + (length != NULL && length < head ?
		    strtoul(length + 16, NULL, 10) : 0);
		if (want >= REQUEST_MAX)
			break;
	}
	return n;
}

static int
status_now(const char *file)
{
	char path[4096];
	int status = 200;
	FILE *f;

	snprintf(path, sizeof(path), "%s.status", file);
	f = fopen(path, "r");
	if (f != NULL) {
		if (fscanf(f, "%d", &status) != 1)
			status = 200;
		fclose(f);
	}
	return status;
}

/* Whole or not at all: it is looked for by its name. */
static void
request_keep(const char *file, int number, const char *bytes, size_t n)
{
	char path[4096], part[4100];
	FILE *f;

	snprintf(path, sizeof(path), "%s.%d", file, number);
	snprintf(part, sizeof(part), "%s.new", path);
	f = fopen(part, "w");
	if (f == NULL || fwrite(bytes, 1, n, f) != n || fclose(f) != 0 || rename(part, path) < 0)
		exit(1);
}

static void
serve(int fd, const char *file, int number)
{
	static char bytes[REQUEST_MAX + 1];
	size_t n = request_read(fd, bytes);
	char answer[128];
	int length = snprintf(answer, sizeof(answer),
	    "HTTP/1.1 %d so\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status_now(file));

	request_keep(file, number, bytes, n);
	if (write(fd, answer, (size_t)length) != length)
		fprintf(stderr, "hook: the answer was not taken\n");
}

int
main(int argc, char *argv[])
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	struct pollfd fds[2] = { { listener, POLLIN, 0 }, { STDIN_FILENO, POLLIN, 0 } };

	if (argc != 2 || bind(listener, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(listener, 16) < 0 || getsockname(listener, (struct sockaddr *)&at, &size) < 0) {
		fprintf(stderr, "usage: hook FILE\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	printf("%d\n", ntohs(at.sin_port));
	fflush(stdout);
	for (int number = 1; poll(fds, 2, -1) >= 0 && fds[1].revents == 0;) {
		int fd = (fds[0].revents & POLLIN) != 0 ? accept(listener, NULL, NULL) : -1;

		if (fd < 0)
			continue;
		serve(fd, argv[1], number++);
		close(fd);
	}
	return 0;
}
