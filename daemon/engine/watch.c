/*
 * watch: see watch.h.  One libevent event for all that is watched of a descriptor,
 * edge-triggered and persistent: one epoll_ctl(2) at its beginning, one at its end, none between.
 */
#include "daemon/engine/watch.h"

#include <errno.h>
#include <event2/event.h>

#include "daemon/engine/flight.h"
#include "daemon/engine/loop-internal.h"

static void
watch_event(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;

	(void)fd;
	loop_woken(w->loop);
	if (what & EV_READ)
		w->readable = true;
	if (what & EV_WRITE)
		w->writable = true;
	if (what & EV_CLOSED)
		w->closed = w->readable = true;
	if (ENGINE_SEES && w->loop->flight != NULL)
		flight_note(w->loop, FLIGHT_INPUTS, FLIGHT_READY, 0,
		    w->waiter != NULL ? flight_kind(w->waiter->kind) : 0, w->fd,
		    (what & EV_READ ? WATCH_READ : 0) | (what & EV_WRITE ? WATCH_WRITE : 0) |
		    (what & EV_CLOSED ? WATCH_CLOSED : 0));
	if (w->ready == NULL || w->ready(w))
		task_wake(w->waiter);
}

static short
event_flags(unsigned what)
{
	int flags = what & WATCH_LEVEL ? EV_PERSIST : EV_ET | EV_PERSIST;

	if (what & WATCH_READ)
		flags |= EV_READ;
	if (what & WATCH_WRITE)
		flags |= EV_WRITE;
	if (what & WATCH_CLOSED)
		flags |= EV_CLOSED;
	return (short)flags;
}

static int
watch_add(struct watch *w)
{
	errno = 0;
	if (event_add(w->event, NULL) == 0)
		return 0;
	return errno > 0 ? -errno : -EIO;
}

int
watch_start(struct watch *w, struct loop *l, int fd, unsigned what, struct task *waiter)
{
	return watch_start_for(w, l, fd, what, waiter, __builtin_return_address(0));
}

int
watch_start_for(struct watch *w, struct loop *l, int fd, unsigned what, struct task *waiter,
    const void *where)
{
	int r;

	MUST(fd >= 0 && what != 0);
	*w = (struct watch){ .loop = l, .waiter = waiter, .fd = fd, .what = what, .writable = true };
	w->event = event_new(l->base, fd, event_flags(what), watch_event, w);
	if (w->event == NULL)
		return -ENOMEM;
	r = watch_add(w);
	if (r < 0) {
		event_free(w->event);
		w->event = NULL;
		return r;
	}
	l->watches++;
	leaks_watch(l, fd, waiter, where);
	return 0;
}

int
watch_set(struct watch *w, unsigned what)
{
	MUST(w->event != NULL && what != 0);
	if (what == w->what)
		return 0;
	(void)event_del(w->event);
	w->what = what;
	MUST(event_assign(w->event, w->loop->base, w->fd, event_flags(what), watch_event, w) == 0);
	return watch_add(w);
}

void
watch_again(struct watch *w)
{
	/* No system call, and not in this look: one that makes itself active would end it never. */
	static const struct timeval at_once = { 0, 0 };

	if (w->again == NULL)
		w->again = evtimer_new(w->loop->base, watch_event, w);
	MUST(w->again != NULL && evtimer_add(w->again, &at_once) == 0);
}

void
watch_stop(struct watch *w)
{
	if (w->event == NULL)
		return;
	event_free(w->event);
	w->event = NULL;
	if (w->again != NULL)
		event_free(w->again);
	w->again = NULL;
	MUST(w->loop->watches > 0);
	w->loop->watches--;
	leaks_unwatch(w->loop, w->fd);
}
