/*
 * batch: the price of a commit, shared.  Every write that was asked when a batch begins is part
 * of one transaction, each under a savepoint, so that a refused one undoes only
 * itself.  Urgent ones first; what does not fit in the batch's time waits for the next,
 * behind whatever urgent has come meanwhile.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/fault.h"
#include "daemon/base/log.h"
#include "daemon/store/store-internal.h"

/* A batch takes no further op after this many usec, so that an urgent one soon has its turn. */
#define BATCH_USEC_MAX 20000

/* Reads answered together: none begins after so many usec. */
#define READS_USEC_MAX 500

/* What tidies up gives way to so many batches. */
#define TIDY_PASSED_MAX 50

static const enum op_class classes[] = {
	[OP_CLAIM] = CLASS_URGENT,
	[OP_FINISH] = CLASS_URGENT,
	[OP_SKIP] = CLASS_URGENT,
	[OP_LIFE] = CLASS_URGENT,
	[OP_SHIFT] = CLASS_WRITE,
	[OP_REDUE] = CLASS_WRITE,
	[OP_SPAN] = CLASS_WRITE,
	[OP_TRIGGER] = CLASS_WRITE,
	[OP_PING] = CLASS_WRITE,
	[OP_RETRY] = CLASS_WRITE,
	[OP_CANCEL] = CLASS_WRITE,
	[OP_PAUSE] = CLASS_WRITE,
	[OP_QUEUE_SET] = CLASS_WRITE,
	[OP_QUEUE_REMOVE] = CLASS_WRITE,
	[OP_REMOVE] = CLASS_WRITE,
	[OP_EDIT] = CLASS_WRITE,
	[OP_ADD] = CLASS_WRITE,
	[OP_APPLY] = CLASS_WRITE,
	[OP_KEEP] = CLASS_TIDY,
	[OP_OUTPUT_REMOVED] = CLASS_TIDY,
	[OP_OUTPUT_TRASH] = CLASS_READ,
	[OP_SPREAD] = CLASS_WRITE,
	[OP_LATE] = CLASS_READ,
	[OP_LATE_TELL] = CLASS_WRITE,
	[OP_NOTICE_TEST] = CLASS_WRITE,
	[OP_NOTICE_SETTLE] = CLASS_WRITE,
	[OP_DUE] = CLASS_WINDOW,
	[OP_ACTIVE] = CLASS_WINDOW,
	[OP_SCHEDULED] = CLASS_READ,
	[OP_RESOLVE] = CLASS_READ,
	[OP_GET] = CLASS_READ,
	[OP_LIST] = CLASS_READ,
	[OP_RUNS] = CLASS_READ,
	[OP_COUNTS] = CLASS_READ,
	[OP_LEDGER] = CLASS_READ,
	[OP_SPANS] = CLASS_READ,
	[OP_FAILED] = CLASS_READ,
	[OP_QUEUES] = CLASS_READ,
	[OP_NOTICES] = CLASS_READ,
	[OP_TARGETS] = CLASS_READ,
	[OP_BACKUP] = CLASS_READ,
};

_Static_assert(sizeof(classes) / sizeof(classes[0]) == OP_COUNT, "a row for every op");

/* What a commit passes by, for the tests that end the process there. */
static const struct {
	enum op_kind	kind;
	enum fault	before, after;
} fault_kinds[] = {
	{ OP_CLAIM, FAULT_CLAIM_BEFORE_COMMIT, FAULT_CLAIM_AFTER_COMMIT },
	{ OP_FINISH, FAULT_FINISH_BEFORE_COMMIT, FAULT_FINISH_AFTER_COMMIT },
	{ OP_ADD, FAULT_ADD_BEFORE_COMMIT, FAULT_ADD_AFTER_COMMIT },
	{ OP_TRIGGER, FAULT_TRIGGER_BEFORE_COMMIT, FAULT_TRIGGER_AFTER_COMMIT },
	{ OP_PING, FAULT_PING_BEFORE_COMMIT, FAULT_PING_AFTER_COMMIT },
	{ OP_CANCEL, FAULT_CANCEL_BEFORE_COMMIT, FAULT_CANCEL_AFTER_COMMIT },
	{ OP_PAUSE, FAULT_PAUSE_BEFORE_COMMIT, FAULT_PAUSE_AFTER_COMMIT },
	{ OP_REMOVE, FAULT_REMOVE_BEFORE_COMMIT, FAULT_REMOVE_AFTER_COMMIT },
	{ OP_EDIT, FAULT_EDIT_BEFORE_COMMIT, FAULT_EDIT_AFTER_COMMIT },
	{ OP_APPLY, FAULT_EDIT_BEFORE_COMMIT, FAULT_EDIT_AFTER_COMMIT },
};

enum op_class
op_class(unsigned kind)
{
	MUST(kind < OP_COUNT);
	return classes[kind];
}

usec_t
clock_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (usec_t)ts.tv_sec * USEC_SEC + ts.tv_nsec / 1000;
}

bool
batch_take(struct store *s)
{
	bool any = false;

	for (int i = 0; i < CLASS_COUNT; i++) {
		queue_move(&s->taken[i], &s->asked[i]);
		any |= s->taken[i].first != NULL;
	}
	s->hurry = false;
	return any;
}

static int
apply(struct store *s, struct store_op *op)
{
	int (*f)(void *, struct store_op *) = s->backend->apply[op->kind];

	return f != NULL ? f(s->db, op) : -ENOSYS;
}

/* One op under its savepoint.  Its result is in it; -errno when the whole transaction is lost. */
static int
apply_one(struct store *s, struct store_op *op, bool alone)
{
	int r;

	r = alone ? 0 : s->backend->mark(s->db);
	if (r < 0)
		return r;
	op->result = apply(s, op);
	if (op->result < 0) {
		op_drop(op);
		return alone ? 0 : s->backend->undo(s->db);
	}
	return alone ? 0 : s->backend->keep(s->db);
}

static struct store_op *
next_write(struct store *s)
{
	struct store_op *op = queue_take(&s->taken[CLASS_URGENT]);

	return op != NULL ? op : queue_take(&s->taken[CLASS_WRITE]);
}

/* Apply writes in the open transaction and move them to batch.  -errno: the transaction is lost. */
static int
apply_writes(struct store *s, struct queue *batch, usec_t until, bool *worth)
{
	struct letter *first = s->taken[CLASS_URGENT].first, *second = s->taken[CLASS_WRITE].first;
	bool alone = first == NULL ? second->next == NULL : second == NULL && first->next == NULL;
	struct store_op *op;
	int r = 0;

	*worth = false;
	do {
		op = next_write(s);
		if (op == NULL)
			break;
		queue_add(batch, &op->letter);
		r = apply_one(s, op, alone);
		*worth |= op->result == 0;
	} while (r == 0 && clock_usec() < until);
	return r;
}

static void
pass_faults(const struct queue *batch, bool after)
{
	if (fault_armed < 0)
		return;
	for (const struct letter *l = batch->first; l != NULL; l = l->next) {
		const struct store_op *op = container_of(l, const struct store_op, letter);

		for (size_t i = 0; i < sizeof(fault_kinds) / sizeof(fault_kinds[0]); i++) {
			if (op->kind == fault_kinds[i].kind && op->result == 0)
				fault_point(after ? fault_kinds[i].after : fault_kinds[i].before);
		}
	}
}

/* All of the batch failed for one reason. */
static void
fail_all(struct queue *batch, int r)
{
	for (struct letter *l = batch->first; l != NULL; l = l->next) {
		struct store_op *op = container_of(l, struct store_op, letter);

		if (op->result == 0)
			op_drop(op);
		op->result = r;
	}
}

/* It took long: when was that, and with how much?  Under the lock. */
static void
slow_note(struct store_stats *stats, usec_t took, uint64_t ops)
{
	struct timespec ts;

	if (took < STORE_SLOW_USEC)
		return;
	clock_gettime(CLOCK_REALTIME, &ts);
	stats->slow[stats->slow_n++ % STORE_SLOW_KEPT] = (struct store_slow){
		.at = { (usec_t)ts.tv_sec * USEC_SEC + ts.tv_nsec / 1000 }, .took = took, .ops = ops,
	};
}

/* Runs that this commit has begun or ended. */
static void
running_count(struct store *s, const struct queue *batch)
{
	for (const struct letter *l = batch->first; l != NULL; l = l->next) {
		const struct store_op *op = container_of(l, const struct store_op, letter);

		if (op->result != 0)
			continue;
		s->running += op->kind == OP_CLAIM &&
		    !container_of(op, const struct op_claim, op)->queue;
		/* Some were begun before we were opened. */
		if (op->kind == OP_FINISH && s->running > 0)
			s->running--;
	}
}

/* Count it; and tell once when the disk begins to fail, and once when it is well again. */
static void
batch_count(struct store *s, const struct queue *batch, usec_t took, int r)
{
	const char *words = r < 0 ? s->backend->error(s->db) : "";
	uint64_t ops = 0;
	bool proof = false;

	/* Retention that has found nothing to give up has written nothing. */
	for (const struct letter *l = batch->first; l != NULL; l = l->next) {
		ops++;
		proof = proof || classes[container_of(l, const struct store_op, letter)->kind] != CLASS_TIDY;
	}
	pthread_mutex_lock(&s->lock);
	s->stats.ops += ops;
	if (r < 0) {
		s->stats.failures++;
	} else {
		s->stats.commits++;
		histogram_add(&s->stats.commit, (uint64_t)took);
		slow_note(&s->stats, took, ops);
	}
	snprintf(s->stats.error, sizeof(s->stats.error), "%s", words);
	pthread_mutex_unlock(&s->lock);
	if (r < 0 && !s->failing)
		log_error("store: cannot commit, refusing writes until it works again"
		    " reason=\"%s\"", words);
	else if (r == 0 && s->failing && proof)
		log_info("store: commits work again");
	s->failing = r < 0 || (s->failing && !proof);
}

static void
batch_write(struct store *s, struct queue *done)
{
	const struct backend *b = s->backend;
	struct queue batch = { NULL, NULL };
	usec_t began = clock_usec(), until = began + BATCH_USEC_MAX;
	bool worth = false;
	int r;

	/* On the loop's own thread nobody waits; and a simulated world must go one way on any host. */
	if (s->mode == STORE_INLINE)
		until = USEC_NEVER;
	r = b->begin(s->db);
	if (r < 0) {
		queue_move(&batch, &s->taken[CLASS_URGENT]);
		queue_move(&batch, &s->taken[CLASS_WRITE]);
	} else {
		r = apply_writes(s, &batch, until, &worth);
		if (r < 0 || !worth)
			b->rollback(s->db);
	}
	if (r == 0 && worth) {
		pass_faults(&batch, false);
		if (s->delay > 0)
			(void)usleep((useconds_t)s->delay);
		r = b->commit(s->db);
		if (r == 0)
			pass_faults(&batch, true);
	}
	if (r < 0)
		fail_all(&batch, r);
	if (r == 0 && worth) {
		running_count(s, &batch);
		s->committed = clock_usec();
	}
	if (r < 0 || worth)
		batch_count(s, &batch, clock_usec() - began, r);
	queue_move(done, &batch);
}

static void
batch_read(struct store *s, struct store_op *op, struct queue *done)
{
	op->result = apply(s, op);
	if (op->result < 0)
		op_drop(op);
	pthread_mutex_lock(&s->lock);
	s->stats.ops++;
	pthread_mutex_unlock(&s->lock);
	queue_add(done, &op->letter);
}

/*
 * One op that tidies up joins the writes: when nothing else is taken, or when it has waited for so long
 * that it must be its turn, since a store that is never idle grows, too.
 */
static void
batch_tidy(struct store *s)
{
	struct store_op *op;

	if (s->taken[CLASS_TIDY].first == NULL)
		return;
	if (s->passed++ < TIDY_PASSED_MAX && (s->taken[CLASS_URGENT].first != NULL ||
	    s->taken[CLASS_WRITE].first != NULL || s->taken[CLASS_WINDOW].first != NULL ||
	    s->taken[CLASS_READ].first != NULL))
		return;
	s->passed = 0;
	op = queue_take(&s->taken[CLASS_TIDY]);
	queue_add(&s->taken[CLASS_WRITE], &op->letter);
}

static struct store_op *
next_read(struct store *s)
{
	struct store_op *op = queue_take(&s->taken[CLASS_WINDOW]);

	return op != NULL ? op : queue_take(&s->taken[CLASS_READ]);
}

/*
 * Small ones are answered together, so that they share a wake-up; one that takes its time is answered
 * before the next, and writes that have come meanwhile go first.
 */
static void
batch_reads(struct store *s, struct queue *done)
{
	usec_t until = clock_usec() + READS_USEC_MAX;
	struct store_op *op;

	while ((op = next_read(s)) != NULL) {
		batch_read(s, op, done);
		/* A simulated world must go one way on any host. */
		if (s->mode == STORE_INLINE || clock_usec() >= until)
			break;
	}
}

void
batch_run(struct store *s, struct queue *done)
{
	batch_tidy(s);
	if (s->taken[CLASS_URGENT].first != NULL || s->taken[CLASS_WRITE].first != NULL)
		batch_write(s, done);
	else
		batch_reads(s, done);
}
