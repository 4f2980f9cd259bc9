/*
 * The heap against sorting.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/base/heap.h"
#include "daemon/base/must.h"

#define NODES 1000

struct thing {
	struct heap_node node;
	int64_t		 key;
};

static uint64_t
next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static uint64_t
new_seed(void)
{
	uint64_t seed = (uint64_t)getpid() * 2654435761u + 1;

	if (getenv("SEED") != NULL)
		seed = strtoull(getenv("SEED"), NULL, 10);
	print_message("SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

/* Every node knows its place, no child is smaller than its parent. */
static void
assert_whole(const struct heap *h)
{
	for (uint32_t i = 0; i < h->n; i++) {
		assert_int_equal(h->entries[i].node->place, i);
		assert_int_equal(container_of(h->entries[i].node, struct thing, node)->key, h->entries[i].key);
		assert_true(i == 0 || h->entries[(i - 1) / 2].key <= h->entries[i].key);
	}
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void
taking_the_first_again_and_again_sorts(void **state)
{
	struct thing things[NODES];
	int64_t sorted[NODES];
	struct heap h = { .n = 0 };
	uint64_t x = new_seed();

	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		/* Few different keys in some rounds, so that many are equal. */
		uint64_t range = round % 2 == 0 ? UINT64_MAX : 50;

		for (unsigned i = 0; i < NODES; i++) {
			things[i] = (struct thing){ { HEAP_NONE }, (int64_t)(next_random(&x) % range) - 25 };
			sorted[i] = things[i].key;
			heap_insert(&h, &things[i].node, things[i].key);
		}
		assert_whole(&h);
		qsort(sorted, NODES, sizeof(sorted[0]), compare);
		for (unsigned i = 0; i < NODES; i++) {
			struct heap_node *node = heap_first(&h)->node;

			assert_int_equal(heap_first(&h)->key, sorted[i]);
			heap_remove(&h, node);
			assert_false(heap_has(node));
		}
		assert_null(heap_first(&h));
	}
	heap_done(&h);
	assert_null(heap_first(&h));
}

static void
any_node_may_be_removed_at_any_time(void **state)
{
	struct thing things[NODES];
	struct heap h = { .n = 0 };
	uint64_t x = new_seed();

	(void)state;
	for (unsigned i = 0; i < NODES; i++)
		things[i] = (struct thing){ { HEAP_NONE }, 0 };
	for (unsigned n = 0; n < 20000; n++) {
		struct thing *t = &things[next_random(&x) % NODES];
		int64_t least = INT64_MAX;

		if (heap_has(&t->node)) {
			heap_remove(&h, &t->node);
		} else {
			t->key = (int64_t)(next_random(&x) % 500);
			heap_insert(&h, &t->node, t->key);
		}
		if (n % 50 != 0)
			continue;
		assert_whole(&h);
		for (unsigned i = 0; i < NODES; i++) {
			if (heap_has(&things[i].node) && things[i].key < least)
				least = things[i].key;
		}
		assert_int_equal(heap_first(&h) == NULL ? INT64_MAX : heap_first(&h)->key, least);
	}
	heap_done(&h);
}

static void
extreme_keys_are_kept_apart(void **state)
{
	struct thing low = { { HEAP_NONE }, INT64_MIN }, high = { { HEAP_NONE }, INT64_MAX }, zero = { { HEAP_NONE }, 0 };
	struct heap h = { .n = 0 };

	(void)state;
	heap_insert(&h, &high.node, high.key);
	heap_insert(&h, &zero.node, zero.key);
	heap_insert(&h, &low.node, low.key);
	assert_ptr_equal(heap_first(&h)->node, &low.node);
	heap_remove(&h, &low.node);
	assert_ptr_equal(heap_first(&h)->node, &zero.node);
	heap_remove(&h, &zero.node);
	assert_ptr_equal(heap_first(&h)->node, &high.node);
	heap_done(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taking_the_first_again_and_again_sorts),
		cmocka_unit_test(any_node_may_be_removed_at_any_time),
		cmocka_unit_test(extreme_keys_are_kept_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
