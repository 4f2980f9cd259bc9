/*
 * mailbox: see mailbox.h.  The eventfd is written when the list becomes non-empty, and never
 * read: each write is a new edge, and its counter has room for 2^64 of them.  The list is taken
 * whole, so a thousand letters cost one lock.
 *
 * The mailbox's descriptor does not count among the loop's watches: it is there all the
 * time, and a virtual clock would look at it before each jump.  Who expects a letter
 * holds the clock (loop_hold).
 */
#include "daemon/engine/mailbox.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/engine/loop.h"

static void
deliver_all(struct mailbox *m)
{
	struct letter *l, *next;

	pthread_mutex_lock(&m->lock);
	l = m->first;
	m->first = m->last = NULL;
	pthread_mutex_unlock(&m->lock);
	for (; l != NULL; l = next) {
		next = l->next;	/* deliver may give the letter away */
		m->deliver(m, l);
	}
}

static bool
mailbox_ready(struct watch *w)
{
	deliver_all(container_of(w, struct mailbox, watch));
	return false;
}

int
mailbox_start(struct mailbox *m, struct loop *l, void (*deliver)(struct mailbox *, struct letter *))
{
	int fd, r;

	*m = (struct mailbox){ .loop = l, .deliver = deliver };
	fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = watch_start(&m->watch, l, fd, WATCH_READ, NULL);
	if (r < 0) {
		close(fd);
		return r;
	}
	m->watch.ready = mailbox_ready;
	l->watches--;
	MUST(pthread_mutex_init(&m->lock, NULL) == 0);
	return 0;
}

void
mailbox_put(struct mailbox *m, struct letter *first)
{
	struct letter *last = first;
	bool was_empty;

	MUST(first != NULL);
	while (last->next != NULL)
		last = last->next;
	pthread_mutex_lock(&m->lock);
	was_empty = m->first == NULL;
	if (was_empty)
		m->first = first;
	else
		m->last->next = first;
	m->last = last;
	pthread_mutex_unlock(&m->lock);
	/* Not empty: somebody has written already and the loop has not looked since. */
	if (was_empty)
		MUST(eventfd_write(m->watch.fd, 1) == 0);
}

void
mailbox_stop(struct mailbox *m)
{
	int fd = m->watch.fd;

	if (m->watch.event == NULL)
		return;
	/* A letter may lead to another. */
	while (m->first != NULL)
		deliver_all(m);
	m->loop->watches++;
	watch_stop(&m->watch);
	close(fd);
	pthread_mutex_destroy(&m->lock);
}
