/*
 * history: History: how long the latest runs of a job took, as percentiles, and how many succeeded.  It is counted
 * when asked, from the rows of the runs: no histogram has to be kept for a job that nobody asks about.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/server/method.h"
#include "proto/json.h"
#include "proto/mem.h"

/* Runs that are looked at, by default and at most; and asked of the store at a time. */
#define HISTORY_RUNS_DEFAULT	100
#define HISTORY_RUNS_MAX	10000
#define HISTORY_PAGE		200

/* The latest of them that are told one by one. */
#define HISTORY_LATEST_MAX	100

struct history_in {
	char	*job;
	int64_t	 runs;
};

static const struct field history_fields[] = {
	{ "job", FIELD_STRING, offsetof(struct history_in, job), .flags = FIELD_REQUIRED,
	    .max = NAME_BYTES_MAX },
	{ "runs", FIELD_INT, offsetof(struct history_in, runs), .max = HISTORY_RUNS_MAX },
	{ .type = FIELD_END },
};

/* What is measured: how late the run began, how long it took; of a check also its phases. */
enum series {
	SERIES_LATE, SERIES_TOOK, SERIES_QUEUE, SERIES_DNS, SERIES_CONNECT, SERIES_TLS, SERIES_SEND, SERIES_WAIT,
	SERIES_RECEIVE, SERIES_COUNT
};

static const char *const series_names[] = {
	[SERIES_LATE] = "late",
	[SERIES_TOOK] = "took",
	[SERIES_QUEUE] = "queue",
	[SERIES_DNS] = "dns",
	[SERIES_CONNECT] = "connect",
	[SERIES_TLS] = "tls",
	[SERIES_SEND] = "send",
	[SERIES_WAIT] = "wait",
	[SERIES_RECEIVE] = "receive",
};

struct history {
	struct call	 call;
	struct op_get	 get;
	struct op_runs	 op;
	size_t		 max;
	/* of those that began and are over */
	usec_t		*values[SERIES_COUNT];
	size_t		 counts[SERIES_COUNT];
	size_t		 runs, succeeded, degraded, inconclusive;
	instant		 since;
	struct cJSON	*latest;	/* newest first */
	struct cJSON	*times;
	int		 told;		/* series */
};

static void
add_value(struct history *f, enum series s, usec_t value)
{
	f->values[s][f->counts[s]++] = value > 0 ? value : 0;
}

static void
add_phases(struct history *f, const struct phases *p)
{
	const usec_t values[] = { p->queue, p->dns, p->connect, p->tls, p->send, p->wait, p->receive };

	for (int i = 0; i < (int)(sizeof(values) / sizeof(values[0])); i++)
		add_value(f, (enum series)(SERIES_QUEUE + i), values[i]);
}

/* How long it took; -1: it did not begin. */
static usec_t
run_took(const struct run_info *r)
{
	instant end = instant_is_set(r->exited) ? r->exited : r->ended;

	if (r->phases != NULL)
		return r->phases->total;
	return instant_is_set(r->spawned) ? instant_since(end, r->spawned) : -1;
}

static void
add_latest(struct history *f, const struct run_info *r, usec_t took)
{
	struct cJSON *o;

	if (json_count(f->latest) == HISTORY_LATEST_MAX)
		return;
	o = json_object();
	json_set_int(o, "run", r->run);
	json_set_string(o, "state", run_state_names[r->state]);
	if (r->verdict != VERDICT_NONE)
		json_set_string(o, "verdict", verdict_names[r->verdict]);
	if (took >= 0)
		json_set_int(o, "tookUSec", took);
	json_push(f->latest, o);
}

static void
add_run(struct history *f, const struct run_info *r)
{
	usec_t took = run_took(r);

	if (!run_state_final((enum run_state)r->state) || f->runs == f->max)
		return;
	f->runs++;
	f->since = r->due;
	f->succeeded += r->state == RUN_SUCCEEDED;
	f->degraded += r->verdict == VERDICT_DEGRADED;
	f->inconclusive += !verdict_counts((enum verdict)r->verdict);
	add_latest(f, r, took);
	/* One that never began says nothing of times; nor does one that was cut short. */
	if (took < 0 || r->state == RUN_CANCELED || r->state == RUN_LOST)
		return;
	add_value(f, SERIES_TOOK, took);
	if (!r->manual && instant_is_set(r->spawned))
		add_value(f, SERIES_LATE, instant_since(r->spawned, r->due));
	if (r->phases != NULL)
		add_phases(f, r->phases);
}

/* ---- the answer ---- */

static int
compare(const void *a, const void *b)
{
	usec_t x = *(const usec_t *)a, y = *(const usec_t *)b;

	return x < y ? -1 : x > y;
}

/* The least value that so many in a thousand do not exceed (nearest rank). */
static usec_t
percentile(const usec_t *sorted, size_t n, unsigned thousandths)
{
	size_t rank = (n * thousandths + 999) / 1000;

	return sorted[rank > 0 ? rank - 1 : 0];
}

static struct cJSON *
series_reply(struct history *f, enum series s)
{
	struct cJSON *o = json_object();
	usec_t *v = f->values[s];
	size_t n = f->counts[s];

	qsort(v, n, sizeof(*v), compare);
	json_set_string(o, "name", series_names[s]);
	json_set_int(o, "runs", (long long)n);
	json_set_int(o, "p50USec", percentile(v, n, 500));
	json_set_int(o, "p90USec", percentile(v, n, 900));
	json_set_int(o, "p99USec", percentile(v, n, 990));
	json_set_int(o, "maxUSec", v[n - 1]);
	return o;
}

static void
history_answer(struct history *f)
{
	struct cJSON *reply = json_object();
	char since[WHEN_TEXT_MAX];

	json_set_int(reply, "runs", (long long)f->runs);
	json_set_int(reply, "succeeded", (long long)f->succeeded);
	if (f->degraded > 0)
		json_set_int(reply, "degraded", (long long)f->degraded);
	if (f->inconclusive > 0)
		json_set_int(reply, "inconclusive", (long long)f->inconclusive);
	if (f->runs > 0)
		json_set_string(reply, "since", instant_print(f->since, since));
	json_set(reply, "times", f->times);
	json_set(reply, "latest", f->latest);
	f->times = f->latest = NULL;
	call_reply(&f->call, reply);
}

/* ---- the call ---- */

static void
history_begin(struct history *f)
{
	const struct history_in *in = f->call.in;

	f->max = in->runs > 0 ? (size_t)in->runs : HISTORY_RUNS_DEFAULT;
	for (int s = 0; s < SERIES_COUNT; s++)
		f->values[s] = xcalloc(f->max, sizeof(usec_t));
	f->latest = json_array();
	f->get.op.kind = OP_GET;
	f->get.id = id_parse(in->job);
	f->get.name = in->job;
}

static bool
op_told(struct history *f, const struct store_op *op)
{
	const struct history_in *in = f->call.in;

	if (op->result == -ENOENT)
		call_fail(&f->call, JOBD_NOT_FOUND, in->job, NULL);
	else if (op->result < 0)
		call_fail_store(&f->call, op->result);
	return op->result == 0;
}

static enum task_status
history_step(struct task *t)
{
	struct history *f = container_of(t, struct history, call.task);
	struct server *s = server_of(&f->call);

	TASK_BEGIN(t);

	history_begin(f);
	store_submit(s->store, &f->get.op, t);
	AWAIT_SHIELDED(t, USEC_NEVER, f->get.op.done);
	if (!op_told(f, &f->get.op))
		goto out;
	f->op.job = f->get.job.id;
	op_get_done(&f->get);
	do {
		f->op.op = (struct store_op){ .kind = OP_RUNS };
		f->op.limit = HISTORY_PAGE;
		store_submit(s->store, &f->op.op, t);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.op.done);
		if (!op_told(f, &f->op.op))
			goto out;
		for (size_t i = 0; i < f->op.n; i++)
			add_run(f, &f->op.runs[i]);
		f->op.before = f->op.next;
		op_runs_done(&f->op);
	} while (f->op.before != 0 && f->runs < f->max && !t->cancelled);
	f->times = json_array();
	for (; f->told < SERIES_COUNT; f->told++) {
		if (f->counts[f->told] == 0)
			continue;
		json_push(f->times, series_reply(f, (enum series)f->told));
		/* Sorting ten thousand takes a millisecond. */
		TASK_YIELD(t);
	}
	history_answer(f);
out:;
	TASK_END(t, 0);
}

static void
history_release(struct task *t)
{
	struct history *f = container_of(t, struct history, call.task);

	for (int s = 0; s < SERIES_COUNT; s++)
		free(f->values[s]);
	json_free(f->latest);
	json_free(f->times);
	call_release(t);
}

static const struct task_kind history_kind = { .name = "History", .step = history_step,
    .release = history_release };

const struct method method_history = {
	.name = "io.jobd.History",
	.in = history_fields,
	.in_size = sizeof(struct history_in),
	.frame_size = sizeof(struct history),
	.kind = &history_kind,
};
