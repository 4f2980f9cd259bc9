/*
 * gone PID [SECONDS]: wait until a process that is not our child has ended (pidfd_open(2)).  Exit 1 when it has not
 * within the limit (30 s).
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	struct pollfd p = { .events = POLLIN };

	if (argc < 2)
		return 2;
	p.fd = (int)syscall(SYS_pidfd_open, atoi(argv[1]), 0);
	if (p.fd < 0)
		return errno == ESRCH ? 0 : 1;
	return poll(&p, 1, (argc > 2 ? atoi(argv[2]) : 30) * 1000) == 1 ? 0 : 1;
}
