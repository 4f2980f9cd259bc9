/*
 * client: what every command of jobctl gets, and its row in the table of commands.
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include "client/options.h"
#include "client/output.h"

struct client;

/* One verb.  The rows stand on top of the cmd_*.c files; main.c lists them. */
struct command {
	const char		*name;
	const char		*alias;		/* or NULL */
	const char		*usage;		/* what follows the name */
	const char		*summary;	/* one line */
	const char		*text;		/* more for its help, or NULL; ends in a newline */
	const char		*examples;	/* lines, each ended */
	const char		*on_conflict;	/* what helps, or NULL */
	const struct option	*options;	/* NULL-named end; may be NULL */
	unsigned		 verb;		/* its bit for option.not_for */
	bool			 options_first;
	bool			 paged;		/* what it prints may be long */
	const char		*words_field;	/* of the parameters, for the words; or NULL */
	const char		*words_name;	/* how errors call them */
	const char		*noun;		/* what names are of; NULL: jobs */
	size_t			 words_min, words_max;
	bool			 one_job;	/* its word is of one: no pattern */
	int (*run)(struct client *c);		/* returns the exit code */
};

struct client {
	const char		*socket;	/* --socket, or NULL */
	struct output		 out;
	struct args		 args;		/* of the verb */
	const struct command	*command;
};

extern const struct command cmd_add, cmd_run, cmd_list, cmd_status, cmd_show, cmd_runs, cmd_logs,
    cmd_wait,
    cmd_watch, cmd_cancel, cmd_rm, cmd_trigger, cmd_retry, cmd_pause,
    cmd_resume, cmd_stats, cmd_tasks,
    cmd_next, cmd_explain, cmd_skip, cmd_backfill, cmd_events, cmd_top;
extern const struct command cmd_why, cmd_audit, cmd_simulate, cmd_gc, cmd_signal, cmd_ping, cmd_daemon;
extern const struct command cmd_reload, cmd_queue, cmd_drain;
extern const struct command cmd_notify;
extern const struct command cmd_doctor;
extern const struct command cmd_apply, cmd_diff, cmd_export, cmd_edit, cmd_set, cmd_import, cmd_backup, cmd_restore;
extern const struct command cmd_completion;

/* All of them, ended by NULL: at most so many.  And the one of this name or alias, or NULL. */
#define COMMANDS_MAX 64
extern const struct command *const commands[];
const struct command *command_find(const char *name);

#define WORDS_ANY ((size_t)-1)

#endif
