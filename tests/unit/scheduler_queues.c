/*
 * Queues, priorities, mutexes, rates and overlap modes: the scheduler on a virtual clock, on either
 * store.  The executor counts: whatever starts, no queue has more slots taken than it has, and no mutex
 * has two holders.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/base/rand.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "tests/harness/replayed.h"
#include "tests/harness/scheduled.h"

#define SEEN_MAX	40000
#define NAMES_MAX	16
#define WINDOW_MAX	64
#define SLOTS_DEFAULT	4
#define SLOTS_SCHEDULE_NOW 6

/* A queue or a mutex as the executor counts it. */
struct counted {
	char	name[32];
	int64_t	slots, taken, most;
};

struct fixture {
	struct scheduled	 d;
	struct watcher		 watcher;
	instant			 began;
	bool			 stubborn;
	bool			 unlike;	/* it is not decided again: the record does not have all that matters */
	struct event_info	 seen[SEEN_MAX];
	size_t			 seen_n;
	int64_t			 live, live_most;
	struct counted		 queues[NAMES_MAX], mutexes[NAMES_MAX];
};

static struct fixture *fix;
static bool on_memory;
static int64_t window_max = WINDOW_MAX;

/* ---- an executor that counts ---- */

struct scripted {
	struct exec	 exec;
	usec_t		 ends;
	int64_t		 slots;
	struct counted	*queue, *mutex;
};

static struct counted *
counted_find(struct counted *all, const char *name)
{
	struct counted *c = all;

	while (c->name[0] != '\0' && strcmp(c->name, name) != 0)
		c++;
	assert_true(c < all + NAMES_MAX);
	(void)snprintf(c->name, sizeof(c->name), "%s", name);
	return c;
}

static void
take(struct counted *c, int64_t n)
{
	c->taken += n;
	if (c->taken > c->most)
		c->most = c->taken;
	if (c->slots > 0 && c->taken > c->slots)
		fail_msg("%s: %" PRId64 " of %" PRId64 " taken", c->name, c->taken, c->slots);
}

static void
scripted_begin(struct scripted *f)
{
	const struct job_spec *spec = f->exec.spec;
	usec_t lasts = spec->timer != NULL ? spec->timer->duration : spec->timeout;

	f->ends = loop_now(fix->d.loop) + lasts -
	    (f->exec.adopt ? instant_since(loop_wall(fix->d.loop), f->exec.run->started) : 0);
	if (++fix->live > fix->live_most)
		fix->live_most = fix->live;
	f->queue = counted_find(fix->queues, job_spec_queue(spec) != NULL ? job_spec_queue(spec) : "-");
	f->slots = spec->slots > 1 ? spec->slots : 1;
	if (f->queue->slots > 0 && f->slots > f->queue->slots)
		f->slots = f->queue->slots;
	take(f->queue, f->slots);
	if (spec->mutex == NULL)
		return;
	f->mutex = counted_find(fix->mutexes, spec->mutex);
	f->mutex->slots = 1;
	take(f->mutex, 1);
}

static void
scripted_over(struct scripted *f)
{
	fix->live--;
	f->queue->taken -= f->slots;
	if (f->mutex != NULL)
		f->mutex->taken--;
}

static enum task_status
scripted_step(struct task *t)
{
	struct scripted *f = container_of(t, struct scripted, exec.task);

	TASK_BEGIN(t);

	scripted_begin(f);
	AWAIT_UNTIL(t, f->ends, f->exec.cancel && !fix->stubborn);
	if (t->err == -ECANCELED)
		f->exec.run->state = RUN_RUNNING;
	else
		f->exec.run->state = f->exec.cancel ? RUN_CANCELED : RUN_SUCCEEDED;
	scripted_over(f);

	TASK_END(t, 0);
}

static const struct task_kind scripted_kind = { .name = "scripted", .step = scripted_step };
static const struct executor scripted = { .frame_size = sizeof(struct scripted),
    .kind = &scripted_kind };
static const struct executor *const executors[KIND_COUNT] = { &scripted, &scripted, &scripted };

/* ---- one daemon ---- */

static bool
see(struct watcher *w, const struct event_info *e)
{
	(void)w;
	assert_true(fix->seen_n < SEEN_MAX);
	fix->seen[fix->seen_n] = *e;
	fix->seen[fix->seen_n].name = fix->seen[fix->seen_n].reason = NULL;
	fix->seen_n++;
	return false;
}

static void
daemon_start(instant wall)
{
	counted_find(fix->queues, QUEUE_DEFAULT)->slots = SLOTS_DEFAULT;
	counted_find(fix->queues, QUEUE_SCHEDULE)->slots = SLOTS_SCHEDULE_NOW;
	fix->watcher.wants = see;
	scheduled_start(&fix->d, (struct scheduled_start){
		.wall = wall, .recorded = true, .executors = executors, .watcher = &fix->watcher,
		.config = { .running_max = { 100, 100, 100 }, .window_jobs_max = window_max,
		    .slots_default = SLOTS_DEFAULT, .slots_schedule = SLOTS_SCHEDULE_NOW },
	});
}

static instant
daemon_stop(void)
{
	if (!fix->unlike)
		replayed_is_the_same(fix->d.loop, fix->d.zones);
	return scheduled_stop(&fix->d);
}

static void
run_for(usec_t time)
{
	scheduled_run_for(&fix->d, time);
}

static void
daemon_restart(usec_t down)
{
	daemon_start(instant_add(daemon_stop(), down));
	run_for(0);
}

static int
setup(void **state)
{
	(void)state;
	fix = xcalloc(1, sizeof(*fix));
	scheduled_init(&fix->d, on_memory);
	daemon_start((instant){ 0 });
	fix->began = loop_wall(fix->d.loop);
	run_for(0);
	return 0;
}

static int
setup_memory(void **state)
{
	on_memory = true;
	return setup(state);
}

static int
teardown(void **state)
{
	(void)state;
	(void)daemon_stop();
	scheduled_done(&fix->d);
	on_memory = false;
	free(fix);
	return 0;
}

/* ---- what the server would do ---- */

static int
ask(struct store_op *op, enum op_kind kind)
{
	return scheduled_do(&fix->d, op, kind);
}

struct want {
	const char	*queue, *mutex;
	int		 priority, slots, overlap, limit, misfire;
	int64_t		 uid;
	bool		 command;
	usec_t		 in, every, lasts;
};

/* Add n jobs alike in one transaction; the first one's id. */
static int64_t
add_many(struct want want, size_t n)
{
	struct timer_spec timer = { want.lasts };
	struct strings argv = { .n = 0 };
	struct command_spec command = { .user = NULL };
	struct job_spec spec = { .every = want.every, .overlap = want.overlap,
	    .overlap_limit = want.limit, .priority = want.priority, .slots = want.slots,
	    .queue = (char *)(uintptr_t)want.queue, .mutex = (char *)(uintptr_t)want.mutex,
	    .misfire = want.misfire };
	struct job_new *jobs = xcalloc(n, sizeof(*jobs));
	struct op_add add = { .jobs = jobs, .n = n, .now = loop_wall(fix->d.loop), .uid = want.uid };
	struct cJSON *object;
	int64_t id;
	char *json;

	strings_add(&argv, "true");
	command.argv = argv;
	spec.timer = want.command ? NULL : &timer;
	spec.command = want.command ? &command : NULL;
	spec.timeout = want.command ? want.lasts : 0;
	object = fields_write(job_spec_fields, &spec);
	json = json_print(object);
	json_free(object);
	for (size_t i = 0; i < n; i++)
		jobs[i] = (struct job_new){ .spec = &spec, .spec_json = json, .summary = "",
		    .due = instant_add(add.now, want.in) };
	assert_int_equal(ask(&add.op, OP_ADD), 0);
	for (size_t i = 0; i < n; i++) {
		struct due_row row = { .due = jobs[i].due, .id = jobs[i].id, .every = want.every,
		    .misfire = want.misfire, .kind = want.command ? KIND_COMMAND : KIND_TIMER,
		    .uid = want.uid, .terms = terms_of(&spec) };

		scheduler_job_added(fix->d.scheduler, &row, NULL, false);
	}
	id = jobs[0].id;
	strings_done(&argv);
	free(json);
	free(jobs);
	return id;
}

static int64_t
add(struct want want)
{
	return add_many(want, 1);
}

static int64_t
trigger(int64_t job)
{
	struct op_trigger op = { .job = job, .now = loop_wall(fix->d.loop), .uid = -1 };
	int64_t run;

	assert_int_equal(ask(&op.op, OP_TRIGGER), 0);
	run = op.run;
	scheduler_run_queued(fix->d.scheduler, &op);
	op_trigger_done(&op);
	return run;
}

static void
cancel(int64_t job, int64_t run)
{
	struct op_cancel op = { .job = job, .run = run, .now = loop_wall(fix->d.loop), .uid = -1,
	    .by = "uid 7" };

	assert_int_equal(ask(&op.op, OP_CANCEL), 0);
	scheduler_run_canceled(fix->d.scheduler, &op);
	op_cancel_done(&op);
}

static void
pause_job(int64_t job)
{
	struct op_pause op = { .job = job, .paused = true, .uid = -1, .now = loop_wall(fix->d.loop) };

	assert_int_equal(ask(&op.op, OP_PAUSE), 0);
	scheduler_job_paused(fix->d.scheduler, job, op.name, op.job_state);
	op_pause_done(&op);
}

/* Change a queue, as by SetQueue: what is -1 stays. */
static void
queue_change(struct op_queue_set op)
{
	op.by = "uid 7";
	op.now = loop_wall(fix->d.loop);
	if (ask(&op.op, OP_QUEUE_SET) == -ENOENT) {
		op.create = true;
		assert_int_equal(ask(&op.op, OP_QUEUE_SET), 0);
	}
	scheduler_queue_set(fix->d.scheduler, &op.row);
	if (op.slots > 0)
		counted_find(fix->queues, op.name)->slots = op.slots;
	op_queue_set_done(&op);
}

static void
queue_set(const char *name, int64_t slots, int64_t paused, int64_t rate)
{
	queue_change((struct op_queue_set){ .name = name, .slots = slots, .paused = paused,
	    .rate = rate, .rate_usec = rate > 0 ? rate * USEC_SEC : -1 });
}

/* One start in so long; 0: as many as come. */
static void
queue_set_distance(const char *name, usec_t distance)
{
	queue_change((struct op_queue_set){ .name = name, .slots = -1, .paused = -1,
	    .rate = distance > 0, .rate_usec = distance });
}

/* ---- what was seen ---- */

static int
seen(enum event_type type, int64_t job)
{
	int n = 0;

	for (size_t i = 0; i < fix->seen_n; i++)
		n += fix->seen[i].type == (int)type && (job == 0 || fix->seen[i].job == job);
	return n;
}

/* When a run began or ended, since the beginning; -1: it has not. */
static usec_t
seen_at(enum event_type type, int64_t job, int64_t run)
{
	for (size_t i = 0; i < fix->seen_n; i++) {
		if (fix->seen[i].type == (int)type && fix->seen[i].job == job &&
		    fix->seen[i].run == run)
			return instant_since(fix->seen[i].at, fix->began);
	}
	return -1;
}

static int64_t
most(const char *queue)
{
	return counted_find(fix->queues, queue)->most;
}

/* Jobs in the order in which they were started. */
static void
started_in_order(const int64_t *jobs, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < fix->seen_n && k < n; i++) {
		if (fix->seen[i].type != EVENT_RUN_STARTED)
			continue;
		if (fix->seen[i].job != jobs[k])
			fail_msg("start %zu was of %" PRId64 ", not %" PRId64, k, fix->seen[i].job,
			    jobs[k]);
		k++;
	}
	assert_int_equal(k, n);
}

static struct op_get
got(int64_t job)
{
	struct op_get op = { .id = job, .runs_max = 100 };

	assert_int_equal(ask(&op.op, OP_GET), 0);
	return op;
}

static int64_t
skips_of(int64_t job)
{
	struct op_get op = got(job);
	int64_t skips = op.job.skips;

	op_get_done(&op);
	return skips;
}

/* The job is a timer of these terms from now on. */
static void
edit(int64_t job, struct job_spec spec, usec_t lasts)
{
	struct timer_spec timer = { lasts };
	struct op_edit op = { .job = job, .spec = &spec, .summary = "", .uid = -1, .hold = -1,
	    .now = loop_wall(fix->d.loop) };
	struct cJSON *object;
	char *json;

	spec.timer = &timer;
	object = fields_write(job_spec_fields, &spec);
	op.spec_json = json = json_print(object);
	assert_int_equal(ask(&op.op, OP_EDIT), 0);
	scheduler_job_edited(fix->d.scheduler, &op);
	op_edit_done(&op);
	json_free(object);
	free(json);
}

/* ---- slots and order ---- */

static void
no_more_run_than_the_queue_has_slots(void **state)
{
	(void)state;
	queue_set("q", 3, -1, -1);
	add_many((struct want){ .queue = "q", .lasts = USEC_SEC }, 20);
	run_for(USEC_MINUTE);
	assert_int_equal(most("q"), 3);
	assert_int_equal(seen(EVENT_RUN_ENDED, 0), 20);
}

static void
queued_runs_stand_where_their_edited_job_says(void **state)
{
	char m[] = "m", q[] = "q";
	int64_t job = add((struct want){ .lasts = 10 * USEC_SEC });
	int64_t holder;

	(void)state;
	queue_set("q", 1, -1, -1);
	run_for(USEC_SEC);
	trigger(job);
	trigger(job);
	holder = add((struct want){ .mutex = "m", .lasts = USEC_MINUTE });
	run_for(USEC_SEC);
	edit(job, (struct job_spec){ .mutex = m, .overlap = OVERLAP_PARALLEL, .overlap_limit = 9 },
	    10 * USEC_SEC);
	run_for(30 * USEC_SEC);
	assert_int_equal(seen(EVENT_RUN_ENDED, job), 1);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 1);
	/* Without the mutex, and beside one another; but the queue stands still. */
	queue_set("q", -1, true, -1);
	edit(job, (struct job_spec){ .queue = q, .overlap = OVERLAP_PARALLEL, .overlap_limit = 9 },
	    10 * USEC_SEC);
	run_for(USEC_SEC);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 1);
	queue_set("q", 2, false, -1);
	run_for(USEC_SEC);
	assert_int_equal(seen(EVENT_RUN_ENDED, holder), 0);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 3);
	run_for(USEC_MINUTE);
	assert_int_equal(most("q"), 2);
	assert_int_equal(seen(EVENT_RUN_ENDED, job), 3);
}

static void
a_queue_that_is_only_named_has_one_slot(void **state)
{
	struct queue_info q;

	(void)state;
	add_many((struct want){ .queue = "new", .lasts = USEC_SEC }, 5);
	run_for(2500 * USEC_MSEC);
	assert_int_equal(most("new"), 1);
	assert_int_equal(seen(EVENT_RUN_ENDED, 0), 2);
	assert_true(scheduler_queue(fix->d.scheduler, "new", &q));
	assert_int_equal(q.slots, 1);
	assert_int_equal(q.running, 1);
	assert_int_equal(q.waiting, 2);
	queue_info_done(&q);
}

static void
many_commands_at_once_take_the_slots_of_default_and_hold_up_no_schedule(void **state)
{
	int64_t repeated;

	(void)state;
	add_many((struct want){ .command = true, .lasts = USEC_HOUR }, 500);
	repeated = add((struct want){ .command = true, .every = 10 * USEC_SEC, .lasts = USEC_SEC });
	run_for(USEC_MINUTE - 1);
	assert_int_equal(most(QUEUE_DEFAULT), SLOTS_DEFAULT);
	assert_int_equal(seen(EVENT_RUN_STARTED, repeated), 6);
	assert_int_equal(skips_of(repeated), 0);
	/* By hand it waits with the others. */
	assert_int_equal(trigger(repeated), 7);
	run_for(5 * USEC_SEC);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, repeated, 7), -1);
}

static void
timers_without_a_queue_are_in_none(void **state)
{
	(void)state;
	add_many((struct want){ .lasts = USEC_SEC }, 40);
	run_for(0);
	assert_int_equal(fix->live, 40);
}

static void
the_higher_priority_goes_first_then_who_came_first(void **state)
{
	int64_t order[7];

	(void)state;
	order[0] = add((struct want){ .queue = "q", .lasts = USEC_SEC });
	run_for(0);
	order[5] = add_many((struct want){ .queue = "q", .lasts = USEC_SEC, .priority = -1 }, 2);
	order[6] = order[5] + 1;
	order[2] = add_many((struct want){ .queue = "q", .lasts = USEC_SEC }, 3);
	order[3] = order[2] + 1;
	order[4] = order[2] + 2;
	order[1] = add((struct want){ .queue = "q", .lasts = USEC_SEC, .priority = 10 });
	run_for(USEC_MINUTE);
	started_in_order(order, 7);
}

static void
users_take_turns_in_a_queue(void **state)
{
	int64_t many, order[6];

	(void)state;
	many = add_many((struct want){ .queue = "q", .lasts = USEC_SEC, .uid = 1 }, 300);
	run_for(2 * USEC_SEC - 1);
	order[0] = many;
	order[1] = many + 1;
	/* One that comes now waits for one start of the other at most; its second for one more. */
	order[2] = add_many((struct want){ .queue = "q", .lasts = USEC_SEC, .uid = 2 }, 2);
	order[3] = many + 2;
	order[4] = order[2] + 1;
	order[5] = many + 3;
	run_for(4 * USEC_SEC);
	if (seen_at(EVENT_RUN_STARTED, many + 2, 1) < seen_at(EVENT_RUN_STARTED, order[2], 1)) {
		order[3] = order[2];
		order[2] = many + 2;
		order[5] = order[4];
		order[4] = many + 3;
	}
	started_in_order(order, 6);
	run_for(10 * USEC_MINUTE);
	assert_int_equal(seen(EVENT_RUN_ENDED, 0), 302);
}

static void
who_comes_again_and_again_gets_no_more_than_his_turns(void **state)
{
	int64_t many = add_many((struct want){ .queue = "q", .lasts = USEC_SEC, .uid = 1 }, 20);
	int of_many = 0;

	(void)state;
	for (int i = 0; i < 20; i++) {
		add((struct want){ .queue = "q", .lasts = USEC_SEC, .uid = 2 });
		run_for(USEC_SEC);
	}
	for (int64_t job = many; job < many + 20; job++)
		of_many += seen(EVENT_RUN_STARTED, job);
	assert_true(of_many >= 9);
}

static void
one_that_takes_several_slots_is_not_starved_by_small_ones(void **state)
{
	int64_t wide, urgent;

	(void)state;
	queue_set("q", 4, -1, -1);
	add_many((struct want){ .queue = "q", .lasts = 10 * USEC_SEC }, 3);
	run_for(USEC_SEC);
	wide = add((struct want){ .queue = "q", .lasts = USEC_SEC, .slots = 3 });
	add_many((struct want){ .queue = "q", .lasts = 10 * USEC_SEC }, 50);
	run_for(USEC_SEC);
	urgent = add((struct want){ .queue = "q", .lasts = USEC_SEC, .priority = 1 });
	run_for(USEC_MINUTE);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, urgent, 1), 2 * USEC_SEC);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, wide, 1), 10 * USEC_SEC);
}

static void
one_that_asks_for_more_than_there_is_runs_alone(void **state)
{
	int64_t wide;

	(void)state;
	queue_set("q", 2, -1, -1);
	add((struct want){ .queue = "q", .lasts = 10 * USEC_SEC });
	wide = add((struct want){ .queue = "q", .lasts = 5 * USEC_SEC, .slots = 100 });
	add((struct want){ .queue = "q", .lasts = USEC_SEC });
	run_for(USEC_MINUTE);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, wide, 1), 10 * USEC_SEC);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, wide + 1, 1), 15 * USEC_SEC);
}

static void
fewer_slots_hold_from_the_next_start_on(void **state)
{
	(void)state;
	queue_set("q", 4, -1, -1);
	add_many((struct want){ .queue = "q", .lasts = 10 * USEC_SEC }, 12);
	run_for(5 * USEC_SEC);
	assert_int_equal(fix->live, 4);
	counted_find(fix->queues, "q")->slots = 0;	/* four still run */
	queue_set("q", 1, -1, -1);
	counted_find(fix->queues, "q")->slots = 0;
	run_for(10 * USEC_SEC);
	assert_int_equal(fix->live, 1);
	queue_set("q", 3, -1, -1);
	run_for(0);
	assert_int_equal(fix->live, 3);
}

/* ---- mutexes ---- */

static void
jobs_with_one_mutex_never_run_together_whatever_their_queues(void **state)
{
	(void)state;
	queue_set("a", 5, -1, -1);
	for (int i = 0; i < 10; i++) {
		add((struct want){ .queue = i % 2 == 0 ? "a" : NULL, .mutex = "m",
		    .lasts = USEC_SEC });
	}
	run_for(USEC_MINUTE);
	assert_int_equal(counted_find(fix->mutexes, "m")->most, 1);
	assert_int_equal(seen(EVENT_RUN_ENDED, 0), 10);
	/* One after another, with nothing between. */
	assert_int_equal(fix->live, 0);
	run_for(0);
	for (int64_t job = 1; job <= 10; job++)
		assert_true(seen_at(EVENT_RUN_ENDED, job, 1) <= 10 * USEC_SEC);
}

static void
one_that_waits_for_a_mutex_blocks_nobody_and_keeps_its_place(void **state)
{
	int64_t order[5];

	(void)state;
	order[0] = add((struct want){ .mutex = "m", .lasts = 5 * USEC_SEC });
	run_for(0);
	order[3] = add((struct want){ .queue = "q", .mutex = "m", .lasts = USEC_SEC });
	order[1] = add_many((struct want){ .queue = "q", .lasts = 3 * USEC_SEC }, 4);
	order[2] = order[1] + 1;
	order[4] = order[1] + 2;
	run_for(USEC_MINUTE);
	/* At 0 and 3 the others; at 5 it is free, at 6 the slot. */
	started_in_order(order, 5);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, order[3], 1), 6 * USEC_SEC);
}

static void
a_mutex_goes_on_when_its_next_is_gone(void **state)
{
	int64_t first = add((struct want){ .mutex = "m", .lasts = USEC_SEC }), last;

	(void)state;
	run_for(0);
	queue_set("shut", 1, 1, -1);
	/* Each of these comes before the last one, and does not take it. */
	add((struct want){ .queue = "shut", .mutex = "m", .lasts = USEC_SEC });
	pause_job(add((struct want){ .mutex = "m", .lasts = USEC_SEC }));
	cancel(first, trigger(first));
	last = add((struct want){ .mutex = "m", .lasts = USEC_SEC });
	run_for(10 * USEC_SEC);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, last, 1), USEC_SEC);
}

static void
a_mutex_is_not_lost_with_one_that_was_to_have_it(void **state)
{
	int64_t next;

	(void)state;
	add((struct want){ .mutex = "m", .lasts = USEC_SEC });
	add((struct want){ .queue = "q", .lasts = 5 * USEC_SEC });
	run_for(0);
	next = add((struct want){ .queue = "q", .mutex = "m", .lasts = USEC_SEC });
	add((struct want){ .queue = "q", .mutex = "m", .lasts = USEC_SEC });
	/* Since 1 it is free, and `next` in line again, for the slot. */
	run_for(2 * USEC_SEC);
	pause_job(next);
	run_for(10 * USEC_SEC);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, next, 1), -1);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, next + 1, 1), 5 * USEC_SEC);
}

static void
slots_and_mutexes_are_taken_again_after_a_restart(void **state)
{
	int64_t waits;

	(void)state;
	queue_set("q", 2, -1, -1);
	add_many((struct want){ .queue = "q", .lasts = 20 * USEC_SEC }, 2);
	add((struct want){ .mutex = "m", .lasts = 20 * USEC_SEC });
	run_for(USEC_SEC);
	waits = add((struct want){ .queue = "q", .lasts = USEC_SEC });
	add((struct want){ .mutex = "m", .lasts = USEC_SEC });
	run_for(USEC_SEC);
	daemon_restart(USEC_SEC);
	run_for(USEC_SEC);
	assert_int_equal(fix->live, 3);
	run_for(USEC_MINUTE);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, waits, 1), 20 * USEC_SEC);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, waits + 1, 1), 20 * USEC_SEC);
}

/* ---- pauses, rates, backlogs ---- */

static void
a_paused_queue_starts_nothing_even_after_a_restart(void **state)
{
	struct queue_info q;
	int64_t job;

	(void)state;
	queue_set("q", -1, 1, -1);
	job = add((struct want){ .queue = "q", .lasts = USEC_SEC });
	trigger(job);
	run_for(USEC_HOUR);
	daemon_restart(USEC_SEC);
	run_for(USEC_HOUR);
	assert_int_equal(seen(EVENT_RUN_STARTED, 0), 0);
	assert_true(scheduler_queue(fix->d.scheduler, "q", &q));
	assert_int_equal(instant_since(q.paused, fix->began), 0);
	assert_string_equal(q.paused_by, "uid 7");
	queue_info_done(&q);
	queue_set("q", -1, 0, -1);
	run_for(USEC_MINUTE);
	assert_int_equal(seen(EVENT_RUN_ENDED, job), 2);
}

static void
drain(bool on)
{
	scheduler_drain(fix->d.scheduler, on ? loop_wall(fix->d.loop) : (instant){ 0 }, 7);
}

static struct drain_info
drained(void)
{
	struct drain_info info;

	scheduler_drain_info(fix->d.scheduler, &info);
	return info;
}

static void
drained_it_begins_nothing_and_what_runs_ends(void **state)
{
	int64_t going = add((struct want){ .lasts = 10 * USEC_SEC });

	(void)state;
	run_for(USEC_SEC);
	drain(true);
	add((struct want){ .lasts = USEC_SEC });
	add((struct want){ .queue = "q", .lasts = USEC_SEC });
	add((struct want){ .command = true, .lasts = USEC_SEC });
	trigger(going);
	run_for(USEC_SEC);
	assert_int_equal(instant_since(drained().since, fix->began), USEC_SEC);
	assert_int_equal(drained().uid, 7);
	assert_int_equal(drained().running, 1);
	assert_int_equal(drained().waiting, 4);
	run_for(USEC_HOUR);
	assert_int_equal(seen(EVENT_RUN_STARTED, 0), 1);
	assert_int_equal(seen(EVENT_RUN_ENDED, going), 1);
	assert_int_equal(drained().running, 0);
	/* Once more it stays as it is, and since when. */
	drain(true);
	assert_int_equal(instant_since(drained().since, fix->began), USEC_SEC);
	drain(false);
	assert_false(instant_is_set(drained().since));
	run_for(USEC_MINUTE);
	assert_int_equal(seen(EVENT_RUN_ENDED, 0), 5);
	assert_int_equal(drained().waiting, 0);
}

static void
not_drained_any_more_all_begin_in_their_order(void **state)
{
	int64_t order[4];

	(void)state;
	drain(true);
	order[1] = add_many((struct want){ .queue = "q", .lasts = USEC_SEC }, 2);
	order[2] = order[1] + 1;
	order[3] = add((struct want){ .queue = "q", .lasts = USEC_SEC, .priority = -1 });
	run_for(USEC_MINUTE);
	order[0] = add((struct want){ .queue = "q", .lasts = USEC_SEC, .priority = 1 });
	run_for(USEC_MINUTE);
	drain(false);
	run_for(USEC_MINUTE);
	started_in_order(order, 4);
	assert_int_equal(most("q"), 1);
}

/* Of the latest that piled up there is one run, and the others are skipped. */
static void
what_piles_up_while_drained_is_as_behind_a_paused_queue(void **state)
{
	const struct want behind = { .queue = "p", .every = 10 * USEC_SEC, .lasts = USEC_SEC };
	const struct want want = { .every = 10 * USEC_SEC, .lasts = USEC_SEC };
	int64_t paused, job;

	(void)state;
	queue_set("p", -1, 1, -1);
	paused = add(behind);
	job = add(want);
	drain(true);
	run_for(65 * USEC_SEC);
	assert_int_equal(seen(EVENT_RUN_STARTED, 0), 0);
	queue_set("p", -1, 0, -1);
	drain(false);
	run_for(3 * USEC_SEC);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 1);
	assert_int_equal(seen(EVENT_RUN_STARTED, paused), 1);
	assert_int_equal(skips_of(job), 6);
	assert_int_equal(skips_of(paused), 6);
	run_for(10 * USEC_SEC);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 2);
}

static void
a_pause_in_the_midst_of_a_drain_holds_after_it(void **state)
{
	int64_t job;

	(void)state;
	drain(true);
	job = add((struct want){ .queue = "q", .lasts = USEC_SEC });
	queue_set("q", -1, 1, -1);
	run_for(USEC_MINUTE);
	drain(false);
	run_for(USEC_MINUTE);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 0);
	queue_set("q", -1, 0, -1);
	run_for(USEC_MINUTE);
	assert_int_equal(seen(EVENT_RUN_ENDED, job), 1);
}

static void
a_restart_ends_a_drain_and_nothing_is_lost(void **state)
{
	int64_t job;

	(void)state;
	drain(true);
	job = add((struct want){ .lasts = USEC_SEC });
	trigger(job);
	run_for(USEC_MINUTE);
	assert_int_equal(seen(EVENT_RUN_STARTED, 0), 0);
	daemon_restart(USEC_SEC);
	run_for(USEC_MINUTE);
	assert_false(instant_is_set(drained().since));
	assert_int_equal(seen(EVENT_RUN_ENDED, job), 2);
}

/* Behind the edit it is drained from the beginning: what is there at the end says so, or how it changes. */
static void
a_replay_that_begins_drained_is_the_same(void **state)
{
	struct replay_report r;
	int64_t job;

	(void)state;
	job = add((struct want){ .in = USEC_DAY, .lasts = USEC_SEC });
	drain(true);
	run_for(USEC_SEC);
	edit(job, (struct job_spec){ .in = USEC_DAY }, USEC_SEC);
	add((struct want){ .lasts = USEC_SEC });
	run_for(USEC_MINUTE);
	replayed(fix->d.loop, fix->d.zones, &r);
	assert_true(r.ran);
	assert_false(r.differs);
	assert_non_null(strstr(r.why, "edited"));
	drain(false);
	run_for(USEC_MINUTE);
	assert_int_equal(seen(EVENT_RUN_ENDED, 0), 1);
	replayed(fix->d.loop, fix->d.zones, &r);
	assert_true(r.ran);
	assert_false(r.differs);
	assert_true(r.same > 0);
}

static void
what_is_due_and_stands_in_line_counts_as_queued(void **state)
{
	struct scheduler_stats stats;
	int64_t job;

	(void)state;
	queue_set("q", 4, -1, -1);
	job = add_many((struct want){ .queue = "q", .lasts = 10 * USEC_SEC }, 7);
	run_for(USEC_SEC);
	scheduler_stats(fix->d.scheduler, &stats);
	assert_int_equal(stats.running, 4);
	assert_int_equal(stats.queued, 3);
	trigger(job);
	scheduler_stats(fix->d.scheduler, &stats);
	assert_int_equal(stats.queued, 4);
	run_for(USEC_MINUTE);
	scheduler_stats(fix->d.scheduler, &stats);
	assert_int_equal(stats.queued, 0);
}

static void
a_paused_backlog_greater_than_the_window_keeps_nothing_else_waiting(void **state)
{
	int64_t other;

	(void)state;
	queue_set("q", 2, 1, -1);
	for (int i = 0; i < 10; i++)
		add_many((struct want){ .queue = "q", .lasts = USEC_MSEC }, 100);
	run_for(USEC_SEC);
	other = add((struct want){ .every = 10 * USEC_SEC, .lasts = USEC_SEC });
	run_for(USEC_HOUR - 1);
	assert_int_equal(seen(EVENT_RUN_STARTED, other), 360);
	daemon_restart(0);
	run_for(USEC_HOUR);
	assert_true(seen(EVENT_RUN_STARTED, other) >= 719);
	assert_int_equal(skips_of(other), 0);
	queue_set("q", -1, 0, -1);
	run_for(USEC_MINUTE);
	assert_int_equal(most("q"), 2);
	assert_int_equal(seen(EVENT_RUN_ENDED, 0) - seen(EVENT_RUN_ENDED, other), 1000);
}

static void
a_backlog_runs_in_its_order_and_an_urgent_one_overtakes_it(void **state)
{
	int64_t first = 0, urgent, before = 0;

	(void)state;
	for (int i = 0; i < 5; i++) {
		int64_t id = add_many((struct want){ .queue = "q", .lasts = USEC_SEC }, 100);

		first = first == 0 ? id : first;
	}
	run_for(10 * USEC_SEC - 1);
	urgent = add((struct want){ .queue = "q", .lasts = USEC_SEC, .priority = 1 });
	run_for(20 * USEC_MINUTE);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, urgent, 1), 10 * USEC_SEC);
	for (size_t i = 0; i < fix->seen_n; i++) {
		if (fix->seen[i].type != EVENT_RUN_STARTED || fix->seen[i].job == urgent)
			continue;
		assert_true(fix->seen[i].job > before);
		before = fix->seen[i].job;
	}
	assert_int_equal(before, first + 499);
}

static void
a_backlog_of_low_priority_holds_up_nobody_else(void **state)
{
	int64_t first;

	(void)state;
	for (int i = 0; i < 5; i++)
		add_many((struct want){ .queue = "q", .lasts = USEC_SEC, .priority = -10 }, 100);
	run_for(10 * USEC_SEC - 1);
	first = add_many((struct want){ .queue = "q", .lasts = USEC_SEC }, 5);
	run_for(10 * USEC_SEC);
	for (int i = 0; i < 5; i++)
		assert_int_equal(seen_at(EVENT_RUN_STARTED, first + i, 1), (10 + i) * USEC_SEC);
	run_for(20 * USEC_MINUTE);
	assert_int_equal(seen(EVENT_RUN_ENDED, 0), 505);
}

static void
more_queued_runs_than_memory_holds_of_a_user_keep_no_other_waiting(void **state)
{
	int64_t job, other;

	(void)state;
	queue_set("q", 1, 1, -1);
	job = add_many((struct want){ .queue = "q", .in = USEC_DAY, .lasts = USEC_MSEC }, 30);
	other = add((struct want){ .in = USEC_DAY, .lasts = USEC_MSEC });
	for (int i = 0; i < 1500; i++)
		(void)trigger(job + i % 30);
	(void)trigger(other);
	run_for(USEC_SEC);
	assert_int_equal(seen(EVENT_RUN_ENDED, other), 1);
	daemon_restart(0);
	(void)trigger(other);
	run_for(USEC_SEC);
	assert_int_equal(seen(EVENT_RUN_ENDED, other), 2);
	queue_set("q", -1, 0, -1);
	run_for(USEC_MINUTE);
	assert_int_equal(seen(EVENT_RUN_ENDED, 0), 1502);
	for (int i = 0; i < 30; i++) {
		for (int64_t run = 2; run <= 50; run++)
			assert_true(seen_at(EVENT_RUN_STARTED, job + i, run) >=
			    seen_at(EVENT_RUN_ENDED, job + i, run - 1));
	}
}

/* Until nobody is ready, which must come. */
static void
settle(void)
{
	int turns = 0;

	while (loop_run_some(fix->d.loop, loop_now(fix->d.loop), 256) == 0) {
		if (++turns == 5000)
			fail_msg("the clock stands still, and somebody is always ready");
	}
}

static void
what_comes_due_as_a_backlog_is_loaded_goes_round_in_no_circle(void **state)
{
	const int in_line = WINDOW_MAX / 8;
	int64_t first, last;

	(void)state;
	queue_set("q", 1, 1, -1);
	first = add_many((struct want){ .queue = "q", .lasts = USEC_SEC }, (size_t)in_line + 1);
	run_for(USEC_SEC);
	/* Those in line go away: the rest is loaded, and another one comes due in the look that sees it. */
	for (int i = 0; i < in_line; i++)
		pause_job(first + i);
	last = add((struct want){ .queue = "q", .lasts = USEC_SEC });
	settle();
	queue_set("q", -1, 0, -1);
	run_for(USEC_MINUTE);
	assert_int_equal(seen(EVENT_RUN_ENDED, 0), 2);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, last, 1), seen_at(EVENT_RUN_ENDED, last - 1, 1));
}

static void
another_users_single_job_is_not_behind_a_backlog(void **state)
{
	int64_t other;

	(void)state;
	for (int i = 0; i < 5; i++)
		add_many((struct want){ .queue = "q", .lasts = USEC_SEC, .uid = 1 }, 100);
	run_for(10 * USEC_SEC - 1);
	other = add((struct want){ .queue = "q", .lasts = USEC_SEC, .uid = 2 });
	run_for(20 * USEC_SEC);
	assert_true(seen_at(EVENT_RUN_STARTED, other, 1) <= 12 * USEC_SEC);
}

static void
a_rate_keeps_starts_apart_and_holds_over_a_restart(void **state)
{
	int64_t first;

	(void)state;
	queue_set("q", 10, -1, 2);	/* in 2 s */
	first = add_many((struct want){ .queue = "q", .lasts = 0 }, 10);
	run_for(3500 * USEC_MSEC);
	for (int i = 0; i < 4; i++)
		assert_int_equal(seen_at(EVENT_RUN_STARTED, first + i, 1), i * USEC_SEC);
	daemon_restart(0);
	run_for(USEC_MINUTE);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, first + 4, 1), 4500 * USEC_MSEC);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, first + 9, 1), 9500 * USEC_MSEC);
	assert_int_equal(fix->d.loop->timers.n, 0);
}

static void
a_rate_that_is_raised_or_taken_away_frees_what_waits_for_it(void **state)
{
	int64_t first;

	(void)state;
	queue_set("q", 10, -1, -1);
	queue_set_distance("q", 40 * USEC_SEC);
	first = add_many((struct want){ .queue = "q", .lasts = 0 }, 4);
	run_for(2 * USEC_SEC);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, first, 1), 0);
	/* From the last start on, not from now on. */
	queue_set_distance("q", 10 * USEC_SEC);
	run_for(12 * USEC_SEC);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, first + 1, 1), 10 * USEC_SEC);
	assert_int_equal(seen(EVENT_RUN_STARTED, first + 2), 0);
	queue_set_distance("q", 0);
	run_for(USEC_SEC);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, first + 2, 1), 14 * USEC_SEC);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, first + 3, 1), 14 * USEC_SEC);
}

/* ---- overlap ---- */

static void
with_overlap_queue_so_many_wait_and_the_others_are_skipped(void **state)
{
	int64_t job = add((struct want){ .every = 10 * USEC_SEC, .lasts = 45 * USEC_SEC,
	    .overlap = OVERLAP_QUEUE, .limit = 2 });
	struct op_get op;

	(void)state;
	/* 0 runs; 10 and 20 wait; 30 and 40 are skipped; at 45 the one of 10 begins, and 50 waits. */
	run_for(55 * USEC_SEC);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, job, 2), 45 * USEC_SEC);
	op = got(job);
	assert_int_equal(op.job.skips, 2);
	assert_int_equal(op.runs_n, 4);
	assert_int_equal(instant_since(op.runs[3].due, fix->began), 0);
	assert_int_equal(instant_since(op.runs[2].due, fix->began), 10 * USEC_SEC);
	assert_int_equal(instant_since(op.runs[1].due, fix->began), 20 * USEC_SEC);
	assert_int_equal(instant_since(op.runs[0].due, fix->began), 50 * USEC_SEC);
	assert_false(op.runs[2].manual);
	assert_int_equal(op.runs[1].state, RUN_QUEUED);
	op_get_done(&op);
	assert_int_equal(fix->live_most, 1);
}

static void
what_waits_for_its_job_runs_after_a_restart(void **state)
{
	int64_t job = add((struct want){ .every = 10 * USEC_SEC, .lasts = 25 * USEC_SEC,
	    .overlap = OVERLAP_QUEUE });

	(void)state;
	run_for(12 * USEC_SEC);
	daemon_restart(USEC_SEC);
	run_for(17 * USEC_SEC);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, job, 2), 25 * USEC_SEC);
	assert_int_equal(fix->live_most, 1);
}

static void
what_waits_for_its_job_goes_before_what_was_missed(void **state)
{
	int64_t job = add((struct want){ .every = USEC_MINUTE, .lasts = 90 * USEC_SEC, .mutex = "m",
	    .overlap = OVERLAP_QUEUE, .misfire = MISFIRE_ONCE });

	(void)state;
	add((struct want){ .in = 30 * USEC_SEC, .lasts = 100 * USEC_SEC, .mutex = "m", .priority = 1 });
	/* The second waits for the mutex, and is free to begin after the restart; so is what is due then. */
	run_for(185 * USEC_SEC);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 1);
	daemon_restart(USEC_MINUTE);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, job, 2), 245 * USEC_SEC);
	run_for(2 * USEC_MINUTE);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, job, 3), seen_at(EVENT_RUN_ENDED, job, 2));
}

static void
with_overlap_parallel_so_many_run_and_the_others_are_skipped(void **state)
{
	int64_t job = add((struct want){ .every = 10 * USEC_SEC, .lasts = 45 * USEC_SEC,
	    .overlap = OVERLAP_PARALLEL, .limit = 3 });

	(void)state;
	run_for(44 * USEC_SEC);
	assert_int_equal(fix->live, 3);
	assert_int_equal(skips_of(job), 2);
	daemon_restart(0);
	run_for(2 * USEC_SEC);
	/* Of 30 and 40 nothing; at 45 the first is over, at 50 another begins. */
	assert_int_equal(fix->live, 2);
	run_for(5 * USEC_SEC);
	assert_int_equal(fix->live, 3);
	assert_int_equal(fix->live_most, 3);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, job, 4), 50 * USEC_SEC);
}

static void
runs_by_hand_are_parallel_too_and_each_is_canceled_by_its_number(void **state)
{
	int64_t job = add((struct want){ .in = USEC_DAY, .lasts = USEC_HOUR,
	    .overlap = OVERLAP_PARALLEL, .limit = 3 });

	(void)state;
	for (int i = 1; i <= 4; i++)
		assert_int_equal(trigger(job), i);
	run_for(USEC_SEC);
	assert_int_equal(fix->live, 3);
	assert_non_null(scheduler_run_live(fix->d.scheduler, job, 2));
	assert_null(scheduler_run_live(fix->d.scheduler, job, 4));
	cancel(job, 2);
	run_for(USEC_SEC);
	assert_int_equal(seen_at(EVENT_RUN_ENDED, job, 2), USEC_SEC);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, job, 4), USEC_SEC);
	assert_int_equal(seen(EVENT_RUN_ENDED, job), 1);
}

static void
with_overlap_replace_the_active_run_is_canceled_for_the_new_one(void **state)
{
	int64_t job = add((struct want){ .every = 10 * USEC_SEC, .lasts = 25 * USEC_SEC,
	    .overlap = OVERLAP_REPLACE });
	struct op_get op;

	(void)state;
	run_for(35 * USEC_SEC);
	op = got(job);
	assert_int_equal(op.runs_n, 4);
	assert_int_equal(op.job.skips, 0);
	for (int i = 1; i < 4; i++)
		assert_int_equal(op.runs[i].state, RUN_CANCELED);
	assert_string_equal(op.runs[3].canceled_by, "run 1.2, which replaces it");
	assert_int_equal(op.runs[0].state, RUN_RUNNING);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, job, 4), 30 * USEC_SEC);
	assert_int_equal(fix->live_most, 1);
	op_get_done(&op);
}

static void
a_replacement_that_waits_is_replaced_and_a_restart_changes_nothing(void **state)
{
	int64_t job;
	struct op_get op;

	(void)state;
	fix->stubborn = true;
	job = add((struct want){ .every = 10 * USEC_SEC, .lasts = 35 * USEC_SEC,
	    .overlap = OVERLAP_REPLACE });
	/* 0 does not end before 35: 10 waits, 20 takes its place, 30 that one's. */
	run_for(25 * USEC_SEC);
	daemon_restart(USEC_SEC);
	run_for(8 * USEC_SEC);
	assert_int_equal(fix->live, 1);
	run_for(4 * USEC_SEC);
	op = got(job);
	assert_int_equal(op.runs_n, 4);
	assert_int_equal(op.runs[3].state, RUN_CANCELED);
	assert_string_equal(op.runs[3].canceled_by, "run 1.2, which replaces it");
	assert_int_equal(op.runs[2].state, RUN_CANCELED);
	assert_string_equal(op.runs[2].canceled_by, "run 1.3, which replaces it");
	assert_int_equal(op.runs[1].state, RUN_CANCELED);
	assert_int_equal(op.runs[0].state, RUN_RUNNING);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, job, 4), 35 * USEC_SEC);
	op_get_done(&op);
}

/* ---- everything at once ---- */

#define MIX_JOBS	60
#define MIX_SEEDS	12

static struct want
mix_draw(struct rand *rand)
{
	static const char *const queues[] = { NULL, "a", "b", "c" };
	static const char *const mutexes[] = { NULL, NULL, "m", "n" };
	struct want w = {
		.queue = queues[rand_below(rand, 4)], .mutex = mutexes[rand_below(rand, 4)],
		.priority = (int)rand_below(rand, 3) - 1, .overlap = (int)rand_below(rand, OVERLAP_COUNT),
		.uid = (int64_t)rand_below(rand, 3), .command = rand_below(rand, 2) == 0,
		.in = (usec_t)rand_below(rand, 5) * USEC_SEC,
		.every = rand_below(rand, 4) == 0 ? (usec_t)(20 + rand_below(rand, 60)) * USEC_SEC : 0,
		.lasts = (usec_t)rand_below(rand, 20) * USEC_SEC,
	};

	if (w.queue != NULL && rand_below(rand, 3) == 0)
		w.slots = 1 + (int)rand_below(rand, 5);
	return w;
}

/* Nothing is due, nothing waits: whatever could start has. */
static void
mix_settle(void)
{
	struct scheduler_stats stats;
	struct queue_info *queues;
	size_t n;

	run_for(2 * USEC_HOUR);
	scheduler_stats(fix->d.scheduler, &stats);
	assert_int_equal(stats.queued, 0);
	n = scheduler_queues(fix->d.scheduler, &queues);
	for (size_t i = 0; i < n; i++) {
		if (queues[i].waiting > 0 && queues[i].taken == 0)
			fail_msg("queue %s: %" PRId64 " wait and nothing runs", queues[i].name,
			    queues[i].waiting);
		queue_info_done(&queues[i]);
	}
	free(queues);
}

static void
mix_once(uint64_t seed)
{
	struct rand rand;
	int64_t jobs[MIX_JOBS];
	bool repeats[MIX_JOBS];

	rand_seed(&rand, seed);
	queue_set("a", 1, 0, -1);
	queue_set("b", 2, 0, -1);
	queue_set("c", 4, 0, (int64_t)rand_below(&rand, 2) * 4);
	for (int i = 0; i < MIX_JOBS; i++) {
		struct want w = mix_draw(&rand);
		uint64_t what = rand_below(&rand, 10);

		jobs[i] = add(w);
		repeats[i] = w.every > 0;
		if (what == 0)
			(void)trigger(jobs[rand_below(&rand, (uint64_t)i + 1)]);
		else if (what == 1)
			queue_set(rand_below(&rand, 2) == 0 ? "b" : "c", -1,
			    (int64_t)rand_below(&rand, 2), -1);
		else if (what == 2)
			daemon_restart((usec_t)rand_below(&rand, 3) * USEC_SEC);
		run_for((usec_t)rand_below(&rand, 2000) * USEC_MSEC);
	}
	for (int i = 0; i < MIX_JOBS; i++) {
		if (repeats[i])
			pause_job(jobs[i]);
	}
	queue_set("b", -1, 0, -1);
	queue_set("c", -1, 0, -1);
	mix_settle();
	assert_int_equal(fix->live, 0);
	for (int i = 0; i < MIX_JOBS; i++) {
		if (!repeats[i] && seen(EVENT_RUN_ENDED, jobs[i]) < 1)
			fail_msg("SEED=%" PRIu64 ": job %" PRId64 " was never run", seed, jobs[i]);
	}
}

/* ---- decided again from the flight record: the tests above do so at their end; here it must differ ---- */

static void
recorded_work(void)
{
	(void)add_many((struct want){ .queue = "q", .lasts = 2 * USEC_SEC }, 3);
	(void)add_many((struct want){ .every = USEC_SEC, .lasts = 1500 * USEC_MSEC }, 2);
	run_for(10 * USEC_SEC);
}

/* The first record of a kind in the ring of decisions, from the n-th on. */
static struct flight_cell *
decision_cell(enum flight_what what, unsigned n)
{
	struct flight_ring *r = &fix->d.loop->flight->rings[FLIGHT_DECISIONS];

	for (uint64_t i = 0; i < r->head; i++) {
		if (r->cells[i].what == what && n-- == 0)
			return &r->cells[i];
	}
	fail_msg("there is no such record");
	return NULL;
}

static void
differs(const char *words)
{
	struct replay_report r;

	fix->unlike = true;
	replayed(fix->d.loop, fix->d.zones, &r);
	assert_true(r.ran && r.differs);
	if (strstr(r.difference, words) == NULL)
		fail_msg("'%s' does not say '%s'", r.difference, words);
}

static void
a_replay_of_what_was_decided_is_the_same(void **state)
{
	struct replay_report r;

	(void)state;
	recorded_work();
	replayed(fix->d.loop, fix->d.zones, &r);
	assert_true(r.ran);
	assert_false(r.differs);
	assert_int_equal(r.jobs, 5);
	assert_true(r.same >= 20);
	assert_int_equal(r.same, r.decisions);
}

static void
is_replayed_since(const char *why)
{
	struct replay_report r;

	replayed(fix->d.loop, fix->d.zones, &r);
	assert_true(r.ran);
	assert_string_equal(r.why, why);
	assert_true(r.decisions > 5);
	if (r.differs)
		fail_msg("%s", r.difference);
}

static void
behind_an_edit_it_is_as_it_was_edited(void **state)
{
	struct want want = { .in = 10 * USEC_SEC, .every = 10 * USEC_SEC, .lasts = 25 * USEC_SEC,
	    .overlap = OVERLAP_SKIP };
	int64_t job = add(want);

	(void)state;
	run_for(USEC_MINUTE + 5 * USEC_SEC);
	edit(job, (struct job_spec){ .every = want.every, .overlap = OVERLAP_PARALLEL, .overlap_limit = 3 },
	    want.lasts);
	run_for(2 * USEC_MINUTE);
	is_replayed_since("a job was edited");
}

static void
behind_other_limits_it_is_decided_by_them(void **state)
{
	struct scheduler_config limits = { .running_max = { 100, 100, 2, 100 } };

	(void)state;
	(void)add_many((struct want){ .in = 10 * USEC_SEC, .every = 10 * USEC_SEC, .lasts = 4 * USEC_SEC,
	    .uid = 7 }, 6);
	run_for(USEC_MINUTE + 5 * USEC_SEC);
	scheduler_set_limits(fix->d.scheduler, &limits);
	run_for(2 * USEC_MINUTE);
	is_replayed_since("the limits were changed");
	/* The same once more is no news. */
	run_for(5 * USEC_SEC);
	scheduler_set_limits(fix->d.scheduler, &limits);
	is_replayed_since("the limits were changed");
	run_for(5 * USEC_SEC);
	limits.slots_schedule = 1;
	scheduler_set_limits(fix->d.scheduler, &limits);
	run_for(2 * USEC_MINUTE);
	is_replayed_since("the limits were changed");
}

static void
a_start_that_nobody_should_have_made_is_told(void **state)
{
	struct flight_cell *skip;

	(void)state;
	recorded_work();
	skip = decision_cell(FLIGHT_SKIP, 0);
	skip->what = FLIGHT_CLAIM;
	skip->b = 0;
	skip[1].more[1] = skip[1].more[2];
	skip[1].more[2] = 0;
	differs("is skipped in the replay, and not in the record");
}

static void
an_occurrence_that_was_forgotten_is_told(void **state)
{
	struct flight_cell *skip;

	(void)state;
	recorded_work();
	skip = decision_cell(FLIGHT_SKIP, 1);
	skip->what = FLIGHT_MORE;
	differs("is skipped in the replay, and not in the record");
}

static void
with_other_limits_it_is_otherwise(void **state)
{
	(void)state;
	recorded_work();
	fix->d.loop->flight->limits.slots_named = 3;
	differs("later in the record than in the replay");
}

static void
a_record_with_nothing_to_decide_says_so(void **state)
{
	struct replay_report r;

	(void)state;
	recorded_work();
	fix->d.loop->flight->rings[FLIGHT_JOBS].head = 0;
	replayed(fix->d.loop, fix->d.zones, &r);
	assert_false(r.ran);
	assert_non_null(strstr(r.why, "a job is not described any more"));
	fix->unlike = true;
}

/* Whatever a damaged file says, the replay ends. */
static void
a_record_of_garbage_is_borne(void **state)
{
	struct flight *f = fix->d.loop->flight;
	struct rand random;

	(void)state;
	rand_seed(&random, 7);
	recorded_work();
	for (int round = 0; round < 100; round++) {
		struct flight_ring *r = &f->rings[FLIGHT_DECISIONS + (int)rand_below(&random, 2)];
		struct flight_cell *cell = &r->cells[rand_below(&random, r->head)], kept = *cell;
		struct replay_report report;

		((char *)cell)[rand_below(&random, sizeof(*cell))] = (char)rand_below(&random, 256);
		replayed(fix->d.loop, fix->d.zones, &report);
		*cell = kept;
	}
	fix->unlike = true;
}

static void
in_any_mix_all_limits_hold_and_nothing_is_forgotten(void **state)
{
	const char *word = getenv("SEED");
	uint64_t first = word != NULL ? strtoull(word, NULL, 10) : 1;

	for (uint64_t seed = first; seed < first + (word != NULL ? 1 : MIX_SEEDS); seed++) {
		print_message("SEED=%" PRIu64 "\n", seed);
		/* Whose turn it is where much is in line for one mutex is not in the record. */
		fix->unlike = true;
		mix_once(seed);
		teardown(state);
		on_memory = seed % 2 == 0;
		setup(state);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define M(f) { #f "_in_memory", f, setup_memory, teardown, NULL }
#define B(f) T(f), M(f)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		B(no_more_run_than_the_queue_has_slots),
		B(queued_runs_stand_where_their_edited_job_says),
		B(a_queue_that_is_only_named_has_one_slot),
		B(many_commands_at_once_take_the_slots_of_default_and_hold_up_no_schedule),
		B(timers_without_a_queue_are_in_none),
		B(the_higher_priority_goes_first_then_who_came_first),
		B(users_take_turns_in_a_queue),
		B(who_comes_again_and_again_gets_no_more_than_his_turns),
		B(one_that_takes_several_slots_is_not_starved_by_small_ones),
		B(one_that_asks_for_more_than_there_is_runs_alone),
		B(fewer_slots_hold_from_the_next_start_on),
		B(jobs_with_one_mutex_never_run_together_whatever_their_queues),
		B(one_that_waits_for_a_mutex_blocks_nobody_and_keeps_its_place),
		B(a_mutex_goes_on_when_its_next_is_gone),
		B(a_mutex_is_not_lost_with_one_that_was_to_have_it),
		B(slots_and_mutexes_are_taken_again_after_a_restart),
		B(a_paused_queue_starts_nothing_even_after_a_restart),
		B(drained_it_begins_nothing_and_what_runs_ends),
		B(not_drained_any_more_all_begin_in_their_order),
		B(what_piles_up_while_drained_is_as_behind_a_paused_queue),
		B(a_pause_in_the_midst_of_a_drain_holds_after_it),
		B(a_restart_ends_a_drain_and_nothing_is_lost),
		T(a_replay_that_begins_drained_is_the_same),
		B(what_is_due_and_stands_in_line_counts_as_queued),
		B(a_paused_backlog_greater_than_the_window_keeps_nothing_else_waiting),
		B(a_backlog_runs_in_its_order_and_an_urgent_one_overtakes_it),
		B(a_backlog_of_low_priority_holds_up_nobody_else),
		B(more_queued_runs_than_memory_holds_of_a_user_keep_no_other_waiting),
		B(what_comes_due_as_a_backlog_is_loaded_goes_round_in_no_circle),
		B(another_users_single_job_is_not_behind_a_backlog),
		B(a_rate_keeps_starts_apart_and_holds_over_a_restart),
		B(a_rate_that_is_raised_or_taken_away_frees_what_waits_for_it),
		B(with_overlap_queue_so_many_wait_and_the_others_are_skipped),
		B(what_waits_for_its_job_runs_after_a_restart),
		B(what_waits_for_its_job_goes_before_what_was_missed),
		B(with_overlap_parallel_so_many_run_and_the_others_are_skipped),
		B(runs_by_hand_are_parallel_too_and_each_is_canceled_by_its_number),
		B(with_overlap_replace_the_active_run_is_canceled_for_the_new_one),
		B(a_replacement_that_waits_is_replaced_and_a_restart_changes_nothing),
		T(a_replay_of_what_was_decided_is_the_same),
		T(behind_an_edit_it_is_as_it_was_edited),
		T(behind_other_limits_it_is_decided_by_them),
		T(a_start_that_nobody_should_have_made_is_told),
		T(an_occurrence_that_was_forgotten_is_told),
		T(with_other_limits_it_is_otherwise),
		T(a_record_with_nothing_to_decide_says_so),
		T(a_record_of_garbage_is_borne),
		T(in_any_mix_all_limits_hold_and_nothing_is_forgotten),
	};

	return cmocka_run_group_tests_name("scheduler_queues", tests, NULL, NULL);
}
