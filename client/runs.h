/*
 * runs: the table of runs, which several commands show.
 */
#ifndef CLIENT_RUNS_H
#define CLIENT_RUNS_H

#include "client/client.h"

struct cJSON;

extern const struct column runs_columns[];

/* The cells of one run; t was begun with runs_columns. */
void runs_row(struct table *t, const struct cJSON *run);

/* The same for each of an array, and print them. */
void runs_rows(struct table *t, const struct cJSON *runs);

/* A table of its own for a few runs. */
void runs_print(const struct output *o, const struct cJSON *runs);

#endif
