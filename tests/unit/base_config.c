/*
 * What config.h promises.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/base/config.h"
#include "proto/fields.h"
#include "proto/mem.h"
#include "proto/when.h"

struct settings {
	char	*socket;
	char	*nothing;
	int64_t	 connections;
	int64_t	 message;
	usec_t	 grace;
	bool	 verify;
};

#define AT(member) offsetof(struct settings, member)

static const struct config_key keys[] = {
	{ "api", "socket", CONFIG_STRING, AT(socket), "/run/x", 0, 0, "Where to listen.", 0, NULL },
	{ "api", "nothing", CONFIG_STRING, AT(nothing), NULL, 0, 0, "Has no default.", 0, NULL },
	{ "limits", "connections", CONFIG_INT, AT(connections), "100", 1, 1000, "Most connections.", 0, NULL },
	{ "limits", "message", CONFIG_BYTES, AT(message), "1M", 1024, 16 << 20, "Longest message.", 0, NULL },
	{ "limits", "grace", CONFIG_DURATION, AT(grace), "10s", 0, USEC_HOUR, "Before KILL.", 0, NULL },
	{ "http", "verify", CONFIG_BOOL, AT(verify), "yes", 0, 0, "Verify certificates.", 0, NULL },
	{ 0 },
};

struct world {
	char		 folder[32];
	char		*file;
	struct settings	 s;
	char		 error[CONFIG_ERROR_MAX];
};

static int
setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	char *drop_ins;

	snprintf(w->folder, sizeof(w->folder), "/tmp/jobd-config-XXXXXX");
	if (mkdtemp(w->folder) == NULL)
		return -1;
	w->file = xasprintf("%s/jobd.conf", w->folder);
	drop_ins = xasprintf("%s.d", w->file);
	if (mkdir(drop_ins, 0700) != 0)
		return -1;
	free(drop_ins);
	config_defaults(keys, &w->s);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = {
		"jobd.conf", "jobd.conf.d/10-b.conf", "jobd.conf.d/9-a.conf", "jobd.conf.d/A.conf",
		"jobd.conf.d/a.conf~", "jobd.conf.d/.hidden.conf", "jobd.conf.d", "",
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = xasprintf("%s/%s", w->folder, names[i]);

		(void)remove(path);
		free(path);
	}
	config_done(keys, &w->s);
	assert_null(w->s.socket);
	free(w->file);
	free(w);
	return 0;
}

static void
file_write(struct world *w, const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", w->folder, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	free(path);
}

/* The first mistake is in w->error. */
static int
read_named_first(struct world *w, const struct config_named *named, void *out, const char *file, int optional)
{
	struct strings mistakes = { 0 };
	int r = config_read(keys, named, out, file, optional, &mistakes);

	if (mistakes.n > 0)
		(void)snprintf(w->error, sizeof(w->error), "%s", mistakes.items[0]);
	strings_done(&mistakes);
	return r;
}

static int
read_first(struct world *w, const char *file, int optional)
{
	return read_named_first(w, NULL, &w->s, file, optional);
}

static int
config_text(struct world *w, const char *text)
{
	file_write(w, "jobd.conf", text);
	return read_first(w, w->file, 0);
}

static void
defaults_are_the_rows(void **state)
{
	struct world *w = *state;

	assert_string_equal(w->s.socket, "/run/x");
	assert_null(w->s.nothing);
	assert_int_equal(w->s.connections, 100);
	assert_int_equal(w->s.message, 1 << 20);
	assert_int_equal(w->s.grace, 10 * USEC_SEC);
	assert_true(w->s.verify);
}

static void
file_sets_values(void **state)
{
	struct world *w = *state;

	assert_int_equal(config_text(w, "# a comment\n"
	    "[api]\nsocket = /run/y z\nnothing=\n\n"
	    "[limits]\n  connections = 7 ; few\n\tmessage=64K\ngrace = 1m30s\n"
	    "[http]\nverify = off"), 0);

	assert_string_equal(w->s.socket, "/run/y z");
	assert_string_equal(w->s.nothing, "");
	assert_int_equal(w->s.connections, 7);
	assert_int_equal(w->s.message, 65536);
	assert_int_equal(w->s.grace, 90 * USEC_SEC);
	assert_false(w->s.verify);
}

static void
wrong_things_are_told_with_their_line(void **state)
{
	static const struct {
		const char	*text;
		const char	*error;
	} cases[] = {
		{ "[nope]\na=1\n", "jobd.conf:1: there is no section [nope]: it is [api], [limits] or [http]" },
		{ "\n[api]\nsokcet=1\n", "jobd.conf:3: there is no setting 'sokcet' in [api]; did you mean socket?" },
		{ "socket=1\n", "jobd.conf:1: 'socket' stands in no [section]" },
		{ "[limits]\nconnections=many\n", "jobd.conf:2: connections: 'many' is not a whole number" },
		{ "[limits]\nconnections=0\n", "jobd.conf:2: connections: must be 1 to 1000" },
		{ "[limits]\nconnections=99999999999999999999\n",
		    "jobd.conf:2: connections: '99999999999999999999' is not a whole number" },
		{ "[limits]\nmessage=5X\n",
		    "jobd.conf:2: message: '5X' is not a size (like 65536, 64K, 8M, 2G)" },
		{ "[limits]\ngrace=2h\n", "jobd.conf:2: grace: must be 0s to 1h" },
		{ "[limits]\ngrace=soon\n",
		    "jobd.conf:2: grace: 'soon' is not a duration (like 90s, 5m, 1h30m)" },
		{ "[limits]\ngrace=90\n", "jobd.conf:2: grace: '90' has no unit (like 90s, 5m, 30d)" },
		{ "[http]\nverify=maybe\n", "jobd.conf:2: verify: 'maybe' is neither yes nor no" },
		{ "[http]\n\nverify\n", "jobd.conf:3: neither '[section]' nor 'name = value'" },
		{ "[http]\nverify\n[nope]\na=1\n", "jobd.conf:2: neither '[section]' nor 'name = value'" },
		{ "[nope]\na=1\nverify\n", "jobd.conf:1: there is no section [nope]: it is [api], [limits] or [http]" },
		{ "[limits]\n[htttp]\n", "jobd.conf:2: there is no section [htttp]; did you mean [http]?" },
		{ "\xef\xbb\xbf[nope]\n", "jobd.conf:1: there is no section [nope]: it is [api], [limits] or [http]" },
		{ "[]\n", "jobd.conf:1: there is no section []: it is [api], [limits] or [http]" },
		{ "[http\n", "jobd.conf:1: neither '[section]' nor 'name = value'" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(config_text(w, cases[i].text), -EINVAL);
		assert_string_equal(w->error + strlen(w->folder) + 1, cases[i].error);
	}
	assert_int_equal(w->s.connections, 100);
}

static void
every_mistake_is_told_and_the_rest_is_read(void **state)
{
	struct world *w = *state;
	struct strings mistakes = { 0 };
	size_t n = strlen(w->folder) + 1;

	file_write(w, "jobd.conf", "[limits]\nconnections=many\nnonsense\n[http\nsokcet=1\ngrace=5s\n");
	file_write(w, "jobd.conf.d/10-b.conf", "[http]\nverify=maybe\nverify=no\n");
	assert_int_equal(config_read(keys, NULL, &w->s, w->file, 0, &mistakes), -EINVAL);
	assert_int_equal(mistakes.n, 5);
	assert_string_equal(mistakes.items[0] + n, "jobd.conf:2: connections: 'many' is not a whole number");
	assert_string_equal(mistakes.items[1] + n, "jobd.conf:3: neither '[section]' nor 'name = value'");
	assert_string_equal(mistakes.items[2] + n, "jobd.conf:4: neither '[section]' nor 'name = value'");
	assert_string_equal(mistakes.items[3] + n, "jobd.conf:5: there is no setting 'sokcet' in [limits]");
	assert_string_equal(mistakes.items[4] + n, "jobd.conf.d/10-b.conf:2: verify: 'maybe' is neither yes nor no");
	assert_int_equal(w->s.grace, 5 * USEC_SEC);
	assert_false(w->s.verify);
	strings_done(&mistakes);
}

static void
rows_are_compared_and_put_into_words(void **state)
{
	struct world *w = *state;
	struct settings other;
	char phrase[CONFIG_PHRASE_MAX];
	struct config_key key = keys[2];

	config_defaults(keys, &other);
	for (const struct config_key *k = keys; k->name != NULL; k++)
		assert_true(config_same(k, &w->s, &other));
	assert_int_equal(config_set(keys, &other, "api.nothing", "x", w->error), 0);
	assert_int_equal(config_set(keys, &other, "limits.connections", "5", w->error), 0);
	assert_false(config_same(&keys[1], &w->s, &other));
	assert_false(config_same(&keys[2], &w->s, &other));
	config_copy(&keys[1], &w->s, &other);
	config_copy(&keys[2], &w->s, &other);
	assert_string_equal(w->s.nothing, "x");
	assert_int_equal(w->s.connections, 5);
	config_done(keys, &other);

	assert_string_equal(config_phrase(&keys[0], phrase), "");
	assert_string_equal(config_phrase(&keys[2], phrase), "A number, 1 to 1000.");
	assert_string_equal(config_phrase(&keys[3], phrase), "A size, 1K to 16M.");
	assert_string_equal(config_phrase(&keys[4], phrase), "A duration, 0s to 1h.");
	assert_string_equal(config_phrase(&keys[5], phrase), "yes or no.");
	key.max = INT64_MAX;
	key.flags = CONFIG_RESTART;
	assert_string_equal(config_phrase(&key, phrase), "A number, at least 1. Read at the start alone.");
}

static void
line_too_long_is_an_error_and_not_cut(void **state)
{
	struct world *w = *state;
	char text[400] = "[api]\nsocket = ";

	memset(text + strlen(text), 'x', 300);
	assert_int_equal(config_text(w, text), -EINVAL);
	assert_string_equal(w->error + strlen(w->folder) + 1,
	    "jobd.conf:2: the line is longer than 198 bytes");
}

static void
drop_ins_follow_in_the_order_of_bytes(void **state)
{
	struct world *w = *state;

	file_write(w, "jobd.conf.d/9-a.conf", "[limits]\nconnections=9\ngrace=9s\n");
	file_write(w, "jobd.conf.d/10-b.conf", "[limits]\nconnections=10\n[http]\nverify=no\n");
	file_write(w, "jobd.conf.d/A.conf", "[limits]\ngrace=5s\n");
	file_write(w, "jobd.conf.d/a.conf~", "[limits]\ngrace=6s\n");
	file_write(w, "jobd.conf.d/.hidden.conf", "[limits]\ngrace=7s\n");

	assert_int_equal(config_text(w, "[limits]\nconnections=1\n"), 0);
	assert_int_equal(w->s.connections, 9);
	assert_int_equal(w->s.grace, 5 * USEC_SEC);
	assert_false(w->s.verify);

	file_write(w, "jobd.conf.d/A.conf", "[limits]\n\nfoo=1\n");
	assert_int_equal(read_first(w, w->file, 0), -EINVAL);
	assert_string_equal(w->error + strlen(w->folder) + 1,
	    "jobd.conf.d/A.conf:3: there is no setting 'foo' in [limits]");
}

static void
missing_file_is_fine_only_when_optional(void **state)
{
	struct world *w = *state;

	file_write(w, "jobd.conf.d/9-a.conf", "[limits]\nconnections=9\n");

	assert_int_equal(read_first(w, w->file, 0), -ENOENT);
	assert_string_equal(w->error + strlen(w->folder) + 1, "jobd.conf: No such file or directory");
	assert_int_equal(read_first(w, w->file, 1), 0);
	assert_int_equal(w->s.connections, 9);
	/* A folder is there, but it is no file. */
	assert_int_equal(read_first(w, w->folder, 1), -EISDIR);
}

static void
command_line_sets_one(void **state)
{
	struct world *w = *state;

	assert_int_equal(config_set(keys, &w->s, "limits.connections", "5", w->error), 0);
	assert_int_equal(w->s.connections, 5);
	assert_int_equal(config_set(keys, &w->s, "limits.connections", "5000", w->error), -EINVAL);
	assert_string_equal(w->error, "limits.connections: must be 1 to 1000");
	assert_int_equal(config_set(keys, &w->s, "connections", "5", w->error), -EINVAL);
	assert_string_equal(w->error, "'connections' is not section.name");
	assert_int_equal(config_set(keys, &w->s, "lim.connections", "5", w->error), -EINVAL);
	assert_string_equal(w->error, "there is no section [lim]; did you mean [limits]?");
	assert_int_equal(w->s.connections, 5);
}

static void
sizes_are_parsed_or_refused(void **state)
{
	static const char *const bad[] = {
		"", "K", "-1", "1KB", "1 K", "1.5M", "9223372036854775808", "9007199254740992K", "1P", " 1",
	};
	int64_t n = 0;

	(void)state;
	assert_int_equal(bytes_parse("0", &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(bytes_parse("9223372036854775807", &n), 0);
	assert_int_equal(n, INT64_MAX);
	assert_int_equal(bytes_parse("3g", &n), 0);
	assert_int_equal(n, (int64_t)3 << 30);
	assert_int_equal(bytes_parse("2T", &n), 0);
	assert_int_equal(n, (int64_t)2 << 40);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(bytes_parse(bad[i], &n), -EINVAL);
	assert_int_equal(n, (int64_t)2 << 40);
}

/* ---- sections that have names ---- */

struct thing {
	char		*name, *text;
	usec_t		 time;
	struct strings	 lines;
};

struct things {
	struct settings	s;
	struct thing	items[2];
	size_t		n;
};

static const struct config_key thing_keys[] = {
	{ "thing", "text", CONFIG_STRING, offsetof(struct thing, text), "none", 0, 0, "A text.", 0, NULL },
	{ "thing", "time", CONFIG_DURATION, offsetof(struct thing, time), "5s", 0, USEC_HOUR, "A time.", 0, NULL },
	{ "thing", "line", CONFIG_STRINGS, offsetof(struct thing, lines), NULL, 0, 0, "A line.", 0, NULL },
	{ 0 },
};

static void *
thing_element(void *out, const char *name, const char **reason)
{
	struct things *all = out;

	for (size_t i = 0; i < all->n; i++) {
		if (strcmp(all->items[i].name, name) == 0)
			return &all->items[i];
	}
	*reason = "there are two already";
	if (all->n == 2)
		return NULL;
	config_defaults(thing_keys, &all->items[all->n]);
	all->items[all->n].name = xstrdup(name);
	return &all->items[all->n++];
}

static const struct config_named thing_sections = { "thing", thing_keys, thing_element, NULL };

static int
things_text(struct world *w, struct things *all, const char *text)
{
	file_write(w, "jobd.conf", text);
	memset(all, 0, sizeof(*all));
	config_defaults(keys, &all->s);
	return read_named_first(w, &thing_sections, all, w->file, 0);
}

static void
things_done(struct things *all)
{
	for (size_t i = 0; i < all->n; i++) {
		config_done(thing_keys, &all->items[i]);
		free(all->items[i].name);
	}
	config_done(keys, &all->s);
}

static void
sections_with_names_are_things_of_their_own(void **state)
{
	struct things all;

	assert_int_equal(things_text(*state, &all, "[thing a]\ntext = x\nline = 1\nline = 2\n"
	    "[api]\nsocket = /s\n[thing b]\ntime = 7s\n[thing a]\ntime = 8s\n"), 0);
	assert_int_equal(all.n, 2);
	assert_string_equal(all.items[0].text, "x");
	assert_int_equal(all.items[0].time, 8 * USEC_SEC);
	assert_int_equal(all.items[0].lines.n, 2);
	assert_string_equal(all.items[0].lines.items[1], "2");
	assert_string_equal(all.items[1].text, "none");
	assert_int_equal(all.items[1].time, 7 * USEC_SEC);
	assert_string_equal(all.s.socket, "/s");
	things_done(&all);
}

static void
one_without_a_setting_is_there_all_the_same(void **state)
{
	struct things all;

	assert_int_equal(things_text(*state, &all, "[thing a]\n"), 0);
	assert_int_equal(all.n, 1);
	things_done(&all);
}

static void
values_in_them_are_not_cut_at_a_semicolon(void **state)
{
	struct things all;

	assert_int_equal(things_text(*state, &all, "[thing a]\n  text = echo a=1 ; echo b: \t\nline=x\n"), 0);
	assert_string_equal(all.items[0].text, "echo a=1 ; echo b:");
	assert_string_equal(all.items[0].lines.items[0], "x");
	things_done(&all);
}

static void
what_is_wrong_in_them_is_told(void **state)
{
	struct world *w = *state;
	struct things all;

	assert_int_equal(things_text(w, &all, "[thing a]\nbad = 1\n"), -EINVAL);
	assert_non_null(strstr(w->error, ":2: there is no setting 'bad' in [thing]"));
	things_done(&all);
	assert_int_equal(things_text(w, &all, "[thing a]\nline = 1\n[thing b]\nline = 1\n[thing c]\nline = 1\n"),
	    -EINVAL);
	assert_non_null(strstr(w->error, ":5: [thing c]: there are two already"));
	things_done(&all);
	assert_int_equal(things_text(w, &all, "[thin a]\nline = 1\n"), -EINVAL);
	assert_non_null(strstr(w->error, "there is no section [thin a]"));
	things_done(&all);
	assert_int_equal(things_text(w, &all, "[api]\nsocket = /s\n\n[thing]\nline = 1\n"), -EINVAL);
	assert_non_null(strstr(w->error, ":4: it needs a name: [thing NAME]"));
	things_done(&all);
	assert_int_equal(things_text(w, &all, "[thng]\n"), -EINVAL);
	assert_non_null(strstr(w->error, ":1: there is no section [thng]; did you mean [thing NAME]?"));
	things_done(&all);
}

#define CONFIG_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CONFIG_TEST(defaults_are_the_rows),
		CONFIG_TEST(file_sets_values),
		CONFIG_TEST(wrong_things_are_told_with_their_line),
		CONFIG_TEST(every_mistake_is_told_and_the_rest_is_read),
		CONFIG_TEST(rows_are_compared_and_put_into_words),
		CONFIG_TEST(line_too_long_is_an_error_and_not_cut),
		CONFIG_TEST(drop_ins_follow_in_the_order_of_bytes),
		CONFIG_TEST(missing_file_is_fine_only_when_optional),
		CONFIG_TEST(command_line_sets_one),
		CONFIG_TEST(sections_with_names_are_things_of_their_own),
		CONFIG_TEST(one_without_a_setting_is_there_all_the_same),
		CONFIG_TEST(values_in_them_are_not_cut_at_a_semicolon),
		CONFIG_TEST(what_is_wrong_in_them_is_told),
		cmocka_unit_test(sizes_are_parsed_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
