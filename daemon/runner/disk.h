/*
 * disk: the thread of jobd-runner that touches the disk, so that one that is slow, full or
 * stalled holds up no command and no call.  What is to be done there is an op: a
 * function for the thread, and a task that is woken when it is done.  Records go before
 * output; within each, first come, first served: who has one op under way at a
 * time gets a fair share.
 */
#ifndef RUNNER_DISK_H
#define RUNNER_DISK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/engine/mailbox.h"

struct task;

enum disk_class { DISK_RECORD, DISK_OUTPUT, DISK_CLASS_COUNT };

/* Begin with zeroes.  While it is lent, its memory and all that work() looks at are the thread's. */
struct disk_op {
	struct letter	 letter;
	void		(*work)(struct disk_op *op);	/* on the thread; may take long */
	struct task	*waiter;
	bool		 lent;
};

struct disk_queue {
	struct letter	*first, **last;
};

struct disk {
	struct loop		*loop;
	struct mailbox		 mailbox;
	pthread_t		 thread;
	pthread_mutex_t		 lock;
	pthread_cond_t		 more;
	struct disk_queue	 asked[DISK_CLASS_COUNT];
	struct disk_queue	 kept_back[DISK_CLASS_COUNT];	/* the loop's */
	struct task		*holder;	/* is woken when the thread is idle */
	int64_t			 lent;		/* ops that the thread has, or that come back from it */
	bool			 held;
	bool			 asleep, stopping, started;
};

/* 0 or -errno. */
int disk_start(struct disk *d, struct loop *l);

/* Have op->work(op) done; t is woken afterwards, op->lent is false then. */
void disk_submit(struct disk *d, enum disk_class class, struct disk_op *op,
    void (*work)(struct disk_op *), struct task *t);

/*
 * Let the thread come to rest: ops that it has are done, others wait for disk_go_on().  t is woken
 * when it rests; then it may end at any time, as it does when the program is executed anew.  Who
 * keeps what is to survive that in an op looks at held before, and is woken by somebody after.
 */
void disk_hold(struct disk *d, struct task *t);
bool disk_rests(const struct disk *d);
void disk_go_on(struct disk *d);

/* End the thread; no op may be lent.  Twice is fine, and without a start. */
void disk_stop(struct disk *d);

#endif
