/*
 * explain: see explain.h.
 */
#include "daemon/scheduler/explain-internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/mem.h"

/* A daemon that went down so soon after a due took what was not decided with it. */
#define SOON (10 * USEC_SEC)

/* ---- picking ---- */

/* People name seconds, dues of elapsed time lie between them. */
instant
explain_until(const struct explain *e)
{
	if (e->question == EXPLAIN_NOW)
		return e->now;
	if (e->question == EXPLAIN_RUN || e->at.usec % USEC_SEC != 0)
		return e->at;
	return instant_add(e->at, USEC_SEC - 1);
}

static struct subject
of_row(const struct explain *e, const struct ledger_row *row, instant due)
{
	struct subject s = { .kind = row->cause < 0 ? SUBJECT_RAN : SUBJECT_SKIPPED, .row = *row };

	s.o = schedule_at(e->schedule, due);
	if (row->cause < 0)
		s.o.mark = row->mark;
	return s;
}

/* One without a disposition: it is to come, or is due. */
static struct subject
to_come(const struct explain *e, struct occurrence o)
{
	return (struct subject){ .o = o,
	    .kind = o.due.usec <= e->now.usec ? SUBJECT_WAITS : SUBJECT_FUTURE };
}

/* The instant lies within a range of skips: at one of them, or between two. */
static void
pick_in_row(struct explain *e, const struct ledger_row *row)
{
	instant until = explain_until(e);
	struct occurrence o = { .due = row->first }, next;

	if (until.usec > row->last.usec)
		until = row->last;
	if (row->cause >= 0 && schedule_repeats(e->schedule) &&
	    !schedule_before(e->schedule, row->first, until, &o))
		o.due = row->first;	/* the rules were others then */
	if (o.due.usec >= e->at.usec) {
		e->exact = of_row(e, row, o.due);
		return;
	}
	e->earlier = of_row(e, row, o.due);
	if (schedule_next(e->schedule, o.due, &next) && next.due.usec <= row->last.usec)
		e->later = of_row(e, row, next.due);
}

/* The instant comes after the last disposition: what is to come then. */
static void
pick_to_come(struct explain *e)
{
	struct occurrence o, next;

	if (!schedule_repeats(e->schedule) ||
	    !schedule_before(e->schedule, e->job->due, explain_until(e), &o))
		o = schedule_at(e->schedule, e->job->due);
	if (o.due.usec >= e->at.usec) {
		e->exact = to_come(e, o);
		return;
	}
	e->earlier = to_come(e, o);
	if (schedule_next(e->schedule, o.due, &next))
		e->later = to_come(e, next);
}

/* Between two dispositions, or before the first, or after the last. */
static void
pick_between(struct explain *e)
{
	if (e->before_n > 0)
		e->earlier = of_row(e, &e->before[0], e->before[0].last);
	if (e->after.count > 0)
		e->later = of_row(e, &e->after, e->after.first);
	else if (instant_is_set(e->job->due))
		e->later = to_come(e, schedule_at(e->schedule, e->job->due));
}

/* The disposition that touches the instant, or NULL. */
static const struct ledger_row *
row_at(const struct explain *e)
{
	const struct ledger_row *found = NULL;

	/* When the clock was set back a run may lie within a range of skips: it is more exact. */
	for (size_t i = 0; i < e->before_n; i++) {
		if (e->before[i].last.usec >= e->at.usec &&
		    (found == NULL || e->before[i].cause < 0))
			found = &e->before[i];
	}
	return found;
}

static void
want(struct explain *e, int64_t run)
{
	for (size_t i = 0; i < e->wanted_n; i++) {
		if (e->wanted[i] == run)
			return;
	}
	if (run > 0 && e->wanted_n < EXPLAIN_RUNS)
		e->wanted[e->wanted_n++] = run;
}

/* For the end of which it may have waited: not always the one before, which may have been canceled in line. */
static void
want_before(struct explain *e, int64_t run, int64_t n)
{
	for (int64_t i = 1; i <= n; i++)
		want(e, run - i);
}

/* Its run, or the run that was active; and the run before, for whose end it may have waited. */
static void
want_subject(struct explain *e, const struct subject *s)
{
	if (s->kind == SUBJECT_NONE)
		return;
	if (s->o.due.usec < e->spans_from.usec)
		e->spans_from = s->o.due;
	if (s->kind == SUBJECT_WAITS || s->kind == SUBJECT_FUTURE)
		return;
	want(e, s->row.run);
	if (s->kind == SUBJECT_RAN)
		want_before(e, s->row.run, 2);
}

/* The latest skip among the rows, or NULL. */
static const struct ledger_row *
last_skip(const struct explain *e)
{
	for (size_t i = 0; i < e->before_n; i++) {
		if (e->before[i].cause >= 0)
			return &e->before[i];
	}
	return NULL;
}

static void
pick_now(struct explain *e)
{
	const struct ledger_row *skip = last_skip(e);

	if (e->before_n > 0)
		e->earlier = of_row(e, &e->before[0], e->before[0].last);
	/* The last skip, when that is not the latest of all. */
	if (skip != NULL && skip != &e->before[0])
		e->exact = of_row(e, skip, skip->last);
	if (instant_is_set(e->job->due))
		e->later = to_come(e, schedule_at(e->schedule, e->job->due));
}

/* The run that waits for its next attempt, or 0. */
static int64_t
retrying_run(const struct explain *e)
{
	const struct run_info *last = e->job->last;

	return last != NULL && last->state == RUN_RETRYING ? last->run : e->view.retrying;
}

void
explain_pick(struct explain *e)
{
	const struct ledger_row *row = row_at(e);

	e->spans_from = e->spans_to = e->now;
	if (e->question == EXPLAIN_NOW)
		pick_now(e);
	else if (e->question == EXPLAIN_RUN)
		want_before(e, e->runs[0].run, 5);
	else if (row != NULL)
		pick_in_row(e, row);
	else if (instant_is_set(e->job->due) && e->job->due.usec <= explain_until(e).usec)
		pick_to_come(e);
	else
		pick_between(e);
	want(e, e->view.run);
	if (retrying_run(e) != 0)
		want(e, retrying_run(e));
	want_subject(e, &e->exact);
	want_subject(e, &e->earlier);
	want_subject(e, &e->later);
	if (e->after.count > 0 && e->after.cause < 0)
		want(e, e->after.run);
	if (e->question == EXPLAIN_RUN)
		e->spans_from = e->runs[0].due;
}

void
explain_made_up(struct explain *e, int64_t run)
{
	e->made_up = run;
	want(e, run);
}

/* ---- what is known ---- */

const struct run_info *
explain_find(const struct explain *e, int64_t run)
{
	for (size_t i = 0; run != 0 && i < e->runs_n; i++) {
		if (e->runs[i].run == run)
			return &e->runs[i];
	}
	return NULL;
}

bool
span_touches(const struct span *s, instant from, instant to)
{
	instant first = s->first, last = s->last;

	/* A clock that is set forward passes over the time between. */
	if (s->kind == SPAN_CLOCK && s->step > 0)
		first = instant_add(s->first, 1 - s->step);
	else if (s->kind == SPAN_CLOCK)
		last = instant_add(s->last, -s->step);
	else if (s->kind == SPAN_DOWN)
		first = instant_add(s->first, -SOON);
	return first.usec <= to.usec && (!instant_is_set(last) || last.usec >= from.usec);
}

const struct span *
explain_pause(const struct explain *e, instant at)
{
	const struct span *found = NULL;

	for (size_t i = 0; i < e->spans_n; i++) {
		const struct span *s = &e->spans[i];

		if (span_holds(s) && span_touches(s, at, at) &&
		    (found == NULL || s->kind == SPAN_QUARANTINED))
			found = s;
	}
	return found;
}

/* Does it bear on a subject: from its due until it was taken up? */
static bool
span_concerns(const struct explain *e, const struct span *s, const struct subject *of)
{
	const struct run_info *r;

	switch (of->kind) {
	case SUBJECT_NONE:
		return false;
	case SUBJECT_RAN:
		r = explain_find(e, of->row.run);
		return span_touches(s, of->o.due, r != NULL ? r->noticed : of->o.due);
	case SUBJECT_SKIPPED:
	case SUBJECT_WAITS:
		return span_touches(s, of->o.due, of->o.due);
	case SUBJECT_FUTURE:
		return span_touches(s, e->now, e->now);
	}
	return false;
}

void
explain_span(struct explain *e, const struct span *s)
{
	bool use = span_holds(s) && span_touches(s, e->now, e->now);

	if (e->question == EXPLAIN_RUN)
		use |= span_touches(s, e->runs[0].due, e->runs[0].noticed);
	use |= span_concerns(e, s, &e->exact) || span_concerns(e, s, &e->earlier) ||
	    span_concerns(e, s, &e->later);
	if (use && e->spans_n < EXPLAIN_SPANS)
		e->spans[e->spans_n++] = *s;
}

/* ---- the state of the job ---- */

/* What came before: the latest disposition, and the last skip if that is another. */
static void
tell_past(struct explain *e)
{
	struct buf b = { .size = 0 };
	char due[WHEN_TEXT_MAX];

	if (e->earlier.kind != SUBJECT_NONE) {
		brief_subject(e, &e->earlier, &b);
		say(e, CAUSE_PREVIOUS, e->earlier.o.due, "the latest before, due %s, %s",
		    instant_print(e->earlier.o.due, due), buf_string(&b));
	}
	buf_reset(&b);
	if (e->exact.kind == SUBJECT_SKIPPED) {
		brief_subject(e, &e->exact, &b);
		say(e, CAUSE_PREVIOUS, e->exact.o.due, "the last skip: what was due %s %s",
		    instant_print(e->exact.o.due, due), buf_string(&b));
	}
	buf_done(&b);
}

static void
tell_finished(struct explain *e, struct buf *out)
{
	bool repeats = schedule_repeats(e->schedule);
	struct buf said = { .size = 0 };
	char due[WHEN_TEXT_MAX];

	buf_puts(out, "finished: ");
	if (e->job->waits_for != NULL) {
		buf_puts(out, e->job->waits_for);
		say(e, CAUSE_WAITING, (instant){ 0 }, "%s", e->job->waits_for);
		if (e->earlier.kind != SUBJECT_NONE)
			say_subject(e, &e->earlier, &said);
		buf_done(&said);
		return;
	}
	if (e->earlier.kind == SUBJECT_NONE) {
		buf_puts(out, "nothing more comes");
	} else {
		(void)instant_print(e->earlier.o.due, due);
		buf_printf(out, repeats || e->spec->after.n > 0 ? "its last occurrence, due %s, " :
		    "its one occurrence, due %s, ", due);
		brief_subject(e, &e->earlier, out);
	}
	say(e, CAUSE_FINISHED, e->earlier.o.due, "%s", repeats && instant_is_set(e->spec->until) ?
	    "none comes before until: nothing more will happen" : "nothing more will happen");
	say_subject(e, &e->earlier, &said);
	buf_done(&said);
}

static void
tell_running(struct explain *e, const struct run_info *r, struct buf *out)
{
	instant since = instant_is_set(r->spawned) ? r->spawned : r->started;
	char name[RUN_NAME_MAX], at[WHEN_TEXT_MAX];
	struct buf rest = { .size = 0 };

	buf_printf(out, "running as %s since %s", run_name(e, r->run, name),
	    instant_print(since, at));
	if (e->mine && r->pid != 0)
		buf_printf(out, ", as pid %lld", (long long)r->pid);
	say_canceling(e, r, out);
	say(e, CAUSE_DUE, r->due, "due %s", instant_print(r->due, at));
	say_run(e, r, &rest);
	buf_done(&rest);
}

/* Nothing runs, but something will run again. */
static void
tell_retrying(struct explain *e, const struct run_info *r, struct buf *out)
{
	char due[WHEN_TEXT_MAX], name[RUN_NAME_MAX];
	struct buf rest = { .size = 0 };

	buf_printf(out, "%s ", run_name(e, r->run, name));
	say_run(e, r, &rest);
	e->quiet = true;
	say_retrying(e, r, out);
	e->quiet = false;
	if (e->later.kind == SUBJECT_FUTURE)
		say(e, CAUSE_WAITING, e->later.o.due, "its next due is %s",
		    instant_print(e->later.o.due, due));
	buf_done(&rest);
}

/* It is held back, by a person or because it was lost too often. */
static void
tell_held(struct explain *e, struct buf *out)
{
	const struct span *pause = explain_pause(e, e->now);
	bool quarantined = e->job->state == JOB_QUARANTINED;

	if (pause != NULL)
		span_words(pause, out);
	else
		buf_puts(out, quarantined ? "quarantined" : "paused since it was added");
	if (quarantined)
		buf_puts(out, "; resume or retry lets it go on");
	say(e, quarantined ? CAUSE_QUARANTINED : CAUSE_PAUSED,
	    pause != NULL ? pause->first : e->job->created, "%s", buf_string(out));
}

/* Nothing runs: for what does it wait? */
static void
tell_waiting(struct explain *e, struct buf *out)
{
	bool held = e->job->state == JOB_PAUSED || e->job->state == JOB_QUARANTINED;
	char due[WHEN_TEXT_MAX], in[WHEN_TEXT_MAX];
	struct buf then = { .size = 0 };

	if (held) {
		tell_held(e, out);
	} else if (e->later.kind == SUBJECT_WAITS) {
		buf_printf(out, "due %s: it ", instant_print(e->later.o.due, due));
		say_subject(e, &e->later, out);
		return;
	}
	if (e->job->state == JOB_QUEUED && e->queued != NULL)
		say_run(e, e->queued, out);
	else if (e->later.kind == SUBJECT_FUTURE && !held)
		buf_printf(out, "waiting for its next due, %s, in %s",
		    instant_print(e->later.o.due, due),
		    left_print(instant_since(e->later.o.due, e->now), in));
	else if (e->spec->on_boot && !held)
		buf_puts(out, "waiting for the next start of the host");
	else if (e->job->waits_for != NULL)
		buf_printf(out, "blocked: it %s", e->job->waits_for);
	if (e->job->waits_for != NULL)
		say(e, CAUSE_WAITING, (instant){ 0 }, "it %s", e->job->waits_for);
	if (e->later.kind == SUBJECT_FUTURE)
		brief_subject(e, &e->later, &then);
	if (e->later.kind != SUBJECT_NONE)
		say(e, CAUSE_WAITING, e->later.o.due, "its next due is %s%s%s",
		    instant_print(e->later.o.due, due), buf_len(&then) > 0 ? ": it " : "",
		    buf_string(&then));
	else if (e->spec->on_boot)
		say(e, CAUSE_WAITING, (instant){ 0 }, "it is due once after each start of the "
		    "host");
	buf_done(&then);
}

/* What counts of its verdicts, and what does not. */
static void
tell_health(struct explain *e)
{
	const struct job_info *j = e->job;
	const struct job_spec *s = e->spec;
	int64_t n = j->checks_failed > 0 ? j->checks_failed : j->checks_passed;
	struct buf b = { .size = 0 };

	if (!job_spec_has_health(s) || (n == 0 && j->health == VERDICT_NONE))
		return;
	buf_printf(&b, "its health is %s", j->health == VERDICT_NONE ? "not known yet" :
	    verdict_names[j->health]);
	if (n == 1)
		buf_printf(&b, ": the last %s that counts ", s->heartbeat ? "run" : "check");
	else if (n > 0)
		buf_printf(&b, ": the last %lld %s that count ", (long long)n, s->heartbeat ? "runs" : "checks");
	if (n > 0 && s->heartbeat)
		buf_puts(&b, j->checks_failed > 0 ? "failed" : "did not fail");
	else if (n > 0)
		buf_printf(&b, "%s %sdown", n == 1 ? "was" : "were", j->checks_failed > 0 ? "" : "not ");
	if (j->checks_failed > 0 && j->health != VERDICT_DOWN && job_spec_fail_after(s) > n)
		buf_printf(&b, ", and it is down after %lld (failAfter)", (long long)job_spec_fail_after(s));
	if (j->checks_failed == 0 && j->health == VERDICT_DOWN && job_spec_ok_after(s) > n)
		buf_printf(&b, ", and it is up again after %lld (okAfter)", (long long)job_spec_ok_after(s));
	if (j->depends_on != 0)
		buf_printf(&b, "; it depends on %lld%s%s%s", (long long)j->depends_on,
		    job_id_read(s->http->depends_on) != 0 ? "" : " (",
		    job_id_read(s->http->depends_on) != 0 ? "" : s->http->depends_on,
		    job_id_read(s->http->depends_on) != 0 ? "" : ")");
	say(e, CAUSE_HEALTH, j->health_since, "%s", buf_string(&b));
	buf_done(&b);
}

static void
explain_now(struct explain *e, struct buf *out)
{
	const struct run_info *r = explain_find(e, e->view.run);
	const struct run_info *waits = explain_find(e, retrying_run(e));

	if (r != NULL)
		tell_running(e, r, out);
	else if (e->job->state == JOB_RETRYING && waits != NULL)
		tell_retrying(e, waits, out);
	else if (e->job->state == JOB_FINISHED)
		tell_finished(e, out);
	else
		tell_waiting(e, out);
	if (r == NULL && e->job->state == JOB_FINISHED)
		return;
	if (r == NULL && e->job->state == JOB_RETRYING)
		r = waits;
	if (r != NULL && e->earlier.kind == SUBJECT_RAN && e->earlier.row.run == r->run)
		e->earlier.kind = SUBJECT_NONE;	/* told */
	tell_past(e);
	tell_health(e);
}

/* ---- an instant ---- */

static void
tell_neighbour(struct explain *e, const struct subject *s, const char *which, struct buf *out)
{
	struct buf b = { .size = 0 };
	char due[WHEN_TEXT_MAX];

	if (s->kind == SUBJECT_NONE)
		return;
	(void)instant_print(s->o.due, due);
	say(e, s == &e->later ? CAUSE_NEXT : CAUSE_PREVIOUS, s->o.due, "the occurrence %s it:",
	    which);
	say_subject(e, s, &b);
	buf_printf(out, "; the one %s it, due %s, %s", which, due, buf_string(&b));
	buf_done(&b);
}

static void
explain_instant(struct explain *e, struct buf *out)
{
	char text[WHEN_TEXT_MAX], created[WHEN_TEXT_MAX];

	if (e->exact.kind != SUBJECT_NONE) {
		buf_printf(out, "what %s due %s ", e->exact.o.due.usec > e->now.usec ? "is" : "was",
		    instant_print(e->exact.o.due, text));
		say_subject(e, &e->exact, out);
		return;
	}
	buf_printf(out, "nothing was due at %s", instant_print(e->at, text));
	if (e->at.usec > e->now.usec) {
		buf_reset(out);
		buf_printf(out, "nothing is due at %s", text);
	}
	if (e->at.usec < e->job->created.usec) {
		say(e, CAUSE_ADDED, e->job->created, "the job was added after that, at %s",
		    instant_print(e->job->created, created));
		buf_printf(out, ": the job was added after that, at %s", created);
	} else if (e->at.usec <= e->job->rescheduled.usec) {
		say(e, CAUSE_ADDED, e->job->rescheduled, "the job was edited after that, at %s: it had"
		    " another schedule", instant_print(e->job->rescheduled, created));
		buf_printf(out, " by the schedule that the job has since %s", created);
	} else if (e->at.usec <= e->job->pruned.usec) {
		say(e, CAUSE_PRUNED, e->job->pruned, "retention has given up the records of what was due"
		    " up to %s", instant_print(e->job->pruned, created));
		buf_reset(out);
		buf_printf(out, "what was due at %s is not known any more: retention has given up the"
		    " records up to %s", text, created);
	} else if (e->later.kind == SUBJECT_NONE && !instant_is_set(e->job->due)) {
		say(e, CAUSE_FINISHED, e->earlier.o.due, "nothing comes after the last%s",
		    instant_is_set(e->spec->until) ? ": until" : "");
		buf_puts(out, ": it comes after the last");
	} else {
		say(e, CAUSE_NO_OCCURRENCE, e->at, "the schedule has nothing at %s", text);
	}
	tell_neighbour(e, &e->earlier, "before", out);
	tell_neighbour(e, &e->later, "after", out);
}

static void
explain_run(struct explain *e, struct buf *out)
{
	const struct run_info *r = &e->runs[0];
	struct occurrence o = schedule_at(e->schedule, r->due);
	char due[WHEN_TEXT_MAX], asked[WHEN_TEXT_MAX];

	if (explain_makes_up(r)) {
		buf_printf(out, "what was due %s, and was asked for by hand at %s, ", instant_print(r->due, due),
		    instant_print(explain_asked(r), asked));
		say(e, CAUSE_DUE, r->due, "due %s", due);
		say_run(e, r, out);
		return;
	}
	if (r->manual) {
		buf_printf(out, "what was asked for by hand at %s ", instant_print(explain_asked(r), asked));
		say_run(e, r, out);
		return;
	}
	o.mark = r->mark;
	e->exact = (struct subject){ .kind = SUBJECT_RAN, .o = o,
	    .row = { .first = r->due, .last = r->due, .count = 1, .cause = -1, .run = r->run } };
	buf_printf(out, "what was due %s ", instant_print(r->due, due));
	say_subject(e, &e->exact, out);
}

void
explain(struct explain *e)
{
	struct buf out = { .size = 0 };

	switch (e->question) {
	case EXPLAIN_NOW:
		explain_now(e, &out);
		break;
	case EXPLAIN_INSTANT:
		explain_instant(e, &out);
		break;
	case EXPLAIN_RUN:
		explain_run(e, &out);
		break;
	}
	e->summary = buf_steal(&out);
}

void
explain_done(struct explain *e)
{
	for (size_t i = 0; i < e->causes.n; i++) {
		fields_done(cause_info_fields, e->causes.items[i]);
		free(e->causes.items[i]);
	}
	free(e->causes.items);
	free(e->summary);
	e->causes = (struct structs){ .n = 0 };
	e->summary = NULL;
}
