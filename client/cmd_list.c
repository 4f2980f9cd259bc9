/*
 * jobctl list: the jobs, page after page, so that neither end holds all of them.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/call.h"
#include "client/client.h"
#include "client/health.h"
#include "client/outcome.h"
#include "client/progress.h"
#include "client/jobs.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"

static int list_run(struct client *c);

static const struct option list_options[] = {
	{ .name = "state", .argument = "STATE", .kind = OPTION_TEXTS, .field = "state",
	    .help = "only these, may be repeated: scheduled, queued,\n"
	    "                           running, blocked, paused, finished, ..." },
	{ .name = "kind", .argument = "KIND", .kind = OPTION_TEXT, .field = "kind",
	    .help = "only command, http, timer or heartbeat" },
	{ 'l', "label", "K=V", OPTION_TEXTS, 0, "label", NULL,
	    "only with this label, may be repeated" },
	{ .name = "queue", .argument = "QUEUE", .kind = OPTION_TEXT, .field = "queue",
	    .help = "only jobs in this queue" },
	{ .name = "mine", .field = "mine", .help = "only jobs that you added" },
	{ .name = "limit", .argument = "N", .kind = OPTION_COUNT,
	    .help = "at most so many; all when absent" },
	{ 'w', "watch", NULL, OPTION_FLAG, 0, NULL, NULL,
	    "paint them again every second, as many as fit;\n"
	    "                           ^C ends it" },
	{ 0 },
};

const struct command cmd_list = {
	.name = "list",
	.alias = "ls",
	.usage = "[OPTIONS] [PATTERN]",
	.summary = "List jobs in the order of their ids",
	.text = "PATTERN is a glob pattern for their names; jobs without one go by their ids. A\n"
	    "name or an id alone lists that job.\n",
	.examples = "  jobctl list --state running\n  jobctl list -l team=dba 'db-*'\n"
	    "  jobctl list -w --state running\n",
	.options = list_options,
	.words_field = "name",
	.words_name = "PATTERN",
	.words_max = 1,
	.paged = true,
	.run = list_run,
};

const struct column jobs_columns[] = {
	{ "ID", COLUMN_RIGHT }, { "NAME", COLUMN_FLEX }, { "KIND", COLUMN_OPTIONAL },
	{ "STATE", COLUMN_STATE },
	{ "NEXT", 0 }, { "LAST", 0 }, { "RESULT", COLUMN_FLEX },
	{ "SCHEDULE", COLUMN_FLEX | COLUMN_OPTIONAL }, { "WHAT", COLUMN_FLEX }, { 0 },
};

#define PAGE 1000

void
jobs_row(struct table *t, const struct cJSON *job)
{
	const struct output *o = t->output;
	const struct cJSON *last = json_get(job, "lastRun");
	const char *ended = json_get_string(last, "endedAt");
	char *far = o->terminal && !run_canceling(last) ? progress_text(o, last) : NULL;
	bool schedule = json_get(job, "schedule") != NULL;

	table_cell(t, xasprintf("%lld", json_get_int(job, "id", 0)));
	table_cell(t, xstrdup(json_get_string(job, "name")));
	table_cell(t, xstrdup(json_get_string(job, "kind")));
	table_cell(t, xstrdup(json_get_string(job, "state")));
	table_cell(t, text_when(o, json_get_string(job, "nextDue")));
	table_cell(t, text_when(o, ended ? ended : json_get_string(last, "startedAt")));
	/* The column that may be left out of a terminal tells it, too. */
	table_cell(t, far ? far : o->terminal && !last && json_get(job, "waitsFor") ?
	    xstrdup(json_get_string(job, "waitsFor")) : health_result(job));
	table_cell(t, xstrdup(json_get_string(job, schedule ? "schedule" : "waitsFor")));
	table_cell(t, xstrdup(json_get_string(job, "summary")));
}

struct paging {
	long long	left;	/* of --limit */
	long long	next;	/* where the next page begins, or 0 */
};

/* The parameters of a page; filter is what the options say, printed. */
static struct cJSON *
page_parameters(const struct client *c, const char *filter, const struct paging *paging)
{
	const char *why;
	struct cJSON *parameters = json_parse(filter, strlen(filter), &why);

	json_set_string(parameters, "name", c->args.n_words ? c->args.words[0] : NULL);
	if (paging->next)
		json_set_int(parameters, "after", paging->next);
	json_set_int(parameters, "limit", paging->left < PAGE ? paging->left : PAGE);
	return parameters;
}

/* One page. */
static int
page(struct client *c, const struct cJSON *parameters, struct table *t, struct paging *paging)
{
	struct cJSON *reply = NULL;
	const struct cJSON *jobs, *job;
	int r = call_once(c, "io.jobd.List", parameters, &reply);

	if (r)
		return r;
	jobs = json_get(reply, "jobs");
	for (job = json_first(jobs); !c->out.json && job; job = json_next(job))
		jobs_row(t, job);
	if (!c->out.json)
		table_flush(t);
	paging->left -= (long long)json_count(jobs);
	paging->next = json_get_int(reply, "next", 0);
	json_free(reply);
	return 0;
}

/* ---- again and again ---- */

/* Between two looks. */
#define WATCH_SEC 1

/* Above the table its heading, below it that there are more, and the cursor. */
#define WATCH_LINES_OTHER 4

static void
resized(int signal)
{
	(void)signal;	/* it has ended the wait */
}

static void
heading_print(const struct output *o, const char *said)
{
	char wire[WHEN_TEXT_MAX], *at = text_instant(o, instant_print(o->now, wire)), *text;

	text = said ? xstrdup(said) : xasprintf("%s  the jobs, every second; ^C ends", at);
	printf("\033[H%.*s\033[K\n", (int)text_fit(text, o->width - 1), text);
	free(text);
	free(at);
}

/* As many jobs as fit, over what stood there; or, while jobd is not there, only that it is not. */
static int
paint(struct client *c, const char *filter, int lines)
{
	long long limit = args_int(&c->args, "limit", INT64_MAX);
	long long fit = lines > WATCH_LINES_OTHER ? lines - WATCH_LINES_OTHER : 1;
	struct paging paging = { .left = fit < limit ? fit : limit };
	struct cJSON *parameters = page_parameters(c, filter, &paging);
	struct table t;
	int r;

	table_init(&t, &c->out, jobs_columns);
	heading_print(&c->out, NULL);
	r = page(c, parameters, &t, &paging);
	if (r == 0 && paging.next && fit < limit)
		printf("... and more\033[K\n");
	if (r == 0)
		printf("\033[J");
	table_done(&t);
	json_free(parameters);
	return r;
}

/* The first line of what was complained of, on the screen. */
static void
paint_complaint(struct output *o, struct buf *said)
{
	char *text = xstrdup(buf_string(said)), *line;

	text[strcspn(text, "\n")] = '\0';
	line = xasprintf("waiting: %s", text);
	heading_print(o, line);
	free(line);
	free(text);
	buf_done(said);
}

/* A jobd that goes is waited for; one that was never there is not. */
static int
list_watch(struct client *c, const char *filter)
{
	const struct timespec wait = { .tv_sec = WATCH_SEC };
	const struct sigaction resize = { .sa_handler = resized };
	struct buf said = { 0 };
	int width = 0, lines = 0, r = output_need_screen(&c->out, "list -w");

	if (r)
		return r;
	sigaction(SIGWINCH, &resize, NULL);
	setvbuf(stdout, NULL, _IOFBF, BUFSIZ);
	for (;;) {
		int was_width = width, was_lines = lines;

		lines = output_resize(&c->out);
		width = c->out.width;
		c->out.now = instant_now();
		c->out.repaint = true;
		if (was_width > 0 && (was_width != width || was_lines != lines))
			printf("\033[2J");
		if (was_width > 0)
			complain_into(&said);
		else
			printf("\033[H\033[2J");
		r = paint(c, filter, lines);
		complain_into(NULL);
		if (r == EXIT_UNREACHABLE && was_width > 0)
			paint_complaint(&c->out, &said);
		else if (r)
			break;
		output_flush();
		(void)nanosleep(&wait, NULL);
	}
	if (buf_len(&said))
		complain_lines(&said);
	buf_done(&said);
	return r;
}

static int
list_all(struct client *c, const char *filter)
{
	struct paging paging = { .left = args_int(&c->args, "limit", INT64_MAX) };
	struct table t;
	int r;

	table_init(&t, &c->out, jobs_columns);
	do {
		struct cJSON *parameters = page_parameters(c, filter, &paging);

		r = page(c, parameters, &t, &paging);
		json_free(parameters);
	} while (r == 0 && paging.next && paging.left > 0);
	table_done(&t);
	return r;
}

static int
list_run(struct client *c)
{
	char *filter = json_print(c->args.parameters);
	int r = args_flag(&c->args, "watch") ? list_watch(c, filter) : list_all(c, filter);

	free(filter);
	return r;
}
