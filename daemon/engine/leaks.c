/*
 * leaks: see leaks.h.  Owners are known by their address alone: a frame may be gone, or used again, by
 * the time that somebody looks.  So when a task ends, what it leaves is marked then and there; it may
 * have been released with the frame, or be the parent's to release, who has some time for it.
 */
#include "daemon/engine/leaks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/base/map.h"
#include "daemon/engine/finding.h"
#include "daemon/engine/loop-internal.h"
#include "proto/mem.h"

/* Looked at in a tick; and when somebody has asked for it. */
#define SLICE		16
#define SLICE_ASKED	1024

/* Of an owner's descriptors so many are told. */
#define OWNED_TOLD	3

/* A descriptor that is watched, at its number. */
struct owned {
	bool			 watched;
	bool			 told;
	bool			 orphan;	/* its owner has ended */
	uint8_t			 epoch;		/* then */
	int			 pid;		/* it is a process's; 0: no */
	int			 next, prev;	/* of the same owner; -1: none */
	const struct task	*owner;		/* an address; NULL: nobody in particular, or an orphan */
	const char		*owner_name;	/* of an orphan */
	const char		*maker;		/* a kind's name; NULL: before or outside all tasks */
	const void		*where;
};

struct leaks {
	usec_t			 every;
	bool			 under_way;
	struct task_walk	 walk;
	unsigned		 at;		/* after the tasks, of the descriptors */
	usec_t			 epoch_next;
	struct owned		*owned;
	unsigned		 size, watched;
	struct map		 owners;	/* address -> first descriptor + 1 */
	struct map		 lent;		/* address -> how many things */
	struct map		 lenders;	/* address -> where the first of these was lent */
};

void
leaks_new(struct loop *l)
{
	l->leaks = xcalloc(1, sizeof(*l->leaks));
	l->leaks->every = SWEEP_EVERY;
	l->leaks->epoch_next = l->now + SWEEP_EVERY;
	l->sweep_next = l->is_virtual ? USEC_NEVER : l->now + SWEEP_EVERY;
}

void
leaks_free(struct loop *l)
{
	struct leaks *k = l->leaks;

	if (k == NULL)
		return;
	task_walk_end(&k->walk);
	map_done(&k->owners);
	map_done(&k->lent);
	map_done(&k->lenders);
	free(k->owned);
	free(k);
	l->leaks = NULL;
}

void
leaks_set_sweep(struct loop *l, usec_t every)
{
	l->leaks->every = every;
	l->leaks->epoch_next = l->sweep_next = l->now + every;
}

/* ---- who owns what ---- */

static int64_t
key_of(const struct task *t)
{
	return (int64_t)(intptr_t)t;
}

void *
fd_table_grow(void *table, unsigned *size, size_t each, int fd)
{
	unsigned before = *size;

	MUST(fd >= 0);
	if (*size == 0)
		*size = 64;
	while (*size <= (unsigned)fd)
		*size *= 2;
	table = xrealloc(table, *size * each);
	memset((char *)table + before * each, 0, (*size - before) * each);
	return table;
}

static struct owned *
owned_at(struct leaks *k, int fd)
{
	if ((unsigned)fd >= k->size)
		k->owned = fd_table_grow(k->owned, &k->size, sizeof(*k->owned), fd);
	return &k->owned[fd];
}

/* Take it out of its owner's list. */
static void
owned_unlink(struct leaks *k, struct owned *o)
{
	if (o->owner == NULL)
		return;
	if (o->next >= 0)
		k->owned[o->next].prev = o->prev;
	if (o->prev >= 0)
		k->owned[o->prev].next = o->next;
	else if (o->next >= 0)
		map_set(&k->owners, key_of(o->owner), (void *)(uintptr_t)(o->next + 1));
	else
		(void)map_remove(&k->owners, key_of(o->owner));
	o->owner = NULL;
	o->next = o->prev = -1;
}

void
leaks_watch(struct loop *l, int fd, struct task *owner, const void *where)
{
	struct leaks *k = l->leaks;
	const struct task_kind *maker;
	struct owned *o;
	void *first;

	if (!ENGINE_SEES)
		return;
	o = owned_at(k, fd);
	*o = (struct owned){ .watched = true, .owner = owner, .where = where, .next = -1, .prev = -1 };
	maker = loop_running_kind(l);
	o->maker = maker != NULL ? maker->name : NULL;
	k->watched++;
	if (owner == NULL)
		return;
	first = map_get(&k->owners, key_of(owner));
	if (first != NULL) {
		o->next = (int)(uintptr_t)first - 1;
		k->owned[o->next].prev = fd;
	}
	map_set(&k->owners, key_of(owner), (void *)(uintptr_t)(fd + 1));
	l->owners = (unsigned)(k->owners.n + k->lent.n);
}

void
leaks_process(struct loop *l, int fd, int pid)
{
	if (ENGINE_SEES)
		l->leaks->owned[fd].pid = pid;
}

void
leaks_unwatch(struct loop *l, int fd)
{
	struct leaks *k = l->leaks;

	if ((unsigned)fd >= k->size || !k->owned[fd].watched)
		return;
	owned_unlink(k, &k->owned[fd]);
	k->owned[fd].watched = false;
	k->watched--;
	l->owners = (unsigned)(k->owners.n + k->lent.n);
}

static void
lender_forget(struct leaks *k, const struct task *t)
{
	(void)map_remove(&k->lent, key_of(t));
	(void)map_remove(&k->lenders, key_of(t));
}

void
leaks_lend(struct loop *l, const struct task *t, const void *where)
{
	struct map *lent = &l->leaks->lent;
	uintptr_t n;

	if (t == NULL || !ENGINE_SEES)
		return;
	n = (uintptr_t)map_get(lent, key_of(t));
	if (n == 0)
		map_set(&l->leaks->lenders, key_of(t), (void *)(uintptr_t)where);
	map_set(lent, key_of(t), (void *)(n + 1));
	l->owners = (unsigned)(l->leaks->owners.n + lent->n);
}

void
leaks_back(struct loop *l, const struct task *t)
{
	struct map *lent = &l->leaks->lent;
	uintptr_t n = t == NULL || !ENGINE_SEES ? 0 : (uintptr_t)map_get(lent, key_of(t));

	if (n > 1)
		map_set(lent, key_of(t), (void *)(n - 1));
	else if (n == 1)
		lender_forget(l->leaks, t);
	l->owners = (unsigned)(l->leaks->owners.n + lent->n);
}

void
leaks_owner_gone(struct loop *l, const struct task *t, const struct task_kind *kind)
{
	struct leaks *k = l->leaks;
	void *first = map_get(&k->owners, key_of(t));
	uintptr_t lent = (uintptr_t)map_get(&k->lent, key_of(t));
	char text[FINDING_TEXT_MAX];

	for (int fd = (int)(uintptr_t)first - 1, next; fd >= 0; fd = next) {
		struct owned *o = &k->owned[fd];

		next = o->next;
		owned_unlink(k, o);
		o->orphan = true;
		o->owner_name = kind->name;
		o->epoch = l->epoch;
	}
	if (lent > 0) {
		(void)snprintf(text, sizeof(text), "%s ended while %zu of its operations %s still lent to"
		    " another thread", kind->name, (size_t)lent, lent == 1 ? "was" : "were");
		finding_add(l, FINDING_LENT, kind->name, NULL, map_get(&k->lenders, key_of(t)), 0, text);
		lender_forget(k, t);
	}
	l->owners = (unsigned)(k->owners.n + k->lent.n);
}

void
leaks_owned(const struct loop *l, const struct task *t, char *out, size_t n)
{
	const struct leaks *k = l->leaks;
	unsigned told = 0;
	size_t used = 0;

	out[0] = '\0';
	if (k == NULL)
		return;
	for (int fd = (int)(uintptr_t)map_get(&k->owners, key_of(t)) - 1; fd >= 0 && used < n;
	    fd = k->owned[fd].next) {
		const char *between = told > 0 ? ", " : "";

		if (told++ == OWNED_TOLD) {
			(void)snprintf(out + used, n - used, ", ...");
			return;
		}
		used += (size_t)(k->owned[fd].pid != 0 ?
		    snprintf(out + used, n - used, "%spid %d", between, k->owned[fd].pid) :
		    snprintf(out + used, n - used, "%sfd %d", between, fd));
	}
}

bool
leaks_lent(const struct loop *l, const struct task *t)
{
	return l->leaks != NULL && map_get(&l->leaks->lent, key_of(t)) != NULL;
}

unsigned
leaks_watched(const struct loop *l)
{
	return l->leaks->watched;
}

bool
leaks_is_watched(const struct loop *l, int fd)
{
	return (unsigned)fd < l->leaks->size && l->leaks->owned[fd].watched;
}

/* ---- the sweep ---- */

/* How many sweeps' time has passed; after 255 it begins anew, but by then it has been told. */
static unsigned
epochs_since(const struct loop *l, uint8_t epoch)
{
	return (uint8_t)(l->epoch - epoch);
}

/* Does it hold up a scope that was cancelled, with nothing in sight that would end it? */
static bool
does_not_drain(const struct loop *l, const struct task *t)
{
	if (!t->cancelled || t->child != NULL || epochs_since(l, t->cancel_epoch) < LEAK_EPOCHS)
		return false;
	return t->place == NULL || t->deadline == USEC_NEVER || t->deadline <= l->now;
}

static bool
is_overdue(const struct loop *l, const struct task *t)
{
	return t->place != NULL && !t->queued && t->deadline != USEC_NEVER &&
	    l->now - t->deadline > OVERDUE_MAX;
}

/* Who started it; the root nobody did. */
static const char *
maker_of(const struct task *t)
{
	return t->parent != NULL ? t->parent->kind->name : "the start";
}

/* Of those that were cancelled together: the uppermost. */
static const struct task *
scope_of(const struct task *t)
{
	while (t->parent != NULL && (t->parent->cancelled || t->parent->returned))
		t = t->parent;
	return t;
}

static void
task_check(struct loop *l, struct task *t)
{
	char text[FINDING_TEXT_MAX];
	struct task_info info;

	if (__builtin_expect(!t->cancelled && t->deadline >= l->now, 1) || t->told || t == l->running)
		return;
	if (does_not_drain(l, t)) {
		task_describe(t, 0, &info);
		(void)snprintf(text, sizeof(text), "%s%s%s%s was cancelled with %s and has not ended in %lld s: at"
		    " %s it waits%s for %s; made by %s", t->kind->name, info.serves[0] != '\0' ? " (" : "", info.serves,
		    info.serves[0] != '\0' ? ")" : "", scope_of(t)->kind->name,
		    (long long)((epochs_since(l, t->cancel_epoch) - 1) * l->leaks->every / USEC_SEC), info.place,
		    t->shielded ? ", shielded," : "", info.waits_for, maker_of(t));
		t->told = true;
		finding_add(l, FINDING_NOT_DRAINED, t->kind->name, info.serves, NULL, 0, text);
	} else if (is_overdue(l, t)) {
		task_describe(t, 0, &info);
		(void)snprintf(text, sizeof(text), "%s%s%s%s still waits at %s for %s, though its deadline passed"
		    " %lld s ago; made by %s", t->kind->name, info.serves[0] != '\0' ? " (" : "", info.serves,
		    info.serves[0] != '\0' ? ")" : "", info.place, info.waits_for,
		    (long long)((l->now - t->deadline) / USEC_SEC), maker_of(t));
		t->told = true;
		finding_add(l, FINDING_OVERDUE, t->kind->name, info.serves, NULL, 0, text);
	}
}

/* "descriptor 17" or "process 3121", in a sentence. */
static void
owned_describe(const struct owned *o, int fd, char *out, size_t n)
{
	const char *what = o->pid != 0 ? "process" : "descriptor";

	if (o->orphan)
		(void)snprintf(out, n, "%s %d is still watched, though %s, whose it was, has ended; made by %s",
		    what, o->pid != 0 ? o->pid : fd, o->owner_name, o->maker != NULL ? o->maker : "the start");
	else
		(void)snprintf(out, n, "%s %d is still watched; made by %s", what, o->pid != 0 ? o->pid : fd,
		    o->maker != NULL ? o->maker : "the start");
}

static void
owned_check(struct loop *l, int fd)
{
	struct owned *o = &l->leaks->owned[fd];
	char text[FINDING_TEXT_MAX];

	if (!o->watched || !o->orphan || o->told || epochs_since(l, o->epoch) < LEAK_EPOCHS)
		return;
	o->told = true;
	owned_describe(o, fd, text, sizeof(text));
	finding_add(l, o->pid != 0 ? FINDING_PROCESS : FINDING_DESCRIPTOR, o->owner_name, NULL, o->where, 0,
	    text);
}

/* Some more of it; true at its end. */
static bool
sweep_on(struct loop *l, unsigned n)
{
	struct leaks *k = l->leaks;
	const struct task *t;
	unsigned depth;

	if (!k->under_way) {
		task_walk_begin(&k->walk, l, l->root);
		k->at = 0;
		k->under_way = true;
	}
	for (; n > 0 && k->walk.at != NULL; n--) {
		t = task_walk_next(&k->walk, &depth);
		task_check(l, (struct task *)(uintptr_t)t);
	}
	if (k->walk.at != NULL)
		return false;
	task_walk_end(&k->walk);
	for (; n > 0 && k->at < k->size; n--)
		owned_check(l, (int)k->at++);
	if (k->at < k->size || !strays_slice(l))
		return false;
	k->under_way = false;
	return true;
}

void
leaks_slice(struct loop *l)
{
	struct leaks *k = l->leaks;

	/* One at a time: while we were stopped nobody had time to drain. */
	if (l->now >= k->epoch_next) {
		l->epoch++;
		k->epoch_next = l->now + k->every;
		watchdog_lines(l);
	}
	/* While it is under way, every tick goes on with it. */
	l->sweep_next = sweep_on(l, SLICE) ? k->epoch_next : 0;
}

bool
leaks_look(struct loop *l, bool *begun)
{
	struct leaks *k = l->leaks;

	if (!*begun) {
		*begun = true;
		task_walk_end(&k->walk);
		k->under_way = false;
	}
	if (!sweep_on(l, SLICE_ASKED))
		return false;
	if (l->sweep_next == 0)
		l->sweep_next = k->epoch_next;
	return true;
}

/* ---- the end ---- */

void
leaks_at_end(struct loop *l)
{
	const char *strict = getenv("JOBD_STRICT");
	struct leaks *k = l->leaks;
	char text[FINDING_TEXT_MAX];
	unsigned left = 0;

	for (unsigned fd = 0; fd < k->size; fd++) {
		if (!k->owned[fd].watched)
			continue;
		owned_describe(&k->owned[fd], (int)fd, text, sizeof(text));
		log_warning("left at the end: %s", text);
		left++;
	}
	if (l->held > 0)
		log_warning("left at the end: %d operations of another thread", l->held);
	left += (unsigned)l->held + strays_at_end(l);
	if (left == 0 || strict == NULL || strict[0] == '\0')
		return;
	if (l->root != NULL)
		task_dump(l->root, STDERR_FILENO, 1000);
	must_fail("nothing is left at the end of a loop", __FILE__, __LINE__, __func__);
}
