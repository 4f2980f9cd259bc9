/*
 * measure: see measure.h.
 */
#include "tests/bench/peers/measure.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* Lateness is counted by the microsecond up to 0.1 s, then by the millisecond up to 200 s. */
#define LATE_USEC	100000
#define LATE_MSEC	200000

struct lateness {
	uint32_t	by_usec[LATE_USEC], by_msec[LATE_MSEC];
	uint64_t	n, early;
	int64_t		max, early_max;		/* nsec */
};

void
measure_init(struct measure *m, const char *peer, int argc, char **argv)
{
	*m = (struct measure){
		.peer = peer,
		.argc = argc,
		.argv = argv,
		.random = 0x9E3779B97F4A7C15u,
	};
}

int64_t
now_nsec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * NSEC_SEC + ts.tv_nsec;
}

struct snapshot
snapshot(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (struct snapshot){
		.nsec = now_nsec(),
		.user = (double)r.ru_utime.tv_sec + (double)r.ru_utime.tv_usec / 1e6,
		.sys = (double)r.ru_stime.tv_sec + (double)r.ru_stime.tv_usec / 1e6,
		.nvcsw = r.ru_nvcsw,
		.nivcsw = r.ru_nivcsw,
	};
}

double
measure_wall_nsec(const struct measure *m)
{
	return (double)(m->after.nsec - m->before.nsec);
}

long
proc_status(const char *key)
{
	FILE *file = fopen("/proc/self/status", "r");
	size_t n = strlen(key);
	char line[256];
	long value = -1;

	if (file == NULL)
		return -1;
	while (value < 0 && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, key, n) == 0 && line[n] == ':')
			value = atol(line + n + 1);
	}
	fclose(file);
	return value;
}

int64_t
measure_random(struct measure *m, int64_t low, int64_t high)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return low + (int64_t)(m->random % (uint64_t)(high - low));
}

long
measure_arg(const struct measure *m, const char *key, long otherwise)
{
	size_t n = strlen(key);

	for (int i = 2; i < m->argc; i++) {
		if (strncmp(m->argv[i], key, n) == 0 && m->argv[i][n] == '=')
			return atol(m->argv[i] + n + 1);
	}
	return otherwise;
}

void
late_begin(struct measure *m)
{
	m->late = malloc(sizeof(*m->late));
	if (m->late == NULL)
		abort();
	memset(m->late, 0, sizeof(*m->late));
}

void
late_add(struct measure *m, int64_t due)
{
	struct lateness *l = m->late;
	int64_t nsec = now_nsec() - due;
	uint64_t usec;

	l->n++;
	if (nsec < 0) {
		l->early++;
		l->early_max = -nsec > l->early_max ? -nsec : l->early_max;
		nsec = 0;
	}
	l->max = nsec > l->max ? nsec : l->max;
	usec = (uint64_t)nsec / 1000;
	if (usec < LATE_USEC)
		l->by_usec[usec]++;
	else
		l->by_msec[usec / 1000 < LATE_MSEC ? usec / 1000 : LATE_MSEC - 1]++;
}

static double
late_share(const struct lateness *l, double share)
{
	uint64_t want = (uint64_t)(share * (double)l->n), seen = 0;

	for (unsigned i = 0; i < LATE_USEC; i++) {
		seen += l->by_usec[i];
		if (seen > want)
			return i;
	}
	for (unsigned i = 0; i < LATE_MSEC; i++) {
		seen += l->by_msec[i];
		if (seen > want)
			return i * 1000.0;
	}
	return (double)l->max / 1000;
}

void
measure_sleepers(struct measure *m, int64_t spawned, long left)
{
	snprintf(m->extra, sizeof(m->extra), ",\"spawn_s\":%.6f,\"left\":%ld",
	    (double)(spawned - m->before.nsec) / 1e9, left);
}

void
measure_fires(struct measure *m, long fires)
{
	snprintf(m->extra, sizeof(m->extra), ",\"ops\":%ld", fires);
}

void
measure_ops(struct measure *m, double ops)
{
	snprintf(m->extra, sizeof(m->extra), ",\"ops\":%.0f,\"ns_op\":%.3f", ops,
	    measure_wall_nsec(m) / ops);
}

void
measure_cycles(struct measure *m, double sum, double best, long cycles, long cleaned,
    long rss_first, long left)
{
	snprintf(m->extra, sizeof(m->extra), ",\"ns_op\":%.1f,\"best_ns\":%.1f,\"cleaned\":%ld,"
	    "\"want\":%ld,\"rss_first_kb\":%ld,\"leak\":%ld", sum / (double)cycles, best, cleaned,
	    m->n * cycles, rss_first, left);
}

static void
print_result(const struct measure *m)
{
	const struct snapshot *a = &m->before, *b = &m->after;
	const struct lateness *l = m->late;

	printf("{\"peer\":\"%s\",\"w\":\"%s\",\"n\":%ld,\"wall\":%.6f,\"user\":%.6f,\"sys\":%.6f,"
	    "\"nvcsw\":%ld,\"nivcsw\":%ld,\"threads\":%ld,\"hwm_kb\":%ld,\"rss_kb\":%ld",
	    m->peer, m->workload, m->n, measure_wall_nsec(m) / 1e9, b->user - a->user,
	    b->sys - a->sys, b->nvcsw - a->nvcsw, b->nivcsw - a->nivcsw,
	    proc_status("Threads"), proc_status("VmHWM"), proc_status("VmRSS"));
	if (l != NULL && l->n > 0)
		printf(",\"p50\":%.0f,\"p99\":%.0f,\"p999\":%.0f,\"max\":%.0f,\"early\":%" PRIu64
		    ",\"early_max\":%.1f,\"woke\":%" PRIu64, late_share(l, 0.5),
		    late_share(l, 0.99), late_share(l, 0.999), (double)l->max / 1e3, l->early,
		    (double)l->early_max / 1e3, l->n);
	printf("%s}\n", m->extra);
}

int
measure_run(struct measure *m, const struct workload *table)
{
	const struct workload *w = table;

	while (w->name != NULL && (m->argc < 2 || strcmp(m->argv[1], w->name) != 0))
		w++;
	if (w->name == NULL) {
		fprintf(stderr, "usage: %s w1|w2|w3|w4|w5|w6|w7 [KEY=VALUE...]\n", m->argv[0]);
		return 2;
	}
	m->workload = w->name;
	w->run(m);
	print_result(m);
	free(m->late);
	return 0;
}
