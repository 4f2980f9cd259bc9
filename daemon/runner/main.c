/*
 * jobd-runner: the parent of all commands.  See io.jobd.Runner.varlink for what it does, and
 * runner.h for how it is put together.  It starts in this order: lock, folders, records, door;
 * whoever finds the lock taken leaves it to the other.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/fault.h"
#include "daemon/base/log.h"
#include "daemon/engine/loop.h"
#include "daemon/runner/launch.h"
#include "daemon/runner/reexec.h"
#include "daemon/runner/runner.h"
#include "daemon/wire/listen.h"
#include "daemon/wire/notify.h"
#include "daemon/wire/service.h"
#include "proto/error.h"
#include "proto/mem.h"

/* Descriptors: two pipes, a pidfd and a file for each command, and connections. */
#define DESCRIPTORS_WANTED	(RUNNING_MAX * 4 + 2048)

/* For what the disk has to do before the program is executed anew. */
#define REEXEC_REST_MAX		(5 * USEC_SEC)

struct options {
	char		*socket;
	char		*state;
	char		*for_user;
	char		*config;
	bool		 own;
	bool		 delegated;	/* our cgroup is ours, though no mark says so */
	bool		 check;		/* only read the policy */
};

/* The program as a task: what main() has set up, and what it runs on. */
struct program {
	struct runner		 runner;
	struct notify_watchdog	 watchdog;
	struct options		 options;
	struct resume		 resume;	/* what the program before us has left */
	char			**argv;
	char			*self;		/* our program's path */
	int			 socket;	/* listening */
	bool			 activated;
	bool			 resumed;	/* it was executed by an earlier one */
};

static const char usage[] =
	"jobd-runner runs the commands of jobd and outlives it; it is started by the\n"
	"service manager, or by jobd itself.\n"
	"\n"
	"usage: jobd-runner [OPTION]...\n"
	"  --socket PATH      where to listen (a socket passed by the service manager goes first)\n"
	"  --state-dir DIR    where output and exit records are kept\n"
	"  --for-user NAME    whom to serve, beside root; otherwise whoever starts it\n"
	"  --config FILE      the policy: what jobd may ask for (runner.conf)\n"
	"  --check-config     read it, tell what is wrong, and end\n"
	"  --help-config      print every setting of it with its default, as a file\n"
	"  --delegated        the cgroup it is in is its own (Delegate=yes of a user's service)\n"
	"  --own              end when there is nothing to do and nobody to do it for\n"
	"  --log-level LEVEL  error, warning, info or debug\n"
	"  --list-faults      print the points at which JOBD_RUNNER_FAULT=NAME:COUNT ends it\n"
	"  --version          print the version\n"
	"  --help             print this\n";

/* ---- options ---- */

enum {
	OPTION_SOCKET = 1, OPTION_STATE, OPTION_USER, OPTION_OWN, OPTION_LOG, OPTION_LIST_FAULTS,
	OPTION_VERSION, OPTION_HELP, OPTION_CONFIG, OPTION_CHECK, OPTION_HELP_CONFIG,
	OPTION_CAN_RESUME, OPTION_DELEGATED
};

static const struct option long_options[] = {
	{ "socket", required_argument, NULL, OPTION_SOCKET },
	{ "state-dir", required_argument, NULL, OPTION_STATE },
	{ "for-user", required_argument, NULL, OPTION_USER },
	{ "config", required_argument, NULL, OPTION_CONFIG },
	{ "check-config", no_argument, NULL, OPTION_CHECK },
	{ "help-config", no_argument, NULL, OPTION_HELP_CONFIG },
	{ "can-resume", required_argument, NULL, OPTION_CAN_RESUME },
	{ "delegated", no_argument, NULL, OPTION_DELEGATED },
	{ "own", no_argument, NULL, OPTION_OWN },
	{ "log-level", required_argument, NULL, OPTION_LOG },
	{ "list-faults", no_argument, NULL, OPTION_LIST_FAULTS },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ NULL, 0, NULL, 0 },
};

static void
take_text(char **where, const char *text)
{
	free(*where);
	*where = xstrdup(text);
}

/* -1 to go on, or the exit code. */
static int
take_option(struct options *o, int option)
{
	enum log_level level;

	switch (option) {
	case OPTION_SOCKET:
		take_text(&o->socket, optarg);
		return -1;
	case OPTION_STATE:
		take_text(&o->state, optarg);
		return -1;
	case OPTION_USER:
		take_text(&o->for_user, optarg);
		return -1;
	case OPTION_CONFIG:
		take_text(&o->config, optarg);
		return -1;
	case OPTION_CHECK:
		o->check = true;
		return -1;
	/* Asked by an earlier version, in whose place it would go on: not for people. */
	case OPTION_CAN_RESUME:
		return atoi(optarg) == RESUME_FORM ? EXIT_OK : EXIT_FAILED;
	case OPTION_HELP_CONFIG:
		policy_print();
		return EXIT_OK;
	case OPTION_DELEGATED:
		o->delegated = true;
		return -1;
	case OPTION_OWN:
		o->own = true;
		return -1;
	case OPTION_LOG:
		if (log_level_parse(optarg, &level) < 0) {
			(void)fprintf(stderr, "jobd-runner: --log-level: no such level: %s\n",
			    optarg);
			return EXIT_USAGE;
		}
		log_set_level(level);
		return -1;
	case OPTION_LIST_FAULTS:
		fault_list(FAULT_IN_RUNNER);
		return EXIT_OK;
	case OPTION_VERSION:
		(void)printf("jobd-runner %s\n", JOBD_VERSION);
		return EXIT_OK;
	case OPTION_HELP:
		(void)fputs(usage, stdout);
		return EXIT_OK;
	default:
		(void)fputs("jobd-runner --help says how it is used\n", stderr);
		return EXIT_USAGE;
	}
}

/* What is not given: as the system's, or as a user's. */
static void
set_defaults(struct options *o)
{
	const char *run = getenv("XDG_RUNTIME_DIR"), *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");

	if (o->socket == NULL && geteuid() == 0)
		o->socket = xstrdup("/run/jobd-runner/io.jobd.Runner");
	if (o->socket == NULL && run != NULL)
		o->socket = xasprintf("%s/jobd/io.jobd.Runner", run);
	if (o->state != NULL)
		return;
	if (geteuid() == 0)
		o->state = xstrdup("/var/lib/jobd-runner");
	else if (state != NULL)
		o->state = xasprintf("%s/jobd/runner", state);
	else if (home != NULL)
		o->state = xasprintf("%s/.local/state/jobd/runner", home);
}

static int
read_options(struct options *o, int argc, char **argv)
{
	int option, r;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		r = take_option(o, option);
		if (r >= 0)
			return r;
	}
	if (optind < argc) {
		(void)fprintf(stderr, "jobd-runner: what is %s for?\n", argv[optind]);
		return EXIT_USAGE;
	}
	set_defaults(o);
	if (o->check)
		return -1;
	if (o->state == NULL) {
		(void)fputs("jobd-runner: --state-dir is needed: neither XDG_STATE_HOME nor HOME"
		    " is set\n", stderr);
		return EXIT_USAGE;
	}
	return -1;
}

/* ---- setting up ---- */

/* A folder with all above it.  0 or -errno. */
static int
make_folders(const char *path)
{
	char *copy = xstrdup(path), *slash;
	int r = 0;

	for (slash = strchr(copy + 1, '/'); slash != NULL && r == 0;
	    slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			r = -errno;
		*slash = '/';
	}
	if (r == 0 && mkdir(copy, 0700) < 0 && errno != EEXIST)
		r = -errno;
	free(copy);
	return r;
}

/* A folder below the state directory, opened.  A descriptor or -errno. */
static int
open_folder(const char *state, const char *name)
{
	char *path = xasprintf("%s/%s", state, name);
	int fd = -1;

	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(path);
	return fd < 0 ? -errno : fd;
}

/* One runner for a state directory.  0, -EBUSY when there is another, or -errno. */
static int
take_lock(struct runner *r, bool *is_new)
{
	const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;

	r->lock_fd = openat(r->state_fd, "lock", flags | O_EXCL, 0600);
	*is_new = r->lock_fd >= 0;
	if (r->lock_fd < 0 && errno == EEXIST)
		r->lock_fd = openat(r->state_fd, "lock", flags, 0600);
	if (r->lock_fd < 0)
		return -errno;
	if (flock(r->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	/* For people: the lock holds without it. */
	if (ftruncate(r->lock_fd, 0) == 0)
		(void)dprintf(r->lock_fd, "%d\n", (int)getpid());
	return 0;
}

/* The life goes on that the program before us had, or another begins.  0 or -errno. */
static int
begin_life(struct program *p, bool is_new)
{
	struct runner *r = &p->runner;
	int e = leftover_name(r);

	if (e == 0 && p->resumed)
		r->since = p->resume.since;
	else if (e == 0)
		e = life_begin(r, is_new);
	r->unclean = e == 0 && !instant_is_set(r->since);
	return e;
}

/* 0 or -errno. */
static int
open_folders(struct program *p, const char *state)
{
	struct runner *r = &p->runner;
	bool is_new = false;
	int e;

	e = make_folders(state);
	if (e < 0)
		return e;
	e = r->state_fd = open_folder(state, ".");
	if (e < 0)
		return e;
	if (p->resumed)
		r->lock_fd = p->resume.lock_fd;
	else
		e = take_lock(r, &is_new);
	if (e < 0)
		return e;
	e = r->output_fd = open_folder(state, "output");
	if (e < 0)
		return e;
	e = r->exits_fd = open_folder(state, "exits");
	if (e < 0)
		return e;
	e = begin_life(p, is_new);
	return e < 0 ? e : records_open(&r->records, r);
}

/* 0 or -errno, said. */
static int
open_state(struct program *p)
{
	const struct options *o = &p->options;
	int e = open_folders(p, o->state);

	if (e == -EBUSY)
		log_info("another jobd-runner has the state directory, leaving it to that one"
		    " dir=%s", o->state);
	else if (e < 0)
		log_error("the state directory cannot be used dir=%s error=%s", o->state,
		    strerror(-e));
	return e;
}

/* Whom do we serve?  0 or -ENOENT, said. */
static int
choose_master(struct runner *r, const struct options *o, gid_t *group)
{
	const struct passwd *p;

	r->uid = r->for_uid = geteuid();
	*group = (gid_t)-1;
	if (o->for_user == NULL)
		return 0;
	p = getpwnam(o->for_user);
	if (p == NULL) {
		log_error("there is no such user name=%s", o->for_user);
		return -ENOENT;
	}
	r->for_uid = p->pw_uid;
	*group = p->pw_gid;
	return 0;
}

/* A socket to listen on, passed or made. 0 or -errno, said. */
static int
open_door(struct program *p, gid_t group)
{
	char error[LISTEN_ERROR_MAX] = "";

	if (p->resumed) {
		p->socket = p->resume.socket;
		p->activated = p->resume.activated;
		return 0;
	}
	p->socket = listen_activated();
	if (p->socket >= 0) {
		p->activated = true;
		return 0;
	}
	if (p->options.socket == NULL) {
		log_error("--socket is needed: XDG_RUNTIME_DIR is not set");
		return -EINVAL;
	}
	p->socket = listen_unix(p->options.socket, group != (gid_t)-1 ? 0660 : 0600, group, error);
	if (p->socket < 0)
		log_error("cannot listen error=\"%s\"", error);
	return p->socket < 0 ? p->socket : 0;
}

/* 0 or -errno, said. */
static int
read_policy(struct runner *r)
{
	struct strings mistakes = { 0 };
	int e = policy_read(&r->policy, r->policy_file, &mistakes);

	for (size_t i = 0; i < mistakes.n; i++)
		log_error("the policy cannot be read: %s", mistakes.items[i]);
	strings_done(&mistakes);
	return e;
}

/* Commands get what we were given, not what we make of it. */
static void
note_limits(struct runner *r)
{
	char text[16] = "";
	int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);

	if (getrlimit(RLIMIT_NOFILE, &r->files) < 0)
		r->files = (struct rlimit){ 1024, 4096 };
	if (fd >= 0) {
		(void)!read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	r->plain_oom = strtol(text, NULL, 10) < 0;
}

static void
raise_limits(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur >= DESCRIPTORS_WANTED)
		return;
	l.rlim_cur = l.rlim_max < DESCRIPTORS_WANTED ? l.rlim_max : DESCRIPTORS_WANTED;
	if (setrlimit(RLIMIT_NOFILE, &l) < 0)
		log_warning("the limit of descriptors cannot be raised, fewer commands can run"
		    " error=%s", strerror(errno));
}

/* Who waits for our standard output to be closed learns that we listen; nothing else goes there. */
static void
leave_stdout(void)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		(void)dup2(fd, STDOUT_FILENO);
		close(fd);
	}
}

/* ---- running ---- */

/*
 * Nothing to do, and nobody to do it for?  Records that are on disk need no process to keep them:
 * the next runner of this directory tells of them, and its life continues ours.
 */
static bool
is_idle(const struct runner *r)
{
	return r->running == 0 && r->records.unsaved == 0 && r->listening == 0;
}

static bool
asked_to_stop(const struct runner *r)
{
	return r->signals.count[SIGTERM] + r->signals.count[SIGINT] > 0;
}

static bool
asked_to_read(const struct runner *r)
{
	return r->signals.count[SIGHUP] != r->hangups;
}

static void
read_again(struct runner *r)
{
	r->hangups = r->signals.count[SIGHUP];
	if (read_policy(r) < 0)
		return;
	log_info("the policy was read again file=%s", r->policy.file);
	r->policies++;
	runner_tell(r, NULL);
}

/* Execute the program anew, if that is asked for and possible: then we are not here any more. */
static void
reexec(struct program *p)
{
	struct runner *r = &p->runner;
	struct task *asker = r->reexec;

	log_info("executing jobd-runner anew program=%s commands=%lld", r->program,
	    (long long)r->running);
	if (asked_to_stop(r))
		r->reexec_error = -ESHUTDOWN;
	else if (!disk_rests(&r->disk))
		r->reexec_error = -EBUSY;
	else
		r->reexec_error = reexec_now(r, r->program, p->argv, p->socket, p->activated);
	r->reexec = NULL;
	task_wake(asker);
	disk_go_on(&r->disk);
	output_look_all(r);
	records_look(&r->records);
}

static bool
nobody_is_there(const struct runner *r)
{
	struct service_stats stats;

	service_stats(r->service, &stats);
	return stats.connections == 0;
}

/* 0 or -errno, said. */
static int
begin(struct program *p)
{
	static const int list[] = { SIGTERM, SIGINT, SIGHUP };
	struct runner *r = &p->runner;
	int e;

	r->cgroups = cgroups_new(p->options.delegated, &r->no_cgroups);
	if (r->cgroups == NULL)
		log_debug("runs have no cgroups of their own why=\"%s\"", r->no_cgroups);
	e = signals_start(&r->signals, r->loop, list, 3, &r->task);
	if (e == 0)
		e = tree_start(&r->tree, r, &r->task);
	if (e < 0) {
		log_error("cannot begin error=%s", strerror(-e));
		return e;
	}
	records_start(&r->records, &r->task);
	if (p->resumed)
		resume_attempts(r, &p->resume);
	return 0;
}

static void
open_up(struct program *p)
{
	struct runner *r = &p->runner;

	service_listen(r->service, p->socket, &r->task);
	notify_watchdog_start(&p->watchdog, &r->task);
	notify_ready("ready for commands");
	log_info("jobd-runner is ready version=%s pid=%d%s", JOBD_VERSION, (int)getpid(),
	    p->resumed ? ", and goes on with what it had" : "");
	if (r->own)
		leave_stdout();
}

static enum task_status
root_step(struct task *t)
{
	struct runner *r = container_of(t, struct runner, task);
	struct program *p = container_of(r, struct program, runner);

	TASK_BEGIN(t);

	t->result = begin(p);
	/* Before anything can be started: it might be the same again. */
	if (t->result == 0 && r->unclean) {
		leftover_start(r, t);
		AWAIT_SHIELDED(t, USEC_NEVER, task_done(&r->leftover.task) || asked_to_stop(r));
		if (!task_done(&r->leftover.task))
			task_cancel(&r->leftover.task);
	}
	if (t->result == 0)
		open_up(p);
	while (t->result == 0) {
		AWAIT(t, asked_to_stop(r) || asked_to_read(r) || r->reexec != NULL ||
		    (r->own && is_idle(r)));
		if (asked_to_stop(r))
			break;
		if (r->reexec != NULL) {
			disk_hold(&r->disk, t);
			AWAIT_UNTIL(t, loop_now(t->loop) + REEXEC_REST_MAX,
			    disk_rests(&r->disk) || asked_to_stop(r));
			while (!reexec_may_begin(r) && !asked_to_stop(r))
				TASK_YIELD(t);
			reexec(p);
			continue;
		}
		if (asked_to_read(r)) {
			read_again(r);
			continue;
		}
		/* Somebody may be about to come; and who only reads may stay. */
		AWAIT_UNTIL(t, loop_now(t->loop) + OWN_IDLE_MAX,
		    asked_to_stop(r) || !is_idle(r) || r->reexec != NULL);
		if (t->err == -ETIMEDOUT && nobody_is_there(r))
			break;
	}
	/* Each command is ended, with a record, as its task is cancelled. */
	notify_stopping();
	log_info("jobd-runner stops commands=%lld", (long long)r->running);
	r->stopping = true;
	signals_stop(&r->signals);
	TASK_END(t, t->result);
}

static const struct task_kind root_kind = {
	.name = "jobd-runner",
	.step = root_step,
};

static int
run(struct program *p)
{
	struct runner *r = &p->runner;
	int e;

	r->loop = loop_new(LOOP_REAL);
	if (r->loop == NULL) {
		log_error("cannot make a loop error=%s", strerror(errno));
		return EXIT_FAILED;
	}
	if (!instant_is_set(r->since))
		r->since = loop_wall(r->loop);
	e = disk_start(&r->disk, r->loop);
	if (e < 0) {
		log_error("cannot start a thread error=%s", strerror(-e));
		loop_free(r->loop);
		return EXIT_FAILED;
	}
	r->service = serve_new(r);
	task_start_root(&r->task, &root_kind, r->loop);
	e = loop_run(r->loop);
	if (!p->activated)
		listen_unlink(p->options.socket, -1);
	if (e == 0)
		life_end(r);
	service_free(r->service);
	disk_stop(&r->disk);
	loop_free(r->loop);
	return e == 0 && r->task.result == 0 ? EXIT_OK : EXIT_FAILED;
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

/* Did a program before us leave its commands to us?  0 or -errno, said. */
static int
look_for_predecessor(struct program *p)
{
	int e = resume_read(&p->resume);

	p->resumed = e > 0;
	if (p->resumed)
		p->runner.files = p->resume.files;
	if (e < 0)
		log_error("what the earlier program has left cannot be understood; its commands"
		    " are ended by the next jobd-runner error=%s", strerror(-e));
	return e < 0 ? e : 0;
}

int
main(int argc, char **argv)
{
	struct program *p;
	struct runner *r;
	int code, e;
	gid_t group;

	if (argc > 1 && strcmp(argv[1], LAUNCH_WORD) == 0)
		_exit(launch_main(argc, argv, environ));
	p = xcalloc(1, sizeof(*p));
	r = &p->runner;

	r->state_fd = r->output_fd = r->exits_fd = r->lock_fd = r->tree.children_fd = -1;
	code = read_options(&p->options, argc, argv);
	if (code >= 0)
		goto out;
	r->own = p->options.own;
	code = EXIT_USAGE;
	if (fault_init(FAULT_IN_RUNNER) < 0) {
		(void)fputs("jobd-runner: JOBD_RUNNER_FAULT names no fault point;"
		    " jobd-runner --list-faults prints them\n", stderr);
		goto out;
	}
	(void)umask(077);
	(void)signal(SIGPIPE, SIG_IGN);
	r->policy_file = p->options.config;
	code = read_policy(r) < 0 ? EXIT_FAILED : EXIT_OK;
	if (code != EXIT_OK || p->options.check)
		goto out;
	p->argv = argv;
	r->program = p->self = own_path(argv[0]);
	note_limits(r);
	(void)mem_reserve(MEMORY_RESERVE);
	raise_limits();
	code = EXIT_FAILED;
	if (look_for_predecessor(p) < 0)
		goto out;
	e = choose_master(r, &p->options, &group);
	if (e == 0)
		e = open_state(p);
	if (e == 0)
		e = open_door(p, group);
	if (e == 0)
		code = run(p);
	else if (e == -EBUSY && r->own)
		code = EXIT_OK;
	runner_done(r);
	tree_done(&r->tree);
out:
	free(p->options.socket);
	free(p->options.state);
	free(p->options.for_user);
	free(p->options.config);
	free(p->self);
	buf_done(&p->resume.lines);
	policy_done(&r->policy);
	cgroups_free(r->cgroups);
	free(p);
	return code;
}
