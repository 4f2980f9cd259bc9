/*
 * job: Get and List.
 */
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "daemon/exec/url.h"
#include "daemon/server/method.h"
#include "proto/json.h"
#include "proto/mem.h"

/* ---- Get ---- */

#define GET_RUNS_DEFAULT 10

struct get_in {
	char	*job;
	int64_t	 runs;
	bool	 secrets;
};

static const struct field get_fields[] = {
	{ "job", FIELD_STRING, offsetof(struct get_in, job), .flags = FIELD_REQUIRED,
	    .max = NAME_BYTES_MAX },
	{ "runs", FIELD_INT, offsetof(struct get_in, runs), .flags = FIELD_ABSENT_MINUS_ONE,
	    .max = PAGE_MAX },
	{ "secrets", FIELD_BOOL, offsetof(struct get_in, secrets), .flags = 0 },
	{ .type = FIELD_END },
};

#define HIDDEN URL_HIDDEN

/* NAME=value, without the value. */
static void
hide_environment(struct cJSON *command)
{
	struct cJSON *names = json_array();
	const char *text;
	char *name;

	for (const struct cJSON *e = json_first(json_get(command, "environment")); e != NULL;
	    e = json_next(e)) {
		text = json_text(e);
		name = xasprintf("%.*s=" HIDDEN, (int)strcspn(text, "="), text);
		json_push(names, json_string(name));
		free(name);
	}
	json_remove(command, "environment");
	if (json_count(names) > 0)
		json_set(command, "environment", names);
	else
		json_free(names);
}

/* https://user:password@host/, without who. */
static void
hide_user(struct cJSON *http, const char *field)
{
	const char *text = json_get_string(http, field);
	char *hidden = text != NULL ? url_without_user(text) : NULL;

	if (hidden == NULL)
		return;
	json_remove(http, field);
	json_set_string(http, field, hidden);
	free(hidden);
}

/* Is it one of those that say who we are?  "Name: value" */
static bool
header_is_secret(const char *header)
{
	static const char *const names[] = { "Authorization", "Proxy-Authorization", "Cookie" };
	size_t n = strcspn(header, ":; \t");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (n == strlen(names[i]) && strncasecmp(header, names[i], n) == 0)
			return true;
	}
	return false;
}

static void
hide_headers(struct cJSON *http)
{
	struct cJSON *headers = json_array();
	const char *text;
	char *hidden;

	for (const struct cJSON *h = json_first(json_get(http, "headers")); h != NULL; h = json_next(h)) {
		text = json_text(h);
		hidden = header_is_secret(text) ? xasprintf("%.*s: " HIDDEN, (int)strcspn(text, ":; \t"), text) :
		    xstrdup(text);
		json_push(headers, json_string(hidden));
		free(hidden);
	}
	json_remove(http, "headers");
	if (json_count(headers) > 0)
		json_set(http, "headers", headers);
	else
		json_free(headers);
}

static void
hide_credentials(struct cJSON *http)
{
	static const char *const fields[] = { "basicAuth", "bearerToken", "clientKey",
		"clientCertificate" };

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const char *text = json_get_string(http, fields[i]);

		/* A certificate is for everybody to see, but for a key that is in it. */
		if (text == NULL || (strcmp(fields[i], "clientCertificate") == 0 &&
		    strstr(text, "PRIVATE KEY") == NULL))
			continue;
		json_remove(http, fields[i]);
		json_set_string(http, fields[i], HIDDEN);
	}
	hide_user(http, "url");
	hide_user(http, "proxy");
	hide_headers(http);
}

/* What may be a secret is told only to who asks for it. */
static void
hide_secrets(struct cJSON *spec)
{
	struct cJSON *command = spec != NULL ? json_get(spec, "command") : NULL;

	if (spec != NULL && json_get(spec, "http") != NULL)
		hide_credentials(json_get(spec, "http"));
	if (command == NULL)
		return;
	hide_environment(command);
	if (json_get(command, "stdinText") != NULL || json_get(command, "stdinBase64") != NULL) {
		json_remove(command, "stdinText");
		json_remove(command, "stdinBase64");
		json_set_string(command, "stdinText", HIDDEN);
	}
}

struct get {
	struct call	 call;
	struct op_get	 op;
};

static void
set_dependencies(struct cJSON *reply, const char *name, const struct dependency_info *infos, size_t n)
{
	struct cJSON *array = n > 0 ? json_array() : NULL;

	for (size_t i = 0; i < n; i++)
		json_push(array, fields_write(dependency_info_fields, &infos[i]));
	if (n > 0)
		json_set(reply, name, array);
}

static void
get_answer(struct get *f)
{
	struct cJSON *reply = json_object(), *runs = json_array();

	for (size_t i = 0; i < f->op.runs_n; i++)
		json_push(runs, run_reply(server_of(&f->call), &f->op.runs[i]));
	if (!((const struct get_in *)f->call.in)->secrets)
		hide_secrets(f->op.job.spec);
	json_set(reply, "job", job_reply(&f->call, &f->op.job));
	json_set(reply, "runs", runs);
	set_dependencies(reply, "parents", f->op.parents, f->op.parents_n);
	set_dependencies(reply, "children", f->op.children, f->op.children_n);
	call_reply(&f->call, reply);
}

static enum task_status
get_step(struct task *t)
{
	struct get *f = container_of(t, struct get, call.task);
	const struct get_in *in = f->call.in;

	TASK_BEGIN(t);

	f->op.op.kind = OP_GET;
	f->op.id = id_parse(in->job);
	f->op.name = in->job;
	f->op.dependencies = f->op.once = true;
	f->op.now = loop_wall(t->loop);
	f->op.runs_max = in->runs < 0 ? GET_RUNS_DEFAULT : (size_t)in->runs;
	store_submit(server_of(&f->call)->store, &f->op.op, t);
	AWAIT_SHIELDED(t, USEC_NEVER, f->op.op.done);
	if (f->op.op.result == -ENOENT) {
		call_fail(&f->call, JOBD_NOT_FOUND, in->job, NULL);
	} else if (f->op.op.result == -EIDRM) {
		call_fail(&f->call, JOBD_NOT_FOUND, in->job, JOB_ONCE_THERE);
	} else if (f->op.op.result < 0) {
		call_fail_store(&f->call, f->op.op.result);
	} else {
		get_answer(f);
		op_get_done(&f->op);
	}
	TASK_END(t, 0);
}

static const struct task_kind get_kind = { .name = "Get", .step = get_step,
    .release = call_release };

const struct method method_get = {
	.name = "io.jobd.Get",
	.in = get_fields,
	.in_size = sizeof(struct get_in),
	.flags = METHOD_BULKY,
	.frame_size = sizeof(struct get),
	.kind = &get_kind,
};

/* ---- List ---- */

#define PAGE_DEFAULT 100

enum list_order { ORDER_ID, ORDER_DUE, ORDER_COUNT };

static const char *const list_order_names[] = {
	[ORDER_ID] = "id", [ORDER_DUE] = "due", [ORDER_COUNT] = NULL,
};

struct list_in {
	char		*name;
	struct strings	 state;
	int		 kind;
	struct strings	 label;
	bool		 mine;
	char		*queue;
	int		 order;
	int64_t		 after;
	int64_t		 limit;
};

static const struct field list_fields[] = {
	{ "name", FIELD_STRING, offsetof(struct list_in, name), .max = 4 * NAME_BYTES_MAX },
	{ "state", FIELD_STRINGS, offsetof(struct list_in, state), .max = JOB_STATE_COUNT },
	{ "kind", FIELD_ENUM, offsetof(struct list_in, kind), .flags = FIELD_ABSENT_MINUS_ONE,
	  .names = job_kind_names },
	{ "label", FIELD_STRINGS, offsetof(struct list_in, label), .max = LABELS_MAX },
	{ "mine", FIELD_BOOL, offsetof(struct list_in, mine), .flags = 0 },
	{ "queue", FIELD_STRING, offsetof(struct list_in, queue), .max = NAME_BYTES_MAX },
	{ "order", FIELD_ENUM, offsetof(struct list_in, order), .names = list_order_names },
	{ "after", FIELD_INT, offsetof(struct list_in, after), .max = INT64_MAX },
	{ "limit", FIELD_INT, offsetof(struct list_in, limit), .max = PAGE_MAX },
	{ .type = FIELD_END },
};

struct list {
	struct call	 call;
	struct gate_pass pass;
	struct op_list	 op;
	struct op_due	*due;		/* with the order due */
	struct op_get	 get;
	struct cJSON	*jobs;
	size_t		 limit;
	size_t		 n;		/* jobs so far */
	size_t		 bytes;		/* of them, about */
	size_t		 i;
	int64_t		 next;
};

/* A label without = would match nothing, ever.  False when the caller was told so. */
static bool
labels_told(struct call *c, const struct strings *labels)
{
	char place[32];

	for (size_t i = 0; i < labels->n; i++) {
		if (strchr(labels->items[i], '=') != NULL)
			continue;
		snprintf(place, sizeof(place), "label[%zu]", i);
		call_fail(c, JOBD_INVALID_FIELD, place, "must be key=value");
		return false;
	}
	return true;
}

static void
list_fill(struct list *f, unsigned states)
{
	const struct list_in *in = f->call.in;

	f->op = (struct op_list){
		.op.kind = OP_LIST,
		.name = in->name,
		.states = states,
		.kind = in->kind,
		.labels = in->label.n > 0 ? &in->label : NULL,
		.queue = in->queue,
		.uid = in->mine ? (int64_t)f->call.uid : -1,
		.after = in->after,
		.now = loop_wall(f->call.task.loop),
	};
	f->limit = in->limit > 0 ? (size_t)in->limit : PAGE_DEFAULT;
}

static size_t
text_length(const char *text)
{
	return text != NULL ? strlen(text) : 0;
}

static void
list_push(struct list *f, struct job_info *j)
{
	f->bytes += 300 + text_length(j->description) + text_length(j->summary);
	for (size_t i = 0; i < j->labels.n; i++)
		f->bytes += 3 + strlen(j->labels.items[i]);
	f->bytes += text_length(j->waits_for);
	if (j->last != NULL)
		f->bytes += 400 + text_length(j->last->reason);
	json_push(f->jobs, job_reply(&f->call, j));
	f->n++;
}

static void
list_answer(struct list *f)
{
	struct cJSON *reply = json_object();

	json_set(reply, "jobs", f->jobs);
	f->jobs = NULL;
	if (f->next != 0)
		json_set_int(reply, "next", f->next);
	call_reply(&f->call, reply);
}

/* The filters are for the order of ids.  False when the caller was told so. */
static bool
list_order_told(struct list *f)
{
	const struct list_in *in = f->call.in;

	if (in->order == ORDER_ID || (in->name == NULL && in->state.n == 0 && in->kind < 0 &&
	    in->label.n == 0 && !in->mine && in->queue == NULL && in->after == 0))
		return true;
	call_fail(&f->call, JOBD_INVALID_FIELD, "order",
	    "due goes with no filter, and not with after");
	return false;
}

/* Which are due next, from the index of dues. */
static void
list_due_submit(struct list *f)
{
	f->due = xcalloc(1, sizeof(*f->due));
	f->due->op.kind = OP_DUE;
	f->due->until = (instant){ USEC_NEVER };
	store_submit(server_of(&f->call)->store, &f->due->op, &f->call.task);
}

/* A page of those due next: each is got by its id; who has gone meanwhile is passed over. */
static enum task_status
list_due_step(struct task *t)
{
	struct list *f = container_of(t, struct list, call.task);

	TASK_BEGIN(t);

	if (!list_order_told(f))
		goto out;
	list_fill(f, 0);
	f->jobs = json_array();
	list_due_submit(f);
	AWAIT_SHIELDED(t, USEC_NEVER, f->due->op.done);
	if (f->due->op.result < 0) {
		call_fail_store(&f->call, f->due->op.result);
		goto out;
	}
	for (f->i = 0; f->i < f->due->n && f->n < f->limit && !t->cancelled; f->i++) {
		f->get = (struct op_get){ .op.kind = OP_GET, .id = f->due->rows[f->i].id };
		store_submit(server_of(&f->call)->store, &f->get.op, t);
		AWAIT_SHIELDED(t, USEC_NEVER, f->get.op.done);
		if (f->get.op.result < 0)
			continue;
		json_free(f->get.job.spec);	/* that is Get's */
		f->get.job.spec = NULL;
		list_push(f, &f->get.job);
		op_get_done(&f->get);
	}
	list_answer(f);
out:;
	TASK_END(t, 0);
}

/*
 * The store looks at a bounded number of rows each time; the page is full, or the jobs are at their
 * end.
 */
static enum task_status
list_step(struct task *t)
{
	struct list *f = container_of(t, struct list, call.task);
	unsigned states;

	if (((const struct list_in *)f->call.in)->order == ORDER_DUE)
		return list_due_step(t);
	TASK_BEGIN(t);

	if (!states_read(&f->call, &((struct list_in *)f->call.in)->state, job_state_names,
	    &states))
		goto out;
	if (!labels_told(&f->call, &((struct list_in *)f->call.in)->label))
		goto out;
	list_fill(f, states);
	gate_enter(&server_of(&f->call)->pages, &f->pass, t);
	AWAIT(t, f->pass.granted);
	if (t->err != 0)
		goto out;
	f->jobs = json_array();
	do {
		f->op.op = (struct store_op){ .kind = OP_LIST };
		f->op.limit = f->limit - f->n;
		store_submit(server_of(&f->call)->store, &f->op.op, t);
		AWAIT_SHIELDED(t, USEC_NEVER, f->op.op.done);
		if (f->op.op.result < 0) {
			call_fail_store(&f->call, f->op.op.result);
			goto out;
		}
		f->next = f->op.next;
		for (f->i = 0; f->i < f->op.n && f->bytes < PAGE_BYTES_MAX; f->i++) {
			list_push(f, &f->op.jobs[f->i]);
			if (f->i % REPLY_SLICE == REPLY_SLICE - 1)
				TASK_YIELD(t);
		}
		if (f->i < f->op.n)
			f->next = f->op.jobs[f->i - 1].id;
		f->op.after = f->next;
		op_list_done(&f->op);
	} while (f->next != 0 && f->n < f->limit && f->bytes < PAGE_BYTES_MAX && !t->cancelled);
	list_answer(f);
out:;
	TASK_END(t, 0);
}

static void
list_release(struct task *t)
{
	struct list *f = container_of(t, struct list, call.task);

	gate_leave(&f->pass);
	free(f->due);
	json_free(f->jobs);
	call_release(t);
}

static const struct task_kind list_kind = { .name = "List", .step = list_step,
    .release = list_release };

const struct method method_list = {
	.name = "io.jobd.List",
	.in = list_fields,
	.in_size = sizeof(struct list_in),
	.flags = METHOD_BULKY,
	.frame_size = sizeof(struct list),
	.kind = &list_kind,
};
