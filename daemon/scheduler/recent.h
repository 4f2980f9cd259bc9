/*
 * recent: the latest events, for who comes later and asks what was.  They are kept packed in a ring of
 * so many bytes: the oldest make room, and it is counted how many have.
 */
#ifndef SCHEDULER_RECENT_H
#define SCHEDULER_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/types.h"

/* NULL keeps none, and may be looked at like any other. */
struct recent;

/* From now on, so many bytes of them.  The memory is touched only as it fills. */
struct recent *recent_new(size_t bytes, instant now);
void recent_free(struct recent *r);

/* Keep so many from now on: of the events that are there, the latest that fit. */
void recent_resize(struct recent *r, size_t bytes);

/* Keep a copy. */
void recent_add(struct recent *r, const struct event_info *e);

/* How many were kept and are not any more. */
int64_t recent_gone(const struct recent *r);

/* Whatever happened after this instant is still there: when it began, or when the latest was that is gone. */
instant recent_since(const struct recent *r);

/* A place between two events; zeroed, it is before the oldest there ever was. */
struct recent_place {
	int64_t		index;
	uint64_t	position;
};

/* Before the oldest that is there. */
struct recent_place recent_place_first(const struct recent *r);

/* What comes next, and how many had gone before it could be looked at.  False: nothing. */
bool recent_next(const struct recent *r, struct recent_place *place, struct event_info *ret, int64_t *ret_gone);

#endif
