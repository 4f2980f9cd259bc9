/*
 * health: see health.h.
 */
#include "client/health.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/outcome.h"
#include "client/output.h"
#include "client/value.h"
#include "proto/json.h"
#include "proto/mem.h"

bool
heartbeat_late(const struct cJSON *job)
{
	const struct cJSON *last = json_get(job, "lastRun");

	return last && strcmp(value_text(job, "kind"), "heartbeat") == 0 && !json_get(last, "ping") &&
	    strcmp(value_text(last, "state"), "running") == 0 && !json_get_bool(last, "manual", false);
}

char *
health_result(const struct cJSON *job)
{
	const struct cJSON *last = json_get(job, "lastRun");
	const char *health = json_get_string(job, "health");
	char *outcome = heartbeat_late(job) ? xstrdup("late") : outcome_text(last), *both;
	bool well = health && strcmp(health, "up") == 0;

	/* What goes without saying. */
	if (!health || !last || strcmp(outcome, health) == 0 || (well && strcmp(outcome, "ok") == 0))
		return outcome;
	both = xasprintf("%s: %s", health, outcome);
	free(outcome);
	return both;
}

/* How many more it takes, by failAfter or okAfter, until its health changes. */
static void
count_told(const char *health, const struct cJSON *job)
{
	long long failed = json_get_int(job, "checksFailed", 0);
	long long passed = json_get_int(job, "checksPassed", 0);
	const struct cJSON *spec = json_get(job, "spec"), *http = json_get(spec, "http");
	long long n = failed > 0 ? failed : passed;
	long long of = json_get_int(http ? http : spec, failed > 0 ? "failAfter" : "okAfter", 0);
	bool down = strcmp(health, "down") == 0 || strcmp(health, "unreachable") == 0;
	bool beat = strcmp(value_text(job, "kind"), "heartbeat") == 0;

	if (n == 0)
		return;
	if (n == 1)
		printf(": the last %s that counts ", beat ? "run" : "check");
	else
		printf(": the last %lld %s that count ", n, beat ? "runs" : "checks");
	if (beat)
		fputs(failed > 0 ? "failed" : "did not fail", stdout);
	else
		printf("%s %sdown", n == 1 ? "was" : "were", failed > 0 ? "" : "not ");
	if ((failed > 0) != down && of > n)
		printf(" (%s after %lld)", failed > 0 ? "down" : "up again", of);
}

void
health_told(const struct output *o, const struct cJSON *job)
{
	const char *health = json_get_string(job, "health"), *at = json_get_string(job, "healthSince");
	char *since;

	if (!health && json_get_int(job, "checksFailed", 0) > 0)
		health = "none";
	if (health) {
		printf("Its health is %s%s%s", color_of(o, health),
		    strcmp(health, "none") == 0 ? "not known yet" : health, color_off(o));
		if (at) {
			since = text_relative(o, at);
			printf(", since %s%s", strcmp(since, "now") == 0 ? "just " : "", since);
			free(since);
		}
		count_told(health, job);
		puts(".");
	}
}

void
health_parent_told(const struct output *o, const struct cJSON *parent)
{
	const char *health = json_get_string(parent, "health"), *at = json_get_string(parent, "healthSince");
	char *label = job_label(parent), *since = text_relative(o, at);

	printf("It depends on check %s, whose health is %s%s%s%s%s.\n", label, health ? color_of(o, health) : "",
	    health ? health : "not known yet", health ? color_off(o) : "", at ? ", since " : "", at ? since : "");
	free(label);
	free(since);
}
