/*
 * settings: what jobd is told at its start: defaults, configuration files, command line, in this
 * order.  A setting is one row of the table in settings.c; the command line sets the same
 * rows, and --help-config prints them as the file that config/jobd.conf is.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/exec/target.h"
#include "daemon/server/server.h"
#include "daemon/store/ops.h"
#include "proto/when.h"

struct settings {
	char	*config;		/* the file, NULL: the default one, which may be missing */
	char	*socket;
	char	*state_dir;
	char	*runner;		/* "own", or the path of its socket */
	bool	 runner_found;		/* nobody has set it: it is what was there at the start */
	char	*log_level;
	char	*hosts, *resolv_conf;
	char	*canary;		/* or NULL */
	int64_t	 connections, connections_per_user, jobs_per_user;
	int64_t	 commands, checks, timers, heartbeats, window_jobs, catch_ups;
	int64_t	 events_bytes;
	struct keep_policy keep;	/* [retention] */
	usec_t	 block_limit;
	int64_t	 default_slots, schedule_slots, queue_slots;
	char	*sendmail;
	struct notify_targets targets;	/* [target NAME], by name */
	bool	 system;		/* the host's daemon, not a user's */
	bool	 check_database;	/* look at the database, tell, and end */
	char	*restore;		/* a backup to put in the database's place, and end; or NULL */
};

/*
 * Read all.  -1: go on; else the exit code: an option that only prints was given, or something is
 * wrong (told on stderr).  settings_done() in either case.
 */
int settings_read(struct settings *s, int argc, char *argv[]);
void settings_done(struct settings *s);

/*
 * Read the files again, and put into s what can be changed while jobd runs; with a mistake nothing is changed. What is
 * named is section.name, or [target NAME]; settings_change_done() frees it.  *ret_old are the targets as they were, the caller's
 * to free, for who still uses them; empty with a mistake.
 */
void settings_reload(struct settings *s, struct settings_change *change, struct notify_targets *ret_old);

/* The socket's group: jobd if the host's daemon runs as root and there is such a group; else -1. */
int settings_socket_group(const struct settings *s);

#endif
