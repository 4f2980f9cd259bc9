/*
 * rand: see rand.h.  xoshiro256** 1.0 by David Blackman and Sebastiano Vigna, whose
 * reference is in the public domain; the state is filled by splitmix64, as they advise, so
 * that seeds that differ little give worlds that differ much.
 */
#include "daemon/base/rand.h"

#include <errno.h>
#include <stddef.h>
#include <sys/random.h>

#include "daemon/base/must.h"

static uint64_t
splitmix64(uint64_t *x)
{
	uint64_t z = (*x += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static uint64_t
rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

void
rand_seed(struct rand *r, uint64_t seed)
{
	/* Four zeroes would be a state without end; splitmix64 never gives four in a row. */
	for (int i = 0; i < 4; i++)
		r->s[i] = splitmix64(&seed);
}

void
rand_seed_random(struct rand *r)
{
	uint64_t seed;
	ssize_t n;

	do
		n = getrandom(&seed, sizeof(seed), 0);
	while (n < 0 && errno == EINTR);
	MUST(n == sizeof(seed));
	rand_seed(r, seed);
}

uint64_t
rand_next(struct rand *r)
{
	uint64_t *s = r->s;
	uint64_t result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

uint64_t
rand_below(struct rand *r, uint64_t n)
{
	uint64_t uneven, x;

	MUST(n > 0);
	/* 2^64 mod n values at the low end would come once too often: draw again. */
	uneven = -n % n;
	do
		x = rand_next(r);
	while (x < uneven);
	return x % n;
}
