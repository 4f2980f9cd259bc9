/*
 * selection: which jobs a command is for, alike for all that take several: words, -l, --state, --all.
 */
#ifndef CLIENT_SELECTION_H
#define CLIENT_SELECTION_H

#include "client/client.h"

/* Rows for a table of options. */
#define SELECTION_OPTIONS \
	{ 'l', "label", "K=V", OPTION_TEXTS, 0, "label", NULL, \
	    "only jobs with this label, may be repeated" }, \
	{ .name = "state", .argument = "STATE", .kind = OPTION_TEXTS, .field = "state", \
	    .help = "only jobs in this state: running, paused, finished,\n" \
	    "                           ...; may be repeated" }, \
	{ .name = "all", .help = "every job" }

/* What of a command's row goes with them. */
#define SELECTION_WORDS .words_field = "jobs", .words_name = "JOB", .words_max = WORDS_ANY

/*
 * Put what was given into the parameters.  0, or EXIT_USAGE after having said that nothing was: a
 * command is for every job only when that is said.
 */
int selection_take(struct client *c, struct cJSON *parameters);

/* The reply says that there are more jobs: ask for them with the same parameters.  False: there are none. */
bool selection_next(struct cJSON *parameters, const struct cJSON *reply);

/* An option that takes a time (its field has its name): of the clock alone, like 03:00, it is the latest that has been. */
void past_take(struct client *c, const char *name);

/*
 * --since, into the parameters: how long ago, or when; a time of day is the latest that has passed.
 * 0, or EXIT_USAGE after having said that it is neither.
 */
int since_take(struct client *c);

#endif
