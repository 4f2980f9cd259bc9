/*
 * gc: Gc: a round of retention now, whatever the keeper does meanwhile: each slice stands for itself.
 */
#include <stdlib.h>

#include "daemon/server/method.h"
#include "proto/json.h"

struct gc_in {
	bool	dry_run;
};

static const struct field gc_fields[] = {
	{ "dryRun", FIELD_BOOL, offsetof(struct gc_in, dry_run), .flags = 0 },
	{ .type = FIELD_END },
};

struct gc {
	struct call		 call;
	struct keep_round	 round;
};

static void
gc_gone(void *context, const struct op_keep *op)
{
	struct scheduler *s = context;

	for (size_t i = 0; i < op->n; i++)
		scheduler_job_removed(s, op->gone[i].job, op->gone[i].name, op->gone[i].runs);
}

static void
gc_begin(struct gc *f)
{
	const struct gc_in *in = f->call.in;
	struct server *s = server_of(&f->call);

	f->round.store = s->store;
	f->round.policy = *scheduler_keep_policy(s->scheduler);
	f->round.dry = in->dry_run;
	f->round.gone = gc_gone;
	f->round.context = s->scheduler;
	keep_round_start(&f->round, &f->call.task);
}

static void
gc_answer(struct gc *f)
{
	const struct keep_tally *t = &f->round.tally;
	struct cJSON *reply = json_object();

	json_set_int(reply, "jobs", t->jobs);
	json_set_int(reply, "runs", t->runs);
	json_set_int(reply, "skips", t->skips);
	json_set_int(reply, "spans", t->spans);
	json_set_int(reply, "notices", t->notices);
	json_set_int(reply, "outputs", t->outputs);
	json_set_int(reply, "outputBytes", t->output_bytes);
	call_reply(&f->call, reply);
}

static enum task_status
gc_step(struct task *t)
{
	struct gc *f = container_of(t, struct gc, call.task);

	TASK_BEGIN(t);

	if (!call_privileged(&f->call)) {
		call_fail(&f->call, JOBD_PERMISSION_DENIED, NULL, NULL);
		goto out;
	}
	gc_begin(f);
	/* When the caller hangs up, the slice under way is the last. */
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->round.task));
	scheduler_keep_round_ended(server_of(&f->call)->scheduler, &f->round);
	if (f->round.result < 0)
		call_fail_store(&f->call, f->round.result);
	else if (!t->cancelled)
		gc_answer(f);
out:;
	TASK_END(t, 0);
}

static const struct task_kind gc_kind = { .name = "Gc", .step = gc_step, .release = call_release };

const struct method method_gc = {
	.name = "io.jobd.Gc",
	.in = gc_fields,
	.in_size = sizeof(struct gc_in),
	.frame_size = sizeof(struct gc),
	.kind = &gc_kind,
};
