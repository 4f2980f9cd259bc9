/*
 * exec: the table of executors, one row a kind.
 */
#include "daemon/exec/exec.h"

#include <assert.h>

#include "daemon/exec/executors.h"

static const struct executor *const executors[] = {
	[KIND_COMMAND] = &executor_command,
	[KIND_HTTP] = &executor_http,
	[KIND_TIMER] = &executor_timer,
};
static_assert(sizeof(executors) / sizeof(executors[0]) == KIND_COUNT, "a row a kind");

/* The simulation's, in place of the real ones. */
static const struct executor *replaced[KIND_COUNT];

const struct executor *
executor_find(enum job_kind kind)
{
	MUST(kind >= 0 && kind < KIND_COUNT);
	return replaced[kind] != NULL ? replaced[kind] : executors[kind];
}

void
executor_replace(enum job_kind kind, const struct executor *e)
{
	MUST(kind >= 0 && kind < KIND_COUNT);
	replaced[kind] = e;
}
