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
	[KIND_HEARTBEAT] = &executor_heartbeat,
};
static_assert(sizeof(executors) / sizeof(executors[0]) == KIND_COUNT, "a row a kind");

const struct executor *
executor_find(const struct exec_world *world, enum job_kind kind)
{
	MUST(kind >= 0 && kind < KIND_COUNT);
	return world->executors != NULL ? world->executors[kind] : executors[kind];
}
