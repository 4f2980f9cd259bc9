/*
 * runner: what the runner has: attempts by job, the ended ones in the order of their ends.
 *
 * An attempt is known from its start until it is acknowledged, and while it is known it is
 * not started again: that is why a command runs once, however often it is asked for.
 */
#include "daemon/runner/runner.h"

#include <stdlib.h>

#include "daemon/engine/loop.h"

struct attempt *
runner_find(const struct runner *r, int64_t job, int64_t run, int64_t attempt)
{
	struct attempt *a = map_get(&r->jobs, job);

	while (a != NULL && (a->exit.run != run || a->exit.attempt != attempt))
		a = a->same_job;
	return a;
}

struct attempt *
runner_find_latest(const struct runner *r, int64_t job, int64_t run)
{
	struct attempt *latest = NULL;

	for (struct attempt *a = map_get(&r->jobs, job); a != NULL; a = a->same_job) {
		if (a->exit.run == run &&
		    (latest == NULL || a->exit.attempt > latest->exit.attempt))
			latest = a;
	}
	return latest;
}

struct attempt *
runner_next(const struct runner *r, struct attempt *a, size_t *position)
{
	if (a != NULL && a->same_job != NULL)
		return a->same_job;
	return map_next(&r->jobs, position);
}

void
runner_add(struct runner *r, struct attempt *a)
{
	a->same_job = map_get(&r->jobs, a->exit.job);
	map_set(&r->jobs, a->exit.job, a);
}

/* The newest of the ended ones. */
static void
link_ended(struct runner *r, struct attempt *a)
{
	MUST(a->sequence == 0);
	a->sequence = ++r->sequence;
	a->older = r->newest;
	if (r->newest != NULL)
		r->newest->newer = a;
	else
		r->oldest = a;
	r->newest = a;
}

void
runner_loaded(struct runner *r, struct attempt *a)
{
	link_ended(r, a);
}

void
runner_ended(struct runner *r, struct attempt *a)
{
	link_ended(r, a);
	record_keep(&r->records, a);
	runner_tell(r, a);
	runner_tell(r, NULL);
}

void
runner_forget(struct runner *r, struct attempt *a)
{
	struct attempt *first = map_get(&r->jobs, a->exit.job), **at = &first;

	MUST(a->sequence != 0 && !task_alive(&a->task));
	record_forget(&r->records, a);
	while (*at != a)
		at = &(*at)->same_job;
	*at = a->same_job;
	if (first != NULL)
		map_set(&r->jobs, a->exit.job, first);
	else
		map_remove(&r->jobs, a->exit.job);
	if (a->older != NULL)
		a->older->newer = a->newer;
	else
		r->oldest = a->newer;
	if (a->newer != NULL)
		a->newer->older = a->older;
	else
		r->newest = a->older;
	fields_done(runner_exit_fields, &a->exit);
	free(a);
	task_wake(&r->task);
}

void
runner_listen(struct runner *r, struct listener *l, struct task *t)
{
	l->task = t;
	l->next = r->listeners;
	r->listeners = l;
}

void
runner_unlisten(struct runner *r, struct listener *l)
{
	struct listener **at = &r->listeners;

	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
}

void
runner_tell(struct runner *r, const struct attempt *of)
{
	static const struct runner_attempt ends;
	const struct runner_attempt what = of == NULL ? ends :
	    (struct runner_attempt){ of->exit.job, of->exit.run, of->exit.attempt };

	for (struct listener *l = r->listeners; l != NULL; l = l->next) {
		if (l->of.job == what.job && l->of.run == what.run && l->of.attempt == what.attempt)
			task_wake(l->task);
	}
	if (of == NULL) {
		task_wake(&r->task);
		task_wake(&r->tree.reaper);
		task_wake(&r->tree.sweep.task);
	}
}

void
runner_done(struct runner *r)
{
	struct attempt *a, *next;
	size_t position = 0;

	while ((a = map_next(&r->jobs, &position)) != NULL) {
		for (; a != NULL; a = next) {
			next = a->same_job;
			fields_done(runner_exit_fields, &a->exit);
			free(a);
		}
	}
	map_done(&r->jobs);
	records_close(&r->records);
	accounts_done(&r->accounts);
}
