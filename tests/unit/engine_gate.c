/*
 * What gate.h promises.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/engine/gate.h"
#include "daemon/engine/loop.h"
#include "daemon/engine/task.h"

#define GUESTS 50

struct house;

struct guest {
	struct task	 task;
	struct gate_pass pass;
	struct house	*house;
	unsigned	 place;		/* in which order it came in */
	int		 err;
};

struct house {
	struct task	task;
	struct gate	gate;
	int64_t		slots;
	unsigned	came;
	int64_t		most;
	struct guest	guests[GUESTS];
	usec_t		ended;
};

static enum task_status
guest_step(struct task *t)
{
	struct guest *f = container_of(t, struct guest, task);
	struct house *h = f->house;

	TASK_BEGIN(t);

	gate_enter(&h->gate, &f->pass, t);
	AWAIT(t, f->pass.granted);
	f->err = t->err;
	if (f->err == 0) {
		f->place = h->came++;
		h->most = h->gate.inside > h->most ? h->gate.inside : h->most;
		SLEEP_UNTIL(t, loop_now(t->loop) + USEC_SEC);
	}
	gate_leave(&f->pass);
	gate_leave(&f->pass);
	TASK_END(t, 0);
}

static void
guests_start(struct house *h)
{
	static const struct task_kind guest_kind = { .name = "guest", .step = guest_step };

	gate_init(&h->gate, h->slots);
	for (unsigned i = 0; i < GUESTS; i++) {
		h->guests[i].house = h;
		task_start(&h->guests[i].task, &guest_kind, &h->task);
	}
}

static void
run_house(struct house *h, enum task_status (*step)(struct task *))
{
	const struct task_kind kind = { .name = "house", .step = step };
	struct loop *l = loop_new(LOOP_VIRTUAL);

	task_start_root(&h->task, &kind, l);
	assert_int_equal(loop_run(l), 0);
	h->ended = loop_now(l) - USEC_SEC;
	loop_free(l);
	assert_int_equal(h->gate.inside, 0);
	assert_int_equal(h->gate.waiting, 0);
	assert_null(h->gate.first);
	assert_null(h->gate.last);
}

static enum task_status
house_step(struct task *t)
{
	struct house *f = container_of(t, struct house, task);

	TASK_BEGIN(t);

	guests_start(f);
	AWAIT(t, t->child == NULL);
	TASK_END(t, 0);
}

static void
as_many_as_there_are_slots_are_inside_first_come_first_served(void **state)
{
	struct house h = { .slots = 4 };

	(void)state;
	run_house(&h, house_step);

	assert_int_equal(h.most, 4);
	for (unsigned i = 0; i < GUESTS; i++)
		assert_int_equal(h.guests[i].place, i);
	assert_int_equal(h.ended, (GUESTS + 3) / 4 * USEC_SEC);
}

static enum task_status
change_step(struct task *t)
{
	struct house *f = container_of(t, struct house, task);

	TASK_BEGIN(t);

	guests_start(f);
	SLEEP_UNTIL(t, loop_now(t->loop) + USEC_SEC / 2);
	assert_int_equal(f->gate.inside, 0);
	assert_int_equal(f->gate.waiting, GUESTS);
	assert_false(gate_is_open(&f->gate));
	gate_set(&f->gate, 10);
	assert_int_equal(f->gate.inside, 10);
	/* Fewer slots: those inside stay, nobody comes in until there is room. */
	SLEEP_UNTIL(t, loop_now(t->loop) + USEC_SEC / 2);
	gate_set(&f->gate, 1);
	assert_int_equal(f->gate.inside, 10);
	SLEEP_UNTIL(t, loop_now(t->loop) + USEC_SEC);
	assert_int_equal(f->gate.inside, 1);
	assert_int_equal(f->came, 11);
	gate_set(&f->gate, 100);
	assert_int_equal(f->gate.inside, GUESTS - 10);
	assert_true(gate_is_open(&f->gate));
	AWAIT(t, t->child == NULL);
	TASK_END(t, 0);
}

static void
slots_may_change_meanwhile(void **state)
{
	struct house h = { .slots = 0 };

	(void)state;
	run_house(&h, change_step);

	for (unsigned i = 0; i < GUESTS; i++)
		assert_int_equal(h.guests[i].place, i);
}

static enum task_status
give_up_step(struct task *t)
{
	struct house *f = container_of(t, struct house, task);

	TASK_BEGIN(t);

	guests_start(f);
	SLEEP_UNTIL(t, loop_now(t->loop) + USEC_SEC / 2);
	/* One inside; first, last and middle of the line; and one that is let in while cancelled. */
	task_cancel(&f->guests[0].task);
	task_cancel(&f->guests[2].task);
	task_cancel(&f->guests[25].task);
	task_cancel(&f->guests[GUESTS - 1].task);
	AWAIT(t, t->child == NULL);
	TASK_END(t, 0);
}

static void
who_gives_up_leaves_the_line_without_a_trace(void **state)
{
	struct house h = { .slots = 1 };

	(void)state;
	run_house(&h, give_up_step);

	assert_int_equal(h.guests[0].err, 0);
	assert_int_equal(h.guests[2].err, -ECANCELED);
	assert_int_equal(h.guests[25].err, -ECANCELED);
	assert_int_equal(h.guests[GUESTS - 1].err, -ECANCELED);
	assert_int_equal(h.guests[1].place, 1);
	assert_int_equal(h.guests[3].place, 2);
	assert_int_equal(h.guests[GUESTS - 2].place, GUESTS - 4);
	assert_int_equal(h.came, GUESTS - 3);
	assert_int_equal(h.ended, USEC_SEC / 2 + (GUESTS - 4) * USEC_SEC);
}

static void
pass_of_zeroes_may_leave(void **state)
{
	struct gate_pass p = { .granted = false };

	(void)state;
	gate_leave(&p);
}

/* Against a plain model: who is inside and in line, by number. */
static void
any_course_keeps_order_and_limit(void **state)
{
	enum { PASSES = 40 };
	struct gate_pass passes[PASSES] = { { .granted = false } };
	uint64_t x = (uint64_t)getpid() * 2654435761u + 1, tickets[PASSES] = { 0 }, ticket = 0;
	struct gate g;

	(void)state;
	if (getenv("SEED") != NULL)
		x = strtoull(getenv("SEED"), NULL, 10);
	print_message("SEED=%llu\n", (unsigned long long)x);
	gate_init(&g, 3);
	for (unsigned n = 0; n < 20000; n++) {
		unsigned i;
		int64_t inside = 0, waiting = 0;
		uint64_t last_in = 0, first_waiting = UINT64_MAX;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		i = x % PASSES;
		if (x >> 32 & 15) {
			if (passes[i].gate != NULL) {
				gate_leave(&passes[i]);
			} else {
				tickets[i] = ++ticket;
				gate_enter(&g, &passes[i], NULL);
			}
		} else {
			gate_set(&g, (int64_t)(x >> 40 & 7));
		}
		for (i = 0; i < PASSES; i++) {
			if (passes[i].gate == NULL)
				continue;
			if (passes[i].granted) {
				inside++;
				last_in = tickets[i] > last_in ? tickets[i] : last_in;
			} else {
				waiting++;
				first_waiting = tickets[i] < first_waiting ? tickets[i] : first_waiting;
			}
		}
		assert_int_equal(g.inside, inside);
		assert_int_equal(g.waiting, waiting);
		assert_true(last_in < first_waiting);
		assert_true(waiting == 0 || inside >= g.slots);
		assert_int_equal(gate_is_open(&g), inside < g.slots);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_many_as_there_are_slots_are_inside_first_come_first_served),
		cmocka_unit_test(slots_may_change_meanwhile),
		cmocka_unit_test(who_gives_up_leaves_the_line_without_a_trace),
		cmocka_unit_test(pass_of_zeroes_may_leave),
		cmocka_unit_test(any_course_keeps_order_and_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
