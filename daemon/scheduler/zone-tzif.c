/*
 * zone-tzif: a TZif file's bytes (RFC 9636) to a zone.  The bytes may be anyone's: each count
 * and index is checked before it is used, the file's size bounds all of them, and what cannot
 * be told from a good file only by its sense (offsets, names) is bounded as well.
 *
 * A file of version 2 and later is two blocks and a footer: a block with times of four bytes
 * for old readers, which is skipped; the same again with eight; the rule between newlines.
 */
#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/scheduler/zone-internal.h"
#include "proto/mem.h"

#define HEADER_SIZE	44
#define TYPE_SIZE	6
#define TYPES_MAX	256

/* Times before and after this are not a zone's; tzdata's "since ever" is the first of them. */
#define AT_MAX		((int64_t)1 << 59)

/* A block's counts, as in its header, and the size of its times. */
struct tzif_block {
	char		 version;
	uint32_t	 ut_n, standard_n, leaps_n, times_n, types_n, chars_n;
	size_t		 time_size;
};

/* What is left to be read, and where errors go. */
struct tzif {
	const uint8_t	*at, *end;
	char		*error;
};

static bool __attribute__((format(printf, 2, 3)))
wrong(struct tzif *f, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(f->error, ZONE_ERROR_MAX, format, ap);
	va_end(ap);
	return false;
}

static uint32_t
get_u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static int64_t
get_time(const uint8_t *p, size_t size)
{
	uint64_t v;

	if (size == 4)
		return (int32_t)get_u32(p);
	memcpy(&v, p, sizeof(v));
	return (int64_t)be64toh(v);
}

static size_t
left(const struct tzif *f)
{
	return (size_t)(f->end - f->at);
}

static bool
read_header(struct tzif *f, struct tzif_block *ret)
{
	const uint8_t *p = f->at;

	if (left(f) < HEADER_SIZE || memcmp(p, "TZif", 4) != 0)
		return wrong(f, "it is not a TZif file, or cut off");
	if (p[4] != '\0' && (p[4] < '2' || p[4] > '4'))
		return wrong(f, "its version 0x%02x is not known", p[4]);
	*ret = (struct tzif_block){
		.version = (char)p[4],
		.ut_n = get_u32(p + 20),
		.standard_n = get_u32(p + 24),
		.leaps_n = get_u32(p + 28),
		.times_n = get_u32(p + 32),
		.types_n = get_u32(p + 36),
		.chars_n = get_u32(p + 40),
		.time_size = 4,
	};
	f->at += HEADER_SIZE;
	return true;
}

/* No sum of products of counts of 32 bits overflows one of 64. */
static uint64_t
block_size(const struct tzif_block *b)
{
	return (uint64_t)b->times_n * (b->time_size + 1) + (uint64_t)b->types_n * TYPE_SIZE +
	    b->chars_n + (uint64_t)b->leaps_n * (b->time_size + 4) + b->standard_n + b->ut_n;
}

static bool
check_counts(struct tzif *f, const struct tzif_block *b)
{
	if (b->types_n == 0 || b->types_n > TYPES_MAX || b->chars_n == 0)
		return wrong(f, "it has %u types and %u characters", b->types_n, b->chars_n);
	if ((b->ut_n != 0 && b->ut_n != b->types_n) ||
	    (b->standard_n != 0 && b->standard_n != b->types_n))
		return wrong(f, "its counts of indicators and types do not match");
	/* Its instants would not be seconds of UTC. */
	if (b->leaps_n != 0)
		return wrong(f, "it counts leap seconds, as those of right/ do");
	if (block_size(b) > left(f))
		return wrong(f, "it is cut off");
	return true;
}

static bool
abbreviation_valid(const char *s)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789+-";
	size_t n = strspn(s, allowed);

	return n > 0 && n <= ZONE_ABBREVIATION_MAX && s[n] == '\0';
}

static bool
read_times(struct tzif *f, const struct tzif_block *b, struct zone *z)
{
	const uint8_t *types = f->at + b->times_n * b->time_size;

	z->n = b->times_n;
	z->at = xcalloc(z->n + 1, sizeof(*z->at));
	z->type = xcalloc(z->n + 1, sizeof(*z->type));
	for (size_t i = 0; i < z->n; i++) {
		z->at[i] = get_time(f->at + i * b->time_size, b->time_size);
		z->type[i] = types[i];
		if (z->at[i] < -AT_MAX || z->at[i] > AT_MAX)
			return wrong(f, "its time %zu is out of range", i);
		if (i > 0 && z->at[i] <= z->at[i - 1])
			return wrong(f, "its time %zu is not after the one before", i);
		if (z->type[i] >= b->types_n)
			return wrong(f, "its time %zu is of type %d, and there is none", i,
			    z->type[i]);
	}
	f->at = types + z->n;
	return true;
}

static bool
read_types(struct tzif *f, const struct tzif_block *b, struct zone *z)
{
	const uint8_t *p = f->at, *chars = p + b->types_n * TYPE_SIZE;
	struct zone_offset *type;
	int32_t east;

	z->types = xcalloc(b->types_n, sizeof(*z->types));
	z->abbreviations = xmalloc((size_t)b->chars_n + 1);
	memcpy(z->abbreviations, chars, b->chars_n);
	z->abbreviations[b->chars_n] = '\0';
	for (uint32_t i = 0; i < b->types_n; i++, p += TYPE_SIZE) {
		type = &z->types[i];
		east = (int32_t)get_u32(p);
		if (east <= -ZONE_EAST_MAX || east >= ZONE_EAST_MAX)
			return wrong(f, "its type %u is %d s from UTC", i, east);
		if (p[4] > 1 || p[5] >= b->chars_n)
			return wrong(f, "its type %u is damaged", i);
		*type = (struct zone_offset){ east, p[4] == 1, z->abbreviations + p[5] };
		if (!abbreviation_valid(type->abbreviation))
			return wrong(f, "its type %u has no proper abbreviation", i);
	}
	f->at = chars + b->chars_n + b->standard_n + b->ut_n;
	return true;
}

/* All that is left: a newline, the rule or nothing, a newline. */
static bool
read_footer(struct tzif *f, struct zone *z)
{
	const char *text = (const char *)f->at + 1;
	size_t n, place;

	if (left(f) < 2 || f->at[0] != '\n' || f->end[-1] != '\n')
		return wrong(f, "its footer is cut off or damaged");
	n = left(f) - 2;
	if (n == 0)
		return true;
	if (zone_rule_parse(&z->rule, text, n, &place) < 0)
		return wrong(f, "its footer's rule is wrong at byte %zu", place);
	z->has_rule = true;
	return true;
}

static bool
read_zone(struct tzif *f, struct zone *z)
{
	struct tzif_block b;

	if (!read_header(f, &b))
		return false;
	if (b.version != '\0') {
		if (block_size(&b) > left(f))
			return wrong(f, "it is cut off");
		f->at += block_size(&b);
		if (!read_header(f, &b))
			return false;
		if (b.version == '\0')
			return wrong(f, "its two headers differ");
		b.time_size = 8;
	}
	if (!check_counts(f, &b) || !read_times(f, &b, z) || !read_types(f, &b, z))
		return false;
	return b.version == '\0' || read_footer(f, z);
}

struct zone *
zone_parse(const char *name, const void *bytes, size_t n, char error[ZONE_ERROR_MAX])
{
	struct tzif f = { .error = error };
	struct zone *z;

	if (n > ZONE_FILE_MAX) {
		(void)wrong(&f, "it is larger than %zu bytes", ZONE_FILE_MAX);
		return NULL;
	}
	f.at = bytes;
	f.end = f.at + n;
	z = xcalloc(1, sizeof(*z));
	z->name = xstrdup(name);
	if (read_zone(&f, z))
		return z;
	zone_free(z);
	return NULL;
}
