/*
 * jobctl simulate: what would happen, as a table, as lines of time, or run by run.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/call.h"
#include "client/client.h"
#include "client/spec.h"
#include "client/value.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "proto/frame.h"

static int simulate_run(struct client *c);

static const struct option simulate_options[] = {
	{ 0, "from", "TIME", OPTION_INSTANT, 0, "from", NULL, "begin then, instead of now" },
	{ 0, "to", "TIME", OPTION_INSTANT, 0, "to", NULL, "end then (a day after the beginning)" },
	{ 0, "with", "FILE", OPTION_TEXT, 0, NULL, "What if",
	    "with these jobs as well: the parameters of\n"
	    "                           Add, or an array of jobs, as JSON; - is stdin" },
	{ 0, "commands", "N", OPTION_COUNT, 0, "commands", NULL, "at most N commands at a time" },
	{ 0, "checks", "N", OPTION_COUNT, 0, "checks", NULL, "at most N checks" },
	{ 0, "timers", "N", OPTION_COUNT, 0, "timers", NULL, "at most N timers" },
	{ 0, "lasts", "DURATION", OPTION_DURATION, 0, "durationUSec", NULL,
	    "a run of which nothing is known (1s)" },
	{ 0, "timeline", NULL, OPTION_FLAG, 0, NULL, "Shown", "a line of time for each job" },
	{ 0, "runs", NULL, OPTION_FLAG, 0, NULL, NULL, "each run" },
	{ 0, "limit", "N", OPTION_INT, 0, "limit", NULL, "at most N runs (100)" },
	{ 0 },
};

const struct command cmd_simulate = {
	.name = "simulate",
	.usage = "[OPTIONS] [JOB...]",
	.summary = "Show what would happen",
	.text =
	    "The scheduler itself runs on a clock that does not wait, with the jobs as they\n"
	    "are and those of --with, which take the place of jobs with the same name. Runs\n"
	    "succeed and take as long as past ones did. Nothing is started. With JOBs only\n"
	    "these, and those of --with, are shown, in the midst of all the others.\n",
	.examples =
	    "  jobctl simulate --to +12h\n"
	    "  jobctl simulate --from 2027-03-28 --to 2027-03-29 --with new.json --commands 2\n",
	.options = simulate_options,
	.words_field = "only",
	.words_name = "JOB",
	.words_max = WORDS_ANY,
	.paged = true,
	.run = simulate_run,
};

/* ---- asking ---- */

/* All of a file; NULL when it cannot be read, or is too big, which is told. */
static char *
file_read(const char *path, size_t *n)
{
	int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	struct buf b = { 0 };
	ssize_t r = fd < 0 ? -1 : 1;

	while (r > 0 && buf_len(&b) <= MESSAGE_BYTES_MAX) {
		r = read(fd, buf_reserve(&b, 65536), 65536);
		if (r > 0)
			buf_added(&b, (size_t)r);
	}
	if (r < 0)
		complain("%s: %s", path, strerror(errno));
	else if (buf_len(&b) > MESSAGE_BYTES_MAX)
		complain("%s: it is too big: at most %zu bytes", path, (size_t)MESSAGE_BYTES_MAX);
	if (fd > STDIN_FILENO)
		close(fd);
	*n = buf_len(&b);
	if (r == 0)
		return buf_steal(&b);
	buf_done(&b);
	return NULL;
}

/* --with FILE: {"jobs":[...]} or [...]. */
static int
with_read(struct client *c, const char *path)
{
	const char *why = "it holds no jobs: {\"jobs\":[...]} or [...] is wanted";
	struct cJSON *value, *jobs = NULL;
	char *text, *printed;
	size_t n;

	text = file_read(path, &n);
	if (!text)
		return EXIT_USAGE;
	value = json_parse(text, n, &why);
	free(text);
	if (value)
		jobs = json_get(value, "jobs") ? json_get(value, "jobs") : value;
	printed = jobs ? json_print(jobs) : NULL;
	json_free(value);
	if (!printed || printed[0] != '[') {
		complain("%s: %s", path, why);
		free(printed);
		return EXIT_USAGE;
	}
	json_set(c->args.parameters, "jobs", json_parse(printed, strlen(printed), &why));
	free(printed);
	return 0;
}

static void
to_default(struct client *c)
{
	const char *text = json_get_string(c->args.parameters, "from");
	instant from = c->out.now;
	char to[WHEN_TEXT_MAX];

	if (json_get(c->args.parameters, "to"))
		return;
	if (text)
		(void)instant_parse(text, &from);	/* we have written it ourselves */
	json_set_string(c->args.parameters, "to", instant_print(instant_add(from, USEC_DAY), to));
}

/* ---- the table ---- */

static const struct column job_columns[] = {
	{ "JOB", COLUMN_RIGHT }, { "NAME", COLUMN_FLEX }, { "RUNS", COLUMN_RIGHT },
	{ "SKIPS", COLUMN_FLEX }, { "OVERLAPS", COLUMN_RIGHT }, { "LONGEST WAIT", COLUMN_RIGHT },
	{ "LASTS", COLUMN_RIGHT }, { "FROM", 0 }, { "MARKS", COLUMN_FLEX },
	{ "SCHEDULE", COLUMN_FLEX | COLUMN_OPTIONAL }, { 0 },
};

static const struct column run_columns[] = {
	{ "JOB", COLUMN_RIGHT }, { "NAME", COLUMN_FLEX }, { "RUN", COLUMN_RIGHT }, { "DUE", 0 },
	{ "STARTED", 0 }, { "ENDED", 0 }, { "WAIT", COLUMN_RIGHT }, { "STATE", COLUMN_STATE },
	{ "MARK", 0 }, { 0 },
};

/* A number and a word, after those before. */
static void
count_add(struct buf *b, long long n, const char *word)
{
	if (n > 0)
		buf_printf(b, "%s%lld %s", buf_len(b) > 0 ? ", " : "", n, word);
}

static char *
skips_text(const struct cJSON *job)
{
	struct buf b = { 0 };

	for (const struct cJSON *s = json_first(json_get(job, "skips")); s; s = json_next(s))
		count_add(&b, json_get_int(s, "count", 0), value_text(s, "cause"));
	buf_puts(&b, "");
	return buf_steal(&b);
}

static char *
marks_text(const struct cJSON *job)
{
	struct buf b = { 0 };

	count_add(&b, json_get_int(job, "dstGap", 0), "gap");
	count_add(&b, json_get_int(job, "dstFold", 0), "fold");
	count_add(&b, json_get_int(job, "timedOut", 0), "timed out");
	if (json_get(job, "waitingSince"))
		buf_printf(&b, "%sstill waits", buf_len(&b) > 0 ? ", " : "");
	buf_puts(&b, "");
	return buf_steal(&b);
}

/* How its duration is known. */
static char *
from_text(const struct cJSON *job)
{
	long long n = json_get_int(job, "pastRuns", 0);

	return n > 0 ? xasprintf("%lld past", n) : xstrdup(json_get_string(job, "durationFrom"));
}

/* Its id; "new" for one that is not stored. */
static char *
id_text(const struct cJSON *job)
{
	long long id = json_get_int(job, "job", 0);

	return id > 0 ? xasprintf("%lld", id) : xstrdup("new");
}

static void
jobs_print(const struct output *o, const struct cJSON *jobs)
{
	struct table t;

	table_init(&t, o, job_columns);
	for (const struct cJSON *j = json_first(jobs); j; j = json_next(j)) {
		table_cell(&t, id_text(j));
		table_cell(&t, xstrdup(json_get_string(j, "name")));
		table_cell(&t, xasprintf("%lld", json_get_int(j, "runs", 0)));
		table_cell(&t, skips_text(j));
		table_cell(&t, xasprintf("%lld", json_get_int(j, "overlaps", 0)));
		table_cell(&t, text_duration(json_get_int(j, "longestWaitUSec", 0)));
		table_cell(&t, text_duration(json_get_int(j, "durationUSec", 0)));
		table_cell(&t, from_text(j));
		table_cell(&t, marks_text(j));
		table_cell(&t, xstrdup(json_get_string(j, "schedule")));
	}
	table_flush(&t);
	table_done(&t);
}

static void
runs_list(const struct output *o, const struct cJSON *reply)
{
	const struct cJSON *jobs = json_get(reply, "jobs");
	struct table t;

	table_init(&t, o, run_columns);
	for (const struct cJSON *r = json_first(json_get(reply, "runs")); r; r = json_next(r)) {
		table_cell(&t, id_text(json_at(jobs, (size_t)json_get_int(r, "at", 0))));
		table_cell(&t, xstrdup(json_get_string(r, "name")));
		table_cell(&t, xasprintf("%lld", json_get_int(r, "run", 0)));
		table_cell(&t, text_instant(o, json_get_string(r, "due")));
		table_cell(&t, text_instant(o, json_get_string(r, "startedAt")));
		table_cell(&t, text_instant(o, json_get_string(r, "endedAt")));
		table_cell(&t, text_duration(json_get_int(r, "waitUSec", 0)));
		table_cell(&t, xstrdup(json_get_string(r, "state")));
		table_cell(&t, xstrdup(json_get_string(r, "mark")));
	}
	table_flush(&t);
	table_done(&t);
	if (json_get_bool(reply, "truncated", 0))
		complain("there are more runs; --limit N shows up to 1000");
}

/* ---- lines of time ---- */

#define LABEL_WIDTH	16
#define COLUMNS_LEAST	20
#define COLUMNS_MOST	1000

static int
columns_of(const struct output *o)
{
	int columns = o->width - LABEL_WIDTH - 1;

	if (columns < COLUMNS_LEAST)
		return COLUMNS_LEAST;
	return columns > COLUMNS_MOST ? COLUMNS_MOST : columns;
}

/* A quarter of the time after another: its clock time, its day, or its month. */
static void
axis_print(const struct output *o, instant from, usec_t span, int columns)
{
	int at = 0, width = span <= 2 * USEC_DAY ? 5 : span <= 400 * USEC_DAY ? 5 : 7;
	int begin = span <= 2 * USEC_DAY ? 11 : span <= 400 * USEC_DAY ? 5 : 0;

	printf("%*s", LABEL_WIDTH + 1, "");
	for (int i = 0; i < 4; i++) {
		int place = i * columns / 4;
		char wire[WHEN_TEXT_MAX], *text;

		(void)instant_print(instant_add(from, span / columns * place), wire);
		text = text_instant(o, wire);
		if (place >= at && strlen(text) >= (size_t)(begin + width))
			at = place + printf("%*s|%.*s", place - at, "", width, text + begin);
		free(text);
	}
	putchar('\n');
}

/* A name in LABEL_WIDTH columns; names have no other than ASCII. */
static void
label_print(const struct cJSON *job)
{
	char *id = id_text(job), *escaped;
	const char *name = json_get_string(job, "name");

	escaped = text_escape(name ? name : id);
	if (strlen(escaped) > LABEL_WIDTH)
		printf("%.*s> ", LABEL_WIDTH - 1, escaped);
	else
		printf("%-*s ", LABEL_WIDTH, escaped);
	free(escaped);
	free(id);
}

static void
timeline_print(const struct output *o, const struct cJSON *reply)
{
	const char *from_wire = value_text(reply, "from"), *to_wire = value_text(reply, "to");
	char *from_words = text_instant(o, from_wire), *to_words = text_instant(o, to_wire), *each;
	instant from = { 0 }, to = { 0 };
	int columns = columns_of(o);

	if (instant_parse(from_wire, &from) < 0 || instant_parse(to_wire, &to) < 0)
		from = to;
	each = text_duration(instant_since(to, from) / columns);
	printf("%s to %s\na column is %s: # runs, ~ waits, x skipped\n\n", from_words, to_words,
	    each);
	axis_print(o, from, instant_since(to, from), columns);
	for (const struct cJSON *j = json_first(json_get(reply, "jobs")); j; j = json_next(j)) {
		char *line = text_escape(value_text(j, "timeline"));

		label_print(j);
		puts(line);
		free(line);
	}
	free(from_words);
	free(to_words);
	free(each);
}

/* ---- in all ---- */

static void
total_print(const struct output *o, const struct cJSON *reply)
{
	struct buf b = { 0 };

	for (const struct cJSON *p = json_first(json_get(reply, "peaks")); p; p = json_next(p)) {
		char *at = text_instant(o, json_get_string(p, "at"));
		long long n = json_get_int(p, "runs", 0);

		if (n > 0)
			buf_printf(&b, "%s%lld %s%s at %s", buf_len(&b) > 0 ? ", " : "", n,
			    value_text(p, "kind"), n > 1 ? " runs" : " run", at);
		free(at);
	}
	buf_puts(&b, "");
	puts("");
	line_print(o, "from", text_instant(o, json_get_string(reply, "from")));
	line_print(o, "to", text_instant(o, json_get_string(reply, "to")));
	line_print(o, "jobs", xasprintf("%lld", json_get_int(reply, "jobsTotal", 0)));
	line_print(o, "runs", xasprintf("%lld", json_get_int(reply, "runsTotal", 0)));
	line_print(o, "skips", xasprintf("%lld", json_get_int(reply, "skips", 0)));
	line_print(o, "waiting", xasprintf("%lld", json_get_int(reply, "waiting", 0)));
	line_print(o, "queue wait", text_duration(json_get_int(reply, "waitUSec", 0)));
	line_print(o, "peak", buf_steal(&b));
}

static void
simulate_print(const struct client *c, const struct cJSON *reply)
{
	bool timeline = args_flag(&c->args, "timeline"), runs = args_flag(&c->args, "runs");
	const struct output *o = &c->out;
	struct strings notes;

	if (!timeline && !runs) {
		jobs_print(o, json_get(reply, "jobs"));
		total_print(o, reply);
	}
	/* People see the lines in any case; programs only what they ask for. */
	if (!timeline && !runs && o->terminal)
		puts("");
	if (timeline || (!runs && o->terminal))
		timeline_print(o, reply);
	if (timeline && runs)
		puts("");
	if (runs)
		runs_list(o, reply);
	output_flush();
	value_strings(reply, "notes", &notes);
	for (size_t i = 0; i < notes.n; i++)
		complain("note: %s", notes.items[i]);
	strings_done(&notes);
}

static int
simulate_run(struct client *c)
{
	const char *with = args_text(&c->args, "with");
	struct cJSON *reply = NULL;
	int r = with ? with_read(c, with) : 0;

	if (r)
		return r;
	to_default(c);
	for (size_t i = 0; i < c->args.n_words; i++)
		value_push_string(c->args.parameters, "only", c->args.words[i]);
	json_set_int(c->args.parameters, "columns", columns_of(&c->out));
	r = call_once(c, "io.jobd.Simulate", c->args.parameters, &reply);
	if (r == 0 && !c->out.json)
		simulate_print(c, reply);
	json_free(reply);
	return r;
}
