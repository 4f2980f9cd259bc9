/*
 * outread: see outread.h.  The thread that reads is the one that writes, so what is found is whole:
 * when there is a file after the present one, nothing more comes into the present one.
 */
#include "daemon/runner/outread.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/json.h"
#include "proto/mem.h"

/*
 * Read at a time, and so in a reply; a reply stays below MESSAGE_BYTES_MAX whatever is in it
 * (escapes cost six).
 */
#define SLICE		((size_t)64 * 1024)
/* Attempts of a run that are looked for on disk when none is known. */
#define ATTEMPTS_LOOKED	64
/* The longest first line of a part. */
#define CUT_LINE_MAX	64

/* ---- one line of the file ---- */

struct line {
	char		 at[OUTPUT_TIME_LENGTH + 1];
	int		 stream;
	bool		 whole;
	const char	*text;
	size_t		 length;
};

/* A line without its newline.  False: it is none of ours. */
static bool
line_read(const char *p, size_t n, struct line *out)
{
	const char *stream = p + OUTPUT_TIME_LENGTH + 1, *tag;

	if (n < OUTPUT_TIME_LENGTH + 8 || p[OUTPUT_TIME_LENGTH] != ' ')
		return false;
	for (out->stream = 0; output_chunk_names[out->stream] != NULL; out->stream++) {
		size_t length = strlen(output_chunk_names[out->stream]);

		if (strncmp(stream, output_chunk_names[out->stream], length) == 0 &&
		    stream[length] == ' ')
			break;
	}
	if (output_chunk_names[out->stream] == NULL)
		return false;
	tag = stream + strlen(output_chunk_names[out->stream]) + 1;
	if (tag + 2 > p + n || (tag[0] != 'F' && tag[0] != 'P') || tag[1] != ' ')
		return false;
	memcpy(out->at, p, OUTPUT_TIME_LENGTH);
	out->at[OUTPUT_TIME_LENGTH] = '\0';
	out->whole = tag[0] == 'F';
	out->text = tag + 2;
	out->length = n - (size_t)(out->text - p);
	return true;
}

/* The position that a cut line tells. */
static int64_t
cut_position(const struct line *l)
{
	char text[24];
	size_t n = l->length < sizeof(text) - 1 ? l->length : sizeof(text) - 1;

	memcpy(text, l->text, n);
	text[n] = '\0';
	return strtoll(text, NULL, 10);
}

/* As fields_write(output_chunk_fields) would: without a copy of every line. */
static struct cJSON *
chunk(const struct line *l)
{
	struct cJSON *c = json_object();
	char *text;

	json_set_string(c, "at", l->at);
	json_set_string(c, "stream", output_chunk_names[l->stream]);
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

static struct cJSON *
cut_chunk(const struct line *l, int64_t omitted)
{
	struct cJSON *c = json_object();

	json_set_string(c, "at", l->at);
	json_set_string(c, "stream", output_cut_name);
	json_set_int(c, "omittedBytes", omitted);
	return c;
}

/* ---- the files ---- */

/* The position at which a file begins, or -1: there is none, or it is none of ours. */
static int64_t
file_begin(int fd, int part)
{
	char bytes[CUT_LINE_MAX], *newline;
	struct line l;
	ssize_t n;

	if (fd < 0)
		return -1;
	if (part == 0)
		return 0;
	n = pread(fd, bytes, sizeof(bytes), 0);
	newline = n > 0 ? memchr(bytes, '\n', (size_t)n) : NULL;
	if (newline == NULL || !line_read(bytes, (size_t)(newline - bytes), &l) ||
	    l.stream != OUTPUT_CUT)
		return -1;
	return cut_position(&l);
}

/* Go to the file next to the present one, after it or before.  False: there is none. */
static bool
step_file(struct outread *r, bool after)
{
	int64_t best = -1, at;
	char path[OUTPUT_PATH_MAX];
	int found = -1, fd;

	for (int part = 0; part <= OUTPUT_PARTS; part++) {
		outfile_path(path, &r->of, part);
		fd = openat(r->folder, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		at = file_begin(fd, part);
		if (at >= 0 && (after ? at > r->at && (best < 0 || at < best) :
		    at < r->at && at > best)) {
			if (found >= 0)
				close(found);
			found = fd;
			best = at;
		} else if (fd >= 0) {
			close(fd);
		}
	}
	if (found < 0)
		return false;
	if (r->fd >= 0)
		close(r->fd);
	r->fd = found;
	r->at = best;
	r->offset = 0;
	return true;
}

/* Which attempt? */
static void
choose_attempt(struct outread *r)
{
	char path[OUTPUT_PATH_MAX];
	struct runner_attempt of = r->of;

	if (r->of.attempt > 0)
		return;
	r->of.attempt = 1;
	for (of.attempt = 1; of.attempt <= ATTEMPTS_LOOKED; of.attempt++) {
		outfile_path(path, &of, 0);
		if (faccessat(r->folder, path, F_OK, 0) == 0)
			r->of.attempt = of.attempt;
	}
}

/* ---- forward ---- */

static bool
wanted(const struct outread *r, const struct line *l)
{
	if (r->stream >= 0 && r->stream != l->stream && l->stream != OUTPUT_CUT)
		return false;
	return r->since[0] == '\0' || strcmp(l->at, r->since) >= 0;
}

static void
take(struct outread *r, struct cJSON *c)
{
	if (r->chunks == NULL)
		r->chunks = json_array();
	json_push(r->chunks, c);
}

/* The position after a line. */
static int64_t
position_after(int64_t position, const struct line *l)
{
	return l->stream == OUTPUT_CUT ? cut_position(l) :
	    position + (int64_t)l->length + l->whole;
}

static void
take_line(struct outread *r, const struct line *l)
{
	int64_t after = position_after(r->position, l);
	int64_t known = r->position > r->start ? r->position : r->start;

	/* What lies before the start was told before; and of what is missing, so much. */
	if (wanted(r, l) && l->stream != OUTPUT_CUT && r->position >= r->start)
		take(r, chunk(l));
	else if (wanted(r, l) && l->stream == OUTPUT_CUT && after > known)
		take(r, cut_chunk(l, after - known));
	r->position = after;
}

/* What can be read of the present file, at most a slice. */
static void
read_file(struct outread *r)
{
	char *bytes = xmalloc(SLICE), *at, *newline;
	ssize_t n = pread(r->fd, bytes, SLICE, r->offset);
	const char *end = bytes + (n > 0 ? n : 0);
	struct line l;

	for (at = bytes; (newline = memchr(at, '\n', (size_t)(end - at))) != NULL;
	    at = newline + 1) {
		if (line_read(at, (size_t)(newline - at), &l))
			take_line(r, &l);
	}
	/* No line is as long as that: somebody has been at the file. */
	if (at == bytes && n == (ssize_t)SLICE)
		at = bytes + n;
	r->moved |= at > bytes;
	r->offset += at - bytes;
	free(bytes);
}

/* The first file with something that is wanted.  False: there is none yet. */
static bool
first_file(struct outread *r)
{
	r->position = 0;
	if (r->start == 0) {
		r->at = -1;
		return step_file(r, true);
	}
	/* The last one that does not begin behind it: the head is always such a one. */
	r->at = r->start + 1;
	return step_file(r, false);
}

void
outread_slice(struct outread *r)
{
	r->moved = false;
	choose_attempt(r);
	if (r->fd < 0 && !first_file(r))
		return;
	read_file(r);
	while (!r->moved && step_file(r, true))
		read_file(r);
}

/* ---- backwards ---- */

/*
 * One slice of the present file backwards from r->offset, which is the beginning of a line or the
 * end, counting lines; parts belong to the whole one after them.  True: here the tail begins.
 */
static bool
back_in_file(struct outread *r)
{
	size_t n = r->offset < (off_t)SLICE ? (size_t)r->offset : SLICE, end = n;
	off_t start = r->offset - (off_t)n;
	char *bytes = xmalloc(SLICE), *newline, *line;
	bool found = false;
	struct line l;

	if (pread(r->fd, bytes, n, start) != (ssize_t)n)
		end = 0;
	while (end > 0 && !found) {
		newline = memrchr(bytes, '\n', end - 1);
		if (newline == NULL && start > 0)
			break;
		line = newline != NULL ? newline + 1 : bytes;
		if (line_read(line, end - 1 - (size_t)(line - bytes), &l) &&
		    l.stream != OUTPUT_CUT && wanted(r, &l)) {
			if (l.whole && r->lines == r->tail) {
				found = true;
				break;
			}
			r->lines += l.whole || r->lines == 0;
		}
		end = (size_t)(line - bytes);
	}
	/* As in read_file(): no line is as long as that. */
	if (end == n && !found)
		end = 0;
	r->offset = start + (off_t)end;
	free(bytes);
	return found;
}

static void
to_end(struct outread *r)
{
	struct stat st;

	r->offset = fstat(r->fd, &st) == 0 ? st.st_size : 0;
}

/* One slice of the present file from its beginning up to r->offset.  True: there is more. */
static bool
count_position(struct outread *r)
{
	off_t left = r->offset - r->counted;
	size_t n = left < (off_t)SLICE ? (size_t)left : SLICE;
	char *bytes = xmalloc(SLICE), *at, *newline;
	ssize_t got = pread(r->fd, bytes, n, r->counted);
	const char *end = bytes + (got > 0 ? got : 0);
	struct line l;

	for (at = bytes; (newline = memchr(at, '\n', (size_t)(end - at))) != NULL;
	    at = newline + 1) {
		if (line_read(at, (size_t)(newline - at), &l))
			r->position = position_after(r->position, &l);
	}
	n = (size_t)(at - bytes);
	free(bytes);
	r->counted += (off_t)n;
	return n > 0 && r->counted < r->offset;
}

/* True: there is more to do. */
static bool
back(struct outread *r)
{
	if (r->found)
		return count_position(r);
	if (r->fd < 0) {
		choose_attempt(r);
		r->at = INT64_MAX;
		if (!step_file(r, false))
			return false;
		to_end(r);
		r->found = r->tail == 0;
		return true;
	}
	r->found = back_in_file(r);
	if (!r->found && r->offset == 0) {
		r->found = !step_file(r, false);
		if (!r->found)
			to_end(r);
	}
	return true;
}

void
outread_back(struct outread *r)
{
	r->more_back = back(r);
}

void
outread_done(struct outread *r)
{
	json_free(r->chunks);
	r->chunks = NULL;
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}
