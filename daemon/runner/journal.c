/*
 * journal: see journal.h.
 */
#include "daemon/runner/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/base/must.h"
#include "proto/buf.h"
#include "proto/mem.h"
#include "proto/when.h"

#define NAME_MAX_BYTES	24
#define CHECKSUM_LENGTH	8
/* Checksum, space, kind, space. */
#define LINE_HEAD	(CHECKSUM_LENGTH + 3)

/* ---- lines ---- */

/* CRC-32, as everywhere. */
static uint32_t
crc32_add(uint32_t crc, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	crc = ~crc;
	while (n-- > 0) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
	}
	return ~crc;
}

/* Of a line from its kind on. */
static uint32_t
checksum(int64_t generation, const char *line, size_t n)
{
	char text[24];
	int length = snprintf(text, sizeof(text), "%" PRId64 " ", generation);

	return crc32_add(crc32_add(0, text, (size_t)length), line, n);
}

static void
put_line(struct buf *out, int64_t generation, char kind, const char *text)
{
	struct buf line = { 0 };

	buf_printf(&line, "%c %s", kind, text);
	buf_printf(out, "%08" PRIx32 " ", checksum(generation, buf_bytes(&line), buf_len(&line)));
	buf_append(out, buf_bytes(&line), buf_len(&line));
	buf_append(out, "\n", 1);
	buf_done(&line);
}

/* Is it a line that was written whole?  n: without its newline. */
static bool
line_good(const char *line, size_t n, int64_t generation)
{
	char text[CHECKSUM_LENGTH + 1];

	if (n < LINE_HEAD || line[CHECKSUM_LENGTH] != ' ' || line[CHECKSUM_LENGTH + 2] != ' ')
		return false;
	(void)snprintf(text, sizeof(text), "%08" PRIx32,
	    checksum(generation, line + CHECKSUM_LENGTH + 1, n - CHECKSUM_LENGTH - 1));
	return memcmp(text, line, CHECKSUM_LENGTH) == 0;
}

/* ---- files ---- */

static void
file_name(char name[NAME_MAX_BYTES], int number)
{
	(void)snprintf(name, NAME_MAX_BYTES, "journal.%d", number);
}

static void
add_file(struct journal *j, struct journal_file *f)
{
	struct journal_file **at = &j->files;

	while (*at != NULL)
		at = &(*at)->next;
	*at = f;
}

static void
remove_file(struct journal *j, struct journal_file *f)
{
	struct journal_file **at = &j->files;
	char name[NAME_MAX_BYTES];

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	file_name(name, f->number);
	(void)unlinkat(j->folder, name, 0);
	close(f->fd);
	free(f);
}

static struct journal_file *
find_file(const struct journal *j, int number)
{
	struct journal_file *f = j->files;

	while (f != NULL && f->number != number)
		f = f->next;
	return f;
}

/* Its space, for good.  0 or -errno: it is used without. */
static int
reserve(struct journal_file *f, off_t size)
{
	int r = -posix_fallocate(f->fd, 0, size);

	f->size = size;
	return r;
}

/* A new file, reserved and durable, at least so large.  NULL, and *error. */
static struct journal_file *
make_file(struct journal *j, off_t least, int *error)
{
	struct journal_file *f = xcalloc(1, sizeof(*f));
	char name[NAME_MAX_BYTES];
	int r;

	while (find_file(j, f->number) != NULL)
		f->number++;
	file_name(name, f->number);
	f->fd = openat(j->folder, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (f->fd < 0) {
		*error = -errno;
		free(f);
		return NULL;
	}
	r = reserve(f, least > j->file_bytes ? least : j->file_bytes);
	if (r < 0 && !j->no_reserve) {
		j->no_reserve = true;
		log_warning("no space can be set aside for exit records, going on without error=%s",
		    strerror(-r));
	}
	/* Without its name it would not be found. */
	if (fsync(j->folder) < 0 && errno != EINVAL)
		log_warning("the folder of exit records cannot be synced error=%s",
		    strerror(errno));
	add_file(j, f);
	return f;
}

/* ---- reading ---- */

/* A record as it was found. */
struct found {
	char			*text;		/* NULL: acknowledged */
	struct journal_place	 place;
};

struct reading {
	struct found	*found;
	size_t		 n, room;
	struct buf	 acknowledged;		/* lines "file generation offset\n" */
};

static void
read_line(struct reading *d, struct journal_file *f, const char *line, size_t n, off_t offset)
{
	const char *text = line + LINE_HEAD;

	n -= LINE_HEAD;
	if (line[CHECKSUM_LENGTH + 1] == 'A') {
		buf_append(&d->acknowledged, text, n);
		buf_append(&d->acknowledged, "\n", 1);
		return;
	}
	if (line[CHECKSUM_LENGTH + 1] != 'E')
		return;
	if (d->n == d->room) {
		d->room = d->room > 0 ? d->room * 2 : 64;
		d->found = xrealloc(d->found, d->room * sizeof(*d->found));
	}
	d->found[d->n++] = (struct found){ .text = xstrndup(text, n),
	    .place = { f, f->generation, offset } };
	f->live++;
}

/* The lines of a file, up to the first that is none of this generation. */
static void
read_lines(struct journal *j, struct reading *d, struct journal_file *f, const struct buf *bytes)
{
	const char *begin = buf_bytes(bytes), *end = begin + buf_len(bytes), *at, *newline;
	size_t n;

	if (buf_len(bytes) == 0)
		return;
	at = begin;
	newline = memchr(at, '\n', (size_t)(end - at));
	n = newline != NULL ? (size_t)(newline - at) : 0;
	if (n > LINE_HEAD && at[CHECKSUM_LENGTH + 1] == 'G')
		f->generation = strtoll(at + LINE_HEAD, NULL, 10);
	while (newline != NULL && line_good(at, (size_t)(newline - at), f->generation)) {
		read_line(d, f, at, (size_t)(newline - at), at - begin);
		at = newline + 1;
		newline = memchr(at, '\n', (size_t)(end - at));
	}
	f->end = at - begin;
	/* Zeroes were never written; anything else is torn, or of an earlier generation. */
	j->torn += at < end && *at != '\0';
	if (f->generation > j->generation)
		j->generation = f->generation;
}

/* 0 or -errno. */
static int
read_file(struct journal *j, struct reading *d, int number)
{
	struct journal_file *f;
	char name[NAME_MAX_BYTES];
	struct buf bytes = { 0 };
	struct stat st;
	ssize_t n;
	int fd;

	file_name(name, number);
	fd = openat(j->folder, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	f = xcalloc(1, sizeof(*f));
	f->number = number;
	f->fd = fd;
	f->size = fstat(fd, &st) == 0 ? st.st_size : 0;
	while ((n = pread(fd, buf_reserve(&bytes, 1 << 16), 1 << 16, (off_t)buf_len(&bytes))) > 0)
		buf_added(&bytes, (size_t)n);
	if (n < 0)
		log_warning("exit records cannot be read, passing over them file=%s error=%s",
		    name, strerror(errno));
	add_file(j, f);
	read_lines(j, d, f, &bytes);
	buf_done(&bytes);
	return 0;
}

static void
forget_acknowledged(struct reading *d)
{
	int64_t number, generation, offset;
	char *line = buf_string(&d->acknowledged), *save = NULL;

	for (line = strtok_r(line, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "%" SCNd64 " %" SCNd64 " %" SCNd64, &number, &generation,
		    &offset) != 3)
			continue;
		for (size_t i = 0; i < d->n; i++) {
			struct found *e = &d->found[i];

			if (e->text == NULL || e->place.file->number != number ||
			    e->place.generation != generation || e->place.offset != offset)
				continue;
			free(e->text);
			e->text = NULL;
			e->place.file->live--;
		}
	}
}

/* One file is written, one more is held ready; others without records go. */
static void
settle_files(struct journal *j)
{
	struct journal_file *next, *spare = NULL;
	int error;

	for (struct journal_file *f = j->files; f != NULL; f = next) {
		next = f->next;
		if (f == j->current || f->live > 0)
			continue;
		if (spare != NULL)
			remove_file(j, f);
		else
			spare = f;
	}
	if (spare == NULL)
		(void)make_file(j, 0, &error);
}

void
journal_open(struct journal *j, int folder,
    void (*take)(void *context, const char *text, const struct journal_place *place), void *context)
{
	struct reading d = { .found = NULL };
	struct timespec now;
	int gap = 0;

	*j = (struct journal){ .folder = folder, .file_bytes = JOURNAL_FILE_BYTES };
	for (int i = 0; i < JOURNAL_FILES_MAX && gap < 16; i++)
		gap = read_file(j, &d, i) == 0 ? 0 : gap + 1;
	forget_acknowledged(&d);
	for (size_t i = 0; i < d.n; i++) {
		if (d.found[i].text != NULL)
			take(context, d.found[i].text, &d.found[i].place);
		free(d.found[i].text);
	}
	free(d.found);
	buf_done(&d.acknowledged);
	/* Never one that was there before, whatever the clock has done. */
	clock_gettime(CLOCK_REALTIME, &now);
	if (j->generation < now.tv_sec * USEC_SEC)
		j->generation = now.tv_sec * USEC_SEC + now.tv_nsec / 1000;
}

void
journal_prepare(struct journal *j)
{
	settle_files(j);
}

void
journal_close(struct journal *j)
{
	struct journal_file *f, *next;

	for (f = j->files; f != NULL; f = next) {
		next = f->next;
		close(f->fd);
		free(f);
	}
	j->files = j->current = NULL;
}

/* ---- writing ---- */

/* 0 or -errno. */
static int
put_bytes(struct journal_file *f, const struct buf *bytes)
{
	size_t done = 0, n = buf_len(bytes);
	ssize_t w;

	while (done < n) {
		w = pwrite(f->fd, buf_bytes(bytes) + done, n - done, f->end + (off_t)done);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return w < 0 ? -errno : -ENOSPC;
		done += (size_t)w;
	}
	return 0;
}

/* Begin it anew: what is in it does not count any more.  0 or -errno. */
static int
begin_file(struct journal *j, struct journal_file *f)
{
	struct buf line = { 0 };
	char text[24];
	int r;

	MUST(f->live == 0);
	f->generation = ++j->generation;
	f->end = 0;
	(void)snprintf(text, sizeof(text), "%" PRId64, f->generation);
	put_line(&line, f->generation, 'G', text);
	r = put_bytes(f, &line);
	if (r == 0)
		f->end = (off_t)buf_len(&line);
	buf_done(&line);
	return r;
}

/* Make the current file one with room for so many bytes more.  0 or -errno. */
static int
make_room(struct journal *j, off_t bytes)
{
	const off_t least = bytes + LINE_HEAD + 24;
	int r = 0;

	if (j->current != NULL && j->current->end > 0 &&
	    j->current->end + bytes <= j->current->size)
		return 0;
	for (struct journal_file *f = j->files; f != NULL; f = f->next) {
		if (f->live == 0 && f->size >= least) {
			j->current = f;
			return begin_file(j, f);
		}
	}
	j->current = make_file(j, least, &r);
	return j->current != NULL ? begin_file(j, j->current) : r;
}

static void
acknowledge(struct journal *j, const struct journal_place *place)
{
	struct journal_file *f = place->file;
	struct buf line = { 0 };
	char text[80];

	/* Without records a file says nothing. */
	if (--f->live == 0) {
		(void)begin_file(j, f);
		return;
	}
	(void)snprintf(text, sizeof(text), "%d %" PRId64 " %" PRId64, f->number, place->generation,
	    (int64_t)place->offset);
	if (j->current == NULL || j->current->end == 0)
		return;
	put_line(&line, j->current->generation, 'A', text);
	if (j->current->end + (off_t)buf_len(&line) <= j->current->size &&
	    put_bytes(j->current, &line) == 0)
		j->current->end += (off_t)buf_len(&line);
	buf_done(&line);
}

/* A record, not yet synced: files that were written get *dirty's bit by number.  0 or -errno. */
static int
add_record(struct journal *j, struct journal_entry *e)
{
	struct buf line = { 0 };
	int r;

	/* The generation is known only once there is a file with room. */
	r = make_room(j, (off_t)strlen(e->text) + LINE_HEAD + 1);
	if (r == 0) {
		put_line(&line, j->current->generation, 'E', e->text);
		r = put_bytes(j->current, &line);
	}
	if (r == 0) {
		e->place = (struct journal_place){ j->current, j->current->generation,
		    j->current->end };
		j->current->end += (off_t)buf_len(&line);
		j->current->live++;
	}
	buf_done(&line);
	return r;
}

/* Nothing of it has happened. */
static void
take_back(struct journal *j, struct journal_entry *entries, size_t n)
{
	for (size_t i = n; i-- > 0;) {
		struct journal_file *f = entries[i].place.file;

		if (entries[i].text == NULL || f == NULL)
			continue;
		f->live--;
		if (f == j->current && f->generation == entries[i].place.generation)
			f->end = entries[i].place.offset;
		entries[i].place = (struct journal_place){ 0 };
	}
}

int
journal_write(struct journal *j, struct journal_entry *entries, size_t n)
{
	struct journal_file *first = NULL;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		if (entries[i].text == NULL)
			continue;
		entries[i].place = (struct journal_place){ 0 };
		r = add_record(j, &entries[i]);
		if (first != NULL && j->current != first && r == 0 && fdatasync(first->fd) < 0)
			r = -errno;
		first = j->current;
	}
	if (r == 0 && first != NULL && fdatasync(first->fd) < 0)
		r = -errno;
	if (r < 0)
		take_back(j, entries, n);
	for (size_t i = 0; i < n; i++) {
		if (entries[i].text == NULL)
			acknowledge(j, &entries[i].place);
	}
	settle_files(j);
	return r;
}
