/*
 * ask SOCKET: the least that a client can do: connect, add one job, print the answer.  What it costs
 * beside /bin/true is a durable add in a process of its own, whoever writes the client.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char request[] = "{\"method\":\"io.jobd.Add\",\"parameters\":{\"jobs\":[{\"inUSec\":3600000000,"
    "\"command\":{\"argv\":[\"true\"],\"directory\":\"/\"}}]}}";

int
main(int argc, char **argv)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char reply[4096];
	ssize_t n;

	if (argc != 2 || fd < 0)
		return 2;
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", argv[1]);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    write(fd, request, sizeof(request)) != (ssize_t)sizeof(request))
		return 1;
	n = read(fd, reply, sizeof(reply));
	return n <= 1 || write(STDOUT_FILENO, reply, (size_t)n - 1) != n - 1 || strstr(reply, "ids") == NULL;
}
