/*
 * installation: see installation.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client/alive.h"
#include "client/installation.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"

/* Less than this is too little for anything. */
#define FREE_MIN	((unsigned long long)64 << 20)

#define SYSTEM_RUN	"/run/jobd/"
#define SYSTEM_GROUP	"jobd"
#define SYSTEM_STATE	"/var/lib/jobd"
#define SYSTEM_CONFIG	"/etc/jobd/jobd.conf"
#define SYSTEM_RUNNER	"/run/jobd-runner/io.jobd.Runner"

/* A clock that shows less was never set: the beginning of 2025. */
#define CLOCK_LEAST	1735689600

/* What jobctl finds itself is told as the daemon tells its own. */
static void
found(struct cJSON *findings, const char *what, bool note, char *text, const char *remedy)
{
	struct cJSON *o = json_object();

	json_set_string(o, "what", what);
	json_set_string(o, "text", text);
	if (note)
		json_set_bool(o, "note", 1);
	if (remedy)
		json_set_string(o, "remedy", remedy);
	json_push(findings, o);
	free(text);
}

static bool
is_system(const char *path)
{
	return strncmp(path, SYSTEM_RUN, strlen(SYSTEM_RUN)) == 0;
}

/* ---- programs that know more ---- */

/* What a command says, at most 4 KiB of it, and within two seconds; NULL: it cannot be asked. */
static char *
command_says(const char *command, int *status)
{
	char *line = xasprintf("LC_ALL=C timeout 2 %s 2>&1 </dev/null", command), text[4096];
	FILE *f = popen(line, "re");
	size_t n;

	free(line);
	if (!f)
		return NULL;
	n = fread(text, 1, sizeof(text) - 1, f);
	*status = pclose(f);
	while (n > 0 && text[n - 1] == '\n')
		n--;
	return xstrndup(text, n);
}

/* What the service manager knows of a unit: the values of these properties, a line each; NULL: there is none to ask. */
static char *
unit_says(const char *properties, const char *unit)
{
	char *command = xasprintf("systemctl show %s %s", properties, unit), *says = NULL;
	int status = 0;

	if (access("/run/systemd/system", F_OK) == 0)
		says = command_says(command, &status);
	free(command);
	if (says && status == 0)
		return says;
	free(says);
	return NULL;
}

/* ---- the socket ---- */

int
socket_try(const char *path)
{
	int fd, r = socket_dial(path, patience(), &fd);

	if (fd >= 0)
		close(fd);
	return r;
}

/* The folders above the socket: the first that is missing, or that may not be entered. */
static bool
path_check(struct cJSON *findings, const char *path)
{
	char *part = xstrdup(path), *slash = part;
	bool good = true;
	struct stat st;

	while (good && (slash = strchr(slash + 1, '/')) != NULL) {
		*slash = '\0';
		good = stat(part, &st) == 0 && access(part, X_OK) == 0;
		if (!good)
			found(findings, "socket", false, xasprintf("the folder %s of the socket %s: %s", part,
			    path, strerror(errno)),
			    errno == ENOENT ? "start jobd, which makes it; or name its socket with --socket" :
			    "ask for the right to enter it");
		*slash = '/';
	}
	free(part);
	return good;
}

/* A membership counts from the next login on, which is forgotten readily. */
static bool
member_since_login(gid_t group)
{
	const struct passwd *me = getpwuid(getuid());
	gid_t groups[256];
	int n = 256;

	if (!me || getgrouplist(me->pw_name, me->pw_gid, groups, &n) < 0)
		return false;
	while (n-- > 0)
		if (groups[n] == group)
			return true;
	return false;
}

static void
rights_judge(struct cJSON *findings, const char *path)
{
	const struct group *group = getgrnam(SYSTEM_GROUP);

	if (!is_system(path))
		found(findings, "rights", false, xasprintf("you may not use the socket %s: it is another user's", path),
		    "name your own with --socket, or ask its user");
	else if (group && member_since_login(group->gr_gid))
		found(findings, "rights", false, xasprintf("you are a member of the group %s, but this session is not yet",
		    SYSTEM_GROUP), "log in again, or in this shell: newgrp jobd");
	else if (group)
		found(findings, "rights", false, xasprintf("you may not use the socket %s: that is for root and the group %s",
		    path, SYSTEM_GROUP), "adduser YOU jobd, as root; then log in again");
	else
		found(findings, "rights", false, xasprintf("you may not use the socket %s, and there is no group %s whose"
		    " members might", path, SYSTEM_GROUP), "systemd-sysusers, as root; then adduser YOU jobd");
}

/* The socket is the service manager's, and so it is not told whose process stands behind it. */
static pid_t
service_process(const char *path, bool *stopped)
{
	char *says = is_system(path) ? unit_says("-P MainPID", "jobd.service") : NULL;
	pid_t pid = says ? (pid_t)atoi(says) : 0;

	free(says);
	*stopped = pid > 0 && process_stopped(pid);
	return pid;
}

/* Somebody took our connection and says nothing. */
static void
silent_judge(struct cJSON *findings, const char *path)
{
	bool stopped = false;
	int fd, r = socket_dial(path, patience(), &fd);
	pid_t pid = r == 0 || r == -EAGAIN ? peer_process(fd, &stopped) : 0;
	char *remedy = NULL;

	if (fd >= 0)
		close(fd);
	if (pid == 0)
		pid = service_process(path, &stopped);
	if (stopped)
		remedy = xasprintf("kill -CONT %d", (int)pid);
	if (stopped)
		found(findings, "hang", false, xasprintf("jobd (process %d) is stopped, by a signal or a debugger: it does"
		    " not answer", (int)pid), remedy);
	else if (pid)
		found(findings, "hang", false, xasprintf("jobd (process %d) does not answer: its loop hangs, or it is long"
		    " in starting", (int)pid), is_system(path) ?
		    "journalctl -u jobd tells what it does; systemctl restart jobd: commands go on under the runner" :
		    "look into its log; kill and start it again: commands go on under the runner");
	else
		found(findings, "hang", false, xasprintf("who listens at %s does not answer", path),
		    is_system(path) ? "systemctl status jobd.socket jobd.service" : "look who that is: fuser -v on the socket");
	free(remedy);
}

void
socket_judge(struct cJSON *findings, const char *path, int error)
{
	const char *named = getenv("JOBD_SOCKET");
	struct stat st;

	switch (error) {
	case 0:
	case EAGAIN:
		silent_judge(findings, path);
		return;
	case EACCES:
	case EPERM:
		if (path_check(findings, path))
			rights_judge(findings, path);
		return;
	case ENOENT:
		if (path_check(findings, path))
			found(findings, "socket", false, xasprintf("there is no socket %s: jobd does not run, or"
			    " listens elsewhere", path), named && *named ? "$JOBD_SOCKET says so: is it right?" :
			    "systemctl start jobd, or in a terminal: jobd; another place is named with --socket");
		return;
	case ECONNREFUSED:
		if (stat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
			found(findings, "socket", false, xasprintf("%s is no socket", path),
			    "name the right one with --socket");
		else
			found(findings, "socket", false, xasprintf("nobody listens at %s: jobd has ended without"
			    " clearing up", path), is_system(path) ?
			    "systemctl restart jobd; journalctl -u jobd tells why it ended" : "start jobd again");
		return;
	default:
		found(findings, "socket", false, xasprintf("cannot connect to %s: %s", path, strerror(error)), NULL);
	}
}

/* ---- the service, and what it is told ---- */

static void
service_check(struct cJSON *findings)
{
	char *says = unit_says("-P ActiveState -P UnitFileState", "jobd.service");

	if (says && strncmp(says, "failed", 6) == 0)
		found(findings, "service", false, xstrdup("jobd.service has failed"), "journalctl -u jobd -n 50 tells why");
	else if (says && strncmp(says, "inactive", 8) == 0 && strstr(says, "disabled"))
		found(findings, "service", false, xstrdup("jobd.service is not enabled"),
		    "systemctl enable --now jobd-runner.service jobd.socket jobd.service");
	free(says);
}

char *
program_beside(const char *path)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *slash;

	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	return slash ? xasprintf("%.*s/%s", (int)(slash - self), self, path) : NULL;
}

/* Could a word be taken for more by the shell? */
static bool
is_plain(const char *path)
{
	return !strpbrk(path, " '\"\\$`;&|<>()*?[~\n");
}

/* The daemon that is installed beside us reads its configuration. */
static void
config_check(struct cJSON *findings, const char *path)
{
	bool other = is_system(path) && geteuid() != 0;
	char *program = program_beside("jobd"), *command, *says;
	int status = 0;

	if (!program || (other && access(SYSTEM_CONFIG, R_OK) < 0)) {
		free(program);
		return;
	}
	if (access(program, X_OK) < 0) {
		found(findings, "program", false, xasprintf("there is no %s beside jobctl", program), "install jobd as a whole");
	} else if (is_plain(program)) {
		command = xasprintf("%s --check-config%s", program, other ? " --config " SYSTEM_CONFIG : "");
		says = command_says(command, &status);
		if (says && status != 0)
			found(findings, "config", false, xasprintf("the configuration is not read: %s", says),
			    "mend these lines; jobd --check-config looks at them again");
		free(says);
		free(command);
	}
	free(program);
}

/* ---- state ---- */

/* Where the state would be, if anybody can tell: beside a default socket. */
static char *
state_find(const char *path)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (is_system(path))
		return xstrdup(SYSTEM_STATE);
	if (state && *state == '/')
		return xasprintf("%s/jobd", state);
	return home && *home == '/' ? xasprintf("%s/.local/state/jobd", home) : NULL;
}

static void
disk_check(struct cJSON *findings, const char *state)
{
	struct statvfs disk;

	if (statvfs(state, &disk) < 0)
		return;
	if (disk.f_flag & ST_RDONLY)
		found(findings, "disk", false, xasprintf("the disk of %s is mounted read-only", state),
		    "dmesg tells whether the kernel has done that, for an error of the disk");
	else if ((unsigned long long)disk.f_bavail * disk.f_frsize < FREE_MIN)
		found(findings, "disk_space", false, xasprintf("the disk of %s is full", state),
		    "make room: jobd cannot open its database without");
	else if (disk.f_files > 0 && disk.f_favail == 0)
		found(findings, "disk_space", false, xasprintf("the disk of %s has no inodes left", state),
		    "remove files: df -i tells where");
}

/* One of the database's files: whose it is, and whether it can be written by him. */
static void
file_check(struct cJSON *findings, const char *file, const struct stat *folder)
{
	struct stat st;

	if (stat(file, &st) < 0)
		return;
	if (st.st_uid != folder->st_uid)
		found(findings, "rights", false, xasprintf("%s belongs to another user (%d) than its folder (%d): was jobd"
		    " started as somebody else?", file, (int)st.st_uid, (int)folder->st_uid),
		    "stop jobd, then chown it to the user of the folder");
	else if (!(st.st_mode & S_IWUSR) || !(st.st_mode & S_IRUSR))
		found(findings, "rights", false, xasprintf("%s may not be read and written by its user", file), "chmod 600 it");
}

/* The first bytes of every SQLite database: are they there, or is the file new? */
static bool
header_check(struct cJSON *findings, const char *database)
{
	static const char magic[] = "SQLite format 3";
	char head[sizeof(magic)];
	int fd = open(database, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, head, sizeof(head)) : 0;
	bool good = n <= 0 || ((size_t)n == sizeof(head) && memcmp(head, magic, sizeof(magic)) == 0);

	if (fd >= 0)
		close(fd);
	if (!good)
		found(findings, "database", false, xasprintf("%s is no database: it was damaged or overwritten", database),
		    "put it aside, with its -wal file, and restore a copy; without one jobd begins anew");
	return good;
}

/* The daemon beside us looks into it, where that does not take long. */
static void
database_check(struct cJSON *findings, const char *state, const char *database)
{
	char *program = program_beside("jobd"), *command, *says;
	int status = 0;

	if (program && is_plain(program) && is_plain(state) && access(program, X_OK) == 0 && access(database, R_OK) == 0) {
		command = xasprintf("%s --check-database --state-dir %s", program, state);
		says = command_says(command, &status);
		if (says && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILED)
			found(findings, "database", false, xasprintf("the database cannot be used: %s", says), NULL);
		free(says);
		free(command);
	}
	free(program);
}

/* A daemon that cannot read and write its state ends at its start. */
static void
state_check(struct cJSON *findings, const char *path)
{
	static const char *const endings[] = { "", "-wal", "-shm" };
	char *state = state_find(path);
	struct stat st;

	if (!state)
		return;
	if (stat(state, &st) == 0) {
		char *database = xasprintf("%s/jobd.db", state);

		disk_check(findings, state);
		for (size_t i = 0; i < 3; i++) {
			char *file = xasprintf("%s%s", database, endings[i]);

			file_check(findings, file, &st);
			free(file);
		}
		if (header_check(findings, database))
			database_check(findings, state, database);
		free(database);
	} else if (is_system(path) && errno == ENOENT) {
		found(findings, "state", true, xasprintf("there is no %s yet: jobd.service makes it when it is first started",
		    state), NULL);
	}
	free(state);
}

/* Of the service; a runner that jobd starts itself is its own concern. */
void
runner_check(struct cJSON *findings, const char *path)
{
	char *daemon = is_system(path) ? unit_says("-P LoadState", "jobd-runner.service") : NULL;
	int r = daemon && strcmp(daemon, "loaded") == 0 ? socket_try(SYSTEM_RUNNER) : 0;

	if (r == -ENOENT || r == -ECONNREFUSED)
		found(findings, "runner", false, xstrdup("jobd-runner.service does not run: commands wait for it"),
		    "systemctl start jobd-runner; journalctl -u jobd-runner tells why it ended");
	else if (r == -EAGAIN)
		found(findings, "runner", false, xstrdup("jobd-runner.service takes no connection: it is stopped, or hangs"),
		    "systemctl status jobd-runner; to restart it ends the commands that run");
	free(daemon);
}

void
installation_check(struct cJSON *findings, const char *path)
{
	if (is_system(path) && !getgrnam(SYSTEM_GROUP))
		found(findings, "group", false, xstrdup("there is no group " SYSTEM_GROUP), "systemd-sysusers, as root");
	if (is_system(path))
		service_check(findings);
	config_check(findings, path);
	state_check(findings, path);
}

/* ---- the host ---- */

void
host_check(struct cJSON *findings)
{
	struct timex t = { .modes = 0 };

	if (time(NULL) < CLOCK_LEAST)
		found(findings, "clock", false, xstrdup("the clock of this host was never set"),
		    "timedatectl set-ntp true, or date --set");
	else if (adjtimex(&t) == TIME_ERROR)
		found(findings, "clock", true, xstrdup("the clock of this host is not synchronised: schedules follow it,"
		    " wherever it goes"), "timedatectl set-ntp true, or install chrony");
	if (access("/usr/share/zoneinfo/UTC", R_OK) < 0)
		found(findings, "zones", false, xstrdup("there are no time zones in /usr/share/zoneinfo"),
		    "install tzdata: jobs with a zone are refused without");
}
