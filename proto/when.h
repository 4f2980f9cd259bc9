/*
 * when: instants and durations, and their texts.  An instant (wall clock) and a
 * duration are different types, so that they cannot be mixed by accident.
 */
#ifndef PROTO_WHEN_H
#define PROTO_WHEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A duration, or a monotonic time, in microseconds. */
typedef int64_t usec_t;

#define USEC_MSEC	((usec_t)1000)
#define USEC_SEC	((usec_t)1000000)
#define USEC_MINUTE	(60 * USEC_SEC)
#define USEC_HOUR	(60 * USEC_MINUTE)
#define USEC_DAY	(24 * USEC_HOUR)
#define USEC_NEVER	INT64_MAX

/* The longest duration a user may give: 100 years. */
#define DURATION_MAX	(36525 * USEC_DAY)

/* An instant of the wall clock: microseconds since 1970-01-01T00:00:00Z; 0 means "none". */
typedef struct instant {
	int64_t usec;
} instant;

static inline bool
instant_is_set(instant i)
{
	return i.usec != 0;
}

static inline instant
instant_add(instant i, usec_t d)
{
	return (instant){ i.usec + d };
}

/* a - b. */
static inline usec_t
instant_since(instant a, instant b)
{
	return a.usec - b.usec;
}

/* Room for any text that this module writes. */
#define WHEN_TEXT_MAX 48

/* RFC 3339, UTC, six decimals: 2026-11-22T10:00:00.000000Z.  Returns out. */
const char *instant_print(instant i, char out[WHEN_TEXT_MAX]);

/*
 * RFC 3339 with Z or an offset, seconds and decimals optional on input
 * (2026-11-22T10:00Z, 2026-11-22 10:00:00.5+01:00), years 1970 to 9999.
 * 0, or -EINVAL.  The API takes only this form.
 */
int instant_parse(const char *text, instant *ret);

/*
 * What people type after --at: RFC 3339 as above, without an offset in the local zone
 * of the process; a date alone (its midnight); "HH:MM[:SS]" (today, or tomorrow when past);
 * "today", "tomorrow" and "yesterday", with HH:MM or without (midnight); "now", "+DURATION",
 * "-DURATION", "@EPOCHSECONDS".  now is the present instant.  0, or -EINVAL.
 */
int instant_parse_human(const char *text, instant now, instant *ret);

/*
 * Durations as people write them: "90", "90s", "1h30m", "1.5h", "250ms", "2d 4h",
 * "1w"; units us ms s m (also min) h d w; a bare number is seconds.
 * 0, -EINVAL, or -ERANGE beyond DURATION_MAX.  Never negative.
 */
int duration_parse(const char *text, usec_t *ret);

/* Two largest units at most, exact below a second: "1h30m", "2.5s", "250ms", "0s".  Returns out. */
const char *duration_print(usec_t d, char out[WHEN_TEXT_MAX]);

/*
 * The same, rounded to about three digits: how long something took or lasts, for people.  Whoever tells
 * that, on either end, tells it so, that one figure is one text.  Returns out.
 */
const char *duration_print_about(usec_t d, char out[WHEN_TEXT_MAX]);

/* Whole: "1d2h3m4s", not rounded, as it could be typed again.  The caller frees. */
char *duration_whole(usec_t d);

#endif
