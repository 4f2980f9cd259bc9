/*
 * attempts: the attempts of a run that needed more than one, which show and status tell.
 */
#ifndef CLIENT_ATTEMPTS_H
#define CLIENT_ATTEMPTS_H

#include <stdbool.h>

struct client;
struct cJSON;
struct output;

/* Is the word a run, like 12.3? */
bool attempts_is_run(const char *word);

/*
 * Get one run with its attempts.  0, and the reply that holds it in *ret, for json_free(), with the
 * run in *run; or an exit code, after having said what is wrong.
 */
int attempts_get(const struct client *c, const char *word, struct cJSON **ret,
    const struct cJSON **run);

/* A table of them, when there are more than the one that the run itself tells of. */
void attempts_print(const struct output *o, const struct cJSON *run);

#endif
