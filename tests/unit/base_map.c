/*
 * What map.h promises; the large test compares with a plain array.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/base/map.h"
#include "daemon/base/rand.h"

#define KEYS 2000

static void
empty_map_has_nothing(void **state)
{
	struct map m = { 0 };
	size_t position = 0;

	(void)state;
	assert_null(map_get(&m, 0));
	assert_null(map_remove(&m, 0));
	assert_null(map_next(&m, &position));
	map_done(&m);
}

static void
any_key_is_kept_and_replaced(void **state)
{
	static const int64_t keys[] = { 0, 1, -1, INT64_MAX, INT64_MIN, (int64_t)1 << 32 };
	struct map m = { 0 };
	int values[6], other;

	(void)state;
	for (size_t i = 0; i < 6; i++)
		map_set(&m, keys[i], &values[i]);
	map_set(&m, keys[3], &other);

	assert_int_equal(m.n, 6);
	for (size_t i = 0; i < 6; i++)
		assert_ptr_equal(map_get(&m, keys[i]), i == 3 ? &other : &values[i]);
	assert_ptr_equal(map_remove(&m, keys[3]), &other);
	assert_null(map_get(&m, keys[3]));
	assert_null(map_remove(&m, keys[3]));
	assert_int_equal(m.n, 5);
	map_done(&m);
	assert_int_equal(m.n, 0);
}

static void
next_visits_each_once(void **state)
{
	struct map m = { 0 };
	int visits[100] = { 0 };
	size_t position = 0;
	int *p;

	(void)state;
	for (int i = 0; i < 100; i++)
		map_set(&m, i * 4096, &visits[i]);
	while ((p = map_next(&m, &position)) != NULL)
		(*p)++;
	for (int i = 0; i < 100; i++)
		assert_int_equal(visits[i], 1);
	map_done(&m);
}

static void
random_changes_agree_with_an_array(void **state)
{
	static char *expected[KEYS], marks[KEYS];
	struct map m = { 0 };
	size_t n = 0;
	struct rand r;

	(void)state;
	rand_seed(&r, 1);
	for (int i = 0; i < 200000; i++) {
		size_t k = rand_below(&r, KEYS);
		int64_t key = (int64_t)k * (k % 2 == 0 ? 1 : 1 << 20);

		/* More goes in for a while, then more goes out. */
		if (rand_below(&r, 100) < ((i / 20000) % 2 == 0 ? 70 : 30)) {
			n += expected[k] == NULL;
			expected[k] = &marks[rand_below(&r, KEYS)];
			map_set(&m, key, expected[k]);
		} else {
			n -= expected[k] != NULL;
			assert_ptr_equal(map_remove(&m, key), expected[k]);
			expected[k] = NULL;
		}
		assert_int_equal(m.n, n);
		if (i % 1000 == 0) {
			for (size_t j = 0; j < KEYS; j++)
				assert_ptr_equal(map_get(&m, (int64_t)j * (j % 2 == 0 ? 1 : 1 << 20)), expected[j]);
		}
	}
	map_done(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_map_has_nothing),
		cmocka_unit_test(any_key_is_kept_and_replaced),
		cmocka_unit_test(next_visits_each_once),
		cmocka_unit_test(random_changes_agree_with_an_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
