/*
 * heap: a binary min-heap whose nodes know their place, so that removing one that is
 * not the first costs no search.  Keys are kept inside the array: sifting touches no
 * node but to tell it its place.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stddef.h>
#include <stdint.h>

#define HEAP_NONE UINT32_MAX

/* A member of what is in the heap.  Must be HEAP_NONE before heap_insert(). */
struct heap_node {
	uint32_t place;
};

struct heap_entry {
	int64_t			 key;
	struct heap_node	*node;
};

struct heap {
	struct heap_entry	*entries;
	uint32_t		 n;
	uint32_t		 size;
};

static inline int
heap_has(const struct heap_node *node)
{
	return node->place != HEAP_NONE;
}

/* The smallest entry, or NULL.  Equal keys come in no particular order. */
static inline const struct heap_entry *
heap_first(const struct heap *h)
{
	return h->n == 0 ? NULL : &h->entries[0];
}

void heap_insert(struct heap *h, struct heap_node *node, int64_t key);
void heap_remove(struct heap *h, struct heap_node *node);

/* Free the array; nothing may be in it that is used again. */
void heap_done(struct heap *h);

#endif
