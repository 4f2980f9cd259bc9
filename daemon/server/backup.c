/*
 * backup: Backup: the database, as a stream.  The file that it becomes is the caller's, opened with the
 * caller's rights; so it goes over the socket, and anywhere that reaches.
 */
#include <errno.h>
#include <stdlib.h>

#include "daemon/server/method.h"
#include "proto/json.h"

struct backup_call {
	struct call	 call;
	struct op_backup op;
	bool		 begun;
	int64_t		 sent;
	int		 result;
};

static void
stage_submit(struct backup_call *f, enum backup_stage stage)
{
	op_backup_done(&f->op);
	f->op = (struct op_backup){ .op.kind = OP_BACKUP, .stage = (int)stage, .offset = f->sent };
	store_submit(server_of(&f->call)->store, &f->op.op, &f->call.task);
}

static void
part_send(struct backup_call *f)
{
	struct cJSON *reply = json_object();
	char *text = base64_encode(f->op.bytes, f->op.n);

	json_set_string(reply, "dataBase64", text);
	free(text);
	f->sent += (int64_t)f->op.n;
	call_reply_more(&f->call, reply);
}

static void
backup_answer(struct backup_call *f)
{
	struct cJSON *reply;

	if (f->result == -EALREADY) {
		call_fail(&f->call, JOBD_CONFLICT, "a backup is under way", NULL);
	} else if (f->result < 0) {
		call_fail_store(&f->call, f->result);
	} else if (!f->call.task.cancelled) {
		reply = json_object();
		json_set_int(reply, "bytes", f->sent);
		call_reply(&f->call, reply);
	}
}

static enum task_status
backup_step(struct task *t)
{
	struct backup_call *f = container_of(t, struct backup_call, call.task);

	TASK_BEGIN(t);

	if (!call_privileged(&f->call)) {
		call_fail(&f->call, JOBD_PERMISSION_DENIED, NULL, NULL);
		goto out;
	}
	stage_submit(f, BACKUP_BEGIN);
	AWAIT_SHIELDED(t, USEC_NEVER, f->op.op.done);
	f->result = f->op.op.result;
	f->begun = f->result == 0;
	/* Whatever else the store is asked for goes between the slices. */
	while (f->result == 0 && !t->cancelled) {
		stage_submit(f, BACKUP_COPY);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.op.done);
		f->result = f->op.op.result;
		if (f->result == 0 && f->op.left == 0)
			break;
	}
	while (f->result == 0 && !t->cancelled) {
		stage_submit(f, BACKUP_READ);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.op.done);
		f->result = f->op.op.result;
		if (f->result < 0 || f->op.n == 0)
			break;
		part_send(f);
		AWAIT(t, call_can_write(&f->call));
	}
	if (f->begun) {
		stage_submit(f, BACKUP_END);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.op.done);
	}
	backup_answer(f);
out:;
	TASK_END(t, 0);
}

static void
backup_release(struct task *t)
{
	struct backup_call *f = container_of(t, struct backup_call, call.task);

	op_backup_done(&f->op);
	call_release(t);
}

static const struct task_kind backup_kind = { .name = "Backup", .step = backup_step,
    .release = backup_release };

const struct method method_backup = {
	.name = "io.jobd.Backup",
	.flags = METHOD_MORE | METHOD_MORE_ONLY,
	.frame_size = sizeof(struct backup_call),
	.kind = &backup_kind,
};
