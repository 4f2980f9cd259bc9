/*
 * vfs: a disk that fails when told: SQLite's own VFS, wrapped.  It fails the n-th write, sync,
 * open or truncate; or loses power at the n-th sync, keeping of what was not synced a
 * random part, a write perhaps torn at a sector.  Nothing is really synced: it is quick.
 */
#ifndef HARNESS_VFS_H
#define HARNESS_VFS_H

#include <stdbool.h>
#include <stdint.h>

enum vfs_call { VFS_OPEN, VFS_WRITE, VFS_SYNC, VFS_TRUNCATE, VFS_CALLS };

struct vfs;

/* Register it under a name; one at a time. */
struct vfs *vfs_new(const char *name);
void vfs_free(struct vfs *v);

/*
 * The n-th such call from now on (1: the next) fails with -EIO or -ENOSPC; repeat: and all after
 * it.
 */
void vfs_fail(struct vfs *v, enum vfs_call call, unsigned n, int error, bool repeat);

/* Each sync takes so many usec from now on; 0: none of it. */
void vfs_slow(struct vfs *v, int64_t usec);

/* The power fails at the n-th sync from now on; what survives follows from the seed. */
void vfs_crash(struct vfs *v, unsigned n, uint64_t seed);

/*
 * Everything works again.  After a crash: only once all files are closed.  With all closed, what
 * others have changed in the files since is known afterwards.
 */
void vfs_heal(struct vfs *v);

/* Has the fault come since it was armed? */
bool vfs_hit(const struct vfs *v);

/* Calls so far. */
unsigned vfs_count(const struct vfs *v, enum vfs_call call);

#endif
