/*
 * ready: start a daemon for a test and wait until it says READY=1, as a service manager would.
 *
 *	ready LOG COMMAND [ARG...]	prints the daemon's pid, exits when it is ready
 *	ready --keep LOG COMMAND ...	prints every notification as a line on stdout, until the daemon ends;
 *					then its exit status
 *
 * The daemon's output goes to LOG.  Exit 1 when it ends before it is ready.  NOTIFY_SOCKET is an
 * abstract one, so nothing is left behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int
notify_socket(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	socklen_t n = sizeof(a);
	char name[128];
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	/* An empty name: the kernel gives a free abstract one. */
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(sa_family_t)) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) != 0)
		return -1;
	snprintf(name, sizeof(name), "@%.*s", (int)(n - sizeof(sa_family_t) - 1), a.sun_path + 1);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static pid_t
start(const char *log, char **argv)
{
	pid_t pid = fork();
	int fd;

	if (pid != 0)
		return pid;
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0666);
	if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		_exit(126);
	setsid();
	execv(argv[0], argv);
	_exit(127);
}

int
main(int argc, char **argv)
{
	int keep = argc > 1 && strcmp(argv[1], "--keep") == 0, status;
	char text[4096];
	struct pollfd p[2];
	pid_t pid;
	ssize_t n;

	if (argc < 3 + keep) {
		fprintf(stderr, "usage: ready [--keep] LOG COMMAND [ARG...]\n");
		return 2;
	}
	p[0] = (struct pollfd){ notify_socket(), POLLIN, 0 };
	pid = start(argv[1 + keep], argv + 2 + keep);
	p[1] = (struct pollfd){ (int)syscall(SYS_pidfd_open, pid, 0), POLLIN, 0 };
	if (p[0].fd < 0 || pid < 0 || p[1].fd < 0) {
		perror("ready");
		return 1;
	}
	if (keep)
		printf("PID=%d\n", pid);
	for (;;) {
		if (keep)
			fflush(stdout);
		if (poll(p, 2, 120 * 1000) <= 0) {
			fprintf(stderr, "ready: no word from the daemon for two minutes\n");
			kill(pid, SIGKILL);
			return 1;
		}
		if (p[0].revents & POLLIN) {
			n = recv(p[0].fd, text, sizeof(text) - 1, 0);
			text[n > 0 ? n : 0] = '\0';
			if (keep)
				printf("%s\n", text);
			else if (strstr(text, "READY=1") != NULL) {
				printf("%d\n", pid);
				return 0;
			}
			continue;
		}
		waitpid(pid, &status, 0);
		if (keep) {
			printf("EXIT=%d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
			return 0;
		}
		fprintf(stderr, "ready: the daemon ended before it was ready\n");
		return 1;
	}
}
