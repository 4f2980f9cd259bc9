/*
 * gate: a counting limit with a fair queue: at most `slots` inside at a time, first come first served.
 */
#ifndef ENGINE_GATE_H
#define ENGINE_GATE_H

#include <stdbool.h>
#include <stdint.h>

struct task;

struct gate_pass {
	struct gate_pass	*next, *prev;
	struct gate		*gate;
	struct task		*waiter;
	bool			 granted;
};

struct gate {
	int64_t			 slots;		/* may be changed by gate_set() */
	int64_t			 inside;
	int64_t			 waiting;
	struct gate_pass	*first, *last;	/* in line */
};

void gate_init(struct gate *g, int64_t slots);

/* Get in line; p->granted becomes true at once or later, and t is woken.  AWAIT(t, p->granted). */
void gate_enter(struct gate *g, struct gate_pass *p, struct task *t);

/* Leave, whether granted or still in line; lets the next one in.  Twice is fine. */
void gate_leave(struct gate_pass *p);

/* Change the number of slots; those inside stay. */
void gate_set(struct gate *g, int64_t slots);

/* Would an enter be granted at once? */
static inline bool
gate_is_open(const struct gate *g)
{
	return g->inside < g->slots && g->first == 0;
}

#endif
