/*
 * timers: systemd's timer units and the services that they start, as systemd.timer(5), systemd.service(5)
 * and systemd.exec(5) have them.  What is not known here is told, key by key.
 */
#include <dirent.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/import.h"
#include "client/jobfile.h"
#include "client/value.h"
#include "proto/buf.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "proto/when.h"

struct setting {
	char	*section, *key, *value;
	bool	 used;
};

struct unit {
	struct setting	*items;
	size_t		 n;
};

/* ---- units ---- */

static void
setting_add(struct unit *u, const char *section, char *line)
{
	char *equals = strchr(line, '='), *end;

	if (!equals)
		return;
	for (end = equals; end > line && (end[-1] == ' ' || end[-1] == '\t'); end--)
		;
	*end = '\0';
	equals++;
	equals += strspn(equals, " \t");
	u->items = xrealloc(u->items, (u->n + 1) * sizeof(*u->items));
	u->items[u->n++] = (struct setting){ xstrdup(section), xstrdup(line), xstrdup(equals), false };
}

/* A file's settings, after those that are there. */
static void
unit_text(struct unit *u, char *text)
{
	char *section = xstrdup(""), *line, *whole = NULL;

	while ((line = strsep(&text, "\n")) != NULL) {
		size_t n;

		line += strspn(line, " \t");
		n = strlen(line);
		while (n > 0 && strchr(" \t\r", line[n - 1]))
			line[--n] = '\0';
		if (*line == '#' || *line == ';')
			continue;
		if (whole) {
			char *longer = xasprintf("%s %s", whole, line);

			free(whole);
			whole = longer;
		} else {
			whole = xstrdup(line);
		}
		n = strlen(whole);
		if (n > 0 && whole[n - 1] == '\\') {
			whole[n - 1] = '\0';
			continue;
		}
		if (*whole == '[') {
			free(section);
			section = xstrndup(whole + 1, strcspn(whole + 1, "]"));
		} else {
			setting_add(u, section, whole);
		}
		free(whole);
		whole = NULL;
	}
	free(whole);
	free(section);
}

static bool
unit_file(struct unit *u, const char *path)
{
	char *text = access(path, R_OK) == 0 ? import_text(path) : NULL;

	if (text)
		unit_text(u, text);
	free(text);
	return text != NULL;
}

static int
is_conf(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return n > 5 && strcmp(entry->d_name + n - 5, ".conf") == 0;
}

/* The unit, and what its drop-ins say after it. */
static bool
unit_read(struct unit *u, const char *directory, const char *name)
{
	char *path = xasprintf("%s/%s", directory, name), *drop_ins = xasprintf("%s.d", path);
	bool there = unit_file(u, path);
	struct dirent **entries;
	int n = there ? scandir(drop_ins, &entries, is_conf, alphasort) : -1;

	for (int i = 0; i < n; i++) {
		char *conf = xasprintf("%s/%s", drop_ins, entries[i]->d_name);

		(void)unit_file(u, conf);
		free(conf);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	free(drop_ins);
	free(path);
	return there;
}

static void
unit_done(struct unit *u)
{
	for (size_t i = 0; i < u->n; i++) {
		free(u->items[i].section);
		free(u->items[i].key);
		free(u->items[i].value);
	}
	free(u->items);
}

/* All values of a key, in their order; an empty one empties what came before. */
static struct strings
values(struct unit *u, const char *section, const char *key)
{
	struct strings all = { 0 };

	for (size_t i = 0; i < u->n; i++) {
		if (strcmp(u->items[i].section, section) != 0 || strcmp(u->items[i].key, key) != 0)
			continue;
		u->items[i].used = true;
		if (*u->items[i].value)
			strings_add(&all, u->items[i].value);
		else
			strings_done(&all);
	}
	return all;
}

/* The last one: allocated, or NULL. */
static char *
value(struct unit *u, const char *section, const char *key)
{
	struct strings all = values(u, section, key);
	char *last = all.n > 0 ? xstrdup(all.items[all.n - 1]) : NULL;

	strings_done(&all);
	return last;
}

/* ---- values ---- */

/* "1h 30min", "2 days": with systemd's names of units.  -1: it is none. */
static int64_t
span_read(const char *text)
{
	static const struct { const char *name; int64_t usec; } units[] = {
		{ "us", 1 }, { "usec", 1 }, { "ms", USEC_MSEC }, { "msec", USEC_MSEC }, { "s", USEC_SEC },
		{ "sec", USEC_SEC }, { "second", USEC_SEC }, { "seconds", USEC_SEC }, { "", USEC_SEC },
		{ "m", USEC_MINUTE }, { "min", USEC_MINUTE }, { "minute", USEC_MINUTE },
		{ "minutes", USEC_MINUTE }, { "h", USEC_HOUR }, { "hr", USEC_HOUR }, { "hour", USEC_HOUR },
		{ "hours", USEC_HOUR }, { "d", USEC_DAY }, { "day", USEC_DAY }, { "days", USEC_DAY },
		{ "w", 7 * USEC_DAY }, { "week", 7 * USEC_DAY }, { "weeks", 7 * USEC_DAY },
	};
	int64_t sum = 0;

	while (*(text += strspn(text, " \t"))) {
		char *end;
		double number = strtod(text, &end);
		const char *word = end + strspn(end, " ");
		size_t n = strspn(word, "abcdefghijklmnopqrstuvwxyz"), i;

		if (end == text || number < 0)
			return -1;
		for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
			if (strlen(units[i].name) == n && strncmp(units[i].name, word, n) == 0)
				break;
		}
		if (i == sizeof(units) / sizeof(units[0]))
			return -1;
		sum += (int64_t)(number * (double)units[i].usec);
		text = word + n;
	}
	return sum;
}

static void
span_take(struct unit *u, struct imported *i, struct cJSON *to, const char *section, const char *key,
    const char *field)
{
	char *text = value(u, section, key);
	int64_t d = text && strcmp(text, "infinity") != 0 ? span_read(text) : 0;

	if (d > 0)
		json_set_int(to, field, d);
	else if (d < 0)
		imported_note(i, "%s=%s is not understood", key, text);
	free(text);
}

static bool
yes(const char *text)
{
	return text && (strcmp(text, "yes") == 0 || strcmp(text, "true") == 0 || strcmp(text, "on") == 0 ||
	    strcmp(text, "1") == 0);
}

/* ---- the service ---- */

/* Words of Environment= and the like. */
static void
words_take(struct unit *u, struct imported *i, struct cJSON *command, const char *key, const char *field)
{
	struct strings all = values(u, "Service", key), words;

	for (size_t k = 0; k < all.n; k++) {
		const char *text = all.items[k];

		if (strcmp(key, "EnvironmentFile") == 0) {
			if (*text == '-')
				imported_note(i, "EnvironmentFile=%s: it must be there", text);
			value_push_string(command, field, text + (*text == '-'));
		} else if (words_split(text, &words) == 0) {
			for (size_t w = 0; w < words.n; w++)
				value_push_string(command, field, words.items[w]);
			strings_done(&words);
		} else {
			imported_note(i, "%s=%s is not understood", key, text);
		}
	}
	strings_done(&all);
}

/* One line of ExecStart, without what stands before the path. */
static const char *
exec_bare(struct imported *i, const char *line)
{
	size_t n = strspn(line, "@-:+!");

	if (memchr(line, '-', n))
		imported_note(i, "the - before %s: a failure of it counts as one here", line + n);
	if (memchr(line, '+', n) || memchr(line, '!', n) || memchr(line, '@', n))
		imported_note(i, "what stands before %s is not kept", line + n);
	return line + n;
}

/*
 * One command is taken word by word; several, or one with variables, go to the shell, which does the
 * same with them in all but odd cases.
 */
static bool
exec_take(struct unit *u, struct imported *i, struct cJSON *command)
{
	struct strings lines = values(u, "Service", "ExecStart"), words;
	struct buf shell = { 0 };
	bool good = lines.n > 0;

	for (size_t k = 0; k < lines.n; k++) {
		const char *bare = exec_bare(i, lines.items[k]);

		if (strchr(bare, '%'))
			imported_note(i, "specifiers and %% in %s stand as they are", bare);
		buf_printf(&shell, "%s%s", k > 0 ? " && " : "", bare);
	}
	if (lines.n == 1 && !strchr(buf_string(&shell), '$') && words_split(buf_string(&shell), &words) == 0) {
		for (size_t w = 0; w < words.n; w++)
			value_push_string(command, "argv", words.items[w]);
		strings_done(&words);
	} else if (good) {
		value_push_shell(command, buf_string(&shell));
		imported_note(i, "by the shell, as it has %s", lines.n > 1 ? "several commands" : "variables in it");
	}
	strings_done(&lines);
	buf_done(&shell);
	return good;
}

static void
size_take(struct unit *u, struct imported *i, struct cJSON *command, const char *key, const char *field)
{
	char *text = value(u, "Service", key);
	int64_t n;

	if (text && strcmp(text, "infinity") != 0) {
		if (size_parse(text, &n) == 0)
			json_set_int(command, field, n);
		else
			imported_note(i, "%s=%s is not understood", key, text);
	}
	free(text);
}

static void
limits_take(struct unit *u, struct imported *i, struct cJSON *command)
{
	char *nice = value(u, "Service", "Nice"), *cpu = value(u, "Service", "CPUQuota");

	if (nice)
		json_set_int(command, "nice", atoll(nice));
	if (cpu && atoll(cpu) > 0)
		json_set_int(command, "cpuPercent", atoll(cpu));
	size_take(u, i, command, "MemoryMax", "memoryBytesMax");
	size_take(u, i, command, "TasksMax", "tasksMax");
	free(nice);
	free(cpu);
}

static void
directory_take(struct unit *u, struct imported *i, struct cJSON *command)
{
	char *directory = value(u, "Service", "WorkingDirectory"), *user = value(u, "Service", "User");

	if (directory && *directory == '/')
		json_set_string(command, "directory", directory);
	else if (directory && strcmp(directory, "~") != 0)
		imported_note(i, "WorkingDirectory=%s is not understood", directory);
	if (user && (!getpwnam(user) || getpwnam(user)->pw_uid != geteuid()))
		json_set_string(command, "user", user);
	free(directory);
	free(user);
}

/* What of a unit was not looked at is told. */
static void
rest_note(const struct unit *u, struct imported *i)
{
	static const char *const nothing[] = { "Description", "Documentation", "WantedBy", "RequiredBy", "Also",
	    "Type", "RemainAfterExit", "SyslogIdentifier", "StandardOutput", "StandardError", "AccuracySec" };

	for (size_t k = 0; k < u->n; k++) {
		const struct setting *s = &u->items[k];
		bool known = s->used;

		for (size_t n = 0; n < sizeof(nothing) / sizeof(nothing[0]); n++)
			known |= strcmp(nothing[n], s->key) == 0;
		if (!known)
			imported_note(i, "[%s] %s=%s is not kept", s->section, s->key, s->value);
	}
}

static bool
service_take(const char *directory, const char *name, struct imported *i)
{
	struct unit service = { 0 };
	struct cJSON *command = json_object();
	bool good = unit_read(&service, directory, name);

	if (!good)
		imported_note(i, "not taken over: there is no %s/%s", directory, name);
	else if (!exec_take(&service, i, command)) {
		imported_note(i, "not taken over: %s has no ExecStart", name);
		good = false;
	}
	words_take(&service, i, command, "Environment", "environment");
	words_take(&service, i, command, "EnvironmentFile", "environmentFiles");
	directory_take(&service, i, command);
	limits_take(&service, i, command);
	span_take(&service, i, i->spec, "Service", "TimeoutStartSec", "timeoutUSec");
	span_take(&service, i, i->spec, "Service", "RuntimeMaxSec", "timeoutUSec");
	span_take(&service, i, i->spec, "Service", "TimeoutStopSec", "graceUSec");
	if (good)
		rest_note(&service, i);
	json_set(i->spec, "command", command);
	unit_done(&service);
	return good;
}

/* ---- the timer ---- */

/* What is not by the calendar. */
static bool
elapsed_take(struct unit *u, struct imported *i)
{
	char *active = value(u, "Timer", "OnUnitActiveSec"), *inactive = value(u, "Timer", "OnUnitInactiveSec");
	char *boot = value(u, "Timer", "OnBootSec"), *startup = value(u, "Timer", "OnStartupSec");
	const char *every = active ? active : inactive, *first = boot ? boot : startup;
	int64_t d = every ? span_read(every) : 0;

	if (d > 0) {
		json_set_int(i->spec, "everyUSec", d);
		if (inactive && !active)
			imported_note(i, "OnUnitInactiveSec=%s: counted from its start, not from its end", inactive);
		if (first)
			imported_note(i, "first at once, and not %s after the boot; it goes on from where it was"
			    " after one", first);
	} else if (first) {
		json_set_bool(i->spec, "onBoot", 1);
		imported_note(i, "at the boot, and not %s after it", first);
	}
	free(active);
	free(inactive);
	free(boot);
	free(startup);
	return d > 0 || json_get(i->spec, "onBoot");
}

/* One job of a timer: of one of its times, or (calendar NULL) of what is elapsed. */
static void
timer_job(struct imports *in, struct unit *u, const char *directory, const char *stem, const char *calendar)
{
	char *timer = xasprintf("%s.timer", stem), *service = value(u, "Timer", "Unit");
	char *persistent = value(u, "Timer", "Persistent"), *description = value(u, "Unit", "Description");
	struct imported *i = imported_add(in, xasprintf("%s/%s", directory, timer), calendar ? calendar : "");
	char *name = import_name(in, stem);
	bool good = true;

	i->spec = json_object();
	json_set_string(i->spec, "name", name);
	json_set_string(i->spec, "description", description);
	if (calendar)
		json_set_string(i->spec, "calendar", calendar);
	else
		good = elapsed_take(u, i);
	if (!good)
		imported_note(i, "not taken over: it has no OnCalendar, OnUnitActiveSec or OnBootSec");
	if (!json_get(i->spec, "onBoot"))
		json_set_string(i->spec, "misfire", yes(persistent) ? "once" : "skip");
	if (!json_get(i->spec, "onBoot"))
		span_take(u, i, i->spec, "Timer", "RandomizedDelaySec", "jitterUSec");
	if (!service)
		service = xasprintf("%s.service", stem);
	good = good && service_take(directory, service, i);
	if (good) {
		rest_note(u, i);
	} else {
		json_free(i->spec);
		i->spec = NULL;
	}
	free(name);
	free(timer);
	free(service);
	free(persistent);
	free(description);
}

static void
timer_take(struct imports *in, const char *directory, const char *file)
{
	char *stem = xstrndup(file, strlen(file) - strlen(".timer"));
	struct unit u = { 0 };
	struct strings times;

	if (strlen(stem) > 0 && stem[strlen(stem) - 1] == '@') {
		imported_note(imported_add(in, xasprintf("%s/%s", directory, file), ""),
		    "not taken over: it is a template, of which there is no telling what it is for");
	} else if (unit_read(&u, directory, file)) {
		times = values(&u, "Timer", "OnCalendar");
		if (times.n == 0)
			timer_job(in, &u, directory, stem, NULL);
		for (size_t k = 0; k < times.n; k++)
			timer_job(in, &u, directory, stem, times.items[k]);
		strings_done(&times);
	}
	unit_done(&u);
	free(stem);
}

static int
is_timer(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return n > 6 && strcmp(entry->d_name + n - 6, ".timer") == 0;
}

int
timers_read(struct imports *in, const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	struct dirent **entries;
	struct stat st;
	char *directory;
	int n;

	if (!path)
		path = geteuid() == 0 ? "/etc/systemd/system" : ".";
	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) {
		directory = slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup(".");
		n = (int)strlen(path);
		if (n > 6 && strcmp(path + n - 6, ".timer") == 0)
			timer_take(in, directory, slash ? slash + 1 : path);
		else
			complain("%s: a timer's name ends in .timer", path);
		free(directory);
		return in->n > 0 ? 0 : EXIT_USAGE;
	}
	n = scandir(path, &entries, is_timer, alphasort);
	if (n < 0) {
		complain("%s: there is no such directory, or it cannot be read", path);
		return EXIT_FAILED;
	}
	for (int i = 0; i < n; i++) {
		timer_take(in, path, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (in->n == 0)
		complain("%s: there are no timers in it", path);
	return in->n > 0 ? 0 : EXIT_FAILED;
}
