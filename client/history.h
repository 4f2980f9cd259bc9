/*
 * history: how the latest runs of a job went: a line of blocks, and a table of percentiles.
 */
#ifndef CLIENT_HISTORY_H
#define CLIENT_HISTORY_H

struct client;

/* Ask, and print it.  Of fewer runs than that nothing is said.  0, or an exit code after having said what is wrong. */
int history_of(const struct client *c, const char *job, int least);

#endif
