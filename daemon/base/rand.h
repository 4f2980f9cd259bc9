/*
 * rand: a seeded generator (xoshiro256**, Blackman and Vigna), for jitter and for
 * simulation: the same seed gives the same world.  Not for secrets.
 */
#ifndef BASE_RAND_H
#define BASE_RAND_H

#include <stdint.h>

struct rand {
	uint64_t s[4];
};

void rand_seed(struct rand *r, uint64_t seed);
void rand_seed_random(struct rand *r);		/* from getrandom(2) */
uint64_t rand_next(struct rand *r);
uint64_t rand_below(struct rand *r, uint64_t n);	/* 0..n-1, without bias; n > 0 */

#endif
