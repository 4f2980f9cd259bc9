/*
 * measure: what the C programs of the engine's bench share: arguments, lateness, what the kernel
 * counted, and one line of JSON.  This is the contract of a peer, whatever it is written in:
 *
 *	program WORKLOAD [KEY=VALUE ...]	unknown keys are ignored
 *
 *	w1					three waits of 1, 2 and 3 s
 *	w2  n=10000				n tasks sleep 1 to 5 s; n=0 tells the bare size
 *	w3  tasks=2 yields=2500000		tasks that only yield
 *	w4  n=100000 secs=10			n tasks sleep 10 ms to 1 s, again and again
 *	w5  n=100000 settle=1 secs=10		n tasks sleep an hour: what does waiting cost?
 *	w6  pairs=1000 rounds=1000		64 bytes there and back over socket pairs
 *	w7  n=100000 cycles=5			cancel n sleeping tasks, with cleanup, and join
 *
 * It prints one object on one line.  In all: peer w n, wall user sys nvcsw nivcsw of the workload
 * alone (s), threads hwm_kb rss_kb.  w1, w2, w4: lateness as each task reads it after waking,
 * p50 p99 p999 max early_max (usec), early woke (counts).  w3, w4, w6: ops; w3, w6, w7: ns_op.
 * w7: best_ns cleaned want rss_first_kb leak.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdint.h>

#define NSEC_SEC	1000000000
#define NSEC_MSEC	1000000
#define NSEC_HOUR	(3600 * (int64_t)NSEC_SEC)

/* Of w6. */
#define MESSAGE		64

struct lateness;

struct snapshot {
	int64_t	nsec;
	double	user, sys;
	long	nvcsw, nivcsw;
};

struct measure {
	const char	*peer, *workload;
	int		 argc;
	char		**argv;
	uint64_t	 random;
	struct lateness	*late;		/* NULL: this workload has none */
	struct snapshot	 before, after;
	char		 extra[512];	/* ",\"key\":value" of this workload */
	long		 n;
};

struct workload {
	const char	*name;		/* NULL ends the table */
	void		(*run)(struct measure *m);
};

void measure_init(struct measure *m, const char *peer, int argc, char **argv);

/* Run the workload that argv names, and print: what main() returns. */
int measure_run(struct measure *m, const struct workload *table);

long measure_arg(const struct measure *m, const char *key, long otherwise);

/* Uniform in [low, high). */
int64_t measure_random(struct measure *m, int64_t low, int64_t high);

int64_t now_nsec(void);
struct snapshot snapshot(void);
double measure_wall_nsec(const struct measure *m);

/* A number of /proc/self/status, or -1. */
long proc_status(const char *key);

/* Before the first snapshot: the histogram is resident from then on. */
void late_begin(struct measure *m);

/* A task that wanted to wake at due (nsec, CLOCK_MONOTONIC) is awake. */
void late_add(struct measure *m, int64_t due);

/* The extra fields of w1 and w2 (spawned: when all had been started), w4, w3 and w6, w7. */
void measure_sleepers(struct measure *m, int64_t spawned, long left);
void measure_fires(struct measure *m, long fires);
void measure_ops(struct measure *m, double ops);
void measure_cycles(struct measure *m, double sum, double best, long cycles, long cleaned,
    long rss_first, long left);

#endif
