/*
 * circle: see circle.h.  Only jobs of one Add can make one, as those that are stored wait for nobody who
 * comes later; and only by name, as ids of an Add are not known before.  A walk along the parents,
 * depth first, with a stack of its own.
 */
#include "daemon/server/circle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/buf.h"
#include "proto/mem.h"

/* How far the walk is with a job. */
enum walked { WALKED_NOT, WALKED_ON, WALKED_DONE };

struct named {
	const char	*name;
	size_t		 at;
};

struct walk {
	void *const	*jobs;
	struct named	*named;		/* those with a name, sorted */
	size_t		 named_n;
	uint8_t		*walked;	/* enum walked */
	struct step {
		size_t	at;		/* the job */
		size_t	next;		/* of its after */
	}		*stack;
	size_t		 depth;
};

static const struct job_spec *
spec_of(const struct walk *w, size_t i)
{
	return w->jobs[i];
}

static int
named_compare(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void
walk_init(struct walk *w, void *const *jobs, size_t n)
{
	*w = (struct walk){ .jobs = jobs };
	w->named = xcalloc(n + 1, sizeof(*w->named));
	w->walked = xcalloc(n + 1, sizeof(*w->walked));
	w->stack = xcalloc(n + 1, sizeof(*w->stack));
	for (size_t i = 0; i < n; i++) {
		if (spec_of(w, i)->name != NULL)
			w->named[w->named_n++] = (struct named){ spec_of(w, i)->name, i };
	}
	qsort(w->named, w->named_n, sizeof(*w->named), named_compare);
}

static void
walk_done(struct walk *w)
{
	free(w->named);
	free(w->walked);
	free(w->stack);
}

/* The job of the Add that a parent is; false: it is none of them. */
static bool
find(const struct walk *w, const char *text, size_t *ret)
{
	struct named *found, key;
	struct after_job a;

	if (w->named_n == 0 || after_read(text, &a) != NULL || a.id != 0)
		return false;
	key.name = a.name;
	found = bsearch(&key, w->named, w->named_n, sizeof(*w->named), named_compare);
	if (found != NULL)
		*ret = found->at;
	return found != NULL;
}

static void
push(struct walk *w, size_t i)
{
	w->walked[i] = WALKED_ON;
	w->stack[w->depth++] = (struct step){ .at = i };
}

/* The top of the stack waits for `closes`, which is further down. */
static void
tell(const struct walk *w, size_t closes, struct field_error *error)
{
	const struct step *top = &w->stack[w->depth - 1];
	struct buf b = { .size = 0 };
	size_t from = 0;

	while (w->stack[from].at != closes)
		from++;
	for (size_t i = from; i < w->depth; i++)
		buf_printf(&b, "%s -> ", spec_of(w, w->stack[i].at)->name);
	buf_puts(&b, spec_of(w, closes)->name);
	error->why = JOBD_INVALID_FIELD;
	(void)snprintf(error->path, sizeof(error->path), "jobs[%zu].after[%zu]", top->at,
	    top->next - 1);
	(void)snprintf(error->reason, sizeof(error->reason), "makes a circle: %.200s%s",
	    buf_string(&b), buf_len(&b) > 200 ? "..." : "");
	buf_done(&b);
}

/* Walk from a job up to all that it waits for.  True: into a circle. */
static bool
walk_from(struct walk *w, size_t i, struct field_error *error)
{
	push(w, i);
	while (w->depth > 0) {
		struct step *top = &w->stack[w->depth - 1];
		const struct job_spec *spec = spec_of(w, top->at);
		size_t parent;

		if (top->next == spec->after.n) {
			w->walked[top->at] = WALKED_DONE;
			w->depth--;
		} else if (find(w, spec->after.items[top->next++], &parent)) {
			if (w->walked[parent] == WALKED_ON) {
				tell(w, parent, error);
				return true;
			}
			if (w->walked[parent] == WALKED_NOT)
				push(w, parent);
		}
	}
	return false;
}

/* Most Adds have none. */
static bool
any_waits(void *const *jobs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (((const struct job_spec *)jobs[i])->after.n > 0)
			return true;
	}
	return false;
}

bool
circle_find(void *const *jobs, size_t n, struct field_error *error)
{
	bool found = false;
	struct walk w;

	if (!any_waits(jobs, n))
		return false;
	walk_init(&w, jobs, n);
	for (size_t i = 0; !found && i < n; i++) {
		if (spec_of(&w, i)->after.n > 0 && w.walked[i] == WALKED_NOT)
			found = walk_from(&w, i, error);
	}
	walk_done(&w);
	return found;
}
