/*
 * disk: see disk.h.
 */
#include "daemon/runner/disk.h"

#include <errno.h>
#include <signal.h>

#include "daemon/engine/loop.h"
#include "daemon/engine/task.h"

#define THREAD_STACK	((size_t)256 * 1024)

static void
queue_add(struct disk_queue *q, struct letter *l)
{
	l->next = NULL;
	*q->last = l;
	q->last = &l->next;
}

static struct letter *
queue_take(struct disk_queue *q)
{
	struct letter *l = q->first;

	if (l == NULL)
		return NULL;
	q->first = l->next;
	if (q->first == NULL)
		q->last = &q->first;
	l->next = NULL;
	return l;
}

/* ---- the thread's side ---- */

/* The next op, or NULL: it is over. */
static struct letter *
thread_take(struct disk *d)
{
	struct letter *l = NULL;

	pthread_mutex_lock(&d->lock);
	for (;;) {
		for (int i = 0; i < DISK_CLASS_COUNT && l == NULL; i++)
			l = queue_take(&d->asked[i]);
		if (l != NULL || d->stopping)
			break;
		d->asleep = true;
		pthread_cond_wait(&d->more, &d->lock);
	}
	pthread_mutex_unlock(&d->lock);
	return l;
}

static void *
thread_run(void *arg)
{
	struct disk *d = arg;
	struct letter *l;
	struct disk_op *op;

	while ((l = thread_take(d)) != NULL) {
		op = container_of(l, struct disk_op, letter);
		op->work(op);
		mailbox_put(&d->mailbox, l);
	}
	return NULL;
}

/* Signals are the loop's. */
static int
thread_start(struct disk *d)
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
	r = -pthread_create(&d->thread, &attr, thread_run, d);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (r == 0)
		(void)pthread_setname_np(d->thread, "jobd-disk");	/* for people only */
	return r;
}

/* ---- the loop's side ---- */

static void
deliver(struct mailbox *m, struct letter *l)
{
	struct disk *d = container_of(m, struct disk, mailbox);
	struct disk_op *op = container_of(l, struct disk_op, letter);

	MUST(op->lent && d->lent > 0);
	op->lent = false;
	if (--d->lent == 0 && d->holder != NULL)
		task_wake(d->holder);
	loop_unhold(d->loop);
	task_wake(op->waiter);
}

int
disk_start(struct disk *d, struct loop *l)
{
	int r;

	*d = (struct disk){ .loop = l };
	for (int i = 0; i < DISK_CLASS_COUNT; i++) {
		d->asked[i].last = &d->asked[i].first;
		d->kept_back[i].last = &d->kept_back[i].first;
	}
	r = mailbox_start(&d->mailbox, l, deliver);
	if (r < 0)
		return r;
	MUST(pthread_mutex_init(&d->lock, NULL) == 0 && pthread_cond_init(&d->more, NULL) == 0);
	r = thread_start(d);
	d->started = r == 0;
	if (r < 0)
		mailbox_stop(&d->mailbox);
	return r;
}

static void
pass_on(struct disk *d, enum disk_class class, struct letter *l)
{
	bool asleep;

	d->lent++;
	pthread_mutex_lock(&d->lock);
	queue_add(&d->asked[class], l);
	asleep = d->asleep;
	d->asleep = false;
	pthread_mutex_unlock(&d->lock);
	if (asleep)
		pthread_cond_signal(&d->more);
}

void
disk_submit(struct disk *d, enum disk_class class, struct disk_op *op,
    void (*work)(struct disk_op *), struct task *t)
{
	MUST(d->started && !op->lent);
	op->work = work;
	op->waiter = t;
	op->lent = true;
	loop_hold(d->loop);
	if (d->held)
		queue_add(&d->kept_back[class], &op->letter);
	else
		pass_on(d, class, &op->letter);
}

void
disk_hold(struct disk *d, struct task *t)
{
	d->held = true;
	d->holder = t;
}

bool
disk_rests(const struct disk *d)
{
	return d->held && d->lent == 0;
}

void
disk_go_on(struct disk *d)
{
	struct letter *l;

	d->held = false;
	d->holder = NULL;
	for (int i = 0; i < DISK_CLASS_COUNT; i++) {
		while ((l = queue_take(&d->kept_back[i])) != NULL)
			pass_on(d, (enum disk_class)i, l);
	}
}

void
disk_stop(struct disk *d)
{
	if (!d->started)
		return;
	pthread_mutex_lock(&d->lock);
	d->stopping = true;
	d->asleep = false;
	pthread_mutex_unlock(&d->lock);
	pthread_cond_signal(&d->more);
	pthread_join(d->thread, NULL);
	mailbox_stop(&d->mailbox);
	pthread_cond_destroy(&d->more);
	pthread_mutex_destroy(&d->lock);
	d->started = false;
}
