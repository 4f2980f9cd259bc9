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

#include "daemon/server/select.h"
#include "proto/json.h"

/* Every event is held against every selector. */
#define WATCH_SELECTORS_MAX 64

/* Events written in one step. */
#define WATCH_SLICE 64

struct watch_in {
	struct strings	jobs;
};

static const struct field watch_fields[] = {
	{ "jobs", FIELD_STRINGS, offsetof(struct watch_in, jobs), .max = WATCH_SELECTORS_MAX },
	{ .type = FIELD_END },
};

struct watch_call {
	struct call	 call;
	struct select	 select;
	struct watcher	 watcher;
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
watch_wants(struct watcher *w, const struct event_info *e)
{
	const struct watch_call *f = w->context;
	const struct watch_in *in = f->call.in;

	for (size_t i = 0; i < in->jobs.n; i++) {
		if (selector_matches(in->jobs.items[i], e))
			return true;
	}
	return in->jobs.n == 0;
}

/* One event to the caller. */
static void
watch_write(struct watch_call *f)
{
	struct cJSON *reply = json_object();
	struct event_info e;

	MUST(watcher_take(&f->watcher, &e));
	json_set(reply, "event", fields_write(event_info_fields, &e));
	event_info_done(&e);
	call_reply_more(&f->call, reply);
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
	watcher_start(&f->watcher, server_of(&f->call)->events, t);
	call_reply_more(&f->call, NULL);
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
	watcher_stop(&f->watcher);
out:;
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
