/*
 * schedule: see schedule.h.  Dues are counted from the due that is stored, never from now,
 * so that a job every hour does not drift with each run.
 */
#include "daemon/scheduler/schedule.h"

#include "daemon/base/must.h"

struct schedule_past
schedule_past(instant due, usec_t every, instant until)
{
	struct schedule_past p = { 0, { 0 }, due };

	MUST(every >= 0);
	if (due.usec > until.usec)
		return p;
	if (every == 0)
		return (struct schedule_past){ 1, due, { 0 } };
	p.count = instant_since(until, due) / every + 1;
	p.last = instant_add(due, (p.count - 1) * every);
	p.next = instant_add(p.last, every);
	return p;
}

enum misfire
schedule_misfire(int misfire, int kind, usec_t every)
{
	if (misfire != MISFIRE_DEFAULT)
		return (enum misfire)misfire;
	if (every == 0)
		return MISFIRE_ONCE;
	if (kind == KIND_HTTP || every < MISFIRE_ONCE_MIN)
		return MISFIRE_SKIP;
	return MISFIRE_ONCE;
}
