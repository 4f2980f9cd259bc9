/*
 * ops: what the ops give out, emptied and freed in one place, so that an op that failed (or
 * whose batch did) hands out nothing, and may be submitted again as it is.
 */
#include "daemon/store/ops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/must.h"
#include "proto/mem.h"

const char *
op_name(unsigned kind)
{
	static const char *const names[] = {
		[OP_CLAIM] = "claim", [OP_FINISH] = "finish", [OP_SKIP] = "skip", [OP_LIFE] = "life",
		[OP_SHIFT] = "shift", [OP_REDUE] = "redue", [OP_SPAN] = "span", [OP_TRIGGER] = "trigger",
		[OP_PING] = "ping",
		[OP_RETRY] = "retry", [OP_CANCEL] = "cancel", [OP_PAUSE] = "pause", [OP_QUEUE_SET] = "queue set",
		[OP_QUEUE_REMOVE] = "queue remove", [OP_REMOVE] = "remove", [OP_EDIT] = "edit", [OP_ADD] = "add",
		[OP_APPLY] = "apply", [OP_SPREAD] = "spread", [OP_LATE] = "look for late", [OP_LATE_TELL] = "tell late",
		[OP_NOTICE_TEST] = "notice test", [OP_NOTICE_SETTLE] = "notice settle", [OP_KEEP] = "keep",
		[OP_OUTPUT_REMOVED] = "output removed", [OP_DUE] = "read dues", [OP_ACTIVE] = "read active",
		[OP_SCHEDULED] = "read scheduled", [OP_RESOLVE] = "resolve", [OP_GET] = "get", [OP_LIST] = "list",
		[OP_RUNS] = "read runs", [OP_COUNTS] = "count", [OP_LEDGER] = "read ledger", [OP_SPANS] = "read spans",
		[OP_FAILED] = "read failed", [OP_OUTPUT_TRASH] = "read trash", [OP_QUEUES] = "read queues",
		[OP_NOTICES] = "read notices", [OP_TARGETS] = "read targets", [OP_BACKUP] = "backup",
	};

	_Static_assert(sizeof(names) / sizeof(names[0]) == OP_COUNT, "a name for each");
	return kind < OP_COUNT ? names[kind] : "?";
}

#define NO_DEPENDENTS ((struct dependents){ .n = 0 })

void
dependents_done(struct dependents *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->items[i].row.schedule);
		terms_done(&d->items[i].row.terms);
		free(d->items[i].name);
	}
	free(d->items);
	*d = NO_DEPENDENTS;
}

void
op_spread_done(struct op_spread *op)
{
	dependents_done(&op->dependents);
}

void
op_add_done(struct op_add *op)
{
	dependents_done(&op->dependents);
}

void
op_finish_done(struct op_finish *op)
{
	dependents_done(&op->dependents);
	free(op->reason);
	op->reason = NULL;
	ping_free(op->ping);
	op->ping = NULL;
}

void
op_redue_done(struct op_redue *op)
{
	dependents_done(&op->dependents);
}

static void
add_clear(struct op_add *op)
{
	op->failed = op->failed_after = 0;
	op->dependents = NO_DEPENDENTS;
	for (size_t i = 0; i < op->n; i++) {
		op->jobs[i].id = 0;
		op->jobs[i].existed = op->jobs[i].new_queue = false;
	}
}

/* Which one was at fault stays told. */
static void
add_drop(struct op_add *op)
{
	size_t failed = op->failed, failed_after = op->failed_after;

	op_add_done(op);
	/* A dry one was no failure: what is there, and what would be made, stays told. */
	if (op->dry && op->op.result == -ECANCELED)
		return;
	add_clear(op);
	op->failed = failed;
	op->failed_after = failed_after;
}

struct queue_terms
terms_of(const struct job_spec *spec)
{
	const char *queue = job_spec_queue(spec);
	bool plain = queue != NULL && strcmp(queue, QUEUE_DEFAULT) == 0 && spec->command != NULL;

	return (struct queue_terms){
		.queue = plain ? NULL : (char *)(uintptr_t)queue, .mutex = spec->mutex,
		.priority = spec->priority, .slots = spec->slots, .overlap = spec->overlap,
		.overlap_limit = spec->overlap_limit,
	};
}

struct queue_terms
terms_copy(const struct queue_terms *from)
{
	struct queue_terms to = *from;

	to.queue = xstrdup(from->queue);
	to.mutex = xstrdup(from->mutex);
	return to;
}

void
terms_done(struct queue_terms *t)
{
	free(t->queue);
	free(t->mutex);
	*t = (struct queue_terms){ 0 };
}

const char *
terms_queue(const struct queue_terms *t, int kind)
{
	if (t->queue != NULL)
		return t->queue;
	return kind == KIND_COMMAND ? QUEUE_DEFAULT : NULL;
}

void
queue_row_done(struct queue_row *row)
{
	free(row->name);
	free(row->paused_by);
	*row = (struct queue_row){ 0 };
}

void
queue_row_change(struct queue_row *row, const struct op_queue_set *op)
{
	if (row->name == NULL)
		row->name = xstrdup(op->name);
	if (op->slots >= 0)
		row->slots = op->slots;
	if (op->rate >= 0) {
		row->rate = op->rate;
		row->rate_usec = op->rate > 0 ? op->rate_usec : 0;
	}
	/* Who paused it first, and when, stays. */
	if (op->paused >= 0 && (op->paused > 0) != instant_is_set(row->paused)) {
		free(row->paused_by);
		row->paused_by = op->paused > 0 ? xstrdup(op->by) : NULL;
		row->paused = op->paused > 0 ? op->now : (instant){ 0 };
	}
}

void
op_queue_set_done(struct op_queue_set *op)
{
	queue_row_done(&op->row);
}

void
op_queues_done(struct op_queues *op)
{
	for (size_t i = 0; i < op->n; i++)
		queue_row_done(&op->rows[i]);
	free(op->rows);
	op->rows = NULL;
	op->n = 0;
}

void
op_notices_done(struct op_notices *op)
{
	for (size_t i = 0; i < op->n; i++) {
		free(op->rows[i].target);
		free(op->rows[i].notice);
		free(op->rows[i].error);
	}
	op->n = 0;
}

void
op_targets_done(struct op_targets *op)
{
	for (size_t i = 0; i < op->n; i++)
		free(op->rows[i].name);
	free(op->rows);
	op->rows = NULL;
	op->n = 0;
}

static void
claim_clear(struct op_claim *op)
{
	memset(&op->row, 0, sizeof(op->row));
	op->attempt = op->retried = op->retrying = 0;
	op->was = 0;
	op->manual = false;
	op->run_due = (instant){ 0 };
	op->born = op->full = false;
	op->replaced = 0;
	op->replaced_was = -1;
	op->job_state = 0;
	op->ping = NULL;
	op->notices = 0;
	op->dependents = NO_DEPENDENTS;
}

void
op_claim_done(struct op_claim *op)
{
	free(op->row.name);
	free(op->row.spec_json);
	memset(&op->row, 0, sizeof(op->row));
	ping_free(op->ping);
	op->ping = NULL;
	dependents_done(&op->dependents);
}

void
op_ping_done(struct op_ping *op)
{
	op_claim_done(&op->claim);
	op_trigger_done(&op->trigger);
}

/* A text that is the only thing to free. */
static void
text_done(char **text)
{
	free(*text);
	*text = NULL;
}

void
op_skip_done(struct op_skip *op)
{
	text_done(&op->name);
	dependents_done(&op->dependents);
}

void
op_trigger_done(struct op_trigger *op)
{
	text_done(&op->name);
	terms_done(&op->terms);
	dependents_done(&op->dependents);
}

void
op_retry_done(struct op_retry *op)
{
	text_done(&op->name);
	text_done(&op->row.schedule);
	terms_done(&op->row.terms);
	dependents_done(&op->dependents);
}

void
op_cancel_done(struct op_cancel *op)
{
	text_done(&op->name);
	dependents_done(&op->dependents);
}

void
op_pause_done(struct op_pause *op)
{
	text_done(&op->name);
	text_done(&op->row.schedule);
	terms_done(&op->row.terms);
}

void
op_backup_done(struct op_backup *op)
{
	free(op->bytes);
	op->bytes = NULL;
	op->n = 0;
}

void
op_edit_done(struct op_edit *op)
{
	text_done(&op->name);
	text_done(&op->row.schedule);
	terms_done(&op->row.terms);
	dependents_done(&op->dependents);
}

static void
edit_clear(struct op_edit *op)
{
	op->name = NULL;
	op->row = (struct due_row){ .id = 0 };
	op->dependents = NO_DEPENDENTS;
	op->job_state = 0;
	op->held = op->let_go = op->new_queue = false;
	op->now_generation = 0;
	op->failed_after = 0;
}

void
op_apply_done(struct op_apply *op)
{
	op_add_done(op->add);
	for (size_t i = 0; i < op->n; i++)
		op_edit_done(op->edits[i]);
}

static void
apply_clear(struct op_apply *op)
{
	add_clear(op->add);
	for (size_t i = 0; i < op->n; i++)
		edit_clear(op->edits[i]);
	op->of_edit = false;
	op->failed = 0;
}

/* What is at fault, and what a dry one has found, stays told. */
static void
apply_drop(struct op_apply *op)
{
	op->add->dry = op->dry;
	op->add->op.result = op->op.result;
	add_drop(op->add);
	for (size_t i = 0; i < op->n; i++)
		op_edit_done(op->edits[i]);
}

void
op_remove_done(struct op_remove *op)
{
	text_done(&op->name);
	dependents_done(&op->dependents);
}

static void
due_rows_done(struct due_row *rows, size_t *n, bool *more)
{
	for (size_t i = 0; i < *n; i++) {
		free(rows[i].schedule);
		terms_done(&rows[i].terms);
	}
	*n = 0;
	*more = false;
}

void
op_due_done(struct op_due *op)
{
	due_rows_done(op->rows, &op->n, &op->more);
}

void
op_scheduled_done(struct op_scheduled *op)
{
	due_rows_done(op->rows, &op->n, &op->more);
}

void
op_ledger_done(struct op_ledger *op)
{
	free(op->rows);
	op->rows = NULL;
	op->n = 0;
	op->more = false;
}

void
op_active_done(struct op_active *op)
{
	for (size_t i = 0; i < op->n; i++) {
		free(op->rows[i].canceled_by);
		free(op->rows[i].name);
		free(op->rows[i].spec_json);
		ping_free(op->rows[i].ping);
		terms_done(&op->rows[i].terms);
	}
	op->n = 0;
	op->more = false;
}

void
op_resolve_done(struct op_resolve *op)
{
	free(op->ids);
	op->ids = NULL;
	op->n = 0;
}

static void
runs_done(struct run_info **runs, size_t *n)
{
	for (size_t i = 0; i < *n; i++)
		run_info_done(&(*runs)[i]);
	free(*runs);
	*runs = NULL;
	*n = 0;
}

static void
dependency_infos_done(struct dependency_info **infos, size_t *n)
{
	for (size_t i = 0; i < *n; i++)
		dependency_info_done(&(*infos)[i]);
	free(*infos);
	*infos = NULL;
	*n = 0;
}

void
op_get_done(struct op_get *op)
{
	dependency_infos_done(&op->parents, &op->parents_n);
	dependency_infos_done(&op->children, &op->children_n);
	job_info_done(&op->job);
	memset(&op->job, 0, sizeof(op->job));
	runs_done(&op->runs, &op->runs_n);
}

void
op_list_done(struct op_list *op)
{
	for (size_t i = 0; i < op->n; i++)
		job_info_done(&op->jobs[i]);
	free(op->jobs);
	op->jobs = NULL;
	op->n = 0;
}

void
op_runs_done(struct op_runs *op)
{
	runs_done(&op->runs, &op->n);
}

void
op_keep_done(struct op_keep *op)
{
	for (size_t i = 0; i < op->n; i++)
		free(op->gone[i].name);
	op->n = 0;
}

static void
keep_clear(struct op_keep *op)
{
	op->n = 0;
	op->place = op->from;
	op->tally = (struct keep_tally){ 0 };
	op->output = false;
}

#define OP(type, op) container_of(op, struct op_##type, op)

static void
trigger_clear(struct op_trigger *op)
{
	op->run = 0;
	op->name = NULL;
	op->terms = (struct queue_terms){ 0 };
	op->dependents = NO_DEPENDENTS;
}

static void
ping_clear(struct op_ping *op)
{
	op->run = 0;
	op->taken = op->made = op->moved = false;
	op->ping.began = (instant){ 0 };
	op->claim.run = 0;
	claim_clear(&op->claim);
	trigger_clear(&op->trigger);
}

/* The writes of one job, whose names are out. */
static void
clear_by_hand(struct store_op *op)
{
	if (op->kind == OP_TRIGGER) {
		trigger_clear(OP(trigger, op));
	} else if (op->kind == OP_PING) {
		ping_clear(OP(ping, op));
	} else if (op->kind == OP_RETRY) {
		OP(retry, op)->was = -1;
		OP(retry, op)->manual = OP(retry, op)->released = OP(retry, op)->paused = false;
		OP(retry, op)->name = NULL;
		memset(&OP(retry, op)->row, 0, sizeof(struct due_row));
		OP(retry, op)->dependents = NO_DEPENDENTS;
	} else if (op->kind == OP_CANCEL) {
		OP(cancel, op)->name = NULL;
		OP(cancel, op)->dependents = NO_DEPENDENTS;
		OP(cancel, op)->was = 0;
		OP(cancel, op)->job_state = 0;
		OP(cancel, op)->retrying = 0;
	} else if (op->kind == OP_PAUSE) {
		OP(pause, op)->name = NULL;
		OP(pause, op)->changed = OP(pause, op)->released = false;
		memset(&OP(pause, op)->row, 0, sizeof(struct due_row));
	} else {
		OP(remove, op)->name = NULL;
		OP(remove, op)->runs = OP(remove, op)->waited = 0;
		OP(remove, op)->dependents = NO_DEPENDENTS;
	}
}

static void
clear_read(struct store_op *op)
{
	switch (op->kind) {
	case OP_DUE:
		OP(due, op)->n = 0;
		OP(due, op)->more = false;
		OP(due, op)->last_due = OP(due, op)->after_due;
		OP(due, op)->last_id = OP(due, op)->after_id;
		break;
	case OP_ACTIVE:
		OP(active, op)->n = 0;
		OP(active, op)->more = false;
		break;
	case OP_SCHEDULED:
		OP(scheduled, op)->n = 0;
		OP(scheduled, op)->more = false;
		break;
	case OP_LEDGER:
		OP(ledger, op)->rows = NULL;
		OP(ledger, op)->n = 0;
		OP(ledger, op)->more = false;
		break;
	case OP_SPANS:
		OP(spans, op)->n = 0;
		OP(spans, op)->more = false;
		break;
	case OP_OUTPUT_TRASH:
		OP(output_trash, op)->n = 0;
		break;
	case OP_RESOLVE:
		OP(resolve, op)->ids = NULL;
		OP(resolve, op)->n = 0;
		OP(resolve, op)->run = 0;
		OP(resolve, op)->more = false;
		OP(resolve, op)->next_after = 0;
		OP(resolve, op)->pattern = false;
		break;
	case OP_GET:
		memset(&OP(get, op)->job, 0, sizeof(struct job_info));
		OP(get, op)->runs = NULL;
		OP(get, op)->runs_n = 0;
		OP(get, op)->parents = OP(get, op)->children = NULL;
		OP(get, op)->parents_n = OP(get, op)->children_n = 0;
		break;
	case OP_LIST:
		OP(list, op)->jobs = NULL;
		OP(list, op)->n = 0;
		OP(list, op)->next = 0;
		break;
	case OP_RUNS:
		OP(runs, op)->runs = NULL;
		OP(runs, op)->n = 0;
		OP(runs, op)->next = 0;
		OP(runs, op)->uid = 0;
		break;
	case OP_QUEUES:
		OP(queues, op)->rows = NULL;
		OP(queues, op)->n = 0;
		break;
	case OP_NOTICES:
		OP(notices, op)->n = 0;
		OP(notices, op)->next = (instant){ 0 };
		OP(notices, op)->more = false;
		break;
	case OP_TARGETS:
		OP(targets, op)->rows = NULL;
		OP(targets, op)->n = 0;
		break;
	case OP_COUNTS:
		OP(counts, op)->queued = OP(counts, op)->running = OP(counts, op)->retrying = 0;
		break;
	case OP_FAILED:
		OP(failed, op)->n = 0;
		OP(failed, op)->more = false;
		break;
	default:
		MUST(false);
	}
}

void
op_clear(struct store_op *op)
{
	switch ((enum op_kind)op->kind) {
	case OP_CLAIM:
		claim_clear(OP(claim, op));
		break;
	case OP_FINISH:
		OP(finish, op)->state = OP(finish, op)->job_state = 0;
		OP(finish, op)->held = OP(finish, op)->quarantined = false;
		OP(finish, op)->dependents = NO_DEPENDENTS;
		OP(finish, op)->retrying = 0;
		OP(finish, op)->notices = 0;
		OP(finish, op)->ping = NULL;
		break;
	case OP_SKIP:
		OP(skip, op)->name = NULL;
		OP(skip, op)->notices = 0;
		OP(skip, op)->dependents = NO_DEPENDENTS;
		break;
	case OP_LIFE:
		OP(life, op)->booted = 0;
		OP(life, op)->known = OP(life, op)->step = 0;
		OP(life, op)->epoch = 0;
		break;
	case OP_SHIFT:
		OP(shift, op)->more = false;
		break;
	case OP_REDUE:
		OP(redue, op)->dependents = NO_DEPENDENTS;
		break;
	case OP_SPREAD:
		OP(spread, op)->dependents = NO_DEPENDENTS;
		break;
	case OP_LATE:
	case OP_LATE_TELL:
		OP(late, op)->notices = 0;
		OP(late, op)->found = false;
		break;
	case OP_SPAN:
	case OP_OUTPUT_REMOVED:
	case OP_QUEUE_REMOVE:
	case OP_NOTICE_SETTLE:
		break;
	case OP_NOTICE_TEST:
		OP(notice_test, op)->id = 0;
		break;
	case OP_QUEUE_SET:
		OP(queue_set, op)->row = (struct queue_row){ 0 };
		break;
	case OP_TRIGGER:
	case OP_PING:
	case OP_RETRY:
	case OP_CANCEL:
	case OP_PAUSE:
	case OP_REMOVE:
		clear_by_hand(op);
		break;
	case OP_ADD:
		add_clear(OP(add, op));
		break;
	case OP_APPLY:
		apply_clear(OP(apply, op));
		break;
	case OP_EDIT:
		edit_clear(OP(edit, op));
		break;
	case OP_BACKUP:
		OP(backup, op)->pages = OP(backup, op)->left = 0;
		OP(backup, op)->bytes = NULL;
		OP(backup, op)->n = 0;
		break;
	case OP_KEEP:
		keep_clear(OP(keep, op));
		break;
	case OP_DUE:
	case OP_ACTIVE:
	case OP_SCHEDULED:
	case OP_RESOLVE:
	case OP_GET:
	case OP_LIST:
	case OP_RUNS:
	case OP_COUNTS:
	case OP_LEDGER:
	case OP_SPANS:
	case OP_FAILED:
	case OP_OUTPUT_TRASH:
	case OP_QUEUES:
	case OP_NOTICES:
	case OP_TARGETS:
		clear_read(op);
		break;
	case OP_COUNT:
		MUST(false);
	}
}

void
op_drop(struct store_op *op)
{
	switch ((enum op_kind)op->kind) {
	case OP_CLAIM:
		op_claim_done(OP(claim, op));
		if (OP(claim, op)->born)
			OP(claim, op)->run = 0;
		break;
	case OP_SKIP:
		op_skip_done(OP(skip, op));
		break;
	case OP_TRIGGER:
		op_trigger_done(OP(trigger, op));
		break;
	case OP_PING:
		op_ping_done(OP(ping, op));
		break;
	case OP_RETRY:
		op_retry_done(OP(retry, op));
		break;
	case OP_CANCEL:
		op_cancel_done(OP(cancel, op));
		break;
	case OP_PAUSE:
		op_pause_done(OP(pause, op));
		break;
	case OP_REMOVE:
		op_remove_done(OP(remove, op));
		break;
	case OP_KEEP:
		op_keep_done(OP(keep, op));
		break;
	case OP_DUE:
		op_due_done(OP(due, op));
		break;
	case OP_ACTIVE:
		op_active_done(OP(active, op));
		break;
	case OP_SCHEDULED:
		op_scheduled_done(OP(scheduled, op));
		break;
	case OP_LEDGER:
		op_ledger_done(OP(ledger, op));
		break;
	case OP_RESOLVE:
		op_resolve_done(OP(resolve, op));
		break;
	case OP_GET:
		op_get_done(OP(get, op));
		break;
	case OP_LIST:
		op_list_done(OP(list, op));
		break;
	case OP_RUNS:
		op_runs_done(OP(runs, op));
		break;
	case OP_ADD:
		add_drop(OP(add, op));
		break;
	case OP_APPLY:
		apply_drop(OP(apply, op));
		break;
	case OP_EDIT:
		op_edit_done(OP(edit, op));
		break;
	case OP_BACKUP:
		op_backup_done(OP(backup, op));
		break;
	case OP_QUEUE_SET:
		op_queue_set_done(OP(queue_set, op));
		break;
	case OP_QUEUES:
		op_queues_done(OP(queues, op));
		break;
	case OP_NOTICES:
		op_notices_done(OP(notices, op));
		break;
	case OP_TARGETS:
		op_targets_done(OP(targets, op));
		break;
	case OP_FINISH:
		op_finish_done(OP(finish, op));
		break;
	case OP_REDUE:
		op_redue_done(OP(redue, op));
		break;
	case OP_SPREAD:
		op_spread_done(OP(spread, op));
		break;
	case OP_LIFE:
	case OP_SHIFT:
	case OP_SPAN:
	case OP_COUNTS:
	case OP_SPANS:
	case OP_FAILED:
	case OP_OUTPUT_TRASH:
	case OP_OUTPUT_REMOVED:
	case OP_QUEUE_REMOVE:
	case OP_NOTICE_TEST:
	case OP_NOTICE_SETTLE:
	case OP_LATE:
	case OP_LATE_TELL:
		break;
	case OP_COUNT:
		MUST(false);
	}
}
