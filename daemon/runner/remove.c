/*
 * remove: output that nobody wants any more: of whole jobs, or of runs of one; in slices, by the
 * thread of the disk.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/runner/logs.h"
#include "proto/json.h"
#include "proto/mem.h"

/* Files looked at in one op. */
#define REMOVE_BATCH	64
#define ID_MAX		((int64_t)1 << 53)

const struct field remove_fields[] = {
	{ .name = "jobs", .type = FIELD_JSON, .offset = offsetof(struct remove_in, jobs),
	  .flags = FIELD_REQUIRED },
	{ .type = FIELD_END },
};

const struct field remove_runs_fields[] = {
	{ .name = "job", .type = FIELD_INT, .offset = offsetof(struct remove_in, job),
	  .flags = FIELD_REQUIRED, .min = 1, .max = ID_MAX },
	{ .name = "runs", .type = FIELD_JSON, .offset = offsetof(struct remove_in, runs),
	  .flags = FIELD_REQUIRED },
	{ .type = FIELD_END },
};

/* ---- on the thread ---- */

static void
open_folder(struct remove_call *f)
{
	char name[24];
	int fd;

	(void)snprintf(name, sizeof(name), "%" PRId64, f->job);
	fd = openat(f->output_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	f->folder = fd >= 0 ? fdopendir(fd) : NULL;
	if (fd >= 0 && f->folder == NULL)
		close(fd);
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* RUN.ATTEMPT.log: of a run that is to go? */
static bool
is_wanted(const struct remove_call *f, const char *name)
{
	char *end;
	int64_t run = strtoll(name, &end, 10);

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	return f->whole || (*end == '.' &&
	    bsearch(&run, f->ids, f->n, sizeof(*f->ids), compare) != NULL);
}

/* Some files of the present folder; without one, the next one's. */
static void
work(struct disk_op *op)
{
	struct remove_call *f = container_of(op, struct remove_call, op);
	struct dirent *d;
	char name[24];

	if (f->folder == NULL) {
		if (f->whole)
			f->job = f->ids[f->next++];
		else
			f->next = f->n;
		open_folder(f);
	}
	for (int i = 0; f->folder != NULL && i < REMOVE_BATCH; i++) {
		d = readdir(f->folder);
		if (d != NULL) {
			if (is_wanted(f, d->d_name))
				(void)unlinkat(dirfd(f->folder), d->d_name, 0);
			continue;
		}
		closedir(f->folder);
		f->folder = NULL;
		/* Not empty when a command of it still writes: the next Remove has it. */
		(void)snprintf(name, sizeof(name), "%" PRId64, f->job);
		(void)unlinkat(f->output_fd, name, AT_REMOVEDIR);
	}
}

/* ---- the calls ---- */

/* An array of ids, sorted.  False: it is none. */
static bool
read_ids(struct remove_call *f, const struct cJSON *list)
{
	char *text = json_print(list), *end;
	bool good = text[0] == '[';

	free(text);
	f->ids = xcalloc(json_count(list) + 1, sizeof(*f->ids));
	for (const struct cJSON *c = good ? json_first(list) : NULL; c != NULL && good;
	    c = json_next(c)) {
		text = json_print(c);
		f->ids[f->n] = strtoll(text, &end, 10);
		good = *end == '\0' && f->ids[f->n] >= 1;
		f->n++;
		free(text);
	}
	qsort(f->ids, f->n, sizeof(*f->ids), compare);
	return good;
}

static bool
begin(struct remove_call *f)
{
	const struct remove_in *in = f->call.in;
	const struct runner *r = call_context(&f->call);

	f->output_fd = r->output_fd;
	f->whole = in->jobs != NULL;
	f->job = in->job;
	if (read_ids(f, f->whole ? in->jobs : in->runs))
		return true;
	call_fail(&f->call, JOBD_INVALID_PARAMETER, f->whole ? "jobs" : "runs", NULL);
	return false;
}

static enum task_status
remove_step(struct task *t)
{
	struct remove_call *f = container_of(t, struct remove_call, call.task);
	struct runner *r = call_context(&f->call);

	TASK_BEGIN(t);

	if (!begin(f))
		goto out;
	while (f->next < f->n || f->folder != NULL) {
		disk_submit(&r->disk, DISK_OUTPUT, &f->op, work, t);
		AWAIT_SHIELDED(t, USEC_NEVER, !f->op.lent);
	}
	call_reply(&f->call, NULL);
out:
	free(f->ids);
	f->ids = NULL;
	TASK_END(t, 0);
}

const struct task_kind remove_kind = {
	.name = "Remove", .step = remove_step, .release = call_release,
};

const struct task_kind remove_runs_kind = {
	.name = "RemoveRuns", .step = remove_step, .release = call_release,
};
