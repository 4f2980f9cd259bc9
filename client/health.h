/*
 * health: of a job (type Job on the wire) that is a check or a heartbeat, in words.
 */
#ifndef CLIENT_HEALTH_H
#define CLIENT_HEALTH_H

#include <stdbool.h>

struct cJSON;
struct output;

/* Of a list's row: "ok", "down: HTTP 503", "up: HTTP 503" of one that is not down yet; allocated. */
char *health_result(const struct cJSON *job);

/* Of a heartbeat: does its latest run wait for a ping that should have come? */
bool heartbeat_late(const struct cJSON *job);

/* The line of status: since when, and what counts.  Nothing of other jobs. */
void health_told(const struct output *o, const struct cJSON *job);

/* The line of status about the check that it depends on. */
void health_parent_told(const struct output *o, const struct cJSON *parent);

#endif
