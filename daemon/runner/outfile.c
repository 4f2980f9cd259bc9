/*
 * outfile: see outfile.h.
 */
#include "daemon/runner/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/fault.h"
#include "daemon/base/must.h"
#include "proto/json.h"

void
outfile_path(char path[OUTPUT_PATH_MAX], const struct runner_attempt *of, int part)
{
	int n = snprintf(path, OUTPUT_PATH_MAX, "%" PRId64 "/%" PRId64 ".%" PRId64 ".log", of->job,
	    of->run, of->attempt);

	if (part > 0)
		(void)snprintf(path + n, OUTPUT_PATH_MAX - (size_t)n, ".%d", part);
}

static int
part_of(int64_t sequence)
{
	return sequence == 0 ? 0 : 1 + (int)((sequence - 1) % OUTPUT_PARTS);
}

/* ---- the file that is written ---- */

/* Open the one of f->sequence, in place of a former one with its name.  0 or -errno. */
static int
open_file(struct outfile *f)
{
	int part = part_of(f->sequence);
	char path[OUTPUT_PATH_MAX], folder[24];

	if (f->fd >= 0)
		return 0;
	(void)snprintf(folder, sizeof(folder), "%" PRId64, f->of.job);
	if (f->sequence == 0 && mkdirat(f->folder, folder, 0700) < 0 && errno != EEXIST)
		return -errno;
	outfile_path(path, &f->of, part);
	/* Not truncated: who reads the former one reads it to its end. */
	if (unlinkat(f->folder, path, 0) < 0 && errno != ENOENT)
		return -errno;
	f->kept -= f->in_file[part];
	f->in_file[part] = 0;
	f->size = 0;
	f->fd = openat(f->folder, path,
	    O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (f->fd < 0 && errno == ENOENT && mkdirat(f->folder, folder, 0700) == 0)
		f->fd = openat(f->folder, path,
		    O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	return f->fd < 0 ? -errno : 0;
}

/* Write the block, whole or not at all.  0 or -errno. */
static int
write_block(struct outfile *f)
{
	size_t n = buf_len(&f->block);
	ssize_t w;
	int r = open_file(f);

	if (r < 0)
		return r;
	do
		w = write(f->fd, buf_bytes(&f->block), n);
	while (w < 0 && errno == EINTR);
	if (w == (ssize_t)n) {
		f->size += w;
		return 0;
	}
	r = w < 0 ? -errno : -ENOSPC;
	/* No half line. */
	if (w > 0 && ftruncate(f->fd, f->size) < 0)
		r = -errno;
	return r;
}

/* What cannot be written is missing from now on. */
static void
flush(struct outfile *f)
{
	int part = part_of(f->sequence), r;

	if (buf_len(&f->block) == 0)
		return;
	fault_point(FAULT_OUTPUT_BEFORE_WRITE);
	r = write_block(f);
	fault_point(FAULT_OUTPUT_AFTER_WRITE);
	if (r == 0) {
		f->kept += f->block_bytes;
		f->in_file[part] += f->block_bytes;
	} else {
		f->error = r;
		f->gap = true;
	}
	f->block_bytes = 0;
	buf_reset(&f->block);
}

/* Go on in a new part: the oldest goes as it begins. */
static void
next_part(struct outfile *f)
{
	flush(f);
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	f->size = 0;
	f->sequence++;
	f->gap = true;
}

/* ---- lines ---- */

/* The beginnings of lines at one instant: whole, and partial. */
struct prefixes {
	char	whole[WHEN_TEXT_MAX + 12], part[WHEN_TEXT_MAX + 12];
};

static void
prefixes_make(struct prefixes *p, instant at, const char *stream)
{
	char time[WHEN_TEXT_MAX];

	instant_print(at, time);
	(void)snprintf(p->whole, sizeof(p->whole), "%s %s F ", time, stream);
	(void)snprintf(p->part, sizeof(p->part), "%s %s P ", time, stream);
}

static void
put_cut(struct outfile *f, instant at)
{
	struct prefixes p;

	prefixes_make(&p, at, output_cut_name);
	buf_printf(&f->block, "%s%" PRId64 "\n", p.whole, f->position);
	f->gap = false;
}

/* Has the present file room for so many bytes more? */
static bool
has_room(const struct outfile *f, int64_t bytes)
{
	int64_t max = f->sequence == 0 ? f->head_max : f->part_max;
	int64_t kept = f->in_file[part_of(f->sequence)] + f->block_bytes;
	int64_t size = f->size + (int64_t)buf_len(&f->block) + bytes + OUTPUT_OVERHEAD;

	return kept + bytes <= max &&
	    (size <= max * OUTPUT_FILE_FACTOR || size <= OUTPUT_FILE_LEAST);
}

/* One line, or a part of one.  more: so many bytes are known to come after it. */
static void
take_line(struct outfile *f, instant at, const char *prefix, const char *text, size_t n, bool whole,
    int64_t more)
{
	int64_t bytes = (int64_t)n + whole;

	if (!has_room(f, bytes)) {
		/* What will not last until the end of the block need not be written. */
		if (more >= f->tail_max) {
			f->gap = true;
			f->position += bytes;
			return;
		}
		next_part(f);
	}
	if (f->gap)
		put_cut(f, at);
	buf_puts(&f->block, prefix);
	buf_append(&f->block, text, n);
	buf_append(&f->block, "\n", 1);
	f->block_bytes += bytes;
	f->position += bytes;
}

/* How much of a line that is too long goes into its next part; no character is cut in two. */
static size_t
part_length(const struct outfile *f, const char *text)
{
	size_t n = f->line_max;

	while (n > 1 && n + 4 > f->line_max && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return ((unsigned char)text[n] & 0xc0) == 0x80 ? f->line_max : n;
}

/* Take the lines that a stream has; what is no whole line stays.  more: of the other stream. */
static void
take_stream(struct outfile *f, int stream, const struct outblock *b, int64_t more)
{
	struct buf *rest = &f->rest[stream];
	const char *at = buf_bytes(rest), *end = at + buf_len(rest), *newline;
	struct prefixes p;
	size_t n;
	bool whole;

	prefixes_make(&p, b->at, output_stream_names[stream]);
	while (at < end) {
		newline = memchr(at, '\n', (size_t)(end - at));
		n = (size_t)((newline != NULL ? newline : end) - at);
		whole = newline != NULL && n <= f->line_max;
		if (n > f->line_max)
			n = part_length(f, at);
		else if (newline == NULL && !b->over[stream])
			break;
		take_line(f, b->at, whole ? p.whole : p.part, at, n, whole,
		    end - at - (int64_t)n - whole + more);
		at += n + whole;
	}
	if (buf_len(rest) > 0)
		buf_consume(rest, buf_len(rest) - (size_t)(end - at));
	if (buf_len(rest) == 0)
		buf_done(rest);
}

void
outfile_init(struct outfile *f, int folder, const struct runner_attempt *of, int64_t max)
{
	*f = (struct outfile){ .folder = folder, .of = *of, .fd = -1 };
	f->head_max = max / 2;
	f->tail_max = max - f->head_max;
	f->part_max = f->tail_max / OUTPUT_PARTS > 0 ? f->tail_max / OUTPUT_PARTS : 1;
	f->line_max = f->part_max > (int64_t)OUTPUT_LINE_MAX ? OUTPUT_LINE_MAX :
	    f->part_max > 1 ? (size_t)f->part_max - 1 : 1;
}

void
outfile_take(struct outfile *f, struct outblock *b)
{
	f->error = 0;
	if (b->lost > 0) {
		f->position += b->lost;
		f->gap = true;
		b->lost = 0;
	}
	for (int i = 0; i < OUTPUT_COUNT; i++) {
		if (buf_len(&f->rest[i]) == 0) {
			buf_done(&f->rest[i]);
			f->rest[i] = b->in[i];
		} else {
			buf_append(&f->rest[i], buf_bytes(&b->in[i]), buf_len(&b->in[i]));
			buf_done(&b->in[i]);
		}
		b->in[i] = (struct buf){ 0 };
	}
	take_stream(f, OUTPUT_STDOUT, b, (int64_t)buf_len(&f->rest[OUTPUT_STDERR]));
	take_stream(f, OUTPUT_STDERR, b, 0);
	/* What is missing at the end has nothing after it that would say so. */
	if (f->gap && b->over[OUTPUT_STDOUT] && b->over[OUTPUT_STDERR])
		put_cut(f, b->at);
	flush(f);
	buf_done(&f->block);
	if (b->over[OUTPUT_STDOUT] && b->over[OUTPUT_STDERR])
		outfile_done(f);
}

/* ---- across an execution ---- */

struct cJSON *
outfile_save(const struct outfile *f)
{
	struct cJSON *saved = json_object(), *list = json_array();
	char *bytes;

	json_set_bool(saved, "open", f->fd >= 0);
	json_set_int(saved, "size", f->size);
	json_set_int(saved, "sequence", f->sequence);
	json_set_int(saved, "position", f->position);
	json_set_int(saved, "kept", f->kept);
	json_set_bool(saved, "gap", f->gap);
	for (int i = 0; i <= OUTPUT_PARTS; i++)
		json_push(list, json_int(f->in_file[i]));
	json_set(saved, "inFile", list);
	list = json_array();
	for (int i = 0; i < OUTPUT_COUNT; i++) {
		bytes = base64_encode(buf_bytes(&f->rest[i]), buf_len(&f->rest[i]));
		json_push(list, json_string(bytes));
		free(bytes);
	}
	json_set(saved, "rest", list);
	return saved;
}

void
outfile_resume(struct outfile *f, const struct cJSON *saved)
{
	const struct cJSON *in_file = json_get(saved, "inFile"), *rest = json_get(saved, "rest");
	char path[OUTPUT_PATH_MAX], *text;
	void *bytes;
	size_t n;

	f->size = json_get_int(saved, "size", 0);
	f->sequence = json_get_int(saved, "sequence", 0);
	f->position = json_get_int(saved, "position", 0);
	f->kept = json_get_int(saved, "kept", 0);
	f->gap = json_get_bool(saved, "gap", 0);
	for (size_t i = 0; i <= OUTPUT_PARTS && i < json_count(in_file); i++) {
		text = json_print(json_at(in_file, i));
		f->in_file[i] = strtoll(text, NULL, 10);
		free(text);
	}
	for (size_t i = 0; i < OUTPUT_COUNT && i < json_count(rest); i++) {
		if (base64_decode(json_text(json_at(rest, i)), &bytes, &n) < 0)
			continue;
		buf_append(&f->rest[i], bytes, n);
		free(bytes);
	}
	outfile_path(path, &f->of, part_of(f->sequence));
	if (json_get_bool(saved, "open", 0))
		f->fd = openat(f->folder, path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	/* Then it goes on in a new part, and what is missing is told. */
	if (json_get_bool(saved, "open", 0) && f->fd < 0)
		next_part(f);
}

void
outfile_done(struct outfile *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	for (int i = 0; i < OUTPUT_COUNT; i++)
		buf_done(&f->rest[i]);
	buf_done(&f->block);
}
