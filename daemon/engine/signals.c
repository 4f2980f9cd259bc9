/*
 * signals: see signals.h.  By signalfd(2): no handler, so nothing that a handler must not do.
 */
#include "daemon/engine/signals.h"

#include <errno.h>
#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "daemon/engine/loop.h"

static bool
signals_ready(struct watch *w)
{
	struct signals *s = container_of(w, struct signals, watch);
	struct signalfd_siginfo info[8];
	ssize_t n;
	size_t came = 0;

	while ((n = read(w->fd, info, sizeof(info))) > 0) {
		for (size_t i = 0; i < (size_t)n / sizeof(info[0]); i++, came++) {
			unsigned number = info[i].ssi_signo;

			if (number < 64)
				s->pending |= (uint64_t)1 << number;
			if (number < sizeof(s->count) / sizeof(s->count[0]))
				s->count[number]++;
		}
	}
	w->readable = false;
	return came > 0;
}

int
signals_start(struct signals *s, struct loop *l, const int *list, int n, struct task *waiter)
{
	int fd, r;

	*s = (struct signals){ .pending = 0 };
	sigemptyset(&s->set);
	for (int i = 0; i < n; i++) {
		MUST(list[i] > 0 && list[i] < 64);
		sigaddset(&s->set, list[i]);
	}
	r = pthread_sigmask(SIG_BLOCK, &s->set, NULL);
	if (r != 0)
		return -r;
	fd = signalfd(-1, &s->set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = watch_start(&s->watch, l, fd, WATCH_READ, waiter);
	if (r < 0) {
		close(fd);
		return r;
	}
	s->watch.ready = signals_ready;
	return 0;
}

void
signals_stop(struct signals *s)
{
	int fd = s->watch.fd;

	if (s->watch.event == NULL)
		return;
	/* They stay blocked: one that comes now must not kill a process that is ending in order. */
	watch_stop(&s->watch);
	close(fd);
}
