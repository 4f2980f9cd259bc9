/*
 * sim: the seeded simulation (STYLE 5.1).  A seed decides everything: what clients ask, how long
 * things take, when the clock is set, when the disk fails and when the daemon dies.  What must
 * always hold is checked where it happens (exec.c, life.c) and after each restart (audit.c).
 *
 *	sim [SEED] [--seeds N] [--steps N] [--slow] [--verbose]
 *
 * Without SEED: 1, 2, ... N.  A failure prints its seed and the last events; the same seed
 * fails again.  The first seed is run twice, and both must go the same way.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "proto/mem.h"
#include "tests/sim/sim.h"

#define STEPS_DEFAULT	120

static bool verbose, slow;

/* ---- the seed, the time, the trace ---- */

usec_t
sim_now(const struct sim *s)
{
	return s->before + (s->life != NULL ? loop_now(s->life->loop) : 0);
}

bool
sim_chance(struct sim *s, unsigned percent)
{
	return rand_below(&s->rand, 100) < percent;
}

usec_t
sim_between(struct sim *s, usec_t from, usec_t to)
{
	return from + (usec_t)rand_below(&s->rand, (uint64_t)(to - from) + 1);
}

void
sim_note(struct sim *s, const char *format, ...)
{
	char *line = s->last[s->last_n++ % SIM_LAST_EVENTS];
	va_list ap;
	int n;

	n = snprintf(line, sizeof(s->last[0]), "%9.3f ", (double)sim_now(s) / (double)USEC_SEC);
	va_start(ap, format);
	(void)vsnprintf(line + n, sizeof(s->last[0]) - (size_t)n, format, ap);
	va_end(ap);
	for (const char *p = line; *p != '\0'; p++)
		s->trace = (s->trace ^ (unsigned char)*p) * 0x100000001b3;
	if (verbose)
		printf("%s\n", line);
}

void
sim_fail(struct sim *s, const char *format, ...)
{
	va_list ap;

	printf("SEED=%" PRIu64 " step=%" PRIu64 " life=%" PRIu64 ": ", s->seed, s->step, s->lives);
	va_start(ap, format);
	(void)vprintf(format, ap);
	va_end(ap);
	printf("\nthe last events:\n");
	for (uint64_t i = s->last_n > SIM_LAST_EVENTS ? s->last_n - SIM_LAST_EVENTS :
	    0; i < s->last_n; i++)
		printf("  %s\n", s->last[i % SIM_LAST_EVENTS]);
	printf("the tasks:\n");
	fflush(stdout);
	if (s->life != NULL && s->life->loop != NULL)
		task_dump(&s->life->root, STDOUT_FILENO, 200);
	exit(1);
}

const struct schedule *
sim_schedule(struct sim *s, struct sim_job *j)
{
	if (!j->read)
		SIM_CHECK(s, schedule_read(j->text, j->every, s->zones, j->id, &j->schedule) == 0,
		    "job %lld has a schedule that is not one: %s", (long long)j->id, j->text);
	j->read = true;
	return &j->schedule;
}

bool
sim_may_expire(struct sim *s, struct sim_job *j)
{
	return s->keep.finished_jobs > 0 && j->id != 0 && !j->on_boot &&
	    !schedule_repeats(sim_schedule(s, j));
}

static void
jobs_done(struct sim *s)
{
	for (size_t i = 0; i < s->jobs_n; i++) {
		if (s->jobs[i].read)
			schedule_done(&s->jobs[i].schedule);
		free(s->jobs[i].spec_json);
		free(s->jobs[i].text);
		terms_done(&s->jobs[i].terms);
	}
}

/* ---- where and when ---- */

/* A world whose clocks are about to be set, or have just been. */
static void
world_draw(struct sim *s)
{
	static const char *const places[] = { "Europe/Berlin", "America/New_York",
		"Australia/Lord_Howe", "Asia/Beirut", "America/Santiago", "Africa/Casablanca",
		"Antarctica/Troll", "Pacific/Chatham" };
	char why[ZONE_ERROR_MAX];
	struct zone_change c;
	const struct zone *z;

	s->place = places[rand_below(&s->rand, sizeof(places) / sizeof(places[0]))];
	z = zones_find(s->zones, s->place, why);
	c.at = 1770000000 + sim_between(s, 0, 3 * 365) * 86400;
	SIM_CHECK(s, z != NULL && zone_next_change(z, c.at, &c), "%s has no changes", s->place);
	s->wall = (instant){ c.at * USEC_SEC + sim_between(s, -3 * USEC_HOUR, USEC_HOUR) };
	sim_note(s, "in %s, whose clock is set from %+d to %+d in %lld s", s->place, c.before, c.after,
	    (long long)(c.at - s->wall.usec / USEC_SEC));
}

/* What is kept: in half of the worlds very little. */
static void
keep_draw(struct sim *s)
{
	struct keep_policy *k = &s->keep;

	if (sim_chance(s, 50))
		return;
	if (sim_chance(s, 70))
		k->runs = 1 + (int64_t)rand_below(&s->rand, 6);
	k->failed = (int64_t)rand_below(&s->rand, 3);
	if (sim_chance(s, 40))
		k->runs_total = 5 + (int64_t)rand_below(&s->rand, 60);
	if (sim_chance(s, 40))
		k->age = sim_between(s, USEC_MINUTE, USEC_DAY);
	if (sim_chance(s, 40))
		k->finished_jobs = k->failed_jobs = sim_between(s, USEC_MINUTE, USEC_DAY);
	if (sim_chance(s, 40))
		k->spans = sim_between(s, USEC_MINUTE, USEC_DAY);
	sim_note(s, "keeps runs=%lld failed=%lld total=%lld age=%lld s, finished jobs %lld s",
	    (long long)k->runs, (long long)k->failed, (long long)k->runs_total,
	    (long long)(k->age / USEC_SEC), (long long)(k->finished_jobs / USEC_SEC));
}

/* ---- a directory in memory, since a seed makes some thousand commits ---- */

static void
directory_make(struct sim *s)
{
	const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	(void)snprintf(s->directory, sizeof(s->directory), "%s/jobd-sim.XXXXXX", base);
	SIM_CHECK(s, mkdtemp(s->directory) != NULL, "no directory: %s", strerror(errno));
}

static void
directory_remove(const struct sim *s)
{
	DIR *d = opendir(s->directory);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		(void)unlinkat(dirfd(d), e->d_name, 0);
	if (d != NULL)
		closedir(d);
	(void)rmdir(s->directory);
}

static int
descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (d != NULL && readdir(d) != NULL)
		n++;
	if (d != NULL)
		closedir(d);
	return n;
}

/* ---- what happens ---- */

/* Nobody is served before: the socket is opened then (daemon/main.c). */
static bool
serves(const struct sim *s)
{
	return !s->life->root.done && scheduler_recovered(s->life->scheduler);
}

/* Look at everything, once recovery is over. */
static void
look(struct sim *s, bool at_rest)
{
	static const struct sim_audit none;
	struct sim_audit a = none;
	struct keeper_stats keep = { .busy = true };

	/* What is looked at must not go meanwhile: the next round is an hour away then. */
	while (!s->life->root.done && (!scheduler_recovered(s->life->scheduler) || keep.busy)) {
		life_run(s, loop_now(s->life->loop) + USEC_SEC);
		scheduler_keep_stats(s->life->scheduler, &keep);
	}
	if (s->life->root.done)
		return;
	s->given_up += (uint64_t)keep.total.runs;
	audit_start(&a, s, at_rest);
	while (!a.task.done && !s->life->root.done)
		life_run(s, loop_now(s->life->loop) + USEC_SEC);
	SIM_CHECK(s, a.task.done && a.i == s->jobs_n, "the audit did not end");
	queues_audit(s);
}

static void
restart(struct sim *s)
{
	usec_t down = sim_chance(s, 50) ? 0 : sim_between(s, 0, sim_chance(s, 20) ?
	    (sim_chance(s, 20) ? 2 * USEC_DAY : 3 * USEC_HOUR) : USEC_MINUTE);
	/* What is set shortly before a boot nobody but the wall clock knows. */
	bool boot = s->steps_n == 0 && sim_chance(s, 20);

	life_end(s);
	if (boot) {
		sim_runner_dies(s);
		s->booted = s->before;
		(void)snprintf(s->boot, sizeof(s->boot), "boot %lld", (long long)++s->boots);
		sim_note(s, "the host is started anew");
	}
	s->before += down;
	s->wall = instant_add(s->wall, down);
	life_start(s);
	look(s, false);
}

static void
advance(struct sim *s, usec_t by)
{
	life_run(s, loop_now(s->life->loop) + by);
	if (s->life->root.done)
		restart(s);
}

static void
set_clock(struct sim *s)
{
	usec_t by = sim_chance(s, 50) ? sim_between(s, -USEC_HOUR, 2 * USEC_HOUR) :
	    sim_between(s, -10 * USEC_SEC, 10 * USEC_SEC);

	if (s->steps_n == SIM_STEPS_MAX)
		return;
	s->steps[s->steps_n++] = by;
	s->stepped = sim_now(s);
	loop_set_wall(s->life->loop, instant_add(loop_wall(s->life->loop), by));
	sim_note(s, "clock set by %lld s", (long long)(by / USEC_SEC));
}

static void
sleep_host(struct sim *s)
{
	usec_t d = sim_between(s, 0, sim_chance(s, 20) ? USEC_DAY : 2 * USEC_HOUR);

	sim_note(s, "the host sleeps for %lld s", (long long)(d / USEC_SEC));
	loop_suspend(s->life->loop, d);
	s->before += d;
	s->slept = sim_now(s);
}

static void
step(struct sim *s)
{
	uint64_t draw = rand_below(&s->rand, 100);

	s->step++;
	if (draw < 50) {
		for (uint64_t n = 1 + rand_below(&s->rand, 3); n > 0 && serves(s); n--)
			client_act(s);
	} else if (draw < 56) {
		s->die_in = 1 + (int64_t)rand_below(&s->rand, 6);
		s->die_after = sim_chance(s, 50);
		sim_note(s, "dies in %lld commits", (long long)s->die_in);
	} else if (draw < 59) {
		s->life->stop = !sim_chance(s, 50);
		s->life->dead = !s->life->stop;
		restart(s);
	} else if (draw < 63) {
		s->fail = 1 + (int64_t)rand_below(&s->rand, 8);
		sim_note(s, "disk fails %lld times", (long long)s->fail);
	} else if (draw < 66) {
		set_clock(s);
	} else if (draw < 68) {
		sleep_host(s);
	} else if (draw < 72) {
		sim_note(s, "the runner dies");
		sim_runner_dies(s);
	}
	if (s->slow)
		advance(s, sim_between(s, 0, sim_chance(s, 15) ? 30 * USEC_DAY : 3 * USEC_DAY));
	else
		advance(s, sim_between(s, 0, sim_chance(s, 15) ? 5 * USEC_MINUTE : 10 * USEC_SEC));
}

/* No more trouble: everything that is due must be done. */
static void
come_to_rest(struct sim *s)
{
	s->quiet = true;
	s->fail = s->die_in = 0;
	for (size_t i = 0; i < s->processes_n; i++) {
		if (s->processes[i].ends > sim_now(s) + USEC_MINUTE)
			s->processes[i].ends = sim_now(s) + USEC_MINUTE;
	}
	/* Nothing may be stuck that a restart would loosen. */
	if (sim_chance(s, 50)) {
		s->life->stop = true;
		life_end(s);
		life_start(s);
	}
	while (!serves(s) && !s->life->root.done)
		life_run(s, loop_now(s->life->loop) + USEC_SEC);
	client_open_queues(s);
	life_run(s, loop_now(s->life->loop) + 10 * USEC_MINUTE);
	look(s, true);
	s->life->stop = true;
	life_end(s);
}

static uint64_t
simulate(uint64_t seed, uint64_t steps, struct sim *s)
{
	int before = descriptors();

	*s = (struct sim){ .seed = seed, .trace = 0xcbf29ce484222325, .slow = slow };
	s->stepped = s->slept = -USEC_DAY;
	(void)strcpy(s->boot, "boot 0");
	rand_seed(&s->rand, seed);
	s->zones = zones_new(NULL);
	queues_begin(s);
	world_draw(s);
	keep_draw(s);
	directory_make(s);
	life_start(s);
	while (s->step < steps)
		step(s);
	come_to_rest(s);
	directory_remove(s);
	free(s->processes);
	s->processes = NULL;
	free(s->pings);
	s->pings = NULL;
	jobs_done(s);
	zones_free(s->zones);
	SIM_CHECK(s, descriptors() == before, "descriptors are left open");
	return s->trace;
}

int
main(int argc, char *argv[])
{
	uint64_t seed = 0, seeds = 0, steps = STEPS_DEFAULT, runs = 0, lives = 0, trace = 0;
	uint64_t retried = 0, crashed = 0, given_up = 0;
	static struct sim s;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc)
			seeds = strtoull(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--steps") == 0 && i + 1 < argc)
			steps = strtoull(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--slow") == 0)
			slow = true;
		else if (strcmp(argv[i], "--verbose") == 0)
			verbose = true;
		else
			seed = strtoull(argv[i], NULL, 10);
	}
	if (!verbose)
		log_set_level(0);	/* trouble is what this is for */
	if (seed == 0 && seeds == 0)
		seeds = 200;
	for (uint64_t k = seed != 0 ? seed : 1, n = 0; n < (seed != 0 && seeds == 0 ? 1 :
	    seeds); k++, n++) {
		trace = simulate(k, steps, &s);
		runs += s.runs;
		lives += s.lives;
		retried += s.retried;
		crashed += s.crashed;
		given_up += s.given_up;
		if (n == 0 && simulate(k, steps, &s) != trace)
			sim_fail(&s, "the same seed went another way");
	}
	printf("%s, %" PRIu64 " lives, %" PRIu64 " runs looked at, %" PRIu64 " given up, %" PRIu64
	    " attempts after the first, %" PRIu64 " dead runners; last trace %016" PRIx64 "\n",
	    "all held", lives, runs, given_up, retried, crashed, trace);
	return 0;
}
