/*
 * gate: see gate.h.  Always true: whoever is in line is there because all slots are taken
 * (inside >= slots), so a newcomer never overtakes.
 */
#include "daemon/engine/gate.h"

#include "daemon/base/must.h"
#include "daemon/engine/task.h"

void
gate_init(struct gate *g, int64_t slots)
{
	*g = (struct gate){ .slots = slots };
}

static void
line_remove(struct gate *g, struct gate_pass *p)
{
	if (p->prev != NULL)
		p->prev->next = p->next;
	else
		g->first = p->next;
	if (p->next != NULL)
		p->next->prev = p->prev;
	else
		g->last = p->prev;
	p->next = p->prev = NULL;
	g->waiting--;
}

/* Let in as many as there is room for. */
static void
let_in(struct gate *g)
{
	while (g->first != NULL && g->inside < g->slots) {
		struct gate_pass *p = g->first;

		line_remove(g, p);
		g->inside++;
		p->granted = true;
		task_wake(p->waiter);
	}
}

void
gate_enter(struct gate *g, struct gate_pass *p, struct task *t)
{
	*p = (struct gate_pass){ .gate = g, .waiter = t, .prev = g->last };
	if (g->last != NULL)
		g->last->next = p;
	else
		g->first = p;
	g->last = p;
	g->waiting++;
	let_in(g);
}

void
gate_leave(struct gate_pass *p)
{
	struct gate *g = p->gate;

	if (g == NULL)
		return;
	p->gate = NULL;
	if (!p->granted) {
		line_remove(g, p);
		return;
	}
	p->granted = false;
	MUST(g->inside > 0);
	g->inside--;
	let_in(g);
}

void
gate_set(struct gate *g, int64_t slots)
{
	g->slots = slots;
	let_in(g);
}
