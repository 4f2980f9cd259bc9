/*
 * help: see help.h.  It goes to stdout, since it was asked for, and fits 80 columns.
 */
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "client/help.h"
#include "proto/error.h"

#define OPTION_COLUMN 27	/* where the words about an option begin */

static void
options_print(const struct option *options, unsigned verb)
{
	const struct option *o;

	for (o = options; o && o->name; o++) {
		int used;

		if (o->not_for & verb)
			continue;
		if (o->group)
			printf("\n%s:\n", o->group);
		if (o->letter)
			used = printf("  -%c, --%s", o->letter, o->name);
		else
			used = printf("      --%s", o->name);
		if (o->argument)
			used += printf(" %s", o->argument);
		if (used > OPTION_COLUMN - 2) {
			putchar('\n');
			used = 0;
		}
		printf("%*s%s\n", OPTION_COLUMN - used, "", o->help);
	}
}

void
help_all(void)
{
	const struct command *const *row = commands;

	puts("usage: jobctl [OPTIONS] [COMMAND] [ARGUMENTS]\n\n"
	    "Adds, shows and controls the jobs of jobd. Without a command: list.\n");
	for (; *row; row++) {
		const struct command *c = *row;
		int used = printf("  %s%s%s", c->name, c->alias ? ", " : "",
		    c->alias ? c->alias : "");

		printf("%*s%s\n", 18 - used, "", c->summary);
	}
	printf("  help%*s%s\n", 12, "", "show this, or the help of a command");
	puts("\nOptions, before or after the command:");
	options_print(global_options, 0);
	puts("\nA JOB is an id, a name, or a pattern like 'db-*' where several are taken (a job\n"
	    "without a name goes by its id, so that '*' is all); 12.3 is the third run of job\n"
	    "12. Durations: 90s, 15m, 1h30m, 2d. Tables have tabs\n"
	    "between columns when they do not go to a terminal; --json is for programs.\n\n"
	    "Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 not permitted, 5 jobd not\n"
	    "reachable, 6 conflict, 7 wait timed out; of run and wait also the command's own\n"
	    "code, 124 run timed out, 125 it could not be started, 128+N ended by signal N.\n\n"
	    "jobctl finds jobd by --socket, $JOBD_SOCKET, your own jobd's socket (not\n"
	    "for root), or /run/jobd/io.jobd.");
}

void
help_command(const struct command *c)
{
	printf("usage: jobctl %s%s%s\n\n%s.\n", c->name, *c->usage ? " " : "", c->usage,
	    c->summary);
	if (c->alias)
		printf("%s is the same.\n", c->alias);
	if (c->text)
		printf("\n%s", c->text);
	if (c->options && c->options->name) {
		if (!c->options->group)
			puts("\nOptions:");
		options_print(c->options, c->verb);
	}
	puts("\nOptions of every command:");
	options_print(global_options, 0);
	printf("\nExamples:\n%s", c->examples);
}

int
help_version(void)
{
	puts("jobctl " JOBD_VERSION);
	return EXIT_OK;
}
