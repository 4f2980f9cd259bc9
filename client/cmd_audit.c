/*
 * jobctl audit: is there an occurrence without a run or a skip, or with two?
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/call.h"
#include "client/client.h"
#include "client/selection.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"

static int audit_run(struct client *c);

static const struct option audit_options[] = {
	{ .name = "from", .argument = "WHEN", .kind = OPTION_INSTANT, .field = "from",
	    .help = "not what was before (default: all since the job\n"
	    "                           was added)" },
	{ .name = "to", .argument = "WHEN", .kind = OPTION_INSTANT, .field = "to",
	    .help = "not what came after (default: now)" },
	{ 0 },
};

const struct command cmd_audit = {
	.name = "audit",
	.usage = "[OPTIONS] [JOB]",
	.summary = "Prove that every occurrence was run or skipped, once",
	.text = "The schedule is gone through again and compared with what was written down. Gaps\n"
	    "are listed; there must be none. JOB may be a pattern; without it: all jobs. It\n"
	    "exits with 0 when all is right, with 1 when it is not.\n",
	.examples = "  jobctl audit\n  jobctl audit backup --from 2027-03-01 --to 2027-04-01\n",
	.options = audit_options,
	.words_field = "job",
	.words_name = "JOB",
	.words_max = 1,
	.paged = true,
	.run = audit_run,
};

static const struct column audit_columns[] = {
	{ "JOB", COLUMN_RIGHT }, { "NAME", COLUMN_FLEX }, { "WHAT", 0 }, { "FIRST", 0 },
	{ "LAST", 0 }, { "COUNT", COLUMN_RIGHT }, { "MEANS", COLUMN_FLEX }, { 0 },
};

/* Over all pages. */
struct totals {
	long long	jobs, occurrences, runs, skips, gaps, pruned;
	char		*pruned_until;	/* the latest */
};

static void
gaps_rows(struct table *t, const struct cJSON *gaps)
{
	const struct output *o = t->output;
	const struct cJSON *gap;

	for (gap = json_first(gaps); gap; gap = json_next(gap)) {
		table_cell(t, xasprintf("%lld", json_get_int(gap, "job", 0)));
		table_cell(t, xstrdup(json_get_string(gap, "name")));
		table_cell(t, xstrdup(json_get_string(gap, "what")));
		table_cell(t, text_instant(o, json_get_string(gap, "first")));
		table_cell(t, text_instant(o, json_get_string(gap, "last")));
		table_cell(t, xasprintf("%lld", json_get_int(gap, "count", 0)));
		table_cell(t, xstrdup(json_get_string(gap, "text")));
	}
	table_flush(t);
}

static void
totals_add(struct totals *sum, const struct cJSON *reply)
{
	sum->jobs += json_get_int(reply, "jobs", 0);
	sum->occurrences += json_get_int(reply, "occurrences", 0);
	sum->runs += json_get_int(reply, "runs", 0);
	sum->skips += json_get_int(reply, "skips", 0);
	sum->pruned += json_get_int(reply, "pruned", 0);
	if (json_get_string(reply, "prunedUntil") && (!sum->pruned_until ||
	    strcmp(sum->pruned_until, json_get_string(reply, "prunedUntil")) < 0)) {
		free(sum->pruned_until);
		sum->pruned_until = xstrdup(json_get_string(reply, "prunedUntil"));
	}
	sum->gaps += (long long)json_count(json_get(reply, "gaps")) +
	    json_get_int(reply, "gapsLeft", 0);
}

static const char *
plural(long long n)
{
	return n == 1 ? "" : "s";
}

static void
totals_print(const struct output *o, const struct totals *sum)
{
	char *until = sum->pruned_until ? text_instant(o, sum->pruned_until) : NULL;

	printf("%lld job%s, %lld occurrence%s: %lld run, %lld skipped; ", sum->jobs,
	    plural(sum->jobs), sum->occurrences, plural(sum->occurrences), sum->runs, sum->skips);
	if (sum->gaps == 0)
		puts("no gaps");
	else
		printf("%lld GAP%s\n", sum->gaps, sum->gaps == 1 ? "" : "S");
	if (sum->pruned > 0)
		printf("Of %lld job%s older records are gone by retention, up to %s at the latest.\n",
		    sum->pruned, plural(sum->pruned), until);
	free(until);
}

static int
audit_run(struct client *c)
{
	char *range;
	struct totals sum = { 0 };
	struct table t;
	long long next = 0;
	int r;

	past_take(c, "from");
	past_take(c, "to");
	range = json_print(c->args.parameters);
	table_init(&t, &c->out, audit_columns);
	do {
		const char *why;
		struct cJSON *reply = NULL, *parameters = json_parse(range, strlen(range), &why);

		json_set_string(parameters, "job", c->args.n_words ? c->args.words[0] : NULL);
		if (next != 0)
			json_set_int(parameters, "after", next);
		r = call_once(c, "io.jobd.Audit", parameters, &reply);
		if (r == 0 && !c->out.json && json_count(json_get(reply, "gaps")) > 0)
			gaps_rows(&t, json_get(reply, "gaps"));
		totals_add(&sum, reply);
		next = json_get_int(reply, "next", 0);
		json_free(reply);
		json_free(parameters);
	} while (r == 0 && next != 0);
	free(range);
	table_done(&t);
	if (r == 0 && !c->out.json)
		totals_print(&c->out, &sum);
	free(sum.pruned_until);
	return r == 0 && sum.gaps > 0 ? EXIT_FAILED : r;
}
