/*
 * planned: see planned.h.
 */
#include "daemon/server/planned.h"

#include "proto/json.h"

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

struct due_row
planned_row(const struct planned *p, const struct job_info *job, instant due)
{
	struct due_row row = { .due = due, .id = job->id, .every = job->every,
	    .misfire = p->spec.misfire, .kind = job->kind, .uid = job->uid,
	    .terms = terms_of(&p->spec),
	    .retrying = job->last != NULL && job->last->state == RUN_RETRYING ?
	    job->last->run : 0 };
	struct cJSON *fields;

	if (job_spec_has_schedule(&p->spec)) {
		fields = fields_write(schedule_fields, &p->spec);
		row.schedule = json_print(fields);
		json_free(fields);
	}
	return row;
}

void
planned_done(struct planned *p)
{
	schedule_done(&p->schedule);
	job_spec_done(&p->spec);
}
