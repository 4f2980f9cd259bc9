/*
 * progress: what a command reports on the descriptor JOBD_PROGRESS_FD: lines like "42% copying" or
 * "42 copying", the text without limit of form but of length.  The latest counts; it is told
 * at most once a second.  Who writes faster than it is read waits in his own pipe.
 */
#ifndef RUNNER_PROGRESS_H
#define RUNNER_PROGRESS_H

#include "daemon/engine/stream.h"
#include "daemon/engine/task.h"
#include "proto/runner.h"

/* Which descriptor it is in the command. */
#define PROGRESS_FD		3
#define PROGRESS_VARIABLE	"JOBD_PROGRESS_FD"
/* Between two looks. */
#define PROGRESS_PAUSE		USEC_SEC

struct attempt;
struct runner;

struct progress {
	struct task		 task;
	struct attempt		*attempt;
	struct progress		*next, *prev;	/* the runner's, of all that run */
	struct stream		 stream;
	uint64_t		 sequence;	/* of the runner's, when it was news; 0: nothing yet */
	struct runner_progress	 latest;
};

/* Take over the reading end, as a child of the attempt; it frees itself with the attempt's end. */
void progress_start(struct attempt *a, int fd);

/*
 * Across an execution of the program: what it has, and on with that.  The descriptor is kept open
 * by the caller.
 */
struct cJSON;
struct cJSON *progress_save(const struct progress *p);
void progress_resume(struct attempt *a, const struct cJSON *saved);

/* One line, without its end: does it report anything?  text is allocated, or NULL. */
bool progress_parse(const char *line, size_t n, int64_t *percent, char **text);

#endif
