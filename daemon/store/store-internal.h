/*
 * store-internal: what store.c, batch.c and directory.c share and nobody else may use.
 */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include "daemon/engine/task.h"
#include "daemon/store/backend.h"

/* What is taken first. */
enum op_class {
	CLASS_URGENT,	/* a job is to start, or has ended */
	CLASS_WRITE,
	CLASS_WINDOW,	/* reads that jobs wait for */
	CLASS_READ,
	CLASS_TIDY,	/* writes that may wait for a moment when nothing else is asked */
	CLASS_COUNT
};

struct queue {
	struct letter *first, *last;
};

struct store {
	const struct backend	*backend;
	void			*db;
	enum store_mode		 mode;
	struct loop		*loop;
	int			 lock_fd;		/* holds the directory's lock */

	/* Whoever runs the batches: the thread, or the task. */
	struct queue		 taken[CLASS_COUNT];
	bool			 failing;		/* the last commit failed */
	unsigned		 passed;		/* batches that tidying has waited for */
	int64_t			 running;		/* runs claimed since it was opened that go on */
	usec_t			 committed;		/* when the last commit was done */

	_Atomic usec_t		 delay;			/* of each commit, for tests */

	/* Under lock. */
	pthread_mutex_t		 lock;
	pthread_cond_t		 asked_more;
	struct queue		 asked[CLASS_COUNT];
	bool			 asleep, stopping;
	bool			 hurry;			/* more than ends was asked since it was looked */
	bool			 gathering;		/* asleep until there is hurry, or its time is over */
	struct store_stats	 stats;

	/* The loop's. */
	int64_t			 waiting;		/* lent ops */
	pthread_t		 thread;
	struct mailbox		 mailbox;
	struct task		 task;			/* STORE_INLINE */
};

static inline void
queue_add(struct queue *q, struct letter *l)
{
	l->next = NULL;
	if (q->last == NULL)
		q->first = l;
	else
		q->last->next = l;
	q->last = l;
}

/* All of from to the end of q. */
static inline void
queue_move(struct queue *q, struct queue *from)
{
	if (from->first == NULL)
		return;
	if (q->last == NULL)
		q->first = from->first;
	else
		q->last->next = from->first;
	q->last = from->last;
	from->first = from->last = NULL;
}

static inline struct store_op *
queue_take(struct queue *q)
{
	struct letter *l = q->first;

	if (l == NULL)
		return NULL;
	q->first = l->next;
	if (q->first == NULL)
		q->last = NULL;
	l->next = NULL;
	return container_of(l, struct store_op, letter);
}

enum op_class op_class(unsigned kind);

/* Monotonic; real also where the loop's clock is virtual: it measures the disk. */
usec_t clock_usec(void);

/* Move what was asked to what is taken.  Is there anything? */
bool batch_take(struct store *s);

/*
 * Run what is taken: all writes as one transaction (or as many as fit in its time), then one
 * read.  The finished ops are added to done, in order.
 */
void batch_run(struct store *s, struct queue *done);

/* Make the directory if it is missing, and lock it.  The descriptor, or -errno with words. */
int directory_lock(const char *path, char error[STORE_ERROR_MAX]);

#endif
