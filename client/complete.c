/*
 * complete: see complete.h.  It goes by the tables of commands and options; only what a value means that a table calls
 * JOB or QUEUE stands here.
 */
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "client/call.h"
#include "client/client.h"
#include "client/complete.h"
#include "client/jobfile.h"
#include "client/value.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "proto/types.h"

/* Nobody waits longer for a name than he needs to type it. */
#define LIVE_MSEC	200

/* More are no help to choose among. */
#define CANDIDATES_MAX	200

#define ZONES_FILE	"/usr/share/zoneinfo/tzdata.zi"

struct completion {
	const char		*word;		/* what is to be completed, behind in_front */
	char			*in_front;	/* "--state=" */
	const char		*socket;	/* --socket, or NULL */
	const struct command	*command;	/* or NULL: before it */
	char			**words;	/* of the command, before the cursor */
	size_t			 n_words;
	size_t			 first;		/* where in argv the first of them stands, jobctl being 0 */
};

static void
offer_n(const struct completion *c, const char *candidate, size_t n, const char *about)
{
	if (n < strlen(c->word) || strncmp(candidate, c->word, strlen(c->word)) != 0)
		return;
	printf("%s%.*s", c->in_front, (int)n, candidate);
	if (about && *about)
		printf("\t%.*s", (int)strcspn(about, "\n"), about);
	putchar('\n');
}

static void
offer(const struct completion *c, const char *candidate, const char *about)
{
	offer_n(c, candidate, strlen(candidate), about);
}

/* Words with blanks, or bars, between them; "[:N]" behind one is left away. */
static void
offer_list(const struct completion *c, const char *list)
{
	while (*list) {
		size_t n = strcspn(list, " |["), whole = strcspn(list, " |");

		offer_n(c, list, n, NULL);
		list += whole + (list[whole] != '\0');
	}
}

/* Names that end with NULL. */
static void
offer_array(const struct completion *c, const char *const *names)
{
	for (; *names; names++)
		offer(c, *names, NULL);
}

/* ---- from jobd ---- */

static void
too_late(int signal)
{
	(void)signal;
	_exit(EXIT_OK);
}

/* Ask it, quietly.  NULL: nobody has answered; when it takes too long this ends the program. */
static struct cJSON *
live(const struct completion *c, const char *method, struct cJSON *parameters)
{
	const struct itimerval limit = { .it_value.tv_usec = LIVE_MSEC * USEC_MSEC };
	struct client client = { .socket = c->socket, .command = &cmd_list };
	struct cJSON *reply = NULL;
	struct buf said = { 0 };

	fflush(stdout);
	signal(SIGALRM, too_late);
	(void)setitimer(ITIMER_REAL, &limit, NULL);
	complain_into(&said);
	(void)call_once(&client, method, parameters, &reply);
	complain_into(NULL);
	buf_done(&said);
	json_free(parameters);
	return reply;
}

/* The states in which a job is of use to the command; NULL: all. */
static const char *
useful_states(const struct completion *c)
{
	static const struct {
		const char	*command, *states;
	} rows[] = {
		{ "cancel", "running queued retrying" },
		{ "signal", "running" },
		{ "resume", "paused quarantined" },
		{ "skip", "scheduled paused running" },
	};

	for (size_t i = 0; c->command && i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(c->command->name, rows[i].command) == 0)
			return rows[i].states;
	return NULL;
}

/* Names of jobs; a job without one has its id. */
static void
offer_jobs(const struct completion *c)
{
	struct cJSON *parameters = json_object(), *reply;
	const char *states = useful_states(c);
	char *pattern = xasprintf("%s*", c->word);
	const struct cJSON *job;

	/* What is a pattern already has no name that begins like it. */
	if (strpbrk(c->word, "*?[\\")) {
		free(pattern);
		json_free(parameters);
		return;
	}
	/* Patterns are of names: ids are looked through. */
	if (*c->word && strspn(c->word, "0123456789") < strlen(c->word))
		json_set_string(parameters, "name", pattern);
	else if (*c->word)
		json_set_int(parameters, "after", strtoll(c->word, NULL, 10) - 1);
	json_set_int(parameters, "limit", CANDIDATES_MAX);
	while (states && *states) {
		char *state = xstrndup(states, strcspn(states, " "));

		value_push_string(parameters, "state", state);
		states += strlen(state) + (states[strlen(state)] != '\0');
		free(state);
	}
	reply = live(c, "io.jobd.List", parameters);
	for (job = json_first(json_get(reply, "jobs")); job; job = json_next(job)) {
		char *id = xasprintf("%lld", json_get_int(job, "id", 0));
		const char *name = json_get_string(job, "name");
		char *about = xasprintf("%s %s", value_text(job, "state"), value_text(job, "summary"));
		char *clean = text_escape(about);

		offer(c, name ? name : id, clean);
		free(clean);
		free(about);
		free(id);
	}
	json_free(reply);
	free(pattern);
}

/* The names of what a method lists. */
static void
offer_names(const struct completion *c, const char *method, const char *list)
{
	struct cJSON *reply = live(c, method, json_object());
	const struct cJSON *one;

	for (one = json_first(json_get(reply, list)); one; one = json_next(one))
		offer(c, value_text(one, "name"), json_get_string(one, "kind"));
	json_free(reply);
}

/* ---- from this host ---- */

/* Lines "Z NAME ..." and "L TARGET NAME". */
static void
offer_zones(const struct completion *c)
{
	FILE *f = fopen(ZONES_FILE, "re");
	char line[512], kind, first[128], second[128];

	while (f && fgets(line, sizeof(line), f)) {
		int n = sscanf(line, "%c %127s %127s", &kind, first, second);

		if (n == 3 && (kind == 'Z' || kind == 'L'))
			offer(c, kind == 'Z' ? first : second, NULL);
	}
	if (f)
		fclose(f);
}

static void
offer_users(const struct completion *c)
{
	const struct passwd *user;

	setpwent();
	while ((user = getpwent()) != NULL)
		offer(c, user->pw_name, NULL);
	endpwent();
}

static void
offer_signals(const struct completion *c)
{
	for (int n = 1; n < 32; n++) {
		const char *name = sigabbrev_np(n);

		if (name)
			offer(c, name, sigdescr_np(n));
	}
}

/* Hosts that have a name in the user's configuration of ssh. */
static void
offer_hosts(const struct completion *c)
{
	const char *home = getenv("HOME");
	char *path = xasprintf("%s/.ssh/config", home ? home : "");
	FILE *f = fopen(path, "re");
	char line[512], name[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " %*[Hh]%*[Oo]%*[Ss]%*[Tt]%*[ \t=]%255s", name) == 1 && !strpbrk(name, "*?!"))
			offer(c, name, NULL);
	if (f)
		fclose(f);
	free(path);
}

/* ---- values ---- */

static void
files(const struct completion *c, const char *which)
{
	printf(":%s %s\n", which, c->in_front);
}

/* EVENTS:TARGET: behind the colon a target, before it the last of the events. */
static void
offer_notify(struct completion *c)
{
	const char *colon = strrchr(c->word, ':'), *comma = strrchr(c->word, ',');
	const char *begin = colon ? colon + 1 : comma ? comma + 1 : c->word;
	char *in_front = xasprintf("%s%.*s", c->in_front, (int)(begin - c->word), c->word);

	free(c->in_front);
	c->in_front = in_front;
	c->word = begin;
	if (colon)
		offer_names(c, "io.jobd.Targets", "targets");
	else
		offer_list(c, "fail recover down up late timed_out lost missed skipped any");
}

static void
offer_after(struct completion *c)
{
	const char *colon = strchr(c->word, ':');
	char *in_front;

	if (!colon) {
		offer_jobs(c);
		return;
	}
	in_front = xasprintf("%s%.*s", c->in_front, (int)(colon + 1 - c->word), c->word);
	free(c->in_front);
	c->in_front = in_front;
	c->word = colon + 1;
	offer_list(c, "ok fail any");
}

/* Values of options whose name says more than what help calls their value. */
static const struct {
	const char	*option, *values;
} known_values[] = {
	{ "color", "auto always never" },
	{ "overlap", "skip queue parallel replace" },
	{ "misfire", "once skip all" },
	{ "backoff", "exp:1s..1h fixed:30s" },
	{ "method", "GET HEAD POST PUT PATCH DELETE OPTIONS" },
	{ "cron", "@hourly @daily @weekly @monthly @yearly" },
	{ "calendar", "hourly daily weekly monthly quarterly yearly" },
	{ "expect-time", "dns< connect< tls< wait< transfer< total<" },
};

static void
value(struct completion *c, const struct option *o)
{
	bool runs = c->command == &cmd_runs || c->command == &cmd_retry;

	for (size_t i = 0; i < sizeof(known_values) / sizeof(known_values[0]); i++) {
		if (strcmp(o->name, known_values[i].option) == 0) {
			offer_list(c, known_values[i].values);
			return;
		}
	}
	if (o->kind == OPTION_PATH && strcmp(o->name, "directory") == 0)
		files(c, "dirs");
	else if (o->kind == OPTION_PATH || o->kind == OPTION_PATHS || o->kind == OPTION_FILE ||
	    strcmp(o->name, "socket") == 0 || strcmp(o->argument, "FILE") == 0)
		files(c, "files");
	else if (o->kind == OPTION_ZONE)
		offer_zones(c);
	else if (strcmp(o->name, "state") == 0)
		offer_array(c, runs ? run_state_names : job_state_names);
	else if (strcmp(o->name, "kind") == 0 && c->command == &cmd_list)
		offer_array(c, job_kind_names);
	else if (strcmp(o->name, "queue") == 0)
		offer_names(c, "io.jobd.Queues", "queues");
	else if (strcmp(o->name, "notify") == 0)
		offer_notify(c);
	else if (strcmp(o->name, "after") == 0)
		offer_after(c);
	else if (strcmp(o->name, "user") == 0)
		offer_users(c);
	else if (strcmp(o->name, "host") == 0)
		offer_hosts(c);
	else if (strcmp(o->argument, "JOB") == 0)
		offer_jobs(c);
	else if (strchr(o->argument, '|') && strcspn(o->argument, "ABCDEFGHIJKLMNOPQRSTUVWXYZ<[") == strlen(o->argument))
		offer_list(c, o->argument);
}

/* KEY=VALUE of set: the value is that of the option. */
static void
offer_change(struct completion *c)
{
	const char *equals = strchr(c->word, '='), *dot, *section;
	struct strings keys = { 0 };
	const struct option *o;
	char *key;

	if (!equals) {
		jobfile_keys(&keys);
		for (size_t i = 0; i < keys.n; i++) {
			char *text = xasprintf("%s=", keys.items[i]);

			o = jobfile_key(keys.items[i], NULL, NULL, &section);
			offer(c, text, o->help);
			free(text);
		}
		strings_done(&keys);
		return;
	}
	key = xstrndup(c->word, (size_t)(equals - c->word));
	dot = strchr(key, '.');
	o = jobfile_key(dot ? dot + 1 : key, NULL, NULL, &section);
	free(key);
	free(c->in_front);
	c->in_front = xstrndup(c->word, (size_t)(equals + 1 - c->word));
	c->word = equals + 1;
	if (o && o->kind == OPTION_FLAG)
		offer_list(c, "yes no");
	else if (o && o->argument)
		value(c, o);
}

/* ---- words ---- */

static void
offer_commands(const struct completion *c)
{
	for (size_t i = 0; commands[i]; i++)
		offer(c, commands[i]->name, commands[i]->summary);
	offer(c, "help", "Show the commands, or the help of one");
}

static void
word(struct completion *c)
{
	const char *means = c->command->words_name ? c->command->words_name : "";
	size_t n = c->n_words;

	if (c->command->options_first) {
		printf(":command %zu\n", c->first);
	} else if (c->command == &cmd_queue) {
		if (n == 0)
			offer_list(c, "list add set pause resume drain rm");
		else if (n == 1 && strcmp(c->words[0], "add") != 0)
			offer_names(c, "io.jobd.Queues", "queues");
	} else if (c->command == &cmd_notify) {
		if (n == 0)
			offer_list(c, "list log test");
		else if (n == 1)
			offer_names(c, "io.jobd.Targets", "targets");
	} else if (c->command == &cmd_daemon) {
		offer(c, "reexec", NULL);
	} else if (c->command == &cmd_completion) {
		if (n == 0)
			offer_list(c, "bash zsh fish");
	} else if (c->command == &cmd_set && n > 0) {
		/* Further jobs come before the first of these. */
		bool jobs = !strchr(c->words[n - 1], '=') && !strchr(c->word, '=');

		offer_change(c);
		if (jobs)
			offer_jobs(c);
	} else if (n < c->command->words_max) {
		/* The signal comes last. */
		if (c->command == &cmd_signal && n > 0)
			offer_signals(c);
		if (strstr(means, "JOB") || strcmp(means, "PATTERN") == 0)
			offer_jobs(c);
	}
}

static void
offer_options(const struct completion *c)
{
	const struct option *tables[] = { c->command ? c->command->options : NULL, global_options };

	for (size_t i = 0; i < 2; i++) {
		for (const struct option *o = tables[i]; o && o->name; o++) {
			char *name = xasprintf("--%s", o->name);

			if (!c->command || !(o->not_for & c->command->verb))
				offer(c, name, o->help);
			free(name);
		}
	}
}

static const struct option *
find(const struct completion *c, const char *name, size_t n, char letter)
{
	const struct option *tables[] = { c->command ? c->command->options : NULL, global_options };

	for (size_t i = 0; i < 2; i++) {
		for (const struct option *o = tables[i]; o && o->name; o++) {
			if (c->command && (o->not_for & c->command->verb))
				continue;
			if (name ? strlen(o->name) == n && memcmp(o->name, name, n) == 0 : letter && o->letter == letter)
				return o;
		}
	}
	return NULL;
}

/* The option that wants the next word, after this one; NULL: none. */
static const struct option *
wants_value(const struct completion *c, const char *text)
{
	const struct option *o;

	if (text[0] != '-' || text[1] == '\0' || (text[1] == '-' && strchr(text, '=')))
		return NULL;
	if (text[1] == '-')
		o = find(c, text + 2, strlen(text + 2), 0);
	else
		for (o = NULL, text++; *text; text++) {
			o = find(c, NULL, 0, *text);
			if (o && o->kind != OPTION_FLAG)
				return text[1] ? NULL : o;	/* -n5: it has it */
		}
	return o && o->kind != OPTION_FLAG && o->argument ? o : NULL;
}

static void
at_cursor(struct completion *c, bool words_only)
{
	const char *equals = strncmp(c->word, "--", 2) == 0 ? strchr(c->word, '=') : NULL;
	const struct option *o;

	if (!words_only && equals) {
		o = find(c, c->word + 2, (size_t)(equals - c->word - 2), 0);
		free(c->in_front);
		c->in_front = xstrndup(c->word, (size_t)(equals + 1 - c->word));
		c->word = equals + 1;
		if (o && o->kind != OPTION_FLAG)
			value(c, o);
	} else if (!words_only && c->word[0] == '-') {
		offer_options(c);
	} else if (c->command) {
		word(c);
	} else {
		offer_commands(c);
	}
}

int
complete(int argc, char **argv)
{
	struct completion c = { .in_front = xstrdup(""), .word = argv[argc - 1] };
	const struct option *pending = NULL;
	bool words_only = false, help = false;
	int i;

	c.words = xcalloc((size_t)argc + 1, sizeof(*c.words));
	for (i = 0; i + 1 < argc; i++) {
		char *text = argv[i];

		if (pending) {
			if (strcmp(pending->name, "socket") == 0)
				c.socket = text;
			pending = NULL;
			continue;
		}
		if (!words_only && strncmp(text, "--socket=", 9) == 0)
			c.socket = text + 9;
		if (!words_only && strcmp(text, "--") == 0) {
			words_only = true;
		} else if (!words_only && text[0] == '-' && text[1]) {
			pending = wants_value(&c, text);
		} else if (!c.command && !help) {
			help = strcmp(text, "help") == 0;
			c.command = command_find(text);
			if (!c.command && !help)
				break;	/* no such command: nothing fits */
		} else {
			if (c.n_words == 0)
				c.first = (size_t)i + 1;
			c.words[c.n_words++] = text;
			words_only |= c.command && c.command->options_first;
		}
	}
	if (c.n_words == 0)
		c.first = (size_t)argc;
	if (pending && i + 1 >= argc)
		value(&c, pending);
	else if (i + 1 >= argc)
		at_cursor(&c, words_only);
	free(c.words);
	free(c.in_front);
	return EXIT_OK;
}
