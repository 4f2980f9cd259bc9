/*
 * main: the roof of jobd: reads its settings, starts floor by floor, stops in reverse.
 *
 * A setting is one row of the table; the command line sets the same rows, and --help-config prints
 * them as the file that config/jobd.conf is.
 *
 *	root
 *	  links		the runner's connection, libcurl's clock: the last to go, since runs use them
 *	  runs		the scheduler and every run
 *	  listeners	connections and their calls: the first to go
 *	  watchdog	tells the service manager that the loop goes on
 *
 * The socket is there before recovery, so that nobody is refused; peers are let in, and READY is
 * told, once it is known what runs.  At the end the calls are answered, the executors let go
 * (commands go on under the runner), what is over is written, the store is drained.
 */
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <malloc.h>
#include <pwd.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/config.h"
#include "daemon/base/fault.h"
#include "daemon/base/log.h"
#include "daemon/engine/dns.h"
#include "daemon/engine/loop.h"
#include "daemon/engine/signals.h"
#include "daemon/exec/http.h"
#include "daemon/exec/runner.h"
#include "daemon/scheduler/scheduler.h"
#include "daemon/server/server.h"
#include "daemon/store/store.h"
#include "daemon/wire/listen.h"
#include "daemon/wire/notify.h"
#include "proto/error.h"
#include "proto/io.jobd.varlink.h"
#include "proto/mem.h"

/* ---- what it is told at its start: defaults, configuration, command line, in this order ---- */

/* The host's daemon is run by root or by this user, and read from this group. */
#define SYSTEM_USER	"jobd"
#define SYSTEM_CONFIG	"/etc/jobd/jobd.conf"
#define SYSTEM_STATE	"/var/lib/jobd"
#define SYSTEM_SOCKET	"/run/jobd/io.jobd"
#define SYSTEM_RUNNER	"/run/jobd-runner/io.jobd.Runner"

struct settings {
	char	*config;		/* the file, NULL: the default one, which may be missing */
	char	*socket;
	char	*state_dir;
	char	*runner;		/* "own", or the path of its socket */
	char	*log_level;
	char	*hosts, *resolv_conf;
	int64_t	 connections, connections_per_user, jobs_per_user;
	int64_t	 commands, checks, timers, window_jobs;
	bool	 system;		/* the host's daemon, not a user's */
};

#define AT(member) offsetof(struct settings, member)

static const struct config_key keys[] = {
	{ "daemon", "socket", CONFIG_STRING, AT(socket), NULL, 0, 0,
	    "The socket. /run/jobd/io.jobd for root, $XDG_RUNTIME_DIR/jobd/io.jobd for others." },
	{ "daemon", "state_dir", CONFIG_STRING, AT(state_dir), NULL, 0, 0,
	    "Where the jobs are kept. /var/lib/jobd for root, ~/.local/state/jobd for others." },
	{ "daemon", "runner", CONFIG_STRING, AT(runner), NULL, 0, 0,
	    "The parent of commands: own (started by jobd), or the path of its socket. Its service's if up." },
	{ "daemon", "log_level", CONFIG_STRING, AT(log_level), "info", 0, 0,
	    "error, warning, info or debug." },
	{ "daemon", "hosts", CONFIG_STRING, AT(hosts), "/etc/hosts", 0, 0,
	    "The file of names that checks look into first." },
	{ "daemon", "resolv_conf", CONFIG_STRING, AT(resolv_conf), "/etc/resolv.conf", 0, 0,
	    "The file that names the DNS servers that checks ask." },
	{ "limits", "connections", CONFIG_INT, AT(connections), "1024", 1, 100000,
	    "Clients connected at a time." },
	{ "limits", "connections_per_user", CONFIG_INT, AT(connections_per_user), "512", 1, 100000,
	    "The same, of one user other than root." },
	{ "limits", "jobs_per_user", CONFIG_INT, AT(jobs_per_user), "0", 0, INT64_MAX,
	    "Jobs that one user other than root may have. 0 is no limit." },
	{ "limits", "commands", CONFIG_INT, AT(commands), "1024", 1, 100000,
	    "Commands running at a time; what is due beyond it waits." },
	{ "limits", "checks", CONFIG_INT, AT(checks), "1024", 1, 100000,
	    "HTTP checks under way at a time." },
	{ "limits", "timers", CONFIG_INT, AT(timers), "10000", 1, 1000000,
	    "Timers running at a time." },
	{ "limits", "window_jobs", CONFIG_INT, AT(window_jobs), "10000", 16, 10000000,
	    "Jobs due soon that are held in memory; the others stay in the store." },
	{ NULL, NULL, CONFIG_STRING, 0, NULL, 0, 0, NULL },
};

enum option_id {
	OPTION_CONFIG = 256, OPTION_SOCKET, OPTION_STATE_DIR, OPTION_RUNNER, OPTION_LOG_LEVEL,
	OPTION_CHECK_CONFIG, OPTION_HELP_CONFIG, OPTION_LIST_FAULTS, OPTION_VERSION, OPTION_HELP,
};

static const struct option options[] = {
	{ "config", required_argument, NULL, OPTION_CONFIG },
	{ "socket", required_argument, NULL, OPTION_SOCKET },
	{ "state-dir", required_argument, NULL, OPTION_STATE_DIR },
	{ "runner", required_argument, NULL, OPTION_RUNNER },
	{ "log-level", required_argument, NULL, OPTION_LOG_LEVEL },
	{ "check-config", no_argument, NULL, OPTION_CHECK_CONFIG },
	{ "help-config", no_argument, NULL, OPTION_HELP_CONFIG },
	{ "list-faults", no_argument, NULL, OPTION_LIST_FAULTS },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ NULL, 0, NULL, 0 },
};

static const char help_text[] =
"Usage: jobd [OPTION...]\n"
"Run jobs on this host, durably: commands, HTTP checks, timers. It stays in the\n"
"foreground and logs to stderr; jobctl talks to it.\n"
"\n"
"  --config FILE        read FILE (and FILE.d/*.conf) instead of the default\n"
"  --socket PATH        listen there\n"
"  --state-dir DIR      keep jobs and runs there\n"
"  --runner own|PATH    start a jobd-runner of its own, or use the one at PATH\n"
"  --log-level LEVEL    error, warning, info or debug\n"
"  --check-config       read the configuration, tell what is wrong, and end\n"
"  --help-config        print every setting with its default, as a file\n"
"  --list-faults        print the points at which JOBD_FAULT=NAME:COUNT ends it\n"
"  --version            print the version\n"
"  --help               print this\n";

/* What the command line says, for after the files. */
struct command_line {
	const char	*values[OPTION_LOG_LEVEL + 1 - OPTION_SOCKET];
	bool		 check;
};

static const char *const option_keys[] = {
	[OPTION_SOCKET - OPTION_SOCKET] = "daemon.socket",
	[OPTION_STATE_DIR - OPTION_SOCKET] = "daemon.state_dir",
	[OPTION_RUNNER - OPTION_SOCKET] = "daemon.runner",
	[OPTION_LOG_LEVEL - OPTION_SOCKET] = "daemon.log_level",
};

static void
config_print(void)
{
	const char *section = "";

	printf("# The settings of jobd, with their defaults. Lines that begin with # say nothing.\n"
	    "# Files in jobd.conf.d/ are read after this one; options of the command line come last.\n");
	for (const struct config_key *k = keys; k->name != NULL; k++) {
		if (strcmp(section, k->section) != 0)
			printf("\n[%s]\n", k->section);
		else
			printf("\n");
		section = k->section;
		printf("# %s\n#%s =%s%s\n", k->doc, k->name, k->otherwise != NULL ? " " : "",
		    k->otherwise != NULL ? k->otherwise : "");
	}
}

/* -1: go on; else the exit code. */
static int
command_line_read(struct settings *s, struct command_line *line, int argc, char *argv[])
{
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c >= OPTION_SOCKET && c <= OPTION_LOG_LEVEL) {
			line->values[c - OPTION_SOCKET] = optarg;
		} else if (c == OPTION_CONFIG) {
			free(s->config);
			s->config = xstrdup(optarg);
		} else if (c == OPTION_CHECK_CONFIG) {
			line->check = true;
		} else if (c == OPTION_HELP_CONFIG) {
			config_print();
			return EXIT_OK;
		} else if (c == OPTION_LIST_FAULTS) {
			fault_list();
			return EXIT_OK;
		} else if (c == OPTION_VERSION) {
			puts("jobd " JOBD_VERSION);
			return EXIT_OK;
		} else if (c == OPTION_HELP) {
			fputs(help_text, stdout);
			return EXIT_OK;
		} else {
			fprintf(stderr, "jobd: see jobd --help\n");
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "jobd: unexpected word '%s'; see jobd --help\n", argv[optind]);
		return EXIT_USAGE;
	}
	return -1;
}

/* A folder of the user's: $variable, or what lies under the home. NULL with the reason told. */
static char *
user_folder(const char *variable, const char *under_home)
{
	const char *value = getenv(variable), *home = getenv("HOME");

	/* As the XDG specification says, a relative one is not there. */
	if (value != NULL && value[0] == '/')
		return xstrdup(value);
	if (under_home != NULL && home != NULL && home[0] == '/')
		return xasprintf("%s/%s", home, under_home);
	return NULL;
}

/* "FOLDER/rest", or NULL. */
static char *
user_path(const char *variable, const char *under_home, const char *rest)
{
	char *folder = user_folder(variable, under_home), *path = NULL;

	if (folder != NULL)
		path = xasprintf("%s/%s", folder, rest);
	free(folder);
	return path;
}

static bool
is_socket(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* Paths that nobody has set.  0, or 1 with what is missing told. */
static int
paths_default(struct settings *s)
{
	if (s->socket == NULL)
		s->socket = s->system ? xstrdup(SYSTEM_SOCKET) :
		    user_path("XDG_RUNTIME_DIR", NULL, "jobd/io.jobd");
	if (s->state_dir == NULL)
		s->state_dir = s->system ? xstrdup(SYSTEM_STATE) :
		    user_path("XDG_STATE_HOME", ".local/state", "jobd");
	if (s->socket == NULL) {
		fprintf(stderr,
		    "jobd: XDG_RUNTIME_DIR is not set: say where to listen with --socket PATH\n");
		return EXIT_FAILED;
	}
	if (s->state_dir == NULL) {
		fprintf(stderr,
		    "jobd: HOME is not set: say where to keep the jobs with --state-dir DIR\n");
		return EXIT_FAILED;
	}
	if (s->runner == NULL)
		s->runner = xstrdup(s->system && is_socket(SYSTEM_RUNNER) ? SYSTEM_RUNNER : "own");
	return 0;
}

/* Programs that are started with these paths may stand elsewhere. */
static void
path_absolute(char **path)
{
	char here[4096], *full;

	if ((*path)[0] == '/' || getcwd(here, sizeof(here)) == NULL)
		return;
	full = xasprintf("%s/%s", here, *path);
	free(*path);
	*path = full;
}

static int
files_read(struct settings *s, char error[CONFIG_ERROR_MAX])
{
	char *path = s->config != NULL ? xstrdup(s->config) :
	    s->system ? xstrdup(SYSTEM_CONFIG) :
	    user_path("XDG_CONFIG_HOME", ".config", "jobd/jobd.conf");
	int r = 0;

	if (path != NULL)
		r = config_read(keys, s, path, s->config == NULL, error);
	free(path);
	return r;
}

static bool
system_daemon(void)
{
	const struct passwd *user;

	if (geteuid() == 0)
		return true;
	user = getpwuid(geteuid());
	return user != NULL && strcmp(user->pw_name, SYSTEM_USER) == 0;
}

/*
 * Read all.  -1: go on; else the exit code: an option that only prints was given, or something is
 * wrong (told on stderr).
 */
static int
settings_read(struct settings *s, int argc, char *argv[])
{
	struct command_line line = { 0 };
	char error[CONFIG_ERROR_MAX];
	enum log_level level;
	int code;

	config_defaults(keys, s);
	code = command_line_read(s, &line, argc, argv);
	if (code >= 0)
		return code;
	s->system = system_daemon();
	if (files_read(s, error) < 0) {
		fprintf(stderr, "jobd: %s\n", error);
		return EXIT_FAILED;
	}
	for (size_t i = 0; i < sizeof(option_keys) / sizeof(option_keys[0]); i++) {
		if (line.values[i] != NULL &&
		    config_set(keys, s, option_keys[i], line.values[i], error) < 0) {
			fprintf(stderr, "jobd: %s\n", error);
			return EXIT_USAGE;
		}
	}
	if (log_level_parse(s->log_level, &level) < 0) {
		fprintf(stderr, "jobd: '%s' is no log level: error, warning, info or debug\n",
		    s->log_level);
		return EXIT_USAGE;
	}
	log_set_level(level);
	if (line.check) {
		puts("The configuration is good.");
		return EXIT_OK;
	}
	code = paths_default(s);
	if (code != 0)
		return code;
	path_absolute(&s->socket);
	path_absolute(&s->state_dir);
	return -1;
}

static void
settings_done(struct settings *s)
{
	config_done(keys, s);
	free(s->config);
	s->config = NULL;
}

/* The socket's group: jobd if the host's daemon runs as root and there is such a group; else -1. */
static int
settings_socket_group(const struct settings *s)
{
	const struct group *g;

	if (!s->system || geteuid() != 0)
		return -1;
	g = getgrnam(SYSTEM_USER);
	return g == NULL ? -1 : (int)g->gr_gid;
}

/* ---- the daemon ---- */

/* Stopping may take so long; then we leave at once, and recovery does the rest. */
#define STOP_LIMIT	(10 * USEC_SEC)

#define STATUS_MAX	128

/* Holds tasks that are to end together, and ends when cancelled. */
struct nursery {
	struct task	task;
};

struct daemon {
	struct task		 root;
	struct settings		 settings;
	struct loop		*loop;
	struct signals		 signals;
	struct store		*store;
	struct runner		*runner;
	struct exec_world	 world;
	struct event_hub	*events;
	struct scheduler	*scheduler;
	struct server		 server;
	struct nursery		 links, runs, listeners;
	struct notify_watchdog	 watchdog;
	int			 listen_fd;
	bool			 activated;	/* the socket is the service manager's */
	unsigned		 hangups;	/* told so far */
};

static enum task_status
nursery_step(struct task *t)
{
	TASK_BEGIN(t);

	AWAIT(t, false);

	TASK_END(t, 0);
}

static void
nursery_describe(const struct task *t, char *out, size_t n)
{
	(void)t;
	(void)snprintf(out, n, "jobd to stop");
}

#define NURSERY_KIND(word) { .name = word, .step = nursery_step, .describe = nursery_describe }
static const struct task_kind links_kind = NURSERY_KIND("links");
static const struct task_kind runs_kind = NURSERY_KIND("runs");
static const struct task_kind listeners_kind = NURSERY_KIND("listeners");

/* ---- the root task ---- */

static bool
stop_asked(const struct daemon *d)
{
	return d->signals.count[SIGTERM] + d->signals.count[SIGINT] > 0;
}

static bool
stop_at_once(const struct daemon *d)
{
	return d->signals.count[SIGTERM] + d->signals.count[SIGINT] > 1;
}

static bool
hangup_came(const struct daemon *d)
{
	return d->signals.count[SIGHUP] != d->hangups;
}

static void
root_start(struct daemon *d)
{
	task_start(&d->links.task, &links_kind, &d->root);
	http_engine_start(d->world.http, &d->links.task);
	if (d->runner != NULL)
		runner_start(d->runner, &d->links.task);
	task_start(&d->runs.task, &runs_kind, &d->root);
	scheduler_start(d->scheduler, &d->runs.task);
	scheduler_on_recovered(d->scheduler, &d->root);
}

static void
root_ready(struct daemon *d)
{
	char status[STATUS_MAX];

	task_start(&d->listeners.task, &listeners_kind, &d->root);
	service_listen(d->server.service, d->listen_fd, &d->listeners.task);
	server_status(&d->server, status, sizeof(status));
	notify_ready(status);
	d->watchdog.status = server_status;
	d->watchdog.context = &d->server;
	notify_watchdog_start(&d->watchdog, &d->root);
	log_info("ready version=%s socket=%s state=%s", JOBD_VERSION, d->settings.socket,
	    d->settings.state_dir);
}

static void
root_stop(struct daemon *d)
{
	log_info("stopping");
	notify_stopping();
	if (!d->activated)
		listen_unlink(d->settings.socket, -1);
	service_shut_down(d->server.service);
}

/* It takes too long, or somebody has no patience. */
static void
leave_at_once(const struct daemon *d)
{
	log_warning("leaving at once%s; what was not finished is recovered at the next start",
	    stop_at_once(d) ? "" : ": stopping has taken too long");
	task_dump(&d->root, STDERR_FILENO, 100);
	_exit(EXIT_FAILED);
}

static enum task_status
root_step(struct task *t)
{
	struct daemon *d = container_of(t, struct daemon, root);

	TASK_BEGIN(t);

	root_start(d);
	AWAIT(t, scheduler_recovered(d->scheduler) || stop_asked(d));
	/* Every adopted run has asked the runner by now: what it still holds is nobody's. */
	if (scheduler_recovered(d->scheduler) && d->runner != NULL)
		runner_recovered(d->runner);
	if (!stop_asked(d))
		root_ready(d);
	while (!stop_asked(d)) {
		AWAIT(t, stop_asked(d) || hangup_came(d));
		if (hangup_came(d))
			log_info("SIGHUP: nothing to read again, ignoring");
		d->hangups = d->signals.count[SIGHUP];
	}
	root_stop(d);

	if (task_alive(&d->listeners.task))
		task_cancel(&d->listeners.task);
	AWAIT_UNTIL(t, loop_now(t->loop) + STOP_LIMIT,
	    !task_alive(&d->listeners.task) || stop_at_once(d));
	if (task_alive(&d->listeners.task))
		leave_at_once(d);
	task_cancel(&d->runs.task);
	AWAIT_UNTIL(t, loop_now(t->loop) + STOP_LIMIT, task_done(&d->runs.task) || stop_at_once(d));
	if (!task_done(&d->runs.task))
		leave_at_once(d);
	/* Returning cancels the rest. */
	TASK_END(t, 0);
}

static void
root_describe(const struct task *t, char *out, size_t n)
{
	const struct daemon *d = container_of(t, const struct daemon, root);

	if (stop_asked(d))
		(void)snprintf(out, n, "those below to end");
	else
		(void)snprintf(out, n, "%s",
		    scheduler_recovered(d->scheduler) ? "a signal" : "recovery");
}

static const struct task_kind root_kind = { .name = "jobd", .step = root_step,
    .describe = root_describe };

/* ---- floor by floor ---- */

/* What the process is to be like, whoever started it. */
static void
process_prepare(void)
{
	struct rlimit files;

	/* What we write is ours. */
	(void)umask(077);
	(void)signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);	/* fewer connections, then */
	}
	/*
	 * Two threads that seldom allocate at once do not need an arena each: it would only
	 * hold memory back.
	 */
	(void)mallopt(M_ARENA_MAX, 1);
}

/*
 * The runner's program: beside ours, or where it is installed. The caller frees; NULL: it is
 * nowhere.
 */
static char *
runner_program(void)
{
	static const char *const places[] = { "jobd-runner", "../libexec/jobd/jobd-runner" };
	char self[4096], *path, *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return NULL;
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (slash == NULL)
		return NULL;
	*slash = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		path = xasprintf("%s/%s", self, places[i]);
		if (access(path, X_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

/* 0, or -errno with the reason told. */
static int
open_runner(struct daemon *d)
{
	bool own = strcmp(d->settings.runner, "own") == 0;
	char *folder = xasprintf("%s/runner", d->settings.state_dir);
	char *program = own ? runner_program() : NULL;
	char *socket = own ? xasprintf("%s/io.jobd.Runner", folder) : xstrdup(d->settings.runner);
	struct runner_config config = {
		.socket = socket, .own_program = program, .state_directory = folder,
		.log_level = d->settings.log_level,
	};
	int r = 0;

	if (own && program == NULL) {
		fprintf(stderr, "jobd: jobd-runner is neither beside jobd nor in ../libexec/jobd:"
		    " install it, or name a running one with --runner PATH\n");
		r = -ENOENT;
	} else {
		d->runner = runner_new(&config, d->loop);
	}
	free(socket);
	free(program);
	free(folder);
	return r;
}

static int
open_store(struct daemon *d)
{
	struct store_config config = { .directory = d->settings.state_dir, .mode = STORE_THREAD };
	char error[STORE_ERROR_MAX];

	d->store = store_open(&config, d->loop, error);
	if (d->store != NULL)
		return 0;
	fprintf(stderr, "jobd: %s\n", error);
	return -EIO;
}

static int
open_socket(struct daemon *d)
{
	char error[LISTEN_ERROR_MAX];
	int group = settings_socket_group(&d->settings);

	d->listen_fd = listen_activated();
	d->activated = d->listen_fd >= 0;
	if (d->activated)
		return 0;
	if (d->listen_fd != -ENOENT) {
		fprintf(stderr, "jobd: the socket that was passed cannot be used: %s\n",
		    strerror(-d->listen_fd));
		return d->listen_fd;
	}
	d->listen_fd = listen_unix(d->settings.socket, d->settings.system ? 0660 : 0600,
	    group < 0 ? (gid_t)-1 : (gid_t)group, error);
	if (d->listen_fd < 0)
		fprintf(stderr, "jobd: %s\n", error);
	return d->listen_fd < 0 ? d->listen_fd : 0;
}

/* Everything that the tasks stand on.  0, or -errno with the reason told. */
static int
daemon_open(struct daemon *d)
{
	static const int wanted[] = { SIGTERM, SIGINT, SIGHUP };
	int r;

	d->loop = loop_new(LOOP_REAL);
	if (d->loop == NULL) {
		r = -errno;
		fprintf(stderr, "jobd: the kernel refuses an event loop: %s\n", strerror(-r));
		return r;
	}
	/* Before the store's thread, which must inherit them blocked. */
	r = signals_start(&d->signals, d->loop, wanted, sizeof(wanted) / sizeof(wanted[0]),
	    &d->root);
	if (r < 0) {
		fprintf(stderr, "jobd: signals cannot be watched: %s\n", strerror(-r));
		return r;
	}
	r = open_store(d);
	if (r == 0)
		r = open_socket(d);
	if (r == 0)
		r = open_runner(d);
	return r;
}

static void
daemon_build(struct daemon *d)
{
	const struct settings *s = &d->settings;

	d->world = (struct exec_world){
		.loop = d->loop,
		.runner = d->runner,
		.dns = dns_new(d->loop, s->hosts, s->resolv_conf),
		.http = http_engine_new(d->loop),
	};
	d->events = event_hub_new();
	d->scheduler = scheduler_new(&(struct scheduler_config){
		.loop = d->loop, .store = d->store, .world = &d->world, .events = d->events,
		.running_max = {
			[KIND_COMMAND] = s->commands,
			[KIND_HTTP] = s->checks,
			[KIND_TIMER] = s->timers,
		},
		.window_jobs_max = s->window_jobs,
	});
	d->server = (struct server){
		.loop = d->loop, .store = d->store, .scheduler = d->scheduler, .events = d->events,
		.runner = d->runner, .version = JOBD_VERSION, .jobs_max_uid = s->jobs_per_user,
		.connections_max = s->connections, .connections_uid_max = s->connections_per_user,
	};
	server_open(&d->server, varlink_text);
}

/* In reverse; whatever was opened. */
static void
daemon_close(struct daemon *d)
{
	if (d->server.service != NULL)
		server_close(&d->server);
	scheduler_free(d->scheduler);
	event_hub_free(d->events);
	if (d->world.http != NULL)
		http_engine_free(d->world.http);
	if (d->world.dns != NULL)
		dns_free(d->world.dns);
	if (d->runner != NULL)
		runner_free(d->runner);
	store_close(d->store);
	signals_stop(&d->signals);
	loop_free(d->loop);
	settings_done(&d->settings);
}

int
main(int argc, char *argv[])
{
	static struct daemon d;
	int code;

	code = settings_read(&d.settings, argc, argv);
	if (code >= 0) {
		settings_done(&d.settings);
		return code;
	}
	if (fault_init() < 0) {
		fprintf(stderr,
		    "jobd: JOBD_FAULT names no fault point; jobd --list-faults prints them\n");
		return EXIT_USAGE;
	}
	process_prepare();
	if (daemon_open(&d) < 0) {
		daemon_close(&d);
		return EXIT_FAILED;
	}
	daemon_build(&d);
	task_start_root(&d.root, &root_kind, d.loop);
	code = loop_run(d.loop) == 0 ? EXIT_OK : EXIT_FAILED;
	daemon_close(&d);
	return code;
}
