/*
 * prepare: see prepare.h.
 */
#include "daemon/server/prepare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/exec/assertions.h"
#include "daemon/exec/credentials.h"
#include "daemon/exec/runner.h"
#include "daemon/exec/url.h"
#include "daemon/scheduler/remark.h"
#include "proto/json.h"
#include "proto/mem.h"

/* A summary is for a column of a list. */
#define SUMMARY_BYTES_MAX 256

/* Time changes that are warned of, for each job. */
#define WARNINGS_MAX 2

/* Cut at most SUMMARY_BYTES_MAX, between characters. */
static char *
summary_cut(struct buf *b)
{
	size_t n = buf_len(b);
	char *text = buf_steal(b);

	if (n > SUMMARY_BYTES_MAX) {
		n = SUMMARY_BYTES_MAX - 3;
		while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
			n--;
		memcpy(text + n, "...", 4);
	}
	return text;
}

/* What a job does, in a line: its command line, URL or duration. */
static char *
summary_of(const struct job_spec *s)
{
	struct buf b = { .size = 0 };
	char text[WHEN_TEXT_MAX], *url;

	switch (job_spec_kind(s)) {
	case KIND_COMMAND:
		for (size_t i = 0; i < s->command->argv.n &&
		    buf_len(&b) <= SUMMARY_BYTES_MAX; i++) {
			if (i > 0)
				buf_puts(&b, " ");
			buf_puts(&b, s->command->argv.items[i]);
		}
		break;
	case KIND_HTTP:
		/* Everybody may see it. */
		url = url_without_user(s->http->url);
		buf_puts(&b, url);
		free(url);
		break;
	case KIND_TIMER:
		buf_puts(&b, duration_print(s->timer->duration, text));
		break;
	case KIND_HEARTBEAT:
		buf_printf(&b, "a ping, at most %s late", duration_print(s->grace > 0 ? s->grace :
		    HEARTBEAT_GRACE_DEFAULT, text));
		break;
	case KIND_COUNT:
		break;
	}
	return summary_cut(&b);
}

static enum jobd_error
refuse_schedule(struct prepare *p, const char *place, const struct field_error *error)
{
	p->error.why = JOBD_INVALID_FIELD;
	(void)snprintf(p->error.path, sizeof(p->error.path), "%.24s.%.80s", place,
	    error->path);
	(void)snprintf(p->error.reason, sizeof(p->error.reason), "%s", error->reason);
	return JOBD_INVALID_FIELD;
}

void
prepare_warn(struct prepare *p, const char *place, const char *format, ...)
{
	struct buf text = { 0 };
	va_list ap;

	if (p->named)
		buf_printf(&text, "%s: ", place);
	va_start(ap, format);
	buf_vprintf(&text, format, ap);
	va_end(ap);
	json_push(p->warnings, json_string(buf_string(&text)));
	buf_done(&text);
}

/* What a time change will do to the job is told at once. */
static void
changes_warn(struct prepare *p, const char *place, const struct schedule *schedule)
{
	struct strings remarks = { .n = 0 };

	remark_changes(schedule, p->now, WARNINGS_MAX, &remarks);
	for (size_t k = 0; k < remarks.n; k++)
		prepare_warn(p, place, "%s", remarks.items[k]);
	strings_done(&remarks);
}

/* So many occurrences are looked at for one that is not excluded. */
#define EXCLUDED_LOOK_MAX 366

/* Does what is excluded leave anything?  refused: nothing at all. */
static void
look_excluded(struct prepare *p, const char *place, const struct schedule *s, instant due, bool *refused)
{
	struct occurrence o = schedule_at(s, due);
	char text[WHEN_TEXT_MAX];

	for (int i = 0; i < EXCLUDED_LOOK_MAX; i++) {
		if (schedule_exception(s, o.due) < 0)
			return;
		*refused = !schedule_next(s, o.due, &o);
		if (*refused)
			return;
	}
	prepare_warn(p, place, "all of the next %d occurrences are excluded, up to %s", EXCLUDED_LOOK_MAX,
	    local_print(schedule_zone(s), o.due, text));
}

/* One that begins after the next is due is skipped for it. */
static void
look_jitter(struct prepare *p, const char *place, const struct job_spec *spec, const struct schedule *s, instant due)
{
	char jitter[WHEN_TEXT_MAX], distance[WHEN_TEXT_MAX];
	struct occurrence next;
	usec_t apart;

	if (spec->jitter == 0 || !schedule_repeats(s) || !schedule_next(s, due, &next))
		return;
	apart = instant_since(next.due, due);
	if (spec->jitter > apart)
		prepare_warn(p, place, "with up to %s of jitter and %s between occurrences many will be skipped as missed,"
		    " or wait for each other", duration_print(spec->jitter, jitter),
		    duration_print(apart, distance));
}

/* Is there anything that it will ever do?  Else error says why not. */
static bool
look_ahead(struct prepare *p, const char *place, const struct job_spec *spec, const struct schedule *s, instant due,
    struct field_error *error)
{
	char first[WHEN_TEXT_MAX];
	bool none = false;

	if (!instant_is_set(due))
		return true;
	if (instant_is_set(spec->until) && due.usec > spec->until.usec) {
		*error = (struct field_error){ .path = "until" };
		(void)snprintf(error->reason, sizeof(error->reason), "is before the first occurrence, %s: it would"
		    " never be due", local_print(schedule_zone(s), due, first));
		return false;
	}
	if (spec->except.n > 0)
		look_excluded(p, place, s, due, &none);
	if (none)
		*error = (struct field_error){ .path = "except", .reason = "leaves no occurrence" };
	else
		look_jitter(p, place, spec, s, due);
	return !none;
}

/* When: the zone that holds for it, the first due, what the store is to keep. */
static enum jobd_error
schedule_prepare(struct prepare *p, const char *place, struct job_spec *spec, struct job_new *job)
{
	struct server *s = server_of(p->call);
	struct field_error error;
	struct schedule schedule;
	struct cJSON *json;

	if (schedule_open(spec, s->zones, 0, &schedule, &error) != JOBD_OK)
		return refuse_schedule(p, place, &error);
	/* The host's zone may be another one day: a job keeps what it was added with. */
	if (schedule_zone(&schedule) != NULL && spec->time_zone == NULL)
		spec->time_zone = xstrdup(zone_name(schedule_zone(&schedule)));
	if (!schedule_first(&schedule, spec, p->now, &job->due) && !p->over) {
		bool until = instant_is_set(spec->until);

		error = (struct field_error){ .reason = "it comes no more" };
		if (until)
			(void)snprintf(error.reason, sizeof(error.reason), "nothing would be due from now on until"
			    " then");
		(void)snprintf(error.path, sizeof(error.path), "%s", until ? "until" :
		    spec->cron != NULL ? "cron" : "calendar");
		schedule_done(&schedule);
		return refuse_schedule(p, place, &error);
	}
	if (!p->over && !look_ahead(p, place, spec, &schedule, job->due, &error)) {
		schedule_done(&schedule);
		return refuse_schedule(p, place, &error);
	}
	changes_warn(p, place, &schedule);
	schedule_done(&schedule);
	if (job_spec_has_schedule(spec)) {
		json = fields_write(schedule_fields, spec);
		job->schedule = json_print(json);
		json_free(json);
	}
	return JOBD_OK;
}

/* What the runner that is there would refuse, better said now than at night. */
static void
warn_of_runner(struct prepare *p, const char *place, const struct command_spec *c)
{
	const struct { int64_t asked; const char *name; } limits[] = {
		{ c->memory_bytes_max, "memory" }, { c->cpu_percent, "cpu" },
		{ c->tasks_max, "tasks" },
	};
	const struct runner *r = server_of(p->call)->runner;

	if (r == NULL || !runner_ready(r))
		return;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		if (limits[i].asked > 0 && !runner_can_limit(r, limits[i].name))
			prepare_warn(p, place, "the %s limit cannot be kept, and its runs will fail: jobd-runner"
			    " has no cgroup of its own for it", limits[i].name);
	}
	if (((c->user == NULL && p->call->uid == 0) || (c->user != NULL &&
	    strcmp(c->user, "root") == 0)) && !runner_may_be_root(r))
		prepare_warn(p, place, "no command may run as root, and its runs will fail: see allow_root in"
		    " %s", runner_policy(r));
}

/* What only root may ask for. */
static enum jobd_error
check_rights(struct prepare *p, const char *place, const struct command_spec *c)
{
	if (p->call->uid == 0)
		return JOBD_OK;
	/*
	 * Whose name that is only the user database knows, and asking it may block: so none but
	 * root may.
	 */
	if (c->user != NULL)
		return JOBD_PERMISSION_DENIED;
	if (c->nice >= 0)
		return JOBD_OK;
	(void)snprintf(p->error.path, sizeof(p->error.path), "%s.command.nice", place);
	(void)snprintf(p->error.reason, sizeof(p->error.reason),
	    "below 0 may only be asked for by root");
	return JOBD_INVALID_FIELD;
}

/* What jobd sets itself cannot be set: it would be dropped in silence. */
static enum jobd_error
check_environment(struct prepare *p, const char *place, const struct command_spec *c)
{
	for (size_t i = 0; i < c->environment.n; i++) {
		const char *e = c->environment.items[i];

		if (!command_variable_reserved(e))
			continue;
		(void)snprintf(p->error.path, sizeof(p->error.path), "%s.command.environment[%zu]", place,
		    i);
		(void)snprintf(p->error.reason, sizeof(p->error.reason), "jobd sets %.*s itself, for each run",
		    (int)strcspn(e, "="), e);
		return JOBD_INVALID_FIELD;
	}
	return JOBD_OK;
}

/* Whom it wants to be told: there must be such targets. */
static enum jobd_error
check_targets(struct prepare *p, const char *place, const struct job_spec *spec)
{
	const struct notify_targets *all = server_of(p->call)->targets;
	struct notify_rule rule;

	for (size_t i = 0; i < spec->notify.n; i++) {
		(void)notify_rule_read(spec->notify.items[i], &rule, NULL);	/* it was good before */
		if (notify_target_find(all, rule.target) != NULL)
			continue;
		(void)snprintf(p->error.path, sizeof(p->error.path), "%s.notify[%zu]", place, i);
		notify_target_unknown(all, rule.target, p->error.reason, sizeof(p->error.reason));
		return JOBD_INVALID_FIELD;
	}
	return JOBD_OK;
}

/* Where a check goes: by the parser that will be asked then. */
static enum jobd_error
check_urls(struct prepare *p, const char *place, const struct http_spec *s)
{
	const char *why = url_wrong(s->url), *field = "url";

	if (why == NULL && s->proxy != NULL) {
		why = url_wrong(s->proxy);
		field = "proxy";
	}
	if (why == NULL)
		return JOBD_OK;
	(void)snprintf(p->error.path, sizeof(p->error.path), "%s.http.%s", place, field);
	(void)snprintf(p->error.reason, sizeof(p->error.reason), "%s", why);
	return JOBD_INVALID_FIELD;
}

enum jobd_error
prepare_job(struct prepare *p, const char *place, struct job_spec *spec, struct job_new *job)
{
	struct cJSON *json;
	enum jobd_error e;

	e = job_spec_check(spec, place, &p->error);
	if (e == JOBD_OK && spec->http != NULL)
		e = check_urls(p, place, spec->http);
	if (e == JOBD_OK && spec->http != NULL)
		e = assertions_check(spec->http, place, &p->error);
	if (e == JOBD_OK && spec->http != NULL)
		e = credentials_check(spec->http, place, &p->error);
	if (e == JOBD_OK)
		e = check_targets(p, place, spec);
	if (e == JOBD_OK)
		e = schedule_prepare(p, place, spec, job);
	if (e != JOBD_OK)
		return e;
	if (spec->command != NULL) {
		e = check_rights(p, place, spec->command);
		if (e == JOBD_OK)
			e = check_environment(p, place, spec->command);
		if (e != JOBD_OK)
			return e;
		warn_of_runner(p, place, spec->command);
	}
	json = fields_write(job_spec_fields, spec);
	job->spec = spec;
	job->spec_json = json_print(json);
	job->summary = summary_of(spec);
	json_free(json);
	return JOBD_OK;
}

/* "; did you mean NAME?", of a queue that is new; or "". */
static char *
queue_meant(const struct scheduler *s, const char *name)
{
	const char *meant = scheduler_queue_meant(s, name);

	return meant != NULL ? xasprintf("; did you mean %s?", meant) : xstrdup("");
}

void
prepare_warn_queue_to_come(struct prepare *p, const char *place, const struct job_spec *spec)
{
	char *meant = queue_meant(server_of(p->call)->scheduler, spec->queue);

	prepare_warn(p, place, "there is no queue %s yet: it would be made%s", spec->queue, meant);
	free(meant);
}

void
prepare_warn_queue(struct prepare *p, const char *place, const struct job_spec *spec, bool new_queue)
{
	struct scheduler *s = server_of(p->call)->scheduler;
	struct queue_info q;
	char *meant;

	scheduler_queue_named(s, spec->queue);
	if (!scheduler_queue(s, spec->queue, &q))
		return;
	if (new_queue) {
		meant = queue_meant(s, q.name);
		prepare_warn(p, place, "queue %s is new, with %lld slot%s%s", q.name, (long long)q.slots,
		    q.slots == 1 ? "" : "s", meant);
		free(meant);
	}
	if (spec->slots > q.slots)
		prepare_warn(p, place, "it asks for %lld slots of queue %s, which has %lld: it runs there alone",
		    (long long)spec->slots, q.name, (long long)q.slots);
	queue_info_done(&q);
}

/* Texts that are ours behind the store's const. */
static void
text_free(const char *text)
{
	free((void *)(uintptr_t)text);
}

void
prepare_done(struct job_new *job)
{
	text_free(job->spec_json);
	text_free(job->summary);
	text_free(job->schedule);
	job->spec_json = job->summary = job->schedule = NULL;
}
