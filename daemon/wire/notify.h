/*
 * notify: what the service manager is told (sd_notify(3)).  Without one, nothing happens.
 */
#ifndef WIRE_NOTIFY_H
#define WIRE_NOTIFY_H

#include "daemon/engine/task.h"

void notify_ready(const char *status);
void notify_status(const char *status);
void notify_stopping(void);
void notify_reloading(void);

/*
 * Feed the watchdog at half its time (WATCHDOG_USEC), as a task: it is fed by the loop's
 * progress, since a blocked loop runs no task. Also refreshes STATUS= by the function given, at
 * most as often. Without a watchdog the task ends at once: no wake-ups.
 */
struct notify_watchdog {
	struct task	 task;
	usec_t		 interval;
	void		(*status)(void *context, char *out, size_t n);
	void		*context;
};
void notify_watchdog_start(struct notify_watchdog *w, struct task *parent);

#endif
