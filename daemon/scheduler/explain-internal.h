/*
 * explain-internal: between explain.c, which finds out what is to be told, and explain-say.c, which
 * tells it.
 */
#ifndef SCHEDULER_EXPLAIN_INTERNAL_H
#define SCHEDULER_EXPLAIN_INTERNAL_H

#include "daemon/scheduler/explain.h"
#include "proto/buf.h"

/* Later than this is worth a word. */
#define LATE_MIN	(100 * USEC_MSEC)

/* A run that was looked up, or NULL. */
const struct run_info *explain_find(const struct explain *e, int64_t run);

/* A link of the chain: its text, until and run may be set by the caller. */
struct cause_info *say(struct explain *e, enum cause cause, instant at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Of a run that goes on: that it is being canceled, since when and until when; nothing when it is not. */
void say_canceling(const struct explain *e, const struct run_info *r, struct buf *out);

/* How long, in two units at most and three digits or so. */
const char *took_print(usec_t d, char out[WHEN_TEXT_MAX]);
/* What is left until an instant: never more than there is, as status tells it, too. */
const char *left_print(usec_t d, char out[WHEN_TEXT_MAX]);

/* "12.3" */
#define RUN_NAME_MAX 48
const char *run_name(const struct explain *e, int64_t run, char out[RUN_NAME_MAX]);

/* A span in words; and whether it covers any of a range. */
void span_words(const struct span *s, struct buf *out);
bool span_touches(const struct span *s, instant from, instant to);

/* Does it hold a job back? */
static inline bool
span_holds(const struct span *s)
{
	return s->kind == SPAN_PAUSED || s->kind == SPAN_QUARANTINED;
}

/* What lasts and holds the job back, or NULL; quarantine before a pause. */
const struct span *explain_pause(const struct explain *e, instant at);

/*
 * Say what became, or is to become, of an occurrence: what follows "it" is appended to out, and the
 * links are added.
 */
void say_subject(struct explain *e, const struct subject *s, struct buf *out);

/* The same without the links. */
void brief_subject(struct explain *e, const struct subject *s, struct buf *out);

/* The same of one run: how it came to be, and ended. */
void say_run(struct explain *e, const struct run_info *r, struct buf *out);

/* When its first attempt was started. */
instant explain_begun(const struct run_info *r);

/* When a run by hand was asked for; and is that for a due in the past (backfill)? */
instant explain_asked(const struct run_info *r);
bool explain_makes_up(const struct run_info *r);

/* What a run waits for that is retrying: what follows "it". */
void say_retrying(struct explain *e, const struct run_info *r, struct buf *out);

/* Why what has come is not decided yet. */
void say_waits(struct explain *e, const struct subject *s, struct buf *out);

#endif
