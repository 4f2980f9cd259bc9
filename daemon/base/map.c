/*
 * map: see map.h.  Linear probing; a removed slot is closed by shifting back those
 * that were pushed past it, so there are no tombstones and a map that lives for
 * months stays as fast as a new one.  Never fuller than three quarters.
 */
#include "daemon/base/map.h"

#include <stdlib.h>

#include "daemon/base/must.h"
#include "proto/mem.h"

#define MAP_FIRST ((size_t)16)

/* Keys are row numbers, one after another: mix them, or probing would run into long rows. */
static size_t
map_home(const struct map *m, int64_t key)
{
	uint64_t x = (uint64_t)key;

	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93;
	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93;
	return (size_t)(x ^ (x >> 32)) & (m->size - 1);
}

/* Where the key is, or the free slot where it belongs.  There is always a free one. */
static struct map_slot *
map_find(const struct map *m, int64_t key)
{
	size_t i = map_home(m, key);

	while (m->slots[i].value != NULL && m->slots[i].key != key)
		i = (i + 1) & (m->size - 1);
	return &m->slots[i];
}

static void
map_grow(struct map *m)
{
	struct map old = *m;

	m->size = old.size == 0 ? MAP_FIRST : old.size * 2;
	m->slots = xcalloc(m->size, sizeof(*m->slots));
	for (size_t i = 0; i < old.size; i++) {
		if (old.slots[i].value != NULL)
			*map_find(m, old.slots[i].key) = old.slots[i];
	}
	free(old.slots);
}

void *
map_get(const struct map *m, int64_t key)
{
	return m->n == 0 ? NULL : map_find(m, key)->value;
}

void
map_set(struct map *m, int64_t key, void *value)
{
	struct map_slot *slot;

	MUST(value != NULL);
	if (m->n >= m->size / 4 * 3)
		map_grow(m);
	slot = map_find(m, key);
	if (slot->value == NULL)
		m->n++;
	*slot = (struct map_slot){ key, value };
}

void *
map_remove(struct map *m, int64_t key)
{
	size_t mask = m->size - 1, hole, i;
	struct map_slot *slot;
	void *value;

	if (m->n == 0)
		return NULL;
	slot = map_find(m, key);
	value = slot->value;
	if (value == NULL)
		return NULL;
	m->n--;
	hole = i = (size_t)(slot - m->slots);
	for (;;) {
		i = (i + 1) & mask;
		if (m->slots[i].value == NULL)
			break;
		/* It may move into the hole when the hole is not before its home. */
		if (((i - map_home(m, m->slots[i].key)) & mask) >= ((i - hole) & mask)) {
			m->slots[hole] = m->slots[i];
			hole = i;
		}
	}
	m->slots[hole] = (struct map_slot){ 0, NULL };
	return value;
}

void *
map_next(const struct map *m, size_t *position)
{
	while (*position < m->size) {
		void *value = m->slots[(*position)++].value;

		if (value != NULL)
			return value;
	}
	return NULL;
}

void
map_done(struct map *m)
{
	free(m->slots);
	*m = (struct map){ 0 };
}

int64_t
map_key(const char *text)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return (int64_t)(h >> 1);
}
