/*
 * What mailbox.h promises.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/engine/loop.h"
#include "daemon/engine/mailbox.h"
#include "proto/mem.h"

#define PATIENCE	(20 * USEC_SEC)
#define THREADS		4
#define LETTERS		5000

struct note {
	struct letter	letter;
	int		thread;
	int		number;
};

struct world {
	struct task	 task;
	struct loop	*l;
	struct mailbox	 m;
	int		 next[THREADS];	/* number expected of each */
	int		 came;
	int		 wanted;
	bool		 chain;		/* threads put three at a time */
};

struct sender {
	pthread_t	 thread;
	struct world	*world;
	int		 number;
};

static enum task_status
world_step(struct task *t)
{
	struct world *f = container_of(t, struct world, task);

	TASK_BEGIN(t);

	AWAIT_UNTIL(t, loop_now(t->loop) + PATIENCE, f->came >= f->wanted);
	TASK_END(t, t->err);
}

static const struct task_kind world_kind = { .name = "test", .step = world_step };

static void
deliver(struct mailbox *m, struct letter *l)
{
	struct world *f = container_of(m, struct world, m);
	struct note *n = container_of(l, struct note, letter);

	assert_int_equal(n->number, f->next[n->thread]++);
	free(n);
	f->came++;
	task_wake(&f->task);
}

static struct letter *
note_new(int thread, int number, struct letter *next)
{
	struct note *n = xcalloc(1, sizeof(*n));

	n->letter.next = next;
	n->thread = thread;
	n->number = number;
	return &n->letter;
}

static void
world_start(struct world *f, enum loop_clock clock)
{
	memset(f, 0, sizeof(*f));
	f->l = loop_new(clock);
	assert_non_null(f->l);
	assert_int_equal(mailbox_start(&f->m, f->l, deliver), 0);
}

static void
world_stop(struct world *f)
{
	mailbox_stop(&f->m);
	mailbox_stop(&f->m);
	assert_int_equal(f->l->watches, 0);
	loop_free(f->l);
}

static int
wait_for_letters(struct world *f, int wanted)
{
	f->wanted = wanted;
	task_start_root(&f->task, &world_kind, f->l);
	assert_int_equal(loop_run(f->l), 0);
	return f->task.result;
}

static void *
send_letters(void *arg)
{
	struct sender *s = arg;

	for (int i = 0; i < LETTERS;) {
		int n = s->world->chain && i + 3 <= LETTERS ? 3 : 1;
		struct letter *first = NULL;

		for (int j = n - 1; j >= 0; j--)
			first = note_new(s->number, i + j, first);
		mailbox_put(&s->world->m, first);
		i += n;
	}
	return NULL;
}

static void
send_from_threads(struct world *f)
{
	struct sender senders[THREADS];

	for (int i = 0; i < THREADS; i++) {
		senders[i].world = f;
		senders[i].number = i;
		assert_int_equal(pthread_create(&senders[i].thread, NULL, send_letters, &senders[i]), 0);
	}
	assert_int_equal(wait_for_letters(f, THREADS * LETTERS), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(senders[i].thread, NULL);
	assert_int_equal(f->came, THREADS * LETTERS);
}

static void
letters_of_threads_all_come_in_order(void **state)
{
	struct world f;

	(void)state;
	world_start(&f, LOOP_REAL);
	send_from_threads(&f);
	world_stop(&f);
}

static void
chains_come_in_order(void **state)
{
	struct world f;

	(void)state;
	world_start(&f, LOOP_REAL);
	f.chain = true;
	send_from_threads(&f);
	world_stop(&f);
}

static void
held_virtual_clock_waits_for_a_letter(void **state)
{
	usec_t before;
	struct world f;

	(void)state;
	world_start(&f, LOOP_VIRTUAL);
	before = loop_now(f.l);
	loop_hold(f.l);
	send_from_threads(&f);
	loop_unhold(f.l);
	assert_int_equal(loop_now(f.l), before);
	world_stop(&f);
}

static void
many_letters_cost_one_look(void **state)
{
	struct world f;
	uint64_t polls;

	(void)state;
	world_start(&f, LOOP_REAL);
	for (int i = 0; i < 1000; i++)
		mailbox_put(&f.m, note_new(0, i, NULL));
	polls = f.l->stats.polls;
	assert_int_equal(wait_for_letters(&f, 1000), 0);
	assert_true(f.l->stats.polls - polls <= 2);

	/* Each later one is a new edge, though nobody reads the descriptor. */
	for (int i = 1000; i < 1010; i++) {
		mailbox_put(&f.m, note_new(0, i, NULL));
		assert_int_equal(wait_for_letters(&f, i + 1), 0);
	}
	world_stop(&f);
}

static void
stop_delivers_what_is_left(void **state)
{
	struct world f;

	(void)state;
	world_start(&f, LOOP_REAL);
	for (int i = 0; i < 10; i++)
		mailbox_put(&f.m, note_new(0, i, NULL));
	task_start_root(&f.task, &world_kind, f.l);
	mailbox_stop(&f.m);
	assert_int_equal(f.came, 10);
	assert_int_equal(loop_run(f.l), 0);
	world_stop(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(letters_of_threads_all_come_in_order),
		cmocka_unit_test(chains_come_in_order),
		cmocka_unit_test(held_virtual_clock_waits_for_a_letter),
		cmocka_unit_test(many_letters_cost_one_look),
		cmocka_unit_test(stop_delivers_what_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
