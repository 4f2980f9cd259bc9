/*
 * jobctl completion: the scripts of packaging/completion/, for who has jobctl without a package.
 */
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "client/completion__jobctl.h"
#include "client/completion_jobctl.bash.h"
#include "client/completion_jobctl.fish.h"
#include "proto/error.h"

static int completion_run(struct client *c);

const struct command cmd_completion = {
	.name = "completion",
	.usage = "bash|zsh|fish",
	.summary = "Print what makes a shell complete jobctl",
	.text =
	    "For a jobctl that was not installed: packages and make install put it in place.\n"
	    "In ~/.bashrc, and in ~/.zshrc behind compinit, a line does, as the first below;\n"
	    "in ~/.config/fish/config.fish the last.\n",
	.examples = "  source <(jobctl completion bash)\n"
	    "  jobctl completion zsh >~/.zfunc/_jobctl\n"
	    "  jobctl completion fish | source\n",
	.words_name = "bash, zsh or fish",
	.words_min = 1,
	.words_max = 1,
	.run = completion_run,
};

static int
completion_run(struct client *c)
{
	static const struct {
		const char *shell, *script;
	} rows[] = {
		{ "bash", completion_jobctl_bash },
		{ "zsh", completion__jobctl },
		{ "fish", completion_jobctl_fish },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(c->args.words[0], rows[i].shell) != 0)
			continue;
		fputs(rows[i].script, stdout);
		return EXIT_OK;
	}
	complain("there is no completion for \"%s\": it is bash, zsh or fish", c->args.words[0]);
	return EXIT_USAGE;
}
