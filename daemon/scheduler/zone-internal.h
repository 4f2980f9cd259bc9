/*
 * zone-internal: what the files of zone share: zone.c (questions, files), zone-tzif.c (bytes
 * to a zone), zone-rule.c (the rule after the table), zone-name.c (names).
 */
#ifndef SCHEDULER_ZONE_INTERNAL_H
#define SCHEDULER_ZONE_INTERNAL_H

#include <sys/types.h>
#include <time.h>

#include "daemon/scheduler/zone.h"

/* No beginning, and no end. */
#define ZONE_EVER	INT64_MIN
#define ZONE_NEVER	INT64_MAX

/* A stretch of time in which nothing changes: start <= t < end. */
struct zone_segment {
	int64_t				 start, end;
	const struct zone_offset	*offset;
	bool				 steady;	/* no change of the offset follows */
};

/*
 * What holds after the table: a POSIX TZ string, unrolled over the 400 years after which the
 * calendar repeats itself to the weekday.  Flips are the seconds in this cycle at which
 * standard and summer time take turns; in most zones there are 800, or none.
 */
struct zone_rule {
	struct zone_offset	 standard, summer;
	char			 names[2][ZONE_ABBREVIATION_MAX + 1];
	int64_t			*flips;
	size_t			 flips_n;
	bool			 summer_first;	/* summer is in force before the first flip */
};

/*
 * Reads the whole text.  *ret, which must not move afterwards, is to be done whatever comes.
 * 0, or -EINVAL with the place of the first wrong byte.
 */
int zone_rule_parse(struct zone_rule *ret, const char *text, size_t n, size_t *ret_wrong);
void zone_rule_done(struct zone_rule *rule);
struct zone_segment zone_rule_at(const struct zone_rule *rule, int64_t utc);

struct zone {
	char			*name;
	/* the table: from at[i] on types[type[i]] is in force, before at[0] types[0] */
	size_t			 n;
	int64_t			*at;
	uint8_t			*type;
	struct zone_offset	*types;
	char			*abbreviations;
	/* from the last of the table on */
	bool			 has_rule;
	struct zone_rule	 rule;
	/* the file that was read; path NULL: none */
	char			*path;
	dev_t			 dev;
	ino_t			 ino;
	off_t			 size;
	struct timespec		 mtime;
};

/* Is it a zone's name?  No name that is can lead out of the directory. */
bool zone_name_valid(const char *name);

/* The error for a name without a zone, with the near names of the directory. */
void zone_name_unknown(const char *directory, const char *name, char error[ZONE_ERROR_MAX]);

/* The name as it may be printed: cut, and other than plain ASCII replaced. */
void zone_name_print(const char *name, char out[ZONE_NAME_MAX + 1]);

#endif
