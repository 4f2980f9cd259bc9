/*
 * exec_assertions: what a check expects, held against answers, and what is told of what does not hold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "daemon/exec/assertions.h"
#include "proto/mem.h"

static struct phases times = { .dns = 1000, .total = 250 * USEC_MSEC };
static const char *const header_items[] = { "Content-Type: text/html", "X-Node: a", "x-node:b" };
static const struct strings headers = { (char **)(uintptr_t)header_items, 3 };

/* Only looked at. */
static char *
borrowed(const char *text)
{
	return (char *)(uintptr_t)text;
}

static struct answer
answer(int status, const char *body)
{
	return (struct answer){
		.status = status, .headers = &headers, .body = body, .body_kept = strlen(body),
		.body_bytes = (int64_t)strlen(body), .times = &times,
		.cert_days = DAYS_NONE, .chain_days = DAYS_NONE,
	};
}

/* One expectation in a list. */
static struct strings
one(const char *text)
{
	static char *items[1];

	items[0] = borrowed(text);
	return (struct strings){ items, 1 };
}

static void
told(const struct http_spec *s, const struct answer *a, enum verdict verdict, const char *words)
{
	enum verdict v;
	char *text = assertions_judge(s, a, &v);

	if (words == NULL)
		assert_null(text);
	else if (text == NULL || strcmp(text, words) != 0)
		fail_msg("told \"%s\", not \"%s\"", text != NULL ? text : "(nothing)", words);
	assert_int_equal(v, verdict);
	free(text);
}

static void
refused(const struct http_spec *s, const char *path, const char *part)
{
	struct field_error e = { .path = "" };

	assert_int_equal(assertions_check(s, "jobs[0]", &e), JOBD_INVALID_FIELD);
	assert_string_equal(e.path, path);
	if (strstr(e.reason, part) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", e.reason, part);
}

static void
the_status_must_be_in_the_set(void **state)
{
	struct http_spec s = { .url = borrowed("http://x") };
	struct answer a = answer(204, "");

	(void)state;
	told(&s, &a, VERDICT_UP, NULL);
	a.status = 503;
	told(&s, &a, VERDICT_DOWN, "status 503, expected 200-299");
	s.expect = borrowed("503");
	told(&s, &a, VERDICT_UP, NULL);
}

static void
a_body_is_matched_and_what_was_there_is_told(void **state)
{
	struct http_spec s = { .url = borrowed("http://x") };
	struct answer a = answer(200, "all fine\nversion 3");

	(void)state;
	s.body_match = one("^version [0-9]+$");
	told(&s, &a, VERDICT_UP, NULL);
	s.body_match = one("^ok$");
	told(&s, &a, VERDICT_DOWN,
	    "the body does not match /^ok$/: it is \"all fine.version 3\"");
	s.body_match = (struct strings){ 0 };
	s.body_no_match = one("(?i)FINE");
	told(&s, &a, VERDICT_DOWN, "the body must not match /(?i)FINE/: it has \"fine\"");
	s.body_no_match = one("error");
	told(&s, &a, VERDICT_UP, NULL);
	a = answer(200, "\xff\xfe binary");
	s.body_match = one("text");
	told(&s, &a, VERDICT_DOWN,
	    "the body does not match /text/: it is something that is not UTF-8");
}

static void
a_body_may_hold_nuls_and_be_cut(void **state)
{
	struct http_spec s = { .url = borrowed("http://x") };
	struct answer a = answer(200, "");

	(void)state;
	a.body = "a\0needle";
	a.body_kept = 8;
	a.body_bytes = 1000;
	s.body_match = one("needle");
	told(&s, &a, VERDICT_UP, NULL);
	s.body_match = one("pin");
	told(&s, &a, VERDICT_DOWN,
	    "the beginning of the body does not match /pin/: it is \"a.needle\"");
}

static void
a_pattern_that_explodes_is_given_up(void **state)
{
	struct http_spec s = { .url = borrowed("http://x") };
	char body[200], *text;
	struct answer a;
	enum verdict v;

	(void)state;
	memset(body, 'a', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	a = answer(200, body);
	/* Without a letter that must be there the matcher cannot see it beforehand. */
	s.body_match = one("^(a|aa)+[^a]$");
	text = assertions_judge(&s, &a, &v);
	assert_int_equal(v, VERDICT_DOWN);
	assert_non_null(strstr(text, "the body takes too long to match with"));
	free(text);
	s.body_match = (struct strings){ 0 };
	s.body_no_match = one("^(a|aa)+[^a]$");
	told(&s, &a, VERDICT_DOWN, "the body takes too long to match with /^(a|aa)+[^a]$/");
}

static void
one_of_the_headers_of_a_name_must_match(void **state)
{
	struct http_spec s = { .url = borrowed("http://x") };
	struct answer a = answer(200, "");

	(void)state;
	s.header_match = one("X-NODE: ^b$");
	told(&s, &a, VERDICT_UP, NULL);
	s.header_match = one("content-type: json");
	told(&s, &a, VERDICT_DOWN,
	    "the header content-type is \"text/html\", expected /json/");
	s.header_match = one("X-No: .");
	told(&s, &a, VERDICT_DOWN, "there is no header X-No");
}

static void
a_path_into_json_has_a_value(void **state)
{
	static const struct { const char *test, *told; } rows[] = {
		{ "status.db=ok", NULL },
		{ "$.status.db=ok", NULL },
		{ "status.db=\"ok\"", NULL },
		{ "status.db!=down", NULL },
		{ "nodes[1].up=true", NULL },
		{ "nodes[1].n>3", NULL },
		{ "nodes[1].n=4.0", NULL },
		{ "nothing=null", NULL },
		{ "status", NULL },
		{ "status.db=down", "in the JSON status.db is \"ok\", expected =down" },
		{ "nodes[1].n<4", "in the JSON nodes[1].n is \"4\", expected <4" },
		{ "nodes[0].up", "the JSON has no nodes[0].up" },
		{ "nodes[9]", "the JSON has no nodes[9]" },
		{ "status.db>1", "in the JSON status.db is \"ok\", expected >1" },
	};
	struct http_spec s = { .url = borrowed("http://x") };
	struct answer a = answer(200, "{\"status\":{\"db\":\"ok\"},\"nothing\":null,"
	    "\"nodes\":[{},{\"up\":true,\"n\":4}]}");
	struct field_error e;
	enum verdict v;
	char *text;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		s.json_match = one(rows[i].test);
		assert_int_equal(assertions_check(&s, "", &e), JOBD_OK);
		told(&s, &a, rows[i].told != NULL ? VERDICT_DOWN : VERDICT_UP, rows[i].told);
	}
	s.json_match = one("a=1");
	a = answer(200, "<html>");
	text = assertions_judge(&s, &a, &v);

	assert_non_null(strstr(text, "the body is not JSON ("));
	assert_non_null(strstr(text, "it is \"<html>\""));
	free(text);
}

static void
the_size_must_be_in_the_range(void **state)
{
	struct http_spec s = { .url = borrowed("http://x"), .expect_size = borrowed("3..4") };
	struct answer a = answer(200, "abc");

	(void)state;
	told(&s, &a, VERDICT_UP, NULL);
	a.body_bytes = 5;
	told(&s, &a, VERDICT_DOWN, "the body has 5 bytes, expected 3..4");
	s.expect_size = borrowed("1K..");
	told(&s, &a, VERDICT_DOWN, "the body has 5 bytes, expected 1K..");
	a.body_bytes = 1024;
	told(&s, &a, VERDICT_UP, NULL);
	s.expect_size = borrowed("..1000");
	told(&s, &a, VERDICT_DOWN, "the body has 1024 bytes, expected ..1000");
}

static void
slowness_and_days_alone_are_degraded(void **state)
{
	struct http_spec s = { .url = borrowed("https://x"), .cert_days = 14, .chain_days = 30 };
	struct answer a = answer(200, "");

	(void)state;
	s.expect_time = one("total<200ms");
	a.cert_days = 20;
	a.chain_days = 100;
	told(&s, &a, VERDICT_DEGRADED, "total took 250ms, expected less than 200ms");
	s.expect_time = one("total<1s");
	told(&s, &a, VERDICT_UP, NULL);
	a.cert_days = 1;
	a.chain_days = 2;
	a.chain_name = "Some CA";
	told(&s, &a, VERDICT_DEGRADED, "the certificate expires in 1 day, expected at least 14; "
	    "its chain expires in 2 days (Some CA), expected at least 30");
	a.cert_days = -1;
	a.chain_days = DAYS_NONE;
	a.status = 500;
	told(&s, &a, VERDICT_DOWN, "status 500, expected 200-299; the certificate has expired; "
	    "nothing is known of how long its chain holds");
}

static void
what_is_malformed_is_refused_with_its_place(void **state)
{
	struct http_spec s = { .url = borrowed("http://x") };
	struct field_error e;

	(void)state;
	s.body_match = one("a(");
	refused(&s, "jobs[0].http.bodyMatch[0]", "is not a pattern: ");
	s.body_match = (struct strings){ 0 };
	s.body_no_match = one("");
	refused(&s, "jobs[0].http.bodyNoMatch[0]", "must not be empty");
	s.body_no_match = (struct strings){ 0 };
	s.header_match = one("no colon");
	refused(&s, "jobs[0].http.headerMatch[0]", "must be Name: pattern");
	s.header_match = one("A: [");
	refused(&s, "jobs[0].http.headerMatch[0]", "is not a pattern");
	s.header_match = (struct strings){ 0 };
	for (size_t i = 0; i < 7; i++) {
		static const char *const bad[] = { "=x", "a..b=1", "a[x]=1", "a[-1]=1", "a[1=2", "a!b",
		    "a>b" };

		s.json_match = one(bad[i]);
		refused(&s, "jobs[0].http.jsonMatch[0]", i == 6 ? "> needs a number" : "must be PATH");
	}
	s.json_match = (struct strings){ 0 };
	for (size_t i = 0; i < 5; i++) {
		s.expect_size = borrowed(((const char *[]){ "..", "5..3", "x..", "1", "1..2T" })[i]);
		refused(&s, "jobs[0].http.expectSize", "must be a range");
	}
	s.expect_size = NULL;
	for (size_t i = 0; i < 4; i++) {
		s.expect_time = one(((const char *[]){ "total<", "all<2s", "total>2s", "tot<1s" })[i]);
		refused(&s, "jobs[0].http.expectTime[0]", "must be like total<2s");
	}
	s.expect_time = one("tls<300ms");
	assert_int_equal(assertions_check(&s, "", &e), JOBD_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_status_must_be_in_the_set),
		cmocka_unit_test(a_body_is_matched_and_what_was_there_is_told),
		cmocka_unit_test(a_body_may_hold_nuls_and_be_cut),
		cmocka_unit_test(a_pattern_that_explodes_is_given_up),
		cmocka_unit_test(one_of_the_headers_of_a_name_must_match),
		cmocka_unit_test(a_path_into_json_has_a_value),
		cmocka_unit_test(the_size_must_be_in_the_range),
		cmocka_unit_test(slowness_and_days_alone_are_degraded),
		cmocka_unit_test(what_is_malformed_is_refused_with_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
