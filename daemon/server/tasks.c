/*
 * tasks: Tasks: the tree of live tasks, all of it or a choice, or how many there are of each kind.
 *
 * A tree of ordinary size is taken in one step, so that it is of one moment.  A huge one is looked at in
 * slices: who ends meanwhile is passed over, who begins may be missed, and what is told of a task is
 * true at its moment.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/engine/kinds.h"
#include "daemon/engine/leaks.h"
#include "daemon/server/method.h"
#include "proto/json.h"
#include "proto/mem.h"

/* How many are told when nobody says. */
#define TASKS_DEFAULT		1000
#define LONGEST_DEFAULT		20
#define TASKS_MAX		5000

/* In one step: to look at one costs some 0.1 us, to tell of it some 5 us, which counts as so many looks. */
#define LOOKS_MAX		100000
#define TELLING			50

struct tasks_in {
	int64_t	 limit;
	char	*kind;
	char	*serves;
	bool	 longest, count;
};

static const struct field tasks_fields[] = {
	{ "limit", FIELD_INT, offsetof(struct tasks_in, limit), .max = TASKS_MAX },
	{ "kind", FIELD_STRING, offsetof(struct tasks_in, kind), .max = 64 },
	{ "serves", FIELD_STRING, offsetof(struct tasks_in, serves), .max = 40 },
	{ "longest", FIELD_BOOL, offsetof(struct tasks_in, longest), .flags = 0 },
	{ "count", FIELD_BOOL, offsetof(struct tasks_in, count), .flags = 0 },
	{ .type = FIELD_END },
};

/* One that is told, and how long it has waited. */
struct told {
	usec_t		 waits;
	struct cJSON	*task;
};

struct kind_count {
	const struct task_kind	*kind;
	long long		 n;
	usec_t			 longest;
};

struct tasks_call {
	struct call		 call;
	struct task_walk	 walk;
	int64_t			 limit, n;
	struct told		*told;		/* limit of them */
	struct kind_count	 counts[KINDS_MAX];
	unsigned		 counts_n;
};

/* The condition as it is written says little of what is lent; and only the store is lent something. */
static bool
waits_for_store(const struct task *t)
{
	return t->kind->describe == NULL && t->place != NULL && leaks_lent(t->loop, t);
}

static struct cJSON *
task_reply(const struct task *t, unsigned depth)
{
	struct task_info info;
	struct cJSON *o = json_object();
	usec_t now = loop_now(t->loop);
	char owned[64];

	task_describe(t, depth, &info);
	leaks_owned(t->loop, t, owned, sizeof(owned));
	json_set_string(o, "name", t->kind->name);
	json_set_int(o, "depth", depth);
	json_set_string(o, "place", info.place);
	json_set_string(o, "waitsFor", waits_for_store(t) ? "its commit, or another answer of the store" : info.waits_for);
	if (owned[0] != '\0')
		json_set_string(o, "watches", owned);
	if (t->place != NULL && t->since != 0)
		json_set_int(o, "waitingUSec", now - t->since);
	if (t->place != NULL && t->deadline != USEC_NEVER)
		json_set_int(o, "deadlineUSec", t->deadline > now ? t->deadline - now : 0);
	if (t->cancelled)
		json_set_bool(o, "canceled", 1);
	if (t->place != NULL && t->shielded)
		json_set_bool(o, "shielded", 1);
	if (info.serves[0] != '\0')
		json_set_string(o, "serves", info.serves);
	if (t->steps > 0) {
		json_set_int(o, "steps", t->steps);
		json_set_int(o, "usedUSec", t->used);
	}
	return o;
}

/* 12 is served by all that serves 12 or 12.3; 12.3 only by what serves just that. */
static bool
serves(const struct task *t, const char *wanted)
{
	size_t n = strlen(wanted);
	char text[40];

	task_serves(t, text, sizeof(text));
	return strncmp(text, wanted, n) == 0 && (text[n] == '\0' || text[n] == '.');
}

static bool
is_chosen(const struct tasks_in *in, const struct task *t)
{
	if (in->kind != NULL && strcmp(t->kind->name, in->kind) != 0)
		return false;
	return in->serves == NULL || serves(t, in->serves);
}

static usec_t
waits_since(const struct task *t)
{
	return t->since != 0 ? loop_now(t->loop) - t->since : 0;
}

static void
count_one(struct tasks_call *f, const struct task *t)
{
	usec_t waits = waits_since(t);
	unsigned i;

	for (i = 0; i < f->counts_n && f->counts[i].kind != t->kind; i++)
		;
	if (i == KINDS_MAX)
		return;
	if (i == f->counts_n)
		f->counts[f->counts_n++] = (struct kind_count){ .kind = t->kind };
	f->counts[i].n++;
	if (waits > f->counts[i].longest)
		f->counts[i].longest = waits;
}

/* Into its place among those that have waited longest.  Returns whether it was described. */
static bool
told_insert(struct tasks_call *f, const struct task *t, unsigned depth)
{
	usec_t waits = waits_since(t);
	int64_t at = f->n;

	if (f->n == f->limit && f->told[f->n - 1].waits >= waits)
		return false;
	if (f->n == f->limit)
		json_free(f->told[--f->n].task);
	for (at = f->n; at > 0 && f->told[at - 1].waits < waits; at--)
		f->told[at] = f->told[at - 1];
	f->told[at] = (struct told){ waits, task_reply(t, depth) };
	f->n++;
	return true;
}

/* What to do with the next one; how many looks it cost. */
static unsigned
take(struct tasks_call *f, const struct tasks_in *in, const struct task *t, unsigned depth)
{
	if (!is_chosen(in, t))
		return in->serves != NULL ? TELLING / 10 : 1;
	if (in->count) {
		count_one(f, t);
		return 1;
	}
	if (in->longest)
		return told_insert(f, t, depth) ? TELLING : 1;
	f->told[f->n++] = (struct told){ 0, task_reply(t, depth) };
	return TELLING;
}

/* A slice; true at the end. */
static bool
take_some(struct tasks_call *f, const struct tasks_in *in)
{
	const struct task *t;
	unsigned depth;

	for (unsigned looks = 0; looks < LOOKS_MAX;) {
		if (!in->longest && !in->count && f->n == f->limit)
			return true;
		t = task_walk_next(&f->walk, &depth);
		if (t == NULL)
			return true;
		looks += take(f, in, t, depth);
	}
	return false;
}

static struct cJSON *
counts_reply(const struct tasks_call *f)
{
	struct cJSON *list = json_array(), *o;

	for (unsigned i = 0; i < f->counts_n; i++) {
		o = json_object();
		json_set_string(o, "name", f->counts[i].kind->name);
		json_set_int(o, "count", f->counts[i].n);
		json_set_int(o, "longestUSec", f->counts[i].longest);
		json_push(list, o);
	}
	return list;
}

static struct cJSON *
tasks_reply(struct tasks_call *f, bool count)
{
	struct cJSON *reply = json_object(), *list = json_array();

	for (int64_t i = 0; i < f->n; i++)
		json_push(list, f->told[i].task);
	f->n = 0;
	json_set(reply, "tasks", list);
	json_set_int(reply, "total", (long long)f->call.task.loop->stats.tasks);
	if (count)
		json_set(reply, "counts", counts_reply(f));
	return reply;
}

static enum task_status
tasks_step(struct task *t)
{
	struct tasks_call *f = container_of(t, struct tasks_call, call.task);
	const struct tasks_in *in = f->call.in;

	TASK_BEGIN(t);

	f->limit = in->limit > 0 ? in->limit : in->longest ? LONGEST_DEFAULT : TASKS_DEFAULT;
	f->told = xcalloc((size_t)f->limit, sizeof(*f->told));
	task_walk_begin(&f->walk, t->loop, t->loop->root);
	while (!take_some(f, in) && !task_cancelled(t))
		TASK_YIELD(t);
	task_walk_end(&f->walk);
	if (!task_cancelled(t))
		call_reply(&f->call, tasks_reply(f, in->count));
	while (f->n > 0)
		json_free(f->told[--f->n].task);
	free(f->told);
	TASK_END(t, 0);
}

static const struct task_kind tasks_kind = { .name = "Tasks", .step = tasks_step,
    .release = call_release };

const struct method method_tasks = {
	.name = "io.jobd.Tasks",
	.in = tasks_fields,
	.in_size = sizeof(struct tasks_in),
	.flags = METHOD_LAST | METHOD_BULKY,
	.frame_size = sizeof(struct tasks_call),
	.kind = &tasks_kind,
};
