/*
 * load: see load.h.
 */
#include "tests/bench/peers/load.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/bench/peers/measure.h"

static double
cpu_seconds(void)
{
	struct snapshot s = snapshot();

	return s.user + s.sys;
}

void
load_begin(struct load *l, int argc, char **argv)
{
	struct rlimit files;

	if (argc < 4 || atol(argv[2]) < 1 || atol(argv[3]) < 1) {
		fprintf(stderr, "usage: %s URL CHECKS WIDTH [KEY=VALUE ...]\n", argv[0]);
		exit(2);
	}
	*l = (struct load){ .url = argv[1], .checks = atol(argv[2]), .width = atol(argv[3]), .argc = argc, .argv = argv };
	if (l->width > l->checks)
		l->width = l->checks;
	l->took = calloc((size_t)l->checks, sizeof(*l->took));
	if (l->took == NULL)
		abort();
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	(void)signal(SIGPIPE, SIG_IGN);
	l->kib = proc_status("VmRSS");
	l->cpu = cpu_seconds();
	l->began = now_nsec();
}

const char *
load_option(const struct load *l, const char *key)
{
	size_t n = strlen(key);

	for (int i = 4; i < l->argc; i++) {
		if (strncmp(l->argv[i], key, n) == 0 && l->argv[i][n] == '=')
			return l->argv[i] + n + 1;
	}
	return NULL;
}

bool
load_next(struct load *l)
{
	if (l->begun == l->checks)
		return false;
	l->begun++;
	return true;
}

static void
count_threads(struct load *l)
{
	long n = proc_status("Threads");

	l->threads = n > l->threads ? n : l->threads;
}

void
load_ended(struct load *l, int64_t since, bool good)
{
	l->took[l->ended++] = (uint32_t)((now_nsec() - since) / 1000);
	l->failed += !good;
	/* Now and then: it is not for nothing. */
	if (l->ended % 256 == 1)
		count_threads(l);
}

static int
by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

int
load_report(struct load *l, const char *what)
{
	double seconds = (double)(now_nsec() - l->began) / 1e9, cpu = cpu_seconds() - l->cpu;

	qsort(l->took, (size_t)l->ended, sizeof(*l->took), by_size);
	printf("{\"what\":\"%s\",\"checks\":%ld,\"seconds\":%.3f,\"per_second\":%.1f,\"cpu_us\":%.1f,\"p50_us\":%u,"
	    "\"p99_us\":%u,\"extra_kib\":%ld,\"threads\":%ld,\"failed\":%ld}\n", what, l->ended, seconds,
	    (double)l->ended / seconds, cpu * 1e6 / (double)l->ended, l->took[l->ended / 2],
	    l->took[l->ended * 99 / 100], proc_status("VmHWM") - l->kib, l->threads, l->failed);
	free(l->took);
	return l->failed != 0;
}
