/*
 * zone-name: what may name a zone, and what was meant by a name that names none.  Names come
 * from anyone who may add a job; so they are checked before a path is made of them, and a
 * suggestion only compares texts.
 *
 * The near names are looked for in the directory itself and not in its lists (zone1970.tab,
 * tzdata.zi): these lack the old names, or name zones that are not installed, and not every
 * system has them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/scheduler/zone-internal.h"

#define NEAR_MAX	3

/* The walk's limits; tzdata has 600 files, three directories deep. */
#define WALK_DEPTH_MAX	3
#define WALK_FILES_MAX	4096

struct near {
	const char	*wanted;
	unsigned	 files;		/* seen so far */
	unsigned	 n;
	unsigned	 far[NEAR_MAX];	/* ascending */
	char		 name[NEAR_MAX][ZONE_NAME_MAX + 1];
};

/* The first component of what lies in the directory but is no zone, or not in seconds of UTC. */
static bool
is_foreign(const char *name)
{
	static const char *const foreign[] = {
		"posixrules", "localtime", "posix", "right", "leapseconds", "+VERSION", "SECURITY",
	};
	size_t n = strcspn(name, "/");

	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (strlen(foreign[i]) == n && strncmp(foreign[i], name, n) == 0)
			return true;
	return false;
}

bool
zone_name_valid(const char *name)
{
	/* Without a dot there is no way up. */
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789_+-/";
	size_t n = strnlen(name, ZONE_NAME_MAX + 1);

	if (n == 0 || n > ZONE_NAME_MAX || strspn(name, allowed) != n)
		return false;
	if (name[0] == '/' || name[n - 1] == '/' || strstr(name, "//") != NULL)
		return false;
	return !is_foreign(name);
}

void
zone_name_print(const char *name, char out[ZONE_NAME_MAX + 1])
{
	size_t n = strnlen(name, ZONE_NAME_MAX);

	for (size_t i = 0; i < n; i++)
		out[i] = name[i] < ' ' || name[i] > '~' || name[i] == '"' ? '?' : name[i];
	out[n] = '\0';
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* How many letters must be put in, left out or replaced, large or small.  b is a name. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned row[ZONE_NAME_MAX + 1], corner, above, best;
	size_t n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		row[j] = (unsigned)j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		corner = row[0]++;
		for (size_t j = 0; j < n; j++) {
			above = row[j + 1];
			best = corner + (lower(a[i]) != lower(b[j]));
			if (above + 1 < best)
				best = above + 1;
			if (row[j] + 1 < best)
				best = row[j] + 1;
			corner = above;
			row[j + 1] = best;
		}
	}
	return row[n];
}

static const char *
last_component(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash != NULL ? slash + 1 : name;
}

/* A misspelt name; a city alone; a city on a wrong continent. */
static unsigned
how_far(const char *wanted, const char *name)
{
	unsigned far = distance(wanted, name), city;

	city = distance(wanted, last_component(name)) + 1;
	if (city < far)
		far = city;
	if (far > 2 && strcasecmp(last_component(wanted), last_component(name)) == 0)
		far = 2;
	return far;
}

static void
near_consider(struct near *near, const char *name)
{
	size_t length = strlen(near->wanted);
	unsigned far = how_far(near->wanted, name), i;

	/* Of a short name anything is near. */
	if (far > (length < 4 ? 0 : length < 12 ? length / 4 + 1 : 4))
		return;
	for (i = near->n; i > 0; i--)
		if (near->far[i - 1] < far ||
		    (near->far[i - 1] == far && strcmp(near->name[i - 1], name) < 0))
			break;
	if (i == NEAR_MAX)
		return;
	if (near->n < NEAR_MAX)
		near->n++;
	for (unsigned j = near->n - 1; j > i; j--) {
		near->far[j] = near->far[j - 1];
		memcpy(near->name[j], near->name[j - 1], sizeof(near->name[j]));
	}
	near->far[i] = far;
	memcpy(near->name[i], name, strlen(name) + 1);
}

static void near_walk(struct near *near, int fd, const char *prefix, int depth);

static void
near_entry(struct near *near, int fd, const char *name, int depth)
{
	const char *entry = last_component(name);
	struct stat st;
	int child;

	if (!zone_name_valid(name) || fstatat(fd, entry, &st, 0) < 0)
		return;
	if (S_ISREG(st.st_mode)) {
		near_consider(near, name);
	} else if (S_ISDIR(st.st_mode) && depth < WALK_DEPTH_MAX) {
		child = openat(fd, entry, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (child >= 0)
			near_walk(near, child, name, depth + 1);
	}
}

/* Takes the descriptor. */
static void
near_walk(struct near *near, int fd, const char *prefix, int depth)
{
	char name[ZONE_NAME_MAX + 2];
	struct dirent *entry;
	DIR *d = fdopendir(fd);
	int n;

	if (d == NULL) {
		(void)close(fd);
		return;
	}
	while (near->files < WALK_FILES_MAX && (entry = readdir(d)) != NULL) {
		near->files++;
		n = snprintf(name, sizeof(name), "%s%s%s", prefix, prefix[0] != '\0' ? "/" : "",
		    entry->d_name);
		/* A longer one was cut, and is no name. */
		if (n > 0 && n <= ZONE_NAME_MAX)
			near_entry(near, dirfd(d), name, depth);
	}
	(void)closedir(d);
}

void
zone_name_unknown(const char *directory, const char *name, char error[ZONE_ERROR_MAX])
{
	char wanted[ZONE_NAME_MAX + 1];
	struct near near = { .wanted = wanted };
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), n;

	zone_name_print(name, wanted);
	if (fd < 0) {
		(void)snprintf(error, ZONE_ERROR_MAX,
		    "unknown zone \"%s\": no zones are installed (tzdata): %s: %s", wanted,
		    directory, strerror(errno));
		return;
	}
	near_walk(&near, fd, "", 1);
	n = snprintf(error, ZONE_ERROR_MAX, "unknown zone \"%s\"", wanted);
	/* Beside a much nearer one the others were not meant. */
	for (unsigned i = 0; i < near.n && near.far[i] <= near.far[0] + 1; i++) {
		if (n >= 0 && n < ZONE_ERROR_MAX)
			n += snprintf(error + n, (size_t)(ZONE_ERROR_MAX - n), "%s%s",
			    i == 0 ? ": did you mean " :
			    i + 1 < near.n && near.far[i + 1] <= near.far[0] + 1 ? ", " : " or ",
			    near.name[i]);
	}
	if (near.n > 0 && n >= 0 && n < ZONE_ERROR_MAX - 1)
		(void)snprintf(error + n, (size_t)(ZONE_ERROR_MAX - n), "?");
}
