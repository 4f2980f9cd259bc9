/*
 * logs: see logs.h.  Nothing here reads more than a slice in one step, so a great file and a
 * slow reader cost the others nothing.
 */
#include "daemon/runner/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/engine/loop.h"
#include "proto/json.h"
#include "proto/mem.h"

/*
 * Read at a time, and so in a reply; a reply stays below MESSAGE_BYTES_MAX whatever is in it
 * (escapes cost six).
 */
#define SLICE		((size_t)64 * 1024)
#define SILENCE_MAX	(30 * USEC_SEC)
#define TAIL_MAX	((int64_t)1 << 40)
#define ID_MAX		((int64_t)1 << 53)
/* Attempts of a run that are looked for on disk when none is known. */
#define ATTEMPTS_LOOKED	64
/* Files removed in one step. */
#define REMOVE_BATCH	64
#define TIME_LENGTH	27
#define OFFSET_MAX	((int64_t)1 << 52)

const struct field logs_fields[] = {
	{ .name = "job", .type = FIELD_INT, .offset = offsetof(struct logs_in, job),
	  .flags = FIELD_REQUIRED, .min = 1, .max = ID_MAX },
	{ .name = "run", .type = FIELD_INT, .offset = offsetof(struct logs_in, run),
	  .flags = FIELD_REQUIRED, .min = 1, .max = ID_MAX },
	{ .name = "attempt", .type = FIELD_INT, .offset = offsetof(struct logs_in, attempt),
	  .max = ID_MAX },
	{ .name = "follow", .type = FIELD_BOOL, .offset = offsetof(struct logs_in, follow) },
	{ .name = "tail", .type = FIELD_INT, .offset = offsetof(struct logs_in, tail),
	  .flags = FIELD_ABSENT_MINUS_ONE, .max = TAIL_MAX },
	{ .name = "stream", .type = FIELD_ENUM, .offset = offsetof(struct logs_in, stream),
	  .flags = FIELD_ABSENT_MINUS_ONE, .names = output_stream_names },
	{ .name = "offset", .type = FIELD_INT, .offset = offsetof(struct logs_in, offset),
	  .max = OFFSET_MAX },
	{ .type = FIELD_END },
};

const struct field remove_runs_fields[] = {
	{ "job", FIELD_INT, offsetof(struct remove_runs_in, job), .flags = FIELD_REQUIRED,
	  .min = 1, .max = INT64_MAX },
	{ "runs", FIELD_JSON, offsetof(struct remove_runs_in, runs), .flags = FIELD_REQUIRED },
	{ .type = FIELD_END },
};

const struct field remove_fields[] = {
	{ .name = "jobs", .type = FIELD_JSON, .offset = offsetof(struct remove_in, jobs),
	  .flags = FIELD_REQUIRED },
	{ .type = FIELD_END },
};

/* ---- one line of the file ---- */

struct line {
	char		 at[TIME_LENGTH + 1];
	int		 stream;
	bool		 whole;
	const char	*text;
	size_t		 length;
};

/* A line without its newline.  False: it is none of ours. */
static bool
line_read(const char *p, size_t n, struct line *out)
{
	const char *stream = p + TIME_LENGTH + 1;

	if (n < OUTPUT_OVERHEAD - 1 || p[TIME_LENGTH] != ' ')
		return false;
	if (memcmp(stream, "stdout ", 7) == 0)
		out->stream = OUTPUT_STDOUT;
	else if (memcmp(stream, "stderr ", 7) == 0)
		out->stream = OUTPUT_STDERR;
	else
		return false;
	if ((stream[7] != 'F' && stream[7] != 'P') || stream[8] != ' ')
		return false;
	memcpy(out->at, p, TIME_LENGTH);
	out->at[TIME_LENGTH] = '\0';
	out->whole = stream[7] == 'F';
	out->text = stream + 9;
	out->length = n - (size_t)(out->text - p);
	return true;
}

static bool
wanted(const struct logs_in *in, const struct line *l)
{
	return in->stream < 0 || in->stream == l->stream;
}

/* As fields_write(output_chunk_fields) would: without a copy of every line. */
static struct cJSON *
chunk(const struct line *l)
{
	struct cJSON *c = json_object();
	char *text;

	json_set_string(c, "at", l->at);
	json_set_string(c, "stream", output_stream_names[l->stream]);
	if (utf8_valid(l->text, l->length)) {
		text = xstrndup(l->text, l->length);
		json_set_string(c, "data", text);
	} else {
		text = base64_encode(l->text, l->length);
		json_set_string(c, "dataBase64", text);
	}
	free(text);
	if (!l->whole)
		json_set_bool(c, "partial", 1);
	return c;
}

/* ---- the file ---- */

static void
open_file(struct logs_call *f)
{
	const struct runner *r = call_context(&f->call);
	const struct runner_attempt *of = &f->listener.of;
	char path[OUTPUT_PATH_MAX];

	if (f->file >= 0)
		return;
	output_path(path, of->job, of->run, of->attempt);
	f->file = openat(r->output_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

static off_t
file_size(const struct logs_call *f)
{
	struct stat st;

	return f->file >= 0 && fstat(f->file, &st) == 0 ? st.st_size : 0;
}

/* Which attempt?  The one asked for; else the latest that is known, or that has left a file. */
static int64_t
choose_attempt(const struct runner *r, const struct logs_in *in)
{
	const struct attempt *a = runner_find_latest(r, in->job, in->run);
	char path[OUTPUT_PATH_MAX];
	int64_t latest = 1;

	if (in->attempt > 0)
		return in->attempt;
	if (a != NULL)
		return a->exit.attempt;
	for (int64_t n = 1; n <= ATTEMPTS_LOOKED; n++) {
		output_path(path, in->job, in->run, n);
		if (faccessat(r->output_fd, path, F_OK, 0) == 0)
			latest = n;
	}
	return latest;
}

static bool
runs(const struct logs_call *f)
{
	const struct runner_attempt *of = &f->listener.of;
	const struct attempt *a =
	    runner_find(call_context(&f->call), of->job, of->run, of->attempt);

	return a != NULL && a->sequence == 0;
}

/* A slice from the offset on: the wanted lines become f->chunks. */
static void
read_slice(struct logs_call *f)
{
	const struct logs_in *in = f->call.in;
	const char *at, *end, *newline;
	struct line l;
	ssize_t n;
	char *bytes;

	f->moved = false;
	f->chunks = NULL;
	open_file(f);
	if (f->file < 0)
		return;
	bytes = xmalloc(SLICE);
	n = pread(f->file, bytes, SLICE, f->offset);
	end = bytes + (n > 0 ? n : 0);
	for (at = bytes; (newline = memchr(at, '\n', (size_t)(end - at))) != NULL;
	    at = newline + 1) {
		if (!line_read(at, (size_t)(newline - at), &l) || !wanted(in, &l))
			continue;
		if (f->chunks == NULL)
			f->chunks = json_array();
		json_push(f->chunks, chunk(&l));
	}
	/* No line is as long as that: somebody has been at the file. */
	if (at == bytes && n == (ssize_t)SLICE)
		at = end;
	f->moved = at > bytes;
	f->offset += at - bytes;
	free(bytes);
}

/*
 * One slice backwards from f->offset, which is the beginning of a line or the end, counting
 * lines; parts belong to the whole one after them.  True: the beginning of the tail is further up.
 */
static bool
seek_back(struct logs_call *f)
{
	const struct logs_in *in = f->call.in;
	size_t n = f->offset < (off_t)SLICE ? (size_t)f->offset : SLICE, end = n;
	off_t start = f->offset - (off_t)n;
	char *bytes = xmalloc(SLICE), *newline, *line;
	bool found = false;
	struct line l;

	if (pread(f->file, bytes, n, start) != (ssize_t)n)
		end = 0;
	while (end > 0 && !found) {
		newline = memrchr(bytes, '\n', end - 1);
		if (newline == NULL && start > 0)
			break;
		line = newline != NULL ? newline + 1 : bytes;
		if (line_read(line, end - 1 - (size_t)(line - bytes), &l) && wanted(in, &l)) {
			if (l.whole && f->lines == in->tail) {
				found = true;
				break;
			}
			f->lines += l.whole || f->lines == 0;
		}
		end = (size_t)(line - bytes);
	}
	/* As in read_slice(): no line is as long as that. */
	if (end == n && !found)
		end = 0;
	f->offset = start + (off_t)end;
	free(bytes);
	return !found && f->offset > 0;
}

/* ---- Logs ---- */

static bool
has_news(struct logs_call *f)
{
	open_file(f);
	return file_size(f) > f->offset || !runs(f);
}

static struct cJSON *
chunks_reply(struct logs_call *f)
{
	struct cJSON *reply = json_object();

	if (f->chunks != NULL) {
		json_set(reply, "chunks", f->chunks);
		/* By these who loses us can go on: we may be executed anew. */
		json_set_int(reply, "attempt", f->listener.of.attempt);
		json_set_int(reply, "offset", f->offset);
	}
	f->chunks = NULL;
	return reply;
}

static void
logs_begin(struct logs_call *f)
{
	const struct logs_in *in = f->call.in;
	struct runner *r = call_context(&f->call);

	f->file = -1;
	f->listener.of = (struct runner_attempt){ in->job, in->run, choose_attempt(r, in) };
	runner_listen(r, &f->listener, &f->call.task);
	open_file(f);
	if (in->tail >= 0)
		f->offset = file_size(f);
	if (in->offset > 0)
		f->offset = in->offset;
}

static enum task_status
logs_step(struct task *t)
{
	struct logs_call *f = container_of(t, struct logs_call, call.task);
	const struct logs_in *in = f->call.in;

	TASK_BEGIN(t);

	logs_begin(f);
	while (in->tail > 0 && in->offset == 0 && f->offset > 0 && seek_back(f))
		TASK_YIELD(t);
	for (;;) {
		/* Asked before reading: what it wrote before its end is in the file then. */
		f->over = !runs(f);
		read_slice(f);
		if (f->chunks != NULL) {
			if (!f->call.more)
				break;
			call_reply_more(&f->call, chunks_reply(f));
			AWAIT(t, call_can_write(&f->call));
			if (t->err != 0)
				goto out;
		}
		if (f->moved) {
			TASK_YIELD(t);
			continue;
		}
		if (f->over || !in->follow || !f->call.more)
			break;
		AWAIT_UNTIL(t, loop_now(t->loop) + SILENCE_MAX, has_news(f));
		if (t->err == -ECANCELED)
			goto out;
		if (t->err == -ETIMEDOUT)
			call_reply_more(&f->call, NULL);
	}
	call_reply(&f->call, chunks_reply(f));
out:
	runner_unlisten(call_context(&f->call), &f->listener);
	if (f->file >= 0)
		close(f->file);
	TASK_END(t, 0);
}

static void
logs_describe(const struct task *t, char *out, size_t n)
{
	const struct logs_call *f = (const void *)t;

	(void)snprintf(out, n, "output of %" PRId64 ".%" PRId64, f->listener.of.job,
	    f->listener.of.run);
}

const struct task_kind logs_kind = {
	.name = "Logs", .step = logs_step, .release = call_release, .describe = logs_describe,
};

/* ---- Remove ---- */

/* The n-th element as an id, or 0. */
static int64_t
job_at(const struct cJSON *jobs, size_t n)
{
	char *text = json_print(json_at(jobs, n)), *end;
	int64_t job = strtoll(text, &end, 10);

	if (*end != '\0' || job < 1)
		job = 0;
	free(text);
	return job;
}

static bool
jobs_good(const struct cJSON *jobs)
{
	char *text = json_print(jobs);
	bool good = text[0] == '[';

	free(text);
	for (size_t i = 0; good && i < json_count(jobs); i++)
		good = job_at(jobs, i) > 0;
	return good;
}

static void
open_folder(struct remove_call *f)
{
	const struct runner *r = call_context(&f->call);
	char name[24];
	int fd;

	(void)snprintf(name, sizeof(name), "%" PRId64, f->job);
	fd = openat(r->output_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	f->folder = fd >= 0 ? fdopendir(fd) : NULL;
	if (fd >= 0 && f->folder == NULL)
		close(fd);
}

/* Is it output of one of the runs wanted: RUN.ATTEMPT.log? */
static bool
is_wanted(const struct remove_call *f, const char *name)
{
	int64_t run;
	char *end;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	if (f->runs == NULL)
		return true;
	run = strtoll(name, &end, 10);
	if (*end != '.')
		return false;
	for (size_t i = 0; i < json_count(f->runs); i++) {
		if (job_at(f->runs, i) == run)
			return true;
	}
	return false;
}

/* Some files of the folder.  True: there are more. */
static bool
remove_some(struct remove_call *f)
{
	const struct runner *r = call_context(&f->call);
	struct dirent *d;
	char name[24];

	if (f->folder == NULL)
		return false;
	for (int i = 0; i < REMOVE_BATCH; i++) {
		d = readdir(f->folder);
		if (d == NULL) {
			closedir(f->folder);
			f->folder = NULL;
			/* Not empty when a command of it still writes: the next Remove has it. */
			(void)snprintf(name, sizeof(name), "%" PRId64, f->job);
			(void)unlinkat(r->output_fd, name, AT_REMOVEDIR);
			return false;
		}
		if (is_wanted(f, d->d_name))
			(void)unlinkat(dirfd(f->folder), d->d_name, 0);
	}
	return true;
}

static enum task_status
remove_step(struct task *t)
{
	struct remove_call *f = container_of(t, struct remove_call, call.task);
	const struct remove_in *in = f->call.in;

	TASK_BEGIN(t);

	f->good = jobs_good(in->jobs);
	while (f->good && f->next < json_count(in->jobs)) {
		f->job = job_at(in->jobs, f->next++);
		open_folder(f);
		while (remove_some(f))
			TASK_YIELD(t);
		TASK_YIELD(t);
	}
	if (f->good)
		call_reply(&f->call, NULL);
	else
		call_fail(&f->call, JOBD_INVALID_PARAMETER, "jobs", NULL);
	TASK_END(t, 0);
}

const struct task_kind remove_kind = {
	.name = "Remove", .step = remove_step, .release = call_release,
};

static enum task_status
remove_runs_step(struct task *t)
{
	struct remove_call *f = container_of(t, struct remove_call, call.task);
	const struct remove_runs_in *in = f->call.in;

	TASK_BEGIN(t);

	if (!jobs_good(in->runs)) {
		call_fail(&f->call, JOBD_INVALID_PARAMETER, "runs", NULL);
		goto out;
	}
	f->job = in->job;
	f->runs = in->runs;
	open_folder(f);
	while (remove_some(f))
		TASK_YIELD(t);
	call_reply(&f->call, NULL);
out:;
	TASK_END(t, 0);
}

const struct task_kind remove_runs_kind = {
	.name = "RemoveRuns", .step = remove_runs_step, .release = call_release,
};
