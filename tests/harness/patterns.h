/*
 * patterns: what the tests of cron and calendar expressions share: an oracle that walks through
 * time step by step, and the talk with other implementations.
 */
#ifndef HARNESS_PATTERNS_H
#define HARNESS_PATTERNS_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/rand.h"
#include "daemon/scheduler/pattern.h"

/* Thousands instead of hundreds: JOBD_LONG is set. */
bool patterns_long(void);

/* A text that grows up to its size; more is a failure of the test. */
struct expression {
	char	 s[512];
	size_t	 n;
};
void expression_add(struct expression *e, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* From a to b, both inclusive. */
int rand_between(struct rand *r, int a, int b);

/* Microseconds on the wall, and back. */
int64_t civil_to_usec(const struct civil *c);
struct civil civil_of_usec(int64_t usec);

/* "2024-02-29 01:02:03.000004". */
#define CIVIL_TEXT_MAX 64
const char *civil_text(const struct civil *c, char out[CIVIL_TEXT_MAX]);
struct civil civil_read(const char *text);	/* seconds and decimals may be left out */

/*
 * Walks from one wall time to before another in steps that hit every match there may be, and
 * fails unless the search finds exactly what matches.  name is for the failure's text.
 */
struct walk {
	struct civil	 from;
	int64_t		 steps;
	int64_t		 step_usec;	/* divides a day */
};
void patterns_walk(const struct pattern *p, const struct walk *w, const char *name);

/* next is greater, monotone and matches, n times from a wall time on. */
void patterns_chain(const struct pattern *p, const struct civil *from, int n, const char *name);

/* Skips the test that calls it if there is no such program, and says so. */
void patterns_need(const char *program, const char *check);

#endif
