/*
 * time: what the scheduler's clockwork costs.
 *
 *	time next		ns a search for the next occurrence, zone and time changes included
 *	time step DIR JOBS	a clock that was set by an hour: so many jobs of elapsed time are
 *				rescheduled; how long it takes, and the loop's largest lag meanwhile
 *
 * A JSON object a line.  The step is real work on the real clock: the store has it that the dues
 * are in line with another one, as after an hour's step while jobd was down.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/base/log.h"
#include "daemon/scheduler/scheduler-internal.h"
#include "proto/mem.h"

#define PROBE_EVERY	USEC_MSEC
#define STEP		USEC_HOUR

static int64_t
nsec_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void
die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(1);
}

/* ---- next ---- */

static const struct {
	const char	*cron, *calendar, *zone;
	bool		 worst;		/* the dearest that are accepted */
} expressions[] = {
	{ "*/5 * * * *", NULL, "Europe/Berlin", false },
	{ "0 * * * *", NULL, "America/New_York", false },
	{ "30 2 * * *", NULL, "Europe/Berlin", false },
	{ "0 3 * * MON-FRI", NULL, "Australia/Lord_Howe", false },
	{ "0 0 1 * *", NULL, "America/Santiago", false },
	{ NULL, "Mon..Fri 09:00", "Europe/Berlin", false },
	{ NULL, "*-*-01 03:00", "Africa/Casablanca", false },
	{ NULL, "quarterly", "UTC", false },
	{ "0 0 29 2 *", NULL, "Europe/Berlin", true },
	{ "0 0 29W 2 *", NULL, "Europe/Berlin", true },
	{ "30 2 29 2 ?", NULL, "Africa/Casablanca", true },
	{ NULL, "Sun *-02-29 02:30", "Africa/Casablanca", true },
	{ NULL, "Sun 2199-*-31 02:30:59.999999", "Europe/Berlin", true },
	{ NULL, "Sat 1970..2199-02~01 23:59", "America/Santiago", true },
	{ NULL, "Mon 2196..2199-02-29", "Asia/Beirut", true },
	{ "59 59 23 31 12 *", NULL, "Pacific/Chatham", true },
};

/* The mean of a walk, and the dearest search of it. */
static void
next_measure(size_t i, struct zones *zones)
{
	struct job_spec spec = { .cron = (char *)(uintptr_t)expressions[i].cron,
		.calendar = (char *)(uintptr_t)expressions[i].calendar,
		.time_zone = (char *)(uintptr_t)expressions[i].zone };
	const char *text = spec.cron != NULL ? spec.cron : spec.calendar;
	instant from = { (int64_t)1798000000 * USEC_SEC };
	int64_t begin, took, dearest = 0;
	struct field_error error;
	struct occurrence o = { from, 0, 0 };
	struct schedule s;
	int n = 0;

	if (schedule_open(&spec, zones, 1, &s, &error) != JOBD_OK) {
		printf("(not accepted: %s: %s)\n", text, error.reason);
		return;
	}
	begin = nsec_now();
	for (int k = 0; k < 200000 && nsec_now() - begin < 200000000; k++) {
		if (!schedule_next(&s, o.due, &o))
			o.due = from;
		n++;
	}
	took = (nsec_now() - begin) / n;
	/* The least of some rounds: what else the machine does is not ours. */
	o.due = from;
	for (int k = 0; k < 300; k++) {
		int64_t least = INT64_MAX;
		struct occurrence next = o;
		bool more = false;

		for (int round = 0; round < 3; round++) {
			begin = nsec_now();
			more = schedule_next(&s, o.due, &next);
			least = nsec_now() - begin < least ? nsec_now() - begin : least;
		}
		dearest = least > dearest ? least : dearest;
		o.due = more ? next.due : from;
	}
	printf("{\"what\":\"next\",\"expression\":\"%s\",\"zone\":\"%s\",\"worst\":%s,\"ns\":%lld,"
	    "\"dearest_ns\":%lld}\n", text, expressions[i].zone,
	    expressions[i].worst ? "true" : "false", (long long)took, (long long)dearest);
	schedule_done(&s);
}

static void
next_all(void)
{
	struct zones *zones = zones_new(NULL);

	for (size_t i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++)
		next_measure(i, zones);
	zones_free(zones);
}

/* ---- step ---- */

struct bench {
	struct task		 root, probe;
	struct loop		*loop;
	struct store		*store;
	struct scheduler	*scheduler;
	size_t			 jobs, added;
	bool			 prepare;
	int64_t			 begin, took;
	usec_t			 at, lag;
	struct op_add		 add;
	struct op_life		 life;
};

static struct bench bench;

static void
add_submit(void)
{
	static struct timer_spec timer = { USEC_SEC };
	static struct job_spec spec = { .every = USEC_DAY, .timer = &timer };
	static struct job_new jobs[ADD_JOBS_MAX];
	instant now = loop_wall(bench.loop);

	for (size_t i = 0; i < ADD_JOBS_MAX; i++)
		jobs[i] = (struct job_new){ .spec = &spec, .summary = "1s",
		    .spec_json = "{\"timer\":{\"durationUSec\":1000000},\"everyUSec\":86400000000}",
		    .due = instant_add(now, 2 * USEC_HOUR + (usec_t)i * USEC_SEC) };
	bench.add = (struct op_add){ .op.kind = OP_ADD, .jobs = jobs, .n = ADD_JOBS_MAX, .now = now };
	bench.added += ADD_JOBS_MAX;
	store_submit(bench.store, &bench.add.op, &bench.root);
}

static void
life_submit(void)
{
	bench.life = (struct op_life){ .op.kind = OP_LIFE, .now = loop_wall(bench.loop),
	    .boot = "bench",
	    .offset = loop_wall(bench.loop).usec - loop_boot(bench.loop) - STEP };
	store_submit(bench.store, &bench.life.op, &bench.root);
}

/* How late is a task that wants to go on each millisecond? */
static enum task_status
probe_step(struct task *t)
{
	TASK_BEGIN(t);

	for (;;) {
		bench.at = loop_clock(t->loop) + PROBE_EVERY;
		SLEEP_UNTIL(t, bench.at);
		if (t->err == -ECANCELED)
			break;
		if (loop_clock(t->loop) - bench.at > bench.lag)
			bench.lag = loop_clock(t->loop) - bench.at;
	}

	TASK_END(t, 0);
}

static enum task_status
root_step(struct task *t)
{
	TASK_BEGIN(t);

	while (bench.prepare && bench.added < bench.jobs) {
		add_submit();
		AWAIT_SHIELDED(t, USEC_NEVER, bench.add.op.done);
	}
	if (bench.prepare) {
		life_submit();
		AWAIT_SHIELDED(t, USEC_NEVER, bench.life.op.done);
	} else {
		while (!scheduler_recovered(bench.scheduler) || bench.scheduler->epoch == 0 ||
		    bench.scheduler->sweep != NULL)
			SLEEP_UNTIL(t, loop_now(t->loop) + PROBE_EVERY);
		bench.took = nsec_now() - bench.begin;
	}

	TASK_END(t, 0);
}

static const struct task_kind root_kind = { .name = "bench", .step = root_step };
static const struct task_kind probe_kind = { .name = "probe", .step = probe_step };

/* One daemon: to fill the store, or to shift what is in it. */
static void
daemon_run(const char *directory, bool prepare)
{
	struct exec_world world = { 0 };
	struct event_hub *events = event_hub_new();
	struct zones *zones = zones_new(NULL);
	char error[STORE_ERROR_MAX];

	bench.prepare = prepare;
	bench.loop = loop_new(LOOP_REAL);
	bench.store = store_open(&(struct store_config){ .directory = directory,
	    .mode = STORE_THREAD }, bench.loop, error);
	if (bench.store == NULL)
		die(error);
	bench.scheduler = scheduler_new(&(struct scheduler_config){ .loop = bench.loop,
	    .store = bench.store, .world = &world, .events = events, .zones = zones,
	    .boot = "bench", .running_max = { 1, 1, 1 } });
	bench.begin = nsec_now();
	task_start_root(&bench.root, &root_kind, bench.loop);
	if (!prepare) {
		task_start(&bench.probe, &probe_kind, &bench.root);
		scheduler_start(bench.scheduler, &bench.root);
	}
	if (loop_run(bench.loop) != 0)
		die("the loop failed");
	scheduler_free(bench.scheduler);
	store_close(bench.store);
	zones_free(zones);
	event_hub_free(events);
	loop_free(bench.loop);
}

int
main(int argc, char *argv[])
{
	log_set_level(0);
	if (argc == 2 && strcmp(argv[1], "next") == 0) {
		next_all();
		return 0;
	}
	if (argc != 4 || strcmp(argv[1], "step") != 0)
		die("usage: time next | time step DIR JOBS");
	bench.jobs = strtoul(argv[3], NULL, 10);
	daemon_run(argv[2], true);
	daemon_run(argv[2], false);
	printf("{\"what\":\"step\",\"jobs\":%zu,\"ms\":%lld,\"lag_us\":%lld}\n", bench.jobs,
	    (long long)(bench.took / 1000000), (long long)bench.lag);
	return 0;
}
