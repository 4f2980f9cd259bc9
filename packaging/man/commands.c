/*
 * man-commands: the parts of jobctl's man pages that its tables know, as man(7).  For the build alone.
 *
 *	man-commands list		the names of the commands, a line each
 *	man-commands table		all of them, with what they do
 *	man-commands globals		the options of every command
 *	man-commands page NAME DATE VERSION	the page of one
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "proto/error.h"

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

/* Paragraphs, between which there are empty lines. */
static void
paragraphs(const char *text)
{
	while (*text) {
		const char *end = strstr(text, "\n\n");
		size_t n = end ? (size_t)(end - text) : strlen(text);
		char *part = strndup(text, n);

		if (!part)
			exit(EXIT_FAILED);
		puts(".PP");
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
	puts(".SH SEE ALSO\n\\fBjobctl\\fR(1), \\fBjobd\\fR(8), \\fBjobd\\-schedule\\fR(7)");
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
	else
		return EXIT_USAGE;
	return ferror(stdout) || fflush(stdout) != 0 ? EXIT_FAILED : EXIT_OK;
}
