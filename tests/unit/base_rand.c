/*
 * What rand.h promises.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/base/rand.h"

static void
known_state_gives_the_reference_numbers(void **state)
{
	/* The first numbers of the authors' xoshiro256** from the state 1, 2, 3, 4. */
	static const uint64_t expected[] = {
		11520, 0, 1509978240, 1215971899390074240, 1216172134540287360, 607988272756665600,
	};
	struct rand r = { { 1, 2, 3, 4 } };

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_int_equal(rand_next(&r), expected[i]);
}

static void
seed_is_spread_by_splitmix64(void **state)
{
	struct rand r;

	(void)state;
	rand_seed(&r, 0);

	/* The authors' splitmix64 from 0. */
	assert_int_equal(r.s[0], 0xe220a8397b1dcdaf);
	assert_int_equal(r.s[1], 0x6e789e6aa1b965f4);
	assert_int_equal(r.s[2], 0x06c45d188009454f);
	assert_int_equal(r.s[3], 0xf88bb8a8724c81ec);
}

static void
same_seed_gives_the_same_world(void **state)
{
	struct rand a, b;

	(void)state;
	rand_seed(&a, 42);
	rand_seed(&b, 42);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(rand_next(&a), rand_next(&b));
}

static void
random_seeds_differ(void **state)
{
	struct rand a, b;

	(void)state;
	rand_seed_random(&a);
	rand_seed_random(&b);
	assert_int_not_equal(rand_next(&a), rand_next(&b));
}

static void
below_reaches_all_and_nothing_else(void **state)
{
	unsigned count[7] = { 0 };
	struct rand r;

	(void)state;
	rand_seed(&r, 7);
	for (int i = 0; i < 70000; i++) {
		uint64_t x = rand_below(&r, 7);

		assert_true(x < 7);
		count[x]++;
	}
	for (int i = 0; i < 7; i++)
		assert_in_range(count[i], 9500, 10500);
	assert_int_equal(rand_below(&r, 1), 0);
}

static void
below_is_even_where_a_remainder_would_not_be(void **state)
{
	/* Of three quarters of 2^64, a remainder would give the lowest third twice as often. */
	uint64_t n = (uint64_t)3 << 62;
	unsigned low = 0;
	struct rand r;

	(void)state;
	rand_seed(&r, 8);
	for (int i = 0; i < 30000; i++)
		low += rand_below(&r, n) < n / 3;
	assert_in_range(low, 9500, 10500);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_state_gives_the_reference_numbers),
		cmocka_unit_test(seed_is_spread_by_splitmix64),
		cmocka_unit_test(same_seed_gives_the_same_world),
		cmocka_unit_test(random_seeds_differ),
		cmocka_unit_test(below_reaches_all_and_nothing_else),
		cmocka_unit_test(below_is_even_where_a_remainder_would_not_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
