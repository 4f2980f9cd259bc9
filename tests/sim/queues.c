/*
 * queues: the queues and mutexes of the simulation, and what must hold of them whenever something is
 * begun, whoever has begun what still goes on: this daemon or one before it.
 */
#include "tests/sim/sim.h"

#include <string.h>

/* A change of a queue, or a drain, is asked for and told; in between, and while claims fail, either may hold. */
#define CHANGE_TIME	USEC_MINUTE

static const char *const names[SIM_QUEUES] = { QUEUE_DEFAULT, QUEUE_SCHEDULE, "a", "b" };

void
queues_begin(struct sim *s)
{
	static const int64_t slots[SIM_QUEUES] = { SIM_DEFAULT, SIM_SCHEDULE, SIM_NAMED, SIM_NAMED };

	for (size_t i = 0; i < SIM_QUEUES; i++)
		s->queues[i] = (struct sim_queue){ .name = names[i], .slots = slots[i],
		    .was = slots[i], .set = slots[i], .changed = -USEC_DAY };
}

static struct sim_queue *
queue_find(struct sim *s, const char *name)
{
	for (size_t i = 0; i < SIM_QUEUES; i++) {
		if (strcmp(s->queues[i].name, name) == 0)
			return &s->queues[i];
	}
	sim_fail(s, "there is no queue %s", name);
}

/* Where the daemon says that it is changed. */
void
queue_told(struct sim *s, struct sim_queue *q, int64_t slots, bool paused)
{
	if (slots != q->slots || paused != q->paused) {
		/* Of two changes in a short time the greater number may still hold. */
		if (sim_now(s) - q->changed > CHANGE_TIME || q->slots > q->was)
			q->was = q->slots;
		q->changed = sim_now(s);
	}
	q->slots = slots;
	q->paused = paused;
	q->unsure = false;
}

/* The queue of a run: one that was asked for by hand is not in schedule. */
static const char *
queue_of(const struct exec *e)
{
	const char *name = job_spec_queue(e->spec);

	if (name != NULL && e->run->manual && strcmp(name, QUEUE_SCHEDULE) == 0)
		return QUEUE_DEFAULT;
	return name;
}

static int64_t
lesser(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void
check_slots(struct sim *s, const struct exec *e, struct sim_process *p)
{
	struct sim_queue *q = queue_find(s, p->queue);
	bool recent = sim_now(s) - q->changed <= CHANGE_TIME || q->unsure;
	int64_t most = recent && q->was > q->slots ? q->was : q->slots, taken = 0;
	int64_t least = recent ? lesser(q->was, q->slots) : q->slots;

	if (q->unsure)
		most = SIM_SLOTS_MAX;
	if (q->unsure)
		least = 1;
	p->slots = e->spec->slots > 1 ? e->spec->slots : 1;
	for (size_t i = 0; i < s->processes_n; i++) {
		const struct sim_process *other = &s->processes[i];

		if (!other->ended && other != p && other->queue != NULL &&
		    strcmp(other->queue, p->queue) == 0)
			taken += lesser(other->slots, least);
	}
	SIM_CHECK(s, taken + lesser(p->slots, least) <= most,
	    "%lld.%lld begun with %lld of %lld slots of %s taken",
	    (long long)p->job, (long long)p->run, (long long)taken, (long long)most, p->queue);
	SIM_CHECK(s, !q->paused || recent, "%lld.%lld begun while queue %s is paused",
	    (long long)p->job, (long long)p->run, p->queue);
}

void
queues_check_begin(struct sim *s, const struct exec *e, struct sim_process *p)
{
	const char *queue = queue_of(e);

	/* They outlive the spec. */
	for (size_t i = 0; queue != NULL && i < SIM_QUEUES; i++) {
		if (strcmp(names[i], queue) == 0)
			p->queue = names[i];
	}
	if (p->queue != NULL)
		check_slots(s, e, p);
	SIM_CHECK(s, s->life->drained == 0 || p->kind == KIND_HEARTBEAT || sim_now(s) - s->life->drained <= CHANGE_TIME,
	    "%lld.%lld begun while drained", (long long)p->job, (long long)p->run);
	if (e->spec->mutex == NULL)
		return;
	p->mutex = e->spec->mutex[0];
	for (size_t i = 0; i < s->processes_n; i++) {
		const struct sim_process *other = &s->processes[i];

		SIM_CHECK(s, other == p || other->ended || other->mutex != p->mutex,
		    "%lld.%lld begun while %lld.%lld has its mutex", (long long)p->job,
		    (long long)p->run, (long long)other->job, (long long)other->run);
	}
}

void
queues_audit(struct sim *s)
{
	struct queue_info info;

	if (s->life == NULL || s->life->root.done || !scheduler_recovered(s->life->scheduler))
		return;
	for (size_t i = 0; i < SIM_QUEUES; i++) {
		struct sim_queue *q = &s->queues[i];

		if (!scheduler_queue(s->life->scheduler, q->name, &info))
			continue;	/* nobody has named it yet */
		if (q->unsure)
			queue_told(s, q, info.slots, instant_is_set(info.paused));
		SIM_CHECK(s, info.slots == q->slots && instant_is_set(info.paused) == q->paused,
		    "queue %s has %lld slots, and was told %lld; paused %d, and %d", q->name,
		    (long long)info.slots, (long long)q->slots, instant_is_set(info.paused),
		    q->paused);
		queue_info_done(&info);
	}
}
