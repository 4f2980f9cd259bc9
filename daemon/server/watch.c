/*
 * watch: Watch.  The watcher's ring and the connection's buffer are bounded; a peer that reads too
 * slowly loses events, is told how many, and holds up nobody.
 */
#include <assert.h>
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/scheduler/recent.h"
#include "daemon/server/select.h"
#include "proto/json.h"

/* Every event is held against every selector. */
#define WATCH_SELECTORS_MAX 64

/* Events written in one step. */
#define WATCH_SLICE 64

struct watch_in {
	struct strings	jobs;
	instant		since;
	bool		recent;
};

static const struct field watch_fields[] = {
	{ "jobs", FIELD_STRINGS, offsetof(struct watch_in, jobs), .max = WATCH_SELECTORS_MAX },
	{ "since", FIELD_INSTANT, offsetof(struct watch_in, since), .flags = 0 },
	{ "recent", FIELD_BOOL, offsetof(struct watch_in, recent), .flags = 0 },
	{ .type = FIELD_END },
};

struct watch_call {
	struct call	 call;
	struct select	 select;
	struct watcher	 watcher;
	struct recent_place place;	/* in what is told of the past */
	bool		 past_told;
	int		 budget;
};

static bool
selector_matches(const char *selector, const struct event_info *e)
{
	char text[RUN_TEXT_MAX];

	if (e->job == id_parse(selector))
		return true;
	if (e->run != 0 && strcmp(selector, run_text(e->job, e->run, text)) == 0)
		return true;
	if (e->name != NULL)
		return fnmatch(selector, e->name, 0) == 0;
	/* As the store does: what has no name goes by its id. */
	snprintf(text, sizeof(text), "%" PRId64, e->job);
	return fnmatch(selector, text, 0) == 0;
}

static bool
wanted(const struct watch_in *in, const struct event_info *e)
{
	for (size_t i = 0; i < in->jobs.n; i++) {
		if (selector_matches(in->jobs.items[i], e))
			return true;
	}
	return in->jobs.n == 0;
}

static bool
watch_wants(struct watcher *w, const struct event_info *e)
{
	const struct watch_call *f = w->context;

	return wanted(f->call.in, e);
}

static void
event_write(struct watch_call *f, const struct event_info *e)
{
	struct cJSON *reply = json_object();

	json_set(reply, "event", fields_write(event_info_fields, e));
	call_reply_more(&f->call, reply);
}

/* One event to the caller. */
static void
watch_write(struct watch_call *f)
{
	struct event_info e;

	MUST(watcher_take(&f->watcher, &e));
	event_write(f, &e);
	event_info_done(&e);
}

/* ---- what was ---- */

static bool
past_wanted(const struct watch_call *f)
{
	const struct watch_in *in = f->call.in;

	return in->recent || instant_is_set(in->since);
}

/* How far back it reaches, before the first of them; what has gone until now is not told again as lost. */
static struct cJSON *
past_begin(struct watch_call *f)
{
	const struct recent *recent = event_hub_recent(server_of(&f->call)->events);
	struct cJSON *reply = json_object();
	char text[WHEN_TEXT_MAX];

	f->place = recent_place_first(recent);
	if (recent != NULL)
		json_set_string(reply, "keptSince", instant_print(recent_since(recent), text));
	json_set_int(reply, "gone", recent_gone(recent));
	return reply;
}

/* While they were written others came, and the oldest made room. */
static void
past_lost(struct watch_call *f, int64_t n)
{
	struct event_info e = EVENT_INFO_NONE;

	e.type = EVENT_LOST;
	e.lost = n;
	e.at = recent_since(event_hub_recent(server_of(&f->call)->events));
	event_write(f, &e);
}

/* A few of them.  When there are no more what comes is watched, from the next event on. */
static void
past_write(struct watch_call *f, struct task *t)
{
	const struct watch_in *in = f->call.in;
	struct event_hub *events = server_of(&f->call)->events;
	struct event_info e;
	int64_t gone;

	for (f->budget = WATCH_SLICE; f->budget > 0; f->budget--) {
		if (!recent_next(event_hub_recent(events), &f->place, &e, &gone)) {
			f->past_told = true;
			break;
		}
		if (gone > 0)
			past_lost(f, gone);
		if (e.at.usec >= in->since.usec && wanted(in, &e))
			event_write(f, &e);
		event_info_done(&e);
	}
	if (f->past_told && !in->recent)
		watcher_start(&f->watcher, events, t);
}

static enum task_status
watch_step(struct task *t)
{
	struct watch_call *f = container_of(t, struct watch_call, call.task);
	const struct watch_in *in = f->call.in;

	TASK_BEGIN(t);

	/* A name or id that is not there is a mistake; what a pattern matches may come later. */
	select_start(&f->select, &f->call, &in->jobs, SELECT_RUNS | SELECT_MAY_BE_EMPTY);
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->select.task));
	if (!select_told(&f->select, &f->call))
		goto out;
	select_done(&f->select);
	f->watcher.wants = watch_wants;
	f->watcher.context = f;
	if (past_wanted(f)) {
		call_reply_more(&f->call, past_begin(f));
	} else {
		f->past_told = true;
		watcher_start(&f->watcher, server_of(&f->call)->events, t);
		call_reply_more(&f->call, NULL);
	}
	while (!f->past_told) {
		AWAIT_UNTIL(t, USEC_NEVER, call_can_write(&f->call));
		if (t->err == -ECANCELED || t->cancelled)
			goto out;
		past_write(f, t);
		if (!f->past_told)
			TASK_YIELD(t);
	}
	if (((const struct watch_in *)f->call.in)->recent) {
		call_reply(&f->call, NULL);
		goto out;
	}
	for (;;) {
		AWAIT_UNTIL(t, loop_now(t->loop) + KEEPALIVE_USEC,
		    watcher_has(&f->watcher) && call_can_write(&f->call));
		if (t->err == -ECANCELED || t->cancelled)
			break;
		if (t->err == -ETIMEDOUT && call_can_write(&f->call))
			call_reply_more(&f->call, NULL);
		for (f->budget = WATCH_SLICE; f->budget > 0; f->budget--) {
			if (!watcher_has(&f->watcher) || !call_can_write(&f->call))
				break;
			watch_write(f);
		}
		if (f->budget == 0)
			TASK_YIELD(t);
	}
out:
	watcher_stop(&f->watcher);
	TASK_END(t, 0);
}

static void
watch_release(struct task *t)
{
	select_done(&container_of(t, struct watch_call, call.task)->select);
	call_release(t);
}

static_assert(offsetof(struct watch_call, call.task) == 0, "a call is found by its task");

static void
watch_describe(const struct task *t, char *out, size_t n)
{
	const struct watch_call *f = (const void *)t;

	if (f->watcher.hub != NULL)
		snprintf(out, n, "%s", watcher_has(&f->watcher) ? "its reader" : "an event");
}

static const struct task_kind watch_kind = {
	.name = "Watch",
	.step = watch_step,
	.release = watch_release,
	.describe = watch_describe,
};

const struct method method_watch = {
	.name = "io.jobd.Watch",
	.in = watch_fields,
	.in_size = sizeof(struct watch_in),
	.flags = METHOD_MORE_ONLY,
	.frame_size = sizeof(struct watch_call),
	.kind = &watch_kind,
};
