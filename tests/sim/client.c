/*
 * client: what people do: one op each, submitted as a method of the server would, and told to the
 * scheduler after its commit.  What was acknowledged is written into the model; what was
 * under way when the daemon died is doubtful.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/scheduler/beat.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "tests/sim/sim.h"

enum client_what { CLIENT_ADD, CLIENT_PAUSE, CLIENT_RESUME, CLIENT_REMOVE, CLIENT_TRIGGER,
    CLIENT_CANCEL, CLIENT_RETRY, CLIENT_EDIT, CLIENT_QUEUE, CLIENT_PING,
    CLIENT_DRAIN };

struct client {
	struct task		 task;
	struct sim		*sim;
	enum client_what	 what;
	size_t			 job;		/* index in the model */
	struct sim_queue	*queue;		/* CLIENT_QUEUE */
	struct job_new		 job_new;
	struct job_spec		 spec;
	char			*spec_json;
	union {
		struct store_op		head;
		struct op_add		add;
		struct op_pause		pause;
		struct op_remove	remove;
		struct op_trigger	trigger;
		struct op_cancel	cancel;
		struct op_retry		retry;
		struct op_queue_set	queue;
		struct op_edit		edit;
		struct op_ping		ping;
	} op;
	struct op_get		 get;		/* CLIENT_PING: the job as it is */
	int			 tries;
};

#define PING_TRIES_MAX	5

static struct sim_job *
job_of(struct client *f)
{
	return &f->sim->jobs[f->job];
}

static struct due_row
row_of(const struct sim_job *j, instant due)
{
	return (struct due_row){ .due = due, .id = j->id, .every = j->every,
	    .misfire = j->misfire, .kind = j->kind, .schedule = j->text, .terms = j->terms };
}

/* ---- add ---- */

static const char *
pick(struct sim *s, const char *const *words)
{
	size_t n = 0;

	while (words[n] != NULL)
		n++;
	return words[rand_below(&s->rand, n)];
}

static const char *
pick_any(struct sim *s, const char *const *words, uint64_t n)
{
	return words[rand_below(&s->rand, n)];
}

/* Times of the wall: those that changes touch, mostly. */
static void
wall_draw(struct sim *s, struct job_spec *spec)
{
	static const char *const crons[] = { "* * * * *", "*/7 * * * *", "30 2 * * *", "0 0 * * *",
		"0,10,20,30,40,50 0-4 * * *", "15,45 1,2,3 * * *", "*/20 30 0-3 * * *",
		"0 */2 * * *", "59 23,0,1,2 * * *", NULL };
	static const char *const calendars[] = { "*:0/5", "02:30", "daily", "hourly",
		"0..4:0,15,30,45", "01..03:0/20", "Sat,Sun 0..3:30", "*-*~1..9/1 2:15,45", NULL };
	static const char *const slow_crons[] = { "30 2 * * *", "0 0 * * *", "15,45 2 * * SAT,SUN",
		"0 */6 * * *", "59 23 L * *", "0 1 * * 7#1", "30 0-3 * * SUN", "@weekly", NULL };
	static const char *const slow_calendars[] = { "02:30", "daily", "Sun 0..3:30", "weekly",
		"*-*~1..9/1 2:15,45", "*-03,10,11-* 02:00,30", "quarterly", "00/8:00", NULL };
	static const char *const places[] = { "Europe/Berlin", "America/New_York", "UTC",
		"Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata", NULL };

	if (sim_chance(s, 50))
		spec->cron = xstrdup(pick(s, s->slow ? slow_crons : crons));
	else
		spec->calendar = xstrdup(pick(s, s->slow ? slow_calendars : calendars));
	spec->time_zone = xstrdup(sim_chance(s, 70) ? s->place : pick(s, places));
	spec->dst = (int)rand_below(&s->rand, DST_COUNT);
}

/* What else there may be of a schedule. */
static void
schedule_draw(struct client *f)
{
	struct sim *s = f->sim;
	struct job_spec *spec = &f->spec;
	static const char *const excepts[] = { "Sun", "*-*-* 02:30", "*:0/15", "*-*-* 0..1:*", NULL };

	if (job_of(f)->kind != KIND_HEARTBEAT && sim_chance(s, 25))
		spec->jitter = sim_between(s, 1, sim_chance(s, 20) ? USEC_HOUR : 2 * USEC_MINUTE);
	if (job_spec_repeats(spec) && sim_chance(s, 25)) {
		strings_add(&spec->except, pick(s, excepts));
		if (spec->time_zone == NULL)
			spec->time_zone = xstrdup(s->place);
	}
	if (spec->misfire == MISFIRE_ALL && sim_chance(s, 70))
		spec->misfire_limit = sim_between(s, 1, 12);
	if (sim_chance(s, 10))
		spec->misfire_window = sim_between(s, USEC_MINUTE, 3 * USEC_HOUR);
}

/* Jobs that it waits for, by id or name. */
static void
after_draw(struct client *f)
{
	static const char *const words[] = { "", ":ok", ":fail", ":any", ":any" };
	struct sim *s = f->sim;

	for (size_t n = 0; n < SIM_PARENTS_MAX && (n == 0 || sim_chance(s, 50)); n++) {
		size_t from = f->job > 12 && sim_chance(s, 80) ? f->job - 12 : 0;
		size_t k = from + (size_t)rand_below(&s->rand, f->job - from);
		char text[40];

		/* Not twice the same: they come in order. */
		if (s->jobs[k].id == 0 || s->jobs[k].removed || s->jobs[k].doubtful ||
		    s->jobs[k].marked)
			continue;
		s->jobs[k].marked = true;
		if (sim_chance(s, 50))
			(void)snprintf(text, sizeof(text), "%lld%s", (long long)s->jobs[k].id,
			    pick_any(s, words, 5));
		else
			(void)snprintf(text, sizeof(text), "%s%s", s->jobs[k].name,
			    pick_any(s, words, 5));
		strings_add(&f->spec.after, text);
	}
	for (size_t k = 0; k < f->job; k++)
		s->jobs[k].marked = false;
	if (f->spec.after.n > 0 && sim_chance(s, 25))
		f->spec.in = sim_between(s, 1, 2 * USEC_MINUTE);
}

/* When it comes, and its first due, as the server does it. */
static void
when_draw(struct client *f)
{
	struct sim *s = f->sim;
	struct sim_job *j = job_of(f);
	instant now = loop_wall(s->life->loop);
	struct field_error error;
	struct occurrence o;
	struct schedule schedule;
	struct cJSON *object;

	f->spec.every = j->every;
	f->spec.misfire = j->misfire;
	f->spec.on_boot = j->on_boot;
	if (f->job > 0 && j->every == 0 && !j->on_boot && j->kind != KIND_HEARTBEAT && sim_chance(s, 60)) {
		after_draw(f);
		j->first = f->spec.after.n > 0 ? (instant){ 0 } : j->first;
	}
	if (f->spec.after.n == 0 && j->every == 0 && !j->on_boot &&
	    (j->kind == KIND_HEARTBEAT || sim_chance(s, 60)))
		wall_draw(s, &f->spec);
	schedule_draw(f);
	if (!job_spec_has_schedule(&f->spec))
		return;
	object = fields_write(schedule_fields, &f->spec);
	j->text = json_print(object);
	json_free(object);
	SIM_CHECK(s, schedule_open(&f->spec, s->zones, 0, &schedule, &error) == JOBD_OK, "%s: %s",
	    error.path, error.reason);
	if (schedule_zone(&schedule) != NULL) {
		SIM_CHECK(s, schedule_next(&schedule, now, &o), "%s comes no more", j->text);
		j->first = o.due;
	}
	schedule_done(&schedule);
}

/* What follows a failure; quick enough that a world comes to rest. */
static void
retries_draw(struct client *f)
{
	static const char *const sets[] = { "timed_out", "any", "lost,timed_out", NULL };
	struct sim *s = f->sim;
	struct sim_job *j = job_of(f);

	if (sim_chance(s, 60))
		j->retries = f->spec.retries = sim_between(s, 1, 4);
	if (j->retries > 0 && sim_chance(s, 80))
		f->spec.backoff_first = sim_between(s, 1, 20 * USEC_SEC);
	if (j->retries > 0 && sim_chance(s, 40))
		f->spec.backoff = BACKOFF_FIXED;
	else if (j->retries > 0)
		f->spec.backoff_most = USEC_MINUTE;
	if (j->retries > 0 && j->kind == KIND_COMMAND && sim_chance(s, 30))
		f->spec.retry_on = xstrdup(pick(s, sets));
	if (j->kind == KIND_COMMAND)
		j->on_crash = f->spec.on_crash = (int)rand_below(&s->rand, ON_CRASH_COUNT);
	j->retries_lost = j->on_crash == ON_CRASH_FAIL ||
	    (f->spec.retry_on != NULL && strcmp(f->spec.retry_on, "timed_out") != 0);
}

/* Where it waits; half of them anywhere. */
static void
queue_draw(struct client *f)
{
	static const char *const queues[] = { NULL, NULL, NULL, "a", "b", "default", "schedule" };
	static const char *const mutexes[] = { NULL, NULL, NULL, NULL, "m", "n" };
	struct sim *s = f->sim;
	struct job_spec *spec = &f->spec;

	spec->queue = xstrdup(queues[rand_below(&s->rand, 7)]);
	spec->mutex = xstrdup(mutexes[rand_below(&s->rand, 6)]);
	spec->priority = (int64_t)rand_below(&s->rand, 3) - 1;
	if (job_spec_queue(spec) != NULL && sim_chance(s, 25))
		spec->slots = sim_between(s, 1, SIM_SLOTS_MAX);
	if (sim_chance(s, 50))
		spec->overlap = (int)rand_below(&s->rand, OVERLAP_COUNT);
	if (spec->overlap == OVERLAP_QUEUE || spec->overlap == OVERLAP_PARALLEL)
		spec->overlap_limit = sim_between(s, 0, 3);
}

/* What a heartbeat has, and has not: when it is expected, and by how much it may be late. */
static void
heartbeat_draw(struct client *f)
{
	struct sim *s = f->sim;
	struct sim_job *j = job_of(f);
	struct job_spec *spec = &f->spec;

	spec->heartbeat = true;
	j->grace = HEARTBEAT_GRACE_DEFAULT;
	if (sim_chance(s, 80))
		j->grace = spec->grace = sim_between(s, 1, sim_chance(s, 50) ? 10 * USEC_SEC :
		    sim_chance(s, 80) ? 5 * USEC_MINUTE : 3 * USEC_HOUR);
	if (sim_chance(s, 30))
		j->timeout = spec->timeout = sim_between(s, 1, USEC_MINUTE);
	if (sim_chance(s, 40))
		spec->fail_after = sim_between(s, 1, 3);
	if (sim_chance(s, 40))
		spec->ok_after = sim_between(s, 1, 3);
	j->fail_after = job_spec_fail_after(spec);
	j->ok_after = job_spec_ok_after(spec);
}

static void
spec_draw(struct client *f)
{
	struct sim *s = f->sim;
	struct sim_job *j = job_of(f);
	struct cJSON *object;

	f->spec.name = xstrdup(j->name);
	when_draw(f);
	f->spec.paused = sim_chance(s, 5);
	if (j->kind != KIND_HEARTBEAT)
		retries_draw(f);
	if (j->kind == KIND_HEARTBEAT) {
		heartbeat_draw(f);
	} else if (j->kind == KIND_COMMAND) {
		f->spec.command = xcalloc(1, sizeof(*f->spec.command));
		strings_add(&f->spec.command->argv, "true");
	} else if (j->kind == KIND_HTTP) {
		f->spec.http = xcalloc(1, sizeof(*f->spec.http));
		f->spec.http->url = xstrdup("http://localhost/");
	} else {
		f->spec.timer = xcalloc(1, sizeof(*f->spec.timer));
		f->spec.timer->duration = USEC_SEC;
	}
	if (j->kind != KIND_HEARTBEAT)
		queue_draw(f);
	if (sim_chance(s, 30)) {
		strings_add(&f->spec.notify, "late:x");
		f->spec.late_after = j->late_after = j->kind == KIND_HEARTBEAT ? 0 : sim_between(s, 1, 2 * USEC_MINUTE);
	}
	j->terms = terms_copy(&(struct queue_terms){ .queue = terms_of(&f->spec).queue,
	    .mutex = f->spec.mutex });
	j->terms.priority = f->spec.priority;
	j->terms.slots = f->spec.slots;
	j->terms.overlap = f->spec.overlap;
	j->terms.overlap_limit = f->spec.overlap_limit;
	object = fields_write(job_spec_fields, &f->spec);
	f->spec_json = json_print(object);
	j->spec_json = xstrdup(f->spec_json);
	json_free(object);
}

static void
add_prepare(struct client *f)
{
	struct sim *s = f->sim;
	instant now = loop_wall(s->life->loop);
	struct sim_job *j = job_of(f);

	*j = (struct sim_job){ .asked = true };
	(void)snprintf(j->name, sizeof(j->name), "j%zu", f->job);
	j->kind = (int)rand_below(&s->rand, KIND_COUNT);
	j->misfire = (int)rand_below(&s->rand, j->kind == KIND_HEARTBEAT ? MISFIRE_ALL : MISFIRE_COUNT);
	if (sim_chance(s, 45))
		j->every = sim_chance(s, 15) ? sim_between(s, 2 * USEC_SEC, 20 * USEC_SEC) :
		    sim_between(s, 20 * USEC_SEC, 2 * USEC_HOUR);
	else if (j->kind != KIND_HEARTBEAT)
		j->on_boot = sim_chance(s, 12);
	if (s->slow && j->every > 0)
		j->every *= 1000;
	j->boots = s->boots;
	j->first = j->on_boot ? (instant){ 0 } : now;
	j->steps = f->sim->steps_n;
	if (sim_chance(s, 60) && !j->on_boot)
		j->first = instant_add(now, sim_between(s, -30 * USEC_SEC, 25 * USEC_MINUTE));
	spec_draw(f);
	f->job_new = (struct job_new){
		.spec = &f->spec, .spec_json = f->spec_json, .summary = "simulated",
		    .schedule = j->text, .due = j->first,
	};
	f->op.add = (struct op_add){ .op.kind = OP_ADD, .jobs = &f->job_new, .n = 1, .uid = 0,
	    .now = now, .epoch = scheduler_epoch(s->life->scheduler) };
}

static void
add_told(struct client *f)
{
	struct sim_job *j = job_of(f);
	struct due_row row;

	j->id = f->job_new.id;
	j->paused = f->spec.paused;
	j->paused_at = sim_now(f->sim);
	row = row_of(j, j->first);
	scheduler_job_added(f->sim->life->scheduler, &row, j->name, f->job_new.job_state);
	scheduler_dependents(f->sim->life->scheduler, &f->op.add.dependents);
	sim_note(f->sim, "added %lld every=%lld kind=%d misfire=%d first=%+lld%s %s", (long long)j->id,
	    (long long)(j->every / USEC_SEC), j->kind, j->misfire,
	    (long long)(j->first.usec - loop_wall(f->sim->life->loop).usec) / USEC_SEC,
	    j->paused ? " paused" : "", j->text != NULL ? j->text : "");
}

/* ---- changes ---- */

/* The same once more: whatever goes on, nothing of when and how it runs may change by that. */
static void
edit_prepare(struct client *f)
{
	struct sim_job *j = job_of(f);
	struct field_error error;
	struct cJSON *object;
	const char *why;

	f->spec_json = xstrdup(j->spec_json);
	object = json_parse(f->spec_json, strlen(f->spec_json), &why);
	SIM_CHECK(f->sim, fields_read_lax(object, job_spec_fields, &f->spec, &error) == JOBD_OK, "%s: %s",
	    error.path, error.reason);
	json_free(object);
	f->op.edit = (struct op_edit){ .op.kind = OP_EDIT, .job = j->id, .uid = -1, .spec = &f->spec,
	    .spec_json = f->spec_json, .summary = "simulated", .schedule = j->text, .hold = -1,
	    .now = loop_wall(f->sim->life->loop) };
}

static void
change_prepare(struct client *f)
{
	instant now = loop_wall(f->sim->life->loop);
	int64_t id = job_of(f)->id;

	if (f->what == CLIENT_PAUSE || f->what == CLIENT_RESUME)
		f->op.pause = (struct op_pause){
			.op.kind = OP_PAUSE, .job = id, .paused = f->what == CLIENT_PAUSE,
			    .uid = -1, .now = now,
		};
	else if (f->what == CLIENT_REMOVE)
		f->op.remove = (struct op_remove){ .op.kind = OP_REMOVE, .job = id, .uid = -1,
		    .now = now };
	else if (f->what == CLIENT_TRIGGER)
		f->op.trigger = (struct op_trigger){ .op.kind = OP_TRIGGER, .job = id, .now = now,
		    .uid = -1 };
	else if (f->what == CLIENT_EDIT)
		edit_prepare(f);
	else if (f->what == CLIENT_RETRY) {
		/* Whether it is answered or not, it may come to be. */
		job_of(f)->hand++;
		f->op.retry = (struct op_retry){ .op.kind = OP_RETRY, .job = id, .now = now,
		    .run = f->op.cancel.run, .uid = -1 };
	} else if (f->what == CLIENT_CANCEL)
		f->op.cancel = (struct op_cancel){
			.op.kind = OP_CANCEL, .job = id, .run = f->op.cancel.run, .now = now,
			    .uid = -1, .by = "uid 0",
		};
}

static void
queue_prepare(struct client *f)
{
	struct sim *s = f->sim;
	bool slots = s->quiet || sim_chance(s, 60);

	f->op.queue = (struct op_queue_set){
		.op.kind = OP_QUEUE_SET, .name = f->queue->name, .by = "uid 0",
		.now = loop_wall(s->life->loop), .rate = -1,
		.slots = s->quiet ? SIM_SLOTS_MAX : slots ? sim_between(s, 0, SIM_SLOTS_MAX) : -1,
		.paused = s->quiet ? 0 : slots ? -1 : (int64_t)rand_below(&s->rand, 2),
	};
}

/* Acknowledged, refused, or never heard. */
static void
queue_answer(struct client *f)
{
	const struct queue_row *row = &f->op.queue.row;
	struct sim *s = f->sim;
	int r = f->op.head.result;

	if (r == 0) {
		scheduler_queue_set(s->life->scheduler, row);
		queue_told(s, f->queue, row->slots > 0 ? row->slots : f->queue->set,
		    instant_is_set(row->paused));
		sim_note(s, "queue %s: %lld slots%s", row->name, (long long)f->queue->slots,
		    f->queue->paused ? ", paused" : "");
	} else if (r == -EIO && s->life->dead) {
		f->queue->unsure = true;
	} else if (r != -EIO && r != -EBUSY && r != -ENOENT) {
		sim_fail(s, "change of queue %s: %d", f->queue->name, r);
	}
}

static void
change_told(struct client *f)
{
	struct scheduler *scheduler = f->sim->life->scheduler;
	struct sim_job *j = job_of(f);
	struct due_row row;

	if (f->what == CLIENT_PAUSE) {
		if (f->op.pause.changed)
			scheduler_job_paused(scheduler, j->id, j->name, f->op.pause.job_state);
		/* Of what is finished there is nothing to hold back, and it may be let go on later. */
		if (f->op.pause.changed || f->op.pause.job_state != JOB_FINISHED) {
			j->paused = true;
			j->unsure = false;
			j->paused_at = sim_now(f->sim);
		}
	} else if (f->what == CLIENT_RESUME) {
		row = row_of(j, f->op.pause.row.due);
		row.retrying = f->op.pause.row.retrying;
		if (f->op.pause.changed)
			scheduler_job_resumed(scheduler, &row, j->name, f->op.pause.job_state,
			    f->op.pause.released);
		j->paused = false;
		j->unsure = false;
	} else if (f->what == CLIENT_REMOVE) {
		j->removed = true;
		scheduler_job_removed(scheduler, j->id, j->name, f->op.remove.runs);
		scheduler_dependents(scheduler, &f->op.remove.dependents);
	} else if (f->what == CLIENT_TRIGGER) {
		scheduler_run_queued(scheduler, &f->op.trigger);
		scheduler_dependents(scheduler, &f->op.trigger.dependents);
	} else if (f->what == CLIENT_CANCEL) {
		scheduler_run_canceled(scheduler, &f->op.cancel);
		scheduler_dependents(scheduler, &f->op.cancel.dependents);
	} else if (f->what == CLIENT_EDIT) {
		scheduler_job_edited(scheduler, &f->op.edit);
		scheduler_dependents(scheduler, &f->op.edit.dependents);
	} else if (f->what == CLIENT_RETRY) {
		scheduler_run_retried(scheduler, &f->op.retry);
		scheduler_dependents(scheduler, &f->op.retry.dependents);
	}
	sim_note(f->sim, "change %d of %lld", (int)f->what, (long long)j->id);
}

/* ---- pings ---- */

static void
ping_prepare(struct client *f)
{
	static const int whats[] = { PING_OK, PING_OK, PING_OK, PING_FAIL, PING_START };
	instant now = loop_wall(f->sim->life->loop);
	struct sim_job *j = job_of(f);
	int what = f->tries == 0 ? whats[rand_below(&f->sim->rand, 5)] : f->op.ping.ping.what;

	f->op.ping = (struct op_ping){ .op.kind = OP_PING, .job = f->get.job.id, .uid = -1,
	    .ping = { .what = what, .at = now, .by = (char *)(uintptr_t)"uid 0" } };
	beat_decide(&f->op.ping, &f->get.job, sim_schedule(f->sim, j), now);
}

/* As the server does it. */
static void
ping_told(struct client *f)
{
	struct scheduler *scheduler = f->sim->life->scheduler;
	struct op_ping *op = &f->op.ping;
	struct due_row row = row_of(job_of(f), op->claim.next_due);

	if (op->made) {
		scheduler_run_queued(scheduler, &op->trigger);
		scheduler_dependents(scheduler, &op->trigger.dependents);
	} else if (op->taken) {
		scheduler_due_queued(scheduler, &op->claim, &row);
	} else {
		scheduler_pinged(scheduler, op, op->moved ? &row : NULL);
	}
	beats_pinged(f->sim, op);
	sim_note(f->sim, "pinged %lld.%lld %s%s", (long long)op->job, (long long)op->run,
	    ping_what_names[op->ping.what], op->taken ? ", early" : op->made ? ", extra" : "");
}

static void
ping_answer(struct client *f)
{
	struct sim *s = f->sim;
	struct sim_job *j = job_of(f);
	int r = f->op.head.result;

	if (r == 0)
		ping_told(f);
	else if (r == -EIO || r == -ESTALE || r == -EBUSY)
		return;			/* it may have been written, and nobody was told */
	else
		SIM_CHECK(s, r == -ENOENT && (j->removed || j->doubtful || sim_may_expire(s, j)),
		    "a ping of %lld: %d", (long long)j->id, r);
}

/* The answer: acknowledged, refused, or never heard. */
static void
client_answer(struct client *f)
{
	struct sim *s = f->sim;
	struct sim_job *j = job_of(f);
	int r = f->op.head.result;

	if (r == 0 && f->what == CLIENT_ADD)
		add_told(f);
	else if (r == 0)
		change_told(f);
	else if (r == -EIO && s->life->dead)
		j->doubtful = true;
	else if ((r == -EIO || r == -ENOENT) && f->what == CLIENT_ADD)
		j->asked = false;	/* refused: it must not exist; or a parent has gone */
	else if (r != -EIO && r != -EBUSY && r != -EALREADY && r != -ENOENT)
		sim_fail(s, "change %d of %lld: %d", (int)f->what, (long long)j->id, r);
	if (r == -ENOENT && f->what != CLIENT_ADD)
		SIM_CHECK(s, j->removed || j->doubtful || f->what == CLIENT_CANCEL ||
		    f->what == CLIENT_RETRY || sim_may_expire(s, j),
		    "%lld is not there", (long long)j->id);
}

static enum task_status
client_step(struct task *t)
{
	struct client *f = container_of(t, struct client, task);

	TASK_BEGIN(t);

	if (f->what == CLIENT_PING) {
		do {
			if (f->tries > 0)
				op_ping_done(&f->op.ping);
			op_get_done(&f->get);
			f->get = (struct op_get){ .op.kind = OP_GET, .id = job_of(f)->id };
			store_submit(f->sim->life->store, &f->get.op, t);
			AWAIT_SHIELDED(t, USEC_NEVER, f->get.op.done);
			f->op.head.result = f->get.op.result;
			if (f->get.op.result < 0)
				break;
			ping_prepare(f);
			store_submit(f->sim->life->store, &f->op.head, t);
			AWAIT_SHIELDED(t, USEC_NEVER, f->op.head.done);
		} while (f->op.head.result == -ESTALE && ++f->tries < PING_TRIES_MAX);
		ping_answer(f);
		goto out;
	}
	if (f->what == CLIENT_ADD)
		add_prepare(f);
	else if (f->what == CLIENT_QUEUE)
		queue_prepare(f);
	else
		change_prepare(f);
	store_submit(f->sim->life->store, &f->op.head, t);
	AWAIT_SHIELDED(t, USEC_NEVER, f->op.head.done);
	if (f->what == CLIENT_QUEUE)
		queue_answer(f);
	else
		client_answer(f);
out:
	TASK_END(t, 0);
}

static void
client_release(struct task *t)
{
	struct client *f = container_of(t, struct client, task);

	op_drop(&f->op.head);
	op_get_done(&f->get);
	job_spec_done(&f->spec);
	free(f->spec_json);
	free(f);
}

static const struct task_kind client_kind = { .name = "client", .step = client_step,
    .release = client_release };

/* A heartbeat to be pinged: one that waits for it, mostly.  False: there is none. */
static bool
ping_aim(struct client *f)
{
	struct sim *s = f->sim;
	bool waiting = sim_chance(s, 60);
	size_t from = s->jobs_n > 0 ? (size_t)rand_below(&s->rand, s->jobs_n) : 0;

	for (size_t k = 0; k < 2 * s->jobs_n; k++) {
		const struct sim_job *j = &s->jobs[(from + k) % s->jobs_n];

		/* The second time round any will do. */
		if (j->kind != KIND_HEARTBEAT || j->id == 0 || j->removed || j->doubtful ||
		    (waiting && k < s->jobs_n && !j->waits))
			continue;
		f->job = (from + k) % s->jobs_n;
		return true;
	}
	return false;
}

/* Nothing is to be committed for it. */
static void
drain(struct sim *s, bool on)
{
	struct sim_life *life = s->life;

	scheduler_drain(life->scheduler, on ? loop_wall(life->loop) : (instant){ 0 }, 0);
	life->drained = on ? sim_now(s) : 0;
	sim_note(s, "%s", on ? "drained" : "not drained");
}

void
client_act(struct sim *s)
{
	static const struct { enum client_what what; unsigned weight; } weights[] = {
		{ CLIENT_ADD, 24 }, { CLIENT_EDIT, 3 }, { CLIENT_PAUSE, 8 }, { CLIENT_RESUME, 14 }, { CLIENT_REMOVE,
		    4 },
		{ CLIENT_TRIGGER, 19 }, { CLIENT_CANCEL, 12 }, { CLIENT_RETRY, 9 }, { CLIENT_QUEUE, 6 },
		{ CLIENT_DRAIN, 1 },
	};
	uint64_t draw = rand_below(&s->rand, 100);
	struct client *f = xcalloc(1, sizeof(*f));
	size_t i = 0;

	for (; draw >= weights[i].weight; i++)
		draw -= weights[i].weight;
	f->sim = s;
	f->what = weights[i].what;
	if (sim_chance(s, 30) && ping_aim(f)) {
		f->what = CLIENT_PING;
		task_start(&f->task, &client_kind, &s->life->root);
		return;
	}
	/* It is not for long, so that something is begun now and then. */
	if (f->what == CLIENT_DRAIN || (s->life->drained != 0 && sim_chance(s, 20))) {
		drain(s, s->life->drained == 0);
		free(f);
		return;
	}
	if (f->what == CLIENT_QUEUE) {
		f->queue = &s->queues[rand_below(&s->rand, SIM_QUEUES)];
		task_start(&f->task, &client_kind, &s->life->root);
		return;
	}
	if (f->what == CLIENT_ADD && s->jobs_n < SIM_JOBS_MAX) {
		f->job = s->jobs_n++;
	} else {
		f->job = s->jobs_n == 0 ? 0 : (size_t)rand_below(&s->rand, s->jobs_n);
		if (f->what == CLIENT_ADD)
			f->what = CLIENT_TRIGGER;
		if (s->jobs_n == 0 || s->jobs[f->job].id == 0 || s->jobs[f->job].removed ||
		    s->jobs[f->job].doubtful) {
			free(f);
			return;
		}
	}
	if ((f->what == CLIENT_CANCEL || f->what == CLIENT_RETRY) && s->jobs[f->job].kind == KIND_HEARTBEAT) {
		f->op.cancel.run = s->jobs[f->job].latest + (int64_t)rand_below(&s->rand, 3);
		task_start(&f->task, &client_kind, &s->life->root);
		return;
	}
	/* Runs are numbered from 1; the last few are the ones that may be active. */
	if ((f->what == CLIENT_CANCEL || (f->what == CLIENT_RETRY && sim_chance(s, 60))) &&
	    s->processes_n > 0) {
		const struct sim_process *p = &s->processes[s->processes_n - 1 - rand_below(&s->rand,
		    s->processes_n < 6 ? s->processes_n : 6)];

		f->op.cancel.run = p->run + (sim_chance(s, 30) ? 1 : 0);
		for (size_t k = 0; k < s->jobs_n; k++) {
			if (s->jobs[k].id == p->job && !s->jobs[k].removed)
				f->job = k;
		}
	}
	task_start(&f->task, &client_kind, &s->life->root);
}

void
client_open_queues(struct sim *s)
{
	drain(s, false);
	for (size_t i = 0; i < SIM_QUEUES; i++) {
		struct client *f = xcalloc(1, sizeof(*f));

		f->sim = s;
		f->what = CLIENT_QUEUE;
		f->queue = &s->queues[i];
		task_start(&f->task, &client_kind, &s->life->root);
	}
}
