/*
 * look: see look.h.
 */
#include "daemon/server/look.h"

#include <errno.h>

#include "daemon/server/cancel.h"

void
look_start(struct pass *p, const struct pass_kind *kind, const struct targets *targets, struct task *parent)
{
	static const struct targets none = { .n = 0 };

	pass_start(p, kind, targets->n > 1 ? targets : &none, parent);
}

void
look_fill(struct pass *p, union pass_op *op, const struct target *target)
{
	look_last_fill(p, op, target);
	if (target->run == 0)
		op->runs.states = RUN_ACTIVE_STATES;
}

void
look_last_fill(struct pass *p, union pass_op *op, const struct target *target)
{
	(void)p;
	op->runs = (struct op_runs){ .op.kind = OP_RUNS, .job = target->job, .run = target->run, .limit = 1 };
}

bool
look_allows(struct pass *p, const union pass_op *op, const struct target *target)
{
	bool passed_over;

	return runs_allowed(p, &op->runs, target, &passed_over);
}

/* A run that is named must be active. */
static void
look_active(struct pass *p, const struct op_runs *op, const struct target *target)
{
	bool passed_over;

	if (target->run != 0 && op->n > 0 && run_state_final((enum run_state)op->runs[0].state))
		(void)refusal_passed(p, -EALREADY, target, &passed_over);
}

static void
owner_took(struct pass *p, union pass_op *op, const struct target *target)
{
	(void)look_allows(p, op, target);
	op_runs_done(&op->runs);
}

static void
run_took(struct pass *p, union pass_op *op, const struct target *target)
{
	if (look_allows(p, op, target))
		look_active(p, &op->runs, target);
	op_runs_done(&op->runs);
}

const struct pass_kind look_at_owners = { .fill = look_fill, .took = owner_took };
const struct pass_kind look_at_runs = { .fill = look_fill, .took = run_took };
