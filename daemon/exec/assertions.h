/*
 * assertions: what a check expects of its answer, and what does not hold of it, in words.  No
 * clock, no socket: functions of their arguments.
 *
 *	bodyMatch, bodyNoMatch	a pattern of PCRE2
 *	headerMatch		Name: pattern
 *	jsonMatch		PATH, PATH=VALUE, PATH!=VALUE, PATH<NUMBER, PATH>NUMBER; PATH is member, .member
 *				and [index], "$." may lead; VALUE is JSON, or else text
 *	expectSize		100..1M, 100.., ..1M
 *	expectTime		PHASE<DURATION
 *
 * Patterns run on what strangers send, on the loop's thread: their work has a bound
 * (PATTERN_STEPS_MAX), and one that meets it does not hold.
 */
#ifndef EXEC_ASSERTIONS_H
#define EXEC_ASSERTIONS_H

#include "proto/types.h"

/* Of a body so much is looked at, and of one that failed so much is told. */
#define ANSWER_BODY_MAX		((size_t)128 * 1024)
#define ANSWER_EXCERPT_MAX	((size_t)2048)
#define PATTERN_BYTES_MAX	1024
/* Steps of the matcher, about 50 ns each. */
#define PATTERN_STEPS_MAX	500000

/* What came back. */
struct answer {
	int			 status;
	const struct strings	*headers;	/* "Name: value", of the last hop */
	const char		*body;		/* its first part; not ended by a NUL */
	size_t			 body_kept;
	int64_t			 body_bytes;	/* the whole */
	const struct phases	*times;
	int64_t			 cert_days, chain_days;	/* left; DAYS_NONE: there is no such */
	const char		*chain_name;	/* whose days are the fewest; or NULL */
};

#define DAYS_NONE	INT64_MIN

/*
 * Is what it expects well formed?  The spec has passed job_spec_check().  JOBD_OK; or JOBD_INVALID_FIELD with the
 * field's place ("jobs[3].http.bodyMatch[0]") and what is wrong; prefix is "jobs[3]" or "".
 */
enum jobd_error assertions_check(const struct http_spec *s, const char *prefix,
    struct field_error *error);

/* Does it need the body? Then ANSWER_BODY_MAX of it are to be kept. */
bool assertions_want_body(const struct http_spec *s);

/*
 * All that does not hold, "; " between, allocated; NULL: all holds.  *verdict is up, degraded (only times
 * and days do not hold) or down.
 */
char *assertions_judge(const struct http_spec *s, const struct answer *a, enum verdict *verdict);

#endif
