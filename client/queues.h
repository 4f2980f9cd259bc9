/*
 * queues: the table of queues, which several commands show.
 */
#ifndef CLIENT_QUEUES_H
#define CLIENT_QUEUES_H

#include "client/client.h"

struct cJSON;

extern const struct column queues_columns[];

/* The cells of one queue; t was begun with queues_columns. */
void queues_row(struct table *t, const struct cJSON *queue);

#endif
