/*
 * late: who is told of what begins, or waits, too long after its due.  The target is in no configuration, so that all
 * notices stay: none is told twice, and none is left out.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/json.h"
#include "proto/mem.h"
#include "proto/notice.h"
#include "tests/sim/sim.h"

/* It is asked for once a second, and only by a store that works. */
#define LATE_TOLERANCE	USEC_MINUTE

struct late_due {
	int64_t	job;
	instant	due, after;	/* wanted: or of one after that, which was skipped as missed, and this run in its place */
};

static void
dues_add(struct late_dues *d, struct late_due due)
{
	d->items = xrealloc(d->items, (d->n + 1) * sizeof(*d->items));
	d->items[d->n++] = due;
}

static bool
dues_have(const struct late_dues *d, int64_t job, instant after, instant due)
{
	for (size_t i = 0; i < d->n; i++) {
		if (d->items[i].job == job && d->items[i].due.usec > after.usec && d->items[i].due.usec <= due.usec)
			return true;
	}
	return false;
}

/* The clock, retention and a full target may hide it. */
static bool
is_sure(const struct sim *s)
{
	return s->steps_n == 0 && s->keep.age == 0;
}

void
late_run(struct sim *s, const struct sim_job *j, const struct run_info *r, struct late_dues *wanted)
{
	if (is_sure(s) && j->late_after > 0 && r->attempt == 1 && !r->manual &&
	    instant_is_set(r->started) && instant_since(r->started, r->due) > j->late_after)
		dues_add(wanted, (struct late_due){ r->job, r->due, r->previous });
}

/* It waits; at rest the daemon has lived for longer than any of them may. */
void
late_job(struct sim *s, const struct sim_job *j, const struct job_info *job, struct late_dues *wanted)
{
	instant now = loop_wall(s->life->loop);

	if (is_sure(s) && j->late_after > 0 && !job->paused && job->crashes < CRASHES_MAX && instant_is_set(job->due) &&
	    instant_since(now, job->due) > j->late_after + LATE_TOLERANCE)
		dues_add(wanted, (struct late_due){ job->id, job->due, instant_add(job->due, -1) });
}

/* A page of notices, the newest first. */
void
late_page(struct sim *s, const struct op_notices *page, struct late_dues *told)
{
	for (size_t i = 0; i < page->n; i++) {
		struct notice_info n = NOTICE_INFO_NONE;
		struct field_error error;
		const char *why;
		struct cJSON *json = json_parse(page->rows[i].notice, strlen(page->rows[i].notice), &why);

		SIM_CHECK(s, json != NULL && fields_read_lax(json, notice_info_fields, &n, &error) == JOBD_OK &&
		    n.event == NOTICE_LATE, "a notice is no lateness: %s", page->rows[i].notice);
		SIM_CHECK(s, !is_sure(s) || !dues_have(told, n.job, instant_add(n.due, -1), n.due), "job %lld is told twice to be late: %s",
		    (long long)n.job, page->rows[i].notice);
		dues_add(told, (struct late_due){ .job = n.job, .due = n.due });
		json_free(json);
		notice_info_done(&n);
	}
}

void
late_check(struct sim *s, const struct late_dues *wanted, const struct late_dues *told)
{
	for (size_t i = 0; i < wanted->n && told->n < NOTICES_MAX; i++)
		SIM_CHECK(s, dues_have(told, wanted->items[i].job, wanted->items[i].after, wanted->items[i].due),
		    "job %lld was late at %lld, and nobody was told", (long long)wanted->items[i].job,
		    (long long)wanted->items[i].due.usec);
}

void
late_done(struct late_dues *d)
{
	free(d->items);
	*d = (struct late_dues){ .n = 0 };
}
