/*
 * zone: the time zones of the system's tzdata (TZif files, RFC 9636), any number of them in one
 * process; the C library has but one.  A zone is immutable; what is asked of it is pure.
 *
 * Times are seconds: utc is an instant, since 1970-01-01 00:00:00 UTC; wall is what a clock in
 * the zone shows, counted as proto/civil.h does.  Both are good for any year; from ZONE_REACH
 * on (36 billion years) they are taken as that.
 */
#ifndef SCHEDULER_ZONE_H
#define SCHEDULER_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest file that is read; tzdata's largest has 4 KiB. */
#define ZONE_FILE_MAX		((size_t)64 * 1024)

/* The longest name; tzdata's longest has 32 characters. */
#define ZONE_NAME_MAX		64

/* The longest abbreviation of a file: what the clock is called, as CEST. */
#define ZONE_ABBREVIATION_MAX	31

/* Offsets from UTC lie strictly between minus and plus this. */
#define ZONE_EAST_MAX		(26 * 3600)

#define ZONE_REACH		((int64_t)1 << 60)

/* Room for any error's text. */
#define ZONE_ERROR_MAX		256

struct zone;

/*
 * A zone from the bytes of a file; the name is only kept.  The caller frees it.  NULL: the
 * bytes are not whole and right, or know leap seconds; error says why, without the name.
 */
struct zone *zone_parse(const char *name, const void *bytes, size_t n, char error[ZONE_ERROR_MAX]);

/*
 * A zone from a file of the directory (NULL: $TZDIR, or else /usr/share/zoneinfo), for the
 * caller to free.  "UTC" needs no file.  NULL: errno says what is wrong and error says it in a
 * sentence.  ENOENT: there is no such zone, and up to three near names are offered, which costs
 * a walk through the directory; EINVAL: the name cannot be one (the directory is not left by
 * any); EBADMSG: the file is damaged or not a zone's; EFBIG: it is too large.
 */
struct zone *zone_load(const char *directory, const char *name, char error[ZONE_ERROR_MAX]);

void zone_free(struct zone *z);

const char *zone_name(const struct zone *z);

/* 1: the file on disk is not the one that was read; 0: it is, or none was read; -errno. */
int zone_stale(const struct zone *z);

/* What is in force: seconds east of UTC, and what the zone calls it.  Text is the zone's. */
struct zone_offset {
	int32_t		 east;
	bool		 dst;
	const char	*abbreviation;
};

struct zone_offset zone_offset_at(const struct zone *z, int64_t utc);

/* A change of the offset; one of the name or the dst flag alone is none. */
struct zone_change {
	int64_t	at;		/* the first second of what is after */
	int32_t	before, after;	/* seconds east of UTC */
};

/* The first change after utc, and the last one at or before it.  False: there is none. */
bool zone_next_change(const struct zone *z, int64_t utc, struct zone_change *ret);
bool zone_last_change(const struct zone *z, int64_t utc, struct zone_change *ret);

enum zone_wall {
	ZONE_ONCE,		/* it is one instant: first and last */
	ZONE_GAP,		/* it is skipped: both are the first change that skips it */
	ZONE_FOLD,		/* it is repeated: the first and the last instant of it */
};

/* What instants a wall second is. */
enum zone_wall zone_of_wall(const struct zone *z, int64_t wall, int64_t *ret_first,
    int64_t *ret_last);

#endif
