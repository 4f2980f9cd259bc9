/*
 * change: Pause, Resume and Remove.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/server/cancel.h"
#include "daemon/server/look.h"
#include "proto/json.h"
#include "proto/mem.h"

struct change_in {
	struct selection which;
	bool		cancel;		/* Remove's */
};

static const struct field change_fields[] = {
	SELECTION_ROWS(change_in, which),
	SELECTION_PAGE_ROW(change_in, which),
	{ .type = FIELD_END },
};

struct change {
	struct call	 call;
	struct select	 select;
	struct pass	 pass;
	bool		 paused;
	int64_t		 count;
	int64_t		 waited;	/* Remove's: for those that are gone */
	bool		 passed_over;
	bool		 allowed;	/* one at least was not */
	/* Remove's: */
	struct targets	 rest;		/* what has an active run */
	struct targets	 tried;
	struct cancel	 cancel;
	struct watcher	 watcher;
	bool		 ended;		/* a run has, since we tried */
};

static void
change_answer(struct change *f)
{
	struct cJSON *reply;

	if (!f->allowed && f->passed_over && select_is_whole(&f->select))
		pass_refuse(&f->pass, JOBD_PERMISSION_DENIED, NULL);
	if (!pass_told(&f->pass, &f->call))
		return;
	reply = json_object();
	json_set_int(reply, "count", f->count);
	if (f->waited > 0)
		json_set_int(reply, "dependents", f->waited);
	select_set_next(&f->select, reply);
	call_reply(&f->call, reply);
}

static void
change_release(struct task *t)
{
	struct change *f = container_of(t, struct change, call.task);

	select_done(&f->select);
	pass_done(&f->pass);
	cancel_done(&f->cancel);
	targets_done(&f->rest);
	targets_done(&f->tried);
	call_release(t);
}

/* ---- Pause and Resume ---- */

static void
pause_fill(struct pass *p, union pass_op *op, const struct target *target)
{
	struct change *f = p->frame;

	op->pause = (struct op_pause){
		.op.kind = OP_PAUSE,
		.job = target->job,
		.paused = f->paused,
		.uid = call_reach(p->call),
		.by = (int64_t)p->call->uid,
		.now = loop_wall(p->task.loop),
	};
}

static void
pause_took(struct pass *p, union pass_op *any, const struct target *target)
{
	struct change *f = p->frame;
	struct op_pause *op = &any->pause;

	if (!refusal_passed(p, op->op.result, target, &f->passed_over))
		return;
	f->allowed = true;
	f->count += op->changed;
	if (op->changed && op->paused)
		scheduler_job_paused(server_of(p->call)->scheduler, op->job, op->name,
		    op->job_state);
	else if (op->changed)
		scheduler_job_resumed(server_of(p->call)->scheduler, &op->row, op->name,
		    op->job_state, op->released);
	op_pause_done(op);
}

static const struct pass_kind pause_pass = { .fill = pause_fill, .took = pause_took, .changes = true };

static enum task_status
pause_step(struct task *t)
{
	struct change *f = container_of(t, struct change, call.task);
	const struct change_in *in = f->call.in;

	TASK_BEGIN(t);

	f->paused = strcmp(f->call.method->name, method_pause.name) == 0;
	f->pass.call = &f->call;
	f->pass.frame = f;
	if (!select_start_of(&f->select, &f->call, &in->which, SELECT_PAGED))
		goto out;
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->select.task));
	if (!select_told(&f->select, &f->call))
		goto out;
	look_start(&f->pass, &look_at_owners, &f->select.found, t);
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->pass.task));
	if (!pass_told(&f->pass, &f->call))
		goto out;
	pass_start(&f->pass, &pause_pass, &f->select.found, t);
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->pass.task));
	change_answer(f);
out:;
	TASK_END(t, 0);
}

static const struct task_kind pause_kind = { .name = "Pause", .step = pause_step,
    .release = change_release };
static const struct task_kind resume_kind = { .name = "Resume", .step = pause_step,
    .release = change_release };

const struct method method_pause = {
	.name = "io.jobd.Pause",
	.in = change_fields,
	.in_size = sizeof(struct change_in),
	.frame_size = sizeof(struct change),
	.kind = &pause_kind,
};

const struct method method_resume = {
	.name = "io.jobd.Resume",
	.in = change_fields,
	.in_size = sizeof(struct change_in),
	.frame_size = sizeof(struct change),
	.kind = &resume_kind,
};

/* ---- Remove ---- */

/* A job with an active run is tried again when a run has ended, or after so long. */
#define REMOVE_AGAIN	USEC_SEC

static const struct field remove_fields[] = {
	SELECTION_ROWS(change_in, which),
	SELECTION_PAGE_ROW(change_in, which),
	{ "cancel", FIELD_BOOL, offsetof(struct change_in, cancel), .flags = 0 },
	{ .type = FIELD_END },
};

static void
remove_fill(struct pass *p, union pass_op *op, const struct target *target)
{
	op->remove = (struct op_remove){
		.op.kind = OP_REMOVE,
		.job = target->job,
		.uid = call_reach(p->call),
		.now = loop_wall(p->task.loop),
	};
}

static void
remove_took(struct pass *p, union pass_op *any, const struct target *target)
{
	struct change *f = p->frame;
	struct op_remove *op = &any->remove;
	struct server *s = server_of(p->call);

	if (op->op.result == -EBUSY) {
		targets_add(&f->rest, *target);
		return;
	}
	if (!refusal_passed(p, op->op.result, target, &f->passed_over))
		return;
	f->allowed = true;
	f->count++;
	f->waited += op->waited;
	scheduler_job_removed(s->scheduler, op->job, op->name, op->runs);
	scheduler_dependents(s->scheduler, &op->dependents);
	if (op->runs > 0)
		scheduler_remove_output(s->scheduler);
	op_remove_done(op);
}

static const struct pass_kind remove_pass = { .fill = remove_fill, .took = remove_took, .changes = true };

static void
refuse_active(struct pass *p, int64_t job)
{
	char *why = xasprintf("job %" PRId64 " has an active run", job);

	pass_refuse(p, JOBD_CONFLICT, why);
	free(why);
}

/* Without cancel a job with an active run stays, and so do those beside it. */
static void
idle_took(struct pass *p, union pass_op *op, const struct target *target)
{
	const struct change_in *in = p->call->in;

	if (look_allows(p, op, target) && op->runs.n > 0 && !in->cancel)
		refuse_active(p, target->job);
	op_runs_done(&op->runs);
}

static const struct pass_kind idle_pass = { .fill = look_fill, .took = idle_took };

/* So that no new run begins before the job is gone. */
static void
hold_took(struct pass *p, union pass_op *any, const struct target *target)
{
	struct change *f = p->frame;
	struct op_pause *op = &any->pause;

	if (!refusal_passed(p, op->op.result, target, &f->passed_over))
		return;
	if (op->changed)
		scheduler_job_paused(server_of(p->call)->scheduler, op->job, op->name,
		    op->job_state);
	op_pause_done(op);
}

static const struct pass_kind hold_pass = { .fill = pause_fill, .took = hold_took };

static bool
remove_wants(struct watcher *w, const struct event_info *e)
{
	struct change *f = w->context;

	/* That it happened is all we need: nothing is kept for us. */
	if (e->type == EVENT_RUN_ENDED && !f->ended) {
		f->ended = true;
		task_wake(w->waiter);
	}
	return false;
}

static void
remove_try_rest(struct change *f)
{
	targets_done(&f->tried);
	f->tried = f->rest;
	f->rest = (struct targets){ .n = 0 };
	f->ended = false;
	pass_start(&f->pass, &remove_pass, &f->tried, &f->call.task);
}

static enum task_status
remove_step(struct task *t)
{
	struct change *f = container_of(t, struct change, call.task);
	const struct change_in *in = f->call.in;

	TASK_BEGIN(t);

	f->pass.call = &f->call;
	f->pass.frame = f;
	if (!select_start_of(&f->select, &f->call, &in->which, SELECT_PAGED))
		goto out;
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->select.task));
	if (!select_told(&f->select, &f->call))
		goto out;
	look_start(&f->pass, &idle_pass, &f->select.found, t);
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->pass.task));
	if (!pass_told(&f->pass, &f->call))
		goto out;
	pass_start(&f->pass, &remove_pass, &f->select.found, t);
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->pass.task));
	if (f->rest.n > 0 && !in->cancel)
		refuse_active(&f->pass, f->rest.items[0].job);
	if (f->rest.n == 0 || f->pass.why != JOBD_OK)
		goto answer;

	f->watcher.wants = remove_wants;
	f->watcher.context = f;
	watcher_start(&f->watcher, server_of(&f->call)->events, t);
	f->paused = true;
	pass_start(&f->pass, &hold_pass, &f->rest, t);
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->pass.task));
	while (f->rest.n > 0 && f->pass.why == JOBD_OK) {
		cancel_start(&f->cancel, &f->call, &f->rest, "the job is removed");
		AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->cancel.task));
		if (!cancel_told(&f->cancel, &f->call))
			goto out;
		do {
			AWAIT_UNTIL(t, loop_now(t->loop) + REMOVE_AGAIN, f->ended);
			if (t->err == -ECANCELED)
				goto out;
			remove_try_rest(f);
			AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->pass.task));
		} while (f->rest.n > 0 && f->ended && f->pass.why == JOBD_OK);
	}
answer:
	change_answer(f);
out:
	if (f->watcher.hub != NULL)
		watcher_stop(&f->watcher);
	TASK_END(t, 0);
}

static const struct task_kind remove_kind = { .name = "Remove", .step = remove_step,
    .release = change_release };

const struct method method_remove = {
	.name = "io.jobd.Remove",
	.in = remove_fields,
	.in_size = sizeof(struct change_in),
	.frame_size = sizeof(struct change),
	.kind = &remove_kind,
};
