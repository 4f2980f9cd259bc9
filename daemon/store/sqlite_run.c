/*
 * sqlite_run: what is written about runs and skips: claim, finish, skip, trigger, cancel.
 * Each first looks whether the world is still as the asker believes, by ids, and then
 * writes; a change of state names the state it starts from in its WHERE, too.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/base/must.h"
#include "daemon/store/health.h"
#include "daemon/store/notify.h"
#include "daemon/store/sqlite.h"
#include "daemon/store/state.h"

int
run_load(struct sqlite *db, int64_t job, int64_t run, struct run_now *ret)
{
	sqlite3_stmt *st = sql(db, ST_RUN_STATE, RUN_NOW_TEXT);
	int r;

	bind_int(st, 1, job);
	bind_int(st, 2, run);
	r = sql_step(db, st);
	if (r != 1)
		return r < 0 ? r : -ENOENT;
	*ret = (struct run_now){
		.id = col_int(st, 0),
		.job = job,
		.run = run,
		.manual = col_int(st, 2) != 0,
		.due = { col_int(st, 3) },
		.attempt = col_int(st, 4),
		.retried = col_int(st, 5),
		.cancel_asked = col_int(st, 6) != 0,
		.retry_at = { col_int(st, 7) },
		.missed = col_int(st, 9),
		.previous = { col_int(st, 10) },
		.noticed = { col_int(st, 11) },
	};
	r = col_enum(st, 1, RUN_STATE_COUNT, &ret->state) &&
	    col_enum(st, 8, MARK_COUNT, &ret->mark) ? 0 : sql_damaged(db, "run", ret->id);
	(void)sqlite3_reset(st);	/* the number is unique */
	return r;
}

int
changed_one(struct sqlite *db, sqlite3_stmt *st)
{
	int r = sql_run(db, st);

	if (r == 0)
		MUST(sqlite3_changes(db->db) == 1);
	return r;
}

/* ---- claim ---- */

/* Of its schedule, by a claim; or asked for by hand, perhaps to make up for a due in the past. */
static int
run_insert(struct sqlite *db, struct job_now *j, enum run_state state, const struct op_claim *claim,
    const struct op_trigger *asked)
{
	const instant due = claim != NULL ? claim->due : instant_is_set(asked->due) ? asked->due : asked->now;

	sqlite3_stmt *st = sql(db, ST_RUN_INSERT,
	    "INSERT INTO run (job, run, state, attempt, manual, due, noticed, started, node,"
	    " lease, mark, missed, previous, mutex) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
	    " ?11, ?12, ?13, ?14)");
	int r;

	MUST(run_state_born(state));
	bind_int(st, 1, j->id);
	bind_int(st, 2, j->runs + 1);
	bind_int(st, 3, state);
	bind_int(st, 4, state == RUN_RUNNING);
	bind_int(st, 5, claim == NULL);
	bind_int(st, 6, due.usec);
	bind_some(st, 7, claim == NULL ? asked->now.usec : claim->noticed.usec);
	bind_some(st, 8, state == RUN_QUEUED ? 0 : claim->started.usec);
	bind_some(st, 9, state == RUN_QUEUED ? 0 : claim->node);
	bind_some(st, 10, state == RUN_QUEUED ? 0 : claim->lease.usec);
	bind_some(st, 11, claim == NULL ? 0 : claim->mark);
	bind_some(st, 12, claim == NULL ? 0 : claim->missed);
	bind_some(st, 13, claim == NULL ? 0 : j->previous.usec);
	bind_some(st, 14, claim != NULL && claim->mutex);
	r = sql_run(db, st);
	/* A second run of the same occurrence, or number: the job's row is not what it was. */
	if (r == -EEXIST)
		return sql_damaged(db, "job", j->id);
	if (r == 0)
		j->runs++;
	return r;
}

/*
 * A new run takes the place of what is active: the waiting run of the schedule ends (one replaces
 * the other, so there is one at most), the running ones are marked: the scheduler ends them.
 */
static int
claim_replaces(struct sqlite *db, struct op_claim *o, struct job_now *j)
{
	char by[96];
	sqlite3_stmt *st;
	int64_t id = 0;
	int r, was = RUN_QUEUED;

	(void)snprintf(by, sizeof(by), REPLACED_BY, j->id, j->runs + 1);
	st = sql(db, ST_RUNS_WAITING, "SELECT id, run, state FROM run INDEXED BY run_active"
	    " WHERE job = ?1 AND state IN (0, 2) AND state <= 2 AND manual = 0 ORDER BY run LIMIT 1");
	bind_int(st, 1, j->id);
	r = j->queued + j->retrying > 0 ? sql_step(db, st) : 0;
	if (r == 1) {
		id = col_int(st, 0);
		o->replaced = col_int(st, 1);
		o->replaced_was = was = (int)col_int(st, 2);
		(void)sqlite3_reset(st);	/* there should be no other */
		MUST(run_state_allows((enum run_state)was, RUN_CANCELED));
		st = sql(db, ST_RUN_RECALL, "UPDATE run SET state = ?2, ended = ?3,"
		    " canceled_by = ?4, retry_at = NULL WHERE id = ?1 AND state = ?5");
		bind_int(st, 1, id);
		bind_int(st, 2, RUN_CANCELED);
		bind_int(st, 3, o->noticed.usec);
		bind_text(st, 4, by);
		bind_int(st, 5, was);
		r = changed_one(db, st);
		--*job_active(j, was);
	}
	if (r < 0 || j->running == 0)
		return r;
	st = sql(db, ST_RUNS_MARK, "UPDATE run INDEXED BY run_active SET"
	    " canceled_by = coalesce(canceled_by, ?2) WHERE job = ?1 AND state = ?3 AND state <= 2");
	bind_int(st, 1, j->id);
	bind_text(st, 2, by);
	bind_int(st, 3, RUN_RUNNING);
	return sql_run(db, st);
}

/* A new run of an occurrence, and the next due. */
static int
claim_due(struct sqlite *db, struct op_claim *o, struct job_now *j)
{
	int r;

	if (job_held(j) || !instant_is_set(o->due) || j->due.usec != o->due.usec)
		return -ESTALE;
	MUST(!instant_is_set(o->next_due) || o->next_due.usec > o->due.usec);
	o->full = o->queue && o->queue_max > 0 && j->queued >= o->queue_max;
	if (o->full)
		return 0;
	r = o->replace ? claim_replaces(db, o, j) : 0;
	if (r == 0)
		r = run_insert(db, j, o->queue ? RUN_QUEUED : RUN_RUNNING, o, NULL);
	if (r < 0)
		return r;
	o->run = j->runs;
	o->born = true;
	o->attempt = 1;
	o->run_due = o->due;
	o->previous = j->previous;
	*(o->queue ? &j->queued : &j->running) += 1;
	j->due = o->next_due;
	j->previous = o->due;
	j->overlaps = 0;
	r = dependents_due(db, j, o->started, &o->dependents);
	if (r < 0)
		return r;
	job_settle(j, o->started);
	o->job_state = j->state;
	r = retrying_run(db, j, &o->retrying);
	if (r < 0)
		return r;
	/* What it replaces has ended by that. */
	return job_save_counted(db, j, true, o->replaced == 0 ? NULL :
	    &(struct told){ RUN_CANCELED, o->started, &o->dependents });
}

/*
 * A run that is queued, or waits for its next attempt: what its row said of the one before is kept
 * as an attempt.
 */
static int
claim_waiting(struct sqlite *db, struct op_claim *o, struct job_now *j)
{
	sqlite3_stmt *st;
	struct run_now run;
	int r;

	r = run_load(db, o->job, o->run, &run);
	if (r < 0)
		return r == -ENOENT ? -ESTALE : r;
	if (run.state == RUN_RETRYING && (job_held(j) || run.retry_at.usec > o->started.usec))
		return -ESTALE;
	if (run.state != RUN_RETRYING && run.state != RUN_QUEUED)
		return -ESTALE;
	if (*job_active(j, run.state) == 0)
		return sql_damaged(db, "job", j->id);
	MUST(run_state_allows((enum run_state)run.state, RUN_RUNNING));
	/* An occurrence that waited was noticed when it came due. */
	if (instant_is_set(run.noticed))
		o->noticed = run.noticed;
	st = sql(db, ST_RUN_START,
	    "UPDATE run SET state = ?2, attempt = attempt + 1, noticed = coalesce(noticed, ?3),"
	    " started = ?4, node = ?5, lease = ?6, mutex = coalesce(mutex, ?8), retry_at = NULL, " RUN_NO_FACTS
	    " WHERE id = ?1 AND state = ?7");
	bind_int(st, 1, run.id);
	bind_int(st, 2, RUN_RUNNING);
	bind_some(st, 3, o->noticed.usec);
	bind_some(st, 4, o->started.usec);
	bind_some(st, 5, o->node);
	bind_some(st, 6, o->lease.usec);
	bind_int(st, 7, run.state);
	bind_some(st, 8, o->mutex);
	r = changed_one(db, st);
	if (r < 0)
		return r;
	o->manual = run.manual;
	o->run_due = run.due;
	o->was = run.state;
	o->attempt = run.attempt + 1;
	o->retried = run.retried;
	--*job_active(j, run.state);
	o->mark = run.mark;
	o->missed = run.missed;
	o->previous = run.previous;
	j->running++;
	job_settle(j, o->started);
	r = retrying_run(db, j, &o->retrying);
	if (r == 0 && j->kind == KIND_HEARTBEAT)
		r = ping_load(db, run.id, &o->ping);
	return r < 0 ? r : job_save_counted(db, j, false, NULL);
}

int
sqlite_claim(void *arg, struct store_op *op)
{
	struct op_claim *o = container_of(op, struct op_claim, op);
	struct sqlite *db = arg;
	struct job_now j;
	int r;

	r = job_load(db, o->job, WANT_NAME | WANT_SPEC, &j);
	if (r == 0)
		r = o->run == 0 ? claim_due(db, o, &j) : claim_waiting(db, o, &j);
	if (r == 0 && notify_may_be_late(o, j.kind, j.spec_json, NULL))
		r = notify_late(db, &j, o);
	if (r == 0) {
		o->row = (struct job_row){
			.id = j.id,
			.uid = j.uid,
			.name = j.name,
			.kind = j.kind,
			.spec_json = j.spec_json,
			.every = j.every,
			.generation = j.generation,
			.took = j.took,
		};
		j.name = j.spec_json = NULL;
	}
	job_now_done(&j);
	return r == -ENOENT ? -ESTALE : r;
}

/* ---- finish ---- */

/* The end of an attempt: all that is known, over what the claim knew. */
static int
run_finish(struct sqlite *db, const struct op_finish *o, int64_t id)
{
	const struct run_info *run = o->run;
	sqlite3_stmt *st = sql(db, ST_RUN_FINISH,
	    "UPDATE run SET state = ?2, spawned = ?3, first_output = ?4, exited = ?5,"
	    " ended = ?6, exit_code = ?7, signal = ?8, oom = ?9, pid = ?10, http_status = ?11,"
	    " verdict = ?12, reason = ?13, canceled_by = coalesce(?14, canceled_by), cpu = ?15,"
	    " memory_peak = ?16, output_bytes = nullif(coalesce(?17, 0) +"
	    /* that of all attempts, but what is gone */
	    " CASE WHEN output_gone IS NULL THEN coalesce(output_bytes, 0) ELSE 0 END, 0),"
	    " output_gone = CASE WHEN ?17 > 0 THEN NULL ELSE output_gone END, phases = ?18,"
	    " attempt = max(attempt, ?20), retry_at = ?21, retried = retried + ?22, answer = ?23,"
	    " ended_by = ?24, leftovers = ?25"
	    " WHERE id = ?1 AND state = ?19");
	bool again = o->state == RUN_RETRYING;
	char *phases = run->phases == NULL ? NULL : text_write(phases_fields, run->phases);
	char *answer = run->redirects.n == 0 && run->body == NULL ? NULL :
	    text_write(run_answer_fields, run);
	int r;

	bind_int(st, 1, id);
	bind_int(st, 2, o->state);
	bind_some(st, 3, run->spawned.usec);
	bind_some(st, 4, run->first_output.usec);
	bind_some(st, 5, run->exited.usec);
	bind_some(st, 6, again ? 0 : run->ended.usec);
	/* 0 is a code like any other, -1 is none. */
	if (run->exit_code < 0)
		(void)sqlite3_bind_null(st, 7);
	else
		bind_int(st, 7, run->exit_code);
	bind_some(st, 8, run->signal);
	bind_some(st, 9, run->oom);
	bind_some(st, 10, run->pid);
	bind_some(st, 11, run->http_status);
	bind_some(st, 12, o->verdict);
	bind_text(st, 13, o->reason != NULL ? o->reason : run->reason);
	bind_text(st, 14, run->canceled_by);
	bind_some(st, 15, run->cpu);
	bind_some(st, 16, run->memory_peak);
	bind_some(st, 17, run->output_bytes);
	bind_text(st, 18, phases);
	bind_int(st, 19, o->from);
	bind_int(st, 20, run->attempt);
	bind_some(st, 21, !again ? 0 : o->held ? -o->again_at.usec : o->again_at.usec);
	bind_int(st, 22, again && o->again == AGAIN_RETRY);
	bind_text(st, 23, answer);
	bind_text(st, 24, run->ended_by);
	bind_some(st, 25, run->leftovers);
	r = changed_one(db, st);
	free(phases);
	free(answer);
	return r;
}

/* A run of the job is not in a state any more. */
static int
job_run_left(struct sqlite *db, struct job_now *j, int from)
{
	if (*job_active(j, from) == 0)
		return sql_damaged(db, "job", j->id);
	--*job_active(j, from);
	return 0;
}

/* What becomes of the run, and of the job's record of crashes.  settled: another attempt is of no use. */
static void
finish_decide(struct op_finish *o, const struct run_now *run, struct job_now *j, bool settled)
{
	if (o->run->state == RUN_LOST)
		j->crashes++;
	else if (o->run->state != RUN_CANCELED && !j->quarantined)
		j->crashes = 0;	/* in quarantine, until it is let go: they are why it is there */
	o->state = o->run->state;
	if (o->again == AGAIN_NO || run->cancel_asked || settled)
		return;
	if (o->again == AGAIN_RERUN && j->crashes >= CRASHES_MAX) {
		o->quarantined = !j->quarantined;
		j->quarantined = true;
		return;
	}
	o->state = RUN_RETRYING;
	o->held = job_held(j);
	j->retrying++;
}

/* What finish_decide() decided, beyond the run's row. */
static int
finish_job(struct sqlite *db, struct op_finish *o, const struct run_now *now,
    struct job_now *j)
{
	struct run_now attempt = *now;
	int r = job_run_left(db, j, o->from);

	if (attempt.attempt < o->run->attempt)
		attempt.attempt = o->run->attempt;
	if (r == 0 && o->state == RUN_RETRYING)
		r = attempt_keep(db, &attempt, o->run->state, o->run->ended);
	if (r == 0 && o->quarantined)
		r = span_hold(db, j->id, SPAN_QUARANTINED, true, o->run->ended, 0);
	if (r == 0 && o->quarantined && j->retrying > 0)
		r = retries_hold(db, j->id, true);
	if (o->state != RUN_RETRYING)
		j->took = run_took_average(j->took, o->run);
	j->output += o->run->output_bytes;
	/* Younger ones may have ended, and been looked at, before. */
	if (o->run->output_bytes > 0 && now->id < db->output_from)
		db->output_from = now->id;
	job_settle(j, o->run->ended);
	if (r == 0)
		r = retrying_run(db, j, &o->retrying);
	if (r == 0)
		r = job_save_counted(db, j, o->quarantined, o->state == RUN_RETRYING ? NULL :
		    &(struct told){ o->state, o->run->ended, &o->dependents });
	return r;
}

/* finish_decide(), and of a check its health. */
static int
finish_judge(struct sqlite *db, struct op_finish *o, const struct run_now *now, struct job_now *j)
{
	struct health_parent parent = { 0 };
	struct health h = { 0 };
	bool settled = false;
	int r = 0;

	o->verdict = o->run->verdict;
	if (o->check != NULL)
		r = health_load(db, j->id, &h, &parent);
	if (r == 0 && o->check != NULL)
		settled = health_judge(o, &h, &parent);
	if (r == 0)
		finish_decide(o, now, j, settled);
	if (r == 0 && o->check != NULL && o->state != RUN_RETRYING) {
		health_count(o, &h, &parent);
		r = health_save(db, j->id, &h);
	}
	free((char *)(uintptr_t)parent.name);
	return r;
}

/* Has a ping been acknowledged that says how it ends, of which its executor has not heard? */
static int
finish_look(struct sqlite *db, struct op_finish *o, int64_t id)
{
	int r = o->unpinged ? ping_load(db, id, &o->ping) : 0;

	if (o->ping != NULL && o->ping->what == PING_START) {
		ping_free(o->ping);
		o->ping = NULL;
	}
	return r;
}

int
sqlite_finish(void *arg, struct store_op *op)
{
	struct op_finish *o = container_of(op, struct op_finish, op);
	const struct run_info *run = o->run;
	struct sqlite *db = arg;
	struct run_now now;
	struct job_now j;
	int r;

	MUST(run_state_final(run->state) && instant_is_set(run->ended));
	MUST(o->again == AGAIN_NO || (instant_is_set(o->again_at) && run->state != RUN_CANCELED));
	r = job_load(db, run->job, 0, &j);
	if (r == 0)
		r = run_load(db, run->job, run->run, &now);
	if (r == -ENOENT || (r == 0 && now.state != o->from))
		r = -ESTALE;
	if (r == 0)
		r = finish_look(db, o, now.id);
	if (o->ping != NULL) {
		job_now_done(&j);
		return r;
	}
	if (r == 0)
		r = finish_judge(db, o, &now, &j);
	if (r == 0) {
		MUST(run_state_allows(o->from, o->state));
		r = run_finish(db, o, now.id);
	}
	if (r == 0 && o->state != RUN_RETRYING)
		r = notify_run(db, &j, o);
	/* It counts, so it is the last. */
	if (r == 0)
		r = finish_job(db, o, &now, &j);
	o->job_state = j.state;
	job_now_done(&j);
	return r;
}

/* ---- skip ---- */

/*
 * Is the job's latest skip of the same cause, with no run since?  1 and its first; 0; -errno.
 * Nothing else may lie within a range.  When the clock was set back, dues of elapsed time may come
 * before the latest skip's end, and runs between its first and last: so a range of elapsed time is
 * contiguous.
 */
static int
skip_joins(struct sqlite *db, const struct op_skip *o, usec_t every, int64_t *first)
{
	sqlite3_stmt *st;
	int r;

	st = sql(db, ST_SKIP_LAST,
	    "SELECT first, last, cause FROM skip WHERE job = ?1 ORDER BY first DESC LIMIT 1");
	bind_int(st, 1, o->job);
	r = sql_step(db, st);
	if (r != 1)
		return r;
	*first = col_int(st, 0);
	r = col_int(st, 2) == o->cause && (every > 0 ? col_int(st, 1) + every == o->first.usec :
	    col_int(st, 1) < o->first.usec);
	(void)sqlite3_reset(st);	/* one is asked for */
	if (r == 0)
		return 0;
	st = sql(db, ST_RUN_SINCE,
	    "SELECT 1 FROM run WHERE job = ?1 AND manual = 0 AND due >= ?2 LIMIT 1");
	bind_int(st, 1, o->job);
	bind_int(st, 2, *first);
	r = sql_step(db, st);
	(void)sqlite3_reset(st);	/* one is asked for */
	return r < 0 ? r : r == 0;
}

int
skip_write(struct sqlite *db, const struct op_skip *o, usec_t every)
{
	sqlite3_stmt *st;
	int64_t first;
	int r;

	r = skip_joins(db, o, every, &first);
	if (r < 0)
		return r;
	if (r == 1) {
		st = sql(db, ST_SKIP_JOIN,
		    "UPDATE skip SET last = ?3, count = count + ?4, run = coalesce(?6, run)"
		    " WHERE job = ?1 AND first = ?2");
	} else {
		st = sql(db, ST_SKIP_INSERT,
		    "INSERT INTO skip (job, first, last, count, cause, run) VALUES (?1, ?2, ?3,"
		    " ?4, ?5, ?6)");
		first = o->first.usec;
		bind_int(st, 5, o->cause);
	}
	bind_int(st, 1, o->job);
	bind_int(st, 2, first);
	bind_int(st, 3, o->last.usec);
	bind_int(st, 4, o->count);
	bind_some(st, 6, o->run);
	return changed_one(db, st);
}

int
sqlite_skip(void *arg, struct store_op *op)
{
	struct op_skip *o = container_of(op, struct op_skip, op);
	struct sqlite *db = arg;
	struct job_now j;
	int r;

	MUST(o->count > 0 && o->first.usec <= o->last.usec && o->cause >= 0 &&
	    o->cause < SKIP_COUNT);
	MUST(!instant_is_set(o->next_due) || o->next_due.usec > o->last.usec);
	r = job_load(db, o->job, WANT_NAME, &j);
	if (r == 0 && job_held(&j) && o->cause != SKIP_PAUSED && o->cause != SKIP_QUARANTINED &&
	    o->cause != SKIP_ASKED)
		r = -ESTALE;
	if (r == -ENOENT || (r == 0 && (!instant_is_set(j.due) || j.due.usec != o->first.usec)))
		r = -ESTALE;
	if (r == 0)
		r = skip_write(db, o, j.every);
	if (r == -EEXIST)
		r = sql_damaged(db, "job", o->job);
	if (r == 0) {
		j.due = o->next_due;
		j.skips += o->count;
		if (o->cause == SKIP_OVERLAP)
			j.overlaps += o->count;
		r = dependents_due(db, &j, o->last, &o->dependents);
	}
	if (r == 0) {
		job_settle(&j, o->last);
		r = job_save(db, &j, true);
	}
	if (r == 0)
		r = dependents_tell(db, &j, -1, o->last, &o->dependents);
	if (r == 0)
		r = notify_skip(db, &j, o, &o->notices);
	if (r == 0) {
		o->name = j.name;
		j.name = NULL;
	}
	job_now_done(&j);
	return r;
}

/* ---- by hand ---- */

int
sqlite_trigger(void *arg, struct store_op *op)
{
	struct op_trigger *o = container_of(op, struct op_trigger, op);
	struct sqlite *db = arg;
	struct job_now j;
	int r;

	r = job_load(db, o->job, WANT_NAME | WANT_TERMS, &j);
	if (r == 0)
		r = job_allows(&j, o->uid);
	if (r == 0)
		r = run_insert(db, &j, RUN_QUEUED, NULL, o);
	if (r == 0) {
		j.queued++;
		job_settle(&j, o->now);
		r = job_save_counted(db, &j, false, &(struct told){ -1, o->now, &o->dependents });
	}
	if (r == 0) {
		o->run = j.runs;
		o->kind = j.kind;
		o->name = j.name;
		j.name = NULL;
		o->owner = j.uid;
		o->terms = j.terms;
		j.terms = (struct queue_terms){ 0 };
	}
	job_now_done(&j);
	return r;
}

/* A run that has not started, or waits for its next attempt, ends here. */
static int
cancel_waiting(struct sqlite *db, struct op_cancel *o, const struct run_now *run,
    struct job_now *j)
{
	sqlite3_stmt *st = sql(db, ST_RUN_CANCEL,
	    "UPDATE run SET state = ?2, ended = ?3, canceled_by = ?4, retry_at = NULL,"
	    " exit_code = NULL, signal = NULL, oom = NULL, http_status = NULL, verdict = NULL,"
	    " phases = NULL, reason = ?6 WHERE id = ?1 AND state = ?5");
	int r;

	MUST(run_state_allows(run->state, RUN_CANCELED));
	bind_int(st, 1, run->id);
	bind_int(st, 2, RUN_CANCELED);
	bind_int(st, 3, o->now.usec);
	bind_text(st, 4, o->by);
	bind_int(st, 5, run->state);
	bind_text(st, 6, run->state == RUN_RETRYING ? "canceled before its next attempt" : NULL);
	r = changed_one(db, st);
	if (r == 0)
		r = job_run_left(db, j, run->state);
	job_settle(j, o->now);
	return r < 0 ? r : job_save_counted(db, j, false,
	    &(struct told){ RUN_CANCELED, o->now, &o->dependents });
}

/*
 * One that runs is ended by the scheduler; here it is written down who asked first, for
 * recovery.
 */
static int
cancel_running(struct sqlite *db, const struct op_cancel *o, const struct run_now *run)
{
	sqlite3_stmt *st = sql(db, ST_RUN_MARK,
	    "UPDATE run SET canceled_by = coalesce(canceled_by, ?2) WHERE id = ?1 AND state = ?3");

	bind_int(st, 1, run->id);
	bind_text(st, 2, o->by);
	bind_int(st, 3, run->state);
	return changed_one(db, st);
}

int
sqlite_cancel(void *arg, struct store_op *op)
{
	struct op_cancel *o = container_of(op, struct op_cancel, op);
	struct sqlite *db = arg;
	struct run_now run;
	struct job_now j;
	int r;

	r = job_load(db, o->job, WANT_NAME, &j);
	if (r == 0)
		r = job_allows(&j, o->uid);
	if (r == 0)
		r = run_load(db, o->job, o->run, &run);
	if (r < 0)
		goto out;
	o->was = run.state;
	if (run_state_final(run.state))
		r = -EALREADY;
	else if (run.state == RUN_RUNNING)
		r = cancel_running(db, o, &run);
	else
		r = cancel_waiting(db, o, &run, &j);
	if (r == 0)
		r = retrying_run(db, &j, &o->retrying);
	o->job_state = j.state;
	o->kind = j.kind;
	o->name = j.name;	/* a refused one's is dropped with it */
	j.name = NULL;
out:
	job_now_done(&j);
	return r;
}
