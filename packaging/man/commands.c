/*
 * man-commands: the parts of jobctl's man pages that its tables know, as man(7).  For the build alone.
 *
 *	man-commands list		the names of the commands, a line each
 *	man-commands table		all of them, with what they do
 *	man-commands globals		the options of every command
 *	man-commands page NAME DATE VERSION	the page of one
 *	man-commands keys		the keys of job files, a line each: SECTION KEY
 *	man-commands keys SECTION	those of one section, with what they say
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "client/jobfile.h"
#include "client/spec.h"
#include "proto/error.h"
#include "proto/mem.h"

/* Text that is read: what roff would take for itself is escaped, and breaks of lines are blanks. */
static void
words(const char *text)
{
	bool start = true, blank = false;

	for (; *text; text++) {
		if (*text == ' ' || *text == '\n' || *text == '\t') {
			blank = true;
			continue;
		}
		if (blank && !start)
			putchar(' ');
		if (start && (*text == '.' || *text == '\''))
			fputs("\\&", stdout);
		if (*text == '\\')
			fputs("\\e", stdout);
		else if (*text == '-')
			fputs("\\-", stdout);
		else if (*text == '\'')
			fputs("\\(aq", stdout);
		else if (*text == '^')
			fputs("\\(ha", stdout);
		else if (*text == '~')
			fputs("\\(ti", stdout);
		else
			putchar(*text);
		start = blank = false;
	}
}

static void
line(const char *text)
{
	words(text);
	putchar('\n');
}

/* Lines as they stand. */
static void
verbatim(char *text)
{
	char *one;

	puts(".nf");
	while ((one = strsep(&text, "\n")) != NULL) {
		printf("    ");
		line(one);
	}
	puts(".fi");
}

/* Paragraphs, between which there are empty lines; what is indented is an example. */
static void
paragraphs(const char *text)
{
	while (*text) {
		const char *end = strstr(text, "\n\n");
		size_t n = end ? (size_t)(end - text) : strlen(text);
		char *part = xstrndup(text, n);

		puts(".PP");
		if (*part == ' ')
			verbatim(part);
		else
			line(part);
		free(part);
		text += n + strspn(text + n, "\n");
	}
}

static void
options(const struct option *table, unsigned verb)
{
	for (const struct option *o = table; o && o->name; o++) {
		if (o->not_for & verb)
			continue;
		if (o->group) {
			printf(".SS \"");
			words(o->group);
			puts("\"");
		}
		puts(".TP");
		if (o->letter)
			printf("\\fB\\-%c\\fR, ", o->letter);
		printf("\\fB\\-\\-");
		words(o->name);
		printf("\\fR");
		if (o->argument) {
			printf(" \\fI");
			words(o->argument);
			printf("\\fR");
		}
		putchar('\n');
		line(o->help);
	}
}

/* As it is typed. */
static void
examples(const char *text)
{
	puts(".nf");
	while (*text) {
		size_t n = strcspn(text, "\n");
		char *part = strndup(text + strspn(text, " "), n - strspn(text, " "));

		if (!part)
			exit(EXIT_FAILED);
		printf("$ ");
		line(part);
		free(part);
		text += n + (text[n] == '\n');
	}
	puts(".fi");
}

/* Commands that read or write job files. */
static bool
is_of_files(const struct command *c)
{
	static const char *const names[] = { "apply", "diff", "export", "edit", "set", "import" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], c->name) == 0)
			return true;
	}
	return false;
}

static void
page(const struct command *c, const char *date, const char *version)
{
	printf(".TH JOBCTL\\-");
	for (const char *p = c->name; *p; p++)
		putchar(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
	printf(" 1 %s \"jobd %s\" \"jobd\"\n.SH NAME\njobctl\\-%s \\- ", date, version, c->name);
	line(c->summary);
	printf(".SH SYNOPSIS\n\\fBjobctl %s\\fR ", c->name);
	line(c->usage);
	if (c->alias)
		printf(".br\n\\fBjobctl %s\\fR is the same.\n", c->alias);
	puts(".SH DESCRIPTION");
	words(c->summary);
	puts(".");
	if (c->text)
		paragraphs(c->text);
	puts(".PP\n\\fBjobctl\\fR(1) says what a JOB is, has the options of every command, and the exit codes.");
	if (c->options && c->options->name) {
		puts(".SH OPTIONS");
		options(c->options, c->verb);
	}
	puts(".SH EXAMPLES");
	examples(c->examples);
	printf(".SH SEE ALSO\n\\fBjobctl\\fR(1), %s\\fBjobd\\fR(8), \\fBjobd\\-schedule\\fR(7)\n",
	    is_of_files(c) ? "\\fBjob\\fR(5), " : "");
}

static void
table(void)
{
	for (size_t i = 0; commands[i]; i++) {
		const struct command *c = commands[i];

		printf(".TP\n\\fB%s\\fR", c->name);
		if (c->alias)
			printf(", \\fB%s\\fR", c->alias);
		printf(" \\fI");
		words(c->usage);
		puts("\\fR");
		words(c->summary);
		printf(": \\fBjobctl\\-%s\\fR(1).\n", c->name);
	}
}

/* ---- keys of job files ---- */

/* What the page says besides the option's help; instead: of options that speak of the command line. */
static const struct {
	const char	*key;
	bool		 instead;
	const char	*text;
} key_texts[] = {
	{ "Job.Heartbeat", false, "It needs --every, which counts from one ping to the next, or --cron or --calendar." },
	{ "Job.Name", true, "what the job is called: letters, digits and . _ @ : -, at most 128 bytes, not only digits."
	    " When absent, as the file is, without .job." },
	{ "Job.Queue", false, "When absent: default for commands that come once, schedule for those that come again or are"
	    " due on boot; what is no command is in none." },
	{ "Job.Slots", false, "One that needs more than the queue has runs alone in it." },
	{ "Job.Timeout", false, "When absent never, and 30s for checks." },
	{ "Job.Grace", false, "Of a heartbeat it is how long after its due the ping may come." },
	{ "Job.Retries", false, "When absent 0; at most 1000." },
	{ "Job.Backoff", false, "exp: a random part of a time that begins with the first and doubles with each attempt up to"
	    " the last. fixed: always the same." },
	{ "Job.RetryOn", false, "Exit codes (of checks: statuses) and ranges of them, and the words any, timed_out, lost,"
	    " signal, oom, not_started, of checks connect. When absent: every failure but lost runs, and but the exit codes"
	    " 126 and 127." },
	{ "Job.OnCrash", false, "adopt: it is lost, and that is the end of it unless --retry-on has lost. fail: a failure"
	    " like others. rerun: it is tried again by itself, and uses up no retry." },
	{ "Job.Paused", false, "It is how the job is added: a pause by hand stays when the file is applied again." },
	{ "Job.Keep", false, "What is absent is as the configuration says." },
	{ "Job.FailAfter", false, "A check has it in [Http]." },
	{ "Job.OkAfter", false, "A check has it in [Http]." },
	{ "Job.LateAfter", false, "The event late of --notify tells it." },

	{ "Schedule.In", true, "first due so long after it was added, or after the jobs of --after have ended." },
	{ "Schedule.At", true, "first due then." },
	{ "Schedule.After", false, "Of several all are waited for. ok is succeeded; fail is failed, timed out or lost; any is"
	    " every end." },
	{ "Schedule.Every", false, "The first time at once, or as --at or --in say." },
	{ "Schedule.TimeZone", false, "The job keeps it." },
	{ "Schedule.Dst", false, "once, the default: what falls into the gap is due at the first instant after it, what comes"
	    " twice the first time. skip: what is in the gap is skipped. both: what comes twice is due twice." },
	{ "Schedule.Except", false, "One without a time of day means the whole day." },
	{ "Schedule.Jitter", false, "It is always the same for one job and due." },
	{ "Schedule.Misfire", false, "once: the latest runs; skip: none; all: each, at most the latest N (100). The default"
	    " is once for distances of an hour and more and for what comes a single time, else skip, and skip for checks." },

	{ "Command.Shell", true, "a text for /bin/sh -c, instead of Command." },
	{ "Command.Directory", true, "start it there; in the home of its user when absent." },
	{ "Command.Environment", false, "It goes before what --env-file has." },
	{ "Command.Stdin", true, "its standard input: this file, opened at each start. Empty when absent." },
	{ "Command.User", false, "When absent, as who applies the file." },
	{ "Command.Leftovers", false, "kill, the default: they are ended. wait: the run lasts until they have ended. detach:"
	    " they go on, and are no part of the run any more." },

	{ "Http.Url", false, "It begins with http:// or https://." },
	{ "Http.BodyFile", true, "send what is in it." },
	{ "Http.IpVersion", false, "When absent, either." },
	{ "Http.HttpVersion", false, "When absent, HTTP/2 where the server offers it over TLS, else 1.1." },
	{ "Http.ConnectTimeout", false, "So long at most, for each hop." },
	{ "Http.BodyMatch", false, "It is PCRE2; the first 128 KiB of the body are looked at." },
	{ "Http.JsonMatch", false, "A PATH alone must be there." },
	{ "Http.ExpectTime", false, "Phases are queue, dns, connect, tls, send, wait, receive and total." },
	{ "Http.FailAfter", true, "health is down after N checks in a row that failed (1)." },
	{ "Http.QuickRetries", false, "At most 10; of a check that comes again and has no --retries." },

	{ "Notify.Notify", false, "fail: a run ended without success, its retries used up; recover: the first that succeeds"
	    " after that. down, up: the health of a check or a heartbeat becomes so. late: a heartbeat has not come by its"
	    " due, or a run has not begun by --late-after. timed_out, lost: such a fail. missed: occurrences came while jobd or"
	    " the host was down. skipped: occurrences came while a run was active. any: each of these." },
};

/* A word of the help that begins at text is an option: its key; else NULL. */
static const struct option *
option_at(const char *text, size_t *n)
{
	*n = strspn(text + 2, "abcdefghijklmnopqrstuvwxyz-") + 2;
	for (const struct option *o = spec_options; o->name; o++) {
		if (strlen(o->name) == *n - 2 && strncmp(o->name, text + 2, *n - 2) == 0)
			return o;
	}
	return NULL;
}

/* An option's text as it is for a key: --retry-on is RetryOn, and what is quoted for a shell is not. */
static char *
text_of_key(const char *text)
{
	struct buf out = { 0 };
	char key[KEY_TEXT_MAX];
	const struct option *o;
	bool quoted = false;
	size_t n;

	for (const char *p = text; *p; p += n) {
		n = 1;
		o = strncmp(p, "--", 2) == 0 ? option_at(p, &n) : NULL;
		if (o)
			buf_puts(&out, option_key(o, key));
		else if (*p == '\'' && (quoted || p == text || p[-1] == ' '))
			quoted = !quoted;
		else
			buf_append(&out, p, n);
	}
	return buf_steal(&out);
}

static const char *
key_name(const char *section, const struct option *o, char out[2 * KEY_TEXT_MAX])
{
	char key[KEY_TEXT_MAX];

	snprintf(out, 2 * KEY_TEXT_MAX, "%s.%s", section, option_key(o, key));
	return out;
}

static void
key_line(const char *section, const struct option *o)
{
	char key[KEY_TEXT_MAX];

	printf("%s %s\n", section, option_key(o, key));
}

static void
key_words(const char *text)
{
	char *own = text_of_key(text);

	words(own);
	free(own);
}

/* A sentence of what a help says. */
static void
key_sentence(const char *help)
{
	char *own = text_of_key(help);

	words(own);
	puts(own[strlen(own) - 1] == '.' ? "" : ".");
	free(own);
}

static void
key_tell(const char *section, const struct option *o)
{
	char key[KEY_TEXT_MAX], name[2 * KEY_TEXT_MAX];
	const char *more = NULL;
	bool instead = false;

	key_name(section, o, name);
	for (size_t i = 0; i < sizeof(key_texts) / sizeof(key_texts[0]); i++) {
		if (strcmp(key_texts[i].key, name) != 0)
			continue;
		more = key_texts[i].text;
		instead = key_texts[i].instead;
	}
	if (!o->help || (!o->argument && o->kind != OPTION_FLAG)) {
		fprintf(stderr, "man-commands: the key %s has no help, or no argument\n", name);
		exit(EXIT_FAILED);
	}
	printf(".TP\n\\fB%s=\\fR\\fI", option_key(o, key));
	key_words(o->argument ? o->argument : "yes|no");
	printf("\\fR%s\n", jobfile_is_list(o) ? " (a list)" : "");
	if (!instead)
		key_sentence(o->help);
	if (more)
		key_sentence(more);
}

static size_t texts_used;

static void
texts_count(const char *section, const struct option *o)
{
	char name[2 * KEY_TEXT_MAX];

	key_name(section, o, name);
	for (size_t i = 0; i < sizeof(key_texts) / sizeof(key_texts[0]); i++)
		texts_used += strcmp(key_texts[i].key, name) == 0;
}

/* Each text is of a key that there is; else whoever renamed it is told. */
static void
texts_check(void)
{
	for (size_t i = 0; jobfile_sections[i]; i++)
		jobfile_section_each(jobfile_sections[i], texts_count);
	if (texts_used == sizeof(key_texts) / sizeof(key_texts[0]))
		return;
	fprintf(stderr, "man-commands: a text of key_texts is of no key, or two are of one\n");
	exit(EXIT_FAILED);
}

static void
keys(const char *section)
{
	texts_check();
	for (size_t i = 0; jobfile_sections[i]; i++) {
		if (!section)
			jobfile_section_each(jobfile_sections[i], key_line);
		else if (strcmp(section, jobfile_sections[i]) == 0)
			jobfile_section_each(section, key_tell);
	}
}

int
main(int argc, char *argv[])
{
	const char *what = argc > 1 ? argv[1] : "";
	const struct command *c = argc > 2 ? command_find(argv[2]) : NULL;

	if (strcmp(what, "list") == 0)
		for (size_t i = 0; commands[i]; i++)
			printf("%s%s%s\n", commands[i]->name, commands[i]->alias ? " " : "",
			    commands[i]->alias ? commands[i]->alias : "");
	else if (strcmp(what, "table") == 0)
		table();
	else if (strcmp(what, "globals") == 0)
		options(global_options, 0);
	else if (strcmp(what, "page") == 0 && c && argc == 5)
		page(c, argv[3], argv[4]);
	else if (strcmp(what, "keys") == 0)
		keys(argc > 2 ? argv[2] : NULL);
	else
		return EXIT_USAGE;
	return ferror(stdout) || fflush(stdout) != 0 ? EXIT_FAILED : EXIT_OK;
}
