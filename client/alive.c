/*
 * alive: see alive.h.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/alive.h"
#include "client/call.h"
#include "proto/json.h"
#include "proto/mem.h"

#define PATIENCE	(5 * USEC_SEC)
#define PATIENCE_LEAST	(10 * USEC_MSEC)

usec_t
patience(void)
{
	const char *text = getenv("JOBD_PATIENCE");
	usec_t d;

	if (!text || duration_parse(text, &d) < 0)
		return PATIENCE;
	return d < PATIENCE_LEAST ? PATIENCE_LEAST : d;
}

int
socket_dial(const char *path, usec_t limit, int *fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval t = { .tv_sec = limit / USEC_SEC, .tv_usec = limit % USEC_SEC };

	*fd = -1;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return -errno;
	(void)setsockopt(*fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
	return connect(*fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

/* The smallest call there is; it needs neither the store nor the scheduler. */
static bool
ask(int fd)
{
	struct cJSON *nothing = json_object();
	struct buf out = { 0 };
	bool sent;

	message_call_write(&out, "org.varlink.service.GetInfo", nothing, false, false);
	sent = send(fd, buf_bytes(&out), buf_len(&out), MSG_NOSIGNAL) == (ssize_t)buf_len(&out);
	buf_done(&out);
	json_free(nothing);
	return sent;
}

bool
alive(const char *path, usec_t limit)
{
	struct pollfd p = { .events = POLLIN };
	usec_t end = monotonic_now() + limit, left = limit;
	bool is = false;
	char byte;

	if (socket_dial(path, limit, &p.fd) < 0 || !ask(p.fd))
		goto out;
	while (left > 0 && poll(&p, 1, (int)((left + USEC_MSEC - 1) / USEC_MSEC)) < 0 && errno == EINTR)
		left = end - monotonic_now();
	is = recv(p.fd, &byte, 1, MSG_DONTWAIT) == 1;
out:
	if (p.fd >= 0)
		close(p.fd);
	return is;
}

/* The first line of /proc/PID/NAME; "" when it cannot be read. */
static void
proc_read(pid_t pid, const char *name, char *to, size_t n)
{
	char *path = xasprintf("/proc/%d/%s", (int)pid, name);
	FILE *f = fopen(path, "re");

	if (!f || !fgets(to, (int)n, f))
		to[0] = '\0';
	if (f)
		fclose(f);
	free(path);
}

bool
process_stopped(pid_t pid)
{
	char line[512], *state;

	proc_read(pid, "stat", line, sizeof(line));
	/* PID (COMM) STATE: T is stopped, t is traced. */
	state = strrchr(line, ')');
	return state && state[1] == ' ' && (state[2] == 'T' || state[2] == 't');
}

pid_t
peer_process(int fd, bool *stopped)
{
	struct ucred peer = { 0 };
	socklen_t length = sizeof(peer);
	char line[512];

	*stopped = false;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0 || peer.pid <= 0)
		return 0;
	proc_read(peer.pid, "comm", line, sizeof(line));
	if (strcmp(line, "jobd\n") != 0)
		return 0;
	*stopped = process_stopped(peer.pid);
	return peer.pid;
}
