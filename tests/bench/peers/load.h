/*
 * load: what the programs that make checks share: arguments, which check is next, what it took, and one line of
 * JSON.  This is the contract of a checker:
 *
 *	program URL CHECKS WIDTH [KEY=VALUE ...]	unknown keys are ignored
 *
 * makes CHECKS requests of URL, WIDTH at a time, each with a connection of its own, on one thread, and looks at the
 * status of the answer: 200.  ca=FILE: whom to trust, instead of the system's.  It prints one object on one line:
 * what, checks, seconds, per_second, cpu_us (of a check), p50_us and p99_us (how long a check takes), extra_kib (the
 * most resident, beyond what was before the first check), threads (the most), failed; exits 1 when any failed.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <stdint.h>

struct load {
	const char	*url;
	long		 checks, width;
	int		 argc;
	char		**argv;
	long		 begun, ended, failed;
	long		 kib, threads;
	int64_t		 began;			/* nsec */
	double		 cpu;			/* seconds that were used before */
	uint32_t	*took;			/* usec, of each that has ended */
};

/* Before anything is set up: that counts, too.  Wrong arguments end the program. */
void load_begin(struct load *l, int argc, char **argv);

/* The value of a key, or NULL. */
const char *load_option(const struct load *l, const char *key);

/* Is there another check?  Then it begins now. */
bool load_next(struct load *l);

/* One that began then (now_nsec()) is over. */
void load_ended(struct load *l, int64_t since, bool good);

/* Print: what main() returns. */
int load_report(struct load *l, const char *what);

#endif
