/*
 * whole: checks by the whole of jobd, each added, made and recorded; and how late other jobs are meanwhile.
 *
 *	whole SOCKET URL CHECKS [KEY=VALUE ...]		checks that come once, added in arrays, until all have ended
 *
 *	ca=FILE			whom to trust, as by --cacert
 *	timers=N seconds=S	N timers as well, due one after another in S seconds
 *
 * Prints one line of JSON: what, checks, seconds, per_second, failed; of timers: timers, in_flight (checks under way
 * before the first was due or after the last, whichever is less), and in us, p50, p99 and the most: noticed, after
 * their due; began, when that was durable.  Exits 1 when a check or a timer failed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/mem.h"
#include "proto/when.h"
#include "tests/bench/peers/measure.h"
#include "tests/tools/lib/varlink.h"

/* Jobs in one call. */
#define ARRAY_MAX	500
#define ARRAYS_MAX	64
/* Until the first timer is due: what was added before it is under way. */
#define SETTLE_USEC	1000000.0

struct array {
	struct varlink	 v;
	cJSON		*ids;
};

static const char *path;
static struct array checks[ARRAYS_MAX], timers[ARRAYS_MAX];
static usec_t *noticed, *began;
static long timed, failed;

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "whole: %s\n", what);
	exit(1);
}

static cJSON *
call(struct varlink *v, const char *method, cJSON *parameters)
{
	char error[64];
	cJSON *reply = varlink_call(v, method, parameters, error);

	if (reply == NULL || error[0] != '\0')
		die(reply == NULL ? "the connection is lost" : error);
	return reply;
}

static const char *
option(int argc, char **argv, const char *key)
{
	size_t n = strlen(key);

	for (int i = 4; i < argc; i++) {
		if (strncmp(argv[i], key, n) == 0 && argv[i][n] == '=')
			return argv[i] + n + 1;
	}
	return NULL;
}

static char *
file_text(const char *file)
{
	FILE *f = fopen(file, "re");
	char *text = xcalloc(1, 1 << 16);

	if (f == NULL || fread(text, 1, (1 << 16) - 1, f) == 0)
		die(file);
	(void)fclose(f);
	return text;
}

/* One more connection, and what it adds. */
static void
add(struct array *a, cJSON *jobs)
{
	cJSON *parameters = cJSON_CreateObject(), *reply;

	if (!varlink_open(&a->v, path))
		die("jobd cannot be reached");
	cJSON_AddItemToObject(parameters, "jobs", jobs);
	reply = call(&a->v, "io.jobd.Add", parameters);
	a->ids = cJSON_DetachItemFromObjectCaseSensitive(reply, "ids");
	cJSON_Delete(reply);
}

static cJSON *
check_job(const char *url, const char *ca)
{
	cJSON *job = cJSON_CreateObject(), *http = cJSON_AddObjectToObject(job, "http");

	cJSON_AddStringToObject(http, "url", url);
	if (ca != NULL)
		cJSON_AddStringToObject(http, "caCertificates", ca);
	return job;
}

static cJSON *
timer_job(double in)
{
	cJSON *job = cJSON_CreateObject();

	cJSON_AddNumberToObject(cJSON_AddObjectToObject(job, "timer"), "durationUSec", 1);
	cJSON_AddNumberToObject(job, "inUSec", in);
	return job;
}

/* The ids, as selectors. */
static cJSON *
selected(const struct array *a)
{
	cJSON *parameters = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(parameters, "jobs"), *id;
	char text[24];

	cJSON_ArrayForEach(id, a->ids) {
		(void)snprintf(text, sizeof(text), "%lld", (long long)id->valuedouble);
		cJSON_AddItemToArray(list, cJSON_CreateString(text));
	}
	return parameters;
}

static usec_t
after_due(const cJSON *run, const char *field)
{
	instant due, at;

	if (instant_parse(member_text(run, "due"), &due) != 0 || instant_parse(member_text(run, field), &at) != 0)
		die("a run without its times");
	return instant_since(at, due);
}

/* Until all of them are over. */
static void
finish(struct array *a, bool is_timer)
{
	cJSON *reply, *runs, *run;

	reply = call(&a->v, "io.jobd.Wait", selected(a));
	runs = cJSON_GetObjectItemCaseSensitive(reply, "runs");
	failed += cJSON_GetArraySize(a->ids) - cJSON_GetArraySize(runs);
	cJSON_ArrayForEach(run, runs) {
		if (strcmp(member_text(run, "state"), "succeeded") != 0 && failed++ == 0)
			fprintf(stderr, "whole: %s\n", member_text(run, "reason"));
		if (!is_timer)
			continue;
		noticed[timed] = after_due(run, "noticedAt");
		began[timed++] = after_due(run, "spawnedAt");
	}
	cJSON_Delete(reply);
	cJSON_Delete(a->ids);
	varlink_close(&a->v);
}

/* Checks that are under way, of the first thousand. */
static int
in_flight(void)
{
	static const char *const filter = "{\"state\":[\"running\"],\"kind\":\"http\",\"limit\":1000}";
	struct varlink v;
	cJSON *reply;
	int n;

	if (!varlink_open(&v, path))
		die("jobd cannot be reached");
	reply = call(&v, "io.jobd.List", cJSON_Parse(filter));
	n = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(reply, "jobs"));
	cJSON_Delete(reply);
	varlink_close(&v);
	return n;
}

static int
by_size(const void *a, const void *b)
{
	usec_t x = *(const usec_t *)a, y = *(const usec_t *)b;

	return x < y ? -1 : x > y;
}

static void
print_times(const char *what, usec_t *times)
{
	qsort(times, (size_t)timed, sizeof(*times), by_size);
	printf(",\"%s_p50_us\":%lld,\"%s_p99_us\":%lld,\"%s_max_us\":%lld", what, (long long)times[timed / 2], what,
	    (long long)times[timed * 99 / 100], what, (long long)times[timed - 1]);
}

/* n timers, due one after another; in arrays, each of which is an even share of them. */
static int
time_others(long n, double seconds)
{
	long arrays = (n + ARRAY_MAX - 1) / ARRAY_MAX;
	int before, after;
	cJSON *jobs;

	noticed = xcalloc((size_t)n, sizeof(*noticed));
	began = xcalloc((size_t)n, sizeof(*began));
	for (long a = 0; a < arrays; a++) {
		jobs = cJSON_CreateArray();
		for (long i = a; i < n; i += arrays)
			cJSON_AddItemToArray(jobs, timer_job(SETTLE_USEC + (double)i * seconds * 1e6 / (double)n));
		add(&timers[a], jobs);
	}
	before = in_flight();
	for (long a = 0; a < arrays; a++)
		finish(&timers[a], true);
	after = in_flight();
	return before < after ? before : after;
}

int
main(int argc, char **argv)
{
	const char *file = option(argc, argv, "ca"), *text = option(argc, argv, "timers");
	long n = argc > 3 ? atol(argv[3]) : -1, others = text != NULL ? atol(text) : 0, arrays = 0;
	char *ca = file != NULL ? file_text(file) : NULL;
	int64_t since = now_nsec();
	double seconds;
	int fewest;
	cJSON *jobs;

	if (n < 0 || n > ARRAYS_MAX * ARRAY_MAX || others < 0 || others > ARRAYS_MAX * ARRAY_MAX) {
		fprintf(stderr, "usage: see the top of tests/bench/whole.c\n");
		return 2;
	}
	path = argv[1];
	for (long left = n; left > 0; arrays++) {
		jobs = cJSON_CreateArray();
		for (int i = 0; i < ARRAY_MAX && left > 0; i++, left--)
			cJSON_AddItemToArray(jobs, check_job(argv[2], ca));
		add(&checks[arrays], jobs);
	}
	text = option(argc, argv, "seconds");
	fewest = others > 0 ? time_others(others, text != NULL ? atof(text) : 1) : 0;
	for (long i = 0; i < arrays; i++)
		finish(&checks[i], false);
	seconds = (double)(now_nsec() - since) / 1e9;
	printf("{\"what\":\"the whole of jobd\",\"checks\":%ld,\"seconds\":%.3f,\"per_second\":%.1f,\"failed\":%ld", n,
	    seconds, (double)n / seconds, failed);
	if (others > 0) {
		printf(",\"timers\":%ld,\"in_flight\":%d", others, fewest);
		print_times("noticed", noticed);
		print_times("began", began);
	}
	puts("}");
	free(ca);
	return failed != 0;
}
