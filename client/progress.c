/*
 * progress: see progress.h.
 */
#include "client/progress.h"

#include <stdlib.h>
#include <string.h>

#include "client/outcome.h"
#include "client/output.h"
#include "client/value.h"
#include "proto/json.h"
#include "proto/mem.h"

/* Of a bar, between its brackets. */
#define BAR_WIDTH	10

/* Below it a percentage says too little about the time. */
#define PERCENT_TELLING	5

/* ---- one run ---- */

static usec_t
elapsed(const struct output *o, const struct cJSON *run)
{
	const char *from = json_get_string(run, "spawnedAt");
	instant begin;

	if (!from || instant_parse(from, &begin) < 0 || instant_since(o->now, begin) < 0)
		return 0;
	return instant_since(o->now, begin);
}

/* How long it will still take; -1: nobody knows, or it takes longer than it should. */
static usec_t
time_left(const struct output *o, const struct cJSON *run, long long percent)
{
	usec_t so_far = elapsed(o, run), expected = json_get_int(run, "expectedUSec", 0);

	if (so_far == 0)
		return -1;
	if (expected > so_far)
		return expected - so_far;
	if (percent >= PERCENT_TELLING && percent <= 100)
		return (usec_t)((double)so_far * (double)(100 - percent) / (double)percent);
	return -1;
}

static void
bar_print(struct buf *out, long long percent)
{
	int full = (int)(percent * BAR_WIDTH / 100);

	buf_puts(out, "[");
	for (int i = 0; i < BAR_WIDTH; i++)
		buf_puts(out, i < full ? "#" : "-");
	buf_printf(out, "] %lld%%", percent);
}

/* In whole seconds: it is an estimate, which of less than one says nothing. */
static char *
left_print(usec_t left)
{
	return text_duration((left + USEC_SEC / 2) / USEC_SEC * USEC_SEC);
}

char *
progress_text(const struct output *o, const struct cJSON *run)
{
	long long percent = json_get_int(run, "progressPercent", -1);
	const char *words = json_get_string(run, "progressText");
	struct buf out = { 0 };
	usec_t left;
	char *text;

	if (!run || run_final(run))
		return NULL;
	if (percent >= 0 && percent <= 100)
		bar_print(&out, percent);
	if (words && *words)
		buf_printf(&out, "%s%s", buf_len(&out) ? " " : "", words);
	left = time_left(o, run, percent);
	if (left >= USEC_SEC / 2) {
		text = left_print(left);
		buf_printf(&out, "%s%s left", buf_len(&out) ? ", " : "about ", text);
		free(text);
	}
	if (buf_len(&out) == 0) {
		buf_done(&out);
		return NULL;
	}
	return buf_steal(&out);
}

/* ---- the line ---- */

/* "12.3 (backup) running for 1m [####------] 42%, 2m left" */
static void
run_print(struct buf *line, const struct output *o, const struct cJSON *run)
{
	const char *name = json_get_string(run, "name");
	char *label = run_label(run), *far = progress_text(o, run);
	char *took = text_duration(elapsed(o, run) / USEC_SEC * USEC_SEC);
	char *state = word_print(json_get_string(run, "state"));

	buf_printf(line, "%s%s%s%s %s", label, name ? " (" : "", name ? name : "", name ? ")" : "",
	    state);
	if (json_get_string(run, "spawnedAt"))
		buf_printf(line, " for %s", took);
	if (far)
		buf_printf(line, "%s %s", *far == '[' ? "" : ",", far);
	free(label);
	free(took);
	free(far);
	free(state);
}

static char *
line_print(const struct output *o, const struct cJSON *report)
{
	long long waiting = json_get_int(report, "waiting", 1);
	const struct cJSON *run = json_first(json_get(report, "runs"));
	struct buf line = { 0 };

	if (waiting > 1)
		buf_printf(&line, "waiting for %lld%s", waiting, run ? ": " : "");
	else if (!run)
		buf_puts(&line, "waiting: it has not begun");
	for (; run; run = json_next(run)) {
		run_print(&line, o, run);
		if (json_next(run))
			buf_puts(&line, ", ");
	}
	return buf_steal(&line);
}

void
progress_init(struct progress *p, const struct output *o)
{
	*p = (struct progress){ .output = !o->json && status_possible() ? o : NULL };
}

bool
progress_wanted(const struct progress *p)
{
	return p->output != NULL;
}

void
progress_tick(void *progress)
{
	struct progress *p = progress;
	struct output now;
	char *line;

	if (!p->output || !p->report)
		return;
	now = *p->output;
	now.now = instant_now();
	line = line_print(&now, p->report);
	status_line(line);
	free(line);
}

void
progress_report(struct progress *p, struct cJSON **reply)
{
	/* An empty reply only breaks the silence. */
	if (!p->output || !json_get(*reply, "waiting"))
		return;
	json_free(p->report);
	p->report = *reply;
	*reply = NULL;
	progress_tick(p);
}

void
progress_done(struct progress *p)
{
	if (p->output)
		status_line(NULL);
	json_free(p->report);
	p->report = NULL;
}
