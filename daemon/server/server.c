/*
 * server: the list of methods, and what they share.  The order in a method that changes something
 * is always: check, make durable, tell the scheduler (which tells the watchers), answer.  A caller
 * that hangs up in between loses only the answer.
 */
#include "daemon/server/server.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/exec/url.h"
#include "daemon/server/method.h"
#include "proto/json.h"
#include "proto/mem.h"

static const struct method *const all_methods[] = {
	&method_add, &method_get, &method_history, &method_list, &method_runs,
	&method_cancel, &method_remove, &method_trigger, &method_ping, &method_retry, &method_pause, &method_resume,
	&method_wait, &method_watch, &method_logs, &method_stats, &method_tasks, &method_doctor,
	&method_next, &method_skip, &method_backfill, &method_why, &method_audit,
	&method_simulate, &method_gc, &method_edit, &method_apply, &method_backup, &method_signal, &method_reexec,
	&method_reload, &method_drain,
	&method_queues, &method_set_queue, &method_remove_queue,
	&method_targets, &method_deliveries, &method_test_target,
};

#define METHODS_N (sizeof(all_methods) / sizeof(all_methods[0]))
/* And those that only our tests may call. */
static const struct method *const debug_methods[] = {
	&method_debug_block, &method_debug_hog, &method_debug_leak, &method_debug_slow, &method_debug_fail,
};
#define DEBUG_N (sizeof(debug_methods) / sizeof(debug_methods[0]))
static_assert(METHODS_N + DEBUG_N <= SERVER_METHODS_MAX, "struct server has room for every method");

void
server_open(struct server *s, const char *description)
{
	struct service_config config = {
		.methods = s->methods,
		.interface = "io.jobd",
		.description = description,
		.vendor = "jobd",
		.product = "jobd",
		.version = s->version,
		.url = "io.jobd",
		.context = s,
		.connections_max = s->connections_max,
		.connections_uid_max = s->connections_uid_max,
	};

	for (size_t i = 0; i < METHODS_N; i++)
		s->methods[i] = *all_methods[i];
	for (size_t i = 0; i < DEBUG_N; i++)
		s->methods[METHODS_N + i] = getenv("JOBD_STRICT") != NULL ? *debug_methods[i] :
		    (struct method){ .name = NULL };
	s->methods[METHODS_N + DEBUG_N] = (struct method){ .name = NULL };
	s->started = loop_wall(s->loop);
	s->begun = loop_now(s->loop);
	s->uid = geteuid();
	gate_init(&s->pages, PAGES_AT_ONCE_MAX);
	s->service = service_new(&config);
}

void
server_set_limits(struct server *s, int64_t jobs_max_uid, int64_t connections_max, int64_t connections_uid_max)
{
	s->jobs_max_uid = jobs_max_uid;
	service_set_limits(s->service, connections_max, connections_uid_max);
}

void
server_close(struct server *s)
{
	service_free(s->service);
	s->service = NULL;
}

void
server_status(void *server, char *out, size_t n)
{
	const struct server *s = server;
	struct scheduler_stats stats;
	struct drain_info drain;

	scheduler_stats(s->scheduler, &stats);
	scheduler_drain_info(s->scheduler, &drain);
	snprintf(out, n, "%s%" PRId64 " running, %" PRId64 " queued", instant_is_set(drain.since) ? "drained: " : "",
	    stats.running, stats.queued);
}

bool
call_privileged(const struct call *c)
{
	return c->uid == 0 || c->uid == server_of(c)->uid;
}

bool
call_owns(const struct call *c, int64_t owner)
{
	return (int64_t)c->uid == owner || call_privileged(c);
}

int64_t
call_reach(const struct call *c)
{
	return call_privileged(c) ? -1 : (int64_t)c->uid;
}

void
call_fail_store(struct call *c, int result)
{
	if (result == -EBUSY)
		call_fail(c, JOBD_LIMIT_REACHED, "requests waiting for the store", NULL);
	else
		call_fail(c, JOBD_STORE_UNAVAILABLE, strerror(-result), NULL);
}

void
run_add_live(const struct server *s, struct run_info *r)
{
	const struct run_info *live;

	if (run_state_final((enum run_state)r->state))
		return;
	live = scheduler_run_live(s->scheduler, r->job, r->run);
	if (live == NULL)
		return;
	if (instant_is_set(live->spawned))
		r->spawned = live->spawned;
	if (instant_is_set(live->first_output))
		r->first_output = live->first_output;
	if (live->pid != 0)
		r->pid = live->pid;
	r->expected = live->expected;
	r->term_at = live->term_at;
	r->kill_at = live->kill_at;
	if (live->progress < 0)
		return;
	r->progress = live->progress;
	free(r->progress_text);
	r->progress_text = xstrdup(live->progress_text);
}

struct cJSON *
run_reply(const struct server *s, struct run_info *r)
{
	run_add_live(s, r);
	return fields_write(run_info_fields, r);
}

struct cJSON *
job_reply(const struct call *c, struct job_info *j)
{
	struct cJSON *spec = j->spec, *reply;
	char *summary = j->summary, *source = j->source, *url = NULL;
	bool mine = call_owns(c, j->uid);

	if (!mine) {
		j->spec = NULL;
		j->source = NULL;
	}
	if (!mine && j->kind == KIND_COMMAND)
		j->summary = NULL;
	/* One that an older jobd has written has the password in it. */
	if (j->kind == KIND_HTTP && summary != NULL)
		j->summary = url = url_without_user(summary);
	if (j->last != NULL)
		run_add_live(server_of(c), j->last);
	reply = fields_write(job_info_fields, j);
	j->spec = spec;
	j->summary = summary;
	j->source = source;
	free(url);
	return reply;
}

const char *
run_text(int64_t job, int64_t run, char out[RUN_TEXT_MAX])
{
	snprintf(out, RUN_TEXT_MAX, "%" PRId64 ".%" PRId64, job, run);
	return out;
}

int64_t
id_parse(const char *text)
{
	size_t n = strspn(text, "0123456789");

	return n > 0 && n <= 18 && text[n] == '\0' ? strtoll(text, NULL, 10) : 0;
}

bool
states_read(struct call *c, const struct strings *words, const char *const *names, unsigned *ret)
{
	char place[32], choices[160] = "", reason[320];
	unsigned bits = 0;
	size_t n = 0;
	int value;

	for (size_t i = 0; i < words->n; i++) {
		value = field_enum_find(names, words->items[i]);
		if (value < 0) {
			snprintf(place, sizeof(place), "state[%zu]", i);
			for (size_t j = 0; names[j] != NULL && n < sizeof(choices); j++)
				n += (size_t)snprintf(choices + n, sizeof(choices) - n, "%s%s",
				    j > 0 ? ", " : "", names[j]);
			/* Cut, it might not be UTF-8 any more. */
			if (strlen(words->items[i]) > WORD_TOLD_MAX)
				snprintf(reason, sizeof(reason), "must be one of %s", choices);
			else
				snprintf(reason, sizeof(reason), "\"%s\" is none of %s",
				    words->items[i], choices);
			call_fail(c, JOBD_INVALID_FIELD, place, reason);
			return false;
		}
		bits |= 1u << value;
	}
	*ret = bits;
	return true;
}
