/*
 * main: the roof of jobd: reads its settings, starts floor by floor, stops in reverse.
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
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/fault.h"
#include "daemon/base/log.h"
#include "daemon/engine/dns.h"
#include "daemon/engine/flight.h"
#include "daemon/engine/loop.h"
#include "daemon/engine/signals.h"
#include "daemon/engine/strays.h"
#include "daemon/engine/watchdog.h"
#include "daemon/exec/canary.h"
#include "daemon/exec/http.h"
#include "daemon/exec/runner.h"
#include "daemon/scheduler/scheduler.h"
#include "daemon/server/server.h"
#include "daemon/settings.h"
#include "daemon/store/restore.h"
#include "daemon/store/store.h"
#include "daemon/wire/listen.h"
#include "daemon/wire/notify.h"
#include "proto/error.h"
#include "proto/io.jobd.varlink.h"
#include "proto/mem.h"

/* ---- the daemon ---- */

/* Stopping may take so long; then we leave at once, and recovery does the rest. */
#define STOP_LIMIT	(10 * USEC_SEC)

#define STATUS_MAX	128

/* A UUID, and what follows it in the file. */
#define BOOT_ID_MAX	40

/* Holds tasks that are to end together, and ends when cancelled. */
struct nursery {
	struct task	task;
};

/*
 * The program that is executed in our place, and what is kept for it: nobody is refused
 * meanwhile, and no other jobd takes the state directory.
 */
struct successor {
	char	*program;
	char	**argv;
	bool	 wanted;
	int	 socket, lock;		/* -1: not kept */
	pid_t	 runner;		/* our child */
	instant	 drained;		/* since then, or none; by this user */
	int64_t	 drained_uid;
};

/* What the program before us kept for us: of struct successor, in this order. */
#define KEPT_VARIABLE	"JOBD_KEPT"
#define KEPT_FORMAT	"%d %d %d %d %" SCNd64 " %" SCNd64
#define KEPT_MIN	4	/* one of before did not keep more */

struct daemon {
	struct task		 root;
	struct settings		 settings;
	struct loop		*loop;
	struct signals		 signals;
	struct store		*store;
	struct runner		*runner;
	struct exec_world	 world;
	struct event_hub	*events;
	struct zones		*zones;
	char			 boot[BOOT_ID_MAX];
	struct scheduler	*scheduler;
	struct server		 server;
	struct nursery		 links, runs, listeners;
	struct notify_watchdog	 watchdog;
	struct successor	 successor;
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

static void
reexec_soon(void *context)
{
	struct daemon *d = context;

	d->successor.wanted = true;
	task_wake(&d->root);
}

/* What of the scheduler's configuration can be changed while it works. */
static void
limits_set(const struct settings *s, struct scheduler_config *to)
{
	static_assert(KIND_COUNT == 4, "each kind has its limit: without one nothing of it would run");
	to->running_max[KIND_COMMAND] = s->commands;
	to->running_max[KIND_HTTP] = s->checks;
	to->running_max[KIND_TIMER] = s->timers;
	to->running_max[KIND_HEARTBEAT] = s->heartbeats;
	to->catch_ups = s->catch_ups;
	to->slots_default = s->default_slots;
	to->slots_schedule = s->schedule_slots;
	to->slots_named = s->queue_slots;
	to->keep = &s->keep;
}

/* What has been changed in the settings is told to those who have a copy. */
static void
settings_apply(struct daemon *d)
{
	const struct settings *s = &d->settings;
	struct scheduler_config limits = { 0 };
	enum log_level level;

	limits_set(s, &limits);
	if (log_level_parse(s->log_level, &level) == 0)
		log_set_level(level);
	loop_set_block_limit(d->loop, s->block_limit);
	scheduler_set_limits(d->scheduler, &limits);
	event_hub_keep(d->events, (size_t)s->events_bytes, loop_wall(d->loop));
	server_set_limits(&d->server, s->jobs_per_user, s->connections, s->connections_per_user);
}

static void
names_log(const struct strings *names, const char *what)
{
	for (size_t i = 0; i < names->n; i++)
		log_info("%s setting=%s", what, names->items[i]);
}

/*
 * The configuration is read again, and put to use as far as that goes.  These are small local files, as those of
 * zones and names are that the loop reads, too; the watchdog tells of a disk that makes it wait.
 */
static void
reload(void *context, struct settings_change *change)
{
	struct notify_targets old;
	struct daemon *d = context;

	settings_reload(&d->settings, change, &old);
	for (size_t i = 0; i < change->mistakes.n; i++)
		log_error("the configuration is not read again, all stays as it is: %s", change->mistakes.items[i]);
	if (change->mistakes.n > 0)
		return;
	settings_apply(d);
	notifier_retarget(scheduler_notifier(d->scheduler), &old);
	log_info("the configuration was read again changed=%zu waiting=%zu", change->applied.n,
	    change->reexec.n + change->restart.n);
	names_log(&change->applied, "changed");
	names_log(&change->reexec, "waits for jobctl daemon reexec");
	names_log(&change->restart, "waits for a restart");
}

static void
hangup(struct daemon *d)
{
	struct settings_change change;

	reload(d, &change);
	settings_change_done(&change);
	d->hangups = d->signals.count[SIGHUP];
}

/* Is it over with this program? */
static bool
is_over(const struct daemon *d)
{
	return stop_asked(d) || d->successor.wanted;
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
	if (d->world.canary != NULL)
		canary_start(d->world.canary, &d->links.task);
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
	/* Before the service manager is told, so that its own word comes after it in the journal. */
	log_info("ready version=%s socket=%s state=%s", JOBD_VERSION, d->settings.socket,
	    d->settings.state_dir);
	notify_ready(status);
	d->watchdog.status = server_status;
	d->watchdog.context = &d->server;
	notify_watchdog_start(&d->watchdog, &d->root);
	/* All that stays open is there, but what a library opens when it is needed first. */
	strays_start(d->loop, d->settings.state_dir);
}

/* The socket takes connections until the program that follows takes them from it. */
static void
keep_for_successor(struct daemon *d)
{
	struct drain_info drain;

	scheduler_drain_info(d->scheduler, &drain);
	d->successor.drained = drain.since;
	d->successor.drained_uid = drain.uid;
	d->successor.socket = fcntl(d->listen_fd, F_DUPFD_CLOEXEC, 3);
	d->successor.lock = store_keep_lock(d->store);
	strays_hold(d->loop, d->successor.socket);
	d->successor.runner = d->runner != NULL ? runner_own_pid(d->runner) : 0;
}

static void
root_stop(struct daemon *d)
{
	if (d->successor.wanted && !stop_asked(d)) {
		log_info("executing jobd anew program=%s", d->successor.program);
		notify_reloading();
		keep_for_successor(d);
	} else {
		d->successor.wanted = false;
		log_info("stopping");
		notify_stopping();
		if (!d->activated)
			listen_unlink(d->settings.socket, -1);
	}
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
	while (!is_over(d)) {
		AWAIT(t, is_over(d) || hangup_came(d));
		if (hangup_came(d))
			hangup(d);
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
		.log_level = d->settings.log_level, .own_pid = d->successor.runner,
	};
	int r = 0;

	if (own && program == NULL) {
		fprintf(stderr, "jobd: jobd-runner is neither beside jobd nor in ../libexec/jobd:"
		    " install it, or name a running one with --runner PATH\n");
		r = -ENOENT;
	} else {
		if (!own && access(socket, F_OK) != 0)
			log_warning("no jobd-runner is there yet: commands wait for it socket=%s"
			    " error=\"%s\"", socket, strerror(errno));
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
	struct store_config config = { .directory = d->settings.state_dir, .mode = STORE_THREAD,
	    .lock_fd = d->successor.lock > 0 ? d->successor.lock : 0 };
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

	if (d->successor.socket >= 0) {
		d->listen_fd = d->successor.socket;
		return 0;
	}
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
	loop_set_block_limit(d->loop, d->settings.block_limit);
	if (flight_start(d->loop) == NULL)
		log_warning("no memory for the flight recorder, going on without: %s", strerror(errno));
	/* Before the store's thread, which must inherit them blocked. */
	r = signals_start(&d->signals, d->loop, wanted, sizeof(wanted) / sizeof(wanted[0]),
	    &d->root);
	if (r < 0) {
		fprintf(stderr, "jobd: signals cannot be watched: %s\n", strerror(-r));
		return r;
	}
	r = open_store(d);
	if (r == 0)
		flight_on_abort(d->loop, d->settings.state_dir, JOBD_VERSION);
	if (r == 0)
		r = open_socket(d);
	if (r == 0)
		r = open_runner(d);
	return r;
}

/* Which boot of the host this is: random, and the kernel's own word. */
static void
boot_id_read(char boot[BOOT_ID_MAX])
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (f == NULL || fgets(boot, BOOT_ID_MAX, f) == NULL) {
		log_warning("the boot's id cannot be read, jobs that run once a boot will not"
		    " notice one");
		(void)strcpy(boot, "unknown");
	}
	boot[strcspn(boot, "\n")] = '\0';
	if (f != NULL)
		fclose(f);
}

static void
daemon_build(struct daemon *d)
{
	const struct settings *s = &d->settings;
	struct scheduler_config scheduler;

	d->world = (struct exec_world){
		.loop = d->loop,
		.runner = d->runner,
		.dns = dns_new(d->loop, s->hosts, s->resolv_conf),
		.http = http_engine_new(d->loop),
		.canary = s->canary != NULL ? canary_new(d->loop, s->canary) : NULL,
	};
	d->events = event_hub_new();
	event_hub_keep(d->events, (size_t)s->events_bytes, loop_wall(d->loop));
	d->zones = zones_new(NULL);
	boot_id_read(d->boot);
	scheduler = (struct scheduler_config){
		.loop = d->loop, .store = d->store, .world = &d->world, .events = d->events,
		.window_jobs_max = s->window_jobs,
		.zones = d->zones,
		.boot = d->boot,
		.targets = &s->targets,
	};
	limits_set(s, &scheduler);
	d->scheduler = scheduler_new(&scheduler);
	scheduler_drain(d->scheduler, d->successor.drained, d->successor.drained_uid);
	d->server = (struct server){
		.loop = d->loop, .store = d->store, .scheduler = d->scheduler, .events = d->events,
		.targets = &s->targets,
		.runner = d->runner, .zones = d->zones, .version = JOBD_VERSION,
		.state_dir = d->settings.state_dir, .jobs_max_uid = s->jobs_per_user,
		.connections_max = s->connections, .connections_uid_max = s->connections_per_user,
		.program = d->successor.program, .reexec = reexec_soon,
		.config = s->config, .reload = reload, .context = d,
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
	zones_free(d->zones);
	canary_free(d->world.canary);
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

/* Where our program is: what is there when it is executed anew may be a newer one. */
static char *
own_path(const char *name)
{
	char path[4096];
	ssize_t n;

	if (name[0] == '/')
		return xstrdup(name);
	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	return n > 0 ? xstrndup(path, (size_t)n) : xstrdup(name);
}

/* Ours, and no child's. */
static bool
take_kept(int fd)
{
	return fd >= 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

/* Has a program before us in this process kept something for us? */
static void
look_for_predecessor(struct daemon *d, char *argv[])
{
	const char *text = getenv(KEPT_VARIABLE);
	int socket = -1, lock = -1, activated = 0, runner = 0;

	d->successor = (struct successor){ .program = own_path(argv[0]), .argv = argv,
	    .socket = -1, .lock = -1 };
	if (text == NULL)
		return;
	if (sscanf(text, KEPT_FORMAT, &socket, &lock, &activated, &runner, &d->successor.drained.usec,
	    &d->successor.drained_uid) >= KEPT_MIN) {
		d->successor.socket = take_kept(socket) ? socket : -1;
		d->successor.lock = take_kept(lock) ? lock : -1;
		d->activated = activated != 0;
		d->successor.runner = runner;
	}
	(void)unsetenv(KEPT_VARIABLE);
}

/* Execute it.  Returns only when that fails: the exit code, said. */
static int
execute_successor(const struct successor *s, bool activated)
{
	char text[120];

	(void)snprintf(text, sizeof(text), KEPT_FORMAT, s->socket, s->lock, activated,
	    (int)s->runner, s->drained.usec, s->drained_uid);
	(void)setenv(KEPT_VARIABLE, text, 1);
	(void)fcntl(s->socket, F_SETFD, 0);
	(void)fcntl(s->lock, F_SETFD, 0);
	(void)execv(s->program, s->argv);
	log_error("jobd cannot be executed anew, ending program=%s error=%s", s->program,
	    strerror(errno));
	return EXIT_FAILED;
}

/* --restore: the exit code. */
static int
restore(const struct settings *s)
{
	char error[STORE_ERROR_MAX];
	int fd, r;

	r = store_restore_begin(s->state_dir, s->restore, &fd, error);
	if (r == 0)
		r = store_restore(s->state_dir, s->restore, fd, error);
	if (fd >= 0)
		close(fd);
	if (r < 0) {
		fprintf(stderr, "jobd: %s\njobd: nothing was restored\n", error);
		return EXIT_FAILED;
	}
	if (r > 0)
		printf("restored %s; what was there is in %s/jobd.db.before-restore\n", s->restore, s->state_dir);
	else
		printf("restored %s to %s, where no database was\n", s->restore, s->state_dir);
	return EXIT_OK;
}

/* --check-database: the exit code. */
static int
check_database(const struct settings *s)
{
	char error[STORE_ERROR_MAX];
	size_t form = 0;
	int r = store_check(s->state_dir, &form, error);

	if (r < 0) {
		fprintf(stderr, "jobd: %s\n", error);
		return r == -EBUSY ? EXIT_CONFLICT : EXIT_FAILED;
	}
	printf("%s/jobd.db is good, of form %zu.\n", s->state_dir, form);
	return EXIT_OK;
}

/* What is done instead of running jobd: the exit code; -1: nothing was asked for. */
static int
do_instead(const struct settings *s)
{
	if (s->check_database)
		return check_database(s);
	return s->restore != NULL ? restore(s) : -1;
}

int
main(int argc, char *argv[])
{
	static struct daemon d;
	int code;

	code = settings_read(&d.settings, argc, argv);
	if (code < 0)
		code = do_instead(&d.settings);
	if (code >= 0) {
		settings_done(&d.settings);
		return code;
	}
	look_for_predecessor(&d, argv);
	if (fault_init(FAULT_IN_DAEMON) < 0) {
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
	if (code == EXIT_OK && d.successor.wanted)
		code = execute_successor(&d.successor, d.activated);
	free(d.successor.program);
	return code;
}
