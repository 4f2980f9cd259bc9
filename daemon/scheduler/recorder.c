/*
 * recorder: see recorder.h.  What it notes is what replay.c needs to decide again, and no more.
 */
#include "daemon/scheduler/recorder.h"

#include <assert.h>
#include <string.h>

#include "daemon/scheduler/scheduler-internal.h"

static bool
records(const struct scheduler *s)
{
	return s->loop->flight != NULL;
}

static void
note(struct scheduler *s, struct flight_cell head, int64_t x, int64_t y, int64_t z)
{
	flight_note_more(s->loop, FLIGHT_DECISIONS, &head, x, y, z);
}

uint64_t
recorder_job(struct loop *l, const struct due_row *row)
{
	const struct flight_cell head = { .what = FLIGHT_JOB, .n = (uint16_t)row->kind, .a = row->id,
	    .b = row->due.usec };
	const int64_t numbers[RECORD_JOB_ROWS][3] = {
		{ row->every, row->misfire, row->uid },
		{ row->terms.priority, row->terms.slots, row->terms.overlap },
		{ row->terms.overlap_limit, row->retrying, row->schedule != NULL },
	};
	const char *const texts[] = { row->schedule, row->terms.queue, row->terms.mutex };

	return flight_note_texts(l, FLIGHT_JOBS, &head, numbers, RECORD_JOB_ROWS, texts, 3);
}

void
recorder_terms(struct scheduler *s, int64_t job, int kind, int64_t uid, const struct queue_terms *terms)
{
	if (records(s) && window_get(&s->window, job) == NULL)
		(void)recorder_job(s->loop, &(struct due_row){ .id = job, .kind = kind, .uid = uid, .terms = *terms });
}

void
recorder_line(struct scheduler *s, const struct queue_row *row, bool told)
{
	const struct flight_cell head = { .what = FLIGHT_LINE, .a = row->slots, .b = row->paused.usec };
	const int64_t numbers[RECORD_LINE_ROWS][3] = { { row->rate, row->rate_usec, 0 } };
	const char *const name = row->name;
	uint64_t place = flight_note_texts(s->loop, FLIGHT_JOBS, &head, numbers, RECORD_LINE_ROWS, &name, 1);

	if (told)
		recorder_told(s, TOLD_QUEUE_SET, 0, 0, (int64_t)place);
}

void
recorder_clock(struct scheduler *s, usec_t now, usec_t before)
{
	if (!records(s))
		return;
	s->loop->flight->limits.since = s->since.usec;
	flight_note(s->loop, FLIGHT_DECISIONS, FLIGHT_CLOCK, 0, 0, now, before);
}

void
recorder_claim(struct scheduler *s, const struct op_claim *op, int kind)
{
	note(s, (struct flight_cell){ .what = op->queue ? FLIGHT_QUEUE : FLIGHT_CLAIM, .n = (uint16_t)kind, .a = op->job,
	    .b = op->run }, op->due.usec, op->next_due.usec, op->missed);
}

void
recorder_claimed(struct scheduler *s, const struct op_claim *op, int kind)
{
	note(s, (struct flight_cell){ .what = FLIGHT_CLAIMED, .n = (uint16_t)kind, .kind = (uint32_t)-op->op.result,
	    .a = op->job, .b = op->run }, op->due.usec, op->queue, op->full);
}

void
recorder_skip(struct scheduler *s, const struct op_skip *op)
{
	note(s, (struct flight_cell){ .what = FLIGHT_SKIP, .n = (uint16_t)op->cause, .a = op->job, .b = op->count },
	    op->first.usec, op->last.usec, op->next_due.usec);
}

void
recorder_skipped(struct scheduler *s, const struct op_skip *op)
{
	note(s, (struct flight_cell){ .what = FLIGHT_SKIPPED, .n = (uint16_t)op->cause,
	    .kind = (uint32_t)-op->op.result, .a = op->job, .b = op->count }, op->first.usec, 0, 0);
}

void
recorder_adopted(struct scheduler *s, const struct run_info *run)
{
	note(s, (struct flight_cell){ .what = FLIGHT_ADOPTED, .n = (uint16_t)run->kind, .a = run->job, .b = run->run },
	    run->started.usec, run->due.usec, run->attempt);
}

void
recorder_exit(struct scheduler *s, const struct run_info *run)
{
	flight_note(s->loop, FLIGHT_DECISIONS, FLIGHT_EXIT, (uint32_t)run->state, (uint32_t)run->exit_code, run->job,
	    run->run);
}

void
recorder_left(struct scheduler *s, const struct run_info *run)
{
	note(s, (struct flight_cell){ .what = FLIGHT_LEFT, .n = (uint16_t)run->state, .kind = (uint32_t)run->kind,
	    .a = run->job, .b = run->run }, run->retry_at.usec, run->started.usec, run->due.usec);
}

void
recorder_told(struct scheduler *s, enum flight_told what, int64_t job, int64_t run, int64_t due)
{
	note(s, (struct flight_cell){ .what = FLIGHT_TOLD, .n = (uint16_t)what, .a = job, .b = run }, due, 0, 0);
}

/* ---- what there is at the end: it may be read from a signal's handler ---- */

static bool
tell_line(struct flight_out *out, const struct line *line)
{
	const struct flight_cell numbers = { .what = FLIGHT_MORE, .more = { line->rate, line->rate_usec, 0 } };
	const size_t length = strlen(line->name) + 1;
	struct flight_cell head = { .what = FLIGHT_LINE, .a = line->slots_set, .b = line->paused.usec };
	struct flight_cell text;
	const size_t each = sizeof(text.text);

	head.cells = (uint8_t)(1 + RECORD_LINE_ROWS + (length + each - 1) / each);
	if (!flight_tell(out, &head) || !flight_tell(out, &numbers))
		return false;
	for (size_t at = 0; at < length; at += each) {
		text = (struct flight_cell){ .what = FLIGHT_MORE };
		for (size_t i = 0; i < each && at + i < length; i++)
			text.text[i] = line->name[at + i];
		if (!flight_tell(out, &text))
			return false;
	}
	return true;
}

static bool
tell_seats(struct flight_out *out, const struct line *line, int64_t now)
{
	for (const struct seat *seat = line->seats; seat != NULL; seat = seat->next)
		if (!flight_tell(out, &(struct flight_cell){ .what = FLIGHT_NOW_RUN, .cells = 1, .at = now,
		    .a = seat->job, .b = seat->run }))
			return false;
	return true;
}

static void
tell_present(void *context, struct flight_out *out)
{
	const struct scheduler *s = context;
	const struct lines *l = &s->queue.lines;
	size_t position = 0;
	const struct pending *p;

	if (instant_is_set(s->drained) && !flight_tell(out, &(struct flight_cell){ .what = FLIGHT_TOLD, .cells = 1,
	    .n = TOLD_DRAINED, .at = s->loop->now, .b = true }))
		return;
	for (const struct line *line = l->all; line != NULL; line = line->all_next) {
		if ((!line->removed && !tell_line(out, line)) || !tell_seats(out, line, s->loop->now))
			return;
	}
	for (int kind = 0; kind < KIND_COUNT; kind++)
		if (!tell_seats(out, &l->kinds[kind], s->loop->now))
			return;
	if (!tell_seats(out, &l->pinged, s->loop->now))
		return;
	while ((p = map_next(&s->window.map, &position)) != NULL)
		if (!flight_tell(out, &(struct flight_cell){ .what = FLIGHT_NOW_JOB, .cells = 1, .n = p->state,
		    .at = s->loop->now, .a = p->job, .b = p->due.usec }))
			return;
}

static struct flight_limits
limits_of(const struct scheduler *s, const struct scheduler_config *config)
{
	const struct lines *l = &s->queue.lines;
	struct flight_limits limits = {
		.slots_default = l->slots_standard, .slots_schedule = l->slots_schedule, .slots_named = l->slots_named,
		.window_jobs_max = config->window_jobs_max, .catch_ups = config->catch_ups,
	};

	static_assert(KIND_COUNT <= FLIGHT_KINDS, "there is room for all");
	for (int kind = 0; kind < KIND_COUNT; kind++)
		limits.running_max[kind] = config->running_max[kind];
	return limits;
}

void
recorder_begin(struct scheduler *s, const struct scheduler_config *config)
{
	struct flight *f = s->loop->flight;

	if (f == NULL)
		return;
	f->limits = limits_of(s, config);
	f->present = tell_present;
	f->context = s;
	s->window.recorded = s->loop;
}

void
recorder_limits(struct scheduler *s, const struct scheduler_config *config)
{
	struct flight *f = s->loop->flight;
	struct flight_limits now;

	if (f == NULL)
		return;
	now = limits_of(s, config);
	now.window_jobs_max = f->limits.window_jobs_max;
	now.since = f->limits.since;
	if (memcmp(&now, &f->limits, sizeof(now)) == 0)
		return;
	f->limits = now;
	recorder_told(s, TOLD_LIMITS, 0, 0, 0);
}

void
recorder_end(struct scheduler *s)
{
	if (records(s))
		s->loop->flight->present = NULL;
}
