/*
 * admin: Stats: the numbers of the daemon, answered in one step.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/engine/leaks.h"
#include "daemon/engine/watchdog.h"
#include "daemon/server/method.h"
#include "proto/json.h"

/* ---- Stats ---- */

static void
set_instant(struct cJSON *to, const char *name, instant i)
{
	char text[WHEN_TEXT_MAX];

	if (instant_is_set(i))
		json_set_string(to, name, instant_print(i, text));
}

/* A histogram whose unit is 1/divisor usec. */
static void
set_histogram(struct cJSON *to, const char *name, const struct histogram *h, uint64_t divisor)
{
	struct cJSON *o = json_object();

	json_set_int(o, "count", (long long)h->count);
	json_set_int(o, "sumUSec", (long long)(h->sum / divisor));
	json_set_int(o, "p50USec", (long long)(histogram_share(h, 0.5) / divisor));
	json_set_int(o, "p99USec", (long long)(histogram_share(h, 0.99) / divisor));
	json_set_int(o, "maxUSec", (long long)(h->max / divisor));
	json_set(to, name, o);
}

/* The process, from /proc, which needs no disk. */
static void
set_process(struct cJSON *to)
{
	struct rusage usage;
	long long pages = 0, threads = 0;
	char line[128];
	FILE *file;

	file = fopen("/proc/self/statm", "re");
	if (file != NULL) {
		if (fscanf(file, "%*s %lld", &pages) != 1)
			pages = 0;
		fclose(file);
	}
	file = fopen("/proc/self/status", "re");
	while (file != NULL && threads == 0 && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, "Threads:", 8) == 0)
			threads = strtoll(line + 8, NULL, 10);
	}
	if (file != NULL)
		fclose(file);
	json_set_int(to, "threads", threads);
	json_set_int(to, "residentBytes", pages * sysconf(_SC_PAGESIZE));
	getrusage(RUSAGE_SELF, &usage);
	json_set_int(to, "cpuUSec", (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * USEC_SEC +
	    usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void
set_engine(struct cJSON *to, const struct loop *l)
{
	json_set_int(to, "tasks", (long long)l->stats.tasks);
	json_set_int(to, "timers", l->timers.n);
	json_set_int(to, "ticks", (long long)l->stats.ticks);
	json_set_int(to, "steps", (long long)l->stats.steps);
	set_histogram(to, "lag", &l->stats.lag, 1);
	set_histogram(to, "readyWait", &l->stats.ready_wait, 1);
	set_histogram(to, "step", &l->stats.step, 1000);
	json_set_int(to, "timersFired", (long long)l->stats.timers_fired);
	json_set_int(to, "descriptors", leaks_watched(l));
	json_set_int(to, "blocked", (long long)watchdog_count(l, BLOCK_STEP));
	json_set_int(to, "starved", (long long)watchdog_count(l, BLOCK_STARVED));
	json_set_int(to, "stopped", (long long)watchdog_count(l, BLOCK_STOPPED));
}

static void
set_store(struct cJSON *to, struct store *s)
{
	struct store_stats stats;

	store_stats(s, &stats);
	json_set_int(to, "commits", (long long)stats.commits);
	json_set_int(to, "ops", (long long)stats.ops);
	json_set_int(to, "opsWaiting", stats.waiting);
	json_set_int(to, "commitsFailed", (long long)stats.failures);
	set_histogram(to, "commit", &stats.commit, 1);
	if (stats.error[0] != '\0')
		json_set_string(to, "storeError", stats.error);
	json_set_int(to, "databaseBytes", stats.sizes.database);
	json_set_int(to, "databaseFreeBytes", stats.sizes.free);
	json_set_int(to, "logBytes", stats.sizes.log);
	json_set_int(to, "runsStored", stats.sizes.runs);
	json_set_int(to, "outputBytes", stats.sizes.output);
}

static void
set_retention(struct cJSON *to, const struct scheduler *s)
{
	struct keeper_stats stats;

	scheduler_keep_stats(s, &stats);
	set_instant(to, "retentionAt", stats.last);
	json_set_int(to, "jobsGivenUp", stats.total.jobs);
	json_set_int(to, "runsGivenUp", stats.total.runs);
	json_set_int(to, "outputBytesGivenUp", stats.total.output_bytes);
}

static void
set_scheduler(struct cJSON *to, const struct scheduler *s)
{
	struct scheduler_stats stats;
	struct drain_info drain;

	scheduler_stats(s, &stats);
	scheduler_drain_info(s, &drain);
	json_set_int(to, "windowJobs", stats.window_jobs);
	set_instant(to, "windowUntil", stats.window_until);
	json_set_int(to, "running", stats.running);
	json_set_int(to, "queued", stats.queued);
	json_set_int(to, "retrying", stats.retrying);
	drain_tell(to, &drain);
	if (instant_is_set(drain.since))
		json_set_int(to, "drainedRunning", drain.running);
	json_set_int(to, "runsStarted", (long long)stats.started);
	json_set_int(to, "runsSucceeded", (long long)stats.succeeded);
	json_set_int(to, "runsFailed", (long long)stats.failed);
	json_set_int(to, "skips", (long long)stats.skips);
}

static void
set_server(struct cJSON *to, const struct server *s)
{
	struct service_stats stats;
	struct runner_stats runner = { 0 };

	service_stats(s->service, &stats);
	json_set_int(to, "connections", stats.connections);
	json_set_int(to, "calls", (long long)stats.calls);
	json_set_int(to, "watchers", event_watchers(s->events));
	if (s->runner != NULL)
		runner_stats(s->runner, &runner);
	json_set_bool(to, "runnerConnected", runner.connected);
	if (runner.connected)
		json_set_int(to, "runnerPid", runner.pid);
	json_set_int(to, "runnerWanted", runner.wanted);
}

static enum task_status
stats_step(struct task *t)
{
	struct call *c = container_of(t, struct call, task);
	struct server *s = server_of(c);
	struct cJSON *reply;

	TASK_BEGIN(t);
	reply = json_object();
	json_set_string(reply, "version", s->version);
	json_set_int(reply, "pid", getpid());
	set_instant(reply, "startedAt", s->started);
	json_set_int(reply, "uptimeUSec", loop_now(t->loop) - s->begun);
	set_process(reply);
	set_engine(reply, s->loop);
	set_store(reply, s->store);
	set_scheduler(reply, s->scheduler);
	set_retention(reply, s->scheduler);
	set_server(reply, s);
	call_reply(c, reply);
	TASK_END(t, 0);
}

static const struct task_kind stats_kind = { .name = "Stats", .step = stats_step,
    .release = call_release };

const struct method method_stats = {
	.name = "io.jobd.Stats",
	.flags = METHOD_LAST,
	.frame_size = sizeof(struct call),
	.kind = &stats_kind,
};
