/*
 * jobctl status: how things stand, in words; of jobd, or of one job.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/ask.h"
#include "client/attempts.h"
#include "client/call.h"
#include "client/client.h"
#include "client/health.h"
#include "client/history.h"
#include "client/outcome.h"
#include "client/progress.h"
#include "client/runs.h"
#include "client/value.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "proto/types.h"

static int status_run(struct client *c);

const struct command cmd_status = {
	.name = "status",
	.usage = "[JOB|RUN]",
	.summary = "Tell how jobd, a job or a run is doing",
	.examples = "  jobctl status\n  jobctl status backup\n  jobctl status 12.3\n",
	.words_field = "job",
	.words_name = "JOB or RUN",
	.words_max = 1,
	.one_job = true,
	.run = status_run,
};

#define NEXT_SHOWN	5	/* due next, and failed last */
#define LIST_PAGE	1000
#define QUEUED_TOLD	10	/* runs behind the one that is told */

/* Skipped so often in a row, a job is blocked by its own run. */
#define OVERLAPS_TOLD	3

/* ---- one job ---- */

static bool
is_past(const struct output *o, const char *wire)
{
	instant at;

	return instant_parse(wire, &at) == 0 && at.usec <= o->now.usec;
}

static void
next_told(const struct output *o, const struct cJSON *job)
{
	const char *due = json_get_string(job, "nextDue"), *state = value_text(job, "state");
	char *whole = text_instant(o, due), *relative = text_relative(o, due);
	bool retrying = strcmp(state, "retrying") == 0;
	char *waits = json_get(job, "waitsFor") ? text_escape(value_text(job, "waitsFor")) : NULL;

	if (due && strcmp(state, "queued") == 0 && is_past(o, due))
		printf("It has been due since %s and waits for its turn: jobctl why %lld tells for what.\n",
		    whole, json_get_int(job, "id", 0));
	else if (due && (strcmp(state, "paused") == 0 || strcmp(state, "quarantined") == 0))
		printf("Its next time is %s (%s), if it is resumed.\n", relative, whole);
	else if (due && strcmp(value_text(job, "kind"), "heartbeat") == 0)
		printf("The next ping is expected %s, by %s.\n", relative, whole);
	else if (due)
		printf("The next run is due %s (%s).\n", relative, whole);
	else if (strcmp(state, "blocked") == 0)
		printf("It %s.\n", waits ? waits : "waits for others");
	else if (json_get_bool(json_get(job, "spec"), "onBoot", false))
		puts("It runs at the next start of the host.");
	else if (retrying || strcmp(state, "running") == 0 || strcmp(state, "queued") == 0)
		puts("After this run nothing more will happen by itself.");
	else
		printf("Nothing more will happen by itself%s%s.\n", waits ? ": " : "", waits ? waits : "");
	free(waits);
	free(whole);
	free(relative);
}

/* What it took to end it, when it did not by itself. */
static void
ending_told(const struct cJSON *run)
{
	long long n = json_get_int(run, "leftovers", 0);
	const char *by = json_get_string(run, "endedBy");

	if (n > 0)
		printf("It left %lld process%s behind%s%s.\n", n, n == 1 ? "" : "es",
		    by ? ", ended by " : "", by ? by : "");
	else if (by && strcmp(by, "KILL") == 0)
		puts("It did not end when asked to, and was killed.");
}

/* That it has been asked to end, and when it is made to. */
static void
canceling_told(const struct output *o, const struct cJSON *run)
{
	const char *at = json_get_string(run, "termSentAt"), *kill = json_get_string(run, "killAt");
	char *sent = text_relative(o, at), *comes = text_relative(o, kill);
	char *by = text_escape(value_text(run, "canceledBy"));

	printf("It is being canceled by %s", by);
	if (at && kill)
		printf(": TERM was sent %s, KILL %s %s", sent, is_past(o, kill) ? "was due" : "comes", comes);
	puts(".");
	free(sent);
	free(comes);
	free(by);
}

/* "Run 12.3 failed (exit 1)", or what a check has found. */
static void
run_state_told(const struct output *o, const struct cJSON *run)
{
	const char *state = value_text(run, "state"), *verdict = value_text(run, "verdict");
	bool found = run_final(run) && *verdict;
	char *label = run_label(run), *words = word_print(found ? verdict : state), *result = outcome_text(run);
	const char *how = found ? "found it " : "is ";

	if (found && strcmp(verdict, "inconclusive") == 0)
		how = "was ";
	else if (!found && run_final(run))
		how = "";
	printf("Run %s %s%s%s%s", label, how, color_of(o, found ? verdict : state), words, color_off(o));
	if ((found || strcmp(state, "failed") == 0) && strcmp(result, words) != 0 && strcmp(result, "ok") != 0 &&
	    strcmp(result, "failed") != 0)
		printf(" (%s)", result);
	free(label);
	free(words);
	free(result);
}

static void
last_told(const struct output *o, const struct cJSON *run)
{
	char *took = run_took(o, run);
	const char *state = value_text(run, "state"), *at = json_get_string(run, "endedAt");
	const char *again = json_get_string(run, "retryAt");
	char *far = progress_text(o, run), *when, *why, *next, *by;

	if (!at)
		at = json_get_string(run, "startedAt");
	when = text_relative(o, at ? at : json_get_string(run, "due"));
	by = text_escape(value_text(run, "canceledBy"));
	why = text_escape(outcome_reason(run) ? outcome_reason(run) : "");
	run_state_told(o, run);
	if (at)
		printf("%s %s", run_final(run) ? "" : ", started", when);
	if (*took)
		printf(", %s %s", run_final(run) ? "after" : "for", took);
	if (run_final(run) && *by)
		printf(", by %s", by);
	printf("%s%s.\n", *why ? ": " : "", why);
	if (run_canceling(run))
		canceling_told(o, run);
	if (far) {
		char *shown = text_escape(far);

		printf("Progress: %s.\n", shown);
		free(shown);
	}
	free(far);
	if (again) {
		next = text_relative(o, again);
		printf("Attempt %lld comes %s.\n", json_get_int(run, "attempt", 0) + 1, next);
		free(next);
	} else if (strcmp(state, "retrying") == 0) {
		puts("Its next attempt is held back: the job is paused.");
	}
	ending_told(run);
	free(took);
	free(when);
	free(why);
	free(by);
}

/* A check that is asking just now has a verdict all the same: the one before. */
static void
verdict_before_told(const struct output *o, const struct cJSON *runs, const struct cJSON *last)
{
	const struct cJSON *run;

	if (!last || run_final(last))
		return;
	for (run = json_first(runs); run; run = json_next(run)) {
		if (run_final(run) && *value_text(run, "verdict")) {
			last_told(o, run);
			return;
		}
	}
}

/* The runs that wait behind it, as far as they were told. */
static void
queued_told(const struct cJSON *runs, const struct cJSON *last)
{
	struct buf text = { 0 };
	const struct cJSON *run;
	size_t n = 0;

	for (run = json_first(runs); run && n <= QUEUED_TOLD; run = json_next(run)) {
		char *label;

		if (strcmp(value_text(run, "state"), "queued") != 0 ||
		    json_get_int(run, "run", 0) == json_get_int(last, "run", 0))
			continue;
		label = n == QUEUED_TOLD ? xstrdup("and others") : run_label(run);
		buf_printf(&text, "%s%s", n++ > 0 ? ", " : "", label);
		free(label);
	}
	if (n > 0)
		printf("Queued: %s.\n", buf_string(&text));
	buf_done(&text);
}

static void
job_told(const struct output *o, const struct cJSON *job)
{
	const char *state = value_text(job, "state");
	char *label = job_label(job), *word = word_print(state);

	printf("Job %s is %s%s%s.\n", label, color_of(o, state), word, color_off(o));
	if (strcmp(state, "quarantined") == 0)
		printf("It was lost %lld times in a row: jobctl resume or retry lets it go on.\n",
		    json_get_int(job, "crashes", 0));
	next_told(o, job);
	free(label);
	free(word);
}

/* Of a heartbeat: has its work been heard of as it should? */
static void
heartbeat_told(const struct output *o, const struct cJSON *job)
{
	const struct cJSON *last = json_get(job, "lastRun"), *ping = json_get(last, "ping");
	usec_t grace = json_get_int(json_get(job, "spec"), "graceUSec", 0);
	char *at = text_relative(o, json_get_string(ping, "at")), *end, text[WHEN_TEXT_MAX];
	const char *state = value_text(last, "state"), *due = json_get_string(last, "due");
	instant until;

	if (heartbeat_late(job) && due && instant_parse(due, &until) == 0) {
		until = instant_add(until, grace > 0 ? grace : HEARTBEAT_GRACE_DEFAULT);
		end = text_instant(o, instant_print(until, text));
		printf("It is late: no ping has come by its due. Its grace is over at %s.\n", end);
		free(end);
	} else if (ping && strcmp(state, "running") == 0) {
		printf("It said %s that it begins, and has not said that it is done.\n", at);
	} else if (ping && strcmp(state, "succeeded") == 0) {
		printf("It is in time: the last ping came %s.\n", at);
	} else if (!last) {
		puts("No ping has come yet.");
	}
	free(at);
}

static int
status_one_run(struct client *c)
{
	const struct cJSON *run;
	struct cJSON *reply;
	int r = attempts_get(c, c->args.words[0], &reply, &run);

	if (r == 0 && c->out.json) {
		output_json(run);
	} else if (r == 0) {
		last_told(&c->out, run);
		attempts_print(&c->out, run);
	}
	json_free(reply);
	return r;
}

/* The check that it depends on; one that has been removed meanwhile is not told. */
static void
parent_told(const struct client *c, const struct cJSON *job)
{
	long long on = json_get_int(job, "dependsOn", 0);
	struct cJSON *parameters;
	struct answer a;
	char id[32];

	if (on == 0)
		return;
	(void)snprintf(id, sizeof(id), "%lld", on);
	parameters = json_object();
	json_set_string(parameters, "job", id);
	json_set_int(parameters, "runs", 0);
	if (ask(c, "io.jobd.Get", parameters, &a) == 0)
		health_parent_told(&c->out, json_get(a.parameters, "job"));
	answer_done(&a);
	json_free(parameters);
}

static int
status_job(struct client *c)
{
	struct cJSON *reply = NULL;
	const struct cJSON *job, *last;
	int r;

	json_set_string(c->args.parameters, "job", c->args.words[0]);
	json_set_int(c->args.parameters, "runs", QUEUED_TOLD + 2);
	r = call_once(c, "io.jobd.Get", c->args.parameters, &reply);
	if (r == 0 && !c->out.json) {
		job = json_get(reply, "job");
		last = json_get(job, "lastRun");
		job_told(&c->out, job);
		health_told(&c->out, job);
		if (strcmp(value_text(job, "kind"), "heartbeat") == 0)
			heartbeat_told(&c->out, job);
		parent_told(c, job);
		if (last)
			last_told(&c->out, last);
		else if (strcmp(value_text(job, "kind"), "heartbeat") != 0)
			puts("It has not run yet.");
		verdict_before_told(&c->out, json_get(reply, "runs"), last);
		queued_told(json_get(reply, "runs"), last);
		if (json_get_int(job, "overlaps", 0) >= OVERLAPS_TOLD)
			printf("It is blocked by its own run: skipped %lld times in a row.\n",
			    json_get_int(job, "overlaps", 0));
		if (json_get_int(job, "skips", 0) > 0)
			printf("Skipped so far: %lld.\n", json_get_int(job, "skips", 0));
	}
	if (r == 0)
		r = history_of(c, c->args.words[0], 2);
	json_free(reply);
	return r;
}

/* ---- all ---- */

/* Somebody wants nothing to begin. */
static void
drain_told(const struct output *o, const struct cJSON *stats)
{
	const char *since = json_get_string(stats, "drainedSince");
	long long running = json_get_int(stats, "drainedRunning", 0), waiting = json_get_int(stats, "queued", 0);
	char *when;

	if (!since)
		return;
	when = text_instant(o, since);
	printf("%sjobd is drained since %s by %s: %lld run%s on, %lld wait%s; jobctl drain --off ends it%s\n",
	    color_of(o, "paused"), when, value_text(stats, "drainedBy"), running, running == 1 ? " goes" : "s go", waiting,
	    waiting == 1 ? "s" : "", color_off(o));
	free(when);
}

static void
daemon_told(const struct output *o, const struct cJSON *stats)
{
	char *shown = text_escape(value_text(stats, "version"));
	char *up = text_duration(json_get_int(stats, "uptimeUSec", 0));
	char *memory = text_bytes(json_get_int(stats, "residentBytes", 0));
	char *trouble = text_escape(value_text(stats, "storeError"));

	printf("%sjobd %s%s, pid %lld, up %s, %s resident\n", color_bold(o), shown, color_off(o),
	    json_get_int(stats, "pid", 0), up, memory);
	printf("running %lld, queued %lld, retrying %lld; succeeded %lld, failed %lld,"
	    " skipped %lld since then\n", json_get_int(stats, "running", 0),
	    json_get_int(stats, "queued", 0), json_get_int(stats, "retrying", 0),
	    json_get_int(stats, "runsSucceeded", 0), json_get_int(stats, "runsFailed", 0),
	    json_get_int(stats, "skips", 0));
	drain_told(o, stats);
	if (*trouble)
		printf("%sthe store has trouble: %s%s\n", color_of(o, "failed"), trouble,
		    color_off(o));
	if (!json_get_bool(stats, "runnerConnected", 1) && json_get_int(stats, "runnerWanted", 1) > 0)
		printf("%sjobd-runner is not connected: commands wait%s\n", color_of(o, "failed"),
		    color_off(o));
	free(shown);
	free(up);
	free(memory);
	free(trouble);
}

static void
next_print(const struct output *o, const struct cJSON *jobs)
{
	static const struct column columns[] = {
		{ "ID", COLUMN_RIGHT }, { "NAME", COLUMN_FLEX }, { "DUE", 0 },
		{ "WHAT", COLUMN_FLEX }, { 0 },
	};
	const struct cJSON *job;
	struct table t;

	if (json_count(jobs) == 0)
		return;
	table_init(&t, o, columns);
	for (job = json_first(jobs); job; job = json_next(job)) {
		table_cell(&t, xasprintf("%lld", json_get_int(job, "id", 0)));
		table_cell(&t, xstrdup(json_get_string(job, "name")));
		table_cell(&t, text_when(o, json_get_string(job, "nextDue")));
		table_cell(&t, xstrdup(json_get_string(job, "summary")));
	}
	puts("\ndue next");
	table_flush(&t);
	table_done(&t);
}

/* The jobs of a page whose run has outlasted one occurrence after another. */
static void
blocked_print(const struct output *o, const struct cJSON *jobs)
{
	static const struct column columns[] = {
		{ "ID", COLUMN_RIGHT }, { "NAME", COLUMN_FLEX }, { "SKIPPED", COLUMN_RIGHT },
		{ "RUN SINCE", 0 }, { "WHAT", COLUMN_FLEX }, { 0 },
	};
	const struct cJSON *job;
	struct table t;
	size_t n = 0;

	table_init(&t, o, columns);
	for (job = json_first(jobs); job; job = json_next(job)) {
		if (json_get_int(job, "overlaps", 0) < OVERLAPS_TOLD)
			continue;
		if (n++ == 0)
			puts("\nblocked by their own run");
		table_cell(&t, xasprintf("%lld", json_get_int(job, "id", 0)));
		table_cell(&t, xstrdup(json_get_string(job, "name")));
		table_cell(&t, xasprintf("%lld times", json_get_int(job, "overlaps", 0)));
		table_cell(&t, text_when(o, json_get_string(json_get(job, "lastRun"), "startedAt")));
		table_cell(&t, xstrdup(json_get_string(job, "summary")));
	}
	if (n > 0)
		table_flush(&t);
	table_done(&t);
}

/* A page of something by its state; without one: the jobs that are due next. */
static int
page_get(const struct client *c, const char *method, const char *const *states, int limit,
    struct cJSON **ret)
{
	struct cJSON *parameters = json_object();
	int r;

	if (!*states)
		json_set_string(parameters, "order", "due");
	for (; *states; states++)
		value_push_string(parameters, "state", *states);
	json_set_int(parameters, "limit", limit);
	r = call_once(c, method, parameters, ret);
	json_free(parameters);
	return r;
}

static int
status_all(struct client *c)
{
	static const char *const any[] = { NULL };
	static const char *const running[] = { "running", NULL };
	static const char *const failed[] = { "failed", "timed_out", "lost", NULL };
	struct cJSON *stats = NULL, *jobs = NULL, *busy = NULL, *runs = NULL;
	int r = call_once(c, "io.jobd.Stats", c->args.parameters, &stats);

	if (r == 0 && !c->out.json)
		daemon_told(&c->out, stats);
	if (r == 0)
		r = page_get(c, "io.jobd.List", any, NEXT_SHOWN, &jobs);
	if (r == 0 && !c->out.json)
		next_print(&c->out, json_get(jobs, "jobs"));
	if (r == 0)
		r = page_get(c, "io.jobd.List", running, LIST_PAGE, &busy);
	if (r == 0 && !c->out.json)
		blocked_print(&c->out, json_get(busy, "jobs"));
	if (r == 0)
		r = page_get(c, "io.jobd.Runs", failed, NEXT_SHOWN, &runs);
	if (r == 0 && !c->out.json && json_count(json_get(runs, "runs")) > 0) {
		puts("\nfailed last");
		runs_print(&c->out, json_get(runs, "runs"));
	}
	json_free(stats);
	json_free(jobs);
	json_free(busy);
	json_free(runs);
	return r;
}

static int
status_run(struct client *c)
{
	if (c->args.n_words == 0)
		return status_all(c);
	return attempts_is_run(c->args.words[0]) ? status_one_run(c) : status_job(c);
}
