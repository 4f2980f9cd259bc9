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

	if (n == 0)
		return;
	printf(", the last %lld %s%s that count%s%s", n, strcmp(value_text(job, "kind"), "heartbeat") == 0 ?
	    "run" : "check", n == 1 ? "" : "s", n == 1 ? "s " : " ",
	    failed > 0 ? "failed" : "did not fail");
	if ((failed > 0) != down && of > n)
		printf(" (%s after %lld)", failed > 0 ? "down" : "up again", of);
}

void
health_told(const struct output *o, const struct cJSON *job)
{
	const char *health = json_get_string(job, "health"), *at = json_get_string(job, "healthSince");
	long long on = json_get_int(job, "dependsOn", 0);
	char *since;

	if (!health && json_get_int(job, "checksFailed", 0) > 0)
		health = "none";
	if (health) {
		printf("Its health is %s%s%s", color_of(o, health),
		    strcmp(health, "none") == 0 ? "not known yet" : health, color_off(o));
		if (at) {
			since = text_relative(o, at);
			printf(", since %s", since);
			free(since);
		}
		count_told(health, job);
		puts(".");
	}
	if (on > 0)
		printf("It depends on check %lld: jobctl status %lld.\n", on, on);
}
