/*
 * types: every word, a JobSpec with every error in it, and job, run and event there and
 * back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/buf.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "proto/types.h"

#define LENGTH(a)	(sizeof(a) / sizeof((a)[0]))

static struct cJSON *
parse(const char *text)
{
	const char *why = "";
	struct cJSON *v = json_parse(text, strlen(text), &why);

	if (v == NULL)
		fail_msg("%s: %s", text, why);
	return v;
}

static void
every_word_is_its_value(void **state)
{
	static const struct {
		const char *const	*names;
		int			 count;
	} rows[] = {
		{ job_kind_names, KIND_COUNT }, { job_state_names, JOB_STATE_COUNT },
		{ run_state_names, RUN_STATE_COUNT }, { overlap_names, OVERLAP_COUNT },
		{ misfire_names, MISFIRE_COUNT }, { verdict_names, VERDICT_COUNT },
		{ event_type_names, EVENT_TYPE_COUNT }, { dst_names, DST_COUNT },
		{ due_mark_names, MARK_COUNT }, { skip_cause_names, SKIP_COUNT },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		for (int v = 0; v < rows[i].count; v++) {
			assert_non_null(rows[i].names[v]);
			assert_int_equal(field_enum_find(rows[i].names, rows[i].names[v]), v);
			for (const char *p = rows[i].names[v]; *p != '\0'; p++)
				assert_true(*p == '_' || (*p >= 'a' && *p <= 'z'));
		}
		assert_null(rows[i].names[rows[i].count]);
	}
	assert_string_equal(run_state_names[RUN_TIMED_OUT], "timed_out");
	assert_string_equal(event_type_names[EVENT_RUN_ENDED], "run_ended");
	assert_string_equal(job_state_names[JOB_QUARANTINED], "quarantined");
	assert_string_equal(verdict_names[VERDICT_INCONCLUSIVE], "inconclusive");
}

static void
final_states_are_the_last_ones(void **state)
{
	(void)state;
	assert_false(run_state_final(RUN_QUEUED));
	assert_false(run_state_final(RUN_RUNNING));
	assert_false(run_state_final(RUN_RETRYING));
	for (int s = RUN_SUCCEEDED; s < RUN_STATE_COUNT; s++)
		assert_true(run_state_final(s));
}

static void
names_are_judged(void **state)
{
	static const char *const good[] = {
		"a", "A-z_0.9:@", "12.3.4", "12.", ".3", "12.3x", "x12", "1a", "-", "@daily", "a.1",
	};
	static const char *const bad[] = {
		"", "7", "0123456789", "12.3", "0.0", "a b", "a/b", "a*", "a?", "[a]", "a\n",
		"\xc3\xa9", "a,b",
		"a=b", "~",
	};
	char *longest = xmalloc(NAME_BYTES_MAX + 2);

	(void)state;
	for (size_t i = 0; i < LENGTH(good); i++) {
		if (job_name_check(good[i]) != NULL)
			fail_msg("refused: %s", good[i]);
	}
	for (size_t i = 0; i < LENGTH(bad); i++) {
		if (job_name_check(bad[i]) == NULL)
			fail_msg("accepted: %s", bad[i]);
	}
	memset(longest, 'x', NAME_BYTES_MAX + 1);
	longest[NAME_BYTES_MAX + 1] = '\0';
	assert_non_null(job_name_check(longest));
	longest[NAME_BYTES_MAX] = '\0';
	assert_null(job_name_check(longest));
	free(longest);
}

static void
status_sets_are_read(void **state)
{
	static const char *const bad[] = {
		"", ",", "2", "20", "2000", "200-", "-200", "299-200", "200,", ",200", "200,,304",
		"200 ",
		"200, 304", "2xx", "200-299-300", "099", "20a", "200;304",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(bad); i++) {
		if (status_set_valid(bad[i]))
			fail_msg("accepted: %s", bad[i]);
	}
	assert_true(status_set_valid("200"));
	assert_true(status_set_valid("200-200"));
	assert_true(status_set_valid("200-299,304,500-599"));
	for (int status = 0; status < 1000; status++) {
		bool in = (status >= 200 && status <= 299) || status == 304 || status >= 990;

		assert_int_equal(status_set_has("200-299,304,990-999", status), in);
		assert_int_equal(status_set_has("418", status), status == 418);
	}
	assert_false(status_set_has("", 200));
}

/* Each as a whole spec: with it the job is good. */
static void
good_specs_are_read(void **state)
{
	static const char *const rows[] = {
		"{\"command\":{\"argv\":[\"true\"]}}",
		"{\"command\":{\"argv\":[\"a\",\"\"],\"directory\":\"/\",\"user\":\"me\","
		"\"outputBytesMax\":1,"
		"\"environment\":[\"A=\",\"_b9=x=y\"]}}",
		"{\"timer\":{\"durationUSec\":0}}",
		"{\"timer\":{\"durationUSec\":3155760000000000}}",
		"{\"http\":{\"url\":\"http://a\"}}",
		"{\"http\":{\"url\":\"HTTPS://a.b-c_d:65535/x?y=%20#z\"}}",
		"{\"http\":{\"url\":\"https://u:p@a:1\"}}",
		"{\"http\":{\"url\":\"http://[::1]:80/\"}}",
		"{\"http\":{\"url\":\"http://[::ffff:1.2.3.4]\"}}",
		"{\"http\":{\"url\":\"http://m\xc3\xbcller.example/\"}}",
		"{\"http\":{\"url\":\"http://a\",\"method\":\"M-SEARCH\",\"headers\":[\"A:\","
		"\"X-B: c\\td\"],"
		"\"body\":\"x\\n\",\"expect\":\"200,300-310\",\"noRedirect\":true,"
		"\"insecure\":true}}",
		"{\"name\":\"n\",\"description\":\"\",\"key\":\"k\",\"labels\":[\"a/b.c=\","
		"\"x=y=z\"],"
		"\"at\":\"2026-11-22T10:00:00Z\",\"everyUSec\":100000,\"overlap\":\"skip\","
		"\"misfire\":\"once\","
		"\"timeoutUSec\":1,\"graceUSec\":1,\"paused\":true,\"timer\":{\"durationUSec\":1}}",
		"{\"cron\":\"0 3 * * *\",\"timeZone\":\"Europe/Berlin\",\"dst\":\"both\","
		"\"jitterUSec\":60000000,\"from\":\"2026-11-22T10:00:00Z\",\"until\":"
		"\"2027-11-22T10:00:00Z\",\"except\":[\"*-12-25\"],\"misfire\":\"all\","
		"\"misfireLimit\":5,\"misfireWindowUSec\":1,\"timer\":{\"durationUSec\":1}}",
		"{\"onBoot\":true,\"timer\":{\"durationUSec\":1}}",
		"{\"inUSec\":5,\"timer\":{\"durationUSec\":1},\"http\":null,\"command\":null}",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct cJSON *v = parse(rows[i]), *w;
		struct field_error error;
		struct job_spec s = { 0 }, again = { 0 };
		char *one, *two;

		if (job_spec_read(v, &s, &error) != JOBD_OK)
			fail_msg("%s: %s %s", rows[i], error.path, error.reason);
		json_free(v);

		/* What is written reads to the same. */
		v = fields_write(job_spec_fields, &s);
		one = json_print(v);
		assert_int_equal(job_spec_read(v, &again, NULL), JOBD_OK);
		w = fields_write(job_spec_fields, &again);
		two = json_print(w);
		assert_string_equal(one, two);
		assert_int_equal(job_spec_kind(&s), job_spec_kind(&again));
		free(one);
		free(two);
		json_free(v);
		json_free(w);
		job_spec_done(&s);
		job_spec_done(&again);
	}
}

#define TIMER	"\"timer\":{\"durationUSec\":1}"
#define HTTP(x)	"{\"http\":{\"url\":\"http://a\"," x "}}"
#define URL(x)	"{\"http\":{\"url\":\"" x "\"}}"
#define RUN(x)	"{\"command\":{\"argv\":[\"a\"]," x "}}"

static const struct bad_spec {
	const char	*text;
	enum jobd_error	 why;
	const char	*path;
	const char	*reason;
} bad_specs[] = {
	{ "{}", JOBD_INVALID_FIELD, "command", "exactly one" },
	{ "{" TIMER ",\"http\":{\"url\":\"http://a\"}}", JOBD_INVALID_FIELD, "command",
	    "exactly one" },
	{ "{" TIMER ",\"chron\":\"* * * * *\"}", JOBD_INVALID_PARAMETER, "chron", "not known" },
	{ "{" TIMER ",\"cron\":\"* * * * *\",\"calendar\":\"daily\"}", JOBD_INVALID_FIELD,
	    "calendar", "only one of" },
	{ "{" TIMER ",\"cron\":\"* * * * *\",\"everyUSec\":1000000}", JOBD_INVALID_FIELD, "cron",
	    "only one of" },
	{ "{" TIMER ",\"onBoot\":true,\"everyUSec\":1000000}", JOBD_INVALID_FIELD, "onBoot",
	    "only one of" },
	{ "{" TIMER ",\"cron\":\"* * * * *\",\"inUSec\":5}", JOBD_INVALID_FIELD, "inUSec",
	    "use from" },
	{ "{" TIMER ",\"onBoot\":true,\"at\":\"2026-11-22T10:00Z\"}", JOBD_INVALID_FIELD, "at",
	    "as the host boots" },
	{ "{" TIMER ",\"timeZone\":\"UTC\"}", JOBD_INVALID_FIELD, "timeZone", "it is for" },
	{ "{" TIMER ",\"everyUSec\":1000000,\"dst\":\"skip\"}", JOBD_INVALID_FIELD, "dst",
	    "elapsed" },
	{ "{" TIMER ",\"cron\":\"* * * * *\",\"dst\":\"twice\"}", JOBD_INVALID_FIELD, "dst",
	    "once, skip, both" },
	{ "{" TIMER ",\"from\":\"2026-11-22T10:00Z\"}", JOBD_INVALID_FIELD, "from", "come again" },
	{ "{" TIMER ",\"until\":\"2026-11-22T10:00Z\"}", JOBD_INVALID_FIELD, "until",
	    "come again" },
	{ "{" TIMER ",\"except\":[\"daily\"]}", JOBD_INVALID_FIELD, "except", "come again" },
	{ "{" TIMER ",\"cron\":\"* * * * *\",\"from\":\"2026-11-22T10:00Z\",\"until\":"
	    "\"2026-11-22T09:00Z\"}", JOBD_INVALID_FIELD, "until", "before from" },
	{ "{" TIMER ",\"jitterUSec\":-1}", JOBD_INVALID_FIELD, "jitterUSec", "from 0s" },
	{ "{" TIMER ",\"misfireLimit\":3}", JOBD_INVALID_FIELD, "misfireLimit", "misfire all" },
	{ "{" TIMER ",\"misfireLimit\":1001,\"misfire\":\"all\"}", JOBD_INVALID_FIELD,
	    "misfireLimit", "1000" },
	{ "{" TIMER ",\"name\":\"\"}", JOBD_INVALID_FIELD, "name", "empty" },
	{ "{" TIMER ",\"name\":\"12\"}", JOBD_INVALID_FIELD, "name", "digits" },
	{ "{" TIMER ",\"name\":\"12.3\"}", JOBD_INVALID_FIELD, "name", "run" },
	{ "{" TIMER ",\"name\":\"a b\"}", JOBD_INVALID_FIELD, "name", "letters" },
	{ "{" TIMER ",\"key\":\"\"}", JOBD_INVALID_FIELD, "key", "empty" },
	{ "{" TIMER ",\"labels\":[\"a=b\",\"c\"]}", JOBD_INVALID_FIELD, "labels[1]", "key=value" },
	{ "{" TIMER ",\"labels\":[\"=b\"]}", JOBD_INVALID_FIELD, "labels[0]", "key=value" },
	{ "{" TIMER ",\"labels\":[\"a b=c\"]}", JOBD_INVALID_FIELD, "labels[0]", "key may" },
	{ "{" TIMER ",\"labels\":[\"a=\\n\"]}", JOBD_INVALID_FIELD, "labels[0]", "control" },
	{ "{" TIMER ",\"at\":\"2026-11-22T10:00Z\",\"inUSec\":1}", JOBD_INVALID_FIELD, "inUSec",
	    "exclude" },
	{ "{" TIMER ",\"at\":\"tomorrow\"}", JOBD_INVALID_FIELD, "at", "instant" },
	{ "{" TIMER ",\"inUSec\":-1}", JOBD_INVALID_FIELD, "inUSec", "from 0s" },
	{ "{" TIMER ",\"everyUSec\":0}", JOBD_INVALID_FIELD, "everyUSec", "from 100ms" },
	{ "{" TIMER ",\"everyUSec\":99999}", JOBD_INVALID_FIELD, "everyUSec", "from 100ms" },
	{ "{" TIMER ",\"everyUSec\":3155760000000001}", JOBD_INVALID_FIELD, "everyUSec", "36525d" },
	{ "{" TIMER ",\"overlap\":\"wait\"}", JOBD_INVALID_FIELD, "overlap", "skip" },
	{ "{" TIMER ",\"overlapLimit\":2}", JOBD_INVALID_FIELD, "overlapLimit", "queue and parallel" },
	{ "{" TIMER ",\"overlap\":\"replace\",\"overlapLimit\":2}", JOBD_INVALID_FIELD, "overlapLimit",
	  "queue and parallel" },
	{ "{" TIMER ",\"overlap\":\"queue\",\"overlapLimit\":1001}", JOBD_INVALID_FIELD, "overlapLimit",
	  "from 0 to 1000" },
	{ "{" TIMER ",\"queue\":\"a b\"}", JOBD_INVALID_FIELD, "queue", "may only hold letters" },
	{ "{" TIMER ",\"mutex\":\"\"}", JOBD_INVALID_FIELD, "mutex", "empty" },
	{ "{" TIMER ",\"priority\":1001}", JOBD_INVALID_FIELD, "priority", "from -1000 to 1000" },
	{ "{" TIMER ",\"slots\":-1,\"queue\":\"q\"}", JOBD_INVALID_FIELD, "slots", "from 0 to 10000" },
	{ "{" TIMER ",\"slots\":2}", JOBD_INVALID_FIELD, "slots", "in a queue" },
	{ "{" TIMER ",\"misfire\":\"none\"}", JOBD_INVALID_FIELD, "misfire",
	    "default, once, skip" },
	{ "{" TIMER ",\"timeoutUSec\":-1}", JOBD_INVALID_FIELD, "timeoutUSec", "from 0s" },
	{ "{" TIMER ",\"graceUSec\":\"10s\"}", JOBD_INVALID_PARAMETER, "graceUSec", "number" },
	{ "{" TIMER ",\"paused\":0}", JOBD_INVALID_PARAMETER, "paused", "true or false" },
	{ "{\"timer\":{}}", JOBD_INVALID_PARAMETER, "timer.durationUSec", "missing" },
	{ "{\"timer\":{\"durationUSec\":-1}}", JOBD_INVALID_FIELD, "timer.durationUSec",
	    "from 0s" },
	{ "{\"timer\":7}", JOBD_INVALID_PARAMETER, "timer", "object" },
	{ "{\"command\":{}}", JOBD_INVALID_PARAMETER, "command.argv", "missing" },
	{ "{\"command\":{\"argv\":\"ls\"}}", JOBD_INVALID_PARAMETER, "command.argv", "array" },
	{ "{\"command\":{\"argv\":[]}}", JOBD_INVALID_FIELD, "command.argv", "program" },
	{ "{\"command\":{\"argv\":[\"\"]}}", JOBD_INVALID_FIELD, "command.argv[0]", "empty" },
	{ "{\"command\":{\"argv\":[\"a\",7]}}", JOBD_INVALID_PARAMETER, "command.argv[1]",
	    "string" },
	{ RUN("\"directory\":\"tmp\""), JOBD_INVALID_FIELD, "command.directory", "absolute" },
	{ RUN("\"directory\":\"\""), JOBD_INVALID_FIELD, "command.directory", "absolute" },
	{ RUN("\"user\":\"\""), JOBD_INVALID_FIELD, "command.user", "name" },
	{ RUN("\"user\":\"a:b\""), JOBD_INVALID_FIELD, "command.user", "name" },
	{ RUN("\"outputBytesMax\":-1"), JOBD_INVALID_FIELD, "command.outputBytesMax", "from 0" },
	{ RUN("\"leftovers\":\"keep\""), JOBD_INVALID_FIELD, "command.leftovers", "detach" },
	{ RUN("\"nice\":20"), JOBD_INVALID_FIELD, "command.nice", "from -20 to 19" },
	{ RUN("\"memoryBytesMax\":1000"), JOBD_INVALID_FIELD, "command.memoryBytesMax", "64K" },
	{ RUN("\"environment\":[\"A=1\",\"B\"]"), JOBD_INVALID_FIELD, "command.environment[1]",
	    "NAME" },
	{ RUN("\"environment\":[\"=1\"]"), JOBD_INVALID_FIELD, "command.environment[0]", "NAME" },
	{ RUN("\"environment\":[\"9A=1\"]"), JOBD_INVALID_FIELD, "command.environment[0]", "NAME" },
	{ RUN("\"environment\":[\"A-B=1\"]"), JOBD_INVALID_FIELD, "command.environment[0]",
	    "NAME" },
	{ RUN("\"environment\":[\"\"]"), JOBD_INVALID_FIELD, "command.environment[0]", "NAME" },
	{ "{\"http\":{}}", JOBD_INVALID_PARAMETER, "http.url", "missing" },
	{ URL(""), JOBD_INVALID_FIELD, "http.url", "begin" },
	{ URL("ftp://a"), JOBD_INVALID_FIELD, "http.url", "begin" },
	{ URL("a.example"), JOBD_INVALID_FIELD, "http.url", "begin" },
	{ URL("file:///etc/passwd"), JOBD_INVALID_FIELD, "http.url", "begin" },
	{ URL("http://"), JOBD_INVALID_FIELD, "http.url", "host" },
	{ URL("http:///x"), JOBD_INVALID_FIELD, "http.url", "host" },
	{ URL("http://:80"), JOBD_INVALID_FIELD, "http.url", "host" },
	{ URL("http://u@"), JOBD_INVALID_FIELD, "http.url", "host" },
	{ URL("http://a b"), JOBD_INVALID_FIELD, "http.url", "spaces" },
	{ URL("http://a/\\n"), JOBD_INVALID_FIELD, "http.url", "control" },
	{ URL("http://a\\\\b"), JOBD_INVALID_FIELD, "http.url", "backslash" },
	{ URL("http://a:"), JOBD_INVALID_FIELD, "http.url", "port" },
	{ URL("http://a:0"), JOBD_INVALID_FIELD, "http.url", "port" },
	{ URL("http://a:65536"), JOBD_INVALID_FIELD, "http.url", "port" },
	{ URL("http://a:099999"), JOBD_INVALID_FIELD, "http.url", "port" },
	{ URL("http://a:8x/"), JOBD_INVALID_FIELD, "http.url", "port" },
	{ URL("http://[::1"), JOBD_INVALID_FIELD, "http.url", "brackets" },
	{ URL("http://[]"), JOBD_INVALID_FIELD, "http.url", "brackets" },
	{ URL("http://[g]"), JOBD_INVALID_FIELD, "http.url", "brackets" },
	{ URL("http://[::1]x"), JOBD_INVALID_FIELD, "http.url", "port" },
	{ URL("http://a%b/"), JOBD_INVALID_FIELD, "http.url", "character" },
	{ HTTP("\"dependsOn\":\"a b\""), JOBD_INVALID_FIELD, "http.dependsOn", "the id or the name" },
	{ HTTP("\"dependsOn\":\"12.3\""), JOBD_INVALID_FIELD, "http.dependsOn", "the id or the name" },
	{ HTTP("\"failAfter\":-1"), JOBD_INVALID_FIELD, "http.failAfter", "" },
	{ HTTP("\"okAfter\":1001"), JOBD_INVALID_FIELD, "http.okAfter", "" },
	{ HTTP("\"quickRetries\":11"), JOBD_INVALID_FIELD, "http.quickRetries", "" },
	{ HTTP("\"method\":\"\""), JOBD_INVALID_FIELD, "http.method", "GET" },
	{ HTTP("\"method\":\"GET /\""), JOBD_INVALID_FIELD, "http.method", "GET" },
	{ HTTP("\"headers\":[\"A: b\",\"C\"]"), JOBD_INVALID_FIELD, "http.headers[1]",
	    "Name: value" },
	{ HTTP("\"headers\":[\": b\"]"), JOBD_INVALID_FIELD, "http.headers[0]", "Name: value" },
	{ HTTP("\"headers\":[\"A b: c\"]"), JOBD_INVALID_FIELD, "http.headers[0]", "Name: value" },
	{ HTTP("\"headers\":[\"A: b\\r\\nC: d\"]"), JOBD_INVALID_FIELD, "http.headers[0]",
	    "control" },
	{ HTTP("\"expect\":\"2xx\""), JOBD_INVALID_FIELD, "http.expect", "200-299" },
	{ HTTP("\"insecure\":\"no\""), JOBD_INVALID_PARAMETER, "http.insecure", "true or false" },
};

static void
bad_specs_are_refused_at_their_place(void **state)
{
	static const struct job_spec zero;

	(void)state;
	for (size_t i = 0; i < LENGTH(bad_specs); i++) {
		const struct bad_spec *b = &bad_specs[i];
		struct cJSON *v = parse(b->text);
		struct field_error error;
		struct job_spec s = { 0 };

		if (job_spec_read(v, &s, &error) != b->why)
			fail_msg("%s: wrong answer", b->text);
		assert_int_equal(error.why, b->why);
		assert_string_equal(error.path, b->path);
		if (strstr(error.reason, b->reason) == NULL)
			fail_msg("%s: %s", b->text, error.reason);
		assert_memory_equal(&s, &zero, sizeof(s));
		assert_int_equal(job_spec_read(v, &s, NULL), b->why);
		json_free(v);
	}
}

/* As Add reads: an array of specs, and the places begin with it. */
static void
specs_in_an_array_are_named_with_their_index(void **state)
{
	static const struct field jobs_fields[] = {
		{ .name = "jobs", .type = FIELD_STRUCTS, .flags = FIELD_REQUIRED,
		    .max = ADD_JOBS_MAX,
		  .sub = job_spec_fields, .size = sizeof(struct job_spec) },
		{ .type = FIELD_END },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(bad_specs); i++) {
		const struct bad_spec *b = &bad_specs[i];
		char *text = xasprintf("{\"jobs\":[{" TIMER "},{" TIMER "},%s]}", b->text);
		struct cJSON *v = parse(text);
		struct field_error error;
		struct structs jobs = { 0 };
		enum jobd_error e = fields_read(v, jobs_fields, &jobs, &error);
		char *path = strstr(b->reason, "exactly") != NULL ? xstrdup("jobs[2]") :
		    xasprintf("jobs[2].%s", b->path);

		for (size_t n = 0; e == JOBD_OK && n < jobs.n; n++) {
			char prefix[32];

			snprintf(prefix, sizeof(prefix), "jobs[%zu]", n);
			e = job_spec_check(jobs.items[n], prefix, &error);
		}
		assert_int_equal(e, b->why);
		assert_string_equal(error.path, path);
		fields_done(jobs_fields, &jobs);
		json_free(v);
		free(path);
		free(text);
	}
}

static void
limits_of_a_spec_hold(void **state)
{
	static const struct {
		const char	*before, *after;
		size_t		 max;
		const char	*path;
	} rows[] = {
		{ "{" TIMER ",\"name\":\"", "\"}", NAME_BYTES_MAX, "name" },
		{ "{" TIMER ",\"description\":\"", "\"}", DESCRIPTION_BYTES_MAX, "description" },
		{ "{" TIMER ",\"key\":\"", "\"}", KEY_BYTES_MAX, "key" },
		{ "{\"http\":{\"url\":\"http://", "\"}}", URL_BYTES_MAX - 7, "http.url" },
		{ "{\"http\":{\"url\":\"http://a\",\"body\":\"", "\"}}", BODY_BYTES_MAX,
		    "http.body" },
		{ "{\"command\":{\"argv\":[\"", "\"]}}", STRING_BYTES_MAX, "command.argv[0]" },
		{ "{\"http\":{\"url\":\"http://a\",\"headers\":[\"A:", "\"]}}", 8192 - 2,
		    "http.headers[0]" },
		{ "{" TIMER ",\"labels\":[\"a=", "\"]}", 256 - 2, "labels[0]" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		for (size_t over = 0; over < 2; over++) {
			struct field_error error;
			struct job_spec s = { 0 };
			struct buf b = { 0 };
			struct cJSON *v;

			buf_puts(&b, rows[i].before);
			memset(buf_reserve(&b, rows[i].max + over), 'x', rows[i].max + over);
			buf_added(&b, rows[i].max + over);
			buf_puts(&b, rows[i].after);
			v = parse(buf_string(&b));
			assert_int_equal(job_spec_read(v, &s, &error), over ? JOBD_INVALID_FIELD :
			    JOBD_OK);
			if (over)
				assert_string_equal(error.path, rows[i].path);
			job_spec_done(&s);
			json_free(v);
			buf_done(&b);
		}
	}
}

/* A spec that jobctl has filled in itself, never read from JSON. */
static void
a_spec_made_by_hand_is_checked(void **state)
{
	struct timer_spec timer = { .duration = -1 };
	struct job_spec s = { .timer = &timer };
	struct field_error error;

	(void)state;
	assert_int_equal(job_spec_check(&s, "", &error), JOBD_INVALID_FIELD);
	assert_string_equal(error.path, "timer.durationUSec");
	timer.duration = 0;
	assert_int_equal(job_spec_check(&s, "", &error), JOBD_OK);
	s.every = EVERY_MIN - 1;
	assert_int_equal(job_spec_check(&s, "jobs[7]", &error), JOBD_INVALID_FIELD);
	assert_string_equal(error.path, "jobs[7].everyUSec");
	assert_int_equal(job_spec_check(&s, "jobs[7]", NULL), JOBD_INVALID_FIELD);
}

static void
a_job_with_its_last_run_goes_there_and_back(void **state)
{
	struct job_info j = {
		.id = 12, .name = xstrdup("nightly"), .kind = KIND_HTTP, .state = JOB_SCHEDULED,
		    .uid = 1000,
		.generation = 2, .created = { 1795341600 * USEC_SEC },
		    .due = { 1795341700 * USEC_SEC },
		.every = USEC_HOUR, .runs = 3, .summary = xstrdup("http://a"),
	}, back = { 0 };
	struct field_error error;
	struct cJSON *v;
	char *text;

	(void)state;
	strings_add(&j.labels, "a=b");
	j.last = xmalloc(sizeof(*j.last));
	*j.last = RUN_INFO_NONE;
	j.last->job = 12;
	j.last->run = 3;
	j.last->kind = KIND_HTTP;
	j.last->state = RUN_FAILED;
	j.last->due = j.created;
	j.last->http_status = 503;
	j.last->verdict = VERDICT_DOWN;
	j.last->phases = xcalloc(1, sizeof(*j.last->phases));
	j.last->phases->total = 1500;
	v = fields_write(job_info_fields, &j);
	text = json_print(v);
	assert_string_equal(text,
	    "{\"id\":12,\"name\":\"nightly\",\"labels\":[\"a=b\"],\"kind\":\"http\","
	    "\"state\":\"scheduled\",\"uid\":1000,\"generation\":2,"
	    "\"createdAt\":\"2026-11-22T10:00:00.000000Z\","
	    "\"nextDue\":\"2026-11-22T10:01:40.000000Z\",\"everyUSec\":3600000000,\"runs\":3,"
	    "\"skips\":0,"
	    "\"summary\":\"http://a\",\"lastRun\":{\"job\":12,\"run\":3,\"kind\":\"http\","
	    "\"state\":\"failed\","
	    "\"attempt\":0,\"due\":\"2026-11-22T10:00:00.000000Z\",\"httpStatus\":503,"
	    "\"verdict\":\"down\","
	    "\"phases\":{\"queueUSec\":0,\"dnsUSec\":0,\"connectUSec\":0,\"tlsUSec\":0,"
	    "\"sendUSec\":0,"
	    "\"waitUSec\":0,\"receiveUSec\":0,\"totalUSec\":1500}}}");
	free(text);
	assert_int_equal(fields_read_lax(v, job_info_fields, &back, &error), JOBD_OK);
	assert_int_equal(back.last->exit_code, -1);
	assert_int_equal(back.last->phases->total, 1500);
	assert_int_equal(back.due.usec, j.due.usec);
	json_free(v);
	job_info_done(&j);
	job_info_done(&back);
}

static void
a_run_keeps_exit_code_zero(void **state)
{
	struct run_info r = RUN_INFO_NONE, back = { 0 };
	struct cJSON *v;

	(void)state;
	r.exit_code = 0;
	r.manual = true;
	v = fields_write(run_info_fields, &r);
	assert_true(json_get_int(v, "exitCode", -7) == 0);
	assert_int_equal(json_get_bool(v, "manual", 0), 1);
	assert_null(json_get(v, "oom"));
	assert_null(json_get(v, "verdict"));
	assert_null(json_get(v, "signal"));
	assert_int_equal(fields_read_lax(v, run_info_fields, &back, NULL), JOBD_OK);
	assert_int_equal(back.exit_code, 0);
	assert_true(back.manual);
	json_free(v);
	run_info_done(&back);
}

static void
an_event_tells_only_what_it_knows(void **state)
{
	struct event_info e = EVENT_INFO_NONE, back = { 0 };
	struct cJSON *v;
	char *text;

	(void)state;
	e.sequence = 5;
	e.at.usec = 1795341600 * USEC_SEC;
	e.type = EVENT_LOST;
	e.lost = 9;
	v = fields_write(event_info_fields, &e);
	text = json_print(v);
	assert_string_equal(text,
	    "{\"sequence\":5,\"at\":\"2026-11-22T10:00:00.000000Z\",\"type\":\"lost\",\"lost\":9}");
	free(text);
	json_free(v);

	e.type = EVENT_RUN_QUEUED;
	e.state = RUN_QUEUED;
	e.kind = KIND_COMMAND;
	v = fields_write(event_info_fields, &e);
	assert_string_equal(json_get_string(v, "runState"), "queued");
	assert_string_equal(json_get_string(v, "kind"), "command");
	assert_null(json_get(v, "jobState"));
	assert_int_equal(fields_read_lax(v, event_info_fields, &back, NULL), JOBD_OK);
	assert_int_equal(back.state, RUN_QUEUED);
	assert_int_equal(back.job_state, -1);
	assert_int_equal(back.exit_code, -1);
	json_free(v);
	event_info_done(&back);
	event_info_done(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_word_is_its_value),
		cmocka_unit_test(final_states_are_the_last_ones),
		cmocka_unit_test(names_are_judged),
		cmocka_unit_test(status_sets_are_read),
		cmocka_unit_test(good_specs_are_read),
		cmocka_unit_test(bad_specs_are_refused_at_their_place),
		cmocka_unit_test(specs_in_an_array_are_named_with_their_index),
		cmocka_unit_test(limits_of_a_spec_hold),
		cmocka_unit_test(a_spec_made_by_hand_is_checked),
		cmocka_unit_test(a_job_with_its_last_run_goes_there_and_back),
		cmocka_unit_test(a_run_keeps_exit_code_zero),
		cmocka_unit_test(an_event_tells_only_what_it_knows),
	};

	return cmocka_run_group_tests_name("types", tests, NULL, NULL);
}
