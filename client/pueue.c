/*
 * pueue: its tasks that are still to run, from `pueue status --json` or its state file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/import.h"
#include "client/value.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "proto/types.h"
#include "proto/when.h"

/* The name of a status, which is a word, or an object with one member: its own in *ret, if any. */
static const char *
status_of(const struct cJSON *task, const struct cJSON **ret)
{
	static const char *const words[] = { "Queued", "Stashed", "Running", "Paused", "Done", "Locked" };
	const struct cJSON *status = json_get(task, "status");
	const char *word = status ? json_text(status) : "";

	*ret = NULL;
	if (*word)
		return word;
	for (size_t i = 0; status && i < sizeof(words) / sizeof(words[0]); i++) {
		*ret = json_get(status, words[i]);
		if (*ret)
			return words[i];
	}
	return "unknown";
}

/* Waits it still? */
static bool
is_waiting(const struct cJSON *task)
{
	const struct cJSON *rest;
	const char *status = status_of(task, &rest);

	return strcmp(status, "Queued") == 0 || strcmp(status, "Stashed") == 0;
}

static void
environment_take(struct cJSON *command, const struct cJSON *task)
{
	static const char *const left_out[] = { "_", "PWD", "OLDPWD", "SHLVL", "TERM", "PUEUE_GROUP",
	    "PUEUE_WORKER_ID" };
	const struct cJSON *v;

	for (v = json_first(json_get(task, "envs")); v; v = json_next(v)) {
		const char *name = json_name(v), *text = json_text(v);
		bool out = !name;
		char *variable;

		for (size_t i = 0; !out && i < sizeof(left_out) / sizeof(left_out[0]); i++)
			out = strcmp(left_out[i], name) == 0;
		/* What no shell could set is a shell's own, like exported functions. */
		out = out || strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") !=
		    strlen(name);
		variable = out ? NULL : xasprintf("%s=%s", name, text);
		if (variable)
			value_push_string(command, "environment", variable);
		free(variable);
	}
}

static void
when_take(struct imported *i, const struct cJSON *task)
{
	const struct cJSON *rest;
	const char *status = status_of(task, &rest), *at = rest ? json_get_string(rest, "enqueue_at") : NULL;
	char text[WHEN_TEXT_MAX];
	instant due;

	if (strcmp(status, "Stashed") != 0)
		return;
	if (at && instant_parse(at, &due) == 0)
		json_set_string(i->spec, "at", instant_print(due, text));
	else
		json_set_bool(i->spec, "paused", 1);
	if (!at)
		imported_note(i, "it was stashed: it is paused, and jobctl resume lets it go");
}

/* Those that it waits for, of those that come along. */
static void
after_take(struct imported *i, const struct cJSON *task, const struct cJSON *tasks)
{
	const struct cJSON *id;

	for (id = json_first(json_get(task, "dependencies")); id; id = json_next(id)) {
		char *number = json_print(id), *name = xasprintf("pueue-%s", number);
		const struct cJSON *other = json_get(tasks, number);

		if (other && is_waiting(other))
			value_push_string(i->spec, "after", name);
		else
			imported_note(i, "it waits for task %s, which does not come along: it does not wait here",
			    number);
		free(number);
		free(name);
	}
	if (json_get(i->spec, "after") && json_get(i->spec, "at")) {
		json_remove(i->spec, "at");
		imported_note(i, "the time is not kept: it is due once the others have ended");
	}
}

static void
task_take(struct imports *in, const struct cJSON *task, const struct cJSON *tasks)
{
	const char *command = json_get_string(task, "command"), *group = json_get_string(task, "group");
	const char *path = json_get_string(task, "path"), *label = json_get_string(task, "label");
	long long id = json_get_int(task, "id", -1);
	struct imported *i = imported_add(in, xasprintf("task %lld", id), command ? command : "");
	const struct cJSON *rest;
	struct cJSON *spec;
	char *name;

	if (!command || !is_waiting(task)) {
		imported_note(i, "not taken over: it is %s", status_of(task, &rest));
		return;
	}
	spec = json_object();
	i->spec = json_object();
	name = xasprintf("pueue-%lld", id);
	json_set_string(i->spec, "name", name);
	json_set_string(i->spec, "description", label);
	if (group && strcmp(group, "default") != 0 && job_name_check(group) == NULL)
		json_set_string(i->spec, "queue", group);
	if (json_get_int(task, "priority", 0) != 0)
		json_set_int(i->spec, "priority", json_get_int(task, "priority", 0));
	value_push_shell(spec, command);
	json_set_string(spec, "directory", path);
	environment_take(spec, task);
	json_set(i->spec, "command", spec);
	when_take(i, task);
	after_take(i, task, tasks);
	free(name);
}

/* How many at a time is a queue's, not a job's. */
static void
groups_note(struct imports *in, const struct cJSON *state)
{
	for (size_t i = 0; i < in->n; i++) {
		const char *queue = in->items[i].spec ? json_get_string(in->items[i].spec, "queue") : NULL;
		const struct cJSON *group = queue ? json_get(json_get(state, "groups"), queue) : NULL;
		long long n = json_get_int(group, "parallel_tasks", 0);

		if (n > 0)
			imported_note(&in->items[i], "the group %s has %lld at a time: jobctl queue set %s --slots %lld",
			    queue, n, queue, n);
	}
}

int
pueue_read(struct imports *in, const char *path)
{
	char *text = import_text(path);
	const char *why = NULL;
	struct cJSON *state = text ? json_parse(text, strlen(text), &why) : NULL;
	const struct cJSON *tasks = state ? json_get(state, "tasks") : NULL, *task;

	if (text && !tasks)
		complain("%s: it is not what pueue status --json prints: %s", path, why ? why : "it has no tasks");
	for (task = tasks ? json_first(tasks) : NULL; task; task = json_next(task))
		task_take(in, task, tasks);
	if (state)
		groups_note(in, state);
	json_free(state);
	free(text);
	return tasks ? 0 : EXIT_FAILED;
}
