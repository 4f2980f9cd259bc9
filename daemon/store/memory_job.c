/*
 * memory_job: the ops of people on the store in memory.  A simulation needs none of them; they are
 * there so that the tests of the scheduler can be run on either store and must come to the
 * same end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/must.h"
#include "daemon/store/memory-internal.h"
#include "daemon/store/state.h"
#include "proto/mem.h"

static int
allows(const struct memory_job *j, int64_t uid)
{
	return uid == -1 || uid == j->row.uid ? 0 : -EACCES;
}

/* The job, or NULL with the refusal in *r. */
static struct memory_job *
job_of(struct memory *m, int64_t id, int64_t uid, int *r)
{
	struct memory_job *j = memory_job(m, id);

	*r = j == NULL ? -ENOENT : allows(j, uid);
	return *r == 0 ? j : NULL;
}

/* ---- add ---- */

static bool
same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* The job with this name; or with this key, of a uid.  Slow: for tests. */
static struct memory_job *
job_find(const struct memory *m, const char *name, const char *key, int64_t uid)
{
	for (size_t i = 0; i < m->n; i++) {
		struct memory_job *j = m->jobs[i];

		if (same(j->name, name) || (same(j->key, key) && j->row.uid == uid))
			return j;
	}
	return NULL;
}

struct memory_job *
memory_job_named(const struct memory *m, const char *name)
{
	return job_find(m, name, NULL, 0);
}

static int64_t
owned(const struct memory *m, int64_t uid)
{
	int64_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		n += m->jobs[i]->row.uid == uid;
	return n;
}

/* As SQLite's health_parent_find(). */
static int
parent_find(const struct memory *m, const struct job_spec *spec, int64_t *ret)
{
	const char *named = spec->http != NULL ? spec->http->depends_on : NULL;
	const struct memory_job *j;

	*ret = 0;
	if (named == NULL)
		return 0;
	j = job_id_read(named) != 0 ? memory_job(m, job_id_read(named)) : job_find(m, named, NULL, 0);
	if (j == NULL)
		return -ECHILD;
	*ret = j->row.id;
	return j->row.kind == KIND_HTTP ? 0 : -EPROTOTYPE;
}

/* One of an add.  0, or why not. */
static int
add_one(struct memory *m, const struct op_add *o, struct job_new *job)
{
	const struct job_spec *spec = job->spec;
	struct memory_job *j = job_find(m, NULL, spec->key, o->uid);
	struct queue_terms terms;
	int64_t depends_on;
	int r;

	job->existed = j != NULL;
	if (j != NULL) {
		job->id = j->row.id;
		return 0;
	}
	if (o->jobs_max_uid > 0 && owned(m, o->uid) >= o->jobs_max_uid)
		return -EDQUOT;
	r = parent_find(m, spec, &depends_on);
	if (r < 0)
		return r;
	if (job_find(m, spec->name, NULL, o->uid) != NULL)
		return -EEXIST;
	if (spec->queue != NULL)
		r = memory_queue_named(m, spec->queue, &job->new_queue);
	if (r < 0)
		return r;
	terms = terms_of(spec);
	j = memory_job_new(m, m->last_id + 1);
	j->row.terms = terms_copy(&terms);
	j->row.due = job->due;
	j->row.every = spec->every;
	j->row.misfire = spec->misfire;
	j->row.kind = job_spec_kind(spec);
	j->row.schedule = xstrdup(job->schedule);
	j->row.uid = o->uid;
	j->depends_on = depends_on;
	j->paused = spec->paused;
	j->on_boot = spec->on_boot;
	j->created = o->now;
	j->epoch = o->epoch;
	j->keep_runs = spec->keep_runs;
	j->keep_age = spec->keep;
	j->name = xstrdup(spec->name);
	j->key = xstrdup(spec->key);
	j->spec_json = xstrdup(job->spec_json);
	for (size_t i = 0; i < spec->notify.n; i++)
		strings_add(&j->notify, spec->notify.items[i]);
	j->delay = spec->after.n > 0 ? spec->in : 0;
	memory_job_settle(j, o->now);
	/* Until it is known for whom it waits (memory_after.c): like SQLite has it. */
	if (spec->after.n > 0 && !instant_is_set(j->row.due)) {
		j->parents = xcalloc(spec->after.n, sizeof(*j->parents));
		j->state = spec->paused ? JOB_PAUSED : JOB_BLOCKED;
		j->finished = (instant){ 0 };
	}
	job->id = j->row.id;
	job->job_state = j->state;
	return 0;
}

int
memory_add(void *db, struct store_op *op)
{
	struct op_add *o = container_of(op, struct op_add, op);
	struct memory *m = db;
	int64_t last_id = m->last_id;
	int r = 0;

	for (size_t i = 0; i < o->n; i++) {
		o->failed = i;
		r = add_one(m, o, &o->jobs[i]);
		if (r < 0)
			break;
	}
	if (r == 0)
		r = memory_dependencies_add(m, o, last_id);
	if (r == 0 && o->dry)
		r = -ECANCELED;
	for (size_t i = 0; r < 0 && i < o->n; i++) {
		if (o->jobs[i].new_queue)
			memory_queue_unnamed(m, o->jobs[i].spec->queue);
	}
	/* All or none. */
	while (r < 0 && m->n > 0 && m->jobs[m->n - 1]->row.id > last_id)
		memory_job_delete(m, m->jobs[m->n - 1]);
	if (r < 0)
		m->last_id = last_id;
	return r;
}

/* ---- the rest ---- */

int
memory_trigger(void *db, struct store_op *op)
{
	struct op_trigger *o = container_of(op, struct op_trigger, op);
	struct memory *m = db;
	struct memory_run *run;
	struct memory_job *j;
	int r, was;

	j = job_of(m, o->job, o->uid, &r);
	if (j == NULL)
		return r;
	was = j->state;
	run = memory_run_new(m, j, RUN_QUEUED, true, instant_is_set(o->due) ? o->due : o->now);
	run->info.noticed = o->now;
	o->run = run->info.run;
	memory_job_settle(j, o->now);
	memory_dependents_tell(m, j->row.id, j->children, was == JOB_FINISHED, -1, o->now,
	    &o->dependents);
	o->kind = j->row.kind;
	o->name = xstrdup(j->name);
	o->owner = j->row.uid;
	o->terms = terms_copy(&j->row.terms);
	return 0;
}

/* The oldest run of the job that waits for a ping, or has only begun. */
static struct memory_run *
waiting_run(const struct memory_job *j)
{
	struct memory_run *found = NULL;

	for (struct memory_run *r = j->newest; r != NULL; r = r->older) {
		if (!run_state_final((enum run_state)r->info.state) &&
		    (r->info.ping == NULL || r->info.ping->what == PING_START))
			found = r;
	}
	return found;
}

int
memory_ping(void *db, struct store_op *op)
{
	struct op_ping *o = container_of(op, struct op_ping, op);
	struct memory *m = db;
	struct memory_job *j;
	struct memory_run *run;
	int r, was;

	j = job_of(m, o->job, o->uid, &r);
	if (j == NULL)
		return r;
	if (j->row.kind != KIND_HEARTBEAT)
		return -EPROTOTYPE;
	run = waiting_run(j);
	if (run == NULL && o->take) {
		o->claim.job = o->job;
		o->claim.queue = true;
		r = memory_claim(m, &o->claim.op);
		o->taken = r == 0;
	} else if (run == NULL) {
		o->trigger.job = o->job;
		o->trigger.uid = o->uid;
		o->trigger.now = o->ping.at;
		r = memory_trigger(m, &o->trigger.op);
		o->made = r == 0;
	}
	if (r < 0)
		return r;
	if (run != NULL && o->move && !memory_job_held(j) && instant_is_set(j->row.due) &&
	    j->row.due.usec == o->claim.due.usec) {
		was = j->state;
		j->row.due = o->claim.next_due;
		memory_job_settle(j, o->ping.at);
		o->moved = true;
		memory_dependents_tell(m, j->row.id, j->children,
		    (was == JOB_FINISHED) != (j->state == JOB_FINISHED), -1, o->ping.at,
		    &o->claim.dependents);
	}
	if (run == NULL)
		run = j->newest;
	if (run->info.ping != NULL && o->ping.what != PING_START)
		o->ping.began = run->info.ping->at;
	ping_free(run->info.ping);
	run->info.ping = ping_copy(&o->ping);
	o->run = run->info.run;
	return 0;
}

/* Another attempt by hand; of a run that was not kept there is none. */
int
memory_retry(void *db, struct store_op *op)
{
	struct op_retry *o = container_of(op, struct op_retry, op);
	struct memory *m = db;
	struct memory_run *run;
	struct memory_job *j;
	int r, was;

	j = job_of(m, o->job, o->uid, &r);
	if (j == NULL)
		return r;
	if (o->run == 0)
		o->run = j->runs;
	if (o->run == 0)
		return -EALREADY;
	run = memory_run_find(j, o->run);
	if (run == NULL)
		return -ENOENT;
	o->was = run->info.state;
	if (!run_state_allows((enum run_state)o->was, RUN_QUEUED))
		return -EALREADY;
	o->released = j->quarantined;
	if (o->released) {
		j->quarantined = false;
		j->crashes = 0;
		j->generation++;
		memory_hold_retries(j);
	}
	if (o->was == RUN_RETRYING)
		memory_run_move(m, j, run, RUN_QUEUED);
	else
		memory_run_again(m, j, run);
	memory_run_clear(run);
	ping_free(run->info.ping);
	run->info.ping = NULL;
	run->retried = 0;
	run->info.retry_at = (instant){ 0 };
	was = j->state;
	memory_job_settle(j, o->now);
	memory_dependents_tell(m, j->row.id, j->children, was == JOB_FINISHED, -1, o->now,
	    &o->dependents);
	o->manual = run->info.manual;
	o->row = memory_due_row(j);
	o->paused = j->paused;
	o->job_state = j->state;
	o->kind = j->row.kind;
	o->name = xstrdup(j->name);
	return 0;
}

int
memory_cancel(void *db, struct store_op *op)
{
	struct op_cancel *o = container_of(op, struct op_cancel, op);
	struct memory *m = db;
	struct memory_run *run;
	struct memory_job *j;
	int r;

	j = job_of(m, o->job, o->uid, &r);
	if (j == NULL)
		return r;
	run = memory_run_find(j, o->run);
	/* An ended one that was not kept was there once all the same. */
	if (run == NULL && (m->keep || o->run > j->runs || o->run < 1))
		return -ENOENT;
	if (run == NULL || run_state_final((enum run_state)run->info.state))
		return -EALREADY;
	o->was = run->info.state;
	if (run->info.canceled_by == NULL)
		run->info.canceled_by = xstrdup(o->by);
	if (o->was == RUN_QUEUED || o->was == RUN_RETRYING) {
		MUST(run_state_allows((enum run_state)o->was, RUN_CANCELED));
		run->info.state = RUN_CANCELED;
		run->info.ended = o->now;
		run->info.retry_at = (instant){ 0 };
		run->info.exit_code = -1;
		run->info.verdict = VERDICT_NONE;
		free(run->info.reason);
		run->info.reason = o->was == RUN_RETRYING ?
		    xstrdup("canceled before its next attempt") : NULL;
		memory_run_end(m, j, run, o->was);
		memory_job_settle(j, o->now);
		memory_dependents_tell(m, j->row.id, j->children, true, RUN_CANCELED, o->now,
		    &o->dependents);
	}
	o->job_state = j->state;
	o->retrying = memory_retrying_run(j);
	o->kind = j->row.kind;
	o->name = xstrdup(j->name);
	return 0;
}

int
memory_pause(void *db, struct store_op *op)
{
	struct op_pause *o = container_of(op, struct op_pause, op);
	struct memory *m = db;
	struct memory_job *j;
	int r;

	j = job_of(m, o->job, o->uid, &r);
	if (j == NULL)
		return r;
	/* Of what is finished there is nothing to hold back. */
	o->released = !o->paused && j->quarantined;
	o->changed = o->released ||
	    (j->paused != o->paused && !(o->paused && j->state == JOB_FINISHED));
	if (o->changed) {
		j->paused = o->paused;
		if (o->released) {
			j->quarantined = false;
			j->crashes = 0;
		}
		j->generation++;
		memory_hold_retries(j);
		memory_job_settle(j, o->now);
	}
	o->row = memory_due_row(j);
	o->job_state = j->state;
	o->name = xstrdup(j->name);
	return 0;
}

/* ---- edit ---- */

int
memory_kind(const struct memory *m, int64_t job)
{
	const struct memory_job *j = memory_job(m, job);

	return j != NULL ? j->row.kind : -1;
}

/* Would the check depend on itself? */
static bool
depends_on(const struct memory *m, int64_t on, int64_t job)
{
	const struct memory_job *j = on != 0 ? memory_job(m, on) : NULL;

	return on != 0 && (on == job || (j != NULL && depends_on(m, j->depends_on, job)));
}

/* As SQLite's due_set(): but first what it comes to, as nothing is undone here. */
static int
due_find(const struct op_edit *o, const struct memory_job *j, instant *due)
{
	usec_t decided = j->previous.usec > j->skipped.usec ? j->previous.usec : j->skipped.usec;

	if (instant_is_set(o->counted) && o->counted.usec != j->row.due.usec)
		return -ESTALE;
	if (instant_is_set(j->row.due) && j->row.due.usec <= o->now.usec)
		decided = j->row.due.usec;
	return edit_due(o, j->row.due, decided, due);
}

/* All that may be refused; nothing is changed by a refusal. */
static int
edit_check(struct memory *m, struct op_edit *o, struct memory_job *j, int64_t *on, instant *due)
{
	const struct memory_job *named;
	char *name = j->name;
	int r = 0;

	/* By its name it is looked for once: it may have another one since, and another job that. */
	*on = j->depends_on;
	if (o->depends)
		r = parent_find(m, o->spec, on);
	if (r == 0 && o->depends && depends_on(m, *on, o->job))
		r = -EISNAM;
	if (r == 0 && o->rescheduled)
		r = due_find(o, j, due);
	named = job_find(m, o->spec->name, NULL, 0);
	if (r == 0 && named != NULL && named != j)
		r = -EEXIST;
	if (r == 0 && o->spec->queue != NULL)
		r = memory_queue_named(m, o->spec->queue, &o->new_queue);
	if (r == 0 && o->parents) {
		/* Its parents are looked for when it has its new name already. */
		j->name = o->spec->name;
		r = memory_dependencies_replace(m, j, &o->spec->after, &o->failed_after);
		j->name = name;
	}
	if (r < 0 && o->new_queue)
		memory_queue_unnamed(m, o->spec->queue);
	return r;
}

static void
edit_spec(struct memory_job *j, const struct op_edit *o)
{
	struct queue_terms terms = terms_of(o->spec);

	terms_done(&j->row.terms);
	j->row.terms = terms_copy(&terms);
	j->row.every = o->spec->every;
	j->row.misfire = o->spec->misfire;
	free(j->row.schedule);
	j->row.schedule = xstrdup(o->schedule);
	j->on_boot = o->spec->on_boot;
	j->keep_runs = o->spec->keep_runs;
	j->keep_age = o->spec->keep;
	free(j->name);
	j->name = xstrdup(o->spec->name);
	free(j->spec_json);
	j->spec_json = xstrdup(o->spec_json);
	j->delay = o->spec->after.n > 0 ? o->spec->in : 0;
	strings_done(&j->notify);
	for (size_t i = 0; i < o->spec->notify.n; i++)
		strings_add(&j->notify, o->spec->notify.items[i]);
	if (o->spec->notify.n == 0)
		j->trouble = (struct trouble){ .failures = 0 };
	if (o->spec->notify.n == 0 || o->rescheduled)
		j->late = (instant){ 0 };
}

int
memory_edit(void *db, struct store_op *op)
{
	struct op_edit *o = container_of(op, struct op_edit, op);
	struct memory *m = db;
	struct memory_job *j;
	int64_t on;
	instant due = { 0 };
	int r, was;

	j = job_of(m, o->job, o->uid, &r);
	if (memory_job(m, o->job) != NULL)
		o->now_generation = memory_job(m, o->job)->generation;
	if (j == NULL)
		return r;
	if (o->generation != 0 && o->generation != j->generation)
		return -ESTALE;
	MUST(j->row.kind == (int)job_spec_kind(o->spec));
	r = edit_check(m, o, j, &on, &due);
	if (r < 0)
		return r;
	was = j->state;
	if (o->rescheduled && instant_is_set(j->row.due) && j->row.due.usec <= o->now.usec) {
		j->skips++;
		j->skipped = j->row.due;
	}
	if (o->rescheduled) {
		j->row.due = due;
		j->epoch = o->epoch;
	}
	j->depends_on = on;
	edit_spec(j, o);
	memory_dependencies_rename(m, o->job, j->name);
	if (o->hold >= 0 && j->paused != (o->hold == 1)) {
		j->paused = o->hold == 1;
		o->let_go = !j->paused;
		memory_hold_retries(j);
	}
	memory_dependents_due(m, j, o->now, &o->dependents);
	o->now_generation = ++j->generation;
	memory_job_settle(j, o->now);
	memory_dependents_tell(m, o->job, j->children,
	    (j->state == JOB_FINISHED) != (was == JOB_FINISHED), -1, o->now, &o->dependents);
	o->row = memory_due_row(j);
	o->job_state = j->state;
	o->held = memory_job_held(j);
	o->name = xstrdup(j->name);
	return 0;
}

int
memory_remove(void *db, struct store_op *op)
{
	struct op_remove *o = container_of(op, struct op_remove, op);
	struct memory *m = db;
	struct memory_job *j;
	int64_t children;
	bool changed;
	int r;

	j = job_of(m, o->job, o->uid, &r);
	if (j == NULL)
		return r;
	if (j->queued + j->running + j->retrying > 0)
		return -EBUSY;
	o->runs = j->runs;
	o->name = xstrdup(j->name);
	o->waited = memory_dependents_waiting(m, o->job);
	children = j->children;
	changed = j->state != JOB_FINISHED;
	memory_job_delete(m, j);
	memory_dependents_tell(m, o->job, children, changed, -1, o->now, &o->dependents);
	return 0;
}

/* Without what only people read: description, labels, spec, summary. */
int
memory_get(void *db, struct store_op *op)
{
	struct op_get *o = container_of(op, struct op_get, op);
	struct memory *m = db;
	const struct memory_job *j = o->id != 0 ? memory_job(m, o->id) :
	    job_find(m, o->name, NULL, 0);

	if (j == NULL)
		return -ENOENT;
	o->job = (struct job_info){
		.id = j->row.id, .name = xstrdup(j->name), .kind = j->row.kind, .state = j->state,
		.uid = j->row.uid, .generation = j->generation, .created = j->created,
		.due = j->row.due, .every = j->row.every, .runs = j->runs, .skips = j->skips,
		.overlaps = j->overlaps, .crashes = j->crashes, .paused = j->paused,
		.dependents = j->children, .parents = (int64_t)j->parents_n,
		.queue = xstrdup(terms_queue(&j->row.terms, j->row.kind)),
		.priority = j->row.terms.priority, .mutex = xstrdup(j->row.terms.mutex),
		.health = j->health.verdict, .health_since = j->health.since,
		.checks_failed = j->health.failed, .checks_passed = j->health.passed,
		.depends_on = memory_job(m, j->depends_on) != NULL ? j->depends_on : 0,
	};
	if (o->dependencies)
		memory_dependencies_read(m, j, o);
	o->runs = xcalloc(o->runs_max + 1, sizeof(*o->runs));
	for (const struct memory_run *r = j->newest; r != NULL && o->runs_n < o->runs_max;
	    r = r->older) {
		struct run_info *info = &o->runs[o->runs_n++];

		*info = r->info;
		info->name = xstrdup(j->name);
		info->reason = xstrdup(r->info.reason);
		info->canceled_by = xstrdup(r->info.canceled_by);
		info->ping = ping_copy(r->info.ping);
		if (info->retry_at.usec < 0)
			info->retry_at = (instant){ 0 };
	}
	return 0;
}
