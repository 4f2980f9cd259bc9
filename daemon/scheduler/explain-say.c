/*
 * explain-say: what became of an occurrence, in words.  A sentence is put together twice: as links
 * of the chain, one a fact, and as what follows "it" in the summary.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/scheduler/explain-internal.h"
#include "daemon/scheduler/remark.h"
#include "proto/mem.h"

/* Occurrences counted, to tell how many were skipped in a row. */
#define COUNTED_MAX 1000

struct cause_info *
say(struct explain *e, enum cause cause, instant at, const char *format, ...)
{
	struct buf b = { .size = 0 };
	struct cause_info *c;
	va_list ap;

	if (e->quiet)
		return &e->unsaid;
	c = xcalloc(1, sizeof(*c));
	va_start(ap, format);
	buf_vprintf(&b, format, ap);
	va_end(ap);
	*c = (struct cause_info){ .at = at, .cause = (int)cause, .text = buf_steal(&b) };
	e->causes.items = xrealloc(e->causes.items, (e->causes.n + 1) * sizeof(void *));
	e->causes.items[e->causes.n++] = c;
	return c;
}

/* The link is about a run. */
static void
of_run(struct explain *e, struct cause_info *c, int64_t run)
{
	char name[RUN_NAME_MAX];

	if (c != &e->unsaid)
		c->run = xstrdup(run_name(e, run, name));
}

const char *
took_print(usec_t d, char out[WHEN_TEXT_MAX])
{
	return duration_print_about(d > 0 ? d : 0, out);
}

const char *
left_print(usec_t d, char out[WHEN_TEXT_MAX])
{
	return duration_print(d > USEC_SEC ? d - d % USEC_SEC : d > 0 ? d - d % USEC_MSEC : 0, out);
}

const char *
run_name(const struct explain *e, int64_t run, char out[RUN_NAME_MAX])
{
	(void)snprintf(out, RUN_NAME_MAX, "%lld.%lld", (long long)e->job->id, (long long)run);
	return out;
}

static const char *
kind_words(const struct explain *e)
{
	switch ((enum job_kind)e->job->kind) {
	case KIND_COMMAND:
		return "commands";
	case KIND_HTTP:
		return "checks";
	case KIND_TIMER:
		return "timers";
	case KIND_HEARTBEAT:
		return "heartbeats";
	case KIND_COUNT:
		break;
	}
	return "jobs";
}

/* "all 4 slots for commands are taken" */
static void
full_words(const struct explain *e, const char *still, struct buf *out)
{
	if (e->view.running_max == 1)
		buf_printf(out, "the one slot for %s is %staken", kind_words(e), still);
	else
		buf_printf(out, "all %lld slots for %s are %staken", (long long)e->view.running_max,
		    kind_words(e), still);
}

/* ---- queues ---- */

/* "2 of 2 taken by 12.3 and 14.1" */
static void
taken_words(const struct scheduler_view *v, struct buf *out)
{
	int64_t more = v->queue_taken;

	buf_printf(out, "%lld of %lld taken", (long long)v->queue_taken, (long long)v->queue_slots);
	for (size_t i = 0; i < v->holders_n; i++) {
		const struct view_run *r = &v->holders[i];

		buf_puts(out, i == 0 ? " by " : ", ");
		if (r->run != 0)
			buf_printf(out, "%lld.%lld", (long long)r->job, (long long)r->run);
		else
			buf_printf(out, "a run of %lld", (long long)r->job);
		more--;
	}
	if (v->holders_n == VIEW_HOLDERS_MAX && more > 0)
		buf_puts(out, " and others");
}

/* "jobd is drained by uid 0 since ..." */
static void
drained_words(const struct scheduler_view *v, struct buf *out)
{
	char since[WHEN_TEXT_MAX];

	buf_printf(out, "jobd is drained by uid %lld since %s", (long long)v->drained_uid,
	    instant_print(v->drained, since));
}

/* "waits for a slot of queue heavy (2 of 2 taken by 12.3, 14.1; 5 before it)"; what keeps it in line. */
static void
line_words(const struct explain *e, struct buf *out)
{
	const struct scheduler_view *v = &e->view;
	char text[WHEN_TEXT_MAX];

	if (instant_is_set(v->drained)) {
		buf_puts(out, "waits: ");
		drained_words(v, out);
	} else if (v->waits == WAITS_MUTEX) {
		buf_printf(out, "waits for mutex %s", v->mutex);
		if (v->mutex_holder.run != 0)
			buf_printf(out, ", held by %lld.%lld", (long long)v->mutex_holder.job,
			    (long long)v->mutex_holder.run);
		else if (v->mutex_holder.job != 0)
			buf_printf(out, ", held by a run of %lld", (long long)v->mutex_holder.job);
	} else if (v->queue[0] != '\0' && instant_is_set(v->queue_paused)) {
		buf_printf(out, "waits: queue %s is paused by %s since %s", v->queue,
		    v->queue_paused_by, instant_print(v->queue_paused, text));
	} else if (v->queue[0] == '\0' || (v->queue_taken + v->need <= v->queue_slots &&
	    v->running >= v->running_max)) {
		buf_puts(out, "is queued: ");
		full_words(e, "", out);
		buf_printf(out, ", %lld in line", (long long)v->in_line);
	} else if (v->queue_taken + v->need <= v->queue_slots && v->rate_wait > 0) {
		buf_printf(out, "waits for the rate of queue %s: its next start is in %s (%lld before"
		    " it)", v->queue, left_print(v->rate_wait, text), (long long)v->before);
	} else {
		buf_puts(out, "waits for ");
		if (v->need > 1)
			buf_printf(out, "%lld slots", (long long)v->need);
		else
			buf_puts(out, "a slot");
		buf_printf(out, " of queue %s (", v->queue);
		taken_words(v, out);
		buf_printf(out, "; %lld before it)", (long long)v->before);
	}
}

/* A link of its own, when it is. */
static void
say_drained(struct explain *e, const char *then)
{
	struct buf b = { .size = 0 };

	if (!instant_is_set(e->view.drained))
		return;
	drained_words(&e->view, &b);
	say(e, CAUSE_DRAINED, e->view.drained, "%s%s", buf_string(&b), then);
	buf_done(&b);
}

/* ---- spans ---- */

void
span_words(const struct span *s, struct buf *out)
{
	char first[WHEN_TEXT_MAX], last[WHEN_TEXT_MAX], step[WHEN_TEXT_MAX];

	(void)instant_print(s->first, first);
	(void)instant_print(s->last, last);
	switch ((enum span_kind)s->kind) {
	case SPAN_DOWN:
		buf_printf(out, "the daemon was down from %s to %s", first, last);
		break;
	case SPAN_ASLEEP:
		buf_printf(out, "the host slept from %s to %s", first, last);
		break;
	case SPAN_CLOCK:
		(void)took_print(s->step < 0 ? -s->step : s->step, step);
		buf_printf(out, "the clock was set %s by %s, to %s", s->step < 0 ? "back" :
		    "forward",
		    step, first);
		break;
	case SPAN_PAUSED:
		buf_printf(out, "paused by uid %lld ", (long long)s->uid);
		if (instant_is_set(s->last))
			buf_printf(out, "from %s to %s", first, last);
		else
			buf_printf(out, "since %s", first);
		break;
	case SPAN_QUARANTINED:
		buf_printf(out, "quarantined, for it was lost %d times in a row, ", CRASHES_MAX);
		if (instant_is_set(s->last))
			buf_printf(out, "from %s to %s", first, last);
		else
			buf_printf(out, "since %s", first);
		break;
	case SPAN_COUNT:
		break;
	}
}

static void
say_span(struct explain *e, const struct span *s)
{
	static const enum cause causes[] = {
		[SPAN_DOWN] = CAUSE_DOWN, [SPAN_ASLEEP] = CAUSE_ASLEEP,
		[SPAN_CLOCK] = CAUSE_CLOCK_SET, [SPAN_PAUSED] = CAUSE_PAUSED,
		[SPAN_QUARANTINED] = CAUSE_QUARANTINED,
	};
	struct buf b = { .size = 0 };
	struct cause_info *c;

	span_words(s, &b);
	c = say(e, causes[s->kind], s->first, "%s", buf_string(&b));
	if (s->kind != SPAN_CLOCK)
		c->until = s->last;
	buf_done(&b);
}

/* What lasted in a range explains it: a link each, and the first of them in words. */
static bool
blame(struct explain *e, instant from, instant to, struct buf *out)
{
	bool any = false;

	for (size_t i = e->spans_n; i-- > 0;) {
		const struct span *s = &e->spans[i];

		if (span_holds(s) || !span_touches(s, from, to))
			continue;
		say_span(e, s);
		if (!any)
			span_words(s, out);
		any = true;
	}
	return any;
}

/* ---- what ran ---- */

static void
say_due(struct explain *e, const struct occurrence *o)
{
	char due[WHEN_TEXT_MAX], *remark = remark_occurrence(e->schedule, o);

	say(e, CAUSE_DUE, o->due, "due %s%s", instant_print(o->due, due), e->spec->after.n > 0 ?
	    ": all that it waits for had ended as asked" : "");
	if (remark != NULL && o->mark != MARK_NONE)
		say(e, CAUSE_TIME_CHANGE, o->due, "%s", remark);
	free(remark);
}

/* Since when a run could have begun: its due, or when it was asked for, which may be long after the due it makes up for. */
static instant
wanted_since(const struct run_info *r)
{
	return r->manual ? explain_asked(r) : r->due;
}

/* How late a run was, in parts, for the summary: those that matter. */
struct parts {
	struct buf	text;
	usec_t		least;
};

static void
part(struct parts *p, usec_t took, const char *words)
{
	char text[WHEN_TEXT_MAX];

	if (took < p->least)
		return;
	buf_printf(&p->text, "%s%s %s", buf_len(&p->text) > 0 ? ", " : "", took_print(took, text),
	    words);
}

/* From its due until it was noticed. */
static void
say_notice(struct explain *e, const struct run_info *r, struct parts *parts)
{
	instant begin = schedule_begin(e->schedule, r->due);
	usec_t jitter = instant_since(begin, r->due), took = instant_since(r->noticed, begin);
	struct buf why = { .size = 0 };
	char text[WHEN_TEXT_MAX], *words;

	if (jitter > 0)
		say(e, CAUSE_JITTER, r->due, "held back by %s on purpose, by its jitter",
		    took_print(jitter, text))->until = begin;
	part(parts, jitter, "of jitter, on purpose");
	if (took < LATE_MIN)
		return;
	if (!blame(e, begin, r->noticed, &why)) {
		buf_puts(&why, "nobody looked: jobd or the host was busy");
		say(e, CAUSE_LATE, begin, "noticed %s after that: jobd or the host was busy",
		    took_print(took, text))->until = r->noticed;
	}
	words = xasprintf("until it was noticed (%s)", buf_string(&why));
	part(parts, took, words);
	free(words);
	buf_done(&why);
}

/* ---- attempts ---- */

/* Of a run with so many only the latest are told, each in a link. */
#define ATTEMPTS_TOLD 20

instant
explain_begun(const struct run_info *r)
{
	const struct attempt_info *first = r->attempts.n > 0 ? r->attempts.items[0] : NULL;

	return first != NULL ? first->started : r->started;
}

instant
explain_asked(const struct run_info *r)
{
	return r->noticed.usec > r->due.usec ? r->noticed : r->due;
}

bool
explain_makes_up(const struct run_info *r)
{
	return r->manual && r->noticed.usec > r->due.usec;
}

/* When the process or request of the first attempt was there; none: it was not. */
static instant
first_spawned(const struct run_info *r)
{
	const struct attempt_info *first = r->attempts.n > 0 ? r->attempts.items[0] : NULL;

	return first != NULL ? first->spawned : r->spawned;
}

/* "was lost", "timed out", with the reason for who may know it. */
static void
ended_words(const struct explain *e, int state, const char *reason, struct buf *out)
{
	const char *word = field_enum_word(run_state_names, state);

	buf_puts(out, state == RUN_CANCELED || state == RUN_LOST ? "was " : "");
	for (; *word != '\0'; word++)
		buf_append(out, *word == '_' ? " " : word, 1);
	if (e->mine && reason != NULL)
		buf_printf(out, " (%s)", reason);
}

static void
say_attempts(struct explain *e, const struct run_info *r)
{
	size_t n = r->attempts.n, from = n > ATTEMPTS_TOLD ? n - ATTEMPTS_TOLD : 0;

	for (size_t i = from; i < n; i++) {
		const struct attempt_info *a = r->attempts.items[i];
		struct buf how = { .size = 0 };
		char took[WHEN_TEXT_MAX];

		ended_words(e, a->state, a->reason, &how);
		of_run(e, say(e, CAUSE_ATTEMPT, a->ended, "attempt %lld %s, %s after it began",
		    (long long)a->attempt, buf_string(&how), took_print(instant_since(
		    instant_is_set(a->exited) ? a->exited : a->ended,
		    instant_is_set(a->spawned) ? a->spawned : a->started), took)), r->run);
		buf_done(&how);
	}
}

/* The time of the next attempt has come. */
static void
retry_in_line(struct explain *e, const struct run_info *r, struct buf *out)
{
	char at[WHEN_TEXT_MAX];

	buf_printf(out, "was to come at %s, and waits", instant_print(r->retry_at, at));
	if (instant_is_set(e->view.drained)) {
		buf_puts(out, ": ");
		drained_words(&e->view, out);
		say_drained(e, "");
	} else {
		buf_printf(out, " for a slot for %s", kind_words(e));
	}
}

void
say_retrying(struct explain *e, const struct run_info *r, struct buf *out)
{
	char at[WHEN_TEXT_MAX], in[WHEN_TEXT_MAX];
	struct buf next = { .size = 0 };
	usec_t left = instant_since(r->retry_at, e->now);

	if (!instant_is_set(r->retry_at))
		buf_puts(&next, "is held back while the job is paused");
	else if (left > 0)
		buf_printf(&next, "comes at %s, in %s", instant_print(r->retry_at, at),
		    left_print(left, in));
	else
		retry_in_line(e, r, &next);
	buf_printf(out, "is retrying: attempt %lld did not succeed%s%s%s, attempt %lld %s",
	    (long long)r->attempt, e->mine && r->reason != NULL ? " (" : "",
	    e->mine && r->reason != NULL ? r->reason : "",
	    e->mine && r->reason != NULL ? ")" : "", (long long)r->attempt + 1,
	    buf_string(&next));
	of_run(e, say(e, CAUSE_RETRY, r->retry_at, "attempt %lld %s", (long long)r->attempt + 1,
	    buf_string(&next)), r->run);
	buf_done(&next);
}

/* The run of the same job that ended while this one waited, the last of them; or NULL. */
static const struct run_info *
waited_for(const struct explain *e, const struct run_info *r, instant from)
{
	const struct run_info *found = NULL;

	for (size_t i = 0; i < e->runs_n; i++) {
		const struct run_info *o = &e->runs[i];

		if (o->run != r->run && o->ended.usec > from.usec && instant_is_set(o->started) &&
		    o->ended.usec <= explain_begun(r).usec &&
		    o->started.usec < explain_begun(r).usec &&
		    (found == NULL || found->ended.usec < o->ended.usec))
			found = o;
	}
	return found;
}

/* The queue that somebody has named; NULL: it is in one that is always there, or in none. */
static const char *
named_queue(const struct explain *e)
{
	const char *queue = e->job->queue;

	if (queue == NULL || strcmp(queue, QUEUE_DEFAULT) == 0 || strcmp(queue, QUEUE_SCHEDULE) == 0)
		return NULL;
	return queue;
}

/* From when it was noticed until it was started: its own run, then a slot. */
static void
say_wait(struct explain *e, const struct run_info *r, struct parts *parts)
{
	instant from = r->manual ? explain_asked(r) : r->noticed;
	const char *named = named_queue(e), *mutex = e->job->mutex;
	const struct run_info *own;
	char text[WHEN_TEXT_MAX], name[RUN_NAME_MAX], *words;
	struct cause_info *c;
	bool caught_up = false;
	usec_t took;

	own = waited_for(e, r, from);
	if (own != NULL) {
		took = instant_since(own->ended, from);
		words = xasprintf("waiting for the end of %s", run_name(e, own->run, name));
		c = say(e, CAUSE_OWN_RUN, from, "waited %s for the end of %s", took_print(took,
		    text),
		    name);
		c->until = own->ended;
		of_run(e, c, own->run);
		part(parts, took, words);
		free(words);
		from = own->ended;
	}
	took = instant_since(explain_begun(r), from);
	if (took < LATE_MIN / 10)
		return;
	for (size_t i = 0; i < e->spans_n; i++)
		caught_up |= !span_holds(&e->spans[i]) &&
		    span_touches(&e->spans[i], r->due, r->noticed);
	/* One that waits for its mutex has a slot to go to, and is in line again after that. */
	if (r->mutex_waited && mutex != NULL)
		words = xasprintf("waiting for %smutex %s", caught_up && !r->manual ?
		    "its turn to catch up, and " : "", mutex);
	else
		words = xasprintf("waiting for %sa slot %s %s",
		    caught_up && !r->manual ? "its turn to catch up, and " : "",
		    named != NULL ? "of queue" : "for", named != NULL ? named : kind_words(e));
	say(e, caught_up && !r->manual ? CAUSE_CATCH_UP : CAUSE_SLOT, from, "%s took %s", words,
	    took_print(took, text))->until = explain_begun(r);
	part(parts, took, words);
	free(words);
}

/* What a check has found, and why the run did not succeed. */
static void
say_verdict(const struct explain *e, const struct run_info *r, struct buf *out)
{
	const char *reason = e->mine ? r->reason : NULL;
	bool verdict = r->verdict != VERDICT_NONE && r->verdict != VERDICT_UP;

	if (!verdict && reason == NULL)
		return;
	buf_printf(out, " (%s%s%s)", verdict ? field_enum_word(verdict_names, r->verdict) : "",
	    verdict && reason != NULL ? ": " : "", reason != NULL ? reason : "");
}

void
say_canceling(const struct explain *e, const struct run_info *r, struct buf *out)
{
	char term[WHEN_TEXT_MAX], at[WHEN_TEXT_MAX];

	if (r->canceled_by == NULL)
		return;
	buf_printf(out, ", and is being canceled");
	if (e->mine)
		buf_printf(out, " by %s", r->canceled_by);
	if (instant_is_set(r->term_at))
		buf_printf(out, ": TERM was sent at %s, KILL %s at %s", instant_print(r->term_at, term),
		    r->kill_at.usec > e->now.usec ? "comes" : "was to come", instant_print(r->kill_at, at));
}

/* How it ended, or that it has not. */
static void
say_outcome(struct explain *e, const struct run_info *r, struct buf *out)
{
	instant begin = instant_is_set(r->spawned) ? r->spawned : r->started;
	instant end = instant_is_set(r->exited) ? r->exited : r->ended;
	char word[32], text[WHEN_TEXT_MAX], since[WHEN_TEXT_MAX], pid[40] = "";
	struct buf b = { .size = 0 };

	(void)snprintf(word, sizeof(word), "%s", field_enum_word(run_state_names, r->state));
	for (char *p = word; *p != '\0'; p++)
		*p = *p == '_' ? ' ' : *p;
	if (e->mine && r->pid != 0)
		(void)snprintf(pid, sizeof(pid), ", as pid %lld", (long long)r->pid);
	if (r->state == RUN_RETRYING) {
		say_retrying(e, r, &b);
	} else if (!run_state_final((enum run_state)r->state)) {
		if (r->state == RUN_QUEUED)
			return;
		if (r->ping != NULL)
			buf_printf(&b, "has begun, by a ping at %s, and not ended",
			    instant_print(r->ping->at, since));
		else if (e->job->kind == KIND_HEARTBEAT)
			buf_printf(&b, "waits for a ping (since %s)", instant_print(begin, since));
		else
			buf_printf(&b, "is still running (since %s%s)", instant_print(begin, since), pid);
		say_canceling(e, r, &b);
		of_run(e, say(e, CAUSE_RUNNING, begin, "%s", buf_string(&b)), r->run);
	} else {
		buf_printf(&b, "%s%s after %s", r->state == RUN_CANCELED || r->state == RUN_LOST ?
		    "was " : "", word, took_print(instant_since(end, begin), text));
		say_verdict(e, r, &b);
		if (r->ping != NULL && r->ping->what != PING_START)
			buf_printf(&b, ", pinged at %s%s%s", instant_print(r->ping->at, since),
			    e->mine ? " by " : "", e->mine ? r->ping->by : "");
		if (e->mine && r->canceled_by != NULL)
			buf_printf(&b, ", canceled by %s", r->canceled_by);
		if (r->attempt > 1)
			buf_printf(&b, ", in attempt %lld", (long long)r->attempt);
		of_run(e, say(e, CAUSE_ENDED, r->ended, "%s", buf_string(&b)), r->run);
	}
	buf_printf(out, "%s", buf_string(&b));
	buf_done(&b);
}

static void
say_started(struct explain *e, const struct run_info *r, struct parts *parts)
{
	static const char *const begins[] = {
		[KIND_COMMAND] = "its process began", [KIND_HTTP] = "its request went out",
		[KIND_TIMER] = "its wait began", [KIND_HEARTBEAT] = "it said that it begins",
	};
	static_assert(sizeof(begins) / sizeof(begins[0]) == KIND_COUNT, "a word a kind");
	instant started = explain_begun(r), spawned = first_spawned(r);
	char name[RUN_NAME_MAX], text[WHEN_TEXT_MAX];
	usec_t took;

	of_run(e, say(e, CAUSE_STARTED, started, "started as %s", run_name(e, r->run, name)),
	    r->run);
	if (!instant_is_set(spawned))
		return;
	took = instant_since(spawned, started);
	of_run(e, say(e, CAUSE_SPAWNED, spawned, "%s %s after that",
	    begins[e->job->kind],
	    took_print(took, text)), r->run);
	part(parts, took, "to commit the claim and begin");
}

/* What came before it in the schedule. */
static void
say_before(struct explain *e, const struct run_info *r)
{
	char text[WHEN_TEXT_MAX];

	if (r->missed > 0)
		say(e, CAUSE_MISSED, (instant){ 0 }, "%lld before it %s skipped as missed",
		    (long long)r->missed, r->missed == 1 ? "was" : "were");
	if (instant_is_set(r->previous))
		say(e, CAUSE_PREVIOUS, r->previous, "the one that was run before it was due %s",
		    instant_print(r->previous, text));
}

void
say_run(struct explain *e, const struct run_info *r, struct buf *out)
{
	instant began = instant_is_set(first_spawned(r)) ? first_spawned(r) : explain_begun(r);
	char name[RUN_NAME_MAX], other[RUN_NAME_MAX], text[WHEN_TEXT_MAX];
	usec_t late = instant_since(began, wanted_since(r));
	struct parts parts = { .least = late / 100 > LATE_MIN / 10 ? late / 100 : LATE_MIN / 10 };

	(void)run_name(e, r->run, name);
	if (r->manual)
		of_run(e, say(e, CAUSE_MANUAL, explain_asked(r), "%s was asked for by hand%s", name,
		    explain_makes_up(r) ? ", to make up for it" : ""), r->run);
	if (!instant_is_set(r->started) || r->state == RUN_QUEUED) {
		say_attempts(e, r);
		if (r->state == RUN_QUEUED && (e->view.waits == WAITS_SLOT ||
		    e->view.waits == WAITS_MUTEX)) {
			buf_printf(out, "is %s, and ", name);
			line_words(e, out);
			say_drained(e, "");
		} else if (r->state == RUN_QUEUED && e->view.run != 0)
			buf_printf(out, "waits as %s for the end of %s", name,
			    run_name(e, e->view.run, other));
		else if (r->state == RUN_QUEUED)
			buf_printf(out, "waits as %s for its turn", name);
		else if (e->mine && r->canceled_by != NULL)
			buf_printf(out, "was %s, and canceled by %s before it was begun", name,
			    r->canceled_by);
		else
			buf_printf(out, "was %s, and canceled before it was begun", name);
		return;
	}
	if (!r->manual)
		say_notice(e, r, &parts);
	say_wait(e, r, &parts);
	say_started(e, r, &parts);
	buf_printf(out, "ran as %s, ", name);
	if (late < LATE_MIN)
		buf_printf(out, r->manual ? "at once" : "on time");
	else
		buf_printf(out, "%s %s", took_print(late, text), r->manual ? "after that" : "late");
	if (late >= LATE_MIN && buf_len(&parts.text) > 0)
		buf_printf(out, ": %s", buf_string(&parts.text));
	buf_puts(out, "; it ");
	say_attempts(e, r);
	say_outcome(e, r, out);
	say_before(e, r);
	buf_done(&parts.text);
}

static void
say_ran(struct explain *e, const struct subject *s, struct buf *out)
{
	const struct run_info *r = explain_find(e, s->row.run);
	char name[RUN_NAME_MAX];

	say_due(e, &s->o);
	if (r != NULL)
		say_run(e, r, out);
	else
		buf_printf(out, "ran as %s", run_name(e, s->row.run, name));
}

/* ---- what was skipped ---- */

/* Which one of its range an occurrence is, from 1. */
static int64_t
place_in_row(const struct explain *e, const struct subject *s)
{
	struct occurrence o = { .due = s->row.first };
	int64_t n = 1;

	if (s->o.due.usec == s->row.last.usec)
		return s->row.count;
	if (e->schedule->every > 0)
		return instant_since(s->o.due, s->row.first) / e->schedule->every + 1;
	while (n < COUNTED_MAX && o.due.usec < s->o.due.usec && schedule_next(e->schedule, o.due,
	    &o))
		n++;
	return n;
}

static void
ordinal_print(int64_t n, struct buf *out)
{
	static const char *const words[] = { "", "first", "second", "third", "fourth", "fifth",
	    "sixth", "seventh", "eighth", "ninth", "tenth" };
	const char *end = n % 10 == 1 ? "st" : n % 10 == 2 ? "nd" : n % 10 == 3 ? "rd" : "th";

	if (n < (int64_t)(sizeof(words) / sizeof(words[0])))
		buf_puts(out, words[n]);
	else
		buf_printf(out, "%lld%s", (long long)n, n / 10 % 10 == 1 ? "th" : end);
}

static void
skip_overlap(struct explain *e, const struct subject *s, struct buf *out)
{
	const struct run_info *r = explain_find(e, s->row.run);
	int64_t n = place_in_row(e, s);
	char text[WHEN_TEXT_MAX], name[RUN_NAME_MAX];
	/* A range has the latest run that was active; an earlier one may have been at this due. */
	bool same = r != NULL && instant_is_set(r->started) &&
	    explain_begun(r).usec <= s->o.due.usec;

	buf_puts(out, "overlap: ");
	if (same) {
		buf_printf(out, "%s was still %s (since %s", run_name(e, r->run, name),
		    r->attempts.n > 0 ? "being tried" : "running",
		    took_print(instant_since(s->o.due, explain_begun(r)), text));
		if (e->mine && r->pid != 0 && r->attempts.n == 0)
			buf_printf(out, ", as pid %lld", (long long)r->pid);
		buf_puts(out, ")");
	} else {
		buf_puts(out, "a run of the job was still active");
	}
	if (n > 1) {
		buf_puts(out, ", for the ");
		ordinal_print(n, out);
		buf_puts(out, " time in a row");
	}
}

/* Why a misfire was a skip. */
static void
misfire_words(const struct explain *e, const struct subject *s, bool was_away, struct buf *out)
{
	enum misfire policy = schedule_misfire(e->schedule, e->spec->misfire, e->job->kind,
	    s->o.due);
	bool by_default = e->spec->misfire == MISFIRE_DEFAULT;
	char text[WHEN_TEXT_MAX];

	if (was_away && policy == MISFIRE_SKIP) {
		buf_puts(out, "misfire is skip");
		if (by_default && e->job->kind == KIND_HTTP)
			buf_puts(out, " (the default for checks)");
		else if (by_default && e->job->kind == KIND_HEARTBEAT)
			buf_puts(out, " (the default for heartbeats: nobody could be heard)");
		else if (by_default)
			buf_puts(out, " (the default below an hour between occurrences)");
		return;
	}
	if (was_away && e->spec->misfire_window > 0)
		buf_printf(out, "misfireWindow is %s, and ", took_print(e->spec->misfire_window,
		    text));
	if (was_away && policy == MISFIRE_ALL)
		buf_printf(out, "misfire is all: the latest %lld at most are run",
		    (long long)schedule_misfire_limit(e->schedule));
	else if (was_away)
		buf_printf(out, "misfire is once%s: only the latest of those missed is run",
		    by_default ? " (the default)" : "");
	else
		buf_puts(out, "of those that have piled up only the latest is run");
}

static void
skip_missed(struct explain *e, const struct subject *s, struct buf *out)
{
	struct buf why = { .size = 0 }, policy = { .size = 0 };
	char name[RUN_NAME_MAX];
	const struct run_info *instead = NULL;
	bool was_away;

	was_away = blame(e, s->o.due, s->o.due, &why);
	if (!was_away) {
		buf_printf(&why,
		    "it waited for a slot for %s, or jobd was busy, until the next had come",
		    kind_words(e));
		say(e, CAUSE_LATE, s->o.due, "%s", buf_string(&why));
	}
	misfire_words(e, s, was_away, &policy);
	say(e, CAUSE_MISFIRE, (instant){ 0 }, "%s", buf_string(&policy));
	buf_printf(out, "missed: %s; %s", buf_string(&why), buf_string(&policy));
	if (e->after.count > 0 && e->after.cause < 0)
		instead = explain_find(e, e->after.run);
	if (instead != NULL && instead->missed > 0) {
		of_run(e, say(e, CAUSE_STARTED, instead->started,
		    "%s ran after it, for all of them",
		    run_name(e, instead->run, name)), instead->run);
		buf_printf(out, ": %s", name);
	}
	buf_done(&why);
	buf_done(&policy);
}

static void
skip_paused(struct explain *e, const struct subject *s, int cause, struct buf *out)
{
	const struct span *pause = explain_pause(e, s->o.due);

	if (pause == NULL) {
		buf_puts(out, skip_cause_names[cause]);
		return;
	}
	span_words(pause, out);
}

static void
skip_excluded(const struct explain *e, const struct subject *s, struct buf *out)
{
	int i = schedule_exception(e->schedule, s->o.due);

	buf_puts(out, "excluded");
	if (i >= 0 && (size_t)i < e->spec->except.n)
		buf_printf(out, " by except[%d]: %s", i, e->spec->except.items[i]);
}

/* The cause of a skip in words, by what decided it or will. */
static void
skip_words(struct explain *e, const struct subject *s, int cause, struct buf *out)
{
	char *remark;

	switch ((enum skip_cause)cause) {
	case SKIP_OVERLAP:
		skip_overlap(e, s, out);
		break;
	case SKIP_MISSED:
		skip_missed(e, s, out);
		break;
	case SKIP_PAUSED:
	case SKIP_QUARANTINED:
		skip_paused(e, s, cause, out);
		break;
	case SKIP_EXCLUDED:
		skip_excluded(e, s, out);
		break;
	case SKIP_NONEXISTENT:
	case SKIP_REPEATED:
		remark = remark_occurrence(e->schedule, &s->o);
		buf_puts(out, remark != NULL ? remark : skip_cause_names[cause]);
		free(remark);
		break;
	case SKIP_ASKED:
		buf_puts(out, "asked for by skip");
		break;
	case SKIP_COUNT:
		break;
	}
}

/* A run by hand with its due, by backfill. */
static void
say_made_up(struct explain *e, const struct subject *s, struct buf *out)
{
	const struct run_info *r = explain_find(e, e->made_up);
	struct buf how = { .size = 0 };
	char name[RUN_NAME_MAX];

	if (s != &e->exact || e->made_up == 0)
		return;
	buf_printf(out, "; %s, by hand, makes up for it", run_name(e, e->made_up, name));
	of_run(e, say(e, CAUSE_MANUAL, r != NULL ? r->started : (instant){ 0 },
	    "%s, asked for by hand, makes up for it", name), e->made_up);
	if (r != NULL)
		say_outcome(e, r, &how);
	buf_done(&how);
}

static void
say_skipped(struct explain *e, const struct subject *s, struct buf *out)
{
	static const enum cause causes[] = {
		[SKIP_OVERLAP] = CAUSE_OVERLAP, [SKIP_MISSED] = CAUSE_MISSED,
		[SKIP_PAUSED] = CAUSE_PAUSED, [SKIP_EXCLUDED] = CAUSE_EXCLUDED,
		[SKIP_NONEXISTENT] = CAUSE_TIME_CHANGE, [SKIP_REPEATED] = CAUSE_TIME_CHANGE,
		[SKIP_ASKED] = CAUSE_ASKED, [SKIP_QUARANTINED] = CAUSE_QUARANTINED,
	};
	const struct run_info *r = explain_find(e, s->row.run);
	struct buf why = { .size = 0 };
	char due[WHEN_TEXT_MAX];
	struct cause_info *c;

	say(e, CAUSE_DUE, s->o.due, "due %s", instant_print(s->o.due, due));
	skip_words(e, s, s->row.cause, &why);
	c = say(e, causes[s->row.cause], s->row.first, "skipped, %s%s", s->row.count > 1 ?
	    "with others in a row: " : "", buf_string(&why));
	c->until = s->row.count > 1 ? s->row.last : (instant){ 0 };
	if (s->row.cause == SKIP_OVERLAP && s->row.run != 0)
		of_run(e, c, s->row.run);
	buf_printf(out, "%s skipped: %s", s->o.due.usec > e->now.usec ? "is" : "was",
	    buf_string(&why));
	buf_done(&why);
	say_made_up(e, s, out);
	if (s->row.cause == SKIP_OVERLAP && r != NULL) {
		struct buf ended = { .size = 0 };

		say_outcome(e, r, &ended);
		buf_done(&ended);
	}
}

/* ---- what is not decided ---- */

/* The pause that lasts, in words; false: there is none. */
static bool
paused_now(const struct explain *e, struct buf *words)
{
	const struct span *pause = explain_pause(e, e->now);

	if (pause != NULL)
		span_words(pause, words);
	else if (e->job->state == JOB_PAUSED)
		buf_puts(words, "added paused");
	return buf_len(words) > 0;
}

void
say_waits(struct explain *e, const struct subject *s, struct buf *out)
{
	const struct scheduler_view *v = &e->view;
	char name[RUN_NAME_MAX], at[WHEN_TEXT_MAX];
	struct buf why = { .size = 0 }, pause = { .size = 0 };
	enum cause cause = CAUSE_WAITING;
	instant begin = schedule_begin(e->schedule, s->o.due);

	if (paused_now(e, &pause)) {
		cause = e->job->state == JOB_QUARANTINED ? CAUSE_QUARANTINED : CAUSE_PAUSED;
		buf_printf(&why, "waits: the job is %s", buf_string(&pause));
	} else if (v->store_bad || v->sweeping || !v->recovered) {
		cause = v->store_bad ? CAUSE_STORE : CAUSE_WAITING;
		buf_printf(&why, "waits: %s", v->store_bad ?
		    "the store cannot write what is decided" : v->sweeping ?
		    "dues are brought in line with a clock that was set, or new rules" :
		    "the daemon has not recovered yet");
	} else if (v->waits == WAITS_SLOT || v->waits == WAITS_MUTEX) {
		cause = instant_is_set(v->drained) ? CAUSE_DRAINED : CAUSE_SLOT;
		line_words(e, &why);
	} else if (v->waits == WAITS_RUN || v->run != 0 || v->retrying != 0) {
		cause = CAUSE_OWN_RUN;
		buf_printf(&why, "waits for the end of %s",
		    run_name(e, v->run != 0 ? v->run : v->retrying, name));
	} else if (v->waits == WAITS_TURN) {
		cause = CAUSE_CATCH_UP;
		buf_printf(&why, "catches up: its turn comes at %s", instant_print(v->not_before,
		    at));
	} else if (begin.usec > e->now.usec) {
		cause = CAUSE_JITTER;
		buf_printf(&why, "begins at %s, by its jitter", instant_print(begin, at));
	} else {
		buf_puts(&why, "is being decided");
	}
	say(e, cause, s->o.due, "%s", buf_string(&why));
	buf_printf(out, "%s", buf_string(&why));
	buf_done(&why);
	buf_done(&pause);
}

/* What would keep it from running, as things stand. */
static void
say_obstacles(struct explain *e, const struct subject *s, struct buf *out)
{
	const struct run_info *r = explain_find(e, e->view.run != 0 ? e->view.run :
	    e->view.retrying);
	bool repeats = schedule_repeats(e->schedule), tried = r != NULL && e->view.run == 0;
	char name[RUN_NAME_MAX], since[WHEN_TEXT_MAX];
	struct buf pause = { .size = 0 }, full = { .size = 0 };

	if (paused_now(e, &pause)) {
		bool quarantined = e->job->state == JOB_QUARANTINED;

		say(e, quarantined ? CAUSE_QUARANTINED : CAUSE_PAUSED, e->now,
		    "the job is %s: if it still is then, this one %s", buf_string(&pause),
		    repeats ? "is skipped" : "waits");
		buf_printf(out, ", unless the job is still %s then (%s)",
		    quarantined ? "quarantined" : "paused", buf_string(&pause));
	}
	buf_done(&pause);
	/* What is busy now says little of what comes after the next due. */
	if (s->o.due.usec != e->job->due.usec)
		return;
	if (r != NULL) {
		(void)instant_print(explain_begun(r), since);
		of_run(e, say(e, CAUSE_OVERLAP, explain_begun(r),
		    "%s is %s since %s: if it still is then, this one %s",
		    run_name(e, r->run, name), tried ? "being tried" : "running", since,
		    repeats ? "is skipped (overlap)" : "waits"), r->run);
		buf_printf(out, ", %s %s is still %s then", repeats ? "unless" : "or later if",
		    name, tried ? "being tried" : "running");
	}
	if (instant_is_set(e->view.drained)) {
		say_drained(e, ": if it still is then, this one waits");
		buf_puts(out, ", or later if jobd is still drained then");
	}
	if (e->view.running >= e->view.running_max) {
		full_words(e, "", &full);
		say(e, CAUSE_SLOT, e->now, "%s at present", buf_string(&full));
		buf_puts(out, ", or later if ");
		full_words(e, "still ", out);
		buf_done(&full);
	}
}

static void
say_future(struct explain *e, const struct subject *s, struct buf *out)
{
	char *remark = remark_occurrence(e->schedule, &s->o);
	usec_t jitter = instant_since(schedule_begin(e->schedule, s->o.due), s->o.due);
	struct buf why = { .size = 0 };
	char text[WHEN_TEXT_MAX];

	say(e, CAUSE_WAITING, s->o.due, "due in %s", left_print(instant_since(s->o.due, e->now),
	    text));
	if (s->o.cause >= 0) {
		skip_words(e, s, s->o.cause, &why);
		buf_printf(out, "will be skipped: %s", buf_string(&why));
		say(e, s->o.cause == SKIP_EXCLUDED ? CAUSE_EXCLUDED : CAUSE_TIME_CHANGE, s->o.due,
		    "it will be skipped: %s", buf_string(&why));
	} else {
		buf_puts(out, e->job->kind == KIND_HEARTBEAT ? "is when a ping is expected at the latest" :
		    "will be run then");
		if (remark != NULL) {
			say(e, CAUSE_TIME_CHANGE, s->o.due, "%s", remark);
			buf_printf(out, " (%s)", remark);
		}
		if (jitter > 0) {
			say(e, CAUSE_JITTER, s->o.due,
			    "it begins %s later on purpose, by its jitter",
			    took_print(jitter, text));
			buf_printf(out, ", and %s of jitter later", text);
		}
		say_obstacles(e, s, out);
	}
	free(remark);
	buf_done(&why);
}

void
say_subject(struct explain *e, const struct subject *s, struct buf *out)
{
	switch (s->kind) {
	case SUBJECT_NONE:
		break;
	case SUBJECT_RAN:
		say_ran(e, s, out);
		break;
	case SUBJECT_SKIPPED:
		say_skipped(e, s, out);
		break;
	case SUBJECT_WAITS:
		say_due(e, &s->o);
		say_waits(e, s, out);
		break;
	case SUBJECT_FUTURE:
		say_future(e, s, out);
		break;
	}
}

void
brief_subject(struct explain *e, const struct subject *s, struct buf *out)
{
	bool was = e->quiet;

	e->quiet = true;
	say_subject(e, s, out);
	e->quiet = was;
}
