/*
 * Jobs as files: whatever a spec holds, its text is read back to the same spec, and printed again to the
 * same bytes; and every option has one key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/jobfile.h"
#include "client/spec.h"
#include "client/value.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "proto/types.h"

#define SPECS 3000

static uint64_t seed = 1;

static int64_t
below(int64_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (int64_t)((seed >> 33) % (uint64_t)n);
}

/* A text of all that quoting could get wrong. */
static const char *
draw_text(char out[64])
{
	static const char *const parts[] = { "a", " ", "  ", "\"", "'", "\\", "\n", "\t", ";", "#", " ; ",
	    " #", "=", "%", "%i", "[", "]", "\x7f", "\x01", "\xc3\xa4", "$", "`", "[Job]", "\\n", "x" };
	int64_t n = 1 + below(8);

	out[0] = '\0';
	while (n-- > 0)
		strcat(out, parts[below((int64_t)(sizeof(parts) / sizeof(parts[0])))]);
	return out;
}

static void
draw_value(struct cJSON *to, const struct option *o, const char *name)
{
	char text[64], *path;

	switch (o->kind) {
	case OPTION_FLAG:
		json_set_bool(to, name, 1);
		break;
	case OPTION_TEXT:
		json_set_string(to, name, draw_text(text));
		break;
	case OPTION_PATH:
	case OPTION_PATHS:
		path = xasprintf("/%s", draw_text(text));
		if (o->kind == OPTION_PATH)
			json_set_string(to, name, path);
		else
			value_push_string(to, name, path);
		free(path);
		break;
	case OPTION_TEXTS:
		for (int64_t n = 1 + below(3); n > 0; n--)
			value_push_string(to, name, draw_text(text));
		break;
	case OPTION_INT:
		json_set_int(to, name, below(2000) - 1000);
		break;
	case OPTION_COUNT:
		json_set_int(to, name, 1 + below(2000));
		break;
	case OPTION_SIZE:
		json_set_int(to, name, (1 + below(5000)) << (10 * below(4)));
		break;
	case OPTION_DURATION:
	case OPTION_SPAN:
		json_set_int(to, name, 1 + below(1 << 30) * (1 + below(900000)));
		break;
	case OPTION_INSTANT:
		json_set_string(to, name, instant_print((instant){ 1 + below(1 << 30) * 1000003 }, text));
		break;
	case OPTION_FILE:
	case OPTION_ZONE:
		break;
	}
}

/* One of the options that are several fields. */
static void
draw_composites(struct cJSON *spec)
{
	if (below(3) == 0) {
		json_set_string(spec, "misfire", "all");
		if (below(2) == 0)
			json_set_int(spec, "misfireLimit", 1 + below(1000));
	}
	if (below(3) == 0) {
		json_set_string(spec, "overlap", "queue");
		if (below(2) == 0)
			json_set_int(spec, "overlapLimit", 1 + below(1000));
	}
	if (below(3) == 0) {
		bool fixed = below(2) == 0;

		if (fixed)
			json_set_string(spec, "backoff", "fixed");
		if (below(2) == 0)
			json_set_int(spec, "backoffUSec", 1 + below(1 << 30));
		if (!fixed && below(2) == 0)
			json_set_int(spec, "backoffMaxUSec", 1 + below(1 << 30));
	}
	if (below(2) == 0)
		json_set_int(spec, "keepRuns", below(2) ? -1 : 1 + below(100));
	if (below(2) == 0)
		json_set_int(spec, "keepUSec", below(2) ? -1 : 1 + below(1 << 30));
	if (below(2) == 0)
		json_set_int(spec, "keepOutputBytes", below(2) ? -1 : 1 + below(1 << 30));
	json_set_string(spec, "name", "a.b@c:d-1");
}

static struct cJSON *
draw_spec(void)
{
	static const char *const kinds[] = { "command", "http", "timer", "heartbeat" };
	const char *kind = kinds[below(4)];
	struct cJSON *spec = json_object(), *part = json_object();
	bool heartbeat = strcmp(kind, "heartbeat") == 0;
	const struct option *o;
	char text[64];

	if (heartbeat)
		json_set_bool(spec, kind, true);
	else
		json_set(spec, kind, part);
	for (o = spec_options; o->name; o++) {
		const char *dot = o->field ? strchr(o->field, '.') : NULL;
		bool whole = o->field && (strcmp(o->field, "misfire") == 0 || strcmp(o->field, "name") == 0 ||
		    strcmp(o->field, "overlap") == 0 || strcmp(o->field, "backoff") == 0 ||
		    strcmp(o->field, "keepRuns") == 0 || strcmp(o->field, "key") == 0 ||
		    strcmp(o->field, "heartbeat") == 0);

		if (!o->field || whole || (dot && strncmp(o->field, kind, (size_t)(dot - o->field)) != 0))
			continue;
		if (below(4) == 0)
			draw_value(dot ? part : spec, o, dot ? dot + 1 : o->field);
	}
	draw_composites(spec);
	for (o = spec_heartbeat_options; heartbeat && o->name; o++) {
		if (below(4) == 0)
			draw_value(spec, o, o->field);
	}
	if (heartbeat)
		json_free(part);
	if (strcmp(kind, "http") == 0) {
		json_set_string(part, "url", draw_text(text));
		if (below(2) == 0)
			json_set_string(part, "basicAuth", draw_text(text));
	}
	if (strcmp(kind, "timer") == 0)
		json_set_int(part, "durationUSec", 1 + below(1 << 30));
	if (strcmp(kind, "command") == 0) {
		json_remove(part, "argv");
		if (below(3) == 0) {
			value_push_string(part, "argv", "/bin/sh");
			value_push_string(part, "argv", "-c");
		}
		for (int64_t n = 1 + below(3); n > 0; n--)
			value_push_string(part, "argv", below(8) == 0 ? "" : draw_text(text));
	}
	return spec;
}

/* As jobd would hold it: members in the order of the table. */
static char *
normal(const struct cJSON *spec)
{
	struct job_spec s = { 0 };
	struct field_error error;
	struct cJSON *json;
	char *text;

	assert_int_equal(fields_read_lax(spec, job_spec_fields, &s, &error), JOBD_OK);
	json = fields_write(job_spec_fields, &s);
	text = json_print(json);
	json_free(json);
	job_spec_done(&s);
	return text;
}

static void
what_is_printed_is_read_back_to_the_same(void **state)
{
	(void)state;
	for (int i = 0; i < SPECS; i++) {
		struct cJSON *spec = draw_spec();
		char *text = jobfile_print(spec), *copy = xstrdup(text), *again, *was, *is;
		struct jobfiles files = { 0 };

		if (jobfiles_read_text("a.job", NULL, copy, &files) != 0)
			fail_msg("spec %d is not read:\n%s", i, text);
		assert_int_equal(files.n, 1);
		was = normal(spec);
		is = normal(files.items[0]->args.parameters);
		if (strcmp(was, is) != 0)
			fail_msg("spec %d\n%s\n%s\n%s", i, text, was, is);
		again = jobfile_print(files.items[0]->args.parameters);
		assert_string_equal(text, again);
		jobfiles_done(&files);
		json_free(spec);
		free(text);
		free(copy);
		free(again);
		free(was);
		free(is);
	}
}

/* Whatever stands in a file, it is read or refused; nothing else happens. */
static void
nonsense_is_read_or_refused(void **state)
{
	static const char *const parts[] = { "[Job]", "[Schedule]", "[Command]", "[", "]", "\n", "\n", "\n", "=", "Name",
	    "Every", "Command", "Shell", "Url", "Keep", "Backoff", "Misfire", "Overlap", "TimeZone", "At", "a",
	    "1h", "5", "\"", "'", "\\", " ", "\t", "#", ";", "%", "%i", "all,", ":", "..", "exp:", "\xc3\xa4", "," };
	struct buf said = { 0 };

	(void)state;
	complain_into(&said);
	for (int i = 0; i < 20 * SPECS; i++) {
		struct jobfiles files = { 0 };
		char text[512] = "";

		for (int64_t n = below(40); n > 0; n--)
			strcat(text, parts[below((int64_t)(sizeof(parts) / sizeof(parts[0])))]);
		complain_into(&said);
		(void)jobfiles_read_text("a.job", "a", text, &files);
		jobfiles_done(&files);
		buf_reset(&said);
	}
	complain_into(NULL);
	buf_done(&said);
}

static void
every_option_has_a_key_of_its_own(void **state)
{
	char a[KEY_TEXT_MAX], b[KEY_TEXT_MAX];

	(void)state;
	for (const struct option *o = spec_options; o->name; o++) {
		for (const struct option *p = spec_options; p < o; p++)
			assert_string_not_equal(option_key(o, a), option_key(p, b));
	}
}

static void
words_are_split_as_a_shell_would(void **state)
{
	static const struct { const char *text, *words[4]; } rows[] = {
		{ "a b", { "a", "b" } }, { " a  'b c' ", { "a", "b c" } }, { "a\\ b", { "a b" } },
		{ "\"a\\nb\" ''", { "a\nb", "" } }, { "a'b'\"c\"", { "abc" } }, { "'a\\nb'", { "a\\nb" } },
		{ "\"\\x41\"", { "A" } }, { "", { NULL } }, { "'a", { NULL } }, { "a\\", { NULL } },
		{ "\"\\q\"", { NULL } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct strings words;
		size_t n = 0;

		while (n < 4 && rows[i].words[n])
			n++;
		assert_int_equal(words_split(rows[i].text, &words) == 0, n > 0);
		assert_int_equal(words.n, n);
		for (size_t k = 0; k < n; k++)
			assert_string_equal(words.items[k], rows[i].words[k]);
		strings_done(&words);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_printed_is_read_back_to_the_same),
		cmocka_unit_test(nonsense_is_read_or_refused),
		cmocka_unit_test(every_option_has_a_key_of_its_own),
		cmocka_unit_test(words_are_split_as_a_shell_would),
	};

	return cmocka_run_group_tests_name("client_jobfile", tests, NULL, NULL);
}
