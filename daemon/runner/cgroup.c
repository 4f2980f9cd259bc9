/*
 * cgroup: see cgroup.h.  cgroup v2 only; each file is written with one write(2), as the kernel
 * wants it.
 */
#include "daemon/runner/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "daemon/engine/loop.h"
#include "daemon/runner/runner.h"
#include "proto/mem.h"

#define OURS		"runner"
#define RUN		"run-"
#define NAME_MAX_BYTES	96
#define TEXT_MAX	8192
#define TIDY_AGAIN	USEC_SEC
/* Groups that a run has made inside its own. */
#define DEPTH_MAX	16
/* The kernel counts processor time in periods of so long. */
#define PERIOD		(100 * USEC_MSEC)

struct cgroups {
	int	 fd;			/* of OURS's folder */
	char	*path;			/* as /proc/PID/cgroup tells it, without OURS */
	bool	 can[CGROUP_LIMIT_COUNT];
	bool	 untidy;		/* something could not be removed */
	usec_t	 tidied;
};

const char *const cgroup_limit_names[] = {
	[CGROUP_MEMORY] = "memory", [CGROUP_CPU] = "cpu", [CGROUP_TASKS] = "tasks",
	[CGROUP_LIMIT_COUNT] = NULL,
};

static const char *const controllers[] = {
	[CGROUP_MEMORY] = "memory", [CGROUP_CPU] = "cpu", [CGROUP_TASKS] = "pids",
};

/* ---- files ---- */

/* All of a small file, with a NUL behind it; false: it cannot be read. */
static bool
read_at(int folder, const char *path, char text[TEXT_MAX])
{
	int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0, total = 0;

	if (fd < 0)
		return false;
	while (total < TEXT_MAX - 1 &&
	    (n = read(fd, text + total, (size_t)(TEXT_MAX - 1 - total))) > 0)
		total += n;
	close(fd);
	text[total] = '\0';
	return n >= 0;
}

static int
write_at(int folder, const char *path, const char *text)
{
	int fd = openat(folder, path, O_WRONLY | O_CLOEXEC);
	ssize_t n;
	int e;

	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	e = n < 0 ? -errno : 0;
	close(fd);
	return e;
}

/* The number after a word at the beginning of a line, or -1. */
static int64_t
number_of(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = text; p != NULL && *p != '\0'; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, word, n) == 0 && p[n] == ' ')
			return strtoll(p + n + 1, NULL, 10);
		if (*p == '\0')
			break;
	}
	return -1;
}

static bool
has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = text; (p = strstr(p, word)) != NULL; p += n) {
		if ((p == text || p[-1] == ' ') && strchr(" \n", p[n]) != NULL)
			return true;
	}
	return false;
}

/* ---- is it ours ---- */

/* Where a process is: the line of cgroup v2, allocated; NULL: nowhere. */
static char *
place_of(const char *file)
{
	char text[TEXT_MAX], *line;

	if (!read_at(AT_FDCWD, file, text))
		return NULL;
	line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
	if (line == NULL)
		return NULL;
	line += line[0] == '\n' ? 4 : 3;
	line[strcspn(line, "\n")] = '\0';
	return xstrdup(line);
}

/* Where cgroup v2 is mounted, with all of our hierarchy; NULL: nowhere. */
static char *
mounted_at(void)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char *line = NULL, *found = NULL, root[4096], point[4096];
	size_t size = 0;

	while (f != NULL && found == NULL && getline(&line, &size, f) > 0) {
		if (strstr(line, " - cgroup2 ") == NULL)
			continue;
		if (sscanf(line, "%*s %*s %*s %4095s %4095s", root, point) == 2 &&
		    strcmp(root, "/") == 0)
			found = xstrdup(point);
	}
	free(line);
	if (f != NULL)
		(void)fclose(f);
	return found;
}

/* Does the group hold nobody but us? */
static bool
is_ours_alone(int folder)
{
	char text[TEXT_MAX], *p;

	if (!read_at(folder, "cgroup.procs", text))
		return false;
	for (p = text; *p != '\0'; p += strcspn(p, "\n"), p += *p == '\n') {
		if (strtol(p, NULL, 10) != getpid())
			return false;
	}
	return true;
}

/* Does no group below it, but those that we make, hold anybody? */
static bool
none_below(int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;
	bool none = d != NULL;
	char path[300], text[TEXT_MAX];

	while (none && (e = readdir(d)) != NULL) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.' ||
		    strncmp(e->d_name, RUN, strlen(RUN)) == 0)
			continue;
		if (strcmp(e->d_name, OURS) == 0) {
			fd = openat(folder, OURS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			none = fd >= 0 && is_ours_alone(fd);
			if (fd >= 0)
				close(fd);
			continue;
		}
		(void)snprintf(path, sizeof(path), "%s/cgroup.events", e->d_name);
		none = read_at(folder, path, text) && number_of(text, "populated") == 0;
	}
	if (d != NULL)
		closedir(d);
	return none;
}

/* Did systemd give it away?  Where there is no systemd nobody else makes groups in it. */
static bool
is_delegated(const char *path)
{
	char value[8];

	return access("/run/systemd/system", F_OK) != 0 ||
	    getxattr(path, "user.delegate", value, sizeof(value)) > 0 ||
	    getxattr(path, "trusted.delegate", value, sizeof(value)) > 0;
}

/* Open what we would have, and look at it.  A descriptor, or -1 with the reason. */
static int
open_ours(const char *path, bool delegated, const char **why)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*why = NULL;
	if (fd < 0)
		*why = "its cgroup cannot be opened";
	else if (faccessat(fd, ".", W_OK, AT_EACCESS) < 0 ||
	    faccessat(fd, "cgroup.procs", W_OK, AT_EACCESS) < 0 ||
	    faccessat(fd, "cgroup.subtree_control", W_OK, AT_EACCESS) < 0)
		*why = "its cgroup is not writable for it";
	else if (!is_ours_alone(fd) || !none_below(fd))
		*why = "its cgroup holds processes that are not its own";
	else if (!delegated && !is_delegated(path))
		*why = "its cgroup is not delegated to it (Delegate=yes)";
	if (*why == NULL)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Go into a group of our own, so that the one above can have others below it. */
static int
settle(struct cgroups *g)
{
	char text[TEXT_MAX], change[32];
	int e;

	if (mkdirat(g->fd, OURS, 0755) < 0 && errno != EEXIST)
		return -errno;
	e = write_at(g->fd, OURS "/cgroup.procs", "0");
	if (e < 0)
		return e;
	if (!read_at(g->fd, "cgroup.controllers", text))
		return -EIO;
	for (int i = 0; i < CGROUP_LIMIT_COUNT; i++) {
		(void)snprintf(change, sizeof(change), "+%s", controllers[i]);
		g->can[i] = has_word(text, controllers[i]) &&
		    write_at(g->fd, "cgroup.subtree_control", change) == 0;
	}
	return 0;
}

struct cgroups *
cgroups_new(bool delegated, const char **why)
{
	char *place = place_of("/proc/self/cgroup"), *mount = mounted_at(), *path = NULL, *last;
	struct cgroups *g = NULL;
	int fd = -1;

	*why = "there is no cgroup v2";
	if (place == NULL || mount == NULL)
		goto out;
	/* We may have been here before: executed anew, or put there by the service manager. */
	last = strrchr(place, '/');
	if (last != NULL && strcmp(last + 1, OURS) == 0)
		*last = '\0';
	if (place[0] == '/' && place[1] == '\0')
		place[0] = '\0';
	path = xasprintf("%s%s", mount, place);
	fd = open_ours(path, delegated, why);
	if (fd < 0)
		goto out;
	g = xcalloc(1, sizeof(*g));
	g->fd = fd;
	g->path = xstrdup(place);
	if (settle(g) < 0) {
		*why = "its cgroup cannot be divided";
		cgroups_free(g);
		g = NULL;
	}
out:
	free(place);
	free(mount);
	free(path);
	return g;
}

void
cgroups_free(struct cgroups *g)
{
	if (g == NULL)
		return;
	close(g->fd);
	free(g->path);
	free(g);
}

bool
cgroups_can(const struct cgroups *g, enum cgroup_limit limit)
{
	return g != NULL && g->can[limit];
}

/* ---- one by name ---- */

static void
name_of(const struct attempt *a, char name[NAME_MAX_BYTES], const char *file)
{
	(void)snprintf(name, NAME_MAX_BYTES, RUN "%" PRId64 ".%" PRId64 ".%" PRId64 "%s%s",
	    a->exit.job, a->exit.run, a->exit.attempt, file != NULL ? "/" : "",
	    file != NULL ? file : "");
}

static bool
is_populated(int folder, const char *name)
{
	char path[300], text[TEXT_MAX];

	(void)snprintf(path, sizeof(path), "%s/cgroup.events", name);
	return read_at(folder, path, text) && number_of(text, "populated") == 1;
}

/* Has it groups of its own? */
static bool
is_divided(int folder, const char *name)
{
	char path[300], text[TEXT_MAX];

	(void)snprintf(path, sizeof(path), "%s/cgroup.stat", name);
	return read_at(folder, path, text) && number_of(text, "nr_descendants") > 0;
}

/* The processes that it holds itself, each killed when asked to.  How many. */
static size_t
each_process(int folder, const char *name, bool end)
{
	char path[300], text[TEXT_MAX];
	size_t n = 0;
	long pid;

	(void)snprintf(path, sizeof(path), "%s/cgroup.procs", name);
	if (!read_at(folder, path, text))
		return 0;
	for (char *p = text; *p != '\0'; p += strcspn(p, "\n"), p += *p == '\n', n++) {
		pid = strtol(p, NULL, 10);
		/* Frozen, none of them can end and give its number to another. */
		if (end && pid > 1)
			(void)kill((pid_t)pid, SIGKILL);
	}
	return n;
}

static void
kill_named(int folder, const char *name)
{
	char path[300];

	(void)snprintf(path, sizeof(path), "%s/cgroup.kill", name);
	if (write_at(folder, path, "1") == 0)
		return;
	/* Before Linux 5.14. */
	(void)snprintf(path, sizeof(path), "%s/cgroup.freeze", name);
	(void)write_at(folder, path, "1");
	(void)each_process(folder, name, true);
	(void)write_at(folder, path, "0");
}

/* With those inside it.  0 or -errno. */
static int
remove_named(int folder, const char *name, int depth)
{
	struct dirent *e;
	DIR *d;
	int fd;

	if (unlinkat(folder, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (depth == DEPTH_MAX || (errno != EBUSY && errno != ENOTEMPTY))
		return -errno;
	if (!is_divided(folder, name))
		return -EBUSY;
	fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	d = fd >= 0 ? fdopendir(fd) : NULL;
	if (d == NULL && fd >= 0)
		close(fd);
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			(void)remove_named(fd, e->d_name, depth + 1);
	}
	if (d != NULL)
		closedir(d);
	return unlinkat(folder, name, AT_REMOVEDIR) == 0 ? 0 : -errno;
}

/* ---- all of them ---- */

/* Each group of a run: remove it when it is empty, kill what is in it when asked to.  How many stay. */
static size_t
each_run(struct cgroups *g, bool end)
{
	int fd = openat(g->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;
	size_t n = 0;

	if (d == NULL && fd >= 0)
		close(fd);
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strncmp(e->d_name, RUN, strlen(RUN)) != 0)
			continue;
		if (is_populated(g->fd, e->d_name)) {
			n++;
			if (end)
				kill_named(g->fd, e->d_name);
		} else if (end && remove_named(g->fd, e->d_name, 0) < 0) {
			g->untidy = true;
		}
	}
	if (d != NULL)
		closedir(d);
	return n;
}

size_t
cgroups_end_all(struct cgroups *g)
{
	return g != NULL ? each_run(g, true) : 0;
}

/* Of an attempt that goes on? */
static bool
is_in_use(const struct runner *r, const char *name)
{
	int64_t job, run, attempt;
	const struct attempt *a;

	if (sscanf(name, RUN "%" SCNd64 ".%" SCNd64 ".%" SCNd64, &job, &run, &attempt) != 3)
		return true;
	a = runner_find(r, job, run, attempt);
	return a != NULL && a->sequence == 0;
}

void
cgroups_tidy(struct runner *r)
{
	struct cgroups *g = r->cgroups;
	usec_t now = loop_now(r->loop);
	struct dirent *e;
	DIR *d;
	int fd;

	if (g == NULL || !g->untidy || now - g->tidied < TIDY_AGAIN)
		return;
	g->tidied = now;
	g->untidy = false;
	fd = openat(g->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd >= 0 ? fdopendir(fd) : NULL;
	if (d == NULL && fd >= 0)
		close(fd);
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strncmp(e->d_name, RUN, strlen(RUN)) == 0 && !is_in_use(r, e->d_name) &&
		    remove_named(g->fd, e->d_name, 0) < 0)
			g->untidy = true;
	}
	if (d != NULL)
		closedir(d);
}

/* ---- of one run ---- */

/* 0 or -errno, and what names the file. */
static int
set_limit(const struct cgroups *g, const struct attempt *a, const char *file, const char *value,
    const char **what)
{
	char name[NAME_MAX_BYTES];

	*what = file;
	name_of(a, name, file);
	return write_at(g->fd, name, value);
}

static int
set_limits(const struct cgroups *g, const struct attempt *a, const struct runner_start *s,
    const char **what)
{
	char value[64];
	int e = 0;

	if (s->memory_bytes_max > 0) {
		(void)snprintf(value, sizeof(value), "%" PRId64, s->memory_bytes_max);
		e = set_limit(g, a, "memory.max", value, what);
		/* Where there is swap; without it the limit would only move memory there. */
		(void)set_limit(g, a, "memory.swap.max", "0", what);
		/* All of it or nothing: half a run is of no use to anybody. */
		(void)set_limit(g, a, "memory.oom.group", "1", what);
		*what = "memory.max";
	}
	if (e == 0 && s->cpu_percent > 0) {
		(void)snprintf(value, sizeof(value), "%" PRId64 " %" PRId64,
		    s->cpu_percent * PERIOD / 100, PERIOD);
		e = set_limit(g, a, "cpu.max", value, what);
	}
	if (e == 0 && s->tasks_max > 0) {
		(void)snprintf(value, sizeof(value), "%" PRId64, s->tasks_max);
		e = set_limit(g, a, "pids.max", value, what);
	}
	return e;
}

int
cgroup_make(struct cgroups *g, const struct attempt *a, const struct runner_start *s,
    const char **what)
{
	char name[NAME_MAX_BYTES];
	int fd, e;

	*what = "its cgroup";
	name_of(a, name, NULL);
	/* Whatever our umask: programs look there for their limits. */
	if ((mkdirat(g->fd, name, 0755) < 0 && errno != EEXIST) || fchmodat(g->fd, name, 0755, 0) < 0)
		return -errno;
	e = set_limits(g, a, s, what);
	if (e < 0) {
		cgroup_remove(g, a);
		return e;
	}
	fd = openat(g->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

bool
cgroup_holds(const struct cgroups *g, const struct attempt *a)
{
	char name[NAME_MAX_BYTES];

	name_of(a, name, NULL);
	/* A process that has just ended counts for a moment, but is not listed. */
	return is_populated(g->fd, name) &&
	    (each_process(g->fd, name, false) > 0 || is_divided(g->fd, name));
}

void
cgroup_kill(const struct cgroups *g, const struct attempt *a)
{
	char name[NAME_MAX_BYTES];

	name_of(a, name, NULL);
	kill_named(g->fd, name);
}

int
cgroup_events(const struct cgroups *g, const struct attempt *a)
{
	char name[NAME_MAX_BYTES];
	int fd;

	name_of(a, name, "cgroup.events");
	fd = openat(g->fd, name, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void
cgroup_usage(const struct cgroups *g, const struct attempt *a, struct cgroup_usage *out)
{
	char name[NAME_MAX_BYTES], text[TEXT_MAX];
	int64_t n;

	*out = (struct cgroup_usage){ 0 };
	name_of(a, name, "cpu.stat");
	n = read_at(g->fd, name, text) ? number_of(text, "usage_usec") : 0;
	out->cpu = n > 0 ? n : 0;
	if (!g->can[CGROUP_MEMORY])
		return;
	name_of(a, name, "memory.peak");
	if (read_at(g->fd, name, text))
		out->memory_peak = strtoll(text, NULL, 10);
	name_of(a, name, "memory.events");
	out->oom = read_at(g->fd, name, text) && number_of(text, "oom_kill") > 0;
}

void
cgroup_remove(struct cgroups *g, const struct attempt *a)
{
	char name[NAME_MAX_BYTES];

	name_of(a, name, NULL);
	if (remove_named(g->fd, name, 0) < 0)
		g->untidy = true;
}

bool
cgroup_of(const struct cgroups *g, int pid, int64_t *job, int64_t *run, int64_t *attempt)
{
	char file[40], *place, *rest;
	size_t n = strlen(g->path);
	bool found;

	(void)snprintf(file, sizeof(file), "/proc/%d/cgroup", pid);
	place = place_of(file);
	if (place == NULL)
		return false;
	rest = place + n;
	found = strncmp(place, g->path, n) == 0 &&
	    sscanf(rest, "/" RUN "%" SCNd64 ".%" SCNd64 ".%" SCNd64, job, run, attempt) == 3;
	free(place);
	return found;
}
