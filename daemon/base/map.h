/*
 * map: int64 -> pointer, open addressing.  For what is live: running jobs, tasks by
 * run.  The values are the caller's.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map_slot {
	int64_t	 key;
	void	*value;		/* NULL: free */
};

struct map {
	struct map_slot	*slots;
	size_t		 n;
	size_t		 size;	/* a power of two, or 0 */
};

void *map_get(const struct map *m, int64_t key);		/* or NULL */
void map_set(struct map *m, int64_t key, void *value);		/* replaces; value is not NULL */
void *map_remove(struct map *m, int64_t key);			/* what was there, or NULL */

/* One after another, *position from 0; NULL at the end.  The map must not change meanwhile. */
void *map_next(const struct map *m, size_t *position);

void map_done(struct map *m);

/* A key for a text, not negative (FNV-1a).  Two texts may have the same. */
int64_t map_key(const char *text);

#endif
