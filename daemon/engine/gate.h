/*
 * gate: a counting limit with a fair queue: at most `slots` inside at a time, first come first served.
 */
#ifndef ENGINE_GATE_H
#define ENGINE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct task;

struct gate_pass {
	struct gate_pass	*next, *prev;	/* in line */
	struct gate		*gate;		/* NULL: neither in line nor inside */
	struct task		*waiter;
	bool			 granted;
};

struct gate {
	int64_t			 slots;		/* changed by gate_set() alone */
	int64_t			 inside;
	int64_t			 waiting;
	struct gate_pass	*first, *last;	/* in line */
};

void gate_init(struct gate *g, int64_t slots);

/*
 * Get in line; p->granted becomes true at once, or later, and t is woken then: AWAIT(t, p->granted).
 * The pass is the gate's until gate_leave(), however the wait ends.
 */
void gate_enter(struct gate *g, struct gate_pass *p, struct task *t);

/* Leave, whether granted or still in line; lets the next one in.  Twice is fine, so is a pass of zeroes. */
void gate_leave(struct gate_pass *p);

/* Change the number of slots (0 shuts it); those inside stay. */
void gate_set(struct gate *g, int64_t slots);

/* Would an enter be granted at once? */
static inline bool
gate_is_open(const struct gate *g)
{
	return g->inside < g->slots && g->first == NULL;
}

#endif
