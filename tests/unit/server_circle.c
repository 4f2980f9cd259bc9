/*
 * Circles among jobs of one Add: found whatever their order, and only where there is one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/rand.h"
#include "daemon/server/circle.h"
#include "proto/mem.h"

#define JOBS_MAX 1000

/* Jobs j0, j1, ...; edges are added by after(). */
struct graph {
	struct job_spec	specs[JOBS_MAX];
	void		*jobs[JOBS_MAX];
	size_t		 n;
};

static struct graph *
graph_new(size_t n)
{
	struct graph *g = xcalloc(1, sizeof(*g));

	g->n = n;
	for (size_t i = 0; i < n; i++) {
		g->specs[i].name = xasprintf("j%zu", i);
		g->jobs[i] = &g->specs[i];
	}
	return g;
}

static void
graph_free(struct graph *g)
{
	for (size_t i = 0; i < g->n; i++)
		job_spec_done(&g->specs[i]);
	free(g);
}

static void
after(struct graph *g, size_t child, size_t parent)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "j%zu:any", parent);
	strings_add(&g->specs[child].after, text);
}

static void
a_circle_is_told_from_where_it_closes(void **state)
{
	struct graph *g = graph_new(5);
	struct field_error error;

	(void)state;
	after(g, 0, 3);
	after(g, 3, 1);
	after(g, 1, 2);
	assert_false(circle_find(g->jobs, g->n, &error));
	after(g, 2, 4);
	after(g, 2, 3);
	assert_true(circle_find(g->jobs, g->n, &error));
	assert_int_equal(error.why, JOBD_INVALID_FIELD);
	assert_string_equal(error.path, "jobs[2].after[1]");
	assert_string_equal(error.reason, "makes a circle: j3 -> j1 -> j2 -> j3");
	graph_free(g);
}

static void
a_circle_of_a_thousand_is_found_and_its_words_are_cut(void **state)
{
	struct graph *g = graph_new(JOBS_MAX);
	struct field_error error;

	(void)state;
	for (size_t i = 0; i + 1 < JOBS_MAX; i++)
		after(g, i, i + 1);
	assert_false(circle_find(g->jobs, g->n, &error));
	after(g, JOBS_MAX - 1, 0);
	assert_true(circle_find(g->jobs, g->n, &error));
	assert_in_range(strlen(error.reason), 1, sizeof(error.reason) - 1);
	assert_string_equal(error.reason + strlen(error.reason) - 3, "...");
	graph_free(g);
}

static void
what_is_named_and_not_there_makes_no_circle(void **state)
{
	struct graph *g = graph_new(2);
	struct field_error error;

	(void)state;
	after(g, 0, 77);
	strings_add(&g->specs[1].after, "1");
	free(g->specs[1].name);
	g->specs[1].name = NULL;
	assert_false(circle_find(g->jobs, g->n, &error));
	graph_free(g);
}

/* By taking away, again and again, what waits for nobody that is left. */
static bool
has_circle(const bool edge[8][8], size_t n)
{
	bool gone[8] = { false }, any = true;
	size_t left = n;

	while (any) {
		any = false;
		for (size_t i = 0; i < n; i++) {
			bool free_of_all = !gone[i];

			for (size_t k = 0; k < n; k++)
				free_of_all &= !edge[i][k] || gone[k];
			if (free_of_all) {
				gone[i] = any = true;
				left--;
			}
		}
	}
	return left > 0;
}

static void
random_graphs_agree_with_the_other_way_to_find_out(void **state)
{
	struct rand r;
	int circles = 0;

	(void)state;
	rand_seed(&r, 7);
	for (int round = 0; round < 5000; round++) {
		size_t n = 1 + (size_t)rand_below(&r, 8), edges = (size_t)rand_below(&r, 2 * n + 1);
		struct graph *g = graph_new(n);
		bool edge[8][8] = { { false } };
		struct field_error error;

		for (size_t e = 0; e < edges; e++) {
			size_t child = (size_t)rand_below(&r, n), parent = (size_t)rand_below(&r, n);

			after(g, child, parent);
			edge[child][parent] = true;
		}
		assert_int_equal(circle_find(g->jobs, n, &error), has_circle(edge, n));
		circles += has_circle(edge, n);
		graph_free(g);
	}
	assert_in_range(circles, 500, 4500);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_circle_is_told_from_where_it_closes),
		cmocka_unit_test(a_circle_of_a_thousand_is_found_and_its_words_are_cut),
		cmocka_unit_test(what_is_named_and_not_there_makes_no_circle),
		cmocka_unit_test(random_graphs_agree_with_the_other_way_to_find_out),
	};

	return cmocka_run_group_tests_name("server_circle", tests, NULL, NULL);
}
