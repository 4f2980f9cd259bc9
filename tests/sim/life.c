/*
 * life: one daemon, from start to stop or death.  Death is a store that carries out nothing any
 * more: whatever the tasks still do in unwinding, the disk is as it was at that commit,
 * which is all that a dead process leaves; and memory is given back in order, so that the
 * sanitizers see real leaks only.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/mem.h"
#include "tests/sim/sim.h"

/*
 * Steps of the loop in one go, and until it must be over: about ten times what the busiest world of years
 * takes.  More of them are somebody who goes round in a circle while the clock stands still.
 */
#define STEPS_AT_ONCE	256
#define STEPS_MAX	2000000

/* The store's backend has no place for ours: there is one simulation at a time. */
static struct sim *simulated;
static struct backend backend;

static void
life_die(struct sim_life *life)
{
	life->dead = true;
	task_wake(&life->root);
}

static int
disk_begin(void *db)
{
	simulated->batch_n = 0;
	return simulated->life->dead ? -EIO : backend_sqlite.begin(db);
}

static int
disk_commit(void *db)
{
	struct sim *s = simulated;
	bool dies = s->die_in > 0 && --s->die_in == 0;
	int r;

	if (s->life->dead || (dies && !s->die_after) || s->fail > 0) {
		backend_sqlite.rollback(db);
		if (dies)
			life_die(s->life);
		if (s->fail > 0)
			s->fail--;
		return -EIO;
	}
	r = backend_sqlite.commit(db);
	/* How a new job stands is read from the store, which has all the ends of this commit. */
	for (size_t i = 0; r == 0 && i < s->batch_n; i++)
		after_committed(s, s->batch[i]);
	for (size_t i = 0; r == 0 && i < s->batch_n; i++)
		after_added(s, db, s->batch[i]);
	if (r == 0)
		after_told(s, db);
	if (!dies)
		return r;
	/* It is on the disk, and nobody hears of it any more. */
	life_die(s->life);
	return -EIO;
}

static int
disk_apply(void *db, struct store_op *op)
{
	struct sim *s = simulated;
	int r = s->life->dead ? -EIO : backend_sqlite.apply[op->kind](db, op);

	if (r == 0 && op->kind <= OP_SPREAD) {
		SIM_CHECK(s, s->batch_n < SIM_BATCH_MAX, "too many ops in a transaction");
		s->batch[s->batch_n++] = op;
	}
	return r;
}

/* By a client, who notes it before; or by retention, which asks nobody. */
static void
life_removed(struct sim *s, int64_t job)
{
	for (size_t i = 0; i < s->jobs_n; i++) {
		struct sim_job *j = &s->jobs[i];

		if (j->id != job || j->removed)
			continue;
		SIM_CHECK(s, sim_may_expire(s, j), "job %lld was removed, and nobody asked for it",
		    (long long)job);
		j->removed = true;
	}
}

/* Events come in order, without a gap that was not told. */
static enum task_status
watching_step(struct task *t)
{
	struct sim_life *life = container_of(t, struct sim_life, watching);
	struct sim *s = life->sim;
	struct event_info e;

	TASK_BEGIN(t);

	for (;;) {
		AWAIT(t, watcher_has(&life->watcher));
		if (t->err != 0)
			break;
		while (watcher_take(&life->watcher, &e)) {
			if (e.type != EVENT_LOST)
				SIM_CHECK(s, e.sequence == life->sequence + 1,
				    "event %lld after %lld",
				    (long long)e.sequence, (long long)life->sequence);
			life->sequence = e.sequence;
			sim_note(s, "event %s %lld.%lld state=%d job_state=%d %s",
			    event_type_names[e.type],
			    (long long)e.job, (long long)e.run, e.state, e.job_state,
			    e.reason != NULL ? e.reason : "");
			if (e.type == EVENT_JOB_REMOVED)
				life_removed(s, e.job);
			event_info_done(&e);
		}
	}
	watcher_stop(&life->watcher);
	TASK_END(t, 0);
}

/* Told at once, before anything else can happen. */
static bool
watching_wants(struct watcher *w, const struct event_info *e)
{
	struct sim *s = ((struct sim_life *)w->context)->sim;
	struct sim_job *j = sim_job_find(s, e->job);
	size_t i = 0;

	while (i < s->retries_n && (s->retries[i].job != e->job || s->retries[i].run != e->run))
		i++;
	if (j != NULL && (e->type == EVENT_RUN_STARTED || e->type == EVENT_RUN_ENDED))
		j->waits = e->type == EVENT_RUN_STARTED;
	if (e->run != 0 && i < s->retries_n)
		s->retries[i] = s->retries[--s->retries_n];
	if (e->type == EVENT_RUN_RETRYING && s->retries_n < SIM_RETRIES_MAX)
		s->retries[s->retries_n++] = (struct sim_retry){ e->job, e->run, e->retry_at };
	return true;
}

static enum task_status
root_step(struct task *t)
{
	struct sim_life *life = container_of(t, struct sim_life, root);

	TASK_BEGIN(t);

	AWAIT(t, life->stop || life->dead);

	TASK_END(t, 0);
}

static const struct task_kind root_kind = { .name = "sim", .step = root_step };
static const struct task_kind watching_kind = { .name = "watching", .step = watching_step };

static void
life_open(struct sim *s)
{
	struct sim_life *life = s->life;
	char error[STORE_ERROR_MAX];

	life->loop = loop_new(LOOP_VIRTUAL);
	SIM_CHECK(s, life->loop != NULL, "no loop");
	s->before -= loop_now(life->loop);
	/* The host goes on, whatever becomes of the daemon: its boot time is the true time since then. */
	loop_suspend(life->loop, s->before + USEC_SEC - s->booted);
	loop_set_wall(life->loop, s->wall);
	backend = backend_sqlite;
	backend.begin = disk_begin;
	backend.commit = disk_commit;
	for (int i = 0; i < OP_COUNT; i++)
		backend.apply[i] = disk_apply;
	simulated = s;
	life->store = store_open(&(struct store_config){ .directory = s->directory,
	    .backend = &backend,
	    /* Now and then so few that most of it is done afterwards. */
	    .told_max = s->seed % 3 == 0 ? 1 + (int)(s->seed % 2) : 0,
	    .mode = STORE_INLINE }, life->loop, error);
	SIM_CHECK(s, life->store != NULL, "the store does not open: %s", error);
}

void
life_start(struct sim *s)
{
	struct sim_life *life = xcalloc(1, sizeof(*life));

	s->life = life;
	s->lives++;
	life->sim = s;
	life_open(s);
	s->world = (struct exec_world){ .loop = life->loop, .executors = sim_executors };
	life->events = event_hub_new();
	life->zones = zones_new(NULL);
	life->scheduler = scheduler_new(&(struct scheduler_config){
		.zones = life->zones, .boot = s->boot,
		.loop = life->loop, .store = life->store, .world = &s->world,
		    .events = life->events,
		.running_max = {
			[KIND_COMMAND] = SIM_COMMANDS, [KIND_HTTP] = SIM_CHECKS,
			    [KIND_TIMER] = SIM_TIMERS, [KIND_HEARTBEAT] = SIM_HEARTBEATS,
		},
		/* So few that it is full now and then. */
		.window_jobs_max = 8,
		.seed = rand_next(&s->rand) | 1,
		.keep = &s->keep,
		.slots_default = SIM_DEFAULT, .slots_schedule = SIM_SCHEDULE,
		.slots_named = SIM_NAMED,
	});
	task_start_root(&life->root, &root_kind, life->loop);
	store_start_task(life->store, &life->root);
	task_start(&life->watching, &watching_kind, &life->root);
	life->watcher.wants = watching_wants;
	life->watcher.context = life;
	s->retries_n = 0;
	watcher_start(&life->watcher, life->events, &life->watching);
	scheduler_start(life->scheduler, &life->root);
	sim_note(s, "life %llu", (unsigned long long)s->lives);
}

void
life_run(struct sim *s, usec_t until)
{
	struct loop *l = s->life->loop;
	uint64_t begun = l->stats.steps;
	int r;

	do {
		r = loop_run_some(l, until, STEPS_AT_ONCE);
		SIM_CHECK(s, l->stats.steps - begun < STEPS_MAX, "it never ends: %llu steps, and the clock"
		    " stands at %lld usec, not at %lld", (unsigned long long)(l->stats.steps - begun),
		    (long long)loop_now(l), (long long)until);
	} while (r == 0);
	SIM_CHECK(s, r > 0, "loop: %s", strerror(-r));
}

void
life_end(struct sim *s)
{
	struct sim_life *life = s->life;
	usec_t now;

	sim_note(s, life->dead ? "died" : "stopped");
	SIM_CHECK(s, life->stop || life->dead, "it ended by itself");
	task_wake(&life->root);
	now = loop_now(life->loop);
	life_run(s, USEC_NEVER);
	SIM_CHECK(s, life->root.done && life->loop->stats.tasks == 0, "%llu tasks are left",
	    (unsigned long long)life->loop->stats.tasks);
	SIM_CHECK(s, loop_now(life->loop) == now, "stopping took %lld usec",
	    (long long)(loop_now(life->loop) - now));
	s->before += loop_now(life->loop);
	s->wall = loop_wall(life->loop);
	scheduler_free(life->scheduler);
	event_hub_free(life->events);
	zones_free(life->zones);
	store_close(life->store);
	loop_free(life->loop);
	free(life);
	s->life = NULL;
	s->die_in = s->fail = 0;
}
