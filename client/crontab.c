/*
 * crontab: the tables of cron (Vixie's and cronie's) and of anacron.  What they mean is what crontab(5)
 * and anacrontab(5) say.
 */
#include <dirent.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/croneval.h"
#include "client/import.h"
#include "client/value.h"
#include "proto/buf.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "proto/types.h"

/* Where a table is, and what its lines so far have set. */
struct table_state {
	struct imports	*in;
	const char	*path;
	int		 line;
	bool		 system, anacron;
	struct strings	 variables;	/* NAME=value, each once */
	char		*comment;	/* of the line before, or NULL */
};

/* ---- variables ---- */

/* Where NAME=value is; NULL: it is not set. */
static char **
variable_place(const struct table_state *t, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < t->variables.n; i++) {
		if (strncmp(t->variables.items[i], name, n) == 0 && t->variables.items[i][n] == '=')
			return &t->variables.items[i];
	}
	return NULL;
}

static const char *
variable(const struct table_state *t, const char *name)
{
	char *const *place = variable_place(t, name);

	return place ? *place + strlen(name) + 1 : NULL;
}

static void
variable_set(struct table_state *t, const char *name, const char *value)
{
	char *text = xasprintf("%s=%s", name, value), **place = variable_place(t, name);

	if (place) {
		free(*place);
		*place = text;
		return;
	}
	strings_add(&t->variables, text);
	free(text);
}

static char *
trimmed(const char *s)
{
	size_t n;

	s += strspn(s, " \t");
	n = strlen(s);
	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t' || s[n - 1] == '\r'))
		n--;
	return xstrndup(s, n);
}

/* Within one pair of quotes, or as it is. */
static char *
unquoted(const char *s)
{
	char *text = trimmed(s);
	size_t n = strlen(text);

	if (n >= 2 && (text[0] == '"' || text[0] == '\'') && text[n - 1] == text[0]) {
		memmove(text, text + 1, n - 2);
		text[n - 2] = '\0';
	}
	return text;
}

/* How long the name is in NAME = value; 0: it is none.  A name is no field of a time, which has blanks before any =. */
static size_t
is_assignment(const char *line)
{
	size_t n = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

	return line[n + strspn(line + n, " \t")] != '=' || (line[0] >= '0' && line[0] <= '9') ? 0 : n;
}

static bool
assignment(struct table_state *t, const char *line)
{
	size_t n = is_assignment(line);
	char *name, *value;

	if (n == 0)
		return false;
	name = xstrndup(line, n);
	value = unquoted(line + n + strcspn(line + n, "=") + 1);
	variable_set(t, name, value);
	free(name);
	free(value);
	return true;
}

/* ---- a job ---- */

static char *
origin(const struct table_state *t)
{
	return xasprintf("%s:%d", t->path, t->line);
}

/* The next word, cut off at *s; "" at the end. */
static char *
word_cut(const char **s)
{
	const char *from = *s + strspn(*s, " \t");
	size_t n = strcspn(from, " \t");

	*s = from + n;
	return xstrndup(from, n);
}

/* Whether a user may be named, and must be. */
static void
user_take(struct imported *i, struct cJSON *command, const char *user)
{
	const struct passwd *p = user ? getpwnam(user) : NULL;

	if (!user || (p && p->pw_uid == geteuid()))
		return;
	if (geteuid() != 0)
		imported_note(i, "it runs as %s, and only root may add that", user);
	else if (!p)
		imported_note(i, "there is no user %s on this host", user);
	json_set_string(command, "user", user);
}

/* Variables that mean something to cron, and not to the command. */
static bool
is_crons(const char *v)
{
	static const char *const names[] = { "MAILTO=", "MAILFROM=", "CRON_TZ=", "RANDOM_DELAY=", "SHELL=",
	    "CONTENT_TYPE=", "CONTENT_TRANSFER_ENCODING=", "LOGNAME=", "USER=", "START_HOURS_RANGE=",
	    "NO_MAIL_OUTPUT=", "PREFERRED_HOUR=", "HOME=" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strncmp(v, names[i], strlen(names[i])) == 0)
			return true;
	}
	return false;
}

/* % is a line's end, and what comes after the first is the command's input; \% is %. */
static void
command_cut(const char *text, struct buf *command, struct buf *input, bool *has_input)
{
	struct buf *to = command;

	*has_input = false;
	for (; *text; text++) {
		if (text[0] == '\\' && text[1] == '%') {
			buf_puts(to, "%");
			text++;
		} else if (text[0] == '%') {
			if (*has_input)
				buf_puts(to, "\n");
			*has_input = true;
			to = input;
		} else {
			buf_append(to, text, 1);
		}
	}
	if (*has_input)
		buf_puts(input, "\n");
}

static void
mail_note(const struct table_state *t, struct imported *i)
{
	const char *to = variable(t, "MAILTO");

	if (to && !*to)
		return;
	if (t->in->notify)
		value_push_string(i->spec, "notify", t->in->notify);
	else if (to)
		imported_note(i, "MAILTO=%s: output is kept (jobctl logs), and not mailed; --notify fail:TARGET tells"
		    " of failures", to);
}

/* What the line runs, in its table's environment. */
static void
command_take(const struct table_state *t, struct imported *i, const char *text, const char *user)
{
	struct cJSON *command = json_object();
	struct buf line = { 0 }, input = { 0 };
	const char *shell = variable(t, "SHELL"), *home = variable(t, "HOME");
	bool has_input = false;

	if (t->anacron)
		buf_puts(&line, text);
	else
		command_cut(text, &line, &input, &has_input);
	value_push_string(command, "argv", shell && *shell ? shell : "/bin/sh");
	value_push_string(command, "argv", "-c");
	value_push_string(command, "argv", buf_string(&line));
	for (size_t k = 0; k < t->variables.n; k++) {
		if (!is_crons(t->variables.items[k]))
			value_push_string(command, "environment", t->variables.items[k]);
	}
	if (home && *home) {
		char *variable_home = xasprintf("HOME=%s", home);

		value_push_string(command, "environment", variable_home);
		json_set_string(command, "directory", home);
		free(variable_home);
	}
	if (has_input)
		json_set_string(command, "stdinText", buf_string(&input));
	user_take(i, command, user);
	json_set(i->spec, "command", command);
	mail_note(t, i);
	buf_done(&line);
	buf_done(&input);
}

static void
spec_begin(struct table_state *t, struct imported *i, const char *named_by)
{
	char *name = import_name(t->in, named_by);

	i->spec = json_object();
	json_set_string(i->spec, "name", name);
	if (t->comment && strlen(t->comment) <= DESCRIPTION_BYTES_MAX && utf8_valid(t->comment, strlen(t->comment)))
		json_set_string(i->spec, "description", t->comment);
	free(name);
}

static void
refuse(struct imported *i, const char *why)
{
	imported_note(i, "not taken over: %s", why);
	json_free(i->spec);
	i->spec = NULL;
	free(i->fields);
	i->fields = NULL;
}

/* ---- times ---- */

static const struct { const char *word, *fields; } times[] = {
	{ "@yearly", "0 0 1 1 *" }, { "@annually", "0 0 1 1 *" }, { "@monthly", "0 0 1 * *" },
	{ "@weekly", "0 0 * * 0" }, { "@daily", "0 0 * * *" }, { "@midnight", "0 0 * * *" },
	{ "@hourly", "0 * * * *" }, { "@every_minute", "* * * * *" },
};

/* A step beyond the field is its first value, to cron; jobd takes it for a slip. */
static char *
field_mended(const char *field, int at, struct imported *i)
{
	static const int most[] = { 60, 24, 31, 12, 7 }, first[] = { 0, 0, 1, 1, 0 };
	char *end;
	long step = strncmp(field, "*/", 2) == 0 ? strtol(field + 2, &end, 10) : 0;

	if (step <= most[at] || *end)
		return xstrdup(field);
	imported_note(i, "%s is but %d, once round: written so", field, first[at]);
	return xasprintf("%d", first[at]);
}

/* The times of a line, into the spec; *s is what follows.  NULL, or why they cannot be taken. */
static const char *
times_take(struct imported *i, const char **s)
{
	struct buf mended = { 0 }, fields = { 0 };
	const char *why = NULL;

	if (**s == '@') {
		char *word = word_cut(s);

		for (size_t k = 0; k < sizeof(times) / sizeof(times[0]); k++) {
			if (strcmp(times[k].word, word) == 0)
				i->fields = xstrdup(times[k].fields);
		}
		if (i->fields)
			json_set_string(i->spec, "cron", strcmp(word, "@every_minute") == 0 ? i->fields : word);
		else if (strcmp(word, "@reboot") == 0)
			json_set_bool(i->spec, "onBoot", 1);
		else
			why = "this word is none of crontab(5)";
		free(word);
		return why;
	}
	if (**s == '-') {
		imported_note(i, "the - before it (not to log it) means nothing here");
		++*s;
	}
	for (int k = 0; k < 5; k++) {
		char *field = word_cut(s), *good = field_mended(field, k, i);

		if (!*field)
			why = "a line has five fields of time, and a command";
		if (strchr(field, '~'))
			why = "a ~ is another time each day; write one";
		buf_printf(&mended, "%s%s", k > 0 ? " " : "", good);
		buf_printf(&fields, "%s%s", k > 0 ? " " : "", field);
		free(field);
		free(good);
	}
	json_set_string(i->spec, "cron", buf_string(&mended));
	i->fields = buf_steal(&fields);
	buf_done(&mended);
	return why;
}

/* What cron does that an add would not say by itself. */
static void
manners_take(const struct table_state *t, struct imported *i)
{
	const char *zone = variable(t, "CRON_TZ"), *delay = variable(t, "RANDOM_DELAY");

	if (zone && *zone && !json_get(i->spec, "onBoot")) {
		json_set_string(i->spec, "timeZone", zone);
		imported_note(i, "CRON_TZ=%s is the zone of the times, and TZ of the command, too; a cron that does not"
		    " know it (Debian's) has run it by the host's zone", zone);
	}
	if (delay && atoll(delay) > 0 && !json_get(i->spec, "onBoot")) {
		json_set_int(i->spec, "jitterUSec", atoll(delay) * USEC_MINUTE);
		imported_note(i, "RANDOM_DELAY=%s: it begins up to so many minutes later, each time by the"
		    " same rule, instead of by one delay for all", delay);
	}
	/* It was not made up for. */
	if (!json_get(i->spec, "onBoot"))
		json_set_string(i->spec, "misfire", "skip");
}

/* ---- run-parts ---- */

/* The directory of a line that runs run-parts, allocated; or NULL. */
static char *
run_parts_of(const char *command)
{
	const char *s = strstr(command, "run-parts");
	char *word = NULL;

	if (!s)
		return NULL;
	s += strlen("run-parts");
	do {
		free(word);
		word = word_cut(&s);
	} while (*word == '-');
	while (*word && strchr(")};", word[strlen(word) - 1]))
		word[strlen(word) - 1] = '\0';
	if (*word == '/')
		return word;
	free(word);
	return NULL;
}

static int
is_script(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && strspn(entry->d_name, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == strlen(entry->d_name);
}

/* A job for each script that run-parts would run there now.  How many. */
static int
parts_take(struct table_state *t, const char *line, const char *directory, const char *user)
{
	struct dirent **entries;
	int n = scandir(directory, &entries, is_script, alphasort), found = 0;

	for (int k = 0; k < n; k++) {
		char *path = xasprintf("%s/%s", directory, entries[k]->d_name);
		const char *s = line;
		struct imported *i;

		if (access(path, X_OK) == 0) {
			i = imported_add(t->in, origin(t), line);
			spec_begin(t, i, path);
			if (times_take(i, &s))
				refuse(i, "its times");
			else
				manners_take(t, i);
			if (i->spec)
				command_take(t, i, path, user);
			found++;
		}
		free(path);
		free(entries[k]);
	}
	if (n >= 0)
		free(entries);
	return found;
}

/* ---- lines ---- */

/* What stands behind the times of a line: the user, if it has one, and the command; the caller's. */
static void
rest_cut(const struct table_state *t, const char *line, char **user, char **command)
{
	const char *s = line;

	for (int n = *line == '@' ? 1 : 5; n > 0; n--)
		free(word_cut(&s));
	*user = t->system ? word_cut(&s) : NULL;
	*command = trimmed(s);
}

/* A line of a crontab that is a job. */
static void
job_take(struct table_state *t, const char *line)
{
	char *user, *command, *directory;
	const char *s = line, *why;
	struct imported *i;

	rest_cut(t, line, &user, &command);
	directory = run_parts_of(command);
	if (!directory || !t->in->split || parts_take(t, line, directory, user) == 0) {
		i = imported_add(t->in, origin(t), line);
		spec_begin(t, i, directory ? directory : command);
		why = times_take(i, &s);
		if (!why && !*command)
			why = t->system ? "a line of a system's table has times, a user, and a command" :
			    "it has no command";
		if (why) {
			refuse(i, why);
		} else {
			manners_take(t, i);
			command_take(t, i, command, user);
		}
		if (!why && strstr(command, "/anacron"))
			imported_note(i, "it asks for anacron: where that is installed, it does nothing, and the"
			    " jobs are anacron's");
	}
	free(directory);
	free(user);
	free(command);
}

/* ---- anacron ---- */

/* How it repeats: days, or a word.  NULL, or why not. */
static const char *
period_take(const struct table_state *t, struct imported *i, const char *period, long delay)
{
	const char *hours = variable(t, "START_HOURS_RANGE"), *random = variable(t, "RANDOM_DELAY");
	long hour = hours ? strtol(hours, NULL, 10) : 3, days = strtol(period, NULL, 10);
	long minute = delay % 60;
	char *cron = NULL;

	hour = (hour + delay / 60) % 24;
	if (strcmp(period, "@daily") == 0 || days == 1)
		cron = xasprintf("%ld %ld * * *", minute, hour);
	else if (strcmp(period, "@weekly") == 0 || days == 7)
		cron = xasprintf("%ld %ld * * 0", minute, hour);
	else if (strcmp(period, "@monthly") == 0)
		cron = xasprintf("%ld %ld 1 * *", minute, hour);
	else if (days < 1)
		return "a period is days, @daily, @weekly or @monthly";
	if (cron)
		json_set_string(i->spec, "cron", cron);
	else
		json_set_int(i->spec, "everyUSec", days * USEC_DAY);
	if (random && atoll(random) > 0)
		json_set_int(i->spec, "jitterUSec", atoll(random) * USEC_MINUTE);
	/* That is what anacron is for. */
	json_set_string(i->spec, "misfire", "once");
	imported_note(i, "anacron: once in %s, %s; what was missed is made up for once", period,
	    cron ? cron : "counted from now");
	free(cron);
	return NULL;
}

static void
anacron_take(struct table_state *t, const char *line)
{
	struct imported *i = imported_add(t->in, origin(t), line);
	const char *s = line, *why = NULL;
	char *period = word_cut(&s), *delay = word_cut(&s), *id = word_cut(&s), *command = trimmed(s);

	spec_begin(t, i, id);
	if (!*command || strspn(delay, "0123456789") != strlen(delay) || !*delay)
		why = "a line has a period, a delay in minutes, a name, and a command";
	if (!why)
		why = period_take(t, i, period, strtol(delay, NULL, 10));
	if (why)
		refuse(i, why);
	else
		command_take(t, i, command, NULL);
	free(period);
	free(delay);
	free(id);
	free(command);
}

/* ---- comments ---- */

/* Would it be a job, without the # before it? */
static bool
would_be_job(const struct table_state *t, const char *line)
{
	struct imported i = { .spec = json_object() };
	char *words[3], *s;
	const char *rest = line;
	bool is;

	if (t->anacron) {
		for (size_t k = 0; k < 3; k++)
			words[k] = word_cut(&rest);
		is = (*words[0] == '@' || strspn(words[0], "0123456789") == strlen(words[0])) && *words[1] &&
		    strspn(words[1], "0123456789") == strlen(words[1]) && *rest;
		for (size_t k = 0; k < 3; k++)
			free(words[k]);
	} else {
		(void)times_take(&i, &rest);
		/* A ~ is no time that can be taken over, but it is one. */
		for (s = i.fields; s && *s; s++)
			*s = *s == '~' ? '-' : *s;
		is = (json_get(i.spec, "onBoot") || (i.fields && croneval(i.fields, 0, 0, NULL, 0) == 0)) &&
		    rest[strspn(rest, " \t")] != '\0';
	}
	json_free(i.spec);
	free(i.fields);
	strings_done(&i.notes);
	return is;
}

/* Says it something of what follows?  Not the columns' names that `crontab -e` puts into a new table, nor lines drawn. */
static bool
says_something(const char *comment)
{
	char a[8], b[8], c[8], d[8], e[8];

	if (sscanf(comment, "%7s %7s %7s %7s %7s", a, b, c, d, e) == 5 && strcmp(a, "m") == 0 && strcmp(b, "h") == 0 &&
	    strcmp(c, "dom") == 0 && strcmp(d, "mon") == 0 && strcmp(e, "dow") == 0)
		return false;
	for (; *comment; comment++) {
		if ((*comment & 0x80) || ((*comment | 0x20) >= 'a' && (*comment | 0x20) <= 'z'))
			return true;
	}
	return false;
}

/* The description of what follows, unless it is a line that is out of use. */
static void
comment_take(struct table_state *t, const char *line)
{
	char *text = trimmed(line + strspn(line, "#"));
	struct imported *i;

	free(t->comment);
	t->comment = NULL;
	if (is_assignment(text) || would_be_job(t, text)) {
		i = imported_add(t->in, origin(t), line);
		i->unused = true;
		imported_note(i, "it is commented out: left alone, and no description");
	} else if (says_something(text)) {
		t->comment = text;
		return;
	}
	free(text);
}

/* ---- tables ---- */


static void
line_take(struct table_state *t, const char *line)
{
	if (*line == '#') {
		comment_take(t, line);
		return;
	}
	if (!utf8_valid(line, strlen(line)))
		refuse(imported_add(t->in, origin(t), "(not UTF-8)"), "it is not UTF-8");
	else if (*line && !assignment(t, line)) {
		if (t->anacron)
			anacron_take(t, line);
		else
			job_take(t, line);
	}
	free(t->comment);
	t->comment = NULL;
}

static int
table_read(struct imports *in, const char *path, bool system, bool anacron)
{
	struct table_state t = { .in = in, .path = path, .system = system, .anacron = anacron };
	char *text = import_text(path), *rest = text, *line;

	if (!text)
		return EXIT_FAILED;
	while ((line = strsep(&rest, "\n")) != NULL) {
		char *bare = trimmed(line);

		t.line++;
		line_take(&t, bare);
		free(bare);
	}
	strings_done(&t.variables);
	free(t.comment);
	free(text);
	return 0;
}

int
crontab_read(struct imports *in, const char *path, bool system)
{
	return table_read(in, path, system, false);
}

int
anacrontab_read(struct imports *in, const char *path)
{
	return table_read(in, path, false, true);
}
