/*
 * edit: see edit.h; and Edit: a job is asked to do something else.  It is read, what is new is compared with what it
 * has, and written only if it is still as it was read.
 */
#include "daemon/server/edit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json.h"
#include "proto/mem.h"

/* After its due has come just now so often, the next one will, too: it comes all the time. */
#define NEARS_MAX 2

/* Of a struct editing_in that begins at so many bytes. */
#define EDITING_ROWS(at) \
	{ "job", FIELD_STRING, (at) + offsetof(struct editing_in, job), .flags = FIELD_REQUIRED, .max = NAME_BYTES_MAX }, \
	{ "spec", FIELD_STRUCT, (at) + offsetof(struct editing_in, spec), .flags = FIELD_REQUIRED, \
	    .sub = job_spec_fields, .size = sizeof(struct job_spec) }, \
	{ "generation", FIELD_INT, (at) + offsetof(struct editing_in, generation), .max = INT64_MAX }

const struct field editing_fields[] = {
	EDITING_ROWS(0),
	{ .type = FIELD_END },
};

/* ---- what is another ---- */

static bool
same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static const char *
depends_on(const struct job_spec *spec)
{
	return spec->http != NULL ? spec->http->depends_on : NULL;
}

static bool
spec_is(const struct job_spec *spec, const char *json)
{
	struct cJSON *object = fields_write(job_spec_fields, spec);
	char *text = json_print(object);
	bool is = strcmp(text, json) == 0;

	free(text);
	json_free(object);
	return is;
}

static bool
schedule_same(const struct job_spec *a, const struct job_spec *b)
{
	struct cJSON *x = fields_write(schedule_fields, a), *y = fields_write(schedule_fields, b);
	char *p = json_print(x), *q = json_print(y);
	bool all = strcmp(p, q) == 0;

	free(p);
	free(q);
	json_free(x);
	json_free(y);
	return all && a->at.usec == b->at.usec && a->in == b->in && a->every == b->every;
}

/* ---- when ---- */

/*
 * Since when a new schedule counts: from now on.  But of one that comes all the time an occurrence is always so
 * near that it may be claimed before the edit is: it counts from behind those.  Others are waited for, none is lost.
 */
static instant
counts_since(const struct editing *f)
{
	const struct editing_in *in = f->in;
	const struct job_spec *spec = in->spec;
	bool fast = (spec->every > 0 && spec->every <= EDIT_NEAR) || f->nears >= NEARS_MAX;

	return fast && job_spec_repeats(spec) ? instant_add(f->now, EDIT_NEAR) : f->now;
}

/* Elapsed time goes on from the occurrence before, and is due after it counts. */
static void
due_of_every(struct editing *f, instant *due)
{
	const struct job_spec *spec = f->job.spec;
	instant since = f->prepare.now;

	if (spec->every == 0)
		return;
	if (f->was.every > 0 && instant_is_set(f->get.job.due) && f->was.at.usec == spec->at.usec &&
	    f->was.in == spec->in) {
		/* A ping moves it, and so does a run that begins. */
		f->op.counted = f->get.job.due;
		due->usec = f->get.job.due.usec - f->was.every + spec->every;
	}
	if (due->usec < spec->from.usec)
		*due = spec->from;
	if (due->usec <= since.usec)
		due->usec += ((since.usec - due->usec) / spec->every + 1) * spec->every;
}

/* A field of the spec, ".cron". */
static bool
refuse(struct editing *f, const char *field, const char *reason)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s%s", f->place, field);
	call_fail(f->call, JOBD_INVALID_FIELD, path, reason);
	return false;
}

/* What must stay as it is. */
static bool
check_same(struct editing *f, struct job_spec *spec)
{
	static const char *const parts[] = { ".command", ".http", ".timer", ".heartbeat" };
	char reason[160];

	_Static_assert(sizeof(parts) / sizeof(parts[0]) == KIND_COUNT, "a part for each kind");
	if (job_spec_kind(spec) != (enum job_kind)f->get.job.kind) {
		(void)snprintf(reason, sizeof(reason), "the job is of the kind %s, and stays so: remove it,"
		    " and add another", job_kind_names[f->get.job.kind]);
		return refuse(f, parts[job_spec_kind(spec)], reason);
	}
	if (spec->key != NULL && !same(spec->key, f->was.key))
		return refuse(f, ".key", "it is of the job's Add, and stays");
	if (spec->key == NULL)
		spec->key = xstrdup(f->was.key);
	return true;
}

/* Compare what is asked with what was read: the op.  False when the caller was told why not. */
static bool
edit_fill(struct editing *f)
{
	const struct editing_in *in = f->in;
	const struct job_spec *spec = in->spec;

	f->op = (struct op_edit){ .op.kind = OP_EDIT, .job = f->get.job.id,
	    .uid = call_reach(f->call), .generation = f->get.job.generation, .spec = spec,
	    .spec_json = f->job.spec_json, .summary = f->job.summary, .schedule = f->job.schedule,
	    .hold = -1, .by = (int64_t)f->call->uid, .now = f->now,
	    .since = f->prepare.now,
	    .epoch = scheduler_epoch(server_of(f->call)->scheduler) };
	f->op.parents = !strings_same(&f->was.after, &spec->after);
	f->op.depends = !same(depends_on(&f->was), depends_on(spec));
	f->op.rescheduled = f->op.parents || !schedule_same(&f->was, spec);
	if (spec->paused != f->was.paused)
		f->op.hold = spec->paused;
	f->changed = !spec_is(&f->was, f->job.spec_json);
	f->op.due = f->job.due;
	due_of_every(f, &f->op.due);
	if (!f->op.rescheduled || instant_is_set(f->op.due) ||
	    (spec->cron == NULL && spec->calendar == NULL))
		return true;
	return refuse(f, spec->cron != NULL ? ".cron" : ".calendar", "it comes no more");
}

/* What was read is understood, and what is asked is good.  False when the caller was told why not. */
static bool
edit_prepare(struct editing *f)
{
	const struct editing_in *in = f->in;
	struct field_error error;
	enum jobd_error e;

	if (!call_owns(f->call, f->get.job.uid)) {
		call_fail(f->call, JOBD_PERMISSION_DENIED, NULL, NULL);
		return false;
	}
	if (fields_read_lax(f->get.job.spec, job_spec_fields, &f->was, &error) != JOBD_OK) {
		call_fail_store(f->call, -EIO);
		return false;
	}
	f->was_read = true;
	e = job_spec_check(in->spec, f->place, &f->prepare.error);
	if (e == JOBD_OK && !check_same(f, in->spec))
		return false;
	f->now = loop_wall(f->call->task.loop);
	f->prepare = (struct prepare){ .call = f->call, .now = counts_since(f),
	    .warnings = f->warnings, .named = f->placed, .over = true, .error = f->prepare.error };
	prepare_done(&f->job);
	f->job.due = (instant){ 0 };
	if (e == JOBD_OK)
		e = prepare_job(&f->prepare, f->place, in->spec, &f->job);
	if (e == JOBD_OK)
		return edit_fill(f);
	call_fail(f->call, e, f->prepare.error.path, f->prepare.error.reason);
	return false;
}

static bool
generation_told(struct editing *f)
{
	const struct editing_in *in = f->in;
	int64_t now = f->get.job.generation;
	char *why;

	if (in->generation == 0 || in->generation == now)
		return true;
	why = xasprintf("job %" PRId64 " was changed meanwhile: its generation is %" PRId64 ", not %"
	    PRId64, f->get.job.id, now, in->generation);
	call_fail(f->call, JOBD_CONFLICT, why, NULL);
	free(why);
	return false;
}

/* ---- what has become of it ---- */

static void
refuse_after(struct editing *f, int result)
{
	const char *text = f->op.spec->after.items[f->op.failed_after];
	struct after_job parent;
	char field[32], *why;

	(void)after_read(text, &parent);	/* it was good before */
	(void)snprintf(field, sizeof(field), ".after[%zu]", f->op.failed_after);
	if (result == -ENXIO)
		why = xasprintf("there is no job %s", parent.name);
	else if (result == -ELOOP)
		why = xasprintf("makes a circle: %s waits for this job, or is it", parent.name);
	else
		why = xstrdup("names the same job as another one");
	(void)refuse(f, field, why);
	free(why);
}

void
editing_refused(struct editing *f, int r)
{
	if (r == -ENXIO || r == -ELOOP || r == -ENOTUNIQ)
		refuse_after(f, r);
	else if (r == -EMLINK)
		call_fail(f->call, JOBD_LIMIT_REACHED, "jobs that wait for one job", NULL);
	else if (r == -ECHILD)
		(void)refuse(f, ".http.dependsOn", "there is no such job");
	else if (r == -EPROTOTYPE)
		(void)refuse(f, ".http.dependsOn", "is no check: a check depends on another check");
	else if (r == -EISNAM)
		(void)refuse(f, ".http.dependsOn", "makes a circle: it depends on this one, or is it");
	else if (r == -EEXIST)
		call_fail(f->call, JOBD_NAME_TAKEN, f->op.spec->name, NULL);
	else if (r == -EUSERS)
		call_fail(f->call, JOBD_LIMIT_REACHED, "queues", NULL);
	else if (r == -EACCES)
		call_fail(f->call, JOBD_PERMISSION_DENIED, NULL, NULL);
	else if (r == -ESTALE || r == -EAGAIN)
		call_fail(f->call, JOBD_CONFLICT, "the job is changed again and again", NULL);
	else
		call_fail_store(f->call, r);
}

bool
editing_again(struct editing *f, int result, bool *near)
{
	*near = result == -EAGAIN;
	f->nears += *near;
	return *near || result == -ESTALE;
}

void
editing_told(struct editing *f)
{
	struct scheduler *s = server_of(f->call)->scheduler;

	scheduler_job_edited(s, &f->op);
	scheduler_dependents(s, &f->op.dependents);
	if (f->op.spec->queue != NULL)
		prepare_warn_queue(&f->prepare, f->place, f->op.spec, f->op.new_queue);
}

static void
edit_forget(struct editing *f)
{
	op_get_done(&f->get);
	op_edit_done(&f->op);
	if (f->was_read)
		job_spec_done(&f->was);
	f->was_read = false;
}

void
editing_ask(struct editing *f)
{
	edit_forget(f);
	f->get = (struct op_get){ .op.kind = OP_GET, .id = id_parse(f->in->job), .name = f->in->job };
}

bool
editing_take(struct editing *f)
{
	if (f->get.op.result == -ENOENT) {
		call_fail(f->call, JOBD_NOT_FOUND, f->in->job, NULL);
		return false;
	}
	if (f->get.op.result < 0) {
		call_fail_store(f->call, f->get.op.result);
		return false;
	}
	return edit_prepare(f) && generation_told(f);
}

void
editing_reply(const struct editing *f, struct cJSON *reply, bool done)
{
	instant due = f->op.rescheduled ? f->op.due : f->get.job.due;
	char text[WHEN_TEXT_MAX];

	if (done)
		due = f->op.row.due;
	json_set_int(reply, "job", f->get.job.id);
	json_set_bool(reply, "changed", f->changed);
	json_set_bool(reply, "rescheduled", f->op.rescheduled);
	json_set_int(reply, "generation", done ? f->op.now_generation : f->get.job.generation);
	if (instant_is_set(due))
		json_set_string(reply, "nextDue", instant_print(due, text));
}

void
editing_done(struct editing *f)
{
	edit_forget(f);
	prepare_done(&f->job);
}

/* ---- Edit ---- */

struct edit_in {
	struct editing_in what;
	bool		  dry_run;
};

static const struct field edit_fields[] = {
	EDITING_ROWS(offsetof(struct edit_in, what)),
	{ "dryRun", FIELD_BOOL, offsetof(struct edit_in, dry_run), .flags = 0 },
	{ .type = FIELD_END },
};

struct edit {
	struct call	 call;
	struct editing	 editing;
	struct cJSON	*warnings;
	int		 tries;
	bool		 near;
};

static void
edit_answer(struct edit *f, bool done)
{
	struct cJSON *reply = json_object();

	editing_reply(&f->editing, reply, done);
	json_set(reply, "spec", fields_write(job_spec_fields, f->editing.op.spec));
	if (json_count(f->warnings) > 0) {
		json_set(reply, "warnings", f->warnings);
		f->warnings = NULL;
	}
	call_reply(&f->call, reply);
}

/* Begin, or begin anew. */
static void
edit_begin(struct edit *f)
{
	const struct edit_in *in = f->call.in;

	json_free(f->warnings);
	f->warnings = json_array();
	f->editing.call = &f->call;
	f->editing.in = &in->what;
	f->editing.warnings = f->warnings;
	(void)snprintf(f->editing.place, sizeof(f->editing.place), "spec");
	editing_ask(&f->editing);
}

static enum task_status
edit_step(struct task *t)
{
	struct edit *f = container_of(t, struct edit, call.task);
	struct editing *e = &f->editing;
	const struct edit_in *in = f->call.in;
	struct store *store = server_of(&f->call)->store;

	TASK_BEGIN(t);

	for (;;) {
		edit_begin(f);
		store_submit(store, &e->get.op, t);
		AWAIT_SHIELDED(t, USEC_NEVER, e->get.op.done);
		if (!editing_take(e))
			goto out;
		if (in->dry_run || !e->changed || t->cancelled)
			break;
		store_submit(store, &e->op.op, t);
		AWAIT_SHIELDED(t, USEC_NEVER, e->op.op.done);
		if (!editing_again(e, e->op.op.result, &f->near) || ++f->tries == EDIT_TRIES_MAX)
			break;
		if (f->near)
			AWAIT_UNTIL(t, loop_now(t->loop) + EDIT_NEAR, false);
	}
	if (!e->op.op.done) {
		edit_answer(f, false);
	} else if (e->op.op.result < 0) {
		editing_refused(e, e->op.op.result);
	} else {
		editing_told(e);
		edit_answer(f, true);
	}
out:
	TASK_END(t, 0);
}

static void
edit_release(struct task *t)
{
	struct edit *f = container_of(t, struct edit, call.task);

	editing_done(&f->editing);
	json_free(f->warnings);
	call_release(t);
}

static const struct task_kind edit_kind = { .name = "Edit", .step = edit_step,
    .release = edit_release };

const struct method method_edit = {
	.name = "io.jobd.Edit",
	.in = edit_fields,
	.in_size = sizeof(struct edit_in),
	.frame_size = sizeof(struct edit),
	.kind = &edit_kind,
};
