/*
 * plan: what has to be done so that jobd's jobs are as files say, and doing it.
 */
#ifndef CLIENT_PLAN_H
#define CLIENT_PLAN_H

#include "client/jobfile.h"
#include "proto/error.h"

enum plan_what { PLAN_SAME, PLAN_NEW, PLAN_CHANGED, PLAN_REMOVED };

struct plan_item {
	enum plan_what		 what;
	const struct jobfile	*file;		/* NULL: of one that is to go */
	char			*name;
	long long		 job, generation;
	struct cJSON		*was, *spec;	/* as jobd has it; as it is to be: NULL: there is none */
	char			*due_was, *due;	/* nextDue, or NULL */
	bool			 rescheduled;
	bool			 taken;		/* it was added otherwise, and is of the source from now on */
	bool			 stays;		/* it was to be removed, and could not be */
};

struct plan {
	struct client		*c;
	const char		*source;	/* of the files */
	bool			 prune, take;
	struct plan_item	*items;
	size_t			 n;
	bool			 done;		/* by plan_apply(): but for those that stay */
};

/*
 * Compare the files with jobd.  Nothing is changed.  0, or an exit code after having said all that is
 * wrong.  Then plan_done().
 */
int plan_make(struct plan *p, const struct jobfiles *files);

/*
 * One more for the plan: a job, as ask_job() has told it, that is to be as f says, and stays from where it is.  It must not
 * have been changed since.  As plan_make().
 */
int plan_change(struct plan *p, const struct cJSON *job, const struct jobfile *f);

/* Would jobd do all of it?  plan_make() has asked that; after plan_change() it is to be asked once.  As plan_make(). */
int plan_check(const struct plan *p);

/*
 * Do it: what is new and what is changed in one transaction, unless somebody else has changed one of the jobs
 * since plan_make(); then, if that was done, what goes, each by itself.  Tells of each.  0, or the exit code of
 * what failed first.
 */
int plan_apply(struct plan *p);

/* Say what would be done: jobs, and the lines of their files that differ. */
void plan_print(const struct plan *p);

/* The same as one JSON object; after plan_apply() what was done. */
struct cJSON *plan_json(const struct plan *p);

/* How many are not the same. */
size_t plan_changes(const struct plan *p);

/* What the coming time would bring with it and without, by the simulator.  0, or an exit code. */
int plan_impact(const struct plan *p, const char *until);

void plan_done(struct plan *p);

/* Why a job of a file (NULL: it is not known which) was refused, with its place.  The exit code. */
int refusal_tell(const struct jobfile *f, enum jobd_error error, const struct cJSON *parameters);

#endif
