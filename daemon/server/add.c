/*
 * add: see add.h; and Add.
 */
#include "daemon/server/add.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/server/circle.h"
#include "daemon/server/prepare.h"
#include "proto/json.h"
#include "proto/mem.h"

/* "jobs[999]" */
#define PLACE_MAX 32

void
adding_start(struct adding *f, struct call *call, const struct structs *jobs, bool placed, bool dry)
{
	struct server *s = server_of(call);

	f->call = call;
	f->jobs = jobs;
	f->placed = placed;
	f->op = (struct op_add){
		.op.kind = OP_ADD,
		.jobs = xcalloc(jobs->n + 1, sizeof(*f->op.jobs)),
		.n = jobs->n,
		.uid = (int64_t)call->uid,
		.dry = dry,
		.now = loop_wall(call->task.loop),
		.jobs_max_uid = call_privileged(call) ? 0 : s->jobs_max_uid,
		.epoch = scheduler_epoch(s->scheduler),
	};
	f->ids = json_array();
	f->warnings = json_array();
}

/* What is told of one says where it stands, when there are several. */
static struct prepare
adding_place(const struct adding *f, size_t i, char place[PLACE_MAX])
{
	(void)snprintf(place, PLACE_MAX, "jobs[%zu]", i);
	return (struct prepare){ .call = f->call, .now = f->op.now, .warnings = f->warnings,
	    .named = f->placed || f->op.n > 1 };
}

bool
adding_prepare(struct adding *f, size_t i)
{
	char place[PLACE_MAX];
	struct prepare p = adding_place(f, i, place);
	enum jobd_error e = prepare_job(&p, place, f->jobs->items[i], &f->op.jobs[i]);

	if (e != JOBD_OK)
		call_fail(f->call, e, p.error.path, p.error.reason);
	return e == JOBD_OK;
}

bool
adding_whole(struct adding *f)
{
	struct field_error error;

	if (!circle_find(f->jobs->items, f->op.n, &error))
		return true;
	call_fail(f->call, error.why, error.path, error.reason);
	return false;
}

/* Was it there before?  Then that is noted. */
static bool
add_existed(struct adding *f, const struct job_new *job)
{
	if (job->existed && f->existing == NULL)
		f->existing = json_array();
	if (job->existed)
		json_push(f->existing, json_int(job->id));
	return job->existed;
}

/* Of one that is new. */
static void
add_tell_scheduler(struct adding *f, const struct job_new *job)
{
	struct due_row row = {
		.due = job->due,
		.id = job->id,
		.every = job->spec->every,
		.misfire = job->spec->misfire,
		.kind = job_spec_kind(job->spec),
		.schedule = (char *)(uintptr_t)job->schedule,	/* only looked at */
		.uid = f->op.uid,
		.terms = terms_of(job->spec),
	};

	scheduler_job_added(server_of(f->call)->scheduler, &row, job->spec->name, job->job_state);
}

void
adding_tell(struct adding *f, size_t i)
{
	const struct job_new *job = &f->op.jobs[i];
	char place[PLACE_MAX];
	struct prepare p = adding_place(f, i, place);

	if (!f->op.dry)
		json_push(f->ids, json_int(job->id));
	if (add_existed(f, job))
		return;
	if (f->op.dry) {
		if (job->new_queue)
			prepare_warn_queue_to_come(&p, place, job->spec);
		return;
	}
	add_tell_scheduler(f, job);
	if (job->spec->queue != NULL)
		prepare_warn_queue(&p, place, job->spec, job->new_queue);
	/* One that will never be let go on, as things stand, is told so at once. */
	if (job->spec->after.n > 0 && job->job_state == JOB_FINISHED)
		prepare_warn(&p, place, "job %" PRId64 " is finished already: one that it waits for is over, and did"
		    " not end so; run that one again, and this one waits for it", job->id);
}

void
adding_told(struct adding *f)
{
	if (!f->op.dry)
		scheduler_dependents(server_of(f->call)->scheduler, &f->op.dependents);
}

void
adding_reply(struct adding *f, struct cJSON *reply)
{
	json_set(reply, "ids", f->ids);
	f->ids = NULL;
	if (f->existing != NULL)
		json_set(reply, "existing", f->existing);
	f->existing = NULL;
	if (json_first(f->warnings) != NULL) {
		json_set(reply, "warnings", f->warnings);
		f->warnings = NULL;
	}
}

/* A parent was refused. */
static void
add_refused_after(struct adding *f, int result)
{
	const struct op_add *op = &f->op;
	const char *text = op->jobs[op->failed].spec->after.items[op->failed_after];
	struct after_job a;
	char place[64], *what;

	(void)snprintf(place, sizeof(place), "jobs[%zu].after[%zu]", op->failed, op->failed_after);
	(void)after_read(text, &a);	/* it was good before */
	if (f->placed)
		what = xasprintf("there is no job %s", a.name);
	else
		what = op->n > 1 ? xasprintf("%s (%s)", a.name, place) : xstrdup(a.name);
	if (result == -ENOENT && f->placed)
		call_fail(f->call, JOBD_INVALID_FIELD, place, what);
	else if (result == -ENOENT)
		call_fail(f->call, JOBD_NOT_FOUND, what, NULL);
	else if (result == -EMLINK)
		call_fail(f->call, JOBD_LIMIT_REACHED, "jobs that wait for one job", NULL);
	else
		call_fail(f->call, JOBD_INVALID_FIELD, place, "names the same job as another one");
	free(what);
}

/* What a check depends on was refused. */
static void
add_refused_parent(struct adding *f, int result)
{
	const struct op_add *op = &f->op;
	const char *named = op->jobs[op->failed].spec->http->depends_on;
	char place[64], *why;

	(void)snprintf(place, sizeof(place), "jobs[%zu].http.dependsOn", op->failed);
	if (result == -EPROTOTYPE)
		why = xasprintf("%s is no check: a check depends on another check", named);
	else
		why = xasprintf("there is no job %s%s", named,
		    op->n > 1 ? ", and it is not among those before it" : "");
	call_fail(f->call, JOBD_INVALID_FIELD, place, why);
	free(why);
}

void
adding_refused(struct adding *f, int result)
{
	const struct op_add *op = &f->op;

	if (result == -ENOENT || result == -EMLINK || result == -ENOTUNIQ)
		add_refused_after(f, result);
	else if (result == -ECHILD || result == -EPROTOTYPE)
		add_refused_parent(f, result);
	else if (result == -EEXIST)
		call_fail(f->call, JOBD_NAME_TAKEN, op->jobs[op->failed].spec->name, NULL);
	else if (result == -EDQUOT)
		call_fail(f->call, JOBD_LIMIT_REACHED, "jobs of one user", NULL);
	else if (result == -EUSERS)
		call_fail(f->call, JOBD_LIMIT_REACHED, "queues", NULL);
	else
		call_fail_store(f->call, result);
}

void
adding_done(struct adding *f)
{
	for (size_t i = 0; i < f->op.n; i++)
		prepare_done(&f->op.jobs[i]);
	free(f->op.jobs);
	json_free(f->ids);
	json_free(f->warnings);
	json_free(f->existing);
}

/* ---- Add ---- */

struct add_in {
	struct structs	jobs;
	bool		dry_run;
};

static const struct field add_fields[] = {
	{ "jobs", FIELD_STRUCTS, offsetof(struct add_in, jobs), .flags = FIELD_REQUIRED,
	    .max = ADD_JOBS_MAX,
	  .sub = job_spec_fields, .size = sizeof(struct job_spec) },
	{ "dryRun", FIELD_BOOL, offsetof(struct add_in, dry_run), .flags = 0 },
	{ .type = FIELD_END },
};

struct add {
	struct call	 call;
	struct adding	 adding;
	size_t		 i;
};

static void
add_answer(struct add *f)
{
	struct cJSON *reply = json_object();

	adding_reply(&f->adding, reply);
	call_reply(&f->call, reply);
}

/* Check all, make them durable, let the scheduler know, answer. */
static enum task_status
add_step(struct task *t)
{
	struct add *f = container_of(t, struct add, call.task);
	const struct add_in *in = f->call.in;
	struct op_add *op = &f->adding.op;

	TASK_BEGIN(t);

	adding_start(&f->adding, &f->call, &in->jobs, false, in->dry_run);
	for (f->i = 0; f->i < op->n; f->i++) {
		if (!adding_prepare(&f->adding, f->i))
			goto out;
		if (f->i % REPLY_SLICE == REPLY_SLICE - 1)
			TASK_YIELD(t);
	}
	/* Who has gone before anything was done gets nothing done. */
	if (!adding_whole(&f->adding) || t->cancelled)
		goto out;
	if (op->n > 0) {
		store_submit(server_of(&f->call)->store, &op->op, t);
		AWAIT_SHIELDED(t, USEC_NEVER, op->op.done);
		if (op->op.result < 0 && !(op->dry && op->op.result == -ECANCELED)) {
			adding_refused(&f->adding, op->op.result);
			goto out;
		}
	}
	for (f->i = 0; f->i < op->n; f->i++) {
		adding_tell(&f->adding, f->i);
		if (f->i % REPLY_SLICE == REPLY_SLICE - 1)
			TASK_YIELD(t);
	}
	adding_told(&f->adding);
	add_answer(f);
out:;
	TASK_END(t, 0);
}

static void
add_release(struct task *t)
{
	struct add *f = container_of(t, struct add, call.task);

	adding_done(&f->adding);
	call_release(t);
}

static const struct task_kind add_kind = { .name = "Add", .step = add_step,
    .release = add_release };

const struct method method_add = {
	.name = "io.jobd.Add",
	.in = add_fields,
	.in_size = sizeof(struct add_in),
	.frame_size = sizeof(struct add),
	.kind = &add_kind,
};
