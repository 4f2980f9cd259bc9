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
#include "proto/frame.h"
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
	if (f && a && (error == JOBD_INVALID_FIELD || error == JOBD_INVALID_PARAMETER)) {
		place = jobfile_place(f, a);
		words = args_reason_of(&f->args, b ? b : row->text);
		complain("%s: %s", place, words);
		free(place);
		free(words);
	} else if (f && f->line == 0) {
		complain("%s: %s%s%s", f->path, row->text, a ? ": " : "", a ? a : "");
	} else if (f) {
		complain("%s:%d: %s: %s%s%s", f->path, f->line, f->name ? f->name : "job", row->text,
		    a ? ": " : "", a ? a : "");
	} else {
		complain("%s%s%s", row->text, a ? ": " : "", a ? a : "");
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

/* Which job it is: by its id, as another may be called so by now. */
static struct cJSON *
item_job(const struct plan_item *item)
{
	char *id = xasprintf("%lld", item->job);
	struct cJSON *job = json_string(item->job ? id : item->name);

	free(id);
	return job;
}

/* Ask what an edit would come to. */
static int
item_compare(struct plan *p, struct plan_item *item)
{
	struct cJSON *parameters = json_object();
	struct answer a;
	int r;

	json_set(parameters, "job", item_job(item));
	json_set(parameters, "spec", json_copy(item->spec));
	if (item->generation)
		json_set_int(parameters, "generation", item->generation);
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

int
plan_change(struct plan *p, const struct cJSON *job, const struct jobfile *f)
{
	const char *name = json_get_string(job, "name"), *source;
	char *id = xasprintf("%lld", json_get_int(job, "id", 0));
	struct plan_item *item = item_add(p, PLAN_CHANGED, name ? name : id);

	free(id);
	item->file = f;
	item->job = json_get_int(job, "id", 0);
	item->generation = json_get_int(job, "generation", 0);
	item->due_was = xstrdup(json_get_string(job, "nextDue"));
	item->was = json_copy(json_get(job, "spec"));
	item->spec = json_copy(f->args.parameters);
	source = json_get_string(item->was, "source");
	if (source)
		json_set_string(item->spec, "source", source);
	return item_compare(p, item);
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

/* What one call is asked: places of items, those that are new and then those that are changed. */
struct changes {
	size_t	*order;
	size_t	 new, all;
};

static const char *
depends_on(const struct plan_item *item)
{
	return json_get_string(json_get(item->spec, "http"), "dependsOn");
}

/* A check comes after the one that it depends on, as Add wants it. */
static void
new_find(const struct plan *p, struct changes *ch)
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
			ch->order[n++] = i;
		}
	} while (n > before);
	/* A circle: jobd says so. */
	for (size_t i = 0; i < p->n; i++) {
		if (p->items[i].what == PLAN_NEW && !placed[i])
			ch->order[n++] = i;
	}
	free(placed);
	ch->new = ch->all = n;
}

static void
changes_find(const struct plan *p, struct changes *ch)
{
	ch->order = xcalloc(p->n + 1, sizeof(*ch->order));
	new_find(p, ch);
	for (size_t i = 0; i < p->n; i++) {
		if (p->items[i].what == PLAN_CHANGED)
			ch->order[ch->all++] = i;
	}
}

/* One of them is left out. */
static void
changes_leave(struct changes *ch, size_t at)
{
	memmove(ch->order + at, ch->order + at + 1, (ch->all - at - 1) * sizeof(*ch->order));
	ch->new -= at < ch->new;
	ch->all--;
}

static struct cJSON *
changes_parameters(const struct plan *p, const struct changes *ch)
{
	struct cJSON *parameters = json_object(), *jobs = json_array(), *edits = json_array();

	for (size_t k = 0; k < ch->all; k++) {
		const struct plan_item *item = &p->items[ch->order[k]];
		struct cJSON *edit;

		if (k < ch->new) {
			json_push(jobs, json_copy(item->spec));
			continue;
		}
		edit = json_object();
		json_set(edit, "job", item_job(item));
		json_set(edit, "spec", json_copy(item->spec));
		json_set_int(edit, "generation", item->generation);
		json_push(edits, edit);
	}
	json_set(parameters, "jobs", jobs);
	json_set(parameters, "edits", edits);
	return parameters;
}

/* All of it is one call, and all or nothing: what is too much for one is not begun. */
static int
changes_fit(const struct plan *p, const struct changes *ch, const struct cJSON *parameters)
{
	const char *what = p->source ? "files" : "jobs";
	char *text = json_print(parameters);
	size_t bytes = strlen(text) + 1024;

	free(text);
	if (ch->new > ADD_JOBS_MAX || ch->all - ch->new > ADD_JOBS_MAX)
		complain("%zu jobs are new and %zu changed, and one apply takes at most %d of each:"
		    " name fewer %s at a time", ch->new, ch->all - ch->new, ADD_JOBS_MAX, what);
	else if (bytes > MESSAGE_BYTES_MAX)
		complain("what is new or changed is %zu KiB together, and one apply takes at most %zu:"
		    " name fewer %s at a time", bytes >> 10, MESSAGE_BYTES_MAX >> 10, what);
	else
		return 0;
	return EXIT_USAGE;
}

/* "jobs[3]: ..." or "edits[2].spec: ..." is told with the name. */
static void
warnings_tell(const struct plan *p, const struct changes *ch, const struct cJSON *reply)
{
	struct strings warnings;
	size_t at;

	value_strings(reply, "warnings", &warnings);
	for (size_t i = 0; i < warnings.n; i++) {
		const char *text = warnings.items[i], *rest = strstr(text, ": ");

		if (rest && sscanf(text, "jobs[%zu]", &at) == 1 && at < ch->new)
			complain("note: %s: %s", p->items[ch->order[at]].name, rest + 2);
		else if (rest && sscanf(text, "edits[%zu]", &at) == 1 && at < ch->all - ch->new)
			complain("note: %s: %s", p->items[ch->order[ch->new + at]].name, rest + 2);
		else
			complain("note: %s", text);
	}
	strings_done(&warnings);
}

/* Which of them an error is of, "jobs[3].cron", "edits[2].spec.cron"; ch->all: of none that is known. */
static size_t
refused_of(const struct plan *p, const struct changes *ch, const struct cJSON *parameters)
{
	const char *field = json_get_string(parameters, "field");
	const char *name = json_get_string(parameters, "name"), *reason = json_get_string(parameters, "reason");
	long long job = 0;
	size_t at;

	if (!field)
		field = json_get_string(parameters, "parameter");
	if (field && sscanf(field, "jobs[%zu]", &at) == 1 && at < ch->new)
		return at;
	if (field && sscanf(field, "edits[%zu]", &at) == 1 && at < ch->all - ch->new)
		return ch->new + at;
	if (!name)
		name = json_get_string(parameters, "what");
	if (reason && sscanf(reason, "job %lld was changed", &job) != 1)
		job = 0;
	if (name && name[strspn(name, "0123456789")] == '\0')
		job = atoll(name);
	for (at = 0; at < ch->all; at++) {
		const struct plan_item *item = &p->items[ch->order[at]];

		if ((name && (strcmp(item->name, name) == 0 || strcmp(value_text(item->spec, "name"), name) == 0)) ||
		    (job && item->job == job))
			break;
	}
	return at;
}

/* Ask it.  0, or an exit code after having said what is wrong, and *at: which it is of. */
static int
changes_ask(const struct plan *p, const struct changes *ch, bool dry, struct answer *a, size_t *at)
{
	struct cJSON *parameters = changes_parameters(p, ch);
	int r = changes_fit(p, ch, parameters);

	*a = (struct answer){ 0 };
	*at = ch->all;
	if (dry)
		json_set_bool(parameters, "dryRun", 1);
	if (r == 0) {
		r = ask(p->c, "io.jobd.Apply", parameters, a);
		if (r && a->error != JOBD_OK) {
			*at = refused_of(p, ch, a->parameters);
			r = refusal_tell(*at < ch->all ? p->items[ch->order[*at]].file : NULL, a->error, a->parameters);
		}
	}
	json_free(parameters);
	return r;
}

/* Each that jobd would not do is told, and left out of the next question. */
int
plan_check(const struct plan *p)
{
	struct changes ch;
	int code = 0, r = 1;
	size_t at;

	changes_find(p, &ch);
	while (ch.all > 0 && r != 0) {
		struct answer a;

		r = changes_ask(p, &ch, true, &a, &at);
		code = code ? code : r;
		answer_done(&a);
		if (r && at == ch.all)
			break;
		if (r)
			changes_leave(&ch, at);
	}
	free(ch.order);
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
	r = plan_check(p);
	code = code ? code : r;
	if (code == 0 && p->prune)
		code = prune_find(p, files);
	return code;
}

/* It is done: what has become of each. */
static void
changes_tell(struct plan *p, const struct changes *ch, const struct cJSON *reply)
{
	const struct cJSON *id = json_first(json_get(reply, "ids")), *edited = json_first(json_get(reply, "edited"));

	for (size_t k = 0; k < ch->all; k++) {
		struct plan_item *item = &p->items[ch->order[k]];
		bool new = k < ch->new;

		if (new) {
			char *text = json_print(id);

			item->job = atoll(text);
			id = json_next(id);
			free(text);
		} else {
			item->generation = json_get_int(edited, "generation", 0);
			edited = json_next(edited);
		}
		if (!p->c->out.json && new)
			printf("added    %s (job %lld)\n", item->name, item->job);
		else if (!p->c->out.json)
			printf("changed  %s (job %lld), generation %lld%s\n", item->name, item->job, item->generation,
			    item->rescheduled ? ", with another schedule" : "");
	}
	warnings_tell(p, ch, reply);
}

/* What is new and what is changed: all of it, or nothing. */
static int
changes_do(struct plan *p)
{
	struct changes ch;
	struct answer a = { 0 };
	size_t at;
	int r = 0;

	changes_find(p, &ch);
	if (ch.all > 0)
		r = changes_ask(p, &ch, false, &a, &at);
	if (r == 0)
		changes_tell(p, &ch, a.parameters);
	else if (a.error != JOBD_OK && a.error != JOBD_STORE_UNAVAILABLE)
		complain("nothing was changed");	/* the other says so itself */
	else if (r == EXIT_UNREACHABLE)
		complain("all of it was done, or nothing: apply it again, and what is done is left alone");
	answer_done(&a);
	free(ch.order);
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

/* What cannot go keeps none of the others; it is for the next time. */
static int
removals_do(struct plan *p)
{
	size_t left = 0;
	int code = 0, r;

	for (size_t i = 0; i < p->n; i++) {
		struct plan_item *item = &p->items[i];

		if (item->what != PLAN_REMOVED)
			continue;
		r = code == EXIT_UNREACHABLE ? code : remove_item(p, item);
		item->stays = r != 0;
		left += item->stays;
		code = code && r != EXIT_UNREACHABLE ? code : r;
	}
	if (left > 0)
		complain("%zu job%s to be removed %s there: apply it again", left, left == 1 ? "" : "s",
		    left == 1 ? "is still" : "are still");
	return code;
}

int
plan_apply(struct plan *p)
{
	int code = changes_do(p);

	if (code)
		return code;
	p->done = true;
	for (size_t i = 0; i < p->n; i++) {
		const char *source = json_get_string(p->items[i].was, "source");

		if (p->items[i].what == PLAN_CHANGED && p->items[i].taken && source)
			complain("note: %s was from %s", p->items[i].name, source);
	}
	code = removals_do(p);
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
	json_set(all, "kept", json_array());
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
		json_push(json_get(all, item->stays ? "kept" : names[item->what]), one);
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
