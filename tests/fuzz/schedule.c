/*
 * Any text as a cron and as a calendar expression.  What is refused has a reason; what is
 * accepted comes at least once, and each next time matches, is greater, and is the same from
 * wherever before it one looks.
 */
#include <errno.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/scheduler/calendar.h"
#include "daemon/scheduler/cron.h"
#include "daemon/scheduler/pattern-say.h"
#include "proto/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) do {								\
	if (!(condition)) {								\
		fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);	\
		abort();								\
	}										\
} while (0)

#define SECOND_USEC	INT64_C(1000000)
#define CHAIN		20

static int64_t
civil_to_usec(const struct civil *c)
{
	return civil_to_wall(c) * SECOND_USEC + c->usec;
}

static struct civil
civil_of_usec(int64_t usec)
{
	int64_t wall = usec / SECOND_USEC, rest = usec % SECOND_USEC;
	struct civil c;

	if (rest < 0) {
		rest += SECOND_USEC;
		wall--;
	}
	c = civil_of_wall(wall);
	c.usec = (int)rest;
	return c;
}

static void
civil_must_be_valid(const struct civil *c)
{
	MUST(c->year >= PATTERN_YEAR_MIN && c->year <= PATTERN_YEAR_MAX);
	MUST(c->month >= 1 && c->month <= 12);
	MUST(c->day >= 1 && c->day <= civil_month_days(c->year, c->month));
	MUST(c->hour >= 0 && c->hour <= 23);
	MUST(c->minute >= 0 && c->minute <= 59);
	MUST(c->second >= 0 && c->second <= 59);
	MUST(c->usec >= 0 && c->usec < SECOND_USEC);
}

static void
chain_must_hold(const struct pattern *p, struct civil c)
{
	struct civil next, again;
	int64_t a, b;

	for (int i = 0; i < CHAIN && pattern_next(p, &c, &next); i++) {
		civil_must_be_valid(&next);
		a = civil_to_usec(&c);
		b = civil_to_usec(&next);
		MUST(b > a);
		MUST(pattern_matches(p, &next));
		again = civil_of_usec(b - 1);
		MUST(b - 1 == a || !pattern_matches(p, &again));
		MUST(pattern_next(p, &again, &again) && civil_to_usec(&again) == b);
		again = civil_of_usec(a + (b - a - 1) / 2);
		MUST(pattern_next(p, &again, &again) && civil_to_usec(&again) == b);
		c = next;
	}
}

/* It can be said, in printable words. */
static void
words_must_be_told(const struct pattern *p)
{
	char *words = pattern_say(p);

	MUST(strncmp(words, "at ", 3) == 0 || strncmp(words, "every ", 6) == 0);
	for (const char *at = words; *at != '\0'; at++)
		MUST(*at >= ' ' && *at <= '~');
	free(words);
}

static void
pattern_must_hold(const struct pattern *p)
{
	static const struct civil before = { .year = 1969, .month = 12, .day = 31 };
	static const struct civil leap = { .year = 2024, .month = 2, .day = 28, .hour = 23 };
	static const struct civil late = { .year = 2199, .month = 12, .day = 30, .hour = 22 };
	struct civil first;

	MUST(pattern_next(p, &before, &first));
	words_must_be_told(p);
	chain_must_hold(p, before);
	chain_must_hold(p, leap);
	chain_must_hold(p, late);
}

static void
error_must_be_told(const struct pattern_error *error, size_t length)
{
	const char *end = memchr(error->text, '\0', sizeof(error->text));

	MUST(end != NULL && end > error->text);
	MUST(error->at <= length);
	for (const char *at = error->text; at < end; at++)
		MUST(*at >= ' ' && *at <= '~');
}

static void
cron_must_hold(const char *text)
{
	struct pattern_error error;
	struct pattern *p = NULL;
	int r = cron_parse(text, &p, &error);

	MUST((r == 0) == (p != NULL));
	if (r == 0) {
		pattern_must_hold(p);
	} else {
		MUST(r == -EINVAL);
		error_must_be_told(&error, strlen(text));
	}
	pattern_free(p);
}

static void
calendar_must_hold(const char *text)
{
	char zone[CALENDAR_ZONE_SIZE];
	struct pattern_error error;
	struct pattern *p = NULL;
	int r = calendar_parse(text, &p, zone, &error);

	MUST((r == 0) == (p != NULL));
	if (r == 0) {
		pattern_must_hold(p);
		MUST(memchr(zone, '\0', sizeof(zone)) != NULL);
		MUST(zone[0] == '\0' || strcasestr(text, zone) != NULL);
	} else {
		MUST(r == -EINVAL);
		error_must_be_told(&error, strlen(text));
	}
	pattern_free(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A text of exactly this length shows a read beyond it. */
	size_t length = size > 0 ? strnlen((const char *)data, size) : 0;
	char *text = xmalloc(length + 1);

	if (length > 0)
		memcpy(text, data, length);
	text[length] = '\0';
	cron_must_hold(text);
	calendar_must_hold(text);
	free(text);
	return 0;
}
