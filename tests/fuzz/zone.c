/*
 * Any bytes as a zone's file, and as the rule of a good one.  What is taken answers, and its
 * answers fit each other.
 */
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/scheduler/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) do {								\
	if (!(condition)) {								\
		fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);	\
		abort();								\
	}										\
} while (0)

/* As many changes of a hostile table are followed, no more. */
#define CHANGES_MAX	20

#define HEADER_SIZE	44
#define BODY_SIZE	((size_t)6 + 4)

/* Version 2 without a table, up to its rule: two headers, the type, its name, a newline. */
#define PLAIN_SIZE	(2 * HEADER_SIZE + BODY_SIZE + 1)

static void
plain_write(uint8_t *out)
{
	memset(out, 0, PLAIN_SIZE);
	memcpy(out, "TZif2", 5);
	memcpy(out + HEADER_SIZE, "TZif2", 5);
	out[HEADER_SIZE + 39] = 1;
	out[HEADER_SIZE + 43] = 4;
	memcpy(out + PLAIN_SIZE - 5, "UTC\0\n", 5);
}

static void
wall_must_come_back(const struct zone *z, int64_t utc)
{
	struct zone_offset o = zone_offset_at(z, utc);
	int64_t first, last;
	enum zone_wall what = zone_of_wall(z, utc + o.east, &first, &last);

	MUST(o.east > -ZONE_EAST_MAX && o.east < ZONE_EAST_MAX);
	MUST(o.abbreviation[0] != '\0');
	MUST(strlen(o.abbreviation) <= ZONE_ABBREVIATION_MAX);
	MUST(what != ZONE_GAP && first <= utc && utc <= last);
	MUST((what == ZONE_ONCE) == (first == last));
	MUST(first + zone_offset_at(z, first).east == utc + o.east);
	MUST(last + zone_offset_at(z, last).east == utc + o.east);
}

static void
zone_must_hold(const void *bytes, size_t size)
{
	char error[ZONE_ERROR_MAX] = "";
	struct zone *z = zone_parse("fuzz", bytes, size, error);
	struct zone_change c, d;
	int64_t t = INT64_MIN;

	MUST((z == NULL) == (error[0] != '\0'));
	if (z == NULL)
		return;
	for (int i = 0; i < CHANGES_MAX && zone_next_change(z, t, &c); i++) {
		MUST(c.at > t && c.before != c.after);
		MUST(zone_offset_at(z, c.at - 1).east == c.before);
		MUST(zone_last_change(z, c.at, &d) && d.at == c.at && d.before == c.before);
		wall_must_come_back(z, c.at);
		wall_must_come_back(z, c.at - 1);
		t = i == CHANGES_MAX / 2 ? (int64_t)1 << 32 : c.at;
	}
	for (t = -((int64_t)1 << 33); t < (int64_t)1 << 33; t += (int64_t)1 << 28)
		wall_must_come_back(z, t);
	zone_free(z);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *whole;

	zone_must_hold(data, size);
	whole = malloc(PLAIN_SIZE + size + 1);
	MUST(whole != NULL);
	plain_write(whole);
	memcpy(whole + PLAIN_SIZE, data, size);
	whole[PLAIN_SIZE + size] = '\n';
	zone_must_hold(whole, PLAIN_SIZE + size + 1);
	free(whole);
	return 0;
}
