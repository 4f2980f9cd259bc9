/*
 * extras: see extras.h.
 */
#include "daemon/runner/extras.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/runner/launch.h"
#include "proto/json.h"

/* The longest reason that is read. */
#define STATUS_BYTES_MAX	((size_t)8192)

static void
close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* What is sent with the job, as a file in memory that nobody can change.  0 or -errno. */
static int
open_stdin(struct extras *x, const void *bytes, size_t n)
{
	ssize_t w = 0;

	x->stdin_fd = memfd_create("stdin", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (x->stdin_fd < 0)
		return -errno;
	if (n > 0)
		w = write(x->stdin_fd, bytes, n);
	if (w != (ssize_t)n)
		return w < 0 ? -errno : -ENOSPC;
	(void)fcntl(x->stdin_fd, F_ADD_SEALS,
	    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	return lseek(x->stdin_fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

static int
open_stdin_of(struct extras *x, const struct runner_start *in)
{
	void *bytes = NULL;
	size_t n = 0;
	int r = 0;

	if (in->stdin_text != NULL)
		return open_stdin(x, in->stdin_text, strlen(in->stdin_text));
	if (in->stdin_base64 == NULL)
		return 0;
	r = base64_decode(in->stdin_base64, &bytes, &n);
	if (r == 0)
		r = open_stdin(x, bytes, n);
	free(bytes);
	return r;
}

/* Ours does not block.  0 or -errno. */
static int
open_pipe(int pair[2])
{
	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	(void)fcntl(pair[0], F_SETFL, O_NONBLOCK);
	return 0;
}

int
extras_open(struct extras *x, const struct runner_start *in, struct spawn *s, const char **what)
{
	int r;

	*x = (struct extras){ -1, { -1, -1 }, { -1, -1 } };
	*what = "its standard input";
	r = open_stdin_of(x, in);
	if (r == 0 && in->progress) {
		*what = "a pipe";
		r = open_pipe(x->progress);
		s->more[s->more_n++] = x->progress[1];
	}
	if (r == 0 && launch_is_needed(in)) {
		*what = "a pipe";
		r = open_pipe(x->status);
		s->more[s->more_n++] = x->status[1];
	}
	s->stdio[0] = x->stdin_fd;
	if (r < 0)
		extras_close(x, false);
	return r;
}

void
extras_close(struct extras *x, bool started)
{
	close_one(&x->stdin_fd);
	close_one(&x->progress[1]);
	close_one(&x->status[1]);
	if (started)
		return;
	close_one(&x->progress[0]);
	close_one(&x->status[0]);
}

char *
extras_status(int fd)
{
	struct buf text = { 0 };
	ssize_t n;

	n = read(fd, buf_reserve(&text, STATUS_BYTES_MAX), STATUS_BYTES_MAX);
	close(fd);
	if (n > 0)
		buf_added(&text, (size_t)n);
	if (n > 0 && utf8_valid(buf_bytes(&text), (size_t)n))
		return buf_steal(&text);
	buf_done(&text);
	return NULL;
}
