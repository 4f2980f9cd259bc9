/*
 * directory: the state directory belongs to one jobd at a time.  The lock is the kernel's and goes
 * with the process, however that ends; the number in the file is only for people.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/store/store-internal.h"
#include "proto/mem.h"

/*
 * A process that was killed may leave a child that has not executed yet, with a copy of all descriptors: so long is its
 * end waited for, with a look now and then.
 */
#define LEAVE_TRIES	200
#define LEAVE_PAUSE	((struct timespec){ 0, 10 * 1000 * 1000 })

/* It and what is missing above it; what is there is left as it is. */
static int
directory_make(const char *path)
{
	char *copy = xstrdup(path), *at = copy;
	int r = 0;

	while (r == 0 && (at = strchr(at + 1, '/')) != NULL) {
		*at = '\0';
		if (mkdir(copy, 0700) < 0 && errno != EEXIST)
			r = -errno;
		*at = '/';
	}
	if (r == 0 && mkdir(copy, 0700) < 0 && errno != EEXIST)
		r = -errno;
	free(copy);
	return r;
}

/* Who holds it, as it told; 0: unknown. */
static pid_t
holder(int fd)
{
	char pid[24];
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[n < 0 ? 0 : n] = '\0';
	return (pid_t)strtol(pid, NULL, 10);
}

static void
tell_holder(int fd, const char *path, char error[STORE_ERROR_MAX])
{
	char who[24] = "unknown";
	pid_t pid = holder(fd);

	if (pid > 0)
		snprintf(who, sizeof(who), "%d", (int)pid);
	snprintf(error, STORE_ERROR_MAX, "another jobd (pid %s) holds %s: end it, or give another state directory", who,
	    path);
}

/* 0 or -errno, -EWOULDBLOCK: another holds it. */
static int
lock_take(int fd)
{
	pid_t pid;

	for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
		if (errno != EWOULDBLOCK)
			return -errno;
		pid = holder(fd);
		if (i == LEAVE_TRIES || pid <= 0 || kill(pid, 0) == 0 || errno != ESRCH)
			return -EWOULDBLOCK;
		(void)nanosleep(&LEAVE_PAUSE, NULL);
	}
	return 0;
}

int
directory_lock(const char *path, char error[STORE_ERROR_MAX])
{
	char *file;
	int fd, r;

	r = directory_make(path);
	if (r < 0) {
		snprintf(error, STORE_ERROR_MAX, "cannot make %s: %s", path, strerror(-r));
		return r;
	}
	file = xasprintf("%s/jobd.lock", path);
	fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW, 0600);
	if (fd < 0) {
		r = -errno;
		snprintf(error, STORE_ERROR_MAX, "cannot open %s: %s", file, r == -ELOOP ? "it is a link: remove it" :
		    strerror(-r));
	} else if ((r = lock_take(fd)) < 0) {
		if (r == -EWOULDBLOCK)
			tell_holder(fd, path, error);
		else
			snprintf(error, STORE_ERROR_MAX, "cannot lock %s: %s", file, strerror(-r));
		close(fd);
	} else if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0) {
		/* On a full disk the lock holds all the same; only its note is missing. */
		r = 0;
	}
	free(file);
	return r < 0 ? r : fd;
}
