/*
 * look: a call that names several jobs or runs looks at all of them before it changes the first, so that it changes
 * all or none.  What comes between the two, a run that begins just then, is told by pass_told().
 */
#ifndef SERVER_LOOK_H
#define SERVER_LOOK_H

#include "daemon/server/pass.h"

/*
 * Start a pass that changes nothing; of one target alone there is no half, and nothing is looked at.  Its kind has look_fill
 * (or look_last_fill), and took begins with look_allows().
 */
void look_start(struct pass *p, const struct pass_kind *kind, const struct targets *targets, struct task *parent);

/* The run that is named; of a job its newest active run, or (last) its newest. */
void look_fill(struct pass *p, union pass_op *op, const struct target *target);
void look_last_fill(struct pass *p, union pass_op *op, const struct target *target);

/* May the caller change it?  If not, it is refused in the pass or passed over; the op's runs are there only if so. */
bool look_allows(struct pass *p, const union pass_op *op, const struct target *target);

/* Whose jobs they are, alone; and that runs that are named are active. */
extern const struct pass_kind look_at_owners, look_at_runs;

#endif
