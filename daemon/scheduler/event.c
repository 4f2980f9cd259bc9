/*
 * event: see event.h.  An event is copied into the ring of each watcher that wants it, and into
 * none if nobody watches: then emitting costs a counter, and a packed copy if the latest are kept.  A full ring loses the newest,
 * so what a watcher gets is in order and its gap is at one place, told before what follows it.
 */
#include "daemon/scheduler/event.h"

#include <stdlib.h>

#include "daemon/base/must.h"
#include "daemon/engine/task.h"
#include "daemon/scheduler/recent.h"
#include "proto/mem.h"

struct event_hub {
	struct watcher	*first;
	int64_t		 watchers;
	int64_t		 sequence;
	struct recent	*recent;	/* or NULL */
};

struct event_hub *
event_hub_new(void)
{
	return xcalloc(1, sizeof(struct event_hub));
}

void
event_hub_free(struct event_hub *h)
{
	if (h == NULL)
		return;
	MUST(h->first == NULL);
	recent_free(h->recent);
	free(h);
}

void
event_hub_keep(struct event_hub *h, size_t bytes, instant now)
{
	if (h->recent == NULL)
		h->recent = recent_new(bytes, now);
	else
		recent_resize(h->recent, bytes);
}

const struct recent *
event_hub_recent(const struct event_hub *h)
{
	return h->recent;
}

static void
watcher_add(struct watcher *w, const struct event_info *e)
{
	struct event_info *copy;

	/* Once lost, nothing is added before that is told: the gap stays in one place. */
	if (w->lost > 0 || w->n == WATCHER_EVENTS_MAX) {
		w->lost++;
		w->lost_at = e->at;
		task_wake(w->waiter);
		return;
	}
	if (w->ring == NULL)
		w->ring = xcalloc(WATCHER_EVENTS_MAX, sizeof(*w->ring));
	copy = &w->ring[(w->first + w->n) % WATCHER_EVENTS_MAX];
	*copy = *e;
	copy->name = xstrdup(e->name);
	copy->reason = xstrdup(e->reason);
	copy->progress_text = xstrdup(e->progress_text);
	w->n++;
	task_wake(w->waiter);
}

void
event_emit(struct event_hub *h, const struct event_info *e)
{
	struct event_info numbered = *e;

	numbered.sequence = ++h->sequence;
	if (h->recent != NULL && e->type != EVENT_RUN_PROGRESS)
		recent_add(h->recent, &numbered);
	for (struct watcher *w = h->first; w != NULL; w = w->next) {
		if (w->wants == NULL || w->wants(w, &numbered))
			watcher_add(w, &numbered);
	}
}

void
watcher_start(struct watcher *w, struct event_hub *h, struct task *waiter)
{
	w->hub = h;
	w->waiter = waiter;
	w->ring = NULL;
	w->first = w->n = 0;
	w->lost = 0;
	w->prev = NULL;
	w->next = h->first;
	if (w->next != NULL)
		w->next->prev = w;
	h->first = w;
	h->watchers++;
}

bool
watcher_take(struct watcher *w, struct event_info *ret)
{
	if (w->n > 0) {
		*ret = w->ring[w->first];
		w->first = (w->first + 1) % WATCHER_EVENTS_MAX;
		w->n--;
		return true;
	}
	if (w->lost == 0)
		return false;
	*ret = EVENT_INFO_NONE;
	ret->type = EVENT_LOST;
	ret->lost = w->lost;
	ret->at = w->lost_at;
	ret->sequence = w->hub->sequence;
	w->lost = 0;
	return true;
}

void
watcher_stop(struct watcher *w)
{
	struct event_info e;

	if (w->hub == NULL)
		return;
	w->lost = 0;
	while (watcher_take(w, &e))
		event_info_done(&e);
	free(w->ring);
	w->ring = NULL;
	if (w->prev == NULL)
		w->hub->first = w->next;
	else
		w->prev->next = w->next;
	if (w->next != NULL)
		w->next->prev = w->prev;
	w->hub->watchers--;
	w->hub = NULL;
}

int64_t
event_watchers(const struct event_hub *h)
{
	return h->watchers;
}
