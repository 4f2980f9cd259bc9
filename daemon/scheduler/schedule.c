/*
 * schedule: see schedule.h.
 *
 * Wall-clock times are walked in stretches of one UTC offset each: within one, wall time and
 * instants run side by side, so the first match is found by the pattern's own search.  At
 * the end of a stretch the clock jumps.  Forward over a gap: a schedule that names times of day
 * is due at the first instant after it, once, however many of its times lay within; a
 * rhythm goes on with the next time that there is.  Back into a fold: the times of day have
 * been there already, the rhythm goes on.
 *
 * Dues of elapsed time are counted from the due that is stored, never from now, so that a job
 * every hour does not drift with each run.
 */
#include "daemon/scheduler/schedule.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/must.h"
#include "daemon/scheduler/calendar.h"
#include "daemon/scheduler/cron.h"
#include "proto/json.h"
#include "proto/mem.h"

/* Stretches of one offset that a search walks at most: two time changes a year, and more than enough. */
#define STRETCHES_MAX	2000

/* No two zones' clocks, nor one zone's before and after a change, are further apart. */
#define OFFSET_MAX	((int64_t)2 * 86400)

/* Bytes of an expression that an error repeats. */
#define QUOTED_MAX	40

struct schedule_rule {
	struct pattern		*pattern;	/* NULL: elapsed time */
	const struct zone	*zone;		/* of the zones */
	bool			 fixed, on_boot;
	int			 dst;		/* enum dst */
	usec_t			 jitter;
	int64_t			 id;
	instant			 from, until;
	int64_t			 misfire_limit;
	usec_t			 misfire_window;
	size_t			 exceptions_n;
	struct exception	 exceptions[];
};

/* ---- making one ---- */

static enum jobd_error
refuse(struct field_error *error, const char *field, const char *reason)
{
	error->why = JOBD_INVALID_FIELD;
	(void)snprintf(error->path, sizeof(error->path), "%s", field);
	(void)snprintf(error->reason, sizeof(error->reason), "%s", reason);
	return JOBD_INVALID_FIELD;
}

static enum jobd_error
refuse_expression(struct field_error *error, const char *field, const char *text,
    const struct pattern_error *why)
{
	char reason[sizeof(error->reason)], rest[QUOTED_MAX + 1];
	size_t n = 0;

	/* The place is told by what follows; printable, and no letter is cut in two. */
	for (const char *p = text + why->at; *p != '\0' && n < QUOTED_MAX; p++)
		rest[n++] = *p >= ' ' && *p <= '~' && *p != '"' ? *p : '?';
	rest[n] = '\0';
	if (n > 0)
		(void)snprintf(reason, sizeof(reason), "at \"%s\": %s", rest, why->text);
	else
		(void)snprintf(reason, sizeof(reason), "at its end: %s", why->text);
	return refuse(error, field, reason);
}

/* The zone that the text ends with, or else the one that the job names. */
static enum jobd_error
zone_choose(const struct job_spec *spec, struct zones *zones, const char *suffix,
    const struct zone **ret, struct field_error *error)
{
	char why[ZONE_ERROR_MAX];
	bool own = suffix[0] != '\0';

	if (own && spec->time_zone != NULL && strcmp(suffix, spec->time_zone) != 0)
		return refuse(error, "timeZone", "the calendar expression names another zone");
	*ret = zones_find(zones, own ? suffix : spec->time_zone, why);
	if (*ret == NULL)
		return refuse(error, own ? "calendar" : "timeZone", why);
	return JOBD_OK;
}

static enum jobd_error
rule_set_pattern(struct schedule_rule *r, const struct job_spec *spec, struct zones *zones,
    struct field_error *error)
{
	char suffix[CALENDAR_ZONE_SIZE] = "";
	struct pattern_error why;

	if (spec->cron != NULL && cron_parse(spec->cron, &r->pattern, &why) < 0)
		return refuse_expression(error, "cron", spec->cron, &why);
	if (spec->calendar != NULL && calendar_parse(spec->calendar, &r->pattern, suffix, &why) < 0)
		return refuse_expression(error, "calendar", spec->calendar, &why);
	if (r->pattern == NULL)
		return JOBD_OK;
	r->fixed = pattern_fixed(r->pattern);
	return zone_choose(spec, zones, suffix, &r->zone, error);
}

static enum jobd_error
rule_add_exception(struct schedule_rule *r, const struct job_spec *spec, struct zones *zones,
    struct field_error *error)
{
	struct exception *e = &r->exceptions[r->exceptions_n];
	const char *text = spec->except.items[r->exceptions_n];
	char suffix[CALENDAR_ZONE_SIZE], field[24], why[ZONE_ERROR_MAX];
	struct pattern_error bad;

	(void)snprintf(field, sizeof(field), "except[%zu]", r->exceptions_n);
	if (calendar_parse(text, &e->pattern, suffix, &bad) < 0)
		return refuse_expression(error, field, text, &bad);
	r->exceptions_n++;
	e->whole_day = strchr(text, ':') == NULL;
	e->zone = zones_find(zones, suffix[0] != '\0' ? suffix : spec->time_zone, why);
	return e->zone != NULL ? JOBD_OK : refuse(error, suffix[0] != '\0' ? field : "timeZone", why);
}

static void
rule_free(struct schedule_rule *r)
{
	if (r == NULL)
		return;
	pattern_free(r->pattern);
	for (size_t i = 0; i < r->exceptions_n; i++)
		pattern_free(r->exceptions[i].pattern);
	free(r);
}

static enum jobd_error
rule_open(const struct job_spec *spec, struct zones *zones, struct schedule_rule **ret,
    struct field_error *error)
{
	struct schedule_rule *r = xcalloc(1, sizeof(*r) + spec->except.n * sizeof(r->exceptions[0]));
	enum jobd_error e;

	r->on_boot = spec->on_boot;
	r->dst = spec->dst;
	r->jitter = spec->jitter;
	r->from = spec->from;
	r->until = spec->until;
	r->misfire_limit = spec->misfire_limit;
	r->misfire_window = spec->misfire_window;
	e = rule_set_pattern(r, spec, zones, error);
	while (e == JOBD_OK && r->exceptions_n < spec->except.n)
		e = rule_add_exception(r, spec, zones, error);
	if (e != JOBD_OK)
		rule_free(r);
	else
		*ret = r;
	return e;
}

enum jobd_error
schedule_open(const struct job_spec *spec, struct zones *zones, int64_t id, struct schedule *out,
    struct field_error *error)
{
	enum jobd_error e;

	*out = (struct schedule){ .every = spec->every };
	if (!job_spec_has_schedule(spec))
		return JOBD_OK;
	e = rule_open(spec, zones, &out->rule, error);
	if (e == JOBD_OK)
		out->rule->id = id;
	return e;
}

int
schedule_read(const char *text, usec_t every, struct zones *zones, int64_t id, struct schedule *out)
{
	struct job_spec spec = { .every = every };
	struct field_error error;
	struct cJSON *object;
	const char *why;
	enum jobd_error e;

	*out = (struct schedule){ .every = every };
	if (text == NULL)
		return 0;
	object = json_parse(text, strlen(text), &why);
	if (object == NULL)
		return -EINVAL;
	e = fields_read_lax(object, schedule_fields, &spec, &error);
	if (e == JOBD_OK)
		e = schedule_open(&spec, zones, id, out, &error);
	fields_done(schedule_fields, &spec);
	json_free(object);
	return e == JOBD_OK ? 0 : -EINVAL;
}

void
schedule_done(struct schedule *s)
{
	rule_free(s->rule);
	*s = (struct schedule){ 0 };
}

bool
schedule_repeats(const struct schedule *s)
{
	return s->every > 0 || (s->rule != NULL && s->rule->pattern != NULL);
}

const struct zone *
schedule_zone(const struct schedule *s)
{
	return s->rule != NULL ? s->rule->zone : NULL;
}

const struct pattern *
schedule_pattern(const struct schedule *s)
{
	return s->rule != NULL ? s->rule->pattern : NULL;
}

const struct exception *
schedule_exception_at(const struct schedule *s, size_t i)
{
	return s->rule != NULL && i < s->rule->exceptions_n ? &s->rule->exceptions[i] : NULL;
}

bool
schedule_bounds(const struct schedule *s, instant i)
{
	const struct schedule_rule *r = s->rule;

	return r == NULL || (i.usec >= r->from.usec &&
	    (!instant_is_set(r->until) || i.usec <= r->until.usec));
}

bool
schedule_fixed(const struct schedule *s)
{
	return s->rule != NULL && s->rule->fixed;
}

int
schedule_dst(const struct schedule *s)
{
	return s->rule != NULL ? s->rule->dst : DST_ONCE;
}

/* ---- wall-clock times ---- */

/* The whole seconds of an instant, rounded down, and the rest. */
static int64_t
seconds_of(usec_t usec, int *rest)
{
	int64_t seconds = usec / USEC_SEC;

	*rest = (int)(usec % USEC_SEC);
	if (*rest < 0) {
		*rest += (int)USEC_SEC;
		seconds--;
	}
	return seconds;
}

static struct civil
wall_civil(usec_t wall)
{
	int rest;
	struct civil c = civil_of_wall(seconds_of(wall, &rest));

	c.usec = rest;
	return c;
}

static usec_t
civil_wall(const struct civil *c)
{
	return civil_to_wall(c) * USEC_SEC + c->usec;
}

/* The first match of the pattern after a wall time, as one; USEC_NEVER: none. */
static usec_t
wall_next(const struct schedule_rule *r, usec_t wall)
{
	struct civil after = wall_civil(wall), found;

	return pattern_next(r->pattern, &after, &found) ? civil_wall(&found) : USEC_NEVER;
}

/* Has the wall clock shown this time before, in the stretch that it now shows it in? */
static bool
shown_before(const struct schedule_rule *r, usec_t wall, usec_t at)
{
	int64_t first, last;
	int rest;

	if (zone_of_wall(r->zone, seconds_of(wall, &rest), &first, &last) != ZONE_FOLD)
		return false;
	return seconds_of(at, &rest) >= last;
}

static bool
shown_again(const struct schedule_rule *r, usec_t wall, usec_t at)
{
	int64_t first, last;
	int rest;

	if (zone_of_wall(r->zone, seconds_of(wall, &rest), &first, &last) != ZONE_FOLD)
		return false;
	return seconds_of(at, &rest) < last;
}

static struct occurrence
wall_occurrence(const struct schedule_rule *r, usec_t wall, usec_t at)
{
	struct occurrence o = { { at }, MARK_NONE, -1 };

	if (!r->fixed)
		return o;
	if (shown_before(r, wall, at)) {
		o.mark = MARK_DST_FOLD;
		o.cause = r->dst == DST_BOTH ? -1 : SKIP_REPEATED;
	} else if (shown_again(r, wall, at)) {
		o.mark = MARK_DST_FOLD;
	}
	return o;
}

/*
 * The clock is set forward at c->at: what a fixed schedule has within the gap is due there.  wall is
 * the first match after the present stretch.
 */
static bool
gap_occurrence(const struct schedule_rule *r, const struct zone_change *c, usec_t wall,
    struct occurrence *ret)
{
	usec_t end = (c->at + c->after) * USEC_SEC;

	if (!r->fixed || wall >= end)
		return false;
	*ret = (struct occurrence){ { c->at * USEC_SEC }, MARK_DST_GAP, -1 };
	if (r->dst != DST_SKIP)
		return true;
	/* The first time after the gap may be one of its own: then that is what is due. */
	if (wall_next(r, end - 1) == end)
		return false;
	ret->cause = SKIP_NONEXISTENT;
	return true;
}

/*
 * Is a match so near before a wall time that a clock set back may show it again?  Asked when none
 * is after it.
 */
static bool
may_come_again(const struct schedule_rule *r, usec_t wall)
{
	return wall_next(r, wall - OFFSET_MAX * USEC_SEC) != USEC_NEVER;
}

/* Where no match can be before: the stretch that is two days before the next one. */
static usec_t
skip_ahead(usec_t at, usec_t wall, int64_t east)
{
	usec_t there = wall - (east + OFFSET_MAX) * USEC_SEC;

	return there > at ? there : at;
}

static bool
pattern_occurrence(const struct schedule_rule *r, usec_t after, struct occurrence *ret)
{
	struct zone_change c = { 0 };
	usec_t at = after, wall, end;
	int64_t east;
	int rest;

	for (int i = 0; i < STRETCHES_MAX; i++) {
		int64_t second = seconds_of(at, &rest);

		east = zone_offset_at(r->zone, second).east;
		end = zone_next_change(r->zone, second, &c) ? c.at * USEC_SEC : USEC_NEVER;
		wall = wall_next(r, at + east * USEC_SEC);
		if (wall == USEC_NEVER && (end == USEC_NEVER ||
		    !may_come_again(r, at + east * USEC_SEC)))
			return false;
		if (end == USEC_NEVER || (wall != USEC_NEVER && wall - east * USEC_SEC < end)) {
			*ret = wall_occurrence(r, wall, wall - east * USEC_SEC);
			return true;
		}
		if (c.after > c.before && gap_occurrence(r, &c, wall, ret))
			return true;
		/* The stretch begins with its first instant, which may match. */
		wall = wall_next(r, (c.at + c.after) * USEC_SEC - 1);
		if (wall == (c.at + c.after) * USEC_SEC) {
			*ret = wall_occurrence(r, wall, end);
			return true;
		}
		at = wall == USEC_NEVER ? end : skip_ahead(end, wall, c.after);
	}
	return false;
}

bool
schedule_first_in_gap(const struct schedule *s, instant end, int64_t *ret)
{
	struct zone_change c;
	usec_t wall;
	int rest;

	if (!schedule_fixed(s) || !zone_last_change(s->rule->zone, end.usec / USEC_SEC, &c) ||
	    c.after <= c.before)
		return false;
	wall = wall_next(s->rule, (c.at + c.before) * USEC_SEC - 1);
	if (wall == USEC_NEVER || wall >= (c.at + c.after) * USEC_SEC)
		return false;
	*ret = seconds_of(wall, &rest);
	return true;
}

/* ---- occurrences ---- */

int
schedule_exception(const struct schedule *s, instant due)
{
	const struct schedule_rule *r = s->rule;
	int rest;
	int64_t second = seconds_of(due.usec, &rest);

	for (size_t i = 0; r != NULL && i < r->exceptions_n; i++) {
		const struct exception *e = &r->exceptions[i];
		usec_t east = zone_offset_at(e->zone, second).east * USEC_SEC;
		struct civil c = wall_civil(due.usec + east);

		if (e->whole_day)
			c.hour = c.minute = c.second = c.usec = 0;
		if (pattern_matches(e->pattern, &c))
			return (int)i;
	}
	return -1;
}

bool
schedule_next(const struct schedule *s, instant after, struct occurrence *ret)
{
	const struct schedule_rule *r = s->rule;
	struct occurrence o = { { 0 }, MARK_NONE, -1 };

	if (r != NULL && instant_is_set(r->from) && after.usec < r->from.usec && r->pattern != NULL)
		after.usec = r->from.usec - 1;
	if (r != NULL && r->pattern != NULL) {
		if (!pattern_occurrence(r, after.usec, &o))
			return false;
	} else if (s->every > 0) {
		o.due = instant_add(after, s->every);
	} else {
		return false;
	}
	if (r != NULL && instant_is_set(r->until) && o.due.usec > r->until.usec)
		return false;
	if (o.cause < 0 && schedule_exception(s, o.due) >= 0)
		o.cause = SKIP_EXCLUDED;
	*ret = o;
	return true;
}

bool
schedule_first(const struct schedule *s, const struct job_spec *spec, instant now, instant *ret)
{
	struct occurrence o;

	if (schedule_zone(s) != NULL) {
		if (!schedule_next(s, now, &o))
			return false;
		*ret = o.due;
	} else if (!spec->on_boot && spec->after.n == 0) {
		*ret = instant_is_set(spec->at) ? spec->at : instant_add(now, spec->in);
		/* It has as long for the first as for any other. */
		if (spec->heartbeat && !instant_is_set(spec->at) && spec->in == 0)
			*ret = instant_add(now, s->every);
		if (ret->usec < spec->from.usec)
			*ret = spec->from;
	}
	return true;
}

/*
 * There is no search backward: where the first occurrence after an instant lies within the range is halved
 * until nothing is left, some fifty searches.
 */
bool
schedule_before(const struct schedule *s, instant from, instant until, struct occurrence *ret)
{
	int64_t low = from.usec - 1, high = until.usec;
	struct occurrence o;
	bool found = false;

	if (until.usec < from.usec)
		return false;
	if (schedule_zone(s) == NULL) {
		low = s->every > 0 ? (until.usec - from.usec) / s->every : 0;
		*ret = schedule_at(s, instant_add(from, low * s->every));
		return true;
	}
	while (low < high) {
		instant middle = { low + (high - low) / 2 };

		if (schedule_next(s, middle, &o) && o.due.usec <= until.usec) {
			*ret = o;
			low = o.due.usec;
			found = true;
		} else {
			high = middle.usec;
		}
	}
	return found;
}

struct occurrence
schedule_at(const struct schedule *s, instant due)
{
	struct occurrence o = { due, MARK_NONE, -1 };

	if (s->rule == NULL)
		return o;
	/* A due of rules that have changed since is run as it is. */
	if (s->rule->pattern == NULL || !schedule_next(s, instant_add(due, -1), &o) ||
	    o.due.usec != due.usec)
		o = (struct occurrence){ due, MARK_NONE, -1 };
	if (o.cause < 0 && schedule_repeats(s) && schedule_exception(s, due) >= 0)
		o.cause = SKIP_EXCLUDED;
	return o;
}

/* Scatters (the finaliser of SplitMix64). */
static uint64_t
scatter(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

instant
schedule_begin(const struct schedule *s, instant due)
{
	uint64_t seed;

	if (s->rule == NULL || s->rule->jitter == 0)
		return due;
	seed = scatter((uint64_t)s->rule->id ^ scatter((uint64_t)due.usec));
	return instant_add(due, (usec_t)(seed % ((uint64_t)s->rule->jitter + 1)));
}

/* ---- what has piled up ---- */

/* Elapsed time is divided, not walked. */
static struct schedule_past
past_every(instant due, usec_t every, instant until)
{
	struct schedule_past p = { .count = instant_since(until, due) / every + 1 };

	p.last = instant_add(due, (p.count - 1) * every);
	p.before = instant_add(p.last, -every);
	p.next = instant_add(p.last, every);
	return p;
}

struct schedule_past
schedule_past(const struct schedule *s, const struct occurrence *first, instant until)
{
	struct schedule_past p = { .next = first->due };
	struct occurrence o = *first;
	bool more = true;

	MUST(s->every >= 0);
	if (schedule_begin(s, first->due).usec > until.usec)
		return p;
	if (s->rule == NULL && s->every > 0)
		return past_every(first->due, s->every, until);
	while (more && schedule_begin(s, o.due).usec <= until.usec) {
		if (o.cause != first->cause || p.count == SCHEDULE_LOOK_MAX) {
			p.more = true;
			break;
		}
		p.before = p.last;
		p.last = o.due;
		p.mark = o.mark;
		p.count++;
		more = schedule_next(s, o.due, &o);
	}
	p.next = more ? o.due : (instant){ 0 };
	return p;
}

/* ---- misfires ---- */

/* How long it is from this due to the next; USEC_NEVER when there is none. */
static usec_t
period(const struct schedule *s, instant due)
{
	struct occurrence next;

	if (s->rule == NULL || s->rule->pattern == NULL)
		return s->every > 0 ? s->every : USEC_NEVER;
	return schedule_next(s, due, &next) ? instant_since(next.due, due) : USEC_NEVER;
}

enum misfire
schedule_misfire(const struct schedule *s, int misfire, int kind, instant due)
{
	if (misfire != MISFIRE_DEFAULT)
		return (enum misfire)misfire;
	if (!schedule_repeats(s))
		return MISFIRE_ONCE;
	if (kind == KIND_HTTP || kind == KIND_HEARTBEAT || period(s, due) < MISFIRE_ONCE_MIN)
		return MISFIRE_SKIP;
	return MISFIRE_ONCE;
}

int64_t
schedule_misfire_limit(const struct schedule *s)
{
	return s->rule != NULL && s->rule->misfire_limit > 0 ? s->rule->misfire_limit :
	    MISFIRE_LIMIT_DEFAULT;
}

usec_t
schedule_misfire_window(const struct schedule *s)
{
	return s->rule != NULL && s->rule->misfire_window > 0 ? s->rule->misfire_window : USEC_NEVER;
}
