/*
 * time: Next, Skip and Backfill: the occurrences of a schedule that are to come, are not to come,
 * or should have.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "daemon/scheduler/describe.h"
#include "daemon/scheduler/remark.h"
#include "daemon/server/planned.h"
#include "daemon/server/select.h"
#include "proto/json.h"
#include "proto/mem.h"

/* Occurrences in one answer, or skipped or made up for by one call. */
#define OCCURRENCES_MAX		1000
#define NEXT_DEFAULT		10
#define BACKFILL_DEFAULT	100

/* Occurrences that Backfill walks over at most, and in one step. */
#define WALK_MAX		1000000
#define WALK_SLICE		2000

/* Time changes told by Next. */
#define CHANGES_MAX		3

/* A job's due moves while we ask: so often we look again. */
#define SKIP_TRIES		5

static struct cJSON *
occurrence_reply(const struct schedule *s, const struct occurrence *o)
{
	struct cJSON *object = json_object(), *remarks;
	const struct zone *zone = schedule_zone(s);
	char text[WHEN_TEXT_MAX], *remark = remark_occurrence(s, o);

	json_set_string(object, "due", instant_print(o->due, text));
	if (zone != NULL)
		json_set_string(object, "local", local_print(zone, o->due, text));
	if (o->mark != MARK_NONE)
		json_set_string(object, "mark", due_mark_names[o->mark]);
	if (o->cause >= 0)
		json_set_string(object, "cause", skip_cause_names[o->cause]);
	if (remark != NULL) {
		remarks = json_array();
		json_push(remarks, json_string(remark));
		json_set(object, "remarks", remarks);
	}
	free(remark);
	return object;
}

/* ---- Next ---- */

struct next_in {
	char		*job;
	char		*cron, *calendar;
	usec_t		 every;
	char		*time_zone;
	int		 dst;
	instant		 until;
	struct strings	 except;
	instant		 from;
	int64_t		 n;
	bool		 explain;
};

#define IN(n, member) .name = (n), .offset = offsetof(struct next_in, member)

static const struct field next_fields[] = {
	{ IN("job", job), .type = FIELD_STRING, .max = NAME_BYTES_MAX },
	{ IN("cron", cron), .type = FIELD_STRING, .max = SCHEDULE_BYTES_MAX },
	{ IN("calendar", calendar), .type = FIELD_STRING, .max = SCHEDULE_BYTES_MAX },
	{ IN("everyUSec", every), .type = FIELD_INT, .min = EVERY_MIN, .max = DURATION_MAX },
	{ IN("timeZone", time_zone), .type = FIELD_STRING, .max = ZONE_NAME_BYTES_MAX },
	{ IN("dst", dst), .type = FIELD_ENUM, .names = dst_names },
	{ IN("until", until), .type = FIELD_INSTANT },
	{ IN("except", except), .type = FIELD_STRINGS, .max = EXCEPT_MAX },
	{ IN("from", from), .type = FIELD_INSTANT },
	{ IN("n", n), .type = FIELD_INT, .flags = FIELD_ABSENT_MINUS_ONE, .min = 1,
	  .max = OCCURRENCES_MAX },
	{ IN("explain", explain), .type = FIELD_BOOL },
	{ .type = FIELD_END },
};

struct next {
	struct call		 call;
	struct op_get		 op;
	struct planned		 planned;
	struct occurrence	 o;		/* the next one to be told, if any */
	bool			 any;
	int64_t			 left;
	struct cJSON		*occurrences;
};

/*
 * The first occurrence after an instant, where elapsed time, and a single occurrence, are known by
 * the job's present due.
 */
static bool
first_after(const struct schedule *s, instant due, instant from, struct occurrence *ret)
{
	instant at = due;

	if (schedule_zone(s) != NULL)
		return schedule_next(s, from, ret);
	if (!instant_is_set(due))
		return false;
	if (due.usec <= from.usec && s->every == 0)
		return false;
	if (due.usec <= from.usec)
		at = instant_add(due, (instant_since(from, due) / s->every + 1) * s->every);
	*ret = schedule_at(s, at);
	return true;
}

/* No job's: what was asked about itself.  JOBD_OK, or the caller is told. */
static bool
next_open_asked(struct next *f, instant now)
{
	const struct next_in *in = f->call.in;
	struct field_error error;
	struct job_spec *spec = &f->planned.spec;
	enum jobd_error e;

	if ((in->cron != NULL) + (in->calendar != NULL) + (in->every != 0) != 1) {
		call_fail(&f->call, JOBD_INVALID_FIELD, "job",
		    "one of job, cron, calendar and everyUSec must be given");
		return false;
	}
	/* Borrowed: the table frees what it owns, this frame frees nothing of it. */
	*spec = (struct job_spec){ .cron = in->cron, .calendar = in->calendar, .every = in->every,
	    .time_zone = in->time_zone, .dst = in->dst, .until = in->until, .except = in->except };
	e = schedule_open(spec, server_of(&f->call)->zones, 0, &f->planned.schedule, &error);
	*spec = (struct job_spec){ .every = in->every, .until = in->until };
	if (e != JOBD_OK) {
		call_fail(&f->call, JOBD_INVALID_FIELD, error.path, error.reason);
		return false;
	}
	f->any = first_after(&f->planned.schedule, now, instant_is_set(in->from) ? in->from : now,
	    &f->o);
	return true;
}

static bool
next_open_job(struct next *f, instant now)
{
	const struct next_in *in = f->call.in;
	const struct job_info *job = &f->op.job;

	if (f->op.op.result == -ENOENT) {
		call_fail(&f->call, JOBD_NOT_FOUND, in->job, NULL);
		return false;
	}
	if (f->op.op.result < 0) {
		call_fail_store(&f->call, f->op.op.result);
		return false;
	}
	if (!planned_open(&f->planned, server_of(&f->call), job)) {
		call_fail(&f->call, JOBD_CONFLICT, "the job's schedule cannot be read any more", NULL);
		return false;
	}
	/* What is before its present due is decided: it ran, or was skipped. */
	if (job->due.usec > now.usec)
		now = instant_add(job->due, -1);
	f->any = first_after(&f->planned.schedule, job->due,
	    instant_is_set(in->from) ? in->from : now, &f->o);
	return true;
}

/* The schedule in words. */
static struct cJSON *
next_words(const struct next *f, instant from)
{
	const struct next_in *in = f->call.in;
	struct described d = { .spec = &f->planned.spec, .schedule = &f->planned.schedule,
	    .job = in->job != NULL, .from = from };
	struct cJSON *words = json_array();
	struct phrases phrases = { .n = 0 };

	describe(&d, &phrases);
	for (size_t i = 0; i < phrases.n; i++)
		json_push(words, fields_write(phrase_info_fields, &phrases.items[i]));
	phrases_done(&phrases);
	return words;
}

static void
next_answer(struct next *f, instant now)
{
	const struct next_in *in = f->call.in;
	const struct zone *zone = schedule_zone(&f->planned.schedule);
	struct cJSON *reply = json_object(), *notes = json_array();
	instant from = instant_is_set(in->from) ? in->from : now;
	struct strings remarks = { .n = 0 };

	if (zone != NULL)
		json_set_string(reply, "timeZone", zone_name(zone));
	json_set(reply, "occurrences", f->occurrences);
	f->occurrences = NULL;
	if (in->explain)
		json_set(reply, "words", next_words(f, from));
	else
		remark_changes(&f->planned.schedule, from, CHANGES_MAX, &remarks);
	if (in->job != NULL && f->op.job.state == JOB_PAUSED)
		json_push(notes, json_string("the job is paused: nothing is run before resume"));
	if (in->job != NULL && f->op.job.state == JOB_QUARANTINED)
		json_push(notes,
		    json_string("the job is quarantined: nothing is run before resume or retry"));
	if (in->job != NULL && f->op.job.waits_for != NULL)
		json_push(notes, json_string(f->op.job.waits_for));
	if (f->planned.spec.on_boot)
		json_push(notes, json_string("it is due after the next boot of the host"));
	for (size_t i = 0; i < remarks.n; i++)
		json_push(notes, json_string(remarks.items[i]));
	strings_done(&remarks);
	json_set(reply, "notes", notes);
	call_reply(&f->call, reply);
}

static enum task_status
next_step(struct task *t)
{
	struct next *f = container_of(t, struct next, call.task);
	const struct next_in *in = f->call.in;

	TASK_BEGIN(t);

	if (in->job != NULL) {
		f->op.op.kind = OP_GET;
		f->op.id = id_parse(in->job);
		f->op.name = in->job;
		store_submit(server_of(&f->call)->store, &f->op.op, t);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.op.done);
	}
	if (in->job != NULL ? !next_open_job(f, loop_wall(t->loop)) :
	    !next_open_asked(f, loop_wall(t->loop)))
		goto out;
	f->occurrences = json_array();
	for (f->left = in->n < 0 ? NEXT_DEFAULT : in->n; f->any && f->left > 0; f->left--) {
		json_push(f->occurrences, occurrence_reply(&f->planned.schedule, &f->o));
		f->any = schedule_next(&f->planned.schedule, f->o.due, &f->o);
		if (f->left % REPLY_SLICE == 0)
			TASK_YIELD(t);
	}
	next_answer(f, loop_wall(t->loop));
out:
	TASK_END(t, 0);
}

static void
next_release(struct task *t)
{
	struct next *f = container_of(t, struct next, call.task);

	json_free(f->occurrences);
	planned_done(&f->planned);
	op_get_done(&f->op);
	call_release(t);
}

static const struct task_kind next_kind = { .name = "Next", .step = next_step,
    .release = next_release };

const struct method method_next = {
	.name = "io.jobd.Next",
	.in = next_fields,
	.in_size = sizeof(struct next_in),
	.frame_size = sizeof(struct next),
	.kind = &next_kind,
};

/* ---- Skip ---- */

struct skip_in {
	struct selection which;
	int64_t		count;
};

static const struct field skip_fields[] = {
	SELECTION_ROWS(skip_in, which),
	SELECTION_PAGE_ROW(skip_in, which),
	{ "count", FIELD_INT, offsetof(struct skip_in, count), .flags = FIELD_ABSENT_MINUS_ONE,
	    .min = 1, .max = OCCURRENCES_MAX },
	{ .type = FIELD_END },
};

struct skip_call {
	struct call	 call;
	struct select	 select;
	size_t		 i;
	bool		 looks;		/* at all of them, before the first is changed */
	int		 tries;
	struct op_get	 get;
	struct op_skip	 op;
	struct planned	 planned;
	struct cJSON	*skipped;
	size_t		 passed_over;	/* jobs of others that a pattern matched */
};

/* What is to be skipped of the job that was read: into f->op. False: the caller is told. */
static bool
skip_fill(struct skip_call *f)
{
	const struct skip_in *in = f->call.in;
	const struct job_info *job = &f->get.job;
	int64_t left = in->count < 0 ? 1 : in->count;
	struct occurrence o, next;
	bool more;

	if (!planned_open(&f->planned, server_of(&f->call), job) ||
	    !schedule_repeats(&f->planned.schedule) || !instant_is_set(job->due)) {
		char *why = xasprintf("job %" PRId64 " has no occurrences to come but one at most",
		    job->id);

		call_fail(&f->call, JOBD_CONFLICT, why, NULL);
		free(why);
		return false;
	}
	f->op = (struct op_skip){ .op.kind = OP_SKIP, .job = job->id, .first = job->due,
	    .cause = SKIP_ASKED };
	o = schedule_at(&f->planned.schedule, job->due);
	for (;;) {
		f->op.last = o.due;
		f->op.count++;
		more = schedule_next(&f->planned.schedule, o.due, &next);
		/* What would not have run anyway is not what was meant. */
		left -= o.cause < 0;
		if (left == 0 || !more || f->op.count == OCCURRENCES_MAX)
			break;
		o = next;
	}
	f->op.next_due = more ? next.due : (instant){ 0 };
	return true;
}

/* The dues that were skipped, in words of the answer; and the scheduler learns of the next one. */
static void
skip_tell(struct skip_call *f)
{
	const struct job_info *job = &f->get.job;
	struct occurrence o = schedule_at(&f->planned.schedule, f->op.first);
	struct due_row row = planned_row(&f->planned, job, f->op.next_due);
	char text[WHEN_TEXT_MAX];

	for (int64_t i = 0; i < f->op.count; i++) {
		json_push(f->skipped, json_string(instant_print(o.due, text)));
		(void)schedule_next(&f->planned.schedule, o.due, &o);
	}
	scheduler_job_skipped(server_of(&f->call)->scheduler, &f->op, &row, !job->paused);
	scheduler_dependents(server_of(&f->call)->scheduler, &f->op.dependents);
	op_skip_done(&f->op);
	free(row.schedule);
}

/* May this caller?  False: it is told, or the job is passed over. */
static bool
skip_allowed(struct skip_call *f, const struct target *target)
{
	if (f->get.op.result == -ENOENT && target->pattern)
		return false;
	if (f->get.op.result == -ENOENT) {
		call_fail(&f->call, JOBD_NOT_FOUND,
		    f->select.selectors->items[target->selector], NULL);
		return false;
	}
	if (f->get.op.result < 0) {
		call_fail_store(&f->call, f->get.op.result);
		return false;
	}
	if (call_owns(&f->call, f->get.job.uid))
		return true;
	if (target->pattern)
		f->passed_over++;
	else
		call_fail(&f->call, JOBD_PERMISSION_DENIED, NULL, NULL);
	return false;
}

static void
skip_answer(struct skip_call *f)
{
	struct cJSON *reply;

	if (f->passed_over > 0 && f->passed_over == f->select.found.n &&
	    select_is_whole(&f->select)) {
		call_fail(&f->call, JOBD_PERMISSION_DENIED, NULL, NULL);
		return;
	}
	reply = json_object();
	json_set(reply, "skipped", f->skipped);
	select_set_next(&f->select, reply);
	f->skipped = NULL;
	call_reply(&f->call, reply);
}

static void
skip_forget(struct skip_call *f)
{
	planned_done(&f->planned);
	op_get_done(&f->get);
}

static enum task_status
skip_call_step(struct task *t)
{
	struct skip_call *f = container_of(t, struct skip_call, call.task);
	const struct skip_in *in = f->call.in;

	TASK_BEGIN(t);

	f->skipped = json_array();
	if (!select_start_of(&f->select, &f->call, &in->which, SELECT_PAGED))
		goto out;
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->select.task));
	if (!select_told(&f->select, &f->call))
		goto out;
	f->looks = f->select.found.n > 1;
again:
	f->passed_over = 0;
	for (f->i = 0; f->i < f->select.found.n && !t->cancelled; f->i++) {
		f->tries = 0;
		do {
			skip_forget(f);
			f->get = (struct op_get){ .op.kind = OP_GET,
			    .id = f->select.found.items[f->i].job };
			store_submit(server_of(&f->call)->store, &f->get.op, t);
			AWAIT_SHIELDED(t, USEC_NEVER, f->get.op.done);
			f->op.op.result = 0;
			if (!skip_allowed(f, &f->select.found.items[f->i]))
				break;
			if (!skip_fill(f) || f->looks)
				break;
			store_submit(server_of(&f->call)->store, &f->op.op, t);
			AWAIT_SHIELDED(t, USEC_NEVER, f->op.op.done);
			if (f->op.op.result == 0)
				skip_tell(f);
		} while (f->op.op.result == -ESTALE && ++f->tries < SKIP_TRIES);
		if (f->op.op.result < 0 && !f->call.answered)
			call_fail_store(&f->call, f->op.op.result);
		if (f->call.answered)
			goto out;
	}
	if (f->looks) {
		f->looks = false;
		goto again;
	}
	skip_answer(f);
out:
	TASK_END(t, 0);
}

static void
skip_call_release(struct task *t)
{
	struct skip_call *f = container_of(t, struct skip_call, call.task);

	skip_forget(f);
	select_done(&f->select);
	json_free(f->skipped);
	call_release(t);
}

static const struct task_kind skip_call_kind = { .name = "Skip", .step = skip_call_step,
    .release = skip_call_release };

const struct method method_skip = {
	.name = "io.jobd.Skip",
	.in = skip_fields,
	.in_size = sizeof(struct skip_in),
	.frame_size = sizeof(struct skip_call),
	.kind = &skip_call_kind,
};

/* ---- Backfill ---- */

struct backfill_in {
	char	*job;
	instant	 from, to;
	int64_t	 max;
	bool	 dry_run;
};

static const struct field backfill_fields[] = {
	{ "job", FIELD_STRING, offsetof(struct backfill_in, job), .flags = FIELD_REQUIRED,
	    .max = NAME_BYTES_MAX },
	{ "from", FIELD_INSTANT, offsetof(struct backfill_in, from), .flags = FIELD_REQUIRED },
	{ "to", FIELD_INSTANT, offsetof(struct backfill_in, to), .flags = FIELD_REQUIRED },
	{ "max", FIELD_INT, offsetof(struct backfill_in, max), .flags = FIELD_ABSENT_MINUS_ONE,
	    .min = 1, .max = OCCURRENCES_MAX },
	{ "dryRun", FIELD_BOOL, offsetof(struct backfill_in, dry_run), .flags = 0 },
	{ .type = FIELD_END },
};

struct backfill {
	struct call		 call;
	struct op_get		 get;
	struct op_ledger	 ledger;
	struct op_trigger	 op;
	struct planned		 planned;
	struct occurrence	 o;		/* the next one to be looked at, if any */
	bool			 any;
	size_t			 row;		/* of the ledger's page */
	int64_t			 walked;
	instant			*dues;		/* the latest max of those found, in a ring */
	int64_t			 max, found, i;
	struct cJSON		*runs, *occurrences;
};

/* The job was read.  False: the caller is told. */
static bool
backfill_open(struct backfill *f, instant now)
{
	const struct backfill_in *in = f->call.in;
	const struct job_info *job = &f->get.job;
	instant from = instant_add(in->from, -1);
	struct schedule *s = &f->planned.schedule;
	char text[WHEN_TEXT_MAX], reason[128];

	if (f->get.op.result == -ENOENT)
		call_fail(&f->call, JOBD_NOT_FOUND, in->job, NULL);
	else if (f->get.op.result < 0)
		call_fail_store(&f->call, f->get.op.result);
	else if (!call_owns(&f->call, job->uid))
		call_fail(&f->call, JOBD_PERMISSION_DENIED, NULL, NULL);
	else if (job->kind == KIND_HEARTBEAT)
		call_fail(&f->call, JOBD_INVALID_FIELD, "job",
		    "is a heartbeat: its work runs elsewhere, so jobd cannot make up for it");
	else if (in->from.usec > now.usec)
		call_fail(&f->call, JOBD_INVALID_FIELD, "from", "must be past: what is to come comes by itself");
	else if (in->to.usec < in->from.usec)
		call_fail(&f->call, JOBD_INVALID_FIELD, "to", "must not be before from");
	else if (in->from.usec <= job->pruned.usec) {
		snprintf(reason, sizeof(reason), "must be after %s: what was run before, retention has"
		    " given up", instant_print(job->pruned, text));
		call_fail(&f->call, JOBD_INVALID_FIELD, "from", reason);
	} else if (in->to.usec > now.usec)
		call_fail(&f->call, JOBD_INVALID_FIELD, "to", "must be past: what is to come comes by itself");
	else if (!planned_open(&f->planned, server_of(&f->call), job) || !schedule_repeats(s))
		call_fail(&f->call, JOBD_CONFLICT, "the job does not repeat", NULL);
	if (f->call.answered)
		return false;
	f->max = in->max < 0 ? BACKFILL_DEFAULT : in->max;
	f->dues = xcalloc((size_t)f->max, sizeof(*f->dues));
	/* Elapsed time is counted back from the present due. */
	if (schedule_zone(s) == NULL && instant_is_set(job->due) && job->due.usec > from.usec) {
		f->o = schedule_at(s, instant_add(job->due,
		    -(instant_since(job->due, from) / s->every) * s->every));
		f->any = f->o.due.usec > from.usec || schedule_next(s, f->o.due, &f->o);
	} else {
		f->any = schedule_zone(s) != NULL && schedule_next(s, from, &f->o);
	}
	return true;
}

static void
backfill_submit_ledger(struct backfill *f)
{
	const struct backfill_in *in = f->call.in;

	f->ledger = (struct op_ledger){ .op.kind = OP_LEDGER, .job = f->get.job.id,
	    .from = f->o.due, .to = in->to, .by_hand = true };
	f->row = 0;
	store_submit(server_of(&f->call)->store, &f->ledger.op, &f->call.task);
}

/* Was it run?  False also when the page does not reach so far: *beyond then. */
static bool
backfill_was_run(struct backfill *f, instant due, bool *beyond)
{
	const struct op_ledger *l = &f->ledger;

	while (f->row < l->n && l->rows[f->row].last.usec < due.usec)
		f->row++;
	*beyond = f->row == l->n && l->more;
	/* By its side there may be a skip that it made up for. */
	for (size_t k = f->row; k < l->n && l->rows[k].first.usec <= due.usec; k++) {
		if (l->rows[k].cause < 0 && l->rows[k].first.usec == due.usec)
			return true;
	}
	return false;
}

/* Walk on to the end of the range, of the page or of a slice.  True: another page is needed. */
static bool
backfill_walk(struct backfill *f)
{
	const struct backfill_in *in = f->call.in;
	bool beyond = false;

	for (int n = 0; n < WALK_SLICE && f->any; n++) {
		if (f->o.due.usec > in->to.usec || f->walked++ == WALK_MAX) {
			f->any = false;
			break;
		}
		if (f->o.cause < 0 && !backfill_was_run(f, f->o.due, &beyond) && !beyond)
			f->dues[f->found++ % f->max] = f->o.due;
		if (beyond)
			return true;
		f->any = schedule_next(&f->planned.schedule, f->o.due, &f->o);
	}
	return false;
}

static void
backfill_submit(struct backfill *f, instant due)
{
	f->op = (struct op_trigger){ .op.kind = OP_TRIGGER, .job = f->get.job.id, .due = due,
	    .now = loop_wall(f->call.task.loop), .uid = call_reach(&f->call) };
	store_submit(server_of(&f->call)->store, &f->op.op, &f->call.task);
}

/* One is queued.  False: the caller is told why not. */
static bool
backfill_took(struct backfill *f)
{
	const struct backfill_in *in = f->call.in;
	struct op_trigger *op = &f->op;
	char text[RUN_TEXT_MAX];

	if (op->op.result == -ENOENT)
		call_fail(&f->call, JOBD_NOT_FOUND, in->job, NULL);
	else if (op->op.result < 0)
		call_fail_store(&f->call, op->op.result);
	if (op->op.result < 0)
		return false;
	scheduler_run_queued(server_of(&f->call)->scheduler, op);
	scheduler_dependents(server_of(&f->call)->scheduler, &op->dependents);
	json_push(f->runs, json_string(run_text(op->job, op->run, text)));
	op_trigger_done(op);
	return true;
}

static void
backfill_answer(struct backfill *f)
{
	const struct backfill_in *in = f->call.in;
	struct cJSON *reply = json_object();

	if (!in->dry_run) {
		json_set(reply, "runs", f->runs);
		f->runs = NULL;
	}
	json_set(reply, "occurrences", f->occurrences);
	f->occurrences = NULL;
	call_reply(&f->call, reply);
}

static enum task_status
backfill_step(struct task *t)
{
	struct backfill *f = container_of(t, struct backfill, call.task);
	const struct backfill_in *in = f->call.in;

	TASK_BEGIN(t);

	f->runs = json_array();
	f->occurrences = json_array();
	f->get.op.kind = OP_GET;
	f->get.id = id_parse(in->job);
	f->get.name = in->job;
	store_submit(server_of(&f->call)->store, &f->get.op, t);
	AWAIT_SHIELDED(t, USEC_NEVER, f->get.op.done);
	if (!backfill_open(f, loop_wall(t->loop)))
		goto out;
	while (f->any && !t->cancelled) {
		op_ledger_done(&f->ledger);
		backfill_submit_ledger(f);
		AWAIT_SHIELDED(t, USEC_NEVER, f->ledger.op.done);
		if (f->ledger.op.result < 0) {
			call_fail_store(&f->call, f->ledger.op.result);
			goto out;
		}
		while (f->any && !t->cancelled && !backfill_walk(f))
			TASK_YIELD(t);
	}
	/* The oldest first: runs of a job begin in the order that they were asked for. */
	for (f->i = f->found > f->max ? f->found - f->max : 0; f->i < f->found && !t->cancelled;
	    f->i++) {
		f->o = schedule_at(&f->planned.schedule, f->dues[f->i % f->max]);
		json_push(f->occurrences, occurrence_reply(&f->planned.schedule, &f->o));
		if (in->dry_run)
			continue;
		backfill_submit(f, f->o.due);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.op.done);
		if (!backfill_took(f))
			goto out;
	}
	backfill_answer(f);
out:
	TASK_END(t, 0);
}

static void
backfill_release(struct task *t)
{
	struct backfill *f = container_of(t, struct backfill, call.task);

	op_ledger_done(&f->ledger);
	op_get_done(&f->get);
	planned_done(&f->planned);
	free(f->dues);
	json_free(f->runs);
	json_free(f->occurrences);
	call_release(t);
}

static const struct task_kind backfill_kind = { .name = "Backfill", .step = backfill_step,
    .release = backfill_release };

const struct method method_backfill = {
	.name = "io.jobd.Backfill",
	.in = backfill_fields,
	.in_size = sizeof(struct backfill_in),
	.frame_size = sizeof(struct backfill),
	.kind = &backfill_kind,
};
