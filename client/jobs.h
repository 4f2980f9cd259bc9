/*
 * jobs: the table of jobs, which several commands show.
 */
#ifndef CLIENT_JOBS_H
#define CLIENT_JOBS_H

#include "client/client.h"

struct cJSON;

extern const struct column jobs_columns[];

/* The cells of one job; t was begun with jobs_columns. */
void jobs_row(struct table *t, const struct cJSON *job);

#endif
