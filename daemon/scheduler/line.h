/*
 * line: who waits for a slot, and who has one.  A line for each named queue, and one for each kind
 * of what is in no queue; in a line a flow for each user.  Structures without a task or a clock;
 * the scheduler opens the gates.
 *
 * The order: the higher priority first; among the same priority the users in turn; of one user who
 * came first.  Only the first of a line may start, so nothing but a higher priority overtakes
 * one that waits for several slots.  But one whose mutex is held leaves the line until that is free,
 * and then stands in its old place again.
 *
 * Memory holds a bounded part of a flow: what has no room is left to the store, and is loaded from
 * there when the flow has come down (load.h).  So a backlog, or a queue that is paused, keeps nothing
 * else out of the window.  One that comes with a higher priority makes one with a lower one give way
 * to it; but what is loaded again comes in the order of dues.
 */
#ifndef SCHEDULER_LINE_H
#define SCHEDULER_LINE_H

#include "daemon/base/heap.h"
#include "daemon/base/map.h"
#include "daemon/store/ops.h"

/* So many of a flow are in memory, however many others wait. */
#define LINE_KEEP_MIN	2

/* Slots when nobody has set any: of default (for each processor, but at least), of the others. */
#define SLOTS_PER_CPU	2
#define SLOTS_MIN	4
#define SLOTS_SCHEDULE	64
#define SLOTS_NAMED	1

struct pending;
struct line;
struct flow;

/* A place in the order of dues. */
struct window_place {
	instant	due;
	int64_t	id;
};

struct mutex {
	struct mutex	*next;		/* with the same hash */
	char		*name;
	int64_t		 refs;		/* stands with it */
	int64_t		 held;		/* 0 or 1; more only if an earlier daemon was wrong */
	struct seat	*holder;
	struct pending	*first, *last;	/* who waits for it, PENDING_BLOCKED */
};

/* Where a job stands; in what waits, and in what runs. */
struct stand {
	struct flow	*flow;
	struct mutex	*mutex;		/* or NULL */
	int16_t		 priority;
	uint16_t	 slots;		/* that it asks for, from 1 */
	uint16_t	 limit;		/* of overlap, from 1 */
	uint8_t		 overlap;	/* enum overlap */
};

/* A run that goes on. */
struct seat {
	struct stand	 stand;
	int64_t		 job, run;	/* run 0: its claim is not answered */
	int64_t		 taken;		/* slots */
	struct seat	*next, *prev;	/* in its line */
	struct seat	*lane_next;	/* of the same job (queue.h) */
};

/* What one user has in a line. */
struct flow {
	struct line	*line;
	int64_t		 uid;
	int64_t		 refs;		/* stands in it */
	struct heap	 heap;		/* in line: by priority, then as they came */
	int64_t		 turn;		/* counts its starts; the least is next */
	size_t		 held;		/* occurrences in line or blocked: in memory */
	size_t		 runs;		/* queued runs in memory (queue.h) */
	/* the store has others: occurrences from `beyond` on; and queued runs */
	bool		 more, loading, runs_more;
	struct window_place beyond, noted;
	int		 more_priority;	/* the highest of what was left to the store */
	struct flow	*next, *prev;	/* in the line's list of those with a heap that is not empty */
	struct flow	*more_next, *more_prev;
	struct pending	*best;		/* while a mutex is given up */
};

struct line {
	struct line	*hash_next;
	char		*name;		/* NULL: of a kind that is in no queue */
	int		 kind;		/* then */
	int64_t		 slots_set;	/* 0: by default */
	instant		 paused;	/* none: it is not */
	char		*paused_by;
	int64_t		 rate;
	usec_t		 rate_usec;
	bool		 removed;
	int64_t		 taken, running;
	bool		 started;	/* something has been, the last at: */
	usec_t		 last_start;	/* monotonic */
	size_t		 n;		/* in line */
	size_t		 blocked;	/* waiting for a mutex */
	int64_t		 turn;		/* of the flow that was last served */
	struct map	 flows;		/* by uid + 1 */
	struct flow	*first, *last;	/* with somebody in line */
	struct seat	*seats;
	struct line	*next, *prev;	/* in the ring of those with n > 0 */
	struct line	*all_next;
};

struct lines {
	struct map	 named, mutexes;	/* by hash */
	struct line	*all;
	struct line	 kinds[KIND_COUNT];
	/* queued runs of heartbeats: what was pinged waits for no place that silent ones have taken */
	struct line	 pinged;
	struct line	*standard, *schedule;
	int64_t		 slots_standard, slots_schedule, slots_named;
	struct line	*first, *last;		/* somebody is in line; the first is asked next */
	size_t		 ring_n;
	int64_t		 came;			/* a number for each who comes */
	size_t		 held, held_max, keep_max;	/* held: occurrences in line or blocked, of all */
	struct flow	*more_first, *more_last;
};

struct lines_config {
	size_t	held_max;	/* occurrences in memory, about, in all flows */
	int64_t	slots_standard, slots_schedule, slots_named;	/* 0: by default */
};

void lines_init(struct lines *l, const struct lines_config *config);
/* The slots of queues that nobody has given any: 0 is by default. */
void lines_set_slots(struct lines *l, int64_t standard, int64_t schedule, int64_t named);
/* No stand may be left. */
void lines_done(struct lines *l);

/* The line of a queue; made when it is not there. */
struct line *lines_get(struct lines *l, const char *name);
struct line *lines_find(const struct lines *l, const char *name);	/* or NULL */

/* As the store has it. */
void lines_set(struct lines *l, const struct queue_row *row);
void lines_remove(struct lines *l, const char *name);

/* How many slots it has; those of no queue have no end of them. */
int64_t line_slots(const struct lines *l, const struct line *line);

/* ---- stands ---- */

/* by_hand: it was asked for, so that one of the queue schedule waits with those that come once. */
struct stand stand_open(struct lines *l, int64_t uid, int kind, const struct queue_terms *terms,
    bool by_hand);
/* A queued run of a heartbeat stands among those, and goes on beside others of its job. */
void stand_pinged(struct lines *l, struct stand *st);
struct stand stand_copy(const struct stand *st);
bool stand_same(const struct stand *a, const struct stand *b);
void stand_done(struct lines *l, struct stand *st);

/* ---- waiting ---- */

/* In line, behind all of its priority in its flow; or in its old place, when it was blocked. */
void line_push(struct lines *l, struct pending *p);

/* Out of the line, or of those who wait for its mutex: as PENDING_TAKEN. */
void line_remove(struct lines *l, struct pending *p);

/* Who is next in a line; or NULL. */
struct pending *line_first(const struct line *line);

/* The first of a line waits for its mutex, out of the line. */
void line_block(struct lines *l, struct pending *p);

/* The ring: the line that is asked next, or NULL; then it is the last. */
struct line *lines_turn(struct lines *l);

/* How many are before it in its line, in memory. */
int64_t line_before(const struct pending *p);

/* Slots that one takes in its line. */
int64_t line_need(const struct lines *l, const struct stand *st);

/*
 * It was to take its mutex and did not, or has given it up: when nobody holds it, the first of
 * every flow that waits for it are in line again.
 */
void mutex_look(struct lines *l, struct mutex *m);

/* ---- running ---- */

/* Unconditionally; now is monotonic: the line's rate counts it. */
void seat_take(struct lines *l, struct seat *seat, usec_t now);
void seat_leave(struct lines *l, struct seat *seat);

/* Monotonic: by the line's rate, as it is now, nothing starts earlier; 0: at any time. */
usec_t line_not_before(const struct line *line);

/* ---- what is left to the store ---- */

/*
 * An occurrence, not in line yet, is to stand in line.  False: it is noted, and to be dropped.
 * True: it may; and *ret_instead, if not NULL, is noted, and to leave the line and be dropped instead.
 */
bool flow_admits(struct lines *l, const struct pending *p, struct pending **ret_instead);

/* For how many more occurrences there is room in a flow. */
size_t flow_room(const struct lines *l, const struct flow *f);

/* A flow that should be loaded, or NULL. */
struct flow *lines_wanting(const struct lines *l);

/* Around its load: of what comes from `from` on; then next is the first that was not taken over (due
 * USEC_NEVER: none). */
void flow_load_begin(struct flow *f, struct window_place *ret_from);
bool flow_load_reached(const struct flow *f, struct window_place place); /* what was noted meanwhile */
void flow_load_end(struct lines *l, struct flow *f, struct window_place next);

/* Everything is looked up again by the window: no flow has more. */
void lines_forget(struct lines *l);

#endif
