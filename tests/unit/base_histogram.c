/*
 * The histogram's error against counting exactly.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/base/histogram.h"

#define VALUES 10000

static void
empty_one_has_no_values(void **state)
{
	struct histogram h = { .count = 0 };

	(void)state;
	assert_int_equal(histogram_share(&h, 0.5), 0);
	assert_int_equal(histogram_share(&h, 1.0), 0);
}

static void
buckets_follow_one_another_without_gap(void **state)
{
	(void)state;
	for (uint64_t v = 1; v < 100000; v++) {
		unsigned before = histogram_bucket(v - 1), bucket = histogram_bucket(v);

		assert_true(bucket == before || bucket == before + 1);
	}
	/* At each power of two a new one begins, up to the last. */
	for (unsigned power = 3; power < 63; power++) {
		uint64_t v = (uint64_t)1 << power;

		assert_int_equal(histogram_bucket(v), histogram_bucket(v - 1) + 1);
		assert_int_equal(histogram_bucket(v), 8 + (power - 3) * 8);
	}
	assert_int_equal(histogram_bucket(INT64_MAX), HISTOGRAM_BUCKETS - 1);
	assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

static void
single_value_is_told_exactly(void **state)
{
	static const uint64_t values[] = { 0, 1, 7, 8, 9, 1000, 123456789, (uint64_t)1 << 62, INT64_MAX };

	(void)state;
	for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct histogram h = { .count = 0 };

		histogram_add(&h, values[i]);
		assert_int_equal(h.count, 1);
		assert_int_equal(h.sum, values[i]);
		assert_int_equal(h.max, values[i]);
		assert_true(histogram_share(&h, 0.5) == values[i]);
	}
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void
share_is_never_too_small_and_at_most_an_eighth_too_large(void **state)
{
	static const double shares[] = { 0, 0.01, 0.5, 0.9, 0.99, 0.999, 1 };
	static uint64_t values[VALUES];
	uint64_t x = (uint64_t)getpid() * 2654435761u + 1;

	(void)state;
	if (getenv("SEED") != NULL)
		x = strtoull(getenv("SEED"), NULL, 10);
	print_message("SEED=%llu\n", (unsigned long long)x);
	for (unsigned bits = 4; bits <= 60; bits += 8) {
		struct histogram h = { .count = 0 };

		for (unsigned i = 0; i < VALUES; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			/* Of every size up to so many bits. */
			values[i] = (x >> (64 - bits)) >> (x % bits);
			histogram_add(&h, values[i]);
		}
		qsort(values, VALUES, sizeof(values[0]), compare);
		for (unsigned i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
			unsigned place = (unsigned)(shares[i] * VALUES);
			uint64_t exact = values[place < VALUES ? place : VALUES - 1];
			uint64_t told = histogram_share(&h, shares[i]);

			assert_true(told >= exact);
			assert_true(told - exact <= exact / 8);
		}
		assert_true(histogram_share(&h, 1) == h.max);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_one_has_no_values),
		cmocka_unit_test(buckets_follow_one_another_without_gap),
		cmocka_unit_test(single_value_is_told_exactly),
		cmocka_unit_test(share_is_never_too_small_and_at_most_an_eighth_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
