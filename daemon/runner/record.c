/*
 * record: exit records on disk, one small file each, DIR/exits/JOB.RUN.ATTEMPT.json, with the
 * fields of io.jobd.Runner's Exit.  Written beside its place and renamed, so that a file
 * is whole or not there.  Not synced: the death of a process loses nothing that way,
 * and what a power failure takes is told as lost.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/runner/runner.h"
#include "proto/json.h"
#include "proto/mem.h"

#define RECORD_NAME_MAX		80
#define RECORD_BYTES_MAX	((size_t)512 * 1024)
#define RECORD_END		".json"

static void
record_name(char name[RECORD_NAME_MAX], const struct runner_exit *e)
{
	(void)snprintf(name, RECORD_NAME_MAX, "%" PRId64 ".%" PRId64 ".%" PRId64 RECORD_END, e->job,
	    e->run, e->attempt);
}

static int
write_new(const struct runner *r, const char *name, const struct buf *bytes)
{
	ssize_t w;
	int fd, e = 0;

	fd = openat(r->exits_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	do
		w = write(fd, buf_bytes(bytes), buf_len(bytes));
	while (w < 0 && errno == EINTR);
	if (w != (ssize_t)buf_len(bytes))
		e = w < 0 ? -errno : -ENOSPC;
	if (close(fd) < 0 && e == 0)
		e = -errno;
	return e;
}

int
record_save(const struct runner *r, const struct runner_exit *e)
{
	static const char fresh[] = "new.tmp";	/* one thread: one at a time */
	struct cJSON *object = fields_write(runner_exit_fields, e);
	char name[RECORD_NAME_MAX];
	struct buf bytes = { 0 };
	int result;

	json_print_to(&bytes, object);
	json_free(object);
	record_name(name, e);
	result = write_new(r, fresh, &bytes);
	if (result == 0 && renameat(r->exits_fd, fresh, r->exits_fd, name) < 0)
		result = -errno;
	if (result < 0)
		(void)unlinkat(r->exits_fd, fresh, 0);
	buf_done(&bytes);
	return result;
}

void
record_remove(const struct runner *r, const struct runner_exit *e)
{
	char name[RECORD_NAME_MAX];

	record_name(name, e);
	/* It was perhaps never written. */
	if (unlinkat(r->exits_fd, name, 0) < 0 && errno != ENOENT)
		log_warning("a record cannot be removed, it will be told again name=%s error=%s",
		    name, strerror(errno));
}

static int
read_whole(int folder, const char *name, struct buf *out)
{
	ssize_t n;
	int fd, e = 0;

	fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	do {
		n = read(fd, buf_reserve(out, 4096), 4096);
		if (n > 0)
			buf_added(out, (size_t)n);
		else if (n < 0)
			e = -errno;
	} while (n > 0 && buf_len(out) < RECORD_BYTES_MAX);
	close(fd);
	return e;
}

/* One record.  NULL, or what is wrong with it. */
static const char *
record_load(struct runner *r, const char *name)
{
	struct field_error error = { 0 };
	struct buf bytes = { 0 };
	const char *why = NULL;
	struct cJSON *object = NULL;
	struct attempt *a;

	if (read_whole(r->exits_fd, name, &bytes) < 0) {
		why = "it cannot be read";
	} else {
		object = json_parse(buf_string(&bytes), buf_len(&bytes), &why);
	}
	buf_done(&bytes);
	if (object == NULL)
		return why;
	a = xcalloc(1, sizeof(*a));
	a->runner = r;
	if (fields_read_lax(object, runner_exit_fields, &a->exit, &error) != JOBD_OK ||
	    runner_find(r, a->exit.job, a->exit.run, a->exit.attempt) != NULL) {
		fields_done(runner_exit_fields, &a->exit);
		free(a);
		json_free(object);
		return "it is no exit record";
	}
	json_free(object);
	runner_add(r, a);
	runner_ended(r, a);
	return NULL;
}

int
record_load_all(struct runner *r)
{
	int fd = openat(r->exits_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *d;
	const char *why;
	size_t n;

	if (folder == NULL) {
		int e = -errno;

		if (fd >= 0)
			close(fd);
		return e;
	}
	while ((d = readdir(folder)) != NULL) {
		n = strlen(d->d_name);
		if (n <= strlen(RECORD_END) ||
		    strcmp(d->d_name + n - strlen(RECORD_END), RECORD_END) != 0)
			continue;
		why = record_load(r, d->d_name);
		if (why != NULL)
			log_warning("a record is of no use, passing over it name=%s why=\"%s\"",
			    d->d_name, why);
	}
	closedir(folder);
	return 0;
}
