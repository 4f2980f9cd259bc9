/*
 * histogram: see histogram.h.
 */
#include "daemon/base/histogram.h"

/* The largest value that falls into a bucket. */
static uint64_t
bucket_end(unsigned bucket)
{
	unsigned power = (bucket - 8) / 8 + 3, part = (bucket - 8) % 8;

	if (bucket < 8)
		return bucket;
	return ((uint64_t)(8 + part + 1) << (power - 3)) - 1;
}

uint64_t
histogram_share(const struct histogram *h, double share)
{
	uint64_t want = (uint64_t)(share * (double)h->count), seen = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->buckets[i];
		if (seen > want)
			return bucket_end(i) < h->max ? bucket_end(i) : h->max;
	}
	return h->max;
}
