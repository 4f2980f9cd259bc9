/*
 * progress: how far a run is, and when it may be over, for people: a bar in tables, and one line
 * on the terminal while jobctl waits.
 */
#ifndef CLIENT_PROGRESS_H
#define CLIENT_PROGRESS_H

#include <stdbool.h>

struct cJSON;
struct output;

/*
 * "[####------] 42% copying, 2m left" of a run that is alive, as far as it is known; NULL when nothing
 * is, or it is over.  The percentage is what the command has reported; the time left follows from
 * how long such runs take, or else from the percentage.  Allocated.
 */
char *progress_text(const struct output *o, const struct cJSON *run);

/* The line of one who waits. */
struct progress {
	const struct output	*output;	/* NULL: nobody looks */
	struct cJSON		*report;	/* the latest of Wait */
};

/* Nothing is shown with --json, and where stderr is no terminal. */
void progress_init(struct progress *p, const struct output *o);

/* Is there somebody to look?  Then Wait should be asked for reports. */
bool progress_wanted(const struct progress *p);

/* A reply of Wait: taken over if it is of use, and shown. */
void progress_report(struct progress *p, struct cJSON **reply);

/* Show it again, some time later: of type void *, for call.on_tick. */
void progress_tick(void *progress);

/* The line goes. */
void progress_done(struct progress *p);

#endif
