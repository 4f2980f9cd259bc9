/*
 * activate SOCKET COMMAND [ARG...]: listen on a Unix socket and run the command with it, as a service manager
 * does (sd_listen_fds(3)): LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES=varlink.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char pid[16];
	int fd;

	if (argc < 3 || strlen(argv[1]) >= sizeof(a.sun_path))
		return 2;
	strcpy(a.sun_path, argv[1]);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(fd, 64) != 0 || dup2(fd, 3) != 3) {
		perror("activate");
		return 1;
	}
	if (fd != 3)
		close(fd);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	setenv("LISTEN_FDNAMES", "varlink", 1);
	execv(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
