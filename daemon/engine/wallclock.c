/*
 * wallclock: see wallclock.h.  The timer is armed for the end of time; only the cancellation
 * makes it readable, and read(2) then fails with ECANCELED, which arms it anew.
 */
#include "daemon/engine/wallclock.h"

#include <errno.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "daemon/engine/loop.h"

/*
 * The latest that fits a 32-bit time_t of an old kernel's interface, too; it is never reached
 * in practice.
 */
#define END_OF_TIME INT32_MAX

static int
wallclock_arm(int fd)
{
	struct itimerspec when = { .it_value.tv_sec = END_OF_TIME };

	if (timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL) < 0)
		return -errno;
	return 0;
}

int
wallclock_start(struct wallclock *w, struct loop *l, struct task *waiter)
{
	int r;

	*w = (struct wallclock){ .fd = -1 };
	if (l->is_virtual) {
		w->watch.loop = l;
		w->watch.waiter = waiter;
		l->wallclock = w;
		return 0;
	}
	w->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (w->fd < 0)
		return -errno;
	r = wallclock_arm(w->fd);
	if (r == 0)
		r = watch_start(&w->watch, l, w->fd, WATCH_READ, waiter);
	if (r < 0) {
		close(w->fd);
		w->fd = -1;
	}
	return r;
}

bool
wallclock_was_set(struct wallclock *w)
{
	uint64_t expirations;
	bool set = w->watch.readable && w->fd < 0;

	if (!w->watch.readable)
		return false;
	w->watch.readable = false;
	if (w->fd < 0)
		return set;
	while (read(w->fd, &expirations, sizeof(expirations)) >= 0 || errno == ECANCELED) {
		set = true;
		if (wallclock_arm(w->fd) < 0)
			break;
	}
	return set;
}

void
wallclock_tell(struct wallclock *w)
{
	if (w == NULL)
		return;
	w->watch.readable = true;
	task_wake(w->watch.waiter);
}

void
wallclock_stop(struct wallclock *w)
{
	if (w->watch.loop != NULL && w->watch.loop->wallclock == w)
		w->watch.loop->wallclock = NULL;
	if (w->fd < 0)
		return;
	watch_stop(&w->watch);
	close(w->fd);
	w->fd = -1;
}
