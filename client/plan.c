/*
 * plan: see plan.h.  What is the same and what is not is for jobd to say: each job is asked about by an
 * Edit that changes nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/ask.h"
#include "client/plan.h"
#include "client/value.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "proto/types.h"

/* ---- what is wrong ---- */

int
refusal_tell(const struct jobfile *f, enum jobd_error error, const struct cJSON *parameters)
{
	const struct error_row *row = error < JOBD_ERROR_COUNT ? error_row(error) : NULL;
	const char *a, *b;
	char *place, *words;

	if (!row || error == JOBD_OK)
		return EXIT_FAILED;
	a = row->parameter ? json_get_string(parameters, row->parameter) : NULL;
	b = row->parameter2 ? json_get_string(parameters, row->parameter2) : NULL;
	if (a && (error == JOBD_INVALID_FIELD || error == JOBD_INVALID_PARAMETER)) {
		place = jobfile_place(f, a);
		words = args_reason_of(&f->args, b ? b : row->text);
		complain("%s: %s", place, words);
		free(place);
		free(words);
	} else {
		complain("%s:%d: %s: %s%s%s", f->path, f->line, f->name ? f->name : "job", row->text,
		    a ? ": " : "", a ? a : "");
	}
	return row->exit_code;
}

/* ---- making it ---- */

static struct plan_item *
item_add(struct plan *p, enum plan_what what, const char *name)
{
	p->items = xrealloc(p->items, (p->n + 1) * sizeof(*p->items));
	p->items[p->n] = (struct plan_item){ .what = what, .name = xstrdup(name) };
	return &p->items[p->n++];
}

/* Whose is it?  0, or EXIT_CONFLICT after having said that it is of other files. */
static int
source_check(const struct plan *p, struct plan_item *item)
{
	const char *source = json_get_string(item->was, "source");

	item->taken = !source || strcmp(source, p->source) != 0;
	if (!source || !item->taken || p->take)
		return 0;
	complain("%s:%d: %s is from %s; remove it there, or say --take to have it from here on",
	    item->file->path, item->file->line, item->name, source);
	return EXIT_CONFLICT;
}

/* Ask what an edit would come to. */
static int
item_compare(struct plan *p, struct plan_item *item)
{
	struct cJSON *parameters = json_object();
	struct answer a;
	int r;

	json_set(parameters, "job", json_string(item->name));
	json_set(parameters, "spec", json_copy(item->spec));
	json_set_bool(parameters, "dryRun", 1);
	r = ask(p->c, "io.jobd.Edit", parameters, &a);
	if (r == 0) {
		item->what = json_get_bool(a.parameters, "changed", 0) ? PLAN_CHANGED : PLAN_SAME;
		item->rescheduled = json_get_bool(a.parameters, "rescheduled", 0);
		item->due = xstrdup(json_get_string(a.parameters, "nextDue"));
		item->generation = json_get_int(a.parameters, "generation", 0);
		json_free(item->spec);
		item->spec = json_copy(json_get(a.parameters, "spec"));
	} else if (a.error != JOBD_OK) {
		r = refusal_tell(item->file, a.error, a.parameters);
	}
	answer_done(&a);
	json_free(parameters);
	return r;
}

static int
file_compare(struct plan *p, const struct jobfile *f)
{
	struct plan_item *item = item_add(p, PLAN_NEW, f->name);
	struct cJSON *job;
	int r;

	item->file = f;
	item->spec = json_copy(f->args.parameters);
	json_set_string(item->spec, "source", p->source);
	r = ask_job(p->c, f->name, &job);
	if (r || !job)
		return r;
	item->job = json_get_int(job, "id", 0);
	item->due_was = xstrdup(json_get_string(job, "nextDue"));
	item->was = json_copy(json_get(job, "spec"));
	json_free(job);
	if (!item->was) {
		complain("%s:%d: the job %s is another user's", f->path, f->line, f->name);
		return EXIT_NOT_PERMITTED;
	}
	r = item_compare(p, item);
	return r ? r : source_check(p, item);
}

static bool
in_files(const struct jobfiles *files, const char *name)
{
	for (size_t i = 0; i < files->n; i++) {
		if (strcmp(files->items[i]->name, name) == 0)
			return true;
	}
	return false;
}

/* Of a page of jobs those that came from the source and are in no file any more. */
static int
page_prune(struct plan *p, const struct jobfiles *files, const struct cJSON *page)
{
	const struct cJSON *job;
	int r = 0;

	for (job = json_first(json_get(page, "jobs")); job && r == 0; job = json_next(job)) {
		const char *source = json_get_string(job, "source"), *name = json_get_string(job, "name");
		struct plan_item *item;
		struct cJSON *whole;

		if (!source || !name || strcmp(source, p->source) != 0 || in_files(files, name))
			continue;
		r = ask_job(p->c, name, &whole);
		if (r || !whole)
			continue;
		item = item_add(p, PLAN_REMOVED, name);
		item->job = json_get_int(job, "id", 0);
		item->due_was = xstrdup(json_get_string(job, "nextDue"));
		item->was = json_copy(json_get(whole, "spec"));
		json_free(whole);
	}
	return r;
}

static int
prune_find(struct plan *p, const struct jobfiles *files)
{
	long long after = 0;
	int r;

	do {
		struct cJSON *parameters = json_object();
		struct answer a;

		json_set_bool(parameters, "mine", 1);
		json_set_int(parameters, "limit", 1000);
		if (after)
			json_set_int(parameters, "after", after);
		r = ask(p->c, "io.jobd.List", parameters, &a);
		if (r == 0)
			r = page_prune(p, files, a.parameters);
		else if (a.error != JOBD_OK)
			complain("%s", error_row(a.error)->text);
		after = r == 0 ? json_get_int(a.parameters, "next", 0) : 0;
		answer_done(&a);
		json_free(parameters);
	} while (after);
	return r;
}

size_t
plan_changes(const struct plan *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += p->items[i].what != PLAN_SAME;
	return n;
}

static void
same_print(const struct plan *p)
{
	size_t same = p->n - plan_changes(p);

	if (same > 0)
		printf("%zu job%s unchanged\n", same, same == 1 ? "" : "s");
}

void
plan_done(struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->items[i].name);
		free(p->items[i].due_was);
		free(p->items[i].due);
		json_free(p->items[i].was);
		json_free(p->items[i].spec);
	}
	free(p->items);
	p->items = NULL;
	p->n = 0;
}

/* ---- doing it ---- */

static const char *
depends_on(const struct plan_item *item)
{
	return json_get_string(json_get(item->spec, "http"), "dependsOn");
}

/* A check comes after the one that it depends on, as Add wants it. */
static size_t
new_order(const struct plan *p, size_t *order)
{
	size_t n = 0, before;
	bool *placed = xcalloc(p->n + 1, sizeof(*placed));

	do {
		before = n;
		for (size_t i = 0; i < p->n; i++) {
			const char *on = p->items[i].what == PLAN_NEW ? depends_on(&p->items[i]) : NULL;
			bool waits = false;

			if (placed[i] || p->items[i].what != PLAN_NEW)
				continue;
			for (size_t k = 0; on && k < p->n; k++)
				waits |= k != i && p->items[k].what == PLAN_NEW && !placed[k] &&
				    strcmp(p->items[k].name, on) == 0;
			if (waits)
				continue;
			placed[i] = true;
			order[n++] = i;
		}
	} while (n > before);
	/* A circle: Add says so. */
	for (size_t i = 0; i < p->n; i++) {
		if (p->items[i].what == PLAN_NEW && !placed[i])
			order[n++] = i;
	}
	free(placed);
	return n;
}

/* "jobs[3]: ..." of an Add with many is told with the name; order: NULL, it is of this one. */
static void
warnings_tell(const struct plan *p, const size_t *order, const char *name, const struct cJSON *reply)
{
	struct strings warnings;
	size_t at;

	value_strings(reply, "warnings", &warnings);
	for (size_t i = 0; i < warnings.n; i++) {
		const char *text = warnings.items[i], *rest = strstr(text, "]: ");

		if (order && rest && sscanf(text, "jobs[%zu]", &at) == 1 && at < p->n)
			complain("note: %s: %s", p->items[order[at]].name, rest + 3);
		else if (name)
			complain("note: %s: %s", name, text);
		else
			complain("note: %s", text);
	}
	strings_done(&warnings);
}

/* Which of the new jobs an error is of: "jobs[3].cron". */
static const struct jobfile *
refused_of(const struct plan *p, const size_t *order, size_t n, const struct cJSON *parameters)
{
	const char *field = json_get_string(parameters, "field");
	const char *name = json_get_string(parameters, "name");
	size_t at;

	if (!field)
		field = json_get_string(parameters, "parameter");
	if (field && sscanf(field, "jobs[%zu]", &at) == 1 && at < n)
		return p->items[order[at]].file;
	for (size_t i = 0; name && i < n; i++) {
		if (strcmp(p->items[order[i]].name, name) == 0)
			return p->items[order[i]].file;
	}
	return p->items[order[0]].file;
}

static struct cJSON *
new_parameters(const struct plan *p, const size_t *order, size_t n)
{
	struct cJSON *parameters = json_object(), *jobs = json_array();

	for (size_t i = 0; i < n; i++)
		json_push(jobs, json_copy(p->items[order[i]].spec));
	json_set(parameters, "jobs", jobs);
	return parameters;
}

/* Would jobd take them?  Each that it would not is told, and left out of the next question. */
static int
new_check(const struct plan *p)
{
	size_t *order = xcalloc(p->n + 1, sizeof(*order)), n = new_order(p, order), at;
	enum jobd_error error = JOBD_INVALID_FIELD;
	int code = 0, r = -1;

	while (n > 0 && r != 0 && error == JOBD_INVALID_FIELD) {
		struct cJSON *parameters = new_parameters(p, order, n);
		const struct jobfile *refused;
		struct answer a;

		json_set_bool(parameters, "dryRun", 1);
		r = ask(p->c, "io.jobd.Add", parameters, &a);
		error = a.error;
		if (r && error != JOBD_OK) {
			refused = refused_of(p, order, n, a.parameters);
			r = refusal_tell(refused, error, a.parameters);
			for (at = 0; p->items[order[at]].file != refused; at++)
				;
			memmove(order + at, order + at + 1, (n - at - 1) * sizeof(*order));
			n--;
		}
		code = code ? code : r;
		answer_done(&a);
		json_free(parameters);
	}
	free(order);
	return code;
}

int
plan_make(struct plan *p, const struct jobfiles *files)
{
	int code = 0, r;

	for (size_t i = 0; i < files->n; i++) {
		r = file_compare(p, files->items[i]);
		if (r == EXIT_UNREACHABLE)
			return r;
		code = code ? code : r;
	}
	/* What is new is looked at even when others are wrong: all is told at once. */
	r = new_check(p);
	code = code ? code : r;
	if (code == 0 && p->prune)
		code = prune_find(p, files);
	return code;
}

static int
add_new(struct plan *p)
{
	size_t *order = xcalloc(p->n + 1, sizeof(*order)), n = new_order(p, order);
	struct cJSON *parameters = new_parameters(p, order, n), *id;
	struct answer a = { 0 };
	int r = 0;

	if (n > 0)
		r = ask(p->c, "io.jobd.Add", parameters, &a);
	id = json_first(json_get(a.parameters, "ids"));
	for (size_t i = 0; r == 0 && i < n; i++, id = json_next(id)) {
		char *text = json_print(id);

		p->items[order[i]].job = atoll(text);
		if (!p->c->out.json)
			printf("added    %s (job %s)\n", p->items[order[i]].name, text);
		free(text);
	}
	if (r && a.error != JOBD_OK)
		r = refusal_tell(refused_of(p, order, n, a.parameters), a.error, a.parameters);
	else
		warnings_tell(p, order, NULL, a.parameters);
	answer_done(&a);
	json_free(parameters);
	free(order);
	return r;
}

static int
edit_item(struct plan *p, struct plan_item *item)
{
	struct cJSON *parameters = json_object();
	struct answer a;
	int r;

	json_set(parameters, "job", json_string(item->name));
	json_set(parameters, "spec", json_copy(item->spec));
	json_set_int(parameters, "generation", item->generation);
	r = ask(p->c, "io.jobd.Edit", parameters, &a);
	if (r == 0) {
		item->generation = json_get_int(a.parameters, "generation", 0);
		if (!p->c->out.json)
			printf("changed  %s (job %lld), generation %lld%s\n", item->name, item->job,
			    item->generation, item->rescheduled ? ", with another schedule" : "");
		warnings_tell(p, NULL, item->name, a.parameters);
	} else if (a.error != JOBD_OK) {
		r = refusal_tell(item->file, a.error, a.parameters);
	}
	answer_done(&a);
	json_free(parameters);
	return r;
}

static int
remove_item(struct plan *p, struct plan_item *item)
{
	struct cJSON *parameters = json_object();
	struct answer a;
	char *id = xasprintf("%lld", item->job);
	int r;

	value_push_string(parameters, "jobs", id);
	r = ask(p->c, "io.jobd.Remove", parameters, &a);
	if (r == 0 && !p->c->out.json)
		printf("removed  %s (job %lld)\n", item->name, item->job);
	else if (a.error != JOBD_OK && a.error != JOBD_NOT_FOUND)
		complain("%s stays: %s", item->name, a.error == JOBD_CONFLICT ?
		    value_text(a.parameters, "reason") : error_row(a.error)->text);
	if (a.error == JOBD_NOT_FOUND)
		r = 0;
	answer_done(&a);
	json_free(parameters);
	free(id);
	return r;
}

int
plan_apply(struct plan *p)
{
	int code = add_new(p), r;

	for (size_t i = 0; code == 0 && i < p->n; i++) {
		if (p->items[i].what == PLAN_CHANGED && p->items[i].taken &&
		    json_get_string(p->items[i].was, "source"))
			complain("note: %s was from %s", p->items[i].name,
			    json_get_string(p->items[i].was, "source"));
		if (p->items[i].what == PLAN_CHANGED)
			code = edit_item(p, &p->items[i]);
	}
	/* What cannot go keeps none of the others. */
	for (size_t i = 0; i < p->n; i++) {
		r = p->items[i].what == PLAN_REMOVED && (code == 0 || code == EXIT_CONFLICT) ?
		    remove_item(p, &p->items[i]) : 0;
		code = code ? code : r;
	}
	if (!p->c->out.json)
		same_print(p);
	return code;
}

/* ---- showing it ---- */

/* A line of a text with its section: what is the same in two texts. */
struct located {
	const char	*section, *line;
	bool		 matched;
};

static struct located *
locate(char *text, size_t *ret_n)
{
	struct located *all = NULL;
	const char *section = "";
	char *line;

	*ret_n = 0;
	while ((line = strsep(&text, "\n")) != NULL) {
		if (*line == '[') {
			line[strcspn(line, "]")] = '\0';
			section = line + 1;
			continue;
		}
		if (!*line)
			continue;
		all = xrealloc(all, (*ret_n + 1) * sizeof(*all));
		all[(*ret_n)++] = (struct located){ section, line, false };
	}
	return all;
}

static void
match(struct located *a, size_t n, struct located *b, size_t m)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < m && !a[i].matched; k++) {
			if (b[k].matched || strcmp(a[i].section, b[k].section) != 0 ||
			    strcmp(a[i].line, b[k].line) != 0)
				continue;
			a[i].matched = b[k].matched = true;
		}
	}
}

static void
sign_print(const struct output *o, char sign, const char *line)
{
	printf("  %s%c %s%s\n", color_of(o, sign == '+' ? "succeeded" : "failed"), sign, line,
	    color_off(o));
}

/* Lines that two texts of files differ by: "-" and "+" before them, under their sections. */
static void
diff_print(const struct output *o, const char *was, const char *is)
{
	char *x = xstrdup(was ? was : ""), *y = xstrdup(is ? is : "");
	size_t n, m;
	struct located *a = locate(x, &n), *b = locate(y, &m);

	match(a, n, b, m);
	for (size_t s = 0; jobfile_sections[s]; s++) {
		bool headed = false;

		for (size_t i = 0; i < n + m; i++) {
			const struct located *l = i < n ? &a[i] : &b[i - n];

			if (l->matched || strcmp(l->section, jobfile_sections[s]) != 0)
				continue;
			if (!headed)
				printf("    [%s]\n", jobfile_sections[s]);
			headed = true;
			sign_print(o, i < n ? '-' : '+', l->line);
		}
	}
	free(a);
	free(b);
	free(x);
	free(y);
}

static void
item_print(const struct output *o, const struct plan_item *item)
{
	static const char *const words[] = {
		[PLAN_SAME] = "unchanged", [PLAN_NEW] = "new", [PLAN_CHANGED] = "changed",
		[PLAN_REMOVED] = "removed",
	};
	char *was = item->was ? jobfile_print(item->was) : NULL;
	char *is = item->spec && item->what != PLAN_REMOVED ? jobfile_print(item->spec) : NULL;
	char *from = text_instant(o, item->due_was), *to = text_instant(o, item->due);

	printf("%s%s%s %s", color_bold(o), item->name, color_off(o), words[item->what]);
	if (item->what == PLAN_CHANGED && item->rescheduled)
		printf(": next due %s instead of %s", *to ? to : "never", *from ? from : "never");
	putchar('\n');
	diff_print(o, was, is);
	if (item->what == PLAN_CHANGED && item->taken)
		printf("    it is from these files from then on, instead of %s\n",
		    json_get_string(item->was, "source") ? json_get_string(item->was, "source") :
		    "nobody's");
	free(was);
	free(is);
	free(from);
	free(to);
}

void
plan_print(const struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->items[i].what != PLAN_SAME)
			item_print(&p->c->out, &p->items[i]);
	}
	same_print(p);
}

struct cJSON *
plan_json(const struct plan *p)
{
	static const char *const names[] = {
		[PLAN_SAME] = "unchanged", [PLAN_NEW] = "added", [PLAN_CHANGED] = "changed",
		[PLAN_REMOVED] = "removed",
	};
	struct cJSON *all = json_object();

	for (size_t what = 0; what < 4; what++)
		json_set(all, names[what], json_array());
	for (size_t i = 0; i < p->n; i++) {
		const struct plan_item *item = &p->items[i];
		struct cJSON *one = json_object();

		json_set(one, "name", json_string(item->name));
		if (item->job)
			json_set_int(one, "job", item->job);
		if (item->generation)
			json_set_int(one, "generation", item->generation);
		if (item->what == PLAN_CHANGED)
			json_set_bool(one, "rescheduled", item->rescheduled);
		json_push(json_get(all, names[item->what]), one);
	}
	return all;
}

/* ---- what would come of it ---- */

/* Simulate with the jobs as they are to be (or as they are). */
static int
simulate(const struct plan *p, const char *until, bool changed, struct answer *a)
{
	struct cJSON *parameters = json_object(), *jobs = json_array();
	int r;

	for (size_t i = 0; i < p->n; i++) {
		const struct plan_item *item = &p->items[i];
		struct cJSON *spec;

		if (item->was)
			value_push_string(parameters, "only", item->name);
		if (!changed || item->what == PLAN_SAME)
			continue;
		spec = json_copy(item->what == PLAN_REMOVED ? item->was : item->spec);
		json_remove(spec, "key");
		/* What is gone runs no more, like what is paused. */
		if (item->what == PLAN_REMOVED)
			json_set_bool(spec, "paused", 1);
		json_push(jobs, spec);
	}
	json_set_string(parameters, "to", until);
	json_set(parameters, "jobs", jobs);
	json_set_int(parameters, "limit", 1);
	r = ask(p->c, "io.jobd.Simulate", parameters, a);
	if (r && a->error != JOBD_OK)
		complain("the simulator: %s: %s", error_row(a->error)->text,
		    value_text(a->parameters, "reason"));
	json_free(parameters);
	return r;
}

static const struct cJSON *
simulated(const struct answer *a, const char *name)
{
	const struct cJSON *job = json_first(json_get(a->parameters, "jobs"));

	while (job && strcmp(value_text(job, "name"), name) != 0)
		job = json_next(job);
	return job;
}

static char *
was_is(long long was, long long is)
{
	return was == is ? xasprintf("%lld", is) : xasprintf("%lld -> %lld", was, is);
}

static char *
was_is_time(long long was, long long is)
{
	char *x = text_duration(was), *y = text_duration(is), *text;

	text = strcmp(x, y) == 0 ? xstrdup(y) : xasprintf("%s -> %s", x, y);
	free(x);
	free(y);
	return text;
}

static const struct column impact_columns[] = {
	{ "JOB", COLUMN_FLEX }, { "RUNS", COLUMN_RIGHT }, { "OVERLAPS", COLUMN_RIGHT },
	{ "LONGEST WAIT", COLUMN_RIGHT }, { NULL, 0 },
};

/* Of a job, or of all: then runs are called otherwise. */
static void
impact_row(struct table *t, const char *name, const char *runs, const struct cJSON *was, const struct cJSON *is)
{
	table_cell(t, xstrdup(name));
	table_cell(t, was_is(json_get_int(was, runs, 0), json_get_int(is, runs, 0)));
	table_cell(t, was_is(json_get_int(was, "overlaps", 0), json_get_int(is, "overlaps", 0)));
	table_cell(t, was_is_time(json_get_int(was, "longestWaitUSec", 0),
	    json_get_int(is, "longestWaitUSec", 0)));
}

int
plan_impact(const struct plan *p, const char *until)
{
	struct answer was = { 0 }, is = { 0 };
	struct table t;
	int r = simulate(p, until, false, &was);

	if (r == 0)
		r = simulate(p, until, true, &is);
	if (r == 0) {
		char *end = text_instant(&p->c->out, until);

		printf("\nUntil %s, as simulated:\n", end);
		free(end);
		table_init(&t, &p->c->out, impact_columns);
		for (size_t i = 0; i < p->n; i++) {
			if (p->items[i].what != PLAN_SAME)
				impact_row(&t, p->items[i].name, "runs", simulated(&was, p->items[i].name),
				    simulated(&is, p->items[i].name));
		}
		impact_row(&t, "all jobs", "runsTotal", was.parameters, is.parameters);
		table_flush(&t);
		table_done(&t);
	}
	answer_done(&was);
	answer_done(&is);
	return r;
}
