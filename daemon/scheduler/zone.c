/*
 * zone: see zone.h.  All of time is a row of segments in which nothing changes: those of the
 * file's table, found by a binary search, and from its last entry on those of the rule
 * (zone-rule.c).  Each question is a walk over a segment or a few, so that table and rule
 * cannot be told apart by an answer, and no time is too far.
 *
 * A wall second is not turned into an instant by guessing an offset: all segments that could
 * hold it are looked at, which is right for shifts of 30 minutes or a day and for changes that
 * follow each other closely.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/must.h"
#include "daemon/scheduler/zone-internal.h"
#include "proto/mem.h"

#define DIRECTORY	"/usr/share/zoneinfo"

static int64_t
within_reach(int64_t t)
{
	return t > ZONE_REACH ? ZONE_REACH : t < -ZONE_REACH ? -ZONE_REACH : t;
}

static struct zone_segment
table_at(const struct zone *z, int64_t utc)
{
	size_t low = 0, high = z->n, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (z->at[middle] <= utc)
			low = middle + 1;
		else
			high = middle;
	}
	return (struct zone_segment){
		.start = low > 0 ? z->at[low - 1] : ZONE_EVER,
		.end = low < z->n ? z->at[low] : ZONE_NEVER,
		.offset = &z->types[low > 0 ? z->type[low - 1] : 0],
	};
}

/* The segment of an instant within reach. */
static struct zone_segment
segment_at(const struct zone *z, int64_t utc)
{
	struct zone_segment s;

	if (!z->has_rule || (z->n > 0 && utc < z->at[z->n - 1]))
		return table_at(z, utc);
	s = zone_rule_at(&z->rule, utc);
	if (z->n > 0 && s.start < z->at[z->n - 1])
		s.start = z->at[z->n - 1];
	return s;
}

struct zone_offset
zone_offset_at(const struct zone *z, int64_t utc)
{
	return *segment_at(z, within_reach(utc)).offset;
}

bool
zone_next_change(const struct zone *z, int64_t utc, struct zone_change *ret)
{
	struct zone_segment s = segment_at(z, within_reach(utc)), next;

	/* The table is finite, and in a rule that is not steady each segment is a change. */
	while (s.end <= ZONE_REACH && !s.steady) {
		next = segment_at(z, s.end);
		if (next.offset->east != s.offset->east) {
			*ret = (struct zone_change){ s.end, s.offset->east, next.offset->east };
			return true;
		}
		s = next;
	}
	return false;
}

bool
zone_last_change(const struct zone *z, int64_t utc, struct zone_change *ret)
{
	struct zone_segment s = segment_at(z, within_reach(utc)), last;

	/* A steady rule is passed over at once: what is before it is in the table. */
	if (s.steady)
		s.start = z->n > 0 ? z->at[z->n - 1] : ZONE_EVER;
	while (s.start > -ZONE_REACH) {
		last = segment_at(z, s.start - 1);
		if (last.offset->east != s.offset->east) {
			*ret = (struct zone_change){ s.start, last.offset->east, s.offset->east };
			return true;
		}
		s = last;
	}
	return false;
}

enum zone_wall
zone_of_wall(const struct zone *z, int64_t wall, int64_t *ret_first, int64_t *ret_last)
{
	int64_t w = within_reach(wall), gap = 0, first = 0, last = 0, t;
	struct zone_segment s = segment_at(z, w - ZONE_EAST_MAX), next;
	bool found = false, jumped = false;

	/* Beyond these bounds every clock is behind the wall second, or past it. */
	for (;; s = next) {
		t = w - s.offset->east;
		if (t >= s.start && t < s.end) {
			first = found ? first : t;
			last = t;
			found = true;
		}
		if (s.end > w + ZONE_EAST_MAX)
			break;
		next = segment_at(z, s.end);
		if (!jumped && t >= s.end && w - next.offset->east < s.end) {
			jumped = true;
			gap = s.end;
		}
	}
	MUST(found || jumped);
	*ret_first = found ? first : gap;
	*ret_last = found ? last : gap;
	return !found ? ZONE_GAP : first == last ? ZONE_ONCE : ZONE_FOLD;
}

static struct zone *
zone_utc(void)
{
	struct zone *z = xcalloc(1, sizeof(*z));

	z->name = xstrdup("UTC");
	z->abbreviations = xstrdup("UTC");
	z->types = xcalloc(1, sizeof(*z->types));
	z->types[0].abbreviation = z->abbreviations;
	return z;
}

/* The whole of a file, to a buffer of one byte more than it may have. */
static int
read_all(int fd, char *bytes, size_t *ret_n)
{
	size_t n = 0;
	ssize_t r;

	do {
		r = read(fd, bytes + n, ZONE_FILE_MAX + 1 - n);
		if (r < 0 && errno != EINTR)
			return -errno;
		n += r > 0 ? (size_t)r : 0;
	} while (r != 0 && n <= ZONE_FILE_MAX);
	*ret_n = n;
	return n > ZONE_FILE_MAX ? -EFBIG : 0;
}

/* Opens only what is a file; a pipe of that name must not hold us. */
static int
open_file(const char *path, struct stat *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), r = 0;

	if (fd < 0)
		return errno == ENOTDIR ? -ENOENT : -errno;
	if (fstat(fd, ret) < 0)
		r = -errno;
	else if (!S_ISREG(ret->st_mode))
		r = -ENOENT;
	else if (ret->st_size > (off_t)ZONE_FILE_MAX)
		r = -EFBIG;
	if (r == 0)
		return fd;
	(void)close(fd);
	return r;
}

/* Takes the path. */
static int
load_file(char *path, const char *name, struct zone **ret, char error[ZONE_ERROR_MAX])
{
	char *bytes = NULL;
	struct stat st = { 0 };
	struct zone *z = NULL;
	size_t n = 0;
	int fd, r;

	error[0] = '\0';
	fd = r = open_file(path, &st);
	if (r < 0)
		goto out;
	bytes = xmalloc(ZONE_FILE_MAX + 1);
	r = read_all(fd, bytes, &n);
	(void)close(fd);
	if (r < 0)
		goto out;
	z = zone_parse(name, bytes, n, error);
	if (z == NULL) {
		r = -EBADMSG;
		goto out;
	}
	z->path = path;
	z->dev = st.st_dev;
	z->ino = st.st_ino;
	z->size = st.st_size;
	z->mtime = st.st_mtim;
	*ret = z;
	path = NULL;
out:
	free(bytes);
	free(path);
	return r;
}

struct zone *
zone_load(const char *directory, const char *name, char error[ZONE_ERROR_MAX])
{
	char why[ZONE_ERROR_MAX], printed[ZONE_NAME_MAX + 1];
	struct zone *z = NULL;
	int r = -EINVAL;

	if (strcmp(name, "UTC") == 0)
		return zone_utc();
	if (directory == NULL)
		directory = getenv("TZDIR");
	if (directory == NULL || directory[0] == '\0')
		directory = DIRECTORY;
	if (zone_name_valid(name))
		r = load_file(xasprintf("%s/%s", directory, name), name, &z, why);
	if (r >= 0)
		return z;
	zone_name_print(name, printed);
	if (r == -EINVAL || r == -ENOENT)
		zone_name_unknown(directory, name, error);
	else
		(void)snprintf(error, ZONE_ERROR_MAX, "zone \"%s\" cannot be read: %s", printed,
		    r == -EBADMSG ? why : strerror(-r));
	errno = -r;
	return NULL;
}

void
zone_free(struct zone *z)
{
	if (z == NULL)
		return;
	zone_rule_done(&z->rule);
	free(z->name);
	free(z->at);
	free(z->type);
	free(z->types);
	free(z->abbreviations);
	free(z->path);
	free(z);
}

const char *
zone_name(const struct zone *z)
{
	return z->name;
}

int
zone_stale(const struct zone *z)
{
	struct stat st;

	if (z->path == NULL)
		return 0;
	if (stat(z->path, &st) < 0)
		return -errno;
	return st.st_dev != z->dev || st.st_ino != z->ino || st.st_size != z->size ||
	    st.st_mtim.tv_sec != z->mtime.tv_sec || st.st_mtim.tv_nsec != z->mtime.tv_nsec;
}
