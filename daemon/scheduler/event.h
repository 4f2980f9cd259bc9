/*
 * event: changes told to watchers, in order, after they are durable.  Each watcher has a
 * bounded ring; one that is too slow loses events and is told how many.
 */
#ifndef SCHEDULER_EVENT_H
#define SCHEDULER_EVENT_H

#include <stdbool.h>

#include "proto/types.h"

struct task;

#define WATCHER_EVENTS_MAX 1024

struct event_hub;
struct recent;

struct watcher {
	struct watcher		*next, *prev;
	struct event_hub	*hub;
	struct task		*waiter;
	/* Which events it wants; NULL: all.  It must be quick. */
	bool			(*wants)(struct watcher *w, const struct event_info *e);
	void			*context;
	/* WATCHER_EVENTS_MAX, allocated at the first event */
	struct event_info	*ring;
	size_t			 first, n;
	int64_t			 lost;		/* not told yet */
	instant			 lost_at;	/* when the last of them was */
};

struct event_hub *event_hub_new(void);
void event_hub_free(struct event_hub *h);		/* no watcher may be left */

/*
 * Keep the latest events, so many bytes of them; none of run_progress, which would crowd the others out.
 * The hub's own; NULL: they are not kept.  Asked again, it keeps so many from then on.
 */
void event_hub_keep(struct event_hub *h, size_t bytes, instant now);
const struct recent *event_hub_recent(const struct event_hub *h);

/*
 * Tell all; sequence is given here; strings in e are borrowed and copied for watchers who want
 * them.
 */
void event_emit(struct event_hub *h, const struct event_info *e);

void watcher_start(struct watcher *w, struct event_hub *h, struct task *waiter);
/*
 * Take the oldest: true and *ret is the caller's (event_info_done), or false. A watcher that is
 * too slow gets what its ring holds, then an EVENT_LOST with the count, then what comes after.
 */
bool watcher_take(struct watcher *w, struct event_info *ret);
static inline bool
watcher_has(const struct watcher *w)
{
	return w->n > 0 || w->lost > 0;
}
void watcher_stop(struct watcher *w);
int64_t event_watchers(const struct event_hub *h);

#endif
