/*
 * spec: a job as it is asked for (type JobSpec): its options on the command line, and
 * the way back to words.
 */
#ifndef CLIENT_SPEC_H
#define CLIENT_SPEC_H

#include "client/client.h"

/* Bits of the verbs that share the options, for option.not_for. */
#define VERB_ADD	1u
#define VERB_RUN	2u

extern const struct option spec_options[];

/* Options of a check that a heartbeat has, too: there they are the job's own fields. */
extern const struct option spec_heartbeat_options[];

/*
 * Complete args.parameters, which the options have filled, to one JobSpec: the command
 * and the directory, exactly one kind, nothing that belongs to another kind.  0, or
 * EXIT_USAGE after having said what is wrong.
 */
int spec_complete(struct client *c);

/* The object of a kind in a JobSpec, made when nothing has made it before. */
struct cJSON *spec_part(struct cJSON *spec, const char *kind);

/* The part of it that is of all kinds: options whose text is several fields. */
int spec_complete_kind(struct client *c, const char *kind);

/*
 * Print what a JobSpec says, a line each: "  every        1h".  known: without its name and
 * description, which have been told.
 */
void spec_print(const struct output *o, const struct cJSON *spec, bool known);

/* The texts of an array that the object has under this name, a line each. */
void texts_print(const struct output *o, const char *label, const struct cJSON *holder,
    const char *name);

/* One such line; takes the text over and prints nothing for an empty one. */
void line_print(const struct output *o, const char *label, char *text);

#endif
