/*
 * replay-read: what a flight record says of the beginning.  There is no picture of it in the file: at the place where
 * the replay begins, a job is due when the first decision about it later says so, or else as it is at the end; and
 * those runs go on that end later, or have not ended, and did not begin later.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/scheduler/recorder.h"
#include "daemon/scheduler/replay-internal.h"
#include "proto/json.h"
#include "proto/mem.h"

#define TEXT_MAX	(FLIGHT_RECORD_MAX * sizeof(((struct flight_cell *)NULL)->text))

void
decisions_add(struct decisions *d, struct decision decision)
{
	if (d->n == d->size) {
		d->size = d->size == 0 ? 1024 : 2 * d->size;
		d->items = xrealloc(d->items, d->size * sizeof(*d->items));
	}
	d->items[d->n++] = decision;
}

/* ---- jobs ---- */

static char *
text_of(const struct flight_cell *c, unsigned i)
{
	char text[TEXT_MAX];

	return flight_text(c, RECORD_JOB_ROWS, i, text, sizeof(text)) && text[0] != '\0' ? xstrdup(text) : NULL;
}

/* A job of this kind that does nothing, with the schedule.  False: that cannot be read. */
static bool
spec_make(struct replay_job *j)
{
	static const char *const bodies[] = {
		[KIND_COMMAND] = "{\"command\":{\"argv\":[\"true\"]}}",
		[KIND_HTTP] = "{\"http\":{\"url\":\"http://replay.invalid/\",\"quickRetries\":0}}",
		[KIND_TIMER] = "{\"timer\":{\"durationUSec\":1}}",
		[KIND_HEARTBEAT] = "{\"heartbeat\":true}",
	};
	static_assert(sizeof(bodies) / sizeof(bodies[0]) == KIND_COUNT, "a body a kind");
	struct cJSON *body = json_parse(bodies[j->row.kind], strlen(bodies[j->row.kind]), NULL);
	struct field_error error;
	bool good = fields_read(body, job_spec_fields, &j->spec, &error) == JOBD_OK;

	json_free(body);
	j->spec.every = j->row.every;
	return good;
}

static void
job_free(struct replay_job *j)
{
	free(j->row.schedule);
	terms_done(&j->row.terms);
	job_spec_done(&j->spec);
	free(j);
}

static bool
in_range(int64_t value, int64_t from, int64_t to)
{
	return value >= from && value <= to;
}

/* The file may be damaged: nothing that no job can have. */
static bool
job_is_sound(const struct flight_cell *c)
{
	return c->cells >= 1 + RECORD_JOB_ROWS && (c->kind & FLIGHT_CUT) == 0 && c->n < KIND_COUNT && c->a > 0 &&
	    c->b >= 0 && (c[1].more[0] == 0 || in_range(c[1].more[0], EVERY_MIN, DURATION_MAX)) && in_range(c[1].more[1], 0, MISFIRE_COUNT - 1) &&
	    in_range(c[2].more[0], -PRIORITY_MAX, PRIORITY_MAX) && in_range(c[2].more[1], 0, QUEUE_SLOTS_MAX) &&
	    in_range(c[2].more[2], 0, OVERLAP_COUNT - 1) && in_range(c[3].more[0], 0, OVERLAP_LIMIT_MAX);
}

static bool
job_read(struct replay_script *s, const struct flight_cell *c)
{
	struct replay_job *j, *before;
	struct queue_terms terms;

	if (!job_is_sound(c))
		return false;
	j = xcalloc(1, sizeof(*j));
	j->row = (struct due_row){
		.id = c->a, .kind = c->n, .every = c[1].more[0], .misfire = (int)c[1].more[1], .uid = c[1].more[2],
		.terms = { .priority = c[2].more[0], .slots = c[2].more[1], .overlap = (int)c[2].more[2],
		    .overlap_limit = c[3].more[0] },
		.schedule = text_of(c, 0),
	};
	j->row.terms.queue = text_of(c, 1);
	j->row.terms.mutex = text_of(c, 2);
	before = map_get(&s->jobs, c->a);
	/* One that came by hand only, or was edited, is described without its schedule. */
	if (before != NULL && j->row.schedule == NULL && c->b == 0) {
		terms = before->row.terms;
		before->row.terms = j->row.terms;
		j->row.terms = terms;
		job_free(j);
		return true;
	}
	if (!spec_make(j)) {
		job_free(j);
		return before != NULL;
	}
	if (before != NULL)
		job_free(before);
	map_set(&s->jobs, c->a, j);
	return true;
}

static void
jobs_read(struct replay_script *s)
{
	const struct flight_cell *c;
	uint64_t at = 0;

	while ((c = flight_record(s->file, FLIGHT_JOBS, &at)) != NULL) {
		if (c->what == FLIGHT_JOB)
			(void)job_read(s, c);
	}
}

/* ---- where to begin ---- */

static bool
names_job(const struct flight_cell *c)
{
	return c->what == FLIGHT_CLAIM || c->what == FLIGHT_CLAIMED || c->what == FLIGHT_QUEUE ||
	    c->what == FLIGHT_SKIP || c->what == FLIGHT_SKIPPED || c->what == FLIGHT_EXIT || c->what == FLIGHT_LEFT || c->what == FLIGHT_ADOPTED ||
	    (c->what == FLIGHT_TOLD && c->a != 0);
}

const struct flight_cell *
script_decision(const struct replay_script *s, uint64_t *at)
{
	return flight_record(s->file, FLIGHT_DECISIONS, at);
}

/* Jobs that are told of, and that nothing is decided about, are of no interest. */
static bool
may_be_unknown(const struct flight_cell *c)
{
	return c->what == FLIGHT_TOLD && (c->n == TOLD_ADDED || c->n == TOLD_PAUSED || c->n == TOLD_REMOVED ||
	    c->n == TOLD_RESUMED || c->n == TOLD_SKIPPED || c->n == TOLD_DEPENDENT || c->n == TOLD_PINGED);
}

/* Why it cannot be followed; NULL: it can. */
static const char *
cannot_follow(const struct replay_script *s, const struct flight_cell *c)
{
	if (c->what == FLIGHT_CLOCK && c->b != 0)
		return "the clock was set, or the host has slept";
	if (c->what == FLIGHT_TOLD && c->n == TOLD_RECOVERED)
		return "the daemon began";
	if (c->what == FLIGHT_TOLD && c->n == TOLD_RETRIED)
		return "a run was retried by hand";
	if (c->what == FLIGHT_TOLD && c->n == TOLD_QUEUE_REMOVED)
		return "a queue was removed";
	if (c->what == FLIGHT_TOLD && c->n == TOLD_SWEPT)
		return "dues were brought in line with the clock";
	if (c->what == FLIGHT_TOLD && c->n == TOLD_STORE_FAILED)
		return "the store failed";
	/* It is described as it is since then alone. */
	if (c->what == FLIGHT_TOLD && c->n == TOLD_EDITED)
		return "a job was edited";
	if (c->what == FLIGHT_TOLD && c->n == TOLD_LIMITS)
		return "the limits were changed";
	if (c->what == FLIGHT_LEFT && c->n == RUN_RUNNING)
		return "a run was let go";
	if (names_job(c) && !may_be_unknown(c) && map_get(&s->jobs, c->a) == NULL)
		return "a job is not described any more";
	return NULL;
}

/* Runs that begin again later, having waited: where they came from must be in the record. */
struct origin {
	int64_t	job, run;
	bool	retries;		/* it waits for its next attempt */
	bool	by_hand;
};

static int
origin_compare(const void *a, const void *b)
{
	const struct origin *x = a, *y = b;

	if (x->job != y->job)
		return x->job < y->job ? -1 : 1;
	return x->run < y->run ? -1 : x->run > y->run;
}

static struct origin *
origin_find(struct origin *all, size_t n, int64_t job, int64_t run)
{
	for (size_t i = n; i-- > 0;) {
		if (all[i].job == job && all[i].run == run)
			return &all[i];
	}
	return NULL;
}

/* What makes a run that waits. */
static bool
makes_waiting(const struct flight_cell *c)
{
	return (c->what == FLIGHT_CLAIMED && c->kind == 0 && c->cells > 1 && c[1].more[1] != 0 && c[1].more[2] == 0) ||
	    (c->what == FLIGHT_TOLD && (c->n == TOLD_TRIGGERED || c->n == TOLD_DUE_QUEUED)) ||
	    (c->what == FLIGHT_LEFT && c->n == RUN_RETRYING);
}

/* At a place: the runs that wait.  The caller frees. */
static struct origin *
waiting_at(const struct replay_script *s, uint64_t place, size_t *ret_n)
{
	struct origin *all = NULL, *o;
	const struct flight_cell *c;
	size_t n = 0, size = 0;
	uint64_t at = 0;

	while (at < place && (c = script_decision(s, &at)) != NULL && at <= place) {
		if (makes_waiting(c)) {
			if (n == size) {
				size = size == 0 ? 64 : 2 * size;
				all = xrealloc(all, size * sizeof(*all));
			}
			all[n++] = (struct origin){ c->a, c->b, c->what == FLIGHT_LEFT, c->what == FLIGHT_TOLD &&
			    c->n == TOLD_TRIGGERED };
		} else if ((c->what == FLIGHT_CLAIM && c->b != 0) || (c->what == FLIGHT_TOLD && c->n == TOLD_CANCELED)) {
			o = origin_find(all, n, c->a, c->b);
			if (o != NULL)
				*o = all[--n];
		}
	}
	if (n > 0)
		qsort(all, n, sizeof(*all), origin_compare);
	*ret_n = n;
	return all;
}

/* Behind a place an occurrence is skipped that was to wait when this place came: too many waited.  Behind that. */
static uint64_t
behind_the_full(const struct replay_script *s, uint64_t place, const char **why)
{
	struct map asked = { .n = 0 };
	const struct flight_cell *c, *before;
	uint64_t at = 0, begin = place;

	while ((c = script_decision(s, &at)) != NULL) {
		if (c->what == FLIGHT_QUEUE && at <= place)
			map_set(&asked, c->a, (void *)(uintptr_t)c);
		if (c->what != FLIGHT_SKIP || at <= place)
			continue;
		before = map_get(&asked, c->a);
		if (before != NULL && before[1].more[0] == c[1].more[0]) {
			*why = "a decision was under way";
			begin = at;
		}
	}
	map_done(&asked);
	return begin;
}

/* For a map; in other records than of runs the two may be anything. */
static int64_t
run_key(int64_t job, int64_t run)
{
	return (int64_t)((uint64_t)job * 1000003 + (uint64_t)run);
}

/* The first run after a place that comes from before it in a way that is not followed: behind it; or the place. */
static uint64_t
behind_strangers(const struct replay_script *s, uint64_t place, const char **why)
{
	struct origin *all, *o;
	const struct flight_cell *c;
	uint64_t at = place;
	struct map born = { .n = 0 };
	size_t n;

	all = waiting_at(s, place, &n);
	while ((c = script_decision(s, &at)) != NULL) {
		/* A mixed key may be another run's as well: then a stranger is let in, and is told as a difference. */
		int64_t key = run_key(c->a, c->b);

		if (makes_waiting(c))
			map_set(&born, key, &born);
		if (c->what != FLIGHT_CLAIM || c->b == 0 || map_get(&born, key) != NULL)
			continue;
		o = origin_find(all, n, c->a, c->b);
		if (o == NULL || o->retries) {
			*why = "a run began again that waited since before";
			place = at;
		}
	}
	map_done(&born);
	free(all);
	return place;
}

static uint64_t
begin_find(const struct replay_script *s, const char **why)
{
	const struct flight_cell *c;
	uint64_t at = 0, begin = 0, again;
	const char *reason;

	*why = s->file->header.rings[FLIGHT_DECISIONS].lost > 0 ? "what was before is overwritten" : "the record begins";
	while ((c = script_decision(s, &at)) != NULL) {
		reason = cannot_follow(s, c);
		if (reason == NULL)
			continue;
		*why = reason;
		begin = at;
	}
	while ((again = behind_the_full(s, behind_strangers(s, begin, why), why)) != begin)
		begin = again;
	return begin;
}

/* ---- how it is there ---- */

static void
run_add(struct replay_script *s, struct replay_run run)
{
	s->runs = xrealloc(s->runs, (s->runs_n + 1) * sizeof(*s->runs));
	s->runs[s->runs_n++] = run;
}

static bool
run_known(const struct replay_script *s, int64_t job, int64_t run)
{
	for (size_t i = 0; i < s->runs_n; i++) {
		if (s->runs[i].job == job && s->runs[i].run == run)
			return true;
	}
	return false;
}

/* The order in which they came is that in which they are found again; of one job it is that of the numbers. */
static int
run_compare(const void *a, const void *b)
{
	const struct replay_run *x = a, *y = b;

	if (x->job != y->job && x->since != y->since)
		return x->since < y->since ? -1 : 1;
	if (x->job != y->job)
		return x->job < y->job ? -1 : 1;
	return x->run < y->run ? -1 : x->run > y->run;
}

/* By what comes later a job's due at the beginning is known, or that it had none yet. */
static bool
tells_due(const struct flight_cell *c, int64_t *ret, bool *later)
{
	*ret = 0;
	*later = false;
	switch ((enum flight_what)c->what) {
	case FLIGHT_CLAIM:
		*ret = c[1].more[0];
		return c->b == 0;
	case FLIGHT_QUEUE:
	case FLIGHT_SKIP:
		*ret = c[1].more[0];
		return true;
	case FLIGHT_TOLD:
		*later = c->n == TOLD_ADDED;
		return c->n == TOLD_ADDED || c->n == TOLD_RESUMED || c->n == TOLD_DEPENDENT || c->n == TOLD_SKIPPED ||
		    c->n == TOLD_DUE_QUEUED || c->n == TOLD_PINGED;
	case FLIGHT_NOTHING:
	case FLIGHT_MORE:
	case FLIGHT_TIMER:
	case FLIGHT_READY:
	case FLIGHT_ANSWER:
	case FLIGHT_CALL:
	case FLIGHT_BLOCKED:
	case FLIGHT_BEGIN:
	case FLIGHT_CLOCK:
	case FLIGHT_CLAIMED:
	case FLIGHT_SKIPPED:
	case FLIGHT_EXIT:
	case FLIGHT_LEFT:
	case FLIGHT_ADOPTED:
	case FLIGHT_JOB:
	case FLIGHT_LINE:
	case FLIGHT_NOW_JOB:
	case FLIGHT_NOW_RUN:
	case FLIGHT_WHAT_COUNT:
		break;
	}
	return false;
}

/* The answer to the claim of an occurrence, not to that of a run that waited. */
static bool
is_of_occurrence(const struct flight_cell *claimed)
{
	return claimed[1].more[0] != 0;
}

/* The number of a run that is made by this record; 0: none is. */
static int64_t
made_run(const struct flight_cell *c, const struct map *asked)
{
	if (c->what == FLIGHT_TOLD && (c->n == TOLD_TRIGGERED || c->n == TOLD_DUE_QUEUED))
		return c->b;
	if (c->what == FLIGHT_CLAIMED && c->kind == 0 && is_of_occurrence(c) && c[1].more[2] == 0 &&
	    map_get(asked, c->a) != NULL)
		return c->b;
	return 0;
}

struct begin_state {
	struct map	dues;		/* jobs whose due is known */
	struct map	numbers;	/* jobs whose first new run is known */
	struct map	asked;		/* an occurrence of the job is being claimed */
	struct map	born;		/* runs that began later, mixed as above */
};

static void
state_look(struct replay_script *s, struct begin_state *b, const struct flight_cell *c)
{
	struct replay_job *j = names_job(c) ? map_get(&s->jobs, c->a) : NULL;
	int64_t due, made;
	bool later;

	if (j == NULL)
		return;
	if (map_get(&b->dues, c->a) == NULL && tells_due(c, &due, &later)) {
		j->row.due.usec = due;
		j->later = later;
		map_set(&b->dues, c->a, j);
	}
	if ((c->what == FLIGHT_CLAIM && c->b == 0) || c->what == FLIGHT_QUEUE)
		map_set(&b->asked, c->a, j);
	/* It was decided before, and is taken for done at the beginning. */
	if (c->what == FLIGHT_CLAIMED && makes_waiting(c) && map_get(&b->asked, c->a) == NULL)
		run_add(s, (struct replay_run){ .job = c->a, .run = c->b, .waits = true, .due = c[1].more[0] });
	made = made_run(c, &b->asked);
	if (made > 0 && map_get(&b->numbers, c->a) == NULL) {
		j->runs = made - 1;
		map_set(&b->numbers, c->a, j);
	}
	if (made > 0 || (c->what == FLIGHT_CLAIM && c->b != 0))
		map_set(&b->born, run_key(c->a, made > 0 ? made : c->b), j);
	if (c->what == FLIGHT_CLAIMED && is_of_occurrence(c))
		(void)map_remove(&b->asked, c->a);
	if (c->what == FLIGHT_LEFT && map_get(&b->born, run_key(c->a, c->b)) == NULL && !run_known(s, c->a, c->b))
		run_add(s, (struct replay_run){ .job = c->a, .run = c->b, .due = c[1].more[2] });
}

/* The store refused what is asked for here: something was out of date, and it was not decided after all. */
static void
decision_drop(struct decisions *d, const struct flight_cell *c)
{
	bool waited = c->what == FLIGHT_CLAIMED && !is_of_occurrence(c);
	int64_t key = waited ? c->b : c[1].more[0];

	for (size_t i = d->n; i-- > 0;) {
		struct decision *x = &d->items[i];

		if (x->job == c->a && x->key == key && (x->what == DECIDED_GO_ON) == waited &&
		    (x->what == DECIDED_SKIP) == (c->what == FLIGHT_SKIPPED)) {
			memmove(x, x + 1, (d->n-- - i - 1) * sizeof(*x));
			return;
		}
	}
}

static void
decision_read(struct replay_script *s, const struct flight_cell *c, bool before)
{
	struct decision d = { .what = -1, .job = c->a, .key = 0, .at = c->at, .before = before };

	if (c->cells > 1)
		d.key = c[1].more[0];
	if (c->what == FLIGHT_CLAIM && c->b != 0)
		d.what = DECIDED_GO_ON, d.key = c->b;
	else if (c->what == FLIGHT_CLAIM)
		d.what = DECIDED_START;
	else if (c->what == FLIGHT_QUEUE)
		d.what = DECIDED_WAIT;
	else if (c->what == FLIGHT_SKIP)
		d.what = DECIDED_SKIP;
	else if ((c->what == FLIGHT_CLAIMED || c->what == FLIGHT_SKIPPED) && c->kind != 0)
		decision_drop(&s->decisions, c);
	if (d.what >= 0)
		decisions_add(&s->decisions, d);
}

/* What there is at the end, as far as nothing later than the beginning has told. */
static void
present_look(struct replay_script *s, struct begin_state *b)
{
	for (uint64_t i = 0; i < s->file->present_n; i++) {
		const struct flight_cell *c = &s->file->present[i];
		struct replay_job *j = map_get(&s->jobs, c->a);

		if (j == NULL)
			continue;
		if (c->what == FLIGHT_NOW_JOB && map_get(&b->dues, c->a) == NULL) {
			j->row.due.usec = c->b;
			map_set(&b->dues, c->a, j);
		} else if (c->what == FLIGHT_NOW_RUN && c->b != 0 && !run_known(s, c->a, c->b) &&
		    map_get(&b->born, run_key(c->a, c->b)) == NULL) {
			run_add(s, (struct replay_run){ .job = c->a, .run = c->b });
		}
	}
}

/* Where each of them came from; of a job the first one's place stands for all, so that they stay together. */
static void
runs_order(struct replay_script *s)
{
	const struct flight_cell *c;
	uint64_t at = 0;
	struct map places = { .n = 0 };

	while (at < s->begin && (c = script_decision(s, &at)) != NULL && at <= s->begin) {
		if ((c->what == FLIGHT_ADOPTED || c->what == FLIGHT_CLAIMED) && run_known(s, c->a, c->b))
			map_set(&places, c->a, (void *)(uintptr_t)at);
	}
	for (size_t i = 0; i < s->runs_n; i++)
		s->runs[i].since = (uint64_t)(uintptr_t)map_get(&places, s->runs[i].job);
	map_done(&places);
}

static void
state_read(struct replay_script *s)
{
	struct begin_state b = { .dues = { .n = 0 } };
	const struct flight_cell *c;
	struct origin *waiting;
	uint64_t at = 0;
	bool any = false;
	size_t n;

	while (at < s->begin && (c = script_decision(s, &at)) != NULL && at <= s->begin) {
		s->from = c->at;
		decision_read(s, c, true);
	}
	at = s->begin;
	while ((c = script_decision(s, &at)) != NULL) {
		if (s->from == 0)
			s->from = c->at;
		any = true;
		state_look(s, &b, c);
		decision_read(s, c, false);
	}
	s->any = any;
	present_look(s, &b);
	waiting = waiting_at(s, s->begin, &n);
	for (size_t i = 0; i < n; i++) {
		if (!waiting[i].retries && !run_known(s, waiting[i].job, waiting[i].run))
			run_add(s, (struct replay_run){ .job = waiting[i].job, .run = waiting[i].run, .waits = true,
			    .by_hand = waiting[i].by_hand });
	}
	free(waiting);
	runs_order(s);
	if (s->runs_n > 0)
		qsort(s->runs, s->runs_n, sizeof(*s->runs), run_compare);
	/* Of which none is made later, the latest is the last of these. */
	for (size_t i = 0; i < s->runs_n; i++) {
		struct replay_job *j = map_get(&s->jobs, s->runs[i].job);

		if (j != NULL && map_get(&b.numbers, j->row.id) == NULL && j->runs < s->runs[i].run)
			j->runs = s->runs[i].run;
	}
	map_done(&b.dues);
	map_done(&b.numbers);
	map_done(&b.asked);
	map_done(&b.born);
}

/* Records of several cells are looked into: have they as many, and one after another?  Whatever wrote the file. */
static bool
cells_are_there(const struct flight_file *file)
{
	const struct flight_cell *c;
	int64_t before = 0;
	uint64_t at = 0;

	while ((c = flight_record(file, FLIGHT_DECISIONS, &at)) != NULL) {
		if (c->at < before || c->at > file->header.now)
			return false;
		before = c->at;
		if (c->cells < 2 && c->what != FLIGHT_BEGIN && c->what != FLIGHT_CLOCK && c->what != FLIGHT_EXIT)
			return false;
	}
	return true;
}

bool
script_read(struct replay_script *s, const struct flight_file *file, char why[200])
{
	const char *reason = "";

	*s = (struct replay_script){ .file = file };
	if (!cells_are_there(file)) {
		(void)snprintf(why, 200, "the record is damaged");
		return false;
	}
	jobs_read(s);
	s->begin = begin_find(s, &reason);
	state_read(s);
	(void)snprintf(why, 200, "%s", reason);
	if (s->any)
		return true;
	(void)snprintf(why, 200, "nothing comes behind the last thing that cannot be followed (%s)", reason);
	return false;
}

void
script_done(struct replay_script *s)
{
	size_t position = 0;
	struct replay_job *j;

	while ((j = map_next(&s->jobs, &position)) != NULL)
		job_free(j);
	map_done(&s->jobs);
	free(s->runs);
	free(s->decisions.items);
	*s = (struct replay_script){ .file = NULL };
}
