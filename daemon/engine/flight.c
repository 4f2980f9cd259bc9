/*
 * flight: see flight.h.  The file is written by write(2) from buffers that are there, so that a signal's handler may
 * do it: the header, the rings from their oldest cells on, the names of the kinds of task that are in them, and last
 * what the scheduler has at present.  That is read from its own structures, which may be what is broken: when it
 * ends there, the file is good up to it, and says so by its end.
 */
#include "daemon/engine/flight.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/engine/loop-internal.h"
#include "proto/mem.h"

/* Names of kinds in a file, at most: a power of two, twice as many as there are kinds. */
#define NAMES_MAX	512

#define PATH_BYTES	4096

/* Where it goes: to a descriptor, or into memory. */
struct flight_out {
	int			 fd;		/* -1: into memory */
	int			 error;
	char			*memory;
	size_t			 size, room;
	size_t			 told;		/* cells of what there is at present */
	unsigned		 n;		/* cells that wait */
	struct flight_cell	 cells[128];
};

/* What the handler knows. */
static struct {
	const struct flight	*flight;
	char			 path[PATH_BYTES], old[PATH_BYTES], new[PATH_BYTES];
	char			 program[32];
} on_abort;

/* ---- noting ---- */

struct flight *
flight_start(struct loop *l)
{
	const size_t bytes = FLIGHT_CELLS * sizeof(struct flight_cell);
	struct flight *f;
	char *memory;

	MUST(l->flight == NULL);
	memory = mmap(NULL, FLIGHT_RINGS * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
	    0);
	if (memory == MAP_FAILED)
		return NULL;
	f = xcalloc(1, sizeof(*f));
	for (int i = 0; i < FLIGHT_RINGS; i++)
		f->rings[i].cells = (struct flight_cell *)(void *)(memory + (size_t)i * bytes);
	f->loop = l;
	l->flight = f;
	flight_note(l, FLIGHT_DECISIONS, FLIGHT_BEGIN, 0, 0, loop_wall(l).usec, 0);
	return f;
}

void
flight_free(struct loop *l)
{
	struct flight *f = l->flight;

	if (f == NULL)
		return;
	l->flight = NULL;
	if (on_abort.flight == f)
		on_abort.flight = NULL;
	(void)munmap(f->rings[0].cells, FLIGHT_RINGS * FLIGHT_CELLS * sizeof(struct flight_cell));
	free(f);
}

/* Bytes of text, into cells that go on. */
struct text_out {
	struct flight_ring	*ring;
	struct flight_cell	*cell;
	unsigned		 used, cells;
	bool			 cut;
};

static void
text_put(struct text_out *o, char c)
{
	if (o->cell == NULL || o->used == sizeof(o->cell->text)) {
		if (o->cells == FLIGHT_RECORD_MAX) {
			o->cut = true;
			return;
		}
		o->cell = flight_next(o->ring);
		*o->cell = (struct flight_cell){ .what = FLIGHT_MORE };
		o->used = 0;
		o->cells++;
	}
	o->cell->text[o->used++] = c;
}

uint64_t
flight_note_texts(struct loop *l, enum flight_ring_id ring, const struct flight_cell *head,
    const int64_t (*numbers)[3], unsigned n, const char *const *texts, unsigned texts_n)
{
	struct text_out o = { .cells = n + 1 };
	struct flight_cell *first;
	uint64_t place;

	if (l->flight == NULL)
		return UINT64_MAX;
	o.ring = &l->flight->rings[ring];
	place = o.ring->head;
	first = flight_next(o.ring);
	*first = *head;
	first->at = l->now;
	for (unsigned i = 0; i < n; i++)
		*flight_next(o.ring) = (struct flight_cell){ .what = FLIGHT_MORE,
		    .more = { numbers[i][0], numbers[i][1], numbers[i][2] } };
	for (unsigned i = 0; i < texts_n; i++) {
		for (const char *c = texts[i] != NULL ? texts[i] : ""; *c != '\0'; c++)
			text_put(&o, *c);
		text_put(&o, '\0');
	}
	first->cells = (uint8_t)o.cells;
	if (o.cut)
		first->kind |= FLIGHT_CUT;
	return place;
}

uint64_t
flight_renew(struct loop *l, enum flight_ring_id ring, uint64_t place)
{
	struct flight_ring *r;
	struct flight_cell cell;
	uint64_t again;

	if (l->flight == NULL)
		return UINT64_MAX;
	r = &l->flight->rings[ring];
	/* Half the ring goes by first; and what is gone is gone. */
	if (place == UINT64_MAX || r->head - place < FLIGHT_CELLS / 2 || r->head - place > FLIGHT_CELLS - FLIGHT_RECORD_MAX)
		return place;
	again = r->head;
	for (unsigned i = 0, n = r->cells[place % FLIGHT_CELLS].cells; i < n; i++) {
		cell = r->cells[(place + i) % FLIGHT_CELLS];
		if (i == 0)
			cell.at = l->now;
		*flight_next(r) = cell;
	}
	return again;
}

/* ---- writing: nothing here allocates or locks ---- */

static void
out_bytes(struct flight_out *o, const void *data, size_t n)
{
	const char *at = data;
	ssize_t r;

	if (o->fd < 0) {
		if (o->error == 0 && o->room - o->size >= n) {
			memcpy(o->memory + o->size, data, n);
			o->size += n;
		} else {
			o->error = -ENOSPC;
		}
		return;
	}
	while (n > 0 && o->error == 0) {
		r = write(o->fd, at, n);
		if (r > 0) {
			at += r;
			n -= (size_t)r;
		} else if (r == 0 || errno != EINTR) {
			o->error = r == 0 ? -EIO : -errno;
		}
	}
}

static void
out_flush(struct flight_out *o)
{
	out_bytes(o, o->cells, o->n * sizeof(o->cells[0]));
	o->n = 0;
}

bool
flight_tell(struct flight_out *out, const struct flight_cell *cell)
{
	if (out->told == FLIGHT_PRESENT_MAX || out->error < 0)
		return false;
	out->told++;
	out->cells[out->n++] = *cell;
	if (out->n == sizeof(out->cells) / sizeof(out->cells[0]))
		out_flush(out);
	return true;
}

static uint64_t
ring_kept(const struct flight_ring *r)
{
	return r->head < FLIGHT_CELLS ? r->head : FLIGHT_CELLS;
}

static void
out_ring(struct flight_out *o, const struct flight_ring *r, uint64_t head)
{
	uint64_t n = head < FLIGHT_CELLS ? head : FLIGHT_CELLS, first = (head - n) % FLIGHT_CELLS;
	uint64_t before_the_end = FLIGHT_CELLS - first < n ? FLIGHT_CELLS - first : n;

	out_bytes(o, &r->cells[first], before_the_end * sizeof(struct flight_cell));
	out_bytes(o, r->cells, (n - before_the_end) * sizeof(struct flight_cell));
}

/* Ids of kinds in a set without memory of its own. */
struct names {
	uint32_t	ids[NAMES_MAX];		/* 0: free */
	unsigned	n;
};

static void
names_add(struct names *names, uint32_t id)
{
	unsigned slot = (id >> 4) * 2654435761u >> 16;

	if (id == 0 || names->n == NAMES_MAX / 2)
		return;
	for (;; slot++) {
		uint32_t *at = &names->ids[slot % NAMES_MAX];

		if (*at == id)
			return;
		if (*at == 0) {
			*at = id;
			names->n++;
			return;
		}
	}
}

static bool
has_kind(const struct flight_cell *c)
{
	return c->what >= FLIGHT_TIMER && c->what <= FLIGHT_BLOCKED;
}

/* All kinds are in the program itself, which is smaller than what 32 bits tell apart. */
static const struct task_kind *
kind_of(uint32_t id)
{
	uintptr_t here = (uintptr_t)&on_abort;

	return (const struct task_kind *)(here + (uintptr_t)(intptr_t)(int32_t)(id - (uint32_t)here));
}

static void
out_name(struct flight_out *o, uint32_t id)
{
	const char *name = kind_of(id)->name;
	struct flight_name row = { .id = id };

	for (size_t i = 0; i < sizeof(row.name) - 1 && name[i] != '\0'; i++)
		row.name[i] = name[i];
	out_bytes(o, &row, sizeof(row));
}

static void
copy_text(char *to, size_t size, const char *from)
{
	size_t i = 0;

	for (; from != NULL && from[i] != '\0' && i < size - 1; i++)
		to[i] = from[i];
	to[i] = '\0';
}

static void
out_all(struct flight_out *o, const struct flight *f, const char *program, const char *reason)
{
	struct flight_header h = { .magic = FLIGHT_MAGIC, .version = FLIGHT_VERSION, .order = FLIGHT_ORDER,
	    .header_bytes = sizeof(h), .cell_bytes = sizeof(struct flight_cell), .pid = getpid(), .limits = f->limits };
	static struct names names;	/* too great for a handler's stack, and there is one at a time */
	const struct flight_ring *in = &f->rings[FLIGHT_INPUTS];

	copy_text(h.program, sizeof(h.program), program);
	copy_text(h.reason, sizeof(h.reason), reason);
	h.wall = loop_wall(f->loop).usec;
	h.now = loop_clock(f->loop);
	memset(&names, 0, sizeof(names));
	for (uint64_t i = 0; i < ring_kept(in); i++) {
		if (has_kind(&in->cells[i]))
			names_add(&names, in->cells[i].kind);
	}
	h.kinds = names.n;
	for (int i = 0; i < FLIGHT_RINGS; i++) {
		h.rings[i].cells = ring_kept(&f->rings[i]);
		h.rings[i].lost = f->rings[i].head - h.rings[i].cells;
	}
	out_bytes(o, &h, sizeof(h));
	/* As the header says, should another thread note meanwhile. */
	for (int i = 0; i < FLIGHT_RINGS; i++)
		out_ring(o, &f->rings[i], h.rings[i].lost + h.rings[i].cells);
	for (unsigned i = 0; i < NAMES_MAX; i++) {
		if (names.ids[i] != 0)
			out_name(o, names.ids[i]);
	}
	if (f->present != NULL)
		f->present(f->context, o);
	out_flush(o);
}

int
flight_write(const struct flight *f, int fd, const char *program, const char *reason)
{
	struct flight_out o = { .fd = fd };

	out_all(&o, f, program, reason);
	return o.error;
}

void *
flight_copy(const struct flight *f, const char *program, const char *reason, size_t *ret_size)
{
	/* What the scheduler has at present is bounded by its window and its limits; what has no room is left out. */
	size_t room = sizeof(struct flight_header) + (size_t)FLIGHT_RINGS * FLIGHT_CELLS * sizeof(struct flight_cell) +
	    NAMES_MAX * sizeof(struct flight_name) + ((size_t)1 << 20);
	struct flight_out o = { .fd = -1, .memory = xmalloc(room), .room = room };

	out_all(&o, f, program, reason);
	*ret_size = o.size;
	return o.memory;
}

/* What is read here may be broken, the disk may be away: it ends all the same. */
static void
limit_time(unsigned seconds)
{
	struct sigaction end = { .sa_handler = SIG_DFL };
	sigset_t alarms;

	(void)sigemptyset(&end.sa_mask);
	(void)sigaction(SIGALRM, &end, NULL);
	(void)sigemptyset(&alarms);
	(void)sigaddset(&alarms, SIGALRM);
	(void)sigprocmask(SIG_UNBLOCK, &alarms, NULL);
	(void)alarm(seconds);
}

static void
aborted(int number)
{
	int saved = errno, fd;

	limit_time(FLIGHT_ABORT_SECONDS);
	if (on_abort.flight != NULL) {
		fd = open(on_abort.new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd >= 0) {
			static const char told[] = "<2>the flight record is in the state directory: flight.abort;"
			    " jobd --replay prints it\n";
			const char *reason = must_reason();
			bool whole = flight_write(on_abort.flight, fd, on_abort.program,
			    reason[0] != '\0' ? reason : "SIGABRT") == 0;

			whole = close(fd) == 0 && whole;
			(void)rename(on_abort.path, on_abort.old);
			if (whole && rename(on_abort.new, on_abort.path) == 0 &&
			    write(STDERR_FILENO, told, sizeof(told) - 1) < 0)
				errno = saved;	/* nobody can be told */
		}
	}
	(void)alarm(0);
	errno = saved;
	/* It was reset when it came: this one ends the process, with its core. */
	(void)raise(number);
}

void
flight_on_abort(struct loop *l, const char *directory, const char *program)
{
	struct sigaction action = { .sa_handler = aborted, .sa_flags = SA_RESETHAND };

	if (l->flight == NULL || on_abort.flight != NULL)
		return;
	(void)snprintf(on_abort.path, sizeof(on_abort.path), "%s/" FLIGHT_ABORT_NAME, directory);
	(void)snprintf(on_abort.old, sizeof(on_abort.old), "%s/" FLIGHT_ABORT_NAME ".old", directory);
	(void)snprintf(on_abort.new, sizeof(on_abort.new), "%s/" FLIGHT_ABORT_NAME ".new", directory);
	copy_text(on_abort.program, sizeof(on_abort.program), program);
	/* The handler of one before us got no further than its last part. */
	if (access(on_abort.new, F_OK) == 0) {
		(void)rename(on_abort.path, on_abort.old);
		(void)rename(on_abort.new, on_abort.path);
	}
	on_abort.flight = l->flight;
	sigemptyset(&action.sa_mask);
	(void)sigaction(SIGABRT, &action, NULL);
}

/* ---- reading ---- */

static int
bad(char error[FLIGHT_ERROR_MAX], const char *path, const char *why)
{
	(void)snprintf(error, FLIGHT_ERROR_MAX, "%.150s: %s", path, why);
	return -EINVAL;
}

/* How long all that the header promises is; 0: that is nonsense. */
static size_t
promised(const struct flight_header *h)
{
	size_t n = sizeof(*h);

	for (int i = 0; i < FLIGHT_RINGS; i++) {
		if (h->rings[i].cells > FLIGHT_CELLS)
			return 0;
		n += h->rings[i].cells * sizeof(struct flight_cell);
	}
	return h->kinds > NAMES_MAX ? 0 : n + h->kinds * sizeof(struct flight_name);
}

static int
file_check(struct flight_file *file, size_t size, const char *path, char error[FLIGHT_ERROR_MAX])
{
	struct flight_header *h = &file->header;
	const char *at = file->data;

	if (size < sizeof(*h) || memcmp(at, FLIGHT_MAGIC, sizeof(h->magic)) != 0)
		return bad(error, path, "it is no flight record of jobd");
	memcpy(h, at, sizeof(*h));
	if (h->order != FLIGHT_ORDER)
		return bad(error, path, "it comes from a machine with another order of bytes");
	if (h->version != FLIGHT_VERSION || h->header_bytes != sizeof(*h) || h->cell_bytes != sizeof(struct flight_cell))
		return bad(error, path, "it has the form of another version of jobd, which can read it");
	if (promised(h) == 0 || size < promised(h))
		return bad(error, path, "it is damaged, or was cut short");
	h->program[sizeof(h->program) - 1] = h->reason[sizeof(h->reason) - 1] = '\0';
	at += sizeof(*h);
	for (int i = 0; i < FLIGHT_RINGS; i++) {
		file->cells[i] = (const struct flight_cell *)(const void *)at;
		at += h->rings[i].cells * sizeof(struct flight_cell);
	}
	file->names = (const struct flight_name *)(const void *)at;
	file->present = (const struct flight_cell *)(const void *)(file->names + h->kinds);
	file->present_n = (size - promised(h)) / sizeof(struct flight_cell);
	return 0;
}

int
flight_read(struct flight_file *file, const char *path, char error[FLIGHT_ERROR_MAX])
{
	size_t size = 0, room = 0;
	FILE *in = fopen(path, "re");
	size_t n = 1;
	int r;

	*file = (struct flight_file){ .data = NULL };
	while (in != NULL && n > 0) {
		if (size == room) {
			room = room == 0 ? (size_t)1 << 20 : 2 * room;
			file->data = xrealloc(file->data, room);
		}
		n = fread((char *)file->data + size, 1, room - size, in);
		size += n;
	}
	if (in == NULL || ferror(in)) {
		r = -errno;
		(void)snprintf(error, FLIGHT_ERROR_MAX, "%.150s: %s", path, strerror(errno));
	} else {
		r = file_check(file, size, path, error);
	}
	if (in != NULL)
		(void)fclose(in);
	if (r < 0)
		flight_file_done(file);
	return r;
}

void
flight_file_done(struct flight_file *file)
{
	free(file->data);
	*file = (struct flight_file){ .data = NULL };
}

const char *
flight_kind_name(const struct flight_file *file, uint32_t kind)
{
	for (uint64_t i = 0; i < file->header.kinds; i++) {
		if (file->names[i].id == kind && memchr(file->names[i].name, '\0', sizeof(file->names[i].name)) != NULL)
			return file->names[i].name;
	}
	return "?";
}

/* Are the cells that it promises there, and its own? */
static bool
record_is_whole(const struct flight_cell *c, uint64_t left)
{
	if (c->what <= FLIGHT_MORE || c->what >= FLIGHT_WHAT_COUNT || c->cells == 0 || c->cells > FLIGHT_RECORD_MAX ||
	    c->cells > left)
		return false;
	for (unsigned i = 1; i < c->cells; i++) {
		if (c[i].what != FLIGHT_MORE)
			return false;
	}
	return true;
}

const struct flight_cell *
flight_record(const struct flight_file *file, enum flight_ring_id ring, uint64_t *at)
{
	const uint64_t n = file->header.rings[ring].cells;

	while (*at < n) {
		const struct flight_cell *c = &file->cells[ring][*at];

		/* The oldest may have lost its beginning; the latest may be half noted. */
		if (record_is_whole(c, n - *at)) {
			*at += c->cells;
			return c;
		}
		++*at;
	}
	return NULL;
}

bool
flight_text(const struct flight_cell *record, unsigned rows, unsigned i, char *out, size_t size)
{
	size_t n = 0;

	for (unsigned cell = 1 + rows; cell < record->cells; cell++) {
		for (size_t k = 0; k < sizeof(record->text); k++) {
			char c = record[cell].text[k];

			if (i > 0) {
				i -= c == '\0';
				continue;
			}
			if (n == size)
				return false;
			out[n++] = c;
			if (c == '\0')
				return true;
		}
	}
	return false;
}
