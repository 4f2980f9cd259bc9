/*
 * progress: see progress.h.
 */
#include "daemon/runner/progress.h"

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

/* In memory; a longer line is passed over. */
#define LINE_MAX_BYTES	((size_t)4096)
/* Reads in one look: as much as a pipe holds. */
#define READS_MAX	32

/* At most so much of a text, no character cut in two. */
static char *
shorten(const char *text, size_t n)
{
	while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\r' || text[n - 1] == '\t'))
		n--;
	if (n > PROGRESS_TEXT_MAX) {
		n = PROGRESS_TEXT_MAX;
		while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
			n--;
	}
	return n > 0 && utf8_valid(text, n) ? xstrndup(text, n) : NULL;
}

bool
progress_parse(const char *line, size_t n, int64_t *percent, char **text)
{
	const char *p = line, *end = line + n;
	int64_t value = 0;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (p == end || *p < '0' || *p > '9')
		return false;
	for (; p < end && *p >= '0' && *p <= '9' && value <= 1000; p++)
		value = value * 10 + (*p - '0');
	/* "42.7%": the whole part will do. */
	if (p < end && *p == '.')
		for (p++; p < end && *p >= '0' && *p <= '9'; p++)
			;
	if (p < end && *p == '%')
		p++;
	if (value > 100 || (p < end && *p != ' ' && *p != '\t' && *p != '\r'))
		return false;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	*percent = value;
	*text = shorten(p, (size_t)(end - p));
	return true;
}

/* Take the lines that are there.  True: one of them reports. */
static bool
take_lines(struct progress *p)
{
	struct buf *in = &p->stream.in;
	const char *newline;
	bool news = false;
	char *text;
	size_t n;

	while (buf_len(in) > 0) {
		newline = memchr(buf_bytes(in), '\n', buf_len(in));
		if (newline == NULL && buf_len(in) < LINE_MAX_BYTES && !p->stream.eof)
			break;
		n = newline != NULL ? (size_t)(newline - buf_bytes(in)) : buf_len(in);
		if (progress_parse(buf_bytes(in), n, &p->latest.percent, &text)) {
			free(p->latest.text);
			p->latest.text = text;
			news = true;
		}
		buf_consume(in, n + (newline != NULL));
	}
	return news;
}

static void
look(struct progress *p)
{
	struct runner *r = p->attempt->runner;
	bool news = false;

	for (int i = 0; i < READS_MAX && buf_len(&p->stream.in) > 0; i++) {
		news |= take_lines(p);
		stream_read_on(&p->stream);
		if (buf_len(&p->stream.in) < LINE_MAX_BYTES)
			break;
	}
	news |= take_lines(p);
	if (buf_len(&p->stream.in) == 0)
		buf_done(&p->stream.in);
	if (!news)
		return;
	p->sequence = ++r->progress_sequence;
	runner_tell(r, NULL);
}

static bool
is_over(const struct progress *p)
{
	return buf_len(&p->stream.in) == 0 && (p->stream.eof || p->stream.error != 0);
}

static enum task_status
progress_step(struct task *t)
{
	struct progress *p = container_of(t, struct progress, task);

	TASK_BEGIN(t);

	for (;;) {
		AWAIT(t, buf_len(&p->stream.in) > 0 || is_over(p));
		if (t->err != 0 || is_over(p))
			break;
		look(p);
		SLEEP_UNTIL(t, loop_now(t->loop) + PROGRESS_PAUSE);
		if (t->err == -ECANCELED)
			break;
	}
	TASK_END(t, 0);
}

static void
progress_release(struct task *t)
{
	struct progress *p = container_of(t, struct progress, task);
	struct runner *r = p->attempt->runner;

	p->attempt->progress = NULL;
	if (p->next != NULL)
		p->next->prev = p->prev;
	if (p->prev != NULL)
		p->prev->next = p->next;
	else
		r->progresses = p->next;
	stream_stop(&p->stream);
	fields_done(runner_progress_fields, &p->latest);
	free(p);
}

static void
progress_describe(const struct task *t, char *out, size_t n)
{
	(void)t;
	(void)snprintf(out, n, "progress");
}

static const struct task_kind progress_kind = {
	.name = "progress",
	.step = progress_step,
	.release = progress_release,
	.describe = progress_describe,
};

void
progress_start(struct attempt *a, int fd)
{
	struct progress *p = xcalloc(1, sizeof(*p));
	struct runner *r = a->runner;
	int e = stream_start(&p->stream, a->task.loop, fd, LINE_MAX_BYTES, &p->task);

	if (e < 0) {
		log_warning("progress cannot be read, going on without job=%" PRId64 " run=%" PRId64
		    " error=%s", a->exit.job, a->exit.run, strerror(-e));
		free(p);
		return;
	}
	p->attempt = a;
	a->progress = p;
	p->latest = (struct runner_progress){ a->exit.job, a->exit.run, a->exit.attempt,
	    .percent = -1 };
	p->next = r->progresses;
	if (p->next != NULL)
		p->next->prev = p;
	r->progresses = p;
	task_start(&p->task, &progress_kind, &a->task);
}

/* ---- across an execution ---- */

struct cJSON *
progress_save(const struct progress *p)
{
	const struct buf *in = &p->stream.in;
	struct cJSON *saved = fields_write(runner_progress_fields, &p->latest);
	char *bytes = base64_encode(buf_bytes(in), buf_len(in));

	json_set_int(saved, "fd", p->stream.watch.fd);
	json_set_string(saved, "bytes", bytes);
	free(bytes);
	return saved;
}

void
progress_resume(struct attempt *a, const struct cJSON *saved)
{
	struct runner_progress latest = { .percent = -1 };
	int fd = (int)json_get_int(saved, "fd", -1);
	struct progress *p;
	void *bytes = NULL;
	size_t n = 0;

	if (fd < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return;
	progress_start(a, fd);
	p = a->progress;
	if (p == NULL)
		return;
	if (base64_decode(json_get_string(saved, "bytes"), &bytes, &n) == 0)
		buf_append(&p->stream.in, bytes, n);
	free(bytes);
	if (fields_read_lax(saved, runner_progress_fields, &latest, NULL) != JOBD_OK ||
	    latest.percent < 0) {
		fields_done(runner_progress_fields, &latest);
		return;
	}
	p->latest = latest;
	/* Whoever watches from now on has not heard of it. */
	p->sequence = ++a->runner->progress_sequence;
}
