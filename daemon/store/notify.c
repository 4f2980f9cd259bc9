/*
 * notify: see notify.h.
 */
#include "daemon/store/notify.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/must.h"
#include "daemon/store/health.h"
#include "proto/json.h"
#include "proto/mem.h"

/* A longer reason is cut: a notice is not a log. */
#define REASON_BYTES_MAX 1000

static void
tell_run(const struct op_finish *o, int kind, struct notice_info *n)
{
	const struct run_info *run = o->run;

	*n = NOTICE_INFO_NONE;
	n->at = run->ended;
	n->job = run->job;
	n->run = run->run;
	n->kind = kind;
	n->state = run->state;
	n->due = run->due;
	n->attempt = run->attempt;
	n->exit_code = run->exit_code;
	n->signal = run->signal;
	n->http_status = run->http_status;
	n->verdict = o->verdict;
	n->reason = o->reason != NULL ? o->reason : run->reason;
}

static void
tell_trouble(const struct trouble *t, struct notice_info *n)
{
	n->failures = t->failures;
	n->first_run = t->first_run;
	n->since = t->since;
	n->lasted = instant_since(n->at, t->since);
	if (n->lasted < 0)
		n->lasted = 0;
}

static bool
was_told(const struct trouble *t, enum notice_event event)
{
	return (t->told & 1u << event) != 0;
}

/* Of a check that is not, or not surely, down: what there is of it was not told yet. */
static bool
not_sure(const struct op_finish *o)
{
	return o->check != NULL && o->verdict == VERDICT_DOWN && o->health != VERDICT_DOWN;
}

static unsigned
failed(struct trouble *t, const struct op_finish *o, struct notice_info *n)
{
	const struct run_info *run = o->run;
	unsigned events = 1u << NOTICE_FAIL;

	if (t->failures++ == 0) {
		t->first_run = run->run;
		t->since = run->ended;
	}
	tell_trouble(t, n);
	if (not_sure(o))
		return 0;
	if (run->state == RUN_TIMED_OUT)
		events |= 1u << NOTICE_TIMED_OUT;
	if (run->state == RUN_LOST)
		events |= 1u << NOTICE_LOST;
	if (o->check != NULL && o->health == VERDICT_DOWN && !was_told(t, NOTICE_DOWN))
		events |= 1u << NOTICE_DOWN;
	/* An answer that comes too late is a failure, and the end of being down. */
	if (o->health == VERDICT_DEGRADED && was_told(t, NOTICE_DOWN)) {
		events |= 1u << NOTICE_UP;
		t->told &= ~(1u << NOTICE_DOWN);
	}
	t->told |= events & ~(1u << NOTICE_UP);
	return events;
}

static unsigned
succeeded(struct trouble *t, const struct op_finish *o, struct notice_info *n)
{
	unsigned events = 0;

	/* A check that is down is so until enough have succeeded. */
	if (t->failures == 0 || (o->check != NULL && health_is_down(o->health)))
		return 0;
	tell_trouble(t, n);
	if (was_told(t, NOTICE_FAIL))
		events |= 1u << NOTICE_RECOVER;
	if (was_told(t, NOTICE_DOWN))
		events |= 1u << NOTICE_UP;
	*t = (struct trouble){ 0 };
	return events;
}

unsigned
notify_run_events(struct trouble *t, const struct op_finish *o, int kind, struct notice_info *n)
{
	const struct run_info *run = o->run;

	MUST(run_state_final((enum run_state)run->state));
	tell_run(o, kind, n);
	if (run->state == RUN_CANCELED || o->verdict == VERDICT_INCONCLUSIVE ||
	    o->verdict == VERDICT_UNREACHABLE)
		return 0;
	return run->state == RUN_SUCCEEDED ? succeeded(t, o, n) : failed(t, o, n);
}

/* Without reading it: most jobs do not. */
static bool
says_late_after(const char *spec)
{
	return spec != NULL && strstr(spec, "\"lateAfterUSec\"") != NULL;
}

bool
notify_may_be_late(const struct op_claim *claim, int kind, const char *spec, const struct job_spec *known)
{
	if (claim->queue || claim->manual || claim->attempt != 1)
		return false;
	if (kind == KIND_HEARTBEAT)
		return claim->born;
	return known != NULL ? known->late_after > 0 : says_late_after(spec);
}

usec_t
notify_late_after(const char *spec, const struct job_spec *known)
{
	struct cJSON *json;
	const char *why;
	usec_t after;

	if (known != NULL)
		return known->late_after;
	if (!says_late_after(spec))
		return 0;
	json = json_parse(spec, strlen(spec), &why);
	after = json != NULL ? json_get_int(json, "lateAfterUSec", 0) : 0;
	json_free(json);
	return after;
}

unsigned
notify_late_events(const struct op_claim *claim, const struct late_job *j, struct notice_info *n)
{
	usec_t late = instant_since(claim->started, claim->run_due), after;

	*n = NOTICE_INFO_NONE;
	n->at = claim->started;
	n->job = claim->job;
	n->run = claim->run;
	n->kind = j->kind;
	n->due = claim->run_due;
	if (j->kind == KIND_HEARTBEAT)
		return health_is_down(j->health) ? 0 : 1u << NOTICE_LATE;
	after = notify_late_after(j->spec, j->known);
	if (after <= 0 || late <= after)
		return 0;
	n->lasted = late;
	return 1u << NOTICE_LATE;
}

bool
notify_late_told(instant due, instant told, instant now)
{
	return instant_is_set(told) && due.usec <= told.usec && told.usec <= now.usec;
}

bool
notify_late_waits(const struct op_late *o, instant due, usec_t after, instant *next)
{
	instant from = due.usec > o->since.usec ? due : o->since, at = instant_add(from, after);

	if (at.usec <= o->now.usec)
		return true;
	if (!instant_is_set(*next) || at.usec < next->usec)
		*next = at;
	return false;
}

void
notify_late_fill(const struct op_late *o, int64_t job, int kind, int64_t run, instant due, struct notice_info *n)
{
	*n = NOTICE_INFO_NONE;
	n->at = o->now;
	n->job = job;
	n->kind = kind;
	n->run = run;
	n->state = RUN_QUEUED;
	n->due = due;
	n->lasted = instant_since(o->now, due);
}

unsigned
notify_skip_events(const struct op_skip *skip, int kind, struct notice_info *n)
{
	*n = NOTICE_INFO_NONE;
	n->at = skip->last;
	n->job = skip->job;
	n->kind = kind;
	n->due = skip->first;
	n->count = skip->count;
	if (skip->count > 1)
		n->last = skip->last;
	n->run = skip->cause == SKIP_OVERLAP ? skip->run : 0;
	return skip->cause == SKIP_MISSED ? 1u << NOTICE_MISSED :
	    skip->cause == SKIP_OVERLAP ? 1u << NOTICE_SKIPPED : 0;
}

/* What was missed may be long ago. */
instant
notify_skip_since(const struct op_skip *skip)
{
	return instant_is_set(skip->now) ? skip->now : skip->last;
}

size_t
notify_targets(const struct strings *rules, unsigned events, struct notify_wanted out[NOTIFY_MAX])
{
	unsigned wanted[NOTIFY_MAX];
	struct notify_rule rule;
	size_t n = 0, k, told = 0;

	for (size_t i = 0; i < rules->n && i < NOTIFY_MAX; i++) {
		if (!notify_rule_read(rules->items[i], &rule, NULL) || (rule.events & events) == 0)
			continue;
		for (k = 0; k < n && strcmp(out[k].name, rule.target) != 0; k++)
			;
		if (k == n) {
			(void)strcpy(out[n].name, rule.target);
			wanted[n++] = 0;
		}
		wanted[k] |= rule.events & events;
	}
	for (; told < n; told++)
		out[told].event = notice_event_of(wanted[told]);
	return told;
}

char *
notice_print(struct notice_info *n, int event)
{
	char *whole = n->reason, *cut = NULL, *text;
	size_t end = REASON_BYTES_MAX;
	struct cJSON *json;

	if (whole != NULL && strlen(whole) > REASON_BYTES_MAX) {
		while (end > 0 && ((unsigned char)whole[end] & 0xc0) == 0x80)
			end--;
		cut = xstrndup(whole, end);
		n->reason = cut;
	}
	n->event = event;
	json = fields_write(notice_info_fields, n);
	text = json_print(json);
	json_free(json);
	n->reason = whole;
	free(cut);
	return text;
}
