/*
 * simulate [JOBS]: a year of hourly jobs (100 of them), by elapsed time and by the clock of a zone
 * with time changes, each run a minute long: what the simulation takes.  And an hour of a thousand
 * jobs that are due each second and wait for slots: how long a slice may be.  One JSON object a line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/engine/loop.h"
#include "daemon/scheduler/simulate.h"
#include "proto/mem.h"

enum what { ELAPSED, BY_CRON, CROWDED };

struct bench {
	enum what		 what;
	struct task		 root;
	struct task		 neighbour;	/* has its turn after each slice */
	usec_t			 before, longest; /* CPU time between two of its turns */
	struct simulate		 simulate;
	struct simulated	*jobs;
	struct job_spec		*specs;
	size_t			 n;
	struct zones		*zones;
};

/* Of this thread: what others take of the machine is not ours. */
static usec_t
spent(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * USEC_SEC + ts.tv_nsec / 1000;
}

static enum task_status
neighbour_step(struct task *t)
{
	struct bench *f = container_of(t, struct bench, neighbour);

	TASK_BEGIN(t);

	f->before = spent();
	while (!t->cancelled) {
		TASK_YIELD(t);
		if (spent() - f->before > f->longest)
			f->longest = spent() - f->before;
		f->before = spent();
	}
	TASK_END(t, 0);
}

static const struct task_kind neighbour_kind = { .name = "neighbour", .step = neighbour_step };

static enum task_status
root_step(struct task *t)
{
	struct bench *f = container_of(t, struct bench, root);
	static const struct simulate_config year = {
		.from = { (int64_t)1767225600 * USEC_SEC },
		.to = { (int64_t)1798761600 * USEC_SEC },
		.running_max = { 1000, 1000, 1000 }, .runs_max = 100, .columns = 80,
	};
	struct simulate_config config = year;

	TASK_BEGIN(t);

	config.zones = f->zones;
	if (f->what == CROWDED) {
		config.to = instant_add(config.from, USEC_HOUR);
		config.running_max[KIND_TIMER] = 500;
	}
	task_start(&f->neighbour, &neighbour_kind, t);
	simulate_start(&f->simulate, &config, f->jobs, f->n, t);
	AWAIT(t, task_done(&f->simulate.task));
	TASK_END(t, 0);
}

static const struct task_kind root_kind = { .name = "bench", .step = root_step };

static double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
fill(struct bench *f, size_t i)
{
	struct job_spec *spec = &f->specs[i];
	struct field_error error;

	spec->timer = xcalloc(1, sizeof(*spec->timer));
	spec->timer->duration = USEC_MINUTE;
	if (f->what == CROWDED) {
		spec->cron = xstrdup("* * * * * *");
		spec->time_zone = xstrdup("Europe/Berlin");
	} else if (f->what == BY_CRON) {
		spec->cron = xasprintf("%zu * * * *", i % 60);
		spec->time_zone = xstrdup("Europe/Berlin");
	} else {
		spec->every = USEC_HOUR;
		spec->in = (usec_t)(i % 60) * USEC_MINUTE;
	}
	f->jobs[i].id = (int64_t)i + 1;
	f->jobs[i].spec = spec;
	f->jobs[i].lasts = f->what == CROWDED ? 20 * USEC_MINUTE : USEC_MINUTE;
	f->jobs[i].shown = true;
	if (simulated_open(&f->jobs[i], f->zones, &error) != JOBD_OK) {
		fprintf(stderr, "%s: %s\n", error.path, error.reason);
		exit(1);
	}
	simulated_added(&f->jobs[i], (instant){ (int64_t)1767225600 * USEC_SEC });
}

static void
measure(const char *words, size_t n, enum what what)
{
	struct bench *f = xcalloc(1, sizeof(*f));
	struct loop *l = loop_new(LOOP_REAL);
	double before, took;

	f->what = what;
	f->n = n;
	f->jobs = xcalloc(n, sizeof(*f->jobs));
	f->specs = xcalloc(n, sizeof(*f->specs));
	f->zones = zones_new(NULL);
	for (size_t i = 0; i < n; i++)
		fill(f, i);
	before = seconds();
	task_start_root(&f->root, &root_kind, l);
	(void)loop_run(l);
	took = seconds() - before;
	printf("{\"what\":\"%s\",\"runs\":%lld,\"seconds\":%.3f,\"per_second\":%.0f,"
	    "\"slice_max_us\":%lld}\n", words, (long long)f->simulate.began, took,
	    (double)f->simulate.began / took, (long long)f->longest);
	for (size_t i = 0; i < n; i++) {
		simulated_done(&f->jobs[i]);
		job_spec_done(&f->specs[i]);
	}
	simulate_done(&f->simulate);
	zones_free(f->zones);
	free(f->jobs);
	free(f->specs);
	free(f);
	loop_free(l);
}

int
main(int argc, char *argv[])
{
	size_t n = argc > 1 ? (size_t)atoi(argv[1]) : 100;

	if (n < 1 || n > SIMULATE_JOBS_MAX)
		return 2;
	measure("a year of 100 hourly jobs by elapsed time", n, ELAPSED);
	measure("a year of 100 hourly jobs by cron in Berlin", n, BY_CRON);
	measure("an hour of a thousand jobs in line and due each second", SIMULATE_JOBS_MAX, CROWDED);
	return 0;
}
