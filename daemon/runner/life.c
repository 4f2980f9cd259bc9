/*
 * life: since when a runner can answer for everything.
 *
 * "I do not know that attempt" means "it was never begun" only for attempts that were claimed after
 * the runner's life began; before it, a runner that died may have begun it.  A runner that
 * ends in order leaves nothing untold, so the next one continues its life: the file
 * DIR/clean says since when.  It is taken away, durably, before the first command, so
 * that neither the death of the runner nor of the machine can be mistaken for an end in order.
 * In a new state directory nothing was ever begun.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/runner/runner.h"

#define CLEAN	"clean"

/* Since the beginning of time, but set. */
#define ALWAYS	((instant){ 1 })

/* What an end in order has left, or not set. */
static instant
read_clean(int folder)
{
	char text[WHEN_TEXT_MAX];
	instant since = { 0 };
	ssize_t n;
	int fd;

	fd = openat(folder, CLEAN, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return since;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	if (instant_parse(text, &since) < 0)
		return (instant){ 0 };
	return instant_is_set(since) ? since : ALWAYS;
}

int
life_begin(struct runner *r, bool is_new)
{
	r->since = is_new ? ALWAYS : read_clean(r->state_fd);
	if (unlinkat(r->state_fd, CLEAN, 0) < 0 && errno != ENOENT)
		return -errno;
	return fsync(r->state_fd) < 0 ? -errno : 0;
}

void
life_end(const struct runner *r)
{
	char text[WHEN_TEXT_MAX];
	ssize_t n;
	int fd;

	if (r->records.unsaved > 0 || r->running > 0)
		return;
	instant_print(r->since, text);
	fd = openat(r->state_fd, CLEAN, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd < 0)
		return;
	n = write(fd, text, strlen(text));
	close(fd);
	/* Without it, the next life begins anew: jobd is told less, and nothing wrong. */
	if (n != (ssize_t)strlen(text))
		(void)unlinkat(r->state_fd, CLEAN, 0);
}
