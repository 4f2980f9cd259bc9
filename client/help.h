/*
 * help: what --help and --version print, from the same rows that are parsed.
 */
#ifndef CLIENT_HELP_H
#define CLIENT_HELP_H

struct command;

/* jobctl --help: every command. */
void help_all(void);

/* jobctl COMMAND --help */
void help_command(const struct command *command);

/* jobctl --version; returns the exit code. */
int help_version(void);

#endif
