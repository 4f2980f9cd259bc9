/*
 * occurrence: a table of occurrences of a schedule, as Next and Backfill give them.
 */
#ifndef CLIENT_OCCURRENCE_H
#define CLIENT_OCCURRENCE_H

struct cJSON;
struct output;

void occurrences_print(const struct output *o, const struct cJSON *occurrences);

#endif
