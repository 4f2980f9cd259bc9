/*
 * commands: the table of what jobctl can do; each row stands on top of its cmd_*.c file.
 */
#include <string.h>

#include "client/client.h"

const struct command *const commands[] = {
	&cmd_add, &cmd_run, &cmd_list, &cmd_status, &cmd_show, &cmd_runs, &cmd_logs, &cmd_wait, &cmd_watch,
	&cmd_events, &cmd_top, &cmd_next, &cmd_explain, &cmd_trigger, &cmd_retry, &cmd_cancel, &cmd_signal,
	&cmd_ping, &cmd_pause, &cmd_resume, &cmd_skip, &cmd_backfill, &cmd_set, &cmd_edit, &cmd_rm,
	&cmd_apply, &cmd_diff, &cmd_export, &cmd_import, &cmd_queue, &cmd_notify, &cmd_stats, &cmd_tasks,
	&cmd_doctor, &cmd_why, &cmd_audit, &cmd_simulate, &cmd_gc, &cmd_backup, &cmd_restore, &cmd_reload,
	&cmd_drain, &cmd_daemon, &cmd_completion, NULL,
};

const struct command *
command_find(const char *name)
{
	size_t i;

	for (i = 0; commands[i]; i++)
		if (strcmp(commands[i]->name, name) == 0 ||
		    (commands[i]->alias && strcmp(commands[i]->alias, name) == 0))
			return commands[i];
	return NULL;
}
