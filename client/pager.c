/*
 * pager: see pager.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/pager.h"
#include "proto/mem.h"

extern char **environ;

static pid_t pager;	/* 0: there is none */

/* What the user wants; NULL: less; "" for none. */
static const char *
wanted(void)
{
	const char *term = getenv("TERM"), *named = getenv("JOBD_PAGER");

	if (!named)
		named = getenv("PAGER");
	if (!term || !*term || strcmp(term, "dumb") == 0 || (named && strcmp(named, "cat") == 0))
		return "";
	return named;
}

void
pager_open(void)
{
	const char *command = wanted();
	char name[] = "less", shell_name[] = "/bin/sh", dash_c[] = "-c", *text = xstrdup(command);
	char *less[] = { name, NULL }, *shell[] = { shell_name, dash_c, text, NULL };
	posix_spawn_file_actions_t actions;
	int ends[2], r;

	if ((command && !*command) || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || pipe2(ends, O_CLOEXEC) < 0) {
		free(text);
		return;
	}
	/* Leave when all fits the screen, pass colours on, leave the text where it is. */
	(void)setenv("LESS", "FRX", 0);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
	r = posix_spawnp(&pager, command ? shell[0] : less[0], &actions, NULL, command ? shell : less, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	close(ends[0]);
	if (r == 0) {
		(void)fflush(stdout);
		(void)dup2(ends[1], STDOUT_FILENO);
		/* ^C is a key of the pager's; who leaves it ends us, as nobody reads any more. */
		(void)signal(SIGINT, SIG_IGN);
	} else {
		pager = 0;
	}
	close(ends[1]);
	free(text);
}

void
pager_close(void)
{
	int status;

	if (pager == 0)
		return;
	close(STDOUT_FILENO);
	while (waitpid(pager, &status, 0) < 0 && errno == EINTR)
		;
	pager = 0;
}
