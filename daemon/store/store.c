/*
 * store: see store.h.  Ops go to the thread through queues under a mutex, and come back through
 * the loop's mailbox; an op is touched by one side at a time.  The thread sleeps
 * without a limit of time when nothing is asked and nothing is to be tidied.
 */
#include "daemon/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/engine/flight.h"
#include "daemon/engine/leaks.h"
#include "daemon/engine/loop.h"
#include "daemon/store/store-internal.h"
#include "proto/mem.h"

/* Enough for SQLite, little enough to be cheap. */
#define THREAD_STACK ((size_t)512 * 1024)

/* Ends wait for others so long after a commit, and only when so many commands run. */
#define GATHER_USEC	2000
#define GATHER_RUNNING	32

/* A store that is never idle looks how great it is after so many batches. */
#define SIZES_EVERY 256

/* ---- the loop's side ---- */

static void
op_finished(struct store *s, struct store_op *op)
{
	MUST(op->lent && !op->done);
	flight_note(s->loop, FLIGHT_INPUTS, FLIGHT_ANSWER, op->kind,
	    op->waiter != NULL ? flight_kind(op->waiter->kind) : 0, op->result, 0);
	op->lent = false;
	op->done = true;
	s->waiting--;
	loop_unhold(s->loop);
	leaks_back(s->loop, op->waiter);
	task_wake(op->waiter);
}

static void
deliver(struct mailbox *m, struct letter *l)
{
	op_finished(container_of(m, struct store, mailbox),
	    container_of(l, struct store_op, letter));
}

static void
deliver_all(struct store *s, struct queue *done)
{
	struct store_op *op;

	while ((op = queue_take(done)) != NULL)
		op_finished(s, op);
}

/* May it be put off when too much waits?  Who asked can ask again. */
static bool
op_optional(unsigned kind)
{
	return kind == OP_ADD || kind == OP_APPLY || kind == OP_LIST || kind == OP_GET || kind == OP_RUNS;
}

/* Hand it to the thread. */
static void
ask(struct store *s, struct store_op *op)
{
	bool asleep;

	pthread_mutex_lock(&s->lock);
	queue_add(&s->asked[op_class(op->kind)], &op->letter);
	s->hurry |= op->kind != OP_FINISH;
	asleep = s->asleep && (s->hurry || !s->gathering);
	s->asleep &= !asleep;
	pthread_mutex_unlock(&s->lock);
	if (asleep)
		pthread_cond_signal(&s->asked_more);
}

/* For whoever asks from the loop. */
static void
sizes_update(struct store *s)
{
	struct store_sizes sizes = { 0 };

	if (s->backend->sizes == NULL)
		return;
	s->backend->sizes(s->db, &sizes);
	pthread_mutex_lock(&s->lock);
	s->stats.sizes = sizes;
	pthread_mutex_unlock(&s->lock);
}

/* ---- STORE_INLINE ---- */

static bool
inline_asked(struct store *s)
{
	for (int i = 0; i < CLASS_COUNT; i++) {
		if (s->asked[i].first != NULL || s->taken[i].first != NULL)
			return true;
	}
	return false;
}

static void
inline_run(struct store *s, struct queue *done)
{
	if (batch_take(s))
		batch_run(s, done);
	while (s->backend->idle(s->db, inline_asked(s)))
		;
	if (!inline_asked(s))
		sizes_update(s);
}

/* No task, or none any more: at once, but told by the loop all the same. */
static void
inline_run_all(struct store *s)
{
	struct queue done = { NULL, NULL };

	while (inline_asked(s))
		inline_run(s, &done);
	if (done.first != NULL)
		mailbox_put(&s->mailbox, done.first);
}

static enum task_status
inline_step(struct task *t)
{
	struct store *s = container_of(t, struct store, task);
	struct queue done;

	TASK_BEGIN(t);

	for (;;) {
		AWAIT(t, inline_asked(s));
		if (t->err < 0)
			break;
		done = (struct queue){ NULL, NULL };
		inline_run(s, &done);
		deliver_all(s, &done);
		TASK_YIELD(t);
	}
	TASK_END(t, 0);
}

static const struct task_kind inline_kind = {
	.name = "store",
	.step = inline_step,
};

void
store_submit(struct store *s, struct store_op *op, struct task *t)
{
	MUST(!op->lent && op->kind < OP_COUNT);
	op_clear(op);
	op->waiter = t;
	op->result = 0;
	op->done = false;
	op->lent = true;
	s->waiting++;
	loop_hold(s->loop);
	leaks_lend(s->loop, t, __builtin_return_address(0));
	if (s->waiting > STORE_OPS_MAX && op_optional(op->kind)) {
		op->result = -EBUSY;
		op->letter.next = NULL;
		mailbox_put(&s->mailbox, &op->letter);
		return;
	}
	ask(s, op);
	if (s->mode == STORE_THREAD)
		return;
	if (task_alive(&s->task))
		task_wake(&s->task);
	else
		inline_run_all(s);
}

void
store_start_task(struct store *s, struct task *parent)
{
	MUST(s->mode == STORE_INLINE && !task_alive(&s->task));
	task_start(&s->task, &inline_kind, parent);
}

/* ---- STORE_THREAD ---- */

static bool
anything_in(const struct queue *queues)
{
	for (int i = 0; i < CLASS_COUNT; i++) {
		if (queues[i].first != NULL)
			return true;
	}
	return false;
}

/*
 * Where many commands run at a time, their ends gather, so that several share a commit, which is what
 * most of an end costs.  A single one does not wait, nor one whose slot others may wait for.
 */
static void
gather_ends(struct store *s)
{
	usec_t until = s->committed + GATHER_USEC;
	const struct timespec t = { until / USEC_SEC, until % USEC_SEC * 1000 };
	int r = 0;

	if (s->running < GATHER_RUNNING || anything_in(s->taken))
		return;
	s->gathering = true;
	while (r == 0 && !s->hurry && !s->stopping) {
		s->asleep = true;
		r = pthread_cond_clockwait(&s->asked_more, &s->lock, CLOCK_MONOTONIC, &t);
	}
	s->gathering = s->asleep = false;
}

/*
 * Wait until something is asked, tidying up meanwhile.  false: the store is to stop, and nothing
 * is left.
 */
static bool
thread_take(struct store *s)
{
	bool any, tidy = true, stopping;

	for (;;) {
		pthread_mutex_lock(&s->lock);
		while (!anything_in(s->asked) && !anything_in(s->taken) && !s->stopping && !tidy) {
			s->asleep = true;
			pthread_cond_wait(&s->asked_more, &s->lock);
		}
		if (anything_in(s->asked))
			gather_ends(s);
		any = batch_take(s);
		stopping = s->stopping;
		pthread_mutex_unlock(&s->lock);
		if (any || stopping)
			return any;
		tidy = s->backend->idle(s->db, false);
		if (!tidy)
			sizes_update(s);
	}
}

static void *
thread_run(void *arg)
{
	struct store *s = arg;
	struct queue done = { NULL, NULL };
	unsigned batches = 0;

	while (thread_take(s)) {
		batch_run(s, &done);
		if (done.first != NULL)
			mailbox_put(&s->mailbox, done.first);
		done = (struct queue){ NULL, NULL };
		(void)s->backend->idle(s->db, true);	/* what cannot wait for an idle moment */
		if (++batches % SIZES_EVERY == 0)
			sizes_update(s);
	}
	return NULL;
}

/* Signals are the loop's. */
static int
thread_start(struct store *s)
{
	pthread_attr_t attr;
	sigset_t all, before;
	int r;

	r = -pthread_attr_init(&attr);
	if (r < 0)
		return r;
	(void)pthread_attr_setstacksize(&attr, THREAD_STACK);	/* else the default */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = -pthread_create(&s->thread, &attr, thread_run, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (r == 0)
		(void)pthread_setname_np(s->thread, "jobd-store");	/* for people only */
	return r;
}

static void
thread_stop(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	s->asleep = false;
	pthread_mutex_unlock(&s->lock);
	pthread_cond_signal(&s->asked_more);
	pthread_join(s->thread, NULL);
}

/* ---- open and close ---- */

static void
store_free(struct store *s)
{
	if (s->db != NULL)
		s->backend->close(s->db);
	/* After it: while the database is open, it is ours. */
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	pthread_cond_destroy(&s->asked_more);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

struct store *
store_open(const struct store_config *config, struct loop *l, char error[STORE_ERROR_MAX])
{
	struct store *s = xcalloc(1, sizeof(*s));
	int r;

	s->backend = config->backend != NULL ? config->backend : &backend_sqlite;
	s->mode = config->mode;
	s->loop = l;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->asked_more, NULL);
	s->lock_fd = -1;
	if (config->lock_fd > 0)
		s->lock_fd = config->lock_fd;
	else if (config->directory != NULL)
		s->lock_fd = directory_lock(config->directory, error);
	r = s->lock_fd;
	if (r >= 0 || config->directory == NULL)
		r = s->backend->open(config, &s->db, error);
	if (r < 0)
		goto fail;
	r = mailbox_start(&s->mailbox, l, deliver);
	if (r == 0 && s->mode == STORE_THREAD) {
		r = thread_start(s);
		if (r < 0)
			mailbox_stop(&s->mailbox);
	}
	if (r == 0)
		return s;
	snprintf(error, STORE_ERROR_MAX, "cannot start the store: %s", strerror(-r));
fail:
	store_free(s);
	errno = -r;
	return NULL;
}

int
store_keep_lock(const struct store *s)
{
	int fd = s->lock_fd >= 0 ? fcntl(s->lock_fd, F_DUPFD_CLOEXEC, 3) : -1;

	return fd < 0 ? -errno : fd;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	if (s->mode == STORE_THREAD) {
		thread_stop(s);
	} else {
		MUST(!task_alive(&s->task));
		inline_run_all(s);
	}
	mailbox_stop(&s->mailbox);
	MUST(s->waiting == 0);
	store_free(s);
}

void
store_set_delay(struct store *s, usec_t delay)
{
	s->delay = delay;
}

void
store_stats(struct store *s, struct store_stats *out)
{
	pthread_mutex_lock(&s->lock);
	*out = s->stats;
	pthread_mutex_unlock(&s->lock);
	out->waiting = s->waiting;
}
