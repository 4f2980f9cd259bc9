/*
 * planned: see planned.h.
 */
#include "daemon/server/planned.h"

bool
planned_open(struct planned *p, const struct server *s, const struct job_info *job)
{
	struct field_error error;

	*p = (struct planned){ .schedule = { .every = 0 } };
	if (job->spec == NULL ||
	    fields_read_lax(job->spec, job_spec_fields, &p->spec, &error) != JOBD_OK)
		return false;
	return schedule_open(&p->spec, s->zones, job->id, &p->schedule, &error) == JOBD_OK;
}

void
planned_done(struct planned *p)
{
	schedule_done(&p->schedule);
	job_spec_done(&p->spec);
}
