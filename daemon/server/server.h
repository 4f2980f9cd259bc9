/*
 * server: who may ask what.  Every method of io.jobd is a task with one row (method.h); all they
 * know of the daemon is in struct server, which the roof fills.
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include <sys/types.h>

#include "daemon/engine/gate.h"
#include "daemon/exec/runner.h"
#include "daemon/scheduler/scheduler.h"
#include "daemon/store/store.h"
#include "daemon/wire/service.h"

#define SERVER_METHODS_MAX 43

/* Simulations at a time; of one user there is one. */
#define SIMULATIONS_MAX 4

/* Pages of jobs or runs that are put together at a time: each may take some megabytes. */
#define PAGES_AT_ONCE_MAX 8

/* What reading the configuration again has come to. */
struct settings_change {
	struct strings	 applied;	/* names of settings that are others from now on */
	struct strings	 reexec;	/* that will be when jobd is executed anew */
	struct strings	 restart;	/* that will be from its next start on */
	struct strings	 mistakes;	/* when there is one, nothing is changed */
};

void settings_change_done(struct settings_change *change);

/* All is borrowed and outlives the service. */
struct server {
	struct loop		*loop;
	struct store		*store;
	struct scheduler	*scheduler;
	struct event_hub	*events;
	struct runner		*runner;	/* NULL: there is none, so no output */
	struct zones		*zones;
	const struct notify_targets *targets;	/* NULL: there are none */
	const char		*version;
	/* jobd's program, and how to have it executed anew soon; NULL: not here */
	const char		*program;
	void			(*reexec)(void *context);
	/* the configuration, NULL: the default one; and how to have it read again, NULL: not here */
	const char		*config;
	void			(*reload)(void *context, struct settings_change *change);
	void			*context;	/* of these */
	const char		*state_dir;	/* NULL: none that can be looked at */
	/* jobs a user that is not root may have; 0: no limit */
	int64_t			 jobs_max_uid;
	int64_t			 connections_max, connections_uid_max;	/* 0: the limits of wire */
	/* set by server_open() */
	instant			 started;
	usec_t			 begun;		/* the same, monotonic */
	uid_t			 uid;		/* whose daemon it is */
	struct service		*service;
	/* whose simulations go on: uid + 1; 0: nobody's */
	int64_t			 simulations[SIMULATIONS_MAX];
	bool			 dumping;	/* somebody's flight record is being written */
	struct gate		 pages;		/* PAGES_AT_ONCE_MAX */
	struct method		 methods[SERVER_METHODS_MAX + 1];
};

/*
 * Make the service; description is the text of io.jobd.varlink and stays the caller's.
 * service_listen() with s->service then lets peers in.
 */
void server_open(struct server *s, const char *description);

/* No connection may be left. */
void server_close(struct server *s);

/* Limits that may be changed at any time. */
void server_set_limits(struct server *s, int64_t jobs_max_uid, int64_t connections_max, int64_t connections_uid_max);

/* What the service manager shows as the status. */
void server_status(void *server, char *out, size_t n);

#endif
