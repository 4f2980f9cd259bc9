/*
 * The store in memory against SQLite: the same ops, drawn from a seed, on both; every result and all that
 * is out must be the same, refusals too.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/base/rand.h"
#include "daemon/store/memory.h"
#include "proto/buf.h"
#include "proto/mem.h"
#include "tests/harness/storehouse.h"

#define SEEDS	40
#define OPS	400
#define JOBS	12	/* ids that are drawn: some are never there, some are gone */
#define NOW	((int64_t)1000000)

union any {
	struct store_op		op;
	struct op_add		add;
	struct op_claim		claim;
	struct op_finish	finish;
	struct op_skip		skip;
	struct op_life		life;
	struct op_shift		shift;
	struct op_redue		redue;
	struct op_span		span;
	struct op_trigger	trigger;
	struct op_ping		ping;
	struct op_retry		retry;
	struct op_cancel	cancel;
	struct op_pause		pause;
	struct op_remove	remove;
	struct op_edit		edit;
	struct op_due		due;
	struct op_active	active;
	struct op_scheduled	scheduled;
	struct op_get		get;
	struct op_counts	counts;
	struct op_spread	spread;
	struct op_queue_set	queue_set;
	struct op_queue_remove	queue_remove;
	struct op_queues	queues;
	struct op_notices	notices;
	struct op_notice_settle	settle;
	struct op_notice_test	test;
	struct op_targets	targets;
	struct op_late		late;
};

/* What an op points to: drawn once, for both stores. */
struct drawn {
	struct job_spec	specs[3];
	char		afters[3][3][16], *after_items[3][3];
	struct timer_spec timer;
	struct http_spec check, https[3];
	struct job_spec checked;
	char		on[3][16];
	char		names[3][16], keys[3][16];
	struct job_new	jobs[2][3];	/* each store's own outs */
	struct run_info	run;
	char		*rules[3];
	int64_t		notices[2];
};

struct pair {
	struct storehouse	 disk, ram;
	struct memory		*memory;
	struct rand		 rand;
	int64_t			 now;
	int64_t			 boots;
	int64_t			 gone;		/* jobs and runs, by retention */
	struct buf		 told;		/* by the listener, since the last op */
};

static int64_t
below(struct pair *p, int64_t n)
{
	return (int64_t)rand_below(&p->rand, (uint64_t)n);
}

static bool
chance(struct pair *p, int64_t percent)
{
	return below(p, 100) < percent;
}

/* ---- all that is out, as text ---- */

static void
print_row(struct buf *b, const struct due_row *r)
{
	buf_printf(b, " [%" PRId64 " %" PRId64 " %" PRId64 " %d %d %s %" PRId64 " retrying=%d]", r->id,
	    r->due.usec, r->every, r->misfire, r->kind, r->schedule != NULL ? r->schedule : "-",
	    r->decided.usec, r->retrying != 0);
}

static void
print_terms(struct buf *b, int64_t uid, const struct queue_terms *t)
{
	buf_printf(b, " (uid=%" PRId64 " queue=%s mutex=%s priority=%" PRId64 " slots=%" PRId64
	    " overlap=%d limit=%" PRId64 ")", uid, t->queue != NULL ? t->queue : "-",
	    t->mutex != NULL ? t->mutex : "-", t->priority, t->slots, t->overlap,
	    t->overlap_limit);
}

static void
print_queue(struct buf *b, const struct queue_row *q)
{
	buf_printf(b, " <%s slots=%" PRId64 " paused=%" PRId64 " by=%s rate=%" PRId64 "/%" PRId64 ">",
	    q->name, q->slots, q->paused.usec, q->paused_by != NULL ? q->paused_by : "-", q->rate,
	    q->rate_usec);
}

static void
print_ping(struct buf *b, const struct ping *p)
{
	if (p != NULL)
		buf_printf(b, " ping=%d at=%" PRId64 " began=%" PRId64 " by=%s reason=%s", p->what, p->at.usec,
		    p->began.usec, p->by != NULL ? p->by : "-", p->reason != NULL ? p->reason : "-");
}

static void
print_run(struct buf *b, const struct run_info *r)
{
	buf_printf(b, " {%" PRId64 ".%" PRId64 " state=%d attempt=%" PRId64 " manual=%d due=%" PRId64
	    " noticed=%" PRId64 " started=%" PRId64 " mark=%d missed=%" PRId64 " previous=%" PRId64
	    " ended=%" PRId64 " retry=%" PRId64 " code=%" PRId64 " verdict=%d reason=%s by=%s name=%s}", r->job, r->run, r->state,
	    r->attempt, r->manual, r->due.usec, r->noticed.usec, r->started.usec, r->mark, r->missed,
	    r->previous.usec, r->ended.usec, r->retry_at.usec, r->exit_code, r->verdict, r->reason != NULL ? r->reason : "-",
	    r->canceled_by != NULL ? r->canceled_by : "-", r->name != NULL ? r->name : "-");
	print_ping(b, r->ping);
}

static void
print_dependents(struct buf *b, const struct dependents *d)
{
	for (size_t i = 0; i < d->n; i++) {
		buf_printf(b, " <%s %d->%d paused=%d", d->items[i].name != NULL ? d->items[i].name : "-",
		    d->items[i].was, d->items[i].job_state, d->items[i].paused);
		print_row(b, &d->items[i].row);
	}
}

static const struct dependents *
dependents_of(const union any *a)
{
	switch (a->op.kind) {
	case OP_CLAIM:
		return &a->claim.dependents;
	case OP_FINISH:
		return &a->finish.dependents;
	case OP_SKIP:
		return &a->skip.dependents;
	case OP_REDUE:
		return &a->redue.dependents;
	case OP_TRIGGER:
		return &a->trigger.dependents;
	case OP_PING:
		return a->ping.made ? &a->ping.trigger.dependents : &a->ping.claim.dependents;
	case OP_CANCEL:
		return &a->cancel.dependents;
	case OP_EDIT:
		return &a->edit.dependents;
	case OP_REMOVE:
		return &a->remove.dependents;
	case OP_ADD:
		return &a->add.dependents;
	default:
		return NULL;
	}
}

static void
print_claim(struct buf *b, const struct op_claim *o)
{
	buf_printf(b, " run=%" PRId64 " manual=%d run_due=%" PRId64 " born=%d full=%d replaced=%" PRId64,
	    o->run, o->manual, o->run_due.usec, o->born, o->full, o->replaced);
	if (o->op.result == 0 && !o->full)
		buf_printf(b, " mark=%d missed=%" PRId64 " noticed=%" PRId64, o->mark, o->missed,
		    o->noticed.usec);
	if (o->op.result == 0 && o->born)
		buf_printf(b, " job_state=%d notices=%" PRId64, o->job_state, o->notices);
	print_ping(b, o->ping);
	if (o->op.result == 0)
		buf_printf(b, " attempt=%" PRId64 " retried=%" PRId64 " was=%d retrying=%d previous=%"
		    PRId64 " id=%" PRId64 " uid=%" PRId64 " name=%s kind=%d"
		    " spec=%s every=%" PRId64 " generation=%" PRId64 " took=%" PRId64, o->attempt,
		    o->retried, o->was, o->retrying != 0, o->previous.usec, o->row.id, o->row.uid,
		    o->row.name != NULL ? o->row.name : "-", o->row.kind, o->row.spec_json,
		    o->row.every, o->row.generation, o->row.took);
}

static void
print_active(struct buf *b, const struct active_row *r)
{
	buf_printf(b, " {%" PRId64 ".%" PRId64 " state=%d kind=%d uid=%" PRId64 " attempt=%" PRId64
	    " due=%" PRId64 " %" PRId64 " %" PRId64 " mark=%d missed=%" PRId64 " previous=%" PRId64
	    " retry=%" PRId64 " retried=%" PRId64 " manual=%d cancel=%d by=%s name=%s spec=%s}",
	    r->job, r->run, r->state, r->kind, r->uid,
	    r->attempt, r->due.usec, r->noticed.usec, r->started.usec, r->mark, r->missed,
	    r->previous.usec, r->retry_at.usec, r->retried, r->manual, r->cancel_asked, r->canceled_by != NULL ? r->canceled_by : "-",
	    r->name != NULL ? r->name : "-", r->spec_json != NULL ? r->spec_json : "-");
	print_ping(b, r->ping);
	print_terms(b, r->uid, &r->terms);
}

static void
print_get(struct buf *b, const struct op_get *o)
{
	const struct job_info *j = &o->job;

	buf_printf(b, " job %" PRId64 " %s kind=%d state=%d uid=%" PRId64 " generation=%" PRId64
	    " created=%" PRId64 " due=%" PRId64 " every=%" PRId64 " runs=%" PRId64 " skips=%" PRId64
	    " paused=%d overlaps=%" PRId64 " crashes=%" PRId64,
	    j->id, j->name != NULL ? j->name : "-", j->kind, j->state, j->uid, j->generation,
	    j->created.usec, j->due.usec, j->every, j->runs, j->skips, j->paused,
	    j->overlaps, j->crashes);
	buf_printf(b, " queue=%s priority=%" PRId64 " mutex=%s", j->queue != NULL ? j->queue : "-",
	    j->priority, j->mutex != NULL ? j->mutex : "-");
	buf_printf(b, " health=%d since=%" PRId64 " failed=%" PRId64 " passed=%" PRId64 " on=%" PRId64,
	    j->health, j->health_since.usec, j->checks_failed, j->checks_passed, j->depends_on);
	buf_printf(b, " parents=%" PRId64 " dependents=%" PRId64, j->parents, j->dependents);
	for (size_t i = 0; i < o->parents_n; i++) {
		const struct dependency_info *d = &o->parents[i];

		buf_printf(b, " %" PRId64 "/%s:%d=%d/%d/%d", d->job, d->name != NULL ? d->name : "-",
		    d->condition, d->state, d->job_state, d->outcome);
	}
	for (size_t i = 0; i < o->runs_n; i++)
		print_run(b, &o->runs[i]);
}

static void
print_retry(struct buf *b, const struct op_retry *o)
{
	buf_printf(b, " was=%d", o->was);
	if (o->op.result < 0)
		return;
	buf_printf(b, " run=%" PRId64 " released=%d paused=%d name=%s kind=%d job_state=%d", o->run,
	    o->released, o->paused, o->name != NULL ? o->name : "-", o->kind, o->job_state);
	print_row(b, &o->row);
}

static void
print_edit(struct buf *b, const struct op_edit *o)
{
	buf_printf(b, " generation=%" PRId64 " failed=%zu", o->now_generation,
	    o->op.result == -ENXIO || o->op.result == -ELOOP || o->op.result == -ENOTUNIQ ?
	    o->failed_after : 0);
	if (o->op.result < 0)
		return;
	buf_printf(b, " name=%s state=%d held=%d let_go=%d new_queue=%d", o->name != NULL ? o->name : "-",
	    o->job_state, o->held, o->let_go, o->new_queue);
	print_row(b, &o->row);
	print_terms(b, o->row.uid, &o->row.terms);
}

static void
print_pinged(struct buf *b, const struct op_ping *o)
{
	buf_printf(b, " run=%" PRId64 " taken=%d made=%d moved=%d began=%" PRId64, o->run, o->taken, o->made,
	    o->moved, o->ping.began.usec);
	if (o->taken)
		print_claim(b, &o->claim);
	if (o->made)
		print_terms(b, o->trigger.owner, &o->trigger.terms);
}

static void
print_by_hand(struct buf *b, const union any *a)
{
	if (a->op.kind == OP_PING && a->op.result == 0)
		print_pinged(b, &a->ping);
	if (a->op.kind == OP_TRIGGER)
		buf_printf(b, " run=%" PRId64 " name=%s kind=%d", a->trigger.run,
		    a->trigger.name != NULL ? a->trigger.name : "-", a->trigger.kind);
	else if (a->op.kind == OP_CANCEL && a->op.result == 0)
		buf_printf(b, " was=%d name=%s kind=%d job_state=%d retrying=%d", a->cancel.was,
		    a->cancel.name != NULL ? a->cancel.name : "-", a->cancel.kind, a->cancel.job_state,
		    a->cancel.retrying != 0);
	else if (a->op.kind == OP_RETRY)
		print_retry(b, &a->retry);
	else if (a->op.kind == OP_EDIT)
		print_edit(b, &a->edit);
	else if (a->op.kind == OP_REMOVE && a->op.result == 0)
		buf_printf(b, " runs=%" PRId64 " waited=%" PRId64 " name=%s", a->remove.runs,
		    a->remove.waited, a->remove.name != NULL ? a->remove.name : "-");
	if (a->op.kind == OP_TRIGGER && a->op.result == 0)
		print_terms(b, a->trigger.owner, &a->trigger.terms);
	if (a->op.kind == OP_QUEUE_SET && a->op.result == 0)
		print_queue(b, &a->queue_set.row);
	if (a->op.kind != OP_PAUSE || a->op.result < 0)
		return;
	buf_printf(b, " changed=%d released=%d state=%d name=%s", a->pause.changed,
	    a->pause.released, a->pause.job_state, a->pause.name != NULL ? a->pause.name : "-");
	print_row(b, &a->pause.row);
	print_terms(b, a->pause.row.uid, &a->pause.row.terms);
}

static void
print_read(struct buf *b, const union any *a)
{
	if (a->op.kind == OP_DUE) {
		buf_printf(b, " more=%d last=%" PRId64, a->due.more, a->due.more ? a->due.last_id : 0);
		for (size_t i = 0; i < a->due.n; i++) {
			print_row(b, &a->due.rows[i]);
			print_terms(b, a->due.rows[i].uid, &a->due.rows[i].terms);
		}
	} else if (a->op.kind == OP_SCHEDULED) {
		buf_printf(b, " more=%d next=%" PRId64, a->scheduled.more, a->scheduled.next);
		for (size_t i = 0; i < a->scheduled.n; i++)
			print_row(b, &a->scheduled.rows[i]);
	} else if (a->op.kind == OP_ACTIVE) {
		buf_printf(b, " more=%d", a->active.more);
		for (size_t i = 0; i < a->active.n; i++)
			print_active(b, &a->active.rows[i]);
	} else if (a->op.kind == OP_GET && a->op.result == 0) {
		print_get(b, &a->get);
	} else if (a->op.kind == OP_COUNTS) {
		buf_printf(b, " %" PRId64 " %" PRId64 " %" PRId64, a->counts.queued,
		    a->counts.running, a->counts.retrying);
	} else if (a->op.kind == OP_QUEUES) {
		for (size_t i = 0; i < a->queues.n; i++)
			print_queue(b, &a->queues.rows[i]);
	}
}

static void
print_notices(struct buf *b, const union any *a)
{
	if (a->op.kind == OP_NOTICE_TEST) {
		buf_printf(b, " id=%" PRId64, a->test.id);
	} else if (a->op.kind == OP_LATE || a->op.kind == OP_LATE_TELL) {
		buf_printf(b, " after=%" PRId64 " next=%" PRId64 " jobs=%" PRId64 " found=%d notices=%" PRId64,
		    a->late.after, a->late.next.usec, a->late.jobs, a->late.found, a->late.notices);
	} else if (a->op.kind == OP_TARGETS) {
		for (size_t i = 0; i < a->targets.n; i++)
			buf_printf(b, " %s: %" PRId64 " %" PRId64, a->targets.rows[i].name,
			    a->targets.rows[i].pending, a->targets.rows[i].failed);
	} else if (a->op.kind == OP_NOTICES) {
		buf_printf(b, " more=%d next=%" PRId64, a->notices.more, a->notices.next.usec);
		for (size_t i = 0; i < a->notices.n; i++) {
			const struct notice_row *r = &a->notices.rows[i];

			buf_printf(b, " (%" PRId64 " %s %s at=%" PRId64 " due=%" PRId64 " attempts=%" PRId64
			    " tried=%" PRId64 " %s folded=%" PRId64 ")", r->id, r->target, r->notice,
			    r->at.usec, r->due.usec, r->attempts, r->tried.usec,
			    r->error != NULL ? r->error : "-", r->folded);
		}
	}
}

static void
print(struct buf *b, const union any *a)
{
	buf_printf(b, "op %u: %d", a->op.kind, a->op.result);
	if (a->op.kind == OP_ADD) {
		for (size_t i = 0; i < a->add.n; i++)
			buf_printf(b, " %" PRId64 " %d %d %d", a->add.jobs[i].id,
			    a->add.jobs[i].existed, a->add.jobs[i].new_queue,
			    a->op.result == 0 && !a->add.jobs[i].existed ?
			    a->add.jobs[i].job_state : -1);
		if (a->op.result < 0)
			buf_printf(b, " failed=%zu %zu", a->add.failed, a->op.result == -EEXIST ||
			    a->op.result == -ECHILD || a->op.result == -EPROTOTYPE ||
			    a->op.result == -EDQUOT ? 0 : a->add.failed_after);
	} else if (a->op.kind == OP_CLAIM) {
		print_claim(b, &a->claim);
	} else if (a->op.kind == OP_FINISH && a->op.result == 0) {
		buf_printf(b, " state=%d job_state=%d held=%d quarantined=%d retrying=%d notices=%" PRId64,
		    a->finish.state, a->finish.job_state, a->finish.held, a->finish.quarantined,
		    a->finish.retrying != 0, a->finish.notices);
		buf_printf(b, " verdict=%d reason=%s health=%d was=%d", a->finish.verdict,
		    a->finish.reason != NULL ? a->finish.reason : "-", a->finish.health,
		    a->finish.health_was);
		print_ping(b, a->finish.ping);
	} else if (a->op.kind == OP_SKIP) {
		buf_printf(b, " name=%s notices=%" PRId64, a->skip.name != NULL ? a->skip.name : "-",
		    a->skip.notices);
	} else if (a->op.kind == OP_LIFE) {
		buf_printf(b, " booted=%" PRId64 " known=%" PRId64 " epoch=%" PRId64 " step=%" PRId64,
		    a->life.booted, a->life.known, a->life.epoch, a->life.step);
	} else if (a->op.kind == OP_SHIFT) {
		buf_printf(b, " more=%d", a->shift.more);
	}
	print_by_hand(b, a);
	print_read(b, a);
	print_notices(b, a);
	if (dependents_of(a) != NULL && a->op.result == 0)
		print_dependents(b, dependents_of(a));
}

/* ---- drawing ---- */

/* Is it the name of this job, or of one before it in the Add?  There are no circles. */
static bool
names_earlier(const struct drawn *d, size_t i, const char *after)
{
	for (size_t k = 0; k <= i; k++) {
		if (strncmp(after, d->names[k], strlen(d->names[k])) == 0)
			return true;
	}
	return false;
}

/* For whom it waits: names of this Add or of before, ids that are there or not. */
static void
draw_after(struct pair *p, struct drawn *d, size_t i, struct job_spec *s)
{
	static const char *const words[] = { "", ":ok", ":fail", ":any" };

	s->after.n = (size_t)(1 + below(p, 3));
	s->after.items = d->after_items[i];
	for (size_t k = 0; k < s->after.n; k++) {
		do {
			(void)snprintf(d->afters[i][k], sizeof(d->afters[i][k]), "%s%d%s",
			    chance(p, 80) ? "n" : "",
			    1 + (int)below(p, chance(p, 80) ? 6 : JOBS), words[below(p, 4)]);
		} while (names_earlier(d, i, d->afters[i][k]));
		d->after_items[i][k] = d->afters[i][k];
	}
	s->on_boot = false;
	s->every = 0;
	s->in = chance(p, 30) ? 7 : 0;
}

/* It is a check, and may depend on what is there or not, or is none. */
static void
draw_check(struct pair *p, struct drawn *d, size_t i, struct job_spec *s)
{
	s->timer = NULL;
	s->http = &d->https[i];
	*s->http = (struct http_spec){ .quick_retries = -1 };
	(void)snprintf(d->on[i], sizeof(d->on[i]), "%s%d", chance(p, 60) ? "n" : "",
	    1 + (int)below(p, 8));
	if (chance(p, 50))
		s->http->depends_on = d->on[i];
}

/* A queue's name, or none. */
static const char *
draw_queue(struct pair *p)
{
	static const char *const names[] = { NULL, NULL, "default", "schedule", "a", "b", "c" };

	return names[below(p, 7)];
}

static void
draw_queues(struct pair *p, union any *a)
{
	const char *name = draw_queue(p);
	int64_t what = below(p, 10);

	a->queues = (struct op_queues){ .op.kind = OP_QUEUES };
	if (name == NULL || what < 2)
		return;
	if (what < 5)
		a->queue_remove = (struct op_queue_remove){ .op.kind = OP_QUEUE_REMOVE, .name = name };
	else
		a->queue_set = (struct op_queue_set){ .op.kind = OP_QUEUE_SET, .name = name,
		    .create = chance(p, 40), .slots = below(p, 5) - 1, .paused = below(p, 3) - 1,
		    .rate = below(p, 4) - 1, .rate_usec = USEC_SEC, .by = "uid 7",
		    .now = { p->now } };
}

static void
draw_add(struct pair *p, union any *a, struct drawn *d)
{
	a->add = (struct op_add){ .op.kind = OP_ADD, .n = (size_t)below(p, 4), .uid = below(p, 2),
	    .now = { p->now }, .dry = chance(p, 10), .jobs_max_uid = chance(p, 20) ? 3 : 0, .epoch = below(p, 3) };
	a->add.jobs = d->jobs[0];
	d->rules[0] = (char *)(uintptr_t)"any:a";
	d->rules[1] = (char *)(uintptr_t)"recover,lost:b";
	d->rules[2] = (char *)(uintptr_t)"fail,skipped:a";
	d->timer.duration = USEC_SEC;
	for (size_t i = 0; i < a->add.n; i++) {
		struct job_spec *s = &d->specs[i];

		*s = (struct job_spec){ .timer = &d->timer, .paused = chance(p, 20),
		    .on_boot = chance(p, 15), .misfire = (int)below(p, MISFIRE_COUNT),
		    .every = chance(p, 50) ? USEC_SEC : 0,
		    .keep_runs = chance(p, 20) ? below(p, 4) - 1 : 0 };
		(void)snprintf(d->names[i], sizeof(d->names[i]), "n%d", (int)below(p, 8));
		(void)snprintf(d->keys[i], sizeof(d->keys[i]), "k%d", (int)below(p, 6));
		s->queue = (char *)(uintptr_t)draw_queue(p);
		s->mutex = (char *)(uintptr_t)(chance(p, 20) ? "m" : NULL);
		s->priority = below(p, 5) - 2;
		s->slots = below(p, 3);
		s->overlap = (int)below(p, OVERLAP_COUNT);
		s->overlap_limit = below(p, 3);
		s->name = chance(p, 70) ? d->names[i] : NULL;
		s->key = chance(p, 30) ? d->keys[i] : NULL;
		if (chance(p, 40))
			draw_after(p, d, i, s);
		if (chance(p, 40))
			draw_check(p, d, i, s);
		else if (chance(p, 40)) {
			s->timer = NULL;
			s->heartbeat = true;
		}
		if (chance(p, 60))
			s->notify = (struct strings){ d->rules, 1 + (size_t)below(p, 3) };
		s->late_after = chance(p, 30) ? 3 : 0;
		d->jobs[0][i] = (struct job_new){ .spec = s, .spec_json = s->late_after > 0 ? "{\"lateAfterUSec\":3}" : "{}", .summary = "",
		    .schedule = chance(p, 30) ? "{\"cron\":\"@daily\"}" : NULL,
		    .due = { s->on_boot || s->after.n > 0 ? 0 : p->now + below(p, 20) } };
	}
}

/* A due that the job has, or had, or never had. */
static instant
draw_due(struct pair *p, int64_t job)
{
	instant due = memory_due(p->memory, job);

	return chance(p, 80) ? due : (instant){ due.usec + 1 };
}

static void
draw_scheduler(struct pair *p, union any *a, struct drawn *d, int64_t job)
{
	static const int ends[] = { RUN_SUCCEEDED, RUN_FAILED, RUN_CANCELED, RUN_LOST, RUN_LOST };
	instant due = draw_due(p, job);
	int64_t run = chance(p, 40) ? 1 + below(p, 4) : 0;

	if (chance(p, 40)) {
		a->claim = (struct op_claim){ .op.kind = OP_CLAIM, .job = job, .run = run, .due = due,
		    .next_due = { chance(p, 70) ? due.usec + 1 + below(p, 9) : 0 },
		    .mark = (int)below(p, MARK_COUNT), .missed = below(p, 3),
		    .noticed = { p->now }, .started = { p->now + 1 }, .node = 1 };
		a->claim.queue = run == 0 && chance(p, 40);
		a->claim.queue_max = a->claim.queue ? below(p, 3) : 0;
		a->claim.replace = a->claim.queue && a->claim.queue_max == 0;
	} else if (chance(p, 60)) {
		d->run = RUN_INFO_NONE;
		d->run.job = job;
		d->run.run = 1 + below(p, 5);
		d->run.state = ends[below(p, 5)];
		d->run.ended = (instant){ p->now };
		d->run.exit_code = below(p, 3) - 1;
		d->run.attempt = below(p, 3);
		d->run.reason = chance(p, 40) ? (char *)(uintptr_t)"so" : NULL;
		a->finish = (struct op_finish){ .op.kind = OP_FINISH, .run = &d->run,
		    .from = RUN_RUNNING, .again_at = { p->now + below(p, 6) }, .unpinged = chance(p, 50) };
		d->check.fail_after = below(p, 4);
		d->check.ok_after = below(p, 4);
		if (chance(p, 80)) {
			d->run.verdict = (int)below(p, VERDICT_COUNT);
			d->checked = (struct job_spec){ .http = &d->check };
			a->finish.check = &d->checked;
			a->finish.first = chance(p, 50);
		}
		if (d->run.state == RUN_LOST)
			a->finish.again = (int)below(p, 3);
		else if (d->run.state == RUN_FAILED)
			a->finish.again = chance(p, 70) ? AGAIN_RETRY : AGAIN_NO;
	} else {
		a->skip = (struct op_skip){ .op.kind = OP_SKIP, .job = job, .first = due,
		    .last = { due.usec + 2 }, .count = 1 + below(p, 3),
		    .cause = (int)below(p, SKIP_COUNT),
		    .next_due = { chance(p, 80) ? due.usec + 3 : 0 } };
	}
}

/* Another spec for a job that is there or not, of the kind that it has. */
static void
draw_edit(struct pair *p, union any *a, struct drawn *d, int64_t job, int64_t uid)
{
	struct job_spec *s = &d->specs[0];
	int kind = memory_kind(p->memory, job);
	bool again = chance(p, 50);

	draw_add(p, a, d);
	if (a->add.n == 0) {
		a->counts = (struct op_counts){ .op.kind = OP_COUNTS };
		return;
	}
	if (kind == KIND_HTTP && s->http == NULL)
		draw_check(p, d, 0, s);
	if (kind == KIND_TIMER || kind == KIND_HEARTBEAT) {
		s->timer = kind == KIND_TIMER ? &d->timer : NULL;
		s->http = NULL;
	}
	s->heartbeat = kind == KIND_HEARTBEAT;
	if (kind == KIND_HTTP)
		s->timer = NULL;
	a->edit = (struct op_edit){ .op.kind = OP_EDIT, .job = job, .uid = uid, .spec = s,
	    .spec_json = d->jobs[0][0].spec_json, .summary = "b", .schedule = d->jobs[0][0].schedule,
	    .rescheduled = again, .due = d->jobs[0][0].due, .parents = again && chance(p, 80),
	    .depends = chance(p, 60), .counted = chance(p, 30) ? draw_due(p, job) : (instant){ 0 },
	    .generation = chance(p, 30) ? 1 + below(p, 4) : 0, .hold = (int)below(p, 3) - 1, .by = 7,
	    .epoch = below(p, 3), .now = { p->now } };
	/* What waits for others is due by them alone. */
	if (!a->edit.parents)
		s->after.n = 0;
}

static void
draw_by_hand(struct pair *p, union any *a, struct drawn *d, int64_t job)
{
	int64_t uid = below(p, 3) - 1, what = below(p, 19);
	instant now = { p->now }, due = draw_due(p, job);

	if (what >= 12)
		a->ping = (struct op_ping){ .op.kind = OP_PING, .job = job, .uid = uid,
		    .ping = { .what = (int)below(p, PING_WHAT_COUNT), .at = now,
		    .by = (char *)(uintptr_t)"uid 7",
		    .reason = (char *)(uintptr_t)(chance(p, 30) ? "so" : NULL) },
		    .take = chance(p, 60), .move = chance(p, 60), .claim = { .due = due,
		    .next_due = { chance(p, 80) ? due.usec + 1 + below(p, 9) : 0 }, .noticed = now,
		    .started = now } };
	else if (what < 4)
		a->trigger = (struct op_trigger){ .op.kind = OP_TRIGGER, .job = job, .now = now,
		    .uid = uid, .due = { chance(p, 20) ? p->now - 5 : 0 } };
	else if (what < 6)
		a->cancel = (struct op_cancel){ .op.kind = OP_CANCEL, .job = job,
		    .run = below(p, 6), .now = now, .uid = uid, .by = "uid 7" };
	else if (what < 9)
		a->pause = (struct op_pause){ .op.kind = OP_PAUSE, .job = job,
		    .paused = chance(p, 50), .uid = uid, .now = now };
	else if (what < 10)
		a->remove = (struct op_remove){ .op.kind = OP_REMOVE, .job = job, .uid = uid,
		    .now = now };
	else if (what < 11)
		draw_edit(p, a, d, job, uid);
	else
		a->retry = (struct op_retry){ .op.kind = OP_RETRY, .job = job, .run = below(p, 6),
		    .uid = uid, .now = now };
}

static void
draw_clock(struct pair *p, union any *a, int64_t job)
{
	static const char *const boots[] = { "a", "b" };
	instant due = memory_due(p->memory, job);
	int64_t what = below(p, 10);

	if (what < 4)
		a->life = (struct op_life){ .op.kind = OP_LIFE, .end = chance(p, 30),
		    .now = { p->now }, .boot = boots[(p->boots += chance(p, 30)) % 2],
		    .offset = below(p, 100) };
	else if (what < 8)
		/* Forward: back might lead to a due that has its run, which SQLite takes for damage. */
		a->shift = (struct op_shift){ .op.kind = OP_SHIFT, .step = below(p, 21),
		    .epoch = 1 + p->now / 50 };
	else if (what < 9)
		a->redue = (struct op_redue){ .op.kind = OP_REDUE, .job = job, .from = due,
		    .to = { chance(p, 80) ? due.usec + 5 : 0 } };
	else
		a->span = (struct op_span){ .op.kind = OP_SPAN, .span = { .kind = SPAN_DOWN,
		    .first = { 1 }, .last = { 2 } } };
}

static void
draw_read(struct pair *p, union any *a, int64_t job)
{
	static const int active[] = { RUN_QUEUED, RUN_RUNNING, RUN_RETRYING };
	int64_t what = below(p, 5);

	a->op = (struct store_op){ .kind = OP_COUNTS };
	if (what == 0) {
		a->due = (struct op_due){ .op.kind = OP_DUE, .after_due = memory_due(p->memory, job),
		    .after_id = below(p, JOBS), .until = { chance(p, 50) ? INT64_MAX : p->now },
		    .some = chance(p, 40), .uid = below(p, 2), .queue = draw_queue(p),
		    .kind = KIND_TIMER };
	} else if (what == 1) {
		a->active = (struct op_active){ .op.kind = OP_ACTIVE, .state = active[below(p, 3)],
		    .after_at = { chance(p, 30) ? p->now : 0 } };
	} else if (what == 2) {
		a->scheduled = (struct op_scheduled){ .op.kind = OP_SCHEDULED,
		    .after = below(p, JOBS) };
	} else if (what == 3) {
		a->get = (struct op_get){ .op.kind = OP_GET, .id = job,
		    .runs_max = (size_t)below(p, 20), .dependencies = true };
	}
}

static void
draw_notices(struct pair *p, union any *a, struct drawn *d)
{
	static const char *const names[] = { "a", "b", "c" };
	const char *name = names[below(p, 3)];
	int64_t what = below(p, 12);

	d->notices[0] = below(p, 40);
	d->notices[1] = below(p, 40);
	if (what >= 10)
		a->late = (struct op_late){ .op.kind = chance(p, 40) ? OP_LATE : OP_LATE_TELL, .now = { p->now }, .since = { p->now - below(p, 30) } };
	else if (what < 2)
		a->targets = (struct op_targets){ .op.kind = OP_TARGETS };
	else if (what < 3)
		a->test = (struct op_notice_test){ .op.kind = OP_NOTICE_TEST, .target = name,
		    .now = { p->now } };
	else if (what < 5)
		a->notices = (struct op_notices){ .op.kind = OP_NOTICES, .target = name,
		    .until = { p->now - below(p, 3) }, .id = chance(p, 30) ? below(p, 40) : 0, .limit = (size_t)below(p, 4) };
	else if (what < 7)
		a->notices = (struct op_notices){ .op.kind = OP_NOTICES,
		    .target = chance(p, 50) ? name : NULL, .before = below(p, 40),
		    .limit = (size_t)below(p, 4) };
	else
		a->settle = (struct op_notice_settle){ .op.kind = OP_NOTICE_SETTLE, .ids = d->notices,
		    .n = (size_t)below(p, 3), .now = { p->now }, .delivered = chance(p, 40),
		    .untried = chance(p, 30), .error = "so", .next = { chance(p, 60) ? p->now + below(p, 9) : 0 },
		    .oldest = p->now - below(p, 60) };
}

static void
draw(struct pair *p, union any *a, struct drawn *d)
{
	int64_t job = 1 + below(p, JOBS), what = below(p, 100);

	p->now += below(p, 3);
	memset(a, 0, sizeof(*a));
	if (what < 10)
		draw_add(p, a, d);
	else if (what < 55)
		draw_scheduler(p, a, d, job);
	else if (what < 75)
		draw_by_hand(p, a, d, job);
	else if (what < 80)
		draw_clock(p, a, job);
	else if (what < 84)
		draw_queues(p, a);
	else if (what < 90)
		draw_notices(p, a, d);
	else
		draw_read(p, a, job);
	/* Nobody asks for these: the scheduler decides only what has a due. */
	if ((a->op.kind == OP_SKIP && !instant_is_set(a->skip.first)) ||
	    (a->op.kind == OP_REDUE && !instant_is_set(a->redue.from)))
		a->counts = (struct op_counts){ .op.kind = OP_COUNTS };
}

/* ---- both ---- */

static void
hear(void *context, const struct store_op *op)
{
	struct pair *p = context;

	buf_printf(&p->told, "told %u", op->kind);
}

/* SQLite puts off what is long; the store in memory does not. */
static void
spread_rest(struct pair *p, union any *a, struct buf *told)
{
	struct op_spread *o = xcalloc(1, sizeof(*o));

	o->dependents.more = dependents_of(a) != NULL && a->op.result == 0 &&
	    dependents_of(a)->more;
	while (o->dependents.more) {
		assert_int_equal(storehouse_do(&p->disk, &o->op, OP_SPREAD), 0);
		print_dependents(told, &o->dependents);
		dependents_done(&(struct dependents){ .items = o->dependents.items,
		    .n = o->dependents.n });
	}
	free(o);
}

static void
step(struct pair *p, uint64_t seed, int n)
{
	struct drawn d;
	struct buf disk = { 0 }, ram = { 0 };
	union any *a = xcalloc(1, sizeof(*a)), *b = xcalloc(1, sizeof(*b));
	bool heard;

	memset(&d, 0, sizeof(d));
	draw(p, a, &d);
	memcpy(b, a, sizeof(*b));
	if (a->op.kind == OP_ADD) {
		memcpy(d.jobs[1], d.jobs[0], sizeof(d.jobs[1]));
		b->add.jobs = d.jobs[1];
	}
	buf_reset(&p->told);
	(void)storehouse_do(&p->disk, &a->op, (enum op_kind)a->op.kind);
	(void)storehouse_do(&p->ram, &b->op, (enum op_kind)b->op.kind);
	print(&disk, a);
	spread_rest(p, a, &disk);
	print(&ram, b);
	if (strcmp(buf_string(&disk), buf_string(&ram)) != 0)
		fail_msg("SEED=%" PRIu64 " op %d\n  SQLite: %s\n  memory: %s", seed, n,
		    buf_string(&disk), buf_string(&ram));
	heard = a->op.result == 0 && (a->op.kind == OP_CLAIM ||
	    (a->op.kind == OP_FINISH && a->finish.ping == NULL) ||
	    a->op.kind == OP_SKIP || (a->op.kind == OP_PING && a->ping.taken));
	assert_int_equal(buf_len(&p->told) > 0, heard);
	op_drop(&a->op);
	op_drop(&b->op);
	buf_done(&disk);
	buf_done(&ram);
	free(a);
	free(b);
}

/* A round of retention; what it gave up, or would. */
static struct keep_tally
keep(struct storehouse *h, const struct keep_policy *policy, int64_t now, bool dry)
{
	struct op_keep o = { .policy = policy, .now = { now }, .dry = dry };
	struct keep_tally sum = { 0 };

	do {
		assert_int_equal(storehouse_do(h, &o.op, OP_KEEP), 0);
		sum.jobs += o.tally.jobs;
		sum.runs += o.tally.runs;
		sum.notices += o.tally.notices;
		o.from = o.place;
		op_keep_done(&o);
	} while (o.from.phase != KEEP_OVER);
	return sum;
}

/* The numbers are compared here; which jobs and runs went, by all that comes after. */
static void
keep_on_both(struct pair *p, uint64_t seed, int n)
{
	const struct keep_policy policy = { .runs = chance(p, 70) ? 1 + below(p, 4) : 0,
	    .age = chance(p, 20) ? 1 + below(p, 80) : 0, .failed = below(p, 3), .runs_total = chance(p, 30) ? 1 + below(p, 20) : 0,
	    .finished_jobs = chance(p, 20) ? 1 + below(p, 40) : 0,
	    .failed_jobs = chance(p, 20) ? 1 + below(p, 80) : 0 };

	for (int dry = 1; dry >= 0; dry--) {
		struct keep_tally disk = keep(&p->disk, &policy, p->now, dry != 0);
		struct keep_tally ram = keep(&p->ram, &policy, p->now, dry != 0);

		if (disk.notices != ram.notices)
			fail_msg("SEED=%" PRIu64 " op %d: SQLite %" PRId64 " notices, memory %" PRId64, seed, n,
			    disk.notices, ram.notices);
		if (disk.jobs != ram.jobs || disk.runs != ram.runs)
			fail_msg("SEED=%" PRIu64 " op %d: %s: SQLite %" PRId64 " jobs, %" PRId64
			    " runs, memory %" PRId64 ", %" PRId64, seed, n,
			    dry ? "would give up" : "gave up", disk.jobs, disk.runs, ram.jobs,
			    ram.runs);
		p->gone += dry ? 0 : disk.jobs + disk.runs;
	}
}

static void
pair_open(struct pair *p, uint64_t seed)
{
	memset(p, 0, sizeof(*p));
	rand_seed(&p->rand, seed);
	p->now = NOW;
	storehouse_init(&p->disk, STORE_INLINE);
	p->memory = memory_new(true);
	memory_listen(p->memory, hear, p);
	p->ram.mode = STORE_INLINE;
	p->ram.l = loop_new(LOOP_VIRTUAL);
	p->ram.store = store_open(&(struct store_config){ .backend = &backend_memory,
	    .memory = p->memory, .mode = STORE_INLINE }, p->ram.l, p->ram.error);
	assert_non_null(p->ram.store);
}

static void
pair_close(struct pair *p)
{
	store_close(p->ram.store);
	loop_free(p->ram.l);
	memory_free(p->memory);
	storehouse_done(&p->disk);
	buf_done(&p->told);
}

static void
any_ops_end_alike_on_both_stores(void **state)
{
	const char *word = getenv("SEED");
	uint64_t first = word != NULL ? strtoull(word, NULL, 10) : 1;
	struct pair *p = xmalloc(sizeof(*p));

	(void)state;
	for (uint64_t seed = first; seed < first + (word != NULL ? 1 : SEEDS); seed++) {
		pair_open(p, seed);
		for (int n = 0; n < OPS; n++)
			step(p, seed, n);
		pair_close(p);
	}
	free(p);
}

static void
retention_gives_up_the_same_on_both_stores(void **state)
{
	const char *word = getenv("SEED");
	uint64_t first = word != NULL ? strtoull(word, NULL, 10) : 1;
	struct pair *p = xmalloc(sizeof(*p));
	int64_t gone = 0;

	(void)state;
	for (uint64_t seed = first; seed < first + (word != NULL ? 1 : SEEDS); seed++) {
		pair_open(p, seed);
		for (int n = 0; n < OPS; n++) {
			step(p, seed, n);
			if (chance(p, 8))
				keep_on_both(p, seed, n);
		}
		gone += p->gone;
		pair_close(p);
	}
	assert_true(gone > 0);
	free(p);
}

static void
what_is_not_there_is_refused(void **state)
{
	struct pair *p = xmalloc(sizeof(*p));
	struct op_list list = { .op.kind = OP_LIST };

	(void)state;
	pair_open(p, 1);
	assert_int_equal(storehouse_do(&p->ram, &list.op, OP_LIST), -ENOSYS);
	pair_close(p);
	free(p);
}

/* As simulations have them: the spec is lent, and runs that have ended leave nothing. */
static void
jobs_put_there_are_claimed_with_the_spec_as_it_is(void **state)
{
	struct job_spec spec = { .every = USEC_SEC };
	struct due_row row = { .due = { 100 }, .id = 7, .every = USEC_SEC, .kind = KIND_TIMER };
	struct op_claim claim = { .job = 7, .due = { 100 }, .next_due = { 200 }, .started = { 100 } };
	struct memory *m = memory_new(false);
	struct storehouse h = { .mode = STORE_INLINE, .l = loop_new(LOOP_VIRTUAL) };
	struct run_info run = RUN_INFO_NONE;
	struct op_finish finish = { .run = &run, .from = RUN_RUNNING };
	struct op_get get = { .id = 7, .runs_max = 5 };

	(void)state;
	memory_put_job(m, &row, &spec, 41);
	memory_put_run(m, &(struct active_row){ .job = 7, .run = 42, .state = RUN_QUEUED });
	h.store = store_open(&(struct store_config){ .backend = &backend_memory, .memory = m,
	    .mode = STORE_INLINE }, h.l, h.error);
	assert_int_equal(storehouse_do(&h, &claim.op, OP_CLAIM), 0);
	assert_int_equal(claim.run, 43);
	assert_ptr_equal(claim.row.spec, &spec);
	assert_null(claim.row.spec_json);
	assert_int_equal(memory_due(m, 7).usec, 200);
	run.job = 7;
	run.run = 43;
	run.state = RUN_SUCCEEDED;
	run.ended = (instant){ 150 };
	assert_int_equal(storehouse_do(&h, &finish.op, OP_FINISH), 0);
	assert_int_equal(storehouse_do(&h, &finish.op, OP_FINISH), -ESTALE);
	assert_int_equal(storehouse_do(&h, &get.op, OP_GET), 0);
	assert_int_equal(get.runs_n, 1);
	assert_int_equal(get.job.runs, 43);
	op_get_done(&get);
	store_close(h.store);
	loop_free(h.l);
	memory_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_ops_end_alike_on_both_stores),
		cmocka_unit_test(retention_gives_up_the_same_on_both_stores),
		cmocka_unit_test(what_is_not_there_is_refused),
		cmocka_unit_test(jobs_put_there_are_claimed_with_the_spec_as_it_is),
	};

	return cmocka_run_group_tests_name("store_memory", tests, NULL, NULL);
}
