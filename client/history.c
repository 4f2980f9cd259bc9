/*
 * history: see history.h.
 */
#include "client/history.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static bool
succeeded(const struct cJSON *past)
{
	const char *state = json_get_string(past, "state");

	return state && strcmp(state, "succeeded") == 0;
}

/* A block a run, the newest to the right; x is one that did not succeed. */
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
		took = json_get_int(past[n], "tookUSec", 0);
		if (succeeded(past[n]))
			fputs(height[took * 7 / most], stdout);
		else
			printf("%sx%s", color_of(o, json_get_string(past[n], "state")), color_off(o));
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

void
history_print(const struct output *o, const struct cJSON *history)
{
	long long runs = json_get_int(history, "runs", 0), good = json_get_int(history, "succeeded", 0);
	long long unsure = json_get_int(history, "inconclusive", 0), said = runs - unsure;
	char *since = text_relative(o, json_get_string(history, "since"));

	if (runs >= 2) {
		printf("\nOf the last %lld runs, since %s, %lld succeeded", runs, since, good);
		if (said > 0)
			printf(" (%.1f %%)", 100.0 * (double)good / (double)said);
		if (unsure > 0)
			printf("; %lld %s inconclusive or unreachable and do%s not count", unsure,
			    unsure == 1 ? "was" : "were", unsure == 1 ? "es" : "");
		puts(".");
		if (o->terminal)
			line_of_blocks(o, json_get(history, "latest"));
		/* Of runs that were all cut short there are none. */
		if (json_count(json_get(history, "times")) > 0)
			times_print(o, json_get(history, "times"));
	}
	free(since);
}
