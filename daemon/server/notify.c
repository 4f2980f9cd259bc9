/*
 * notify: Targets, Deliveries and TestTarget: who can be told, what is on its way, and whether it would
 * come through.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/server/method.h"
#include "proto/json.h"
#include "proto/mem.h"

/* ---- Targets ---- */

struct targets_call {
	struct call		 call;
	struct op_targets	 op;
};

static void
target_push(const struct targets_call *f, struct cJSON *list, struct target_info *info)
{
	notifier_target(scheduler_notifier(server_of(&f->call)->scheduler), info->name, info);
	/* What a target answers is for those who have configured it. */
	if (!call_privileged(&f->call)) {
		free(info->error);
		info->error = NULL;
	}
	json_push(list, fields_write(target_info_fields, info));
	target_info_done(info);
}

/* Those that are configured, then those that still have notices and are not. */
static struct cJSON *
targets_list(const struct targets_call *f)
{
	const struct notify_targets *all = server_of(&f->call)->targets;
	struct cJSON *list = json_array();

	for (size_t i = 0; all != NULL && i < all->n; i++) {
		struct target_info info = { .name = xstrdup(all->items[i].name), .kind = -1 };

		for (size_t k = 0; k < f->op.n; k++) {
			if (strcmp(f->op.rows[k].name, info.name) != 0)
				continue;
			info.pending = f->op.rows[k].pending;
			info.failed = f->op.rows[k].failed;
		}
		target_push(f, list, &info);
	}
	for (size_t k = 0; k < f->op.n; k++) {
		const struct target_count *row = &f->op.rows[k];
		struct target_info info = { .name = xstrdup(row->name), .kind = -1,
		    .pending = row->pending, .failed = row->failed };

		if (notify_target_find(all, row->name) == NULL)
			target_push(f, list, &info);
		target_info_done(&info);
	}
	return list;
}

static void
targets_submit(struct targets_call *f)
{
	f->op.op = (struct store_op){ .kind = OP_TARGETS };
	store_submit(server_of(&f->call)->store, &f->op.op, &f->call.task);
}

static void
targets_answer(struct targets_call *f)
{
	struct cJSON *reply = json_object();

	json_set(reply, "targets", targets_list(f));
	call_reply(&f->call, reply);
	op_targets_done(&f->op);
}

static enum task_status
targets_step(struct task *t)
{
	struct targets_call *f = container_of(t, struct targets_call, call.task);

	TASK_BEGIN(t);

	targets_submit(f);
	AWAIT_SHIELDED(t, USEC_NEVER, f->op.op.done);
	if (f->op.op.result < 0)
		call_fail_store(&f->call, f->op.op.result);
	else
		targets_answer(f);

	TASK_END(t, 0);
}

static const struct task_kind targets_kind = { .name = "Targets", .step = targets_step,
    .release = call_release };

const struct method method_targets = {
	.name = "io.jobd.Targets",
	.frame_size = sizeof(struct targets_call),
	.kind = &targets_kind,
};

/* ---- Deliveries ---- */

struct deliveries_in {
	char	*target;
	int64_t	 before, limit;
};

static const struct field deliveries_fields[] = {
	{ "target", FIELD_STRING, offsetof(struct deliveries_in, target), .flags = 0,
	    .max = TARGET_NAME_MAX },
	{ "before", FIELD_INT, offsetof(struct deliveries_in, before), .flags = 0, .max = INT64_MAX },
	{ "limit", FIELD_INT, offsetof(struct deliveries_in, limit), .flags = 0,
	    .max = NOTICES_PAGE },
	{ .type = FIELD_END },
};

struct deliveries {
	struct call		 call;
	struct op_notices	 op;
};

static void
deliveries_submit(struct deliveries *f)
{
	const struct deliveries_in *in = f->call.in;

	f->op.op = (struct store_op){ .kind = OP_NOTICES };
	f->op.target = in->target;
	f->op.before = in->before;
	f->op.limit = (size_t)in->limit;
	store_submit(server_of(&f->call)->store, &f->op.op, &f->call.task);
}

static struct cJSON *
delivery_reply(const struct notice_row *row)
{
	struct delivery_info d = {
		.id = row->id, .target = row->target, .attempts = row->attempts, .next = row->due,
		.state = instant_is_set(row->due) ? NOTICE_PENDING : NOTICE_GIVEN_UP,
		.tried = row->tried, .error = row->error, .folded = row->folded,
	};
	struct cJSON *json = fields_write(delivery_info_fields, &d), *notice;
	const char *why;

	notice = json_parse(row->notice, strlen(row->notice), &why);
	json_set(json, "notice", notice != NULL ? notice : json_object());
	return json;
}

static void
deliveries_answer(struct deliveries *f)
{
	struct cJSON *reply = json_object(), *list = json_array();

	for (size_t i = 0; i < f->op.n; i++)
		json_push(list, delivery_reply(&f->op.rows[i]));
	json_set(reply, "deliveries", list);
	if (f->op.more)
		json_set_int(reply, "next", f->op.rows[f->op.n - 1].id);
	call_reply(&f->call, reply);
	op_notices_done(&f->op);
}

static enum task_status
deliveries_step(struct task *t)
{
	struct deliveries *f = container_of(t, struct deliveries, call.task);

	TASK_BEGIN(t);

	if (!call_privileged(&f->call)) {
		call_fail(&f->call, JOBD_PERMISSION_DENIED, NULL, NULL);
		goto out;
	}
	deliveries_submit(f);
	AWAIT_SHIELDED(t, USEC_NEVER, f->op.op.done);
	if (f->op.op.result < 0)
		call_fail_store(&f->call, f->op.op.result);
	else
		deliveries_answer(f);
out:;
	TASK_END(t, 0);
}

static const struct task_kind deliveries_kind = { .name = "Deliveries", .step = deliveries_step,
    .release = call_release };

const struct method method_deliveries = {
	.name = "io.jobd.Deliveries",
	.in = deliveries_fields,
	.in_size = sizeof(struct deliveries_in),
	.flags = METHOD_BULKY,
	.frame_size = sizeof(struct deliveries),
	.kind = &deliveries_kind,
};

/* ---- TestTarget ---- */

/* Before callers give up. */
#define TEST_WAIT (40 * USEC_SEC)

struct test_target_in {
	char	*target;
};

static const struct field test_target_fields[] = {
	{ "target", FIELD_STRING, offsetof(struct test_target_in, target), .flags = FIELD_REQUIRED,
	    .max = TARGET_NAME_MAX },
	{ .type = FIELD_END },
};

struct test_target {
	struct call		 call;
	struct op_notice_test	 op;
	struct notifier_wait	 wait;
};

static bool
test_checked(struct call *c)
{
	const struct test_target_in *in = c->in;
	char why[3 * TARGET_NAME_MAX + 80];

	notify_target_unknown(server_of(c)->targets, in->target, why, sizeof(why));
	if (notify_target_find(server_of(c)->targets, in->target) == NULL)
		call_fail(c, JOBD_INVALID_FIELD, "target", why);
	else if (!call_privileged(c))
		call_fail(c, JOBD_PERMISSION_DENIED, NULL, NULL);
	else
		return true;
	return false;
}

static void
test_submit(struct test_target *f)
{
	const struct test_target_in *in = f->call.in;

	f->op = (struct op_notice_test){ .op.kind = OP_NOTICE_TEST, .target = in->target,
	    .now = loop_wall(f->call.task.loop) };
	store_submit(server_of(&f->call)->store, &f->op.op, &f->call.task);
}

static void
test_begin(struct test_target *f)
{
	struct notifier *n = scheduler_notifier(server_of(&f->call)->scheduler);

	f->wait = (struct notifier_wait){ .task = &f->call.task, .id = f->op.id,
	    .target = f->op.target };
	notifier_wait(n, &f->wait);
}

static void
test_end(struct test_target *f)
{
	struct cJSON *reply;

	notifier_unwait(scheduler_notifier(server_of(&f->call)->scheduler), &f->wait);
	if (!f->call.task.cancelled || f->wait.done) {
		reply = json_object();
		json_set_bool(reply, "delivered", f->wait.delivered);
		if (!f->wait.delivered)
			json_set_string(reply, "error", f->wait.error != NULL ? f->wait.error :
			    f->wait.done ? "it failed" : "it is not over yet");
		call_reply(&f->call, reply);
	}
	free(f->wait.error);
}

static enum task_status
test_target_step(struct task *t)
{
	struct test_target *f = container_of(t, struct test_target, call.task);

	TASK_BEGIN(t);

	if (!test_checked(&f->call))
		goto out;
	test_submit(f);
	AWAIT_SHIELDED(t, USEC_NEVER, f->op.op.done);
	if (f->op.op.result < 0) {
		call_fail_store(&f->call, f->op.op.result);
		goto out;
	}
	test_begin(f);
	AWAIT_UNTIL(t, loop_now(t->loop) + TEST_WAIT, f->wait.done);
	test_end(f);
out:;
	TASK_END(t, 0);
}

static const struct task_kind test_target_kind = { .name = "TestTarget", .step = test_target_step,
    .release = call_release };

const struct method method_test_target = {
	.name = "io.jobd.TestTarget",
	.in = test_target_fields,
	.in_size = sizeof(struct test_target_in),
	.frame_size = sizeof(struct test_target),
	.kind = &test_target_kind,
};
