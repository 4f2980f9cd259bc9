/*
 * config: see config.h.  Every setting is a row; this file knows none of them.  All
 * that is wrong is told with its file and line, and nothing is guessed: a typing
 * error must not become a default in silence.
 */
#include "daemon/base/config.h"

#include <dirent.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/must.h"
#include "proto/fields.h"
#include "proto/mem.h"
#include "proto/suggest.h"
#include "proto/when.h"

/* What a value's error says. */
#define REASON_MAX 160

/* Sections, and settings of one, that are looked at for what was meant. */
#define CANDIDATES_MAX 64

/* One file being read. */
struct reading {
	const struct config_key	*keys;
	const struct config_named *named;	/* or NULL */
	void			*out;
	struct strings		*mistakes;
	const char		*path;
	FILE			*file;
	int			 line;		/* of what was read last */
	char			*whole;		/* that line */
	int			 error_line;	/* of the latest mistake; 0: none */
	bool			 unknown;	/* the section is: its settings are none, either */
	char			 reason[REASON_MAX];
};

/* Who has made so many is helped by no more of them. */
#define MISTAKES_MAX 100

static int __attribute__((format(printf, 2, 3)))
reason_print(char reason[REASON_MAX], const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(reason, REASON_MAX, format, ap);
	va_end(ap);
	return -EINVAL;
}

int
bytes_parse(const char *text, int64_t *ret)
{
	static const char units[] = "KMGT";
	const char *unit, *p = text;
	int64_t value = 0, factor = 1;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *p - '0', &value))
			return -EINVAL;
	}
	if (*p != '\0') {
		unit = strchr(units, *p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
		if (unit == NULL || p[1] != '\0')
			return -EINVAL;
		factor = (int64_t)1 << (10 * (unit - units + 1));
	}
	if (__builtin_mul_overflow(value, factor, &value))
		return -EINVAL;
	*ret = value;
	return 0;
}

static int
integer_parse(const char *text, int64_t *ret)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0 || text[0] == ' ')
		return -EINVAL;
	*ret = value;
	return 0;
}

static int
boolean_parse(const char *text, bool *ret)
{
	static const char *const words[][2] = {
		{ "no", "yes" }, { "false", "true" }, { "off", "on" }, { "0", "1" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		for (int value = 0; value < 2; value++) {
			if (strcmp(words[i][value], text) == 0) {
				*ret = value;
				return 0;
			}
		}
	}
	return -EINVAL;
}

/* Is the number within the row's bounds?  Both 0: it has none. */
static int
bounds_check(const struct config_key *key, int64_t value, char reason[REASON_MAX])
{
	char low[WHEN_TEXT_MAX], high[WHEN_TEXT_MAX];

	if ((key->min == 0 && key->max == 0) || (value >= key->min && value <= key->max))
		return 0;
	if (key->type == CONFIG_DURATION)
		return reason_print(reason, "must be %s to %s", duration_print(key->min, low),
		    duration_print(key->max, high));
	return reason_print(reason, "must be %lld to %lld", (long long)key->min, (long long)key->max);
}

static int
number_set(const struct config_key *key, int64_t *to, const char *text, char reason[REASON_MAX])
{
	int64_t value;
	int r;

	if (key->type == CONFIG_INT) {
		if (integer_parse(text, &value) < 0)
			return reason_print(reason, "'%.40s' is not a whole number", text);
	} else if (key->type == CONFIG_BYTES) {
		if (bytes_parse(text, &value) < 0)
			return reason_print(reason, "'%.40s' is not a size (like 65536, 64K, 8M, 2G)", text);
	} else if (duration_parse(text, &value) < 0) {
		return reason_print(reason, "'%.40s' is not a duration (like 90s, 5m, 1h30m)", text);
	} else if (value != 0 && text[strspn(text, "0123456789. ")] == '\0') {
		/* A command line takes seconds; in [retention] it may be meant as days. */
		return reason_print(reason, "'%.40s' has no unit (like 90s, 5m, 30d)", text);
	}
	r = bounds_check(key, value, reason);
	if (r < 0)
		return r;
	*to = value;
	return 0;
}

static int
value_set(const struct config_key *key, void *out, const char *text, char reason[REASON_MAX])
{
	void *to = (char *)out + key->offset;
	char **string = to;

	if (key->check != NULL && key->check(text) != NULL)
		return reason_print(reason, "'%.40s' %s", text, key->check(text));
	switch (key->type) {
	case CONFIG_STRING:
		free(*string);
		*string = xstrdup(text);
		return 0;
	case CONFIG_INT:
	case CONFIG_BYTES:
	case CONFIG_DURATION:
		return number_set(key, to, text, reason);
	case CONFIG_BOOL:
		if (boolean_parse(text, to) < 0)
			return reason_print(reason, "'%.40s' is neither yes nor no", text);
		return 0;
	case CONFIG_STRINGS:
		strings_add(to, text);
		return 0;
	}
	MUST(!"a config_type");
	return -EINVAL;
}

static bool
in_section(const struct config_key *key, const char *section, size_t n)
{
	return strlen(key->section) == n && memcmp(key->section, section, n) == 0;
}

/* "; did you mean NAME?", or "": of the settings of a section. */
static const char *
setting_meant(const struct config_key *keys, const char *section, size_t n, const char *name, char out[REASON_MAX])
{
	const char *candidates[CANDIDATES_MAX], *found;
	size_t many = 0;

	for (const struct config_key *key = keys; key->name != NULL && many + 1 < CANDIDATES_MAX; key++)
		if (in_section(key, section, n))
			candidates[many++] = key->name;
	candidates[many] = NULL;
	found = suggest(name, candidates);
	(void)snprintf(out, REASON_MAX, "%s%s%s", found != NULL ? "; did you mean " : "",
	    found != NULL ? found : "", found != NULL ? "?" : "");
	return out;
}

/* "; did you mean [X]?", or else which sections there are. */
static const char *
section_meant(const struct config_key *keys, const struct config_named *named, const char *word, char out[REASON_MAX])
{
	const char *candidates[CANDIDATES_MAX], *found;
	size_t many = 0, used;

	for (const struct config_key *key = keys; key->name != NULL && many + 2 < CANDIDATES_MAX; key++)
		if (many == 0 || strcmp(candidates[many - 1], key->section) != 0)
			candidates[many++] = key->section;
	if (named != NULL)
		candidates[many++] = named->section;
	candidates[many] = NULL;
	found = suggest(word, candidates);
	if (found != NULL) {
		(void)snprintf(out, REASON_MAX, "; did you mean [%s%s]?", found,
		    named != NULL && found == named->section ? " NAME" : "");
		return out;
	}
	used = (size_t)snprintf(out, REASON_MAX, ": it is");
	for (size_t i = 0; i < many && used < REASON_MAX; i++)
		used += (size_t)snprintf(out + used, REASON_MAX - used, "%s[%s%s]", i == 0 ? " " :
		    i + 1 == many ? " or " : ", ", candidates[i], named != NULL && i + 1 == many ? " NAME" : "");
	return out;
}

/* Is there such a section?  Else the reason. */
static bool
section_known(const struct config_key *keys, const struct config_named *named, const char *section, size_t n,
    char reason[REASON_MAX])
{
	char hint[REASON_MAX], *word;

	for (const struct config_key *key = keys; key->name != NULL; key++)
		if (in_section(key, section, n))
			return true;
	word = xstrndup(section, n);
	(void)reason_print(reason, "there is no section [%.40s]%.110s", word, section_meant(keys, named, word, hint));
	free(word);
	return false;
}

/* The row of section and name (n bytes of section), or NULL with a reason. */
static const struct config_key *
key_find(const struct config_key *keys, const char *section, size_t n, const char *name,
    char reason[REASON_MAX])
{
	char hint[REASON_MAX];

	for (const struct config_key *key = keys; key->name != NULL; key++)
		if (in_section(key, section, n) && strcmp(key->name, name) == 0)
			return key;
	if (n == 0)
		(void)reason_print(reason, "'%.60s' stands in no [section]", name);
	else if (section_known(keys, NULL, section, n, reason))
		(void)reason_print(reason, "there is no setting '%.40s' in [%.*s]%.60s", name,
		    (int)(n < 40 ? n : 40), section, setting_meant(keys, section, n, name, hint));
	return NULL;
}

void
config_defaults(const struct config_key *keys, void *out)
{
	char reason[REASON_MAX];

	for (const struct config_key *key = keys; key->name != NULL; key++) {
		void *to = (char *)out + key->offset;

		/* Nothing is freed: what was there may be no value yet. */
		if (key->type == CONFIG_STRING)
			*(char **)to = NULL;
		else if (key->type == CONFIG_BOOL)
			*(bool *)to = false;
		else if (key->type == CONFIG_STRINGS)
			*(struct strings *)to = (struct strings){ .n = 0 };
		else
			*(int64_t *)to = 0;
		if (key->otherwise != NULL)
			MUST(value_set(key, out, key->otherwise, reason) == 0);
	}
}

/* Note what is wrong with a line; the first thing is enough. */
static void
mistake_at(struct reading *r, int line, const char *reason)
{
	char *text;

	if (r->error_line == line)
		return;
	r->error_line = line;
	if (r->mistakes->n >= MISTAKES_MAX)
		return;
	text = xasprintf("%s:%d: %s", r->path, line, reason);
	strings_add(r->mistakes, text);
	free(text);
}

/* Where a line begins: behind a byte order mark, which inih passes over, and blanks. */
static const char *
line_begin(const char *line, int number)
{
	if (number == 1 && strncmp(line, "\xef\xbb\xbf", 3) == 0)
		line += 3;
	return line + strspn(line, " \t\r\n");
}

/* Would inih know what to do with it?  It tells only of the first that it does not. */
static bool
line_has_form(const char *line)
{
	if (line[0] == '\0' || line[0] == '#' || line[0] == ';')
		return true;
	return line[0] == '[' ? strchr(line, ']') != NULL : strpbrk(line, "=:") != NULL;
}

/* The name in "target ops", or NULL: it is not a section of the sort that has names. */
static const char *
name_in_section(const struct config_named *named, const char *section)
{
	size_t n = named != NULL ? strlen(named->section) : 0;

	if (n == 0 || strncmp(section, named->section, n) != 0 || section[n] != ' ')
		return NULL;
	section += n;
	return section + strspn(section, " ");
}

/* The struct of a section of the sort that has names; NULL with a reason. */
static void *
element_find(struct reading *r, const char *section, const char *name)
{
	const char *reason = NULL;
	void *out = r->named->element(r->out, name, &reason);

	if (out == NULL)
		(void)reason_print(r->reason, "[%.60s]: %s", section, reason);
	else if (r->named->seen != NULL)
		r->named->seen(out, r->path, r->line);
	return out;
}

/* A section must be known though no setting stands in it: inih tells only of settings. */
static void
heading_check(struct reading *r, const char *line)
{
	char *section = xstrndup(line + 1, strcspn(line + 1, "]"));
	const char *name = name_in_section(r->named, section);

	if (name != NULL)
		r->unknown = element_find(r, section, name) == NULL;
	else
		r->unknown = !section_known(r->keys, r->named, section, strlen(section), r->reason);
	if (name == NULL && r->named != NULL && strcmp(section, r->named->section) == 0)
		(void)reason_print(r->reason, "it needs a name: [%s NAME]", section);
	if (r->unknown)
		mistake_at(r, r->line, r->reason);
	free(section);
}

/*
 * inih's way to a line.  Lines are counted here, since its handler is not told; blanks in front
 * are dropped, or inih would take the line for the value of the one before; a line longer than
 * its room would be cut in two in silence.  What is wrong already does not come to it.
 */
static char *
line_read(char *to, int size, void *arg)
{
	struct reading *r = arg;
	char reason[REASON_MAX];
	const char *begin;
	size_t n, blanks;
	int c;

	if (fgets(to, size, r->file) == NULL)
		return NULL;
	r->line++;
	n = strlen(to);
	if (n > 0 && to[n - 1] != '\n' && !feof(r->file)) {
		(void)reason_print(reason, "the line is longer than %d bytes", size - 2);
		mistake_at(r, r->line, reason);
		do
			c = getc(r->file);
		while (c != EOF && c != '\n');
	}
	blanks = strspn(to, " \t");
	memmove(to, to + blanks, n + 1 - blanks);
	begin = line_begin(to, r->line);
	if (!line_has_form(begin))
		mistake_at(r, r->line, "neither '[section]' nor 'name = value'");
	else if (begin[0] == '[')
		heading_check(r, begin);
	if (r->error_line == r->line || r->unknown)
		to[0] = '\0';
	free(r->whole);
	r->whole = xstrdup(to);
	return to;
}

/* The row of a line, and the struct that it is of; NULL with the reason noted. */
static const struct config_key *
line_find(struct reading *r, const char *section, const char *name, void **out)
{
	const char *element = name_in_section(r->named, section);

	*out = element != NULL ? element_find(r, section, element) : r->out;
	if (*out == NULL)
		return NULL;
	if (element == NULL)
		return key_find(r->keys, section, strlen(section), name, r->reason);
	return key_find(r->named->keys, r->named->section, strlen(r->named->section), name, r->reason);
}

/*
 * What stands behind the name in the line, whole: inih takes a blank and ; for the beginning of a
 * comment, which would cut a command in two in silence.
 */
static char *
line_value(char *whole)
{
	char *value = whole + strcspn(whole, "=:");
	size_t n;

	value += *value != '\0';
	value += strspn(value, " \t");
	n = strlen(value);
	while (n > 0 && strchr(" \t\r\n", value[n - 1]) != NULL)
		value[--n] = '\0';
	return value;
}

/* inih's handler: 1 is fine, and nothing else is told to it. */
static int
line_handle(void *arg, const char *section, const char *name, const char *value)
{
	struct reading *r = arg;
	const struct config_key *key;
	char reason[REASON_MAX];
	char full[2 * REASON_MAX];
	void *out;

	key = line_find(r, section, name, &out);
	if (key == NULL) {
		mistake_at(r, r->line, r->reason);
		return 1;
	}
	if (out != r->out)
		value = line_value(r->whole);
	if (value_set(key, out, value, reason) < 0) {
		(void)snprintf(full, sizeof(full), "%s: %s", name, reason);
		mistake_at(r, r->line, full);
	}
	return 1;
}

/* What is wrong with a file as a whole. */
static int
file_mistake(const struct reading *r, const char *path, int error)
{
	char *text = xasprintf("%s: %s", path, strerror(error));

	strings_add(r->mistakes, text);
	free(text);
	return -error;
}

/* 0, or -errno with the mistakes told; nothing is told of a file that is not there. */
static int
file_read(const struct reading *what, const char *path)
{
	struct reading r = *what;
	size_t before = r.mistakes->n;
	int first, failed;

	r.path = path;
	r.file = fopen(path, "re");
	if (r.file == NULL)
		return errno == ENOENT ? -ENOENT : file_mistake(&r, path, errno);
	first = ini_parse_stream(line_read, &r, line_handle, &r);
	failed = ferror(r.file) ? errno : 0;
	(void)fclose(r.file);
	free(r.whole);
	if (failed != 0)
		return file_mistake(&r, path, failed);
	if (first > 0 && r.mistakes->n == before)
		mistake_at(&r, first, "neither '[section]' nor 'name = value'");
	return r.mistakes->n > before ? -EINVAL : 0;
}

static int
is_drop_in(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return entry->d_name[0] != '.' && n > 5 && strcmp(entry->d_name + n - 5, ".conf") == 0;
}

/* By bytes: the order must not depend on the locale. */
static int
name_compare(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
drop_ins_read(const struct reading *what, const char *folder)
{
	struct dirent **entries;
	int n, r = 0;

	n = scandir(folder, &entries, is_drop_in, name_compare);
	if (n < 0)
		return errno == ENOENT ? 0 : file_mistake(what, folder, errno);
	for (int i = 0; i < n; i++) {
		char *path = xasprintf("%s/%s", folder, entries[i]->d_name);
		int e = file_read(what, path);

		if (e == -ENOENT)
			e = file_mistake(what, path, ENOENT);	/* a link to nothing */
		if (r == 0)
			r = e;
		free(path);
		free(entries[i]);
	}
	free(entries);
	return r;
}

int
config_read(const struct config_key *keys, const struct config_named *named, void *out, const char *file,
    int optional, struct strings *mistakes)
{
	const struct reading what = { .keys = keys, .named = named, .out = out, .mistakes = mistakes };
	char *folder = xasprintf("%s.d", file);
	int r = file_read(&what, file), e;

	if (r == -ENOENT)
		r = optional ? 0 : file_mistake(&what, file, ENOENT);
	e = drop_ins_read(&what, folder);
	free(folder);
	return r < 0 ? r : e;
}

/* ---- for people, and for a reload ---- */

static const char *
limit_print(const struct config_key *key, int64_t value, char out[WHEN_TEXT_MAX])
{
	static const char units[] = "KMGT";
	int unit = -1;

	if (key->type == CONFIG_DURATION)
		return duration_print(value, out);
	while (key->type == CONFIG_BYTES && unit < 3 && value > 0 && value % 1024 == 0) {
		value /= 1024;
		unit++;
	}
	(void)snprintf(out, WHEN_TEXT_MAX, "%lld%.*s", (long long)value, unit >= 0, unit >= 0 ? &units[unit] : "");
	return out;
}

const char *
config_phrase(const struct config_key *key, char out[CONFIG_PHRASE_MAX])
{
	static const char *const words[] = {
		[CONFIG_STRING] = "", [CONFIG_STRINGS] = "", [CONFIG_INT] = "A number", [CONFIG_BYTES] = "A size",
		[CONFIG_DURATION] = "A duration", [CONFIG_BOOL] = "yes or no",
	};
	const char *when = (key->flags & CONFIG_RESTART) ? "Read at the start alone" :
	    (key->flags & CONFIG_REEXEC) ? "A change counts from the next jobctl daemon reexec on" :
	    (key->flags & CONFIG_LIVE) ? "jobctl reload puts a change to use" : "";
	char low[WHEN_TEXT_MAX], high[WHEN_TEXT_MAX];
	bool bounds = key->min != 0 || key->max != 0, top = key->max < INT64_MAX && key->max != DURATION_MAX;

	(void)snprintf(out, CONFIG_PHRASE_MAX, "%s%s%s%s%s%s%s%s", words[key->type],
	    bounds ? top ? ", " : ", at least " : "", bounds ? limit_print(key, key->min, low) : "",
	    bounds && top ? " to " : "", bounds && top ? limit_print(key, key->max, high) : "",
	    words[key->type][0] != '\0' ? "." : "", words[key->type][0] != '\0' && when[0] != '\0' ? " " : "", when);
	if (when[0] != '\0')
		(void)strncat(out, ".", CONFIG_PHRASE_MAX - strlen(out) - 1);
	return out;
}

bool
config_same(const struct config_key *key, const void *a, const void *b)
{
	const void *one = (const char *)a + key->offset, *other = (const char *)b + key->offset;
	const char *const *text = one, *const *other_text = other;

	switch (key->type) {
	case CONFIG_STRING:
		return *text == NULL || *other_text == NULL ? *text == *other_text : strcmp(*text, *other_text) == 0;
	case CONFIG_INT:
	case CONFIG_BYTES:
	case CONFIG_DURATION:
		return memcmp(one, other, sizeof(int64_t)) == 0;
	case CONFIG_BOOL:
		return memcmp(one, other, sizeof(bool)) == 0;
	case CONFIG_STRINGS:
		return strings_same(one, other);
	}
	MUST(!"a config_type");
	return false;
}

void
config_copy(const struct config_key *key, void *to, const void *from)
{
	void *one = (char *)to + key->offset;
	const void *other = (const char *)from + key->offset;
	char **text = one;
	const char *const *other_text = other;

	switch (key->type) {
	case CONFIG_STRING:
		free(*text);
		*text = xstrdup(*other_text);
		return;
	case CONFIG_INT:
	case CONFIG_BYTES:
	case CONFIG_DURATION:
		memcpy(one, other, sizeof(int64_t));
		return;
	case CONFIG_BOOL:
		memcpy(one, other, sizeof(bool));
		return;
	case CONFIG_STRINGS:
		break;
	}
	MUST(!"copied");
}

int
config_set(const struct config_key *keys, void *out, const char *key, const char *value,
    char error[CONFIG_ERROR_MAX])
{
	const char *dot = strchr(key, '.');
	const struct config_key *row;
	char reason[REASON_MAX];

	if (dot == NULL) {
		(void)snprintf(error, CONFIG_ERROR_MAX, "'%.60s' is not section.name", key);
		return -EINVAL;
	}
	row = key_find(keys, key, (size_t)(dot - key), dot + 1, reason);
	if (row == NULL) {
		(void)snprintf(error, CONFIG_ERROR_MAX, "%s", reason);
		return -EINVAL;
	}
	if (value_set(row, out, value, reason) < 0) {
		(void)snprintf(error, CONFIG_ERROR_MAX, "%.80s: %s", key, reason);
		return -EINVAL;
	}
	return 0;
}

void
config_done(const struct config_key *keys, void *out)
{
	for (const struct config_key *key = keys; key->name != NULL; key++) {
		char **string = (char **)(void *)((char *)out + key->offset);

		if (key->type == CONFIG_STRING) {
			free(*string);
			*string = NULL;
		} else if (key->type == CONFIG_STRINGS) {
			strings_done((struct strings *)(void *)string);
		}
	}
}
