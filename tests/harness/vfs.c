/*
 * vfs: see vfs.h.  Writes go to the real file at once, so that they can be read back; beside it
 * each file has its image as of the last sync and a list of the changes since.  When the
 * power fails, the image and a part of the changes become the file.  Creating and
 * deleting a file is durable at once.
 */
#include "tests/harness/vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/must.h"
#include "daemon/base/rand.h"
#include "proto/mem.h"

#define SECTOR 512

/* A write, or (bytes == NULL) a truncate to offset. */
struct change {
	struct change	*next;
	int64_t		 offset;
	size_t		 n;
	char		*bytes;
};

struct image {
	char	*bytes;
	size_t	 n, size;
};

/* A file by its path, whoever has it open. */
struct disk_file {
	struct disk_file *next;
	char		 *path;
	struct image	  synced;
	struct change	 *first, *last;
};

struct vfs {
	sqlite3_vfs	  outer;
	sqlite3_vfs	 *inner;
	pthread_mutex_t	  lock;
	struct disk_file *files;
	unsigned	  counts[VFS_CALLS];
	unsigned	  open;			/* files open now */
	bool		  armed, repeat, hit, dead;
	enum vfs_call	  call;
	unsigned	  left;			/* calls until the fault */
	int		  error;		/* 0: the power fails */
	int64_t		  slow;			/* usec a sync takes */
	struct rand	  rand;
};

struct handle {
	sqlite3_file	  outer;
	struct vfs	 *vfs;
	struct disk_file *file;		/* NULL: not followed */
	sqlite3_file	 *inner;	/* right behind this struct */
};

/* ---- what is on the disk ---- */

static void
image_write(struct image *m, int64_t offset, const char *bytes, size_t n)
{
	size_t end = (size_t)offset + n;

	if (end > m->size) {
		m->size = 2 * end;
		m->bytes = xrealloc(m->bytes, m->size);
	}
	if (end > m->n) {
		memset(m->bytes + m->n, 0, end - m->n);
		m->n = end;
	}
	memcpy(m->bytes + offset, bytes, n);
}

static void
image_truncate(struct image *m, size_t n)
{
	if (n < m->n)
		m->n = n;
}

static void
changes_drop(struct disk_file *f)
{
	struct change *c;

	while ((c = f->first) != NULL) {
		f->first = c->next;
		free(c->bytes);
		free(c);
	}
	f->last = NULL;
}

static void
change_add(struct disk_file *f, int64_t offset, const void *bytes, size_t n)
{
	struct change *c = xcalloc(1, sizeof(*c));

	c->offset = offset;
	c->n = n;
	if (bytes != NULL) {
		c->bytes = xmalloc(n);
		memcpy(c->bytes, bytes, n);
	}
	if (f->last == NULL)
		f->first = c;
	else
		f->last->next = c;
	f->last = c;
}

static void
change_apply(const struct change *c, struct image *m, size_t n)
{
	if (c->bytes == NULL)
		image_truncate(m, (size_t)c->offset);
	else
		image_write(m, c->offset, c->bytes, n);
}

static void
file_synced(struct disk_file *f)
{
	for (const struct change *c = f->first; c != NULL; c = c->next)
		change_apply(c, &f->synced, c->n);
	changes_drop(f);
}

static void
image_load(struct image *m, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char block[65536];
	ssize_t n;

	m->n = 0;
	if (fd < 0)
		return;
	while ((n = read(fd, block, sizeof(block))) > 0)
		image_write(m, (int64_t)m->n, block, (size_t)n);
	close(fd);
}

static void
image_store(const struct image *m, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	MUST(fd >= 0);
	MUST(write(fd, m->bytes == NULL ? "" : m->bytes, m->n) == (ssize_t)m->n);
	close(fd);
}

static struct disk_file *
file_find(struct vfs *v, const char *path)
{
	struct disk_file *f = v->files;

	while (f != NULL && strcmp(f->path, path) != 0)
		f = f->next;
	return f;
}

static void
file_forget(struct vfs *v, struct disk_file *f)
{
	struct disk_file **at = &v->files;

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	changes_drop(f);
	free(f->synced.bytes);
	free(f->path);
	free(f);
}

/* Of what was not synced a part is there: any subset, and one in eight torn. */
static void
power_fails(struct vfs *v)
{
	for (struct disk_file *f = v->files; f != NULL; f = f->next) {
		uint64_t keep = rand_below(&v->rand, 5);	/* of 4: none, ... all */

		for (const struct change *c = f->first; c != NULL; c = c->next) {
			size_t n = c->n;

			if (rand_below(&v->rand, 4) >= keep)
				continue;
			if (c->bytes != NULL && n > SECTOR && rand_below(&v->rand, 8) == 0)
				n = (size_t)rand_below(&v->rand, n / SECTOR) * SECTOR;
			change_apply(c, &f->synced, n);
		}
		changes_drop(f);
		image_store(&f->synced, f->path);
	}
	v->dead = true;
}

/* ---- faults ---- */

/* 0, or the SQLite code that the call is to fail with.  Called with the lock held. */
static int
fault(struct vfs *v, enum vfs_call call)
{
	static const int codes[] = {
		[VFS_OPEN] = SQLITE_CANTOPEN,
		[VFS_WRITE] = SQLITE_IOERR_WRITE,
		[VFS_SYNC] = SQLITE_IOERR_FSYNC,
		[VFS_TRUNCATE] = SQLITE_IOERR_TRUNCATE,
	};

	v->counts[call]++;
	if (v->dead)
		return codes[call];
	if (!v->armed || call != v->call || (v->left > 0 && --v->left > 0))
		return 0;
	v->hit = true;
	if (v->error == 0) {
		power_fails(v);
		return codes[call];
	}
	if (!v->repeat)
		v->armed = false;
	return v->error == -ENOSPC && call != VFS_SYNC ? SQLITE_FULL : codes[call];
}

static int
fault_locked(struct vfs *v, enum vfs_call call)
{
	int rc;

	pthread_mutex_lock(&v->lock);
	rc = fault(v, call);
	pthread_mutex_unlock(&v->lock);
	return rc;
}

/* ---- a file ---- */

static struct handle *
handle_of(sqlite3_file *f)
{
	return (struct handle *)(void *)f;
}

static int
file_close(sqlite3_file *f)
{
	struct handle *h = handle_of(f);

	pthread_mutex_lock(&h->vfs->lock);
	h->vfs->open--;
	pthread_mutex_unlock(&h->vfs->lock);
	return h->inner->pMethods->xClose(h->inner);
}

static int
file_read(sqlite3_file *f, void *out, int n, sqlite3_int64 offset)
{
	struct handle *h = handle_of(f);

	if (h->vfs->dead)
		return SQLITE_IOERR_READ;
	return h->inner->pMethods->xRead(h->inner, out, n, offset);
}

static int
file_write(sqlite3_file *f, const void *bytes, int n, sqlite3_int64 offset)
{
	struct handle *h = handle_of(f);
	int rc;

	pthread_mutex_lock(&h->vfs->lock);
	rc = fault(h->vfs, VFS_WRITE);
	if (rc == SQLITE_OK && h->file != NULL)
		change_add(h->file, offset, bytes, (size_t)n);
	pthread_mutex_unlock(&h->vfs->lock);
	return rc != SQLITE_OK ? rc : h->inner->pMethods->xWrite(h->inner, bytes, n, offset);
}

static int
file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	struct handle *h = handle_of(f);
	int rc;

	pthread_mutex_lock(&h->vfs->lock);
	rc = fault(h->vfs, VFS_TRUNCATE);
	if (rc == SQLITE_OK && h->file != NULL)
		change_add(h->file, size, NULL, 0);
	pthread_mutex_unlock(&h->vfs->lock);
	return rc != SQLITE_OK ? rc : h->inner->pMethods->xTruncate(h->inner, size);
}

static int
file_sync(sqlite3_file *f, int flags)
{
	struct handle *h = handle_of(f);
	int rc;

	(void)flags;
	pthread_mutex_lock(&h->vfs->lock);
	if (h->vfs->slow > 0)
		(void)usleep((useconds_t)h->vfs->slow);
	rc = fault(h->vfs, VFS_SYNC);
	if (rc == SQLITE_OK && h->file != NULL)
		file_synced(h->file);
	pthread_mutex_unlock(&h->vfs->lock);
	return rc;
}

static int
file_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return handle_of(f)->inner->pMethods->xFileSize(handle_of(f)->inner, size);
}

static int
file_lock(sqlite3_file *f, int level)
{
	return handle_of(f)->inner->pMethods->xLock(handle_of(f)->inner, level);
}

static int
file_unlock(sqlite3_file *f, int level)
{
	return handle_of(f)->inner->pMethods->xUnlock(handle_of(f)->inner, level);
}

static int
file_reserved(sqlite3_file *f, int *out)
{
	return handle_of(f)->inner->pMethods->xCheckReservedLock(handle_of(f)->inner, out);
}

static int
file_control(sqlite3_file *f, int op, void *arg)
{
	return handle_of(f)->inner->pMethods->xFileControl(handle_of(f)->inner, op, arg);
}

static int
file_sector(sqlite3_file *f)
{
	(void)f;
	return SECTOR;
}

/* No promise of atomic or ordered writes: what is kept above is any part. */
static int
file_device(sqlite3_file *f)
{
	(void)f;
	return 0;
}

/* Version 1: no shared memory; a log needs locking_mode=EXCLUSIVE then. */
static const sqlite3_io_methods file_methods = {
	.iVersion = 1,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_device,
};

/* ---- the file system ---- */

static struct vfs *
vfs_of(sqlite3_vfs *outer)
{
	return outer->pAppData;
}

static int
fs_open(sqlite3_vfs *outer, const char *path, sqlite3_file *f, int flags, int *out_flags)
{
	struct vfs *v = vfs_of(outer);
	struct handle *h = handle_of(f);
	int rc;

	f->pMethods = NULL;
	rc = fault_locked(v, VFS_OPEN);
	if (rc != SQLITE_OK)
		return rc;
	h->vfs = v;
	h->inner = (sqlite3_file *)(void *)(h + 1);
	rc = v->inner->xOpen(v->inner, path, h->inner, flags, out_flags);
	if (rc != SQLITE_OK)
		return rc;
	f->pMethods = &file_methods;
	v->open++;
	h->file = path == NULL ? NULL : file_find(v, path);
	if (h->file == NULL && path != NULL) {
		h->file = xcalloc(1, sizeof(*h->file));
		h->file->path = xstrdup(path);
		image_load(&h->file->synced, path);
		pthread_mutex_lock(&v->lock);
		h->file->next = v->files;
		v->files = h->file;
		pthread_mutex_unlock(&v->lock);
	}
	return SQLITE_OK;
}

static int
fs_delete(sqlite3_vfs *outer, const char *path, int sync)
{
	struct vfs *v = vfs_of(outer);
	struct disk_file *f;

	if (v->dead)
		return SQLITE_IOERR_DELETE;
	pthread_mutex_lock(&v->lock);
	f = file_find(v, path);
	if (f != NULL)
		file_forget(v, f);
	pthread_mutex_unlock(&v->lock);
	return v->inner->xDelete(v->inner, path, sync);
}

struct vfs *
vfs_new(const char *name)
{
	struct vfs *v = xcalloc(1, sizeof(*v));

	v->inner = sqlite3_vfs_find(NULL);
	MUST(v->inner != NULL);
	/*
	 * What is not wrapped does not touch the files; it takes its VFS for its own, which is a
	 * copy.
	 */
	v->outer = *v->inner;
	v->outer.iVersion = 1;
	v->outer.szOsFile = (int)sizeof(struct handle) + v->inner->szOsFile;
	v->outer.zName = name;
	v->outer.pNext = NULL;
	v->outer.pAppData = v;
	v->outer.xOpen = fs_open;
	v->outer.xDelete = fs_delete;
	pthread_mutex_init(&v->lock, NULL);
	MUST(sqlite3_vfs_register(&v->outer, 0) == SQLITE_OK);
	return v;
}

static void
forget_all(struct vfs *v)
{
	while (v->files != NULL)
		file_forget(v, v->files);
}

void
vfs_free(struct vfs *v)
{
	sqlite3_vfs_unregister(&v->outer);
	forget_all(v);
	pthread_mutex_destroy(&v->lock);
	free(v);
}

static void
arm(struct vfs *v, enum vfs_call call, unsigned n, int error, bool repeat)
{
	MUST(n > 0);
	pthread_mutex_lock(&v->lock);
	v->armed = true;
	v->hit = false;
	v->call = call;
	v->left = n;
	v->error = error;
	v->repeat = repeat;
	pthread_mutex_unlock(&v->lock);
}

void
vfs_fail(struct vfs *v, enum vfs_call call, unsigned n, int error, bool repeat)
{
	MUST(error == -EIO || error == -ENOSPC);
	arm(v, call, n, error, repeat);
}

void
vfs_crash(struct vfs *v, unsigned n, uint64_t seed)
{
	rand_seed(&v->rand, seed);
	arm(v, VFS_SYNC, n, 0, false);
}

void
vfs_slow(struct vfs *v, int64_t usec)
{
	pthread_mutex_lock(&v->lock);
	v->slow = usec;
	pthread_mutex_unlock(&v->lock);
}

void
vfs_heal(struct vfs *v)
{
	pthread_mutex_lock(&v->lock);
	v->armed = false;
	MUST(!v->dead || v->open == 0);
	/* What is on the disk is read anew: it may have been changed behind our back. */
	if (v->open == 0)
		forget_all(v);
	v->dead = false;
	pthread_mutex_unlock(&v->lock);
}

bool
vfs_hit(const struct vfs *v)
{
	return v->hit;
}

unsigned
vfs_count(const struct vfs *v, enum vfs_call call)
{
	return v->counts[call];
}
