/*
 * output: see output.h.  A step takes what both streams hold, at most OUTPUT_READ_MAX of each,
 * makes lines of it and writes them with one write(2), to the page cache; then others run.
 */
#include "daemon/runner/output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/fault.h"
#include "daemon/base/log.h"
#include "daemon/engine/loop.h"
#include "daemon/runner/runner.h"
#include "proto/json.h"
#include "proto/types.h"

void
output_path(char path[OUTPUT_PATH_MAX], int64_t job, int64_t run, int64_t attempt)
{
	(void)snprintf(path, OUTPUT_PATH_MAX, "%" PRId64 "/%" PRId64 ".%" PRId64 ".log", job, run,
	    attempt);
}

/* ---- the file ---- */

/* The file is made with the first line: a silent command costs none. */
static int
open_file(struct output *o)
{
	const struct attempt *a = o->attempt;
	char path[OUTPUT_PATH_MAX], folder[24];

	if (o->file >= 0)
		return 0;
	(void)snprintf(folder, sizeof(folder), "%" PRId64, a->exit.job);
	output_path(path, a->exit.job, a->exit.run, a->exit.attempt);
	if (mkdirat(a->runner->output_fd, folder, 0700) < 0 && errno != EEXIST)
		return -errno;
	o->file = openat(a->runner->output_fd, path,
	    O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	return o->file < 0 ? -errno : 0;
}

/* Write the block, whole or not at all.  0 or -errno. */
static int
write_block(struct output *o)
{
	size_t n = buf_len(&o->block);
	ssize_t w;
	int r = open_file(o);

	if (r < 0)
		return r;
	do
		w = write(o->file, buf_bytes(&o->block), n);
	while (w < 0 && errno == EINTR);
	if (w == (ssize_t)n) {
		o->size += w;
		return 0;
	}
	r = w < 0 ? -errno : -ENOSPC;
	/* No half line. */
	if (w > 0 && ftruncate(o->file, o->size) < 0)
		r = -errno;
	return r;
}

static void
flush(struct output *o, int64_t kept_before)
{
	const struct runner_exit *e = &o->attempt->exit;
	int r;

	if (buf_len(&o->block) == 0)
		return;
	fault_point(FAULT_OUTPUT_BEFORE_WRITE);
	r = write_block(o);
	fault_point(FAULT_OUTPUT_AFTER_WRITE);
	if (r < 0) {
		if (!o->failed)
			log_warning("output cannot be written, dropping it run=%" PRId64 ".%" PRId64
			    " error=%s", e->job, e->run, strerror(-r));
		o->failed = true;
		o->dropped[OUTPUT_STDOUT] += o->kept - kept_before;
		o->kept = kept_before;
	}
	buf_reset(&o->block);
	if (r == 0)
		runner_tell(o->attempt->runner, o->attempt);
}

/* ---- lines ---- */

static void
put_line(struct output *o, const char *prefix, const char *text, size_t n)
{
	buf_puts(&o->block, prefix);
	buf_append(&o->block, text, n);
	buf_append(&o->block, "\n", 1);
}

/* The two beginnings of lines at this instant: whole, and partial. */
struct prefixes {
	char	whole[WHEN_TEXT_MAX + 12], part[WHEN_TEXT_MAX + 12];
};

static void
prefixes_make(struct prefixes *p, instant at, int stream)
{
	char time[WHEN_TEXT_MAX];

	instant_print(at, time);
	(void)snprintf(p->whole, sizeof(p->whole), "%s %s F ", time, output_stream_names[stream]);
	(void)snprintf(p->part, sizeof(p->part), "%s %s P ", time, output_stream_names[stream]);
}

static void
take_line(struct output *o, int stream, const char *prefix, const char *text, size_t n, bool whole)
{
	int64_t bytes = (int64_t)n + whole;
	int64_t file = o->size + (int64_t)buf_len(&o->block) + (int64_t)n + OUTPUT_OVERHEAD;

	if (o->cut || o->kept + bytes > o->max ||
	    file / OUTPUT_FILE_FACTOR > o->max + OUTPUT_OVERHEAD) {
		o->cut = true;
		o->dropped[stream] += bytes;
		return;
	}
	o->kept += bytes;
	put_line(o, prefix, text, n);
}

/* How much of a line that is too long goes into its next part; no character is cut in two. */
static size_t
part_length(const char *text)
{
	size_t n = OUTPUT_LINE_MAX;

	while (n > OUTPUT_LINE_MAX - 4 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return ((unsigned char)text[n] & 0xc0) == 0x80 ? OUTPUT_LINE_MAX : n;
}

/* Take the lines that a stream holds; at its end, what is left. */
static void
take_stream(struct output *o, int i, instant now)
{
	struct stream *s = &o->streams[i];
	const char *at = buf_bytes(&s->in), *end = at + buf_len(&s->in), *newline;
	bool over = s->eof || s->error != 0 || o->stop;
	struct prefixes p;
	size_t n;

	prefixes_make(&p, now, i);
	while (at < end) {
		newline = memchr(at, '\n', (size_t)(end - at));
		n = (size_t)((newline != NULL ? newline : end) - at);
		if (n > OUTPUT_LINE_MAX) {
			n = part_length(at);
			take_line(o, i, p.part, at, n, false);
			at += n;
			continue;
		}
		if (newline == NULL && !over)
			break;
		take_line(o, i, newline != NULL ? p.whole : p.part, at, n, newline != NULL);
		at += n + (newline != NULL);
	}
	if (buf_len(&s->in) > 0)
		buf_consume(&s->in, buf_len(&s->in) - (size_t)(end - at));
	o->looked[i] = buf_len(&s->in);
	o->ended[i] = over;
}

static bool
has_news(const struct output *o)
{
	for (int i = 0; i < OUTPUT_COUNT; i++) {
		if (o->ended[i])
			continue;
		if (o->streams[i].eof || o->streams[i].error != 0 || o->stop ||
		    buf_len(&o->streams[i].in) > o->looked[i])
			return true;
	}
	return false;
}

static void
take(struct output *o)
{
	instant now = loop_wall(o->task.loop);
	int64_t kept = o->kept;

	for (int i = 0; i < OUTPUT_COUNT; i++) {
		if (o->ended[i])
			continue;
		if (!instant_is_set(o->first) && buf_len(&o->streams[i].in) > 0)
			o->first = now;
		take_stream(o, i, now);
	}
	flush(o, kept);
	for (int i = 0; i < OUTPUT_COUNT; i++) {
		if (!o->ended[i])
			stream_read_on(&o->streams[i]);
	}
}

/* The cut is visible. */
static void
tell_of_drops(struct output *o)
{
	struct prefixes p;
	char text[64];
	int n;

	for (int i = 0; i < OUTPUT_COUNT; i++) {
		if (o->dropped[i] == 0)
			continue;
		prefixes_make(&p, loop_wall(o->task.loop), i);
		n = snprintf(text, sizeof(text), "... %" PRId64 " bytes of output dropped",
		    o->dropped[i]);
		put_line(o, p.whole, text, (size_t)n);
	}
	flush(o, o->kept);
}

static enum task_status
output_step(struct task *t)
{
	struct output *o = container_of(t, struct output, task);

	TASK_BEGIN(t);

	/* Shielded: the attempt ends us, after the command has gone. */
	while (!o->ended[OUTPUT_STDOUT] || !o->ended[OUTPUT_STDERR]) {
		AWAIT_SHIELDED(t, USEC_NEVER, has_news(o));
		take(o);
		TASK_YIELD(t);
	}
	tell_of_drops(o);
	for (int i = 0; i < OUTPUT_COUNT; i++)
		stream_stop(&o->streams[i]);
	if (o->file >= 0)
		close(o->file);
	o->file = -1;
	buf_done(&o->block);
	TASK_END(t, 0);
}

static void
output_describe(const struct task *t, char *out, size_t n)
{
	(void)t;
	(void)snprintf(out, n, "output");
}

static const struct task_kind output_kind = {
	.name = "output",
	.step = output_step,
	.describe = output_describe,
};

void
output_start(struct output *o, struct attempt *a, const int fds[OUTPUT_COUNT], int64_t max)
{
	int r;

	*o = (struct output){ .attempt = a, .max = max, .file = -1 };
	for (int i = 0; i < OUTPUT_COUNT; i++) {
		r = stream_start(&o->streams[i], a->task.loop, fds[i], OUTPUT_READ_MAX, &o->task);
		if (r == 0)
			continue;
		log_warning("output cannot be read, going on without run=%" PRId64 ".%" PRId64
		    " error=%s", a->exit.job, a->exit.run, strerror(-r));
		o->ended[i] = true;
	}
	task_start(&o->task, &output_kind, &a->task);
}

void
output_stop(struct output *o)
{
	o->stop = true;
	task_wake(&o->task);
}

/* ---- across an execution ---- */

struct cJSON *
output_save(const struct output *o)
{
	struct cJSON *saved = json_object(), *list = json_array(), *one;
	char first[WHEN_TEXT_MAX], *bytes;

	for (int i = 0; i < OUTPUT_COUNT; i++) {
		const struct stream *s = &o->streams[i];

		one = json_object();
		json_set_int(one, "fd", !o->ended[i] ? s->watch.fd : -1);
		bytes = base64_encode(buf_bytes(&s->in), buf_len(&s->in));
		json_set_string(one, "bytes", bytes);
		free(bytes);
		/* What was told of is not told again. */
		json_set_int(one, "dropped", task_done(&o->task) ? 0 : o->dropped[i]);
		json_push(list, one);
	}
	json_set(saved, "streams", list);
	json_set_bool(saved, "cut", o->cut);
	json_set_bool(saved, "failed", o->failed);
	json_set_int(saved, "max", o->max);
	json_set_int(saved, "kept", o->kept);
	json_set_int(saved, "size", o->size);
	json_set_string(saved, "first", instant_print(o->first, first));
	return saved;
}

/* On with the file, which is there when anything was written. */
static void
open_again(struct output *o)
{
	const struct attempt *a = o->attempt;
	char path[OUTPUT_PATH_MAX];

	if (o->size == 0)
		return;
	output_path(path, a->exit.job, a->exit.run, a->exit.attempt);
	o->file = openat(a->runner->output_fd, path,
	    O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
}

static void
stream_resume_one(struct output *o, int i, const struct cJSON *saved)
{
	int fd = (int)json_get_int(saved, "fd", -1);
	void *bytes = NULL;
	size_t n = 0;

	o->dropped[i] = json_get_int(saved, "dropped", 0);
	o->ended[i] = fd < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
	    stream_start(&o->streams[i], o->attempt->task.loop, fd, OUTPUT_READ_MAX, &o->task) < 0;
	if (!o->ended[i] &&
	    base64_decode(json_get_string(saved, "bytes"), &bytes, &n) == 0)
		buf_append(&o->streams[i].in, bytes, n);
	free(bytes);
}

void
output_resume(struct output *o, struct attempt *a, const struct cJSON *saved)
{
	const struct cJSON *one = json_first(json_get(saved, "streams"));
	const char *first = json_get_string(saved, "first");

	*o = (struct output){
		.attempt = a,
		.file = -1,
		.cut = json_get_bool(saved, "cut", 0),
		.failed = json_get_bool(saved, "failed", 0),
		.max = json_get_int(saved, "max", OUTPUT_BYTES_MAX_DEFAULT),
		.kept = json_get_int(saved, "kept", 0),
		.size = json_get_int(saved, "size", 0),
	};
	if (first == NULL || instant_parse(first, &o->first) < 0)
		o->first = (instant){ 0 };
	open_again(o);
	for (int i = 0; i < OUTPUT_COUNT; i++) {
		stream_resume_one(o, i, one);
		one = one != NULL ? json_next(one) : NULL;
	}
	task_start(&o->task, &output_kind, &a->task);
}
