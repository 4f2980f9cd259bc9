/*
 * assertions: see assertions.h.  What is told of an answer is cleaned: it came from a stranger.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "daemon/exec/assertions.h"

#include <inttypes.h>
#include <pcre2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proto/buf.h"
#include "proto/json.h"
#include "proto/mem.h"

/* Of a text that does not hold, so much is told. */
#define TOLD_MAX	80
/* Memory of the matcher, in KiB, and how deep it goes. */
#define MATCH_HEAP_MAX	1024
#define MATCH_DEPTH_MAX	1000

/* ---- what is told ---- */

/* "the first part of it..." in quotes; control characters are dots. */
static char *
told(const char *text, size_t n)
{
	struct buf out = { 0 };
	size_t shown = n < TOLD_MAX ? n : TOLD_MAX;

	/* No half character. */
	while (shown > 0 && shown < n && ((unsigned char)text[shown] & 0xc0) == 0x80)
		shown--;
	buf_puts(&out, "\"");
	for (size_t i = 0; i < shown; i++) {
		char c = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? '.' : text[i];

		buf_append(&out, &c, 1);
	}
	buf_puts(&out, shown < n ? "...\"" : "\"");
	if (!utf8_valid(buf_string(&out), buf_len(&out))) {
		buf_reset(&out);
		buf_puts(&out, "something that is not UTF-8");
	}
	return buf_steal(&out);
}

/* The failures so far. */
struct findings {
	struct buf	 text;
	enum verdict	 verdict;
};

static void __attribute__((format(printf, 3, 4)))
find(struct findings *f, enum verdict verdict, const char *format, ...)
{
	va_list ap;

	if (buf_len(&f->text) > 0)
		buf_puts(&f->text, "; ");
	va_start(ap, format);
	buf_vprintf(&f->text, format, ap);
	va_end(ap);
	if (f->verdict != VERDICT_DOWN)
		f->verdict = verdict;
}

/* ---- patterns ---- */

/* NULL and why, when it is none. */
static pcre2_code *
compile(const char *pattern, char why[128])
{
	PCRE2_SIZE at;
	pcre2_code *code;
	PCRE2_UCHAR words[96];
	int error;

	code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
	    PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error, &at, NULL);
	if (code == NULL) {
		(void)pcre2_get_error_message(error, words, sizeof(words));
		(void)snprintf(why, 128, "%s (at character %zu)", (const char *)words, at + 1);
	}
	return code;
}

struct match {
	bool	matches, too_hard;
	size_t	begin, end;	/* of what matches */
};

static struct match
match(const char *pattern, const char *text, size_t n)
{
	struct match m = { 0 };
	char why[128];
	pcre2_code *code = compile(pattern, why);
	pcre2_match_context *limits = pcre2_match_context_create(NULL);
	pcre2_match_data *data = code != NULL ?
	    pcre2_match_data_create_from_pattern(code, NULL) : NULL;
	int r = PCRE2_ERROR_NOMEMORY;

	if (limits != NULL && data != NULL) {
		pcre2_set_match_limit(limits, PATTERN_STEPS_MAX);
		pcre2_set_depth_limit(limits, MATCH_DEPTH_MAX);
		pcre2_set_heap_limit(limits, MATCH_HEAP_MAX);
		r = pcre2_match(code, (PCRE2_SPTR)(text != NULL ? text : ""), n, 0, 0, data, limits);
	}
	m.matches = r >= 0;
	m.too_hard = r < 0 && r != PCRE2_ERROR_NOMATCH;
	if (m.matches) {
		m.begin = pcre2_get_ovector_pointer(data)[0];
		m.end = pcre2_get_ovector_pointer(data)[1];
		/* \K may put the beginning behind the end. */
		if (m.begin > m.end)
			m.begin = m.end;
	}
	pcre2_match_data_free(data);
	pcre2_match_context_free(limits);
	pcre2_code_free(code);
	return m;
}

/* ---- a body ---- */

static void
judge_body(const struct http_spec *s, const struct answer *a, struct findings *f)
{
	const char *part = a->body_bytes > (int64_t)a->body_kept ? "the beginning of " : "";
	struct match m;
	char *text;

	for (size_t i = 0; i < s->body_match.n; i++) {
		m = match(s->body_match.items[i], a->body, a->body_kept);
		if (m.matches)
			continue;
		text = told(a->body, a->body_kept);
		find(f, VERDICT_DOWN, "%sthe body %s /%s/: it is %s", part,
		    m.too_hard ? "takes too long to match with" : "does not match",
		    s->body_match.items[i], text);
		free(text);
	}
	for (size_t i = 0; i < s->body_no_match.n; i++) {
		m = match(s->body_no_match.items[i], a->body, a->body_kept);
		if (!m.matches && !m.too_hard)
			continue;
		text = told(a->body + m.begin, m.end - m.begin);
		find(f, VERDICT_DOWN, "%sthe body %s /%s/%s%s", part,
		    m.too_hard ? "takes too long to match with" : "must not match",
		    s->body_no_match.items[i], m.too_hard ? "" : ": it has ", m.too_hard ? "" : text);
		free(text);
	}
}

/* ---- headers ---- */

/* The value of header i if it has that name, else NULL. */
static const char *
header_value(const char *header, const char *name, size_t n)
{
	if (strncasecmp(header, name, n) != 0 || header[n] != ':')
		return NULL;
	header += n + 1;
	return header + strspn(header, " \t");
}

static void
judge_header(const char *expected, const struct answer *a, struct findings *f)
{
	size_t n = strcspn(expected, ":");
	const char *pattern = expected + n + 1, *value, *seen = NULL;
	char *text;

	pattern += strspn(pattern, " \t");
	for (size_t i = 0; i < a->headers->n; i++) {
		value = header_value(a->headers->items[i], expected, n);
		if (value == NULL)
			continue;
		seen = value;
		if (match(pattern, value, strlen(value)).matches)
			return;
	}
	if (seen == NULL) {
		find(f, VERDICT_DOWN, "there is no header %.*s", (int)n, expected);
		return;
	}
	text = told(seen, strlen(seen));
	find(f, VERDICT_DOWN, "the header %.*s is %s, expected /%s/", (int)n, expected, text, pattern);
	free(text);
}

/* ---- JSON ---- */

struct json_test {
	char		*path;
	const char	*operator;	/* "", "=", "!=", "<", ">" */
	const char	*value;
};

/* "status.db=ok" taken apart.  The caller frees path. */
static struct json_test
json_test_read(const char *text)
{
	size_t n = strcspn(text, "=!<>");
	struct json_test t = { xstrndup(text, n), "", text + n };

	if (text[n] == '!' && text[n + 1] == '=')
		t = (struct json_test){ t.path, "!=", text + n + 2 };
	else if (text[n] == '=')
		t = (struct json_test){ t.path, "=", text + n + 1 };
	else if (text[n] == '<' || text[n] == '>')
		t = (struct json_test){ t.path, text[n] == '<' ? "<" : ">", text + n + 1 };
	else if (text[n] != '\0')
		t.operator = NULL;
	return t;
}

/* One step of a path, after it *p.  False: it is none.  index -1: a member. */
static bool
path_step(const char **p, bool first, const char **name, size_t *n, long *index)
{
	const char *s = *p;
	char *end;

	*index = -1;
	if (*s == '[') {
		*index = strtol(s + 1, &end, 10);
		if (end == s + 1 || *end != ']' || *index < 0 || s[1] < '0' || s[1] > '9')
			return false;
		*p = end + 1;
		return true;
	}
	if (*s == '.')
		s++;
	else if (!first)
		return false;
	*name = s;
	*n = strcspn(s, ".[");
	*p = s + *n;
	return *n > 0;
}

static const char *
path_begin(const char *path)
{
	if (path[0] == '$' && (path[1] == '.' || path[1] == '[' || path[1] == '\0'))
		return path + 1;
	return path;
}

static bool
path_valid(const char *path)
{
	const char *p = path_begin(path), *begin = p, *name;
	size_t n;
	long index;

	while (*p != '\0') {
		if (!path_step(&p, p == begin, &name, &n, &index))
			return false;
	}
	return path[0] != '\0';
}

/* What is there, or NULL. */
static const struct cJSON *
path_follow(const struct cJSON *value, const char *path)
{
	const char *p = path_begin(path), *begin = p, *name;
	char *member;
	size_t n;
	long index;

	while (*p != '\0' && value != NULL) {
		if (!path_step(&p, p == begin, &name, &n, &index))
			return NULL;
		if (index >= 0) {
			value = json_at(value, (size_t)index);
			continue;
		}
		member = xstrndup(name, n);
		value = json_get(value, member);
		free(member);
	}
	return value;
}

static bool
is_number(const char *text, double *ret)
{
	char *end;

	*ret = strtod(text, &end);
	return end > text && *end == '\0';
}

/* actual is JSON as printed; what is expected is that, or the text of a string. */
static bool
value_equals(const char *actual, const char *expected)
{
	struct cJSON *as_text;
	double x, y;
	char *printed;
	bool same = strcmp(actual, expected) == 0;

	if (!same && is_number(actual, &x) && is_number(expected, &y))
		same = x == y;
	if (!same && actual[0] == '"') {
		as_text = json_string(expected);
		printed = json_print(as_text);
		same = strcmp(actual, printed) == 0;
		free(printed);
		json_free(as_text);
	}
	return same;
}

static bool
value_holds(const struct json_test *t, const char *actual)
{
	double x, y;

	if (t->operator[0] == '\0')
		return true;
	if (strcmp(t->operator, "=") == 0)
		return value_equals(actual, t->value);
	if (strcmp(t->operator, "!=") == 0)
		return !value_equals(actual, t->value);
	if (!is_number(actual, &x) || !is_number(t->value, &y))
		return false;
	return t->operator[0] == '<' ? x < y : x > y;
}

static void
judge_json_value(const struct cJSON *body, const char *expected, struct findings *f)
{
	struct json_test t = json_test_read(expected);
	const struct cJSON *value = path_follow(body, t.path);
	char *actual = value != NULL ? json_print(value) : NULL, *text;

	if (actual == NULL) {
		find(f, VERDICT_DOWN, "the JSON has no %s", t.path);
	} else if (!value_holds(&t, actual)) {
		text = told(actual, strlen(actual));
		find(f, VERDICT_DOWN, "in the JSON %s is %s, expected %s", t.path,
		    /* A string is in quotes already. */
		    actual[0] == '"' && strlen(actual) <= TOLD_MAX ? actual : text,
		    expected + strlen(t.path));
		free(text);
	}
	free(actual);
	free(t.path);
}

static void
judge_json(const struct http_spec *s, const struct answer *a, struct findings *f)
{
	const char *why = "it is longer than what is looked at";
	struct cJSON *body = NULL;
	char *text;

	if (s->json_match.n == 0)
		return;
	if (a->body_bytes == (int64_t)a->body_kept)
		body = json_parse(a->body != NULL ? a->body : "", a->body_kept, &why);
	if (body == NULL) {
		text = told(a->body, a->body_kept);
		find(f, VERDICT_DOWN, "the body is not JSON (%s): it is %s", why, text);
		free(text);
		return;
	}
	for (size_t i = 0; i < s->json_match.n; i++)
		judge_json_value(body, s->json_match.items[i], f);
	json_free(body);
}

/* ---- size, times and days ---- */

/* A number of bytes with its unit at *p.  False: there is none. */
static bool
size_take(const char **p, int64_t *ret)
{
	static const char units[] = "KMG";
	const char *unit;
	char *end;
	long long n;

	if (**p < '0' || **p > '9')
		return false;
	n = strtoll(*p, &end, 10);
	unit = *end != '\0' ? strchr(units, *end) : NULL;
	if (n > ((int64_t)1 << 40))
		return false;
	*ret = n;
	if (unit != NULL) {
		*ret <<= 10 * (unit - units + 1);
		end++;
	}
	*p = end;
	return true;
}

static bool
size_read(const char *text, int64_t *from, int64_t *to)
{
	*from = 0;
	*to = INT64_MAX;
	if (strncmp(text, "..", 2) != 0 && !size_take(&text, from))
		return false;
	if (strncmp(text, "..", 2) != 0)
		return false;
	text += 2;
	if (*text != '\0' && !size_take(&text, to))
		return false;
	return *text == '\0' && *from <= *to && (*from > 0 || *to < INT64_MAX);
}

static void
judge_size(const struct http_spec *s, const struct answer *a, struct findings *f)
{
	int64_t from, to;

	if (s->expect_size == NULL || !size_read(s->expect_size, &from, &to))
		return;
	if (a->body_bytes < from || a->body_bytes > to)
		find(f, VERDICT_DOWN, "the body has %" PRId64 " bytes, expected %s", a->body_bytes,
		    s->expect_size);
}

/* "total<2s": the row of phases_fields and the limit.  NULL: it is none. */
static const struct field *
time_read(const char *text, usec_t *limit)
{
	size_t n = strcspn(text, "<");
	const struct field *row;

	if (text[n] != '<' || duration_parse(text + n + 1, limit) < 0 || *limit <= 0)
		return NULL;
	for (row = phases_fields; row->type != FIELD_END; row++) {
		/* The wire's name has the unit after it: totalUSec. */
		if (strncmp(row->name, text, n) == 0 && strcmp(row->name + n, "USec") == 0)
			return row;
	}
	return NULL;
}

static void
judge_times(const struct http_spec *s, const struct answer *a, struct findings *f)
{
	char took[WHEN_TEXT_MAX];
	const struct field *row;
	usec_t limit, time;
	const char *text;

	for (size_t i = 0; i < s->expect_time.n; i++) {
		text = s->expect_time.items[i];
		row = time_read(text, &limit);
		if (row == NULL)
			continue;
		memcpy(&time, (const char *)a->times + row->offset, sizeof(time));
		if (time < limit)
			continue;
		duration_print(time, took);
		find(f, VERDICT_DEGRADED, "%.*s took %s, expected less than %s",
		    (int)strcspn(text, "<"), text, took, text + strcspn(text, "<") + 1);
	}
}

static void
judge_days(int64_t days, int64_t wanted, const char *whose, const char *name, struct findings *f)
{
	if (wanted <= 0 || days >= wanted)
		return;
	if (days == DAYS_NONE)
		find(f, VERDICT_DEGRADED, "nothing is known of how long %s holds", whose);
	else if (days < 0)
		find(f, VERDICT_DEGRADED, "%s has expired%s%s", whose, name != NULL ? ": " : "",
		    name != NULL ? name : "");
	else
		find(f, VERDICT_DEGRADED, "%s expires in %" PRId64 " day%s%s%s%s, expected at least %"
		    PRId64, whose, days, days == 1 ? "" : "s", name != NULL ? " (" : "",
		    name != NULL ? name : "", name != NULL ? ")" : "", wanted);
}

/* ---- the whole ---- */

bool
assertions_want_body(const struct http_spec *s)
{
	return s->body_match.n > 0 || s->body_no_match.n > 0 || s->json_match.n > 0;
}

char *
assertions_judge(const struct http_spec *s, const struct answer *a, enum verdict *verdict)
{
	const char *expect = s->expect != NULL ? s->expect : "200-299";
	struct findings f = { .verdict = VERDICT_UP };

	if (!status_set_has(expect, a->status))
		find(&f, VERDICT_DOWN, "status %d, expected %s", a->status, expect);
	for (size_t i = 0; i < s->header_match.n; i++)
		judge_header(s->header_match.items[i], a, &f);
	judge_body(s, a, &f);
	judge_json(s, a, &f);
	judge_size(s, a, &f);
	judge_times(s, a, &f);
	judge_days(a->cert_days, s->cert_days, "the certificate", NULL, &f);
	judge_days(a->chain_days, s->chain_days, "its chain", a->chain_name, &f);
	*verdict = f.verdict;
	if (buf_len(&f.text) > 0)
		return buf_steal(&f.text);
	buf_done(&f.text);
	return NULL;
}

/* ---- is it well formed ---- */

struct check {
	const char		*prefix;
	struct field_error	*error;
};

/* index -1: the field itself. */
static enum jobd_error __attribute__((format(printf, 4, 5)))
refuse(const struct check *c, const char *field, long index, const char *format, ...)
{
	struct field_error *e = c->error;
	char element[24] = "";
	va_list ap;

	if (index >= 0)
		(void)snprintf(element, sizeof(element), "[%ld]", index);
	e->why = JOBD_INVALID_FIELD;
	(void)snprintf(e->path, sizeof(e->path), "%s%shttp.%s%s", c->prefix,
	    c->prefix[0] != '\0' ? "." : "", field, element);
	va_start(ap, format);
	(void)vsnprintf(e->reason, sizeof(e->reason), format, ap);
	va_end(ap);
	return JOBD_INVALID_FIELD;
}

static enum jobd_error
check_pattern(const struct check *c, const char *field, size_t i, const char *pattern)
{
	char why[128];
	pcre2_code *code;

	if (pattern[0] == '\0')
		return refuse(c, field, (long)i, "must not be empty");
	if (strlen(pattern) > PATTERN_BYTES_MAX)
		return refuse(c, field, (long)i, "must not be longer than %d bytes",
		    PATTERN_BYTES_MAX);
	code = compile(pattern, why);
	if (code == NULL)
		return refuse(c, field, (long)i, "is not a pattern: %s", why);
	pcre2_code_free(code);
	return JOBD_OK;
}

static enum jobd_error
check_patterns(const struct check *c, const char *field, const struct strings *patterns)
{
	enum jobd_error e = JOBD_OK;

	for (size_t i = 0; i < patterns->n && e == JOBD_OK; i++)
		e = check_pattern(c, field, i, patterns->items[i]);
	return e;
}

static enum jobd_error
check_headers(const struct check *c, const struct strings *headers)
{
	enum jobd_error e = JOBD_OK;
	const char *h;
	size_t n;

	for (size_t i = 0; i < headers->n && e == JOBD_OK; i++) {
		h = headers->items[i];
		n = strcspn(h, ": \t");
		if (n == 0 || h[n] != ':')
			return refuse(c, "headerMatch", (long)i, "must be Name: pattern");
		h += n + 1;
		e = check_pattern(c, "headerMatch", i, h + strspn(h, " \t"));
	}
	return e;
}

static enum jobd_error
check_json(const struct check *c, const struct strings *tests)
{
	enum jobd_error e = JOBD_OK;
	double number;

	for (size_t i = 0; i < tests->n && e == JOBD_OK; i++) {
		struct json_test t = json_test_read(tests->items[i]);

		if (t.operator == NULL || !path_valid(t.path))
			e = refuse(c, "jsonMatch", (long)i,
			    "must be PATH=VALUE with a PATH like status.nodes[0].state");
		else if ((t.operator[0] == '<' || t.operator[0] == '>') &&
		    !is_number(t.value, &number))
			e = refuse(c, "jsonMatch", (long)i, "%s needs a number after it", t.operator);
		free(t.path);
	}
	return e;
}

enum jobd_error
assertions_check(const struct http_spec *s, const char *prefix, struct field_error *error)
{
	const struct check c = { prefix, error };
	enum jobd_error e;
	int64_t from, to;
	usec_t limit;

	e = check_patterns(&c, "bodyMatch", &s->body_match);
	if (e == JOBD_OK)
		e = check_patterns(&c, "bodyNoMatch", &s->body_no_match);
	if (e == JOBD_OK)
		e = check_headers(&c, &s->header_match);
	if (e == JOBD_OK)
		e = check_json(&c, &s->json_match);
	if (e == JOBD_OK && s->expect_size != NULL && !size_read(s->expect_size, &from, &to))
		e = refuse(&c, "expectSize", -1, "must be a range like 100..1M, 100.. or ..1M");
	for (size_t i = 0; i < s->expect_time.n && e == JOBD_OK; i++) {
		if (time_read(s->expect_time.items[i], &limit) == NULL)
			e = refuse(&c, "expectTime", (long)i, "must be like total<2s; the phases are "
			    "queue, dns, connect, tls, send, wait, receive and total");
	}
	return e;
}
