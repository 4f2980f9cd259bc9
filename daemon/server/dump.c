/*
 * dump: see dump.h.
 */
#include "daemon/server/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/engine/flight.h"
#include "proto/mem.h"

#define FILE_NAME	"flight.dump"

/* Written in a step. */
#define PART		((size_t)64 << 10)

void
dump_begin(struct dump *d, const struct loop *l, const char *directory, bool *busy)
{
	*d = (struct dump){ .fd = -1, .error = -ENODATA };
	if (l->flight == NULL || directory == NULL)
		return;
	if (*busy) {
		d->error = -EALREADY;
		return;
	}
	d->busy = busy;
	*busy = true;
	d->path = xasprintf("%s/" FILE_NAME, directory);
	d->new = xasprintf("%s/" FILE_NAME ".new", directory);
	d->fd = open(d->new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	d->error = d->fd < 0 ? -errno : 0;
	if (d->fd >= 0)
		d->data = flight_copy(l->flight, JOBD_VERSION, "asked for", &d->size);
}

bool
dump_go_on(struct dump *d)
{
	size_t n = d->size - d->at < PART ? d->size - d->at : PART;
	ssize_t r;

	if (d->error < 0)
		return false;
	r = write(d->fd, (char *)d->data + d->at, n);
	if (r < 0 && errno == EINTR)
		return true;
	if (r < 0) {
		d->error = -errno;
		return false;
	}
	d->at += (size_t)r;
	if (d->at < d->size)
		return true;
	if (rename(d->new, d->path) < 0)
		d->error = -errno;
	return false;
}

void
dump_done(struct dump *d)
{
	if (d->fd >= 0 && d->new != NULL)
		close(d->fd);
	if (d->new != NULL && (d->error < 0 || d->at < d->size))
		(void)unlink(d->new);
	if (d->busy != NULL)
		*d->busy = false;
	free(d->data);
	free(d->path);
	free(d->new);
	*d = (struct dump){ .fd = -1 };
}
