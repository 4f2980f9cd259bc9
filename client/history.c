/*
 * history: see history.h.
 */
#include "client/history.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/call.h"
#include "client/client.h"
#include "client/output.h"
#include "proto/json.h"
#include "proto/mem.h"

/* Of a line of blocks. */
#define LINE_MAX_RUNS	60

/* Of a terminal's eight heights; ASCII has fewer. */
static const char *const blocks[] = { "\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586",
    "\u2587", "\u2588" };
static const char *const plain_blocks[] = { "_", "_", ".", ".", "-", "-", "^", "^" };

static const char *const *
heights(void)
{
	locale_t here = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	bool unicode = here != (locale_t)0 && strcmp(nl_langinfo_l(CODESET, here), "UTF-8") == 0;

	if (here != (locale_t)0)
		freelocale(here);
	return unicode ? blocks : plain_blocks;
}

/* What there is instead of a block: x of a run that did not succeed; NULL: a block. */
static const char *
mark_of(const struct cJSON *past)
{
	const char *state = json_get_string(past, "state"), *verdict = json_get_string(past, "verdict");

	if (state && strcmp(state, "succeeded") == 0)
		return NULL;
	if (verdict && strcmp(verdict, "degraded") == 0)
		return "~";
	if (verdict && (strcmp(verdict, "inconclusive") == 0 || strcmp(verdict, "unreachable") == 0))
		return "?";
	return "x";
}

/* By its verdict, if it has one. */
static const char *
past_color(const struct output *o, const struct cJSON *past)
{
	const char *verdict = json_get_string(past, "verdict");

	return color_of(o, verdict ? verdict : json_get_string(past, "state"));
}

/* A block a run, the newest to the right, as high as it took long. */
static void
line_of_blocks(const struct output *o, const struct cJSON *latest)
{
	const char *const *height = heights();
	const struct cJSON *past[LINE_MAX_RUNS];
	long long most = 1, took;
	size_t n = 0, max = (size_t)o->width - 4;

	if (max > LINE_MAX_RUNS)
		max = LINE_MAX_RUNS;
	for (const struct cJSON *p = json_first(latest); p && n < max; p = json_next(p)) {
		past[n++] = p;
		took = json_get_int(p, "tookUSec", 0);
		if (took > most)
			most = took;
	}
	fputs("  ", stdout);
	while (n-- > 0) {
		const char *mark = mark_of(past[n]);

		took = json_get_int(past[n], "tookUSec", 0);
		if (mark)
			printf("%s%s%s", past_color(o, past[n]), mark, color_off(o));
		else
			fputs(height[took * 7 / most], stdout);
	}
	putchar('\n');
}

static void
times_print(const struct output *o, const struct cJSON *times)
{
	static const struct column columns[] = {
		{ "TIME", 0 }, { "HALF", COLUMN_RIGHT }, { "90 %", COLUMN_RIGHT },
		{ "99 %", COLUMN_RIGHT }, { "LONGEST", COLUMN_RIGHT }, { 0 },
	};
	static const char *const fields[] = { "p50USec", "p90USec", "p99USec", "maxUSec" };
	const struct cJSON *time;
	struct table t;

	table_init(&t, o, columns);
	for (time = json_first(times); time; time = json_next(time)) {
		table_cell(&t, xstrdup(json_get_string(time, "name")));
		for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
			table_cell(&t, text_duration(json_get_int(time, fields[i], 0)));
	}
	table_flush(&t);
	table_done(&t);
}

/* "Of the last 20 runs, since 1h ago, 19 succeeded (95.0 %)."; of checks what they found. */
static void
counts_print(const struct output *o, const struct cJSON *history)
{
	long long runs = json_get_int(history, "runs", 0), good = json_get_int(history, "succeeded", 0);
	long long unsure = json_get_int(history, "inconclusive", 0), said = runs - unsure;
	long long slow = json_get_int(history, "degraded", 0);
	bool checks = json_get_string(json_first(json_get(history, "latest")), "verdict") != NULL;
	char *since = text_relative(o, json_get_string(history, "since"));

	if (runs == 1)
		printf("The only run, %s, %s", since, good == 0 ? "did not succeed" : "succeeded");
	else if (checks)
		printf("Of the last %lld checks, since %s, %lld %s up", runs, since, good, good == 1 ? "was" : "were");
	else
		printf("Of the last %lld runs, since %s, %lld succeeded", runs, since, good);
	if (said > 0 && runs > 1)
		printf(" (%.1f %%)", 100.0 * (double)good / (double)said);
	if (slow > 0 && runs > 1)
		printf(" and %lld degraded", slow);
	if (unsure > 0)
		printf("; %lld %s inconclusive or unreachable and do%s not count", unsure,
		    unsure == 1 ? "was" : "were", unsure == 1 ? "es" : "");
	puts(".");
	free(since);
}

static void
history_print(const struct output *o, const struct cJSON *history)
{
	if (json_get_int(history, "runs", 0) == 0) {
		puts("None of its runs is over.");
		return;
	}
	counts_print(o, history);
	if (o->terminal)
		line_of_blocks(o, json_get(history, "latest"));
	/* Of runs that were all cut short there are none. */
	if (json_count(json_get(history, "times")) > 0)
		times_print(o, json_get(history, "times"));
}

int
history_of(const struct client *c, const char *job, int least)
{
	struct cJSON *parameters = json_object(), *reply = NULL;
	int r;

	json_set_string(parameters, "job", job);
	r = call_once(c, "io.jobd.History", parameters, &reply);
	if (r == 0 && !c->out.json && json_get_int(reply, "runs", 0) >= least) {
		/* A part of its own, where something was said before. */
		if (least > 0)
			putchar('\n');
		history_print(&c->out, reply);
	}
	json_free(parameters);
	json_free(reply);
	return r;
}
