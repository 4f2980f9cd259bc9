/*
 * describe: see describe.h.
 */
#include "daemon/scheduler/describe.h"

#include <inttypes.h>
#include <stdlib.h>

#include "daemon/base/must.h"
#include "daemon/scheduler/pattern-say.h"
#include "daemon/scheduler/remark.h"
#include "proto/buf.h"
#include "proto/mem.h"

/* Takes the text over. */
static void
phrase_add(struct phrases *out, enum phrase what, char *text)
{
	MUST(out->n < PHRASES_MAX);
	out->items[out->n++] = (struct phrase_info){ .what = (int)what, .text = text };
}

void
phrases_done(struct phrases *p)
{
	while (p->n > 0)
		free(p->items[--p->n].text);
}

/* ---- when ---- */

static void
say_duration(struct buf *out, const char *before, usec_t d, const char *after)
{
	char *text = duration_whole(d);

	buf_printf(out, "%s%s%s", before, text, after);
	free(text);
}

/* Of a job that comes once. */
static void
say_once(const struct job_spec *spec, struct buf *out)
{
	char text[WHEN_TEXT_MAX];

	if (spec->on_boot)
		buf_puts(out, "once after each boot of the host");
	else if (spec->after.n > 0)
		buf_puts(out, "once, when the jobs that it waits for have ended as asked");
	else if (instant_is_set(spec->at))
		buf_printf(out, "once, at %s", local_print(NULL, spec->at, text));
	else
		buf_puts(out, spec->in > 0 ? "once" : "once, when it was added");
	if (spec->in > 0)
		say_duration(out, ", ", spec->in, spec->after.n > 0 ? " after that" :
		    " after it was added");
}

static void
say_every(const struct described *d, struct buf *out)
{
	char text[WHEN_TEXT_MAX];

	say_duration(out, "every ", d->spec->every, " of elapsed time");
	if (!d->job)
		buf_puts(out, ", from now on");
	else
		buf_puts(out, d->spec->heartbeat ? ", counted from one ping to the next" :
		    ", counted from the due before");
	if (instant_is_set(d->spec->at))
		buf_printf(out, ", at first at %s", local_print(NULL, d->spec->at, text));
	else if (d->spec->in > 0)
		say_duration(out, ", at first ", d->spec->in, " after it was added");
}

static void
describe_when(const struct described *d, struct phrases *out)
{
	const struct pattern *p = schedule_pattern(d->schedule);
	struct buf text = { 0 };
	char *words;

	if (d->spec->heartbeat)
		buf_puts(&text, "a ping is expected ");
	if (p != NULL) {
		words = pattern_say(p);
		buf_printf(&text, "%s, in %s", words, zone_name(schedule_zone(d->schedule)));
		free(words);
	} else if (d->schedule->every > 0) {
		say_every(d, &text);
	} else {
		say_once(d->spec, &text);
	}
	phrase_add(out, PHRASE_WHEN, buf_steal(&text));
}

/* ---- time changes ---- */

static const char *
changes_rule(const struct described *d)
{
	if (!schedule_fixed(d->schedule))
		return "it is a rhythm and goes by what the clock shows: what is left out does not come, what "
		    "is shown twice comes twice";
	switch ((enum dst)schedule_dst(d->schedule)) {
	case DST_SKIP:
		return "it names times of day: one that is left out is skipped, one that is shown twice is "
		    "due the first time only";
	case DST_BOTH:
		return "it names times of day: one that is left out is due at the first instant after the "
		    "gap, one that is shown twice is due both times";
	case DST_ONCE:
	case DST_COUNT:
		break;
	}
	return "it names times of day: one that is left out is due at the first instant after the gap, one "
	    "that is shown twice is due the first time only";
}

static void
describe_changes(const struct described *d, struct phrases *out)
{
	const struct zone *zone = schedule_zone(d->schedule);
	struct strings changes = { .n = 0 };
	struct zone_change change;

	if (zone == NULL && d->schedule->every > 0)
		phrase_add(out, PHRASE_TIME_CHANGES,
		    xstrdup("elapsed time is counted: time changes do not matter"));
	if (zone == NULL)
		return;
	if (!zone_next_change(zone, d->from.usec / USEC_SEC, &change)) {
		phrase_add(out, PHRASE_TIME_CHANGES,
		    xasprintf("no time change is to come in %s", zone_name(zone)));
		return;
	}
	phrase_add(out, PHRASE_TIME_CHANGES, xstrdup(changes_rule(d)));
	remark_changes(d->schedule, d->from, DESCRIBE_CHANGES_MAX, &changes);
	remark_rhythm_changes(d->schedule, d->from, DESCRIBE_CHANGES_MAX, &changes);
	for (size_t i = 0; i < changes.n; i++)
		phrase_add(out, PHRASE_TIME_CHANGE, xstrdup(changes.items[i]));
	if (changes.n == 0)
		phrase_add(out, PHRASE_TIME_CHANGE, xasprintf("none within %d days affects it",
		    (int)(REMARK_AHEAD / USEC_DAY)));
	strings_done(&changes);
}

/* ---- what bounds it ---- */

static void
describe_exceptions(const struct described *d, struct phrases *out)
{
	const struct zone *zone = schedule_zone(d->schedule);
	const struct exception *e;

	for (size_t i = 0; (e = schedule_exception_at(d->schedule, i)) != NULL; i++) {
		char *words = e->whole_day ? pattern_say_days(e->pattern) : pattern_say(e->pattern);
		const char *name = e->zone != zone ? zone_name(e->zone) : "";

		phrase_add(out, PHRASE_EXCEPT, xasprintf("%s%s%s", words, *name != '\0' ? ", in " : "",
		    name));
		free(words);
	}
}

static void
describe_bounds(const struct described *d, struct phrases *out)
{
	const struct zone *zone = schedule_zone(d->schedule);
	const struct job_spec *s = d->spec;
	char text[WHEN_TEXT_MAX];
	struct buf jitter = { 0 };

	if (instant_is_set(s->from))
		phrase_add(out, PHRASE_FROM, xasprintf("nothing is due before %s",
		    local_print(zone, s->from, text)));
	if (instant_is_set(s->until))
		phrase_add(out, PHRASE_UNTIL, xasprintf("nothing is due after %s",
		    local_print(zone, s->until, text)));
	if (s->jitter > 0) {
		say_duration(&jitter, "each begins up to ", s->jitter,
		    " after its due, always the same for one job and due");
		phrase_add(out, PHRASE_JITTER, buf_steal(&jitter));
	}
}

/* ---- what is missed ---- */

static void
say_misfire(const struct described *d, enum misfire policy, struct buf *out)
{
	bool repeats = schedule_repeats(d->schedule);

	buf_puts(out, "what is missed while jobd is down, the host sleeps or the clock jumps: ");
	if (policy == MISFIRE_SKIP)
		buf_puts(out, "it is skipped");
	else if (!repeats)
		buf_puts(out, "it is run afterwards");
	else if (policy == MISFIRE_ALL)
		buf_printf(out, "each of the latest %" PRId64 " is run, one after another, and those before "
		    "them are skipped", schedule_misfire_limit(d->schedule));
	else
		buf_puts(out, "the latest is run, and those before it are skipped");
	if (policy != MISFIRE_SKIP && schedule_misfire_window(d->schedule) != USEC_NEVER)
		say_duration(out, "; what was due more than ", schedule_misfire_window(d->schedule),
		    " before is skipped");
}

static void
describe_misfire(const struct described *d, struct phrases *out)
{
	const struct job_spec *s = d->spec;
	struct occurrence next = { .due = d->from };
	struct buf text = { 0 };
	enum misfire policy;

	/* What has no due of its own cannot be missed; and a heartbeat's work runs elsewhere. */
	if (!d->job || s->heartbeat || s->on_boot || s->after.n > 0)
		return;
	/* The default goes by how long it is from the due that was missed to the next. */
	(void)schedule_next(d->schedule, d->from, &next);
	policy = schedule_misfire(d->schedule, s->misfire, (int)job_spec_kind(s), next.due);
	say_misfire(d, policy, &text);
	if (s->misfire == MISFIRE_DEFAULT)
		buf_puts(&text, " (the default)");
	phrase_add(out, PHRASE_MISFIRE, buf_steal(&text));
}

void
describe(const struct described *d, struct phrases *out)
{
	describe_when(d, out);
	describe_changes(d, out);
	describe_exceptions(d, out);
	describe_bounds(d, out);
	describe_misfire(d, out);
}
