/*
 * audit: Audit: every occurrence has one disposition, and here that is proved (scheduler/audit.h).
 *  One job after another, a page of its ledger at a time, in slices that let the loop go on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/scheduler/audit.h"
#include "daemon/server/planned.h"
#include "daemon/server/select.h"
#include "proto/json.h"
#include "proto/mem.h"

/* Jobs, rows of ledgers and gaps in one reply, at most (a job that was begun is finished). */
#define AUDIT_JOBS_MAX	200
#define AUDIT_ROWS_MAX	200000
#define AUDIT_GAPS_MAX	1000

/* The others run after so long, looked at after so many steps. */
#define SLICE_TIME	(2 * USEC_MSEC)
#define SLICE_STEPS	64

struct audit_in {
	char	*job;
	instant	 from, to;
	int64_t	 after;
};

static const struct field audit_fields[] = {
	{ "job", FIELD_STRING, offsetof(struct audit_in, job), .max = 4 * NAME_BYTES_MAX },
	{ "from", FIELD_INSTANT, offsetof(struct audit_in, from), .flags = 0 },
	{ "to", FIELD_INSTANT, offsetof(struct audit_in, to), .flags = 0 },
	{ "after", FIELD_INT, offsetof(struct audit_in, after), .max = INT64_MAX },
	{ .type = FIELD_END },
};

/* The clock was set: by how much, and the later of what it showed before and after. */
struct step {
	instant	at;
	usec_t	by;
	int64_t	id;
};

struct audit_call {
	struct call	 call;
	struct select	 select;
	struct strings	 selector;	/* borrows the parameter */
	struct op_list	 list;
	struct targets	 targets;	/* the jobs of this reply */
	size_t		 i;
	bool		 more;		/* there are jobs after these */
	struct step	*steps;
	size_t		 steps_n;
	usec_t		*steps_of;	/* the job's */
	struct op_get	 get;
	struct planned		 planned;
	struct audit	 audit;
	enum audit_next	 next;
	int64_t		 occurrences, runs, skips, jobs, rows, gaps_left;
	int64_t		 pruned;	/* jobs of whose range retention has given up something */
	instant		 pruned_until;	/* the latest of it */
	struct cJSON	*gaps;
	union {			/* one after another */
		struct op_spans	 spans;
		struct op_ledger ledger;
	} op;
};

/* ---- which jobs ---- */

/* From those selected, or the page of the list: what comes after the cursor. */
static void
audit_targets(struct audit_call *f)
{
	const struct audit_in *in = f->call.in;

	for (size_t i = 0; i < f->select.found.n; i++) {
		const struct target *t = &f->select.found.items[i];

		if (t->job <= in->after)
			continue;
		if (f->targets.n < AUDIT_JOBS_MAX)
			targets_add(&f->targets, *t);
		else
			f->more = true;
	}
}

static void
list_submit(struct audit_call *f)
{
	const struct audit_in *in = f->call.in;

	f->list = (struct op_list){ .op.kind = OP_LIST, .kind = -1, .uid = -1, .after = in->after,
	    .limit = AUDIT_JOBS_MAX };
	store_submit(server_of(&f->call)->store, &f->list.op, &f->call.task);
}

static void
list_took(struct audit_call *f)
{
	for (size_t i = 0; i < f->list.n; i++)
		targets_add(&f->targets, (struct target){ .job = f->list.jobs[i].id });
	f->more = f->list.next != 0;
	op_list_done(&f->list);
}

/* ---- how the clock was set ---- */

static void
steps_submit(struct audit_call *f)
{
	instant to = f->op.spans.n > 0 ? instant_add(f->op.spans.rows[f->op.spans.n - 1].first,
	    -1) :
	    (instant){ INT64_MAX };

	f->op.spans = (struct op_spans){ .op.kind = OP_SPANS, .to = to };
	store_submit(server_of(&f->call)->store, &f->op.spans.op, &f->call.task);
}

/* True: there are more. */
static bool
steps_took(struct audit_call *f)
{
	const struct op_spans *op = &f->op.spans;

	f->steps = xrealloc(f->steps, (f->steps_n + op->n + 1) * sizeof(*f->steps));
	for (size_t i = 0; i < op->n; i++) {
		const struct span *s = &op->rows[i];

		/* Set back, dues move a microsecond less (clock.c). */
		if (s->kind == SPAN_CLOCK)
			f->steps[f->steps_n++] = (struct step){
				.id = s->id, .by = s->step > 0 ? s->step : s->step + 1,
				.at = s->step > 0 ? s->first : instant_add(s->first, -s->step) };
	}
	return op->more;
}

static int
step_compare(const void *a, const void *b)
{
	const struct step *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* In the order in which they came: what the clock showed goes back and forth. */
static void
steps_sort(struct audit_call *f)
{
	if (f->steps_n > 0)
		qsort(f->steps, f->steps_n, sizeof(*f->steps), step_compare);
}

/* ---- one job ---- */

static void
audit_found(void *context, const struct gap_info *gap)
{
	struct audit_call *f = context;

	if (json_count(f->gaps) < AUDIT_GAPS_MAX)
		json_push(f->gaps, fields_write(gap_info_fields, gap));
	else
		f->gaps_left++;
}

static void
get_submit(struct audit_call *f)
{
	f->get = (struct op_get){ .op.kind = OP_GET, .id = f->targets.items[f->i].job };
	store_submit(server_of(&f->call)->store, &f->get.op, &f->call.task);
}

/* Begin with the job that was read.  False: it cannot be read as it was added. */
static bool
job_begin(struct audit_call *f)
{
	const struct audit_in *in = f->call.in;
	struct server *s = server_of(&f->call);
	instant pruned = f->get.job.pruned;
	bool in_pieces = false;
	size_t n = 0;

	if (!planned_open(&f->planned, s, &f->get.job))
		return false;
	/* What an earlier schedule has made is not gone through either. */
	if (f->get.job.rescheduled.usec > pruned.usec)
		f->get.job.pruned = f->get.job.rescheduled;
	/* Those since it was added: before the first of them, no clock showed less than then. */
	f->steps_of = xrealloc(f->steps_of, (f->steps_n + 1) * sizeof(*f->steps_of));
	for (size_t i = 0; i < f->steps_n; i++) {
		if (n > 0 || f->steps[i].at.usec >= f->get.job.created.usec)
			f->steps_of[n++] = f->steps[i].by;
		in_pieces |= n > 0 && f->steps[i].at.usec >= f->get.job.pruned.usec;
	}
	f->audit = (struct audit){
		.job = &f->get.job, .spec = &f->planned.spec, .schedule = &f->planned.schedule,
		.from = in->from, .to = in->to, .now = loop_wall(s->loop),
		.steps = f->steps_of, .steps_n = n, .in_pieces = in_pieces, .found = audit_found, .context = f,
	};
	audit_begin(&f->audit);
	if (instant_is_set(pruned) && in->from.usec <= pruned.usec) {
		f->pruned++;
		if (pruned.usec > f->pruned_until.usec)
			f->pruned_until = pruned;
	}
	f->jobs++;
	return true;
}

static void
ledger_submit(struct audit_call *f)
{
	op_ledger_done(&f->op.ledger);
	f->op.ledger = (struct op_ledger){ .op.kind = OP_LEDGER, .job = f->get.job.id,
	    .from = audit_place(&f->audit), .to = { INT64_MAX } };
	store_submit(server_of(&f->call)->store, &f->op.ledger.op, &f->call.task);
}

/* Go on for a slice. */
static void
job_slice(struct audit_call *f)
{
	struct loop *l = f->call.task.loop;
	usec_t end = loop_clock(l) + SLICE_TIME;

	f->next = AUDIT_MORE;
	while (f->next == AUDIT_MORE && loop_clock(l) < end) {
		for (int i = 0; i < SLICE_STEPS && f->next == AUDIT_MORE; i++)
			f->next = audit_step(&f->audit);
	}
}

static void
job_end(struct audit_call *f)
{
	f->occurrences += f->audit.occurrences;
	f->runs += f->audit.runs;
	f->skips += f->audit.skips;
	audit_done(&f->audit);
	op_ledger_done(&f->op.ledger);
	planned_done(&f->planned);
	op_get_done(&f->get);
	f->get = (struct op_get){ .id = 0 };
}

/* ---- the call ---- */

static void
audit_answer(struct audit_call *f)
{
	struct cJSON *reply = json_object();
	char text[WHEN_TEXT_MAX];

	json_set_int(reply, "jobs", f->jobs);
	json_set_int(reply, "occurrences", f->occurrences);
	json_set_int(reply, "runs", f->runs);
	json_set_int(reply, "skips", f->skips);
	json_set(reply, "gaps", f->gaps);
	f->gaps = NULL;
	if (f->gaps_left > 0)
		json_set_int(reply, "gapsLeft", f->gaps_left);
	if (f->pruned > 0) {
		json_set_int(reply, "pruned", f->pruned);
		json_set_string(reply, "prunedUntil", instant_print(f->pruned_until, text));
	}
	if (f->more || f->i < f->targets.n)
		json_set_int(reply, "next", f->targets.items[f->i - 1].job);
	call_reply(&f->call, reply);
}

/* What the store has said; false when the caller was told that it could not. */
static bool
audit_answered(struct audit_call *f, const struct store_op *op)
{
	if (op->result < 0)
		call_fail_store(&f->call, op->result);
	return op->result == 0;
}

static bool
range_checked(struct audit_call *f)
{
	const struct audit_in *in = f->call.in;

	if (!instant_is_set(in->to) || in->from.usec <= in->to.usec)
		return true;
	call_fail(&f->call, JOBD_INVALID_FIELD, "to", "must not be before from");
	return false;
}

static enum task_status
audit_call_step(struct task *t)
{
	struct audit_call *f = container_of(t, struct audit_call, call.task);
	struct audit_in *in = f->call.in;

	TASK_BEGIN(t);

	if (!range_checked(f))
		goto out;
	if (in->job != NULL) {
		f->selector = (struct strings){ &in->job, 1 };
		select_start(&f->select, &f->call, &f->selector, 0);
		AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->select.task));
		if (!select_told(&f->select, &f->call))
			goto out;
		audit_targets(f);
	} else {
		list_submit(f);
		AWAIT_SHIELDED(t, USEC_NEVER, f->list.op.done);
		if (!audit_answered(f, &f->list.op))
			goto out;
		list_took(f);
	}
	do {
		steps_submit(f);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.spans.op.done);
		if (!audit_answered(f, &f->op.spans.op))
			goto out;
	} while (steps_took(f) && !t->cancelled);
	steps_sort(f);
	memset(&f->op, 0, sizeof(f->op));
	f->gaps = json_array();
	for (; f->i < f->targets.n && f->rows < AUDIT_ROWS_MAX && !t->cancelled; f->i++) {
		get_submit(f);
		AWAIT_SHIELDED(t, USEC_NEVER, f->get.op.done);
		/* It may be gone by now. */
		if (f->get.op.result == -ENOENT)
			continue;
		if (!audit_answered(f, &f->get.op))
			goto out;
		f->next = job_begin(f) ? AUDIT_MORE : AUDIT_OVER;
		while (f->next != AUDIT_OVER && !t->cancelled) {
			job_slice(f);
			if (f->next == AUDIT_MORE)
				TASK_YIELD(t);
			if (f->next != AUDIT_PAGE)
				continue;
			ledger_submit(f);
			AWAIT_SHIELDED(t, USEC_NEVER, f->op.ledger.op.done);
			if (!audit_answered(f, &f->op.ledger.op))
				goto out;
			f->rows += (int64_t)f->op.ledger.n;
			audit_page(&f->audit, f->op.ledger.rows, f->op.ledger.n,
			    !f->op.ledger.more);
		}
		job_end(f);
	}
	if (!t->cancelled)
		audit_answer(f);
out:;
	TASK_END(t, 0);
}

static void
audit_release(struct task *t)
{
	struct audit_call *f = container_of(t, struct audit_call, call.task);

	/*
	 * A failure in the middle of a job leaves what the job had; of the union only the ledger
	 * owns.
	 */
	if (f->gaps != NULL)
		job_end(f);
	json_free(f->gaps);
	free(f->steps);
	free(f->steps_of);
	targets_done(&f->targets);
	select_done(&f->select);
	call_release(t);
}

static const struct task_kind audit_kind = { .name = "Audit", .step = audit_call_step,
    .release = audit_release };

const struct method method_audit = {
	.name = "io.jobd.Audit",
	.in = audit_fields,
	.in_size = sizeof(struct audit_in),
	.frame_size = sizeof(struct audit_call),
	.kind = &audit_kind,
};
