/*
 * timeline: see timeline.h.  The rings are merged by time; of one instant the inputs come first, as they are what is
 * decided upon.
 */
#include "daemon/scheduler/timeline.h"

#include <inttypes.h>
#include <string.h>

#include "daemon/engine/watch.h"
#include "daemon/engine/watchdog.h"
#include "daemon/scheduler/recorder.h"
#include "daemon/store/ops.h"
#include "proto/types.h"

int64_t
timeline_wall(const struct flight_file *file, int64_t at)
{
	int64_t offset = file->header.wall - file->header.now;
	const struct flight_cell *c;
	uint64_t place = 0;
	bool first = true;

	while ((c = flight_record(file, FLIGHT_DECISIONS, &place)) != NULL) {
		if (c->what != FLIGHT_CLOCK)
			continue;
		/* Before the first that is there its own earlier offset held. */
		if (c->at > at && first && c->b != 0)
			offset = c->b;
		if (c->at > at)
			break;
		offset = c->a;
		first = false;
	}
	return at + offset;
}

/* The time within its second is worth all its digits; "none" where there is none. */
static const char *
when(int64_t usec, char out[WHEN_TEXT_MAX])
{
	if (usec == 0)
		return "none";
	return instant_print((instant){ usec }, out);
}

static const char *
word(const char *const *names, size_t n, uint64_t i)
{
	return i < n ? names[i] : "?";
}

static const char *
run_of(const struct flight_cell *c, char out[64])
{
	if (c->b != 0)
		(void)snprintf(out, 64, "%" PRId64 ".%" PRId64, c->a, c->b);
	else
		(void)snprintf(out, 64, "%" PRId64, c->a);
	return out;
}

/* ---- inputs ---- */

static void
print_timer(const struct flight_file *file, const struct flight_cell *c, FILE *out)
{
	fprintf(out, "%s, %" PRId64 " usec late", flight_kind_name(file, c->kind), c->at - c->a);
	if (c->n > 1)
		fprintf(out, "; with it %u more of the kind", c->n - 1u);
}

static void
print_ready(const struct flight_file *file, const struct flight_cell *c, FILE *out)
{
	fprintf(out, "fd %" PRId64 "%s%s%s", c->a, c->b & WATCH_READ ? " readable" : "",
	    c->b & WATCH_WRITE ? " writable" : "", c->b & WATCH_CLOSED ? " closed" : "");
	if (c->kind != 0)
		fprintf(out, ", for %s", flight_kind_name(file, c->kind));
}

static void
print_answer(const struct flight_file *file, const struct flight_cell *c, FILE *out)
{
	fprintf(out, "%s", op_name(c->n));
	if (c->kind != 0)
		fprintf(out, ", for %s", flight_kind_name(file, c->kind));
	if (c->a < 0)
		fprintf(out, ": %s", strerror((int)-c->a));
}

static void
print_blocked(const struct flight_file *file, const struct flight_cell *c, FILE *out)
{
	static const char *const causes[] = { [BLOCK_STEP] = "blocked", [BLOCK_STARVED] = "without a processor",
	    [BLOCK_STOPPED] = "stopped" };

	fprintf(out, "%s for %" PRId64 " ms, in %s", word(causes, sizeof(causes) / sizeof(causes[0]), c->n),
	    c->a / 1000, c->kind != 0 ? flight_kind_name(file, c->kind) : "a callback");
}

/* ---- decisions ---- */

static void
print_claim(const struct flight_cell *c, FILE *out)
{
	char due[WHEN_TEXT_MAX], next[WHEN_TEXT_MAX], run[64];

	if (c->b != 0)
		fprintf(out, "%s is to go on", run_of(c, run));
	else
		fprintf(out, "%s: its occurrence of %s %s; the next one %s", run_of(c, run), when(c[1].more[0], due),
		    c->what == FLIGHT_QUEUE ? "is to wait for its run" : "is to start", when(c[1].more[1], next));
}

static void
print_claimed(const struct flight_cell *c, FILE *out)
{
	char run[64];

	fprintf(out, "%s", run_of(c, run));
	if (c->kind != 0)
		fprintf(out, ": %s", strerror((int)c->kind));
	else if (c[1].more[2] != 0)
		fprintf(out, ": too many wait");
	else if (c[1].more[1] != 0)
		fprintf(out, " waits");
	else
		fprintf(out, " starts");
}

static void
print_skip(const struct flight_cell *c, FILE *out)
{
	char first[WHEN_TEXT_MAX], next[WHEN_TEXT_MAX];

	fprintf(out, "%" PRId64 ": %" PRId64 " from %s, %s; the next one %s", c->a, c->b, when(c[1].more[0], first),
	    word(skip_cause_names, SKIP_COUNT, c->n), when(c[1].more[2], next));
}

static void
print_left(const struct flight_cell *c, FILE *out)
{
	char run[64], retry[WHEN_TEXT_MAX];

	fprintf(out, "%s %s", run_of(c, run), word(run_state_names, RUN_STATE_COUNT, c->n));
	if (c->n == RUN_RETRYING)
		fprintf(out, ", again at %s", when(c[1].more[0], retry));
}

static void
print_told(const struct flight_cell *c, FILE *out)
{
	static const char *const names[] = {
		[TOLD_ADDED] = "added", [TOLD_PAUSED] = "paused", [TOLD_RESUMED] = "resumed",
		[TOLD_REMOVED] = "removed", [TOLD_TRIGGERED] = "triggered", [TOLD_CANCELED] = "canceled",
		[TOLD_RETRIED] = "retried by hand", [TOLD_SKIPPED] = "skipped by hand",
		[TOLD_DUE_QUEUED] = "an occurrence waits as a run", [TOLD_QUEUE_SET] = "a queue was set",
		[TOLD_QUEUE_REMOVED] = "a queue was removed", [TOLD_DEPENDENT] = "let go on by another job",
		[TOLD_RECOVERED] = "recovered", [TOLD_SWEPT] = "dues are in line with the clock again",
		[TOLD_STORE_FAILED] = "the store has failed", [TOLD_EDITED] = "edited",
		[TOLD_LIMITS] = "the limits were changed", [TOLD_PINGED] = "pinged",
		[TOLD_DRAINED] = "drained",
	};
	bool has_run = c->n == TOLD_TRIGGERED || c->n == TOLD_CANCELED || c->n == TOLD_RETRIED ||
	    c->n == TOLD_DUE_QUEUED;
	char text[WHEN_TEXT_MAX];

	if (c->a != 0)
		fprintf(out, has_run ? "%" PRId64 ".%" PRId64 " " : "%" PRId64 " ", c->a, c->b);
	fprintf(out, "%s", word(names, TOLD_COUNT, c->n));
	if (c->n == TOLD_DRAINED && c->b == 0)
		fprintf(out, " no more");
	else if (c->n == TOLD_RECOVERED)
		fprintf(out, ": %" PRId64 " runs go on", c[1].more[0]);
	else if ((c->n == TOLD_ADDED || c->n == TOLD_RESUMED || c->n == TOLD_SKIPPED || c->n == TOLD_DEPENDENT ||
	    c->n == TOLD_PINGED ||
	    (c->n == TOLD_EDITED && c[1].more[0] != 0)))
		fprintf(out, ", due %s", when(c[1].more[0], text));
}

static void
print_clock(const struct flight_cell *c, FILE *out)
{
	if (c->b == 0)
		fprintf(out, "read");
	else
		fprintf(out, "set by %" PRId64 " usec, or the host has slept", c->a - c->b);
}

/* ---- jobs ---- */

static void
print_job(const struct flight_cell *c, FILE *out)
{
	char text[1600], due[WHEN_TEXT_MAX];

	fprintf(out, "%" PRId64 " (%s), due %s", c->a, word(job_kind_names, KIND_COUNT, c->n), when(c->b, due));
	if (c[1].more[0] > 0)
		fprintf(out, ", every %g s", (double)c[1].more[0] / USEC_SEC);
	if (flight_text(c, RECORD_JOB_ROWS, 0, text, sizeof(text)) && text[0] != '\0')
		fprintf(out, ", %s", text);
	if (flight_text(c, RECORD_JOB_ROWS, 1, text, sizeof(text)) && text[0] != '\0')
		fprintf(out, ", queue %s", text);
	if (flight_text(c, RECORD_JOB_ROWS, 2, text, sizeof(text)) && text[0] != '\0')
		fprintf(out, ", mutex %s", text);
}

static void
print_line(const struct flight_cell *c, FILE *out)
{
	char name[256];

	if (!flight_text(c, RECORD_LINE_ROWS, 0, name, sizeof(name)))
		name[0] = '\0';
	fprintf(out, "queue %s, slots ", name);
	if (c->a > 0)
		fprintf(out, "%" PRId64, c->a);
	else
		fprintf(out, "by default");
	if (c->b != 0)
		fprintf(out, ", paused");
	if (c[1].more[0] > 0)
		fprintf(out, ", %" PRId64 " starts in %g s", c[1].more[0], (double)c[1].more[1] / USEC_SEC);
}

/* Records of several cells have as many as are looked at. */
static unsigned
cells_needed(const struct flight_cell *c)
{
	switch ((enum flight_what)c->what) {
	case FLIGHT_JOB:
		return 1 + RECORD_JOB_ROWS;
	case FLIGHT_CLAIM:
	case FLIGHT_CLAIMED:
	case FLIGHT_QUEUE:
	case FLIGHT_SKIP:
	case FLIGHT_SKIPPED:
	case FLIGHT_LEFT:
	case FLIGHT_ADOPTED:
	case FLIGHT_TOLD:
	case FLIGHT_LINE:
		return 2;
	case FLIGHT_NOTHING:
	case FLIGHT_MORE:
	case FLIGHT_TIMER:
	case FLIGHT_READY:
	case FLIGHT_ANSWER:
	case FLIGHT_CALL:
	case FLIGHT_BLOCKED:
	case FLIGHT_BEGIN:
	case FLIGHT_CLOCK:
	case FLIGHT_EXIT:
	case FLIGHT_NOW_JOB:
	case FLIGHT_NOW_RUN:
	case FLIGHT_WHAT_COUNT:
		break;
	}
	return 1;
}

static void
record_print(const struct flight_file *file, const struct flight_cell *c, FILE *out)
{
	char run[64];

	if (c->cells < cells_needed(c))
		return;
	switch ((enum flight_what)c->what) {
	case FLIGHT_TIMER:
		fputs("timer    ", out);
		print_timer(file, c, out);
		break;
	case FLIGHT_READY:
		fputs("ready    ", out);
		print_ready(file, c, out);
		break;
	case FLIGHT_ANSWER:
		fputs("commit   ", out);
		print_answer(file, c, out);
		break;
	case FLIGHT_CALL:
		fprintf(out, "call     %s, by uid %" PRId64, flight_kind_name(file, c->kind), c->a);
		break;
	case FLIGHT_BLOCKED:
		fputs("loop     ", out);
		print_blocked(file, c, out);
		break;
	case FLIGHT_BEGIN:
		fputs("begin    the recorder was started", out);
		break;
	case FLIGHT_CLOCK:
		fputs("clock    ", out);
		print_clock(c, out);
		break;
	case FLIGHT_CLAIM:
	case FLIGHT_QUEUE:
		fputs("decide   ", out);
		print_claim(c, out);
		break;
	case FLIGHT_CLAIMED:
		fputs("claim    ", out);
		print_claimed(c, out);
		break;
	case FLIGHT_SKIP:
		fputs("skip     ", out);
		print_skip(c, out);
		break;
	case FLIGHT_SKIPPED:
		fprintf(out, "skipped  %" PRId64 "%s%s", c->a, c->kind != 0 ? ": " : "", c->kind != 0 ? strerror((int)c->kind) : "");
		break;
	case FLIGHT_EXIT:
		fprintf(out, "exit     %s %s, code %d", run_of(c, run), word(run_state_names, RUN_STATE_COUNT, c->n),
		    (int)c->kind);
		break;
	case FLIGHT_LEFT:
		fputs("end      ", out);
		print_left(c, out);
		break;
	case FLIGHT_ADOPTED:
		fprintf(out, "adopt    %s goes on", run_of(c, run));
		break;
	case FLIGHT_TOLD:
		fputs("told     ", out);
		print_told(c, out);
		break;
	case FLIGHT_JOB:
		fputs("job      ", out);
		print_job(c, out);
		break;
	case FLIGHT_LINE:
		fputs("queue    ", out);
		print_line(c, out);
		break;
	case FLIGHT_NOTHING:
	case FLIGHT_MORE:
	case FLIGHT_NOW_JOB:
	case FLIGHT_NOW_RUN:
	case FLIGHT_WHAT_COUNT:
		break;
	}
	fputc('\n', out);
}

void
timeline_head(const struct flight_file *file, FILE *out)
{
	static const char *const names[FLIGHT_RINGS] = { "inputs of the loop", "decisions", "jobs" };
	const struct flight_header *h = &file->header;
	char text[WHEN_TEXT_MAX];

	fprintf(out, "jobd %s, pid %" PRId64 ", written at %s: %s\n", h->program, h->pid,
	    instant_print((instant){ h->wall }, text), h->reason);
	for (int i = 0; i < FLIGHT_RINGS; i++) {
		const struct flight_cell *c;
		uint64_t at = 0, n = 0;
		int64_t first = 0;

		while ((c = flight_record(file, (enum flight_ring_id)i, &at)) != NULL) {
			if (n++ == 0)
				first = c->at;
		}
		fprintf(out, "  %-20s %8" PRIu64 " records of %.1f s%s\n", names[i], n,
		    n > 0 ? (double)(h->now - first) / USEC_SEC : 0.0,
		    h->rings[i].lost > 0 ? "; older ones were overwritten" : "");
	}
}

void
timeline_print(const struct flight_file *file, FILE *out)
{
	const struct flight_cell *next[FLIGHT_RINGS];
	uint64_t at[FLIGHT_RINGS] = { 0 };
	bool known = false;
	int64_t offset = 0;
	char text[WHEN_TEXT_MAX];

	for (int i = 0; i < FLIGHT_RINGS; i++)
		next[i] = flight_record(file, (enum flight_ring_id)i, &at[i]);
	for (;;) {
		int first = -1;

		for (int i = 0; i < FLIGHT_RINGS; i++) {
			if (next[i] != NULL && (first < 0 || next[i]->at < next[first]->at))
				first = i;
		}
		if (first < 0)
			break;
		/* The offset is looked up where the clock may have changed. */
		if (!known || next[first]->what == FLIGHT_CLOCK) {
			offset = timeline_wall(file, next[first]->at) - next[first]->at;
			known = true;
		}
		fprintf(out, "%s  ", instant_print((instant){ next[first]->at + offset }, text));
		record_print(file, next[first], out);
		next[first] = flight_record(file, (enum flight_ring_id)first, &at[first]);
	}
}
