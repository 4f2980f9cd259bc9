/*
 * describe: a schedule in words, for people: all that follows from it and can be told before it
 * happens.
 */
#ifndef SCHEDULER_DESCRIBE_H
#define SCHEDULER_DESCRIBE_H

#include "daemon/scheduler/schedule.h"
#include "proto/answers.h"

/* Time changes that are told. */
#define DESCRIBE_CHANGES_MAX 3

/* What is not of one of the exceptions or changes comes once. */
#define PHRASES_MAX (EXCEPT_MAX + DESCRIBE_CHANGES_MAX + PHRASE_COUNT)

struct phrases {
	struct phrase_info	items[PHRASES_MAX];
	size_t			n;
};

/* What is described. */
struct described {
	const struct job_spec	*spec;		/* of the job; of no job's its every and until */
	const struct schedule	*schedule;	/* that was made of it */
	bool			 job;
	instant			 from;		/* time changes are told from then on */
};

/* Appends; the caller calls phrases_done(). */
void describe(const struct described *d, struct phrases *out);
void phrases_done(struct phrases *p);

#endif
