/*
 * jobctl: the client of jobd.  It turns words into one call and the reply into words,
 * and judges nothing that the daemon judges: what a field means is decided in one place,
 * and an older jobctl works with a newer jobd.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "client/complete.h"
#include "client/help.h"
#include "client/host.h"
#include "client/pager.h"
#include "proto/error.h"
#include "proto/mem.h"
#include "proto/suggest.h"

static int
verb_unknown(const char *name)
{
	const char *candidates[2 * COMMANDS_MAX + 2], *meant;
	size_t i, n = 0;

	for (i = 0; commands[i] && i < COMMANDS_MAX; i++) {
		candidates[n++] = commands[i]->name;
		if (commands[i]->alias)
			candidates[n++] = commands[i]->alias;
	}
	candidates[n++] = "help";
	candidates[n] = NULL;
	meant = suggest(name, candidates);
	if (meant)
		complain("there is no command \"%s\"; did you mean \"%s\"?", name, meant);
	else
		complain("there is no command \"%s\"; jobctl --help lists them", name);
	return EXIT_USAGE;
}

/* jobctl help [COMMAND] */
static int
help(int argc, char **argv)
{
	const struct command *command;

	if (argc < 1) {
		help_all();
		return EXIT_OK;
	}
	command = command_find(argv[0]);
	if (!command)
		return verb_unknown(argv[0]);
	help_command(command);
	return EXIT_OK;
}

/* An option of every verb, before or after it: the value, or NULL. */
static const char *
global_text(const struct client *c, const struct args *before, const char *name)
{
	const char *after = args_text(&c->args, name);

	return after ? after : args_text(before, name);
}

static bool
global_flag(const struct client *c, const struct args *before, const char *name)
{
	return args_flag(&c->args, name) || args_flag(before, name);
}

static int
usage_complain(const struct command *command)
{
	complain("usage: jobctl %s%s%s", command->name, *command->usage ? " " : "",
	    command->usage);
	return EXIT_USAGE;
}

static int
words_check(const struct client *c)
{
	const struct command *command = c->command;

	if (c->args.n_words < command->words_min) {
		complain("%s needs %s", command->name,
		    command->words_name ? command->words_name : "more");
		return usage_complain(command);
	}
	if (c->args.n_words > command->words_max) {
		complain("\"%s\" is too much for %s", c->args.words[command->words_max],
		    command->name);
		return usage_complain(command);
	}
	if (command->one_job && c->args.n_words > 0 && strpbrk(c->args.words[0], "*?[")) {
		complain("%s is for one job, and %s is a pattern: jobctl list '%s' shows which there"
		    " are", command->name, c->args.words[0], c->args.words[0]);
		return EXIT_USAGE;
	}
	return 0;
}

/* Everything is read: set the client up, and go. */
static int
perform(struct client *c, const struct args *before, int argc, char **argv)
{
	const struct given *host = args_given(&c->args, "host");
	int r;

	if (!host)
		host = args_given(before, "host");
	if (global_flag(c, before, "help")) {
		help_command(c->command);
		return EXIT_OK;
	}
	if (global_flag(c, before, "version"))
		return help_version();
	if (host)
		return host_exec(host, argc, argv);
	/* From here on a vanished reader is an error of write(), not a death. */
	signal(SIGPIPE, SIG_IGN);
	c->socket = global_text(c, before, "socket");
	if (output_init(&c->out, global_text(c, before, "color")) < 0) {
		complain("--color: it is auto, always or never");
		return EXIT_USAGE;
	}
	c->out.json = global_flag(c, before, "json");
	c->out.utc = global_flag(c, before, "utc");
	c->out.headers = !global_flag(c, before, "no-headers");
	r = words_check(c);
	if (r == 0 && c->command->paged && !c->out.json && !global_flag(c, before, "no-pager") &&
	    !args_flag(&c->args, "watch") && !args_flag(&c->args, "follow"))
		pager_open();
	if (r == 0)
		r = c->command->run(c);
	return r;
}

static int
perform_verb(const struct args *before, int argc, char **argv, int at)
{
	struct client c = { .command = at < argc ? command_find(argv[at]) : &cmd_list };
	int r;

	if (!c.command)
		return verb_unknown(argv[at]);
	c.args.options = c.command->options;
	c.args.verb = c.command->verb;
	c.args.options_first = c.command->options_first;
	at++;
	r = args_read(&c.args, argc, argv, &at, false);
	if (r == 0)
		r = perform(&c, before, argc, argv);
	else
		complain("jobctl %s --help shows its options", c.command->name);
	args_done(&c.args);
	return r;
}

int
main(int argc, char **argv)
{
	struct args before = { 0 };
	int at = 1, r;

	if (argc > 2 && strcmp(argv[1], "__complete") == 0)
		return complete(argc - 2, argv + 2);
	r = args_read(&before, argc, argv, &at, true);
	if (r == 0 && at >= argc && args_flag(&before, "help"))
		help_all();
	else if (r == 0 && at >= argc && args_flag(&before, "version"))
		r = help_version();
	else if (r == 0 && at < argc && strcmp(argv[at], "help") == 0)
		r = help(argc - at - 1, argv + at + 1);
	else if (r == 0)
		r = perform_verb(&before, argc, argv, at);
	output_flush();
	pager_close();
	args_done(&before);
	return r;
}
