/*
 * output: see output.h.
 */
#include "daemon/runner/output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/engine/loop.h"
#include "daemon/runner/runner.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "proto/types.h"

/* ---- a block under way ---- */

static void
work(struct disk_op *op)
{
	struct output_file *f = container_of(op, struct output_file, op);

	outfile_take(&f->file, &f->block);
}

static struct output_file *
file_of(struct output *o)
{
	const struct runner_exit *e = &o->attempt->exit;
	const struct runner_attempt of = { e->job, e->run, e->attempt };

	if (o->file != NULL)
		return o->file;
	o->file = xcalloc(1, sizeof(*o->file));
	outfile_init(&o->file->file, o->attempt->runner->output_fd, &of, o->max);
	return o->file;
}

/* Has a stream come to its end, with nothing left in it? */
static bool
is_over(const struct output *o, int i)
{
	return o->ended[i] || o->streams[i].eof || o->streams[i].error != 0 || o->stop;
}

static void
submit(struct output *o)
{
	struct runner *r = o->attempt->runner;
	struct output_file *f = file_of(o);

	f->block.at = loop_wall(o->task.loop);
	f->block.lost = o->lost;
	o->lost = o->lent = 0;
	for (int i = 0; i < OUTPUT_COUNT; i++) {
		f->block.over[i] = is_over(o, i);
		o->ended[i] |= f->block.over[i];
		f->block.in[i] = o->streams[i].in;
		o->streams[i].in = (struct buf){ 0 };
		o->lent += (int64_t)buf_len(&f->block.in[i]);
	}
	r->output_lent += o->lent;
	o->pending = true;
	disk_submit(&r->disk, DISK_OUTPUT, &f->op, work, &o->task);
	for (int i = 0; i < OUTPUT_COUNT; i++) {
		if (!o->ended[i])
			stream_read_on(&o->streams[i]);
	}
}

void
output_look_all(struct runner *r)
{
	struct attempt *a = NULL;
	size_t position = 0;

	while ((a = runner_next(r, a, &position)) != NULL) {
		if (a->sequence == 0)
			task_wake(&a->output.task);
	}
}

/* The block is back. */
static void
take_result(struct output *o)
{
	struct runner *r = o->attempt->runner;
	const struct runner_exit *e = &o->attempt->exit;
	bool was_full = r->output_lent >= OUTPUT_LENT_MAX;

	r->output_lent -= o->lent;
	o->lent = 0;
	o->pending = o->stalled = false;
	o->stalls_at = USEC_NEVER;
	o->kept = o->file->file.kept;
	o->blocks++;
	if (o->file->file.error != 0 && !o->failed) {
		log_warning("output cannot be written, dropping it job=%" PRId64 " run=%" PRId64
		    " error=%s", e->job, e->run, strerror(-o->file->file.error));
		o->failed = true;
	}
	runner_tell(r, o->attempt);
	if (was_full)
		output_look_all(r);
}

/* ---- what comes ---- */

static bool
has_bytes(const struct output *o)
{
	return buf_len(&o->streams[OUTPUT_STDOUT].in) + buf_len(&o->streams[OUTPUT_STDERR].in) > 0;
}

/* Bytes, or the end of a stream that has not been passed on. */
static bool
has_news(const struct output *o)
{
	for (int i = 0; i < OUTPUT_COUNT; i++) {
		if (!o->ended[i] && (is_over(o, i) || buf_len(&o->streams[i].in) > 0))
			return true;
	}
	return false;
}

static bool
all_ended(const struct output *o)
{
	return o->ended[OUTPUT_STDOUT] && o->ended[OUTPUT_STDERR];
}

static bool
has_room(const struct output *o)
{
	const struct runner *r = o->attempt->runner;

	return r->output_lent < OUTPUT_LENT_MAX && !r->disk.held;
}

/* Is there something to be done about it now? */
static bool
may_act(const struct output *o)
{
	if (o->pending && !o->file->op.lent)
		return true;
	if (o->stalled && has_bytes(o))
		return true;
	return !o->pending && has_news(o) && has_room(o);
}

static void
note_arrival(struct output *o)
{
	if (!has_bytes(o))
		return;
	o->last = loop_now(o->task.loop);
	if (!instant_is_set(o->first))
		o->first = loop_wall(o->task.loop);
}

/* The disk stands still: the command goes on, its output does not. */
static void
drop(struct output *o)
{
	for (int i = 0; i < OUTPUT_COUNT; i++) {
		o->lost += (int64_t)buf_len(&o->streams[i].in);
		buf_done(&o->streams[i].in);
		if (!o->ended[i])
			stream_read_on(&o->streams[i]);
	}
}

/* An end without bytes needs no block of its own; but the last one, when there is a file. */
static bool
take_ends(struct output *o)
{
	if (has_bytes(o) || o->lost > 0)
		return false;
	if (o->file != NULL && is_over(o, OUTPUT_STDOUT) && is_over(o, OUTPUT_STDERR))
		return false;
	for (int i = 0; i < OUTPUT_COUNT; i++)
		o->ended[i] |= is_over(o, i);
	return true;
}

static void
act(struct output *o)
{
	note_arrival(o);
	if (o->pending && !o->file->op.lent)
		take_result(o);
	/* Others had all the room: there is some again. */
	if (o->stalled && !o->pending && has_room(o))
		o->stalled = false;
	if (o->stalled)
		drop(o);
	else if (!o->pending && has_news(o) && has_room(o) && !take_ends(o))
		submit(o);
	if (o->pending || (has_news(o) && !has_room(o))) {
		if (o->stalls_at == USEC_NEVER)
			o->stalls_at = loop_now(o->task.loop) + OUTPUT_STALL_MAX;
	} else {
		o->stalls_at = USEC_NEVER;
	}
}

static void
finish(struct output *o)
{
	for (int i = 0; i < OUTPUT_COUNT; i++)
		stream_stop(&o->streams[i]);
	if (o->file == NULL)
		return;
	outfile_done(&o->file->file);
	free(o->file);
	o->file = NULL;
}

static enum task_status
output_step(struct task *t)
{
	struct output *o = container_of(t, struct output, task);

	TASK_BEGIN(t);

	/* Shielded: the attempt ends us, after the command has gone. */
	while (!all_ended(o) || o->pending) {
		AWAIT_SHIELDED(t, o->stalled ? USEC_NEVER : o->stalls_at, may_act(o));
		o->stalled |= t->err == -ETIMEDOUT;
		act(o);
		TASK_YIELD(t);
	}
	finish(o);
	TASK_END(t, 0);
}

static void
output_describe(const struct task *t, char *out, size_t n)
{
	const struct output *o = container_of((const char *)t, const struct output, task);

	(void)snprintf(out, n, o->pending ? "the disk to take output" : "output");
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

	*o = (struct output){ .attempt = a, .max = max, .stalls_at = USEC_NEVER };
	o->last = loop_now(a->task.loop);
	for (int i = 0; i < OUTPUT_COUNT; i++) {
		r = stream_start(&o->streams[i], a->task.loop, fds[i], OUTPUT_READ_MAX, &o->task);
		if (r == 0)
			continue;
		log_warning("output cannot be read, going on without job=%" PRId64 " run=%" PRId64
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
	char first[WHEN_TEXT_MAX], last[24], *bytes;

	MUST(o->file == NULL || !o->file->op.lent);
	for (int i = 0; i < OUTPUT_COUNT; i++) {
		const struct stream *s = &o->streams[i];

		one = json_object();
		json_set_int(one, "fd", !o->ended[i] ? s->watch.fd : -1);
		bytes = base64_encode(buf_bytes(&s->in), buf_len(&s->in));
		json_set_string(one, "bytes", bytes);
		free(bytes);
		json_push(list, one);
	}
	json_set(saved, "streams", list);
	json_set_bool(saved, "failed", o->failed);
	json_set_int(saved, "max", o->max);
	json_set_int(saved, "kept", o->file != NULL ? o->file->file.kept : o->kept);
	json_set_int(saved, "lost", o->lost);
	json_set_string(saved, "first", instant_print(o->first, first));
	/* As text: a JSON number may not hold it. */
	(void)snprintf(last, sizeof(last), "%" PRId64, (int64_t)o->last);
	json_set_string(saved, "last", last);
	if (o->file != NULL)
		json_set(saved, "file", outfile_save(&o->file->file));
	return saved;
}

static void
stream_resume_one(struct output *o, int i, const struct cJSON *saved)
{
	int fd = (int)json_get_int(saved, "fd", -1);
	void *bytes = NULL;
	size_t n = 0;

	o->ended[i] = fd < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
	    stream_start(&o->streams[i], o->attempt->task.loop, fd, OUTPUT_READ_MAX, &o->task) < 0;
	if (!o->ended[i] && base64_decode(json_get_string(saved, "bytes"), &bytes, &n) == 0)
		buf_append(&o->streams[i].in, bytes, n);
	free(bytes);
}

void
output_resume(struct output *o, struct attempt *a, const struct cJSON *saved)
{
	const struct cJSON *one = json_first(json_get(saved, "streams"));
	const char *first = json_get_string(saved, "first"), *last = json_get_string(saved, "last");

	*o = (struct output){
		.attempt = a,
		.failed = json_get_bool(saved, "failed", 0),
		.max = json_get_int(saved, "max", OUTPUT_BYTES_MAX_DEFAULT),
		.kept = json_get_int(saved, "kept", 0),
		.lost = json_get_int(saved, "lost", 0),
		.stalls_at = USEC_NEVER,
		.last = last != NULL ? strtoll(last, NULL, 10) : loop_now(a->runner->loop),
	};
	if (first == NULL || instant_parse(first, &o->first) < 0)
		o->first = (instant){ 0 };
	if (json_get(saved, "file") != NULL)
		outfile_resume(&file_of(o)->file, json_get(saved, "file"));
	for (int i = 0; i < OUTPUT_COUNT; i++) {
		stream_resume_one(o, i, one);
		one = one != NULL ? json_next(one) : NULL;
	}
	task_start(&o->task, &output_kind, &a->task);
}
