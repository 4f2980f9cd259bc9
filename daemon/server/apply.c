/*
 * apply: Apply: jobs are added and others changed in one transaction, as files say that they are to be.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/server/add.h"
#include "daemon/server/edit.h"
#include "proto/json.h"
#include "proto/mem.h"

struct apply_in {
	struct structs	jobs, edits;
	bool		dry_run;
};

static const struct field apply_fields[] = {
	{ "jobs", FIELD_STRUCTS, offsetof(struct apply_in, jobs), .max = ADD_JOBS_MAX, .sub = job_spec_fields,
	    .size = sizeof(struct job_spec) },
	{ "edits", FIELD_STRUCTS, offsetof(struct apply_in, edits), .max = ADD_JOBS_MAX, .sub = editing_fields,
	    .size = sizeof(struct editing_in) },
	{ "dryRun", FIELD_BOOL, offsetof(struct apply_in, dry_run), .flags = 0 },
	{ .type = FIELD_END },
};

struct apply {
	struct call	 call;
	struct adding	 adding;
	struct editing	*edits;		/* as many as are asked */
	struct cJSON	*warnings;	/* of the edits */
	struct op_apply	 op;
	struct op_edit	**ops;		/* those of edits that change something */
	size_t		 i;
	int		 tries;
	bool		 near;
};

static void
apply_start(struct apply *f)
{
	const struct apply_in *in = f->call.in;

	adding_start(&f->adding, &f->call, &in->jobs, true, in->dry_run);
	f->edits = xcalloc(in->edits.n + 1, sizeof(*f->edits));
	f->ops = xcalloc(in->edits.n + 1, sizeof(struct op_edit *));
	for (size_t i = 0; i < in->edits.n; i++) {
		f->edits[i] = (struct editing){ .call = &f->call, .in = in->edits.items[i], .placed = true };
		(void)snprintf(f->edits[i].place, sizeof(f->edits[i].place), "edits[%zu].spec", i);
	}
}

/* The edits are read anew each time: what is known of them by now counts no more. */
static void
apply_begin(struct apply *f)
{
	const struct apply_in *in = f->call.in;

	json_free(f->warnings);
	f->warnings = json_array();
	for (size_t i = 0; i < in->edits.n; i++)
		f->edits[i].warnings = f->warnings;
}

/* Each is compared with its job as it is: two of one job would not see each other.  False: the caller was told. */
static bool
apply_is_first(struct apply *f, size_t i)
{
	char place[48], why[64];

	for (size_t k = 0; k < i; k++) {
		if (f->edits[k].get.job.id != f->edits[i].get.job.id)
			continue;
		(void)snprintf(place, sizeof(place), "edits[%zu].job", i);
		(void)snprintf(why, sizeof(why), "names the same job as edits[%zu]", k);
		call_fail(&f->call, JOBD_INVALID_FIELD, place, why);
		return false;
	}
	return true;
}

static void
apply_fill(struct apply *f)
{
	const struct apply_in *in = f->call.in;

	f->op = (struct op_apply){ .op.kind = OP_APPLY, .add = &f->adding.op, .edits = f->ops, .dry = in->dry_run };
	for (size_t i = 0; i < in->edits.n; i++) {
		if (f->edits[i].changed)
			f->ops[f->op.n++] = &f->edits[i].op;
	}
}

/* Was it for an edit that others were quicker with? */
static bool
apply_again(struct apply *f)
{
	struct editing *e;

	f->near = false;
	if (f->op.op.result == 0 || !f->op.of_edit)
		return false;
	e = container_of(f->ops[f->op.failed], struct editing, op);
	return editing_again(e, f->op.op.result, &f->near) && ++f->tries < EDIT_TRIES_MAX;
}

/* True when the store has taken it, or would have. */
static bool
apply_taken(struct apply *f)
{
	int r = f->op.op.result;

	if (r == 0 || (f->op.dry && r == -ECANCELED))
		return true;
	if (f->op.of_edit)
		editing_refused(container_of(f->ops[f->op.failed], struct editing, op), r);
	else
		adding_refused(&f->adding, r);
	return false;
}

static void
apply_answer(struct apply *f)
{
	const struct apply_in *in = f->call.in;
	struct cJSON *reply = json_object(), *edited = json_array(), *one;

	for (size_t i = 0; i < in->edits.n; i++) {
		one = json_object();
		editing_reply(&f->edits[i], one, f->edits[i].changed && !f->op.dry);
		json_push(edited, one);
	}
	for (const struct cJSON *w = json_first(f->warnings); w != NULL; w = json_next(w))
		json_push(f->adding.warnings, json_string(json_text(w)));
	adding_reply(&f->adding, reply);
	json_set(reply, "edited", edited);
	call_reply(&f->call, reply);
}

/* Check all, make it durable as one, let the scheduler know, answer. */
static enum task_status
apply_step(struct task *t)
{
	struct apply *f = container_of(t, struct apply, call.task);
	const struct apply_in *in = f->call.in;
	struct store *store = server_of(&f->call)->store;

	TASK_BEGIN(t);

	apply_start(f);
	for (f->i = 0; f->i < in->jobs.n; f->i++) {
		if (!adding_prepare(&f->adding, f->i))
			goto out;
		if (f->i % REPLY_SLICE == REPLY_SLICE - 1)
			TASK_YIELD(t);
	}
	if (!adding_whole(&f->adding))
		goto out;
	do {
		if (f->near)
			AWAIT_UNTIL(t, loop_now(t->loop) + EDIT_NEAR, false);
		apply_begin(f);
		for (f->i = 0; f->i < in->edits.n; f->i++) {
			editing_ask(&f->edits[f->i]);
			store_submit(store, &f->edits[f->i].get.op, t);
			AWAIT_SHIELDED(t, USEC_NEVER, f->edits[f->i].get.op.done);
			if (!editing_take(&f->edits[f->i]) || !apply_is_first(f, f->i))
				goto out;
		}
		/* Who has gone before anything was done gets nothing done. */
		if (t->cancelled)
			goto out;
		apply_fill(f);
		store_submit(store, &f->op.op, t);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.op.done);
	} while (apply_again(f));
	if (!apply_taken(f))
		goto out;
	for (f->i = 0; f->i < in->jobs.n; f->i++) {
		adding_tell(&f->adding, f->i);
		if (f->i % REPLY_SLICE == REPLY_SLICE - 1)
			TASK_YIELD(t);
	}
	adding_told(&f->adding);
	for (f->i = 0; f->i < in->edits.n && !f->op.dry; f->i++) {
		if (f->edits[f->i].changed)
			editing_told(&f->edits[f->i]);
		if (f->i % REPLY_SLICE == REPLY_SLICE - 1)
			TASK_YIELD(t);
	}
	apply_answer(f);
out:;
	TASK_END(t, 0);
}

static void
apply_release(struct task *t)
{
	struct apply *f = container_of(t, struct apply, call.task);
	const struct apply_in *in = f->call.in;

	adding_done(&f->adding);
	for (size_t i = 0; f->edits != NULL && i < in->edits.n; i++)
		editing_done(&f->edits[i]);
	free(f->edits);
	free(f->ops);
	json_free(f->warnings);
	call_release(t);
}

static const struct task_kind apply_kind = { .name = "Apply", .step = apply_step,
    .release = apply_release };

const struct method method_apply = {
	.name = "io.jobd.Apply",
	.in = apply_fields,
	.in_size = sizeof(struct apply_in),
	.frame_size = sizeof(struct apply),
	.kind = &apply_kind,
};
