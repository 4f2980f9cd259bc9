/*
 * pattern-internal: what a pattern is made of, for the two parsers, and for what says it in
 * words (pattern-say.h).
 */
#ifndef SCHEDULER_PATTERN_INTERNAL_H
#define SCHEDULER_PATTERN_INTERNAL_H

#include <stdint.h>

#include "daemon/scheduler/pattern.h"

#define SECOND_USEC	1000000
#define MINUTE_USEC	(60 * SECOND_USEC)
#define PATTERN_YEARS	(PATTERN_YEAR_MAX - PATTERN_YEAR_MIN + 1)

/* Every value of a field of bits. */
#define PATTERN_SECONDS	((UINT64_C(1) << 60) - 1)
#define PATTERN_MINUTES	PATTERN_SECONDS
#define PATTERN_HOURS	((UINT64_C(1) << 24) - 1)
#define PATTERN_DAYS	((UINT64_C(1) << 32) - 2)
#define PATTERN_MONTHS	((UINT64_C(1) << 13) - 2)
#define PATTERN_WEEKDAYS ((UINT64_C(1) << 7) - 1)

/* Microseconds within a minute: first, first + step, ... up to last. */
struct pattern_fraction {
	int32_t	 first, last, step;
};

/* Bit n of a field of bits stands for n itself, unless told otherwise. */
struct pattern {
	uint64_t		 seconds;	/* whole ones */
	uint64_t		 minutes;
	uint64_t		 years[(PATTERN_YEARS + 63) / 64];	/* from the first one on */
	uint32_t		 hours;
	/*
	 * Four day rules; those of a pair are alternatives.  Counted from the start of the
	 * month, or from its end (1 is the last day).
	 */
	uint32_t		 days, days_last;
	/* The Monday-to-Friday nearest to a day of the month; bit 0: to its last day. */
	uint32_t		 days_near;
	uint16_t		 months;
	uint8_t			 weekdays;	/* 0 is Sunday */
	/* Of each weekday, which ones of the month; bit 0: its last. */
	uint8_t			 weekdays_nth[7];
	bool			 nth : 1;	/* one of them is set */
	/* Either the day of the month matches or the weekday; else both have to. */
	bool			 either : 1;
	bool			 fixed : 1;
	uint16_t		 fractions_n;
	struct pattern_fraction	*fractions;
};

/* "January" first; "Sunday" first. */
extern const char *const pattern_months[];
extern const char *const pattern_weekdays[];

/* What follows the digits of a number, as in 30th. */
const char *pattern_ordinal(int n);

/* One that has every day of every year, and no time of day. */
struct pattern *pattern_new(void);

/* The year is within the bounds. */
void pattern_year_set(struct pattern *p, int64_t year);

void pattern_fraction_add(struct pattern *p, const struct pattern_fraction *f);

/* Does it match at all, ever?  0; or -EINVAL, and the error says in words why not. */
int pattern_check_comes(const struct pattern *p, struct pattern_error *error);

/* Fills the error, and returns -EINVAL. */
int pattern_fail(struct pattern_error *error, size_t at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A part of an expression for an error: shortened, and printable whatever it is.  Returns out. */
#define PATTERN_QUOTE_MAX 32
const char *pattern_quote(const char *text, size_t length, char out[PATTERN_QUOTE_MAX]);

/*
 * The digits at *text as a number, *text after them; there is at least one.  One above
 * PATTERN_NUMBER_MAX is returned as that plus 1: it is out of range for every field.
 */
#define PATTERN_NUMBER_MAX 99999
int pattern_number_take(const char **text);

#endif
