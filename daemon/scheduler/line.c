/*
 * line: see line.h.  A flow's heap has one key for both parts of the order: the priority in the upper
 * bits, a number that grows with each who comes in the lower ones; so no two are equal.  The
 * users of a line take turns by counting: who has had the fewest starts is next, and a user who
 * comes anew has had as many as the one who was served last.
 */
#include "daemon/scheduler/line.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/must.h"
#include "daemon/scheduler/window.h"
#include "proto/mem.h"

#define NEVER ((struct window_place){ { USEC_NEVER }, INT64_MAX })

/* Bits of a key that say when it came; above them is the priority. */
#define CAME_BITS 52

static bool
place_before(struct window_place a, struct window_place b)
{
	return a.due.usec != b.due.usec ? a.due.usec < b.due.usec : a.id < b.id;
}

/* ---- lines ---- */

void
lines_set_slots(struct lines *l, int64_t standard, int64_t schedule, int64_t named)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int64_t otherwise = cpus > 0 ? cpus * SLOTS_PER_CPU : 0;

	l->slots_standard = standard > 0 ? standard : otherwise > SLOTS_MIN ? otherwise : SLOTS_MIN;
	l->slots_schedule = schedule > 0 ? schedule : SLOTS_SCHEDULE;
	l->slots_named = named > 0 ? named : SLOTS_NAMED;
}

void
lines_init(struct lines *l, const struct lines_config *config)
{
	*l = (struct lines){ .held_max = config->held_max, .keep_max = config->held_max / 2 };
	if (l->keep_max < LINE_KEEP_MIN)
		l->keep_max = LINE_KEEP_MIN;
	lines_set_slots(l, config->slots_standard, config->slots_schedule, config->slots_named);
	for (int kind = 0; kind < KIND_COUNT; kind++)
		l->kinds[kind].kind = kind;
	l->pinged.kind = KIND_HEARTBEAT;
	l->standard = lines_get(l, QUEUE_DEFAULT);
	l->schedule = lines_get(l, QUEUE_SCHEDULE);
}

static void
flows_free(struct line *line)
{
	size_t position = 0;
	struct flow *f;

	while ((f = map_next(&line->flows, &position)) != NULL) {
		MUST(f->refs == 0 && f->heap.n == 0);
		heap_done(&f->heap);
		free(f);
	}
	map_done(&line->flows);
}

void
lines_done(struct lines *l)
{
	struct line *line;

	while ((line = l->all) != NULL) {
		l->all = line->all_next;
		flows_free(line);
		free(line->name);
		free(line->paused_by);
		free(line);
	}
	for (int kind = 0; kind < KIND_COUNT; kind++)
		flows_free(&l->kinds[kind]);
	flows_free(&l->pinged);
	MUST(l->mutexes.n == 0);
	map_done(&l->mutexes);
	map_done(&l->named);
}

static struct line *
line_search(const struct lines *l, const char *name, int64_t hash)
{
	struct line *line = map_get(&l->named, hash);

	while (line != NULL && strcmp(line->name, name) != 0)
		line = line->hash_next;
	return line;
}

struct line *
lines_find(const struct lines *l, const char *name)
{
	struct line *line = line_search(l, name, map_key(name));

	return line == NULL || line->removed ? NULL : line;
}

struct line *
lines_get(struct lines *l, const char *name)
{
	int64_t hash = map_key(name);
	struct line *line = line_search(l, name, hash);

	if (line == NULL) {
		line = xcalloc(1, sizeof(*line));
		line->name = xstrdup(name);
		line->hash_next = map_get(&l->named, hash);
		map_set(&l->named, hash, line);
		line->all_next = l->all;
		l->all = line;
	}
	line->removed = false;
	return line;
}

void
lines_set(struct lines *l, const struct queue_row *row)
{
	struct line *line = lines_get(l, row->name);

	line->slots_set = row->slots;
	/* One that asks for more than there was takes more now, as it would after a restart. */
	line->taken = 0;
	for (struct seat *seat = line->seats; seat != NULL; seat = seat->next) {
		seat->taken = line_need(l, &seat->stand);
		line->taken += seat->taken;
	}
	line->paused = row->paused;
	free(line->paused_by);
	line->paused_by = xstrdup(row->paused_by);
	line->rate = row->rate;
	line->rate_usec = row->rate_usec;
}

void
lines_remove(struct lines *l, const char *name)
{
	struct line *line = lines_find(l, name);

	/* The struct stays: a run that is being decided may still stand in it. */
	if (line == NULL)
		return;
	lines_set(l, &(struct queue_row){ .name = line->name });
	line->removed = true;
}

int64_t
line_slots(const struct lines *l, const struct line *line)
{
	if (line->name == NULL)
		return INT64_MAX;
	if (line->slots_set > 0)
		return line->slots_set;
	if (line == l->standard)
		return l->slots_standard;
	return line == l->schedule ? l->slots_schedule : l->slots_named;
}

usec_t
line_not_before(const struct line *line)
{
	if (!line->started || line->rate == 0)
		return 0;
	/* Rounded up: never more than the rate. */
	return line->last_start + (line->rate_usec + line->rate - 1) / line->rate;
}

/* ---- stands ---- */

static struct flow *
flow_obtain(struct line *line, int64_t uid)
{
	struct flow *f = map_get(&line->flows, uid + 1);

	if (f != NULL)
		return f;
	f = xcalloc(1, sizeof(*f));
	f->line = line;
	f->uid = uid;
	f->turn = line->turn;
	map_set(&line->flows, uid + 1, f);
	return f;
}

/* Of nobody's any more, and no turn is to be remembered, as nobody else waits. */
static void
flow_tidy(struct flow *f)
{
	struct line *line = f->line;

	if (f->refs > 0 || f->more || f->loading || f->runs_more || line->n > 0)
		return;
	MUST(f->heap.n == 0 && f->held == 0);
	(void)map_remove(&line->flows, f->uid + 1);
	heap_done(&f->heap);
	free(f);
}

static struct mutex *
mutex_obtain(struct lines *l, const char *name)
{
	int64_t hash = map_key(name);
	struct mutex *first = map_get(&l->mutexes, hash), *m = first;

	while (m != NULL && strcmp(m->name, name) != 0)
		m = m->next;
	if (m == NULL) {
		m = xcalloc(1, sizeof(*m));
		m->name = xstrdup(name);
		m->next = first;
		map_set(&l->mutexes, hash, m);
	}
	m->refs++;
	return m;
}

static void
mutex_unref(struct lines *l, struct mutex *m)
{
	int64_t hash;
	struct mutex *first, **link;

	MUST(m->refs > 0);
	if (--m->refs > 0)
		return;
	MUST(m->held == 0 && m->first == NULL);
	hash = map_key(m->name);
	first = map_get(&l->mutexes, hash);
	for (link = &first; *link != m; link = &(*link)->next)
		continue;
	*link = m->next;
	if (first != NULL)
		map_set(&l->mutexes, hash, first);
	else
		(void)map_remove(&l->mutexes, hash);
	free(m->name);
	free(m);
}

static struct line *
line_for(struct lines *l, int kind, const struct queue_terms *terms, bool by_hand)
{
	struct line *line;

	if (terms->queue == NULL)
		return kind == KIND_COMMAND ? l->standard : &l->kinds[kind];
	line = lines_get(l, terms->queue);
	return by_hand && line == l->schedule ? l->standard : line;
}

static int64_t
within(int64_t value, int64_t least, int64_t most)
{
	return value < least ? least : value > most ? most : value;
}

struct stand
stand_open(struct lines *l, int64_t uid, int kind, const struct queue_terms *terms, bool by_hand)
{
	const struct job_spec like = { .overlap = terms->overlap,
	    .overlap_limit = terms->overlap_limit };
	struct stand st = {
		.flow = flow_obtain(line_for(l, kind, terms, by_hand), uid),
		.priority = (int16_t)within(terms->priority, -PRIORITY_MAX, PRIORITY_MAX),
		.slots = (uint16_t)within(terms->slots, 1, QUEUE_SLOTS_MAX),
		.limit = (uint16_t)within(job_spec_overlap_limit(&like), 1, OVERLAP_LIMIT_MAX),
		.overlap = (uint8_t)terms->overlap,
	};

	st.flow->refs++;
	if (terms->mutex != NULL)
		st.mutex = mutex_obtain(l, terms->mutex);
	return st;
}

void
stand_pinged(struct lines *l, struct stand *st)
{
	struct flow *f = flow_obtain(&l->pinged, st->flow->uid);
	struct stand was = *st;

	f->refs++;
	st->flow = f;
	st->mutex = NULL;
	/* Nor for another run of its own job that waits for a ping. */
	st->overlap = OVERLAP_PARALLEL;
	st->limit = OVERLAP_PARALLEL_DEFAULT;
	stand_done(l, &was);
}

struct stand
stand_copy(const struct stand *st)
{
	st->flow->refs++;
	if (st->mutex != NULL)
		st->mutex->refs++;
	return *st;
}

bool
stand_same(const struct stand *a, const struct stand *b)
{
	return a->flow == b->flow && a->mutex == b->mutex && a->priority == b->priority &&
	    a->slots == b->slots && a->limit == b->limit && a->overlap == b->overlap;
}

void
stand_done(struct lines *l, struct stand *st)
{
	struct flow *f = st->flow;

	if (f == NULL)
		return;
	if (st->mutex != NULL)
		mutex_unref(l, st->mutex);
	MUST(f->refs > 0);
	f->refs--;
	flow_tidy(f);
	*st = (struct stand){ 0 };
}

/* ---- in line ---- */

static int64_t
line_key(const struct pending *p)
{
	return ((int64_t)(PRIORITY_MAX - p->stand.priority) << CAME_BITS) | p->came;
}

static void
ring_add(struct lines *l, struct line *line)
{
	line->next = NULL;
	line->prev = l->last;
	if (l->last == NULL)
		l->first = line;
	else
		l->last->next = line;
	l->last = line;
	l->ring_n++;
}

static void
ring_remove(struct lines *l, struct line *line)
{
	if (line->prev == NULL)
		l->first = line->next;
	else
		line->prev->next = line->next;
	if (line->next == NULL)
		l->last = line->prev;
	else
		line->next->prev = line->prev;
	line->next = line->prev = NULL;
	l->ring_n--;
}

struct line *
lines_turn(struct lines *l)
{
	struct line *line = l->first;

	if (line != NULL && line != l->last) {
		ring_remove(l, line);
		ring_add(l, line);
	}
	return line;
}

/* The flow has somebody in line from now on; or nobody any more. */
static void
flow_list(struct flow *f)
{
	struct line *line = f->line;

	f->next = NULL;
	f->prev = line->last;
	if (line->last == NULL)
		line->first = f;
	else
		line->last->next = f;
	line->last = f;
	/* Who was away gets no starts for that. */
	if (f->turn < line->turn)
		f->turn = line->turn;
}

static void
flow_unlist(struct flow *f)
{
	struct line *line = f->line;

	if (f->prev == NULL)
		line->first = f->next;
	else
		f->prev->next = f->next;
	if (f->next == NULL)
		line->last = f->prev;
	else
		f->next->prev = f->prev;
	f->next = f->prev = NULL;
}

/* Occurrences are counted: how many are held is bounded. */
static void
held_add(struct lines *l, const struct pending *p, int by)
{
	if (p->run != 0)
		return;
	p->stand.flow->held += (size_t)by;
	l->held += (size_t)by;
}

void
line_push(struct lines *l, struct pending *p)
{
	struct flow *f = p->stand.flow;

	MUST(p->state == PENDING_TAKEN || p->state == PENDING_PARKED);
	MUST(l->came < (int64_t)1 << CAME_BITS);
	if (p->came == 0)
		p->came = ++l->came;
	p->state = PENDING_READY;
	if (f->heap.n == 0)
		flow_list(f);
	heap_insert(&f->heap, &p->node, line_key(p));
	if (f->line->n++ == 0)
		ring_add(l, f->line);
	held_add(l, p, 1);
}

static void
line_unlink(struct lines *l, struct pending *p)
{
	struct flow *f = p->stand.flow;

	heap_remove(&f->heap, &p->node);
	if (f->heap.n == 0)
		flow_unlist(f);
	if (--f->line->n == 0)
		ring_remove(l, f->line);
	held_add(l, p, -1);
}

static void
mutex_unlink(struct lines *l, struct pending *p)
{
	struct mutex *m = p->stand.mutex;

	if (p->prev == NULL)
		m->first = p->next;
	else
		p->prev->next = p->next;
	if (p->next == NULL)
		m->last = p->prev;
	else
		p->next->prev = p->prev;
	p->next = p->prev = NULL;
	p->stand.flow->line->blocked--;
	held_add(l, p, -1);
}

void
line_remove(struct lines *l, struct pending *p)
{
	MUST(p->state == PENDING_READY || p->state == PENDING_BLOCKED);
	if (p->state == PENDING_READY)
		line_unlink(l, p);
	else
		mutex_unlink(l, p);
	p->state = PENDING_TAKEN;
}

void
line_block(struct lines *l, struct pending *p)
{
	struct mutex *m = p->stand.mutex;

	MUST(p->state == PENDING_READY && m != NULL && m->held > 0);
	line_unlink(l, p);
	p->state = PENDING_BLOCKED;
	p->mutex_waited = true;
	p->next = NULL;
	p->prev = m->last;
	if (m->last == NULL)
		m->first = p;
	else
		m->last->next = p;
	m->last = p;
	p->stand.flow->line->blocked++;
	held_add(l, p, 1);
}

static const struct heap_entry *
flow_head(const struct flow *f)
{
	return heap_first(&f->heap);
}

/* Is a's first to start before b's? */
static bool
flow_before(const struct flow *a, const struct flow *b)
{
	int64_t x = flow_head(a)->key, y = flow_head(b)->key;

	if (x >> CAME_BITS != y >> CAME_BITS)
		return x < y;
	if (a->turn != b->turn)
		return a->turn < b->turn;
	return x < y;
}

struct pending *
line_first(const struct line *line)
{
	struct flow *best = line->first;

	if (best == NULL)
		return NULL;
	for (struct flow *f = best->next; f != NULL; f = f->next) {
		if (flow_before(f, best))
			best = f;
	}
	return container_of(flow_head(best)->node, struct pending, node);
}

/* Within its own flow, and about half of the other flows: they take turns. */
int64_t
line_before(const struct pending *p)
{
	const struct flow *own = p->stand.flow;
	int64_t key = line_key(p), n = 0, same = 0;

	for (uint32_t i = 0; i < own->heap.n; i++) {
		n += own->heap.entries[i].key < key;
		same += own->heap.entries[i].key < key &&
		    own->heap.entries[i].key >> CAME_BITS == key >> CAME_BITS;
	}
	for (const struct flow *f = own->line->first; f != NULL; f = f->next) {
		int64_t turns = 0;

		for (uint32_t i = 0; f != own && i < f->heap.n; i++) {
			n += f->heap.entries[i].key >> CAME_BITS < key >> CAME_BITS;
			turns += f->heap.entries[i].key >> CAME_BITS == key >> CAME_BITS;
		}
		n += turns < same ? turns : same;
	}
	return n;
}

int64_t
line_need(const struct lines *l, const struct stand *st)
{
	int64_t slots = line_slots(l, st->flow->line);

	return st->slots < slots ? st->slots : slots;
}

/* ---- running ---- */

void
mutex_look(struct lines *l, struct mutex *m)
{
	struct pending *p, *next;

	if (m->held > 0)
		return;
	for (p = m->first; p != NULL; p = p->next)
		p->stand.flow->best = NULL;
	for (p = m->first; p != NULL; p = p->next) {
		struct flow *f = p->stand.flow;

		if (f->best == NULL || line_key(p) < line_key(f->best))
			f->best = p;
	}
	for (p = m->first; p != NULL; p = next) {
		next = p->next;
		if (p->stand.flow->best != p)
			continue;
		line_remove(l, p);
		line_push(l, p);
	}
}

void
seat_take(struct lines *l, struct seat *seat, usec_t now)
{
	struct line *line = seat->stand.flow->line;

	seat->taken = line_need(l, &seat->stand);
	line->taken += seat->taken;
	line->running++;
	seat->prev = NULL;
	seat->next = line->seats;
	if (seat->next != NULL)
		seat->next->prev = seat;
	line->seats = seat;
	line->turn = seat->stand.flow->turn++;
	line->started = true;
	line->last_start = now;
	if (seat->stand.mutex != NULL) {
		seat->stand.mutex->held++;
		seat->stand.mutex->holder = seat;
	}
}

void
seat_leave(struct lines *l, struct seat *seat)
{
	struct line *line = seat->stand.flow->line;
	struct mutex *m = seat->stand.mutex;

	MUST(line->running > 0 && line->taken >= seat->taken);
	line->taken -= seat->taken;
	line->running--;
	if (seat->prev == NULL)
		line->seats = seat->next;
	else
		seat->prev->next = seat->next;
	if (seat->next != NULL)
		seat->next->prev = seat->prev;
	seat->next = seat->prev = NULL;
	if (m == NULL)
		return;
	MUST(m->held > 0);
	if (--m->held == 0)
		m->holder = NULL;
	mutex_look(l, m);
}

/* ---- what is left to the store ---- */

static void
more_add(struct lines *l, struct flow *f)
{
	f->more = true;
	f->more_next = NULL;
	f->more_prev = l->more_last;
	if (l->more_last == NULL)
		l->more_first = f;
	else
		l->more_last->more_next = f;
	l->more_last = f;
}

static void
more_remove(struct lines *l, struct flow *f)
{
	f->more = false;
	if (f->more_prev == NULL)
		l->more_first = f->more_next;
	else
		f->more_prev->more_next = f->more_next;
	if (f->more_next == NULL)
		l->more_last = f->more_prev;
	else
		f->more_next->more_prev = f->more_prev;
	f->more_next = f->more_prev = NULL;
}

/* It is left to the store. */
static void
flow_note(struct lines *l, const struct pending *p)
{
	struct window_place place = { p->due, p->job };
	struct flow *f = p->stand.flow;

	if (!f->more) {
		more_add(l, f);
		f->beyond = place;
		f->more_priority = p->stand.priority;
	} else if (place_before(place, f->beyond)) {
		f->beyond = place;
	}
	if (f->more_priority < p->stand.priority)
		f->more_priority = p->stand.priority;
	if (f->loading && place_before(place, f->noted))
		f->noted = place;
}

size_t
flow_room(const struct lines *l, const struct flow *f)
{
	size_t own = f->held < l->keep_max ? l->keep_max - f->held : 0;
	size_t all = l->held < l->held_max ? l->held_max - l->held : 0;

	if (own > all)
		own = all;
	return f->held < LINE_KEEP_MIN && own < LINE_KEEP_MIN - f->held ? LINE_KEEP_MIN - f->held : own;
}

/* The occurrence in line that is to start last. */
static struct pending *
flow_latest(const struct flow *f)
{
	struct pending *latest = NULL;

	for (uint32_t i = 0; i < f->heap.n; i++) {
		struct pending *p = container_of(f->heap.entries[i].node, struct pending, node);

		if (p->run == 0 && (latest == NULL || line_key(p) > line_key(latest)))
			latest = p;
	}
	return latest;
}

bool
flow_admits(struct lines *l, const struct pending *p, struct pending **ret_instead)
{
	struct window_place place = { p->due, p->job };
	struct flow *f = p->stand.flow;
	struct pending *latest;

	*ret_instead = NULL;
	/* Those that were left came before it: it overtakes them by its priority alone. */
	if (f->more && !place_before(place, f->beyond) && p->stand.priority <= f->more_priority) {
		flow_note(l, p);
		return false;
	}
	if (flow_room(l, f) > 0)
		return true;
	latest = flow_latest(f);
	if (latest == NULL || latest->stand.priority >= p->stand.priority) {
		flow_note(l, p);
		return false;
	}
	flow_note(l, latest);
	*ret_instead = latest;
	return true;
}

struct flow *
lines_wanting(const struct lines *l)
{
	size_t low = l->held < l->held_max / 2 ? l->keep_max / 4 : 0;

	for (struct flow *f = l->more_first; f != NULL; f = f->more_next) {
		if (!f->loading && (f->held <= low || f->held < LINE_KEEP_MIN))
			return f;
	}
	return NULL;
}

void
flow_load_begin(struct flow *f, struct window_place *ret_from)
{
	MUST(f->more && !f->loading);
	f->loading = true;
	f->noted = NEVER;
	*ret_from = f->beyond;
}

bool
flow_load_reached(const struct flow *f, struct window_place place)
{
	return !place_before(place, f->noted);
}

void
flow_load_end(struct lines *l, struct flow *f, struct window_place next)
{
	MUST(f->loading);
	f->loading = false;
	f->beyond = place_before(f->noted, next) ? f->noted : next;
	/* The window may have looked everything up meanwhile. */
	if (!f->more && f->beyond.due.usec != USEC_NEVER)
		more_add(l, f);
	if (f->more && f->beyond.due.usec == USEC_NEVER) {
		more_remove(l, f);
		flow_tidy(f);
	}
}

void
lines_forget(struct lines *l)
{
	struct flow *f;

	while ((f = l->more_first) != NULL) {
		more_remove(l, f);
		f->noted = NEVER;
		flow_tidy(f);
	}
}
