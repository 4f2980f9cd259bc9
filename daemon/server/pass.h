/*
 * pass: one op for each of many targets, as a task: a slice of them at a time, so that a slice
 * shares a commit and no call holds up the others.
 */
#ifndef SERVER_PASS_H
#define SERVER_PASS_H

#include "daemon/server/select.h"

#define PASS_SLICE 64

/* Each begins with its store_op. */
union pass_op {
	struct store_op		op;
	struct op_trigger	trigger;
	struct op_retry		retry;
	struct op_cancel	cancel;
	struct op_pause		pause;
	struct op_remove	remove;
	struct op_runs		runs;
	struct op_get		get;
};

struct pass;

struct pass_kind {
	/* Fill a zeroed op for the target. */
	void	(*fill)(struct pass *p, union pass_op *op, const struct target *target);
	/* It is done: take what it gave and free it; pass_refuse() when the call must not go on. */
	void	(*took)(struct pass *p, union pass_op *op, const struct target *target);
	bool	changes;	/* its ops change their targets */
};

/* In the frame of a call; may be started again when done. */
struct pass {
	struct task		 task;
	struct call		*call;
	const struct pass_kind	*kind;
	void			*frame;		/* for fill and took */
	const struct targets	*targets;	/* borrowed */
	union pass_op		*ops;
	size_t			 at, n;		/* the slice */
	size_t			 changed;	/* targets, by all passes of the call */
	enum jobd_error		 why;		/* the first refusal: nothing is begun after it */
	char			*a;
	int			 result;
};

void pass_start(struct pass *p, const struct pass_kind *kind, const struct targets *targets,
    struct task *parent);

/* a is copied. */
void pass_refuse(struct pass *p, enum jobd_error why, const char *a);
void pass_refuse_store(struct pass *p, int result);

/* True when nothing was refused; else the caller is told, also when others were changed before that. */
bool pass_told(struct pass *p, struct call *c);

void pass_done(struct pass *p);

#endif
