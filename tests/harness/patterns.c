/* patterns: see patterns.h. */
#include "tests/harness/patterns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define SECOND_USEC	1000000
#define DAY_USEC	(INT64_C(86400) * SECOND_USEC)

bool
patterns_long(void)
{
	return getenv("JOBD_LONG") != NULL;
}

void
expression_add(struct expression *e, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(e->s + e->n, sizeof(e->s) - e->n, format, ap);
	va_end(ap);
	assert_true(n >= 0 && (size_t)n < sizeof(e->s) - e->n);
	e->n += (size_t)n;
}

int
rand_between(struct rand *r, int a, int b)
{
	return a + (int)rand_below(r, (uint64_t)(b - a + 1));
}

int64_t
civil_to_usec(const struct civil *c)
{
	return civil_to_wall(c) * SECOND_USEC + c->usec;
}

struct civil
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

const char *
civil_text(const struct civil *c, char out[CIVIL_TEXT_MAX])
{
	(void)snprintf(out, CIVIL_TEXT_MAX, "%04lld-%02d-%02d %02d:%02d:%02d.%06d",
	    (long long)c->year, c->month, c->day, c->hour, c->minute, c->second, c->usec);
	return out;
}

struct civil
civil_read(const char *text)
{
	struct civil c = { 0 };
	long long year = 0;
	double second = 0;
	int n = sscanf(text, "%lld-%d-%d %d:%d:%lf", &year, &c.month, &c.day, &c.hour, &c.minute,
	    &second);

	if (n < 3)
		fail_msg("no wall time: %s", text);
	c.year = year;
	c.second = (int)second;
	c.usec = (int)((second - c.second) * SECOND_USEC + 0.5);
	return c;
}

void
patterns_walk(const struct pattern *p, const struct walk *w, const char *name)
{
	int64_t at = civil_to_usec(&w->from), midnight = INT64_MIN;
	char text[CIVIL_TEXT_MAX];
	struct civil c = civil_of_usec(at - 1), expected;
	int64_t next = pattern_next(p, &c, &expected) ? civil_to_usec(&expected) : INT64_MAX;

	for (int64_t i = 0; i < w->steps; i++, at += w->step_usec) {
		if (at >= midnight) {
			c = civil_of_usec(at);
			midnight = at - at % DAY_USEC + DAY_USEC;
		} else {
			int64_t usec = at - (midnight - DAY_USEC);
			int second = (int)(usec / SECOND_USEC);

			c.hour = second / 3600;
			c.minute = second / 60 % 60;
			c.second = second % 60;
			c.usec = (int)(usec % SECOND_USEC);
		}
		if (pattern_matches(p, &c) != (at == next))
			fail_msg("%s: at %s it %s, the search says %s", name, civil_text(&c, text),
			    at == next ? "does not match" : "matches",
			    at == next ? "it does" : "not");
		if (at == next)
			next = pattern_next(p, &c, &expected) ? civil_to_usec(&expected) :
			    INT64_MAX;
		if (next <= at)
			fail_msg("%s: after %s there is none", name, civil_text(&c, text));
	}
}

void
patterns_chain(const struct pattern *p, const struct civil *from, int n, const char *name)
{
	char text[CIVIL_TEXT_MAX];
	struct civil c = *from, next, between, again;

	for (int i = 0; i < n && pattern_next(p, &c, &next); i++) {
		int64_t a = civil_to_usec(&c), b = civil_to_usec(&next);

		if (b <= a || !pattern_matches(p, &next))
			fail_msg("%s: wrong after %s", name, civil_text(&c, text));
		/* From anywhere between the two it is the same one. */
		between = civil_of_usec(a + (b - a - 1) / 2);
		if (!pattern_next(p, &between, &again) || civil_to_usec(&again) != b)
			fail_msg("%s: not the same from %s", name, civil_text(&between, text));
		c = next;
	}
}

void
patterns_need(const char *program, const char *check)
{
	if (system(check) == 0)
		return;
	printf("SKIP: no %s to compare with\n", program);
	(void)fflush(stdout);
	skip();
}
