/*
 * listen: a socket file outlives the process that made it, so one that is there is either
 * somebody's or left over; only connecting tells.  A lock beside it keeps two that start
 * at once from each taking the other's fresh socket for a stale one.
 */
#include "daemon/wire/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "proto/mem.h"

static int __attribute__((format(printf, 3, 4)))
fail(char error[LISTEN_ERROR_MAX], int r, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(error, LISTEN_ERROR_MAX, format, ap);
	va_end(ap);
	return r;
}

static int
address_of(const char *path, struct sockaddr_un *out)
{
	size_t n = strlen(path);

	if (n == 0 || n >= sizeof(out->sun_path))
		return -ENAMETOOLONG;
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(out->sun_path, path, n + 1);
	return 0;
}

/* Is it the directory that is emptied at boot, where each service makes one of its own? */
static bool
is_runtime_root(const char *folder)
{
	const char *users = getenv("XDG_RUNTIME_DIR");

	return strcmp(folder, "/run") == 0 || (users != NULL && strcmp(folder, users) == 0);
}

/*
 * The folder of the socket: made when it is one's own among the runtime directories; elsewhere
 * a folder that is not there is most likely a mistyped one.
 */
static int
make_folder(const char *path, char error[LISTEN_ERROR_MAX])
{
	char *folder = xstrdup(path), *above, *slash = strrchr(folder, '/');
	struct stat st;
	int r = 0;

	if (slash == NULL || slash == folder)
		goto out;
	*slash = '\0';
	above = xstrdup(folder);
	slash = strrchr(above, '/');
	if (slash != NULL)
		*slash = '\0';
	if (is_runtime_root(above) && mkdir(folder, 0755) < 0 && errno != EEXIST)
		r = fail(error, -errno, "cannot make %s: %s", folder, strerror(errno));
	else if (stat(folder, &st) < 0)
		r = fail(error, -errno, "cannot listen on %s: directory %s: %s", path, folder,
		    strerror(errno));
	free(above);
out:
	free(folder);
	return r;
}

/*
 * Who listens there? A pid (0 when it cannot be known), -ECONNREFUSED or -ENOENT for nobody, or
 * -errno.
 */
static int
ask_who_listens(const struct sockaddr_un *address)
{
	struct ucred peer = { 0 };
	socklen_t length = sizeof(peer);
	int fd, r;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 && errno != EAGAIN)
		r = -errno;
	else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
		r = 0;
	else
		r = peer.pid;		/* of whoever called listen(2) */
	close(fd);
	return r;
}

/*
 * Hold the lock beside the socket. A descriptor, or -errno. The file stays: removing it would open
 * the race again.
 */
static int
lock_beside(const char *path)
{
	char *name = xasprintf("%s.lock", path);
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r = fd;

	if (fd < 0) {
		r = -errno;
	} else if (flock(fd, LOCK_EX) < 0) {
		r = -errno;
		close(fd);
	}
	free(name);
	return r;
}

/* Take away what a dead process left.  0 when the place is free. */
static int
clear_stale(const char *path, const struct sockaddr_un *address, char error[LISTEN_ERROR_MAX])
{
	struct stat st;
	int who;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : fail(error, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return fail(error, -EEXIST, "%s is in the way and is not a socket", path);
	who = ask_who_listens(address);
	if (who > 0)
		return fail(error, -EADDRINUSE, "%s: process %d listens there already", path, who);
	if (who != -ECONNREFUSED && who != -ENOENT)
		return fail(error, -EADDRINUSE, "%s: cannot tell who listens there: %s", path,
		    strerror(-who));
	if (unlink(path) < 0 && errno != ENOENT)
		return fail(error, -errno, "%s: cannot remove the old socket: %s", path,
		    strerror(errno));
	return 0;
}

/* Bind and listen; nobody but we may connect before mode and group are what they are to be. */
static int
bind_there(int fd, const char *path, const struct sockaddr_un *address, mode_t mode)
{
	if (fchmod(fd, mode & 0600) < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return -errno;
	return chmod(path, mode & 0600) < 0 ? -errno : 0;
}

static int
open_up(int fd, const char *path, mode_t mode, gid_t gid)
{
	if (gid != (gid_t)-1 && chown(path, (uid_t)-1, gid) < 0)
		return -errno;
	if (listen(fd, SOMAXCONN) < 0)
		return -errno;
	return chmod(path, mode) < 0 ? -errno : 0;
}

static int
listen_locked(const char *path, const struct sockaddr_un *address, mode_t mode, gid_t gid,
    char error[LISTEN_ERROR_MAX])
{
	int fd, r = clear_stale(path, address, error);

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(error, -errno, "cannot make a socket: %s", strerror(errno));
	r = bind_there(fd, path, address, mode);
	if (r == 0) {
		r = open_up(fd, path, mode, gid);
		if (r < 0)
			(void)unlink(path);	/* ours, and of no use */
	}
	if (r < 0) {
		close(fd);
		return fail(error, r, "cannot listen on %s: %s", path, strerror(-r));
	}
	return fd;
}

int
listen_unix(const char *path, mode_t mode, gid_t gid, char error[LISTEN_ERROR_MAX])
{
	struct sockaddr_un address;
	int fd, lock, r;

	r = address_of(path, &address);
	if (r < 0)
		return fail(error, r, "the socket's path must have 1 to %zu bytes: %s",
		    sizeof(address.sun_path) - 1, path);
	r = make_folder(path, error);
	if (r < 0)
		return r;
	lock = lock_beside(path);
	if (lock < 0)
		return fail(error, lock, "cannot lock %s.lock: %s", path, strerror(-lock));
	fd = listen_locked(path, &address, mode, gid, error);
	close(lock);
	return fd;
}

int
listen_activated(void)
{
	char **names = NULL;
	int n, fd = -ENOENT, flags;

	n = sd_listen_fds_with_names(1, &names);
	for (int i = 0; i < n; i++) {
		if (fd < 0 && (n == 1 || strcmp(names[i], "varlink") == 0))
			fd = SD_LISTEN_FDS_START + i;
		free(names[i]);
	}
	free(names);
	if (n < 0)
		return n;
	if (fd < 0)
		return fd;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return fd;
}

void
listen_unlink(const char *path, int fd)
{
	struct sockaddr_un address, bound;
	socklen_t length = sizeof(bound);
	int who;

	if (address_of(path, &address) < 0)
		return;
	if (fd >= 0 && (getsockname(fd, (struct sockaddr *)&bound, &length) < 0 ||
	    strncmp(bound.sun_path, path, sizeof(bound.sun_path)) != 0))
		return;
	who = ask_who_listens(&address);
	if (who == getpid() || who == -ECONNREFUSED)
		(void)unlink(path);
}
