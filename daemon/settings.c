/*
 * settings: see settings.h.
 */
#include "daemon/settings.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/config.h"
#include "daemon/base/fault.h"
#include "daemon/base/log.h"
#include "daemon/exec/canary.h"
#include "daemon/replay.h"
#include "proto/error.h"
#include "proto/mem.h"
#include "proto/when.h"

/* The host's daemon is run by root or by this user, and read from this group. */
#define SYSTEM_USER	"jobd"
#define SYSTEM_CONFIG	"/etc/jobd/jobd.conf"
#define SYSTEM_STATE	"/var/lib/jobd"
#define SYSTEM_SOCKET	"/run/jobd/io.jobd"
#define SYSTEM_RUNNER	"/run/jobd-runner/io.jobd.Runner"

#define AT(member) offsetof(struct settings, member)

static const char *
level_check(const char *word)
{
	enum log_level level;

	return log_level_parse(word, &level) == 0 ? NULL : "is not error, warning, info or debug";
}

static const char *
canary_check(const char *word)
{
	struct sockaddr_storage address;

	return canary_address(word, &address) ? NULL : "is not like 192.0.2.1:80 or [2001:db8::1]:80";
}

static const struct config_key keys[] = {
	{ "daemon", "socket", CONFIG_STRING, AT(socket), NULL, 0, 0,
	    "The socket. /run/jobd/io.jobd for root, $XDG_RUNTIME_DIR/jobd/io.jobd for others; without that, io.jobd in state_dir.", CONFIG_RESTART, NULL },
	{ "daemon", "state_dir", CONFIG_STRING, AT(state_dir), NULL, 0, 0,
	    "Where the jobs are kept. /var/lib/jobd for root, ~/.local/state/jobd for others.", CONFIG_RESTART, NULL },
	{ "daemon", "runner", CONFIG_STRING, AT(runner), NULL, 0, 0,
	    "The parent of commands: own (started by jobd), or the path of its socket. Its service's if up.", CONFIG_RESTART, NULL },
	{ "daemon", "log_level", CONFIG_STRING, AT(log_level), "info", 0, 0,
	    "How much is logged: error, warning, info or debug.", CONFIG_LIVE, level_check },
	{ "daemon", "hosts", CONFIG_STRING, AT(hosts), "/etc/hosts", 0, 0,
	    "The file of names that checks look into first.", CONFIG_REEXEC, NULL },
	{ "daemon", "resolv_conf", CONFIG_STRING, AT(resolv_conf), "/etc/resolv.conf", 0, 0,
	    "The file that names the DNS servers that checks ask.", CONFIG_REEXEC, NULL },
	{ "daemon", "sendmail", CONFIG_STRING, AT(sendmail), "/usr/sbin/sendmail", 0, 0,
	    "The program that targets with mail are told through.", CONFIG_LIVE, NULL },
	{ "limits", "connections", CONFIG_INT, AT(connections), "1024", 1, 100000,
	    "Clients connected at a time. Each takes a descriptor: see that LimitNOFILE= of the unit has room.", CONFIG_LIVE, NULL },
	{ "limits", "connections_per_user", CONFIG_INT, AT(connections_per_user), "512", 1, 100000,
	    "The same, of one user other than root, so that one script that forgets to hang up leaves room for the others.", CONFIG_LIVE, NULL },
	{ "limits", "jobs_per_user", CONFIG_INT, AT(jobs_per_user), "0", 0, INT64_MAX,
	    "Jobs that one user other than root may have, where users do not trust one another. 0 is no limit.", CONFIG_LIVE, NULL },
	{ "limits", "commands", CONFIG_INT, AT(commands), "1024", 1, 100000,
	    "Commands running at a time, over all queues; what is due beyond it waits. It keeps a flood from the host.", CONFIG_LIVE, NULL },
	{ "limits", "checks", CONFIG_INT, AT(checks), "1024", 1, 100000,
	    "HTTP checks under way at a time. Each takes a descriptor and its buffers; what is due beyond it waits.", CONFIG_LIVE, NULL },
	{ "limits", "timers", CONFIG_INT, AT(timers), "10000", 1, 1000000,
	    "Timers running at a time. They cost only memory.", CONFIG_LIVE, NULL },
	{ "limits", "heartbeats", CONFIG_INT, AT(heartbeats), "10000", 1, 1000000,
	    "Heartbeats late at a time; those beyond it wait, and are late by longer.", CONFIG_LIVE, NULL },
	{ "limits", "default_slots", CONFIG_INT, AT(default_slots), "0", 0, 10000,
	    "Slots of the queue default, unless set there. 0: twice the processors, at least 4.", CONFIG_LIVE, NULL },
	{ "limits", "schedule_slots", CONFIG_INT, AT(schedule_slots), "64", 1, 10000,
	    "Slots of the queue schedule, unless set there: of commands that repeat, which seldom keep a processor busy.", CONFIG_LIVE, NULL },
	{ "limits", "queue_slots", CONFIG_INT, AT(queue_slots), "1", 1, 10000,
	    "Slots of any other queue, unless set there: one after another is what a queue is named for.", CONFIG_LIVE, NULL },
	{ "limits", "window_jobs", CONFIG_INT, AT(window_jobs), "10000", 16, 10000000,
	    "Jobs due soon that are held in memory, about ten minutes' worth; the others stay in the store.", CONFIG_REEXEC, NULL },
	{ "limits", "catch_ups", CONFIG_INT, AT(catch_ups), "20", 1, 10000,
	    "Runs started in a second, at most, of what was due while jobd was down, so that a boot is not a stampede.", CONFIG_LIVE, NULL },
	{ "limits", "events_bytes", CONFIG_BYTES, AT(events_bytes), "256K", 0, 1 << 30,
	    "Of the latest events, kept in memory for jobctl events: about three thousand.", CONFIG_LIVE, NULL },
	{ "retention", "runs", CONFIG_INT, AT(keep.runs), "10000", 0, INT64_MAX,
	    "The latest runs of a job that are kept: a day of one every ten seconds. 0 is no limit.", CONFIG_LIVE, NULL },
	{ "retention", "failed_runs", CONFIG_INT, AT(keep.failed), "100", 0, 1000000,
	    "Failed runs that are kept beyond those, the latest of a job, since they are looked for longest.", CONFIG_LIVE, NULL },
	{ "retention", "runs_total", CONFIG_INT, AT(keep.runs_total), "2000000", 0, INT64_MAX,
	    "Runs of all jobs together, some 0.5 KiB each on disk; the oldest go first. 0 is no limit.", CONFIG_LIVE, NULL },
	{ "retention", "age", CONFIG_DURATION, AT(keep.age), "90d", 0, DURATION_MAX,
	    "How long runs, skips and notices that nobody took are kept. The latest run of a job stays. 0 is no limit.", CONFIG_LIVE, NULL },
	{ "retention", "finished_jobs", CONFIG_DURATION, AT(keep.finished_jobs), "30d", 0, DURATION_MAX,
	    "How long a job is kept after it has finished, with its runs. 0 is for ever.", CONFIG_LIVE, NULL },
	{ "retention", "failed_jobs", CONFIG_DURATION, AT(keep.failed_jobs), "90d", 0, DURATION_MAX,
	    "The same when its last run failed, so that somebody can look. 0 is for ever.", CONFIG_LIVE, NULL },
	{ "retention", "output_per_job", CONFIG_BYTES, AT(keep.output_per_job), "256M", 0, INT64_MAX,
	    "Output of all runs of a job; that of the oldest goes first, the runs stay. 0 is no limit.", CONFIG_LIVE, NULL },
	{ "retention", "output_total", CONFIG_BYTES, AT(keep.output_total), "1G", 0, INT64_MAX,
	    "Output of all jobs together, in the same way. 0 is no limit.", CONFIG_LIVE, NULL },
	{ "retention", "spans", CONFIG_DURATION, AT(keep.spans), "365d", 0, DURATION_MAX,
	    "How long pauses, sleep of the host and absences of jobd are kept: they explain skips. 0 is for ever.", CONFIG_LIVE, NULL },
	{ "checks", "canary", CONFIG_STRING, AT(canary), NULL, 0, 0,
	    "ADDRESS:PORT nearby, like the router's: a check without an answer is inconclusive if it gives none either.", CONFIG_REEXEC, canary_check },
	{ "engine", "block_limit", CONFIG_DURATION, AT(block_limit), "50ms", 0, 60 * USEC_SEC,
	    "A step of the event loop that takes longer is noted with its stack. 0: none is.", CONFIG_LIVE, NULL },
	{ NULL, NULL, CONFIG_STRING, 0, NULL, 0, 0, NULL, 0, NULL },
};

#define OF(member) offsetof(struct notify_target, member)

/* Whom jobs may name in --notify: a section each. */
static const struct config_key target_keys[] = {
	{ "target", "command", CONFIG_STRING, OF(command), NULL, 0, 0,
	    "Told by this command (for /bin/sh -c): the event is JSON on its standard input. Or by:", CONFIG_LIVE, NULL },
	{ "target", "url", CONFIG_STRING, OF(url), NULL, 0, 0,
	    "a POST of the same JSON to this address; any status from 200 to 299 is success. Or by:", CONFIG_LIVE, NULL },
	{ "target", "mail", CONFIG_STRING, OF(mail), NULL, 0, 0,
	    "mail to this address, through the host's sendmail.", CONFIG_LIVE, NULL },
	{ "target", "user", CONFIG_STRING, OF(user), NULL, 0, 0,
	    "Whose command it is. That of jobd.", CONFIG_LIVE, NULL },
	{ "target", "header", CONFIG_STRINGS, OF(headers), NULL, 0, 0,
	    "Of url: another header, like X-Title: {name} {event}. There may be several such lines.", CONFIG_LIVE, NULL },
	{ "target", "secret_file", CONFIG_STRING, OF(secret_file), NULL, 0, 0,
	    "Of url: what is in this file signs the body: X-Jobd-Signature: sha256=HMAC.", CONFIG_LIVE, NULL },
	{ "target", "ca_file", CONFIG_STRING, OF(ca_file), NULL, 0, 0,
	    "Of url: trust the certificates in this file instead of the system's.", CONFIG_LIVE, NULL },
	{ "target", "timeout", CONFIG_DURATION, OF(timeout), "30s", USEC_SEC, USEC_HOUR,
	    "An attempt that takes longer has failed.", CONFIG_LIVE, NULL },
	{ "target", "deadline", CONFIG_DURATION, OF(deadline), "1d", 0, 365 * USEC_DAY,
	    "A notice that is older is given up when an attempt fails. 0: there is one attempt.", CONFIG_LIVE, NULL },
	{ "target", "fold", CONFIG_DURATION, OF(fold), "1m", 0, USEC_DAY,
	    "At most five messages in so long; what comes beside them is folded into one. 0: no limit.", CONFIG_LIVE, NULL },
	{ NULL, NULL, CONFIG_STRING, 0, NULL, 0, 0, NULL, 0, NULL },
};

enum option_id {
	OPTION_CONFIG = 256, OPTION_SOCKET, OPTION_STATE_DIR, OPTION_RUNNER, OPTION_LOG_LEVEL,
	OPTION_RESTORE, OPTION_CHECK_CONFIG, OPTION_CHECK_DATABASE, OPTION_HELP_CONFIG, OPTION_LIST_FAULTS, OPTION_REPLAY,
	OPTION_VERSION, OPTION_HELP,
};

static const struct option options[] = {
	{ "config", required_argument, NULL, OPTION_CONFIG },
	{ "socket", required_argument, NULL, OPTION_SOCKET },
	{ "state-dir", required_argument, NULL, OPTION_STATE_DIR },
	{ "runner", required_argument, NULL, OPTION_RUNNER },
	{ "log-level", required_argument, NULL, OPTION_LOG_LEVEL },
	{ "restore", required_argument, NULL, OPTION_RESTORE },
	{ "check-config", no_argument, NULL, OPTION_CHECK_CONFIG },
	{ "check-database", no_argument, NULL, OPTION_CHECK_DATABASE },
	{ "help-config", no_argument, NULL, OPTION_HELP_CONFIG },
	{ "list-faults", no_argument, NULL, OPTION_LIST_FAULTS },
	{ "replay", required_argument, NULL, OPTION_REPLAY },
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
"  --restore FILE       put a backup (jobctl backup) in the database's place, and end;\n"
"                       refused while a jobd has it\n"
"  --check-config       read the configuration, tell what is wrong, and end\n"
"  --check-database     look whether the database is whole, while no jobd has it\n"
"  --help-config        print every setting with its default, as a file\n"
"  --list-faults        print the points at which JOBD_FAULT=NAME:COUNT ends it\n"
"  --replay FILE        print a flight record (jobctl doctor --dump), and decide again\n"
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
keys_print(const struct config_key *rows)
{
	char phrase[CONFIG_PHRASE_MAX];
	const char *section = "";

	for (const struct config_key *k = rows; k->name != NULL; k++) {
		if (strcmp(section, k->section) != 0)
			printf(rows == keys ? "\n[%s]\n" :
			    "\n# Whom jobs may name in --notify EVENTS:ops; a section for each.\n#[%s ops]\n",
			    k->section);
		else
			printf("\n");
		section = k->section;
		printf("# %s\n", k->doc);
		if (config_phrase(k, phrase)[0] != '\0')
			printf("# %s\n", phrase);
		printf("#%s =%s%s\n", k->name, k->otherwise != NULL ? " " : "",
		    k->otherwise != NULL ? k->otherwise : "");
	}
}

static void
config_print(void)
{
	printf("# The settings of jobd, with their defaults. Lines that begin with # say nothing.\n"
	    "# Files in jobd.conf.d/ are read after this one; options of the command line come last.\n"
	    "# Who may connect is no setting here: root's jobd has root and the group jobd, by the rights of its socket\n"
	    "# (systemctl edit jobd.socket), anybody else's has its user alone. As whom commands may run, and whether root's jobs\n"
	    "# are run at all, is jobd-runner's to say (runner.conf), so that a jobd that was broken into cannot change it.\n");
	keys_print(keys);
	keys_print(target_keys);
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
		} else if (c == OPTION_RESTORE) {
			free(s->restore);
			s->restore = xstrdup(optarg);
		} else if (c == OPTION_CHECK_CONFIG) {
			line->check = true;
		} else if (c == OPTION_CHECK_DATABASE) {
			s->check_database = true;
		} else if (c == OPTION_HELP_CONFIG) {
			config_print();
			return EXIT_OK;
		} else if (c == OPTION_LIST_FAULTS) {
			fault_list(FAULT_IN_DAEMON);
			return EXIT_OK;
		} else if (c == OPTION_REPLAY) {
			return replay_file(optarg);
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

/* Paths that nobody has set; the socket and the state directory from / on.  NULL, or what is missing. */
static const char *
paths_default(struct settings *s)
{
	if (s->state_dir == NULL)
		s->state_dir = s->system ? xstrdup(SYSTEM_STATE) :
		    user_path("XDG_STATE_HOME", ".local/state", "jobd");
	if (s->state_dir == NULL)
		return "HOME is not set: say where to keep the jobs with --state-dir DIR";
	if (s->socket == NULL)
		s->socket = s->system ? xstrdup(SYSTEM_SOCKET) :
		    user_path("XDG_RUNTIME_DIR", NULL, "jobd/io.jobd");
	/* A shell of su, a container: there is no session, and so no folder of one. */
	if (s->socket == NULL)
		s->socket = xasprintf("%s/io.jobd", s->state_dir);
	s->runner_found = s->runner == NULL;
	if (s->runner == NULL)
		s->runner = xstrdup(s->system && is_socket(SYSTEM_RUNNER) ? SYSTEM_RUNNER : "own");
	path_absolute(&s->socket);
	path_absolute(&s->state_dir);
	return NULL;
}

/* ---- [target NAME] ---- */

static void *
target_element(void *out, const char *name, const char **reason)
{
	struct settings *s = out;
	struct notify_targets *all = &s->targets;
	struct notify_target *t;
	size_t at = 0;

	*reason = target_name_check(name);
	if (*reason != NULL)
		return NULL;
	while (at < all->n && strcmp(all->items[at].name, name) < 0)
		at++;
	if (at < all->n && strcmp(all->items[at].name, name) == 0)
		return &all->items[at];
	*reason = "there are too many targets";
	if (all->n == TARGETS_MAX)
		return NULL;
	all->items = xrealloc(all->items, (all->n + 1) * sizeof(*all->items));
	t = &all->items[at];
	memmove(t + 1, t, (all->n - at) * sizeof(*t));
	all->n++;
	*t = (struct notify_target){ 0 };
	config_defaults(target_keys, t);
	t->name = xstrdup(name);
	return t;
}

static void
target_seen(void *element, const char *file, int line)
{
	struct notify_target *t = element;

	if (t->where == NULL)
		t->where = xasprintf("%s:%d", file, line);
}

static const struct config_named target_sections = {
	.section = "target", .keys = target_keys, .element = target_element, .seen = target_seen,
};

/* What is in a file of a target, or NULL with the reason. */
static char *
target_file(const char *path, size_t max, char why[CONFIG_ERROR_MAX])
{
	FILE *file = fopen(path, "re");
	char *text = xcalloc(1, max + 2);
	size_t n = 0;

	if (file != NULL)
		n = fread(text, 1, max + 1, file);
	if (file == NULL || ferror(file))
		(void)snprintf(why, CONFIG_ERROR_MAX, "%s: %s", path, strerror(errno));
	else if (n > max)
		(void)snprintf(why, CONFIG_ERROR_MAX, "%s: it is longer than %zu bytes", path, max);
	else if (n == 0 || memchr(text, '\0', n) != NULL)
		(void)snprintf(why, CONFIG_ERROR_MAX, "%s: it is empty, or no text", path);
	else
		why[0] = '\0';
	if (file != NULL)
		(void)fclose(file);
	if (why[0] == '\0')
		return text;
	free(text);
	return NULL;
}

/* As jobs with such a command or request are checked.  False, with the reason. */
static bool
target_would_run(const struct notify_target *t, const struct settings *s, char why[CONFIG_ERROR_MAX])
{
	const struct notify_message test = { .id = 1, .notice = "{\"event\":\"test\"}" };
	struct field_error error;
	struct job_spec spec;
	char *mistake = notify_target_mistake(t);
	bool good;

	if (mistake != NULL) {
		(void)snprintf(why, CONFIG_ERROR_MAX, "%s", mistake);
		free(mistake);
		return false;
	}
	notify_target_spec(t, s->sendmail, &test, &spec);
	good = job_spec_check(&spec, "", &error) == JOBD_OK;
	if (!good)
		(void)snprintf(why, CONFIG_ERROR_MAX, "%s: %.150s",
		    strstr(error.path, "url") != NULL ? "url" : strstr(error.path, "headers") != NULL ?
		    "header" : "command", error.reason);
	job_spec_done(&spec);
	return good;
}

/* Look at a target as a whole.  False, with the reason. */
static bool
target_check(struct notify_target *t, const struct settings *s, char why[CONFIG_ERROR_MAX])
{
	const struct passwd *user = t->user != NULL ? getpwnam(t->user) : NULL;
	const int ways = (t->command != NULL) + (t->url != NULL) + (t->mail != NULL);
	const char *reason = NULL;

	if (ways != 1)
		reason = ways == 0 ? "it needs one of command, url and mail" :
		    "it needs only one of command, url and mail";
	else if (t->command != NULL && t->command[strspn(t->command, " \t")] == '\0')
		reason = "command: it is empty";
	else if (t->url == NULL && (t->headers.n > 0 || t->secret_file != NULL || t->ca_file != NULL))
		reason = "header, secret_file and ca_file are for a url";
	else if (t->user != NULL && t->command == NULL)
		reason = "user: it is for a command";
	else if (t->user != NULL && user == NULL)
		reason = "user: there is no such user";
	else if (t->mail != NULL && (t->mail[0] == '-' || t->mail[0] == '\0' ||
	    strpbrk(t->mail, " \t\r\n<>,;\"") != NULL))
		reason = "mail: it must be one address, like ops@example.org";
	if (reason != NULL) {
		(void)snprintf(why, CONFIG_ERROR_MAX, "%s", reason);
		return false;
	}
	t->uid = user != NULL ? (int64_t)user->pw_uid : (int64_t)geteuid();
	if (t->secret_file != NULL) {
		t->secret = target_file(t->secret_file, TARGET_SECRET_MAX, why);
		if (t->secret == NULL)
			return false;
		t->secret[strcspn(t->secret, "\r\n")] = '\0';
	}
	if (t->ca_file != NULL) {
		t->ca = target_file(t->ca_file, CA_BYTES_MAX, why);
		if (t->ca == NULL)
			return false;
	}
	return target_would_run(t, s, why);
}

static void
targets_check(struct settings *s, struct strings *mistakes)
{
	char why[CONFIG_ERROR_MAX] = "", *text;

	s->targets.sendmail = s->sendmail;
	for (size_t i = 0; i < s->targets.n; i++) {
		struct notify_target *t = &s->targets.items[i];

		if (target_check(t, s, why))
			continue;
		text = xasprintf("%s: [target %s]: %.200s", t->where, t->name, why);
		strings_add(mistakes, text);
		free(text);
	}
}

static void
files_read(struct settings *s, struct strings *mistakes)
{
	char *path = s->config != NULL ? xstrdup(s->config) :
	    s->system ? xstrdup(SYSTEM_CONFIG) :
	    user_path("XDG_CONFIG_HOME", ".config", "jobd/jobd.conf");

	if (path != NULL)
		(void)config_read(keys, &target_sections, s, path, s->config == NULL, mistakes);
	targets_check(s, mistakes);
	free(path);
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

/* What the command line has set; it was right when it was read. */
static int
given_set(struct settings *s, const struct command_line *line, char error[CONFIG_ERROR_MAX])
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(option_keys) / sizeof(option_keys[0]); i++)
		if (line->values[i] != NULL)
			r = config_set(keys, s, option_keys[i], line->values[i], error);
	return r;
}

/* What --log-level and its like have said holds over what is in the files, then and later. */
static struct command_line given;

int
settings_read(struct settings *s, int argc, char *argv[])
{
	struct strings mistakes = { 0 };
	char error[CONFIG_ERROR_MAX];
	enum log_level level;
	const char *missing;
	int code;

	config_defaults(keys, s);
	code = command_line_read(s, &given, argc, argv);
	if (code >= 0)
		return code;
	s->system = system_daemon();
	files_read(s, &mistakes);
	for (size_t i = 0; i < mistakes.n; i++)
		fprintf(stderr, "jobd: %s\n", mistakes.items[i]);
	code = mistakes.n > 0 ? EXIT_FAILED : 0;
	strings_done(&mistakes);
	if (given_set(s, &given, error) < 0) {
		fprintf(stderr, "jobd: %s\n", error);
		return EXIT_USAGE;
	}
	if (code != 0)
		return code;
	if (log_level_parse(s->log_level, &level) == 0)
		log_set_level(level);
	if (given.check) {
		puts("The configuration is good.");
		return EXIT_OK;
	}
	missing = paths_default(s);
	if (missing != NULL) {
		fprintf(stderr, "jobd: %s\n", missing);
		return EXIT_FAILED;
	}
	if (s->config != NULL)
		path_absolute(&s->config);
	return -1;
}

/* ---- again, while jobd runs ---- */

/* Is there anything that a target has otherwise than the other one? */
static bool
target_same(const struct notify_target *a, const struct notify_target *b)
{
	for (const struct config_key *k = target_keys; k->name != NULL; k++)
		if (!config_same(k, a, b))
			return false;
	return a->uid == b->uid && (a->secret == NULL || strcmp(a->secret, b->secret) == 0) &&
	    (a->ca == NULL || strcmp(a->ca, b->ca) == 0);
}

static void
target_note(struct settings_change *change, const char *name)
{
	char *text = xasprintf("[target %s]", name);

	strings_add(&change->applied, text);
	free(text);
}

/* Those that are new or others, and those that are gone.  The same stay. */
static void
targets_compare(struct settings *s, const struct settings *fresh, struct settings_change *change)
{
	for (size_t i = 0; i < fresh->targets.n; i++) {
		const struct notify_target *t = &fresh->targets.items[i], *old = notify_target_find(&s->targets, t->name);

		if (old == NULL || !target_same(t, old))
			target_note(change, t->name);
	}
	for (size_t i = 0; i < s->targets.n; i++) {
		struct notify_target *old = &s->targets.items[i];
		const struct notify_target *t = notify_target_find(&fresh->targets, old->name);

		old->stays = t != NULL && target_same(t, old);
		if (t == NULL)
			target_note(change, old->name);
	}
}

static void
keys_compare(struct settings *s, const struct settings *fresh, struct settings_change *change)
{
	for (const struct config_key *k = keys; k->name != NULL; k++) {
		char *name = xasprintf("%s.%s", k->section, k->name);

		if (config_same(k, s, fresh)) {
			/* nothing to tell */
		} else if (k->flags & CONFIG_RESTART) {
			strings_add(&change->restart, name);
		} else if (k->flags & CONFIG_REEXEC) {
			strings_add(&change->reexec, name);
		} else {
			config_copy(k, s, fresh);
			strings_add(&change->applied, name);
		}
		free(name);
	}
}

/* Whether the service's runner is up is no setting: one that was found at the start stays until somebody sets one. */
static void
runner_keep(const struct settings *s, struct settings *fresh)
{
	if (!s->runner_found || !fresh->runner_found)
		return;
	free(fresh->runner);
	fresh->runner = xstrdup(s->runner);
}

void
settings_reload(struct settings *s, struct settings_change *change, struct notify_targets *ret_old)
{
	struct settings fresh = { .config = xstrdup(s->config), .system = s->system };
	char error[CONFIG_ERROR_MAX];
	const char *missing;

	*change = (struct settings_change){ .applied = { 0 } };
	*ret_old = (struct notify_targets){ .n = 0 };
	config_defaults(keys, &fresh);
	files_read(&fresh, &change->mistakes);
	if (given_set(&fresh, &given, error) < 0)
		strings_add(&change->mistakes, error);
	missing = paths_default(&fresh);
	if (missing != NULL)
		strings_add(&change->mistakes, missing);
	if (change->mistakes.n == 0) {
		runner_keep(s, &fresh);
		keys_compare(s, &fresh, change);
		targets_compare(s, &fresh, change);
		*ret_old = s->targets;
		s->targets = fresh.targets;
		s->targets.sendmail = s->sendmail;
		fresh.targets = (struct notify_targets){ .n = 0 };
	}
	settings_done(&fresh);
}

void
settings_done(struct settings *s)
{
	notify_targets_done(&s->targets);
	config_done(keys, s);
	free(s->config);
	free(s->restore);
	s->config = s->restore = NULL;
}

int
settings_socket_group(const struct settings *s)
{
	const struct group *g;

	if (!s->system || geteuid() != 0)
		return -1;
	g = getgrnam(SYSTEM_USER);
	return g == NULL ? -1 : (int)g->gr_gid;
}
