/*
 * history: how the latest runs of a job went: a line of blocks, and a table of percentiles.
 */
#ifndef CLIENT_HISTORY_H
#define CLIENT_HISTORY_H

struct cJSON;
struct output;

/* A reply of History, for people.  Of fewer than two runs there is nothing to say. */
void history_print(const struct output *o, const struct cJSON *history);

#endif
