/*
 * heap: see heap.h.  A hole is moved instead of swapping entries: each level costs one
 * 16-byte copy and one store into the node.
 */
#include "daemon/base/heap.h"

#include <stdlib.h>

#include "daemon/base/must.h"
#include "proto/mem.h"

static inline void
put(struct heap *h, uint32_t place, struct heap_entry e)
{
	h->entries[place] = e;
	e.node->place = place;
}

/* Let e find its level from a hole at place, towards the root. */
static void
sift_up(struct heap *h, uint32_t place, struct heap_entry e)
{
	while (place > 0) {
		uint32_t parent = (place - 1) / 2;

		if (h->entries[parent].key <= e.key)
			break;
		put(h, place, h->entries[parent]);
		place = parent;
	}
	put(h, place, e);
}

/* The same, towards the leaves. */
static void
sift_down(struct heap *h, uint32_t place, struct heap_entry e)
{
	for (;;) {
		uint32_t child = 2 * place + 1;

		if (child >= h->n)
			break;
		if (child + 1 < h->n && h->entries[child + 1].key < h->entries[child].key)
			child++;
		if (e.key <= h->entries[child].key)
			break;
		put(h, place, h->entries[child]);
		place = child;
	}
	put(h, place, e);
}

void
heap_insert(struct heap *h, struct heap_node *node, int64_t key)
{
	MUST(!heap_has(node));
	if (h->n == h->size) {
		MUST(h->size < HEAP_NONE / 2);
		h->size = h->size == 0 ? 64 : h->size * 2;
		h->entries = xrealloc(h->entries, h->size * sizeof(*h->entries));
	}
	h->n++;
	sift_up(h, h->n - 1, (struct heap_entry){ key, node });
}

void
heap_remove(struct heap *h, struct heap_node *node)
{
	uint32_t place = node->place;
	struct heap_entry last;

	MUST(place < h->n && h->entries[place].node == node);
	node->place = HEAP_NONE;
	last = h->entries[--h->n];
	if (place == h->n)
		return;
	if (place > 0 && last.key < h->entries[(place - 1) / 2].key)
		sift_up(h, place, last);
	else
		sift_down(h, place, last);
}

void
heap_done(struct heap *h)
{
	free(h->entries);
	*h = (struct heap){ 0 };
}
