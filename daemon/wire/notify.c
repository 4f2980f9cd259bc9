/*
 * notify: see notify.h.  A failure to tell is nobody's business: the service manager has
 * its own limits of time.
 */
#include "daemon/wire/notify.h"

#include <stdio.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "daemon/engine/loop.h"

#define STATUS_MAX 256

void
notify_ready(const char *status)
{
	(void)sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void
notify_status(const char *status)
{
	(void)sd_notifyf(0, "STATUS=%s", status);
}

void
notify_stopping(void)
{
	(void)sd_notify(0, "STOPPING=1\nSTATUS=stopping");
}

void
notify_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)now.tv_sec * USEC_SEC + now.tv_nsec / 1000);
}

static enum task_status
watchdog_step(struct task *t)
{
	struct notify_watchdog *w = container_of(t, struct notify_watchdog, task);
	char status[STATUS_MAX] = "";

	TASK_BEGIN(t);

	while (w->interval > 0 && !t->cancelled) {
		if (w->status != NULL)
			w->status(w->context, status, sizeof(status));
		(void)sd_notifyf(0, status[0] != '\0' ? "WATCHDOG=1\nSTATUS=%s" : "WATCHDOG=1",
		    status);
		SLEEP_UNTIL(t, loop_now(t->loop) + w->interval);
	}
	TASK_END(t, 0);
}

static const struct task_kind watchdog_kind = {
	.name = "notify-watchdog",
	.step = watchdog_step,
};

void
notify_watchdog_start(struct notify_watchdog *w, struct task *parent)
{
	uint64_t usec = 0;

	w->interval = sd_watchdog_enabled(0, &usec) > 0 ? (usec_t)(usec / 2) : 0;
	task_start(&w->task, &watchdog_kind, parent);
}
