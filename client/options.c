/*
 * options: see options.h.  getopt_long() is not used because it takes any unambiguous
 * beginning of a name, so that a script breaks on the day an option is added; because
 * it keeps state in globals; and because it cannot say what was probably meant.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/file.h"
#include "client/options.h"
#include "client/output.h"
#include "client/value.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "proto/suggest.h"
#include "proto/when.h"

const struct option global_options[] = {
	{ .name = "socket", .argument = "PATH", .kind = OPTION_TEXT, .help = "where jobd listens" },
	{ 'H', "host", "USER@BOX", OPTION_TEXT, 0, NULL, NULL, "run jobctl there, by ssh" },
	{ .name = "json", .help = "the reply as JSON, one object a line" },
	{ .name = "utc", .help = "times in UTC instead of the local zone" },
	{ .name = "no-headers", .help = "tables without their first line" },
	{ .name = "color", .argument = "WHEN", .kind = OPTION_TEXT,
	    .help = "auto, always or never" },
	{ .name = "no-pager", .help = "long lists as they are, also on a terminal" },
	{ 'h', "help", NULL, OPTION_FLAG, 0, NULL, NULL, "show this" },
	{ 'V', "version", NULL, OPTION_FLAG, 0, NULL, NULL, "show the version" },
	{ 0 },
};

/* ---- values ---- */

int
size_parse(const char *text, int64_t *ret)
{
	static const char units[] = "KMGT";
	char *end;
	long long n;
	const char *unit;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno)
		return -EINVAL;
	unit = *end ? strchr(units, *end & ~0x20) : NULL;
	if (unit) {
		int shift = 10 * (int)(unit - units + 1);

		if (n > INT64_MAX >> shift)
			return -EINVAL;
		n <<= shift;
		end++;
		if (*end == 'i')
			end++;
	}
	if (*end == 'B')
		end++;
	if (*end)
		return -EINVAL;
	*ret = n;
	return 0;
}

static int
int_parse(const char *text, int64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoll(text, &end, 10);
	return errno || end == text || *end ? -EINVAL : 0;
}

/* A file name of the client's, so that it means the same to the daemon. */
static char *
path_absolute(const char *path)
{
	char here[PATH_MAX];

	if (path[0] == '/' || !getcwd(here, sizeof(here)))
		return xstrdup(path);
	if (strcmp(path, ".") == 0)
		return xstrdup(here);
	return xasprintf("%s/%s", strcmp(here, "/") == 0 ? "" : here, path);
}

/* The object that holds the last part of a path like http.url; made when it is missing. */
static struct cJSON *
holder(struct cJSON *object, const char **path)
{
	const char *dot = strchr(*path, '.');
	struct cJSON *sub;
	char *name;

	if (!dot)
		return object;
	name = xstrndup(*path, (size_t)(dot - *path));
	sub = json_get(object, name);
	if (!sub) {
		sub = json_object();
		json_set(object, name, sub);
	}
	free(name);
	*path = dot + 1;
	return sub;
}

static int
refuse(const struct given *g, const char *what)
{
	char name[64];

	complain("%s: \"%s\" is not %s", given_print(g, name), g->value, what);
	return EXIT_USAGE;
}

/* Of these 0 would mean "as if it were not given", which is not what was typed. */
static bool
is_positive(enum option_kind kind)
{
	return kind == OPTION_COUNT || kind == OPTION_SIZE || kind == OPTION_SPAN;
}

static int
number_store(struct cJSON *to, const char *name, const struct given *g)
{
	char option[64], longest[WHEN_TEXT_MAX];
	int64_t n = 0;
	int r;

	switch (g->option->kind) {
	case OPTION_INT:
	case OPTION_COUNT:
		if (int_parse(g->value, &n) < 0)
			return refuse(g, "a number");
		break;
	case OPTION_SIZE:
		if (size_parse(g->value, &n) < 0)
			return refuse(g, "a size, like 64K or 8M");
		break;
	case OPTION_DURATION:
	case OPTION_SPAN:
		r = duration_parse(g->value, &n);
		if (r == -ERANGE) {
			complain("%s: %s is too long; the longest is %s", given_print(g, option),
			    g->value, duration_print(DURATION_MAX, longest));
			return EXIT_USAGE;
		}
		if (r < 0)
			return refuse(g, "a duration, like 90s, 15m or 1h30m");
		break;
	case OPTION_FLAG:
	case OPTION_TEXT:
	case OPTION_TEXTS:
	case OPTION_INSTANT:
	case OPTION_PATH:
	case OPTION_FILE:
	case OPTION_PATHS:
	case OPTION_ZONE:
		break;
	}
	if (n <= 0 && is_positive(g->option->kind)) {
		complain("%s: must be more than 0", given_print(g, option));
		return EXIT_USAGE;
	}
	if (to)
		json_set_int(to, name, n);
	return 0;
}

/* Longer ones belong on disk; the daemon's own limits are no higher. */
#define FILE_BYTES_MAX	((size_t)64 * 1024)

/* What is in a file, for the parameters. */
static int
take_file(const struct given *g, struct cJSON *to, const char *name)
{
	char *text = NULL, option[64];
	int r = text_load(g->value, FILE_BYTES_MAX, &text);

	if (r == 0 && !utf8_valid(text, strlen(text)))
		r = -EILSEQ;
	if (r == 0)
		json_set_string(to, name, text);
	else
		complain("%s: %s: %s", given_print(g, option), g->value, r == -EMSGSIZE ? "it is longer than 64 KiB" :
		    r == -EILSEQ ? "it is not text in UTF-8" : strerror(-r));
	free(text);
	return r ? EXIT_USAGE : 0;
}

void
zone_set(const char *name)
{
	if (name)
		setenv("TZ", name, 1);
	else
		unsetenv("TZ");
	tzset();
}

/*
 * Times that are typed are of this zone's clocks.  Whether there is such a zone the daemon says
 * where it is asked; a name of none must not become UTC in silence.
 */
static void
zone_use(const char *name)
{
	char *path = xasprintf("/usr/share/zoneinfo/%s", name);

	if (access(path, R_OK) == 0)
		zone_set(name);
	free(path);
}

static int
instant_store(struct cJSON *to, const char *name, const struct given *g)
{
	char text[WHEN_TEXT_MAX];
	instant at;

	if (instant_parse_human(g->value, instant_now(), &at) < 0)
		return refuse(g,
		    "a time, like 18:30, \"tomorrow 06:00\", +2h or 2030-01-31T18:30:00Z");
	if (to)
		json_set_string(to, name, instant_print(at, text));
	return 0;
}

/* Check the value, and put it where the row says. */
static int
value_store(struct args *a, const struct given *g)
{
	const char *name = g->option->field;
	struct cJSON *to = name ? holder(a->parameters, &name) : NULL;
	char *path;

	switch (g->option->kind) {
	case OPTION_INT:
	case OPTION_COUNT:
	case OPTION_SIZE:
	case OPTION_DURATION:
	case OPTION_SPAN:
		return number_store(to, name, g);
	case OPTION_INSTANT:
		return instant_store(to, name, g);
	case OPTION_FLAG:
		if (to && !json_get(to, name))
			json_set_bool(to, name, 1);
		return 0;
	case OPTION_TEXT:
		if (to)
			json_set_string(to, name, g->value);
		return 0;
	case OPTION_TEXTS:
		if (to)
			value_push_string(to, name, g->value);
		return 0;
	case OPTION_ZONE:
		zone_use(g->value);
		if (to)
			json_set_string(to, name, g->value);
		return 0;
	case OPTION_PATHS:
		path = path_absolute(g->value);
		if (to)
			value_push_string(to, name, path);
		free(path);
		return 0;
	case OPTION_PATH:
		path = path_absolute(g->value);
		if (to)
			json_set_string(to, name, path);
		free(path);
		return 0;
	case OPTION_FILE:
		return to ? take_file(g, to, name) : 0;
	}
	return 0;
}

/* ---- argv ---- */

static const struct option *
table_find(const struct option *table, unsigned verb, const char *name, char letter)
{
	for (; table && table->name; table++) {
		if (table->not_for & verb)
			continue;
		if (name ? strcmp(table->name, name) == 0 : letter && table->letter == letter)
			return table;
	}
	return NULL;
}

static const struct option *
option_find(const struct args *a, const char *name, char letter)
{
	const struct option *o = table_find(a->options, a->verb, name, letter);

	return o ? o : table_find(global_options, a->verb, name, letter);
}

static int
unknown(const struct args *a, const char *name)
{
	const struct option *tables[] = { a->options, global_options }, *o;
	const char *candidates[128], *meant;
	size_t i, n = 0;

	for (i = 0; i < 2; i++)
		for (o = tables[i]; o && o->name && n < 127; o++)
			if (!(o->not_for & a->verb))
				candidates[n++] = o->name;
	candidates[n] = NULL;
	meant = suggest(name, candidates);
	if (meant)
		complain("unknown option --%s; did you mean --%s?", name, meant);
	else
		complain("unknown option --%s", name);
	return EXIT_USAGE;
}

/* Note an option and its value. */
static int
take(struct args *a, const struct given *g)
{
	char name[64];
	size_t i;

	for (i = 0; i < a->n_given; i++) {
		if (a->given[i].option != g->option || g->option->kind == OPTION_FLAG ||
		    g->option->kind == OPTION_TEXTS)
			continue;
		complain("%s is given twice", given_print(g, name));
		return EXIT_USAGE;
	}
	if (g->value && !utf8_valid(g->value, strlen(g->value))) {
		complain("%s: the value is not valid UTF-8", given_print(g, name));
		return EXIT_USAGE;
	}
	a->given = xrealloc(a->given, (a->n_given + 1) * sizeof(*a->given));
	a->given[a->n_given++] = *g;
	return g->option->kind == OPTION_INSTANT ? 0 : value_store(a, g);
}

int
args_read_times(struct args *a)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < a->n_given; i++)
		if (a->given[i].option->kind == OPTION_INSTANT)
			r = value_store(a, &a->given[i]);
	return r;
}

/* yes or no; what is no is as if it were not there. */
static int
flag_take(struct args *a, const struct given *g)
{
	static const char *const words[][4] = {
		{ "yes", "true", "on", "1" }, { "no", "false", "off", "0" },
	};

	for (size_t i = 0; i < 4; i++) {
		if (strcmp(g->value, words[0][i]) == 0)
			return take(a, g);
		if (strcmp(g->value, words[1][i]) == 0)
			return 0;
	}
	return refuse(g, "yes or no");
}

int
args_take_key(struct args *a, const struct option *option, const char *value, int line)
{
	const struct given g = { .option = option, .value = value, .at = line, .key = true };
	instant at;

	if (!a->parameters)
		a->parameters = json_object();
	a->keys = true;
	if (option->kind == OPTION_FLAG)
		return flag_take(a, &g);
	/* What is read again and again must mean the same each time, and to everybody. */
	if ((option->kind == OPTION_PATH || option->kind == OPTION_PATHS || option->kind == OPTION_FILE) && value[0] != '/')
		return refuse(&g, "a path that begins with /");
	if (option->kind == OPTION_INSTANT && instant_parse_human(value, instant_now(), &at) == 0 &&
	    (strlen(value) < 10 || value[4] != '-' || value[7] != '-'))
		return refuse(&g, "a time with its date, like 2030-01-31T18:30:00Z");
	return take(a, &g);
}

static int
read_long(struct args *a, int argc, char **argv, int *at)
{
	const char *text = argv[*at] + 2, *equals = strchr(text, '=');
	char *name = equals ? xstrndup(text, (size_t)(equals - text)) : xstrdup(text);
	struct given g = { .option = option_find(a, name, 0), .at = *at };
	int r = 0;

	(*at)++;
	if (!g.option) {
		r = unknown(a, name);
	} else if (g.option->kind == OPTION_FLAG) {
		if (equals) {
			complain("--%s takes no value", name);
			r = EXIT_USAGE;
		}
	} else if (equals) {
		g.value = equals + 1;
	} else if (*at < argc) {
		g.value = argv[(*at)++];
	} else {
		complain("--%s needs a value: --%s %s", name, name, g.option->argument);
		r = EXIT_USAGE;
	}
	free(name);
	return r ? r : take(a, &g);
}

/* Letters: flags may stand together, and a value may follow its letter at once. */
static int
read_letters(struct args *a, int argc, char **argv, int *at)
{
	const char *letter = argv[*at] + 1;
	int here = *at, r = 0;

	(*at)++;
	for (; r == 0 && *letter; letter++) {
		struct given g = { .option = option_find(a, NULL, *letter), .cut = true, .at = here };

		if (!g.option) {
			complain("unknown option -%c", *letter);
			return EXIT_USAGE;
		}
		if (g.option->kind == OPTION_FLAG) {
			r = take(a, &g);
			continue;
		}
		if (letter[1])
			g.value = letter + 1;
		else if (*at < argc)
			g.value = argv[(*at)++];
		if (g.value)
			return take(a, &g);
		complain("-%c needs a value: -%c %s", *letter, *letter, g.option->argument);
		return EXIT_USAGE;
	}
	return r;
}

int
args_read(struct args *a, int argc, char **argv, int *at, bool only_globals)
{
	bool words_only = false;
	int r = 0;

	if (!a->parameters)
		a->parameters = json_object();
	while (r == 0 && *at < argc) {
		char *word = argv[*at];

		if (words_only || word[0] != '-' || word[1] == '\0') {
			if (only_globals)
				return 0;
			if (!utf8_valid(word, strlen(word))) {
				complain("\"%s\" is not valid UTF-8", word);
				return EXIT_USAGE;
			}
			a->words = xrealloc(a->words, (a->n_words + 1) * sizeof(*a->words));
			a->words[a->n_words++] = word;
			words_only = words_only || a->options_first;
			(*at)++;
		} else if (strcmp(word, "--") == 0) {
			words_only = true;
			(*at)++;
		} else if (word[1] == '-') {
			r = read_long(a, argc, argv, at);
		} else {
			r = read_letters(a, argc, argv, at);
		}
	}
	return r ? r : args_read_times(a);
}

void
args_done(struct args *a)
{
	free(a->given);
	free(a->words);
	json_free(a->parameters);
	memset(a, 0, sizeof(*a));
}

const struct given *
args_given(const struct args *a, const char *name)
{
	size_t i;

	for (i = 0; i < a->n_given; i++)
		if (strcmp(a->given[i].option->name, name) == 0)
			return &a->given[i];
	return NULL;
}

bool
args_flag(const struct args *a, const char *name)
{
	return args_given(a, name) != NULL;
}

const char *
args_text(const struct args *a, const char *name)
{
	const struct given *g = args_given(a, name);

	return g ? g->value : NULL;
}

int64_t
args_int(const struct args *a, const char *name, int64_t otherwise)
{
	const struct given *g = args_given(a, name);
	int64_t n = otherwise;

	if (g)
		(void)int_parse(g->value, &n);	/* checked when it was taken */
	return n;
}

const char *
given_print(const struct given *g, char out[64])
{
	if (g->key)
		option_key(g->option, out);
	else if (g->cut)
		snprintf(out, 64, "-%c", g->option->letter);
	else
		snprintf(out, 64, "--%s", g->option->name);
	return out;
}

/* Words that are short on a command line, and whole in a file. */
static const struct {
	const char *option, *key;
} whole_keys[] = {
	{ "sh", "Shell" }, { "tz", "TimeZone" }, { "desc", "Description" }, { "env", "Environment" },
	{ "env-file", "EnvironmentFile" }, { "http", "Url" }, { "timer", "Duration" },
	{ "ip", "IpVersion" },
};

const char *
option_key(const struct option *o, char out[KEY_TEXT_MAX])
{
	const char *from = o->name;
	bool capital = true;
	size_t n = 0;

	for (size_t i = 0; i < sizeof(whole_keys) / sizeof(whole_keys[0]); i++) {
		if (strcmp(whole_keys[i].option, o->name) == 0) {
			snprintf(out, KEY_TEXT_MAX, "%s", whole_keys[i].key);
			return out;
		}
	}
	for (; *from && n < KEY_TEXT_MAX - 1; from++) {
		if (*from != '-')
			out[n++] = capital && *from >= 'a' ? (char)(*from - 'a' + 'A') : *from;
		capital = *from == '-';
	}
	out[n] = '\0';
	return out;
}

/* Without the jobs[0]., spec. or edits[0].spec. in front, and without [3] behind. */
static char *
field_bare(const char *field)
{
	char *bare, *bracket;
	const char *of = strncmp(field, "jobs[", 5) == 0 || strncmp(field, "edits[", 6) == 0 ? strstr(field, "].") : NULL;

	if (of)
		field = of + 2;
	if (strncmp(field, "spec.", 5) == 0)
		field += 5;
	bare = xstrdup(field);
	bracket = strchr(bare, '[');
	if (bracket)
		*bracket = '\0';
	return bare;
}

/* Some, like failAfter, are fields of the job as well as of one of its parts. */
static bool
option_is_of(const struct option *o, const char *bare)
{
	const char *dot = strchr(o->field, '.');

	return strcmp(o->field, bare) == 0 || (dot && strcmp(dot + 1, bare) == 0);
}

char *
args_option_of(const struct args *a, const char *field)
{
	char *bare = field_bare(field), *found = NULL;
	const struct option *o;
	char key[KEY_TEXT_MAX];

	for (o = a->options; !found && o && o->name; o++) {
		if (!o->field || !option_is_of(o, bare))
			continue;
		if (a->keys)
			found = xstrdup(option_key(o, key));
		else if (o->letter)
			found = xasprintf("--%s (-%c)", o->name, o->letter);
		else
			found = xasprintf("--%s", o->name);
	}
	free(bare);
	return found;
}

/* The option of the command whose field ends in this word of n bytes, its unit apart, or NULL. */
static const struct option *
option_by_word(const struct args *a, const char *word, size_t n)
{
	const struct option *o;

	for (o = a->options; o && o->name; o++) {
		const char *dot = o->field ? strrchr(o->field, '.') : NULL;
		const char *last = dot ? dot + 1 : o->field;

		if (last && strncmp(last, word, n) == 0 && (!last[n] || strcmp(last + n, "USec") == 0))
			return o;
	}
	return NULL;
}

char *
args_reason_of(const struct args *a, const char *reason)
{
	static const char letters[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	/* In these words are fields; elsewhere "from" and "at" are but words. */
	static const char *const of_fields_words[] = { "exclude one another", "only one of",
	    "says when", "say when", "it is for ", "before from", "after from" };
	bool of_fields = false;
	struct buf text = { 0 };
	char key[KEY_TEXT_MAX];

	for (size_t i = 0; i < sizeof(of_fields_words) / sizeof(of_fields_words[0]); i++)
		of_fields |= strstr(reason, of_fields_words[i]) != NULL;
	while (*reason) {
		size_t n = strspn(reason, letters), i;
		const struct option *o = NULL;
		bool camel = false;

		for (i = 0; i < n; i++)
			camel |= i > 0 && reason[i] < 'a';
		if (n > 0 && (of_fields || camel))
			o = option_by_word(a, reason, n);
		if (o && a->keys)
			buf_puts(&text, option_key(o, key));
		else if (o)
			buf_printf(&text, "--%s", o->name);
		else
			buf_append(&text, reason, n ? n : 1);
		reason += n ? n : 1;
	}
	return buf_steal(&text);
}
