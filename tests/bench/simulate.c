/*
 * simulate [JOBS]: a year of hourly jobs (100 of them), by elapsed time and by the clock of a zone
 * with time changes, each run a minute long: what the simulation takes.  One JSON object a line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/engine/loop.h"
#include "daemon/scheduler/simulate.h"
#include "proto/mem.h"

struct bench {
	struct task		 root;
	struct simulate		 simulate;
	struct simulated	*jobs;
	struct job_spec		*specs;
	size_t			 n;
	struct zones		*zones;
};

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
fill(struct bench *f, size_t i, bool cron)
{
	struct job_spec *spec = &f->specs[i];
	struct field_error error;

	spec->timer = xcalloc(1, sizeof(*spec->timer));
	spec->timer->duration = USEC_MINUTE;
	if (cron) {
		spec->cron = xasprintf("%zu * * * *", i % 60);
		spec->time_zone = xstrdup("Europe/Berlin");
	} else {
		spec->every = USEC_HOUR;
		spec->in = (usec_t)(i % 60) * USEC_MINUTE;
	}
	f->jobs[i].id = (int64_t)i + 1;
	f->jobs[i].spec = spec;
	f->jobs[i].lasts = USEC_MINUTE;
	f->jobs[i].shown = true;
	if (simulated_open(&f->jobs[i], f->zones, &error) != JOBD_OK) {
		fprintf(stderr, "%s: %s\n", error.path, error.reason);
		exit(1);
	}
	simulated_added(&f->jobs[i], (instant){ (int64_t)1767225600 * USEC_SEC });
}

static void
measure(const char *what, size_t n, bool cron)
{
	struct bench *f = xcalloc(1, sizeof(*f));
	struct loop *l = loop_new(LOOP_REAL);
	double before, took;

	f->n = n;
	f->jobs = xcalloc(n, sizeof(*f->jobs));
	f->specs = xcalloc(n, sizeof(*f->specs));
	f->zones = zones_new(NULL);
	for (size_t i = 0; i < n; i++)
		fill(f, i, cron);
	before = seconds();
	task_start_root(&f->root, &root_kind, l);
	(void)loop_run(l);
	took = seconds() - before;
	printf("{\"what\":\"%s\",\"runs\":%lld,\"seconds\":%.3f,\"per_second\":%.0f,"
	    "\"slice_p99_us\":%.1f,\"slice_max_us\":%.1f}\n", what, (long long)f->simulate.began, took,
	    (double)f->simulate.began / took, (double)histogram_share(&l->stats.step, 0.99) / 1e3,
	    (double)l->stats.step.max / 1e3);
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
	measure("a year of 100 hourly jobs by elapsed time", n, false);
	measure("a year of 100 hourly jobs by cron in Berlin", n, true);
	return 0;
}
